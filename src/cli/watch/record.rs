//! What was found at remotes becomes part of the record, each thing once.

use git_ledger::append::{Next, Repeats};
use git_ledger::date::rfc3339;
use git_ledger::event::Pending;
use git_ledger::finding::{Answer, Finding, Severity};
use git_ledger::mirror::{Copy, State};
use git_ledger::review::{Bound, Tamper};
use git_ledger::seen;
use git_ledger::watch::{Seen, UNRECORDED};

use super::Args;
use super::look::Looked;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::job::Job;
use crate::cli::recording::remotes;

/// Records what is new; what cannot be recorded is told, and found again at the next look.
pub fn record(context: &Context, args: &Args, looked: &mut Looked) {
    if let Err(why) = try_to(context, args, looked) {
        let message = why.message.lines().next().unwrap_or_default().to_owned();
        looked.answer = looked.answer.max(Answer::Unknown);
        looked.look.seen.push(Seen::own(UNRECORDED, message));
    }
}

fn try_to(context: &Context, args: &Args, looked: &Looked) -> Result<(), Failure> {
    let Some(comparison) = &looked.comparison else {
        return Ok(());
    };
    let breach = |finding: &&Finding| finding.severity() == Severity::Breach;
    let found: Vec<(&Finding, &Copy)> = comparison
        .copies
        .iter()
        .flat_map(|copy| copy.findings.iter().map(move |finding| (finding, copy)))
        .filter(|(finding, _)| breach(finding))
        .collect();
    if found.is_empty() {
        return Ok(());
    }
    // an entry there would be one more on a history that is not the ledger's
    let about_here = comparison.about_here.iter().filter(breach).count();
    let sound = looked
        .verdict
        .as_ref()
        .is_some_and(|verdict| verdict.answer() != Answer::Breach);
    if !sound || about_here > 0 {
        return Err(Failure::no(
            "the copy here is in breach itself, so nothing is added to it",
        ));
    }
    // nor one on a history that has gone on elsewhere; a primary decides that by itself
    let ahead = comparison
        .copies
        .iter()
        .find(|copy| matches!(copy.state, State::Ahead(_)));
    if let (Some(copy), None) = (ahead, &args.push) {
        return Err(Failure::no(format!(
            "'{}' holds newer entries than the copy here, so nothing is added to it",
            copy.remote.name
        )));
    }
    // only the branch itself can be written to
    let opened = context.open()?;
    let tip = opened.ledger.tip()?;
    let here = Bound {
        number: tip.link.entry.number(),
        digest: tip.link.digest(),
    };
    let (ledger, time) = (tip.policy.id.as_str(), rfc3339(looked.look.now));
    let mut events = Vec::new();
    for (finding, copy) in found {
        let tamper = Tamper {
            finding,
            copy: Some(&copy.remote.name),
            evidence: &copy.evidence,
            here,
        };
        let event = tamper
            .event(ledger, &time)
            .map_err(|why| Failure::cannot(why.to_string()))?;
        if events
            .iter()
            .all(|known: &Pending| known.event.id() != event.id())
        {
            events.push(Pending::new(event).map_err(|why| Failure::cannot(why.to_string()))?);
        }
    }
    // whoever found it first has said it
    let records = seen::Seen::of(&opened.ledger).up_to(&opened.ledger, tip.link.id)?;
    let source = Tamper::source(ledger);
    let pairs: Vec<(&str, &str)> = events
        .iter()
        .map(|pending| (source.as_str(), pending.event.id()))
        .collect();
    let there = records.among(&opened.ledger, &pairs)?;
    let groups: Vec<Vec<Pending>> = events
        .into_iter()
        .zip(there)
        .filter(|(_, there)| !there)
        .map(|(pending, _)| vec![pending])
        .collect();
    if groups.is_empty() {
        return Ok(());
    }
    let push = remotes(&opened, args.push.as_deref())?;
    let job = Job {
        context,
        opened: &opened,
        key: args.key.as_deref(),
        timeout: args.timeout,
        push: &push,
    };
    let recorded = job.append(&Next::events(&groups), Repeats::LeaveOut)?;
    job.mirror(&recorded)?;
    Ok(())
}
