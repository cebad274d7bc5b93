//! The event that records tampering somebody found.

use crate::event::{Event, EventFault, TAMPER_FOUND};
use crate::finding::Finding;
use crate::json::{Object, Value, forbidden_character};
use crate::merkle;

use super::{Bound, bound, number};

/// The longest evidence, in characters.
const LONGEST: usize = 1000;

/// What was found, and where.
#[derive(Debug, Clone)]
pub struct Tamper<'a> {
    /// The finding, a breach.
    pub finding: &'a Finding,
    /// The remote; none where it is the copy in hand.
    pub copy: Option<&'a str>,
    /// Refs under which both histories are kept.
    pub evidence: &'a [String],
    /// The newest entry of the copy in hand.
    pub here: Bound,
}

impl Tamper<'_> {
    /// What it is recorded under: the same for whoever finds it.
    pub fn id(&self) -> String {
        let mut object = Object::new().with("id", self.finding.id.name());
        if let Some(copy) = self.copy {
            object.set("copy", clean(copy));
        }
        if let Some(entry) = self.finding.at {
            object.set("entry", number(entry));
        }
        if let Some(commit) = self.finding.commit {
            object.set("commit", commit.to_string());
        }
        merkle::hex(&merkle::sha256(
            Value::from(object).to_canonical().as_bytes(),
        ))
    }

    /// Where events of a ledger with this id are said to come from.
    pub fn source(ledger: &str) -> String {
        format!("urn:git-ledger:{ledger}")
    }

    /// The event; `ledger` is the id of the ledger.
    ///
    /// # Errors
    /// When a text holds characters that the record does not.
    pub fn event(&self, ledger: &str, time: &str) -> Result<Event, EventFault> {
        let short: String = self.finding.detail.chars().take(LONGEST).collect();
        let mut finding = Object::new()
            .with("id", self.finding.id.name())
            .with("meaning", self.finding.id.sentence())
            .with("evidence", clean(&short));
        if let Some(entry) = self.finding.at {
            finding.set("entry", number(entry));
        }
        if let Some(commit) = self.finding.commit {
            finding.set("commit", commit.to_string());
        }
        let mut data = Object::new()
            .with("finding", finding)
            .with("here", bound(&self.here));
        if let Some(copy) = self.copy {
            data.set("copy", clean(copy));
        }
        if !self.evidence.is_empty() {
            let refs = self.evidence.iter().take(100).map(|name| clean(name));
            data.set("evidence", refs.map(Value::from).collect::<Vec<Value>>());
        }
        Event::from_object(
            Object::new()
                .with("specversion", "1.0")
                .with("type", TAMPER_FOUND)
                .with("source", Tamper::source(ledger))
                .with("id", self.id())
                .with("time", time)
                .with("subject", self.finding.id.name())
                .with("data", data),
        )
    }
}

/// Text without what an event does not hold.
fn clean(text: &str) -> String {
    match forbidden_character(text) {
        Some(_) => crate::escape::printable(text),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::FindingId;

    #[test]
    fn one_thing_has_one_id_whoever_finds_it_and_when() {
        let finding = Finding::new(FindingId::MirrorForked, "x\u{202e}\u{85}");
        fn tamper<'a>(copy: &'a str, number: u64, finding: &'a Finding) -> Tamper<'a> {
            Tamper {
                finding,
                copy: Some(copy),
                evidence: &[],
                here: Bound {
                    number,
                    digest: [1; 32],
                },
            }
        }
        let one = tamper("one", 5, &finding);
        let event = one.event("ab", "2026-01-31T12:00:00Z").expect("an event");
        assert_eq!(event.id(), one.id());
        assert_eq!(event.source(), "urn:git-ledger:ab");
        let mut later = finding.clone();
        later.detail = "in other words".into();
        assert_eq!(tamper("one", 9, &later).id(), one.id());
        assert_ne!(tamper("two", 5, &finding).id(), one.id());
        let mut other = finding.clone();
        other.at = Some(3);
        assert_ne!(tamper("one", 5, &other).id(), one.id());
    }
}
