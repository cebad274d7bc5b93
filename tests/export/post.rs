//! Sending: what a receiver does, and what becomes of the records.

use std::fs;

use super::receiver::{Does, Receiver};
use super::{ledger, log, numbers};
use crate::recorded;
use crate::world::{Said, World, run};

const OK: Does = Does::Answer("200 OK", "");

fn send(world: &World, receiver: &Receiver, more: &[&str]) -> Said {
    let export = ["export", "--format", "ecs", "--cursor", "cursor", "--to"];
    let arguments = [&export[..], &[receiver.url.as_str()], more].concat();
    world.ledger("r", &arguments)
}

/// The number in the cursor, if there is one.
fn stands(world: &World) -> Option<u64> {
    let text = fs::read(world.path("r/cursor")).ok()?;
    let cursor: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    cursor["number"].as_u64()
}

fn sent(receiver: &Receiver, at: usize) -> Vec<u64> {
    let requests = receiver.requests();
    let body = String::from_utf8(requests[at].body.clone()).expect("UTF-8");
    numbers(&body)
}

#[test]
fn what_is_taken_moves_the_cursor() {
    let world = ledger();
    let newest = log(&world).len() as u64 - 1;
    let receiver = Receiver::new(vec![OK]);
    send(&world, &receiver, &[]).ok();
    assert_eq!(stands(&world), Some(newest));
    let request = &receiver.requests()[0];
    assert_eq!(request.line, "POST /in HTTP/1.1");
    let kind = "content-type: application/x-ndjson".to_owned();
    assert!(request.headers.contains(&kind), "{request:?}");
    assert_eq!(sent(&receiver, 0).last(), Some(&newest));
    // nothing new, nothing sent
    send(&world, &receiver, &[]).ok();
    assert_eq!(receiver.requests().len(), 1);
    world.ledger("r", &["append", "x.new"]).ok();
    send(&world, &receiver, &[]).ok();
    assert_eq!(sent(&receiver, 1), [newest + 1]);
}

#[test]
fn a_receiver_in_trouble_is_asked_again() {
    let world = ledger();
    let receiver = Receiver::new(vec![
        Does::Answer("503 Busy", ""),
        Does::Answer("429 Slow down\r\nretry-after: 1", ""),
        Does::HangUp,
        Does::Answer("502 Bad", "<html>"),
        Does::Answer("202 Accepted", "{}"),
    ]);
    send(&world, &receiver, &[]).ok();
    let requests = receiver.requests();
    assert_eq!(requests.len(), 5);
    assert!(requests.iter().all(|r| r.body == requests[0].body));
    assert!(stands(&world).is_some());
}

#[test]
fn a_receiver_that_never_answers_ends_the_run() {
    let world = ledger();
    for deed in [Does::Stall, Does::HangUp, Does::Answer("500 No", "")] {
        let receiver = Receiver::new(vec![deed]);
        let said = send(&world, &receiver, &["--timeout", "2"]).code(128);
        let told = said.err.contains("did not take the records within 2 s")
            && said.err.contains("nothing is lost");
        assert!(told, "{said}");
        assert_eq!(stands(&world), None);
    }
}

/// Whoever asks for more time than there is, is not asked again.
#[test]
fn a_pause_that_is_asked_for_is_made() {
    let world = ledger();
    let slow = Does::Answer("429 Slow down\r\nretry-after: 3600", "");
    let receiver = Receiver::new(vec![slow, OK]);
    let said = send(&world, &receiver, &["--timeout", "30"]).code(128);
    assert!(said.err.contains("it answers 429"), "{said}");
    assert_eq!(receiver.requests().len(), 1);
}

#[test]
fn a_refusal_is_told_and_not_repeated() {
    let world = ledger();
    let cases = [
        (
            Does::Answer("400 Bad", "no\u{1b}[2J"),
            "answers 400: no<U+001B>[2J",
        ),
        (Does::Answer("401 Who", ""), "--header-env"),
        (Does::Answer("404 Where", ""), "answers 404"),
        (
            Does::Answer("302 There\r\nlocation: http://127.0.0.1:1/x", ""),
            "redirects are not followed; it names 'http://127.0.0.1:1/x'",
        ),
    ];
    for (deed, words) in cases {
        let receiver = Receiver::new(vec![deed]);
        let said = send(&world, &receiver, &[]).code(1);
        assert!(said.err.contains(words), "{said}");
        assert_eq!(receiver.requests().len(), 1);
        assert_eq!(stands(&world), None);
    }
}

#[test]
fn a_yes_that_takes_less_is_a_refusal() {
    let world = ledger();
    let partial = r#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"old"}}"#;
    let receiver = Receiver::new(vec![Does::Answer("200 OK", partial)]);
    let to = ["export", "--format", "otlp-json", "--to", &receiver.url];
    let said = world.ledger("r", &to).code(1);
    assert!(said.err.contains("refuses 2 records: old"), "{said}");

    let errors = r#"{"errors":true,"items":[{"create":{"status":429,"error":{"type":"es"}}}]}"#;
    let receiver = Receiver::new(vec![Does::Answer("200 OK", errors)]);
    let url = format!("{}/_bulk", receiver.url);
    let to = ["export", "--format", "ecs", "--to", &url];
    let said = world.ledger("r", &to).code(1);
    assert!(said.err.contains("refuses status 429"), "{said}");
    // each document stands behind a line that names it
    let body = String::from_utf8(receiver.requests()[0].body.clone()).expect("UTF-8");
    let lines = super::records(&body);
    for pair in lines.chunks(2) {
        assert_eq!(pair[0]["create"]["_id"], pair[1]["event"]["id"]);
    }
}

#[test]
fn secrets_stand_in_the_environment() {
    let world = ledger();
    let receiver = Receiver::new(vec![OK]);
    let words = [
        "export",
        "--format",
        "splunk-hec",
        "--to",
        &receiver.url,
        "--header-env",
        "Authorization=TOKEN",
    ];
    let token = |value: Option<&str>| {
        let mut command = recorded::binary(&world, "r", &words);
        if let Some(value) = value {
            command.env("TOKEN", value);
        }
        run(command, b"")
    };
    let said = token(Some("Splunk s3cret"));
    assert!(!said.to_string().contains("s3cret"), "{said}");
    said.code(0);
    let header = "authorization: Splunk s3cret".to_owned();
    assert!(receiver.requests()[0].headers.contains(&header));
    for wrong in [None, Some("a\r\nx-evil: 1"), Some("é")] {
        let said = token(wrong).code(129);
        assert!(!said.err.contains("x-evil"), "{said}");
    }
    let word = |word: &str| {
        let words = [
            "export",
            "--format",
            "ecs",
            "--to",
            &receiver.url,
            "--header-env",
            word,
        ];
        world.ledger("r", &words).code(129);
    };
    for wrong in [
        "Authorization",
        "=TOKEN",
        "a b=HOME",
        "Host=HOME",
        "Content-Length=HOME",
        "a:=HOME",
    ] {
        word(wrong);
    }
    for wrong in [
        "http://example.org/",
        "ftp://127.0.0.1/",
        "https://u:p@example.org/",
        "x",
    ] {
        let said = world.ledger("r", &["export", "--format", "ecs", "--to", wrong]);
        assert!(!said.err.contains("u:p"), "{said}");
        said.code(129);
    }
    assert_eq!(receiver.requests().len(), 1);
}

/// Whatever the moment, a killed export loses nothing; what it repeats has the same ids.
#[test]
fn killed_between_answer_and_cursor() {
    let world = ledger();
    let mut ids = std::collections::BTreeMap::<String, usize>::new();
    for round in 0..recorded::times(4, 40) {
        world.ledger("r", &["append", "x.new"]).ok();
        // the answer goes out, and the exporter dies on it before it can write the cursor: strace
        // kills it at the rename that would
        let receiver = Receiver::new(vec![OK]);
        let export = [
            "export",
            "--format",
            "ecs",
            "--cursor",
            "cursor",
            "--to",
            &receiver.url,
        ];
        if round % 2 == 0 {
            let program = recorded::binary(&world, "r", &export);
            let mut traced = world.command("r", "strace");
            let kill = "inject=rename,renameat,renameat2:signal=KILL:when=1";
            traced
                .args(["-f", "-qq", "-o", "/dev/null", "-e", kill, "--"])
                .arg(program.get_program())
                .args(program.get_args());
            let before = stands(&world);
            let said = run(traced, b"");
            assert_ne!(said.code, 0, "{said}");
            assert_eq!(stands(&world), before);
        } else {
            let program = recorded::binary(&world, "r", &export);
            run(program, b"").ok();
        }
        for request in receiver.requests() {
            let body = String::from_utf8(request.body).expect("UTF-8");
            for record in super::records(&body) {
                let id = record["event"]["id"].as_str().expect("an id");
                *ids.entry(id.to_owned()).or_default() += 1;
            }
        }
    }
    let events: usize = log(&world)
        .iter()
        .map(|entry| entry["events"].as_array().map_or(0, Vec::len))
        .sum();
    assert_eq!(ids.len(), events, "none lost");
    assert!(ids.values().all(|times| (1..=2).contains(times)), "{ids:?}");
    assert!(ids.values().any(|times| *times == 2), "nothing was killed");
}
