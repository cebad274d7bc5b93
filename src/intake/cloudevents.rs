//! CloudEvents 1.0 in JSON: one event, or an array of them. They are carried whole.
//!
//! What the record cannot hold as it is (a fraction, an integer beyond 2^53, a control character)
//! stays what it was: `data` then stands as `data_base64`, the bytes that were given. An attribute
//! the record cannot hold is refused, and so is one that the ledger sets itself.
//!
//! Source: CloudEvents 1.0.2, JSON format, sections 2, 3 and 4.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{Delivery, Fault, raw};
use crate::event::{ALERT, Event};
use crate::json::{Object, Value, foreign};

/// The longest type, source, id or subject, in bytes.
const MAX_ATTRIBUTE: usize = 1024;

/// The types that only a ledger's own programs write.
const OURS: &str = "dev.git-ledger.";

/// The events of a body.
pub(super) fn events(delivery: &Delivery<'_>) -> Result<Vec<Event>, Fault> {
    let start = delivery.body.iter().find(|b| !b.is_ascii_whitespace());
    if start != Some(&b'[') {
        return Ok(vec![event(delivery.body, delivery.base)?]);
    }
    // the whole must be JSON before its parts mean anything
    foreign::read(delivery.body).map_err(|why| Fault::Malformed(why.to_string()))?;
    let items = raw::items(delivery.body).unwrap_or_default();
    let each = items.into_iter().enumerate().map(|(at, item)| {
        event(item, delivery.base).map_err(|why| match why {
            Fault::NotAnEvent(why) => Fault::NotAnEvent(format!("item {}: {why}", at + 1)),
            why => Fault::NotOfItsForm(format!("item {}: {why}", at + 1)),
        })
    });
    each.collect()
}

/// One event in structured form.
fn event(text: &[u8], base: Option<&str>) -> Result<Event, Fault> {
    let mut object = whole(text)?;
    if let Some(base) = base {
        object.set("source", base);
    }
    // CloudEvents: an attribute that is null is not there
    let unset: Vec<String> = object
        .iter()
        .filter(|(name, value)| *name != "data" && **value == Value::Null)
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in unset {
        object.remove(&name);
    }
    admitted(object)
}

/// The object that a text is, with data the record cannot hold as bytes.
pub(super) fn whole(text: &[u8]) -> Result<Object, Fault> {
    match Value::parse(text) {
        Ok(Value::Object(object)) => return Ok(object),
        Ok(_) => return Err(Fault::NotOfItsForm("an event is a JSON object".into())),
        Err(_) => {}
    }
    let seen = match foreign::read(text).map_err(|why| Fault::Malformed(why.to_string()))? {
        Value::Object(seen) => seen,
        _ => return Err(Fault::NotOfItsForm("an event is a JSON object".into())),
    };
    let mut object = Object::new();
    for (name, _) in seen.iter() {
        let given = raw::member(text, name)
            .ok_or_else(|| Fault::NotAnEvent(format!("the attribute name {name:?}")))?;
        match Value::parse(given) {
            Ok(value) => object.set(name, value),
            Err(_) if name == "data" => hold(&mut object, &seen, given)?,
            Err(why) => return Err(Fault::NotAnEvent(format!("{name}: {}", place(&why)))),
        }
    }
    Ok(object)
}

/// The data as the bytes it was given in.
fn hold(object: &mut Object, seen: &Object, given: &[u8]) -> Result<(), Fault> {
    if seen.get("data_base64").is_some() {
        let why = "data and data_base64 stand side by side";
        return Err(Fault::NotAnEvent(why.into()));
    }
    object.set("data_base64", BASE64.encode(given));
    if seen
        .get("datacontenttype")
        .is_none_or(|value| *value == Value::Null)
    {
        object.set("datacontenttype", "application/json");
    }
    Ok(())
}

/// Sets the data of an event: a JSON text, whole, as it stands one level deep.
///
/// # Errors
/// When it is no JSON, or two readers read it differently.
pub fn carry(object: &mut Object, text: &[u8]) -> Result<(), Fault> {
    let mut framed = whole(&[&b"{\"data\":"[..], text, b"}"].concat())?;
    for name in ["data", "data_base64", "datacontenttype"] {
        if let Some(value) = framed.remove(name) {
            object.set(name, value);
        }
    }
    Ok(())
}

/// The fault of one attribute, which the reader of JSON took for a text of its own.
fn place(why: &crate::json::JsonFault) -> String {
    let why = why.to_string();
    why.split(" at line ").next().unwrap_or_default().to_owned()
}

/// An event of somebody else, as far as a ledger takes it.
///
/// # Errors
/// [`Fault::NotAnEvent`] names the rule.
pub fn admitted(object: Object) -> Result<Event, Fault> {
    let refused = |why: String| Err(Fault::NotAnEvent(why));
    for name in ["recordedtime", "dataref"] {
        if object.get(name).is_some() {
            return refused(format!("{name} is set by the ledger itself"));
        }
    }
    let event = Event::from_object(object)?;
    for name in ["type", "source", "id", "subject"] {
        let value = event.attribute(name).unwrap_or_default();
        if value.len() > MAX_ATTRIBUTE {
            return refused(format!("{name} is longer than {MAX_ATTRIBUTE} bytes"));
        }
    }
    if event.kind().chars().any(|c| !c.is_ascii_graphic()) {
        let kind = event.kind();
        return refused(format!("the type {kind:?} is not printable ASCII"));
    }
    // an alert is made to be sent, and speaks for the watch that sends it
    if event.kind().starts_with(OURS) && event.kind() != ALERT {
        return refused(format!(
            "a type that begins with {OURS} is the ledger's own"
        ));
    }
    let blank = |c: char| c.is_whitespace() || c.is_control();
    if event.source().chars().any(blank) {
        return refused(format!("the source {:?} is no URI", event.source()));
    }
    if let Some(time) = event.object().get("time")
        && time
            .as_str()
            .is_none_or(|time| chrono::DateTime::parse_from_rfc3339(time).is_err())
    {
        return refused("the time is not RFC 3339, as 2026-01-31T12:00:00Z".into());
    }
    Ok(event)
}
