//! `git ledger review`: an auditor signs that entries were looked at, and what was found.

mod said;
mod standing;

use git_ledger::append::{Next, Repeats, group};
use git_ledger::date::rfc3339;
use git_ledger::escape::printable;
use git_ledger::event::{Pending, REVIEW};
use git_ledger::finding::{Answer, Severity};
use git_ledger::json::Value;
use git_ledger::query::Span;
use git_ledger::report::reviews;
use git_ledger::report::verdict::finding_line;
use git_ledger::review::{Bound, Outcome, Review};
use git_ledger::trust;
use git_ledger::verify::Verdict;

use super::context::{Context, Opened, random_id};
use super::events::default_source;
use super::failure::{Exit, Failure};
use super::job::Job;
use super::on_failure::{self, OnFailure};
use super::recording::remotes;
use super::{date, terminal, verify};

/// Sign that entries were looked at, and what was found
///
/// For whoever the policy names auditor or admin. The ledger is verified first; what that finds is
/// shown and written into the review, together with what you decide about each and what you found
/// yourself. Nothing is called clean that is in breach, could not be checked, or is undecided.
/// Without a range it tells what has been looked at and what waits.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The entries: 5..20, 5.., ..20, 17, or 'new' for all from the first nobody looked at
    #[arg(value_name = "RANGE")]
    range: Option<String>,
    /// A finding and the decision, NAME[@ENTRY]=ok or =incident: one that was shown, or a word of
    /// yours
    #[arg(long, value_name = "FINDING", requires = "range")]
    finding: Vec<String>,
    /// What it comes to [default: incident if a finding is one, findings if one is open, else clean]
    #[arg(long, value_enum, value_name = "WHAT", requires = "range")]
    result: Option<said::Result>,
    /// A note, at most 8,000 bytes
    #[arg(long, value_name = "TEXT", requires = "range")]
    note: Option<String>,
    /// The note from a file, or - for standard input
    #[arg(long, value_name = "FILE", requires = "range", conflicts_with = "note")]
    note_file: Option<std::path::PathBuf>,
    /// Where else it is written down
    #[arg(long, value_name = "TICKET", requires = "range")]
    ticket: Option<String>,
    /// Tell what has been looked at and what waits [default without a range]
    #[arg(long, conflicts_with = "range")]
    status: bool,
    /// List the reviews, the newest first
    #[arg(long, conflicts_with_all = ["range", "status"])]
    list: bool,
    /// Show the review in this entry
    #[arg(long, value_name = "ENTRY", conflicts_with_all = ["range", "status", "list"])]
    show: Option<u64>,
    /// With --status: exit with 1 when something has waited for longer, such as 7d
    #[arg(long, value_name = "DURATION", value_parser = date::parse_span, conflicts_with_all = ["range", "list", "show"])]
    max_age: Option<u64>,
    /// Push to remotes, the first of which decides [default: the ledger's mirrors]
    #[arg(long, value_name = "REMOTE", num_args = 0.., requires = "range")]
    push: Option<Vec<String>>,
    /// Give up recording after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Sign with this key
    #[arg(long, value_name = "KEY", requires = "range")]
    key: Option<String>,
    /// Show the entry that would be written, and write nothing
    #[arg(long, requires = "range")]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs `git ledger review`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    match &args.range {
        None => standing::run(context, args),
        Some(range) => sign(context, args, range),
    }
}

/// What was read of the ledger for a review.
struct Looked {
    first: Bound,
    last: Bound,
    own: u64,
}

fn sign(context: &Context, args: &Args, range: &str) -> Result<Exit, Failure> {
    let opened = context.open()?;
    let tip = opened.ledger.tip()?;
    let push = remotes(&opened, args.push.as_deref())?;
    let job = Job {
        context,
        opened: &opened,
        key: args.key.as_deref(),
        timeout: args.timeout,
        push: &push,
    };
    let decided = said::decisions(&args.finding)?;
    let note = said::note(args.note.as_deref(), args.note_file.as_deref())?;
    let ticket = args.ticket.as_deref().map(said::ticket).transpose()?;
    let signer = context.signer(&opened.config, &opened.settings.name, job.key)?;
    if let Some(finding) = trust::refuses(&tip.policy, signer.public_key(), REVIEW) {
        return Err(Failure::no(format!(
            "the ledger does not allow it: {}: {}",
            finding.id, finding.detail
        ))
        .hint("auditors and admins sign reviews: git ledger policy add-signer … --role auditor")
        .hint("sign with another key: --key PATH"));
    }
    let me = tip.policy.row(signer.public_key());
    let me = me
        .map(|(_, row)| row.principal.as_str())
        .unwrap_or_default();
    // read before it is verified: what is appended in between is not part of the range
    let newest = tip.link.entry.number();
    let span = span(&opened, range, newest)?;
    let (judged, _) = verify::judge(&opened, opened.settings.fingerprint, None)?;
    let looked = look(&opened, span, me)?;
    let findings = said::findings(&judged.findings, span, &decided)?;
    let outcome = outcome(args.result, &findings, judged.answer());
    let review = Review {
        first: looked.first,
        last: looked.last,
        answer: judged.answer(),
        verified: judged.entries,
        version: concat!("git-ledger ", env!("CARGO_PKG_VERSION")).to_owned(),
        own: looked.own,
        findings,
        outcome,
        note,
        ticket,
    };
    tell(&judged, &review);
    review.check().map_err(|why| {
        Failure::no(format!("this is not signed: {why}"))
            .hint("say what you found: --result findings, or --finding NAME@ENTRY=ok|incident")
    })?;
    let (id, time) = (random_id()?, rfc3339(context.clock()?));
    let event = review
        .event(&id, &default_source(&opened), &time)
        .map_err(|why| Failure::usage(format!("the note or ticket cannot be recorded: {why}")))?;
    let pending = [Pending::new(event).map_err(|why| Failure::usage(why.to_string()))?];
    let next = Next::Events(group(&pending, 1));
    if args.dry_run {
        return job.rehearse(&next, args.json);
    }
    let outcome = on_failure::record(&job, &pending, 1, Repeats::Impossible, OnFailure::Fail)?;
    if !args.json {
        terminal::print(&format!("reviewed {}\n", reviews::line(&review)))?;
    }
    on_failure::finish(&job, &pending, &outcome, args.json)
}

/// The entries that are meant: those that are there.
fn span(opened: &Opened, text: &str, newest: u64) -> Result<(u64, u64), Failure> {
    if text == "new" {
        let coverage = standing::read(opened)?;
        let waiting = coverage.waiting();
        return match (waiting.last(), waiting.first()) {
            (Some(oldest), Some(newest)) => Ok((oldest.first, newest.last)),
            _ => Err(Failure::no("nothing waits for a review")
                .hint("'git ledger review --list' tells who looked at what")),
        };
    }
    let span = Span::parse(text).ok_or_else(|| {
        Failure::usage(format!("'{}' is no range of entries", printable(text)))
            .hint("write 5..20, 5.., ..20, 17 or new")
    })?;
    let (from, to) = (span.from.unwrap_or(0), span.to.unwrap_or(newest));
    if from > newest || to > newest {
        return Err(Failure::usage(format!(
            "there is no entry {}; the newest is entry {newest}",
            to.max(from)
        ))
        .hint("nobody can have looked at what is not there yet"));
    }
    Ok((from, to))
}

/// Reads the ends of the range, and counts what its reviewer signed.
fn look(opened: &Opened, (from, to): (u64, u64), me: &str) -> Result<Looked, Failure> {
    let tip = opened.ledger.tip()?.link.id;
    let (mut first, mut last, mut own) = (None, None, 0u64);
    for link in opened.ledger.links(tip)? {
        let link = link?;
        let number = link.entry.number();
        if number > to {
            continue;
        }
        let bound = Bound {
            number,
            digest: link.digest(),
        };
        own += u64::from(link.principal.as_str() == me);
        if number == to {
            last = Some(bound);
        }
        if number <= from {
            first = Some(bound).filter(|bound| bound.number == from);
            break;
        }
    }
    match (first, last) {
        (Some(first), Some(last)) => Ok(Looked { first, last, own }),
        _ => Err(Failure {
            exit: Exit::Unknown,
            ..Failure::cannot(format!("the entries {from} to {to} are not all here"))
        }
        .hint("'git ledger verify' tells what is missing; a shallow clone needs git fetch --unshallow")),
    }
}

/// What it comes to, where nobody said.
fn outcome(
    said: Option<said::Result>,
    findings: &[git_ledger::review::Seen],
    answer: Answer,
) -> Outcome {
    use git_ledger::review::Decision;
    let any = |decision| findings.iter().any(|seen| seen.decision == decision);
    match said {
        Some(said) => said.into(),
        None if any(Decision::Incident) => Outcome::Incident,
        None if any(Decision::Open) || answer != Answer::Sound => Outcome::Findings,
        None => Outcome::Clean,
    }
}

/// What whoever signs must know first.
fn tell(judged: &Verdict, review: &Review) {
    for finding in judged
        .findings
        .iter()
        .filter(|finding| finding.severity() > Severity::Note)
        .take(25)
    {
        terminal::tell(&finding_line(finding));
    }
    if !judged.pinned {
        terminal::tell(
            "warning: no fingerprint is pinned here: compare it with the one you were given",
        );
    }
    if review.own > 0 {
        terminal::tell(&format!(
            "note: you signed {} of these {} entries yourself; a second pair of eyes is somebody else's",
            review.own,
            review.entries()
        ));
    }
}

/// Prints an object as a line.
fn line(object: git_ledger::json::Object) -> String {
    Value::from(object).to_canonical() + "\n"
}
