//! Which events bear the same source and id: a note, never a breach, for a writer that sees only
//! the tip cannot know what was recorded before.
//!
//! # Limits
//! 40 bytes are held of every event, so that a ledger of a million takes 40 MB.

use crate::commit::Link;
use crate::finding::{Finding, FindingId};
use crate::merkle::{self, Hash};

/// One event, reduced to what a comparison needs: 16 bytes of SHA-256 each for its name and what it
/// says, and its place. 40 bytes, and the only thing kept of every event until the end.
#[derive(Debug, Clone, Copy)]
pub struct Trace {
    name: [u64; 2],
    content: [u64; 2],
    place: Place,
}

/// Where an event stands, the oldest first: the distance of its entry from the tip in the upper 48
/// bits, turned round, then its own place in the entry, which has less than 65,536 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place(u64);

impl Place {
    fn new(distance: u64, index: usize) -> Place {
        Place(!distance << 16 | u64::from(u16::try_from(index).unwrap_or(u16::MAX)))
    }

    fn distance(self) -> u64 {
        !self.0 >> 16
    }
}

fn short(hash: Hash) -> [u64; 2] {
    let (words, _) = hash.as_chunks::<8>();
    [0, 1].map(|at| words.get(at).map_or(0, |word| u64::from_be_bytes(*word)))
}

/// The traces of all events of a link, which is so far from the tip.
pub fn traces(link: &Link, distance: u64) -> impl Iterator<Item = Trace> {
    let length = |text: &str| (text.len() as u64).to_be_bytes();
    let events = link.entry.events.iter().enumerate();
    events.map(move |(index, event)| {
        let (source, id) = (event.source(), event.id());
        let [before, after] = event.unrecorded();
        // the event ends where its JSON ends, so the key that follows cannot be part of it
        let content = [
            before.as_bytes(),
            after.as_bytes(),
            link.signature.key().blob(),
        ];
        Trace {
            name: short(merkle::sha256_of(&[
                &length(source),
                source.as_bytes(),
                id.as_bytes(),
            ])),
            content: short(merkle::sha256_of(&content)),
            place: Place::new(distance, index),
        }
    })
}

/// Compares all traces, given in any order. The later of two is the one reported; those of older
/// entries come first.
///
/// Sorting where they stand needs no memory beside them, which a table of names would.
pub fn compare(mut all: Vec<Trace>, position: impl Fn(u64) -> Option<u64>) -> Vec<Finding> {
    all.sort_unstable_by_key(|trace| (trace.name, trace.place));
    let mut later: Vec<(Place, Finding)> = Vec::new();
    for same in all.chunk_by(|a, b| a.name == b.name) {
        let Some((first, others)) = same.split_first() else {
            continue;
        };
        let earlier = position(first.place.distance());
        for trace in others {
            let id = if first.content == trace.content {
                FindingId::EventRepeated
            } else {
                FindingId::EventConflict
            };
            let place =
                earlier.map_or_else(|| "an earlier entry".to_owned(), |at| format!("entry {at}"));
            let finding = Finding {
                at: position(trace.place.distance()),
                ..Finding::new(id, format!("first recorded in {place}"))
            };
            later.push((trace.place, finding));
        }
    }
    later.sort_by_key(|(place, _)| *place);
    later.into_iter().map(|(_, finding)| finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_of_two_is_reported_the_oldest_first() {
        let trace = |name, content, distance, index| Trace {
            name: [name, 0],
            content: [content, 0],
            place: Place::new(distance, index),
        };
        let all = vec![
            trace(1, 1, 0, 0),
            trace(9, 1, 0, 1),
            trace(2, 1, 3, 0),
            trace(1, 1, 2, 7),
            trace(1, 2, 1, 0),
            trace(9, 1, 0, 0),
            trace(2, 1, 4, 0),
        ];
        let told = |position: fn(u64) -> Option<u64>| -> Vec<String> {
            compare(all.clone(), position)
                .iter()
                .map(|f| format!("{:?} {} {}", f.at, f.id.name(), f.detail))
                .collect()
        };
        assert_eq!(
            told(|distance| Some(10 - distance)),
            [
                "Some(7) eventRepeated first recorded in entry 6",
                "Some(9) eventConflict first recorded in entry 8",
                "Some(10) eventRepeated first recorded in entry 8",
                "Some(10) eventRepeated first recorded in entry 10",
            ]
        );
        assert!(told(|_| None)[0].ends_with("first recorded in an earlier entry"));
        assert_eq!(Place::new(1 << 40, 9).distance(), 1 << 40);
        assert_eq!(size_of::<Trace>(), 40);
    }
}
