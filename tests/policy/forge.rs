//! Admins who go around the program: policy entries made by hand, which the hub refuses when they
//! are pushed and everybody's verification names.

use std::fs;

use gix::objs::Kind;

use git_ledger::chain;
use git_ledger::commit::{Draft, NAMESPACE};
use git_ledger::entry::{Approval, Entry};
use git_ledger::git::{Environment, Repository};
use git_ledger::ledger::{Attachments, Ledger};
use git_ledger::policy::{Policy, Role, Signer as Row};
use git_ledger::principal::Principal;
use git_ledger::proposal;
use git_ledger::signature::PublicKey;
use git_ledger::signer::{KeySettings, Signer};

use super::Company;
use crate::world::run;

const LEDGER: &str = "refs/heads/ledger";

/// Writes the policy entry that follows ann's tip as whoever has the key wants it, moves her
/// branch to it, and returns the finding of the hub and of her own verification.
fn forge(
    acme: &Company,
    key: &str,
    who: &str,
    approvals: Vec<Approval>,
    make: impl FnOnce(&mut Policy),
) -> (String, String) {
    acme.world.ledger("hub", &["hook", "install"]).ok();
    let environment = Environment::new("/", std::env::vars_os());
    let repository = Repository::open(&environment, &acme.world.path("ann/.git")).expect("ann's");
    let ledger = Ledger::new(repository, LEDGER);
    let tip = ledger.tip().expect("a tip");
    let set_by = ledger.policy_entry(&tip.link).expect("an entry").digest();
    let mut policy = tip.policy.clone();
    make(&mut policy);
    let (part, part_objects) = ledger.policy_tree(&policy);
    let (tree, tree_objects) = ledger.entry_tree(part, &Attachments::new());
    let stamp = git_ledger::date::rfc3339(tip.link.time);
    let event = proposal::event(&tip.policy, &policy, &set_by).expect("an event");
    let draft = Draft {
        tree,
        parent: Some(tip.link.id),
        principal: Principal::parse(who).expect("a principal"),
        time: tip.link.time,
        entry: Entry {
            events: vec![event.recorded(&stamp)],
            policy: policy.digest(),
            range: chain::range_after(&tip.link),
            approvals,
        },
    };
    acme.world.key(key);
    let settings = KeySettings {
        signing_key: Some(acme.path(&format!("keys/{key}"))),
        ..KeySettings::default()
    };
    let signer = Signer::find(&settings).expect("a key");
    let made = signer.sign(NAMESPACE, &draft.payload()).expect("signed");
    let link = draft.sign(&made).expect("a link");
    let objects = part_objects.into_iter().chain(tree_objects).collect();
    ledger.write(&objects).expect("a tree");
    let repository = ledger.repository();
    let id = repository
        .write_object(Kind::Commit, link.raw())
        .expect("a commit")
        .to_string();
    let before = tip.link.id.to_string();
    acme.world.git("ann", &["update-ref", LEDGER, &id]).ok();
    let hub = acme.path("hub");
    let pushed = acme.world.git("ann", &["push", &hub, LEDGER]);
    let refused = pushed
        .code(1)
        .err
        .lines()
        .find_map(|line| line.split("git-ledger: refused ").nth(1).map(str::to_owned))
        .unwrap_or_default();
    let judged = acme.world.ledger("ann", &["verify", "--json"]).code(1).out;
    let judged: serde_json::Value = serde_json::from_str(&judged).expect("JSON");
    acme.world.git("ann", &["update-ref", LEDGER, &before]).ok();
    let words = |text: &str| text.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let found = judged["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| {
            format!(
                "{} {}",
                finding["id"].as_str().unwrap_or("?"),
                finding["entry"]
            )
        })
        .collect::<Vec<_>>()
        .join(", ");
    (words(&refused), found)
}

/// What the hub and the verifier both say.
#[track_caller]
fn both(found: (String, String), expected: &str) {
    assert_eq!(found, (expected.to_owned(), expected.to_owned()));
}

fn row(acme: &Company, name: &str, role: Role) -> Row {
    Row {
        principal: Principal::parse(&format!("{name}@acme.org")).expect("a principal"),
        key: PublicKey::parse_text(&acme.world.public(name)).expect("a key"),
        roles: vec![role],
        types: Vec::new(),
        retired: false,
    }
}

/// Bob's approval of what ann proposes now.
fn approval(acme: &Company, words: &[&str]) -> Approval {
    fs::remove_file(acme.path("ann/change.json")).ok();
    acme.propose(words);
    acme.bob_approves();
    let file = fs::read(acme.path("ann/change.json")).expect("a file");
    let read = proposal::parse(&file).expect("a proposal");
    read.approvals.into_iter().next().expect("bob's approval")
}

#[test]
fn one_admin_lowers_the_threshold_that_binds_her() {
    let acme = Company::new();
    let lower = |policy: &mut Policy| policy.threshold = 1;
    both(
        forge(&acme, "ann", "ann@acme.org", Vec::new(), lower),
        "thresholdMissed 5",
    );
}

#[test]
fn an_agreement_is_used_for_something_else() {
    let acme = Company::new();
    let agreed = approval(&acme, &["threshold", "3"]);
    let lower = |policy: &mut Policy| policy.threshold = 1;
    both(
        forge(&acme, "ann", "ann@acme.org", vec![agreed], lower),
        "approvalBad 5",
    );
}

#[test]
fn an_agreement_is_used_again_later() {
    let acme = Company::new();
    // bob agreed to lower the threshold once; it was raised again since, with everybody's consent
    let agreed = approval(&acme, &["threshold", "1"]);
    acme.ann(&["apply", "change.json", "--yes"]).ok();
    acme.ann(&["threshold", "2"]).ok();
    acme.publish("ann");
    let lower = |policy: &mut Policy| policy.threshold = 1;
    both(
        forge(&acme, "ann", "ann@acme.org", vec![agreed], lower),
        "approvalBad 7",
    );
}

#[test]
fn a_stranger_lets_itself_in() {
    let acme = Company::new();
    let eve = row(&acme, "eve", Role::Admin);
    let add = |policy: &mut Policy| policy.signers.push(eve);
    both(
        forge(&acme, "eve", "eve@acme.org", Vec::new(), add),
        "signerUnknown 5",
    );
}

#[test]
fn a_newcomer_agrees_to_its_own_coming() {
    let acme = Company::new();
    // eve's approval is real, and eve is no admin yet
    let eve = row(&acme, "eve", Role::Admin);
    acme.propose(&[
        "add-signer",
        "eve@acme.org",
        &eve.key.to_text(),
        "--role",
        "admin",
    ]);
    let file = fs::read(acme.path("ann/change.json")).expect("a file");
    let text = proposal::parse(&file).expect("a proposal").approval_text();
    let settings = KeySettings {
        signing_key: Some(acme.path("keys/eve")),
        ..KeySettings::default()
    };
    let signer = Signer::find(&settings).expect("a key");
    let blob = signer
        .sign(git_ledger::trust::APPROVAL_NAMESPACE, text.as_bytes())
        .expect("signed")
        .to_blob();
    let agreed = Approval {
        principal: eve.principal.clone(),
        blob,
    };
    let add = |policy: &mut Policy| policy.signers.push(eve);
    both(
        forge(&acme, "ann", "ann@acme.org", vec![agreed], add),
        "approvalSigner 5",
    );
}

#[test]
fn an_older_policy_is_put_back() {
    let acme = Company::new();
    let toml = acme.ann(&["show", "--at", "2", "--toml"]).ok();
    let old = Policy::parse(toml.as_bytes()).expect("a policy");
    let (hub, verdict) = forge(&acme, "ann", "ann@acme.org", Vec::new(), |policy| {
        *policy = old;
    });
    assert_eq!(hub, "policyRowChanged 5");
    assert_eq!(verdict, "policyRowChanged 5, thresholdMissed 5");
}

#[test]
fn a_signer_gets_a_second_name() {
    let acme = Company::new();
    let mut twice = row(&acme, "ci", Role::Admin);
    twice.principal = Principal::parse("robot@acme.org").expect("a principal");
    let add = |policy: &mut Policy| policy.signers.push(twice);
    let (hub, verdict) = forge(&acme, "ann", "ann@acme.org", Vec::new(), add);
    assert_eq!(hub, "policyDuplicateKey 5");
    assert!(verdict.contains("policyDuplicateKey 5"), "{verdict}");
}

/// What is shown before an approval is signed is the policy the ledger names, not what stands in
/// its place in a copy that somebody else can write.
#[test]
fn the_policy_shown_is_the_one_that_is_named() {
    let acme = Company::new();
    acme.propose(&["threshold", "1"]);
    acme.hand("ann", "bob");
    let text = acme.bob(&["show", "--toml"]).ok();
    let git = |words: &[&str], input: &str| {
        let mut command = acme.world.command("bob", "git");
        command.args(words);
        run(command, input.as_bytes()).ok().trim().to_owned()
    };
    // in bob's copy the policy looks as if the threshold had always been 1
    let weak = text.replace("threshold = 2", "threshold = 1");
    let blob = git(&["hash-object", "-w", "--stdin"], &weak);
    let listed = git(&["ls-tree", LEDGER], "");
    let old = git(&["rev-parse", &format!("{LEDGER}:ledger.toml")], "");
    let tree = git(&["mktree"], &listed.replace(&old, &blob));
    let commit = git(&["cat-file", "commit", LEDGER], "") + "\n";
    let named = git(&["rev-parse", &format!("{LEDGER}^{{tree}}")], "");
    let commit = git(
        &["hash-object", "-t", "commit", "-w", "--stdin"],
        &commit.replace(&named, &tree),
    );
    git(&["update-ref", LEDGER, &commit], "");
    let said = acme.bob(&["approve", "change.json", "--yes"]).code(1);
    assert!(said.err.contains("policyDigestMismatch"), "{said}");
}
