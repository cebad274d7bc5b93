//! Why nothing was appended, or why that is not known.

use crate::finding::Finding;
use crate::git::{LockError, TransportError};
use crate::ledger::LedgerError;
use crate::signer::SignerError;

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The ledger's rules do not allow this entry.
    #[error("the ledger does not allow this entry: {}: {}", .0.id, .0.detail)]
    Refused(Finding),
    /// Another event stands under the same source and id.
    #[error(
        "entry {number} already records another event with source '{source_name}' and id '{id}'"
    )]
    Conflict {
        /// The entry that has it.
        number: u64,
        /// `source`.
        source_name: String,
        /// `id`.
        id: String,
    },
    /// The local branch holds entries the primary never took, and the primary others.
    #[error("the local ledger and '{0}' have split")]
    Split(String),
    /// The primary lacks entries it was seen to hold.
    #[error("'{name}' was seen with entry {number} and does not hold it any more")]
    PrimaryRolledBack {
        /// The remote.
        name: String,
        /// The number of the entry it held.
        number: u64,
    },
    /// The primary has no ledger.
    #[error("'{0}' has no ledger")]
    PrimaryAbsent(String),
    /// The primary refuses the entry, and it was no lost race.
    #[error("'{name}' refuses the entry: {text}")]
    PrimaryRefused {
        /// The remote.
        name: String,
        /// What it said; foreign text.
        text: String,
    },
    /// The primary could not be reached.
    #[error("'{name}' cannot be reached: {why}")]
    Unreachable {
        /// The remote.
        name: String,
        /// Why.
        why: TransportError,
    },
    /// The entry was sent, and whether the primary took it is not known.
    #[error("'{name}' was sent the entry and did not say whether it took it: {why}")]
    Unsure {
        /// The remote.
        name: String,
        /// Why it is not known.
        why: String,
        /// `source` of the first event.
        source_name: String,
        /// Its `id`.
        id: String,
    },
    /// Two events of one call have the same source and id.
    #[error("two different events with source '{source_name}' and id '{id}'")]
    Contradiction {
        /// `source`.
        source_name: String,
        /// `id`.
        id: String,
    },
    /// The entries that would tell whether an event was recorded before are not here.
    #[error(
        "the history here is cut off, so it cannot be told whether source '{source_name}' and id '{id}' were recorded before"
    )]
    CutOff {
        /// `source`.
        source_name: String,
        /// `id`.
        id: String,
    },
    /// The policy in force is another than the one the new policy was made from.
    #[error("another policy came into force while this one was made, by entry {0} at the latest")]
    PolicyMoved(u64),
    /// Others were faster until the deadline.
    #[error("other writers were faster {0} times, until the deadline")]
    OutOfTime(u32),
    /// The lock could not be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// No signature could be made.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
}

impl From<Finding> for AppendError {
    fn from(finding: Finding) -> Self {
        AppendError::Refused(finding)
    }
}
