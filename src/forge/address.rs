//! Where a forge's API is, and what a repository is called there.

use std::fmt;

use crate::http::{BadUrl, Url, host_of, without_secrets};

use super::Kind;

/// Hosts whose kind everybody knows: a token for one may go there without being told twice.
const KNOWN: &[(&str, Kind)] = &[
    ("github.com", Kind::GitHub),
    ("ssh.github.com", Kind::GitHub),
    ("gitlab.com", Kind::GitLab),
    ("altssh.gitlab.com", Kind::GitLab),
    ("codeberg.org", Kind::Forgejo),
    ("gitea.com", Kind::Gitea),
];

/// Why there is no forge to ask.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The remote is on no host that is known.
    #[error("'{0}' is no forge that is known")]
    UnknownHost(String),
    /// The remote's path does not name a repository of a forge.
    #[error("'{0}' does not name a repository on a forge")]
    NoProject(String),
    /// Where the API is said to be is no place a token may go.
    #[error(transparent)]
    BadUrl(#[from] BadUrl),
}

/// One repository on one forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Which kind of forge.
    pub kind: Kind,
    /// `https://host[:port]/api/…`.
    pub(super) base: Url,
    /// `owner/name`, as deep as GitLab's groups are.
    pub(super) project: String,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.project)
    }
}

impl Address {
    /// The repository behind a remote's address, where the host is known to everybody.
    ///
    /// # Errors
    /// [`AddressError::UnknownHost`] and [`AddressError::NoProject`].
    pub fn of_remote(url: &str) -> Result<Address, AddressError> {
        let (host, project) = split(url)?;
        let known = KNOWN.iter().find(|(known, _)| *known == host);
        let (_, kind) = known.ok_or_else(|| AddressError::UnknownHost(host.clone()))?;
        let api = match kind {
            Kind::GitHub => "https://api.github.com".to_owned(),
            Kind::GitLab => "https://gitlab.com/api/v4".to_owned(),
            Kind::Gitea | Kind::Forgejo => format!("https://{host}/api/v1"),
        };
        Ok(Address {
            kind: *kind,
            base: Url::parse(&api)?,
            project,
        })
    }

    /// The repository behind a remote's address on the forge at `site`, which somebody named.
    ///
    /// # Errors
    /// [`AddressError::BadUrl`] and [`AddressError::NoProject`].
    pub fn at(site: &str, kind: Kind, url: &str) -> Result<Address, AddressError> {
        let site = Url::parse(site)?;
        let path = match kind {
            Kind::GitHub if site.host() == "github.com" => {
                return Ok(Address {
                    base: Url::parse("https://api.github.com")?,
                    kind,
                    project: split(url)?.1,
                });
            }
            Kind::GitHub => "/api/v3",
            Kind::GitLab => "/api/v4",
            Kind::Gitea | Kind::Forgejo => "/api/v1",
        };
        Ok(Address {
            kind,
            base: Url::parse(&format!("{site}{path}"))?,
            project: split(url)?.1,
        })
    }
}

/// Host and `owner/name` of a remote's address; names and passwords in it are left behind.
fn split(url: &str) -> Result<(String, String), AddressError> {
    let no_project = || AddressError::NoProject(without_secrets(url));
    let (authority, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').ok_or_else(no_project)?,
        None => url.split_once(':').ok_or_else(no_project)?,
    };
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let part = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    if path.split('/').count() < 2 || !path.split('/').all(part) {
        return Err(no_project());
    }
    Ok((host_of(authority), path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_on_known_hosts() {
        for (url, base, project) in [
            (
                "git@github.com:acme/pay.git",
                "https://api.github.com",
                "acme/pay",
            ),
            (
                "https://u:p@github.com/acme/pay",
                "https://api.github.com",
                "acme/pay",
            ),
            (
                "ssh://git@ssh.github.com:443/acme/pay.git",
                "https://api.github.com",
                "acme/pay",
            ),
            (
                "https://gitlab.com/a/b/c.git/",
                "https://gitlab.com/api/v4",
                "a/b/c",
            ),
            (
                "https://codeberg.org/a/b",
                "https://codeberg.org/api/v1",
                "a/b",
            ),
        ] {
            let address = Address::of_remote(url).unwrap();
            assert_eq!(
                (address.base.to_string().as_str(), address.project.as_str()),
                (base, project),
                "{url}"
            );
        }
        for url in [
            "https://github.com.evil.example/a/b",
            "https://evil.example/github.com/a",
            "https://github.com@evil.example/a/b",
            "/srv/git/a.git",
            "https://github.com/a",
            "https://github.com/a/../b",
            "https://github.com/a/b?x=y",
        ] {
            assert!(Address::of_remote(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_token_goes_nowhere_in_the_clear() {
        let at = |site: &str| Address::at(site, Kind::Gitea, "git@h:a/b.git");
        assert_eq!(
            at("https://git.acme.example/").unwrap().base.to_string(),
            "https://git.acme.example/api/v1"
        );
        assert_eq!(
            at("http://127.0.0.1:3000").unwrap().base.to_string(),
            "http://127.0.0.1:3000/api/v1"
        );
        assert!(at("http://[::1]:3000").unwrap().base.is_loopback());
        for bad in [
            "http://git.acme.example",
            "http://127.0.0.1.evil.example",
            "http://localhost@evil.example",
            "ftp://127.0.0.1",
            "git.acme.example",
            "https://",
            "https://a b",
        ] {
            assert!(at(bad).is_err(), "{bad}");
        }
    }
}
