//! What is taken of a payload: a list of paths, each with a mark for how its value is taken.
//!
//! | path | what is taken |
//! |---|---|
//! | `a.b` | a name, a number or a boolean; of an array, those of its items that are one |
//! | `a.b~` | free text, shorter |
//! | `a.b^` | of a URL the scheme and the host: the rest can be a secret |
//! | `a.b@` | an account: `login` or `username`, `id`, `type` |
//! | `a.b#` | how many items the array has, as `b_count` |
//! | `a.b%` | the names of the object's members, not their values |
//! | `a.b*` | changes: old and new names, numbers and booleans |
//! | `a[].b\|c` | an array of the `b` of each item, or its `c`, as `a` |
//!
//! What is not there, is null, or is of another kind is left out. Lists are cut after 100 items,
//! and `<name>_count` then says how many there were.

use super::text;
use crate::json::{Object, Value};

/// Items of a list that are taken.
pub const MAX_ITEMS: usize = 100;

/// How deep changes are looked into.
const MAX_CHANGE: usize = 4;

/// Members of an account that are taken.
const ACCOUNT: &[&str] = &["login", "username", "user_username", "name", "id", "type"];

/// Members of an object that stands in a change.
const CHANGED: &[&str] = &[
    "from",
    "to",
    "old",
    "new",
    "previous",
    "current",
    "added",
    "removed",
    "login",
    "username",
    "id",
    "name",
    "slug",
    "number",
    "full_name",
    "type",
    "user",
    "team",
    "organization",
    "ref",
    "sha",
    "state",
    "title",
    "pull",
    "push",
    "admin",
    "maintain",
    "triage",
];

/// The members of a payload that these paths name, under the names they have there.
pub fn reduce(payload: &Object, paths: &str) -> Object {
    let mut out = Object::new();
    for path in paths.split_ascii_whitespace() {
        take(payload, path, &mut out);
    }
    out
}

/// The value a plain path leads to.
pub fn at<'a>(payload: &'a Object, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => payload.get(path),
        Some((name, rest)) => at(payload.get(name)?.as_object()?, rest),
    }
}

/// The string a plain path leads to.
pub fn string<'a>(payload: &'a Object, path: &str) -> Option<&'a str> {
    at(payload, path)?.as_str().filter(|text| !text.is_empty())
}

/// Takes what one path names.
fn take(from: &Object, path: &str, out: &mut Object) {
    if let Some((name, rest)) = path.split_once('.')
        && !name.ends_with("[]")
    {
        let Some(inner) = from.get(name).and_then(Value::as_object) else {
            return;
        };
        let mut taken = match out.remove(name) {
            Some(Value::Object(taken)) => taken,
            _ => Object::new(),
        };
        take(inner, rest, &mut taken);
        if taken.iter().next().is_some() {
            out.set(name, taken);
        }
        return;
    }
    if let Some((name, rest)) = path.split_once("[].") {
        if let Some(Value::Array(items)) = from.get(name) {
            let of = |item: &Value| {
                let item = item.as_object()?;
                let mut paths = rest.split('|');
                paths.find_map(|path| scalar(at(item, path)?, text::name))
            };
            list(name, items, of, out);
        }
        return;
    }
    let (name, mark) = match path.find(['~', '^', '@', '#', '%', '*']) {
        Some(at) => path.split_at(at),
        None => (path, ""),
    };
    match (mark, from.get(name)) {
        (_, None | Some(Value::Null)) => {}
        ("", Some(Value::Array(items))) => {
            list(name, items, |item| scalar(item, text::name), out);
        }
        ("", Some(value)) => put(name, scalar(value, text::name), out),
        ("~", Some(value)) => put(name, scalar(value, text::text), out),
        ("^", Some(value)) => put(name, scalar(value, text::origin), out),
        ("@", Some(Value::Object(account))) => put(name, Some(self::account(account)), out),
        ("#", Some(Value::Array(items))) => {
            out.set(format!("{name}_count"), count(items.len()));
        }
        ("%", Some(Value::Object(object))) => {
            let names: Vec<Value> = object.iter().map(|(name, _)| Value::from(name)).collect();
            list(name, &names, |item| scalar(item, text::name), out);
        }
        ("*", Some(Value::Object(changes))) => put(name, Some(changed(changes, 0, any)), out),
        _ => {}
    }
}

fn put(name: &str, value: Option<Value>, out: &mut Object) {
    if let Some(value) = value
        && value
            .as_object()
            .is_none_or(|object| object.iter().next().is_some())
    {
        out.set(name, value);
    }
}

/// Who it is.
fn account(account: &Object) -> Value {
    let mut out = Object::new();
    for name in ACCOUNT {
        // one name of an account is enough, and that of a person only where there is no other
        let known = out.get("login").is_some() || out.get("username").is_some();
        if ["username", "user_username", "name"].contains(name) && known {
            continue;
        }
        let value = account.get(name).filter(|value| **value != Value::Null);
        put(
            name,
            value.and_then(|value| scalar(value, text::name)),
            &mut out,
        );
    }
    out.into()
}

fn any(_: &str) -> bool {
    true
}

fn known(name: &str) -> bool {
    CHANGED.contains(&name)
}

/// What changed: under any plain name an object of known names, and so on.
fn changed(changes: &Object, depth: usize, may: fn(&str) -> bool) -> Value {
    let mut out = Object::new();
    let plain = |name: &str| {
        let word = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
        (1..=64).contains(&name.len()) && name.bytes().all(word)
    };
    let named = |name: &&str| !name.contains("email") && plain(name) && may(name);
    for (name, value) in changes
        .iter()
        .filter(|(name, _)| named(name))
        .take(MAX_ITEMS)
    {
        match value {
            Value::Object(inner) if depth < MAX_CHANGE => {
                put(name, Some(changed(inner, depth + 1, known)), &mut out);
            }
            Value::Array(items) => list(name, items, |item| scalar(item, text::text), &mut out),
            Value::Null => out.set(name, Value::Null),
            value => put(name, scalar(value, text::text), &mut out),
        }
    }
    out.into()
}

/// A string, a number or a boolean.
fn scalar(value: &Value, words: fn(&str) -> String) -> Option<Value> {
    match value {
        Value::String(text) => Some(words(text).into()),
        Value::Integer(_) | Value::Bool(_) => Some(value.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn list(name: &str, items: &[Value], of: impl Fn(&Value) -> Option<Value>, out: &mut Object) {
    let taken: Vec<Value> = items.iter().take(MAX_ITEMS).filter_map(of).collect();
    if items.len() > MAX_ITEMS {
        out.set(format!("{name}_count"), count(items.len()));
    }
    if !taken.is_empty() || items.is_empty() {
        out.set(name, taken);
    }
}

fn count(items: usize) -> i64 {
    i64::try_from(items).unwrap_or(i64::MAX)
}

/// A pattern with each `{path}` in place of its value; nothing when one of them is not there.
pub fn filled(payload: &Object, pattern: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (path, more) = after.split_once('}')?;
        out.push_str(before);
        match at(payload, path)? {
            Value::String(text) if !text.is_empty() => out.push_str(&text::name(text)),
            Value::Integer(number) => out.push_str(&number.to_string()),
            _ => return None,
        }
        rest = more;
    }
    Some(out + rest)
}

/// The first of these paths that leads to a time, as RFC 3339.
pub fn time(payload: &Object, paths: &str) -> Option<String> {
    paths
        .split_ascii_whitespace()
        .find_map(|path| match at(payload, path)? {
            Value::Integer(seconds) => u64::try_from(*seconds)
                .ok()
                .map(crate::date::rfc3339)
                .filter(|text| !text.is_empty()),
            Value::String(text) => rfc3339(text),
            _ => None,
        })
}

/// A time as GitHub, Gitea and GitLab write it, if it is one: GitLab's `2026-01-31 12:00:00 UTC` too.
fn rfc3339(text: &str) -> Option<String> {
    let spelled = match text.strip_suffix(" UTC") {
        Some(utc) => utc.replacen(' ', "T", 1) + "Z",
        None => text.to_owned(),
    };
    chrono::DateTime::parse_from_rfc3339(&spelled)
        .ok()
        .filter(|_| spelled.len() <= 40 && spelled.is_ascii() && !spelled.contains(' '))
        .map(|_| spelled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::foreign;

    fn taken(payload: &str, paths: &str) -> String {
        let Ok(Value::Object(payload)) = foreign::read(payload.as_bytes()) else {
            panic!("{payload}")
        };
        let mut out = String::new();
        reduce(&payload, paths).write(&mut out);
        out
    }

    #[test]
    fn only_what_is_named_is_taken() {
        let payload = r#"{"a":{"b":"x","c":1,"d":true,"e":null,"f":{"g":1},"email":"a@b.cd"},
            "u":{"login":"ann","name":"Ann Example","id":7,"email":"ann@acme.example","type":"User"},
            "l":[1,"x",{"y":2}],"o":[{"n":"one"},{"n":2},{"m":3}],"t":"2026"}"#;
        let cases = [
            (
                "a.b a.c a.d a.e a.f a.z",
                r#"{"a":{"b":"x","c":1,"d":true}}"#,
            ),
            ("u@", r#"{"u":{"id":7,"login":"ann","type":"User"}}"#),
            (
                "l o[].n l# t#",
                r#"{"l":[1,"x"],"l_count":3,"o":["one",2]}"#,
            ),
            (
                "a% u.id",
                r#"{"a":["b","c","d","e","email","f"],"u":{"id":7}}"#,
            ),
            ("b.c x t.y l.z", "{}"),
        ];
        for (paths, expected) in cases {
            assert_eq!(taken(payload, paths), expected, "{paths}");
        }
    }

    #[test]
    fn changes_are_taken_by_names_that_are_known() {
        let payload = r#"{"changes":{"title":{"from":"old","secret":"x"},"body":{"from":"call ann@acme.example"},
            "checks":{"from":[]},"admin":{"from":null},"email":{"from":"a@b.cd"},
            "owner":{"from":{"user":{"login":"ann","email":"x","url":"y"}}}}}"#;
        assert_eq!(
            taken(payload, "changes*"),
            r#"{"changes":{"admin":{"from":null},"body":{"from":"call [e-mail]"},"checks":{"from":[]},"owner":{"from":{"user":{"login":"ann"}}},"title":{"from":"old"}}}"#
        );
    }

    #[test]
    fn lists_are_cut_and_say_so() {
        let items = vec!["1"; 101].join(",");
        let said = taken(&format!(r#"{{"l":[{items}]}}"#), "l");
        assert!(said.ends_with(r#"1],"l_count":101}"#), "{said}");
        assert_eq!(said.matches('1').count(), 100 + 2);
    }

    #[test]
    fn times_are_those_of_forges() {
        assert_eq!(
            rfc3339("2026-01-31 12:00:00 UTC").as_deref(),
            Some("2026-01-31T12:00:00Z")
        );
        let zoned = "2023-05-13T22:09:38.000-04:00";
        assert_eq!(rfc3339(zoned).as_deref(), Some(zoned));
        for other in ["", "yesterday", "2026-01-31", "2026-01-31 12:00:00+00:00"] {
            assert_eq!(rfc3339(other), None, "{other}");
        }
    }
}
