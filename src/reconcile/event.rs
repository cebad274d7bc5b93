//! The events that a comparison writes, and how a ref and what it holds are spelled in them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gix::ObjectId;

use crate::event::{BASELINE, Event, EventFault, GAP, Pending};
use crate::hook::pusher::{set_ref, string};
use crate::hook::watched::is_name;
use crate::json::{Object, Value};
use crate::merkle;

use super::{Difference, Held, Refs};

/// How a ref that stands for another is spelled, before the other's name.
const SYMBOLIC: &str = "ref: ";
/// The same, where the name is no string the record allows.
const SYMBOLIC_BASE64: &str = "ref_base64: ";
const BROKEN: &str = "broken";

/// Records where the refs stand. `source` names the repository, `time` is RFC 3339.
///
/// # Errors
/// When it cannot stand in the record.
pub fn baseline(
    refs: &Refs,
    format: gix::hash::Kind,
    source: &str,
    time: &str,
) -> Result<Pending, EventFault> {
    let one = |(name, found): (&Vec<u8>, &Held)| -> Value {
        let mut object = Object::new().with("found", spelled(found, format));
        set_ref(&mut object, name);
        object.into()
    };
    let refs: Vec<Value> = refs.iter().map(one).collect();
    let subject = count(refs.len());
    let data = Object::new().with("refs", refs);
    event(BASELINE, "baseline", data, source, &subject, time)
}

/// Records what was found where the record left something else. `how`: what made us look.
///
/// # Errors
/// When it cannot stand in the record.
pub fn gap(
    differences: &[Difference],
    format: gix::hash::Kind,
    how: &str,
    source: &str,
    time: &str,
) -> Result<Pending, EventFault> {
    let one = |difference: &Difference| -> Value {
        let mut object = Object::new()
            .with("recorded", spelled(&difference.recorded, format))
            .with("found", spelled(&difference.found, format))
            .with("kind", difference.kind());
        set_ref(&mut object, &difference.name);
        if let Some(since) = difference.since {
            object.set(
                "since",
                Value::Integer(i64::try_from(since).unwrap_or(i64::MAX)),
            );
        }
        object.into()
    };
    let refs: Vec<Value> = differences.iter().map(one).collect();
    // the same change, found twice, is one event; that it moved again shows in `since`
    let id = merkle::hex(&merkle::sha256(
        Value::from(refs.clone()).to_canonical().as_bytes(),
    ));
    let refs = refs
        .into_iter()
        .zip(differences)
        .map(|(value, difference)| match (value, difference.forced) {
            (Value::Object(mut object), Some(forced)) => {
                object.set("forced", Value::Bool(forced));
                object.into()
            }
            (value, _) => value,
        });
    let subject = match differences {
        [only] => string(&only.name).map_or_else(|| count(1), str::to_owned),
        several => count(several.len()),
    };
    let data = Object::new()
        .with("how", how)
        .with("refs", refs.collect::<Vec<_>>());
    event(GAP, &format!("gap/{id}"), data, source, &subject, time)
}

fn event(
    kind: &str,
    id: &str,
    data: Object,
    source: &str,
    subject: &str,
    time: &str,
) -> Result<Pending, EventFault> {
    let object = Object::new()
        .with("specversion", "1.0")
        .with("type", kind)
        .with("id", id)
        .with("source", source)
        .with("subject", subject)
        .with("time", time)
        .with("data", data);
    Pending::new(Event::from_object(object)?)
}

fn count(refs: usize) -> String {
    format!("{refs} ref{}", if refs == 1 { "" } else { "s" })
}

/// The name of the ref that an object is about.
pub(super) fn name(object: &Object) -> Option<Vec<u8>> {
    match object.get("ref").and_then(Value::as_str) {
        Some(name) => Some(name.as_bytes().to_vec()),
        None => STANDARD.decode(object.get("ref_base64")?.as_str()?).ok(),
    }
}

/// An object id; null for nothing.
pub(super) fn object_id(value: &Value, format: gix::hash::Kind) -> Option<ObjectId> {
    crate::git::parse_id(value.as_str()?.as_bytes(), format)
}

/// What a ref holds, as the record spells it.
pub(super) fn spelled(held: &Held, format: gix::hash::Kind) -> String {
    match held {
        Held::Nothing => format.null().to_string(),
        Held::Object(id) => id.to_string(),
        Held::Broken => BROKEN.to_owned(),
        Held::Symbolic(target) => match string(target) {
            Some(target) => format!("{SYMBOLIC}{target}"),
            None => format!("{SYMBOLIC_BASE64}{}", STANDARD.encode(target)),
        },
    }
}

/// What this spells.
pub(super) fn held(value: &Value, format: gix::hash::Kind) -> Option<Held> {
    let text = value.as_str()?;
    if text == BROKEN {
        return Some(Held::Broken);
    }
    let target = match text.strip_prefix(SYMBOLIC_BASE64) {
        Some(target) => Some(STANDARD.decode(target).ok()?),
        None => text
            .strip_prefix(SYMBOLIC)
            .map(|target| target.as_bytes().to_vec()),
    };
    match target {
        Some(target) => is_name(&target).then_some(Held::Symbolic(target)),
        None => object_id(value, format).map(Held::of),
    }
}
