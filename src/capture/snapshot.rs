//! A snapshot as events: one for each file and variable that changed, and the state itself.
//!
//! Ids are made from the snapshot before, the scope and the state, so two who record the same
//! change record it once.

use super::state::{Changes, FileChange, State, VariableChange, found_object, number};
use super::{set_name, sha256_name};
use crate::escape::printable_bytes;
use crate::event::{CONFIG_CHANGED, ENV_CHANGED, Event, EventFault, Pending, SNAPSHOT};
use crate::json::{Object, Value, forbidden_character};
use crate::merkle;

/// The scope where none is given.
pub const DEFAULT_SCOPE: &str = "default";
/// The longest name of a scope, in bytes.
const MAX_SCOPE: usize = 128;

/// A snapshot that is to be recorded.
#[derive(Clone)]
pub struct Snapshot<'a> {
    /// What it is a snapshot of: snapshots of one scope are compared with each other.
    pub scope: &'a str,
    /// Where it was taken, a URI.
    pub source: &'a str,
    /// When, RFC 3339.
    pub time: &'a str,
    /// The id of the snapshot before, and the state that it recorded.
    pub previous: Option<&'a Previous>,
    /// What was seen.
    pub state: &'a State,
    /// What differs from the one before; nothing where there is none.
    pub changes: &'a Changes,
    /// How much the trees' own rules leave out.
    pub left_out: u64,
    /// Which files' differences may be told.
    pub diff: &'a dyn Fn(&[u8]) -> bool,
    /// What is known of the pipeline.
    pub ci: Option<&'a Object>,
}

/// A snapshot that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// The id of its event.
    pub id: String,
    /// What it saw.
    pub state: State,
}

/// Whether this names a scope: printable ASCII without spaces.
pub fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_SCOPE && text.bytes().all(|b| b.is_ascii_graphic())
}

impl Previous {
    /// Reads the data of a snapshot of this scope; none if it is of another, or not as specified.
    pub fn read(id: &str, data: &Object, scope: &str) -> Option<Previous> {
        if data.get("scope")?.as_str()? != scope {
            return None;
        }
        let state = State::from_object(data.get("state")?.as_object()?)?;
        let named = data.get("digest")?.as_str()?;
        (named == sha256_name(&state.digest())).then(|| Previous {
            id: id.to_owned(),
            state,
        })
    }
}

impl Snapshot<'_> {
    /// The id of the snapshot's own event.
    pub fn id(&self) -> String {
        let mut named = Object::new()
            .with("scope", self.scope)
            .with("state", sha256_name(&self.state.digest()));
        if let Some(previous) = self.previous {
            named.set("previous", previous.id.as_str());
        }
        let digest = merkle::sha256(Value::from(named).to_canonical().as_bytes());
        format!("snapshot/{}", merkle::hex(&digest))
    }

    /// The events: changed files, changed variables, the snapshot.
    ///
    /// # Errors
    /// When something of it cannot stand in an event.
    pub fn events(&self) -> Result<Vec<Pending>, EventFault> {
        let id = self.id();
        let mut events = Vec::new();
        for change in &self.changes.files {
            let data = self.file(change, &id);
            events.push((CONFIG_CHANGED, word(&change.name), data));
        }
        for change in &self.changes.variables {
            let data = self.variable(change, &id);
            events.push((ENV_CHANGED, word(&change.name), data));
        }
        let of_changes = events.len();
        events.push((SNAPSHOT, self.scope.to_owned(), self.data(of_changes)));
        let all = events.into_iter().enumerate();
        all.map(|(at, (kind, subject, mut data))| {
            if let Some(ci) = self.ci {
                data.set("ci", ci.clone());
            }
            let id = match at {
                at if at == of_changes => id.clone(),
                at => format!("{id}/{}", at + 1),
            };
            let object = Object::new()
                .with("specversion", "1.0")
                .with("type", kind)
                .with("source", self.source)
                .with("id", id)
                .with("subject", subject)
                .with("time", self.time)
                .with("data", data);
            Pending::new(Event::from_object(object)?)
        })
        .collect()
    }

    fn data(&self, changes: usize) -> Object {
        let kinds = |word: &str| {
            let files = self.state.files.values();
            let count = files.filter(|found| {
                found_object(found).get("kind").and_then(Value::as_str) == Some(word)
            });
            count.count() as u64
        };
        let (files, links) = (kinds("file"), kinds("link"));
        let special = self.state.files.len() as u64 - files - links;
        let counts = Object::new()
            .with("files", number(files))
            .with("links", number(links))
            .with("special", number(special))
            .with("variables", number(self.state.variables.len() as u64))
            .with("leftOut", number(self.left_out))
            .with("changes", number(changes as u64));
        let mut data = Object::new()
            .with("scope", self.scope)
            .with("counts", counts)
            .with("digest", sha256_name(&self.state.digest()))
            .with("state", self.state.object());
        if let Some(previous) = self.previous {
            data.set("previous", previous.id.as_str());
            if self.changes.other_key {
                data.set("otherKey", true);
            }
        }
        data
    }

    fn file(&self, change: &FileChange, snapshot: &str) -> Object {
        let mut data = Object::new()
            .with("scope", self.scope)
            .with("snapshot", snapshot)
            .with("change", change.change.word());
        set_name(&mut data, "path", &change.name);
        for (member, found) in [("old", &change.old), ("new", &change.new)] {
            if let Some(found) = found {
                data.set(member, found_object(found));
            }
        }
        if (self.diff)(&change.name) {
            match change.diff() {
                Ok(diff) => data.set("diff", diff),
                Err(why) => data.set("noDiff", why.word()),
            }
        }
        data
    }

    fn variable(&self, change: &VariableChange, snapshot: &str) -> Object {
        let mut data = Object::new()
            .with("scope", self.scope)
            .with("snapshot", snapshot)
            .with("change", change.change.word());
        set_name(&mut data, "name", &change.name);
        if let Some(key) = &self.state.key {
            data.set("key", key.as_str());
        }
        for (member, variable) in [("old", &change.old), ("new", &change.new)] {
            if let Some(variable) = variable {
                let mut object = Object::new().with("mac", variable.mac.as_str());
                if let Some(value) = &variable.value {
                    object.set("value", value.as_str());
                }
                data.set(member, object);
            }
        }
        data
    }
}

/// A name as a subject: as it is where a string can hold it, else spelled out.
fn word(name: &[u8]) -> String {
    match std::str::from_utf8(name) {
        Ok(text) if forbidden_character(text).is_none() && !text.is_empty() => text.to_owned(),
        _ => format!("?{}", printable_bytes(name)),
    }
}
