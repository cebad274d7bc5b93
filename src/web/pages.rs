//! The pages, one function each: answers in, HTML out.
//!
//! Every foreign word passes `html::foreign`; every address is percent-encoded. Pages say what is
//! claimed and what was verified, and how old that is; none knows where its answer came from.

mod entry;
mod error;
mod exceptions;
mod findings;
mod help;
mod kind;
mod ledgers;
mod overview;
mod parts;
mod policy;
mod remotes;
mod replay;
mod rows;
mod running;
#[cfg(test)]
mod tests;
mod timeline;
mod trace;

pub use entry::entry;
pub use error::error;
pub use exceptions::exceptions;
pub use findings::findings;
pub use help::help;
pub use ledgers::ledgers;
pub use overview::overview;
pub use policy::{policy, policy_change};
pub use replay::replay;
pub use timeline::timeline;
pub use trace::trace;
