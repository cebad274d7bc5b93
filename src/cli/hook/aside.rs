//! Changes of refs that cannot be recorded now: refused, or put into the spool where the policy
//! says so; and what waits there, to be recorded before anything newer.

use std::time::{SystemTime, UNIX_EPOCH};

use git_ledger::append::Repeats;
use git_ledger::event::Pending;
use git_ledger::hook::Refusal;
use git_ledger::hook::outstanding::{Awaited, Outstanding};
use git_ledger::policy::{FailMode, REFS, Word};
use git_ledger::spool::Waiting;

use crate::cli::context::Opened;
use crate::cli::failure::{Exit, Failure};

use super::run::{Run, failed, is_recorded, unrecorded};
use super::settings;

/// A change that was announced and is about to be recorded.
pub struct Announced {
    /// The type of its event.
    pub kind: &'static str,
    /// What is awaited of it.
    pub awaited: Awaited,
    /// Where that is kept.
    pub outstanding: Outstanding,
    /// Its events.
    pub events: Vec<Pending>,
}

/// What the hooks put aside, the oldest first. A file that makes no sense is for `flush` to tell.
pub fn waiting(opened: &Opened) -> Result<Vec<Waiting>, Refusal> {
    let source = settings::source(opened);
    let all = opened.spool().list().map_err(|why| unrecorded(&why))?;
    let ours = |one: &Waiting| {
        let event = &one.pending.event;
        let kind = event.kind();
        let kept = kind == git_ledger::hook::push_event::CERTIFICATE;
        one.push.is_empty() && event.source() == source && (kept || REFS.contains(&kind))
    };
    Ok(all.into_iter().flatten().filter(ours).collect())
}

/// Whether an event is among these.
pub fn waits(waiting: &[Waiting], id: &str) -> bool {
    waiting.iter().any(|one| one.pending.event.id() == id)
}

/// An entry for each change that waits; a certificate goes with its push.
pub fn groups(waiting: &[Waiting]) -> Vec<Vec<Pending>> {
    let mut groups: Vec<Vec<Pending>> = Vec::new();
    for Waiting { pending, .. } in waiting {
        match groups.last_mut() {
            Some(group)
                if (group.first()).is_some_and(|of| {
                    pending.event.id() == format!("{}/certificate", of.event.id())
                }) =>
            {
                group.push(pending.clone());
            }
            _ => groups.push(vec![pending.clone()]),
        }
    }
    groups
}

impl Run {
    /// Announces a change: durable when it returns.
    pub fn announce(&self, announced: Announced) -> Result<(), Refusal> {
        let put = announced.outstanding.put(&announced.awaited);
        put.map_err(|why| unrecorded(&why))?;
        if let Ok(mut known) = self.announced.lock() {
            *known = Some(announced);
        }
        Ok(())
    }

    /// Why an announced change is not recorded. What a rule refuses may not wait.
    pub fn not_recorded(&self, failure: Failure) -> Refusal {
        let never = failure.exit == Exit::No;
        let refusal = failed(failure);
        if never {
            self.give_up();
        }
        refusal
    }

    /// Takes the announcement back, unless the change is in the chain all the same: then the next
    /// hook says that it was refused. Best effort: what is left behind is settled later.
    fn give_up(&self) {
        let announced = self
            .announced
            .lock()
            .ok()
            .and_then(|mut known| known.take());
        if let Some(Announced {
            awaited,
            outstanding,
            ..
        }) = announced
            && let Ok(false) = is_recorded(&self.opened, &awaited.source, &awaited.id)
        {
            outstanding.remove(&awaited.id).ok();
        }
    }

    /// Puts a change that could not be recorded into the spool, if the policy in force says so;
    /// the words of the policy. It may be in the chain too, as after a deadline: the same event is
    /// recorded once.
    pub fn put_aside(&self, refusal: Refusal) -> Result<String, Refusal> {
        let Some((kind, events)) = self.announced.lock().ok().and_then(|known| {
            let known = known.as_ref()?;
            Some((known.kind, known.events.clone()))
        }) else {
            return Err(refusal);
        };
        let policy = self.opened.ledger.tip().ok().map(|tip| tip.policy);
        let word = Word::of(policy.as_ref(), [kind]);
        let refusal = match word.mode() {
            Some(FailMode::Spool) => match self.keep(&events) {
                Ok(()) => return Ok(word.to_string()),
                Err(why) => unrecorded(&format!(
                    "{}; nor can it wait: {why}",
                    refusal.finding.detail
                )),
            },
            _ => refusal.hint(format!("it does not wait, for {word}")),
        };
        self.give_up();
        Err(refusal)
    }

    /// Keeps events in the spool: all of them, or an error.
    fn keep(&self, events: &[Pending]) -> std::io::Result<()> {
        let clock = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_nanos());
        let (spool, mut files) = (self.opened.spool(), Vec::new());
        for (at, event) in events.iter().enumerate() {
            match spool.put(event, &[], clock + at as u128) {
                Ok(file) => files.push(file),
                Err(why) => {
                    for file in &files {
                        git_ledger::durable::remove(file)?;
                    }
                    return Err(why);
                }
            }
        }
        Ok(())
    }

    /// Records what became of a change. It never overtakes the change itself: where that waits, so
    /// does this.
    pub fn tell_outcome(&self, kind: &str, of: &str, event: Pending) -> Result<(), Refusal> {
        if !waits(&waiting(&self.opened)?, of) {
            let Err(failure) = self.append(vec![vec![event.clone()]], Repeats::LeaveOut) else {
                return Ok(());
            };
            let policy = self.opened.ledger.tip().ok().map(|tip| tip.policy);
            let mode = Word::of(policy.as_ref(), [kind]).mode();
            if failure.exit == Exit::No || mode != Some(FailMode::Spool) {
                return Err(failed(failure));
            }
        }
        self.keep(&[event]).map_err(|why| unrecorded(&why))
    }

    /// Records what the hooks put aside.
    pub fn drain(&self) -> Result<(), Refusal> {
        let waiting = waiting(&self.opened)?;
        if !waiting.is_empty() {
            self.append(groups(&waiting), Repeats::LeaveOut)?;
            forget(&self.opened, &waiting);
        }
        Ok(())
    }
}

/// Forgets what is recorded now; best effort: to record it again changes nothing.
pub fn forget(opened: &Opened, waiting: &[Waiting]) {
    for one in waiting {
        opened.spool().remove(one).ok();
    }
}
