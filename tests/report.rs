//! The report for the auditor: made of a real ledger, looked at, altered in every way that comes to
//! mind, and checked.

mod altered;
mod made;

use std::fs;
use std::path::PathBuf;

use git_ledger::audit::{Form, render};
use git_ledger::json::{Object, Value};

use crate::world::{Said, World, run};

const LEDGER: &str = "refs/heads/ledger";

/// A repository `r` whose ledger tells of a change that was reviewed and deployed, of one that was
/// not, of a forced push and of a step without an end; with two mirrors that are level.
fn world() -> World {
    let world = World::new();
    world.repository("r");
    let key = world.public("ci");
    let add = [
        "policy",
        "add-signer",
        "ci@acme.org",
        &key,
        "--role",
        "writer",
    ];
    world.ledger("r", &add).ok();
    let hooks = r#"{"event":"pull_request","payload":{"action":"opened","number":7,"pull_request":{"id":1,"number":7,"state":"open","title":"Pay faster","html_url":"https://forge.example/acme/pay/pull/7","user":{"login":"ann","id":1,"type":"User"},"head":{"ref":"fast","sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},"base":{"ref":"main","sha":"cccccccccccccccccccccccccccccccccccccccc"},"updated_at":"2026-01-31T11:00:00Z"},"repository":{"full_name":"acme/pay","html_url":"https://forge.example/acme/pay","id":7,"private":true},"sender":{"login":"ann","id":1,"type":"User"}}}
{"event":"pull_request_review","payload":{"action":"submitted","review":{"id":5,"state":"approved","commit_id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","submitted_at":"2026-01-31T11:10:00Z","user":{"login":"bob","id":2,"type":"User"}},"pull_request":{"id":1,"number":7,"state":"open","user":{"login":"ann","id":1,"type":"User"},"head":{"ref":"fast","sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},"base":{"ref":"main","sha":"cccccccccccccccccccccccccccccccccccccccc"}},"repository":{"full_name":"acme/pay","html_url":"https://forge.example/acme/pay","id":7,"private":true},"sender":{"login":"bob","id":2,"type":"User"}}}
{"event":"pull_request","payload":{"action":"closed","number":7,"pull_request":{"id":1,"number":7,"state":"closed","merged":true,"title":"Pay faster","html_url":"https://forge.example/acme/pay/pull/7","user":{"login":"ann","id":1,"type":"User"},"head":{"ref":"fast","sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},"base":{"ref":"main","sha":"cccccccccccccccccccccccccccccccccccccccc"},"merge_commit_sha":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","updated_at":"2026-01-31T11:20:00Z"},"repository":{"full_name":"acme/pay","html_url":"https://forge.example/acme/pay","id":7,"private":true},"sender":{"login":"ann","id":1,"type":"User"}}}
{"event":"push","payload":{"ref":"refs/heads/main","before":"cccccccccccccccccccccccccccccccccccccccc","after":"dddddddddddddddddddddddddddddddddddddddd","created":false,"deleted":false,"forced":true,"commits":[],"pusher":{"name":"mallory"},"repository":{"full_name":"acme/pay","html_url":"https://forge.example/acme/pay","id":7,"private":true},"sender":{"login":"mallory","id":3,"type":"User"}}}
"#;
    let import = [
        "import",
        "--from",
        "github-webhook",
        "-",
        "--events-per-entry",
        "1",
    ];
    world.ledger_with("r", &import, hooks.as_bytes()).ok();
    for (id, commit, actor) in [("good", "b", "carl"), ("bad", "d", "mallory")] {
        let commit = commit.repeat(40);
        let event = format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"https://forge.example/acme/pay","type":"dev.cdevents.service.deployed.0.3.0","subject":"payments","data":{{"subject":{{"id":"payments","content":{{"environment":{{"id":"production"}},"artifactId":"pkg:oci/pay"}}}},"customData":{{"ci":{{"system":"github","repository":"acme/pay","actor":"{actor}","commit":"{commit}"}}}}}}}}"#
        );
        append(&world, &event);
    }
    append(
        &world,
        r#"{"specversion":"1.0","id":"step/started","source":"/ci","type":"dev.cdevents.taskrun.started.0.3.0","subject":"step","data":{"subject":{"id":"step","content":{"taskName":"smoke test"}}}}"#,
    );
    world.sleep(7_200);
    append(
        &world,
        r#"{"specversion":"1.0","id":"last","source":"/ci","type":"dev.acme.noted","subject":"the end"}"#,
    );
    for name in ["one", "two"] {
        let path = format!("{name}.git");
        world.git("", &["init", "--quiet", "--bare", &path]).ok();
        let url = format!("../{path}");
        let add = ["mirror", "add", name, &url, "--independent"];
        world.ledger("r", &add).ok();
    }
    world.ledger("r", &["mirror", "push"]).ok();
    fs::create_dir(world.path("empty")).expect("a directory");
    world
}

/// Records one event with the key of ci.
fn append(world: &World, event: &str) {
    let key = world.key("ci");
    let key = key.to_str().expect("a path");
    let words = ["append", "--batch", "-", "--key", key];
    let line = format!("{event}\n");
    world.ledger_with("r", &words, line.as_bytes()).ok();
}

fn fingerprint(world: &World) -> String {
    let said = world.git("r", &["config", "ledger.acme/payments.fingerprint"]);
    said.ok().trim().to_owned()
}

/// Makes a report of `r` with these words and returns its path.
fn report(world: &World, name: &str, words: &[&str]) -> PathBuf {
    let path = world.path(name);
    let shown = path.to_str().expect("a path").to_owned();
    let all = [&["report", "-o", &shown], words].concat();
    world.ledger("r", &all).ok();
    path
}

/// Checks a report in a directory.
fn check(world: &World, dir: &str, name: &str, words: &[&str]) -> Said {
    let path = world.path(name);
    let path = path.to_str().expect("a path");
    world.ledger(dir, &[&["report", "--check", path], words].concat())
}

/// The model in a report that was made as JSON.
fn model(world: &World) -> Object {
    let said = world.ledger("r", &["report", "--json", "--profile", "soc2"]);
    match Value::parse(said.ok().trim_end().as_bytes()) {
        Ok(Value::Object(model)) => model,
        other => panic!("{other:?}"),
    }
}

/// The same model with another value at a dotted way.
fn with(model: &Object, way: &str, value: impl Into<Value>) -> Object {
    let (first, rest) = way.split_once('.').unwrap_or((way, ""));
    let mut model = model.clone();
    if rest.is_empty() {
        model.set(first, value);
        return model;
    }
    let inner = model.get(first).and_then(Value::as_object).cloned();
    model.set(first, with(&inner.unwrap_or_default(), rest, value));
    model
}

/// Writes a model as a page of its own, as somebody with this program could.
fn forged(world: &World, name: &str, model: &Object) {
    fs::write(world.path(name), render(model, Form::Html)).expect("a file");
}

/// The ids of the findings.
fn found(said: &Said) -> Vec<String> {
    let lines = said.out.lines();
    let ids = lines.filter_map(|line| {
        let rest = ["breach ", "unknown ", "note "]
            .iter()
            .find_map(|word| line.strip_prefix(word))?;
        let (id, _) = rest.trim_start().split_once(": ")?;
        id.starts_with("report").then(|| id.to_owned())
    });
    ids.collect()
}
