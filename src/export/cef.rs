//! ArcSight Common Event Format, version 0: one line a record, without a syslog header.
//!
//! In the seven fields before the extension `\` and `|` are escaped, in its values `\` and `=`, and
//! line feeds as `\n`, carriage returns as `\r`. Whatever else is not seen is spelled out as
//! `<U+202E>`; the whole event stands in `gitLedgerEvent` as JSON, from which it comes back exactly.
//!
//! Source: ArcSight, "Implementing ArcSight Common Event Format", revision 25.

use crate::escape::{is_hidden, printable};

use super::activity::{self, Field, Outcome};
use super::{Encoder, Fault, Record, json_line};

/// The longest field before the extension, in characters.
const LONGEST: usize = 512;

/// One record a line.
pub struct Lines;

impl Encoder for Lines {
    fn head(&mut self, _: &mut Vec<u8>) {}

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        out.extend_from_slice(line(record).as_bytes());
        out.push(b'\n');
        Ok(())
    }

    fn tail(&mut self, _: &mut Vec<u8>) -> Result<(), Fault> {
        Ok(())
    }
}

fn line(record: &Record<'_>) -> String {
    let event = record.event;
    let version = env!("CARGO_PKG_VERSION");
    let mut line = format!(
        "CEF:0|git-ledger|git-ledger|{version}|{}|{}|{}|",
        field(event.kind()),
        field(event.kind()),
        severity(record)
    );
    let outcome = activity::outcome(event).map(|outcome| match outcome {
        Outcome::Success => "success".to_owned(),
        Outcome::Failure => "failure".to_owned(),
    });
    let text = |text: &str| Some(text.to_owned());
    let millis = |seconds: u64| Some(format!("{seconds}000"));
    let pairs = [
        ("rt", millis(record.recorded)),
        ("externalId", Some(record.id())),
        ("cn1Label", text("ledgerNumber")),
        ("cn1", record.number.map(|number| number.to_string())),
        ("cn2Label", text("ledgerEventIndex")),
        ("cn2", Some(record.index.to_string())),
        ("cs1Label", text("ledgerDigest")),
        ("cs1", record.digest.map(str::to_owned)),
        ("cs2Label", text("ledgerCommit")),
        ("cs2", text(record.commit)),
        ("cs3Label", text("ledgerId")),
        ("cs3", record.ledger.map(str::to_owned)),
        ("cs4Label", text("ledgerStanding")),
        ("cs4", text(record.standing)),
        ("cs5Label", text("eventSource")),
        ("cs5", text(event.source())),
        ("cs6Label", text("eventSubject")),
        ("cs6", event.subject().map(str::to_owned)),
        ("suser", record.signer.map(str::to_owned)),
        ("suid", record.key.map(str::to_owned)),
        ("msg", Some(activity::sentence(record))),
        ("reason", Some(record.why.to_owned())),
        ("outcome", outcome),
        ("gitLedgerEventId", text(event.id())),
        (
            "gitLedgerEventTime",
            event.attribute("time").map(str::to_owned),
        ),
        ("gitLedgerEvent", Some(json_line::text(event.object()))),
    ];
    let there = pairs
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.filter(|value| !value.is_empty())?)));
    let extension: Vec<String> = there
        .map(|(key, text)| format!("{key}={}", value(&text)))
        .collect();
    line += &extension.join(" ");
    line
}

/// 0 to 10.
fn severity(record: &Record<'_>) -> u8 {
    match activity::field(record) {
        Field::Alarm => 9,
        _ if record.standing == "unverified" => 6,
        Field::Policy => 5,
        _ => 3,
    }
}

/// A field before the extension.
fn field(text: &str) -> String {
    let short: String = text.chars().take(LONGEST).collect();
    printable(&short).replace('\\', "\\\\").replace('|', "\\|")
}

/// A value of the extension.
fn value(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '=' => out.push_str("\\="),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other if is_hidden(other) => out.push_str(&format!("<U+{:04X}>", other as u32)),
            other => out.push(other),
        }
    }
    out
}
