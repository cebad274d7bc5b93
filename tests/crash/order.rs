//! What is on the disk before what, by the order of system calls.

use super::{Traced, changes};
use crate::world::World;

/// The first place from `from` on of a call whose text holds all these words.
#[track_caller]
pub fn after(calls: &[Traced], from: usize, call: &str, words: &[&str]) -> usize {
    let found = calls.iter().skip(from).position(|traced| {
        traced.call.starts_with(call) && words.iter().all(|word| traced.rest.contains(word))
    });
    match found {
        Some(at) => from + at,
        None => panic!("no {call} {words:?} after call {from}"),
    }
}

/// The path of a file descriptor as strace tells it.
fn path(traced: &Traced) -> &str {
    let path = traced
        .rest
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    path.map_or("", |(path, _)| path)
}

#[test]
fn objects_then_reference_then_answer() {
    let world = World::new();
    world.repository("r");
    // a large body becomes an attachment: blob, two trees and a commit
    let data = world.path("data.json");
    let body = format!("{{\"log\":\"{}\"}}", "all is well ".repeat(4000));
    std::fs::write(&data, body).expect("a file");
    let file = data.to_str().expect("a path");
    let calls = changes(
        &world,
        "r",
        &["append", "dev.acme.built", "--data-json", file],
    );
    let moved = after(
        &calls,
        0,
        "rename",
        &["refs/heads/ledger.lock", "refs/heads/ledger\""],
    );
    let mut objects = 0;
    for (at, traced) in calls.iter().enumerate() {
        if !(traced.call.starts_with("rename") && traced.rest.contains("/tmp_obj_")) {
            continue;
        }
        objects += 1;
        let name = traced.rest.split("/tmp_obj_").nth(1).expect("a name");
        let name = format!("/tmp_obj_{}>", &name[..6]);
        // bytes, then name, then the directory that holds the name, then the reference
        let synced = after(&calls, 0, "fsync", &[&name]);
        let written = calls
            .iter()
            .rposition(|c| c.call == "write" && c.rest.contains(&name));
        assert!(written.expect("bytes") < synced && synced < at);
        let fan = traced
            .rest
            .split("/objects/")
            .nth(2)
            .expect("a fan directory");
        let fan = format!("/objects/{}>", &fan[..2]);
        assert!(after(&calls, at, "fsync", &[&fan]) < moved);
        let made = format!("/objects/{}\"", &fan[9..11]);
        // one that was there already is not made
        if calls
            .iter()
            .any(|c| c.call == "mkdir" && c.rest.contains(&made) && !c.rest.contains("EEXIST"))
        {
            let made = after(&calls, 0, "mkdir", &[&made]);
            assert!(after(&calls, made, "fsync", &["/objects>"]) < moved);
        }
    }
    assert_eq!(objects, 4);
    // the reference: lock, bytes, fsync, reflog, rename, directory
    let locked = after(&calls, 0, "link", &["refs/heads/ledger.lock\""]);
    let lock = after(&calls, locked, "fsync", &["/ref-locks/"]);
    assert!(path(&calls[lock]).ends_with(".lock"));
    let log = after(&calls, lock, "fsync", &["/logs/refs/heads/ledger>"]);
    assert!(log < moved);
    let kept = after(&calls, moved, "fsync", &["/refs/heads>"]);
    // and only then a word to the caller
    let answer = after(&calls, 0, "write", &["1<", "recorded 1 "]);
    assert!(kept < answer);
}

#[test]
fn a_batch_is_one_pack() {
    let world = World::new();
    world.repository("r");
    let lines: String = (0..40).map(|_| "{\"type\":\"dev.acme.built\"}\n").collect();
    std::fs::write(world.path("batch"), lines).expect("a file");
    let file = world.path("batch");
    let file = file.to_str().expect("a path");
    let batch = ["append", "--batch", file, "--events-per-entry", "1"];
    let calls = changes(&world, "r", &batch);
    let pack = after(&calls, 0, "fsync", &["/tmp_pack_"]);
    let index = after(&calls, 0, "fsync", &["/tmp_idx_"]);
    let named = after(
        &calls,
        pack.max(index),
        "rename",
        &["/tmp_pack_", ".pack\""],
    );
    let seen = after(&calls, named, "rename", &["/tmp_idx_", ".idx\""]);
    let kept = after(&calls, seen, "fsync", &["/objects/pack>"]);
    let moved = after(&calls, kept, "rename", &["refs/heads/ledger\""]);
    let dir = after(&calls, moved, "fsync", &["/refs/heads>"]);
    after(&calls, dir, "write", &["1<", "recorded 1 "]);
    assert!(!calls.iter().any(|c| c.rest.contains("/tmp_obj_")));
}

#[test]
fn spooled_then_answer() {
    let world = World::new();
    world.repository("r");
    let nobody = [
        "append",
        "dev.acme.built",
        "--key",
        "/nowhere",
        "--on-failure=spool",
    ];
    let calls = changes(&world, "r", &nobody);
    let bytes = after(&calls, 0, "fsync", &["/spool/", "/.tmp-"]);
    let named = after(&calls, bytes, "rename", &["/spool/", ".json\""]);
    let kept = after(&calls, named, "fsync", &["/spool/"]);
    after(&calls, kept, "write", &["1<", "spooled dev.acme.built"]);
}
