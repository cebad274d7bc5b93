//! The headers of a request that mean something here, each at most once.

use hyper::HeaderMap;
use hyper::header::HeaderName;

/// What a header that means something here begins with: who sends two of them wants one reader
/// to see the one and the next reader the other.
const SINGLE: &[&str] = &[
    "authorization",
    "ce-",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "webhook-",
    "x-forgejo-",
    "x-gitea-",
    "x-github-",
    "x-gitlab-",
    "x-gogs-",
    "x-hub-",
];

/// A header that stands twice, though it may stand once.
pub fn doubled(headers: &HeaderMap) -> Option<&HeaderName> {
    headers.keys().find(|name| {
        let single = SINGLE.iter().any(|single| {
            let name = name.as_str();
            if single.ends_with('-') {
                name.starts_with(single)
            } else {
                name == *single
            }
        });
        single && headers.get_all(*name).iter().count() > 1
    })
}

/// The bytes of a header.
pub fn bytes<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    headers.get(name).map(hyper::header::HeaderValue::as_bytes)
}

/// A header of visible ASCII and spaces, no longer than 200 bytes.
pub fn plain<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let text = std::str::from_utf8(bytes(headers, name)?).ok()?;
    let plain = text.bytes().all(|b| (b' '..=b'~').contains(&b));
    (plain && text.len() <= 200).then_some(text)
}

/// The media type a request says it has, in lower case and without parameters.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = plain(headers, "content-type")?;
    let kind = text.split(';').next().unwrap_or_default().trim();
    Some(kind.to_ascii_lowercase())
}
