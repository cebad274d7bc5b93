//! Looking back from where the next entry would stand, for whoever records only what differs from
//! what was recorded before.

use crate::commit::Link;
use crate::git::Depth;
use crate::ledger::{Ledger, LedgerError};
use crate::store::ReadFault;
use crate::trust::{self, Place};

use super::{AppendError, Appender, FileLock};

impl Appender<'_> {
    /// The newest entry, from the tip of the primary back, in which `read` finds something, and
    /// what it finds there. Its signature fits, and its signer might write it by the policy before
    /// it. History that is missing here is fetched from the primary, once.
    ///
    /// # Errors
    /// When the primary or an entry cannot be read, or the entry found is not to be believed.
    pub fn look_back<T>(
        &self,
        mut read: impl FnMut(&Ledger, &Link) -> Option<T>,
    ) -> Result<Option<(Link, T)>, AppendError> {
        let state = self.ledger.state_dir();
        crate::durable::create_dir_all(&state).map_err(LedgerError::Io)?;
        let _lock = FileLock::acquire(&state.join("lock"), self.deadline)?;
        let mut next = Some(self.base(None)?.tip.link.id);
        let mut whole = false;
        while let Some(id) = next {
            let link = match self.ledger.link(id) {
                Err(error) if is_missing(&error) && !whole => {
                    self.fetch_rest(error)?;
                    whole = true;
                    continue;
                }
                link => link?,
            };
            if let Some(found) = read(self.ledger, &link) {
                self.believe(&link)?;
                return Ok(Some((link, found)));
            }
            next = link.parent;
        }
        Ok(None)
    }

    fn fetch_rest(&self, missing: LedgerError) -> Result<(), AppendError> {
        match self.primary {
            Some(primary) if primary.depth != Depth::Full => {
                self.fetch_deep(primary, &[], Depth::Full, self.deadline)?;
                Ok(())
            }
            _ => Err(missing.into()),
        }
    }

    fn believe(&self, link: &Link) -> Result<(), AppendError> {
        let before = link.parent.map(|parent| self.ledger.tip_at(parent));
        let before = match before {
            Some(Ok(before)) => before.policy,
            // an entry that changes no policy has that of its parent, which is not here
            Some(Err(error)) if !is_missing(&error) => return Err(error.into()),
            _ => self.ledger.tip_at(link.id)?.policy,
        };
        let judged = link.check_signature().and_then(|()| {
            let findings = trust::permits(&before, link, Place::Ordinary);
            findings.into_iter().next().map_or(Ok(()), Err)
        });
        judged.map_err(|finding| {
            let commit = link.id;
            AppendError::Ledger(LedgerError::Broken { commit, finding })
        })
    }
}

fn is_missing(error: &LedgerError) -> bool {
    let fault = ReadFault::Missing;
    matches!(error, LedgerError::Object { fault: found, .. } if *found == fault)
}
