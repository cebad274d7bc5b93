//! The component as a shell runs it.
