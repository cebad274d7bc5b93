//! May this link follow that one? Rules over two neighbours, and over the first.
//!
//! Keys, policies and where links come from are not known here.
//!
//! Source: `ledger-spec/chain.md`.

use crate::commit::Link;
use crate::finding::{Finding, FindingId};
use crate::merkle::Range;

/// How far ahead of the admitting clock an entry may be dated, in seconds.
pub const MAX_AHEAD: u64 = 300;

/// Whether `next` may follow `prev`; one finding for each broken rule.
pub fn follows(prev: &Link, next: &Link) -> Vec<Finding> {
    let mut findings = Vec::new();
    let expected = prev.entry.number() + 1;
    if next.entry.number() != expected {
        let detail = format!("number {}, expected {expected}", next.entry.number());
        findings.push(Finding::new(FindingId::SequenceGap, detail));
    } else if !next.entry.range.is_after(&prev.entry.range, prev.digest()) {
        let detail = format!(
            "does not continue entry {} ({})",
            prev.entry.number(),
            crate::merkle::hex(&prev.digest())
        );
        findings.push(Finding::new(FindingId::RangeMismatch, detail));
    }
    if next.time < prev.time {
        let detail = format!("dated {}, the entry before it {}", next.time, prev.time);
        findings.push(Finding::new(FindingId::TimeBackwards, detail));
    }
    findings
}

/// Whether `first` may stand without a parent.
pub fn begins(first: &Link) -> Option<Finding> {
    let number = first.entry.number();
    (number != 0).then(|| {
        Finding::new(
            FindingId::SequenceGap,
            format!("number {number} in an entry without parent"),
        )
    })
}

/// Whether `next` may stand after an entry that cannot be read: all that is known is that there
/// is one.
pub fn continues(next: &Link) -> Option<Finding> {
    let lost = next.parent.is_some() && next.entry.number() == 0;
    lost.then(|| Finding::new(FindingId::SequenceGap, "number 0 in an entry with a parent"))
}

/// The Merkle state after a link: what the next one must carry.
pub fn range_after(link: &Link) -> Range {
    link.entry.range.append(link.digest())
}

/// T of an entry written now after one dated `before`.
pub fn date(clock: u64, before: u64) -> u64 {
    clock.max(before)
}

/// Whether an entry may be admitted at this clock, after one dated `before`.
pub fn dated(link: &Link, before: u64, clock: u64) -> Option<Finding> {
    let limit = before.max(clock.saturating_add(MAX_AHEAD));
    (link.time > limit).then(|| {
        let detail = format!("dated {}, the clock here says {clock}", link.time);
        Finding::new(FindingId::TimeFuture, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_dated_by_the_clock_and_never_before_the_one_it_follows() {
        assert_eq!(date(20, 10), 20);
        assert_eq!(date(10, 20), 20);
        assert_eq!(date(0, 0), 0);
    }
}
