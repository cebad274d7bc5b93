//! What becomes of events that cannot be recorded: the command fails, or they wait in the spool.
//!
//! [`record`] decides and says nothing, for whoever answers by another way than the terminal;
//! [`finish`] shows what became of it and brings it to the remotes.

use std::path::PathBuf;

use git_ledger::append::{Next, Recorded, Repeats, group};
use git_ledger::chain::MAX_AHEAD;
use git_ledger::date::rfc3339;
use git_ledger::escape::printable;
use git_ledger::event::Pending;
use git_ledger::git::Fetch;
use git_ledger::json::{Object, Value};
use git_ledger::ledger::Ledger;
use git_ledger::policy::{FailMode, Policy, Word};
use git_ledger::verify::Mark;

use super::context::Opened;
use super::failure::{Exit, Failure};
use super::job::{self, Job};
use super::{summary, terminal};

/// How long the primary is asked for the policy in force where no copy of it is here.
const ASKING: u64 = 5;

/// What becomes of an event that cannot be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OnFailure {
    /// What the ledger's policy says of its type; the command fails where it says nothing.
    Policy,
    /// The command fails.
    Fail,
    /// The event waits in the spool, unless the policy is closed for its type.
    Spool,
}

/// What became of events; either way they are durable.
#[derive(Debug)]
pub enum Outcome {
    /// They are in the chain.
    Recorded(Vec<Recorded>),
    /// They wait in the spool: all of them, a file each, in their order.
    Spooled {
        /// The files.
        files: Vec<PathBuf>,
        /// Why they are not in the chain.
        why: Failure,
        /// Why they may wait.
        because: String,
    },
}

/// Records events, at most so many in one entry, or puts them aside as the policy in force and
/// `on_failure` say: all of them or none, by the strictest of their types. Shows nothing.
///
/// # Errors
/// When the events are neither in the chain nor in the spool, as far as can be told.
pub fn record(
    job: &Job<'_>,
    pending: &[Pending],
    most_events: usize,
    repeats: Repeats,
    on_failure: OnFailure,
) -> Result<Outcome, Failure> {
    let next = Next::Events(group(pending, most_events));
    let why = match job.append(&next, repeats) {
        Ok(recorded) => return Ok(Outcome::Recorded(recorded)),
        Err(why) if on_failure == OnFailure::Fail || !may_wait(&why) => return Err(why),
        Err(why) => why,
    };
    let policy = policy_seen(job);
    let kinds = pending.iter().map(|pending| pending.event.kind());
    let word = Word::of(policy.as_ref(), kinds);
    let because = match (word.mode(), on_failure) {
        (Some(FailMode::Spool), _) => word.to_string(),
        (None, OnFailure::Spool) => "--on-failure=spool asks for it".to_owned(),
        (Some(FailMode::Closed), _) => return Err(closed(why, &word)),
        // where there is no ledger at all, nothing should wait for one
        (None, _) if policy.is_none() && job.push.is_empty() => return Err(why),
        (None, _) => {
            let hint =
                format!("{word}; --on-failure=spool keeps such events until 'git ledger flush'");
            return Err(why.hint(hint));
        }
    };
    let files = spool(job.opened, pending, job.push, &why)?;
    summary::spooled(job.context, pending, first_line(&why));
    Ok(Outcome::Spooled {
        files,
        why,
        because,
    })
}

/// The newest policy this copy has seen of the ledger that decides. Where none is here, the
/// primary is asked once more: a key may be missing, and the network not.
fn policy_seen(job: &Job<'_>) -> Option<Policy> {
    let opened = job.opened;
    // a branch that is here and cannot be read stands for nothing else
    if opened.ledger.tip_id().ok()?.is_some() {
        return opened.ledger.tip().ok().map(|tip| tip.policy);
    }
    let name = job.push.first()?;
    let (primary, ledger) = opened.primary(name).ok()?;
    let branch = opened.settings.reference.strip_prefix("refs/heads/");
    let tracking = branch.map(|branch| {
        let tracking = format!("refs/remotes/{name}/{branch}");
        Ledger::new(opened.repository.clone(), tracking)
    });
    let copies = [Some(ledger.clone()), tracking].into_iter().flatten();
    let seen = copies.filter_map(|copy| copy.tip().ok());
    let newest = seen.max_by_key(|tip| tip.link.entry.number());
    let asked = || {
        let fetch = Fetch {
            url: &primary.url,
            name: ledger.reference(),
            depth: primary.depth,
            haves: &[],
            max_bytes: primary.max_bytes,
        };
        let until = super::context::deadline(job.timeout.min(ASKING));
        let id = primary.transport.fetch(&fetch, until).ok()?;
        ledger.tip_at(id).ok()
    };
    let tip = newest.or_else(asked)?;
    // a policy from before what was seen of the primary may be one that was tightened since
    let older = |mark: &Mark| tip.link.entry.number() < mark.number;
    (!primary.mark.as_ref().is_some_and(older)).then_some(tip.policy)
}

/// Why the command fails where the policy does not let events wait.
fn closed(why: Failure, word: &Word<'_>) -> Failure {
    let (first, rest) = why.message.split_once('\n').unwrap_or((&why.message, ""));
    let mut message = format!("{first}; it does not wait in the spool, for {word}");
    if !rest.is_empty() {
        message += &format!("\n{rest}");
    }
    Failure { message, ..why }
        .hint("what it reports should not go on before it is recorded; nothing was recorded")
}

/// Shows what became of the events and brings new entries to the remotes after the first.
///
/// # Errors
/// When it could not be shown; the events are where the outcome says all the same.
pub fn finish(
    job: &Job<'_>,
    pending: &[Pending],
    outcome: &Outcome,
    json: bool,
) -> Result<Exit, Failure> {
    match outcome {
        Outcome::Recorded(recorded) => {
            // whoever cannot be told may run it again, and must know what that would do
            job::show(recorded, json).map_err(|failure| {
                failure.hint("the event is recorded all the same; 'git ledger log' shows it")
            })?;
            warn_if_ahead(recorded, job.context.clock()?);
            job.mirror(recorded)
        }
        Outcome::Spooled {
            files,
            why,
            because,
        } => {
            terminal::tell(&format!(
                "warning: not recorded yet: {}",
                printable(first_line(why))
            ));
            terminal::tell(&format!("warning: it waits in the spool, for {because}"));
            terminal::hint("'git ledger flush' records what waits");
            terminal::answer(&spooled(pending, files, because, json), Exit::Done)
        }
    }
}

/// What the ledger refuses, it refuses later too; a wrong argument is the caller's to mend.
fn may_wait(failure: &Failure) -> bool {
    failure.exit != Exit::No && failure.exit != Exit::Usage
}

fn first_line(failure: &Failure) -> &str {
    failure.message.lines().next().unwrap_or_default()
}

/// Puts all events into the spool, or none: whoever is told of a failure runs the command again,
/// and would record those that wait a second time.
fn spool(
    opened: &Opened,
    pending: &[Pending],
    push: &[String],
    why: &Failure,
) -> Result<Vec<PathBuf>, Failure> {
    let clock = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    let (spool, mut files) = (opened.spool(), Vec::new());
    for (at, event) in pending.iter().enumerate() {
        match spool.put(event, push, clock + at as u128) {
            Ok(path) => files.push(path),
            Err(error) => {
                files.retain(|path| git_ledger::durable::remove(path).is_err());
                let message = format!(
                    "{} could be neither recorded ({}) nor spooled: {error}",
                    match pending.len() {
                        1 => "the event".to_owned(),
                        all => format!("{all} events"),
                    },
                    first_line(why)
                );
                let failure = Failure {
                    hints: why.hints.clone(),
                    ..Failure::cannot(message)
                };
                return Err(match files.len() {
                    0 => failure,
                    left => failure.hint(format!(
                        "{left} of them wait in '{}' all the same",
                        spool.dir().display()
                    )),
                }
                .hint("run the command again when one of both is mended"));
            }
        }
    }
    Ok(files)
}

/// A line for each event that waits.
fn spooled(pending: &[Pending], files: &[PathBuf], because: &str, json: bool) -> String {
    let line = |(Pending { event, .. }, file): (&Pending, &PathBuf)| {
        if json {
            let object = Object::new()
                .with("status", "spooled")
                .with("file", file.to_string_lossy().into_owned())
                .with("source", event.source())
                .with("id", event.id())
                .with("because", because);
            Value::from(object).to_canonical() + "\n"
        } else {
            format!(
                "spooled {} {} in {}\n",
                printable(event.kind()),
                printable(event.id()),
                file.display()
            )
        }
    };
    pending.iter().zip(files).map(line).collect()
}

/// Warns that the chain is dated ahead of the clock here: each entry after it is dated so, too.
fn warn_if_ahead(recorded: &[Recorded], clock: u64) {
    let newest = recorded.last().map_or(0, |recorded| recorded.link.time);
    if newest > clock.saturating_add(MAX_AHEAD) {
        terminal::tell(&format!(
            "warning: the entry is dated {}, as the one before it; the clock here says {}",
            rfc3339(newest),
            rfc3339(clock)
        ));
        terminal::hint("dates never go back in a ledger: find out which machine's clock is wrong");
    }
}
