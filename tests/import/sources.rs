//! One source, one file: what its records become.

use insta::assert_snapshot;

use super::*;
use crate::recorded::assert_both_agree;

/// What one record becomes: type, source, id, subject, time, data.
fn told(event: &Object) -> String {
    let of = |name: &str| {
        event
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or("-")
            .to_owned()
    };
    let id = of("id");
    let id = match id.len() > 60 {
        true => format!("{}…", &id[..15]),
        false => id,
    };
    let encoded = event.get("data_base64").is_some();
    format!(
        "{} | {} | {id} | {} | {}\n{}{}",
        of("type"),
        of("source"),
        of("subject"),
        of("time"),
        data(event),
        if encoded {
            of("data_base64")
        } else {
            String::new()
        },
    )
}

/// The events of a file, as they are recorded.
#[track_caller]
fn recorded(from: &str, more: &[&str], content: &str) -> String {
    let world = world();
    imported(&world, from, more, content);
    assert_both_agree(&world, "r");
    let again = imported(&world, from, more, content);
    assert_eq!(number(&again, "recorded"), 0);
    let all: Vec<String> = events(&world, "r").iter().map(told).collect();
    all.join("\n")
}

#[test]
fn gitlab() {
    let push = r#"{"object_kind":"push","event_name":"push","before":"00","after":"ab","ref":"refs/heads/main","ref_protected":true,"user_id":4,"user_name":"Ann Example","user_username":"ann","user_email":"ann@acme.example","project_id":15,"project":{"id":15,"web_url":"https://gitlab.example/acme/pay","path_with_namespace":"acme/pay","visibility_level":0,"git_ssh_url":"git@gitlab.example:acme/pay.git"},"commits":[{"id":"ab","message":"m","author":{"email":"x@y.zz"}}],"total_commits_count":1}"#;
    let merge = r#"{"object_kind":"merge_request","user":{"id":1,"username":"ann","email":"[REDACTED]"},"project":{"id":15,"web_url":"https://gitlab.example/acme/pay","path_with_namespace":"acme/pay"},"object_attributes":{"iid":7,"id":99,"action":"merge","state":"merged","title":"Pay ann@acme.example","description":"long","source_branch":"a","target_branch":"main","updated_at":"2026-01-31 12:00:00 UTC","last_commit":{"id":"ab","author":{"email":"x@y.zz"}}},"changes":{"state_id":{"previous":1,"current":3}}}"#;
    let job = r#"{"object_kind":"build","ref":"main","sha":"ab","build_id":3,"build_name":"deploy","build_status":"success","build_finished_at":"2026-01-31 12:00:00 UTC","project_name":"acme / pay","user":{"id":1,"username":"ann"},"environment":{"name":"prod","action":"start","deployment_tier":"production"},"repository":{"homepage":"https://gitlab.example/acme/pay"}}"#;
    let system = r#"{"event_name":"user_add_to_team","access_level":"Maintainer","project_path_with_namespace":"acme/pay","user_username":"bob","user_email":"bob@acme.example","user_id":2,"created_at":"2026-01-31T12:00:00Z"}"#;
    let unknown =
        r#"{"object_kind":"new_thing","object_attributes":{"action":"Sprout It","secret":"x"}}"#;
    let lines = [push, merge, job, system, unknown].join("\n");
    assert_snapshot!(recorded("gitlab", &[], &lines), @r#"
    com.gitlab.push | https://gitlab.example/acme/pay | sha256:e403a58b… | refs/heads/main | -
    {"after":"ab","before":"00","commits_count":1,"event_name":"push","object_kind":"push","payload":{"bytes":478,"digest":"sha256:e403a58b976c20ed967360d086791efae79f9893c7625a0057196f2ea8fb8d0e"},"project":{"id":15,"path_with_namespace":"acme/pay","visibility_level":0},"project_id":15,"ref":"refs/heads/main","ref_protected":true,"total_commits_count":1,"user_id":4,"user_username":"ann"}
    com.gitlab.merge_request.merge | https://gitlab.example/acme/pay | sha256:06117083… | !7 | 2026-01-31T12:00:00Z
    {"action":"merge","changes":{"state_id":{"current":3,"previous":1}},"object_attributes":{"action":"merge","id":99,"iid":7,"last_commit":{"id":"ab"},"source_branch":"a","state":"merged","target_branch":"main","title":"Pay [e-mail]"},"object_kind":"merge_request","payload":{"bytes":492,"digest":"sha256:0611708360129f859896b4fb2ab1149fedaaf2ce67707cd4c07e01bd12cc7a10"},"project":{"id":15,"path_with_namespace":"acme/pay"},"user":{"id":1,"username":"ann"}}
    com.gitlab.job.success | https://gitlab.example/acme/pay | sha256:a1d3b7fb… | deploy | 2026-01-31T12:00:00Z
    {"action":"success","build_finished_at":"2026-01-31 12:00:00 UTC","build_id":3,"build_name":"deploy","build_status":"success","environment":{"action":"start","deployment_tier":"production","name":"prod"},"object_kind":"build","payload":{"bytes":352,"digest":"sha256:a1d3b7fbc10e53fdc2ce7f56d4e6232bbe9e41ce5a3f49b9c5dfac8a206d8e56"},"project_name":"acme / pay","ref":"main","sha":"ab","user":{"id":1,"username":"ann"}}
    com.gitlab.user_add_to_team | urn:gitlab | sha256:5605791b… | bob | 2026-01-31T12:00:00Z
    {"access_level":"Maintainer","created_at":"2026-01-31T12:00:00Z","event_name":"user_add_to_team","payload":{"bytes":204,"digest":"sha256:5605791bb2ee2dcc1bd363b4b7faa95b22ce1d7a43f8e72f5a741d263d3a8f35"},"project_path_with_namespace":"acme/pay","user_id":2,"user_username":"bob"}
    com.gitlab.new_thing.sprout__it | urn:gitlab | sha256:cc0a844b… | - | -
    {"action":"Sprout It","object_kind":"new_thing","payload":{"bytes":83,"digest":"sha256:cc0a844b1dc9188db75826ebac03ad0d4b2cdf8eff45795e6e77eecba3f56171"}}
    "#);
}

#[test]
fn gitea() {
    let push = r#"{"event":"push","payload":{"ref":"refs/heads/main","before":"00","after":"ab","compare_url":"https://git.example/acme/pay/compare/00...ab","commits":[{"id":"ab","message":"x","author":{"email":"a@b.cd"}}],"total_commits":1,"head_commit":{"id":"ab","timestamp":"2026-01-31T12:00:00Z"},"repository":{"id":1,"full_name":"acme/pay","html_url":"https://git.example/acme/pay","private":false},"pusher":{"id":1,"login":"ann","username":"ann","email":"ann@acme.example","full_name":"Ann"},"sender":{"id":1,"login":"ann"}}}"#;
    let pull = r##"{"event":"pull_request_approved","payload":{"action":"reviewed","number":2,"pull_request":{"id":1,"number":2,"title":"t","user":{"login":"bob","id":2},"head":{"ref":"f","sha":"cd"},"base":{"ref":"main","sha":"ab"},"merged":false,"updated_at":"2026-01-31T12:00:00+01:00"},"review":{"type":"pull_request_review_approved","content":"lgtm"},"repository":{"full_name":"acme/pay","html_url":"https://git.example/acme/pay"},"sender":{"login":"ann","id":1}}}"##;
    let lines = [push, pull].join("\n");
    assert_snapshot!(recorded("gitea", &[], &lines), @r#"
    io.gitea.push | https://git.example/acme/pay | sha256:68dd7203… | refs/heads/main | -
    {"after":"ab","before":"00","commits_count":1,"compare_url":"https://git.example/acme/pay/compare/00...ab","head_commit":{"id":"ab","timestamp":"2026-01-31T12:00:00Z"},"payload":{"bytes":487,"digest":"sha256:68dd72030396b632145f62dd758d6306bd1f3a82daa752c449c0b70a58d632fd"},"pusher":{"id":1,"login":"ann"},"ref":"refs/heads/main","repository":{"full_name":"acme/pay","id":1,"private":false},"sender":{"id":1,"login":"ann"},"total_commits":1}
    io.gitea.pull_request_approved.reviewed | https://git.example/acme/pay | sha256:adfaf523… | #2 | 2026-01-31T12:00:00+01:00
    {"action":"reviewed","number":2,"payload":{"bytes":406,"digest":"sha256:adfaf523858acb5ea06d308a14bddabdab4874780010652a2abe840caba7507a"},"pull_request":{"base":{"ref":"main","sha":"ab"},"head":{"ref":"f","sha":"cd"},"id":1,"merged":false,"number":2,"title":"t","user":{"id":2,"login":"bob"}},"repository":{"full_name":"acme/pay"},"review":{"type":"pull_request_review_approved"},"sender":{"id":1,"login":"ann"}}
    "#);
    assert_snapshot!(recorded("forgejo", &["--event", "release", "--source", "/git"], r#"{"action":"published","release":{"id":1,"tag_name":"v1","body":"x","author":{"login":"ann","id":1}}}"#), @r#"
    io.gitea.release.published | /git | sha256:7c46d2ca… | v1 | -
    {"action":"published","payload":{"bytes":100,"digest":"sha256:7c46d2ca461ca0ce6403fcb7ce3c97a145127dd252606da9586f53f73dfa89d5"},"release":{"author":{"id":1,"login":"ann"},"id":1,"tag_name":"v1"}}
    "#);
}

#[test]
fn github_audit_log() {
    // as the API gives it: one array, indented
    let log = r#"[
  {
    "@timestamp": 1769860800123, "_document_id": "doc-1", "action": "repo.access", "actor": "ann",
    "actor_id": 1, "actor_ip": "192.0.2.1", "actor_location": {"country_code": "DE"}, "org": "acme", "repo": "acme/pay",
    "created_at": 1769860800123, "visibility": "public", "previous_visibility": "private",
    "hashed_token": "x", "token_id": 5, "user_agent": "curl", "external_identity_nameid": "ann@acme.example"
  },
  {"action": "environment.update_actions_secret", "actor": "ann", "business": "acme-corp", "key": "DEPLOY_KEY", "created_at": 1769860801000},
  {"action": "public_key.create", "actor": "ann", "key": "ssh-rsa AAAA", "title": "laptop", "fingerprint": "aa"}
]"#;
    assert_snapshot!(recorded("github-audit-log", &[], log), @r#"
    com.github.audit.repo.access | https://github.com/acme | doc-1 | acme/pay | 2026-01-31T12:00:00.123Z
    {"action":"repo.access","actor":"ann","actor_id":1,"created_at":1769860800123,"document_id":"doc-1","org":"acme","payload":{"bytes":425,"digest":"sha256:8f099ff903032ea2c9ccae87312173df53aa7cb1b6aa41c48001b7213eb9728b"},"previous_visibility":"private","repo":"acme/pay","visibility":"public"}
    com.github.audit.environment.update_actions_secret | https://github.com/enterprises/acme-corp | sha256:599c0596… | acme-corp | 2026-01-31T12:00:01.000Z
    {"action":"environment.update_actions_secret","actor":"ann","business":"acme-corp","created_at":1769860801000,"key":"DEPLOY_KEY","payload":{"bytes":138,"digest":"sha256:599c0596fc7e336a9cb5ff89de688733861d5c7c1f4e8f0e4e7e7b1e3c1405d0"}}
    com.github.audit.public_key.create | https://github.com | sha256:5adc3811… | - | -
    {"action":"public_key.create","actor":"ann","fingerprint":"aa","payload":{"bytes":110,"digest":"sha256:5adc3811b1bb2a516ef2485aeff22723c061ef9b25cbf0aa230d7f089cf44a6a"}}
    "#);
}

#[test]
fn cloudevents() {
    let lines = "\u{feff}{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/ci\",\"type\":\"org.acme.built\",\"subject\":\"pay\",\"time\":\"2026-01-31T12:00:00.5+01:00\",\"traceparent\":null,\"data\":{\"b\":1,\"a\":\"é\"}}\r\n\r\n{\"specversion\":\"1.0\",\"id\":\"2\",\"source\":\"/ci\",\"type\":\"org.acme.measured\",\"data\":{\"seconds\": 1.50,\"big\":18446744073709551616}}\r\n";
    assert_snapshot!(recorded("cloudevents", &[], lines), @r#"
    org.acme.built | /ci | 1 | pay | 2026-01-31T12:00:00.5+01:00
    {"a":"é","b":1}
    org.acme.measured | /ci | 2 | - | -
    eyJzZWNvbmRzIjogMS41MCwiYmlnIjoxODQ0Njc0NDA3MzcwOTU1MTYxNn0=
    "#);
    let batch = r#"[{"specversion":"1.0","id":"1","source":"/ci","type":"a.b","data":"text"},{"specversion":"1.0","id":"1","source":"/ci","type":"a.b","data":"other, and left out"},{"specversion":"1.0","id":"3","source":"/ci","type":"a.b","datacontenttype":"application/octet-stream","data_base64":"AAEC"}]"#;
    assert_snapshot!(recorded("cloudevents", &["--source", "/mirror"], batch), @r#"
    a.b | /mirror | 1 | - | -
    "text"
    a.b | /mirror | 3 | - | -
    AAEC
    "#);
}

#[test]
fn cdevents() {
    let old = r#"{"context":{"version":"0.3.0","id":"a","source":"/tekton","type":"dev.cdevents.pipelinerun.started.0.1.1","timestamp":"2026-01-31T12:00:00Z"},"subject":{"id":"run-1","type":"pipelineRun","content":{"pipelineName":"p","url":"https://ci.example/1"}}}"#;
    let new = r#"{"context":{"specversion":"0.5.0","id":"b","source":"/argo","type":"dev.cdevents.service.deployed.0.3.0","timestamp":"2026-01-31T12:00:00Z"},"subject":{"id":"pay","content":{"environment":{"id":"prod"},"artifactId":"pkg:oci/pay@sha256:ab"}},"customData":{"load":0.5}}"#;
    assert_snapshot!(recorded("cdevents", &[], &[old, new].join("\n")), @r#"
    dev.cdevents.pipelinerun.started.0.1.1 | /tekton | a | run-1 | 2026-01-31T12:00:00Z
    {"context":{"id":"a","source":"/tekton","timestamp":"2026-01-31T12:00:00Z","type":"dev.cdevents.pipelinerun.started.0.1.1","version":"0.3.0"},"subject":{"content":{"pipelineName":"p","url":"https://ci.example/1"},"id":"run-1","type":"pipelineRun"}}
    dev.cdevents.service.deployed.0.3.0 | /argo | b | pay | 2026-01-31T12:00:00Z
    eyJjb250ZXh0Ijp7InNwZWN2ZXJzaW9uIjoiMC41LjAiLCJpZCI6ImIiLCJzb3VyY2UiOiIvYXJnbyIsInR5cGUiOiJkZXYuY2RldmVudHMuc2VydmljZS5kZXBsb3llZC4wLjMuMCIsInRpbWVzdGFtcCI6IjIwMjYtMDEtMzFUMTI6MDA6MDBaIn0sInN1YmplY3QiOnsiaWQiOiJwYXkiLCJjb250ZW50Ijp7ImVudmlyb25tZW50Ijp7ImlkIjoicHJvZCJ9LCJhcnRpZmFjdElkIjoicGtnOm9jaS9wYXlAc2hhMjU2OmFiIn19LCJjdXN0b21EYXRhIjp7ImxvYWQiOjAuNX19
    "#);
}

/// Events as the makers of the specification's own library write and read them come through whole:
/// of three versions, custom ones, and built by it.
#[test]
fn cdevents_of_their_own_library() {
    use cdevents_sdk::{CDEvent, Subject, latest::service_deployed};
    let event = |version: &str, id: &str, kind: &str, more: &str, content: &str| {
        let name = if version.starts_with("0.5") {
            "specversion"
        } else {
            "version"
        };
        format!(
            r#"{{"context":{{"{name}":"{version}","id":"{id}","source":"/ci","type":"{kind}","timestamp":"2026-01-31T12:00:00Z"}},"subject":{{"id":"run",{more}"content":{content}}}}}"#
        )
    };
    let run = r#""type":"pipelineRun","#;
    let started = r#"{"pipelineName":"p","url":"https://ci.example/1"}"#;
    let built = CDEvent::from(
        Subject::from(service_deployed::Content {
            artifact_id: "pkg:oci/pay@sha256:ab".try_into().expect("an id"),
            environment: service_deployed::ContentEnvironment {
                id: "prod".try_into().expect("an id"),
                source: None,
            },
        })
        .with_id("pay".try_into().expect("an id")),
    )
    .with_id("built".try_into().expect("an id"))
    .with_source("https://argo.example".try_into().expect("a URI"));
    let given = [
        event(
            "0.3.0",
            "1",
            "dev.cdevents.pipelinerun.started.0.1.1",
            run,
            started,
        ),
        event(
            "0.4.1",
            "2",
            "dev.cdevents.pipelinerun.started.0.2.0",
            run,
            started,
        ),
        event("0.5.0", "3", "dev.cdevents.build.queued.0.3.0", "", "{}"),
        event("0.5.1", "4", "dev.cdeventsx.probes.ping.0.1.0", "", "{}"),
        event("0.5.1", "5", "com.example.probes.ping.0.1.0", "", "{}"),
        serde_json::to_string(&built).expect("JSON"),
    ];
    let wanted: Vec<CDEvent> = given
        .iter()
        .map(|text| serde_json::from_str(text).unwrap_or_else(|why| panic!("{text}: {why}")))
        .collect();
    let world = world();
    let summary = imported(&world, "cdevents", &[], format!("[{}]", given.join(",\n")));
    assert_eq!(number(&summary, "recorded"), 6);
    assert_both_agree(&world, "r");
    let recorded = events(&world, "r");
    for (wanted, event) in wanted.iter().zip(&recorded) {
        let inside: CDEvent = serde_json::from_str(&data(event)).expect("a CDEvent");
        assert_eq!(&inside, wanted);
        assert_eq!(text(event, "id"), wanted.id().as_str());
        assert_eq!(text(event, "type"), wanted.ty());
        assert_eq!(text(event, "source"), wanted.source().as_str());
        assert_eq!(text(event, "subject"), wanted.subject().id().as_str());
    }
}

#[test]
fn json_lines() {
    let lines = r#"{"when":1769860800,"who":{"name":"ann"},"n":1,"key":17}
{"when":1769860800123,"who":{"name":"bob"},"n":1.5,"key":18}
{"when":"2026-01-31T12:00:00Z","who":{"name":"cy"},"key":"x"}
"#;
    let fields = [
        "--type",
        "org.acme.access",
        "--time-field",
        "when",
        "--id-field",
        "key",
        "--subject-field",
        "who.name",
        "--source",
        "/door",
    ];
    assert_snapshot!(recorded("jsonl", &fields, lines), @r#"
    org.acme.access | /door | 17 | ann | 2026-01-31T12:00:00Z
    {"key":17,"n":1,"when":1769860800,"who":{"name":"ann"}}
    org.acme.access | /door | 18 | bob | 2026-01-31T12:00:00.123Z
    eyJ3aGVuIjoxNzY5ODYwODAwMTIzLCJ3aG8iOnsibmFtZSI6ImJvYiJ9LCJuIjoxLjUsImtleSI6MTh9
    org.acme.access | /door | x | cy | 2026-01-31T12:00:00Z
    {"key":"x","when":"2026-01-31T12:00:00Z","who":{"name":"cy"}}
    "#);
    assert_snapshot!(recorded("jsonl", &["--type", "t"], "{\"a\":1}\n{\"a\":1}\n{ \"a\":1}\n"), @r#"
    t | /r | sha256:015abd7f… | - | -
    {"a":1}
    t | /r | sha256:3d7bd9ed… | - | -
    {"a":1}
    "#);
}

#[test]
fn what_is_told() {
    let world = world();
    let lines = "{\"a\":1}\n{\"a\":2}\n{\"a\":1}\nnot JSON\n[1]\n{\"a\":1,\"a\":2}\n";
    let said = import(&world, "jsonl", &["--type", "t"], lines).code(129);
    assert_snapshot!(said, @r#"
    ! error: 3 records cannot be taken:
    !        ../input:4: it is no JSON that is taken here: expected ident at column 2
    !        ../input:5: a payload is a JSON object
    !        ../input:6: it is no JSON that is taken here: the name "a" stands twice at column 13
    ! hint: nothing was recorded; --skip-bad records the others
    [exit 129]
    "#);
    let said = import(
        &world,
        "jsonl",
        &["--type", "t", "--skip-bad", "--dry-run"],
        lines,
    )
    .code(1);
    assert_snapshot!(said, @r#"
    would record 3 events, but for those that are recorded already
           3  t
    refused 3 records:
      ../input:4: it is no JSON that is taken here: expected ident at column 2
      ../input:5: a payload is a JSON object
      ../input:6: it is no JSON that is taken here: the name "a" stands twice at column 13
    [exit 1]
    "#);
    assert!(events(&world, "r").is_empty());
    let said = import(&world, "jsonl", &["--type", "t", "--skip-bad"], lines).code(1);
    let said = said.to_string();
    let (told, seal) = said.split_once("newest entry 1\n").expect("an entry");
    assert_snapshot!(told, @r#"
    recorded 2 events in entry 1
           2  t
    recorded before: 1 event
    refused 3 records:
      ../input:4: it is no JSON that is taken here: expected ident at column 2
      ../input:5: a payload is a JSON object
      ../input:6: it is no JSON that is taken here: the name "a" stands twice at column 13
    "#);
    assert!(
        seal.contains("  digest sha256:") && seal.contains("  commit "),
        "{seal}"
    );
    let said = import(&world, "jsonl", &["--type", "t"], "{\"a\":2}").ok();
    assert_snapshot!(said, @r#"
    recorded no event
    recorded before: 1 event
    "#);
    let summary = imported(
        &world,
        "jsonl",
        &["--type", "u", "--events-per-entry", "2"],
        "{\"a\":1}\n{\"a\":2}\n{\"a\":3}",
    );
    assert_eq!(
        (number(&summary, "entries"), number(&summary, "recorded")),
        (1, 1)
    );
    assert_eq!(
        (number(&summary, "first"), number(&summary, "last")),
        (2, 2)
    );
    let said = world
        .ledger_with(
            "r",
            &["import", "--from", "jsonl", "--type", "v", "-"],
            b"{\"a\":9}\n",
        )
        .ok();
    assert!(
        said.starts_with("recorded 1 event in entry 3\n       1  v\n"),
        "{said}"
    );
}
