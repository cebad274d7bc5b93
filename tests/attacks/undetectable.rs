//! What nobody can detect from one copy, and that the program says so in the words it is held
//! to; and who does detect it.

use git_ledger::freshness::UNSEEN;

use super::*;

/// Verifies, is told that all is well, and what that does not mean.
#[track_caller]
fn sound_as_far_as_anybody_can_tell(world: &World, dir: &str) {
    let said = direct(world, dir, &["verify"]).ok();
    assert!(said.contains("sound: "), "{said}");
    assert!(said.contains(UNSEEN), "{said}");
}

fn back(world: &World, dir: &str, entries: usize) {
    let to = format!("{LEDGER}~{entries}");
    world.git(dir, &["update-ref", LEDGER, &to]).ok();
}

#[test]
fn entries_cut_off_the_end() {
    let world = world();
    forgetful(&world, "r", "cut");
    back(&world, "cut", 2);
    sound_as_far_as_anybody_can_tell(&world, "cut");
    // who saw them remembers
    direct(&world, "r", &["verify"]).ok();
    back(&world, "r", 2);
    let said = direct(&world, "r", &["verify", "--json"]).code(1);
    assert_eq!(findings(&said), ["rolledBack"]);
}

#[test]
fn history_signed_again_with_a_stolen_key() {
    let world = world();
    mirror(&world, "one");
    forgetful(&world, "r", "thief");
    back(&world, "thief", 2);
    for subject in ["x", "y", "z"] {
        append(&world, "thief", subject);
    }
    sound_as_far_as_anybody_can_tell(&world, "thief");
    // a copy the thief did not reach tells, and so does what was seen here before
    direct(&world, "r", &["verify"]).ok();
    let spec = format!("+{LEDGER}:{LEDGER}");
    world
        .git("thief", &["push", "-q", "../one.git", &spec])
        .ok();
    let said = direct(&world, "r", &["compare", "--json"]).code(1);
    assert!(findings(&said).contains(&"mirrorForked".into()), "{said}");
    let fetch = ["fetch", "-q", "--update-head-ok", "../one.git", &spec];
    world.git("r", &fetch).ok();
    let said = direct(&world, "r", &["verify", "--json"]).code(1);
    assert_eq!(findings(&said), ["historyRewritten"]);
}

#[test]
fn everybody_goes_back_and_nobody_remembers() {
    let world = world();
    for name in ["one", "two"] {
        mirror(&world, name);
        back(&world, &format!("{name}.git"), 2);
    }
    back(&world, "r", 2);
    fs::remove_dir_all(world.path("r/.git/git-ledger")).expect("what was seen");
    sound_as_far_as_anybody_can_tell(&world, "r");
    let said = direct(&world, "r", &["compare"]).ok();
    assert_eq!(said.matches("\nlevel ").count(), 2, "{said}");
    assert!(said.contains(UNSEEN), "{said}");
}

#[test]
fn one_history_for_each_client() {
    let world = world();
    mirror(&world, "one");
    forgetful(&world, "r", "other");
    back(&world, "other", 2);
    append(&world, "other", "what the other one is told");
    append(&world, "other", "and more");
    // each, alone with what it is shown, finds nothing wrong
    sound_as_far_as_anybody_can_tell(&world, "r");
    direct(&world, "r", &["compare"]).ok();
    let spec = format!("+{LEDGER}:{LEDGER}");
    world
        .git("other", &["push", "-q", "../one.git", &spec])
        .ok();
    sound_as_far_as_anybody_can_tell(&world, "other");
    direct(&world, "other", &["compare"]).ok();
    // as soon as one looks at the other
    direct(&world, "r", &["mirror", "add", "other", "../other"]).ok();
    let said = direct(&world, "r", &["compare", "--json", "other"]).code(1);
    assert!(findings(&said).contains(&"mirrorForked".into()), "{said}");
}

#[test]
fn another_ledger_where_nobody_was_given_a_fingerprint() {
    let world = world();
    mirror(&world, "one");
    world.repository("foreign");
    append(&world, "foreign", "nothing to see");
    let spec = format!("+{LEDGER}:{LEDGER}");
    world
        .git("foreign", &["push", "-q", "../one.git", &spec])
        .ok();
    let said = direct(&world, "", &["clone", "one.git", "new.git"]).ok();
    assert!(said.contains("NOT PINNED"), "{said}");
    // who was given one is told, and keeps nothing
    let print = world
        .git("r", &["config", "ledger.acme/payments.fingerprint"])
        .ok();
    let clone = [
        "clone",
        "one.git",
        "pinned.git",
        "--fingerprint",
        print.trim(),
    ];
    let said = direct(&world, "", &clone).code(1);
    assert!(said.out.contains("fingerprintMismatch"), "{said}");
    assert!(!world.path("pinned.git").exists());
}
