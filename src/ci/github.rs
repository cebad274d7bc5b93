//! GitHub Actions.
//!
//! Source: docs.github.com, "Variables reference", default environment variables.

use super::Lookup;
use super::value::{Facts, web_address};

/// Reads what may be taken; the file with the event that started the run.
pub(super) fn read(facts: &mut Facts, env: Lookup<'_>) -> Option<Vec<u8>> {
    common(facts, env);
    let attempt = env("GITHUB_RUN_ATTEMPT");
    run_url(facts, env, env("GITHUB_RUN_ID"), attempt);
    facts.text("runner", env("RUNNER_ENVIRONMENT"));
    env("GITHUB_EVENT_PATH")
}

/// What Gitea and Forgejo have under the same names.
pub(super) fn common(facts: &mut Facts, env: Lookup<'_>) {
    facts.text("actor", env("GITHUB_ACTOR"));
    // who ran it again may be somebody else than who ran it first
    let again =
        env("GITHUB_TRIGGERING_ACTOR").filter(|who| env("GITHUB_ACTOR").as_ref() != Some(who));
    facts.text("triggeredBy", again);
    facts.text("repository", env("GITHUB_REPOSITORY"));
    facts.text("commit", env("GITHUB_SHA"));
    facts.text("ref", env("GITHUB_REF"));
    facts.text("event", env("GITHUB_EVENT_NAME"));
    facts.text(
        "workflow",
        env("GITHUB_WORKFLOW_REF").or_else(|| env("GITHUB_WORKFLOW")),
    );
    facts.text("run.id", env("GITHUB_RUN_ID"));
    facts.text("run.attempt", env("GITHUB_RUN_ATTEMPT"));
    facts.text("run.number", env("GITHUB_RUN_NUMBER"));
    facts.text("job", env("GITHUB_JOB"));
    facts.text("step", env("GITHUB_ACTION"));
    facts.text("change.head", env("GITHUB_HEAD_REF"));
    facts.text("change.base", env("GITHUB_BASE_REF"));
    facts.text(
        "change.number",
        env("GITHUB_REF").and_then(number_of_change),
    );
}

/// `refs/pull/<number>/merge`
fn number_of_change(name: Vec<u8>) -> Option<Vec<u8>> {
    let name = String::from_utf8(name).ok()?;
    let number = name.strip_prefix("refs/pull/")?.split('/').next()?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| number.as_bytes().to_vec())
}

/// The page of the run, made of what names it.
pub(super) fn run_url(
    facts: &mut Facts,
    env: Lookup<'_>,
    run: Option<Vec<u8>>,
    attempt: Option<Vec<u8>>,
) {
    let text = |value: Option<Vec<u8>>| value.and_then(|value| String::from_utf8(value).ok());
    let number = |value: Option<Vec<u8>>| {
        text(value).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (Some(server), Some(repository), Some(run)) = (
        text(env("GITHUB_SERVER_URL")).and_then(|server| web_address(&server)),
        text(env("GITHUB_REPOSITORY")),
        number(run),
    ) else {
        return;
    };
    let mut url = format!(
        "{}/{repository}/actions/runs/{run}",
        server.trim_end_matches('/')
    );
    if let Some(attempt) = number(attempt) {
        url += &format!("/attempts/{attempt}");
    }
    facts.url("run.url", Some(url.into_bytes()));
}
