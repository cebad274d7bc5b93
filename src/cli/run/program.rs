//! Which file a command is: looked up on PATH without the current directory, or named by a path.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use git_ledger::git::Environment;

/// What a command's first word names.
#[derive(Debug, PartialEq, Eq)]
pub enum Program {
    /// A file, to be run.
    At(PathBuf),
    /// Files on PATH, none of which can be run.
    NotExecutable,
    /// Nothing.
    Missing,
}

/// Looks the first word of a command up.
pub fn find(environment: &Environment, directory: &Path, word: &OsStr) -> Program {
    if word.as_bytes().contains(&b'/') {
        // whether it can be run the system says
        return Program::At(directory.join(word));
    }
    let Some(name) = word.to_str().filter(|name| !name.is_empty()) else {
        return find_bytes(environment, word);
    };
    match environment.find_program(name) {
        Some(path) => Program::At(path),
        None => find_bytes(environment, word),
    }
}

/// Files of this name that are no programs, on the absolute elements of PATH.
fn find_bytes(environment: &Environment, word: &OsStr) -> Program {
    let paths = environment
        .get("PATH")
        .map(OsStr::to_owned)
        .unwrap_or_default();
    let mut dirs = std::env::split_paths(&paths).filter(|dir| dir.is_absolute());
    match !word.is_empty() && dirs.any(|dir| dir.join(word).is_file()) {
        true => Program::NotExecutable,
        false => Program::Missing,
    }
}
