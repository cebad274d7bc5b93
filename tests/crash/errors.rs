//! A disk that is full or broken, at each change.

use super::tally::{Tally, Wrong};
use super::{acknowledged, assert_kept, count, met_a_reader, points, with_fault};
use crate::recorded::{assert_sound, binary, times};
use crate::world::{Said, World, run};

/// The fault, and the words in which the operating system tells it.
const FAULTS: [(&str, &str); 2] = [
    ("error=ENOSPC", "No space left on device"),
    ("error=EIO", "Input/output error"),
];

/// Every nth point, each time others.
fn chosen(points: usize, every: usize, offset: usize) -> impl Iterator<Item = usize> {
    (offset % every..points).step_by(every)
}

#[test]
fn say_so_and_lose_nothing() {
    let world = World::new();
    world.repository("r");
    let points = points(&world, "r", &["append", "dev.acme.built", "--id", "first"]);
    let every = times(4, 1);
    let (mut failed, mut borne) = (0, 0);
    for (offset, (fault, words)) in FAULTS.into_iter().enumerate() {
        for number in chosen(points.len(), every, offset) {
            let id = format!("{fault} {number}");
            let arguments = ["append", "dev.acme.built", "--id", &id, "--on-failure=fail"];
            let said = with_fault(&world, "r", &points[number], fault, &arguments);
            if said.code == 0 {
                assert!(acknowledged(&said), "{:?} {said}", points[number]);
                borne += 1;
            } else {
                if !met_a_reader(&world) {
                    explained(&said, words);
                }
                failed += 1;
            }
            assert_kept(&world, "r", &said, &arguments, &id);
        }
    }
    println!("{failed} faults told, {borne} borne");
}

#[track_caller]
fn explained(said: &Said, words: &str) {
    assert_eq!(said.code, 128, "{said}");
    assert!(said.err.starts_with("error: "), "{said}");
    assert!(said.err.contains(words), "{said}");
    // two come when the event is in the chain already, and say so
    let recorded = said.err.contains("the event is recorded all the same");
    let moved = said.err.contains("'refs/heads/ledger' has moved");
    if !recorded && !moved {
        let full = said.err.contains("hint: there is no room for it");
        assert_eq!(full, words.starts_with("No space"), "{said}");
    }
}

#[test]
fn spooled_or_told() {
    let world = World::new();
    world.repository("r");
    let points = points(&world, "r", &["append", "dev.acme.built", "--id", "first"]);
    let every = times(5, 1);
    let (mut spooled, mut told) = (0, 0);
    for number in chosen(points.len(), every, 2) {
        let id = format!("{number}");
        let arguments = [
            "append",
            "dev.acme.built",
            "--id",
            &id,
            "--on-failure=spool",
        ];
        let said = with_fault(&world, "r", &points[number], "error=ENOSPC", &arguments);
        let here = said.out.contains("spooled dev.acme.built");
        assert_eq!(said.code == 0, here || acknowledged(&said), "{said}");
        spooled += usize::from(here);
        told += usize::from(said.code != 0);
        assert_sound(&world, "r");
        run(binary(&world, "r", &["flush"]), b"").ok();
        let there = count(&world, "r", &id);
        assert!(there == 1 || said.code != 0 && there == 0, "{said}");
        assert_sound(&world, "r");
    }
    println!("{spooled} spooled, {told} told");
    assert!(spooled > 0);
}

#[test]
fn a_disk_that_stays_full() {
    let world = World::new();
    world.repository("r");
    let arguments = [
        "append",
        "dev.acme.built",
        "--id",
        "x",
        "--on-failure=spool",
    ];
    let always = super::Point {
        call: "fsync".into(),
        nth: 1,
    };
    let inject = "error=ENOSPC";
    let options = [
        "-o",
        "/dev/null",
        "-e",
        "trace=fsync",
        "-e",
        &format!("inject={}:{inject}:when={}+", always.call, always.nth),
    ];
    let said = run(super::traced(&world, "r", &options, &arguments), b"").code(128);
    assert!(said.err.contains("neither recorded ("), "{said}");
    assert!(said.err.contains(") nor spooled: No space left"), "{said}");
    assert_eq!(said.out, "");
    assert_kept(&world, "r", &said, &arguments, "x");
}

/// Whoever cannot read the entry that has an event must not take the event for a new one.
#[test]
fn a_repeat_stays_a_repeat() {
    let world = World::new();
    world.repository("r");
    let arguments = ["append", "dev.acme.built", "--id", "once"];
    run(binary(&world, "r", &arguments), b"").ok();
    run(binary(&world, "r", &["append", "dev.acme.other"]), b"").ok();
    let calls = super::changes(&world, "r", &arguments);
    let opened = calls.iter().filter(|traced| traced.call == "openat");
    let opened = opened.count();
    let mut tally = Tally::new("append of a repeat EIO");
    for nth in (1..=opened).step_by(times(5, 1)) {
        let point = super::Point {
            call: "openat".into(),
            nth,
        };
        let said = with_fault(&world, "r", &point, "error=EIO", &arguments);
        tally.tried(said.code != 0, acknowledged(&said));
        let there = count(&world, "r", "once");
        if there != 1 {
            tally.wrong(Wrong::Lost, format!("there {there} times: {said}"));
            break;
        }
    }
    tally.finish();
}
