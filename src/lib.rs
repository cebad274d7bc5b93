//! git-ledger: a signed audit ledger that lives in an ordinary git repository.
//!
//! The rooms stand in the order in which an event travels through them; `ARCHITECTURE.md` says
//! which room may use which, and `cargo xtask tidy` checks it.
#![forbid(unsafe_code)]





// the thing
pub mod json;
pub mod event;
pub mod merkle;
pub mod principal;
pub mod entry;
// the seal
pub mod signature;
pub mod signer;
pub mod commit;
// the rules
pub mod finding;
pub mod policy;
pub mod tree;
pub mod chain;
pub mod trust;
// the judgement
pub mod store;
pub mod verify;
// the places
pub mod durable;
pub mod git;
pub mod ledger;
pub mod seen;
pub mod spool;
pub mod append;
pub mod marks;
// the copies
pub mod mirror;
// the doorkeeper
pub mod push_certificate;
pub mod hook;
// the telling
pub mod query;
pub mod report;
