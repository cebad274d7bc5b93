//! CDEvents without their envelope: `context` and `subject` become a CloudEvent that carries the
//! whole as its data. Versions 0.3 to 0.5 of the specification.
//!
//! Source: CDEvents 0.5, the CloudEvents binding; 0.3 and 0.4 for `context.version`.

use super::cloudevents::{admitted, carry};
use super::reduce::string;
use super::{Delivery, Fault, cloudevents, payload};
use crate::event::Event;
use crate::json::Object;

/// Versions of the specification that are taken, as they begin.
const VERSIONS: &[&str] = &["0.3.", "0.4.", "0.5."];

/// The events of a body. One that has an envelope already is read as a CloudEvent.
pub(super) fn events(delivery: &Delivery<'_>) -> Result<Vec<Event>, Fault> {
    let start = delivery.body.iter().find(|b| !b.is_ascii_whitespace());
    let bare = match start {
        Some(b'[') => false,
        _ => payload(delivery.body)?.get("context").is_some(),
    };
    match bare {
        true => Ok(vec![event(delivery)?]),
        false => cloudevents::events(delivery),
    }
}

fn event(delivery: &Delivery<'_>) -> Result<Event, Fault> {
    let seen = payload(delivery.body)?;
    let missing = |path: &str| Fault::NotOfItsForm(format!("a CDEvent has '{path}', a string"));
    let get = |path: &str| string(&seen, path).ok_or_else(|| missing(path));
    let version = string(&seen, "context.specversion")
        .or_else(|| string(&seen, "context.version"))
        .ok_or_else(|| missing("context.specversion"))?;
    if !VERSIONS.iter().any(|known| version.starts_with(known)) {
        let why = format!("CDEvents {version:?} is none of 0.3, 0.4 and 0.5");
        return Err(Fault::NotOfItsForm(why));
    }
    let kind = get("context.type")?;
    if !seen.get("subject").is_some_and(|subject| {
        let content = subject
            .as_object()
            .and_then(|subject| subject.get("content"));
        content.is_some_and(|content| content.as_object().is_some())
    }) {
        let why = "a CDEvent has 'subject.content', an object";
        return Err(Fault::NotOfItsForm(why.into()));
    }
    // what is told on the envelope must not differ from what was said
    let exact = [
        kind,
        get("context.id")?,
        get("context.source")?,
        get("subject.id")?,
    ];
    if exact.iter().any(|text| text.contains("\\u{")) {
        let why = "its context holds a character that the record does not";
        return Err(Fault::NotAnEvent(why.into()));
    }
    let mut object = Object::new()
        .with("specversion", "1.0")
        .with("type", kind)
        .with("id", get("context.id")?)
        .with("source", delivery.base.unwrap_or(get("context.source")?))
        .with("subject", get("subject.id")?)
        .with("time", get("context.timestamp")?)
        .with("datacontenttype", "application/json");
    carry(&mut object, delivery.body)?;
    admitted(object)
}
