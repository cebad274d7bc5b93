//! Which refs a push may name together: none twice, none that could be taken for the ledger, the
//! ledger alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::escape::printable_bytes;
use crate::finding::FindingId;
use crate::git::{RefError, RefValue, Repository};

use super::{Refusal, Update};

/// Up to so many refs are looked up one by one; more are listed.
const FEW: usize = 8;
/// Symbolic refs are followed this far, as git does.
const MAX_STEPS: usize = 5;

/// Refs no push may touch in a repository that keeps a ledger: the first changes what stock git
/// shows of the entries, the second keeps evidence.
const CLOSED: &[&[u8]] = &[b"refs/replace/", b"refs/ledger/"];

/// The symbolic refs of a repository: pushing to one moves another.
#[derive(Debug, Clone, Default)]
pub struct Aliases(BTreeMap<Vec<u8>, Vec<u8>>);

impl Aliases {
    /// Those among the refs of a push.
    ///
    /// # Errors
    /// When the repository's refs cannot be read.
    pub fn of(repository: &Repository, updates: &[Update]) -> Result<Aliases, RefError> {
        let mut aliases = Aliases::default();
        let mut names: Vec<Vec<u8>> = updates.iter().map(|update| update.name.clone()).collect();
        if updates.len() > FEW {
            return aliases.list(repository);
        }
        while let Some(name) = names.pop() {
            let Ok(text) = std::str::from_utf8(&name) else {
                return aliases.list(repository);
            };
            match repository.find_ref(text) {
                Err(RefError::Symbolic { target, .. }) => {
                    let target = target.into_bytes();
                    if aliases.0.insert(name, target.clone()).is_none() {
                        names.push(target);
                    }
                }
                // what is broken or misnamed is no alias; git will not move it
                Ok(_) | Err(RefError::BadName(_) | RefError::Garbage { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(aliases)
    }

    fn list(mut self, repository: &Repository) -> Result<Aliases, RefError> {
        for listed in repository.list_refs("refs/")? {
            if let RefValue::Symbolic(target) = listed.value {
                self.0.insert(listed.name, target);
            }
        }
        Ok(self)
    }

    /// The ref that moves when this one is pushed.
    fn resolve<'a>(&'a self, name: &'a [u8]) -> &'a [u8] {
        let mut at = name;
        for _ in 0..MAX_STEPS {
            match self.0.get(at) {
                Some(target) => at = target,
                None => break,
            }
        }
        at
    }
}

/// The ledger's ref (its place in `ledgers`) and what the push wants of it, if it is pushed.
pub fn judge<'a>(
    updates: &'a [Update],
    ledgers: &[&str],
    aliases: &Aliases,
) -> Result<Option<(usize, &'a Update)>, Refusal> {
    let mut seen = BTreeSet::new();
    for update in updates {
        if !seen.insert(aliases.resolve(&update.name)) {
            let detail = printable_bytes(&update.name);
            return Err(Refusal::new(FindingId::PushDuplicate, detail)
                .hint("push each ref once; to replace a ref, say so in one update of it"));
        }
    }
    let mut pushed = None;
    for update in updates {
        let target = aliases.resolve(&update.name);
        if let Some(at) = ledgers.iter().position(|l| l.as_bytes() == target) {
            pushed = Some((at, update));
        } else if let Some(why) =
            forbidden(target, ledgers).or_else(|| forbidden(&update.name, ledgers))
        {
            let detail = format!("'{}' {why}", printable_bytes(&update.name));
            return Err(Refusal::new(FindingId::PushRefName, detail)
                .hint("choose another name, and push without --mirror"));
        }
    }
    if let Some((_, ledger)) = pushed
        && updates.len() > 1
    {
        let detail = format!("'{}' and others", printable_bytes(&ledger.name));
        return Err(Refusal::new(FindingId::PushMixed, detail)
            .hint("push the ledger first, alone, then the others"));
    }
    Ok(pushed)
}

fn forbidden(name: &[u8], ledgers: &[&str]) -> Option<String> {
    if let Some(closed) = CLOSED
        .iter()
        .find(|closed| starts_with_ignoring_case(name, closed))
    {
        let closed = String::from_utf8_lossy(closed);
        return Some(format!("lies under {closed}"));
    }
    if !name.starts_with(b"refs/") {
        return Some("does not lie under refs/".into());
    }
    ledgers.iter().find_map(|ledger| {
        let below = [ledger.as_bytes(), b"/"].concat();
        if name.eq_ignore_ascii_case(ledger.as_bytes()) {
            Some(format!("is '{ledger}' in other letters"))
        } else if starts_with_ignoring_case(name, &below) {
            Some(format!("lies below '{ledger}'"))
        } else {
            None
        }
    })
}

fn starts_with_ignoring_case(name: &[u8], prefix: &[u8]) -> bool {
    name.get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gix::ObjectId;
    use gix::hash::Kind;

    fn found(names: &[&str]) -> Result<Option<usize>, &'static str> {
        let updates: Vec<Update> = names
            .iter()
            .map(|name| Update {
                old: ObjectId::null(Kind::Sha1),
                new: ObjectId::null(Kind::Sha1),
                name: name.as_bytes().to_vec(),
            })
            .collect();
        let alias = |a: &str, b: &str| (a.as_bytes().to_vec(), b.as_bytes().to_vec());
        let aliases = Aliases(BTreeMap::from([
            alias("refs/heads/alias", "refs/heads/ledger"),
            alias("refs/heads/far", "refs/heads/alias"),
            alias("refs/heads/ring", "refs/heads/ring"),
            alias("refs/heads/trunk", "refs/heads/main"),
        ]));
        judge(
            &updates,
            &["refs/heads/ledger", "refs/heads/audit"],
            &aliases,
        )
        .map(|pushed| pushed.map(|(at, _)| at))
        .map_err(|refusal| refusal.finding.id.name())
    }

    #[test]
    fn the_shape_of_a_push() {
        let ledger = "refs/heads/ledger";
        for (names, want) in [
            (&["refs/heads/main", "refs/heads/ledgers"][..], Ok(None)),
            (&["refs/heads/ring"], Ok(None)),
            (&[ledger], Ok(Some(0))),
            (&["refs/heads/audit"], Ok(Some(1))),
            (&["refs/heads/alias"], Ok(Some(0))),
            (&["refs/heads/far"], Ok(Some(0))),
            (&[ledger, ledger], Err("pushDuplicate")),
            (&[ledger, "refs/heads/far"], Err("pushDuplicate")),
            (
                &["refs/heads/main", "refs/heads/trunk"],
                Err("pushDuplicate"),
            ),
            (&["refs/heads/Ledger"], Err("pushRefName")),
            (&["refs/HEADS/ledger"], Err("pushRefName")),
            (&["refs/heads/AUDIT/x"], Err("pushRefName")),
            (&["refs/heads/ledger/x"], Err("pushRefName")),
            (&["refs/replace/abc"], Err("pushRefName")),
            (&["refs/Replace/abc"], Err("pushRefName")),
            (&["refs/ledger/evidence/1"], Err("pushRefName")),
            (&["HEAD"], Err("pushRefName")),
            (&[ledger, "refs/replace/abc"], Err("pushRefName")),
            (&[ledger, "refs/heads/main"], Err("pushMixed")),
            (&[ledger, "refs/heads/audit"], Err("pushMixed")),
        ] {
            assert_eq!(found(names), want, "{names:?}");
        }
    }
}
