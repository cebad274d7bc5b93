//! Where programs are found, and who can change them there.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::doctor::programs::{Facts, Program};

use super::Site;
use super::authority::Accounts;

pub(super) fn observe(site: &Site<'_>, accounts: &Accounts) -> Facts {
    let environment = site.ledger.repository().environment();
    let program = |path: Option<PathBuf>| Program {
        writable: path
            .as_ref()
            .and_then(|path| Some(accounts.exposed(path)?.0)),
        path,
    };
    let elements: Vec<PathBuf> = environment
        .get("PATH")
        .map(|path| std::env::split_paths(path).collect())
        .unwrap_or_default();
    let here = environment.current_dir();
    let planted = if elements.iter().any(|element| element == here) {
        Vec::new()
    } else {
        ["git", "ssh", "ssh-keygen", "git-ledger"]
            .iter()
            .map(|name| here.join(name))
            .filter(|path| is_program(path))
            .collect()
    };
    Facts {
        git: program(environment.git_program().map(Path::to_owned)),
        ssh: program(environment.find_program("ssh")),
        keygen: program(environment.find_program("ssh-keygen")),
        relative: elements
            .iter()
            .filter(|element| !element.is_absolute())
            .map(|element| element.display().to_string())
            .collect(),
        writable: elements
            .iter()
            .filter(|element| element.is_absolute())
            .filter_map(|element| Some(accounts.exposed(element)?.0))
            .collect(),
        planted,
    }
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
