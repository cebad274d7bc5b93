//! `git ledger append`: events into the chain, or into the spool.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use git_ledger::append::{Next, group};

use super::ci_context::ContextArgs;
use super::context::Context;
use super::events::events;
use super::failure::{Exit, Failure};
use super::on_failure;
use super::recording::Recording;

/// Record events
///
/// Adds one signed entry after the newest one and prints its number, digest and commit. What was
/// printed is on disk and in the chain. With the same --source and --id an event is recorded
/// once, however often the command runs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The event's type, such as dev.cdevents.service.deployed.0.3.0
    #[arg(
        value_name = "TYPE",
        required_unless_present = "batch",
        conflicts_with = "batch"
    )]
    pub kind: Option<String>,
    /// What it happened to
    #[arg(long, value_name = "S", conflicts_with = "batch")]
    pub subject: Option<String>,
    /// Where it happened, a URI [default: this repository]
    #[arg(long, value_name = "URI")]
    pub source: Option<String>,
    /// The event's id, unique within its source [default: random]
    #[arg(long, value_name = "ID", conflicts_with = "batch")]
    pub id: Option<String>,
    /// When it happened, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", conflicts_with = "batch")]
    pub time: Option<String>,
    /// A member of the data; may be given several times
    #[arg(long, value_name = "K=V", conflicts_with_all = ["batch", "data_json"])]
    pub data: Vec<String>,
    /// The data, JSON from a file or - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "batch")]
    pub data_json: Option<PathBuf>,
    /// Make it an event of CDEvents 0.5
    ///
    /// TYPE is short (service.deployed) or whole. --data and --data-json are the content of the
    /// subject: dots nest (environment.id=prod), commas part lists, and --data custom.NAME=V adds
    /// what the specification has no word for. Content that is missing or unknown is an error.
    #[arg(long, conflicts_with = "batch")]
    pub cdevent: bool,
    /// Events as JSON Lines (CloudEvents; id, source, time may be left out) from a file or -
    #[arg(long, value_name = "FILE")]
    pub batch: Option<PathBuf>,
    /// At most so many events in one entry
    #[arg(
        long,
        value_name = "N",
        default_value = "1000",
        conflicts_with = "kind"
    )]
    pub events_per_entry: NonZeroUsize,
    #[command(flatten)]
    pub context: ContextArgs,
    #[command(flatten)]
    pub recording: Recording,
    /// Show the entry that would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON object for each entry
    #[arg(long)]
    pub json: bool,
}
/// Runs `git ledger append`.
pub fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let opened = context.open()?;
    let (pending, repeats) = events(context, &opened, &args)?;
    let push = args.recording.remotes(&opened)?;
    let job = args.recording.job(context, &opened, &push);
    let most_events = args.events_per_entry.get();
    if args.dry_run {
        return job.rehearse(&Next::Events(group(&pending, most_events)), args.json);
    }
    let outcome = on_failure::record(
        &job,
        &pending,
        most_events,
        repeats,
        args.recording.on_failure,
    )?;
    on_failure::finish(&job, &pending, &outcome, args.json)
}
