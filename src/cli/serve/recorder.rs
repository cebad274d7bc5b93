//! What the server's one thread asks of the ledger: record these together, and tell of each what
//! became of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::Scope;

use crossbeam_channel::{Sender, bounded};
use git_ledger::append::{Next, Recorded, Repeats, same};
use git_ledger::commit::Link;
use git_ledger::continuity::Step;
use git_ledger::event::{Event, Pending};
use git_ledger::json::Object;
use git_ledger::ledger::Ledger;
use git_ledger::policy::{FailMode, Policy};
use git_ledger::seen::{Found, Seen};
use git_ledger::serve::{Host, Level, Line, Outcome, Place, Recorder};
use git_ledger::trust;

use super::drain;
use crate::cli::context::{Context, Opened};
use crate::cli::failure::Failure;
use crate::cli::job::Job;
use crate::cli::listening::Terminal;
use crate::cli::on_failure::{self, OnFailure};

/// The type of the event that is rehearsed to find out whether one could be recorded.
const TRIAL: &str = "dev.git-ledger.heartbeat";

/// Events that count something which are learnt from at the start.
const MOST_STEPS: usize = 200_000;

/// How events are recorded.
#[derive(Clone, Copy)]
pub struct How<'a> {
    pub key: Option<&'a str>,
    pub timeout: u64,
    pub on_failure: OnFailure,
    pub events_per_entry: usize,
}

/// The real ledger.
pub struct LedgerRecorder<'a> {
    context: &'a Context,
    opened: &'a Opened,
    push: &'a [String],
    how: How<'a>,
    host: Arc<Terminal>,
    /// To the thread that brings entries to the remotes after the first and loose ones into packs;
    /// the newest is enough.
    spread: Sender<Recorded>,
}

impl<'a> LedgerRecorder<'a> {
    /// A recorder, and beside it a thread that lasts as long for what nobody waits for.
    pub fn new<'scope>(
        scope: &'scope Scope<'scope, '_>,
        context: &'a Context,
        opened: &'a Opened,
        push: &'a [String],
        how: How<'a>,
        host: Arc<Terminal>,
    ) -> LedgerRecorder<'a>
    where
        'a: 'scope,
    {
        let (spread, newest) = bounded::<Recorded>(1024);
        let recorder = LedgerRecorder {
            context,
            opened,
            push,
            how,
            host: Arc::clone(&host),
            spread,
        };
        let job = recorder.job();
        scope.spawn(move || {
            while let Ok(recorded) = newest.recv() {
                let recorded = newest.try_iter().last().unwrap_or(recorded);
                if let Err(failure) = job.mirror(&[recorded]) {
                    let line = Line::new(Level::Warning, "not-mirrored");
                    host.tell(&line.with("why", &failure.message));
                }
            }
        });
        recorder
    }

    fn job(&self) -> Job<'a> {
        Job {
            context: self.context,
            opened: self.opened,
            key: self.how.key,
            timeout: self.how.timeout,
            push: self.push,
        }
    }

    /// The ledger that is written to.
    fn ledger(&self) -> Result<Ledger, Failure> {
        match (self.opened.ledger.tip_id()?, self.push.first()) {
            (None, Some(primary)) => Ok(self.opened.primary(primary)?.1),
            _ => Ok(self.opened.ledger.clone()),
        }
    }

    /// The policy in force, as far as it is here.
    fn policy(&self) -> Option<Policy> {
        Some(self.ledger().ok()?.tip().ok()?.policy)
    }

    /// What became of each event: it is in one of these entries, which are new, or in an older one.
    fn placed(&self, events: &[Pending], recorded: &[Recorded]) -> Result<Vec<Outcome>, Failure> {
        let fresh = held(recorded.iter().map(|recorded| &recorded.link));
        let mut older = None;
        let mut outcome = |event: &Event| {
            if let Some((_, place)) = fresh.get(&(event.source(), event.id())) {
                return Ok(Outcome::Recorded(*place));
            }
            if older.is_none() {
                let ledger = self.ledger()?;
                let tip = ledger.tip()?.link.id;
                older = Some((Seen::of(&ledger).up_to(&ledger, tip)?, ledger));
            }
            let Some((records, ledger)) = &older else {
                return Ok(Outcome::Failed("nobody knows".to_owned()));
            };
            match records.look(ledger, event.source(), event.id())? {
                Found::In(link) => {
                    let held = held(std::iter::once(&*link));
                    match held.get(&(event.source(), event.id())) {
                        Some((old, place)) if same(old, event) => Ok(Outcome::Duplicate(*place)),
                        Some((_, place)) => Ok(Outcome::Conflict(*place)),
                        None => Ok(Outcome::Failed("it is in no entry".to_owned())),
                    }
                }
                Found::Nowhere | Found::CutOff => {
                    Ok(Outcome::Failed("it is in no entry".to_owned()))
                }
            }
        };
        events
            .iter()
            .map(|pending| outcome(&pending.event))
            .collect()
    }

    /// Why the ledger's rules do not allow events of a type, where that is known beforehand: so
    /// that one such event takes no other down.
    fn refuses(&self, events: &[&Pending]) -> Vec<Option<String>> {
        let key = self.context.signer(
            &self.opened.config,
            &self.opened.settings.name,
            self.how.key,
        );
        let (Ok(key), Some(policy)) = (key, self.policy()) else {
            return vec![None; events.len()];
        };
        let refused = |pending: &&Pending| {
            let finding = trust::refuses(&policy, key.public_key(), pending.event.kind())?;
            Some(format!("{}: {}", finding.id, finding.detail))
        };
        events.iter().map(refused).collect()
    }

    /// Records events with different names; where some of them may wait and others may not, those
    /// that may are put aside.
    fn together(&self, events: &[Pending]) -> Vec<Outcome> {
        let failed = match self.all_or_none(&self.job(), events) {
            Ok(outcomes) => return outcomes,
            Err(failed) => failed,
        };
        let policy = match self.how.on_failure {
            OnFailure::Policy => self.policy(),
            OnFailure::Fail | OnFailure::Spool => None,
        };
        let mode = |pending: &Pending| policy.as_ref()?.fail_mode(pending.event.kind());
        let waits: Vec<bool> = events
            .iter()
            .map(|pending| mode(pending) == Some(FailMode::Spool))
            .collect();
        let aside = events.iter().zip(&waits).filter(|(_, waits)| **waits);
        let aside: Vec<Pending> = aside.map(|(pending, _)| pending.clone()).collect();
        let mut put = Vec::new();
        if !aside.is_empty() && aside.len() < events.len() {
            // the time for trying is over
            let job = Job {
                timeout: 0,
                ..self.job()
            };
            put = self.all_or_none(&job, &aside).unwrap_or_default();
        }
        let mut put = put.into_iter();
        let failed = || Outcome::Failed(failed.clone());
        waits
            .into_iter()
            .map(|waits| match waits {
                true => put.next().unwrap_or_else(failed),
                false => failed(),
            })
            .collect()
    }

    /// Records events, or puts them all aside.
    fn all_or_none(&self, job: &Job<'_>, events: &[Pending]) -> Result<Vec<Outcome>, String> {
        let recorded = on_failure::record(
            job,
            events,
            self.how.events_per_entry,
            Repeats::ById,
            self.how.on_failure,
        );
        match recorded {
            Ok(on_failure::Outcome::Recorded(recorded)) => {
                if let Some(newest) = recorded.last() {
                    // a full queue holds an entry that stands on this one, or soon will
                    self.spread.try_send(newest.clone()).ok();
                }
                self.placed(events, &recorded)
                    .map_err(|why| first_line(&why).to_owned())
            }
            Ok(on_failure::Outcome::Spooled { why, .. }) => {
                let line = Line::new(Level::Warning, "ledger-unavailable");
                self.host.tell(&line.with("why", first_line(&why)));
                Ok(vec![Outcome::Spooled; events.len()])
            }
            Err(why) => Err(first_line(&why).to_owned()),
        }
    }
}

impl Recorder for LedgerRecorder<'_> {
    fn record(&mut self, events: &[Pending]) -> Vec<Outcome> {
        let mut first: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut fresh: Vec<&Pending> = Vec::new();
        // where each event's outcome is found: among the fresh ones
        let places: Vec<usize> = events
            .iter()
            .map(|pending| {
                let name = (pending.event.source(), pending.event.id());
                *first.entry(name).or_insert_with(|| {
                    fresh.push(pending);
                    fresh.len() - 1
                })
            })
            .collect();
        let refused = self.refuses(&fresh);
        let allowed: Vec<Pending> = fresh
            .iter()
            .zip(&refused)
            .filter(|(_, refused)| refused.is_none())
            .map(|(pending, _)| (*pending).clone())
            .collect();
        let mut recorded = match allowed.is_empty() {
            true => Vec::new(),
            false => self.together(&allowed),
        }
        .into_iter();
        let outcomes: Vec<Outcome> = refused
            .into_iter()
            .map(|refused| match refused {
                Some(why) => Outcome::Refused(why),
                None => recorded
                    .next()
                    .unwrap_or_else(|| Outcome::Failed("nobody knows".to_owned())),
            })
            .collect();
        let mut met = vec![false; outcomes.len()];
        events
            .iter()
            .zip(places)
            .map(|(pending, at)| {
                let missing = || Outcome::Failed("nobody knows".to_owned());
                let outcome = outcomes.get(at).cloned().unwrap_or_else(missing);
                let again = met
                    .get_mut(at)
                    .is_some_and(|met| std::mem::replace(met, true));
                match (outcome, fresh.get(at)) {
                    (Outcome::Recorded(place), Some(other)) if again => {
                        match same(&other.event, &pending.event) {
                            true => Outcome::Duplicate(place),
                            false => Outcome::Conflict(place),
                        }
                    }
                    (Outcome::Duplicate(place), Some(other))
                        if !same(&other.event, &pending.event) =>
                    {
                        Outcome::Conflict(place)
                    }
                    // two under one name, of which only the first waits
                    (Outcome::Spooled, Some(other)) if !same(&other.event, &pending.event) => {
                        Outcome::Failed("another event with this name waits".to_owned())
                    }
                    (outcome, _) => outcome,
                }
            })
            .collect()
    }

    fn ready(&mut self) -> Result<(), String> {
        let told = |failure: Failure| first_line(&failure).to_owned();
        let object = Object::new()
            .with("specversion", "1.0")
            .with("type", TRIAL)
            .with("id", "trial")
            .with("source", "/");
        let event = Event::from_object(object).map_err(|why| why.to_string())?;
        let pending = Pending::new(event).map_err(|why| why.to_string())?;
        // key, policy and tip; then the lock and the disk, as an append would need them
        self.job()
            .try_out(&Next::Events(vec![vec![&pending]]))
            .map_err(told)
    }

    fn drain(&mut self) -> Result<u64, String> {
        drain::drain(self.context, self.opened, self.how.key, self.how.timeout)
    }

    fn waiting(&self) -> u64 {
        let count = self.opened.spool().count();
        count.unwrap_or_default()
    }

    fn history(&self, most: usize, see: &mut dyn FnMut(Vec<Step>, u64)) -> Result<(), String> {
        let told = |why: &dyn std::fmt::Display| why.to_string();
        let Some(tip) = self.opened.ledger.tip_id().map_err(|why| told(&why))? else {
            return Ok(());
        };
        let links = self.opened.ledger.links(tip).map_err(|why| told(&why))?;
        let mut all: Vec<(Vec<Step>, u64)> = Vec::new();
        // a history that is cut off, or broken further down, tells what it can
        for link in links.take(most).map_while(Result::ok) {
            for event in link.entry.events.iter().rev() {
                let steps = Step::of(event);
                if !steps.is_empty() {
                    all.push((steps, link.time));
                }
            }
            if all.len() >= MOST_STEPS {
                break;
            }
        }
        for (steps, time) in all.into_iter().rev() {
            see(steps, time);
        }
        Ok(())
    }
}

/// The events of entries, by source and id.
type Held<'a> = BTreeMap<(&'a str, &'a str), (&'a Event, Place)>;

fn held<'a>(links: impl Iterator<Item = &'a Link>) -> Held<'a> {
    let mut held = Held::new();
    for link in links {
        let place = Place {
            number: link.entry.number(),
            digest: link.digest(),
        };
        for event in &link.entry.events {
            let name = (event.source(), event.id());
            held.entry(name).or_insert((event, place));
        }
    }
    held
}

fn first_line(failure: &Failure) -> &str {
    failure.message.lines().next().unwrap_or_default()
}
