//! Which CI system this is, and what may be taken of its environment, by allow-list.
//!
//! All of it is a claim of whoever set the variables: a runner, a workflow, or anybody with a
//! shell. It says where to look, and it is held against a token of the CI system where there is
//! one. Variables that are not named here are never read, values are bounded, addresses
//! lose their user names, passwords and queries.
//!
//! Source: the systems' own lists of variables; `ledger-spec/context.md`.

mod buildkite;
mod gitea;
mod github;
mod gitlab;
mod jenkins;
pub mod oidc;
pub mod payload;
mod shell;
mod value;

use std::fmt;

use value::Facts;

use crate::json::{Object, Value};

/// Reads one variable; one that is empty counts as not set.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;

/// A CI system, or a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum System {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Gitea Actions.
    Gitea,
    /// Forgejo Actions.
    Forgejo,
    /// Jenkins.
    Jenkins,
    /// Buildkite.
    Buildkite,
    /// None of them: somebody's shell, cron, a service.
    Shell,
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl System {
    /// Its name in an event.
    pub fn word(self) -> &'static str {
        match self {
            System::Github => "github",
            System::Gitlab => "gitlab",
            System::Gitea => "gitea",
            System::Forgejo => "forgejo",
            System::Jenkins => "jenkins",
            System::Buildkite => "buildkite",
            System::Shell => "shell",
        }
    }

    /// The variable by which it is known, for people.
    pub fn mark(self) -> &'static str {
        match self {
            System::Github => "GITHUB_ACTIONS",
            System::Gitlab => "GITLAB_CI",
            System::Gitea => "GITEA_ACTIONS",
            System::Forgejo => "FORGEJO_ACTIONS",
            System::Jenkins => "JENKINS_URL",
            System::Buildkite => "BUILDKITE",
            System::Shell => "",
        }
    }
}

/// What is known of where this runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ci {
    /// Several systems claim to be this one, and nothing was taken of any.
    pub claimed_by: Vec<System>,
    system: Option<System>,
    object: Object,
    payload: Option<Vec<u8>>,
}

/// Looks which system this is and reads what may be taken of it. None where no system says that
/// it is one; see [`shell`].
pub fn detect(env: Lookup<'_>) -> Option<Ci> {
    match claims(env).as_slice() {
        [] => None,
        [system] => Some(read(*system, env)),
        several => Some(Ci {
            claimed_by: several.to_vec(),
            system: None,
            object: Object::new().with("system", "unclear").with(
                "claims",
                several
                    .iter()
                    .map(|system| Value::from(system.word()))
                    .collect::<Vec<_>>(),
            ),
            payload: None,
        }),
    }
}

/// Reads what may be taken of this system; none if nothing says that it is the one.
pub fn of(system: System, env: Lookup<'_>) -> Option<Ci> {
    // whoever says Gitea may be on Forgejo, which claims to be both
    let claims = marks(env);
    claims.contains(&system).then(|| read(system, env))
}

/// A plain shell: who runs it, as the system knows the account, and nothing of its environment.
pub fn shell(account: &str) -> Ci {
    let mut facts = Facts::of(System::Shell);
    shell::read(&mut facts, account);
    Ci {
        claimed_by: Vec::new(),
        system: Some(System::Shell),
        object: facts.finish(),
        payload: None,
    }
}

/// The systems that say they are this one; those that say so for compatibility left out.
fn claims(env: Lookup<'_>) -> Vec<System> {
    let mut found = marks(env);
    if found.contains(&System::Forgejo) {
        found.retain(|system| *system != System::Gitea);
    }
    if found.contains(&System::Forgejo) || found.contains(&System::Gitea) {
        found.retain(|system| *system != System::Github);
    }
    found
}

fn marks(env: Lookup<'_>) -> Vec<System> {
    let set = |name: &str| {
        env(name).is_some_and(|value| !value.is_empty() && value != b"false" && value != b"0")
    };
    let all = [
        System::Github,
        System::Gitlab,
        System::Gitea,
        System::Forgejo,
        System::Jenkins,
        System::Buildkite,
    ];
    let said = |system: &System| match system {
        // the address is there only where an administrator has set it
        System::Jenkins => set(system.mark()) || (set("BUILD_TAG") && jenkins::is_tag(env)),
        _ => set(system.mark()),
    };
    all.into_iter().filter(said).collect()
}

fn read(system: System, env: Lookup<'_>) -> Ci {
    let mut facts = Facts::of(system);
    let mut payload = None;
    match system {
        System::Github => payload = github::read(&mut facts, env),
        System::Gitea | System::Forgejo => payload = gitea::read(&mut facts, env),
        System::Gitlab => gitlab::read(&mut facts, env),
        System::Jenkins => jenkins::read(&mut facts, env),
        System::Buildkite => buildkite::read(&mut facts, env),
        System::Shell => {}
    }
    Ci {
        claimed_by: Vec::new(),
        system: Some(system),
        object: facts.finish(),
        payload,
    }
}

impl Ci {
    /// The members for `data.ci`.
    pub fn object(&self) -> Object {
        self.object.clone()
    }

    /// Which system it is; none where several say so.
    pub fn system(&self) -> Option<System> {
        self.system
    }

    /// The file that holds the event this run was started by, where the system has one.
    pub fn payload(&self) -> Option<&[u8]> {
        self.payload.as_deref()
    }

    /// A member that is a text, dotted where it nests.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = match name.split_once('.') {
            Some((outer, inner)) => self.object.get(outer)?.as_object()?.get(inner)?,
            None => self.object.get(name)?,
        };
        value.as_str()
    }
}

#[cfg(test)]
mod tests;
