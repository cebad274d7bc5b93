//! What has been looked at, by whom, and what waits.

use git_ledger::finding::Answer;
use git_ledger::query::What;
use git_ledger::report::reviews;
use git_ledger::review::{Coverage, Shown};

use super::super::context::{Context, Opened};
use super::super::failure::{Exit, Failure};
use super::super::terminal::Progress;
use super::super::{log, terminal};
use super::{Args, line};

/// Tells what was asked for.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let opened = context.open_to_read()?;
    let now = context.clock()?;
    let coverage = read(&opened)?;
    if let Some(number) = args.show {
        let mut placed = coverage
            .reviews()
            .iter()
            .filter(|r| r.number == number)
            .peekable();
        if placed.peek().is_none() {
            return Err(Failure::no(format!("entry {number} holds no review"))
                .hint("'git ledger review --list' tells which do"));
        }
        let text: String = placed
            .map(|placed| match args.json {
                true => line(reviews::json(placed)),
                false => reviews::text(placed),
            })
            .collect();
        return terminal::answer(&text, Exit::Done);
    }
    if args.list {
        let text = match args.json {
            true => coverage
                .reviews()
                .iter()
                .map(|r| line(reviews::json(r)))
                .collect(),
            false => reviews::list(&coverage),
        };
        return terminal::answer(&text, Exit::Done);
    }
    let waited = reviews::oldest(&coverage).map(|since| now.saturating_sub(since));
    let late = args
        .max_age
        .zip(waited)
        .is_some_and(|(most, waited)| waited > most);
    let text = if args.json {
        line(reviews::status_json(&coverage, now).with("late", late))
    } else {
        reviews::status(&coverage, now)
    };
    if !args.json {
        terminal::hint(
            "this is what the entries claim; 'git ledger verify' tells who may sign reviews",
        );
    }
    terminal::answer(
        &text,
        if late {
            Answer::Breach.into()
        } else {
            Exit::Done
        },
    )
}

/// Reads all entries, the newest first.
pub fn read(opened: &Opened) -> Result<Coverage, Failure> {
    let mut walk = log::walk_from(opened, log::tip(opened)?)?;
    let progress = Progress::of("reading entries");
    let mut coverage = Coverage::default();
    for (at, step) in walk.by_ref().enumerate() {
        let What::Entry(link) = &step.what else {
            continue;
        };
        coverage.add(&Shown {
            number: link.entry.number(),
            digest: link.digest(),
            time: link.time,
            principal: link.principal.as_str(),
            events: &link.entry.events,
        });
        progress.at(at as u64 + 1);
    }
    progress.done();
    log::tell_end(walk.end());
    Ok(coverage)
}
