//! Events of CDEvents, and what is taken of the CI system that records.

mod cdevent;
mod environment;
mod oidc;

use git_ledger::json::{Object, Value};

use crate::world::World;

/// The newest event, as stock git shows it.
fn newest(world: &World, dir: &str) -> Object {
    let message = world.git(dir, &["log", "-1", "--format=%B", "refs/heads/ledger"]);
    let message = message.ok();
    let mut events = message.lines().filter_map(|line| {
        let value = Value::parse(line.as_bytes()).ok()?;
        value.as_object().cloned()
    });
    events.next().expect("an event")
}
