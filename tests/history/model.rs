//! What a ledger must hold, given what its writers asked and what they were told. Knows nothing
//! of git and shares no code with the program it judges.
//!
//! Stamps come from one counter, so that "ended before it began" is a fact and no guess.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What names an event: whoever made it, and its name there.
pub type Key = (String, String);

/// What a writer was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is in the chain, in this entry if one was named.
    Recorded(Option<usize>),
    /// It will be there in the end, for something else rests on it: a spool, a ref that moved.
    Promised,
    /// Nothing that binds: an error, or silence because somebody was killed.
    Unknown,
}

/// One call of a writer.
#[derive(Debug, Clone)]
pub struct Call {
    pub writer: String,
    pub began: u64,
    pub ended: u64,
    pub events: Vec<Key>,
    pub answer: Answer,
}

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// It was acknowledged or promised, and is not there.
    Lost(Key),
    /// It is there so many times.
    Repeated(Key, usize),
    /// The entry that was named does not hold it.
    Elsewhere(Key, usize),
    /// Nobody asked for it.
    Stranger(Key),
    /// The second began after the first was acknowledged, and stands before it or beside it.
    Disorder(Key, Key),
    /// A copy is no beginning of the primary: the first entry that differs.
    Forked(String, usize),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Judges the entries of the primary, the oldest first, each with its events.
pub fn judge(calls: &[Call], chain: &[Vec<Key>]) -> Vec<Violation> {
    let mut places: BTreeMap<&Key, Vec<usize>> = BTreeMap::new();
    for (number, events) in chain.iter().enumerate() {
        for key in events {
            places.entry(key).or_default().push(number);
        }
    }
    let mut found = BTreeSet::new();
    let asked: BTreeSet<&Key> = calls.iter().flat_map(|call| &call.events).collect();
    for (key, numbers) in &places {
        if !asked.contains(key) {
            found.insert(Violation::Stranger((*key).clone()));
        }
        if numbers.len() > 1 {
            found.insert(Violation::Repeated((*key).clone(), numbers.len()));
        }
    }
    for call in calls {
        for key in &call.events {
            let there = places.get(key).map_or(&[][..], Vec::as_slice);
            let bound = call.answer != Answer::Unknown;
            if bound && there.is_empty() {
                found.insert(Violation::Lost(key.clone()));
            }
            if let Answer::Recorded(Some(number)) = call.answer
                && !there.is_empty()
                && !there.contains(&number)
            {
                found.insert(Violation::Elsewhere(key.clone(), number));
            }
        }
    }
    found.extend(disorder(calls, &places));
    found.into_iter().collect()
}

/// Real-time order: what began after an acknowledgement stands after what was acknowledged.
fn disorder(calls: &[Call], places: &BTreeMap<&Key, Vec<usize>>) -> Vec<Violation> {
    // an event cannot be there before it was asked for the first time
    let mut first: BTreeMap<&Key, u64> = BTreeMap::new();
    for call in calls {
        for key in &call.events {
            let began = first.entry(key).or_insert(call.began);
            *began = call.began.min(*began);
        }
    }
    let place = |key: &Key| places.get(key).and_then(|numbers| numbers.first()).copied();
    let mut acknowledged: Vec<(u64, &Key, usize)> = calls
        .iter()
        .filter(|call| matches!(call.answer, Answer::Recorded(_)))
        .flat_map(|call| call.events.iter().map(|key| (call.ended, key)))
        .filter_map(|(ended, key)| Some((ended, key, place(key)?)))
        .collect();
    acknowledged.sort();
    let mut begun: Vec<(u64, &Key, usize)> = first
        .into_iter()
        .filter_map(|(key, began)| Some((began, key, place(key)?)))
        .collect();
    begun.sort();
    let mut found = Vec::new();
    let mut earlier = acknowledged.into_iter().peekable();
    // the furthest of all that was acknowledged so far
    let mut furthest: Option<(usize, &Key)> = None;
    for (began, key, at) in begun {
        while let Some((_, other, there)) = earlier.next_if(|(ended, _, _)| *ended < began) {
            furthest = furthest.max(Some((there, other)));
        }
        if let Some((there, other)) = furthest
            && at <= there
        {
            found.push(Violation::Disorder(other.clone(), key.clone()));
        }
    }
    found
}

/// A copy must be a beginning of the primary, or all of it.
pub fn beginning(name: &str, copy: &[String], primary: &[String]) -> Option<Violation> {
    let differs =
        |(number, id): (usize, &String)| (primary.get(number) != Some(id)).then_some(number);
    let number = copy.iter().enumerate().find_map(differs)?;
    Some(Violation::Forked(name.to_owned(), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        ("w".to_owned(), name.to_owned())
    }

    fn call(name: &str, began: u64, ended: u64, answer: Answer) -> Call {
        Call {
            writer: "w".to_owned(),
            began,
            ended,
            events: vec![key(name)],
            answer,
        }
    }

    fn chain(entries: &[&[&str]]) -> Vec<Vec<Key>> {
        let entry = |names: &&[&str]| names.iter().map(|name| key(name)).collect();
        entries.iter().map(entry).collect()
    }

    /// a and b one after the other, c beside b, d never answered, e spooled.
    fn history() -> Vec<Call> {
        vec![
            call("a", 1, 2, Answer::Recorded(Some(1))),
            call("b", 3, 6, Answer::Recorded(Some(3))),
            call("c", 4, 5, Answer::Recorded(None)),
            call("d", 7, 8, Answer::Unknown),
            call("e", 9, 10, Answer::Promised),
        ]
    }

    #[test]
    fn what_is_right_is_right() {
        let told = judge(&history(), &chain(&[&[], &["a"], &["c"], &["b"], &["e"]]));
        assert_eq!(told, []);
        // what was never answered may be there; a retry may find it
        let mut calls = history();
        calls.push(call("d", 11, 12, Answer::Recorded(Some(4))));
        let told = judge(
            &calls,
            &chain(&[&[], &["a"], &["c"], &["b"], &["d"], &["e"]]),
        );
        assert_eq!(told, []);
    }

    #[test]
    fn one_acknowledged_event_is_gone() {
        let told = judge(&history(), &chain(&[&[], &["a"], &[], &["b"], &["e"]]));
        assert_eq!(told, [Violation::Lost(key("c"))]);
    }

    #[test]
    fn a_spooled_event_is_gone() {
        let told = judge(&history(), &chain(&[&[], &["a"], &["c"], &["b"]]));
        assert_eq!(told, [Violation::Lost(key("e"))]);
    }

    #[test]
    fn one_is_there_twice() {
        let entries = chain(&[&[], &["a"], &["c"], &["b"], &["d"], &["e"], &["d"]]);
        assert_eq!(
            judge(&history(), &entries),
            [Violation::Repeated(key("d"), 2)]
        );
        let entries = chain(&[&[], &["a"], &["c"], &["b"], &["e", "e"]]);
        assert_eq!(
            judge(&history(), &entries),
            [Violation::Repeated(key("e"), 2)]
        );
    }

    #[test]
    fn nobody_asked_for_it() {
        let entries = chain(&[&[], &["a"], &["c"], &["b"], &["e"], &["x"]]);
        assert_eq!(judge(&history(), &entries), [Violation::Stranger(key("x"))]);
    }

    #[test]
    fn another_number_than_told() {
        let entries = chain(&[&[], &["a"], &["b"], &["c"], &["e"]]);
        assert_eq!(
            judge(&history(), &entries),
            [Violation::Elsewhere(key("b"), 3)]
        );
    }

    #[test]
    fn acknowledged_first_and_standing_last() {
        let calls = [
            call("a", 1, 2, Answer::Recorded(None)),
            call("b", 3, 4, Answer::Recorded(None)),
        ];
        let wrong = [Violation::Disorder(key("a"), key("b"))];
        assert_eq!(judge(&calls, &chain(&[&["b"], &["a"]])), wrong);
        // one entry cannot hold what was asked for after it was written
        assert_eq!(judge(&calls, &chain(&[&["a", "b"]])), wrong);
        assert_eq!(judge(&calls, &chain(&[&["a"], &["b"]])), []);
        // an event nobody acknowledged is bound by the acknowledgements before it all the same
        let calls = [calls[0].clone(), call("b", 3, 4, Answer::Unknown)];
        assert_eq!(judge(&calls, &chain(&[&["b"], &["a"]])), wrong);
        // calls beside each other may stand as they like
        let calls = [calls[0].clone(), call("b", 2, 3, Answer::Recorded(None))];
        assert_eq!(judge(&calls, &chain(&[&["b"], &["a"]])), []);
    }

    #[test]
    fn a_copy_that_left_the_line() {
        let ids = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        let primary = ids("abcd");
        assert_eq!(beginning("m", &ids("abc"), &primary), None);
        assert_eq!(beginning("m", &ids("abcd"), &primary), None);
        let forked = |number| Some(Violation::Forked("m".to_owned(), number));
        assert_eq!(beginning("m", &ids("abx"), &primary), forked(2));
        assert_eq!(beginning("m", &ids("abcde"), &primary), forked(4));
    }
}
