//! One attempt among other writers: where the primary is, whether it took what it was sent, and
//! how long to wait before the next try.

use std::time::{Duration, Instant};

use gix::ObjectId;

use super::{AppendError, Appender, Primary, Recorded};
use crate::commit::Link;
use crate::git::{Depth, Fetch, PushOutcome, RefError, TransportError};
use crate::ledger::{LedgerError, Stored, Tip};
use crate::verify::Mark;

/// The shortest bound of a pause after a lost race, and the longest.
const SHORT_PAUSE: Duration = Duration::from_millis(20);
const LONG_PAUSE: Duration = Duration::from_secs(4);
/// How often a refusal without a faster writer is tried again.
pub(super) const REFUSALS: u32 = 1;
/// How long to look, after the deadline, whether the primary has taken what it was sent.
pub(super) const LAST_LOOK: Duration = Duration::from_secs(5);

/// Where things stand when an attempt begins.
pub(super) struct Base {
    pub local: Option<ObjectId>,
    /// The tip of the primary.
    pub remote: ObjectId,
    /// What to build on.
    pub tip: Tip,
}

/// What became of an attempt.
pub(super) enum Published {
    Done,
    /// Another writer was faster.
    Lost,
    /// The primary was sent the entry and did not say that it has it.
    Unknown(Result<PushOutcome, TransportError>),
}

/// What became of what was sent.
pub(super) enum Landed {
    Yes,
    /// Another writer was faster.
    No,
    /// Nobody was faster, and yet it was not taken.
    Refused(AppendError),
}

/// What was sent to the primary without an answer that settles it.
pub(super) struct Sent {
    pub recorded: Vec<Recorded>,
    pub stored: Stored,
    pub last: Link,
    /// The entry it was built on.
    pub onto: ObjectId,
    /// Where the primary was.
    pub remote: ObjectId,
    pub outcome: Result<PushOutcome, TransportError>,
}

impl Sent {
    fn unsure(&self, name: String, why: String) -> AppendError {
        let event = self.last.entry.events.first();
        AppendError::Unsure {
            name,
            why,
            source_name: event.map_or("", |event| event.source()).to_owned(),
            id: event.map_or("", |event| event.id()).to_owned(),
        }
    }
}

impl Appender<'_> {
    /// Where the local branch and the primary are, and the entry to build on.
    pub(super) fn base(&self, sent: Option<&Sent>) -> Result<Base, AppendError> {
        let local = self.ledger.tip_id()?;
        let Some(primary) = self.primary else {
            let tip = self.ledger.tip()?;
            let remote = tip.link.id;
            return Ok(Base { local, remote, tip });
        };
        let (known, deadline): (Vec<ObjectId>, Instant) = match sent {
            None => (local.into_iter().collect(), self.deadline),
            Some(sent) => (
                local.into_iter().chain([sent.onto]).collect(),
                self.deadline.max(Instant::now() + LAST_LOOK),
            ),
        };
        let remote = match self.fetch(primary, &known, deadline) {
            Err(AppendError::Unreachable { why, .. }) => {
                let name = primary.name.clone();
                return Err(match sent {
                    Some(sent) => sent.unsure(name, why.to_string()),
                    None => AppendError::Unreachable { name, why },
                });
            }
            fetched => fetched?,
        };
        if let Some(mark) = &primary.mark {
            self.check_mark(primary, remote, mark)?;
        }
        let base = match local {
            None => remote,
            Some(local) if self.ledger.descends(remote, local)? != Some(false) => remote,
            Some(local) if self.ledger.descends(local, remote)? == Some(true) => local,
            Some(_) => return Err(AppendError::Split(primary.name.clone())),
        };
        let tip = self.ledger.tip_at(base)?;
        Ok(Base { local, remote, tip })
    }

    /// Whether the primary took what it was sent without our hearing of it.
    pub(super) fn landed(&self, base: &Base, sent: &Sent) -> Result<Landed, AppendError> {
        let name = self.primary.map(|primary| primary.name.clone());
        let name = name.unwrap_or_default();
        if self.ledger.descends(base.remote, sent.remote)? == Some(false) {
            let number = self.ledger.link(sent.remote)?.entry.number();
            return Err(AppendError::PrimaryRolledBack { name, number });
        }
        match self.ledger.descends(base.remote, sent.last.id)? {
            Some(true) => Ok(Landed::Yes),
            Some(false) if base.remote != sent.remote => Ok(Landed::No),
            Some(false) => match &sent.outcome {
                Ok(PushOutcome::Refused(text)) => {
                    let text = text.clone();
                    Ok(Landed::Refused(AppendError::PrimaryRefused { name, text }))
                }
                Ok(PushOutcome::Done) => {
                    Err(sent.unsure(name, "it says it did, and does not hold it".into()))
                }
                // it may be at work still
                Err(why) => Err(sent.unsure(name, why.to_string())),
            },
            None => Err(sent.unsure(name, "its history is cut off here".into())),
        }
    }

    /// Fetches what the primary has beyond the entries that are `known` to be in it. Without a
    /// known one a cut-off history is cut off again, and ancestry could not be judged.
    pub(super) fn fetch(
        &self,
        primary: &Primary,
        known: &[ObjectId],
        deadline: Instant,
    ) -> Result<ObjectId, AppendError> {
        let depth = match primary.depth {
            Depth::One if !known.is_empty() => Depth::Newer,
            depth => depth,
        };
        self.fetch_deep(primary, known, depth, deadline)
    }

    pub(super) fn fetch_deep(
        &self,
        primary: &Primary,
        haves: &[ObjectId],
        depth: Depth,
        deadline: Instant,
    ) -> Result<ObjectId, AppendError> {
        let fetch = Fetch {
            url: &primary.url,
            name: self.ledger.reference(),
            depth,
            haves,
            max_bytes: primary.max_bytes,
        };
        match primary.transport.fetch(&fetch, deadline) {
            Ok(id) => Ok(id),
            Err(TransportError::NoSuchRef(_)) => {
                Err(AppendError::PrimaryAbsent(primary.name.clone()))
            }
            Err(why) => Err(AppendError::Unreachable {
                name: primary.name.clone(),
                why,
            }),
        }
    }

    pub(super) fn check_mark(
        &self,
        primary: &Primary,
        remote: ObjectId,
        mark: &Mark,
    ) -> Result<(), AppendError> {
        let link = self.ledger.link(remote)?;
        let number = link.entry.number();
        if number < mark.number || (number == mark.number && link.digest() != mark.digest) {
            return Err(AppendError::PrimaryRolledBack {
                name: primary.name.clone(),
                number: mark.number,
            });
        }
        Ok(())
    }

    /// Moves the primary, and the local branch with it.
    pub(super) fn publish(&self, base: &Base, last: &Link) -> Result<Published, AppendError> {
        if let Some(primary) = self.primary {
            let name = self.ledger.reference();
            let pushed = primary
                .transport
                .push(&primary.url, last.id, name, self.deadline);
            return Ok(match pushed {
                Ok(PushOutcome::Done) => {
                    self.follow(base.local, last);
                    Published::Done
                }
                // the answer may have been lost, or another writer was faster: only ancestry tells
                outcome => Published::Unknown(outcome),
            });
        }
        match self.ledger.advance(base.local, last) {
            Ok(()) => Ok(Published::Done),
            Err(LedgerError::Ref(RefError::Moved { .. })) => Ok(Published::Lost),
            Err(error) => Err(error.into()),
        }
    }

    /// Moves the local branch after the primary, which has the entry already: where that fails,
    /// the entry is recorded all the same, and the next append or pull moves the branch.
    pub(super) fn follow(&self, local: Option<ObjectId>, last: &Link) {
        if local != Some(last.id) {
            self.ledger.advance(local, last).ok();
        }
    }

    /// Sees to it that what the local branch now reaches stays. Where a primary has it too, that
    /// copy is the one that counts.
    pub(super) fn keep(&self, stored: &Stored) -> Result<(), AppendError> {
        match self.ledger.keep(stored) {
            Err(error) if self.primary.is_none() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Full-jitter backoff, in terms of how long an attempt takes here.
    pub(super) fn pause(&self, lost: u32, attempt: Duration) -> Result<(), AppendError> {
        let longest = attempt
            .saturating_mul(2 << lost.min(8))
            .clamp(SHORT_PAUSE, LONG_PAUSE);
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(|why| AppendError::Random(why.to_string()))?;
        let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
        let left = self.deadline.saturating_duration_since(Instant::now());
        std::thread::sleep(longest.mul_f64(share).min(left));
        Ok(())
    }
}
