//! Changes of the policy after which it asks for less, and keys that were called compromised.

use crate::policy::{FailMode, Policy, relaxed as laxer};

use super::{At, Exception, Kind};

/// What an entry that changed the policy relaxed.
pub(super) fn relaxed(at: At, before: &Policy, after: &Policy) -> Vec<Exception> {
    let mut found = Vec::new();
    let mut tell = |kind, what: &str, why: String| {
        found.push(at.exception(kind, what, Vec::new(), why));
    };
    if after.threshold < before.threshold {
        let why = format!(
            "{} admins must agree to a change, before {}",
            after.threshold, before.threshold
        );
        tell(Kind::PolicyRelaxed, "threshold", why);
    }
    let word = |mode: Option<FailMode>| mode.map_or("whoever records may choose", FailMode::word);
    for class in laxer(before, after) {
        let why = format!(
            "events that cannot be recorded: {}, before {}",
            word(class.to),
            word(class.from)
        );
        tell(Kind::PolicyRelaxed, &class.class, why);
    }
    for row in &after.compromised {
        let old = before.compromised.iter().find(|old| old.key == row.key);
        let name = |key| after.row(key).map(|(_, row)| row.principal.to_string());
        let key = row.key.fingerprint();
        let what = match name(&row.key) {
            Some(principal) => format!("{principal} {key}"),
            None => key,
        };
        match old {
            None => {
                let why = format!(
                    "its entries from {} on may be somebody else's, unless admins vouch for them",
                    row.since
                );
                tell(Kind::CompromisedKey, &what, why);
            }
            Some(old) if old.since != row.since => {
                let why = format!("in doubt from entry {} on, before {}", row.since, old.since);
                tell(Kind::CompromisedKey, &what, why);
            }
            Some(_) => {}
        }
    }
    found
}
