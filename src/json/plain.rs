//! The short way for a line that is plainly canonical: nothing is built, every part is borrowed.
//!
//! Verifying a ledger reads every event, and needs four or five short strings of each. This reader
//! takes only lines that [`Value::parse_canonical`](super::Value::parse_canonical) takes too, and
//! only the most usual of them; whatever it does not take is left to that one, which judges it
//! and says what is wrong. So what is allowed is decided in one place, and this changes no answer.
//!
//! # Limits
//! Not taken, though canonical: escapes in the outermost strings and in names, `\u00xx` anywhere,
//! names outside of ASCII, integers of 16 digits.

use std::ops::Range;

use super::{MAX_DEPTH, forbidden_character};

/// What stands under a name of the outermost object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain<'a> {
    /// A string.
    Text(&'a str),
    /// An integer, `true` or `false`.
    Scalar,
    /// An array, an object or null.
    Other,
}

impl<'a> Plain<'a> {
    /// The text of a string.
    pub fn text(self) -> Option<&'a str> {
        match self {
            Plain::Text(text) => Some(text),
            Plain::Scalar | Plain::Other => None,
        }
    }
}

/// One member of the outermost object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: Plain<'a>,
    /// Where name and value stand in the line, in bytes.
    pub place: Range<usize>,
}

/// The members of an object that is plainly in canonical form, in their order; `None` for a line
/// that is anything else, or only might be.
pub fn members(line: &str) -> Option<Vec<Member<'_>>> {
    let mut cursor = Cursor { line, at: 0 };
    let mut members = Vec::with_capacity(12);
    cursor.take(b'{')?;
    cursor.object(|cursor, name, start| {
        let value = match cursor.peek()? {
            b'"' => Plain::Text(cursor.unescaped()?),
            b'{' | b'[' | b'n' => cursor.value(1).map(|()| Plain::Other)?,
            _ => cursor.value(1).map(|()| Plain::Scalar)?,
        };
        members.push(Member {
            name,
            value,
            place: start..cursor.at,
        });
        Some(())
    })?;
    (cursor.at == line.len()).then_some(members)
}

struct Cursor<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.line.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.line.get(self.at..)?;
        rest.starts_with(word).then(|| self.at += word.len())
    }

    /// Skips a value that stands `depth` levels deep.
    fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string(),
            b'{' if depth < MAX_DEPTH => {
                self.at += 1;
                self.object(|cursor, _, _| cursor.value(depth + 1))
            }
            b'[' if depth < MAX_DEPTH => {
                self.at += 1;
                if self.take(b']').is_some() {
                    return Some(());
                }
                loop {
                    self.value(depth + 1)?;
                    if self.take(b',').is_none() {
                        return self.take(b']');
                    }
                }
            }
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.integer(),
        }
    }

    /// What follows the opening brace; `member` is handed each name, with where it begins, and
    /// reads the value.
    fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'a str, usize) -> Option<()>,
    ) -> Option<()> {
        if self.take(b'}').is_some() {
            return Some(());
        }
        let mut last: Option<&str> = None;
        loop {
            let start = self.at;
            let name = self.unescaped().filter(|name| name.is_ascii())?;
            // in ASCII the order of the bytes is that of the UTF-16 units
            if last.is_some_and(|last| last >= name) {
                return None;
            }
            last = Some(name);
            self.take(b':')?;
            member(self, name, start)?;
            if self.take(b',').is_none() {
                return self.take(b'}');
            }
        }
    }

    /// A string without any escape.
    fn unescaped(&mut self) -> Option<&'a str> {
        let start = self.at + 1;
        self.string()?;
        let text = self.line.get(start..self.at - 1)?;
        (!text.contains('\\')).then_some(text)
    }

    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        let start = self.at;
        let mut ascii = true;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    self.at += 1;
                    if !matches!(
                        self.peek()?,
                        b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't'
                    ) {
                        return None;
                    }
                }
                b' '..=b'~' => {}
                0x80.. => ascii = false,
                _ => return None,
            }
            self.at += 1;
        }
        let text = self.line.get(start..self.at)?;
        self.at += 1;
        (ascii || forbidden_character(text).is_none()).then_some(())
    }

    /// At most 15 digits, which is below 2^53 whatever they are.
    fn integer(&mut self) -> Option<()> {
        let minus = self.take(b'-').is_some();
        let digits = self.line.as_bytes().get(self.at..)?;
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit());
        let count = count.take(16).count();
        let spelled = match (digits.first()?, minus) {
            (b'0', false) => count == 1,
            (b'0', true) => false,
            _ => (1..=15).contains(&count),
        };
        self.at += count;
        spelled.then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Object, Value};
    use super::*;

    /// The members as the whole reader sees them.
    fn whole(object: &Object) -> Vec<(&str, Plain<'_>)> {
        object
            .iter()
            .map(|(name, value)| (name, value.plain()))
            .collect()
    }

    fn agrees(line: &str) -> bool {
        let read = Value::parse_canonical(line.as_bytes());
        match (members(line), &read) {
            (None, _) => true,
            (Some(members), Ok(Value::Object(object))) => {
                let found: Vec<_> = members.iter().map(|m| (m.name, m.value)).collect();
                assert_eq!(found, whole(object), "{line}");
                let cut: Vec<&str> = members.iter().map(|m| &line[m.place.clone()]).collect();
                assert_eq!(format!("{{{}}}", cut.join(",")), line);
                true
            }
            (Some(_), _) => false,
        }
    }

    const LINE: &str = concat!(
        r#"{"a":"é🦀 x","b":{"":[],"n":[null,true,false,-1,0,999999999999999],"s":"\"\\\b\f\n\r\t"},"#,
        r#""c":-12,"d":true,"e":null,"f":{}}"#
    );

    #[test]
    fn reads_what_is_usual() {
        assert!(members(LINE).is_some());
        assert!(agrees(LINE));
        assert!(members("{}").is_some_and(|members| members.is_empty()));
        let deep = |levels: usize| {
            let (open, close) = (r#"{"a":"#.repeat(levels), "}".repeat(levels));
            format!("{open}1{close}")
        };
        assert!(members(&deep(MAX_DEPTH)).is_some() && agrees(&deep(MAX_DEPTH)));
        assert!(members(&deep(MAX_DEPTH + 1)).is_none());
    }

    /// Every line that differs in one place, by every byte that means something to somebody.
    #[test]
    fn takes_nothing_that_the_whole_reader_refuses() {
        let pieces = [
            "",
            "\"",
            "\\",
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            " ",
            "0",
            "1",
            "-",
            ".",
            "e",
            "a",
            "z",
            "u0041",
            "\u{7f}",
            "\u{85}",
            "\u{fffe}",
            "\u{1}",
            "é",
            "/",
            "null",
            "\\u001f",
            "\\/",
            "01",
            "-0",
            "9999999999999999",
            "9007199254740992",
            "\"a\":1,",
            "\"é\":1,",
        ];
        let mut taken = 0;
        for at in (0..=LINE.len()).filter(|at| LINE.is_char_boundary(*at)) {
            for cut in 0..3 {
                let Some(rest) = LINE.get(at + cut..) else {
                    continue;
                };
                for piece in pieces {
                    let line = format!("{}{piece}{rest}", &LINE[..at]);
                    assert!(agrees(&line), "{line}");
                    taken += usize::from(members(&line).is_some());
                }
            }
        }
        assert!(taken > 500, "{taken} lines were taken");
    }
}
