//! May this key write this entry, at this place? Rules over a link and the policy in force.
//!
//! How signatures are made or checked, and what day it is, is not known here: a key's validity
//! is a position, never a date.
//!
//! Source: `ledger-spec/policy.md`.

use std::collections::BTreeSet;

use crate::commit::Link;
use crate::entry::Approval;
use crate::event;
use crate::finding::{Finding, FindingId};
use crate::merkle::{self, Hash};
use crate::policy::{Policy, Role, Signer, roles_for};
use crate::principal::Principal;
use crate::signature::{PublicKey, Signature, SignatureFault};

/// The namespace of approvals.
pub const APPROVAL_NAMESPACE: &str = "git-ledger-approval";

/// What an entry does to the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The first entry: judged by the policy it brings.
    First,
    /// An entry whose policy differs from the one before it.
    PolicyChange,
    /// Any other.
    Ordinary,
}

/// Whether the link's key may sign here and record these events, under the policy in force.
pub fn permits(policy: &Policy, link: &Link, place: Place) -> Vec<Finding> {
    let row = match signer(policy, link) {
        Ok(row) => row,
        Err(finding) => return vec![finding],
    };
    let mut findings: Vec<Finding> = fits_place(link, place).into_iter().collect();
    if place == Place::PolicyChange && !row.has(Role::Admin) {
        findings.push(Finding::new(
            FindingId::SignerRole,
            format!("{} is no admin and changes the policy", row.principal),
        ));
    }
    if place == Place::Ordinary {
        findings.extend(
            link.entry
                .events
                .iter()
                .find_map(|event| records(row, event.kind())),
        );
    } else if place == Place::First && !row.has(Role::Admin) {
        findings.push(Finding::new(
            FindingId::SignerRole,
            format!("{} is no admin and founds the ledger", row.principal),
        ));
    }
    findings
}

/// Why a key may not record an event of this type in an ordinary entry, whatever else stands in it.
pub fn refuses(policy: &Policy, key: &PublicKey, kind: &str) -> Option<Finding> {
    let Some((_, row)) = policy.row(key) else {
        let detail = format!("{} has no row in the policy", key.fingerprint());
        return Some(Finding::new(FindingId::SignerUnknown, detail));
    };
    if matches!(kind, event::POLICY_CHANGED | event::LEDGER_CREATED) {
        let detail = format!("{kind:?} stands in no ordinary entry");
        return Some(Finding::new(FindingId::PolicyEvent, detail));
    }
    records(row, kind)
}

/// The row of the link's key, when that row may sign for the principal it names.
fn signer<'a>(policy: &'a Policy, link: &Link) -> Result<&'a Signer, Finding> {
    let key = link.signature.key();
    let Some((_, row)) = policy.row(key) else {
        let detail = format!("{} says it is {}", key.fingerprint(), link.principal);
        return Err(Finding::new(FindingId::SignerUnknown, detail));
    };
    if row.principal != link.principal {
        let detail = format!("signed by {}, names {}", row.principal, link.principal);
        return Err(Finding::new(FindingId::SignerPrincipal, detail));
    }
    if row.retired {
        return Err(Finding::new(
            FindingId::SignerRetired,
            format!("{} {}", row.principal, key.fingerprint()),
        ));
    }
    Ok(row)
}

/// Whether this row may record an event of this type.
fn records(row: &Signer, kind: &str) -> Option<Finding> {
    if !roles_for(kind).iter().any(|role| row.has(*role)) {
        return Some(Finding::new(
            FindingId::SignerRole,
            format!("{} may not record {kind:?}", row.principal),
        ));
    }
    let free = matches!(kind, event::POLICY_CHANGED | event::LEDGER_CREATED);
    (!free && !row.allows_type(kind)).then(|| {
        Finding::new(
            FindingId::SignerType,
            format!("the types of {} do not include {kind:?}", row.principal),
        )
    })
}

/// Whether the events are those that belong at this place.
fn fits_place(link: &Link, place: Place) -> Option<Finding> {
    let events = &link.entry.events;
    let reserved = |wanted: &str| {
        events.len() == 1
            && events
                .iter()
                .all(|event| event.kind() == wanted && event.attachment().is_none())
    };
    let (fits, expected) = match place {
        Place::First => (reserved(event::LEDGER_CREATED), event::LEDGER_CREATED),
        Place::PolicyChange => (reserved(event::POLICY_CHANGED), event::POLICY_CHANGED),
        Place::Ordinary => {
            let free = |kind: &str| kind != event::LEDGER_CREATED && kind != event::POLICY_CHANGED;
            (events.iter().all(|event| free(event.kind())), "neither")
        }
    };
    if !fits {
        let kinds: Vec<&str> = events.iter().take(4).map(|event| event.kind()).collect();
        let detail = format!("found {kinds:?}, expected {expected} alone");
        return Some(Finding::new(FindingId::PolicyEvent, detail));
    }
    let approvals = link.entry.approvals.len();
    (place != Place::PolicyChange && approvals > 0).then(|| {
        Finding::new(
            FindingId::ApprovalUnexpected,
            format!("{approvals} approvals"),
        )
    })
}

/// What an admin signs, in [`APPROVAL_NAMESPACE`], to agree to a policy: bound to the ledger, to
/// the entry (by digest) that set the policy now in force, and to the new policy.
pub fn approval_text(id: &str, set_by: &Hash, next: &Hash) -> String {
    format!(
        "git-ledger approval 1\n{id}\n{}\n{}\n",
        merkle::hex(set_by),
        merkle::hex(next)
    )
}

/// Whether enough distinct admins of `policy` agree that `next` follows it. `set_by` is the
/// digest of the entry that set `policy`. The signer's own row is judged by [`permits`].
///
/// `next` is `None` where its level is one this program does not know: who agreed to its digest
/// can be told all the same.
pub fn agreement(
    policy: &Policy,
    next: Option<&Policy>,
    set_by: &Hash,
    link: &Link,
) -> Vec<Finding> {
    let text = approval_text(&policy.id, set_by, &link.entry.policy);
    let mut findings = Vec::new();
    let mut agreed: BTreeSet<&Principal> = BTreeSet::from([&link.principal]);
    for approval in &link.entry.approvals {
        match approved(policy, approval, Some(&link.principal), &text) {
            Ok(()) => {
                agreed.insert(&approval.principal);
            }
            Err(finding) => findings.push(finding),
        }
    }
    let count = count(policy, next, agreed);
    if findings.is_empty() && !count.is_enough() {
        findings.push(Finding::new(FindingId::ThresholdMissed, count.words()));
    }
    findings
}

/// Who agrees to a change, and whether they are enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count<'a> {
    /// How many must agree.
    pub threshold: u64,
    /// Who agrees.
    pub agreed: BTreeSet<&'a Principal>,
    /// Whose agreement does not count, for the change is about a key of theirs.
    pub barred: BTreeSet<&'a Principal>,
    /// Which admins could still agree.
    pub open: BTreeSet<&'a Principal>,
}

impl Count<'_> {
    /// How many of those who agree count.
    pub fn counted(&self) -> u64 {
        self.agreed.difference(&self.barred).count() as u64
    }

    /// How many are missing.
    pub fn missing(&self) -> u64 {
        self.threshold.saturating_sub(self.counted())
    }

    /// Whether enough agree.
    pub fn is_enough(&self) -> bool {
        self.missing() == 0
    }

    /// Whether the threshold can be met at all.
    pub fn is_possible(&self) -> bool {
        self.missing() <= self.open.len() as u64
    }

    fn words(&self) -> String {
        let list = |names: &BTreeSet<&Principal>| -> String {
            let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            names.join(", ")
        };
        let mut words = format!(
            "{} of {} agreed: {}",
            self.counted(),
            self.threshold,
            list(&self.agreed)
        );
        if !self.barred.is_empty() {
            words += &format!("; not counted: {}", list(&self.barred));
        }
        words
    }
}

/// How far these admins of `policy` are from letting `next` follow it.
pub fn count<'a>(
    policy: &'a Policy,
    next: Option<&'a Policy>,
    agreed: BTreeSet<&'a Principal>,
) -> Count<'a> {
    let barred = next.map_or_else(BTreeSet::new, |next| policy.barred(next));
    let mut open = policy.admins();
    open.retain(|name| !barred.contains(name) && !agreed.contains(name));
    Count {
        threshold: policy.threshold,
        agreed,
        barred,
        open,
    }
}

/// Whether an admin of `policy` agrees by this to `text` (see [`approval_text`]).
///
/// # Errors
/// The first finding, without a position.
pub fn approves(policy: &Policy, approval: &Approval, text: &str) -> Result<(), Finding> {
    approved(policy, approval, None, text)
}

/// As [`approves`], in an entry that `signer` signs, whose agreement needs no approval.
fn approved(
    policy: &Policy,
    approval: &Approval,
    signer: Option<&Principal>,
    text: &str,
) -> Result<(), Finding> {
    let who = &approval.principal;
    let signature = Signature::from_blob(&approval.blob).map_err(|fault| {
        Finding::new(FindingId::ApprovalNonCanonical, format!("{who}: {fault}"))
    })?;
    let admin = policy
        .row(signature.key())
        .filter(|(_, row)| row.principal == *who && row.has(Role::Admin) && !row.retired);
    if admin.is_none() || signer == Some(who) {
        let detail = format!("{who} {}", signature.key().fingerprint());
        return Err(Finding::new(FindingId::ApprovalSigner, detail));
    }
    signature
        .verify(APPROVAL_NAMESPACE, text.as_bytes())
        .map_err(|fault| {
            let why = match fault {
                SignatureFault::Bad => "made for another policy, or altered".to_owned(),
                other => other.to_string(),
            };
            Finding::new(FindingId::ApprovalBad, format!("{who}: {why}"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_says_who_agreed_who_does_not_count_and_whether_it_can_be_enough() {
        let names = ["ann", "bob", "cyd"].map(|name| Principal::parse(name).expect("a principal"));
        let [ann, bob, cyd] = &names;
        let mut count = Count {
            threshold: 2,
            agreed: BTreeSet::from([ann]),
            barred: BTreeSet::new(),
            open: BTreeSet::from([cyd]),
        };
        assert_eq!((count.counted(), count.missing()), (1, 1));
        assert!(!count.is_enough() && count.is_possible());
        assert_eq!(count.words(), "1 of 2 agreed: ann");
        count.barred.insert(bob);
        assert_eq!(count.words(), "1 of 2 agreed: ann; not counted: bob");
        count.threshold = 3;
        assert!(!count.is_possible());
        count.threshold = 1;
        assert!(count.is_enough() && count.is_possible());
    }
}
