//! What was found becomes part of the record, once.

use super::*;

/// A world with an auditor, eve, whose key the watch signs with.
fn audited() -> (World, String) {
    let world = world();
    let key = world.public("eve");
    let words = [
        "policy",
        "add-signer",
        "eve@acme",
        &key,
        "--role",
        "auditor",
    ];
    world.ledger("r", &[&words[..], &["--yes"]].concat()).ok();
    world.ledger("r", &["mirror", "push"]).ok();
    let path = world.key("eve").display().to_string();
    (world, path)
}

/// What the ledger holds of tampering that was found.
fn found(world: &World) -> Vec<serde_json::Value> {
    let words = ["log", "type:dev.git-ledger.tamper.found", "--json"];
    let text = world.ledger("r", &words).ok();
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn a_fork_is_recorded_once_by_whoever_finds_it() {
    let (world, key) = audited();
    fork(&world);
    let words = ["--record", "--key", key.as_str()];
    once(&world, &words).code(1);
    let all = found(&world);
    assert_eq!(all.len(), 1, "{all:?}");
    let data = &all[0]["events"][0]["data"];
    assert_eq!(data["finding"]["id"], "mirrorForked");
    assert_eq!(data["finding"]["entry"], 3);
    assert_eq!(data["copy"], "one");
    let evidence = data["evidence"][0].as_str().expect("a ref");
    assert!(
        evidence.starts_with("refs/ledger/evidence/one/"),
        "{evidence}"
    );
    // the same watch again, and another one that knows nothing yet
    once(&world, &words).code(1);
    let mut command = world.command("r", "git");
    command
        .args(["ledger", "watch", "--once", "--record"])
        .env("XDG_STATE_HOME", world.path("elsewhere"));
    run(command, b"").code(1);
    assert_eq!(found(&world).len(), 1);
    crate::recorded::assert_both_agree(&world, "r");
}

#[test]
fn whose_key_may_not_say_so_is_told() {
    let (world, _) = audited();
    let key = world.public("ci");
    let words = [
        "policy",
        "add-signer",
        "ci@acme",
        &key,
        "--role",
        "writer",
        "--yes",
    ];
    world.ledger("r", &words).ok();
    fork(&world);
    let key = world.key("ci").display().to_string();
    let said = once(&world, &["--json", "--record", "--key", &key]).code(1);
    let told = alerts(&said);
    assert!(told.contains(&"found notRecorded".to_owned()), "{said}");
    assert!(told.contains(&"found mirrorForked".to_owned()), "{said}");
    assert_eq!(found(&world).len(), 0);
}

#[test]
fn nothing_is_added_to_a_copy_that_is_in_breach_itself() {
    let (world, key) = audited();
    fork(&world);
    // what was seen here before is remembered
    once(&world, &[]).code(1);
    let back = format!("{LEDGER}~1");
    world.git("r", &["update-ref", LEDGER, &back]).ok();
    let before = world.git("r", &["rev-parse", LEDGER]).ok();
    let said = once(
        &world,
        &["--json", "--record", "--key", &key, "--reconcile"],
    )
    .code(1);
    let told = alerts(&said);
    assert!(told.contains(&"found rolledBack".to_owned()), "{said}");
    assert!(told.contains(&"found notRecorded".to_owned()), "{said}");
    assert_eq!(world.git("r", &["rev-parse", LEDGER]).ok(), before);
}

#[test]
fn nothing_is_added_to_a_copy_that_others_are_ahead_of() {
    let (world, key) = audited();
    fork(&world);
    let back = format!("{LEDGER}~1");
    world.git("r", &["update-ref", LEDGER, &back]).ok();
    let words = ["--json", "--record", "--key", key.as_str()];
    let said = once(&world, &words).code(1);
    assert!(said.out.contains("'two' holds newer entries"), "{said}");
    assert_eq!(found(&world).len(), 0);
}

#[test]
fn refs_that_no_hook_saw_move_are_recorded_and_told_each_time() {
    let world = world();
    let words = ["--json", "--no-remotes", "--reconcile"];
    let said = once(&world, &words).code(0);
    assert_eq!(alerts(&said).len(), 0, "{said}");
    for branch in ["past", "the"] {
        let make = ["branch", branch];
        world.git("r", &make).ok();
        let said = once(&world, &words).code(1);
        assert_eq!(alerts(&said), ["found refUnrecorded"], "{said}");
        let text = world
            .ledger("r", &["log", "type:dev.git-ledger.gap", "-n1"])
            .ok();
        assert!(text.contains(branch), "{text}");
        let said = once(&world, &words).code(0);
        assert_eq!(alerts(&said).len(), 0, "{said}");
    }
}
