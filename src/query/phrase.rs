//! When does an event hold the words somebody looks for? The one definition, for every reader.
//!
//! A text is cut into tokens: runs of letters and digits (Unicode), in lower case. A phrase is
//! tokens that follow each other in one text of the event, the last of them perhaps only begun
//! (`hot*`). The index narrows by single tokens; this decides.
//!
//! # Limits
//! A script that puts no space between words (Chinese, Japanese, Thai) gives one token a run, and
//! an accent written as a character of its own ends one.

use crate::event::Event;

use super::key::strings;

/// What is looked for: one token or several in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    tokens: Vec<String>,
    open: bool,
}

impl Phrase {
    /// The phrase this text spells; `open`: its last token may go on. None for a text without
    /// letters and digits.
    pub fn new(text: &str, open: bool) -> Option<Phrase> {
        let tokens: Vec<String> = tokens(text).collect();
        (!tokens.is_empty()).then_some(Phrase { tokens, open })
    }

    /// Its tokens.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Whether its last token may go on.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Whether an event says it.
    pub fn is_in(&self, event: &Event) -> bool {
        strings(event, &mut |text| self.is_in_text(text))
    }

    fn is_in_text(&self, text: &str) -> bool {
        if let [only] = self.tokens.as_slice() {
            return tokens(text).any(|token| self.fits(0, only, &token));
        }
        let all: Vec<String> = tokens(text).collect();
        all.windows(self.tokens.len()).any(|window| {
            let mut pairs = self.tokens.iter().zip(window).enumerate();
            pairs.all(|(at, (wanted, token))| self.fits(at, wanted, token))
        })
    }

    fn fits(&self, at: usize, wanted: &str, token: &str) -> bool {
        if self.open && at + 1 == self.tokens.len() {
            token.starts_with(wanted)
        } else {
            token == wanted
        }
    }
}

/// The tokens of a text, in order.
pub fn tokens(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|run| !run.is_empty())
        .map(|run| {
            if run.is_ascii() {
                run.to_ascii_lowercase()
            } else {
                run.to_lowercase()
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(phrase: &str, open: bool, text: &str) -> bool {
        Phrase::new(phrase, open).is_some_and(|phrase| phrase.is_in_text(text))
    }

    #[test]
    fn words_whole_begun_and_in_a_row() {
        assert!(holds("hotfix", false, "refs/heads/HotFix-123"));
        assert!(!holds("hotfix", false, "hotfixes"));
        assert!(holds("hotfix", true, "hotfixes"));
        assert!(holds("acme/payments", false, "https://x/acme/payments.git"));
        assert!(!holds("acme payments", false, "payments acme"));
        assert!(holds("acme pay", true, "acme payments"));
        assert!(!holds("ac payments", true, "acme payments"));
        assert!(holds("ÄRGER", false, "viel ärger"));
        assert!(!holds("a", false, ""));
        for nothing in ["", "*", "-", "\u{202e}", "\" OR \""] {
            assert_eq!(Phrase::new(nothing, true).is_some(), nothing.contains("OR"));
        }
    }
}
