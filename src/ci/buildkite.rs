//! Buildkite.
//!
//! Source: buildkite.com/docs/pipelines/environment-variables.

use super::Lookup;
use super::value::Facts;

pub(super) fn read(facts: &mut Facts, env: Lookup<'_>) {
    facts.text("actor", env("BUILDKITE_BUILD_CREATOR"));
    facts.repository("repository", env("BUILDKITE_REPO"));
    facts.text("commit", env("BUILDKITE_COMMIT"));
    facts.text("ref", reference(env));
    facts.text("event", env("BUILDKITE_SOURCE"));
    facts.text("workflow", pipeline(env));
    facts.text("run.id", env("BUILDKITE_BUILD_ID"));
    facts.text("run.number", env("BUILDKITE_BUILD_NUMBER"));
    facts.text(
        "run.attempt",
        env("BUILDKITE_RETRY_COUNT").and_then(attempt),
    );
    facts.url("run.url", env("BUILDKITE_BUILD_URL"));
    facts.text("run.job", env("BUILDKITE_JOB_ID"));
    facts.text("job", env("BUILDKITE_LABEL"));
    facts.text("step", env("BUILDKITE_STEP_KEY"));
    facts.text(
        "environment",
        env("BUILDKITE_GITHUB_DEPLOYMENT_ENVIRONMENT"),
    );
    let change = env("BUILDKITE_PULL_REQUEST").filter(|number| number != b"false");
    if change.is_some() {
        facts.text("change.number", change);
        facts.text("change.head", env("BUILDKITE_BRANCH"));
        facts.text("change.base", env("BUILDKITE_PULL_REQUEST_BASE_BRANCH"));
        facts.repository("change.headRepository", env("BUILDKITE_PULL_REQUEST_REPO"));
    }
}

fn reference(env: Lookup<'_>) -> Option<Vec<u8>> {
    if let Some(tag) = env("BUILDKITE_TAG") {
        return Some([b"refs/tags/".as_slice(), &tag].concat());
    }
    let branch = env("BUILDKITE_BRANCH")?;
    Some([b"refs/heads/".as_slice(), &branch].concat())
}

fn pipeline(env: Lookup<'_>) -> Option<Vec<u8>> {
    let pipeline = env("BUILDKITE_PIPELINE_SLUG")?;
    let whose = env("BUILDKITE_ORGANIZATION_SLUG")?;
    Some([whose.as_slice(), b"/", &pipeline].concat())
}

/// The first try counts as one, as everywhere else.
fn attempt(again: Vec<u8>) -> Option<Vec<u8>> {
    let again: u32 = std::str::from_utf8(&again).ok()?.parse().ok()?;
    Some(u64::from(again).saturating_add(1).to_string().into_bytes())
}
