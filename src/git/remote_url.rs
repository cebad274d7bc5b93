//! The address of a remote, as far as git may be handed it: none that is an option in disguise,
//! none that makes git run a program of the address's choice.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice;

use super::config::{Config, Scope};

/// Why an address is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UrlError {
    /// Nothing there.
    #[error("the address of a remote is empty")]
    Empty,
    /// A control character, or a part that git or ssh would take for an option.
    #[error("'{0}' is not a safe address of a remote")]
    Unsafe(String),
    /// A transport that we do not speak, among them all that start a helper program.
    #[error(
        "'{0}' uses a transport that is not allowed\nhint: allowed are ssh, https, http, git, file and plain paths"
    )]
    Transport(String),
}

/// How a remote is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `ssh://` or `host:path`.
    Ssh,
    /// `https://`.
    Https,
    /// `http://`.
    Http,
    /// `git://`.
    Git,
    /// `file://` or a path.
    File,
}

/// Whether something is fetched or sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From there to here.
    Fetch,
    /// From here to there.
    Push,
}

/// An address that git may be handed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RemoteUrl {
    scheme: Scheme,
    text: String,
}

impl RemoteUrl {
    /// Reads an address; a relative path starts at `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Self, UrlError> {
        if text.is_empty() {
            return Err(UrlError::Empty);
        }
        let refused = || UrlError::Unsafe(text.into());
        if text.starts_with('-') || text.chars().any(char::is_control) {
            return Err(refused());
        }
        let made = |scheme, text: &str| {
            Ok(Self {
                scheme,
                text: text.into(),
            })
        };
        if let Some((scheme, rest)) = text.split_once("://") {
            let known = match scheme {
                "ssh" | "git+ssh" | "ssh+git" => Scheme::Ssh,
                "https" => Scheme::Https,
                "http" => Scheme::Http,
                "git" => Scheme::Git,
                "file" => Scheme::File,
                _ if scheme.contains('/') => return Self::local(text, base),
                _ => return Err(UrlError::Transport(text.into())),
            };
            if known == Scheme::File {
                if !rest.starts_with('/') {
                    return Err(refused());
                }
                return made(known, text);
            }
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            if !is_safe_authority(authority) {
                return Err(refused());
            }
            return made(known, text);
        }
        // `helper::address`, as git splits it: letters and digits before the two colons.
        if let Some((helper, _)) = text.split_once("::")
            && helper
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        {
            return Err(UrlError::Transport(text.into()));
        }
        let before_slash = text.split('/').next().unwrap_or_default();
        if let Some((host, _)) = scp_like(text, before_slash) {
            if !is_safe_authority(host) {
                return Err(refused());
            }
            return made(Scheme::Ssh, text);
        }
        Self::local(text, base)
    }

    fn local(text: &str, base: &Path) -> Result<Self, UrlError> {
        let path = base.join(text);
        if !path.is_absolute() {
            return Err(UrlError::Unsafe(text.into()));
        }
        match OsString::from(path).into_string() {
            Ok(text) if !text.chars().any(char::is_control) => Ok(Self {
                scheme: Scheme::File,
                text,
            }),
            _ => Err(UrlError::Unsafe(text.into())),
        }
    }

    /// The address as git gets it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How it is reached.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The directory it names, if it is one on this machine.
    pub fn local_path(&self) -> Option<PathBuf> {
        match self.scheme {
            Scheme::File => Some(PathBuf::from(
                self.text.strip_prefix("file://").unwrap_or(&self.text),
            )),
            _ => None,
        }
    }

    /// The machine it names, in lower case, without user and port; none for this one.
    pub fn host(&self) -> Option<String> {
        if self.scheme == Scheme::File {
            return None;
        }
        let authority = match self.text.split_once("://") {
            Some((_, rest)) => rest.split(['/', '?', '#']).next().unwrap_or_default(),
            None => {
                let before_slash = self.text.split('/').next().unwrap_or_default();
                scp_like(&self.text, before_slash).map_or("", |(host, _)| host)
            }
        };
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let host = match host.strip_prefix('[') {
            Some(inside) => inside.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let here = matches!(host.as_str(), "localhost" | "::1") || host.starts_with("127.");
        (!here).then_some(host)
    }

    /// The address without user name and password, to be shown or recorded.
    pub fn redacted(&self) -> String {
        let Some((scheme, rest)) = self.text.split_once("://") else {
            return self.text.clone();
        };
        let end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        match (authority.rsplit_once('@'), self.scheme) {
            (Some((user, host)), Scheme::Ssh) => {
                let user = user.split(':').next().unwrap_or_default();
                format!("{scheme}://{user}@{host}{path}")
            }
            (Some((_, host)), _) => format!("{scheme}://{host}{path}"),
            (None, _) => self.text.clone(),
        }
    }
}

impl std::fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl Config {
    /// The address that the remote `name` is configured with; none if there is no such remote.
    pub fn remote_url(&self, name: &str, direction: Direction) -> Option<String> {
        let url = || self.get(&format!("remote.{name}.url"), Scope::Any);
        match direction {
            Direction::Fetch => url(),
            Direction::Push => self
                .get(&format!("remote.{name}.pushurl"), Scope::Any)
                .or_else(url),
        }
    }
}

/// `host:path`, if a colon comes before the first slash; brackets keep a colon inside the host.
fn scp_like<'t>(text: &'t str, before_slash: &str) -> Option<(&'t str, &'t str)> {
    let at = match before_slash.find('[') {
        Some(open) => {
            let close = before_slash.get(open..)?.find(']')? + open;
            before_slash.get(close..)?.find(':')? + close
        }
        None => before_slash.find(':')?,
    };
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// `user:password@host:port` of which no part can be taken for an option of ssh.
fn is_safe_authority(authority: &str) -> bool {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", authority),
    };
    let host = host.trim_start_matches('[');
    !host.is_empty()
        && !host.starts_with('-')
        && !user.starts_with('-')
        && !percent_dash(user)
        && !percent_dash(host)
        && !authority.bytes().any(|b| b.is_ascii_whitespace())
        && authority
            .as_bytes()
            .find_byteset(b"`$;|<>&()'\"\\")
            .is_none()
}

/// Git decodes percent signs before it looks for a dash.
fn percent_dash(text: &str) -> bool {
    text.to_ascii_lowercase().starts_with("%2d")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<RemoteUrl, UrlError> {
        RemoteUrl::parse(text, Path::new("/base"))
    }

    #[test]
    fn accepts_what_people_use() {
        for (text, scheme, given) in [
            ("ssh://git@h:22/p", Scheme::Ssh, "ssh://git@h:22/p"),
            ("git@h:p/q.git", Scheme::Ssh, "git@h:p/q.git"),
            ("h:p", Scheme::Ssh, "h:p"),
            ("[::1]:p", Scheme::Ssh, "[::1]:p"),
            ("https://u:p@h/x", Scheme::Https, "https://u:p@h/x"),
            ("http://h/x", Scheme::Http, "http://h/x"),
            ("git://h/x", Scheme::Git, "git://h/x"),
            ("file:///x/y", Scheme::File, "file:///x/y"),
            ("/x y", Scheme::File, "/x y"),
            ("../x", Scheme::File, "/base/../x"),
            ("./a:b", Scheme::File, "/base/./a:b"),
        ] {
            let url = parse(text).unwrap();
            assert_eq!((url.scheme(), url.as_str()), (scheme, given), "{text}");
        }
    }

    #[test]
    fn refuses_options_and_helpers() {
        for text in [
            "",
            "-x",
            "--upload-pack=touch /tmp/x",
            "ext::sh -c id",
            "fd::17",
            "any-helper::x",
            "::x",
            "transport://h/x",
            "ssh://-oProxyCommand=id/x",
            "ssh://-u@h/x",
            "ssh://%2DoProxy/x",
            "-oProxyCommand=id:x",
            "u@-h:x",
            "[-oProxy]:x",
            "file://host/x",
            "https://h/a\nb",
            "ssh:///x",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_the_machine() {
        for (text, host) in [
            ("ssh://git@H.example:22/p", Some("h.example")),
            ("git@h.example.:p/q.git", Some("h.example")),
            ("https://u:p@h.example:8443/x", Some("h.example")),
            ("[fe80::1]:p", Some("fe80::1")),
            ("http://127.0.0.1:80/x", None),
            ("ssh://LOCALHOST/x", None),
            ("/x y", None),
        ] {
            assert_eq!(parse(text).unwrap().host().as_deref(), host, "{text}");
        }
    }

    #[test]
    fn shows_no_password() {
        assert_eq!(parse("https://u:p@h/x").unwrap().to_string(), "https://h/x");
        assert_eq!(parse("ssh://u:p@h/x").unwrap().to_string(), "ssh://u@h/x");
    }
}
