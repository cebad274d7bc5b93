//! Keys that may not write here: unknown, retired, in another's name, without the role or type.

use gix::hash::Kind as Format;

use super::Vectors;
use super::policy_text::Row;
use super::world::*;

pub fn add(to: &mut Vectors) {
    let mut chain = Chain::acme();
    chain.add(&chain.next_by(&EVE), &EVE);
    to.add(
        "signer_unknown",
        "signerUnknown",
        "a key that is in no policy",
        chain,
    );

    let mut chain = Chain::acme();
    chain.add(&chain.next(), &EVE);
    to.add(
        "signer_unknown_as_ci",
        "signerUnknown",
        "a key that is in no policy, in the writer's name",
        chain,
    );

    let mut chain = Chain::acme();
    let next = acme().with(Row::new(&EVE, &["admin"]));
    chain.add_change(&EVE, &next);
    let comment = "a policy that lets its own signer in: the one before it judges";
    to.add("signer_self_authorised", "signerUnknown", comment, chain);

    let mut chain = Chain::acme();
    let next = acme().with(Row::new(&P256, &["writer"]));
    chain.add(&chain.next_by(&P256), &P256);
    chain.add_change(&ALICE, &next);
    let comment = "a key writes before the policy that adds it";
    to.add("signer_too_early", "signerUnknown", comment, chain);

    let mut chain = Chain::empty(Format::Sha1);
    let mut draft = chain.first(&acme());
    draft.principal = EVE.principal.into();
    chain.add(&draft, &EVE);
    to.add(
        "signer_first_unknown",
        "signerUnknown",
        "entry 0 is signed by nobody of its policy",
        chain,
    );

    let mut chain = Chain::acme();
    chain.add(&chain.next_by(&ALICE), &CI);
    to.add(
        "signer_principal",
        "signerPrincipal",
        "the writer signs in an admin's name",
        chain,
    );

    let mut chain = Chain::acme();
    chain.add(&chain.next_by(&CI), &ALICE);
    to.add(
        "signer_principal_down",
        "signerPrincipal",
        "an admin signs in the writer's name",
        chain,
    );

    let mut chain = Chain::acme();
    chain.add_change(&ALICE, &acme().retire(&CI));
    chain.add(&chain.next(), &CI);
    to.add(
        "signer_retired",
        "signerRetired",
        "a retired key writes on",
        chain,
    );

    let mut chain = Chain::acme();
    chain.add_change(&ALICE, &acme().retire(&BOB));
    chain.add_change(
        &BOB,
        &acme()
            .retire(&BOB)
            .threshold(1)
            .with(Row::new(&EVE, &["admin"])),
    );
    to.add(
        "signer_retired_admin",
        "signerRetired",
        "a retired admin changes the policy",
        chain,
    );

    let mut chain = Chain::empty(Format::Sha1);
    let draft = chain.first(&acme().retire(&ALICE));
    chain.add(&draft, &ALICE);
    to.add(
        "signer_first_retired",
        "signerRetired",
        "entry 0 is signed by a key its policy retires",
        chain,
    );

    roles(to);
    policy_events(to);
}

fn roles(to: &mut Vectors) {
    let expect = "signerRole";
    let mut chain = Chain::acme();
    chain.add(&chain.next_by(&DORA), &DORA);
    to.add(
        "signer_role_auditor",
        expect,
        "an auditor records a push",
        chain,
    );
    for kind in ["review", "tamper.found", "checkpoint"] {
        let mut chain = Chain::acme();
        let full = format!("dev.git-ledger.{kind}");
        chain.add(&chain.draft(&CI, vec![push("a"), event("b", &full)]), &CI);
        let name = format!("signer_role_{}", kind.replace('.', "_"));
        to.add(
            &name,
            expect,
            "a writer records what only auditors may",
            chain,
        );
    }
    for (name, key, comment) in [
        ("writer", &CI, "a writer changes the policy"),
        ("auditor", &DORA, "an auditor changes the policy"),
    ] {
        let mut chain = Chain::acme();
        chain.add_change(key, &acme().threshold(2));
        to.add(
            &format!("signer_role_policy_{name}"),
            expect,
            comment,
            chain,
        );
    }
    let mut chain = Chain::empty(Format::Sha1);
    let mut draft = chain.first(&acme());
    draft.principal = CI.principal.into();
    chain.add(&draft, &CI);
    to.add(
        "signer_role_first",
        expect,
        "entry 0 is signed by a writer",
        chain,
    );

    let expect = "signerType";
    for (name, types, kind, comment) in [
        (
            "exact",
            vec!["dev.git-ledger.push"],
            "dev.git-ledger.pushed",
            "a longer type than the one allowed",
        ),
        (
            "prefix",
            vec!["dev.cdevents.*"],
            "dev.cdevent.x",
            "a type that lacks the prefix",
        ),
        (
            "shorter",
            vec!["dev.cdevents.*"],
            "dev.cdevents",
            "a type that is shorter than the prefix",
        ),
        (
            "case",
            vec!["dev.x"],
            "Dev.x",
            "a type that differs in case",
        ),
    ] {
        let mut policy = acme();
        policy.row(&CI).types = types;
        let mut chain = Chain::with_policy(&policy);
        chain.add(&chain.draft(&CI, vec![event("a", kind)]), &CI);
        to.add(&format!("signer_type_{name}"), expect, comment, chain);
    }
    let mut policy = acme();
    policy.row(&CI).types = vec!["dev.git-ledger.push"];
    let mut chain = Chain::with_policy(&policy);
    chain.add(&chain.draft(&CI, vec![push("a"), event("b", "other")]), &CI);
    to.add(
        "signer_type_second",
        expect,
        "the second event of an entry has another type",
        chain,
    );
    let mut policy = acme();
    policy.row(&ALICE).types = vec!["dev.git-ledger.push"];
    policy.row(&DORA).types = vec!["dev.git-ledger.checkpoint"];
    let mut chain = Chain::with_policy(&policy);
    chain.add(&chain.draft(&ALICE, vec![event("a", "other")]), &ALICE);
    to.add(
        "signer_type_admin",
        expect,
        "types restrict an admin as well",
        chain,
    );
    let mut chain = Chain::with_policy(&policy);
    chain.add(&chain.draft(&DORA, vec![event("a", REVIEW)]), &DORA);
    to.add(
        "signer_type_auditor",
        expect,
        "types restrict an auditor as well",
        chain,
    );
}

fn policy_events(to: &mut Vectors) {
    let expect = "policyEvent";
    for (name, key, kind, comment) in [
        (
            "changed_by_admin",
            &ALICE,
            CHANGED,
            "the event of a policy change in an ordinary entry",
        ),
        (
            "created_by_admin",
            &ALICE,
            CREATED,
            "the event of a founding in an ordinary entry",
        ),
    ] {
        let mut chain = Chain::acme();
        chain.add(&chain.draft(key, vec![event("a", kind)]), key);
        to.add(&format!("policy_event_{name}"), expect, comment, chain);
    }
    for (name, kind) in [("changed", CHANGED), ("created", CREATED)] {
        let mut chain = Chain::acme();
        chain.add(&chain.draft(&CI, vec![event("a", kind)]), &CI);
        let comment =
            "a writer records a reserved event in an ordinary entry, which it may not besides";
        to.add(
            &format!("policy_event_{name}_by_writer"),
            "policyEvent signerRole",
            comment,
            chain,
        );
    }
    let mut chain = Chain::acme();
    let mut draft = chain.change(&ALICE, &acme().threshold(2));
    draft.events = vec![push("a")];
    chain.add(&draft, &ALICE);
    to.add(
        "policy_event_other",
        expect,
        "a policy changes under the event of a push",
        chain,
    );
    let mut chain = Chain::acme();
    let mut draft = chain.change(&ALICE, &acme().threshold(2));
    draft.events.push(push("a"));
    chain.add(&draft, &ALICE);
    to.add(
        "policy_event_two",
        expect,
        "a policy entry with a second event",
        chain,
    );
    let mut chain = Chain::acme();
    let mut draft = chain.change(&ALICE, &acme().threshold(2));
    draft.events = vec![event("a", CREATED)];
    chain.add(&draft, &ALICE);
    to.add(
        "policy_event_created_again",
        expect,
        "a policy entry with the event of a founding",
        chain,
    );
    let mut chain = Chain::empty(Format::Sha1);
    let mut draft = chain.first(&acme());
    draft.events = vec![push("a")];
    chain.add(&draft, &ALICE);
    to.add(
        "policy_event_first",
        expect,
        "entry 0 with the event of a push",
        chain,
    );
    let mut chain = Chain::empty(Format::Sha1);
    let mut draft = chain.first(&acme());
    draft.events.push(push("a"));
    chain.add(&draft, &ALICE);
    to.add(
        "policy_event_first_two",
        expect,
        "entry 0 with a second event",
        chain,
    );
    let mut chain = Chain::empty(Format::Sha1);
    let mut draft = chain.first(&acme());
    draft.events = vec![event("a", CHANGED)];
    chain.add(&draft, &ALICE);
    to.add(
        "policy_event_first_changed",
        expect,
        "entry 0 with the event of a policy change",
        chain,
    );
}
