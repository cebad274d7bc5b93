//! Steps, snapshots and what they found changed, each in a few words.

use crate::escape::printable;
use crate::event::{CONFIG_CHANGED, ENV_CHANGED, Event, SNAPSHOT};
use crate::json::{Object, Value};

use super::layout::{counted, cut};

/// Characters of a digest shown to people.
const SHORT: usize = 12;
/// The longest value shown, in columns.
const LONGEST: usize = 40;

/// What an event of `run` or `snapshot` says; nothing for others, and for those that are not as
/// specified.
pub fn summary(event: &Event) -> Option<String> {
    let data = event.data()?.as_object()?;
    match event.kind() {
        ENV_CHANGED => variable(data),
        CONFIG_CHANGED => file(data),
        SNAPSHOT => snapshot(data),
        kind if kind.starts_with("dev.cdevents.taskrun.") => step(data),
        _ => None,
    }
}

fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

fn inner<'a>(object: &'a Object, name: &str) -> Option<&'a Object> {
    object.get(name)?.as_object()
}

/// `set`, `unset`, `changed`, with both values where the record holds them.
fn variable(data: &Object) -> Option<String> {
    let word = match text(data, "change")? {
        "created" => "set",
        "deleted" => "unset",
        "changed" => "changed",
        _ => return None,
    };
    let side = |name: &str| {
        let object = inner(data, name)?;
        Some(match (text(object, "value"), text(object, "mac")) {
            (Some(value), _) => format!("\"{}\"", cut(&printable(value), LONGEST)),
            (None, mac) => short(mac?, "hmac-sha256:"),
        })
    };
    Some(told(word, side("old"), side("new")))
}

fn file(data: &Object) -> Option<String> {
    let side = |name: &str| {
        let object = inner(data, name)?;
        let mut words = vec![printable(text(object, "mode")?)];
        match text(object, "kind")? {
            "file" => {}
            kind => words.push(printable(kind)),
        }
        words.extend(text(object, "digest").map(|digest| short(digest, "sha256:")));
        if let Some(Value::Integer(size)) = object.get("size") {
            words.push(format!("{size} bytes"));
        }
        Some(words.join(" "))
    };
    let word = match text(data, "change")? {
        "leftOut" => "left out by ignore rules",
        word @ ("created" | "changed" | "deleted") => word,
        _ => return None,
    };
    Some(told(word, side("old"), side("new")))
}

fn told(word: &str, old: Option<String>, new: Option<String>) -> String {
    match (old, new) {
        (Some(old), Some(new)) => format!("{word}: {old} -> {new}"),
        (Some(old), None) => format!("{word}, was {old}"),
        (None, Some(new)) => format!("{word}: {new}"),
        (None, None) => word.to_owned(),
    }
}

fn short(digest: &str, prefix: &str) -> String {
    let hex = digest.strip_prefix(prefix).unwrap_or(digest);
    let plain = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    match hex.get(..SHORT).filter(|_| plain) {
        Some(first) => format!("{prefix}{first}"),
        None => cut(&printable(digest), LONGEST),
    }
}

fn snapshot(data: &Object) -> Option<String> {
    let counts = inner(data, "counts")?;
    let count = |name: &str| counts.get(name).and_then(Value::as_integer);
    let some = |name: &str, one, many| {
        let count = usize::try_from(count(name)?).ok()?;
        Some(counted(count, one, many))
    };
    let files = some("files", "file", "files")?;
    let variables = some("variables", "variable", "variables")?;
    let changes = match text(data, "previous") {
        None => "the first".to_owned(),
        Some(_) => format!("{} changed", count("changes")?),
    };
    let key = match data.get("otherKey") {
        Some(Value::Bool(true)) => "; digested with another key than before",
        _ => "",
    };
    Some(format!("{files}, {variables}; {changes}{key}"))
}

/// A task run of anybody's, with what `run` adds to it.
fn step(data: &Object) -> Option<String> {
    let content = inner(inner(data, "subject")?, "content")?;
    let custom = inner(data, "customData");
    let mut words = Vec::new();
    words.extend(
        text(content, "taskName").map(|name| format!("'{}'", cut(&printable(name), LONGEST))),
    );
    words.extend(text(content, "outcome").map(printable));
    let errors = text(content, "errors").map(|errors| cut(&printable(errors), 2 * LONGEST));
    words.extend(errors.map(|errors| format!("({errors})")));
    if let Some(custom) = custom {
        let integer = |name: &str| custom.get(name).and_then(Value::as_integer);
        words.extend(integer("durationMs").map(|duration| format!("after {duration} ms")));
        let list = |object: &Object, name: &str| Some(object.get(name)?.as_array()?.len());
        if let Some(count) = inner(custom, "watched").and_then(|watched| list(watched, "changes")) {
            let files = counted(count, "watched file", "watched files");
            words.push(format!("{files} changed"));
        }
        let artifacts = list(custom, "artifacts");
        words.extend(artifacts.map(|count| counted(count, "artifact", "artifacts")));
        let program = inner(custom, "command").and_then(|command| text(command, "program"));
        words.extend(
            program.map(|program| format!("program={}", cut(&printable(program), LONGEST))),
        );
    }
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: &str, data: &str) -> Option<String> {
        let text = format!(
            r#"{{"data":{data},"id":"1","source":"/s","specversion":"1.0","type":"{kind}"}}"#
        );
        summary(&Event::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn changes_in_a_few_words() {
        let hex = "ab".repeat(32);
        let mac = format!(r#"{{"mac":"hmac-sha256:{hex}"}}"#);
        let env = |data: &str| told(ENV_CHANGED, data).unwrap();
        assert_eq!(
            env(&format!(r#"{{"change":"created","new":{mac}}}"#)),
            "set: hmac-sha256:abababababab"
        );
        assert_eq!(
            env(&format!(
                r#"{{"change":"changed","new":{{"mac":"x","value":"b\u001b"}},"old":{mac}}}"#
            )),
            "changed: hmac-sha256:abababababab -> \"b<U+001B>\""
        );
        assert_eq!(
            env(&format!(r#"{{"change":"deleted","old":{mac}}}"#)),
            "unset, was hmac-sha256:abababababab"
        );
        let file = format!(
            r#"{{"change":"changed","new":{{"digest":"sha256:{hex}","kind":"link","mode":"0777"}},"old":{{"digest":"sha256:{hex}","kind":"file","mode":"0644","size":5}}}}"#
        );
        assert_eq!(
            told(CONFIG_CHANGED, &file).as_deref(),
            Some("changed: 0644 sha256:abababababab 5 bytes -> 0777 link sha256:abababababab")
        );
        // what is not as specified is told as any event is
        for data in ["{}", "1", r#"{"change":"x"}"#, r#"{"change":1}"#] {
            assert_eq!(told(ENV_CHANGED, data), None);
            assert_eq!(told(CONFIG_CHANGED, data), None);
            assert_eq!(told(SNAPSHOT, data), None);
            assert_eq!(told("dev.cdevents.taskrun.started.0.3.0", data), None);
        }
    }
}
