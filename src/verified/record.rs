//! What one verification leaves to the next: a file beside the repository's other state, sealed
//! with a key that is not there.
//!
//! One line with the seal, then one JSON object. The seal also covers the place: repository, branch
//! and object format. Nothing of the file is looked at before the seal fits.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use gix::ObjectId;

use crate::durable;
use crate::entry::parse_hex;
use crate::finding::{Finding, FindingId, Severity};
use crate::json::{Object, Value};
use crate::ledger::Ledger;
use crate::merkle::{self, Hash};
use crate::policy::SPEC;
use crate::verify::Known;

use super::key::Key;
use super::{AHEAD, Why};

/// No record is larger, in bytes: what would be is not kept.
const MOST: u64 = 16 << 20;
/// How the first line begins.
const HEAD: &str = "git-ledger verified 1 ";

/// What was found of a ledger, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What was found of the entries.
    pub known: Known,
    /// When, by the clock here, in seconds since 1970.
    pub verified: u64,
    /// The number of the newest entry when all entries were read for the last time.
    pub whole: u64,
    /// When that was, in seconds since 1970.
    pub whole_verified: u64,
}

/// Where the record of one ledger is, for the holder of one key.
#[derive(Debug, Clone)]
pub(super) struct Place {
    path: PathBuf,
    /// What the seal covers besides the record.
    bound: Vec<u8>,
    format: gix::hash::Kind,
}

/// Crate, level of the specification, and build: what another one found may follow other rules.
fn version() -> String {
    let (name, build) = (env!("CARGO_PKG_VERSION"), env!("GIT_LEDGER_BUILD"));
    format!("{name} {SPEC} {build}")
}

impl Place {
    pub(super) fn of(ledger: &Ledger, key: &Key) -> io::Result<Place> {
        let repository = ledger.repository();
        let format = repository.object_format();
        let common = repository.common_dir().canonicalize()?;
        let bound = [
            common.as_os_str().as_bytes(),
            ledger.reference().as_bytes(),
            format.to_string().as_bytes(),
        ]
        .join(&0);
        let name = merkle::hex(&merkle::sha256(ledger.reference().as_bytes()));
        let name = format!("{}-{}", name.get(..16).unwrap_or_default(), key.id());
        let path = ledger.state_dir().join("verified").join(name);
        Ok(Place {
            path,
            bound,
            format,
        })
    }

    /// What was left here last, if it can be built on at this time.
    pub(super) fn load(&self, key: &Key, shallow: &Hash, now: u64) -> Result<Record, Why> {
        let bytes = match durable::read(&self.path, MOST) {
            Ok(bytes) => bytes,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Err(Why::NoRecord),
            Err(why) => return Err(Why::Unreadable(why.to_string())),
        };
        let body = unseal(&bytes, key, &self.bound).ok_or(Why::Forged)?;
        // from here on it is what some verification of this user left here
        let other = || Why::Version("an older form of record".into());
        let object = match Value::parse(body) {
            Ok(Value::Object(object)) => object,
            _ => return Err(other()),
        };
        let said = object.get("version").and_then(Value::as_str);
        if said != Some(version().as_str()) {
            return Err(Why::Version(said.unwrap_or("no version").to_owned()));
        }
        if hash(&object, "shallow") != Some(*shallow) {
            return Err(Why::CutOff);
        }
        let record = read(&object, self.format).ok_or_else(other)?;
        if record.verified.max(record.whole_verified) > now.saturating_add(AHEAD) {
            return Err(Why::Future(record.verified));
        }
        Ok(record)
    }

    /// Leaves a record; whoever reads meanwhile sees this one or the one before.
    pub(super) fn save(&self, key: &Key, record: &Record, shallow: &Hash) -> io::Result<()> {
        let object = write(record, shallow).ok_or_else(|| io::Error::other("a number is huge"))?;
        let body = Value::from(object).to_canonical() + "\n";
        if body.len() as u64 >= MOST {
            return Err(io::Error::other("there are too many notes"));
        }
        let seal = key.seal(&self.bound, body.as_bytes());
        if let Some(dir) = self.path.parent() {
            durable::create_dir_all(dir)?;
        }
        durable::write_cache(&self.path, format!("{HEAD}{seal}\n{body}").as_bytes())
    }
}

/// What stands below the seal, if it fits.
fn unseal<'a>(bytes: &'a [u8], key: &Key, bound: &[u8]) -> Option<&'a [u8]> {
    let rest = bytes.strip_prefix(HEAD.as_bytes())?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (seal, body) = (rest.get(..end)?, rest.get(end + 1..)?);
    key.fits(bound, body, seal).then_some(body)
}

fn write(record: &Record, shallow: &Hash) -> Option<Object> {
    let number = |number: u64| i64::try_from(number).ok().map(Value::from);
    let known = &record.known;
    let mut notes: Vec<Value> = Vec::with_capacity(known.notes.len());
    for note in &known.notes {
        let note = Object::new()
            .with("id", note.id.name())
            .with("at", note.at.map_or(Some(Value::Null), number)?)
            .with("evidence", note.detail.as_str());
        notes.push(note.into());
    }
    Some(
        Object::new()
            .with("version", version())
            .with("shallow", merkle::hex(shallow))
            .with("verified", number(record.verified)?)
            .with("whole", number(record.whole)?)
            .with("whole_verified", number(record.whole_verified)?)
            .with("number", number(known.number)?)
            .with("digest", merkle::hex(&known.digest))
            .with("commit", known.commit.to_string())
            .with("time", number(known.time)?)
            .with("fingerprint", merkle::hex(&known.fingerprint))
            .with("set_by", merkle::hex(&known.set_by))
            .with("compromised", merkle::hex(&known.compromised))
            .with("notes", notes),
    )
}

fn read(object: &Object, format: gix::hash::Kind) -> Option<Record> {
    let number = |name: &str| u64::try_from(object.get(name)?.as_integer()?).ok();
    let notes = object.get("notes")?.as_array()?.iter().map(note);
    let commit = object.get("commit")?.as_str()?;
    Some(Record {
        known: Known {
            number: number("number")?,
            digest: hash(object, "digest")?,
            commit: crate::git::parse_id(commit.as_bytes(), format)?,
            time: number("time")?,
            fingerprint: hash(object, "fingerprint")?,
            set_by: hash(object, "set_by")?,
            compromised: hash(object, "compromised")?,
            notes: notes.collect::<Option<Vec<_>>>()?,
        },
        verified: number("verified")?,
        whole: number("whole")?,
        whole_verified: number("whole_verified")?,
    })
}

fn note(value: &Value) -> Option<Finding> {
    let object = value.as_object()?;
    let name = object.get("id")?.as_str()?;
    let id = *FindingId::ALL.iter().find(|id| id.name() == name)?;
    let at = match object.get("at")? {
        Value::Null => None,
        value => Some(u64::try_from(value.as_integer()?).ok()?),
    };
    let detail = object.get("evidence")?.as_str()?;
    let finding = Finding {
        at,
        ..Finding::new(id, detail)
    };
    (finding.severity() == Severity::Note).then_some(finding)
}

fn hash(object: &Object, name: &str) -> Option<Hash> {
    object.get(name)?.as_str().and_then(parse_hex)
}

/// One name for where the history of a repository is cut off.
pub(super) fn cut_off<'a>(boundary: impl IntoIterator<Item = &'a ObjectId>) -> Hash {
    let ids: Vec<String> = boundary.into_iter().map(ToString::to_string).collect();
    merkle::sha256(ids.join("\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> (tempfile::TempDir, Key) {
        use std::os::unix::fs::MetadataExt as _;
        let home = tempfile::tempdir().unwrap();
        let user = home.path().metadata().unwrap().uid();
        let key = Key::of(&home.path().join("state"), user, [byte; 32]).unwrap();
        (home, key)
    }

    fn record() -> Record {
        let note = |at| Finding {
            at,
            ..Finding::new(FindingId::EventRepeated, "first recorded in entry 1")
        };
        Record {
            known: Known {
                number: 7,
                digest: [1; 32],
                commit: ObjectId::from_bytes_or_panic(&[7; 20]),
                time: 5,
                fingerprint: [2; 32],
                set_by: [3; 32],
                compromised: [4; 32],
                notes: vec![note(Some(3)), note(None)],
            },
            verified: 100,
            whole: 6,
            whole_verified: 90,
        }
    }

    fn place(dir: &std::path::Path, bound: &[u8]) -> Place {
        Place {
            path: dir.join("record"),
            bound: bound.to_vec(),
            format: gix::hash::Kind::Sha1,
        }
    }

    #[test]
    fn what_was_left_is_found_and_every_changed_byte_is_told() {
        let ((dir, mine), (_other, theirs)) = (key(1), key(2));
        let here = place(dir.path(), b"here");
        assert_eq!(here.load(&mine, &[0; 32], 100), Err(Why::NoRecord));
        here.save(&mine, &record(), &[0; 32]).unwrap();
        assert_eq!(here.load(&mine, &[0; 32], 100), Ok(record()));
        // somebody else's, of elsewhere, cut off elsewhere, ahead of the clock
        assert_eq!(here.load(&theirs, &[0; 32], 100), Err(Why::Forged));
        let there = place(dir.path(), b"there");
        assert_eq!(there.load(&mine, &[0; 32], 100), Err(Why::Forged));
        assert_eq!(here.load(&mine, &[9; 32], 100), Err(Why::CutOff));
        let clock = 100 - AHEAD.min(100);
        assert!(here.load(&mine, &[0; 32], clock).is_ok());
        let late = Record {
            verified: AHEAD + 1,
            ..record()
        };
        here.save(&mine, &late, &[0; 32]).unwrap();
        assert_eq!(here.load(&mine, &[0; 32], 0), Err(Why::Future(AHEAD + 1)));
        here.save(&mine, &record(), &[0; 32]).unwrap();
        let bytes = std::fs::read(&here.path).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(&here.path, changed).unwrap();
            assert_eq!(here.load(&mine, &[0; 32], 100), Err(Why::Forged), "{at}");
            std::fs::write(&here.path, &bytes[..at]).unwrap();
            assert_eq!(here.load(&mine, &[0; 32], 100), Err(Why::Forged), "{at}");
        }
    }

    #[test]
    fn a_finding_that_is_no_note_is_in_no_record() {
        let bad = Object::new()
            .with("id", "signatureBad")
            .with("at", Value::Null)
            .with("evidence", "");
        assert_eq!(note(&bad.into()), None);
    }
}
