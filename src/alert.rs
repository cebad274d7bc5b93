//! What a watch tells somebody who is not looking: one alert, how it is spelled for each channel, and
//! how it gets there.
//!
//! An alert says which rule is broken where, since when, and the evidence. It holds no secret, and
//! foreign words in it are made safe for the channel they go through: a terminal, a workflow's log,
//! the journal, a program's variables.
//!
//! # Limits
//! A channel that says it took an alert is believed. Whether anybody reads it nobody can tell from
//! here.

mod channel;
mod command;
mod github;
mod journal;
mod webhook;

use crate::date::rfc3339;
use crate::escape::printable;
use crate::event::ALERT;
use crate::finding::Severity;
use crate::json::{Object, Value, forbidden_character};

pub use channel::{Channel, Undelivered};
pub use command::{Program, Surroundings};
pub use github::{annotation, summary};
pub use journal::{SOCKET, datagram, deliver as to_journal};
pub use webhook::Webhook;

/// The longest evidence, in characters.
const LONGEST: usize = 1000;

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It was not there before.
    Found,
    /// It is still there, long after it was told.
    Still,
    /// It was told, and is there no more.
    Gone,
    /// Something about the watch itself.
    Notice,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Found, Kind::Still, Kind::Gone, Kind::Notice];

    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Found => "found",
            Kind::Still => "still",
            Kind::Gone => "gone",
            Kind::Notice => "notice",
        }
    }
}

/// One thing that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The same for the same alert, however often it is sent: 64 hex digits.
    pub id: String,
    /// New, still there, or gone.
    pub kind: Kind,
    /// How bad it is.
    pub severity: Severity,
    /// The name of the ledger, as its policy has it; foreign.
    pub ledger: String,
    /// The ledger's fingerprint, where it is known.
    pub fingerprint: Option<String>,
    /// The name of the finding, or a word of the watch's.
    pub name: &'static str,
    /// What is wrong, in a sentence of ours.
    pub meaning: String,
    /// Where: `here`, `refs`, or `remote` and its name.
    pub place: String,
    /// The entry concerned.
    pub entry: Option<u64>,
    /// The commit concerned, in hex.
    pub commit: Option<String>,
    /// What was seen; foreign.
    pub evidence: String,
    /// Since when, in seconds since 1970.
    pub since: u64,
    /// When it was told, in seconds since 1970.
    pub time: u64,
}

impl Alert {
    /// One line for people: what, where, since when.
    pub fn line(&self) -> String {
        let verb = match self.kind {
            Kind::Found => "",
            Kind::Still => "still ",
            Kind::Gone => "gone: ",
            Kind::Notice => "",
        };
        let entry = self
            .entry
            .map_or_else(String::new, |entry| format!(" entry {entry}"));
        let place = match self.place.as_str() {
            "here" => String::new(),
            place => format!(" at {}", printable(place)),
        };
        let evidence = match self.evidence.is_empty() {
            true => String::new(),
            false => format!(": {}", short(&printable(&self.evidence))),
        };
        format!(
            "{} {}: {verb}{}{place}{entry}: {}{evidence}",
            self.severity.word(),
            printable(&self.ledger),
            self.name,
            self.meaning,
        )
    }

    /// A few words for a heading, all of them ours.
    pub fn title(&self) -> String {
        let what = match self.kind {
            Kind::Found | Kind::Notice => "",
            Kind::Still => "still ",
            Kind::Gone => "gone: ",
        };
        format!("git ledger: {what}{}", self.name)
    }

    /// The event that carries it (CloudEvents), so that another ledger can record it.
    pub fn event(&self) -> Object {
        let mut data = Object::new()
            .with("evidence", clean(&short(&self.evidence)))
            .with("finding", self.name)
            .with("kind", self.kind.word())
            .with("ledger", clean(&self.ledger))
            .with("meaning", self.meaning.as_str())
            .with("place", clean(&self.place))
            .with("severity", self.severity.word())
            .with("since", rfc3339(self.since));
        for (name, value) in [
            ("fingerprint", self.fingerprint.as_ref()),
            ("commit", self.commit.as_ref()),
        ] {
            if let Some(value) = value {
                data.set(name, value.as_str());
            }
        }
        if let Some(entry) = self.entry {
            data.set(
                "entry",
                Value::Integer(i64::try_from(entry).unwrap_or(i64::MAX)),
            );
        }
        let source = match &self.fingerprint {
            Some(fingerprint) => format!("urn:git-ledger:watch:{fingerprint}"),
            None => "urn:git-ledger:watch".to_owned(),
        };
        Object::new()
            .with("specversion", "1.0")
            .with("type", ALERT)
            .with("source", source)
            .with("id", self.id.as_str())
            .with("time", rfc3339(self.time))
            .with("subject", self.name)
            .with("data", data)
    }

    /// As it is kept until it is delivered.
    pub fn stored(&self) -> Object {
        let mut object = Object::new()
            .with("id", self.id.as_str())
            .with("kind", self.kind.word())
            .with("severity", self.severity.word())
            .with("ledger", clean(&self.ledger))
            .with("name", self.name)
            .with("meaning", self.meaning.as_str())
            .with("place", clean(&self.place))
            .with("evidence", clean(&short(&self.evidence)))
            .with("since", integer(self.since))
            .with("time", integer(self.time));
        if let Some(entry) = self.entry {
            object.set("entry", integer(entry));
        }
        for (name, value) in [("fingerprint", &self.fingerprint), ("commit", &self.commit)] {
            if let Some(value) = value {
                object.set(name, value.as_str());
            }
        }
        object
    }

    /// Reads what [`Alert::stored`] wrote; `name` turns the text of a name into one that is known.
    pub fn from_stored(
        object: &Object,
        name: &dyn Fn(&str) -> Option<&'static str>,
    ) -> Option<Alert> {
        let text = |member: &str| object.get(member).and_then(Value::as_str);
        let owned = |member: &str| text(member).map(str::to_owned);
        let count = |member: &str| {
            let value = object.get(member).and_then(Value::as_integer)?;
            u64::try_from(value).ok()
        };
        let kind = text("kind")?;
        let severity = text("severity")?;
        let all = [Severity::Note, Severity::Unknown, Severity::Breach];
        Some(Alert {
            id: owned("id")?,
            kind: Kind::ALL.into_iter().find(|known| known.word() == kind)?,
            severity: all.into_iter().find(|known| known.word() == severity)?,
            ledger: owned("ledger")?,
            fingerprint: owned("fingerprint"),
            name: name(text("name")?)?,
            meaning: owned("meaning")?,
            place: owned("place")?,
            entry: count("entry"),
            commit: owned("commit"),
            evidence: owned("evidence")?,
            since: count("since")?,
            time: count("time")?,
        })
    }
}

/// At most so much of what was seen.
fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
    }
}

/// Text without what an event does not hold.
fn clean(text: &str) -> String {
    match forbidden_character(text) {
        Some(_) => printable(text),
        None => text.to_owned(),
    }
}

fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
