//! Every entry once, the oldest first, for the model of a report.

use std::collections::BTreeSet;

use git_ledger::audit::proofs::Bundle;
use git_ledger::audit::{Collected, Collector};
use git_ledger::commit::Link;
use git_ledger::finding::{Answer, Finding};
use git_ledger::ledger::{Ledger, ObjectReader};
use git_ledger::policy::Policy;
use git_ledger::proof::{self, History as Numbered};
use git_ledger::query::{Step, Walk, What};
use git_ledger::store::Store as _;
use git_ledger::verify::Verdict;
use gix::ObjectId;

use crate::cli::context::Opened;
use crate::cli::failure::Failure;
use crate::cli::terminal::Progress;

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// As far as there is something.
    Open,
    /// An entry.
    Number(u64),
    /// A time, in seconds since 1970.
    Time(u64),
}

/// The commits of a ledger up to one of them, the oldest first.
pub struct History {
    walk: Walk<ObjectReader>,
    /// All of them, or why nothing can be proven.
    numbered: Result<Numbered<ObjectReader>, Finding>,
    /// Where not all are here, those that are.
    some: Vec<ObjectId>,
    /// The number of the first of them.
    first: u64,
    /// Whether times never run backwards.
    ordered: bool,
}

/// What a model is made of.
pub struct Gathered {
    /// What was folded.
    pub collected: Collected,
    /// The receipts, or why there are none.
    pub bundle: Result<Bundle, String>,
    /// T of entry 0.
    pub first_time: Option<u64>,
}

/// Follows the parents from a commit. Where objects are missing or history is cut off, it begins
/// where they end.
pub fn history(opened: &Opened, tip: ObjectId, verdict: &Verdict) -> Result<History, Failure> {
    let boundary = opened.ledger.surroundings()?.boundary;
    let numbered = Numbered::walk(opened.ledger.reader(), tip, &boundary);
    let (some, first) = match &numbered {
        Ok(_) => (Vec::new(), 0),
        Err(_) => {
            let mut walk = Walk::new(opened.ledger.reader(), tip, boundary.clone());
            let mut steps = Vec::new();
            let mut last = None;
            for step in walk.by_ref() {
                last = step.position.or(last);
                steps.push(step.commit);
            }
            steps.reverse();
            (steps, last.unwrap_or(0))
        }
    };
    Ok(History {
        walk: Walk::new(opened.ledger.reader(), tip, boundary),
        numbered,
        some,
        first,
        ordered: verdict.answer() == Answer::Sound,
    })
}

/// The commits from entry 0 to a newest one; none where some are not here.
pub fn commits(
    opened: &Opened,
    newest: ObjectId,
    boundary: &BTreeSet<ObjectId>,
) -> Option<Vec<ObjectId>> {
    let numbered = Numbered::walk(opened.ledger.reader(), newest, boundary);
    Some(numbered.ok()?.commits().to_vec())
}

impl History {
    fn commits(&self) -> &[ObjectId] {
        match &self.numbered {
            Ok(numbered) => numbered.commits(),
            Err(_) => &self.some,
        }
    }

    /// The number of the newest entry.
    pub fn newest(&self) -> u64 {
        let count = self.commits().len() as u64;
        self.first + count.saturating_sub(1)
    }

    /// The commit at a number.
    pub fn commit(&self, number: u64) -> Option<ObjectId> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.commits().get(place).copied()
    }

    /// What stands at a number.
    pub fn at(&mut self, number: u64) -> Option<Step> {
        let commit = self.commit(number)?;
        Some(self.walk.look(commit, number))
    }

    /// The numbers of a range that was asked for.
    pub fn range(&mut self, from: Bound, to: Bound) -> Result<(u64, u64), Failure> {
        let newest = self.newest();
        let absent = |number: u64| {
            Failure::usage(format!("there is no entry {number}"))
                .hint(format!("the newest entry is {newest}"))
        };
        let from = match from {
            Bound::Open => self.first,
            Bound::Number(number) if number > newest => return Err(absent(number)),
            Bound::Number(number) => number.max(self.first),
            Bound::Time(time) => self.first_from(time),
        };
        let to = match to {
            Bound::Open => newest,
            Bound::Number(number) if number > newest => return Err(absent(number)),
            Bound::Number(number) => number,
            Bound::Time(time) => match self.first_from(time.saturating_add(1)).checked_sub(1) {
                Some(to) => to,
                None => return Err(empty()),
            },
        };
        if from > to || from > newest {
            return Err(empty());
        }
        Ok((from, to))
    }

    /// The number of the first entry dated at or after a time; one more than the newest if none is.
    fn first_from(&mut self, time: u64) -> u64 {
        let (mut low, mut high) = (self.first, self.newest() + 1);
        if !self.ordered {
            // dates of what broke a rule are not in order, so each is looked at
            return (low..high)
                .find(|number| self.time(*number).is_some_and(|found| found >= time))
                .unwrap_or(high);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if self.time(middle).is_some_and(|found| found < time) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn time(&mut self, number: u64) -> Option<u64> {
        match self.at(number)?.what {
            What::Entry(link) => Some(link.time),
            What::Broken { .. } => None,
        }
    }

    /// Folds all entries, and makes the receipts of the sample.
    pub fn gather(
        mut self,
        opened: &Opened,
        (from, to): (u64, u64),
        seed: &str,
        size: usize,
    ) -> Gathered {
        let first_time = if self.first == 0 { self.time(0) } else { None };
        let mut collector = Collector::new(from, to, seed, size);
        let count = self.commits().len() as u64;
        let progress = Progress::of("reading entries").out_of(Some(count));
        for number in self.first..=self.newest() {
            let Some(step) = self.at(number) else {
                continue;
            };
            collector.add(number, step, |link| policy(&opened.ledger, link));
            progress.at(number.saturating_sub(self.first));
        }
        progress.done();
        let collected = collector.finish();
        let against = self.newest();
        let bundle = self
            .numbered
            .map_err(|finding| format!("{}: {}", finding.id, finding.detail));
        let bundle = bundle.map(|mut numbered| {
            let mut bundle = Bundle::default();
            for one in &collected.sample {
                let number = one.link.entry.number();
                match proof::receipt(&mut numbered, number, against) {
                    Ok(built) => bundle.add(built.proof),
                    Err(why) => bundle.lacks(number, why.to_string()),
                }
            }
            bundle
        });
        Gathered {
            collected,
            bundle,
            first_time,
        }
    }
}

fn policy(ledger: &Ledger, link: &Link) -> Result<Policy, String> {
    let tip = ledger.tip_at(link.id).map_err(|why| why.to_string())?;
    Ok(tip.policy)
}

fn empty() -> Failure {
    Failure::no("no entry lies in this range").hint("'git ledger log' shows which there are")
}
