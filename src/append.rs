//! Appending: one entry after the tip, signed, durable, exactly once.
//!
//! The primary decides: the local branch, or the remote that is named first. Under a file lock
//! the tip is read, the entries are built and signed, their objects are made durable, and the
//! branch moves by compare-and-swap; where the primary is a remote, it must take the entry
//! before the local branch moves. Whether a refusal was a lost race is decided by ancestry,
//! never by a message. A lost draft is dropped and built again on the new tip. Who waits for the
//! lock leaves the events for the one who holds it, and finds them recorded when its turn comes.
//!
//! # Limits
//! The draft's objects of a lost race stay in the store until git collects them.

mod error;
mod known;
mod look_back;
mod race;
mod repeat;
mod slip;
mod turn;

use std::time::Instant;

use gix::ObjectId;

pub use self::error::AppendError;
pub use self::known::Repeats;
use self::race::{Landed, Published, REFUSALS, Sent};
pub use self::repeat::same;
use self::slip::Taken;
use self::turn::Turn;
use crate::chain;
use crate::commit::{self, Draft, Link};
use crate::date::rfc3339;
use crate::entry::{Approval, Entry};
use crate::event::{Event, Pending};
use crate::finding::Finding;
use crate::git::{Depth, FileLock, RemoteUrl, Transport};
use crate::ledger::{Attachments, Ledger, LedgerError, Objects, Storing, Tip};
use crate::merkle;
use crate::policy::Policy;
use crate::signer::Signer;
use crate::trust::{self, Place};
use crate::verify::Mark;

/// Events of one entry, in bytes: leaves room for the range, the signature and the headers.
const ENTRY_BYTES: usize = 48 << 10;

/// What to append.
#[derive(Debug, Clone)]
pub enum Next<'a> {
    /// Events, a group for each entry.
    Events(Vec<Vec<&'a Pending>>),
    /// A new policy.
    Policy {
        /// Digest of the entry that set the policy it was made from.
        base: merkle::Hash,
        /// The policy.
        policy: Box<Policy>,
        /// The event that records the change.
        event: Event,
        /// Agreements of further admins.
        approvals: Vec<Approval>,
    },
}

impl Next<'_> {
    /// Events, a group for each entry.
    pub fn events(groups: &[Vec<Pending>]) -> Next<'_> {
        Next::Events(groups.iter().map(|group| group.iter().collect()).collect())
    }
}

/// The remote that decides.
pub struct Primary {
    /// Its name, for messages.
    pub name: String,
    /// Its address.
    pub url: RemoteUrl,
    /// How to reach it.
    pub transport: Transport,
    /// How much history is fetched the first time.
    pub depth: Depth,
    /// How many bytes a fetch may bring.
    pub max_bytes: u64,
    /// What it was last seen to hold.
    pub mark: Option<Mark>,
}

/// An entry that is durable and in the chain.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The entry.
    pub link: Link,
    /// Whether it stood there before this call.
    pub earlier: bool,
}

/// Everything an append needs besides what is appended.
pub struct Appender<'a> {
    /// The ledger written to.
    pub ledger: &'a Ledger,
    /// The key that signs.
    pub signer: &'a Signer,
    /// The remote that decides, if it is not the local branch.
    pub primary: Option<&'a Primary>,
    /// Seconds since 1970.
    pub clock: &'a dyn Fn() -> u64,
    /// When to give up.
    pub deadline: Instant,
}

/// Puts events into groups that fit an entry each, keeping their order.
pub fn group<'a>(
    pending: impl IntoIterator<Item = &'a Pending>,
    most_events: usize,
) -> Vec<Vec<&'a Pending>> {
    let mut groups: Vec<Vec<&Pending>> = Vec::new();
    let mut size = 0;
    let mut line = String::new();
    for event in pending {
        line.clear();
        event.event.object().write(&mut line);
        // recordedtime is added later
        let bytes = line.len() + 48;
        match groups.last_mut() {
            Some(group) if size + bytes <= ENTRY_BYTES && group.len() < most_events.max(1) => {
                size += bytes;
                group.push(event);
            }
            _ => {
                size = bytes;
                groups.push(vec![event]);
            }
        }
    }
    groups
}

impl Appender<'_> {
    /// Appends, retrying lost races until the deadline. What is returned is durable and in the
    /// chain of the primary.
    ///
    /// # Errors
    /// When nothing was appended; a draft may have been left behind, unreferenced.
    pub fn append(&self, next: &Next<'_>, repeats: Repeats) -> Result<Vec<Recorded>, AppendError> {
        let state = self.ledger.state_dir();
        crate::durable::create_dir_all(&state).map_err(LedgerError::Io)?;
        let (_lock, unsettled) = match self.turn(&state, next, repeats)? {
            Turn::Recorded(recorded) => return Ok(recorded),
            Turn::Ours(lock) => (lock, None),
            Turn::Unsettled(lock, since) => (lock, Some(since)),
        };
        let (mut lost, mut refused) = (0, 0);
        let mut sent: Option<Sent> = None;
        // what others left, and is recorded with our own
        let mut along: Vec<Taken> = Vec::new();
        loop {
            let began = Instant::now();
            let base = self.base(sent.as_ref())?;
            if let Some(sent) = sent.take() {
                match self.landed(&base, &sent)? {
                    Landed::Yes => {
                        self.follow(base.local, &sent.last);
                        self.keep(&sent.stored)?;
                        along.into_iter().for_each(Taken::done);
                        return Ok(sent.recorded);
                    }
                    Landed::No => refused = 0,
                    // who holds the lock of the branch there may not have moved it yet
                    Landed::Refused(_) if refused < REFUSALS => refused += 1,
                    Landed::Refused(error) => return Err(error),
                }
                if Instant::now() >= self.deadline {
                    return Err(AppendError::OutOfTime(lost));
                }
            }
            if let Some(since) = unsettled
                && let Some(recorded) = self.recorded_since(base.remote, since, next)?
            {
                self.follow(base.local, &base.tip.link);
                return Ok(recorded);
            }
            let fewer;
            let (mut recorded, fresh) = match (next, repeats) {
                (Next::Events(groups), Repeats::LeaveOut) => {
                    let (earlier, groups) = self.leave_out(&base, groups)?;
                    fewer = Next::Events(groups);
                    (earlier, &fewer)
                }
                (Next::Events(groups), Repeats::ById) => {
                    fewer = Next::Events(self.unknown(&base, groups)?);
                    (Vec::new(), &fewer)
                }
                _ => (Vec::new(), next),
            };
            let (links, storing) = match fresh {
                Next::Events(own) => {
                    along = self.along(&base, own, along);
                    let others = along.iter().flat_map(|taken| &taken.groups);
                    let others = others.map(|group| group.iter().collect());
                    let all = Next::Events(own.iter().cloned().chain(others).collect());
                    match self.draft(&base.tip, &all) {
                        // one that is refused takes no other down
                        Err(AppendError::Refused(_)) if !along.is_empty() => {
                            along.clear();
                            self.draft(&base.tip, fresh)?
                        }
                        drafted => drafted?,
                    }
                }
                Next::Policy { .. } => self.draft(&base.tip, fresh)?,
            };
            let own = match fresh {
                Next::Events(groups) => groups.len(),
                Next::Policy { .. } => links.len(),
            };
            let last = match links.last() {
                Some(last) => last.clone(),
                // all is in the primary, and what is there is here now
                None if base.remote == base.tip.link.id => {
                    self.follow(base.local, &base.tip.link);
                    return Ok(recorded);
                }
                // all is here, but the primary has not heard of it
                None => base.tip.link.clone(),
            };
            recorded.extend(links.into_iter().take(own).map(|link| Recorded {
                link,
                earlier: false,
            }));
            let stored = storing.finish()?;
            match self.publish(&base, &last)? {
                Published::Done => {
                    self.keep(&stored)?;
                    along.into_iter().for_each(Taken::done);
                    return Ok(recorded);
                }
                Published::Lost => {}
                Published::Unknown(outcome) => {
                    sent = Some(Sent {
                        recorded,
                        stored,
                        last,
                        onto: base.tip.link.id,
                        remote: base.remote,
                        outcome,
                    });
                }
            }
            lost += 1;
            self.pause(lost, began.elapsed())?;
            if sent.is_none() && Instant::now() >= self.deadline {
                return Err(AppendError::OutOfTime(lost));
            }
        }
    }

    /// What an append would write now, without writing or moving anything.
    ///
    /// # Errors
    /// As [`Appender::append`].
    pub fn rehearse(&self, next: &Next<'_>) -> Result<Vec<Link>, AppendError> {
        self.build(&self.base(None)?.tip, next, None)
    }

    /// The entries that follow the tip, and the store that has taken them and waits for its end.
    fn draft(&self, tip: &Tip, next: &Next<'_>) -> Result<(Vec<Link>, Storing<'_>), AppendError> {
        let mut storing = self.ledger.storing();
        let links = self.build(tip, next, Some(&mut storing))?;
        Ok((links, storing))
    }

    /// The signed entries that follow the tip, each judged by the rules before it goes, with what
    /// belongs to it, to where they are stored.
    fn build(
        &self,
        tip: &Tip,
        next: &Next<'_>,
        mut to: Option<&mut Storing<'_>>,
    ) -> Result<Vec<Link>, AppendError> {
        let mut store = |objects: Objects, link: &Link| -> Result<(), AppendError> {
            let Some(to) = to.as_mut() else { return Ok(()) };
            for (kind, bytes) in objects {
                to.add(kind, bytes)?;
            }
            Ok(to.add_entry(link)?)
        };
        let mut links: Vec<Link> = Vec::new();
        match next {
            Next::Events(groups) => {
                let (plain, plain_objects) = self.ledger.entry_tree(tip.part, &Attachments::new());
                for group in groups {
                    let prev = links.last().unwrap_or(&tip.link);
                    let time = chain::date((self.clock)(), prev.time);
                    let stamp = rfc3339(time);
                    let events = group
                        .iter()
                        .map(|pending| pending.event.recorded(&stamp))
                        .collect();
                    let bodies = group.iter().filter_map(|pending| pending.body.as_ref());
                    let bodies: Attachments = bodies
                        .map(|body| (merkle::hex(&merkle::sha256(body)), body.clone()))
                        .collect();
                    let (tree, objects) = match bodies.is_empty() {
                        // what the entry before it holds too is as durable as that entry
                        true if prev.tree == plain => (plain, Objects::new()),
                        true => (plain, plain_objects.clone()),
                        false => self.ledger.entry_tree(tip.part, &bodies),
                    };
                    let entry = Entry {
                        events,
                        policy: prev.entry.policy,
                        range: chain::range_after(prev),
                        approvals: Vec::new(),
                    };
                    let link = self.sign(&tip.policy, prev, tree, time, entry, Place::Ordinary)?;
                    store(objects, &link)?;
                    links.push(link);
                }
            }
            Next::Policy {
                base,
                policy,
                event,
                approvals,
            } => {
                let prev = &tip.link;
                let time = chain::date((self.clock)(), prev.time);
                let (part, mut objects) = self.ledger.policy_tree(policy);
                let (tree, tree_objects) = self.ledger.entry_tree(part, &Attachments::new());
                let entry = Entry {
                    events: vec![event.recorded(&rfc3339(time))],
                    policy: policy.digest(),
                    range: chain::range_after(prev),
                    approvals: approvals.clone(),
                };
                let link = self.sign(&tip.policy, prev, tree, time, entry, Place::PolicyChange)?;
                self.check_change(tip, base, policy, &link)?;
                objects.extend(tree_objects);
                store(objects, &link)?;
                links.push(link);
            }
        }
        Ok(links)
    }

    fn check_change(
        &self,
        tip: &Tip,
        base: &merkle::Hash,
        policy: &Policy,
        link: &Link,
    ) -> Result<(), AppendError> {
        // a policy is written whole: on top of another than it was made from, it would take back
        // what came between
        let set_by = self.ledger.policy_entry(&tip.link)?.digest();
        if set_by != *base {
            return Err(AppendError::PolicyMoved(tip.link.entry.number()));
        }
        Policy::parse(policy.to_toml().as_bytes()).map_err(AppendError::Refused)?;
        let mut findings = policy.follows(&tip.policy, link.entry.number());
        findings.extend(trust::agreement(&tip.policy, Some(policy), &set_by, link));
        findings
            .into_iter()
            .next()
            .map_or(Ok(()), |finding| Err(AppendError::Refused(finding)))
    }

    fn sign(
        &self,
        policy: &Policy,
        prev: &Link,
        tree: ObjectId,
        time: u64,
        entry: Entry,
        place: Place,
    ) -> Result<Link, AppendError> {
        let key = self.signer.public_key();
        let Some((_, row)) = policy.row(key) else {
            let detail = format!("{} has no row in the policy", key.fingerprint());
            return Err(AppendError::Refused(Finding::new(
                crate::finding::FindingId::SignerUnknown,
                detail,
            )));
        };
        let draft = Draft {
            tree,
            parent: Some(prev.id),
            principal: row.principal.clone(),
            time,
            entry,
        };
        let link = draft.signed(|payload| -> Result<_, AppendError> {
            Ok(self.signer.sign(commit::NAMESPACE, payload)?)
        })?;
        let mut findings = chain::follows(prev, &link);
        findings.extend(chain::dated(&link, prev.time, (self.clock)()));
        findings.extend(trust::permits(policy, &link, place));
        findings
            .into_iter()
            .next()
            .map_or(Ok(link), |finding| Err(AppendError::Refused(finding)))
    }
}
