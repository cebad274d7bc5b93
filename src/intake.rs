//! Foreign payloads become events: one file a source.
//!
//! The same bytes give the same events, wherever and whenever they are read: so what is delivered
//! twice, or imported after it was received, is recorded once. A webhook's id is the digest of its
//! body, because the body is what its signature covers; the delivery id beside it is a claim.
//!
//! Payloads of forges are reduced by an allow-list for each event: names, numbers, refs, object
//! ids, accounts and states, free text only in its first characters, e-mail addresses and what
//! looks like a secret never. The whole stays outside, named by its digest. Events that are
//! CloudEvents already are carried whole, or refused: nothing in them is changed without a word.
//!
//! Source: `ledger-spec/intake.md`.

mod audit;
mod cdevents;
mod cloudevents;
mod gitea;
pub mod github;
mod gitlab;
pub mod lines;
mod raw;
pub mod reduce;
mod row;
pub mod text;

#[cfg(test)]
mod tests;

pub use self::cloudevents::{admitted, carry};
use crate::event::{ATTACHMENTS, Event, EventFault, Pending};
use crate::json::{Object, Value, foreign};
use crate::merkle::{hex, sha256};

/// The largest body of one delivery, in bytes: GitHub's own limit is 25 MB.
pub const MAX_BODY: usize = 25 << 20;

/// Type of the event that keeps the whole body of another one.
pub const PAYLOAD: &str = "dev.git-ledger.payload";

/// Where a body comes from, and so how it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// A webhook of GitHub.
    GithubWebhook,
    /// One event of GitHub's audit log.
    GithubAuditLog,
    /// A webhook or system hook of GitLab.
    Gitlab,
    /// A webhook of Gitea or Forgejo.
    Gitea,
    /// One CloudEvents object, or a batch of them.
    Cloudevents,
    /// One CDEvents object, `context` and `subject` at the top.
    Cdevents,
    /// Any JSON object.
    JsonLines,
}

/// One body, as it came.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// Where it comes from.
    pub source: Source,
    /// What the sender calls it: `X-GitHub-Event`, `X-Gitea-Event`, or the type for JSON Lines.
    pub kind: Option<&'a str>,
    /// The `source` of the events, in place of the one the payload names.
    pub base: Option<&'a str>,
    /// The raw bytes.
    pub body: &'a [u8],
}

/// Why a body gives no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Larger than any that is taken.
    #[error("it is larger than {MAX_BODY} bytes")]
    TooLarge,
    /// It is no JSON, or JSON that two readers read differently.
    #[error("it is no JSON that is taken here: {0}")]
    Malformed(String),
    /// It is JSON, and not of the form this source has.
    #[error("{0}")]
    NotOfItsForm(String),
    /// Nobody said which event it is, and its members do not tell.
    #[error("nothing tells which event it is")]
    Nameless,
    /// The name of the event is no name, or its members are not those of this event.
    #[error("{0}")]
    Misnamed(String),
    /// It would not be an event of the record.
    #[error("not an event: {0}")]
    NotAnEvent(String),
}

impl From<EventFault> for Fault {
    fn from(fault: EventFault) -> Fault {
        Fault::NotAnEvent(fault.to_string())
    }
}

/// The events of one body. Pure: the same delivery gives the same events.
///
/// # Errors
/// When the body is not of the form its source has; then it holds no event that could be taken.
pub fn read(delivery: &Delivery<'_>) -> Result<Vec<Event>, Fault> {
    if delivery.body.len() > MAX_BODY {
        return Err(Fault::TooLarge);
    }
    match delivery.source {
        Source::GithubWebhook => Ok(vec![github::event(delivery)?]),
        Source::GithubAuditLog => Ok(vec![audit::event(delivery)?]),
        Source::Gitlab => Ok(vec![gitlab::event(delivery)?]),
        Source::Gitea => Ok(vec![gitea::event(delivery)?]),
        Source::Cloudevents => cloudevents::events(delivery),
        Source::Cdevents => cdevents::events(delivery),
        Source::JsonLines => Ok(vec![lines::event(delivery, &lines::Fields::default())?]),
    }
}

/// The event that keeps the whole body of another one, as an attachment: its id is that event's
/// with `/payload`, its type is [`PAYLOAD`].
///
/// # Errors
/// When the event's id or source would make it too large.
pub fn kept(of: &Event, body: &[u8]) -> Result<Pending, Fault> {
    let object = Object::new()
        .with("specversion", "1.0")
        .with("type", PAYLOAD)
        .with("source", of.source())
        .with("id", format!("{}/payload", of.id()))
        .with("subject", of.id())
        .with("datacontenttype", "application/json")
        .with("dataref", format!("{ATTACHMENTS}{}", hex(&sha256(body))));
    Ok(Pending {
        event: Event::from_object(object)?,
        body: Some(body.to_vec()),
    })
}

/// The object a payload is, read leniently: it is looked into, and not recorded as it is.
fn payload(body: &[u8]) -> Result<Object, Fault> {
    match foreign::read(body).map_err(|why| Fault::Malformed(why.to_string()))? {
        Value::Object(object) => Ok(object),
        _ => Err(Fault::NotOfItsForm("a payload is a JSON object".into())),
    }
}

/// The name under which a body is recorded.
fn digest(body: &[u8]) -> String {
    format!("sha256:{}", hex(&sha256(body)))
}

/// One event of a payload that was reduced.
struct Reduced<'a> {
    kind: String,
    source: String,
    /// The digest of the body, if there is none.
    id: Option<String>,
    subject: Option<String>,
    time: Option<String>,
    data: Object,
    body: &'a [u8],
}

impl Reduced<'_> {
    fn event(self) -> Result<Event, Fault> {
        let digest = digest(self.body);
        let whole = Object::new()
            .with("digest", digest.as_str())
            .with("bytes", i64::try_from(self.body.len()).unwrap_or(i64::MAX));
        let mut object = Object::new()
            .with("specversion", "1.0")
            .with("type", self.kind)
            .with("source", self.source)
            .with("id", self.id.unwrap_or(digest))
            .with("data", self.data.with("payload", whole));
        if let Some(subject) = self.subject.filter(|subject| !subject.is_empty()) {
            object.set("subject", subject);
        }
        if let Some(time) = self.time {
            object.set("time", time);
        }
        Ok(Event::from_object(object)?)
    }
}

/// A name of an event as it may stand in a type.
fn plain_name(name: &str) -> Result<&str, Fault> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
    match (1..=64).contains(&name.len()) && name.bytes().all(plain) {
        true => Ok(name),
        false => Err(Fault::Misnamed(format!(
            "the event's name {:?} is not 1 to 64 lower-case letters, digits, _ and -",
            text::name(name)
        ))),
    }
}

/// An action as it stands in a type: users choose some of them. What is not a letter, a digit, `_`
/// or `-` becomes `_`, and what is longer than 64 characters is cut; `data.action` says it all.
fn action(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    word.chars()
        .map(|c| if plain(c) { c } else { '_' })
        .take(64)
        .collect()
}

/// The `source` that was asked for, or the first of these that is a URL of the web.
fn source(base: Option<&str>, candidates: &[Option<&str>], otherwise: &str) -> String {
    let url = |text: &&str| {
        text.len() <= 512
            && (text.starts_with("https://") || text.starts_with("http://"))
            && text.bytes().all(|b| b.is_ascii_graphic())
            && !text.contains(['@', '?', '#'])
    };
    let known = candidates.iter().flatten().copied().find(url);
    base.or(known).unwrap_or(otherwise).to_owned()
}
