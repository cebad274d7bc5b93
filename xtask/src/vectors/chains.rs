//! Links that do not follow each other: numbers, ranges, times, and rewritten histories.

use super::Vectors;
use super::world::*;

/// Adds a ledger of four entries whose newest has its draft changed before it is signed by ci.
fn linked(to: &mut Vectors, name: &str, expect: &str, comment: &str, edit: impl Fn(&mut Draft)) {
    let mut chain = Chain::acme();
    chain.add(&chain.next(), &CI);
    let mut draft = chain.next();
    edit(&mut draft);
    chain.add(&draft, &CI);
    to.add(&format!("chain_{name}"), expect, comment, chain);
}

pub fn add(to: &mut Vectors) {
    let (gap, range) = ("sequenceGap", "rangeMismatch");
    linked(to, "skipped", gap, "number 5 after 2", |draft| {
        draft.number = 5
    });
    linked(to, "repeated", gap, "number 2 after 2", |draft| {
        draft.number = 2;
        draft.range.pop();
    });
    linked(to, "huge", gap, "the number 2^52", |draft| {
        draft.number = 1 << 52;
        draft.range.pop();
    });
    linked(to, "zero", gap, "number 0 with a parent", |draft| {
        draft.number = 0;
        draft.range.clear();
    });
    linked(to, "range_zeros", range, "a range of zeros", |draft| {
        draft.range = vec![[0; 32]; 2]
    });
    linked(
        to,
        "range_turned",
        range,
        "the hashes of the range turned round",
        |draft| draft.range.reverse(),
    );
    linked(
        to,
        "range_one_bit",
        range,
        "one bit of the range differs",
        |draft| draft.range[0][0] ^= 1,
    );
    linked(
        to,
        "range_of_leaf",
        range,
        "the digest of the last entry twice",
        |draft| {
            draft.range[0] = draft.range[1];
        },
    );
    linked(
        to,
        "time_backwards",
        "timeBackwards",
        "dated one second before its parent",
        |draft| {
            draft.time = START;
        },
    );

    let mut chain = Chain::acme();
    let mut draft = chain.next();
    draft.time = 9_999_999_999;
    chain.add(&draft, &CI);
    let comment = "dated in the year 2286: only who admits it may refuse it";
    to.add("sound_far_future", "sound", comment, chain.clone());
    chain.add(&chain.next(), &CI);
    to.add(
        "chain_time_after_future",
        "timeBackwards",
        "what follows an entry from the year 2286",
        chain,
    );

    restarts(to);
    rewritten(to);
    wounded_neighbours(to);
}

fn restarts(to: &mut Vectors) {
    let mut chain = Chain::acme();
    let mut draft = chain.draft(&ALICE, vec![event("again", CREATED).about("acme/payments")]);
    draft.parent = None;
    chain.add(&draft, &ALICE);
    let comment = "an entry without parent that has number 2";
    to.add("chain_restart", "sequenceGap", comment, chain);

    let mut chain = Chain::acme();
    let mut draft = chain.next();
    draft.parent = None;
    chain.add(&draft, &CI);
    let comment = "an ordinary entry that lost its parent";
    to.add(
        "chain_orphan",
        "policyEvent sequenceGap signerRole",
        comment,
        chain,
    );

    let mut other = acme();
    other.name = "acme/staging".into();
    let mut staging = Chain::with_policy(&other);
    staging.add(&staging.next(), &CI);
    staging.add(&staging.next(), &CI);
    let mut chain = Chain::acme();
    chain.objects.extend(staging.objects.clone());
    let mut draft = staging.next();
    draft.parent = chain.tip.clone();
    chain.add(&draft, &CI);
    let comment = "an entry of another ledger continues this one";
    to.add(
        "chain_spliced",
        "policyEvent sequenceGap signerRole",
        comment,
        chain,
    );
}

/// What an admin of the server can do to history, with and without keys.
fn rewritten(to: &mut Vectors) {
    // entry 2 edited, entries 3 and 4 with new parents; every signature kept
    let honest = |chain: &mut Chain| -> Vec<(Commit, String)> {
        (0..3)
            .map(|_| {
                let commit = chain.next().commit();
                let armour = commit.sign(&CI).armour();
                chain.add_armoured(&commit, &armour);
                (commit, armour)
            })
            .collect()
    };
    let mut source = Chain::acme();
    let made = honest(&mut source);
    let mut chain = Chain::acme();
    for (at, (commit, armour)) in made.iter().enumerate() {
        let mut commit = commit.clone();
        if at == 0 {
            commit = commit.message("\"id\":\"p2\"", "\"id\":\"xx\"");
        } else {
            let tip = chain.tip.clone().unwrap_or_default();
            commit = commit.head(&source.commits[at + 1], &tip);
        }
        chain.add_armoured(&commit, armour);
    }
    let comment =
        "an event in the middle was changed, the later entries got new parents, without any key";
    to.add(
        "chain_edited_without_key",
        "rangeMismatch signatureBad",
        comment,
        chain,
    );

    let mut chain = Chain::acme();
    let (commit, armour) = &made[1];
    let tip = chain.tip.clone().unwrap_or_default();
    chain.add_armoured(&commit.clone().head(&source.commits[2], &tip), armour);
    let comment = "an entry in the middle was dropped without any key";
    to.add(
        "chain_dropped_without_key",
        "sequenceGap signatureBad",
        comment,
        chain,
    );

    let mut chain = Chain::acme();
    let (commit, _) = &made[1];
    let tip = chain.tip.clone().unwrap_or_default();
    chain.add_commit(&commit.clone().head(&source.commits[2], &tip), &CI);
    let comment =
        "an entry in the middle was dropped, and the next one signed again with its number";
    to.add("chain_dropped_with_key", "sequenceGap", comment, chain);

    let mut chain = Chain::acme();
    let (commit, _) = &made[1];
    let tip = chain.tip.clone().unwrap_or_default();
    let first = commit.clone().head(&source.commits[2], &tip);
    chain.add_commit(&first, &CI);
    let tip = chain.tip.clone().unwrap_or_default();
    let second = made[0].0.clone().head(&source.commits[1], &tip);
    chain.add_commit(&second, &CI);
    let comment = "two neighbours changed places and were signed again";
    to.add("chain_swapped", "sequenceGap timeBackwards", comment, chain);

    let mut chain = Chain::acme();
    chain.add(&chain.draft(&CI, vec![push("xx")]), &EVE);
    chain.add(&chain.next(), &EVE);
    let comment = "history from entry 2 on was signed again with a key that is in no policy";
    to.add(
        "chain_resigned_by_stranger",
        "signerUnknown",
        comment,
        chain,
    );

    let mut chain = Chain::acme();
    chain.add(&chain.draft(&CI, vec![push("xx")]), &CI);
    chain.add(&chain.next(), &CI);
    let comment =
        "history signed again with a stolen key: alone, nothing tells; a copy elsewhere does";
    to.add("sound_resigned_by_thief", "sound", comment, chain);
}

/// Neighbours of a malformed entry: judged in themselves, not against it.
fn wounded_neighbours(to: &mut Vectors) {
    let mut chain = Chain::acme();
    let commit = chain.next().commit().head(" +0000\n", " +0100\n");
    chain.add_commit(&commit, &CI);
    chain.add(&chain.next(), &CI);
    let comment = "the entry after a malformed one is not judged against it";
    to.add("chain_after_malformed", "identityMalformed", comment, chain);

    let mut chain = Chain::acme();
    let commit = chain.next().commit().head(" +0000\n", " +0100\n");
    chain.add_commit(&commit, &CI);
    chain.add(&chain.next_by(&EVE), &EVE);
    let comment = "whether the signer after a malformed entry may write is not judged";
    to.add(
        "chain_stranger_after_malformed",
        "identityMalformed",
        comment,
        chain,
    );

    let mut chain = Chain::acme();
    let commit = chain.next().commit().head(" +0000\n", " +0100\n");
    chain.add_commit(&commit, &CI);
    let mut draft = chain.next();
    draft.number = 0;
    draft.range.clear();
    chain.add(&draft, &CI);
    let comment = "number 0 with a parent is wrong whatever the parent is";
    to.add(
        "chain_zero_after_malformed",
        "identityMalformed sequenceGap",
        comment,
        chain,
    );

    let mut chain = Chain::acme();
    chain.add(&chain.next(), &CI);
    let mut draft = chain.next();
    draft.number = 0;
    draft.range.clear();
    chain.add(&draft, &CI);
    chain.shallow = chain.tip.clone();
    let comment = "and at the boundary of a shallow clone";
    to.add(
        "chain_zero_at_boundary",
        "sequenceGap shallow",
        comment,
        chain,
    );
}
