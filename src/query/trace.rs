//! What belongs together: from one commit, ref, run, artifact or subject to everything that
//! happened to it, and what is missing on the way.
//!
//! An event leads on by the runs and artifacts it names; a run and a deployment lead back to the
//! push of their commit. Environments, repositories and refs lead nowhere: they are shared by
//! everything.

use std::collections::BTreeSet;

use crate::commit::Link;
use crate::event::{self, Event};

use super::key::{Key, is_hex, is_run};
use super::{Filter, Pattern, Test};

/// Names that lead on, of one kind, followed at most.
const MOST: usize = 200;

/// Where in the life of a change an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Refs moved.
    Push,
    /// Refs moved past the hooks.
    Gap,
    /// A change was proposed, talked about, merged.
    Change,
    /// Somebody agreed, or not.
    Approval,
    /// A pipeline, task or build ran.
    Run,
    /// Tests ran.
    Test,
    /// An artifact was made, signed, published.
    Artifact,
    /// It went somewhere.
    Deployment,
    /// Anything else.
    Other,
}

impl Stage {
    /// The stage of a type.
    pub fn of(kind: &str) -> Stage {
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| kind.starts_with(prefix));
        match kind {
            event::PUSH | event::REFS_CHANGED => return Stage::Push,
            event::GAP => return Stage::Gap,
            // that somebody looked afterwards is no approval of anything
            event::REVIEW => return Stage::Other,
            _ => {}
        }
        if kind.contains("approv") || kind.contains("review") {
            Stage::Approval
        } else if starts(&["com.github.push", "com.gitlab.push", "com.gitlab.tag_push"]) {
            Stage::Push
        } else if starts(&[
            "dev.cdevents.change.",
            "dev.cdevents.branch.",
            "com.github.pull_request",
            "com.gitlab.merge_request",
        ]) {
            Stage::Change
        } else if starts(&["dev.cdevents.test"]) {
            Stage::Test
        } else if starts(&[
            "dev.cdevents.pipelinerun.",
            "dev.cdevents.taskrun.",
            "dev.cdevents.build.",
            "com.github.workflow",
            "com.github.check_",
            "com.gitlab.pipeline",
            "com.gitlab.build",
        ]) {
            Stage::Run
        } else if starts(&[
            "dev.cdevents.artifact.",
            "com.github.release",
            "com.github.package",
        ]) {
            Stage::Artifact
        } else if starts(&[
            "dev.cdevents.service.",
            "dev.cdevents.environment.",
            "com.github.deployment",
            "com.gitlab.deployment",
        ]) {
            Stage::Deployment
        } else {
            Stage::Other
        }
    }

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Push => "push",
            Stage::Gap => "gap",
            Stage::Change => "change",
            Stage::Approval => "approval",
            Stage::Run => "run",
            Stage::Test => "test",
            Stage::Artifact => "artifact",
            Stage::Deployment => "deployment",
            Stage::Other => "other",
        }
    }
}

/// What a bare word can name: each of these, one of which must hold.
pub fn named(thing: &str) -> Vec<Test> {
    let mut tests: Vec<Test> = [Key::Ref, Key::Run, Key::Subject, Key::Artifact]
        .map(|key| Test::Is(key, Pattern::exact(thing)))
        .into();
    let hex = thing
        .strip_prefix("sha256:")
        .unwrap_or(thing)
        .to_ascii_lowercase();
    if (7..=64).contains(&hex.len()) && is_hex(&hex) {
        if !thing.starts_with("sha256:") {
            tests.push(Test::Is(Key::Commit, Pattern::beginning(hex.clone())));
        }
        tests.push(Test::Is(Key::Digest, Pattern::beginning(hex)));
    }
    tests
}

/// What was found on the way.
#[derive(Debug, Default)]
pub struct Trail {
    runs: BTreeSet<String>,
    artifacts: BTreeSet<String>,
    digests: BTreeSet<String>,
    commits: BTreeSet<String>,
    /// Names that were not followed because there were too many.
    pub left_out: bool,
    /// What has been asked for.
    asked: BTreeSet<String>,
    stages: BTreeSet<Stage>,
    begun: BTreeSet<String>,
    ended: BTreeSet<String>,
    made: bool,
    failed: bool,
}

impl Trail {
    /// Takes in an event that belongs to it.
    pub fn add(&mut self, link: &Link, event: &Event) {
        let stage = Stage::of(event.kind());
        self.stages.insert(stage);
        let mut collect = |key: Key, set: &mut BTreeSet<String>| {
            key.values(link, event, &mut |value| {
                if set.len() < MOST {
                    set.insert(value.to_owned());
                } else if !set.contains(value) {
                    self.left_out = true;
                }
                false
            });
        };
        if matches!(
            stage,
            Stage::Run | Stage::Test | Stage::Artifact | Stage::Deployment
        ) {
            collect(Key::Run, &mut self.runs);
            collect(Key::Artifact, &mut self.artifacts);
            collect(Key::Commit, &mut self.commits);
        }
        // a digest leads on where it is an artifact's; other digests are of files and states
        if matches!(stage, Stage::Artifact | Stage::Deployment) {
            collect(Key::Digest, &mut self.digests);
        }
        if stage == Stage::Artifact {
            self.made = true;
        }
        if is_run(event)
            && let Some(subject) = event.subject()
        {
            let words: Vec<&str> = event.kind().split('.').collect();
            match words.get(3).copied() {
                Some("started" | "queued") => {
                    self.begun.insert(subject.to_owned());
                }
                Some("finished") => {
                    self.ended.insert(subject.to_owned());
                }
                _ => {}
            }
        }
        self.failed |= Key::Outcome.values(link, event, &mut |outcome| {
            matches!(outcome, "failure" | "failed" | "error")
        });
    }

    /// What to ask for next: everything that names a run or artifact found so far, and the pushes
    /// of commits; empty when nothing new was found.
    pub fn onward(&mut self) -> Vec<Filter> {
        let mut fresh = |key: Key, values: &BTreeSet<String>| -> Vec<Test> {
            let asked = &mut self.asked;
            let values = values.iter();
            values
                .filter(|value| asked.insert(format!("{} {value}", key.name())))
                .map(|value| Test::Is(key, Pattern::exact(value)))
                .collect()
        };
        let mut on = fresh(Key::Run, &self.runs);
        on.extend(fresh(Key::Artifact, &self.artifacts));
        on.extend(fresh(Key::Digest, &self.digests));
        let back = fresh(Key::Commit, &self.commits);
        let mut filters = Vec::new();
        if !on.is_empty() {
            let mut filter = Filter::default();
            filter.require_one(on);
            filters.push(filter);
        }
        if !back.is_empty() {
            let mut filter = Filter::default();
            filter.require_one(back);
            let pushes = [
                event::PUSH,
                event::REFS_CHANGED,
                event::GAP,
                "com.github.push",
                "com.gitlab.push",
            ];
            let pushes = pushes.map(|kind| Test::Is(Key::Type, Pattern::exact(kind)));
            filter.require_one(pushes.into());
            filters.push(filter);
        }
        filters
    }

    /// What is missing, in words.
    pub fn gaps(&self) -> Vec<String> {
        let has = |stage: Stage| self.stages.contains(&stage);
        let mut gaps = Vec::new();
        if has(Stage::Gap) {
            gaps.push("a ref was moved past the hooks".to_owned());
        }
        let later = [Stage::Run, Stage::Test, Stage::Artifact, Stage::Deployment];
        if later.iter().any(|stage| has(*stage)) && !has(Stage::Push) {
            gaps.push("no push is recorded that brought the commit".to_owned());
        }
        for run in self.begun.difference(&self.ended) {
            gaps.push(format!("the end of run '{run}' is not recorded"));
        }
        if has(Stage::Deployment) {
            if !has(Stage::Run) {
                gaps.push("it was deployed, and no run that built it is recorded".to_owned());
            }
            if !self.made {
                gaps.push("it was deployed, and no artifact is recorded as made".to_owned());
            }
            if !has(Stage::Approval) {
                gaps.push("it was deployed, and no approval or review is recorded".to_owned());
            }
            if self.failed {
                gaps.push("it was deployed, and something on the way did not succeed".to_owned());
            }
        }
        gaps
    }
}
