//! Agreement of several admins: what counts, what does not, and in which spelling.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Vectors;
use super::keys::{fields, plus_order, strings};
use super::policy_text::{Policy, Row};
use super::sshsig::Sshsig;
use super::world::*;

const NAMESPACE: &str = "git-ledger-approval";

/// Makes an approval: whose, and its blob.
type Make<'a> = dyn Fn(&Chain, &Draft) -> (String, Vec<u8>) + 'a;

/// alice, bob and carol are admins; two must agree.
fn before() -> Policy {
    acme().with(Row::new(&CAROL, &["admin"])).threshold(2)
}

fn after() -> Policy {
    before().with(Row::new(&P256, &["writer"]))
}

/// Entries 0 and 1, and the draft by alice of entry 2, which sets a new policy, without approvals.
fn proposed() -> (Chain, Draft) {
    let mut chain = Chain::with_policy(&before());
    chain.add(&chain.next(), &CI);
    let draft = chain.change(&ALICE, &after());
    (chain, draft)
}

/// Adds a ledger whose approvals are made by the function.
fn agreed(
    to: &mut Vectors,
    name: &str,
    expect: &str,
    comment: &str,
    edit: impl Fn(&Chain, Draft) -> Draft,
) {
    let (mut chain, draft) = proposed();
    let draft = edit(&chain, draft);
    chain.add(&draft, &ALICE);
    to.add(&format!("approval_{name}"), expect, comment, chain);
}

/// Bob's approval, with fields of its signature changed.
fn spelled(to: &mut Vectors, name: &str, comment: &str, edit: impl Fn(&mut Sshsig)) {
    agreed(
        to,
        name,
        "approvalNonCanonical",
        comment,
        |chain, mut draft| {
            let text = draft.approval_text(&before().id, &chain.digests[0]);
            let mut made = Sshsig::make(&BOB, NAMESPACE, text.as_bytes());
            edit(&mut made);
            draft.approvals.push((BOB.principal.into(), made.blob()));
            draft
        },
    );
}

pub fn add(to: &mut Vectors) {
    thresholds(to);
    signers(to);
    texts(to);
    spellings(to);
    places(to);
    barred(to);
}

fn thresholds(to: &mut Vectors) {
    let expect = "thresholdMissed";
    agreed(
        to,
        "missing",
        expect,
        "one of two admins agreed",
        |_, draft| draft,
    );

    let three = before().threshold(3);
    let mut chain = Chain::with_policy(&three);
    let set_by = chain.digests[0];
    let draft = chain.change(&ALICE, &three.clone().threshold(1));
    chain.add(&draft.approved(&set_by, &[&BOB]), &ALICE);
    to.add(
        "approval_two_of_three",
        expect,
        "two of three admins agreed",
        chain,
    );

    let mut chain = Chain::with_policy(&before());
    chain.add_change(&ALICE, &before().threshold(1));
    let comment = "a policy cannot lower the threshold for itself";
    to.add("approval_lowered_threshold", expect, comment, chain);

    let mut raised = before();
    raised.spec = 2;
    let mut chain = Chain::with_policy(&before());
    let set_by = chain.digests[0];
    let draft = chain.change(&ALICE, &raised);
    let mut lone = chain.clone();
    lone.add(&draft, &ALICE);
    let comment = "one of two admins raises the level: who must agree is told by the old one";
    to.add(
        "approval_level_missing",
        "specUnsupported thresholdMissed",
        comment,
        lone,
    );
    chain.add(&draft.approved(&set_by, &[&BOB]), &ALICE);
    let comment = "two of two admins raise the level";
    to.add("approval_level_agreed", "specUnsupported", comment, chain);

    let same = before().with(Row::new(&ALICE_2, &["admin"]));
    let mut chain = Chain::with_policy(&same);
    chain.add_change(&ALICE_2, &same.clone().threshold(1));
    let comment = "two keys of one admin are one admin";
    to.add("approval_same_principal", expect, comment, chain);
}

fn signers(to: &mut Vectors) {
    let expect = "approvalSigner";
    let by = |key: &'static std::sync::LazyLock<super::keys::Key>| {
        move |chain: &Chain, draft: Draft| draft.approved(&chain.digests[0], &[key])
    };
    agreed(to, "by_writer", expect, "a writer approves", by(&CI));
    agreed(to, "by_auditor", expect, "an auditor approves", by(&DORA));
    agreed(
        to,
        "by_stranger",
        expect,
        "a key that is in no policy approves",
        by(&EVE),
    );
    agreed(
        to,
        "by_signer",
        expect,
        "the signer approves its own entry",
        by(&ALICE),
    );
    agreed(
        to,
        "by_newcomer",
        expect,
        "a key that only the new policy knows approves",
        by(&P256),
    );
    agreed(
        to,
        "one_good_one_bad",
        expect,
        "enough admins, and a writer besides",
        |chain, draft| draft.approved(&chain.digests[0], &[&BOB, &CI]),
    );
    agreed(
        to,
        "other_principal",
        expect,
        "bob's approval under carol's name",
        |chain, draft| {
            let mut draft = draft.approved(&chain.digests[0], &[&BOB]);
            draft.approvals[0].0 = CAROL.principal.into();
            draft
        },
    );

    let same = before().with(Row::new(&ALICE_2, &["admin"]));
    let mut chain = Chain::with_policy(&same);
    let set_by = chain.digests[0];
    let draft = chain.change(&ALICE, &same.clone().threshold(1));
    chain.add(&draft.approved(&set_by, &[&ALICE_2]), &ALICE);
    to.add(
        "approval_by_second_key",
        expect,
        "the signer approves with another key of its own",
        chain,
    );

    let retired = before().retire(&BOB);
    let mut chain = Chain::with_policy(&retired);
    let set_by = chain.digests[0];
    let draft = chain.change(&ALICE, &retired.clone().threshold(1));
    chain.add(&draft.approved(&set_by, &[&BOB]), &ALICE);
    to.add(
        "approval_by_retired",
        expect,
        "a retired admin approves",
        chain,
    );
}

fn texts(to: &mut Vectors) {
    let expect = "approvalBad";
    let over = |text: String, namespace: &'static str| {
        let made = Sshsig::make(&BOB, namespace, text.as_bytes());
        (BOB.principal.to_owned(), made.blob())
    };
    let mut bad = |name: &str, comment: &str, make: &Make<'_>| {
        agreed(to, name, expect, comment, |chain, mut draft| {
            draft.approvals.push(make(chain, &draft));
            draft
        });
    };
    let id = before().id;
    bad(
        "namespace",
        "an approval in the namespace of commits",
        &|chain, draft| over(draft.approval_text(&id, &chain.digests[0]), "git"),
    );
    bad(
        "other_policy",
        "an approval of another policy",
        &|chain, _| {
            let other = chain.clone().change(&ALICE, &before().threshold(1));
            over(other.approval_text(&id, &chain.digests[0]), NAMESPACE)
        },
    );
    bad(
        "other_ledger",
        "an approval for another ledger",
        &|chain, draft| {
            over(
                draft.approval_text(&"f".repeat(32), &chain.digests[0]),
                NAMESPACE,
            )
        },
    );
    bad(
        "parent_digest",
        "an approval bound to the parent, not to the entry that set the policy",
        &|chain, draft| over(draft.approval_text(&id, &chain.digests[1]), NAMESPACE),
    );
    bad(
        "no_final_lf",
        "the text without its last LF",
        &|chain, draft| {
            over(
                draft
                    .approval_text(&id, &chain.digests[0])
                    .trim_end()
                    .to_owned(),
                NAMESPACE,
            )
        },
    );
    bad(
        "policy_only",
        "an approval of the digest alone",
        &|_, draft| over(hex(&draft.policy), NAMESPACE),
    );
    bad("upper", "the digests in upper case", &|chain, draft| {
        let text = draft.approval_text(&id, &chain.digests[0]);
        let (first, rest) = text.split_once('\n').expect("lines");
        over(format!("{first}\n{}", rest.to_uppercase()), NAMESPACE)
    });
    bad(
        "altered",
        "one bit of the approval differs",
        &|chain, draft| {
            let (who, mut blob) = over(draft.approval_text(&id, &chain.digests[0]), NAMESPACE);
            let end = blob.len() - 20;
            blob[end] ^= 1;
            (who, blob)
        },
    );

    // bob agrees to a policy that is set, replaced, and then proposed again
    let mut chain = Chain::with_policy(&before());
    let first = chain
        .change(&ALICE, &after())
        .approved(&chain.digests[0], &[&BOB]);
    let replay = first.approvals.clone();
    chain.add(&first, &ALICE);
    let set_by = chain.digests[1];
    let mut back = after();
    back.row(&P256).roles = vec!["auditor"];
    let draft = chain.change(&ALICE, &back).approved(&set_by, &[&CAROL]);
    chain.add(&draft, &ALICE);
    let mut again = chain.change(&ALICE, &after());
    again.approvals = replay;
    chain.add(&again, &ALICE);
    let comment = "an approval is used again after the policy changed twice";
    to.add("approval_replayed", expect, comment, chain);
}

fn spellings(to: &mut Vectors) {
    let expect = "approvalNonCanonical";
    spelled(to, "version", "an approval of SSHSIG version 0", |made| {
        made.version = 0
    });
    spelled(to, "reserved", "the reserved field is filled", |made| {
        made.reserved = b"x".to_vec()
    });
    spelled(to, "hash", "another hash", |made| {
        made.hash = b"sha256".to_vec()
    });
    spelled(to, "trailing", "a byte after the blob", |made| {
        made.tail.push(0)
    });
    spelled(to, "s_plus_l", "S + L", |made| {
        let parts = fields(&made.inner);
        made.inner = strings(&[&parts[0], &plus_order(&parts[1])]);
    });
    spelled(to, "key", "a key that may not sign", |made| {
        made.key = strings(&[b"ssh-dss", b"x"])
    });
    agreed(to, "no_blob", expect, "an empty blob", |_, mut draft| {
        draft
            .approvals
            .push((BOB.principal.into(), b"SSHSIG".to_vec()));
        draft
    });

    let good = |edit: &dyn Fn(&str, &str) -> String| {
        let (mut chain, draft) = proposed();
        let draft = draft.approved(&chain.digests[0], &[&BOB, &CAROL]);
        let lines: Vec<String> = draft
            .approvals
            .iter()
            .map(|(who, blob)| format!("Ledger-Approval: {who} {}\n", BASE64.encode(blob)))
            .collect();
        let old = lines.concat();
        let new = edit(&lines[0], &lines[1]);
        chain.add_commit(&draft.commit().message(&old, &new), &ALICE);
        chain
    };
    for (name, comment, edit) in [
        (
            "order",
            "approvals out of order",
            &(|a: &str, b: &str| format!("{b}{a}")) as &dyn Fn(&str, &str) -> String,
        ),
        ("twice", "one approval twice", &|a, _| format!("{a}{a}")),
        ("two_spaces", "two spaces before the base64", &|a, b| {
            a.replace("example ", "example  ") + b
        }),
        (
            "padding",
            "padding that base64 of this length does not have",
            &|a, b| a.replace('\n', "=\n") + b,
        ),
        ("no_base64", "no base64", &|a, b| {
            format!("Ledger-Approval: bob@acme.example ?\n{a}{b}")
        }),
        ("principal", "a principal in upper case", &|a, b| {
            a.replace("bob", "BOB") + b
        }),
        ("no_principal", "no principal", &|a, b| {
            a.replace("bob@acme.example ", "") + b
        }),
    ] {
        to.add(
            &format!("approval_spelling_{name}"),
            expect,
            comment,
            good(edit),
        );
    }
    let chain = good(&|a, b| format!("{a}Signed-off-by: bob\n{b}"));
    to.add(
        "approval_spelling_between",
        "trailerMalformed",
        "another line between two approvals",
        chain,
    );

    let (mut chain, draft) = proposed();
    let draft = draft.approved(&chain.digests[0], &[&BOB]);
    let (who, blob) = draft.approvals[0].clone();
    let line = format!("Ledger-Approval: {who} {}\n", BASE64.encode(blob));
    let commit = draft
        .commit()
        .message(&line, "")
        .message("Ledger-Range", &format!("{line}Ledger-Range"));
    chain.add_commit(&commit, &ALICE);
    // the range is judged before the approvals, and is not there
    to.add(
        "approval_before_range",
        "rangeMalformed",
        "an approval before the range",
        chain,
    );
}

fn places(to: &mut Vectors) {
    let expect = "approvalUnexpected";
    let mut chain = Chain::acme();
    let draft = chain.next_by(&ALICE);
    let set_by = chain.digests[0];
    chain.add(&draft.approved(&set_by, &[&BOB]), &ALICE);
    to.add(
        "approval_in_ordinary",
        expect,
        "an approval in an entry that changes no policy",
        chain,
    );
    let mut chain = Chain::empty(gix::hash::Kind::Sha1);
    let draft = chain.first(&acme());
    chain.add(&draft.approved(&[0; 32], &[&BOB]), &ALICE);
    to.add("approval_in_first", expect, "an approval in entry 0", chain);

    let mut chain = Chain::acme();
    let set_by = chain.digests[0];
    let draft = chain.change(&ALICE, &acme().threshold(2));
    chain.add(&draft.approved(&set_by, &[&BOB]), &ALICE);
    to.add(
        "sound_approval_unneeded",
        "sound",
        "an approval that threshold 1 does not need",
        chain,
    );

    let (mut chain, draft) = proposed();
    let set_by = chain.digests[0];
    chain.add(&draft.approved(&set_by, &[&BOB]), &ALICE);
    chain.lose(&chain.commits[0].clone());
    chain.shallow = Some(chain.commits[1].clone());
    let comment =
        "below a boundary nobody can tell which entry set the policy: approvals are not judged";
    to.add("approval_shallow", "shallow", comment, chain);

    let (mut chain, draft) = proposed();
    chain.add(&draft, &ALICE);
    chain.lose(&chain.commits[0].clone());
    chain.shallow = Some(chain.commits[1].clone());
    let comment = "without approvals the text they sign does not matter, and the threshold does";
    to.add(
        "approval_shallow_missing",
        "shallow thresholdMissed",
        comment,
        chain,
    );
}

/// Admins whose own key is called compromised do not count.
fn barred(to: &mut Vectors) {
    let expect = "thresholdMissed";
    let first = acme().with(Row::new(&ALICE_2, &["admin"]));
    let mut chain = Chain::with_policy(&first);
    let next = first.clone().compromise(&ALICE, 1, &[1]);
    chain.add_change(&ALICE, &next);
    let comment = "an admin calls its own key compromised: another admin must";
    to.add("approval_barred_own_key", expect, comment, chain);

    let mut chain = Chain::with_policy(&first);
    chain.add_change(&ALICE_2, &next);
    let comment = "nor with another key of the same admin";
    to.add("approval_barred_second_key", expect, comment, chain);

    let mut chain = Chain::with_policy(&before());
    let set_by = chain.digests[0];
    let draft = chain.change(&BOB, &before().compromise(&ALICE, 1, &[]));
    chain.add(&draft.approved(&set_by, &[&ALICE]), &BOB);
    to.add(
        "approval_barred_approver",
        expect,
        "the approval of the admin concerned does not count",
        chain,
    );

    let mut chain = Chain::with_policy(&first);
    let called = first.clone().compromise(&ALICE, 0, &[]);
    chain.add_change(&BOB, &called);
    let mut vouched = called.clone();
    vouched.compromised[0].vouched = vec![0];
    chain.add_change(&ALICE_2, &vouched);
    let comment = "an admin vouches for entries of its own compromised key";
    to.add("approval_barred_vouching", expect, comment, chain);

    let mut demoted = first.clone();
    demoted.row(&ALICE).roles = vec!["writer"];
    let demoted = demoted.compromise(&ALICE, 0, &[0]);
    let mut chain = Chain::with_policy(&first);
    chain.add_change(&ALICE_2, &demoted);
    let comment = "taking the admin role away in the same entry does not help";
    to.add("approval_barred_demoted", expect, comment, chain);

    let mut chain = Chain::with_policy(&acme());
    chain.add(&chain.next(), &CI);
    chain.add_change(&ALICE, &acme().compromise(&CI, 1, &[1]));
    let comment = "the row of a writer's key needs no further admin";
    to.add("sound_compromised_writer", "sound", comment, chain);
}
