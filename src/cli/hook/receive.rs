//! The handlers: standard input, environment and clock in; a judgement, a record, an exit code.
//!
//! What is recorded is durable before anything is printed, so a pusher who hangs up changes
//! nothing. Nothing in here asks for a passphrase, and each part has a deadline.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use git_ledger::append::Repeats;
use git_ledger::date::rfc3339;
use git_ledger::escape::printable;
use git_ledger::event::PUSH;
use git_ledger::hook::outstanding::{matching, unmoved};
use git_ledger::hook::push_event::Push;
use git_ledger::hook::pusher;
use git_ledger::hook::{self, Accepted, Aliases, Refusal};
use git_ledger::ledger::Ledger;
use git_ledger::push_certificate::{self, Carried, Judgement};

use crate::cli::context::{Context, random_id};
use crate::cli::failure::{Exit, Failure};
use crate::cli::{fold, reconcile, terminal};

use super::aside::{self, Announced};
use super::run::{
    Run, Settled, call, closing, failed, holds, input, now, outcome, parent, refuse, settle,
    unrecorded, within,
};
use super::settings;

/// How long somebody else who compares the refs is waited for.
const COMPARING: Duration = Duration::from_secs(2);

/// `git ledger hook pre-receive`.
pub fn pre_receive(context: &Context, before: Option<&Path>) -> Result<Exit, Failure> {
    let (input, run) = match begin(context) {
        Ok(begun) => begun,
        Err(refusal) => return Ok(refuse(context, None, &refusal)),
    };
    let run = Arc::new(run);
    let accepted = match within(&run, Run::judge) {
        Ok(accepted) => accepted,
        Err(refusal) => return Ok(refuse(context, Some(&run.opened), &refusal)),
    };
    // a hook that was here first may still refuse, so nothing is recorded before it has spoken
    if !call(before, &[], &input)? {
        return Ok(Exit::No);
    }
    if accepted == Accepted::Others {
        let run = Arc::new(run.again());
        if let Err(refusal) = within(&run, Run::record) {
            let why = printable(&refusal.finding.detail);
            match run.put_aside(refusal) {
                Ok(word) => terminal::tell(&format!(
                    "git-ledger: warning: this push is not recorded yet: {why}\n\
                     git-ledger: warning: it waits in the spool, for {}",
                    printable(&word)
                )),
                Err(refusal) => return Ok(refuse(context, Some(&run.opened), &refusal)),
            }
        }
    }
    Ok(Exit::Done)
}

/// `git ledger hook post-receive`.
pub fn post_receive(context: &Context, before: Option<&Path>) -> Result<Exit, Failure> {
    let (input, run) = match begin(context) {
        Ok(begun) => begun,
        Err(refusal) => return Err(Failure::cannot(refusal.finding.detail)),
    };
    let run = Arc::new(run);
    let outcome = within(&run, Run::conclude);
    let run = Arc::new(run.again());
    let compared = within(&run, Run::compare);
    let mirrors = settings::start_mirrors(&run.opened);
    // from here on a pusher who has gone may end us
    let mut exit = Exit::Done;
    if let Err(refusal) = outcome {
        terminal::tell(&format!(
            "git-ledger: warning: what became of the push is not recorded yet: {}",
            printable(&refusal.finding.detail)
        ));
        exit = Exit::Unknown;
    }
    match compared {
        Ok(0) => {}
        Ok(moved) => terminal::tell(&format!(
            "git-ledger: warning: refs of this repository were moved past its hooks: {moved}; it is recorded"
        )),
        Err(refusal) => {
            terminal::tell(&format!(
                "git-ledger: warning: the refs were not compared with the record: {}",
                printable(&refusal.finding.detail)
            ));
            exit = Exit::Unknown;
        }
    }
    if let Err(why) = mirrors {
        terminal::tell(&format!(
            "git-ledger: warning: the mirrors were not started: {why}"
        ));
        exit = Exit::Unknown;
    }
    let called = call(before, &[], &input);
    // small pushes come as loose objects, and so do our own entries
    if let Ok(tip) = run.opened.ledger.tip() {
        fold::after(&run.opened, &tip.link);
    }
    called?;
    Ok(exit)
}

/// Reads what git hands over and opens the repository it is about.
fn begin(context: &Context) -> Result<(Vec<u8>, Run), Refusal> {
    let process = parent();
    let input = input()?;
    let opened = context.open().map_err(failed)?;
    let updates = hook::parse(&input, opened.repository.object_format())?;
    Ok((input, Run::new(context, opened, process, updates)))
}

impl Run {
    fn judge(&self) -> Result<Accepted, Refusal> {
        let repository = &self.opened.repository;
        let guarded = settings::guarded(&self.opened).map_err(failed)?;
        let aliases = Aliases::of(repository, &self.updates).map_err(|why| unrecorded(&why))?;
        hook::judge(&self.updates, &guarded, &aliases, now())
    }

    /// Records the push, and what became of earlier ones that nobody reported.
    fn record(&self) -> Result<(), Refusal> {
        let opened = &self.opened;
        let ledger = opened.ledger.clone().with_quarantine();
        let variable = |name: &str| self.context.environment.get(name);
        let options = pusher::options(&variable).map_err(|why| unrecorded(&why))?;
        let certificate = self.certificate(&ledger, &options)?;
        let id = random_id().map_err(failed)?;
        let source = settings::source(opened);
        let time = rfc3339(now());
        let pusher = settings::pusher(&self.context.environment);
        let forced = self.forced(&ledger);
        let push = Push {
            id: &id,
            source: &source,
            time: &time,
            updates: &self.updates,
            forced: &forced,
            pusher: &pusher,
            options: &options,
            certificate: certificate.as_ref().map(|(text, j)| (text.as_slice(), j)),
        };
        let events = push.events().map_err(|why| unrecorded(&why))?;
        let outstanding = settings::outstanding(opened);
        // where somebody else closes gaps just now, that is done
        let lock = closing(opened, Instant::now()).map_err(failed)?;
        let settled = match &lock {
            Some(_) => settle(opened)?,
            None => Settled {
                waiting: aside::waiting(opened)?,
                ..Settled::default()
            },
        };
        let mut groups = settled.all();
        let repeats = if groups.is_empty() {
            Repeats::Impossible
        } else {
            Repeats::LeaveOut
        };
        groups.push(events.clone());
        self.is_called_for()?;
        self.announce(Announced {
            kind: PUSH,
            awaited: self.awaited(id, source),
            outstanding,
            events,
        })?;
        self.append(groups, repeats)
            .map_err(|failure| self.not_recorded(failure))?;
        settled.forget(opened);
        Ok(())
    }

    /// Compares what moved with what was recorded.
    fn conclude(&self) -> Result<(), Refusal> {
        let outstanding = settings::outstanding(&self.opened);
        let all = outstanding.list().map_err(|why| unrecorded(&why))?;
        let Some(awaited) = matching(&all, &self.updates, self.process) else {
            return Ok(());
        };
        if let Some((left, became)) =
            unmoved(awaited, &self.updates, |name| holds(&self.opened, name))
        {
            let event = outcome(PUSH, awaited, &left, became)?;
            // what waits goes first, if it can by now
            self.drain().ok();
            self.tell_outcome(PUSH, &awaited.id, event)?;
        }
        outstanding
            .remove(&awaited.id)
            .map_err(|why| unrecorded(&why))
    }

    /// Records what moved and no hook saw, once somebody has said where the refs stood at first.
    fn compare(&self) -> Result<usize, Refusal> {
        // a pusher waits: whoever is at it already does the same
        let until = Instant::now() + COMPARING;
        let append = |groups| Ok(self.append(groups, Repeats::LeaveOut)?);
        reconcile::after_push(&self.opened, until, now(), append)
    }

    /// The push certificate and what it is worth, when the push is signed.
    fn certificate(
        &self,
        ledger: &Ledger,
        options: &[Vec<u8>],
    ) -> Result<Option<(Vec<u8>, Judgement)>, Refusal> {
        let variable = |name: &str| {
            self.context
                .environment
                .get(name)
                .map(OsStr::as_encoded_bytes)
        };
        let Some(id) = variable("GIT_PUSH_CERT") else {
            return Ok(None);
        };
        let repository = &self.opened.repository;
        let id = git_ledger::git::parse_id(id, repository.object_format())
            .ok_or_else(|| unrecorded(&"git names no certificate by GIT_PUSH_CERT"))?;
        let text = repository
            .reader_with(&repository.quarantine())
            .map_err(|why| unrecorded(&why))?
            .read(id, gix::objs::Kind::Blob, push_certificate::MAX_BYTES)
            .map_err(|why| unrecorded(&why))?;
        let status = variable("GIT_PUSH_CERT_NONCE_STATUS");
        let carried = Carried {
            updates: self
                .updates
                .iter()
                .map(|update| (update.old, update.new, update.name.as_slice()))
                .collect(),
            options: options.iter().map(Vec::as_slice).collect(),
            nonce: variable("GIT_PUSH_CERT_NONCE"),
            nonce_status: status.and_then(|word| std::str::from_utf8(word).ok()),
        };
        let tip = ledger.tip().map_err(|why| unrecorded(&why))?;
        let judgement = push_certificate::judge(&text, &carried, &tip.policy);
        Ok(Some((text, judgement)))
    }
}
