//! The filter language: one line of words, read into a filter or refused with the place at fault.
//!
//! ```text
//! type:dev.cdevents.service.* env:prod actor:alice since:2w "hot fix" -outcome:success
//! ```
//!
//! A word is `key:value`, a range of numbers, or a text to look for; a `-` in front turns it round.
//! A value is exact, or goes up to a final `*`. Quotes (`"…"`, with `\"` and `\\`) hold a text with
//! spaces together and take every meaning from `*`, `-`, `:` and digits within. Of several values
//! for one key one must fit; different keys, and every text, must all fit; of what has a `-`
//! nothing may. One event must fit all of it.
//!
//! Nothing here knows the clock: whoever reads the words says what a time means.

use std::fmt;
use std::ops::Range;

use super::key::{Feature, Key, is_hex};
use super::phrase::Phrase;
use super::{Filter, Pattern, Span, Test};

/// The longest line that is read, in bytes.
pub const MAX_BYTES: usize = 8192;
/// The most words that are read.
pub const MAX_WORDS: usize = 256;
/// The shortest beginning of an object id or digest that names it.
const SHORTEST_ID: usize = 4;

/// Keys that ask about the entry and not about values of its events.
const BOUNDS: &[&str] = &["n", "since", "until", "has", "text"];
/// Other words for some of them.
const BOUND_ALIASES: &[(&str, &str)] = &[("number", "n"), ("after", "since"), ("before", "until")];

/// Which end of a day a day stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Its first second.
    Begin,
    /// Its last second.
    End,
}

/// Why a line cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong; may repeat foreign text.
    pub why: String,
    /// Where, in bytes of the line.
    pub at: Range<usize>,
    /// What to write instead.
    pub hint: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl Fault {
    fn new(why: impl Into<String>, at: Range<usize>) -> Fault {
        Fault {
            why: why.into(),
            at,
            hint: None,
        }
    }

    fn hint(self, hint: impl Into<String>) -> Fault {
        Fault {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// What a time means, in seconds since 1970; none if it cannot be understood.
pub type Clock<'a> = &'a dyn Fn(&str, Edge) -> Option<u64>;

/// How a word is told to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    Must,
    MustNot,
}

/// A word as it stands in the line.
struct Word {
    sense: Sense,
    /// The key and where it stands.
    key: Option<(String, Range<usize>)>,
    value: String,
    /// Where the value stands, with its quotes.
    at: Range<usize>,
    /// Where all of it stands.
    place: Range<usize>,
    quoted: bool,
}

/// Reads a line into a filter.
///
/// # Errors
/// The first fault.
pub fn parse(line: &str, clock: Clock<'_>) -> Result<Filter, Fault> {
    let mut filter = Filter::default();
    add(&mut filter, line, clock)?;
    Ok(filter)
}

/// Adds what a line says to a filter.
///
/// # Errors
/// The first fault.
pub fn add(filter: &mut Filter, line: &str, clock: Clock<'_>) -> Result<(), Fault> {
    if line.len() > MAX_BYTES {
        let why = format!(
            "the filter has {} bytes; at most {MAX_BYTES} are read",
            line.len()
        );
        return Err(Fault::new(why, 0..0));
    }
    for word in split(line)? {
        take(filter, line, word, clock)?;
    }
    Ok(())
}

/// Where each word of a line stands, with its key and quotes; none where the line cannot be read.
pub fn places(line: &str) -> Vec<Range<usize>> {
    let words = split(line).unwrap_or_default();
    words.into_iter().map(|word| word.place).collect()
}

/// The word that asks for this value of a key and for nothing else.
pub fn spell(key: &str, value: &str) -> String {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '@' | ':' | '-' | '+');
    if !value.is_empty() && value.chars().all(plain) {
        return format!("{key}:{value}");
    }
    format!(
        "{key}:\"{}\"",
        value.replace('\\', "\\\\").replace('"', "\\\"")
    )
}

/// Whether this is the name of a key.
pub fn is_key(name: &str) -> bool {
    Key::of(name).is_some() || bound(name).is_some()
}

/// The name of a key that this could have been meant to be.
pub fn nearest(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    let aliases = BOUND_ALIASES.iter().map(|(name, _)| *name);
    Key::names()
        .chain(BOUNDS.iter().copied())
        .chain(aliases)
        .map(|known| (distance(&lower, known), known))
        .filter(|(distance, known)| *distance <= if known.len() < 4 { 1 } else { 2 })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

fn bound(name: &str) -> Option<&'static str> {
    let alias = BOUND_ALIASES.iter().find(|(alias, _)| *alias == name);
    let name = alias.map_or(name, |(_, name)| name);
    BOUNDS.iter().copied().find(|bound| *bound == name)
}

/// The words of a line.
fn split(line: &str) -> Result<Vec<Word>, Fault> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(space) = line.get(at..).and_then(|rest| {
        let begin = rest.find(|c: char| !c.is_whitespace())?;
        Some(begin)
    }) {
        at += space;
        if words.len() == MAX_WORDS {
            let why = format!("more than {MAX_WORDS} words");
            return Err(Fault::new(why, at..line.len()));
        }
        let (word, end) = one(line, at)?;
        words.push(word);
        at = end;
    }
    Ok(words)
}

/// The word that begins at a place, and where it ends.
fn one(line: &str, begin: usize) -> Result<(Word, usize), Fault> {
    let rest = |at: usize| line.get(at..).unwrap_or_default();
    let (sense, mut at) = match rest(begin).strip_prefix('-') {
        Some(_) => (Sense::MustNot, begin + 1),
        None => (Sense::Must, begin),
    };
    let bare = rest(at)
        .find(|c: char| c.is_whitespace() || c == '"')
        .map_or(line.len(), |end| at + end);
    let key = line.get(at..bare).and_then(|bare| {
        let (name, _) = bare.split_once(':')?;
        let mut letters = name.chars();
        let first = letters.next().is_some_and(|c| c.is_alphabetic());
        let plain = letters.all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        (first && plain).then(|| (name.to_owned(), at..at + name.len()))
    });
    if let Some((_, name)) = &key {
        at = name.end + 1;
    }
    let (value, quoted, end) = if rest(at).starts_with('"') {
        let (value, end) = quotation(line, at)?;
        (value, true, end)
    } else {
        let end = rest(at)
            .find(char::is_whitespace)
            .map_or(line.len(), |end| at + end);
        (line.get(at..end).unwrap_or_default().to_owned(), false, end)
    };
    if let Some(next) = rest(end)
        .chars()
        .next()
        .filter(|c| quoted && !c.is_whitespace())
    {
        let there = end..end + next.len_utf8();
        return Err(
            Fault::new("something stands right behind a closing quote", there)
                .hint("put a space between, or \\\" for a quote inside"),
        );
    }
    if value.is_empty() {
        let (why, at) = match &key {
            Some((name, place)) => (format!("'{name}:' has no value"), place.start..end),
            None => (
                "there is no word here".to_owned(),
                begin..end.max(begin + 1),
            ),
        };
        return Err(Fault::new(why, at));
    }
    let word = Word {
        sense,
        key,
        value,
        at: at..end,
        place: begin..end,
        quoted,
    };
    Ok((word, end))
}

/// The text between quotes, and where it ends.
fn quotation(line: &str, begin: usize) -> Result<(String, usize), Fault> {
    let mut text = String::new();
    let mut characters = line.get(begin + 1..).unwrap_or_default().char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((text, begin + 1 + at + 1)),
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                Some((_, other)) => text.extend(['\\', other]),
                None => {}
            },
            other => text.push(other),
        }
    }
    Err(Fault::new("a quote is never closed", begin..line.len()))
}

/// Puts one word into the filter.
fn take(filter: &mut Filter, line: &str, word: Word, clock: Clock<'_>) -> Result<(), Fault> {
    let Some((name, place)) = &word.key else {
        if !word.quoted && looks_like_range(&word.value) {
            return range(filter, &word);
        }
        return text(filter, &word);
    };
    if let Some(key) = Key::of(name) {
        let pattern = pattern(key, &word)?;
        put(filter, word.sense, Test::Is(key, pattern));
        return Ok(());
    }
    match bound(name) {
        Some("n") => range(filter, &word),
        Some("text") => text(filter, &word),
        Some("has") => has(filter, &word),
        Some(edge) => time(filter, edge, &word, clock),
        None => Err(unknown(name, place.clone(), line, &word)),
    }
}

fn put(filter: &mut Filter, sense: Sense, test: Test) {
    match sense {
        Sense::Must => filter.require(test),
        Sense::MustNot => filter.refuse(test),
    }
}

fn pattern(key: Key, word: &Word) -> Result<Pattern, Fault> {
    if matches!(key, Key::Commit | Key::Digest) {
        let hex = word.value.strip_prefix("sha256:").unwrap_or(&word.value);
        let hex = hex.strip_suffix('*').unwrap_or(hex).to_ascii_lowercase();
        if hex.len() < SHORTEST_ID || hex.len() > 64 || !is_hex(&hex) {
            let why = format!("'{}' is no {}", word.value, key.name());
            let hint = format!("write {SHORTEST_ID} to 64 hex digits, the first of it or all");
            return Err(Fault::new(why, word.at.clone()).hint(hint));
        }
        return Ok(Pattern::beginning(hex));
    }
    Ok(if word.quoted {
        Pattern::exact(word.value.clone())
    } else {
        Pattern::new(word.value.clone())
    })
}

fn looks_like_range(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.bytes().any(|b| b.is_ascii_digit()) && bytes.all(|b| b.is_ascii_digit() || b == b'.')
        || text == ".."
}

fn range(filter: &mut Filter, word: &Word) -> Result<(), Fault> {
    let span = Span::parse(&word.value).ok_or_else(|| {
        Fault::new(
            format!("'{}' is no range of numbers", word.value),
            word.at.clone(),
        )
        .hint("write 17, 10..20, 10.. or ..20; 'git ledger show' takes commits and digests")
    })?;
    match word.sense {
        Sense::Must => filter.spans.push(span),
        Sense::MustNot => filter.not_spans.push(span),
    }
    Ok(())
}

fn text(filter: &mut Filter, word: &Word) -> Result<(), Fault> {
    let (words, open) = match word.value.strip_suffix('*') {
        Some(begun) if !word.quoted => (begun, true),
        _ => (word.value.as_str(), false),
    };
    let phrase = Phrase::new(words, open).ok_or_else(|| {
        let why = format!("'{}' has no letter or digit to look for", word.value);
        Fault::new(why, word.at.clone())
    })?;
    put(filter, word.sense, Test::Says(phrase));
    Ok(())
}

fn has(filter: &mut Filter, word: &Word) -> Result<(), Fault> {
    let feature = Feature::of(&word.value).ok_or_else(|| {
        let names: Vec<&str> = Feature::names()
            .into_iter()
            .chain(Key::all().map(Key::name))
            .collect();
        Fault::new(
            format!("'{}' is nothing an entry can have", word.value),
            word.at.clone(),
        )
        .hint(format!("has: takes {}", names.join(", ")))
    })?;
    put(filter, word.sense, Test::Has(feature));
    Ok(())
}

fn time(filter: &mut Filter, name: &str, word: &Word, clock: Clock<'_>) -> Result<(), Fault> {
    let (edge, other) = match name {
        "since" => (Edge::Begin, "until"),
        _ => (Edge::End, "since"),
    };
    if word.sense == Sense::MustNot {
        let why = format!("'{name}:' cannot be turned round");
        return Err(Fault::new(why, word.at.clone()).hint(format!("write {other}:")));
    }
    let time = clock(&word.value, edge).ok_or_else(|| {
        let why = format!("'{}' is no date that is understood here", word.value);
        Fault::new(why, word.at.clone())
            .hint("write 2026-01-31, 2026-01-31T12:00:00Z, @1769860800, \"2 weeks ago\" or 2w")
    })?;
    match edge {
        Edge::Begin => filter.not_before(time),
        Edge::End => filter.not_after(time),
    }
    Ok(())
}

fn unknown(name: &str, place: Range<usize>, line: &str, word: &Word) -> Fault {
    let fault = Fault::new(format!("no key is called '{name}'"), place.clone());
    if let Some(near) = nearest(name) {
        return fault.hint(format!("did you mean '{near}:'?"));
    }
    if name == "sha256" {
        return fault.hint(format!("write digest:{}", word.value));
    }
    let whole = line.get(place.start..word.at.end).unwrap_or_default();
    let quoted = whole.replace('\\', "\\\\").replace('"', "\\\"");
    let keys: Vec<&str> = Key::all()
        .map(Key::name)
        .chain(BOUNDS.iter().copied())
        .collect();
    fault.hint(format!(
        "keys are {}; to look for the text itself write '\"{quoted}\"'",
        keys.join(", ")
    ))
}

/// How many letters must be changed, added, left out or swapped with the next.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(32).collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let cell = |row: Option<&Vec<usize>>, at: usize| {
                row.and_then(|row| row.get(at))
                    .copied()
                    .unwrap_or(usize::MAX - 1)
            };
            let swap = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            let swapped = if swap {
                cell(rows.get(i - 1), j - 1) + 1
            } else {
                usize::MAX
            };
            let changed = cell(rows.get(i), j) + usize::from(x != y);
            let left_out = cell(rows.get(i), j + 1) + 1;
            let added = row.get(j).copied().unwrap_or(usize::MAX - 1) + 1;
            row.push(changed.min(left_out).min(added).min(swapped));
        }
        rows.push(row);
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
