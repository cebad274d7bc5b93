//! Loose entries become packs by themselves, small packs larger ones, and nothing is lost on the way.

mod beside;
mod crash;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::recorded::{assert_both_agree, assert_sound, binary, ids};
use crate::world::{Said, World, run};

/// How many entries are written before it is time (`ledger::fold::EVERY`).
const EVERY: usize = 256;

/// So few objects that they are written one by one.
const FEW: usize = 15;

/// A repository `r` with a ledger, where housekeeping is wanted and git sees no need of any.
fn repository(world: &World) {
    world.repository("r");
    world.git("r", &["config", "gc.auto", "100000"]).ok();
}

/// What appends entries of one event each, with these ids, and its input.
fn batch(world: &World, dir: &str, ids: impl Iterator<Item = usize>) -> (Command, String) {
    let line =
        |id| format!("{{\"type\":\"dev.acme.built\",\"subject\":\"web\",\"id\":\"{id}\"}}\n");
    let batch = ["append", "--batch", "-", "--events-per-entry", "1"];
    (binary(world, dir, &batch), ids.map(line).collect())
}

fn append(world: &World, dir: &str, ids: impl Iterator<Item = usize>) -> Said {
    let (command, input) = batch(world, dir, ids);
    run(command, input.as_bytes())
}

/// Appends so many entries, each an object of its own.
fn append_loose(world: &World, dir: &str, from: usize, count: usize) {
    for at in (0..count).step_by(FEW) {
        append(world, dir, (from + at)..(from + count.min(at + FEW))).ok();
    }
}

/// A number that `git count-objects -v` tells.
fn counted(world: &World, dir: &str, name: &str) -> u64 {
    let said = world.git(dir, &["count-objects", "-v"]).ok();
    let line = said.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.strip_prefix(": "));
    number.expect(name).parse().expect("a number")
}

/// The files of a repository's packs that end so.
fn files(world: &World, dir: &str, end: &str) -> Vec<PathBuf> {
    let packs = world.path(dir).join(".git/objects/pack");
    let files = fs::read_dir(packs).expect("packs");
    let paths = files.map(|file| file.expect("a file").path());
    paths
        .filter(|path| path.extension().is_some_and(|e| e == end))
        .collect()
}

/// Bytes of a repository's packs and their indices.
fn packed_bytes(world: &World, dir: &str) -> u64 {
    let all = ["pack", "idx"]
        .into_iter()
        .flat_map(|end| files(world, dir, end));
    all.map(|path| path.metadata().expect("a file").len()).sum()
}

#[test]
fn loose_entries_are_packed_when_it_is_time() {
    let world = World::new();
    repository(&world);
    let others = counted(&world, "r", "count");
    let number = EVERY - 1;
    append_loose(&world, "r", 0, number);
    let loose = counted(&world, "r", "count");
    assert_eq!(loose, others + number as u64);
    assert_eq!(counted(&world, "r", "packs"), 0);
    // the 256th
    let said = append(&world, "r", number..EVERY);
    assert!(said.err.is_empty(), "{said}");
    said.ok();
    assert_eq!(counted(&world, "r", "packs"), 1);
    // what is the user's own stays as it is: a commit and a tree
    let left = counted(&world, "r", "count");
    assert!(left < others, "{left} of {others}");
    for name in ["HEAD", "HEAD^{tree}"] {
        let id = world.git("r", &["rev-parse", name]).ok();
        let (fan, rest) = id.trim().split_at(2);
        let file = world.path("r/.git/objects").join(fan).join(rest);
        assert!(file.is_file(), "{name}");
    }
    assert!(files(&world, "r", "keep").is_empty());
    assert_both_agree(&world, "r");
    // what is one by one 4 KiB an entry
    let folded = packed_bytes(&world, "r") / EVERY as u64;
    assert!(folded <= 400, "{folded} bytes an entry");
    // a copy, and git's own housekeeping, keep it as small
    world
        .git(
            "",
            &[
                "clone",
                "--quiet",
                "--no-local",
                "--branch=ledger",
                "r",
                "far",
            ],
        )
        .ok();
    assert_sound(&world, "far");
    assert!(packed_bytes(&world, "far") / (EVERY as u64) <= 400);
    world.git("r", &["gc", "--quiet", "--prune=now"]).ok();
    assert!(packed_bytes(&world, "r") / (EVERY as u64) <= 400);
    assert_sound(&world, "r");
    // and then all begins anew
    append(&world, "r", 1000..1001).ok();
    assert_eq!(counted(&world, "r", "count"), 1);
}

#[test]
fn nobody_folds_where_it_is_switched_off() {
    let world = World::new();
    repository(&world);
    world.git("r", &["config", "gc.auto", "0"]).ok();
    append_loose(&world, "r", 0, EVERY);
    let loose = counted(&world, "r", "count");
    assert!(loose > EVERY as u64, "{loose}");
    let names = world
        .git("r", &["config", "--get-regexp", "ledger\\..*\\.ref"])
        .ok();
    let name = names.split('.').nth(1).expect("a ledger").to_owned();
    let key = format!("ledger.{name}.fold");
    world.git("r", &["config", "gc.auto", "100000"]).ok();
    world.git("r", &["config", &key, "false"]).ok();
    append(&world, "r", 300..301).ok();
    assert_eq!(counted(&world, "r", "count"), loose + 1);
    world.git("r", &["config", "gc.auto", "0"]).ok();
    world.git("r", &["config", &key, "true"]).ok();
    append(&world, "r", 301..302).ok();
    assert!(counted(&world, "r", "count") < EVERY as u64);
    assert_sound(&world, "r");
}

#[test]
fn small_packs_become_one() {
    let world = World::new();
    repository(&world);
    // more than are written one by one
    let each = 20;
    let batches = EVERY / each;
    for batch in 0..batches {
        append(&world, "r", (batch * each)..(batch * each + each)).ok();
    }
    assert_eq!(counted(&world, "r", "packs"), batches as u64);
    // one that somebody wants to stay, and one that is not ours
    let kept = files(&world, "r", "pack").pop().expect("a pack");
    fs::write(kept.with_extension("keep"), "mine\n").expect("a file");
    world.git("r", &["repack", "--quiet"]).ok();
    assert_eq!(counted(&world, "r", "packs"), batches as u64 + 1);
    append(&world, "r", 1000..1020).ok();
    assert_eq!(counted(&world, "r", "packs"), 3);
    assert!(kept.is_file());
    assert_both_agree(&world, "r");
    assert_eq!(ids(&world, "r").len(), batches * each + 20);
    // many of one kind: where an index over several packs speaks of them, they stay
    world.git("r", &["multi-pack-index", "write"]).ok();
    for batch in 100..113 {
        append(&world, "r", (batch * each)..(batch * each + each)).ok();
    }
    assert_eq!(counted(&world, "r", "packs"), 3 + 13);
    assert_sound(&world, "r");
}

#[test]
fn a_batch_takes_little_room() {
    let world = World::new();
    repository(&world);
    append(&world, "r", 0..600).ok();
    let bytes = packed_bytes(&world, "r") / 600;
    assert!(bytes <= 330, "{bytes} bytes an entry");
    // no more steps to an entry than numbers of a block have bits
    let index = files(&world, "r", "idx").pop().expect("an index");
    let index = index.to_str().expect("a path");
    let said = world.git("r", &["verify-pack", "-v", index]).ok();
    assert!(said.contains("chain length = 8:"), "{said}");
    assert!(!said.contains("chain length = 10:"), "{said}");
    assert_both_agree(&world, "r");
}
