//! Which entries may hold what is asked for: a database beside the ledger that saves the walk.
//!
//! It answers only where to look. Every entry that is shown is read from the chain by its commit,
//! hashed again and held against the filter, so an index can leave entries out and can neither add
//! nor change one. It is made of entries that a verification found sound, up to the first that was
//! not; what is newer is read from the chain and comes first. Whether it belongs to this chain is
//! seen on the way: it counts from where the walk from the newest entry meets the entry it ends
//! at, by commit, digest and number. Deleting it loses only time.
//!
//! # Limits
//! Whoever can write the repository's files can write an index that leaves entries out, and can
//! move refs just as well; `--no-index` and `--verify` read everything. And what happened after the
//! index was made to objects of entries it does not point at is not seen: to see that is what
//! verification is for.

mod build;
mod pursue;
mod search;
mod terms;

use std::io;
use std::path::PathBuf;

use gix::ObjectId;
use rusqlite::{Connection, OptionalExtension as _};

use crate::database::{self, Database};
use crate::ledger::{Ledger, LedgerError};
use crate::merkle::{self, Hash};

pub use build::Built;
pub use pursue::Pursuit;
pub use search::{Advance, Finder};

/// What the database is for.
const KIND: &str = "index";
/// The shape of the tables and the rule of the terms.
const VERSION: u32 = 1;
const SCHEMA: &str = "CREATE TABLE entry(position INTEGER PRIMARY KEY, id BLOB NOT NULL, time INTEGER NOT NULL) STRICT; \
    CREATE TABLE head(one INTEGER PRIMARY KEY, position INTEGER NOT NULL, id BLOB NOT NULL, digest BLOB NOT NULL, tried INTEGER NOT NULL) STRICT; \
    CREATE VIRTUAL TABLE term USING fts5(words, content='', columnsize=0, detail=none, tokenize='ascii');";

/// Rows whose terms fit, the newest first.
const BY_TERM: &str = "SELECT rowid FROM term WHERE term MATCH ?1 AND rowid BETWEEN ?2 AND ?3 \
    ORDER BY rowid DESC LIMIT ?4";
/// Entries, the newest first.
const BY_POSITION: &str =
    "SELECT position FROM entry WHERE position BETWEEN ?1 AND ?2 ORDER BY position DESC LIMIT ?3";

/// Rows of an entry's events stand behind each other: the position times this, and the event's
/// place. An entry of 65,535 bytes holds fewer events.
const EVENTS: u64 = 4096;

/// Why the index could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There can be none here, now.
    #[error("no index can be kept here: {0}")]
    Database(#[from] database::Error),
    /// A statement failed.
    #[error("the index cannot be used: {0}")]
    Sql(#[from] rusqlite::Error),
    /// It could not be deleted or measured.
    #[error("the index: {0}")]
    Io(#[from] io::Error),
    /// The chain could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The repository holds only a part of the chain.
    #[error("an index is of a whole ledger, and older entries are not here")]
    Shallow,
    /// Somebody else writes it.
    #[error("another process is writing the index")]
    Overtaken,
}

/// Where an index ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The number of the newest entry in it.
    pub position: u64,
    /// That entry's commit.
    pub commit: ObjectId,
    /// That entry's digest.
    pub digest: Hash,
    /// The newest entry that was there when the index was last brought up to date.
    tried: u64,
}

/// The index of one ledger.
#[derive(Debug)]
pub struct Index {
    database: Database,
}

/// Where the index of a ledger is kept.
pub fn path(ledger: &Ledger) -> PathBuf {
    let key = merkle::hex(&merkle::sha256(ledger.reference().as_bytes()));
    let name = key.get(..16).unwrap_or_default();
    ledger.state_dir().join("index").join(format!("{name}.db"))
}

/// Deletes the index of a ledger, if there is one.
///
/// # Errors
/// When it is there and cannot be deleted.
pub fn delete(ledger: &Ledger) -> io::Result<()> {
    database::discard(&path(ledger))
}

impl Index {
    /// The index of a ledger, made if there is none; one that cannot be used is replaced.
    ///
    /// # Errors
    /// When there can be none here.
    pub fn open(ledger: &Ledger) -> Result<Index, Error> {
        let database = database::open(&path(ledger), KIND, VERSION, SCHEMA)?;
        Ok(Index { database })
    }

    /// The index of a ledger, if there is one that can be used.
    ///
    /// # Errors
    /// When that cannot be told now.
    pub fn find(ledger: &Ledger) -> Result<Option<Index>, Error> {
        let database = database::find(&path(ledger), KIND, VERSION, SCHEMA)?;
        Ok(database.map(|database| Index { database }))
    }

    /// Where it ends; none while it is empty.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn head(&self) -> Result<Option<Head>, Error> {
        head(&self.database)
    }

    /// Whether it ends in the chain below `tip`, at the entry it says.
    ///
    /// # Errors
    /// When the chain or the database cannot be read.
    pub fn fits(&self, ledger: &Ledger, tip: ObjectId) -> Result<Option<Head>, Error> {
        let Some(head) = self.head()? else {
            return Ok(None);
        };
        let Ok(link) = ledger.link(head.commit) else {
            return Ok(None);
        };
        let same = link.digest() == head.digest && link.entry.number() == head.position;
        let there = same && ledger.descends(tip, head.commit)? == Some(true);
        Ok(there.then_some(head))
    }

    /// Bytes on disk.
    pub fn size(ledger: &Ledger) -> u64 {
        let path = path(ledger);
        let log = path.with_extension("db-wal");
        let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |found| found.len());
        size(&path) + size(&log)
    }
}

fn head(connection: &Connection) -> Result<Option<Head>, Error> {
    let row = connection
        .query_row(
            "SELECT position, id, digest, tried FROM head WHERE one = 1",
            [],
            |row| {
                let id: Vec<u8> = row.get(1)?;
                let digest: Vec<u8> = row.get(2)?;
                Ok((row.get::<_, i64>(0)?, id, digest, row.get::<_, i64>(3)?))
            },
        )
        .optional()?;
    // what is no head at all is as good as none
    Ok(row.and_then(|(position, id, digest, tried)| {
        Some(Head {
            position: u64::try_from(position).ok()?,
            commit: ObjectId::try_from(id.as_slice()).ok()?,
            digest: Hash::try_from(digest.as_slice()).ok()?,
            tried: u64::try_from(tried).ok()?,
        })
    }))
}

#[cfg(test)]
mod tests;
