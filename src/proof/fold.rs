//! The policies of a history, folded over the entries of it that are shown.
//!
//! Each entry is judged as the verifier judges it: by the policy that the one before it set, and
//! as its neighbour where that one is shown too. An entry that sets another policy must have it
//! shown: it names the policy in force, so in a history that keeps the rules none can be left out.

use std::collections::HashMap;
use std::sync::Arc;

use crate::chain;
use crate::commit::Link;
use crate::finding::{Finding, FindingId};
use crate::merkle::{self, Hash};
use crate::policy::{Compromised, Policy};
use crate::signature::PublicKey;
use crate::trust::{self, Place};

/// What `ledger.toml` holds, by its SHA-256, read once.
#[derive(Debug, Default)]
pub(super) struct Policies(HashMap<Hash, Result<Arc<Policy>, Finding>>);

impl Policies {
    /// Takes the bytes of a `ledger.toml`.
    pub(super) fn add(&mut self, toml: &[u8]) {
        let digest = merkle::sha256(toml);
        self.0
            .entry(digest)
            .or_insert_with(|| Policy::parse(toml).map(Arc::new));
    }

    pub(super) fn holds(&self, digest: &Hash) -> bool {
        self.0.contains_key(digest)
    }

    pub(super) fn get(&self, digest: &Hash) -> Result<Arc<Policy>, Finding> {
        self.0.get(digest).cloned().unwrap_or_else(|| {
            let detail = format!("policy sha256:{} is not shown", merkle::hex(digest));
            Err(Finding::new(FindingId::ProofPolicy, detail))
        })
    }
}

/// A policy, and the entry that set it.
#[derive(Debug, Clone)]
pub struct Set {
    /// The entry's number.
    pub number: u64,
    /// The entry's digest.
    pub digest: Hash,
    /// The policy.
    pub policy: Arc<Policy>,
}

/// What became of a key in a history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fate {
    /// The entry from which on it has a row.
    pub admitted: Option<u64>,
    /// The entry that retired it.
    pub retired: Option<u64>,
    /// The row that calls it compromised.
    pub compromised: Option<Compromised>,
}

impl Fate {
    /// What became of a key under these policies, the oldest first.
    pub fn of(key: &PublicKey, sets: &[Set]) -> Fate {
        let first = |holds: &dyn Fn(&Policy) -> bool| {
            let set = sets.iter().find(|set| holds(&set.policy));
            set.map(|set| set.number)
        };
        let row = |policy: &Policy| policy.row(key).map(|(_, row)| row.retired);
        let newest = sets.last().map(|set| set.policy.as_ref());
        Fate {
            admitted: first(&|policy| row(policy).is_some()),
            retired: first(&|policy| row(policy) == Some(true)),
            compromised: newest
                .and_then(|policy| policy.compromised.iter().find(|row| row.key == *key))
                .cloned(),
        }
    }
}

/// The entries judged so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Fold {
    before: Option<Link>,
    /// Every policy there was, the oldest first.
    pub(super) sets: Vec<Set>,
}

impl Fold {
    /// Judges the next entry that is shown; the first must be entry 0.
    pub(super) fn step(&mut self, link: &Link, policies: &Policies) -> Result<(), Finding> {
        let number = link.entry.number();
        self.judge(link, policies)
            .map_err(|finding| finding.at(Some(number), link.id))?;
        self.before = Some(link.clone());
        Ok(())
    }

    fn judge(&mut self, link: &Link, policies: &Policies) -> Result<(), Finding> {
        let number = link.entry.number();
        let (Some(before), Some(set)) = (&self.before, self.sets.last()) else {
            link.check_signature()?;
            let own = policies.get(&link.entry.policy)?;
            first(trust::permits(&own, link, Place::First))?;
            least(own.follows(&own, number))?;
            self.set(link, own);
            return Ok(());
        };
        let next = before.entry.number().checked_add(1) == Some(number);
        if next {
            first(chain::follows(before, link))?;
        } else if link.time < before.time {
            let detail = format!("dated {}, an entry before it {}", link.time, before.time);
            return Err(Finding::new(FindingId::TimeBackwards, detail));
        }
        link.check_signature()?;
        let force = set.policy.clone();
        if link.entry.policy == before.entry.policy {
            return first(trust::permits(&force, link, Place::Ordinary));
        }
        if !next {
            let detail = "it names another policy, and the entry before it is not shown";
            return Err(Finding::new(FindingId::ProofPolicy, detail));
        }
        first(trust::permits(&force, link, Place::PolicyChange))?;
        match policies.get(&link.entry.policy) {
            Ok(new) => {
                least(new.follows(&force, number))?;
                first(trust::agreement(&force, Some(&new), &set.digest, link))?;
                self.set(link, new);
                Ok(())
            }
            // who agreed to a policy of a later level can be told all the same
            Err(finding) if finding.id == FindingId::SpecUnsupported => {
                first(trust::agreement(&force, None, &set.digest, link))?;
                Err(finding)
            }
            Err(finding) => Err(finding),
        }
    }

    fn set(&mut self, link: &Link, policy: Arc<Policy>) {
        self.sets.push(Set {
            number: link.entry.number(),
            digest: link.digest(),
            policy,
        });
    }
}

fn first(findings: Vec<Finding>) -> Result<(), Finding> {
    findings.into_iter().next().map_or(Ok(()), Err)
}

/// The one that stands first in the table of findings.
fn least(findings: Vec<Finding>) -> Result<(), Finding> {
    let least = findings.into_iter().min_by_key(|finding| finding.id);
    least.map_or(Ok(()), Err)
}
