//! Receipts whose hashes or entries break a rule, one each.

use super::Vectors;
use super::proof_files::receipt;
use super::receipts::{SHOWN, changed, story_with, told};
use super::world::*;

pub fn add(to: &mut Vectors) {
    paths(to);
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
    let chain = story_with(10, |chain| {
        let mut draft = chain.next();
        draft.time -= 100;
        chain.add(&draft, &CI);
    });
    told(
        to,
        "time_apart",
        "timeBackwards",
        "dated before an entry that is shown, which is not the one before it",
        &chain,
        &[0, 3, 4, 7, 8, 10, 12],
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
