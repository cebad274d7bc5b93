//! What one event says of refs, in few bytes: a hundred thousand of them fit into memory.

use crate::event::{BASELINE, Event, GAP, PUSH, REFS_CHANGED};
use crate::json::{Object, Value};
use crate::merkle::{self, Hash};

use super::Held;
use super::event::{held, name, object_id};

/// One event of the specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The number of its entry.
    pub entry: u64,
    /// SHA-256 of its id.
    pub event: Hash,
    pub says: Says,
}

/// What it says, for each ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Says {
    /// Refs move there.
    Moved(Vec<(Vec<u8>, Held)>),
    /// The event of this hash said so of refs that did not; where they stayed, that is told.
    NotMoved {
        of: Hash,
        stayed: Vec<(Vec<u8>, Option<Held>)>,
    },
    /// Refs were found there at first.
    Baseline(Vec<(Vec<u8>, Held)>),
    /// Refs were found there, and an entry of this number had left them elsewhere.
    Gap(Vec<(Vec<u8>, Option<u64>, Held)>),
}

impl Record {
    /// Whether events of this type say anything of refs.
    pub fn is_told_by(event: &Event) -> bool {
        matches!(event.kind(), PUSH | REFS_CHANGED | GAP | BASELINE)
    }

    /// What an event of the entry `number` says; `data` is its data, wherever that stands. Members
    /// that are not as specified are passed over.
    pub fn of(
        number: u64,
        event: &Event,
        data: &Object,
        format: gix::hash::Kind,
        watched: impl Fn(&[u8]) -> bool,
    ) -> Option<Record> {
        let refs = data.get("refs")?.as_array()?.iter().filter_map(|value| {
            let object = value.as_object()?;
            let name = name(object).filter(|name| watched(name))?;
            Some((name, object))
        });
        let oid = |object: &Object, member: &str| {
            let id = object_id(object.get(member)?, format)?;
            Some(Held::of(id))
        };
        let found = |object: &Object| held(object.get("found")?, format);
        let outcome = data.get("outcome").and_then(Value::as_str);
        let of = data.get("of").and_then(Value::as_str);
        let says = match (event.kind(), outcome, of) {
            (PUSH | REFS_CHANGED, None, None) => Says::Moved(
                refs.filter_map(|(name, object)| Some((name, oid(object, "new")?)))
                    .collect(),
            ),
            (PUSH | REFS_CHANGED, Some(outcome), Some(of)) => {
                let old = |object| oid(object, "old").filter(|_| outcome == "refused");
                Says::NotMoved {
                    of: merkle::sha256(of.as_bytes()),
                    stayed: refs.map(|(name, object)| (name, old(object))).collect(),
                }
            }
            (BASELINE, ..) => Says::Baseline(
                refs.filter_map(|(name, object)| Some((name, found(object)?)))
                    .collect(),
            ),
            (GAP, ..) => {
                let since = |object: &Object| {
                    let since = object.get("since").and_then(Value::as_integer);
                    since.and_then(|since| u64::try_from(since).ok())
                };
                Says::Gap(
                    refs.filter_map(|(name, object)| Some((name, since(object), found(object)?)))
                        .collect(),
                )
            }
            _ => return None,
        };
        Some(Record {
            entry: number,
            event: merkle::sha256(event.id().as_bytes()),
            says,
        })
    }
}
