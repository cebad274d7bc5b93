//! Dates as people write them on a command line.

pub use git_ledger::query::words::Edge;

use super::context::parse_date;
use super::failure::Failure;

/// Seconds since 1970 of `@N`, RFC 3339, `YYYY-MM-DD [HH:MM[:SS]]` (UTC), `2 weeks ago`, `2w`,
/// `now`, `today` or `yesterday`.
///
/// # Errors
/// A usage error that names the text and what may be written.
pub fn parse(text: &str, now: u64, edge: Edge) -> Result<u64, Failure> {
    let trimmed = text.trim();
    let found = parse_date(trimmed)
        .or_else(|| calendar(trimmed, edge))
        .or_else(|| relative(trimmed, now, edge));
    found.ok_or_else(|| {
        Failure::usage(format!("'{text}' is no date that is understood here"))
            .hint("write 2026-01-31, 2026-01-31T12:00:00Z, @1769860800, '2 weeks ago' or 2w")
    })
}

const DAY: u64 = 86_400;

fn calendar(text: &str, edge: Edge) -> Option<u64> {
    use chrono::{NaiveDate, NaiveDateTime};
    let seconds = |date: NaiveDateTime| u64::try_from(date.and_utc().timestamp()).ok();
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        let begin = seconds(day.and_hms_opt(0, 0, 0)?)?;
        return Some(match edge {
            Edge::Begin => begin,
            Edge::End => begin + DAY - 1,
        });
    }
    let formats = [
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
    ];
    let date = formats
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    seconds(date)
}

fn relative(text: &str, now: u64, edge: Edge) -> Option<u64> {
    let midnight = now - now % DAY;
    match (text, edge) {
        ("now", _) => return Some(now),
        ("today", Edge::Begin) => return Some(midnight),
        ("today", Edge::End) => return Some(midnight + DAY - 1),
        ("yesterday", Edge::Begin) => return midnight.checked_sub(DAY),
        ("yesterday", Edge::End) => return midnight.checked_sub(1),
        _ => {}
    }
    let text = text.strip_suffix("ago").unwrap_or(text).trim();
    Some(now.saturating_sub(span(text)?))
}

/// A length of time in seconds, as an argument: `90s`, `15min`, `36h`, `7d`, `2w`.
pub fn parse_span(text: &str) -> Result<u64, String> {
    match span(text.trim()) {
        Some(0) => Err("it must be longer than nothing".into()),
        Some(seconds) => Ok(seconds),
        None => Err("write 90s, 15min, 36h, 7d or 2w".into()),
    }
}

/// The same, where `0` says never.
pub fn parse_pause(text: &str) -> Result<u64, String> {
    match text.trim() {
        "0" => Ok(0),
        text => parse_span(text),
    }
}

fn span(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let count: u64 = text.get(..digits)?.parse().ok()?;
    let unit = match text.get(digits..)?.trim_matches([' ', '.', '_']) {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => 7 * DAY,
        "month" | "months" => 30 * DAY,
        "y" | "year" | "years" => 365 * DAY,
        _ => return None,
    };
    count.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_people_write_them() {
        let now = 1_769_860_800; // 2026-01-31T12:00:00Z
        let begin = |text: &str| parse(text, now, Edge::Begin).ok();
        assert_eq!(begin("@5"), Some(5));
        assert_eq!(begin("2026-01-31"), Some(now - 12 * 3600));
        let end = parse("2026-01-31", now, Edge::End).ok();
        assert_eq!(end, Some(now + 12 * 3600 - 1));
        assert_eq!(begin("2026-01-31T12:00:00Z"), Some(now));
        assert_eq!(begin("2026-01-31 12:00"), Some(now));
        assert_eq!(begin("2 weeks ago"), Some(now - 14 * DAY));
        assert_eq!(begin("2.weeks.ago"), Some(now - 14 * DAY));
        assert_eq!(begin("2w"), Some(now - 14 * DAY));
        assert_eq!(begin("90min"), Some(now - 5400));
        assert_eq!(begin("yesterday"), Some(now - 12 * 3600 - DAY));
        for wrong in [
            "",
            "2m",
            "ago",
            "soon",
            "2026-13-01",
            "-2w",
            "99999999999999999999w",
        ] {
            assert_eq!(begin(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn lengths_of_time_have_a_unit() {
        assert_eq!(parse_span("90s"), Ok(90));
        assert_eq!(parse_span("15 min"), Ok(900));
        assert_eq!(parse_span("36h"), Ok(36 * 3600));
        assert_eq!(parse_span("2w"), Ok(14 * DAY));
        for wrong in [
            "",
            "5",
            "2m",
            "0d",
            "-1d",
            "1.5h",
            "yesterday",
            "99999999999999w",
        ] {
            assert!(parse_span(wrong).is_err(), "{wrong}");
        }
    }
}
