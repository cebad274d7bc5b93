//! The front door: arguments, configuration, clock and terminal; one call; an exit code.
//!
//! Rules live behind it. One verb, one file.

mod append;
mod capturing;
mod cdevent;
mod check_proof;
mod ci_context;
mod clone;
mod compare;
mod completions;
mod context;
mod date;
mod demo;
mod doctor;
mod events;
mod evidence;
mod export;
mod failure;
mod flush;
mod fold;
mod heartbeat;
mod hook;
mod import;
mod index;
mod init;
mod input;
mod job;
mod listening;
mod log;
mod man;
mod mirror;
mod oidc;
mod on_failure;
mod pager;
mod policy;
mod prove;
mod reconcile;
mod recording;
mod report;
mod review;
mod run;
mod selection;
mod serve;
mod show;
mod snapshot;
mod stats;
mod steps;
mod summary;
mod terminal;
mod tip;
mod trace;
mod verified;
mod verify;
mod watch;
mod web;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args as _, Command, FromArgMatches as _, Parser, Subcommand};

use context::Context;
use failure::{Exit, Failure};

/// A signed audit ledger that lives in an ordinary git repository
///
/// Every event of a delivery pipeline becomes one SSH-signed commit on an orphan branch. The
/// branch is mirrored to several remotes; rewriting it is refused by a hook and found by the
/// verifier and by comparing the remotes.
#[derive(Debug, Parser)]
#[command(name = "git-ledger", bin_name = "git ledger", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb takes.
#[derive(Debug, clap::Args)]
struct Place {
    /// Run as if started in this directory
    #[arg(short = 'C', value_name = "DIR", global = true)]
    directory: Option<PathBuf>,
    /// The ledger, by its name in the configuration or by its branch
    #[arg(long, value_name = "NAME", global = true)]
    ledger: Option<String>,
}

const AFTER_HELP: &str = "Exit status: 0 sound or done; 1 breach, refused, forked; 2 could not tell; \
128 could not run; 129 usage.";

// what a verb is for stands with its arguments: first line short, the rest for --help and man
#[derive(Debug, Subcommand)]
enum Verb {
    Init(init::Args),
    Append(append::Args),
    Import(import::Args),
    Run(run::Args),
    Steps(steps::Args),
    Snapshot(snapshot::Args),
    Flush(flush::Args),
    Heartbeat(heartbeat::Args),
    Log(log::Args),
    Show(show::Args),
    Trace(trace::Args),
    Stats(stats::Args),
    Index(index::Args),
    Export(export::Args),
    Verify(verify::Args),
    Clone(clone::Args),
    Compare(compare::Args),
    Tip(tip::Args),
    #[command(subcommand)]
    Mirror(mirror::Verb),
    Demo(demo::Args),
    Doctor(doctor::Args),
    #[command(subcommand)]
    Hook(hook::Verb),
    #[command(subcommand)]
    Policy(policy::Verb),
    Prove(prove::Args),
    CheckProof(check_proof::Args),
    #[command(subcommand)]
    Evidence(evidence::Verb),
    Review(review::Args),
    Watch(watch::Args),
    Reconcile(reconcile::Args),
    Report(report::Args),
    Serve(serve::Args),
    Web(web::Args),
    #[command(subcommand)]
    Completions(completions::Verb),
    #[command(subcommand, hide = true)]
    Generate(completions::Generate),
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let line = selection::with_negations(std::env::args_os());
    let parsed = quick(&line).map_or_else(|| Arguments::try_parse_from(line), Ok);
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            // help and version are answers, everything else is a usage error
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
            // what was typed may have come from a script that took it from somewhere else
            if error.use_stderr() {
                for line in error.render().to_string().lines() {
                    eprintln!("{}", git_ledger::escape::printable(line));
                }
                return ExitCode::from(exit.code());
            }
            return match error.print() {
                Ok(()) => ExitCode::from(exit.code()),
                Err(_) => ExitCode::from(Exit::CannotRun.code()),
            };
        }
    };
    let outcome = Context::new(arguments.place.directory, arguments.place.ledger)
        .inspect(|context| terminal::stand_in(&context.directory))
        .and_then(|context| run(&context, arguments.verb));
    let exit = outcome.unwrap_or_else(|failure| {
        eprint!("{failure}");
        failure.exit
    });
    ExitCode::from(exit.code())
}

/// What a command line says, by the grammar of its verb alone: to build that of all of them takes
/// longer than to record an event. None where it begins otherwise or is not in order; then the
/// whole grammar has the word.
fn quick(line: &[OsString]) -> Option<Arguments> {
    let [_, verb, ..] = line else { return None };
    let verb = alone(verb.to_str()?)?;
    let command = Place::augment_args(Command::new("git-ledger")).subcommand(verb);
    let matches = command.try_get_matches_from(line).ok()?;
    Arguments::from_arg_matches(&matches).ok()
}

/// The grammar of one of the verbs that hooks, builds and timers start.
fn alone(verb: &str) -> Option<Command> {
    let (verb, grammar): (_, fn(Command) -> Command) = match verb {
        "append" => ("append", append::Args::augment_args),
        "run" => ("run", run::Args::augment_args),
        "snapshot" => ("snapshot", snapshot::Args::augment_args),
        "flush" => ("flush", flush::Args::augment_args),
        "heartbeat" => ("heartbeat", heartbeat::Args::augment_args),
        "log" => ("log", log::Args::augment_args),
        "verify" => ("verify", verify::Args::augment_args),
        "compare" => ("compare", compare::Args::augment_args),
        "watch" => ("watch", watch::Args::augment_args),
        "hook" => ("hook", |hook| {
            let hook = hook::Verb::augment_subcommands(hook);
            hook.subcommand_required(true).arg_required_else_help(true)
        }),
        _ => return None,
    };
    Some(grammar(Command::new(verb)))
}

fn run(context: &Context, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Init(args) => init::run(context, args),
        Verb::Append(args) => append::run(context, args),
        Verb::Import(args) => import::run(context, &args),
        Verb::Run(args) => run::run(context, &args),
        Verb::Steps(args) => steps::run(context, &args),
        Verb::Snapshot(args) => snapshot::run(context, &args),
        Verb::Flush(args) => flush::run(context, args),
        Verb::Heartbeat(args) => heartbeat::run(context, args),
        Verb::Log(args) => log::run(context, args),
        Verb::Show(args) => show::run(context, args),
        Verb::Trace(args) => trace::run(context, &args),
        Verb::Stats(args) => stats::run(context, &args),
        Verb::Index(args) => index::run(context, &args),
        Verb::Export(args) => export::run(context, &args),
        Verb::Verify(args) => verify::run(context, args),
        Verb::Clone(args) => clone::run(context, &args),
        Verb::Tip(args) => tip::run(context, &args),
        Verb::Compare(args) => compare::run(context, &args),
        Verb::Mirror(verb) => mirror::run(context, verb),
        Verb::Demo(args) => demo::run(context, args),
        Verb::Doctor(args) => doctor::run(context, &args),
        Verb::Hook(verb) => hook::run(context, verb),
        Verb::Policy(verb) => policy::run(context, verb),
        Verb::Prove(args) => prove::run(context, &args),
        Verb::CheckProof(args) => check_proof::run(context, &args),
        Verb::Evidence(verb) => evidence::run(context, verb),
        Verb::Review(args) => review::run(context, &args),
        Verb::Watch(args) => watch::run(context, &args),
        Verb::Reconcile(args) => reconcile::run(context, args),
        Verb::Report(args) => report::run(context, &args),
        Verb::Serve(args) => serve::run(context, args),
        Verb::Web(args) => web::run(context, &args),
        Verb::Completions(verb) => completions::run(context, &verb),
        Verb::Generate(what) => completions::generate(&what),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn a_verb_alone_has_the_grammar_it_has_among_all() {
        let mut quick = 0;
        let mut whole = Arguments::command();
        for verb in whole.get_subcommands_mut() {
            let Some(mut alone) = alone(verb.get_name()) else {
                continue;
            };
            quick += 1;
            assert_eq!(
                alone.render_long_help().to_string(),
                verb.render_long_help().to_string()
            );
        }
        assert_eq!(quick, 10);
    }

    #[test]
    fn what_is_quickly_read_is_read_the_same() {
        let line = |text: &str| -> Vec<OsString> {
            std::iter::once("git-ledger")
                .chain(text.split(' '))
                .map(OsString::from)
                .collect()
        };
        for text in [
            "append a.b",
            "append a.b --data k=v -C /tmp --ledger x",
            "append --batch - --events-per-entry 7",
            "run --name x -- true --flag",
            "hook pre-receive",
        ] {
            let quick = quick(&line(text)).expect(text);
            let whole = Arguments::try_parse_from(line(text)).expect(text);
            assert_eq!(format!("{quick:?}"), format!("{whole:?}"), "{text}");
        }
        for text in [
            "append",
            "append a.b --nonsense",
            "append -h",
            "-C /tmp append a.b",
        ] {
            assert!(quick(&line(text)).is_none(), "{text}");
        }
    }
}
