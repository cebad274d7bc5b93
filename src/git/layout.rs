//! What the files of a repository say about its shape, before it is opened: where its parts are,
//! which formats it uses, who else may write into it.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice;

use super::config::{ConfigError, read_bounded};
use super::config_file;
use super::repository::OpenError;

/// How a repository keeps its references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefStorage {
    Files,
    Reftable,
}

/// Which permissions new files get beyond the umask (`core.sharedRepository`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    Umask,
    Group,
    All,
    Exactly(u32),
}

impl Sharing {
    fn parse(value: &[u8]) -> Self {
        match value.to_ascii_lowercase().as_slice() {
            b"group" | b"true" | b"1" | b"yes" | b"on" => Self::Group,
            b"all" | b"world" | b"everybody" | b"2" => Self::All,
            text => match std::str::from_utf8(text).map(|t| u32::from_str_radix(t, 8)) {
                Ok(Ok(mode)) if mode & 0o600 == 0o600 && text.starts_with(b"0") => {
                    Self::Exactly(mode & 0o666)
                }
                _ => Self::Umask,
            },
        }
    }

    /// What `mode` of a file becomes.
    pub(super) fn file(self, mode: u32) -> u32 {
        let writable = mode & 0o200 != 0;
        let extra = match self {
            Self::Umask => return mode,
            Self::Group => 0o660,
            Self::All => 0o664,
            Self::Exactly(exact) => exact,
        };
        let extra = if writable { extra } else { extra & !0o222 };
        match self {
            Self::Exactly(_) => (mode & !0o777) | extra,
            _ => mode | extra,
        }
    }

    /// What `mode` of a directory becomes: as a file's, searchable by who may read, group kept.
    pub(super) fn directory(self, mode: u32) -> u32 {
        if self == Self::Umask {
            return mode;
        }
        let mode = self.file(mode | 0o200);
        mode | ((mode & 0o444) >> 2) | 0o2000
    }
}

/// What must be known of a repository's own config before anything else.
pub(super) struct Basics {
    pub bare: Option<bool>,
    pub format: gix::hash::Kind,
    pub storage: RefStorage,
    pub sharing: Sharing,
}

impl Basics {
    pub fn read(common_dir: &Path, git_dir: &Path) -> Result<Self, OpenError> {
        let path = common_dir.join("config");
        let io = |source| OpenError::Io {
            path: path.clone(),
            source,
        };
        let text = read_bounded(&path, 8 << 20)
            .map_err(io)?
            .unwrap_or_default();
        let lines = config_file::parse(&text).map_err(|line| ConfigError::Syntax {
            place: path.display().to_string(),
            line,
        })?;
        let unsupported = |what: String| OpenError::Unsupported {
            path: git_dir.to_owned(),
            what,
        };
        let mut basics = Self {
            bare: None,
            format: gix::hash::Kind::Sha1,
            storage: RefStorage::Files,
            sharing: Sharing::Umask,
        };
        let mut version = 0;
        for line in &lines {
            let value = line.value.as_deref().unwrap_or(b"true");
            match line.key.as_slice() {
                b"core.repositoryformatversion" => {
                    version = match value {
                        b"0" => 0,
                        b"1" => 1,
                        other => {
                            let other = String::from_utf8_lossy(other);
                            return Err(unsupported(format!("repository format {other}")));
                        }
                    }
                }
                b"core.bare" => {
                    let lower = value.to_ascii_lowercase();
                    basics.bare = Some(matches!(lower.as_slice(), b"true" | b"yes" | b"on" | b"1"));
                }
                b"core.sharedrepository" => basics.sharing = Sharing::parse(value),
                _ => {}
            }
        }
        for line in lines.iter().filter(|_| version == 1) {
            let Some(name) = line.key.strip_prefix(b"extensions.") else {
                continue;
            };
            let value = line.value.as_deref().unwrap_or(b"true");
            match (name, value) {
                (b"objectformat", b"sha1") => basics.format = gix::hash::Kind::Sha1,
                (b"objectformat", b"sha256") => basics.format = gix::hash::Kind::Sha256,
                (b"refstorage", b"files") => basics.storage = RefStorage::Files,
                (b"refstorage", b"reftable") => basics.storage = RefStorage::Reftable,
                (
                    b"noop" | b"noop-v1" | b"preciousobjects" | b"partialclone" | b"worktreeconfig"
                    | b"relativeworktrees",
                    _,
                ) => {}
                _ => {
                    let name = String::from_utf8_lossy(name);
                    let value = String::from_utf8_lossy(value);
                    return Err(unsupported(format!("the extension {name}={value}")));
                }
            }
        }
        Ok(basics)
    }
}

pub(super) fn is_git_dir(dir: &Path) -> bool {
    let Ok(common) = common_dir(dir) else {
        return false;
    };
    fs::symlink_metadata(dir.join("HEAD")).is_ok()
        && common.join("objects").is_dir()
        && common.join("refs").is_dir()
}

pub(super) fn common_dir(git_dir: &Path) -> io::Result<PathBuf> {
    match read_bounded(&git_dir.join("commondir"), 1 << 16)? {
        None => Ok(git_dir.to_owned()),
        Some(text) => git_dir.join(path_from(text.trim_end())).canonicalize(),
    }
}

/// Where a `.git` file points; none if `path` is not such a file.
pub(super) fn follow_git_file(path: &Path) -> Result<Option<PathBuf>, OpenError> {
    if !path.is_file() {
        return Ok(None);
    }
    let broken = |why: &str| OpenError::Broken {
        path: path.to_owned(),
        why: why.into(),
    };
    let text = read_bounded(path, 1 << 16)
        .map_err(|source| OpenError::Io {
            path: path.to_owned(),
            source,
        })?
        .unwrap_or_default();
    let target = text
        .strip_prefix(b"gitdir: ")
        .ok_or_else(|| broken("its .git file names no git directory"))?;
    let target = path_from(target.trim_end_with(|c| c == '\n' || c == '\r'));
    Ok(Some(match path.parent() {
        Some(dir) => dir.join(target),
        None => target,
    }))
}

pub(super) fn linked_work_tree(git_dir: &Path) -> Option<PathBuf> {
    let text = read_bounded(&git_dir.join("gitdir"), 1 << 16).ok()??;
    let dot_git = git_dir.join(path_from(text.trim_end()));
    dot_git.parent().map(Path::to_owned)
}

pub(super) fn alternates(objects: &Path) -> io::Result<Vec<PathBuf>> {
    let text = read_bounded(&objects.join("info/alternates"), 1 << 20)?.unwrap_or_default();
    Ok(text
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with(b"#"))
        .map(|l| objects.join(path_from(l)))
        .collect())
}

pub(super) fn path_from(bytes: &[u8]) -> PathBuf {
    PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec()))
}
