//! The repository around the ledger: whose it is, and what makes stock git tell another story.

use std::path::PathBuf;

use super::{Check, Diagnosis, Fix, Place};

/// A lock file younger than this, in seconds, is taken for work in progress.
pub const FRESH_LOCK: u64 = 600;
/// What was left behind half-received and is younger than this is taken for work in progress.
pub const FRESH_OBJECTS: u64 = 3600;
/// How many names are listed before the rest is counted.
const LISTED: usize = 3;

/// What was seen.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The account of the repository's directory.
    pub owner: String,
    /// Files in it that belong to another account: path and account.
    pub foreign: Vec<(PathBuf, String)>,
    /// Directories above that others can rename things in: path and why.
    pub parents: Vec<(PathBuf, String)>,
    /// Files and directories in it that others can write: path and permissions.
    pub writable: Vec<(PathBuf, u32)>,
    /// Names under refs/replace/.
    pub replace_refs: Vec<String>,
    /// The grafts file, if there is something in it.
    pub grafts: Option<PathBuf>,
    /// Object directories elsewhere.
    pub alternates: Vec<PathBuf>,
    /// How many commits are cut off from their parents.
    pub cut_off: usize,
    /// What makes it a partial clone.
    pub promisor: Vec<String>,
    /// What the ledger ref holds.
    pub ledger_ref: LedgerRef,
    /// Refs that are easily taken for the ledger.
    pub near: Vec<String>,
    /// Lock files: path and age in seconds, and whether a process has it open.
    pub locks: Vec<Lock>,
    /// Half-received objects: path and age in seconds.
    pub left_overs: Vec<(PathBuf, u64)>,
    /// Whether refs are in a reftable.
    pub reftable: bool,
    /// Whether the reference-transaction hook was chosen.
    pub transaction_chosen: bool,
    /// Keys of its own configuration that make stock git run programs.
    pub programs: Vec<String>,
}

/// What the ledger ref holds.
#[derive(Debug, Clone, Default)]
pub enum LedgerRef {
    /// Nothing: there is no such ref.
    #[default]
    Absent,
    /// A commit.
    Commit,
    /// Something else, in words.
    Other(String),
}

/// A lock file.
#[derive(Debug, Clone)]
pub struct Lock {
    /// Its path.
    pub path: PathBuf,
    /// Seconds since it was made.
    pub age: u64,
    /// Whether a process that can be seen has it open.
    pub held: bool,
}

/// The checks of the repository.
pub fn examine(place: Place, facts: &Facts) -> Vec<Diagnosis> {
    let mut all = vec![
        owner(facts),
        parents(facts),
        writable(
            Check::RepositoryWritable,
            &facts.writable,
            "only its owner writes it",
        ),
    ];
    all.extend(stories(facts));
    all.extend([
        ledger_ref(facts),
        names(facts),
        locks(&facts.locks),
        left_overs(&facts.left_overs),
        storage(facts),
        programs(place, facts),
    ]);
    all
}

fn listed<T>(all: &[T], show: impl Fn(&T) -> String) -> String {
    let mut text: Vec<String> = all.iter().take(LISTED).map(show).collect();
    if let Some(more) = all.len().checked_sub(LISTED).filter(|more| *more > 0) {
        text.push(format!("and {more} more"));
    }
    text.join(", ")
}

fn owner(facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::RepositoryOwner;
    let Some((first, _)) = facts.foreign.first() else {
        return Diagnosis::ok(CHECK, format!("all of it belongs to {}", facts.owner));
    };
    Diagnosis::off(
        CHECK,
        format!(
            "it belongs to {}, but {}",
            facts.owner,
            listed(&facts.foreign, |(path, account)| format!(
                "'{}' to {account}",
                path.display()
            ))
        ),
        format!(
            "chown {} '{}', after looking what it is",
            facts.owner,
            first.display()
        ),
    )
}

fn parents(facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::RepositoryParents;
    let Some((first, _)) = facts.parents.first() else {
        return Diagnosis::ok(CHECK, "only root and its owner write the directories above");
    };
    Diagnosis::off(
        CHECK,
        listed(&facts.parents, |(path, why)| {
            format!("'{}' {why}", path.display())
        }),
        format!("chmod go-w '{}', or move the repository", first.display()),
    )
}

/// Files that others can write.
pub(super) fn writable(check: Check, found: &[(PathBuf, u32)], ok: &str) -> Diagnosis {
    let Some((first, _)) = found.first() else {
        return Diagnosis::ok(check, ok);
    };
    let off = Diagnosis::off(
        check,
        format!(
            "others may write {}",
            listed(found, |(path, mode)| format!(
                "'{}' ({:04o})",
                path.display(),
                mode & 0o7777
            ))
        ),
        format!("chmod go-w '{}'", first.display()),
    );
    found.iter().fold(off, |off, (path, mode)| {
        off.fix(Fix::Chmod {
            path: path.clone(),
            mode: mode & 0o7777 & !0o022,
        })
    })
}

/// What makes stock git show another history than the objects.
fn stories(facts: &Facts) -> Vec<Diagnosis> {
    let replace = if facts.replace_refs.is_empty() {
        Diagnosis::ok(Check::ReplaceRefs, "none")
    } else {
        Diagnosis::off(
            Check::ReplaceRefs,
            listed(&facts.replace_refs, String::clone),
            "look at each with 'git replace -l --format=medium'; git replace -d ID",
        )
    };
    let grafts = match &facts.grafts {
        None => Diagnosis::ok(Check::Grafts, "none"),
        Some(path) => Diagnosis::off(
            Check::Grafts,
            format!("'{}' is not empty", path.display()),
            "put it aside; git has not used such files since 2.18",
        )
        .fix(Fix::PutAside(path.clone())),
    };
    let alternates = if facts.alternates.is_empty() {
        Diagnosis::ok(Check::Alternates, "all objects are its own")
    } else {
        Diagnosis::off(
            Check::Alternates,
            format!(
                "it borrows from {}",
                listed(&facts.alternates, |path| format!("'{}'", path.display()))
            ),
            "git repack -a -d, then remove objects/info/alternates",
        )
    };
    let shallow = match facts.cut_off {
        0 => Diagnosis::ok(Check::Shallow, "nothing is cut off"),
        count => Diagnosis::off(
            Check::Shallow,
            format!("{count} commits are cut off from their parents"),
            "git fetch --unshallow",
        ),
    };
    let promisor = if facts.promisor.is_empty() {
        Diagnosis::ok(Check::Promisor, "no")
    } else {
        Diagnosis::off(
            Check::Promisor,
            listed(&facts.promisor, String::clone),
            "git fetch --refetch --no-filter, then take these settings out",
        )
    };
    vec![replace, grafts, alternates, shallow, promisor]
}

fn ledger_ref(facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::LedgerRef;
    match &facts.ledger_ref {
        LedgerRef::Absent => Diagnosis::not_applicable(CHECK, "there is no ledger branch"),
        LedgerRef::Commit => Diagnosis::ok(CHECK, "an ordinary branch"),
        LedgerRef::Other(what) => Diagnosis::off(
            CHECK,
            what.clone(),
            "look who changed it; then: git update-ref --no-deref REF COMMIT",
        ),
    }
}

fn names(facts: &Facts) -> Diagnosis {
    if facts.near.is_empty() {
        return Diagnosis::ok(Check::RefNames, "none");
    }
    Diagnosis::off(
        Check::RefNames,
        listed(&facts.near, String::clone),
        "look at it; git update-ref -d REF removes it",
    )
}

fn locks(found: &[Lock]) -> Diagnosis {
    const CHECK: Check = Check::StaleLocks;
    let stale: Vec<&Lock> = found
        .iter()
        .filter(|lock| lock.age >= FRESH_LOCK && !lock.held)
        .collect();
    if let Some(first) = stale.first() {
        let off = Diagnosis::off(
            CHECK,
            listed(&stale, |lock| {
                format!("'{}', {} old", lock.path.display(), age(lock.age))
            }),
            format!(
                "see that no git is at work, then: rm '{}'",
                first.path.display()
            ),
        );
        return stale
            .iter()
            .fold(off, |off, lock| off.fix(Fix::PutAside(lock.path.clone())));
    }
    match found.first() {
        None => Diagnosis::ok(CHECK, "none"),
        Some(lock) => Diagnosis::ok(
            CHECK,
            format!(
                "'{}', {} old: somebody is at work",
                lock.path.display(),
                age(lock.age)
            ),
        ),
    }
}

fn left_overs(found: &[(PathBuf, u64)]) -> Diagnosis {
    let old: Vec<&(PathBuf, u64)> = found
        .iter()
        .filter(|(_, age)| *age >= FRESH_OBJECTS)
        .collect();
    if old.is_empty() {
        return Diagnosis::ok(Check::LeftOvers, "none");
    }
    Diagnosis::off(
        Check::LeftOvers,
        listed(&old, |(path, seconds)| {
            format!("'{}', {} old", path.display(), age(*seconds))
        }),
        "git prune --expire=1.hour.ago",
    )
}

fn storage(facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::RefStorage;
    match (facts.reftable, facts.transaction_chosen) {
        (true, true) => Diagnosis::off(
            CHECK,
            "refs are in a reftable, and a reference-transaction hook is there",
            "leave that hook out, or keep the ledger in another repository",
        ),
        (true, false) => Diagnosis::ok(CHECK, "a reftable, and no reference-transaction hook"),
        (false, _) => Diagnosis::ok(CHECK, "files"),
    }
}

fn programs(place: Place, facts: &Facts) -> Diagnosis {
    if facts.programs.is_empty() {
        return Diagnosis::ok(Check::ForeignPrograms, "none");
    }
    let who = match place {
        Place::Auditor => "whoever gave you this copy",
        _ => "somebody",
    };
    Diagnosis::off(
        Check::ForeignPrograms,
        format!("{who} set {}", listed(&facts.programs, String::clone)),
        "take out what you did not set: git config --local --unset KEY; your own belong into git config --global",
    )
}

/// Seconds in the largest unit that fits.
pub fn age(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
