//! `git ledger review`: an auditor signs that entries were looked at, and what was found.

mod said;
mod standing;

use git_ledger::append::{Next, Repeats, group};
use git_ledger::date::rfc3339;
use git_ledger::escape::printable;
use git_ledger::event::{Pending, REVIEW};
use git_ledger::exceptions::{Exception, Exceptions};
use git_ledger::finding::{Answer, Severity};
use git_ledger::json::Value;
use git_ledger::proof::History;
use git_ledger::query::Span;
use git_ledger::report::reviews;
use git_ledger::report::verdict::finding_line;
use git_ledger::review::{Bound, Outcome, Review};
use git_ledger::store::Store as _;
use git_ledger::trust;
use git_ledger::verify::Verdict;
use gix::ObjectId;

use super::context::{Context, Opened, random_id};
use super::events::default_source;
use super::failure::{Exit, Failure};
use super::job::Job;
use super::on_failure::{self, OnFailure};
use super::recording::remotes;
use super::terminal::Progress;
use super::{date, terminal, verify};

/// Sign that entries were looked at, and what was found
///
/// For whoever the policy names auditor or admin. The ledger is verified first; what that finds is
/// shown and written into the review, with the exceptions (deployments nobody approved, forced
/// pushes, gaps and the like), what you decide about each and what you found yourself. Nothing is
/// called clean that is in breach, could not be checked, or is undecided. With --dry-run it shows
/// what there is to decide. Without a range it tells what has been looked at and what waits.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The entries: 5..20, 5.., ..20, 17, or 'new' for all from the first nobody looked at
    #[arg(value_name = "RANGE")]
    range: Option<String>,
    /// A finding or exception and the decision, NAME[@ENTRY]=ok or =incident: one that is shown, all
    /// of its name, or a word of yours
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

/// Findings, and exceptions, that are shown before the rest is only counted.
const SHOWN: usize = 25;

/// What was read of the ledger for a review.
struct Looked {
    first: Bound,
    last: Bound,
    own: u64,
    exceptions: Vec<Exception>,
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
    let looked = look(&opened, tip.link.id, span, me)?;
    let findings = said::findings(&judged.findings, &looked.exceptions, span, &decided)?;
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
    tell(&judged, &looked.exceptions, &review);
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

/// Reads all entries once, the oldest first: the ends of the range, what its reviewer signed in
/// it, and what in it somebody should explain.
fn look(
    opened: &Opened,
    tip: ObjectId,
    (from, to): (u64, u64),
    me: &str,
) -> Result<Looked, Failure> {
    let incomplete = |why: &str| {
        Failure {
            exit: Exit::Unknown,
            ..Failure::cannot(format!("the entries up to {to} are not all here: {why}"))
        }
        .hint("'git ledger verify' tells what is missing")
    };
    let boundary = opened.ledger.surroundings()?.boundary;
    let history = History::walk(opened.ledger.reader(), tip, &boundary)
        .map_err(|finding| incomplete(&finding.detail))?;
    let progress = Progress::of("reading entries");
    let (mut first, mut last, mut own) = (None, None, 0u64);
    let mut exceptions = Exceptions::within(from, to);
    for (number, commit) in (0u64..).zip(history.commits()) {
        progress.at(number);
        let link = opened.ledger.link(*commit)?;
        exceptions.add(&link);
        if !(from..=to).contains(&number) {
            continue;
        }
        own += u64::from(link.principal.as_str() == me);
        let bound = Bound {
            number,
            digest: link.digest(),
        };
        first = first.or(Some(bound));
        last = Some(bound);
    }
    progress.done();
    let all: u64 = exceptions.counts().values().sum();
    let exceptions = exceptions.list();
    if all > exceptions.len() as u64 {
        return Err(Failure::no(format!(
            "there are {all} exceptions in {from}..{to}, more than one review can weigh"
        ))
        .hint("review a shorter range"));
    }
    match (first, last) {
        (Some(first), Some(last)) if last.number == to => Ok(Looked {
            first,
            last,
            own,
            exceptions,
        }),
        _ => Err(incomplete("the newest entry has another number")),
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
fn tell(judged: &Verdict, exceptions: &[Exception], review: &Review) {
    for finding in judged
        .findings
        .iter()
        .filter(|finding| finding.severity() > Severity::Note)
        .take(SHOWN)
    {
        terminal::tell(&finding_line(finding));
    }
    for found in exceptions.iter().take(SHOWN) {
        terminal::tell(&format!(
            "exception {} entry {}\t{}: {}",
            found.kind.word(),
            found.number,
            printable(&found.what),
            printable(&found.why)
        ));
    }
    if exceptions.len() > SHOWN {
        let more = exceptions.len() - SHOWN;
        terminal::tell(&format!(
            "          … and {more} more; 'git ledger report' lists all"
        ));
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
