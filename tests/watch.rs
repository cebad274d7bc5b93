//! A watch over real repositories: what is told, through which channel, how often, and what is
//! remembered when it dies.

mod channels;
mod goes_on;
mod record;
mod told;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::world::{Said, World, run};

/// The branch of every ledger here.
const LEDGER: &str = "refs/heads/ledger";
/// What a ledger is called that wants to be obeyed.
const EVIL: &str = "acme ::error title=x::y%0A::set-output name=a::b `$(touch pwned)` PRIORITY=7";

/// A repository `r` with entries 0 to 3, and two mirrors, `one` and `two`, that hold them.
fn world() -> World {
    called("acme/payments")
}

fn called(name: &str) -> World {
    let world = World::new();
    world.git("", &["init", "--quiet", "r"]).ok();
    let first = ["commit", "--quiet", "--allow-empty", "--message=first"];
    world.git("r", &first).ok();
    world.ledger("r", &["init", "--name", name]).ok();
    for name in ["one", "two"] {
        let path = format!("{name}.git");
        world.git("", &["init", "--quiet", "--bare", &path]).ok();
        let url = format!("../{path}");
        world.ledger("r", &["mirror", "add", name, &url]).ok();
    }
    for subject in ["a", "b", "c"] {
        append(&world, "r", subject);
    }
    world.ledger("r", &["mirror", "push"]).ok();
    world
}

fn append(world: &World, dir: &str, subject: &str) {
    let words = ["append", "dev.x.y", "--subject", subject];
    world.ledger(dir, &words).ok();
}

/// One look.
fn once(world: &World, more: &[&str]) -> Said {
    let words = [&["watch", "--once"], more].concat();
    world.ledger("r", &words)
}

/// Lets `one` hold another history from entry 2 on.
fn fork(world: &World) {
    let mut command = world.command("", "cp");
    command.args(["-a", "r", "evil"]);
    run(command, b"").ok();
    fs::remove_dir_all(world.path("evil/.git/git-ledger")).ok();
    let back = format!("{LEDGER}~2");
    world.git("evil", &["update-ref", LEDGER, &back]).ok();
    for subject in ["x", "y", "z"] {
        append(world, "evil", subject);
    }
    force(world, "evil", "one");
}

/// Lets the remote hold what the clone holds.
fn force(world: &World, clone: &str, remote: &str) {
    let (url, refspec) = (format!("../{remote}.git"), format!("+{LEDGER}:{LEDGER}"));
    world.git(clone, &["push", "--quiet", &url, &refspec]).ok();
}

/// Writes a program, and its path.
fn script(world: &World, name: &str, text: &str) -> String {
    let path = world.path(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a script");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode");
    path.display().to_string()
}

fn json(said: &Said) -> serde_json::Value {
    serde_json::from_str(&said.out).expect("JSON")
}

/// What was told, as `kind finding`.
fn alerts(said: &Said) -> Vec<String> {
    let look = json(said);
    let alerts = look["alerts"].as_array().expect("alerts").iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    alerts
        .map(|alert| {
            let data = &alert["data"];
            format!("{} {}", text(&data["kind"]), text(&data["finding"]))
        })
        .collect()
}
