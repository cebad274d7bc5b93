//! Deliveries that never came are found by what counts, and are events of the ledger.

use git_ledger::event::GAP;

use super::client::post;
use super::{SECRET, Serving, push};
use crate::servers::wait_until;
use crate::world::World;

fn sequence(serving: &Serving, number: u32) -> u16 {
    let token = format!("Bearer {SECRET}");
    let id = format!("s{number}");
    let sequence = number.to_string();
    let headers = [
        ("Authorization", token.as_str()),
        ("ce-specversion", "1.0"),
        ("ce-type", "dev.acme.step"),
        ("ce-source", "/ci"),
        ("ce-id", &id),
        ("ce-sequence", &sequence),
        ("ce-sequencetype", "Integer"),
    ];
    serving.send(&post("/events", &headers, b"")).status
}

fn gaps(serving: &Serving) -> Vec<String> {
    let recorded = serving.recorded();
    let gaps = recorded.iter().filter(|event| event.kind() == GAP);
    let mut subjects: Vec<String> = gaps
        .map(|event| format!("{} {}", event.source(), event.subject().unwrap_or_default()))
        .collect();
    subjects.sort();
    subjects
}

#[test]
fn what_never_came_is_an_entry_once() {
    let world = World::new();
    world.repository("r");
    let told = [
        "/ci sequence: 2 to 3",
        "https://github.com/acme/payments refs/heads/main",
    ];
    let serving = Serving::start(&world, &["--gap-after", "1s"]);
    for number in [1, 4] {
        assert_eq!(sequence(&serving, number), 201);
    }
    for (before, after) in [('1', '2'), ('5', '6')] {
        assert_eq!(
            serving
                .github("1", "push", &push("main", before, after))
                .status,
            201
        );
    }
    wait_until("the gaps are told", || gaps(&serving) == told);
    assert_eq!(
        serving.metric("git_ledger_serve_gaps_total{how=\"sequence\"}"),
        1.0
    );
    assert!(
        serving
            .log()
            .contains("warning: gap source=/ci subject=\"sequence: 2 to 3\"")
    );
    drop(serving);
    // the state is built again from the ledger: nothing is told twice, and it counts on from there
    let serving = Serving::start(&world, &["--gap-after", "1s"]);
    assert_eq!(sequence(&serving, 5), 201);
    assert_eq!(
        serving.github("1", "push", &push("main", '6', '7')).status,
        201
    );
    assert_eq!(sequence(&serving, 7), 201);
    let more = ["/ci sequence: 2 to 3", "/ci sequence: 6", told[1]];
    wait_until("the new gap is told", || gaps(&serving) == more);
}

#[test]
fn what_comes_late_is_no_gap() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &["--gap-after", "1h"]);
    for number in [1, 4, 3, 2] {
        assert_eq!(sequence(&serving, number), 201);
    }
    for (before, after) in [('1', '2'), ('3', '4'), ('2', '3')] {
        assert_eq!(
            serving
                .github("1", "push", &push("main", before, after))
                .status,
            201
        );
    }
    drop(serving);
    let serving = Serving::start(&world, &["--gap-after", "1s"]);
    // a gap that is one, so that there is something to wait for
    assert_eq!(sequence(&serving, 9), 201);
    wait_until("a gap is told", || !gaps(&serving).is_empty());
    assert_eq!(gaps(&serving), ["/ci sequence: 5 to 8"]);
}
