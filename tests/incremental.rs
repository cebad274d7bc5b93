//! Verification of what is new: the verdict of a full one at the cost of the entries that came, and
//! nothing that is left behind can make a breach sound.

mod cost;
mod equal;
mod histories;
mod records;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::world::{Said, World, run};

/// Where the key of this world's user is.
const KEY: &str = "home/.local/state/git-ledger/verified-key";

/// A program at the one moment of all these tests, so that two answers can be compared.
fn command(world: &World, program: &str) -> Command {
    let mut command = world.command("r", program);
    let moment = format!("@{} +0000", crate::world::EPOCH + 3600);
    command
        .env("GIT_COMMITTER_DATE", moment)
        // hints would tell of other things
        .env("GIT_ADVICE", "0");
    command
}

/// The program in a directory.
fn at_once(world: &World, dir: &str, arguments: &[&str]) -> Said {
    let mut command = command(world, "git-ledger");
    command.current_dir(world.path(dir)).args(arguments);
    run(command, b"")
}

/// The answer as JSON, and how the program ended.
fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|why| panic!("{why}: {said}"))
}

/// Verifies what is new, then all with a key of its own, so that neither leaves anything to the
/// other: the same answer in every word but those about what was read. Returns the first one.
#[track_caller]
fn agree(world: &World, dir: &str) -> Value {
    agree_with(world, dir, &[])
}

#[track_caller]
fn agree_with(world: &World, dir: &str, more: &[&str]) -> Value {
    let words = |extent| [&["verify", extent, "--json"], more].concat();
    // what the first one remembers besides is kept from the second
    let kept = world.path("kept");
    let state = world.path(dir).join(".git/git-ledger");
    copy(world, &state, &kept);
    let new = at_once(world, dir, &words("--incremental"));
    let after = world.path("after");
    copy(world, &state, &after);
    copy(world, &kept, &state);
    let key = world.path(KEY);
    let aside = world.path("key-aside");
    fs::rename(&key, &aside).expect("a key");
    let all = at_once(world, dir, &words("--full"));
    fs::remove_file(&key).expect("another key");
    fs::rename(&aside, &key).expect("a key");
    copy(world, &after, &state);
    let (mut value, full) = (json(&new), json(&all));
    assert_eq!(new.code, all.code, "{new}\n{all}");
    let extent = ["not_read_again", "read_all_because"].map(|name| {
        let object = value.as_object_mut().expect("an object");
        (name, object.remove(name).expect("what was read"))
    });
    assert_eq!(value, full);
    for (name, told) in extent {
        value[name] = told;
    }
    value
}

/// Puts one directory in the place of another.
fn copy(world: &World, from: &std::path::Path, to: &std::path::Path) {
    fs::remove_dir_all(to).ok();
    if from.exists() {
        let mut command = world.command("", "cp");
        command.arg("-a").args([from, to]);
        run(command, b"").ok();
    }
}

/// Nothing but what is new was read: up to which entry it was known.
#[track_caller]
fn known(value: &Value) -> u64 {
    assert_eq!(value["read_all_because"], Value::Null, "{value}");
    value["not_read_again"]["last"].as_u64().expect("a number")
}

/// All was read; why.
#[track_caller]
fn why(value: &Value) -> &str {
    assert_eq!(value["not_read_again"], Value::Null, "{value}");
    value["read_all_because"]["id"].as_str().expect("a reason")
}

/// What verifications have left in a repository.
fn records(world: &World, dir: &str) -> Vec<PathBuf> {
    let place = world.path(dir).join(".git/git-ledger/verified");
    let files = fs::read_dir(place).into_iter().flatten();
    files.map(|file| file.expect("a file").path()).collect()
}

/// The one record there is.
#[track_caller]
fn record(world: &World, dir: &str) -> PathBuf {
    let mut all = records(world, dir);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn append(world: &World, dir: &str, id: &str) {
    let words = ["append", "dev.example.built", "--source", "/ci", "--id", id];
    at_once(world, dir, &words).ok();
}

/// A repository `r` with entries 0 to `last`.
fn world(last: usize) -> World {
    let world = World::new();
    world.repository("r");
    for id in 1..=last {
        append(&world, "r", &id.to_string());
    }
    world
}
