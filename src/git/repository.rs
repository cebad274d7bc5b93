//! A repository on disk: found as git finds it, opened only if it belongs to somebody we trust.
//!
//! Nothing of its configuration is believed here but the object format, the kind of reference
//! storage, and whether it is bare.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use gix::bstr::ByteSlice;

use super::config::{Config, ConfigError, Local, fold_key, read_bounded};
use super::environment::Environment;
use super::layout::{
    Basics, RefStorage, Sharing, alternates, common_dir, follow_git_file, is_git_dir,
    linked_work_tree,
};
use super::owner::{check_owner, shell_word};
use super::process::Git;

const CONFIG_DEADLINE: Duration = Duration::from_secs(10);

/// Why a repository could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is none here or above.
    #[error("'{}' is not in a git repository", .0.display())]
    NotFound(PathBuf),
    /// It belongs to another user.
    #[error("the repository '{}' belongs to somebody else\nhint: if you trust it, run: git config --global --add safe.directory {}", .0.display(), shell_word(.0))]
    UntrustedOwner(PathBuf),
    /// It uses something that we do not know.
    #[error("the repository '{}' needs {what}, which this program does not know", path.display())]
    Unsupported {
        /// The repository.
        path: PathBuf,
        /// The extension or format.
        what: String,
    },
    /// Its own files make no sense.
    #[error("the repository '{}' is broken: {why}", path.display())]
    Broken {
        /// The repository.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Configuration that cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something could not be read.
    #[error("cannot open the repository '{}': {source}", path.display())]
    Io {
        /// The repository.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Things in a repository that make stock git tell a story which the objects do not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Names under refs/replace/.
    pub replace_refs: Vec<String>,
    /// `info/grafts` is there and not empty.
    pub grafts: bool,
    /// The commits whose parents are cut off.
    pub shallow: Vec<gix::ObjectId>,
    /// Object directories elsewhere that this one leans on.
    pub alternates: Vec<PathBuf>,
    /// There is a commit-graph, which git believes instead of the commits.
    pub commit_graph: bool,
    /// References are kept in a reftable.
    pub reftable: bool,
}

/// An open repository. Cheap to clone, and may be shared between threads: each makes its own
/// [`Reader`](super::Reader).
#[derive(Clone)]
pub struct Repository {
    pub(super) environment: Environment,
    git_dir: PathBuf,
    common_dir: PathBuf,
    work_tree: Option<PathBuf>,
    bare: bool,
    format: gix::hash::Kind,
    pub(super) storage: RefStorage,
    pub(super) sharing: Sharing,
    pub(super) stores: Arc<OnceLock<super::objects::Stores>>,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository")
            .field("git_dir", &self.git_dir)
            .field("common_dir", &self.common_dir)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

impl Repository {
    /// The repository that `GIT_DIR` names, else the one that `dir` lies in.
    pub fn discover(environment: &Environment, dir: &Path) -> Result<Self, OpenError> {
        let dir = environment.absolute(dir);
        if let Some(git_dir) = environment.get("GIT_DIR") {
            let work_tree = environment
                .get("GIT_WORK_TREE")
                .map(|w| environment.absolute(w));
            return Self::open_at(environment, &environment.absolute(git_dir), work_tree, None);
        }
        let start = dir.canonicalize().map_err(|source| OpenError::Io {
            path: dir.clone(),
            source,
        })?;
        let ceilings: Vec<PathBuf> = environment
            .get("GIT_CEILING_DIRECTORIES")
            .map(|c| std::env::split_paths(c).collect())
            .unwrap_or_default();
        let device = fs::metadata(&start).map(|m| m.dev()).ok();
        for place in start.ancestors() {
            if place != start
                && (ceilings.iter().any(|c| c == place)
                    || fs::metadata(place).map(|m| m.dev()).ok() != device)
            {
                break;
            }
            let dot_git = place.join(".git");
            if let Some(git_dir) = follow_git_file(&dot_git)? {
                let tree = Some(place.to_owned());
                return Self::open_at(environment, &git_dir, tree, Some(&dot_git));
            }
            if is_git_dir(&dot_git) {
                return Self::open_at(environment, &dot_git, Some(place.to_owned()), None);
            }
            if is_git_dir(place) {
                return Self::open_at(environment, place, None, None);
            }
        }
        Err(OpenError::NotFound(dir))
    }

    /// The repository whose git directory is `git_dir` (`…/.git`, a bare repository, or the
    /// directory of a linked worktree).
    pub fn open(environment: &Environment, git_dir: &Path) -> Result<Self, OpenError> {
        Self::open_at(environment, &environment.absolute(git_dir), None, None)
    }

    fn open_at(
        environment: &Environment,
        given: &Path,
        work_tree: Option<PathBuf>,
        git_file: Option<&Path>,
    ) -> Result<Self, OpenError> {
        let followed = follow_git_file(given)?;
        let named = followed.as_deref().unwrap_or(given);
        let git_dir = match named.canonicalize() {
            Ok(dir) if is_git_dir(&dir) => dir,
            _ => return Err(OpenError::NotFound(given.to_owned())),
        };
        let io = |source| OpenError::Io {
            path: git_dir.clone(),
            source,
        };
        let common_dir = common_dir(&git_dir).map_err(io)?;
        check_owner(
            environment,
            &git_dir,
            &common_dir,
            work_tree.as_deref(),
            git_file,
        )?;

        let basics = Basics::read(&common_dir, &git_dir)?;
        let linked = common_dir != git_dir;
        let in_dot_git = git_dir.file_name().is_some_and(|n| n == ".git");
        let bare = !linked && basics.bare.unwrap_or(!in_dot_git && work_tree.is_none());
        let work_tree = match work_tree {
            _ if bare => None,
            Some(tree) => Some(tree),
            None if linked => linked_work_tree(&git_dir),
            None if in_dot_git => git_dir.parent().map(Path::to_owned),
            None => None,
        };
        Ok(Self {
            environment: environment.clone(),
            git_dir,
            common_dir,
            work_tree,
            bare,
            format: basics.format,
            storage: basics.storage,
            sharing: basics.sharing,
            stores: Arc::default(),
        })
    }

    /// The directory of this work tree's own state: HEAD, index.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The directory that all work trees share: objects, references, config.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The main object directory.
    pub fn objects_dir(&self) -> PathBuf {
        self.common_dir.join("objects")
    }

    /// The root of the checked-out files, if there are any.
    pub fn work_tree(&self) -> Option<&Path> {
        self.work_tree.as_deref()
    }

    /// Whether it has no work tree of its own.
    pub fn is_bare(&self) -> bool {
        self.bare
    }

    /// Which hash names its objects.
    pub fn object_format(&self) -> gix::hash::Kind {
        self.format
    }

    /// The environment it was opened with.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The full name of the reference that HEAD of this work tree stands for, born or not; none
    /// if HEAD is detached or unreadable.
    pub fn head_ref(&self) -> Option<String> {
        if self.storage == RefStorage::Reftable {
            return super::reftable::head_ref(self);
        }
        let text = read_bounded(&self.git_dir.join("HEAD"), 4096).ok()??;
        let name = text.strip_prefix(b"ref:")?.trim();
        String::from_utf8(name.to_vec()).ok()
    }

    /// The configuration as it is now.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::read(&self.environment, Some(self.local()))
    }

    /// Sets `key` of the repository's own configuration to one value.
    pub fn set_config(&self, key: &str, value: &str) -> Result<(), ConfigError> {
        self.change_config(&["--replace-all"], key, Some(value))
    }

    /// Adds a value to `key` of the repository's own configuration.
    pub fn add_config(&self, key: &str, value: &str) -> Result<(), ConfigError> {
        self.change_config(&["--add"], key, Some(value))
    }

    /// Removes all values of `key` from the repository's own configuration; none is fine.
    pub fn unset_config(&self, key: &str) -> Result<(), ConfigError> {
        self.change_config(&["--unset-all"], key, None)
    }

    /// Removes one value of `key`, however often it stands there; none is fine.
    pub fn remove_config(&self, key: &str, value: &str) -> Result<(), ConfigError> {
        self.change_config(&["--fixed-value", "--unset-all"], key, Some(value))
    }

    fn change_config(
        &self,
        action: &[&str],
        key: &str,
        value: Option<&str>,
    ) -> Result<(), ConfigError> {
        if key.starts_with('-') || fold_key(key.as_bytes()).is_none() {
            return Err(ConfigError::Invalid(key.into()));
        }
        if let Some(value) = value.filter(|v| v.contains('\0')) {
            return Err(ConfigError::Invalid(value.into()));
        }
        let file = self.common_dir.join("config");
        let output = Git::new(
            &self.environment,
            "config",
            Instant::now() + CONFIG_DEADLINE,
        )
        .arg("--file")
        .arg(&file)
        .args(action)
        .arg("--end-of-options")
        .arg(key)
        .args(value)
        .run()
        .map_err(|e| ConfigError::NotWritten(e.to_string()))?;
        match output.code {
            Some(0) => Ok(()),
            // There was nothing to unset.
            Some(5) if action.contains(&"--unset-all") => Ok(()),
            _ => Err(ConfigError::NotWritten(output.stderr_text())),
        }
    }

    /// What in this repository could make stock git tell another story than the objects.
    pub fn oddities(&self) -> io::Result<Oddities> {
        let info = self.common_dir.join("info");
        let objects = self.objects_dir();
        let replace = self
            .list_refs("refs/replace/")
            .map_err(|e| io::Error::other(e.to_string()))?;
        let grafts = read_bounded(&info.join("grafts"), 1 << 24)?;
        Ok(Oddities {
            replace_refs: replace
                .iter()
                .map(|r| String::from_utf8_lossy(&r.name).into_owned())
                .collect(),
            grafts: grafts.is_some_and(|g| !g.trim().is_empty()),
            shallow: self.shallow()?,
            alternates: alternates(&objects)?,
            commit_graph: objects.join("info/commit-graph").exists()
                || objects.join("info/commit-graphs").exists(),
            reftable: self.storage == RefStorage::Reftable,
        })
    }

    /// The commits whose parents are cut off in this clone.
    pub fn shallow(&self) -> io::Result<Vec<gix::ObjectId>> {
        let Some(text) = read_bounded(&self.common_dir.join("shallow"), 1 << 26)? else {
            return Ok(Vec::new());
        };
        text.lines()
            .filter(|l| !l.is_empty())
            .map(|line| {
                super::objects::parse_id(line, self.format)
                    .ok_or_else(|| io::Error::other("the file 'shallow' holds no object ids"))
            })
            .collect()
    }

    pub(super) fn local(&self) -> Local<'_> {
        Local {
            git_dir: &self.git_dir,
            common_dir: &self.common_dir,
        }
    }
}
