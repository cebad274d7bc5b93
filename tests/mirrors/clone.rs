//! The auditor's own copy.

use super::*;

fn fingerprint(world: &World) -> String {
    let said = world.git("r", &["config", "ledger.acme/payments.fingerprint"]);
    said.ok().trim().to_owned()
}

#[test]
fn is_judged_pinned_and_remembers() {
    let world = world();
    let said = world.ledger(
        "",
        &[
            "clone",
            "one.git",
            "audit.git",
            "--fingerprint",
            &fingerprint(&world),
        ],
    );
    let said = said.ok();
    assert!(
        said.contains("(pinned)") && !said.contains("NOT PINNED"),
        "{said}"
    );
    assert_eq!(tip(&world, "audit.git"), tip(&world, "r"));
    world.git("audit.git", &["fsck", "--strict"]).ok();
    world.ledger("audit.git", &["verify", "--remotes"]).ok();
    rewind(&world, "one", 1);
    assert_eq!(state(&world, "audit.git", "origin"), "rolled back 3");
    // nor does a plain fetch follow a rewritten history
    copy(&world, "evil", 2);
    append(&world, "evil", "x");
    force(&world, "evil", "one");
    world.git("audit.git", &["fetch", "--quiet"]).ok();
    append(&world, "r", "more");
    force(&world, "r", "one");
    assert_ne!(world.git("audit.git", &["fetch"]).code, 0);
}

#[test]
fn without_a_fingerprint_it_says_so() {
    let world = world();
    fs::create_dir(world.path("desk")).expect("a directory");
    let said = world.ledger("desk", &["clone", "../one.git"]).ok();
    assert!(said.contains("\nNOT PINNED: "), "{said}");
    assert!(world.path("desk/one.git/HEAD").exists());
    let said = world.ledger("", &["clone", "--json", "one.git", "json.git"]);
    let value: serde_json::Value = serde_json::from_str(&said.ok()).expect("JSON");
    assert_eq!(value["pinned"].as_bool(), Some(false));
}

#[test]
fn a_wrong_fingerprint_or_a_breach_leaves_nothing() {
    let world = world();
    let before: Vec<_> = listing(&world);
    let wrong = "0".repeat(64);
    let said = world.ledger("", &["clone", "one.git", "x.git", "--fingerprint", &wrong]);
    let said = said.code(1);
    assert!(
        said.out.contains("fingerprintMismatch") && said.out.contains("nothing was kept"),
        "{said}"
    );
    copy(&world, "evil", 0);
    let tree = format!("{LEDGER}^{{tree}}");
    let forged = world
        .git(
            "evil",
            &["commit-tree", "-p", LEDGER, "-m", "forged", &tree],
        )
        .ok();
    world
        .git("evil", &["update-ref", LEDGER, forged.trim()])
        .ok();
    force(&world, "evil", "two");
    fs::remove_dir_all(world.path("evil")).expect("removed");
    world.ledger("", &["clone", "two.git", "x.git"]).code(1);
    world.ledger("", &["clone", "nowhere.git", "x.git"]).code(2);
    world
        .ledger("", &["clone", "one.git", "x.git", "--branch", "none"])
        .code(2);
    world.ledger("", &["clone", "one.git", "r"]).code(129);
    world
        .ledger("", &["clone", "ext::sh -c id", "x.git"])
        .code(129);
    assert_eq!(listing(&world), before);
}

fn listing(world: &World) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(world.path(""))
        .expect("a directory")
        .map(|item| {
            item.expect("an item")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn takes_the_object_format_of_the_remote() {
    let world = World::new();
    world
        .git("", &["init", "--quiet", "--object-format=sha256", "r"])
        .ok();
    world.ledger("r", &["init", "--name", "acme/payments"]).ok();
    append(&world, "r", "a");
    world.ledger("", &["clone", "r", "audit.git"]).ok();
    let format = world.git("audit.git", &["rev-parse", "--show-object-format"]);
    assert_eq!(format.ok().trim(), "sha256");
    append(&world, "r", "b");
    let said = world.ledger("audit.git", &["mirror", "pull"]).ok();
    assert!(said.contains("took 1 entries"), "{said}");
}

#[test]
fn a_clone_of_code_can_take_the_ledger_later() {
    let world = world();
    world.git("", &["clone", "--quiet", "r", "code"]).ok();
    world
        .git("code", &["update-ref", "-d", "refs/remotes/origin/ledger"])
        .ok();
    let pin = fingerprint(&world);
    world.git("code", &["config", "ledger.p.ref", LEDGER]).ok();
    world
        .git("code", &["config", "ledger.p.fingerprint", &"0".repeat(64)])
        .ok();
    world.ledger("code", &["mirror", "pull", "origin"]).code(1);
    world.git("code", &["rev-parse", LEDGER]).code(128);
    world
        .git("code", &["config", "ledger.p.fingerprint", &pin])
        .ok();
    world.ledger("code", &["mirror", "pull", "origin"]).ok();
    assert_eq!(tip(&world, "code"), tip(&world, "r"));
}
