//! JSON on one line that nobody's line reader splits and no terminal obeys.

use std::fmt::Write as _;

use crate::escape::is_hidden;
use crate::json::Object;

/// An object as JSON text of one line, without a line feed. Every character that is not seen
/// (U+2028, bidi controls, zero-width characters) is spelled `\uXXXX`, so that a reader who takes
/// it for the end of a line, or a terminal, finds none; the value is the same.
pub fn text(object: &Object) -> String {
    let mut plain = String::new();
    object.write(&mut plain);
    escaped(plain)
}

/// Appends the object as a line.
pub fn line(object: &Object, out: &mut Vec<u8>) {
    out.extend_from_slice(text(object).as_bytes());
    out.push(b'\n');
}

/// Such characters stand in JSON text inside strings only, where an escape means the same.
fn escaped(plain: String) -> String {
    if plain.is_ascii() || !plain.contains(is_hidden) {
        return plain;
    }
    let mut out = String::with_capacity(plain.len() + 16);
    for character in plain.chars() {
        if is_hidden(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}").unwrap_or_default();
            }
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Value;

    #[test]
    fn hidden_characters_are_spelled_and_read_back() {
        let value = "a\u{2028}b\u{202e}c\u{e0041}\u{0}\n\"é漢";
        let object = Object::new().with("s", value);
        let text = text(&object);
        assert_eq!(
            text,
            "{\"s\":\"a\\u2028b\\u202ec\\udb40\\udc41\\u0000\\n\\\"é漢\"}"
        );
        assert_eq!(Value::parse(text.as_bytes()), Ok(Value::Object(object)));
    }
}
