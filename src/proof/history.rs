//! One history by numbers: what a proof is made from.

use std::collections::BTreeSet;

use gix::ObjectId;
use gix::objs::Kind;

use crate::commit::{self, Link};
use crate::finding::{Finding, FindingId};
use crate::merkle::Hash;
use crate::policy;
use crate::store::Read;
use crate::tree::{self, Tree};

use super::path;

/// Commits larger than the format allows are still read up to here, to find their parent.
const READ_COMMIT: usize = 1 << 20;

/// The commits from entry 0 to a newest one, and where the policy changes. It was walked by the
/// parents, and nobody has judged it.
#[derive(Debug)]
pub struct History<R> {
    reader: R,
    commits: Vec<ObjectId>,
    changes: Vec<u64>,
}

impl<R: Read> History<R> {
    /// Follows the parents from `tip` to the root.
    ///
    /// # Errors
    /// When a commit cannot be read, or one of `boundary` (git's `shallow` file) cuts history off.
    pub fn walk(
        mut reader: R,
        tip: ObjectId,
        boundary: &BTreeSet<ObjectId>,
    ) -> Result<History<R>, Finding> {
        let (mut commits, mut changed) = (Vec::new(), Vec::new());
        let mut later: Option<Vec<u8>> = None;
        let mut at = Some(tip);
        while let Some(id) = at {
            let raw = reader
                .read(&id, Kind::Commit, READ_COMMIT)
                .map_err(|fault| fault.finding(&id))?;
            let policy = named_policy(&raw).to_vec();
            if later.is_some_and(|later| later != policy) {
                changed.push(commits.len());
            }
            later = Some(policy);
            commits.push(id);
            at = commit::first_parent(&raw, id.kind());
            if at.is_some() && boundary.contains(&id) {
                let detail = "the repository is shallow; older entries are not here";
                return Err(Finding::new(FindingId::Shallow, detail).at(None, id));
            }
        }
        commits.reverse();
        // found from the newest: the place of the older of the two counts from the end
        let number = |place: usize| commits.len().saturating_sub(place) as u64;
        let changes = std::iter::once(0).chain(changed.into_iter().rev().map(number));
        Ok(History {
            reader,
            changes: changes.collect(),
            commits,
        })
    }

    /// The same of commits that somebody has walked already, entry 0 first, and the numbers of the
    /// entries that name another policy than the one before them. A proof that is made of others
    /// than those of one history is found wrong when it is judged, which every one is that is made.
    pub fn known(reader: R, commits: Vec<ObjectId>, changes: Vec<u64>) -> History<R> {
        History {
            reader,
            commits,
            changes,
        }
    }

    /// The commits, entry 0 first.
    pub fn commits(&self) -> &[ObjectId] {
        &self.commits
    }

    /// The number of the newest entry.
    pub fn newest(&self) -> u64 {
        self.commits.len().saturating_sub(1) as u64
    }

    /// The numbers of the entries that name another policy than the one before them; entry 0 is
    /// the first.
    pub fn changes(&self) -> &[u64] {
        &self.changes
    }

    /// The entry at a position.
    ///
    /// # Errors
    /// When it cannot be read, is no entry, or has another number.
    pub fn link(&mut self, number: u64) -> Result<Link, Finding> {
        let place = usize::try_from(number).ok();
        let Some(id) = place.and_then(|place| self.commits.get(place)).copied() else {
            let newest = self.newest();
            let detail = format!("there is no entry {number}; the newest is {newest}");
            return Err(Finding::new(FindingId::ObjectMissing, detail));
        };
        let placed = |finding: Finding| finding.at(Some(number), id);
        let raw = self
            .reader
            .read(&id, Kind::Commit, READ_COMMIT)
            .map_err(|fault| placed(fault.finding(&id)))?;
        let link = Link::parse(id, raw).map_err(placed)?;
        if link.entry.number() == number {
            return Ok(link);
        }
        let detail = format!("number {}, expected {number}", link.entry.number());
        Err(placed(Finding::new(FindingId::SequenceGap, detail)))
    }

    /// `ledger.toml` in the tree of an entry.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn policy(&mut self, link: &Link) -> Result<Vec<u8>, Finding> {
        let placed = |finding: Finding| finding.at(Some(link.entry.number()), link.id);
        let mut read = |id: ObjectId, kind, most| {
            let read = self.reader.read(&id, kind, most);
            read.map_err(|fault| placed(fault.finding(&id)))
        };
        let raw = read(link.tree, Kind::Tree, tree::MAX_BYTES)?;
        let part = Tree::parse(&raw, link.tree.kind()).map_err(placed)?.part;
        read(part.policy, Kind::Blob, policy::MAX_BYTES)
    }

    /// The hashes that lead from an entry to the range of a later one.
    ///
    /// # Errors
    /// When an entry that is needed for them cannot be read.
    pub fn path(&mut self, entry: u64, against: u64) -> Result<Vec<Hash>, Finding> {
        let found = path::path(entry, against, |number| {
            let link = self.link(number)?;
            Ok((link.digest(), link.entry.range))
        })?;
        Ok(found.unwrap_or_default())
    }
}

/// The line that names the policy; an entry has one line that begins so.
fn named_policy(raw: &[u8]) -> &[u8] {
    let lines = raw.rsplit(|byte| *byte == b'\n');
    let mut named = lines.filter(|line| line.starts_with(b"Ledger-Policy: "));
    named.next().unwrap_or_default()
}
