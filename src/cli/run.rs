//! `git ledger run`: a command as a recorded step, and nothing of it changed by that.

pub mod closing;
mod look;
pub mod place;
mod program;
mod signals;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Instant;

use git_ledger::append::{Recorded, Repeats};
use git_ledger::capture::open_steps::OpenStep;
use git_ledger::capture::step::{self, Ending, Finish, MAX_NAME, Step};
use git_ledger::capture::variables::Patterns;
use git_ledger::date::rfc3339;
use git_ledger::escape::printable;
use git_ledger::event::Pending;
use git_ledger::json::{Object, Value, forbidden_character};
use git_ledger::merkle::hex;
use git_ledger::report::verdict::number;

use super::capturing::{self, KEY_VARIABLE, KeyWanted, SIGNING_KEY_VARIABLE, broken_variables};
use super::ci_context::{self, ContextArgs};
use super::context::{Context, random_id};
use super::events::default_source;
use super::failure::{Exit, Failure};
use super::job::Job;
use super::on_failure::{self, OnFailure, Outcome};
use super::recording::Recording;
use super::terminal;
use look::Look;
use program::Program;
use signals::Signals;

/// Run a command and record how it went
///
/// The command keeps standard input, output and error, its process group and its terminal; signals
/// sent to git-ledger reach it. Two events tell that it started and how it ended, with one id. If
/// git-ledger itself is killed, the next run, flush or reconcile on this machine records that the
/// outcome is unknown; 'git ledger steps' lists steps without an end.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// What the step is called [default: the command's name]
    #[arg(long, value_name = "STEP")]
    name: Option<String>,
    /// A file or directory that is digested before and after; may be given several times
    #[arg(long, value_name = "PATH")]
    watch: Vec<PathBuf>,
    /// Variables by name, with * and ?; with ! before it: not these. Only HMACs are recorded
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    env: Vec<String>,
    /// A file or directory that the command makes, digested afterwards
    #[arg(long, value_name = "PATH")]
    artifact: Vec<PathBuf>,
    /// Record the words of the command too, unless one looks like a secret
    #[arg(long)]
    show_command: bool,
    #[command(flatten)]
    context: ContextArgs,
    #[command(flatten)]
    recording: Recording,
    /// Show the entry that would be written first, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Say nothing where all went well
    #[arg(long, short)]
    quiet: bool,
    /// Tell what was recorded as one JSON object on standard error
    #[arg(long)]
    json: bool,
    /// The command and its arguments, after --
    #[arg(value_name = "COMMAND", required = true, last = true)]
    command: Vec<OsString>,
}

const AFTER_HELP: &str = "\
Exit status: that of the command, 128 plus the number of the signal that killed it, 127 if there is \
no such command, 126 if it cannot be run. 128 says that git-ledger failed: the command was not run \
because its start could not be recorded, or it succeeded and its end could not; a command that fails \
keeps its own status, and standard error tells the rest. 129 usage.

A terminal sends its signals to the command itself. One sent to git-ledger alone is passed on (INT, \
TERM, HUP, QUIT, USR1, USR2, CONT). Of the files that GITHUB_ENV and GITHUB_OUTPUT name, the \
variables that --env names are compared before and after.";

/// Runs `git ledger run`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    match prepared(context, args) {
        // one is what commands say themselves
        Err(failure) if failure.exit != Exit::Usage => Err(Failure {
            exit: Exit::CannotRun,
            ..failure
        }
        .hint("the command was not run")),
        Err(failure) => Err(failure.hint("the command was not run")),
        Ok(exit) => Ok(exit),
    }
}

/// All up to the point where the command runs may fail; what comes after is told and never hides
/// the command's own status.
fn prepared(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let words: Vec<&[u8]> = args.command.iter().map(|word| word.as_bytes()).collect();
    let name = step_name(args)?;
    let patterns = Patterns::new(&args.env, &[]).map_err(broken_variables)?;
    let opened = context.open()?;
    let push = args.recording.remotes(&opened)?;
    let job = args.recording.job(context, &opened, &push);
    let wanted = match args.dry_run {
        true => KeyWanted::Passing,
        false => KeyWanted::Present,
    };
    let key = capturing::digest_key(context, &opened, wanted, None)?;
    let look = Look::new(context, &opened, args, &patterns, &key)?;
    let before = look.before()?;
    let ci = ci_context::of(context, &opened, &args.context)?;
    let (run, source) = (random_id()?, default_source(&opened));
    let command = step::command(&words, &key, args.show_command);
    if command.get("wordsLeftOut").is_some() {
        terminal::tell("warning: a word of the command looks like a secret; no word is recorded");
    }
    let step = Step {
        run: &run,
        name: &name,
        source: &source,
        command: &command,
        ci: ci.as_ref(),
    };
    let now = rfc3339(context.clock()?);
    let started = step
        .started(&now, before.as_ref(), &key.id())
        .map_err(unfit)?;
    if args.dry_run {
        let group = vec![vec![&started]];
        return job.rehearse(&git_ledger::append::Next::Events(group), args.json);
    }
    closing::close_and_tell(context, &opened, job.key, job.timeout);
    let signals = Signals::catch()
        .map_err(|why| Failure::cannot(format!("cannot wait for signals: {why}")))?;
    let mut open = OpenStep {
        run: run.clone(),
        name: name.clone(),
        process: std::process::id().into(),
        began: super::hook::settings::began(std::process::id().into()),
        place: place::here(),
        push: push.clone(),
        started: started.clone(),
        finished: None,
    };
    let steps = opened.steps();
    steps.put(&open)?;
    let began = match record(&job, &started, args.recording.on_failure) {
        Ok(outcome) => outcome,
        Err(failure) => {
            steps.remove(&run)?;
            return Err(failure);
        }
    };

    // from here on the command's own status is the answer
    let clock = Instant::now();
    let (ending, code) = execute(context, args, &signals);
    let duration = u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX);
    let after = before.as_ref().map(|_| look.after());
    let made = look.made();
    let finish = Finish {
        ending: &ending,
        duration: Some(duration),
        looked: before.as_ref().zip(after.as_ref()),
        made: &made,
    };
    let now = rfc3339(context.clock().unwrap_or_default());
    let recorded = step
        .finished(&now, &finish, &key.id())
        .map_err(unfit)
        .and_then(|finished| {
            open.finished = Some(finished.clone());
            // whoever looks after a kill now finds how it ended, and records just that
            steps.put(&open)?;
            record(&job, &finished, args.recording.on_failure)
        });
    let told = Told {
        args,
        job: &job,
        name: &name,
        run: &run,
        ending: &ending,
        duration,
        made: &made,
    };
    Ok(match recorded {
        Ok(ended) => {
            if let Err(why) = steps.remove(&run) {
                terminal::tell(&format!("warning: recorded, but a note stays: {why}"));
            }
            told.recorded(&began, &ended);
            Exit::Of(code)
        }
        Err(failure) => {
            terminal::tell(failure.to_string().trim_end());
            terminal::tell(&format!(
                "error: the command {}, and that is not recorded",
                ending
                    .errors()
                    .map_or_else(|| "succeeded".to_owned(), |why| format!("failed ({why})"))
            ));
            if open.finished.is_some() && steps.get(&run).is_some() {
                terminal::hint("it is kept; the next 'git ledger flush' here records it");
            }
            match code {
                0 => Exit::CannotRun,
                code => Exit::Of(code),
            }
        }
    })
}

fn unfit(why: String) -> Failure {
    Failure::cannot(format!("the step cannot be recorded: {why}"))
}

fn record(job: &Job<'_>, event: &Pending, on_failure: OnFailure) -> Result<Outcome, Failure> {
    let event = std::slice::from_ref(event);
    on_failure::record(job, event, 1, Repeats::Impossible, on_failure)
}

fn step_name(args: &Args) -> Result<String, Failure> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => {
            let program = args.command.first().map(PathBuf::from).unwrap_or_default();
            let name = program.file_name().unwrap_or(program.as_os_str());
            name.to_string_lossy().into_owned()
        }
    };
    if name.is_empty() || name.len() > MAX_NAME || forbidden_character(&name).is_some() {
        return Err(Failure::usage(format!(
            "'{}' is no name for a step",
            printable(&name.chars().take(80).collect::<String>())
        ))
        .hint(format!(
            "give it one of at most {MAX_NAME} bytes with --name"
        )));
    }
    Ok(name)
}

/// Runs the command to its end; how it ended, and the status to end with.
fn execute(context: &Context, args: &Args, signals: &Signals) -> (Ending, u8) {
    if let Some(signal) = signals.asked_before_start() {
        let ending = killed(signal, true);
        terminal::tell("error: stopped before the command was started");
        return (ending, status_of(signal));
    }
    let word: &OsStr = args
        .command
        .first()
        .map_or(OsStr::new(""), OsString::as_os_str);
    let not_started = |why: String, code: u8| {
        let told = printable(&word.to_string_lossy());
        terminal::tell(&format!("error: cannot run '{told}': {why}"));
        (Ending::NotStarted(why), code)
    };
    let path = match program::find(&context.environment, &context.directory, word) {
        Program::At(path) => path,
        Program::NotExecutable => return not_started("it is not executable".into(), 126),
        Program::Missing => return not_started("there is no such command on PATH".into(), 127),
    };
    let mut command = Command::new(path);
    command
        .arg0(word)
        .args(args.command.iter().skip(1))
        .current_dir(&context.directory)
        // who can read it could try values against the record
        .env_remove(KEY_VARIABLE)
        .env_remove(SIGNING_KEY_VARIABLE);
    match command.spawn() {
        Ok(child) => wait(child, signals),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
            not_started("it, or what it is written for, is not there".into(), 127)
        }
        Err(why) => not_started(why.to_string(), 126),
    }
}

fn wait(mut child: Child, signals: &Signals) -> (Ending, u8) {
    signals.pass_on_to(&child);
    let waited = child.wait();
    signals.over();
    match waited {
        Err(why) => {
            terminal::tell(&format!("error: cannot wait for the command: {why}"));
            (Ending::Unknown, Exit::CannotRun.code())
        }
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => (Ending::Exited(code), u8::try_from(code).unwrap_or(u8::MAX)),
            (None, Some(signal)) => (killed(signal, signals.asked(signal)), status_of(signal)),
            (None, None) => (Ending::Unknown, Exit::CannotRun.code()),
        },
    }
}

fn killed(signal: i32, asked: bool) -> Ending {
    let name = signal_hook::low_level::signal_name(signal);
    Ending::Killed {
        signal,
        name: name.map_or_else(|| format!("signal {signal}"), str::to_owned),
        asked,
    }
}

/// The status that shells give to a command that a signal killed.
fn status_of(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

/// What is told of a step that is recorded, on standard error.
struct Told<'a> {
    args: &'a Args,
    job: &'a Job<'a>,
    name: &'a str,
    run: &'a str,
    ending: &'a Ending,
    duration: u64,
    made: &'a [step::Made],
}

impl Told<'_> {
    fn recorded(&self, began: &Outcome, ended: &Outcome) {
        for made in self.made {
            let name = git_ledger::escape::printable_bytes(&made.name);
            match &made.found {
                Err(why) => {
                    terminal::tell(&format!("warning: artifact '{name}': {}", printable(why)))
                }
                Ok(walked) if walked.files.is_empty() => {
                    terminal::tell(&format!("warning: artifact '{name}' is not there"));
                }
                Ok(_) => {}
            }
        }
        let mut entries = Vec::new();
        for outcome in [began, ended] {
            match outcome {
                Outcome::Recorded(recorded) => entries.extend(recorded.iter()),
                Outcome::Spooled { why, .. } => {
                    let why = why.message.lines().next().unwrap_or_default();
                    terminal::tell(&format!("warning: not recorded yet: {}", printable(why)));
                    terminal::hint("'git ledger flush' records what waits");
                }
            }
        }
        if let Outcome::Recorded(recorded) = ended
            && let Err(failure) = self.job.mirror(recorded)
        {
            terminal::tell(failure.to_string().trim_end());
        }
        if self.args.json {
            terminal::tell(&Value::from(self.object(&entries)).to_canonical());
        } else if !self.args.quiet && !entries.is_empty() {
            let numbers: Vec<String> = entries
                .iter()
                .map(|recorded| recorded.link.entry.number().to_string())
                .collect();
            terminal::tell(&format!(
                "git-ledger: '{}' {} after {} ms, recorded in {}",
                printable(self.name),
                self.ending.outcome(),
                self.duration,
                numbers.join(" and ")
            ));
        }
    }

    fn object(&self, entries: &[&Recorded]) -> Object {
        let entries = entries.iter().map(|recorded| {
            Value::from(
                Object::new()
                    .with("number", number(recorded.link.entry.number()))
                    .with("digest", format!("sha256:{}", hex(&recorded.link.digest())))
                    .with("commit", recorded.link.id.to_string()),
            )
        });
        Object::new()
            .with("run", self.run)
            .with("name", self.name)
            .with("outcome", self.ending.outcome())
            .with("durationMs", number(self.duration))
            .with("entries", entries.collect::<Vec<_>>())
    }
}
