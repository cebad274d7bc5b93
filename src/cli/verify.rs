//! `git ledger verify`: checks everything, from bytes.

use std::num::NonZeroUsize;

use git_ledger::finding::{Answer, Finding};
use git_ledger::freshness::Newest;
use git_ledger::json::{Object, Value};
use git_ledger::marks::{Mark, MarkError};
use git_ledger::merkle::hex;
use git_ledger::mirror::{Comparison, Copy};
use git_ledger::report::fresh::{self, Fresh};
use git_ledger::report::verdict::{self, Frame};
use git_ledger::report::{mirrors, tips};
use git_ledger::verified::{Extent, Outcome, Verifier};
use git_ledger::verify::{Request, Verdict, verify};

use super::context::{Context, Opened, parse_fingerprint};
use super::failure::{Exit, Failure};
use super::terminal::{self, Progress};
use super::{compare, mirror, tip, verified};

/// Check everything, from bytes
///
/// Reads every commit, tree, policy and attachment, hashes each again, and checks order, numbers,
/// signatures and permissions. Nothing of the repository's configuration is obeyed.
///
/// What is sound is remembered. With --incremental the entries that were found sound before are not
/// read again, which the answer says; where anything at all is wrong, or what is remembered does not
/// fit, everything is read. What is remembered is sealed with a key in the user's own state directory
/// ($XDG_STATE_HOME/git-ledger, else ~/.local/state/git-ledger).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The digest entry 0 must have [default: ledger.<name>.fingerprint]
    #[arg(long, value_name = "SHA256")]
    fingerprint: Option<String>,
    /// Remember the fingerprint that was given, or found, if the answer is sound
    #[arg(long)]
    pin: bool,
    /// Read only what was not found sound by an earlier verification here
    #[arg(long, conflicts_with = "full")]
    incremental: bool,
    /// Read everything [default: as ledger.<name>.verify says, else this]
    #[arg(long)]
    full: bool,
    /// Threads that judge [default: one for each processor]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Also judge the copies on these remotes and compare them [default: the ledger's mirrors]
    #[arg(long, value_name = "REMOTE", num_args = 0..)]
    remotes: Option<Vec<String>>,
    /// Wait for remotes this many seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 30,
        requires = "remotes"
    )]
    timeout: u64,
    #[command(flatten)]
    limits: compare::Asked,
    /// A tip that was seen elsewhere: a line of 'git ledger tip', NUMBER:DIGEST, a file or -
    #[arg(long, value_name = "TIP")]
    tip: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print nothing; the exit status is the answer
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
}

/// Runs `git ledger verify`.
pub fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let opened = context.open_to_read()?;
    let pinned = match &args.fingerprint {
        None => opened.settings.fingerprint,
        Some(text) => Some(parse_fingerprint(text).ok_or_else(|| {
            Failure::usage(format!("'{text}' is no fingerprint"))
                .hint("a fingerprint is sha256: and 64 hex digits")
        })?),
    };
    let now = context.clock()?;
    if args.remotes.is_none() && args.limits.wants_lag() {
        return Err(
            Failure::usage("--max-lag is about remotes, and none are asked")
                .hint("add --remotes, or use 'git ledger compare'"),
        );
    }
    let limits = args.limits.limits(&opened)?;
    let tips = tip::read(context, &args.tip)?;
    let before = compare::before(&opened);
    let extent = match (args.incremental, args.full) {
        (true, _) => Extent::New,
        (false, true) => Extent::All,
        (false, false) => verified::configured(&opened)?,
    };
    let tip = opened.ledger.tip_id()?;
    let tip = tip.ok_or_else(|| compare::absent(&opened))?;
    let verifier = Verifier {
        ledger: &opened.ledger,
        key: verified::key(context),
        now,
    };
    let prepared = Prepared::new(&opened, pinned, args.threads, tip, None)?;
    let total = (!args.incremental).then(|| entries(&opened, tip)).flatten();
    let progress = Progress::of("verifying entries").out_of(total);
    let mut outcome = verifier.verify(&prepared.request, extent, &|count| progress.at(count));
    progress.done();
    prepared.complete(&mut outcome.verdict);
    let judged = &mut outcome.verdict;
    let newest = judged.tip.map(|(number, _, commit, time)| Newest {
        number,
        commit,
        time,
    });
    let mut heard = newest.map_or_else(Vec::new, |newest| {
        let first = judged.fingerprint.or(pinned);
        tip::hear(&opened, (newest.number, newest.commit), first, &tips)
    });
    if judged.answer() == Answer::Sound && tips::answer(&heard, &[]) != Answer::Breach {
        remember(&opened, judged, now);
        if args.pin
            && let Some(found) = judged.fingerprint
        {
            let key = format!("ledger.{}.fingerprint", opened.settings.name);
            opened.repository.set_config(
                &format!("ledger.{}.ref", opened.settings.name),
                &opened.settings.reference,
            )?;
            opened
                .repository
                .set_config(&key, &format!("sha256:{}", hex(&found)))?;
            judged.pinned = true;
        }
        verifier.leave(
            &prepared.request,
            &outcome.verdict,
            outcome.rests_on.as_ref(),
        );
    }
    let judged = &mut outcome.verdict;
    // an old copy is no worse a copy: it is remembered all the same
    judged
        .findings
        .extend(newest.and_then(|newest| limits.stale(newest, now)));
    // what is here is judged first, and what the remotes say is held against it
    let comparison = match &args.remotes {
        None => None,
        Some(names) => {
            let (remotes, marks) = (mirror::remotes(&opened, names)?, opened.marks());
            let mut survey = mirror::survey(context, &opened, &marks, args.timeout)?;
            survey.pinned = pinned;
            survey.limits = limits;
            survey.tips = &tips;
            Some(survey.compare(&remotes)?)
        }
    };
    let copies: &[Copy] = match &comparison {
        Some(comparison) => {
            heard = compare::with_copies(heard, comparison);
            &comparison.copies
        }
        None => &[],
    };
    judged.findings.extend(tips::findings(&heard, copies));
    let frame = Frame {
        subject: opened.ledger.reference().to_owned(),
        now,
        ignored: prepared.ignored,
        extent: match (outcome.rests_on, outcome.why_all) {
            (Some(record), _) => verdict::Extent::Since(Box::new(record)),
            (None, Some(why)) => verdict::Extent::AllThough(why),
            (None, None) => verdict::Extent::All,
        },
    };
    let fresh = Fresh {
        newest,
        limits,
        now,
        before,
        unasked: compare::unasked(&opened, comparison.as_ref()),
        held_to: tips::held_to(&heard),
    };
    let answer = comparison
        .as_ref()
        .map_or(judged.answer(), |c| c.answer().max(judged.answer()));
    let text = if args.quiet {
        String::new()
    } else if args.json {
        let more = Object::new()
            .with("fresh", fresh::json(&fresh))
            .with("tips", tips::json(&heard, copies));
        json(judged, &frame, more, comparison.as_ref(), answer)
    } else {
        let heard = tips::text(&heard, copies);
        let copies = comparison.map(|c| {
            let (here, there) = (judged.answer().word(), c.answer().word());
            let all = format!("{}: here {here}, copies {there}\n", answer.word());
            format!("\n{}{all}", mirrors::text(&c, now))
        });
        let fresh = fresh::text(&fresh, "fresh        ");
        verdict::text(judged, &frame) + &heard + &fresh + &copies.unwrap_or_default()
    };
    terminal::answer(&text, answer.into())
}

/// The verdict with what more there is, and the copies under `copies`; the answer is the worse of
/// both.
fn json(
    judged: &Verdict,
    frame: &Frame,
    more: Object,
    comparison: Option<&Comparison>,
    answer: Answer,
) -> String {
    let value = match verdict::json(judged, frame) {
        Value::Object(mut object) => {
            for (name, value) in more.iter() {
                object.set(name, value.clone());
            }
            if let Some(comparison) = comparison {
                object.set("here", judged.answer().word());
                object.set("answer", answer.word());
                object.set("copies", mirrors::json(comparison));
            }
            Value::from(object)
        }
        value => value,
    };
    value.to_canonical() + "\n"
}

/// Judges the local branch up to `tip` with all that is known here, and remembers it if it is
/// sound; for those who do so again and again. `progress` is told how many entries are judged.
/// Returns the outcome, and what of the repository was ignored.
pub fn again(
    context: &Context,
    opened: &Opened,
    tip: gix::ObjectId,
    extent: Extent,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(Outcome, Vec<String>), Failure> {
    let verifier = Verifier {
        ledger: &opened.ledger,
        key: verified::key(context),
        now: context.clock()?,
    };
    let prepared = Prepared::new(opened, opened.settings.fingerprint, None, tip, None)?;
    let mut outcome = verifier.verify(&prepared.request, extent, progress);
    prepared.complete(&mut outcome.verdict);
    if outcome.verdict.answer() == Answer::Sound {
        remember(opened, &mut outcome.verdict, verifier.now);
        let rests_on = outcome.rests_on.as_ref();
        verifier.leave(&prepared.request, &outcome.verdict, rests_on);
    }
    Ok((outcome, prepared.ignored))
}

/// Judges the local branch with all that is known here.
pub fn judge(
    opened: &Opened,
    pinned: Option<git_ledger::merkle::Hash>,
    threads: Option<NonZeroUsize>,
) -> Result<(Verdict, Vec<String>), Failure> {
    let Some(tip) = opened.ledger.tip_id()? else {
        return Err(compare::absent(opened));
    };
    judge_from(opened, pinned, threads, tip, None)
}

/// The same about the entries up to `tip`; where there is a `base`, about those behind it only.
pub fn judge_from(
    opened: &Opened,
    pinned: Option<git_ledger::merkle::Hash>,
    threads: Option<NonZeroUsize>,
    tip: gix::ObjectId,
    base: Option<gix::ObjectId>,
) -> Result<(Verdict, Vec<String>), Failure> {
    let prepared = Prepared::new(opened, pinned, threads, tip, base)?;
    let total = if base.is_none() {
        entries(opened, tip)
    } else {
        None
    };
    let progress = Progress::of("verifying entries").out_of(total);
    let mut judged = verify(&opened.ledger, &prepared.request, &|count| {
        progress.at(count);
    });
    progress.done();
    prepared.complete(&mut judged);
    Ok((judged, prepared.ignored))
}

/// How many entries there are, as the newest claims; for somebody who waits.
fn entries(opened: &Opened, tip: gix::ObjectId) -> Option<u64> {
    let link = opened.ledger.link(tip).ok()?;
    Some(link.entry.number().saturating_add(1))
}

/// Judges the entries up to one that need not be the newest: what this clone saw of later ones
/// says nothing about them.
pub fn judge_up_to(
    opened: &Opened,
    pinned: Option<git_ledger::merkle::Hash>,
    tip: gix::ObjectId,
    number: u64,
) -> Result<Verdict, Failure> {
    let mut prepared = Prepared::new(opened, pinned, None, tip, None)?;
    prepared.request.marks.retain(|mark| mark.number <= number);
    let progress = Progress::of("verifying entries").out_of(number.checked_add(1));
    let mut judged = verify(&opened.ledger, &prepared.request, &|count| {
        progress.at(count);
    });
    progress.done();
    prepared.complete(&mut judged);
    Ok(judged)
}

/// What is to be verified, with all that is known here, and what is wrong around it.
struct Prepared {
    request: Request,
    around: Vec<Finding>,
    ignored: Vec<String>,
}

impl Prepared {
    fn new(
        opened: &Opened,
        pinned: Option<git_ledger::merkle::Hash>,
        threads: Option<NonZeroUsize>,
        tip: gix::ObjectId,
        base: Option<gix::ObjectId>,
    ) -> Result<Prepared, Failure> {
        let marks = opened.marks();
        let faults = marks.faults().into_iter();
        let mut around: Vec<Finding> = faults.map(|(_, why)| why.finding()).collect();
        let mark = marks.get(None).unwrap_or_else(MarkError::recalled);
        let surroundings = opened.ledger.surroundings()?;
        around.extend(surroundings.findings);
        let request = Request {
            boundary: surroundings.boundary,
            base,
            pinned,
            marks: mark.iter().map(Mark::position).collect(),
            threads,
            ..Request::whole(tip)
        };
        Ok(Prepared {
            request,
            around,
            ignored: surroundings.ignored,
        })
    }

    /// Puts what is wrong around a ledger before what is wrong with it.
    fn complete(&self, judged: &mut Verdict) {
        judged.findings.splice(0..0, self.around.clone());
    }
}

/// Writes the mark before the answer is printed; a mark that cannot be written is told.
fn remember(opened: &Opened, judged: &mut Verdict, now: u64) {
    let Some((number, digest, commit, time)) = judged.tip else {
        return;
    };
    let mark = Mark {
        number,
        digest,
        commit,
        time,
        seen: now,
    };
    if let Err(why) = opened.marks().raise(None, &mark) {
        judged.findings.push(why.finding());
    }
}
