//! Asks one remote: lists, fetches into a scratch store, judges what is new, compares.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::Instant;

use gix::ObjectId;

use crate::commit::Link;
use crate::durable;
use crate::finding::{Answer, Finding, FindingId, Severity};
use crate::git::{
    Depth, Expected, Fetch, FileLock, LockError, RefUpdate, RemoteUrl, Repository, Store,
    Transport, TransportError,
};
use crate::ledger::Ledger;
use crate::marks::Mark;
use crate::merkle;
use crate::verify::{Request, verify};

use super::compare::{Chains, Memory, Split, State, absent, compare};
use super::evidence;
use super::history::{alone, ancestor, before, raw, stands};
use super::meeting::{Before, Meeting, meet};
use super::tips;
use super::{Copy, Named, Remote, Survey};

/// How much of what a remote says is kept.
const KEPT_WORDS: usize = 600;
/// Where the scratch repository remembers what it has whole.
const KEPT: &str = "refs/kept/tip";

/// Why there is no chain to compare.
pub(super) enum Deaf {
    /// It does not have the ledger.
    Absent,
    /// No answer that could be used.
    Silent(String),
}

impl From<TransportError> for Deaf {
    fn from(error: TransportError) -> Deaf {
        match error {
            TransportError::NoSuchRef(_) => Deaf::Absent,
            other => Deaf::Silent(words(&other.to_string())),
        }
    }
}

/// A chain that a remote has shown, readable in the scratch repository.
pub(super) struct Shown {
    pub tip: ObjectId,
    pub meeting: Meeting,
    pub ledger: Ledger,
}

impl Survey<'_> {
    /// Asks one remote at one of its addresses.
    pub(super) fn ask(&self, remote: &Remote, url: &RemoteUrl, here: Option<&Named>) -> Copy {
        let mut copy = Copy {
            remote: remote.clone(),
            state: State::Silent,
            newest: None,
            shared: None,
            there: Vec::new(),
            split: None,
            seen: None,
            lacks_since: None,
            why: None,
            findings: Vec::new(),
            evidence: Vec::new(),
            tips: vec![None; self.tips.len()],
        };
        // before the remote is asked: it may only have grown since
        let mark = self.marks.get(Some(&remote.name)).unwrap_or_else(|why| {
            copy.findings.push(why.finding());
            why.recalled()
        });
        copy.seen = mark.as_ref().map(|mark| mark.seen);
        // nobody may clear the scratch store away while it is read
        let held = match self.hold(&remote.name) {
            Ok(held) => held,
            Err(why) => {
                self.deaf(&mut copy, mark.as_ref(), Deaf::Silent(why));
                return copy;
            }
        };
        match self.listen(&remote.name, url, here, mark.as_ref()) {
            Ok(shown) => self.place(&mut copy, &shown, here, mark.as_ref()),
            Err(deaf) => self.deaf(&mut copy, mark.as_ref(), deaf),
        }
        drop(held);
        copy
    }

    /// Where the scratch repositories of a remote are.
    pub(super) fn room(&self, name: &str) -> PathBuf {
        room(self.ledger, name)
    }

    fn hold(&self, name: &str) -> Result<FileLock, String> {
        let room = self.room(name);
        durable::create_dir_all(&room).map_err(|why| why.to_string())?;
        FileLock::acquire(&room.join("lock"), self.deadline).map_err(|why| match why {
            LockError::Busy { .. } => format!("{why}, which is asking it too"),
            other => other.to_string(),
        })
    }

    fn deaf(&self, copy: &mut Copy, mark: Option<&Mark>, deaf: Deaf) {
        let name = &copy.remote.name;
        let detail = match deaf {
            Deaf::Absent => {
                copy.state = absent(mark.map(|mark| mark.number));
                match mark {
                    Some(mark) => format!(
                        "{name} has no '{}'; entry {} (sha256:{}) was seen there",
                        self.reference,
                        mark.number,
                        merkle::hex(&mark.digest)
                    ),
                    None => format!("{name} has no '{}'", self.reference),
                }
            }
            Deaf::Silent(why) => {
                copy.state = State::Silent;
                let why = if why == TransportError::Silent.to_string() {
                    format!("no answer within {} s", self.patience)
                } else {
                    why
                };
                copy.why = Some(why.clone());
                format!("{name}: {why}")
            }
        };
        copy.findings
            .extend(copy.state.finding().map(|id| Finding::new(id, detail)));
    }

    /// What the remote shows, and where it parts from the copy in hand.
    fn listen(
        &self,
        name: &str,
        url: &RemoteUrl,
        here: Option<&Named>,
        mark: Option<&Mark>,
    ) -> Result<Shown, Deaf> {
        let transport = self
            .ledger
            .repository()
            .transport(&self.room(name).join("ask"), Store::Scratch)?;
        let reference = self.reference;
        let listed = transport
            .ls_ref(url, reference, self.deadline)?
            .ok_or(Deaf::Absent)?;
        if let Some(here) = here
            && let Some(meeting) = self.met(here.commit, listed, self.ledger)
            && meeting.there.is_empty()
        {
            return Ok(Shown {
                tip: listed,
                meeting,
                ledger: self.ledger.clone(),
            });
        }
        let scratch = open(&transport)?;
        let kept = scratch
            .find_ref(KEPT)
            .map_err(|why| Deaf::Silent(why.to_string()))?;
        let tip = if kept == Some(listed) {
            listed
        } else {
            let haves: Vec<ObjectId> = here
                .map(|here| here.commit)
                .into_iter()
                .chain(mark.map(|mark| mark.commit))
                .collect();
            let fetch = Fetch {
                url,
                name: reference,
                depth: Depth::Full,
                haves: &haves,
                max_bytes: self.max_bytes,
            };
            let tip = transport.fetch(&fetch, self.deadline)?;
            keep(&scratch, kept, tip)?;
            tip
        };
        let ledger = Ledger::new(open(&transport)?, reference);
        let meeting = match here {
            Some(here) => self.met(here.commit, tip, &ledger),
            None => alone(tip, &ledger, Some(self.deadline)),
        };
        let meeting = meeting.ok_or_else(|| {
            if Instant::now() > self.deadline {
                return Deaf::Silent("its history could not be followed in time".into());
            }
            Deaf::Silent("history that would tell where the copies part is missing".into())
        })?;
        Ok(Shown {
            tip,
            meeting,
            ledger,
        })
    }

    fn met(&self, here: ObjectId, there: ObjectId, store: &Ledger) -> Option<Meeting> {
        let boundary: BTreeSet<ObjectId> = self
            .ledger
            .repository()
            .shallow()
            .ok()?
            .into_iter()
            .collect();
        let reader = store.repository().reader().ok()?;
        meet(here, there, |id| match Instant::now() > self.deadline {
            true => Before::Unseen,
            false => before(&reader, &boundary, id),
        })
    }

    /// Puts the chain that was shown into its place.
    fn place(&self, copy: &mut Copy, shown: &Shown, here: Option<&Named>, mark: Option<&Mark>) {
        let Some(positions) = positions(&shown.meeting, here) else {
            let why = "the numbers of the copy here do not fit its length".to_owned();
            return self.deaf(copy, mark, Deaf::Silent(why));
        };
        let raw = |id: ObjectId| raw(&shown.ledger, id);
        let newest = positions.newest_there().unwrap_or_default();
        copy.newest = raw(shown.tip).map(|bytes| Named::of(newest, shown.tip, &bytes));
        copy.shared = positions.common;
        copy.there.clone_from(&shown.meeting.there);
        if let (Some(oldest), true) = (shown.meeting.here.last(), positions.there == 0) {
            let link = raw(*oldest).and_then(|raw| Link::parse(*oldest, raw).ok());
            copy.lacks_since = link.map(|link| link.time);
        }
        copy.tips = tips::shown(&shown.ledger, newest, &copy.there, self.tips);
        let number = positions.common.map_or(0, |common| common + 1);
        let mut split = Split::Different;
        if let Some((ours, theirs)) = shown.meeting.split()
            && let (Some(one), Some(other)) = (raw(ours), raw(theirs))
        {
            split = stands(ours, &one, theirs, &other);
            copy.split = Some((
                Named::of(number, ours, &one),
                Named::of(number, theirs, &other),
            ));
        }
        let memory = remember(shown, positions, mark);
        copy.state = if here.is_none() {
            // without a copy here, all that is there is new
            match memory {
                Memory::Replaced(mark) => State::RolledBack(mark),
                Memory::Fits(mark) if newest < mark => State::RolledBack(mark),
                Memory::Fits(_) | Memory::None => State::Ahead(positions.there),
            }
        } else {
            compare(positions, split, memory)
        };
        let finding = copy.state.finding().map(|id| self.told(copy, id, mark));
        copy.findings.extend(finding);
        if !shown.meeting.there.is_empty() && copy.state != State::Unrelated {
            self.judge(copy, shown, newest);
        }
        let parted = matches!(
            copy.state,
            State::Forked(_) | State::Stray(_) | State::Twin(_)
        );
        if parted || copy.answer() == Answer::Breach && !shown.meeting.there.is_empty() {
            evidence::keep(self, copy, shown, here);
        }
        if copy.is_honest() {
            self.raise(copy);
        }
    }

    /// Judges what is new there by the rules of the ledger.
    fn judge(&self, copy: &mut Copy, shown: &Shown, newest: u64) {
        let mut marks = Vec::new();
        // this copy itself may have been taken back; where the copies part, that is told already
        if shown.meeting.here.is_empty()
            && let Ok(Some(mark)) = self.marks.get(None)
            && mark.number <= newest
        {
            marks.push(mark.position());
        }
        let request = Request {
            base: shown.meeting.common,
            pinned: self.pinned,
            marks,
            ..Request::whole(shown.tip)
        };
        // whoever sends more than can be judged in time is not waited for; the thread ends with us
        let (send, receive) = channel();
        let ledger = shown.ledger.clone();
        std::thread::spawn(move || send.send(verify(&ledger, &request, &|_| ())).is_ok());
        let left = self.deadline.saturating_duration_since(Instant::now());
        let Ok(verdict) = receive.recv_timeout(left) else {
            let why = "what it shows could not be judged in time".to_owned();
            if copy.state.is_honest() {
                return self.deaf(copy, None, Deaf::Silent(why));
            }
            // that the copies part is known all the same
            let detail = format!("{}: {why}", copy.remote.name);
            copy.findings
                .push(Finding::new(FindingId::MirrorSilent, detail));
            return;
        };
        let name = &copy.remote.name;
        if let Some(first) = verdict.first_bad() {
            copy.findings.push(Finding {
                id: FindingId::MirrorBreach,
                detail: format!("{name}: {}: {}", first.id, first.detail),
                ..first.clone()
            });
        }
        let unknown = verdict
            .findings
            .iter()
            .filter(|finding| finding.severity() == Severity::Unknown);
        copy.findings.extend(unknown.map(|finding| Finding {
            detail: format!("{name}: {}", finding.detail),
            ..finding.clone()
        }));
    }

    /// Remembers what was seen, before anybody is told.
    fn raise(&self, copy: &mut Copy) {
        let Some(newest) = &copy.newest else {
            return;
        };
        let mark = Mark {
            number: newest.number,
            digest: newest.digest,
            commit: newest.commit,
            time: newest.time.unwrap_or_default(),
            seen: self.clock,
        };
        match self.marks.raise(Some(&copy.remote.name), &mark) {
            Ok(()) => copy.seen = Some(self.clock),
            // what cannot be relied on was told before the remote was asked
            Err(why) if copy.findings.contains(&why.finding()) => {}
            Err(why) => copy.findings.push(why.finding()),
        }
    }

    /// The finding that goes with a state.
    fn told(&self, copy: &Copy, id: FindingId, mark: Option<&Mark>) -> Finding {
        let name = &copy.remote.name;
        let hex = |named: &Named| merkle::hex(&named.digest);
        let newest = copy.newest.as_ref();
        if let (Some((ours, theirs)), State::Forked(_) | State::Stray(_) | State::Twin(_)) =
            (&copy.split, copy.state)
        {
            let what = match copy.state {
                State::Stray(_) => "gives the number to another entry",
                State::Twin(_) => "spells the same signed entry in another way",
                _ => "holds another history",
            };
            let detail = format!(
                "{name} {what}: here sha256:{}, there sha256:{}",
                hex(ours),
                hex(theirs)
            );
            return Finding::new(id, detail).at(Some(ours.number), theirs.commit);
        }
        let detail = match (copy.state, mark) {
            (State::RolledBack(_), Some(mark)) => format!(
                "{name} was seen with entry {} (sha256:{}); its newest is now entry {}",
                mark.number,
                merkle::hex(&mark.digest),
                newest.map_or(0, |newest| newest.number)
            ),
            _ => format!("{name} holds another ledger"),
        };
        let finding = Finding::new(id, detail);
        match newest {
            Some(newest) => finding.at(Some(newest.number), newest.commit),
            None => finding,
        }
    }
}

/// Where the scratch repositories of a remote are.
pub(super) fn room(ledger: &Ledger, name: &str) -> PathBuf {
    let key = merkle::hex(&merkle::sha256(
        format!("{}\n{name}", ledger.reference()).as_bytes(),
    ));
    let key = key.get(..16).unwrap_or_default();
    ledger.state_dir().join("remotes").join(key)
}

/// Clears away what was fetched from a remote that is no mirror any more; nothing that was seen
/// there is forgotten.
///
/// # Errors
/// When it could not be removed.
pub fn clear(ledger: &Ledger, name: &str) -> std::io::Result<()> {
    match std::fs::remove_dir_all(room(ledger, name)) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => Err(why),
        _ => Ok(()),
    }
}

/// Positions counted from the number of the newest entry here, whatever the entries there claim.
fn positions(meeting: &Meeting, here: Option<&Named>) -> Option<Chains> {
    let (ours, theirs) = (meeting.here.len() as u64, meeting.there.len() as u64);
    let common = match (meeting.common, here) {
        (Some(_), Some(here)) => Some(here.number.checked_sub(ours)?),
        _ => None,
    };
    Some(Chains {
        common,
        here: ours,
        there: theirs,
    })
}

/// What was seen there before, held against what is there now.
fn remember(shown: &Shown, positions: Chains, mark: Option<&Mark>) -> Memory {
    let Some(mark) = mark else {
        return Memory::None;
    };
    let newest = positions.newest_there().unwrap_or_default();
    if mark.number > newest {
        return Memory::Fits(mark.number);
    }
    // the entry at the mark's number, counted back from the newest one
    let back = newest - mark.number;
    let at = match usize::try_from(back)
        .ok()
        .and_then(|back| shown.meeting.there.get(back))
    {
        Some(id) => Some(*id),
        None => shown.meeting.common.and_then(|common| {
            let steps = back.checked_sub(shown.meeting.there.len() as u64)?;
            ancestor(&shown.ledger, common, steps, mark.commit)
        }),
    };
    let digest = at
        .and_then(|id| raw(&shown.ledger, id))
        .map(|raw| merkle::leaf(&raw));
    match digest {
        Some(digest) if digest != mark.digest => Memory::Replaced(mark.number),
        // what cannot be seen any more cannot be called replaced
        _ => Memory::Fits(mark.number),
    }
}

fn open(transport: &Transport) -> Result<Repository, Deaf> {
    transport
        .repository()
        .map_err(|why| Deaf::Silent(why.to_string()))
}

/// So that the next fetch brings only what is newer.
fn keep(scratch: &Repository, kept: Option<ObjectId>, tip: ObjectId) -> Result<(), Deaf> {
    scratch
        .update_ref(&RefUpdate {
            name: KEPT,
            expected: kept.map_or(Expected::Absent, Expected::Is),
            new: tip,
            message: "fetched",
            committer: "git-ledger <git-ledger> 0 +0000",
        })
        .map_err(|why| Deaf::Silent(why.to_string()))
}

/// What a remote said, on one line and cut to a length.
fn words(text: &str) -> String {
    let joined = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ");
    joined.chars().take(KEPT_WORDS).collect()
}
