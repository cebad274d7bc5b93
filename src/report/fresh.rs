//! How fresh an answer is and what it does not prove, in words and as JSON.

use crate::date::rfc3339;
use crate::escape::printable;
use crate::freshness::{self, KEEP, Limits, Newest, UNSEEN};
use crate::json::{Object, Value};

use super::verdict::{age, clean, number};

/// What the words are about.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// The newest entry of the copy in hand.
    pub newest: Option<Newest>,
    /// What is too old.
    pub limits: Limits,
    /// The clock here, in seconds since 1970.
    pub now: u64,
    /// The newest entry that was seen here before, and when.
    pub before: Option<(u64, u64)>,
    /// Remotes that were not asked now, and when they were last seen.
    pub unasked: Vec<(String, Option<u64>)>,
    /// The number of the newest tip kept elsewhere that stands here.
    pub held_to: Option<u64>,
}

/// The words, each line after `label` and as far in.
pub fn text(fresh: &Fresh, label: &str) -> String {
    let mut lines = vec![format!("{}; {}", old(fresh), limits(fresh.limits))];
    lines.push(match fresh.before {
        Some((entry, seen)) => format!(
            "before, this clone saw entry {entry} here {}, and holds the ledger to it",
            ago(Some(seen), fresh.now)
        ),
        None => "this clone remembers nothing of before: what was taken back until now it \
                 cannot miss"
            .to_owned(),
    });
    if !fresh.unasked.is_empty() {
        let seen: Vec<String> = fresh
            .unasked
            .iter()
            .map(|(name, seen)| format!("{} {}", printable(name), ago(*seen, fresh.now)))
            .collect();
        lines.push(format!(
            "last seen, not asked now ('git ledger compare' asks): {}",
            seen.join(", ")
        ));
    }
    if let Some(entry) = fresh.held_to {
        lines.push(format!(
            "up to entry {entry} it is held to what was seen elsewhere; of what came after it:"
        ));
    }
    lines.push(UNSEEN.to_owned());
    if fresh.held_to.is_none() {
        lines.push(KEEP.to_owned());
    }
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        let before = if at == 0 { label } else { "" };
        out += &format!("{before:<width$}{line}\n", width = label.len());
    }
    out
}

/// When a remote was last seen.
pub fn ago(seen: Option<u64>, now: u64) -> String {
    match seen.map(|seen| now.saturating_sub(seen)) {
        None => "never".to_owned(),
        Some(0) => "now".to_owned(),
        Some(ago) => format!("{} ago", age(ago)),
    }
}

fn old(fresh: &Fresh) -> String {
    match &fresh.newest {
        None => "there is no entry here".to_owned(),
        Some(newest) => match freshness::age(newest.time, fresh.now) {
            Some(seconds) => format!("the newest entry here is {} old", age(seconds)),
            None => format!(
                "the newest entry here is dated {}, ahead of the clock",
                rfc3339(newest.time)
            ),
        },
    }
}

fn limits(limits: Limits) -> String {
    let one = |limit: Option<u64>, what: &str, option: &str| match limit {
        Some(limit) => format!("{what} at most {}", age(limit)),
        None => format!("no limit on {what} ({option})"),
    };
    format!(
        "{}, {}",
        one(limits.max_age, "age", "--max-age"),
        one(limits.max_lag, "lag", "--max-lag")
    )
}

/// As one JSON object.
pub fn json(fresh: &Fresh) -> Object {
    let maybe = |value: Option<u64>| value.map_or(Value::Null, number);
    let seen: Vec<Value> = fresh
        .unasked
        .iter()
        .map(|(name, seen)| {
            Object::new()
                .with("remote", clean(name))
                .with(
                    "seen",
                    seen.map_or(Value::Null, |seen| Value::from(rfc3339(seen))),
                )
                .into()
        })
        .collect();
    let old = fresh
        .newest
        .and_then(|newest| freshness::age(newest.time, fresh.now));
    let before = fresh.before.map_or(Value::Null, |(entry, seen)| {
        Object::new()
            .with("entry", number(entry))
            .with("seen", rfc3339(seen))
            .into()
    });
    Object::new()
        .with("age", maybe(old))
        .with("before", before)
        .with("max_age", maybe(fresh.limits.max_age))
        .with("max_lag", maybe(fresh.limits.max_lag))
        .with("unasked", seen)
        .with("held_to", maybe(fresh.held_to))
        .with("unseen", UNSEEN)
}
