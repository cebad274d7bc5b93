//! What git hands to its `reference-transaction` hook, and what of it is a change.
//!
//! Its lines tell less than they seem to: the old id is all zeros where the caller named none, and
//! packing refs shows as creating and deleting what stays where it is. So what a ref holds is
//! read by whoever asks, and only what would hold something else afterwards is a change.
//!
//! Source: githooks(5), tried with git 2.47; `ledger-spec/hook.md`, "Reference transactions".

use gix::ObjectId;

use crate::git;

use super::{Refusal, Update};

/// Where a transaction stands when git calls the hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// All refs are locked; the hook may still refuse.
    Prepared,
    /// The refs have moved.
    Committed,
    /// No ref has moved.
    Aborted,
    /// Another one, of a newer git; nothing is to be done.
    Other,
}

impl State {
    /// The state that git names so.
    pub fn of(word: &str) -> State {
        match word {
            "prepared" => State::Prepared,
            "committed" => State::Committed,
            "aborted" => State::Aborted,
            _ => State::Other,
        }
    }
}

/// What a line says of one side of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// An object; null for nothing, or for "not named".
    Object(ObjectId),
    /// The ref stands for another.
    Symbolic(Vec<u8>),
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What the caller expects the ref to hold; null when the caller named nothing.
    pub old: Side,
    /// What it is to hold; null for nothing.
    pub new: Side,
    /// The ref's full name, or that of a pseudo ref such as `HEAD`, in whatever bytes.
    pub name: Vec<u8>,
}

/// Reads the lines of a transaction.
///
/// # Errors
/// [`PushUnrecorded`](crate::finding::FindingId::PushUnrecorded): what cannot be read cannot be recorded.
pub fn parse(input: &[u8], format: gix::hash::Kind) -> Result<Vec<Line>, Refusal> {
    super::lines(input, "the transaction", |line| parse_line(line, format))
}

fn parse_line(line: &[u8], format: gix::hash::Kind) -> Option<Line> {
    let mut words = line.splitn(3, |byte| *byte == b' ');
    let (old, new, name) = (words.next()?, words.next()?, words.next()?);
    let side = |word: &[u8]| match word.strip_prefix(b"ref:") {
        Some(target) if !target.is_empty() => Some(Side::Symbolic(target.to_vec())),
        Some(_) => None,
        None => git::parse_id(word, format).map(Side::Object),
    };
    let sound = !name.is_empty() && name.iter().all(|byte| *byte > b' ' && *byte != 0x7f);
    Some(Line {
        old: side(old)?,
        new: side(new)?,
        name: sound.then(|| name.to_vec())?,
    })
}

/// What a ref holds, as far as telling a deletion from packing needs it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holds {
    /// The object; none where there is no such ref.
    pub id: Option<ObjectId>,
    /// It stands for another ref, which has a line of its own.
    pub symbolic: bool,
    /// It stands in a file of its own and, with the same object, in `packed-refs`, which nobody
    /// has locked: taking the file away changes nothing, and git does so only when it packs.
    pub packed_too: bool,
}

/// What the transaction changes among the refs that `wanted` names. `holds` reads a ref.
///
/// # Errors
/// What `holds` says.
pub fn changes<E>(
    lines: &[Line],
    wanted: impl Fn(&[u8]) -> bool,
    mut holds: impl FnMut(&[u8]) -> Result<Holds, E>,
) -> Result<Vec<Update>, E> {
    let mut updates = Vec::new();
    for line in lines.iter().filter(|line| wanted(&line.name)) {
        // what a ref stands for is no object; comparing the refs later tells of it
        let Side::Object(new) = line.new else {
            continue;
        };
        let now = holds(&line.name)?;
        let old = now.id.unwrap_or(new.kind().null());
        let packing = new.is_null() && now.packed_too;
        if old != new && !packing && !now.symbolic {
            updates.push(Update {
                old,
                new,
                name: line.name.clone(),
            });
        }
    }
    Ok(updates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gix::hash::Kind::{Sha1, Sha256};

    const A: &str = "1111111111111111111111111111111111111111";
    const Z: &str = "0000000000000000000000000000000000000000";

    fn id(text: &str) -> ObjectId {
        git::parse_id(text.as_bytes(), Sha1).unwrap()
    }

    #[test]
    fn reads_lines_and_refuses_every_other() {
        let input = format!("{Z} {A} HEAD\n{A} ref:refs/heads/x refs/heads/\u{e9}\n");
        let lines = parse(input.as_bytes(), Sha1).unwrap();
        assert_eq!(lines[0].new, Side::Object(id(A)));
        assert_eq!(lines[1].new, Side::Symbolic(b"refs/heads/x".to_vec()));
        assert_eq!(lines[1].name, "refs/heads/\u{e9}".as_bytes());
        assert_eq!(parse(b"", Sha1).unwrap(), []);
        for wrong in [
            format!("{A} {A} refs/a"),
            format!("{A} {A}\n"),
            format!("{A} {A} \n"),
            format!("{A} ref: refs/a\n"),
            format!("{A} {A} refs/a b\n"),
            format!("{A} {A} refs/a\n\n"),
            format!("{A} {A} {}\n", "a".repeat(9000)),
            "\0\n".into(),
        ] {
            assert!(parse(wrong.as_bytes(), Sha1).is_err(), "{wrong}");
        }
        assert!(parse(format!("{A} {A} refs/a\n").as_bytes(), Sha256).is_err());
        assert_eq!(State::of("preparing"), State::Other);
    }

    #[test]
    fn only_what_holds_something_else_afterwards_is_a_change() {
        let (old, new) = (id(&"2".repeat(40)), id(A));
        let line = |name: &str, new: ObjectId| Line {
            old: Side::Object(id(Z)),
            new: Side::Object(new),
            name: name.into(),
        };
        let found = |lines: &[Line], now: Option<ObjectId>, packed_too: bool| {
            let holds = |_: &[u8]| {
                Ok::<_, ()>(Holds {
                    id: now,
                    packed_too,
                    symbolic: false,
                })
            };
            let updates = changes(lines, |name| name != b"refs/stash", holds).unwrap();
            let all = updates.into_iter().map(|update| (update.old, update.new));
            all.collect::<Vec<_>>()
        };
        // U33: the caller named no old value
        assert_eq!(
            found(&[line("refs/heads/a", new)], Some(old), false),
            [(old, new)]
        );
        assert_eq!(
            found(&[line("refs/heads/a", id(Z))], Some(old), false),
            [(old, id(Z))]
        );
        // U27: what packing shows
        assert_eq!(found(&[line("refs/heads/a", new)], Some(new), false), []);
        assert_eq!(found(&[line("refs/heads/a", id(Z))], Some(old), true), []);
        assert_eq!(found(&[line("refs/heads/a", id(Z))], None, false), []);
        assert_eq!(found(&[line("refs/stash", new)], None, false), []);
    }
}
