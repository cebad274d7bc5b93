//! Talks to remotes: asks, fetches, pushes.
