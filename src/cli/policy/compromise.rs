//! `git ledger policy compromise`: a key that somebody else had, and which of its entries are good.

use git_ledger::commit::Link;
use git_ledger::escape::printable;
use git_ledger::event::POLICY_CHANGED;
use git_ledger::policy::{Compromised, Policy};
use git_ledger::query::What;
use git_ledger::signature::{PublicKey, Signature};

use super::super::context::Context;
use super::super::failure::{Exit, Failure};
use super::super::log::walk_from;
use super::change::{ChangeArgs, Intent, change};
use super::ground::Ground;
use super::words::{keys_of, names};

/// Entries that are shown; the rest is counted.
const MOST: usize = 200;

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
    let signed = signed_by(&ground, &key, since)?;
    let mut vouched: Vec<u64> = known.map_or_else(Vec::new, |row| row.vouched.clone());
    for number in &args.vouch {
        if signed.iter().all(|link| link.entry.number() != *number) {
            return Err(Failure::usage(format!(
                "entry {number} is not one that this key signed from entry {since} on"
            ))
            .hint("vouch only for entries the review lists: see them with --dry-run"));
        }
        vouched.push(*number);
    }
    vouched.sort_unstable();
    vouched.dedup();
    let mut policy = ground.policy().clone();
    for row in policy.signers.iter_mut().filter(|row| row.key == key) {
        row.retired = true;
    }
    let row = Compromised {
        key: key.clone(),
        since,
        vouched,
    };
    let aside = review(&ground, &row, &signed)?;
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
    let intent = Intent {
        policy,
        aside,
        words,
    };
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

/// The entries this key signed from `since` on, the oldest first.
fn signed_by(ground: &Ground, key: &PublicKey, since: u64) -> Result<Vec<Link>, Failure> {
    let mut signed = Vec::new();
    for step in walk_from(&ground.opened, ground.tip.link.id)? {
        if step.position.is_some_and(|at| at < since) {
            break;
        }
        if let What::Entry(link) = step.what
            && link.signature.key() == key
            && link.entry.number() >= since
        {
            signed.push(*link);
        }
    }
    signed.reverse();
    Ok(signed)
}

/// What the key signed, and what rests on its agreement.
fn review(ground: &Ground, row: &Compromised, signed: &[Link]) -> Result<String, Failure> {
    let mut out = format!(
        "signed by this key from entry {} on: {}\n",
        row.since,
        signed.len()
    );
    for link in signed.iter().take(MOST) {
        let number = link.entry.number();
        let mark = if row.vouched.contains(&number) {
            "vouched for"
        } else {
            "in doubt   "
        };
        out += &format!("  {mark}  {}\n", printable(&link.entry.subject()));
    }
    if signed.len() > MOST {
        out += &format!("  … and {} more\n", signed.len() - MOST);
    }
    let changes = signed.iter().filter(|link| {
        link.entry
            .events
            .iter()
            .any(|event| event.kind() == POLICY_CHANGED)
    });
    let changes: Vec<String> = changes
        .map(|link| link.entry.number().to_string())
        .collect();
    if !changes.is_empty() {
        out += &format!(
            "! it changed the policy in {}: 'git ledger policy log' tells which keys that let in\n",
            changes.join(", ")
        );
    }
    let mut resting = Vec::new();
    for step in walk_from(&ground.opened, ground.tip.link.id)? {
        if step.position.is_some_and(|at| at < row.since) {
            break;
        }
        let What::Entry(link) = step.what else {
            continue;
        };
        let by_key = link.entry.approvals.iter().any(|approval| {
            Signature::from_blob(&approval.blob).is_ok_and(|made| *made.key() == row.key)
        });
        if by_key {
            resting.push(link.entry.number().to_string());
        }
    }
    if !resting.is_empty() {
        out += &format!(
            "! policy entries that rest on its approval, and are not judged again: {}; \
             if one is the thief's, set a new policy\n",
            resting.join(", ")
        );
    }
    Ok(out)
}
