//! The ledger's own state, and its mirrors as far as they can be judged without asking them.

use std::path::PathBuf;

use super::repository::age;
use super::{Check, Diagnosis, Place};

/// What was seen.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The ledger's full ref.
    pub reference: String,
    /// The newest entry, or why there is none to be read.
    pub tip: Tip,
    /// Whether a fingerprint is pinned.
    pub pinned: bool,
    /// Marks that cannot be read, and why.
    pub bad_marks: Vec<String>,
    /// Events that wait.
    pub spooled: usize,
    /// Files in the spool that make no sense.
    pub bad_spool: Vec<PathBuf>,
    /// Deployments and pushes that the policy lets wait in the spool, as patterns; none where the
    /// policy cannot be read.
    pub may_wait: Option<Vec<String>>,
    /// Pushes whose outcome is not known, and whose process is gone.
    pub outstanding: usize,
    /// Steps whose process is gone and whose end is not recorded.
    pub dead_steps: usize,
    /// Seconds after which a newest entry is old; none if nobody said.
    pub max_age: Option<u64>,
    /// Seconds since the refs were last compared with the record, where that is known.
    pub reconciled: Option<u64>,
    /// The mirrors.
    pub mirrors: Vec<Mirror>,
    /// Whether somebody vouches for this copy too.
    pub this_copy_counts: bool,
    /// How many groups of copies are independent of each other.
    pub independent: usize,
    /// What ties mirrors to each other, in words.
    pub ties: Vec<String>,
    /// The object format here.
    pub format: String,
    /// The last line of trouble in the log of mirror pushes.
    pub push_trouble: Option<String>,
}

/// The newest entry.
#[derive(Debug, Clone, Default)]
pub enum Tip {
    /// There is no ledger.
    #[default]
    Absent,
    /// It cannot be read, and why.
    Broken(String),
    /// Its ref is no ref, which is told by the check of refs.
    NoRef,
    /// Its number, and seconds since its date.
    Entry(u64, u64),
}

/// A mirror.
#[derive(Debug, Clone, Default)]
pub struct Mirror {
    /// The remote's name.
    pub name: String,
    /// What keeps it from being used, if something does.
    pub trouble: Option<String>,
    /// The object format there, where it can be seen.
    pub format: Option<String>,
    /// The newest entry that was seen there.
    pub seen: Option<u64>,
}

/// The checks of the ledger and its mirrors.
pub fn examine(place: Place, facts: &Facts) -> Vec<Diagnosis> {
    vec![
        present(facts),
        fingerprint(facts),
        marks(facts),
        spool(facts),
        fail_modes(facts),
        outstanding(place, facts),
        steps(facts),
        heartbeat(facts),
        reconcile(place, facts),
        count(place, facts),
        independent(place, facts),
        pushed(place, facts),
        format(facts),
    ]
}

fn present(facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::LedgerPresent;
    match &facts.tip {
        Tip::Entry(number, _) => {
            Diagnosis::ok(CHECK, format!("{}, newest entry {number}", facts.reference))
        }
        Tip::Absent => Diagnosis::off(
            CHECK,
            format!("there is no '{}'", facts.reference),
            "git ledger init makes one; git ledger clone URL brings one here",
        ),
        Tip::NoRef => Diagnosis::not_applicable(CHECK, "its ref is no ref"),
        Tip::Broken(why) => Diagnosis::off(CHECK, why.clone(), "git ledger verify"),
    }
}

fn fingerprint(facts: &Facts) -> Diagnosis {
    if facts.pinned {
        Diagnosis::ok(Check::Fingerprint, "pinned")
    } else {
        Diagnosis::off(
            Check::Fingerprint,
            "not pinned",
            "git ledger verify --fingerprint SHA256 --pin, with the one you were told",
        )
    }
}

fn marks(facts: &Facts) -> Diagnosis {
    match facts.bad_marks.first() {
        None => Diagnosis::ok(Check::Marks, "all can be read"),
        Some(first) => Diagnosis::off(
            Check::Marks,
            first.clone(),
            "find out who touched it; git ledger mirror remove NAME --forget makes a new one possible",
        ),
    }
}

fn spool(facts: &Facts) -> Diagnosis {
    if let Some(bad) = facts.bad_spool.first() {
        return Diagnosis::off(
            Check::Spool,
            format!("'{}' is no event", bad.display()),
            "look at it; it will never be recorded as it is",
        );
    }
    match facts.spooled {
        0 => Diagnosis::ok(Check::Spool, "empty"),
        count => Diagnosis::off(
            Check::Spool,
            format!("{count} events wait"),
            "git ledger flush",
        ),
    }
}

fn fail_modes(facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::FailModes;
    match facts.may_wait.as_deref() {
        None => Diagnosis::not_applicable(CHECK, "the policy cannot be read"),
        Some([]) => Diagnosis::ok(CHECK, "the policy lets none of them wait"),
        Some(some) => Diagnosis::off(
            CHECK,
            format!(
                "the policy lets them wait in the spool: {}",
                some.join(", ")
            ),
            "git ledger policy on-failure TYPE… --mode closed, unless that is meant",
        ),
    }
}

fn outstanding(place: Place, facts: &Facts) -> Diagnosis {
    match (place, facts.outstanding) {
        (Place::Server, 0) => Diagnosis::ok(Check::Outstanding, "none"),
        (Place::Server, count) => Diagnosis::off(
            Check::Outstanding,
            format!("{count} pushes ended without an outcome"),
            "the next push settles them, and so does: git ledger reconcile",
        ),
        _ => Diagnosis::not_applicable(Check::Outstanding, "nobody pushes here"),
    }
}

fn steps(facts: &Facts) -> Diagnosis {
    match facts.dead_steps {
        0 => Diagnosis::ok(Check::Steps, "none"),
        count => Diagnosis::off(
            Check::Steps,
            format!("{count} steps lost the git-ledger that ran them"),
            "git ledger flush",
        ),
    }
}

fn heartbeat(facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::Heartbeat;
    match (&facts.tip, facts.max_age) {
        (Tip::Entry(_, old), Some(most)) if *old > most => Diagnosis::off(
            CHECK,
            format!(
                "the newest entry is {} old, more than {}",
                age(*old),
                age(most)
            ),
            "see that whatever records still runs; git ledger append dev.git-ledger.heartbeat from cron shows that it does",
        ),
        (Tip::Entry(_, old), Some(_)) => {
            Diagnosis::ok(CHECK, format!("the newest entry is {} old", age(*old)))
        }
        (Tip::Entry(_, old), None) => Diagnosis::not_applicable(
            CHECK,
            format!(
                "the newest entry is {} old, and nobody said how old it may be: ledger.<name>.maxAge",
                age(*old)
            ),
        ),
        _ => Diagnosis::not_applicable(CHECK, "there is no entry to judge"),
    }
}

fn reconcile(place: Place, facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::Reconcile;
    const LATE: u64 = 2 * 86_400;
    match (place, facts.reconciled) {
        (Place::Server, Some(seconds)) if seconds > LATE => Diagnosis::off(
            CHECK,
            format!("{} ago", age(seconds)),
            "run git ledger reconcile from cron, at least once a day",
        ),
        (Place::Server, Some(seconds)) => Diagnosis::ok(CHECK, format!("{} ago", age(seconds))),
        (Place::Server, None) => Diagnosis::not_applicable(
            CHECK,
            "it was not compared here yet; run git ledger reconcile from cron",
        ),
        _ => Diagnosis::not_applicable(CHECK, "nobody pushes here"),
    }
}

fn count(place: Place, facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::MirrorCount;
    if let Some((name, why)) = facts
        .mirrors
        .iter()
        .find_map(|mirror| Some((&mirror.name, mirror.trouble.as_ref()?)))
    {
        return Diagnosis::off(
            CHECK,
            format!("{name}: {why}"),
            "git remote set-url NAME URL, or git ledger mirror remove NAME",
        );
    }
    let names: Vec<&str> = facts.mirrors.iter().map(|one| one.name.as_str()).collect();
    match (place, facts.mirrors.len()) {
        (Place::Auditor, 1..) | (_, 2..) => Diagnosis::ok(CHECK, names.join(", ")),
        (Place::Auditor, _) => Diagnosis::off(
            CHECK,
            "there is nothing to compare this copy with",
            "git ledger mirror add NAME URL",
        ),
        (_, 0) => Diagnosis::off(CHECK, "there are none", "git ledger mirror add NAME URL"),
        (_, _) => Diagnosis::off(
            CHECK,
            format!("there is only {}", names.join(", ")),
            "git ledger mirror add NAME URL, best at somebody else's",
        ),
    }
}

fn independent(place: Place, facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::MirrorIndependent;
    if place == Place::Auditor {
        return Diagnosis::not_applicable(CHECK, "an auditor's copy is the independent one");
    }
    let all = facts.independent + usize::from(facts.this_copy_counts);
    if all >= 2 {
        return Diagnosis::ok(CHECK, format!("{all} are"));
    }
    if facts.mirrors.len() < 2 {
        return Diagnosis::not_applicable(CHECK, "there are not two mirrors");
    }
    Diagnosis::off(
        CHECK,
        facts.ties.join("; "),
        "keep one where another person administers it; if one is, vouch for it: git ledger mirror add NAME --independent",
    )
}

fn pushed(place: Place, facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::MirrorPush;
    if facts.mirrors.is_empty() || place == Place::Auditor {
        return Diagnosis::not_applicable(CHECK, "nothing is pushed to mirrors from here");
    }
    let Tip::Entry(newest, _) = facts.tip else {
        return Diagnosis::not_applicable(CHECK, "there is nothing to push");
    };
    let behind: Vec<String> = facts
        .mirrors
        .iter()
        .filter(|mirror| mirror.seen.is_none_or(|seen| seen < newest))
        .map(|mirror| match mirror.seen {
            Some(seen) => format!("{} was last seen at entry {seen}", mirror.name),
            None => format!("{} was never seen", mirror.name),
        })
        .collect();
    if behind.is_empty() {
        Diagnosis::ok(CHECK, format!("all were seen at entry {newest}"))
    } else {
        let said = facts
            .push_trouble
            .as_ref()
            .map(|line| format!("; the log of pushes says: {line}"))
            .unwrap_or_default();
        Diagnosis::off(
            CHECK,
            format!("the newest entry is {newest}; {}{said}", behind.join(", ")),
            "git ledger mirror push",
        )
    }
}

fn format(facts: &Facts) -> Diagnosis {
    const CHECK: Check = Check::MirrorFormat;
    let known: Vec<(&str, &str)> = facts
        .mirrors
        .iter()
        .filter_map(|mirror| Some((mirror.name.as_str(), mirror.format.as_deref()?)))
        .collect();
    let other = known.iter().find(|(_, format)| *format != facts.format);
    match other {
        Some((name, format)) => Diagnosis::off(
            CHECK,
            format!("{name} uses {format}, this repository {}", facts.format),
            "make that mirror anew with the same format; a ledger keeps one for life",
        ),
        None if known.is_empty() => Diagnosis::not_applicable(
            CHECK,
            "no mirror lies on this machine; git refuses the first push to another format",
        ),
        None => Diagnosis::ok(CHECK, facts.format.clone()),
    }
}
