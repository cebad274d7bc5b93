//! What somebody should explain, for people and for scripts.

use crate::date::rfc3339;
use crate::escape::printable;
use crate::exceptions::{Exception, Exceptions, Kind};
use crate::json::{Object, Value};

use super::layout::{Look, counted, cut};
use super::verdict::{clean, number};

/// Exceptions of one kind shown to people before the rest is only counted.
const SHOWN: usize = 20;

/// By kind, the weightiest first.
pub fn text(exceptions: &Exceptions, look: &Look) -> String {
    let (list, counts) = (exceptions.list(), exceptions.counts());
    let mut out = String::new();
    for kind in Kind::all() {
        let Some(count) = counts.get(&kind) else {
            continue;
        };
        out += &format!("{} ({count}): {}\n", kind.word(), kind.sentence());
        let of_kind = list.iter().filter(|found| found.kind == kind);
        for found in of_kind.take(SHOWN) {
            let fits = |text: String| cut(&text, look.width.saturating_sub(2)) + "\n";
            out += &format!("  {}", fits(line(found)));
            out += &format!("  {}", fits(format!("    {}", printable(&found.why))));
        }
        if *count > SHOWN as u64 {
            out += &format!("  … and {} more\n", count - SHOWN as u64);
        }
    }
    if out.is_empty() {
        out = "nothing to explain\n".to_owned();
    }
    for limit in exceptions.limits() {
        out += &format!("note: {limit}\n");
    }
    out
}

/// One exception on one line, without why.
pub fn line(found: &Exception) -> String {
    let who: Vec<String> = found.who.iter().map(|name| printable(name)).collect();
    let who = match who.as_slice() {
        [] => String::new(),
        who => format!("  by {}", who.join(", ")),
    };
    format!(
        "entry {}  {}  {}{who}",
        found.number,
        rfc3339(found.time),
        printable(&found.what)
    )
}

/// One exception as a JSON object.
pub fn one_json(found: &Exception) -> Object {
    let who: Vec<Value> = found.who.iter().map(|name| clean(name)).collect();
    Object::new()
        .with("kind", found.kind.word())
        .with("number", number(found.number))
        .with("commit", found.commit.to_string())
        .with("time", rfc3339(found.time))
        .with("what", clean(&found.what))
        .with("who", who)
        .with("why", clean(&found.why))
}

/// All of them, how many of each kind there are, and what may be missing.
pub fn json(exceptions: &Exceptions) -> Object {
    let list = exceptions.list();
    let mut counts = Object::new();
    for (kind, count) in exceptions.counts() {
        counts.set(kind.word(), number(count));
    }
    let limits: Vec<Value> = exceptions.limits().into_iter().map(Value::from).collect();
    let list = list.iter().map(|found| Value::from(one_json(found)));
    Object::new()
        .with("counts", counts)
        .with("exceptions", list.collect::<Vec<_>>())
        .with("limits", limits)
}

/// How many there are, in a line.
pub fn in_short(exceptions: &Exceptions) -> String {
    let counts = exceptions.counts();
    let kinds = Kind::all().filter_map(|kind| Some((kind, counts.get(&kind)?)));
    let words: Vec<String> = kinds
        .map(|(kind, count)| format!("{count} {}", kind.word()))
        .collect();
    let all: u64 = counts.values().sum();
    match words.as_slice() {
        [] => "nothing to explain".to_owned(),
        words => format!(
            "{} to explain: {}",
            counted(
                usize::try_from(all).unwrap_or(usize::MAX),
                "thing",
                "things"
            ),
            words.join(", ")
        ),
    }
}
