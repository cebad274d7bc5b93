//! The columns of a table of records, the same for every format that has tables.

use crate::date::rfc3339;

use super::{Record, json_line};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text that is always there.
    Text,
    /// Text that may be missing.
    OptionalText,
    /// A 64-bit integer that is always there.
    Integer,
    /// A 64-bit integer that may be missing.
    OptionalInteger,
    /// A moment in UTC, of milliseconds since 1970; RFC 3339 where there is only text.
    Moment,
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Text.
    Text(String),
    /// An integer.
    Integer(i64),
    /// Seconds since 1970.
    Moment(u64),
    /// Nothing.
    Missing,
}

/// Names and kinds, in order. The last one is the whole event, as JSON.
pub const COLUMNS: [(&str, Kind); 18] = [
    ("record", Kind::Text),
    ("ledger", Kind::OptionalText),
    ("number", Kind::OptionalInteger),
    ("digest", Kind::OptionalText),
    ("commit", Kind::Text),
    ("event_index", Kind::Integer),
    ("events", Kind::Integer),
    ("recorded", Kind::Moment),
    ("signer", Kind::OptionalText),
    ("key", Kind::OptionalText),
    ("standing", Kind::Text),
    ("why", Kind::Text),
    ("id", Kind::Text),
    ("source", Kind::Text),
    ("type", Kind::Text),
    ("subject", Kind::OptionalText),
    ("time", Kind::OptionalText),
    ("event", Kind::Text),
];

/// The values of a record, in the order of [`COLUMNS`].
pub fn row(record: &Record<'_>) -> [Cell; 18] {
    let event = record.event;
    let text = |text: &str| Cell::Text(text.to_owned());
    let maybe = |value: Option<&str>| value.map_or(Cell::Missing, text);
    let integer = |number: u64| Cell::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let count = |count: usize| integer(u64::try_from(count).unwrap_or(u64::MAX));
    [
        Cell::Text(record.id()),
        maybe(record.ledger),
        record.number.map_or(Cell::Missing, integer),
        maybe(record.digest),
        text(record.commit),
        count(record.index),
        count(record.events),
        Cell::Moment(record.recorded),
        maybe(record.signer),
        maybe(record.key),
        text(record.standing),
        text(record.why),
        text(event.id()),
        text(event.source()),
        text(event.kind()),
        maybe(event.subject()),
        maybe(event.attribute("time")),
        Cell::Text(json_line::text(event.object())),
    ]
}

impl Cell {
    /// The value where there is only text; empty when it is missing.
    pub fn to_text(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Integer(number) => number.to_string(),
            Cell::Moment(time) => rfc3339(*time),
            Cell::Missing => String::new(),
        }
    }
}
