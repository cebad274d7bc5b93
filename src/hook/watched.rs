//! Which refs the record follows: all that say what the repository holds for others.
//!
//! Source: `ledger-spec/hook.md`, "The refs that are followed".

/// What is left out, by prefix: copies of what other repositories said, and what belongs to one
/// work tree or one user of it.
const UNWATCHED: &[&[u8]] = &[
    b"refs/remotes/",
    b"refs/ledger/",
    b"refs/bisect/",
    b"refs/worktree/",
    b"refs/rewritten/",
    b"refs/prefetch/",
];
/// The same, by full name.
const UNWATCHED_NAMES: &[&[u8]] = &[b"refs/stash"];

/// Whether the record follows the ref of this full name. `ledgers`: the full refs of all ledgers
/// of the repository; what they hold is judged by itself.
pub fn watched(name: &[u8], ledgers: &[&str]) -> bool {
    is_name(name)
        && !UNWATCHED.iter().any(|prefix| name.starts_with(prefix))
        && !UNWATCHED_NAMES.contains(&name)
        && !ledgers.iter().any(|ledger| ledger.as_bytes() == name)
}

/// Whether these bytes could be the full name of a ref: git lets no blank and no control
/// character into one.
pub fn is_name(name: &[u8]) -> bool {
    name.starts_with(b"refs/") && name.iter().all(|byte| *byte > b' ' && *byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_something_to_others_is_followed() {
        let ledgers = ["refs/heads/ledger", "refs/audit"];
        for name in [
            "refs/heads/main",
            "refs/tags/v1",
            "refs/notes/x",
            "refs/replace/a",
            "refs/pull/1/head",
            "refs/heads/Ledger",
        ] {
            assert!(watched(name.as_bytes(), &ledgers), "{name}");
        }
        for name in [
            "refs/heads/ledger",
            "refs/audit",
            "refs/ledger/evidence/1",
            "refs/remotes/origin/main",
            "refs/stash",
            "refs/bisect/bad",
            "HEAD",
            "refs/heads/a b",
            "refs/heads/a\n",
        ] {
            assert!(!watched(name.as_bytes(), &ledgers), "{name}");
        }
    }
}
