//! Steps that began and whose end is not recorded yet: one small file each, written before the
//! start is recorded and removed when the end is.
//!
//! What a killed process leaves behind here is recorded by the next that looks.

use std::io;
use std::path::{Path, PathBuf};

use crate::durable;
use crate::event::Pending;
use crate::json::{Object, Value};

/// The largest file that is read back, in bytes: two events with attachments.
const MAX_FILE: u64 = 192 << 20;

/// A step that began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenStep {
    /// The id of the run.
    pub run: String,
    /// The name of the step.
    pub name: String,
    /// The process that waits for it.
    pub process: i64,
    /// When that process began, as the system counts: another can get its number later.
    pub began: Option<i64>,
    /// Where the process runs.
    pub place: Place,
    /// The remotes its events go to, the first of which decides.
    pub push: Vec<String>,
    /// That it started.
    pub started: Pending,
    /// How it ended, once that is known.
    pub finished: Option<Pending>,
}

/// Where a process runs: its number means nothing elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The machine.
    pub machine: String,
    /// This run of it.
    pub boot: String,
    /// Which numbers of processes.
    pub namespace: String,
}

/// Whether somebody who looks from one place can tell that a process of another is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// The same numbers mean the same processes.
    Same,
    /// The machine was started anew since: no process of then is left.
    Gone,
    /// Another machine or container.
    Elsewhere,
}

impl Place {
    /// What can be seen of `other` from here.
    pub fn sees(&self, other: &Place) -> Sight {
        let known = [&self.machine, &self.boot]
            .iter()
            .all(|word| !word.is_empty());
        match () {
            () if self == other => Sight::Same,
            () if known && self.machine == other.machine && self.boot != other.boot => Sight::Gone,
            () => Sight::Elsewhere,
        }
    }
}

/// The files of one ledger.
#[derive(Debug, Clone)]
pub struct OpenSteps {
    dir: PathBuf,
}

impl OpenSteps {
    /// The files in a directory, which need not exist yet.
    pub fn new(dir: impl Into<PathBuf>) -> OpenSteps {
        OpenSteps { dir: dir.into() }
    }

    /// Keeps a step, in place of what was kept of it; durable when it returns.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put(&self, step: &OpenStep) -> io::Result<()> {
        durable::create_dir_all(&self.dir)?;
        let place = Object::new()
            .with("machine", step.place.machine.as_str())
            .with("boot", step.place.boot.as_str())
            .with("namespace", step.place.namespace.as_str());
        let push = step.push.iter().map(|name| Value::from(name.as_str()));
        let mut object = Object::new()
            .with("run", step.run.as_str())
            .with("name", step.name.as_str())
            .with("process", Value::Integer(step.process))
            .with("place", place)
            .with("push", push.collect::<Vec<_>>())
            .with("started", step.started.stored());
        if let Some(began) = step.began {
            object.set("began", Value::Integer(began));
        }
        if let Some(finished) = &step.finished {
            object.set("finished", finished.stored());
        }
        let text = Value::from(object).to_canonical() + "\n";
        durable::write(&self.path(&step.run), text.as_bytes())
    }

    /// All that is open, by the id of the run; a file that makes no sense is left out, and left
    /// alone.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self) -> io::Result<Vec<OpenStep>> {
        let files = durable::listed(&self.dir)?;
        let mut all: Vec<_> = files.iter().filter_map(|path| self.read(path)).collect();
        all.sort_by(|a: &OpenStep, b| a.run.cmp(&b.run));
        Ok(all)
    }

    /// One that is open.
    pub fn get(&self, run: &str) -> Option<OpenStep> {
        self.read(&self.path(run))
    }

    /// Forgets a step whose end is recorded.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn remove(&self, run: &str) -> io::Result<()> {
        // that it is gone need not be durable: what is recorded again is left out
        match std::fs::remove_file(self.path(run)) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
            _ => Ok(()),
        }
    }

    fn path(&self, run: &str) -> PathBuf {
        self.dir.join(format!("{run}.json"))
    }

    fn read(&self, path: &Path) -> Option<OpenStep> {
        let value = Value::parse(&durable::read(path, MAX_FILE).ok()?).ok()?;
        let object = value.as_object()?;
        let text = |object: &Object, name: &str| Some(object.get(name)?.as_str()?.to_owned());
        let pending = |name: &str| Pending::from_stored(object.get(name)?.as_object()?).ok();
        let place = object.get("place")?.as_object()?;
        let push = object.get("push")?.as_array()?;
        let step = OpenStep {
            run: text(object, "run")?,
            name: text(object, "name")?,
            process: object.get("process")?.as_integer()?,
            began: object.get("began").and_then(Value::as_integer),
            place: Place {
                machine: text(place, "machine")?,
                boot: text(place, "boot")?,
                namespace: text(place, "namespace")?,
            },
            push: push
                .iter()
                .map(|name| name.as_str().map(str::to_owned))
                .collect::<Option<_>>()?,
            started: pending("started")?,
            finished: match object.get("finished") {
                None => None,
                Some(_) => Some(pending("finished")?),
            },
        };
        (self.path(&step.run) == path).then_some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    fn place(machine: &str, boot: &str, namespace: &str) -> Place {
        Place {
            machine: machine.into(),
            boot: boot.into(),
            namespace: namespace.into(),
        }
    }

    #[test]
    fn a_step_is_kept_byte_for_byte() {
        let event = br#"{"id":"r/started","source":"/s","specversion":"1.0","type":"t"}"#;
        let started = Pending::new(Event::parse(event).unwrap()).unwrap();
        let mut step = OpenStep {
            run: "r".into(),
            name: "build".into(),
            process: 7,
            began: Some(8),
            place: place("m", "b", "n"),
            push: vec!["origin".into()],
            finished: None,
            started,
        };
        let dir = tempfile::tempdir().unwrap();
        let steps = OpenSteps::new(dir.path().join("steps"));
        assert_eq!(steps.list().unwrap(), []);
        steps.put(&step).unwrap();
        assert_eq!(steps.list().unwrap(), [step.clone()]);
        step.finished = Some(Pending {
            body: Some(b"\xff".to_vec()),
            ..step.started.clone()
        });
        steps.put(&step).unwrap();
        std::fs::write(dir.path().join("steps/x.json"), "{").unwrap();
        std::fs::copy(
            dir.path().join("steps/r.json"),
            dir.path().join("steps/q.json"),
        )
        .unwrap();
        assert_eq!(steps.list().unwrap(), [step.clone()]);
        assert_eq!(steps.get("r"), Some(step));
        steps.remove("r").unwrap();
        steps.remove("r").unwrap();
        assert_eq!(steps.list().unwrap(), []);
    }

    #[test]
    fn who_can_tell_that_a_process_is_gone() {
        let here = place("m", "b", "n");
        assert_eq!(here.sees(&here), Sight::Same);
        assert_eq!(here.sees(&place("m", "c", "n")), Sight::Gone);
        assert_eq!(here.sees(&place("m", "b", "o")), Sight::Elsewhere);
        assert_eq!(here.sees(&place("o", "c", "n")), Sight::Elsewhere);
        let nowhere = place("", "", "");
        assert_eq!(nowhere.sees(&place("", "b", "")), Sight::Elsewhere);
    }
}
