//! Gathers objects that are here already, loose or in small packs, in one pack, and then removes the
//! copies it makes superfluous.
//!
//! Nothing goes before the pack that replaces it is durable and each of its objects has been read
//! back from it and hashed. While it is made a `.keep` file holds it, so a repacking that runs
//! beside does not take it away; readers that miss a file look for new packs, as git's do.
//!
//! # Limits
//! A pack is left alone that somebody keeps, or that a multi-pack-index may speak of.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use gix::objs::Kind;
use gix::odb::pack::{Bundle, cache::lru::MemoryCappedHashmap};

use super::keep::KeptPack;
use super::objects::LARGEST;
use super::pack::PackWriter;
use super::repository::Repository;
use super::write::{WriteError, object_id};
use crate::durable;

/// Memory for what other objects lean on, in bytes.
const CACHE: usize = 16 << 20;

/// What belongs to a pack besides itself, in the order in which it goes: without its index nobody
/// looks for it.
const BESIDE: [&str; 4] = ["idx", "rev", "bitmap", "pack"];

/// Files that say that a pack is not to be touched.
const HANDS_OFF: [&str; 3] = ["keep", "promisor", "mtimes"];

/// Objects on their way into the pack that gathers them.
pub struct Gathering<'a> {
    repository: &'a Repository,
    pack: PackWriter,
    added: Vec<(gix::ObjectId, Kind)>,
    old: Vec<PathBuf>,
}

/// What is known of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackState {
    /// It is not there, or nobody looks for it any more.
    Gone,
    /// Somebody wants it to stay as it is.
    LeftAlone,
    /// It holds so many objects.
    Holds(u32),
}

impl Repository {
    /// Begins to gather objects.
    pub fn gathering(&self) -> Result<Gathering<'_>, WriteError> {
        Ok(Gathering {
            repository: self,
            pack: self.pack_writer()?,
            added: Vec::new(),
            old: Vec::new(),
        })
    }

    /// Whether an object has a file of its own in the main store.
    pub fn is_loose(&self, id: gix::ObjectId) -> bool {
        fs::symlink_metadata(loose(self, id)).is_ok_and(|file| file.is_file())
    }

    /// What is known of a pack of the main store, by the name of its file without the end.
    pub fn pack_state(&self, name: &str) -> PackState {
        let Some(path) = pack_path(self, name) else {
            return PackState::Gone;
        };
        let is_there = |extension| fs::symlink_metadata(path.with_extension(extension)).is_ok();
        if HANDS_OFF.into_iter().any(is_there) {
            return PackState::LeftAlone;
        }
        if !is_there("idx") {
            return PackState::Gone;
        }
        let mut header = [0; 12];
        let file = fs::File::open(path.with_extension("pack"));
        let read = file.and_then(|mut file| file.read_exact(&mut header));
        match (read, header.last_chunk::<4>()) {
            (Ok(()), Some(count)) => PackState::Holds(u32::from_be_bytes(*count)),
            _ => PackState::Gone,
        }
    }

    /// Removes what is left of a pack whose index is gone already.
    pub fn clear_pack(&self, name: &str) {
        if let Some(path) = pack_path(self, name)
            && self.pack_state(name) == PackState::Gone
        {
            remove_pack(&path);
        }
    }

    /// Whether packs may be removed here: an index over several of them would still name them.
    pub fn may_merge_packs(&self) -> bool {
        let index = self.objects_dir().join("pack/multi-pack-index");
        fs::symlink_metadata(&index).is_err()
            && fs::symlink_metadata(index.with_extension("d")).is_err()
    }
}

impl Gathering<'_> {
    /// Takes an object whose bytes hash to its id, with its place if it is a commit of a series.
    pub fn add(
        &mut self,
        kind: Kind,
        bytes: Vec<u8>,
        number: Option<u64>,
    ) -> Result<(), WriteError> {
        let format = self.repository.object_format();
        let id = object_id(format, kind, &bytes).ok_or(WriteError::Collision)?;
        self.added.push((id, kind));
        match number {
            Some(number) if kind == Kind::Commit => self.pack.add_in_series(number, id, bytes),
            _ => self.pack.add(kind, bytes).map(drop),
        }
    }

    /// Takes all objects of a pack of the main store, which goes when all is done. `number` tells
    /// the place of a commit in its series.
    pub fn add_pack(
        &mut self,
        name: &str,
        number: impl Fn(&[u8]) -> Option<u64>,
    ) -> Result<(), WriteError> {
        let path = pack_path(self.repository, name);
        let path = path.unwrap_or_else(|| self.repository.objects_dir().join("pack"));
        let failed = |source| WriteError::Io {
            path: path.clone(),
            source,
        };
        let bundle = bundle(self.repository, &path).map_err(failed)?;
        let mut items: Vec<_> = bundle
            .index
            .iter()
            .map(|e| (e.pack_offset, e.oid))
            .collect();
        items.sort_unstable();
        let mut from = Bundled::new(&bundle);
        for (_, id) in items {
            let (kind, bytes) = from.read(id).map_err(failed)?;
            let number = (kind == Kind::Commit).then(|| number(bytes)).flatten();
            let bytes = bytes.to_vec();
            self.add(kind, bytes, number)?;
        }
        self.old.push(path);
        Ok(())
    }

    /// How many objects were taken.
    pub fn len(&self) -> usize {
        self.added.len()
    }

    /// Whether nothing was taken yet.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
    }

    /// Makes the pack, and removes what it replaces: the name of the new one, without the end.
    ///
    /// # Errors
    /// When the pack could not be made, or does not give back what went into it: then nothing was
    /// removed. What cannot be removed is no error.
    pub fn finish(self) -> Result<Option<String>, WriteError> {
        let dir = self.repository.objects_dir().join("pack");
        let failed = |source| WriteError::Io {
            path: dir.clone(),
            source,
        };
        // the very same pack is kept by somebody else: so nothing need go
        let Some(kept) = self.pack.finish_kept()? else {
            return Ok(None);
        };
        read_back(self.repository, &kept, &self.added).map_err(failed)?;
        for (id, _) in &self.added {
            fs::remove_file(loose(self.repository, *id)).ok();
        }
        let old = self.old.iter().filter(|path| *path != &kept.path());
        old.for_each(|path| remove_pack(path));
        durable::sync_dir(&dir).map_err(failed)?;
        Ok(kept.name())
    }
}

/// Reads each object from the new pack, and from nowhere else.
fn read_back(
    repository: &Repository,
    kept: &KeptPack,
    added: &[(gix::ObjectId, Kind)],
) -> io::Result<()> {
    let bundle = bundle(repository, &kept.path())?;
    let mut from = Bundled::new(&bundle);
    for (id, kind) in added {
        if from.read(*id)?.0 != *kind {
            return Err(io::Error::other(format!(
                "{id} is of another kind in its pack"
            )));
        }
    }
    Ok(())
}

/// One pack, read past all others.
struct Bundled<'a> {
    bundle: &'a Bundle,
    buffer: Vec<u8>,
    inflate: gix::zlib::Inflate,
    cache: MemoryCappedHashmap,
}

impl<'a> Bundled<'a> {
    fn new(bundle: &'a Bundle) -> Self {
        Self {
            bundle,
            buffer: Vec::new(),
            inflate: gix::zlib::Inflate::default(),
            cache: MemoryCappedHashmap::new(CACHE),
        }
    }

    /// An object whose bytes hash to its id.
    fn read(&mut self, id: gix::ObjectId) -> io::Result<(Kind, &[u8])> {
        let found = self
            .bundle
            .find(&id, &mut self.buffer, &mut self.inflate, &mut self.cache)
            .map_err(|why| io::Error::other(why.to_string()))?;
        let kind = match found {
            Some((data, _)) => data.kind,
            None => return Err(io::Error::other(format!("{id} is not in its pack"))),
        };
        if object_id(id.kind(), kind, &self.buffer) != Some(id) {
            return Err(io::Error::other(format!("{id} is damaged in its pack")));
        }
        Ok((kind, &self.buffer))
    }
}

fn bundle(repository: &Repository, path: &Path) -> io::Result<Bundle> {
    let mut bundle = Bundle::at(path.with_extension("idx"), repository.object_format())
        .map_err(|why| io::Error::other(why.to_string()))?;
    bundle.pack.alloc_limit_bytes = Some(LARGEST);
    Ok(bundle)
}

fn remove_pack(path: &Path) {
    for extension in BESIDE {
        fs::remove_file(path.with_extension(extension)).ok();
    }
}

fn loose(repository: &Repository, id: gix::ObjectId) -> PathBuf {
    let hex = id.to_string();
    let (fan, rest) = hex.split_at(2);
    repository.objects_dir().join(fan).join(rest)
}

/// Where a pack is, if this can be the name of one.
fn pack_path(repository: &Repository, name: &str) -> Option<PathBuf> {
    let sum = name.strip_prefix("pack-")?;
    let is_name = !sum.is_empty() && sum.bytes().all(|b| b.is_ascii_hexdigit());
    is_name.then(|| repository.objects_dir().join("pack").join(name))
}
