//! What an event says that can be counted.

use crate::event::{Event, GAP};
use crate::json::{Object, Value};

/// Names of counters are no longer, in bytes.
const MAX_NAME: usize = 512;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The `sequence` of CloudEvents of one source.
    Sequence,
    /// The runs of one workflow of one repository.
    Run,
    /// The pushes to one ref of one repository.
    Push,
}

impl What {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            What::Sequence => "sequence",
            What::Run => "run_number",
            What::Push => "push",
        }
    }

    fn of(word: &str) -> Option<What> {
        [What::Sequence, What::Run, What::Push]
            .into_iter()
            .find(|what| what.word() == word)
    }
}

/// One counter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counter {
    /// What is counted.
    pub what: What,
    /// `source` of the events.
    pub source: String,
    /// The workflow or the ref; nothing where the source counts as a whole.
    pub name: String,
}

/// What an event says of one counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A number of it.
    Number {
        /// Which counter.
        counter: Counter,
        /// The number.
        value: i64,
    },
    /// The first number of a counter that begins again.
    First {
        /// Which counter.
        counter: Counter,
        /// The number.
        value: i64,
    },
    /// A push.
    Link {
        /// Which ref.
        counter: Counter,
        /// Where it was before, an object id.
        before: String,
        /// Where it is after.
        after: String,
    },
    /// Numbers are missing, and that is in the record.
    NumbersTold {
        /// Which counter.
        counter: Counter,
        /// The first that is missing.
        from: i64,
        /// The last.
        to: i64,
    },
    /// Pushes are missing up to here, and that is in the record.
    LinkTold {
        /// Which ref.
        counter: Counter,
        /// Where the next push found it.
        found: String,
    },
}

impl Step {
    /// What an event says; nothing where it counts nothing, or is not as it must be.
    pub fn of(event: &Event) -> Vec<Step> {
        let data = event.data().and_then(Value::as_object);
        let mut steps: Vec<Step> = sequence(event).into_iter().collect();
        let step = match (event.kind(), data) {
            (GAP, Some(data)) => told(event, data),
            ("com.github.push" | "com.gitea.push" | "com.gitlab.push", Some(data)) => {
                push(event, data)
            }
            (kind, Some(data)) if kind.starts_with("com.github.workflow_run.") => run(event, data),
            _ => None,
        };
        steps.extend(step);
        steps
    }
}

fn counter(what: What, event: &Event, name: &str) -> Option<Counter> {
    let source = event.source();
    (name.len() <= MAX_NAME && source.len() <= MAX_NAME).then(|| Counter {
        what,
        source: source.to_owned(),
        name: name.to_owned(),
    })
}

/// The extension "sequence": decimal numbers of 32 bits, the first of which is 1.
fn sequence(event: &Event) -> Option<Step> {
    if event.attribute("sequencetype") != Some("Integer") {
        return None;
    }
    let value = event.attribute("sequence")?.parse::<i32>().ok()?.into();
    let counter = counter(What::Sequence, event, "")?;
    Some(match value {
        1 => Step::First { counter, value },
        _ => Step::Number { counter, value },
    })
}

fn push(event: &Event, data: &Object) -> Option<Step> {
    let text = |member: &str| data.get(member).and_then(Value::as_str);
    let id = |member: &str| {
        let id = text(member)?;
        let hex = id
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        (hex && matches!(id.len(), 40 | 64)).then(|| id.to_owned())
    };
    Some(Step::Link {
        counter: counter(What::Push, event, text("ref")?)?,
        before: id("before")?,
        after: id("after")?,
    })
}

fn run(event: &Event, data: &Object) -> Option<Step> {
    let run = data.get("workflow_run")?.as_object()?;
    let workflow = run.get("workflow_id")?.as_integer()?;
    Some(Step::Number {
        counter: counter(What::Run, event, &workflow.to_string())?,
        value: run.get("run_number")?.as_integer()?,
    })
}

/// A gap that this program recorded; gaps of refs that were compared are told in other members.
fn told(event: &Event, data: &Object) -> Option<Step> {
    let text = |member: &str| data.get(member).and_then(Value::as_str);
    let what = What::of(text("how")?)?;
    let counter = counter(what, event, text("counter").unwrap_or_default())?;
    let missing = data.get("missing")?.as_object()?;
    let number = |member: &str| missing.get(member).and_then(Value::as_integer);
    match what {
        What::Push => Some(Step::LinkTold {
            counter,
            found: missing.get("found")?.as_str()?.to_owned(),
        }),
        What::Sequence | What::Run => {
            let (from, to) = (number("from")?, number("to")?);
            (from <= to).then_some(Step::NumbersTold { counter, from, to })
        }
    }
}
