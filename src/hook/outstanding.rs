//! Pushes that were let in and whose outcome is not known yet: one small file each, written
//! before the push is recorded and removed when its refs are seen to have moved.
//!
//! What a killed server process leaves behind here is settled by the next hook that runs.

use std::io;
use std::path::{Path, PathBuf};

use gix::ObjectId;

use crate::durable;
use crate::json::{Object, Value};

use super::Update;
use super::push_event::Outcome;
use super::pusher::set_ref;

/// The largest file that is read back, in bytes.
const MAX_FILE: u64 = 256 << 20;

/// A push whose outcome is awaited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// The id of its event.
    pub id: String,
    /// The source of its event.
    pub source: String,
    /// The process that moves the refs: the parent of both hooks.
    pub process: i64,
    /// When that process began, as the system counts: another process can get its number later.
    pub began: Option<i64>,
    /// What was recorded.
    pub updates: Vec<Update>,
}

/// The files of one ledger.
#[derive(Debug, Clone)]
pub struct Outstanding {
    dir: PathBuf,
    format: gix::hash::Kind,
}

impl Outstanding {
    /// The files in a directory, which need not exist yet.
    pub fn new(dir: impl Into<PathBuf>, format: gix::hash::Kind) -> Outstanding {
        Outstanding {
            dir: dir.into(),
            format,
        }
    }

    /// Keeps a push; durable when it returns.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put(&self, awaited: &Awaited) -> io::Result<()> {
        durable::create_dir_all(&self.dir)?;
        let line = |update: &Update| -> Value {
            let mut object = Object::new()
                .with("old", update.old.to_string())
                .with("new", update.new.to_string());
            set_ref(&mut object, &update.name);
            object.into()
        };
        let object = Object::new()
            .with("id", awaited.id.as_str())
            .with("source", awaited.source.as_str())
            .with("process", Value::Integer(awaited.process))
            .with("refs", awaited.updates.iter().map(line).collect::<Vec<_>>());
        let object = match awaited.began {
            Some(began) => object.with("began", Value::Integer(began)),
            None => object,
        };
        let text = Value::from(object).to_canonical() + "\n";
        durable::write(&self.path(&awaited.id), text.as_bytes())
    }

    /// Everything that is awaited; a file that makes no sense is left out, and left alone.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self) -> io::Result<Vec<Awaited>> {
        let files = durable::listed(&self.dir)?;
        let mut all: Vec<_> = files.iter().filter_map(|path| self.read(path)).collect();
        all.sort_by(|a: &Awaited, b| a.id.cmp(&b.id));
        Ok(all)
    }

    /// Forgets a push whose outcome is known.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn remove(&self, id: &str) -> io::Result<()> {
        // that it is gone need not be durable: settling it again changes nothing
        match std::fs::remove_file(self.path(id)) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
            _ => Ok(()),
        }
    }

    fn path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.json"))
    }

    fn read(&self, path: &Path) -> Option<Awaited> {
        let value = Value::parse(&durable::read(path, MAX_FILE).ok()?).ok()?;
        let object = value.as_object()?;
        let text = |object: &Object, name: &str| Some(object.get(name)?.as_str()?.to_owned());
        let id = |object: &Object, name: &str| -> Option<ObjectId> {
            crate::git::parse_id(text(object, name)?.as_bytes(), self.format)
        };
        let update = |value: &Value| -> Option<Update> {
            let object = value.as_object()?;
            let name = match text(object, "ref") {
                Some(name) => name.into_bytes(),
                None => {
                    use base64::Engine as _;
                    let name = text(object, "ref_base64")?;
                    base64::engine::general_purpose::STANDARD
                        .decode(name)
                        .ok()?
                }
            };
            Some(Update {
                old: id(object, "old")?,
                new: id(object, "new")?,
                name,
            })
        };
        let awaited = Awaited {
            id: text(object, "id")?,
            source: text(object, "source")?,
            process: object.get("process")?.as_integer()?,
            began: object.get("began").and_then(Value::as_integer),
            updates: object
                .get("refs")?
                .as_array()?
                .iter()
                .map(update)
                .collect::<Option<_>>()?,
        };
        (self.path(&awaited.id) == path).then_some(awaited)
    }
}

/// The push that a report of moved refs belongs to: all that moved stands in it, and it comes
/// from the same process where that is known.
pub fn matching<'a>(awaited: &'a [Awaited], moved: &[Update], process: i64) -> Option<&'a Awaited> {
    let fits = |awaited: &&Awaited| -> bool { moved.iter().all(|m| awaited.updates.contains(m)) };
    awaited
        .iter()
        .filter(fits)
        .max_by_key(|awaited| awaited.process == process)
}

/// Whether one of these changes, by this process, is all of that already.
pub fn covers(awaited: &[Awaited], process: i64, updates: &[Update]) -> bool {
    let covered = |update: &Update| {
        awaited.iter().any(|one| {
            let same = |known: &Update| known.name == update.name && known.new == update.new;
            one.process == process && one.updates.iter().any(same)
        })
    };
    updates.iter().all(covered)
}

/// The refs that did not move as recorded, and why, given what moved and what the refs hold now.
pub fn unmoved(
    awaited: &Awaited,
    moved: &[Update],
    mut holds: impl FnMut(&[u8]) -> Option<ObjectId>,
) -> Option<(Vec<Update>, Outcome)> {
    let moved: std::collections::HashSet<&[u8]> =
        moved.iter().map(|update| update.name.as_slice()).collect();
    let left: Vec<Update> = awaited
        .updates
        .iter()
        .filter(|update| !moved.contains(update.name.as_slice()))
        .cloned()
        .collect();
    let stayed = left.iter().all(|update| stays(update, holds(&update.name)));
    let outcome = if stayed {
        Outcome::Refused
    } else {
        Outcome::Raced
    };
    (!left.is_empty()).then_some((left, outcome))
}

/// The refs that certainly did not move, when nobody reported what did: those that still hold
/// what they held. Others may have moved, twice even; nothing is said of them.
pub fn settled(awaited: &Awaited, mut holds: impl FnMut(&[u8]) -> Option<ObjectId>) -> Vec<Update> {
    awaited
        .updates
        .iter()
        .filter(|update| update.old != update.new && stays(update, holds(&update.name)))
        .cloned()
        .collect()
}

fn stays(update: &Update, holds: Option<ObjectId>) -> bool {
    holds.unwrap_or(update.old.kind().null()) == update.old
}

#[cfg(test)]
mod tests {
    use super::*;
    use gix::hash::Kind;

    fn id(byte: u8) -> ObjectId {
        ObjectId::from_bytes_or_panic(&[byte; 20])
    }

    fn awaited(name: &str, process: i64) -> Awaited {
        let update = |name: &[u8], old, new| Update {
            old: id(old),
            new: id(new),
            name: name.to_vec(),
        };
        Awaited {
            id: name.to_owned(),
            source: "/r".into(),
            process,
            began: Some(7),
            updates: vec![
                update(b"refs/heads/a", 0, 1),
                update(b"refs/heads/\xff", 1, 2),
                update(b"refs/heads/c", 2, 0),
            ],
        }
    }

    #[test]
    fn keeps_what_is_awaited_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        let outstanding = Outstanding::new(dir.path().join("pushes"), Kind::Sha1);
        assert_eq!(outstanding.list().unwrap(), []);
        let push = awaited("7d", 42);
        outstanding.put(&push).unwrap();
        std::fs::write(dir.path().join("pushes/x.json"), "{").unwrap();
        assert_eq!(outstanding.list().unwrap(), [push]);
        outstanding.remove("7d").unwrap();
        outstanding.remove("7d").unwrap();
        assert_eq!(outstanding.list().unwrap(), []);
    }

    #[test]
    fn finds_what_did_not_move() {
        let all = [awaited("a", 1), awaited("b", 2)];
        let moved = &all[0].updates[..2];
        assert_eq!(matching(&all, moved, 1).map(|m| m.id.as_str()), Some("a"));
        assert_eq!(matching(&all, moved, 2).map(|m| m.id.as_str()), Some("b"));
        let other = [Update {
            new: id(9),
            ..all[0].updates[0].clone()
        }];
        assert_eq!(matching(&all, &other, 1), None);

        let c = &all[0].updates[2];
        let still = |_: &[u8]| Some(id(2));
        assert_eq!(
            unmoved(&all[0], moved, still),
            Some((vec![c.clone()], Outcome::Refused))
        );
        assert_eq!(
            unmoved(&all[0], moved, |_| Some(id(7))),
            Some((vec![c.clone()], Outcome::Raced))
        );
        assert_eq!(unmoved(&all[0], &all[0].updates, still), None);
        assert_eq!(settled(&all[0], still), vec![c.clone()]);
        assert_eq!(settled(&all[0], |_| None), vec![all[0].updates[0].clone()]);
    }
}
