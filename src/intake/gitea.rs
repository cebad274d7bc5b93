//! Webhooks of Gitea and Forgejo: `io.gitea.<event>.<action>`, one event a delivery.
//!
//! Forgejo sends Gitea's payloads under Gitea's names, and its own beside them; both get one family
//! of types. As with GitHub, the name stands in a header that no signature covers.
//!
//! Source: the documentation of Gitea 1.22 and Forgejo 9 on webhooks, and their `api.*Payload`.

use super::reduce::{self, filled, reduce, string};
use super::row::{self, Row, acts, plain};
use super::{Delivery, Fault, Reduced, action, payload, plain_name, source, text};
use crate::event::Event;

/// What is taken of members that any event can have.
const KEEP: &str = "repository.full_name repository.id repository.private repository.internal \
    organization.username organization.id sender@";

const PULL: &str = "number changes.ref.from requested_reviewer@ review.type commit_id \
    pull_request.id pull_request.number pull_request.state pull_request.title~ pull_request.html_url \
    pull_request.user@ pull_request.draft pull_request.merged pull_request.merged_at \
    pull_request.merged_by@ pull_request.merge_commit_sha pull_request.merge_base \
    pull_request.head.ref pull_request.head.sha pull_request.head.repo.full_name \
    pull_request.base.ref pull_request.base.sha pull_request.base.repo.full_name \
    pull_request.labels[].name pull_request.assignees[].login pull_request.requested_reviewers[].login";

const ISSUE: &str = "number issue.id issue.number issue.state issue.title~ issue.html_url issue.user@ \
    issue.labels[].name issue.assignees[].login issue.closed_at comment.id comment.html_url comment.user@ is_pull";

/// All events that are known. Those of a family (`pull_request_label`) have the row of its head.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    plain("push", "ref before after commits", "{ref}", "",
        "ref before after compare_url total_commits commits# head_commit.id head_commit.timestamp pusher@")
        .with("secret"),
    plain("create", "ref ref_type sha", "{ref}", "", "ref ref_type sha").with("secret"),
    plain("delete", "ref ref_type pusher_type", "{ref}", "", "ref ref_type pusher_type").with("secret"),
    plain("fork", "forkee", "{repository.full_name}", "",
        "forkee.full_name forkee.id forkee.private repository.owner@").with("secret"),
    acts("pull_request", "number pull_request", "#{number}", "pull_request.updated_at", PULL)
        .with("secret changes review"),
    acts("issue_comment", "issue comment", "#{issue.number}", "comment.updated_at", ISSUE).with("secret changes"),
    acts("issues", "issue number", "#{number}", "issue.updated_at", ISSUE).with("secret changes"),
    acts("release", "release", "{release.tag_name}", "release.published_at release.created_at",
        "release.id release.tag_name release.target_commitish release.name~ release.draft release.prerelease \
         release.html_url release.author@ release.created_at release.published_at release.assets[].name")
        .with("secret"),
    acts("repository", "repository", "{repository.full_name}", "",
        "repository.owner@ repository.default_branch repository.archived repository.html_url").with("secret"),
    acts("package", "package", "{package.name}", "package.created_at",
        "package.id package.name package.version package.type package.creator@ package.owner@ package.html_url"),
    acts("wiki", "page", "{page}", "", "page").with("secret comment"),
    acts("workflow_run", "workflow_run", "{workflow_run.name}|{workflow.name}", "workflow_run.completed_at \
         workflow_run.started_at", "workflow.id workflow.name workflow.path workflow_run.id workflow_run.run_number \
         workflow_run.run_attempt workflow_run.event workflow_run.status workflow_run.conclusion \
         workflow_run.head_branch workflow_run.head_sha workflow_run.html_url workflow_run.path workflow_run.actor@"),
    acts("workflow_job", "workflow_job", "{workflow_job.name}", "workflow_job.completed_at workflow_job.started_at",
        "workflow_job.id workflow_job.run_id workflow_job.run_attempt workflow_job.name workflow_job.head_branch \
         workflow_job.head_sha workflow_job.status workflow_job.conclusion workflow_job.html_url \
         workflow_job.runner_id workflow_job.runner_name workflow_job.labels"),
    plain("status", "sha state context", "{context}", "updated_at",
        "id sha state context target_url created_at updated_at").with("description branches commit"),
    acts("action_run_failure", "run", "{run.title}", "run.stopped", ACTION_RUN),
    acts("action_run_recover", "run", "{run.title}", "run.stopped", ACTION_RUN),
    acts("action_run_success", "run", "{run.title}", "run.stopped", ACTION_RUN),
];

const ACTION_RUN: &str = "run.id run.index_in_repo run.title~ run.workflow_id run.status run.prettyref run.commit_sha \
    run.event run.trigger_event run.trigger_user@ run.html_url run.started run.stopped run.is_fork_pull_request \
    prior_status";

/// The event of a delivery.
pub(super) fn event(delivery: &Delivery<'_>) -> Result<Event, Fault> {
    let payload = payload(delivery.body)?;
    let name = match delivery.kind {
        Some(name) => plain_name(name)?,
        None => row::only(ROWS, &payload).ok_or(Fault::Nameless)?,
    };
    // pull_request_approved, issue_label and the like are told of with the payload of their head
    let head = match name {
        name if name.starts_with("pull_request_comment") => "issue_comment",
        name if name.starts_with("pull_request") => "pull_request",
        "issue_comment" => "issue_comment",
        name if name.starts_with("issue") => "issues",
        name => name,
    };
    let row = ROWS.iter().find(|row| row.event == head);
    if let Some(missing) = row.and_then(|row| row.missing(&payload)) {
        return Err(Fault::Misnamed(format!(
            "it is said to be the event '{name}', and has no '{missing}'"
        )));
    }
    let mut data = reduce(&payload, KEEP);
    let kind = match string(&payload, "action") {
        Some(word) => {
            data.set("action", text::name(word));
            format!("io.gitea.{name}.{}", action(word))
        }
        None => format!("io.gitea.{name}"),
    };
    for (name, value) in row
        .map(|row| reduce(&payload, row.keep))
        .iter()
        .flat_map(|kept| kept.iter())
    {
        data.set(name, value.clone());
    }
    let subject = row.and_then(|row| row.subject.split('|').find_map(|p| filled(&payload, p)));
    Reduced {
        kind,
        source: source(
            delivery.base,
            &[string(&payload, "repository.html_url")],
            "urn:gitea",
        ),
        id: None,
        subject: subject.or_else(|| filled(&payload, "{repository.full_name}")),
        time: row.and_then(|row| reduce::time(&payload, row.time)),
        data,
        body: delivery.body,
    }
    .event()
}
