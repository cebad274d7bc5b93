//! From verified entries to rows, the oldest first, a piece at a time: whoever is killed leaves an
//! index that ends earlier.

use gix::ObjectId;
use gix::objs::Kind;
use rusqlite::params;

use crate::commit::{self, Link};
use crate::database::Database;
use crate::finding::{Finding, Severity};
use crate::ledger::{Ledger, LedgerError};
use crate::store::{Read as _, Store as _};
use crate::verify::Verdict;

use super::{EVENTS, Error, Head, Index, path, terms};

/// Entries that become durable together.
const PIECE: usize = 8192;
/// From so many new entries on it pays to put the terms in order at the end.
const MANY: usize = 65_536;

/// What was done.
#[derive(Debug, Clone)]
pub struct Built {
    /// Entries that are new in the index.
    pub added: u64,
    /// The newest entry in it; none: it is empty.
    pub newest: Option<u64>,
    /// Why it ends before the newest entry of the ledger.
    pub stopped: Option<Finding>,
}

impl Index {
    /// Makes the index empty.
    ///
    /// # Errors
    /// When it can neither be emptied nor replaced.
    pub fn clear(self, ledger: &Ledger) -> Result<Index, Error> {
        drop(self);
        crate::database::discard(&path(ledger))?;
        Index::open(ledger)
    }

    /// Takes in the entries behind `base` (where this index ends, or none: from the first) up to
    /// `tip`, as far as the verdict about them is that they are sound. `progress` is told how many
    /// are in.
    ///
    /// # Errors
    /// When the chain cannot be read or the database not be written; what was taken in before
    /// stays.
    pub fn extend(
        &mut self,
        ledger: &Ledger,
        base: Option<&Head>,
        tip: ObjectId,
        verdict: &Verdict,
        progress: &dyn Fn(u64),
    ) -> Result<Built, Error> {
        let unsound = first_unsound(verdict);
        let sound_below = unsound.map_or(u64::MAX, |finding| finding.at.unwrap_or(0));
        let first = base.map_or(0, |head| head.position + 1);
        let commits = commits(ledger, tip, base.map(|head| head.commit))?;
        let tried = (first + commits.len() as u64).saturating_sub(1);
        let wanted = usize::try_from(sound_below.saturating_sub(first)).unwrap_or(usize::MAX);
        let taken: Vec<ObjectId> = commits.into_iter().rev().take(wanted).collect();
        let many = taken.len() >= MANY;
        self.prepare(many)?;
        let mut reader = ledger.reader();
        let mut at = base.cloned();
        let mut added = 0;
        for piece in taken.chunks(PIECE) {
            let mut links = Vec::with_capacity(piece.len());
            for id in piece {
                let raw = reader
                    .read(id, Kind::Commit, commit::MAX_BYTES)
                    .map_err(|fault| LedgerError::Object { id: *id, fault })?;
                let link = Link::parse(*id, raw).map_err(|finding| LedgerError::Broken {
                    commit: *id,
                    finding,
                })?;
                links.push(link);
            }
            at = self.put(at.as_ref(), &links, tried)?;
            added += links.len() as u64;
            progress(added);
        }
        if taken.is_empty()
            && let Some(head) = &at
        {
            self.database.execute(
                "UPDATE head SET tried = ?1 WHERE one = 1 AND position = ?2",
                params![tried.cast_signed(), head.position.cast_signed()],
            )?;
        }
        if many {
            self.database
                .execute("INSERT INTO term(term) VALUES('optimize')", [])?;
        }
        Ok(Built {
            added,
            newest: at.map(|head| head.position),
            stopped: unsound.cloned(),
        })
    }

    fn prepare(&mut self, many: bool) -> Result<(), Error> {
        if many {
            // 32 MiB for pages, 16 for terms, and a log that is moved now and then
            self.database.execute_batch(
                "PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 8192; \
                 INSERT INTO term(term, rank) VALUES('hashsize', 16777216);",
            )?;
        }
        Ok(())
    }

    /// Puts neighbours in, if the index still ends where it should.
    fn put(
        &mut self,
        before: Option<&Head>,
        links: &[Link],
        tried: u64,
    ) -> Result<Option<Head>, Error> {
        let transaction = self
            .database
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        // asked where nobody else can move it any more
        let there = super::head(&transaction)?;
        let place = |head: &Option<Head>| head.as_ref().map(|head| (head.position, head.commit));
        if place(&there) != place(&before.cloned()) {
            return Err(Error::Overtaken);
        }
        let mut head = None;
        {
            let mut entry =
                transaction.prepare("INSERT INTO entry(position, id, time) VALUES(?1, ?2, ?3)")?;
            let mut term = transaction.prepare("INSERT INTO term(rowid, words) VALUES(?1, ?2)")?;
            let mut words = String::new();
            for link in links {
                let position = link.entry.number();
                entry.execute(params![
                    position.cast_signed(),
                    link.id.as_slice(),
                    link.time.cast_signed()
                ])?;
                for (at, event) in link.entry.events.iter().enumerate() {
                    words.clear();
                    terms::of(link, event, &mut words);
                    let row = position.saturating_mul(EVENTS).saturating_add(at as u64);
                    term.execute(params![row.cast_signed(), words])?;
                }
                head = Some(Head {
                    position,
                    commit: link.id,
                    digest: link.digest(),
                    tried,
                });
            }
        }
        if let Some(head) = &head {
            transaction.execute(
                "INSERT OR REPLACE INTO head(one, position, id, digest, tried) VALUES(1, ?1, ?2, ?3, ?4)",
                params![
                    head.position.cast_signed(),
                    head.commit.as_slice(),
                    head.digest.as_slice(),
                    head.tried.cast_signed()
                ],
            )?;
        }
        transaction.commit()?;
        Ok(head.or_else(|| before.cloned()))
    }

    /// Whether it pays to bring the index up to date for somebody who only wants to read: enough
    /// is new, not too much to wait for, and what stopped it last time is not all there is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_worth_extending(&self, newest: u64) -> Result<bool, Error> {
        const ENOUGH: u64 = 64;
        const TOO_MUCH: u64 = 20_000;
        let Some(head) = self.head()? else {
            return Ok(false);
        };
        let behind = newest.saturating_sub(head.position);
        let before = head.tried.saturating_sub(head.position);
        Ok((ENOUGH..=TOO_MUCH).contains(&behind) && behind >= before.saturating_mul(2))
    }

    /// Whether this error says that the file is of no use any more.
    pub fn is_lost(error: &Error) -> bool {
        matches!(error, Error::Sql(error) if Database::is_lost(error))
    }
}

/// The finding that ends what may be indexed: the first that is more than a note. One that belongs
/// to no entry belongs to all.
fn first_unsound(verdict: &Verdict) -> Option<&Finding> {
    verdict
        .findings
        .iter()
        .filter(|finding| finding.severity() > Severity::Note)
        .min_by_key(|finding| finding.at.unwrap_or(0))
}

/// The commits from `tip` down to the one before `base`, or to the root.
fn commits(ledger: &Ledger, tip: ObjectId, base: Option<ObjectId>) -> Result<Vec<ObjectId>, Error> {
    let mut reader = ledger.reader();
    let (mut found, mut at) = (Vec::new(), Some(tip));
    while let Some(id) = at.filter(|id| Some(*id) != base) {
        let raw = reader
            .read(&id, Kind::Commit, 1 << 20)
            .map_err(|fault| LedgerError::Object { id, fault })?;
        at = commit::first_parent(&raw, id.kind());
        found.push(id);
    }
    Ok(found)
}
