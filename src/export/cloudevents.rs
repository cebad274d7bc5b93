//! CloudEvents 1.0 in JSON: the event itself, with the ledger's place as extension attributes.
//!
//! Source: CloudEvents 1.0.2, JSON event format 1.0.2 and JSON batch format.

use crate::date::rfc3339;
use crate::json::{Object, Value};

use super::{Encoder, Fault, Record, json_line};

/// The attributes the ledger sets. An event's own attribute of such a name gives way, and its name
/// stands in `ledgerdisplaced`.
const OURS: [&str; 13] = [
    "ledgerid",
    "ledgernumber",
    "ledgerdigest",
    "ledgercommit",
    "ledgerindex",
    "ledgerevents",
    "ledgersigner",
    "ledgerkey",
    "ledgerstanding",
    "ledgerwhy",
    "ledgerrecord",
    "ledgerrecorded",
    "ledgerdisplaced",
];

/// What CloudEvents' Integer holds: 32 bits.
pub fn fits(integer: i64) -> bool {
    i32::try_from(integer).is_ok()
}

/// The event with the ledger's attributes. All of them are strings, numbers too: CloudEvents'
/// integers end at 2^31, ledgers need not.
pub fn object(record: &Record<'_>) -> Object {
    let mut object = record.event.object().clone();
    let displaced: Vec<&str> = OURS
        .into_iter()
        .filter(|name| object.remove(name).is_some())
        .collect();
    // an integer that a consumer must refuse is written as the string it is
    let large: Vec<(String, i64)> = object
        .iter()
        .filter_map(|(name, value)| match value {
            Value::Integer(integer) if name != "data" && !fits(*integer) => {
                Some((name.to_owned(), *integer))
            }
            _ => None,
        })
        .collect();
    for (name, integer) in large {
        object.set(name, integer.to_string());
    }
    let known = [
        ("ledgerid", record.ledger.map(str::to_owned)),
        ("ledgernumber", record.number.map(|n| n.to_string())),
        ("ledgerdigest", record.digest.map(str::to_owned)),
        ("ledgercommit", Some(record.commit.to_owned())),
        ("ledgerindex", Some(record.index.to_string())),
        ("ledgerevents", Some(record.events.to_string())),
        ("ledgersigner", record.signer.map(str::to_owned)),
        ("ledgerkey", record.key.map(str::to_owned)),
        ("ledgerstanding", Some(record.standing.to_owned())),
        ("ledgerwhy", Some(record.why.to_owned())),
        ("ledgerrecord", Some(record.id())),
        ("ledgerrecorded", Some(rfc3339(record.recorded))),
        ("ledgerdisplaced", Some(displaced.join(" "))),
    ];
    for (name, value) in known {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            object.set(name, value);
        }
    }
    object
}

/// One event a line.
pub struct Lines;

impl Encoder for Lines {
    fn head(&mut self, _: &mut Vec<u8>) {}

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        json_line::line(&object(record), out);
        Ok(())
    }

    fn tail(&mut self, _: &mut Vec<u8>) -> Result<(), Fault> {
        Ok(())
    }
}

/// One array of events.
#[derive(Default)]
pub struct Batch {
    records: u64,
}

impl Encoder for Batch {
    fn head(&mut self, out: &mut Vec<u8>) {
        out.push(b'[');
    }

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        out.extend_from_slice(if self.records == 0 { b"\n" } else { b",\n" });
        self.records += 1;
        out.extend_from_slice(json_line::text(&object(record)).as_bytes());
        Ok(())
    }

    fn tail(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        out.extend_from_slice(b"\n]\n");
        Ok(())
    }
}
