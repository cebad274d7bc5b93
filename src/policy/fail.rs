//! What becomes of events that cannot be recorded, by their class: `[[failure]]` of a policy.
//!
//! The first row with a pattern that fits an event's type decides. Whoever changes the rows is
//! told which classes become laxer ([`relaxed`]), worked out from the patterns of both policies.
//!
//! Source: `ledger-spec/policy.md`, rules 41 to 45.

use serde::Deserialize;

use crate::event;

use super::{Policy, fits};

/// Event types of deployments (CDEvents), as patterns.
pub const DEPLOYMENTS: [&str; 2] = ["dev.cdevents.service.*", "dev.cdevents.environment.*"];
/// Event types by which the hooks record refs before they move.
pub const REFS: [&str; 2] = [event::PUSH, event::REFS_CHANGED];

/// What becomes of an event that cannot be recorded now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailMode {
    /// Whatever it reports must not go on.
    Closed,
    /// It waits in the spool, and what it reports may go on.
    Spool,
}

impl FailMode {
    /// The word in `ledger.toml`.
    pub fn word(self) -> &'static str {
        match self {
            FailMode::Closed => "closed",
            FailMode::Spool => "spool",
        }
    }
}

/// One `[[failure]]` row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailClass {
    /// Event types, exact or with a final `*`; at least one, none in another row.
    pub types: Vec<String>,
    /// What becomes of them.
    pub mode: FailMode,
}

/// What a policy says of one event type, and where it says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided<'a> {
    /// What becomes of such an event.
    pub mode: FailMode,
    /// The row, counted from 1.
    pub row: usize,
    /// The pattern that fits.
    pub pattern: &'a str,
}

impl std::fmt::Display for Decided<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (mode, row, pattern) = (self.mode.word(), self.row, self.pattern);
        write!(f, "'{mode}' for {pattern} ([[failure]] row {row})")
    }
}

/// What is said of events that are recorded together: of the strictest of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word<'a> {
    /// A row of the policy decides.
    Row(Decided<'a>),
    /// The policy has no row for it.
    NoRow,
    /// No policy is known; types of this pattern are closed then.
    Unread(&'static str),
    /// No policy is known, and such a type is not among those that are closed then.
    UnreadOther,
}

impl<'a> Word<'a> {
    /// What this policy, as far as one is known, says of events of these types.
    pub fn of<'k>(
        policy: Option<&'a Policy>,
        kinds: impl IntoIterator<Item = &'k str>,
    ) -> Word<'a> {
        let one = |kind: &str| match policy {
            Some(policy) => policy.decided(kind).map_or(Word::NoRow, Word::Row),
            None => {
                let mut closed = DEPLOYMENTS.iter().chain(&REFS);
                let closed = closed.find(|pattern| fits(pattern, kind));
                closed.map_or(Word::UnreadOther, |pattern| Word::Unread(pattern))
            }
        };
        let words = kinds.into_iter().map(one);
        let none = policy.map_or(Word::UnreadOther, |_| Word::NoRow);
        words.min_by_key(|word| laxity(word.mode())).unwrap_or(none)
    }

    /// What becomes of the events; none where whoever records may choose.
    pub fn mode(&self) -> Option<FailMode> {
        match self {
            Word::Row(decided) => Some(decided.mode),
            Word::Unread(_) => Some(FailMode::Closed),
            Word::NoRow | Word::UnreadOther => None,
        }
    }
}

impl std::fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Word::Row(decided) => write!(f, "the ledger's policy says {decided}"),
            Word::NoRow => f.write_str("the ledger's policy says nothing of it"),
            Word::Unread(pattern) => write!(
                f,
                "the ledger's policy cannot be read here, and without it {pattern} is closed"
            ),
            Word::UnreadOther => f.write_str("the ledger's policy cannot be read here"),
        }
    }
}

/// A class of events for which a policy is laxer than the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relaxed {
    /// A pattern; narrower patterns of either policy are classes of their own.
    pub class: String,
    /// What the policy before says.
    pub from: Option<FailMode>,
    /// What the policy after it says.
    pub to: Option<FailMode>,
}

impl Relaxed {
    /// Whether the class holds deployments.
    pub fn is_deployment(&self) -> bool {
        DEPLOYMENTS.iter().any(|one| covers(one, &self.class))
    }

    /// Whether the class holds what the hooks record.
    pub fn is_refs(&self) -> bool {
        REFS.contains(&self.class.as_str())
    }
}

impl Policy {
    /// What this policy says of events of this type that cannot be recorded; none where no row
    /// fits: then whoever records may choose, and the hooks are closed.
    pub fn fail_mode(&self, kind: &str) -> Option<FailMode> {
        self.decided(kind).map(|decided| decided.mode)
    }

    /// As [`Policy::fail_mode`], with the row that decides.
    pub fn decided(&self, kind: &str) -> Option<Decided<'_>> {
        let rows = self.failures.iter().enumerate();
        rows.flat_map(|(at, row)| row.types.iter().map(move |pattern| (at + 1, row, pattern)))
            .find(|(_, _, pattern)| fits(pattern, kind))
            .map(|(row, FailClass { mode, .. }, pattern)| Decided {
                mode: *mode,
                row,
                pattern,
            })
    }

    /// The rows a new ledger begins with: closed for deployments and for what the hooks record,
    /// spool for the rest.
    pub fn first_failures() -> Vec<FailClass> {
        let closed = DEPLOYMENTS.iter().chain(&REFS);
        vec![
            FailClass {
                types: closed.map(|kind| (*kind).to_owned()).collect(),
                mode: FailMode::Closed,
            },
            FailClass {
                types: vec!["*".to_owned()],
                mode: FailMode::Spool,
            },
        ]
    }

    /// The same policy with these patterns in this mode, or without them. A pattern that comes is
    /// put before the first one that covers it, so that it decides.
    #[must_use]
    pub fn with_fail_mode(&self, patterns: &[String], mode: Option<FailMode>) -> Policy {
        let mut flat: Vec<(usize, String, FailMode)> = Vec::new();
        for (row, class) in self.failures.iter().enumerate() {
            let kept = class.types.iter().filter(|one| !patterns.contains(one));
            flat.extend(kept.map(|one| (row, one.clone(), class.mode)));
        }
        for (pattern, mode) in patterns.iter().filter_map(|one| Some((one, mode?))) {
            let covered = flat.iter().position(|(_, one, _)| covers(one, pattern));
            let at = covered.unwrap_or(flat.len());
            // beside one of the same mode it shares that one's row
            let beside = [at.checked_sub(1), Some(at)].into_iter().flatten();
            let mut beside = beside.filter_map(|at| flat.get(at));
            let row = beside.find(|(_, _, other)| *other == mode);
            let fresh = flat.iter().map(|(row, ..)| row + 1).max().unwrap_or(0);
            let row = row.map_or(fresh, |(row, ..)| *row);
            flat.insert(at, (row, pattern.clone(), mode));
        }
        let rows = flat.chunk_by(|one, next| one.0 == next.0).map(|row| {
            let types = row.iter().map(|(_, pattern, _)| pattern.clone()).collect();
            let mode = row.first().map_or(FailMode::Closed, |(_, _, mode)| *mode);
            FailClass { types, mode }
        });
        Policy {
            failures: rows.collect(),
            ..self.clone()
        }
    }
}

/// The classes for which `after` is laxer than `before`: deployments and what the hooks record
/// first, each by itself, then what the patterns of both policies tell apart.
pub fn relaxed(before: &Policy, after: &Policy) -> Vec<Relaxed> {
    let rows = before.failures.iter().chain(&after.failures);
    let mut patterns: Vec<&str> = rows
        .flat_map(|row| &row.types)
        .map(String::as_str)
        .collect();
    // the broad ones first, so that what lies within them need not be told again
    patterns.sort_by_key(|pattern| (!pattern.ends_with('*'), pattern.len()));
    let own = DEPLOYMENTS.iter().chain(&REFS).copied();
    let mut found: Vec<Relaxed> = Vec::new();
    for class in own.chain(patterns) {
        let (from, to) = (of_class(before, class), of_class(after, class));
        let told = found.iter().any(|known| {
            known.class == class
                || covers(&known.class, class) && (known.from, known.to) == (from, to)
        });
        if laxity(to) > laxity(from) && !told {
            let class = class.to_owned();
            found.push(Relaxed { class, from, to });
        }
    }
    found
}

/// What a policy says of a type within the pattern that lies in none of the narrower patterns.
fn of_class(policy: &Policy, pattern: &str) -> Option<FailMode> {
    match pattern.strip_suffix('*') {
        // no pattern holds this character, so only those match that cover this one whole
        Some(prefix) => policy.fail_mode(&format!("{prefix}\u{0}")),
        None => policy.fail_mode(pattern),
    }
}

/// Without a row whoever records may choose, and does not let events wait unless they do.
fn laxity(mode: Option<FailMode>) -> u8 {
    match mode {
        Some(FailMode::Closed) => 0,
        None => 1,
        Some(FailMode::Spool) => 2,
    }
}

/// Whether every type that fits `inner` fits `outer`.
fn covers(outer: &str, inner: &str) -> bool {
    match (outer.strip_suffix('*'), inner.strip_suffix('*')) {
        (Some(outer), Some(inner)) => inner.starts_with(outer),
        (Some(outer), None) => inner.starts_with(outer),
        (None, _) => outer == inner,
    }
}

#[cfg(test)]
mod tests;
