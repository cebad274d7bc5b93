//! Where configuration comes from: the files git reads, those they include, and the environment.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::bstr::ByteSlice;

use super::config::{
    ConfigError, Local, Origin, Value, expand_home, fold_key, read_bounded, text_of,
};
use super::config_file;
use super::environment::Environment;

const FILE_LIMIT: u64 = 8 << 20;
const INCLUDE_DEPTH: usize = 10;
const INCLUDE_FILES: usize = 200;

/// All values in the order in which git reads them.
pub(super) fn collect(
    environment: &Environment,
    local: Option<Local<'_>>,
) -> Result<Vec<Value>, ConfigError> {
    let mut collector = Collector {
        environment,
        local,
        values: Vec::new(),
        files: 0,
        from_repository: false,
        origin: Arc::new(Origin::Environment),
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
    Ok(collector.values)
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

fn last<'v>(values: &'v [Value], key: &[u8]) -> Option<&'v Value> {
    values.iter().rev().find(|v| v.key == key)
}

fn is_true(value: &Value) -> bool {
    matches!(
        text_of(value).to_ascii_lowercase().as_slice(),
        b"true" | b"yes" | b"on" | b"1"
    )
}

struct Collector<'a> {
    environment: &'a Environment,
    local: Option<Local<'a>>,
    values: Vec<Value>,
    files: usize,
    from_repository: bool,
    origin: Arc<Origin>,
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
        let outer = std::mem::replace(&mut self.origin, Arc::new(Origin::File(path.to_owned())));
        for line in lines {
            let included = self.included(&line, path);
            self.push(line.key, line.value);
            if let Some(included) = included {
                self.file(&included, depth + 1)?;
            }
        }
        self.origin = outer;
        Ok(())
    }

    fn push(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.values.push(Value {
            key,
            value,
            local: self.from_repository,
            origin: Arc::clone(&self.origin),
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
