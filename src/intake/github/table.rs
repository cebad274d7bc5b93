//! What is kept of each event of GitHub: the allow-list. An event without a row keeps the members
//! that all events have, and its digest.
//!
//! Free text that people write (bodies, comments, commit messages, descriptions) is not kept, and
//! neither are the inputs of workflows and the payloads of deployments: they can hold secrets.

use crate::intake::row::{Row, acts, plain};

/// All events that are known.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // code
    plain("push", "ref before after pusher commits", "{ref}", "repository.pushed_at",
        "ref before after created deleted forced base_ref pusher.name compare commits# head_commit.id \
         head_commit.tree_id head_commit.timestamp"),
    plain("create", "ref ref_type master_branch", "{ref}", "", "ref ref_type master_branch pusher_type")
        .with("description"),
    plain("delete", "ref ref_type", "{ref}", "", "ref ref_type pusher_type"),
    acts("merge_group", "merge_group", "{merge_group.head_ref}", "",
        "merge_group.head_sha merge_group.head_ref merge_group.base_sha merge_group.base_ref reason"),
    plain("status", "sha state context", "{context}", "updated_at",
        "id sha state context target_url created_at updated_at branches[].name").with("name commit description avatar_url"),
    acts("commit_comment", "comment", "{comment.commit_id}", "comment.updated_at",
        "comment.id comment.commit_id comment.path comment.line comment.user@ comment.html_url"),
    plain("fork", "forkee", "{forkee.full_name}", "forkee.created_at",
        "forkee.full_name forkee.id forkee.private forkee.visibility forkee.owner@"),
    plain("gollum", "pages", "{repository.full_name}", "", "pages[].page_name pages#"),

    // changes and their review
    acts("pull_request", "number pull_request", "#{number}", "pull_request.updated_at",
        "number before after label.name assignee@ requested_reviewer@ requested_team.slug changes* reason \
         pull_request.id pull_request.number pull_request.state pull_request.title~ pull_request.html_url \
         pull_request.user@ pull_request.draft pull_request.merged pull_request.merged_at \
         pull_request.merged_by@ pull_request.merge_commit_sha pull_request.locked \
         pull_request.head.ref pull_request.head.sha pull_request.head.repo.full_name \
         pull_request.base.ref pull_request.base.sha pull_request.base.repo.full_name \
         pull_request.labels[].name pull_request.assignees[].login pull_request.requested_reviewers[].login \
         pull_request.requested_teams[].slug pull_request.commits pull_request.additions \
         pull_request.deletions pull_request.changed_files pull_request.author_association \
         pull_request.auto_merge.merge_method milestone.title~"),
    acts("pull_request_review", "pull_request review", "#{pull_request.number}",
        "review.submitted_at pull_request.updated_at",
        "review.id review.state review.commit_id review.submitted_at review.user@ review.html_url \
         review.author_association pull_request.id pull_request.number pull_request.state \
         pull_request.html_url pull_request.user@ pull_request.head.ref pull_request.head.sha \
         pull_request.base.ref pull_request.base.sha changes*"),
    acts("pull_request_review_comment", "pull_request comment", "#{pull_request.number}", "comment.updated_at",
        "comment.id comment.commit_id comment.path comment.line comment.user@ comment.html_url \
         comment.pull_request_review_id pull_request.id pull_request.number pull_request.head.sha").with("changes"),
    acts("pull_request_review_thread", "pull_request thread", "#{pull_request.number}", "pull_request.updated_at",
        "thread.comments# thread.comments[].id pull_request.id pull_request.number pull_request.head.sha updated_at"),
    acts("issues", "issue", "#{issue.number}", "issue.updated_at",
        "issue.id issue.number issue.state issue.state_reason issue.title~ issue.html_url issue.user@ issue.locked \
         issue.labels[].name issue.assignees[].login issue.closed_at label.name assignee@ milestone.title~ \
         changes.new_repository.full_name changes.new_issue.number").with("changes"),
    acts("issue_comment", "issue comment", "#{issue.number}", "comment.updated_at",
        "comment.id comment.user@ comment.html_url issue.id issue.number issue.state").with("changes"),
    acts("discussion", "discussion", "discussion {discussion.number}", "discussion.updated_at",
        "discussion.id discussion.number discussion.state discussion.title~ discussion.html_url discussion.user@ \
         discussion.category.slug discussion.locked label.name changes.new_repository.full_name \
         changes.new_discussion.number answer.id old_answer.id").with("changes"),
    acts("discussion_comment", "discussion comment", "discussion {discussion.number}", "comment.updated_at",
        "comment.id comment.user@ comment.html_url discussion.id discussion.number").with("changes"),
    acts("label", "label", "{label.name}", "", "label.id label.name label.color changes*"),
    acts("milestone", "milestone", "{milestone.title}", "milestone.updated_at",
        "milestone.id milestone.number milestone.title~ milestone.state milestone.due_on changes*"),
    acts("sub_issues", "sub_issue", "#{sub_issue.number}", "",
        "sub_issue.id sub_issue.number sub_issue_repo.full_name parent_issue.id parent_issue.number \
         parent_issue_repo.full_name").with("sub_issue_id parent_issue_id"),

    // builds
    acts("check_run", "check_run", "{check_run.name}", "check_run.completed_at check_run.started_at",
        "check_run.id check_run.name check_run.head_sha check_run.status check_run.conclusion \
         check_run.started_at check_run.completed_at check_run.html_url check_run.external_id \
         check_run.app.slug check_run.app.id check_run.check_suite.id check_run.check_suite.head_branch \
         check_run.pull_requests[].number requested_action.identifier"),
    acts("check_suite", "check_suite", "{check_suite.head_branch}|{check_suite.head_sha}", "check_suite.updated_at",
        "check_suite.id check_suite.head_branch check_suite.head_sha check_suite.before check_suite.after \
         check_suite.status check_suite.conclusion check_suite.app.slug check_suite.app.id \
         check_suite.pull_requests[].number"),
    acts("workflow_run", "workflow_run workflow", "{workflow_run.name}|{workflow.name}", "workflow_run.updated_at",
        WORKFLOW_RUN),
    acts("workflow_job", "workflow_job", "{workflow_job.name}",
        "workflow_job.completed_at workflow_job.started_at workflow_job.created_at",
        "workflow_job.id workflow_job.run_id workflow_job.run_attempt workflow_job.name workflow_job.workflow_name \
         workflow_job.head_branch workflow_job.head_sha workflow_job.status workflow_job.conclusion \
         workflow_job.created_at workflow_job.started_at workflow_job.completed_at workflow_job.html_url \
         workflow_job.labels workflow_job.runner_id workflow_job.runner_name workflow_job.runner_group_name \
         workflow_job.steps# deployment.id deployment.environment deployment.sha deployment.ref"),
    plain("workflow_dispatch", "inputs ref workflow", "{workflow}", "", "ref workflow inputs%"),
    acts("repository_dispatch", "client_payload branch", "{branch}", "", "branch client_payload%"),
    plain("page_build", "build", "{repository.full_name}", "build.updated_at",
        "id build.status build.commit build.pusher@ build.duration build.created_at"),

    // what is run where
    acts("deployment", "deployment", "{deployment.environment}", "deployment.updated_at deployment.created_at",
        "deployment.id deployment.task deployment.environment deployment.original_environment deployment.ref \
         deployment.sha deployment.url deployment.created_at deployment.creator@ deployment.production_environment \
         deployment.transient_environment deployment.performed_via_github_app.slug workflow.id workflow.name \
         workflow.path workflow_run.id workflow_run.run_number workflow_run.run_attempt workflow_run.html_url \
         workflow_run.event workflow_run.head_branch workflow_run.head_sha workflow_run.actor@ \
         workflow_run.triggering_actor@"),
    acts("deployment_status", "deployment_status deployment", "{deployment_status.environment}|{deployment.environment}",
        "deployment_status.updated_at deployment_status.created_at",
        "deployment_status.id deployment_status.state deployment_status.environment deployment_status.created_at \
         deployment_status.creator@ deployment_status.target_url deployment_status.log_url \
         deployment_status.environment_url deployment_status.performed_via_github_app.slug deployment.id \
         deployment.task deployment.environment deployment.ref deployment.sha deployment.url deployment.creator@ \
         deployment.production_environment check_run.id check_run.name check_run.conclusion workflow.id \
         workflow.path workflow_run.id workflow_run.run_number workflow_run.run_attempt workflow_run.html_url \
         workflow_run.actor@ workflow_run.triggering_actor@"),
    acts("deployment_review", "workflow_run", "{environment}|{workflow_job_run.environment}|{workflow_run.name}",
        "since workflow_run.updated_at",
        "environment since approver@ requestor@ reviewers[].reviewer.login|reviewer.slug \
         workflow_job_run.id workflow_job_run.name workflow_job_run.environment workflow_job_run.status \
         workflow_job_run.conclusion workflow_run.id workflow_run.name workflow_run.path \
         workflow_run.run_number workflow_run.run_attempt workflow_run.html_url workflow_run.head_branch \
         workflow_run.head_sha workflow_run.status workflow_run.conclusion workflow_run.actor@ \
         workflow_run.triggering_actor@").with("comment workflow_job_runs"),
    acts("deployment_protection_rule", "deployment_callback_url", "{environment}", "deployment.updated_at",
        "environment event sha ref deployment.id deployment.environment deployment.ref deployment.sha \
         deployment.creator@ pull_requests[].number deployment_callback_url^"),
    acts("release", "release", "{release.tag_name}", "release.published_at release.created_at",
        "release.id release.tag_name release.target_commitish release.name~ release.draft release.prerelease \
         release.html_url release.author@ release.created_at release.published_at release.assets[].name").with("changes"),
    acts("package", "package", "{package.name}", "package.updated_at package.created_at", PACKAGE),
    acts("registry_package", "registry_package", "{registry_package.name}",
        "registry_package.updated_at registry_package.created_at",
        "registry_package.id registry_package.name registry_package.namespace registry_package.ecosystem \
         registry_package.package_type registry_package.html_url registry_package.owner@ \
         registry_package.package_version.id registry_package.package_version.version"),

    // the rules of a repository
    acts("branch_protection_rule", "rule", "{rule.name}", "rule.updated_at",
        "rule.id rule.name rule.created_at rule.updated_at rule.pull_request_reviews_enforcement_level \
         rule.required_approving_review_count rule.dismiss_stale_reviews_on_push rule.require_code_owner_review \
         rule.require_last_push_approval rule.authorized_dismissal_actors_only \
         rule.ignore_approvals_from_contributors rule.required_status_checks \
         rule.required_status_checks_enforcement_level rule.strict_required_status_checks_policy \
         rule.signature_requirement_enforcement_level rule.linear_history_requirement_enforcement_level \
         rule.admin_enforced rule.create_protected rule.allow_force_pushes_enforcement_level \
         rule.allow_deletions_enforcement_level rule.merge_queue_enforcement_level \
         rule.required_deployments_enforcement_level rule.required_conversation_resolution_level \
         rule.authorized_actors_only rule.authorized_actor_names rule.lock_branch_enforcement_level changes*"),
    acts("branch_protection_configuration", "", "{repository.full_name}", "", ""),
    acts("repository_ruleset", "repository_ruleset", "{repository_ruleset.name}",
        "repository_ruleset.updated_at repository_ruleset.created_at",
        "repository_ruleset.id repository_ruleset.name repository_ruleset.target repository_ruleset.source_type \
         repository_ruleset.source repository_ruleset.enforcement repository_ruleset.conditions.ref_name.include \
         repository_ruleset.conditions.ref_name.exclude repository_ruleset.rules[].type \
         repository_ruleset.bypass_actors[].actor_type repository_ruleset.bypass_actors# changes*"),
    acts("repository", "", "{repository.full_name}", "repository.updated_at",
        "repository.owner@ repository.default_branch repository.archived repository.fork repository.html_url changes*"),
    plain("public", "", "{repository.full_name}", "repository.updated_at", "repository.default_branch"),
    plain("repository_import", "status", "{repository.full_name}", "", "status"),
    acts("deploy_key", "key", "{key.title}", "key.created_at",
        "key.id key.title~ key.read_only key.verified key.created_at key.added_by"),
    acts("custom_property", "definition", "{definition.property_name}", "",
        "definition.property_name definition.value_type definition.required definition.allowed_values"),
    acts("custom_property_values", "new_property_values", "{repository.full_name}", "",
        "new_property_values[].property_name old_property_values[].property_name"),
    acts("meta", "hook hook_id", "hook {hook_id}", "hook.updated_at",
        "hook_id hook.id hook.type hook.name hook.active hook.events hook.config.content_type hook.config.insecure_ssl \
         hook.config.url^"),
    plain("ping", "hook hook_id zen", "hook {hook_id}", "hook.updated_at",
        "hook_id hook.id hook.type hook.name hook.active hook.events hook.app_id hook.config.content_type \
         hook.config.insecure_ssl hook.config.url^").with("zen"),

    // who may do what
    acts("member", "member", "{member.login}", "", "member@ changes*"),
    acts("membership", "member team scope", "{team.slug}", "",
        "scope member@ team.id team.name team.slug team.permission team.privacy"),
    acts("team", "team", "{team.slug}", "",
        "team.id team.name team.slug team.permission team.privacy team.parent.slug team.notification_setting changes*"),
    plain("team_add", "team", "{team.slug}", "", "team.id team.name team.slug team.permission team.privacy"),
    acts("organization", "", "{membership.user.login}|{user.login}|{organization.login}", "",
        "membership.role membership.state membership.user@ invitation.id invitation.login invitation.role user@ changes*"),
    acts("org_block", "blocked_user", "{blocked_user.login}", "", "blocked_user@"),
    acts("installation", "installation", "{installation.app_slug}|{installation.account.login}|installation {installation.id}", "installation.updated_at",
        "installation.id installation.account@ installation.app_id installation.app_slug installation.target_type \
         installation.repository_selection installation.permissions% installation.events \
         installation.suspended_by@ installation.suspended_at repositories[].full_name repositories# requester@"),
    acts("installation_repositories", "repositories_added repositories_removed",
        "{installation.app_slug}|installation {installation.id}", "",
        "installation.id installation.app_id installation.app_slug repository_selection \
         repositories_added[].full_name repositories_removed[].full_name requester@"),
    acts("installation_target", "target_type account", "{account.login}", "", "target_type account@ changes*"),
    acts("github_app_authorization", "", "{sender.login}", "", ""),
    acts("personal_access_token_request", "personal_access_token_request",
        "{personal_access_token_request.owner.login}", "personal_access_token_request.created_at",
        "personal_access_token_request.id personal_access_token_request.owner@ \
         personal_access_token_request.permissions_added.repository% \
         personal_access_token_request.permissions_added.organization% \
         personal_access_token_request.permissions_upgraded.repository% \
         personal_access_token_request.permissions_upgraded.organization% \
         personal_access_token_request.repository_selection personal_access_token_request.repository_count \
         personal_access_token_request.repositories[].full_name personal_access_token_request.token_expired \
         personal_access_token_request.token_expires_at"),

    // what was found
    acts("code_scanning_alert", "alert commit_oid", "code-scanning {alert.number}", "alert.updated_at alert.created_at",
        "alert.number alert.state alert.url alert.html_url alert.created_at alert.updated_at alert.fixed_at \
         alert.dismissed_at alert.dismissed_by@ alert.dismissed_reason alert.rule.id alert.rule.severity \
         alert.tool.name alert.tool.version alert.most_recent_instance.ref alert.most_recent_instance.commit_sha \
         ref commit_oid"),
    acts("dependabot_alert", "alert.dependency", "dependabot {alert.number}", "alert.updated_at alert.created_at",
        "alert.number alert.state alert.url alert.html_url alert.created_at alert.updated_at alert.fixed_at \
         alert.dismissed_at alert.dismissed_by@ alert.dismissed_reason alert.auto_dismissed_at \
         alert.dependency.package.ecosystem alert.dependency.package.name alert.dependency.manifest_path \
         alert.security_advisory.ghsa_id alert.security_advisory.cve_id alert.security_advisory.severity \
         alert.security_vulnerability.vulnerable_version_range"),
    acts("secret_scanning_alert", "alert.secret_type", "secret-scanning {alert.number}", "alert.updated_at alert.created_at",
        "alert.number alert.state alert.url alert.html_url alert.created_at alert.updated_at alert.secret_type \
         alert.resolution alert.resolved_at alert.resolved_by@ alert.validity alert.publicly_leaked \
         alert.multi_repo alert.push_protection_bypassed alert.push_protection_bypassed_by@ \
         alert.push_protection_bypassed_at").with("location"),
    acts("secret_scanning_alert_location", "alert location", "secret-scanning {alert.number}", "alert.updated_at",
        "alert.number alert.state alert.url alert.secret_type alert.resolution location.type location.details.path \
         location.details.start_line location.details.commit_sha"),
    acts("secret_scanning_scan", "source secret_types", "{repository.full_name}", "completed_at started_at",
        "type source started_at completed_at secret_types").with("custom_pattern_name custom_pattern_scope"),
    acts("repository_vulnerability_alert", "alert.affected_package_name", "vulnerability {alert.number}", "alert.dismissed_at alert.created_at",
        "alert.id alert.number alert.state alert.affected_package_name alert.affected_range alert.fixed_in \
         alert.external_identifier alert.ghsa_id alert.severity alert.dismisser@ alert.dismiss_reason \
         alert.dismissed_at alert.created_at"),
    acts("repository_advisory", "repository_advisory", "{repository_advisory.ghsa_id}",
        "repository_advisory.updated_at repository_advisory.published_at",
        "repository_advisory.ghsa_id repository_advisory.cve_id repository_advisory.state \
         repository_advisory.severity repository_advisory.published_at repository_advisory.html_url"),
    acts("security_advisory", "security_advisory", "{security_advisory.ghsa_id}", "security_advisory.updated_at",
        "security_advisory.ghsa_id security_advisory.cve_id security_advisory.severity security_advisory.summary~ \
         security_advisory.published_at security_advisory.updated_at security_advisory.withdrawn_at"),
    plain("security_and_analysis", "changes", "{repository.full_name}", "", "changes*"),

    // the rest
    acts("star", "starred_at", "{repository.full_name}", "starred_at", "starred_at"),
    acts("watch", "", "{repository.full_name}", "", ""),
    acts("sponsorship", "sponsorship", "{sponsorship.sponsorable.login}", "sponsorship.created_at",
        "sponsorship.sponsorable@ sponsorship.sponsor@ sponsorship.privacy_level effective_date").with("changes"),
    acts("marketplace_purchase", "marketplace_purchase effective_date", "{marketplace_purchase.account.login}",
        "effective_date", "effective_date marketplace_purchase.account.login marketplace_purchase.account.id \
         marketplace_purchase.billing_cycle marketplace_purchase.unit_count marketplace_purchase.plan.name \
         previous_marketplace_purchase.plan.name"),
    acts("project", "project", "{project.name}", "project.updated_at", "project.id project.number project.name~ project.state")
        .with("changes"),
    acts("project_card", "project_card", "card {project_card.id}", "project_card.updated_at",
        "project_card.id project_card.column_id project_card.archived project_card.creator@ \
         changes.column_id.from").with("changes"),
    acts("project_column", "project_column", "{project_column.name}", "project_column.updated_at",
        "project_column.id project_column.name~").with("changes"),
    acts("projects_v2", "projects_v2", "project {projects_v2.number}", "projects_v2.updated_at",
        "projects_v2.id projects_v2.number projects_v2.title~ projects_v2.public projects_v2.creator@").with("changes"),
    acts("projects_v2_item", "projects_v2_item", "item {projects_v2_item.id}", "projects_v2_item.updated_at",
        "projects_v2_item.id projects_v2_item.content_type projects_v2_item.archived_at projects_v2_item.creator@")
        .with("changes"),
];

/// A run of a workflow.
const WORKFLOW_RUN: &str = "workflow.id workflow.name workflow.path workflow_run.id workflow_run.name \
    workflow_run.path workflow_run.run_number workflow_run.run_attempt workflow_run.event workflow_run.status \
    workflow_run.conclusion workflow_run.head_branch workflow_run.head_sha workflow_run.workflow_id \
    workflow_run.html_url workflow_run.created_at workflow_run.updated_at workflow_run.run_started_at \
    workflow_run.actor@ workflow_run.triggering_actor@ workflow_run.head_repository.full_name \
    workflow_run.pull_requests[].number workflow_run.referenced_workflows[].path";

/// A package and its version.
const PACKAGE: &str = "package.id package.name package.namespace package.ecosystem package.package_type \
    package.html_url package.owner@ package.created_at package.package_version.id \
    package.package_version.version package.package_version.name package.package_version.target_commitish \
    package.package_version.target_oid package.registry.type";
