//! Many writers, random deaths, and a model that says what must be in the chain afterwards.
//!
//! Writers of several kinds at once: local appends on the server, appends of clones through the
//! server's hooks (some with a mirror behind), pushes of branches that the hooks record, events
//! that wait in a spool, `mirror push`, `git gc`. Clients are killed at random moments, hooks at
//! random system calls. What is done is decided by a seed, which is printed
//! (`GIT_LEDGER_TEST_SEED=…` takes it); what meets what is up to the machine.

mod chain;
mod model;
mod writers;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::crash::tally::{Tally, Wrong, whole};
use crate::recorded::times;
use crate::servers::{Server, wait_until};
use crate::world::{World, run};
use chain::{entries, ids};
use model::{Answer, Call, beginning, judge};
use writers::{Kind, Log, Place, Writer, housekeeping, kill_hooks};

/// Steady numbers from a seed (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    /// Another stream for each writer.
    pub fn fork(&mut self) -> Random {
        Random(self.below(u64::MAX))
    }
}

fn seed() -> u64 {
    let given = std::env::var("GIT_LEDGER_TEST_SEED").ok();
    let seed = given.and_then(|text| text.parse().ok());
    seed.unwrap_or_else(|| u64::from(std::process::id()))
}

/// A server with hooks and two mirrors, and the clones of its writers.
fn stage(world: &World) -> Server<'_> {
    let server = Server::new(world, "server");
    for name in ["east", "west"] {
        let path = format!("{name}.git");
        world.git("", &["init", "-q", "--bare", &path]).ok();
        let url = world.path(&path);
        let url = url.to_str().expect("a path");
        world.git("server", &["push", "-q", url, "main"]).ok();
        world
            .ledger("server.git", &["mirror", "add", name, url])
            .ok();
    }
    server.push(&["origin", "main"]).ok();
    world.ledger("server.git", &["mirror", "push"]).ok();
    let url = format!("file://{}", server.path().display());
    for (name, key, with_ledger) in [
        ("ann", "ann", true),
        ("bob", "bob", true),
        ("job", "bob", false),
        ("spool", "ann", true),
        ("audit", "ann", true),
    ] {
        let deep = if with_ledger {
            "--no-local"
        } else {
            "--depth=1"
        };
        let branch = "--branch=main";
        world
            .git("", &["clone", "-q", deep, branch, &url, name])
            .ok();
        let key = world.key(key);
        let key = key.to_str().expect("a path");
        world.git(name, &["config", "user.signingKey", key]).ok();
        if with_ledger {
            let branch = [
                "fetch",
                "-q",
                "origin",
                "refs/heads/ledger:refs/heads/ledger",
            ];
            world.git(name, &branch).ok();
        }
        let east = world.path("east.git");
        let add = ["remote", "add", "east", east.to_str().expect("a path")];
        world.git(name, &add).ok();
    }
    server
}

#[test]
fn every_acknowledged_event_is_there_once_and_in_order() {
    let seed = seed();
    println!("seed {seed}");
    let mut random = Random(seed);
    let steps = times(5, 60);
    let world = World::new();
    let server = stage(&world);
    let place = Place::of(&world);
    let log = Log::default();
    // what was there before the first writer
    let before = entries(&world, "server.git").len();
    let writers = [
        ("server.git", Kind::Local),
        ("ann", Kind::Remote),
        ("bob", Kind::RemoteAndMirror),
        ("job", Kind::Remote),
        ("spool", Kind::Spool),
        ("server", Kind::Branches),
        ("server.git", Kind::Mirrors),
        ("audit", Kind::Audit),
    ];
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let running: Vec<_> = writers
            .iter()
            .map(|(dir, kind)| {
                let writer = Writer::new(&place, &log, dir, *kind, random.fork());
                scope.spawn(move || writer.run(steps))
            })
            .collect();
        let (mut killer, mut cleaner) = (random.fork(), random.fork());
        let (place, log, done) = (&place, &log, &done);
        scope.spawn(move || kill_hooks(place, log, &mut killer, done));
        scope.spawn(move || housekeeping(place, log, &mut cleaner, done));
        for writer in running {
            writer.join().expect("a writer");
        }
        done.store(true, Ordering::Relaxed);
    });
    let mut tally = Tally::new(format!("history, seed {seed}"));
    settle(&world, &server, &place, &mut tally);

    let calls = log.calls();
    for call in &calls {
        tally.tried(false, matches!(call.answer, Answer::Recorded(_)));
    }
    tally.struck(log.kills());
    let chain = entries(&world, "server.git");
    let mut promised = calls.clone();
    promised.extend(moved(&server, &calls));
    // numbers count from the first entry, and what was there before is nobody's
    let ours: Vec<_> = chain
        .iter()
        .enumerate()
        .map(|(number, events)| match number < before {
            true => Vec::new(),
            false => events.clone(),
        })
        .collect();
    for violation in judge(&promised, &ours) {
        tally.wrong(Wrong::Lost, violation);
    }
    println!(
        "{} calls, {} killed, {} entries, {} cleanings",
        calls.len(),
        log.kills(),
        chain.len(),
        log.cleanings()
    );
    tally.finish();
}

/// Lets everything come to rest, brings all copies level and holds them against the primary.
fn settle(world: &World, server: &Server<'_>, place: &Place, tally: &mut Tally) {
    wait_until("all processes have ended", || place.is_quiet());
    let must = |tally: &mut Tally, dir: &str, program: &str, arguments: &[&str]| {
        let mut command = place.command(dir, program);
        command.args(arguments);
        let said = run(command, b"");
        if said.code != 0 {
            let what = format!("{dir}: {program} {arguments:?}: {said}");
            tally.wrong(Wrong::Stuck, what);
        }
    };
    let compare = |tally: &mut Tally, level: bool| {
        let primary = ids(world, "server.git");
        for name in ["east.git", "west.git", "ann", "bob", "spool", "audit"] {
            let copy = ids(world, name);
            if let Some(violation) = beginning(name, &copy, &primary) {
                tally.wrong(Wrong::Corrupt, violation);
            }
            if level && copy.len() != primary.len() {
                tally.wrong(Wrong::Stuck, format!("{name} is not level"));
            }
        }
    };
    compare(tally, false);
    for dir in ["ann", "bob", "spool", "job", "server.git"] {
        must(tally, dir, "git-ledger", &["flush"]);
    }
    for number in 0..2 {
        let last = format!("HEAD:refs/heads/last{number}");
        must(tally, "server", "git", &["push", "-q", "origin", &last]);
    }
    wait_until("all processes have ended", || place.is_quiet());
    must(tally, "server.git", "git-ledger", &["mirror", "push"]);
    for dir in ["ann", "bob", "spool", "audit"] {
        must(tally, dir, "git-ledger", &["mirror", "pull", "origin"]);
    }
    compare(tally, true);
    for dir in ["server.git", "east.git", "west.git", "ann", "bob", "audit"] {
        tally.check(Wrong::Corrupt, whole(world, dir));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/ledger-spec/verify.py");
        let mut python = place.command("", "python3");
        python.arg(script).arg(world.path(dir));
        let said = run(python, b"");
        if !said.out.starts_with("sound ") {
            tally.wrong(Wrong::Corrupt, format!("{dir}: {said}"));
        }
    }
    let waiting = std::fs::read_dir(server.path().join("git-ledger/pushes"));
    let waiting = waiting.into_iter().flatten().flatten();
    for file in waiting.filter(|file| file.path().extension().is_some_and(|e| e == "json")) {
        tally.wrong(Wrong::Stuck, format!("{:?} waits", file.path()));
    }
}

/// A ref that moved was recorded, whatever the pusher was told.
fn moved(server: &Server<'_>, calls: &[Call]) -> Vec<Call> {
    let pushes = calls.iter().filter(|call| call.writer == "branches");
    let mut found = vec![];
    for call in pushes {
        let there = |(_, name): &(String, String)| !server.at(name).is_empty();
        if call.events.iter().all(there) {
            let answer = Answer::Promised;
            found.push(Call {
                answer,
                ..call.clone()
            });
        }
    }
    // the two that settled the rest
    for number in 0..2 {
        found.push(Call {
            writer: "branches".to_owned(),
            began: u64::MAX,
            ended: u64::MAX,
            events: vec![("push".to_owned(), format!("refs/heads/last{number}"))],
            answer: Answer::Promised,
        });
    }
    found
}
