//! Events whose own time lies far from the time of the entry that records them.

use crate::event::Event;

use super::{At, Exception, Kind};

/// Recorded so much later it is told, in seconds.
const LATE: u64 = 86_400;
/// Dated so much after its entry it is told; clocks differ by less.
const AHEAD: u64 = 300;

/// At most one exception of each kind for an entry, about the event that is furthest off.
pub(super) fn of(at: At, events: &[Event]) -> Vec<Exception> {
    let mut late: Option<(u64, &Event, usize)> = None;
    let mut ahead: Option<(u64, &Event, usize)> = None;
    for event in events {
        let Some(time) = claimed(event) else { continue };
        let (by, worst) = if at.time > time {
            (at.time - time, &mut late)
        } else {
            (time - at.time, &mut ahead)
        };
        let (least, many) = match worst {
            Some((most, _, many)) => (*most, *many),
            None => (0, 0),
        };
        let bound = if at.time > time { LATE } else { AHEAD };
        if by <= bound {
            continue;
        }
        *worst = match worst.take() {
            Some((_, event, _)) if by <= least => Some((least, event, many + 1)),
            _ => Some((by, event, many + 1)),
        };
    }
    let told = |kind, worst: Option<(u64, &Event, usize)>, words: &str| {
        let (by, event, many) = worst?;
        let what = match event.subject() {
            Some(subject) => format!("{} {subject}", event.kind()),
            None => event.kind().to_owned(),
        };
        let span = match by {
            0..=7_199 => format!("{} min", by / 60),
            7_200..=172_799 => format!("{} h", by / 3_600),
            _ => format!("{} d", by / 86_400),
        };
        let others = match many {
            1 => String::new(),
            many => format!("; {} more events of the entry too", many - 1),
        };
        let why = format!("{words} {span}{others}");
        Some(at.exception(kind, &what, Vec::new(), why))
    };
    [
        told(
            Kind::RecordedLate,
            late,
            "it says that it happened earlier, by",
        ),
        told(
            Kind::DatedAhead,
            ahead,
            "it says that it happened later, by",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `time` in seconds since 1970.
fn claimed(event: &Event) -> Option<u64> {
    let time = event.attribute("time")?;
    let time = chrono::DateTime::parse_from_rfc3339(time).ok()?;
    u64::try_from(time.timestamp()).ok()
}
