//! What a look came to, for people and for scripts.

use std::time::Duration;

use git_ledger::alert::Alert;
use git_ledger::date::rfc3339;
use git_ledger::escape::printable;
use git_ledger::json::{Object, Value};
use git_ledger::report::verdict::{clean, number};

use super::Args;
use super::look::Looked;
use crate::cli::failure::Failure;
use crate::cli::terminal;

/// One look with what came of it.
pub struct Told<'a> {
    pub looked: &'a Looked,
    pub alerts: &'a [Alert],
    /// Alerts that wait for delivery.
    pub waiting: usize,
    pub took: Duration,
    /// Whether everything was read.
    pub full: bool,
}

/// What would be told.
pub fn would(alerts: &[Alert], args: &Args) -> Result<(), Failure> {
    if args.json {
        return Ok(());
    }
    let lines = alerts
        .iter()
        .map(|alert| format!("would tell: {}\n", alert.line()));
    terminal::print(&lines.collect::<String>())
}

/// One look, unless there is nothing to say and nothing was to be said then.
pub fn look(told: &Told<'_>, args: &Args) -> Result<(), Failure> {
    if args.json {
        return json(told);
    }
    if args.quiet && told.alerts.is_empty() {
        return Ok(());
    }
    let looked = told.looked;
    let mut line = format!(
        "{}: {}",
        looked.answer.word(),
        printable(&looked.look.ledger)
    );
    if let Some(verdict) = &looked.verdict {
        let read = if told.full {
            "all read"
        } else {
            "what is new read"
        };
        line += &format!(", {} entries, {read}", verdict.entries);
        if !verdict.pinned {
            line += ", NOT PINNED";
        }
    }
    if let Some(comparison) = &looked.comparison {
        line += &format!(
            ", {} of {} copies answered",
            looked.look.answered.len(),
            comparison.copies.len()
        );
    }
    line += &match told.alerts.len() {
        0 => ", nothing new".to_owned(),
        count => format!(", {count} new"),
    };
    if told.waiting > 0 {
        line += &format!(", {} alerts undelivered", told.waiting);
    }
    terminal::print(&(line + "\n"))
}

/// One look as an object.
pub fn json(told: &Told<'_>) -> Result<(), Failure> {
    let looked = told.looked;
    let findings = looked.look.seen.iter().take(1000).map(|seen| {
        let text = |value: &Option<String>| value.as_deref().map_or(Value::Null, Value::from);
        Value::from(
            Object::new()
                .with("id", seen.matter.name)
                .with("severity", seen.severity.word())
                .with("place", clean(&seen.matter.place.text()))
                .with("entry", seen.matter.entry.map_or(Value::Null, number))
                .with("commit", text(&seen.matter.commit))
                .with("meaning", seen.meaning)
                .with("evidence", clean(&seen.evidence)),
        )
    });
    let copies = looked.comparison.iter().flat_map(|c| &c.copies);
    let copies = copies.map(|copy| {
        Value::from(
            Object::new()
                .with("remote", clean(&copy.remote.name))
                .with("state", copy.state.word())
                .with("answer", copy.answer().word()),
        )
    });
    let alerts = told.alerts.iter().map(|alert| Value::from(alert.event()));
    let here = looked.verdict.as_ref();
    let object = Object::new()
        .with("time", rfc3339(looked.look.now))
        .with("answer", looked.answer.word())
        .with(
            "here",
            here.map_or(Value::Null, |verdict| verdict.answer().word().into()),
        )
        .with(
            "entries",
            here.map_or(Value::Null, |verdict| number(verdict.entries)),
        )
        .with("ledger", clean(&looked.look.ledger))
        .with("full", told.full)
        .with("copies", copies.collect::<Vec<_>>())
        .with("findings", findings.collect::<Vec<_>>())
        .with("alerts", alerts.collect::<Vec<_>>())
        .with("undelivered", number(told.waiting as u64))
        .with(
            "took_ms",
            number(u64::try_from(told.took.as_millis()).unwrap_or(u64::MAX)),
        );
    terminal::print(&(Value::from(object).to_canonical() + "\n"))
}
