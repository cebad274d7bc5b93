//! Elastic Common Schema: one document a line, as Filebeat, Logstash and `_bulk` take them.
//!
//! `@timestamp` is when the entry was recorded, which the chain keeps in order; when an event says
//! it happened is a claim and stands in `git_ledger.event.time`.
//!
//! Source: Elastic Common Schema 8.17; Elasticsearch, bulk API.

use crate::date::rfc3339;
use crate::json::{Object, Value};

use super::activity::{self, Act, Field, Outcome};
use super::{Bulk, Encoder, Fault, Record, json_line, position};

/// The version of the schema.
const VERSION: &str = "8.17.0";

/// One document a line.
pub struct Lines {
    /// Whether each stands after its action line.
    pub bulk: Bulk,
}

impl Encoder for Lines {
    fn head(&mut self, _: &mut Vec<u8>) {}

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.bulk == Bulk::Yes {
            // a document that is there already is not written again
            let id = Object::new().with("_id", record.id());
            json_line::line(&Object::new().with("create", id), out);
        }
        json_line::line(&document(record), out);
        Ok(())
    }

    fn tail(&mut self, _: &mut Vec<u8>) -> Result<(), Fault> {
        Ok(())
    }
}

fn document(record: &Record<'_>) -> Object {
    let recorded = rfc3339(record.recorded);
    let mut document = Object::new()
        .with("@timestamp", recorded.as_str())
        .with("ecs", Object::new().with("version", VERSION))
        .with("message", activity::sentence(record))
        .with("event", event(record, &recorded))
        .with("git_ledger", ledger(record));
    if let Some(signer) = record.signer {
        document.set("user", Object::new().with("name", signer));
    }
    document
}

fn event(record: &Record<'_>, recorded: &str) -> Object {
    let (kind, category, types) = classes(record);
    let list = |words: &[&str]| {
        let words = words.iter().map(|word| Value::from(*word));
        words.collect::<Vec<Value>>()
    };
    let outcome = match activity::outcome(record.event) {
        Some(Outcome::Success) => "success",
        Some(Outcome::Failure) => "failure",
        None => "unknown",
    };
    let mut event = Object::new()
        .with("id", record.id())
        .with("kind", kind)
        .with("category", list(&[category]))
        .with("type", list(types))
        .with("action", record.event.kind())
        .with("outcome", outcome)
        .with("provider", record.event.source())
        .with("module", "git_ledger")
        .with("dataset", "git_ledger.event")
        .with("created", recorded)
        .with("original", json_line::text(record.event.object()));
    if let Some(digest) = record.digest {
        event.set("hash", digest);
    }
    if let Some(number) = record.number {
        event.set("sequence", position::integer(number));
    }
    event
}

/// `event.kind`, `event.category`, `event.type`: only pairs the schema expects.
fn classes(record: &Record<'_>) -> (&'static str, &'static str, &'static [&'static str]) {
    let act = activity::act(record.event.kind());
    match activity::field(record) {
        Field::Alarm => ("alert", "intrusion_detection", &["info"]),
        Field::Policy => ("event", "iam", &["admin", "change"]),
        Field::Run => match act {
            Act::Start => ("event", "process", &["start"]),
            Act::End => ("event", "process", &["end"]),
            _ => ("event", "process", &["info"]),
        },
        Field::Artifact => match act {
            Act::Delete => ("event", "package", &["deletion"]),
            Act::Read => ("event", "package", &["access"]),
            _ => ("event", "package", &["info"]),
        },
        Field::Service | Field::Configuration | Field::Other => match act {
            Act::Create => ("event", "configuration", &["creation"]),
            Act::Update => ("event", "configuration", &["change"]),
            Act::Delete => ("event", "configuration", &["deletion"]),
            Act::Read => ("event", "configuration", &["access"]),
            _ => ("event", "configuration", &["info"]),
        },
    }
}

/// The place in the ledger, and what the event says of itself.
fn ledger(record: &Record<'_>) -> Object {
    let event = record.event;
    let mut inner = Object::new()
        .with("id", event.id())
        .with("source", event.source())
        .with("type", event.kind());
    for name in ["subject", "time"] {
        if let Some(value) = event.attribute(name) {
            inner.set(name, value);
        }
    }
    position::object(record).with("event", inner)
}
