//! GitLab CI.
//!
//! Source: docs.gitlab.com, "Predefined CI/CD variables reference".

use super::Lookup;
use super::value::Facts;

pub(super) fn read(facts: &mut Facts, env: Lookup<'_>) {
    facts.text("actor", env("GITLAB_USER_LOGIN"));
    facts.text("repository", env("CI_PROJECT_PATH"));
    facts.text("commit", env("CI_COMMIT_SHA"));
    facts.text("ref", reference(env));
    facts.text("event", env("CI_PIPELINE_SOURCE"));
    facts.text("run.id", env("CI_PIPELINE_ID"));
    facts.text("run.number", env("CI_PIPELINE_IID"));
    facts.url("run.url", env("CI_PIPELINE_URL"));
    // a job that is tried again has another number
    facts.text("run.job", env("CI_JOB_ID"));
    facts.url("run.jobUrl", env("CI_JOB_URL"));
    facts.text("job", env("CI_JOB_NAME"));
    facts.text("environment", env("CI_ENVIRONMENT_NAME"));
    facts.text("change.number", env("CI_MERGE_REQUEST_IID"));
    facts.text("change.head", env("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"));
    facts.text("change.base", env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"));
    facts.text(
        "change.headCommit",
        env("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"),
    );
    // the source may be a fork
    facts.text(
        "change.headRepository",
        env("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH"),
    );
}

/// The full name of the ref, where it is known whether it is a branch or a tag.
fn reference(env: Lookup<'_>) -> Option<Vec<u8>> {
    let full = |prefix: &str, name: Vec<u8>| [prefix.as_bytes(), &name].concat();
    if let Some(tag) = env("CI_COMMIT_TAG") {
        return Some(full("refs/tags/", tag));
    }
    if let Some(branch) = env("CI_COMMIT_BRANCH") {
        return Some(full("refs/heads/", branch));
    }
    env("CI_MERGE_REQUEST_REF_PATH").or_else(|| env("CI_COMMIT_REF_NAME"))
}
