//! Whose turn it is: the lock, what was left while waiting for it, and what others left.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use gix::ObjectId;

use super::race::{Base, LAST_LOOK};
use super::repeat::same;
use super::slip::{Fate, Slip, Taken, take};
use super::{AppendError, Appender, Next, Recorded, Repeats};
use crate::event::Pending;
use crate::git::{Depth, FileLock, LockError};
use crate::ledger::LedgerError;
use crate::store::ReadFault;

/// What waiting for the lock came to.
pub(super) enum Turn {
    /// The lock is ours, and nobody has seen our events.
    Ours(FileLock),
    /// Who held the lock recorded our events with theirs.
    Recorded(Vec<Recorded>),
    /// The lock is ours, and who held it may have recorded our events, after this entry.
    Unsettled(FileLock, Option<ObjectId>),
}

impl Appender<'_> {
    /// Waits for the lock. Who has to wait leaves the events for the one who holds it.
    pub(super) fn turn(
        &self,
        state: &Path,
        next: &Next<'_>,
        repeats: Repeats,
    ) -> Result<Turn, AppendError> {
        let path = state.join("lock");
        match FileLock::acquire(&path, Instant::now()) {
            Err(LockError::Busy { .. }) => {}
            lock => return Ok(Turn::Ours(lock?)),
        }
        // what is recorded later than this may be ours
        let since = self.ledger.tip_id()?;
        // who can leave none waits all the same
        let slip = Slip::leave(self, next, repeats).ok().flatten();
        let lock = match (FileLock::acquire(&path, self.deadline), &slip) {
            (Err(LockError::Busy { .. }), Some(slip)) if slip.withdraw() != Fate::Withdrawn => {
                // whoever took it is at work, and ends soon
                let until = Instant::now() + LAST_LOOK;
                FileLock::acquire(&path, until).map_err(|why| self.untold(next, &why))?
            }
            (lock, _) => lock?,
        };
        match slip.as_ref().map(Slip::withdraw) {
            None | Some(Fate::Withdrawn) => Ok(Turn::Ours(lock)),
            Some(Fate::Taken) => Ok(Turn::Unsettled(lock, since)),
            Some(Fate::Done) => {
                let tip = self.ledger.tip_id()?;
                let recorded = tip.map(|tip| self.recorded_since(tip, since, next));
                Ok(match recorded.transpose()?.flatten() {
                    Some(recorded) => Turn::Recorded(recorded),
                    None => Turn::Unsettled(lock, since),
                })
            }
        }
    }

    fn untold(&self, next: &Next<'_>, why: &LockError) -> AppendError {
        let event = match next {
            Next::Events(groups) => groups.iter().flatten().next().map(|first| &first.event),
            Next::Policy { event, .. } => Some(event),
        };
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        AppendError::Unsure {
            name: "another process of this machine".to_owned(),
            why: why.to_string(),
            source_name: text(event.map(|event| event.source())),
            id: text(event.map(|event| event.id())),
        }
    }

    /// The entries after `since`, up to `tip`, that hold the events, if all of them are there.
    pub(super) fn recorded_since(
        &self,
        tip: ObjectId,
        since: Option<ObjectId>,
        next: &Next<'_>,
    ) -> Result<Option<Vec<Recorded>>, AppendError> {
        let Next::Events(groups) = next else {
            return Ok(None);
        };
        let mut wanted: Vec<&Pending> = groups.iter().flatten().copied().collect();
        let (mut found, mut at, mut whole) = (Vec::new(), Some(tip), false);
        while let Some(id) = at.filter(|id| Some(*id) != since) {
            let link = match self.ledger.link(id) {
                Err(LedgerError::Object {
                    fault: ReadFault::Missing,
                    ..
                }) if !whole => match self.primary {
                    Some(primary) if primary.depth != Depth::Full => {
                        self.fetch_deep(primary, &[], Depth::Full, self.deadline)?;
                        whole = true;
                        continue;
                    }
                    _ => break,
                },
                link => link?,
            };
            at = link.parent;
            let before = wanted.len();
            let held = |pending: &&Pending| {
                let mut events = link.entry.events.iter();
                events.any(|old| same(old, &pending.event))
            };
            wanted.retain(|pending| !held(pending));
            if wanted.len() < before {
                found.push(Recorded {
                    link,
                    earlier: false,
                });
            }
            if wanted.is_empty() {
                found.reverse();
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// What others left and can be recorded together with our own: each event is new, and stands
    /// once among all. Of the others their owners take care themselves.
    pub(super) fn along(
        &self,
        base: &Base,
        own: &[Vec<&Pending>],
        mut all: Vec<Taken>,
    ) -> Vec<Taken> {
        if own.is_empty() {
            return Vec::new();
        }
        all.extend(take(self, all.len()));
        let name = |pending: &Pending| {
            let (source, id) = (pending.event.source(), pending.event.id());
            (source.to_owned(), id.to_owned())
        };
        let mut named: BTreeSet<(String, String)> =
            own.iter().flatten().map(|one| name(one)).collect();
        all.retain(|taken| {
            let groups: Vec<Vec<&Pending>> =
                taken.groups.iter().map(|g| g.iter().collect()).collect();
            let left = || self.leave_out(base, &groups);
            let fresh =
                !taken.look || left().is_ok_and(|(old, left)| old.is_empty() && left == groups);
            fresh
                && taken
                    .groups
                    .iter()
                    .flatten()
                    .all(|one| named.insert(name(one)))
        });
        all
    }
}
