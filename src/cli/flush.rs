//! `git ledger flush`: what waits in the spool goes into the chain.

use std::collections::BTreeMap;

use git_ledger::append::{Next, Repeats, group};
use git_ledger::escape::printable;
use git_ledger::spool::Waiting;

use super::context::Context;
use super::failure::{Exit, Failure};
use super::job::{Job, show};
use super::run::closing;
use super::terminal;

/// Record what waits in the spool
///
/// Then records the end of steps whose git-ledger died: as it was, where that is known, else that
/// nobody knows it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Sign with this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Show what waits, and record nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object for each entry
    #[arg(long)]
    json: bool,
}
/// Runs `git ledger flush`.
pub fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let opened = context.open()?;
    let (mut groups, mut broken) = (BTreeMap::<Vec<String>, Vec<_>>::new(), 0);
    for waiting in opened.spool().list()? {
        match waiting {
            Ok(waiting) => groups
                .entry(waiting.push.clone())
                .or_default()
                .push(waiting),
            Err(error) => {
                terminal::tell(&format!("warning: {error}; it stays where it is"));
                broken += 1;
            }
        }
    }
    let dead = closing::dead(&opened)?;
    if groups.is_empty() && broken == 0 && dead.is_empty() {
        terminal::tell("the spool is empty");
    }
    let mut exit = if broken > 0 {
        Exit::Unknown
    } else {
        Exit::Done
    };
    let mut failures = Vec::new();
    for (push, all) in groups {
        let job = Job {
            context,
            opened: &opened,
            key: args.key.as_deref(),
            timeout: args.timeout,
            push: &push,
        };
        if args.dry_run {
            job.rehearse(&waiting_next(&all), args.json)?;
            continue;
        }
        // where the ledger says no to one of them, the others need not wait for it
        let together = match drain(&job, &all, args.json) {
            Err(failure) if failure.exit == Exit::No && all.len() > 1 => None,
            drained => Some(drained),
        };
        let drained = match together {
            Some(drained) => vec![drained],
            None => all
                .chunks(1)
                .map(|one| drain(&job, one, args.json))
                .collect(),
        };
        for drained in drained {
            match drained {
                Ok(Exit::Done) => {}
                Ok(_) => exit = Exit::Unknown,
                Err(failure) => failures.push(failure),
            }
        }
    }
    // after the spool, where the start of such a step may wait
    if args.dry_run {
        for step in dead {
            let name = printable(&step.name);
            terminal::tell(&format!("would record the end of the step '{name}'"));
        }
    } else {
        match closing::close(context, &opened, args.key.as_deref(), args.timeout) {
            Ok(recorded) => show(&recorded, args.json)?,
            Err(failure) => failures.push(failure),
        }
    }
    match failures.pop() {
        None => Ok(exit),
        Some(last) => {
            for failure in failures {
                terminal::tell(failure.to_string().trim_end());
            }
            Err(last.hint("what could not be recorded waits on"))
        }
    }
}

fn waiting_next(all: &[Waiting]) -> Next<'_> {
    let pending = all.iter().map(|waiting| &waiting.pending);
    Next::Events(group(pending, usize::MAX))
}

/// Records what waits, and forgets it. Killed in between, the next time finds it recorded.
fn drain(job: &Job<'_>, all: &[Waiting], json: bool) -> Result<Exit, Failure> {
    let recorded = job.append(&waiting_next(all), Repeats::LeaveOut)?;
    show(&recorded, json)?;
    let mut exit = job.mirror(&recorded)?;
    for waiting in all {
        if let Err(why) = job.opened.spool().remove(waiting) {
            let path = waiting.path.display();
            terminal::tell(&format!(
                "warning: recorded, but '{path}' cannot be removed: {why}"
            ));
            exit = Exit::Unknown;
        }
    }
    Ok(exit)
}
