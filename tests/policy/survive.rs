//! A stolen key, survived: what it may have signed is named, what is good is vouched for, and the
//! thief has no say in it.

use insta::assert_snapshot;

use super::{Company, masked, told};

/// Ci records four entries (5 to 8), the last two by a thief with ci's key.
fn stolen() -> Company {
    let acme = Company::new();
    acme.world.key("ci");
    let key = acme.path("keys/ci");
    for subject in ["build-1", "build-2", "build-3", "evil"] {
        let words = [
            "append",
            "dev.cdevents.build",
            "--subject",
            subject,
            "--key",
            &key,
        ];
        acme.world.ledger("ann", &words).ok();
    }
    acme
}

#[test]
fn a_stolen_writer_key() {
    let acme = stolen();
    let words = ["compromise", "ci@acme.org", "--since", "7"];
    let said = acme.ann(&[&words[..], &["--dry-run"]].concat());
    assert_snapshot!(told(&said), @r"
    - ci@acme.org: key <key> retired, signs nothing from the next entry on
    + ci@acme.org: key <key> compromised since entry 7
    ! ci@acme.org has no key left that signs
    signed by <key> from entry 7 on: 2
      in doubt     7 dev.cdevents.build build-3
      in doubt     8 dev.cdevents.build evil
    [exit 0]
    ");
    acme.propose(&[&words[..], &["--vouch", "7"]].concat());
    acme.publish("ann");
    // whoever is asked to agree sees the same list
    acme.hand("ann", "bob");
    let said = acme.bob(&["approve", "change.json", "--dry-run"]).ok();
    assert!(
        said.contains("vouched for  7 dev.cdevents.build build-3"),
        "{said}"
    );
    assert!(
        said.contains("in doubt     8 dev.cdevents.build evil"),
        "{said}"
    );
    let said = acme
        .bob(&["approve", "change.json", "--yes", "--json"])
        .ok();
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["affected"][0]["signed"][1]["number"], 8);
    acme.hand("bob", "ann");
    acme.ann(&["apply", "change.json", "--yes"]).ok();
    // verification says what nobody can know, and that it is one entry only
    let said = acme.world.ledger("ann", &["verify"]).code(2);
    assert_eq!(said.out.matches("compromisedEntry").count(), 1, "{said}");
    assert!(said.out.starts_with("unknown entry 8 "), "{said}");
    // later somebody remembers that build 3 and the last were honest after all: all vouched for
    acme.publish("ann");
    std::fs::remove_file(acme.path("ann/change.json")).expect("a file");
    acme.propose(&["compromise", "ci@acme.org", "--vouch", "8"]);
    acme.bob_approves();
    acme.ann(&["apply", "change.json", "--yes"]).ok();
    assert!(acme.verdict("ann").starts_with("sound"));
    assert_snapshot!(masked(&acme.ann(&["log", "--no-pager"]).ok()).lines().take(5).collect::<Vec<_>>().join("\n"), @r"
    entry 10  2026-01-31T12:00:34Z  claimed by ann@acme.org, approved by bob@acme.org
        + ci@acme.org: key <key>, entry 8 vouched for
    entry 9  2026-01-31T12:00:27Z  claimed by ann@acme.org, approved by bob@acme.org
        - ci@acme.org: key <key> retired, signs nothing from the next entry on
        + ci@acme.org: key <key> compromised since entry 7, entry 7 vouched for
    ");
}

#[test]
fn the_word_needs_to_know_which_key_and_since_when() {
    let acme = stolen();
    let refused =
        |words: &[&str], code: i32| told(&acme.ann(&[&["compromise"], words].concat()).code(code));
    assert_snapshot!(refused(&["ci@acme.org"], 129), @r"
    ! error: from which entry on may somebody else have had the key?
    ! hint: say it with --since N; when in doubt, an earlier one: it can be moved back later, never forward
    ! hint: 'git ledger log --signer ci@acme.org' lists what it may have signed
    [exit 129]
    ");
    assert_snapshot!(refused(&["ci@acme.org", "--since", "99"], 129), @r"
    ! error: entry 99 does not exist yet; the change itself is entry 9
    [exit 129]
    ");
    assert_snapshot!(refused(&["ci@acme.org", "--since", "7", "--vouch", "3"], 129), @r"
    ! error: entry 3 is not one that this key signed from entry 7 on
    ! hint: vouch only for entries the review lists: see them with --dry-run
    [exit 129]
    ");
    assert_snapshot!(refused(&["zoe@acme.org", "--since", "7"], 1), @r"
    ! error: no key of 'zoe@acme.org' in the policy
    ! hint: 'git ledger policy show' lists them
    [exit 1]
    ");
}

#[test]
fn a_stolen_admin_key_has_no_say_in_what_it_signed() {
    let acme = Company::new();
    acme.world.ledger("bob", &["append", "dev.x"]).ok();
    acme.publish("bob");
    // bob himself, or whoever has his key, cannot clear it
    acme.propose(&["compromise", "bob@acme.org", "--since", "5", "--vouch", "5"]);
    acme.hand("ann", "bob");
    assert_snapshot!(told(&acme.bob(&["approve", "change.json", "--yes"]).code(1)), @r"
    ! error: the agreement of bob@acme.org would not count: the change says what a stolen key of bob@acme.org signed
    ! hint: other admins must agree to it
    [exit 1]
    ");
    let said = acme.bob(&["apply", "change.json", "--yes"]).code(1);
    assert!(
        said.err.contains("2 admins must agree and none does"),
        "{said}"
    );
    // ann and carl can
    acme.hand("ann", "carl");
    acme.carl(&["approve", "change.json", "--yes"]).ok();
    acme.hand("carl", "ann");
    acme.ann(&["apply", "change.json", "--yes"]).ok();
    assert!(acme.verdict("ann").starts_with("sound"));
    // since may move back, and never forward
    let said = acme.ann(&[
        "compromise",
        "bob@acme.org",
        "--since",
        "6",
        "--propose",
        "x.json",
    ]);
    assert!(said.code(1).err.contains("policyCompromised"));
    // two admins are left, and two must agree: a second theft could not be declared
    let said = acme.ann(&[
        "compromise",
        "carl@acme.org",
        "--since",
        "5",
        "--propose",
        "x.json",
    ]);
    assert!(said.code(1).err.contains("policyLockout"));
}

#[test]
fn what_rests_on_a_stolen_approval_is_listed() {
    let acme = Company::new();
    acme.propose(&["retire", "ci@acme.org"]);
    acme.bob_approves();
    acme.ann(&["apply", "change.json", "--yes"]).ok();
    let words = ["compromise", "bob@acme.org", "--since", "4", "--dry-run"];
    let said = acme.ann(&words).ok();
    assert!(
        masked(&said).contains("signed by <key> from entry 4 on: 0")
            && said.contains(
                "! policy entries that rest on its approval, and are not judged again: 5"
            ),
        "{said}"
    );
}

#[test]
fn where_one_admin_is_enough_it_is_not_the_one_whose_key_was_stolen() {
    let world = crate::world::World::new();
    world.repository("r");
    let bob = world.public("bob");
    let words = [
        "policy",
        "add-signer",
        "bob@acme.org",
        &bob,
        "--role",
        "admin",
    ];
    world.ledger("r", &words).ok();
    let words = ["policy", "compromise", "ann@acme.org", "--since", "1"];
    assert_snapshot!(told(&world.ledger("r", &words).code(1)), @r"
    - ann@acme.org: key <key> retired, signs nothing from the next entry on
    + ann@acme.org: key <key> compromised since entry 1
    ! ann@acme.org is no longer an admin
    ! there will be one admin: if that key is lost or stolen, nobody can change the policy again
    ! ann@acme.org has no key left that signs
    signed by <key> from entry 1 on: 1
      in doubt     1 dev.git-ledger.policy.changed acme/payments
    ! it changed the policy in 1: 'git ledger policy log' tells which keys that let in
    ! error: one admin must agree to this change, and your signature does not count, for the change is about a key of yours
    ! hint: propose it: git ledger policy compromise ann@acme.org --since 1 --propose change.json
    ! hint: then let others agree: git ledger policy approve change.json
    ! hint: and record it: git ledger policy apply change.json
    [exit 1]
    ");
    let key = world.path("keys/bob").to_string_lossy().into_owned();
    let said = world.ledger("r", &[&words[..], &["--key", &key]].concat());
    assert_snapshot!(told(&said), @r"
    - ann@acme.org: key <key> retired, signs nothing from the next entry on
    + ann@acme.org: key <key> compromised since entry 1
    ! ann@acme.org is no longer an admin
    ! there will be one admin: if that key is lost or stolen, nobody can change the policy again
    ! ann@acme.org has no key left that signs
    signed by <key> from entry 1 on: 1
      in doubt     1 dev.git-ledger.policy.changed acme/payments
    ! it changed the policy in 1: 'git ledger policy log' tells which keys that let in
    recorded 2 dev.git-ledger.policy.changed acme/payments
      digest sha256:<hex>
      commit <hex>
    key <key> of ann@acme.org signs nothing from entry 3 on
    what key <key> signed from entry 1 on is unknown to every verifier, but for the entries vouched for
    [exit 0]
    ");
    assert!(
        world
            .ledger("r", &["verify"])
            .code(2)
            .out
            .contains("compromisedEntry")
    );
}
