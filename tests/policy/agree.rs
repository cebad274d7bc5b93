//! What works: admins agree by files, keys are replaced, thresholds move, and it can be read.

use std::fs;

use insta::assert_snapshot;

use super::{Company, masked, told};
use crate::world::World;

#[test]
fn two_of_three_admins_agree_by_a_file() {
    let acme = Company::new();
    // ann alone is told before anything is signed, and what to type instead
    assert_snapshot!(told(&acme.ann(&["retire", "ci@acme.org"]).code(1)), @r"
    - ci@acme.org: key <key> retired, signs nothing from the next entry on
    ! ci@acme.org has no key left that signs
    ! error: 2 admins must agree to this change, and your signature is only one
    ! hint: propose it: git ledger policy retire ci@acme.org --propose change.json
    ! hint: then let others agree: git ledger policy approve change.json
    ! hint: and record it: git ledger policy apply change.json
    [exit 1]
    ");
    assert_snapshot!(told(&acme.ann(&["retire", "ci@acme.org", "--propose", "change.json"])), @r"
    ledger     acme/payments (<hex>)
    builds on  entry 4, which set the policy in force
               sha256:<hex>
    proposes   sha256:<hex>
    change
      - ci@acme.org: key <key> retired, signs nothing from the next entry on
      ! ci@acme.org has no key left that signs
    agreement  0 of 2 needed, of 3 admins: nobody
               could still agree: ann@acme.org, bob@acme.org, carl@acme.org
    next: 2 of 3 admins agree, the one who applies it by applying it
      git ledger policy approve change.json
      git ledger policy apply change.json
    [exit 0]
    ");
    // she sends the file to bob, who looks before he agrees
    acme.hand("ann", "bob");
    assert_snapshot!(told(&acme.bob(&["approve", "change.json"]).code(1)), @r"
    ledger     acme/payments (<hex>)
    builds on  entry 4, which set the policy in force
               sha256:<hex>
    proposes   sha256:<hex>
    change
      - ci@acme.org: key <key> retired, signs nothing from the next entry on
      ! ci@acme.org has no key left that signs
    agreement  0 of 2 needed, of 3 admins: nobody
               could still agree: ann@acme.org, bob@acme.org, carl@acme.org
    ! error: nobody is here to be asked, so nothing was signed
    ! hint: look at the change with --dry-run, then say --yes
    [exit 1]
    ");
    assert_snapshot!(told(&acme.bob(&["approve", "change.json", "--yes"])), @r"
    ledger     acme/payments (<hex>)
    builds on  entry 4, which set the policy in force
               sha256:<hex>
    proposes   sha256:<hex>
    change
      - ci@acme.org: key <key> retired, signs nothing from the next entry on
      ! ci@acme.org has no key left that signs
    agreement  0 of 2 needed, of 3 admins: nobody
               could still agree: ann@acme.org, bob@acme.org, carl@acme.org
    bob@acme.org agrees; the agreement is in 'change.json'
    agreement  1 of 2 needed, of 3 admins: bob@acme.org
               could still agree: ann@acme.org, carl@acme.org
    next: any admin records it; one who has not agreed yet agrees by that
      git ledger policy apply change.json
    [exit 0]
    ");
    // and back; ann's signature is the second
    acme.hand("bob", "ann");
    assert_snapshot!(told(&acme.ann(&["apply", "change.json", "--yes"])), @r"
    ledger     acme/payments (<hex>)
    builds on  entry 4, which set the policy in force
               sha256:<hex>
    proposes   sha256:<hex>
    change
      - ci@acme.org: key <key> retired, signs nothing from the next entry on
      ! ci@acme.org has no key left that signs
    agreement  2 of 2 needed, of 3 admins: ann@acme.org, bob@acme.org
               could still agree: carl@acme.org
               ann@acme.org agrees by signing the entry
    recorded 5 dev.git-ledger.policy.changed acme/payments
      digest sha256:<hex>
      commit <hex>
    key <key> of ci@acme.org signs nothing from entry 6 on; what it signed before stays valid
    [exit 0]
    ");
    // everybody who pulls can check it, and ci signs no more
    acme.publish("ann");
    assert_eq!(
        acme.verdict("carl"),
        "sound: refs/heads/ledger, 6 entries, all checked"
    );
    let key = acme.path("keys/ci");
    let said = acme
        .world
        .ledger("ann", &["append", "dev.x", "--key", &key]);
    assert!(said.code(1).err.contains("signerRetired"));
}

#[test]
fn approvals_in_several_copies_are_put_together() {
    let acme = Company::new();
    acme.propose(&["threshold", "3"]);
    acme.hand("ann", "bob");
    acme.hand("ann", "carl");
    acme.bob(&["approve", "change.json", "--yes"]).ok();
    acme.carl(&["approve", "change.json", "--yes", "--out", "carls.json"])
        .ok();
    fs::rename(acme.path("bob/change.json"), acme.path("ann/bobs.json")).expect("a file");
    fs::rename(acme.path("carl/carls.json"), acme.path("ann/carls.json")).expect("a file");
    let files = ["change.json", "bobs.json", "carls.json", "bobs.json"];
    let said = acme.ann(&[&["apply", "--yes", "--json"], &files[..]].concat());
    let said: serde_json::Value = serde_json::from_str(&said.ok()).expect("JSON");
    let agreed = serde_json::json!(["ann@acme.org", "bob@acme.org", "carl@acme.org"]);
    assert_eq!(said["agreed"], agreed);
    assert_eq!(said["status"], "recorded");
    assert_eq!(said["number"], 5);
    // both approvals stand in the entry
    let message = acme
        .world
        .git("ann", &["show", "--no-patch", "refs/heads/ledger"]);
    assert_eq!(message.ok().matches("Ledger-Approval: ").count(), 2);
    acme.publish("ann");
    assert!(acme.verdict("bob").starts_with("sound"));
}

#[test]
fn an_approval_outlives_other_entries() {
    let acme = Company::new();
    acme.propose(&["retire", "ci@acme.org"]);
    acme.bob_approves();
    acme.world.ledger("ann", &["append", "dev.cdevents.x"]).ok();
    acme.ann(&["apply", "change.json", "--yes"]).ok();
    assert!(acme.verdict("ann").starts_with("sound"));
}

#[test]
fn whoever_approved_may_also_apply_and_counts_once() {
    let acme = Company::new();
    acme.propose(&["retire", "ci@acme.org"]);
    acme.bob_approves();
    acme.hand("ann", "bob");
    let said = acme.bob(&["apply", "change.json", "--yes"]).code(1);
    assert!(
        said.err.contains("2 admins must agree and 1 does"),
        "{said}"
    );
    acme.ann(&["approve", "change.json", "--yes"]).ok();
    acme.hand("ann", "bob");
    let said = acme.bob(&["apply", "change.json", "--yes"]).ok();
    assert!(
        said.contains("bob@acme.org agrees by signing the entry; its approval is left out"),
        "{said}"
    );
    assert!(acme.verdict("bob").starts_with("sound"));
}

#[test]
fn a_policy_written_in_a_file_or_an_editor_is_proposed() {
    let acme = Company::new();
    let toml = acme.ann(&["show", "--toml"]).ok();
    let toml = toml.replace(
        "types = [\"dev.*\"]",
        "types = [\"dev.*\", \"com.github.*\"]",
    );
    fs::write(acme.world.path("ann/new.toml"), &toml).expect("a file");
    let said = acme.ann(&["propose", "--file", "new.toml"]);
    assert!(
        said.err
            .contains("~ ci@acme.org: may now record com.github.*")
    );
    assert!(
        said.err
            .contains("! ci@acme.org may record event types that it could not before")
    );
    assert!(
        said.out.starts_with("{\"approvals\":[],\"base\":"),
        "{said}"
    );
    // the same from an editor, into a file
    let mut command = acme.world.command("ann", "git");
    command.args(["ledger", "policy", "propose", "--out", "change.json"]);
    command.env("GIT_EDITOR", "cp new.toml");
    crate::world::run(command, b"").ok();
    let file = fs::read_to_string(acme.world.path("ann/change.json")).expect("a file");
    assert_eq!(file, said.ok());
    // and through pipes
    let said = acme
        .world
        .ledger_with("bob", &["policy", "approve", "-", "--yes"], file.as_bytes());
    assert!(said.err.contains("bob@acme.org agrees"), "{said}");
    let words = ["policy", "apply", "-", "--yes"];
    acme.world
        .ledger_with("ann", &words, said.ok().as_bytes())
        .ok();
    assert!(acme.verdict("ann").starts_with("sound"));
}

#[test]
fn a_key_is_rotated_in_one_entry() {
    let acme = Company::new();
    // ann's own key: with a threshold of two bob must agree
    let new = acme.world.public("ann2");
    acme.propose(&["rotate", "ann@acme.org", &new]);
    acme.bob_approves();
    let said = acme.ann(&["apply", "change.json", "--yes"]);
    assert_snapshot!(told(&said), @r"
    ledger     acme/payments (<hex>)
    builds on  entry 4, which set the policy in force
               sha256:<hex>
    proposes   sha256:<hex>
    change
      ~ ann@acme.org: key <key> gives way to ssh-ed25519 key <key>, with the same rights: writer, admin
    agreement  2 of 2 needed, of 3 admins: ann@acme.org, bob@acme.org
               could still agree: carl@acme.org
               ann@acme.org agrees by signing the entry
    recorded 5 dev.git-ledger.policy.changed acme/payments
      digest sha256:<hex>
      commit <hex>
    key <key> of ann@acme.org signs nothing from entry 6 on; what it signed before stays valid
    key <key> of ann@acme.org may sign from entry 6 on
    [exit 0]
    ");
    // the old key signs nothing any more, the new one does, and both histories hold
    let said = acme.world.ledger("ann", &["append", "dev.x"]);
    assert!(said.code(1).err.contains("signerRetired"));
    let key = acme.path("keys/ann2");
    acme.world
        .ledger("ann", &["append", "dev.x", "--key", &key])
        .ok();
    assert!(acme.verdict("ann").starts_with("sound"));
    // a principal with several keys must say which
    let more = acme.world.public("ann3");
    let said = acme.ann(&["rotate", "ann@acme.org", &new]).code(1);
    assert!(
        said.err
            .contains("the key belongs to 'ann@acme.org' already"),
        "{said}"
    );
    let said = acme.ann(&["rotate", "nobody@acme.org", &more]).code(1);
    assert!(
        said.err.contains("nobody@acme.org has no key that signs"),
        "{said}"
    );
}

#[test]
fn a_change_is_told_in_sentences() {
    let acme = Company::new();
    let toml = acme.ann(&["show", "--toml"]).ok();
    let dave = acme.world.public("dave");
    let toml = toml
        .replace("threshold = 2", "threshold = 1")
        .replace("name = \"acme/payments\"", "name = \"acme/money\"")
        .replace(
            "types = [\"dev.*\"]\n",
            "types = [\"dev.cdevents.*\", \"com.x\"]\n",
        )
        + &format!(
            "[[signer]]\nprincipal = \"dave@acme.org\"\nkey = \"{dave}\"\nroles = [\"admin\", \"auditor\"]\n\
             [[mirror]]\nname = \"safe\"\nurl = \"ssh://safe.example/l.git\"\n"
        );
    let said = acme.world.ledger_with(
        "ann",
        &["policy", "edit", "--file", "-", "--dry-run"],
        toml.as_bytes(),
    );
    assert_snapshot!(told(&said), @r"
    ~ name acme/payments -> acme/money
    ~ threshold 2 -> 1
    ~ ci@acme.org: may now record dev.cdevents.*, com.x
    ~ ci@acme.org: may no longer record dev.*
    + dave@acme.org: new signer, admin, auditor, ssh-ed25519 key <key>
    + mirror safe ssh://safe.example/l.git
    ! dave@acme.org becomes an admin: then 1 of 4 admins decide who may write what
    ! the threshold falls from 2 to 1: any one admin could then change the policy alone
    ! ci@acme.org may record event types that it could not before
    [exit 0]
    ");
}

#[test]
fn the_policy_of_every_position_can_be_read() {
    let acme = Company::new();
    acme.propose(&["retire", "ci@acme.org"]);
    acme.bob_approves();
    acme.ann(&["apply", "change.json", "--yes"]).ok();
    assert_snapshot!(masked(&acme.ann(&["log", "--no-pager"]).ok()), @r"
    entry 5  2026-01-31T12:00:18Z  claimed by ann@acme.org, approved by bob@acme.org
        - ci@acme.org: key <key> retired, signs nothing from the next entry on
    entry 4  2026-01-31T12:00:08Z  claimed by ann@acme.org
        ~ threshold 1 -> 2
    entry 3  2026-01-31T12:00:07Z  claimed by ann@acme.org
        + ci@acme.org: new signer, writer only dev.*, ssh-ed25519 key <key>
    entry 2  2026-01-31T12:00:06Z  claimed by ann@acme.org
        + carl@acme.org: new signer, admin, ssh-ed25519 key <key>
    entry 1  2026-01-31T12:00:05Z  claimed by ann@acme.org
        + bob@acme.org: new signer, admin, ssh-ed25519 key <key>
    entry 0  2026-01-31T12:00:04Z  claimed by ann@acme.org
        + name acme/payments
        + threshold 1
        + ann@acme.org: new signer, writer, admin, ssh-ed25519 key <key>
        + on failure closed: dev.cdevents.service.*, dev.cdevents.environment.*, dev.git-ledger.push, dev.git-ledger.refs.changed
        + on failure spool: *
    ");
    let said = acme.ann(&["log", "--verify"]);
    assert!(said.err.starts_with("sound: "), "{said}");
    assert!(
        said.out
            .contains("signed by ann@acme.org (writer, admin), approved by bob@acme.org")
    );
    let log: serde_json::Value =
        serde_json::from_str(&acme.ann(&["log", "--json"]).ok()).expect("JSON");
    assert_eq!(
        log["changes"][0]["approvals"][0]["principal"],
        "bob@acme.org"
    );
    assert_eq!(log["changes"][5]["number"], 0);
    let at = |number: &str| acme.ann(&["show", "--at", number]);
    assert!(at("3").ok().contains("threshold  1 of 3 admins"));
    assert!(at("4").ok().contains("threshold  2 of 3 admins"));
    assert!(!at("4").ok().contains("(retired)"));
    assert!(at("5").ok().contains("(retired)"));
    assert!(
        at("6")
            .code(1)
            .err
            .contains("there is no entry 6 in 'refs/heads/ledger'; the newest is entry 5")
    );
}

#[test]
fn a_plain_clone_is_enough_to_look_and_to_approve() {
    let acme = Company::new();
    acme.propose(&["retire", "ci@acme.org"]);
    acme.world
        .git("", &["clone", "--quiet", "hub", "fresh"])
        .ok();
    fs::copy(acme.path("ann/change.json"), acme.path("fresh/change.json")).expect("a file");
    // whoever has no key may look; the exit says whether it could be applied
    let nobody = ["apply", "change.json", "--dry-run", "--key", "/nowhere"];
    let said = acme.policy("fresh", &nobody).code(1);
    assert!(
        said.out
            .contains("agreement  0 of 2 needed, of 3 admins: nobody"),
        "{said}"
    );
    let key = acme.path("keys/bob");
    let words = ["approve", "change.json", "--yes", "--key", &key];
    acme.policy("fresh", &words).ok();
    fs::copy(acme.path("fresh/change.json"), acme.path("ann/change.json")).expect("a file");
    acme.ann(&["apply", "change.json", "--dry-run"]).ok();
    assert_eq!(acme.entries("ann"), 5);
    acme.ann(&["apply", "change.json", "--yes"]).ok();
}

#[test]
fn a_shallow_clone_tells_what_it_cannot_tell() {
    let acme = Company::new();
    let hub = format!("file://{}", acme.path("hub"));
    let words = [
        "clone",
        "--quiet",
        "--depth=2",
        "--branch=ledger",
        &hub,
        "short",
    ];
    acme.world.git("", &words).ok();
    assert_snapshot!(told(&acme.policy("short", &["log", "--no-pager"])), @r"
    entry 4  2026-01-31T12:00:08Z  claimed by ann@acme.org
        ~ threshold 1 -> 2
    entry 3  2026-01-31T12:00:07Z  claimed by ann@acme.org
        what it changed cannot be told: the policy before it cannot be read
    ! note: this repository is shallow; older entries are not here
    ! hint: git fetch --unshallow brings them
    [exit 0]
    ");
    // what set the policy in force may be older than what is here: then nothing can be proposed
    acme.world.ledger("ann", &["append", "dev.x"]).ok();
    acme.publish("ann");
    let words = [
        "clone",
        "--quiet",
        "--depth=1",
        "--branch=ledger",
        &hub,
        "tip",
    ];
    acme.world.git("", &words).ok();
    let said = acme.policy("tip", &["threshold", "3", "--propose", "x.json"]);
    assert_snapshot!(told(&said), @r"
    ! error: which entry set the policy in force cannot be told: object <hex> not in the repository
    ! hint: if this repository is shallow: git fetch --unshallow; else 'git ledger verify' tells what is wrong
    [exit 128]
    ");
}

#[test]
fn every_remote_that_is_named_gets_the_change() {
    let world = World::new();
    world.repository("r");
    for name in ["one", "two"] {
        world.git("", &["init", "--quiet", "--bare", name]).ok();
        let url = world.path(name).to_string_lossy().into_owned();
        world.git("r", &["remote", "add", name, &url]).ok();
        world
            .git("r", &["push", "--quiet", name, "refs/heads/ledger"])
            .ok();
    }
    let key = world.public("ci");
    let words = [
        "policy",
        "add-signer",
        "ci@acme.org",
        &key,
        "--role",
        "writer",
    ];
    world
        .ledger("r", &[&words[..], &["--push", "one", "two"]].concat())
        .ok();
    let tip = |dir: &str| world.git(dir, &["rev-parse", "refs/heads/ledger"]).ok();
    assert_eq!(tip("one"), tip("r"));
    assert_eq!(tip("two"), tip("r"));
}

/// The example of the specification is a proposal, and its approval holds.
#[test]
fn the_example_of_the_specification() {
    use git_ledger::{proposal, trust};
    let text = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/ledger-spec/policy.md"
    ))
    .expect("the specification");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("    {\"approvals\""))
        .expect("an example");
    let bytes = format!("{{\"approvals\"{line}\n");
    let read = proposal::parse(bytes.as_bytes()).expect("a proposal");
    let [approval] = read.approvals.as_slice() else {
        panic!("not one approval");
    };
    // bob's row is the same before and after
    trust::approves(&read.policy, approval, &read.approval_text()).expect("bob agrees");
    for vector in text.lines().filter(|line| line.starts_with("| ")) {
        let Some(names) = vector.split('|').nth(3) else {
            continue;
        };
        for name in names.split(", ").map(str::trim) {
            let path = format!("{}/ledger-spec/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
            let named = name.contains('_') && !name.contains(' ');
            assert!(!named || fs::exists(path).expect("a place"), "{name}");
        }
    }
}
