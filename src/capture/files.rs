//! Files as they are: mode, size and SHA-256, taken from one unchanged state each.
//!
//! Links are recorded as links and never followed; pipes, sockets and devices are recorded as what
//! they are and never opened. What changes while it is read is read again, and named when it does
//! not come to rest.
//!
//! # Limits
//! Owner, times and extended attributes are not looked at. A tree that changes while it is walked
//! is recorded as it was met, file by file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

use super::ignored::{NAMES, Rules};
use crate::escape::printable_bytes;
use crate::merkle::{self, Hash};
use crate::secret;

/// How often a file that changes under our hands is read.
const TRIES: usize = 3;
/// The longest text that is kept for a later difference, in bytes.
pub const MAX_TEXT: usize = 16 << 10;

/// All texts that are kept of one walk, in bytes.
const MAX_TEXTS: usize = 1 << 20;

/// What a walk may find before it is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Files, directories and all else that is met.
    pub entries: usize,
    /// Directories below each other.
    pub depth: usize,
    /// Bytes of one file.
    pub file: u64,
    /// Bytes of all files.
    pub all: u64,
}

/// The bounds of configuration: more than people write, less than takes long to hash.
pub const CONFIGURATION: Bounds = Bounds {
    entries: 100_000,
    depth: 64,
    file: 64 << 20,
    all: 1 << 30,
};

/// The bounds of artifacts: those of whoever names them.
pub const ARTIFACTS: Bounds = Bounds {
    entries: 100_000,
    depth: 64,
    file: 1 << 40,
    all: 1 << 42,
};

/// What stands under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A file.
    File {
        /// Its bytes.
        size: u64,
        /// Their SHA-256.
        digest: Hash,
        /// The bytes themselves, where the name is on the allow-list and they hold no secret.
        text: Option<String>,
    },
    /// A symbolic link; the SHA-256 of what it names.
    Link {
        /// Digest of the name.
        digest: Hash,
    },
    /// Something else, which is not opened: `fifo`, `socket`, `device`, `other`.
    Special(String),
}

/// A file, link or something else under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The permission bits, 0o7777 at most.
    pub mode: u32,
    /// What it is.
    pub what: What,
}

/// Everything that was found, by name; bytes, since names need not be text.
pub type Files = BTreeMap<Vec<u8>, Found>;

/// A place to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Where it is: absolute, without links on the way.
    pub path: PathBuf,
    /// What it is called in the record; empty for the top of a work tree.
    pub name: Vec<u8>,
}

/// What a walk found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walked {
    /// The files.
    pub files: Files,
    /// What the tree's own rules leave out; a directory stands for all that is in it.
    pub left_out: BTreeSet<Vec<u8>>,
    /// Roots that are not there.
    pub missing: Vec<Vec<u8>>,
    entries: usize,
    bytes: u64,
    texts: usize,
}

/// Why a file or tree could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// It could not be read.
    #[error("cannot read '{}': {why}", shown(.path))]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        why: io::Error,
    },
    /// It never held still.
    #[error("'{}' changes while it is read", shown(.0))]
    Racy(PathBuf),
    /// It is larger than allowed.
    #[error("'{}' is larger than {most} bytes", shown(.path))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is allowed.
        most: u64,
    },
    /// There is more in the tree than allowed.
    #[error("'{}' is beyond the {most} {what} that are looked at", shown(.path))]
    TooMany {
        /// Where it became too much.
        path: PathBuf,
        /// What is counted.
        what: &'static str,
        /// What is allowed.
        most: u64,
    },
}

impl FileFault {
    /// Whether an ignore rule for the file would help.
    pub fn is_bound(&self) -> bool {
        matches!(self, FileFault::TooLarge { .. } | FileFault::TooMany { .. })
    }
}

fn shown(path: &Path) -> String {
    printable_bytes(path.as_os_str().as_bytes())
}

/// Whether the text of a file may be kept; asked with its name in the record.
pub type Allow<'a> = &'a dyn Fn(&[u8]) -> bool;

impl Walked {
    /// Adds what stands at a root: a tree, or the one file, link or other thing it is.
    ///
    /// # Errors
    /// [`FileFault`] names the first file that cannot be recorded.
    pub fn add(&mut self, root: &Root, bounds: Bounds, allow: Allow<'_>) -> Result<(), FileFault> {
        match root.path.symlink_metadata() {
            Err(why) if is_gone(&why) => {
                self.missing.push(root.name.clone());
                Ok(())
            }
            _ => self.walk(root, bounds, allow),
        }
    }

    fn walk(&mut self, root: &Root, bounds: Bounds, allow: Allow<'_>) -> Result<(), FileFault> {
        let mut rules = Rules::default();
        let mut walk = WalkDir::new(&root.path)
            .follow_links(false)
            .follow_root_links(false)
            .into_iter();
        while let Some(entry) = walk.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(&root.path).to_owned();
                    let deeper = error.depth() > 0;
                    let why = error
                        .into_io_error()
                        .unwrap_or_else(|| io::Error::other("a loop"));
                    // what was removed meanwhile is not there
                    if deeper && is_gone(&why) {
                        continue;
                    }
                    return Err(FileFault::Io { path, why });
                }
            };
            let (path, depth) = (entry.path(), entry.depth());
            let directory = entry.file_type().is_dir();
            rules.leave(depth);
            let name = name_below(root, path);
            if depth > 0 {
                if entry.file_name() == ".git" {
                    if directory {
                        walk.skip_current_dir();
                    }
                    continue;
                }
                let always = NAMES.iter().any(|rule| entry.file_name() == *rule);
                if !always && rules.leave_out(path, directory) {
                    if directory {
                        walk.skip_current_dir();
                    }
                    self.count(path, bounds)?;
                    self.left_out.insert(name);
                    continue;
                }
            }
            self.count(path, bounds)?;
            if directory {
                if depth > bounds.depth {
                    return Err(FileFault::TooMany {
                        path: path.to_owned(),
                        what: "directories below each other",
                        most: bounds.depth as u64,
                    });
                }
                let rules = rules.enter(path, depth);
                rules.map_err(|why| FileFault::Io {
                    path: path.to_owned(),
                    why,
                })?;
                continue;
            }
            match self.take(path, &name, bounds, allow) {
                Err(FileFault::Io { why, .. }) if depth > 0 && is_gone(&why) => {}
                found => {
                    self.files.insert(name, found?);
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, path: &Path, bounds: Bounds) -> Result<(), FileFault> {
        self.entries += 1;
        if self.entries > bounds.entries {
            return Err(FileFault::TooMany {
                path: path.to_owned(),
                what: "files and directories",
                most: bounds.entries as u64,
            });
        }
        Ok(())
    }

    fn take(
        &mut self,
        path: &Path,
        name: &[u8],
        bounds: Bounds,
        allow: Allow<'_>,
    ) -> Result<Found, FileFault> {
        let left = bounds.all.saturating_sub(self.bytes);
        let kept = self.texts < MAX_TEXTS && allow(name);
        let found = look(path, bounds.file, kept)?;
        if let What::File { size, text, .. } = &found.what {
            self.texts += text.as_ref().map_or(0, String::len);
            if *size > left {
                return Err(FileFault::TooMany {
                    path: path.to_owned(),
                    what: "bytes of all files",
                    most: bounds.all,
                });
            }
            self.bytes += size;
        }
        Ok(found)
    }
}

/// One file, link or other thing as it is; its text too if that may be `kept`.
///
/// # Errors
/// [`FileFault`].
pub fn look(path: &Path, most: u64, kept: bool) -> Result<Found, FileFault> {
    let fault = |why| FileFault::Io {
        path: path.to_owned(),
        why,
    };
    for _ in 0..TRIES {
        let before = path.symlink_metadata().map_err(fault)?;
        let (kind, mode) = (before.file_type(), before.mode() & 0o7777);
        if kind.is_symlink() {
            let target = std::fs::read_link(path).map_err(fault)?;
            let digest = merkle::sha256(&target.into_os_string().into_vec());
            return Ok(Found {
                mode,
                what: What::Link { digest },
            });
        }
        if !kind.is_file() {
            let word = if kind.is_fifo() {
                "fifo"
            } else if kind.is_socket() {
                "socket"
            } else if kind.is_block_device() || kind.is_char_device() {
                "device"
            } else {
                "other"
            };
            return Ok(Found {
                mode,
                what: What::Special(word.into()),
            });
        }
        if before.len() > most {
            return Err(FileFault::TooLarge {
                path: path.to_owned(),
                most,
            });
        }
        // another file has the name by now
        let Some(what) = read(path, &before, kept).map_err(fault)? else {
            continue;
        };
        return Ok(Found { mode, what });
    }
    Err(FileFault::Racy(path.to_owned()))
}

/// The file that was seen, read whole; none if it is another one or changed meanwhile.
fn read(path: &Path, seen: &Metadata, kept: bool) -> io::Result<Option<What>> {
    let mut file = open(path)?;
    let same = |now: &Metadata| {
        let stamp = |m: &Metadata| {
            let times = (m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec());
            (m.dev(), m.ino(), m.len(), m.mode(), times)
        };
        stamp(now) == stamp(seen)
    };
    if !same(&file.metadata()?) {
        return Ok(None);
    }
    let (mut hasher, mut size, mut text) = (Sha256::new(), 0u64, Vec::new());
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
            Err(why) => return Err(why),
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        hasher.update(bytes);
        size += count as u64;
        if size > seen.len() {
            return Ok(None);
        }
        if kept && size <= MAX_TEXT as u64 {
            text.extend_from_slice(bytes);
        }
    }
    if size != seen.len() || !same(&file.metadata()?) {
        return Ok(None);
    }
    let whole = kept && text.len() as u64 == size;
    let text = String::from_utf8(text)
        .ok()
        .filter(|text| whole && may_stand(text));
    Ok(Some(What::File {
        size,
        digest: hasher.finalize().into(),
        text,
    }))
}

/// Whether the record may hold a text: no secret in it, and no character that it refuses.
fn may_stand(text: &str) -> bool {
    crate::json::forbidden_character(text).is_none() && !text.contains('\0') && !secret::is_in(text)
}

/// Opens a file that is reached through no link at all, without waiting for anything.
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, ResolveFlags};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::openat2(
        rustix::fs::CWD,
        path,
        flags,
        Mode::empty(),
        ResolveFlags::NO_SYMLINKS,
    );
    match opened {
        // a kernel before 5.6, or a sandbox that does not know the call
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
            Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
        }
        opened => Ok(opened?.into()),
    }
}

fn is_gone(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn name_below(root: &Root, path: &Path) -> Vec<u8> {
    let below = path.strip_prefix(&root.path).unwrap_or(path);
    let below = below.as_os_str().as_bytes();
    match (root.name.as_slice(), below) {
        (name, []) => name.to_vec(),
        ([], below) => below.to_vec(),
        (name, below) => [name, b"/", below].concat(),
    }
}

#[cfg(test)]
mod tests;
