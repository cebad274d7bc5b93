//! Jenkins: its own variables, those of its git plugin, and who started the build where the
//! plugin for that is there.
//!
//! Source: `<JENKINS_URL>/env-vars.html`; the plugins git and build-user-vars.

use super::Lookup;
use super::value::Facts;

pub(super) fn read(facts: &mut Facts, env: Lookup<'_>) {
    facts.text("actor", env("BUILD_USER_ID"));
    facts.repository("repository", env("GIT_URL"));
    facts.text("commit", env("GIT_COMMIT"));
    facts.text("ref", reference(env));
    facts.text("run.id", env("BUILD_ID"));
    facts.text("run.number", env("BUILD_NUMBER"));
    facts.url("run.url", env("BUILD_URL"));
    facts.text("job", env("JOB_NAME"));
    facts.text("step", env("STAGE_NAME"));
    facts.text("runner", env("NODE_NAME"));
    facts.text("change.number", env("CHANGE_ID"));
    facts.text("change.head", env("CHANGE_BRANCH"));
    facts.text("change.base", env("CHANGE_TARGET"));
    facts.text("change.author", env("CHANGE_AUTHOR"));
    facts.url("change.url", env("CHANGE_URL"));
}

/// Whether the tag of the build is one that Jenkins makes.
pub(super) fn is_tag(env: Lookup<'_>) -> bool {
    env("BUILD_TAG").is_some_and(|tag| tag.starts_with(b"jenkins-")) && env("JOB_NAME").is_some()
}

fn reference(env: Lookup<'_>) -> Option<Vec<u8>> {
    let full = |prefix: &str, name: &[u8]| [prefix.as_bytes(), name].concat();
    if let Some(tag) = env("TAG_NAME") {
        return Some(full("refs/tags/", &tag));
    }
    // of a change the name of the branch is made up
    if env("CHANGE_ID").is_none()
        && let Some(branch) = env("BRANCH_NAME")
    {
        return Some(full("refs/heads/", &branch));
    }
    let branch = env("GIT_BRANCH")?;
    Some(match branch.strip_prefix(b"origin/") {
        Some(branch) => full("refs/heads/", branch),
        None => branch,
    })
}
