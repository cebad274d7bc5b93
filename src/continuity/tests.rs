//! Gaps that are found, told once, and filled by what comes late; and what is no gap.

use super::*;
use crate::json::{Object, Value};

const GRACE: u64 = 600;

fn event(kind: &str, source: &str, id: &str, more: Object) -> Event {
    let mut object = more
        .with("specversion", "1.0")
        .with("type", kind)
        .with("id", id);
    object.set("source", source);
    Event::from_object(object).expect("an event")
}

fn sequence(number: &str) -> Event {
    let more = Object::new()
        .with("sequence", number)
        .with("sequencetype", "Integer");
    event("dev.acme.step", "/ci", &format!("s{number}"), more)
}

fn push(before: char, after: char) -> Event {
    let id = |digit: char| digit.to_string().repeat(40);
    let data = Object::new()
        .with("ref", "refs/heads/main")
        .with("before", id(before))
        .with("after", id(after));
    let more = Object::new().with("data", data);
    event("com.github.push", "https://github.com/a/b", "p", more)
}

fn run(number: i64) -> Event {
    let run = Object::new()
        .with("workflow_id", 9)
        .with("run_number", number);
    let more = Object::new().with("data", Object::new().with("workflow_run", run));
    event(
        "com.github.workflow_run.completed",
        "https://github.com/a/b",
        "r",
        more,
    )
}

/// What is due after these events, one second apart, when the grace is over.
fn gaps(events: &[Event]) -> Vec<String> {
    let mut continuity = Continuity::new(GRACE);
    for (at, event) in events.iter().enumerate() {
        continuity.observe(event, at as u64);
    }
    assert!(continuity.due(GRACE - 1).is_empty(), "not yet");
    let now = GRACE + events.len() as u64;
    let due = continuity.due(now);
    assert!(continuity.due(now + GRACE).is_empty(), "told once");
    due.iter()
        .map(|gap| {
            let event = gap.pending(now).expect("an event").event;
            format!("{} {}", gap.how(), event.subject().unwrap_or_default())
        })
        .collect()
}

#[test]
fn numbers_left_out_are_told_and_late_ones_are_not() {
    let all = |numbers: &[&str]| numbers.iter().map(|n| sequence(n)).collect::<Vec<_>>();
    assert_eq!(gaps(&all(&["7", "8", "9"])), [""; 0]);
    assert_eq!(
        gaps(&all(&["1", "2", "5", "9", "7"])),
        [
            "sequence sequence: 3 to 4",
            "sequence sequence: 6",
            "sequence sequence: 8"
        ]
    );
    assert_eq!(gaps(&all(&["3", "1", "2"])), [""; 0]);
    assert_eq!(gaps(&all(&["4", "6", "5"])), [""; 0]);
    assert_eq!(gaps(&all(&["4", "6", "1", "2"])), [""; 0], "began again");
    assert_eq!(gaps(&all(&["4", "x", "99999999999", ""])), [""; 0]);
    let runs = [run(4), run(4), run(6), run(4), run(7)];
    assert_eq!(gaps(&runs), ["run_number runs of 9: 5"]);
}

#[test]
fn a_push_that_does_not_begin_where_the_last_one_ended() {
    assert_eq!(
        gaps(&[push('1', '2'), push('2', '3'), push('3', '1')]),
        [""; 0]
    );
    assert_eq!(
        gaps(&[push('1', '2'), push('4', '5'), push('5', '6')]),
        ["push refs/heads/main"]
    );
    // late ones fill it, in whatever order
    let late = [
        push('1', '2'),
        push('4', '5'),
        push('3', '4'),
        push('2', '3'),
    ];
    assert_eq!(gaps(&late), [""; 0]);
    let two = [push('1', '2'), push('3', '4'), push('5', '6')];
    assert_eq!(gaps(&two).len(), 2);
}

#[test]
fn what_is_in_the_record_is_not_told_again() {
    let mut continuity = Continuity::new(GRACE);
    let events = [sequence("1"), sequence("4"), push('1', '2'), push('3', '4')];
    for event in &events {
        continuity.observe(event, 10);
    }
    let due = continuity.due(10 + GRACE);
    assert_eq!(due.len(), 2);
    let told: Vec<Event> = due
        .iter()
        .map(|gap| gap.pending(5).expect("an event").event)
        .collect();
    // the same gap found again is the same event but for its time
    let again: Vec<Event> = due
        .iter()
        .map(|gap| gap.pending(6).expect("an event").event)
        .collect();
    assert!(told.iter().zip(&again).all(|(a, b)| a.id() == b.id()));
    assert_eq!(
        told[1].to_line(),
        format!(
            "{{\"data\":{{\"counter\":\"refs/heads/main\",\"how\":\"push\",\"missing\":{{\"found\":\"{}\",\"left\":\"{}\"}}}},\"id\":\"{}\",\"source\":\"https://github.com/a/b\",\"specversion\":\"1.0\",\"subject\":\"refs/heads/main\",\"time\":\"1970-01-01T00:00:05Z\",\"type\":\"dev.git-ledger.gap\"}}",
            "3".repeat(40),
            "2".repeat(40),
            told[1].id()
        )
    );
    let mut rebuilt = Continuity::new(GRACE);
    for event in events
        .iter()
        .chain(&told)
        .chain(&[sequence("5"), push('4', '5')])
    {
        rebuilt.observe(event, 10);
    }
    assert!(rebuilt.due(u64::MAX).is_empty());
    // what could not be recorded is handed out again
    for gap in &due {
        continuity.again(gap);
    }
    assert_eq!(continuity.due(10 + GRACE), due);
    continuity.observe(&push('4', '5'), 11);
    assert!(continuity.due(u64::MAX).is_empty());
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let mut continuity = Continuity::new(GRACE);
    for n in 0..(MOST + 10) as u64 {
        let more = Object::new()
            .with("sequence", "5")
            .with("sequencetype", "Integer");
        continuity.observe(&event("t", &format!("/{n}"), "1", more), n);
    }
    assert_eq!(continuity.counts.len(), MOST);
    assert!(
        !continuity
            .counts
            .keys()
            .any(|counter| counter.source == "/0")
    );
    let mut continuity = Continuity::new(GRACE);
    for n in (2..100_000).step_by(2) {
        continuity.observe(&sequence(&n.to_string()), 0);
    }
    assert!(continuity.due(0).len() > 40_000);
    for _ in 0..1000 {
        continuity.observe(&push('8', '9'), 0);
        continuity.observe(&push('6', '7'), 0);
    }
    let text: String = "r".repeat(10_000);
    let data = Value::from(Object::new().with("ref", text));
    let more = Object::new().with("data", data);
    continuity.observe(&event("com.github.push", "/x", "1", more), 0);
    assert!(continuity.chains.len() == 1);
}
