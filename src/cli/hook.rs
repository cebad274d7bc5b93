//! `git ledger hook`: the handlers that git's hooks call, and how they get there.

mod aside;
pub mod install;
mod receive;
pub(super) mod run;
pub(super) mod settings;
mod status;
mod transaction;

use std::ffi::OsString;
use std::path::PathBuf;

use super::context::Context;
use super::failure::{Exit, Failure};

/// Guard and record what is pushed to this repository
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Put the hooks in place and make the settings they need
    Install(install::InstallArgs),
    /// Take the hooks out again and put back what was there before
    Uninstall(install::Options),
    /// Say whether the hooks are in force
    Status(status::Args),
    /// Judge and record a push; called by git before refs move
    PreReceive(Handler),
    /// Record what did not move, and start the mirrors; called by git after refs moved
    PostReceive(Handler),
    /// Judge and record refs that move in the repository itself; called by git around that
    ReferenceTransaction {
        /// Where the transaction stands: prepared, committed or aborted
        state: String,
        /// Lines that the script has read from standard input already
        #[arg(long, value_name = "LINES", default_value = "")]
        told: OsString,
        #[command(flatten)]
        handler: Handler,
    },
}

/// What the scripts in the hooks directory pass.
#[derive(Debug, clap::Args)]
pub struct Handler {
    /// A hook that was there before, to be called too if it exists
    #[arg(long, value_name = "FILE")]
    before: Option<PathBuf>,
}

/// Runs `git ledger hook`.
pub fn run(context: &Context, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Install(args) => install::install(context, &args),
        Verb::Uninstall(args) => install::uninstall(context, &args),
        Verb::Status(args) => status::status(context, &args),
        Verb::PreReceive(handler) => receive::pre_receive(context, handler.before.as_deref()),
        Verb::PostReceive(handler) => receive::post_receive(context, handler.before.as_deref()),
        Verb::ReferenceTransaction {
            state,
            told,
            handler,
        } => {
            let told = told.as_encoded_bytes();
            transaction::reference_transaction(context, &state, told, handler.before.as_deref())
        }
    }
}
