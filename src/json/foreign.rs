//! JSON of others: read for what we know in it, never recorded as it is.
//!
//! Payloads of forges and CI systems hold numbers and characters that the record refuses. They are
//! taken here in another shape, so that the members we look for can be found; whoever needs the
//! payload itself keeps its bytes, or their digest.
//!
//! - An integer outside ±(2^53 − 1) and every fraction becomes a string: the shortest decimal that
//!   gives the same double again, as most readers would see it (integers up to 64 bits exactly).
//! - A character the record refuses becomes the six or more letters `\u{…}` with its number.
//! - A name that stands twice, nesting deeper than [`MAX_DEPTH`](super::MAX_DEPTH), a lone
//!   surrogate, and more than [`MAX_VALUES`] values are refused: readers disagree about the first
//!   and fall over the others.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::{JsonFault, MAX_DEPTH, MAX_INTEGER, Object, Value, utf16_order};

/// The most values one text may hold, names not counted.
pub const MAX_VALUES: usize = 1 << 20;

/// Reads a value that the record need not allow.
///
/// # Errors
/// [`JsonFault::Malformed`] when the text is no JSON in UTF-8, or is one of those refused above.
pub fn read(text: &[u8]) -> Result<Value, JsonFault> {
    let text = std::str::from_utf8(text)
        .map_err(|why| JsonFault::Malformed(format!("not UTF-8: {why}")))?;
    let left = Cell::new(MAX_VALUES);
    let mut reader = serde_json::Deserializer::from_str(text);
    let outermost = Foreign {
        depth: 0,
        left: &left,
    };
    let malformed = |why: serde_json::Error| JsonFault::Malformed(why.to_string());
    let value = outermost.deserialize(&mut reader).map_err(malformed)?;
    reader.end().map_err(malformed)?;
    Ok(value)
}

/// The text with every character that the record refuses spelled out.
pub fn spelled(text: &str) -> String {
    if super::forbidden_character(text).is_none() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        let mut one = [0; 4];
        if super::forbidden_character(character.encode_utf8(&mut one)).is_some() {
            out.push_str(&format!("\\u{{{:x}}}", character as u32));
        } else {
            out.push(character);
        }
    }
    out
}

/// A value being read.
#[derive(Clone, Copy)]
struct Foreign<'a> {
    depth: usize,
    left: &'a Cell<usize>,
}

impl Foreign<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format!("nested deeper than {MAX_DEPTH}")));
        }
        let depth = self.depth + 1;
        Ok(Foreign { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Foreign<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => return Err(D::Error::custom(format!("more than {MAX_VALUES} values"))),
        }
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Foreign<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(match value.unsigned_abs() <= MAX_INTEGER.unsigned_abs() {
            true => Value::Integer(value),
            false => Value::String(value.to_string()),
        })
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(match i64::try_from(value) {
            Ok(value @ ..=MAX_INTEGER) => Value::Integer(value),
            _ => Value::String(value.to_string()),
        })
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::String(
            serde_json::Number::from_f64(value).map_or_else(String::new, |n| n.to_string()),
        ))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(spelled(text)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inside = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inside)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inside = self.deeper()?;
        let mut members: Vec<(String, Value)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            members.push((spelled(&name), map.next_value_seed(inside)?));
        }
        members.sort_by(|(a, _), (b, _)| utf16_order(a, b));
        if let Some(pair) = members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let name = &pair[0].0;
            return Err(A::Error::custom(format!("the name {name:?} stands twice")));
        }
        Ok(Value::Object(Object(members)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> String {
        match read(text.as_bytes()) {
            Ok(value) => value.to_canonical(),
            Err(why) => format!("refused: {why}"),
        }
    }

    #[test]
    fn numbers_and_characters_that_the_record_refuses_become_text() {
        let cases = [
            ("[1,-7,0]", "[1,-7,0]"),
            (
                "[1.0,0.1,-2.5e3,1e3]",
                r#"["1.0","0.1","-2500.0","1000.0"]"#,
            ),
            (
                "[9007199254740991,9007199254740992]",
                r#"[9007199254740991,"9007199254740992"]"#,
            ),
            (
                "[18446744073709551615,-9223372036854775808]",
                r#"["18446744073709551615","-9223372036854775808"]"#,
            ),
            (r#""a\u0085b\uffff""#, r#""a\\u{85}b\\u{ffff}""#),
            ("{\"\\u007f\":null}", r#"{"\\u{7f}":null}"#),
            (
                r#"{"b":true,"a":"\u202e"}"#,
                "{\"a\":\"\u{202e}\",\"b\":true}",
            ),
        ];
        for (given, expected) in cases {
            assert_eq!(seen(given), expected, "{given}");
            // what comes out is what the record allows
            let again = Value::parse(expected.as_bytes());
            assert!(again.is_ok(), "{expected}");
        }
    }

    #[test]
    fn what_readers_disagree_about_is_refused() {
        let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
        let many = format!("[{}1]", "1,".repeat(MAX_VALUES));
        for given in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"\u0085":1,"\\u{85}":2}"#,
            r#""\ud800""#,
            "1e999",
            "01",
            "NaN",
            "{} {}",
            "[1,]",
            "\u{feff}{}",
            "",
            deep.as_str(),
            many.as_str(),
        ] {
            let said = seen(given);
            assert!(said.starts_with("refused: "), "{said}");
        }
        assert!(read(b"\"\xff\"").is_err());
        let edge = format!("{}1{}", "[".repeat(64), "]".repeat(64));
        assert!(read(edge.as_bytes()).is_ok());
        let edge = format!("[{}1]", "1,".repeat(MAX_VALUES - 2));
        assert!(read(edge.as_bytes()).is_ok());
    }

    #[test]
    fn what_the_record_allows_is_the_same_here() {
        let text = r#"{"a":[1,{"b":"c\n\u0001é"}],"z":null}"#.as_bytes();
        assert_eq!(read(text), Value::parse(text));
    }
}
