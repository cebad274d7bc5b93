//! The copies of a ledger compared, for people and for scripts.

use crate::date::rfc3339;
use crate::json::{Object, Value};
use crate::merkle;
use crate::mirror::{Comparison, Copy, Delivery, Named, Sent, State};

use super::fresh::ago;
use super::verdict::{age, clean, finding_json, finding_line, number};
use crate::escape::printable;

/// Commits are shown to people by so many digits.
const SHORT: usize = 12;

/// The comparison for people: a table, what parts the copies, the findings, the window.
pub fn text(comparison: &Comparison, now: u64) -> String {
    let rows: Vec<[String; 7]> = comparison
        .copies
        .iter()
        .map(|copy| row(comparison, copy, now))
        .collect();
    let head = [
        "STATE",
        "REMOTE",
        "NEWEST",
        "DATED",
        "LAG",
        "LAST SEEN",
        "INDEPENDENT",
    ]
    .map(str::to_owned);
    let mut out = String::new();
    for row in std::iter::once(&head).chain(&rows) {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            let width = std::iter::once(&head)
                .chain(&rows)
                .filter_map(|row| row.get(at))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default();
            line += &format!("{cell:<width$}  ");
        }
        out += line.trim_end();
        out.push('\n');
    }
    for copy in &comparison.copies {
        out += &details(copy);
        if let (Some(since), State::Behind(_)) = (copy.lacks_since, copy.state) {
            out += &format!(
                "  {} lacks entries since {} ({})\n",
                printable(&copy.remote.name),
                rfc3339(since),
                age(now.saturating_sub(since))
            );
        }
    }
    let findings: Vec<String> = comparison.findings().map(finding_line).collect();
    for (at, line) in findings.iter().enumerate() {
        out += if at == 0 { "\n" } else { "" };
        out += line;
        out.push('\n');
    }
    for copy in &comparison.copies {
        if let Some(next) = remedy(copy) {
            out += &format!("        {next}\n");
        }
    }
    for (one, other, tie) in &comparison.ties {
        out += &format!(
            "note    {} and {} are not independent: they {}\n",
            printable(one),
            printable(other),
            tie.words()
        );
    }
    out + &window(comparison)
}

fn row(comparison: &Comparison, copy: &Copy, now: u64) -> [String; 7] {
    let state = match copy.state {
        State::RolledBack(_) | State::Removed(_) => copy.state.word().to_owned(),
        state => state.number().map_or_else(
            || state.word().to_owned(),
            |number| format!("{} {number}", state.word()),
        ),
    };
    let newest = copy.newest.as_ref();
    let dash = || "-".to_owned();
    let tied: Vec<String> = comparison
        .tied_to(&copy.remote.name)
        .map(printable)
        .collect();
    let lag = match (copy.state, copy.lacks_since) {
        (State::Behind(_), Some(since)) => age(now.saturating_sub(since)),
        _ => "-".to_owned(),
    };
    [
        state,
        printable(&copy.remote.name),
        newest.map_or_else(dash, |newest| newest.number.to_string()),
        newest
            .and_then(|newest| newest.time)
            .map_or_else(dash, rfc3339),
        lag,
        ago(copy.seen, now),
        match tied.as_slice() {
            [] => "yes".to_owned(),
            tied => format!("no: {}", tied.join(", ")),
        },
    ]
}

fn details(copy: &Copy) -> String {
    let mut out = String::new();
    if let Some((here, there)) = &copy.split {
        let name = printable(&copy.remote.name);
        out += &format!(
            "entry {} here, and at {name}:\n  here   {}\n  there  {}\n",
            here.number,
            named(here),
            named(there)
        );
    }
    for reference in &copy.evidence {
        out += &format!("  kept as {}\n", printable(reference));
    }
    if let (Some(why), true) = (&copy.why, copy.state != State::Silent) {
        out += &format!("  {}\n", printable(why));
    }
    out
}

/// One entry on one line; nobody has said yet that its signature holds.
fn named(entry: &Named) -> String {
    let claims = entry
        .principal
        .as_deref()
        .map_or("not a readable entry".to_owned(), |principal| {
            format!("claimed by {}", printable(principal))
        });
    format!(
        "{}  {}  {claims}  {}",
        entry.commit.to_hex_with_len(SHORT),
        entry.time.map_or_else(|| "-".to_owned(), rfc3339),
        printable(entry.subject.as_deref().unwrap_or_default())
    )
}

/// What to do about a copy that is not as it should be.
pub fn remedy(copy: &Copy) -> Option<String> {
    let name = printable(&copy.remote.name);
    Some(match copy.state {
        State::Forked(_) => format!(
            "{name}: ask who signed the two entries; keep this clone, it holds both histories, and \
             'git ledger evidence export FILE' writes them down for others to judge"
        ),
        State::Stray(at) => format!(
            "{name}: a lost race that leaked, or looks like one; record that event again with its \
             source and id, and let {name} go back to entry {} by hand, if the entry there is the \
             wrong one",
            at.saturating_sub(1)
        ),
        State::Twin(_) => format!(
            "{name}: no other history is told; let it fetch the entry in the right spelling"
        ),
        State::RolledBack(_) | State::Removed(_) => format!(
            "{name}: ask who took it back; 'git ledger mirror push --restore {name}' brings it up again"
        ),
        State::Unrelated => format!("{name}: is the address right? It holds another ledger"),
        State::Missing => {
            format!("{name}: 'git ledger mirror push {name}' brings the ledger there")
        }
        State::Level | State::Behind(_) | State::Ahead(_) | State::Silent => return None,
    })
}

/// The detection window in one line.
pub fn window(comparison: &Comparison) -> String {
    match &comparison.window {
        Some(window) => format!(
            "window  {}: entry {} (dated {}) is the newest that two independent copies hold; \
             newer ones could still be rewritten unseen\n",
            age(window.age),
            window.number,
            rfc3339(window.time)
        ),
        None => format!(
            "window  none: no entry is held by two independent copies ({} counted), so nothing but \
             this clone would show a rewrite\n",
            comparison.independent
        ),
    }
}

/// The comparison as one JSON object.
pub fn json(comparison: &Comparison) -> Object {
    let ties: Vec<Value> = comparison
        .ties
        .iter()
        .map(|(one, other, tie)| {
            Object::new()
                .with("remotes", vec![clean(one), clean(other)])
                .with("why", tie.words())
                .into()
        })
        .collect();
    let window = comparison.window.as_ref().map_or(Value::Null, |window| {
        Object::new()
            .with("entry", number(window.number))
            .with("time", rfc3339(window.time))
            .with("age", number(window.age))
            .into()
    });
    let copies: Vec<Value> = comparison
        .copies
        .iter()
        .map(|copy| {
            let tied: Vec<Value> = comparison.tied_to(&copy.remote.name).map(clean).collect();
            Value::from(
                copy_json(copy)
                    .with("independent", tied.is_empty())
                    .with("tied_to", tied),
            )
        })
        .collect();
    let about_here: Vec<Value> = comparison.about_here.iter().map(finding_json).collect();
    Object::new()
        .with("answer", comparison.answer().word())
        .with(
            "newest",
            comparison.here.as_ref().map_or(Value::Null, named_json),
        )
        .with("about_here", about_here)
        .with("remotes", copies)
        .with("not_independent", ties)
        .with("independent", number(comparison.independent as u64))
        .with("window", window)
}

/// One copy as a JSON object.
pub fn copy_json(copy: &Copy) -> Object {
    let maybe = |value: Option<u64>| value.map_or(Value::Null, number);
    let findings: Vec<Value> = copy.findings.iter().map(finding_json).collect();
    let evidence: Vec<Value> = copy.evidence.iter().map(|name| clean(name)).collect();
    Object::new()
        .with("remote", clean(&copy.remote.name))
        .with("url", clean(&copy.remote.url.redacted()))
        .with("state", copy.state.word())
        .with("number", maybe(copy.state.number()))
        .with(
            "newest",
            copy.newest.as_ref().map_or(Value::Null, named_json),
        )
        .with("shared", maybe(copy.shared))
        .with(
            "split",
            copy.split.as_ref().map_or(Value::Null, |(here, there)| {
                Object::new()
                    .with("here", named_json(here))
                    .with("there", named_json(there))
                    .into()
            }),
        )
        .with(
            "seen",
            copy.seen
                .map_or(Value::Null, |seen| Value::from(rfc3339(seen))),
        )
        .with(
            "lacks_since",
            copy.lacks_since
                .map_or(Value::Null, |since| Value::from(rfc3339(since))),
        )
        .with("why", copy.why.as_deref().map_or(Value::Null, clean))
        .with("evidence", evidence)
        .with("findings", findings)
}

fn named_json(entry: &Named) -> Value {
    Object::new()
        .with("number", number(entry.number))
        .with("digest", format!("sha256:{}", merkle::hex(&entry.digest)))
        .with("commit", entry.commit.to_string())
        .with(
            "time",
            entry
                .time
                .map_or(Value::Null, |time| Value::from(rfc3339(time))),
        )
        .with(
            "claimed_by",
            entry.principal.as_deref().map_or(Value::Null, clean),
        )
        .with(
            "subject",
            entry.subject.as_deref().map_or(Value::Null, clean),
        )
        .into()
}

/// What a push did to one remote, in lines.
pub fn sent_text(sent: &Sent) -> String {
    let name = printable(&sent.after.remote.name);
    let word = sent.delivery.word();
    let newest = sent.after.newest.as_ref().map(|newest| newest.number);
    let up_to = newest.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let what = match &sent.delivery {
        Delivery::Had => match sent.after.state {
            State::Ahead(k) => format!("entry {up_to}, {k} more than here"),
            _ => format!("entry {up_to}"),
        },
        Delivery::Took => {
            let first = match sent.before.state {
                State::Missing | State::Removed(_) => 0,
                _ => sent.before.newest.as_ref().map_or(0, |n| n.number + 1),
            };
            if newest == Some(first) {
                format!("entry {up_to}")
            } else {
                format!("entries {first} to {up_to}")
            }
        }
        Delivery::Barred => match (sent.after.state, sent.after.state.number()) {
            (State::RolledBack(seen) | State::Removed(seen), _) => {
                format!("it was seen with entry {seen} and has lost it")
            }
            (State::Unrelated, _) => "it holds another ledger".to_owned(),
            (state, Some(at)) if !state.is_honest() => format!("{} {at}", state.word()),
            _ => "what it holds breaks the rules".to_owned(),
        },
        Delivery::Refused(words) => printable(&one_line(words)),
        Delivery::NotStored => {
            format!("it says it took the entries, and shows entry {up_to} as its newest")
        }
        Delivery::Unanswered(why) => printable(&one_line(why)),
    };
    let mut out = format!("{word:<11} {name:<12} {what}\n");
    out += &details(&sent.after);
    for finding in &sent.after.findings {
        out += &finding_line(finding);
        out.push('\n');
    }
    if sent.delivery == Delivery::Barred
        && let Some(next) = remedy(&sent.after)
    {
        out += &format!("        {next}\n");
    }
    out
}

/// What a push did to one remote as a JSON object.
pub fn sent_json(sent: &Sent) -> Object {
    let words = match &sent.delivery {
        Delivery::Refused(words) | Delivery::Unanswered(words) => clean(&one_line(words)),
        Delivery::Had | Delivery::Took | Delivery::Barred | Delivery::NotStored => Value::Null,
    };
    copy_json(&sent.after)
        .with("delivery", sent.delivery.word())
        .with("words", words)
        .with("before", sent.before.state.word())
}

/// Foreign words on one line.
pub fn one_line(text: &str) -> String {
    let joined: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    joined.join("; ").chars().take(600).collect()
}
