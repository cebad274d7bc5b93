//! Policies that may not follow the one before them, and keys that somebody else had.

use super::Vectors;
use super::policy_text::{Policy, Row};
use super::world::*;

/// Adds a ledger in which alice sets `second` after `first`, at entry 2.
fn follows(
    to: &mut Vectors,
    name: &str,
    expect: &str,
    comment: &str,
    first: &Policy,
    second: &Policy,
) {
    let mut chain = Chain::with_policy(first);
    chain.add(&chain.next_by(&ALICE), &ALICE);
    chain.add_change(&ALICE, second);
    to.add(&format!("policy_{name}"), expect, comment, chain);
}

pub fn add(to: &mut Vectors) {
    rows(to);
    compromised_rows(to);
    compromised_entries(to);
}

fn rows(to: &mut Vectors) {
    let first = acme();
    let mut other = acme();
    other.id = "f".repeat(32);
    follows(
        to,
        "id_changed",
        "policyIdChanged",
        "the id changes",
        &first,
        &other,
    );

    let expect = "policyRowChanged";
    let mut next = acme();
    next.rows.remove(2);
    follows(to, "row_removed", expect, "a row is removed", &first, &next);
    let mut next = acme();
    next.rows.pop();
    follows(
        to,
        "row_removed_last",
        expect,
        "the last row is removed",
        &first,
        &next,
    );
    let mut next = acme();
    next.rows.swap(2, 3);
    follows(
        to,
        "row_moved",
        expect,
        "two rows change places",
        &first,
        &next,
    );
    let mut next = acme();
    next.rows.insert(1, Row::new(&CAROL, &["admin"]));
    follows(
        to,
        "row_inserted",
        expect,
        "a row is put between others",
        &first,
        &next,
    );
    let mut next = acme();
    next.row(&CI).key = P256.text();
    follows(
        to,
        "row_key",
        expect,
        "a row gets another key",
        &first,
        &next,
    );
    let mut next = acme();
    next.row(&CI).principal = "robot@acme.example".into();
    follows(
        to,
        "row_principal",
        expect,
        "a row gets another principal",
        &first,
        &next,
    );

    let mut chain = Chain::acme();
    chain.add_change(&ALICE, &acme().with(Row::new(&P256, &["writer"])));
    chain.add_change(&ALICE, &acme());
    let comment = "a whole older policy is put back: the row that came since is gone";
    to.add("policy_older_whole", expect, comment, chain);

    let retired = acme().retire(&CI);
    follows(
        to,
        "unretired",
        "policyUnretired",
        "a retired row comes back",
        &retired,
        &acme(),
    );
}

fn compromised_rows(to: &mut Vectors) {
    let expect = "policyCompromised";
    let first = acme().retire(&DORA).compromise(&CI, 0, &[]);
    follows(
        to,
        "compromised_removed",
        expect,
        "a compromised row is removed",
        &first,
        &acme().retire(&DORA).retire(&CI),
    );
    let mut twice = first.clone();
    twice = twice.compromise(&DORA, 0, &[]);
    let mut turned = twice.clone();
    turned.compromised.reverse();
    follows(
        to,
        "compromised_moved",
        expect,
        "two compromised rows change places",
        &twice,
        &turned,
    );
    let mut later = first.clone();
    later.compromised[0].since = 1;
    follows(
        to,
        "compromised_since_rises",
        expect,
        "since rises",
        &first,
        &later,
    );
    let mut vouched = first.clone();
    vouched.compromised[0].vouched = vec![0];
    follows(
        to,
        "compromised_unvouched",
        expect,
        "an entry is vouched for no more",
        &vouched,
        &first,
    );
}

/// Entries that nobody stands for.
fn compromised_entries(to: &mut Vectors) {
    let expect = "compromisedEntry";
    let start = || {
        let mut chain = Chain::acme();
        chain.add(&chain.next(), &CI);
        chain.add(&chain.next(), &CI);
        chain
    };
    let mut chain = start();
    chain.add_change(&ALICE, &acme().compromise(&CI, 2, &[]));
    to.add(
        "compromised_entries",
        expect,
        "entries of a compromised key that nobody vouches for",
        chain,
    );

    let mut chain = start();
    chain.add_change(&ALICE, &acme().compromise(&CI, 1, &[1, 3]));
    to.add(
        "compromised_one_unvouched",
        expect,
        "one of three entries is not vouched for",
        chain,
    );

    let mut chain = start();
    chain.add_change(&ALICE, &acme().retire(&CI));
    chain.add_change(&ALICE, &acme().compromise(&CI, 0, &[]));
    let comment = "a key that was retired is found out to be compromised later";
    to.add("compromised_after_retirement", expect, comment, chain);

    let two = acme().with(Row::new(&CAROL, &["admin"]));
    let mut chain = Chain::with_policy(&two);
    chain.add_change(&BOB, &two.compromise(&ALICE, 0, &[]));
    let comment = "the key that founded the ledger was compromised from the start";
    to.add("compromised_founder", expect, comment, chain);

    let mut chain = start();
    chain.add_change(&ALICE, &acme().compromise(&CI, 2, &[2, 3]));
    chain.add(&chain.next(), &CI);
    let comment = "the thief signs on: the key is retired, and the new entry is in doubt besides";
    to.add(
        "compromised_goes_on",
        "compromisedEntry signerRetired",
        comment,
        chain,
    );

    let mut chain = start();
    chain.add_change(&ALICE, &acme().compromise(&CI, 2, &[]));
    let commit = chain.next_by(&ALICE).commit().head(" +0000\n", " +0100\n");
    chain.add_commit(&commit, &ALICE);
    let comment = "a malformed tip does not hide what the newest readable policy says";
    to.add(
        "compromised_below_malformed",
        "compromisedEntry identityMalformed",
        comment,
        chain,
    );

    let mut chain = start();
    chain.add_change(&ALICE, &acme().compromise(&CI, 2, &[]));
    let mut raised = acme().compromise(&CI, 2, &[]);
    raised.spec = 2;
    chain.add_change(&ALICE, &raised);
    let comment = "nor does a level that is not known";
    to.add(
        "compromised_below_level",
        "compromisedEntry specUnsupported",
        comment,
        chain,
    );
}
