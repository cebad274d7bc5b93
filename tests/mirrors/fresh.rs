//! How fresh an answer is: copies that move no more, remotes that lag, heartbeats.

use git_ledger::freshness::{KEEP, UNSEEN};

use super::*;

fn json(said: &Said) -> serde_json::Value {
    serde_json::from_str(&said.out).expect("JSON")
}

fn ids(value: &serde_json::Value) -> Vec<&str> {
    let all = value.as_array().expect("findings");
    all.iter()
        .filter_map(|found| found["id"].as_str())
        .collect()
}

#[test]
fn a_frozen_copy_in_hand_is_stale() {
    let world = world();
    world.ledger("r", &["verify", "--max-age", "1h"]).ok();
    world.sleep(3601);
    let said = world.ledger("r", &["verify", "--max-age", "1h"]).code(2);
    assert!(said.out.contains("unknown entry 3 ("), "{said}");
    assert!(
        said.out.contains("): stale: the newest entry is older"),
        "{said}"
    );
    assert!(
        said.out.contains("unknown: refs/heads/ledger, 4 entries"),
        "{said}"
    );
    let said = world
        .ledger("r", &["compare", "--json", "--max-age", "1h"])
        .code(2);
    let value = json(&said);
    // told once: what is level is as old as this copy
    assert_eq!(ids(&value["about_here"]), ["stale"]);
    assert_eq!(value["remotes"][0]["findings"], serde_json::json!([]));
    assert_eq!(value["answer"], "unknown");
    // what is stale is no worse a copy, and no breach
    world.ledger("r", &["verify", "--max-age", "2h"]).ok();
    world.ledger("r", &["compare", "--max-age", "2h"]).ok();
}

#[test]
fn a_frozen_mirror_is_behind_lagging_and_stale() {
    let world = world();
    world.sleep(7200);
    append(&world, "r", "d");
    append(&world, "r", "e");
    world.ledger("r", &["mirror", "push", "two"]).ok();
    let ask = |arguments: &[&str]| {
        let mut all = vec!["compare", "--json"];
        all.extend(arguments);
        world.ledger("r", &all)
    };
    // an honest race may show it behind, and that is no finding
    let value = json(&ask(&["--max-age", "1h", "--max-lag", "1h", "two"]).code(0));
    assert_eq!(value["answer"], "sound");
    let value = json(&ask(&["one"]).code(0));
    assert_eq!(value["remotes"][0]["state"], "behind");
    assert_eq!(value["remotes"][0]["number"], 2);
    let value = json(&ask(&["--max-age", "1h", "one"]).code(2));
    assert_eq!(ids(&value["about_here"]), Vec::<&str>::new());
    assert_eq!(ids(&value["remotes"][0]["findings"]), ["mirrorStale"]);
    // lag counts from the oldest entry it lacks, so it is not late yet
    ask(&["--max-lag", "1h", "one"]).code(0);
    world.sleep(3601);
    let value = json(&ask(&["--max-lag", "1h", "one"]).code(2));
    assert_eq!(ids(&value["remotes"][0]["findings"]), ["mirrorLagging"]);
    let said = world
        .ledger("r", &["verify", "--remotes", "one", "--max-lag", "1h"])
        .code(2);
    assert!(
        said.out
            .contains("unknown mirrorLagging - -\tone lacks 2 entries"),
        "{said}"
    );
    world.ledger("r", &["verify", "--max-lag", "1h"]).code(129);
}

#[test]
fn limits_come_from_the_configuration_and_the_strictest_holds() {
    let world = world();
    world.sleep(7200);
    let config = |arguments: &[&str]| {
        let mut all = vec!["config"];
        all.extend(arguments);
        world.git("r", &all).ok();
    };
    config(&["--global", "ledger.maxAge", "1h"]);
    world.ledger("r", &["verify"]).code(2);
    // a repository cannot loosen what its user has set, under no name of the ledger
    config(&["ledger.acme/payments.maxAge", "10w"]);
    config(&["ledger.maxAge", "10w"]);
    world.ledger("r", &["verify"]).code(2);
    world.ledger("r", &["compare"]).code(2);
    // whoever asks has the last word
    let said = world.ledger("r", &["verify", "--max-age", "3h"]).ok();
    assert!(said.contains("age at most 3 h"), "{said}");
    // but may make it stricter
    config(&["--global", "ledger.maxAge", "1w"]);
    world.ledger("r", &["verify"]).ok();
    config(&["ledger.acme/payments.maxAge", "1h"]);
    world.ledger("r", &["verify"]).code(2);
    // a limit that cannot be read is not the same as none
    config(&["ledger.acme/payments.maxAge", "soon"]);
    let said = world.ledger("r", &["verify"]).code(128);
    assert!(said.err.contains("is no length of time: 'soon'"), "{said}");
    world
        .ledger("r", &["verify", "--max-age", "soon"])
        .code(129);
    config(&["ledger.acme/payments.maxLag", "soon"]);
    world.ledger("r", &["compare", "--max-age", "3h"]).code(128);
}

#[test]
fn heartbeats_keep_a_quiet_ledger_fresh() {
    let world = world();
    let beat = |arguments: &[&str]| {
        let mut all = vec!["heartbeat", "--every", "1h"];
        all.extend(arguments);
        world.ledger("r", &all)
    };
    let said = beat(&[]).ok();
    assert!(
        said.starts_with("no heartbeat is due: entry 3 is "),
        "{said}"
    );
    world.sleep(3600);
    world.ledger("r", &["verify", "--max-age", "1h"]).code(2);
    let said = beat(&["--dry-run"]).ok();
    assert!(
        said.contains("would record 4 dev.git-ledger.heartbeat"),
        "{said}"
    );
    let said = beat(&["--push", "one", "two"]).ok();
    assert!(
        said.starts_with("recorded 4 dev.git-ledger.heartbeat /r\n"),
        "{said}"
    );
    world
        .ledger("r", &["verify", "--remotes", "--max-age", "1h"])
        .ok();
    assert_eq!(state(&world, "r", "two"), "level");
    let value = json(&beat(&["--json"]));
    assert_eq!(
        (value["status"].as_str(), value["number"].as_u64()),
        (Some("not-due"), Some(4))
    );
    // without --every there is always one
    world.ledger("r", &["heartbeat"]).ok();
    world.ledger("r", &["heartbeat", "--every", "0h"]).code(129);
}

#[test]
fn freshness_is_always_said_in_words() {
    let world = world();
    let said = world.ledger("r", &["verify"]).ok();
    assert!(
        said.contains("fresh        the newest entry here is "),
        "{said}"
    );
    assert!(said.contains("no limit on age (--max-age)"), "{said}");
    assert!(said.contains("last seen, not asked now"), "{said}");
    assert!(said.contains(": one "), "{said}");
    assert!(said.contains(UNSEEN) && said.contains(KEEP), "{said}");
    let said = world.ledger("r", &["compare", "one"]).ok();
    assert!(said.contains("fresh   the newest entry here is "), "{said}");
    assert!(
        said.contains("not asked now ('git ledger compare' asks): two "),
        "{said}"
    );
    assert!(said.contains(UNSEEN), "{said}");
    assert!(said.contains("no: two") || said.contains("yes"), "{said}");
    let value = json(&world.ledger("r", &["verify", "--json"]));
    assert_eq!(value["fresh"]["unseen"], UNSEEN);
    assert_eq!(value["fresh"]["max_age"], serde_json::Value::Null);
    assert_eq!(value["fresh"]["unasked"][1]["remote"], "two");
}

#[test]
fn all_copies_taken_back_together_is_undetectable_and_says_so() {
    let world = world();
    for name in ["one", "two"] {
        rewind(&world, name, 2);
    }
    world
        .git("r", &["update-ref", LEDGER, &format!("{LEDGER}~2")])
        .ok();
    fs::remove_dir_all(world.path("r/.git/git-ledger")).expect("its memory");
    let said = world.ledger("r", &["verify", "--remotes"]).ok();
    assert!(said.contains("sound: here sound, copies sound"), "{said}");
    assert!(said.contains(UNSEEN), "{said}");
}

#[test]
fn a_copy_in_hand_that_went_back_is_told_by_compare() {
    let world = world();
    world.ledger("r", &["verify"]).ok();
    world
        .git("r", &["update-ref", LEDGER, &format!("{LEDGER}~2")])
        .ok();
    let value = json(&world.ledger("r", &["compare", "--json"]).code(1));
    assert_eq!(ids(&value["about_here"]), ["rolledBack"]);
    assert_eq!(value["remotes"][0]["state"], "ahead");
    append(&world, "r", "x");
    append(&world, "r", "y");
    let value = json(&world.ledger("r", &["compare", "--json"]).code(1));
    assert_eq!(ids(&value["about_here"]), ["historyRewritten"]);
    assert_eq!(value["remotes"][0]["state"], "forked");
    world.git("r", &["update-ref", "-d", LEDGER]).ok();
    let said = world.ledger("r", &["compare"]).code(1);
    assert!(
        said.err
            .contains("breach: rolledBack: 'refs/heads/ledger' is gone"),
        "{said}"
    );
}
