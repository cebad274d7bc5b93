//! The copies elsewhere: a matrix, the detection window, what to do.

use maud::{Markup, html};

use crate::finding::Answer;
use crate::html::{State, badge, digest, foreign, number, state, table, time};
use crate::merkle::hex;
use crate::mirror::{self, Comparison, Copy, Named};
use crate::report::mirrors::remedy;
use crate::report::verdict::age;

use super::super::answers::Known;
use super::parts;

/// Everything about the remotes.
pub fn section(known: &Known) -> Markup {
    html! {
        h2 id="remotes" { "Copies elsewhere" }
        @match &known.remotes {
            Some(remotes) => {
                @match &remotes.comparison {
                    Ok(comparison) => (compared(comparison, known.now)),
                    Err(why) => p { "The remotes could not be asked: " (foreign(why)) },
                }
                p.quiet {
                    "Asked " (parts::ago(remotes.asked, known.now))
                    @match known.compare_every {
                        Some(every) => { ", and again every " (age(every)) "." }
                        None => { "; they are not asked again by this page's server." }
                    }
                }
            }
            None if known.mirrors == 0 => {
                p { "No mirror is configured: nothing but this copy would show a rewrite. "
                    code { "git ledger mirror add NAME URL" } " adds one." }
            }
            None => {
                p.quiet {
                    (known.mirrors) " configured; "
                    @if known.compare_every.is_some() { "they are being asked." }
                    @else { code { "git ledger compare" } " asks them." }
                }
            }
        }
    }
}

/// The detection window in a sentence or two.
pub fn window(comparison: &Comparison) -> Markup {
    match &comparison.window {
        Some(window) => html! {
            strong { (age(window.age)) } ": entry " (number(window.number)) ", dated " (time(window.time))
            ", is the newest that two independent copies hold. Newer ones could still be rewritten unseen."
        },
        None => html! {
            strong { "none" } ": no entry is held by two independent copies ("
            (comparison.independent) " counted), so nothing but this copy would show a rewrite."
        },
    }
}

fn compared(comparison: &Comparison, now: u64) -> Markup {
    let rows: Vec<Vec<Markup>> = comparison
        .copies
        .iter()
        .map(|copy| row(comparison, copy, now))
        .collect();
    let head = [
        "Remote",
        "State",
        "Newest",
        "Dated",
        "Lacks entries since",
        "Last seen",
        "Independent",
    ];
    html! {
        @if comparison.copies.is_empty() {
            p { "No remote was asked." }
        } @else {
            div.stack.wide { (table("Each remote against this copy", &head, &rows)) }
        }
        @for copy in &comparison.copies { (trouble(copy)) }
        @if !comparison.ties.is_empty() {
            ul.quiet {
                @for (one, other, tie) in &comparison.ties {
                    li { (foreign(one)) " and " (foreign(other)) " are not independent: they " (tie.words()) "." }
                }
            }
        }
    }
}

fn row(comparison: &Comparison, copy: &Copy, now: u64) -> Vec<Markup> {
    let dash = || html! { span.quiet { "–" } };
    let newest = copy.newest.as_ref();
    let tied: Vec<&str> = comparison.tied_to(&copy.remote.name).collect();
    let words = match copy.state {
        mirror::State::RolledBack(_) | mirror::State::Removed(_) => copy.state.word().to_owned(),
        state => state.number().map_or_else(
            || state.word().to_owned(),
            |number| format!("{} {number}", state.word()),
        ),
    };
    vec![
        html! { (foreign(&copy.remote.name)) div.also { (foreign(&copy.remote.url.redacted())) } },
        badge(state(look(copy)), &words),
        newest.map_or_else(dash, |newest| html! { (number(newest.number)) }),
        newest
            .and_then(|newest| newest.time)
            .map_or_else(dash, time),
        match (copy.state, copy.lacks_since) {
            (mirror::State::Behind(_), Some(since)) => {
                html! { (time(since)) div.also { (age(now.saturating_sub(since))) } }
            }
            _ => dash(),
        },
        copy.seen.map_or_else(
            || html! { "never" },
            |seen| html! { (parts::ago(seen, now)) },
        ),
        match tied.as_slice() {
            [] => html! { "yes" },
            tied => html! { "no: " (foreign(&tied.join(", "))) },
        },
    ]
}

/// A copy that lags is not wrong, and not as it should be.
fn look(copy: &Copy) -> Answer {
    match (copy.answer(), copy.state) {
        (Answer::Sound, mirror::State::Behind(_)) => Answer::Unknown,
        (answer, _) => answer,
    }
}

/// What is wrong with a copy, both sides of a split, and what to do.
pub fn trouble(copy: &Copy) -> Markup {
    let next = remedy(copy);
    if copy.findings.is_empty() && next.is_none() && copy.split.is_none() {
        return html! {};
    }
    let answer = copy.answer();
    let class = match state(answer) {
        State::Bad => "panel bad",
        _ => "panel doubt",
    };
    html! {
        section class=(class) {
            h3 { (foreign(&copy.remote.name)) " is " (copy.state.word()) }
            @for finding in &copy.findings {
                p { strong { (finding.id.sentence()) } span.quiet { " (" (finding.id.name()) ")" } }
                p { (foreign(&finding.detail)) }
            }
            @if let Some((here, there)) = &copy.split {
                div.columns { (side("Here", here)) (side("There", there)) }
            }
            @if let Some(why) = &copy.why { p.quiet { (foreign(why)) } }
            @if !copy.evidence.is_empty() {
                p { "Kept here as evidence: " @for name in &copy.evidence { code { (foreign(name)) } " " } }
            }
            @if let Some(next) = next { p { strong { "What to do. " } (foreign(&next)) } }
        }
    }
}

/// One side of a split; nobody has said yet that its signature holds.
fn side(title: &str, entry: &Named) -> Markup {
    html! {
        div {
            h3 { (title) ": entry " (number(entry.number)) }
            dl.facts {
                div { dt { "claimed by" } dd { @match &entry.principal { Some(who) => (foreign(who)), None => "not a readable entry" } } }
                div { dt { "dated" } dd { @match entry.time { Some(at) => (time(at)), None => "not known" } } }
                div { dt { "says" } dd { (foreign(entry.subject.as_deref().unwrap_or_default())) } }
                div { dt { "digest" } dd { (digest("the digest", &format!("sha256:{}", hex(&entry.digest)))) } }
                div { dt { "commit" } dd { (digest("the commit", &entry.commit.to_string())) } }
            }
        }
    }
}
