//! `trace` and `stats`: what belongs together, what is missing, how many; with and without the index.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use super::{EVENTS, ledger};
use crate::world::{World, run};

/// The lines without what differs in every world.
fn masked(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_inclusive([' ', '\n']) {
        let bare = word.trim_end();
        let commit = bare.len() == 12 && bare.bytes().all(|b| b.is_ascii_hexdigit());
        out += if commit { "<commit> " } else { word };
    }
    out
}

/// Asks with the index, without, and after a verification that finds nothing wrong.
#[track_caller]
fn trace(world: &World, arguments: &[&str]) -> String {
    let base = [&["trace"], arguments].concat();
    let plain = world
        .ledger("r", &[&base[..], &["--no-index"]].concat())
        .ok();
    world.ledger("r", &["index"]).ok();
    assert_eq!(world.ledger("r", &base).ok(), plain);
    masked(&plain)
}

#[test]
fn from_the_push_to_production_from_wherever_one_begins() {
    let world = ledger();
    let whole = trace(&world, &["8a1f00000000"]);
    assert_snapshot!(whole, @r"
    push       1 <commit> 2026-01-31T12:00:04Z claimed:ann@acme.org dev.git-ledger.push refs/heads/main
    run        2 <commit> 2026-01-31T12:00:05Z claimed:ann@acme.org dev.cdevents.pipelinerun.finished.0.3.0 run/77
    artifact   3 <commit> 2026-01-31T12:00:06Z claimed:ann@acme.org dev.cdevents.artifact.published.0.3.0 pkg:oci/payments@sha256%3A0b310000000000000000000000000000000000…
    deployment 4 <commit> 2026-01-31T12:00:07Z claimed:ann@acme.org dev.cdevents.service.deployed.0.3.0 payments
    run        5 <commit> 2026-01-31T12:00:08Z claimed:ann@acme.org com.github.workflow_run.completed acme/payments
    missing: it was deployed, and no approval or review is recorded
    missing: it was deployed, and something on the way did not succeed
    ");
    // a run, a digest, a deployment lead to the same push, run, artifact and deployment
    for thing in ["run:77", "sha256:0b31000000000000", "payments"] {
        let told = trace(&world, &[thing]);
        for stage in ["push ", "run ", "artifact ", "deployment "] {
            assert!(told.contains(stage), "{thing}: {told}");
        }
    }
    assert_snapshot!(trace(&world, &["--only", "payments"]), @r"
    deployment 4 <commit> 2026-01-31T12:00:07Z claimed:ann@acme.org dev.cdevents.service.deployed.0.3.0 payments
    missing: no push is recorded that brought the commit
    missing: it was deployed, and no run that built it is recorded
    missing: it was deployed, and no artifact is recorded as made
    missing: it was deployed, and no approval or review is recorded
    ");
    assert_snapshot!(trace(&world, &["ref:main", "--only"]), @r"
    push       1 <commit> 2026-01-31T12:00:04Z claimed:ann@acme.org dev.git-ledger.push refs/heads/main
    ");
    assert_eq!(
        trace(&world, &["nobody/knows"]),
        "missing: nothing that is recorded names it\n"
    );
}

#[test]
fn what_is_missing_is_said() {
    let world = World::new();
    world.repository("r");
    for event in [
        EVENTS[3],
        r#"{"id":"t","source":"/ci","specversion":"1.0","type":"dev.cdevents.taskrun.started.0.3.0","subject":"task/9","data":{"subject":{"id":"task/9","content":{"taskName":"x"}},"customData":{"ci":{"run":{"id":"9"}}}}}"#,
    ] {
        world
            .ledger_with("r", &["append", "--batch", "-"], event.as_bytes())
            .ok();
    }
    let gaps = |text: String| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with("missing: "));
        lines.map(str::to_owned).collect()
    };
    assert_snapshot!(gaps(trace(&world, &["payments"])).join("\n"), @r"
    missing: no push is recorded that brought the commit
    missing: it was deployed, and no run that built it is recorded
    missing: it was deployed, and no artifact is recorded as made
    missing: it was deployed, and no approval or review is recorded
    ");
    assert_snapshot!(gaps(trace(&world, &["task/9"])).join("\n"), @r"
    missing: no push is recorded that brought the commit
    missing: the end of run 'task/9' is not recorded
    ");
    let json: Value =
        serde_json::from_str(&world.ledger("r", &["trace", "payments", "--json"]).ok())
            .expect("JSON");
    assert_eq!(json["steps"][0]["stages"][0], "deployment");
    assert_eq!(json["gaps"].as_array().expect("a list").len(), 4);
}

#[test]
fn unverified_and_broken_steps_show() {
    let world = ledger();
    let said = world.ledger("r", &["trace", "run:77", "--verify"]).code(0);
    assert!(
        said.out.contains("signed:ann@acme.org") && !said.out.contains("claimed:"),
        "{said}"
    );
    // entry 7 in other words, by whoever administers the machine
    let tip = world.git("r", &["rev-parse", "refs/heads/ledger"]).ok();
    let raw = world.git("r", &["cat-file", "commit", tip.trim()]).ok();
    let bent = raw.replace("7 org.example.bare", "7 org.example.rare");
    let mut command = world.command("r", "git");
    command.args([
        "hash-object",
        "-t",
        "commit",
        "-w",
        "--literally",
        "--stdin",
    ]);
    let id = run(command, bent.as_bytes()).ok();
    world
        .git("r", &["update-ref", "refs/heads/ledger", id.trim()])
        .ok();
    let said = world.ledger("r", &["trace", "run:77"]).code(1);
    assert!(said.out.contains("BROKEN:subjectMismatch"), "{said}");
    let said = world.ledger("r", &["trace", "run:77", "--verify"]).code(1);
    assert!(said.err.contains("breach: "), "{said}");
}

#[test]
fn names_that_are_none() {
    let world = ledger();
    assert_snapshot!(world.ledger("r", &["trace", ""]).code(129), @r"
    ! error: there is no name here
    ! hint: name a commit, ref, run, artifact or subject
    [exit 129]
    ");
    assert_snapshot!(world.ledger("r", &["trace", "commit:main"]).code(129), @r"
    ! error: 'main' is no commit
    ! hint: write 4 to 64 hex digits, the first of it or all
    [exit 129]
    ");
    let told = world.ledger("r", &["trace", "\u{202e}\" OR \"x"]).ok();
    assert_eq!(told, "missing: nothing that is recorded names it\n");
}

#[test]
fn counts() {
    let world = ledger();
    let plain = world.ledger("r", &["stats", "--no-index"]).ok();
    assert_snapshot!(plain, @r"
    8 entries, 8 events, numbers 0 to 7, dated 2026-01-31T12:00:03Z to 2026-01-31T12:00:10Z

    events by type
           1 com.github.workflow_run.completed
           1 dev.cdevents.artifact.published.0.3.0
           1 dev.cdevents.pipelinerun.finished.0.3.0
           1 dev.cdevents.service.deployed.0.3.0
           1 dev.git-ledger.ledger.created
           1 dev.git-ledger.push
           1 org.example.bare
           1 org.example.note

    entries by signer, as claimed
           8 ann@acme.org

    entries by day
           8 2026-01-31

    events by outcome
           1 failure
           1 success
    ");
    let some = |more: &[&str]| {
        world
            .ledger("r", &[&["stats", "type:dev.*", "-ref:main"], more].concat())
            .ok()
    };
    let without = some(&["--no-index"]);
    let json: Value = serde_json::from_str(&some(&["--json"])).expect("JSON");
    world.ledger("r", &["index"]).ok();
    assert_eq!(some(&[]), without);
    assert_eq!(json["entries"], 4);
    assert_eq!(json["outcomes"][0]["value"], "success");
    assert!(fs::metadata(super::database(&world)).is_ok());
}
