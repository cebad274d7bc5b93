//! One ledger on one page: can I believe it, up to where, who else holds it, what goes on.

use maud::{Markup, html};

use crate::html::chart::{Activity, bars, shares};
use crate::html::{self, badge, digest, facts, foreign, icon, number, table, time};
use crate::merkle::hex;
use crate::query::words::spell;
use crate::replay::Kind;

use super::super::answers::{Known, Page, Site, Totals};
use super::kind::kind;
use super::parts::{self, Tab};
use super::{remotes, rows};

/// Values of one kind shown before the rest is counted together.
const SHOWN: usize = 8;
/// Deployments shown.
const DEPLOYED: usize = 24;
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
            (deployments(&base, totals))
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
            None => html! { span.quiet { "not known: no remote has answered yet" } },
        },
    ));
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

/// What runs where, as events claim.
fn deployments(base: &str, totals: &Totals) -> Markup {
    let all: Vec<_> = totals
        .state
        .things(Kind::Deployment)
        .filter(|(_, thing)| thing.now.is_some())
        .collect();
    if all.is_empty() {
        return html! {};
    }
    let rows: Vec<Vec<Markup>> = all.iter().take(DEPLOYED).map(|(name, thing)| {
        let what = thing.now.as_deref().unwrap_or_default();
        vec![
            html! { (foreign(&name.place)) },
            html! { (foreign(&name.own)) },
            html! { a href=(parts::trace(base, what)) { (super::replay::shortened(what)) } @if !thing.how.is_empty() { " " span.tag { (thing.how) } } },
            html! { (time(thing.time)) },
            parts::entry_link(base, thing.number),
        ]
    }).collect();
    html! {
        h2 { "What runs where, as claimed" }
        div.stack { (table("The newest deployment of each service", &["Environment", "Service", "What", "Since", "Told by"], &rows)) }
        @if all.len() > DEPLOYED { p.quiet { "and " (all.len() - DEPLOYED) " more, in the " a href={ (base) "replay" } { "replay" } } }
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
