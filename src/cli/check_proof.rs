//! `git ledger check-proof`: judges a receipt, anywhere.

use std::path::PathBuf;

use git_ledger::finding::Finding;
use git_ledger::git::OpenError;
use git_ledger::merkle::Hash;
use git_ledger::proof::{self, Judgement, Statement};
use git_ledger::report::proofs;

use super::context::{Context, parse_fingerprint};
use super::failure::{Exit, Failure};
use super::{input, terminal};

/// Judge a receipt that 'git ledger prove' made
///
/// Needs the file and the ledger's fingerprint, and nothing else: no repository, no network, no
/// clock. The fingerprint must come from somebody you trust, never with the file.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The receipt, or - for standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// The digest entry 0 must have [default: ledger.<name>.fingerprint, inside a repository]
    #[arg(long, value_name = "SHA256")]
    pub(super) fingerprint: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// What the caller asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// One entry.
    Receipt,
    /// Where two histories part.
    Evidence,
}

/// Runs `git ledger check-proof`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    check(context, args, Asked::Receipt)
}

/// Reads, judges and tells.
pub(super) fn check(context: &Context, args: &Args, asked: Asked) -> Result<Exit, Failure> {
    let fingerprint = fingerprint(context, args.fingerprint.as_deref())?;
    let bytes = input::read(context, &args.file, proof::MAX_BYTES)?;
    let judgement = match proof::parse(&bytes) {
        Ok(proof) => proof.judge(fingerprint),
        Err(finding) => refused(finding),
    };
    // an exit code of 0 must never answer another question than the one that was asked
    let verb = match (&judgement.statement, asked) {
        (Some(Statement::Split(_)), Asked::Receipt) => Some("git ledger evidence check"),
        (Some(Statement::Receipt(_)), Asked::Evidence) => Some("git ledger check-proof"),
        _ => None,
    };
    if let (Some(verb), Some(statement)) = (verb, &judgement.statement) {
        let kind = proofs::kind(statement);
        return Err(
            Failure::no(format!("'{}' holds a {kind}", args.file.display()))
                .hint(format!("it is judged by: {verb} FILE")),
        );
    }
    let text = if args.json {
        proofs::json(&judgement).to_canonical() + "\n"
    } else {
        proofs::text(&judgement)
    };
    let exit = judgement.answer().into();
    terminal::print(&text)?;
    if fingerprint.is_none() {
        terminal::hint(
            "give the ledger's fingerprint with --fingerprint, or pin it: git ledger verify --pin",
        );
    }
    Ok(exit)
}

fn refused(finding: Finding) -> Judgement {
    Judgement {
        finding: Some(finding),
        statement: None,
    }
}

/// The fingerprint that was given, or else the one that is pinned here.
pub(super) fn fingerprint(context: &Context, given: Option<&str>) -> Result<Option<Hash>, Failure> {
    if let Some(text) = given {
        let hash = parse_fingerprint(text).ok_or_else(|| {
            Failure::usage(format!("'{text}' is no fingerprint"))
                .hint("a fingerprint is sha256: and 64 hex digits")
        })?;
        return Ok(Some(hash));
    }
    match git_ledger::git::Repository::discover(&context.environment, &context.directory) {
        Err(OpenError::NotFound(_)) => Ok(None),
        _ => Ok(context.open()?.settings.fingerprint),
    }
}
