//! Policies in their one spelling that break a rule in themselves: keys, rows, levels.

use gix::hash::Kind as Format;

use super::Vectors;
use super::keys::{fields, integer, strings};
use super::policy_text::{Policy, Row};
use super::world::*;

pub fn add(to: &mut Vectors) {
    keys(to);
    in_themselves(to);
    first(to);
    levels(to);
}

fn keys(to: &mut Vectors) {
    let expect = "policyKey";
    let encode = |kind: &str, blob: &[u8]| {
        use base64::Engine as _;
        format!(
            "{kind} {}",
            base64::engine::general_purpose::STANDARD.encode(blob)
        )
    };
    let modulus = fields(&RSA.blob)[2].clone();
    let weak = [&[0xc1u8], [0x35u8; 254].as_slice(), &[0x37]].concat();
    let mut point = [0; 32];
    point[0] = 1;
    let text = P256.text();
    for (name, key, comment) in [
        (
            "comment",
            format!("{text} p256@host"),
            "a comment after the key",
        ),
        (
            "no_type",
            text.split(' ').next_back().unwrap_or_default().to_owned(),
            "no type before the key",
        ),
        (
            "wrong_type",
            encode("ssh-ed25519", &P256.blob),
            "another type than the key's own",
        ),
        (
            "no_padding",
            text.trim_end_matches('=').to_owned() + "A",
            "base64 that is none",
        ),
        ("two_spaces", text.replace(' ', "  "), "two spaces"),
        (
            "rsa_2048",
            encode(
                "ssh-rsa",
                &strings(&[b"ssh-rsa", &[1, 0, 1], &integer(&weak)]),
            ),
            "RSA with 2048 bits",
        ),
        (
            "rsa_exponent",
            encode("ssh-rsa", &strings(&[b"ssh-rsa", &[3], &modulus])),
            "RSA with the exponent 3",
        ),
        (
            "dsa",
            encode("ssh-dss", &strings(&[b"ssh-dss", &[1], &[1], &[1], &[1]])),
            "a DSA key",
        ),
        (
            "small_order",
            encode("ssh-ed25519", &strings(&[b"ssh-ed25519", &point])),
            "a point of small order",
        ),
        (
            "certificate",
            encode("ssh-ed25519-cert-v01@openssh.com", b"x"),
            "a certificate",
        ),
        (
            "cert_authority",
            format!("cert-authority {text}"),
            "a certificate authority",
        ),
        ("empty", String::new(), "an empty key"),
    ] {
        let mut next = acme().with(Row::new(&P256, &["writer"]));
        next.row(&P256).key = key;
        let mut chain = Chain::acme();
        chain.add_change(&ALICE, &next);
        to.add(&format!("policy_key_{name}"), expect, comment, chain);
    }
    let mut next = acme().compromise(&CI, 2, &[]);
    next.compromised[0].key += " comment";
    let mut chain = Chain::acme();
    chain.add_change(&ALICE, &next);
    to.add(
        "policy_key_compromised",
        expect,
        "a bad key in a compromised row",
        chain,
    );
}

fn in_themselves(to: &mut Vectors) {
    let mut set = |name: &str, expect: &str, comment: &str, next: Policy| {
        let mut chain = Chain::acme();
        chain.add_change(&ALICE, &next);
        to.add(&format!("policy_{name}"), expect, comment, chain);
    };
    let mut twice = Row::new(&CI, &["writer"]);
    twice.principal = "other@acme.example".into();
    set(
        "duplicate_principal",
        "policyDuplicateKey",
        "one key under two principals",
        acme().with(twice),
    );
    let twice = Row::new(&CI, &["writer"]);
    set(
        "duplicate_row",
        "policyDuplicateKey",
        "one row twice",
        acme().with(twice),
    );
    let lock = "policyLockout";
    set(
        "lockout",
        lock,
        "no admin remains",
        acme().retire(&ALICE).retire(&BOB),
    );
    set(
        "lockout_threshold",
        lock,
        "a threshold above the number of admins",
        acme().threshold(3),
    );
    let mut demoted = acme();
    demoted.row(&ALICE).roles = vec!["writer"];
    demoted.row(&BOB).roles = vec!["auditor"];
    set(
        "lockout_roles",
        lock,
        "no row has the admin role any more",
        demoted,
    );
    let same = acme().with(Row::new(&ALICE_2, &["admin"])).threshold(3);
    set(
        "lockout_principals",
        lock,
        "two keys of one admin count once",
        same,
    );

    let expect = "policyCompromised";
    let mut standing = acme().compromise(&CI, 2, &[]);
    standing.row(&CI).state = None;
    set(
        "compromised_not_retired",
        expect,
        "a compromised key that is not retired",
        standing,
    );
    let mut unknown = acme().compromise(&CI, 2, &[]);
    unknown.compromised[0].key = EVE.text();
    set(
        "compromised_unknown",
        expect,
        "a compromised key that is in no row",
        unknown,
    );
    let mut double = acme().compromise(&CI, 2, &[]);
    double.compromised.push(double.compromised[0].clone());
    set(
        "compromised_twice",
        expect,
        "one key compromised twice",
        double,
    );
    set(
        "compromised_vouched_before",
        expect,
        "vouched before since",
        acme().compromise(&CI, 2, &[1]),
    );
    set(
        "compromised_vouched_order",
        expect,
        "vouched out of order",
        acme().compromise(&CI, 0, &[2, 1]),
    );
    set(
        "compromised_vouched_twice",
        expect,
        "an entry vouched for twice",
        acme().compromise(&CI, 0, &[1, 1]),
    );
    set(
        "compromised_future",
        expect,
        "since is after this entry",
        acme().compromise(&CI, 3, &[]),
    );
    set(
        "compromised_vouched_future",
        expect,
        "vouched for before it was written",
        acme().compromise(&CI, 1, &[1, 3]),
    );
}

/// The policy of entry 0 has nothing before it and is judged all the same.
fn first(to: &mut Vectors) {
    let mut found = |name: &str, expect: &str, comment: &str, policy: &Policy, text: &str| {
        let mut chain = Chain::empty(Format::Sha1);
        chain.set_files(text.as_bytes(), &policy.allowed_signers(), README);
        let draft = chain.draft(
            &ALICE,
            vec![event("created", CREATED).about("acme/payments")],
        );
        chain.add(&draft, &ALICE);
        chain.add(&chain.next(), &CI);
        to.add(&format!("policy_first_{name}"), expect, comment, chain);
    };
    let policy = acme();
    let text = policy.toml();
    found(
        "malformed",
        "policyMalformed",
        "entry 0 has no policy that could be read",
        &policy,
        "x",
    );
    let comment = "entry 0 has a policy that is not canonical";
    found(
        "noncanonical",
        "policyNonCanonical",
        comment,
        &policy,
        &format!("{text}\n"),
    );
    let locked = acme().threshold(3);
    found(
        "lockout",
        "policyLockout",
        "entry 0 locks everybody out",
        &locked,
        &locked.toml(),
    );
    let later = acme().compromise(&BOB, 1, &[]);
    let comment = "entry 0 calls a key compromised from entry 1 on";
    found(
        "compromised_future",
        "policyCompromised",
        comment,
        &later,
        &later.toml(),
    );
    let mut raised = acme();
    raised.spec = 2;
    let comment = "entry 0 has a level this specification does not know";
    found("level", "specUnsupported", comment, &raised, &raised.toml());
    let two = acme().threshold(2);
    found(
        "threshold",
        "sound",
        "the first threshold binds from the second policy on",
        &two,
        &two.toml(),
    );
}

fn levels(to: &mut Vectors) {
    let mut raised = acme();
    raised.spec = 2;
    let mut chain = Chain::acme();
    chain.add_change(&ALICE, &raised);
    to.add(
        "policy_level_raised",
        "specUnsupported",
        "an admin raises the level",
        chain.clone(),
    );
    let commit = chain.next().commit().message("Ledger-Seq", "Ledger-Number");
    chain.add_commit(&commit, &CI);
    let comment = "entries above the one that raises the level are not judged";
    to.add("policy_level_above", "specUnsupported", comment, chain);
    let mut chain = Chain::acme();
    chain.add_change(&CI, &raised);
    let comment = "a writer raises the level: the old one still judges that";
    to.add(
        "policy_level_by_writer",
        "signerRole specUnsupported",
        comment,
        chain,
    );
    let mut chain = Chain::acme();
    let draft = chain.change_text(&ALICE, "spec = 2\nlayout = \"new\"\n", &acme());
    chain.add(&draft, &ALICE);
    to.add(
        "policy_level_layout",
        "specUnsupported",
        "a level whose layout nobody here knows",
        chain,
    );
    let mut chain = Chain::acme();
    let mut lowered = acme();
    lowered.spec = 0;
    chain.add_change(&ALICE, &lowered);
    to.add(
        "policy_level_lowered",
        "policySpecLowered",
        "the level falls",
        chain,
    );
    let mut chain = Chain::acme();
    let draft = chain.change_text(
        &ALICE,
        &acme().toml().replacen("spec = 1", "spec = -1", 1),
        &acme(),
    );
    chain.add(&draft, &ALICE);
    to.add(
        "policy_level_negative",
        "policySpecLowered",
        "a negative level",
        chain,
    );
}
