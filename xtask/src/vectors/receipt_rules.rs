//! Receipts whose hashes, policies or entries break a rule, one each.

use super::Vectors;
use super::proof_files::receipt;
use super::receipts::{SHOWN, changed, story, story_with, told, with_carol};
use super::world::*;

pub fn add(to: &mut Vectors) {
    paths(to);
    policies(to);
    entries(to);
}

fn paths(to: &mut Vectors) {
    let bad = "proofPath";
    changed(to, "hash", bad, "one bit of a hash", |file| {
        file.shown("entries", 3).path[0][31] ^= 1
    });
    changed(
        to,
        "hash_of_first",
        bad,
        "one bit of a hash of entry 0",
        |file| {
            file.shown("entries", 0).path[2][0] ^= 128;
        },
    );
    changed(to, "path_short", bad, "a hash is missing", |file| {
        file.shown("entries", 0).path.pop();
    });
    changed(to, "path_long", bad, "a hash too many", |file| {
        file.shown("entries", 3).path.push([0; 32]);
    });
    changed(
        to,
        "path_empty",
        bad,
        "no hash where some are needed",
        |file| {
            file.shown("entries", 0).path.clear();
        },
    );
    changed(to, "path_order", bad, "two hashes changed places", |file| {
        file.shown("entries", 0).path.swap(0, 1);
    });
    changed(
        to,
        "path_at_head",
        bad,
        "the head needs no hash and has one",
        |file| {
            file.shown("entries", 6).path.push([0; 32]);
        },
    );
    changed(
        to,
        "path_of_another",
        bad,
        "the hashes of another entry",
        |file| {
            file.shown("entries", 3).path = file.shown("entries", 0).path.clone();
        },
    );
    let other = story_with(6, |chain| {
        let draft = chain.draft(&CAROL, vec![push("other")]);
        chain.add(&draft, &CAROL);
    });
    changed(
        to,
        "other_entry",
        bad,
        "an entry of another history, under the same number",
        |file| {
            let mut foreign = receipt(&other, &SHOWN, 6);
            file.shown("entries", 3).commit = foreign.shown("entries", 3).commit.clone();
        },
    );
    let mut leaned = story_with(6, |chain| {
        let mut draft = chain.next_by(&CAROL);
        draft.range[1][0] ^= 1;
        chain.add(&draft, &CAROL);
    });
    told(
        to,
        "range",
        bad,
        "entry 6 carries a range that entry 12 does not continue",
        &leaned,
        &[0, 3, 4, 6, 7],
    );
    leaned = story_with(12, |chain| {
        let mut draft = chain.next();
        draft.range[0][0] ^= 1;
        chain.add(&draft, &CI);
    });
    told(
        to,
        "range_of_head",
        bad,
        "the head carries another range",
        &leaned,
        &[0, 3, 4, 7, 8, 9, 12],
    );
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

fn entries(to: &mut Vectors) {
    let shown = &[0, 3, 4, 5, 7][..];
    let with = |make: &dyn Fn(&mut Chain)| story_with(5, make);
    let chain = with(&|chain| {
        let commit = chain.next().commit();
        let other = chain.draft(&CI, vec![push("other")]).commit();
        chain.add_signed(&commit, &other.sign(&CI));
    });
    told(
        to,
        "signature",
        "signatureBad",
        "the signature is over other bytes",
        &chain,
        shown,
    );
    let chain = with(&|chain| chain.add(&chain.next_by(&EVE), &EVE));
    told(
        to,
        "signer_unknown",
        "signerUnknown",
        "a key that no policy has",
        &chain,
        shown,
    );
    let chain = with(&|chain| chain.add(&chain.next_by(&CAROL), &CI));
    told(
        to,
        "signer_principal",
        "signerPrincipal",
        "signed by ci, names carol",
        &chain,
        shown,
    );
    let chain = with(&|chain| chain.add(&chain.next_by(&DORA), &DORA));
    told(
        to,
        "signer_role",
        "signerRole",
        "an auditor records a push",
        &chain,
        shown,
    );
    let chain = with(&|chain| {
        let draft = chain.draft(&ALICE, vec![event("again", CHANGED)]);
        chain.add(&draft, &ALICE);
    });
    told(
        to,
        "policy_event",
        "policyEvent",
        "an event of a policy entry, and no other policy",
        &chain,
        shown,
    );
    let chain = story_with(10, |chain| chain.add(&chain.next_by(&CAROL), &CAROL));
    told(
        to,
        "retired",
        "signerRetired",
        "signed by carol after she was retired",
        &chain,
        &[0, 3, 4, 7, 8, 10, 12],
    );
    told(
        to,
        "retired_head",
        "signerRetired",
        "the head is signed by carol after she was retired",
        &chain,
        &[0, 3, 4, 7, 8, 9, 10],
    );
    let chain = with(&|chain| {
        let mut draft = chain.next();
        draft.time -= 100;
        chain.add(&draft, &CI);
    });
    told(
        to,
        "time",
        "timeBackwards",
        "dated before an entry that is shown",
        &chain,
        shown,
    );
    let chain = with(&|chain| {
        let mut draft = chain.next();
        draft.parent = None;
        chain.add(&draft, &CI);
    });
    told(
        to,
        "no_parent",
        "sequenceGap",
        "entry 5 has no parent",
        &chain,
        shown,
    );
    changed(
        to,
        "header",
        "headerUnknown",
        "a header that entries do not have",
        |file| {
            let entry = file.shown("entries", 3);
            entry.commit = entry.commit.replace("\ngpgsig ", "\nencoding x\ngpgsig ");
        },
    );
    changed(
        to,
        "event",
        "eventNonCanonical",
        "a space in an event",
        |file| {
            let entry = file.shown("entries", 3);
            entry.commit = entry.commit.replace("\"id\":", "\"id\": ");
        },
    );
    changed(
        to,
        "first_altered",
        "fingerprintMismatch",
        "entry 0 with another event",
        |file| {
            let entry = file.shown("entries", 0);
            entry.commit = entry
                .commit
                .replace("\"id\":\"created\"", "\"id\":\"Created\"");
        },
    );
}
