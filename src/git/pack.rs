//! Writes many objects as one pack with its index, durable when finished.
//!
//! Objects that are alike are stored as differences to one base, a new base now and then
//! ("star" deltas): as small as long chains, read in one step, and kept by git's own repacking.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use gix::objs::Kind;

use super::delta::Blocks;
use super::keep::{self, KeptPack};
use super::layout::Sharing;
use super::repository::Repository;
use super::write::{WriteError, make_dir, object_id, seal, temporary};
use crate::durable;

/// How many objects share one base.
const STAR: u32 = 256;

/// Larger objects are stored whole: differences to them would cost too much to read.
const DELTA_LIMIT: usize = 64 << 10;

const HEADER: u64 = 12;

/// A pack under construction. Dropped unfinished, it leaves nothing behind.
pub struct PackWriter {
    format: gix::hash::Kind,
    sharing: Sharing,
    dir: PathBuf,
    file: BufWriter<tempfile::NamedTempFile>,
    offset: u64,
    index: Vec<Item>,
    added: HashSet<gix::ObjectId>,
    bases: [Option<Base>; 4],
    scratch: Vec<u8>,
}

struct Item {
    id: gix::ObjectId,
    offset: u64,
    crc: u32,
}

struct Base {
    bytes: Vec<u8>,
    blocks: Blocks,
    offset: u64,
    used: u32,
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
        let file = temporary(&dir, "tmp_pack_").map_err(failed)?;
        let mut file = BufWriter::with_capacity(256 << 10, file);
        // The number of objects is filled in at the end.
        file.write_all(b"PACK\0\0\0\x02\0\0\0\0").map_err(failed)?;
        Ok(PackWriter {
            format: self.object_format(),
            sharing: self.sharing,
            dir: dir.clone(),
            file,
            offset: HEADER,
            index: Vec::new(),
            added: HashSet::new(),
            bases: [None, None, None, None],
            scratch: Vec::new(),
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
            .map(|(kind, bytes)| pack.add(kind, &bytes))
            .collect::<Result<_, _>>()?;
        pack.finish()?;
        Ok(ids)
    }
}

impl PackWriter {
    /// Adds an object, once, and tells its id; nobody else sees it before [`PackWriter::finish`].
    pub fn add(&mut self, kind: Kind, bytes: &[u8]) -> Result<gix::ObjectId, WriteError> {
        let id = object_id(self.format, kind, bytes).ok_or(WriteError::Collision)?;
        if self.added.insert(id) {
            self.append(id, kind, bytes).map_err(|e| self.failed(e))?;
        }
        Ok(id)
    }

    /// How many objects were added.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Makes the pack part of the store; durable when it returns. An empty one leaves nothing.
    pub fn finish(self) -> Result<(), WriteError> {
        self.finish_kept().map(drop)
    }

    /// As [`PackWriter::finish`]; no repacking removes it until what is returned is dropped.
    pub fn finish_kept(self) -> Result<Option<KeptPack>, WriteError> {
        if self.index.is_empty() {
            return Ok(None);
        }
        let dir = self.dir.clone();
        self.publish()
            .map_err(|source| WriteError::Io { path: dir, source })
    }

    fn failed(&self, source: io::Error) -> WriteError {
        WriteError::Io {
            path: self.dir.clone(),
            source,
        }
    }

    fn append(&mut self, id: gix::ObjectId, kind: Kind, bytes: &[u8]) -> io::Result<()> {
        let slot = match kind {
            Kind::Commit => 0,
            Kind::Tree => 1,
            Kind::Blob => 2,
            Kind::Tag => 3,
        };
        self.scratch.clear();
        let place = self.bases.get_mut(slot).and_then(Option::as_mut);
        let delta = match place {
            Some(base) if base.used < STAR && bytes.len() <= DELTA_LIMIT => {
                let delta = base.blocks.delta(&base.bytes, bytes);
                // Not alike enough: the next base is this one.
                (delta.len() < bytes.len() / 4 * 3).then(|| {
                    base.used += 1;
                    (base.offset, delta)
                })
            }
            _ => None,
        };
        let mut record = std::mem::take(&mut self.scratch);
        match &delta {
            Some((base_offset, delta)) => {
                object_header(&mut record, 6, delta.len() as u64);
                base_distance(&mut record, self.offset - base_offset);
                deflate(&mut record, delta)?;
            }
            None => {
                object_header(&mut record, slot as u8 + 1, bytes.len() as u64);
                deflate(&mut record, bytes)?;
                let small = bytes.len() <= DELTA_LIMIT;
                if let Some(place) = self.bases.get_mut(slot).filter(|_| small) {
                    *place = Some(Base {
                        blocks: Blocks::new(bytes),
                        bytes: bytes.to_vec(),
                        offset: self.offset,
                        used: 0,
                    });
                }
            }
        }
        let mut crc = Crc::new();
        crc.update(&record);
        self.file.write_all(&record)?;
        self.index.push(Item {
            id,
            offset: self.offset,
            crc: crc.sum(),
        });
        self.offset += record.len() as u64;
        self.scratch = record;
        Ok(())
    }

    fn publish(self) -> io::Result<Option<KeptPack>> {
        let mut pack = self.file.into_inner().map_err(|e| e.into_error())?;
        let count = u32::try_from(self.index.len())
            .map_err(|_| io::Error::other("too many objects for one pack"))?;
        let checksum = close_pack(pack.as_file_mut(), self.format, count)?;
        let mut items = self.index;
        items.sort_unstable_by_key(|item| item.id);
        let index = write_index(&self.dir, self.format, &items, &checksum)?;
        let stem = format!("pack-{checksum}");
        let name = self.dir.join(&stem);
        seal(pack.as_file(), self.sharing)?;
        seal(index.as_file(), self.sharing)?;
        let kept = KeptPack::new(&self.dir, &stem)?;
        // The pack first: an index without its pack would be an error to every reader.
        pack.persist(name.with_extension("pack"))
            .map_err(|e| e.error)?;
        index
            .persist(name.with_extension("idx"))
            .map_err(|e| e.error)?;
        durable::sync_dir(&self.dir)?;
        Ok(kept)
    }
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

/// The index, version 2, of a pack; `items` ascend by id.
fn write_index(
    dir: &Path,
    format: gix::hash::Kind,
    items: &[Item],
    pack: &gix::ObjectId,
) -> io::Result<tempfile::NamedTempFile> {
    const FAR: u64 = 1 << 31;
    let mut out = Vec::with_capacity(items.len() * 40 + 1100);
    out.extend_from_slice(b"\xfftOc\0\0\0\x02");
    let mut next = 0;
    for first in 0..=255u8 {
        while items.get(next).is_some_and(|i| i.id.first_byte() <= first) {
            next += 1;
        }
        out.extend_from_slice(&(next as u32).to_be_bytes());
    }
    for item in items {
        out.extend_from_slice(item.id.as_slice());
    }
    for item in items {
        out.extend_from_slice(&item.crc.to_be_bytes());
    }
    let mut far = Vec::new();
    for item in items {
        let word = if item.offset < FAR {
            item.offset as u32
        } else {
            far.push(item.offset);
            (far.len() as u32 - 1) | FAR as u32
        };
        out.extend_from_slice(&word.to_be_bytes());
    }
    for offset in far {
        out.extend_from_slice(&offset.to_be_bytes());
    }
    out.extend_from_slice(pack.as_slice());
    let mut hasher = gix::hash::hasher(format);
    hasher.update(&out);
    let checksum = hasher
        .try_finalize()
        .map_err(|e| io::Error::other(e.to_string()))?;
    out.extend_from_slice(checksum.as_slice());
    let mut file = temporary(dir, "tmp_idx_")?;
    file.write_all(&out)?;
    Ok(file)
}

fn deflate(out: &mut Vec<u8>, bytes: &[u8]) -> io::Result<()> {
    let mut encoder = ZlibEncoder::new(out, Compression::new(6));
    encoder.write_all(bytes)?;
    encoder.finish().map(drop)
}

fn object_header(out: &mut Vec<u8>, kind: u8, mut size: u64) {
    let mut byte = (kind << 4) | (size & 15) as u8;
    size >>= 4;
    while size > 0 {
        out.push(byte | 0x80);
        byte = (size & 0x7f) as u8;
        size >>= 7;
    }
    out.push(byte);
}

fn base_distance(out: &mut Vec<u8>, mut distance: u64) {
    let mut bytes = [0u8; 10];
    let mut at = bytes.len();
    let mut more = 0;
    loop {
        at -= 1;
        if let Some(byte) = bytes.get_mut(at) {
            *byte = (distance & 0x7f) as u8 | more;
        }
        distance >>= 7;
        if distance == 0 || at == 0 {
            break;
        }
        distance -= 1;
        more = 0x80;
    }
    out.extend_from_slice(bytes.get(at..).unwrap_or_default());
}
