//! Deliveries, logs and events of others, imported: each recorded once, reduced as the specification
//! says, or refused with its line; nothing half-done, whoever kills it.

mod examples;
mod hostile;
mod sources;

use std::fs;
use std::path::Path;

use git_ledger::json::{Object, Value};

use crate::world::{Said, World};

/// A world with a ledger in `r`.
fn world() -> World {
    let world = World::new();
    world.repository("r");
    world
}

/// Runs `git ledger import --from SOURCE …` on this file's content.
fn import(world: &World, from: &str, more: &[&str], content: impl AsRef<[u8]>) -> Said {
    fs::write(world.path("input"), content).expect("a file");
    let arguments = [&["import", "--from", from], more, &["../input"]].concat();
    world.ledger("r", &arguments)
}

/// The summary of an import that must have done what it was asked.
#[track_caller]
fn imported(world: &World, from: &str, more: &[&str], content: impl AsRef<[u8]>) -> Object {
    let more = [&["--json"], more].concat();
    object(&import(world, from, &more, content).ok())
}

/// The object that a text is.
#[track_caller]
fn object(text: &str) -> Object {
    match Value::parse(text.trim().as_bytes()) {
        Ok(Value::Object(object)) => object,
        other => panic!("{text}: {other:?}"),
    }
}

/// A number of a summary.
#[track_caller]
fn number(summary: &Object, name: &str) -> i64 {
    let value = summary.get(name).and_then(Value::as_integer);
    value.unwrap_or_else(|| panic!("{name}: {summary:?}"))
}

/// Every event of the ledger but its first, the oldest first, as stock git shows them.
fn events(world: &World, dir: impl AsRef<Path>) -> Vec<Object> {
    let log = ["log", "--reverse", "--format=%B", "refs/heads/ledger"];
    let text = world.git(dir, &log).ok();
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.skip(1).map(object).collect()
}

/// A string member of an event.
#[track_caller]
fn text<'a>(event: &'a Object, name: &str) -> &'a str {
    let value = event.get(name).and_then(Value::as_str);
    value.unwrap_or_else(|| panic!("{name}: {event:?}"))
}

/// The data of an event, canonical.
fn data(event: &Object) -> String {
    event
        .get("data")
        .map(Value::to_canonical)
        .unwrap_or_default()
}
