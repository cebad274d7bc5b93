//! What a receiver says in the body of an answer that otherwise says yes, and when it wants to be
//! asked again.
//!
//! Source: OTLP 1.5, "Partial Success"; Elasticsearch, bulk API; RFC 9110, 10.2.3.

use std::time::Duration;

use super::{Bulk, Format, Options};

/// What the receiver did not take, if it says so; foreign text.
pub fn refusal(format: Format, options: Options, body: &[u8]) -> Option<String> {
    let value = || serde_json::from_slice::<serde_json::Value>(body).ok();
    match format {
        Format::OtlpJson => partial(&value()?),
        Format::Ecs if options.bulk == Bulk::Yes => bulk(&value()?),
        _ => None,
    }
}

/// How long a `Retry-After` asks for: seconds, or a date, seen from `now` in seconds since 1970.
pub fn pause(header: &str, now: u64) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = chrono::DateTime::parse_from_rfc2822(header).ok()?;
    let date = u64::try_from(date.timestamp()).ok()?;
    Some(Duration::from_secs(date.saturating_sub(now)))
}

/// `partialSuccess.rejectedLogRecords`, a 64-bit integer as a string.
fn partial(value: &serde_json::Value) -> Option<String> {
    let partial = value.get("partialSuccess")?;
    let rejected = partial.get("rejectedLogRecords")?;
    let count = rejected
        .as_u64()
        .or_else(|| rejected.as_str()?.parse().ok())?;
    let why = partial.get("errorMessage").and_then(|why| why.as_str());
    (count > 0).then(|| format!("{count} records: {}", why.unwrap_or("no reason given")))
}

/// The first item that failed, but not because the document is there already.
fn bulk(value: &serde_json::Value) -> Option<String> {
    if value.get("errors")?.as_bool() != Some(true) {
        return None;
    }
    let items = value.get("items")?.as_array()?;
    items.iter().find_map(|item| {
        let answer = item.get("create")?;
        let status = answer.get("status")?.as_u64()?;
        let failed = status != 409 && !(200..300).contains(&status);
        let error = answer.get("error").map(ToString::to_string);
        failed.then(|| format!("status {status}: {}", error.unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yes_that_is_none() {
        let bulk = Options {
            bulk: Bulk::Yes,
            ..Options::default()
        };
        let otlp = |body: &str| refusal(Format::OtlpJson, Options::default(), body.as_bytes());
        let ecs = |body: &str| refusal(Format::Ecs, bulk, body.as_bytes());
        assert_eq!(otlp(r#"{"partialSuccess":{}}"#), None);
        assert_eq!(otlp("{}"), None);
        assert_eq!(otlp("ok"), None);
        assert_eq!(
            otlp(r#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"no"}}"#).as_deref(),
            Some("2 records: no")
        );
        assert_eq!(ecs(r#"{"errors":false,"items":[]}"#), None);
        assert_eq!(
            ecs(r#"{"errors":true,"items":[{"create":{"status":201}},{"create":{"status":409}}]}"#),
            None
        );
        assert_eq!(
            ecs(r#"{"errors":true,"items":[{"create":{"status":400,"error":"x"}}]}"#).as_deref(),
            Some("status 400: \"x\"")
        );
    }

    #[test]
    fn pauses() {
        let seconds = |header| pause(header, 784_111_770).map(|pause| pause.as_secs());
        assert_eq!(seconds(" 120 "), Some(120));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:27 GMT"), Some(0));
        for wrong in ["", "-1", "1.5", "soon", "99999999999"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
