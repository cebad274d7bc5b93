//! How far an export has come: the newest entry that was handed over and acknowledged.
//!
//! The text is one line of canonical JSON. It is trusted like a mark: whoever may write it can
//! make an export begin elsewhere, but not at an entry that is not in the chain.
//!
//! Source: `ledger-spec/export.md`, "The cursor".

use crate::event::is_sha256_hex;
use crate::json::{Object, Value};

use super::Format;
use super::position::integer;

/// The largest cursor that is read, in bytes.
pub const LONGEST: u64 = 4096;

/// Where the next run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The ledger's fingerprint, `sha256:` and 64 hex; `None` where entry 0 was not seen.
    pub ledger: Option<String>,
    /// The format of what was handed over.
    pub format: Format,
    /// The newest entry handed over, or passed over by a filter; `None` before the first.
    pub at: Option<At>,
    /// Whether everything up to there was verified and sound, so that a run need only verify what
    /// is new.
    pub verified: bool,
    /// The output file, where there is one.
    pub file: Option<Written>,
}

/// A file that grows with the export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// How many bytes of it were taken.
    pub bytes: u64,
    /// Its inode: what stands behind those bytes is cut off this file and no other.
    pub inode: u64,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// Its place in the chain.
    pub number: u64,
    /// Its digest, `sha256:` and 64 hex.
    pub digest: String,
    /// Its commit, in hex.
    pub commit: String,
}

/// The text is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no cursor of an export: {0}")]
pub struct CursorFault(String);

impl Cursor {
    /// The cursor of an export that has handed nothing over yet.
    pub fn new(format: Format) -> Cursor {
        Cursor {
            ledger: None,
            format,
            at: None,
            verified: false,
            file: None,
        }
    }

    /// The one line that spells it, with its line feed.
    pub fn to_text(&self) -> String {
        let mut object = Object::new()
            .with("cursor", integer(1))
            .with("format", self.format.name())
            .with("verified", self.verified);
        if let Some(ledger) = &self.ledger {
            object.set("ledger", ledger.as_str());
        }
        if let Some(at) = &self.at {
            object.set("number", integer(at.number));
            object.set("digest", at.digest.as_str());
            object.set("commit", at.commit.as_str());
        }
        if let Some(file) = &self.file {
            object.set("bytes", integer(file.bytes));
            // an inode has 64 bits, a number of the record 53
            object.set("inode", file.inode.to_string());
        }
        Value::from(object).to_canonical() + "\n"
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`CursorFault`] for everything that [`Cursor::to_text`] does not write.
    pub fn parse(text: &[u8]) -> Result<Cursor, CursorFault> {
        let fault = |why: &str| CursorFault(why.to_owned());
        let line = text
            .strip_suffix(b"\n")
            .ok_or_else(|| fault("it does not end with a line feed"))?;
        let value = Value::parse_canonical(line).map_err(|why| fault(&why.to_string()))?;
        let object = value.as_object().ok_or_else(|| fault("not an object"))?;
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        let number = |name: &str| {
            let value = object.get(name).and_then(Value::as_integer);
            value.and_then(|value| u64::try_from(value).ok())
        };
        let sum = |name: &str| {
            let there = text(name)?;
            let hex = there.strip_prefix("sha256:")?;
            is_sha256_hex(hex).then(|| there.to_owned())
        };
        let commit = || {
            let there = text("commit")?;
            let hex = matches!(there.len(), 40 | 64)
                && there
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            hex.then(|| there.to_owned())
        };
        if number("cursor") != Some(1) {
            return Err(fault("it is of a version that is not known here"));
        }
        let at = match (number("number"), sum("digest"), commit()) {
            (Some(number), Some(digest), Some(commit)) => Some(At {
                number,
                digest,
                commit,
            }),
            _ => None,
        };
        let inode = text("inode").and_then(|inode| inode.parse().ok());
        let cursor = Cursor {
            ledger: sum("ledger"),
            format: text("format")
                .and_then(Format::of)
                .ok_or_else(|| fault("it names no format that is known here"))?,
            at,
            verified: object.get("verified") == Some(&Value::Bool(true)),
            file: number("bytes")
                .zip(inode)
                .map(|(bytes, inode)| Written { bytes, inode }),
        };
        // whatever is half there, misspelled or unknown would be lost when it is written again
        if cursor.to_text().as_bytes() == text_of(object).as_bytes() {
            Ok(cursor)
        } else {
            Err(fault("a member is missing, malformed or unknown"))
        }
    }
}

fn text_of(object: &Object) -> String {
    let mut text = String::new();
    object.write(&mut text);
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Cursor {
        Cursor {
            ledger: Some(format!("sha256:{}", "a".repeat(64))),
            format: Format::Ecs,
            at: Some(At {
                number: 7,
                digest: format!("sha256:{}", "b".repeat(64)),
                commit: "c".repeat(40),
            }),
            verified: true,
            file: Some(Written {
                bytes: 12,
                inode: u64::MAX,
            }),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for cursor in [whole(), Cursor::new(Format::Cef)] {
            assert_eq!(Cursor::parse(cursor.to_text().as_bytes()), Ok(cursor));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let text = whole().to_text();
        let cases = [
            String::new(),
            text.trim_end().to_owned(),
            text.replace("\"number\":7", "\"number\":-7"),
            text.replace("\"number\":7,", ""),
            text.replace("sha256:bb", "sha256:BB"),
            text.replace("\"cursor\":1", "\"cursor\":2"),
            text.replace("\"ecs\"", "\"exe\""),
            text.replace("\"verified\":true", "\"verified\":1"),
            text.replace("\"verified\":true", "\"verified\":true,\"z\":1"),
            text.replace(',', ", "),
            text.replace("ccc", "../"),
            text.replace("\"inode\":\"", "\"inode\":\"0"),
            text.replace("\"bytes\":12,", ""),
        ];
        for case in cases {
            assert!(Cursor::parse(case.as_bytes()).is_err(), "{case}");
        }
    }
}
