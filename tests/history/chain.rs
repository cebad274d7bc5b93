//! The chain as stock git shows it, read without the program that wrote it.

use crate::world::World;

use super::model::Key;

const LEDGER: &str = "refs/heads/ledger";

/// The commits of a copy, the oldest first.
pub fn ids(world: &World, dir: &str) -> Vec<String> {
    let list = ["rev-list", "--reverse", LEDGER];
    let said = world.git(dir, &list).ok();
    said.lines().map(str::to_owned).collect()
}

/// The events of each entry, the oldest first. A push is named by the ref it moves; what the
/// hooks say of its outcome is left out.
pub fn entries(world: &World, dir: &str) -> Vec<Vec<Key>> {
    let log = ["log", "--reverse", "--format=%x00%B", LEDGER];
    let said = world.git(dir, &log).ok();
    let bodies = said.split('\0').skip(1);
    bodies
        .map(|body| {
            let events = body.lines().filter(|line| line.starts_with('{'));
            events.flat_map(keys).collect()
        })
        .collect()
}

fn keys(line: &str) -> Vec<Key> {
    let event: serde_json::Value = serde_json::from_str(line).expect("an event");
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    if text("type") != "dev.git-ledger.push" {
        return vec![(text("source"), text("id"))];
    }
    let data = &event["data"];
    if !data["outcome"].is_null() {
        return Vec::new();
    }
    let refs = data["refs"].as_array().into_iter().flatten();
    refs.map(|update| {
        let name = update["ref"].as_str().unwrap_or_default();
        ("push".to_owned(), name.to_owned())
    })
    .collect()
}
