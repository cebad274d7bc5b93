//! The key that builds sign with: made here, let in for what builds record, and nothing else.

use std::path::PathBuf;

use git_ledger::git::Repository;
use git_ledger::policy::{Policy, Role, Signer as Row};
use git_ledger::principal::Principal;
use git_ledger::signature::PublicKey;
use git_ledger::signer::{KeySettings, Signer};

use super::host::Host;
use crate::cli::failure::Failure;

/// The key of builds.
pub struct BuildKey {
    /// Where the private half is.
    pub path: PathBuf,
    /// Whom it signs for.
    pub principal: Principal,
    /// What it may record.
    pub types: Vec<String>,
    /// Its public half; none where it would be made.
    pub public: Option<PublicKey>,
}

/// The key that is there, if it is.
pub fn look(repository: &Repository, host: Host, name: &str) -> Result<BuildKey, Failure> {
    let path = repository.common_dir().join("git-ledger").join("ci-key");
    let public = if path.exists() {
        let settings = KeySettings {
            signing_key: Some(path.to_string_lossy().into_owned()),
            ..KeySettings::default()
        };
        Some(Signer::find(&settings)?.public_key().clone())
    } else {
        None
    };
    let principal = Principal::nearest(&format!("ci@{name}"))
        .ok_or_else(|| Failure::usage("the ledger's name gives no principal"))?;
    Ok(BuildKey {
        path,
        principal,
        types: types(host),
        public,
    })
}

/// The key that is there, or a new one.
pub fn make(repository: &Repository, host: Host, name: &str) -> Result<BuildKey, Failure> {
    let mut key = look(repository, host, name)?;
    if key.public.is_none() {
        let comment = format!("git-ledger builds {name}");
        key.public = Some(Signer::generate(&key.path, &comment)?);
    }
    Ok(key)
}

/// What builds record. Not what explains a moved ref away: that is for the server's key alone.
fn types(host: Host) -> Vec<String> {
    let own = match host {
        Host::GitLab => "com.gitlab.*",
        Host::Gitea | Host::Forgejo => "com.gitea.*",
        Host::GitHub | Host::Server => "com.github.*",
    };
    [
        own,
        "dev.cdevents.*",
        "dev.git-ledger.config.*",
        "dev.git-ledger.env.*",
        "dev.git-ledger.heartbeat",
        "dev.git-ledger.snapshot",
        "dev.git-ledger.step.*",
    ]
    .map(str::to_owned)
    .to_vec()
}

impl BuildKey {
    /// The row of the policy that lets it in.
    pub fn row(&self) -> Option<Row> {
        let key = self.public.clone()?;
        Some(Row {
            principal: self.principal.clone(),
            key,
            roles: vec![Role::Writer],
            types: self.types.clone(),
            retired: false,
        })
    }

    /// Whether this policy lets it in.
    pub fn is_let_in(&self, policy: &Policy) -> bool {
        let row = |row: &Row| Some(&row.key) == self.public.as_ref() && !row.retired;
        policy.signers.iter().any(row)
    }

    /// The command that lets it in.
    pub fn command(&self) -> String {
        let types: String = self
            .types
            .iter()
            .map(|kind| format!(" --type '{kind}'"))
            .collect();
        format!(
            "git ledger policy add-signer {} '{}.pub' --role writer{types}",
            self.principal,
            self.path.display()
        )
    }
}
