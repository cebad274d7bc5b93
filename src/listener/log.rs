//! What a server says of itself: one line for each thing of importance. Words of others are in the
//! fields alone, and are made safe where they are shown.

use std::sync::Mutex;

/// The clock and whoever reads what a server says.
pub trait Host: Send + Sync {
    /// Seconds since 1970.
    fn now(&self) -> u64;

    /// Shows a line.
    fn tell(&self, line: &Line);
}

/// Lines in a second about what anybody can send.
const LOUDEST: u32 = 5;

/// How important a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// All is well.
    Note,
    /// Somebody should know.
    Warning,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How important it is.
    pub level: Level,
    /// What happened, in one word.
    pub what: &'static str,
    /// More of it; the values may be foreign text.
    pub fields: Vec<(&'static str, String)>,
}

impl Line {
    /// A line without fields.
    pub fn new(level: Level, what: &'static str) -> Line {
        Line {
            level,
            what,
            fields: Vec::new(),
        }
    }

    /// The same with one more field; values are cut to 300 characters.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Line {
        self.fields.push((name, value.chars().take(300).collect()));
        self
    }
}

/// Keeps those who are not believed from filling the log: beyond a few lines in a second, the
/// metrics alone count them.
#[derive(Debug, Default)]
pub struct Quiet(Mutex<(u64, u32)>);

impl Quiet {
    /// Whether one more line may be shown in this second.
    pub fn allows(&self, now: u64) -> bool {
        let Ok(mut shown) = self.0.lock() else {
            return false;
        };
        if shown.0 != now {
            *shown = (now, 0);
        }
        shown.1 += 1;
        shown.1 <= LOUDEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_lines_in_a_second() {
        let quiet = Quiet::default();
        let shown = |now| (0..100).filter(|_| quiet.allows(now)).count();
        assert_eq!((shown(1), shown(1), shown(2)), (5, 0, 5));
    }
}
