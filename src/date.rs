//! Seconds since 1970, as people write them.

/// Seconds since 1970 as RFC 3339 in UTC; empty beyond the year 262,142.
pub fn rfc3339(time: u64) -> String {
    i64::try_from(time)
        .ok()
        .and_then(|time| chrono::DateTime::from_timestamp(time, 0))
        .map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}
