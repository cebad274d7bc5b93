//! An index that is foreign, forged, damaged, half made, in the way or impossible: the chain
//! answers, and says when something was wrong.

use std::fs;
use std::process::Stdio;

use insta::assert_snapshot;
use rusqlite::Connection;

use super::{database, ledger, log_both};
use crate::world::{World, run};

/// Asks a few things both ways.
fn ask(world: &World) {
    for words in [
        "env:prod",
        "hotfix",
        "-type:dev.*",
        "commit:8a1f -hotfix",
        "2..5 has:data",
    ] {
        log_both(world, &[], words);
    }
}

fn indexed() -> World {
    let world = ledger();
    world.ledger("r", &["index"]).ok();
    world
}

fn sql(world: &World, statements: &str) {
    let database = Connection::open(database(world)).expect("the index");
    database.execute_batch(statements).expect(statements);
}

#[test]
fn rows_that_point_elsewhere_are_seen_and_the_index_goes() {
    for statements in [
        // entries change places
        "UPDATE entry SET position = -position WHERE position IN (4, 6); \
         UPDATE entry SET position = 10 + position WHERE position < 0",
        // the commit of another entry, of none, and no commit
        "UPDATE entry SET id = (SELECT id FROM entry WHERE position = 1) WHERE position = 4",
        "UPDATE entry SET id = zeroblob(20) WHERE position IN (4, 6)",
        "UPDATE entry SET id = x'00' WHERE position IN (4, 6)",
        "DELETE FROM entry WHERE position IN (4, 6)",
    ] {
        let world = indexed();
        sql(&world, statements);
        let plain = world.ledger("r", &["log", "--no-index", "env:prod*"]).ok();
        let said = world.ledger("r", &["log", "env:prod*"]).code(0);
        assert_eq!(said.out, plain, "{statements}");
        assert!(
            said.err.contains("note: the index did not fit"),
            "{statements}: {said}"
        );
        assert!(!database(&world).exists());
        ask(&world);
    }
}

#[test]
fn an_index_of_another_ledger_is_never_used() {
    let world = indexed();
    world.repository("other");
    let (mine, other) = (database(&world), world.path("other/.git/git-ledger/index"));
    fs::create_dir_all(&other).expect("a directory");
    for suffix in ["db", "db-wal"] {
        let from = mine.with_extension(suffix);
        fs::copy(&from, other.join(from.file_name().expect("a name"))).expect("a copy");
    }
    world
        .ledger(
            "other",
            &["append", "org.example.note", "--data", "env=prod"],
        )
        .ok();
    let said = world
        .ledger("other", &["log", "--oneline", "env:prod"])
        .ok();
    assert_eq!(said.lines().count(), 1, "{said}");
    let status = world.ledger("other", &["index", "--status"]).ok();
    assert!(status.contains("is not of this chain"), "{status}");
    assert!(
        world
            .ledger("other", &["index"])
            .ok()
            .starts_with("2 entries added")
    );
}

#[test]
fn a_head_that_was_forged_is_not_believed() {
    for statements in [
        "UPDATE head SET position = 9",
        "UPDATE head SET digest = zeroblob(32)",
        "UPDATE head SET digest = x'01'",
        "UPDATE head SET id = (SELECT id FROM entry WHERE position = 3)",
        "UPDATE head SET position = -1",
        "DELETE FROM head",
    ] {
        let world = indexed();
        sql(
            &world,
            &format!("{statements}; INSERT INTO term(term) VALUES('delete-all')"),
        );
        ask(&world);
        world.ledger("r", &["index"]).ok();
        ask(&world);
    }
}

#[test]
fn a_ledger_that_moved_back_or_was_rewritten_is_walked() {
    let world = indexed();
    world
        .git(
            "r",
            &["update-ref", "refs/heads/ledger", "refs/heads/ledger~3"],
        )
        .ok();
    ask(&world);
    world
        .ledger("r", &["append", "org.example.note", "--data", "env=prod"])
        .ok();
    ask(&world);
    let status = world.ledger("r", &["index", "--status"]).ok();
    assert!(status.contains("is not of this chain"), "{status}");
    world.ledger("r", &["index"]).ok();
    ask(&world);
}

#[test]
fn damage_of_every_kind_costs_only_time() {
    for damage in 0..6 {
        let world = indexed();
        sql(&world, "PRAGMA wal_checkpoint(TRUNCATE)");
        let path = database(&world);
        let whole = fs::read(&path).expect("the index");
        match damage {
            0 => fs::write(&path, b"").expect("a file"),
            1 => fs::write(&path, &whole[..whole.len() / 2]).expect("a file"),
            2 => fs::write(&path, b"not a database at all").expect("a file"),
            3 => {
                let mut broken = whole.clone();
                broken[8192..].fill(0x5a);
                fs::write(&path, broken).expect("a file");
            }
            4 => {
                fs::remove_file(&path).expect("gone");
                fs::create_dir(&path).expect("a directory");
            }
            _ => {
                fs::remove_file(&path).expect("gone");
                std::os::unix::fs::symlink("/etc/passwd", &path).expect("a link");
            }
        }
        for words in ["env:prod", "hotfix", "-type:dev.*", "2..5 has:data"] {
            let plain = world.ledger("r", &["log", "--no-index", words]).code(0);
            let said = world.ledger("r", &["log", words]).code(0);
            assert_eq!(said.out, plain.out, "damage {damage}, {words}");
        }
        world.ledger("r", &["index"]).ok();
        ask(&world);
    }
}

#[test]
fn every_flipped_page_leaves_only_entries_that_match() {
    let world = indexed();
    sql(&world, "PRAGMA wal_checkpoint(TRUNCATE)");
    let path = database(&world);
    let whole = fs::read(&path).expect("the index");
    let plain = world
        .ledger("r", &["log", "--no-index", "--oneline", "has:data"])
        .ok();
    for page in 0..whole.len() / 4096 {
        let mut broken = whole.clone();
        for byte in broken[page * 4096..][..4096].iter_mut().step_by(97) {
            *byte ^= 0x11;
        }
        for suffix in ["db-wal", "db-shm"] {
            fs::remove_file(path.with_extension(suffix)).ok();
        }
        fs::write(&path, broken).expect("a file");
        let said = world.ledger("r", &["log", "--oneline", "has:data"]).code(0);
        let known: Vec<&str> = plain.lines().collect();
        assert!(
            said.out.lines().all(|line| known.contains(&line)),
            "page {page}: {said}"
        );
    }
}

#[test]
fn a_ledger_in_breach_is_indexed_up_to_the_breach_and_says_so() {
    let world = ledger();
    // the newest entry with another word in it, by whoever administers the machine
    let tip = world.git("r", &["rev-parse", "refs/heads/ledger"]).ok();
    let raw = world.git("r", &["cat-file", "commit", tip.trim()]).ok();
    let bent = raw.replace("org.example.bare", "org.example.rare");
    let mut command = world.command("r", "git");
    command.args([
        "hash-object",
        "-t",
        "commit",
        "-w",
        "--literally",
        "--stdin",
    ]);
    let id = run(command, bent.as_bytes()).ok();
    world
        .git("r", &["update-ref", "refs/heads/ledger", id.trim()])
        .ok();
    let said = world.ledger("r", &["index"]).code(0).to_string();
    let said = said.split_once(", up to").expect("a number").1;
    let (number, rest) = said.split_once(" bytes\n").expect("a size");
    assert!(number.starts_with(" entry 6, "), "{said}");
    assert_snapshot!(rest, @r"
    entries from the first that is not sound on (signatureBad) are read from the chain every time
    ! hint: 'git ledger verify' tells all that is wrong
    [exit 0]
    ");
    let status = world.ledger("r", &["index", "--status", "--json"]).ok();
    assert!(
        status.contains(r#""behind":1,"#) && status.contains(r#""newest":6"#),
        "{status}"
    );
    ask(&world);
}

#[test]
fn a_broken_entry_beyond_the_index_is_shown_by_every_filter() {
    let world = ledger();
    let tip = world.git("r", &["rev-parse", "refs/heads/ledger"]).ok();
    let raw = world.git("r", &["cat-file", "commit", tip.trim()]).ok();
    let bent = raw.replace("7 org.example.bare", "7 org.example.rare");
    let mut command = world.command("r", "git");
    command.args([
        "hash-object",
        "-t",
        "commit",
        "-w",
        "--literally",
        "--stdin",
    ]);
    let id = run(command, bent.as_bytes()).ok();
    world
        .git("r", &["update-ref", "refs/heads/ledger", id.trim()])
        .ok();
    world.ledger("r", &["index"]).ok();
    let said = world.ledger("r", &["log", "--oneline", "env:prod"]).code(1);
    assert!(
        said.out.starts_with("7 ") && said.out.contains("BROKEN:subjectMismatch"),
        "{said}"
    );
    assert!(said.out.lines().count() == 2, "{said}");
    ask(&world);
}

#[test]
fn a_part_of_a_ledger_has_no_index() {
    let world = indexed();
    let url = format!("file://{}", world.path("r").display());
    world
        .git(
            "",
            &[
                "clone",
                "--quiet",
                "--depth=2",
                "--branch=ledger",
                &url,
                "part",
            ],
        )
        .ok();
    assert_snapshot!(world.ledger("part", &["index"]).code(128), @r"
    ! error: an index is of a whole ledger, and older entries are not here
    ! hint: git fetch --unshallow brings them
    [exit 128]
    ");
    // nor does one count that was made before the history was cut off
    let (mine, part) = (database(&world), world.path("part/.git/git-ledger/index"));
    fs::create_dir_all(&part).expect("a directory");
    fs::copy(&mine, part.join(mine.file_name().expect("a name"))).expect("a copy");
    let said = world
        .ledger("part", &["log", "--oneline", "has:data"])
        .code(0);
    assert!(said.err.contains("this repository is shallow"), "{said}");
}

#[test]
fn where_there_can_be_none_everything_else_works() {
    let world = ledger();
    fs::create_dir_all(world.path("r/.git/git-ledger")).expect("a directory");
    fs::write(world.path("r/.git/git-ledger/index"), b"in the way").expect("a file");
    let said = world.ledger("r", &["index"]).code(128);
    assert!(
        said.err.starts_with("error: no index can be kept here"),
        "{said}"
    );
    ask(&world);
}

#[test]
fn killed_at_any_time_and_twice_at_once() {
    let world = ledger();
    let many: String = (0..1500)
        .map(|n| {
            format!(
                r#"{{"type":"org.example.x","id":"{n}","data":{{"env":"e{}"}}}}"#,
                n % 7
            ) + "\n"
        })
        .collect();
    let each = ["append", "--batch", "-", "--events-per-entry", "1"];
    world.ledger_with("r", &each, many.as_bytes()).ok();
    for wait in [5, 20, 40, 80, 120] {
        let mut command = world.command("r", "git-ledger");
        command
            .arg("index")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("a program");
        std::thread::sleep(std::time::Duration::from_millis(wait));
        child.kill().ok();
        child.wait().expect("an end");
    }
    let start = |_| {
        let mut command = world.command("r", "git-ledger");
        command
            .arg("index")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().expect("a program")
    };
    let both = [1, 2].map(start);
    for child in both {
        let said = child.wait_with_output().expect("an end");
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        let busy = text.contains("another process is writing the index") || text.contains("locked");
        assert!(said.status.success() || busy, "{text}");
    }
    world.ledger("r", &["index"]).ok();
    let status = world.ledger("r", &["index", "--status", "--json"]).ok();
    assert!(status.contains(r#""behind":0,"#), "{status}");
    for words in ["env:e3", "env:prod", "-env:e1 env:e*", "\"3\" -env:e1"] {
        log_both(&world, &[], words);
    }
}
