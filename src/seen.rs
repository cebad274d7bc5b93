//! Which (source, id) was recorded where: a cache that makes appending idempotent.
//!
//! Rebuilt from the chain whenever it does not fit; deleting it loses only time. What it answers
//! is looked up in the chain before anyone relies on it, and a sum over all records tells whether
//! a crash or another writer has mixed them up. Where history is cut off nothing is kept, for
//! what is older may still come.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::PathBuf;

use gix::ObjectId;

use crate::commit::Link;
use crate::durable;
use crate::ledger::{Ledger, LedgerError};
use crate::merkle;
use crate::store::ReadFault;

/// Bytes of a name: SHA-256 of source and id, cut.
const NAME: usize = 16;

/// No head is longer, in bytes.
const MAX_HEAD: u64 = 4096;

/// Records beyond this size are not read again; the cache is made anew.
const MAX_RECORDS: u64 = 4 << 30;

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

/// What was recorded at or before one entry.
#[derive(Debug)]
pub struct Records {
    bytes: Vec<u8>,
    /// Bytes of a record.
    size: usize,
    whole: bool,
}

/// What is known of a source and id.
#[derive(Debug)]
pub enum Found {
    /// This link recorded it.
    In(Box<Link>),
    /// No entry did.
    Nowhere,
    /// No entry that is here did, and some are not here.
    CutOff,
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

    /// The link that recorded an event of this source and id at or before `tip`, if one that is
    /// here did.
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
        Ok(match self.up_to(ledger, tip)?.look(ledger, source, id)? {
            Found::In(link) => Some(*link),
            Found::Nowhere | Found::CutOff => None,
        })
    }

    /// What was recorded at or before `tip`.
    ///
    /// # Errors
    /// When the chain cannot be read, or the cache not written.
    pub fn up_to(&self, ledger: &Ledger, tip: ObjectId) -> Result<Records, LedgerError> {
        let size = NAME + tip.kind().len_in_bytes();
        let (mut bytes, known) = self.load(size).unwrap_or_default();
        let mut fresh: Vec<Vec<u8>> = Vec::new();
        let (mut met, mut whole) = (false, true);
        for link in ledger.links(tip)? {
            let link = match link {
                Ok(link) => link,
                Err(LedgerError::Object {
                    fault: ReadFault::Missing,
                    ..
                }) => {
                    whole = false;
                    break;
                }
                Err(error) => return Err(error),
            };
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
        if !met {
            bytes.clear();
        }
        let from = bytes.len();
        bytes.extend(fresh.into_iter().rev().flatten());
        if whole && known != Some(tip) {
            self.save(&bytes, from, tip)?;
        }
        Ok(Records { bytes, size, whole })
    }

    fn load(&self, size: usize) -> Option<(Vec<u8>, Option<ObjectId>)> {
        let head = String::from_utf8(durable::read(&self.head, MAX_HEAD).ok()?).ok()?;
        let mut words = head.split_ascii_whitespace();
        let tip = ObjectId::from_hex(words.next()?.as_bytes()).ok()?;
        let wanted = words.next()?.parse::<usize>().ok()?.checked_mul(size)?;
        let mut records = durable::read(&self.records, MAX_RECORDS).ok()?;
        if records.len() < wanted {
            return None;
        }
        records.truncate(wanted);
        (words.next()? == sum(&records)).then_some((records, Some(tip)))
    }

    /// The records first, then the head that says how many of them count.
    fn save(&self, records: &[u8], from: usize, tip: ObjectId) -> io::Result<()> {
        let size = NAME + tip.kind().len_in_bytes();
        if let Some(dir) = self.records.parent() {
            durable::create_dir_all(dir)?;
        }
        let mut file = durable::open(
            &self.records,
            OpenOptions::new().create(true).write(true).truncate(false),
        )?;
        file.set_len(from as u64)?;
        io::Seek::seek(&mut file, io::SeekFrom::Start(from as u64))?;
        file.write_all(records.get(from..).unwrap_or_default())?;
        let (count, sum) = (records.len() / size, sum(records));
        durable::write_cache(&self.head, format!("{tip} {count} {sum}\n").as_bytes())
    }
}

impl Records {
    /// Looks for an event of this source and id. A record of an entry that is not there, or is
    /// none, counts for nothing.
    ///
    /// # Errors
    /// When the entry cannot be read: then it is not known whether the event is there.
    pub fn look(&self, ledger: &Ledger, source: &str, id: &str) -> Result<Found, LedgerError> {
        let wanted = name(source, id);
        for record in self
            .bytes
            .chunks_exact(self.size)
            .filter(|record| record.starts_with(&wanted))
        {
            let link = claimed(ledger, record.get(NAME..).unwrap_or_default())?;
            let there = |link: &Link| {
                link.entry
                    .events
                    .iter()
                    .any(|event| event.source() == source && event.id() == id)
            };
            if let Some(link) = link.filter(there) {
                return Ok(Found::In(Box::new(link)));
            }
        }
        Ok(if self.whole {
            Found::Nowhere
        } else {
            Found::CutOff
        })
    }

    /// Which of these (source, id) an entry that is here holds: one pass over all records, and one
    /// look at each entry they point to, however many are asked for.
    ///
    /// # Errors
    /// As [`Records::look`].
    pub fn among(&self, ledger: &Ledger, pairs: &[(&str, &str)]) -> Result<Vec<bool>, LedgerError> {
        let mut wanted: HashMap<[u8; NAME], Vec<usize>> = HashMap::with_capacity(pairs.len());
        for (at, (source, id)) in pairs.iter().enumerate() {
            wanted.entry(name(source, id)).or_default().push(at);
        }
        let mut claims: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
        for record in self.bytes.chunks_exact(self.size) {
            let (name, commit) = record.split_at(NAME);
            if let Some(asked) = wanted.get(name) {
                claims.entry(commit).or_default().extend(asked);
            }
        }
        let mut there = vec![false; pairs.len()];
        for (commit, asked) in claims {
            let Some(link) = claimed(ledger, commit)? else {
                continue;
            };
            let events = link.entry.events.iter();
            let held: BTreeSet<_> = events.map(|event| (event.source(), event.id())).collect();
            for at in asked {
                if pairs.get(at).is_some_and(|pair| held.contains(pair)) {
                    there[at] = true;
                }
            }
        }
        Ok(there)
    }

    /// Whether they are of all entries.
    pub fn is_whole(&self) -> bool {
        self.whole
    }
}

/// The link a record points to, if there is one.
fn claimed(ledger: &Ledger, commit: &[u8]) -> Result<Option<Link>, LedgerError> {
    match ObjectId::try_from(commit)
        .ok()
        .map(|commit| ledger.link(commit))
    {
        Some(Ok(link)) => Ok(Some(link)),
        Some(Err(
            error @ LedgerError::Object {
                fault: ReadFault::Io(_) | ReadFault::Corrupt(_),
                ..
            },
        )) => Err(error),
        Some(Err(_)) | None => Ok(None),
    }
}

fn sum(records: &[u8]) -> String {
    merkle::hex(&merkle::sha256(records))
}
