//! A verdict, for people and for scripts.

use crate::finding::{Answer, Finding, Severity};
use crate::json::{Object, Value};
use crate::merkle;
use crate::verified::{Record, Why};
use crate::verify::Verdict;

use crate::escape::printable;

/// Findings shown to people before the rest is only counted.
const SHOWN: usize = 25;

/// What a verdict is shown with, besides itself.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// What was verified: a branch, or a remote.
    pub subject: String,
    /// The clock here, in seconds since 1970.
    pub now: u64,
    /// Things of the repository that were ignored without being wrong.
    pub ignored: Vec<String>,
    /// How much was read.
    pub extent: Extent,
}

/// How much of a ledger was read for a verdict.
#[derive(Debug, Clone, Default)]
pub enum Extent {
    /// All of it, as it should be.
    #[default]
    All,
    /// What follows the entries that were found sound before.
    Since(Box<Record>),
    /// All of it, although only what is new was asked for.
    AllThough(Why),
}

/// One finding as a line: severity, id, entry, commit, evidence.
pub fn finding_line(finding: &Finding) -> String {
    let place = finding
        .at
        .map_or_else(|| "-".to_owned(), |at| at.to_string());
    let commit = finding
        .commit
        .map_or_else(|| "-".to_owned(), |commit| commit.to_string());
    let severity = finding.severity().word();
    format!(
        "{severity} {} {place} {commit}\t{}",
        finding.id,
        printable(&finding.detail)
    )
}

/// One finding as a JSON object.
pub fn finding_json(finding: &Finding) -> Value {
    Object::new()
        .with("severity", finding.severity().word())
        .with("id", finding.id.name())
        .with("entry", finding.at.map_or(Value::Null, number))
        .with(
            "commit",
            finding
                .commit
                .map_or(Value::Null, |commit| Value::from(commit.to_string())),
        )
        .with("meaning", finding.id.sentence())
        .with("evidence", clean(&finding.detail))
        .into()
}

/// A number as JSON; those of ledgers fit.
pub fn number(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Text without what JSON of the record does not hold.
pub fn clean(text: &str) -> Value {
    if crate::json::forbidden_character(text).is_some() {
        printable(text).into()
    } else {
        text.into()
    }
}

/// How long ago, in words: `3 s`, `5 min`, `2 h`, `9 d`.
pub fn age(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The verdict for people: the findings, then the answer and what it rests on.
pub fn text(verdict: &Verdict, frame: &Frame) -> String {
    let mut out = String::new();
    let breaches = verdict
        .findings
        .iter()
        .filter(|finding| finding.severity() == Severity::Breach)
        .count();
    for finding in verdict.findings.iter().take(SHOWN) {
        let place = finding
            .at
            .map_or_else(|| "ledger".to_owned(), |at| format!("entry {at}"));
        let commit = finding.commit.map_or_else(String::new, |commit| {
            format!(" ({})", commit.to_hex_with_len(12))
        });
        out += &format!(
            "{:<8}{place}{commit}: {}: {}\n",
            finding.severity().word(),
            finding.id,
            finding.id.sentence()
        );
        out += &format!("        {}\n", printable(&finding.detail));
    }
    if verdict.findings.len() > SHOWN {
        out += &format!(
            "        … and {} more findings; --json lists all\n",
            verdict.findings.len() - SHOWN
        );
    }
    for ignored in &frame.ignored {
        out += &format!("note    ignored: {ignored}\n");
    }
    let subject = printable(&frame.subject);
    out += &match verdict.answer() {
        Answer::Sound => {
            let checked = match &frame.extent {
                Extent::Since(record) => {
                    let known = record.known.number.saturating_add(1);
                    format!(
                        "{} of them checked now",
                        verdict.entries.saturating_sub(known)
                    )
                }
                Extent::All | Extent::AllThough(_) => "all checked".to_owned(),
            };
            format!("sound: {subject}, {} entries, {checked}\n", verdict.entries)
        }
        Answer::Unknown => format!(
            "unknown: {subject}, {} entries looked at, not everything could be checked\n",
            verdict.entries
        ),
        Answer::Breach => {
            let first = verdict.first_bad().and_then(|finding| finding.at);
            let first = first.map_or_else(String::new, |at| format!(", first at entry {at}"));
            format!(
                "breach: {subject}, {} entries, {breaches} broken rules{first}\n",
                verdict.entries
            )
        }
    };
    out += &extent_text(&frame.extent);
    if let Some(name) = &verdict.name {
        out += &format!("ledger       {}\n", printable(name));
    }
    let fingerprint = verdict.fingerprint.map_or_else(
        || "not reached".to_owned(),
        |f| format!("sha256:{}", merkle::hex(&f)),
    );
    let pinned = if verdict.pinned {
        "pinned"
    } else {
        "NOT PINNED: compare it with the one you were given"
    };
    out += &format!("fingerprint  {fingerprint} ({pinned})\n");
    if let Some((number, digest, commit, time)) = &verdict.tip {
        out += &format!(
            "newest       entry {number}, sha256:{}\n",
            merkle::hex(digest)
        );
        out += &format!(
            "             commit {commit}, dated {}",
            crate::date::rfc3339(*time)
        );
        out += &format!(" ({} ago)\n", age(frame.now.saturating_sub(*time)));
        out += "             only as fresh as this copy: whether newer entries exist, other remotes tell\n";
    }
    out
}

/// What was not read again, or why all was.
fn extent_text(extent: &Extent) -> String {
    match extent {
        Extent::All => String::new(),
        Extent::AllThough(why) => {
            format!("all read     {}\n", printable(&why.to_string()))
        }
        Extent::Since(record) => {
            let (last, whole) = (record.known.number, record.whole);
            let mut out = format!(
                "known        entries 0-{last} were verified at {} and not read again\n",
                crate::date::rfc3339(record.verified)
            );
            if whole < last {
                out += &format!(
                    "             entries 0-{whole} were last read at {}\n",
                    crate::date::rfc3339(record.whole_verified)
                );
            }
            out + "             whether their objects were lost or damaged since is not seen: --full \
                   reads all\n"
        }
    }
}

/// The same in JSON; nothing where nothing else was asked for.
fn with_extent(object: Object, extent: &Extent) -> Object {
    let (known, why) = match extent {
        Extent::All => return object,
        Extent::AllThough(why) => {
            let why = Object::new()
                .with("id", why.word())
                .with("why", clean(&why.to_string()));
            (Value::Null, why.into())
        }
        Extent::Since(record) => {
            let verified = |last: u64, at: u64| {
                Object::new()
                    .with("last", number(last))
                    .with("verified", crate::date::rfc3339(at))
            };
            let whole = verified(record.whole, record.whole_verified);
            let known = verified(record.known.number, record.verified).with("whole", whole);
            (known.into(), Value::Null)
        }
    };
    object
        .with("not_read_again", known)
        .with("read_all_because", why)
}

/// The verdict as one JSON object.
pub fn json(verdict: &Verdict, frame: &Frame) -> Value {
    let tip = verdict
        .tip
        .as_ref()
        .map_or(Value::Null, |(at, digest, commit, time)| {
            Object::new()
                .with("number", number(*at))
                .with("digest", format!("sha256:{}", merkle::hex(digest)))
                .with("commit", commit.to_string())
                .with("time", crate::date::rfc3339(*time))
                .with("age", number(frame.now.saturating_sub(*time)))
                .into()
        });
    let fingerprint = verdict.fingerprint.map_or(Value::Null, |f| {
        Value::from(format!("sha256:{}", merkle::hex(&f)))
    });
    let object = Object::new()
        .with("answer", verdict.answer().word())
        .with("subject", clean(&frame.subject))
        .with("entries", number(verdict.entries))
        .with(
            "first_bad",
            verdict
                .first_bad()
                .and_then(|f| f.at)
                .map_or(Value::Null, number),
        )
        .with("fingerprint", fingerprint)
        .with("pinned", verdict.pinned)
        .with(
            "name",
            verdict.name.as_deref().map_or(Value::Null, Value::from),
        )
        .with("newest", tip)
        .with(
            "ignored",
            frame
                .ignored
                .iter()
                .map(|text| clean(text))
                .collect::<Vec<_>>(),
        )
        .with(
            "findings",
            verdict
                .findings
                .iter()
                .map(finding_json)
                .collect::<Vec<_>>(),
        );
    with_extent(object, &frame.extent).into()
}
