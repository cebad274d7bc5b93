//! The model: everything a report says, as one JSON object.
//!
//! Source: `ledger-spec/report.md`, "The model".

use crate::commit::Link;
use crate::date::rfc3339;
use crate::exceptions::Kind;
use crate::finding::{Answer, Finding, FindingId};
use crate::freshness::{KEEP, UNSEEN};
use crate::json::{Object, Value};
use crate::merkle::hex;
use crate::mirror::Comparison;
use crate::policy::Policy;
use crate::query::tally::Counts;
use crate::report::verdict::{self, Frame, clean, number};
use crate::report::{exceptions, mirrors};
use crate::verify::Verdict;

use super::FORMAT;
use super::collect::{Change, Collected};
use super::controls::{self, Profile};
use super::proofs::Bundle;
use super::sample::Sampled;

/// Findings that are listed.
const FINDINGS: usize = 200;
/// Values of one kind that are listed.
const VALUES: usize = 100;
/// Exceptions of one kind that are listed.
const EXCEPTIONS: usize = 1_000;

/// What a report is made of.
#[derive(Debug)]
pub struct Parts<'a> {
    /// The clock, in seconds since 1970.
    pub now: u64,
    /// The program and its version.
    pub program: &'a str,
    /// The name of exactly these sources.
    pub build: &'a str,
    /// What whoever makes it calls it.
    pub title: Option<&'a str>,
    /// The ledger's branch.
    pub reference: &'a str,
    /// The range as it was asked for.
    pub asked: (Option<&'a str>, Option<&'a str>),
    /// T of entry 0.
    pub first_time: Option<u64>,
    /// The tables that are wanted.
    pub profiles: &'a [Profile],
    /// The seed of the sample, and whether somebody gave it.
    pub seed: (&'a str, bool),
    /// How many entries were to be sampled.
    pub size: usize,
    /// What verification showed.
    pub verdict: &'a Verdict,
    /// What the copies showed, if they were asked.
    pub comparison: Option<&'a Comparison>,
    /// Mirrors that were not asked, and when they were last seen.
    pub unasked: &'a [(String, Option<u64>)],
    /// What was folded.
    pub collected: &'a Collected,
    /// The receipts of the sample, or why there are none.
    pub bundle: Result<&'a Bundle, String>,
}

/// The seed that is taken where nobody gives one: the tip and the range.
pub fn default_seed(tip: &str, from: u64, to: u64) -> String {
    format!("{tip} {from}..{to}")
}

/// The model.
pub fn model(parts: &Parts<'_>) -> Object {
    let collected = parts.collected;
    let verdict = parts.verdict;
    let tip = verdict.tip.as_ref().map_or(Value::Null, |tip| {
        let (at, digest, commit, time) = tip;
        Object::new()
            .with("number", number(*at))
            .with("digest", format!("sha256:{}", hex(digest)))
            .with("commit", commit.to_string())
            .with("time", rfc3339(*time))
            .into()
    });
    let text = |text: Option<&str>| text.map_or(Value::Null, clean);
    let time = |time: Option<u64>| time.map_or(Value::Null, |time| rfc3339(time).into());
    let (from, to) = collected.range;
    let times = collected.tally.times;
    let scope = Object::new()
        .with("ledger", text(verdict.name.as_deref()))
        .with(
            "id",
            text(collected.policy.as_ref().map(|policy| policy.id.as_str())),
        )
        .with("title", text(parts.title))
        .with("branch", clean(parts.reference))
        .with("asked_from", text(parts.asked.0))
        .with("asked_to", text(parts.asked.1))
        .with("from", number(from))
        .with("to", number(to))
        .with("from_time", time(times.map(|(first, _)| first)))
        .with("to_time", time(times.map(|(_, last)| last)))
        .with("first_time", time(parts.first_time))
        .with("tip", tip);
    let made = Object::new()
        .with("at", rfc3339(parts.now))
        .with("by", parts.program)
        .with("build", parts.build);
    let mut model = Object::new()
        .with("format", FORMAT)
        .with("made", made)
        .with("scope", scope)
        .with("answer", answer(parts).word())
        .with("verdict", judged(parts))
        .with("checked", list(&checked(verdict)))
        .with("not_checked", list(&not_checked(parts)))
        .with(
            "remotes",
            parts
                .comparison
                .map_or(Value::Null, |found| Value::from(mirrors::json(found))),
        )
        .with("unasked", unasked(parts.unasked))
        .with("counts", counts(collected))
        .with("classes", collected.classes.value())
        .with("policy", policy(collected))
        .with("exceptions", explain(collected))
        .with("sample", sample(parts))
        .with(
            "proofs",
            match &parts.bundle {
                Ok(bundle) => bundle.value(),
                Err(why) => Object::new().with("why_none", clean(why)).into(),
            },
        )
        .with("limits", list(&limits()));
    let tables = parts.profiles.iter();
    let tables: Vec<Value> = tables
        .map(|profile| controls::table(*profile, &model))
        .collect();
    model.set("controls", tables);
    model
}

/// What verification and the copies amount to together.
fn answer(parts: &Parts<'_>) -> Answer {
    let copies = parts.comparison.map_or(Answer::Sound, Comparison::answer);
    parts.verdict.answer().max(copies)
}

fn list(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| clean(text)).collect()
}

/// The verdict without what only whoever asked knows of it.
fn judged(parts: &Parts<'_>) -> Value {
    let verdict = parts.verdict;
    let frame = Frame {
        subject: parts.reference.to_owned(),
        now: parts.now,
        ..Frame::default()
    };
    let mut value = match verdict::json(verdict, &frame) {
        Value::Object(object) => object,
        other => return other,
    };
    for name in ["newest", "name", "subject", "ignored"] {
        value.remove(name);
    }
    let (own, of_ledger): (Vec<&Finding>, Vec<&Finding>) =
        verdict.findings.iter().partition(|one| is_of_copy(one.id));
    let own: Vec<Value> = own
        .into_iter()
        .take(FINDINGS)
        .map(verdict::finding_json)
        .collect();
    let more = of_ledger.len().saturating_sub(FINDINGS);
    let findings = of_ledger.into_iter().take(FINDINGS);
    let findings: Vec<Value> = findings.map(verdict::finding_json).collect();
    value
        .with("about_this_copy", own)
        .with("findings", findings)
        .with("more_findings", number(more as u64))
        .into()
}

/// Whether a finding is about the copy that was verified, and not about the ledger: another copy
/// of the same ledger has others.
fn is_of_copy(id: FindingId) -> bool {
    matches!(
        id,
        FindingId::Alternates
            | FindingId::ReplaceRefs
            | FindingId::Grafts
            | FindingId::RolledBack
            | FindingId::HistoryRewritten
            | FindingId::MarkUnreadable
            | FindingId::MarkMissing
            | FindingId::MarkAltered
            | FindingId::Stale
            | FindingId::FingerprintMismatch
    )
}

fn checked(verdict: &Verdict) -> Vec<String> {
    let mut all = vec![
        format!(
            "{} entries, from the newest back: the bytes of every commit, tree, policy and attachment, \
             hashed again",
            verdict.entries
        ),
        "that each entry stands in its one spelling, with the number after the one before it".into(),
        "every signature, over the exact bytes".into(),
        "that the policy in force let each signer write what they wrote, and that enough admins agreed to \
         each change of it"
            .into(),
        "that each entry covers all entries before it (an RFC 6962 tree)".into(),
    ];
    if verdict.pinned {
        all.push("that the ledger begins with the entry that was pinned as its fingerprint".into());
    }
    all
}

fn not_checked(parts: &Parts<'_>) -> Vec<String> {
    let mut all = vec![
        "whether what events say is true: a signature says who recorded it, and when they said it was".into(),
        "whether something was never recorded".into(),
    ];
    if !parts.verdict.pinned {
        all.push("whether this is the right ledger: no fingerprint was pinned".into());
    }
    match parts.comparison {
        None => all.push("whether other copies hold the same: none were asked".into()),
        Some(_) if !parts.unasked.is_empty() => {
            all.push("what the mirrors hold that were not asked".into());
        }
        Some(_) => {}
    }
    if !parts.collected.broken.is_empty() {
        let places: Vec<String> = parts.collected.broken.iter().take(10).map(place).collect();
        let more = parts.collected.broken.len().saturating_sub(10);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        all.push(format!(
            "what entries say that could not be read: {}{more}",
            places.join(", ")
        ));
    }
    all
}

fn place((number, why): &(Option<u64>, String)) -> String {
    let at = number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    format!("{at} ({why})")
}

fn unasked(names: &[(String, Option<u64>)]) -> Vec<Value> {
    let one = |(name, seen): &(String, Option<u64>)| {
        let seen = seen.map_or(Value::Null, |seen| rfc3339(seen).into());
        Value::from(Object::new().with("remote", clean(name)).with("seen", seen))
    };
    names.iter().map(one).collect()
}

fn counts(collected: &Collected) -> Object {
    let tally = &collected.tally;
    let listed = |counts: &Counts, rows: Vec<(&str, u64)>, most: usize| {
        let rest: u64 = rows.iter().skip(most).map(|(_, count)| count).sum();
        let rows = rows.into_iter().take(most).map(|(value, count)| {
            Value::from(
                Object::new()
                    .with("value", clean(value))
                    .with("count", number(count)),
            )
        });
        Object::new()
            .with("rows", rows.collect::<Vec<_>>())
            .with("others", number(rest + counts.others))
    };
    Object::new()
        .with("entries", number(tally.entries))
        .with("events", number(tally.events))
        .with("broken", number(tally.broken))
        .with(
            "types",
            listed(&tally.types, tally.types.by_count(), VALUES),
        )
        .with(
            "signers",
            listed(&tally.signers, tally.signers.by_count(), VALUES),
        )
        .with(
            "outcomes",
            listed(&tally.outcomes, tally.outcomes.by_count(), VALUES),
        )
        .with(
            "days",
            listed(&tally.days, tally.days.by_name(), usize::MAX),
        )
}

fn policy(collected: &Collected) -> Object {
    let mut object = Object::new()
        .with(
            "changes",
            collected.changes.iter().map(change).collect::<Vec<_>>(),
        )
        .with("more_changes", number(collected.more_changes));
    let Some(policy) = &collected.policy else {
        return object.with("signers", Vec::new());
    };
    object.set("threshold", number(policy.threshold));
    let failures = policy.failures.iter().map(|row| {
        let types: Vec<Value> = row.types.iter().map(|kind| clean(kind)).collect();
        Value::from(
            Object::new()
                .with("types", types)
                .with("mode", row.mode.word()),
        )
    });
    object.set("failures", failures.collect::<Vec<_>>());
    object.with("signers", signers(policy, collected))
}

fn signers(policy: &Policy, collected: &Collected) -> Vec<Value> {
    let rows = policy.signers.iter().map(|row| {
        let key = row.key.fingerprint();
        let compromised = policy.compromised.iter().find(|one| one.key == row.key);
        let state = match compromised {
            Some(one) => format!("compromised since entry {}", one.since),
            None if row.retired => "retired".to_owned(),
            None => "live".to_owned(),
        };
        let roles: Vec<Value> = row.roles.iter().map(|role| role.word().into()).collect();
        let types: Vec<Value> = row.types.iter().map(|kind| clean(kind)).collect();
        let signed = collected.signed.get(&key).copied().unwrap_or(0);
        Value::from(
            Object::new()
                .with("principal", row.principal.as_str())
                .with("key", key)
                .with("kind", row.key.kind().to_string())
                .with("roles", roles)
                .with("types", types)
                .with("state", state)
                .with("signed", number(signed)),
        )
    });
    rows.collect()
}

fn change(change: &Change) -> Value {
    let why = change.unread.as_deref().map_or(Value::Null, clean);
    let approvals = change.link.entry.approvals.iter();
    let approvals: Vec<Value> = approvals
        .map(|approval| Value::from(approval.principal.as_str()))
        .collect();
    named(&change.link)
        .with("approvals", approvals)
        .with("lines", list(&change.lines))
        .with("unread", why)
        .into()
}

/// What names an entry.
fn named(link: &Link) -> Object {
    Object::new()
        .with("number", number(link.entry.number()))
        .with("digest", format!("sha256:{}", hex(&link.digest())))
        .with("commit", link.id.to_string())
        .with("time", rfc3339(link.time))
        .with("signer", link.principal.as_str())
        .with("key", link.signature.key().fingerprint())
}

fn explain(collected: &Collected) -> Object {
    let found = &collected.exceptions;
    let mut counts = Object::new();
    for (kind, count) in found.counts() {
        counts.set(kind.word(), number(count));
    }
    let list = found.list();
    let mut kinds = Object::new();
    for kind in Kind::all() {
        let of_kind = list.iter().filter(|found| found.kind == kind);
        let shown: Vec<Value> = of_kind
            .take(EXCEPTIONS)
            .map(|found| {
                let mut object = exceptions::one_json(found);
                object.remove("kind");
                object.into()
            })
            .collect();
        if !shown.is_empty() {
            kinds.set(kind.word(), shown);
        }
    }
    Object::new()
        .with("counts", counts)
        .with("kinds", kinds)
        .with("limits", self::list(&found.limits()))
}

fn sample(parts: &Parts<'_>) -> Object {
    let collected = parts.collected;
    let (seed, given) = parts.seed;
    let entries = collected.sample.iter().map(|one| Value::from(sampled(one)));
    Object::new()
        .with("seed", clean(seed))
        .with("seed_given", given)
        .with("size", number(parts.size as u64))
        .with("of", number(collected.tally.entries))
        .with("entries", entries.collect::<Vec<_>>())
}

/// An entry of the sample, as its own bytes say.
pub(super) fn sampled(one: &Sampled) -> Object {
    // as text, so that an event as deep as they may be is no deeper here
    let events = one.link.entry.events.iter();
    let events: Vec<Value> = events.map(|event| Value::from(event.line())).collect();
    named(&one.link)
        .with("rank", hex(&one.rank))
        .with("events", events)
}

fn limits() -> Vec<String> {
    vec![
        "A signature says who recorded an event and when they said it was; it does not say that the event \
         is true, nor which of several people used a key."
            .into(),
        "What was never handed to the ledger is not in it. Hooks see pushes; who administers a server can \
         bypass them, and a comparison of the refs with the record sees what still differs."
            .into(),
        "Who holds a writer's key and the primary can rewrite from any entry on with valid signatures. Every \
         other copy shows it; this copy alone does not."
            .into(),
        sentence(UNSEEN),
        sentence(KEEP),
        "Names of people are as events tell them. Whether two names are one person nobody here can tell."
            .into(),
        "This report gives evidence. Whether a control is met is for people to say.".into(),
    ]
}

/// A clause as a sentence of its own.
fn sentence(clause: &str) -> String {
    let mut characters = clause.chars();
    let first = characters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(characters).chain(['.']).collect()
}
