//! `git ledger policy compromise`: a key that somebody else had, and which of its entries are good.

use git_ledger::escape::printable;
use git_ledger::policy::{Compromised, Policy};
use git_ledger::query::What;
use git_ledger::report::policy_review::Affected;
use git_ledger::signature::{PublicKey, Signature};

use super::super::context::Context;
use super::super::failure::{Exit, Failure};
use super::super::log::walk_from;
use super::change::{ChangeArgs, Intent, change};
use super::ground::Ground;
use super::words::{keys_of, names};

/// Say from which entry on a stolen key is in doubt, and which of its entries are good
///
/// The key is retired if it is not yet. From entry N on, verification names each entry it signed
/// as unknown: it may be honest and it may be the thief's. --vouch says which are honest; more can
/// be vouched for later, by the same command. For the key of an admin the threshold must be met
/// without that admin.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A key's fingerprint (SHA256:…), a public key, or a principal that has only one
    who: String,
    /// The first entry that somebody else may have signed; it may be moved back later
    #[arg(long, value_name = "N")]
    since: Option<u64>,
    /// Entries of this key that admins stand for
    #[arg(long, value_name = "N", num_args = 1..)]
    vouch: Vec<u64>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Runs `git ledger policy compromise`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let ground = args.change.ground(context)?;
    let key = key(ground.policy(), &args.who)?;
    let known = ground
        .policy()
        .compromised
        .iter()
        .find(|row| row.key == key);
    let since = args
        .since
        .or(known.map(|row| row.since))
        .ok_or_else(|| {
            Failure::usage("from which entry on may somebody else have had the key?")
                .hint("say it with --since N; when in doubt, an earlier one: it can be moved back later, never forward")
                .hint(format!(
                    "'git ledger log --signer {}' lists what it may have signed",
                    printable(&args.who)
                ))
        })?;
    if since > ground.next() {
        return Err(Failure::usage(format!(
            "entry {since} does not exist yet; the change itself is entry {}",
            ground.next()
        )));
    }
    let mut row = Compromised {
        key: key.clone(),
        since,
        vouched: known.map_or_else(Vec::new, |row| row.vouched.clone()),
    };
    let signed = signed_by(&ground, &row)?.signed;
    for number in &args.vouch {
        if signed.iter().all(|link| link.entry.number() != *number) {
            return Err(Failure::usage(format!(
                "entry {number} is not one that this key signed from entry {since} on"
            ))
            .hint("vouch only for entries the review lists: see them with --dry-run"));
        }
        row.vouched.push(*number);
    }
    row.vouched.sort_unstable();
    row.vouched.dedup();
    let mut policy = ground.policy().clone();
    for row in policy.signers.iter_mut().filter(|row| row.key == key) {
        row.retired = true;
    }
    match policy.compromised.iter_mut().find(|old| old.key == key) {
        Some(old) => *old = row,
        None => policy.compromised.push(row),
    }
    let mut words = vec![
        "compromise".to_owned(),
        args.who.clone(),
        "--since".to_owned(),
        since.to_string(),
    ];
    if !args.vouch.is_empty() {
        words.push("--vouch".to_owned());
        words.extend(args.vouch.iter().map(u64::to_string));
    }
    let intent = Intent { policy, words };
    change(context, &ground, &args.change, &intent)
}

/// The one key that is meant.
fn key(policy: &Policy, who: &str) -> Result<PublicKey, Failure> {
    let rows: Vec<_> = (policy.signers.iter())
        .filter(|row| names(row, who))
        .collect();
    match rows.as_slice() {
        [only] => Ok(only.key.clone()),
        [] => Err(Failure::no(format!("no key of '{who}' in the policy"))
            .hint("'git ledger policy show' lists them")),
        [first, ..] => Err(
            Failure::usage(format!("'{who}' has several keys")).hint(format!(
                "name the one that was stolen: {}",
                keys_of(policy, &first.principal)
            )),
        ),
    }
}

/// What the keys signed whose compromised rows the change brings or alters, and what rests on
/// their approval.
pub fn affected(ground: &Ground, after: &Policy) -> Result<Vec<Affected>, Failure> {
    let before = &ground.policy().compromised;
    let rows = after.compromised.iter().filter(|row| !before.contains(row));
    rows.map(|row| signed_by(ground, row)).collect()
}

fn signed_by(ground: &Ground, row: &Compromised) -> Result<Affected, Failure> {
    let (mut signed, mut resting) = (Vec::new(), Vec::new());
    for step in walk_from(&ground.opened, ground.tip.link.id)? {
        if step.position.is_some_and(|at| at < row.since) {
            break;
        }
        let What::Entry(link) = step.what else {
            continue;
        };
        let number = link.entry.number();
        let by_key = link.entry.approvals.iter().any(|approval| {
            Signature::from_blob(&approval.blob).is_ok_and(|made| *made.key() == row.key)
        });
        if by_key {
            resting.push(number);
        }
        if *link.signature.key() == row.key && number >= row.since {
            signed.push(*link);
        }
    }
    signed.reverse();
    resting.reverse();
    Ok(Affected {
        row: row.clone(),
        signed,
        resting,
    })
}
