//! The receipts of a sample, without saying twice what they share: all are proven against the same
//! entry, so they show the same changes of the policy.
//!
//! Source: `ledger-spec/report.md`, "Receipts".

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use gix::hash::Kind as Format;

use crate::json::{Object, Value};
use crate::merkle::Hash;
use crate::proof::{Claim, Judgement, Proof, Shown};
use crate::report::verdict::{clean, number};

/// Receipts that are read of one file; more than a sample has.
const MOST: usize = 2_000;

/// Receipts, put together one by one.
#[derive(Debug, Default)]
pub struct Bundle {
    format: Option<Format>,
    policies: Vec<String>,
    entries: Vec<Shown>,
    known: HashMap<String, usize>,
    receipts: Vec<(u64, Vec<usize>)>,
    missing: Vec<(u64, String)>,
}

impl Bundle {
    /// Takes in a receipt; evidence of a split is none.
    pub fn add(&mut self, proof: Proof) {
        let Claim::Receipt { entry, entries } = proof.claim else {
            return;
        };
        self.format = Some(proof.format);
        self.policies = proof.policies;
        let places = entries.into_iter().map(|shown| {
            let next = self.entries.len();
            *self.known.entry(shown.commit.clone()).or_insert_with(|| {
                self.entries.push(shown);
                next
            })
        });
        self.receipts.push((entry, places.collect()));
    }

    /// Notes that there is no receipt for an entry, and why.
    pub fn lacks(&mut self, entry: u64, why: String) {
        self.missing.push((entry, why));
    }

    /// As it stands in the model.
    pub fn value(&self) -> Value {
        let text = |text: &String| Value::from(text.as_str());
        let entries = self.entries.iter().map(|shown| {
            let path = shown.path.iter().map(|hash| BASE64.encode(hash).into());
            let path: Vec<Value> = path.collect();
            Value::from(
                Object::new()
                    .with("commit", shown.commit.as_str())
                    .with("path", path),
            )
        });
        let receipts = self.receipts.iter().map(|(entry, shows)| {
            let shows: Vec<Value> = shows.iter().map(|at| number(*at as u64)).collect();
            Value::from(
                Object::new()
                    .with("entry", number(*entry))
                    .with("shows", shows),
            )
        });
        let missing = self.missing.iter().map(|(entry, why)| {
            Value::from(
                Object::new()
                    .with("entry", number(*entry))
                    .with("why", clean(why)),
            )
        });
        let format = match self.format {
            Some(Format::Sha256) => "sha256",
            _ => "sha1",
        };
        Object::new()
            .with("format", format)
            .with(
                "policies",
                self.policies.iter().map(text).collect::<Vec<_>>(),
            )
            .with("entries", entries.collect::<Vec<_>>())
            .with("receipts", receipts.collect::<Vec<_>>())
            .with("missing", missing.collect::<Vec<_>>())
            .into()
    }
}

/// The receipts that stand in a model, by the number they are about.
///
/// # Errors
/// What is not as it must be.
pub fn receipts(value: &Value) -> Result<Vec<(u64, Proof)>, String> {
    let object = value.as_object().ok_or("proofs are no object")?;
    let list = |name: &str| {
        let list = object.get(name).and_then(Value::as_array);
        list.ok_or_else(|| format!("proofs have no list '{name}'"))
    };
    let format = match object.get("format").and_then(Value::as_str) {
        Some("sha1") => Format::Sha1,
        Some("sha256") => Format::Sha256,
        _ => return Err("the format of the proofs is not known".to_owned()),
    };
    let policies = list("policies")?.iter().map(Value::as_str);
    let policies: Option<Vec<String>> = policies.map(|text| text.map(str::to_owned)).collect();
    let policies = policies.ok_or("a policy is no text")?;
    let entries = list("entries")?.iter().map(shown);
    let entries: Option<Vec<Shown>> = entries.collect();
    let entries = entries.ok_or("an entry of the proofs is not as it must be")?;
    let receipts = list("receipts")?;
    if receipts.len() > MOST {
        return Err(format!("{} receipts, more than {MOST}", receipts.len()));
    }
    let one = |receipt: &Value| {
        let receipt = receipt.as_object()?;
        let entry = u64::try_from(receipt.get("entry")?.as_integer()?).ok()?;
        let shows = receipt.get("shows")?.as_array()?.iter().map(|at| {
            let at = usize::try_from(at.as_integer()?).ok()?;
            entries.get(at).cloned()
        });
        let claim = Claim::Receipt {
            entry,
            entries: shows.collect::<Option<Vec<_>>>()?,
        };
        let policies = policies.clone();
        Some((
            entry,
            Proof {
                format,
                policies,
                claim,
            },
        ))
    };
    let all: Option<Vec<(u64, Proof)>> = receipts.iter().map(one).collect();
    all.ok_or_else(|| "a receipt is not as it must be".to_owned())
}

/// Every receipt judged by the fingerprint.
///
/// # Errors
/// As [`receipts`].
pub fn judge(value: &Value, fingerprint: Option<Hash>) -> Result<Vec<(u64, Judgement)>, String> {
    let receipts = receipts(value)?.into_iter();
    Ok(receipts
        .map(|(entry, proof)| (entry, proof.judge(fingerprint)))
        .collect())
}

fn shown(value: &Value) -> Option<Shown> {
    let object = value.as_object()?;
    let path = object.get("path")?.as_array()?.iter().map(|hash| {
        let bytes = BASE64.decode(hash.as_str()?).ok()?;
        Hash::try_from(bytes).ok()
    });
    Some(Shown {
        commit: object.get("commit")?.as_str()?.to_owned(),
        path: path.collect::<Option<Vec<_>>>()?,
    })
}
