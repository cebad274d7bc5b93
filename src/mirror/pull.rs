//! Takes new entries from a remote that is ahead: judged first, and only forward.

use std::fs;

use crate::finding::Answer;
use crate::git::{CarryError, FileLock, LockError, Store, TransportError};
use crate::ledger::LedgerError;
use crate::marks::{Mark, MarkError};

use super::ask::room;
use super::compare::State;
use super::{Comparison, Copy, Named, Remote, Survey};

/// What a pull did.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// How the remotes stood before.
    pub comparison: Comparison,
    /// The remote whose entries were taken, and the newest of them; none when nothing was.
    pub taken: Option<(String, Named)>,
    /// How many entries were taken.
    pub entries: u64,
}

/// Why a pull could not be done; nothing was taken.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The copy in hand could not be read or moved.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The judged entries could not be brought over.
    #[error("the new entries of '{0}' could not be brought here: {1}")]
    Carry(String, CarryError),
    /// The scratch store could not be opened again.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Somebody else is at it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What was seen could not be written down.
    #[error(transparent)]
    Mark(#[from] MarkError),
}

/// Compares, and takes the entries of the remote that is furthest ahead and sound.
///
/// # Errors
/// When nothing was taken although there was something to take.
pub fn pull(survey: &Survey<'_>, remotes: &[Remote]) -> Result<Pulled, PullError> {
    let comparison = survey.compare(remotes)?;
    let sound =
        |copy: &&Copy| matches!(copy.state, State::Ahead(_)) && copy.answer() == Answer::Sound;
    let number = |copy: &&Copy| copy.newest.as_ref().map(|newest| newest.number);
    let best = comparison
        .copies
        .iter()
        .filter(sound)
        .max_by_key(number)
        .cloned();
    let Some(best) = best else {
        return Ok(Pulled {
            comparison,
            taken: None,
            entries: 0,
        });
    };
    let taken = take(survey, &comparison, &best)?;
    Ok(Pulled {
        comparison,
        taken: taken.map(|newest| (best.remote.name.clone(), newest)),
        entries: best.there.len() as u64,
    })
}

fn take(
    survey: &Survey<'_>,
    comparison: &Comparison,
    best: &Copy,
) -> Result<Option<Named>, PullError> {
    let Some(newest) = best.newest.clone() else {
        return Ok(None);
    };
    let name = &best.remote.name;
    let room = room(survey.ledger, name);
    let _held = FileLock::acquire(&room.join("lock"), survey.deadline)?;
    let repository = survey.ledger.repository();
    let scratch = repository
        .transport(&room.join("ask"), Store::Scratch)?
        .repository()
        .map_err(|why| TransportError::Local(why.to_string()))?;
    let _kept = repository
        .carry(&scratch, &best.there, survey.max_bytes)
        .map_err(|why| PullError::Carry(name.clone(), why))?;
    let link = survey.ledger.link(newest.commit)?;
    let seen = comparison.here.as_ref().map(|here| here.commit);
    survey.ledger.advance(seen, &link)?;
    survey.marks.raise(None, &Mark::of(&link, survey.clock))?;
    // all that was in the scratch store is here now; what cannot be removed does no harm
    fs::remove_dir_all(room.join("ask")).ok();
    Ok(Some(newest))
}
