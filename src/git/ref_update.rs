//! Moves references of the files backend by git's own lock protocol: make `<name>.lock`, compare,
//! write, fsync, reflog, rename, fsync of the directory.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::layout::RefStorage;
use super::lock::jitter;
use super::refs::{Expected, RefError, RefUpdate, check_name};
use super::reftable;
use super::repository::Repository;
use super::write::make_dir;
use crate::durable;

const LOCK_PATIENCE: Duration = Duration::from_secs(2);

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
        let mut lock = match RefLock::take(&path) {
            // Git removes empty directories whenever it likes, also those just made.
            Err(RefError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                self.make_dirs(self.common_dir(), name)?;
                RefLock::take(&path)?
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
        match path.parent() {
            Some(dir) => durable::sync_dir(dir).map_err(failed),
            None => Ok(()),
        }
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
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .map_err(failed)?;
        file.write_all(line.as_bytes()).map_err(failed)?;
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

/// Git's lock on one reference; let go when dropped.
struct RefLock {
    path: PathBuf,
    file: fs::File,
    done: bool,
}

impl RefLock {
    fn take(reference: &Path) -> Result<Self, RefError> {
        let mut path = reference.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let until = Instant::now() + LOCK_PATIENCE;
        loop {
            let made = OpenOptions::new().write(true).create_new(true).open(&path);
            match made {
                Ok(file) => {
                    return Ok(Self {
                        path,
                        file,
                        done: false,
                    });
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                    if Instant::now() >= until {
                        let age = fs::symlink_metadata(&path)
                            .and_then(|m| m.modified())
                            .ok()
                            .and_then(|at| at.elapsed().ok())
                            .unwrap_or_default();
                        return Err(RefError::Locked { path, age });
                    }
                    std::thread::sleep(jitter(Duration::from_millis(5)));
                }
                Err(source) => return Err(RefError::Io { path, source }),
            }
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

impl Drop for RefLock {
    fn drop(&mut self) {
        if !self.done {
            // Nothing better can be done here than leaving it, and the next writer names it.
            fs::remove_file(&self.path).ok();
        }
    }
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
