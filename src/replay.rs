//! The state of things as of one entry: refs, what runs where, variables, runs under way; and what
//! the last entry changed.
//!
//! A pure fold over entries, the oldest first. All of it is what events claim. What nothing spoke of
//! since the entry where the fold began is not known to it: it shows what was touched.
//!
//! # Limits
//! Data in attachments is not looked into. Of each kind at most [`MOST`] things are kept, and of one
//! event at most [`MOST_REFS`] refs; the rest is left out, and that is told.

#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeMap;

use crate::commit::Link;
use crate::event::{self, Event};

use told::Told;

/// Things of one kind that are kept.
pub const MOST: usize = 2_000;
/// Refs of one event that are looked at.
pub const MOST_REFS: usize = 1_000;

/// A kind of things with a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What runs in an environment.
    Deployment,
    /// Where a ref stands.
    Ref,
    /// A variable or file of a snapshot.
    Setting,
    /// A run of a pipeline, task or build that has begun and not ended.
    Run,
}

impl Kind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Kind; 4] = [Kind::Deployment, Kind::Ref, Kind::Setting, Kind::Run];
}

/// The name of a thing: where it is, and what it is called there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The environment, repository, or scope; foreign text.
    pub place: String,
    /// Its own name; foreign text.
    pub own: String,
}

/// What is known of a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// Its state; none when it is gone. Foreign text.
    pub now: Option<String>,
    /// Its state before, if that is known.
    pub was: Option<String>,
    /// The entry that tells of it.
    pub number: u64,
    /// T of that entry.
    pub time: u64,
    /// A word on how it came to be so: `forced`, `seen by no hook`, `rolled back`; else empty.
    pub how: &'static str,
}

/// The fold.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    things: BTreeMap<Kind, BTreeMap<Name, Thing>>,
    /// What each push changed, by its source and id, so that it can be taken back.
    undo: BTreeMap<String, Vec<(Name, Option<Thing>)>>,
    first: Option<u64>,
    last: Option<u64>,
    left_out: bool,
}

impl Replay {
    /// Takes in an entry.
    pub fn see(&mut self, link: &Link) {
        self.step(link.entry.number(), link.time, &link.entry.events);
    }

    fn step(&mut self, number: u64, time: u64, events: &[Event]) {
        self.first.get_or_insert(number);
        self.last = Some(number);
        // what is over is shown in the step that ended it, and no longer
        let runs = self.things.entry(Kind::Run).or_default();
        runs.retain(|_, run| run.now.is_some());
        for event in events {
            self.event(number, time, event);
        }
    }

    /// The number of the first entry that was taken in.
    pub fn first(&self) -> Option<u64> {
        self.first
    }

    /// The things of a kind by name.
    pub fn things(&self, kind: Kind) -> impl Iterator<Item = (&Name, &Thing)> {
        self.things.get(&kind).into_iter().flatten()
    }

    /// Whether the last entry changed this thing.
    pub fn is_fresh(&self, thing: &Thing) -> bool {
        Some(thing.number) == self.last
    }

    /// Whether something was left out because there was too much.
    pub fn left_out(&self) -> bool {
        self.left_out
    }

    fn event(&mut self, number: u64, time: u64, event: &Event) {
        let told = told::of(event);
        self.left_out |= told.left_out;
        let key = format!("{} {}", event.source(), told.of.unwrap_or(event.id()));
        if told.of.is_some() {
            // the push of that id did not take place
            for (name, before) in self.undo.remove(&key).unwrap_or_default() {
                let refs = self.things.entry(Kind::Ref).or_default();
                match before {
                    Some(before) => refs.insert(name, before),
                    None => refs.remove(&name),
                };
            }
            return;
        }
        let pushed = matches!(event.kind(), event::PUSH | event::REFS_CHANGED);
        for Told {
            kind,
            name,
            now,
            was,
            how,
        } in told.things
        {
            let known = self.things.entry(kind).or_default();
            if !known.contains_key(&name) && known.len() >= MOST {
                self.left_out = true;
                continue;
            }
            let before = known.get(&name).cloned();
            if kind == Kind::Run && now.is_none() && before.is_none() {
                // it began before this fold, or does not say what it was called
                continue;
            }
            let thing = Thing {
                was: was.or_else(|| before.as_ref().and_then(|before| before.now.clone())),
                now,
                number,
                time,
                how,
            };
            known.insert(name.clone(), thing);
            if pushed && self.undo.len() < MOST {
                let undo = self.undo.entry(key.clone()).or_default();
                undo.push((name, before));
            }
        }
    }
}
