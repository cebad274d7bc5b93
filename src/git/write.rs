//! Writes loose objects that outlive a crash: temporary file, fsync, rename, fsync of the
//! directories. Always into the repository's main store, also while a push is being looked at.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use gix::objs::Kind;

use super::layout::Sharing;
use super::repository::Repository;
use crate::durable;

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
