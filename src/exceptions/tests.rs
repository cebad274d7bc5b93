//! What events of the shapes that programs and forges record amount to.

use std::fmt::Write as _;

use gix::hash::Kind as Format;

use super::*;
use crate::json::Value;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const C: &str = "cccccccccccccccccccccccccccccccccccccccc";
const D: &str = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";

/// What is told of events, one an entry, the entries a day apart.
fn told(events: &[(&str, &str)]) -> String {
    let mut all = Exceptions::default();
    for (number, (kind, rest)) in (0u64..).zip(events) {
        let rest = rest
            .replace("$A", A)
            .replace("$B", B)
            .replace("$C", C)
            .replace("$D", D);
        let text = format!(
            r#"{{"specversion":"1.0","id":"{number}","source":"https://forge.example/acme/pay","type":"{kind}",{rest}}}"#
        );
        let event = Event::parse(text.as_bytes()).unwrap_or_else(|why| panic!("{text}: {why}"));
        let at = At {
            number,
            commit: ObjectId::null(Format::Sha1),
            time: 1_700_000_000 + number * 86_400,
        };
        all.see(at, &event);
    }
    let mut out = String::new();
    for found in all.list() {
        let (kind, who) = (found.kind.word(), found.who.join(","));
        writeln!(
            out,
            "{} {kind} [{}] {who}: {}",
            found.number, found.what, found.why
        )
        .unwrap();
    }
    let sum: u64 = all.counts().values().sum();
    assert_eq!(sum, all.list().len() as u64, "{out}");
    assert!(all.limits().is_empty());
    out
}

const OPENED: (&str, &str) = (
    "com.github.pull_request.opened",
    r#""data":{"repository":{"full_name":"acme/pay"},"pull_request":{"number":7,"html_url":"https://forge.example/acme/pay/pull/7","user":{"login":"ann"},"head":{"sha":"$A"},"base":{"sha":"$C"}}}"#,
);
const MERGED: (&str, &str) = (
    "com.github.pull_request.closed",
    r#""data":{"repository":{"full_name":"acme/pay"},"pull_request":{"number":7,"merged":true,"html_url":"https://forge.example/acme/pay/pull/7","user":{"login":"ann"},"head":{"sha":"$A"},"merge_commit_sha":"$B","base":{"sha":"$C"}}}"#,
);

fn review(state: &str, who: &str, commit: &str) -> (&'static str, String) {
    let data = format!(
        r#""data":{{"repository":{{"full_name":"acme/pay"}},"review":{{"state":"{state}","commit_id":"{commit}","user":{{"login":"{who}"}}}},"pull_request":{{"number":7,"head":{{"sha":"$A"}}}}}}"#
    );
    ("com.github.pull_request_review.submitted", data)
}

fn deployed(artifact: &str, commit: &str, who: &str) -> (&'static str, String) {
    let data = format!(
        r#""subject":"payments","data":{{"subject":{{"id":"payments","content":{{"environment":{{"id":"prod"}},"artifactId":"{artifact}"}}}},"customData":{{"ci":{{"system":"github","repository":"acme/pay","actor":"{who}","commit":"{commit}"}}}}}}"#
    );
    ("dev.cdevents.service.deployed.0.3.0", data)
}

fn with(events: &[(&str, String)]) -> String {
    let events: Vec<(&str, &str)> = events
        .iter()
        .map(|(kind, text)| (*kind, text.as_str()))
        .collect();
    told(&events)
}

#[test]
fn what_was_reviewed_and_merged_may_be_deployed() {
    let owned = |(kind, text): (&'static str, &str)| (kind, text.to_owned());
    let (opened, merged) = (owned(OPENED), owned(MERGED));
    let image = "pkg:oci/pay@sha256%3A$D";
    let good = [
        opened.clone(),
        review("approved", "bob", "$A"),
        merged.clone(),
        deployed(image, "$B", "carl"),
    ];
    assert_eq!(with(&good), "");
    // the approval of an older state is none of what was merged
    let old = [
        opened.clone(),
        review("approved", "bob", "$C"),
        merged.clone(),
        deployed(image, "$B", "carl"),
    ];
    insta::assert_snapshot!(with(&old), @"3 unapproved-deployment [payments to prod artifact pkg:oci/pay@sha256%3Adddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd] carl: no approval of the commit, run or change it names is recorded before");
    let withdrawn = [
        opened.clone(),
        review("approved", "bob", "$A"),
        review("changes_requested", "Bob", "$A"),
        merged.clone(),
        deployed("", "$B", "carl"),
    ];
    insta::assert_snapshot!(with(&withdrawn), @"4 unapproved-deployment [payments to prod] carl: no approval of the commit, run or change it names is recorded before");
    let alone = [
        opened.clone(),
        review("approved", "ann", "$A"),
        merged.clone(),
        deployed("", "$B", "Ann"),
        deployed("", "$B", "carl"),
    ];
    insta::assert_snapshot!(with(&alone), @"
    3 one-person [payments to prod] ann: the same person made, approved and deployed it, and nobody else approved
    4 self-approved [payments to prod] ann: nobody approved it but who made it
    ");
    // an approval that comes after is none before
    let after = [
        merged,
        deployed("", "$B", "carl"),
        review("approved", "bob", "$A"),
    ];
    insta::assert_snapshot!(with(&after), @"1 unapproved-deployment [payments to prod] carl: no approval of the commit, run or change it names is recorded before");
}

#[test]
fn an_artifact_speaks_for_itself_where_it_is_known() {
    let image = "pkg:oci/pay@sha256%3A$D";
    let packaged = (
        "dev.cdevents.artifact.packaged.0.3.0",
        r#""subject":"pkg:oci/pay@sha256%3A$D","data":{"subject":{"content":{"change":{"id":"x"}}},"customData":{"ci":{"repository":"acme/pay","commit":"$C"}}}"#.to_owned(),
    );
    let events = [
        review("approved", "bob", "$A"),
        packaged.clone(),
        // run at an approved commit, and not what was built from it
        deployed(image, "$A", "carl"),
        review("approved", "bob", "$C"),
        deployed(image, "$A", "carl"),
    ];
    insta::assert_snapshot!(with(&events), @"2 unapproved-deployment [payments to prod artifact pkg:oci/pay@sha256%3Adddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd] carl: no approval of the artifact, or of what it was built from, is recorded before");
    // a name that every version has is no name of one
    let approval = (
        "dev.cdevents.approval.closed.0.1.0",
        r#""subject":"a-1","data":{"subject":{"content":{"resourceTargetUrl":"pkg:oci/pay@sha256%3A$D","responder":"mailto:bob@acme","status":"approved","decision":"approved"}}}"#.to_owned(),
    );
    let loose = [approval.clone(), deployed("pkg:oci/pay", "", "carl")];
    insta::assert_snapshot!(with(&loose), @"1 unapproved-deployment [payments to prod artifact pkg:oci/pay] carl: it names no commit, run or exact artifact that could have been approved");
    let own = [approval, deployed(image, "", "bob@acme")];
    insta::assert_snapshot!(with(&own), @"1 self-approved [payments to prod artifact pkg:oci/pay@sha256%3Adddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd] bob@acme: nobody approved it but who deployed it; who made it is not recorded");
}

#[test]
fn a_deployment_of_a_forge_is_judged_when_it_is_done() {
    let deployment = r#""data":{"repository":{"full_name":"acme/pay"},"deployment":{"id":3,"sha":"$B","environment":"prod","creator":{"login":"ann"}},"workflow_run":{"id":9,"head_sha":"$B"}"#;
    let created = ("com.github.deployment.created", format!("{deployment}}}"));
    let review = |word: &str| {
        let kind = if word == "approved" {
            "com.github.deployment_review.approved"
        } else {
            "com.github.deployment_review.rejected"
        };
        let data = r#""data":{"repository":{"full_name":"acme/pay"},"approver":{"login":"bob"},"workflow_run":{"id":9,"head_sha":"$B"}}"#;
        (kind, data.to_owned())
    };
    let status = |word: &str| {
        let data = format!(r#"{deployment},"deployment_status":{{"state":"{word}"}}}}"#);
        ("com.github.deployment_status.created", data)
    };
    let good = [
        created.clone(),
        review("approved"),
        status("in_progress"),
        status("success"),
    ];
    assert_eq!(with(&good), "");
    let rejected = [created.clone(), review("rejected"), status("failure")];
    insta::assert_snapshot!(with(&rejected), @"2 failed-deployment [acme/pay to prod commit bbbbbbbbbbbb] ann: it is recorded as failed");
    let bypassed = [created.clone(), status("in_progress"), status("success")];
    insta::assert_snapshot!(with(&bypassed), @"1 unapproved-deployment [acme/pay to prod commit bbbbbbbbbbbb] ann: no approval of the commit, run or change it names is recorded before");
    // nothing more was heard of it
    insta::assert_snapshot!(with(&[created]), @"0 unapproved-deployment [acme/pay to prod commit bbbbbbbbbbbb] ann: no approval of the commit, run or change it names is recorded before");
}

#[test]
fn refs_that_were_rewritten_deleted_or_moved_unseen() {
    let push = (
        "dev.git-ledger.push",
        r#""data":{"pusher":{"how":"ssh","user":"git"},"refs":[{"ref":"refs/heads/main","kind":"update","forced":true,"old":"$A","new":"$B"},{"ref":"refs/heads/old","kind":"delete","old":"$C","new":"0000000000000000000000000000000000000000"},{"ref":"refs/heads/new","kind":"create","forced":false,"old":"0","new":"$A"}],"certificate":{"status":"bad","key":"SHA256:x"}}"#,
    );
    insta::assert_snapshot!(told(&[push]), @"
    0 forced-push [refs/heads/main aaaaaaaaaaaa..bbbbbbbbbbbb] git: the new commit does not descend from the old one
    0 deleted-ref [refs/heads/old, was cccccccccccc] git: the ref is gone; what only it held can be lost
    0 bad-certificate [] git: the signature of the push does not fit
    ");
    let refused = (
        "dev.git-ledger.push",
        r#""data":{"of":"0","outcome":"refused","refs":[{"ref":"refs/heads/main","kind":"update","forced":true,"old":"$A","new":"$B"}]}"#,
    );
    assert_eq!(told(&[push, refused]), "");
    let gaps = [
        (
            "dev.git-ledger.gap",
            r#""subject":"refs/heads/main","data":{"how":"command","refs":[{"ref":"refs/heads/main","kind":"update","forced":true,"recorded":"$A","found":"$B","since":3}]}"#,
        ),
        (
            "dev.git-ledger.gap",
            r#""data":{"how":"run_number","counter":"12","missing":{"from":4,"to":5}}"#,
        ),
        (
            "com.github.push",
            r#""subject":"refs/heads/main","data":{"forced":true,"created":false,"deleted":false,"pusher":{"name":"ann"},"sender":{"login":"ann"}}"#,
        ),
        (
            "com.gitlab.push",
            r#""subject":"refs/heads/x","data":{"after":"0000000000000000000000000000000000000000","user_username":"bob"}"#,
        ),
        (
            "com.github.branch_protection_rule.deleted",
            r#""subject":"main","data":{"sender":{"login":"ann"}}"#,
        ),
    ];
    insta::assert_snapshot!(told(&gaps), @"
    0 gap [refs/heads/main aaaaaaaaaaaa..bbbbbbbbbbbb] : no hook saw it move, and it was rewritten
    1 failed-delivery [https://forge.example/acme/pay run_number 12 numbers 4 to 5] : what the sender counts goes on after it, so it was sent or should have been
    2 forced-push [refs/heads/main] ann: the new commit does not descend from the old one
    3 deleted-ref [refs/heads/x] bob: the ref is gone; what only it held can be lost
    4 protection-lifted [main] ann: what the forge refused before it may let through now
    ");
}

#[test]
fn steps_without_an_end() {
    let step = |verb: &str, id: &str, more: &str| {
        let kind = match verb {
            "started" => "dev.cdevents.taskrun.started.0.3.0",
            _ => "dev.cdevents.taskrun.finished.0.3.0",
        };
        let data = format!(
            r#""subject":"{id}","data":{{"subject":{{"content":{{"taskName":"deploy"}}}},"customData":{{{more}}}}}"#
        );
        (kind, data)
    };
    let events = [
        step("started", "1", r#""ci":{"actor":"ann"}"#),
        step("started", "2", ""),
        step("finished", "2", r#""exit":{"code":1}"#),
        step("started", "3", ""),
        step("finished", "3", r#""exit":{"unknown":true}"#),
        // younger than an hour: it may still run
        step("started", "4", ""),
    ];
    insta::assert_snapshot!(with(&events), @"
    0 unfinished-step [deploy (1)] ann: no end of it is recorded
    4 unfinished-step [deploy (3)] : it ended, and nobody knows how: who waited for it was gone
    ");
}

#[test]
fn late_and_early() {
    let event = |time: &str, id: &str| {
        let text = format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"/x","type":"t","time":"{time}"}}"#
        );
        Event::parse(text.as_bytes()).unwrap()
    };
    let at = At {
        number: 4,
        commit: ObjectId::null(Format::Sha1),
        time: 1_700_000_000,
    };
    let events = [
        event("2023-11-14T22:13:20Z", "now"),
        event("2023-11-13T22:13:21Z", "nearly a day"),
        event("2023-11-12T22:13:20Z", "two days"),
        event("2023-11-04T22:13:20Z", "ten days"),
        event("2023-11-14T22:19:20Z", "ahead"),
        event("1900-01-01T00:00:00Z", "before all time"),
    ];
    let found = late::of(at, &events);
    let told: Vec<(&str, &str)> = found
        .iter()
        .map(|found| (found.kind.word(), found.why.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "recorded-late",
                "it says that it happened earlier, by 10 d; 1 more events of the entry too"
            ),
            ("dated-ahead", "it says that it happened later, by 6 min"),
        ]
    );
}

#[test]
fn hostile_input_is_bounded() {
    let mut all = Exceptions::default();
    let at = At {
        number: 0,
        commit: ObjectId::null(Format::Sha1),
        time: 0,
    };
    let long = "x".repeat(10_000);
    for id in 0..(MOST + 50) {
        let object = crate::json::Object::new()
            .with("specversion", "1.0")
            .with("id", id.to_string())
            .with("source", "/s")
            .with("type", "com.github.branch_protection_rule.deleted")
            .with("subject", long.as_str());
        all.see(at, &Event::from_object(object).unwrap());
    }
    assert_eq!(all.list().len(), MOST);
    assert!(
        all.list()
            .iter()
            .all(|found| found.what.chars().count() == LONGEST + 1)
    );
    assert_eq!(all.counts()[&Kind::ProtectionLifted], MOST as u64 + 50);
    assert_eq!(all.limits(), ["10000 of 10050 exceptions are listed"]);
    // every member in every wrong shape
    let kinds = [
        event::PUSH,
        event::GAP,
        "com.github.pull_request.closed",
        "com.github.deployment_status.created",
        "com.gitlab.merge_request.merge",
        "com.gitlab.deployment.success",
        "io.gitea.pull_request_approved.reviewed",
        "dev.cdevents.service.deployed.0.3.0",
        "dev.cdevents.taskrun.finished.0.3.0",
        "com.github.workflow_run.completed",
    ];
    for kind in kinds {
        for data in [
            "null",
            "1",
            "[]",
            "{}",
            r#"{"refs":[1,{"forced":true}],"subject":[],"pull_request":[{"merged":true}],"missing":1,"customData":{"exit":1}}"#,
        ] {
            let text = format!(
                r#"{{"specversion":"1.0","id":"x","source":"/s","type":"{kind}","data":{data}}}"#
            );
            all.see(at, &Event::parse(text.as_bytes()).unwrap());
        }
        assert!(matches!(Value::parse(b"{}"), Ok(Value::Object(_))));
    }
}

#[test]
fn names_are_forgotten_and_that_is_told() {
    let mut stories = Stories::default();
    let name = |at: usize| vec![format!("n{at}"), format!("m{at}")];
    stories.approved(&name(0), &["bob".to_owned()]);
    for at in 1..1_500 {
        stories.join(&name(at));
    }
    assert!(!stories.forgot());
    assert_eq!(stories.cast(&name(0)).approvers, [0]);
    for at in 1_500..4_500 {
        stories.join(&name(at));
    }
    assert!(stories.forgot());
    assert!(!stories.knows("n0"));
    assert!(stories.knows("n4499"));
    // what is left is still joined
    stories.made(&["n4490".to_owned()], &["ann".to_owned()]);
    assert_eq!(stories.cast(&["m4490".to_owned()]).authors.len(), 1);
}
