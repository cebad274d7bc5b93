//! What a watch tells, look by look, with a restart in between.

use super::*;
use crate::alert::{Alert, Kind};
use crate::finding::Answer;

const RULES: Rules = Rules {
    patience: 3600,
    remind: 86_400,
};

fn look(now: u64, seen: Vec<Seen>) -> Look {
    Look {
        now,
        ledger: "acme/payments".into(),
        fingerprint: Some("sha256:00".into()),
        seen,
        here: true,
        refs: true,
        recorded: false,
        answered: vec!["one".into(), "two".into()],
    }
}

fn at(id: FindingId, place: Place, entry: u64) -> Seen {
    let mut finding = Finding::new(id, "evidence");
    finding.at = Some(entry);
    Seen::of(&finding, place)
}

fn forked(entry: u64) -> Seen {
    at(FindingId::MirrorForked, Place::Remote("one".into()), entry)
}

fn silent() -> Seen {
    let finding = Finding::new(FindingId::MirrorSilent, "no answer");
    Seen::of(&finding, Place::Remote("two".into()))
}

fn told(alerts: &[Alert]) -> Vec<(Kind, &'static str)> {
    alerts
        .iter()
        .map(|alert| (alert.kind, alert.name))
        .collect()
}

/// What a restart leaves of it.
fn again(state: &State) -> State {
    State::parse(&state.to_bytes()).expect("a state")
}

#[test]
fn a_breach_is_told_once_then_again_then_gone() {
    let mut state = State::default();
    let first = state.learn(&look(1000, vec![forked(17)]), RULES);
    assert_eq!(told(&first), [(Kind::Found, "mirrorForked")]);
    state = again(&state);
    assert!(state.learn(&look(1300, vec![forked(17)]), RULES).is_empty());
    let still = state.learn(&look(1000 + 86_400, vec![forked(17)]), RULES);
    assert_eq!(told(&still), [(Kind::Still, "mirrorForked")]);
    assert_ne!(first[0].id, still[0].id);
    assert_eq!(still[0].since, 1000);
    state = again(&state);
    let gone = state.learn(&look(90_000, vec![]), RULES);
    assert_eq!(told(&gone), [(Kind::Gone, "mirrorForked")]);
    assert_eq!(gone[0].severity, Severity::Note);
    assert!(state.learn(&look(90_300, vec![]), RULES).is_empty());
    // if it comes back it is new
    let back = state.learn(&look(90_600, vec![forked(17)]), RULES);
    assert_eq!(told(&back), [(Kind::Found, "mirrorForked")]);
    assert_ne!(back[0].id, first[0].id);
}

#[test]
fn what_was_not_looked_at_is_not_gone() {
    let mut state = State::default();
    state.learn(
        &look(
            1000,
            vec![forked(17), at(FindingId::SignatureBad, Place::Here, 3)],
        ),
        RULES,
    );
    let mut away = look(1300, vec![silent()]);
    away.answered.clear();
    away.here = false;
    assert!(state.learn(&away, RULES).is_empty());
    assert_eq!(state.known().count(), 3);
}

#[test]
fn silence_is_told_when_it_lasts() {
    let mut state = State::default();
    let quiet = |now| Look {
        answered: vec!["one".into()],
        ..look(now, vec![silent()])
    };
    assert!(state.learn(&quiet(1000), RULES).is_empty());
    state = again(&state);
    assert!(state.learn(&quiet(4500), RULES).is_empty());
    let late = state.learn(&quiet(4600), RULES);
    assert_eq!(told(&late), [(Kind::Found, "mirrorSilent")]);
    // and what nobody was told of goes without a word
    let mut state = State::default();
    state.learn(&quiet(1000), RULES);
    assert!(state.learn(&look(1300, vec![]), RULES).is_empty());
    assert_eq!(state.known().count(), 0);
}

#[test]
fn many_of_a_kind_are_one_alert_and_more_of_them_another() {
    let mut state = State::default();
    let bad = |entries: std::ops::Range<u64>| -> Vec<Seen> {
        entries
            .map(|n| at(FindingId::SignatureBad, Place::Here, n))
            .collect()
    };
    let alerts = state.learn(&look(1000, bad(5..100_005)), RULES);
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].entry, Some(5));
    assert!(alerts[0].evidence.contains("99999 more"), "{:?}", alerts[0]);
    assert!(state.learn(&look(1300, bad(5..100_005)), RULES).is_empty());
    assert_eq!(state.learn(&look(1600, bad(5..100_006)), RULES).len(), 1);
    // an older one that is broken now is another first entry, and nothing is gone
    let alerts = state.learn(&look(1900, bad(4..100_006)), RULES);
    assert_eq!(told(&alerts), [(Kind::Found, "signatureBad")]);
}

#[test]
fn refs_that_moved_again_are_told_again_once_the_first_move_is_recorded() {
    let mut state = State::default();
    let moved = || vec![at(FindingId::RefUnrecorded, Place::Refs, 3)];
    let recorded = |now| Look {
        recorded: true,
        ..look(now, moved())
    };
    for now in [1000, 1300] {
        let alerts = state.learn(&recorded(now), RULES);
        assert_eq!(told(&alerts), [(Kind::Found, "refUnrecorded")]);
    }
    // what is not recorded is found again, and no news
    assert_eq!(state.learn(&look(1600, moved()), RULES).len(), 1);
    assert!(state.learn(&look(1900, moved()), RULES).is_empty());
    assert!(state.learn(&look(2200, vec![]), RULES).is_empty());
}

#[test]
fn the_worst_comes_first_and_notes_do_not_come() {
    let mut state = State::default();
    let seen = vec![
        at(FindingId::Stale, Place::Here, 9),
        at(FindingId::EventConflict, Place::Here, 2),
        forked(3),
    ];
    let alerts = state.learn(&look(1000, seen), RULES);
    assert_eq!(
        told(&alerts),
        [(Kind::Found, "mirrorForked"), (Kind::Found, "stale")]
    );
}

#[test]
fn looks_that_were_missed_are_told_and_a_clock_that_went_back() {
    let mut state = State::default();
    assert!(state.begin(&look(1000, vec![]), Some(300)).is_empty());
    assert!(state.begin(&look(1400, vec![]), Some(300)).is_empty());
    let alerts = state.begin(&look(9000, vec![]), Some(300));
    assert_eq!(told(&alerts), [(Kind::Notice, MISSED)]);
    assert!(state.begin(&look(90_000, vec![]), None).is_empty());
    let alerts = state.begin(&look(80_000, vec![]), Some(300));
    assert_eq!(told(&alerts), [(Kind::Notice, CLOCK_BACK)]);
    // nor does it keep what is known quiet
    let mut state = State::default();
    state.learn(&look(90_000, vec![forked(1)]), RULES);
    let alerts = state.learn(&look(80_000, vec![forked(1)]), RULES);
    assert_eq!(told(&alerts), [(Kind::Still, "mirrorForked")]);
}

#[test]
fn what_cannot_be_delivered_waits_and_is_bounded() {
    let mut state = State::default();
    let alerts = state.learn(&look(1000, vec![forked(1)]), RULES);
    let channels = ["webhook-1".to_owned(), "stderr".to_owned()];
    state = State::default();
    state.adopt(&channels, &look(1000, vec![]));
    state.queue(&alerts);
    state = again(&state);
    assert_eq!(state.waiting.len(), 2);
    for _ in 0..400 {
        state.queue(&alerts);
    }
    assert_eq!(state.waiting.len(), 500);
    assert_eq!(state.dropped, 302);
    assert_eq!(state.waiting_for(&channels[..1]), 250);
    // one that nobody used for a week is forgotten
    state.adopt(&channels[..1], &look(1000 + 604_800, vec![]));
    state.adopt(&channels[..1], &look(1001 + 604_800, vec![]));
    assert_eq!(state.waiting.len(), 250);
}

#[test]
fn who_looks_by_hand_takes_nothing_away_and_who_is_new_is_told_all() {
    let mut state = State::default();
    let (pager, hand) = (["command-1".to_owned()], ["stderr".to_owned()]);
    state.adopt(&pager, &look(1000, vec![]));
    state.adopt(&hand, &look(1001, vec![]));
    let alerts = state.learn(&look(1001, vec![forked(1)]), RULES);
    state.queue(&alerts);
    assert_eq!(state.waiting_for(&pager), 1);
    assert_eq!(state.waiting_for(&hand), 1);
    state = again(&state);
    let new = ["webhook-2".to_owned()];
    state.adopt(&new, &look(1300, vec![]));
    assert_eq!(state.waiting_for(&new), 1);
    assert_eq!(
        state.waiting.last().map(|waits| waits.alert.since),
        Some(1001)
    );
    // once
    state.adopt(&new, &look(1600, vec![]));
    assert_eq!(state.waiting_for(&new), 1);
}

#[test]
fn a_state_that_was_changed_is_none() {
    let mut state = State::default();
    let alerts = state.learn(&look(1000, vec![forked(1), silent()]), RULES);
    state.adopt(&["x".to_owned()], &look(1000, vec![]));
    state.queue(&alerts);
    state.begin(&look(1000, vec![]), None);
    assert_eq!(again(&state), state);
    let text = String::from_utf8(state.to_bytes()).expect("text");
    for (old, new) in [
        ("git-ledger watch 1", "git-ledger watch 2"),
        ("mirrorForked", "mirrorBorked"),
        ("\"runs\":1", "\"runs\":-1"),
        ("\"known\":[", "\"known\":[1,"),
        ("remote one", "elsewhere"),
    ] {
        let bent = text.replacen(old, new, 1);
        assert_ne!(bent, text, "{old}");
        assert!(State::parse(bent.as_bytes()).is_err(), "{old}");
    }
    assert!(State::parse(&text.as_bytes()[..text.len() / 2]).is_err());
}

#[test]
fn the_next_look_comes_about_when_it_should() {
    let schedule = Schedule {
        every: 300,
        full_every: 86_400,
    };
    for random in [0, 1, 59, u64::MAX] {
        let pause = jittered(300, random);
        assert!((270..=330).contains(&pause), "{pause}");
    }
    assert!(jittered(1, 5) >= 1);
    assert_eq!(schedule.ask_again(1000, 0), 1000);
    assert_eq!(schedule.ask_again(1000, 1), 1600);
    assert_eq!(schedule.ask_again(1000, 60), 4600);
    assert!(schedule.wants_all(None, 5) && schedule.wants_all(Some(10), 5));
    assert!(!schedule.wants_all(Some(10), 86_409));
    assert!(schedule.wants_all(Some(10), 86_410));
}

#[test]
fn figures_are_text() {
    let figures = Figures {
        ledger: "acme".into(),
        answer: Answer::Breach,
        entries: Some(20),
        newest: Some(1000),
        window: None,
        findings: vec![("mirrorForked", 1)],
        remotes: vec![Remote {
            name: "a\"b\n{}".into(),
            answer: Answer::Breach,
            newest: Some(19),
            seen: Some(900),
        }],
        last: 1000,
        last_done: Some(1000),
        last_full: None,
        took: 0.25,
        runs: 3,
        sent: 2,
        failed: 1,
        dropped: 0,
        waiting: 1,
    };
    // those of one family come in any order
    let text = figures.text();
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines.sort_unstable();
    insta::assert_snapshot!(lines.join("\n"));
}
