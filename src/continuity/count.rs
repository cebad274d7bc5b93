//! Whole numbers that grow by one: what was left out, and since when.

use std::collections::BTreeMap;

/// Holes of one counter that are kept; beyond them the oldest are told at once.
const MOST: usize = 256;

/// The numbers of one counter.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Count {
    /// The number that comes next; nothing where none came yet.
    next: Option<i64>,
    /// Numbers that did not come: the first of a row, the last, and when that showed.
    holes: BTreeMap<i64, (i64, u64)>,
}

impl Count {
    /// A number came. One that was seen already may come again: a workflow runs in several steps.
    pub fn see(&mut self, value: i64, now: u64) {
        match self.next {
            None => self.next = value.checked_add(1),
            Some(next) if value >= next => {
                if value > next {
                    self.holes.insert(next, (value - 1, now));
                }
                self.next = value.checked_add(1);
            }
            Some(_) => self.fill(value, value),
        }
    }

    /// The counter began again: what it counts before is not missing.
    pub fn restart(&mut self, value: i64) {
        self.holes.clear();
        self.next = value.checked_add(1);
    }

    /// What was missing is in the record as missing.
    pub fn told(&mut self, from: i64, to: i64) {
        self.fill(from, to);
    }

    /// Takes a row of numbers out of the holes.
    fn fill(&mut self, from: i64, to: i64) {
        let touched: Vec<(i64, (i64, u64))> = self
            .holes
            .range(..=to)
            .filter(|(_, (end, _))| *end >= from)
            .map(|(first, rest)| (*first, *rest))
            .collect();
        for (first, (last, since)) in touched {
            self.holes.remove(&first);
            if first < from {
                self.holes.insert(first, (from - 1, since));
            }
            if last > to {
                self.holes.insert(to + 1, (last, since));
            }
        }
    }

    /// The holes that showed at or before this moment, or are too many; they are forgotten here.
    pub fn due(&mut self, before: u64) -> Vec<(i64, i64)> {
        let excess = self.holes.len().saturating_sub(MOST);
        let due: Vec<(i64, i64)> = self
            .holes
            .iter()
            .enumerate()
            .filter(|(at, (_, (_, since)))| *at < excess || *since <= before)
            .map(|(_, (first, (last, _)))| (*first, *last))
            .collect();
        for (first, _) in &due {
            self.holes.remove(first);
        }
        due
    }

    /// What was due and could not be told is due still.
    pub fn again(&mut self, from: i64, to: i64) {
        self.holes.insert(from, (to, 0));
    }
}
