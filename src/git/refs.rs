//! References by their full names: read without following anything, moved only from the value
//! the caller last saw.
//!
//! Moving follows git's own lock protocol, so it is safe beside any git; unlike git's default it
//! is on the disk when it returns and always leaves a line in the reflog.
//!
//! # Limits
//! Moving a reference runs no `reference-transaction` hook. When HEAD stands for the reference,
//! HEAD's own reflog gets no line.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gix::bstr::ByteSlice;

use super::config::read_bounded;
use super::layout::RefStorage;
use super::objects::parse_id;
use super::reftable;
use super::repository::Repository;

const PACKED_LIMIT: u64 = 1 << 30;
const REF_LIMIT: u64 = 4096;

/// Why a reference could not be read or moved.
#[derive(Debug, thiserror::Error)]
pub enum RefError {
    /// Not the full name of a reference.
    #[error("'{0}' is not the full name of a reference")]
    BadName(String),
    /// It stands for another reference; that one is not followed.
    #[error("'{name}' is a symbolic reference to '{target}'")]
    Symbolic {
        /// The reference.
        name: String,
        /// What it names; foreign text.
        target: String,
    },
    /// Its place holds a symbolic link, or something that is no reference.
    #[error("'{name}' is not a reference: {why}")]
    Garbage {
        /// The reference.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// It is not where the caller last saw it.
    #[error("'{name}' has moved to {}", actual.map_or("nothing".into(), |a| a.to_string()))]
    Moved {
        /// The reference.
        name: String,
        /// Where it is now.
        actual: Option<gix::ObjectId>,
    },
    /// Somebody held its lock the whole time.
    #[error("'{}' has been there for {} s\nhint: another git may be at work; if none is, remove that file", path.display(), age.as_secs())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long ago it was made.
        age: Duration,
    },
    /// Another reference needs its name for a directory, or the other way round.
    #[error("'{name}' cannot be beside '{other}'")]
    Conflict {
        /// The reference.
        name: String,
        /// The one in its way.
        other: String,
    },
    /// A committer that cannot stand in a reflog.
    #[error("'{0}' is not a committer as 'name <mail> seconds +0000'")]
    BadCommitter(String),
    /// It has moved, and the operating system does not say that it will stay there.
    #[error("'{name}' has moved, but it is not sure that the disk keeps it: {source}")]
    NotDurable {
        /// The reference.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The operating system would not.
    #[error("cannot access '{}': {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Git, which keeps these references, gave no usable answer.
    #[error("git could not read or move '{name}': {why}")]
    Git {
        /// The reference.
        name: String,
        /// What it said; foreign text.
        why: String,
    },
}

/// Where a reference has to be for a move to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It must not exist.
    Absent,
    /// It must be here.
    Is(gix::ObjectId),
}

/// One reference as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRef {
    /// Its full name, in whatever bytes.
    pub name: Vec<u8>,
    /// What it holds.
    pub value: RefValue,
}

/// What a reference holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefValue {
    /// An object.
    Object(gix::ObjectId),
    /// The name of another reference.
    Symbolic(Vec<u8>),
    /// Nothing that makes sense.
    Garbage(String),
}

/// One move of a reference.
#[derive(Debug, Clone, Copy)]
pub struct RefUpdate<'a> {
    /// Full name.
    pub name: &'a str,
    /// Where it has to be.
    pub expected: Expected,
    /// Where it goes.
    pub new: gix::ObjectId,
    /// For the reflog; line breaks become spaces.
    pub message: &'a str,
    /// For the reflog: `name <mail> seconds +0000`.
    pub committer: &'a str,
}

impl Repository {
    /// The object that the reference with this full name points to; none if there is no such
    /// reference.
    pub fn find_ref(&self, name: &str) -> Result<Option<gix::ObjectId>, RefError> {
        check_name(name)?;
        let value = match self.storage {
            RefStorage::Reftable => reftable::find(self, name)?,
            RefStorage::Files => match self.loose(name)? {
                Some(value) => Some(value),
                None => self.packed(name)?.map(RefValue::Object),
            },
        };
        match value {
            None => Ok(None),
            Some(RefValue::Object(id)) => Ok(Some(id)),
            Some(RefValue::Symbolic(target)) => Err(RefError::Symbolic {
                name: name.into(),
                target: String::from_utf8_lossy(&target).into_owned(),
            }),
            Some(RefValue::Garbage(why)) => Err(RefError::Garbage {
                name: name.into(),
                why,
            }),
        }
    }

    /// Whether the reference stands in a file of its own and, with the same object, in
    /// `packed-refs`, which nobody has locked: git takes such a file away when it has packed
    /// references, and nothing changes by it. To delete a reference it locks `packed-refs` first.
    pub fn is_packed_too(&self, name: &str) -> Result<bool, RefError> {
        check_name(name)?;
        if self.storage == RefStorage::Reftable
            || self.common_dir().join("packed-refs.lock").exists()
        {
            return Ok(false);
        }
        match (self.loose(name)?, self.packed(name)?) {
            (Some(RefValue::Object(loose)), Some(packed)) => Ok(loose == packed),
            _ => Ok(false),
        }
    }

    /// All references whose full names begin with `prefix`, ascending.
    pub fn list_refs(&self, prefix: &str) -> Result<Vec<ListedRef>, RefError> {
        let mut found = std::collections::BTreeMap::new();
        match self.storage {
            RefStorage::Reftable => {
                for listed in reftable::list(self)? {
                    found.insert(listed.name, listed.value);
                }
            }
            RefStorage::Files => {
                self.each_packed(|name, id| {
                    found.insert(name.to_vec(), RefValue::Object(id));
                })?;
                let mut loose = Vec::new();
                let shared = self.common_dir().join("refs");
                walk(&shared, b"refs", 0, &mut loose).map_err(|source| RefError::Io {
                    path: shared,
                    source,
                })?;
                for (name, path) in loose {
                    match self.read_loose(&path) {
                        Ok(Some(value)) => drop(found.insert(name, value)),
                        Ok(None) => {}
                        Err(e) => drop(found.insert(name, RefValue::Garbage(e.to_string()))),
                    }
                }
            }
        }
        Ok(found
            .into_iter()
            .filter(|(name, _)| name.starts_with(prefix.as_bytes()))
            .map(|(name, value)| ListedRef { name, value })
            .collect())
    }

    pub(super) fn ref_path(&self, name: &str) -> PathBuf {
        // These few belong to one work tree; git keeps them in its own directory.
        let private = ["refs/bisect/", "refs/worktree/", "refs/rewritten/"];
        let base = if private.iter().any(|p| name.starts_with(p)) {
            self.git_dir()
        } else {
            self.common_dir()
        };
        base.join(name)
    }

    fn loose(&self, name: &str) -> Result<Option<RefValue>, RefError> {
        let path = self.ref_path(name);
        let failed = |source| RefError::Io {
            path: path.clone(),
            source,
        };
        // A link above it would lead out of the repository as well as one in its place.
        let mut above = self.common_dir().to_owned();
        for part in name.split('/') {
            above.push(part);
            match fs::symlink_metadata(&above) {
                Ok(meta) if meta.is_symlink() && part != "refs" => {
                    return Ok(Some(RefValue::Garbage("there is a symbolic link".into())));
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        self.read_loose(&path).map_err(failed)
    }

    fn read_loose(&self, path: &Path) -> io::Result<Option<RefValue>> {
        match fs::symlink_metadata(path) {
            Ok(meta) if meta.is_symlink() => {
                return Ok(Some(RefValue::Garbage("it is a symbolic link".into())));
            }
            Ok(meta) if meta.is_dir() => return Ok(None),
            Ok(meta) if !meta.is_file() => {
                return Ok(Some(RefValue::Garbage("it is not a file".into())));
            }
            Ok(_) => {}
            Err(e) if is_absent(&e) => return Ok(None),
            Err(e) => return Err(e),
        }
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path);
        let file = match opened {
            Ok(file) => file,
            Err(e) if is_absent(&e) => return Ok(None),
            Err(e) => return Err(e),
        };
        let mut text = Vec::new();
        file.take(REF_LIMIT).read_to_end(&mut text)?;
        let trimmed = text.trim_end();
        if let Some(target) = trimmed.strip_prefix(b"ref:") {
            return Ok(Some(RefValue::Symbolic(target.trim_start().to_vec())));
        }
        Ok(Some(match parse_id(trimmed, self.object_format()) {
            Some(id) if !id.is_null() => RefValue::Object(id),
            _ => RefValue::Garbage("it holds no object id".into()),
        }))
    }

    fn packed(&self, wanted: &str) -> Result<Option<gix::ObjectId>, RefError> {
        let mut found: Option<gix::ObjectId> = None;
        let mut twice = false;
        self.each_packed(|name, id| {
            if name == wanted.as_bytes() {
                // which of the two git would take depends on where they stand
                twice |= found.is_some_and(|other| other != id);
                found = Some(id);
            }
        })?;
        if twice {
            return Err(RefError::Garbage {
                name: wanted.into(),
                why: "packed-refs lists it twice".into(),
            });
        }
        Ok(found)
    }

    pub(super) fn each_packed(
        &self,
        mut visit: impl FnMut(&[u8], gix::ObjectId),
    ) -> Result<(), RefError> {
        let path = self.common_dir().join("packed-refs");
        let read = read_bounded(&path, PACKED_LIMIT).map_err(|source| RefError::Io {
            path: path.clone(),
            source,
        })?;
        let hex = self.object_format().len_in_hex();
        for line in read.unwrap_or_default().lines() {
            if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"^") {
                continue;
            }
            let parsed = line
                .split_at_checked(hex)
                .and_then(|(id, rest)| Some((parse_id(id, self.object_format())?, rest)))
                .and_then(|(id, rest)| Some((id, rest.strip_prefix(b" ")?)));
            let Some((id, name)) = parsed else {
                return Err(RefError::Garbage {
                    name: "packed-refs".into(),
                    why: "a line is not an object id and a name".into(),
                });
            };
            visit(name, id);
        }
        Ok(())
    }
}

/// Only full names, as `git check-ref-format` has them.
pub(super) fn check_name(name: &str) -> Result<(), RefError> {
    let sound = name.starts_with("refs/")
        && gix::validate::reference::name(name.as_bytes().as_bstr()).is_ok();
    if sound {
        Ok(())
    } else {
        Err(RefError::BadName(name.into()))
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn walk(
    dir: &Path,
    name: &[u8],
    depth: usize,
    found: &mut Vec<(Vec<u8>, PathBuf)>,
) -> io::Result<()> {
    if depth > 64 {
        return Err(io::Error::other("references nested too deeply"));
    }
    for item in fs::read_dir(dir)? {
        let item = item?;
        let file_name = item.file_name();
        if file_name.as_bytes().ends_with(b".lock") {
            continue;
        }
        let mut full = name.to_vec();
        full.push(b'/');
        full.extend_from_slice(file_name.as_bytes());
        if item.file_type()?.is_dir() {
            walk(&item.path(), &full, depth + 1, found)?;
        } else {
            found.push((full, item.path()));
        }
    }
    Ok(())
}
