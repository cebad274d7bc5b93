//! Reviews, and what nobody has looked at, for people and for scripts.

use crate::date::rfc3339;
use crate::escape::printable;
use crate::json::{Object, Value};
use crate::merkle::hex;
use crate::review::{By, Coverage, Placed, Review, Waiting};

use super::layout::counted;
use super::verdict::{age, clean, number};

/// Spans shown to people before the rest is only counted.
const SHOWN: usize = 20;

/// What a review says, as one line: range, size, outcome, what was verified.
pub fn line(review: &Review) -> String {
    let mut out = format!(
        "{}..{}, {}: {} (verified: {})",
        review.first.number,
        review.last.number,
        entries(review.entries()),
        review.outcome.word(),
        review.answer.word()
    );
    if review.own > 0 {
        out += &format!(", {} of them the reviewer's own", review.own);
    }
    out
}

/// A line for each review, the newest first.
pub fn list(coverage: &Coverage) -> String {
    coverage.reviews().iter().map(row).collect()
}

fn row(placed: &Placed) -> String {
    let told = match &placed.review {
        Ok(review) => {
            let ticket = review.ticket.as_ref();
            let ticket = ticket.map_or_else(String::new, |t| format!("  {}", printable(t)));
            format!("{}{ticket}", line(review))
        }
        Err(why) => format!("no review: {}", printable(&why.to_string())),
    };
    format!(
        "{:>8}  {}  {}  {told}{}\n",
        placed.number,
        rfc3339(placed.time),
        printable(&placed.principal),
        warning(placed)
    )
}

/// What takes the worth from a review.
fn warning(placed: &Placed) -> String {
    if placed.fits == Some(false) {
        return "  NOT OF THIS HISTORY: its entries are not those that stand here".to_owned();
    }
    match &placed.review {
        Ok(review) if review.own != placed.own => {
            format!("  SAYS {} OF ITS OWN, {} ARE", review.own, placed.own)
        }
        _ => String::new(),
    }
}

/// One review, whole.
pub fn text(placed: &Placed) -> String {
    let mut out = row(placed).trim_start().to_owned();
    let Ok(review) = &placed.review else {
        return out;
    };
    for (name, end) in [("first", review.first), ("last", review.last)] {
        out += &format!(
            "{name:<9}entry {}, sha256:{}\n",
            end.number,
            hex(&end.digest)
        );
    }
    out += &format!(
        "verified {} entries by {}\n",
        review.verified,
        printable(&review.version)
    );
    for seen in &review.findings {
        let at = seen
            .entry
            .map_or_else(String::new, |at| format!(" at {at}"));
        let by = match seen.by {
            By::Verify => "",
            By::Exceptions => " (an exception)",
            By::Reviewer => " (the reviewer's)",
        };
        let count = match seen.count {
            0 | 1 => String::new(),
            count => format!(", {count} times"),
        };
        out += &format!(
            "finding  {}{at}{count}: {}{by}\n",
            printable(&seen.id),
            seen.decision.word()
        );
    }
    if let Some(ticket) = &review.ticket {
        out += &format!("ticket   {}\n", printable(ticket));
    }
    for line in review.note.iter().flat_map(|note| note.lines()) {
        out += &format!("note     {}\n", printable(line));
    }
    out
}

/// What has been looked at, and what waits.
pub fn status(coverage: &Coverage, now: u64) -> String {
    let mut out = String::new();
    for (word, count) in coverage.looked() {
        out += &format!("reviewed    {}: {word}\n", entries(count));
    }
    let waiting = coverage.waiting();
    for span in waiting.iter().take(SHOWN) {
        out += &format!(
            "unreviewed  {}: {}, the oldest {} old\n",
            range(span),
            entries(span.entries),
            age(now.saturating_sub(span.since))
        );
    }
    if waiting.len() > SHOWN {
        out += &format!("            (and {} more spans)\n", waiting.len() - SHOWN);
    }
    let bad = coverage.reviews().iter().filter(|placed| !placed.counts());
    match bad.count() {
        0 => {}
        bad => out += &format!("not counted {}\n", counted(bad, "review", "reviews")),
    }
    if coverage.unreviewed() == 0 {
        out += "nothing waits for a review\n";
    }
    out
}

/// The oldest entry that waits, in seconds since 1970.
pub fn oldest(coverage: &Coverage) -> Option<u64> {
    coverage.waiting().iter().map(|span| span.since).min()
}

fn range(span: &Waiting) -> String {
    format!("{}..{}", span.first, span.last)
}

fn entries(count: u64) -> String {
    counted(
        usize::try_from(count).unwrap_or(usize::MAX),
        "entry",
        "entries",
    )
}

/// One review as an object.
pub fn json(placed: &Placed) -> Object {
    let object = Object::new()
        .with("number", number(placed.number))
        .with("time", rfc3339(placed.time))
        .with("reviewer", clean(&placed.principal))
        .with("counts", placed.counts())
        .with("fits", placed.fits.map_or(Value::Null, Value::from))
        .with("own_counted", number(placed.own));
    match &placed.review {
        Ok(review) => object.with("review", review.data()),
        Err(why) => object.with("why", clean(&why.to_string())),
    }
}

/// What has been looked at, and what waits, as an object.
pub fn status_json(coverage: &Coverage, now: u64) -> Object {
    let spans = coverage.waiting().iter().map(|span| {
        Value::from(
            Object::new()
                .with("first", number(span.first))
                .with("last", number(span.last))
                .with("entries", number(span.entries))
                .with("since", rfc3339(span.since))
                .with("age", number(now.saturating_sub(span.since))),
        )
    });
    let mut reviewed = Object::new();
    for (word, count) in coverage.looked() {
        reviewed.set(word, number(count));
    }
    let bad = coverage.reviews().iter().filter(|placed| !placed.counts());
    Object::new()
        .with("reviewed", reviewed)
        .with("unreviewed", number(coverage.unreviewed()))
        .with("waiting", spans.collect::<Vec<_>>())
        .with("not_counted", number(bad.count() as u64))
}
