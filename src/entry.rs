//! An entry: events with their place in the ledger, and the one text that spells it.
//!
//! The text is the message of a commit: a subject derived from the events, the events one a
//! line, and trailers with the number, the policy and the Merkle state before the entry.
//! `parse` then `message` gives the same bytes, or `parse` refuses.
//!
//! Source: `ledger-spec/entry.md`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::event::{Event, EventFault};
use crate::finding::{Finding, FindingId};
use crate::json::MAX_INTEGER;
use crate::merkle::{self, Hash, Range};
use crate::principal::Principal;

/// The longest subject line, in bytes.
const SUBJECT: usize = 72;

/// An admin's agreement to a policy: who, and the signature blob (SSHSIG, not yet looked at).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Who agrees.
    pub principal: Principal,
    /// The binary SSHSIG.
    pub blob: Vec<u8>,
}

/// Events with their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The events, at least one.
    pub events: Vec<Event>,
    /// SHA-256 of the `ledger.toml` in the tree of this entry.
    pub policy: Hash,
    /// Merkle state of the entries before this one; its size is this entry's number.
    pub range: Range,
    /// Agreements to a new policy, ascending by principal.
    pub approvals: Vec<Approval>,
}

impl Entry {
    /// The number: how many entries stand before this one.
    pub fn number(&self) -> u64 {
        self.range.size()
    }

    /// The subject line: `<number> <type> <what>`, printable ASCII, at most 72 bytes.
    pub fn subject(&self) -> String {
        let suffix = match self.events.len() {
            0 | 1 => String::new(),
            many => format!(" (+{})", many - 1),
        };
        let (kind, what) = self.events.first().map_or(("", ""), |first| {
            (first.kind(), first.subject().unwrap_or(first.source()))
        });
        let room = SUBJECT.saturating_sub(suffix.len());
        let number = self.number().to_string();
        let mut line = String::with_capacity(SUBJECT);
        let parts = [number.as_str(), " ", kind, " ", what];
        let characters = parts.into_iter().flat_map(str::chars);
        line.extend(
            characters
                .take(room)
                .map(|c| if (' '..='~').contains(&c) { c } else { '?' }),
        );
        line.truncate(line.trim_end_matches(' ').len());
        line + &suffix
    }

    /// The message of the commit.
    pub fn message(&self) -> String {
        let mut out = self.subject();
        out.push_str("\n\n");
        for event in &self.events {
            out.push_str(event.line());
            out.push('\n');
        }
        out.push_str(&format!(
            "\nLedger-Seq: {}\nLedger-Policy: sha256:{}\n",
            self.number(),
            merkle::hex(&self.policy)
        ));
        if !self.range.roots().is_empty() {
            let roots: Vec<String> = self
                .range
                .roots()
                .iter()
                .map(|root| BASE64.encode(root))
                .collect();
            out.push_str(&format!("Ledger-Range: {}\n", roots.join(" ")));
        }
        for approval in &self.approvals {
            out.push_str(&format!(
                "Ledger-Approval: {} {}\n",
                approval.principal,
                BASE64.encode(&approval.blob)
            ));
        }
        out
    }

    /// Reads the message of a commit.
    ///
    /// # Errors
    /// The first deviation from the one spelling, without a position.
    pub fn parse(message: &[u8]) -> Result<Entry, Finding> {
        let text =
            std::str::from_utf8(message).map_err(|why| malformed(format!("not UTF-8: {why}")))?;
        let body = text
            .strip_suffix('\n')
            .ok_or_else(|| malformed("no line feed at the end"))?;
        let (subject, rest) = body
            .split_once("\n\n")
            .ok_or_else(|| malformed("no empty line after the subject"))?;
        let (events, trailers) = rest
            .split_once("\n\n")
            .ok_or_else(|| malformed("no empty line after the events"))?;
        let (policy, range, approvals) = parse_trailers(trailers)?;
        let events = events
            .split('\n')
            .map(parse_event)
            .collect::<Result<Vec<_>, _>>()?;
        let entry = Entry {
            events,
            policy,
            range,
            approvals,
        };
        let expected = entry.subject();
        if subject != expected {
            let detail = format!("found {subject:?}, derived {expected:?}");
            return Err(Finding::new(FindingId::SubjectMismatch, detail));
        }
        Ok(entry)
    }
}

fn malformed(why: impl Into<String>) -> Finding {
    Finding::new(FindingId::MessageMalformed, why)
}

fn parse_event(line: &str) -> Result<Event, Finding> {
    Event::parse_canonical(line.as_bytes()).map_err(|fault| {
        let id = match fault {
            EventFault::Malformed(_) => FindingId::EventMalformed,
            EventFault::NonCanonical => FindingId::EventNonCanonical,
        };
        Finding::new(id, fault.to_string())
    })
}

fn parse_trailers(block: &str) -> Result<(Hash, Range, Vec<Approval>), Finding> {
    let trailer = |why: String| Finding::new(FindingId::TrailerMalformed, why);
    let mut lines = block.split('\n').peekable();
    let mut next = |name: &str| -> Result<&str, Finding> {
        let line = lines.peek().copied().unwrap_or_default();
        let value = line
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(": "));
        let value = value.ok_or_else(|| trailer(format!("expected {name}, found {line:?}")))?;
        lines.next();
        Ok(value)
    };
    let number = next("Ledger-Seq")?;
    let number = decimal(number).ok_or_else(|| trailer(format!("Ledger-Seq is {number:?}")))?;
    let policy = next("Ledger-Policy")?;
    let policy = policy
        .strip_prefix("sha256:")
        .and_then(parse_hex)
        .ok_or_else(|| trailer(format!("Ledger-Policy is {policy:?}")))?;
    let range = match next("Ledger-Range") {
        Ok(value) => parse_range(number, Some(value))?,
        Err(_) => parse_range(number, None)?,
    };
    let mut approvals: Vec<Approval> = Vec::new();
    while let Ok(value) = next("Ledger-Approval") {
        let approval = parse_approval(value)?;
        if approvals
            .last()
            .is_some_and(|last| last.principal >= approval.principal)
        {
            let detail = format!("{} is out of order or stands twice", approval.principal);
            return Err(Finding::new(FindingId::ApprovalNonCanonical, detail));
        }
        approvals.push(approval);
    }
    match lines.next() {
        None => Ok((policy, range, approvals)),
        Some(line) => Err(trailer(format!("unexpected line {line:?}"))),
    }
}

/// Base64 with padding and zero spare bits, as the engine demands.
fn parse_range(number: u64, value: Option<&str>) -> Result<Range, Finding> {
    let fault = |why: String| Finding::new(FindingId::RangeMalformed, why);
    let roots = match value {
        None => Vec::new(),
        Some(value) => {
            let mut roots = Vec::with_capacity(number.count_ones() as usize);
            for root in value.split(' ') {
                roots.push(
                    parse_root(root)
                        .ok_or_else(|| fault(format!("not base64 of 32 bytes each: {value:?}")))?,
                );
            }
            roots
        }
    };
    let found = roots.len();
    Range::from_roots(number, roots).ok_or_else(|| {
        fault(format!(
            "{found} hashes for number {number}, which has {} set bits",
            number.count_ones()
        ))
    })
}

/// 32 bytes; decoded in place, for there are up to 53 of them in every entry.
fn parse_root(text: &str) -> Option<Hash> {
    // the engine asks for room by thirds of the text's length
    let mut room = [0; 33];
    let length = BASE64.decode_slice(text, &mut room).ok()?;
    room.get(..length)?.try_into().ok()
}

fn parse_approval(value: &str) -> Result<Approval, Finding> {
    let parsed = value.split_once(' ').and_then(|(principal, blob)| {
        let blob = BASE64.decode(blob).ok()?;
        Some(Approval {
            principal: Principal::parse(principal)?,
            blob,
        })
    });
    parsed.ok_or_else(|| {
        Finding::new(
            FindingId::ApprovalNonCanonical,
            format!("not `<principal> <base64>`: {value:?}"),
        )
    })
}

/// A decimal without sign or leading zero, at most 2^53 − 1.
pub fn decimal(text: &str) -> Option<u64> {
    let plain = !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    plain
        .then(|| text.parse().ok())
        .flatten()
        .filter(|number| *number <= MAX_INTEGER as u64)
}

/// 64 lower-case hex digits.
pub fn parse_hex(text: &str) -> Option<Hash> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let digits = <&[u8; 64]>::try_from(text.as_bytes()).ok()?;
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.as_chunks::<2>().0) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(subject: &str) -> Event {
        Event::parse(
            format!(
                r#"{{"id":"1","source":"/s","specversion":"1.0","subject":{subject},"type":"t.x"}}"#
            )
            .as_bytes(),
        )
        .expect("an event")
    }

    fn entry(number: u64, events: Vec<Event>) -> Entry {
        let roots = vec![[7; 32]; number.count_ones() as usize];
        Entry {
            events,
            policy: [1; 32],
            range: Range::from_roots(number, roots).expect("a range"),
            approvals: Vec::new(),
        }
    }

    #[test]
    fn the_message_round_trips() {
        for number in [0, 1, 5, 42] {
            let entry = entry(number, vec![event("\"a\""), event("\"b\"")]);
            assert_eq!(Entry::parse(entry.message().as_bytes()), Ok(entry));
        }
    }

    #[test]
    fn the_subject_is_short_printable_ascii() {
        assert_eq!(
            entry(0, vec![event(r#""a\n\u001bé""#)]).subject(),
            "0 t.x a???"
        );
        let long = entry(
            7,
            vec![
                event(&format!("{:?}", "x".repeat(60) + "        yyy")),
                event("\"b\""),
            ],
        )
        .subject();
        assert_eq!(long, format!("7 t.x {} (+1)", "x".repeat(60)));
    }

    #[test]
    fn each_deviation_has_its_name() {
        let text = entry(5, vec![event("\"a\"")]).message();
        let cases: Vec<(String, FindingId)> = vec![
            (text.trim_end().into(), FindingId::MessageMalformed),
            (text.replacen("\n\n", "\n", 1), FindingId::MessageMalformed),
            (
                text.replace("5 t.x a", "5 t.x b"),
                FindingId::SubjectMismatch,
            ),
            (
                text.replace("Seq: 5", "Seq: 05"),
                FindingId::TrailerMalformed,
            ),
            (
                text.replace("Seq: 5", "Seq: -5"),
                FindingId::TrailerMalformed,
            ),
            (
                text.replace("Seq: 5", "Seq: 9223372036854775808"),
                FindingId::TrailerMalformed,
            ),
            (
                text.replace("sha256:0", "sha256:G"),
                FindingId::TrailerMalformed,
            ),
            (text.clone() + "X: y\n", FindingId::TrailerMalformed),
            (text.clone() + "\n", FindingId::TrailerMalformed),
            (text.replace("Seq: 5", "Seq: 7"), FindingId::RangeMalformed),
            (text.replace("= ", "=  "), FindingId::RangeMalformed),
            (
                text.replace("\"id\":\"1\",", "\"id\": \"1\","),
                FindingId::EventNonCanonical,
            ),
            (text.replace("\"id\":\"1\",", ""), FindingId::EventMalformed),
            (
                text.replace("}\n\n", "}\r\n\n"),
                FindingId::EventNonCanonical,
            ),
            (
                text.clone() + "Ledger-Approval: A AA==\n",
                FindingId::ApprovalNonCanonical,
            ),
            (
                text.clone() + "Ledger-Approval: a AB==\n",
                FindingId::ApprovalNonCanonical,
            ),
        ];
        for (given, expected) in cases {
            assert_eq!(
                Entry::parse(given.as_bytes()).map_err(|finding| finding.id),
                Err(expected),
                "{given}"
            );
        }
    }
}
