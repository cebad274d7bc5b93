//! Who issues tokens, asked over HTTP: for a token in the name of the job, and for its keys.
//!
//! A request token goes only to the address that the CI system put beside it; the keys come from
//! the issuer's own host, and no redirect leads elsewhere.

use std::path::Path;
use std::time::Instant;

use super::{Keys, Refusal};
use crate::escape::{UNRESERVED, percent};
use crate::http::{Answer, Client, Url};
use crate::json::{Value, foreign};

/// Where an issuer says what it is (OpenID Connect Discovery 1.0, section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// How requests are made.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// A file of certificates to trust in place of the system's.
    pub certificates: Option<&'a Path>,
    /// When all answers must be there.
    pub deadline: Instant,
}

/// Asks for a token for this audience, as GitHub's runners do. `url` and `bearer` are what the
/// runner put into the environment.
///
/// # Errors
/// Why there is none, without a word of either.
pub fn token(way: Way<'_>, url: &str, bearer: &str, audience: &str) -> Result<String, String> {
    let parsed = Url::parse(url).map_err(|_| "its address is none of https://".to_owned())?;
    if bearer.is_empty() || !bearer.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the token to ask with is none".into());
    }
    let client = Client::new(&parsed, way.certificates, way.deadline).map_err(said)?;
    let joint = if url.contains('?') { '&' } else { '?' };
    let full = format!("{parsed}{joint}audience={}", percent(audience, UNRESERVED));
    let bearer = format!("Bearer {bearer}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Accept", "application/json"),
    ];
    let body = plain(client.get(&full, &headers).map_err(said)?)?;
    let value = foreign::read(&body).map_err(|_| "its answer is no JSON".to_owned())?;
    let token = value.as_object().and_then(|answer| answer.get("value"));
    match token.and_then(Value::as_str) {
        Some(token) => Ok(token.to_owned()),
        None => Err("its answer holds no token".into()),
    }
}

/// The keys of this issuer, whose name was checked before.
///
/// # Errors
/// [`Refusal::Keys`].
pub fn keys(way: Way<'_>, issuer: &str) -> Result<Keys, Refusal> {
    let no = |why: String| Refusal::Keys(why);
    let base = Url::parse(issuer).map_err(|_| no("it is no https:// address".into()))?;
    let client = Client::new(&base, way.certificates, way.deadline).map_err(|why| no(said(why)))?;
    let ask = |url: &str| {
        let answer = client.get(url, &[("Accept", "application/json")]);
        answer.map_err(said).and_then(plain).map_err(no)
    };
    let described = ask(&format!("{base}{DISCOVERY}"))?;
    let described = foreign::read(&described).map_err(|why| no(why.to_string()))?;
    let text = |name: &str| {
        let value = described.as_object().and_then(|object| object.get(name));
        value.and_then(Value::as_str)
    };
    if text("issuer") != Some(issuer) {
        return Err(no("it describes another issuer than itself".into()));
    }
    let place = text("jwks_uri").unwrap_or_default();
    let url = Url::parse(place).map_err(|_| no("it names no place for its keys".into()))?;
    if origin(&url.to_string()) != origin(&base.to_string()) {
        return Err(no("its keys are on another host than itself".into()));
    }
    Keys::parse(&ask(&url.to_string())?)
}

/// Scheme, host and port.
fn origin(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let authority = authority.to_ascii_lowercase();
    let standard = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.strip_suffix(standard).unwrap_or(&authority);
    Some((scheme.to_owned(), authority.to_owned()))
}

fn plain(answer: Answer) -> Result<Vec<u8>, String> {
    match answer.status {
        200 => Ok(answer.body),
        300..=399 => Err("it answers with a redirect, which is not followed".into()),
        status => Err(format!("it answers with the status {status}")),
    }
}

fn said(why: crate::http::NoAnswer) -> String {
    why.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert_eq!(origin("https://a.b/x"), origin("https://A.B:443/y?z"));
        for other in [
            "https://a.b:8443/",
            "http://a.b/",
            "https://a.b.c/",
            "https://b/",
        ] {
            assert_ne!(origin("https://a.b/"), origin(other), "{other}");
        }
    }
}
