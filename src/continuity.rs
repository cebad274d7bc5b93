//! Which delivery is missing? The counters that events bring along, folded: a number that was left
//! out, a push that does not begin where the one before it ended.
//!
//! A pure fold: events and the time they came in, in the order of the record, give the state; gaps
//! become due when what is missing has not come within a grace time. What a gap says is all in its
//! id, so one gap is recorded once however often it is found. Gaps that are in the record close
//! what they tell of, so the state can be built again from the record.
//!
//! Source: `ledger-spec/serve.md`; CloudEvents extension "sequence".
//!
//! # Limits
//! Forges give their deliveries no counter. What is seen: pushes to a ref that is pushed to again,
//! runs of a workflow that runs again, events that bear a sequence. What is not: anything missing
//! at the end, and kinds of events that count nothing. Counters are claims of their senders. At
//! most [`MOST`] counters are kept; the one that was silent longest is forgotten first.

mod chain;
mod count;
mod gap;
mod step;

use std::collections::BTreeMap;

use crate::event::Event;

pub use self::gap::Gap;
pub use self::step::{Counter, Step, What};

use self::chain::Chain;
use self::count::Count;

/// Counters that are kept.
pub const MOST: usize = 20_000;

/// What was counted so far.
#[derive(Debug)]
pub struct Continuity {
    /// How long what is missing may still come, in seconds.
    grace: u64,
    counts: BTreeMap<Counter, Kept<Count>>,
    chains: BTreeMap<Counter, Kept<Chain>>,
}

#[derive(Debug, Default)]
struct Kept<T> {
    state: T,
    /// When it last said something, in seconds since 1970.
    touched: u64,
}

impl Continuity {
    /// Nothing counted yet; `grace` in seconds.
    pub fn new(grace: u64) -> Continuity {
        Continuity {
            grace,
            counts: BTreeMap::new(),
            chains: BTreeMap::new(),
        }
    }

    /// Learns from an event that is in the record, and came in at `now`.
    pub fn observe(&mut self, event: &Event, now: u64) {
        self.learn(Step::of(event), now);
    }

    /// The same from what was read of an event earlier.
    pub fn learn(&mut self, steps: Vec<Step>, now: u64) {
        for step in steps {
            match step {
                Step::Number { counter, value } => {
                    kept(&mut self.counts, counter, now).see(value, now);
                }
                Step::First { counter, value } => {
                    kept(&mut self.counts, counter, now).restart(value);
                }
                Step::Link {
                    counter,
                    before,
                    after,
                } => kept(&mut self.chains, counter, now).see(before, after, now),
                Step::NumbersTold { counter, from, to } => {
                    kept(&mut self.counts, counter, now).told(from, to);
                }
                Step::LinkTold { counter, found } => {
                    kept(&mut self.chains, counter, now).told(&found);
                }
            }
        }
    }

    /// The gaps whose grace is over; each is handed out once.
    pub fn due(&mut self, now: u64) -> Vec<Gap> {
        let before = now.saturating_sub(self.grace);
        let mut gaps = Vec::new();
        for (counter, kept) in &mut self.counts {
            let due = kept.state.due(before).into_iter();
            gaps.extend(due.map(|(from, to)| Gap::numbers(counter.clone(), from, to)));
        }
        for (counter, kept) in &mut self.chains {
            let due = kept.state.due(before).into_iter();
            gaps.extend(due.map(|(left, found)| Gap::link(counter.clone(), left, found)));
        }
        gaps
    }

    /// A gap that was handed out and could not be recorded: it is handed out again.
    pub fn again(&mut self, gap: &Gap) {
        match gap {
            Gap::Numbers { counter, from, to } => {
                if let Some(kept) = self.counts.get_mut(counter) {
                    kept.state.again(*from, *to);
                }
            }
            Gap::Link {
                counter,
                left,
                found,
            } => {
                if let Some(kept) = self.chains.get_mut(counter) {
                    kept.state.again(left, found);
                }
            }
        }
    }
}

/// The state of a counter, and room for it.
fn kept<T: Default>(all: &mut BTreeMap<Counter, Kept<T>>, counter: Counter, now: u64) -> &mut T {
    if all.len() >= MOST && !all.contains_key(&counter) {
        let oldest = all.iter().min_by_key(|(_, kept)| kept.touched);
        if let Some(oldest) = oldest.map(|(counter, _)| counter.clone()) {
            all.remove(&oldest);
        }
    }
    let kept = all.entry(counter).or_default();
    kept.touched = now;
    &mut kept.state
}

#[cfg(test)]
mod tests;
