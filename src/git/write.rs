//! Writes loose objects that outlive a crash: temporary file, fsync, rename, fsync of the
//! directories. Always into the repository's main store, also while a push is being looked at.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use gix::objs::Kind;

use super::layout::Sharing;
use super::repository::Repository;
use crate::durable;

/// The file of a `git gc` is believed without asking for its process, which may be one of another
/// machine.
const FRESH: Duration = Duration::from_secs(3600);

/// After that time git itself takes the file for a leftover.
const STALE: Duration = Duration::from_secs(12 * 3600);

/// Why something could not be written into the object store.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The operating system would not.
    #[error("cannot write to '{}': {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The bytes are half of a known attack on SHA-1.
    #[error("refusing to store an object whose bytes are made to collide with others")]
    Collision,
}

/// The id that `bytes` have as an object of this kind; none for a SHA-1 collision attack.
pub fn object_id(format: gix::hash::Kind, kind: Kind, bytes: &[u8]) -> Option<gix::ObjectId> {
    gix::objs::compute_hash(format, kind, bytes).ok()
}

impl Repository {
    /// Stores one object; durable when it returns. Storing it again is fine, and mends a copy
    /// that has been damaged.
    pub fn write_object(&self, kind: Kind, bytes: &[u8]) -> Result<gix::ObjectId, WriteError> {
        let id = object_id(self.object_format(), kind, bytes).ok_or(WriteError::Collision)?;
        if self.is_stored(id, kind, bytes.len()) {
            return Ok(id);
        }
        let hex = id.to_string();
        let objects = self.objects_dir();
        let (fan, rest) = hex.split_at(2);
        let dir = objects.join(fan);
        let path = dir.join(rest);
        let failed = |source| WriteError::Io {
            path: path.clone(),
            source,
        };
        make_dir(&dir, self.sharing).map_err(failed)?;
        let file = self.loose_file(&objects, kind, bytes).map_err(failed)?;
        file.persist(&path).map_err(|e| failed(e.error))?;
        durable::sync_dir(&dir).map_err(failed)?;
        Ok(id)
    }

    /// Makes sure that objects are still there after the reference that reaches them has moved,
    /// and stay there. A `git gc` that looked at the references before that may take them for
    /// garbage until it ends; it removes loose objects, and packs it saw when it began, but no
    /// pack that was added since.
    ///
    /// # Limits
    /// `git prune` run by hand cannot be seen from outside.
    pub fn keep_objects(&self, objects: &[(Kind, Vec<u8>)]) -> Result<(), WriteError> {
        if self.is_being_cleaned() || !self.are_on_disk(objects) {
            self.write_many(objects.iter().cloned())?;
        }
        Ok(())
    }

    /// Asks the disk, since a reader may still hold a pack that was removed.
    fn are_on_disk(&self, objects: &[(Kind, Vec<u8>)]) -> bool {
        let Ok(reader) = self.fresh_reader() else {
            return false;
        };
        objects.iter().all(|(kind, bytes)| {
            object_id(self.object_format(), *kind, bytes)
                .is_some_and(|id| reader.read(id, *kind, bytes.len()).is_ok())
        })
    }

    /// Whether a `git gc` says that it is at work: a file with the number of its process, which
    /// a killed one leaves behind.
    fn is_being_cleaned(&self) -> bool {
        let path = self.common_dir().join("gc.pid");
        let age = fs::metadata(&path)
            .and_then(|meta| meta.modified())
            .map(|at| at.elapsed().unwrap_or_default());
        let alive = || {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let number = text.split_whitespace().next()?.parse().ok()?;
            rustix::process::test_kill_process(rustix::process::Pid::from_raw(number)?).ok()
        };
        match age {
            Ok(age) if age < FRESH => true,
            Ok(age) => age < STALE && alive().is_some(),
            Err(_) => false,
        }
    }

    /// Whether it is there already, whole. A packed or loose copy that git wrote may not be on
    /// the disk yet; asking for fsync of a file costs nothing when it is.
    fn is_stored(&self, id: gix::ObjectId, kind: Kind, size: usize) -> bool {
        let Ok(reader) = self.reader() else {
            return false;
        };
        if reader.read(id, kind, size).is_err() {
            return false;
        }
        let hex = id.to_string();
        let (fan, rest) = hex.split_at(2);
        let dir = self.objects_dir().join(fan);
        match fs::File::open(dir.join(rest)) {
            Ok(file) => file.sync_all().is_ok() && durable::sync_dir(&dir).is_ok(),
            Err(_) => true,
        }
    }

    fn loose_file(
        &self,
        objects: &Path,
        kind: Kind,
        bytes: &[u8],
    ) -> io::Result<tempfile::NamedTempFile> {
        let file = temporary(objects, "tmp_obj_")?;
        let mut deflate = ZlibEncoder::new(file, Compression::new(6));
        write!(deflate, "{kind} {}\0", bytes.len())?;
        deflate.write_all(bytes)?;
        let file = deflate.finish()?;
        seal(file.as_file(), self.sharing)?;
        Ok(file)
    }
}

/// A temporary file under the name that git's own housekeeping knows and clears away.
pub(super) fn temporary(dir: &Path, prefix: &str) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new()
        .prefix(prefix)
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(dir)
}

/// Makes a finished file read-only and durable.
pub(super) fn seal(file: &fs::File, sharing: Sharing) -> io::Result<()> {
    file.set_permissions(fs::Permissions::from_mode(sharing.file(0o444)))?;
    file.sync_all()
}

/// Makes one directory, durable and shared as the repository wants it, unless it is there.
///
/// # Limits
/// One that somebody else made a moment ago is taken as it is: whoever made it may not have
/// waited for the disk.
pub(super) fn make_dir(dir: &Path, sharing: Sharing) -> io::Result<()> {
    match fs::create_dir(dir) {
        Ok(()) => {
            if sharing != Sharing::Umask {
                let mode = sharing.directory(fs::metadata(dir)?.permissions().mode());
                fs::set_permissions(dir, fs::Permissions::from_mode(mode))?;
            }
            match dir.parent() {
                Some(above) => durable::sync_dir(above),
                None => Ok(()),
            }
        }
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(e) => Err(e),
    }
}
