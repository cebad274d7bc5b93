//! What this clone last saw: of its own branch, and of each remote.
//!
//! A mark is written durably before the answer that rests on it is printed, and never goes down
//! by itself. A mark that cannot be read is not a missing mark.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use gix::ObjectId;

use crate::commit::Link;
use crate::durable;
use crate::entry::parse_hex;
use crate::git::FileLock;
use crate::json::{Object, Value};
use crate::ledger::Ledger;
use crate::merkle::{self, Hash};
use crate::verify;

/// How long another process may take to write its mark.
const LOCK: Duration = Duration::from_secs(10);

/// The newest entry that was seen at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Its number.
    pub number: u64,
    /// Its digest.
    pub digest: Hash,
    /// Its commit.
    pub commit: ObjectId,
    /// T of the entry, in seconds since 1970.
    pub time: u64,
    /// When it was seen, by the clock here, in seconds since 1970.
    pub seen: u64,
}

impl Mark {
    /// The mark of a link seen now.
    pub fn of(link: &Link, seen: u64) -> Mark {
        let (number, digest) = (link.entry.number(), link.digest());
        Mark {
            number,
            digest,
            commit: link.id,
            time: link.time,
            seen,
        }
    }

    /// What the verifier compares.
    pub fn position(&self) -> verify::Mark {
        verify::Mark {
            number: self.number,
            digest: self.digest,
        }
    }
}

/// A mark that is there and cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the mark '{}' cannot be used: {why}", path.display())]
pub struct MarkError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub why: String,
}

/// The marks of one ledger in one clone.
#[derive(Debug, Clone)]
pub struct Marks {
    dir: PathBuf,
}

impl Marks {
    /// The marks of a ledger.
    pub fn of(ledger: &Ledger) -> Marks {
        let key = merkle::hex(&merkle::sha256(ledger.reference().as_bytes()));
        Marks {
            dir: ledger
                .state_dir()
                .join("marks")
                .join(key.get(..16).unwrap_or_default()),
        }
    }

    fn path(&self, remote: Option<&str>) -> PathBuf {
        let name = match remote {
            None => "local".to_owned(),
            Some(remote) => {
                let key = merkle::hex(&merkle::sha256(remote.as_bytes()));
                format!("remote-{}", key.get(..16).unwrap_or_default())
            }
        };
        self.dir.join(name).with_extension("json")
    }

    /// The mark of a remote, or of the local branch.
    ///
    /// # Errors
    /// When there is one and it cannot be used.
    pub fn get(&self, remote: Option<&str>) -> Result<Option<Mark>, MarkError> {
        let path = self.path(remote);
        let fault = |why: String| MarkError {
            path: path.clone(),
            why,
        };
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(fault(why.to_string())),
        };
        let value = Value::parse(&text).map_err(|why| fault(why.to_string()))?;
        let mark = value
            .as_object()
            .and_then(read)
            .ok_or_else(|| fault("it is no mark".into()))?;
        Ok(Some(mark))
    }

    /// Remembers a mark, unless a higher one is known; durable when it returns.
    ///
    /// # Errors
    /// When the mark there cannot be used, or this one not be written.
    pub fn raise(&self, remote: Option<&str>, mark: &Mark) -> Result<(), MarkError> {
        let path = self.path(remote);
        let fault = |why: String| MarkError {
            path: path.clone(),
            why,
        };
        durable::create_dir_all(&self.dir).map_err(|why| fault(why.to_string()))?;
        // two that raise one mark at once could otherwise lower it
        let _lock = FileLock::acquire(&self.dir.join("lock"), Instant::now() + LOCK)
            .map_err(|why| fault(why.to_string()))?;
        match self.get(remote)? {
            Some(known) if known.number > mark.number => Ok(()),
            _ => self.set(remote, mark),
        }
    }

    /// Remembers a mark whatever was known; only for a person who says so.
    ///
    /// # Errors
    /// When it could not be written.
    pub fn set(&self, remote: Option<&str>, mark: &Mark) -> Result<(), MarkError> {
        let path = self.path(remote);
        let fault = |why: io::Error| MarkError {
            path: path.clone(),
            why: why.to_string(),
        };
        let object = Object::new()
            .with("remote", remote.map_or(Value::Null, Value::from))
            .with("number", i64::try_from(mark.number).unwrap_or(i64::MAX))
            .with("digest", merkle::hex(&mark.digest))
            .with("commit", mark.commit.to_string())
            .with("time", i64::try_from(mark.time).unwrap_or(i64::MAX))
            .with("seen", i64::try_from(mark.seen).unwrap_or(i64::MAX));
        durable::create_dir_all(&self.dir).map_err(fault)?;
        durable::write(
            &path,
            (Value::from(object).to_canonical() + "\n").as_bytes(),
        )
        .map_err(fault)
    }

    /// Forgets the mark of a remote that was taken away.
    ///
    /// # Errors
    /// When it could not be removed.
    pub fn forget(&self, remote: &str) -> Result<(), MarkError> {
        let path = self.path(Some(remote));
        durable::remove(&path).map_err(|why| MarkError {
            path: path.clone(),
            why: why.to_string(),
        })
    }
}

fn read(object: &Object) -> Option<Mark> {
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
