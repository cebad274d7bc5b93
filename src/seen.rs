//! Which (source, id) was recorded where: a cache that makes appending idempotent.
//!
//! Rebuilt from the chain whenever it does not fit; deleting it loses only time. What it answers
//! is looked up in the chain before anyone relies on it.
//!
//! # Limits
//! It knows what this clone's history holds: a depth-1 clone knows only what it fetched.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;

use gix::ObjectId;

use crate::commit::Link;
use crate::durable;
use crate::ledger::{Ledger, LedgerError};
use crate::merkle;

/// Bytes of a name: SHA-256 of source and id, cut.
const NAME: usize = 16;

/// The cache of one ledger.
#[derive(Debug)]
pub struct Seen {
    records: PathBuf,
    head: PathBuf,
}

fn name(source: &str, id: &str) -> [u8; NAME] {
    let mut joined = (source.len() as u64).to_be_bytes().to_vec();
    joined.extend_from_slice(source.as_bytes());
    joined.extend_from_slice(id.as_bytes());
    let mut out = [0; NAME];
    for (to, from) in out.iter_mut().zip(merkle::sha256(&joined)) {
        *to = from;
    }
    out
}

impl Seen {
    /// The cache of a ledger.
    pub fn of(ledger: &Ledger) -> Seen {
        let key = merkle::hex(&merkle::sha256(ledger.reference().as_bytes()));
        let base = ledger
            .state_dir()
            .join("seen")
            .join(key.get(..16).unwrap_or_default());
        Seen {
            records: base.with_extension("records"),
            head: base.with_extension("head"),
        }
    }

    /// The link that recorded an event of this source and id at or before `tip`, if one did.
    ///
    /// # Errors
    /// When the chain cannot be read, or the cache not written.
    pub fn find(
        &self,
        ledger: &Ledger,
        tip: ObjectId,
        source: &str,
        id: &str,
    ) -> Result<Option<Link>, LedgerError> {
        let size = NAME + tip.kind().len_in_bytes();
        let records = self.up_to(ledger, tip, size)?;
        let wanted = name(source, id);
        for record in records
            .chunks_exact(size)
            .filter(|record| record.starts_with(&wanted))
        {
            let commit = record
                .get(NAME..)
                .and_then(|id| ObjectId::try_from(id).ok());
            let link = commit.and_then(|commit| ledger.link(commit).ok());
            let there = |link: &Link| {
                link.entry
                    .events
                    .iter()
                    .any(|event| event.source() == source && event.id() == id)
            };
            if let Some(link) = link.filter(there) {
                return Ok(Some(link));
            }
        }
        Ok(None)
    }

    /// All records, after those of the entries since the last time were added.
    fn up_to(&self, ledger: &Ledger, tip: ObjectId, size: usize) -> Result<Vec<u8>, LedgerError> {
        let (mut records, known) = self.load(size).unwrap_or_default();
        let mut fresh: Vec<Vec<u8>> = Vec::new();
        let mut met = false;
        for link in ledger.links(tip)? {
            // history that is cut off here cannot be known; what is seen is what counts
            let Ok(link) = link else { break };
            if known == Some(link.id) {
                met = true;
                break;
            }
            let entry = link.entry.events.iter().flat_map(|event| {
                let mut record = name(event.source(), event.id()).to_vec();
                record.extend_from_slice(link.id.as_slice());
                record
            });
            fresh.push(entry.collect());
        }
        if known.is_some() && !met {
            records.clear();
        }
        let added: Vec<u8> = fresh.into_iter().rev().flatten().collect();
        let from = records.len();
        records.extend_from_slice(&added);
        if known != Some(tip) {
            self.save(&records, from, tip)?;
        }
        Ok(records)
    }

    fn load(&self, size: usize) -> Option<(Vec<u8>, Option<ObjectId>)> {
        let head = fs::read_to_string(&self.head).ok()?;
        let (tip, count) = head.trim_end().split_once(' ')?;
        let (tip, count) = (
            ObjectId::from_hex(tip.as_bytes()).ok()?,
            count.parse::<usize>().ok()?,
        );
        let mut records = fs::read(&self.records).ok()?;
        let wanted = count.checked_mul(size)?;
        if records.len() < wanted {
            return None;
        }
        records.truncate(wanted);
        Some((records, Some(tip)))
    }

    /// The records first, then the head that says how many of them count.
    fn save(&self, records: &[u8], from: usize, tip: ObjectId) -> io::Result<()> {
        let size = NAME + tip.kind().len_in_bytes();
        if let Some(dir) = self.records.parent() {
            durable::create_dir_all(dir)?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&self.records)?;
        file.set_len(from as u64)?;
        io::Seek::seek(&mut file, io::SeekFrom::Start(from as u64))?;
        file.write_all(records.get(from..).unwrap_or_default())?;
        durable::write(
            &self.head,
            format!("{tip} {}\n", records.len() / size).as_bytes(),
        )
    }
}
