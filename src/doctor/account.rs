//! Accounts: who runs this, who owns the repository, and what those who write it may run.

use std::path::PathBuf;

use super::{Check, Diagnosis, Place};

/// What was seen of accounts.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The account that runs this.
    pub me: String,
    /// The account that owns the repository, if another.
    pub other_owner: Option<String>,
    /// The home directory whose configuration is read.
    pub home: Option<PathBuf>,
    /// Which accounts write here, and how they may log in.
    pub writers: Writers,
    /// The file or variable that sets `safe.directory` to `*`.
    pub trusts_all: Option<String>,
}

/// Accounts that may write the repository.
#[derive(Debug, Clone, Default)]
pub struct Writers {
    /// Keys that log in as the owner without a forced command: file and how many.
    pub free_keys: Option<(PathBuf, usize)>,
    /// Other accounts of the group that may write, that have a shell.
    pub shells: Vec<String>,
    /// Why some of this could not be seen.
    pub unseen: Option<String>,
}

/// The checks of accounts.
pub fn examine(place: Place, facts: &Facts) -> Vec<Diagnosis> {
    let home = facts.home.as_ref().map_or_else(
        || "no home directory".to_owned(),
        |home| format!("configuration of {}", home.display()),
    );
    let owner = match &facts.other_owner {
        None => Diagnosis::ok(
            Check::AccountOwner,
            format!("{}, with the {home}", facts.me),
        ),
        Some(owner) => Diagnosis::unknown(
            Check::AccountOwner,
            format!(
                "the repository belongs to {owner}, this runs as {}, with the {home}",
                facts.me
            ),
            format!("run doctor as {owner}"),
        ),
    };
    let safe = match &facts.trusts_all {
        None => Diagnosis::ok(Check::SafeDirectory, "only named directories are trusted"),
        Some(origin) => Diagnosis::off(
            Check::SafeDirectory,
            format!("safe.directory = *, says {origin}"),
            "name the repositories of others one by one",
        ),
    };
    vec![owner, shell(place, &facts.writers), safe]
}

fn shell(place: Place, writers: &Writers) -> Diagnosis {
    const CHECK: Check = Check::AccountShell;
    if place != Place::Server {
        return Diagnosis::not_applicable(
            CHECK,
            "nobody pushes here; --as server if somebody does",
        );
    }
    if let Some((file, count)) = &writers.free_keys {
        return Diagnosis::off(
            CHECK,
            format!(
                "{count} keys in '{}' log in without a forced command",
                file.display()
            ),
            "begin their lines with: restrict,command=\"git-shell -c \\\"$SSH_ORIGINAL_COMMAND\\\"\"; or give the account the shell git-shell",
        );
    }
    if !writers.shells.is_empty() {
        return Diagnosis::off(
            CHECK,
            format!(
                "may write the files, and have a shell: {}",
                writers.shells.join(", ")
            ),
            "let them push through one account whose shell is git-shell",
        );
    }
    match &writers.unseen {
        Some(why) => Diagnosis::not_applicable(CHECK, format!("cannot be told from here: {why}")),
        None => Diagnosis::ok(CHECK, "no key logs in with a free command"),
    }
}
