//! `git ledger policy on-failure`: what becomes of events that cannot be recorded, by type.

use git_ledger::policy::FailMode;

use super::super::context::Context;
use super::super::failure::{Exit, Failure};
use super::change::{ChangeArgs, Intent, change};

/// Say what becomes of events that cannot be recorded
///
/// 'closed': whatever the event reports must not go on; 'append' fails, the hooks refuse. 'spool':
/// the event waits in the spool until it can be recorded, and what it reports goes on. The first
/// pattern that fits a type decides; a new one is put before those that cover it. For a type that
/// no pattern fits, whoever records may choose, and the hooks are closed.
///
///     git ledger policy on-failure 'dev.acme.deploy*' --mode closed
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["mode", "remove"])))]
pub struct OnFailureArgs {
    /// Event types, exact or with a final *
    #[arg(value_name = "TYPE", required = true)]
    types: Vec<String>,
    /// What becomes of them
    #[arg(long, value_enum)]
    mode: Option<ModeName>,
    /// Take these patterns out
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    change: ChangeArgs,
}

/// A mode on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ModeName {
    /// What cannot be recorded must not go on
    Closed,
    /// What cannot be recorded waits in the spool
    Spool,
}

impl From<ModeName> for FailMode {
    fn from(name: ModeName) -> FailMode {
        match name {
            ModeName::Closed => FailMode::Closed,
            ModeName::Spool => FailMode::Spool,
        }
    }
}

/// Runs `git ledger policy on-failure`.
pub fn run(context: &Context, args: &OnFailureArgs) -> Result<Exit, Failure> {
    let ground = args.change.ground(context)?;
    let before = ground.policy();
    let mut types = args.types.clone();
    types.sort();
    types.dedup();
    if types.len() < args.types.len() {
        return Err(Failure::usage("a type is named twice").hint("nothing was changed"));
    }
    let rows = before.failures.iter().flat_map(|row| &row.types);
    let known: Vec<&String> = rows.collect();
    if args.remove
        && let Some(unknown) = args.types.iter().find(|one| !known.contains(one))
    {
        return Err(Failure::no(format!(
            "no failure row of the policy has the type '{unknown}'"
        ))
        .hint("'git ledger policy show' lists them; nothing was changed"));
    }
    let mode = args.mode.map(FailMode::from);
    let policy = before.with_fail_mode(&args.types, mode);
    let mut words = vec!["on-failure".to_owned()];
    words.extend(args.types.iter().cloned());
    words.extend(match mode {
        Some(mode) => vec!["--mode".to_owned(), mode.word().to_owned()],
        None => vec!["--remove".to_owned()],
    });
    let intent = Intent { policy, words };
    change(context, &ground, &args.change, &intent)
}
