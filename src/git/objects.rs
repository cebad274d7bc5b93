//! Reads objects by id and believes none of them: the size is looked at before memory is given,
//! the kind must be the one asked for, and the bytes must hash to the id.
//!
//! Replacement references and grafts do not exist here; alternates are followed as git does.
//!
//! # Limits
//! Nothing above [`LARGEST`] is read at all.

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use gix::objs::{Find, Kind};
use gix::odb::Header;

use super::packed::{PackedReader, SharedPacks};
use super::repository::Repository;

/// The largest object, and the largest step on the way to one, that is ever inflated.
pub const LARGEST: usize = 512 << 20;

/// Objects up to this size are read without asking for their size first: the store itself refuses
/// to inflate more.
const SMALL: usize = 1 << 20;

/// What gix keeps of long chains of deltas, for each reader, in bytes.
const CACHE: usize = 64 << 20;

/// Who has read so many objects reads more, and opens the packs itself ([`super::packed`]); who
/// only appends never comes here, and does not pay for it.
const MANY: u32 = 64;

/// Why an object could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not there.
    #[error("object {0} is missing")]
    Missing(gix::ObjectId),
    /// It is there, but not what its id says, or not readable as an object at all.
    #[error("object {id} is corrupt: {why}")]
    Corrupt {
        /// The id that was asked for.
        id: gix::ObjectId,
        /// What is wrong with it.
        why: String,
    },
    /// It is a genuine object of another kind.
    #[error("object {id} is a {found}")]
    Kind {
        /// The id that was asked for.
        id: gix::ObjectId,
        /// The kind it has.
        found: Kind,
    },
    /// It says it is larger than the caller allows.
    #[error("object {id} is too large, {size} bytes")]
    TooLarge {
        /// The id that was asked for.
        id: gix::ObjectId,
        /// The size it claims.
        size: u64,
    },
    /// The store could not be read.
    #[error("cannot read object {id}: {source}")]
    Io {
        /// The id that was asked for.
        id: gix::ObjectId,
        /// What the operating system said.
        source: io::Error,
    },
}

/// The object stores of one directory: the same files behind two limits. The second is opened when
/// something large is met, which most commands never do.
#[derive(Clone)]
pub(super) struct Stores {
    objects_dir: PathBuf,
    format: gix::hash::Kind,
    small: Arc<gix::odb::Store>,
    large: Arc<OnceLock<Arc<gix::odb::Store>>>,
    packs: SharedPacks,
}

impl Stores {
    fn open(objects_dir: PathBuf, format: gix::hash::Kind) -> io::Result<Self> {
        Ok(Self {
            small: store(&objects_dir, format, SMALL)?,
            large: Arc::default(),
            packs: SharedPacks::default(),
            objects_dir,
            format,
        })
    }

    fn large(&self) -> io::Result<&Arc<gix::odb::Store>> {
        if let Some(large) = self.large.get() {
            return Ok(large);
        }
        let opened = store(&self.objects_dir, self.format, LARGEST)?;
        Ok(self.large.get_or_init(|| opened))
    }
}

fn store(
    objects_dir: &Path,
    format: gix::hash::Kind,
    limit: usize,
) -> io::Result<Arc<gix::odb::Store>> {
    let options = gix::odb::store::init::Options {
        slots: gix::odb::store::init::Slots::AsNeededByDiskState {
            multiplier: 1.5,
            minimum: 512,
        },
        alloc_limit_bytes: Some(limit),
        ..Default::default()
    };
    let none = &mut std::iter::empty();
    gix::odb::Store::at_opts(objects_dir.to_owned(), format, none, options).map(Arc::new)
}

/// Reads objects. Belongs to one thread; keeps what deltas are based on for a while.
pub struct Reader {
    format: gix::hash::Kind,
    places: Vec<Place>,
    stores: Stores,
    packed: RefCell<Option<PackedReader>>,
    reads: Cell<u32>,
    scratch: Cell<Vec<u8>>,
}

struct Place {
    small: gix::odb::HandleArc,
    large: OnceCell<gix::odb::HandleArc>,
    stores: Stores,
}

impl Repository {
    /// A reader of the repository's objects.
    pub fn reader(&self) -> io::Result<Reader> {
        self.reader_with(&[])
    }

    /// A reader that knows nothing of what was there before.
    pub(super) fn fresh_reader(&self) -> io::Result<Reader> {
        let format = self.object_format();
        let stores = Stores::open(self.objects_dir(), format)?;
        Ok(Reader::new(format, &stores))
    }

    /// A reader that, after the repository's own objects, also looks into these directories, such
    /// as the one in which git keeps what a push brings until it is accepted.
    pub fn reader_with(&self, extra_object_dirs: &[PathBuf]) -> io::Result<Reader> {
        let format = self.object_format();
        let main = match self.stores.get() {
            Some(stores) => stores.clone(),
            None => {
                let opened = Stores::open(self.objects_dir(), format)?;
                self.stores.get_or_init(|| opened).clone()
            }
        };
        let mut reader = Reader::new(format, &main);
        for dir in extra_object_dirs {
            let dir = self.environment.absolute(dir);
            let stores = Stores::open(dir, format)?;
            reader.places.push(Place::new(&stores));
        }
        Ok(reader)
    }

    /// The directories that hold what a push brings while its `pre-receive` hook runs; empty
    /// elsewhere. For [`Repository::reader_with`].
    pub fn quarantine(&self) -> Vec<PathBuf> {
        let main = self.objects_dir();
        let mut dirs: Vec<PathBuf> = Vec::new();
        for name in ["GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY"] {
            let Some(dir) = self.environment.get(name) else {
                continue;
            };
            let dir = self.environment.absolute(dir);
            let dir = dir.canonicalize().unwrap_or(dir);
            if dir != main && dir.is_dir() && !dirs.contains(&dir) {
                dirs.push(dir);
            }
        }
        dirs
    }
}

impl Place {
    fn new(stores: &Stores) -> Self {
        Self {
            small: with_cache(&stores.small),
            large: OnceCell::new(),
            stores: stores.clone(),
        }
    }

    fn large(&self) -> io::Result<&gix::odb::HandleArc> {
        if let Some(large) = self.large.get() {
            return Ok(large);
        }
        let opened = self.stores.large()?.to_cache_arc();
        Ok(self.large.get_or_init(|| opened))
    }
}

fn with_cache(store: &Arc<gix::odb::Store>) -> gix::odb::HandleArc {
    store
        .to_cache_arc()
        .with_pack_cache(|| Box::new(gix::odb::pack::cache::lru::MemoryCappedHashmap::new(CACHE)))
}

impl Reader {
    fn new(format: gix::hash::Kind, stores: &Stores) -> Reader {
        Reader {
            format,
            places: vec![Place::new(stores)],
            stores: stores.clone(),
            packed: RefCell::new(None),
            reads: Cell::new(0),
            scratch: Cell::new(Vec::new()),
        }
    }

    /// The bytes of object `id`, which must be a `kind` of at most `limit` bytes.
    pub fn read(&self, id: gix::ObjectId, kind: Kind, limit: usize) -> Result<Vec<u8>, ReadError> {
        // what is handed out may be kept, so it is no larger than it needs to be: gix resolves
        // deltas in buffers of more than twice their size
        let mut buffer = self.scratch.take();
        let read = self.read_into(id, kind, limit, &mut buffer);
        let bytes = read.map(|()| {
            if buffer.len() > SMALL {
                std::mem::take(&mut buffer)
            } else {
                buffer.as_slice().to_vec()
            }
        });
        self.scratch.set(buffer);
        bytes
    }

    /// As [`Reader::read`], into a buffer that can be used again.
    pub fn read_into(
        &self,
        id: gix::ObjectId,
        kind: Kind,
        limit: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        if self.in_packs(id, limit, buffer) == Some(kind) {
            return Ok(());
        }
        let found = self.find(id, limit, buffer)?;
        if buffer.len() > limit {
            return Err(ReadError::TooLarge {
                id,
                size: buffer.len() as u64,
            });
        }
        match gix::objs::compute_hash(self.format, found, buffer) {
            Ok(hash) if hash == id => {}
            Ok(hash) => {
                return Err(ReadError::Corrupt {
                    id,
                    why: format!("its bytes hash to {hash}"),
                });
            }
            Err(_) => {
                return Err(ReadError::Corrupt {
                    id,
                    why: "its bytes are made to collide with others".into(),
                });
            }
        }
        if found == kind {
            Ok(())
        } else {
            Err(ReadError::Kind { id, found })
        }
    }

    /// Whether something is stored under `id`; says nothing of whether it is genuine.
    pub fn holds(&self, id: gix::ObjectId) -> bool {
        id.kind() == self.format
            && self
                .places
                .iter()
                .any(|p| matches!(p.large().map(|p| p.try_header(&id)), Ok(Ok(Some(_)))))
    }

    /// The shorter way for whoever reads much. It answers only with bytes that hash to `id`; for
    /// all else gix is asked, and has the last word on what is wrong.
    fn in_packs(&self, id: gix::ObjectId, limit: usize, buffer: &mut Vec<u8>) -> Option<Kind> {
        if self.reads.get() < MANY || id.kind() != self.format {
            self.reads.set(self.reads.get().saturating_add(1));
            return None;
        }
        let mut packed = self.packed.try_borrow_mut().ok()?;
        let packed = packed.get_or_insert_with(|| {
            let Stores {
                packs, objects_dir, ..
            } = &self.stores;
            packs.reader(objects_dir, self.format)
        });
        let kind = packed.read(&id, limit.min(SMALL), buffer)?;
        let hash = gix::objs::compute_hash(self.format, kind, buffer).ok()?;
        (hash == id).then_some(kind)
    }

    fn find(
        &self,
        id: gix::ObjectId,
        limit: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<Kind, ReadError> {
        if id.kind() != self.format {
            return Err(ReadError::Missing(id));
        }
        for place in &self.places {
            if limit <= SMALL {
                match place.small.try_find(&id, buffer) {
                    Ok(Some(data)) => return Ok(data.kind),
                    Ok(None) => continue,
                    Err(e) if e.is_resource_exhausted() => {}
                    Err(e) => return Err(fault(id, &e)),
                }
            }
            let large = place
                .large()
                .map_err(|source| ReadError::Io { id, source })?;
            match large.try_header(&id) {
                Ok(Some(header)) if header.size() > limit.min(LARGEST) as u64 => {
                    let size = header.size();
                    return Err(ReadError::TooLarge { id, size });
                }
                Ok(Some(_)) => {}
                Ok(None) => continue,
                Err(e) => return Err(fault(id, &e)),
            }
            match large.try_find(&id, buffer) {
                Ok(Some(data)) => return Ok(data.kind),
                Ok(None) => continue,
                Err(e) => return Err(fault(id, &e)),
            }
        }
        Err(ReadError::Missing(id))
    }
}

fn fault(id: gix::ObjectId, error: &(dyn std::error::Error + 'static)) -> ReadError {
    let mut cause = Some(error);
    while let Some(e) = cause {
        if let Some(io) = e.downcast_ref::<io::Error>()
            && matches!(
                io.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::OutOfMemory
            )
        {
            return ReadError::Io {
                id,
                source: io::Error::new(io.kind(), io.to_string()),
            };
        }
        cause = e.source();
    }
    ReadError::Corrupt {
        id,
        why: error.to_string(),
    }
}

/// An object id from exactly as many lower-case hex digits as `format` has.
pub fn parse_id(hex: &[u8], format: gix::hash::Kind) -> Option<gix::ObjectId> {
    if hex.len() != format.len_in_hex() || hex.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    gix::ObjectId::from_hex(hex).ok()
}
