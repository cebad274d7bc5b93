//! `git ledger trace`: everything that happened to one thing, in order, and what is missing.

use git_ledger::escape::printable;
use git_ledger::event::Event;
use git_ledger::index::{Finder, Pursuit};
use git_ledger::json::{Object, Value};
use git_ledger::query::trace::{Stage, named};
use git_ledger::query::{Filter, Selected, What, words};
use git_ledger::report::entries::{self, Shown};
use git_ledger::report::layout::Look;

use super::context::Context;
use super::failure::{Exit, Failure};
use super::{index, log, pager, terminal};

/// Show everything that happened to a commit, ref, run, artifact or subject
///
/// From the push through runs, approvals and artifacts to deployments, in the order in which it was
/// recorded, with what is missing on the way. Events lead on by the runs and artifacts they name,
/// and back to the push of their commit. It is what events claim; --verify checks the whole ledger
/// and says of each entry what that showed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A commit or digest (7 digits or more), ref, run, artifact or subject; or one key:value of the filter language
    #[arg(value_name = "THING")]
    thing: String,
    /// Show only what names it, and follow nothing
    #[arg(long)]
    only: bool,
    /// Verify the whole ledger first, and say of each entry what that showed
    #[arg(long)]
    verify: bool,
    /// Read the chain alone, though there is an index ('git ledger index')
    #[arg(long)]
    no_index: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs `git ledger trace`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let first = first(&args.thing)?;
    let opened = context.open_to_read()?;
    let mut knowledge = log::Knowledge::new(&opened);
    let tip = if args.verify {
        knowledge.verify()?
    } else {
        log::tip(&opened)?
    };
    let by_index = !args.verify && !args.no_index;
    let position = knowledge.tip_position();
    let finder = |_: &Filter| -> Result<_, Failure> {
        let mut walk = log::walk_from(&opened, tip)?;
        if let Some(position) = position {
            walk = walk.at(position);
        }
        let found = if by_index {
            index::to_search(&opened)?
        } else {
            None
        };
        Ok(Finder::new(walk, found))
    };
    let pursuit = Pursuit::of(&first, args.only, finder, || |_| true)?;
    if pursuit.found.is_empty() {
        log::tell_end(pursuit.end);
    }
    let (found, gaps) = (&pursuit.found, pursuit.gaps());
    let broken = found
        .values()
        .filter(|selected| matches!(selected.step.what, What::Broken { .. }));
    let broken = broken.count() as u64;
    let look = pager::look(context, &opened.config);
    let (mut lines, mut steps) = (String::new(), Vec::new());
    for selected in found.values() {
        let standing = knowledge.standing(&selected.step);
        let shown = Shown {
            selected,
            standing: &standing,
        };
        lines += &told(&shown, &look);
        let stages = stages(selected)
            .into_iter()
            .map(|stage| Value::from(stage.word()));
        let step = entries::json(&shown).with("stages", stages.collect::<Vec<_>>());
        steps.push(Value::from(step));
    }
    let text = if args.json {
        let gaps: Vec<Value> = gaps.iter().map(|gap| Value::from(gap.as_str())).collect();
        let object = Object::new().with("steps", steps).with("gaps", gaps);
        entries::json_line(object)
    } else {
        let gaps = gaps
            .iter()
            .map(|gap| format!("missing: {}\n", printable(gap)));
        lines + &gaps.collect::<String>()
    };
    terminal::print(&text)?;
    if by_index {
        index::look_after(&opened, pursuit.misled);
    }
    knowledge.conclude(context, broken)
}

/// What names the thing.
///
/// # Errors
/// A usage error for what cannot be understood.
pub fn first(thing: &str) -> Result<Filter, Failure> {
    let keyed = thing
        .split_once(':')
        .is_some_and(|(name, _)| name != "sha256" && words::is_key(name));
    if keyed {
        return words::parse(thing, &|_, _| None).map_err(|fault| {
            let failure = Failure::usage(fault.why);
            fault.hint.into_iter().fold(failure, Failure::hint)
        });
    }
    if thing.is_empty() {
        return Err(Failure::usage("there is no name here")
            .hint("name a commit, ref, run, artifact or subject"));
    }
    let mut filter = Filter::default();
    filter.require_one(named(thing));
    Ok(filter)
}

fn matching(selected: &Selected) -> Vec<&Event> {
    match &selected.step.what {
        What::Entry(link) => {
            let all = &link.entry.events;
            selected
                .matching
                .iter()
                .filter_map(|at| all.get(*at))
                .collect()
        }
        What::Broken { .. } => Vec::new(),
    }
}

/// The stages of the events that matched.
pub fn stages(selected: &Selected) -> Vec<Stage> {
    matching(selected)
        .iter()
        .map(|event| Stage::of(event.kind()))
        .collect()
}

/// A line with the stage, and the entry as `log --oneline` has it.
fn told(shown: &Shown<'_>, look: &Look) -> String {
    let stage = stages(shown.selected)
        .into_iter()
        .min()
        .map_or("?", Stage::word);
    format!("{stage:<10} {}", entries::line(shown, look))
}
