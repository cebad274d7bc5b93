//! What in a ledger somebody should explain: deployments that nobody approved, one person who did
//! it all, forced pushes, gaps, steps without an end.
//!
//! A pure fold over entries, the oldest first. An exception breaks no rule of the record: a sound
//! ledger can be full of them, and none of them says that anything is wrong. All of it is what
//! events claim, and people are known only as far as events name them.
//!
//! # Limits
//! Data that stands in an attachment is not looked into. Memory is bounded: at most [`MOST`]
//! exceptions are kept (all are counted), and of names, people and open steps the newest. What
//! was forgotten on the way is told by [`Exceptions::limits`].

mod deployment;
mod late;
mod people;
mod policy;
mod refs;
mod said;
mod steps;
mod stories;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use gix::ObjectId;

use crate::commit::Link;
use crate::event::{self, Event};
use crate::policy::Policy;

use deployment::Pending;
use refs::Moves;
use steps::Steps;
use stories::Stories;

/// Exceptions that are kept; what comes after them is only counted.
pub const MOST: usize = 10_000;
/// The longest piece of foreign text kept, in characters.
const LONGEST: usize = 160;

/// What kind of thing is out of the ordinary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Something was deployed, and no approval of it is recorded before.
    UnapprovedDeployment,
    /// One person made, approved and deployed it, and nobody else approved.
    OnePerson,
    /// Nobody approved it but who made it, or who deployed it.
    SelfApproved,
    /// A deployment failed, or was rolled back.
    FailedDeployment,
    /// A ref was moved to a commit that does not follow from the one before.
    ForcedPush,
    /// A ref was deleted.
    DeletedRef,
    /// Refs moved, and no hook saw it.
    Gap,
    /// Deliveries of another system are missing.
    FailedDelivery,
    /// A push certificate did not hold.
    BadCertificate,
    /// A step began, and its end is not recorded, or nobody knows it.
    UnfinishedStep,
    /// The policy asks for less than before.
    PolicyRelaxed,
    /// A key was called compromised.
    CompromisedKey,
    /// Protection of branches was lifted on a forge.
    ProtectionLifted,
    /// Somebody recorded that they found tampering.
    TamperFound,
    /// It happened long before it was recorded, as it says itself.
    RecordedLate,
    /// It is dated after it was recorded.
    DatedAhead,
}

/// All kinds with their word, and what each is in a sentence, the weightiest first.
const KINDS: &[(Kind, &str, &str)] = &[
    (
        Kind::TamperFound,
        "tamper-found",
        "somebody recorded that they found tampering",
    ),
    (
        Kind::CompromisedKey,
        "compromised-key",
        "a key was called compromised",
    ),
    (Kind::Gap, "gap", "refs moved, and no hook saw it"),
    (
        Kind::UnapprovedDeployment,
        "unapproved-deployment",
        "deployed, and no approval of it is recorded before",
    ),
    (
        Kind::OnePerson,
        "one-person",
        "one person made, approved and deployed it",
    ),
    (
        Kind::SelfApproved,
        "self-approved",
        "approved by nobody but who made or deployed it",
    ),
    (
        Kind::PolicyRelaxed,
        "policy-relaxed",
        "the policy asks for less than before",
    ),
    (
        Kind::ProtectionLifted,
        "protection-lifted",
        "the protection of branches was lifted",
    ),
    (
        Kind::ForcedPush,
        "forced-push",
        "a ref was moved to a commit that does not follow",
    ),
    (Kind::DeletedRef, "deleted-ref", "a ref was deleted"),
    (
        Kind::BadCertificate,
        "bad-certificate",
        "a signed push whose signature did not hold",
    ),
    (
        Kind::FailedDelivery,
        "failed-delivery",
        "deliveries of another system never came",
    ),
    (
        Kind::FailedDeployment,
        "failed-deployment",
        "a deployment failed or was rolled back",
    ),
    (
        Kind::UnfinishedStep,
        "unfinished-step",
        "a step began, and its end is not recorded",
    ),
    (
        Kind::DatedAhead,
        "dated-ahead",
        "dated after it was recorded",
    ),
    (
        Kind::RecordedLate,
        "recorded-late",
        "recorded more than a day after it happened",
    ),
];

impl Kind {
    /// All kinds, the weightiest first.
    pub fn all() -> impl Iterator<Item = Kind> {
        KINDS.iter().map(|(kind, ..)| *kind)
    }

    /// The word in every output.
    pub fn word(self) -> &'static str {
        self.row().1
    }

    /// What it is, in a sentence.
    pub fn sentence(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> &'static (Kind, &'static str, &'static str) {
        let row = KINDS.iter().find(|(kind, ..)| *kind == self);
        row.unwrap_or(&(Kind::Gap, "", ""))
    }
}

/// One thing that somebody should explain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// What kind.
    pub kind: Kind,
    /// The number of the entry that tells of it.
    pub number: u64,
    /// Its commit.
    pub commit: ObjectId,
    /// T of the entry, in seconds since 1970.
    pub time: u64,
    /// What it is about, as events say; foreign text.
    pub what: String,
    /// The people that events name; foreign text.
    pub who: Vec<String>,
    /// Why it is one; may quote foreign text.
    pub why: String,
}

/// Where an event stands.
#[derive(Debug, Clone, Copy)]
struct At {
    number: u64,
    commit: ObjectId,
    time: u64,
}

impl At {
    fn of(link: &Link) -> At {
        At {
            number: link.entry.number(),
            commit: link.id,
            time: link.time,
        }
    }

    fn exception(self, kind: Kind, what: &str, who: Vec<String>, why: String) -> Exception {
        Exception {
            kind,
            number: self.number,
            commit: self.commit,
            time: self.time,
            what: shortened(what),
            who,
            why,
        }
    }
}

/// Foreign text, no longer than is kept.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
    }
}

/// What was found in the entries so far.
#[derive(Debug, Default)]
pub struct Exceptions {
    kept: Vec<Option<Exception>>,
    counts: BTreeMap<Kind, u64>,
    stories: Stories,
    pending: Pending,
    moves: Moves,
    steps: Steps,
    newest: Option<At>,
    /// Of which entries exceptions are told.
    within: Option<(u64, u64)>,
}

impl Exceptions {
    /// All entries are to be taken in, and exceptions told of those with these numbers, both
    /// included.
    pub fn within(from: u64, to: u64) -> Exceptions {
        Exceptions {
            within: Some((from, to)),
            ..Exceptions::default()
        }
    }

    fn tells_of(&self, number: u64) -> bool {
        self.within
            .is_none_or(|(from, to)| (from..=to).contains(&number))
    }

    /// Takes in the next entry.
    pub fn add(&mut self, link: &Link) {
        let at = At::of(link);
        for event in &link.entry.events {
            self.see(at, event);
        }
        for found in late::of(at, &link.entry.events) {
            self.keep(found);
        }
    }

    /// Takes in what an entry changed of the policy; for those who have read both.
    pub fn policy(&mut self, link: &Link, before: &Policy, after: &Policy) {
        for found in policy::relaxed(At::of(link), before, after) {
            self.keep(found);
        }
    }

    fn see(&mut self, at: At, event: &Event) {
        self.newest = Some(at);
        match event.kind() {
            event::PUSH | event::REFS_CHANGED => {
                if let Some(of) = refs::undone(event) {
                    for place in self.moves.undo(&of) {
                        self.take_back(place);
                    }
                }
                for found in refs::moved(at, event) {
                    let place = self.keep(found);
                    self.moves.note(event, place);
                }
            }
            _ => {
                for found in refs::told(at, event) {
                    self.keep(found);
                }
            }
        }
        if let Some(found) = self.steps.see(at, event) {
            self.keep(found);
        }
        if let Some(said) = said::of(event) {
            for found in self.pending.see(at, said, &mut self.stories) {
                self.keep(found);
            }
        }
    }

    /// Where it is kept, if it is.
    fn keep(&mut self, found: Exception) -> Option<usize> {
        if !self.tells_of(found.number) {
            return None;
        }
        *self.counts.entry(found.kind).or_default() += 1;
        (self.kept.len() < MOST).then(|| {
            self.kept.push(Some(found));
            self.kept.len() - 1
        })
    }

    fn take_back(&mut self, place: usize) {
        let taken = self.kept.get_mut(place).and_then(Option::take);
        if let Some(count) = taken.and_then(|found| self.counts.get_mut(&found.kind)) {
            *count = count.saturating_sub(1);
        }
    }

    /// What there is to explain as of the newest entry, in the order of the chain.
    pub fn list(&self) -> Vec<Exception> {
        let kept = self.kept.iter().flatten().cloned();
        let mut all: Vec<Exception> = kept.chain(self.open()).take(MOST).collect();
        all.sort_by_key(|found| found.number);
        all
    }

    /// How many of each kind there are, those that are not kept included.
    pub fn counts(&self) -> BTreeMap<Kind, u64> {
        let mut counts = self.counts.clone();
        for found in self.open() {
            *counts.entry(found.kind).or_default() += 1;
        }
        counts.retain(|_, count| *count > 0);
        counts
    }

    /// What is out of the ordinary only as long as nothing more comes.
    fn open(&self) -> impl Iterator<Item = Exception> {
        let steps = self.steps.open(self.newest.map(|at| at.time));
        let open = steps.chain(self.pending.open(&self.stories));
        open.filter(|found| self.tells_of(found.number))
    }

    /// Why there may be more, or other, exceptions than are told; empty where there are not.
    pub fn limits(&self) -> Vec<String> {
        let mut limits = Vec::new();
        let all: u64 = self.counts().values().sum();
        if all > MOST as u64 {
            limits.push(format!("{MOST} of {all} exceptions are listed"));
        }
        if self.stories.forgot() {
            limits.push(
                "approvals are looked for among the newest changes, runs and artifacts only; there \
                 are more than can be held"
                    .to_owned(),
            );
        }
        if self.steps.forgot() || self.pending.forgot() {
            limits.push("of steps and deployments under way the newest are followed".to_owned());
        }
        limits
    }
}
