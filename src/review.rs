//! What somebody who looked at a range of entries says of it: the event, read and written, and which
//! entries nobody has looked at yet.
//!
//! A review is bound to the first and the last entry of its range by their digests, and so to every
//! entry between them and before. All the rest of it is a claim of whoever signed it; that only
//! auditors and admins may sign one is judged by `verify`.
//!
//! Source: `ledger-spec/review.md`.

mod coverage;
mod tamper;

use crate::entry::parse_hex;
use crate::event::{Event, EventFault, REVIEW};
use crate::finding::Answer;
use crate::json::{Object, Value};
use crate::merkle::{Hash, hex};

pub use coverage::{Coverage, Placed, Shown, Waiting};
pub use tamper::Tamper;

/// Findings that one review names at most.
pub const MOST_FINDINGS: usize = 100;
/// The longest note, in bytes; what is longer belongs into a ticket.
pub const LONGEST_NOTE: usize = 8000;
/// The longest name of a ticket, in bytes.
pub const LONGEST_TICKET: usize = 500;

/// One end of the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// The entry's number.
    pub number: u64,
    /// Its digest.
    pub digest: Hash,
}

/// What the reviewer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is wrong.
    Clean,
    /// There is something that needs an answer, and no incident.
    Findings,
    /// Something happened that must not.
    Incident,
}

impl Outcome {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Clean => "clean",
            Outcome::Findings => "findings",
            Outcome::Incident => "incident",
        }
    }

    /// What a word means.
    pub fn of(word: &str) -> Option<Outcome> {
        let all = [Outcome::Clean, Outcome::Findings, Outcome::Incident];
        all.into_iter().find(|outcome| outcome.word() == word)
    }
}

/// What the reviewer decided about one finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is explained and accepted.
    Fine,
    /// It is an incident.
    Incident,
    /// Nothing yet.
    Open,
}

impl Decision {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Decision::Fine => "ok",
            Decision::Incident => "incident",
            Decision::Open => "open",
        }
    }

    /// What a word means.
    pub fn of(word: &str) -> Option<Decision> {
        let all = [Decision::Fine, Decision::Incident, Decision::Open];
        all.into_iter().find(|decision| decision.word() == word)
    }
}

/// Who says that something was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The verification: a rule is broken, or could not be checked.
    Verify,
    /// What the program finds that somebody should explain, though no rule is broken.
    Exceptions,
    /// The reviewer.
    Reviewer,
}

impl By {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            By::Verify => "verify",
            By::Exceptions => "exceptions",
            By::Reviewer => "reviewer",
        }
    }

    /// What a word means.
    pub fn of(word: &str) -> Option<By> {
        let all = [By::Verify, By::Exceptions, By::Reviewer];
        all.into_iter().find(|by| by.word() == word)
    }
}

/// One thing that was seen in the range, or several of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its name: a finding of `verify`, a kind of exception, or a word of the reviewer's.
    pub id: String,
    /// The entry it concerns; none where it is about several, or none.
    pub entry: Option<u64>,
    /// How many of its kind are meant.
    pub count: u64,
    /// Who says so.
    pub by: By,
    /// What was decided.
    pub decision: Decision,
}

/// What one review says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The first entry that was looked at.
    pub first: Bound,
    /// The last one.
    pub last: Bound,
    /// What a verification of the ledger came to when the review was made.
    pub answer: Answer,
    /// How many entries there were then.
    pub verified: u64,
    /// Which program verified it.
    pub version: String,
    /// How many entries of the range the reviewer signed.
    pub own: u64,
    /// What was seen.
    pub findings: Vec<Seen>,
    /// What the reviewer came to.
    pub outcome: Outcome,
    /// In the reviewer's words.
    pub note: Option<String>,
    /// Where else it is written down.
    pub ticket: Option<String>,
}

/// Why a review is not in order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A member is missing or of another form.
    #[error("its '{0}' is missing or not of the form it must have")]
    Member(&'static str),
    /// Two members do not go together.
    #[error("{0}")]
    Contradiction(&'static str),
}

impl Review {
    /// How many entries the range has.
    pub fn entries(&self) -> u64 {
        self.last
            .number
            .saturating_sub(self.first.number)
            .saturating_add(1)
    }

    /// What is wrong with what it says, if anything: no program signs such a review.
    ///
    /// # Errors
    /// The first [`Fault`].
    pub fn check(&self) -> Result<(), Fault> {
        let incident = self
            .findings
            .iter()
            .any(|seen| seen.decision == Decision::Incident);
        let open = self
            .findings
            .iter()
            .any(|seen| seen.decision == Decision::Open);
        let wrong = if self.first.number > self.last.number {
            "the range ends before it begins"
        } else if self.outcome == Outcome::Clean && self.answer == Answer::Breach {
            "what is in breach is not clean"
        } else if self.outcome == Outcome::Clean && self.answer == Answer::Unknown {
            "what could not be checked is not clean"
        } else if self.outcome == Outcome::Clean && open {
            "a finding that nobody decided about is not clean"
        } else if self.outcome != Outcome::Incident && incident {
            "a finding that is an incident makes the review one"
        } else {
            return Ok(());
        };
        Err(Fault::Contradiction(wrong))
    }

    /// The event that records it.
    ///
    /// # Errors
    /// When a text holds characters that the record does not.
    pub fn event(&self, id: &str, source: &str, time: &str) -> Result<Event, EventFault> {
        Event::from_object(
            Object::new()
                .with("specversion", "1.0")
                .with("type", REVIEW)
                .with("source", source)
                .with("id", id)
                .with("time", time)
                .with(
                    "subject",
                    format!("{}..{}", self.first.number, self.last.number),
                )
                .with("data", self.data()),
        )
    }

    /// The data of the event.
    pub fn data(&self) -> Object {
        let mut data = Object::new()
            .with("first", bound(&self.first))
            .with("last", bound(&self.last))
            .with("entries", number(self.entries()))
            .with(
                "verified",
                Object::new()
                    .with("answer", self.answer.word())
                    .with("entries", number(self.verified))
                    .with("version", self.version.as_str()),
            )
            .with("own", number(self.own))
            .with("outcome", self.outcome.word());
        let findings: Vec<Value> = self.findings.iter().map(seen).collect();
        if !findings.is_empty() {
            data.set("findings", findings);
        }
        for (name, text) in [("note", &self.note), ("ticket", &self.ticket)] {
            if let Some(text) = text {
                data.set(name, text.as_str());
            }
        }
        data
    }

    /// The review that an event records; none if it is of another type.
    ///
    /// # Errors
    /// Why it says nothing that can be relied on.
    pub fn of(event: &Event) -> Option<Result<Review, Fault>> {
        (event.kind() == REVIEW).then(|| {
            let data = event.data().and_then(Value::as_object);
            Review::read(data.ok_or(Fault::Member("data"))?)
        })
    }

    /// Reads the data of an event.
    ///
    /// # Errors
    /// As [`Review::of`].
    pub fn read(data: &Object) -> Result<Review, Fault> {
        let object = |name: &'static str| {
            let object = data.get(name).and_then(Value::as_object);
            object.ok_or(Fault::Member(name))
        };
        let ends = |name: &'static str| read_bound(object(name)?).ok_or(Fault::Member(name));
        let verified = object("verified")?;
        let findings = match data.get("findings") {
            None => Vec::new(),
            Some(value) => {
                let items = value.as_array().unwrap_or_default();
                let read: Option<Vec<Seen>> = items.iter().map(read_seen).collect();
                read.filter(|all| !all.is_empty() && all.len() <= MOST_FINDINGS)
                    .ok_or(Fault::Member("findings"))?
            }
        };
        let text = |name: &'static str, most: usize| match data.get(name) {
            None => Ok(None),
            Some(value) => {
                let text = value.as_str().filter(|text| text.len() <= most);
                text.map(|text| Some(text.to_owned()))
                    .ok_or(Fault::Member(name))
            }
        };
        let review = Review {
            first: ends("first")?,
            last: ends("last")?,
            answer: verified
                .get("answer")
                .and_then(Value::as_str)
                .and_then(answer)
                .ok_or(Fault::Member("verified"))?,
            verified: verified
                .get("entries")
                .and_then(count)
                .ok_or(Fault::Member("verified"))?,
            version: verified
                .get("version")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            own: data
                .get("own")
                .and_then(count)
                .ok_or(Fault::Member("own"))?,
            findings,
            outcome: data
                .get("outcome")
                .and_then(Value::as_str)
                .and_then(Outcome::of)
                .ok_or(Fault::Member("outcome"))?,
            note: text("note", LONGEST_NOTE)?,
            ticket: text("ticket", LONGEST_TICKET)?,
        };
        review.check()?;
        if data.get("entries").and_then(count) != Some(review.entries()) {
            return Err(Fault::Member("entries"));
        }
        Ok(review)
    }
}

fn answer(word: &str) -> Option<Answer> {
    let all = [Answer::Sound, Answer::Unknown, Answer::Breach];
    all.into_iter().find(|answer| answer.word() == word)
}

fn number(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn count(value: &Value) -> Option<u64> {
    value
        .as_integer()
        .and_then(|count| u64::try_from(count).ok())
}

fn bound(bound: &Bound) -> Object {
    Object::new()
        .with("number", number(bound.number))
        .with("digest", format!("sha256:{}", hex(&bound.digest)))
}

fn read_bound(object: &Object) -> Option<Bound> {
    let digest = object.get("digest").and_then(Value::as_str)?;
    Some(Bound {
        number: object.get("number").and_then(count)?,
        digest: parse_hex(digest.strip_prefix("sha256:")?)?,
    })
}

fn seen(seen: &Seen) -> Value {
    let mut object = Object::new()
        .with("id", seen.id.as_str())
        .with("by", seen.by.word())
        .with("decision", seen.decision.word());
    if let Some(entry) = seen.entry {
        object.set("entry", number(entry));
    }
    if seen.count > 1 {
        object.set("count", number(seen.count));
    }
    object.into()
}

fn read_seen(value: &Value) -> Option<Seen> {
    let object = value.as_object()?;
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    Some(Seen {
        id: text("id")?.to_owned(),
        entry: match object.get("entry") {
            None => None,
            Some(value) => Some(count(value)?),
        },
        count: match object.get("count") {
            None => 1,
            Some(value) => count(value).filter(|count| *count > 1)?,
        },
        by: By::of(text("by")?)?,
        decision: Decision::of(text("decision")?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review() -> Review {
        Review {
            first: Bound {
                number: 5,
                digest: [5; 32],
            },
            last: Bound {
                number: 20,
                digest: [20; 32],
            },
            answer: Answer::Sound,
            verified: 23,
            version: "git-ledger 0.1.0".into(),
            own: 0,
            findings: vec![Seen {
                id: "eventConflict".into(),
                entry: Some(7),
                count: 1,
                by: By::Verify,
                decision: Decision::Fine,
            }],
            outcome: Outcome::Clean,
            note: Some("looked at each".into()),
            ticket: None,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let event = review()
            .event("1", "/r", "2026-01-31T12:00:00Z")
            .expect("an event");
        assert_eq!(event.subject(), Some("5..20"));
        assert_eq!(Review::of(&event), Some(Ok(review())));
        assert_eq!(review().entries(), 16);
    }

    #[test]
    fn no_word_is_stronger_than_what_was_seen() {
        let with = |change: fn(&mut Review)| {
            let mut review = review();
            change(&mut review);
            review.check().is_ok()
        };
        assert!(with(|_| {}));
        assert!(!with(|review| review.answer = Answer::Breach));
        assert!(!with(|review| review.answer = Answer::Unknown));
        assert!(!with(|review| review.findings[0].decision = Decision::Open));
        assert!(!with(
            |review| review.findings[0].decision = Decision::Incident
        ));
        assert!(!with(|review| review.first.number = 21));
        assert!(with(|review| {
            review.answer = Answer::Breach;
            review.findings[0].decision = Decision::Incident;
            review.outcome = Outcome::Incident;
        }));
    }

    #[test]
    fn what_is_not_of_the_form_is_no_review() {
        let good = review().data();
        for (name, value) in [
            ("first", Value::from(1i64)),
            ("last", Object::new().into()),
            ("entries", Value::from(17i64)),
            ("own", Value::from(-1i64)),
            ("outcome", Value::from("great")),
            ("verified", Object::new().with("answer", "sound").into()),
            ("findings", Value::from(Vec::<Value>::new())),
            ("note", Value::from("x".repeat(LONGEST_NOTE + 1))),
        ] {
            let bad = good.clone().with(name, value);
            assert!(Review::read(&bad).is_err(), "{name}");
        }
    }
}
