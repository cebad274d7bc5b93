//! What events of the shapes that programs and forges record do to the state.

use std::fmt::Write as _;

use super::*;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const ZERO: &str = "0000000000000000000000000000000000000000";

fn event(number: u64, kind: &str, rest: &str) -> Event {
    let rest = rest.replace("$A", A).replace("$B", B).replace("$0", ZERO);
    let text = format!(
        r#"{{"specversion":"1.0","id":"{number}","source":"/pay","type":"{kind}",{rest}}}"#
    );
    Event::parse(text.as_bytes()).unwrap_or_else(|why| panic!("{text}: {why}"))
}

/// The state after these events, one an entry.
fn state(events: &[(&str, &str)]) -> String {
    let mut replay = Replay::default();
    for (number, (kind, rest)) in (0u64..).zip(events) {
        replay.step(number, 1_700_000_000 + number, &[event(number, kind, rest)]);
    }
    let mut out = String::new();
    for kind in Kind::ALL {
        for (name, thing) in replay.things(kind) {
            let fresh = if replay.is_fresh(thing) { "* " } else { "" };
            let now = thing.now.as_deref().unwrap_or("gone");
            let was = thing.was.as_deref().unwrap_or("?");
            let now = now.get(..8).unwrap_or(now);
            let was = was.get(..8).unwrap_or(was);
            let (place, own, how) = (&name.place, &name.own, thing.how);
            writeln!(
                out,
                "{fresh}{place} {own}: {was} -> {now} ({}) {how}",
                thing.number
            )
            .unwrap();
        }
    }
    out
}

const PUSHED: (&str, &str) = (
    "dev.git-ledger.push",
    r#""data":{"refs":[{"kind":"update","new":"$A","old":"$B","ref":"refs/heads/main"}]}"#,
);

#[test]
fn refs_follow_pushes_gaps_and_what_did_not_take_place() {
    assert_eq!(
        state(&[PUSHED]),
        "* /pay refs/heads/main: bbbbbbbb -> aaaaaaaa (0) \n"
    );
    let gap = r#""data":{"refs":[{"kind":"delete","recorded":"$A","found":"$0","ref":"refs/heads/main"}]}"#;
    assert_eq!(
        state(&[PUSHED, ("dev.git-ledger.gap", gap)]),
        "* /pay refs/heads/main: aaaaaaaa -> gone (1) seen by no hook\n"
    );
    let refused = r#""data":{"of":"0","outcome":"refused","refs":[]}"#;
    assert_eq!(state(&[PUSHED, ("dev.git-ledger.push", refused)]), "");
    let forced = r#""data":{"ref":"refs/heads/main","after":"$B","before":"$A","forced":true}"#;
    assert_eq!(
        state(&[
            PUSHED,
            ("com.github.push", forced),
            PUSHED,
            ("dev.git-ledger.push", &refused.replace("0", "2"))
        ]),
        "/pay refs/heads/main: aaaaaaaa -> bbbbbbbb (1) forced\n"
    );
}

#[test]
fn an_environment_holds_what_was_deployed_last() {
    let to = |artifact: &str| {
        format!(
            r#""subject":"api","data":{{"subject":{{"content":{{"artifactId":"{artifact}","environment":{{"id":"prod"}}}}}}}}"#
        )
    };
    let deployed = "dev.cdevents.service.deployed.0.2.0";
    let back = "dev.cdevents.service.rolledback.0.2.0";
    assert_eq!(
        state(&[
            (deployed, &to("one")),
            (deployed, &to("two")),
            (back, &to("one"))
        ]),
        "* prod api: two -> one (2) rolled back\n"
    );
    assert_eq!(
        state(&[
            (deployed, &to("one")),
            ("dev.cdevents.service.removed.0.2.0", &to("one"))
        ]),
        "* prod api: one -> gone (1) removed\n"
    );
    let github = r#""data":{"deployment":{"environment":"prod","sha":"$A"},"deployment_status":{"state":"success"},"repository":{"full_name":"acme/pay"}}"#;
    assert_eq!(
        state(&[("com.github.deployment_status.created", github)]),
        "* prod acme/pay: ? -> aaaaaaaa (0) \n"
    );
    assert_eq!(
        state(&[(
            "com.github.deployment_status.created",
            &github.replace("success", "failure")
        )]),
        ""
    );
}

#[test]
fn variables_and_files_are_as_the_snapshot_left_them() {
    let first = r#""data":{"scope":"default","state":{"files":[{"path":"app.toml","digest":"sha256:12345678","kind":"file","mode":"0644"}],"variables":[{"name":"MODE","mac":"hmac-sha256:1"}]}}"#;
    let changed = r#""data":{"scope":"default","change":"changed","name":"MODE","old":{"mac":"hmac-sha256:1"},"new":{"mac":"x","value":"debug"}}"#;
    assert_eq!(
        state(&[
            ("dev.git-ledger.snapshot", first),
            ("dev.git-ledger.env.changed", changed)
        ]),
        "* default MODE: hmac-sha -> debug (1) \ndefault app.toml: ? -> sha256:1 (0) \n"
    );
}

#[test]
fn runs_are_there_while_they_last() {
    let run = r#""subject":"run/1","data":{"subject":{"content":{"pipelineName":"build","outcome":"failure"}}}"#;
    let (started, finished) = (
        "dev.cdevents.pipelinerun.started.0.2.0",
        "dev.cdevents.pipelinerun.finished.0.2.0",
    );
    assert_eq!(
        state(&[(started, run)]),
        "* pipelinerun run/1: ? -> build, s (0) \n"
    );
    assert_eq!(
        state(&[(started, run), (finished, run)]),
        "* pipelinerun run/1: failure -> gone (1) \n"
    );
    assert_eq!(
        state(&[(started, run), (finished, run), PUSHED])
            .lines()
            .count(),
        1
    );
    assert_eq!(state(&[(finished, run)]), "", "it began before");
}

#[test]
fn memory_is_bounded_and_odd_events_say_nothing() {
    let mut replay = Replay::default();
    for number in 0..3 {
        let refs: Vec<String> = (0..1500)
            .map(|at| format!(r#"{{"new":"{A}","ref":"refs/heads/{number}-{at}"}}"#))
            .collect();
        let data = format!(r#""data":{{"refs":[{}]}}"#, refs.join(","));
        replay.step(number, 0, &[event(number, "dev.git-ledger.push", &data)]);
    }
    assert!(replay.left_out());
    assert_eq!(replay.things(Kind::Ref).count(), MOST);
    for (kind, rest) in [
        ("dev.git-ledger.push", r#""data":[]"#),
        ("dev.git-ledger.push", r#""data":{"refs":[1,{"ref":7},{}]}"#),
        ("dev.git-ledger.env.changed", r#""data":{}"#),
        ("dev.git-ledger.snapshot", r#""data":{"state":[]}"#),
        (
            "dev.cdevents.service.deployed.0.2.0",
            r#""data":{"subject":{}}"#,
        ),
        ("dev.cdevents.pipelinerun.started", r#""data":{}"#),
        (
            "com.github.deployment_status",
            r#""data":{"deployment_status":{"state":"success"}}"#,
        ),
    ] {
        assert_eq!(state(&[(kind, rest)]), "", "{kind}");
    }
}
