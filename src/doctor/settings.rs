//! Settings by which git takes pushes and keeps what it took.
//!
//! Sources: git-config(1) of git 2.47, of `receive.*`, `transfer.*`, `core.fsync`, `gc.*`,
//! `http.receivepack`, `daemon.*`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Check, Diagnosis, Fix, Place};

/// One key as it holds here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setting {
    /// The value that wins, if there is one.
    pub value: Option<String>,
    /// The value as git reads booleans, if it is one.
    pub on: Option<bool>,
    /// Which file or variable says so.
    pub origin: String,
}

/// What was read.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// `receive.denyNonFastForwards`.
    pub deny_non_fast_forwards: Setting,
    /// `receive.denyDeletes`.
    pub deny_deletes: Setting,
    /// `receive.fsckObjects`.
    pub receive_fsck: Setting,
    /// `transfer.fsckObjects`, which holds where `receive.fsckObjects` says nothing.
    pub transfer_fsck: Setting,
    /// `receive.advertisePushOptions`.
    pub push_options: Setting,
    /// Values of `transfer.hideRefs` and `uploadpack.hideRefs`, in order.
    pub hide_refs: Vec<String>,
    /// The ledger's full ref.
    pub reference: String,
    /// Whether the repository has no work tree.
    pub bare: bool,
    /// `receive.denyCurrentBranch`.
    pub deny_current: Setting,
    /// `core.fsync`.
    pub fsync: Setting,
    /// `core.fsyncMethod`.
    pub fsync_method: Setting,
    /// `core.sharedRepository`, where it shares with anybody.
    pub shared: Option<String>,
    /// Files of the ledger that are not shared so, with the permissions they should have.
    pub unshared: Vec<(PathBuf, u32)>,
    /// `core.logAllRefUpdates`.
    pub log_refs: Setting,
    /// Keys that let reflogs of the ledger expire at once, with who says so.
    pub reflog_expires: Vec<String>,
    /// `gc.pruneExpire`.
    pub prune_expire: Setting,
    /// `receive.autogc`.
    pub auto_gc: Setting,
    /// `http.receivepack`.
    pub http_receive: Setting,
    /// `daemon.receivepack`.
    pub daemon_receive: Setting,
}

/// The checks of the settings.
pub fn examine(place: Place, facts: &Facts) -> Vec<Diagnosis> {
    let mut all = kept(facts);
    if place == Place::Server {
        all.extend(served(facts));
    } else {
        let why = "nobody pushes here; --as server if somebody does";
        let of_pushes = [
            Check::DenyNonFastForwards,
            Check::DenyDeletes,
            Check::FsckObjects,
            Check::AdvertisePushOptions,
            Check::HideRefs,
            Check::DenyCurrentBranch,
            Check::AutoGc,
            Check::HttpReceivePack,
            Check::DaemonReceivePack,
            Check::DumbTransports,
        ];
        all.extend(of_pushes.map(|check| Diagnosis::not_applicable(check, why)));
        let why = "git ledger itself waits for the disk, whatever git is told";
        let of_disk = [Check::Fsync, Check::FsyncMethod];
        all.extend(of_disk.map(|check| Diagnosis::not_applicable(check, why)));
    }
    all
}

/// What holds wherever a ledger is kept.
fn kept(facts: &Facts) -> Vec<Diagnosis> {
    let reflog = if facts.log_refs.on == Some(false) {
        set(
            Check::Reflog,
            &facts.log_refs,
            "core.logAllRefUpdates",
            "always",
        )
    } else if facts.reflog_expires.is_empty() {
        Diagnosis::ok(Check::Reflog, "kept, and not expired at once")
    } else {
        Diagnosis::off(
            Check::Reflog,
            format!("expire at once: {}", facts.reflog_expires.join(", ")),
            "take it out where it stands; git's own default is 90 days",
        )
    };
    let prune = match facts.prune_expire.value.as_deref() {
        Some(value) if at_once(value) => set(
            Check::Prune,
            &facts.prune_expire,
            "gc.pruneExpire",
            "2.weeks.ago",
        ),
        Some(value) => Diagnosis::ok(Check::Prune, format!("gc.pruneExpire = {value}")),
        None => Diagnosis::ok(Check::Prune, "git's default, two weeks"),
    };
    let shared = match &facts.shared {
        None => Diagnosis::not_applicable(Check::SharedRepository, "the repository is not shared"),
        Some(value) if facts.unshared.is_empty() => Diagnosis::ok(
            Check::SharedRepository,
            format!("core.sharedRepository = {value}, and the ledger's files are shared so"),
        ),
        Some(value) => {
            let (first, mode) = facts.unshared.first().cloned().unwrap_or_default();
            let off = Diagnosis::off(
                Check::SharedRepository,
                format!(
                    "core.sharedRepository = {value}, but {} files are not shared so, among them '{}'",
                    facts.unshared.len(),
                    first.display()
                ),
                format!(
                    "chmod {mode:o} '{}', and a umask of 002 for all accounts",
                    first.display()
                ),
            );
            facts.unshared.iter().fold(off, |off, (path, mode)| {
                off.fix(Fix::Chmod {
                    path: path.clone(),
                    mode: *mode,
                })
            })
        }
    };
    vec![shared, reflog, prune]
}

/// What holds where pushes are taken.
fn served(facts: &Facts) -> Vec<Diagnosis> {
    let fsck = if facts.receive_fsck.on.is_none() {
        &facts.transfer_fsck
    } else {
        &facts.receive_fsck
    };
    vec![
        must(
            Check::DenyNonFastForwards,
            &facts.deny_non_fast_forwards,
            "receive.denyNonFastForwards",
        ),
        must(
            Check::DenyDeletes,
            &facts.deny_deletes,
            "receive.denyDeletes",
        ),
        must(Check::FsckObjects, fsck, "receive.fsckObjects"),
        must(
            Check::AdvertisePushOptions,
            &facts.push_options,
            "receive.advertisePushOptions",
        ),
        hidden(facts),
        current_branch(facts),
        fsync(&facts.fsync),
        fsync_method(&facts.fsync_method),
        if facts.auto_gc.on == Some(false) {
            set(Check::AutoGc, &facts.auto_gc, "receive.autogc", "true")
        } else {
            Diagnosis::ok(Check::AutoGc, "git tidies up after pushes")
        },
        never(
            Check::HttpReceivePack,
            &facts.http_receive,
            "http.receivepack",
            "pushes over http need an authenticated user",
        ),
        never(
            Check::DaemonReceivePack,
            &facts.daemon_receive,
            "daemon.receivepack",
            "git daemon takes no pushes",
        ),
        Diagnosis::not_applicable(
            Check::DumbTransports,
            "cannot be seen from inside a repository; see that no web server offers WebDAV on it, and no rsync writes it",
        ),
    ]
}

/// A boolean that has to be on, and that `hook install` switches on.
fn must(check: Check, setting: &Setting, key: &str) -> Diagnosis {
    match (&setting.value, setting.on) {
        (_, Some(true)) => Diagnosis::ok(check, format!("{key} = true")),
        (None, _) => Diagnosis::off(
            check,
            format!("{key} is not set"),
            format!("git config {key} true"),
        )
        .fix(Fix::InstallHooks),
        (Some(value), _) => Diagnosis::off(
            check,
            format!("{key} = {value}, says {}", setting.origin),
            format!("git config {key} true"),
        )
        .fix(Fix::InstallHooks),
    }
}

/// A setting with a value that has to be another.
fn set(check: Check, setting: &Setting, key: &str, value: &str) -> Diagnosis {
    let now = setting.value.as_deref().unwrap_or_default();
    Diagnosis::off(
        check,
        format!("{key} = {now}, says {}", setting.origin),
        format!("git config {key} {value}"),
    )
    .fix(Fix::Set {
        key: key.into(),
        value: value.into(),
    })
}

/// A boolean that must not be switched on.
fn never(check: Check, setting: &Setting, key: &str, ok: &str) -> Diagnosis {
    if setting.on == Some(true) {
        Diagnosis::off(
            check,
            format!("{key} = true, says {}", setting.origin),
            format!("git config --unset {key}, where it stands"),
        )
    } else {
        Diagnosis::ok(check, ok)
    }
}

fn hidden(facts: &Facts) -> Diagnosis {
    // the last pattern that fits decides; '!' takes a ref out again, '^' looks before namespaces
    let fits = |pattern: &str| {
        facts
            .reference
            .strip_prefix(pattern.trim_end_matches('/'))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let deciding = facts.hide_refs.iter().rev().find(|value| {
        let pattern = value.strip_prefix('!').unwrap_or(value);
        fits(pattern.strip_prefix('^').unwrap_or(pattern))
    });
    match deciding {
        Some(value) if !value.starts_with('!') => Diagnosis::off(
            Check::HideRefs,
            format!("hideRefs = {value} hides {}", facts.reference),
            format!("git config --add transfer.hideRefs '!{}'", facts.reference),
        ),
        _ => Diagnosis::ok(Check::HideRefs, format!("{} is shown", facts.reference)),
    }
}

fn current_branch(facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::DenyCurrentBranch;
    if facts.bare {
        return Diagnosis::not_applicable(CHECK, "there is no work tree");
    }
    let lenient = |value: &str| {
        let word = value.to_ascii_lowercase();
        matches!(word.as_str(), "ignore" | "warn") || facts.deny_current.on == Some(false)
    };
    match facts.deny_current.value.as_deref() {
        Some(value) if lenient(value) => set(
            CHECK,
            &facts.deny_current,
            "receive.denyCurrentBranch",
            "refuse",
        ),
        _ => Diagnosis::ok(CHECK, "a push to the checked-out branch is refused"),
    }
}

/// What `core.fsync` must cover, in git's own words for single components.
const COMPONENTS: [&str; 4] = ["loose-object", "pack", "pack-metadata", "reference"];

fn fsync(setting: &Setting) -> Diagnosis {
    const WANTED: &str = "committed,reference";
    let Some(value) = setting.value.as_deref() else {
        return Diagnosis::off(
            Check::Fsync,
            "core.fsync is not set, and git by default does not wait for refs and small pushes",
            format!("git config core.fsync {WANTED}"),
        )
        .fix(Fix::InstallHooks);
    };
    let covered = fsync_components(value);
    let lacking: Vec<&str> = COMPONENTS
        .into_iter()
        .filter(|one| !covered.contains(one))
        .collect();
    if lacking.is_empty() {
        return Diagnosis::ok(Check::Fsync, format!("core.fsync = {value}"));
    }
    let mut off = set(Check::Fsync, setting, "core.fsync", WANTED);
    off.detail = format!("{}; it leaves out {}", off.detail, lacking.join(", "));
    off
}

/// The components of [`COMPONENTS`] that a value of `core.fsync` switches on.
fn fsync_components(value: &str) -> BTreeSet<&'static str> {
    let group = |word: &str| -> Vec<&'static str> {
        match word {
            "all" => COMPONENTS.to_vec(),
            "committed" | "added" | "objects" => vec!["loose-object", "pack", "pack-metadata"],
            "derived-metadata" => vec!["pack-metadata"],
            "default" => vec!["pack", "pack-metadata"],
            one => COMPONENTS
                .into_iter()
                .filter(|known| *known == one)
                .collect(),
        }
    };
    let mut covered: BTreeSet<&'static str> = group("default").into_iter().collect();
    for word in value.split(',').map(str::trim) {
        if word == "none" {
            covered.clear();
        } else if let Some(word) = word.strip_prefix('-') {
            for one in group(word) {
                covered.remove(one);
            }
        } else {
            covered.extend(group(word));
        }
    }
    covered
}

fn fsync_method(setting: &Setting) -> Diagnosis {
    match setting.value.as_deref() {
        Some("writeout-only") => set(Check::FsyncMethod, setting, "core.fsyncMethod", "fsync"),
        Some(value) => Diagnosis::ok(Check::FsyncMethod, format!("core.fsyncMethod = {value}")),
        None => Diagnosis::ok(Check::FsyncMethod, "git's default, fsync"),
    }
}

/// Whether an expiry date lets everything expire that is there.
pub fn at_once(value: &str) -> bool {
    let word = value.trim().to_ascii_lowercase();
    matches!(
        word.as_str(),
        "now" | "all" | "0" | "0.seconds.ago" | "0.days.ago"
    )
}
