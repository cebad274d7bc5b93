//! What this clone last saw: of its own branch, and of each remote.
//!
//! A mark is written durably before the answer that rests on it is printed, and never goes down
//! by itself. A mark that cannot be read, that is gone although it must be there, or that was
//! changed by somebody else is not a missing mark.
//!
//! # Limits
//! There is no secret in any of this. Whoever may write into the state directory and knows this
//! file can write marks that look untouched, or take all of them away; only tips kept elsewhere
//! show that.

mod record;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use gix::ObjectId;

use crate::commit::Link;
use crate::durable;
use crate::finding::{Finding, FindingId};
use crate::git::FileLock;
use crate::ledger::Ledger;
use crate::merkle::{self, Hash};
use crate::verify;

use record::{Index, Known, Wrong};

/// How long another process may take to write its mark.
const LOCK: Duration = Duration::from_secs(10);
/// The file that names all marks.
const INDEX: &str = "index.json";

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

/// What is wrong with the record of what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is there and cannot be read, or could not be written.
    Unreadable,
    /// It must be there and is not.
    Missing,
    /// It is not what was written.
    Altered,
}

/// A mark that cannot be relied on.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the mark '{}' cannot be used: {why}", path.display())]
pub struct MarkError {
    /// The file.
    pub path: PathBuf,
    /// Of which kind it is.
    pub fault: Fault,
    /// What is wrong.
    pub why: String,
    /// What the rest of the record says was seen; a copy can still be held against it.
    pub known: Option<Box<Mark>>,
}

impl MarkError {
    /// What the rest of the record says was seen.
    pub fn recalled(self) -> Option<Mark> {
        self.known.map(|mark| *mark)
    }

    /// As something that is wrong with a ledger.
    pub fn finding(&self) -> Finding {
        let id = match self.fault {
            Fault::Unreadable => FindingId::MarkUnreadable,
            Fault::Missing => FindingId::MarkMissing,
            Fault::Altered => FindingId::MarkAltered,
        };
        Finding::new(id, self.to_string())
    }
}

/// The marks of one ledger in one clone.
#[derive(Debug, Clone)]
pub struct Marks {
    dir: PathBuf,
    ledger: Ledger,
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
            ledger: ledger.clone(),
        }
    }

    fn file(remote: Option<&str>) -> String {
        match remote {
            None => "local.json".to_owned(),
            Some(remote) => {
                let key = merkle::hex(&merkle::sha256(remote.as_bytes()));
                format!("remote-{}.json", key.get(..16).unwrap_or_default())
            }
        }
    }

    fn fault(&self, file: &str, (fault, why): Wrong, known: Option<Mark>) -> MarkError {
        MarkError {
            path: self.dir.join(file),
            fault,
            why,
            known: known.map(Box::new),
        }
    }

    /// The mark of a remote, or of the local branch.
    ///
    /// # Errors
    /// When it cannot be relied on.
    pub fn get(&self, remote: Option<&str>) -> Result<Option<Mark>, MarkError> {
        let file = Self::file(remote);
        self.settled(|index| self.of_file(index, &file))
    }

    /// Looks again as long as somebody writes meanwhile: the index of one moment and the file of
    /// another need not fit.
    fn settled<T, E>(
        &self,
        look: impl Fn(&Result<Option<Index>, Wrong>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut index = self.index();
        loop {
            let found = look(&index);
            let now = self.index();
            if found.is_ok() || now == index {
                return found;
            }
            index = now;
        }
    }

    /// Everything that is wrong with the record, whosever marks it is about: the remote, none for
    /// the local branch and for the whole, and what is wrong.
    pub fn faults(&self) -> Vec<(Option<String>, MarkError)> {
        let look = |index: &Result<Option<Index>, Wrong>| match self.all_faults(index) {
            found if found.is_empty() => Ok(()),
            found => Err(found),
        };
        self.settled(look).err().unwrap_or_default()
    }

    fn all_faults(&self, index: &Result<Option<Index>, Wrong>) -> Vec<(Option<String>, MarkError)> {
        let listed = index.as_ref().ok().and_then(Option::as_ref);
        let mut files: Vec<String> = self.files();
        files.extend(listed.into_iter().flat_map(|index| index.keys().cloned()));
        files.sort();
        files.dedup();
        let mut found = Vec::new();
        for file in files {
            if let Err(why) = self.of_file(index, &file) {
                // what is wrong with the index is told once
                let known = found
                    .iter()
                    .any(|(_, other): &(_, MarkError)| other.path == why.path);
                let whose = listed.and_then(|index| index.get(&file));
                if !known {
                    found.push((whose.and_then(|known| known.remote.clone()), why));
                }
            }
        }
        if let (Err(wrong), true) = (index, found.is_empty()) {
            found.push((None, self.fault(INDEX, wrong.clone(), None)));
        }
        found
    }

    fn index(&self) -> Result<Option<Index>, Wrong> {
        let bytes = record::load(&self.dir.join(INDEX))?;
        bytes.map(|bytes| record::read_index(&bytes)).transpose()
    }

    /// The files of marks that are there.
    fn files(&self) -> Vec<String> {
        let items = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        items
            .filter_map(|item| item.file_name().into_string().ok())
            .filter(|name| name.ends_with(".json") && name != INDEX)
            .collect()
    }

    fn of_file(
        &self,
        index: &Result<Option<Index>, Wrong>,
        file: &str,
    ) -> Result<Option<Mark>, MarkError> {
        let loaded = record::load(&self.dir.join(file));
        let read = |bytes: &[u8]| record::read_mark(bytes).map(|(_, mark)| mark);
        let index = match index {
            Ok(Some(index)) => index,
            Err((fault, why)) => {
                let known = loaded.ok().flatten().and_then(|bytes| read(&bytes).ok());
                return Err(self.fault(INDEX, (*fault, why.clone()), known));
            }
            Ok(None) if self.files().is_empty() => return Ok(None),
            Ok(None) => {
                let known = loaded.ok().flatten().and_then(|bytes| read(&bytes).ok());
                let wrong = (
                    Fault::Missing,
                    "marks are there and their index is gone".into(),
                );
                return Err(self.fault(INDEX, wrong, known));
            }
        };
        let expected = index.get(file);
        let known = expected.and_then(|known| known.mark.clone());
        let bytes = loaded.map_err(|wrong| self.fault(file, wrong, known.clone()))?;
        let before = expected.and_then(|known| known.before);
        let fits = match (&known, &bytes) {
            // what was begun and not ended: the index was written, the file was not yet
            (_, None) => before.is_none() || known.is_none(),
            (_, Some(bytes)) if before == Some(merkle::sha256(bytes)) => true,
            (Some(mark), Some(bytes)) => {
                let remote = expected.and_then(|known| known.remote.as_deref());
                *bytes == record::write_mark(remote, mark)
            }
            (None, Some(_)) => false,
        };
        if !fits {
            let wrong = match bytes.as_deref().map(read) {
                None => (
                    Fault::Missing,
                    "the index says that it was written".to_owned(),
                ),
                Some(Err(wrong)) => wrong,
                Some(Ok(_)) => (Fault::Altered, "the index says otherwise".to_owned()),
            };
            return Err(self.fault(file, wrong, known));
        }
        match known {
            Some(mark) if self.contradicts_itself(&mark) => {
                let why = "the commit it names has another digest or number".to_owned();
                Err(self.fault(file, (Fault::Altered, why), None))
            }
            known => Ok(known),
        }
    }

    /// Whether the commit a mark names is here and is not the entry it says.
    fn contradicts_itself(&self, mark: &Mark) -> bool {
        match self.ledger.link(mark.commit) {
            Ok(link) => link.digest() != mark.digest || link.entry.number() != mark.number,
            // what was seen at a remote need not be here
            Err(_) => false,
        }
    }

    /// Remembers a mark, unless a higher one is known; durable when it returns.
    ///
    /// # Errors
    /// When the mark there cannot be relied on, or this one not be written.
    pub fn raise(&self, remote: Option<&str>, mark: &Mark) -> Result<(), MarkError> {
        let file = Self::file(remote);
        // two that raise one mark at once could otherwise lower it
        let _lock = self.lock(&file)?;
        let known = self.get(remote)?;
        let replaces = |known: &Mark| {
            known.number < mark.number || known.number == mark.number && known.digest == mark.digest
        };
        if known.as_ref().is_some_and(|known| !replaces(known)) {
            return Ok(());
        }
        let index = self
            .index()
            .map_err(|wrong| self.fault(&file, wrong, None))?;
        self.write(index.unwrap_or_default(), remote, Some(mark))
    }

    /// Forgets what was seen at a remote, or here; only for a person who says so. What cannot be
    /// relied on is forgotten with it; what was forgotten is told if it can be.
    ///
    /// # Errors
    /// When it could not be removed.
    pub fn forget(&self, remote: Option<&str>) -> Result<Option<Mark>, MarkError> {
        let file = Self::file(remote);
        let _lock = self.lock(&file)?;
        let forgotten = self.get(remote).unwrap_or_else(MarkError::recalled);
        let index = match self.index() {
            Ok(Some(index)) => index,
            // the files are second copies
            Ok(None) | Err(_) => self.rebuilt(),
        };
        self.write(index, remote, None)?;
        Ok(forgotten)
    }

    fn rebuilt(&self) -> Index {
        let mut index = Index::new();
        for file in self.files() {
            let bytes = record::load(&self.dir.join(&file)).ok().flatten();
            let read = bytes.and_then(|bytes| Some((record::read_mark(&bytes).ok()?, bytes)));
            if let Some(((remote, mark), bytes)) = read {
                let known = Known {
                    mark: Some(mark),
                    remote,
                    before: Some(merkle::sha256(&bytes)),
                };
                index.insert(file, known);
            }
        }
        index
    }

    fn lock(&self, file: &str) -> Result<FileLock, MarkError> {
        let fault = |why: String| self.fault(file, (Fault::Unreadable, why), None);
        durable::create_dir_all(&self.dir).map_err(|why| fault(why.to_string()))?;
        FileLock::acquire(&self.dir.join("lock"), Instant::now() + LOCK)
            .map_err(|why| fault(why.to_string()))
    }

    /// The index first, then the file.
    fn write(
        &self,
        mut index: Index,
        remote: Option<&str>,
        mark: Option<&Mark>,
    ) -> Result<(), MarkError> {
        let file = Self::file(remote);
        let path = self.dir.join(&file);
        let before = record::load(&path).ok().flatten();
        let known = Known {
            mark: mark.cloned(),
            remote: remote.map(str::to_owned),
            before: before.as_deref().map(merkle::sha256),
        };
        index.insert(file.clone(), known);
        let fault = |why: std::io::Error| {
            let wrong = (Fault::Unreadable, why.to_string());
            self.fault(&file, wrong, None)
        };
        durable::write(&self.dir.join(INDEX), &record::write_index(&index)).map_err(fault)?;
        let Some(mark) = mark else {
            return durable::remove(&path).map_err(fault);
        };
        let bytes = record::write_mark(remote, mark);
        durable::write(&path, &bytes).map_err(fault)?;
        // from now on the file cannot be one that was not written yet
        if let (None, Some(known)) = (before, index.get_mut(&file)) {
            known.before = Some(merkle::sha256(&bytes));
            durable::write(&self.dir.join(INDEX), &record::write_index(&index)).map_err(fault)?;
        }
        Ok(())
    }
}
