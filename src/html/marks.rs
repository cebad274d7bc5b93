//! Small things that recur on every page: answers, digests, times, counts.

use maud::{Markup, html};

use crate::date::rfc3339;
use crate::finding::Answer;

/// What is known of something; a shape and a word go with the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Checked, and it holds.
    Good,
    /// Broken.
    Bad,
    /// It could not be checked, or somebody should look.
    Doubt,
    /// Nobody has looked.
    Claimed,
}

impl State {
    fn class(self) -> &'static str {
        match self {
            State::Good => "good",
            State::Bad => "bad",
            State::Doubt => "doubt",
            State::Claimed => "claimed",
        }
    }
}

/// How an answer looks.
pub fn state(answer: Answer) -> State {
    match answer {
        Answer::Sound => State::Good,
        Answer::Unknown => State::Doubt,
        Answer::Breach => State::Bad,
    }
}

/// A word with its shape and colour.
pub fn badge(state: State, word: &str) -> Markup {
    html! { span class={ "badge " (state.class()) } { (icon(state)) (word) } }
}

/// The shape alone; a word must stand beside it.
pub fn icon(state: State) -> Markup {
    let path = match state {
        State::Good => "M3.5 8.5l3 3 6-7",
        State::Bad => "M4 4l8 8M12 4l-8 8",
        State::Doubt => "M5.5 6a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M8 12.6v.1",
        State::Claimed => "M4 8h8",
    };
    html! {
        svg class={ "icon " (state.class()) } width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" focusable="false" {
            path d=(path) {}
        }
    }
}

/// A digest, short, with the whole of it in the title and for the button that copies it.
pub fn digest(what: &str, whole: &str) -> Markup {
    let text = whole.strip_prefix("sha256:").unwrap_or(whole);
    // the fingerprint of a key is known by its prefix
    let kept = if text.starts_with("SHA256:") { 7 } else { 0 };
    let short: String = text.chars().take(12 + kept).collect();
    html! {
        span.digest {
            code title=(whole) { (short) span.rest { (text.get(short.len()..).unwrap_or_default()) } }
            button.copy type="button" hidden data-copy=(whole) aria-label={ "Copy " (what) } { "copy" }
        }
    }
}

/// A time in seconds since 1970, in UTC, to the second.
pub fn time(seconds: u64) -> Markup {
    let full = rfc3339(seconds);
    let Some((day, clock)) = full.trim_end_matches('Z').split_once('T') else {
        return html! { "beyond the calendar" };
    };
    html! { time datetime=(full) title={ (full) } { (day) " " span.clock { (clock) } } }
}

/// The same where its day stands above it.
pub fn clock(seconds: u64) -> Markup {
    let full = rfc3339(seconds);
    let clock = full.trim_end_matches('Z').split_once('T');
    html! { time datetime=(full) title={ (full) } { (clock.map_or("?", |(_, clock)| clock)) } }
}

/// A number with a thin space at each thousand, for eyes only.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun.
pub fn count(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_as_they_should() {
        assert_eq!(number(7), "7");
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(count(1, "entry", "entries"), "1 entry");
        let time = time(1_769_860_800).into_string();
        assert_eq!(
            time,
            "<time datetime=\"2026-01-31T12:00:00Z\" title=\"2026-01-31T12:00:00Z\">2026-01-31 \
             <span class=\"clock\">12:00:00</span></time>"
        );
        assert_eq!(super::time(u64::MAX).into_string(), "beyond the calendar");
        assert!(
            badge(state(Answer::Breach), "breach")
                .into_string()
                .contains("badge bad")
        );
        let digest = digest("fingerprint", &format!("sha256:{}", "ab".repeat(32))).into_string();
        assert!(digest.contains("abababababab<span"), "{digest}");
    }
}
