//! An event, whole: one attribute a line, data as an indented outline. Nothing is left out, and
//! no part of it stands at the left edge.

use crate::event::Event;
use crate::json::Value;

use super::layout::{Look, fold};
use crate::escape::printable;

/// The attributes people ask for first.
const FIRST: [&str; 7] = [
    "type",
    "subject",
    "source",
    "id",
    "time",
    "recordedtime",
    "specversion",
];

/// The event as indented lines.
pub fn text(event: &Event, look: &Look) -> String {
    let mut out = String::new();
    let object = event.object();
    let rest = object
        .iter()
        .filter(|(name, _)| !FIRST.contains(name) && *name != "data");
    let first = FIRST
        .into_iter()
        .filter_map(|name| object.get(name).map(|value| (name, value)));
    for (name, value) in first.chain(rest) {
        member(&mut out, name, value, 4, look.width);
    }
    if let Some(data) = event.data() {
        member(&mut out, "data", data, 4, look.width);
    }
    out
}

fn member(out: &mut String, name: &str, value: &Value, indent: usize, width: usize) {
    let name = printable(name);
    // deep values keep some room
    let deeper = (indent + 2).min(width / 2);
    match value {
        Value::Object(object) if object.iter().next().is_some() => {
            *out += &fold(&format!("{name}:"), indent, width);
            for (name, value) in object.iter() {
                member(out, name, value, deeper, width);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            *out += &fold(&format!("{name}:"), indent, width);
            for (at, item) in items.iter().enumerate() {
                member(out, &format!("[{at}]"), item, deeper, width);
            }
        }
        Value::String(text) => {
            let mut lines = text.split('\n');
            let one = lines.next().unwrap_or_default();
            // text of several lines stays so, below its name
            if text.contains('\n') {
                *out += &fold(&format!("{name}:"), indent, width);
                for line in std::iter::once(one).chain(lines) {
                    *out += &fold(&format!("| {}", printable(line)), deeper, width);
                }
            } else {
                *out += &fold(&format!("{name}: {}", printable(text)), indent, width);
            }
        }
        other => *out += &fold(&format!("{name}: {}", other.to_canonical()), indent, width),
    }
}
