//! The doorkeeper: what a push proposes, accepted or refused with a finding.
//!
//! A push is judged as a whole, from what git hands to `pre-receive`: the old and new id of each
//! ref. A push of the ledger must only add entries that hold; any other push is described as an
//! event, to be recorded before its refs move. Nothing is written here and no ref is moved.
//!
//! Source: `ledger-spec/hook.md`.
//!
//! # Limits
//! A hook is a courtesy: who administers the server, or pushes by a path under an account of
//! their own, can leave it out. What it would have refused, verification and mirrors find.

pub mod ancestry;
mod entries;
pub mod outstanding;
pub mod push_event;
pub mod pusher;
mod shape;
pub mod transaction;
pub mod watched;

use std::fmt;

use gix::ObjectId;

use crate::escape::printable;
use crate::finding::{Finding, FindingId};
use crate::git;
use crate::ledger::Ledger;
use crate::merkle::Hash;

pub use shape::Aliases;

/// The most refs one push may move.
const MAX_UPDATES: usize = 100_000;
/// The longest line: two ids and a ref as long as any file system takes.
const MAX_LINE: usize = 8 << 10;
/// The most that is read of what git hands over, in bytes.
pub const MAX_INPUT: u64 = 64 << 20;

/// What a push wants of one ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// What the pusher believes the ref holds; null for nothing.
    pub old: ObjectId,
    /// What it should hold; null for nothing.
    pub new: ObjectId,
    /// The ref's full name, in whatever bytes.
    pub name: Vec<u8>,
}

/// A ledger that is kept in the repository pushed to.
#[derive(Debug, Clone)]
pub struct Guarded {
    /// The ledger; reads the quarantine too.
    pub ledger: Ledger,
    /// The digest its entry 0 must have.
    pub pinned: Option<Hash>,
}

/// What a push that may go ahead is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// New entries of the ledger; they hold.
    Entries,
    /// Other refs: to be recorded first.
    Others,
    /// Every ref stays where it is.
    Nothing,
}

/// Why a push is refused, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The finding that decided.
    pub finding: Finding,
    /// What the pusher can do.
    pub hints: Vec<String>,
}

impl Refusal {
    /// A refusal that is about the push itself.
    pub fn new(id: FindingId, detail: impl Into<String>) -> Refusal {
        Refusal {
            finding: Finding::new(id, detail),
            hints: Vec::new(),
        }
    }

    /// The same, with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Refusal {
        self.hints.push(hint.into());
        self
    }
}

impl From<Finding> for Refusal {
    fn from(finding: Finding) -> Refusal {
        Refusal {
            finding,
            hints: Vec::new(),
        }
    }
}

/// `git-ledger: refused <finding> <position or -> <commit or -> <text>`, then the hints.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finding = &self.finding;
        let dash = || "-".to_owned();
        writeln!(
            f,
            "git-ledger: refused {} {} {} {}",
            finding.id,
            finding.at.map_or_else(dash, |at| at.to_string()),
            finding
                .commit
                .map_or_else(dash, |commit| commit.to_string()),
            ascii(&format!("{}: {}", finding.id.sentence(), finding.detail)),
        )?;
        self.hints
            .iter()
            .try_for_each(|hint| writeln!(f, "git-ledger: hint {}", ascii(hint)))
    }
}

/// Printable ASCII on one line: what passes every terminal between here and the pusher.
fn ascii(text: &str) -> String {
    let plain = |c: char| if (' '..='~').contains(&c) { c } else { '?' };
    printable(text).chars().map(plain).collect()
}

/// Reads the lines git hands to its receiving hooks.
///
/// # Errors
/// [`FindingId::PushUnrecorded`]: what cannot be read cannot be recorded.
pub fn parse(input: &[u8], format: gix::hash::Kind) -> Result<Vec<Update>, Refusal> {
    lines(input, "what git handed over", |line| {
        parse_line(line, format)
    })
}

/// Reads every line, or none: each ends with a line feed, is short enough, and there are not too
/// many of them.
fn lines<T>(
    input: &[u8],
    what: &str,
    read: impl Fn(&[u8]) -> Option<T>,
) -> Result<Vec<T>, Refusal> {
    let fault = |line: usize, why: &str| {
        let detail = format!("line {line} of {what} {why}");
        Refusal::new(FindingId::PushUnrecorded, detail)
    };
    let mut lines = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let number = lines.len() + 1;
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (line, after) = end
            .and_then(|end| Some((rest.get(..end)?, rest.get(end + 1..)?)))
            .ok_or_else(|| fault(number, "is cut off"))?;
        rest = after;
        if line.len() > MAX_LINE {
            return Err(fault(number, "is too long"));
        }
        if lines.len() == MAX_UPDATES {
            return Err(fault(number, "is one too many"));
        }
        lines.push(read(line).ok_or_else(|| fault(number, "is no update"))?);
    }
    Ok(lines)
}

fn parse_line(line: &[u8], format: gix::hash::Kind) -> Option<Update> {
    let hex = format.len_in_hex();
    let (old, rest) = line.split_at_checked(hex)?;
    let (new, rest) = rest.strip_prefix(b" ")?.split_at_checked(hex)?;
    let name = rest.strip_prefix(b" ")?;
    let sound = !name.is_empty() && name.iter().all(|byte| *byte > b' ' && *byte != 0x7f);
    Some(Update {
        old: git::parse_id(old, format)?,
        new: git::parse_id(new, format)?,
        name: sound.then(|| name.to_vec())?,
    })
}

/// Judges a push. `clock`: seconds since 1970, to refuse entries from the future.
///
/// # Errors
/// The refusal.
pub fn judge(
    updates: &[Update],
    guarded: &[Guarded],
    aliases: &Aliases,
    clock: u64,
) -> Result<Accepted, Refusal> {
    let references: Vec<&str> = guarded.iter().map(|g| g.ledger.reference()).collect();
    match shape::judge(updates, &references, aliases)? {
        Some((at, update)) => {
            if let Some(guarded) = guarded.get(at) {
                entries::judge(update, guarded, clock)?;
            }
            Ok(Accepted::Entries)
        }
        None if updates.iter().all(|update| update.old == update.new) => Ok(Accepted::Nothing),
        None => Ok(Accepted::Others),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gix::hash::Kind::{Sha1, Sha256};

    const A: &str = "1111111111111111111111111111111111111111";
    const Z: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn reads_what_git_hands_over() {
        let input = format!("{Z} {A} refs/heads/a\n{A} {Z} refs/tags/\u{e9}\n");
        let updates = parse(input.as_bytes(), Sha1).unwrap();
        assert_eq!(updates.len(), 2);
        assert!(updates[0].old.is_null() && updates[1].new.is_null());
        assert_eq!(updates[1].name, "refs/tags/\u{e9}".as_bytes());
        assert_eq!(parse(b"", Sha1).unwrap(), []);
    }

    #[test]
    fn refuses_every_other_line() {
        for (line, why) in [
            (
                format!("{A} {A} refs/heads/a"),
                "line 1 of what git handed over is cut off",
            ),
            (
                format!("{A} {A} \n"),
                "line 1 of what git handed over is no update",
            ),
            (
                format!("{A} {A}\n"),
                "line 1 of what git handed over is no update",
            ),
            (
                format!("{A}  {A} refs/a\n"),
                "line 1 of what git handed over is no update",
            ),
            (
                format!("{A} {A} refs/a b\n"),
                "line 1 of what git handed over is no update",
            ),
            (
                format!("{A} {A} refs/a\n\n"),
                "line 2 of what git handed over is no update",
            ),
            (
                format!("{A} {A} {}\n", "a".repeat(9000)),
                "line 1 of what git handed over is too long",
            ),
        ] {
            assert_eq!(
                parse(line.as_bytes(), Sha1).unwrap_err().finding.detail,
                why
            );
        }
        let short = format!("{A} {A} refs/heads/a\n");
        assert!(parse(short.as_bytes(), Sha256).is_err());
        assert!(parse(short.to_uppercase().replace('1', "A").as_bytes(), Sha1).is_err());
    }

    #[test]
    fn a_refusal_is_one_ascii_line_and_its_hints() {
        let refusal = Refusal::new(FindingId::PushRefName, "\u{1b}[2J \u{e9}\nx").hint("do\u{7}");
        assert_eq!(
            refusal.to_string(),
            "git-ledger: refused pushRefName - - the push touches a ref that could be taken for the \
             ledger or changes how it is read: <U+001B>[2J ?<U+000A>x\ngit-ledger: hint do<U+0007>\n"
        );
        let at = Finding::new(FindingId::SignatureMissing, "x").at(Some(3), ObjectId::null(Sha1));
        assert!(Refusal::from(at).to_string().starts_with(&format!(
            "git-ledger: refused signatureMissing 3 {Z} the commit"
        )));
    }
}
