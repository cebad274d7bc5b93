//! Tips kept elsewhere and told to each other: what no comparison of remotes can show.

use git_ledger::freshness::UNSEEN;

use super::*;

/// The line with the newest entry of a clone.
fn line(world: &World, dir: &str) -> String {
    let line = world.ledger(dir, &["tip"]).ok();
    assert!(
        line.starts_with("git-ledger-tip ") && line.lines().count() == 1,
        "{line}"
    );
    line.trim().to_owned()
}

#[track_caller]
fn check(world: &World, dir: &str, tip: &str, code: i32, found: &str) {
    for verb in [
        &["tip", "--check", tip][..],
        &["verify", "--tip", tip],
        &["compare", "--tip", tip],
    ] {
        let said = world.ledger(dir, verb).code(code);
        assert!(said.out.contains(found), "{said}");
    }
}

#[test]
fn a_tip_is_the_newest_entry_on_one_line() {
    let world = world();
    let said = world.ledger("r", &["tip", "--json"]).ok();
    let value: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(value["line"].as_str(), Some(line(&world, "r").as_str()));
    assert_eq!(value["number"], 3);
    assert_eq!(value["commit"].as_str(), Some(tip(&world, "r").as_str()));
    let pinned = world
        .git("r", &["config", "ledger.acme/payments.fingerprint"])
        .ok();
    assert_eq!(value["fingerprint"].as_str(), Some(pinned.trim()));
    let short = format!("3:{}", value["digest"].as_str().expect("a digest"));
    check(
        &world,
        "r",
        &short,
        0,
        "same history: it is the newest entry here",
    );
    append(&world, "r", "d");
    append(&world, "r", "e");
    check(
        &world,
        "r",
        &short,
        0,
        "same history: 2 entries follow it here",
    );
    // from a mail, broken and quoted; several at once
    let mail = format!(
        "> {}\n\n{}\n",
        line(&world, "r").replace(' ', "\n> "),
        line(&world, "r")
    );
    fs::write(world.path("r/mail"), mail).expect("a mail");
    check(
        &world,
        "r",
        "mail",
        0,
        "same history: it is the newest entry here",
    );
    let said = world.ledger_with("r", &["tip", "--check", "-"], short.as_bytes());
    said.code(2);
    let lined = line(&world, "r");
    world
        .ledger_with("r", &["tip", "--check", "-"], lined.as_bytes())
        .ok();
}

#[test]
fn a_server_that_shows_two_histories_is_caught_by_exchanging_tips() {
    let world = world();
    // two clients, each served another history; each alone finds nothing
    copy(&world, "left", 1);
    copy(&world, "right", 1);
    append(&world, "left", "for you");
    append(&world, "left", "and more");
    append(&world, "right", "for them");
    append(&world, "right", "and more");
    for client in ["left", "right"] {
        force(&world, client, "one");
        world.ledger(client, &["verify", "--remotes", "one"]).ok();
    }
    let (left, right) = (line(&world, "left"), line(&world, "right"));
    force(&world, "left", "one");
    force(&world, "left", "two");
    check(&world, "left", &right, 1, "tipForked");
    check(&world, "left", &left, 0, "same history");
    force(&world, "right", "one");
    force(&world, "right", "two");
    check(&world, "right", &left, 1, "another entry stands here");
    // one who has seen less cannot be told apart yet
    append(&world, "left", "longer");
    let longer = line(&world, "left");
    check(&world, "right", &longer, 2, "tipUnjudged");
}

#[test]
fn a_tip_kept_elsewhere_catches_all_copies_taken_back() {
    let world = world();
    let kept = line(&world, "r");
    for name in ["one", "two"] {
        rewind(&world, name, 2);
    }
    world
        .git("r", &["update-ref", LEDGER, &format!("{LEDGER}~2")])
        .ok();
    fs::remove_dir_all(world.path("r/.git/git-ledger")).expect("its memory");
    let said = world.ledger("r", &["verify", "--remotes"]).ok();
    assert!(
        said.contains(UNSEEN) && said.contains("remembers nothing of before"),
        "{said}"
    );
    check(&world, "r", &kept, 2, "tipUnjudged");
    let said = world
        .ledger("r", &["verify", "--remotes", "--tip", &kept])
        .code(2);
    assert!(said.out.contains("or was taken back"), "{said}");
    // and once something else stands in its place, it is a breach
    for subject in ["x", "y"] {
        append(&world, "r", subject);
    }
    for name in ["one", "two"] {
        force(&world, "r", name);
    }
    check(&world, "r", &kept, 1, "tipForked");
}

#[test]
fn a_newer_tip_is_looked_for_at_the_remotes() {
    let world = world();
    append(&world, "r", "d");
    append(&world, "r", "e");
    let newer = line(&world, "r");
    force(&world, "r", "one");
    copy(&world, "late", 2);
    check(
        &world,
        "late",
        &format!("3:{}", "0".repeat(64)),
        1,
        "tipForked",
    );
    world.ledger("late", &["tip", "--check", &newer]).code(2);
    let said = world
        .ledger("late", &["compare", "--tip", &newer, "one"])
        .ok();
    assert!(
        said.contains("2 entries newer than here; one holds it"),
        "{said}"
    );
    let said = world
        .ledger("late", &["compare", "--tip", &newer, "two"])
        .code(2);
    assert!(said.out.contains("tipUnjudged"), "{said}");
    let other = format!("5:{}", "0".repeat(64));
    let said = world
        .ledger("late", &["compare", "--tip", &other, "one"])
        .code(1);
    assert!(said.out.contains("one has another one there"), "{said}");
    // a tip of the history that a forked remote shows
    copy(&world, "evil", 3);
    for subject in ["x", "y"] {
        append(&world, "evil", subject);
    }
    force(&world, "evil", "two");
    let said = world
        .ledger("r", &["compare", "--tip", &line(&world, "evil")])
        .code(1);
    assert!(
        said.out
            .contains("another entry stands here, and this one at two"),
        "{said}"
    );
    assert!(said.out.contains("breach tipForked 4 "), "{said}");
}

#[test]
fn a_tip_of_another_ledger_is_told_as_such() {
    let world = world();
    world.repository("foreign");
    check(&world, "r", &line(&world, "foreign"), 1, "tipUnrelated");
}

#[test]
fn what_is_no_tip_is_refused_and_never_sound() {
    let world = world();
    let cut: String = line(&world, "r").chars().take(60).collect();
    fs::write(world.path("r/empty"), "").expect("a file");
    fs::write(world.path("r/cut"), cut).expect("a file");
    fs::write(world.path("r/binary"), [0xff, 0xfe]).expect("a file");
    fs::create_dir(world.path("r/directory")).expect("a directory");
    for (given, code) in [
        ("nowhere", 129),
        ("3:abc", 129),
        ("empty", 2),
        ("cut", 2),
        ("binary", 2),
        ("directory", 2),
    ] {
        for verb in [
            &["tip", "--check", given][..],
            &["verify", "--tip", given],
            &["compare", "--tip", given],
        ] {
            let said = world.ledger("r", verb).code(code);
            assert!(said.out.is_empty() && said.err.contains("tip"), "{said}");
        }
    }
}

#[test]
fn a_clone_that_is_cut_off_cannot_judge_old_tips() {
    let world = world();
    let old = line(&world, "r");
    append(&world, "r", "d");
    append(&world, "r", "e");
    let url = format!("file://{}", world.path("r").display());
    let clone = [
        "clone",
        "-q",
        "--depth=1",
        "--branch=ledger",
        &url,
        "shallow",
    ];
    world.git("", &clone).ok();
    let said = world.ledger("shallow", &["tip", "--check", &old]).code(2);
    assert!(said.out.contains("older than the history here"), "{said}");
    assert!(
        line(&world, "shallow").ends_with(" -"),
        "no fingerprint can be had"
    );
    world
        .ledger("shallow", &["tip", "--check", &line(&world, "r")])
        .ok();
}
