//! Which entries? Range, filter, order.
//!
//! It selects, it never vouches: everything looked at here is what entries claim. A filter is
//! asked about every entry of the walk, so an entry that lies about its date or number hides no
//! other; and an entry that cannot be read passes every filter but the range, since nobody can
//! tell what it would have said.

pub mod key;
mod phrase;
pub mod tally;
pub mod trace;
mod walk;
pub mod words;

use crate::commit::Link;
use crate::event::Event;

use key::{Feature, Key};
pub use phrase::{Phrase, tokens};
pub use walk::{End, Place, Step, Walk, What};

/// What a value must be: exact, or up to a final `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    open: bool,
}

impl Pattern {
    /// The pattern this text spells.
    pub fn new(text: impl Into<String>) -> Pattern {
        let text = text.into();
        match text.strip_suffix('*') {
            Some(begun) => Pattern::beginning(begun),
            None => Pattern::exact(text),
        }
    }

    /// This text and nothing else.
    pub fn exact(text: impl Into<String>) -> Pattern {
        Pattern {
            text: text.into(),
            open: false,
        }
    }

    /// Everything that begins so.
    pub fn beginning(text: impl Into<String>) -> Pattern {
        Pattern {
            text: text.into(),
            open: true,
        }
    }

    /// The text, without the `*`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether more may follow.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Whether a value fits.
    pub fn fits(&self, value: &str) -> bool {
        if self.open {
            value.starts_with(&self.text)
        } else {
            value == self.text
        }
    }
}

/// One thing that is asked of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// One of the key's values fits.
    Is(Key, Pattern),
    /// It has this.
    Has(Feature),
    /// It says these words.
    Says(Phrase),
}

impl Test {
    /// Whether an event of an entry passes.
    pub fn holds(&self, link: &Link, event: &Event) -> bool {
        match self {
            Test::Is(key, pattern) => key.values(link, event, &mut |value| pattern.fits(value)),
            Test::Has(feature) => feature.is_in(link, event),
            Test::Says(phrase) => phrase.is_in(event),
        }
    }

    /// Whether several of the two are one question: one of them must hold.
    fn is_kin(&self, other: &Test) -> bool {
        match (self, other) {
            (Test::Is(one, _), Test::Is(other, _)) => one == other,
            (Test::Has(_), Test::Has(_)) => true,
            _ => false,
        }
    }
}

/// Numbers from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The lowest.
    pub from: Option<u64>,
    /// The highest.
    pub to: Option<u64>,
}

impl Span {
    /// Reads `17`, `10..20`, `10..` or `..20`.
    pub fn parse(text: &str) -> Option<Span> {
        let number = |text: &str| {
            let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| text.parse::<u64>().ok()).flatten()
        };
        let Some((from, to)) = text.split_once("..") else {
            let only = number(text)?;
            return Some(Span {
                from: Some(only),
                to: Some(only),
            });
        };
        let side = |text: &str| match text {
            "" => Some(None),
            text => number(text).map(Some),
        };
        let span = Span {
            from: side(from)?,
            to: side(to)?,
        };
        let ordered = span.from.zip(span.to).is_none_or(|(from, to)| from <= to);
        (ordered && span != Span::default()).then_some(span)
    }

    /// Whether a number lies in it.
    pub fn holds(&self, number: u64) -> bool {
        self.from.is_none_or(|from| from <= number) && self.to.is_none_or(|to| number <= to)
    }
}

/// What an entry must be to be shown: see [`words`] for what several of one kind mean.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Its number, as claimed or as counted from the newest, is in one of these; none: in any.
    pub spans: Vec<Span>,
    /// Its number is in none of these.
    pub not_spans: Vec<Span>,
    /// Its number is this or higher.
    from: Option<u64>,
    /// Its number is lower than this.
    below: Option<u64>,
    since: Option<u64>,
    until: Option<u64>,
    /// Of each group one test must hold, all of them for one event.
    groups: Vec<Vec<Test>>,
    /// None of these may hold for that event.
    refused: Vec<Test>,
}

/// An entry that was selected.
#[derive(Debug, Clone)]
pub struct Selected {
    /// The entry, or what stands in its place.
    pub step: Step,
    /// Which of its events matched.
    pub matching: Vec<usize>,
}

impl Filter {
    /// Demands a test; where the same thing is asked already, one of both must hold.
    pub fn require(&mut self, test: Test) {
        let kin = |group: &&mut Vec<Test>| group.iter().any(|other| other.is_kin(&test));
        match self.groups.iter_mut().find(kin) {
            Some(group) => group.push(test),
            None => self.groups.push(vec![test]),
        }
    }

    /// Demands that one of these holds.
    pub fn require_one(&mut self, tests: Vec<Test>) {
        self.groups.push(tests);
    }

    /// Demands that a test does not hold.
    pub fn refuse(&mut self, test: Test) {
        self.refused.push(test);
    }

    /// Demands this number or a higher one, whatever else is said of numbers.
    pub fn only_from(&mut self, number: u64) {
        self.from = self.from.max(Some(number));
    }

    /// Demands a number lower than this, whatever else is said of numbers.
    pub fn only_below(&mut self, number: u64) {
        self.below = Some(self.below.map_or(number, |below| below.min(number)));
    }

    /// Demands T at this second or later.
    pub fn not_before(&mut self, time: u64) {
        self.since = self.since.max(Some(time));
    }

    /// Demands T at this second or earlier.
    pub fn not_after(&mut self, time: u64) {
        self.until = Some(self.until.map_or(time, |until| until.min(time)));
    }

    /// The earliest and the latest T.
    pub fn times(&self) -> (Option<u64>, Option<u64>) {
        (self.since, self.until)
    }

    /// The groups of tests of each of which one must hold.
    pub fn groups(&self) -> &[Vec<Test>] {
        &self.groups
    }

    /// The tests none of which may hold.
    pub fn refused(&self) -> &[Test] {
        &self.refused
    }

    /// Whether every entry passes.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
            && self.not_spans.is_empty()
            && (self.from, self.below) == (None, None)
            && self.times() == (None, None)
            && self.groups.is_empty()
            && self.refused.is_empty()
    }

    /// The entry with its matching events, if it is to be shown.
    pub fn select(&self, step: Step) -> Option<Selected> {
        let claimed = match &step.what {
            What::Entry(link) => Some(link.entry.number()),
            What::Broken { .. } => None,
        };
        let places: Vec<u64> = claimed.into_iter().chain(step.position).collect();
        // an entry whose place nobody knows is in every range
        if !places.is_empty() && !places.iter().any(|number| self.holds_number(*number)) {
            return None;
        }
        let matching = match &step.what {
            What::Broken { .. } => Vec::new(),
            What::Entry(link) => self.matching(link),
        };
        let broken = matches!(step.what, What::Broken { .. });
        (broken || !matching.is_empty()).then_some(Selected { step, matching })
    }

    /// Which events of an entry pass, whatever its number.
    pub fn matching(&self, link: &Link) -> Vec<usize> {
        let timely = self.since.is_none_or(|since| since <= link.time)
            && self.until.is_none_or(|until| link.time <= until);
        if !timely {
            return Vec::new();
        }
        let events = link.entry.events.iter().enumerate();
        events
            .filter(|(_, event)| self.fits(link, event))
            .map(|(at, _)| at)
            .collect()
    }

    fn holds_number(&self, number: u64) -> bool {
        self.from.is_none_or(|from| from <= number)
            && self.below.is_none_or(|below| number < below)
            && (self.spans.is_empty() || self.spans.iter().any(|span| span.holds(number)))
            && !self.not_spans.iter().any(|span| span.holds(number))
    }

    fn fits(&self, link: &Link, event: &Event) -> bool {
        let holds = |test: &Test| test.holds(link, event);
        self.groups.iter().all(|group| group.iter().any(holds)) && !self.refused.iter().any(holds)
    }

    /// The lowest and the highest number that can pass.
    pub fn reach(&self) -> Span {
        let from = self.spans.iter().map(|span| span.from.unwrap_or(0)).min();
        let to = self
            .spans
            .iter()
            .map(|span| span.to.unwrap_or(u64::MAX))
            .max();
        let below = self.below.map(|below| below.saturating_sub(1));
        let to = to.into_iter().chain(below).min();
        let from = from.into_iter().chain(self.from).max();
        Span { from, to }
    }

    /// Whether nothing that follows this step can be in the range. Only numbers that ran down by
    /// one since the newest entry allow that conclusion.
    pub fn is_below(&self, step: &Step) -> bool {
        let below = step
            .position
            .zip(self.reach().from)
            .is_some_and(|(position, from)| position < from);
        below && step.gapless
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let span = |from, to| Some(Span { from, to });
        assert_eq!(Span::parse("17"), span(Some(17), Some(17)));
        assert_eq!(Span::parse("10..20"), span(Some(10), Some(20)));
        assert_eq!(Span::parse("10.."), span(Some(10), None));
        assert_eq!(Span::parse("..20"), span(None, Some(20)));
        for wrong in [
            "",
            "..",
            "20..10",
            "-1",
            "+1",
            "a..b",
            "1...2",
            "99999999999999999999",
        ] {
            assert_eq!(Span::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn patterns() {
        assert!(Pattern::new("dev.*").fits("dev.x"));
        assert!(!Pattern::new("dev.*").fits("de"));
        assert!(!Pattern::new("dev").fits("dev.x"));
        assert!(Pattern::new("*").fits(""));
    }
}
