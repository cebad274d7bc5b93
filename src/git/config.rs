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

use gix::bstr::ByteSlice;

use super::config_file;
use super::environment::Environment;

const FILE_LIMIT: u64 = 8 << 20;
const INCLUDE_DEPTH: usize = 10;
const INCLUDE_FILES: usize = 200;

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
struct Value {
    key: Vec<u8>,
    value: Option<Vec<u8>>,
    local: bool,
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
        let mut collector = Collector {
            environment,
            local,
            values: Vec::new(),
            files: 0,
            from_repository: false,
        };
        for path in user_files(environment) {
            collector.file(&path, 0)?;
        }
        if let Some(local) = local {
            collector.from_repository = true;
            collector.file(&local.common_dir.join("config"), 0)?;
            if last(&collector.values, b"extensions.worktreeconfig").is_some_and(is_true) {
                collector.file(&local.git_dir.join("config.worktree"), 0)?;
            }
            collector.from_repository = false;
        }
        collector.parameters()?;
        collector.counted()?;
        Ok(Self {
            values: collector.values,
        })
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

fn text_of(value: &Value) -> Vec<u8> {
    value.value.clone().unwrap_or_else(|| b"true".to_vec())
}

fn last<'v>(values: &'v [Value], key: &[u8]) -> Option<&'v Value> {
    values.iter().rev().find(|v| v.key == key)
}

fn is_true(value: &Value) -> bool {
    matches!(
        text_of(value).to_ascii_lowercase().as_slice(),
        b"true" | b"yes" | b"on" | b"1"
    )
}

fn user_files(environment: &Environment) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let no_system = environment
        .get("GIT_CONFIG_NOSYSTEM")
        .is_some_and(|v| !matches!(v.as_bytes(), b"0" | b"false" | b"no" | b"off"));
    if !no_system {
        files.push(match environment.get("GIT_CONFIG_SYSTEM") {
            Some(path) => environment.absolute(path),
            None => PathBuf::from("/etc/gitconfig"),
        });
    }
    if let Some(path) = environment.get_raw("GIT_CONFIG_GLOBAL") {
        if !path.is_empty() {
            files.push(environment.absolute(path));
        }
        return files;
    }
    match (environment.get("XDG_CONFIG_HOME"), environment.home()) {
        (Some(xdg), _) => files.push(Path::new(xdg).join("git/config")),
        (None, Some(home)) => files.push(home.join(".config/git/config")),
        (None, None) => {}
    }
    if let Some(home) = environment.home() {
        files.push(home.join(".gitconfig"));
    }
    files
}

fn expand_home(value: &[u8], environment: &Environment) -> PathBuf {
    match (value.strip_prefix(b"~/"), environment.home()) {
        (Some(rest), Some(home)) => home.join(OsStr::from_bytes(rest)),
        _ => PathBuf::from(OsString::from_vec(value.to_vec())),
    }
}

struct Collector<'a> {
    environment: &'a Environment,
    local: Option<Local<'a>>,
    values: Vec<Value>,
    files: usize,
    from_repository: bool,
}

impl Collector<'_> {
    fn file(&mut self, path: &Path, depth: usize) -> Result<(), ConfigError> {
        // Devices are fine where git itself is pointed at them to say "nothing".
        if path == Path::new("/dev/null") {
            return Ok(());
        }
        self.files += 1;
        if depth > INCLUDE_DEPTH || self.files > INCLUDE_FILES {
            return Err(ConfigError::Includes(path.to_owned()));
        }
        let read = read_bounded(path, FILE_LIMIT).map_err(|source| ConfigError::Io {
            path: path.to_owned(),
            source,
        })?;
        let Some(text) = read else { return Ok(()) };
        let lines = config_file::parse(&text).map_err(|line| ConfigError::Syntax {
            place: path.display().to_string(),
            line,
        })?;
        for line in lines {
            let included = self.included(&line, path);
            self.push(line.key, line.value);
            if let Some(included) = included {
                self.file(&included, depth + 1)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.values.push(Value {
            key,
            value,
            local: self.from_repository,
        });
    }

    /// The file that this line includes, if it includes one now.
    fn included(&self, line: &config_file::Line, from: &Path) -> Option<PathBuf> {
        let value = line.value.as_deref()?;
        if line.key != b"include.path" {
            let condition = line
                .key
                .strip_prefix(b"includeif.")?
                .strip_suffix(b".path")?;
            if !self.holds(condition, from) {
                return None;
            }
        }
        let path = expand_home(value, self.environment);
        Some(match from.parent() {
            Some(dir) => dir.join(path),
            None => path,
        })
    }

    fn holds(&self, condition: &[u8], from: &Path) -> bool {
        let Some(local) = self.local else {
            return false;
        };
        let mut mode = gix::glob::wildmatch::Mode::NO_MATCH_SLASH_LITERAL;
        if let Some(pattern) = condition.strip_prefix(b"onbranch:") {
            let mut pattern = pattern.to_vec();
            if pattern.ends_with(b"/") {
                pattern.extend_from_slice(b"**");
            }
            return head_branch(local.git_dir)
                .is_some_and(|b| gix::glob::wildmatch(pattern.as_bstr(), b.as_bstr(), mode));
        }
        let pattern = if let Some(pattern) = condition.strip_prefix(b"gitdir/i:") {
            mode |= gix::glob::wildmatch::Mode::IGNORE_CASE;
            pattern
        } else if let Some(pattern) = condition.strip_prefix(b"gitdir:") {
            pattern
        } else {
            return false;
        };
        let mut text = match pattern.strip_prefix(b"./") {
            Some(rest) => match from.parent() {
                Some(dir) => dir
                    .join(OsStr::from_bytes(rest))
                    .into_os_string()
                    .into_vec(),
                None => return false,
            },
            None => expand_home(pattern, self.environment)
                .into_os_string()
                .into_vec(),
        };
        if !text.starts_with(b"/") && !text.starts_with(b"**/") {
            text.splice(..0, *b"**/");
        }
        if text.ends_with(b"/") {
            text.extend_from_slice(b"**");
        }
        let given = local.git_dir.as_os_str().as_bytes().to_vec();
        let real = local
            .git_dir
            .canonicalize()
            .map(|p| p.into_os_string().into_vec());
        [Some(given), real.ok()]
            .into_iter()
            .flatten()
            .any(|dir| gix::glob::wildmatch(text.as_bstr(), dir.as_bstr(), mode))
    }

    /// `GIT_CONFIG_PARAMETERS`: what `git -c` hands to the commands it runs.
    fn parameters(&mut self) -> Result<(), ConfigError> {
        let Some(text) = self.environment.get("GIT_CONFIG_PARAMETERS") else {
            return Ok(());
        };
        let malformed = || ConfigError::Syntax {
            place: "GIT_CONFIG_PARAMETERS".into(),
            line: 1,
        };
        for (key, value) in quoted_pairs(text.as_bytes()).ok_or_else(malformed)? {
            let key = fold_key(&key).ok_or_else(malformed)?;
            self.push(key, value);
        }
        Ok(())
    }

    /// `GIT_CONFIG_COUNT` and the keys and values it counts.
    fn counted(&mut self) -> Result<(), ConfigError> {
        let Some(count) = self.environment.get("GIT_CONFIG_COUNT") else {
            return Ok(());
        };
        let malformed = |place: String| ConfigError::Syntax { place, line: 1 };
        let count: usize = count
            .to_str()
            .and_then(|c| c.parse().ok())
            .filter(|c| *c <= 10_000)
            .ok_or_else(|| malformed("GIT_CONFIG_COUNT".into()))?;
        for index in 0..count {
            let name = format!("GIT_CONFIG_KEY_{index}");
            let key = self
                .environment
                .get(&name)
                .and_then(|k| fold_key(k.as_bytes()))
                .ok_or_else(|| malformed(name))?;
            let name = format!("GIT_CONFIG_VALUE_{index}");
            let value = self
                .environment
                .get_raw(&name)
                .ok_or_else(|| malformed(name))?
                .as_bytes()
                .to_vec();
            self.push(key, Some(value));
        }
        Ok(())
    }
}

/// The branch that HEAD names, without `refs/heads/`.
fn head_branch(git_dir: &Path) -> Option<Vec<u8>> {
    let text = read_bounded(&git_dir.join("HEAD"), 4096).ok()??;
    let name = text.strip_prefix(b"ref:")?.trim();
    Some(name.strip_prefix(b"refs/heads/")?.to_vec())
}

type Pairs = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// `'key'='value' 'key' 'key=value'`, each part quoted as for a shell.
fn quoted_pairs(text: &[u8]) -> Option<Pairs> {
    let mut pairs = Pairs::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (first, after) = quoted(rest)?;
        rest = after;
        if let Some(after) = rest.strip_prefix(b"=") {
            if after.first() == Some(&b'\'') {
                let (value, after) = quoted(after)?;
                pairs.push((first, Some(value)));
                rest = after;
            } else {
                pairs.push((first, None));
                rest = after;
            }
        } else {
            // The older form keeps the equals sign inside the quotes.
            match first.find_byte(b'=') {
                Some(at) => pairs.push((
                    first.get(..at)?.to_vec(),
                    Some(first.get(at + 1..)?.to_vec()),
                )),
                None => pairs.push((first, None)),
            }
        }
        if !rest.is_empty() && !rest.starts_with(b" ") {
            return None;
        }
        rest = rest.trim_start();
    }
    Some(pairs)
}

/// One shell-quoted word as git writes it: `'…'`, with `'\''` and `'\!'` inside.
fn quoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    let mut rest = text.strip_prefix(b"'")?;
    loop {
        let end = rest.find_byte(b'\'')?;
        word.extend_from_slice(rest.get(..end)?);
        rest = rest.get(end + 1..)?;
        match rest {
            [b'\\', escaped @ (b'\'' | b'!'), b'\'', after @ ..] => {
                word.push(*escaped);
                rest = after;
            }
            _ => return Some((word, rest)),
        }
    }
}
