//! `git ledger append`: events into the chain, or into the spool.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use git_ledger::append::{Next, Recorded, group};
use git_ledger::chain::MAX_AHEAD;
use git_ledger::date::rfc3339;
use git_ledger::escape::printable;
use git_ledger::event::Pending;
use git_ledger::json::{Object, Value};

use super::context::{Context, Opened};
use super::events::events;
use super::failure::{Exit, Failure};
use super::job::{Job, show};
use super::terminal;

/// What becomes of an event that cannot be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum OnFailure {
    /// The command fails.
    Fail,
    /// The event waits in the spool.
    Spool,
}

/// Record events
///
/// Adds one signed entry after the newest one and prints its number, digest and commit. What was
/// printed is on disk and in the chain. With the same --source and --id an event is recorded
/// once, however often the command runs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The event's type, such as dev.cdevents.service.deployed
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
    /// Push to remotes, the first of which decides [default: the ledger's mirrors]
    #[arg(long, value_name = "REMOTE", num_args = 0..)]
    pub push: Option<Vec<String>>,
    /// What becomes of an event that cannot be recorded now
    #[arg(long, value_enum, default_value_t = OnFailure::Fail)]
    pub on_failure: OnFailure,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,
    /// Sign with this key
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
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
    let push = match &args.push {
        None => Vec::new(),
        Some(names) if names.is_empty() => mirrors(&opened)?,
        Some(names) => names.clone(),
    };
    let next = Next::Events(group(pending.clone(), args.events_per_entry.get()));
    let job = Job {
        context,
        opened: &opened,
        key: args.key.as_deref(),
        timeout: args.timeout,
        push: &push,
    };
    if args.dry_run {
        return job.rehearse(&next, args.json);
    }
    match job.append(&next, repeats) {
        Ok(recorded) => {
            // whoever cannot be told may run it again, and must know what that would do
            show(&recorded, args.json).map_err(|failure| {
                failure.hint("the event is recorded all the same; 'git ledger log' shows it")
            })?;
            warn_if_ahead(&recorded, context.clock()?);
            job.mirror(&recorded)
        }
        Err(failure)
            if args.on_failure == OnFailure::Spool
                && failure.exit != Exit::No
                && failure.exit != Exit::Usage =>
        {
            spool(&opened, &pending, &push, &failure, args.json)
        }
        Err(failure) => Err(failure),
    }
}
/// The mirrors the ledger is configured with.
fn mirrors(opened: &Opened) -> Result<Vec<String>, Failure> {
    if opened.settings.mirrors.is_empty() {
        return Err(
            Failure::usage("--push needs a remote: the ledger has no mirrors")
                .hint("git ledger mirror add NAME URL, or --push NAME"),
        );
    }
    Ok(opened.settings.mirrors.clone())
}
fn spool(
    opened: &Opened,
    pending: &[Pending],
    push: &[String],
    failure: &Failure,
    json: bool,
) -> Result<Exit, Failure> {
    let clock = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    let mut text = String::new();
    for (at, event) in pending.iter().enumerate() {
        let put = opened.spool().put(event, push, clock + at as u128);
        let path = put.map_err(|why| {
            // what is spooled already stays there, under the ids it has
            terminal::print(&text).ok();
            Failure::cannot(format!(
                "{} could be neither recorded ({}) nor spooled: {why}",
                match pending.len() - at {
                    1 => "the event".to_owned(),
                    left => format!("{left} events"),
                },
                failure.message.lines().next().unwrap_or_default()
            ))
            .hint("run the command again when one of both is mended")
        })?;
        let event = &event.event;
        if json {
            let object = Object::new()
                .with("status", "spooled")
                .with("file", path.to_string_lossy().into_owned())
                .with("source", event.source())
                .with("id", event.id());
            text += &(Value::from(object).to_canonical() + "\n");
        } else {
            text += &format!(
                "spooled {} {} in {}\n",
                printable(event.kind()),
                printable(event.id()),
                path.display()
            );
        }
    }
    terminal::tell(&format!(
        "warning: not recorded yet: {}",
        printable(failure.message.lines().next().unwrap_or_default())
    ));
    terminal::hint("'git ledger flush' records what waits");
    terminal::answer(&text, Exit::Done)
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
