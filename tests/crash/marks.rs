//! What a clone remembers, and who may sign, struck at each change: a mark is whole and never
//! goes down, an answer rests on a mark that is on the disk, a policy is the old or the new one.

use std::collections::BTreeMap;
use std::fs;

use super::order::after;
use super::tally::{Tally, Wrong, whole};
use super::{Point, all_changes, met_a_reader, points, with_fault};
use crate::recorded::{assert_both_agree, binary, times};
use crate::world::{World, run};

const FAULTS: [&str; 3] = ["signal=SIGKILL", "error=EIO", "error=ENOSPC"];

fn name(fault: &str) -> &str {
    fault.rsplit('=').next().unwrap_or(fault)
}

/// The numbers of all marks of a clone's ledger, by the remote they are about, as the index has
/// them; every file beside it is whole.
pub fn numbers(world: &World, dir: &str) -> Result<BTreeMap<String, u64>, String> {
    let marks = world.path(dir).join(".git/git-ledger/marks");
    let mut found = BTreeMap::new();
    for ledger in fs::read_dir(marks).into_iter().flatten().flatten() {
        for file in fs::read_dir(ledger.path()).into_iter().flatten().flatten() {
            let path = file.path();
            if path.extension().is_none_or(|e| e != "json") {
                continue;
            }
            let text = fs::read_to_string(&path).map_err(|why| why.to_string())?;
            let value: serde_json::Value =
                serde_json::from_str(&text).map_err(|why| format!("{path:?}: {why}: {text}"))?;
            for (_, known) in value["marks"].as_object().into_iter().flatten() {
                let number = known["mark"]["number"].as_u64().ok_or(text.clone())?;
                let remote = known["remote"].as_str().unwrap_or("local").to_owned();
                found.insert(remote, number);
            }
        }
    }
    Ok(found)
}

fn marked(world: &World) -> Result<u64, String> {
    let numbers = numbers(world, "r")?;
    numbers
        .get("local")
        .copied()
        .ok_or_else(|| "no mark".to_owned())
}

fn append(world: &World) {
    run(binary(world, "r", &["append", "dev.acme.built"]), b"").ok();
}

#[test]
fn verify_struck_anywhere() {
    let world = World::new();
    world.repository("r");
    run(binary(&world, "r", &["verify"]), b"").ok();
    let calls = all_changes(&world, "r", &["verify"], "");
    let points = super::points_of(&calls.text);
    let mut newest = marked(&world).expect("a mark");
    for (offset, fault) in FAULTS.iter().enumerate() {
        let mut tally = Tally::new(format!("verify {}", name(fault)));
        let every = times(3, 1);
        for point in points.iter().skip(offset % every).step_by(every) {
            append(&world);
            let said = with_fault(&world, "r", point, fault, &["verify"]);
            tally.tried(said.code != 0, said.code == 0);
            let what = format!("{fault} at {point:?}: {said}");
            let there = world.git("r", &["rev-list", "--count", "refs/heads/ledger"]);
            let there = there.ok().trim().parse::<u64>().expect("a number") - 1;
            match marked(&world) {
                Err(why) => tally.wrong(Wrong::Corrupt, format!("{why}: {what}")),
                Ok(mark) if mark < newest || mark > there => {
                    tally.wrong(Wrong::Lost, format!("{mark} after {newest}: {what}"));
                }
                Ok(mark) => {
                    newest = mark;
                    if said.out.starts_with("sound") && mark != there {
                        tally.wrong(Wrong::Lost, format!("{mark}, there {there}: {what}"));
                    }
                }
            }
            if said.code == 0 && !said.out.starts_with("sound") {
                tally.wrong(Wrong::Lost, format!("no answer, and exit 0: {what}"));
            }
            let again = run(binary(&world, "r", &["verify"]), b"");
            if again.code != 0 {
                tally.wrong(Wrong::Stuck, format!("{again}\nafter {what}"));
            }
        }
        tally.finish();
    }
}

#[test]
fn a_policy_is_the_old_or_the_new_one() {
    let world = World::new();
    world.repository("r");
    let change = |principal: &str, key: &str| -> Vec<String> {
        let key = world.public(key);
        let words = ["policy", "add-signer", principal, &key, "--role", "writer"];
        let words = words.into_iter().chain(["-y"]);
        words.map(str::to_owned).collect()
    };
    let first = change("first@acme", "first");
    let words: Vec<&str> = first.iter().map(String::as_str).collect();
    let points = points(&world, "r", &words);
    let mut number = 0;
    for (offset, fault) in FAULTS.iter().enumerate() {
        let mut tally = Tally::new(format!("policy change {}", name(fault)));
        let every = times(12, 1);
        for point in points.iter().skip(offset % every).step_by(every) {
            number += 1;
            let principal = format!("p{number}@acme");
            let words = change(&principal, &principal);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let said = with_fault(&world, "r", point, fault, &words);
            tally.tried(said.code != 0, said.code == 0);
            let what = format!("{fault} at {point:?}: {said}");
            tally.check(Wrong::Corrupt, whole(&world, "r"));
            let holds = || {
                let shown = run(binary(&world, "r", &["policy", "show"]), b"").ok();
                shown.contains(&principal)
            };
            let there = holds();
            if said.code == 0 && !there {
                tally.wrong(Wrong::Lost, &what);
            }
            if !there {
                let again = run(binary(&world, "r", &words), b"");
                if again.code != 0 || !holds() {
                    tally.wrong(Wrong::Stuck, format!("{again}\nafter {what}"));
                }
            }
        }
        tally.finish();
    }
    assert_both_agree(&world, "r");
}

/// What close says comes after fsync has spoken, so it changes nothing.
#[test]
fn files_that_cannot_be_closed() {
    let world = World::new();
    world.repository("r");
    append(&world);
    let first = ["append", "dev.acme.built", "--id", "first"];
    let calls = all_changes(&world, "r", &first, ",close");
    let closed = calls.list.iter().filter(|traced| traced.call == "close");
    let closed = closed.count();
    let mut tally = Tally::new("append EIO at close");
    for nth in (1..=closed).step_by(times(16, 1)) {
        let id = format!("{nth}");
        let arguments = ["append", "dev.acme.built", "--id", &id];
        let call = "close".to_owned();
        let said = with_fault(&world, "r", &Point { call, nth }, "error=EIO", &arguments);
        assert!(!met_a_reader(&world), "{said}");
        tally.tried(true, super::acknowledged(&said));
        super::assert_kept(&world, "r", &said, &arguments, &id);
    }
    tally.finish();
}

#[test]
fn mark_then_answer() {
    let world = World::new();
    world.repository("r");
    append(&world);
    let calls = all_changes(&world, "r", &["verify"], "").list;
    let mut kept = 0;
    for file in ["/index.json\"", "/local.json\""] {
        let bytes = after(&calls, kept, "fsync", &["/marks/", "/.tmp-"]);
        let named = after(&calls, bytes, "rename", &["/marks/", file]);
        kept = after(&calls, named, "fsync", &["/marks/"]);
    }
    after(&calls, kept, "write", &["1<", "sound"]);
}

#[test]
fn marks_of_remotes_then_answer() {
    let world = World::new();
    world.repository("r");
    for name in ["one", "two"] {
        let (path, url) = (format!("{name}.git"), format!("../{name}.git"));
        world.git("", &["init", "--quiet", "--bare", &path]).ok();
        world.ledger("r", &["mirror", "add", name, &url]).ok();
    }
    run(binary(&world, "r", &["mirror", "push"]), b"").ok();
    append(&world);
    for (arguments, word) in [
        (&["mirror", "push"][..], "entr"),
        (&["mirror", "status"], "level"),
    ] {
        let calls = all_changes(&world, "r", arguments, "").list;
        let mut from = 0;
        for _ in 0..2 {
            let named = after(&calls, from, "rename", &["/marks/", "/index.json\""]);
            let named = after(&calls, named, "rename", &["/marks/", "/remote-"]);
            from = after(&calls, named, "fsync", &["/marks/"]);
        }
        after(&calls, from, "write", &["1<", word]);
    }
}
