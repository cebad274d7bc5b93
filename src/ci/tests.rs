//! Environments as the systems make them, and as somebody with bad intentions would.

use std::collections::BTreeMap;

use super::*;

/// An environment of these variables, and of secrets that stand beside them.
fn environment(given: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    let secrets = [
        ("GITHUB_TOKEN", "planted-github-token"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "planted-request-token"),
        ("ACTIONS_RUNTIME_TOKEN", "planted-runtime-token"),
        ("CI_JOB_TOKEN", "planted-job-token"),
        ("CI_REGISTRY_PASSWORD", "planted-registry-password"),
        (
            "CI_REPOSITORY_URL",
            "https://ci:planted-clone@gitlab.example/a/b",
        ),
        ("GITLAB_USER_EMAIL", "planted@example.org"),
        ("BUILDKITE_AGENT_ACCESS_TOKEN", "planted-agent-token"),
        ("BUILDKITE_BUILD_CREATOR_EMAIL", "planted@example.org"),
        ("BUILDKITE_MESSAGE", "planted message"),
        ("CHANGE_AUTHOR_EMAIL", "planted@example.org"),
        ("CHANGE_TITLE", "planted title"),
        ("AWS_SECRET_ACCESS_KEY", "planted-aws"),
        ("USER", "planted-user"),
    ];
    secrets
        .iter()
        .chain(given)
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

fn detected(given: &[(&str, &str)]) -> Option<Ci> {
    let environment = environment(given);
    detect(&|name| environment.get(name).filter(|v| !v.is_empty()).cloned())
}

#[track_caller]
fn said(given: &[(&str, &str)]) -> String {
    let text = Value::from(detected(given).expect("a system").object()).to_canonical();
    assert!(!text.contains("planted"), "{text}");
    text
}

const GITHUB: &[(&str, &str)] = &[
    ("CI", "true"),
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_ACTOR", "ann"),
    ("GITHUB_TRIGGERING_ACTOR", "bob"),
    ("GITHUB_REPOSITORY", "acme/payments"),
    ("GITHUB_SHA", "8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f"),
    ("GITHUB_REF", "refs/pull/7/merge"),
    ("GITHUB_HEAD_REF", "feature"),
    ("GITHUB_BASE_REF", "main"),
    ("GITHUB_EVENT_NAME", "pull_request"),
    (
        "GITHUB_WORKFLOW_REF",
        "acme/payments/.github/workflows/ci.yml@refs/heads/main",
    ),
    ("GITHUB_RUN_ID", "123"),
    ("GITHUB_RUN_ATTEMPT", "2"),
    ("GITHUB_RUN_NUMBER", "45"),
    ("GITHUB_JOB", "build"),
    ("GITHUB_ACTION", "__run_2"),
    ("GITHUB_SERVER_URL", "https://github.com"),
    ("GITHUB_EVENT_PATH", "/tmp/event.json"),
    ("RUNNER_ENVIRONMENT", "github-hosted"),
];

#[test]
fn github() {
    insta::assert_snapshot!(said(GITHUB), @r#"{"actor":"ann","change":{"base":"main","head":"feature","number":"7"},"commit":"8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f","event":"pull_request","job":"build","ref":"refs/pull/7/merge","repository":"acme/payments","run":{"attempt":"2","id":"123","number":"45","url":"https://github.com/acme/payments/actions/runs/123/attempts/2"},"runner":"github-hosted","step":"__run_2","system":"github","triggeredBy":"bob","workflow":"acme/payments/.github/workflows/ci.yml@refs/heads/main"}"#);
    let ci = detected(GITHUB).expect("a system");
    assert_eq!(ci.payload(), Some(b"/tmp/event.json".as_slice()));
    assert_eq!(ci.get("run.id"), Some("123"));
}

#[test]
fn gitea_and_forgejo_say_they_are_github_too() {
    let gitea = [GITHUB, &[("GITEA_ACTIONS", "true")]].concat();
    insta::assert_snapshot!(said(&gitea), @r#"{"actor":"ann","change":{"base":"main","head":"feature","number":"7"},"commit":"8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f","event":"pull_request","job":"build","ref":"refs/pull/7/merge","repository":"acme/payments","run":{"attempt":"2","id":"123","number":"45","url":"https://github.com/acme/payments/actions/runs/45"},"step":"__run_2","system":"gitea","triggeredBy":"bob","workflow":"acme/payments/.github/workflows/ci.yml@refs/heads/main"}"#);
    let forgejo = [gitea.as_slice(), &[("FORGEJO_ACTIONS", "true")]].concat();
    let ci = detected(&forgejo).expect("a system");
    assert_eq!(ci.system(), Some(System::Forgejo));
    assert!(ci.claimed_by.is_empty());
    assert_eq!(ci.payload(), Some(b"/tmp/event.json".as_slice()));
}

#[test]
fn gitlab() {
    let branch = [
        ("GITLAB_CI", "true"),
        ("GITLAB_USER_LOGIN", "ann"),
        ("CI_PROJECT_PATH", "acme/payments"),
        ("CI_COMMIT_SHA", "8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f"),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_COMMIT_REF_NAME", "main"),
        ("CI_PIPELINE_SOURCE", "push"),
        ("CI_PIPELINE_ID", "1000"),
        ("CI_PIPELINE_IID", "45"),
        (
            "CI_PIPELINE_URL",
            "https://gitlab.example/acme/payments/-/pipelines/1000",
        ),
        ("CI_JOB_ID", "9"),
        (
            "CI_JOB_URL",
            "https://gitlab.example/acme/payments/-/jobs/9",
        ),
        ("CI_JOB_NAME", "deploy"),
        ("CI_ENVIRONMENT_NAME", "production"),
    ];
    insta::assert_snapshot!(said(&branch), @r#"{"actor":"ann","commit":"8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f","environment":"production","event":"push","job":"deploy","ref":"refs/heads/main","repository":"acme/payments","run":{"id":"1000","job":"9","jobUrl":"https://gitlab.example/acme/payments/-/jobs/9","number":"45","url":"https://gitlab.example/acme/payments/-/pipelines/1000"},"system":"gitlab"}"#);
    let of = |more: &[(&'static str, &'static str)]| {
        let base = [("GITLAB_CI", "true"), ("CI_COMMIT_REF_NAME", "x")];
        let ci = detected(&[&base[..], more].concat()).expect("a system");
        ci.get("ref").map(str::to_owned)
    };
    assert_eq!(of(&[("CI_COMMIT_TAG", "v1")]), Some("refs/tags/v1".into()));
    let path = "refs/merge-requests/1/head";
    assert_eq!(
        of(&[("CI_MERGE_REQUEST_REF_PATH", path)]),
        Some(path.into())
    );
    assert_eq!(of(&[]), Some("x".into()));
}

#[test]
fn jenkins() {
    let build = [
        ("BUILD_TAG", "jenkins-payments-main-45"),
        ("BUILD_ID", "45"),
        ("BUILD_NUMBER", "45"),
        ("BUILD_URL", "http://ci.example/job/payments/job/main/45/"),
        ("JOB_NAME", "payments/main"),
        ("STAGE_NAME", "deploy"),
        ("NODE_NAME", "built-in"),
        (
            "GIT_URL",
            "https://bot:planted-password@git.example/acme/payments",
        ),
        ("GIT_COMMIT", "8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f"),
        ("GIT_BRANCH", "origin/main"),
    ];
    insta::assert_snapshot!(said(&build), @r#"{"commit":"8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f","job":"payments/main","ref":"refs/heads/main","repository":"https://git.example/acme/payments","run":{"id":"45","number":"45","url":"http://ci.example/job/payments/job/main/45/"},"runner":"built-in","step":"deploy","system":"jenkins"}"#);
    let change = [
        ("JENKINS_URL", "http://ci.example/"),
        ("BRANCH_NAME", "PR-7"),
        ("CHANGE_ID", "7"),
        (
            "CHANGE_URL",
            "https://forge.example/acme/payments/pulls/7?token=planted",
        ),
        ("CHANGE_TARGET", "main"),
        ("CHANGE_BRANCH", "feature"),
        ("CHANGE_AUTHOR", "ann"),
        ("GIT_URL", "git@git.example:acme/payments"),
    ];
    insta::assert_snapshot!(said(&change), @r#"{"change":{"author":"ann","base":"main","head":"feature","number":"7","url":"https://forge.example/acme/payments/pulls/7"},"repository":"git.example:acme/payments","system":"jenkins"}"#);
    let other = [("BUILD_TAG", "something-else"), ("JOB_NAME", "x")];
    assert_eq!(detected(&other), None);
}

#[test]
fn buildkite() {
    let build = [
        ("BUILDKITE", "true"),
        ("BUILDKITE_BUILD_CREATOR", "Ann"),
        (
            "BUILDKITE_REPO",
            "ssh://git:planted@git.example/acme/payments",
        ),
        ("BUILDKITE_COMMIT", "HEAD"),
        ("BUILDKITE_BRANCH", "main"),
        ("BUILDKITE_SOURCE", "webhook"),
        ("BUILDKITE_ORGANIZATION_SLUG", "acme"),
        ("BUILDKITE_PIPELINE_SLUG", "payments"),
        ("BUILDKITE_BUILD_ID", "018f"),
        ("BUILDKITE_BUILD_NUMBER", "45"),
        ("BUILDKITE_RETRY_COUNT", "0"),
        (
            "BUILDKITE_BUILD_URL",
            "https://buildkite.com/acme/payments/builds/45",
        ),
        ("BUILDKITE_JOB_ID", "019a"),
        ("BUILDKITE_LABEL", ":rocket: deploy"),
        ("BUILDKITE_PULL_REQUEST", "false"),
    ];
    insta::assert_snapshot!(said(&build), @r#"{"actor":"Ann","commit":"HEAD","event":"webhook","job":":rocket: deploy","ref":"refs/heads/main","repository":"ssh://git.example/acme/payments","run":{"attempt":"1","id":"018f","job":"019a","number":"45","url":"https://buildkite.com/acme/payments/builds/45"},"system":"buildkite","workflow":"acme/payments"}"#);
}

#[test]
fn a_shell_is_known_by_its_account_alone() {
    assert_eq!(detected(&[("CI", "true"), ("SHELL", "/bin/sh")]), None);
    let object = Value::from(shell("ann").object()).to_canonical();
    assert_eq!(object, r#"{"actor":"ann","system":"shell"}"#);
}

#[test]
fn systems_that_contradict_each_other_are_not_mixed() {
    let both = [GITHUB, &[("GITLAB_CI", "true"), ("CI_COMMIT_SHA", "x")]].concat();
    let ci = detected(&both).expect("a system");
    assert_eq!(ci.claimed_by, [System::Github, System::Gitlab]);
    assert_eq!((ci.system(), ci.payload()), (None, None));
    assert_eq!(
        Value::from(ci.object()).to_canonical(),
        r#"{"claims":["github","gitlab"],"system":"unclear"}"#
    );
    // whoever knows better says so
    let environment = environment(&both);
    let env = |name: &str| environment.get(name).cloned();
    let ci = of(System::Github, &env).expect("a system");
    assert_eq!(ci.get("repository"), Some("acme/payments"));
    assert_eq!(of(System::Jenkins, &env), None);
}

#[test]
fn a_mark_that_is_empty_or_false_is_none() {
    for value in ["", "false", "0"] {
        assert_eq!(detected(&[("GITHUB_ACTIONS", value)]), None, "{value}");
    }
}

#[test]
fn hostile_values_are_bounded_and_spelled() {
    let long = "x".repeat(1 << 20);
    let edge = "y".repeat(512);
    let given = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_ACTOR", long.as_str()),
        ("GITHUB_JOB", edge.as_str()),
        ("GITHUB_REF", "refs/heads/\u{1b}[2J"),
        ("GITHUB_REPOSITORY", "acme/\u{202e}payments"),
        ("GITHUB_ACTION", "a\n::set-output name=x::y"),
        ("GITHUB_EVENT_NAME", "\u{85}"),
        ("GITHUB_SERVER_URL", "javascript:alert(1)"),
        ("GITHUB_RUN_ID", "1/../../x"),
    ];
    let text = said(&given)
        .replace(&edge, "YYY")
        .replace('\u{202e}', "RLO");
    insta::assert_snapshot!(text, @r#"{"event_base64":"woU=","job":"YYY","leftOut":["actor"],"ref_base64":"cmVmcy9oZWFkcy8bWzJK","repository":"acme/RLOpayments","run":{"id":"1/../../x"},"step_base64":"YQo6OnNldC1vdXRwdXQgbmFtZT14Ojp5","system":"github"}"#);
    let raw = |name: &str| match name {
        "GITLAB_CI" => Some(b"true".to_vec()),
        "CI_JOB_NAME" => Some(b"caf\xe9".to_vec()),
        _ => None,
    };
    let ci = detect(&raw).expect("a system");
    assert_eq!(ci.get("job_base64"), Some("Y2Fm6Q=="));
}

#[test]
fn addresses_lose_their_secrets() {
    let cases = [
        ("https://a:b@host/x?token=1#y", Some("https://host/x")),
        ("HTTP://host:8080", Some("http://host:8080")),
        ("https://a@b@host/", Some("https://host/")),
        ("https://host/a@b", Some("https://host/a@b")),
        ("https://[::1]:80/", Some("https://[::1]:80/")),
        ("ftp://host/", None),
        ("https:///x", None),
        ("https://user:pass@", None),
        ("https://host/\u{1b}[2J", None),
        ("https://ho st/", None),
        ("https://host/<script>", None),
        ("file:///etc/passwd", None),
        ("host/x", None),
    ];
    for (given, expected) in cases {
        assert_eq!(value::web_address(given).as_deref(), expected, "{given}");
    }
}

#[test]
fn a_payload_is_reduced() {
    let body = br#"{"action":"closed","number":7,"pull_request":{"number":7,"title":"planted title",
        "body":"planted","draft":false,"merged":true,"merged_by":{"login":"bob","email":"planted@x"},
        "user":{"login":"ann"},"head":{"ref":"feature","sha":"8a1f","repo":{"full_name":"fork/payments"}},
        "base":{"ref":"main","sha":"77ab"},"score":0.5},"sender":{"login":"bob","id":9007199254740993},
        "commits":[{"author":{"email":"planted@x"}}],"inputs":{"password":"planted"},
        "ref":{"planted":"planted"}}"#;
    let text = Value::from(payload::reduce(body)).to_canonical();
    assert!(!text.contains("planted"), "{text}");
    insta::assert_snapshot!(text, @r#"{"action":"closed","bytes":517,"digest":"sha256:bf02b80eff3074131c459df51af8ed11ebd286c6dd6f05d3f2662c46f24c0afa","number":7,"pull_request":{"base":{"ref":"main","sha":"77ab"},"draft":false,"head":{"ref":"feature","repo":{"full_name":"fork/payments"},"sha":"8a1f"},"merged":true,"merged_by":{"login":"bob"},"number":7,"user":{"login":"ann"}},"sender":{"login":"bob"}}"#);
}

#[test]
fn a_payload_that_cannot_be_read_is_known_by_its_digest() {
    for body in [
        b"".as_slice(),
        b"[]",
        b"{\"action\":\"a\",\"action\":\"b\"}",
        b"{\"action\":",
        b"\xff\xfe",
    ] {
        let object = payload::reduce(body);
        let unread = object.get("unread").and_then(Value::as_str);
        assert_eq!(unread, Some("malformed"), "{body:?}");
        assert!(object.get("digest").is_some());
        assert_eq!(object.get("action"), None);
    }
    let hostile = br#"{"action":"\u001b[2J","ref":"::error::x","number":1e400}"#;
    let object = payload::reduce(hostile);
    assert_eq!(
        object.get("unread").and_then(Value::as_str),
        Some("malformed")
    );
    let hostile = br#"{"action":"\u001b[2J\u0085","ref":"::error::x","number":1.5}"#;
    insta::assert_snapshot!(Value::from(payload::reduce(hostile)).to_canonical(), @r#"{"action_base64":"G1sySlx1ezg1fQ==","bytes":60,"digest":"sha256:d7170b80102d6313900e085287e17c523a468ab8e5d91cd5be8aa8617c6e7e6b","number":"1.5","ref":"::error::x"}"#);
}
