//! What a change of the policy comes to, in words: a line for each thing that changes, and what
//! to think about before agreeing. Both are functions of two policies and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::escape::printable;
use crate::policy::{Compromised, Policy, Role, Signer, fits};
use crate::principal::Principal;
use crate::report::fail_modes;
use crate::signature::PublicKey;

/// One line for each thing that changes; `+` comes, `-` goes, `~` changes. Without a policy
/// before, everything comes. A change that the rules forbid is told like any other.
pub fn lines(before: Option<&Policy>, after: &Policy) -> Vec<String> {
    let mut lines = frame(before, after);
    let none = Vec::new();
    let old_rows = before.map_or(&none, |policy| &policy.signers);
    let mut successors = successors(before, after);
    for row in old_rows {
        match after.row(&row.key) {
            None => lines.push(format!("- {}: {} is gone", row.principal, key(&row.key))),
            Some((_, new)) => match successors.remove(&row.key.fingerprint()) {
                Some(next) => lines.push(format!(
                    "~ {}: {} gives way to {}, with the same rights: {}",
                    row.principal,
                    key(&row.key),
                    kind_and_key(&next.key),
                    powers(next)
                )),
                None => lines.extend(row_lines(row, new, several(after, &row.principal))),
            },
        }
    }
    let succeeded: BTreeSet<String> = self::successors(before, after)
        .into_values()
        .map(|row| row.key.fingerprint())
        .collect();
    for row in &after.signers {
        let known = before.is_some_and(|policy| policy.row(&row.key).is_some());
        if !known && !succeeded.contains(&row.key.fingerprint()) {
            let earlier = old_rows.iter().any(|old| old.principal == row.principal);
            let what = match (row.retired, earlier) {
                (true, _) => "key that is retired from the start",
                (false, true) => "further key",
                (false, false) => "new signer",
            };
            lines.push(format!(
                "+ {}: {what}, {}, {}",
                row.principal,
                powers(row),
                kind_and_key(&row.key)
            ));
        }
    }
    lines.extend(compromised_lines(before, after));
    lines.extend(mirror_lines(before, after));
    lines.extend(fail_modes::lines(before, after));
    lines
}

/// What somebody who is asked to agree should think about; none of it is forbidden.
pub fn warnings(before: &Policy, after: &Policy) -> Vec<String> {
    let mut warnings = Vec::new();
    let (old, new) = (before.admins(), after.admins());
    for name in new.difference(&old) {
        warnings.push(format!(
            "{name} becomes an admin: then {} of {} admins decide who may write what",
            after.threshold,
            new.len()
        ));
    }
    for name in old.difference(&new) {
        warnings.push(format!("{name} is no longer an admin"));
    }
    if after.threshold < before.threshold {
        let alone = if after.threshold == 1 {
            ": any one admin could then change the policy alone"
        } else {
            ""
        };
        warnings.push(format!(
            "the threshold falls from {} to {}{alone}",
            before.threshold, after.threshold
        ));
    }
    if new.len() as u64 == after.threshold && (old != new || before.threshold != after.threshold) {
        let each = match after.threshold {
            1 => "there will be one admin: if that key is lost or stolen".to_owned(),
            many => format!(
                "there will be no more admins than must agree ({many}): if one key is lost or stolen"
            ),
        };
        warnings.push(format!("{each}, nobody can change the policy again"));
    }
    let names: BTreeSet<&Principal> = after.signers.iter().map(|row| &row.principal).collect();
    for name in names {
        let (was, is) = (live(before, name), live(after, name));
        if !was.is_empty() && is.is_empty() {
            warnings.push(format!("{name} has no key left that signs"));
        }
        if was.is_empty() {
            continue;
        }
        let roles = |rows: &[&Signer]| -> BTreeSet<Role> {
            rows.iter().flat_map(|row| row.roles.clone()).collect()
        };
        let gained = roles(&is)
            .difference(&roles(&was))
            .filter(|role| **role != Role::Admin)
            .map(|role| role.word())
            .collect::<Vec<_>>();
        if !gained.is_empty() {
            warnings.push(format!("{name} gains the role {}", gained.join(", ")));
        }
        let wider = is.iter().any(|new| {
            let fits = |old: &&Signer| covers(&old.types, &new.types);
            !was.iter().any(fits)
        });
        if wider {
            warnings.push(format!(
                "{name} may record event types that it could not before"
            ));
        }
    }
    warnings.extend(fail_modes::warnings(before, after));
    warnings
}

/// What entry `number`, which lets `after` follow, means for the entries around it.
pub fn consequences(before: &Policy, after: &Policy, number: u64) -> Vec<String> {
    let next = number.saturating_add(1);
    let mut lines = Vec::new();
    for row in &after.signers {
        let old = before.row(&row.key).map(|(_, old)| old);
        let who = format!("{} of {}", key(&row.key), row.principal);
        match (old.is_some_and(|old| !old.retired), row.retired) {
            (true, true) => {
                let doubted = after.compromised.iter().any(|stolen| stolen.key == row.key);
                let earlier = if doubted {
                    ""
                } else {
                    "; what it signed before stays valid"
                };
                lines.push(format!("{who} signs nothing from entry {next} on{earlier}"));
            }
            (false, false) => lines.push(format!("{who} may sign from entry {next} on")),
            _ => {}
        }
    }
    if before.threshold != after.threshold {
        lines.push(format!(
            "changes need {} of {} admins from entry {next} on",
            after.threshold,
            after.admins().len()
        ));
    }
    for row in &after.compromised {
        if !before.compromised.contains(row) {
            lines.push(format!(
                "what {} signed from entry {} on is unknown to every verifier, but for the entries vouched for",
                key(&row.key),
                row.since
            ));
        }
    }
    lines
}

/// What a row may do: its roles, and its types where they are restricted.
pub fn powers(row: &Signer) -> String {
    let roles: Vec<&str> = row.roles.iter().map(|role| role.word()).collect();
    let mut text = roles.join(", ");
    if !row.types.is_empty() {
        text += &format!(" only {}", list(&row.types));
    }
    text
}

/// Id, name and threshold.
fn frame(before: Option<&Policy>, after: &Policy) -> Vec<String> {
    let mut lines = Vec::new();
    let mut changed = |what: &str, old: Option<String>, new: String| match old {
        None => lines.push(format!("+ {what} {new}")),
        Some(old) if old != new => lines.push(format!("~ {what} {old} -> {new}")),
        Some(_) => {}
    };
    if let Some(before) = before {
        changed("id", Some(before.id.clone()), after.id.clone());
    }
    let name = |policy: &Policy| printable(&policy.name);
    changed("name", before.map(name), name(after));
    let threshold = |policy: &Policy| policy.threshold.to_string();
    changed("threshold", before.map(threshold), threshold(after));
    lines
}

/// The rows that take the place of a key that is retired in the same change, by its fingerprint:
/// same principal, same rights.
fn successors<'a>(before: Option<&Policy>, after: &'a Policy) -> BTreeMap<String, &'a Signer> {
    let Some(before) = before else {
        return BTreeMap::new();
    };
    let mut fresh: Vec<&Signer> = after
        .signers
        .iter()
        .filter(|row| !row.retired && before.row(&row.key).is_none())
        .collect();
    let mut pairs = BTreeMap::new();
    for old in before.signers.iter().filter(|row| !row.retired) {
        let gone = after.row(&old.key).is_some_and(|(_, row)| row.retired);
        let heir = fresh.iter().position(|new| {
            new.principal == old.principal && new.roles == old.roles && new.types == old.types
        });
        if let (true, Some(at)) = (gone, heir) {
            pairs.insert(old.key.fingerprint(), fresh.remove(at));
        }
    }
    pairs
}

/// What changes in a row that stays.
fn row_lines(old: &Signer, new: &Signer, several: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let name = &new.principal;
    let who = if several {
        format!("{name} ({})", new.key.fingerprint())
    } else {
        name.to_string()
    };
    if old.principal != new.principal {
        lines.push(format!(
            "~ {} belongs to {name}, before to {}",
            key(&new.key),
            old.principal
        ));
    }
    let words = |from: &Signer, to: &Signer| -> Vec<&str> {
        let new = to.roles.iter().filter(|role| !from.has(**role));
        new.map(|role| role.word()).collect()
    };
    let (gained, lost) = (words(old, new), words(new, old));
    if !gained.is_empty() {
        lines.push(format!("~ {who}: is now {}", gained.join(", ")));
    }
    if !lost.is_empty() {
        lines.push(format!("~ {who}: is no longer {}", lost.join(", ")));
    }
    let beyond = |from: &Signer, to: &Signer| -> Vec<String> {
        let new = to.types.iter().filter(|kind| !from.types.contains(kind));
        new.cloned().collect()
    };
    match (old.types.is_empty(), new.types.is_empty()) {
        (true, true) => {}
        (true, false) => lines.push(format!("~ {who}: may record only {}", list(&new.types))),
        (false, true) => lines.push(format!("~ {who}: may now record every type of its roles")),
        (false, false) => {
            let (more, less) = (beyond(old, new), beyond(new, old));
            if !more.is_empty() {
                lines.push(format!("~ {who}: may now record {}", list(&more)));
            }
            if !less.is_empty() {
                lines.push(format!("~ {who}: may no longer record {}", list(&less)));
            }
            if more.is_empty() && less.is_empty() && old.types != new.types {
                lines.push(format!("~ {who}: its types stand in another order"));
            }
        }
    }
    match (old.retired, new.retired) {
        (false, true) => lines.push(format!(
            "- {name}: {} retired, signs nothing from the next entry on",
            key(&new.key)
        )),
        (true, false) => lines.push(format!("~ {name}: {} retired no more", key(&new.key))),
        _ => {}
    }
    lines
}

fn compromised_lines(before: Option<&Policy>, after: &Policy) -> Vec<String> {
    let mut lines = Vec::new();
    let who = |row: &Compromised| {
        let owner = after.row(&row.key).map(|(_, row)| row.principal.as_str());
        format!("{}: {}", owner.unwrap_or("nobody"), key(&row.key))
    };
    let none = Vec::new();
    let old_rows = before.map_or(&none, |policy| &policy.compromised);
    for row in &after.compromised {
        let Some(old) = old_rows.iter().find(|old| old.key == row.key) else {
            let vouched = match row.vouched.as_slice() {
                [] => String::new(),
                some => format!(", {} vouched for", numbers(some)),
            };
            lines.push(format!(
                "+ {} compromised since entry {}{vouched}",
                who(row),
                row.since
            ));
            continue;
        };
        if old.since != row.since {
            lines.push(format!(
                "~ {} compromised since entry {}, before since {}",
                who(row),
                row.since,
                old.since
            ));
        }
        let beyond = |from: &Compromised, to: &Compromised| -> Vec<u64> {
            let new = to.vouched.iter().filter(|at| !from.vouched.contains(at));
            new.copied().collect()
        };
        let (more, less) = (beyond(old, row), beyond(row, old));
        if !more.is_empty() {
            lines.push(format!("+ {}, {} vouched for", who(row), numbers(&more)));
        }
        if !less.is_empty() {
            let what = format!("{} vouched for no more", numbers(&less));
            lines.push(format!("- {}, {what}", who(row)));
        }
    }
    for old in old_rows {
        if after.compromised.iter().all(|row| row.key != old.key) {
            lines.push(format!("- {} compromised no more", who(old)));
        }
    }
    lines
}

fn mirror_lines(before: Option<&Policy>, after: &Policy) -> Vec<String> {
    let mut lines = Vec::new();
    let none = Vec::new();
    let old_rows = before.map_or(&none, |policy| &policy.mirrors);
    for old in old_rows {
        if after.mirrors.iter().all(|row| row.name != old.name) {
            lines.push(format!("- mirror {}", printable(&old.name)));
        }
    }
    for row in &after.mirrors {
        let (name, url) = (printable(&row.name), printable(&row.url));
        match old_rows.iter().find(|old| old.name == row.name) {
            None => lines.push(format!("+ mirror {name} {url}")),
            Some(old) if old.url != row.url => {
                lines.push(format!("~ mirror {name} {} -> {url}", printable(&old.url)));
            }
            Some(_) => {}
        }
    }
    lines
}

/// The rows by which a principal signs.
fn live<'a>(policy: &'a Policy, name: &Principal) -> Vec<&'a Signer> {
    let rows = policy.signers.iter();
    rows.filter(|row| row.principal == *name && !row.retired)
        .collect()
}

/// Whether every type that `new` lets through stands in `old` too.
fn covers(old: &[String], new: &[String]) -> bool {
    let within = |kind: &String| old.iter().any(|pattern| fits(pattern, kind));
    old.is_empty() || !new.is_empty() && new.iter().all(within)
}

fn several(policy: &Policy, name: &Principal) -> bool {
    let rows = policy.signers.iter();
    rows.filter(|row| row.principal == *name).count() > 1
}

fn key(key: &PublicKey) -> String {
    format!("key {}", key.fingerprint())
}

fn kind_and_key(key: &PublicKey) -> String {
    format!("{} key {}", key.kind(), key.fingerprint())
}

fn list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| printable(word)).collect();
    words.join(", ")
}

fn numbers(numbers: &[u64]) -> String {
    let what = if numbers.len() == 1 {
        "entry"
    } else {
        "entries"
    };
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    format!("{what} {}", numbers.join(", "))
}
