//! The copies of a ledger: one state, one test; remotes that lie, hang and shout; races.

mod alarms;
mod clone;
mod fresh;
mod hostile;
mod liars;
mod marks;
mod races;
mod states;
mod tips;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::world::{Said, World, run};

/// The branch of every ledger here.
const LEDGER: &str = "refs/heads/ledger";

/// A repository `r` with entries 0 to 3, and two mirrors, `one` and `two`, that hold them.
fn world() -> World {
    let world = World::new();
    world.repository("r");
    for name in ["one", "two"] {
        bare(&world, name);
        world
            .ledger("r", &["mirror", "add", name, &format!("../{name}.git")])
            .ok();
    }
    for subject in ["a", "b", "c"] {
        append(&world, "r", subject);
    }
    world.ledger("r", &["mirror", "push"]).ok();
    world
}

fn bare(world: &World, name: &str) {
    let path = format!("{name}.git");
    world.git("", &["init", "--quiet", "--bare", &path]).ok();
}

fn append(world: &World, dir: &str, subject: &str) {
    world
        .ledger(dir, &["append", "dev.x.y", "--subject", subject])
        .ok();
}

fn status(world: &World, dir: &str) -> Said {
    world.ledger(dir, &["mirror", "status"])
}

/// The status of one remote, as `state number`.
fn state(world: &World, dir: &str, name: &str) -> String {
    let said = world.ledger(dir, &["mirror", "status", "--json", name]);
    let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let copy = &value["remotes"][0];
    let state = copy["state"].as_str().unwrap_or_default();
    match copy["number"].as_u64() {
        Some(number) => format!("{state} {number}"),
        None => state.to_owned(),
    }
}

/// The findings a status tells, by their names.
fn findings(world: &World, dir: &str, name: &str) -> Vec<String> {
    let said = world.ledger(dir, &["mirror", "status", "--json", name]);
    let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let all = value["remotes"][0]["findings"]
        .as_array()
        .expect("findings");
    all.iter()
        .filter_map(|finding| finding["id"].as_str().map(str::to_owned))
        .collect()
}

/// A second clone `name` of `r`, with its ledger gone back by `back` entries and its memory gone.
fn copy(world: &World, name: &str, back: usize) {
    let mut command = world.command("", "cp");
    command.args(["-a", "r", name]);
    run(command, b"").ok();
    fs::remove_dir_all(world.path(name).join(".git/git-ledger")).ok();
    let to = format!("{LEDGER}~{back}");
    world.git(name, &["update-ref", LEDGER, &to]).ok();
}

/// Lets the remote hold what the clone holds, whatever it held.
fn force(world: &World, clone: &str, remote: &str) {
    let (url, refspec) = (format!("../{remote}.git"), format!("+{LEDGER}:{LEDGER}"));
    world.git(clone, &["push", "--quiet", &url, &refspec]).ok();
}

/// Rewinds the ledger of a remote by so many entries.
fn rewind(world: &World, remote: &str, back: usize) {
    let (dir, to) = (format!("{remote}.git"), format!("{LEDGER}~{back}"));
    world.git(dir, &["update-ref", LEDGER, &to]).ok();
}

fn tip(world: &World, dir: &str) -> String {
    world
        .git(dir, &["rev-parse", LEDGER])
        .ok()
        .trim()
        .to_owned()
}

/// Writes a program.
fn script(world: &World, name: &str, text: &str) -> PathBuf {
    let path = world.path(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode");
    path
}
