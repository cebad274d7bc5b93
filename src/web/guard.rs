//! Who may ask, for what: the rules that every request is held against first.
//!
//! A browser can be led by any page to send requests to this server, under the page's own host
//! name (DNS rebinding) or under ours; so the host is checked, and what another site had a hand in
//! is refused unless it is a link that was followed.

use std::net::{IpAddr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::http::request::Parts;
use hyper::{Method, Version};

use super::answers::{Fault, Problem};
use crate::webhook::Secret;

/// The longest path with its query, in bytes.
pub const LONGEST: usize = 8 << 10;
/// The path that says only that the server lives.
pub const HEALTH: &str = "/healthz";

/// Who is let in.
#[derive(Debug, Clone)]
pub struct Door {
    /// Names by which it may be asked for, besides those of the loopback interface; with a port
    /// that port only, else any.
    pub hosts: Vec<String>,
    /// Where it listens.
    pub address: SocketAddr,
    /// What readers must know.
    pub token: Option<Secret>,
    /// The proxy that says who they are.
    pub reverse: Option<Reverse>,
}

/// A proxy in front that knows who asks.
#[derive(Debug, Clone)]
pub struct Reverse {
    header: HeaderName,
    users: Vec<String>,
}

impl Reverse {
    /// The header it sets, and who may read.
    ///
    /// # Errors
    /// When the header cannot be one.
    pub fn new(header: &str, users: &[String]) -> Result<Reverse, String> {
        let name = HeaderName::try_from(header)
            .map_err(|_| format!("'{header}' is no name of a header"))?;
        let known = [HOST, AUTHORIZATION, ORIGIN].contains(&name);
        if known || name.as_str().starts_with("sec-") {
            return Err(format!("'{header}' says something else than who asks"));
        }
        Ok(Reverse {
            header: name,
            users: users.to_vec(),
        })
    }
}

impl Door {
    /// Whether the names can be names of hosts.
    ///
    /// # Errors
    /// Which of them cannot.
    pub fn check(&self) -> Result<(), String> {
        let wrong = self.hosts.iter().find(|name| split(name).is_none());
        match wrong {
            None => Ok(()),
            Some(name) => Err(format!("'{name}' is no name of a host")),
        }
    }

    /// Whether a request is let in, and who asks if somebody says so.
    ///
    /// # Errors
    /// Why it is not.
    pub fn lets(&self, request: &Parts) -> Result<Option<String>, Problem> {
        self.host(request)?;
        if !matches!(request.method, Method::GET | Method::HEAD) {
            let why = "nothing here can be changed: GET and HEAD are all there is";
            return Err(Problem::new(Fault::Method, why));
        }
        address(request)?;
        elsewhere(&request.headers)?;
        if request.uri.path() == HEALTH {
            return Ok(None);
        }
        self.token(&request.headers)?;
        self.user(&request.headers)
    }

    /// Whether the request is for us.
    fn host(&self, request: &Parts) -> Result<(), Problem> {
        let mut named = Vec::new();
        for value in request.headers.get_all(HOST) {
            named.push(value.to_str().unwrap_or_default());
        }
        if let ([], Version::HTTP_11) | ([_, _, ..], _) = (named.as_slice(), request.version) {
            let why = "a request names one host";
            return Err(Problem::new(Fault::Asked, why));
        }
        named.extend(request.uri.authority().map(|authority| authority.as_str()));
        if !named.is_empty() && named.iter().all(|name| self.is_here(name)) {
            return Ok(());
        }
        let why = "this server is not asked for by that name";
        Err(Problem::new(Fault::Elsewhere, why)
            .hint("whoever runs it lets it be known by more names with --host"))
    }

    fn is_here(&self, text: &str) -> bool {
        let Some((name, port)) = split(text) else {
            return false;
        };
        let named = |known: &String| {
            split(known).is_some_and(|(known, wanted)| {
                known.eq_ignore_ascii_case(name) && wanted.is_none_or(|wanted| port == Some(wanted))
            })
        };
        if self.hosts.iter().any(named) {
            return true;
        }
        let ip: Option<IpAddr> = match name.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').and_then(|ip| ip.parse().ok()),
            None => name.parse().ok(),
        };
        let own = ip.is_some_and(|ip| ip.is_loopback() || ip == self.address.ip());
        (own || name.eq_ignore_ascii_case("localhost")) && port.unwrap_or(80) == self.address.port()
    }

    fn token(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(token) = &self.token else {
            return Ok(());
        };
        let mut given = headers.get_all(AUTHORIZATION).into_iter();
        let fits = match (given.next(), given.next()) {
            (Some(value), None) => password(value.as_bytes()).is_some_and(|given| token.is(&given)),
            _ => false,
        };
        if fits {
            return Ok(());
        }
        Err(Problem::new(Fault::Stranger, "this needs a token")
            .hint("as bearer token, or as password with any name"))
    }

    fn user(&self, headers: &HeaderMap) -> Result<Option<String>, Problem> {
        let Some(reverse) = &self.reverse else {
            return Ok(None);
        };
        let mut given = headers.get_all(&reverse.header).into_iter();
        let user = match (given.next(), given.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        };
        let known = reverse
            .users
            .iter()
            .find(|known| Some(known.as_str()) == user);
        match known {
            Some(user) => Ok(Some(user.clone())),
            None => Err(Problem::new(
                Fault::Forbidden,
                "the proxy in front names nobody who may read this",
            )),
        }
    }
}

/// The host and, if there is one, the port.
fn split(text: &str) -> Option<(&str, Option<u16>)> {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !text.ends_with(']') => {
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            let port = port.parse().ok().filter(|_| digits)?;
            (name, Some(port))
        }
        _ => (text, None),
    };
    let inner = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let fits = match inner {
        Some(ip) => ip
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte)),
        None => !name.is_empty() && name.bytes().all(plain),
    };
    fits.then_some((name, port))
}

/// Whether path and query can be ours at all.
fn address(request: &Parts) -> Result<(), Problem> {
    let uri = &request.uri;
    let length = uri.path_and_query().map_or(0, |text| text.as_str().len());
    if length > LONGEST {
        let why = format!("an address here is at most {LONGEST} bytes long");
        return Err(Problem::new(Fault::TooLong, why));
    }
    let path = uri.path();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    let dots = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte == b'.');
    if !path.starts_with('/') || !path.bytes().all(plain) || path.split('/').any(dots) {
        let why = "no path here looks like that";
        return Err(
            Problem::new(Fault::Asked, why).hint("paths are made of letters, digits and . _ - /")
        );
    }
    Ok(())
}

/// Whether another site had a hand in it: a link that was followed is let in, all else is not.
fn elsewhere(headers: &HeaderMap) -> Result<(), Problem> {
    let value = |name: &str| headers.get(name).map(|value| value.as_bytes());
    let from_us = matches!(
        value("sec-fetch-site"),
        None | Some(b"same-origin" | b"none")
    );
    let followed = value("sec-fetch-mode") == Some(b"navigate")
        && matches!(value("sec-fetch-dest"), None | Some(b"document"));
    if from_us || followed {
        return Ok(());
    }
    Err(Problem::new(
        Fault::Forbidden,
        "another site's page asks for this; open it yourself",
    ))
}

/// The token in `Bearer …`, or the password in `Basic …`.
fn password(value: &[u8]) -> Option<Vec<u8>> {
    let space = value.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = (value.get(..space)?, value.get(space + 1..)?);
    if scheme.eq_ignore_ascii_case(b"Bearer") {
        return Some(rest.to_vec());
    }
    if !scheme.eq_ignore_ascii_case(b"Basic") {
        return None;
    }
    let both = BASE64.decode(rest).ok()?;
    let colon = both.iter().position(|byte| *byte == b':')?;
    both.get(colon + 1..).map(<[u8]>::to_vec)
}
