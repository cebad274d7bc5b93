//! Gitea and Forgejo Actions: GitHub's variables, other addresses.
//!
//! Source: docs.gitea.com and forgejo.org, Actions; their runners set `GITEA_ACTIONS` and
//! `FORGEJO_ACTIONS`.

use super::value::Facts;
use super::{Lookup, github};

/// Reads what may be taken; the file with the event that started the run.
pub(super) fn read(facts: &mut Facts, env: Lookup<'_>) -> Option<Vec<u8>> {
    github::common(facts, env);
    // their pages count the runs of a repository, and have none for an attempt
    github::run_url(facts, env, env("GITHUB_RUN_NUMBER"), None);
    env("GITHUB_EVENT_PATH")
}
