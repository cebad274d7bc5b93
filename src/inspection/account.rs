//! Accounts that own and write the repository, and how they log in.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::doctor::account::{Facts, Writers};
use crate::git::Scope;

use super::Site;
use super::authority::{Accounts, read};

/// A longer file of keys is not read.
const LONGEST: u64 = 4 << 20;

pub(super) fn observe(site: &Site<'_>, accounts: &Accounts) -> Facts {
    let repository = site.ledger.repository();
    let environment = repository.environment();
    let meta = fs::metadata(repository.common_dir()).ok();
    let owner = meta.as_ref().map_or(accounts.me, |meta| meta.uid());
    let trusts_all = site
        .config
        .get_all("safe.directory", Scope::Trusted)
        .iter()
        .rev()
        .take_while(|value| !value.is_empty())
        .any(|value| value == "*")
        .then(|| site.origin("safe.directory"));
    // the account's own home, where it is us; sshd would go by the same
    let home = if owner == accounts.me {
        environment.home().map(Path::to_owned)
    } else {
        accounts.user(owner).map(|user| user.home.clone())
    };
    Facts {
        me: accounts.name(accounts.me),
        other_owner: (owner != accounts.me).then(|| accounts.name(owner)),
        home: environment.home().map(Path::to_owned),
        writers: writers(site, accounts, owner, home, meta.as_ref()),
        trusts_all,
    }
}

fn writers(
    site: &Site<'_>,
    accounts: &Accounts,
    owner: u32,
    home: Option<PathBuf>,
    meta: Option<&fs::Metadata>,
) -> Writers {
    let mut writers = Writers::default();
    let shell_is_git = accounts
        .user(owner)
        .is_some_and(|user| !has_shell(&user.shell));
    if let Some(home) = home.filter(|_| !shell_is_git) {
        for name in ["authorized_keys", "authorized_keys2"] {
            let path = home.join(".ssh").join(name);
            match read(&path, LONGEST) {
                Ok(text) => {
                    let free = free_keys(&String::from_utf8_lossy(&text));
                    if free > 0 {
                        writers.free_keys = Some((path, free));
                    }
                }
                Err(why) if why.kind() == std::io::ErrorKind::NotFound => {}
                Err(why) => writers.unseen = Some(format!("'{}': {why}", path.display())),
            }
        }
    }
    if super::repository::group_may_write(site)
        && let Some(meta) = meta
    {
        match accounts.others(meta.gid(), owner) {
            None => {
                writers.unseen = Some(format!("who is in the group {}", meta.gid()));
            }
            Some(others) => {
                writers.shells = others
                    .iter()
                    .filter(|user| user.uid != 0 && has_shell(&user.shell))
                    .map(|user| user.name.clone())
                    .collect();
            }
        }
    }
    writers
}

fn has_shell(shell: &str) -> bool {
    let name = shell.rsplit('/').next().unwrap_or_default();
    !matches!(name, "git-shell" | "nologin" | "false" | "true" | "sync")
}

/// How many keys of an `authorized_keys` file log in without a forced command.
fn free_keys(text: &str) -> usize {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter(|line| {
            let lower = line.to_ascii_lowercase();
            let options = ["ssh-", "ecdsa-", "sk-"]
                .iter()
                .all(|kind| !lower.starts_with(kind));
            !(options && lower.contains("command="))
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_keys_that_may_run_anything() {
        let text = "# a comment\n\nssh-ed25519 AAAA command=no\nrestrict,command=\"git-shell\" ssh-ed25519 AAAA\n\
            no-pty ssh-rsa AAAA\nCommand=\"x\" sk-ssh-ed25519@openssh.com AAAA\n";
        assert_eq!(free_keys(text), 2);
        assert!(has_shell("/bin/bash") && has_shell("") && !has_shell("/usr/bin/git-shell"));
    }
}
