//! Links and trust in, verdict out.
//!
//! Everything is derived again from bytes. The walk goes from the tip to the root by the parent
//! bytes of each commit, hands chunks of neighbours to workers, and stops at nothing: every
//! finding is collected, and the first bad entry is named at the end. Each rule looks at two
//! neighbours and the policy of the earlier one, so chunks can be judged in any order.
//!
//! git, configuration and the clock are not known here; whoever admits new entries passes the
//! clock in. Nothing is written.
//!
//! # Limits
//! A verdict says which history this copy holds, not that it is the newest one: an old copy of a
//! sound ledger is sound. Marks and mirrors answer that question.

mod chunk;
mod events;
mod files;
mod known;
mod verdict;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gix::ObjectId;
use gix::objs::Kind;

use crate::commit::{self, Link};
use crate::finding::Finding;
use crate::merkle::Hash;
use crate::policy::Policy;
use crate::signature::KnownKeys;
use crate::signature::batch::Checker;
use crate::store::{Read, Store};

use chunk::{Chunk, Judged, Tail, Worker};
pub use events::{Trace, compare as compare_events, traces};
use files::Files;
pub use known::{Known, Misfit};
pub use verdict::{Mark, Verdict};

/// Neighbours a worker judges in one go, at least and, with two threads, at most.
const SMALLEST_CHUNK: usize = 64;
const LARGEST_CHUNK: usize = 4096;
/// Commits that are not much larger than this, in bytes, fill a chunk by their number.
const USUAL_COMMIT: usize = 2048;
/// Commits larger than the format allows are still read up to here, to find their parent.
const READ_COMMIT: usize = 1 << 20;

/// What to verify.
#[derive(Debug, Clone)]
pub struct Request {
    /// The newest commit.
    pub tip: ObjectId,
    /// Where the repository's history is cut off (git's `shallow` file).
    pub boundary: BTreeSet<ObjectId>,
    /// An entry that was judged before, at which the walk ends; the hook's old tip.
    pub base: Option<ObjectId>,
    /// What was found of all entries up to the base; the verdict is then about the whole ledger.
    pub known: Option<Known>,
    /// The digest entry 0 must have.
    pub pinned: Option<Hash>,
    /// What this clone saw before.
    pub marks: Vec<Mark>,
    /// The clock of whoever admits the entries, in seconds since 1970; `None` when entries are
    /// judged later.
    pub admitted_at: Option<u64>,
    /// How many threads judge; `None`: one for each processor.
    pub threads: Option<NonZeroUsize>,
}

impl Request {
    /// Verify everything below this tip, with nothing known before.
    pub fn whole(tip: ObjectId) -> Request {
        Request {
            tip,
            boundary: BTreeSet::new(),
            base: None,
            known: None,
            pinned: None,
            marks: Vec::new(),
            admitted_at: None,
            threads: None,
        }
    }
}

/// How the walk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// At an entry without parent.
    Root,
    /// At the entry the caller vouches for.
    Base,
    /// Where the repository's history is cut off.
    Shallow(ObjectId),
    /// At an object that could not be read.
    Broken,
}

/// Verifies a ledger. `progress` is told now and then how many entries have been judged.
pub fn verify<S: Store>(store: &S, request: &Request, progress: &(dyn Fn(u64) + Sync)) -> Verdict {
    let files = Files::default();
    let newest = newest_policy(store, &files, request);
    let keys: KnownKeys = newest
        .iter()
        .flat_map(|policy| policy.signers.iter().map(|row| row.key.clone()))
        .collect();
    let checker = Checker::new(&keys);
    let threads = request
        .threads
        .or_else(|| std::thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get);
    let judged = AtomicU64::new(0);
    let judge = |worker: &mut Worker<'_, S::Reader>, all: &mut Judged, chunk: Chunk| {
        let size = chunk.commits.len() as u64;
        all.absorb(worker.judge(chunk));
        progress(judged.fetch_add(size, Ordering::Relaxed) + size);
    };
    let worker = || Worker {
        reader: store.reader(),
        files: &files,
        newest: newest.as_deref(),
        keys: &keys,
        checker: &checker,
        request,
    };
    let mut collected = Judged::default();
    let (walked, end, broken) = std::thread::scope(|scope| {
        // a full channel makes the walker judge a chunk itself, so no core is idle and memory is bounded
        let (send, receive) = crossbeam_channel::bounded::<Chunk>(threads * 2);
        let mut helpers = Vec::new();
        let mut own = worker();
        let mut chunks = 0;
        let outcome = walk(store.reader(), request, threads, |chunk| {
            // what fits into one chunk, as most of what a hook is shown, needs no second thread
            chunks += 1;
            if chunks == 2 {
                helpers.extend((1..threads).map(|_| {
                    let (receive, judge, worker) = (receive.clone(), &judge, &worker);
                    scope.spawn(move || {
                        let (mut worker, mut all) = (worker(), Judged::default());
                        receive
                            .iter()
                            .for_each(|chunk| judge(&mut worker, &mut all, chunk));
                        all
                    })
                }));
            }
            if let Err(
                crossbeam_channel::TrySendError::Full(chunk)
                | crossbeam_channel::TrySendError::Disconnected(chunk),
            ) = send.try_send(chunk)
            {
                judge(&mut own, &mut collected, chunk);
            }
        });
        drop(send);
        receive
            .iter()
            .for_each(|chunk| judge(&mut own, &mut collected, chunk));
        for helper in helpers {
            match helper.join() {
                Ok(all) => collected.absorb(all),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        outcome
    });
    verdict::conclude(store, request, &files, collected, walked, &end, broken)
}

/// The newest policy that can be read: it says which keys were compromised, for all history. A
/// tip that is broken, or of a level not known here, does not hide it.
fn newest_policy<S: Store>(store: &S, files: &Files, request: &Request) -> Option<Arc<Policy>> {
    let mut reader = store.reader();
    let mut at = request.tip;
    loop {
        let raw = reader.read(&at, Kind::Commit, READ_COMMIT).ok()?;
        let parent = commit::first_parent(&raw, at.kind());
        if let Ok(link) = Link::parse(at, raw)
            && link.check_signature().is_ok()
            && let Ok(held) = files.of(&mut reader, link.tree)
            && held.part.digest == link.entry.policy
            && let Ok(policy) = &held.part.policy
        {
            return Some(policy.clone());
        }
        if request.boundary.contains(&at) {
            return None;
        }
        at = parent?;
    }
}

/// How many neighbours, and how many bytes of them, make a chunk after so many entries.
///
/// Few at first, so that all cores have work soon, then more, for signatures are the cheaper to
/// check the more of them are checked together; never so many that those which wait in the
/// channel, or are being judged, fill the memory.
fn room(seen: u64, threads: usize) -> (usize, usize) {
    let most = (LARGEST_CHUNK * 2 / threads.max(2)).max(SMALLEST_CHUNK);
    let grown = usize::try_from(seen).unwrap_or(usize::MAX) / (8 * threads.max(1));
    (grown.clamp(SMALLEST_CHUNK, most), most * USUAL_COMMIT)
}

/// Follows the parents from the tip, handing out chunks. Returns how many entries there are (the
/// base not counted), how the walk ended, and what stopped it.
fn walk(
    mut reader: impl Read,
    request: &Request,
    threads: usize,
    mut hand_out: impl FnMut(Chunk),
) -> (u64, End, Option<Finding>) {
    let mut pending: Vec<(ObjectId, Vec<u8>)> = Vec::new();
    let (mut at, mut first, mut seen, mut bytes) = (request.tip, 0u64, 0u64, 0usize);
    let mut flush = |pending: &mut Vec<(ObjectId, Vec<u8>)>, first: &mut u64, tail: Tail| {
        let count = pending.len();
        let commits = std::mem::replace(pending, Vec::with_capacity(count));
        hand_out(Chunk {
            first: *first,
            commits,
            tail,
        });
        *first += count as u64;
    };
    loop {
        let raw = match reader.read(&at, Kind::Commit, READ_COMMIT) {
            Ok(raw) => raw,
            Err(fault) => {
                let finding = fault.finding(&at);
                flush(&mut pending, &mut first, Tail::Cut);
                return (
                    seen,
                    End::Broken,
                    Some(Finding {
                        commit: Some(at),
                        ..finding
                    }),
                );
            }
        };
        if request.base == Some(at) {
            flush(&mut pending, &mut first, Tail::Neighbour(at, raw));
            return (seen, End::Base, None);
        }
        let (most, most_bytes) = room(seen, threads);
        if pending.len() >= most || bytes >= most_bytes {
            flush(&mut pending, &mut first, Tail::Neighbour(at, raw.clone()));
            bytes = 0;
        }
        let parent = commit::first_parent(&raw, at.kind());
        let orphaned = parent.is_none() && commit::has_parent(&raw);
        bytes += raw.len();
        pending.push((at, raw));
        seen += 1;
        match parent {
            // what it is that stands before it cannot be told; the entry itself is malformed
            None if orphaned => {
                flush(&mut pending, &mut first, Tail::Cut);
                return (seen, End::Broken, None);
            }
            None => {
                flush(&mut pending, &mut first, Tail::Root);
                return (seen, End::Root, None);
            }
            Some(_) if request.boundary.contains(&at) => {
                flush(&mut pending, &mut first, Tail::Cut);
                return (seen, End::Shallow(at), None);
            }
            Some(parent) => at = parent,
        }
    }
}
