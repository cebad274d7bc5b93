//! Events that could not be recorded yet: one file each, durable before it is acknowledged.
//!
//! They wait as events, unsigned and without a number, because their place in the chain is
//! decided when they are appended. `git ledger flush` drains the spool.

use std::io;
use std::path::{Path, PathBuf};

use crate::durable;
use crate::event::Pending;
use crate::json::Value;
use crate::merkle;

/// The largest file that is read back, in bytes: an event and a base64 attachment.
const MAX_FILE: u64 = 96 << 20;

/// The spool of one ledger.
#[derive(Debug, Clone)]
pub struct Spool {
    dir: PathBuf,
}

/// An event that waits.
#[derive(Debug)]
pub struct Waiting {
    /// The file it waits in.
    pub path: PathBuf,
    /// The event.
    pub pending: Pending,
    /// The remotes it was to be pushed to, the primary first.
    pub push: Vec<String>,
}

/// A file of the spool that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("'{}' is not a spooled event: {why}", path.display())]
pub struct SpoolError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub why: String,
}

impl Spool {
    /// The spool in a directory, which need not exist yet.
    pub fn new(dir: impl Into<PathBuf>) -> Spool {
        Spool { dir: dir.into() }
    }

    /// Where the files are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps an event; durable when it returns. `clock` (nanoseconds since 1970) orders the files.
    ///
    /// # Errors
    /// When the file could not be written.
    pub fn put(&self, pending: &Pending, push: &[String], clock: u128) -> io::Result<PathBuf> {
        durable::create_dir_all(&self.dir)?;
        let mut object = pending.stored();
        if !push.is_empty() {
            object.set(
                "push",
                push.iter()
                    .map(|name| Value::from(name.as_str()))
                    .collect::<Vec<_>>(),
            );
        }
        let text = Value::from(object).to_canonical() + "\n";
        let path = self
            .dir
            .join(format!("{clock:024}-{}.json", sum(text.as_bytes())));
        durable::write(&path, text.as_bytes())?;
        Ok(path)
    }

    /// Everything that waits, the oldest first; a file that makes no sense is an error of its own
    /// and stays where it is.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self) -> io::Result<Vec<Result<Waiting, SpoolError>>> {
        let paths = durable::listed(&self.dir)?;
        Ok(paths.into_iter().map(read).collect())
    }

    /// How many files wait, whatever they hold.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn count(&self) -> io::Result<u64> {
        Ok(durable::listed(&self.dir)?.len() as u64)
    }

    /// Forgets an event that is in the chain now.
    ///
    /// # Errors
    /// When the file could not be removed.
    pub fn remove(&self, waiting: &Waiting) -> io::Result<()> {
        durable::remove(&waiting.path)
    }
}

/// What the name of a file says of its bytes: an event that waits is signed by nobody yet.
fn sum(text: &[u8]) -> String {
    let digest = merkle::hex(&merkle::sha256(text));
    digest.get(..16).unwrap_or_default().to_owned()
}

fn read(path: PathBuf) -> Result<Waiting, SpoolError> {
    let fault = |why: String| SpoolError {
        path: path.clone(),
        why,
    };
    let text = durable::read(&path, MAX_FILE).map_err(|why| fault(why.to_string()))?;
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let named = stem.and_then(|stem| stem.rsplit_once('-'));
    if named.is_none_or(|(_, named)| named != sum(&text)) {
        let why = "it is not what was written: its name has another digest";
        return Err(fault(why.into()));
    }
    let value = Value::parse(&text).map_err(|why| fault(why.to_string()))?;
    let object = value.as_object().ok_or_else(|| fault("no object".into()))?;
    let pending = Pending::from_stored(object).map_err(|why| fault(why.to_string()))?;
    let push = object
        .get("push")
        .and_then(Value::as_array)
        .unwrap_or_default();
    let push = push
        .iter()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    Ok(Waiting {
        pending,
        push,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    #[test]
    fn what_was_touched_is_not_recorded() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::new(dir.path());
        let event = br#"{"id":"1","source":"/s","specversion":"1.0","subject":"x","type":"t"}"#;
        let pending = Pending::new(Event::parse(event).unwrap()).unwrap();
        let path = spool.put(&pending, &["origin".into()], 1).unwrap();
        let waiting = spool.list().unwrap().remove(0).unwrap();
        assert_eq!((waiting.pending, waiting.push.len()), (pending, 1));
        let written = std::fs::read(&path).unwrap();
        for at in 0..written.len() {
            let mut touched = written.clone();
            touched[at] ^= 1;
            std::fs::write(&path, touched).unwrap();
            assert!(spool.list().unwrap().remove(0).is_err(), "byte {at}");
        }
    }
}
