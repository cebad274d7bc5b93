//! A step of a pipeline as two events: that it started, and how it ended.
//!
//! Both are CDEvents (`taskrun.started`, `taskrun.finished`) with one subject, the run's id; what
//! CDEvents has no word for stands in `customData`.

use std::path::Path;

use super::files::Walked;
use super::state::{Changes, State, found_object, number};
use super::variables::{Variable, Variables};
use super::{set_name, sha256_name};
use crate::cdevents::{self, Kind, Subject};
use crate::event::{Event, Pending};
use crate::json::{Object, Value, forbidden_character};
use crate::mac::{DigestKey, Purpose};
use crate::secret;

/// The longest name of a step, in bytes.
pub const MAX_NAME: usize = 256;
/// The longest command whose words are recorded, in bytes.
const MAX_WORDS: usize = 4096;

/// What both events of a step share.
#[derive(Debug, Clone)]
pub struct Step<'a> {
    /// New for each run.
    pub run: &'a str,
    /// What the step is called.
    pub name: &'a str,
    /// Where it runs, a URI.
    pub source: &'a str,
    /// Its command, by [`command`].
    pub command: &'a Object,
    /// What is known of the pipeline.
    pub ci: Option<&'a Object>,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this status.
    Exited(i32),
    /// By a signal, which somebody sent through us or not.
    Killed {
        /// Its number.
        signal: i32,
        /// Its name.
        name: String,
        /// Whether it was asked for: passed on by us, or sent by the terminal.
        asked: bool,
    },
    /// It never began.
    NotStarted(String),
    /// Whoever waited for it died first.
    Unknown,
}

impl Ending {
    /// The outcome in the words of CDEvents.
    pub fn outcome(&self) -> &'static str {
        match self {
            Ending::Exited(0) => "success",
            Ending::Exited(_) => "failure",
            Ending::Killed { asked: true, .. } => "cancel",
            Ending::Killed { asked: false, .. } | Ending::NotStarted(_) | Ending::Unknown => {
                "error"
            }
        }
    }

    /// What went wrong, in words; nothing if all went well.
    pub fn errors(&self) -> Option<String> {
        match self {
            Ending::Exited(0) => None,
            Ending::Exited(code) => Some(format!("exit status {code}")),
            Ending::Killed { name, .. } => Some(format!("killed by {name}")),
            Ending::NotStarted(why) => Some(format!("not started: {why}")),
            Ending::Unknown => {
                Some("whoever waited for it died, so nobody knows how it ended".into())
            }
        }
    }

    fn object(&self) -> Object {
        match self {
            Ending::Exited(code) => Object::new().with("code", Value::Integer((*code).into())),
            Ending::Killed { signal, name, .. } => Object::new()
                .with("signal", name.as_str())
                .with("number", Value::Integer((*signal).into())),
            Ending::NotStarted(_) => Object::new().with("notStarted", true),
            Ending::Unknown => Object::new().with("unknown", true),
        }
    }
}

/// What was looked at before a step and after it.
#[derive(Debug, Clone, Default)]
pub struct Looked {
    /// The watched files.
    pub files: Walked,
    /// The variables.
    pub variables: Variables,
    /// What stands in the files that carry variables to later steps, by the name of the variable
    /// that names the file.
    pub carried: Vec<(String, Variables)>,
    /// What could not be looked at, and why.
    pub unread: Option<String>,
}

impl Looked {
    fn state(&self) -> State {
        State {
            files: self.files.files.clone(),
            ..State::default()
        }
    }

    fn files(&self) -> Object {
        let object = Object::new()
            .with("files", number(self.files.files.len() as u64))
            .with("digest", sha256_name(&self.state().digest()));
        match &self.unread {
            Some(why) => object.with("unread", why.as_str()),
            None => object,
        }
    }
}

/// What a step made, looked at after it.
#[derive(Debug, Clone)]
pub struct Made {
    /// The path as it was given, named as in the record.
    pub name: Vec<u8>,
    /// What was found there, or why it could not be read.
    pub found: Result<Walked, String>,
}

/// How a step went.
#[derive(Debug, Clone)]
pub struct Finish<'a> {
    /// How the command ended.
    pub ending: &'a Ending,
    /// How long it took, in milliseconds; unknown if nobody waited.
    pub duration: Option<u64>,
    /// What was seen before and after; none if nothing was watched.
    pub looked: Option<(&'a Looked, &'a Looked)>,
    /// What it made.
    pub made: &'a [Made],
}

/// The command: its program by name, how many words follow, an HMAC over all of them; and the words
/// themselves if they are `shown` and none looks like a secret.
pub fn command(words: &[&[u8]], key: &DigestKey, shown: bool) -> Object {
    let program = words.first().copied().unwrap_or_default();
    let name = {
        use std::os::unix::ffi::OsStrExt as _;
        let path = Path::new(std::ffi::OsStr::from_bytes(program));
        path.file_name().map_or(program, |name| name.as_bytes())
    };
    let mut object = Object::new()
        .with("arguments", number(words.len().saturating_sub(1) as u64))
        .with("mac", key.mac(Purpose::Command, words))
        .with("key", key.id());
    set_name(&mut object, "program", name);
    if shown {
        match texts(words) {
            Some(texts) => object.set("words", texts),
            None => object.set("wordsLeftOut", true),
        }
    }
    object
}

fn texts(words: &[&[u8]]) -> Option<Vec<Value>> {
    let texts: Option<Vec<&str>> = words
        .iter()
        .map(|word| std::str::from_utf8(word).ok())
        .collect();
    let texts = texts?;
    let joined = texts.join(" ");
    let refused = joined.len() > MAX_WORDS
        || forbidden_character(&joined).is_some()
        || secret::is_in(&joined)
        || texts.iter().any(|word| secret::is_in(word));
    (!refused).then(|| texts.into_iter().map(Value::from).collect())
}

impl Step<'_> {
    /// The event that the step started. `time` is RFC 3339.
    ///
    /// # Errors
    /// Why something of it cannot stand in an event.
    pub fn started(
        &self,
        time: &str,
        before: Option<&Looked>,
        key: &str,
    ) -> Result<Pending, String> {
        let mut custom = self.custom();
        if let Some(before) = before {
            custom.set("watched", before.files());
            custom.set("variables", variables(&before.variables, key));
        }
        self.event("taskrun.started", "started", time, Object::new(), custom)
    }

    /// The event that the step ended.
    ///
    /// # Errors
    /// Why something of it cannot stand in an event.
    pub fn finished(&self, time: &str, finish: &Finish<'_>, key: &str) -> Result<Pending, String> {
        let mut content = Object::new().with("outcome", finish.ending.outcome());
        if let Some(errors) = finish.ending.errors() {
            content.set("errors", errors);
        }
        let mut custom = self
            .custom()
            .with("started", id(self.run, "started"))
            .with("exit", finish.ending.object());
        if let Some(duration) = finish.duration {
            custom.set("durationMs", number(duration));
        }
        if let Some((before, after)) = finish.looked {
            custom.set("watched", watched(before, after));
            custom.set(
                "variables",
                variables(&before.variables, key).with("carried", carried(before, after)),
            );
        }
        if !finish.made.is_empty() {
            let all = finish.made.iter().flat_map(artifacts);
            custom.set("artifacts", all.collect::<Vec<_>>());
        }
        self.event("taskrun.finished", "finished", time, content, custom)
    }

    fn custom(&self) -> Object {
        let custom = Object::new().with("command", self.command.clone());
        match self.ci {
            Some(ci) => custom.with("ci", ci.clone()),
            None => custom,
        }
    }

    fn event(
        &self,
        kind: &str,
        what: &str,
        time: &str,
        content: Object,
        custom: Object,
    ) -> Result<Pending, String> {
        let kind = Kind::of(kind).ok_or("CDEvents has no such type")?;
        let mut content = content.with("taskName", self.name);
        let url = self
            .ci
            .and_then(|ci| ci.get("run")?.as_object()?.get("url")?.as_str());
        if let Some(url) = url {
            let with = content.clone().with("uri", url);
            // a claim of the environment; what is no URI is left out
            if kind.check(&with).is_ok() {
                content = with;
            }
        }
        let subject = Subject {
            id: self.run.to_owned(),
            source: None,
            content,
        };
        let id = id(self.run, what);
        let object = cdevents::event(kind, &id, self.source, time, subject, Some(custom))
            .map_err(|why| why.to_string())?;
        let event = Event::from_object(object).map_err(|why| why.to_string())?;
        Pending::new(event).map_err(|why| why.to_string())
    }
}

/// The id of an event of a run.
pub fn id(run: &str, what: &str) -> String {
    format!("{run}/{what}")
}

fn variables(all: &Variables, key: &str) -> Object {
    let items = all.iter().map(|(name, variable)| {
        let mut object = Object::new().with("mac", variable.mac.as_str());
        set_name(&mut object, "name", name);
        Value::from(object)
    });
    Object::new()
        .with("key", key)
        .with("set", items.collect::<Vec<_>>())
}

fn watched(before: &Looked, after: &Looked) -> Object {
    let changes = Changes::between(&before.state(), &after.state(), &after.files.left_out);
    let items = changes.files.iter().map(|change| {
        let mut object = Object::new().with("change", change.change.word());
        set_name(&mut object, "path", &change.name);
        for (member, found) in [("old", &change.old), ("new", &change.new)] {
            if let Some(found) = found {
                object.set(member, found_object(found));
            }
        }
        Value::from(object)
    });
    Object::new()
        .with("before", before.files())
        .with("after", after.files())
        .with("changes", items.collect::<Vec<_>>())
}

/// The variables that the step set or changed in the files that carry them to later steps.
fn carried(before: &Looked, after: &Looked) -> Vec<Value> {
    let mut items = Vec::new();
    for (file, now) in &after.carried {
        let none = Variables::new();
        let then = before.carried.iter().find(|(name, _)| name == file);
        let then = then.map_or(&none, |(_, then)| then);
        let old = State {
            variables: then.clone(),
            ..State::default()
        };
        let new = State {
            variables: now.clone(),
            ..State::default()
        };
        for change in Changes::between(&old, &new, &Default::default()).variables {
            let mut object = Object::new()
                .with("file", file.as_str())
                .with("change", change.change.word());
            set_name(&mut object, "name", &change.name);
            let mut put = |member: &str, variable: &Option<Variable>| {
                if let Some(variable) = variable {
                    object.set(member, Object::new().with("mac", variable.mac.as_str()));
                }
            };
            put("old", &change.old);
            put("new", &change.new);
            items.push(Value::from(object));
        }
    }
    items
}

fn artifacts(made: &Made) -> Vec<Value> {
    let bare = |word: &str, value: Value| {
        let mut object = Object::new().with(word, value);
        set_name(&mut object, "path", &made.name);
        vec![Value::from(object)]
    };
    match &made.found {
        Err(why) => bare("unread", why.as_str().into()),
        Ok(walked) if walked.files.is_empty() => bare("missing", true.into()),
        Ok(walked) => {
            let items = walked.files.iter().map(|(name, found)| {
                let mut object = found_object(found);
                set_name(&mut object, "path", name);
                Value::from(object)
            });
            items.collect()
        }
    }
}
