//! What a change of the policy comes to, in words.

use crate::policy::{Policy, Role, Signer};

use crate::escape::printable;

/// One line for each thing that changed; `+` came, `-` went, `~` changed. Without a policy before,
/// everything came.
pub fn lines(before: Option<&Policy>, after: &Policy) -> Vec<String> {
    let mut lines = Vec::new();
    let mut changed = |what: &str, old: Option<String>, new: String| match old {
        None => lines.push(format!("+ {what} {new}")),
        Some(old) if old != new => lines.push(format!("~ {what} {old} -> {new}")),
        Some(_) => {}
    };
    let name = |policy: &Policy| printable(&policy.name);
    changed("name", before.map(name), name(after));
    let threshold = |policy: &Policy| policy.threshold.to_string();
    changed("threshold", before.map(threshold), threshold(after));
    for row in &after.signers {
        let old = before
            .and_then(|policy| policy.row(&row.key))
            .map(|(_, old)| old);
        let who = format!("{} {}", row.principal, row.key.fingerprint());
        match old {
            None => lines.push(format!("+ signer {who} {}", powers(row))),
            Some(old) if powers(old) != powers(row) => {
                lines.push(format!("~ signer {who} {} -> {}", powers(old), powers(row)));
            }
            Some(_) => {}
        }
    }
    let compromised = |policy: &Policy| -> Vec<String> {
        let rows = policy.compromised.iter();
        rows.map(|row| {
            let vouched: Vec<String> = row.vouched.iter().map(u64::to_string).collect();
            let vouched = if vouched.is_empty() {
                String::new()
            } else {
                format!(", vouched {}", vouched.join(" "))
            };
            format!(
                "compromised {} since entry {}{vouched}",
                row.key.fingerprint(),
                row.since
            )
        })
        .collect()
    };
    let mirrors = |policy: &Policy| -> Vec<String> {
        let rows = policy.mirrors.iter();
        rows.map(|row| format!("mirror {} {}", printable(&row.name), printable(&row.url)))
            .collect()
    };
    for list in [&compromised as &dyn Fn(&Policy) -> Vec<String>, &mirrors] {
        let (old, new) = (before.map(list).unwrap_or_default(), list(after));
        lines.extend(
            old.iter()
                .filter(|row| !new.contains(row))
                .map(|row| format!("- {row}")),
        );
        lines.extend(
            new.iter()
                .filter(|row| !old.contains(row))
                .map(|row| format!("+ {row}")),
        );
    }
    lines
}

fn powers(row: &Signer) -> String {
    let roles: Vec<&str> = row.roles.iter().map(|role: &Role| role.word()).collect();
    let mut text = roles.join(", ");
    if !row.types.is_empty() {
        let types: Vec<String> = row.types.iter().map(|kind| printable(kind)).collect();
        text += &format!(" only {}", types.join(", "));
    }
    if row.retired {
        text += " (retired)";
    }
    text
}
