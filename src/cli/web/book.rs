//! One ledger that is served: what is known of it, and where its entries stand.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use git_ledger::commit::{self, Link};
use git_ledger::freshness;
use git_ledger::listener::{Host as _, Level, Line, Quiet};
use git_ledger::store::{Read as _, Store as _};
use git_ledger::web::answers::{Fault, Judged, Known, Name, Newest, Problem, Remotes, Totals};
use gix::ObjectId;
use gix::objs::Kind;
use tokio::sync::watch;

use super::positions::Positions;
use crate::cli::context::{Context, Opened};
use crate::cli::failure::{Exit, Failure};
use crate::cli::listening::Terminal;
use crate::cli::{compare, index};

/// How long a repository's configuration is taken as it was read.
const FRESH: Duration = Duration::from_secs(5);
/// Commits larger than the format allows are still read up to here, to find their parent.
const READ_COMMIT: usize = 1 << 20;
/// Entries a request counts that came since the keeper looked.
pub const AT_ONCE: usize = 5000;

/// A ledger, and what is known of it.
pub struct LedgerBook {
    pub name: Name,
    pub context: Context,
    pub host: Arc<Terminal>,
    pub compare_every: Option<u64>,
    opened: Mutex<Option<(Instant, Arc<Opened>)>>,
    chain: RwLock<Chain>,
    /// Held by whoever brings the chain up to date.
    counting: Mutex<()>,
    state: Mutex<State>,
    /// Held by whoever makes a proof.
    pub proving: Mutex<()>,
    pub changes: watch::Sender<u64>,
    /// Wakes whoever keeps the book.
    pub bell: Bell,
    quiet: Quiet,
    /// What went wrong last, as the log has it.
    told: Mutex<String>,
}

/// Where entries stand.
#[derive(Debug)]
pub struct Chain {
    pub positions: Positions,
    /// Another one each time that history did not go on from what was known.
    pub history: u64,
}

/// What is known besides the chain.
#[derive(Debug, Default)]
pub struct State {
    pub newest: Option<Newest>,
    pub judged: Option<Arc<Judged>>,
    /// Where the commit of the verdict stands.
    pub judged_at: Option<u64>,
    pub judging: Option<(u64, u64)>,
    pub remotes: Option<Arc<Remotes>>,
    pub mirrors: usize,
    pub limits: freshness::Limits,
    pub totals: Option<Arc<Totals>>,
    /// Why it cannot be read.
    pub trouble: Option<String>,
    /// Why it cannot be verified.
    pub unverifiable: Option<String>,
}

/// Something happened, or it is over.
#[derive(Debug, Default)]
pub struct Bell {
    rung: Mutex<(u64, bool)>,
    wake: Condvar,
}

impl Bell {
    /// Wakes everybody who waits.
    pub fn ring(&self) {
        lock(&self.rung).0 += 1;
        self.wake.notify_all();
    }

    /// Wakes everybody for the last time.
    pub fn close(&self) {
        lock(&self.rung).1 = true;
        self.wake.notify_all();
    }

    /// Waits for the bell, at most so long; whether it goes on.
    pub fn wait(&self, seen: &mut u64, most: Duration) -> bool {
        let rung = lock(&self.rung);
        let before = *seen;
        let (rung, _) = self
            .wake
            .wait_timeout_while(rung, most, |rung| rung.0 == before && !rung.1)
            .unwrap_or_else(PoisonError::into_inner);
        *seen = rung.0;
        !rung.1
    }

    /// Whether it goes on.
    pub fn goes_on(&self) -> bool {
        !lock(&self.rung).1
    }
}

/// What a thread that panicked left is as good as before: nothing in here is half done.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LedgerBook {
    /// A book of which nothing is known yet.
    pub fn new(
        name: Name,
        context: Context,
        host: Arc<Terminal>,
        compare_every: Option<u64>,
    ) -> LedgerBook {
        LedgerBook {
            name,
            context,
            host,
            compare_every,
            opened: Mutex::default(),
            chain: RwLock::new(Chain {
                positions: Positions::new(0, &[]),
                history: 0,
            }),
            counting: Mutex::default(),
            state: Mutex::default(),
            proving: Mutex::default(),
            changes: watch::Sender::new(0),
            bell: Bell::default(),
            quiet: Quiet::default(),
            told: Mutex::default(),
        }
    }

    /// The repository, with its configuration of a moment ago.
    pub fn opened(&self) -> Result<Arc<Opened>, Problem> {
        let mut known = lock(&self.opened);
        if let Some((when, opened)) = &*known
            && when.elapsed() < FRESH
            && opened.repository.git_dir().is_dir()
        {
            return Ok(Arc::clone(opened));
        }
        *known = None;
        let opened = self.context.open_quietly();
        let opened = Arc::new(opened.map_err(|failure| self.problem(failure))?);
        *known = Some((Instant::now(), Arc::clone(&opened)));
        Ok(opened)
    }

    /// The chain as it is known.
    pub fn chain(&self) -> RwLockReadGuard<'_, Chain> {
        self.chain.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known besides.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What is known, for pages.
    pub fn known(&self) -> Known {
        let now = self.host.now();
        let state = self.state();
        let mut judged = state.judged.clone();
        if let (Some(newest), Some(known)) = (&state.newest, &judged) {
            let newest = freshness::Newest {
                number: newest.number,
                commit: newest.commit,
                time: newest.time,
            };
            if let Some(finding) = state.limits.stale(newest, now) {
                let mut old = Judged::clone(known);
                old.verdict.findings.push(finding);
                judged = Some(Arc::new(old));
            }
        }
        let newest = self.chain().positions.newest().map(|(place, _)| place);
        Known {
            name: self.name.clone(),
            now,
            newest: state.newest.clone(),
            unjudged: match (newest, state.judged_at) {
                (Some(newest), Some(judged)) => newest.saturating_sub(judged),
                (Some(newest), None) => newest.saturating_add(1),
                (None, _) => 0,
            },
            judged,
            judging: state.judging,
            remotes: state.remotes.clone(),
            mirrors: state.mirrors,
            compare_every: self.compare_every,
            totals: state.totals.clone(),
            trouble: state.trouble.clone().or(state.unverifiable.clone()),
        }
    }

    /// A failure as a reader sees it: without paths, which the log has.
    pub fn problem(&self, failure: Failure) -> Problem {
        let message = failure.message.lines().next().unwrap_or_default();
        let hint = failure.hints.first().cloned();
        let mut problem = match failure.exit {
            Exit::Usage => Problem::new(Fault::Asked, message),
            Exit::No => Problem::new(Fault::Broken, message),
            _ if !self.is_there() => {
                return Problem::new(
                    Fault::Later,
                    "the ledger's repository is not there any more",
                )
                .hint("whoever runs this server knows where it went");
            }
            _ => {
                // what goes on is told once
                let mut told = lock(&self.told);
                if *told != message && self.quiet.allows(self.host.now()) {
                    message.clone_into(&mut told);
                    let line = Line::new(Level::Warning, "cannot-read");
                    self.host
                        .tell(&line.with("ledger", &self.name.slug).with("why", message));
                }
                return Problem::new(Fault::Later, "the ledger cannot be read now")
                    .hint("the server's log says why");
            }
        };
        problem.hint = hint;
        problem
    }

    fn is_there(&self) -> bool {
        Path::new(&self.context.directory).is_dir()
    }

    /// Deletes an index that turned out wrong.
    pub fn forget_index(&self, opened: &Opened) {
        index::tend(opened, true);
        let line = Line::new(Level::Warning, "index-deleted").with("ledger", &self.name.slug);
        self.host
            .tell(&line.with("why", "it did not fit what the ledger holds"));
    }

    /// The newest commit, from the ref.
    pub fn tip(&self, opened: &Opened) -> Result<ObjectId, Problem> {
        match opened.ledger.tip_id() {
            Ok(Some(tip)) => Ok(tip),
            Ok(None) => {
                let absent = compare::absent(opened);
                Err(match absent.exit {
                    Exit::CannotRun => Problem::new(Fault::Later, absent.message),
                    _ => self.problem(absent),
                })
            }
            Err(error) => Err(self.problem(error.into())),
        }
    }

    /// Brings the chain up to date: from `tip` back to where it goes on from what is known, or to
    /// the first entry. Gives up after `most` entries, or while somebody else is at it and `most`
    /// says that this one cannot wait. Whether the chain now ends with `tip`.
    pub fn count(&self, opened: &Opened, tip: ObjectId, most: usize) -> Result<bool, Problem> {
        let ends = |chain: &Chain| chain.positions.newest().map(|(_, id)| id) == Some(tip);
        if ends(&self.chain()) {
            return Ok(true);
        }
        let _held = match most {
            usize::MAX => lock(&self.counting),
            _ => match self.counting.try_lock() {
                Ok(held) => held,
                Err(_) => return Ok(false),
            },
        };
        if ends(&self.chain()) {
            return Ok(true);
        }
        let boundary = match opened.ledger.surroundings() {
            Ok(surroundings) => surroundings.boundary,
            Err(error) => return Err(self.problem(error.into())),
        };
        let mut reader = opened.ledger.reader();
        let (mut found, mut at, mut met) = (Vec::new(), tip, None);
        let end = loop {
            if found.len() >= most || !self.bell.goes_on() {
                return Ok(false);
            }
            let Ok(raw) = reader.read(&at, Kind::Commit, READ_COMMIT) else {
                break End::Lost;
            };
            {
                let chain = self.chain();
                let known = &chain.positions;
                met = known.newest().filter(|(_, id)| *id == at).map(|(at, _)| at);
                if met.is_none() && known.count() > 0 {
                    let link = Link::parse(at, raw.clone()).ok();
                    let claimed = link.map(|link| link.entry.number());
                    met = claimed.filter(|place| known.holds(*place, at));
                }
            }
            if met.is_some() {
                break End::Met;
            }
            found.push(at);
            match commit::first_parent(&raw, at.kind()) {
                Some(_) if boundary.contains(&at) => break End::Lost,
                Some(parent) => at = parent,
                None => break End::Root,
            }
        };
        // where history is cut off only the oldest entries' own word tells where they stand
        let first = match end {
            End::Root | End::Met => None,
            End::Lost => found.iter().rev().zip(0u64..).find_map(|(id, behind)| {
                let link = opened.ledger.link(*id).ok()?;
                link.entry.number().checked_sub(behind)
            }),
        };
        let first = first.unwrap_or(0);
        let mut chain = self.chain.write().unwrap_or_else(PoisonError::into_inner);
        match met {
            Some(last) => {
                if chain.positions.newest().is_some_and(|(at, _)| at != last) {
                    chain.history += 1;
                    chain.positions.cut(last);
                }
                chain.positions.extend(&found);
            }
            None => {
                chain.history += 1;
                chain.positions = Positions::new(first, &found);
            }
        }
        Ok(true)
    }
}

enum End {
    Met,
    Root,
    Lost,
}
