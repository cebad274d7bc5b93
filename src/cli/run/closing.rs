//! Steps whose git-ledger died: their end is recorded by whoever looks next.

use git_ledger::append::{Next, Recorded, Repeats};
use git_ledger::capture::open_steps::OpenStep;
use git_ledger::capture::step::{Ending, Finish, Step};
use git_ledger::date::rfc3339;
use git_ledger::escape::printable;
use git_ledger::event::{Event, Pending};
use git_ledger::git::{FileLock, LockError};
use git_ledger::json::{Object, Value};

use crate::cli::context::{Context, Opened, deadline};
use crate::cli::failure::Failure;
use crate::cli::job::Job;
use crate::cli::terminal;

use super::place::{self, Waiter};

/// How long another git-ledger that does the same is waited for, in seconds.
const PATIENCE: u64 = 5;

/// The steps whose git-ledger is gone.
pub fn dead(opened: &Opened) -> Result<Vec<OpenStep>, Failure> {
    let here = place::here();
    let mut all = opened.steps().list()?;
    all.retain(|step| place::waiter(step, &here) == Waiter::Dead);
    Ok(all)
}

/// Records the end of steps whose git-ledger is gone: as it was, where that was known, else as
/// unknown. Each is recorded once.
pub fn close(
    context: &Context,
    opened: &Opened,
    key: Option<&str>,
    timeout: u64,
) -> Result<Vec<Recorded>, Failure> {
    if dead(opened)?.is_empty() {
        return Ok(Vec::new());
    }
    let steps = opened.steps();
    let lock = opened.ledger.state_dir().join("steps.lock");
    let _lock = match FileLock::acquire(&lock, deadline(PATIENCE.min(timeout))) {
        Err(LockError::Busy { .. }) => return Ok(Vec::new()),
        lock => lock?,
    };
    let (mut all, mut failed) = (Vec::new(), None);
    for mut step in dead(opened)? {
        let finished = match step.finished.clone() {
            Some(finished) => finished,
            None => {
                let finished = unknown(&step, &rfc3339(context.clock()?))?;
                // killed here, whoever comes next records the very same event
                step.finished = Some(finished.clone());
                steps.put(&step)?;
                finished
            }
        };
        let job = Job {
            context,
            opened,
            key,
            timeout,
            push: &step.push,
        };
        let group = vec![vec![&step.started, &finished]];
        match job.append(&Next::Events(group), Repeats::LeaveOut) {
            Ok(recorded) => {
                steps.remove(&step.run)?;
                job.mirror(&recorded)?;
                all.extend(recorded);
            }
            Err(failure) => failed = Some(failure),
        }
    }
    match failed {
        None => Ok(all),
        Some(failure) => Err(failure.hint("what could not be recorded waits on")),
    }
}

/// As [`close`], where it is not what was asked for: tells in a line what it did.
pub fn close_and_tell(context: &Context, opened: &Opened, key: Option<&str>, timeout: u64) {
    match close(context, opened, key, timeout) {
        Ok(recorded) => {
            let numbers: Vec<String> = recorded
                .iter()
                .filter(|recorded| !recorded.earlier)
                .map(|recorded| recorded.link.entry.number().to_string())
                .collect();
            if !numbers.is_empty() {
                terminal::tell(&format!(
                    "git-ledger: steps whose git-ledger died are recorded in {}",
                    numbers.join(", ")
                ));
            }
        }
        Err(failure) => terminal::tell(&format!(
            "warning: a step whose git-ledger died is not recorded yet: {}",
            printable(failure.message.lines().next().unwrap_or_default())
        )),
    }
}

/// The end of a step that nobody saw.
fn unknown(step: &OpenStep, time: &str) -> Result<Pending, Failure> {
    let data = data(&step.started);
    let custom = data
        .as_ref()
        .and_then(|data| data.get("customData")?.as_object());
    let object = |name: &str| custom.and_then(|custom| custom.get(name)?.as_object());
    let source = step.started.event.source().to_owned();
    let finish = Finish {
        ending: &Ending::Unknown,
        duration: None,
        looked: None,
        made: &[],
    };
    let command = object("command").cloned().unwrap_or_default();
    let same = Step {
        run: &step.run,
        name: &step.name,
        source: &source,
        command: &command,
        ci: object("ci"),
    };
    same.finished(time, &finish, "")
        .map_err(|why| Failure::cannot(format!("the end of a step cannot be recorded: {why}")))
}

/// The data of an event, in itself or in its body.
fn data(pending: &Pending) -> Option<Object> {
    let read = |event: &Event| event.data().cloned();
    let value = match &pending.body {
        Some(body) => Value::parse(body).ok(),
        None => read(&pending.event),
    };
    value?.as_object().cloned()
}
