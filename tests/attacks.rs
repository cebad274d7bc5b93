//! What no other test tries: each attack is done for real, and where it is not obvious that the
//! honest twin is let through, the twin is tried as well. `attacks.tsv` lists them all.

mod bombs;
mod collisions;
mod files;
mod hostile;
mod layout;
mod options;
mod owner;
mod pushed;
mod remotes;
mod settings;
mod surroundings;
mod undetectable;
mod web;

use std::fs;

use crate::world::{Said, World, run};

/// The branch of every ledger here.
const LEDGER: &str = "refs/heads/ledger";

/// A repository `r` with entries 0 to 3.
fn world() -> World {
    let world = World::new();
    world.repository("r");
    for subject in ["a", "b", "c"] {
        append(&world, "r", subject);
    }
    world
}

fn append(world: &World, dir: &str, subject: &str) {
    let words = ["append", "dev.acme.built", "--subject", subject];
    direct(world, dir, &words).ok();
}

/// The program without git before it: what git itself obeys is not ours to test.
fn direct(world: &World, dir: &str, arguments: &[&str]) -> Said {
    let mut command = world.command(dir, "git-ledger");
    command.args(arguments);
    run(command, b"")
}

/// Makes `name.git` a mirror of `r` and brings it up to date.
fn mirror(world: &World, name: &str) {
    let path = format!("{name}.git");
    world.git("", &["init", "--quiet", "--bare", &path]).ok();
    direct(world, "r", &["mirror", "add", name, &format!("../{path}")]).ok();
    direct(world, "r", &["mirror", "push", name]).ok();
}

/// A copy of a repository that remembers nothing.
fn forgetful(world: &World, from: &str, to: &str) {
    let mut command = world.command("", "cp");
    command.args(["-a", from, to]);
    run(command, b"").ok();
    fs::remove_dir_all(world.path(to).join(".git/git-ledger")).ok();
}

/// The ids of the findings in a verdict or a comparison as JSON.
fn findings(said: &Said) -> Vec<String> {
    fn collect(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Array(all) => all.iter().for_each(|value| collect(value, found)),
            serde_json::Value::Object(all) => {
                if let (Some(id), Some(_)) = (all.get("id"), all.get("severity")) {
                    found.extend(id.as_str().map(str::to_owned));
                }
                all.values().for_each(|value| collect(value, found));
            }
            _ => {}
        }
    }
    let value = serde_json::from_str(&said.out).unwrap_or_else(|why| panic!("{why}: {said}"));
    let mut found = Vec::new();
    collect(&value, &mut found);
    found
}
