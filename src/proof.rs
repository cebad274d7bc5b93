//! Proofs that travel: a receipt for one entry, and the evidence of a split, in one file that
//! nothing but the ledger's fingerprint is needed to judge.
//!
//! A file shows some entries of one history, each with the hashes that lead from it to the range
//! that the newest of them has signed, and the policies they name. A receipt shows one history;
//! evidence shows two that have their beginning in common. [`parse`] reads a file,
//! [`Proof::judge`] judges it, [`receipt`] and [`split`] make one from a [`History`].
//!
//! git, keys, files and the clock are not known here.
//!
//! Source: `ledger-spec/proof.md`; RFC 6962 §2.1.
//!
//! # Limits
//! What is not shown is not judged: that the history around the entries shown keeps the rules is a
//! question for `verify`. Trees and attachments do not travel.

mod build;
mod file;
mod fold;
mod history;
mod judge;
pub mod path;

use std::fmt;

use gix::hash::Kind as Format;

use crate::merkle::Hash;

pub use build::{BuildError, Built, Which, receipt, split};
pub use file::{MAX_BYTES, parse};
pub use fold::{Fate, Set};
pub use history::History;
pub use judge::{Judgement, Receipt, Side, Signer, Split, Statement};

/// One entry as a file shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The content of its commit.
    pub commit: String,
    /// The hashes that lead from it to the range of the entry it is proven against, the lowest
    /// first.
    pub path: Vec<Hash>,
}

/// What a file claims, and shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// One entry is part of a history.
    Receipt {
        /// The number of that entry.
        entry: u64,
        /// Entries of the history, ascending; the first is entry 0, the last the one that all are
        /// proven against.
        entries: Vec<Shown>,
    },
    /// Two histories part.
    Split {
        /// How.
        kind: SplitKind,
        /// Entries that both have, ascending; the first is entry 0, the last the newest one.
        common: Vec<Shown>,
        /// Entries of the one only: the first that differs, and on.
        here: Vec<Shown>,
        /// The same of the other.
        there: Vec<Shown>,
    },
}

/// What two histories that part amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitKind {
    /// Both go on after the first entries that differ: two histories were signed.
    Fork,
    /// One number was given twice, and on one side nothing follows: a lost race, or what looks
    /// like one.
    Stray,
    /// As a stray, and the bytes under both signatures are equal: no second history.
    Twin,
}

impl SplitKind {
    /// The word in files and output.
    pub fn word(self) -> &'static str {
        match self {
            SplitKind::Fork => "fork",
            SplitKind::Stray => "stray",
            SplitKind::Twin => "twin",
        }
    }
}

impl fmt::Display for SplitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A file, read and not yet judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The object format of the repository the commits are from.
    pub format: Format,
    /// The `ledger.toml` of every policy that the entries shown name, in the order in which they
    /// first name it.
    pub policies: Vec<String>,
    /// What it claims, and the entries.
    pub claim: Claim,
}
