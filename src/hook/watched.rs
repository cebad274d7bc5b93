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

/// The refs that one repository follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    ledgers: Vec<String>,
    left_out: Vec<String>,
}

impl Followed {
    /// All but what is left out by prefix, in a repository of these ledgers (full refs).
    ///
    /// # Errors
    /// The prefix that may not be left out: it does not lie below `refs/`, does not end with a
    /// slash, or has to do with branches or tags.
    pub fn new(ledgers: Vec<String>, left_out: Vec<String>) -> Result<Followed, String> {
        let kept = ["refs/heads/", "refs/tags/"];
        let wrong = |prefix: &&String| {
            !is_name(prefix.as_bytes())
                || !prefix.ends_with('/')
                || kept
                    .iter()
                    .any(|kept| prefix.starts_with(kept) || kept.starts_with(prefix.as_str()))
        };
        match left_out.iter().find(wrong) {
            Some(prefix) => Err(prefix.clone()),
            None => Ok(Followed { ledgers, left_out }),
        }
    }

    /// Whether the ref of this full name is followed.
    pub fn follows(&self, name: &[u8]) -> bool {
        let ledgers: Vec<&str> = self.ledgers.iter().map(String::as_str).collect();
        let out = |prefix: &String| name.starts_with(prefix.as_bytes());
        watched(name, &ledgers) && !self.left_out.iter().any(out)
    }

    /// The prefixes that are left out here.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Words that tell this choice from others.
    pub fn words(&self) -> Vec<&str> {
        let all = self.ledgers.iter().chain(&self.left_out);
        all.map(String::as_str).collect()
    }
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
    fn branches_and_tags_cannot_be_left_out() {
        let of = |prefix: &str| Followed::new(Vec::new(), vec![prefix.to_owned()]);
        let followed = of("refs/pull/").expect("a choice");
        assert!(!followed.follows(b"refs/pull/1/head") && followed.follows(b"refs/pulls"));
        for prefix in [
            "refs/",
            "refs/heads/",
            "refs/tags/v1/",
            "refs/heads/x/",
            "refs/pull",
            "heads/",
            "",
            "refs/ x/",
            "refs/h",
        ] {
            assert_eq!(of(prefix), Err(prefix.to_owned()));
        }
    }

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
