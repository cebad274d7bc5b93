//! JSON as the record allows it: integers only, no name twice, one spelling (RFC 8785).
//!
//! The grammar is serde_json's; what it lets through and the record does not (names twice,
//! floats, deep nesting, control and bidi-breaking code points) is refused here. Values keep
//! their names sorted by UTF-16 code units, so writing a value gives its canonical form.
//!
//! # Limits
//! serde_json itself stops at depth 128; the record stops at [`MAX_DEPTH`].

pub mod foreign;
pub mod plain;
mod read;

use serde::de::DeserializeSeed as _;

use read::Depth;

/// Objects and arrays may nest this deep; the outermost value is depth 1.
pub const MAX_DEPTH: usize = 64;

/// The largest magnitude an integer may have: 2^53 − 1, what every JSON reader keeps exactly.
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// One JSON value; the names of an object are unique and sorted by UTF-16 code units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer within ±(2^53 − 1).
    Integer(i64),
    /// A string without U+007F–9F and noncharacters.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object.
    Object(Object),
}

/// The members of an object, sorted by UTF-16 code units of their names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Object(Vec<(String, Value)>);

/// Why text is not a value of the record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    /// Not JSON, or JSON the record refuses.
    #[error("{0}")]
    Malformed(String),
    /// A value the record allows, in another spelling than the canonical one.
    #[error("not in canonical form (RFC 8785)")]
    NonCanonical,
}

impl Object {
    /// An object without members.
    pub fn new() -> Self {
        Object::default()
    }

    /// The value under this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.position(name)
            .ok()
            .and_then(|at| self.0.get(at))
            .map(|(_, value)| value)
    }

    /// Puts a value under a name, in place of the one that was there.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match self.position(&name) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    /// The same object with one more member; for building values in one expression.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Takes the value under a name away.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.position(name).ok().map(|at| self.0.remove(at).1)
    }

    /// The members in canonical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(other, _)| utf16_order(other, name))
    }
}

/// RFC 8785 §3.2.3: names are compared as sequences of UTF-16 code units.
fn utf16_order(a: &str, b: &str) -> std::cmp::Ordering {
    if a.is_ascii() && b.is_ascii() {
        a.cmp(b)
    } else {
        a.encode_utf16().cmp(b.encode_utf16())
    }
}

impl Value {
    /// Reads a value in any spelling.
    ///
    /// # Errors
    /// [`JsonFault::Malformed`] when the text is not JSON or the record refuses its value.
    pub fn parse(text: &[u8]) -> Result<Value, JsonFault> {
        let text = std::str::from_utf8(text)
            .map_err(|why| JsonFault::Malformed(format!("not UTF-8: {why}")))?;
        let mut reader = serde_json::Deserializer::from_str(text);
        let value = Depth(0)
            .deserialize(&mut reader)
            .map_err(|why| JsonFault::Malformed(why.to_string()))?;
        reader
            .end()
            .map_err(|why| JsonFault::Malformed(why.to_string()))?;
        Ok(value)
    }

    /// Reads a value that must stand in canonical form.
    ///
    /// # Errors
    /// As [`Value::parse`], and [`JsonFault::NonCanonical`] for another spelling.
    pub fn parse_canonical(text: &[u8]) -> Result<Value, JsonFault> {
        let value = Value::parse(text)?;
        let mut again = String::with_capacity(text.len());
        value.write(&mut again);
        if again.as_bytes() == text {
            Ok(value)
        } else {
            Err(JsonFault::NonCanonical)
        }
    }

    /// Appends the canonical form (RFC 8785).
    pub fn write(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Bool(true) => out.push_str("true"),
            Value::Bool(false) => out.push_str("false"),
            Value::Integer(number) => out.push_str(&number.to_string()),
            Value::String(text) => write_string(text, out),
            Value::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Value::Object(object) => object.write(out),
        }
    }

    /// Stands `depth` levels deep.
    fn check_inside(&self, depth: usize) -> Result<(), JsonFault> {
        match self {
            Value::Null | Value::Bool(_) => Ok(()),
            Value::Integer(number) => match integer::<serde_json::Error>(*number) {
                Ok(_) => Ok(()),
                Err(why) => Err(JsonFault::Malformed(why.to_string())),
            },
            Value::String(text) => clean(text),
            Value::Array(items) => {
                within(depth + 1)?;
                items
                    .iter()
                    .try_for_each(|item| item.check_inside(depth + 1))
            }
            Value::Object(object) => object.check_inside(depth + 1),
        }
    }

    /// The canonical form as a string of its own.
    pub fn to_canonical(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// The text of a string value.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The members of an object value.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The items of an array value.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// What the rules about an event's attributes want to know of it.
    pub fn plain(&self) -> plain::Plain<'_> {
        match self {
            Value::String(text) => plain::Plain::Text(text),
            Value::Integer(_) | Value::Bool(_) => plain::Plain::Scalar,
            Value::Null | Value::Array(_) | Value::Object(_) => plain::Plain::Other,
        }
    }

    /// The number of an integer value.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

impl Object {
    /// Whether the record holds these members as they are; whoever reads them asks that by reading.
    ///
    /// # Errors
    /// [`JsonFault::Malformed`], with what reading their canonical form would complain about.
    pub fn check(&self) -> Result<(), JsonFault> {
        self.check_inside(1)
    }

    fn check_inside(&self, depth: usize) -> Result<(), JsonFault> {
        within(depth)?;
        self.0.iter().try_for_each(|(name, value)| {
            clean(name)?;
            value.check_inside(depth)
        })
    }

    /// Appends the canonical form (RFC 8785).
    pub fn write(&self, out: &mut String) {
        out.push('{');
        for (at, (name, value)) in self.0.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            write_string(name, out);
            out.push(':');
            value.write(out);
        }
        out.push('}');
    }
}

/// RFC 8785 §3.2.2.2: the short escapes, `\u00xx` for other controls, all else as it is.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    // what needs no escape goes over in one piece
    while let Some(at) = rest.find(|c| c < ' ' || c == '"' || c == '\\') {
        let (as_it_is, escaped) = rest.split_at(at);
        out.push_str(as_it_is);
        let mut characters = escaped.chars();
        match characters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\t') => out.push_str("\\t"),
            Some('\n') => out.push_str("\\n"),
            Some('\u{c}') => out.push_str("\\f"),
            Some('\r') => out.push_str("\\r"),
            Some(control) => out.push_str(&format!("\\u{:04x}", control as u32)),
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Why the record does not hold this text, if it does not: U+007F–9F reach terminals as
/// commands, noncharacters are not for interchange (Unicode §23.7).
pub fn forbidden_character(text: &str) -> Option<char> {
    // most text is ASCII, where there is but one
    if text.is_ascii() && !text.contains('\u{7f}') {
        return None;
    }
    text.chars().find(|&c| {
        let code = c as u32;
        (0x7f..=0x9f).contains(&code)
            || (0xfdd0..=0xfdef).contains(&code)
            || code & 0xfffe == 0xfffe
    })
}

fn allowed<E: serde::de::Error>(text: &str) -> Result<(), E> {
    match forbidden_character(text) {
        None => Ok(()),
        Some(c) => Err(E::custom(format!(
            "a string holds U+{:04X}, which the record does not",
            c as u32
        ))),
    }
}

/// As [`allowed`], for values that are here already.
fn clean(text: &str) -> Result<(), JsonFault> {
    // most texts are plain
    if text.bytes().all(|byte| byte < 0x7f) {
        return Ok(());
    }
    match allowed::<serde_json::Error>(text) {
        Ok(()) => Ok(()),
        Err(why) => Err(JsonFault::Malformed(why.to_string())),
    }
}

fn integer<E: serde::de::Error>(value: i64) -> Result<Value, E> {
    if (-MAX_INTEGER..=MAX_INTEGER).contains(&value) {
        Ok(Value::Integer(value))
    } else {
        Err(E::custom(
            "an integer is outside ±(2^53−1); write it as a string",
        ))
    }
}

fn within(depth: usize) -> Result<(), JsonFault> {
    match Depth(depth - 1).deeper::<serde_json::Error>() {
        Ok(_) => Ok(()),
        Err(why) => Err(JsonFault::Malformed(why.to_string())),
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::String(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::String(text)
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Integer(value)
    }
}
impl From<Object> for Value {
    fn from(object: Object) -> Value {
        Value::Object(object)
    }
}
impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Value {
        Value::Array(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Result<String, JsonFault> {
        Value::parse(text.as_bytes()).map(|value| value.to_canonical())
    }

    #[test]
    fn writes_the_one_spelling() {
        let cases = [
            (r#"{ "b":1, "a":[ ] }"#, r#"{"a":[],"b":1}"#),
            (
                r#"{"\u0041":"\/\u00e9\u0001\b"}"#,
                "{\"A\":\"/é\\u0001\\b\"}",
            ),
            // RFC 8785 §3.2.3: U+1F600 sorts before U+FB33 by UTF-16 units
            (
                "{\"\u{fb33}\":1,\"\u{1f600}\":2}",
                "{\"\u{1f600}\":2,\"\u{fb33}\":1}",
            ),
            (
                "[9007199254740991,-9007199254740991,null,true]",
                "[9007199254740991,-9007199254740991,null,true]",
            ),
        ];
        for (given, expected) in cases {
            assert_eq!(canonical(given).as_deref(), Ok(expected), "{given}");
        }
    }

    #[test]
    fn refuses_what_readers_disagree_on() {
        let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
        let cases = [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            "1.0",
            "1e0",
            "-0",
            "9007199254740992",
            "18446744073709551616",
            "1e999",
            "01",
            "NaN",
            "\"\u{7f}\"",
            "\"\\u0085\"",
            r#""\ud800""#,
            r#""\uffff""#,
            "\"\u{1fffe}\"",
            "\u{feff}{}",
            "{} {}",
            "{}x",
            "[1,]",
            "'a'",
            "",
            deep.as_str(),
        ];
        for given in cases {
            assert!(
                matches!(Value::parse(given.as_bytes()), Err(JsonFault::Malformed(_))),
                "{given}"
            );
        }
        assert!(Value::parse(b"\"\xff\"").is_err());
        let edge = format!("{}1{}", "[".repeat(64), "]".repeat(64));
        assert!(Value::parse(edge.as_bytes()).is_ok());
    }

    #[test]
    fn another_spelling_is_not_canonical() {
        for given in [
            r#"{"a": 1}"#,
            r#"{"b":1,"a":2}"#,
            r#""\/""#,
            r#""\u0041""#,
            "{}\n",
        ] {
            assert_eq!(
                Value::parse_canonical(given.as_bytes()),
                Err(JsonFault::NonCanonical),
                "{given}"
            );
        }
    }
}
