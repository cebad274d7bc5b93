//! Writes many objects as one pack with its index, durable when finished.
//!
//! Whoever adds objects does not wait for their compression: a thread of the pack's own sees to it.

mod index;
mod records;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, bounded};
use gix::objs::Kind;

use self::records::{Given, Records, Written};
use super::keep::{self, KeptPack};
use super::layout::Sharing;
use super::repository::Repository;
use super::write::{WriteError, make_dir, object_id, seal, temporary};
use crate::durable;

/// Objects are handed to the thread that compresses them when they are so many bytes together.
const PARCEL: usize = 256 << 10;

/// How many parcels may wait for it.
const WAITING: usize = 2;

/// How often a file is written again that git's housekeeping took for a leftover.
const TRIES: usize = 16;

/// A pack under construction. Dropped unfinished, it leaves nothing behind.
pub struct PackWriter {
    format: gix::hash::Kind,
    sharing: Sharing,
    dir: PathBuf,
    added: HashSet<gix::ObjectId>,
    count: usize,
    parcel: Vec<Given>,
    /// Bytes of the parcel.
    weight: usize,
    to: Option<Sender<Vec<Given>>>,
    compression: Option<JoinHandle<io::Result<Written>>>,
}

impl Repository {
    /// Begins a pack in the main object store.
    pub fn pack_writer(&self) -> Result<PackWriter, WriteError> {
        let dir = self.objects_dir().join("pack");
        let failed = |source| WriteError::Io {
            path: dir.clone(),
            source,
        };
        make_dir(&dir, self.sharing).map_err(failed)?;
        keep::clear_dead(&dir).map_err(failed)?;
        let mut records = Records::begin(&dir).map_err(failed)?;
        let (to, parcels) = bounded::<Vec<Given>>(WAITING);
        let compression = thread::Builder::new().name("pack".into()).spawn(move || {
            for parcel in parcels {
                for given in parcel {
                    records.take(given)?;
                }
            }
            records.end()
        });
        Ok(PackWriter {
            format: self.object_format(),
            sharing: self.sharing,
            dir: dir.clone(),
            added: HashSet::new(),
            count: 0,
            parcel: Vec::new(),
            weight: 0,
            to: Some(to),
            compression: Some(compression.map_err(failed)?),
        })
    }

    /// Stores all these objects in one pack; durable when it returns.
    pub fn write_many(
        &self,
        objects: impl IntoIterator<Item = (Kind, Vec<u8>)>,
    ) -> Result<Vec<gix::ObjectId>, WriteError> {
        let mut pack = self.pack_writer()?;
        let ids = objects
            .into_iter()
            .map(|(kind, bytes)| pack.add(kind, bytes))
            .collect::<Result<_, _>>()?;
        pack.finish()?;
        Ok(ids)
    }
}

impl PackWriter {
    /// Adds an object, once, and tells its id; nobody else sees it before [`PackWriter::finish`].
    pub fn add(&mut self, kind: Kind, bytes: Vec<u8>) -> Result<gix::ObjectId, WriteError> {
        let id = object_id(self.format, kind, &bytes).ok_or(WriteError::Collision)?;
        if self.added.insert(id) {
            let number = None;
            self.hand_over(Given {
                id,
                kind,
                bytes,
                number,
            })?;
        }
        Ok(id)
    }

    /// Adds a commit of a series whose id the caller has computed. Each repeats most of what stands
    /// in those whose numbers differ from its own in the lowest bits only. None is added twice.
    pub fn add_in_series(
        &mut self,
        number: u64,
        id: gix::ObjectId,
        bytes: Vec<u8>,
    ) -> Result<(), WriteError> {
        debug_assert_eq!(object_id(self.format, Kind::Commit, &bytes), Some(id));
        self.hand_over(Given {
            id,
            kind: Kind::Commit,
            bytes,
            number: Some(number),
        })
    }

    /// How many objects were added.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Makes the pack part of the store; durable when it returns. An empty one leaves nothing.
    pub fn finish(self) -> Result<(), WriteError> {
        self.finish_kept().map(drop)
    }

    /// As [`PackWriter::finish`]; no repacking removes it until what is returned is dropped.
    pub fn finish_kept(mut self) -> Result<Option<KeptPack>, WriteError> {
        if self.is_empty() {
            return Ok(None);
        }
        let done = self.send().and_then(|()| self.publish());
        done.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> WriteError {
        WriteError::Io {
            path: self.dir.clone(),
            source,
        }
    }

    fn hand_over(&mut self, given: Given) -> Result<(), WriteError> {
        self.count += 1;
        self.weight += given.bytes.len();
        self.parcel.push(given);
        if self.weight >= PARCEL {
            self.send().map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        self.weight = 0;
        let parcel = std::mem::take(&mut self.parcel);
        match self.to.as_ref().map(|to| to.send(parcel)) {
            Some(Ok(())) => Ok(()),
            // it takes no more: it says why when it ends
            _ => Err(match self.written() {
                Ok(_) => io::Error::other("the pack is written already"),
                Err(why) => why,
            }),
        }
    }

    /// What the thread has written when all is handed over.
    fn written(&mut self) -> io::Result<Written> {
        drop(self.to.take());
        match self.compression.take().map(JoinHandle::join) {
            Some(Ok(written)) => written,
            _ => Err(io::Error::other("the thread that writes the pack has died")),
        }
    }

    fn publish(&mut self) -> io::Result<Option<KeptPack>> {
        let (mut pack, mut items) = self.written()?;
        let count = u32::try_from(items.len())
            .map_err(|_| io::Error::other("too many objects for one pack"))?;
        let checksum = close_pack(pack.as_file_mut(), self.format, count)?;
        items.sort_unstable_by_key(|item| item.id);
        let index = index::write(&self.dir, self.format, &items, &checksum)?;
        let stem = format!("pack-{checksum}");
        let name = self.dir.join(&stem);
        seal(pack.as_file(), self.sharing)?;
        seal(index.as_file(), self.sharing)?;
        let kept = again_if_gone(|| KeptPack::new(&self.dir, &stem))?;
        // The pack first: an index without its pack would be an error to every reader.
        self.name(pack, "tmp_pack_", &name.with_extension("pack"))?;
        self.name(index, "tmp_idx_", &name.with_extension("idx"))?;
        durable::sync_dir(&self.dir)?;
        Ok(kept)
    }

    /// Gives a finished file its name. Git's housekeeping may have taken it for a leftover of a dead
    /// process meanwhile: then its bytes, which are still open here, are written once more.
    fn name(&self, file: tempfile::NamedTempFile, prefix: &str, name: &Path) -> io::Result<()> {
        let mut file = Some(file);
        again_if_gone(|| {
            let why = match file.take().map(|file| file.persist(name)) {
                None | Some(Ok(_)) => return Ok(()),
                Some(Err(why)) => why,
            };
            if why.error.kind() == io::ErrorKind::NotFound {
                let mut old = why.file;
                let mut again = temporary(&self.dir, prefix)?;
                old.rewind()?;
                io::copy(old.as_file_mut(), &mut again)?;
                seal(again.as_file(), self.sharing)?;
                file = Some(again);
            }
            Err(why.error)
        })
    }
}

impl Drop for PackWriter {
    fn drop(&mut self) {
        // the thread's file is gone when it has ended
        self.written().ok();
    }
}

fn again_if_gone<T>(mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 1..TRIES {
        match work() {
            Err(why) if why.kind() == io::ErrorKind::NotFound => {}
            done => return done,
        }
    }
    work()
}

/// Fills in the number of objects and appends the checksum of all that is before it.
fn close_pack(file: &mut File, format: gix::hash::Kind, count: u32) -> io::Result<gix::ObjectId> {
    file.seek(SeekFrom::Start(8))?;
    file.write_all(&count.to_be_bytes())?;
    file.rewind()?;
    let mut hasher = gix::hash::hasher(format);
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
    let checksum = hasher
        .try_finalize()
        .map_err(|e| io::Error::other(e.to_string()))?;
    file.write_all(checksum.as_slice())?;
    Ok(checksum)
}
