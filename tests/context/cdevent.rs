//! `append --cdevent`: what is recorded is what other readers of CDEvents take.

use git_ledger::json::{Object, Value};
use insta::assert_snapshot;

use crate::world::World;

/// The newest event, read as a consumer of CDEvents would.
fn newest(world: &World, dir: &str) -> (Object, cdevents_sdk::CDEvent) {
    let event = super::newest(world, dir);
    let data = event.get("data").expect("data").to_canonical();
    let theirs = serde_json::from_str(&data).expect("an event of CDEvents");
    (event, theirs)
}

#[test]
fn a_deployment() {
    let world = World::new();
    world.repository("r");
    let said = world.ledger(
        "r",
        &[
            "append",
            "--cdevent",
            "service.deployed",
            "--subject",
            "payments",
            "--data",
            "environment.id=prod",
            "--data",
            "artifactId=pkg:oci/payments@sha256%3A0b31",
            "--data",
            "custom.ticket=PAY-7",
            "--id",
            "d-1",
        ],
    );
    assert!(
        said.ok()
            .starts_with("recorded 1 dev.cdevents.service.deployed.0.3.0 payments\n")
    );
    let (event, theirs) = newest(&world, "r");
    assert_eq!(theirs.ty(), "dev.cdevents.service.deployed.0.3.0");
    assert_eq!(theirs.subject().id().as_str(), "payments");
    assert_eq!(event.get("id").and_then(Value::as_str), Some("d-1"));
    let data = event.get("data").and_then(Value::as_object).expect("data");
    assert_snapshot!(data.get("subject").expect("subject").to_canonical(), @r#"{"content":{"artifactId":"pkg:oci/payments@sha256%3A0b31","environment":{"id":"prod"}},"id":"payments"}"#);
    let custom = data.get("customData").and_then(Value::as_object);
    let ticket = custom.and_then(|custom| custom.get("ticket"));
    assert_eq!(ticket.and_then(Value::as_str), Some("PAY-7"));
    world.ledger("r", &["verify"]).ok();
}

#[test]
fn names_are_short_or_whole_and_content_may_be_json() {
    let world = World::new();
    world.repository("r");
    world
        .git(
            "r",
            &["remote", "add", "origin", "git@git.acme.example:a/b c"],
        )
        .ok();
    for kind in ["ticket.created", "dev.cdevents.ticket.created.0.2.0"] {
        let arguments = ["append", "--cdevent", kind, "--subject", "7"];
        let content = r#"{"creator":"ann","summary":"x","uri":"/t/7","labels":["a"]}"#;
        world
            .ledger_with(
                "r",
                &[&arguments[..], &["--data-json", "-"]].concat(),
                content.as_bytes(),
            )
            .ok();
        let (_, theirs) = newest(&world, "r");
        assert_eq!(theirs.ty(), "dev.cdevents.ticket.created.0.2.0");
        // a repository that git names like a file on a host is named by a URI here
        assert_eq!(
            theirs.source().as_str(),
            "ssh://git@git.acme.example/a/b%20c"
        );
    }
    let more = ["--data", "uri=/t/7", "--data", "labels=a,b"];
    let arguments = ["append", "--cdevent", "ticket.updated", "--subject", "7"];
    world
        .ledger("r", &[&arguments[..], &more[..]].concat())
        .ok();
    let (event, _) = newest(&world, "r");
    assert!(
        Value::from(event)
            .to_canonical()
            .contains(r#""labels":["a","b"]"#)
    );
}

#[test]
fn what_the_specification_does_not_take_is_not_recorded() {
    let world = World::new();
    world.repository("r");
    let before = world.git("r", &["rev-parse", "ledger"]).ok();
    let mut said = String::new();
    let deployed = ["service.deployed", "--subject", "payments"];
    let with = |more: &[&'static str]| [&deployed[..], more].concat();
    let cases: Vec<Vec<&str>> = vec![
        with(&[]),
        with(&["--data", "environment.id=prod"]),
        with(&["--data", "environment=prod", "--data", "artifactId=a"]),
        with(&["--data", "environment=p", "--data", "environment.id=p"]),
        with(&["--data", "artefactId=a"]),
        with(&["--source", "not a uri"]),
        with(&["--time", "2026-01-31T12:00"]),
        vec!["service.deployed", "--data", "environment.id=prod"],
        vec![
            "pipelinerun.finished",
            "--subject",
            "1",
            "--data",
            "outcome=ok",
        ],
        vec!["service.deploid", "--subject", "payments"],
        vec!["deployment", "--subject", "payments"],
        vec!["service.deployed.0.2.0", "--subject", "payments"],
    ];
    for case in cases {
        let arguments = [&["append", "--cdevent"][..], &case].concat();
        let failed = world.ledger("r", &arguments).code(129);
        said += &format!("{}\n", failed.err);
    }
    let text = b"[1]";
    let arguments = ["append", "--cdevent", "build.queued", "--subject", "1"];
    let failed = world.ledger_with("r", &[&arguments[..], &["--data-json", "-"]].concat(), text);
    said += &failed.code(129).err;
    assert_snapshot!(said, @r"
    error: service.deployed needs environment.id and artifactId
    hint: nothing was recorded; service.deployed knows environment.id, environment.source, artifactId

    error: service.deployed needs artifactId
    hint: nothing was recorded; service.deployed knows environment.id, environment.source, artifactId

    error: environment of service.deployed is not an object
    hint: nothing was recorded; service.deployed knows environment.id, environment.source, artifactId

    error: --data gives 'environment' a value and members
    hint: nothing was recorded; service.deployed knows environment.id, environment.source, artifactId

    error: service.deployed knows no artefactId
    hint: nothing was recorded; service.deployed knows environment.id, environment.source, artifactId
    hint: what the specification has no word for: --data custom.NAME=VALUE

    error: the source is not a URI reference (RFC 3986)
    hint: nothing was recorded

    error: the time is not RFC 3339, as in 2026-01-31T12:00:00Z
    hint: nothing was recorded

    error: service.deployed needs a subject: what happened to what?
    hint: nothing was recorded; --subject takes its id

    error: outcome of pipelinerun.finished is not one of success, failure, cancel, error
    hint: nothing was recorded; pipelinerun.finished knows errors, outcome, pipelineName, uri

    error: CDEvents 0.5.0 has no type 'service.deploid'
    hint: nothing was recorded; there are service.deployed, service.published, service.removed, service.rolledback, service.upgraded

    error: CDEvents 0.5.0 has no type 'deployment'
    hint: nothing was recorded; it has approval, artifact, branch, build, change, environment, incident, pipelinerun, repository, service, taskrun, testcaserun, testoutput, testsuiterun, ticket

    error: 'service.deployed.0.2.0' is another version than the one of CDEvents 0.5.0: 0.3.0
    hint: nothing was recorded; leave the version out: service.deployed; or record it as it is, without --cdevent

    error: the data of a CDEvent is a JSON object: the subject's content
    hint: nothing was recorded; build.queued has no content
    ");
    assert_eq!(world.git("r", &["rev-parse", "ledger"]).ok(), before);
}
