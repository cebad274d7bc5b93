//! One body, one event, whatever is in it.

use super::*;

fn github(kind: Option<&str>, body: &str) -> Result<Event, Fault> {
    let delivery = Delivery {
        source: Source::GithubWebhook,
        kind,
        base: None,
        body: body.as_bytes(),
    };
    read(&delivery).map(|events| events.into_iter().next().expect("one event"))
}

const PUSH: &str = r#"{"ref":"refs/heads/main","before":"00","after":"ab","created":true,"deleted":false,
    "forced":false,"base_ref":null,"compare":"https://github.com/acme/pay/compare/00...ab",
    "commits":[{"id":"ab","message":"x","author":{"email":"ann@acme.example"}}],
    "head_commit":{"id":"ab","timestamp":"2026-01-31T12:00:00Z","message":"call ann@acme.example"},
    "pusher":{"name":"ann","email":"ann@acme.example"},
    "repository":{"id":7,"full_name":"acme/pay","html_url":"https://github.com/acme/pay","private":true,
    "pushed_at":1769860800,"description":"x"},"sender":{"login":"ann","id":1,"type":"User","node_id":"x"}}"#;

#[test]
fn a_push_is_reduced_to_what_an_auditor_asks_for() {
    let event = github(Some("push"), PUSH).expect("an event");
    let digest = hex(&sha256(PUSH.as_bytes()));
    assert_eq!(
        event.to_line(),
        format!(
            r#"{{"data":{{"after":"ab","before":"00","commits_count":1,"compare":"https://github.com/acme/pay/compare/00...ab","created":true,"deleted":false,"forced":false,"head_commit":{{"id":"ab","timestamp":"2026-01-31T12:00:00Z"}},"payload":{{"bytes":{},"digest":"sha256:{digest}"}},"pusher":{{"name":"ann"}},"ref":"refs/heads/main","repository":{{"full_name":"acme/pay","id":7,"private":true}},"sender":{{"id":1,"login":"ann","type":"User"}}}},"id":"sha256:{digest}","source":"https://github.com/acme/pay","specversion":"1.0","subject":"refs/heads/main","time":"2026-01-31T12:00:00Z","type":"com.github.push"}}"#,
            PUSH.len()
        )
    );
    assert_eq!(github(None, PUSH).as_ref(), Ok(&event));
    assert_eq!(github(Some("push"), PUSH), Ok(event));
}

#[test]
fn what_is_not_known_is_kept_by_digest() {
    let body = r#"{"action":"sprouted","tree":{"secret":"x"},"sender":{"login":"ann","id":1}}"#;
    let event = github(Some("new_thing"), body).expect("an event");
    assert_eq!(event.kind(), "com.github.new_thing.sprouted");
    assert_eq!(event.source(), "https://github.com");
    let data = event.data().expect("data").to_canonical();
    assert!(!data.contains("tree") && data.contains(&digest(body.as_bytes())));
    // an action that nobody knew of an event that is known
    let body = r##"{"action":"x y\u001b[2J::set-output name=a::b/é","number":3,"pull_request":{"number":3,"head":{"ref":"a::set-output name=x::y\u202e<b>"}}}"##;
    let event = github(Some("pull_request"), body).expect("an event");
    assert_eq!(
        event.kind(),
        "com.github.pull_request.x_y__2J__set-output_name_a__b__"
    );
    assert_eq!(event.subject(), Some("#3"));
    let body = format!(r#"{{"action":"{}"}}"#, "a".repeat(1000));
    let event = github(Some("watch"), &body).expect("an event");
    assert_eq!(event.kind().len(), "com.github.watch.".len() + 64);
}

#[test]
fn a_name_must_fit_its_body() {
    let misnamed = |kind, body| match github(Some(kind), body) {
        Err(Fault::Misnamed(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        misnamed("deployment", PUSH),
        "it is said to be the event 'deployment', and has no 'deployment'"
    );
    for name in [
        "",
        "Push",
        "a b",
        "a.b",
        "../x",
        "push\n",
        "é",
        &"x".repeat(65),
    ] {
        assert!(misnamed(name, PUSH).contains("lower-case"), "{name}");
    }
    assert_eq!(github(None, "{}"), Err(Fault::Nameless));
    let watch_or_another = r#"{"action":"started","repository":{},"sender":{}}"#;
    assert_eq!(github(None, watch_or_another), Err(Fault::Nameless));
}

#[test]
fn what_readers_disagree_about_is_no_event() {
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let cases = [
        "",
        "null",
        "[]",
        "[{}]",
        "\"x\"",
        "{",
        "{}{}",
        "\u{feff}{}",
        r#"{"ref":"a","ref":"b"}"#,
        r#"{"a":"\ud800"}"#,
        &format!(r#"{{"a":{deep}}}"#),
        "payload=%7B%7D",
    ];
    for body in cases {
        assert!(
            matches!(
                github(Some("push"), body),
                Err(Fault::Malformed(_) | Fault::NotOfItsForm(_))
            ),
            "{body}"
        );
    }
    let delivery = Delivery {
        source: Source::GithubWebhook,
        kind: Some("push"),
        base: None,
        body: b"{\"a\":\"\xff\"}",
    };
    assert!(matches!(read(&delivery), Err(Fault::Malformed(_))));
    let large = vec![b' '; MAX_BODY + 1];
    let delivery = Delivery {
        body: &large,
        ..delivery
    };
    assert_eq!(read(&delivery), Err(Fault::TooLarge));
}

#[test]
fn the_source_is_a_page_or_what_was_asked_for() {
    let of = |repository: &str| {
        let body = format!(r#"{{"action":"started","repository":{{"html_url":"{repository}"}}}}"#);
        github(Some("watch"), &body)
            .expect("an event")
            .source()
            .to_owned()
    };
    assert_eq!(of("https://ghe.example/a/b"), "https://ghe.example/a/b");
    for other in [
        "",
        "javascript:x",
        "https://u:p@h/x",
        "https://h/ x",
        "https://h/?t=1",
    ] {
        assert_eq!(of(other), "https://github.com", "{other}");
    }
    let body = br#"{"action":"started","organization":{"login":"acme","url":"https://api.github.com/orgs/acme"}}"#;
    let mut delivery = Delivery {
        source: Source::GithubWebhook,
        kind: Some("watch"),
        base: None,
        body,
    };
    let source = |delivery: &Delivery<'_>| read(delivery).expect("one")[0].source().to_owned();
    assert_eq!(source(&delivery), "https://github.com/acme");
    delivery.base = Some("/forge");
    assert_eq!(source(&delivery), "/forge");
}

#[test]
fn a_line_of_deliveries_holds_the_bytes_of_a_body() {
    let line = br#"{"delivery":"x","event":"push","payload": {"a" : 1} }"#;
    let wrapped = |line| github::wrapped(line);
    let expected = github::Wrapped {
        event: Some("push".into()),
        body: br#"{"a" : 1}"#.into(),
    };
    assert_eq!(wrapped(line), Ok(Some(expected.clone())));
    let line = br#"{"event":"push","body":"{\"a\" : 1}"}"#;
    assert_eq!(wrapped(line), Ok(Some(expected)));
    assert_eq!(wrapped(PUSH.as_bytes()), Ok(None));
    for line in [
        &br#"{"event":1,"payload":{}}"#[..],
        br#"{"payload":[]}"#,
        br#"{"payload":{},"body":"x"}"#,
        br#"{"body":{}}"#,
    ] {
        assert!(matches!(wrapped(line), Err(Fault::NotOfItsForm(_))));
    }
}

#[test]
fn a_whole_body_is_an_event_of_its_own() {
    let event = github(Some("push"), PUSH).expect("an event");
    let kept = kept(&event, PUSH.as_bytes()).expect("an event");
    assert_eq!(kept.event.id(), format!("{}/payload", event.id()));
    assert_eq!(kept.event.attachment(), event.id().strip_prefix("sha256:"));
    assert_eq!(kept.body.as_deref(), Some(PUSH.as_bytes()));
}
