//! What no other test tries: each attack is done for real, and where it is not obvious that the
//! honest twin is let through, the twin is tried as well. `attacks.tsv` lists them all.

mod hostile;

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
