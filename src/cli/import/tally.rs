//! What an import comes to: counts of each type, what was there before, what was refused and where.

use std::collections::BTreeMap;

use git_ledger::append::Recorded;
use git_ledger::escape::printable;
use git_ledger::json::{Object, Value};
use git_ledger::merkle::hex;
use git_ledger::report::verdict::number;

/// Refused records that are told one by one; more are counted.
const MAX_TOLD: usize = 1000;
/// As many in a message to people.
const MAX_SHOWN: usize = 20;
/// Types that are counted one by one; the rest of them together.
const MAX_TYPES: usize = 10_000;

/// A record that gave no event.
#[derive(Debug)]
pub struct Refused {
    /// The input's name.
    pub input: String,
    /// The line it begins on.
    pub line: u64,
    /// Why; it may repeat foreign words.
    pub why: String,
}

/// What an import has come to so far.
#[derive(Debug, Default)]
pub struct Tally {
    /// Events that were read.
    pub read: u64,
    /// Events in new entries.
    pub recorded: u64,
    /// Events that wait in the spool.
    pub spooled: u64,
    /// New events by their type.
    types: BTreeMap<String, u64>,
    /// The refused records, the first [`MAX_TOLD`] of them.
    refused: Vec<Refused>,
    refusals: u64,
    first: Option<u64>,
    entries: u64,
    /// The newest entry.
    pub newest: Option<Recorded>,
}

impl Tally {
    /// Counts an event under its type.
    pub fn count(&mut self, kind: &str) {
        let full = self.types.len() >= MAX_TYPES && !self.types.contains_key(kind);
        let kind = if full { "(other types)" } else { kind };
        match self.types.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(self.types.insert(kind.to_owned(), 1)),
        }
    }

    /// Takes note of a record that gave no event.
    pub fn refuse(&mut self, refused: Refused) {
        self.refusals += 1;
        if self.refused.len() < MAX_TOLD {
            self.refused.push(refused);
        }
    }

    /// How many records gave no event.
    pub fn refusals(&self) -> u64 {
        self.refusals
    }

    /// Takes note of new entries.
    pub fn record(&mut self, recorded: &[Recorded]) {
        for new in recorded.iter().filter(|new| !new.earlier) {
            self.first.get_or_insert(new.link.entry.number());
            self.entries += 1;
            for event in &new.link.entry.events {
                self.recorded += 1;
                self.count(event.kind());
            }
        }
        if let Some(newest) = recorded.last() {
            self.newest = Some(newest.clone());
        }
    }

    /// Events that were there before, or came twice.
    pub fn repeated(&self) -> u64 {
        self.read - self.recorded - self.spooled
    }

    /// The refused records, a line each.
    pub fn told(&self) -> Vec<String> {
        let line = |refused: &Refused| {
            format!(
                "{}:{}: {}",
                printable(&refused.input),
                refused.line,
                printable(&refused.why)
            )
        };
        let mut all: Vec<String> = self.refused.iter().take(MAX_SHOWN).map(line).collect();
        let more = self.refusals - all.len() as u64;
        if more > 0 {
            all.push(format!("and {more} more"));
        }
        all
    }

    /// The summary for people.
    pub fn text(&self, rehearsed: bool) -> String {
        let mut out = match (rehearsed, self.recorded, self.first) {
            (true, ..) => format!(
                "would record {}, but for those that are recorded already\n",
                events(self.read)
            ),
            (false, 0, _) => "recorded no event\n".to_owned(),
            (false, many, first) => format!(
                "recorded {} in {}\n",
                events(many),
                match (self.entries, first) {
                    (1, Some(first)) => format!("entry {first}"),
                    (entries, Some(first)) => {
                        format!("{entries} entries, {first}..{}", first + entries - 1)
                    }
                    (_, None) => String::new(),
                }
            ),
        };
        for (kind, count) in &self.types {
            out += &format!("{count:>8}  {}\n", printable(kind));
        }
        if self.spooled > 0 {
            out += &format!("spooled {}\n", events(self.spooled));
        }
        if !rehearsed && self.repeated() > 0 {
            out += &format!("recorded before: {}\n", events(self.repeated()));
        }
        if self.refusals > 0 {
            out += &format!("refused {}:\n", plural(self.refusals, "record"));
            for line in self.told() {
                out += &format!("  {line}\n");
            }
        }
        if let (false, Some(newest)) = (rehearsed || self.recorded == 0, &self.newest) {
            out += &format!(
                "newest entry {}\n  digest sha256:{}\n  commit {}\n",
                newest.link.entry.number(),
                hex(&newest.link.digest()),
                newest.link.id
            );
        }
        out
    }

    /// The summary for programs.
    pub fn json(&self, rehearsed: bool) -> String {
        let mut types = Object::new();
        for (kind, count) in &self.types {
            types.set(kind.as_str(), number(*count));
        }
        let refused = self.refused.iter().map(|refused| {
            Value::from(
                Object::new()
                    .with("input", refused.input.as_str())
                    .with("line", number(refused.line))
                    .with("why", git_ledger::json::foreign::spelled(&refused.why)),
            )
        });
        let mut out = Object::new()
            .with("status", if rehearsed { "dry-run" } else { "imported" })
            .with("read", number(self.read))
            .with("types", types)
            .with("refusals", number(self.refusals))
            .with("refused", refused.collect::<Vec<_>>());
        if !rehearsed {
            out.set("recorded", number(self.recorded));
            out.set("repeated", number(self.repeated()));
            out.set("spooled", number(self.spooled));
            out.set("entries", number(self.entries));
        }
        if let (false, Some(newest), Some(first)) = (rehearsed, &self.newest, self.first) {
            out.set("first", number(first));
            out.set("last", number(newest.link.entry.number()));
            out.set("digest", format!("sha256:{}", hex(&newest.link.digest())));
            out.set("commit", newest.link.id.to_string());
        }
        Value::from(out).to_canonical() + "\n"
    }
}

/// A count with its noun.
pub fn plural(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        many => format!("{many} {noun}s"),
    }
}

/// A count of events.
pub fn events(count: u64) -> String {
    plural(count, "event")
}
