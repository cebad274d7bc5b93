//! `git ledger policy log`: every change of the policy, in words; and the policy of an older entry.

use git_ledger::event::POLICY_CHANGED;
use git_ledger::json::{Object, Value};
use git_ledger::ledger::Tip;
use git_ledger::policy::Policy;
use git_ledger::query::What;
use git_ledger::report::policy_review::Past;

use super::super::context::{Context, Opened};
use super::super::failure::{Exit, Failure};
use super::super::log::{Knowledge, tell_end, tip, walk_from};
use super::super::{pager, terminal};

/// Show every change of the policy, the newest first
///
/// What is shown is what the entries claim; --verify checks the whole ledger first.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Verify the whole ledger first, and say what that showed
    #[arg(long)]
    verify: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Use no pager
    #[arg(long)]
    no_pager: bool,
}

/// Runs `git ledger policy log`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let opened = context.open_to_read()?;
    let mut knowledge = Knowledge::new(&opened);
    let tip = if args.verify {
        knowledge.verify()?
    } else {
        tip(&opened)?
    };
    if !args.verify && !args.no_pager && !args.json {
        pager::start(context, &opened.config);
    }
    let look = pager::look(context, &opened.config);
    let (mut broken, mut changes) = (0, Vec::new());
    let mut walk = walk_from(&opened, tip)?;
    for step in walk.by_ref() {
        let What::Entry(link) = &step.what else {
            broken += 1;
            continue;
        };
        let says = |kind| link.entry.events.iter().any(|event| event.kind() == kind);
        // where the entry before it is not here, only the entry itself can say what it is
        if !step.policy_changed.unwrap_or_else(|| says(POLICY_CHANGED)) {
            continue;
        }
        let read = |id| -> Option<Policy> { opened.ledger.tip_at(id).ok().map(|tip| tip.policy) };
        let (before, after) = (link.parent.and_then(read), read(link.id));
        let past = Past {
            link,
            signer: knowledge.standing(&step).words(link, &look),
            before: before.as_ref(),
            after: after.as_ref(),
        };
        if args.json {
            changes.push(Value::from(past.json()));
        } else {
            terminal::print(&past.text(&look))?;
        }
    }
    if args.json {
        let object = Object::new().with("changes", changes);
        terminal::print(&(Value::from(object).to_canonical() + "\n"))?;
    }
    tell_end(walk.end());
    knowledge.conclude(context, broken)
}

/// The entry with this number, and the policy it leaves in force.
pub fn tip_at(opened: &Opened, number: u64) -> Result<Tip, Failure> {
    let tip = tip(opened)?;
    let mut newest = None;
    for step in walk_from(opened, tip)? {
        newest = newest.or(step.position);
        let fits = match &step.what {
            What::Entry(link) => link.entry.number() == number,
            What::Broken { .. } => step.position == Some(number),
        };
        if fits {
            return Ok(opened.ledger.tip_at(step.commit)?);
        }
    }
    let newest = newest.map_or_else(String::new, |n| format!("; the newest is entry {n}"));
    Err(Failure::no(format!(
        "there is no entry {number} in '{}'{newest}",
        opened.ledger.reference()
    )))
}
