//! One GET after another to one host, with a token, a deadline and a limit on every answer.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use crate::json::Value;

use super::{Address, Kind, Request, Token};

/// The largest answer that is read, in bytes.
const LONGEST: u64 = 4 << 20;
/// The largest file of certificates that is read, in bytes.
const LONGEST_CERTIFICATES: u64 = 16 << 20;
/// Where systems keep the certificates they trust.
const SYSTEM: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Why a forge gave no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It does not know the token.
    Unauthorized,
    /// The token may not ask this.
    Forbidden,
    /// There is no such thing, or the token may not know of it.
    NotFound,
    /// It wants to be asked less often.
    TooOften,
    /// It answers that the answer is elsewhere.
    Redirected,
    /// Another status.
    Status(u16),
    /// It was not there in time.
    Silent,
    /// It could not be reached, or is not who it should be.
    Unreachable(String),
    /// The answer is too large.
    TooLarge,
    /// The answer is not what the documentation says.
    Nonsense(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Unauthorized => f.write_str("it does not accept the token"),
            Trouble::Forbidden => f.write_str("the token may not read the rules"),
            Trouble::NotFound => {
                f.write_str("there is no such repository, or the token may not see it")
            }
            Trouble::TooOften => f.write_str("it was asked too often, and wants us to wait"),
            Trouble::Redirected => {
                f.write_str("it answers with a redirect, and the token goes nowhere else")
            }
            Trouble::Status(code) => write!(f, "it answers with the status {code}"),
            Trouble::Silent => f.write_str("it gave no answer in time"),
            Trouble::Unreachable(why) => write!(f, "it cannot be reached: {why}"),
            Trouble::TooLarge => f.write_str("its answer is too large to be read"),
            Trouble::Nonsense(what) => write!(f, "its answer makes no sense: {what}"),
        }
    }
}

impl Trouble {
    /// What to do about it.
    pub fn mend(&self, kind: Kind) -> String {
        match self {
            Trouble::Unauthorized | Trouble::Forbidden | Trouble::NotFound => {
                format!("give it {}", kind.permission())
            }
            Trouble::Redirected => {
                "was the repository renamed? give the remote its new address".into()
            }
            Trouble::TooOften => "run doctor again later".into(),
            Trouble::Unreachable(_) | Trouble::Silent => {
                "run doctor again; --forge-url says where the forge is".into()
            }
            _ => "is it the forge that --forge and --forge-url say?".into(),
        }
    }
}

/// Who asks one forge.
pub(super) struct Client<'a> {
    agent: ureq::Agent,
    address: &'a Address,
    token: &'a Token,
    deadline: Instant,
}

impl<'a> Client<'a> {
    pub fn new(request: &Request<'a>) -> Result<Client<'a>, Trouble> {
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("git-ledger/", env!("CARGO_PKG_VERSION")))
            .accept("application/json");
        config = if request.address.is_loopback() {
            // a proxy is another machine
            config.proxy(None)
        } else {
            let roots = certificates(request.certificates.as_deref())?;
            let provider = rustls::crypto::aws_lc_rs::default_provider();
            let tls = TlsConfig::builder()
                .root_certs(RootCerts::from(roots))
                .unversioned_rustls_crypto_provider(Arc::new(provider))
                .build();
            config.https_only(true).tls_config(tls)
        };
        Ok(Client {
            agent: config.build().new_agent(),
            address: request.address,
            token: request.token,
            deadline: request.deadline,
        })
    }

    /// The project's name in a path.
    pub fn project(&self) -> &str {
        &self.address.project
    }

    /// What the API says at `path`.
    pub fn get(&self, path: &str) -> Result<Value, Trouble> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left < Duration::from_millis(1) {
            return Err(Trouble::Silent);
        }
        let url = format!("{}{path}", self.address.base);
        let token = &self.token.0;
        let request = self
            .agent
            .get(&url)
            .config()
            .timeout_global(Some(left))
            .build();
        let request = match self.address.kind {
            Kind::GitHub => request
                .header("Authorization", format!("Bearer {token}"))
                .header("X-GitHub-Api-Version", "2022-11-28"),
            Kind::GitLab => request.header("PRIVATE-TOKEN", token),
            Kind::Gitea | Kind::Forgejo => {
                request.header("Authorization", format!("token {token}"))
            }
        };
        let mut response = request.call().map_err(|why| self.trouble(&why))?;
        let empty = response
            .headers()
            .get("x-ratelimit-remaining")
            .is_some_and(|left| left.as_bytes() == b"0");
        let waits = empty || response.headers().contains_key("retry-after");
        match response.status().as_u16() {
            200 => {}
            401 => return Err(Trouble::Unauthorized),
            403 if waits => return Err(Trouble::TooOften),
            429 => return Err(Trouble::TooOften),
            403 => return Err(Trouble::Forbidden),
            404 => return Err(Trouble::NotFound),
            300..=399 => return Err(Trouble::Redirected),
            other => return Err(Trouble::Status(other)),
        }
        let mut body = Vec::new();
        let read = response
            .body_mut()
            .as_reader()
            .take(LONGEST + 1)
            .read_to_end(&mut body);
        if let Err(why) = read {
            let late =
                why.kind() == std::io::ErrorKind::TimedOut || Instant::now() >= self.deadline;
            return Err(if late {
                Trouble::Silent
            } else {
                Trouble::Unreachable("the connection broke off".into())
            });
        }
        if body.len() as u64 > LONGEST {
            return Err(Trouble::TooLarge);
        }
        Value::parse(&body).map_err(|_| Trouble::Nonsense("no JSON".into()))
    }

    /// All items of a list that is told in pages of a hundred.
    pub fn list(&self, path: &str) -> Result<Vec<Value>, Trouble> {
        const PAGES: usize = 10;
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let value = self.get(&format!("{path}?per_page=100&page={page}"))?;
            let items = value
                .as_array()
                .ok_or_else(|| Trouble::Nonsense("no list".into()))?;
            all.extend_from_slice(items);
            if items.len() < 100 {
                return Ok(all);
            }
        }
        Err(Trouble::TooLarge)
    }

    fn trouble(&self, error: &ureq::Error) -> Trouble {
        match error {
            ureq::Error::Timeout(_) => Trouble::Silent,
            _ if Instant::now() >= self.deadline => Trouble::Silent,
            ureq::Error::HostNotFound => Trouble::Unreachable("there is no such host".into()),
            other => Trouble::Unreachable(other.to_string()),
        }
    }
}

/// The certificates that are trusted: those of `file`, or the system's.
fn certificates(file: Option<&Path>) -> Result<Vec<ureq::tls::Certificate<'static>>, Trouble> {
    let missing = |what: String| Trouble::Unreachable(what);
    let path = match file {
        Some(path) => path.to_owned(),
        None => SYSTEM
            .iter()
            .map(PathBuf::from)
            .find(|path| path.is_file())
            .ok_or_else(|| {
                missing("this system has no certificates to trust; install ca-certificates".into())
            })?,
    };
    let short = path
        .metadata()
        .is_ok_and(|meta| meta.is_file() && meta.len() <= LONGEST_CERTIFICATES);
    let text = if short {
        std::fs::read(&path).unwrap_or_default()
    } else {
        Vec::new()
    };
    let found: Vec<_> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(missing(format!(
            "there are no certificates in '{}'",
            path.display()
        )));
    }
    Ok(found)
}
