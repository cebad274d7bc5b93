//! What an earlier judgement of all entries up to one leaves to a later one of those that follow.
//!
//! Each rule looks at two neighbours and the policy of the earlier one, so most of what is old can
//! be left alone. What looks further back stands in [`Known`], and nothing else: the first entry's
//! digest, the entry that set the policy in force (approvals are made for it), the keys that were
//! called compromised (the newest policy says it of all entries), and the notes.

use gix::ObjectId;

use crate::commit::Link;
use crate::finding::Finding;
use crate::merkle::{self, Hash};
use crate::policy::Policy;

use super::Mark;

/// What was found of all entries up to one, when they were sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The number of the newest of them.
    pub number: u64,
    /// Its digest.
    pub digest: Hash,
    /// Its commit.
    pub commit: ObjectId,
    /// T of it.
    pub time: u64,
    /// The digest of entry 0.
    pub fingerprint: Hash,
    /// The digest of the entry that set the policy in force at it.
    pub set_by: Hash,
    /// The keys called compromised, with what is vouched for, by which they were judged; see
    /// [`compromised`].
    pub compromised: Hash,
    /// What was noted, none of which makes an entry less sound.
    pub notes: Vec<Finding>,
}

/// Why what is known says nothing about the ledger as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The entry it ends at is another one.
    #[error("the entry it ends at is not the one that was judged")]
    Entry,
    /// Older entries must be judged by what the newest policy says of keys.
    #[error("a key was called compromised since, or vouched for")]
    Compromised,
    /// A mark stands below the newest entry it is about.
    #[error("what was seen here before lies further back")]
    Marks,
}

impl Known {
    /// Whether a judgement can begin from this at `base`, under the newest policy of the ledger,
    /// with these marks.
    pub(super) fn fits(
        &self,
        base: &Link,
        newest: Option<&Policy>,
        marks: &[Mark],
    ) -> Result<(), Misfit> {
        let (number, digest) = (base.entry.number(), base.digest());
        if (base.id, number, digest) != (self.commit, self.number, self.digest) {
            return Err(Misfit::Entry);
        }
        if newest.map(compromised) != Some(self.compromised) {
            return Err(Misfit::Compromised);
        }
        // a mark at the entry itself is compared; what stands below it is not read
        if marks.iter().any(|mark| mark.number < number) {
            return Err(Misfit::Marks);
        }
        Ok(())
    }
}

/// SHA-256 over all that a policy says of entries that were written before it.
pub(super) fn compromised(policy: &Policy) -> Hash {
    let rows = policy.compromised.iter().map(|row| {
        let (key, since) = (row.key.to_text(), row.since);
        format!("{key} {since} {:?}\n", row.vouched)
    });
    merkle::sha256(rows.collect::<String>().as_bytes())
}
