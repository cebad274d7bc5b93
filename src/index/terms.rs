//! What is kept of an event, and what a filter asks the index for.
//!
//! A row is an event, its terms are: the tokens of its texts ([`tokens`]); for most keys each
//! value, behind a character that stands for the key; one for each key it has a value of; and one
//! that every event has. A filter becomes an expression over terms that every event it selects
//! fits. What else fits is sorted out by the filter itself, so terms may be cut short; only what is
//! refused must be exact, and where it is not, the index leaves it to the filter.
//!
//! Terms are letters, digits and characters of private use, and FTS5's ASCII tokenizer, which the
//! table is made with, parts at spaces alone then: nothing a word holds is an operator.

use crate::commit::Link;
use crate::event::Event;
use crate::query::key::{Feature, Key, strings};
use crate::query::{Filter, Phrase, Test, tokens};

/// Stands in every row.
const EVERY: char = '\u{e000}';
/// The first of the characters that stand for keys, before a value.
const VALUE: u32 = 0xe010;
/// The first of those that stand for a key that has a value.
const PRESENT: u32 = 0xe050;
/// The first of those that stand for a byte that is neither small letter nor digit.
const BYTE: u32 = 0xe100;
/// A longer token is cut, in bytes.
const TOKEN: usize = 64;
/// A longer value is cut, in bytes.
const MAX_VALUE: usize = 80;

/// The terms of an event, with spaces between.
pub fn of(link: &Link, event: &Event, out: &mut String) {
    out.push(EVERY);
    strings(event, &mut |text| {
        for token in tokens(text) {
            push(out, cut(&token, TOKEN));
        }
        false
    });
    for key in Key::all() {
        let mut present = false;
        key.values(link, event, &mut |value| {
            present = true;
            if is_kept(key) {
                push(out, &valued(key, value));
            } else if key == Key::Digest {
                // in a package URL it is no token of its own
                push(out, value);
            }
            false
        });
        if present {
            push(out, &marked(PRESENT, key));
        }
    }
}

fn push(out: &mut String, term: &str) {
    out.push(' ');
    out.push_str(term);
}

/// Whether values of this key are terms; those of the others are tokens anyway.
fn is_kept(key: Key) -> bool {
    !matches!(key, Key::Id | Key::Commit | Key::Digest)
}

fn marked(first: u32, key: Key) -> String {
    let place = Key::all().position(|other| other == key).unwrap_or(0);
    char::from_u32(first + u32::try_from(place).unwrap_or(0))
        .unwrap_or(EVERY)
        .to_string()
}

/// A value as a term: its beginning is the beginning of every longer one's term.
fn valued(key: Key, value: &str) -> String {
    let mut term = marked(VALUE, key);
    for byte in value.bytes().take(MAX_VALUE) {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() {
            term.push(char::from(byte));
        } else {
            term.extend(char::from_u32(BYTE + u32::from(byte)));
        }
    }
    term
}

fn cut(token: &str, most: usize) -> &str {
    let mut end = token.len().min(most);
    while !token.is_char_boundary(end) {
        end -= 1;
    }
    token.get(..end).unwrap_or_default()
}

/// The expression that every event fits which the filter selects; none where it would fit all.
pub fn expression(filter: &Filter) -> Option<String> {
    let mut all: Vec<String> = Vec::new();
    for group in filter.groups() {
        // a test that fits everything makes its group fit everything
        let parts: Option<Vec<String>> = group.iter().map(asked).collect();
        if let Some(parts) = parts.filter(|parts| !parts.is_empty()) {
            all.push(format!("({})", parts.join(" OR ")));
        }
    }
    let refused: Vec<String> = filter.refused().iter().filter_map(exact).collect();
    match (all.is_empty(), refused.is_empty()) {
        (true, true) => None,
        (true, false) => Some(format!(
            "{} NOT ({})",
            quoted(&EVERY.to_string()),
            refused.join(" OR ")
        )),
        (false, true) => Some(all.join(" AND ")),
        (false, false) => Some(format!(
            "({}) NOT ({})",
            all.join(" AND "),
            refused.join(" OR ")
        )),
    }
}

/// What every event has for which a test holds.
fn asked(test: &Test) -> Option<String> {
    match test {
        Test::Has(Feature::Key(key)) => Some(quoted(&marked(PRESENT, *key))),
        Test::Has(_) => None,
        Test::Says(phrase) => Some(phrased(phrase)),
        Test::Is(key, pattern) if pattern.text().is_empty() => Some(quoted(&marked(PRESENT, *key))),
        Test::Is(key, pattern) if is_kept(*key) => {
            let term = quoted(&valued(*key, pattern.text()));
            let long = pattern.text().len() > MAX_VALUE;
            Some(if pattern.is_open() && !long {
                term + " *"
            } else {
                term
            })
        }
        Test::Is(key, pattern) => {
            let phrase = Phrase::new(pattern.text(), pattern.is_open());
            phrase.map_or_else(
                || Some(quoted(&marked(PRESENT, *key))),
                |phrase| Some(phrased(&phrase)),
            )
        }
    }
}

fn phrased(phrase: &Phrase) -> String {
    let last = phrase.tokens().len().saturating_sub(1);
    let terms = phrase.tokens().iter().enumerate().map(|(at, token)| {
        let term = quoted(cut(token, TOKEN));
        if phrase.is_open() && at == last && token.len() <= TOKEN {
            term + " *"
        } else {
            term
        }
    });
    format!("({})", terms.collect::<Vec<_>>().join(" AND "))
}

/// What an event has if, and only if, a test holds for it.
fn exact(test: &Test) -> Option<String> {
    match test {
        Test::Has(Feature::Key(key)) => Some(quoted(&marked(PRESENT, *key))),
        Test::Says(phrase) => match phrase.tokens() {
            [only] if !phrase.is_open() && only.len() < TOKEN => Some(quoted(only)),
            _ => None,
        },
        Test::Is(key, pattern) if is_kept(*key) && pattern.text().len() < MAX_VALUE => {
            let term = quoted(&valued(*key, pattern.text()));
            Some(if pattern.is_open() { term + " *" } else { term })
        }
        Test::Is(..) | Test::Has(_) => None,
    }
}

fn quoted(term: &str) -> String {
    format!("\"{}\"", term.replace('"', "\"\""))
}

/// What becomes of a text in every way that terms are made.
#[cfg(test)]
pub fn samples(text: &str) -> String {
    let tokens = tokens(text).map(|token| cut(&token, TOKEN).to_owned());
    let values = Key::all()
        .filter(|key| is_kept(*key))
        .map(|key| valued(key, text));
    let marks = Key::all().map(|key| marked(PRESENT, key));
    tokens
        .chain(values)
        .chain(marks)
        .collect::<Vec<_>>()
        .join(" ")
}
