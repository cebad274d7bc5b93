//! What a pipeline leaves behind: wrapped commands, snapshots of configuration and variables.

mod run;
mod secrets;
mod signals;
mod snapshot;
mod trees;
mod unfinished;

use std::path::Path;
use std::process::{Command, Stdio};

use git_ledger::json::Value;

use crate::recorded::BINARY;
use crate::world::{Said, World, run as finish};

/// The binary itself, without git in between, under the one second that all share.
fn binary(world: &World, arguments: &[&str]) -> Command {
    crate::recorded::binary(world, "r", arguments)
}

fn ledger(world: &World, arguments: &[&str]) -> Said {
    finish(binary(world, arguments), b"")
}

fn world() -> World {
    let world = World::new();
    world.repository("r");
    world
}

/// The events of one type, the oldest first; a large one with its data out of the attachment.
fn events(world: &World, kind: &str) -> Vec<Value> {
    let kind = format!("{kind}*");
    let said = ledger(world, &["log", "--json", "--reverse", "--type", &kind]).ok();
    let mut found = Vec::new();
    for line in said.lines() {
        let entry = Value::parse(line.as_bytes()).expect("JSON");
        let number = get(&entry, "number").as_integer().expect("a number");
        for event in get(&entry, "events").as_array().expect("events") {
            let fits = text(event, "type").starts_with(kind.trim_end_matches('*'));
            if let Some(event) = event.as_object().filter(|_| fits) {
                let mut event = event.clone();
                if let Some(Value::String(reference)) = event.get("dataref") {
                    let digest = reference.trim_start_matches("attachments/");
                    let number = number.to_string();
                    let body = ledger(world, &["show", &number, "--attachment", digest]);
                    let data = Value::parse(body.ok().as_bytes()).expect("JSON");
                    event.set("data", data);
                }
                found.push(Value::from(event));
            }
        }
    }
    found
}

/// A member, by a path of names parted by slashes; numbers count in arrays.
#[track_caller]
fn get<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('/').fold(value, |value, name| {
        let found = match value {
            Value::Object(object) => object.get(name),
            Value::Array(items) => name.parse::<usize>().ok().and_then(|at| items.get(at)),
            _ => None,
        };
        found.unwrap_or_else(|| panic!("no {path} in {}", value.to_canonical()))
    })
}

#[track_caller]
fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    get(value, path).as_str().expect("a text")
}

/// Whether a text stands anywhere in a repository: in an object of any kind, or in a file of its
/// directory.
fn stands_in(world: &World, dir: &str, wanted: &str) -> bool {
    let mut git = world.command(dir, "git");
    git.args(["cat-file", "--batch-all-objects", "--batch", "--unordered"])
        .stdout(Stdio::piped());
    let objects = git.output().expect("git").stdout;
    assert!(objects.len() > 500, "no objects");
    let holds = |bytes: &[u8]| {
        bytes
            .windows(wanted.len())
            .any(|part| part == wanted.as_bytes())
    };
    let git_dir = match world.path(dir).join(".git") {
        inner if inner.is_dir() => inner,
        _ => world.path(dir),
    };
    holds(&objects) || files(&git_dir).iter().any(|bytes| holds(bytes))
}

fn files(dir: &Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for entry in walkdir::WalkDir::new(dir) {
        let entry = entry.expect("a file");
        if entry.file_type().is_file() {
            all.push(std::fs::read(entry.path()).expect("bytes"));
        }
    }
    all
}

/// Waits until a file is there; a test that waits for ever is stopped by its runner.
fn wait_for(path: &Path) {
    while !path.exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn signal(child: &std::process::Child, signal: rustix::process::Signal) {
    let pid = i32::try_from(child.id()).expect("a number");
    let pid = rustix::process::Pid::from_raw(pid).expect("a process");
    rustix::process::kill_process(pid, signal).expect("a signal");
}

#[test]
fn the_binary_is_what_is_tested() {
    assert!(Path::new(BINARY).is_file());
}
