//! From the newest entry to the first, past everything that is broken.
//!
//! Entries come as they are read, so whoever needs five does not pay for a million. A commit that
//! is no entry is handed out as broken and the walk goes on by its first parent.

use std::collections::BTreeSet;

use gix::ObjectId;
use gix::objs::Kind;

use crate::commit::{self, Link};
use crate::finding::Finding;
use crate::store::Read;

/// Commits larger than an entry may be are still read up to here, to find their parent.
const MOST: usize = 1 << 20;

/// One place of the chain.
#[derive(Debug, Clone)]
pub struct Step {
    /// The commit.
    pub commit: ObjectId,
    /// Its place, as the entries around it claim unless somebody has counted.
    pub position: Option<u64>,
    /// Whether its policy is another than its parent's; unknown when the parent cannot be read.
    pub policy_changed: Option<bool>,
    /// Whether every number so far was the one before it less one.
    pub gapless: bool,
    /// What stands there.
    pub what: What,
}

/// A step without what stands there: a million of them fit into memory.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    commit: ObjectId,
    position: Option<u64>,
    policy_changed: Option<bool>,
}

impl Step {
    /// Where it stands.
    pub fn place(&self) -> Place {
        Place {
            commit: self.commit,
            position: self.position,
            policy_changed: self.policy_changed,
        }
    }
}

/// What stands at a place.
#[derive(Debug, Clone)]
pub enum What {
    /// Bytes that spell an entry; unjudged.
    Entry(Box<Link>),
    /// Something else.
    Broken {
        /// Why it is no entry.
        finding: Finding,
        /// The commit's bytes, if there are any.
        raw: Option<Vec<u8>>,
    },
}

/// How a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At an entry without parent.
    Root,
    /// Where the repository's history is cut off.
    CutOff,
    /// At an object that could not be read.
    Lost,
}

/// Steps from a commit to the root.
pub struct Walk<R> {
    reader: R,
    boundary: BTreeSet<ObjectId>,
    /// The next step, read ahead: its predecessor needs it to know whether the policy changed.
    ahead: Option<Found>,
    /// Steps handed out.
    distance: u64,
    /// The position of the commit the walk began with, where somebody has counted.
    anchor: Option<u64>,
    /// The position of the last step.
    last: Option<u64>,
    gapless: bool,
    /// The number the next entry must have for the numbers to be gapless.
    expected: Option<u64>,
    end: Option<End>,
}

struct Found {
    commit: ObjectId,
    parent: Option<ObjectId>,
    what: What,
}

impl<R: Read> Walk<R> {
    /// A walk that begins at `tip` and ends at the root or at the boundary.
    pub fn new(mut reader: R, tip: ObjectId, boundary: BTreeSet<ObjectId>) -> Walk<R> {
        let first = read(&mut reader, tip);
        Walk {
            reader,
            boundary,
            ahead: Some(first),
            distance: 0,
            anchor: None,
            last: None,
            gapless: true,
            expected: None,
            end: None,
        }
    }

    /// The same walk where the position of its first commit is known.
    pub fn at(mut self, position: u64) -> Walk<R> {
        self.anchor = Some(position);
        self
    }

    /// How the walk ended; nothing while it goes on.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Reads a place of the chain without going there.
    pub fn look(&mut self, commit: ObjectId, position: u64) -> Step {
        Step {
            commit,
            position: Some(position),
            policy_changed: None,
            gapless: false,
            what: read(&mut self.reader, commit).what,
        }
    }

    /// Adds to a step that was looked at what only its parent tells.
    pub fn complete(&mut self, step: &mut Step) {
        if let What::Entry(link) = &step.what {
            step.policy_changed = match link.parent {
                None => Some(true),
                Some(parent) => match read(&mut self.reader, parent).what {
                    What::Entry(before) => Some(link.entry.policy != before.entry.policy),
                    What::Broken { .. } => None,
                },
            };
        }
    }

    /// Reads a step again that was handed out before, of which only its place was kept.
    pub fn again(&mut self, place: &Place) -> Step {
        Step {
            commit: place.commit,
            position: place.position,
            policy_changed: place.policy_changed,
            gapless: false,
            what: read(&mut self.reader, place.commit).what,
        }
    }
}

impl<R: Read> Iterator for Walk<R> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let now = self.ahead.take()?;
        let cut = self.boundary.contains(&now.commit);
        if let Some(parent) = now.parent.filter(|_| !cut) {
            self.ahead = Some(read(&mut self.reader, parent));
        } else {
            let lost = matches!(now.what, What::Broken { raw: None, .. });
            self.end = Some(match (now.parent, lost) {
                (Some(_), _) => End::CutOff,
                (None, true) => End::Lost,
                (None, false) => End::Root,
            });
        }
        let number = |what: &What| match what {
            What::Entry(link) => Some(link.entry.number()),
            What::Broken { .. } => None,
        };
        if let Some(number) = number(&now.what) {
            self.gapless &= self.expected.is_none_or(|expected| expected == number);
        } else {
            self.gapless = false;
        }
        self.expected = number(&now.what).and_then(|number| number.checked_sub(1));
        // where nobody has counted, the older neighbour's word goes before an entry's own
        let claimed = || {
            let older = self.ahead.as_ref().and_then(|ahead| number(&ahead.what));
            let below = || self.last.and_then(|last| last.checked_sub(1));
            older
                .and_then(|older| older.checked_add(1))
                .or_else(|| number(&now.what))
                .or_else(below)
        };
        let position = match (self.anchor, self.end) {
            (Some(tip), _) => tip.checked_sub(self.distance),
            (None, Some(End::Root)) => Some(0),
            (None, _) => claimed(),
        };
        self.last = position;
        let policy_changed = match (&now.what, self.ahead.as_ref().map(|ahead| &ahead.what)) {
            (What::Entry(link), Some(What::Entry(before))) => {
                Some(link.entry.policy != before.entry.policy)
            }
            (What::Entry(_), None) if self.end == Some(End::Root) => Some(true),
            _ => None,
        };
        self.distance += 1;
        Some(Step {
            commit: now.commit,
            position,
            policy_changed,
            gapless: self.gapless,
            what: now.what,
        })
    }
}

fn read(reader: &mut impl Read, commit: ObjectId) -> Found {
    match reader.read(&commit, Kind::Commit, MOST) {
        Err(fault) => Found {
            commit,
            parent: None,
            what: What::Broken {
                finding: fault.finding(&commit),
                raw: None,
            },
        },
        Ok(raw) => {
            let parent = commit::first_parent(&raw, commit.kind());
            let what = match Link::parse(commit, raw.clone()) {
                Ok(link) => What::Entry(Box::new(link)),
                Err(finding) => What::Broken {
                    finding,
                    raw: Some(raw),
                },
            };
            Found {
                commit,
                parent,
                what,
            }
        }
    }
}
