//! Pushes that cannot be recorded now: refused where the policy is closed, as it is at first; let
//! through with a warning where it says spool, and recorded once, in order, when that is possible.

use std::fs;

use git_ledger::json::Value;

use crate::fail_modes::{Held, waiting};
use crate::servers::ssh::write_script;
use crate::servers::{Server, exits, text};
use crate::world::{World, run};

const PUSH: &str = "dev.git-ledger.push";
const CHANGED: &str = "dev.git-ledger.refs.changed";

/// What each push event says: the refs, or what became of them.
fn told(server: &Server<'_>) -> Vec<String> {
    let events = server.events().into_iter();
    let ours = events.filter(|event| [PUSH, CHANGED].contains(&event.kind()));
    let one = |event: git_ledger::event::Event| {
        let data = server.data(&event);
        let refs = data.get("refs").and_then(Value::as_array).expect("refs");
        let names: Vec<&str> = refs
            .iter()
            .map(|update| text(update.as_object().expect("an object"), "ref"))
            .map(|name| name.trim_start_matches("refs/heads/"))
            .collect();
        let outcome = data.get("outcome").and_then(Value::as_str);
        format!("{} {}", outcome.unwrap_or("push"), names.join(" "))
    };
    ours.map(one).collect()
}

/// The policy lets pushes wait.
fn relax(server: &Server<'_>) {
    let words = [
        "policy",
        "on-failure",
        PUSH,
        CHANGED,
        "--mode",
        "spool",
        "-y",
    ];
    server.world.ledger(&server.name, &words).ok();
}

/// No key: what cannot be signed cannot be recorded.
fn lose_key(server: &Server<'_>) {
    let key = server.world.path("keys/server");
    fs::rename(&key, key.with_extension("lost")).expect("a key");
}

fn find_key(server: &Server<'_>) {
    let key = server.world.path("keys/server");
    fs::rename(key.with_extension("lost"), &key).expect("a key");
}

fn in_step(server: &Server<'_>) {
    let said = server.world.ledger(&server.name, &["reconcile"]).ok();
    assert!(said.starts_with("in step: "), "{said}");
    server.sound();
}

#[test]
fn closed_at_first() {
    let world = World::new();
    let server = Server::new(&world, "r");
    lose_key(&server);
    let said = server.push(&["origin", "main"]);
    assert!(said.err.contains("pushUnrecorded"), "{said}");
    assert!(
        said.err
            .contains("'closed' for dev.git-ledger.push ([[failure]] row 1)"),
        "{said}"
    );
    exits(said, 1);
    assert_eq!(waiting(&world, "r.git").len(), 0);
    let pushes = server.path().join("git-ledger/pushes");
    assert_eq!(fs::read_dir(pushes).map_or(0, Iterator::count), 0);
    find_key(&server);
    exits(server.push(&["origin", "main"]), 0);
    assert_eq!(told(&server), ["push main"]);
}

#[test]
fn spooled_recorded_once_and_in_order() {
    let world = World::new();
    let server = Server::new(&world, "r");
    world.ledger(&server.name, &["reconcile"]).ok();
    relax(&server);
    lose_key(&server);
    let said = server.push(&["origin", "main"]);
    assert!(said.err.contains("this push is not recorded yet"), "{said}");
    assert!(
        said.err
            .contains("for the ledger's policy says 'spool' for dev.git-ledger.push"),
        "{said}"
    );
    exits(said, 0);
    server.commit("two");
    exits(server.push(&["origin", "main"]), 0);
    assert_eq!(told(&server), Vec::<String>::new());
    assert_eq!(waiting(&world, "r.git").len(), 2);
    // nobody takes what waits for something no hook saw
    let said = world.ledger(&server.name, &["reconcile", "--dry-run"]);
    assert_eq!(said.code, 0, "{said}");
    find_key(&server);
    // the next push is recorded after them
    server.commit("three");
    exits(server.push(&["origin", "main", "main:refs/heads/b"]), 0);
    assert_eq!(told(&server), ["push main", "push main", "push main b"]);
    assert_eq!(waiting(&world, "r.git").len(), 0);
    in_step(&server);
}

/// Refs that git refuses after the push was put aside: the outcome waits too, behind it.
#[test]
fn an_outcome_waits_behind_its_push() {
    let world = World::new();
    let server = Server::new(&world, "r");
    world.ledger(&server.name, &["reconcile"]).ok();
    relax(&server);
    write_script(
        &server.path().join("hooks/update"),
        "#!/bin/sh\ncase $1 in */no*) exit 1;; esac\n",
    );
    lose_key(&server);
    // some move, and post-receive says which did not
    exits(server.push(&["origin", "main", "main:refs/heads/no"]), 1);
    assert_eq!(waiting(&world, "r.git").len(), 2);
    // none moves, so nobody says anything until the next hook
    exits(server.push(&["origin", "main:refs/heads/no2"]), 1);
    assert_eq!(waiting(&world, "r.git").len(), 3);
    find_key(&server);
    world.ledger(&server.name, &["flush"]).ok();
    assert_eq!(told(&server), ["push main no", "refused no", "push no2"]);
    let said = world.ledger(&server.name, &["reconcile"]).ok();
    assert!(said.starts_with("closed: 1 change"), "{said}");
    in_step(&server);
    let all = ["push main no", "refused no", "push no2", "refused no2"];
    assert_eq!(told(&server), all);
    world.ledger(&server.name, &["flush"]).ok();
    assert_eq!(told(&server), all);
}

#[test]
fn a_busy_lock_and_a_rule() {
    let world = World::new();
    let server = Server::new(&world, "r");
    server.set("ledger.acme.hookTimeout", "2");
    relax(&server);
    let held = Held::lock(&world, "r.git");
    let said = server.push(&["origin", "main"]);
    assert!(said.err.contains("it waits in the spool"), "{said}");
    exits(said, 0);
    drop(held);
    world.ledger(&server.name, &["reconcile"]).ok();
    assert_eq!(told(&server), ["push main"]);
    assert_eq!(waiting(&world, "r.git").len(), 0);
    // what a rule refuses does not wait
    let stranger = world.key("stranger").display().to_string();
    server.set("ledger.acme.signingKey", &stranger);
    server.commit("two");
    let said = server.push(&["origin", "main"]);
    assert!(said.err.contains("signerUnknown"), "{said}");
    exits(said, 1);
    assert_eq!(waiting(&world, "r.git").len(), 0);
}

/// A disk that is full for the ledger's lock and for the spool: neither recorded nor kept, refused.
#[test]
fn what_cannot_wait_either_is_refused() {
    let world = World::new();
    let server = Server::new(&world, "r");
    world.ledger(&server.name, &["reconcile"]).ok();
    relax(&server);
    lose_key(&server);
    let spool = server.path().join("git-ledger/spool");
    fs::create_dir_all(server.path().join("git-ledger")).expect("a directory");
    fs::write(&spool, "in the way").expect("a file");
    let said = server.push(&["origin", "main"]);
    assert!(said.err.contains("pushUnrecorded"), "{said}");
    exits(said, 1);
    fs::remove_file(&spool).expect("a file");
    find_key(&server);
    exits(server.push(&["origin", "main"]), 0);
    assert_eq!(told(&server), ["push main"]);
    in_step(&server);
}

/// The same for refs that move in the repository itself.
#[test]
fn a_change_in_the_repository() {
    let world = World::new();
    let server = Server::new(&world, "r");
    exits(server.push(&["origin", "main"]), 0);
    world
        .ledger(
            &server.name,
            &["hook", "install", "--reference-transaction"],
        )
        .ok();
    world.ledger(&server.name, &["reconcile"]).ok();
    let branch = |name: &str| world.git(&server.name, &["branch", name, "main"]);
    lose_key(&server);
    assert_ne!(branch("a").code, 0);
    find_key(&server);
    relax(&server);
    lose_key(&server);
    let said = branch("a");
    assert!(
        said.err.contains("this change is not recorded yet"),
        "{said}"
    );
    exits(said, 0);
    find_key(&server);
    exits(branch("b"), 0);
    assert_eq!(told(&server), ["push main", "push a", "push b"]);
    assert_eq!(waiting(&world, "r.git").len(), 0);
    in_step(&server);
}

/// A signed push waits with its certificate.
#[test]
fn a_certificate_goes_with_its_push() {
    let world = World::new();
    let server = Server::new(&world, "r");
    server.set("receive.certNonceSeed", "a seed");
    relax(&server);
    lose_key(&server);
    let mut command = world.command("r", "git");
    let key = format!("user.signingKey={}", world.key("ann").display());
    command.args(["-c", "gpg.format=ssh", "-c", &key]);
    command.args(["push", "--signed=yes", "origin", "main"]);
    run(command, b"").ok();
    assert_eq!(waiting(&world, "r.git").len(), 2);
    find_key(&server);
    server.commit("two");
    exits(server.push(&["origin", "main"]), 0);
    let entries = server.entries();
    let kinds = |at: usize| -> Vec<&str> { entries[at].iter().map(|event| event.kind()).collect() };
    // the entry before them relaxed the policy
    assert_eq!(kinds(1), [PUSH, "dev.git-ledger.push.certificate"]);
    assert_eq!(kinds(2), [PUSH]);
    server.sound();
}
