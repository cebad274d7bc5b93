//! What a ledger holds, asked of stock git and of both verifiers; and how much of a long test is
//! run.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use git_ledger::json::Value;

use crate::world::{World, run};

/// The binary, started without git in between, so that a signal meets it and nobody else.
pub const BINARY: &str = env!("CARGO_BIN_EXE_git-ledger");

/// How often something is tried: `short` in the suite, `long` when `GIT_LEDGER_TEST_LONG` is set.
pub fn times(short: usize, long: usize) -> usize {
    match std::env::var_os("GIT_LEDGER_TEST_LONG") {
        Some(_) => long,
        None => short,
    }
}

/// The binary with these arguments. All share one second: a clock that ticks with every command
/// would let a slow writer's entries stand in the future of a fast one's.
pub fn binary(world: &World, dir: impl AsRef<Path>, arguments: &[&str]) -> Command {
    let mut command = world.command(dir, BINARY);
    let date = format!("@{} +0000", crate::world::EPOCH + 3600);
    command.args(arguments).env("GIT_COMMITTER_DATE", date);
    command
}

/// How often each (source, id) is in the chain, as stock git shows it; the ledger's own first
/// event left out.
pub fn events(world: &World, dir: impl AsRef<Path>) -> BTreeMap<(String, String), usize> {
    let log = ["log", "--format=%B", "refs/heads/ledger"];
    let mut found = BTreeMap::new();
    for line in world.git(dir, &log).ok().lines() {
        let Ok(Value::Object(event)) = Value::parse(line.as_bytes()) else {
            continue;
        };
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("type") != "dev.git-ledger.ledger.created" {
            let name = (text("source").to_owned(), text("id").to_owned());
            *found.entry(name).or_insert(0) += 1;
        }
    }
    found
}

/// The ids of all events, each of which must be there once.
#[track_caller]
pub fn ids(world: &World, dir: impl AsRef<Path>) -> Vec<String> {
    let events = events(world, dir).into_iter();
    let once = events.map(|((_, id), count)| {
        assert_eq!(count, 1, "{id}");
        id
    });
    once.collect()
}

/// Our verifier says sound, and git finds nothing wrong with the objects.
#[track_caller]
pub fn assert_sound(world: &World, dir: impl AsRef<Path>) {
    let dir = dir.as_ref();
    run(binary(world, dir, &["verify"]), b"").ok();
    let fsck = world.git(dir, &["fsck", "--strict", "--no-dangling", "--no-progress"]);
    let said = fsck.err.clone() + &fsck.ok();
    assert_eq!(said.trim(), "");
}

/// The other verifier says sound too.
#[track_caller]
pub fn assert_both_agree(world: &World, dir: impl AsRef<Path>) {
    assert_sound(world, &dir);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("ledger-spec/verify.py");
    let mut python = world.command("", "python3");
    python.arg(script).arg(world.path(dir));
    run(python, b"").ok();
}
