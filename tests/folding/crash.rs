//! Killed, or on a full disk, at each change that folding makes: every entry is still there.

use std::collections::BTreeSet;
use std::fs;

use super::{EVERY, append_loose, counted};
use crate::crash::count as times_there;
use crate::crash::{Point, Traced, acknowledged, all_changes, points_of, with_fault};
use crate::recorded::{assert_both_agree, assert_sound, binary, ids, times};
use crate::world::{World, run};

/// Enough for a pack, also where the first of them still come into the one that a kill prevented.
const LOOSE: usize = 90;

/// Makes it time again, with loose entries from this id on.
fn make_due(world: &World, from: usize) {
    append_loose(world, "r", from, LOOSE);
    let state = world.path("r/.git/git-ledger");
    for file in fs::read_dir(state).expect("a state").flatten() {
        if file.file_name().to_string_lossy().starts_with("folded-") {
            fs::remove_file(file.path()).expect("a mark");
        }
    }
}

fn due() -> World {
    let world = World::new();
    super::repository(&world);
    append_loose(&world, "r", 0, EVERY);
    world
}

#[test]
fn pack_then_index_then_loose_files() {
    let world = due();
    make_due(&world, 1000);
    let loose = counted(&world, "r", "count");
    let calls = all_changes(&world, "r", &["append", "dev.acme.built"], "").list;
    assert!(counted(&world, "r", "count") + LOOSE as u64 <= loose + 1);
    let after = |from: usize, call: &str, words: &[&str]| -> usize {
        let is = |c: &Traced| c.call.starts_with(call) && words.iter().all(|w| c.rest.contains(w));
        let found = calls.iter().skip(from).position(is);
        from + found.unwrap_or_else(|| panic!("no {call} {words:?} after {from}"))
    };
    let answer = after(0, "write", &["1<", "recorded "]);
    let pack = after(answer, "fsync", &["/tmp_pack_"]);
    let index = after(answer, "fsync", &["/tmp_idx_"]);
    let named = after(pack.max(index), "rename", &["/tmp_pack_", ".pack\""]);
    let seen = after(named, "rename", &["/tmp_idx_", ".idx\""]);
    let kept = after(seen, "fsync", &["/objects/pack>"]);
    let is_loose = |c: &Traced| {
        let of_objects = c.rest.contains("/objects/") && !c.rest.contains("/pack/");
        c.call.starts_with("unlink") && of_objects && !c.rest.contains("/tmp_")
    };
    let first = calls.iter().position(is_loose);
    assert!(first.expect("a loose file goes") > kept);
}

/// What a fold changes, a point of each kind in turn.
fn folding_points(world: &World) -> Vec<Point> {
    let calls = all_changes(world, "r", &["append", "dev.acme.built"], "");
    let lines: Vec<&str> = calls.text.lines().collect();
    let answer = lines.iter().position(|line| line.contains("\"recorded "));
    let before = lines.get(..answer.expect("an answer")).unwrap_or_default();
    let early = points_of(&before.join("\n"));
    let all = points_of(&calls.text).into_iter();
    let late: Vec<Point> = all.filter(|point| !early.contains(point)).collect();
    // of many alike the first, the last and some between
    let mut chosen: BTreeSet<usize> = BTreeSet::new();
    let kinds: BTreeSet<&String> = late.iter().map(|point| &point.call).collect();
    for kind in kinds {
        let of: Vec<usize> = (0..late.len())
            .filter(|at| late[*at].call == *kind)
            .collect();
        let step = of.len().div_ceil(times(2, 40)).max(1);
        chosen.extend(of.iter().step_by(step).chain(of.last()));
    }
    chosen.into_iter().map(|at| late[at].clone()).collect()
}

#[track_caller]
fn sweep(fault: &str, share: usize) {
    let world = due();
    make_due(&world, 1000);
    let points = folding_points(&world);
    assert!(points.len() > 8, "{points:?}");
    let mut count = EVERY + LOOSE + 1;
    let mut struck = 0;
    let every = times(3, 1);
    for (number, point) in points.iter().enumerate().skip(share % every).step_by(every) {
        make_due(&world, 10_000 + number * 100);
        count += LOOSE;
        let id = format!("p{number}");
        let arguments = ["append", "dev.acme.built", "--id", &id, "--on-failure=fail"];
        let said = with_fault(&world, "r", point, fault, &arguments);
        // how many files are opened and written before differs from run to run
        let there = times_there(&world, "r", &id);
        assert!(there == 1 || !acknowledged(&said), "{point:?} {said}");
        count += there;
        let met = said.code != 0 || !said.err.is_empty();
        struck += usize::from(acknowledged(&said) && met);
        assert_sound(&world, "r");
    }
    assert!(struck > 0, "{struck}");
    assert_eq!(ids(&world, "r").len(), count);
    // and what was left over is no obstacle
    make_due(&world, 90_000);
    let said = run(binary(&world, "r", &["append", "dev.acme.built"]), b"");
    assert!(said.err.is_empty(), "{said}");
    assert!(counted(&world, "r", "count") < LOOSE as u64 / 2);
    assert_both_agree(&world, "r");
    println!("{fault}: struck {struck} of {} points", points.len());
}

#[test]
fn killed() {
    sweep("signal=SIGKILL", 0);
}

#[test]
fn full_disk() {
    sweep("error=ENOSPC", 1);
}
