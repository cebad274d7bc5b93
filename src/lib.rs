//! git-ledger: a signed audit ledger that lives in an ordinary git repository.
//!
//! The rooms stand in the order in which an event travels through them; `ARCHITECTURE.md` says
//! which room may use which, and `cargo xtask tidy` checks it.
#![forbid(unsafe_code)]

pub mod finding;
pub mod git;
pub mod signature;
pub mod signer;
