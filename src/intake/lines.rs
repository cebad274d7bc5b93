//! Any JSON object: its type is told from outside, its id and time by fields, or by its digest.
//!
//! The object is the event's data, whole. What the record cannot hold as it is stands as the bytes
//! that were given (`data_base64`), so nothing in it is changed.

use super::cloudevents::{admitted, carry};
use super::reduce::{at, filled};
use super::{Delivery, Fault, digest, payload, reduce};
use crate::event::Event;
use crate::json::{Object, Value};

/// Which fields of an object say what; dots nest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// Its id, unique within the source; the digest of its bytes otherwise.
    pub id: Option<String>,
    /// When it happened: RFC 3339, or seconds or milliseconds since 1970.
    pub time: Option<String>,
    /// What it happened to.
    pub subject: Option<String>,
}

/// Milliseconds since 1970 have been more than this since 1973; seconds will be in the year 5138.
const SECONDS: i64 = 100_000_000_000;

/// The event of one object.
///
/// # Errors
/// When it is no object, a field is not there, or the event would be none.
pub fn event(delivery: &Delivery<'_>, fields: &Fields) -> Result<Event, Fault> {
    let body = delivery.body.trim_ascii();
    let seen = payload(body)?;
    let kind = delivery.kind.ok_or(Fault::Nameless)?;
    let field = |path: &str| {
        at(&seen, path)
            .filter(|value| **value != Value::Null)
            .ok_or_else(|| Fault::NotOfItsForm(format!("it has no {path:?}")))
    };
    let word = |path: &str| match field(path)? {
        Value::String(text) if !text.is_empty() && text.len() <= 512 => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        _ => Err(Fault::NotOfItsForm(format!(
            "its {path:?} is neither a number nor a string of 1 to 512 bytes"
        ))),
    };
    let id = match &fields.id {
        Some(path) => word(path)?,
        None => digest(body),
    };
    let mut object = Object::new()
        .with("specversion", "1.0")
        .with("type", kind)
        .with("source", delivery.base.unwrap_or("urn:jsonl"))
        .with("id", id);
    if let Some(path) = &fields.subject {
        object.set("subject", word(path)?);
    }
    if let Some(path) = &fields.time {
        object.set("time", time(path, field(path)?, &seen)?);
    }
    carry(&mut object, body)?;
    admitted(object)
}

fn time(path: &str, value: &Value, seen: &Object) -> Result<String, Fault> {
    let time = match value {
        Value::Integer(number) if *number >= SECONDS => {
            chrono::DateTime::from_timestamp_millis(*number)
                .map(|time| time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
        }
        _ => reduce::time(seen, path),
    };
    time.filter(|time| time.len() <= 40).ok_or_else(|| {
        let shown = filled(seen, &format!("{{{path}}}")).unwrap_or_default();
        Fault::NotOfItsForm(format!("its {path:?} is no time: {shown:?}"))
    })
}
