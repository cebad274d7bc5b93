//! The copies of one ledger: ask each remote where it stands, judge what is new there, compare by
//! position, remember, send, fetch. Never forced.
//!
//! What a remote has comes into a scratch store of its own, with a limit on bytes and a deadline;
//! only judged entries, and the evidence of a fork, come over. All remotes are asked at once, and
//! one that fails stops nobody. What was seen before is read before a remote is asked, so that
//! two commands at once cannot make an honest remote look as if it had gone back; and it is
//! written before an answer is given.
//!
//! Keys, and what events say, are not known here.
//!
//! Source: `ledger-spec/mirror.md`.
//!
//! # Limits
//! Where both copies agree, nothing is judged again: `verify` judges the copy in hand. All copies
//! together can be taken back by whoever controls them all and this clone; only the number and
//! digest of the newest entry, written down elsewhere, would show it.

mod ask;
mod compare;
mod evidence;
mod history;
pub mod independence;
mod meeting;
mod pull;
mod push;
mod tips;

use std::time::Instant;

use gix::ObjectId;

use crate::commit::Link;
use crate::finding::{Answer, Finding, FindingId};
use crate::freshness::{Limits, Newest};
use crate::git::{RemoteUrl, store_files};
use crate::ledger::{Ledger, LedgerError};
use crate::marks::{Mark, MarkError, Marks};
use crate::merkle::{self, Hash};
use crate::tip::Tip;

pub use ask::clear;
pub use compare::{Chains, Memory, Split, State, absent, compare};
pub use evidence::{EVIDENCE, evidence_of};
pub use history::fingerprint;
use history::here_before;
pub use independence::{Place, Tie, groups, newest_held, tie};
pub use meeting::{Before, Meeting, meet};
pub use pull::{PullError, Pulled, pull};
pub use push::{Delivery, Sent, Toward, deliver, push};
pub use tips::Heard;

/// A remote that should hold a copy.
#[derive(Debug, Clone)]
pub struct Remote {
    /// Its name.
    pub name: String,
    /// Where it is asked and fetched from.
    pub url: RemoteUrl,
    /// Where it is pushed to.
    pub push_url: RemoteUrl,
    /// Whether a person vouches that somebody else administers it.
    pub vouched: bool,
}

/// Whose copies count for the detection window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Those of remotes only: whoever asks may be the one who rewrites.
    Remotes,
    /// The copy in hand too, because a person says that it is kept by somebody else.
    RemotesAndThisCopy,
}

/// Everything a comparison needs besides the remotes.
#[derive(Debug, Clone)]
pub struct Survey<'a> {
    /// The copy in hand.
    pub ledger: &'a Ledger,
    /// The full name of the ledger's branch at the remotes; here, a tracking branch may stand
    /// for it.
    pub reference: &'a str,
    /// What this clone saw before.
    pub marks: &'a Marks,
    /// Seconds since 1970.
    pub clock: u64,
    /// How many seconds the remotes have.
    pub patience: u64,
    /// When those are over.
    pub deadline: Instant,
    /// How many bytes a remote may send.
    pub max_bytes: u64,
    /// The digest that entry 0 must have.
    pub pinned: Option<Hash>,
    /// Whose copies count for the detection window.
    pub counted: Counted,
    /// What is too old.
    pub limits: Limits,
    /// Tips that were seen elsewhere.
    pub tips: &'a [Tip],
}

/// One entry, as much as is needed to name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its position.
    pub number: u64,
    /// Its digest.
    pub digest: Hash,
    /// Its commit.
    pub commit: ObjectId,
    /// T, if the entry can be read.
    pub time: Option<u64>,
    /// Who it says it is by.
    pub principal: Option<String>,
    /// Its subject line.
    pub subject: Option<String>,
}

impl Named {
    /// What an age is counted from; none when the entry cannot be read.
    pub fn newest(&self) -> Option<Newest> {
        let (number, commit) = (self.number, self.commit);
        self.time.map(|time| Newest {
            number,
            commit,
            time,
        })
    }

    fn of(number: u64, commit: ObjectId, raw: &[u8]) -> Named {
        let link = Link::parse(commit, raw.to_vec()).ok();
        Named {
            number,
            digest: merkle::leaf(raw),
            commit,
            time: link.as_ref().map(|link| link.time),
            principal: link.as_ref().map(|link| link.principal.as_str().to_owned()),
            subject: link.as_ref().map(|link| link.entry.subject()),
        }
    }
}

/// What one remote holds, and how it stands to the copy in hand.
#[derive(Debug, Clone)]
pub struct Copy {
    /// The remote.
    pub remote: Remote,
    /// Its state.
    pub state: State,
    /// The newest entry there.
    pub newest: Option<Named>,
    /// The number of the newest entry that both copies have.
    pub shared: Option<u64>,
    /// The commits that only the remote has, the newest first.
    pub there: Vec<ObjectId>,
    /// The first entries that differ: here, there.
    pub split: Option<(Named, Named)>,
    /// When it last showed an honest copy, in seconds since 1970.
    pub seen: Option<u64>,
    /// T of the oldest entry it lacks, when it is behind.
    pub lacks_since: Option<u64>,
    /// Why it is silent, in words.
    pub why: Option<String>,
    /// Everything that is wrong with it.
    pub findings: Vec<Finding>,
    /// References under which evidence was kept.
    pub evidence: Vec<String>,
    /// For each tip that was seen elsewhere: whether it stands among the entries that only this
    /// remote has; none when it has no other entry at its number.
    pub tips: Vec<Option<bool>>,
}

impl Copy {
    /// Sound, unknown or breach.
    pub fn answer(&self) -> Answer {
        Answer::of(&self.findings)
    }

    /// Whether what it shows may be built on.
    pub fn is_honest(&self) -> bool {
        self.state.is_honest() && self.answer() != Answer::Breach
    }
}

/// The age of the newest entry that two independent remotes hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The entry.
    pub number: u64,
    /// T of it.
    pub time: u64,
    /// How long ago that is, in seconds.
    pub age: u64,
}

/// All copies compared.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The newest entry of the copy in hand, if there is one.
    pub here: Option<Named>,
    /// What was seen here before that was read.
    pub before: Option<Mark>,
    /// What is wrong with the copy in hand, if that was looked at.
    pub about_here: Vec<Finding>,
    /// The copies, in the order in which they were asked for.
    pub copies: Vec<Copy>,
    /// Remotes that are not independent, and why.
    pub ties: Vec<(String, String, Tie)>,
    /// How many independent copies are honest.
    pub independent: usize,
    /// The detection window, if two independent remotes hold anything.
    pub window: Option<Window>,
}

impl Comparison {
    /// Everything that is wrong, here and remote by remote.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        let there = self.copies.iter().flat_map(|copy| &copy.findings);
        self.about_here.iter().chain(there)
    }

    /// The remotes that are not independent of this one.
    pub fn tied_to<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.ties.iter().filter_map(move |(one, other, _)| {
            if one == name {
                Some(other.as_str())
            } else {
                (other == name).then_some(one.as_str())
            }
        })
    }

    /// Sound, unknown or breach; sound when there is no remote.
    pub fn answer(&self) -> Answer {
        Answer::of(self.findings())
    }
}

impl Survey<'_> {
    /// Asks all remotes at once and compares them.
    ///
    /// # Errors
    /// When the copy in hand cannot be read.
    pub fn compare(&self, remotes: &[Remote]) -> Result<Comparison, LedgerError> {
        // what was seen before first, then this copy, then the remotes: each may only have grown
        let before = self.marks.get(None).unwrap_or_else(MarkError::recalled);
        let here = self.here()?;
        let mut copies = in_parallel(remotes, |remote| {
            self.ask(remote, &remote.url, here.as_ref())
        });
        cross_compare(&mut copies);
        for copy in &mut copies {
            self.date(copy);
        }
        let mut comparison = self.conclude(here, copies);
        comparison.before = before;
        Ok(comparison)
    }

    /// What is wrong with the copy in hand as far as memory and clock tell; its entries are judged
    /// by `verify`. What is wrong with the memory of a remote that was asked stands there.
    pub fn about_here(&self, comparison: &Comparison) -> Vec<Finding> {
        let Some(here) = &comparison.here else {
            return Vec::new();
        };
        let copies = &comparison.copies;
        let mut findings: Vec<Finding> = Vec::new();
        let told = |finding: &Finding| copies.iter().any(|copy| copy.findings.contains(finding));
        let faults = self.marks.faults().into_iter();
        findings.extend(faults.map(|(_, why)| why.finding()).filter(|f| !told(f)));
        let mark = comparison.before.as_ref();
        findings.extend(mark.and_then(|mark| here_before(self.ledger, here, mark)));
        findings.extend(
            here.newest()
                .and_then(|newest| self.limits.stale(newest, self.clock)),
        );
        findings
    }

    /// Whether an honest copy is too far behind, or too old. What is level is as old as this copy,
    /// and that is told once.
    fn date(&self, copy: &mut Copy) {
        if !copy.state.is_honest() || copy.state == State::Level {
            return;
        }
        let (name, limits) = (&copy.remote.name, self.limits);
        let lagging = match (copy.state, copy.lacks_since) {
            (State::Behind(lacks), Some(since)) => limits.lagging(name, lacks, since, self.clock),
            _ => None,
        };
        let newest = copy.newest.as_ref().and_then(Named::newest);
        let stale = newest.and_then(|newest| limits.remote_stale(name, newest, self.clock));
        copy.findings.extend(lagging.into_iter().chain(stale));
    }

    /// The newest entry of the copy in hand. Read before any remote is asked: a remote that is
    /// asked later can only be further.
    fn here(&self) -> Result<Option<Named>, LedgerError> {
        let Some(tip) = self.ledger.tip_id()? else {
            return Ok(None);
        };
        let link = self.ledger.link(tip)?;
        Ok(Some(Named::of(link.entry.number(), tip, link.raw())))
    }

    fn conclude(&self, here: Option<Named>, copies: Vec<Copy>) -> Comparison {
        let places: Vec<Place> = copies.iter().map(|copy| place(&copy.remote)).collect();
        let mut ties = Vec::new();
        for (at, (one, copy)) in places.iter().zip(&copies).enumerate() {
            for (other, earlier) in places.iter().zip(&copies).take(at) {
                if let Some(tie) = tie(other, one) {
                    let names = (earlier.remote.name.clone(), copy.remote.name.clone());
                    ties.push((names.0, names.1, tie));
                }
            }
        }
        let mut held: Vec<(usize, u64)> = groups(&places)
            .into_iter()
            .zip(&copies)
            .filter(|(_, copy)| copy.is_honest())
            .filter_map(|(group, copy)| Some((group, copy.shared?)))
            .collect();
        if let (Counted::RemotesAndThisCopy, Some(here)) = (self.counted, &here) {
            held.push((usize::MAX, here.number));
        }
        let known = copies
            .iter()
            .filter_map(|copy| copy.newest.as_ref())
            .chain(&here);
        let window = newest_held(&held, 2).and_then(|number| {
            let entry = known.into_iter().find(|entry| entry.number == number)?;
            let time = entry.time?;
            let age = self.clock.saturating_sub(time);
            Some(Window { number, time, age })
        });
        let independent: std::collections::BTreeSet<usize> =
            held.iter().map(|(group, _)| *group).collect();
        Comparison {
            here,
            before: None,
            about_here: Vec::new(),
            copies,
            ties,
            independent: independent.len(),
            window,
        }
    }
}

fn place(remote: &Remote) -> Place {
    Place {
        address: remote.url.as_str().trim_end_matches('/').to_owned(),
        host: remote.url.host(),
        files: store_files(&remote.url),
        vouched: remote.vouched,
    }
}

/// Remotes that are ahead of the copy in hand must agree with each other.
fn cross_compare(copies: &mut [Copy]) {
    let chains: Vec<(String, Vec<ObjectId>)> = copies
        .iter()
        .filter(|copy| matches!(copy.state, State::Ahead(_)))
        .map(|copy| (copy.remote.name.clone(), copy.there.clone()))
        .collect();
    for copy in copies
        .iter_mut()
        .filter(|copy| matches!(copy.state, State::Ahead(_)))
    {
        let first = copy.shared.map_or(0, |shared| shared + 1);
        let mut findings = Vec::new();
        for (name, chain) in chains.iter().filter(|(name, _)| *name != copy.remote.name) {
            let pairs = copy.there.iter().rev().zip(chain.iter().rev());
            let split = pairs.enumerate().find(|(_, (mine, other))| mine != other);
            if let Some((at, (mine, _))) = split {
                let detail = format!("{} and {name} disagree", copy.remote.name);
                let number = Some(first + at as u64);
                findings.push(Finding::new(FindingId::MirrorForked, detail).at(number, *mine));
            }
        }
        copy.findings.extend(findings);
    }
}

/// Does something with each remote, all at once, and keeps their order.
fn in_parallel<T: Send>(remotes: &[Remote], work: impl Fn(&Remote) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = remotes
            .iter()
            .map(|remote| {
                let work = &work;
                scope.spawn(move || work(remote))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| match thread.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    })
}
