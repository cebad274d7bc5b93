//! Everything that happened to one thing: what names it, and from there on to the runs, artifacts
//! and pushes that events name, round by round.

use std::collections::BTreeMap;

use gix::ObjectId;

use crate::query::trace::Trail;
use crate::query::{End, Filter, Selected, What};
use crate::store::Read;

use super::{Advance, Finder};

/// From one thing to the next, at most so often.
const ROUNDS: usize = 4;
/// At most so many entries.
const MOST: usize = 5000;
/// At most so many bytes of entries.
const MOST_BYTES: usize = 64 << 20;

/// What was found, and how far it was looked for.
#[derive(Debug, Default)]
pub struct Pursuit {
    /// Entries that belong to the thing, by their place counted from the oldest.
    pub found: BTreeMap<(u64, ObjectId), Selected>,
    /// Where they lead on, and what is missing.
    pub trail: Trail,
    /// Whether there was more than is held here.
    pub full: bool,
    /// Whether an index turned out not to be of this chain.
    pub misled: bool,
    /// How the last walk ended.
    pub end: Option<End>,
    bytes: usize,
    /// Entries that were looked at.
    pub looked_at: u64,
    /// Whether whoever asked had no more time.
    pub gave_up: bool,
}

impl Pursuit {
    /// Looks for what `first` selects and, unless `only` that is wanted, for where it leads.
    /// `finder` begins a search for a filter at the newest entry; `patience` is asked once for each
    /// search, and what it gives, with the number of entries looked at, whether to go on.
    ///
    /// # Errors
    /// When a search cannot begin.
    pub fn of<R: Read, E, P: Fn(u64) -> bool>(
        first: &Filter,
        only: bool,
        finder: impl Fn(&Filter) -> Result<Finder<R>, E>,
        patience: impl Fn() -> P,
    ) -> Result<Pursuit, E> {
        let mut pursuit = Pursuit::default();
        pursuit.round(first, finder(first)?, patience());
        for _ in 0..if only { 0 } else { ROUNDS } {
            let filters = pursuit.trail.onward();
            if filters.is_empty() {
                break;
            }
            for filter in &filters {
                pursuit.round(filter, finder(filter)?, patience());
            }
        }
        Ok(pursuit)
    }

    /// Everything that is missing, in words.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = self.trail.gaps();
        if self.trail.left_out || self.full {
            gaps.push(
                "there is more than is followed here; ask 'git ledger log' about parts of it"
                    .into(),
            );
        }
        if self.found.is_empty() {
            gaps.push("nothing that is recorded names it".into());
        }
        gaps
    }

    /// Takes in all that a filter selects.
    fn round<R: Read>(
        &mut self,
        filter: &Filter,
        mut finder: Finder<R>,
        go_on: impl Fn(u64) -> bool,
    ) {
        loop {
            if !go_on(self.looked_at) {
                self.gave_up = true;
                break;
            }
            self.looked_at += 1;
            let selected = match finder.advance(filter) {
                Advance::Found(selected) => *selected,
                Advance::Passed(_) => continue,
                Advance::Over => break,
            };
            let place = (selected.step.position.unwrap_or(0), selected.step.commit);
            let enough = self.found.len() >= MOST || self.bytes >= MOST_BYTES;
            if enough && !self.found.contains_key(&place) {
                self.full = true;
                break;
            }
            if let What::Entry(link) = &selected.step.what {
                self.bytes += link.raw().len();
                let events = selected.matching.iter();
                let events = events.filter_map(|at| link.entry.events.get(*at));
                events.for_each(|event| self.trail.add(link, event));
            }
            let matching = selected.matching.clone();
            let known = self.found.entry(place).or_insert(selected);
            known.matching.extend(matching);
            known.matching.sort_unstable();
            known.matching.dedup();
        }
        self.misled |= finder.was_misled();
        self.end = finder.end();
    }
}
