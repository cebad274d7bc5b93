//! What the entries, one after the other, say that each ref holds.

use std::collections::BTreeMap;

use crate::event::Pending;
use crate::json::Value;
use crate::merkle::Hash;

use super::Held;
use super::record::{Record, Says};

/// Claims kept of one ref: a claim can be taken back by the outcome of its push, which follows
/// soon or never.
const CLAIMS: usize = 8;
/// A name that stands for a name, and so on: followed this far, as git does.
const STEPS: usize = 5;

/// What one event said of one ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    /// The number of its entry.
    pub entry: u64,
    /// SHA-256 of the event's id.
    pub event: Hash,
    /// What the ref holds.
    pub held: Held,
}

/// Where the record left the refs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The entry of the first baseline.
    pub(super) baseline: Option<u64>,
    /// What was said of each ref, the newest last.
    pub(super) claims: BTreeMap<Vec<u8>, Vec<Claim>>,
}

impl State {
    /// The number of the entry that says where the refs stood at first.
    pub fn baseline(&self) -> Option<u64> {
        self.baseline
    }

    /// What a ref holds by the record, and the number of the entry that says so.
    pub fn get(&self, name: &[u8]) -> Option<(&Held, u64)> {
        let last = self.claims.get(name)?.last()?;
        Some((&last.held, last.entry))
    }

    /// The names of all refs that were ever spoken of.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.claims.keys().map(Vec::as_slice)
    }

    /// Takes in an event as if an entry of this number held it.
    pub fn suppose(
        &mut self,
        number: u64,
        pending: &Pending,
        format: gix::hash::Kind,
        watched: impl Fn(&[u8]) -> bool,
    ) {
        let body = pending.body.as_ref();
        let attached = body.and_then(|body| Value::parse(body).ok());
        let data = pending.event.data().or(attached.as_ref());
        let data = data.and_then(Value::as_object);
        let record =
            data.and_then(|data| Record::of(number, &pending.event, data, format, watched));
        if let Some(record) = record {
            self.apply(record);
        }
    }

    /// Takes in what one event says.
    pub(super) fn apply(&mut self, record: Record) {
        let Record { entry, event, says } = record;
        let claim = |held: Held| Claim { entry, event, held };
        match says {
            Says::Moved(refs) => {
                for (name, held) in refs {
                    let name = self.resolve(name);
                    self.push(name, claim(held));
                }
            }
            Says::NotMoved { of, stayed } => {
                for (name, held) in stayed {
                    let name = self.resolve(name);
                    let claims = self.claims.entry(name.clone()).or_default();
                    claims.retain(|claim| claim.event != of);
                    if let (true, Some(held)) = (claims.is_empty(), held) {
                        self.push(name, claim(held));
                    }
                }
            }
            Says::Baseline(refs) if self.baseline.is_none() => {
                self.baseline = Some(entry);
                for (name, held) in refs {
                    if self.get(&name).is_none() {
                        self.push(name, claim(held));
                    }
                }
            }
            Says::Baseline(_) => {}
            Says::Gap(refs) => {
                for (name, since, held) in refs {
                    self.insert_after(name, since, claim(held));
                }
            }
        }
    }

    /// The ref that moves when this one is pushed.
    fn resolve(&self, name: Vec<u8>) -> Vec<u8> {
        let mut at = name;
        for _ in 0..STEPS {
            match self.get(&at) {
                Some((Held::Symbolic(target), _)) => at = target.clone(),
                _ => break,
            }
        }
        at
    }

    fn push(&mut self, name: Vec<u8>, claim: Claim) {
        let claims = self.claims.entry(name).or_default();
        claims.push(claim);
        if claims.len() > CLAIMS {
            claims.remove(0);
        }
    }

    /// What a comparison found counts from the entry it was compared with: what was recorded in
    /// between says where the ref went afterwards.
    fn insert_after(&mut self, name: Vec<u8>, since: Option<u64>, claim: Claim) {
        let claims = self.claims.entry(name).or_default();
        let last = || claims.iter().rposition(|known| Some(known.entry) == since);
        let at = match since {
            None => 0,
            Some(_) => last().map_or(claims.len(), |at| at + 1),
        };
        claims.insert(at, claim);
        if claims.len() > CLAIMS {
            claims.remove(0);
        }
    }
}
