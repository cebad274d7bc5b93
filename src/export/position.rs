//! Where a record stands in the ledger, as one object: the same members in every format that
//! holds objects.

use crate::date::rfc3339;
use crate::json::{Object, Value};

use super::Record;

/// The members of `ledger-spec/export.md`, rule 3.
pub fn object(record: &Record<'_>) -> Object {
    let mut object = Object::new()
        .with("record", record.id())
        .with("commit", record.commit)
        .with("index", count(record.index))
        .with("events", count(record.events))
        .with("standing", record.standing)
        .with("recorded", rfc3339(record.recorded));
    let known = [
        ("ledger", record.ledger),
        ("digest", record.digest),
        ("signer", record.signer),
        ("key", record.key),
        ("why", Some(record.why).filter(|why| !why.is_empty())),
    ];
    for (name, value) in known {
        if let Some(value) = value {
            object.set(name, clean(value));
        }
    }
    if let Some(number) = record.number {
        object.set("number", integer(number));
    }
    object
}

/// A count, which no ledger makes larger than JSON holds.
pub fn count(count: usize) -> Value {
    integer(u64::try_from(count).unwrap_or(u64::MAX))
}

/// A number, at most what JSON holds exactly.
pub fn integer(number: u64) -> Value {
    let most = crate::json::MAX_INTEGER;
    Value::Integer(i64::try_from(number).map_or(most, |number| number.min(most)))
}

/// Text without what JSON of the record does not hold.
fn clean(text: &str) -> Value {
    if crate::json::forbidden_character(text).is_some() {
        crate::escape::printable(text).into()
    } else {
        text.into()
    }
}
