//! The event that started a run, as the CI system left it in a file: reduced by allow-list to what
//! tells what happened, with the digest of the whole.
//!
//! Texts that people write (titles, messages, bodies), addresses of e-mail and whatever is not
//! named here stay outside.

use super::value::Facts;
use crate::json::{JsonFault, MAX_INTEGER, Object, Value, foreign};
use crate::merkle;

/// The largest payload that is read, in bytes: more than any forge sends.
pub const LONGEST: usize = 25 << 20;

/// The members that are taken, dotted where they nest.
const TAKEN: &[&str] = &[
    "action",
    "number",
    "before",
    "after",
    "forced",
    "created",
    "deleted",
    "ref",
    "ref_type",
    "repository.full_name",
    "sender.login",
    "sender.type",
    "pull_request.number",
    "pull_request.state",
    "pull_request.draft",
    "pull_request.merged",
    "pull_request.merge_commit_sha",
    "pull_request.user.login",
    "pull_request.merged_by.login",
    "pull_request.head.ref",
    "pull_request.head.sha",
    "pull_request.head.repo.full_name",
    "pull_request.base.ref",
    "pull_request.base.sha",
    "pull_request.base.repo.full_name",
    "review.state",
    "review.commit_id",
    "review.user.login",
    "deployment.id",
    "deployment.environment",
    "deployment.ref",
    "deployment.sha",
    "deployment.task",
    "deployment_status.state",
    "deployment_status.environment",
    "workflow_run.id",
    "workflow_run.name",
    "workflow_run.run_number",
    "workflow_run.run_attempt",
    "workflow_run.event",
    "workflow_run.status",
    "workflow_run.conclusion",
    "workflow_run.head_sha",
    "workflow_run.head_branch",
    "workflow_run.head_repository.full_name",
    "workflow_run.actor.login",
    "release.tag_name",
    "release.draft",
    "release.prerelease",
    "merge_group.head_sha",
    "merge_group.base_sha",
    "merge_group.base_ref",
];

/// What is recorded of a payload: `digest` and `bytes` of the whole, and the members that are
/// taken. A payload that cannot be read has `unread`, with why.
pub fn reduce(body: &[u8]) -> Object {
    let whole = whole(body);
    match read(body) {
        Ok(facts) => {
            let mut object = facts.finish();
            for (name, value) in whole.iter() {
                object.set(name, value.clone());
            }
            object
        }
        Err(_) => whole.with("unread", "malformed"),
    }
}

/// What is recorded of a payload that is too large to be read.
pub fn too_large(bytes: u64) -> Object {
    Object::new()
        .with("bytes", size(bytes))
        .with("unread", "tooLarge")
}

fn whole(body: &[u8]) -> Object {
    let digest = merkle::hex(&merkle::sha256(body));
    Object::new()
        .with("digest", format!("sha256:{digest}"))
        .with("bytes", size(body.len() as u64))
}

fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).map_or(MAX_INTEGER, |bytes| bytes.min(MAX_INTEGER))
}

fn read(body: &[u8]) -> Result<Facts, JsonFault> {
    let value = foreign::read(body)?;
    if value.as_object().is_none() {
        return Err(JsonFault::Malformed("not an object".into()));
    }
    let mut facts = Facts::of_payload();
    for path in TAKEN {
        let mut found = Some(&value);
        for name in path.split('.') {
            found = found.and_then(|value| value.as_object()?.get(name));
        }
        match found {
            Some(Value::String(text)) => facts.text(path, Some(text.as_bytes().to_vec())),
            Some(value @ (Value::Integer(_) | Value::Bool(_))) => facts.value(path, value.clone()),
            // what should be a text and is a tree says nothing that we know
            _ => {}
        }
    }
    Ok(facts)
}
