//! References of repositories that keep them in a reftable: git itself is asked, since nobody
//! else can write that format beside it.

use std::time::{Duration, Instant};

use gix::bstr::ByteSlice;

use super::objects::parse_id;
use super::process::{Git, Output};
use super::refs::{Expected, ListedRef, RefError, RefUpdate, RefValue};
use super::repository::Repository;

const PATIENCE: Duration = Duration::from_secs(30);
const LIST_LIMIT: usize = 256 << 20;

pub(super) fn find(repository: &Repository, name: &str) -> Result<Option<RefValue>, RefError> {
    let listed = for_each_ref(repository, Some(name))?;
    Ok(listed
        .into_iter()
        .find(|l| l.name == name.as_bytes())
        .map(|l| l.value))
}

pub(super) fn list(repository: &Repository) -> Result<Vec<ListedRef>, RefError> {
    for_each_ref(repository, None)
}

pub(super) fn head_ref(repository: &Repository) -> Option<String> {
    let output = git(repository, "symbolic-ref")
        .args(["--quiet", "HEAD"])
        .run()
        .ok()?;
    let name = output.stdout.trim_end().to_str().ok()?.to_owned();
    output.success().then_some(name)
}

pub(super) fn update(repository: &Repository, update: &RefUpdate<'_>) -> Result<(), RefError> {
    let name = update.name;
    let null = repository.object_format().null();
    let old = match update.expected {
        Expected::Absent => null,
        Expected::Is(id) => id,
    };
    let (who, when) = update
        .committer
        .rsplit_once("> ")
        .ok_or_else(|| RefError::BadCommitter(update.committer.into()))?;
    let (committer, mail) = who
        .split_once(" <")
        .ok_or_else(|| RefError::BadCommitter(update.committer.into()))?;
    let message = update
        .message
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let output = git(repository, "update-ref")
        .setting("core.logAllRefUpdates=always")
        .setting("core.fsync=all")
        .variable("GIT_COMMITTER_NAME", committer)
        .variable("GIT_COMMITTER_EMAIL", mail)
        .variable("GIT_COMMITTER_DATE", format!("@{when}"))
        .args([
            "--create-reflog",
            "--no-deref",
            "-m",
            &message,
            "--stdin",
            "-z",
        ])
        .input(format!("update {name}\0{}\0{old}\0", update.new).into_bytes())
        .run()
        .map_err(|e| failed(name, e.to_string()))?;
    if output.success() {
        return Ok(());
    }
    let actual = repository.find_ref(name)?;
    if actual.unwrap_or(null) != old {
        return Err(RefError::Moved {
            name: name.into(),
            actual,
        });
    }
    Err(failed(name, output.stderr_text()))
}

fn for_each_ref(repository: &Repository, name: Option<&str>) -> Result<Vec<ListedRef>, RefError> {
    let shown = name.unwrap_or("refs/");
    let output: Output = git(repository, "for-each-ref")
        .arg("--format=%(objectname) %(refname) %(symref)")
        .arg("--end-of-options")
        .args(name)
        .limit(LIST_LIMIT)
        .run()
        .map_err(|e| failed(shown, e.to_string()))?;
    if !output.success() {
        return Err(failed(shown, output.stderr_text()));
    }
    let mut listed = Vec::new();
    for line in output.stdout.lines() {
        let mut words = line.splitn(3, |b| *b == b' ');
        let (Some(id), Some(name), Some(target)) = (words.next(), words.next(), words.next())
        else {
            return Err(failed(shown, "an unknown line of for-each-ref".into()));
        };
        let value = if !target.is_empty() {
            RefValue::Symbolic(target.to_vec())
        } else {
            match parse_id(id, repository.object_format()) {
                Some(id) => RefValue::Object(id),
                None => RefValue::Garbage("it holds no object id".into()),
            }
        };
        listed.push(ListedRef {
            name: name.to_vec(),
            value,
        });
    }
    Ok(listed)
}

fn git<'a>(repository: &'a Repository, subcommand: &str) -> Git<'a> {
    Git::new(
        repository.environment(),
        subcommand,
        Instant::now() + PATIENCE,
    )
    .variable("GIT_DIR", repository.git_dir())
    .directory(repository.git_dir())
}

fn failed(name: &str, why: String) -> RefError {
    RefError::Git {
        name: name.into(),
        why,
    }
}
