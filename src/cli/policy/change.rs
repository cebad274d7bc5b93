//! From a changed policy to an entry, or to a proposal when one signature is not enough.

use std::collections::BTreeSet;
use std::path::PathBuf;

use git_ledger::append::{Next, Repeats};
use git_ledger::entry::Approval;
use git_ledger::escape::printable;
use git_ledger::json::Value;
use git_ledger::merkle::hex;
use git_ledger::policy::{Policy, Role};
use git_ledger::proposal;
use git_ledger::report::policy_change::consequences;
use git_ledger::report::policy_review::Review;
use git_ledger::report::verdict::number;

use super::super::context::Context;
use super::super::failure::{Exit, Failure};
use super::super::job::Job;
use super::super::terminal;
use super::ground::{Ground, Purpose};

/// What every change takes.
#[derive(Debug, clap::Args)]
pub struct ChangeArgs {
    /// Show the change, and make none
    #[arg(long)]
    pub dry_run: bool,
    /// Write the change into this new file (- for standard output) for other admins to approve
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "push"])]
    pub propose: Option<PathBuf>,
    #[command(flatten)]
    pub signing: SigningArgs,
}

/// What everything takes that records a change.
#[derive(Debug, clap::Args)]
pub struct SigningArgs {
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Push to remotes, the first of which decides
    #[arg(long, value_name = "REMOTE", num_args = 0..)]
    pub push: Vec<String>,
    /// Sign with this key
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl ChangeArgs {
    /// The ledger the change is made on.
    pub fn ground(&self, context: &Context) -> Result<Ground, Failure> {
        let records = self.propose.is_none() && !self.dry_run;
        let purpose = if records {
            Purpose::Append
        } else {
            Purpose::Read
        };
        Ground::of(context, purpose)
    }
}

impl SigningArgs {
    /// What is to be signed, to people: nobody is asked about what was not shown.
    pub fn show(&self, text: &str) -> Result<(), Failure> {
        match (self.json, self.yes) {
            (false, _) => terminal::print(text),
            (true, true) => Ok(()),
            (true, false) => {
                terminal::tell(text.trim_end());
                Ok(())
            }
        }
    }
}

/// A change somebody asked for.
pub struct Intent {
    /// What the policy shall be.
    pub policy: Policy,
    /// The words that ask for it again, after `git ledger policy`.
    pub words: Vec<String>,
}

/// Shows what changes, asks, and appends the policy entry, or writes the proposal.
pub fn change(
    context: &Context,
    ground: &Ground,
    args: &ChangeArgs,
    intent: &Intent,
) -> Result<Exit, Failure> {
    let (policy, signing) = (&intent.policy, &args.signing);
    ground.check(policy)?;
    if let Some(path) = &args.propose {
        return super::proposal::write(ground, intent, path, signing.json);
    }
    if args.dry_run {
        let review = ground.review(policy, BTreeSet::new())?;
        if signing.json {
            let object = review.json().with("status", "dry-run");
            return terminal::answer(&(Value::from(object).to_canonical() + "\n"), Exit::Done);
        }
        return terminal::answer(&(review.change()), Exit::Done);
    }
    let (_, row) = ground.me(context, signing.key.as_deref())?;
    let agreed = row.map(|row| &row.principal).into_iter().collect();
    let review = ground.review(policy, agreed)?;
    signing.show(&(review.change()))?;
    // who may not change the policy at all is told so by the rules, not by the count
    let admin = row.is_some_and(|row| row.has(Role::Admin) && !row.retired);
    if admin && !review.count.is_enough() {
        return Err(too_few(context, &review, &intent.words));
    }
    if !signing.yes && terminal::can_ask() && !terminal::ask("sign this change?")? {
        return Err(Failure::no("not changed"));
    }
    record(context, ground, signing, &review, Vec::new())
}

/// Appends the policy entry.
pub fn record(
    context: &Context,
    ground: &Ground,
    args: &SigningArgs,
    review: &Review<'_>,
    approvals: Vec<Approval>,
) -> Result<Exit, Failure> {
    let event = proposal::event(ground.policy(), review.after, &ground.base.digest)
        .map_err(|why| Failure::cannot(why.to_string()))?;
    let next = Next::Policy {
        base: ground.base.digest,
        policy: Box::new(review.after.clone()),
        event,
        approvals,
    };
    let job = Job {
        context,
        opened: &ground.opened,
        key: args.key.as_deref(),
        timeout: args.timeout,
        push: &args.push,
    };
    let recorded = job.append(&next, Repeats::Impossible)?;
    for recorded in &recorded {
        let link = &recorded.link;
        let effects = consequences(review.before, review.after, link.entry.number());
        let text = if args.json {
            let object = review
                .json()
                .with("status", "recorded")
                .with("number", number(link.entry.number()))
                .with("digest", format!("sha256:{}", hex(&link.digest())))
                .with("commit", link.id.to_string());
            Value::from(object).to_canonical() + "\n"
        } else {
            let effects: String = effects.iter().map(|line| format!("{line}\n")).collect();
            format!(
                "recorded {}\n  digest sha256:{}\n  commit {}\n{effects}",
                printable(&link.entry.subject()),
                hex(&link.digest()),
                link.id
            )
        };
        terminal::print(&text)?;
    }
    job.mirror(&recorded)
}

/// One signature is not enough: what to do instead.
fn too_few(context: &Context, review: &Review<'_>, words: &[String]) -> Failure {
    let count = &review.count;
    let must = match count.threshold {
        1 => "one admin".to_owned(),
        many => format!("{many} admins"),
    };
    let yours = match count.counted() {
        0 => "does not count, for the change is about a key of yours",
        _ => "is only one",
    };
    let failure = Failure::no(format!(
        "{must} must agree to this change, and your signature {yours}"
    ));
    if !count.is_possible() {
        return never(failure, review);
    }
    let words = [words, &["--propose".to_owned(), "change.json".to_owned()]].concat();
    failure
        .hint(format!("propose it: {}", command(context, &words)))
        .hint("then let others agree: git ledger policy approve change.json")
        .hint("and record it: git ledger policy apply change.json")
}

/// No number of signatures will ever be enough for this change.
pub fn never(failure: Failure, review: &Review<'_>) -> Failure {
    let barred: Vec<&str> = review
        .count
        .barred
        .iter()
        .map(|name| name.as_str())
        .collect();
    failure
        .hint(format!(
            "there are not enough admins left whose agreement counts; that of {} does not, for the change is about a key of theirs",
            barred.join(", ")
        ))
        .hint("let another admin in, or lower the threshold, in a change of its own first")
}

/// A command line that does the same again.
pub fn command(context: &Context, words: &[String]) -> String {
    let ledger = context
        .wanted
        .iter()
        .flat_map(|name| ["--ledger".to_owned(), name.clone()]);
    let plain = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_./:@+=,%".contains(&b))
    };
    let words = ledger.chain(["policy".to_owned()]).chain(words.to_vec());
    let words: Vec<String> = words
        .map(|word| {
            if plain(&word) {
                word
            } else {
                format!("'{}'", word.replace('\'', r"'\''"))
            }
        })
        .collect();
    format!("git ledger {}", words.join(" "))
}
