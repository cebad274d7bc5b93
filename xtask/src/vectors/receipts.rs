//! Receipts: proven, and with one fault each.

use super::Vectors;
use super::drafts::replaced;
use super::policy_text::{Policy, Row};
use super::proof_files::{File, receipt};
use super::world::*;

/// What a receipt for entry 6 against entry 12 shows: entry 0, each entry that sets a policy with
/// the one before it, the entry, and the head.
pub const SHOWN: [usize; 7] = [0, 3, 4, 6, 7, 8, 12];

pub fn with_carol() -> Policy {
    acme().with(Row::new(&CAROL, &["writer"]))
}

/// Thirteen entries: 4 lets carol in, 6 is hers, 8 retires her.
pub fn story() -> Chain {
    story_in(gix::hash::Kind::Sha1, |_, _| {})
}

/// The same, with a change before some entries are added.
fn story_in(format: gix::hash::Kind, edit: impl Fn(usize, &mut Chain)) -> Chain {
    let mut chain = Chain::founded_in(format, &acme());
    for number in 1..=12 {
        let before = chain.number;
        edit(number, &mut chain);
        if chain.number > before {
            continue;
        }
        match number {
            4 => chain.add_change(&ALICE, &with_carol()),
            6 => chain.add(&chain.next_by(&CAROL), &CAROL),
            8 => chain.add_change(&BOB, &with_carol().retire(&CAROL)),
            _ => chain.add(&chain.next(), &CI),
        }
    }
    chain
}

/// The same, with one entry made by the function.
pub fn story_with(at: usize, make: impl Fn(&mut Chain)) -> Chain {
    let edit = |number: usize, chain: &mut Chain| {
        if number == at {
            make(chain);
        }
    };
    story_in(gix::hash::Kind::Sha1, edit)
}

fn honest() -> File {
    receipt(&story(), &SHOWN, 6)
}

/// Adds the honest receipt with one part of it changed.
pub fn changed(
    to: &mut Vectors,
    name: &str,
    expect: &str,
    comment: &str,
    edit: impl Fn(&mut File),
) {
    let mut file = honest();
    edit(&mut file);
    to.add_proof(&format!("receipt_{name}"), expect, comment, &file);
}

/// Adds the honest receipt with a piece of its text replaced.
fn spelled(to: &mut Vectors, name: &str, expect: &str, comment: &str, from: &str, with: &str) {
    let file = honest();
    let bytes = replaced(&file.bytes(), from.as_bytes(), with.as_bytes());
    let pinned = Some(file.fingerprint.as_str());
    to.add_bytes(&format!("receipt_{name}"), expect, comment, pinned, &bytes);
}

/// Adds a receipt from another story.
pub fn told(
    to: &mut Vectors,
    name: &str,
    expect: &str,
    comment: &str,
    chain: &Chain,
    shown: &[usize],
) {
    let entry = shown[shown.len() - 2] as u64;
    let file = receipt(chain, shown, entry);
    to.add_proof(&format!("receipt_{name}"), expect, comment, &file);
}

pub fn add(to: &mut Vectors) {
    proven(to);
    files(to);
    places(to);
}

fn proven(to: &mut Vectors) {
    changed(
        to,
        "sound",
        "sound",
        "entry 6 against entry 12, past three policies",
        |_| {},
    );
    let chain = story();
    let mut one = |name: &str, comment: &str, shown: &[usize], entry: u64| {
        let file = receipt(&chain, shown, entry);
        to.add_proof(&format!("receipt_{name}"), "sound", comment, &file);
    };
    one(
        "itself",
        "the head itself, which needs no hash",
        &[0, 3, 4, 7, 8, 12],
        12,
    );
    one("first", "entry 0 against entry 3", &[0, 3], 0);
    one("alone", "entry 0 against itself", &[0], 0);
    one(
        "next",
        "entry 1 against entry 2, in whose range it is a root of its own",
        &[0, 1, 2],
        1,
    );
    one(
        "policy_entry",
        "an entry that sets a policy",
        &[0, 3, 4, 5],
        4,
    );
    one(
        "policy_head",
        "an entry that sets a policy is the head",
        &[0, 3, 4, 6, 7, 8],
        6,
    );
    one(
        "more",
        "more entries than needed are shown",
        &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
        6,
    );
    let chain = story_in(gix::hash::Kind::Sha256, |_, _| {});
    to.add_proof(
        "receipt_sha256",
        "sound",
        "from a SHA-256 repository",
        &receipt(&chain, &SHOWN, 6),
    );
    let mut long = Chain::with_policy(&acme());
    for _ in 1..=140 {
        long.add(&long.next(), &CI);
    }
    told(
        to,
        "long",
        "sound",
        "entry 0 against entry 140: seven hashes",
        &long,
        &[0, 140],
    );
    told(
        to,
        "odd",
        "sound",
        "entry 63 against entry 127: one hash, for it carries the others",
        &long,
        &[0, 63, 127],
    );
    told(
        to,
        "even",
        "sound",
        "entry 64 against entry 128: six hashes",
        &long,
        &[0, 64, 128],
    );
    told(
        to,
        "middle",
        "sound",
        "entry 85 against entry 140",
        &long,
        &[0, 85, 140],
    );
}

fn files(to: &mut Vectors) {
    let bad = "proofMalformed";
    spelled(
        to,
        "space",
        bad,
        "a space after a colon",
        "\"kind\":",
        "\"kind\": ",
    );
    spelled(
        to,
        "kind_missing",
        bad,
        "no kind",
        "\"kind\":\"receipt\",",
        "",
    );
    spelled(
        to,
        "order_of_members",
        bad,
        "spec before the others",
        "{\"entries\"",
        "{\"spec\":1,\"entries\"",
    );
    spelled(
        to,
        "escape",
        bad,
        "a letter that is escaped",
        "\"receipt\"",
        "\"\\u0072eceipt\"",
    );
    spelled(
        to,
        "member_twice",
        bad,
        "one member twice",
        "\"spec\":1",
        "\"spec\":1,\"spec\":1",
    );
    spelled(
        to,
        "member_unknown",
        bad,
        "a member that no file has",
        "\"spec\":1",
        "\"spec\":1,\"zone\":1",
    );
    spelled(
        to,
        "item_unknown",
        bad,
        "a member that no entry has",
        "\"commit\":",
        "\"comment\":\"\",\"commit\":",
    );
    spelled(
        to,
        "member_missing",
        bad,
        "no format",
        "\"format\":\"sha1\",",
        "",
    );
    spelled(
        to,
        "fraction",
        bad,
        "a number with a fraction",
        "\"entry\":6",
        "\"entry\":6.0",
    );
    spelled(
        to,
        "negative",
        bad,
        "a negative number",
        "\"entry\":6",
        "\"entry\":-6",
    );
    spelled(
        to,
        "entry_text",
        bad,
        "the number is a string",
        "\"entry\":6",
        "\"entry\":\"6\"",
    );
    spelled(
        to,
        "boolean",
        bad,
        "the level is a boolean",
        "\"spec\":1",
        "\"spec\":true",
    );
    spelled(to, "level_0", bad, "level 0", "\"spec\":1", "\"spec\":0");
    spelled(
        to,
        "level_2",
        "specUnsupported",
        "a file of level 2",
        "\"spec\":1",
        "\"spec\":2",
    );
    spelled(
        to,
        "kind",
        bad,
        "a kind that there is not",
        "\"receipt\"",
        "\"proof\"",
    );
    spelled(
        to,
        "format",
        bad,
        "a format that there is not",
        "\"sha1\"",
        "\"md5\"",
    );
    spelled(
        to,
        "format_other",
        "headerUnknown",
        "the format of other commits",
        "\"sha1\"",
        "\"sha256\"",
    );
    spelled(
        to,
        "hash_short",
        bad,
        "a hash that is no base64",
        "\"path\":[\"",
        "\"path\":[\"A",
    );
    spelled(
        to,
        "hash_bits",
        bad,
        "a hash of 31 bytes",
        "\"path\":[\"",
        &format!("\"path\":[\"{}A==\",\"", "A".repeat(41)),
    );
    spelled(
        to,
        "null",
        bad,
        "null for a list",
        "\"path\":[]",
        "\"path\":null",
    );
    let file = honest();
    let (bytes, pinned) = (file.bytes(), Some(file.fingerprint.as_str()));
    let mut cut = |name: &str, comment: &str, bytes: &[u8]| {
        to.add_bytes(&format!("receipt_{name}"), bad, comment, pinned, bytes);
    };
    cut("cut", "the second half is gone", &bytes[..bytes.len() / 2]);
    cut(
        "cut_lf",
        "no line feed at the end",
        &bytes[..bytes.len() - 1],
    );
    cut("empty", "nothing at all", b"");
    cut(
        "two_lines",
        "something follows",
        &[bytes.as_slice(), b"{}\n"].concat(),
    );
    cut(
        "array",
        "an array",
        &[b"[", &bytes[..bytes.len() - 1], b"]\n"].concat(),
    );
    cut(
        "bom",
        "a byte order mark",
        &[b"\xef\xbb\xbf", bytes.as_slice()].concat(),
    );
    cut(
        "latin_1",
        "not UTF-8",
        &replaced(&bytes, b"acme/payments", b"acme/paym\xebnts"),
    );
}

fn places(to: &mut Vectors) {
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
        "other_ledger",
        "fingerprintMismatch",
        "the fingerprint of another ledger",
        |file| {
            file.fingerprint = "ab".repeat(32);
        },
    );
    changed(
        to,
        "no_entries",
        "proofMalformed",
        "no entry is shown",
        |file| {
            file.list("entries").clear();
        },
    );
    changed(
        to,
        "without_first",
        "proofMalformed",
        "entry 0 is not shown",
        |file| {
            file.list("entries").remove(0);
        },
    );
    changed(
        to,
        "out_of_order",
        "proofMalformed",
        "two entries changed places",
        |file| {
            file.list("entries").swap(2, 3);
        },
    );
    changed(
        to,
        "entry_twice",
        "proofMalformed",
        "one entry twice",
        |file| {
            let again = file.shown("entries", 3).clone();
            file.list("entries").insert(3, again);
        },
    );
    changed(
        to,
        "head_below",
        "proofMalformed",
        "the head stands before the entry",
        |file| {
            file.list("entries").swap(3, 6);
        },
    );
    changed(
        to,
        "not_shown",
        "proofClaim",
        "it is about an entry that it does not show",
        |file| {
            file.entry = Some(5);
        },
    );
    changed(
        to,
        "beyond",
        "proofClaim",
        "it is about an entry after the head",
        |file| {
            file.entry = Some(13);
        },
    );
}
