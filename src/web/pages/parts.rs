//! What several pages share: the frame, addresses, the answer about a ledger.

use maud::{Markup, html};

use crate::finding::{Answer, Severity};
use crate::html::{self, Frame, Link, State, address};
use crate::report::verdict::{Extent, age};

use super::super::answers::{Known, Site};

/// The pages of a ledger that the navigation leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Overview,
    Log,
    Trace,
    Replay,
    Policy,
    Findings,
    Exceptions,
}

impl Tab {
    const ALL: [(Tab, &'static str, &'static str, char); 7] = [
        (Tab::Overview, "Overview", "", 'o'),
        (Tab::Log, "Log", "log", 'l'),
        (Tab::Trace, "Trace", "trace", 't'),
        (Tab::Replay, "Replay", "replay", 'r'),
        (Tab::Policy, "Policy", "policy", 'p'),
        (Tab::Findings, "Findings", "findings", 'f'),
        (Tab::Exceptions, "Exceptions", "exceptions", 'e'),
    ];
}

/// A page with its frame.
pub fn framed(site: &Site, title: &str, here: Option<Tab>, main: &Markup) -> Markup {
    let Some(known) = &site.known else {
        let frame = Frame {
            title,
            ledger: None,
            links: Vec::new(),
            reader: site.reader.as_deref(),
        };
        return html::page(&frame, main);
    };
    let base = base(known);
    let links = Tab::ALL
        .iter()
        .map(|(tab, words, path, key)| Link {
            words,
            address: format!("{base}{path}"),
            key: *key,
            here: here == Some(*tab),
        })
        .collect();
    let name = called(known);
    let frame = Frame {
        title: &format!("{title} · {name}"),
        ledger: Some((&name, base)),
        links,
        reader: site.reader.as_deref(),
    };
    html::page(&frame, main)
}

/// Where a ledger's pages are.
pub fn base(known: &Known) -> String {
    format!("/l/{}/", address(&known.name.slug))
}

/// What a ledger calls itself in its policy, else what it is called here.
pub fn called(known: &Known) -> String {
    let named = known
        .judged
        .as_ref()
        .and_then(|judged| judged.verdict.name.clone());
    named.unwrap_or_else(|| match known.name.ledger.as_str() {
        "" | "default" | "ledger" => known.name.repository.clone(),
        ledger => format!("{} ({ledger})", known.name.repository),
    })
}

/// The timeline with a filter.
pub fn log(base: &str, query: &str) -> String {
    if query.is_empty() {
        format!("{base}log")
    } else {
        format!("{base}log?q={}", address(query))
    }
}

/// The trace of a thing.
pub fn trace(base: &str, of: &str) -> String {
    format!("{base}trace?of={}", address(of))
}

/// The page of an entry.
pub fn entry(base: &str, number: u64) -> String {
    format!("{base}entry/{number}")
}

/// A link to an entry, by its number.
pub fn entry_link(base: &str, number: u64) -> Markup {
    html! { a.place href=(entry(base, number)) { "entry " (html::number(number)) } }
}

/// How long before now, in words.
pub fn ago(time: u64, now: u64) -> String {
    match now.checked_sub(time) {
        Some(seconds) => format!("{} ago", age(seconds)),
        None => "ahead of the clock here".to_owned(),
    }
}

/// The answer about this copy of a ledger.
pub struct Told {
    /// How it looks.
    pub state: State,
    /// In a word.
    pub word: &'static str,
    /// In sentences.
    pub sentences: Markup,
}

/// Whether a ledger can be believed, as far as is known now.
pub fn told(known: &Known) -> Told {
    let base = base(known);
    let Some(judged) = &known.judged else {
        let sentences = match (&known.trouble, known.judging) {
            (Some(why), _) => html! { (html::foreign(why)) ". Nothing was verified yet." },
            (None, Some((done, all))) => html! {
                "Being verified: " (html::number(done)) " of " (html::count(all, "entry", "entries"))
                ". Until that is done, everything here is what entries claim."
            },
            (None, None) => {
                html! { "Nobody has verified it yet: everything here is what entries claim." }
            }
        };
        return Told {
            state: State::Claimed,
            word: "claimed",
            sentences,
        };
    };
    let verdict = &judged.verdict;
    let answer = verdict.answer();
    let entries = html::count(verdict.entries, "entry", "entries");
    let since = match &judged.frame.extent {
        Extent::All | Extent::AllThough(_) => html! { "all of them read" },
        Extent::Since(record) => {
            let fresh = verdict.entries.saturating_sub(record.known.number + 1);
            html! { (html::number(fresh)) " of them read now, the others found sound before" }
        }
    };
    let when = html! { "Verified " (ago(judged.frame.now, known.now)) ", " (since) "." };
    let sentences = match answer {
        Answer::Sound => html! {
            (entries) ": hashes, signatures, order, policy and permissions hold. " (when)
        },
        Answer::Unknown => html! {
            (entries) ", of which not everything could be checked: see the "
            a href={ (base) "findings" } { "findings" } ". " (when)
        },
        Answer::Breach => {
            let breaches = verdict.findings.iter();
            let breaches = breaches.filter(|found| found.severity() == Severity::Breach);
            let first = verdict.first_bad().and_then(|found| found.at);
            html! {
                (html::count(breaches.count() as u64, "broken rule", "broken rules"))
                @if let Some(first) = first { ", first at " (entry_link(&base, first)) }
                ": see the " a href={ (base) "findings" } { "findings" } ". Nothing from there on can be relied on. "
                (when)
            }
        }
    };
    Told {
        state: html::state(answer),
        word: answer.word(),
        sentences: html! {
            (sentences)
            @if known.unjudged > 0 {
                " " (html::count(known.unjudged, "newer entry waits", "newer entries wait")) " to be verified."
            }
            @if let Some(why) = &known.trouble { " It cannot be read now: " (html::foreign(why)) "." }
        },
    }
}

/// Words that stand in the middle of a line elsewhere, as a sentence.
pub fn sentence(words: &str) -> String {
    let mut characters = words.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + characters.as_str() + "."
}

/// A title with a sentence under it.
pub fn heading(title: &str, lead: &str) -> Markup {
    html! { h1 { (title) } p.quiet { (lead) } }
}
