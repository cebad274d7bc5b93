//! A push of the ledger itself: it may only add, and what it adds must hold.

use gix::objs::Kind;

use crate::commit;
use crate::finding::{Finding, FindingId, Severity};
use crate::store::{Read as _, ReadFault, Store as _};
use crate::verify::{self, Request};

use super::{Guarded, Refusal, Update};

/// Judges the new entries by the rules of `verify`, from the quarantine.
pub fn judge(update: &Update, guarded: &Guarded, clock: u64) -> Result<(), Refusal> {
    let ledger = &guarded.ledger;
    let name = ledger.reference();
    if update.new.is_null() {
        return Err(Refusal::new(FindingId::PushDeletes, format!("'{name}'"))
            .hint("a ledger is never deleted; push without --mirror and --prune"));
    }
    // what the pusher says the ref holds is a claim; git compares it only after this hook
    let holds = match ledger.repository().find_ref(name) {
        Ok(holds) => holds,
        Err(why) => return Err(Refusal::new(FindingId::PushStale, why.to_string())),
    };
    if holds.unwrap_or(update.old.kind().null()) != update.old {
        let is = holds.map_or("nothing".to_owned(), |id| id.to_string());
        let detail = format!("'{name}' holds {is}, not {}", update.old);
        return Err(Refusal::new(FindingId::PushStale, detail)
            .hint("fetch the ledger and append to what it holds now"));
    }
    let new = update.new;
    if let Err(ReadFault::Kind(found)) = ledger.reader().read(&new, Kind::Commit, commit::MAX_BYTES)
    {
        let detail = format!("{new} is a {found}, not a commit");
        return Err(Finding::new(FindingId::ObjectKind, detail)
            .at(None, new)
            .into());
    }
    if let Some(old) = holds {
        let descends = ledger.descends(new, old).map_err(unreadable)?;
        if descends != Some(true) {
            let detail = format!("{new} does not continue {old}");
            let finding = Finding::new(FindingId::PushRewinds, detail).at(None, new);
            return Err(Refusal::from(finding)
                .hint("fetch the ledger and append to it; its entries stay for ever"));
        }
    }
    let request = Request {
        base: holds,
        boundary: ledger
            .repository()
            .shallow()
            .map_err(unreadable)?
            .into_iter()
            .collect(),
        pinned: guarded.pinned.filter(|_| holds.is_none()),
        admitted_at: Some(clock),
        ..Request::whole(new)
    };
    let verdict = verify::verify(ledger, &request, &|_| {});
    let decides = verdict.findings.into_iter().find(refuses);
    if let Some(finding) = decides {
        return Err(finding.into());
    }
    if holds.is_some() && !verdict.base_reached {
        let detail = format!("{new} does not continue what is there");
        return Err(Finding::new(FindingId::PushRewinds, detail)
            .at(None, new)
            .into());
    }
    Ok(())
}

/// What cannot be checked is not let in either. That a key was called compromised has been
/// checked: refusing it would keep the news from the copies.
fn refuses(finding: &Finding) -> bool {
    match finding.severity() {
        Severity::Note => false,
        Severity::Unknown => finding.id != FindingId::CompromisedEntry,
        Severity::Breach => true,
    }
}

fn unreadable(why: impl std::fmt::Display) -> Refusal {
    Refusal::new(FindingId::ObjectCorrupt, why.to_string())
}
