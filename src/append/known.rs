//! What was recorded before is not recorded again.

use std::collections::{BTreeMap, BTreeSet};

use super::race::Base;
use super::repeat::same;
use super::{AppendError, Appender, Recorded};
use crate::event::{Event, Pending};
use crate::git::Depth;
use crate::seen::{Found, Records, Seen};

/// Whether events that are in the ledger already are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeats {
    /// Look for the (source, id) of each event and leave out those that are there; another event
    /// under the same pair is an error.
    LeaveOut,
    /// Leave out each event whose (source, id) is there, or came before it in the same call,
    /// whatever else it says: for events that are read from payloads, where the pair is the digest
    /// of the payload or was given by its maker. The entries that hold them are not told.
    ById,
    /// The ids are new; do not look.
    Impossible,
}

impl Appender<'_> {
    /// The events that are not in the ledger yet, each once, and the entries that hold the others.
    pub(super) fn leave_out<'a>(
        &self,
        base: &Base,
        groups: &[Vec<&'a Pending>],
    ) -> Result<(Vec<Recorded>, Vec<Vec<&'a Pending>>), AppendError> {
        let records = self.records(base)?;
        let (mut earlier, mut fresh) = (Vec::<Recorded>::new(), Vec::new());
        let mut named: BTreeMap<(&str, &str), &Event> = BTreeMap::new();
        for group in groups {
            let mut kept = Vec::new();
            for &pending in group {
                let event = &pending.event;
                let text = || (event.source().to_owned(), event.id().to_owned());
                match named.insert((event.source(), event.id()), event) {
                    Some(other) if same(other, event) => continue,
                    Some(_) => {
                        let (source_name, id) = text();
                        return Err(AppendError::Contradiction { source_name, id });
                    }
                    None => {}
                }
                match records.look(self.ledger, event.source(), event.id())? {
                    Found::Nowhere => kept.push(pending),
                    Found::CutOff => {
                        let (source_name, id) = text();
                        return Err(AppendError::CutOff { source_name, id });
                    }
                    Found::In(link) if link.entry.events.iter().any(|old| same(old, event)) => {
                        if earlier.iter().all(|known| known.link.id != link.id) {
                            earlier.push(Recorded {
                                link: *link,
                                earlier: true,
                            });
                        }
                    }
                    Found::In(link) => {
                        let (source_name, id) = text();
                        return Err(AppendError::Conflict {
                            number: link.entry.number(),
                            source_name,
                            id,
                        });
                    }
                }
            }
            if !kept.is_empty() {
                fresh.push(kept);
            }
        }
        Ok((earlier, fresh))
    }

    /// What was recorded before; what is missing of the history is fetched.
    fn records(&self, base: &Base) -> Result<Records, AppendError> {
        let seen = Seen::of(self.ledger);
        let records = seen.up_to(self.ledger, base.tip.link.id)?;
        match self.primary {
            Some(primary) if !records.is_whole() && primary.depth != Depth::Full => {
                self.fetch_deep(primary, &[], Depth::Full, self.deadline)?;
                Ok(seen.up_to(self.ledger, base.tip.link.id)?)
            }
            _ => Ok(records),
        }
    }

    /// The events whose (source, id) is not in the ledger, each once.
    pub(super) fn unknown<'a>(
        &self,
        base: &Base,
        groups: &[Vec<&'a Pending>],
    ) -> Result<Vec<Vec<&'a Pending>>, AppendError> {
        let pairs: Vec<(&str, &str)> = groups
            .iter()
            .flatten()
            .map(|pending| (pending.event.source(), pending.event.id()))
            .collect();
        let records = self.records(base)?;
        let mut there = records.among(self.ledger, &pairs)?.into_iter();
        let (mut named, mut fresh) = (BTreeSet::new(), Vec::new());
        for group in groups {
            let mut kept = Vec::new();
            for &pending in group {
                let pair = (pending.event.source(), pending.event.id());
                if there.next() == Some(true) || !named.insert(pair) {
                    continue;
                }
                if !records.is_whole() {
                    let (source_name, id) = (pair.0.to_owned(), pair.1.to_owned());
                    return Err(AppendError::CutOff { source_name, id });
                }
                kept.push(pending);
            }
            if !kept.is_empty() {
                fresh.push(kept);
            }
        }
        Ok(fresh)
    }
}
