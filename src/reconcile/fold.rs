//! From the newest entry back to what is known already, and forward again.

use gix::ObjectId;

use crate::json::Value;
use crate::ledger::{Ledger, LedgerError};
use crate::store::ReadFault;

use super::record::Record;
use super::{Cache, State};

/// Entries that are folded anew before the cache is written again.
const WORTH_KEEPING: u64 = 64;

/// Why the recorded state is not known.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// Older entries are not here.
    #[error(
        "the history here is cut off below entry {0}, so what it recorded of the refs is not known"
    )]
    CutOff(u64),
    /// What an entry recorded of the refs cannot be read.
    #[error("entry {number} tells of refs in an attachment that cannot be read: {why}")]
    Attachment {
        /// The entry.
        number: u64,
        /// Why.
        why: String,
    },
    /// The chain cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// The recorded state at an entry.
#[derive(Debug, Clone)]
pub struct Folded {
    /// What it is.
    pub state: State,
    /// The number of the entry it was folded at.
    pub number: u64,
    /// Entries that were read for it.
    pub read: u64,
}

/// Folds what the entries up to `tip` record of the refs of `source`. `watched` tells which refs
/// count. The cache only saves reading: it is used where its entry is met, by commit and digest.
///
/// # Errors
/// When something that is needed cannot be read.
pub fn fold(
    ledger: &Ledger,
    tip: ObjectId,
    source: &str,
    watched: impl Fn(&[u8]) -> bool,
    cache: Option<&Cache>,
) -> Result<Folded, FoldError> {
    let format = tip.kind();
    let known = cache.and_then(Cache::load);
    let (mut told, mut state) = (Vec::new(), State::default());
    let (mut newest, mut read): (Option<(u64, [u8; 32])>, u64) = (None, 0);
    let mut lowest = 0;
    for link in ledger.links(tip)? {
        let link = match link {
            Ok(link) => link,
            Err(LedgerError::Object {
                fault: ReadFault::Missing,
                ..
            }) if newest.is_some() => return Err(FoldError::CutOff(lowest)),
            Err(error) => return Err(error.into()),
        };
        lowest = link.entry.number();
        newest.get_or_insert_with(|| (lowest, link.digest()));
        if let Some(known) = known.as_ref().filter(|known| known.commit == link.id)
            && known.digest == link.digest()
        {
            state = known.state.clone();
            break;
        }
        read += 1;
        for event in link.entry.events.iter().rev() {
            if !Record::is_told_by(event) || event.source() != source {
                continue;
            }
            let data = match (event.data(), event.attachment()) {
                (Some(Value::Object(data)), _) => Some(data.clone()),
                (_, Some(digest)) => {
                    let bytes = ledger.attachment(&link, digest);
                    let bytes = bytes.map_err(|why| FoldError::Attachment {
                        number: lowest,
                        why: why.to_string(),
                    })?;
                    let value = Value::parse(&bytes).ok();
                    value.and_then(|value| value.as_object().cloned())
                }
                _ => None,
            };
            let record = data.and_then(|data| Record::of(lowest, event, &data, format, &watched));
            told.extend(record);
        }
    }
    for record in told.into_iter().rev() {
        state.apply(record);
    }
    let (number, digest) = newest.unwrap_or_default();
    if let Some(cache) = cache
        && read >= WORTH_KEEPING
    {
        // what is not kept is only folded again
        cache.save(tip, &digest, &state).ok();
    }
    Ok(Folded {
        state,
        number,
        read,
    })
}
