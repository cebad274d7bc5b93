//! Entries that were written one by one are gathered in packs before they hurt, and small packs of
//! ours in larger ones.
//!
//! A loose entry takes a block of the disk, 4 KiB instead of some 300 bytes, and is read two to
//! five times slower. So at most some [`EVERY`] of them stay: whoever appends asks afterwards,
//! when the answer is out, whether it is time. Nobody waits for anybody here: the lock is this
//! task's own and is only tried, and whoever is killed in between has lost nothing.
//!
//! Packs of ours are remembered by name in a directory of the state; forgetting them loses nothing
//! but their merging.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::objs::Kind;

use super::{Ledger, LedgerError, ObjectReader, read, read_link};
use crate::commit::Link;
use crate::durable;
use crate::git::{FileLock, Gathering, LockError, PackState};
use crate::tree::{self, Tree};
use crate::{policy, store::ReadFault};

/// How many entries are added before it is time again.
pub const EVERY: u64 = 256;

/// Fewer loose entries are not worth a pack.
const LEAST: usize = 64;

/// The walk back ends where so many entries together are not loose.
const PACKED: u64 = 256;

/// So many packs of ours may be there.
const PACKS: usize = 8;

/// Packs are merged up to so many objects: what is larger is left to git's own housekeeping.
const MERGED: u64 = 1 << 14;

/// The number, up to which all was looked at, takes no more bytes.
const MAX_MARK: u64 = 32;

/// What was gathered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Folded {
    /// Entries that were loose.
    pub entries: usize,
    /// Packs that were merged.
    pub packs: usize,
}

impl Ledger {
    /// Gathers what is loose of the newest entries, up to this one, if it is time; at once, or not at
    /// all.
    ///
    /// # Errors
    /// When it could not be done. Nothing is lost then.
    pub fn fold_if_due(&self, newest: &Link) -> Result<Folded, LedgerError> {
        let number = newest.entry.number();
        let due = |done: u64| number < done || number - done >= EVERY;
        if !due(self.folded_up_to()) {
            return Ok(Folded::default());
        }
        let lock = FileLock::acquire(&self.state_dir().join("fold.lock"), Instant::now());
        let _lock = match lock {
            Err(LockError::Busy { .. }) => return Ok(Folded::default()),
            lock => lock.map_err(|why| LedgerError::Io(std::io::Error::other(why.to_string())))?,
        };
        // whoever held it may have done it; and only what the branch reaches is ours to move
        if !due(self.folded_up_to()) || self.tip_id()?.is_none() {
            return Ok(Folded::default());
        }
        let entries = self.gather(newest.clone())?;
        let packs = self.merge_packs()?;
        let mark = number.to_string();
        durable::write_cache(&self.fold_mark(), mark.as_bytes())?;
        Ok(Folded { entries, packs })
    }

    fn fold_mark(&self) -> PathBuf {
        let key = crate::merkle::hex(&crate::merkle::sha256(self.reference.as_bytes()));
        let name = format!("folded-{}", key.get(..16).unwrap_or_default());
        self.state_dir().join(name)
    }

    /// The number of the newest entry when it was done last; 0 where nobody knows.
    fn folded_up_to(&self) -> u64 {
        let text = durable::read(&self.fold_mark(), MAX_MARK).ok();
        let text = text.and_then(|text| String::from_utf8(text).ok());
        text.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// Gathers loose entries, from this one back, with what belongs to them.
    fn gather(&self, newest: Link) -> Result<usize, LedgerError> {
        let mut reader = self.open_reader()?;
        let mut to = self.repository.gathering()?;
        let (mut entries, mut packed) = (0, 0);
        let mut trees: HashSet<ObjectId> = HashSet::new();
        let mut next = Some(newest);
        while let Some(link) = next {
            match self.repository.is_loose(link.id) {
                true => {
                    to.add(Kind::Commit, link.raw().to_vec(), Some(link.entry.number()))?;
                    (entries, packed) = (entries + 1, 0);
                }
                false => packed += 1,
            }
            if trees.insert(link.tree) {
                self.gather_tree(link.tree, &mut reader, &mut to)?;
            }
            next = match link.parent {
                Some(parent) if packed < PACKED => match read_link(&mut reader, parent) {
                    Ok(parent) => Some(parent),
                    // a clone that is cut off
                    Err(LedgerError::Object {
                        fault: ReadFault::Missing,
                        ..
                    }) => None,
                    Err(why) => return Err(why),
                },
                _ => None,
            };
        }
        if entries < LEAST {
            return Ok(0);
        }
        self.remember(to.finish()?);
        Ok(entries)
    }

    /// What a tree is made of, as far as it is loose.
    fn gather_tree(
        &self,
        id: ObjectId,
        reader: &mut ObjectReader,
        to: &mut Gathering<'_>,
    ) -> Result<(), LedgerError> {
        let broken = |finding| LedgerError::Broken {
            commit: id,
            finding,
        };
        let raw = read(reader, id, Kind::Tree, tree::MAX_BYTES)?;
        let tree = Tree::parse(&raw, id.kind()).map_err(broken)?;
        let part = tree.part;
        let mut blobs = vec![part.policy, part.allowed_signers, part.readme];
        if self.repository.is_loose(id) {
            to.add(Kind::Tree, raw, None)?;
        }
        if let Some(directory) = tree.attachments {
            let raw = read(reader, directory, Kind::Tree, tree::MAX_BYTES)?;
            let files = tree::parse_attachments(&raw, id.kind()).map_err(broken)?;
            blobs.extend(files.into_iter().map(|(_, blob)| blob));
            if self.repository.is_loose(directory) {
                to.add(Kind::Tree, raw, None)?;
            }
        }
        for blob in blobs {
            if self.repository.is_loose(blob) {
                let most = tree::MAX_ATTACHMENT.max(policy::MAX_BYTES);
                let bytes = read(reader, blob, Kind::Blob, most)?;
                to.add(Kind::Blob, bytes, None)?;
            }
        }
        Ok(())
    }

    /// Merges the smallest packs of ours when there are many: those that are together more than
    /// half as large as the next.
    fn merge_packs(&self) -> Result<usize, LedgerError> {
        let mut packs: Vec<(u64, String)> = Vec::new();
        for name in self.remembered() {
            match self.repository.pack_state(&name) {
                PackState::Holds(size) => packs.push((u64::from(size), name)),
                PackState::LeftAlone => {}
                PackState::Gone => {
                    self.repository.clear_pack(&name);
                    self.forget(&name);
                }
            }
        }
        if packs.len() <= PACKS || !self.repository.may_merge_packs() {
            return Ok(0);
        }
        packs.sort();
        let mut sum = 0;
        let mut count = 0;
        for (size, _) in &packs {
            if count > 0 && *size >= 2 * sum || sum + size > MERGED {
                break;
            }
            sum += size;
            count += 1;
        }
        packs.truncate(count);
        if count < 2 {
            return Ok(0);
        }
        let mut to = self.repository.gathering()?;
        for (_, name) in &packs {
            to.add_pack(name, number)?;
        }
        let new = to.finish()?;
        for (_, name) in packs.iter().filter(|(_, name)| Some(name) != new.as_ref()) {
            self.forget(name);
        }
        self.remember(new);
        Ok(count)
    }

    fn packs_dir(&self) -> PathBuf {
        self.state_dir().join("packs")
    }

    /// Remembers a pack of ours, where that is possible.
    pub(super) fn remember(&self, name: Option<String>) {
        let dir = self.packs_dir();
        if let Some(name) = name
            && fs::create_dir_all(&dir).is_ok()
        {
            let mut options = fs::OpenOptions::new();
            durable::open(&dir.join(name), options.create(true).append(true)).ok();
        }
    }

    fn forget(&self, name: &str) {
        fs::remove_file(self.packs_dir().join(name)).ok();
    }

    fn remembered(&self) -> Vec<String> {
        let files = fs::read_dir(self.packs_dir()).into_iter().flatten();
        let names = files.flatten().map(|file| file.file_name());
        names.filter_map(|name| name.into_string().ok()).collect()
    }
}

/// The number that a commit says it has: good enough to find what it is alike to.
fn number(raw: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\nLedger-Seq: ";
    let at = raw.rfind(NAME)? + NAME.len();
    let line = raw.get(at..)?.lines().next()?;
    std::str::from_utf8(line).ok()?.parse().ok()
}
