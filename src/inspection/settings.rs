//! The settings by which git takes pushes, from whichever file they come.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::doctor::settings::{Facts, at_once};
use crate::git::Scope;

use super::Site;

/// Files of the ledger's own directory that are looked at.
const FILES: usize = 2000;

pub(super) fn observe(site: &Site<'_>) -> Facts {
    let repository = site.ledger.repository();
    let mut hide_refs = site.config.get_all("transfer.hideRefs", Scope::Any);
    hide_refs.extend(site.config.get_all("uploadpack.hideRefs", Scope::Any));
    let group = super::repository::group_may_write(site);
    let shared = site
        .config
        .get("core.sharedRepository", Scope::Any)
        .filter(|_| group);
    let reflog_expires = reflog_keys(site)
        .into_iter()
        .filter(|key| {
            site.config
                .get(key, Scope::Any)
                .is_some_and(|value| at_once(&value))
        })
        .map(|key| format!("{key}, says {}", site.origin(&key)))
        .collect();
    Facts {
        deny_non_fast_forwards: site.setting("receive.denyNonFastForwards"),
        deny_deletes: site.setting("receive.denyDeletes"),
        receive_fsck: site.setting("receive.fsckObjects"),
        transfer_fsck: site.setting("transfer.fsckObjects"),
        push_options: site.setting("receive.advertisePushOptions"),
        hide_refs,
        reference: site.ledger.reference().to_owned(),
        bare: repository.is_bare(),
        deny_current: site.setting("receive.denyCurrentBranch"),
        fsync: site.setting("core.fsync"),
        fsync_method: site.setting("core.fsyncMethod"),
        unshared: match shared {
            Some(_) => unshared(&site.ledger.state_dir()),
            None => Vec::new(),
        },
        shared,
        log_refs: site.setting("core.logAllRefUpdates"),
        reflog_expires,
        prune_expire: site.setting("gc.pruneExpire"),
        auto_gc: site.setting("receive.autogc"),
        http_receive: site.setting("http.receivepack"),
        daemon_receive: site.setting("daemon.receivepack"),
    }
}

/// The keys that say how long reflogs of the ledger are kept.
fn reflog_keys(site: &Site<'_>) -> Vec<String> {
    let reference = site.ledger.reference();
    let mut keys = Vec::new();
    for name in ["reflogExpire", "reflogExpireUnreachable"] {
        keys.push(format!("gc.{name}"));
        for pattern in site.config.subsections("gc", Scope::Any) {
            let pattern_fits = pattern == reference
                || pattern
                    .strip_suffix('*')
                    .is_some_and(|prefix| reference.starts_with(prefix));
            if pattern_fits {
                keys.push(format!("gc.{pattern}.{name}"));
            }
        }
    }
    keys
}

/// Files of the ledger's own that their group cannot write, with the permissions they should have.
fn unshared(state: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    let mut open = vec![state.to_owned()];
    let mut seen = 0;
    while let Some(path) = open.pop() {
        let Ok(meta) = fs::symlink_metadata(&path) else {
            continue;
        };
        seen += 1;
        if meta.is_symlink() || seen > FILES {
            continue;
        }
        let wanted = if meta.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            open.extend(entries.map(|entry| entry.path()));
            0o2070
        } else {
            0o060
        };
        let mode = meta.mode() & 0o7777;
        if mode & wanted & 0o077 != wanted & 0o077 {
            found.push((path, mode | wanted));
        }
    }
    found
}
