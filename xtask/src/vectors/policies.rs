//! `ledger.toml` that is no policy, not canonical, or holds values outside their rules.

use gix::hash::Kind as Format;

use super::Vectors;
use super::keys::{fields, integer, strings};
use super::policy_text::{Policy, Row};
use super::world::*;

/// Adds a ledger whose entry 2, by an admin, sets a policy with its text changed.
fn worded(
    to: &mut Vectors,
    name: &str,
    expect: &str,
    comment: &str,
    edit: impl Fn(String) -> String,
) {
    worded_from(to, name, expect, comment, &full(), edit);
}

fn worded_from(
    to: &mut Vectors,
    name: &str,
    expect: &str,
    comment: &str,
    next: &Policy,
    edit: impl Fn(String) -> String,
) {
    let mut chain = Chain::acme();
    let draft = chain.change_text(&ALICE, &edit(next.toml()), next);
    chain.add(&draft, &ALICE);
    to.add(&format!("policy_{name}"), expect, comment, chain);
}

/// A policy in which every kind of line stands.
fn full() -> Policy {
    let mut policy = acme().compromise(&CI, 2, &[2]);
    policy.mirrors = vec![("auditor", "ssh://audit.example/ledger.git")];
    policy
        .rows
        .push(Row::new(&P256, &["writer"]).typed(&["dev.cdevents.*"]));
    policy
}

fn swap(from: &'static str, by: &'static str) -> impl Fn(String) -> String {
    move |text| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, by, 1)
    }
}

pub fn add(to: &mut Vectors) {
    let mut chain = Chain::acme();
    chain.add_change(&ALICE, &full());
    to.add(
        "sound_policy_full",
        "sound",
        "a policy in which every kind of line stands",
        chain,
    );
    malformed(to);
    spelled(to);
    keys(to);
    in_themselves(to);
    first(to);
    levels(to);
}

fn malformed(to: &mut Vectors) {
    let expect = "policyMalformed";
    for (name, from, by, comment) in [
        ("not_toml", "spec = 1", "spec: 1", "no TOML"),
        (
            "duplicate_key",
            "spec = 1\n",
            "spec = 1\nspec = 1\n",
            "one key twice",
        ),
        (
            "duplicate_table",
            "[admin]\n",
            "[admin]\nthreshold = 1\n[admin]\n",
            "one table twice",
        ),
        (
            "unknown_key",
            "[admin]\n",
            "[admin]\nquorum = 1\n",
            "an unknown key",
        ),
        (
            "unknown_table",
            "[admin]\n",
            "[owner]\nname = \"x\"\n[admin]\n",
            "an unknown table",
        ),
        (
            "unknown_row_key",
            "state = \"retired\"\n",
            "state = \"retired\"\nvalid-before = 20300101\n",
            "a date in a row",
        ),
        ("no_spec", "spec = 1\n", "", "no spec"),
        (
            "spec_text",
            "spec = 1\n",
            "spec = \"1\"\n",
            "spec is a string",
        ),
        (
            "no_id",
            "id = \"0123456789abcdef0123456789abcdef\"\n",
            "",
            "no id",
        ),
        (
            "id_short",
            "0123456789abcdef0123456789abcdef",
            "0123456789abcdef",
            "an id of 16 digits",
        ),
        (
            "id_upper",
            "0123456789abcdef0123456789abcdef",
            "0123456789ABCDEF0123456789ABCDEF",
            "an id in upper case",
        ),
        ("name_empty", "acme/payments", "", "an empty name"),
        (
            "name_unicode",
            "acme/payments",
            "acm\u{e9}",
            "a name outside ASCII",
        ),
        (
            "name_quote",
            "acme/payments",
            "acme\\\"",
            "a quote in the name",
        ),
        ("no_threshold", "threshold = 1\n", "", "no threshold"),
        (
            "threshold_zero",
            "threshold = 1",
            "threshold = 0",
            "a threshold of 0",
        ),
        (
            "threshold_negative",
            "threshold = 1",
            "threshold = -1",
            "a negative threshold",
        ),
        (
            "threshold_float",
            "threshold = 1",
            "threshold = 1.0",
            "a threshold with a fraction",
        ),
        (
            "threshold_huge",
            "threshold = 1",
            "threshold = 9007199254740992",
            "a threshold of 2^53",
        ),
        (
            "threshold_true",
            "threshold = 1",
            "threshold = true",
            "a threshold that is a boolean",
        ),
        (
            "principal",
            "ci@acme.example",
            "ci*@acme.example",
            "a pattern for a principal",
        ),
        (
            "principal_negated",
            "ci@acme.example",
            "!ci@acme.example",
            "a negated principal",
        ),
        ("no_roles", "roles = [\"writer\"]\n", "", "no roles"),
        (
            "roles_empty",
            "roles = [\"writer\"]",
            "roles = []",
            "empty roles",
        ),
        (
            "roles_unknown",
            "roles = [\"writer\"]",
            "roles = [\"owner\"]",
            "an unknown role",
        ),
        (
            "roles_twice",
            "roles = [\"writer\"]",
            "roles = [\"writer\", \"writer\"]",
            "one role twice",
        ),
        (
            "roles_order",
            "roles = [\"writer\"]",
            "roles = [\"admin\", \"writer\"]",
            "roles out of order",
        ),
        (
            "roles_text",
            "roles = [\"writer\"]",
            "roles = \"writer\"",
            "roles that are no array",
        ),
        (
            "types_empty",
            "types = [\"dev.cdevents.*\"]",
            "types = []",
            "empty types",
        ),
        (
            "types_star",
            "dev.cdevents.*",
            "dev.*.x",
            "a star inside a type",
        ),
        ("types_two_stars", "dev.cdevents.*", "dev.**", "two stars"),
        (
            "types_twice",
            "\"dev.cdevents.*\"",
            "\"a\", \"a\"",
            "one type twice",
        ),
        ("types_blank", "dev.cdevents.*", "", "an empty type"),
        (
            "state",
            "state = \"retired\"",
            "state = \"active\"",
            "another state",
        ),
        (
            "vouched_empty",
            "vouched = [2]",
            "vouched = []",
            "empty vouched",
        ),
        (
            "vouched_text",
            "vouched = [2]",
            "vouched = [\"2\"]",
            "vouched that holds a string",
        ),
        (
            "since_negative",
            "since = 2",
            "since = -2",
            "a negative since",
        ),
        ("no_since", "since = 2\n", "", "no since"),
        (
            "mirror_no_url",
            "url = \"ssh://audit.example/ledger.git\"\n",
            "",
            "a mirror without url",
        ),
    ] {
        worded(to, name, expect, comment, swap(from, by));
    }
    worded(
        to,
        "mirror_twice",
        expect,
        "two mirrors of one name",
        |text| format!("{text}[[mirror]]\nname = \"auditor\"\nurl = \"x\"\n"),
    );
    worded(
        to,
        "name_long",
        expect,
        "a name of 101 characters",
        |text| text.replace("acme/payments", &"x".repeat(101)),
    );
    worded(to, "empty", expect, "an empty file", |_| String::new());
    worded(to, "nul", expect, "a NUL byte", |text| text + "\0");
    worded_from(
        to,
        "no_signer",
        expect,
        "no signer at all",
        &acme(),
        |text| {
            text.split("[[signer]]")
                .next()
                .unwrap_or_default()
                .to_owned()
        },
    );
    for table in ["compromised", "mirror"] {
        worded_from(
            to,
            &format!("spelling_{table}_empty"),
            "policyNonCanonical",
            "an empty array in place of tables",
            &acme(),
            |text| text.replacen("[admin]", &format!("{table} = []\n[admin]"), 1),
        );
    }
}

fn spelled(to: &mut Vectors) {
    let expect = "policyNonCanonical";
    for (name, from, by, comment) in [
        ("comment", "spec = 1\n", "spec = 1 # level\n", "a comment"),
        ("empty_line", "[admin]\n", "\n[admin]\n", "an empty line"),
        ("no_spaces", "spec = 1", "spec=1", "no spaces around ="),
        ("indented", "threshold", "  threshold", "an indented key"),
        (
            "single_quotes",
            "\"acme/payments\"",
            "'acme/payments'",
            "single quotes",
        ),
        (
            "escaped",
            "\"acme/payments\"",
            "\"\\u0061cme/payments\"",
            "an escaped letter",
        ),
        (
            "long_string",
            "\"acme/payments\"",
            "\"\"\"acme/payments\"\"\"",
            "a string in three quotes",
        ),
        ("quoted_key", "spec = 1", "\"spec\" = 1", "a quoted key"),
        (
            "hex_number",
            "threshold = 1",
            "threshold = 0x1",
            "a number in hex",
        ),
        (
            "plus_number",
            "threshold = 1",
            "threshold = +1",
            "a number with a plus sign",
        ),
        (
            "underscore",
            "since = 2",
            "since = 0b1_0",
            "a number in binary",
        ),
        (
            "dotted",
            "[admin]\nthreshold = 1\n",
            "admin.threshold = 1\n",
            "a dotted key",
        ),
        (
            "inline",
            "[admin]\nthreshold = 1\n",
            "admin = { threshold = 1 }\n",
            "an inline table",
        ),
        (
            "array_spaces",
            "[\"writer\"]",
            "[ \"writer\" ]",
            "spaces inside an array",
        ),
        (
            "array_comma",
            "[\"writer\"]",
            "[\"writer\",]",
            "a comma at the end of an array",
        ),
        (
            "trailing_space",
            "threshold = 1\n",
            "threshold = 1 \n",
            "a space at the end of a line",
        ),
        ("key_order", "threshold = 1\n", "threshold = 1\n", ""),
    ] {
        if !comment.is_empty() {
            worded(
                to,
                &format!("spelling_{name}"),
                expect,
                comment,
                swap(from, by),
            );
        }
    }
    worded(
        to,
        "spelling_crlf",
        expect,
        "CRLF at the end of every line",
        |text| text.replace('\n', "\r\n"),
    );
    worded(
        to,
        "spelling_no_final_lf",
        expect,
        "no LF at the end",
        |text| text.trim_end().to_owned(),
    );
    worded(
        to,
        "spelling_final_line",
        expect,
        "an empty line at the end",
        |text| text + "\n",
    );
    worded(
        to,
        "spelling_key_order",
        expect,
        "two keys changed places",
        |text| {
            let (first, rest) = text.split_once("id = ").expect("id");
            let (id, rest) = rest.split_once('\n').expect("a line");
            let (name, rest) = rest.split_once('\n').expect("a line");
            format!("{first}{name}\nid = {id}\n{rest}")
        },
    );
    worded(
        to,
        "spelling_table_order",
        expect,
        "a mirror before the signers",
        |text| {
            let at = text.find("[[mirror]]").expect("a mirror");
            let (rest, mirror) = text.split_at(at);
            rest.replacen("[[signer]]", &format!("{mirror}[[signer]]"), 1)
        },
    );
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
