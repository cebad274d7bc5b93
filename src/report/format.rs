//! `--format`: one line as the caller wants it. A promise: placeholders may be added, none
//! changes its meaning.

use crate::date::rfc3339;
use crate::event::Event;
use crate::merkle::hex;
use crate::query::What;

use super::entries::Shown;
use crate::escape::printable;

/// A placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Number,
    Digest,
    Commit,
    Recorded,
    Signer,
    Key,
    Standing,
    Why,
    Events,
    Type,
    Source,
    Subject,
    Id,
    Time,
    Data,
}

const FIELDS: &[(&str, Field)] = &[
    ("number", Field::Number),
    ("digest", Field::Digest),
    ("commit", Field::Commit),
    ("recorded", Field::Recorded),
    ("signer", Field::Signer),
    ("key", Field::Key),
    ("standing", Field::Standing),
    ("why", Field::Why),
    ("events", Field::Events),
    ("type", Field::Type),
    ("source", Field::Source),
    ("subject", Field::Subject),
    ("id", Field::Id),
    ("time", Field::Time),
    ("data", Field::Data),
];

impl Field {
    fn is_of_event(self) -> bool {
        use Field::{Data, Id, Source, Subject, Time, Type};
        matches!(self, Type | Source | Subject | Id | Time | Data)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(Field),
}

/// A format that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format(Vec<Part>);

/// A placeholder nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the format holds '{0}', which is no placeholder")]
pub struct UnknownPlaceholder(pub String);

impl Format {
    /// Reads a format: `%(name)`, `%n`, `%%`, and text.
    ///
    /// # Errors
    /// The first placeholder that is none.
    pub fn parse(text: &str) -> Result<Format, UnknownPlaceholder> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some((before, after)) = rest.split_once('%') {
            plain += before;
            let unknown = |what: &str| UnknownPlaceholder(format!("%{what}"));
            if let Some(more) = after.strip_prefix('n') {
                plain.push('\n');
                rest = more;
            } else if let Some(more) = after.strip_prefix('%') {
                plain.push('%');
                rest = more;
            } else if let Some(inside) = after.strip_prefix('(') {
                let (name, more) = inside.split_once(')').ok_or_else(|| unknown(after))?;
                let field = FIELDS.iter().find(|(known, _)| *known == name);
                let (_, field) = field.ok_or_else(|| unknown(&format!("({name})")))?;
                parts.push(Part::Text(std::mem::take(&mut plain)));
                parts.push(Part::Field(*field));
                rest = more;
            } else {
                let letter: String = after.chars().take(1).collect();
                return Err(unknown(&letter));
            }
        }
        plain += rest;
        parts.push(Part::Text(plain));
        Ok(Format(parts))
    }

    /// The names of all placeholders.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FIELDS.iter().map(|(name, _)| *name)
    }

    /// The entry in this format, with a line feed at the end. A format that names something of
    /// an event is written once for each event that matched, any other once for the entry.
    pub fn render(&self, shown: &Shown<'_>) -> String {
        let wants_events = self
            .0
            .iter()
            .any(|part| matches!(part, Part::Field(field) if field.is_of_event()));
        match &shown.selected.step.what {
            What::Entry(link) if wants_events => shown
                .events(link)
                .map(|event| self.one(shown, Some(event)))
                .collect(),
            _ => self.one(shown, None),
        }
    }

    fn one(&self, shown: &Shown<'_>, event: Option<&Event>) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out += text,
                Part::Field(field) => out += &value(*field, shown, event),
            }
        }
        out.push('\n');
        out
    }
}

/// What a placeholder stands for; empty where there is nothing to say.
fn value(field: Field, shown: &Shown<'_>, event: Option<&Event>) -> String {
    let step = &shown.selected.step;
    let attribute = |name: &str| {
        let text = event.and_then(|event| event.attribute(name));
        text.map(printable).unwrap_or_default()
    };
    let link = match &step.what {
        What::Entry(link) => Some(link),
        What::Broken { .. } => None,
    };
    let of_link = |read: &dyn Fn(&crate::commit::Link) -> String| {
        link.map(|link| read(link)).unwrap_or_default()
    };
    match field {
        Field::Number => shown.number().map(|n| n.to_string()).unwrap_or_default(),
        Field::Commit => step.commit.to_string(),
        Field::Digest => of_link(&|link| format!("sha256:{}", hex(&link.digest()))),
        Field::Recorded => of_link(&|link| rfc3339(link.time)),
        Field::Signer => of_link(&|link| link.principal.to_string()),
        Field::Key => of_link(&|link| link.signature.key().fingerprint()),
        Field::Events => of_link(&|link| link.entry.events.len().to_string()),
        Field::Standing => match link {
            Some(_) => shown.standing.word().to_owned(),
            None => "broken".to_owned(),
        },
        Field::Why => match &step.what {
            What::Entry(_) => shown.standing.why(),
            What::Broken { finding, .. } => finding.id.name().to_owned(),
        },
        Field::Type => attribute("type"),
        Field::Source => attribute("source"),
        Field::Subject => attribute("subject"),
        Field::Id => attribute("id"),
        Field::Time => attribute("time"),
        Field::Data => event
            .and_then(Event::data)
            .map(|data| printable(&data.to_canonical()))
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_known_or_named() {
        assert!(Format::parse("%(number) %(type)%n%%").is_ok());
        let wrong = |text: &str| Format::parse(text).expect_err(text).0;
        assert_eq!(wrong("%(nmber)"), "%(nmber)");
        assert_eq!(wrong("%H"), "%H");
        assert_eq!(wrong("%"), "%");
        assert_eq!(wrong("%(number"), "%(number");
    }
}
