//! Looks at a repository and the machine around it, and writes down what [`crate::doctor`] judges.
//!
//! Reads files, permissions and configuration; runs nothing but git's own listing of references
//! where they are in a reftable. Nothing is changed here.
//!
//! # Limits
//! What another machine shows, such as the environment in which sshd starts git, is not seen.

mod account;
mod authority;
mod hooks;
mod key;
mod ledger;
mod programs;
mod repository;
mod settings;

use std::time::SystemTime;

use crate::doctor::{Facts, Place, forge};
use crate::git::{Config, Scope};
use crate::ledger::Ledger;
use crate::signer::KeySettings;

use authority::Accounts;

/// What is looked at, as the caller's configuration names it.
#[derive(Debug)]
pub struct Site<'a> {
    /// What the repository is for.
    pub place: Place,
    /// The ledger, in its repository.
    pub ledger: &'a Ledger,
    /// The repository's configuration.
    pub config: &'a Config,
    /// The ledger's name in it.
    pub name: &'a str,
    /// Whether a fingerprint is pinned.
    pub pinned: bool,
    /// Names of the remotes that are mirrors.
    pub mirrors: &'a [String],
    /// Where the signing key is looked for.
    pub key: KeySettings,
    /// The scripts that an installation puts in place: hook and text, with [`PLACE`] for the
    /// program's path.
    pub scripts: &'a [(&'a str, &'a str)],
    /// Where the spool is.
    pub spool: &'a crate::spool::Spool,
    /// How many steps lost the process that ran them.
    pub dead_steps: usize,
    /// Seconds since 1970 by the clock that dates entries.
    pub clock: u64,
    /// The clock that dates files.
    pub now: SystemTime,
    /// Seconds since 1970 when the refs were last compared with the record, where that is known.
    pub reconciled: Option<u64>,
    /// Seconds after which a newest entry is old, if somebody said.
    pub max_age: Option<u64>,
}

/// Where a script names the program.
pub const PLACE: &str = "@PROGRAM@";

/// Everything that is judged, but for the forge, which is asked elsewhere.
pub fn observe(site: &Site<'_>, forge: forge::Facts) -> Facts {
    let accounts = Accounts::of_machine();
    let hooks = hooks::observe(site, &accounts);
    let mut repository = repository::observe(site, &accounts);
    repository.transaction_chosen = hooks.transaction_chosen;
    Facts {
        place: site.place,
        settings: settings::observe(site),
        account: account::observe(site, &accounts),
        key: key::observe(site, &accounts),
        ledger: ledger::observe(site),
        programs: programs::observe(site, &accounts),
        hooks,
        repository,
        forge,
    }
}

impl Site<'_> {
    fn setting(&self, key: &str) -> crate::doctor::settings::Setting {
        crate::doctor::settings::Setting {
            value: self.config.get(key, Scope::Any),
            on: self.config.get_bool(key, Scope::Any),
            origin: self.origin(key),
        }
    }

    fn origin(&self, key: &str) -> String {
        self.config
            .origin(key, Scope::Any)
            .map(|origin| origin.to_string())
            .unwrap_or_default()
    }
}
