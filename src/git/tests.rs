//! A sealed world for the tests of this door: an own home, no outer configuration, real git.

mod config;
mod objects;
mod refs;
mod repository;
mod transport;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::*;

pub(super) const COMMITTER: &str = "A U Thor <a@b> 1700000000 +0000";

pub(super) struct World {
    pub dir: tempfile::TempDir,
    pub environment: Environment,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        std::fs::create_dir(&home).unwrap();
        let path = std::env::var_os("PATH").unwrap();
        let set = |k: &str, v: OsString| (OsString::from(k), v);
        let environment = Environment::new(
            dir.path(),
            [
                set("PATH", path),
                set("HOME", home.into()),
                set("GIT_CONFIG_NOSYSTEM", "1".into()),
            ],
        );
        Self { dir, environment }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    /// Plain git, as its user would run it; its output, trimmed.
    pub fn git(&self, dir: &Path, arguments: &[&str]) -> String {
        let output = self.git_output(dir, arguments);
        let text = |b: &[u8]| String::from_utf8_lossy(b).trim().to_owned();
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    pub fn git_output(&self, dir: &Path, arguments: &[&str]) -> std::process::Output {
        Command::new("git")
            .args(["-c", "user.name=A", "-c", "user.email=a@b"])
            .args(arguments)
            .current_dir(dir)
            .env_clear()
            .envs(self.environment.variables())
            .output()
            .unwrap()
    }

    /// A repository with one commit on `refs/heads/main`.
    pub fn init(&self, name: &str, format: &str) -> PathBuf {
        let dir = self.path(name);
        let format = format!("--object-format={format}");
        self.git(
            self.dir.path(),
            &["init", "-q", "-b", "main", &format, dir.to_str().unwrap()],
        );
        self.git(&dir, &["commit", "-q", "--allow-empty", "-m", "first"]);
        dir
    }

    pub fn init_bare(&self, name: &str, format: &str) -> PathBuf {
        let dir = self.path(name);
        let format = format!("--object-format={format}");
        let path = dir.to_str().unwrap();
        self.git(
            self.dir.path(),
            &["init", "-q", "--bare", "-b", "main", &format, path],
        );
        dir
    }

    pub fn open(&self, dir: &Path) -> Repository {
        Repository::discover(&self.environment, dir).unwrap()
    }
}

/// A commit without files on top of `parent`, in whatever repository.
pub(super) fn commit_on(
    repository: &Repository,
    parent: Option<gix::ObjectId>,
    message: &str,
) -> gix::ObjectId {
    let tree = repository.write_object(gix::objs::Kind::Tree, b"").unwrap();
    let parent = parent.map(|p| format!("parent {p}\n")).unwrap_or_default();
    let text =
        format!("tree {tree}\n{parent}author {COMMITTER}\ncommitter {COMMITTER}\n\n{message}\n");
    repository
        .write_object(gix::objs::Kind::Commit, text.as_bytes())
        .unwrap()
}

pub(super) fn soon(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}
