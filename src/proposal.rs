//! A proposed policy that admins hand from one to the next until enough of them agree.
//!
//! A proposal is one file: the entry that set the policy in force, the new `ledger.toml`, the
//! event that will record the change, and the agreements so far. All but the agreements follows
//! from the two policies, so whoever carries the file can change nothing in it unseen. How it
//! stands in a ledger is told by [`Proposal::objections`]; whether enough agree by
//! [`trust::count`].
//!
//! Source: `ledger-spec/policy.md`, "Proposals".

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::entry::{Approval, parse_hex};
use crate::event::{Event, EventFault, POLICY_CHANGED};
use crate::finding::Finding;
use crate::json::{JsonFault, MAX_INTEGER, Object, Value};
use crate::merkle::{self, Hash};
use crate::policy::Policy;
use crate::principal::Principal;
use crate::signature::Signature;
use crate::trust;

/// The largest file, in bytes: a policy of 1 MiB, escaped, and what an entry can hold beside it.
pub const MAX_BYTES: usize = 3 << 20;
/// What the file says it is.
pub const FORMAT: &str = "git-ledger proposal 1";
/// All signatures together, in bytes: they must fit into an entry.
const MAX_SIGNATURES: usize = 48 << 10;
/// Lines of a policy's change that the event holds, and their bytes.
const MOST_LINES: usize = 100;
const MOST_LINE_BYTES: usize = 16 << 10;

/// Why bytes are no proposal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposalFault {
    /// Larger than [`MAX_BYTES`].
    #[error("{0} bytes, more than a proposal may have ({MAX_BYTES})")]
    TooLarge(usize),
    /// A later form of the file.
    #[error("it says it is {0:?}, and this program knows {FORMAT:?}")]
    Format(String),
    /// Not the members a proposal has, or a value outside its rule.
    #[error("{0}")]
    Malformed(String),
    /// A proposal in another spelling than its one.
    #[error("not in canonical form (RFC 8785) with one line feed behind it")]
    NonCanonical,
    /// The policy it proposes breaks a rule.
    #[error("the proposed policy breaks a rule: {}: {}", .0.id, .0.detail)]
    Policy(Finding),
}

/// The entry that set the policy in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base {
    /// Its number.
    pub number: u64,
    /// Its digest.
    pub digest: Hash,
}

/// A proposed policy with the agreements so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The id of the ledger it is for.
    pub ledger: String,
    /// What it builds on.
    pub base: Base,
    /// The policy that is proposed.
    pub policy: Policy,
    /// The event that records the change.
    pub event: Event,
    /// Who agrees, ascending by principal, none twice; unjudged.
    pub approvals: Vec<Approval>,
}

/// Why a proposal cannot be agreed to, or applied, in a ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// It is for another ledger.
    #[error("it is for the ledger {there}, and this is {here}")]
    OtherLedger {
        /// The id of this ledger.
        here: String,
        /// The id in the proposal.
        there: String,
    },
    /// Another entry set the policy in force here.
    #[error("it builds on entry {}, which did not set the policy in force here", .0.number)]
    OtherBase(Base),
    /// It proposes what is in force.
    #[error("it proposes the policy that is in force")]
    NoChange,
    /// Its event is not the one that follows from the change.
    #[error("its event tells another change than its policy makes")]
    OtherEvent,
    /// The policy may not follow the one in force.
    #[error("the proposed policy breaks a rule: {}: {}", .0.id, .0.detail)]
    Rule(Finding),
    /// An approval does not hold.
    #[error("an approval does not hold: {}: {}", .0.id, .0.detail)]
    Approval(Finding),
}

/// Reads a proposal; never panics, whatever the bytes.
///
/// # Errors
/// The first thing that is wrong with it in itself.
pub fn parse(bytes: &[u8]) -> Result<Proposal, ProposalFault> {
    if bytes.len() > MAX_BYTES {
        return Err(ProposalFault::TooLarge(bytes.len()));
    }
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let value = Value::parse(line).map_err(|why| match why {
        JsonFault::Malformed(why) => malformed(format!("it is no JSON that a ledger takes: {why}")),
        JsonFault::NonCanonical => ProposalFault::NonCanonical,
    })?;
    let proposal = Proposal::read(&value)?;
    if proposal.to_text().as_bytes() == bytes {
        Ok(proposal)
    } else {
        Err(ProposalFault::NonCanonical)
    }
}

impl Proposal {
    /// Proposes that `after` follow `before`, which the entry `base` set; nobody agrees yet.
    ///
    /// # Errors
    /// When the change makes no event a ledger takes.
    pub fn new(before: &Policy, base: Base, after: Policy) -> Result<Proposal, EventFault> {
        Ok(Proposal {
            ledger: before.id.clone(),
            base,
            event: event(before, &after, &base.digest)?,
            policy: after,
            approvals: Vec::new(),
        })
    }

    /// The one spelling of the file.
    pub fn to_text(&self) -> String {
        let approvals = self.approvals.iter().map(|approval| {
            let object = Object::new()
                .with("principal", approval.principal.as_str())
                .with("signature", BASE64.encode(&approval.blob));
            Value::from(object)
        });
        let number = i64::try_from(self.base.number).unwrap_or(MAX_INTEGER);
        let base = Object::new()
            .with(
                "digest",
                format!("sha256:{}", merkle::hex(&self.base.digest)),
            )
            .with("number", Value::Integer(number));
        let object = Object::new()
            .with("approvals", approvals.collect::<Vec<_>>())
            .with("base", base)
            .with("event", self.event.object().clone())
            .with("format", FORMAT)
            .with("ledger", self.ledger.as_str())
            .with("policy", self.policy.to_toml());
        Value::from(object).to_canonical() + "\n"
    }

    /// What an admin signs to agree.
    pub fn approval_text(&self) -> String {
        trust::approval_text(&self.ledger, &self.base.digest, &self.policy.digest())
    }

    /// Why nobody should agree to it, or apply it, in a ledger where the entry `base` set the
    /// policy in force and the next entry has this number; the first cause first.
    pub fn objections(&self, before: &Policy, base: &Base, next: u64) -> Vec<Objection> {
        if self.ledger != before.id {
            return vec![Objection::OtherLedger {
                here: before.id.clone(),
                there: self.ledger.clone(),
            }];
        }
        if self.base != *base {
            return vec![Objection::OtherBase(self.base)];
        }
        if self.policy == *before {
            return vec![Objection::NoChange];
        }
        let rules = self.policy.follows(before, next);
        let mut objections: Vec<Objection> = rules.into_iter().map(Objection::Rule).collect();
        if event(before, &self.policy, &base.digest).as_ref() != Ok(&self.event) {
            objections.push(Objection::OtherEvent);
        }
        let text = self.approval_text();
        let approvals = self.approvals.iter();
        objections.extend(approvals.filter_map(|approval| {
            let fault = trust::approves(before, approval, &text).err()?;
            Some(Objection::Approval(fault))
        }));
        objections
    }

    /// Who agrees, by the approvals and by signing the entry.
    pub fn agreed<'a>(&'a self, signer: Option<&'a Principal>) -> BTreeSet<&'a Principal> {
        let approvals = self.approvals.iter().map(|approval| &approval.principal);
        approvals.chain(signer).collect()
    }

    /// Puts an approval in its place. One by the same principal stays as it is.
    pub fn add(&mut self, approval: Approval) {
        if let Err(at) = self
            .approvals
            .binary_search_by(|other| other.principal.cmp(&approval.principal))
        {
            self.approvals.insert(at, approval);
        }
    }

    /// Whether both propose the same, whoever agrees.
    pub fn is_same_as(&self, other: &Proposal) -> bool {
        (&self.ledger, &self.base, &self.policy, &self.event)
            == (&other.ledger, &other.base, &other.policy, &other.event)
    }

    fn read(value: &Value) -> Result<Proposal, ProposalFault> {
        let object = value
            .as_object()
            .ok_or_else(|| malformed("it is no JSON object"))?;
        if let Some(format) = object.get("format").and_then(Value::as_str)
            && format != FORMAT
            && format.starts_with("git-ledger proposal ")
        {
            return Err(ProposalFault::Format(format.to_owned()));
        }
        let names = ["approvals", "base", "event", "format", "ledger", "policy"];
        members(object, "a proposal", &names)?;
        if text(object, "format")? != FORMAT {
            return Err(malformed(format!("format is not {FORMAT:?}")));
        }
        let ledger = text(object, "ledger")?.to_owned();
        let policy =
            Policy::parse(text(object, "policy")?.as_bytes()).map_err(ProposalFault::Policy)?;
        let event = match object.get("event") {
            Some(Value::Object(event)) => Event::from_object(event.clone())
                .map_err(|why| malformed(format!("its event: {why}")))?,
            _ => return Err(malformed("event is no object")),
        };
        if event.kind() != POLICY_CHANGED {
            return Err(malformed(format!("its event is not a {POLICY_CHANGED}")));
        }
        Ok(Proposal {
            ledger,
            base: base(object)?,
            policy,
            event,
            approvals: approvals(object)?,
        })
    }
}

/// The event that records that `after` follows `before`, which the entry with the digest `set_by`
/// set. It is wholly derived, so two admins who propose one change propose one event.
///
/// # Errors
/// When a policy holds what no event can.
pub fn event(before: &Policy, after: &Policy, set_by: &Hash) -> Result<Event, EventFault> {
    let text = trust::approval_text(&before.id, set_by, &after.digest());
    let id: String = merkle::hex(&merkle::sha256(text.as_bytes()));
    let lines: Vec<Value> = difference(&before.to_toml(), &after.to_toml())
        .into_iter()
        .map(Value::from)
        .collect();
    let data = Object::new()
        .with("after", format!("sha256:{}", merkle::hex(&after.digest())))
        .with(
            "before",
            format!("sha256:{}", merkle::hex(&before.digest())),
        )
        .with("difference", lines);
    let object = Object::new()
        .with("specversion", "1.0")
        .with("type", POLICY_CHANGED)
        .with("id", id)
        .with("source", format!("urn:git-ledger:{}", before.id))
        .with("subject", after.name.as_str())
        .with("data", data);
    Event::from_object(object)
}

/// Lines with `-` that go, and with `+` that come: what lies between the common beginning and the
/// common end of two texts, as much of it as an event should hold.
fn difference(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old
        .iter()
        .skip(head)
        .rev()
        .zip(new.iter().skip(head).rev())
        .take_while(|(a, b)| a == b)
        .count();
    let middle = |lines: &[&str], sign: &str| -> Vec<String> {
        lines
            .iter()
            .skip(head)
            .take(lines.len().saturating_sub(head.saturating_add(tail)))
            .map(|line| format!("{sign}{line}"))
            .collect()
    };
    let mut room = MOST_LINE_BYTES;
    middle(&old, "-")
        .into_iter()
        .chain(middle(&new, "+"))
        .take(MOST_LINES)
        .take_while(|line| {
            let left = room.checked_sub(line.len());
            room = left.unwrap_or_default();
            left.is_some()
        })
        .collect()
}

fn malformed(why: impl Into<String>) -> ProposalFault {
    ProposalFault::Malformed(why.into())
}

/// Exactly these members, in canonical order.
fn members(object: &Object, what: &str, names: &[&str]) -> Result<(), ProposalFault> {
    let unknown = object.iter().find(|(name, _)| !names.contains(name));
    if let Some((name, _)) = unknown {
        return Err(malformed(format!("{what} has no member {name:?}")));
    }
    match names.iter().find(|name| object.get(name).is_none()) {
        Some(name) => Err(malformed(format!("{what} without {name:?}"))),
        None => Ok(()),
    }
}

fn text<'a>(object: &'a Object, name: &str) -> Result<&'a str, ProposalFault> {
    let value = object.get(name).and_then(Value::as_str);
    value.ok_or_else(|| malformed(format!("{name} is no string")))
}

fn base(object: &Object) -> Result<Base, ProposalFault> {
    let object = object
        .get("base")
        .and_then(Value::as_object)
        .ok_or_else(|| malformed("base is no object"))?;
    members(object, "base", &["digest", "number"])?;
    let number = object.get("number").and_then(Value::as_integer);
    Ok(Base {
        number: number
            .and_then(|number| u64::try_from(number).ok())
            .ok_or_else(|| malformed("number of base is no number of an entry"))?,
        digest: text(object, "digest")?
            .strip_prefix("sha256:")
            .and_then(parse_hex)
            .ok_or_else(|| malformed("digest of base is not sha256: and 64 hex digits"))?,
    })
}

fn approvals(object: &Object) -> Result<Vec<Approval>, ProposalFault> {
    let items = object
        .get("approvals")
        .and_then(Value::as_array)
        .ok_or_else(|| malformed("approvals is no array"))?;
    let (mut approvals, mut room) = (Vec::<Approval>::new(), MAX_SIGNATURES);
    for item in items {
        let item = item
            .as_object()
            .ok_or_else(|| malformed("an approval is no object"))?;
        members(item, "an approval", &["principal", "signature"])?;
        let principal = text(item, "principal")?;
        let principal = Principal::parse(principal)
            .ok_or_else(|| malformed(format!("{principal:?} is no principal")))?;
        let blob = BASE64.decode(text(item, "signature")?).map_err(|why| {
            malformed(format!("the signature of {principal} is no base64: {why}"))
        })?;
        room = room
            .checked_sub(blob.len())
            .ok_or_else(|| malformed("more signatures than an entry can hold"))?;
        Signature::from_blob(&blob)
            .map_err(|why| malformed(format!("the signature of {principal}: {why}")))?;
        if approvals
            .last()
            .is_some_and(|last| last.principal >= principal)
        {
            let why = format!("{principal} stands twice or out of order among the approvals");
            return Err(malformed(why));
        }
        approvals.push(Approval { principal, blob });
    }
    Ok(approvals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(threshold: u64) -> Policy {
        let toml = format!(
            "spec = 1\nid = \"{}\"\nname = \"acme\"\n[admin]\nthreshold = {threshold}\n\
             [[signer]]\nprincipal = \"ann@acme\"\nkey = \"ssh-ed25519 \
             AAAAC3NzaC1lZDI1NTE5AAAAIAzAl9rACVXGsWy3YLyWFoMipJyyfQN2cG32+i1bOlxn\"\nroles = [\"admin\"]\n\
             [[signer]]\nprincipal = \"bob@acme\"\nkey = \"ssh-ed25519 \
             AAAAC3NzaC1lZDI1NTE5AAAAIJe65jgFnhxiQhcR1HGe6woV5oyHc2A5HxlA2taEga62\"\nroles = [\"admin\"]\n",
            "01".repeat(16)
        );
        Policy::parse(toml.as_bytes()).expect("a policy")
    }

    fn proposal() -> Proposal {
        let base = Base {
            number: 7,
            digest: [9; 32],
        };
        Proposal::new(&policy(1), base, policy(2)).expect("a proposal")
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = proposal().to_text();
        assert_eq!(parse(text.as_bytes()), Ok(proposal()));
        assert_eq!(proposal().objections(&policy(1), &proposal().base, 8), []);
    }

    #[test]
    fn every_other_spelling_is_refused() {
        let text = proposal().to_text();
        for (from, to) in [
            ("{\"approvals\":[]", "{\"approvals\": []"),
            ("\"approvals\":[]", "\"approvals\":[],\"aside\":1"),
            ("\"approvals\":[],", ""),
            ("\"number\":7", "\"number\":-7"),
            ("\"number\":7", "\"number\":7.0"),
            ("sha256:09", "sha256:0"),
            ("proposal 1", "proposal 2"),
            ("policy.changed\"", "push\""),
            ("threshold = 2\\n", "threshold = 3\\n"),
            ("threshold = 2\\n", "threshold  = 2\\n"),
            ("}\n", "}"),
            ("}\n", "}\n\n"),
        ] {
            let other = text.replacen(from, to, 1);
            assert_ne!(other, text, "{from}");
            let fault = parse(other.as_bytes()).expect_err(to);
            assert!(!fault.to_string().is_empty());
        }
        for end in 0..text.len() {
            assert!(parse(text.as_bytes().get(..end).unwrap_or_default()).is_err());
        }
    }

    #[test]
    fn what_it_builds_on_must_be_what_is_here() {
        let there = proposal();
        let mut elsewhere = there.base;
        elsewhere.number = 6;
        let objections = there.objections(&policy(1), &elsewhere, 8);
        assert_eq!(objections, [Objection::OtherBase(there.base)]);
        let objections = there.objections(&policy(2), &there.base, 8);
        assert_eq!(objections, [Objection::NoChange]);
        let mut told = proposal();
        told.event = event(&policy(2), &policy(1), &there.base.digest).expect("an event");
        let objections = told.objections(&policy(1), &there.base, 8);
        assert_eq!(objections, [Objection::OtherEvent]);
    }
}
