//! Which events bear the same source and id: a note, never a breach, for a writer that sees only
//! the tip cannot know what was recorded before.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use crate::commit::Link;
use crate::finding::{Finding, FindingId};
use crate::merkle;

/// One event, reduced to what a comparison needs: 16 bytes of SHA-256 each.
#[derive(Debug, Clone, Copy)]
pub struct Trace {
    name: u128,
    content: u128,
}

fn short(parts: &[&[u8]]) -> u128 {
    let mut joined = Vec::new();
    for part in parts {
        joined.extend_from_slice(&(part.len() as u64).to_be_bytes());
        joined.extend_from_slice(part);
    }
    merkle::sha256(&joined)
        .iter()
        .take(16)
        .fold(0, |sum, byte| (sum << 8) | u128::from(*byte))
}

/// The traces of all events of a link.
pub fn traces(link: &Link) -> impl Iterator<Item = Trace> {
    link.entry.events.iter().map(|event| Trace {
        name: short(&[event.source().as_bytes(), event.id().as_bytes()]),
        content: short(&[event.unrecorded().as_bytes(), link.signature.key().blob()]),
    })
}

/// Compares all traces, given in any order with the distance of their entry from the tip. The
/// later of two is the one reported.
pub fn compare(mut all: Vec<(u64, Trace)>, position: impl Fn(u64) -> Option<u64>) -> Vec<Finding> {
    all.sort_by_key(|(distance, _)| std::cmp::Reverse(*distance));
    let mut first: HashMap<u128, (u64, u128)> = HashMap::with_capacity(all.len());
    let mut findings = Vec::new();
    for (distance, trace) in all {
        match first.entry(trace.name) {
            Slot::Vacant(slot) => {
                slot.insert((distance, trace.content));
            }
            Slot::Occupied(slot) => {
                let (earlier, content) = *slot.get();
                let id = if content == trace.content {
                    FindingId::EventRepeated
                } else {
                    FindingId::EventConflict
                };
                let place = position(earlier)
                    .map_or_else(|| "an earlier entry".to_owned(), |at| format!("entry {at}"));
                findings.push(Finding {
                    at: position(distance),
                    ..Finding::new(id, format!("first recorded in {place}"))
                });
            }
        }
    }
    findings
}
