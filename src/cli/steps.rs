//! `git ledger steps`: steps that started, and whether an end is recorded.

use std::collections::{BTreeMap, BTreeSet};

use git_ledger::capture::open_steps::OpenStep;
use git_ledger::escape::printable;
use git_ledger::event::Event;
use git_ledger::json::{Object, Value};
use git_ledger::query::{End, What};
use git_ledger::report::verdict::number;

use super::context::{Context, Opened};
use super::failure::{Exit, Failure};
use super::log::{tell_end, tip, walk_from};
use super::run::place::{self, Waiter};
use super::terminal;

/// The type of the event that a step started, without its version.
const STARTED: &str = "dev.cdevents.taskrun.started.";
/// The type of the event that a step ended, without its version.
const FINISHED: &str = "dev.cdevents.taskrun.finished.";

/// Show steps that started and have no end
///
/// Goes through the ledger and lists each step (a CDEvents taskrun) that is recorded as started and
/// not as finished, with what this machine knows of it. A step whose machine is gone, as a CI
/// runner that was taken away, shows here and nowhere else.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 every step has an end or runs here now; 1 a step has none; 2 no such step is here, but \
the history is cut off; 128 could not run; 129 usage.")]
pub struct Args {
    /// Show those with an end too
    #[arg(long)]
    all: bool,
    /// Print one JSON object for each step
    #[arg(long)]
    json: bool,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// Its end is recorded.
    Finished(String),
    /// Whoever waits for it is there.
    Running(i64),
    /// Its end is known here and not recorded yet.
    Waiting,
    /// Whoever waited for it is gone.
    Died,
    /// It began on another machine, or nobody here knows anything of it.
    Elsewhere,
}

impl Standing {
    fn word(&self) -> &'static str {
        match self {
            Standing::Finished(_) => "finished",
            Standing::Running(_) => "running",
            Standing::Waiting => "waiting",
            Standing::Died => "died",
            Standing::Elsewhere => "elsewhere",
        }
    }

    fn words(&self) -> String {
        match self {
            Standing::Finished(outcome) => format!("ended: {}", printable(outcome)),
            Standing::Running(process) => format!("runs: git-ledger is process {process}"),
            Standing::Waiting => {
                "its end is known here and not recorded; 'git ledger flush' does it".to_owned()
            }
            Standing::Died => {
                "its git-ledger died; 'git ledger flush' records that nobody knows its end"
                    .to_owned()
            }
            Standing::Elsewhere => "no end is recorded, and it did not begin here".to_owned(),
        }
    }

    fn is_open(&self) -> bool {
        !matches!(self, Standing::Finished(_) | Standing::Running(_))
    }
}

/// One step.
struct Shown {
    run: String,
    source: String,
    name: String,
    started: String,
    number: Option<u64>,
    standing: Standing,
}

/// Runs `git ledger steps`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let opened = context.open_to_read()?;
    let mut known = Known::of(&opened)?;
    let mut walk = walk_from(&opened, tip(&opened)?)?;
    let mut ends: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut shown = Vec::new();
    for step in walk.by_ref() {
        let What::Entry(link) = step.what else {
            continue;
        };
        for event in link.entry.events.iter().rev() {
            let key = || {
                let subject = event.subject().unwrap_or_default();
                (event.source().to_owned(), subject.to_owned())
            };
            if event.kind().starts_with(FINISHED) {
                ends.insert(key(), outcome(event));
            } else if event.kind().starts_with(STARTED) {
                let standing = match ends.remove(&key()) {
                    Some(outcome) => {
                        known.forget(event);
                        Standing::Finished(outcome)
                    }
                    None => known.standing(event),
                };
                shown.push(of(event, Some(link.entry.number()), standing));
            }
        }
    }
    // what began here and whose start waits too
    for step in std::mem::take(&mut known.open).into_values() {
        let event = step.started.event.clone();
        let standing = known.of_step(&step);
        shown.insert(0, of(&event, None, standing));
    }
    let open = shown.iter().any(|step| step.standing.is_open());
    let finished = |step: &Shown| matches!(step.standing, Standing::Finished(_));
    let text: String = shown
        .iter()
        .filter(|step| args.all || !finished(step))
        .map(|step| line(step, args.json))
        .collect();
    terminal::print(&text)?;
    tell_end(walk.end());
    Ok(match walk.end() {
        _ if open => Exit::No,
        Some(End::Root) => Exit::Done,
        _ => Exit::Unknown,
    })
}

fn outcome(event: &Event) -> String {
    let word = content(event, "outcome");
    word.unwrap_or_else(|| "unknown".to_owned())
}

/// A member of the content of the subject.
fn content(event: &Event, name: &str) -> Option<String> {
    let subject = event.data()?.as_object()?.get("subject")?.as_object()?;
    let value = subject.get("content")?.as_object()?.get(name)?;
    value.as_str().map(str::to_owned)
}

fn of(event: &Event, number: Option<u64>, standing: Standing) -> Shown {
    let text = |name: &str| event.attribute(name).unwrap_or_default().to_owned();
    Shown {
        run: text("subject"),
        source: text("source"),
        name: content(event, "taskName").unwrap_or_default(),
        started: text("time"),
        number,
        standing,
    }
}

fn line(step: &Shown, json: bool) -> String {
    if json {
        let object = Object::new()
            .with("run", step.run.as_str())
            .with("source", step.source.as_str())
            .with("name", step.name.as_str())
            .with("started", step.started.as_str())
            .with("number", step.number.map_or(Value::Null, number))
            .with("state", step.standing.word());
        let object = match &step.standing {
            Standing::Finished(outcome) => object.with("outcome", outcome.as_str()),
            _ => object,
        };
        return Value::from(object).to_canonical() + "\n";
    }
    let entry = step.number.map_or_else(
        || "not recorded".to_owned(),
        |number| format!("entry {number}"),
    );
    format!(
        "{entry}  {}  {} '{}'  {}\n",
        printable(&step.started),
        printable(&step.run),
        printable(&step.name),
        step.standing.words()
    )
}

/// What this machine knows of steps.
struct Known {
    open: BTreeMap<String, OpenStep>,
    /// Runs whose end waits in the spool.
    spooled: BTreeSet<String>,
    here: git_ledger::capture::open_steps::Place,
}

impl Known {
    fn of(opened: &Opened) -> Result<Known, Failure> {
        let open = opened.steps().list()?.into_iter();
        let waiting = opened.spool().list()?.into_iter().filter_map(Result::ok);
        let ends = waiting.filter(|waiting| waiting.pending.event.kind().starts_with(FINISHED));
        let runs = ends.filter_map(|waiting| waiting.pending.event.subject().map(str::to_owned));
        Ok(Known {
            open: open.map(|step| (step.run.clone(), step)).collect(),
            spooled: runs.collect(),
            here: place::here(),
        })
    }

    fn forget(&mut self, event: &Event) {
        self.open.remove(event.subject().unwrap_or_default());
    }

    fn standing(&mut self, event: &Event) -> Standing {
        let run = event.subject().unwrap_or_default();
        match self.open.remove(run) {
            Some(step) => self.of_step(&step),
            None if self.spooled.contains(run) => Standing::Waiting,
            None => Standing::Elsewhere,
        }
    }

    fn of_step(&self, step: &OpenStep) -> Standing {
        match place::waiter(step, &self.here) {
            Waiter::Alive => Standing::Running(step.process),
            _ if step.finished.is_some() => Standing::Waiting,
            Waiter::Dead => Standing::Died,
            Waiter::Elsewhere => Standing::Elsewhere,
        }
    }
}
