//! Verdicts, entries and mirrors as text and JSON.
//!
//! It is handed values and knows neither git nor keys nor files. Every foreign word passes
//! [`crate::escape::printable`] on its way to a terminal; JSON carries it as it is, escaped by JSON's
//! own rules.

pub mod attributes;
mod captured;
pub mod doctor;
pub mod entries;
pub mod exceptions;
pub mod fail_modes;
pub mod format;
pub mod fresh;
pub mod layout;
pub mod mirrors;
pub mod policy_change;
pub mod policy_review;
pub mod proofs;
pub mod reviews;
mod said;
pub mod summary;
pub mod tally;
pub mod tips;
pub mod verdict;
