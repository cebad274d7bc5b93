//! Who looked at which entries, what they found, and what nobody has looked at.

use crate::world::{Said, World};

/// A repository `r` with entries 0 to 5, of which 4 is ann's and lets eve in as an auditor.
fn world() -> World {
    let world = World::new();
    world.repository("r");
    for subject in ["a", "b", "c"] {
        append(&world, subject);
    }
    let key = world.public("eve");
    world
        .ledger(
            "r",
            &[
                "policy",
                "add-signer",
                "eve@acme",
                &key,
                "--role",
                "auditor",
                "--yes",
            ],
        )
        .ok();
    append(&world, "d");
    world
}

fn append(world: &World, subject: &str) {
    world
        .ledger("r", &["append", "dev.x.y", "--subject", subject])
        .ok();
}

/// `git ledger review` with the auditor's key.
fn review(world: &World, arguments: &[&str]) -> Said {
    let key = world.key("eve").display().to_string();
    let mut all = vec!["review"];
    all.extend(arguments);
    all.extend(["--key", &key]);
    world.ledger("r", &all)
}

fn json(said: &Said) -> serde_json::Value {
    serde_json::from_str(&said.out).expect("JSON")
}

fn data(world: &World) -> serde_json::Value {
    let said = world.ledger("r", &["show", "tip", "--json"]);
    json(&said)["events"][0]["data"].clone()
}

#[test]
fn an_auditor_signs_and_what_is_left_waits() {
    let world = world();
    let said = world.ledger("r", &["review"]).ok();
    assert!(said.contains("unreviewed  0..5: 6 entries"), "{said}");
    let said = review(
        &world,
        &["1..3", "--note", "each of them", "--ticket", "TCK-9"],
    );
    assert!(
        said.out
            .contains("reviewed 1..3, 3 entries: clean (verified: sound)"),
        "{said}"
    );
    said.code(0);
    let recorded = data(&world);
    assert_eq!(recorded["entries"], 3);
    assert_eq!(recorded["own"], 0);
    assert_eq!(recorded["outcome"], "clean");
    assert_eq!(recorded["verified"]["answer"], "sound");
    let digest = |number: &str| {
        let said = world.ledger("r", &["log", number, "--json"]);
        json(&said)["digest"].as_str().expect("a digest").to_owned()
    };
    assert_eq!(recorded["first"]["digest"], digest("1"));
    assert_eq!(recorded["last"]["digest"], digest("3"));
    // the review itself does not wait
    let said = world.ledger("r", &["review", "--status", "--json"]);
    let status = json(&said);
    assert_eq!(status["unreviewed"], 3);
    assert_eq!(status["waiting"][0]["first"], 4);
    assert_eq!(status["reviewed"]["clean"], 3);
    let said = world.ledger("r", &["review", "--list"]).ok();
    assert!(said.contains("eve@acme  1..3, 3 entries: clean"), "{said}");
    let said = world.ledger("r", &["review", "--show", "6"]).ok();
    assert!(
        said.contains("ticket   TCK-9") && said.contains("note     each of them"),
        "{said}"
    );
    // what is new is all from the first nobody looked at
    review(&world, &["new"]).code(0);
    assert_eq!(data(&world)["first"]["number"], 0);
    let said = world.ledger("r", &["review"]).ok();
    assert!(said.contains("nothing waits for a review"), "{said}");
    review(&world, &["new"]).code(1);
    // the filter language finds them, and both verifiers let them stand
    let said = world
        .ledger(
            "r",
            &[
                "log",
                "type:dev.git-ledger.review",
                "outcome:clean",
                "--oneline",
            ],
        )
        .ok();
    assert_eq!(said.lines().count(), 2);
    crate::recorded::assert_both_agree(&world, "r");
}

#[test]
fn only_auditors_and_admins_sign_and_one_s_own_entries_are_told() {
    let world = world();
    // ann is admin, and signed all of them
    let said = world.ledger("r", &["review", "0..5"]);
    assert!(
        said.err
            .contains("you signed 6 of these 6 entries yourself"),
        "{said}"
    );
    said.code(0);
    let key = world.public("ci");
    world
        .ledger(
            "r",
            &[
                "policy",
                "add-signer",
                "ci@acme",
                &key,
                "--role",
                "writer",
                "--yes",
            ],
        )
        .ok();
    let key = world.key("ci").display().to_string();
    let said = world
        .ledger("r", &["review", "0..5", "--key", &key])
        .code(1);
    assert!(said.err.contains("signerRole"), "{said}");
    let text = world.ledger("r", &["review", "--list"]).ok();
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn what_is_decided_is_written_down() {
    let world = world();
    let said = review(&world, &["1..4", "--finding", "rebased@2=incident"]);
    assert!(said.out.contains(": incident"), "{said}");
    let recorded = data(&world);
    assert_eq!(recorded["findings"][0]["id"], "rebased");
    assert_eq!(recorded["findings"][0]["by"], "reviewer");
    review(
        &world,
        &[
            "1..4",
            "--finding",
            "rebased@2=incident",
            "--result",
            "clean",
        ],
    )
    .code(1);
    review(&world, &["1..4", "--finding", "rebased@9=ok"]).code(129);
    review(&world, &["1..4", "--finding", "signatureBad@2=ok"]).code(129);
    // nothing of this was signed
    let said = world.ledger("r", &["review", "--list"]).ok();
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn what_somebody_should_explain_is_decided_before_it_is_clean() {
    let world = world();
    let content = r#"{"environment":{"id":"prod"},"artifactId":"pkg:oci/payments@sha256:1"}"#;
    std::fs::write(world.path("content"), content).expect("data");
    let words = [
        "append",
        "--cdevent",
        "service.deployed",
        "--subject",
        "payments",
    ];
    let words = [&words[..], &["--data-json", "../content"]].concat();
    world.ledger("r", &words).ok();
    let said = review(&world, &["1..6"]);
    assert!(
        said.err.contains("exception unapproved-deployment entry 6"),
        "{said}"
    );
    assert!(
        said.out.contains("entries: findings (verified: sound)"),
        "{said}"
    );
    review(&world, &["1..6", "--result", "clean"]).code(1);
    let decided = ["1..6", "--finding", "unapproved-deployment@6=ok"];
    let said = review(&world, &decided).code(0);
    assert!(said.out.contains("entries: clean"), "{said}");
    let recorded = data(&world);
    assert_eq!(recorded["findings"][0]["by"], "exceptions");
    assert_eq!(recorded["findings"][0]["entry"], 6);
    // outside the range it is nobody's question
    let said = review(&world, &["1..5"]).code(0);
    assert!(said.out.contains("entries: clean"), "{said}");
}

#[test]
fn a_breach_is_never_clean() {
    let world = world();
    // pinned to another first entry than the one that stands here
    let names = [
        "config",
        "--name-only",
        "--get-regexp",
        "^ledger\\..*\\.fingerprint$",
    ];
    let name = world.git("r", &names).ok();
    let other = format!("sha256:{}", "0".repeat(64));
    world.git("r", &["config", name.trim(), &other]).ok();
    world.ledger("r", &["verify", "--quiet"]).code(1);
    let said = world.ledger("r", &["review", "1..2", "--result", "clean", "--dry-run"]);
    assert!(
        said.err.contains("what is in breach is not clean"),
        "{said}"
    );
    said.code(1);
    // what it is may be signed all the same
    review(
        &world,
        &["0..2", "--finding", "fingerprintMismatch=incident"],
    )
    .code(0);
    let recorded = data(&world);
    assert_eq!(recorded["outcome"], "incident");
    assert_eq!(recorded["verified"]["answer"], "breach");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let world = world();
    for (arguments, code) in [
        (&["9"][..], 129),
        (&["3..9"], 129),
        (&["5..3"], 129),
        (&["tip"], 129),
        (&["1", "--finding", "x"], 129),
        (&["1", "--note", ""], 129),
        (&["1", "--note", "a\u{85}b"], 129),
        (&["1", "--result", "great"], 129),
    ] {
        let said = review(&world, arguments);
        assert_eq!(said.code, code, "{arguments:?} {said}");
    }
    let long = "x".repeat(8001);
    std::fs::write(world.path("note"), &long).expect("a note");
    review(&world, &["1", "--note-file", "../note"]).code(129);
    world.ledger("r", &["review", "--show", "1"]).code(1);
    let said = review(&world, &["1", "--dry-run", "--note", "a\nb"]);
    assert!(said.out.contains("would record"), "{said}");
    said.code(0);
    // what waits for too long is told by the exit status
    world.sleep(86_400);
    world.ledger("r", &["review", "--max-age", "12h"]).code(1);
    world.ledger("r", &["review", "--max-age", "7d"]).code(0);
}

#[test]
fn a_note_is_shown_and_not_obeyed() {
    let world = world();
    let note = "fine\n\u{202e}evil\u{202c} <script>alert(1)</script>";
    review(&world, &["1", "--note", note]).code(0);
    let said = world.ledger("r", &["review", "--show", "6"]).ok();
    assert!(said.contains("note     <U+202E>evil"), "{said}");
}
