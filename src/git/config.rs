//! Git's configuration, read in-process, every value with the scope it came from, so that a
//! caller can demand that what names a program comes from the user and not from the repository.
//!
//! # Limits
//! `includeIf` knows `gitdir`, `gitdir/i` and `onbranch`, not `hasconfig`. The system file is
//! /etc/gitconfig unless GIT_CONFIG_SYSTEM says otherwise.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::bstr::ByteSlice;

use super::config_sources;
use super::environment::Environment;

/// Which values a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Only what the user or the machine's administrator set: system, global, environment.
    Trusted,
    /// Also what stands in the repository itself, which somebody else may have written.
    Any,
}

/// Why a configuration could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file could not be read.
    #[error("cannot read '{}': {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file or variable breaks the grammar.
    #[error("cannot understand '{place}', line {line}")]
    Syntax {
        /// The file or variable.
        place: String,
        /// The number of the line.
        line: usize,
    },
    /// Includes that include each other, or too many of them.
    #[error("too many included configuration files, the last one '{}'", .0.display())]
    Includes(PathBuf),
    /// A key that is no key, or a value that cannot be written.
    #[error("'{0}' is not a valid configuration key or value")]
    Invalid(String),
    /// Git would not write it.
    #[error("git could not change the configuration: {0}")]
    NotWritten(String),
}

/// A snapshot of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Config {
    values: Vec<Value>,
}

#[derive(Debug, Clone)]
pub(super) struct Value {
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
    pub local: bool,
    pub origin: Arc<Origin>,
}

/// Which file or variable a value stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file, be it named by git, by the environment or by another file that includes it.
    File(PathBuf),
    /// The environment, as `git -c` and CI systems set it.
    Environment,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::File(path) => write!(f, "'{}'", path.display()),
            Origin::Environment => f.write_str("the environment"),
        }
    }
}

/// Where the repository's own files are, for the configuration's sake.
#[derive(Debug, Clone, Copy)]
pub(super) struct Local<'a> {
    pub git_dir: &'a Path,
    pub common_dir: &'a Path,
}

impl Config {
    /// What holds for the user, whatever the repository.
    pub fn of_user(environment: &Environment) -> Result<Self, ConfigError> {
        Self::read(environment, None)
    }

    pub(super) fn read(
        environment: &Environment,
        local: Option<Local<'_>>,
    ) -> Result<Self, ConfigError> {
        config_sources::collect(environment, local).map(|values| Self { values })
    }

    /// The value that wins, as text; a name that stands alone is `true`. Bytes that are not UTF-8
    /// are replaced: use [`Config::get_bytes`] where they matter.
    pub fn get(&self, key: &str, scope: Scope) -> Option<String> {
        self.get_bytes(key, scope)
            .map(|v| String::from_utf8_lossy(&v).into_owned())
    }

    /// The value that wins, byte for byte.
    pub fn get_bytes(&self, key: &str, scope: Scope) -> Option<Vec<u8>> {
        self.matching(key, scope).next_back()
    }

    /// Which file or variable the value that wins stands in.
    pub fn origin(&self, key: &str, scope: Scope) -> Option<Origin> {
        let key = fold_key(key.as_bytes())?;
        self.in_scope(scope)
            .rfind(|value| value.key == key)
            .map(|value| (*value.origin).clone())
    }

    /// The keys of the repository's own files that `wanted` accepts, each once, as git compares
    /// them; foreign text.
    pub fn local_keys(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let mut keys: Vec<String> = self
            .local_values(|_| true)
            .into_iter()
            .map(|(key, _)| String::from_utf8_lossy(&key).into_owned())
            .filter(|key| wanted(key))
            .collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// The value that wins, as a path: `~/` is the home directory.
    pub fn get_path(&self, key: &str, scope: Scope, environment: &Environment) -> Option<PathBuf> {
        self.get_bytes(key, scope)
            .map(|v| expand_home(&v, environment))
    }

    /// The value that wins, as git reads booleans; `None` if unset or none of its words.
    pub fn get_bool(&self, key: &str, scope: Scope) -> Option<bool> {
        let value = self.get_bytes(key, scope)?;
        match value.to_ascii_lowercase().as_slice() {
            b"true" | b"yes" | b"on" => Some(true),
            b"false" | b"no" | b"off" | b"" => Some(false),
            number => std::str::from_utf8(number)
                .ok()?
                .parse::<i64>()
                .ok()
                .map(|n| n != 0),
        }
    }

    /// All values of a key, in the order in which git reads them.
    pub fn get_all(&self, key: &str, scope: Scope) -> Vec<String> {
        self.matching(key, scope)
            .map(|v| String::from_utf8_lossy(&v).into_owned())
            .collect()
    }

    /// The distinct subsections of a section, in the order in which they first appear.
    pub fn subsections(&self, section: &str, scope: Scope) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for value in self.in_scope(scope) {
            let Some(rest) = value
                .key
                .strip_prefix(section.to_ascii_lowercase().as_bytes())
                .and_then(|r| r.strip_prefix(b"."))
            else {
                continue;
            };
            let Some(end) = rest.rfind_byte(b'.') else {
                continue;
            };
            let name = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
            if !found.contains(&name) {
                found.push(name);
            }
        }
        found
    }

    /// All keys of the repository's own files that `wanted` accepts, with their values.
    pub(super) fn local_values(&self, wanted: impl Fn(&[u8]) -> bool) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.values
            .iter()
            .filter(|v| v.local && wanted(&v.key))
            .map(|v| (v.key.clone(), text_of(v)))
            .collect()
    }

    fn in_scope(&self, scope: Scope) -> impl DoubleEndedIterator<Item = &Value> {
        self.values
            .iter()
            .filter(move |v| scope == Scope::Any || !v.local)
    }

    fn matching(&self, key: &str, scope: Scope) -> impl DoubleEndedIterator<Item = Vec<u8>> {
        let key = fold_key(key.as_bytes());
        self.in_scope(scope)
            .filter(move |v| key.as_deref() == Some(&v.key))
            .map(text_of)
    }
}

/// A key as git compares it: section and name in lower case; `None` if it is none.
pub(super) fn fold_key(key: &[u8]) -> Option<Vec<u8>> {
    let first = key.find_byte(b'.')?;
    let last = key.rfind_byte(b'.')?;
    let mut folded = key.to_vec();
    folded.get_mut(..first)?.make_ascii_lowercase();
    folded.get_mut(last..)?.make_ascii_lowercase();
    let word =
        |b: &[u8]| !b.is_empty() && b.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-');
    let name = folded.get(last + 1..)?;
    let sound = word(folded.get(..first)?)
        && word(name)
        && name.first().is_some_and(u8::is_ascii_alphabetic)
        && !folded.contains(&b'\n')
        && !folded.contains(&0);
    sound.then_some(folded)
}

/// Reads a file that may be a trap: regular files only, of bounded size; missing is empty.
pub(super) fn read_bounded(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(e) if is_absent(&e) => return Ok(None),
        Err(e) => return Err(e),
    };
    let meta = file.metadata()?;
    if meta.is_dir() {
        return Ok(None);
    }
    if !meta.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other("file too large"));
    }
    Ok(Some(bytes))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

pub(super) fn text_of(value: &Value) -> Vec<u8> {
    value.value.clone().unwrap_or_else(|| b"true".to_vec())
}

pub(super) fn expand_home(value: &[u8], environment: &Environment) -> PathBuf {
    match (value.strip_prefix(b"~/"), environment.home()) {
        (Some(rest), Some(home)) => home.join(OsStr::from_bytes(rest)),
        _ => PathBuf::from(OsString::from_vec(value.to_vec())),
    }
}
