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
use git_ledger::json::{Object, Value};

use super::context::Opened;
use super::failure::{Exit, Failure};
use super::job::{self, Job};
use super::{summary, terminal};

/// What becomes of an event that cannot be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OnFailure {
    /// What the ledger's policy says of its type.
    Policy,
    /// The command fails.
    Fail,
    /// The event waits in the spool.
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
    },
}

/// Records events, at most so many in one entry, or puts them aside as `on_failure` says. Shows
/// nothing.
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
    let next = Next::Events(group(pending.to_vec(), most_events));
    match job.append(&next, repeats) {
        Ok(recorded) => Ok(Outcome::Recorded(recorded)),
        Err(why) if on_failure == OnFailure::Spool && may_wait(&why) => {
            let files = spool(job.opened, pending, job.push, &why)?;
            summary::spooled(job.context, pending, first_line(&why));
            Ok(Outcome::Spooled { files, why })
        }
        Err(failure) => Err(failure),
    }
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
        Outcome::Spooled { files, why } => {
            terminal::tell(&format!(
                "warning: not recorded yet: {}",
                printable(first_line(why))
            ));
            terminal::hint("'git ledger flush' records what waits");
            terminal::answer(&spooled(pending, files, json), Exit::Done)
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
                let failure = Failure::cannot(format!(
                    "{} could be neither recorded ({}) nor spooled: {error}",
                    match pending.len() {
                        1 => "the event".to_owned(),
                        all => format!("{all} events"),
                    },
                    first_line(why)
                ));
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
fn spooled(pending: &[Pending], files: &[PathBuf], json: bool) -> String {
    let line = |(Pending { event, .. }, file): (&Pending, &PathBuf)| {
        if json {
            let object = Object::new()
                .with("status", "spooled")
                .with("file", file.to_string_lossy().into_owned())
                .with("source", event.source())
                .with("id", event.id());
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
