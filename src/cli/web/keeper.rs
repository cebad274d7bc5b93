//! Who keeps a book: one thread that watches the ref, one that verifies and adds up, one that asks
//! the remotes. None of them ever stops a page, and what goes wrong is shown on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use git_ledger::index::Index;
use git_ledger::listener::Host as _;
use git_ledger::query::Walk;
use git_ledger::report::verdict::{self, Frame};
use git_ledger::store::Store as _;
use git_ledger::verified::Extent;
use git_ledger::web::answers::{Judged, Newest, Problem, Remotes};
use gix::ObjectId;

use super::book::LedgerBook;
use super::totals::Fold;
use crate::cli::context::Opened;
use crate::cli::failure::Failure;
use crate::cli::{compare, index, mirror, verified, verify};

/// How often the ref is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Entries that are added up before it is shown how far that is.
const PIECE: u64 = 4096;
/// How long remotes may take to answer, in seconds.
const PATIENCE: u64 = 30;
/// A verification is followed by so many times its length without one.
const REST: u32 = 5;

/// Starts the threads. They end soon after the book's bell is closed, or with the process.
pub fn keep(book: &Arc<LedgerBook>) -> std::io::Result<()> {
    for (name, work) in [
        ("watch", watch as fn(&LedgerBook)),
        ("judge", judge),
        ("ask", ask),
    ] {
        let book = Arc::clone(book);
        std::thread::Builder::new()
            .name(format!("{name} {}", book.name.slug))
            .spawn(move || work(&book))?;
    }
    Ok(())
}

/// Follows the ref.
fn watch(book: &LedgerBook) {
    let (mut seen, mut last) = (0, None);
    loop {
        let looked = look(book, &mut last);
        book.state().trouble = looked.err().map(|problem| problem.detail);
        // only the end of it all is waited for here
        let until = Instant::now() + LOOK;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if !book.bell.wait(&mut seen, left) {
                return;
            }
        }
    }
}

fn look(book: &LedgerBook, last: &mut Option<ObjectId>) -> Result<(), Problem> {
    let opened = book.opened()?;
    let tip = book.tip(&opened)?;
    if *last == Some(tip) {
        return Ok(());
    }
    // a newest entry that is broken is the verdict's to tell
    let newest = opened.ledger.link(tip).ok().map(|link| Newest {
        number: link.entry.number(),
        commit: tip,
        digest: link.digest(),
        time: link.time,
    });
    // shown before a long history is counted
    book.state().newest = newest;
    if book.count(&opened, tip, usize::MAX)? {
        *last = Some(tip);
        book.changes.send_modify(|changes| *changes += 1);
        book.bell.ring();
    }
    Ok(())
}

/// Verifies what is new, and adds up what all of it comes to.
fn judge(book: &LedgerBook) {
    let (mut seen, mut history, mut fold) = (0, 0, Fold::default());
    let mut not_before = Instant::now();
    loop {
        let newest = book.chain().positions.newest();
        let known = book.state().judged.as_ref().map(|judged| judged.commit);
        if let Some((place, tip)) = newest
            && let Ok(opened) = book.opened()
        {
            if known != Some(tip) && Instant::now() >= not_before {
                let began = Instant::now();
                let verdict = verified_to(book, &opened, (place, tip));
                not_before = Instant::now() + began.elapsed() * REST;
                let mut state = book.state();
                state.unverifiable = verdict.err().map(|problem| problem.detail);
                state.judging = None;
                drop(state);
            }
            add_up(book, &opened, &mut fold, &mut history);
            if Index::find(&opened.ledger).ok().flatten().is_some() {
                index::tend(&opened, false);
            }
        }
        let rest = not_before.saturating_duration_since(Instant::now());
        if !book.bell.wait(&mut seen, rest.max(LOOK)) {
            return;
        }
    }
}

fn verified_to(
    book: &LedgerBook,
    opened: &Opened,
    (place, tip): (u64, ObjectId),
) -> Result<(), Problem> {
    let problem = |failure| book.problem(failure);
    let of = book.chain().positions.count();
    let first = book.state().judged.is_none();
    let extent = match first {
        true => verified::configured(opened).map_err(problem)?,
        false => Extent::New,
    };
    let most = AtomicU64::new(0);
    let (outcome, ignored) = verify::again(&book.context, opened, tip, extent, &|count| {
        let count = most.fetch_max(count, Ordering::Relaxed).max(count);
        book.state().judging = Some((count, of));
    })
    .map_err(problem)?;
    let limits = compare::Asked::default().limits(opened).map_err(problem)?;
    let extent = match (outcome.rests_on, outcome.why_all) {
        (Some(record), _) => verdict::Extent::Since(Box::new(record)),
        (None, Some(why)) if first => verdict::Extent::AllThough(why),
        (None, _) => verdict::Extent::All,
    };
    let frame = Frame {
        subject: opened.ledger.reference().to_owned(),
        now: book.host.now(),
        ignored,
        extent,
    };
    let mut state = book.state();
    state.judged = Some(Arc::new(Judged {
        verdict: outcome.verdict,
        frame,
        commit: tip,
    }));
    state.judged_at = Some(place);
    state.limits = limits;
    Ok(())
}

/// Folds the entries that are not in yet.
fn add_up(book: &LedgerBook, opened: &Opened, fold: &mut Fold, history: &mut u64) {
    let (now, count, first) = {
        let chain = book.chain();
        let positions = &chain.positions;
        (chain.history, positions.count(), positions.first())
    };
    if now != *history {
        (*history, *fold) = (now, Fold::default());
    } else if fold.read() == count {
        return;
    }
    let Some(tip) = book.chain().positions.newest() else {
        return;
    };
    // it is only ever asked for places
    let mut walk = Walk::new(
        opened.ledger.reader(),
        tip.1,
        std::collections::BTreeSet::new(),
    );
    while fold.read() < count && book.bell.goes_on() {
        let place = first + fold.read();
        let chain = book.chain();
        let commit = chain.positions.get(place);
        let Some(commit) = commit.filter(|_| chain.history == now) else {
            return;
        };
        drop(chain);
        fold.add(&opened.ledger, walk.look(commit, place));
        if fold.read().is_multiple_of(PIECE) {
            book.state().totals = Some(Arc::new(fold.totals(count)));
        }
    }
    book.state().totals = Some(Arc::new(fold.totals(count)));
}

/// Asks the remotes now and then.
fn ask(book: &LedgerBook) {
    let mut seen = 0;
    let mut next = Instant::now();
    loop {
        if let Ok(opened) = book.opened() {
            let mirrors = opened.settings.mirrors.len();
            book.state().mirrors = mirrors;
            if let Some(every) = book.compare_every
                && mirrors > 0
                && Instant::now() >= next
                && matches!(opened.ledger.tip_id(), Ok(Some(_)))
            {
                let comparison = compared(book, &opened).map_err(|failure| {
                    let problem = book.problem(failure);
                    problem.detail
                });
                let remotes = Remotes {
                    asked: book.host.now(),
                    comparison,
                };
                book.state().remotes = Some(Arc::new(remotes));
                next = Instant::now() + Duration::from_secs(every);
            }
        }
        if !book.bell.wait(&mut seen, LOOK * 5) {
            return;
        }
    }
}

fn compared(book: &LedgerBook, opened: &Opened) -> Result<git_ledger::mirror::Comparison, Failure> {
    let (remotes, marks) = (mirror::remotes(opened, &[])?, opened.marks());
    let mut survey = mirror::survey(&book.context, opened, &marks, PATIENCE)?;
    survey.limits = compare::Asked::default().limits(opened)?;
    let mut comparison = survey.compare(&remotes)?;
    comparison.about_here = survey.about_here(&comparison);
    Ok(comparison)
}
