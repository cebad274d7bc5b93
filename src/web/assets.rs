//! What pages need besides themselves: one style, one script, one icon.

use axum::body::Body;
use axum::response::Response;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};

use crate::html::{APP, ICON, STYLE};
use crate::merkle;

/// Path, type and content.
pub const ASSETS: &[(&str, &str, &str)] = &[
    ("/assets/style.css", "text/css; charset=utf-8", STYLE),
    ("/assets/app.js", "text/javascript; charset=utf-8", APP),
    ("/assets/icon.svg", "image/svg+xml", ICON),
];

/// One of them, or that the browser has it already.
pub fn answer(kind: &'static str, text: &'static str, asked: &HeaderMap) -> Response {
    let digest = merkle::hex(&merkle::sha256(text.as_bytes()));
    let tag = format!("\"{}\"", digest.get(..32).unwrap_or_default());
    let known = asked
        .get_all(IF_NONE_MATCH)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag);
    let mut response = Response::new(match known {
        true => Body::empty(),
        false => Body::from(text),
    });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // it may be kept, and is asked about each time
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    response
}
