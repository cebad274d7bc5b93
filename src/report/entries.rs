//! Entries, for people and for scripts: whole blocks, single lines, JSON.
//!
//! What an entry claims and what was verified are told apart, and only a [`Verdict`] makes the
//! second: without one nobody is said to have signed anything. On a terminal foreign words stand
//! on indented lines of their own, so none can be taken for the line that names an entry.

use crate::commit::Link;
use crate::date::rfc3339;
use crate::event::{self, Event};
use crate::finding::{FindingId, Severity};
use crate::json::{Object, Value};
use crate::merkle::hex;
use crate::policy::Role;
use crate::query::{Selected, Step, What};
use crate::verify::Verdict;

use super::captured;
use super::layout::{Ink, Look, cut};
use super::said;
use super::verdict::{clean, number};
use crate::escape::{is_hidden, printable};

/// Events of an entry shown before the rest is only counted.
const EVENTS: usize = 5;
/// Hex digits of a commit shown to people.
const SHORT: usize = 12;

/// What is known of an entry besides what it claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has looked.
    Claimed,
    /// Signed by who it says, with these roles in the policy in force, and unbroken up to here.
    Verified(Vec<Role>),
    /// It breaks these rules.
    Breach(Vec<FindingId>),
    /// It could not be judged, or stands on something broken; why.
    Unverified(String),
}

impl Standing {
    /// Where an entry stands by a verdict over the chain it is part of. `roles` is asked only
    /// when it holds.
    pub fn by(verdict: &Verdict, step: &Step, roles: impl FnOnce() -> Vec<Role>) -> Standing {
        let mut own = Vec::new();
        let (mut broken, mut cut_off) = (None::<u64>, None::<u64>);
        for finding in &verdict.findings {
            let severity = finding.severity();
            let here = finding.commit == Some(step.commit)
                || (finding.commit.is_none()
                    && finding.at.is_some()
                    && finding.at == step.position);
            if here && severity > Severity::Note {
                own.push(finding);
            }
            let at = finding.at.unwrap_or(0);
            let least = |old: Option<u64>| Some(old.map_or(at, |old| old.min(at)));
            match (severity, finding.id) {
                (Severity::Breach, _) => broken = least(broken),
                (_, FindingId::Shallow | FindingId::SpecUnsupported) => cut_off = least(cut_off),
                _ => {}
            }
        }
        let breaches: Vec<FindingId> = own
            .iter()
            .filter(|finding| finding.severity() == Severity::Breach)
            .map(|finding| finding.id)
            .collect();
        let from = |place: u64| step.position.is_none_or(|position| position >= place);
        if !breaches.is_empty() {
            return Standing::Breach(breaches);
        }
        if let Some(place) = broken.filter(|place| from(*place)) {
            return Standing::Unverified(format!("after the breach at entry {place}"));
        }
        if let Some(finding) = own.first() {
            return Standing::Unverified(finding.id.sentence().to_owned());
        }
        match cut_off.filter(|place| from(*place)) {
            Some(place) => Standing::Unverified(format!("not judged back from entry {place}")),
            None => Standing::Verified(roles()),
        }
    }

    /// The word in every output: `claimed`, `verified`, `breach` or `unverified`.
    pub fn word(&self) -> &'static str {
        match self {
            Standing::Claimed => "claimed",
            Standing::Verified(_) => "verified",
            Standing::Breach(_) => "breach",
            Standing::Unverified(_) => "unverified",
        }
    }

    /// Why it is not verified; empty when it is, or nobody has looked.
    pub fn why(&self) -> String {
        match self {
            Standing::Claimed | Standing::Verified(_) => String::new(),
            Standing::Breach(ids) => {
                let names: Vec<&str> = ids.iter().map(|id| id.name()).collect();
                names.join(", ")
            }
            Standing::Unverified(why) => why.clone(),
        }
    }

    /// Who signed, in words: `claimed by P`, `signed by P (writer)`, `BREACH …`.
    pub fn words(&self, link: &Link, look: &Look) -> String {
        let who = &link.principal;
        match self {
            Standing::Claimed => look.paint(Ink::Faint, &format!("claimed by {who}")),
            Standing::Verified(roles) => {
                let roles: Vec<&str> = roles.iter().map(|role| role.word()).collect();
                look.paint(
                    Ink::Good,
                    &format!("signed by {who} ({})", roles.join(", ")),
                )
            }
            Standing::Breach(_) => look.paint(
                Ink::Bad,
                &format!("BREACH {}, claimed by {who}", self.why()),
            ),
            Standing::Unverified(why) => {
                look.paint(Ink::Bad, &format!("unverified ({why}), claimed by {who}"))
            }
        }
    }
}

/// One entry with what is known of it.
#[derive(Debug)]
pub struct Shown<'a> {
    /// The entry, and which of its events matched.
    pub selected: &'a Selected,
    /// What is known of it.
    pub standing: &'a Standing,
}

impl Shown<'_> {
    /// The number it claims, or the place it stands at.
    pub fn number(&self) -> Option<u64> {
        match &self.selected.step.what {
            What::Entry(link) => Some(link.entry.number()),
            What::Broken { .. } => self.selected.step.position,
        }
    }

    /// The events that matched.
    pub fn events<'b>(&'b self, link: &'b Link) -> impl Iterator<Item = &'b Event> {
        let matching = self.selected.matching.iter();
        matching.filter_map(|at| link.entry.events.get(*at))
    }
}

/// An entry as a block: a line that names it, and indented lines.
pub fn block(shown: &Shown<'_>, look: &Look) -> String {
    let step = &shown.selected.step;
    let name = shown
        .number()
        .map_or_else(|| "entry ?".to_owned(), |number| format!("entry {number}"));
    let name = look.paint(Ink::Name, &name);
    let commit = step.commit.to_hex_with_len(SHORT);
    let link = match &step.what {
        What::Entry(link) => link,
        What::Broken { finding, .. } => {
            let head = format!("BROKEN {}: {}", finding.id, finding.id.sentence());
            let head = look.paint(Ink::Bad, &head);
            let detail = cut(&printable(&finding.detail), look.width.saturating_sub(4));
            return format!("{name}  {commit}  {head}\n    {detail}\n");
        }
    };
    let mut out = format!(
        "{name}  {commit}  {}  {}\n",
        rfc3339(link.time),
        shown.standing.words(link, look)
    );
    if let Some(position) = step.position.filter(|at| *at != link.entry.number()) {
        out += &format!("    stands where entry {position} should stand\n");
    }
    let mut line = |indent: usize, text: &str| {
        let text = cut(text, look.width.saturating_sub(indent));
        out += &format!("{}{text}\n", " ".repeat(indent));
    };
    for event in shown.events(link).take(EVENTS) {
        line(4, &title(event));
        let summary = summary(event);
        if !summary.is_empty() {
            line(8, &summary);
        }
        if let Some(time) = happened(event, link) {
            line(8, &format!("happened {} (as claimed)", printable(time)));
        }
    }
    let (all, matching) = (link.entry.events.len(), shown.selected.matching.len());
    if matching > EVENTS {
        line(4, &format!("… and {} more events", matching - EVENTS));
    }
    if all > matching {
        line(
            4,
            &format!(
                "({} other events of this entry do not match)",
                all - matching
            ),
        );
    }
    out
}

/// An entry as one line.
pub fn line(shown: &Shown<'_>, look: &Look) -> String {
    let step = &shown.selected.step;
    let number = shown
        .number()
        .map_or_else(|| "?".to_owned(), |number| number.to_string());
    let commit = step.commit.to_hex_with_len(SHORT);
    let (ink, state, rest) = match &step.what {
        What::Broken { finding, .. } => (
            Ink::Bad,
            format!("BROKEN:{}", finding.id),
            printable(&finding.detail),
        ),
        What::Entry(link) => {
            let (ink, word) = match shown.standing {
                Standing::Claimed => (Ink::Faint, "claimed"),
                Standing::Verified(_) => (Ink::Good, "signed"),
                Standing::Breach(_) => (Ink::Bad, "BREACH"),
                Standing::Unverified(_) => (Ink::Bad, "unverified"),
            };
            let first = shown.events(link).next().map(title).unwrap_or_default();
            let more = match shown.selected.matching.len() {
                0 | 1 => String::new(),
                many => format!(" (+{})", many - 1),
            };
            let state = format!("{} {word}:{}", rfc3339(link.time), link.principal);
            (ink, state, first + &more)
        }
    };
    let fixed = number.len() + 1 + SHORT + 1 + state.len() + 1;
    // foreign words keep some room, however narrow the terminal
    let rest = cut(&rest, look.width.saturating_sub(fixed).max(20));
    let (number, state) = (look.paint(Ink::Name, &number), look.paint(ink, &state));
    format!("{number} {commit} {state} {rest}\n")
}

/// What happened, to what.
pub fn title(event: &Event) -> String {
    match event.subject() {
        Some(subject) => format!("{} {}", printable(event.kind()), printable(subject)),
        None => format!(
            "{} in {}",
            printable(event.kind()),
            printable(event.source())
        ),
    }
}

/// The claimed time of an event, where it is another than the entry's.
pub fn happened<'a>(event: &'a Event, link: &Link) -> Option<&'a str> {
    event
        .attribute("time")
        .filter(|time| *time != rfc3339(link.time))
}

/// The data of an event in a few words.
pub fn summary(event: &Event) -> String {
    if let Some(digest) = event.attachment() {
        return format!(
            "data in attachment {}…",
            digest.get(..SHORT).unwrap_or_default()
        );
    }
    let Some(data) = event.data() else {
        return match event.attribute("data_base64") {
            Some(text) => format!("{} characters of base64", text.len()),
            None => String::new(),
        };
    };
    if let event::PUSH | event::REFS_CHANGED | event::GAP = event.kind()
        && let Some(moves) = moves(data)
    {
        let outcome = data
            .as_object()
            .and_then(|data| data.get("outcome")?.as_str());
        return match (event.kind(), outcome) {
            (event::GAP, _) => format!("seen by no hook: {moves}"),
            (_, Some(outcome)) => format!("did not move ({}): {moves}", printable(outcome)),
            (_, None) => moves,
        };
    }
    if let Some(words) = captured::summary(event).or_else(|| said::summary(event)) {
        return words;
    }
    match data.as_object() {
        Some(object) => {
            let pairs: Vec<String> = object
                .iter()
                .map(|(name, value)| format!("{}={}", printable(name), brief(value)))
                .collect();
            pairs.join(" ")
        }
        None => brief(data),
    }
}

/// A value in at most some forty columns.
fn brief(value: &Value) -> String {
    match value {
        Value::Object(object) => format!("{{{}}}", object.iter().count()),
        Value::Array(items) => format!("[{}]", items.len()),
        Value::String(text) => {
            let plain = !text.is_empty() && !text.contains([' ', '"', '=', '{', '[']);
            let text = cut(&printable(text), 40);
            if plain {
                text
            } else {
                format!("\"{}\"", text.replace('"', "\\\""))
            }
        }
        other => other.to_canonical(),
    }
}

/// The refs that moved: `refs/heads/main 8a1f8a1f..77ab77ab`.
fn moves(data: &Value) -> Option<String> {
    let refs = data.as_object()?.get("refs")?.as_array()?;
    let one = |moved: &Value| -> Option<String> {
        let moved = moved.as_object()?;
        let text = |name: &str| moved.get(name).and_then(Value::as_str);
        let either = |one: &str, other: &str| text(one).or_else(|| text(other));
        let (old, new) = (either("old", "recorded"), either("new", "found"));
        let short = |id: &str| {
            let hex = id.bytes().all(|byte| byte.is_ascii_hexdigit());
            printable(id.get(..8).filter(|_| hex).unwrap_or(id))
        };
        let name = text("ref").map_or_else(|| "(a name that is not UTF-8)".to_owned(), printable);
        let forced = if moved.get("forced") == Some(&Value::Bool(true)) {
            " (forced)"
        } else {
            ""
        };
        Some(match text("kind")? {
            "create" => format!("{name} created at {}", short(new?)),
            "delete" => format!("{name} deleted, was {}", short(old?)),
            _ => format!("{name} {}..{}{forced}", short(old?), short(new?)),
        })
    };
    let all: Option<Vec<String>> = refs.iter().take(EVENTS).map(one).collect();
    let more = match refs.len().saturating_sub(EVENTS) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(all?.join(", ") + &more)
}

/// An entry as one JSON object: what it claims, what is known of it, and what proves it.
pub fn json(shown: &Shown<'_>) -> Object {
    let step = &shown.selected.step;
    let place = step.position.map_or(Value::Null, number);
    let object = Object::new()
        .with("commit", step.commit.to_string())
        .with("position", place);
    let link = match &step.what {
        What::Entry(link) => link,
        What::Broken { finding, .. } => {
            let finding = Object::new()
                .with("id", finding.id.name())
                .with("meaning", finding.id.sentence())
                .with("evidence", clean(&finding.detail));
            return object.with("standing", "broken").with("finding", finding);
        }
    };
    let mut signer = Object::new().with("key", link.signature.key().fingerprint());
    match shown.standing {
        Standing::Verified(roles) => {
            let roles: Vec<Value> = roles.iter().map(|role| role.word().into()).collect();
            signer.set("verified", link.principal.as_str());
            signer.set("roles", roles);
        }
        _ => signer.set("claimed", link.principal.as_str()),
    }
    let events = link
        .entry
        .events
        .iter()
        .map(|event| Value::from(event.object().clone()));
    let matching = shown.selected.matching.iter().map(|at| number(*at as u64));
    let approvals = link
        .entry
        .approvals
        .iter()
        .map(|approval| Value::from(approval.principal.as_str()));
    let mut object = object
        .with("standing", shown.standing.word())
        .with("number", number(link.entry.number()))
        .with("digest", format!("sha256:{}", hex(&link.digest())))
        .with(
            "parent",
            link.parent
                .map_or(Value::Null, |id| Value::from(id.to_string())),
        )
        .with("tree", link.tree.to_string())
        .with("time", rfc3339(link.time))
        .with("signer", signer)
        .with("policy", format!("sha256:{}", hex(&link.entry.policy)))
        .with(
            "policy_changed",
            step.policy_changed.map_or(Value::Null, Value::Bool),
        )
        .with("approvals", approvals.collect::<Vec<_>>())
        .with("events", events.collect::<Vec<_>>())
        .with("matching", matching.collect::<Vec<_>>());
    let why = shown.standing.why();
    if !why.is_empty() {
        object.set("why", why);
    }
    object
}

/// A JSON value as one line that is also safe to look at: characters that move, reorder or hide
/// others are spelled `\uXXXX`, which every reader of JSON takes for the same string.
pub fn json_line(object: Object) -> String {
    let text = Value::from(object).to_canonical();
    let mut out = String::with_capacity(text.len() + 1);
    let mut units = [0; 2];
    for character in text.chars() {
        if is_hidden(character) {
            for unit in character.encode_utf16(&mut units) {
                out += &format!("\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    }
    out.push('\n');
    out
}
