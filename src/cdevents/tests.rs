//! What is built is what another reader of the specification takes.

use super::*;

/// A value that fits, in its fullest form.
fn sample(form: Form) -> Value {
    match form {
        Form::Text | Form::Name => "some text".into(),
        Form::Uri => "https://ci.example/run/7?a=b#c".into(),
        Form::Reference => "/acme/payments".into(),
        Form::Word(words) => words.last().copied().unwrap_or_default().into(),
        Form::Texts => vec!["a".into(), "b".into()].into(),
        Form::Object => Object::new().into(),
    }
}

fn put(content: &mut Object, name: &str, value: Value) {
    match name.split_once('.') {
        Some((outer, inner)) => {
            let object = content.get(outer).and_then(Value::as_object).cloned();
            content.set(outer, object.unwrap_or_default().with(inner, value));
        }
        None => content.set(name, value),
    }
}

fn take(content: &mut Object, name: &str) {
    match name.split_once('.') {
        Some((outer, inner)) => {
            let object = content.get(outer).and_then(Value::as_object).cloned();
            let mut object = object.unwrap_or_default();
            object.remove(inner);
            content.set(outer, object);
        }
        None => {
            content.remove(name);
        }
    }
}

fn full(kind: Kind) -> Object {
    let mut content = Object::new();
    for (name, form) in kind.members() {
        put(&mut content, name, sample(form));
    }
    content
}

fn least(kind: Kind) -> Object {
    let mut content = Object::new();
    for (name, form) in kind.members() {
        if kind.required().any(|required| required == name) {
            put(&mut content, name, sample(form));
        }
    }
    content
}

fn built(kind: Kind, content: Object) -> Result<Object, Fault> {
    let subject = Subject {
        id: "payments".into(),
        source: Some("/acme".into()),
        content,
    };
    let custom = Object::new().with("ci", Object::new().with("system", "github"));
    let time = "2026-01-31T12:00:00Z";
    event(kind, "1", "/acme/payments", time, subject, Some(custom))
}

/// The other reader: it refuses members it does not know and content that is not there.
fn read_by_others(data: &Value) -> Result<cdevents_sdk::CDEvent, serde_json::Error> {
    serde_json::from_str(&data.to_canonical())
}

#[test]
fn others_read_every_type_with_all_and_with_the_least_content() {
    let mut count = 0;
    for kind in Kind::all() {
        for content in [full(kind), least(kind)] {
            let object = built(kind, content).expect("an event");
            let event = crate::event::Event::from_object(object).expect("an event");
            let data = event.data().expect("data");
            let theirs = read_by_others(data).unwrap_or_else(|why| panic!("{kind}: {why}"));
            assert_eq!(theirs.ty(), event.kind());
            assert_eq!(theirs.id().as_str(), event.id());
            assert_eq!(theirs.source().as_str(), event.source());
            assert_eq!(theirs.version(), SPECIFICATION);
            assert_eq!(Some(theirs.subject().id().as_str()), event.subject());
            // nothing was lost on the way: what they write is what we built
            let again = serde_json::to_string(&theirs).expect("text");
            let again = Value::parse(again.as_bytes()).expect("a value");
            let (again, mut ours) = (again.as_object().cloned(), data.as_object().cloned());
            let (again, ours) = (again.expect("an object"), ours.as_mut().expect("an object"));
            assert_eq!(again.get("subject"), ours.get("subject"), "{kind}");
            assert_eq!(again.get("customData"), ours.get("customData"), "{kind}");
            count += 1;
        }
    }
    assert_eq!(count, 2 * 48);
}

#[test]
fn what_we_call_required_others_require() {
    for kind in Kind::all() {
        for name in kind.required() {
            let mut content = full(kind);
            take(&mut content, name);
            let fault = built(kind, content.clone()).expect_err(name);
            assert_eq!(
                fault,
                Fault::Missing {
                    kind,
                    names: vec![name]
                }
            );
            // the same data by hand: the other reader does not take it either
            let mut data = built(kind, full(kind)).expect("an event");
            let Some(Value::Object(mut whole)) = data.remove("data") else {
                panic!("no data");
            };
            let subject = Object::new().with("id", "x").with("content", content);
            whole.set("subject", subject);
            assert!(read_by_others(&whole.into()).is_err(), "{kind} {name}");
        }
    }
}

#[test]
fn content_that_the_type_does_not_know_is_refused() {
    for kind in Kind::all() {
        let content = full(kind).with("nonsense", "x");
        let name = "nonsense".to_owned();
        assert_eq!(built(kind, content), Err(Fault::Unknown { kind, name }));
    }
    let kind = Kind::of("service.deployed").expect("a type");
    let fault = |content: Object| built(kind, content).expect_err("a fault").to_string();
    let inside = Object::new().with("id", "prod").with("colour", "red");
    assert_eq!(
        fault(full(kind).with("environment", inside)),
        "service.deployed knows no environment.colour"
    );
    assert_eq!(
        fault(full(kind).with("environment", "prod")),
        "environment of service.deployed is not an object"
    );
    assert_eq!(
        fault(Object::new()),
        "service.deployed needs environment.id and artifactId"
    );
    assert_eq!(
        fault(full(kind).with("artifactId", "")),
        "artifactId of service.deployed is not a text that is not empty"
    );
    let kind = Kind::of("branch.created").expect("a type");
    let half = Object::new().with("source", "/acme");
    assert_eq!(
        built(kind, Object::new().with("repository", half)).expect_err("a fault"),
        Fault::Missing {
            kind,
            names: vec!["repository.id"]
        }
    );
}

#[test]
fn names_are_taken_short_and_full() {
    let kind = Kind::of("taskrun.started").expect("a type");
    assert_eq!(kind.full(), "dev.cdevents.taskrun.started.0.3.0");
    for name in [
        "taskrun.started.0.3.0",
        "dev.cdevents.taskrun.started",
        "dev.cdevents.taskrun.started.0.3.0",
    ] {
        assert_eq!(Kind::of(name), Some(kind), "{name}");
    }
    for name in [
        "",
        "taskrun",
        "started",
        "taskrun.started.0.2.0",
        "taskrun.started.",
        "dev.cdevents.taskrun.startedx",
        "dev.cdevents.dev.cdevents.taskrun.started",
        "Taskrun.started",
    ] {
        assert_eq!(Kind::of(name), None, "{name}");
    }
    let old = Kind::of_any_version("dev.cdevents.taskrun.started.0.2.0");
    assert_eq!(old, Some(kind));
}

#[test]
fn attributes_that_break_the_specification_are_refused() {
    let kind = Kind::of("build.started").expect("a type");
    let say = |id: &str, source: &str, time: &str, subject: &str, of: Option<&str>| {
        let subject = Subject {
            id: subject.into(),
            source: of.map(str::to_owned),
            content: Object::new(),
        };
        event(kind, id, source, time, subject, None)
            .map(|_| ())
            .map_err(|fault| fault.to_string())
    };
    let now = "2026-01-31T12:00:00Z";
    assert_eq!(say("1", "/a", now, "s", None), Ok(()));
    let reference = "is not a URI reference (RFC 3986)";
    let cases = [
        (say("", "/a", now, "s", None), "the id is not a text".into()),
        (
            say("1", "git@host:a", now, "s", None),
            format!("the source {reference}"),
        ),
        (
            say("1", "", now, "s", None),
            format!("the source {reference}"),
        ),
        (
            say("1", "/a", "yesterday", "s", None),
            "the time is not RFC 3339, as in 2026-01-31T12:00:00Z".into(),
        ),
        (
            say("1", "/a", "2026-01-31 12:00:00Z", "s", None),
            "the time is not RFC 3339, as in 2026-01-31T12:00:00Z".into(),
        ),
        (
            say("1", "/a", now, "", None),
            "the subject is not a text".into(),
        ),
        (
            say("1", "/a", now, "s", Some("a b")),
            format!("the subject's source {reference}"),
        ),
    ];
    for (said, expected) in cases {
        assert_eq!(said, Err(expected));
    }
}
