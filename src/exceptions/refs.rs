//! Pushes that rewrote or deleted, refs that moved unseen, deliveries that never came, and what
//! else is told of refs and their protection.

use std::collections::{BTreeMap, VecDeque};

use crate::event::{self, Event};
use crate::json::{Object, Value};

use super::people::at_members;
use super::{At, Exception, Kind};

/// Refs of one event that are looked at.
const MOST_REFS: usize = 1_000;
/// Pushes whose outcome is waited for.
const MOST: usize = 5_000;

/// Pushes that are told as exceptions, until it shows that they did not take place.
#[derive(Debug, Default)]
pub(super) struct Moves {
    places: BTreeMap<String, Vec<usize>>,
    order: VecDeque<String>,
}

impl Moves {
    /// Notes where an exception of a push is kept.
    pub(super) fn note(&mut self, event: &Event, place: Option<usize>) {
        let Some(place) = place else { return };
        let id = format!("{} {}", event.source(), event.id());
        if !self.places.contains_key(&id) {
            if self.order.len() >= MOST
                && let Some(oldest) = self.order.pop_front()
            {
                self.places.remove(&oldest);
            }
            self.order.push_back(id.clone());
        }
        self.places.entry(id).or_default().push(place);
    }

    /// The places of a push that did not take place.
    pub(super) fn undo(&mut self, of: &str) -> Vec<usize> {
        self.places.remove(of).unwrap_or_default()
    }
}

fn data(event: &Event) -> Option<&Object> {
    event.data()?.as_object()
}

fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

/// Source and id of the push that this one says did not take place.
pub(super) fn undone(event: &Event) -> Option<String> {
    let of = text(data(event)?, "of")?;
    Some(format!("{} {of}", event.source()))
}

/// Exceptions of a push, or of refs that an administrator moved.
pub(super) fn moved(at: At, event: &Event) -> Vec<Exception> {
    let Some(data) = data(event).filter(|data| data.get("of").is_none()) else {
        return Vec::new();
    };
    let who = at_members(
        event,
        &["data.certificate.signer", "data.pusher.user", "data.actor"],
    );
    let mut found = Vec::new();
    let refs = data.get("refs").and_then(Value::as_array);
    for moved in refs.unwrap_or_default().iter().take(MOST_REFS) {
        let Some(moved) = moved.as_object() else {
            continue;
        };
        let name = text(moved, "ref").unwrap_or("a ref whose name is not UTF-8");
        let old = text(moved, "old").unwrap_or_default();
        let new = text(moved, "new").unwrap_or_default();
        if moved.get("forced") == Some(&Value::Bool(true)) {
            let what = format!("{name} {}..{}", short(old), short(new));
            let why = "the new commit does not descend from the old one".to_owned();
            found.push(at.exception(Kind::ForcedPush, &what, who.clone(), why));
        } else if text(moved, "kind") == Some("delete") {
            let what = format!("{name}, was {}", short(old));
            let why = "the ref is gone; what only it held can be lost".to_owned();
            found.push(at.exception(Kind::DeletedRef, &what, who.clone(), why));
        }
    }
    let certificate = data.get("certificate").and_then(Value::as_object);
    let status = certificate.and_then(|certificate| text(certificate, "status"));
    let why = match status {
        Some("bad") => "the signature of the push does not fit",
        Some("unknown") => "the push was signed with a key that the policy does not know",
        Some("stale") => "the signature of the push can be one that was used before",
        _ => return found,
    };
    let what = event.subject().unwrap_or_default();
    found.push(at.exception(Kind::BadCertificate, what, who, why.to_owned()));
    found
}

/// Exceptions of events that are neither.
pub(super) fn told(at: At, event: &Event) -> Vec<Exception> {
    let kind = event.kind();
    let subject = event.subject().unwrap_or(event.source());
    let who = |members: &[&str]| at_members(event, members);
    let one =
        |kind, what: &str, who, why: &str| vec![at.exception(kind, what, who, why.to_owned())];
    match kind {
        event::GAP => gap(at, event),
        event::TAMPER_FOUND => one(
            Kind::TamperFound,
            subject,
            who(&["data.actor", "actor"]),
            Kind::TamperFound.sentence(),
        ),
        "com.github.push" => {
            let Some(data) = data(event) else {
                return Vec::new();
            };
            let is = |member: &str| data.get(member) == Some(&Value::Bool(true));
            let who = who(&["data.pusher.name", "data.sender.login"]);
            if is("forced") && !is("created") {
                let why = "the new commit does not descend from the old one";
                one(Kind::ForcedPush, subject, who, why)
            } else if is("deleted") {
                let why = "the ref is gone; what only it held can be lost";
                one(Kind::DeletedRef, subject, who, why)
            } else {
                Vec::new()
            }
        }
        "com.gitlab.push" | "com.gitlab.tag_push" => {
            let after = data(event).and_then(|data| text(data, "after"));
            if after.is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b == b'0')) {
                let who = who(&["data.user_username", "data.user.username"]);
                let why = "the ref is gone; what only it held can be lost";
                one(Kind::DeletedRef, subject, who, why)
            } else {
                Vec::new()
            }
        }
        "com.github.branch_protection_rule.deleted"
        | "com.github.branch_protection_configuration.disabled"
        | "com.github.repository_ruleset.deleted"
        | "com.github.audit.protected_branch.destroy"
        | "com.github.audit.protected_branch.policy_override"
        | "com.github.audit.repository_ruleset.destroy" => one(
            Kind::ProtectionLifted,
            subject,
            who(&["data.sender.login", "data.actor"]),
            "what the forge refused before it may let through now",
        ),
        _ => Vec::new(),
    }
}

/// Refs that moved unseen, or deliveries that are missing.
fn gap(at: At, event: &Event) -> Vec<Exception> {
    let Some(data) = data(event) else {
        // the refs stand in an attachment
        let what = event.subject().unwrap_or(event.source());
        let why = "which refs moved stands in the attachment".to_owned();
        return vec![at.exception(Kind::Gap, what, Vec::new(), why)];
    };
    if let Some(missing) = data.get("missing").and_then(Value::as_object) {
        let number = |name: &str| missing.get(name).and_then(Value::as_integer);
        let counter = text(data, "counter").unwrap_or_default();
        let how = text(data, "how").unwrap_or_default();
        let which = match (number("from"), number("to")) {
            (Some(from), Some(to)) if from == to => format!("number {from}"),
            (Some(from), Some(to)) => format!("numbers {from} to {to}"),
            _ => format!(
                "between {} and {}",
                short(text(missing, "left").unwrap_or_default()),
                short(text(missing, "found").unwrap_or_default())
            ),
        };
        let words = [event.source(), how, counter, &which];
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let why = "what the sender counts goes on after it, so it was sent or should have been";
        return vec![at.exception(
            Kind::FailedDelivery,
            &words.join(" "),
            Vec::new(),
            why.to_owned(),
        )];
    }
    let refs = data.get("refs").and_then(Value::as_array);
    let refs = refs.unwrap_or_default().iter().take(MOST_REFS);
    refs.filter_map(Value::as_object)
        .map(|moved| {
            let name = text(moved, "ref").unwrap_or("a ref whose name is not UTF-8");
            let (from, to) = (text(moved, "recorded"), text(moved, "found"));
            let what = match text(moved, "kind") {
                Some("create") => format!("{name} created at {}", short(to.unwrap_or_default())),
                Some("delete") => {
                    format!("{name} deleted, was {}", short(from.unwrap_or_default()))
                }
                _ => format!(
                    "{name} {}..{}",
                    short(from.unwrap_or_default()),
                    short(to.unwrap_or_default())
                ),
            };
            let why = match moved.get("forced") {
                Some(Value::Bool(true)) => "no hook saw it move, and it was rewritten",
                _ => "no hook saw it move: who moved it, and when, is not known",
            };
            at.exception(Kind::Gap, &what, Vec::new(), why.to_owned())
        })
        .collect()
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}
