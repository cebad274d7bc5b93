//! Comparisons while the ledger grows and its mirrors follow: from the writer's own clone and from
//! an auditor's. Remotes are level, behind or ahead then, and nothing else is ever said.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;
use crate::recorded::times;

/// What was said, how often; and what was no honest state.
#[derive(Default)]
struct Heard {
    states: BTreeMap<String, usize>,
    alarms: Vec<String>,
}

/// Reads one answer: each remote's state, and anything that was found wrong.
fn hear(said: &Said, heard: &Mutex<Heard>) {
    let mut heard = heard.lock().expect("what was heard");
    let value: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_default();
    let remotes = value["remotes"].as_array().cloned().unwrap_or_default();
    for remote in &remotes {
        let state = remote["state"].as_str().unwrap_or("no answer").to_owned();
        let wrong = remote["findings"]
            .as_array()
            .is_none_or(|all| !all.is_empty());
        if wrong || !["level", "behind", "ahead"].contains(&state.as_str()) {
            heard.alarms.push(said.to_string());
        }
        *heard.states.entry(state).or_default() += 1;
    }
    if said.code != 0 || remotes.len() < 2 {
        heard.alarms.push(said.to_string());
    }
}

#[test]
fn none_while_mirrors_follow() {
    let world = world();
    let one = world.path("one.git");
    let one = one.to_str().expect("a path");
    world.ledger("", &["clone", one, "audit.git"]).ok();
    for name in ["one", "two"] {
        let url = format!("../{name}.git");
        world
            .ledger("audit.git", &["mirror", "add", name, &url])
            .ok();
    }
    // one second for all: a clock that ticks would put entries into somebody's future
    let program = |dir: &str, arguments: &[&str]| -> Command {
        let mut command = crate::recorded::binary(&world, dir, arguments);
        command.env(
            "GIT_COMMITTER_DATE",
            format!("@{} +0000", world.now() + 7200),
        );
        command
    };
    let copy = |command: &Command| -> Command {
        let mut again = Command::new(command.get_program());
        again.args(command.get_args()).env_clear();
        again.current_dir(command.get_current_dir().expect("a directory"));
        for (name, value) in command.get_envs() {
            again.env(name, value.unwrap_or_default());
        }
        again
    };
    let append = program("r", &["append", "dev.x.y"]);
    let push = program("r", &["mirror", "push", "--quiet"]);
    let pull = program("audit.git", &["mirror", "pull", "--quiet"]);
    let asked = [
        program("r", &["compare", "--json"]),
        program("r", &["mirror", "status", "--json"]),
        program("audit.git", &["compare", "--json"]),
        program("audit.git", &["mirror", "status", "--json"]),
    ];
    let most = times(48, 1000);
    let (made, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let heard = Mutex::new(Heard::default());
    let appended = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut count = 0;
            while !done.load(Ordering::Relaxed) {
                run(copy(&append), b"").ok();
                // now and then several at once
                if count % 3 != 0 {
                    run(copy(&push), b"").ok();
                }
                count += 1;
            }
            count
        });
        let watchers: Vec<_> = (0..2)
            .map(|side| {
                let (made, heard, asked, pull, copy) = (&made, &heard, &asked, &pull, &copy);
                scope.spawn(move || {
                    for turn in 0.. {
                        if made.fetch_add(1, Ordering::Relaxed) >= most {
                            break;
                        }
                        hear(&run(copy(&asked[side * 2 + turn % 2]), b""), heard);
                        if side == 1 && turn % 5 == 4 {
                            run(copy(pull), b"").ok();
                        }
                    }
                })
            })
            .collect();
        for watcher in watchers {
            watcher.join().expect("a watcher");
        }
        done.store(true, Ordering::Relaxed);
        writer.join().expect("a writer")
    });
    let heard = heard.into_inner().expect("what was heard");
    // `cargo xtask soak` reads this line
    println!(
        "comparisons | {most} | {appended} | {} | {:?}",
        heard.alarms.len(),
        heard.states
    );
    assert!(heard.alarms.is_empty(), "{}", heard.alarms.join("\n"));
    world.ledger("r", &["mirror", "push"]).ok();
    for name in ["one", "two"] {
        assert_eq!(state(&world, "r", name), "level");
    }
}
