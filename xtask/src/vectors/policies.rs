//! `ledger.toml` that is no policy, or a policy in another spelling.

use super::Vectors;
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
    policy.failures = vec![
        (vec!["dev.git-ledger.push", "dev.acme.deploy*"], "closed"),
        (vec!["*"], "spool"),
    ];
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
    failures(to);
    spelled(to);
}

/// Rows about what cannot be recorded.
fn failures(to: &mut Vectors) {
    let mut policy = acme();
    let mut chain = Chain::acme();
    for rows in [
        vec![(vec!["*"], "closed")],
        vec![
            (vec!["dev.cdevents.*", "x"], "closed"),
            (vec!["*"], "spool"),
        ],
        vec![
            (vec!["*"], "spool"),
            (vec!["dev.cdevents.*", "x"], "closed"),
        ],
        vec![(vec!["a"], "spool"), (vec!["b"], "spool")],
        Vec::new(),
    ] {
        policy.failures = rows;
        chain.add_change(&ALICE, &policy);
        chain.add(&chain.next(), &CI);
    }
    let comment = "rows about failures come, change, change places and go, in policy entries";
    to.add("sound_policy_failures", "sound", comment, chain);
    let mut chain = Chain::acme();
    policy.failures = vec![(vec!["*"], "spool")];
    chain.add_change(&CI, &policy);
    let comment = "a writer lets everything wait in the spool";
    to.add("policy_failure_by_writer", "signerRole", comment, chain);

    let expect = "policyMalformed";
    let types = "types = [\"dev.git-ledger.push\", \"dev.acme.deploy*\"]\n";
    for (name, from, by, comment) in [
        ("no_types", types, "", "a failure row without types"),
        (
            "types_empty",
            types,
            "types = []\n",
            "empty types of a failure row",
        ),
        (
            "types_text",
            types,
            "types = \"*\"\n",
            "types of a failure row that is a string",
        ),
        (
            "types_blank",
            "\"dev.acme.deploy*\"",
            "\"\"",
            "an empty type in a failure row",
        ),
        (
            "types_number",
            "\"dev.acme.deploy*\"",
            "7",
            "a number among the types of a failure row",
        ),
        (
            "types_star",
            "\"dev.acme.deploy*\"",
            "\"dev.*.deploy\"",
            "a * inside a type of a failure row",
        ),
        (
            "types_two_stars",
            "\"dev.acme.deploy*\"",
            "\"dev.acme.deploy**\"",
            "two * at the end of a type of a failure row",
        ),
        (
            "types_twice",
            "\"dev.acme.deploy*\"",
            "\"dev.git-ledger.push\"",
            "one type twice in a failure row",
        ),
        (
            "types_in_two_rows",
            "\"dev.acme.deploy*\"",
            "\"*\"",
            "one type in two failure rows",
        ),
        (
            "types_quote",
            "\"dev.acme.deploy*\"",
            "'dev.acme.\"deploy'",
            "a quote in a type of a failure row",
        ),
        (
            "no_mode",
            "mode = \"closed\"\n",
            "",
            "a failure row without mode",
        ),
        (
            "mode",
            "mode = \"closed\"",
            "mode = \"open\"",
            "an unknown mode",
        ),
        (
            "mode_upper",
            "mode = \"closed\"",
            "mode = \"Closed\"",
            "a mode in upper case",
        ),
        (
            "mode_empty",
            "mode = \"closed\"",
            "mode = \"\"",
            "an empty mode",
        ),
        (
            "mode_array",
            "mode = \"closed\"",
            "mode = [\"closed\"]",
            "a mode that is an array",
        ),
        (
            "unknown_key",
            "mode = \"closed\"\n",
            "mode = \"closed\"\nuntil = 7\n",
            "an unknown key in a failure row",
        ),
        (
            "role",
            "mode = \"closed\"\n",
            "mode = \"closed\"\nroles = [\"writer\"]\n",
            "a key of another table in a failure row",
        ),
    ] {
        worded(
            to,
            &format!("failure_{name}"),
            expect,
            comment,
            swap(from, by),
        );
    }
    let long = format!("types = [\"{}\"]\n", "x".repeat(201));
    worded(
        to,
        "failure_types_long",
        expect,
        "a type of 201 characters in a failure row",
        |text| text.replace(types, &long),
    );
    worded_from(
        to,
        "failure_table",
        expect,
        "one table in place of failure rows",
        &acme(),
        |text| text + "[failure]\ntypes = [\"*\"]\nmode = \"spool\"\n",
    );
    let spelling = "policyNonCanonical";
    worded(
        to,
        "spelling_failure_key_order",
        spelling,
        "the mode before the types of a failure row",
        |text| {
            let row = format!("{types}mode = \"closed\"\n");
            assert!(text.contains(&row));
            text.replace(&row, &format!("mode = \"closed\"\n{types}"))
        },
    );
    worded(
        to,
        "spelling_failure_order",
        spelling,
        "a failure row before the mirrors",
        |text| {
            let at = text.find("[[failure]]").expect("a failure row");
            let (rest, rows) = text.split_at(at);
            rest.replacen("[[mirror]]", &format!("{rows}[[mirror]]"), 1)
        },
    );
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
    for table in ["compromised", "mirror", "failure"] {
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
