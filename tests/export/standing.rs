//! An export of a ledger that is not sound does not look sound.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{ledger, records};
use crate::peers;
use crate::world::{World, run};

/// Replaces the newest entry by one that says something else under the same signature, and puts
/// a good one behind it, which only a forger's copy has.
fn forged(world: &World) {
    let raw = world
        .git("r", &["cat-file", "commit", "refs/heads/ledger"])
        .ok();
    let raw = raw.replace("z.last", "z.lost");
    let path = world.path("forged");
    fs::write(&path, raw).expect("a file");
    let path = path.to_str().expect("UTF-8");
    let id = world
        .git("r", &["hash-object", "-t", "commit", "-w", path])
        .ok();
    world
        .git("r", &["update-ref", "refs/heads/ledger", id.trim()])
        .ok();
}

/// Puts a commit that is no entry at the end.
fn broken(world: &World) {
    let tree = world
        .git("r", &["rev-parse", "refs/heads/ledger^{tree}"])
        .ok();
    let commit = [
        "commit-tree",
        tree.trim(),
        "-p",
        "refs/heads/ledger",
        "-m",
        "none",
    ];
    let id = world.git("r", &commit).ok();
    world
        .git("r", &["update-ref", "refs/heads/ledger", id.trim()])
        .ok();
}

fn standings(records: &[Value]) -> Vec<&str> {
    records
        .iter()
        .map(|record| record["git_ledger"]["standing"].as_str().expect("a word"))
        .collect()
}

#[test]
fn a_forged_entry_is_marked_and_the_exit_tells() {
    let world = ledger();
    forged(&world);
    let said = world.ledger("r", &["export", "--format", "ecs"]).code(1);
    assert!(said.err.contains("signatureBad"), "{said}");
    let records = records(&said.out);
    let standings = standings(&records);
    let (last, before) = standings.split_last().expect("records");
    assert_eq!(*last, "breach");
    assert!(before.iter().all(|word| *word == "verified"));
    let alarm = records.last().expect("a record");
    assert_eq!(alarm["event"]["kind"], "alert");
    assert_eq!(alarm["git_ledger"]["why"], "signatureBad");
    // without verification nothing is called verified
    let said = world
        .ledger("r", &["export", "--format", "ecs", "--no-verify"])
        .code(0);
    let records = super::records(&said.out);
    assert!(
        self::standings(&records)
            .iter()
            .all(|word| *word == "claimed")
    );
}

#[test]
fn a_broken_entry_is_a_record_of_its_own() {
    let world = ledger();
    let newest = super::log(&world).len() as u64 - 1;
    broken(&world);
    // whatever filter: nobody can tell what it would have said
    for more in [
        &[][..],
        &["--type", "no.such"],
        &["--no-verify", "--type", "no.such"],
    ] {
        let words = [&["export", "--format", "ecs"], more].concat();
        let said = world.ledger("r", &words).code(1);
        let records = records(&said.out);
        let last = records.last().expect("a record");
        assert_eq!(last["event"]["action"], "dev.git-ledger.entry.broken");
        assert_eq!(last["git_ledger"]["number"], newest + 1);
        assert_eq!(last["git_ledger"]["standing"], "breach");
        assert_eq!(last["git_ledger"]["why"], "signatureMissing");
    }
    for (name, _) in git_ledger::export::Format::ALL {
        let out = format!("broken-{name}");
        world
            .ledger("r", &["export", "--format", name, "-o", &out])
            .code(1);
        assert!(world.path("r").join(&out).exists(), "{name}");
    }
    // without a signer too, the classes have what they require
    let mut command = Command::new(peers::python());
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export/read.py");
    command.args(["-B".as_ref(), reader.as_os_str(), "ocsf-events".as_ref()]);
    command.arg(world.path("r/broken-ocsf"));
    let count: usize = run(command, b"").ok().trim().parse().expect("a count");
    let text = fs::read_to_string(world.path("r/broken-ocsf")).expect("it");
    assert_eq!(count, text.lines().count());
}

/// A cursor that moved past a breach does not make what follows look sound.
#[test]
fn a_breach_is_not_forgotten() {
    let world = ledger();
    broken(&world);
    let words = [
        "export", "--format", "ecs", "--cursor", "cursor", "-o", "out",
    ];
    world.ledger("r", &words).code(1);
    let first = fs::read_to_string(world.path("r/out")).expect("an export");
    // nothing new, and still a breach
    world.ledger("r", &words).code(1);
    assert_eq!(fs::read_to_string(world.path("r/out")).expect("it"), first);
    broken(&world);
    world.ledger("r", &words).code(1);
    let all = fs::read_to_string(world.path("r/out")).expect("it");
    let new = records(&all[first.len()..]);
    assert_eq!(standings(&new), ["breach"]);
    // following does not go on either
    broken(&world);
    let follow = [&words[..], &["--follow"]].concat();
    world.ledger("r", &follow).code(1);
}

#[test]
fn what_is_not_here_is_unknown() {
    let world = ledger();
    let url = format!("file://{}", world.path("r").display());
    let clone = [
        "clone", "--quiet", "--depth", "1", "--branch", "ledger", &url, "shallow",
    ];
    world.git("", &clone).ok();
    let said = world
        .ledger("shallow", &["export", "--format", "ecs"])
        .code(2);
    let records = records(&said.out);
    assert_eq!(standings(&records), ["unverified"]);
    assert_eq!(records[0]["git_ledger"].get("ledger"), None);
    // a cursor further back than the clone reaches
    let words = ["export", "--format", "ecs", "2", "--cursor", "cursor"];
    world.ledger("r", &words).ok();
    let text = fs::read_to_string(world.path("r/cursor")).expect("it");
    world.ledger("r", &["append", "x.a"]).ok();
    let again = [
        "clone", "--quiet", "--depth", "1", "--branch", "ledger", &url, "later",
    ];
    world.git("", &again).ok();
    fs::write(world.path("later/cursor"), text).expect("a cursor");
    let words = ["export", "--format", "ecs", "--cursor", "cursor"];
    let said = world.ledger("later", &words).code(2);
    assert!(
        said.err.contains("does not reach back to the cursor"),
        "{said}"
    );
}

/// An export verified nothing, and the next one is asked to: it does not rest on the first.
#[test]
fn a_cursor_without_verification_vouches_for_nothing() {
    let world = ledger();
    forged(&world);
    let words = [
        "export", "--format", "ecs", "--cursor", "cursor", "-o", "out",
    ];
    world
        .ledger("r", &[&words[..], &["--no-verify"]].concat())
        .ok();
    world.ledger("r", &words).code(1);
}
