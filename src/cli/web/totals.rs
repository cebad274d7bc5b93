//! What all entries add up to, folded from the oldest on as the chain grows.

use std::collections::VecDeque;
use std::sync::Arc;

use git_ledger::commit::Link;
use git_ledger::exceptions::Exceptions;
use git_ledger::ledger::Ledger;
use git_ledger::merkle::Hash;
use git_ledger::query::tally::Tally;
use git_ledger::query::{Selected, Step, What};
use git_ledger::replay::Replay;
use git_ledger::review::Review;
use git_ledger::web::answers::{Explain, Reviewed, Totals};

/// Reviews that are kept.
const REVIEWS: usize = 1_000;

/// The fold, and how far it is.
#[derive(Debug, Default)]
pub struct Fold {
    tally: Tally,
    exceptions: Exceptions,
    state: Replay,
    reviews: VecDeque<Reviewed>,
    changes: Vec<u64>,
    /// The policy that the last entry names; none when it could not be read.
    policy: Option<Hash>,
    read: u64,
}

impl Fold {
    /// Entries that are in.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Takes in the next entry.
    pub fn add(&mut self, ledger: &Ledger, mut step: Step) {
        self.read += 1;
        let What::Entry(link) = &step.what else {
            self.tally.broken += 1;
            self.policy = None;
            return;
        };
        self.exceptions.add(link);
        self.state.see(link);
        self.reviewed(link);
        let changed = self.policy != Some(link.entry.policy);
        self.policy = Some(link.entry.policy);
        step.policy_changed = Some(changed);
        if changed {
            self.changes.extend(step.position);
            self.relaxed(ledger, link);
        }
        let matching = (0..link.entry.events.len()).collect();
        self.tally.add(&Selected { step, matching });
    }

    fn reviewed(&mut self, link: &Link) {
        let reviews = link.entry.events.iter().filter_map(Review::of);
        for review in reviews.filter_map(Result::ok) {
            if self.reviews.len() >= REVIEWS {
                self.reviews.pop_front();
            }
            self.reviews.push_back(Reviewed {
                number: link.entry.number(),
                time: link.time,
                principal: link.principal.to_string(),
                first: review.first.number,
                last: review.last.number,
                outcome: review.outcome,
            });
        }
    }

    fn relaxed(&mut self, ledger: &Ledger, link: &Link) {
        let read = |id| ledger.tip_at(id).ok().map(|tip| tip.policy);
        if let (Some(before), Some(after)) = (link.parent.and_then(read), read(link.id)) {
            self.exceptions.policy(link, &before, &after);
        }
    }

    /// What it comes to, of so many entries.
    pub fn totals(&self, of: u64) -> Totals {
        Totals {
            tally: self.tally.clone(),
            read: self.read,
            of,
            policy_changes: self.changes.clone(),
            exceptions: Explain {
                list: self.exceptions.list(),
                counts: self.exceptions.counts(),
                limits: self.exceptions.limits(),
            },
            state: Arc::new(self.state.clone()),
            reviews: self.reviews.iter().cloned().collect(),
        }
    }
}
