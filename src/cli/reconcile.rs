//! `git ledger reconcile`: the refs as they are against the refs as recorded.

mod report;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use git_ledger::append::{Next, Recorded, Repeats};
use git_ledger::date::rfc3339;
use git_ledger::event::{EventFault, Pending};
use git_ledger::git::RefValue;
use git_ledger::hook::Refusal;
use git_ledger::hook::ancestry::Ancestry;
use git_ledger::reconcile::{
    Cache, Comparison, FoldError, Held, Refs, State, baseline, compare, fold, gap,
};
use git_ledger::store::Store as _;

use super::context::{Context, Opened, deadline};
use super::failure::{Exit, Failure};
use super::hook::run::{Settled, closing, settle};
use super::hook::settings;
use super::job::Job;
use super::run::closing;
use report::Report;

/// How long changes that are under way are waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long telling forced moves from others may take.
const ANCESTRY: Duration = Duration::from_secs(5);

/// Record what moved refs of this repository and no hook saw
///
/// Folds from the ledger where each ref was left, compares that with where it is, and records what
/// differs as one event. The first run on a repository records where its refs stand: the baseline,
/// by which all later ones judge. Changes whose git died before anybody told what became of them
/// are closed too. What moved and moved back between two runs is not seen, so run it often.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Show what would be recorded, and record nothing
    #[arg(long)]
    dry_run: bool,
    /// Fold all entries again instead of those since the last time
    #[arg(long)]
    full: bool,
    /// Push to remotes, the first of which decides
    #[arg(long, value_name = "REMOTE", num_args = 0..)]
    push: Vec<String>,
    /// Sign with this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print nothing when the refs are where they were left
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
}

const AFTER_HELP: &str = "\
Exit status: 0 every ref is where the record left it, or the baseline was recorded; 1 refs moved \
that no hook saw, and that is recorded now (with --dry-run: would be); 2 could not tell, as for \
refs that were moving all the while; 128 could not run; 129 usage.

By cron, for the user who owns the repository; --full once a day looks past the cache:
  */5 * * * *  git -C /srv/git/payments.git ledger reconcile --quiet
  17 3 * * *   git -C /srv/git/payments.git ledger reconcile --quiet --full
By systemd: a service with ExecStart=git ledger reconcile --quiet and \
WorkingDirectory=/srv/git/payments.git, and a timer with OnCalendar=*:0/5 and Persistent=true.";

/// What was seen in one look.
#[derive(Default)]
pub struct Outlook {
    /// The number of the newest entry.
    pub newest: u64,
    /// Whether there is a baseline to judge by.
    pub based: bool,
    /// What differs.
    pub comparison: Comparison,
    /// Refs that were moving.
    pub busy: BTreeSet<Vec<u8>>,
    /// Changes whose process is gone.
    pub settled: Settled,
    /// Prefixes of refs that were not looked at because the configuration says so.
    pub left_out: Vec<String>,
}

/// Which entries are folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entries {
    /// Those after the one the last look ended at.
    New,
    /// All.
    All,
}

/// Runs `git ledger reconcile`.
pub fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let opened = context.open()?;
    let clock = context.clock()?;
    let until = deadline(args.timeout);
    for name in &args.push {
        opened.remote(name)?;
    }
    let entries = if args.full {
        Entries::All
    } else {
        Entries::New
    };
    let patience = until.min(Instant::now() + PATIENCE);
    let job = Job {
        context,
        opened: &opened,
        key: args.key.as_deref(),
        timeout: args.timeout,
        push: &args.push,
    };
    let mut report = Report {
        outlook: Outlook::default(),
        closed: 0,
        recorded: Vec::new(),
        last: last_look(&opened).map(|last| clock.saturating_sub(last)),
        dry_run: args.dry_run,
    };
    if args.dry_run {
        report.outlook = look(&opened, entries, patience)?;
        report.closed = report.outlook.settled.groups.len();
    } else {
        let Some(_lock) = closing(&opened, until)? else {
            return Err(unknown("another git ledger is comparing the refs").hint("run it again"));
        };
        let append =
            |groups: Vec<Vec<Pending>>| job.append(&Next::events(&groups), Repeats::LeaveOut);
        (report.closed, report.recorded) = close(&opened, &append)?;
        report.outlook = look(&opened, entries, patience)?;
        let groups = events(&opened, &report.outlook, "command", clock)?;
        if !groups.is_empty() {
            match append(groups) {
                Ok(recorded) => report.recorded.extend(recorded),
                Err(failure) => {
                    // what was seen is told, whether or not it can be recorded
                    report.dry_run = true;
                    report.print(args.json)?;
                    let exit = match verdict(&report.outlook) {
                        Exit::No => Exit::No,
                        _ => failure.exit,
                    };
                    return Err(Failure { exit, ..failure }
                        .hint("nothing of this is recorded; the next run finds it again"));
                }
            }
        }
        looked(&opened, clock);
    }
    let exit = verdict(&report.outlook);
    if args.json || !args.quiet || exit != Exit::Done {
        report.print(args.json)?;
    }
    job.mirror(&report.recorded)?;
    if !args.dry_run {
        closing::close_and_tell(context, &opened, args.key.as_deref(), args.timeout);
    }
    Ok(exit)
}

/// One look of whoever looks again and again: records what no hook saw and tells what that was,
/// and whether it is recorded.
///
/// # Errors
/// When the refs could not be compared.
pub fn again(
    context: &Context,
    opened: &Opened,
    job: &Job<'_>,
    entries: Entries,
    dry_run: bool,
) -> Result<(Outlook, Result<Vec<Recorded>, Failure>), Failure> {
    let (clock, until) = (context.clock()?, deadline(job.timeout));
    let patience = until.min(Instant::now() + PATIENCE);
    if dry_run {
        return Ok((look(opened, entries, patience)?, Ok(Vec::new())));
    }
    let Some(_lock) = closing(opened, until)? else {
        return Err(unknown("another git ledger is comparing the refs"));
    };
    let append = |groups: Vec<Vec<Pending>>| job.append(&Next::events(&groups), Repeats::LeaveOut);
    let mut recorded = match close(opened, &append) {
        Ok((_, recorded)) => recorded,
        // what was seen is told, whether or not it can be recorded
        Err(failure) => return Ok((look(opened, entries, patience)?, Err(failure))),
    };
    let outlook = look(opened, entries, patience)?;
    let groups = events(opened, &outlook, "command", clock)?;
    if !groups.is_empty() {
        match append(groups) {
            Ok(more) => recorded.extend(more),
            Err(failure) => return Ok((outlook, Err(failure))),
        }
    }
    looked(opened, clock);
    Ok((outlook, Ok(recorded)))
}

/// What the look comes to.
fn verdict(outlook: &Outlook) -> Exit {
    if !outlook.comparison.differences.is_empty() {
        Exit::No
    } else if !outlook.busy.is_empty() {
        Exit::Unknown
    } else {
        Exit::Done
    }
}

/// After a push, where there is a baseline: records what no hook saw, and says how many refs that
/// are. Refs that other pushes are moving just now are left to those.
pub fn after_push<E: From<Failure>>(
    opened: &Opened,
    until: Instant,
    clock: u64,
    append: impl Fn(Vec<Vec<Pending>>) -> Result<(), E>,
) -> Result<usize, E> {
    // whoever holds the lock sees what we would
    let Some(_lock) = closing(opened, until)? else {
        return Ok(0);
    };
    close(opened, &|groups| append(groups).map(|()| Vec::new()))?;
    let outlook = look(opened, Entries::New, Instant::now())?;
    if !outlook.based {
        return Ok(0);
    }
    let groups = events(opened, &outlook, "post-receive", clock)?;
    if !groups.is_empty() {
        append(groups)?;
    }
    looked(opened, clock);
    Ok(outlook.comparison.differences.len())
}

/// Records what became of changes whose process is gone; for who holds the lock.
fn close<E: From<Failure>>(
    opened: &Opened,
    append: &dyn Fn(Vec<Vec<Pending>>) -> Result<Vec<Recorded>, E>,
) -> Result<(usize, Vec<Recorded>), E> {
    let settled = settle(opened).map_err(refused)?;
    let closed = settled.groups.len();
    // what waits in the spool goes first
    let all = settled.all();
    let recorded = if all.is_empty() {
        Vec::new()
    } else {
        append(all)?
    };
    settled.forget(opened);
    Ok((closed, recorded))
}

/// Compares the refs with the record, at a moment when the record did not grow, waiting for refs
/// that are moving until `patience`.
fn look(opened: &Opened, entries: Entries, patience: Instant) -> Result<Outlook, Failure> {
    let followed = settings::followed(opened)?;
    let bare = opened.repository.is_bare();
    let counts = |name: &[u8]| (bare && name == b"HEAD") || followed.follows(name);
    let source = settings::source(opened);
    let cache =
        (entries == Entries::New).then(|| Cache::of(&opened.ledger, &source, &followed.words()));
    loop {
        let tip = opened.ledger.tip()?.link;
        let folded =
            fold(&opened.ledger, tip.id, &source, counts, cache.as_ref()).map_err(unfolded)?;
        // a push is announced before it is recorded, and recorded before its refs move: one that
        // is in neither list and not in the record had moved nothing when the refs were read
        let before = moving(opened)?;
        let found = refs(opened, counts)?;
        let busy: BTreeSet<Vec<u8>> = before
            .into_iter()
            .chain(moving(opened)?)
            .filter(|name| counts(name))
            .collect();
        // before the ledger is looked at again: what is recorded in between makes it grow
        let settled = settle(opened).map_err(refused)?;
        let grown = opened.ledger.tip_id()? != Some(tip.id);
        if (grown || !busy.is_empty()) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(if grown { 1 } else { 50 }));
            continue;
        }
        if grown {
            return Err(
                unknown("the ledger grew faster than its refs could be compared")
                    .hint("run it again"),
            );
        }
        let mut state: State = folded.state;
        for pending in settled.all().iter().flatten() {
            state.suppose(folded.number, pending, tip.id.kind(), counts);
        }
        let mut comparison = compare(&state, &found, &busy);
        let mut ancestry = Ancestry::new(opened.ledger.reader(), Instant::now() + ANCESTRY);
        for difference in &mut comparison.differences {
            difference.forced = match (&difference.recorded, &difference.found) {
                (Held::Object(old), Held::Object(new)) => ancestry.forced(*old, *new),
                _ => None,
            };
        }
        return Ok(Outlook {
            newest: folded.number,
            based: state.baseline().is_some(),
            comparison,
            busy,
            settled,
            left_out: followed.left_out().to_vec(),
        });
    }
}

/// The refs of changes that were let in and are not known to be over.
fn moving(opened: &Opened) -> Result<Vec<Vec<u8>>, Failure> {
    let mut names = Vec::new();
    for (outstanding, _) in settings::under_way(opened) {
        let alive = outstanding.list()?.into_iter().filter(settings::alive);
        names.extend(
            alive
                .flat_map(|awaited| awaited.updates)
                .map(|update| update.name),
        );
    }
    Ok(names)
}

/// The refs that count, as they are.
fn refs(opened: &Opened, counts: impl Fn(&[u8]) -> bool) -> Result<Refs, Failure> {
    let repository = &opened.repository;
    let listed = repository.list_refs("refs/").map_err(|why| {
        unknown(format!("the refs cannot be read: {why}")).hint("'git fsck' tells more")
    })?;
    let mut refs: Refs = listed
        .into_iter()
        .filter(|listed| counts(&listed.name))
        .map(|listed| {
            let held = match listed.value {
                RefValue::Object(id) => Held::of(id),
                RefValue::Symbolic(target) => Held::Symbolic(target),
                RefValue::Garbage(_) => Held::Broken,
            };
            (listed.name, held)
        })
        .collect();
    if counts(b"HEAD")
        && let Some(target) = repository.head_ref()
    {
        refs.insert(b"HEAD".to_vec(), Held::Symbolic(target.into_bytes()));
    }
    Ok(refs)
}

/// The events that record what was seen, each for an entry of its own.
fn events(
    opened: &Opened,
    outlook: &Outlook,
    how: &str,
    clock: u64,
) -> Result<Vec<Vec<Pending>>, Failure> {
    let (source, time) = (settings::source(opened), rfc3339(clock));
    let format = opened.repository.object_format();
    let cannot = |why: EventFault| Failure::cannot(why.to_string());
    let mut groups = Vec::new();
    if let Some(refs) = &outlook.comparison.baseline {
        groups.push(vec![
            baseline(refs, format, &source, &time).map_err(cannot)?,
        ]);
    }
    let differences = &outlook.comparison.differences;
    if !differences.is_empty() {
        groups.push(vec![
            gap(differences, format, how, &source, &time).map_err(cannot)?,
        ]);
    }
    Ok(groups)
}

fn unknown(message: impl Into<String>) -> Failure {
    Failure {
        exit: Exit::Unknown,
        ..Failure::cannot(message)
    }
}

fn refused(refusal: Refusal) -> Failure {
    unknown(refusal.finding.detail)
}

fn unfolded(error: FoldError) -> Failure {
    let message = error.to_string();
    match error {
        FoldError::CutOff(_) => {
            unknown(message).hint("bring all of the ledger here: git fetch --unshallow")
        }
        FoldError::Attachment { .. } => {
            unknown(message).hint("'git ledger verify' tells what is missing")
        }
        FoldError::Ledger(error) => error.into(),
    }
}

fn last_file(opened: &Opened) -> std::path::PathBuf {
    opened.ledger.state_dir().join("refs").join("last")
}

/// When the refs were compared last, in seconds since 1970.
pub fn last_look(opened: &Opened) -> Option<u64> {
    std::fs::read_to_string(last_file(opened))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// Remembers when the refs were compared; only the window that is shown hangs on it.
fn looked(opened: &Opened, clock: u64) {
    let path = last_file(opened);
    if let Some(dir) = path.parent()
        && git_ledger::durable::create_dir_all(dir).is_ok()
    {
        std::fs::write(path, format!("{clock}\n")).ok();
    }
}
