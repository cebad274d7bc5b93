//! Webhooks and system hooks of GitLab: `com.gitlab.<kind>.<action>`, one event a delivery.
//!
//! The body says itself what it is (`object_kind`, or `event_name` of system hooks), so the header's
//! name is not asked. The action is what the kind has for one: `object_attributes.action`, or the
//! status of a pipeline, a job, a deployment.
//!
//! Source: GitLab 17 "Webhook events", "System hooks"; the GitLab adapter of CloudEvents for the
//! names (`build` is `job` there).

use super::reduce::{self, filled, reduce, string};
use super::{Delivery, Fault, Reduced, action, payload, plain_name, source, text};
use crate::event::Event;
use crate::json::Object;

/// What is kept of one kind.
struct Row {
    /// Kinds, as the type names them.
    kinds: &'static str,
    /// Paths to the action, the first that is there.
    action: &'static str,
    /// Patterns of the subject.
    subject: &'static str,
    /// Paths to when it happened.
    time: &'static str,
    /// What is kept.
    keep: &'static str,
}

/// What is taken of members that any kind can have.
const KEEP: &str = "object_kind event_name user_id user_username user.id user.username project_id \
    project.id project.path_with_namespace project.visibility_level group.id group.full_path group_id";

/// All kinds that are known.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { kinds: "push tag_push", action: "", subject: "{ref}", time: "",
        keep: "ref before after checkout_sha ref_protected total_commits_count commits# push_options%" },
    Row { kinds: "repository_update", action: "", subject: "{project.path_with_namespace}", time: "",
        keep: "refs changes[].ref changes#" },
    Row { kinds: "merge_request", action: "object_attributes.action", subject: "!{object_attributes.iid}",
        time: "object_attributes.updated_at",
        keep: "object_attributes.id object_attributes.iid object_attributes.state object_attributes.action \
            object_attributes.title~ object_attributes.url object_attributes.source_branch \
            object_attributes.target_branch object_attributes.source_project_id object_attributes.target_project_id \
            object_attributes.author_id object_attributes.draft object_attributes.merge_status \
            object_attributes.detailed_merge_status object_attributes.merge_commit_sha \
            object_attributes.squash_commit_sha object_attributes.oldrev object_attributes.last_commit.id \
            object_attributes.head_pipeline_id object_attributes.blocking_discussions_resolved \
            object_attributes.source.path_with_namespace object_attributes.target.path_with_namespace \
            labels[].title assignees[].username reviewers[].username \
            changes.state_id.previous changes.state_id.current changes.target_branch.previous \
            changes.target_branch.current changes.draft.previous changes.draft.current" },
    Row { kinds: "issue work_item", action: "object_attributes.action", subject: "#{object_attributes.iid}",
        time: "object_attributes.updated_at",
        keep: "object_attributes.id object_attributes.iid object_attributes.state object_attributes.action \
            object_attributes.title~ object_attributes.url object_attributes.type object_attributes.confidential \
            object_attributes.severity object_attributes.closed_at labels[].title assignees[].username" },
    Row { kinds: "note", action: "object_attributes.noteable_type",
        subject: "!{merge_request.iid}|#{issue.iid}|{commit.id}", time: "object_attributes.updated_at",
        keep: "object_attributes.id object_attributes.noteable_type object_attributes.noteable_id \
            object_attributes.url object_attributes.action object_attributes.commit_id object_attributes.system \
            merge_request.iid issue.iid commit.id snippet.id" },
    Row { kinds: "pipeline", action: "object_attributes.status", subject: "{object_attributes.ref}",
        time: "object_attributes.finished_at object_attributes.created_at",
        keep: "object_attributes.id object_attributes.iid object_attributes.name~ object_attributes.ref \
            object_attributes.tag object_attributes.sha object_attributes.before_sha object_attributes.source \
            object_attributes.status object_attributes.detailed_status object_attributes.stages \
            object_attributes.created_at object_attributes.finished_at object_attributes.duration \
            object_attributes.protected_ref object_attributes.url merge_request.iid merge_request.source_branch \
            merge_request.target_branch builds[].name builds#" },
    Row { kinds: "job", action: "build_status", subject: "{build_name}",
        time: "build_finished_at_iso build_finished_at build_started_at build_created_at",
        keep: "ref tag sha before_sha build_id build_name build_stage build_status build_created_at \
            build_started_at build_finished_at build_allow_failure build_failure_reason retries_count \
            pipeline_id project_name runner.id runner.runner_type runner.is_shared environment.name \
            environment.action environment.deployment_tier" },
    Row { kinds: "deployment", action: "status", subject: "{environment}", time: "status_changed_at",
        keep: "status status_changed_at deployment_id deployable_id deployable_url environment environment_slug \
            environment_tier environment_external_url short_sha ref" },
    Row { kinds: "release", action: "action", subject: "{tag}", time: "released_at created_at",
        keep: "id action tag name~ url created_at released_at commit.id assets.count" },
    Row { kinds: "feature_flag", action: "", subject: "{object_attributes.name}", time: "",
        keep: "object_attributes.id object_attributes.name object_attributes.active" },
    Row { kinds: "wiki_page", action: "object_attributes.action", subject: "{object_attributes.slug}", time: "",
        keep: "object_attributes.slug object_attributes.action object_attributes.url" },
    Row { kinds: "milestone", action: "action", subject: "{object_attributes.title}",
        time: "object_attributes.updated_at",
        keep: "action object_attributes.id object_attributes.iid object_attributes.title~ object_attributes.state" },
    Row { kinds: "emoji", action: "", subject: "{object_attributes.awardable_type}", time: "",
        keep: "object_attributes.id object_attributes.awardable_type object_attributes.awardable_id" },
    Row { kinds: "access_token", action: "event_name", subject: "{object_attributes.name}", time: "",
        keep: "object_attributes.id object_attributes.name object_attributes.user_id object_attributes.created_at \
            object_attributes.expires_at" },
    Row { kinds: "vulnerability", action: "object_attributes.state", subject: "{object_attributes.title}",
        time: "object_attributes.updated_at",
        keep: "object_attributes.id object_attributes.url object_attributes.title~ object_attributes.state \
            object_attributes.severity object_attributes.report_type object_attributes.dismissed_at \
            object_attributes.dismissed_by_id object_attributes.resolved_at object_attributes.confirmed_at \
            object_attributes.cvss[].vector object_attributes.identifiers[].external_id" },
    Row { kinds: "resource_deploy_token", action: "event_name", subject: "{object_attributes.name}", time: "",
        keep: "object_attributes.id object_attributes.name object_attributes.expires_at" },
    // system hooks: flat, one name for each
    Row { kinds: "user_add_to_team user_remove_from_team user_update_for_team user_add_to_group \
            user_remove_from_group user_update_for_group user_access_request_to_group \
            user_access_request_denied_for_group user_access_request_to_project \
            user_access_request_denied_for_project",
        action: "", subject: "{user_username}", time: "updated_at created_at",
        keep: "access_level group_access project_access project_path_with_namespace project_visibility group_name \
            group_path group_plan expires_at created_at updated_at" },
    Row { kinds: "project_create project_destroy project_rename project_transfer project_update", action: "",
        subject: "{path_with_namespace}", time: "updated_at created_at",
        keep: "path_with_namespace old_path_with_namespace project_visibility project_namespace_id \
            owners[].name created_at updated_at" },
    Row { kinds: "group_create group_destroy group_rename subgroup_create subgroup_destroy", action: "",
        subject: "{full_path}|{path}|{group_path}", time: "updated_at created_at",
        keep: "path full_path old_path old_full_path parent_group_id parent_path created_at updated_at" },
    Row { kinds: "user_create user_destroy user_rename user_failed_login", action: "", subject: "{username}",
        time: "updated_at created_at", keep: "username old_username state created_at updated_at" },
    Row { kinds: "key_create key_destroy", action: "", subject: "{username}", time: "created_at",
        keep: "id username created_at" },
];

/// The event of a delivery.
pub(super) fn event(delivery: &Delivery<'_>) -> Result<Event, Fault> {
    let payload = payload(delivery.body)?;
    let name = string(&payload, "object_kind")
        .or_else(|| string(&payload, "event_name"))
        .or_else(|| string(&payload, "event_type"))
        .ok_or(Fault::Nameless)?;
    let kind = match plain_name(name)? {
        "build" => "job",
        name => name,
    };
    let of = |row: &&Row| {
        row.kinds
            .split_ascii_whitespace()
            .any(|known| known == kind)
    };
    let row = ROWS.iter().find(of);
    let known = row.map_or("action object_attributes.action", |row| row.action);
    let word = known
        .split_ascii_whitespace()
        .find_map(|path| string(&payload, path));
    let mut data = reduce(&payload, KEEP);
    for (name, value) in row
        .map(|row| reduce(&payload, row.keep))
        .iter()
        .flat_map(Object::iter)
    {
        data.set(name, value.clone());
    }
    let subject = row.and_then(|row| row.subject.split('|').find_map(|p| filled(&payload, p)));
    let kind = match word {
        Some(word) => {
            data.set("action", text::name(word));
            format!("com.gitlab.{kind}.{}", action(&snake(word)))
        }
        None => format!("com.gitlab.{kind}"),
    };
    Reduced {
        kind,
        source: source(
            delivery.base,
            &[
                string(&payload, "project.web_url"),
                string(&payload, "repository.homepage"),
                string(&payload, "group.web_url"),
            ],
            "urn:gitlab",
        ),
        id: None,
        subject: subject.or_else(|| filled(&payload, "{project.path_with_namespace}")),
        time: row.and_then(|row| reduce::time(&payload, row.time)),
        data,
        body: delivery.body,
    }
    .event()
}

/// `MergeRequest` as `merge_request`.
fn snake(word: &str) -> String {
    let mut out = String::new();
    for c in word.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
