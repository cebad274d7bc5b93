//! One state, one test.

use super::*;

#[test]
fn level_behind_ahead() {
    let world = world();
    assert_eq!(state(&world, "r", "one"), "level");
    append(&world, "r", "d");
    append(&world, "r", "e");
    assert_eq!(state(&world, "r", "one"), "behind 2");
    let said = status(&world, "r").ok();
    assert!(said.contains("one lacks entries since 2026-"), "{said}");
    let said = world.ledger("r", &["mirror", "push", "one"]);
    assert!(said.ok().contains("entries 4 to 5"));
    copy(&world, "other", 2);
    assert_eq!(state(&world, "other", "one"), "ahead 2");
    let before = tip(&world, "other");
    let said = world.ledger("other", &["mirror", "pull", "--dry-run"]);
    assert!(said.ok().contains("rehearsal"));
    assert_eq!(tip(&world, "other"), before);
    let said = world.ledger("other", &["mirror", "pull"]).ok();
    assert!(
        said.contains("took 2 entries from one, all sound"),
        "{said}"
    );
    assert_eq!(tip(&world, "other"), tip(&world, "r"));
    world.git("other", &["fsck", "--strict"]).ok();
    world.ledger("other", &["verify"]).ok();
    let refs = world.git("other", &["for-each-ref", "refs/ledger"]).ok();
    assert_eq!(refs, "");
}

#[test]
fn missing_is_not_removed() {
    let world = world();
    bare(&world, "three");
    world
        .ledger("r", &["mirror", "add", "three", "../three.git"])
        .ok();
    assert_eq!(state(&world, "r", "three"), "missing");
    assert_eq!(findings(&world, "r", "three"), ["mirrorMissing"]);
    status(&world, "r").code(2);
    world.git("one.git", &["update-ref", "-d", LEDGER]).ok();
    assert_eq!(findings(&world, "r", "one"), ["mirrorRemoved"]);
    // a breach outranks what could not be told
    status(&world, "r").code(1);
    // nobody heals it without being told to
    world.ledger("r", &["mirror", "push", "one"]).code(1);
    assert_eq!(findings(&world, "r", "one"), ["mirrorRemoved"]);
    world
        .ledger("r", &["mirror", "push", "--restore", "one"])
        .ok();
    assert_eq!(state(&world, "r", "one"), "level");
}

#[test]
fn a_fork_is_kept_as_evidence() {
    let world = world();
    copy(&world, "evil", 2);
    for subject in ["x", "y", "z"] {
        append(&world, "evil", subject);
    }
    force(&world, "evil", "one");
    let (ours, theirs) = (tip(&world, "r"), tip(&world, "evil"));
    let said = status(&world, "r").code(1);
    assert!(said.out.contains("forked 2  one"), "{said}");
    assert!(said.out.contains("2 dev.x.y b") && said.out.contains("2 dev.x.y x"));
    assert!(said.out.contains("breach mirrorForked 2 "), "{said}");
    let kept = world
        .git(
            "r",
            &[
                "for-each-ref",
                "--format=%(objectname)",
                "refs/ledger/evidence/one",
            ],
        )
        .ok();
    assert!(kept.contains(&ours) && kept.contains(&theirs), "{kept}");
    world.git("r", &["fsck", "--strict"]).ok();
    assert_eq!(tip(&world, "r"), ours);
    // asked again, the same evidence is enough
    status(&world, "r").code(1);
    assert_eq!(kept.lines().count(), 2);
    // nothing is sent there, nothing taken from there
    let said = world.ledger("r", &["mirror", "push"]).code(1);
    assert!(said.out.contains("not pushed  one"), "{said}");
    assert_eq!(tip(&world, "one.git"), theirs);
    world.ledger("r", &["mirror", "pull"]).code(1);
    assert_eq!(tip(&world, "r"), ours);
    // a later, other lie does not overwrite the first
    append(&world, "evil", "w");
    force(&world, "evil", "one");
    status(&world, "r").code(1);
    let refs = world
        .git("r", &["for-each-ref", "refs/ledger/evidence"])
        .ok();
    assert!(refs.contains(&theirs), "{refs}");
    assert_eq!(refs.lines().count(), 3);
}

#[test]
fn a_stray_has_a_remedy() {
    let world = world();
    append(&world, "r", "ours");
    copy(&world, "fast", 1);
    append(&world, "fast", "theirs");
    force(&world, "fast", "one");
    assert_eq!(state(&world, "r", "one"), "stray 4");
    let said = status(&world, "r").code(1);
    assert!(said.out.contains("a lost race that leaked"), "{said}");
    assert!(said.out.contains("mirrorStray 4 "));
}

#[test]
fn a_twin_is_no_fork() {
    let world = world();
    let raw = world.git("r", &["cat-file", "commit", LEDGER]).ok();
    let twin = raw.replacen("\ngpgsig ", "\ngpgsig-sha256 anything\ngpgsig ", 1);
    let mut command = world.command("one.git", "git");
    command.args([
        "hash-object",
        "-t",
        "commit",
        "-w",
        "--stdin",
        "--literally",
    ]);
    let id = run(command, twin.as_bytes()).ok();
    world
        .git("one.git", &["update-ref", LEDGER, id.trim()])
        .ok();
    assert_eq!(state(&world, "r", "one"), "twin 3");
    assert_eq!(findings(&world, "r", "one"), ["mirrorTwin", "mirrorBreach"]);
    status(&world, "r").code(1);
}

#[test]
fn memory_tells_a_rollback() {
    let world = world();
    rewind(&world, "one", 2);
    assert_eq!(state(&world, "r", "one"), "rolled back 3");
    let said = status(&world, "r").code(1);
    assert!(said.out.contains("breach mirrorRolledBack 1 "), "{said}");
    // without the memory it is only behind
    copy(&world, "fresh", 0);
    assert_eq!(state(&world, "fresh", "one"), "behind 2");
    // a push does not hide it, and the mark does not go down
    world.ledger("r", &["mirror", "push", "one"]).code(1);
    assert_eq!(state(&world, "r", "one"), "rolled back 3");
    world
        .ledger("r", &["mirror", "push", "one", "--restore"])
        .ok();
    assert_eq!(state(&world, "r", "one"), "level");
}

#[test]
fn another_entry_at_the_mark_is_a_rollback_too() {
    let world = world();
    copy(&world, "auditor", 1);
    // the auditor, one entry behind, saw entry 3 and has not pulled it
    assert_eq!(state(&world, "auditor", "one"), "ahead 1");
    copy(&world, "evil", 1);
    append(&world, "evil", "instead");
    append(&world, "evil", "and more");
    force(&world, "evil", "one");
    assert_eq!(state(&world, "auditor", "one"), "rolled back 3");
    let before = tip(&world, "auditor");
    world.ledger("auditor", &["mirror", "pull", "one"]).code(1);
    assert_eq!(tip(&world, "auditor"), before);
}

#[test]
fn another_ledger_is_unrelated() {
    let world = world();
    world.repository("foreign");
    force(&world, "foreign", "one");
    assert_eq!(state(&world, "r", "one"), "unrelated");
    assert_eq!(findings(&world, "r", "one"), ["mirrorUnrelated"]);
    world.ledger("r", &["mirror", "push", "one"]).code(1);
    assert_eq!(tip(&world, "one.git"), tip(&world, "foreign"));
}

#[test]
fn a_remote_that_is_gone_stops_nobody() {
    let world = world();
    fs::rename(world.path("one.git"), world.path("gone.git")).expect("moved");
    append(&world, "r", "d");
    let said = world.ledger("r", &["mirror", "push"]).code(2);
    assert!(said.out.contains("silent      one"), "{said}");
    assert!(said.out.contains("pushed      two"), "{said}");
    assert_eq!(findings(&world, "r", "one"), ["mirrorSilent"]);
    status(&world, "r").code(2);
}

#[test]
fn what_is_new_is_judged_before_it_is_believed() {
    let world = world();
    copy(&world, "evil", 0);
    let text = "4 dev.x.y forged\n\nnot an event\n";
    let tree = format!("{LEDGER}^{{tree}}");
    let made = world.git("evil", &["commit-tree", "-p", LEDGER, "-m", text, &tree]);
    let forged = made.ok();
    world
        .git("evil", &["update-ref", LEDGER, forged.trim()])
        .ok();
    force(&world, "evil", "one");
    assert_eq!(state(&world, "r", "one"), "ahead 1");
    assert_eq!(findings(&world, "r", "one"), ["mirrorBreach"]);
    let before = tip(&world, "r");
    let said = world.ledger("r", &["mirror", "pull"]).code(1);
    assert!(said.out.contains("nothing was taken"), "{said}");
    assert_eq!(tip(&world, "r"), before);
    let refs = world
        .git("r", &["for-each-ref", "refs/ledger/evidence"])
        .ok();
    assert!(refs.contains(forged.trim()), "{refs}");
    // it is not remembered as seen: its loss is no rollback
    rewind(&world, "one", 1);
    assert_eq!(state(&world, "r", "one"), "level");
}

#[test]
fn remotes_that_are_ahead_must_agree() {
    let world = world();
    for (name, remote) in [("left", "one"), ("right", "two")] {
        copy(&world, name, 0);
        append(&world, name, name);
        append(&world, name, "more");
        force(&world, name, remote);
    }
    let before = tip(&world, "r");
    let said = status(&world, "r").code(1);
    assert!(said.out.contains("one and two disagree"), "{said}");
    world.ledger("r", &["mirror", "pull"]).code(1);
    assert_eq!(tip(&world, "r"), before);
}

#[test]
fn the_window_needs_two_independent_remotes() {
    let world = world();
    let window = |arguments: &[&str]| {
        let mut all = vec!["mirror", "status", "--json"];
        all.extend(arguments);
        let said = world.ledger("r", &all).ok();
        let value: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        (
            value["window"]["entry"].as_u64(),
            value["not_independent"][0]["why"]
                .as_str()
                .map(str::to_owned),
        )
    };
    // two directories of one machine are one place, unless a person vouches
    assert_eq!(window(&[]), (None, Some("are on one machine".into())));
    world
        .ledger("r", &["mirror", "add", "two", "--independent"])
        .ok();
    assert_eq!(window(&[]), (Some(3), None));
    append(&world, "r", "d");
    world.ledger("r", &["mirror", "push", "one"]).ok();
    assert_eq!(window(&[]), (Some(3), None));
    assert_eq!(window(&["one"]), (None, None));
    // this copy counts when a person says that somebody else keeps it
    let config = ["config", "--add", "ledger.acme/payments.independent", "."];
    world.git("r", &config).ok();
    assert_eq!(window(&["one"]), (Some(4), None));
    world
        .git("r", &["config", "--unset", "--fixed-value", config[2], "."])
        .ok();
    let said = world.ledger("r", &["verify", "--remotes"]).ok();
    assert!(
        said.contains("sound: refs/heads/ledger, 5 entries"),
        "{said}"
    );
    assert!(said.contains("behind 1  two"), "{said}");
    assert!(said.contains(": entry 3 (dated "), "{said}");
    // one store under two names is never vouched away
    std::os::unix::fs::symlink("one.git", world.path("alias.git")).expect("a link");
    let alias = world.path("alias.git").display().to_string();
    world.git("r", &["config", "remote.alias.url", &alias]).ok();
    let kinds: [(&str, &[&str]); 2] = [
        ("shared", &["clone", "--quiet", "--bare", "--shared"]),
        ("linked", &["clone", "--quiet", "--bare", "--local"]),
    ];
    for (name, how) in kinds {
        let mut all = how.to_vec();
        let to = format!("{name}.git");
        all.extend(["one.git", &to]);
        world.git("", &all).ok();
    }
    for name in ["alias", "shared", "linked"] {
        let url = format!("../{name}.git");
        let mut add = vec!["mirror", "add", name, "--independent"];
        add.extend((name != "alias").then_some(url.as_str()));
        world.ledger("r", &add).ok();
        let tie = window(&["one", name]).1;
        assert_eq!(tie.as_deref(), Some("share one object store"), "{name}");
    }
}

#[test]
fn add_list_and_remove() {
    let world = world();
    let said = world.ledger("r", &["mirror", "list"]).ok();
    assert_eq!(said.matches("entry 3 seen ").count(), 2, "{said}");
    world
        .ledger("r", &["mirror", "add", "one", "../two.git"])
        .code(1);
    world
        .ledger("r", &["mirror", "add", "-x", "../x"])
        .code(129);
    world
        .ledger("r", &["mirror", "add", "x", "ext::sh -c id"])
        .code(129);
    world.ledger("r", &["mirror", "add", "nobody"]).code(129);
    let said = world.ledger("r", &["mirror", "remove", "one"]).ok();
    assert!(said.contains("still remembered"), "{said}");
    assert!(!world.ledger("r", &["mirror", "list"]).ok().contains("one "));
    // remembered for when it comes back
    rewind(&world, "one", 1);
    world.ledger("r", &["mirror", "add", "one"]).ok();
    assert_eq!(state(&world, "r", "one"), "rolled back 3");
    world
        .ledger("r", &["mirror", "remove", "one", "--forget"])
        .ok();
    world.ledger("r", &["mirror", "add", "one"]).ok();
    assert_eq!(state(&world, "r", "one"), "behind 1");
    world.ledger("r", &["mirror", "remove", "nobody"]).code(129);
}

#[test]
fn one_honest_copy_is_enough() {
    let world = world();
    copy(&world, "evil", 2);
    append(&world, "evil", "instead");
    append(&world, "evil", "of that");
    // everybody but `two` shows the same lie, and so does a new clone
    force(&world, "evil", "one");
    world.ledger("evil", &["verify"]).ok();
    let said = world.ledger("evil", &["verify", "--remotes"]).code(1);
    assert!(said.out.contains("level     one"), "{said}");
    assert!(said.out.contains("forked 2  two"), "{said}");
    let said = world.ledger("evil", &["verify", "--remotes", "one"]);
    said.ok();
    // what cannot be told is never sound, and a breach outranks it
    fs::rename(world.path("one.git"), world.path("gone.git")).expect("moved");
    world
        .ledger("evil", &["verify", "--remotes", "one"])
        .code(2);
    world.ledger("evil", &["verify", "--remotes"]).code(1);
    let said = world
        .ledger("evil", &["verify", "--remotes", "--json"])
        .code(1);
    let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(value["copies"]["answer"].as_str(), Some("breach"), "{said}");
}
