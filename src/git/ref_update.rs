//! Moves references of the files backend by git's own lock protocol: make `<name>.lock`, compare,
//! write, fsync, reflog, rename, fsync of the directory.
//!
//! A killed git leaves `<name>.lock` behind, and nobody can tell it from a held one. Ours can be
//! told: it is the second name of a file in a directory of our own, and whoever makes such a file
//! holds a lock of the operating system, which dies with its holder. So who holds that lock and
//! finds the file there knows that its maker is dead; if `<name>.lock` is that very file, nobody
//! holds it, and it is removed. A lock of any other origin is never touched, only explained.
//!
//! # Limits
//! On file systems without hard links our own locks are told as little as git's.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::layout::RefStorage;
use super::lock::{FileLock, LockError, jitter};
use super::refs::{Expected, RefError, RefUpdate, check_name};
use super::reftable;
use super::repository::Repository;
use super::write::{make_dir, object_id};
use crate::durable;

const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// How long others of our own kind may take, who may in turn wait for a git.
const TURN_PATIENCE: Duration = Duration::from_secs(20);

/// Where the first names of our locks are, below the common directory.
const CLAIMS: &[&str] = &["git-ledger", "git-ledger/ref-locks"];

impl Repository {
    /// Moves a reference, or makes it; durable when it returns.
    pub fn update_ref(&self, update: &RefUpdate<'_>) -> Result<(), RefError> {
        check_name(update.name)?;
        check_committer(update.committer)?;
        if self.storage == RefStorage::Reftable {
            return reftable::update(self, update);
        }
        let name = update.name;
        let path = self.ref_path(name);
        self.check_no_conflict(name)?;
        self.make_dirs(self.common_dir(), name)?;
        let claim = self.claim(name)?;
        let mut lock = match RefLock::take(&path, &claim) {
            // Git removes empty directories whenever it likes, also those just made.
            Err(RefError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                self.make_dirs(self.common_dir(), name)?;
                RefLock::take(&path, &claim)?
            }
            taken => taken?,
        };
        let actual = self.find_ref(name)?;
        let expected = match update.expected {
            Expected::Absent => None,
            Expected::Is(id) => Some(id),
        };
        if actual != expected {
            return Err(RefError::Moved {
                name: name.into(),
                actual,
            });
        }
        self.check_no_conflict(name)?;
        let failed = |source| RefError::Io {
            path: path.clone(),
            source,
        };
        if path.is_dir() {
            // Git leaves such directories behind when it packs or deletes what was in them.
            remove_empty_dirs(&path).map_err(|_| RefError::Conflict {
                name: name.into(),
                other: format!("{name}/…"),
            })?;
        }
        lock.write(&format!("{}\n", update.new), self.sharing.file(0o644))
            .map_err(failed)?;
        self.append_reflog(update, actual)?;
        lock.commit(&path).map_err(failed)?;
        let kept = path.parent().map_or(Ok(()), durable::sync_dir);
        kept.map_err(|source| RefError::NotDurable {
            name: name.into(),
            source,
        })
    }

    /// Our turn to lock a reference, among processes of our own kind.
    fn claim(&self, name: &str) -> Result<Claim, RefError> {
        let mut dir = self.common_dir().to_owned();
        for part in CLAIMS {
            dir = self.common_dir().join(part);
            make_dir(&dir, self.sharing).map_err(|source| RefError::Io {
                path: dir.clone(),
                source,
            })?;
        }
        // any injective name of one length will do; names of references can be longer than a file's
        let sha1 = gix::hash::Kind::Sha1;
        let key = object_id(sha1, gix::objs::Kind::Blob, name.as_bytes())
            .ok_or_else(|| RefError::BadName(name.into()))?;
        let turn = dir.join(format!("{key}.turn"));
        let until = Instant::now() + TURN_PATIENCE;
        let turn = FileLock::acquire(&turn, until).map_err(|error| match error {
            LockError::Io { path, source } => RefError::Io { path, source },
            busy => RefError::Io {
                path: turn.clone(),
                source: io::Error::new(io::ErrorKind::WouldBlock, busy.to_string()),
            },
        })?;
        Ok(Claim {
            path: dir.join(format!("{key}.lock")),
            _turn: turn,
        })
    }

    /// A reference cannot be a directory for another one.
    fn check_no_conflict(&self, name: &str) -> Result<(), RefError> {
        let conflict = |other: String| RefError::Conflict {
            name: name.into(),
            other,
        };
        for (at, _) in name.match_indices('/').skip(1) {
            let above = name.get(..at).unwrap_or_default();
            let path = self.ref_path(above);
            if fs::symlink_metadata(&path).is_ok_and(|m| !m.is_dir()) {
                return Err(conflict(above.into()));
            }
        }
        let mut other = None;
        self.each_packed(|packed, _| {
            let under = |long: &[u8], short: &[u8]| {
                long.strip_prefix(short)
                    .is_some_and(|r| r.starts_with(b"/"))
            };
            if under(packed, name.as_bytes()) || under(name.as_bytes(), packed) {
                other = Some(String::from_utf8_lossy(packed).into_owned());
            }
        })?;
        match other {
            Some(other) => Err(conflict(other)),
            None => Ok(()),
        }
    }

    /// Makes the directories of `name` below `base`.
    fn make_dirs(&self, base: &Path, name: &str) -> Result<(), RefError> {
        let mut dir = base.to_owned();
        let Some((above, _)) = name.rsplit_once('/') else {
            return Ok(());
        };
        for part in above.split('/') {
            dir.push(part);
            make_dir(&dir, self.sharing).map_err(|source| RefError::Io {
                path: dir.clone(),
                source,
            })?;
        }
        Ok(())
    }

    fn append_reflog(
        &self,
        update: &RefUpdate<'_>,
        old: Option<gix::ObjectId>,
    ) -> Result<(), RefError> {
        let logs = self.common_dir().join("logs");
        let path = logs.join(update.name);
        let failed = |source| RefError::Io {
            path: path.clone(),
            source,
        };
        make_dir(&logs, self.sharing).map_err(failed)?;
        self.make_dirs(&logs, update.name)?;
        if path.is_dir() {
            remove_empty_dirs(&path).map_err(failed)?;
        }
        let old = old.unwrap_or_else(|| self.object_format().null());
        let message = update
            .message
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let line = format!("{old} {} {}\t{message}\n", update.new, update.committer);
        let new = !path.exists();
        let mut file =
            durable::open(&path, OpenOptions::new().append(true).create(true)).map_err(failed)?;
        let before = file.metadata().map_err(failed)?.len();
        if let Err(e) = file.write_all(line.as_bytes()) {
            // half a line would spoil the next one too
            file.set_len(before).ok();
            return Err(failed(e));
        }
        if new {
            let mode = self
                .sharing
                .file(file.metadata().map_err(failed)?.permissions().mode());
            file.set_permissions(fs::Permissions::from_mode(mode))
                .map_err(failed)?;
        }
        file.sync_all().map_err(failed)?;
        match path.parent().filter(|_| new) {
            Some(dir) => durable::sync_dir(dir).map_err(failed),
            None => Ok(()),
        }
    }
}

/// The right to make the first name of a lock, and the place for it.
struct Claim {
    path: PathBuf,
    _turn: FileLock,
}

/// Git's lock on one reference; let go when dropped.
struct RefLock<'a> {
    path: PathBuf,
    claim: &'a Claim,
    file: fs::File,
    done: bool,
}

impl<'a> RefLock<'a> {
    fn take(reference: &Path, claim: &'a Claim) -> Result<Self, RefError> {
        let mut path = reference.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        clear_dead(&claim.path, &path).map_err(|source| RefError::Io {
            path: path.clone(),
            source,
        })?;
        let file = create_new(&claim.path).map_err(|source| RefError::Io {
            path: claim.path.clone(),
            source,
        })?;
        // dropped on every way out, which removes the claim
        let mut lock = Self {
            path,
            claim,
            file,
            done: true,
        };
        let until = Instant::now() + LOCK_PATIENCE;
        loop {
            match fs::hard_link(&claim.path, &lock.path) {
                Ok(()) => break,
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(lock.failed(e)),
                Err(_) => match create_new(&lock.path) {
                    Ok(file) => {
                        lock.file = file;
                        break;
                    }
                    Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(e) => return Err(lock.failed(e)),
                },
            }
            if Instant::now() >= until {
                let age = fs::symlink_metadata(&lock.path)
                    .and_then(|m| m.modified())
                    .ok()
                    .and_then(|at| at.elapsed().ok())
                    .unwrap_or_default();
                let path = lock.path.clone();
                return Err(RefError::Locked { path, age });
            }
            std::thread::sleep(jitter(Duration::from_millis(5)));
        }
        lock.done = false;
        Ok(lock)
    }

    fn failed(&self, source: io::Error) -> RefError {
        RefError::Io {
            path: self.path.clone(),
            source,
        }
    }

    fn write(&mut self, text: &str, mode: u32) -> io::Result<()> {
        self.file.write_all(text.as_bytes())?;
        let current = self.file.metadata()?.permissions().mode();
        if current & mode != mode & 0o777 {
            self.file
                .set_permissions(fs::Permissions::from_mode(current | mode))?;
        }
        self.file.sync_all()
    }

    fn commit(&mut self, reference: &Path) -> io::Result<()> {
        fs::rename(&self.path, reference)?;
        self.done = true;
        Ok(())
    }
}

impl Drop for RefLock<'_> {
    fn drop(&mut self) {
        // What cannot be removed now, the next of us clears away. The claim goes last: without it
        // the lock would be anybody's.
        let gone = self.done || fs::remove_file(&self.path).is_ok();
        if gone {
            fs::remove_file(&self.claim.path).ok();
        }
    }
}

/// Removes what a killed process of our own kind left; only for who holds the turn.
fn clear_dead(claim: &Path, lock: &Path) -> io::Result<()> {
    let absent = |e: &io::Error| e.kind() == io::ErrorKind::NotFound;
    let claimed = match fs::symlink_metadata(claim) {
        Ok(meta) => meta,
        Err(e) if absent(&e) => return Ok(()),
        Err(e) => return Err(e),
    };
    // As long as the claim is there its number cannot be given to another file.
    match fs::symlink_metadata(lock) {
        Ok(meta) if (meta.dev(), meta.ino()) == (claimed.dev(), claimed.ino()) => {
            fs::remove_file(lock)?;
        }
        Ok(_) => {}
        Err(e) if absent(&e) => {}
        Err(e) => return Err(e),
    }
    fs::remove_file(claim)
}

fn create_new(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

fn check_committer(text: &str) -> Result<(), RefError> {
    let parse = || {
        let (who, when) = text.rsplit_once("> ")?;
        let (_, mail) = who.split_once(" <")?;
        let (seconds, zone) = when.split_once(' ')?;
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        let zone_sound =
            zone.len() == 5 && zone.starts_with(['+', '-']) && zone.get(1..).is_some_and(digits);
        let plain = !mail.contains(['<', '>']) && !text.chars().any(char::is_control);
        (digits(seconds) && zone_sound && plain).then_some(())
    };
    parse().ok_or_else(|| RefError::BadCommitter(text.into()))
}

fn remove_empty_dirs(dir: &Path) -> io::Result<()> {
    for item in fs::read_dir(dir)? {
        let item = item?;
        if item.file_type()?.is_dir() {
            remove_empty_dirs(&item.path())?;
        }
    }
    fs::remove_dir(dir)
}
