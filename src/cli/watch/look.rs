//! One look: what is here is judged, the remotes are asked, the refs compared.

use std::collections::BTreeMap;
use std::time::Duration;

use git_ledger::finding::{Answer, Finding, FindingId};
use git_ledger::freshness::Newest;
use git_ledger::merkle::hex;
use git_ledger::mirror::{Comparison, State as CopyState};
use git_ledger::verified::Extent;
use git_ledger::verify::Verdict;
use git_ledger::watch::{
    FAILED, Figures, Look, Place, Remote, Schedule, Seen, State, UNKEPT, UNRECORDED,
};

use super::Args;
use crate::cli::context::{Context, Opened};
use crate::cli::failure::{Exit, Failure};
use crate::cli::job::Job;
use crate::cli::reconcile::{self, Entries};
use crate::cli::recording::remotes as push_to;
use crate::cli::{compare, mirror, terminal, verify};

/// What one look came to.
pub struct Looked {
    /// What the watch learns.
    pub look: Look,
    /// Sound, unknown or breach, all together.
    pub answer: Answer,
    /// The verdict about the copy in hand.
    pub verdict: Option<Verdict>,
    /// The copies, if they were asked.
    pub comparison: Option<Comparison>,
    /// Whether everything was read.
    pub full: bool,
    /// Whether everything that was to be done could be done.
    pub done: bool,
    /// What the ledger is called in the configuration.
    pub name: String,
}

/// Looks once. What goes wrong on the way is part of what was seen.
pub fn look(
    context: &Context,
    args: &Args,
    schedule: &Schedule,
    state: &State,
) -> Result<Looked, Failure> {
    let mut looked = Looked {
        look: Look {
            now: context.clock()?,
            ..Look::default()
        },
        answer: Answer::Sound,
        verdict: None,
        comparison: None,
        full: false,
        done: true,
        name: String::new(),
    };
    match context.open_to_read() {
        Err(why) => looked.failed(why),
        Ok(opened) => {
            looked.name.clone_from(&opened.settings.name);
            // until the policy tells what it is called
            looked.look.ledger.clone_from(&opened.settings.name);
            looked.judge(context, args, schedule, state, &opened);
            looked.ask(context, args, state, &opened);
            if args.reconcile {
                looked.refs(context, args, &opened);
            }
        }
    }
    Ok(looked)
}

impl Looked {
    fn failed(&mut self, why: Failure) {
        self.done = false;
        self.answer = self.answer.max(Answer::Unknown);
        let message = why.message.lines().next().unwrap_or_default().to_owned();
        self.look.seen.push(Seen::own(FAILED, message));
    }

    /// What is known could not be kept at the last look.
    pub fn unkept(&mut self, why: Option<String>) {
        self.look.seen.extend(why.map(|why| Seen::own(UNKEPT, why)));
    }

    fn found(&mut self, finding: &Finding, place: Place) {
        self.answer = self.answer.max(Answer::of([finding]));
        self.look.seen.push(Seen::of(finding, place));
    }

    /// Judges the copy in hand.
    fn judge(
        &mut self,
        context: &Context,
        args: &Args,
        schedule: &Schedule,
        state: &State,
        opened: &Opened,
    ) {
        let limits = match args.limits.limits(opened) {
            Ok(limits) => limits,
            Err(why) => return self.failed(why),
        };
        let tip = match opened.ledger.tip_id() {
            Ok(Some(tip)) => tip,
            Ok(None) => return self.absent(opened),
            Err(why) => return self.failed(why.into()),
        };
        let extent = match schedule.wants_all(state.last_full, self.look.now) {
            true => Extent::All,
            false => Extent::New,
        };
        let outcome = match verify::again(context, opened, tip, extent, &|_| ()) {
            Ok((outcome, _)) => outcome,
            Err(why) => return self.failed(why),
        };
        self.full = outcome.rests_on.is_none();
        let mut verdict = outcome.verdict;
        let newest = verdict.tip.map(|(number, _, commit, time)| Newest {
            number,
            commit,
            time,
        });
        let stale = newest.and_then(|newest| limits.stale(newest, self.look.now));
        verdict.findings.extend(stale);
        for finding in &verdict.findings {
            self.found(finding, Place::Here);
        }
        if let Some(name) = &verdict.name {
            self.look.ledger.clone_from(name);
        }
        self.look.fingerprint = verdict
            .fingerprint
            .map(|digest| format!("sha256:{}", hex(&digest)));
        self.look.here = true;
        self.verdict = Some(verdict);
    }

    /// No ledger is here: it is gone, or never was.
    fn absent(&mut self, opened: &Opened) {
        let why = compare::absent(opened);
        if why.exit != Exit::No {
            return self.failed(why);
        }
        let finding = Finding::new(FindingId::RolledBack, why.message);
        self.found(&finding, Place::Here);
        self.look.here = true;
    }

    /// Asks the remotes.
    fn ask(&mut self, context: &Context, args: &Args, state: &State, opened: &Opened) {
        let none = args.remotes.is_empty() && opened.settings.mirrors.is_empty();
        let resting = self.look.now < state.ask_again && !args.once;
        if args.no_remotes || none || resting {
            return;
        }
        let comparison = (|| -> Result<Comparison, Failure> {
            let (remotes, marks) = (mirror::remotes(opened, &args.remotes)?, opened.marks());
            let mut survey = mirror::survey(context, opened, &marks, args.timeout)?;
            survey.limits = args.limits.limits(opened)?;
            let mut comparison = survey.compare(&remotes)?;
            comparison.about_here = survey.about_here(&comparison);
            Ok(comparison)
        })();
        let comparison = match comparison {
            Ok(comparison) => comparison,
            Err(why) => return self.failed(why),
        };
        // what the verdict says already is not said again
        let judged = self.verdict.iter().flat_map(|verdict| &verdict.findings);
        let known: Vec<FindingId> = judged.map(|finding| finding.id).collect();
        for finding in &comparison.about_here {
            if !known.contains(&finding.id) {
                self.found(finding, Place::Here);
            }
        }
        for copy in &comparison.copies {
            if copy.state != CopyState::Silent {
                self.look.answered.push(copy.remote.name.clone());
            }
            for finding in &copy.findings {
                self.found(finding, Place::Remote(copy.remote.name.clone()));
            }
        }
        self.comparison = Some(comparison);
    }

    /// Compares the refs with the record, and records what no hook saw.
    fn refs(&mut self, context: &Context, args: &Args, opened: &Opened) {
        let push = match push_to(opened, args.push.as_deref()) {
            Ok(push) => push,
            Err(why) => return self.failed(why),
        };
        let job = Job {
            context,
            opened,
            key: args.key.as_deref(),
            timeout: args.timeout,
            push: &push,
        };
        let entries = match self.full {
            true => Entries::All,
            false => Entries::New,
        };
        // nothing is added to a history that is not the ledger's
        let here = self.verdict.as_ref().map(Verdict::answer);
        let only_look = args.dry_run || here.is_none_or(|answer| answer == Answer::Breach);
        match reconcile::again(context, opened, &job, entries, only_look) {
            Err(why) => self.failed(why),
            Ok((outlook, recorded)) => {
                for difference in &outlook.comparison.differences {
                    self.found(&difference.finding(), Place::Refs);
                }
                self.look.refs = outlook.busy.is_empty();
                match recorded {
                    Ok(recorded) => {
                        self.look.recorded = !only_look;
                        if let Err(why) = job.mirror(&recorded) {
                            terminal::tell(&format!("warning: {}", why.message));
                        }
                    }
                    Err(why) => {
                        let message = why.message.lines().next().unwrap_or_default();
                        let seen = Seen::own(UNRECORDED, message.to_owned());
                        self.answer = self.answer.max(Answer::Unknown);
                        self.look.seen.push(seen);
                    }
                }
            }
        }
    }

    /// Puts into the state what this look changes besides findings.
    pub fn remember(&self, state: &mut State, schedule: &Schedule) {
        if self.done {
            state.last_done = Some(self.look.now);
        }
        if self.full && self.look.here {
            state.last_full = Some(self.look.now);
        }
        if let Some(comparison) = &self.comparison {
            let silent = self.look.answered.is_empty() && !comparison.copies.is_empty();
            state.silent = match silent {
                true => state.silent.saturating_add(1),
                false => 0,
            };
            state.ask_again = schedule.ask_again(self.look.now, state.silent);
        }
    }

    /// What is told to Prometheus.
    pub fn figures(&self, state: &State, took: Duration) -> Figures {
        let mut findings: BTreeMap<&'static str, u64> = BTreeMap::new();
        for seen in &self.look.seen {
            *findings.entry(seen.matter.name).or_default() += 1;
        }
        let newest = self.verdict.as_ref().and_then(|verdict| verdict.tip);
        let copies = self.comparison.iter().flat_map(|c| &c.copies);
        Figures {
            ledger: self.name.clone(),
            answer: self.answer,
            entries: self.verdict.as_ref().map(|verdict| verdict.entries),
            newest: newest.map(|(_, _, _, time)| time),
            window: self
                .comparison
                .as_ref()
                .and_then(|c| c.window.as_ref())
                .map(|window| window.time),
            findings: findings.into_iter().collect(),
            remotes: copies
                .map(|copy| Remote {
                    name: copy.remote.name.clone(),
                    answer: copy.answer(),
                    newest: copy.newest.as_ref().map(|newest| newest.number),
                    seen: copy.seen,
                })
                .collect(),
            last: self.look.now,
            last_done: state.last_done,
            last_full: state.last_full,
            took: took.as_secs_f64(),
            runs: state.runs,
            sent: state.sent,
            failed: state.failed,
            dropped: state.dropped,
            waiting: state.waiting.len() as u64,
        }
    }
}
