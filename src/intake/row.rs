//! One event of a forge: what it has, what it is about, what is kept of it.

use crate::json::Object;

/// One event.
pub struct Row {
    /// Its name, as the forge's header has it.
    pub event: &'static str,
    /// Whether it has an `action`.
    pub acts: bool,
    /// Paths that it always has.
    pub needs: &'static str,
    /// Its subject: the first of these patterns that can be filled, else the repository.
    pub subject: &'static str,
    /// Paths to when it happened, the first that is there.
    pub time: &'static str,
    /// What is kept.
    pub keep: &'static str,
    /// Further members that it may have; they are not kept.
    pub also: &'static str,
}

/// An event with an `action`.
pub const fn acts(
    event: &'static str,
    needs: &'static str,
    subject: &'static str,
    time: &'static str,
    keep: &'static str,
) -> Row {
    Row {
        event,
        acts: true,
        needs,
        subject,
        time,
        keep,
        also: "",
    }
}

/// An event without one.
pub const fn plain(
    event: &'static str,
    needs: &'static str,
    subject: &'static str,
    time: &'static str,
    keep: &'static str,
) -> Row {
    Row {
        acts: false,
        ..acts(event, needs, subject, time, keep)
    }
}

/// Members that any event can have.
const COMMON: &[&str] = &[
    "action",
    "repository",
    "organization",
    "enterprise",
    "sender",
    "installation",
];

impl Row {
    /// The same event, which may have further members.
    pub const fn with(self, also: &'static str) -> Row {
        Row { also, ..self }
    }

    /// A member that this event always has, and this payload has not.
    pub fn missing(&self, payload: &Object) -> Option<&'static str> {
        self.needs
            .split_ascii_whitespace()
            .find(|path| super::reduce::at(payload, path).is_none())
    }

    /// Whether the payload has what this event always has, and nothing that it never has.
    fn fits(&self, payload: &Object) -> bool {
        let may = |name: &str| {
            let heads = self.keep.split_ascii_whitespace().map(|path| {
                let end = path.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                path.get(..end.unwrap_or(path.len())).unwrap_or_default()
            });
            COMMON.contains(&name)
                || self.needs.split_ascii_whitespace().any(|need| need == name)
                || self.also.split_ascii_whitespace().any(|also| also == name)
                || heads.into_iter().any(|head| head == name)
        };
        let own = |need: &str| !COMMON.contains(&need);
        self.needs.split_ascii_whitespace().any(own)
            && self.missing(payload).is_none()
            && self.acts == payload.get("action").is_some()
            && payload.iter().all(|(name, _)| may(name))
    }
}

/// The one event of a table whose members these are.
pub fn only(rows: &[Row], payload: &Object) -> Option<&'static str> {
    let mut fitting = rows.iter().filter(|row| row.fits(payload));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Some(only.event),
        _ => None,
    }
}
