//! The one door to HTTP for whoever asks: one host, a deadline, a limit on every answer.
//!
//! TLS with the certificates the system trusts, plain HTTP on this machine only. Redirects are
//! not followed, so what authenticates a request goes nowhere but where it was sent; no proxy
//! stands between this machine and itself.
//!
//! Source: RFC 9110; RFC 8446 by rustls.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// The largest answer that is read unless the caller says otherwise, in bytes.
pub const LONGEST: u64 = 4 << 20;
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

/// An address is not `https://host[:port]/…` (`http://` on this machine only).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no https:// address (http:// only on this machine)")]
pub struct BadUrl(
    /// The address, without name and password.
    pub String,
);

/// Where to ask: scheme, host and port, and a path. It holds no name and no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    text: String,
    host: String,
    loopback: bool,
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Url {
    /// Reads an address; slashes at its end are dropped.
    ///
    /// # Errors
    /// [`BadUrl`] for everything but HTTPS and, on a loopback address, HTTP.
    pub fn parse(text: &str) -> Result<Url, BadUrl> {
        let bad = || BadUrl(without_secrets(text));
        let text = text.trim_end_matches('/');
        let (scheme, rest) = text.split_once("://").ok_or_else(bad)?;
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]/%?=&+,".contains(&byte);
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
        if authority.is_empty()
            || !authority.bytes().all(named)
            || !rest.bytes().all(plain)
            || text.len() > 4096
        {
            return Err(bad());
        }
        let host = host_of(authority);
        let here = is_loopback(&host);
        match scheme {
            "https" => {}
            "http" if here => {}
            _ => return Err(bad()),
        }
        Ok(Url {
            text: text.to_owned(),
            host,
            // over TLS the certificate decides, wherever the host is
            loopback: scheme == "http",
        })
    }

    /// The host, in lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is plain HTTP on this machine.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }
}

/// The host of `host[:port]`.
pub fn host_of(authority: &str) -> String {
    let host = match authority.strip_prefix('[') {
        Some(inside) => inside.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.trim_end_matches('.').to_ascii_lowercase()
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// An address as it may be shown.
pub fn without_secrets(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// Nothing came in time.
    #[error("it gave no answer in time")]
    Silent,
    /// It could not be reached, or is not who it should be.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// The answer is larger than what is read.
    #[error("its answer is too large to be read")]
    TooLarge,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, at most [`LONGEST`] bytes.
    pub body: Vec<u8>,
    headers: ureq::http::HeaderMap,
}

impl Answer {
    /// The first header of this name, if it is printable ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Who asks.
pub struct Client {
    agent: ureq::Agent,
    deadline: Instant,
}

impl Client {
    /// A client for this host; all its answers must be there by the deadline. `certificates`: a
    /// PEM file to trust in place of the system's.
    ///
    /// # Errors
    /// [`NoAnswer::Unreachable`] when there are no certificates to trust.
    pub fn new(
        url: &Url,
        certificates: Option<&Path>,
        deadline: Instant,
    ) -> Result<Client, NoAnswer> {
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("git-ledger/", env!("CARGO_PKG_VERSION")));
        config = if url.is_loopback() {
            // a proxy is another machine
            config.proxy(None)
        } else {
            let roots = trusted(certificates)?;
            let provider = rustls::crypto::aws_lc_rs::default_provider();
            let tls = TlsConfig::builder()
                .root_certs(RootCerts::from(roots))
                .unversioned_rustls_crypto_provider(Arc::new(provider))
                .build();
            config.https_only(true).tls_config(tls)
        };
        Ok(Client {
            agent: config.build().new_agent(),
            deadline,
        })
    }

    /// The same client with another deadline; its connections stay open.
    pub fn until(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    /// Asks for `url`.
    ///
    /// # Errors
    /// When there is no answer; every status is an answer.
    pub fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, NoAnswer> {
        let request = self.agent.get(url).config();
        let mut request = request.timeout_global(Some(self.left()?)).build();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.read(request.call())
    }

    /// Sends `body` to `url`.
    ///
    /// # Errors
    /// When there is no answer; every status is an answer.
    pub fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, NoAnswer> {
        let request = self.agent.post(url).config();
        let mut request = request.timeout_global(Some(self.left()?)).build();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.read(request.send(body))
    }

    fn left(&self) -> Result<Duration, NoAnswer> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left < Duration::from_millis(1) {
            return Err(NoAnswer::Silent);
        }
        Ok(left)
    }

    fn read(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Answer, NoAnswer> {
        let mut response = response.map_err(|why| self.no_answer(&why))?;
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
                NoAnswer::Silent
            } else {
                NoAnswer::Unreachable("the connection broke off".into())
            });
        }
        if body.len() as u64 > LONGEST {
            return Err(NoAnswer::TooLarge);
        }
        Ok(Answer {
            status: response.status().as_u16(),
            body,
            headers: std::mem::take(response.headers_mut()),
        })
    }

    fn no_answer(&self, error: &ureq::Error) -> NoAnswer {
        match error {
            ureq::Error::Timeout(_) => NoAnswer::Silent,
            _ if Instant::now() >= self.deadline => NoAnswer::Silent,
            ureq::Error::HostNotFound => NoAnswer::Unreachable("there is no such host".into()),
            other => NoAnswer::Unreachable(other.to_string()),
        }
    }
}

/// The certificates that are trusted: those of `file`, or the system's.
fn trusted(file: Option<&Path>) -> Result<Vec<ureq::tls::Certificate<'static>>, NoAnswer> {
    let missing = |what: String| NoAnswer::Unreachable(what);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in [
            "https://api.example.com/x?y=1",
            "https://[::1]:8443/",
            "http://127.0.0.1:80",
            "http://localhost/a",
        ] {
            assert!(Url::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://example.com",
            "http://localhost.example.com",
            "http://127.0.0.1@example.com/",
            "ftp://127.0.0.1/",
            "https://",
            "https://a b/",
            "https://user:secret@example.com/",
            "https://a/\r\nHost: b",
        ] {
            let why = Url::parse(bad).expect_err(bad).to_string();
            assert!(!why.contains("secret"), "{why}");
        }
    }
}
