//! What a process leaves while it waits for the lock: its events, so that who holds the lock can
//! record them together with its own, by one move of the branch or one push.
//!
//! A slip is a file of its own that its owner keeps locked; the lock of the operating system dies
//! with the owner, and what the dead left is recorded by nobody. Its name says what became of it:
//! `wait`, then `taken` by a holder of the lock, then `done` when the primary has the entries. A
//! slip promises nothing: the chain is asked, under the lock, before its owner is told anything.
//!
//! Only slips of the same user and key, for the same branch and primary, are taken along: an entry
//! says that its signer recorded the event.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{Appender, Next, Repeats};
use crate::durable;
use crate::event::Pending;
use crate::json::{Object, Value};
use crate::merkle;

/// The largest slip, in bytes; who has more to record waits for the lock.
const LARGEST: usize = 64 << 10;

/// The most slips that one holder of the lock takes along, and their bytes.
const MOST: usize = 64;
const MOST_BYTES: u64 = 1 << 20;

/// The most files that are looked at.
const MOST_FILES: usize = 4096;

const WAIT: &str = "wait";
const TAKEN: &str = "taken";
const DONE: &str = "done";

/// What became of a slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody took it, and nobody will.
    Withdrawn,
    /// Somebody took it, and what came of it only the chain can tell.
    Taken,
    /// Somebody took it and says that the primary has the entries.
    Done,
}

/// A slip of this process; gone when dropped.
#[derive(Debug)]
pub(super) struct Slip {
    base: PathBuf,
    _lock: File,
}

/// A slip that was taken from another process.
#[derive(Debug)]
pub(super) struct Taken {
    base: PathBuf,
    /// Whether the events may have been recorded before.
    pub look: bool,
    pub groups: Vec<Vec<Pending>>,
}

impl Slip {
    /// Leaves a slip for whoever holds the lock now; none where it would be too large.
    pub(super) fn leave(
        appender: &Appender<'_>,
        next: &Next<'_>,
        repeats: Repeats,
    ) -> io::Result<Option<Slip>> {
        let Next::Events(groups) = next else {
            return Ok(None);
        };
        let text = write(&whose(appender), groups, repeats);
        if text.len() > LARGEST {
            return Ok(None);
        }
        let dir = dir(appender);
        durable::create_dir_all(&dir)?;
        // readable by its owner only; nobody waits for the disk
        let mut file = tempfile::Builder::new().prefix(".tmp-").tempfile_in(&dir)?;
        file.write_all(text.as_bytes())?;
        file.as_file().lock()?;
        let clock = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos());
        let random = getrandom::u64().map_err(io::Error::other)?;
        let base = dir.join(format!("{clock:024}-{random:016x}"));
        let lock = file
            .persist_noclobber(base.with_extension(WAIT))
            .map_err(|why| why.error)?;
        Ok(Some(Slip { base, _lock: lock }))
    }

    /// Takes it back; what became of it.
    pub(super) fn withdraw(&self) -> Fate {
        if fs::remove_file(self.base.with_extension(WAIT)).is_ok() {
            Fate::Withdrawn
        } else if fs::symlink_metadata(self.base.with_extension(DONE)).is_ok() {
            Fate::Done
        } else {
            Fate::Taken
        }
    }
}

impl Drop for Slip {
    fn drop(&mut self) {
        for state in [WAIT, TAKEN, DONE] {
            // one that stays is removed by whoever takes slips along next
            fs::remove_file(self.base.with_extension(state)).ok();
        }
    }
}

impl Taken {
    /// Tells the owner that the primary has the entries.
    pub(super) fn done(self) {
        // an owner that is not told asks the chain
        fs::rename(
            self.base.with_extension(TAKEN),
            self.base.with_extension(DONE),
        )
        .ok();
    }
}

/// Takes the slips that wait and fit, the oldest first; only for who holds the lock. What cannot
/// be used stays, or goes if its owner is dead.
pub(super) fn take(appender: &Appender<'_>, already: usize) -> Vec<Taken> {
    let mut names: Vec<PathBuf> = fs::read_dir(dir(appender))
        .into_iter()
        .flatten()
        .flatten()
        .take(MOST_FILES)
        .map(|item| item.path())
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    names.sort();
    let (whose, mut taken, mut bytes) = (whose(appender), Vec::new(), 0);
    for path in names {
        let Ok(Some((text, size))) = read(&path) else {
            continue;
        };
        let waits = path.extension().is_some_and(|state| state == WAIT);
        if !waits || already + taken.len() >= MOST || bytes + size > MOST_BYTES {
            continue;
        }
        let base = path.with_extension("");
        let Some(slip) = parse(&text, &whose, base) else {
            continue;
        };
        // its owner may have taken it back
        if fs::rename(&path, path.with_extension(TAKEN)).is_ok() {
            bytes += size;
            taken.push(slip);
        }
    }
    taken
}

fn dir(appender: &Appender<'_>) -> PathBuf {
    appender.ledger.state_dir().join("waiting")
}

/// Whose slips may be recorded together: the branch, the primary and the key.
fn whose(appender: &Appender<'_>) -> String {
    let primary = appender.primary.map(|primary| {
        let (name, url) = (primary.name.as_str(), primary.url.as_str());
        vec![Value::from(name), Value::from(url)]
    });
    let whose = Value::from(vec![
        Value::from(appender.ledger.reference()),
        Value::from(primary.unwrap_or_default()),
        Value::from(appender.signer.public_key().to_text()),
    ]);
    merkle::hex(&merkle::sha256(whose.to_canonical().as_bytes()))
}

/// The bytes of a slip whose owner lives and is this user; the file of a dead one is removed.
fn read(path: &Path) -> io::Result<Option<(Vec<u8>, u64)>> {
    let mut file = durable::open(path, OpenOptions::new().read(true))?;
    let meta = file.metadata()?;
    let own = meta.uid() == rustix::process::geteuid().as_raw()
        && meta.mode() & 0o077 == 0
        && meta.nlink() == 1;
    if !own || meta.len() > LARGEST as u64 {
        return Ok(None);
    }
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(why)) => return Err(why),
        Ok(()) => {
            fs::remove_file(path)?;
            return Ok(None);
        }
    }
    let mut text = Vec::new();
    (&mut file).take(LARGEST as u64).read_to_end(&mut text)?;
    Ok(Some((text, meta.len())))
}

fn write(whose: &str, groups: &[Vec<&Pending>], repeats: Repeats) -> String {
    let group = |group: &Vec<&Pending>| {
        let events = group.iter().map(|pending| Value::from(pending.stored()));
        Value::from(events.collect::<Vec<_>>())
    };
    let object = Object::new()
        .with("whose", whose)
        .with("look", Value::from(repeats != Repeats::Impossible))
        .with("groups", groups.iter().map(group).collect::<Vec<_>>());
    Value::from(object).to_canonical()
}

fn parse(text: &[u8], whose: &str, base: PathBuf) -> Option<Taken> {
    let value = Value::parse(text).ok()?;
    let object = value.as_object()?;
    if object.get("whose")?.as_str()? != whose {
        return None;
    }
    let look = *object.get("look")? != Value::from(false);
    let groups = object.get("groups")?.as_array()?.iter().map(|group| {
        let events = group.as_array()?.iter();
        let events = events.map(|event| Pending::from_stored(event.as_object()?).ok());
        events
            .collect::<Option<Vec<_>>>()
            .filter(|all| !all.is_empty())
    });
    let groups = groups.collect::<Option<Vec<_>>>()?;
    (!groups.is_empty()).then_some(Taken { base, look, groups })
}
