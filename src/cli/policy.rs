//! `git ledger policy`: who may write what, and how that changes.

mod change;
mod compromise;
mod fail;
mod ground;
mod history;
mod proposal;
mod words;

use git_ledger::escape::printable;
use git_ledger::json::{Object, Value};
use git_ledger::ledger::Tip;
use git_ledger::merkle::hex;
use git_ledger::report::fail_modes;
use git_ledger::report::policy_change::powers;
use git_ledger::report::verdict::number;

use super::context::Context;
use super::failure::{Exit, Failure};
use super::terminal;

/// Show and change who may write what
///
/// Every change is an entry that admins sign. Where the threshold asks for more than one of them,
/// the change is written into a file with --propose, handed around by any means, agreed to with
/// 'approve', and recorded with 'apply':
///
///     ann$  git ledger policy retire bob@acme --propose change.json
///     carl$ git ledger policy approve change.json
///     ann$  git ledger policy apply change.json
#[derive(Debug, clap::Subcommand)]
#[command(verbatim_doc_comment)]
pub enum Verb {
    /// Show the policy in force, or the one an older entry set
    Show(ShowArgs),
    /// Show every change of the policy, the newest first
    Log(history::Args),
    /// Let a key in
    AddSigner(words::AddArgs),
    /// Let a principal, or one key, sign nothing from the next entry on
    Retire(words::RetireArgs),
    /// Replace a principal's key by a new one with the same rights
    Rotate(words::RotateArgs),
    /// Say from which entry on a stolen key is in doubt, and which of its entries are good
    Compromise(compromise::Args),
    /// Say how many admins must agree to a change
    Threshold(words::ThresholdArgs),
    /// Say what becomes of events that cannot be recorded
    OnFailure(fail::OnFailureArgs),
    /// Change the policy in an editor, or take it from a file
    Edit(words::EditArgs),
    /// Write a change into a file for other admins to approve
    Propose(proposal::ProposeArgs),
    /// Look at a proposed change, and sign that you agree
    Approve(proposal::ApproveArgs),
    /// Record a proposed change that enough admins agree to
    Apply(proposal::ApplyArgs),
}

/// Show the policy in force, or the one an older entry set
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// As it stood after this entry
    #[arg(long, value_name = "N")]
    at: Option<u64>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "toml")]
    json: bool,
    /// Print ledger.toml as it stands
    #[arg(long)]
    toml: bool,
}

/// Runs `git ledger policy …`.
pub fn run(context: &Context, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Show(args) => show(context, &args),
        Verb::Log(args) => history::run(context, &args),
        Verb::AddSigner(args) => words::add(context, &args),
        Verb::Retire(args) => words::retire(context, &args),
        Verb::Rotate(args) => words::rotate(context, &args),
        Verb::Compromise(args) => compromise::run(context, &args),
        Verb::Threshold(args) => words::threshold(context, &args),
        Verb::OnFailure(args) => fail::run(context, &args),
        Verb::Edit(args) => words::edit(context, &args),
        Verb::Propose(args) => proposal::propose(context, &args),
        Verb::Approve(args) => proposal::approve(context, &args),
        Verb::Apply(args) => proposal::apply(context, &args),
    }
}

fn show(context: &Context, args: &ShowArgs) -> Result<Exit, Failure> {
    let opened = context.open_to_read()?;
    let Tip { link, policy, .. } = match args.at {
        None => opened.ledger.tip()?,
        Some(at) => history::tip_at(&opened, at)?,
    };
    if args.toml {
        return terminal::answer(&policy.to_toml(), Exit::Done);
    }
    if args.json {
        let signers = policy.signers.iter().map(|row| {
            let roles: Vec<Value> = row.roles.iter().map(|role| role.word().into()).collect();
            let types: Vec<Value> = row.types.iter().map(|kind| kind.as_str().into()).collect();
            Value::from(
                Object::new()
                    .with("principal", row.principal.as_str())
                    .with("key", row.key.to_text())
                    .with("fingerprint", row.key.fingerprint())
                    .with("roles", roles)
                    .with("types", types)
                    .with("retired", row.retired),
            )
        });
        let compromised = policy.compromised.iter().map(|row| {
            let vouched: Vec<Value> = row.vouched.iter().copied().map(number).collect();
            Value::from(
                Object::new()
                    .with("key", row.key.to_text())
                    .with("fingerprint", row.key.fingerprint())
                    .with("since", number(row.since))
                    .with("vouched", vouched),
            )
        });
        let mirrors = policy.mirrors.iter().map(|row| {
            let (name, url) = (row.name.as_str(), row.url.as_str());
            Value::from(Object::new().with("name", name).with("url", url))
        });
        let object = Object::new()
            .with("id", policy.id.as_str())
            .with("name", policy.name.as_str())
            .with("after_entry", number(link.entry.number()))
            .with("digest", format!("sha256:{}", hex(&policy.digest())))
            .with("threshold", number(policy.threshold))
            .with("signers", signers.collect::<Vec<_>>())
            .with("compromised", compromised.collect::<Vec<_>>())
            .with("mirrors", mirrors.collect::<Vec<_>>())
            .with("failures", fail_modes::json(&policy));
        return terminal::answer(&(Value::from(object).to_canonical() + "\n"), Exit::Done);
    }
    let mut text = format!(
        "ledger     {} ({})\nin force   after entry {}, as this copy claims; 'git ledger verify' checks it\n\
         threshold  {} of {} admins\n\n",
        printable(&policy.name),
        policy.id,
        link.entry.number(),
        policy.threshold,
        policy.admins().len(),
    );
    for row in &policy.signers {
        let retired = if row.retired { " (retired)" } else { "" };
        text += &format!(
            "{:<24} {}{retired}\n",
            row.principal.to_string(),
            powers(row)
        );
        text += &format!("{:24} {} {}\n", "", row.key.kind(), row.key.fingerprint());
    }
    for row in &policy.compromised {
        let vouched = match row.vouched.as_slice() {
            [] => String::new(),
            some => {
                let some: Vec<String> = some.iter().map(u64::to_string).collect();
                format!(", but for {}", some.join(", "))
            }
        };
        text += &format!(
            "compromised since entry {}{vouched}: {}\n",
            row.since,
            row.key.fingerprint()
        );
    }
    for row in &policy.mirrors {
        text += &format!("mirror {} {}\n", printable(&row.name), printable(&row.url));
    }
    text += &fail_modes::text(&policy);
    terminal::answer(&text, Exit::Done)
}
