//! The recorded state and what differs from it, without a repository.

use gix::hash::Kind::Sha1;

use super::record::Record;
use super::*;
use crate::event::{Event, EventFault, PUSH, Pending};
use crate::hook::Update;
use crate::hook::push_event::{self, Outcome};
use crate::json::{Object, Value};

const MAIN: &[u8] = b"refs/heads/main";

fn id(byte: u8) -> ObjectId {
    ObjectId::from_bytes_or_panic(&[byte; 20])
}

fn update(name: &[u8], old: u8, new: u8) -> Update {
    Update {
        old: id(old),
        new: id(new),
        name: name.to_vec(),
    }
}

/// A chain of events, one an entry.
#[derive(Default)]
struct Chain {
    state: State,
    number: u64,
}

impl Chain {
    fn take(&mut self, event: &Event) {
        self.number += 1;
        let data = event.data().and_then(Value::as_object).expect("data");
        let all = |_: &[u8]| true;
        let record = Record::of(self.number, event, data, Sha1, all).expect("a record");
        self.state.apply(record);
    }

    fn push(&mut self, event_id: &str, updates: &[Update]) {
        let refs: Vec<Value> = updates
            .iter()
            .map(|update| {
                let name = String::from_utf8(update.name.clone()).expect("a name");
                Object::new()
                    .with("ref", name)
                    .with("old", update.old.to_string())
                    .with("new", update.new.to_string())
                    .into()
            })
            .collect();
        let object = Object::new()
            .with("specversion", "1.0")
            .with("type", PUSH)
            .with("id", event_id)
            .with("source", "/r")
            .with("data", Object::new().with("refs", refs));
        self.take(&Event::from_object(object).expect("an event"));
    }

    fn outcome(&mut self, of: &str, updates: &[Update], outcome: Outcome) {
        let pending = push_event::outcome(PUSH, of, "/r", "t", updates, outcome);
        self.take(&pending.expect("an event").event);
    }

    fn pending(&mut self, pending: Result<Pending, EventFault>) {
        self.take(&pending.expect("an event").event);
    }

    /// Compares, records what there is, and says what was found.
    fn reconcile(&mut self, found: &Refs) -> Comparison {
        let comparison = compare(&self.state, found, &BTreeSet::new());
        if let Some(refs) = &comparison.baseline {
            self.pending(baseline(refs, Sha1, "/r", "t"));
        }
        if !comparison.differences.is_empty() {
            self.pending(gap(&comparison.differences, Sha1, "command", "/r", "t"));
        }
        let again = compare(&self.state, found, &BTreeSet::new());
        assert_eq!((again.baseline, again.differences), (None, Vec::new()));
        comparison
    }

    fn main(&self) -> Option<(Held, u64)> {
        self.state
            .get(MAIN)
            .map(|(held, since)| (held.clone(), since))
    }
}

fn refs(all: &[(&[u8], Held)]) -> Refs {
    all.iter()
        .map(|(name, held)| (name.to_vec(), held.clone()))
        .collect()
}

fn at(byte: u8) -> Held {
    Held::Object(id(byte))
}

#[test]
fn the_first_comparison_is_a_baseline_and_no_accusation() {
    let mut chain = Chain::default();
    let alias = Held::Symbolic(MAIN.to_vec());
    let found = refs(&[
        (MAIN, at(1)),
        (b"refs/heads/\xff", at(2)),
        (b"refs/heads/alias", alias),
    ]);
    let first = chain.reconcile(&found);
    assert_eq!(first.baseline.as_ref(), Some(&found));
    assert_eq!(first.differences, []);
    // a push to an alias moves what it stands for
    chain.push("p", &[update(b"refs/heads/alias", 1, 3)]);
    assert_eq!(chain.main(), Some((at(3), 2)));
}

#[test]
fn pushes_and_outcomes_lead_to_where_the_ref_is() {
    let mut chain = Chain::default();
    chain.reconcile(&refs(&[(MAIN, at(1))]));
    // two pushes at once: whichever is refused, the other counts
    for (refused, left) in [("a", 3), ("b", 2)] {
        let mut chain = Chain {
            state: chain.state.clone(),
            number: chain.number,
        };
        let (a, b) = (update(MAIN, 1, 2), update(MAIN, 1, 3));
        chain.push("a", std::slice::from_ref(&a));
        chain.push("b", std::slice::from_ref(&b));
        let lost = if refused == "a" { a } else { b };
        chain.outcome(refused, &[lost], Outcome::Raced);
        assert_eq!(chain.main().map(|(held, _)| held), Some(at(left)));
    }
    chain.push("c", &[update(MAIN, 1, 0)]);
    assert_eq!(chain.main(), Some((Held::Nothing, 2)));
    // the first thing said of a ref, and not so
    chain.push("d", &[update(b"refs/heads/x", 7, 8)]);
    chain.outcome("d", &[update(b"refs/heads/x", 7, 8)], Outcome::Refused);
    let x = chain
        .state
        .get(b"refs/heads/x")
        .map(|(held, _)| held.clone());
    assert_eq!(x, Some(at(7)));
}

#[test]
fn each_change_is_recorded_once_and_again_when_it_happens_again() {
    let mut chain = Chain::default();
    chain.reconcile(&refs(&[(MAIN, at(1))]));
    let mut ids = BTreeSet::new();
    let mut sinces = Vec::new();
    for byte in [2, 1, 2, 0, 2] {
        let found = match byte {
            0 => Refs::new(),
            byte => refs(&[(MAIN, at(byte))]),
        };
        let comparison = compare(&chain.state, &found, &BTreeSet::new());
        let event = |time| gap(&comparison.differences, Sha1, "command", "/r", time);
        let id = event("t").expect("an event").event.id().to_owned();
        assert_eq!(event("later").expect("an event").event.id(), id);
        assert!(ids.insert(id));
        sinces.push(comparison.differences[0].since);
        assert_eq!(chain.reconcile(&found).differences.len(), 1);
    }
    assert_eq!(sinces, [Some(1), Some(2), Some(3), Some(4), Some(5)]);
    let unknown = refs(&[(MAIN, at(2)), (b"refs/heads/new", at(2))]);
    let difference = &chain.reconcile(&unknown).differences[0];
    assert_eq!((difference.since, difference.kind()), (None, "create"));
    assert_eq!(
        difference.finding().detail,
        format!("refs/heads/new holds {}; no entry speaks of it", id(2))
    );
}

#[test]
fn what_is_under_way_is_left_out_and_what_was_recorded_meanwhile_comes_after() {
    let mut chain = Chain::default();
    chain.reconcile(&refs(&[(MAIN, at(1))]));
    let moved = refs(&[(MAIN, at(5))]);
    let busy = BTreeSet::from([MAIN.to_vec()]);
    assert_eq!(compare(&chain.state, &moved, &busy).differences, []);
    let late = compare(&chain.state, &moved, &BTreeSet::new());
    chain.push("p", &[update(MAIN, 5, 6)]);
    chain.pending(gap(&late.differences, Sha1, "command", "/r", "t"));
    assert_eq!(chain.main().map(|(held, _)| held), Some(at(6)));
    chain.outcome("p", &[update(MAIN, 5, 6)], Outcome::Refused);
    assert_eq!(chain.main().map(|(held, _)| held), Some(at(5)));
}

#[test]
fn events_that_make_no_sense_say_nothing() {
    let mut chain = Chain::default();
    for data in [
        r#"{"refs":[{"ref":"refs/heads/a","new":"xyz","old":"1"}]}"#,
        r#"{"refs":[1,{"new":"1"},{"ref_base64":"%"}]}"#,
        r#"{"refs":[{"ref":"refs/heads/a","found":"ref: a\nb"}]}"#,
    ] {
        for kind in ["push", "gap", "baseline"] {
            let text = format!(
                r#"{{"specversion":"1.0","id":"1","source":"/r","type":"dev.git-ledger.{kind}","data":{data}}}"#
            );
            chain.take(&Event::parse(text.as_bytes()).expect("an event"));
        }
    }
    assert_eq!(chain.state.names().count(), 0);
}
