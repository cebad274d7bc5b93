//! The type of an event: what tells it apart stands out, all of it can be read.

use maud::{Markup, html};

use crate::html::foreign;

/// Beginnings that many types share.
const SHARED: &[&str] = &[
    "dev.cdevents.",
    "dev.git-ledger.",
    "com.github.",
    "com.gitlab.",
    "io.gitea.",
];

/// A type, its beginning and its version fainter than the rest.
pub fn kind(kind: &str) -> Markup {
    let shared = SHARED.iter().find(|shared| kind.starts_with(**shared));
    let (shared, rest) = kind.split_at(shared.map_or(0, |shared| shared.len()));
    let own = rest.trim_end_matches(|c: char| c == '.' || c.is_ascii_digit());
    let (own, version) = rest.split_at(own.len());
    html! {
        span.kind {
            @if !shared.is_empty() { span.ns { (shared) } wbr; }
            (foreign(own))
            @if !version.is_empty() { wbr; span.ns { (foreign(version)) } }
        }
    }
}
