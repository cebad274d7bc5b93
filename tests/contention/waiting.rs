//! Who waits for the lock is recorded by the one who holds it: together, each event once, whoever
//! dies meanwhile.

use std::fs::{self, File, OpenOptions};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::recorded::{assert_both_agree, assert_sound, binary, ids};
use crate::world::{Said, World, run};

const NEVER: Duration = Duration::from_secs(60);

/// A world whose repository `r` has recorded something, and its lock, held by the test.
fn locked() -> (World, File) {
    let world = World::new();
    world.repository("r");
    run(
        binary(&world, "r", &["append", "dev.acme.built", "--id", "first"]),
        b"",
    )
    .ok();
    let path = world.path("r/.git/git-ledger/lock");
    let file = OpenOptions::new().write(true).open(path).expect("the lock");
    file.lock().expect("nobody else");
    (world, file)
}

fn start(mut command: Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().expect("the binary")
}

fn said(child: Child) -> Said {
    let output = child.wait_with_output().expect("an end");
    Said {
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap_or(-1),
    }
}

/// The slips in this state, when there are so many of them.
fn slips(world: &World, dir: &str, state: &str, count: usize) -> Vec<PathBuf> {
    let until = Instant::now() + NEVER;
    loop {
        let files = fs::read_dir(world.path(dir))
            .into_iter()
            .flatten()
            .flatten();
        let mut paths: Vec<PathBuf> = files.map(|file| file.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == state));
        if paths.len() == count {
            paths.sort();
            return paths;
        }
        assert!(Instant::now() < until, "{} slips: {paths:?}", paths.len());
        std::thread::sleep(Duration::from_millis(5));
    }
}

const HERE: &str = "r/.git/git-ledger/waiting";

/// How often the branch was moved.
fn moves(world: &World) -> usize {
    let log = world.path("r/.git/logs/refs/heads/ledger");
    fs::read_to_string(log).expect("a reflog").lines().count()
}

#[test]
fn many_are_one_move_of_the_branch() {
    let (world, lock) = locked();
    let before = moves(&world);
    let names = ["a", "b", "c", "d", "e"];
    let waiting: Vec<Child> = names
        .iter()
        .map(|id| {
            start(binary(
                &world,
                "r",
                &["append", "dev.acme.built", "--id", id],
            ))
        })
        .collect();
    slips(&world, HERE, "wait", names.len());
    drop(lock);
    for child in waiting {
        let said = said(child);
        assert!(said.out.starts_with("recorded "), "{said}");
    }
    assert_eq!(ids(&world, "r"), ["a", "b", "c", "d", "e", "first"]);
    assert_eq!(moves(&world), before + 1);
    assert_eq!(slips(&world, HERE, "done", 0), Vec::<PathBuf>::new());
    assert_both_agree(&world, "r");
}

#[test]
fn one_push_for_many() {
    let (world, lock) = locked();
    world
        .git("", &["init", "--quiet", "--bare", "remote.git"])
        .ok();
    world
        .git("r", &["remote", "add", "origin", "../remote.git"])
        .ok();
    world
        .git("r", &["push", "--quiet", "origin", "main", "ledger"])
        .ok();
    world
        .git("remote.git", &["config", "core.logAllRefUpdates", "always"])
        .ok();
    let append = |id| ["append", "dev.acme.built", "--push", "origin", "--id", id];
    let waiting: Vec<Child> = ["a", "b", "c"]
        .iter()
        .map(|id| start(binary(&world, "r", &append(id))))
        .collect();
    slips(&world, HERE, "wait", 3);
    drop(lock);
    for child in waiting {
        let said = said(child);
        assert!(said.out.starts_with("recorded "), "{said}");
    }
    assert_eq!(ids(&world, "remote.git"), ["a", "b", "c", "first"]);
    let log = world.path("remote.git/logs/refs/heads/ledger");
    let pushes = fs::read_to_string(log).expect("a reflog").lines().count();
    assert_eq!(pushes, 1);
    assert_both_agree(&world, "remote.git");
}

#[test]
fn what_the_dead_left_is_recorded_by_nobody() {
    let (world, lock) = locked();
    let mut dead = start(binary(
        &world,
        "r",
        &["append", "dev.acme.built", "--id", "dead"],
    ));
    let slip = slips(&world, HERE, "wait", 1).remove(0);
    dead.kill().expect("a signal");
    dead.wait().expect("an end");
    assert!(slip.exists());
    drop(lock);
    let next = ["append", "dev.acme.built", "--id", "next"];
    run(binary(&world, "r", &next), b"").ok();
    assert!(!slip.exists());
    assert_eq!(ids(&world, "r"), ["first", "next"]);
    assert_sound(&world, "r");
}

/// A holder of the lock that died, before or after its entry was in the chain, and whether it had
/// said so.
#[test]
fn a_holder_that_died_loses_nothing_and_records_nothing_twice() {
    for (recorded, state) in [
        (false, "taken"),
        (true, "taken"),
        (false, "done"),
        (true, "done"),
    ] {
        let (world, lock) = locked();
        // the same command, recorded in a copy
        let mut copy = world.command("", "cp");
        copy.args(["-r", "r", "copy"]);
        run(copy, b"").ok();
        let append = ["append", "dev.acme.built", "--source", "/acme", "--id", "a"];
        let waiting = start(binary(&world, "r", &append));
        let slip = slips(&world, HERE, "wait", 1).remove(0);
        if recorded {
            fs::remove_file(world.path("copy/.git/git-ledger/lock")).expect("a file");
            run(binary(&world, "copy", &append), b"").ok();
            let fetch = ["fetch", "--quiet", "../copy", "ledger:ledger"];
            world.git("r", &fetch).ok();
        }
        fs::rename(&slip, slip.with_extension(state)).expect("the slip");
        drop(lock);
        let said = said(waiting);
        assert!(
            said.out.starts_with("recorded 2 "),
            "{recorded} {state}: {said}"
        );
        assert_eq!(ids(&world, "r"), ["a", "first"], "{recorded} {state}");
        assert_sound(&world, "r");
    }
}

#[test]
fn only_the_same_key_signs_for_others() {
    let (world, lock) = locked();
    drop(lock);
    let bob = world.public("bob");
    let add = [
        "policy",
        "add-signer",
        "bob@acme.org",
        &bob,
        "--role",
        "writer",
        "--yes",
    ];
    world.ledger("r", &add).ok();
    let path = world.path("r/.git/git-ledger/lock");
    let lock = File::open(path).expect("the lock");
    lock.lock().expect("nobody else");
    let key = world.key("bob");
    let key = key.to_str().expect("a path");
    let append = |id, more: &[&str]| {
        let mut all = vec!["append", "dev.acme.built", "--id", id];
        all.extend(more);
        start(binary(&world, "r", &all))
    };
    let waiting = [append("ann", &[]), append("bob", &["--key", key])];
    slips(&world, HERE, "wait", 2);
    drop(lock);
    for child in waiting {
        let said = said(child);
        assert!(said.out.starts_with("recorded "), "{said}");
    }
    let log = ["log", "--format=%an %s", "-2", "ledger"];
    let mut log: Vec<String> = world
        .git("r", &log)
        .ok()
        .lines()
        .map(str::to_owned)
        .collect();
    log.sort();
    let signers: Vec<&str> = log
        .iter()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(signers, ["ann@acme.org", "bob@acme.org"]);
    let who = ["log", "--format=%an%n%B", "ledger"];
    let text = world.git("r", &who).ok();
    for (signer, id) in [("ann@acme.org", "ann"), ("bob@acme.org", "bob")] {
        let entry = text
            .split(&format!("\"id\":\"{id}\""))
            .next()
            .expect("a text");
        let last = entry.lines().rev().find(|line| line.ends_with("@acme.org"));
        assert_eq!(last, Some(signer));
    }
    assert_sound(&world, "r");
}

#[test]
fn one_that_is_refused_takes_no_other_down() {
    let (world, lock) = locked();
    let append = |kind: &'static str, id: &'static str| {
        start(binary(&world, "r", &["append", kind, "--id", id]))
    };
    // a type that stands for the ledger's own entries only
    let bad = append("dev.git-ledger.policy.changed", "bad");
    let good = [append("dev.acme.built", "a"), append("dev.acme.built", "b")];
    slips(&world, HERE, "wait", 3);
    drop(lock);
    for child in good {
        let said = said(child);
        assert!(said.out.starts_with("recorded "), "{said}");
    }
    said(bad).code(1);
    assert_eq!(ids(&world, "r"), ["a", "b", "first"]);
    assert_sound(&world, "r");
}
