//! The file that says how far an export has come.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use git_ledger::durable;
use git_ledger::export::Format;
use git_ledger::export::cursor::{Cursor, LONGEST};
use git_ledger::git::FileLock;

use crate::cli::failure::Failure;

/// How long another export may hold the file.
const LOCK: Duration = Duration::from_secs(2);

/// A cursor in its file; no other export uses it meanwhile.
pub struct Keeper {
    path: PathBuf,
    /// What the file says.
    pub cursor: Cursor,
    /// Whether there was such a file before.
    pub is_new: bool,
    _lock: FileLock,
}

impl Keeper {
    /// Takes the file; where there is none, the export begins with entry 0.
    pub fn open(path: &Path, format: Format) -> Result<Keeper, Failure> {
        let mut lock = path.as_os_str().to_owned();
        lock.push(".lock");
        let lock = FileLock::acquire(Path::new(&lock), Instant::now() + LOCK)?;
        let cannot = |why: &dyn std::fmt::Display| {
            Failure::cannot(format!(
                "cannot read the cursor '{}': {why}",
                path.display()
            ))
        };
        let (cursor, is_new) = match durable::read(path, LONGEST) {
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => (Cursor::new(format), true),
            Err(why) => return Err(cannot(&why)),
            Ok(bytes) => (
                Cursor::parse(&bytes).map_err(|why| {
                    cannot(&why).hint(
                        "nothing was exported; remove the file to begin with entry 0, and receivers \
                         drop what they have by the records' ids",
                    )
                })?,
                false,
            ),
        };
        if cursor.format != format {
            return Err(Failure::usage(format!(
                "the cursor '{}' is that of an export in the format {}",
                path.display(),
                cursor.format.name()
            ))
            .hint("name another file with --cursor for this format"));
        }
        Ok(Keeper {
            path: path.to_owned(),
            cursor,
            is_new,
            _lock: lock,
        })
    }

    /// Puts a cursor into the file; durable when it returns.
    pub fn keep(&mut self, cursor: Cursor) -> Result<(), Failure> {
        if cursor == self.cursor && !self.is_new {
            return Ok(());
        }
        durable::write(&self.path, cursor.to_text().as_bytes()).map_err(|why| {
            Failure::cannot(format!(
                "cannot write the cursor '{}': {why}",
                self.path.display()
            ))
            .hint("the newest records may be handed over a second time")
        })?;
        self.cursor = cursor;
        self.is_new = false;
        Ok(())
    }
}
