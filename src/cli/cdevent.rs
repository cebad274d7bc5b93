//! `--cdevent`: an event of CDEvents from what the command line says.

use git_ledger::cdevents::{self, Fault, Form, Kind, PREFIX, SPECIFICATION, Subject};
use git_ledger::escape::percent;
use git_ledger::json::{Object, Value};

use super::ci_context;
use super::failure::Failure;

/// What begins the names of members that the sender adds.
const CUSTOM: &str = "custom.";

/// What the command line says of one event.
pub struct Described<'a> {
    /// The type: short or whole, with or without its version.
    pub kind: &'a str,
    /// The event's id.
    pub id: &'a str,
    /// Where it happened.
    pub source: &'a str,
    /// When, RFC 3339.
    pub time: &'a str,
    /// What it happened to.
    pub subject: Option<&'a str>,
    /// Members of the subject's content, dotted where they nest, and `custom.` ones.
    pub data: &'a [(&'a str, &'a str)],
    /// The whole content, where it was given as JSON.
    pub json: Option<Value>,
    /// Where it was recorded.
    pub context: Option<Object>,
}

/// The event that was described, whole.
pub fn object(described: Described<'_>) -> Result<Object, Failure> {
    let kind = kind(described.kind)?;
    let Some(subject) = described.subject else {
        return Err(
            Failure::usage(format!("{kind} needs a subject: what happened to what?"))
                .hint(nothing_recorded("--subject takes its id")),
        );
    };
    let mut custom = Object::new();
    let mut content = match described.json {
        None => Object::new(),
        Some(Value::Object(content)) => content,
        Some(_) => {
            return Err(Failure::usage(
                "the data of a CDEvent is a JSON object: the subject's content",
            )
            .hint(nothing_recorded(&known(kind))));
        }
    };
    for (name, text) in described.data {
        match name.strip_prefix(CUSTOM) {
            Some(name) => custom.set(name, *text),
            None => put(kind, &mut content, name, text)?,
        }
    }
    if let Some(ci) = described.context
        && let Value::Object(with) = ci_context::into_data(Some(custom.clone().into()), ci)?
    {
        custom = with;
    }
    let custom = (custom != Object::new()).then_some(custom);
    let subject = Subject {
        id: subject.to_owned(),
        source: None,
        content,
    };
    cdevents::event(
        kind,
        described.id,
        described.source,
        described.time,
        subject,
        custom,
    )
    .map_err(|fault| {
        let failure = Failure::usage(fault.to_string());
        match fault {
            Fault::Attribute { .. } => failure.hint("nothing was recorded"),
            Fault::Unknown { .. } => failure
                .hint(nothing_recorded(&known(kind)))
                .hint("what the specification has no word for: --data custom.NAME=VALUE"),
            Fault::Missing { .. } | Fault::Form { .. } => {
                failure.hint(nothing_recorded(&known(kind)))
            }
        }
    })
}

fn nothing_recorded(more: &str) -> String {
    format!("nothing was recorded; {more}")
}

fn known(kind: Kind) -> String {
    let names: Vec<&str> = kind.members().map(|(name, _)| name).collect();
    match names.as_slice() {
        [] => format!("{kind} has no content"),
        names => format!("{kind} knows {}", names.join(", ")),
    }
}

/// One member of the content; dots nest.
fn put(kind: Kind, content: &mut Object, name: &str, text: &str) -> Result<(), Failure> {
    let form = kind.members().find(|(known, _)| *known == name);
    let value: Value = match form {
        Some((_, Form::Texts)) => {
            let items: Vec<Value> = text.split(',').map(Value::from).collect();
            items.into()
        }
        _ => text.into(),
    };
    let Some((outer, inner)) = name.split_once('.') else {
        content.set(name, value);
        return Ok(());
    };
    let object = match content.remove(outer) {
        None => Object::new(),
        Some(Value::Object(object)) => object,
        Some(_) => {
            let what = format!("--data gives '{outer}' a value and members");
            return Err(Failure::usage(what).hint(nothing_recorded(&known(kind))));
        }
    };
    content.set(outer, object.with(inner, value));
    Ok(())
}

fn kind(name: &str) -> Result<Kind, Failure> {
    if let Some(kind) = Kind::of(name) {
        return Ok(kind);
    }
    if let Some(kind) = Kind::of_any_version(name) {
        let what = format!(
            "'{name}' is another version than the one of CDEvents {SPECIFICATION}: {}",
            kind.version()
        );
        let advice =
            format!("leave the version out: {kind}; or record it as it is, without --cdevent");
        return Err(Failure::usage(what).hint(nothing_recorded(&advice)));
    }
    let subject = name.strip_prefix(PREFIX).unwrap_or(name);
    let subject = subject.split('.').next().unwrap_or_default();
    let of_subject = |kind: &Kind| kind.short().split('.').next() == Some(subject);
    let near: Vec<&str> = Kind::all()
        .filter(of_subject)
        .map(|kind| kind.short())
        .collect();
    let advice = if near.is_empty() {
        let mut subjects: Vec<&str> = Kind::all()
            .filter_map(|kind| kind.short().split('.').next())
            .collect();
        subjects.dedup();
        format!("it has {}", subjects.join(", "))
    } else {
        format!("there are {}", near.join(", "))
    };
    Err(
        Failure::usage(format!("CDEvents {SPECIFICATION} has no type '{name}'"))
            .hint(nothing_recorded(&advice)),
    )
}

/// The name of a repository as a URI reference: `host:path` becomes `ssh://host/path`, and what no
/// URI holds is escaped.
pub fn reference(source: &str) -> String {
    let first = source.split('/').next().unwrap_or_default();
    let source = match first.split_once(':') {
        Some((host, _)) if !source.contains("://") => {
            let path = source.get(host.len() + 1..).unwrap_or_default();
            format!("ssh://{host}/{}", path.trim_start_matches('/'))
        }
        _ => source.to_owned(),
    };
    // in a name of a directory every other character is a letter like any
    let kept: &[u8] = match source.contains("://") {
        true => b"-._~/!$&'()*+,;=:@?#%[]",
        false => b"-._~/",
    };
    percent(&source, kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_named_by_a_reference() {
        let cases = [
            (
                "git@host:acme/payments.git",
                "ssh://git@host/acme/payments.git",
            ),
            ("host:/srv/x y", "ssh://host/srv/x%20y"),
            ("https://host/acme", "https://host/acme"),
            ("ssh://git@host:22/acme", "ssh://git@host:22/acme"),
            ("/caf\u{e9}", "/caf%C3%A9"),
            ("/[a]?#%", "/%5Ba%5D%3F%23%25"),
        ];
        for (given, expected) in cases {
            assert_eq!(reference(given), expected);
            let kind = Kind::of("build.started").expect("a type");
            let subject = Subject {
                id: "1".into(),
                source: None,
                content: Object::new(),
            };
            let time = "2026-01-31T12:00:00Z";
            let event = cdevents::event(kind, "1", expected, time, subject, None);
            assert!(event.is_ok(), "{expected}");
        }
    }
}
