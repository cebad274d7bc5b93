//! May this delivery be believed? The signature and token rules of webhooks, over the headers, the
//! raw body, the secrets and the clock.
//!
//! What a scheme covers is all that it proves. Only Standard Webhooks signs an id and a time; the
//! others sign the body alone, GitLab's token signs nothing. So the name of an event, the id of a
//! delivery and every other header stay claims of whoever sent them.
//!
//! Comparisons take the same time wherever the difference lies. No error repeats a secret, or what
//! was given in place of one.
//!
//! Source: GitHub "Validating webhook deliveries"; the documentation of Gitea, Forgejo and GitLab
//! on webhooks; the Standard Webhooks specification 1.0.

mod header;
mod secret;

#[cfg(test)]
mod tests;

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

pub use self::header::Headers;
pub use self::secret::{MIN_SECRET, Secret, SecretFault};

/// How far the time of a delivery may lie from the clock, in seconds, either way (Standard
/// Webhooks).
pub const TOLERANCE: u64 = 300;

/// Signatures that one delivery may carry while keys are changed.
const MAX_SIGNATURES: usize = 16;

/// What stands before a token in `Authorization` (RFC 6750), in either case.
const BEARER: &[u8] = b"Bearer ";

/// How a sender proves that it holds the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `X-Hub-Signature-256: sha256=<64 hex>`, HMAC-SHA-256 over the body.
    GithubHmac,
    /// `X-Gitea-Signature: <64 hex>`, HMAC-SHA-256 over the body.
    GiteaHmac,
    /// `X-Forgejo-Signature: <64 hex>`, HMAC-SHA-256 over the body.
    ForgejoHmac,
    /// `X-Gitlab-Token`: the secret itself. It says nothing about the body.
    GitlabToken,
    /// `Authorization: Bearer <token>`: the secret itself. It says nothing about the body.
    Bearer,
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`: HMAC-SHA-256 over id, time and body.
    StandardWebhooks,
}

/// What a delivery that may be believed has proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Which of the secrets fitted, counted from 0.
    pub secret: usize,
    /// The delivery's id, where it is signed.
    pub id: Option<String>,
    /// When it was sent, in seconds since 1970, where that is signed.
    pub sent: Option<u64>,
}

/// Why a delivery is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The header that proves it is not there.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// The header stands there more than once; two readers could take different ones.
    #[error("the header {0} stands there more than once")]
    Repeated(&'static str),
    /// The header is not of its form.
    #[error("the header {header} is malformed: {why}")]
    Malformed {
        /// Its name.
        header: &'static str,
        /// Which rule it breaks.
        why: &'static str,
    },
    /// It fits none of the secrets.
    #[error("the header {0} fits none of the secrets")]
    Wrong(&'static str),
    /// It was sent too long ago, or a clock is wrong.
    #[error("it was sent {0} seconds ago; at most {TOLERANCE} are allowed")]
    Old(u64),
    /// It is said to be sent later than now.
    #[error("it is dated {0} seconds ahead of the clock here; at most {TOLERANCE} are allowed")]
    Early(u64),
    /// No secret was given to check it by.
    #[error("no secret is configured, so nothing can be believed")]
    NoSecret,
}

impl Refusal {
    /// One word for it, for counters.
    pub fn word(&self) -> &'static str {
        match self {
            Refusal::Missing(_) => "missing",
            Refusal::Repeated(_) => "repeated",
            Refusal::Malformed { .. } => "malformed",
            Refusal::Wrong(_) => "wrong",
            Refusal::Old(_) => "old",
            Refusal::Early(_) => "early",
            Refusal::NoSecret => "no-secret",
        }
    }
}

impl Scheme {
    /// The scheme that a delivery's headers show. Forgejo and Gitea send GitHub's names as well, and
    /// Forgejo Gitea's, so the most particular name decides.
    pub fn of(headers: &Headers<'_>) -> Option<Scheme> {
        [
            Scheme::ForgejoHmac,
            Scheme::GiteaHmac,
            Scheme::StandardWebhooks,
            Scheme::GitlabToken,
            Scheme::GithubHmac,
        ]
        .into_iter()
        .find(|scheme| headers.has(scheme.header()))
    }

    /// The header that holds the proof.
    pub fn header(self) -> &'static str {
        match self {
            Scheme::GithubHmac => "X-Hub-Signature-256",
            Scheme::GiteaHmac => "X-Gitea-Signature",
            Scheme::ForgejoHmac => "X-Forgejo-Signature",
            Scheme::GitlabToken => "X-Gitlab-Token",
            Scheme::Bearer => "Authorization",
            Scheme::StandardWebhooks => "webhook-signature",
        }
    }
}

/// Judges a delivery by one scheme. `body` is as it came over the wire, `now` in seconds since 1970;
/// several secrets are for the time in which one takes over from another.
///
/// # Errors
/// The [`Refusal`] says which header is at fault.
pub fn check(
    scheme: Scheme,
    headers: &Headers<'_>,
    body: &[u8],
    secrets: &[Secret],
    now: u64,
) -> Result<Checked, Refusal> {
    if secrets.is_empty() {
        return Err(Refusal::NoSecret);
    }
    match scheme {
        Scheme::GithubHmac => body_alone(scheme.header(), "sha256=", headers, body, secrets),
        Scheme::GiteaHmac | Scheme::ForgejoHmac => {
            body_alone(scheme.header(), "", headers, body, secrets)
        }
        Scheme::GitlabToken => token(scheme.header(), headers.only(scheme.header())?, secrets),
        Scheme::Bearer => {
            let header = scheme.header();
            let value = headers.only(header)?;
            let (word, given) = value.split_at(value.len().min(BEARER.len()));
            if !word.eq_ignore_ascii_case(BEARER) {
                let why = "it does not begin with Bearer";
                return Err(Refusal::Malformed { header, why });
            }
            token(header, given, secrets)
        }
        Scheme::StandardWebhooks => standard(headers, body, secrets, now),
    }
}

/// HMAC-SHA-256 over the body, in hex.
fn body_alone(
    header: &'static str,
    prefix: &str,
    headers: &Headers<'_>,
    body: &[u8],
    secrets: &[Secret],
) -> Result<Checked, Refusal> {
    let malformed = |why| Refusal::Malformed { header, why };
    let value = headers.only(header)?;
    let hex = value
        .strip_prefix(prefix.as_bytes())
        .ok_or_else(|| malformed("it does not begin with sha256="))?;
    let tag = tag_of_hex(hex).ok_or_else(|| malformed("it is not 64 hex digits"))?;
    let fits = |secret: &Secret| hmac::verify(&secret.key(), body, &tag).is_ok();
    plain(header, secrets.iter().position(fits))
}

/// The secret itself.
fn token(header: &'static str, given: &[u8], secrets: &[Secret]) -> Result<Checked, Refusal> {
    plain(header, secrets.iter().position(|secret| secret.is(given)))
}

fn plain(header: &'static str, secret: Option<usize>) -> Result<Checked, Refusal> {
    Ok(Checked {
        secret: secret.ok_or(Refusal::Wrong(header))?,
        id: None,
        sent: None,
    })
}

/// Id, time and body, joined by full stops. An id with a full stop in it could be split elsewhere.
fn standard(
    headers: &Headers<'_>,
    body: &[u8],
    secrets: &[Secret],
    now: u64,
) -> Result<Checked, Refusal> {
    let header = Scheme::StandardWebhooks.header();
    let malformed = |header, why| Refusal::Malformed { header, why };
    let id = std::str::from_utf8(headers.only("webhook-id")?)
        .ok()
        .filter(|id| (1..=256).contains(&id.len()))
        .filter(|id| id.bytes().all(|b| b.is_ascii_graphic() && b != b'.'))
        .ok_or_else(|| {
            malformed(
                "webhook-id",
                "it is not 1 to 256 printable ASCII characters other than the full stop",
            )
        })?;
    let time = headers.only("webhook-timestamp")?;
    let sent = seconds(time).ok_or_else(|| {
        malformed(
            "webhook-timestamp",
            "it is no number of seconds of at most 11 digits",
        )
    })?;
    let tags = signatures(headers.only(header)?).map_err(|why| malformed(header, why))?;
    let signed = [id.as_bytes(), b".", time, b".", body].concat();
    let fits = |secret: &Secret| {
        let key = secret.key();
        tags.iter()
            .any(|tag| hmac::verify(&key, &signed, tag).is_ok())
    };
    // who does not hold the secret learns nothing about the clock here
    let secret = secrets
        .iter()
        .position(fits)
        .ok_or(Refusal::Wrong(header))?;
    if now.saturating_sub(sent) > TOLERANCE {
        return Err(Refusal::Old(now - sent));
    }
    if sent.saturating_sub(now) > TOLERANCE {
        return Err(Refusal::Early(sent - now));
    }
    Ok(Checked {
        secret,
        id: Some(id.to_owned()),
        sent: Some(sent),
    })
}

/// `v1,<base64>`, several with one space between; other versions are not for us.
fn signatures(value: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut tags = Vec::new();
    for (at, word) in value.split(|b| *b == b' ').enumerate() {
        if at >= MAX_SIGNATURES {
            return Err("it holds more than 16 signatures");
        }
        let comma = word.iter().position(|b| *b == b',');
        let Some((version, text)) =
            comma.and_then(|at| Some((word.get(..at)?, word.get(at + 1..)?)))
        else {
            return Err("a signature is not <version>,<base64>");
        };
        if version != b"v1" {
            continue;
        }
        match BASE64.decode(text) {
            Ok(tag) if tag.len() == digest::SHA256_OUTPUT_LEN => tags.push(tag),
            _ => return Err("a v1 signature is not the base64 of 32 bytes"),
        }
    }
    match tags.is_empty() {
        true => Err("it holds no v1 signature"),
        false => Ok(tags),
    }
}

/// Digits without a zero before them.
fn seconds(text: &[u8]) -> Option<u64> {
    let plain = !text.is_empty()
        && text.len() <= 11
        && text.iter().all(u8::is_ascii_digit)
        && (text.len() == 1 || !text.starts_with(b"0"));
    std::str::from_utf8(text)
        .ok()
        .filter(|_| plain)?
        .parse()
        .ok()
}

fn tag_of_hex(hex: &[u8]) -> Option<[u8; digest::SHA256_OUTPUT_LEN]> {
    let digit = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let mut tag = [0; digest::SHA256_OUTPUT_LEN];
    if hex.len() != 2 * tag.len() {
        return None;
    }
    for (byte, pair) in tag.iter_mut().zip(hex.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(tag)
}
