//! One matter that is known, from the first time it was seen until it is gone.

use crate::alert::{Alert, Kind};
use crate::finding::Severity;
use crate::json::{Object, Value};
use crate::merkle;

use super::{Look, Matter, Place, Seen, name};

/// The longest evidence that is kept, in characters.
const LONGEST: usize = 1000;

/// What is known of a matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub severity: Severity,
    pub meaning: String,
    pub evidence: String,
    /// When it was seen first.
    pub first: u64,
    /// When it was told last.
    pub told: Option<u64>,
    /// How often it was told.
    pub times: u64,
    /// How many more of its kind there were when it was told last.
    pub more: u64,
}

impl Known {
    pub fn of(seen: &Seen, now: u64) -> Known {
        Known {
            severity: seen.severity,
            meaning: seen.meaning.to_owned(),
            evidence: cut(&seen.evidence),
            first: now,
            told: None,
            times: 0,
            more: seen.more,
        }
    }

    /// The alert that tells of it now.
    pub fn alert(&self, matter: &Matter, kind: Kind, look: &Look) -> Alert {
        let entry = matter.entry.map_or_else(String::new, |n| n.to_string());
        let parts = [
            kind.word(),
            matter.name,
            &matter.place.text(),
            &entry,
            matter.commit.as_deref().unwrap_or_default(),
            &self.first.to_string(),
            &self.times.to_string(),
            look.fingerprint.as_deref().unwrap_or_default(),
        ];
        let evidence = match self.more {
            0 => self.evidence.clone(),
            more => format!("{} (and {more} more of this kind)", self.evidence),
        };
        Alert {
            id: merkle::hex(&merkle::sha256(parts.join("\0").as_bytes())),
            kind,
            severity: match kind {
                Kind::Gone => Severity::Note,
                Kind::Found | Kind::Still | Kind::Notice => self.severity,
            },
            ledger: look.ledger.clone(),
            fingerprint: look.fingerprint.clone(),
            name: matter.name,
            meaning: self.meaning.clone(),
            place: matter.place.text(),
            entry: matter.entry,
            commit: matter.commit.clone(),
            evidence,
            since: self.first,
            time: look.now,
        }
    }

    pub fn stored(&self, matter: &Matter) -> Object {
        let mut object = Object::new()
            .with("name", matter.name)
            .with("place", clean(&matter.place.text()))
            .with("severity", self.severity.word())
            .with("meaning", self.meaning.as_str())
            .with("evidence", clean(&self.evidence))
            .with("first", integer(self.first))
            .with("times", integer(self.times))
            .with("more", integer(self.more));
        for (name, number) in [("entry", matter.entry), ("told", self.told)] {
            if let Some(number) = number {
                object.set(name, integer(number));
            }
        }
        if let Some(commit) = &matter.commit {
            object.set("commit", commit.as_str());
        }
        object
    }

    pub fn from_stored(object: &Object) -> Option<(Matter, Known)> {
        let text = |member: &str| object.get(member).and_then(Value::as_str);
        let severity = text("severity")?;
        let all = [Severity::Note, Severity::Unknown, Severity::Breach];
        let matter = Matter {
            name: name(text("name")?)?,
            place: Place::parse(text("place")?)?,
            entry: count(object, "entry"),
            commit: text("commit").map(str::to_owned),
        };
        let known = Known {
            severity: all.into_iter().find(|known| known.word() == severity)?,
            meaning: text("meaning")?.to_owned(),
            evidence: text("evidence")?.to_owned(),
            first: count(object, "first")?,
            told: count(object, "told"),
            times: count(object, "times")?,
            more: count(object, "more")?,
        };
        Some((matter, known))
    }
}

pub fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// Text without what the record's JSON does not hold.
fn clean(text: &str) -> String {
    match crate::json::forbidden_character(text) {
        Some(_) => crate::escape::printable(text),
        None => text.to_owned(),
    }
}

pub fn integer(number: u64) -> Value {
    // beyond 2^53 no JSON number is exact, and no clock or count here comes near
    Value::Integer(i64::try_from(number.min((1 << 53) - 1)).unwrap_or_default())
}

pub fn count(object: &Object, member: &str) -> Option<u64> {
    let value = object.get(member).and_then(Value::as_integer)?;
    u64::try_from(value).ok()
}
