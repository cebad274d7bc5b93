//! The repository's files: owners, permissions, references, locks and leftovers.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::doctor::repository::{Facts, LedgerRef, Lock};
use crate::git::{RefError, Scope};

use super::Site;
use super::authority::Accounts;

/// Entries of a directory tree that are looked at.
const ENTRIES: usize = 20_000;
/// Keys that name a program, or make git run one, in lower case; `*` stands for a subsection.
/// Source: git-config(1) of git 2.47.
const PROGRAMS: &[&str] = &[
    "core.fsmonitor",
    "core.sshcommand",
    "core.gitproxy",
    "core.askpass",
    "core.pager",
    "core.editor",
    "core.alternaterefscommand",
    "gpg.program",
    "gpg.*.program",
    "gpg.ssh.defaultkeycommand",
    "sequence.editor",
    "diff.external",
    "interactive.difffilter",
    "uploadpack.packobjectshook",
    "credential.helper",
    "credential.*.helper",
    "remote.*.uploadpack",
    "remote.*.receivepack",
    "remote.*.vcs",
    "filter.*.clean",
    "filter.*.smudge",
    "filter.*.process",
    "diff.*.command",
    "diff.*.textconv",
    "merge.*.driver",
    "difftool.*.cmd",
    "mergetool.*.cmd",
    "trailer.*.command",
    "trailer.*.cmd",
    "browser.*.cmd",
    "protocol.ext.allow",
];

pub(super) fn observe(site: &Site<'_>, accounts: &Accounts) -> Facts {
    let repository = site.ledger.repository();
    let common = repository.common_dir();
    let owner = fs::metadata(common).map_or(accounts.me, |meta| meta.uid());
    let shared = group_may_write(site);
    let oddities = repository.oddities().unwrap_or_default();
    let mut facts = Facts {
        owner: accounts.name(owner),
        parents: parents(site, accounts, owner),
        grafts: oddities.grafts.then(|| common.join("info/grafts")),
        replace_refs: oddities.replace_refs,
        alternates: oddities.alternates,
        cut_off: oddities.shallow.len(),
        reftable: oddities.reftable,
        promisor: promisor(site),
        ledger_ref: ledger_ref(site),
        near: near(site),
        locks: locks(site),
        left_overs: left_overs(site),
        programs: programs(site),
        ..Facts::default()
    };
    for place in places(site) {
        let Ok(meta) = fs::symlink_metadata(&place) else {
            continue;
        };
        if meta.uid() != owner && meta.uid() != 0 && !shared {
            facts
                .foreign
                .push((place.clone(), accounts.name(meta.uid())));
        }
        if !meta.is_symlink() && accounts.writable_by_others(&meta, shared) {
            facts.writable.push((place, meta.mode()));
        }
    }
    facts
}

/// Whether `core.sharedRepository` gives the group what is written here.
pub(super) fn group_may_write(site: &Site<'_>) -> bool {
    let value = site.config.get("core.sharedRepository", Scope::Any);
    let word = value.unwrap_or_default().to_ascii_lowercase();
    let octal = u32::from_str_radix(&word, 8)
        .ok()
        .filter(|_| word.starts_with('0'));
    match word.as_str() {
        "group" | "true" | "yes" | "on" | "1" | "all" | "world" | "everybody" | "2" => true,
        _ => octal.is_some_and(|mode| mode & 0o020 != 0),
    }
}

/// The files that decide what the repository says and does; hooks are looked at on their own.
fn places(site: &Site<'_>) -> Vec<PathBuf> {
    let repository = site.ledger.repository();
    let common = repository.common_dir();
    let mut places = vec![common.to_owned()];
    for name in [
        "HEAD",
        "config",
        "config.worktree",
        "packed-refs",
        "shallow",
        "info",
        "info/grafts",
        "objects",
        "objects/info",
        "objects/info/alternates",
        "objects/pack",
        "refs",
        "refs/heads",
        "logs",
        "reftable",
        "git-ledger",
    ] {
        places.push(common.join(name));
    }
    places.push(common.join(site.ledger.reference()));
    if repository.git_dir() != common {
        places.push(repository.git_dir().to_owned());
    }
    if let Some(tree) = repository.work_tree() {
        places.push(tree.to_owned());
    }
    let state = fs::read_dir(site.ledger.state_dir());
    places.extend(
        state
            .into_iter()
            .flatten()
            .flatten()
            .map(|file| file.path()),
    );
    places
}

/// Directories above in which another account could put something else in the way.
fn parents(site: &Site<'_>, accounts: &Accounts, owner: u32) -> Vec<(PathBuf, String)> {
    let repository = site.ledger.repository();
    let root = repository.work_tree().unwrap_or(repository.common_dir());
    let Ok(real) = root.canonicalize() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for place in real.ancestors().skip(1) {
        let Ok(meta) = fs::metadata(place) else {
            continue;
        };
        let mode = meta.mode() & 0o7777;
        if meta.uid() != owner && meta.uid() != 0 && meta.uid() != accounts.me {
            let whose = accounts.name(meta.uid());
            found.push((place.to_owned(), format!("belongs to {whose}")));
        } else if mode & 0o1000 == 0 && accounts.writable_by_others(&meta, false) {
            found.push((place.to_owned(), format!("has permissions {mode:04o}")));
        }
    }
    found
}

fn promisor(site: &Site<'_>) -> Vec<String> {
    let config = site.config;
    let mut found = Vec::new();
    if config.get("extensions.partialClone", Scope::Any).is_some() {
        found.push("extensions.partialClone is set".to_owned());
    }
    for name in config.subsections("remote", Scope::Any) {
        if config.get_bool(&format!("remote.{name}.promisor"), Scope::Any) == Some(true) {
            found.push(format!("the remote '{name}' is a promisor"));
        }
    }
    let packs = site.ledger.repository().objects_dir().join("pack");
    let marked = entries(&packs)
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "promisor"))
        .count();
    if marked > 0 {
        found.push(format!("{marked} packs are marked as incomplete"));
    }
    found
}

fn ledger_ref(site: &Site<'_>) -> LedgerRef {
    let repository = site.ledger.repository();
    let name = site.ledger.reference();
    let path = repository.common_dir().join(name);
    if fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_symlink()) {
        return LedgerRef::Other(format!("'{}' is a symbolic link", path.display()));
    }
    match repository.find_ref(name) {
        Ok(None) => LedgerRef::Absent,
        Ok(Some(_)) => LedgerRef::Commit,
        Err(why @ (RefError::Symbolic { .. } | RefError::Garbage { .. })) => {
            LedgerRef::Other(why.to_string())
        }
        Err(why) => LedgerRef::Other(format!("it cannot be read: {why}")),
    }
}

/// Refs that people, disks or git itself take for the ledger.
fn near(site: &Site<'_>) -> Vec<String> {
    let ledger = site.ledger.reference();
    let short = ledger.strip_prefix("refs/heads/").unwrap_or(ledger);
    let twins = [format!("refs/tags/{short}"), format!("refs/heads/{ledger}")];
    let below = format!("{ledger}/").to_ascii_lowercase();
    let listed = site.ledger.repository().list_refs("refs/");
    listed
        .unwrap_or_default()
        .into_iter()
        .map(|listed| String::from_utf8_lossy(&listed.name).into_owned())
        .filter(|name| {
            let folded = name.to_ascii_lowercase();
            name != ledger && folded == ledger.to_ascii_lowercase()
                || folded.starts_with(&below)
                || twins.contains(name)
        })
        .collect()
}

fn locks(site: &Site<'_>) -> Vec<Lock> {
    let repository = site.ledger.repository();
    let common = repository.common_dir();
    let mut places = entries(common);
    if repository.git_dir() != common {
        places.extend(entries(repository.git_dir()));
    }
    places.extend(entries(&common.join("reftable")));
    let refs = walkdir::WalkDir::new(common.join("refs")).follow_links(false);
    let refs = refs.into_iter().take(ENTRIES).flatten();
    places.extend(refs.map(walkdir::DirEntry::into_path));
    places.retain(|path| path.extension().is_some_and(|end| end == "lock") && is_file(path));
    places
        .into_iter()
        .map(|path| Lock {
            age: age(&path, site.now),
            held: is_open(&path),
            path,
        })
        .collect()
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
}

/// Whether a process that can be seen has the file open.
fn is_open(path: &Path) -> bool {
    entries(Path::new("/proc"))
        .iter()
        .filter(|place| {
            let name = place.file_name().unwrap_or_default().as_encoded_bytes();
            name.first().is_some_and(u8::is_ascii_digit)
        })
        .flat_map(|process| entries(&process.join("fd")))
        .any(|open| fs::read_link(open).is_ok_and(|target| target == path))
}

fn left_overs(site: &Site<'_>) -> Vec<(PathBuf, u64)> {
    let objects = site.ledger.repository().objects_dir();
    let mut found = entries(&objects);
    found.extend(entries(&objects.join("pack")));
    found.retain(|path| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        name.starts_with(b"tmp_") || name.starts_with(b"incoming-")
    });
    found
        .into_iter()
        .map(|path| (path.clone(), age(&path, site.now)))
        .collect()
}

/// Seconds since a file was changed; none if that is in the future.
fn age(path: &Path, now: SystemTime) -> u64 {
    let changed = fs::symlink_metadata(path).and_then(|meta| meta.modified());
    let since = changed
        .ok()
        .and_then(|changed| now.duration_since(changed).ok());
    since.map_or(0, |since| since.as_secs())
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(dir).into_iter().flatten().flatten();
    listed.take(ENTRIES).map(|entry| entry.path()).collect()
}

fn programs(site: &Site<'_>) -> Vec<String> {
    let names_program = |key: &str| {
        let (first, last) = (key.find('.'), key.rfind('.'));
        let general = match (first, last) {
            (Some(first), Some(last)) if first < last => format!(
                "{}.*{}",
                key.get(..first).unwrap_or_default(),
                key.get(last..).unwrap_or_default()
            ),
            _ => key.to_owned(),
        };
        PROGRAMS.contains(&key) || PROGRAMS.contains(&general.as_str())
    };
    site.config.local_keys(|key| {
        let switched_only =
            key == "core.fsmonitor" && site.config.get_bool(key, Scope::Any).is_some();
        let shell = key.starts_with("alias.")
            && site
                .config
                .get(key, Scope::Any)
                .is_some_and(|value| value.starts_with('!'));
        shell || names_program(key) && !switched_only
    })
}
