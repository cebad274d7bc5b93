//! `git ledger evidence`: a fork in one file that anybody can judge.

mod export;

use clap::Subcommand;

use super::check_proof::{self, Asked};
use super::context::Context;
use super::failure::{Exit, Failure};

/// Prove to others that a copy was rewritten
#[derive(Debug, Subcommand)]
pub enum Verb {
    Export(export::Args),
    /// Judge evidence that 'git ledger evidence export' made
    ///
    /// Needs the file and the ledger's fingerprint, and nothing else: no repository, no network, no
    /// clock. The fingerprint must come from somebody you trust, never with the file.
    Check(check_proof::Args),
}

/// Runs `git ledger evidence`.
pub fn run(context: &Context, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Export(args) => export::run(context, &args),
        Verb::Check(args) => check_proof::check(context, &args, Asked::Evidence),
    }
}
