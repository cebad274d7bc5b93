//! A push as an event, and what became of one.

use crate::escape::printable_bytes;
use crate::event::{Event, EventFault, PUSH, Pending, REFS_CHANGED};
use crate::json::{Object, Value};
use crate::merkle;
use crate::push_certificate::Judgement;

use super::Update;
use super::pusher::{self, Pusher};

/// Records the text of a push certificate, as an attachment.
pub const CERTIFICATE: &str = "dev.git-ledger.push.certificate";

/// What is known of a push.
#[derive(Debug, Clone)]
pub struct Push<'a> {
    /// New for each push, chosen once.
    pub id: &'a str,
    /// The repository pushed to, a URI.
    pub source: &'a str,
    /// When it was seen, RFC 3339.
    pub time: &'a str,
    /// The refs, in the order of the push.
    pub updates: &'a [Update],
    /// For each ref that is updated, whether it is forced; none where the history is too long to
    /// tell in time.
    pub forced: &'a [Option<bool>],
    /// Who pushed.
    pub pusher: &'a Pusher,
    /// The push options.
    pub options: &'a [Vec<u8>],
    /// The certificate and what it is worth, for a signed push.
    pub certificate: Option<(&'a [u8], &'a Judgement)>,
}

/// What became of refs that did not move as recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// They stayed where they were.
    Refused,
    /// Somebody else moved them first.
    Raced,
}

impl Outcome {
    /// The word in the event.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Refused => "refused",
            Outcome::Raced => "raced",
        }
    }
}

impl Push<'_> {
    /// The events that record the push: itself, and its certificate.
    ///
    /// # Errors
    /// When something of it cannot stand in an event.
    pub fn events(&self) -> Result<Vec<Pending>, EventFault> {
        let mut data = Object::new()
            .with("refs", refs(self.updates, self.forced))
            .with("pusher", self.pusher.object());
        if !self.options.is_empty() {
            data.set("options", pusher::options_value(self.options));
        }
        if let Some((_, judgement)) = self.certificate {
            data.set("certificate", judgement.object());
        }
        let subject = subject(self.updates);
        let push = event(PUSH, self.id, self.source, self.time, &subject).with("data", data);
        let mut events = vec![Pending::new(Event::from_object(push)?)?];
        if let Some((text, _)) = self.certificate {
            let id = format!("{}/certificate", self.id);
            let digest = merkle::hex(&merkle::sha256(text));
            let kept = event(CERTIFICATE, &id, self.source, self.time, &subject)
                .with("dataref", format!("{}{digest}", crate::event::ATTACHMENTS));
            events.push(Pending {
                event: Event::from_object(kept)?,
                body: Some(text.to_vec()),
            });
        }
        Ok(events)
    }
}

/// The id of the event that says what became of the change recorded under another.
pub fn outcome_id(of: &str) -> String {
    format!("{of}/outcome")
}

/// The event that says which refs of a recorded change did not move. `kind`: the type of the event
/// that recorded it.
///
/// # Errors
/// When it cannot stand in the record.
pub fn outcome(
    kind: &str,
    of: &str,
    source: &str,
    time: &str,
    unmoved: &[Update],
    outcome: Outcome,
) -> Result<Pending, EventFault> {
    let data = Object::new()
        .with("of", of)
        .with("outcome", outcome.word())
        .with("refs", refs(unmoved, &[]));
    let id = outcome_id(of);
    let event = event(kind, &id, source, time, &subject(unmoved)).with("data", data);
    Pending::new(Event::from_object(event)?)
}

/// The event that says which refs are about to move in the repository itself, by whom.
///
/// # Errors
/// When it cannot stand in the record.
pub fn refs_changed(push: &Push<'_>) -> Result<Pending, EventFault> {
    let data = Object::new()
        .with("refs", refs(push.updates, push.forced))
        .with("actor", push.pusher.object());
    let subject = subject(push.updates);
    let event = event(REFS_CHANGED, push.id, push.source, push.time, &subject).with("data", data);
    Pending::new(Event::from_object(event)?)
}

fn event(kind: &str, id: &str, source: &str, time: &str, subject: &str) -> Object {
    Object::new()
        .with("specversion", "1.0")
        .with("type", kind)
        .with("id", id)
        .with("source", source)
        .with("subject", subject)
        .with("time", time)
}

fn subject(updates: &[Update]) -> String {
    match updates {
        [only] => match pusher::string(&only.name) {
            Some(name) => name.to_owned(),
            None => printable_bytes(&only.name),
        },
        several => format!("{} refs", several.len()),
    }
}

fn refs(updates: &[Update], forced: &[Option<bool>]) -> Value {
    let object = |(at, update): (usize, &Update)| -> Value {
        let kind = match (update.old.is_null(), update.new.is_null()) {
            (true, _) => "create",
            (_, true) => "delete",
            _ => "update",
        };
        let mut object = Object::new()
            .with("old", update.old.to_string())
            .with("new", update.new.to_string())
            .with("kind", kind);
        pusher::set_ref(&mut object, &update.name);
        if let Some(forced) = forced.get(at).copied().flatten() {
            object.set("forced", Value::Bool(forced));
        }
        object.into()
    };
    let objects = updates.iter().enumerate().map(object);
    objects.collect::<Vec<_>>().into()
}
