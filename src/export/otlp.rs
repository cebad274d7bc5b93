//! OpenTelemetry logs in OTLP/JSON: a `LogsData` a line, each of up to 1,000 records.
//!
//! Source: OTLP 1.5, JSON Protobuf encoding (64-bit integers as strings, names in camelCase);
//! semantic conventions for CloudEvents.

use crate::date::rfc3339;
use crate::json::{Object, Value};

use super::{Encoder, Fault, Record, json_line};

/// Records in one `LogsData`.
const MOST: usize = 1000;
/// `SeverityNumber` INFO, WARN, ERROR.
const SEVERITIES: [(i64, &str); 3] = [(9, "INFO"), (13, "WARN"), (17, "ERROR")];

/// `LogsData`, one after the other.
#[derive(Default)]
pub struct Logs {
    records: usize,
}

impl Encoder for Logs {
    fn head(&mut self, _: &mut Vec<u8>) {}

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.records == 0 {
            out.extend_from_slice(begin(record).as_bytes());
        } else {
            out.push(b',');
        }
        out.extend_from_slice(json_line::text(&log_record(record)).as_bytes());
        self.records += 1;
        if self.records == MOST {
            self.tail(out)?;
        }
        Ok(())
    }

    fn tail(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.records > 0 {
            out.extend_from_slice(b"]}]}]}\n");
            self.records = 0;
        }
        Ok(())
    }
}

/// A `LogsData` up to its first record: who sends, which ledger.
fn begin(record: &Record<'_>) -> String {
    let mut about = vec![string("service.name", "git-ledger")];
    about.extend(record.ledger.map(|id| string("git_ledger.id", id)));
    let resource = Object::new().with("attributes", about);
    let scope = Object::new()
        .with("name", "git-ledger")
        .with("version", env!("CARGO_PKG_VERSION"));
    format!(
        "{{\"resourceLogs\":[{{\"resource\":{},\"scopeLogs\":[{{\"scope\":{},\"logRecords\":[",
        json_line::text(&resource),
        json_line::text(&scope)
    )
}

fn log_record(record: &Record<'_>) -> Object {
    let event = record.event;
    let time = format!("{}000000000", record.recorded);
    let (severity, text) = SEVERITIES[if record.is_alarm() {
        2
    } else if record.standing == "unverified" {
        1
    } else {
        0
    }];
    let mut body = String::new();
    event.object().write(&mut body);
    let mut attributes = vec![
        string("cloudevents.event_id", event.id()),
        string("cloudevents.event_source", event.source()),
        string("cloudevents.event_spec_version", "1.0"),
        string("cloudevents.event_type", event.kind()),
        string("git_ledger.record", &record.id()),
        string("git_ledger.commit", record.commit),
        integer("git_ledger.index", record.index.to_string()),
        integer("git_ledger.events", record.events.to_string()),
        string("git_ledger.standing", record.standing),
        string("git_ledger.recorded", &rfc3339(record.recorded)),
    ];
    let known = [
        ("cloudevents.event_subject", event.subject()),
        ("git_ledger.event_time", event.attribute("time")),
        ("git_ledger.digest", record.digest),
        ("git_ledger.signer", record.signer),
        ("git_ledger.key", record.key),
        (
            "git_ledger.why",
            Some(record.why).filter(|why| !why.is_empty()),
        ),
    ];
    attributes.extend(
        known
            .into_iter()
            .filter_map(|(name, value)| Some(string(name, value?))),
    );
    attributes.extend(
        record
            .number
            .map(|number| integer("git_ledger.number", number.to_string())),
    );
    Object::new()
        .with("timeUnixNano", time.as_str())
        .with("observedTimeUnixNano", time.as_str())
        .with("severityNumber", severity)
        .with("severityText", text)
        .with("eventName", event.kind())
        .with("body", Object::new().with("stringValue", body))
        .with("attributes", attributes)
}

fn string(name: &str, value: &str) -> Value {
    attribute(name, Object::new().with("stringValue", value))
}

/// 64-bit integers are strings in this encoding.
fn integer(name: &str, value: String) -> Value {
    attribute(name, Object::new().with("intValue", value))
}

fn attribute(name: &str, value: Object) -> Value {
    Object::new().with("key", name).with("value", value).into()
}
