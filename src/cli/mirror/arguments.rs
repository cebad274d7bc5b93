//! The arguments of `git ledger mirror`.

use crate::cli::compare;

/// Keep copies of the ledger on several remotes, and compare them
///
/// Nothing is ever forced. What a remote sends is judged before it is believed, and both sides
/// of a fork are kept as evidence.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Make a remote a mirror of the ledger
    Add(Add),
    /// Take a remote off the list of mirrors
    Remove(Remove),
    /// Forget what was seen at a remote, or here
    Forget(Forget),
    /// List the mirrors and what was last seen there
    List(List),
    /// Send the ledger to mirrors
    Push(Push),
    /// Take new entries from a mirror, if they are sound
    Pull(Pull),
    /// The same as 'git ledger compare'
    Status(compare::Args),
}

/// Make a remote a mirror of the ledger
#[derive(Debug, clap::Args)]
pub struct Add {
    /// The remote's name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Its address; may be left out for a remote that exists
    #[arg(value_name = "URL")]
    pub url: Option<String>,
    /// Vouch that somebody else administers it, though the machine is one of another mirror's
    #[arg(long)]
    pub independent: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Take a remote off the list of mirrors
///
/// The git remote itself stays, and so does what was seen there, unless --forget is given.
#[derive(Debug, clap::Args)]
pub struct Remove {
    /// The remote's name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Also forget what was seen there: a later loss of entries would then go unnoticed
    #[arg(long)]
    pub forget: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Forget what was seen at a remote, or here
///
/// For marks that were damaged, and for a ledger that was taken back with everybody's knowledge.
/// What was seen before the next comparison can then be rewritten or lost unnoticed by this clone.
#[derive(Debug, clap::Args)]
pub struct Forget {
    /// Remotes, or . for the copy in hand
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
    /// Show what would be forgotten, and forget nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON object for each
    #[arg(long)]
    pub json: bool,
}

/// List the mirrors and what was last seen there
#[derive(Debug, clap::Args)]
pub struct List {
    /// Print one JSON object for each
    #[arg(long)]
    pub json: bool,
}

/// Send the ledger to mirrors
///
/// Compares before and after, and reads back. A mirror whose history is another one gets nothing.
#[derive(Debug, clap::Args)]
pub struct Push {
    /// The remotes [default: the ledger's mirrors]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Also bring back entries that a mirror was seen to hold and has lost
    #[arg(long)]
    pub restore: bool,
    #[command(flatten)]
    pub common: Common,
    /// Compare, show what would be sent, and send nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Take new entries from a mirror, if they are sound
///
/// Judges what is new and moves the local branch forward, never otherwise.
#[derive(Debug, clap::Args)]
pub struct Pull {
    /// The remotes [default: the ledger's mirrors]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    #[command(flatten)]
    pub common: Common,
    /// Judge, show what would be taken, and take nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What sending and taking have in common
#[derive(Debug, clap::Args)]
pub struct Common {
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub timeout: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print nothing; the exit status is the answer
    #[arg(long, short, conflicts_with = "json")]
    pub quiet: bool,
}
