//! A run of neighbours, judged by one worker.

use std::sync::Arc;

use gix::ObjectId;
use gix::objs::Kind;

use crate::chain;
use crate::commit::{self, Link};
use crate::finding::{Finding, FindingId};
use crate::merkle::{self, Hash};
use crate::policy::Policy;
use crate::signature::KnownKeys;
use crate::signature::batch::{Checker, Claim};
use crate::store::{Read, ReadFault};
use crate::tree;
use crate::trust::{self, Place};

use super::Request;
use super::events::{Trace, traces};
use super::files::{Files, TreeFiles};

/// Neighbours, the newest first.
#[derive(Debug)]
pub struct Chunk {
    /// Distance of the newest from the tip.
    pub first: u64,
    /// Id and content of each.
    pub commits: Vec<(ObjectId, Vec<u8>)>,
    /// What stands before the oldest.
    pub tail: Tail,
}

/// What stands before the oldest commit of a chunk.
#[derive(Debug)]
pub enum Tail {
    /// A commit that another chunk, or the caller, judges.
    Neighbour(ObjectId, Vec<u8>),
    /// Nothing: the oldest is the root.
    Root,
    /// Something that cannot be seen.
    Cut,
}

/// What a worker found; everything is placed by its distance from the tip.
#[derive(Debug, Default)]
pub struct Judged {
    /// The findings.
    pub findings: Vec<(u64, Finding)>,
    /// What is needed to find events recorded twice.
    pub traces: Vec<Trace>,
    /// Entries that change the policy.
    pub changes: Vec<Change>,
    /// The number and digest each readable entry claims; kept for a few entries only.
    pub seen: Vec<Seen>,
}

impl Judged {
    /// Adds what was found elsewhere.
    pub fn absorb(&mut self, other: Judged) {
        self.findings.extend(other.findings);
        self.traces.extend(other.traces);
        self.changes.extend(other.changes);
        self.seen.extend(other.seen);
    }
}

/// An entry that sets a policy: one that changes it, or the first.
#[derive(Debug)]
pub struct Change {
    /// Distance from the tip.
    pub distance: u64,
    /// The entry.
    pub link: Link,
    /// The policy in force before it; `None` for the first entry.
    pub before: Option<Arc<Policy>>,
    /// The policy it sets, where it could be read.
    pub after: Option<Arc<Policy>>,
    /// Whether that policy is of a level this program does not know.
    pub raises_level: bool,
}

/// An entry that somebody will ask about: the tip, the root, those with a mark.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Distance from the tip.
    pub distance: u64,
    /// The commit.
    pub commit: ObjectId,
    /// The number it claims.
    pub number: u64,
    /// Its digest.
    pub digest: Hash,
    /// T.
    pub time: u64,
}

/// The entry before the one judged.
enum Previous<'a> {
    Link(&'a Link),
    Malformed,
    Nothing,
    Unseen,
}

/// Judges chunks on one thread.
pub struct Worker<'a, R> {
    pub reader: R,
    pub files: &'a Files,
    pub newest: Option<&'a Policy>,
    pub keys: &'a KnownKeys,
    pub checker: &'a Checker,
    pub request: &'a Request,
}

impl<R: Read> Worker<'_, R> {
    /// Judges every commit of the chunk.
    pub fn judge(&mut self, chunk: Chunk) -> Judged {
        let parse = |(id, raw)| (id, Link::parse_among(id, raw, self.keys));
        let links: Vec<(ObjectId, Result<Link, Finding>)> =
            chunk.commits.into_iter().map(parse).collect();
        let root = matches!(chunk.tail, Tail::Root);
        let neighbour = match chunk.tail {
            Tail::Neighbour(id, raw) => Some(Link::parse_among(id, raw, self.keys)),
            Tail::Root | Tail::Cut => None,
        };
        let mut signed = self.signed(&links).into_iter();
        let mut judged = Judged::default();
        for (at, (id, link)) in links.iter().enumerate() {
            let distance = chunk.first + at as u64;
            let before = links.get(at + 1).map(|(_, link)| link);
            let previous = match before.or(neighbour.as_ref()) {
                Some(Ok(link)) => Previous::Link(link),
                Some(Err(_)) => Previous::Malformed,
                None if root => Previous::Nothing,
                None => Previous::Unseen,
            };
            let findings = match link {
                Ok(link) => {
                    self.note(&mut judged, distance, link, &previous);
                    let signed = signed.next().unwrap_or_else(|| link.check_signature());
                    self.entry(&mut judged, distance, link, signed, &previous)
                }
                Err(finding) => vec![finding.clone()],
            };
            let placed = findings.into_iter().map(|finding| {
                (
                    distance,
                    Finding {
                        commit: Some(*id),
                        ..finding
                    },
                )
            });
            judged.findings.extend(placed);
        }
        judged
    }

    /// What is to be said of the signature of each link that could be read, in their order.
    fn signed(&self, links: &[(ObjectId, Result<Link, Finding>)]) -> Vec<Result<(), Finding>> {
        let claims: Vec<Claim<'_>> = links
            .iter()
            .filter_map(|(_, link)| link.as_ref().ok().map(Link::claim))
            .collect();
        let answers = self.checker.check(&claims).into_iter();
        answers
            .map(|answer| answer.map_err(commit::signature_finding))
            .collect()
    }

    fn note(&self, judged: &mut Judged, distance: u64, link: &Link, previous: &Previous<'_>) {
        judged.traces.extend(traces(link, distance));
        let number = link.entry.number();
        let marked = self.request.marks.iter().any(|mark| mark.number == number);
        if distance == 0 || marked || matches!(previous, Previous::Nothing | Previous::Unseen) {
            judged.seen.push(Seen {
                distance,
                commit: link.id,
                number,
                digest: link.digest(),
                time: link.time,
            });
        }
    }

    /// Everything that is wrong with one entry.
    fn entry(
        &mut self,
        judged: &mut Judged,
        distance: u64,
        link: &Link,
        signed: Result<(), Finding>,
        previous: &Previous<'_>,
    ) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        match previous {
            Previous::Link(prev) => findings.extend(chain::follows(prev, link)),
            Previous::Nothing => findings.extend(chain::begins(link)),
            Previous::Malformed | Previous::Unseen => findings.extend(chain::continues(link)),
        }
        if let Some(clock) = self.request.admitted_at {
            let before = if let Previous::Link(prev) = previous {
                prev.time
            } else {
                0
            };
            findings.extend(chain::dated(link, before, clock));
        }
        let own = self.tree(link, previous, &mut findings);
        match signed {
            Ok(()) => self.permission(
                judged,
                distance,
                link,
                previous,
                own.as_ref(),
                &mut findings,
            ),
            // who may sign is no question when nobody did
            Err(finding) => findings.insert(0, finding),
        }
        findings
    }

    /// The files of the entry's tree; what is wrong with a tree is said of the entry that brings it.
    fn tree(
        &mut self,
        link: &Link,
        previous: &Previous<'_>,
        findings: &mut Vec<Finding>,
    ) -> Option<TreeFiles> {
        let same = |other: fn(&Link, &Link) -> bool| matches!(previous, Previous::Link(prev) if other(prev, link));
        let brought = !same(|prev, link| prev.tree == link.tree);
        let files = match self.files.of(&mut self.reader, link.tree) {
            Ok(files) => files,
            Err(finding) => {
                findings.extend(brought.then_some(finding));
                return None;
            }
        };
        let named = !same(|prev, link| prev.entry.policy == link.entry.policy);
        if files.part.digest != link.entry.policy && (brought || named) {
            let detail = format!("ledger.toml is sha256:{}", merkle::hex(&files.part.digest));
            findings.push(Finding::new(FindingId::PolicyDigestMismatch, detail));
        } else if brought {
            findings.extend(files.part.policy.as_ref().err().cloned());
            findings.extend(files.part.derived.clone());
        }
        self.attachments(link, &files, findings);
        Some(files)
    }

    fn attachments(&mut self, link: &Link, files: &TreeFiles, findings: &mut Vec<Finding>) {
        let mut named: Vec<&str> = link
            .entry
            .events
            .iter()
            .filter_map(|event| event.attachment())
            .collect();
        named.sort_unstable();
        named.dedup();
        let held = match files.attachments {
            None => Vec::new(),
            Some(id) => {
                let raw = self
                    .reader
                    .read(&id, Kind::Tree, tree::MAX_BYTES)
                    .map_err(|fault| fault.finding(&id));
                match raw.and_then(|raw| tree::parse_attachments(&raw, id.kind())) {
                    Ok(held) => held,
                    Err(finding) => return findings.push(finding),
                }
            }
        };
        for (digest, blob) in &held {
            if named.binary_search(&digest.as_str()).is_err() {
                findings.push(Finding::new(FindingId::AttachmentUnnamed, digest.clone()));
            }
            match self.reader.read(blob, Kind::Blob, tree::MAX_ATTACHMENT) {
                Ok(bytes) if merkle::hex(&merkle::sha256(&bytes)) == *digest => {}
                Ok(bytes) => {
                    let detail = format!(
                        "{digest} holds sha256:{}",
                        merkle::hex(&merkle::sha256(&bytes))
                    );
                    findings.push(Finding::new(FindingId::AttachmentDigest, detail));
                }
                Err(fault @ (ReadFault::Missing | ReadFault::Io(_))) => {
                    findings.push(Finding::new(
                        FindingId::AttachmentUnreadable,
                        format!("{digest}: {fault}"),
                    ));
                }
                Err(fault) => findings.push(fault.finding(blob)),
            }
        }
        for digest in named {
            if !held.iter().any(|(other, _)| other == digest) {
                findings.push(Finding::new(FindingId::AttachmentAbsent, digest.to_owned()));
            }
        }
    }

    /// Whether the entry may stand here under the policy in force.
    fn permission(
        &mut self,
        judged: &mut Judged,
        distance: u64,
        link: &Link,
        previous: &Previous<'_>,
        own: Option<&TreeFiles>,
        findings: &mut Vec<Finding>,
    ) {
        findings.extend(self.compromised(link));
        let after = own.and_then(|files| named_policy(files, link));
        let raises_level = own
            .filter(|files| files.part.digest == link.entry.policy)
            .and_then(|files| files.part.policy.as_ref().err())
            .is_some_and(|finding| finding.id == FindingId::SpecUnsupported);
        let (before, place) = match previous {
            Previous::Nothing => match &after {
                Some(after) => (after.clone(), Place::First),
                None => return,
            },
            Previous::Link(prev) => {
                // a policy that cannot be read, or is not the one that was named, was found at the
                // entry that brought it
                let files = self.files.of(&mut self.reader, prev.tree).ok();
                let Some(before) = files.and_then(|files| named_policy(&files, prev)) else {
                    return;
                };
                let place = if prev.entry.policy == link.entry.policy {
                    Place::Ordinary
                } else {
                    Place::PolicyChange
                };
                (before, place)
            }
            Previous::Malformed | Previous::Unseen => return,
        };
        let refused = trust::permits(&before, link, place);
        let may_sign = refused.is_empty();
        findings.extend(refused);
        if place == Place::Ordinary {
            return;
        }
        if let Some(after) = &after {
            findings.extend(after.follows(&before, link.entry.number()));
        }
        // whether enough admins agree is asked only when the signer is one of them
        if may_sign {
            let before = (place == Place::PolicyChange).then_some(before);
            judged.changes.push(Change {
                distance,
                link: link.clone(),
                before,
                after,
                raises_level,
            });
        }
    }

    fn compromised(&self, link: &Link) -> Option<Finding> {
        let row = self
            .newest?
            .compromised
            .iter()
            .find(|row| row.key == *link.signature.key())?;
        let number = link.entry.number();
        let doubtful = number >= row.since && !row.vouched.contains(&number);
        let detail = || {
            format!(
                "{} {}, compromised since entry {}",
                link.principal,
                row.key.fingerprint(),
                row.since
            )
        };
        doubtful.then(|| Finding::new(FindingId::CompromisedEntry, detail()))
    }
}

/// The policy a tree holds, if it is the one the entry names.
fn named_policy(files: &TreeFiles, link: &Link) -> Option<Arc<Policy>> {
    let policy = files.part.policy.clone().ok();
    policy.filter(|_| files.part.digest == link.entry.policy)
}
