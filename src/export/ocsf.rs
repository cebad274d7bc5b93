//! Open Cybersecurity Schema Framework: one event a line.
//!
//! Four classes, and what fits none of the first three is API Activity: something asked for
//! something by its name. `time` is when the entry was recorded; what the event claims is
//! `metadata.original_time`. The ledger's place stands in `unmapped.git_ledger`, the event whole in
//! `raw_data`.
//!
//! Source: OCSF 1.3.0, classes 2004, 3004, 6002, 6003 and what they require.

use crate::json::{Object, Value};

use super::activity::{self, Act, Field, Outcome};
use super::position::integer;
use super::{Encoder, Fault, Record, json_line, position};

/// The version of the schema.
const VERSION: &str = "1.3.0";

/// One event a line.
pub struct Lines;

impl Encoder for Lines {
    fn head(&mut self, _: &mut Vec<u8>) {}

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        json_line::line(&event(record), out);
        Ok(())
    }

    fn tail(&mut self, _: &mut Vec<u8>) -> Result<(), Fault> {
        Ok(())
    }
}

/// A class with the activity in it.
struct Class {
    category: u64,
    category_name: &'static str,
    class: u64,
    class_name: &'static str,
    activity: u64,
    activity_name: &'static str,
}

impl Class {
    fn of(record: &Record<'_>) -> Class {
        let act = activity::act(record.event.kind());
        let (category, category_name, class, class_name) = match activity::field(record) {
            Field::Alarm => (2, "Findings", 2004, "Detection Finding"),
            Field::Policy => (3, "Identity & Access Management", 3004, "Entity Management"),
            Field::Service => (6, "Application Activity", 6002, "Application Lifecycle"),
            _ => (6, "Application Activity", 6003, "API Activity"),
        };
        let (activity, activity_name) = match (class, act) {
            (2004, _) => (1, "Create"),
            (6002, Act::Create) => (1, "Install"),
            (6002, Act::Delete) => (2, "Remove"),
            (6002, Act::Start) => (3, "Start"),
            (6002, Act::End) => (4, "Stop"),
            (6002, Act::Update) => (8, "Update"),
            (3004 | 6003, Act::Create) => (1, "Create"),
            (3004 | 6003, Act::Read) => (2, "Read"),
            (3004 | 6003, Act::Update) => (3, "Update"),
            (3004 | 6003, Act::Delete) => (4, "Delete"),
            _ => (99, "Other"),
        };
        Class {
            category,
            category_name,
            class,
            class_name,
            activity,
            activity_name,
        }
    }

    /// Whether the class itself has an actor; the others have it by the profile `host`.
    fn has_actor(&self) -> bool {
        self.class == 6003
    }
}

fn event(record: &Record<'_>) -> Object {
    let class = Class::of(record);
    let (severity, severity_name) = severity(record);
    let mut event = Object::new()
        .with("category_uid", integer(class.category))
        .with("category_name", class.category_name)
        .with("class_uid", integer(class.class))
        .with("class_name", class.class_name)
        .with("activity_id", integer(class.activity))
        .with("activity_name", class.activity_name)
        .with("type_uid", integer(class.class * 100 + class.activity))
        .with(
            "type_name",
            format!("{}: {}", class.class_name, class.activity_name),
        )
        .with("severity_id", integer(severity))
        .with("severity", severity_name)
        .with("time", millis(record))
        .with("message", activity::sentence(record))
        .with("metadata", metadata(record, &class))
        .with("raw_data", json_line::text(record.event.object()))
        .with(
            "unmapped",
            Object::new().with("git_ledger", position::object(record)),
        );
    if class.activity == 99 {
        // the schema wants the source's own word here
        event.set("activity_name", record.event.kind());
    }
    if let Some(outcome) = activity::outcome(record.event) {
        let (id, name) = match outcome {
            Outcome::Success => (1, "Success"),
            Outcome::Failure => (2, "Failure"),
        };
        event.set("status_id", integer(id));
        event.set("status", name);
    }
    if class.has_actor() || record.signer.is_some() {
        event.set("actor", actor(record));
    }
    match class.class {
        2004 => event.set("finding_info", finding(record)),
        3004 => event.set("entity", entity(record)),
        6002 => event.set("app", app(record)),
        _ => {
            event.set("api", api(record));
            event.set(
                "src_endpoint",
                Object::new().with("name", record.event.source()),
            );
        }
    }
    event
}

/// Milliseconds since 1970.
fn millis(record: &Record<'_>) -> Value {
    integer(record.recorded.saturating_mul(1000))
}

fn metadata(record: &Record<'_>, class: &Class) -> Object {
    let product = Object::new()
        .with("name", "git-ledger")
        .with("vendor_name", "git-ledger")
        .with("version", env!("CARGO_PKG_VERSION"));
    let mut metadata = Object::new()
        .with("version", VERSION)
        .with("product", product)
        .with("uid", record.id())
        .with("event_code", record.event.kind())
        .with("log_provider", "git-ledger")
        .with("logged_time", millis(record));
    if let Some(ledger) = record.ledger {
        metadata.set("log_name", ledger);
    }
    if record.signer.is_some() && !class.has_actor() {
        metadata.set("profiles", vec![Value::from("host")]);
    }
    if let Some(number) = record.number {
        metadata.set("sequence", integer(number));
    }
    if let Some(time) = record.event.attribute("time") {
        metadata.set("original_time", time);
    }
    metadata
}

fn severity(record: &Record<'_>) -> (u64, &'static str) {
    match activity::field(record) {
        Field::Alarm if record.is_alarm() => (5, "Critical"),
        Field::Alarm => (4, "High"),
        _ if record.standing == "unverified" => (3, "Medium"),
        _ => (1, "Informational"),
    }
}

/// Who signed; for an entry that is broken, nobody is known.
fn actor(record: &Record<'_>) -> Object {
    let mut user = Object::new().with("name", record.signer.unwrap_or("unknown"));
    if let Some(key) = record.key {
        user.set("uid", key);
    }
    Object::new().with("user", user)
}

fn finding(record: &Record<'_>) -> Object {
    let mut finding = Object::new()
        .with("uid", record.id())
        .with("title", activity::sentence(record))
        .with("created_time", millis(record));
    if !record.why.is_empty() {
        finding.set("desc", record.why);
    }
    finding
}

fn entity(record: &Record<'_>) -> Object {
    let what = record.event.subject().unwrap_or(record.event.source());
    Object::new().with("name", what).with("type", "policy")
}

/// A product, as the schema has it: the service, or the environment.
fn app(record: &Record<'_>) -> Object {
    let what = record.event.subject().unwrap_or(record.event.source());
    Object::new()
        .with("name", what)
        .with("vendor_name", record.event.source())
}

fn api(record: &Record<'_>) -> Object {
    Object::new()
        .with("operation", record.event.kind())
        .with("request", Object::new().with("uid", record.event.id()))
}
