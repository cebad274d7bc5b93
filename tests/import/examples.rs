//! Every example of a webhook that GitHub's own client library is tested with, and many thousands
//! of events through a program that is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::Duration;

use git_ledger::merkle::{hex, sha256};

use super::*;
use crate::peers;
use crate::recorded::{assert_both_agree, assert_sound, binary, ids, times};

/// An example: the event's name, its action, and the body as it would be delivered.
struct Example {
    event: String,
    action: Option<String>,
    body: String,
}

/// All examples of the package.
fn examples() -> Vec<Example> {
    let file = peers::node_module("@octokit/webhooks-examples").join("api.github.com/index.json");
    let text = fs::read(file).expect("examples");
    let all: Vec<serde_json::Value> = serde_json::from_slice(&text).expect("JSON");
    let of = |event: &serde_json::Value| {
        let name = event["name"].as_str().expect("a name").to_owned();
        let bodies = event["examples"].as_array().expect("examples").clone();
        bodies.into_iter().map(move |body| Example {
            event: name.clone(),
            action: body["action"].as_str().map(str::to_owned),
            body: body.to_string(),
        })
    };
    all.iter().flat_map(of).collect()
}

/// The e-mail addresses in a text.
fn addresses(text: &str) -> BTreeSet<String> {
    let local = |c: &char| c.is_ascii_alphanumeric() || "._%+-".contains(*c);
    let host = |c: &char| c.is_ascii_alphanumeric() || ".-".contains(*c);
    let found = text.match_indices('@').filter_map(|(at, _)| {
        let before: String = text[..at].chars().rev().take_while(local).collect();
        let after: String = text[at + 1..].chars().take_while(host).collect();
        let named = after.split_once('.').is_some_and(|(_, top)| {
            top.chars().take_while(|c| c.is_ascii_alphabetic()).count() >= 2
        });
        let before: String = before.chars().rev().collect();
        (named && !before.is_empty()).then(|| format!("{before}@{after}"))
    });
    found.collect()
}

/// The content of every object in a repository.
fn objects(world: &World) -> String {
    let all = ["cat-file", "--batch-all-objects", "--unordered", "--batch"];
    world.git("r", &all).ok()
}

#[test]
fn every_example_of_a_webhook() {
    let world = world();
    let examples = examples();
    assert_eq!(examples.len(), 329);
    let lines: Vec<String> = examples
        .iter()
        .map(|example| {
            let Example { event, body, .. } = example;
            format!("{{\"event\":\"{event}\",\"delivery\":\"x\",\"payload\":{body}}}\n")
        })
        .collect();
    let summary = imported(&world, "github-webhook", &[], lines.concat());
    // some examples are equal to the last byte
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    for example in &examples {
        let kind = match &example.action {
            Some(action) => format!("com.github.{}.{action}", example.event),
            None => format!("com.github.{}", example.event),
        };
        let id = format!("sha256:{}", hex(&sha256(example.body.as_bytes())));
        let other = wanted.insert(id, kind.clone());
        assert!(other.is_none() || other == Some(kind));
    }
    let distinct = wanted.len();
    assert_eq!(number(&summary, "read"), 329);
    assert_eq!(number(&summary, "recorded"), distinct as i64);
    assert_eq!(number(&summary, "repeated"), 329 - distinct as i64);
    assert_eq!(number(&summary, "refusals"), 0);

    // each is there once, under its type, with the digest of its body
    let recorded = events(&world, "r");
    assert_eq!(recorded.len(), distinct);
    let mut types: BTreeMap<&str, i64> = BTreeMap::new();
    for event in &recorded {
        let kind = wanted.remove(text(event, "id")).expect("an example");
        assert_eq!(text(event, "type"), kind);
        let data = data(event);
        assert!(data.contains(&format!(r#""digest":"{}""#, text(event, "id"))));
        assert!(event.get("subject").is_some() && text(event, "source").starts_with("http"));
        *types.entry(text(event, "type")).or_default() += 1;
    }
    assert!(wanted.is_empty());
    let counted = summary
        .get("types")
        .and_then(Value::as_object)
        .expect("types");
    let counted: BTreeMap<&str, i64> = counted
        .iter()
        .map(|(kind, count)| (kind, count.as_integer().expect("a count")))
        .collect();
    assert_eq!(counted, types);
    for (kind, count) in &types {
        println!("{count:>4}  {kind}");
    }
    assert_both_agree(&world, "r");

    // 315 of public examples hold e-mail addresses; no object here does
    let planted = addresses(&lines.concat());
    assert!(planted.len() >= 5, "{planted:?}");
    let held = objects(&world);
    let found = addresses(&held);
    let own: BTreeSet<String> = ["ann@acme.org".to_owned()].into();
    assert_eq!(found, own, "planted: {planted:?}");
    for secret in ["AAAAB3NzaC1yc2E", "********"] {
        assert!(lines.concat().contains(secret), "{secret}");
        let at = held
            .find(secret)
            .map(|at| &held[at.saturating_sub(200)..at + 20]);
        assert_eq!(at, None);
    }

    // once more, bare and by their names, or all at once: nothing is new
    let tip = world.git("r", &["rev-parse", "ledger"]).ok();
    let again = imported(&world, "github-webhook", &[], lines.concat());
    assert_eq!(
        (number(&again, "recorded"), number(&again, "repeated")),
        (0, 329)
    );
    let pushes = examples.iter().filter(|example| example.event == "push");
    let pushes: String = pushes.map(|push| push.body.clone() + "\r\n").collect();
    let again = imported(&world, "github-webhook", &["--event", "push"], pushes);
    assert_eq!(
        (number(&again, "recorded"), number(&again, "repeated")),
        (0, 7)
    );
    assert_eq!(world.git("r", &["rev-parse", "ledger"]).ok(), tip);
}

#[test]
fn the_name_of_a_bare_example_is_told_or_asked_for() {
    let world = world();
    let (mut told, mut asked) = (0, BTreeSet::new());
    let examples = examples();
    for example in &examples {
        let payload = Value::parse(example.body.as_bytes());
        let payload = payload.or_else(|_| git_ledger::json::foreign::read(example.body.as_bytes()));
        let Ok(Value::Object(payload)) = payload else {
            panic!("{}", example.body)
        };
        match git_ledger::intake::github::infer(&payload) {
            Some(name) => {
                assert_eq!(name, example.event, "{}", example.body);
                told += 1;
            }
            None => drop(asked.insert(example.event.as_str())),
        }
    }
    println!("told of {told}; asked for: {asked:?}");
    assert!(told > 280, "{told}");
    let lines: String = examples
        .iter()
        .map(|example| example.body.clone() + "\n")
        .collect();
    let said = import(&world, "github-webhook", &[], &lines).code(129);
    assert!(
        said.err.contains("nothing tells which event it is"),
        "{said}"
    );
    assert!(
        said.err
            .contains("nothing was recorded; --skip-bad records the others")
    );
    assert!(events(&world, "r").is_empty());
    let said = import(&world, "github-webhook", &["--skip-bad", "--json"], &lines).code(1);
    let summary = object(&said.out);
    assert_eq!(number(&summary, "read"), told);
    assert_eq!(number(&summary, "refusals"), 329 - told);
}

#[test]
fn a_payload_is_kept_whole_where_that_is_asked_for() {
    let world = world();
    let examples = examples();
    let example = examples
        .iter()
        .find(|example| example.event == "deployment");
    let body = &example.expect("an example").body;
    imported(&world, "github-webhook", &["--keep-payload"], body);
    let recorded = events(&world, "r");
    let [event, kept] = recorded.as_slice() else {
        panic!("{recorded:?}")
    };
    assert_eq!(text(event, "type"), "com.github.deployment.created");
    assert_eq!(text(kept, "type"), "dev.git-ledger.payload");
    assert_eq!(text(kept, "id"), format!("{}/payload", text(event, "id")));
    let file = format!("ledger:{}", text(kept, "dataref"));
    assert_eq!(world.git("r", &["show", &file]).ok(), *body);
    assert_both_agree(&world, "r");
    let again = imported(&world, "github-webhook", &["--keep-payload"], body);
    assert_eq!(
        (number(&again, "recorded"), number(&again, "repeated")),
        (0, 2)
    );
}

#[test]
fn killed_in_the_middle_and_run_again_each_event_is_there_once() {
    let world = world();
    let many = times(6_000, 30_000);
    let lines: String = (0..many)
        .map(|number| format!("{{\"event\":\"star\",\"payload\":{{\"action\":\"created\",\"starred_at\":\"2026-01-31T12:00:00Z\",\"number\":{number}}}}}\n"))
        .collect();
    fs::write(world.path("input"), &lines).expect("a file");
    let arguments = ["import", "--from", "github-webhook", "--json", "../input"];
    let branch = world.path("r/.git/refs/heads/ledger");
    let tip = || fs::read(&branch).expect("a branch");
    let mut reached = Vec::new();
    for wait in [false, true, true] {
        let before = tip();
        let mut command = binary(&world, "r", &arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("a program");
        // while it reads, or as soon as a batch is there
        while wait && tip() == before && child.try_wait().expect("a child").is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().expect("a signal");
        child.wait().expect("an end");
        reached.push(ids(&world, "r").len());
    }
    println!("reached: {reached:?}");
    assert!(reached[0] < reached[1] && reached[1] < many, "{reached:?}");
    let summary = object(&crate::world::run(binary(&world, "r", &arguments), b"").ok());
    let before = reached[2] as i64;
    assert_eq!(number(&summary, "recorded"), many as i64 - before);
    assert_eq!(number(&summary, "repeated"), before);
    assert_eq!(ids(&world, "r").len(), many);
    assert_sound(&world, "r");
}

#[test]
fn what_does_not_fit_in_memory_is_read_twice() {
    let world = world();
    let filler = "a".repeat(1 << 20);
    let lines: String = (0..4)
        .map(|number| format!("{{\"n\":{number},\"x\":\"{filler}\"}}\n"))
        .collect();
    let summary = imported(&world, "jsonl", &["--type", "t"], &lines);
    assert_eq!(number(&summary, "recorded"), 4);
    assert_eq!(ids(&world, "r").len(), 4);
    assert_sound(&world, "r");
    let again = imported(&world, "jsonl", &["--type", "t"], &lines);
    assert_eq!(
        (number(&again, "recorded"), number(&again, "repeated")),
        (0, 4)
    );
}

#[test]
fn the_primary_decides_and_what_it_cannot_take_waits() {
    let world = world();
    world
        .git("", &["init", "--quiet", "--bare", "hub.git"])
        .ok();
    world
        .ledger("r", &["mirror", "add", "hub", "../hub.git"])
        .ok();
    world.ledger("r", &["mirror", "push", "hub"]).ok();
    let line = |number: usize| format!("{{\"n\":{number}}}\n");
    let more = ["--type", "t", "--source", "/s", "--push=hub"];
    let summary = imported(&world, "jsonl", &more, line(1) + &line(2));
    assert_eq!(number(&summary, "recorded"), 2);
    assert_eq!(ids(&world, "hub.git").len(), 2);
    // a clone without the branch learns from the primary what was recorded before
    world
        .git("r", &["push", "--quiet", "hub", "HEAD:refs/heads/main"])
        .ok();
    let url = format!("file://{}", world.path("hub.git").display());
    world
        .git(
            "",
            &[
                "clone",
                "--quiet",
                "--depth=1",
                "--branch=main",
                &url,
                "shallow",
            ],
        )
        .ok();
    let arguments = [
        "import", "--from", "jsonl", "--json", "--type", "t", "--source", "/s",
    ];
    let arguments = [&arguments[..], &["--push=origin", "-"]].concat();
    let said = world
        .ledger_with("shallow", &arguments, (line(2) + &line(3)).as_bytes())
        .ok();
    let summary = object(&said);
    assert_eq!(
        (number(&summary, "recorded"), number(&summary, "repeated")),
        (1, 1)
    );
    assert_eq!(ids(&world, "hub.git").len(), 3);
    // nobody answers: the events wait, each in a file, and are recorded once
    fs::rename(world.path("hub.git"), world.path("gone")).expect("gone");
    let more = [&more[..], &["--on-failure", "spool", "--timeout", "2"]].concat();
    let summary = imported(&world, "jsonl", &more, line(3) + &line(4));
    assert_eq!(
        (number(&summary, "recorded"), number(&summary, "spooled")),
        (0, 2)
    );
    fs::rename(world.path("gone"), world.path("hub.git")).expect("back");
    world.ledger("r", &["flush"]).ok();
    assert_eq!(ids(&world, "hub.git").len(), 4);
    assert_sound(&world, "hub.git");
}

#[test]
fn a_type_that_the_key_may_not_write_stops_all() {
    let world = world();
    let key = world.key("ci");
    world
        .ledger(
            "r",
            &[
                "policy",
                "add-signer",
                "ci@acme",
                "../keys/ci.pub",
                "--role",
                "writer",
                "--type",
                "com.github.*",
            ],
        )
        .ok();
    let count = events(&world, "r").len();
    let key = key.display().to_string();
    let said = import(
        &world,
        "jsonl",
        &["--type", "t", "--key", &key],
        "{\"a\":1}",
    )
    .code(1);
    assert!(said.err.contains("signerType"), "{said}");
    assert_eq!(events(&world, "r").len(), count);
    let more = ["--event", "watch", "--key", &key];
    let summary = imported(&world, "github-webhook", &more, "{\"action\":\"started\"}");
    assert_eq!(number(&summary, "recorded"), 1);
}
