//! What a snapshot saw, as it stands in the record, and what differs between two of them.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{self, NoDiff};
use super::files::{Files, Found, What};
use super::variables::{MAX_VALUE, Variable, Variables};
use super::{name, set_name, sha256_name};
use crate::event::is_sha256_hex;
use crate::json::{Object, Value};
use crate::merkle::{self, Hash};

/// Files and variables at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The files, by name.
    pub files: Files,
    /// The variables, by name.
    pub variables: Variables,
    /// The id of the key that the variables are digested with; none where there are none.
    pub key: Option<String>,
}

/// What became of a file or variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Created,
    /// It is another.
    Changed,
    /// It is gone.
    Deleted,
    /// It may be there; the tree's own rules leave it out now.
    LeftOut,
}

impl Change {
    /// The word in the event.
    pub fn word(self) -> &'static str {
        match self {
            Change::Created => "created",
            Change::Changed => "changed",
            Change::Deleted => "deleted",
            Change::LeftOut => "leftOut",
        }
    }
}

/// One file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its name.
    pub name: Vec<u8>,
    /// What became of it.
    pub change: Change,
    /// What was there.
    pub old: Option<Found>,
    /// What is there.
    pub new: Option<Found>,
}

/// One variable that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableChange {
    /// Its name.
    pub name: Vec<u8>,
    /// What became of it.
    pub change: Change,
    /// What it was.
    pub old: Option<Variable>,
    /// What it is.
    pub new: Option<Variable>,
}

/// Everything that differs between two states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The files, ascending by name.
    pub files: Vec<FileChange>,
    /// The variables, ascending by name.
    pub variables: Vec<VariableChange>,
    /// Whether the values were digested with another key before, so that nobody can tell which of
    /// them changed.
    pub other_key: bool,
}

impl Changes {
    /// What became of `old` in `new`. A file that is gone and stands in `left_out`, or below what
    /// does, is left out rather than deleted.
    pub fn between(old: &State, new: &State, left_out: &BTreeSet<Vec<u8>>) -> Changes {
        let other_key = old.key.is_some() && new.key.is_some() && old.key != new.key;
        let mut files = Vec::new();
        for (name, change, old, new) in differing(&old.files, &new.files, same_file) {
            let change = match change {
                Change::Deleted if is_left_out(&name, left_out) => Change::LeftOut,
                change => change,
            };
            files.push(FileChange {
                name,
                change,
                old,
                new,
            });
        }
        let same = |one: &Variable, other: &Variable| other_key || one.mac == other.mac;
        let variables = differing(&old.variables, &new.variables, same)
            .into_iter()
            .map(|(name, change, old, new)| VariableChange {
                name,
                change,
                old,
                new,
            })
            .collect();
        Changes {
            files,
            variables,
            other_key,
        }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.variables.is_empty() && !self.other_key
    }
}

/// Whether a file is the one it was; that its text is kept now, or no more, changes nothing.
fn same_file(one: &Found, other: &Found) -> bool {
    let bare = |found: &Found| {
        let mut found = found.clone();
        if let What::File { text, .. } = &mut found.what {
            *text = None;
        }
        found
    };
    bare(one) == bare(other)
}

type Differing<T> = Vec<(Vec<u8>, Change, Option<T>, Option<T>)>;

fn differing<T: Clone>(
    old: &BTreeMap<Vec<u8>, T>,
    new: &BTreeMap<Vec<u8>, T>,
    same: impl Fn(&T, &T) -> bool,
) -> Differing<T> {
    let names: BTreeSet<&Vec<u8>> = old.keys().chain(new.keys()).collect();
    let mut found = Vec::new();
    for name in names {
        let (before, now) = (old.get(name), new.get(name));
        let change = match (before, now) {
            (Some(before), Some(now)) if same(before, now) => continue,
            (Some(_), Some(_)) => Change::Changed,
            (None, _) => Change::Created,
            (Some(_), None) => Change::Deleted,
        };
        found.push((name.clone(), change, before.cloned(), now.cloned()));
    }
    found
}

fn is_left_out(name: &[u8], left_out: &BTreeSet<Vec<u8>>) -> bool {
    left_out.contains(name)
        || name
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .any(|(at, _)| name.get(..at).is_some_and(|above| left_out.contains(above)))
}

impl FileChange {
    /// The unified difference, where both texts were kept. A file that comes or goes has none.
    ///
    /// # Errors
    /// Why there is none.
    pub fn diff(&self) -> Result<String, NoDiff> {
        let text = |found: &Option<Found>| match found {
            Some(Found {
                what: What::File {
                    text: Some(text), ..
                },
                ..
            }) => Ok(text.clone()),
            Some(_) => Err(NoDiff::NotKept),
            None => Ok(String::new()),
        };
        diff::unified(&text(&self.old)?, &text(&self.new)?)
    }
}

/// The members that describe what stands under a name.
pub fn found_object(found: &Found) -> Object {
    let object = Object::new().with("mode", format!("{:04o}", found.mode));
    match &found.what {
        What::File { size, digest, .. } => object
            .with("kind", "file")
            .with("size", number(*size))
            .with("digest", sha256_name(digest)),
        What::Link { digest } => object
            .with("kind", "link")
            .with("digest", sha256_name(digest)),
        What::Special(word) => object.with("kind", word.as_str()),
    }
}

/// A count or size; sizes beyond what JSON holds exactly do not come up.
pub fn number(count: u64) -> Value {
    Value::Integer(
        i64::try_from(count)
            .unwrap_or(crate::json::MAX_INTEGER)
            .min(crate::json::MAX_INTEGER),
    )
}

impl State {
    /// The state as it stands in the record.
    pub fn object(&self) -> Object {
        let files = self.files.iter().map(|(path, found)| {
            let mut object = found_object(found);
            set_name(&mut object, "path", path);
            if let What::File {
                text: Some(text), ..
            } = &found.what
            {
                object.set("text", text.as_str());
            }
            Value::from(object)
        });
        let variables = self.variables.iter().map(|(name, variable)| {
            let mut object = Object::new().with("mac", variable.mac.as_str());
            set_name(&mut object, "name", name);
            if let Some(value) = &variable.value {
                object.set("value", value.as_str());
            }
            Value::from(object)
        });
        let object = Object::new()
            .with("files", files.collect::<Vec<_>>())
            .with("variables", variables.collect::<Vec<_>>());
        match &self.key {
            Some(key) => object.with("key", key.as_str()),
            None => object,
        }
    }

    /// The digest of the state: SHA-256 of its canonical JSON.
    pub fn digest(&self) -> Hash {
        merkle::sha256(Value::from(self.object()).to_canonical().as_bytes())
    }

    /// The state that stands in the record; none if it is not as specified.
    pub fn from_object(object: &Object) -> Option<State> {
        let mut state = State::default();
        for value in object.get("files")?.as_array()? {
            let object = value.as_object()?;
            let earlier = state
                .files
                .insert(name(object, "path")?, found_from(object)?);
            if earlier.is_some() {
                return None;
            }
        }
        for value in object.get("variables")?.as_array()? {
            let object = value.as_object()?;
            let mac = object.get("mac")?.as_str()?;
            if !mac.strip_prefix("hmac-sha256:").is_some_and(is_sha256_hex) {
                return None;
            }
            let value = match object.get("value") {
                None => None,
                Some(value) => Some(value.as_str().filter(|text| text.len() <= MAX_VALUE)?),
            };
            let variable = Variable {
                mac: mac.to_owned(),
                value: value.map(str::to_owned),
            };
            let earlier = state.variables.insert(name(object, "name")?, variable);
            if earlier.is_some() {
                return None;
            }
        }
        state.key = match object.get("key") {
            None => None,
            Some(key) => Some(key.as_str()?.to_owned()),
        };
        Some(state)
    }
}

fn found_from(object: &Object) -> Option<Found> {
    let digest = || -> Option<Hash> {
        let text = object.get("digest")?.as_str()?.strip_prefix("sha256:")?;
        crate::capture::digest_from(text)
    };
    let mode = object.get("mode")?.as_str()?;
    let plain = mode.len() == 4 && mode.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let what = match object.get("kind")?.as_str()? {
        "file" => What::File {
            size: u64::try_from(object.get("size")?.as_integer()?).ok()?,
            digest: digest()?,
            text: match object.get("text") {
                None => None,
                Some(text) => Some(text.as_str()?.to_owned()),
            },
        },
        "link" => What::Link { digest: digest()? },
        word => What::Special(word.to_owned()),
    };
    Some(Found {
        mode: u32::from_str_radix(mode, 8).ok().filter(|_| plain)?,
        what,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Found {
        Found {
            mode: 0o644,
            what: What::File {
                size: text.len() as u64,
                digest: merkle::sha256(text.as_bytes()),
                text: Some(text.to_owned()),
            },
        }
    }

    fn variable(mac: u8) -> Variable {
        Variable {
            mac: format!("hmac-sha256:{}", merkle::hex(&[mac; 32])),
            value: None,
        }
    }

    fn state(files: &[(&[u8], Found)], variables: &[(&str, u8)]) -> State {
        let named = |(name, found): &(&[u8], Found)| (name.to_vec(), found.clone());
        let set = |(name, mac): &(&str, u8)| (name.as_bytes().to_vec(), variable(*mac));
        State {
            files: files.iter().map(named).collect(),
            variables: variables.iter().map(set).collect(),
            key: Some("k1".into()),
        }
    }

    #[test]
    fn a_state_is_read_back_as_it_was_written() {
        let link = Found {
            mode: 0o777,
            what: What::Link {
                digest: merkle::sha256(b"x"),
            },
        };
        let pipe = Found {
            mode: 0o4600,
            what: What::Special("fifo".into()),
        };
        let mut state = state(
            &[(b"a", file("x\n")), (b"l", link), (b"\xff", pipe)],
            &[("A", 1)],
        );
        state.variables.insert(
            b"R".to_vec(),
            Variable {
                value: Some("eu".into()),
                ..variable(2)
            },
        );
        let object = state.object();
        assert_eq!(State::from_object(&object), Some(state.clone()));
        let text = Value::from(object).to_canonical();
        for wrong in ["fifo", "0644", "sha256:", "hmac-", "path", "size"] {
            let bent = text.replacen(wrong, "?", 1);
            let value = Value::parse(bent.as_bytes()).unwrap();
            let read = State::from_object(value.as_object().unwrap());
            assert_ne!(read, Some(state.clone()), "{wrong}");
        }
    }

    #[test]
    fn what_differs() {
        let old = state(
            &[
                (b"a", file("1\n")),
                (b"b", file("1\n")),
                (b"d/x", file("1\n")),
                (b"e", file("1\n")),
            ],
            &[("A", 1), ("B", 1), ("C", 1)],
        );
        let mut new = state(
            &[
                (b"a", file("1\n")),
                (b"b", file("2\n")),
                (b"c", file("1\n")),
            ],
            &[("A", 1), ("B", 2), ("D", 1)],
        );
        let left_out = BTreeSet::from([b"d".to_vec()]);
        let changes = Changes::between(&old, &new, &left_out);
        let told: Vec<(&[u8], Change)> = changes
            .files
            .iter()
            .map(|one| (one.name.as_slice(), one.change))
            .collect();
        assert_eq!(
            told,
            [
                (&b"b"[..], Change::Changed),
                (b"c", Change::Created),
                (b"d/x", Change::LeftOut),
                (b"e", Change::Deleted)
            ]
        );
        assert_eq!(
            changes.files[0].diff().as_deref(),
            Ok("@@ -1 +1 @@\n-1\n+2\n")
        );
        let told: Vec<(&[u8], Change)> = changes
            .variables
            .iter()
            .map(|one| (one.name.as_slice(), one.change))
            .collect();
        assert_eq!(
            told,
            [
                (&b"B"[..], Change::Changed),
                (b"C", Change::Deleted),
                (b"D", Change::Created)
            ]
        );

        // under another key only names can be compared
        new.key = Some("k2".into());
        let changes = Changes::between(&old, &new, &left_out);
        assert!(changes.other_key);
        assert_eq!(changes.variables.len(), 2);
        assert!(Changes::between(&old, &old, &left_out).is_empty());
    }

    #[test]
    fn a_text_that_is_kept_now_is_no_change() {
        let old = state(&[(b"a", file("1\n"))], &[]);
        let mut new = old.clone();
        if let Some(Found {
            what: What::File { text, .. },
            ..
        }) = new.files.get_mut(&b"a"[..])
        {
            *text = None;
        }
        assert!(Changes::between(&old, &new, &BTreeSet::new()).is_empty());
        assert_ne!(old.digest(), new.digest());
    }
}
