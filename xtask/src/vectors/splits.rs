//! Evidence: forks, strays and twins, and what only looks like one.

use super::Vectors;
use super::drafts::replaced;
use super::policy_text::Row;
use super::proof_files::{File, split};
use super::receipts::with_carol;
use super::world::*;

const COMMON: [usize; 4] = [0, 3, 4, 5];
const HERE: [usize; 4] = [6, 7, 8, 9];
const THERE: [usize; 3] = [6, 7, 8];

/// Entries 0 to 5: 4 lets carol in.
fn common() -> Chain {
    let mut chain = Chain::acme();
    chain.add(&chain.next(), &CI);
    chain.add(&chain.next(), &CI);
    chain.add_change(&ALICE, &with_carol());
    chain.add(&chain.next(), &CI);
    chain
}

/// An entry with an event of this id.
fn put(chain: &mut Chain, key: &super::keys::Key, id: &str) {
    let draft = chain.draft(key, vec![push(id)]);
    chain.add(&draft, key);
}

/// Entries 0 to 9: carol writes 6, and 8 retires her.
fn here() -> Chain {
    let mut chain = common();
    put(&mut chain, &CAROL, "here");
    put(&mut chain, &CI, "p7");
    chain.add_change(&BOB, &with_carol().retire(&CAROL));
    put(&mut chain, &CI, "p9");
    chain
}

/// The other history: entries of the given keys after entry 5.
fn there(keys: &[&super::keys::Key]) -> Chain {
    let mut chain = common();
    for (at, key) in keys.iter().enumerate() {
        put(&mut chain, key, &format!("there-{at}"));
    }
    chain
}

fn honest() -> File {
    split(
        "fork",
        [&here(), &there(&[&CI, &CAROL, &CI])],
        [&COMMON, &HERE, &THERE],
    )
}

/// Adds the honest fork with one part of it changed.
fn changed(to: &mut Vectors, name: &str, expect: &str, comment: &str, edit: impl Fn(&mut File)) {
    let mut file = honest();
    edit(&mut file);
    to.add_proof(&format!("evidence_{name}"), expect, comment, &file);
}

/// Adds a fork whose other side is this chain, shown up to this entry.
fn against(
    to: &mut Vectors,
    name: &str,
    expect: &str,
    comment: &str,
    chain: &Chain,
    shown: &[usize],
) {
    let file = split("fork", [&here(), chain], [&COMMON, &HERE, shown]);
    to.add_proof(&format!("evidence_{name}"), expect, comment, &file);
}

pub fn add(to: &mut Vectors) {
    kinds(to);
    shapes(to);
    sides(to);
}

fn kinds(to: &mut Vectors) {
    changed(
        to,
        "fork",
        "sound",
        "two histories; carol is retired in the one and signs in the other",
        |_| {},
    );
    let (here, there) = (here(), there(&[&CI, &CI, &CI]));
    let mut one = |name: &str, expect: &str, comment: &str, kind, numbers: [&[usize]; 3]| {
        let file = split(kind, [&here, &there], numbers);
        to.add_proof(&format!("evidence_{name}"), expect, comment, &file);
    };
    one(
        "fork_short",
        "sound",
        "one entry after the split on each side is enough",
        "fork",
        [&COMMON, &[6, 7], &[6, 7]],
    );
    one(
        "stray",
        "sound",
        "nothing follows on the one side",
        "stray",
        [&COMMON, &HERE, &[6]],
    );
    one(
        "stray_both",
        "sound",
        "nothing follows on either side",
        "stray",
        [&COMMON, &[6], &[6]],
    );
    one(
        "stray_as_fork",
        "proofClaim",
        "a stray that is called a fork",
        "fork",
        [&COMMON, &HERE, &[6]],
    );
    one(
        "stray_as_twin",
        "proofClaim",
        "a stray that is called a twin",
        "twin",
        [&COMMON, &[6], &[6]],
    );
    one(
        "fork_as_stray",
        "proofClaim",
        "a fork that is called a stray",
        "stray",
        [&COMMON, &HERE, &THERE],
    );
    twins(to);
    let (here, same) = (here, common());
    let mut one = |name: &str, comment: &str, chain: &Chain, shown: &[usize]| {
        let file = split("fork", [&here, chain], [&COMMON, &HERE, shown]);
        to.add_proof(&format!("evidence_{name}"), "proofClaim", comment, &file);
    };
    one("same", "both sides are one history", &here, &[6, 7]);
    let mut later = same;
    put(&mut later, &CAROL, "here");
    put(&mut later, &CI, "other");
    put(&mut later, &CI, "and-more");
    one(
        "splits_later",
        "the sides part only after the entry where they are said to",
        &later,
        &THERE,
    );
}

/// One entry by one principal, signed with two keys of hers.
fn twins(to: &mut Vectors) {
    let two_keys = acme().with(Row::new(&ALICE_2, &["admin"]));
    let made = |key: &super::keys::Key| {
        let mut chain = Chain::with_policy(&two_keys);
        let draft = chain.draft(&ALICE, vec![push("twice")]);
        chain.add(&draft, key);
        chain
    };
    let (mut one, mut two) = (made(&ALICE), made(&ALICE_2));
    for (name, expect, kind) in [
        ("twin", "sound", "twin"),
        ("twin_as_stray", "proofClaim", "stray"),
    ] {
        let file = split(kind, [&one, &two], [&[0], &[1], &[1]]);
        let comment = format!("the same bytes under two signatures, called a {kind}");
        to.add_proof(&format!("evidence_{name}"), expect, &comment, &file);
    }
    put(&mut one, &CI, "p2");
    put(&mut two, &CI, "p2");
    let file = split("fork", [&one, &two], [&[0], &[1, 2], &[1, 2]]);
    let comment = "twins that both sides build on: the ranges after them differ";
    to.add_proof("evidence_twin_continued", "sound", comment, &file);
}

fn shapes(to: &mut Vectors) {
    let bad = "proofMalformed";
    changed(to, "no_common", bad, "no common entry", |file| {
        file.list("common").clear()
    });
    changed(to, "no_side", bad, "one side has no entry", |file| {
        file.list("there").clear()
    });
    changed(
        to,
        "common_left_out",
        bad,
        "the newest common entry is not shown",
        |file| {
            file.list("common").pop();
        },
    );
    changed(
        to,
        "split_left_out",
        bad,
        "a side does not begin at the split",
        |file| {
            file.list("there").remove(0);
        },
    );
    let comment = "the first side does not begin at the split";
    changed(to, "split_left_out_here", bad, comment, |file| {
        file.list("here").remove(0);
    });
    let comment = "two policies changed places";
    changed(to, "policy_order", "proofPolicy", comment, |file| {
        file.policies.swap(0, 1);
    });
    changed(to, "without_first", bad, "entry 0 is not shown", |file| {
        file.list("common").remove(0);
    });
    changed(
        to,
        "out_of_order",
        bad,
        "two entries of a side changed places",
        |file| {
            file.list("there").swap(1, 2);
        },
    );
    changed(
        to,
        "other_ledger",
        "fingerprintMismatch",
        "the fingerprint of another ledger",
        |file| {
            file.fingerprint = "ab".repeat(32);
        },
    );
    changed(
        to,
        "no_fingerprint",
        "proofUnanchored",
        "nothing to judge it by",
        |file| {
            file.fingerprint.clear();
        },
    );
    changed(
        to,
        "policy_missing",
        "proofPolicy",
        "a policy is missing",
        |file| {
            file.policies.pop();
        },
    );
    changed(
        to,
        "neighbour_left_out",
        "proofPolicy",
        "the entry before entry 8 is not shown",
        |file| {
            file.list("here").remove(1);
        },
    );
    changed(
        to,
        "hash_common",
        "proofPath",
        "one bit of a hash of entry 0",
        |file| {
            file.shown("common", 0).path[0][5] ^= 1;
        },
    );
    changed(
        to,
        "hash_here",
        "proofPath",
        "one bit of a hash here",
        |file| {
            file.shown("here", 0).path[0][5] ^= 1;
        },
    );
    changed(
        to,
        "hash_there",
        "proofPath",
        "one bit of a hash there",
        |file| {
            file.shown("there", 0).path[0][5] ^= 1;
        },
    );
    changed(
        to,
        "path_long",
        "proofPath",
        "a hash too many at a head",
        |file| {
            file.shown("there", 2).path.push([0; 32]);
        },
    );
    let file = honest();
    let mut spelled = |name: &str, expect: &str, comment: &str, from: &str, with: &str| {
        let bytes = replaced(&file.bytes(), from.as_bytes(), with.as_bytes());
        let pinned = Some(file.fingerprint.as_str());
        to.add_bytes(&format!("evidence_{name}"), expect, comment, pinned, &bytes);
    };
    spelled(
        "member_unknown",
        bad,
        "a member of receipts",
        "\"format\"",
        "\"entry\":6,\"format\"",
    );
    spelled(
        "as_receipt",
        bad,
        "called a receipt",
        "\"kind\":\"fork\"",
        "\"kind\":\"receipt\"",
    );
    spelled(
        "level_2",
        "specUnsupported",
        "a file of level 2",
        "\"spec\":1",
        "\"spec\":2",
    );
}

fn sides(to: &mut Vectors) {
    let chain = there(&[&EVE, &CI, &CI]);
    against(
        to,
        "stranger",
        "signerUnknown",
        "the other entry is by a key that no policy has",
        &chain,
        &THERE,
    );
    let chain = there(&[&CI, &EVE, &CI]);
    against(
        to,
        "stranger_later",
        "signerUnknown",
        "so is one after it",
        &chain,
        &THERE,
    );
    let mut chain = common();
    let commit = chain.draft(&CI, vec![push("there")]).commit();
    let other = chain.draft(&CI, vec![push("another")]).commit();
    chain.add_signed(&commit, &other.sign(&CI));
    put(&mut chain, &CI, "more");
    against(
        to,
        "signature",
        "signatureBad",
        "nobody signed the other entry",
        &chain,
        &[6, 7],
    );
    let mut chain = common();
    let mut draft = chain.draft(&CI, vec![push("there")]);
    draft.range[0][0] ^= 1;
    chain.range = draft.range.clone();
    chain.add(&draft, &CI);
    put(&mut chain, &CI, "more");
    against(
        to,
        "range",
        "rangeMismatch",
        "the other entry claims another past than the common one",
        &chain,
        &[6, 7],
    );
    let mut chain = common();
    let mut draft = chain.draft(&CI, vec![push("there")]);
    draft.time -= 100;
    chain.add(&draft, &CI);
    put(&mut chain, &CI, "more");
    against(
        to,
        "time",
        "timeBackwards",
        "the other entry is dated before the common one",
        &chain,
        &[6, 7],
    );
    let mut chain = common();
    chain.add_change(&CI, &with_carol().retire(&CAROL));
    put(&mut chain, &CI, "more");
    against(
        to,
        "change_by_writer",
        "signerRole",
        "the other side changes the policy with a writer's key",
        &chain,
        &[6, 7],
    );
    let mut chain = common();
    chain.add_change(&BOB, &with_carol().retire(&CAROL));
    put(&mut chain, &CAROL, "more");
    against(
        to,
        "retired",
        "signerRetired",
        "the other side is carried on by a key that it retired",
        &chain,
        &[6, 7],
    );
    let mut chain = common();
    chain.add_change(&BOB, &with_carol().with(Row::new(&EVE, &["writer"])));
    put(&mut chain, &EVE, "more");
    against(
        to,
        "stolen_admin",
        "sound",
        "the other side lets in a key that this one does not know",
        &chain,
        &[6, 7],
    );
    let mut chain = common();
    put(&mut chain, &CI, "there");
    chain.add_change(&BOB, &with_carol().compromise(&CI, 6, &[]));
    against(
        to,
        "compromised",
        "sound",
        "a key is called compromised on the side it signed: the split stands",
        &chain,
        &[6, 7],
    );
}
