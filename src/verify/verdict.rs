//! What all findings amount to.

use gix::ObjectId;
use gix::objs::Kind;

use crate::commit::{self, Link};
use crate::finding::{Answer, Finding, FindingId, Severity};
use crate::merkle::{self, Hash};
use crate::store::{Read, Store};
use crate::trust;

use super::chunk::{Change, Judged, Seen};
use super::files::Files;
use super::known::{Known, Misfit, compromised};
use super::{End, READ_COMMIT, Request, events};

/// An entry that was seen at a place before: it must still be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The entry's number.
    pub number: u64,
    /// The entry's digest.
    pub digest: Hash,
}

/// The answer, and what it rests on.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Everything that was found, by position; those about no entry come first.
    pub findings: Vec<Finding>,
    /// How many entries were looked at, those that are known included.
    pub entries: u64,
    /// Digest of entry 0, if the walk reached it.
    pub fingerprint: Option<Hash>,
    /// Whether the fingerprint was compared with one the caller brought.
    pub pinned: bool,
    /// The newest entry, if it could be read: number, digest, commit, T.
    pub tip: Option<(u64, Hash, ObjectId, u64)>,
    /// Whether the walk met the entry it should have ended at.
    pub base_reached: bool,
    /// Why what was known of the entries up to the base was not taken over: then this is about
    /// those that follow, and no more.
    pub misfit: Option<Misfit>,
    /// The name in the newest policy.
    pub name: Option<String>,
    /// What a later judgement can begin from; only where all entries are sound.
    pub known: Option<Known>,
}

impl Verdict {
    /// Sound, unknown or breach.
    pub fn answer(&self) -> Answer {
        Answer::of(&self.findings)
    }

    /// The first entry that breaks a rule.
    pub fn first_bad(&self) -> Option<&Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity() == Severity::Breach)
            .min_by_key(|finding| finding.at.unwrap_or(u64::MAX))
    }
}

/// Puts everything together.
pub fn conclude<S: Store>(
    store: &S,
    request: &Request,
    files: &Files,
    collected: Judged,
    walked: u64,
    end: &End,
    broken: Option<Finding>,
) -> Verdict {
    let Judged {
        findings: mut placed,
        traces,
        mut changes,
        mut seen,
    } = collected;
    seen.sort_by_key(|entry: &Seen| entry.distance);
    let newest = super::newest_policy(store, files, request);
    let base = (*end == End::Base).then(|| Base::read(store, files, request));
    let (known, misfit) = match (&request.known, &base) {
        (Some(known), Some(Base { link: Ok(link), .. })) => {
            match known.fits(link, newest.as_deref(), &request.marks) {
                Ok(()) => (Some((known, link)), None),
                Err(misfit) => (None, Some(misfit)),
            }
        }
        (Some(_), Some(_)) => (None, Some(Misfit::Entry)),
        (_, None) | (None, _) => (None, None),
    };
    seen.extend(known.map(|(known, _)| Seen {
        distance: walked,
        commit: known.commit,
        number: known.number,
        digest: known.digest,
        time: known.time,
    }));
    // the root's position is 0; where the walk did not reach it, the oldest claim must do
    let anchor = match end {
        End::Root => walked.checked_sub(1),
        End::Base => base
            .as_ref()
            .and_then(|base| base.link.as_ref().ok())
            .map(|link| link.entry.number() + walked),
        End::Shallow(_) | End::Broken => seen.last().map(|entry| entry.number + entry.distance),
    };
    let position = |distance: u64| anchor.and_then(|tip| tip.checked_sub(distance));

    let mut in_force = known.map(|(known, link)| InForce {
        policy: link.entry.policy,
        set_by: known.set_by,
    });
    placed.extend(agreements(store, request, &mut changes, &mut in_force));
    // what is above it was judged by nothing
    let beneath = base.as_ref().and_then(Base::fault);
    placed.extend(beneath.map(|finding| (walked, finding)));
    let mut findings: Vec<Finding> = placed
        .into_iter()
        .map(|(distance, finding)| Finding {
            at: position(distance),
            ..finding
        })
        .collect();
    findings.extend(events::compare(traces, position));
    findings.extend(broken.map(|finding| Finding {
        at: position(walked),
        ..finding
    }));
    if let End::Shallow(at) = end {
        let detail = "the repository is shallow; older entries are not here";
        findings.push(
            Finding::new(FindingId::Shallow, detail).at(position(walked.saturating_sub(1)), *at),
        );
    }
    // nothing above the entry that raised the level can be judged by this program
    if let Some(raised) = findings
        .iter()
        .filter(|f| f.id == FindingId::SpecUnsupported)
        .filter_map(|f| f.at)
        .min()
    {
        findings.retain(|finding| finding.at.is_none_or(|at| at <= raised));
    }
    let root = seen
        .last()
        .filter(|entry| *end == End::Root && entry.distance + 1 == walked);
    let fingerprint = match known {
        Some((known, _)) => Some(known.fingerprint),
        None if *end == End::Root => root
            .map(|entry| entry.digest)
            .or_else(|| root_digest(store, request)),
        None => None,
    };
    if let (Some(pinned), Some(found)) = (request.pinned, fingerprint)
        && pinned != found
    {
        let detail = format!(
            "sha256:{}, pinned to sha256:{}",
            merkle::hex(&found),
            merkle::hex(&pinned)
        );
        findings.push(Finding {
            at: Some(0),
            ..Finding::new(FindingId::FingerprintMismatch, detail)
        });
    }
    findings.extend(known.iter().flat_map(|(known, _)| known.notes.clone()));
    let read = if known.is_some() { walked + 1 } else { walked };
    findings.extend(marks(request, &seen, anchor, read));
    findings.sort_by_key(|finding| finding.at.map_or(0, |at| at + 1));

    let tip = seen
        .first()
        .filter(|entry| entry.distance == 0)
        .map(|entry| (entry.number, entry.digest, entry.commit, entry.time));
    let whole = *end == End::Root || known.is_some();
    let leaves = match (tip, fingerprint, in_force, &newest) {
        (Some((number, digest, commit, time)), Some(fingerprint), Some(in_force), Some(newest))
            if whole && Answer::of(&findings) == Answer::Sound =>
        {
            Some(Known {
                number,
                digest,
                commit,
                time,
                fingerprint,
                set_by: in_force.set_by,
                compromised: compromised(newest),
                notes: findings.clone(),
            })
        }
        _ => None,
    };
    Verdict {
        findings,
        entries: known.map_or(walked, |(known, _)| known.number + 1 + walked),
        fingerprint,
        pinned: request.pinned.is_some() && fingerprint.is_some(),
        tip,
        base_reached: *end == End::Base,
        misfit,
        name: newest.map(|policy| policy.name.clone()),
        known: leaves,
    }
}

/// The entry at which the walk ended, which is judged by nobody here.
struct Base {
    /// Its commit.
    id: ObjectId,
    /// The entry.
    link: Result<Link, Finding>,
    /// Why the policy in force after it cannot be read.
    unreadable: Option<Finding>,
}

impl Base {
    fn read<S: Store>(store: &S, files: &Files, request: &Request) -> Base {
        let mut reader = store.reader();
        let id = request.base.unwrap_or(request.tip);
        let raw = reader
            .read(&id, Kind::Commit, READ_COMMIT)
            .map_err(|fault| fault.finding(&id));
        let link = raw.and_then(|raw| Link::parse(id, raw));
        let unreadable = link.as_ref().ok().and_then(|link| {
            let held = match files.of(&mut reader, link.tree) {
                Ok(held) => held,
                Err(finding) => return Some(finding),
            };
            if held.part.digest != link.entry.policy {
                let detail = format!("ledger.toml is sha256:{}", merkle::hex(&held.part.digest));
                return Some(Finding::new(FindingId::PolicyDigestMismatch, detail));
            }
            held.part.policy.as_ref().err().cloned()
        });
        Base {
            id,
            link,
            unreadable,
        }
    }

    /// What keeps the entry after it from being judged.
    fn fault(&self) -> Option<Finding> {
        let finding = match &self.link {
            Ok(_) => self.unreadable.clone()?,
            Err(finding) => finding.clone(),
        };
        Some(Finding {
            commit: Some(self.id),
            ..finding
        })
    }
}

/// A policy, and what set it.
#[derive(Debug, Clone, Copy)]
struct InForce {
    /// Its digest.
    policy: Hash,
    /// The digest of the entry that set it.
    set_by: Hash,
}

/// Whether enough admins agreed to each change of the policy, the oldest first. `in_force` is what
/// is known before the first of them, and becomes what the last one sets.
fn agreements<S: Store>(
    store: &S,
    request: &Request,
    changes: &mut [Change],
    in_force: &mut Option<InForce>,
) -> Vec<(u64, Finding)> {
    changes.sort_by_key(|change| std::cmp::Reverse(change.distance));
    let mut findings = Vec::new();
    for change in changes.iter() {
        let judged = change.after.is_some() || change.raises_level;
        if let Some(before) = change.before.as_ref().filter(|_| judged) {
            let known = in_force
                .filter(|known| known.policy == before.digest())
                .map(|known| known.set_by);
            let digest = known.or_else(|| setter(store, request, &change.link));
            // without approvals the text they sign does not matter
            if let Some(digest) =
                digest.or_else(|| change.link.entry.approvals.is_empty().then_some([0; 32]))
            {
                let found =
                    trust::agreement(before, change.after.as_deref(), &digest, &change.link);
                findings.extend(found.into_iter().map(|finding| {
                    (
                        change.distance,
                        Finding {
                            commit: Some(change.link.id),
                            ..finding
                        },
                    )
                }));
            }
        }
        *in_force = Some(InForce {
            policy: change.link.entry.policy,
            set_by: change.link.digest(),
        });
    }
    findings
}

/// Digest of the entry that set the policy in force before `link`, found by walking back; only
/// needed where the walk of the verdict did not come past it.
fn setter<S: Store>(store: &S, request: &Request, link: &Link) -> Option<Hash> {
    if link.entry.approvals.is_empty() {
        return None;
    }
    let mut reader = store.reader();
    let mut read = |id: ObjectId| -> Option<Link> {
        let raw = reader.read(&id, Kind::Commit, READ_COMMIT).ok()?;
        Link::parse(id, raw).ok()
    };
    let mut oldest = read(link.parent?)?;
    loop {
        if request.boundary.contains(&oldest.id) {
            return None;
        }
        let Some(parent) = oldest.parent else {
            return Some(oldest.digest());
        };
        let before = read(parent)?;
        if before.entry.policy != oldest.entry.policy {
            return Some(oldest.digest());
        }
        oldest = before;
    }
}

/// The digest of a root that is no well-formed entry.
fn root_digest<S: Store>(store: &S, request: &Request) -> Option<Hash> {
    let mut reader = store.reader();
    let mut at = request.tip;
    loop {
        let raw = reader.read(&at, Kind::Commit, READ_COMMIT).ok()?;
        match commit::first_parent(&raw, at.kind()) {
            Some(parent) => at = parent,
            None => return Some(merkle::leaf(&raw)),
        }
    }
}

/// Whether what was seen before is still there, as far as the newest `read` entries tell.
fn marks(request: &Request, seen: &[Seen], tip: Option<u64>, read: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    for mark in &request.marks {
        let (number, digest) = (mark.number, merkle::hex(&mark.digest));
        if let Some(tip) = tip.filter(|tip| *tip < number) {
            let detail = format!(
                "entry {number} (sha256:{digest}) was seen here before; the newest is now {tip}"
            );
            findings.push(Finding {
                at: Some(tip),
                ..Finding::new(FindingId::RolledBack, detail)
            });
            continue;
        }
        let there = seen.iter().find(|entry| entry.number == number);
        let below = tip.is_some_and(|tip| number + read <= tip);
        if !below && there.is_none_or(|entry| entry.digest != mark.digest) {
            let detail = format!("entry {number} was sha256:{digest} when it was seen before");
            let commit = there.map(|entry| entry.commit);
            findings.push(Finding {
                at: Some(number),
                commit,
                ..Finding::new(FindingId::HistoryRewritten, detail)
            });
        }
    }
    findings
}
