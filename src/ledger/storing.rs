//! Writes what entries are made of: few objects one by one, many as one pack, and none of it into
//! the way of git's housekeeping.

use std::io;

use gix::ObjectId;
use gix::objs::Kind;

use super::{Ledger, LedgerError, Objects};
use crate::commit::Link;
use crate::git::{KeptPack, PackWriter, WriteError};

/// Up to so many objects are written one by one; more go into one pack.
const LOOSE: usize = 16;

/// How often objects are written whose place is taken away meanwhile.
const TRIES: usize = 16;

/// Objects on their way into the store. Dropped unfinished, it leaves nothing behind.
pub struct Storing<'a> {
    ledger: &'a Ledger,
    few: Vec<Part>,
    pack: Option<PackWriter>,
}

struct Part {
    kind: Kind,
    bytes: Vec<u8>,
    /// Number and id of an entry.
    entry: Option<(u64, ObjectId)>,
}

/// What was written and is durable. No repacking removes it before this is dropped; what git may
/// remove all the same is known to [`Ledger::keep`].
pub struct Stored(Form);

enum Form {
    OneByOne(Objects),
    Pack(Option<KeptPack>),
}

impl Storing<'_> {
    /// Takes an object; once is enough.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, kind: Kind, bytes: Vec<u8>) -> Result<(), LedgerError> {
        let entry = None;
        self.take(Part { kind, bytes, entry })
    }

    /// Takes the commit of an entry, once.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_entry(&mut self, link: &Link) -> Result<(), LedgerError> {
        self.take(Part {
            kind: Kind::Commit,
            bytes: link.raw().to_vec(),
            entry: Some((link.entry.number(), link.id)),
        })
    }

    fn take(&mut self, part: Part) -> Result<(), LedgerError> {
        if let Some(pack) = &mut self.pack {
            return Ok(into(pack, part)?);
        }
        self.few.push(part);
        if self.few.len() > LOOSE {
            let repository = &self.ledger.repository;
            let mut pack = again_if_gone(|| repository.pack_writer())?;
            for part in self.few.drain(..) {
                into(&mut pack, part)?;
            }
            self.pack = Some(pack);
        }
        Ok(())
    }

    /// Writes what has not been written yet; all of it is durable then.
    ///
    /// # Errors
    /// When it could not be written; nothing refers to what was.
    pub fn finish(self) -> Result<Stored, LedgerError> {
        if let Some(pack) = self.pack {
            let kept = pack.finish_kept()?;
            self.ledger.remember(kept.as_ref().and_then(KeptPack::name));
            return Ok(Stored(Form::Pack(kept)));
        }
        let objects: Objects = self
            .few
            .into_iter()
            .map(|part| (part.kind, part.bytes))
            .collect();
        let repository = &self.ledger.repository;
        // git's housekeeping removes directories and temporary files under our hands
        again_if_gone(|| {
            for (kind, bytes) in &objects {
                repository.write_object(*kind, bytes)?;
            }
            Ok(())
        })?;
        Ok(Stored(Form::OneByOne(objects)))
    }
}

fn into(pack: &mut PackWriter, part: Part) -> Result<(), WriteError> {
    match part.entry {
        Some((number, id)) => pack.add_in_series(number, id, part.bytes),
        None => pack.add(part.kind, part.bytes).map(drop),
    }
}

impl Ledger {
    /// Begins to write objects.
    pub fn storing(&self) -> Storing<'_> {
        Storing {
            ledger: self,
            few: Vec::new(),
            pack: None,
        }
    }

    /// Writes objects durably.
    ///
    /// # Errors
    /// As [`Storing::finish`].
    pub fn write(&self, objects: &Objects) -> Result<Stored, LedgerError> {
        let mut storing = self.storing();
        for (kind, bytes) in objects {
            storing.add(*kind, bytes.clone())?;
        }
        storing.finish()
    }

    /// Makes sure that objects are there, and stay there, after the branch has moved. A pack that
    /// was kept until now is one that no housekeeping that runs means to remove.
    ///
    /// # Errors
    /// When they are gone and could not be written again.
    pub fn keep(&self, stored: &Stored) -> Result<(), LedgerError> {
        match &stored.0 {
            Form::OneByOne(objects) => {
                again_if_gone(|| self.repository.keep_objects(objects))?;
                Ok(())
            }
            Form::Pack(Some(pack)) => Ok(pack.is_there()?),
            // whoever else keeps it, does so on
            Form::Pack(None) => Ok(()),
        }
    }
}

fn again_if_gone<T>(mut write: impl FnMut() -> Result<T, WriteError>) -> Result<T, WriteError> {
    for _ in 1..TRIES {
        match write() {
            Err(WriteError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            written => return written,
        }
    }
    write()
}
