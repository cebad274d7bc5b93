//! Steps that began and of which no end is recorded.

use std::collections::{BTreeMap, VecDeque};

use crate::event::Event;
use crate::json::Value;

use super::people::at_members;
use super::{At, Exception, Kind};

/// Open steps that are kept.
const MOST: usize = 20_000;
/// A step may run for so long before its end is missed, in seconds.
const USUAL: u64 = 3_600;

/// Steps without an end, by what they are.
#[derive(Debug, Default)]
pub(super) struct Steps {
    open: BTreeMap<String, (At, String, Vec<String>)>,
    order: VecDeque<String>,
    forgot: bool,
}

/// What an event says of a step.
enum Phase {
    Begins,
    Ends,
}

impl Steps {
    /// Whether some were forgotten.
    pub(super) fn forgot(&self) -> bool {
        self.forgot
    }

    /// Takes in an event; an end that nobody knows is an exception at once.
    pub(super) fn see(&mut self, at: At, event: &Event) -> Option<Exception> {
        let (key, phase) = step(event)?;
        match phase {
            Phase::Begins => {
                let members = [
                    "data.customData.ci.actor",
                    "data.workflow_run.actor.login",
                    "data.actor",
                ];
                let who = at_members(event, &members);
                if !self.open.contains_key(&key) {
                    self.order.push_back(key.clone());
                    self.open.insert(key, (at, name(event), who));
                }
                while self.order.len() > MOST {
                    let oldest = self.order.pop_front();
                    self.forgot |= oldest.is_some_and(|key| self.open.remove(&key).is_some());
                }
                None
            }
            Phase::Ends => {
                let begun = self.open.remove(&key);
                let (_, what, who) = begun.unwrap_or_else(|| (at, name(event), Vec::new()));
                let why = "it ended, and nobody knows how: who waited for it was gone".to_owned();
                unknown(event).then(|| at.exception(Kind::UnfinishedStep, &what, who, why))
            }
        }
    }

    /// Those that began more than an hour before the newest entry.
    pub(super) fn open(&self, newest: Option<u64>) -> impl Iterator<Item = Exception> {
        let late = newest.unwrap_or(0).saturating_sub(USUAL);
        let open = self.open.values().filter(move |(at, ..)| at.time <= late);
        open.map(|(at, what, who)| {
            let why = "no end of it is recorded".to_owned();
            at.exception(Kind::UnfinishedStep, what, who.clone(), why)
        })
    }
}

/// Which step, and whether it begins or ends.
fn step(event: &Event) -> Option<(String, Phase)> {
    let kind = event.kind();
    if let Some(rest) = kind.strip_prefix("dev.cdevents.") {
        let (noun, rest) = rest.split_once('.')?;
        let verb = rest.split('.').next()?;
        let known = [
            "taskrun",
            "pipelinerun",
            "build",
            "testsuiterun",
            "testcaserun",
        ];
        let noun = known.iter().find(|known| **known == noun)?;
        let phase = match verb {
            "started" => Phase::Begins,
            "finished" => Phase::Ends,
            _ => return None,
        };
        return Some((format!("{noun} {}", event.subject()?), phase));
    }
    let phase = match kind {
        "com.github.workflow_run.in_progress" => Phase::Begins,
        "com.github.workflow_run.completed" => Phase::Ends,
        _ => return None,
    };
    let run = event
        .data()?
        .as_object()?
        .get("workflow_run")?
        .as_object()?;
    let number = |name: &str| run.get(name).and_then(Value::as_integer);
    let attempt = number("run_attempt").unwrap_or(1);
    Some((
        format!("run {} {} {attempt}", event.source(), number("id")?),
        phase,
    ))
}

/// What it is called.
fn name(event: &Event) -> String {
    let mut found = None;
    for member in [
        "data.subject.content.taskName",
        "data.subject.content.pipelineName",
        "data.workflow_run.name",
    ] {
        crate::query::key::at(event.object(), member, &mut |text| {
            found.get_or_insert_with(|| text.to_owned());
            true
        });
    }
    let subject = event.subject().unwrap_or_default();
    match found {
        Some(name) if name == subject || subject.is_empty() => name,
        Some(name) => format!("{name} ({subject})"),
        None => subject.to_owned(),
    }
}

/// Whether the event says that nobody knows how the step ended.
fn unknown(event: &Event) -> bool {
    let data = event.data().and_then(Value::as_object);
    let exit = data
        .and_then(|data| data.get("customData")?.as_object()?.get("exit"))
        .and_then(Value::as_object);
    exit.and_then(|exit| exit.get("unknown")) == Some(&Value::Bool(true))
}
