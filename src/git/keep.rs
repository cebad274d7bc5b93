//! Packs that came in and that no reference reaches yet: a `.keep` file beside them tells a
//! `git repack -a -d` that runs meanwhile to leave them, as git's own fetch does.
//!
//! Ours hold a lock of the operating system, so the ones of dead processes are told and removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What ours say; those of git and of people say something else.
const OURS: &[u8] = b"git-ledger, until its references have moved\n";

/// A pack that is kept; no longer when dropped.
#[derive(Debug)]
pub struct KeptPack {
    path: PathBuf,
    _lock: File,
}

impl KeptPack {
    /// Keeps the pack of this name, without its extension, in this directory; to be called before
    /// its index is there. None if somebody else keeps it already.
    pub(super) fn new(dir: &Path, stem: &str) -> io::Result<Option<KeptPack>> {
        let path = dir.join(format!("{stem}.keep"));
        let mut file = tempfile::Builder::new()
            .prefix("tmp_keep_")
            .tempfile_in(dir)?;
        file.write_all(OURS)?;
        file.as_file().lock()?;
        match file.persist_noclobber(&path) {
            Ok(lock) => Ok(Some(KeptPack { path, _lock: lock })),
            Err(why) if why.error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(why) => Err(why.error),
        }
    }
}

impl KeptPack {
    /// The pack's path, without the end.
    pub(super) fn path(&self) -> PathBuf {
        self.path.with_extension("")
    }

    /// The name of the pack's file, without the end.
    pub fn name(&self) -> Option<String> {
        let name = self.path.file_stem()?;
        Some(name.to_string_lossy().into_owned())
    }

    /// Whether pack and index are where they were put.
    ///
    /// # Errors
    /// When they are not, or cannot be looked at.
    pub fn is_there(&self) -> io::Result<()> {
        let is_there = |extension| fs::metadata(self.path.with_extension(extension)).map(drop);
        is_there("pack").and_then(|()| is_there("idx"))
    }
}

impl Drop for KeptPack {
    fn drop(&mut self) {
        // one that stays is removed by the next of us
        fs::remove_file(&self.path).ok();
    }
}

/// Removes what killed processes of ours left in a directory of packs.
pub(super) fn clear_dead(dir: &Path) -> io::Result<()> {
    let items = match fs::read_dir(dir) {
        Ok(items) => items,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(why) => return Err(why),
    };
    for item in items {
        let path = item?.path();
        if path.extension().is_none_or(|e| e != "keep") {
            continue;
        }
        let ours = || -> io::Result<bool> {
            let size = fs::symlink_metadata(&path)?;
            Ok(size.is_file() && size.len() == OURS.len() as u64 && fs::read(&path)? == OURS)
        };
        // whoever else clears, or ends just now, may have been faster
        if !ours().unwrap_or(false) {
            continue;
        }
        let Ok(file) = OpenOptions::new().read(true).open(&path) else {
            continue;
        };
        if file.try_lock().is_ok() {
            fs::remove_file(&path).ok();
        }
    }
    Ok(())
}
