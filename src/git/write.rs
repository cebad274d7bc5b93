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
use libdeflater::{CompressionLvl, Compressor};

use super::layout::Sharing;
use super::repository::Repository;
use crate::durable;

/// The file of a `git gc` is believed without asking for its process, which may be one of another
/// machine.
const FRESH: Duration = Duration::from_secs(3600);

/// After that time git itself takes the file for a leftover.
const STALE: Duration = Duration::from_secs(12 * 3600);

/// What fits into one block of the disk with its frame is not deflated: it takes no less room
/// then, and to begin a compressor costs more than to write the file.
const AS_IT_IS: usize = 4096 - 16;

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
        let objects = self.objects_dir();
        let path = self.loose_path(id);
        let dir = path.parent().map_or(objects.clone(), Path::to_owned);
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

    /// Asks the disk, since a reader may still hold a pack that was removed. A loose file is what
    /// was written a moment ago.
    fn are_on_disk(&self, objects: &[(Kind, Vec<u8>)]) -> bool {
        let mut reader = None;
        objects.iter().all(|(kind, bytes)| {
            let Some(id) = object_id(self.object_format(), *kind, bytes) else {
                return false;
            };
            if fs::symlink_metadata(self.loose_path(id)).is_ok_and(|meta| meta.is_file()) {
                return true;
            }
            let reader = reader.get_or_insert_with(|| self.fresh_reader().ok());
            reader
                .as_ref()
                .is_some_and(|reader| reader.read(id, *kind, bytes.len()).is_ok())
        })
    }

    /// Where an object is when it has a file of its own.
    fn loose_path(&self, id: gix::ObjectId) -> PathBuf {
        let hex = id.to_string();
        let (fan, rest) = hex.split_at(2);
        let mut path = self.objects_dir();
        path.push(fan);
        path.push(rest);
        path
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
        let path = self.loose_path(id);
        let kept = |dir: &Path| durable::sync_dir(dir).is_ok();
        match fs::File::open(&path) {
            Ok(file) => file.sync_all().is_ok() && path.parent().is_some_and(kept),
            Err(_) => true,
        }
    }

    fn loose_file(
        &self,
        objects: &Path,
        kind: Kind,
        bytes: &[u8],
    ) -> io::Result<tempfile::NamedTempFile> {
        let mut file = temporary(objects, "tmp_obj_")?;
        let header = format!("{kind} {}\0", bytes.len());
        // an error names the object, not the temporary file
        let out = file.as_file_mut();
        if header.len() + bytes.len() <= AS_IT_IS {
            out.write_all(&stored(&[header.as_bytes(), bytes].concat())?)?;
        } else {
            let mut deflate = ZlibEncoder::new(out, Compression::new(6));
            deflate.write_all(header.as_bytes())?;
            deflate.write_all(bytes)?;
            deflate.finish()?;
        }
        seal(file.as_file(), self.sharing)?;
        Ok(file)
    }
}

/// A zlib stream (RFC 1950) that holds these bytes as they are.
fn stored(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut level0 = Compressor::new(CompressionLvl::new(0).map_err(|_| io::ErrorKind::Other)?);
    let mut out = vec![0; level0.zlib_compress_bound(bytes.len())];
    let size = level0
        .zlib_compress(bytes, &mut out)
        .map_err(io::Error::other)?;
    out.truncate(size);
    Ok(out)
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
    if dir.is_dir() {
        return Ok(());
    }
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

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_stored_as_it_is_inflates_to_itself() {
        for size in [0, 1, 700, AS_IT_IS, 65_535] {
            let bytes: Vec<u8> = (0..size).map(|n| (n * 31 % 251) as u8).collect();
            let mut back = Vec::new();
            flate2::read::ZlibDecoder::new(stored(&bytes).unwrap().as_slice())
                .read_to_end(&mut back)
                .unwrap();
            assert_eq!(back, bytes);
        }
    }
}
