//! Exports: read back by what takes them, and every hit proven in the ledger it came from.

mod consumers;
mod cursor;
mod post;
pub mod receiver;
mod standing;

use std::fs;

use serde_json::{Value, json};

use crate::world::World;

/// What ends a line, a field, a value or a terminal somewhere, and what a spreadsheet runs.
pub const HOSTILE: [&str; 9] = [
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "-1+1",
    "\t=1",
    "two\r\nlines\n,\"quoted\",'too'",
    "a|b=c\\d\\\\e cs1=forged cn1=9",
    "\u{202e}drow\u{2066} \u{2028}\u{200b}\u{feff}",
    "\u{1b}[2J\u{8}\u{b}\u{c}\u{1}\u{0}!",
    "<script>&amp; %0A ${x} `y` é漢\u{1f600}",
];

/// A whole CDEvent.
fn deployed() -> Value {
    let (kind, source, time) = (
        "dev.cdevents.service.deployed.0.3.0",
        "/ci/acme",
        "2026-01-31T11:00:00Z",
    );
    json!({
        "specversion": "1.0", "id": "deployed", "source": source, "type": kind, "time": time,
        "subject": "payments",
        "data": {
            "context": {
                "specversion": "0.5.0", "id": "deployed", "source": source, "type": kind,
                "timestamp": time,
            },
            "subject": {
                "id": "payments",
                "content": {
                    "environment": {"id": "production"},
                    "artifactId": "pkg:oci/payments@sha256%3Aab",
                },
            },
            "customData": {"gitledger": {"number": 99}, "own": HOSTILE[4]},
        },
    })
}

/// A ledger with events of every shape; those of one batch stand in few entries.
pub fn ledger() -> World {
    let world = World::new();
    world.repository("r");
    let mut events = vec![
        deployed(),
        json!({"id": "gap", "type": "dev.git-ledger.gap", "data": {"refs": []}}),
        json!({"id": "step", "type": "dev.git-ledger.step.finished", "data": {"outcome": "failure"}}),
        json!({"id": "artifact", "type": "dev.cdevents.artifact.deleted.0.1.0"}),
        json!({"id": "pr", "type": "com.github.pull_request.opened", "subject": "7"}),
        json!({
            "id": "attributes", "type": "x.y", "small": 7, "big": 3_000_000_000_i64, "flag": true,
            "dataschema": "https://acme.org/s", "datacontenttype": "text/plain", "data": "text",
        }),
        json!({"id": "bytes", "type": "x.y", "data_base64": "AP8K"}),
        json!({"id": "large", "type": "x.y", "data": {"text": "0123456789".repeat(2_000)}}),
        json!({
            "id": "forged", "type": "x.y", "ledgernumber": "0", "ledgerdigest": "sha256:00",
            "ledgerstanding": "verified", "data": {"ledger_number": "0", "git_ledger": {"number": 0}},
        }),
        json!({"id": "a=b|c\\d", "type": "type=with|bars\\and,\"more\"", "subject": "s"}),
    ];
    for (at, text) in HOSTILE.iter().enumerate() {
        events.push(json!({
            "id": format!("hostile-{at}"), "type": "x.hostile", "subject": text,
            "data": {"value": text, "name": {*text: 1}},
        }));
    }
    let batch: String = events.iter().map(|event| format!("{event}\n")).collect();
    let append = ["append", "--batch", "-", "--source", "/src"];
    world.ledger_with("r", &append, batch.as_bytes()).ok();
    world
        .ledger("r", &["append", "z.last", "--id", HOSTILE[5]])
        .ok();
    world
}

/// What the ledger says, as the readers of exports want it.
pub fn log(world: &World) -> Vec<Value> {
    let text = world.ledger("r", &["log", "--json", "--reverse"]).ok();
    let path = world.path("log.jsonl");
    fs::write(path, &text).expect("a log");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The records of an export of one object a line.
pub fn records(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The numbers of the records, in order, of ECS documents.
pub fn numbers(text: &str) -> Vec<u64> {
    records(text)
        .iter()
        .map(|record| record["git_ledger"]["number"].as_u64().expect("a number"))
        .collect()
}
