//! Whose a repository is: git's own rule, which git drops as soon as somebody names the git
//! directory, and bends for who came by sudo; it is kept here always.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::config::{Config, Scope};
use super::environment::Environment;
use super::repository::OpenError;

/// What belongs to another user is not opened unless the user's own configuration lists it.
pub(super) fn check_owner(
    environment: &Environment,
    git_dir: &Path,
    common_dir: &Path,
    work_tree: Option<&Path>,
    git_file: Option<&Path>,
) -> Result<(), OpenError> {
    let places = [Some(git_dir), Some(common_dir), work_tree, git_file];
    if places.into_iter().flatten().all(is_ours) {
        return Ok(());
    }
    let named = match work_tree {
        Some(tree) => tree.canonicalize().unwrap_or_else(|_| tree.to_owned()),
        None => git_dir.to_owned(),
    };
    let config = Config::of_user(environment)?;
    let mut safe = false;
    for value in config.get_all("safe.directory", Scope::Trusted) {
        if value.is_empty() {
            safe = false;
        } else if value == "*" {
            safe = true;
        } else if let Some(above) = value.strip_suffix("/*") {
            safe |= expand(environment, above).is_some_and(|a| named != a && named.starts_with(a));
        } else {
            safe |= expand(environment, &value).is_some_and(|p| p == named || p == git_dir);
        }
    }
    if safe {
        Ok(())
    } else {
        Err(OpenError::UntrustedOwner(named))
    }
}

fn expand(environment: &Environment, value: &str) -> Option<PathBuf> {
    let path = match value.strip_prefix("~/") {
        Some(rest) => environment.home()?.join(rest),
        None => PathBuf::from(value),
    };
    let plain = path
        .components()
        .all(|c| !matches!(c, Component::ParentDir));
    (path.is_absolute() && plain).then(|| path.canonicalize().unwrap_or(path))
}

/// Whether a place belongs to the user this program runs as. What sudo left in the environment
/// makes nobody an owner: whoever may become root must not get root to trust their repository.
fn is_ours(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.uid() == rustix::process::geteuid().as_raw())
}

/// `path` so that a shell reads it as one word.
pub(super) fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"/._-+@%".contains(b);
    if path.as_os_str().as_bytes().iter().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
