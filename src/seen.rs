//! Which (source, id) was recorded where: a cache that makes appending idempotent.
//!
//! Rebuilt from the chain whenever it does not fit; deleting it loses only time. What it answers
//! is looked up in the chain before anyone relies on it, and how far it goes stands in it, written
//! together with the records. Where history is cut off nothing is kept, for what is older may
//! still come.
//!
//! # Limits
//! A disk that alters bytes of a record in a way that the database does not notice hides it: its
//! event can then be recorded a second time, and the chain shows both.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use gix::ObjectId;
use rusqlite::{OptionalExtension as _, TransactionBehavior};

use crate::commit::Link;
use crate::database::{self, Database};
use crate::ledger::{Ledger, LedgerError};
use crate::merkle;
use crate::store::ReadFault;

/// What the database is for, and the shape of its tables.
const KIND: &str = "seen";
const VERSION: u32 = 1;
const SCHEMA: &str = "CREATE TABLE head(one INTEGER PRIMARY KEY CHECK(one=1),tip BLOB NOT NULL);\
CREATE TABLE record(name BLOB NOT NULL,entry BLOB NOT NULL,PRIMARY KEY(name,entry)) WITHOUT ROWID;";

/// How often the cache is looked at again when another process has written it meanwhile.
const TRIES: usize = 4;

/// SHA-256 of source and id, cut: a name that points to the wrong entry is found out there.
type Name = [u8; 16];

/// A name and the entry that is said to hold it.
type Record = (Name, ObjectId);

/// The cache of one ledger.
#[derive(Debug)]
pub struct Seen {
    path: PathBuf,
}

fn name(source: &str, id: &str) -> Name {
    let mut joined = (source.len() as u64).to_be_bytes().to_vec();
    joined.extend_from_slice(source.as_bytes());
    joined.extend_from_slice(id.as_bytes());
    let mut out = Name::default();
    for (to, from) in out.iter_mut().zip(merkle::sha256(&joined)) {
        *to = from;
    }
    out
}

/// What was recorded at or before one entry.
#[derive(Debug)]
pub struct Records {
    tip: ObjectId,
    /// What is kept, as it was when it went as far as is needed; nobody's writing changes it.
    kept: Option<Snapshot>,
    /// What is not in there.
    fresh: HashMap<Name, Vec<ObjectId>>,
    whole: bool,
}

/// A database in the middle of a reading transaction.
#[derive(Debug)]
struct Snapshot {
    path: PathBuf,
    database: Database,
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

/// A part of the chain, from its newest entry back.
struct Walk {
    /// The newest last.
    records: Vec<Record>,
    /// Whether it ended at the entry it was to end at.
    met: bool,
    /// Whether no entry was missing.
    whole: bool,
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
            path: base.with_extension("sqlite"),
        }
    }

    /// The link that recorded an event of this source and id at or before `tip`, if one that is
    /// here did.
    ///
    /// # Errors
    /// When the chain cannot be read.
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

    /// What was recorded at or before `tip`. The cache is brought that far; where it cannot be,
    /// the chain answers alone.
    ///
    /// # Errors
    /// When the chain cannot be read.
    pub fn up_to(&self, ledger: &Ledger, tip: ObjectId) -> Result<Records, LedgerError> {
        let Ok(database) = database::open(&self.path, KIND, VERSION, SCHEMA) else {
            return Ok(Records::alone(tip, walk(ledger, tip, None)?));
        };
        let mut snapshot = Snapshot {
            path: self.path.clone(),
            database,
        };
        for _ in 0..TRIES {
            let Ok(head) = snapshot.begin() else { break };
            if head == Some(tip) {
                return Ok(Records::of(tip, snapshot, Vec::new()));
            }
            let walk = walk(ledger, tip, head)?;
            if !walk.whole {
                return Ok(Records::alone(tip, walk));
            }
            if snapshot
                .end()
                .and_then(|()| snapshot.save(head, &walk, tip))
                .is_ok()
            {
                continue;
            }
            // not to be written now, and perhaps to be read all the same
            match snapshot.begin() {
                Ok(now) if walk.met && now == head => {
                    return Ok(Records::of(tip, snapshot, walk.records));
                }
                _ if !walk.met => return Ok(Records::alone(tip, walk)),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        Ok(Records::alone(tip, walk(ledger, tip, None)?))
    }
}

/// The entry a database goes up to.
fn head_of(connection: &rusqlite::Connection) -> rusqlite::Result<Option<ObjectId>> {
    let head: Option<Vec<u8>> = connection
        .query_row("SELECT tip FROM head", [], |row| row.get(0))
        .optional()?;
    Ok(head.and_then(|bytes| ObjectId::try_from(bytes.as_slice()).ok()))
}

/// Makes room for a new cache where this error says that the old one is no use.
fn lost(path: &Path, why: rusqlite::Error) -> rusqlite::Error {
    if Database::is_lost(&why) {
        // one that cannot be deleted is found unusable again
        database::discard(path).ok();
    }
    why
}

/// The records of the entries from `tip` back to the one after `until`, or to the root.
fn walk(ledger: &Ledger, tip: ObjectId, until: Option<ObjectId>) -> Result<Walk, LedgerError> {
    let (mut records, mut met, mut whole) = (Vec::new(), false, true);
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
        if until == Some(link.id) {
            met = true;
            break;
        }
        let events = link.entry.events.iter().rev();
        records.extend(events.map(|event| (name(event.source(), event.id()), link.id)));
        if until.is_some() && link.parent == until {
            met = true;
            break;
        }
    }
    records.reverse();
    Ok(Walk {
        records,
        met,
        whole,
    })
}

fn by_name(records: Vec<Record>) -> HashMap<Name, Vec<ObjectId>> {
    let mut named: HashMap<Name, Vec<ObjectId>> = HashMap::with_capacity(records.len());
    for (name, entry) in records {
        named.entry(name).or_default().push(entry);
    }
    named
}

impl Snapshot {
    /// Begins to read: from here on nobody's writing is seen. Tells the entry the cache goes up to.
    fn begin(&self) -> rusqlite::Result<Option<ObjectId>> {
        let begun = self.database.execute_batch("BEGIN");
        let head = begun.and_then(|()| head_of(&self.database));
        head.map_err(|why| lost(&self.path, why))
    }

    fn end(&self) -> rusqlite::Result<()> {
        self.database.execute_batch("COMMIT")
    }

    /// Keeps what was walked, if the cache still goes as far as `head` says.
    fn save(&mut self, head: Option<ObjectId>, walk: &Walk, tip: ObjectId) -> rusqlite::Result<()> {
        let immediate = TransactionBehavior::Immediate;
        let write = |database: &mut Database| -> rusqlite::Result<()> {
            let transaction = database.transaction_with_behavior(immediate)?;
            if head_of(&transaction)? != head {
                // somebody else was faster; what they wrote is looked at again
                return Ok(());
            }
            if !walk.met {
                transaction.execute("DELETE FROM record", [])?;
            }
            let mut records: Vec<&Record> = walk.records.iter().collect();
            // in the order of the table, as it is written fastest
            records.sort_unstable();
            let mut insert = transaction.prepare("INSERT OR IGNORE INTO record VALUES(?1,?2)")?;
            for (name, entry) in records {
                insert.execute((name.as_slice(), entry.as_slice()))?;
            }
            drop(insert);
            let head = "INSERT OR REPLACE INTO head VALUES(1,?1)";
            transaction.execute(head, (tip.as_slice(),))?;
            transaction.commit()
        };
        write(&mut self.database).map_err(|why| lost(&self.path, why))
    }

    /// The entries that are said to hold each of these names.
    fn entries(&self, names: &[Name]) -> rusqlite::Result<Vec<Vec<ObjectId>>> {
        let look = || {
            let query = "SELECT entry FROM record WHERE name=?1";
            let mut query = self.database.prepare(query)?;
            let mut all = Vec::with_capacity(names.len());
            for name in names {
                let found = query.query_map((name.as_slice(),), |row| row.get::<_, Vec<u8>>(0))?;
                let mut entries = Vec::new();
                for id in found {
                    // what is no id points nowhere
                    entries.extend(ObjectId::try_from(id?.as_slice()).ok());
                }
                all.push(entries);
            }
            Ok(all)
        };
        look().map_err(|why| lost(&self.path, why))
    }
}

impl Records {
    fn of(tip: ObjectId, kept: Snapshot, fresh: Vec<Record>) -> Records {
        Records {
            tip,
            kept: Some(kept),
            fresh: by_name(fresh),
            whole: true,
        }
    }

    fn alone(tip: ObjectId, walk: Walk) -> Records {
        Records {
            tip,
            kept: None,
            fresh: by_name(walk.records),
            whole: walk.whole,
        }
    }

    /// The entries that are said to hold each of these names. Where the cache turns out to be
    /// damaged, the chain is asked.
    fn claims(&self, ledger: &Ledger, names: &[Name]) -> Result<Vec<Vec<ObjectId>>, LedgerError> {
        let kept = self.kept.as_ref().map(|kept| kept.entries(names));
        let held = |all: &HashMap<Name, Vec<ObjectId>>| {
            let of = |name| all.get(name).cloned().unwrap_or_default();
            names.iter().map(of).collect::<Vec<_>>()
        };
        Ok(match kept {
            None => held(&self.fresh),
            Some(Err(_)) => held(&by_name(walk(ledger, self.tip, None)?.records)),
            Some(Ok(mut kept)) => {
                for (kept, fresh) in kept.iter_mut().zip(held(&self.fresh)) {
                    kept.extend(fresh);
                }
                kept
            }
        })
    }

    /// Looks for an event of this source and id, the oldest if there are several. A record of an entry that is not there, or is
    /// none, counts for nothing.
    ///
    /// # Errors
    /// When the entry cannot be read: then it is not known whether the event is there.
    pub fn look(&self, ledger: &Ledger, source: &str, id: &str) -> Result<Found, LedgerError> {
        let holds = |link: &Link| {
            let mut events = link.entry.events.iter();
            events.any(|event| event.source() == source && event.id() == id)
        };
        let mut oldest: Option<Link> = None;
        let claims = self.claims(ledger, &[name(source, id)])?;
        for entry in claims.into_iter().flatten() {
            let link = claimed(ledger, entry)?.filter(holds);
            let number = |link: &Link| link.entry.number();
            oldest = match (oldest, link) {
                (Some(old), Some(new)) if number(&new) < number(&old) => Some(new),
                (old, new) => old.or(new),
            };
        }
        if let Some(link) = oldest {
            return Ok(Found::In(Box::new(link)));
        }
        Ok(if self.whole {
            Found::Nowhere
        } else {
            Found::CutOff
        })
    }

    /// Which of these (source, id) an entry that is here holds: one look at each entry that is
    /// said to hold some of them, however many are asked for.
    ///
    /// # Errors
    /// As [`Records::look`].
    pub fn among(&self, ledger: &Ledger, pairs: &[(&str, &str)]) -> Result<Vec<bool>, LedgerError> {
        let mut claims: BTreeMap<ObjectId, Vec<usize>> = BTreeMap::new();
        let names: Vec<Name> = pairs.iter().map(|(source, id)| name(source, id)).collect();
        for (at, entries) in self.claims(ledger, &names)?.into_iter().enumerate() {
            for entry in entries {
                claims.entry(entry).or_default().push(at);
            }
        }
        let mut there = vec![false; pairs.len()];
        for (entry, asked) in claims {
            let Some(link) = claimed(ledger, entry)? else {
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
fn claimed(ledger: &Ledger, entry: ObjectId) -> Result<Option<Link>, LedgerError> {
    match ledger.link(entry) {
        Ok(link) => Ok(Some(link)),
        Err(
            error @ LedgerError::Object {
                fault: ReadFault::Io(_) | ReadFault::Corrupt(_),
                ..
            },
        ) => Err(error),
        Err(_) => Ok(None),
    }
}
