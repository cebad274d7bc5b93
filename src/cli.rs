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
mod heartbeat;
mod hook;
mod import;
mod init;
mod job;
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
mod run;
mod selection;
mod serve;
mod show;
mod snapshot;
mod steps;
mod summary;
mod terminal;
mod tip;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    /// Run as if started in this directory
    #[arg(short = 'C', value_name = "DIR", global = true)]
    directory: Option<PathBuf>,
    /// The ledger, by its name in the configuration or by its branch
    #[arg(long, value_name = "NAME", global = true)]
    ledger: Option<String>,
    #[command(subcommand)]
    verb: Verb,
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
    Reconcile(reconcile::Args),
    Serve(serve::Args),
    Completions(completions::Args),
    #[command(subcommand, hide = true)]
    Generate(completions::Generate),
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse_from(selection::with_negations(std::env::args_os()))
    {
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
    let outcome = Context::new(arguments.directory, arguments.ledger)
        .and_then(|context| run(&context, arguments.verb));
    let exit = outcome.unwrap_or_else(|failure| {
        eprint!("{failure}");
        failure.exit
    });
    ExitCode::from(exit.code())
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
        Verb::Reconcile(args) => reconcile::run(context, args),
        Verb::Serve(args) => serve::run(context, args),
        Verb::Completions(args) => completions::run(&args),
        Verb::Generate(what) => completions::generate(&what),
    }
}
