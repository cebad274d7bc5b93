//! Which entries? Range, filter, order.
//!
//! It selects, it never vouches: everything looked at here is what entries claim. A filter is
//! asked about every entry of the walk, so an entry that lies about its date or number hides no
//! other; and an entry that cannot be read passes every filter but the range, since nobody can
//! tell what it would have said.

mod walk;

use crate::commit::Link;
use crate::event::Event;

pub use walk::{End, Place, Step, Walk, What};

/// What a word must be: exact, or up to a final `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// The pattern this text spells.
    pub fn new(text: impl Into<String>) -> Pattern {
        Pattern(text.into())
    }

    /// Whether a word fits.
    pub fn fits(&self, word: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => word.starts_with(prefix),
            None => word == self.0,
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

/// What an entry must be to be shown. Several patterns of one kind: one must fit.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Its number, as claimed or as counted from the newest.
    pub span: Span,
    /// Dated (T) at this second or later.
    pub since: Option<u64>,
    /// Dated (T) at this second or earlier.
    pub until: Option<u64>,
    /// An event's type.
    pub types: Vec<Pattern>,
    /// The same event's source.
    pub sources: Vec<Pattern>,
    /// The same event's subject.
    pub subjects: Vec<Pattern>,
    /// The principal, or the fingerprint of the key (`SHA256:…`).
    pub signers: Vec<Pattern>,
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
    /// The entry with its matching events, if it is to be shown.
    pub fn select(&self, step: Step) -> Option<Selected> {
        let claimed = match &step.what {
            What::Entry(link) => Some(link.entry.number()),
            What::Broken { .. } => None,
        };
        let place = claimed.into_iter().chain(step.position);
        // an entry whose place nobody knows is in every range
        let mut place = place.peekable();
        if place.peek().is_some() && !place.any(|number| self.span.holds(number)) {
            return None;
        }
        let matching = match &step.what {
            What::Broken { .. } => Vec::new(),
            What::Entry(link) => {
                if !self.fits(link) {
                    return None;
                }
                let events = link.entry.events.iter().enumerate();
                let matching: Vec<usize> = events
                    .filter(|(_, event)| self.fits_event(event))
                    .map(|(at, _)| at)
                    .collect();
                if matching.is_empty() {
                    return None;
                }
                matching
            }
        };
        Some(Selected { step, matching })
    }

    fn fits(&self, link: &Link) -> bool {
        let signer = || {
            let fingerprint = link.signature.key().fingerprint();
            self.signers
                .iter()
                .any(|p| p.fits(link.principal.as_str()) || p.fits(&fingerprint))
        };
        self.since.is_none_or(|since| since <= link.time)
            && self.until.is_none_or(|until| link.time <= until)
            && (self.signers.is_empty() || signer())
    }

    fn fits_event(&self, event: &Event) -> bool {
        let any = |patterns: &[Pattern], word: Option<&str>| {
            patterns.is_empty() || word.is_some_and(|word| patterns.iter().any(|p| p.fits(word)))
        };
        any(&self.types, Some(event.kind()))
            && any(&self.sources, Some(event.source()))
            && any(&self.subjects, event.subject())
    }

    /// Whether nothing that follows this step can be in the range. Only numbers that ran down by
    /// one since the newest entry allow that conclusion.
    pub fn is_below(&self, step: &Step) -> bool {
        let below = step
            .position
            .zip(self.span.from)
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
