//! Splunk's HTTP Event Collector: one object a line; what is searched by index stands flat in
//! `fields`, under names no event can set.
//!
//! Source: Splunk, "Format events for HTTP Event Collector".

use crate::date::rfc3339;
use crate::json::Object;

use super::position::integer;
use super::{Encoder, Fault, Record, json_line};

/// The records' `sourcetype`.
const SOURCE_TYPE: &str = "git_ledger:event";

/// One record a line.
pub struct Lines;

impl Encoder for Lines {
    fn head(&mut self, _: &mut Vec<u8>) {}

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let object = Object::new()
            .with("time", integer(record.recorded))
            .with("source", record.event.source())
            .with("sourcetype", SOURCE_TYPE)
            .with("event", record.event.object().clone())
            .with("fields", fields(record));
        json_line::line(&object, out);
        Ok(())
    }

    fn tail(&mut self, _: &mut Vec<u8>) -> Result<(), Fault> {
        Ok(())
    }
}

/// Strings only: the collector refuses anything nested.
fn fields(record: &Record<'_>) -> Object {
    let known = [
        ("ledger_record", Some(record.id())),
        ("ledger_id", record.ledger.map(str::to_owned)),
        ("ledger_number", record.number.map(|n| n.to_string())),
        ("ledger_digest", record.digest.map(str::to_owned)),
        ("ledger_commit", Some(record.commit.to_owned())),
        ("ledger_index", Some(record.index.to_string())),
        ("ledger_events", Some(record.events.to_string())),
        ("ledger_signer", record.signer.map(str::to_owned)),
        ("ledger_key", record.key.map(str::to_owned)),
        ("ledger_standing", Some(record.standing.to_owned())),
        ("ledger_why", Some(record.why.to_owned())),
        ("ledger_recorded", Some(rfc3339(record.recorded))),
    ];
    let mut fields = Object::new();
    for (name, value) in known {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            fields.set(name, value);
        }
    }
    fields
}
