//! The programs that are run: each found once, by an absolute path, and in safe hands.

use std::path::PathBuf;

use super::{Check, Diagnosis};

/// What was seen.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// `git`.
    pub git: Program,
    /// `ssh`, or what GIT_SSH and the like name.
    pub ssh: Program,
    /// `ssh-keygen`.
    pub keygen: Program,
    /// Elements of PATH that are not absolute.
    pub relative: Vec<String>,
    /// Elements of PATH that others can write.
    pub writable: Vec<PathBuf>,
    /// Programs with our names in the current directory.
    pub planted: Vec<PathBuf>,
}

/// A program.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// Where it was found.
    pub path: Option<PathBuf>,
    /// What about it can be written by others, if something can.
    pub writable: Option<PathBuf>,
}

/// The checks of the programs.
pub fn examine(facts: &Facts) -> Vec<Diagnosis> {
    let missing = |name: &str| Some(format!("there is no {name} on PATH"));
    vec![
        program(Check::ProgramGit, &facts.git, missing("git")),
        program(Check::ProgramSsh, &facts.ssh, None),
        program(Check::ProgramKeygen, &facts.keygen, None),
        search_path(facts),
        planted(facts),
    ]
}

fn program(check: Check, program: &Program, missing: Option<String>) -> Diagnosis {
    match (&program.path, &program.writable, missing) {
        (Some(_), Some(writable), _) => Diagnosis::off(
            check,
            format!("others may write '{}'", writable.display()),
            format!("chmod go-w '{}'", writable.display()),
        ),
        (Some(path), None, _) => Diagnosis::ok(check, path.display().to_string()),
        (None, _, Some(missing)) => {
            Diagnosis::off(check, missing, "install it, or put its directory on PATH")
        }
        (None, _, None) => {
            Diagnosis::not_applicable(check, "not installed; needed only where it is used")
        }
    }
}

fn search_path(facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::SearchPath;
    if !facts.relative.is_empty() {
        return Diagnosis::off(
            CHECK,
            format!(
                "PATH has relative elements: '{}'",
                facts.relative.join("', '")
            ),
            "take them out; an empty element is the current directory",
        );
    }
    match facts.writable.first() {
        Some(first) => Diagnosis::off(
            CHECK,
            format!("others may write '{}', which is on PATH", first.display()),
            format!("chmod go-w '{}', or take it off PATH", first.display()),
        ),
        None => Diagnosis::ok(CHECK, "absolute, and in safe hands"),
    }
}

fn planted(facts: &Facts) -> Diagnosis {
    match facts.planted.first() {
        None => Diagnosis::ok(Check::PlantedPrograms, "none"),
        Some(first) => Diagnosis::off(
            Check::PlantedPrograms,
            format!("'{}' is there; git ledger never runs it", first.display()),
            "look who put it there, and remove it",
        ),
    }
}
