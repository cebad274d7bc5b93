//! A lock between processes: a file on which one of them holds an advisory lock of the operating
//! system. It vanishes with its holder, so there is no stale lock to clear away, and nothing is
//! written into it: who holds it is asked of the system, only for the message.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::durable;

/// How often who waits looks, at first and later, on average.
const OFTEN: Duration = Duration::from_micros(500);
const SELDOM: Duration = Duration::from_millis(8);

/// No list of locks is read beyond so many bytes.
const MOST_LOCKS: u64 = 4 << 20;

/// Why the lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else held it until the deadline.
    #[error("'{path}' is locked by {}", holder.map_or("another process".into(), |p| format!("process {p}")))]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// The process that holds it.
        holder: Option<u32>,
    },
    /// The file could not be opened or locked.
    #[error("cannot lock '{path}': {source}")]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// A held lock; let go when dropped.
#[derive(Debug)]
pub struct FileLock {
    // Dropping the file releases the lock.
    _file: File,
}

impl FileLock {
    /// Takes the lock at `path`, made if missing (its directory must exist), waiting at most
    /// until `deadline`.
    pub fn acquire(path: &Path, deadline: Instant) -> Result<Self, LockError> {
        let failed = |source| LockError::Io {
            path: path.to_owned(),
            source,
        };
        let opened = durable::open(
            path,
            OpenOptions::new().write(true).create(true).truncate(false),
        );
        let file = match opened {
            // made by another user: it can be locked all the same
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                durable::open(path, OpenOptions::new().read(true)).map_err(|_| failed(e))?
            }
            opened => opened.map_err(failed)?,
        };
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(LockError::Busy {
                            path: path.to_owned(),
                            holder: holder(&file),
                        });
                    }
                    // who has waited for long looks less often: that it is held for long is likely
                    let mean = (began.elapsed() / 8).clamp(OFTEN, SELDOM);
                    std::thread::sleep(jitter(mean).min(left));
                }
                Err(TryLockError::Error(e)) => return Err(failed(e)),
            }
        }
        Ok(Self { _file: file })
    }
}

/// The process that holds the lock on a file, where the system tells.
fn holder(file: &File) -> Option<u32> {
    let meta = file.metadata().ok()?;
    let (major, minor) = (rustix::fs::major(meta.dev()), rustix::fs::minor(meta.dev()));
    let wanted = format!("{major:02x}:{minor:02x}:{}", meta.ino());
    let mut text = String::new();
    let locks = File::open("/proc/locks").ok()?;
    locks.take(MOST_LOCKS).read_to_string(&mut text).ok()?;
    text.lines().find_map(|line| {
        // 1: FLOCK  ADVISORY  WRITE 8244 fe:00:6717466 0 EOF; who waits stands behind "->"
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            [_, "FLOCK", _, _, holder, file, ..] if *file == wanted => holder.parse().ok(),
            _ => None,
        }
    })
}

/// A random time in (0, 2·mean), so that waiters do not move in step.
pub(crate) fn jitter(mean: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    mean.mul_f64(2.0 * f64::from(random) / f64::from(u32::MAX))
        .max(Duration::from_micros(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_taker_waits_then_names_the_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = FileLock::acquire(&path, Instant::now()).unwrap();
        let soon = Instant::now() + Duration::from_millis(30);
        match FileLock::acquire(&path, soon) {
            Err(LockError::Busy { holder, .. }) => assert_eq!(holder, Some(std::process::id())),
            other => panic!("{other:?}"),
        }
        drop(held);
        FileLock::acquire(&path, Instant::now()).unwrap();
    }
}
