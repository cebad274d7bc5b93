//! What all entries add up to, folded from the oldest on as the chain grows.

use std::sync::Arc;

use git_ledger::commit::Link;
use git_ledger::exceptions::Exceptions;
use git_ledger::ledger::Ledger;
use git_ledger::merkle::Hash;
use git_ledger::query::tally::Tally;
use git_ledger::query::{Selected, Step, What};
use git_ledger::replay::Replay;
use git_ledger::web::answers::{Explain, Totals};

/// The fold, and how far it is.
#[derive(Debug, Default)]
pub struct Fold {
    tally: Tally,
    exceptions: Exceptions,
    state: Replay,
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
        }
    }
}
