//! Reads the chain of a remote without believing anything it says of itself.

use std::collections::BTreeSet;
use std::time::Instant;

use gix::ObjectId;
use gix::objs::Kind;

use crate::commit::{self, Link};
use crate::finding::{Finding, FindingId};
use crate::git::Reader;
use crate::ledger::Ledger;
use crate::marks::Mark;
use crate::merkle::{self, Hash};

use super::Named;
use super::compare::Split;
use super::meeting::{Before, Meeting};

/// Commits larger than the format allows are still read up to here, to find their parent.
const READ_COMMIT: usize = 1 << 20;

/// The commit that stands `steps` before another one.
pub(super) fn ancestor(
    ledger: &Ledger,
    from: ObjectId,
    steps: u64,
    wanted: ObjectId,
) -> Option<ObjectId> {
    let reader = ledger.repository().reader().ok()?;
    let mut at = from;
    for _ in 0..steps {
        if at == wanted {
            return Some(at);
        }
        match before(&reader, &BTreeSet::new(), at) {
            Before::Commit(parent) => at = parent,
            Before::Nothing | Before::Unseen => return None,
        }
    }
    Some(at)
}

/// The commit of the entry with this number, counted down from a newer one.
pub(super) fn entry_at(ledger: &Ledger, from: &Named, number: u64) -> Option<ObjectId> {
    let steps = from.number.checked_sub(number)?;
    let none = ObjectId::null(from.commit.kind());
    ancestor(ledger, from.commit, steps, none)
}

/// The digest of the first entry below a commit, if history reaches so far.
pub fn fingerprint(ledger: &Ledger, tip: ObjectId) -> Option<Hash> {
    let first = *alone(tip, ledger, None)?.there.last()?;
    Some(merkle::leaf(&raw(ledger, first)?))
}

/// What a mark of the copy in hand says against it.
pub(super) fn here_before(ledger: &Ledger, here: &Named, mark: &Mark) -> Option<Finding> {
    let digest = merkle::hex(&mark.digest);
    if here.number < mark.number {
        let detail = format!(
            "entry {} (sha256:{digest}) was seen here before; the newest is now {}",
            mark.number, here.number
        );
        let finding = Finding::new(FindingId::RolledBack, detail);
        return Some(finding.at(Some(here.number), here.commit));
    }
    // below where history is cut off nothing can be said to have been replaced
    let commit = entry_at(ledger, here, mark.number)?;
    let stands = merkle::leaf(&raw(ledger, commit)?);
    (stands != mark.digest).then(|| {
        let detail = format!(
            "entry {} was sha256:{digest} when it was seen before",
            mark.number
        );
        Finding::new(FindingId::HistoryRewritten, detail).at(Some(mark.number), commit)
    })
}

/// How the first two entries that differ stand to each other.
pub(super) fn stands(ours: ObjectId, one: &[u8], theirs: ObjectId, other: &[u8]) -> Split {
    if signed_part(one) == signed_part(other) {
        return Split::SamePayload;
    }
    let range = |id, raw: &[u8]| Link::parse(id, raw.to_vec()).ok().map(|l| l.entry.range);
    match (range(ours, one), range(theirs, other)) {
        (Some(one), Some(other)) if one == other => Split::EqualRanges,
        _ => Split::Different,
    }
}

/// A commit without its signature headers, as git takes it before it checks them, whatever else
/// is wrong with it.
fn signed_part(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let (mut in_head, mut dropping) = (true, false);
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        if in_head {
            in_head = line != b"\n";
            dropping = match line.first() {
                Some(b' ') => dropping,
                _ => [&b"gpgsig "[..], b"gpgsig-sha256 "]
                    .iter()
                    .any(|name| line.starts_with(name)),
            };
        }
        if !(in_head && dropping) {
            out.extend_from_slice(line);
        }
    }
    out
}

pub(super) fn before(reader: &Reader, boundary: &BTreeSet<ObjectId>, id: ObjectId) -> Before {
    let Ok(raw) = reader.read(id, Kind::Commit, READ_COMMIT) else {
        return Before::Unseen;
    };
    match commit::first_parent(&raw, id.kind()) {
        None => Before::Nothing,
        Some(_) if boundary.contains(&id) => Before::Unseen,
        Some(parent) => Before::Commit(parent),
    }
}

/// A chain with nothing here to compare it with, if it can be followed in time.
pub(super) fn alone(tip: ObjectId, ledger: &Ledger, by: Option<Instant>) -> Option<Meeting> {
    let reader = ledger.repository().reader().ok()?;
    let (mut there, mut at) = (Vec::new(), tip);
    loop {
        there.push(at);
        if by.is_some_and(|by| Instant::now() > by) {
            return None;
        }
        match before(&reader, &BTreeSet::new(), at) {
            Before::Commit(parent) => at = parent,
            Before::Unseen => return None,
            Before::Nothing => {
                return Some(Meeting {
                    common: None,
                    here: Vec::new(),
                    there,
                });
            }
        }
    }
}

pub(super) fn raw(ledger: &Ledger, id: ObjectId) -> Option<Vec<u8>> {
    let reader = ledger.repository().reader().ok()?;
    reader.read(id, Kind::Commit, READ_COMMIT).ok()
}
