//! Where a watch keeps what it knows: in the user's own state directory, which no repository has a
//! say in, one file for each ledger of each repository, under a lock.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Instant;

use git_ledger::durable;
use git_ledger::git::{FileLock, LockError};
use git_ledger::merkle::{hex, sha256};
use git_ledger::verified::own_dir;
use git_ledger::watch::State;

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::verified::{state_dir, user};

/// No file of a watch is larger, in bytes.
const MOST: u64 = 16 << 20;

/// What is known, and where it is kept.
pub struct Keeper {
    /// What is known.
    pub state: State,
    /// Why what was known before cannot be read.
    pub lost: Option<String>,
    path: PathBuf,
    /// Two watches would tell everything twice.
    _lock: Option<FileLock>,
}

impl Keeper {
    /// Takes the lock and reads what is known.
    pub fn open(context: &Context) -> Result<Keeper, Failure> {
        let dir = directory(context)?;
        let lock =
            FileLock::acquire(&dir.join("lock"), Instant::now()).map_err(|why| match why {
                LockError::Busy { holder, .. } => {
                    let who = holder.map_or_else(String::new, |id| format!(" (process {id})"));
                    Failure::cannot(format!("another watch of this ledger is running{who}"))
                        .hint("one is enough: two would tell everything twice")
                }
                why => why.into(),
            })?;
        Keeper::read(&dir, Some(lock))
    }

    /// Reads what is known, for whoever changes nothing.
    pub fn aside(context: &Context) -> Result<Keeper, Failure> {
        Keeper::read(&directory(context)?, None)
    }

    fn read(dir: &std::path::Path, lock: Option<FileLock>) -> Result<Keeper, Failure> {
        let path = dir.join("state.json");
        let (state, lost) = match durable::read(&path, MOST) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => (State::default(), None),
            Err(why) => (State::default(), Some(why.to_string())),
            Ok(bytes) => match State::parse(&bytes) {
                Ok(state) => (state, None),
                Err(why) => (State::default(), Some(why.to_string())),
            },
        };
        Ok(Keeper {
            state,
            // whoever removes it makes everything be told again, and nothing go untold
            lost,
            path,
            _lock: lock,
        })
    }

    /// Writes what is known; durable when it returns.
    pub fn save(&self) -> Result<(), Failure> {
        durable::write(&self.path, &self.state.to_bytes()).map_err(|why| {
            let path = self.path.display();
            Failure::cannot(format!(
                "what the watch knows cannot be kept in '{path}': {why}"
            ))
        })
    }
}

/// The directory of this ledger.
fn directory(context: &Context) -> Result<PathBuf, Failure> {
    let opened = context.open()?;
    let common = opened.repository.common_dir().canonicalize()?;
    let place = [
        common.as_os_str().as_bytes(),
        opened.settings.reference.as_bytes(),
    ]
    .join(&0);
    let name = hex(&sha256(&place));
    let unusable = |why: &dyn std::fmt::Display| {
        Failure::cannot(format!(
            "there is no place to keep what the watch knows: {why}"
        ))
        .hint("set XDG_STATE_HOME to a directory that only this user can write")
    };
    let state = state_dir(context).map_err(|why| unusable(&why))?;
    let mut dir = state;
    for part in ["", "watch", name.get(..16).unwrap_or_default()] {
        if !part.is_empty() {
            dir.push(part);
        }
        own_dir(&dir, user()).map_err(|why| unusable(&why))?;
    }
    Ok(dir)
}
