//! `git ledger import`: deliveries, logs and events of others, from files, each recorded once.
//!
//! A file is read through before anything of it is recorded, so a bad record in the last line
//! leaves the ledger as it was. What does not fit in memory is read a second time then. Batches
//! are appended one after the other; whoever is killed in between runs the command again, and what
//! is there is left out.

mod records;
mod tally;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use git_ledger::append::Repeats;
use git_ledger::event::Pending;
use git_ledger::intake::lines::Fields;
use git_ledger::intake::{self, Delivery, Fault, Source, github, lines};

use super::context::Context;
use super::events::default_source;
use super::failure::{Exit, Failure};
use super::job::Job;
use super::on_failure::{self, Outcome};
use super::recording::Recording;
use super::terminal::{self, Progress};
use records::Input;
use tally::{Refused, Tally, events, plural};

/// Events of one batch: one lock, one pack, one move of the branch.
const BATCH_EVENTS: usize = 2000;
/// Their size, in bytes.
const BATCH_BYTES: usize = 16 << 20;
/// Events that are kept in memory while the rest is still read, in bytes. A build for debugging keeps
/// few, so that tests meet the second reading.
const MAX_HELD: usize = if cfg!(debug_assertions) {
    2 << 20
} else {
    64 << 20
};

/// Where files come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum From {
    /// Webhook deliveries of GitHub
    GithubWebhook,
    /// GitHub's audit log, from the API or the stream
    GithubAuditLog,
    /// Webhooks and system hooks of GitLab
    Gitlab,
    /// Webhooks of Gitea or Forgejo
    #[value(alias = "forgejo")]
    Gitea,
    /// CloudEvents 1.0 in JSON
    Cloudevents,
    /// CDEvents 0.3 to 0.5
    Cdevents,
    /// Any JSON objects; --type says what they are
    Jsonl,
}

/// Record deliveries, logs and events of others
///
/// FILE holds one JSON object a line, one array of them, or one object. Payloads of forges are
/// reduced to what an auditor asks for, with the digest of the whole; e-mail addresses and bodies of
/// text are left out. CloudEvents, CDEvents and JSON lines are carried whole. An event is recorded
/// once, however often its file is imported. A bad record stops all before anything is recorded.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the files hold
    #[arg(long, value_enum, value_name = "SOURCE", required = true)]
    pub from: From,
    /// Files, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The event of bare payloads, as X-GitHub-Event or X-Gitea-Event had it [default: told from
    /// the payload's members, where only one event has them]
    ///
    /// A line may say it itself: {"event":…,"delivery":…,"payload":{…}}, or "body" with the raw
    /// text in place of "payload".
    #[arg(long, value_name = "NAME")]
    pub event: Option<String>,
    /// The events' source, a URI [default: what the payload says; for JSON lines this repository]
    #[arg(long, value_name = "URI")]
    pub source: Option<String>,
    /// JSON lines: the events' type
    #[arg(long = "type", value_name = "TYPE", required_if_eq("from", "jsonl"))]
    pub kind: Option<String>,
    /// JSON lines: the field with an id, unique within the source; dots nest [default: the line's
    /// digest]
    #[arg(long, value_name = "FIELD")]
    pub id_field: Option<String>,
    /// JSON lines: the field with the time; RFC 3339, or seconds or milliseconds since 1970
    #[arg(long, value_name = "FIELD")]
    pub time_field: Option<String>,
    /// JSON lines: the field with the subject
    #[arg(long, value_name = "FIELD")]
    pub subject_field: Option<String>,
    /// Keep each payload whole, as an attachment of an event beside it, e-mail addresses and all
    #[arg(long)]
    pub keep_payload: bool,
    /// Leave out bad records, and exit with 1 if there were any
    #[arg(long)]
    pub skip_bad: bool,
    /// At most so many events in one entry
    #[arg(long, value_name = "N", default_value = "1000")]
    pub events_per_entry: NonZeroUsize,
    #[command(flatten)]
    pub recording: Recording,
    /// Read everything, tell what would be recorded, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// How records become events.
struct Reader<'a> {
    args: &'a Args,
    source: Option<String>,
    fields: Fields,
}

/// Runs `git ledger import`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    check(args)?;
    let opened = context.open()?;
    let push = args.recording.remotes(&opened)?;
    let reader = Reader {
        args,
        source: match (&args.source, args.from) {
            (None, From::Jsonl) => Some(default_source(&opened)),
            (given, _) => given.clone(),
        },
        fields: Fields {
            id: args.id_field.clone(),
            time: args.time_field.clone(),
            subject: args.subject_field.clone(),
        },
    };
    let inputs: Vec<Input> = args
        .files
        .iter()
        .map(|path| Input::open(path))
        .collect::<Result<_, _>>()?;
    let mut tally = Tally::default();
    let held = read_through(&reader, &inputs, &mut tally)?;
    if args.dry_run {
        return answer(args, &tally);
    }
    let job = args.recording.job(context, &opened, &push);
    let progress = Progress::of("recording events");
    let mut recorder = Recorder {
        job: &job,
        args,
        tally: &mut tally,
        progress: &progress,
        waiting: Vec::new(),
        size: 0,
    };
    let done = match held {
        Some(held) => held.into_iter().try_for_each(|event| recorder.add(event)),
        None => read_again(&reader, &inputs, &mut recorder),
    }
    .and_then(|()| recorder.flush());
    progress.done();
    if let Err(failure) = done {
        return Err(broken_off(failure, &tally));
    }
    if let Some(newest) = &tally.newest {
        job.mirror(std::slice::from_ref(newest))?;
    }
    answer(args, &tally)
}

/// Arguments that do not go together.
fn check(args: &Args) -> Result<(), Failure> {
    let usage = |why: &str| Err(Failure::usage(why).hint("nothing was recorded"));
    let (lines, named) = (
        args.from == From::Jsonl,
        matches!(args.from, From::GithubWebhook | From::Gitea),
    );
    let fields = [
        &args.kind,
        &args.id_field,
        &args.time_field,
        &args.subject_field,
    ];
    if !lines && fields.iter().any(|field| field.is_some()) {
        return usage("--type, --id-field, --time-field and --subject-field are for --from jsonl");
    }
    if !named && args.event.is_some() {
        return usage("--event is for --from github-webhook and gitea");
    }
    if args.keep_payload && matches!(args.from, From::Cloudevents | From::Cdevents | From::Jsonl) {
        return usage("--keep-payload is for payloads of forges; these events are carried whole");
    }
    let blank = |c: char| c.is_whitespace() || c.is_control();
    if args
        .source
        .as_ref()
        .is_some_and(|uri| uri.is_empty() || uri.contains(blank))
    {
        return usage("the source is no URI");
    }
    if args
        .files
        .iter()
        .filter(|path| path.as_os_str() == "-")
        .count()
        > 1
    {
        return usage("standard input can be read once");
    }
    Ok(())
}

/// Reads all there is before anything is recorded: the events, if they are few enough to be kept.
fn read_through(
    reader: &Reader<'_>,
    inputs: &[Input],
    tally: &mut Tally,
) -> Result<Option<Vec<Pending>>, Failure> {
    let progress = Progress::of("reading records");
    let (mut held, mut size) = (Some(Vec::new()), 0);
    each(reader, inputs, |place, events| {
        match events {
            Ok(events) => {
                tally.read += events.len() as u64;
                for event in events {
                    size += weight(&event);
                    if reader.args.dry_run {
                        tally.count(event.event.kind());
                    } else if size > MAX_HELD {
                        held = None;
                    }
                    if let Some(held) = held.as_mut() {
                        held.push(event);
                    }
                }
            }
            Err(why) => tally.refuse(Refused {
                input: place.0.to_owned(),
                line: place.1,
                why,
            }),
        }
        progress.at(tally.read);
        Ok(())
    })?;
    progress.done();
    if tally.refusals() > 0 && !reader.args.skip_bad {
        let told = tally.told().join("\n");
        return Err(Failure::usage(format!(
            "{} cannot be taken:\n{told}",
            plural(tally.refusals(), "record")
        ))
        .hint("nothing was recorded; --skip-bad records the others"));
    }
    if tally.read == 0 && tally.refusals() == 0 {
        return Err(Failure::usage("there is no event in what was given")
            .hint("a file holds one JSON object a line, one array of them, or one object")
            .hint("nothing was recorded"));
    }
    Ok(held)
}

/// Reads all there is a second time, and records it. What was refused is known from the first time.
fn read_again(
    reader: &Reader<'_>,
    inputs: &[Input],
    recorder: &mut Recorder<'_>,
) -> Result<(), Failure> {
    let (mut read, mut refused) = (0, 0);
    each(reader, inputs, |_, events| match events {
        Ok(events) => {
            read += events.len() as u64;
            events.into_iter().try_for_each(|event| recorder.add(event))
        }
        Err(_) => {
            refused += 1;
            Ok(())
        }
    })?;
    match (read, refused) == (recorder.tally.read, recorder.tally.refusals()) {
        true => Ok(()),
        false => Err(Failure::cannot("a file changed while it was read")
            .hint("run the command again when nobody writes to it")),
    }
}

/// Hands over what each record gives, with the input's name and the line.
fn each(
    reader: &Reader<'_>,
    inputs: &[Input],
    mut to: impl FnMut((&str, u64), Result<Vec<Pending>, String>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for input in inputs {
        let cannot =
            |why: std::io::Error| Failure::cannot(format!("cannot read '{}': {why}", input.name));
        for record in input.records().map_err(cannot)? {
            let record = record.map_err(cannot)?;
            let events = match record.bytes {
                Ok(bytes) => reader.events(&bytes).map_err(|why| {
                    // one record may stand on one line, and the file's line is told beside it
                    why.to_string().replace(" at line 1 column ", " at column ")
                }),
                Err(why) => Err(why.to_owned()),
            };
            to((&input.name, record.line), events)?;
        }
    }
    Ok(())
}

impl Reader<'_> {
    /// The events of one record.
    fn events(&self, record: &[u8]) -> Result<Vec<Pending>, Fault> {
        let wrapped = match self.args.from {
            From::GithubWebhook | From::Gitea => github::wrapped(record)?,
            _ => None,
        };
        let (event, body) = match &wrapped {
            Some(wrapped) => (wrapped.event.as_deref(), &*wrapped.body),
            None => (None, record),
        };
        let delivery = Delivery {
            source: match self.args.from {
                From::GithubWebhook => Source::GithubWebhook,
                From::GithubAuditLog => Source::GithubAuditLog,
                From::Gitlab => Source::Gitlab,
                From::Gitea => Source::Gitea,
                From::Cloudevents => Source::Cloudevents,
                From::Cdevents => Source::Cdevents,
                From::Jsonl => Source::JsonLines,
            },
            kind: event
                .or(self.args.event.as_deref())
                .or(self.args.kind.as_deref()),
            base: self.source.as_deref(),
            body,
        };
        let events = match self.args.from {
            From::Jsonl => vec![lines::event(&delivery, &self.fields)?],
            _ => intake::read(&delivery)?,
        };
        let mut all = Vec::with_capacity(events.len());
        for event in events {
            let kept = match self.args.keep_payload {
                true => Some(intake::kept(&event, body)?),
                false => None,
            };
            all.push(Pending::new(event)?);
            all.extend(kept);
        }
        Ok(all)
    }
}

/// Appends batch after batch.
struct Recorder<'a> {
    job: &'a Job<'a>,
    args: &'a Args,
    tally: &'a mut Tally,
    progress: &'a Progress,
    waiting: Vec<Pending>,
    size: usize,
}

impl Recorder<'_> {
    fn add(&mut self, event: Pending) -> Result<(), Failure> {
        self.size += weight(&event);
        self.waiting.push(event);
        match self.waiting.len() >= BATCH_EVENTS || self.size >= BATCH_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.size = 0;
        let batch = std::mem::take(&mut self.waiting);
        if batch.is_empty() {
            return Ok(());
        }
        let most = self.args.events_per_entry.get();
        let outcome = on_failure::record(
            self.job,
            &batch,
            most,
            Repeats::ById,
            self.args.recording.on_failure,
        )?;
        match outcome {
            Outcome::Recorded(recorded) => self.tally.record(&recorded),
            Outcome::Spooled {
                files,
                why,
                because,
            } => {
                self.tally.spooled += files.len() as u64;
                let why = why.message.lines().next().unwrap_or_default().to_owned();
                let why = git_ledger::escape::printable(&why);
                terminal::tell(&format!("warning: not recorded yet: {why}"));
                terminal::tell(&format!("warning: it waits in the spool, for {because}"));
                terminal::hint("'git ledger flush' records what waits");
            }
        }
        self.progress.at(self.tally.recorded + self.tally.spooled);
        Ok(())
    }
}

/// About how much memory an event takes, in bytes.
fn weight(event: &Pending) -> usize {
    let body = event.body.as_ref().map_or(0, Vec::len);
    event.event.to_line().len() + body
}

/// A failure between two batches, with what was recorded before it.
fn broken_off(failure: Failure, tally: &Tally) -> Failure {
    match tally.recorded + tally.spooled {
        0 => failure,
        some => failure.hint(format!(
            "{} were recorded before this; run the command again: they are left out then",
            events(some)
        )),
    }
}

fn answer(args: &Args, tally: &Tally) -> Result<Exit, Failure> {
    let exit = match tally.refusals() {
        0 => Exit::Done,
        _ => Exit::No,
    };
    let text = match args.json {
        true => tally.json(args.dry_run),
        false => tally.text(args.dry_run),
    };
    terminal::answer(&text, exit)
}
