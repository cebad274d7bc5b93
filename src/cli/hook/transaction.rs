//! The handler of git's reference transactions: refs that move in the repository itself.
//!
//! What moves is announced and recorded while git holds the locks, and refused if that fails; git
//! says afterwards whether it happened. A push that pre-receive has recorded is left alone. What
//! is left behind by a git that dies in between is closed as for a push.

use std::path::Path;
use std::sync::Arc;

use git_ledger::append::Repeats;
use git_ledger::date::rfc3339;
use git_ledger::escape::{printable, printable_bytes};
use git_ledger::event::REFS_CHANGED;
use git_ledger::finding::FindingId;
use git_ledger::git::{RefError, Repository};
use git_ledger::hook::outstanding::covers;
use git_ledger::hook::push_event::{self, Outcome, Push};
use git_ledger::hook::transaction::{self, Holds, Line, Side, State, changes};
use git_ledger::hook::{self, Aliases, Refusal, Update};

use crate::cli::context::{Context, random_id};
use crate::cli::failure::{Exit, Failure};
use crate::cli::terminal;

use super::aside::{self, Announced};
use super::run::{
    Run, call, failed, holds, input, is_recorded, now, outcome, parent, refuse, unrecorded, within,
};
use super::settings;

/// `git ledger hook reference-transaction`; `told`: what was read of its input before.
pub fn reference_transaction(
    context: &Context,
    word: &str,
    told: &[u8],
    before: Option<&Path>,
) -> Result<Exit, Failure> {
    let process = parent();
    let state = State::of(word);
    let input = match input() {
        Ok(input) => [told, &input].concat(),
        Err(refusal) => return Ok(refuse(context, None, &refusal)),
    };
    if state == State::Other {
        // a hook that was here first may know more states than we do
        let lets = call(before, &[word], &input)?;
        return Ok(if lets { Exit::Done } else { Exit::No });
    }
    let begun = context.open().map_err(failed).and_then(|opened| {
        let lines = transaction::parse(&input, opened.repository.object_format())?;
        let run = Run::new(context, opened, process, Vec::new());
        Ok((Arc::new(run), lines))
    });
    if state == State::Prepared {
        let (run, lines) = match begun {
            Ok(begun) => begun,
            Err(refusal) => return Ok(refuse(context, None, &refusal)),
        };
        let updates = match within(&run, move |run| run.judge_transaction(&lines)) {
            Ok(updates) => updates,
            Err(refusal) => return Ok(refuse(context, Some(&run.opened), &refusal)),
        };
        // a hook that was here first may still refuse, so nothing is recorded before it has spoken
        if !call(before, &[word], &input)? {
            return Ok(Exit::No);
        }
        if !updates.is_empty() {
            let run = Arc::new(Run {
                updates,
                ..run.again()
            });
            if let Err(refusal) = within(&run, Run::record_change) {
                let why = printable(&refusal.finding.detail);
                match run.put_aside(refusal) {
                    Ok(word) => terminal::tell(&format!(
                        "git-ledger: warning: this change is not recorded yet: {why}\n\
                         git-ledger: warning: it waits in the spool, for {}",
                        printable(&word)
                    )),
                    Err(refusal) => return Ok(refuse(context, Some(&run.opened), &refusal)),
                }
            }
        }
        return Ok(Exit::Done);
    }
    // git does not look at how the hook ends any more
    let over = begun.and_then(|(run, lines)| within(&run, move |run| run.over(&lines, state)));
    call(before, &[word], &input)?;
    Ok(match over {
        Ok(()) => Exit::Done,
        Err(refusal) => {
            terminal::tell(&format!(
                "git-ledger: warning: what became of the refs is not recorded yet: {}",
                printable(&refusal.finding.detail)
            ));
            Exit::Unknown
        }
    })
}

impl Run {
    /// Judges what touches a ledger, and says what else would move.
    fn judge_transaction(&self, lines: &[Line]) -> Result<Vec<Update>, Refusal> {
        let repository = &self.opened.repository;
        let guarded = settings::guarded(&self.opened).map_err(failed)?;
        let ledgers: Vec<&str> = guarded.iter().map(|one| one.ledger.reference()).collect();
        let is_ledger = |name: &[u8]| ledgers.iter().any(|ledger| ledger.as_bytes() == name);
        let renamed = |line: &&Line| is_ledger(&line.name) && matches!(line.new, Side::Symbolic(_));
        if let Some(line) = lines.iter().find(renamed) {
            let name = printable_bytes(&line.name);
            let detail = format!("'{name}' would stand for another ref");
            return Err(Refusal::new(FindingId::PushRefName, detail));
        }
        let entries = changes(lines, is_ledger, |name| stands(repository, name))?;
        let followed = settings::followed(&self.opened).map_err(failed)?;
        let others = changes(
            lines,
            |name| followed.follows(name),
            |name| stands(repository, name),
        )?;
        if let (Some(ledger), false) = (entries.first(), others.is_empty()) {
            let detail = format!("'{}' and others", printable_bytes(&ledger.name));
            return Err(Refusal::new(FindingId::PushMixed, detail)
                .hint("move the ledger first, alone, then the others"));
        }
        if !entries.is_empty() {
            hook::judge(&entries, &guarded, &Aliases::default(), now())?;
        }
        Ok(others)
    }

    /// Records what is about to move, unless that was done for this very process.
    fn record_change(&self) -> Result<(), Refusal> {
        let opened = &self.opened;
        for (outstanding, _) in settings::under_way(opened) {
            let all = outstanding.list().map_err(|why| unrecorded(&why))?;
            if covers(&all, self.process, &self.updates) {
                return Ok(());
            }
        }
        let id = random_id().map_err(failed)?;
        let source = settings::source(opened);
        let push = Push {
            id: &id,
            source: &source,
            time: &rfc3339(now()),
            updates: &self.updates,
            forced: &self.forced(&opened.ledger.clone().with_quarantine()),
            pusher: &settings::pusher(&self.context.environment),
            options: &[],
            certificate: None,
        };
        let event = push_event::refs_changed(&push).map_err(|why| unrecorded(&why))?;
        self.is_called_for()?;
        let waiting = aside::waiting(opened)?;
        let repeats = if waiting.is_empty() {
            Repeats::Impossible
        } else {
            Repeats::LeaveOut
        };
        let mut groups = aside::groups(&waiting);
        groups.push(vec![event.clone()]);
        self.announce(Announced {
            kind: REFS_CHANGED,
            awaited: self.awaited(id, source),
            outstanding: settings::transactions(opened),
            events: vec![event],
        })?;
        self.append(groups, repeats)
            .map_err(|failure| self.not_recorded(failure))?;
        aside::forget(opened, &waiting);
        Ok(())
    }

    /// Forgets what has happened, and records what has not.
    fn over(&self, lines: &[Line], state: State) -> Result<(), Refusal> {
        let outstanding = settings::transactions(&self.opened);
        let all = outstanding.list().map_err(|why| unrecorded(&why))?;
        for awaited in all.iter().filter(|one| one.process == self.process) {
            let named = |update: &Update| lines.iter().any(|line| line.name == update.name);
            if !awaited.updates.iter().all(named) {
                continue;
            }
            let stays = |update: &&Update| {
                let now = holds(&self.opened, &update.name);
                now.unwrap_or(update.old.kind().null()) == update.old
            };
            let left: Vec<Update> = awaited.updates.iter().filter(stays).cloned().collect();
            if !left.is_empty() {
                if state == State::Committed {
                    // a deletion is told of twice, first for packed-refs alone
                    continue;
                }
                // one that was killed before it announced anything leaves nothing to be taken back
                let waits = aside::waits(&aside::waiting(&self.opened)?, &awaited.id);
                if waits || is_recorded(&self.opened, &awaited.source, &awaited.id)? {
                    let event = outcome(REFS_CHANGED, awaited, &left, Outcome::Refused)?;
                    self.tell_outcome(REFS_CHANGED, &awaited.id, event)?;
                }
            }
            outstanding
                .remove(&awaited.id)
                .map_err(|why| unrecorded(&why))?;
        }
        Ok(())
    }
}

/// What a ref holds while git has it locked.
fn stands(repository: &Repository, name: &[u8]) -> Result<Holds, Refusal> {
    let nothing = Holds::default();
    let Ok(name) = std::str::from_utf8(name) else {
        return listed(repository, name);
    };
    match repository.find_ref(name) {
        Ok(id) => Ok(Holds {
            id,
            packed_too: repository
                .is_packed_too(name)
                .map_err(|why| unrecorded(&why))?,
            ..nothing
        }),
        Err(RefError::Symbolic { .. }) => Ok(Holds {
            symbolic: true,
            ..nothing
        }),
        // what is broken holds nothing; git makes it whole now, or will not move it
        Err(RefError::Garbage { .. } | RefError::BadName(_)) => Ok(nothing),
        Err(why) => Err(unrecorded(&why)),
    }
}

/// The same for a name that is no text.
fn listed(repository: &Repository, name: &[u8]) -> Result<Holds, Refusal> {
    use git_ledger::git::RefValue;
    let all = repository
        .list_refs("refs/")
        .map_err(|why| unrecorded(&why))?;
    let value = all
        .into_iter()
        .find(|one| one.name == name)
        .map(|one| one.value);
    Ok(match value {
        Some(RefValue::Object(id)) => Holds {
            id: Some(id),
            ..Holds::default()
        },
        Some(RefValue::Symbolic(_)) => Holds {
            symbolic: true,
            ..Holds::default()
        },
        Some(RefValue::Garbage(_)) | None => Holds::default(),
    })
}
