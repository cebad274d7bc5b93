//! `git ledger stats`: how many, of what.

use git_ledger::index::Finder;
use git_ledger::query::tally::Tally;
use git_ledger::report::{entries, tally};

use super::context::Context;
use super::failure::{Exit, Failure};
use super::selection::Selection;
use super::terminal::{self, Progress};
use super::{index, log};

/// Count entries and events by type, signer, day and outcome
///
/// Takes the same words as 'log' and counts what they select, as it is claimed.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Read the chain alone, though there is an index ('git ledger index')
    #[arg(long)]
    no_index: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs `git ledger stats`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let filter = args.selection.filter(context)?;
    let opened = context.open_to_read()?;
    let walk = log::walk_from(&opened, log::tip(&opened)?)?;
    let found = if args.no_index || filter.is_empty() {
        None
    } else {
        index::to_search(&opened)?
    };
    let by_index = found.is_some();
    let mut finder = Finder::new(walk, found);
    let mut counts = Tally::default();
    let progress = Progress::of("counting entries");
    while let Some(selected) = finder.next(&filter) {
        counts.add(&selected);
        progress.at(counts.entries);
    }
    progress.done();
    let text = if args.json {
        entries::json_line(tally::json(&counts))
    } else {
        tally::text(&counts)
    };
    terminal::print(&text)?;
    log::tell_end(finder.end());
    if by_index {
        index::look_after(&opened, finder.was_misled());
    }
    log::Knowledge::new(&opened).conclude(context, counts.broken)
}
