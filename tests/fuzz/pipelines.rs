//! What CI systems and issuers of tokens hand over: whatever it is, what comes of it can be
//! recorded, is bounded, and holds no secret of an address.

use std::collections::BTreeMap;

use git_ledger::cdevents::Kind;
use git_ledger::ci::oidc::{Demand, Keys, Token};
use git_ledger::ci::{self, payload};
use git_ledger::json::{Value, foreign};
use git_ledger::merkle;

/// JSON of others, an environment (`NAME=value` a line), a payload, a token and keys: the input as
/// each of them.
pub fn pipeline(input: &[u8]) {
    json(input);
    environment(input);
    let reduced = Value::from(payload::reduce(input));
    takes(&reduced);
    let digest = reduced.as_object().and_then(|object| object.get("digest"));
    let digest = digest.and_then(Value::as_str).unwrap_or_default();
    let own = format!("sha256:{}", merkle::hex(&merkle::sha256(input)));
    assert_eq!(digest, own, "a payload cannot speak for its digest");
    token(input);
}

fn json(input: &[u8]) {
    let read = foreign::read(input);
    if let Ok(strict) = Value::parse(input) {
        assert_eq!(
            read.as_ref(),
            Ok(&strict),
            "what the record takes is the same"
        );
    }
    let Ok(value) = read else { return };
    let text = value.to_canonical();
    let again = Value::parse(text.as_bytes());
    assert_eq!(
        again.as_ref(),
        Ok(&value),
        "the record takes what comes of it"
    );
    if let Some(content) = value.as_object() {
        for kind in Kind::all() {
            if kind.check(content).is_ok() {
                let known = |name: &str| {
                    let inside = format!("{name}.");
                    kind.members()
                        .any(|(member, _)| member == name || member.starts_with(&inside))
                };
                assert!(content.iter().all(|(name, _)| known(name)), "{kind}");
            }
        }
    }
}

fn environment(input: &[u8]) {
    let mut variables: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for line in input.split(|byte| *byte == b'\n') {
        if let Some(at) = line.iter().position(|byte| *byte == b'=') {
            variables.insert(line[..at].to_vec(), line[at + 1..].to_vec());
        }
    }
    let env = |name: &str| {
        let value = variables.get(name.as_bytes()).cloned();
        value.filter(|value| !value.is_empty())
    };
    if let Some(found) = ci::detect(&env) {
        assert_eq!(found.system().is_none(), found.claimed_by.len() > 1);
        takes(&found.object().into());
    }
}

fn token(input: &[u8]) {
    let keys = Keys::parse(input);
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(token) = Token::parse(text) else {
        return;
    };
    let issuers = [token.issuer().unwrap_or_default().to_owned()];
    let demand = Demand {
        issuers: &issuers,
        audience: "git-ledger",
        now: 1_769_860_800,
    };
    let none = Keys::parse(b"{\"keys\":[]}").expect("keys");
    assert!(
        token.verify(&demand, &none).is_err(),
        "no key, no signature"
    );
    assert!(keys.is_err(), "a token is no set of keys");
}

/// What may stand in an event.
#[track_caller]
fn takes(value: &Value) {
    let text = value.to_canonical();
    assert_eq!(Value::parse(text.as_bytes()).as_ref(), Ok(value));
    bounded("", value);
}

#[track_caller]
fn bounded(name: &str, value: &Value) {
    match value {
        Value::String(text) => {
            let most = if name.ends_with("_base64") { 684 } else { 512 };
            assert!(text.len() <= most, "{name} is too long");
            assert!(!text.contains(char::is_control), "{name}: {text:?}");
            if ["url", "jobUrl"].contains(&name) {
                let rest = text.split_once("://").expect("an address").1;
                let authority = rest.split('/').next().unwrap_or_default();
                assert!(
                    !authority.contains('@') && !text.contains(['?', '#']),
                    "{text}"
                );
            }
        }
        Value::Array(items) => items.iter().for_each(|item| bounded(name, item)),
        Value::Object(object) => object.iter().for_each(|(name, value)| bounded(name, value)),
        _ => {}
    }
}
