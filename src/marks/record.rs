//! How marks are written down: one file for each, and an index that names all of them.
//!
//! The index holds every mark whole and is written first; the files are second copies. So a crash
//! between both is told from a file that somebody took away, and neither one alone can be lowered.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::path::Path;

use gix::ObjectId;

use crate::entry::parse_hex;
use crate::json::{Object, Value};
use crate::merkle::{self, Hash};

use super::{Fault, Mark};

/// No file here is larger, in bytes.
const MOST: u64 = 4 << 20;
/// The member that holds the checksum over the others.
const CHECK: &str = "check";

/// What the index says about one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// The mark; none when it was forgotten.
    pub mark: Option<Mark>,
    /// Whose it is; none: of the copy in hand.
    pub remote: Option<String>,
    /// The digest of the file before this was written; none when there was no file.
    pub before: Option<Hash>,
}

/// All marks of a ledger, by the names of their files.
pub(super) type Index = BTreeMap<String, Known>;

/// Why something read is not what was written.
pub(super) type Wrong = (Fault, String);

/// The bytes of a file that is there.
pub(super) fn load(path: &Path) -> Result<Option<Vec<u8>>, Wrong> {
    let unreadable = |why: io::Error| (Fault::Unreadable, why.to_string());
    let file = match crate::durable::open(path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(unreadable(why)),
    };
    let mut bytes = Vec::new();
    file.take(MOST + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    match bytes.len() as u64 > MOST {
        true => Err((Fault::Unreadable, format!("it is larger than {MOST} bytes"))),
        false => Ok(Some(bytes)),
    }
}

/// The bytes of the file of one mark.
pub(super) fn write_mark(remote: Option<&str>, mark: &Mark) -> Vec<u8> {
    seal(mark_object(mark).with("remote", named(remote)))
}

/// Reads the file of one mark: whose it is, and the mark.
pub(super) fn read_mark(bytes: &[u8]) -> Result<(Option<String>, Mark), Wrong> {
    let object = unseal(bytes)?;
    let mark = mark_of(&object).ok_or_else(|| nonsense("it is no mark"))?;
    Ok((remote_of(&object), mark))
}

/// The bytes of the index.
pub(super) fn write_index(index: &Index) -> Vec<u8> {
    let mut all = Object::new();
    for (file, known) in index {
        let before = known.before.as_ref().map(|hash| merkle::hex(hash));
        let object = Object::new()
            .with("before", before.map_or(Value::Null, Value::from))
            .with("remote", named(known.remote.as_deref()))
            .with(
                "mark",
                known
                    .mark
                    .as_ref()
                    .map_or(Value::Null, |mark| mark_object(mark).into()),
            );
        all.set(file.as_str(), object);
    }
    seal(Object::new().with("marks", all))
}

/// Reads the index.
pub(super) fn read_index(bytes: &[u8]) -> Result<Index, Wrong> {
    let object = unseal(bytes)?;
    let wrong = || nonsense("it is no index of marks");
    let all = object.get("marks").and_then(Value::as_object);
    let mut index = Index::new();
    for (file, value) in all.ok_or_else(wrong)?.iter() {
        let object = value.as_object().ok_or_else(wrong)?;
        let mark = match object.get("mark") {
            Some(Value::Null) => None,
            Some(value) => Some(value.as_object().and_then(mark_of).ok_or_else(wrong)?),
            None => return Err(wrong()),
        };
        let before = match object.get("before") {
            Some(Value::Null) => None,
            Some(value) => Some(value.as_str().and_then(parse_hex).ok_or_else(wrong)?),
            None => return Err(wrong()),
        };
        let remote = remote_of(object);
        index.insert(
            file.to_owned(),
            Known {
                mark,
                remote,
                before,
            },
        );
    }
    Ok(index)
}

/// The members in canonical form, with a checksum over them.
fn seal(object: Object) -> Vec<u8> {
    let check = check(&object);
    let sealed = Value::from(object.with(CHECK, merkle::hex(&check)));
    (sealed.to_canonical() + "\n").into_bytes()
}

fn check(object: &Object) -> Hash {
    merkle::sha256(Value::from(object.clone()).to_canonical().as_bytes())
}

fn unseal(bytes: &[u8]) -> Result<Object, Wrong> {
    let value = Value::parse(bytes).map_err(|why| nonsense(&why.to_string()))?;
    let Value::Object(mut object) = value else {
        return Err(nonsense("it is no mark"));
    };
    let said = object.remove(CHECK);
    let said = said.as_ref().and_then(Value::as_str).and_then(parse_hex);
    if said != Some(check(&object)) || seal(object.clone()) != bytes {
        return Err((
            Fault::Altered,
            "its checksum does not fit its content".to_owned(),
        ));
    }
    Ok(object)
}

fn nonsense(why: &str) -> Wrong {
    (Fault::Unreadable, why.to_owned())
}

fn named(remote: Option<&str>) -> Value {
    remote.map_or(Value::Null, Value::from)
}

fn remote_of(object: &Object) -> Option<String> {
    let name = object.get("remote").and_then(Value::as_str);
    name.map(str::to_owned)
}

fn mark_object(mark: &Mark) -> Object {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Object::new()
        .with("number", number(mark.number))
        .with("digest", merkle::hex(&mark.digest))
        .with("commit", mark.commit.to_string())
        .with("time", number(mark.time))
        .with("seen", number(mark.seen))
}

fn mark_of(object: &Object) -> Option<Mark> {
    let number = |name: &str| {
        object
            .get(name)?
            .as_integer()
            .and_then(|n| u64::try_from(n).ok())
    };
    Some(Mark {
        number: number("number")?,
        digest: parse_hex(object.get("digest")?.as_str()?)?,
        commit: ObjectId::from_hex(object.get("commit")?.as_str()?.as_bytes()).ok()?,
        time: number("time")?,
        seen: number("seen")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark() -> Mark {
        Mark {
            number: 7,
            digest: [3; 32],
            commit: ObjectId::null(gix::hash::Kind::Sha1),
            time: 5,
            seen: 6,
        }
    }

    #[test]
    fn every_changed_byte_is_told() {
        let known = Known {
            mark: Some(mark()),
            remote: Some("one".into()),
            before: Some([9; 32]),
        };
        let index = Index::from([("remote-x.json".to_owned(), known)]);
        for bytes in [write_mark(Some("one"), &mark()), write_index(&index)] {
            for at in 0..bytes.len() {
                for flip in [1, 0x20, 0x80] {
                    let mut other = bytes.clone();
                    other[at] ^= flip;
                    assert!(read_mark(&other).is_err() && read_index(&other).is_err());
                    other.truncate(at);
                    assert!(read_mark(&other).is_err() && read_index(&other).is_err());
                }
            }
        }
        let written = write_mark(None, &mark());
        assert_eq!(read_mark(&written), Ok((None, mark())));
        assert_eq!(read_index(&write_index(&index)), Ok(index));
    }
}
