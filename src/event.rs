//! What happened: one CloudEvents 1.0 object.
//!
//! An event knows nothing of its number, of git or of keys. It is either read from the record,
//! where only the canonical spelling stands, or built by a writer and then checked by the same
//! rules ([`Event::from_object`]). All it says is a claim of its writer.
//!
//! Source: CloudEvents 1.0.2 core and JSON format; RFC 8785; `ledger-spec/entry.md`.

mod pending;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::json::plain::{self, Member, Plain};
use crate::json::{JsonFault, Object, Value};

pub use pending::{MAX_INLINE, Pending};

/// Records that the ledger began; stands in entry 0 and nowhere else.
pub const LEDGER_CREATED: &str = "dev.git-ledger.ledger.created";
/// Records a change of the policy; stands in policy entries and nowhere else.
pub const POLICY_CHANGED: &str = "dev.git-ledger.policy.changed";
/// Records one push to a repository, or what became of one.
pub const PUSH: &str = "dev.git-ledger.push";
/// Records refs that were moved in the repository itself, as git's reference-transaction hook saw
/// it, or what became of that.
pub const REFS_CHANGED: &str = "dev.git-ledger.refs.changed";
/// Records where the refs stood when somebody first compared them with the record.
pub const BASELINE: &str = "dev.git-ledger.baseline";
/// Records refs that are not where the record left them: no hook saw them move.
pub const GAP: &str = "dev.git-ledger.gap";
/// Records that a file of the configuration is another than at the last snapshot.
pub const CONFIG_CHANGED: &str = "dev.git-ledger.config.changed";
/// Records that a variable has another value than at the last snapshot.
pub const ENV_CHANGED: &str = "dev.git-ledger.env.changed";
/// Records what a snapshot of configuration and variables saw.
pub const SNAPSHOT: &str = "dev.git-ledger.snapshot";
/// Records that somebody looked at a range of entries.
pub const REVIEW: &str = "dev.git-ledger.review";
/// Records tampering that was found.
pub const TAMPER_FOUND: &str = "dev.git-ledger.tamper.found";
/// Records what a remote was seen to hold.
pub const CHECKPOINT: &str = "dev.git-ledger.checkpoint";

/// Tells what a watch found, to whoever is told; another ledger may record it.
pub const ALERT: &str = "dev.git-ledger.watch.alert";

/// The directory of the tree in which attachments stand, with the slash.
pub const ATTACHMENTS: &str = "attachments/";

/// Why something is not an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventFault {
    /// A rule of CloudEvents or of the record is broken.
    #[error("{0}")]
    Malformed(String),
    /// The object is an event, in another spelling than the canonical one.
    #[error("the event is not in canonical form (RFC 8785)")]
    NonCanonical,
}

impl From<JsonFault> for EventFault {
    fn from(fault: JsonFault) -> Self {
        match fault {
            JsonFault::Malformed(why) => EventFault::Malformed(why),
            JsonFault::NonCanonical => EventFault::NonCanonical,
        }
    }
}

/// One event. It has been checked against the rules of the record.
///
/// Its canonical line is what is kept. Whoever verifies a million of them asks each for a few
/// short strings, which stand in the line as they are; the object is made for those who ask.
#[derive(Debug, Clone)]
pub struct Event {
    line: Box<str>,
    /// Where in the line stands what is asked for most; nothing in a line with escapes there.
    places: Option<Places>,
    object: OnceLock<Object>,
}

/// Places of strings, without the quotes.
#[derive(Debug, Clone, Default)]
struct Places {
    id: Span,
    source: Span,
    kind: Span,
    subject: Option<Span>,
    dataref: Option<Span>,
    /// The whole member, with the comma before it.
    recorded: Option<Span>,
}

/// From where to where, in bytes of the line.
#[derive(Debug, Clone, Copy, Default)]
struct Span(u32, u32);

impl Span {
    fn new(place: Range<usize>) -> Option<Span> {
        Some(Span(
            place.start.try_into().ok()?,
            place.end.try_into().ok()?,
        ))
    }

    fn range(self) -> Range<usize> {
        self.0 as usize..self.1 as usize
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Event) -> bool {
        self.line == other.line
    }
}

impl Eq for Event {}

impl Event {
    /// Checks an object against the rules of the record.
    ///
    /// # Errors
    /// [`EventFault::Malformed`] names the attribute and the rule.
    pub fn from_object(object: Object) -> Result<Event, EventFault> {
        let members = object.iter().map(|(name, value)| Member {
            name,
            value: value.plain(),
            place: 0..0,
        });
        check(&members.collect::<Vec<_>>())?;
        Ok(Event::checked(object))
    }

    fn checked(object: Object) -> Event {
        let mut line = String::new();
        object.write(&mut line);
        let places = plain::members(&line).and_then(|members| Places::of(&members));
        Event {
            line: line.into(),
            places,
            object: OnceLock::from(object),
        }
    }

    /// Reads one event in any spelling; for writers.
    ///
    /// # Errors
    /// [`EventFault::Malformed`].
    pub fn parse(text: &[u8]) -> Result<Event, EventFault> {
        match Value::parse(text)? {
            Value::Object(object) => Event::from_object(object),
            _ => Err(EventFault::Malformed("an event is a JSON object".into())),
        }
    }

    /// Reads one event as it stands in the record.
    ///
    /// # Errors
    /// As [`Event::parse`], and [`EventFault::NonCanonical`] for another spelling.
    pub fn parse_canonical(line: &[u8]) -> Result<Event, EventFault> {
        if let Ok(text) = std::str::from_utf8(line)
            && let Some(members) = plain::members(text)
        {
            check(&members)?;
            return Ok(Event {
                line: text.into(),
                places: Places::of(&members),
                object: OnceLock::new(),
            });
        }
        match Value::parse_canonical(line)? {
            Value::Object(object) => Event::from_object(object),
            _ => Err(EventFault::Malformed("an event is a JSON object".into())),
        }
    }

    /// The whole object.
    pub fn object(&self) -> &Object {
        self.object.get_or_init(|| {
            // the line was read before, or written here: it is an object
            match Value::parse(self.line.as_bytes()) {
                Ok(Value::Object(object)) => object,
                Ok(_) | Err(_) => Object::new(),
            }
        })
    }

    /// The canonical line, without the line feed.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The same as text of its own.
    pub fn to_line(&self) -> String {
        self.line.to_string()
    }

    /// A top-level attribute that is a string.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.object().get(name).and_then(Value::as_str)
    }

    /// The string at a place, or, in a line with escapes, under this name.
    fn text(&self, name: &str, place: fn(&Places) -> Option<Span>) -> Option<&str> {
        match &self.places {
            Some(places) => self.line.get(place(places)?.range()),
            None => self.attribute(name),
        }
    }

    /// `id`: unique within its source, chosen by whoever saw the event.
    pub fn id(&self) -> &str {
        self.text("id", |places| Some(places.id))
            .unwrap_or_default()
    }

    /// `source`: where it happened.
    pub fn source(&self) -> &str {
        self.text("source", |places| Some(places.source))
            .unwrap_or_default()
    }

    /// `type`: what kind of thing happened.
    pub fn kind(&self) -> &str {
        self.text("type", |places| Some(places.kind))
            .unwrap_or_default()
    }

    /// `subject`: what it happened to, if the event says.
    pub fn subject(&self) -> Option<&str> {
        self.text("subject", |places| places.subject)
    }

    /// `data`, if it stands in the event itself.
    pub fn data(&self) -> Option<&Value> {
        self.object().get("data")
    }

    /// The digest (64 hex) of the attachment that holds the data, if one does.
    pub fn attachment(&self) -> Option<&str> {
        self.text("dataref", |places| places.dataref)
            .and_then(attachment_digest)
    }

    /// The same event with `recordedtime` (RFC 3339, UTC) set: when it is written into the record.
    pub fn recorded(&self, time: &str) -> Event {
        let mut object = self.object().clone();
        object.set("recordedtime", time);
        Event::checked(object)
    }

    /// The event as it was before anyone recorded it, in two pieces: what two recordings of one
    /// event share.
    pub fn unrecorded(&self) -> [Cow<'_, str>; 2] {
        let Some(places) = &self.places else {
            let mut object = self.object().clone();
            object.remove("recordedtime");
            let mut out = String::new();
            object.write(&mut out);
            return [out.into(), "".into()];
        };
        let cut = places.recorded.unwrap_or_default().range();
        [
            self.line.get(..cut.start).unwrap_or_default().into(),
            self.line.get(cut.end..).unwrap_or_default().into(),
        ]
    }
}

/// The rules of the record about an event's attributes, given in canonical order.
fn check(members: &[Member<'_>]) -> Result<(), EventFault> {
    let get = |wanted: &str| {
        let found = members.iter().find(|member| member.name == wanted);
        found.map(|member| member.value)
    };
    let malformed = |why: String| Err(EventFault::Malformed(why));
    for name in ["id", "source", "type", "specversion"] {
        match get(name) {
            Some(Plain::Text(text)) if !text.is_empty() => {}
            Some(_) => return malformed(format!("{name} is not a non-empty string")),
            None => return malformed(format!("{name} is missing")),
        }
    }
    if get("specversion").and_then(Plain::text) != Some("1.0") {
        return malformed("specversion is not \"1.0\"".into());
    }
    for Member { name, value, .. } in members {
        let plain = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !plain && *name != "data_base64" {
            return malformed(format!(
                "the attribute name {name:?} is not lower-case letters and digits"
            ));
        }
        if *name != "data" && *value == Plain::Other {
            return malformed(format!("{name} is neither string, integer nor boolean"));
        }
    }
    if let Some(subject) = get("subject")
        && subject.text().is_none_or(str::is_empty)
    {
        return malformed("subject is not a non-empty string".into());
    }
    if let Some(encoded) = get("data_base64")
        && encoded
            .text()
            .and_then(|text| BASE64.decode(text).ok())
            .is_none()
    {
        return malformed("data_base64 is not a string of base64".into());
    }
    let (data, base64) = (get("data").is_some(), get("data_base64").is_some());
    if data && base64 {
        return malformed("data and data_base64 stand side by side".into());
    }
    if let Some(reference) = get("dataref") {
        if reference.text().and_then(attachment_digest).is_none() {
            return malformed("dataref is not attachments/<64 lower-case hex>".into());
        }
        if data || base64 {
            return malformed("an event with dataref has data of its own".into());
        }
    }
    Ok(())
}

impl Places {
    fn of(members: &[Member<'_>]) -> Option<Places> {
        let mut places = Places::default();
        for Member { name, value, place } in members {
            if *name == "recordedtime" {
                // never the first: an id stands before it
                places.recorded = Some(Span::new(place.start - 1..place.end)?);
            }
            let Plain::Text(text) = value else {
                continue;
            };
            let span = Span::new(place.end - 1 - text.len()..place.end - 1)?;
            match *name {
                "id" => places.id = span,
                "source" => places.source = span,
                "type" => places.kind = span,
                "subject" => places.subject = Some(span),
                "dataref" => places.dataref = Some(span),
                _ => {}
            }
        }
        Some(places)
    }
}

/// The hex digits of an `attachments/<hex>` reference.
fn attachment_digest(reference: &str) -> Option<&str> {
    reference
        .strip_prefix(ATTACHMENTS)
        .filter(|hex| is_sha256_hex(hex))
}

/// Whether this is 64 lower-case hex digits.
pub fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        Event::parse(text.as_bytes()).expect_err(text).to_string()
    }

    #[test]
    fn reads_what_cloudevents_allows() {
        let line = r#"{"data":{"a":[1]},"flag":true,"id":"1","source":"/s","specversion":"1.0","subject":"x","type":"t"}"#;
        let event = Event::parse_canonical(line.as_bytes()).expect("an event");
        assert_eq!(
            (event.id(), event.source(), event.kind(), event.subject()),
            ("1", "/s", "t", Some("x"))
        );
        assert_eq!(event.line(), line);
    }

    /// With escapes where the short way does not go, and without: the answers are the same.
    #[test]
    fn a_line_with_escapes_says_the_same_as_one_without() {
        let plain = r#"{"data":{"recordedtime":"x"},"id":"1","recordedtime":"y","source":"/s","specversion":"1.0","subject":"a","type":"t"}"#;
        let escaped = plain.replace("\"a\"", r#""\\a""#);
        for (line, subject) in [(plain, "a"), (escaped.as_str(), "\\a")] {
            let event = Event::parse_canonical(line.as_bytes()).expect("an event");
            assert_eq!(
                (event.id(), event.source(), event.kind(), event.subject()),
                ("1", "/s", "t", Some(subject))
            );
            let without = line.replace(r#""recordedtime":"y","#, "");
            assert_eq!(event.unrecorded().concat(), without);
            let unrecorded = Event::parse(without.as_bytes()).expect("an event");
            assert_eq!(unrecorded.unrecorded().concat(), without);
            assert_eq!(unrecorded.recorded("y"), event);
            assert_eq!(
                event.object(),
                Event::from_object(event.object().clone())
                    .expect("an event")
                    .object()
            );
        }
        let number = r#"{"id":"1","recordedtime":7,"source":"s","specversion":"1.0","type":"t"}"#;
        let event = Event::parse_canonical(number.as_bytes()).expect("an event");
        let without = number.replace(r#","recordedtime":7"#, "");
        assert_eq!(event.unrecorded().concat(), without);
    }

    #[test]
    fn each_broken_rule_is_named() {
        let hex = "a".repeat(64);
        assert_eq!(fault("[1]"), "an event is a JSON object");
        assert_eq!(
            fault(r#"{"id":"","source":"s","type":"t","specversion":"1.0"}"#),
            "id is not a non-empty string"
        );
        assert_eq!(
            fault(r#"{"id":"1","source":"s","specversion":"1.0"}"#),
            "type is missing"
        );
        assert_eq!(
            fault(r#"{"id":"1","source":"s","type":"t","specversion":"0.3"}"#),
            "specversion is not \"1.0\""
        );
        let with = |more: &str| {
            format!(r#"{{"id":"1","source":"s","type":"t","specversion":"1.0",{more}}}"#)
        };
        assert_eq!(
            fault(&with(r#""Foo":1"#)),
            "the attribute name \"Foo\" is not lower-case letters and digits"
        );
        assert_eq!(
            fault(&with(r#""foo":{}"#)),
            "foo is neither string, integer nor boolean"
        );
        assert_eq!(
            fault(&with(r#""subject":"""#)),
            "subject is not a non-empty string"
        );
        assert_eq!(
            fault(&with(r#""data_base64":"A""#)),
            "data_base64 is not a string of base64"
        );
        assert_eq!(
            fault(&with(r#""data":1,"data_base64":"AA==""#)),
            "data and data_base64 stand side by side"
        );
        assert_eq!(
            fault(&with(r#""dataref":"attachments/../x""#)),
            "dataref is not attachments/<64 lower-case hex>"
        );
        let both = format!(r#""data":1,"dataref":"attachments/{hex}""#);
        assert_eq!(
            fault(&with(&both)),
            "an event with dataref has data of its own"
        );
    }
}
