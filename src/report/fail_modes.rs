//! What becomes of events that cannot be recorded, in words: as a policy says it, what a change
//! of it comes to, and what to think about before agreeing.

use crate::escape::printable;
use crate::json::{Object, Value};
use crate::policy::{FailClass, FailMode, Policy, Relaxed, relaxed};
use crate::report::verdict::clean;

/// The rows, a line each; one line where there are none.
pub fn text(policy: &Policy) -> String {
    let line = |row: &FailClass| {
        format!(
            "on failure {:<6} {}\n",
            row.mode.word(),
            list(row.types.iter().map(String::as_str))
        )
    };
    if policy.failures.is_empty() {
        return "on failure as the caller says; the hooks are closed\n".to_owned();
    }
    policy.failures.iter().map(line).collect()
}

/// The rows for programs.
pub fn json(policy: &Policy) -> Vec<Value> {
    let row = |row: &FailClass| {
        let types: Vec<Value> = row.types.iter().map(|kind| clean(kind)).collect();
        Object::new()
            .with("types", types)
            .with("mode", row.mode.word())
            .into()
    };
    policy.failures.iter().map(row).collect()
}

/// One line for each pattern that comes, goes or changes its mode, and one for another order.
pub fn lines(before: Option<&Policy>, after: &Policy) -> Vec<String> {
    let (old, new) = (before.map_or_else(Vec::new, flat), flat(after));
    let mode_in = |rows: &[(&str, FailMode)], pattern: &str| {
        let mut rows = rows.iter();
        rows.find(|(one, _)| *one == pattern).map(|(_, mode)| *mode)
    };
    let mut lines = Vec::new();
    let gone: Vec<_> = old
        .iter()
        .filter(|(one, _)| mode_in(&new, one).is_none())
        .collect();
    let fresh: Vec<_> = new
        .iter()
        .filter(|(one, _)| mode_in(&old, one).is_none())
        .collect();
    for (sign, rows) in [("-", gone), ("+", fresh)] {
        for same in rows.chunk_by(|one, next| one.1 == next.1) {
            let mode = same.first().map_or("", |(_, mode)| mode.word());
            let patterns = list(same.iter().map(|(pattern, _)| *pattern));
            lines.push(format!("{sign} on failure {mode}: {patterns}"));
        }
    }
    for (pattern, mode) in &new {
        if let Some(was) = mode_in(&old, pattern).filter(|was| was != mode) {
            let (was, mode) = (was.word(), mode.word());
            let pattern = printable(pattern);
            lines.push(format!("~ on failure {pattern}: {was} -> {mode}"));
        }
    }
    let common = |these: &[(&str, FailMode)], others: &[(&str, FailMode)]| -> Vec<String> {
        let kept = these
            .iter()
            .filter(|(one, _)| mode_in(others, one).is_some());
        kept.map(|(one, _)| (*one).to_owned()).collect()
    };
    if common(&old, &new) != common(&new, &old) {
        let order = list(new.iter().map(|(pattern, _)| *pattern));
        lines.push(format!(
            "~ on failure: the first that fits is looked for in another order: {order}"
        ));
    } else if lines.is_empty() && before.is_some_and(|before| before.failures != after.failures) {
        lines.push("~ on failure: the same, in other rows".to_owned());
    }
    lines
}

/// A sentence for each class of events that may go ahead unrecorded, and might not before.
pub fn warnings(before: &Policy, after: &Policy) -> Vec<String> {
    let sentence = |one: &Relaxed| {
        let class = printable(&one.class);
        let what = if one.is_deployment() {
            format!("deployments ({class})")
        } else if one.is_refs() {
            format!("pushes ({class})")
        } else if one.class == "*" {
            "events of every other type (*)".to_owned()
        } else {
            format!("events of type {class}")
        };
        match one.to {
            Some(_) => format!(
                "WARNING: {what} may go ahead unrecorded: what cannot be recorded waits in the spool, \
                 where whoever holds that machine can take it away"
            ),
            None => format!(
                "WARNING: {what} are closed no more: whoever records may let them wait in the spool"
            ),
        }
    };
    relaxed(before, after).iter().map(sentence).collect()
}

fn flat(policy: &Policy) -> Vec<(&str, FailMode)> {
    let rows = policy.failures.iter();
    rows.flat_map(|row| row.types.iter().map(|kind| (kind.as_str(), row.mode)))
        .collect()
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(printable).collect::<Vec<_>>().join(", ")
}
