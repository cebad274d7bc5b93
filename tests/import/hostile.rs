//! What is wrong with a file is told with its line, and nothing of it is recorded.

use super::*;
use crate::recorded::assert_both_agree;

/// What an import says that must be refused whole.
#[track_caller]
fn refused(world: &World, from: &str, more: &[&str], content: impl AsRef<[u8]>, why: &str) {
    let tip = || world.git("r", &["rev-parse", "ledger"]).ok();
    let before = tip();
    let said = import(world, from, more, content).code(129);
    assert!(said.err.contains(why), "{why}: {said}");
    assert!(said.err.contains("nothing was recorded"), "{said}");
    assert_eq!(tip(), before);
}

#[test]
fn what_is_no_delivery() {
    let world = world();
    let github = |content: &[u8], why| {
        refused(
            &world,
            "github-webhook",
            &["--event", "watch"],
            content,
            why,
        );
    };
    let disagree = "no JSON that is taken here";
    github(b"{\"a\":1,\"a\":2}", disagree);
    github(b"{\"a\":\"\xff\"}", disagree);
    github(b"{\"a\":\"\\ud800\"}", disagree);
    github(b"{\"a\":1}\n{\"a\":\n", "input:2: it is no JSON");
    github(b"payload=%7B%22action%22%3A%22started%22%7D", disagree);
    github(b"\x1f\x8b\x08\x00", disagree);
    github("{\0}".as_bytes(), disagree);
    github(b"", "there is no event");
    github(b" \r\n\n", "there is no event");
    github(b"[]", "there is no event");
    github(
        b"[{\"action\":\"started\"},{\"action\":\"sta",
        "input:1: the array is broken here",
    );
    github(b"[{\"action\":\"started\"}] x", "the array is broken here");
    github(b"[{\"action\":\"started\"} {\"action\":\"x\"}]", disagree);
    github(
        b"[\n{\"action\":\"started\"},\n7]",
        "input:3: a payload is a JSON object",
    );
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    github(deep.as_bytes(), disagree);
    github(&vec![b'['; 1 << 20], "the array is broken here");
    let event = |name: &str, why| {
        let body = b"{\"action\":\"started\"}";
        refused(&world, "github-webhook", &["--event", name], body, why);
    };
    event(
        "push",
        "it is said to be the event 'push', and has no 'ref'",
    );
    event("Push", "is not 1 to 64 lower-case letters");
    event("a\u{1b}[2J", "is not 1 to 64 lower-case letters");
    event("", "is not 1 to 64 lower-case letters");
    let line = br#"{"event":"watch","payload":{"action":"started"},"payload":{}}"#;
    refused(
        &world,
        "github-webhook",
        &[],
        line,
        "a delivery's payload stands there twice",
    );
    refused(
        &world,
        "gitlab",
        &[],
        "{\"a\":1}",
        "nothing tells which event it is",
    );
    refused(
        &world,
        "gitlab",
        &[],
        r#"{"object_kind":"a b"}"#,
        "is not 1 to 64",
    );
    refused(
        &world,
        "github-audit-log",
        &[],
        "{\"a\":1}",
        "has an 'action'",
    );
    refused(
        &world,
        "github-audit-log",
        &[],
        r#"{"action":"a b"}"#,
        "its action \"a b\" is not",
    );
    assert!(events(&world, "r").is_empty());
}

#[test]
fn what_is_too_large() {
    let world = world();
    let large = format!(
        "{{\"action\":\"{}\"}}\n{{\"action\":\"x\"}}\n",
        "a".repeat(30 << 20)
    );
    let why = "input:1: the line is longer than any delivery";
    refused(&world, "github-webhook", &["--event", "watch"], &large, why);
    // the next line is found behind it
    let more = ["--event", "watch", "--skip-bad", "--json"];
    let said = import(&world, "github-webhook", &more, &large).code(1);
    let summary = object(&said.out);
    assert_eq!(
        (number(&summary, "recorded"), number(&summary, "refusals")),
        (1, 1)
    );
    let array = format!(
        "[{},{{\"action\":\"y\"}}]",
        large.lines().next().expect("a line")
    );
    let said = import(&world, "github-webhook", &more, array).code(1);
    assert_eq!(number(&object(&said.out), "recorded"), 1);
    // as large as GitHub sends them
    let body = format!("{{\"action\":\"z\",\"x\":\"{}\"}}", "é".repeat(12 << 20));
    let summary = imported(&world, "github-webhook", &["--event", "watch"], &body);
    assert_eq!(number(&summary, "recorded"), 1);
    assert_both_agree(&world, "r");
}

#[test]
fn words_that_somebody_could_obey() {
    let world = world();
    let branch = "x::set-output name=a::b\\u001b]0;t\\u0007\\u202e\\u2066<script>alert(1)</script>\\n::error::no\\u007f\\u0085\\uffff";
    let body = format!(
        r#"{{"ref":"refs/heads/{branch}","before":"00","after":"ab","commits":[],"pusher":{{"name":"{branch}"}},"repository":{{"full_name":"a/b","html_url":"https://x/{branch}"}}}}"#
    );
    let summary = imported(&world, "github-webhook", &["--event", "push"], body);
    assert_eq!(number(&summary, "recorded"), 1);
    let recorded = events(&world, "r");
    assert_eq!(text(&recorded[0], "type"), "com.github.push");
    assert_eq!(text(&recorded[0], "source"), "https://github.com");
    assert!(data(&recorded[0]).contains(r"<script>alert(1)</script>\n::error::no\\u{7f}"));
    for arguments in [&["log"][..], &["show", "1"], &["log", "--json"]] {
        let said = world.ledger("r", arguments).ok();
        let obeyed =
            |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{2069}').contains(&c);
        if arguments != ["log", "--json"] {
            assert!(!said.contains(obeyed), "{said:?}");
        }
        assert!(!said.lines().any(|line| line.starts_with("::")), "{said}");
    }
    // an action that no type can hold
    let action = "a".repeat(5000) + "\\u0000\\u202e é.*";
    let body = format!(r#"{{"action":"{action}"}}"#);
    imported(&world, "github-webhook", &["--event", "watch"], body);
    let kind = text(&events(&world, "r")[1], "type").to_owned();
    assert_eq!(kind, format!("com.github.watch.{}", "a".repeat(64)));
    assert_both_agree(&world, "r");
}

#[test]
fn events_that_would_speak_for_the_ledger() {
    let world = world();
    let with =
        |more: &str| format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t"{more}}}"#);
    let cases = [
        (
            with("").replace("\"t\"", "\"dev.git-ledger.push\""),
            "is the ledger's own",
        ),
        (
            with("").replace("\"t\"", "\"dev.git-ledger.policy.changed\""),
            "is the ledger's own",
        ),
        (
            with("").replace("\"t\"", "\"t t\""),
            "is not printable ASCII",
        ),
        (
            with("").replace("\"t\"", &format!("\"{}\"", "t".repeat(2000))),
            "type is longer than",
        ),
        (with("").replace("\"/s\"", "\"a b\""), "is no URI"),
        (with("").replace("1.0", "0.3"), "specversion is not \"1.0\""),
        (
            with(r#","recordedtime":"2026-01-31T12:00:00Z""#),
            "recordedtime is set by the ledger",
        ),
        (
            with(r#","dataref":"attachments/x""#),
            "dataref is set by the ledger",
        ),
        (with(r#","time":"yesterday""#), "is not RFC 3339"),
        (with(r#","time":7"#), "is not RFC 3339"),
        (with(r#","ext":1.5"#), "ext: a number is not an integer"),
        (with(r#","ext":"\u0085""#), "ext: a string holds U+0085"),
        (
            with(r#","ext":{}"#),
            "ext is neither string, integer nor boolean",
        ),
        (with(r#","data":1.5,"data_base64":"AA==""#), "side by side"),
        (
            with(r#","data":{"a":1,"a":2}"#),
            "no JSON that is taken here",
        ),
        (
            with(r#","data_base64":"A""#),
            "data_base64 is not a string of base64",
        ),
    ];
    for (content, why) in cases {
        refused(&world, "cloudevents", &[], &content, why);
        let batch = format!("[{},\n{content}]", with("").replace("\"1\"", "\"2\""));
        refused(&world, "cloudevents", &[], batch, why);
    }
    let cdevent = |version: &str, more: &str| {
        format!(
            r#"{{"context":{{"specversion":"{version}","id":"a","source":"/s","type":"dev.cdevents.x.y.0.1.0","timestamp":"2026-01-31T12:00:00Z"}}{more}}}"#
        )
    };
    refused(
        &world,
        "cdevents",
        &[],
        cdevent("0.9.0", r#","subject":{"id":"a","content":{}}"#),
        "none of 0.3, 0.4 and 0.5",
    );
    refused(
        &world,
        "cdevents",
        &[],
        cdevent("0.5.0", ""),
        "has 'subject.content'",
    );
    refused(
        &world,
        "cdevents",
        &[],
        cdevent("0.5.0", r#","subject":{"content":{}}"#),
        "has 'subject.id'",
    );
    let forged = cdevent("0.5.0", r#","subject":{"id":"a","content":{}}"#)
        .replace("dev.cdevents.x", "dev.git-ledger.x");
    refused(&world, "cdevents", &[], forged, "is the ledger's own");
    let jsonl = |kind: &str, more: &[&str], why| {
        let more = [&["--type", kind], more].concat();
        refused(
            &world,
            "jsonl",
            &more,
            "{\"a\":{\"b\":null},\"t\":\"soon\"}",
            why,
        );
    };
    jsonl("dev.git-ledger.push", &[], "is the ledger's own");
    jsonl("a b", &[], "is not printable ASCII");
    jsonl("t", &["--id-field", "a.b"], "it has no \"a.b\"");
    jsonl("t", &["--id-field", "a"], "its \"a\" is neither");
    jsonl(
        "t",
        &["--time-field", "t"],
        "its \"t\" is no time: \"soon\"",
    );
    jsonl("t", &["--source", "a b"], "the source is no URI");
    jsonl(
        "t",
        &["--keep-payload"],
        "--keep-payload is for payloads of forges",
    );
    jsonl("t", &["--event", "x"], "--event is for");
    assert!(events(&world, "r").is_empty());
}

#[test]
fn files_that_are_none() {
    let world = world();
    let said = |path: &str| {
        let arguments = ["import", "--from", "gitlab", path];
        world.ledger("r", &arguments).code(128).err
    };
    assert!(said("nowhere").contains("cannot read 'nowhere'"));
    assert!(said(".").contains("it is neither a file nor a pipe"));
    assert!(said("/dev/full").contains("it is neither a file nor a pipe"));
    let said = world
        .ledger("r", &["import", "--from", "jsonl", "x"])
        .code(129);
    assert!(said.err.contains("--type <TYPE>"), "{said}");
    let said = world
        .ledger("r", &["import", "--from", "gitlab", "-", "-"])
        .code(129);
    assert!(
        said.err.contains("standard input can be read once"),
        "{said}"
    );
}
