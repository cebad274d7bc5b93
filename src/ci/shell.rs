//! A shell, or whatever else is no CI system: whose account it is, and nothing more.

use super::value::Facts;

pub(super) fn read(facts: &mut Facts, account: &str) {
    facts.text("actor", Some(account.as_bytes().to_vec()));
}
