//! What a comparison of the refs with the record prints.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use git_ledger::append::Recorded;
use git_ledger::escape::{printable, printable_bytes};
use git_ledger::finding::Answer;
use git_ledger::json::{Object, Value};
use git_ledger::merkle::hex;
use git_ledger::report::verdict::{age, clean, finding_json, number};

use super::{Outlook, verdict};
use crate::cli::failure::{Exit, Failure};
use crate::cli::terminal;

/// Refs shown to people before the rest is only counted.
const SHOWN: usize = 25;

/// What is printed.
pub struct Report {
    /// What was seen.
    pub outlook: Outlook,
    /// Changes that were closed.
    pub closed: usize,
    /// The entries that record it.
    pub recorded: Vec<Recorded>,
    /// Seconds since the last look.
    pub last: Option<u64>,
    /// Whether nothing was recorded.
    pub dry_run: bool,
}

impl Report {
    /// Prints it, for people or for programs.
    pub fn print(&self, json: bool) -> Result<(), Failure> {
        terminal::print(&if json {
            self.json().to_canonical() + "\n"
        } else {
            self.text()
        })
    }

    /// For people.
    fn text(&self) -> String {
        let comparison = &self.outlook.comparison;
        let differences = &comparison.differences;
        let mut out = String::new();
        let would = if self.dry_run { "would be " } else { "" };
        if self.closed > 0 {
            writeln!(
                out,
                "closed: {} whose git died before anybody told what became of them {would}recorded as not done",
                plural(self.closed, "change")
            )
            .ok();
        }
        if let Some(refs) = &comparison.baseline {
            writeln!(
                out,
                "baseline: {} {would}recorded where nobody had spoken of them; later runs judge by it",
                plural(refs.len(), "ref")
            )
            .ok();
        }
        if differences.is_empty() && self.outlook.based {
            writeln!(
                out,
                "in step: {} as entry {} and those before it left them",
                plural(comparison.compared, "ref"),
                self.outlook.newest
            )
            .ok();
        }
        if !differences.is_empty() {
            writeln!(
                out,
                "changed: {} moved, and no hook saw it",
                plural(differences.len(), "ref")
            )
            .ok();
        }
        for difference in differences.iter().take(SHOWN) {
            let forced = match difference.forced {
                Some(true) => ", forced",
                _ => "",
            };
            let finding = difference.finding();
            writeln!(
                out,
                "  {}{forced}: {}",
                difference.kind(),
                printable(&finding.detail)
            )
            .ok();
        }
        if differences.len() > SHOWN {
            writeln!(
                out,
                "  and {} more (--json shows all)",
                differences.len() - SHOWN
            )
            .ok();
        }
        if !self.outlook.busy.is_empty() {
            writeln!(
                out,
                "unknown: {} moving all the while and not compared: {}",
                plural(self.outlook.busy.len(), "ref"),
                some(&self.outlook.busy)
            )
            .ok();
        }
        for Recorded { link, .. } in &self.recorded {
            writeln!(out, "recorded {}", printable(&link.entry.subject())).ok();
        }
        if !self.outlook.left_out.is_empty() {
            let left_out = printable(&self.outlook.left_out.join(", "));
            writeln!(out, "left out by configuration: {left_out}").ok();
        }
        match self.last {
            Some(last) => writeln!(
                out,
                "window: the refs were compared {} ago; what moved and moved back since is not seen",
                age(last)
            ),
            None => writeln!(out, "window: the refs were never compared here before"),
        }
        .ok();
        out
    }

    /// One JSON object.
    fn json(&self) -> Value {
        let comparison = &self.outlook.comparison;
        let answer = match verdict(&self.outlook) {
            Exit::No => Answer::Breach,
            Exit::Unknown => Answer::Unknown,
            _ => Answer::Sound,
        };
        let recorded = self.recorded.iter().map(|recorded| {
            let link = &recorded.link;
            Value::from(
                Object::new()
                    .with("number", number(link.entry.number()))
                    .with("digest", format!("sha256:{}", hex(&link.digest())))
                    .with("commit", link.id.to_string()),
            )
        });
        let findings = comparison
            .differences
            .iter()
            .map(|one| finding_json(&one.finding()));
        let busy = self
            .outlook
            .busy
            .iter()
            .map(|name| clean(&printable_bytes(name)));
        let left_out = self.outlook.left_out.iter().map(|prefix| clean(prefix));
        let count = |n: usize| number(u64::try_from(n).unwrap_or(u64::MAX));
        Object::new()
            .with("answer", answer.word())
            .with("dry_run", Value::Bool(self.dry_run))
            .with("entry", number(self.outlook.newest))
            .with("refs", count(comparison.compared))
            .with(
                "baseline",
                comparison
                    .baseline
                    .as_ref()
                    .map_or(Value::Null, |refs| count(refs.len())),
            )
            .with("closed", count(self.closed))
            .with("findings", findings.collect::<Vec<_>>())
            .with("moving", busy.collect::<Vec<_>>())
            .with("recorded", recorded.collect::<Vec<_>>())
            .with("left_out", left_out.collect::<Vec<_>>())
            .with("window", self.last.map_or(Value::Null, number))
            .into()
    }
}

fn plural(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

fn some(names: &BTreeSet<Vec<u8>>) -> String {
    let mut shown: Vec<String> = names
        .iter()
        .take(5)
        .map(|name| printable_bytes(name))
        .collect();
    if names.len() > shown.len() {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}
