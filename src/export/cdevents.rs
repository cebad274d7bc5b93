//! CDEvents 0.5: one event a line. What is one already stays as it is; everything else becomes a
//! custom event of this tool, with the whole event as its content.
//!
//! Source: CDEvents 0.5, `spec.md` and `custom/` (types `dev.cdeventsx.<tool>-<subject>.<predicate>`).

use crate::cdevents::{self, Form, Kind, Subject};
use crate::date::rfc3339;
use crate::escape::percent;
use crate::event::Event;
use crate::json::{Object, Value};

use super::{Encoder, Fault, Record, activity, json_line, position};

/// The version of the custom events.
const CUSTOM: &str = "0.1.0";
/// The member of `customData` that holds the place in the ledger.
const OURS: &str = "gitledger";

/// One event a line.
pub struct Lines;

impl Encoder for Lines {
    fn head(&mut self, _: &mut Vec<u8>) {}

    fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let event = conformant(record.event).unwrap_or_else(|| custom(record));
        json_line::line(&placed(event, record), out);
        Ok(())
    }

    fn tail(&mut self, _: &mut Vec<u8>) -> Result<(), Fault> {
        Ok(())
    }
}

/// The event's data, where it is what the type demands and says what the envelope says. Of the
/// context's optional members those count that can be checked here, which links cannot.
fn conformant(event: &Event) -> Option<Object> {
    let kind = Kind::of(event.kind()).filter(|kind| kind.full() == event.kind())?;
    let data = event.data()?.as_object()?;
    let context = data.get("context")?.as_object()?;
    let about = data.get("subject")?.as_object()?;
    let text = |object: &Object, name: &str| {
        let value = object.get(name).and_then(Value::as_str);
        value.map(str::to_owned)
    };
    let subject = Subject {
        id: text(about, "id")?,
        source: text(about, "source"),
        content: about.get("content")?.as_object()?.clone(),
    };
    let time = text(context, "timestamp")?;
    let again = cdevents::event(kind, event.id(), event.source(), &time, subject, None).ok()?;
    let again = again.get("data")?.as_object()?;
    let mut bare = context.clone();
    let optional = [("schemaUri", Form::Uri), ("chainId", Form::Name)];
    let fits = optional.into_iter().all(|(name, form)| {
        let value = bare.remove(name);
        value.is_none_or(|value| form.takes(&value))
    });
    let same = again.get("context") == Some(&Value::Object(bare))
        && again.get("subject") == Some(&Value::Object(about.clone()));
    let members = ["context", "subject", "customData", "customDataContentType"];
    let known = data.iter().all(|(name, _)| members.contains(&name));
    (fits && same && known).then(|| data.clone())
}

/// Everything else, under a type of this tool.
fn custom(record: &Record<'_>) -> Object {
    let event = record.event;
    let (subject, predicate) = names(event.kind());
    let claimed = event
        .attribute("time")
        .filter(|time| chrono::DateTime::parse_from_rfc3339(time).is_ok());
    let time = claimed.map_or_else(|| rfc3339(record.recorded), str::to_owned);
    let context = Object::new()
        .with("specversion", cdevents::SPECIFICATION)
        .with("id", event.id())
        .with("source", reference(event.source()))
        .with(
            "type",
            format!("dev.cdeventsx.gitledger-{subject}.{predicate}.{CUSTOM}"),
        )
        .with("timestamp", time);
    let content = Object::new().with("event", event.object().clone());
    let subject = Object::new()
        .with("id", event.subject().unwrap_or(event.source()))
        .with("source", reference(event.source()))
        .with("content", content);
    Object::new()
        .with("context", context)
        .with("subject", subject)
}

/// The same event with the place in the ledger in its `customData`. Custom data that is no object
/// moves inside one.
fn placed(mut event: Object, record: &Record<'_>) -> Object {
    let mut custom = match (
        event.remove("customData"),
        event.remove("customDataContentType"),
    ) {
        (Some(Value::Object(custom)), _) => custom,
        (None, _) => Object::new(),
        (Some(other), kind) => {
            let moved = Object::new().with("customData", other);
            match kind {
                Some(kind) => moved.with("customDataContentType", kind),
                None => moved,
            }
        }
    };
    let mut place = position::object(record);
    if custom.remove(OURS).is_some() {
        place.set("displaced", OURS);
    }
    custom.set(OURS, place);
    event.set("customData", custom);
    event.set("customDataContentType", "application/json");
    event
}

/// Subject and predicate of a custom event: the last two words of the type, letters only.
fn names(kind: &str) -> (String, String) {
    let rest = kind
        .strip_prefix("dev.git-ledger.")
        .or_else(|| kind.strip_prefix("dev.cdevents."))
        .unwrap_or(kind);
    let letters = |word: &&str| -> String {
        word.chars()
            .filter(char::is_ascii_alphabetic)
            .collect::<String>()
            .to_ascii_lowercase()
    };
    let words: Vec<String> = activity::words(rest)
        .iter()
        .map(letters)
        .filter(|word| !word.is_empty())
        .collect();
    let (subject, predicate) = match words.as_slice() {
        [] => ("event", "recorded"),
        [only] => (only.as_str(), "recorded"),
        [.., subject, predicate] => (subject.as_str(), predicate.as_str()),
    };
    (subject.to_owned(), predicate.to_owned())
}

/// A source as a URI reference: one that is none is percent-encoded whole (RFC 3986).
fn reference(source: &str) -> String {
    if Form::Reference.takes(&source.into()) {
        return source.to_owned();
    }
    percent(source, b"-._~/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_types_have_two_words() {
        let name = |kind: &str| {
            let (subject, predicate) = names(kind);
            format!("{subject}.{predicate}")
        };
        assert_eq!(name("dev.git-ledger.push"), "push.recorded");
        assert_eq!(name("dev.git-ledger.policy.changed"), "policy.changed");
        assert_eq!(name("com.github.pull_request.opened"), "pullrequest.opened");
        assert_eq!(
            name("dev.cdevents.service.deployed.0.2.0"),
            "service.deployed"
        );
        assert_eq!(name("漢字.1.2"), "event.recorded");
    }

    #[test]
    fn sources_become_references() {
        assert_eq!(reference("https://a/b?c#d"), "https://a/b?c#d");
        assert_eq!(reference("a b\n<é>"), "a%20b%0A%3C%C3%A9%3E");
    }
}
