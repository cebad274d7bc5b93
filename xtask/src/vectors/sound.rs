//! Ledgers in which nothing is wrong.

use gix::hash::Kind as Format;

use super::Vectors;
use super::keys::Key;
use super::policy_text::{Policy, Row};
use super::sshsig::{Sshsig, wrapped};
use super::world::*;

/// A ledger in which this key wrote entry 1.
fn written_by(key: &Key) -> Chain {
    let mut chain = Chain::with_policy(&acme().with(Row::new(key, &["writer"])));
    chain.add(&chain.next_by(key), key);
    chain
}

pub fn add(to: &mut Vectors) {
    let mut chain = Chain::acme();
    chain.add(&chain.next(), &CI);
    to.add(
        "sound_ed25519",
        "sound",
        "three entries with Ed25519 keys",
        chain,
    );

    let mut chain = Chain::acme_in(Format::Sha256);
    chain.add(&chain.next(), &CI);
    to.add(
        "sound_sha256",
        "sound",
        "the same in the SHA-256 object format",
        chain,
    );

    let chain = Chain::with_policy(&acme());
    to.add("sound_founded", "sound", "entry 0 alone", chain);

    for (name, key) in [
        ("sk_ed25519", &SK),
        ("sk_ecdsa_p256", &SK_P256),
        ("ecdsa_p256", &P256),
        ("ecdsa_p384", &P384),
        ("rsa_3072", &RSA),
    ] {
        let comment = format!("an entry signed with a key of type {}", key.kind);
        to.add(&format!("sound_{name}"), "sound", &comment, written_by(key));
    }
    let mut chain = Chain::with_policy(&acme().with(Row::new(&SK, &["writer"])));
    let commit = chain.next_by(&SK).commit();
    let inner = SK.sign_touched(&wrapped("git", "sha512", &commit.payload()), 5);
    chain.add_signed(&commit, &Sshsig::of(&SK, "git", inner));
    to.add(
        "sound_sk_verified",
        "sound",
        "a token that also checked its user",
        chain,
    );

    let mut chain = Chain::with_policy(&acme());
    for _ in 0..17 {
        chain.add(&chain.next(), &CI);
    }
    to.add(
        "sound_long",
        "sound",
        "18 entries: ranges of one to four hashes",
        chain,
    );

    let mut chain = Chain::acme();
    let events = vec![
        push("a"),
        event("b", "dev.cdevents.build.started.0.2.0"),
        push("c"),
    ];
    chain.add(&chain.draft(&CI, events), &CI);
    to.add("sound_batch", "sound", "an entry with three events", chain);

    times(to);
    texts(to);
    attachments(to);
    policies(to);
    compromised(to);
    anchors(to);
}

fn times(to: &mut Vectors) {
    let mut chain = Chain::empty(Format::Sha1);
    chain.time = 0;
    let draft = chain.first(&acme());
    chain.add(&draft, &ALICE);
    chain.time = 9_999_999_999;
    chain.add(&chain.next(), &CI);
    chain.time = 9_999_999_999;
    chain.add(&chain.next(), &CI);
    to.add(
        "sound_times",
        "sound",
        "T of 0, of ten digits, and the same T twice",
        chain,
    );
}

fn texts(to: &mut Vectors) {
    let mut chain = Chain::acme();
    let long = format!("{}        tail", "x".repeat(36));
    let events = vec![push("a").about("caf\u{e9} \u{1f600}\\u001b\\n end")];
    let mut draft = chain.draft(&CI, events);
    draft.events[0].what = "caf\u{e9} \u{1f600}\u{1b}\n end".into();
    chain.add(&draft, &CI);
    chain.add(
        &chain.draft(&CI, vec![push("b").about(&long), push("c")]),
        &CI,
    );
    let plain = push("d").edit("\"subject\":\"refs/heads/main\",", "");
    let source = Event {
        what: "https://git.acme.example".into(),
        ..plain
    };
    chain.add(&chain.draft(&CI, vec![source]), &CI);
    let comment =
        "subjects with other characters, cut, with spaces at the cut, and from the source";
    to.add("sound_subjects", "sound", comment, chain);

    let mut chain = Chain::acme();
    let deep = format!("{}1{}", "[".repeat(63), "]".repeat(63));
    let members = [
        "\"data\":{\"\u{1f600}\":9007199254740991,\"\u{fb33}\":-9007199254740991}".to_owned(),
        format!("\"data\":{deep}"),
        "\"data\":\"\\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f/\u{2028}\u{e000}\"".to_owned(),
        "\"data\":null".to_owned(),
        "\"data_base64\":\"AAE=\"".to_owned(),
        "\"data\":{\"\":0},\"flag\":true,\"h1\":-1".to_owned(),
    ];
    let events = members
        .iter()
        .zip(0..)
        .map(|(members, at)| push(&format!("j{at}")).with(members));
    let events = events.collect();
    chain.add(&chain.draft(&CI, events), &CI);
    to.add(
        "sound_json",
        "sound",
        "what canonical JSON may hold, up to its edges",
        chain,
    );

    let mut chain = Chain::acme();
    let empty = chain.draft(&CI, vec![push("big").with("\"data\":\"\"")]);
    let size = empty
        .commit()
        .sealed("gpgsig", &empty.commit().sign(&CI).armour())
        .len();
    let data = format!("\"data\":\"{}\"", "x".repeat(65_535 - size));
    chain.add(&chain.draft(&CI, vec![push("big").with(&data)]), &CI);
    to.add("sound_largest", "sound", "a commit of 65,535 bytes", chain);
}

fn attachments(to: &mut Vectors) {
    for (name, format) in [("", Format::Sha1), ("_sha256", Format::Sha256)] {
        let mut chain = Chain::acme_in(format);
        let mut draft = chain.draft(&CI, Vec::new());
        draft.tree = chain.files_with(&[b"one body", b"another"]);
        draft.events = vec![
            attached("a", b"one body"),
            attached("b", b"another"),
            attached("c", b"one body"),
        ];
        chain.add(&draft, &CI);
        chain.add(&chain.next(), &CI);
        let comment = "two attachments, one of them named twice, gone in the next entry";
        to.add(&format!("sound_attachments{name}"), "sound", comment, chain);
    }
}

fn policies(to: &mut Vectors) {
    let mut chain = Chain::acme();
    let next = acme().with(Row::new(&P256, &["writer"]));
    chain.add_change(&BOB, &next);
    chain.add(&chain.next_by(&P256), &P256);
    to.add(
        "sound_policy_change",
        "sound",
        "threshold 1: an admin adds a writer",
        chain,
    );

    let mut chain = Chain::acme();
    let mut next = acme();
    next.name = "acme/wages".into();
    next.mirrors = vec![("auditor", "ssh://audit.example/ledger.git"), ("b", "x")];
    next.row(&CI).types = vec!["dev.git-ledger.push", "dev.cdevents.*", "*"];
    next.row(&DORA).roles = vec!["writer", "admin", "auditor"];
    let mut extra = Row::new(&CAROL, &["writer"]);
    extra.state = Some("retired");
    let next = next.with(extra);
    chain.add_change(&ALICE, &next);
    chain.add(&chain.next(), &CI);
    let comment = "name, roles, types and mirrors change, and a row arrives retired";
    to.add("sound_policy_all", "sound", comment, chain);

    let two = acme().threshold(2);
    let mut chain = Chain::with_policy(&two);
    let set_by = chain.digests[0];
    let draft = chain.change(&ALICE, &acme());
    chain.add(&draft.approved(&set_by, &[&BOB]), &ALICE);
    chain.add_change(&BOB, &two);
    let comment = "two admins lower the threshold, then one alone puts the older policy back";
    to.add("sound_threshold_lowered", "sound", comment, chain);

    let mut chain = Chain::with_policy(&two);
    chain.add(&chain.next(), &CI);
    let next = two.clone().with(Row::new(&P256, &["writer"]));
    let set_by = chain.digests[0];
    let draft = chain.change(&ALICE, &next).approved(&set_by, &[&BOB]);
    chain.add(&draft, &ALICE);
    let third = next.clone().with(Row::new(&SK, &["writer"]));
    let set_by = chain.digests[2];
    let draft = chain.change(&BOB, &third).approved(&set_by, &[&ALICE]);
    chain.add(&draft, &BOB);
    to.add(
        "sound_threshold_two",
        "sound",
        "two changes, each agreed to by both admins",
        chain,
    );

    let mut chain = Chain::with_policy(&two);
    let draft = chain.clone().change(&ALICE, &next);
    let approval = draft.approved(&chain.digests[0], &[&BOB]).approvals;
    chain.add(&chain.next(), &CI);
    chain.add(&chain.next(), &CI);
    let mut draft = chain.change(&ALICE, &next);
    draft.approvals = approval;
    chain.add(&draft, &ALICE);
    let comment = "an approval outlives the ordinary entries that come between";
    to.add("sound_approval_outlives", "sound", comment, chain);

    let three = acme().with(Row::new(&CAROL, &["admin"])).threshold(3);
    let mut chain = Chain::with_policy(&three);
    let set_by = chain.digests[0];
    let draft = chain.change(&BOB, &three.threshold(1));
    chain.add(&draft.approved(&set_by, &[&ALICE, &CAROL]), &BOB);
    to.add(
        "sound_threshold_three",
        "sound",
        "two approvals, ascending by principal",
        chain,
    );

    let tokens = acme()
        .with(Row::new(&SK, &["admin"]))
        .with(Row::new(&P384, &["admin"]))
        .with(Row::new(&RSA, &["admin"]))
        .threshold(4);
    let mut chain = Chain::with_policy(&tokens);
    let set_by = chain.digests[0];
    let draft = chain.change(&ALICE, &tokens.threshold(1));
    chain.add(&draft.approved(&set_by, &[&P384, &RSA, &SK]), &ALICE);
    let comment = "approvals by ECDSA, RSA and security keys";
    to.add("sound_approval_kinds", "sound", comment, chain);

    let mut chain = Chain::acme();
    let retired = acme().retire(&CI).with(Row::new(&P256, &["writer"]));
    chain.add_change(&ALICE, &retired);
    chain.add(&chain.next_by(&P256), &P256);
    to.add(
        "sound_retired",
        "sound",
        "what a key signed before it was retired stays good",
        chain,
    );

    let mut chain = Chain::with_policy(&acme().with(Row::new(&ALICE_2, &["admin"])));
    chain.add(&chain.next_by(&ALICE_2), &ALICE_2);
    chain.add_change(
        &ALICE,
        &acme().with(Row::new(&ALICE_2, &["admin"])).retire(&ALICE),
    );
    chain.add(&chain.next_by(&ALICE_2), &ALICE_2);
    to.add(
        "sound_second_key",
        "sound",
        "a principal with two keys, the first of them retires itself",
        chain,
    );

    let mut chain = Chain::acme();
    let kinds =
        ["review", "tamper.found", "checkpoint"].map(|kind| format!("dev.git-ledger.{kind}"));
    for key in [&DORA, &ALICE] {
        let events = kinds
            .iter()
            .map(|kind| event(&format!("{kind}{}", chain.number), kind));
        chain.add(&chain.draft(key, events.collect()), key);
    }
    chain.add(&chain.next_by(&ALICE), &ALICE);
    to.add(
        "sound_roles",
        "sound",
        "an auditor reviews, an admin does all of it",
        chain,
    );

    let mut policy = acme();
    policy.row(&CI).types = vec!["dev.git-ledger.push", "dev.cdevents.*"];
    policy.row(&ALICE).types = vec!["none"];
    let mut chain = Chain::with_policy(&policy);
    let events = vec![
        push("a"),
        event("b", "dev.cdevents.x"),
        event("c", "dev.cdevents."),
    ];
    chain.add(&chain.draft(&CI, events), &CI);
    policy.name = "types never restrict the two types of the policy".into();
    chain.add_change(&ALICE, &policy);
    to.add("sound_types", "sound", "types: exact, and by prefix", chain);
}

fn compromised(to: &mut Vectors) {
    let mut chain = Chain::acme();
    chain.add(&chain.next(), &CI);
    chain.add(&chain.next(), &CI);
    let next = acme().compromise(&CI, 2, &[2, 3]);
    chain.add_change(&ALICE, &next);
    let comment =
        "every entry of a compromised key since then is vouched for, those before need not be";
    to.add("sound_compromised_vouched", "sound", comment, chain);

    let mut chain = Chain::acme();
    let first: Policy = acme().compromise(&CI, 1, &[]);
    chain.add_change(&ALICE, &first);
    let mut second = first.clone();
    second.compromised[0].since = 0;
    second.compromised[0].vouched = vec![1];
    chain.add_change(&ALICE, &second);
    let comment =
        "since falls and an entry is vouched for later: the newest policy judges all history";
    to.add("sound_compromised_later", "sound", comment, chain);

    let two = acme().with(Row::new(&CAROL, &["admin"])).threshold(2);
    let mut chain = Chain::with_policy(&two);
    let set_by = chain.digests[0];
    let draft = chain.change(&BOB, &two.compromise(&ALICE, 1, &[]));
    chain.add(&draft.approved(&set_by, &[&CAROL]), &BOB);
    let comment = "the key of an admin is called compromised by two other admins";
    to.add("sound_compromised_admin", "sound", comment, chain);
}

fn anchors(to: &mut Vectors) {
    let mut chain = Chain::acme();
    chain.fingerprint = Some(hex(&chain.digests[0]));
    to.add(
        "sound_pinned",
        "sound",
        "the fingerprint is the digest of entry 0",
        chain,
    );

    let mut chain = Chain::acme();
    chain.shallow = Some(chain.commits[0].clone());
    let comment = "the shallow file lists the root, which has no parent to hide";
    to.add("sound_shallow_root", "sound", comment, chain);
}

/// A push whose body is the attachment of these bytes.
pub fn attached(id: &str, body: &[u8]) -> Event {
    use sha2::{Digest as _, Sha256};
    let digest = hex(&Sha256::digest(body));
    let name = format!("\"dataref\":\"attachments/{digest}\"");
    push(id).with(&name)
}
