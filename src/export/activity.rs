//! What an event is about, in the few words that formats for security tools have in common.
//!
//! It is read off the event's type and its claims, and so no more than a claim itself.

use crate::event::{self, Event};
use crate::json::{Object, Value};

use super::Record;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Something is there that was not.
    Create,
    /// Somebody looked.
    Read,
    /// Something is another than it was.
    Update,
    /// Something is gone.
    Delete,
    /// Something began.
    Start,
    /// Something ended.
    End,
    /// None of these words fits.
    Other,
}

/// What it was done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// A service that runs somewhere, or where it runs.
    Service,
    /// Who may do what in the ledger.
    Policy,
    /// What a program is told: files, variables.
    Configuration,
    /// A run, a step, a build.
    Run,
    /// A package.
    Artifact,
    /// The ledger itself, or refs no hook saw move: something is wrong.
    Alarm,
    /// A change of code, a ref, or anything else.
    Other,
}

/// How it ended, where the event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Success,
    /// Not well.
    Failure,
}

/// The words of a type: its segments without version numbers.
pub fn words(kind: &str) -> Vec<&str> {
    let number = |word: &str| word.bytes().all(|b| b.is_ascii_digit());
    kind.split('.')
        .filter(|word| !word.is_empty() && !number(word))
        .collect()
}

/// What was done, by the last word of the type.
pub fn act(kind: &str) -> Act {
    let words = words(kind);
    let last = words.last().copied().unwrap_or_default();
    match last.to_ascii_lowercase().as_str() {
        "created" | "create" | "opened" | "published" | "added" | "installed" | "packaged"
        | "submitted" | "detected" | "reported" | "baseline" => Act::Create,
        "deployed" | "updated" | "upgraded" | "modified" | "changed" | "edited" | "rolledback"
        | "merged" | "push" | "synchronize" | "renamed" | "signed" | "resolved" | "reopened" => {
            Act::Update
        }
        "deleted" | "delete" | "removed" | "erased" | "abandoned" | "uninstalled" => Act::Delete,
        "started" | "queued" | "requested" | "in_progress" => Act::Start,
        "finished" | "completed" | "closed" => Act::End,
        "review" | "reviewed" | "checkpoint" | "downloaded" | "viewed" => Act::Read,
        _ => Act::Other,
    }
}

/// What it was done to, by the type.
pub fn field(record: &Record<'_>) -> Field {
    let kind = record.event.kind();
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| kind.starts_with(prefix));
    if record.is_alarm() || matches!(kind, event::GAP | event::TAMPER_FOUND | event::ALERT) {
        Field::Alarm
    } else if starts(&["dev.cdevents.service.", "dev.cdevents.environment."]) {
        Field::Service
    } else if matches!(kind, event::POLICY_CHANGED | event::LEDGER_CREATED) {
        Field::Policy
    } else if starts(&["dev.git-ledger.config.", "dev.git-ledger.env."]) {
        Field::Configuration
    } else if starts(&[
        "dev.cdevents.pipelinerun.",
        "dev.cdevents.taskrun.",
        "dev.cdevents.build.",
        "dev.git-ledger.step.",
    ]) {
        Field::Run
    } else if starts(&["dev.cdevents.artifact."]) {
        Field::Artifact
    } else {
        Field::Other
    }
}

/// How it ended, by `data.outcome` or, as CDEvents have it, `data.subject.content.outcome`.
pub fn outcome(event: &Event) -> Option<Outcome> {
    let data = event.data()?.as_object()?;
    let inside = |object: &Object| object.get("outcome").and_then(Value::as_str).map(word);
    let content = || {
        let subject = data.get("subject")?.as_object()?;
        inside(subject.get("content")?.as_object()?)
    };
    inside(data).or_else(content).flatten()
}

fn word(outcome: &str) -> Option<Outcome> {
    match outcome {
        "success" | "pass" => Some(Outcome::Success),
        "failure" | "fail" | "failed" | "error" | "refused" | "cancel" => Some(Outcome::Failure),
        _ => None,
    }
}

/// One line for people: what happened to what.
pub fn sentence(record: &Record<'_>) -> String {
    let event = record.event;
    let what = event.subject().unwrap_or(event.source());
    format!("{} {what}", event.kind())
}
