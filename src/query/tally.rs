//! How many, of what: entries and events that a filter selected, by type, signer, day and outcome.

use std::collections::BTreeMap;

use crate::date::rfc3339;

use super::key::Key;
use super::{Selected, What};

/// So many different values of one kind are told apart; the rest is counted together.
const MOST: usize = 10_000;

/// Counts by value, and of values beyond the bound.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    known: BTreeMap<String, u64>,
    /// Events whose values were not told apart any more.
    pub others: u64,
}

impl Counts {
    fn add(&mut self, value: &str) {
        if let Some(count) = self.known.get_mut(value) {
            *count += 1;
        } else if self.known.len() < MOST {
            self.known.insert(value.to_owned(), 1);
        } else {
            self.others += 1;
        }
    }

    /// Value and count by value.
    pub fn by_name(&self) -> Vec<(&str, u64)> {
        self.known
            .iter()
            .map(|(name, count)| (name.as_str(), *count))
            .collect()
    }

    /// Value and count, the largest first.
    pub fn by_count(&self) -> Vec<(&str, u64)> {
        let mut all = self.by_name();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        all
    }
}

/// What was counted.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Entries with an event that was selected.
    pub entries: u64,
    /// Events that were selected.
    pub events: u64,
    /// Entries that could not be read: nobody can tell what they would have said.
    pub broken: u64,
    /// Numbers of the oldest and the newest entry.
    pub numbers: Option<(u64, u64)>,
    /// T of the same, in seconds since 1970.
    pub times: Option<(u64, u64)>,
    /// Events by type.
    pub types: Counts,
    /// Entries by principal, as claimed.
    pub signers: Counts,
    /// Entries by the day they are dated (UTC).
    pub days: Counts,
    /// Events by outcome, of those that tell one.
    pub outcomes: Counts,
}

impl Tally {
    /// Counts an entry.
    pub fn add(&mut self, selected: &Selected) {
        let What::Entry(link) = &selected.step.what else {
            self.broken += 1;
            return;
        };
        self.entries += 1;
        let wider = |range: Option<(u64, u64)>, at: u64| {
            Some(range.map_or((at, at), |(low, high)| (low.min(at), high.max(at))))
        };
        self.numbers = wider(self.numbers, link.entry.number());
        self.times = wider(self.times, link.time);
        self.signers.add(link.principal.as_str());
        let date = rfc3339(link.time);
        self.days.add(date.split('T').next().unwrap_or_default());
        for event in selected
            .matching
            .iter()
            .filter_map(|at| link.entry.events.get(*at))
        {
            self.events += 1;
            self.types.add(event.kind());
            Key::Outcome.values(link, event, &mut |outcome| {
                self.outcomes.add(outcome);
                true
            });
        }
    }
}
