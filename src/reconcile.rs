//! Where the record left the refs, and where they are: what no hook saw move.
//!
//! The recorded state is folded from the entries; the repository's refs are handed in. Nothing is
//! read from a repository here but the chain, nothing is written but the cache, and no ref is
//! moved. What differs is described as an event that closes the gap: once it is recorded, the
//! same comparison finds nothing.
//!
//! Source: `ledger-spec/hook.md`, "Comparing the refs with the record".
//!
//! # Limits
//! The chain is taken as it stands: `verify` judges it. Whoever may write events of these types
//! can explain a change away, in an entry that bears their signature. What moved and moved back
//! between two comparisons is not seen.

mod cache;
mod event;
mod fold;
mod record;
mod state;

use std::collections::{BTreeMap, BTreeSet};

use gix::ObjectId;

use crate::escape::printable_bytes;
use crate::finding::{Finding, FindingId};

pub use cache::Cache;
pub use event::{baseline, gap};
pub use fold::{FoldError, Folded, fold};
pub use state::State;

/// What a ref holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// There is no such ref.
    Nothing,
    /// An object.
    Object(ObjectId),
    /// It stands for the ref of this name.
    Symbolic(Vec<u8>),
    /// Something that is neither.
    Broken,
}

/// The refs of a repository by their full names.
pub type Refs = BTreeMap<Vec<u8>, Held>;

/// A ref that is not where the record left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its full name.
    pub name: Vec<u8>,
    /// What it holds by the record.
    pub recorded: Held,
    /// What it holds.
    pub found: Held,
    /// The number of the entry that recorded it last; none when no entry speaks of it.
    pub since: Option<u64>,
    /// Whether the move took something away; none where that cannot be told.
    pub forced: Option<bool>,
}

/// What a comparison comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The refs nobody has spoken of yet, when there is no baseline.
    pub baseline: Option<Refs>,
    /// What no hook saw.
    pub differences: Vec<Difference>,
    /// Refs that were compared.
    pub compared: usize,
}

impl Difference {
    /// `create`, `delete` or `update`.
    pub fn kind(&self) -> &'static str {
        match (&self.recorded, &self.found) {
            (Held::Nothing, _) => "create",
            (_, Held::Nothing) => "delete",
            _ => "update",
        }
    }

    /// The finding it is.
    pub fn finding(&self) -> Finding {
        let since = match self.since {
            Some(number) => format!("entry {number} left it at {}", self.recorded.shown()),
            None => "no entry speaks of it".to_owned(),
        };
        let detail = format!(
            "{} holds {}; {since}",
            printable_bytes(&self.name),
            self.found.shown()
        );
        let mut finding = Finding::new(FindingId::RefUnrecorded, detail);
        finding.at = self.since;
        finding
    }
}

impl Held {
    /// What a ref holds that holds this object; null for nothing.
    pub fn of(id: ObjectId) -> Held {
        if id.is_null() {
            Held::Nothing
        } else {
            Held::Object(id)
        }
    }

    /// For people.
    pub fn shown(&self) -> String {
        match self {
            Held::Nothing => "nothing".to_owned(),
            Held::Object(id) => id.to_string(),
            Held::Symbolic(target) => format!("the name {}", printable_bytes(target)),
            Held::Broken => "nothing that makes sense".to_owned(),
        }
    }
}

/// Compares the refs with the record. `busy`: refs of changes that are under way; they are left
/// out.
pub fn compare(state: &State, found: &Refs, busy: &BTreeSet<Vec<u8>>) -> Comparison {
    let mut comparison = Comparison::default();
    let mut fresh = Refs::new();
    let names: BTreeSet<&[u8]> = found
        .keys()
        .map(Vec::as_slice)
        .chain(state.names())
        .collect();
    for name in names.into_iter().filter(|name| !busy.contains(*name)) {
        let holds = found.get(name).unwrap_or(&Held::Nothing);
        comparison.compared += usize::from(*holds != Held::Nothing);
        match state.get(name) {
            None if state.baseline().is_none() => {
                if *holds != Held::Nothing {
                    fresh.insert(name.to_vec(), holds.clone());
                }
            }
            recorded => {
                let (recorded, since) = match recorded {
                    Some((held, since)) => (held.clone(), Some(since)),
                    None => (Held::Nothing, None),
                };
                if recorded != *holds {
                    comparison.differences.push(Difference {
                        name: name.to_vec(),
                        recorded,
                        found: holds.clone(),
                        since,
                        forced: None,
                    });
                }
            }
        }
    }
    comparison.baseline = state.baseline().is_none().then_some(fresh);
    comparison
}

#[cfg(test)]
mod tests;
