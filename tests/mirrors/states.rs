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

#[test]
fn an_equal_length_fork_is_told_and_both_entries_are_kept() {
    let world = world();
    copy(&world, "evil", 1);
    append(&world, "evil", "instead");
    force(&world, "evil", "one");
    let (ours, theirs) = (tip(&world, "r"), tip(&world, "evil"));
    let said = world.ledger("r", &["compare"]).code(1);
    // both were written after the same past, so it may be a lost race; it is a breach all the same
    assert!(said.out.contains("\nstray 3  one"), "{said}");
    assert!(said.out.contains("breach mirrorStray 3 "), "{said}");
    assert!(said.out.contains("3 dev.x.y c") && said.out.contains("3 dev.x.y instead"));
    let kept = world
        .git(
            "r",
            &[
                "for-each-ref",
                "--format=%(objectname)",
                "refs/ledger/evidence",
            ],
        )
        .ok();
    assert!(kept.contains(&ours) && kept.contains(&theirs), "{kept}");
    // one entry more on both sides, and nobody can call it a race
    append(&world, "evil", "more");
    force(&world, "evil", "one");
    append(&world, "r", "d");
    let said = world.ledger("r", &["compare", "one"]).code(1);
    assert!(said.out.contains("\nforked 3  one"), "{said}");
    assert!(
        said.out.contains("git ledger evidence export FILE"),
        "{said}"
    );
}

/// Why these two remotes are not independent.
fn tie(world: &World, one: &str, other: &str) -> Option<String> {
    for name in [one, other] {
        world
            .ledger("r", &["mirror", "add", name, "--independent"])
            .ok();
    }
    let said = world.ledger("r", &["compare", "--json", one, other]);
    let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let tied = value["remotes"][0]["tied_to"][0].as_str();
    assert_eq!(
        value["remotes"][0]["independent"].as_bool(),
        Some(tied.is_none())
    );
    assert!(tied.is_none_or(|name| name == other), "{said}");
    value["not_independent"][0]["why"]
        .as_str()
        .map(str::to_owned)
}

#[test]
fn a_hard_linked_clone_is_not_independent() {
    let world = world();
    assert_eq!(tie(&world, "one", "two"), None);
    let clone = [
        "clone",
        "--quiet",
        "--bare",
        "--local",
        "one.git",
        "linked.git",
    ];
    world.git("", &clone).ok();
    let url = world.path("linked.git").display().to_string();
    world.git("r", &["config", "remote.linked.url", &url]).ok();
    let why = tie(&world, "one", "linked");
    assert_eq!(why.as_deref(), Some("share one object store"));
    let said = world.ledger("r", &["compare", "one", "linked"]).ok();
    assert!(
        said.contains("no: linked") && said.contains("no: one"),
        "{said}"
    );
    assert!(said.contains("window  none"), "{said}");
}

#[test]
fn one_address_under_two_names_is_not_independent() {
    let world = world();
    let path = world.path("one.git").display().to_string();
    let bare = world.path("one").display().to_string();
    for url in [
        path.clone(),
        format!("{path}/"),
        format!("file://{path}"),
        bare,
    ] {
        world.git("r", &["config", "remote.alias.url", &url]).ok();
        let why = tie(&world, "one", "alias").expect("a tie");
        assert!(
            ["have one address", "share one object store"].contains(&why.as_str()),
            "{url}"
        );
    }
    // over the network the machine is what counts, whatever the user, the port and the path are
    let silent = |name: &str, url: &str| {
        world
            .git("r", &["config", &format!("remote.{name}.url"), url])
            .ok();
    };
    silent("near", "ssh://git@h.invalid:22/a.git");
    silent("far", "http://H.invalid/b.git");
    let said = world
        .ledger("r", &["compare", "--timeout", "1", "--json", "near", "far"])
        .code(2);
    assert!(said.out.contains("are on one machine"), "{said}");
}

#[test]
fn a_clone_that_only_tracks_the_branch_can_ask_remotes() {
    let world = world();
    world
        .git(
            "",
            &["clone", "--quiet", "one.git", "--no-checkout", "reader"],
        )
        .ok();
    let said = world.ledger("reader", &["compare", "origin"]).ok();
    assert!(said.contains("level  origin"), "{said}");
    world
        .ledger("reader", &["verify", "--remotes", "origin"])
        .ok();
    rewind(&world, "one", 1);
    let said = world.ledger("reader", &["compare", "origin"]).code(1);
    assert!(said.out.contains("rolled back  origin"), "{said}");
}

#[test]
fn mirror_status_is_compare() {
    let world = world();
    world.sleep(7200);
    let options = ["--json", "--max-age", "1h", "one"];
    let ask = |verb: &[&str]| world.ledger("r", &[verb, &options[..]].concat()).code(2);
    let (one, other) = (ask(&["compare"]), ask(&["mirror", "status"]));
    let keys = |said: &Said| {
        let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
        let keys: Vec<String> = value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect();
        (
            keys,
            value["about_here"][0]["id"].as_str().map(str::to_owned),
        )
    };
    assert_eq!(keys(&one), keys(&other));
    assert_eq!(keys(&one).1.as_deref(), Some("stale"));
}
