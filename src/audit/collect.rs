//! The fold: every entry once, the oldest first, in bounded memory.

use std::collections::BTreeMap;

use crate::commit::Link;
use crate::exceptions::Exceptions;
use crate::merkle::Hash;
use crate::policy::Policy;
use crate::query::tally::Tally;
use crate::query::{Filter, Step, What};
use crate::report::policy_change;

use super::class::Classes;
use super::sample::{Sample, Sampled};

/// Changes of the policy that are told one by one.
const CHANGES: usize = 500;
/// Entries that cannot be read that are named.
const BROKEN: usize = 100;

/// A change of the policy.
#[derive(Debug, Clone)]
pub struct Change {
    /// The entry that made it.
    pub link: Link,
    /// What it comes to, a line for each thing.
    pub lines: Vec<String>,
    /// Why it cannot be told, where it cannot.
    pub unread: Option<String>,
}

/// Folds entries.
#[derive(Debug)]
pub struct Collector {
    from: u64,
    to: u64,
    tally: Tally,
    classes: Classes,
    sample: Sample,
    exceptions: Exceptions,
    changes: Vec<Change>,
    more_changes: u64,
    policy: Option<Policy>,
    /// The policy that the entry before names.
    named: Option<Hash>,
    /// The policy at the end of the range, and whether it is still to be taken.
    at_end: Option<Policy>,
    broken: Vec<(Option<u64>, String)>,
    signed: BTreeMap<String, u64>,
    everything: Filter,
}

/// What was folded.
#[derive(Debug)]
pub struct Collected {
    /// The first and the last number of the range.
    pub range: (u64, u64),
    /// Counts of the range.
    pub tally: Tally,
    pub(super) classes: Classes,
    /// The sample of the range, by number.
    pub sample: Vec<Sampled>,
    /// What somebody should explain in the range.
    pub exceptions: Exceptions,
    /// Changes of the policy in the range, the oldest first.
    pub changes: Vec<Change>,
    /// Changes beyond those that are told.
    pub more_changes: u64,
    /// The policy at the end of the range, if it could be read.
    pub policy: Option<Policy>,
    /// Entries of the range that could not be read: where, and why.
    pub broken: Vec<(Option<u64>, String)>,
    /// How many entries of the range each key signed, by its fingerprint, as claimed.
    pub signed: BTreeMap<String, u64>,
}

impl Collector {
    /// Begins with nothing; the range is told, all entries are to be taken in.
    pub fn new(from: u64, to: u64, seed: &str, sample: usize) -> Collector {
        Collector {
            from,
            to,
            tally: Tally::default(),
            classes: Classes::default(),
            sample: Sample::new(seed.to_owned(), sample),
            exceptions: Exceptions::within(from, to),
            changes: Vec::new(),
            more_changes: 0,
            policy: None,
            named: None,
            at_end: None,
            broken: Vec::new(),
            signed: BTreeMap::new(),
            everything: Filter::default(),
        }
    }

    /// Takes in what stands at a place. `policy` reads the policy of an entry's tree; it is asked
    /// where another is named than before.
    pub fn add(
        &mut self,
        number: u64,
        step: Step,
        policy: impl FnOnce(&Link) -> Result<Policy, String>,
    ) {
        let within = (self.from..=self.to).contains(&number);
        if let What::Broken { finding, .. } = &step.what
            && within
            && self.broken.len() < BROKEN
        {
            let why = format!("{}: {}", finding.id, finding.detail);
            self.broken.push((Some(number), why));
        }
        if let What::Entry(link) = &step.what {
            self.exceptions.add(link);
            if self.named.replace(link.entry.policy) != Some(link.entry.policy) {
                self.change(number, link, policy(link));
            }
            if within {
                self.sample.add(link);
                let key = link.signature.key().fingerprint();
                // keys that are nobody's are counted together with the others
                if self.signed.len() < CHANGES * 10 || self.signed.contains_key(&key) {
                    *self.signed.entry(key).or_default() += 1;
                }
                for event in &link.entry.events {
                    self.classes.add(number, event);
                }
            }
        }
        if number == self.to {
            self.at_end.clone_from(&self.policy);
        }
        if within && let Some(selected) = self.everything.select(step) {
            self.tally.add(&selected);
        }
    }

    fn change(&mut self, number: u64, link: &Link, policy: Result<Policy, String>) {
        let before = self.policy.take();
        let (lines, unread) = match policy {
            Ok(after) => {
                if let Some(before) = &before {
                    self.exceptions.policy(link, before, &after);
                }
                let lines = policy_change::lines(before.as_ref(), &after);
                self.policy = Some(after);
                (lines, None)
            }
            Err(why) => (Vec::new(), Some(why)),
        };
        if !(self.from..=self.to).contains(&number) {
            return;
        }
        if self.changes.len() < CHANGES {
            let link = link.clone();
            self.changes.push(Change {
                link,
                lines,
                unread,
            });
        } else {
            self.more_changes += 1;
        }
    }

    /// What it comes to.
    pub fn finish(self) -> Collected {
        Collected {
            range: (self.from, self.to),
            tally: self.tally,
            classes: self.classes,
            sample: self.sample.finish(),
            exceptions: self.exceptions,
            changes: self.changes,
            more_changes: self.more_changes,
            policy: self.at_end,
            broken: self.broken,
            signed: self.signed,
        }
    }
}
