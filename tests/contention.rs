//! Many writers at once: every event in the chain, once.

mod waiting;

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::recorded::{assert_both_agree, assert_sound, binary, ids, times};
use crate::world::World;

const WRITERS: usize = 8;

/// Runs each list of commands one after the other, and all lists at once; seconds it took.
fn all_at_once(lists: Vec<Vec<Command>>) -> f64 {
    let began = Instant::now();
    std::thread::scope(|scope| {
        for list in lists {
            scope.spawn(|| {
                for mut command in list {
                    let said = command.stdin(Stdio::null()).output().expect("a program");
                    let err = String::from_utf8_lossy(&said.stderr);
                    assert!(said.status.success(), "{err}");
                    let out = String::from_utf8_lossy(&said.stdout);
                    assert!(out.starts_with("recorded "), "{out}");
                }
            });
        }
    });
    began.elapsed().as_secs_f64()
}

fn names(each: usize) -> Vec<String> {
    let mut names: Vec<String> = (0..WRITERS)
        .flat_map(|writer| (0..each).map(move |number| format!("{writer}-{number}")))
        .collect();
    names.sort();
    names
}

/// A bare repository with a ledger, and a clone for each writer as a build machine makes it:
/// the newest commit of one branch, without the ledger.
fn build_machines(world: &World, writers: usize) {
    world.repository("r");
    world
        .git("", &["init", "--quiet", "--bare", "remote.git"])
        .ok();
    let push = ["push", "--quiet", "../remote.git", "main", "ledger"];
    world.git("r", &push).ok();
    let url = format!("file://{}", world.path("remote.git").display());
    for writer in 0..writers {
        let name = format!("clone{writer}");
        let clone = [
            "clone",
            "--quiet",
            "--depth=1",
            "--branch=main",
            &url,
            &name,
        ];
        world.git("", &clone).ok();
    }
}

#[test]
fn one_local_repository() {
    let each = times(12, 50);
    let world = World::new();
    world.repository("r");
    let append = |writer: usize, number: usize| {
        let id = format!("{writer}-{number}");
        binary(&world, "r", &["append", "dev.acme.built", "--id", &id])
    };
    let lists = (0..WRITERS).map(|writer| (0..each).map(|n| append(writer, n)).collect());
    let seconds = all_at_once(lists.collect());
    assert_eq!(ids(&world, "r"), names(each));
    assert_both_agree(&world, "r");
    let all = WRITERS * each;
    println!("{all} of {all} events in one local repository, {seconds:.1} s");
}

#[test]
fn one_remote() {
    let each = times(4, 50);
    let world = World::new();
    build_machines(&world, WRITERS);
    let trace = world.path("trace");
    std::fs::create_dir(&trace).expect("a directory");
    let trace = trace.to_str().expect("a path").to_owned();
    let target = ["config", "--global", "trace2.eventTarget", &trace];
    world.git("", &target).ok();
    let append = |writer: usize, number: usize| {
        let (dir, id) = (format!("clone{writer}"), format!("{writer}-{number}"));
        let data = format!("name={id}");
        let push = [
            "append",
            "dev.acme.built",
            "--push",
            "origin",
            "--data",
            &data,
        ];
        let mut command = binary(&world, dir, &push);
        command.args(["--timeout", "300"]);
        command
    };
    let lists = (0..WRITERS).map(|writer| (0..each).map(|n| append(writer, n)).collect());
    let seconds = all_at_once(lists.collect());
    let all = WRITERS * each;
    // the ids are made up, so that nobody need fetch all of history to see that they are new
    assert_eq!(ids(&world, "remote.git").len(), all);
    let log = world.git("remote.git", &["log", "--format=%B", "refs/heads/ledger"]);
    let log = log.ok();
    for name in names(each) {
        let data = format!("{{\"name\":\"{name}\"}}");
        assert_eq!(log.matches(&data).count(), 1, "{name}");
    }
    assert_both_agree(&world, "remote.git");
    let pushes = std::fs::read_dir(&trace)
        .expect("a directory")
        .filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok())
        .filter(|text| {
            text.contains("\"event\":\"cmd_name\"") && text.contains("\"name\":\"push\"")
        })
        .count();
    println!("{all} of {all} events at one remote, {seconds:.1} s, {pushes} pushes");
}

/// A clone that holds the newest entry only asks for the rest before it says that an id is new.
#[test]
fn a_build_machine_run_again() {
    let world = World::new();
    build_machines(&world, 2);
    let append = |clone: &str, id: &str| {
        let arguments = [
            "append",
            "dev.acme.built",
            "--source",
            "/acme",
            "--push",
            "origin",
        ];
        let mut command = binary(&world, clone, &arguments);
        command.args(["--id", id]);
        crate::world::run(command, b"").ok()
    };
    for id in ["a", "b", "c"] {
        assert!(append("clone0", id).starts_with("recorded "));
    }
    assert!(append("clone1", "a").starts_with("already recorded 1 "));
    assert!(append("clone1", "d").starts_with("recorded 4 "));
    assert!(append("clone0", "d").starts_with("already recorded 4 "));
    assert_eq!(ids(&world, "remote.git"), ["a", "b", "c", "d"]);
    // a branch of this very repository that is cut off cannot tell, and does not guess
    let url = format!("file://{}", world.path("remote.git").display());
    let clone = [
        "clone",
        "--quiet",
        "--depth=1",
        "--branch=ledger",
        &url,
        "cut",
    ];
    world.git("", &clone).ok();
    let arguments = ["append", "dev.acme.built", "--id", "e", "--on-failure=fail"];
    let said = crate::world::run(binary(&world, "cut", &arguments), b"").code(128);
    assert!(said.err.contains("the history here is cut off"), "{said}");
}

#[test]
fn housekeeping_beside() {
    let rounds = times(30, 300);
    let world = World::new();
    world.repository("r");
    let append = |number: usize| {
        let id = format!("{number}");
        binary(&world, "r", &["append", "dev.acme.built", "--id", &id])
    };
    let appends: Vec<Command> = (0..rounds).map(append).collect();
    let done = std::sync::atomic::AtomicBool::new(false);
    let cleanings: Vec<Vec<&str>> = vec![
        vec!["gc", "--quiet", "--prune=now"],
        vec!["repack", "-a", "-d", "--quiet"],
        vec!["pack-refs", "--all"],
    ];
    let clean: Vec<Vec<Command>> = (0..rounds)
        .map(|_| {
            let git = |arguments: &Vec<&str>| {
                let mut command = world.command("r", "git");
                command.args(arguments);
                command
            };
            cleanings.iter().map(git).collect()
        })
        .collect();
    let cleaned = std::thread::scope(|scope| {
        let cleaner = scope.spawn(|| {
            let mut count = 0;
            for mut command in clean.into_iter().flatten() {
                if done.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                command.output().expect("git");
                count += 1;
            }
            count
        });
        all_at_once(vec![appends]);
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        cleaner.join().expect("a cleaner")
    });
    assert_eq!(ids(&world, "r").len(), rounds);
    assert_sound(&world, "r");
    println!("{rounds} of {rounds} events beside {cleaned} runs of git's housekeeping");
}
