//! Tips that were seen elsewhere, held against the copy in hand and against what remotes show.

use gix::ObjectId;

use crate::finding::{Finding, FindingId};
use crate::ledger::Ledger;
use crate::merkle::{self, Hash};
use crate::tip::{Standing, Tip};

use super::Copy;
use super::history::{ancestor, raw};

/// How a tip stands to the copy in hand.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The tip.
    pub tip: Tip,
    /// How it stands.
    pub standing: Standing,
    /// The commit that has its number here, if one does.
    pub here: Option<ObjectId>,
    /// Remotes in whose history it stands.
    pub held_by: Vec<String>,
    /// Remotes that agree with the copy in hand and have another entry at its number.
    pub denied_by: Vec<String>,
}

impl Heard {
    /// Holds a tip against a copy whose newest entry is `newest` and whose first has the digest
    /// `fingerprint`, if that is known.
    pub fn of(
        ledger: &Ledger,
        newest: (u64, ObjectId),
        fingerprint: Option<Hash>,
        tip: &Tip,
    ) -> Heard {
        let (number, commit) = newest;
        let none = ObjectId::null(commit.kind());
        let back = number.checked_sub(tip.number);
        let here = back.and_then(|back| ancestor(ledger, commit, back, none));
        let digest = |_| Some(merkle::leaf(&raw(ledger, here?)?));
        Heard {
            standing: tip.stands(fingerprint, number, digest),
            tip: tip.clone(),
            here,
            held_by: Vec::new(),
            denied_by: Vec::new(),
        }
    }

    /// Adds what remotes show; `at` is the place of the tip among those they were asked about.
    #[must_use]
    pub fn with(mut self, copies: &[Copy], at: usize) -> Heard {
        for copy in copies {
            let name = || copy.remote.name.clone();
            match copy.tips.get(at).copied().flatten() {
                Some(true) => self.held_by.push(name()),
                Some(false) if copy.is_honest() => self.denied_by.push(name()),
                Some(false) | None => {}
            }
        }
        self
    }

    /// Whether the tip stands in the history here, or in one that continues it.
    pub fn is_same(&self, copies: &[Copy]) -> bool {
        let continues = |name: &String| {
            let mut copies = copies.iter().filter(|copy| copy.remote.name == *name);
            copies.any(Copy::is_honest)
        };
        match self.standing {
            Standing::Newest | Standing::Followed(_) => true,
            Standing::Newer(_) => self.denied_by.is_empty() && self.held_by.iter().any(continues),
            Standing::Forked | Standing::Unrelated | Standing::CutOff => false,
        }
    }

    /// What is wrong, if something is.
    pub fn finding(&self, copies: &[Copy]) -> Option<Finding> {
        let (number, digest) = (self.tip.number, merkle::hex(&self.tip.digest));
        let tip = format!("entry {number} was seen elsewhere as sha256:{digest}");
        let found = |id, detail: String| {
            let finding = Finding::new(id, detail);
            Some(match self.here {
                Some(commit) => finding.at(Some(number), commit),
                None => finding,
            })
        };
        match self.standing {
            _ if self.is_same(copies) => None,
            Standing::Forked if self.held_by.is_empty() => found(
                FindingId::TipForked,
                format!("{tip}; another entry stands here"),
            ),
            Standing::Forked => {
                let holders = self.held_by.join(", ");
                found(
                    FindingId::TipForked,
                    format!("{tip}; another entry stands here, and that one at {holders}"),
                )
            }
            Standing::Unrelated => found(
                FindingId::TipUnrelated,
                format!("{tip}, in a ledger that begins with another entry"),
            ),
            Standing::Newer(_) if !self.denied_by.is_empty() => found(
                FindingId::TipForked,
                format!(
                    "{tip}; {} has another entry there",
                    self.denied_by.join(", ")
                ),
            ),
            Standing::Newer(more) => found(
                FindingId::TipUnjudged,
                format!("{tip}, {more} entries after the newest one here"),
            ),
            _ => found(
                FindingId::TipUnjudged,
                format!("{tip}; the history here is cut off above it"),
            ),
        }
    }

    /// What to do about it.
    pub fn remedy(&self, copies: &[Copy]) -> Option<&'static str> {
        match self.standing {
            _ if self.is_same(copies) => None,
            Standing::Forked => Some(
                "two histories were shown: ask whoever sent it for an export of its copy, keep \
                 this clone, and ask who signed both",
            ),
            Standing::Unrelated => Some("is it a tip of this ledger? Ask whoever sent it"),
            Standing::Newer(_) => Some(
                "this copy is behind, or was taken back: 'git ledger mirror pull' brings what \
                 remotes have; if none has it, ask whoever sent it for those entries or for a \
                 proof ('git ledger prove')",
            ),
            _ => Some("bring all of the ledger here first: git fetch --unshallow"),
        }
    }
}

/// What a chain that a remote shows has at the numbers of tips: none where the tip is not among
/// the entries that only the remote has.
pub(super) fn shown(
    ledger: &Ledger,
    newest: u64,
    there: &[ObjectId],
    tips: &[Tip],
) -> Vec<Option<bool>> {
    let at = |tip: &Tip| -> Option<bool> {
        let back = usize::try_from(newest.checked_sub(tip.number)?).ok()?;
        let bytes = raw(ledger, *there.get(back)?)?;
        Some(merkle::leaf(&bytes) == tip.digest)
    };
    tips.iter().map(at).collect()
}
