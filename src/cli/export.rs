//! `git ledger export`: entries as records that other tools take.

mod chain;
mod keeper;
mod output;
mod post;
mod stop;

use std::path::PathBuf;
use std::time::Duration;

use git_ledger::export::cursor::{At, Cursor};
use git_ledger::export::{Bulk, Cells, Encoder, Format, Header, Options};
use git_ledger::finding::Answer;
use git_ledger::json::Object;
use git_ledger::query::Filter;
use git_ledger::report::verdict::number;

use super::context::{Context, Opened};
use super::failure::{Exit, Failure};
use super::selection::Selection;
use super::terminal;
use chain::{Piece, Trust};
use keeper::Keeper;
use output::{Output, Reader};
use stop::Stop;

/// A batch is handed over when it has this many bytes, and a little more.
const BATCH: usize = 1 << 20;
/// Or this many records.
const RECORDS: u64 = 1000;

/// Write entries as records of another tool's format
///
/// Writes every event as one record, the oldest first, for an event bus, a search index, a log
/// collector or a table. Each record carries the entry's number, digest and commit, so that
/// 'git ledger show' and 'git ledger prove' find what it came from. The ledger is verified first,
/// and each record says how its entry stands; an entry that is broken becomes a record of its own.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to write
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    format: String,
    #[command(flatten)]
    selection: Selection,
    /// Do not verify; every record says 'claimed'
    #[arg(long)]
    no_verify: bool,
    /// Go on behind the entry this file names, and keep it up to date: it moves when records were taken
    #[arg(long, value_name = "FILE")]
    cursor: Option<PathBuf>,
    /// Wait for new entries, until SIGINT or SIGTERM
    #[arg(long, requires = "cursor", conflicts_with = "dry_run")]
    follow: bool,
    /// Look for new entries this often
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 5,
        requires = "follow",
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    every: u64,
    /// Send the records to this address with POST (https://, or http:// on this machine)
    #[arg(long, value_name = "URL", conflicts_with = "output")]
    to: Option<String>,
    /// Send this header with what the environment variable holds; may be given several times
    #[arg(long, value_name = "NAME=VARIABLE", requires = "to")]
    header_env: Vec<String>,
    /// Try to hand over a batch for this many seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        requires = "to",
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    timeout: u64,
    /// Write a new file; with --cursor, write on at its end
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// CSV: put an apostrophe before what a spreadsheet would take for a formula
    #[arg(long)]
    spreadsheet: bool,
    /// Print what was done as one JSON object; needs --output or --to
    #[arg(long)]
    json: bool,
    /// Verify and count, but write and send nothing
    #[arg(long)]
    dry_run: bool,
}

fn formats() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(Format::ALL.map(|(name, _)| name))
}

/// Runs `git ledger export`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let format = Format::of(&args.format)
        .ok_or_else(|| Failure::usage(format!("'{}' is no format", args.format)))?;
    check(args, format)?;
    let filter = args.selection.filter(context)?;
    let stop = if args.follow {
        Stop::on_signals()?
    } else {
        Stop::never()
    };
    let opened = context.open_to_read()?;
    let mut keeper = match &args.cursor {
        None => None,
        Some(path) => Some(Keeper::open(&context.environment.absolute(path), format)?),
    };
    let mut options = Options {
        cells: if args.spreadsheet {
            Cells::Spreadsheet
        } else {
            Cells::Exact
        },
        ..Options::default()
    };
    let output = output(
        context,
        &opened,
        args,
        format,
        keeper.as_mut(),
        &mut options,
    )?;
    let mut job = Job {
        context,
        opened: &opened,
        args,
        format,
        options,
        filter,
        keeper,
        output,
        stop,
        seen: None,
        gone: false,
        sum: Sum::default(),
    };
    let outcome = job.all();
    job.tell(&outcome)?;
    outcome.map(|answer| answer.map_or(Exit::Done, Exit::from))
}

/// What goes together and what does not, as far as the parser cannot tell.
fn check(args: &Args, format: Format) -> Result<(), Failure> {
    let lasting = args.cursor.is_some() && args.to.is_none();
    if lasting && !format.can_grow() {
        return Err(Failure::usage(format!(
            "{} is one document and cannot be written on at its end",
            format.name()
        ))
        .hint("take a format of lines with --cursor, or send each batch with --to"));
    }
    if args.spreadsheet && format != Format::Csv {
        return Err(Failure::usage("--spreadsheet is about --format csv"));
    }
    if args.json && args.to.is_none() && args.output.is_none() && !args.dry_run {
        return Err(Failure::usage("standard output holds the records")
            .hint("--json needs --output or --to"));
    }
    Ok(())
}

/// Where the records go.
fn output(
    context: &Context,
    opened: &Opened,
    args: &Args,
    format: Format,
    keeper: Option<&mut Keeper>,
    options: &mut Options,
) -> Result<Output, Failure> {
    let output = match (&args.to, &args.output) {
        _ if args.dry_run => Output::nowhere(),
        (Some(url), _) => {
            let headers = post::headers(context, &args.header_env)?;
            let timeout = Duration::from_secs(args.timeout);
            let post = post::Post::new(context, opened, url, headers, timeout, format)?;
            if format == Format::Ecs && post.is_bulk() {
                options.bulk = Bulk::Yes;
            }
            Output::post(post)
        }
        (None, Some(path)) => {
            let path = context.environment.absolute(path);
            match keeper {
                None => Output::new_file(&path)?,
                Some(keeper) => Output::grown_file(&path, keeper)?,
            }
        }
        (None, None) => Output::standard(keeper.as_deref()),
    };
    Ok(output)
}

/// What was done.
#[derive(Default)]
struct Sum {
    records: u64,
    entries: u64,
    newest: Option<u64>,
    answer: Option<Answer>,
}

/// One run.
struct Job<'a> {
    context: &'a Context,
    opened: &'a Opened,
    args: &'a Args,
    format: Format,
    options: Options,
    filter: Filter,
    keeper: Option<Keeper>,
    output: Output,
    stop: Stop,
    /// The tip of the last round.
    seen: Option<gix::ObjectId>,
    /// Whether nobody takes records any more.
    gone: bool,
    sum: Sum,
}

/// Records that go together.
struct Batch {
    encoder: Box<dyn Encoder>,
    bytes: Vec<u8>,
    records: u64,
    entries: u64,
}

impl Job<'_> {
    /// Round after round; the answer, where something was verified.
    fn all(&mut self) -> Result<Option<Answer>, Failure> {
        let every = Duration::from_secs(self.args.every);
        loop {
            self.round()?;
            // what is wrong is told by the exit status, and nobody sees that of a process that goes on
            if !self.args.follow || self.sum.answer == Some(Answer::Breach) {
                break;
            }
            if self.gone || self.stop.wait(every) {
                break;
            }
        }
        Ok(self.sum.answer)
    }

    /// Everything between the cursor and the newest entry.
    fn round(&mut self) -> Result<(), Failure> {
        let Some(tip) = self.opened.ledger.tip_id()? else {
            return Err(super::compare::absent(self.opened));
        };
        let trust = if self.args.no_verify {
            Trust::Claims
        } else {
            Trust::Verified
        };
        let cursor = self.keeper.as_ref().map(|keeper| &keeper.cursor);
        let grows = self.output.grows() || cursor.is_some();
        if chain::is_done(cursor, tip, trust) || self.seen == Some(tip) {
            return Ok(());
        }
        if let (Some(path), Some(keeper)) = (self.output.rotated(), &mut self.keeper) {
            self.output = Output::grown_file(&path, keeper)?;
        }
        let cursor = self.keeper.as_ref().map(|keeper| &keeper.cursor);
        let mut piece = Piece::of(self.opened, &self.filter, cursor, tip, trust)?;
        piece.tell(self.context)?;
        let mut batch = self.batch();
        if !grows {
            batch.encoder.head(&mut batch.bytes);
        }
        while let Some(entry) = piece.next(&self.filter) {
            if batch.records == 0 && grows {
                batch.encoder.head(&mut batch.bytes);
            }
            for record in entry.records(piece.ledger.as_deref()) {
                batch
                    .encoder
                    .record(&record, &mut batch.bytes)
                    .map_err(|why| Failure::cannot(why.to_string()))?;
                batch.records += 1;
            }
            batch.entries += 1;
            let full = batch.bytes.len() >= BATCH || (grows && batch.records >= RECORDS);
            if !full {
                continue;
            }
            if self.hand_over(&mut batch, Some(entry.at()), &piece, grows)? == Reader::Gone {
                return Ok(());
            }
        }
        if !grows {
            batch
                .encoder
                .tail(&mut batch.bytes)
                .map_err(|why| Failure::cannot(why.to_string()))?;
        }
        if self.hand_over(&mut batch, None, &piece, grows)? == Reader::Gone {
            return Ok(());
        }
        if !self.args.follow {
            self.output.finish()?;
        }
        self.sum.answer = self.sum.answer.max(piece.answer());
        self.sum.newest = piece.newest().map(|at| at.number).or(self.sum.newest);
        self.seen = Some(tip);
        // a filter passes over entries too, and those behind the last record were seen all the same
        self.keep(piece.newest(), &piece)
    }

    fn batch(&self) -> Batch {
        let mut options = self.options;
        options.header = if self.output.has_header() {
            Header::LeftOut
        } else {
            Header::Written
        };
        Batch {
            encoder: self.format.encoder(options),
            bytes: Vec::new(),
            records: 0,
            entries: 0,
        }
    }

    /// Hands over what is there; the cursor moves when it was taken.
    fn hand_over(
        &mut self,
        batch: &mut Batch,
        at: Option<Option<At>>,
        piece: &Piece<'_>,
        grows: bool,
    ) -> Result<Reader, Failure> {
        if grows && batch.records > 0 {
            batch
                .encoder
                .tail(&mut batch.bytes)
                .map_err(|why| Failure::cannot(why.to_string()))?;
        }
        if !batch.bytes.is_empty() {
            let taken = self.output.take(&batch.bytes, self.options, &self.stop);
            let taken = taken.map_err(|failure| self.stands(failure))?;
            if taken == Reader::Gone {
                self.gone = true;
                return Ok(Reader::Gone);
            }
        }
        self.sum.records += batch.records;
        self.sum.entries += batch.entries;
        if grows {
            *batch = self.batch();
        } else {
            (batch.bytes, batch.records, batch.entries) = (Vec::new(), 0, 0);
        }
        if let Some(at) = at {
            self.keep(at, piece)?;
            if self.stop.is_asked() {
                return Ok(Reader::Gone);
            }
        }
        Ok(Reader::There)
    }

    /// Moves the cursor.
    fn keep(&mut self, at: Option<At>, piece: &Piece<'_>) -> Result<(), Failure> {
        if self.args.dry_run {
            return Ok(());
        }
        let Some(keeper) = &mut self.keeper else {
            return Ok(());
        };
        let Some(at) = at else { return Ok(()) };
        keeper.keep(Cursor {
            ledger: piece.ledger.clone(),
            format: self.format,
            at: Some(at),
            verified: piece.answer() == Some(Answer::Sound),
            file: self.output.written(),
        })
    }

    /// A failure, with where the next run goes on.
    fn stands(&self, failure: Failure) -> Failure {
        let Some(keeper) = &self.keeper else {
            return failure.hint("with --cursor FILE the next run goes on where this one ended");
        };
        failure.hint(match &keeper.cursor.at {
            Some(at) => format!(
                "nothing is lost: the cursor stands at entry {}, run it again",
                at.number
            ),
            None => "nothing is lost: run it again".to_owned(),
        })
    }

    /// One line for people on standard error, or an object on standard output.
    fn tell(&self, outcome: &Result<Option<Answer>, Failure>) -> Result<(), Failure> {
        let sum = &self.sum;
        let standing = match sum.answer {
            _ if outcome.is_err() => "stopped",
            Some(answer) => answer.word(),
            None if self.args.no_verify => "claimed",
            None => "nothing new",
        };
        if self.args.json {
            let mut object = Object::new()
                .with("records", number(sum.records))
                .with("entries", number(sum.entries))
                .with("standing", standing)
                .with("done", outcome.is_ok())
                .with("dry_run", self.args.dry_run);
            if let Some(newest) = sum.newest {
                object.set("newest", number(newest));
            }
            let mut text = String::new();
            object.write(&mut text);
            return terminal::print(&(text + "\n"));
        }
        if sum.records > 0 || self.args.dry_run || self.args.output.is_some() {
            let what = if self.args.dry_run {
                "would export"
            } else {
                "exported"
            };
            let record = if sum.records == 1 {
                "record"
            } else {
                "records"
            };
            let entry = if sum.entries == 1 { "entry" } else { "entries" };
            terminal::tell(&format!(
                "{what} {} {record} of {} {entry} ({standing})",
                sum.records, sum.entries
            ));
        }
        Ok(())
    }
}
