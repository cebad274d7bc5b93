//! Which entries have been looked at, by whom, and which wait.
//!
//! The ledger is shown from its newest entry to its first: so a review is met before what it is
//! about, and nothing has to be kept of entries that no review names.

use std::collections::BTreeMap;

use super::{Fault, Outcome, Review};
use crate::merkle::Hash;

/// Spans of entries that wait, kept one by one; the older ones of more are counted together.
const MOST_SPANS: usize = 1000;

/// One review where it stands in the ledger.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The number of its entry.
    pub number: u64,
    /// When that was recorded, in seconds since 1970.
    pub time: u64,
    /// Who signed it, as claimed.
    pub principal: String,
    /// What it says, or why it says nothing.
    pub review: Result<Review, Fault>,
    /// Whether its ends are the entries that stand here, as far as they were met.
    pub fits: Option<bool>,
    /// How many entries of its range its signer signed, counted here.
    pub own: u64,
}

impl Placed {
    /// Whether the entries of its range count as looked at.
    pub fn counts(&self) -> bool {
        self.review.is_ok() && self.fits == Some(true)
    }

    fn holds(&self, number: u64) -> bool {
        let review = self.review.as_ref().ok();
        review.is_some_and(|review| (review.first.number..=review.last.number).contains(&number))
    }
}

/// A span of entries that nobody has looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// How many entries of it wait: those that hold nothing but reviews do not.
    pub entries: u64,
    /// When the oldest of them was recorded, in seconds since 1970.
    pub since: u64,
}

/// One entry, as much as matters here.
#[derive(Debug, Clone)]
pub struct Shown<'a> {
    /// Its number.
    pub number: u64,
    /// Its digest.
    pub digest: Hash,
    /// When it was recorded, in seconds since 1970.
    pub time: u64,
    /// Who signed it, as claimed.
    pub principal: &'a str,
    /// Its events.
    pub events: &'a [crate::event::Event],
}

/// All reviews of a ledger, and what they leave.
#[derive(Debug, Default)]
pub struct Coverage {
    reviews: Vec<Placed>,
    /// Places in `reviews` whose range is not yet passed.
    open: Vec<usize>,
    waiting: Vec<Waiting>,
    /// Entries nobody has looked at that are part of no span that is kept.
    more: u64,
    /// Entries looked at, by what the best review of each came to.
    looked: BTreeMap<&'static str, u64>,
    joined: bool,
}

impl Coverage {
    /// Takes in the next older entry.
    pub fn add(&mut self, entry: &Shown<'_>) {
        let mut only_reviews = true;
        for event in entry.events {
            let Some(review) = Review::of(event) else {
                only_reviews = false;
                continue;
            };
            // a review of entries that did not stand yet says nothing
            let review = review.and_then(|review| {
                if review.last.number < entry.number {
                    Ok(review)
                } else {
                    Err(Fault::Contradiction("it is about entries after it"))
                }
            });
            if review.is_ok() {
                self.open.push(self.reviews.len());
            }
            self.reviews.push(Placed {
                number: entry.number,
                time: entry.time,
                principal: entry.principal.to_owned(),
                review,
                fits: None,
                own: 0,
            });
        }
        let looked = self.pass(entry);
        match looked {
            Some(outcome) => {
                *self.looked.entry(outcome.word()).or_default() += 1;
                self.joined = false;
            }
            // who looks at what was looked at would never end
            None if only_reviews => {}
            None => self.wait(entry),
        }
    }

    /// What the newest review that holds this entry came to; ends that are met are compared.
    fn pass(&mut self, entry: &Shown<'_>) -> Option<Outcome> {
        let mut newest = None;
        for at in &self.open {
            let Some(placed) = self.reviews.get_mut(*at) else {
                continue;
            };
            if !placed.holds(entry.number) {
                continue;
            }
            let Ok(review) = &placed.review else { continue };
            for end in [review.last, review.first] {
                if end.number == entry.number {
                    let same = end.digest == entry.digest;
                    placed.fits = Some(placed.fits.unwrap_or(true) && same);
                }
            }
            placed.own += u64::from(placed.principal == entry.principal);
            // the last entry is met first; where that is another one, so may be all before it
            if placed.fits == Some(true) {
                newest = newest.or(Some(review.outcome));
            }
        }
        let reviews = &self.reviews;
        self.open.retain(|at| {
            let review = reviews
                .get(*at)
                .and_then(|placed| placed.review.as_ref().ok());
            review.is_some_and(|review| review.first.number < entry.number)
        });
        newest
    }

    fn wait(&mut self, entry: &Shown<'_>) {
        if let Some(span) = self.waiting.last_mut().filter(|_| self.joined) {
            span.first = entry.number;
            span.entries += 1;
            span.since = span.since.min(entry.time);
        } else if self.waiting.len() >= MOST_SPANS {
            self.more += 1;
        } else {
            self.joined = true;
            self.waiting.push(Waiting {
                first: entry.number,
                last: entry.number,
                entries: 1,
                since: entry.time,
            });
        }
    }

    /// The reviews, the newest first.
    pub fn reviews(&self) -> &[Placed] {
        &self.reviews
    }

    /// What nobody has looked at, the newest first.
    pub fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }

    /// How many entries nobody has looked at.
    pub fn unreviewed(&self) -> u64 {
        let spans = self.waiting.iter().map(|span| span.entries);
        spans.sum::<u64>().saturating_add(self.more)
    }

    /// How many entries somebody has looked at, by what the newest review of each came to.
    pub fn looked(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.looked.iter().map(|(word, count)| (*word, *count))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Bound;
    use super::*;
    use crate::event::Event;
    use crate::finding::Answer;

    fn event(kind: &str) -> Event {
        let text = format!(r#"{{"id":"1","source":"/s","specversion":"1.0","type":"{kind}"}}"#);
        Event::parse(text.as_bytes()).expect("an event")
    }

    fn review(first: u64, last: u64, outcome: Outcome) -> Event {
        let bound = |number: u64| Bound {
            number,
            digest: [u8::try_from(number).expect("a small number"); 32],
        };
        let review = Review {
            first: bound(first),
            last: bound(last),
            answer: Answer::Sound,
            verified: last + 1,
            version: String::new(),
            own: 0,
            findings: Vec::new(),
            outcome,
            note: None,
            ticket: None,
        };
        review
            .event("1", "/s", "2026-01-31T12:00:00Z")
            .expect("an event")
    }

    /// Entries 0 to n−1, each with one event; entry n at `@n` is dated n.
    fn cover(events: &[Event], twist: Option<u64>) -> Coverage {
        let mut coverage = Coverage::default();
        for (at, event) in events.iter().enumerate().rev() {
            let number = at as u64;
            let mut digest = [u8::try_from(number).expect("a small number"); 32];
            if twist == Some(number) {
                digest = [99; 32];
            }
            coverage.add(&Shown {
                number,
                digest,
                time: number,
                principal: if number.is_multiple_of(2) {
                    "ann"
                } else {
                    "bob"
                },
                events: std::slice::from_ref(event),
            });
        }
        coverage
    }

    fn spans(coverage: &Coverage) -> Vec<(u64, u64, u64)> {
        let spans = coverage.waiting().iter();
        spans
            .map(|span| (span.first, span.last, span.entries))
            .collect()
    }

    #[test]
    fn what_nobody_looked_at_waits() {
        let mut events: Vec<Event> = (0..8).map(|_| event("a.b")).collect();
        assert_eq!(spans(&cover(&events, None)), [(0, 7, 8)]);
        events.push(review(2, 4, Outcome::Clean));
        events.push(review(4, 5, Outcome::Findings));
        let coverage = cover(&events, None);
        // the two reviews themselves do not wait
        assert_eq!(spans(&coverage), [(6, 7, 2), (0, 1, 2)]);
        assert_eq!(coverage.unreviewed(), 4);
        assert_eq!(coverage.waiting()[1].since, 0);
        let looked: Vec<_> = coverage.looked().collect();
        assert_eq!(looked, [("clean", 2), ("findings", 2)]);
        // entry 9 is bob's, as is entry 5; entry 8 is ann's, as are 2 and 4
        let own: Vec<u64> = coverage.reviews().iter().map(|placed| placed.own).collect();
        assert_eq!(own, [1, 2]);
    }

    #[test]
    fn a_review_of_other_entries_covers_nothing() {
        let mut events: Vec<Event> = (0..4).map(|_| event("a.b")).collect();
        events.push(review(1, 3, Outcome::Clean));
        let coverage = cover(&events, Some(3));
        assert_eq!(coverage.reviews()[0].fits, Some(false));
        assert_eq!(coverage.unreviewed(), 4);
        // the first entry is met last; the digest of the last one covers all before it
        let coverage = cover(&events, Some(1));
        assert!(!coverage.reviews()[0].counts());
        assert_eq!(spans(&coverage), [(0, 1, 2)]);
        // and one about the future is none
        events[2] = review(1, 3, Outcome::Clean);
        assert!(cover(&events, None).reviews()[1].review.is_err());
    }
}
