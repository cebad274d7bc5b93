//! One ledger on one page: can I believe it, up to where, who else holds it, what goes on.

use maud::{Markup, html};

use crate::html::chart::{Activity, bars, shares};
use crate::html::{self, badge, digest, facts, foreign, icon, number, time};
use crate::merkle::hex;
use crate::query::words::spell;

use super::super::answers::{Known, Page, Site, Totals};
use super::kind::kind;
use super::parts::{self, Tab};
use super::{remotes, rows, running};

/// Values of one kind shown before the rest is counted together.
const SHOWN: usize = 8;
/// Exceptions shown.
const EXCEPTIONS: usize = 5;

/// What is known of one ledger, with its newest entries.
pub fn overview(site: &Site, known: &Known, newest: &Page) -> Markup {
    let base = parts::base(known);
    let main = html! {
        h1 { (foreign(&parts::called(known))) }
        (verdict(known))
        @match &known.totals {
            Some(totals) => (activity(&base, totals)),
            None => p.quiet { "What all entries add up to is being counted." },
        }
        (remotes::section(known))
        @if let Some(totals) = &known.totals {
            (running::section(&base, &totals.state))
            (attention(&base, totals))
        }
        h2 { "Newest entries" }
        (rows::by_day(&base, &newest.rows))
        p.pages { a href={ (base) "log" } { "All entries" } a href={ (base) "log?live=1" } { "Live" } }
    };
    parts::framed(site, "Overview", Some(Tab::Overview), &main)
}

fn verdict(known: &Known) -> Markup {
    let told = parts::told(known);
    let mut list: Vec<(&str, Markup)> = Vec::new();
    if let Some(judged) = &known.judged {
        let verdict = &judged.verdict;
        list.push(("fingerprint", match &verdict.fingerprint {
            Some(fingerprint) => html! {
                (digest("the fingerprint", &format!("sha256:{}", hex(fingerprint)))) " "
                @if verdict.pinned { (badge(html::State::Good, "pinned")) }
                @else { (badge(html::State::Doubt, "not pinned")) " compare it with the one you were given" }
            },
            None => html! { "not reached" },
        }));
    }
    if let Some(newest) = &known.newest {
        list.push(("newest entry", html! {
            (parts::entry_link(&parts::base(known), newest.number)) ", " (time(newest.time)) " (" (parts::ago(newest.time, known.now)) ")"
        }));
        list.push((
            "its digest",
            digest(
                "the digest of the newest entry",
                &format!("sha256:{}", hex(&newest.digest)),
            ),
        ));
    }
    let comparison = known
        .remotes
        .as_ref()
        .and_then(|remotes| remotes.comparison.as_ref().ok());
    list.push((
        "detection window",
        match comparison {
            Some(comparison) => remotes::window(comparison),
            None if known.mirrors == 0 => html! { "none: no mirror is configured" },
            None => html! { span.quiet { "not known: no remote has answered yet" } },
        },
    ));
    if let (Some(totals), Some(newest)) = (&known.totals, &known.newest) {
        let base = parts::base(known);
        let words = looked_at(&base, totals, newest.number, known.now);
        list.push(("looked at", words));
    }
    list.push((
        "kept in",
        html! { (foreign(&known.name.repository)) ", " code { (foreign(&known.name.reference)) } },
    ));
    html! {
        section class={ "panel " (class(told.state)) } aria-label="Can it be believed?" {
            p.answer { (icon(told.state)) (told.word) }
            p.lead { (told.sentences) }
            @if let Some((done, all)) = known.judging {
                progress max=(all) value=(done) aria-label="Entries verified" { (done) " of " (all) }
            }
            (facts(&list))
        }
    }
}

/// Up to where somebody looked, as reviews claim.
fn looked_at(base: &str, totals: &Totals, newest: u64, now: u64) -> Markup {
    let furthest = totals
        .reviews
        .iter()
        .max_by_key(|review| (review.last, review.number));
    html! {
        @match furthest {
            None => { span.quiet { "no review is recorded: nobody has signed that they looked at any of it" } }
            Some(review) => {
                "up to entry " (number(review.last)) " by " (foreign(&review.principal)) " (" (review.outcome.word()) "), "
                (parts::ago(review.time, now)) ", as " (parts::entry_link(base, review.number)) " claims"
                @let rest = newest.saturating_sub(review.last.max(review.number));
                @if rest > 0 { "; " (html::count(rest, "newer entry waits", "newer entries wait")) }
            }
        }
    }
}

/// The class of a panel.
pub fn class(state: html::State) -> &'static str {
    match state {
        html::State::Good => "good",
        html::State::Bad => "bad",
        html::State::Doubt => "doubt",
        html::State::Claimed => "claimed",
    }
}

fn activity(base: &str, totals: &Totals) -> Markup {
    let tally = &totals.tally;
    let days = tally.days.by_name();
    let link = |from: &str, to: &str| parts::log(base, &format!("since:{from} until:{to}"));
    let cut = |rows: Vec<(&str, u64)>, key: &str| -> (Vec<(Markup, u64)>, u64) {
        let rest = rows.iter().skip(SHOWN).map(|(_, count)| count).sum();
        let shown = rows.iter().take(SHOWN).map(|(value, count)| {
            let words = html! { a href=(parts::log(base, &spell(key, value))) {
                @if key == "type" { (kind(value)) } @else { (foreign(value)) }
            } };
            (words, *count)
        });
        (shown.collect(), rest)
    };
    let (types, more_types) = cut(tally.types.by_count(), "type");
    let (signers, more_signers) = cut(tally.signers.by_count(), "signer");
    let (outcomes, more_outcomes) = cut(tally.outcomes.by_count(), "outcome");
    html! {
        h2 { "Activity" }
        p.quiet {
            (html::count(tally.entries, "entry", "entries")) ", " (html::count(tally.events, "event", "events"))
            @if let Some((first, last)) = tally.times { ", dated " (time(first)) " to " (time(last)) }
            @if tally.broken > 0 { "; " (number(tally.broken)) " more cannot be read" }
            "."
            @if !totals.is_complete() { " Counted so far: " (number(totals.read)) " of " (number(totals.of)) "." }
        }
        (bars(&Activity { caption: "Entries", days: &days, unit: ("entry", "entries"), link: Some(&link) }))
        div.columns {
            (shares("Events by type", "events", &types, more_types + tally.types.others))
            div {
                (shares("Entries by signer, as claimed", "entries", &signers, more_signers + tally.signers.others))
                @if !outcomes.is_empty() {
                    (shares("Events by outcome", "events", &outcomes, more_outcomes + tally.outcomes.others))
                }
            }
        }
    }
}

fn attention(base: &str, totals: &Totals) -> Markup {
    let explain = &totals.exceptions;
    let newest: Vec<_> = explain.list.iter().rev().take(EXCEPTIONS).collect();
    let changes: Vec<u64> = totals
        .policy_changes
        .iter()
        .rev()
        .take(EXCEPTIONS)
        .copied()
        .collect();
    html! {
        div.columns {
            section {
                h2 { "To be explained" }
                @if newest.is_empty() { p.quiet { "Nothing so far." } }
                @else {
                    p { @for (kind, count) in &explain.counts {
                        a.tag href={ (base) "exceptions#" (kind.word()) } { (kind.word()) " " (number(*count)) } " "
                    } }
                    ul { @for found in newest {
                        li { (parts::entry_link(base, found.number)) ": " (found.kind.sentence()) ": " (foreign(&found.what)) }
                    } }
                    p { a href={ (base) "exceptions" } { "All exceptions" } }
                }
            }
            section {
                h2 { "Policy" }
                p.quiet { (html::count(totals.policy_changes.len().saturating_sub(1) as u64, "change", "changes")) " since it was created." }
                ul { @for number in &changes {
                    li { a href={ (base) "policy/" (number) } {
                        @if *number == 0 { "Created" } @else { "Changed by entry " (html::number(*number)) }
                    } }
                } }
                p { a href={ (base) "policy" } { "All changes" } }
            }
        }
    }
}
