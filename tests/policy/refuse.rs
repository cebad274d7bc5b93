//! What must not pass for agreement: each a refusal that says why, and nothing recorded.

use std::fs;

use insta::assert_snapshot;

use super::{Company, told};
use crate::world::World;

#[test]
fn too_few() {
    let acme = Company::new();
    acme.propose(&["retire", "ci@acme.org"]);
    let said = acme.ann(&["apply", "change.json", "--yes"]).code(1);
    assert_snapshot!(told(&said), @r"
    ledger     acme/payments (<hex>)
    builds on  entry 4, which set the policy in force
               sha256:<hex>
    proposes   sha256:<hex>
    change
      - ci@acme.org: key <key> retired, signs nothing from the next entry on
      ! ci@acme.org has no key left that signs
    agreement  1 of 2 needed, of 3 admins: ann@acme.org
               could still agree: bob@acme.org, carl@acme.org
               ann@acme.org agrees by signing the entry
    ! error: 2 admins must agree and 1 does, so nothing was recorded
    ! hint: send the file to bob@acme.org or carl@acme.org
    ! hint: they run 'git ledger policy approve FILE' and send it back; 'apply' takes several copies
    [exit 1]
    ");
    let said = acme
        .ann(&["apply", "change.json", "--yes", "--json"])
        .code(1);
    let said: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(said["status"], "short");
    assert_eq!(said["missing"], 1);
    assert_eq!(acme.entries("ann"), 5);
}

#[test]
fn stale_applied_ahead_and_foreign() {
    let acme = Company::new();
    acme.propose(&["retire", "ci@acme.org"]);
    acme.bob_approves();
    fs::copy(acme.path("ann/change.json"), acme.path("ann/first.json")).expect("a file");
    // another change comes in between
    fs::remove_file(acme.path("ann/change.json")).expect("a file");
    acme.propose(&["threshold", "1"]);
    acme.bob_approves();
    acme.ann(&["apply", "change.json", "--yes"]).ok();
    assert_snapshot!(told(&acme.ann(&["apply", "first.json", "--yes"]).code(1)), @r"
    ! error: 'first.json' is stale: it builds on the policy that entry 4 set, and entry 5 has set another
    ! hint: look at 'git ledger policy log', and propose the change again; approvals of the old one do not count
    [exit 1]
    ");
    assert_snapshot!(told(&acme.ann(&["apply", "change.json", "--yes"]).code(1)), @r"
    ! error: 'change.json' was applied already: entry 5 set its policy
    ! hint: there is nothing left to do
    [exit 1]
    ");
    // a proposal on an entry that carl's copy does not have yet
    fs::remove_file(acme.path("ann/change.json")).expect("a file");
    acme.propose(&["threshold", "3"]);
    acme.hand("ann", "carl");
    assert_snapshot!(told(&acme.carl(&["approve", "change.json", "--yes"]).code(2)), @r"
    ! error: 'change.json' builds on entry 5, and this copy ends at entry 4
    ! hint: bring this copy up to date first: git ledger mirror pull
    [exit 2]
    ");
    // and one of another ledger
    acme.world.repository("other");
    fs::copy(acme.path("ann/change.json"), acme.path("other/change.json")).expect("a file");
    let said = acme
        .policy("other", &["approve", "change.json", "--yes"])
        .code(1);
    assert!(said.err.contains("it is for the ledger "), "{said}");
}

#[test]
fn a_proposal_made_on_another_history() {
    let acme = Company::new();
    // bob's copy ends two entries earlier and goes on in another way
    acme.world
        .git(
            "bob",
            &["update-ref", "refs/heads/ledger", "refs/heads/ledger~2"],
        )
        .ok();
    for who in ["dave@acme.org", "erin@acme.org"] {
        let key = acme.world.public(who.split('@').next().unwrap_or_default());
        acme.bob(&["add-signer", who, &key, "--role", "writer"])
            .ok();
    }
    acme.propose(&["retire", "ci@acme.org"]);
    acme.hand("ann", "bob");
    assert_snapshot!(told(&acme.bob(&["approve", "change.json", "--yes"]).code(1)), @r"
    ! error: 'change.json' was made on another history of this ledger: entry 4 is sha256:<hex> there and sha256:<hex> here
    ! hint: keep the file, and find out which copy was rewritten: git ledger compare
    [exit 1]
    ");
}

#[test]
fn tampered_with_after_approval() {
    let acme = Company::new();
    let approved = |words: &[&str]| {
        fs::remove_file(acme.path("ann/change.json")).ok();
        acme.propose(words);
        acme.bob_approves();
    };
    let refused = || acme.ann(&["apply", "change.json", "--yes"]).code(1);
    // another threshold under bob's signature: the event gives it away
    approved(&["threshold", "3"]);
    acme.tamper("ann", "threshold = 3\\n", "threshold = 1\\n");
    assert_snapshot!(told(&refused()), @r"
    ! error: 'change.json' is refused: its event tells another change than its policy makes
    ! hint: the file was altered on its way; get it again from whoever proposed it
    [exit 1]
    ");
    // a story that the change does not tell
    approved(&["retire", "ci@acme.org"]);
    acme.tamper("ann", "+state = \\\"retired\\\"", "+nothing to see");
    assert_snapshot!(told(&refused()), @r"
    ! error: 'change.json' is refused: its event tells another change than its policy makes
    ! hint: the file was altered on its way; get it again from whoever proposed it
    [exit 1]
    ");
    // bob's signature under another, consistent proposal
    approved(&["threshold", "1"]);
    let file = fs::read_to_string(acme.path("ann/change.json")).expect("a file");
    let approvals = |text: &str| -> String {
        text.split("],\"base\"")
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    fs::remove_file(acme.path("ann/change.json")).expect("a file");
    acme.propose(&["threshold", "3"]);
    acme.tamper("ann", "{\"approvals\":[", &approvals(&file));
    assert_snapshot!(told(&refused()), @r"
    ! error: 'change.json' is refused: an approval does not hold: approvalBad: bob@acme.org: made for another policy, or altered
    ! hint: the file was altered after that admin agreed, or the approval is of another proposal; get it again from them
    [exit 1]
    ");
    // whitespace, an unknown member, a later form
    for (from, to) in [
        ("{\"approvals\"", "{ \"approvals\""),
        ("\"format\"", "\"extra\":1,\"format\""),
        ("proposal 1", "proposal 2"),
    ] {
        approved(&["threshold", "1"]);
        acme.tamper("ann", from, to);
        let said = refused();
        assert!(
            said.err.contains("'change.json' is no proposal: "),
            "{said}"
        );
    }
    // bob's approval twice
    approved(&["threshold", "1"]);
    let file = fs::read_to_string(acme.path("ann/change.json")).expect("a file");
    let bob = approvals(&file).replace("{\"approvals\":[", "");
    acme.tamper("ann", &bob, &format!("{bob},{bob}"));
    assert_snapshot!(told(&refused()), @r"
    ! error: 'change.json' is no proposal: bob@acme.org stands twice or out of order among the approvals
    ! hint: get it again from whoever sent it, as a file: mail and chat change bytes
    [exit 1]
    ");
    // the number of the entry it builds on
    approved(&["threshold", "1"]);
    acme.tamper("ann", "\"number\":4", "\"number\":3");
    assert_snapshot!(told(&refused()), @r"
    ! error: 'change.json' calls entry 4 entry 3
    ! hint: the file was altered on its way; get it again from whoever proposed it
    [exit 1]
    ");
    assert_eq!(acme.entries("ann"), 5);
}

#[test]
fn agreement_of_those_who_may_not_give_it() {
    let acme = Company::new();
    acme.propose(&["threshold", "1"]);
    let key = |name: &str| {
        acme.world.key(name);
        acme.path(&format!("keys/{name}"))
    };
    let refused = |name: &str| {
        let words = ["approve", "change.json", "--yes", "--key", &key(name)];
        told(&acme.ann(&words).code(1))
    };
    assert_snapshot!(refused("ci"), @r"
    ! error: ci@acme.org is no admin
    ! hint: only admins of the policy in force agree to a change of it
    ! hint: sign with another key: --key PATH
    [exit 1]
    ");
    assert_snapshot!(refused("eve"), @r"
    ! error: the key <key> has no row in the policy in force
    ! hint: only admins of the policy in force agree to a change of it
    ! hint: sign with another key: --key PATH
    [exit 1]
    ");
    acme.bob_approves();
    assert_snapshot!(refused("bob"), @r"
    ! error: bob@acme.org agreed to this already
    ! hint: one approval of an admin counts once, whichever of its keys makes it
    [exit 1]
    ");
    // the same signatures, put into the file by hand
    let signed = |name: &str, who: &str| {
        let path = acme.world.path("ann/change.json");
        let proposal = fs::read(&path).expect("a file");
        let mut proposal = git_ledger::proposal::parse(&proposal).expect("a proposal");
        let settings = git_ledger::signer::KeySettings {
            signing_key: Some(key(name)),
            ..Default::default()
        };
        let signer = git_ledger::signer::Signer::find(&settings).expect("a key");
        let text = proposal.approval_text();
        let made = signer.sign(git_ledger::trust::APPROVAL_NAMESPACE, text.as_bytes());
        proposal.approvals.clear();
        proposal.add(git_ledger::entry::Approval {
            principal: git_ledger::principal::Principal::parse(who).expect("a principal"),
            blob: made.expect("a signature").to_blob(),
        });
        fs::write(&path, proposal.to_text()).expect("a file");
        told(&acme.ann(&["apply", "change.json", "--yes"]).code(1))
    };
    assert_snapshot!(signed("ci", "ci@acme.org"), @r"
    ! error: 'change.json' is refused: an approval does not hold: approvalSigner: ci@acme.org <key>
    ! hint: only unretired admin keys of the policy in force agree, each for its own principal
    [exit 1]
    ");
    assert_snapshot!(signed("eve", "carl@acme.org"), @r"
    ! error: 'change.json' is refused: an approval does not hold: approvalSigner: carl@acme.org <key>
    ! hint: only unretired admin keys of the policy in force agree, each for its own principal
    [exit 1]
    ");
    assert_snapshot!(signed("bob", "carl@acme.org"), @r"
    ! error: 'change.json' is refused: an approval does not hold: approvalSigner: carl@acme.org <key>
    ! hint: only unretired admin keys of the policy in force agree, each for its own principal
    [exit 1]
    ");
    assert_eq!(acme.entries("ann"), 5);
}

#[test]
fn a_newcomer_approves_nothing_before_it_is_in() {
    let acme = Company::new();
    let dave = acme.world.public("dave");
    acme.propose(&["add-signer", "dave@acme.org", &dave, "--role", "admin"]);
    let key = acme.path("keys/dave");
    let said = acme
        .ann(&["approve", "change.json", "--yes", "--key", &key])
        .code(1);
    assert!(
        said.err.contains("has no row in the policy in force"),
        "{said}"
    );
}

#[test]
fn a_retired_admin_and_two_keys_of_one() {
    let acme = Company::new();
    let second = acme.world.public("bob2");
    acme.propose(&["add-signer", "bob@acme.org", &second, "--role", "admin"]);
    acme.bob_approves();
    acme.ann(&["apply", "change.json", "--yes"]).ok();
    acme.publish("ann");
    // bob with one key, and bob with the other, is bob
    fs::remove_file(acme.path("ann/change.json")).expect("a file");
    acme.propose(&["threshold", "1"]);
    acme.bob_approves();
    acme.hand("ann", "bob");
    let key = acme.path("keys/bob2");
    let said = acme
        .bob(&["approve", "change.json", "--yes", "--key", &key])
        .code(1);
    assert!(
        said.err.contains("bob@acme.org agreed to this already"),
        "{said}"
    );
    let said = acme
        .bob(&["apply", "change.json", "--yes", "--key", &key])
        .code(1);
    assert!(
        said.err.contains("2 admins must agree and 1 does"),
        "{said}"
    );
    // the first key is retired, and agrees to nothing
    fs::remove_file(acme.path("ann/change.json")).expect("a file");
    let first = acme.world.public("bob");
    acme.propose(&["retire", &first]);
    acme.bob_approves();
    acme.ann(&["apply", "change.json", "--yes"]).ok();
    acme.publish("ann");
    fs::remove_file(acme.path("ann/change.json")).expect("a file");
    acme.propose(&["threshold", "1"]);
    acme.hand("ann", "bob");
    let said = acme.bob(&["approve", "change.json", "--yes"]).code(1);
    assert!(said.err.contains("of bob@acme.org is retired"), "{said}");
}

#[test]
fn two_different_proposals_are_not_put_together() {
    let acme = Company::new();
    acme.propose(&["threshold", "1"]);
    fs::rename(acme.path("ann/change.json"), acme.path("ann/one.json")).expect("a file");
    acme.propose(&["threshold", "3"]);
    let said = acme
        .ann(&["apply", "one.json", "change.json", "--yes"])
        .code(1);
    assert!(
        said.err
            .contains("'change.json' proposes another change than 'one.json'"),
        "{said}"
    );
}

#[test]
fn files_that_are_no_proposals() {
    let acme = Company::new();
    let big = "x".repeat(4 << 20);
    for (name, text) in [
        ("empty", ""),
        ("words", "hello\n"),
        ("big", &big),
        ("array", "[]\n"),
    ] {
        fs::write(acme.world.path(format!("ann/{name}")), text).expect("a file");
        let said = acme.ann(&["approve", name, "--yes"]).code(1);
        assert!(said.err.contains("is no proposal: "), "{said}");
        assert!(said.err.len() < 500, "{said}");
    }
    let said = acme.ann(&["apply", "gone.json", "--yes"]).code(128);
    assert!(said.err.contains("cannot read 'gone.json'"), "{said}");
    acme.propose(&["threshold", "3"]);
    let said = acme
        .ann(&["threshold", "3", "--propose", "change.json"])
        .code(128);
    assert!(said.err.contains("none is overwritten"), "{said}");
}

#[test]
fn nobody_is_locked_out() {
    let acme = Company::new();
    // three of three is allowed, and said to be dangerous
    let said = acme.ann(&["threshold", "3", "--dry-run"]);
    assert_snapshot!(told(&said), @r"
    ~ threshold 2 -> 3
    ! there will be no more admins than must agree (3): if one key is lost or stolen, nobody can change the policy again
    [exit 0]
    ");
    let said = acme
        .ann(&["threshold", "4", "--propose", "change.json"])
        .code(1);
    assert_snapshot!(told(&said), @r"
    ! error: the policy breaks a rule: policyLockout: 3 unretired admin principals, threshold 4
    ! hint: nobody could ever change the policy again; let another admin in first, or lower the threshold in the same change
    ! hint: nothing was changed
    [exit 1]
    ");
    assert!(
        acme.ann(&["threshold", "0"])
            .code(129)
            .err
            .contains("a threshold is 1 or more")
    );
}

#[test]
fn what_was_in_force_before_is_not_put_back_unnoticed() {
    let acme = Company::new();
    // raised to 2 by entry 4; going back to 1 is a change like any other, and is told as what it is
    let said = acme.ann(&["threshold", "1", "--dry-run"]);
    assert_snapshot!(told(&said), @r"
    ~ threshold 2 -> 1
    ! the threshold falls from 2 to 1: any one admin could then change the policy alone
    ! this is the policy that was in force up to entry 3, put back as it was
    [exit 0]
    ");
    // a whole older ledger.toml cannot come back once rows have come
    let old = acme.ann(&["show", "--at", "1", "--toml"]).ok();
    let words = ["policy", "edit", "--file", "-", "--propose", "change.json"];
    let said = acme
        .world
        .ledger_with("ann", &words, old.as_bytes())
        .code(1);
    assert!(said.err.contains("policyRowChanged"), "{said}");
}

#[test]
fn a_change_made_on_a_policy_that_moved_is_not_recorded() {
    // two admins with threshold 1, each on an own clone of one hub; the hub decides
    let world = World::new();
    world.git("", &["init", "--quiet", "--bare", "hub"]).ok();
    world.repository("ann");
    let hub = world.path("hub").to_string_lossy().into_owned();
    world.git("ann", &["remote", "add", "hub", &hub]).ok();
    let key = world.public("ci");
    let words = [
        "policy",
        "add-signer",
        "ci@acme.org",
        &key,
        "--role",
        "writer",
        "--type",
        "dev.*",
    ];
    world.ledger("ann", &words).ok();
    world
        .git("ann", &["push", "--quiet", "hub", "refs/heads/ledger"])
        .ok();
    world
        .git("", &["clone", "--quiet", "--origin", "hub", "hub", "late"])
        .ok();
    world
        .git(
            "late",
            &[
                "fetch",
                "--quiet",
                "hub",
                "refs/heads/ledger:refs/heads/ledger",
            ],
        )
        .ok();
    let toml = world.ledger("ann", &["policy", "show", "--toml"]).ok();
    let narrow = toml.replace("dev.*", "dev.cdevents.*");
    let words = ["policy", "edit", "--file", "-", "--push", "hub"];
    world.ledger_with("ann", &words, narrow.as_bytes()).ok();
    // the late clone still has the wide row, and would bring it back with its own change
    let other = toml.replace("acme/payments", "acme/pay");
    let said = world.ledger_with("late", &words, other.as_bytes()).code(1);
    assert_snapshot!(told(&said), @r"
    ~ name acme/payments -> acme/pay
    ! error: another policy came into force while this one was made, by entry 2 at the latest
    ! hint: nothing was changed; look at 'git ledger policy log' and make the change again
    [exit 1]
    ");
}
