//! CDEvents 0.5: which types there are, what each must say, and the event that says it.
//!
//! A continuous delivery event is a CloudEvent whose data holds a context, a subject and, beside
//! them, whatever the sender adds. The types and their content stand in one table; what is built
//! here is taken by other readers of the specification, what lacks required content is refused.
//!
//! Source: CDEvents 0.5 (spec.md, the vocabularies, schemas/), the CloudEvents binding.

mod form;
mod table;

use std::fmt;

pub use form::Form;
use table::{Member, Need, Row};

use crate::json::{Object, Value};

/// What every type of the specification begins with.
pub const PREFIX: &str = "dev.cdevents.";
/// The version of the specification that is written.
pub const SPECIFICATION: &str = "0.5.0";

/// One type of event of the specification.
#[derive(Clone, Copy)]
pub struct Kind(&'static Row);

impl PartialEq for Kind {
    fn eq(&self, other: &Kind) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Kind {}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({})", self.full())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl Kind {
    /// The type of this name: `service.deployed`, `dev.cdevents.service.deployed`, or either with
    /// the version that is written here. None for another version.
    pub fn of(name: &str) -> Option<Kind> {
        let kind = Kind::of_any_version(name)?;
        let rest = name.strip_prefix(PREFIX).unwrap_or(name);
        let version = rest.strip_prefix(kind.0.name)?;
        (version.is_empty() || version.strip_prefix('.') == Some(kind.0.version)).then_some(kind)
    }

    /// The same, whatever version is named.
    pub fn of_any_version(name: &str) -> Option<Kind> {
        let rest = name.strip_prefix(PREFIX).unwrap_or(name);
        let mut parts = rest.splitn(3, '.');
        let (subject, predicate) = (parts.next()?, parts.next()?);
        Kind::all().find(|kind| kind.0.name.split_once('.') == Some((subject, predicate)))
    }

    /// Every type there is.
    pub fn all() -> impl Iterator<Item = Kind> {
        table::ROWS.iter().map(Kind)
    }

    /// Its name without prefix and version, such as `service.deployed`.
    pub fn short(&self) -> &'static str {
        self.0.name
    }

    /// Its version, three numbers.
    pub fn version(&self) -> &'static str {
        self.0.version
    }

    /// Its whole name, such as `dev.cdevents.service.deployed.0.3.0`.
    pub fn full(&self) -> String {
        format!("{PREFIX}{}.{}", self.0.name, self.0.version)
    }

    /// The members of its content, dotted where they nest, with what may stand there.
    pub fn members(&self) -> impl Iterator<Item = (&'static str, Form)> {
        self.rows().map(|member| (member.name, member.form))
    }

    /// The members it must have.
    pub fn required(&self) -> impl Iterator<Item = &'static str> {
        self.rows()
            .filter(|member| member.need == Need::Always)
            .map(|member| member.name)
    }

    fn rows(&self) -> impl Iterator<Item = &'static Member> {
        self.0.content.iter().copied().flatten()
    }

    /// Whether this content is what the type demands and nothing else.
    ///
    /// # Errors
    /// The first fault: what is unknown, of the wrong form, or missing.
    pub fn check(&self, content: &Object) -> Result<(), Fault> {
        for (name, value) in content.iter() {
            self.check_member(name, value)?;
        }
        let at = |name: &str| -> Option<&Value> {
            match name.split_once('.') {
                Some((outer, inner)) => content.get(outer)?.as_object()?.get(inner),
                None => content.get(name),
            }
        };
        let names: Vec<&'static str> = self
            .rows()
            .filter(|member| match member.need {
                Need::Always => at(member.name).is_none(),
                Need::Within => {
                    let outer = member.name.split('.').next().unwrap_or_default();
                    content.get(outer).is_some() && at(member.name).is_none()
                }
                Need::Never => false,
            })
            .map(|member| member.name)
            .collect();
        match names.as_slice() {
            [] => Ok(()),
            _ => Err(Fault::Missing { kind: *self, names }),
        }
    }

    fn check_member(&self, name: &str, value: &Value) -> Result<(), Fault> {
        let unknown = |name: String| Err(Fault::Unknown { kind: *self, name });
        let fits = |member: &Member, value: &Value| match member.form.takes(value) {
            true => Ok(()),
            false => Err(Fault::Form {
                kind: *self,
                name: member.name,
                form: member.form,
            }),
        };
        if let Some(member) = self.rows().find(|member| member.name == name) {
            return fits(member, value);
        }
        let nested = |member: &&Member| member.name.split_once('.').is_some_and(|p| p.0 == name);
        let Some(first) = self.rows().find(nested) else {
            return unknown(name.to_owned());
        };
        let Some(object) = value.as_object() else {
            return Err(Fault::Form {
                kind: *self,
                name: first.name.split('.').next().unwrap_or_default(),
                form: Form::Object,
            });
        };
        for (inner, value) in object.iter() {
            let path = format!("{name}.{inner}");
            match self.rows().find(|member| member.name == path) {
                Some(member) => fits(member, value)?,
                None => return unknown(path),
            }
        }
        Ok(())
    }
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its id, not empty.
    pub id: String,
    /// Where the id is valid, a URI reference; the event's source if it is left out.
    pub source: Option<String>,
    /// What the type says of it.
    pub content: Object,
}

/// Why this is no event of the specification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Content that the type demands is not there.
    #[error("{kind} needs {}", .names.join(" and "))]
    Missing {
        /// The type.
        kind: Kind,
        /// The members, dotted where they nest.
        names: Vec<&'static str>,
    },
    /// Content that the type does not know.
    #[error("{kind} knows no {name}")]
    Unknown {
        /// The type.
        kind: Kind,
        /// The member.
        name: String,
    },
    /// A member that is not what it should be.
    #[error("{name} of {kind} is not {form}")]
    Form {
        /// The type.
        kind: Kind,
        /// The member.
        name: &'static str,
        /// What should stand there.
        form: Form,
    },
    /// An attribute of event or subject that is not what it should be.
    #[error("the {name} is not {expected}")]
    Attribute {
        /// Which: `id`, `source`, `time`, `subject`, `subject's source`.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

/// The whole CloudEvent: the envelope and the data say the same id, source, type and time.
/// `time` is RFC 3339; `custom` is what the sender adds.
///
/// # Errors
/// [`Fault`] when the specification would not take it.
pub fn event(
    kind: Kind,
    id: &str,
    source: &str,
    time: &str,
    subject: Subject,
    custom: Option<Object>,
) -> Result<Object, Fault> {
    let attribute = |fits: bool, name, expected| match fits {
        true => Ok(()),
        false => Err(Fault::Attribute { name, expected }),
    };
    let reference = |text: &str| !text.is_empty() && form::is_reference(text);
    attribute(!id.is_empty(), "id", "a text")?;
    attribute(reference(source), "source", "a URI reference (RFC 3986)")?;
    attribute(
        is_time(time),
        "time",
        "RFC 3339, as in 2026-01-31T12:00:00Z",
    )?;
    attribute(!subject.id.is_empty(), "subject", "a text")?;
    attribute(
        subject.source.as_deref().is_none_or(reference),
        "subject's source",
        "a URI reference (RFC 3986)",
    )?;
    kind.check(&subject.content)?;
    let full = kind.full();
    let context = Object::new()
        .with("specversion", SPECIFICATION)
        .with("id", id)
        .with("source", source)
        .with("type", full.as_str())
        .with("timestamp", time);
    let mut about = Object::new()
        .with("id", subject.id.as_str())
        .with("content", subject.content);
    if let Some(source) = subject.source {
        about.set("source", source);
    }
    let mut data = Object::new()
        .with("context", context)
        .with("subject", about);
    if let Some(custom) = custom {
        data.set("customData", custom);
        data.set("customDataContentType", "application/json");
    }
    Ok(Object::new()
        .with("specversion", "1.0")
        .with("id", id)
        .with("source", source)
        .with("type", full)
        .with("subject", subject.id)
        .with("time", time)
        .with("data", data))
}

fn is_time(text: &str) -> bool {
    text.as_bytes().get(10) == Some(&b'T') && chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

#[cfg(test)]
mod tests;
