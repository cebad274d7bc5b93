//! Verification that costs what is new: what an earlier one found of the older entries is not
//! judged again.
//!
//! Every sound verification leaves a [`Record`] of what it found, sealed with a [`Key`] that
//! stands outside the repository. A later one reads the entry the record ends at once more and
//! compares its digest, which covers all entries before it, and judges what follows by the same
//! rules. It only ever shortens the way to *sound*: where anything at all is wrong, where the
//! record does not fit, or where the rules look back, everything is read and judged.
//!
//! # Limits
//! Objects of older entries that were lost or damaged since are not seen; whoever shows the answer
//! says so. Whoever can read the key, which is whoever can act as this user, can make a record. The
//! notes about events recorded twice rest on [`crate::seen`]; no answer hangs on them.

mod key;
mod record;
mod repeats;

use crate::finding::{Answer, FindingId};
use crate::ledger::Ledger;
use crate::mac::KeyFault;
use crate::verify::{self, Misfit, Request, Verdict};

pub use key::{Key, own_dir};
pub use record::Record;
use record::{Place, cut_off};

/// How far, in seconds, a record may be ahead of the clock here.
const AHEAD: u64 = crate::chain::MAX_AHEAD;

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Every entry.
    All,
    /// What was not found sound before.
    New,
}

/// Why everything was read although only what is new was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// There is no key.
    #[error("no key of yours can be used: {0}")]
    NoKey(String),
    /// Nothing was left here.
    #[error("no earlier verification of yours left anything here")]
    NoRecord,
    /// The file cannot be read.
    #[error("what an earlier verification left cannot be read: {0}")]
    Unreadable(String),
    /// Its seal does not fit.
    #[error("what is left here was not left here by you, or was changed")]
    Forged,
    /// It follows other rules, perhaps.
    #[error("another version of this program verified it: {0}")]
    Version(String),
    /// The repository's `shallow` file says something else.
    #[error("history was cut off or completed since")]
    CutOff,
    /// It is dated after now, in seconds since 1970.
    #[error("it says that it was verified later than now, at {}", crate::date::rfc3339(*.0))]
    Future(u64),
    /// It says nothing about the ledger as it is.
    #[error("{0}")]
    Misfit(Misfit),
    /// Another history stands here, or what leads back is lost.
    #[error("the newest entry does not lead back to what was verified")]
    NotContinued,
    /// What is new is not sound.
    #[error("not all that is new is sound")]
    NotSound,
    /// Events recorded before cannot be looked up.
    #[error("which events were recorded before cannot be told: {0}")]
    Events(String),
}

impl Why {
    /// The word used in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Why::NoKey(_) => "noKey",
            Why::NoRecord => "noRecord",
            Why::Unreadable(_) => "unreadable",
            Why::Forged => "forged",
            Why::Version(_) => "version",
            Why::CutOff => "cutOff",
            Why::Future(_) => "future",
            Why::Misfit(Misfit::Entry) => "entry",
            Why::Misfit(Misfit::Compromised) => "compromised",
            Why::Misfit(Misfit::Marks) => "marks",
            Why::NotContinued => "notContinued",
            Why::NotSound => "notSound",
            Why::Events(_) => "events",
        }
    }
}

/// A verdict, and how much of the ledger was read for it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The verdict, about the whole ledger.
    pub verdict: Verdict,
    /// What was found before and not read again.
    pub rests_on: Option<Record>,
    /// Why all was read, where that was not asked for.
    pub why_all: Option<Why>,
}

/// A ledger, and who verifies it.
#[derive(Debug)]
pub struct Verifier<'a> {
    /// The ledger.
    pub ledger: &'a Ledger,
    /// Their key, or why there is none.
    pub key: Result<Key, KeyFault>,
    /// The clock, in seconds since 1970.
    pub now: u64,
}

impl Verifier<'_> {
    /// Verifies what is asked for; whatever the extent, the verdict is that about all entries.
    pub fn verify(
        &self,
        request: &Request,
        extent: Extent,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Outcome {
        let all = |why_all| Outcome {
            verdict: verify::verify(self.ledger, request, progress),
            rests_on: None,
            why_all,
        };
        if extent == Extent::All {
            return all(None);
        }
        let record = match self.record(request) {
            Ok(record) => record,
            Err(why) => return all(Some(why)),
        };
        let from_there = Request {
            base: Some(record.known.commit),
            known: Some(record.known.clone()),
            ..request.clone()
        };
        let mut verdict = verify::verify(self.ledger, &from_there, progress);
        if !verdict.base_reached {
            // the walk went past it, to wherever it ends without it
            return Outcome {
                verdict,
                rests_on: None,
                why_all: Some(Why::NotContinued),
            };
        }
        if let Some(misfit) = verdict.misfit {
            return all(Some(Why::Misfit(misfit)));
        }
        let Some(newest) = verdict.known.as_mut() else {
            return all(Some(Why::NotSound));
        };
        match repeats::notes(self.ledger, &record.known, newest) {
            Err(why) => all(Some(Why::Events(why.to_string()))),
            Ok(None) => all(Some(Why::Events("older entries are not here".to_owned()))),
            Ok(Some(notes)) => {
                let of_events =
                    |id| matches!(id, FindingId::EventRepeated | FindingId::EventConflict);
                let older = |at: Option<u64>| at.is_none_or(|at| at <= record.known.number);
                newest
                    .notes
                    .retain(|note| !of_events(note.id) || older(note.at));
                newest.notes.extend(notes);
                verdict.findings.clone_from(&newest.notes);
                Outcome {
                    verdict,
                    rests_on: Some(record),
                    why_all: None,
                }
            }
        }
    }

    /// What an earlier verification left, if it can be built on.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn record(&self, request: &Request) -> Result<Record, Why> {
        let key = self
            .key
            .as_ref()
            .map_err(|why| Why::NoKey(why.to_string()))?;
        let place = Place::of(self.ledger, key).map_err(|why| Why::Unreadable(why.to_string()))?;
        place.load(key, &cut_off(&request.boundary), self.now)
    }

    /// Leaves what was found to the next verification, if all of it is sound; `rests_on` is what was
    /// not read for it. What cannot be written is verified again.
    pub fn leave(&self, request: &Request, verdict: &Verdict, rests_on: Option<&Record>) {
        let (Some(known), Ok(key)) = (&verdict.known, &self.key) else {
            return;
        };
        if verdict.answer() != Answer::Sound {
            return;
        }
        let record = Record {
            known: known.clone(),
            verified: self.now,
            whole: rests_on.map_or(known.number, |record| record.whole),
            whole_verified: rests_on.map_or(self.now, |record| record.whole_verified),
        };
        let place = Place::of(self.ledger, key);
        place
            .and_then(|place| place.save(key, &record, &cut_off(&request.boundary)))
            // only time is lost
            .ok();
    }
}
