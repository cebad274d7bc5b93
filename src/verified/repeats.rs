//! Events recorded twice of which one at least is new: the older one is looked up, never believed.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::ledger::{Ledger, LedgerError};
use crate::seen::{Found, Seen};
use crate::verify::{Known, compare_events, traces};

/// The notes about the entries that follow what is known, up to the newest, in their order; none
/// at all where older entries that would tell are not here.
///
/// # Errors
/// When the chain, or what was recorded before, cannot be read.
pub(super) fn notes(
    ledger: &Ledger,
    known: &Known,
    newest: &Known,
) -> Result<Option<Vec<Finding>>, LedgerError> {
    let mut all = Vec::new();
    let mut asked = BTreeSet::new();
    let mut records = None;
    let steps = newest.number.saturating_sub(known.number);
    for (distance, link) in (0..steps).zip(ledger.links(newest.commit)?) {
        let link = link?;
        for (event, trace) in link.entry.events.iter().zip(traces(&link, distance)) {
            all.push(trace);
            let (source, id) = (event.source(), event.id());
            if !asked.insert((source.to_owned(), id.to_owned())) {
                continue;
            }
            let records = match &records {
                Some(records) => records,
                None => records.insert(Seen::of(ledger).up_to(ledger, newest.commit)?),
            };
            let first = match records.look(ledger, source, id)? {
                Found::In(first) => first,
                Found::Nowhere => continue,
                Found::CutOff => return Ok(None),
            };
            let number = first.entry.number();
            if number <= known.number {
                let older = traces(&first, newest.number - number);
                let mut events = first.entry.events.iter().zip(older);
                let same = events.find(|(event, _)| (event.source(), event.id()) == (source, id));
                all.extend(same.map(|(_, trace)| trace));
            }
        }
    }
    Ok(Some(compare_events(all, |distance| {
        newest.number.checked_sub(distance)
    })))
}
