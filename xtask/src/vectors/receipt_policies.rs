//! Receipts and the policies they show: who founded, who agreed, what was left out.

use super::Vectors;
use super::keys::Key;
use super::policy_text::Policy;
use super::receipts::{SHOWN, changed, story, story_with, told, with_carol};
use super::world::*;

pub fn add(to: &mut Vectors) {
    founding(to);
    unsigned(to);
    policies(to);
}

/// Four entries; alice's entry 2 sets a policy under a threshold of two, and these agree.
fn approved(by: &[&super::keys::Key]) -> Chain {
    let mut chain = Chain::with_policy(&acme().threshold(2));
    chain.add(&chain.next(), &CI);
    let setter = chain.digests[0];
    let draft = chain.change(&ALICE, &with_carol().threshold(2));
    let draft = draft.approved(&setter, by);
    chain.add(&draft, &ALICE);
    chain.add(&chain.next(), &CI);
    chain
}

/// The same with one more policy entry, whose approval says that this entry set the policy in
/// force.
fn approved_again(setter: usize) -> Chain {
    let mut chain = approved(&[&BOB]);
    let setter = chain.digests[setter];
    let mut policy = with_carol().threshold(2);
    policy.name = "acme/orders".into();
    let draft = chain.change(&ALICE, &policy).approved(&setter, &[&BOB]);
    chain.add(&draft, &ALICE);
    chain
}

/// What entry 0 must be.
fn founding(to: &mut Vectors) {
    let mut found = |name: &str, expect: &str, comment: &str, key: &Key, policy: &Policy| {
        let mut chain = Chain::empty(gix::hash::Kind::Sha1);
        let mut draft = chain.first(policy);
        draft.principal = key.principal.into();
        chain.add(&draft, key);
        chain.add(&chain.next(), &CI);
        told(to, name, expect, comment, &chain, &[0, 1]);
    };
    let comment = "a writer founds the ledger";
    found("founder", "signerRole", comment, &CI, &acme());
    let comment = "a stranger founds the ledger";
    found("founder_unknown", "signerUnknown", comment, &EVE, &acme());
    let comment = "the first policy can never be changed";
    found(
        "first_lockout",
        "policyLockout",
        comment,
        &ALICE,
        &acme().threshold(3),
    );
    let comment = "the first policy doubts an entry that is not there yet";
    let policy = acme().compromise(&CI, 1, &[]);
    found(
        "first_compromised",
        "policyCompromised",
        comment,
        &ALICE,
        &policy,
    );
}

/// Entry 0 under a signature over other bytes.
fn unsigned(to: &mut Vectors) {
    let mut chain = Chain::empty(gix::hash::Kind::Sha1);
    let commit = chain.first(&acme()).commit();
    let other = chain.draft(&ALICE, vec![push("other")]).commit();
    chain.add_signed(&commit, &other.sign(&ALICE));
    chain.add(&chain.next(), &CI);
    let comment = "nobody signed entry 0";
    told(
        to,
        "founder_signature",
        "signatureBad",
        comment,
        &chain,
        &[0, 1],
    );
}

fn policies(to: &mut Vectors) {
    let bad = "proofPolicy";
    let chain = story();
    changed(
        to,
        "policy_altered",
        bad,
        "a policy with another threshold",
        |file| {
            file.policies[1] = file.policies[1].replace("threshold = 1", "threshold = 2");
        },
    );
    changed(to, "policy_missing", bad, "a policy is missing", |file| {
        file.policies.remove(1);
    });
    changed(
        to,
        "policy_order",
        bad,
        "two policies changed places",
        |file| {
            file.policies.swap(0, 1);
        },
    );
    changed(to, "policy_twice", bad, "a policy stands twice", |file| {
        let again = file.policies[0].clone();
        file.policies.push(again);
    });
    changed(
        to,
        "policy_unnamed",
        bad,
        "a policy that no entry names",
        |file| {
            file.policies.push(acme().threshold(2).toml());
        },
    );
    told(
        to,
        "change_left_out",
        bad,
        "entry 4, which set the policy of entry 6, is not shown",
        &chain,
        &[0, 6, 7, 8, 12],
    );
    told(
        to,
        "changes_left_out",
        bad,
        "entries 4 and 8 are not shown",
        &chain,
        &[0, 9, 12],
    );
    told(
        to,
        "first_change_left_out",
        bad,
        "entry 4 is left out, and entry 7 tells",
        &chain,
        &[0, 7, 8, 12],
    );
    told(
        to,
        "neighbour_left_out",
        bad,
        "the entry before entry 8 is not shown",
        &chain,
        &[0, 3, 4, 6, 8, 12],
    );
    let shown = &[0, 3, 4, 5][..];
    let chain = story_with(4, |chain| chain.add_change(&CI, &with_carol()));
    told(
        to,
        "change_by_writer",
        "signerRole",
        "a writer changes the policy",
        &chain,
        shown,
    );
    let chain = story_with(4, |chain| {
        let mut policy = with_carol();
        policy.rows.remove(1);
        chain.add_change(&ALICE, &policy);
    });
    told(
        to,
        "row_removed",
        "policyRowChanged",
        "a row is gone",
        &chain,
        shown,
    );
    let chain = story_with(9, |chain| chain.add_change(&ALICE, &with_carol()));
    told(
        to,
        "unretired",
        "policyUnretired",
        "carol is let in again",
        &chain,
        &[0, 3, 4, 7, 8, 9, 10],
    );
    let chain = story_with(4, |chain| {
        let mut policy = acme();
        policy.id = "f".repeat(32);
        chain.add_change(&ALICE, &policy);
    });
    told(
        to,
        "policy_id",
        "policyIdChanged",
        "a policy with another id",
        &chain,
        shown,
    );
    let chain = story_with(4, |chain| {
        let mut policy = acme();
        policy.threshold = 3;
        chain.add_change(&ALICE, &policy);
    });
    told(
        to,
        "lockout",
        "policyLockout",
        "nobody could change the policy again",
        &chain,
        shown,
    );
    let chain = story_with(4, |chain| {
        let mut policy = with_carol();
        policy.spec = 2;
        chain.add_change(&ALICE, &policy);
    });
    told(
        to,
        "policy_level_2",
        "specUnsupported",
        "a policy of level 2",
        &chain,
        shown,
    );
    told(
        to,
        "approved",
        "sound",
        "two admins agree to a policy",
        &approved(&[&BOB]),
        &[0, 1, 2, 3],
    );
    told(
        to,
        "threshold",
        "thresholdMissed",
        "one of two admins agrees",
        &approved(&[]),
        &[0, 1, 2, 3],
    );
    told(
        to,
        "approval_by_writer",
        "approvalSigner",
        "a writer agrees",
        &approved(&[&CI]),
        &[0, 1, 2, 3],
    );
    let chain = approved_again(0);
    told(
        to,
        "approved_again",
        "approvalBad",
        "the second policy entry is agreed to as if it followed the first policy",
        &chain,
        &[0, 1, 2, 3, 4],
    );
    let chain = approved_again(2);
    told(
        to,
        "approved_in_turn",
        "sound",
        "two policy entries, each agreed to by two admins",
        &chain,
        &[0, 1, 2, 3, 4],
    );
    let mut chain = Chain::with_policy(&acme().threshold(2));
    let mut policy = with_carol().threshold(2);
    policy.spec = 2;
    chain.add_change(&ALICE, &policy);
    told(
        to,
        "level_2_threshold",
        "thresholdMissed",
        "a policy of level 2, to which one of two admins agrees",
        &chain,
        &[0, 1],
    );
    let chain = story_with(8, |chain| {
        chain.add_change(&BOB, &with_carol().compromise(&CAROL, 7, &[]));
    });
    told(
        to,
        "compromised_later",
        "sound",
        "the key of entry 6 was stolen after it",
        &chain,
        &SHOWN,
    );
    let doubtful = |vouched: &'static [u64]| {
        story_with(8, move |chain| {
            chain.add_change(&BOB, &with_carol().compromise(&CAROL, 6, vouched));
        })
    };
    told(
        to,
        "compromised",
        "compromisedEntry",
        "the key of entry 6 was stolen since",
        &doubtful(&[]),
        &SHOWN,
    );
    told(
        to,
        "vouched",
        "sound",
        "it was stolen, and admins vouch for entry 6",
        &doubtful(&[6]),
        &SHOWN,
    );
}
