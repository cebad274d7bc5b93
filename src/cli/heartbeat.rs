//! `git ledger heartbeat`: an entry for quiet days, so that a copy that is frozen shows.

use git_ledger::date::rfc3339;
use git_ledger::freshness;
use git_ledger::json::{Object, Value};
use git_ledger::report::verdict::{age, number};

use super::ci_context::ContextArgs;
use super::context::Context;
use super::failure::{Exit, Failure};
use super::on_failure::OnFailure;
use super::recording::Recording;
use super::{append, date, terminal};

/// The type of the event.
const KIND: &str = "dev.git-ledger.heartbeat";

/// Record that nothing happened, so that a frozen copy shows
///
/// Adds a dev.git-ledger.heartbeat entry if the newest entry is older than --every, and does
/// nothing otherwise: run it from cron, on the machine that records most. Whoever then asks with a
/// --max-age longer than that learns that a copy is frozen, or that nobody records any more.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only if the newest entry is older than this, such as 6h or 1d [default: always]
    #[arg(long, value_name = "DURATION", value_parser = date::parse_span)]
    every: Option<u64>,
    /// Push to remotes, the first of which decides [default: the ledger's mirrors]
    #[arg(long, value_name = "REMOTE", num_args = 0..)]
    push: Option<Vec<String>>,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Sign with this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Show the entry that would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs `git ledger heartbeat`.
pub fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let opened = context.open()?;
    if let (Some(every), Some(tip)) = (args.every, opened.ledger.tip_id()?) {
        let (link, now) = (opened.ledger.link(tip)?, context.clock()?);
        let at = link.entry.number();
        let old = freshness::age(link.time, now).ok_or_else(|| {
            let (dated, clock) = (rfc3339(link.time), rfc3339(now));
            Failure {
                exit: Exit::Unknown,
                ..Failure::cannot(format!(
                    "entry {at} is dated {dated} and the clock here says {clock}, so nobody can \
                     say whether a heartbeat is due"
                ))
            }
            .hint(
                "find out which machine's clock is wrong; without --every one is recorded at once",
            )
        })?;
        if old <= every {
            let text = if args.json {
                let object = Object::new()
                    .with("status", "not-due")
                    .with("number", number(at))
                    .with("age", number(old));
                Value::from(object).to_canonical() + "\n"
            } else {
                format!("no heartbeat is due: entry {at} is {} old\n", age(old))
            };
            return terminal::answer(&text, Exit::Done);
        }
    }
    append::run(
        context,
        append::Args {
            kind: Some(KIND.to_owned()),
            subject: None,
            source: None,
            id: None,
            time: None,
            data: Vec::new(),
            data_json: None,
            cdevent: false,
            context: ContextArgs::nothing(),
            batch: None,
            events_per_entry: std::num::NonZeroUsize::MIN,
            recording: Recording {
                push: args.push,
                on_failure: OnFailure::Fail,
                timeout: args.timeout,
                key: args.key,
            },
            dry_run: args.dry_run,
            json: args.json,
        },
    )
}
