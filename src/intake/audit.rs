//! GitHub's audit log: `com.github.audit.<action>`, one event a record.
//!
//! The API gives an array of records, streaming one record a line; both have the same members.
//! Addresses, places, user agents, tokens and their hashes are left out.
//!
//! Source: GitHub "Audit log events for your organization", "Streaming the audit log".

use super::reduce::{filled, reduce, string};
use super::{Delivery, Fault, Reduced, payload, text};
use crate::event::Event;
use crate::json::{Object, Value};

/// What is kept of a record.
const KEEP: &str = "action actor actor_id actor_is_bot actor_is_agent business business_id org org_id repo repo_id \
    public_repo visibility previous_visibility user user_id team team_id operation_type \
    permission old_permission new_permission permissions role old_role invitation_id \
    name new_name old_name branch ref head_branch head_sha \
    environment_name environment environment_id key secret_name variable_name \
    workflow_id workflow_name workflow_run_id run_number run_attempt job_name job_workflow_ref event conclusion \
    trigger_id started_at completed_at is_hosted_runner runner_id runner_name runner_group_id runner_group_name \
    runner_labels topic ruleset_id ruleset_name ruleset_enforcement ruleset_old_enforcement ruleset_source_type \
    ruleset_bypass_actors ruleset_rules protected_branch admin_enforced allow_force_pushes_enforcement_level \
    allow_deletions_enforcement_level required_approving_review_count pull_request_reviews_enforcement_level \
    required_status_checks_enforcement_level signature_requirement_enforcement_level \
    require_code_owner_review dismiss_stale_reviews_on_push strict_required_status_checks_policy \
    authorized_actors_only overridden_codes reasons reason pull_request_id pull_request_url pull_request_title~ \
    hook_id active events deploy_key_fingerprint fingerprint read_only application_client_id integration \
    programmatic_access_type token_scopes repository repository_public repository_selection repositories_added_names \
    repositories_removed_names transport_protocol_name alert_number alert_id ghsa_id number \
    secret_type push_protection_bypass package package_version ecosystem target_login blocked_user limit \
    state new_value old_value previous_value enforcement_level created_at";

/// The event of a record.
pub(super) fn event(delivery: &Delivery<'_>) -> Result<Event, Fault> {
    let record = payload(delivery.body)?;
    let action = string(&record, "action")
        .ok_or_else(|| Fault::NotOfItsForm("a record of the audit log has an 'action'".into()))?;
    let word = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    if action.len() > 128 || !action.bytes().all(word) {
        let shown = text::name(action);
        let why = format!("its action {shown:?} is not 1 to 128 letters, digits, '.', '_' and '-'");
        return Err(Fault::Misnamed(why));
    }
    let mut data = reduce(&record, KEEP);
    // of most events the key is a key; here it is the name of a secret or variable
    if !["secret", "variable"]
        .iter()
        .any(|named| action.contains(named))
    {
        data.remove("key");
    }
    let id = string(&record, "_document_id").map(text::name);
    if let Some(id) = &id {
        data.set("document_id", id.as_str());
    }
    Reduced {
        kind: format!("com.github.audit.{action}"),
        source: match delivery.base {
            Some(base) => base.to_owned(),
            None => place(&record),
        },
        id,
        subject: ["repo", "repository", "user", "team", "org", "business"]
            .iter()
            .find_map(|name| filled(&record, &format!("{{{name}}}"))),
        time: record
            .get("@timestamp")
            .or_else(|| record.get("created_at"))
            .and_then(milliseconds),
        data,
        body: delivery.body,
    }
    .event()
}

/// The organisation's page, or the enterprise's.
fn place(record: &Object) -> String {
    let plain = |name: &&str| {
        let word = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
        name.len() <= 100 && name.bytes().all(word)
    };
    let page = |name| string(record, name).filter(plain);
    match (page("org"), page("business")) {
        (Some(org), _) => format!("https://github.com/{org}"),
        (None, Some(business)) => format!("https://github.com/enterprises/{business}"),
        (None, None) => "https://github.com".to_owned(),
    }
}

/// Milliseconds since 1970 as RFC 3339.
fn milliseconds(value: &Value) -> Option<String> {
    let time = chrono::DateTime::from_timestamp_millis(value.as_integer()?)?;
    let year = time.format("%Y").to_string();
    (year.len() == 4).then(|| time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}
