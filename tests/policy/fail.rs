//! What becomes of events that cannot be recorded, as the policy says it: set, shown, agreed to.

use insta::assert_snapshot;

use super::{Company, told};
use crate::world::World;

#[test]
fn a_new_ledger_is_closed_for_deployments_and_says_so() {
    let world = World::new();
    world.repository("r");
    let shown = world.ledger("r", &["policy", "show"]).ok();
    let rows: Vec<&str> = shown
        .lines()
        .filter(|line| line.starts_with("on"))
        .collect();
    assert_snapshot!(rows.join("\n"), @r"
    on failure closed dev.cdevents.service.*, dev.cdevents.environment.*, dev.git-ledger.push, dev.git-ledger.refs.changed
    on failure spool  *
    ");
    let shown = world.ledger("r", &["policy", "show", "--json"]).ok();
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["failures"][0]["mode"], "closed");
    assert_eq!(shown["failures"][1]["types"][0], "*");
    let toml = world.ledger("r", &["policy", "show", "--toml"]).ok();
    assert!(
        toml.ends_with("[[failure]]\ntypes = [\"*\"]\nmode = \"spool\"\n"),
        "{toml}"
    );
}

#[test]
fn whoever_relaxes_it_is_warned_and_the_log_keeps_it() {
    let world = World::new();
    world.repository("r");
    let policy = |words: &[&str]| world.ledger("r", &[&["policy"], words].concat());
    let stricter = ["on-failure", "dev.acme.*", "--mode", "closed", "--dry-run"];
    assert_snapshot!(told(&policy(&stricter)), @r"
    + on failure closed: dev.acme.*
    [exit 0]
    ");
    let laxer = ["on-failure", "dev.cdevents.service.*", "--mode", "spool"];
    assert_snapshot!(told(&policy(&laxer)), @r"
    ~ on failure dev.cdevents.service.*: closed -> spool
    ~ on failure: the first that fits is looked for in another order: dev.cdevents.environment.*, dev.git-ledger.push, dev.git-ledger.refs.changed, dev.cdevents.service.*, *
    ! WARNING: deployments (dev.cdevents.service.*) may go ahead unrecorded: what cannot be recorded waits in the spool, where whoever holds that machine can take it away
    recorded 1 dev.git-ledger.policy.changed acme/payments
      digest sha256:<hex>
      commit <hex>
    [exit 0]
    ");
    let everything = ["on-failure", "*", "--remove", "--dry-run"];
    assert_snapshot!(told(&policy(&everything)), @r"
    - on failure spool: *
    [exit 0]
    ");
    let pushes = [
        "on-failure",
        "dev.git-ledger.push",
        "dev.git-ledger.refs.changed",
        "--remove",
    ];
    let said = policy(&[&pushes[..], &["--dry-run"]].concat());
    assert_snapshot!(told(&said), @r"
    - on failure closed: dev.git-ledger.push, dev.git-ledger.refs.changed
    ! WARNING: pushes (dev.git-ledger.push) may go ahead unrecorded: what cannot be recorded waits in the spool, where whoever holds that machine can take it away
    ! WARNING: pushes (dev.git-ledger.refs.changed) may go ahead unrecorded: what cannot be recorded waits in the spool, where whoever holds that machine can take it away
    [exit 0]
    ");
    let log = policy(&["log", "--no-pager"]).ok();
    assert!(
        log.contains("    ~ on failure dev.cdevents.service.*: closed -> spool\n"),
        "{log}"
    );
    let reviewed = policy(&[&pushes[..], &["--dry-run", "--json"]].concat()).ok();
    let reviewed: serde_json::Value = serde_json::from_str(&reviewed).expect("JSON");
    let warnings = reviewed["warnings"].as_array().expect("warnings");
    assert_eq!(warnings.len(), 2);
    assert!(world.ledger("r", &["verify"]).ok().starts_with("sound"));
}

#[test]
fn other_admins_see_it_before_they_agree() {
    let acme = Company::new();
    let words = [
        "on-failure",
        "dev.cdevents.environment.*",
        "--mode",
        "spool",
    ];
    let said = acme.ann(&words).code(1);
    assert!(
        said.err
            .contains("policy on-failure 'dev.cdevents.environment.*' --mode spool --propose"),
        "{said}"
    );
    acme.propose(&words);
    acme.hand("ann", "bob");
    let said = acme.bob(&["approve", "change.json", "--dry-run"]);
    assert!(
        said.out.contains(
            "! WARNING: deployments (dev.cdevents.environment.*) may go ahead unrecorded"
        ),
        "{said}"
    );
    acme.bob_approves();
    acme.ann(&["apply", "change.json", "--yes"]).ok();
    assert!(acme.verdict("ann").starts_with("sound: "));
    let shown = acme.ann(&["show"]).ok();
    assert!(
        shown.contains("on failure spool  dev.cdevents.environment.*, *\n"),
        "{shown}"
    );
}

#[test]
fn bad_words_change_nothing() {
    let world = World::new();
    world.repository("r");
    let policy = |words: &[&str]| world.ledger("r", &[&["policy", "on-failure"], words].concat());
    for (words, code, part) in [
        (&["a"][..], 129, "required"),
        (&["--mode", "spool"][..], 129, "required"),
        (&["a", "--mode", "open"][..], 129, "invalid value 'open'"),
        (
            &["a", "--mode", "spool", "--remove"][..],
            129,
            "cannot be used with",
        ),
        (&["a", "a", "--mode", "spool"][..], 129, "named twice"),
        (
            &["a", "--remove"][..],
            1,
            "no failure row of the policy has the type 'a'",
        ),
        (
            &["*", "--mode", "spool"][..],
            1,
            "the policy would stay as it is",
        ),
        (&["a*b", "--mode", "closed"][..], 1, "policyMalformed"),
        (&["", "--mode", "closed"][..], 1, "policyMalformed"),
        (&["a\"b", "--mode", "closed"][..], 1, "policyMalformed"),
        (&["a\u{7}b", "--mode", "closed"][..], 1, "policyMalformed"),
    ] {
        let said = policy(words).code(code);
        assert!(said.err.contains(part), "{words:?}: {said}");
        assert!(!said.err.contains('\u{7}'), "{said}");
    }
    let count = ["rev-list", "--count", "refs/heads/ledger"];
    assert_eq!(world.git("r", &count).ok(), "1\n");
}

#[test]
fn a_writer_cannot_relax_it() {
    let acme = Company::new();
    let key = acme.path("keys/ci");
    let words = ["on-failure", "dev.git-ledger.push", "--mode", "spool"];
    let said = acme.ann(&[&words[..], &["--key", &key]].concat()).code(1);
    assert!(said.err.contains("signerRole"), "{said}");
    assert_eq!(acme.entries("ann"), 5);
}
