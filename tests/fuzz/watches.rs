//! What a watch keeps between two looks, and what reviews say.

use git_ledger::alert::{annotation, datagram, summary};
use git_ledger::event::{Event, REVIEW};
use git_ledger::finding::{Finding, FindingId};
use git_ledger::json::Value;
use git_ledger::review::{Coverage, Review, Shown};
use git_ledger::watch::{Look, Place, Rules, Seen, State};

/// A file of a watch, and the data of a review.
pub fn watch(input: &[u8]) {
    if let Ok(mut state) = State::parse(input) {
        let again = State::parse(&state.to_bytes()).expect("what was just written");
        assert_eq!(again, state);
        look(&mut state);
    }
    let Ok(value) = Value::parse(input) else {
        return;
    };
    if let Some(data) = value.as_object()
        && let Ok(review) = Review::read(data)
    {
        let event = review.event("1", "/r", "2026-01-31T12:00:00Z");
        let event = event.expect("an event of what was one");
        assert_eq!(event.kind(), REVIEW);
        assert_eq!(Review::of(&event), Some(Ok(review.clone())));
        cover(&event, &review);
    }
}

/// Whatever is remembered, a breach that is new is told, in one line each way.
fn look(state: &mut State) {
    let mut finding = Finding::new(FindingId::MirrorForked, "x\n::error::y");
    finding.at = Some(1 << 40);
    let look = Look {
        now: 1_769_860_800,
        ledger: "a\n::b".to_owned(),
        seen: vec![Seen::of(&finding, Place::Remote("no\nremote".to_owned()))],
        here: true,
        answered: vec!["no\nremote".to_owned()],
        ..Look::default()
    };
    let rules = Rules {
        patience: 3600,
        remind: 86_400,
    };
    state.adopt(&["stderr".to_owned()], &look);
    let mut alerts = state.begin(&look, Some(300));
    alerts.extend(state.learn(&look, rules));
    let told = alerts.iter().any(|alert| alert.name == "mirrorForked");
    assert!(told, "a breach that nobody was told of");
    for alert in &alerts {
        assert_eq!(annotation(alert).lines().count(), 1);
        assert_eq!(alert.line().lines().count(), 1);
        assert_eq!(summary(alert).lines().count(), 1);
        assert!(!datagram(alert).is_empty());
        Event::from_object(alert.event()).expect("an event");
    }
    state.queue(&alerts);
    for undelivered in &mut state.waiting {
        undelivered.failed(look.now);
    }
    State::parse(&state.to_bytes()).expect("what was just written");
}

/// A review covers no more entries than there are.
fn cover(event: &Event, review: &Review) {
    let mut coverage = Coverage::default();
    for number in (0..8u64).rev() {
        let digest = match number {
            _ if number == review.last.number => review.last.digest,
            _ => review.first.digest,
        };
        coverage.add(&Shown {
            number,
            digest,
            time: number,
            principal: "ann",
            events: std::slice::from_ref(event),
        });
    }
    let looked: u64 = coverage.looked().map(|(_, count)| count).sum();
    assert!(coverage.unreviewed() + looked <= 8);
}
