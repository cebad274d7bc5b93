//! Counts, for people and for scripts.

use crate::date::rfc3339;
use crate::escape::printable;
use crate::json::{Object, Value};
use crate::query::tally::{Counts, Tally};

use super::layout::{counted, cut};
use super::verdict::{clean, number};

/// Values of one kind shown to people before the rest is only counted.
const SHOWN: usize = 20;
/// The longest value shown, in columns.
const LONGEST: usize = 60;

/// A few sections, the largest count first, days in order.
pub fn text(tally: &Tally) -> String {
    let count =
        |count: u64, one, many| counted(usize::try_from(count).unwrap_or(usize::MAX), one, many);
    let mut out = format!(
        "{}, {}",
        count(tally.entries, "entry", "entries"),
        count(tally.events, "event", "events")
    );
    if let (Some((low, high)), Some((first, last))) = (tally.numbers, tally.times) {
        let (first, last) = (rfc3339(first), rfc3339(last));
        out += &format!(", numbers {low} to {high}, dated {first} to {last}");
    }
    out += "\n";
    if tally.broken > 0 {
        let broken = count(tally.broken, "entry is", "entries are");
        out += &format!("{broken} broken and counted nowhere else\n");
    }
    section(
        "events by type",
        &tally.types,
        tally.types.by_count(),
        &mut out,
    );
    section(
        "entries by signer, as claimed",
        &tally.signers,
        tally.signers.by_count(),
        &mut out,
    );
    let mut days = tally.days.by_name();
    let older = days.len().saturating_sub(SHOWN);
    let newest: Vec<_> = days.drain(older..).collect();
    section("entries by day", &tally.days, newest, &mut out);
    if older > 0 {
        out += &format!(
            "         (and {} before)\n",
            count(older as u64, "day", "days")
        );
    }
    section(
        "events by outcome",
        &tally.outcomes,
        tally.outcomes.by_count(),
        &mut out,
    );
    out
}

fn section(title: &str, counts: &Counts, rows: Vec<(&str, u64)>, out: &mut String) {
    if rows.is_empty() {
        return;
    }
    *out += &format!("\n{title}\n");
    for (name, count) in rows.iter().take(SHOWN) {
        *out += &format!("{count:>8} {}\n", cut(&printable(name), LONGEST));
    }
    let rest = rows.iter().skip(SHOWN).map(|(_, count)| count).sum::<u64>() + counts.others;
    if rest > 0 {
        *out += &format!("{rest:>8} (others)\n");
    }
}

/// One object; every list by count, days by date.
pub fn json(tally: &Tally) -> Object {
    let list = |rows: Vec<(&str, u64)>| {
        let rows = rows.into_iter().map(|(name, count)| {
            let row = Object::new()
                .with("value", clean(name))
                .with("count", number(count));
            Value::from(row)
        });
        rows.collect::<Vec<Value>>()
    };
    let mut object = Object::new()
        .with("entries", number(tally.entries))
        .with("events", number(tally.events))
        .with("broken", number(tally.broken))
        .with("types", list(tally.types.by_count()))
        .with("signers", list(tally.signers.by_count()))
        .with("days", list(tally.days.by_name()))
        .with("outcomes", list(tally.outcomes.by_count()));
    if let Some((low, high)) = tally.numbers {
        object.set("first", number(low));
        object.set("last", number(high));
    }
    object
}
