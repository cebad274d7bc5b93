//! Asks a forge what its rules for the ledger branch are: whether force pushes and deletion are
//! blocked, and who may go past that. Reads only.
//!
//! A token goes to the one host that was asked for, over TLS (plain HTTP on this machine only),
//! never on to where an answer redirects, and stands in no message. Answers are bounded in size
//! and time, and what cannot be understood is unknown.
//!
//! # Limits
//! What a forge says about itself is believed. Its administrators can change the rules, rewrite
//! the branch and put the rules back: mirrors elsewhere are what shows that.

mod address;
mod gitea;
mod github;
mod gitlab;
mod http;

use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

use crate::doctor::forge::{Facts, Rule, Rules};

pub use address::{Address, AddressError};
use http::Client;

/// A kind of forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// github.com, and GitHub Enterprise Server.
    GitHub,
    /// GitLab.
    GitLab,
    /// Gitea.
    Gitea,
    /// Forgejo.
    Forgejo,
}

impl Kind {
    /// Its name as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::GitHub => "GitHub",
            Kind::GitLab => "GitLab",
            Kind::Gitea => "Gitea",
            Kind::Forgejo => "Forgejo",
        }
    }

    /// What a token must be allowed, at least.
    pub fn permission(self) -> &'static str {
        match self {
            Kind::GitHub => "a fine-grained token with 'Administration: read' on this repository",
            Kind::GitLab => "a project token with the scope read_api and the role Maintainer",
            Kind::Gitea | Kind::Forgejo => {
                "a token with the scope read:repository, of somebody who administers the repository"
            }
        }
    }
}

/// What proves to a forge who asks. Shown nowhere, not even for debugging.
#[derive(Clone)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// A token as it stands in a variable or file; none if no forge makes such tokens.
    pub fn new(text: &str) -> Option<Token> {
        let text = text.trim();
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        (plain && !text.is_empty() && text.len() <= 4096).then(|| Token(text.to_owned()))
    }
}

/// How a forge is asked.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Which repository.
    pub address: &'a Address,
    /// The full ref of the ledger.
    pub reference: &'a str,
    /// Who asks.
    pub token: &'a Token,
    /// When all answers must be there.
    pub deadline: Instant,
    /// A file of certificates to trust in place of the system's.
    pub certificates: Option<PathBuf>,
}

/// What the forge says about the ledger branch.
pub fn ask(request: &Request<'_>) -> Facts {
    let address = request.address;
    let kind = address.kind;
    let Some(branch) = request.reference.strip_prefix("refs/heads/") else {
        let missing = Rule::Missing(
            format!(
                "'{}' is no branch, and its rules cover branches only",
                request.reference
            ),
            "keep the ledger on a branch: refs/heads/ledger".into(),
        );
        return Facts::Rules(Rules {
            subject: address.to_string(),
            force_push: missing.clone(),
            deletion: missing,
            ..Rules::default()
        });
    };
    let answer = Client::new(request).and_then(|client| match kind {
        Kind::GitHub => github::rules(&client, branch),
        Kind::GitLab => gitlab::rules(&client, branch),
        Kind::Gitea | Kind::Forgejo => gitea::rules(&client, branch),
    });
    match answer {
        Ok(rules) => Facts::Rules(Rules {
            subject: format!("{address}, branch {branch}"),
            ..rules
        }),
        Err(trouble) => Facts::NotAsked {
            why: format!("{address}: {trouble}"),
            mend: trouble.mend(kind),
        },
    }
}

/// `*` for any characters (or, where `slashes` stop it, those between slashes; `**` for all).
fn fits(pattern: &str, name: &str, slashes: Slashes) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => {
            let Some(rest) = name.strip_prefix(head) else {
                return false;
            };
            let (tail, stops) = match tail.strip_prefix('*') {
                Some(tail) => (tail, false),
                None => (tail, slashes == Slashes::Stop),
            };
            let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.take_while(|at| {
                !stops || rest.get(..*at).is_some_and(|taken| !taken.contains('/'))
            })
            .any(|at| rest.get(at..).is_some_and(|rest| fits(tail, rest, slashes)))
        }
    }
}

/// What a single `*` does at a slash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slashes {
    /// It ends there.
    Stop,
    /// It goes on.
    Pass,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_branches() {
        for (pattern, name, slashes, expected) in [
            ("ledger", "ledger", Slashes::Stop, true),
            ("ledger", "ledger2", Slashes::Stop, false),
            ("led*", "ledger", Slashes::Stop, true),
            ("*", "a/ledger", Slashes::Stop, false),
            ("**", "a/ledger", Slashes::Stop, true),
            ("*", "a/ledger", Slashes::Pass, true),
            ("*/ledger", "a/ledger", Slashes::Stop, true),
            ("*er*x", "ledger", Slashes::Pass, false),
            ("", "ledger", Slashes::Pass, false),
        ] {
            assert_eq!(fits(pattern, name, slashes), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_token_is_shown_nowhere() {
        let token = Token::new(" ghp_secret\n").unwrap();
        assert!(!format!("{token:?}").contains("secret"));
        for bad in ["", " ", "a b", "a\r\nHost: x", "caf\u{e9}"] {
            assert!(Token::new(bad).is_none(), "{bad:?}");
        }
    }
}
