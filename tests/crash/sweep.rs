//! Killed just before each of its changes, one after the other.

use super::{Point, assert_kept, points, with_fault};
use crate::recorded::times;
use crate::world::World;

const KILL: &str = "signal=SIGKILL";

#[test]
fn append() {
    let world = World::new();
    world.repository("r");
    let lock = world.path("r/.git/refs/heads/ledger.lock");
    let points = points(&world, "r", &["append", "dev.acme.built", "--id", "first"]);
    let every = times(2, 1);
    let (mut killed, mut locks) = (0, 0);
    for (number, point) in points
        .iter()
        .enumerate()
        .skip(number_of(every))
        .step_by(every)
    {
        let id = format!("{number}");
        let arguments = ["append", "dev.acme.built", "--id", &id];
        let said = with_fault(&world, "r", point, KILL, &arguments);
        killed += usize::from(said.code != 0);
        // the next append tells our own dead lock from a held one
        locks += usize::from(lock.exists());
        assert_kept(&world, "r", &said, &arguments, &id);
        assert!(!lock.exists());
    }
    assert!(killed * 10 >= points.len() / every * 8, "{killed}");
    println!(
        "killed at {killed} of {} points, left {locks} locks",
        points.len()
    );
    let held = Point {
        call: "rename".into(),
        nth: 1,
    };
    let arguments = ["append", "dev.acme.built", "--id", "held"];
    let said = with_fault(&world, "r", &held, KILL, &arguments);
    assert!(lock.exists(), "{said}");
    assert_kept(&world, "r", &said, &arguments, "held");
}

/// Where to begin, so that the short sweep does not always leave out the same points.
fn number_of(every: usize) -> usize {
    std::process::id() as usize % every
}
