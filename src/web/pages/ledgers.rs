//! All ledgers that are served, one row each.

use maud::{Markup, html};

use crate::html::{self, badge, chart, digest, foreign, number, state, time};
use crate::merkle::hex;
use crate::report::verdict::age;

use super::super::answers::{Known, Site};
use super::parts;

/// All ledgers.
pub fn ledgers(site: &Site, all: &[Known]) -> Markup {
    let rows: Vec<Vec<Markup>> = all.iter().map(row).collect();
    let head = [
        "Ledger",
        "This copy",
        "Newest entry",
        "Detection window",
        "Copies elsewhere",
        "Its last 30 days",
    ];
    let main = html! {
        h1 { "Ledgers" }
        @if all.is_empty() {
            p { "No ledger is served here." }
        } @else {
            p.quiet { (html::count(all.len() as u64, "ledger", "ledgers")) ", each judged by its own rules from the bytes that are here." }
            div.stack.wide { (html::table("The ledgers that are served here", &head, &rows)) }
        }
    };
    parts::framed(site, "Ledgers", None, &main)
}

fn row(known: &Known) -> Vec<Markup> {
    let told = parts::told(known);
    let comparison = known.remotes.as_ref().map(|remotes| &remotes.comparison);
    // how stale it is stands beside it; a line of nothing would say no more
    let until = known
        .newest
        .as_ref()
        .map_or(known.now, |newest| newest.time);
    let days = known
        .totals
        .as_ref()
        .map(|totals| totals.tally.days.by_name());
    vec![
        html! {
            a href=(parts::base(known)) { strong { (foreign(&parts::called(known))) } }
            div.also { (foreign(&known.name.repository)) " · " (foreign(&known.name.reference)) }
        },
        badge(told.state, told.word),
        match &known.newest {
            Some(newest) => html! {
                (number(newest.number)) " · " (time(newest.time))
                div.also { (parts::ago(newest.time, known.now)) " · " (digest("the digest of the newest entry", &format!("sha256:{}", hex(&newest.digest)))) }
            },
            None => html! { span.quiet { "none" } },
        },
        match comparison {
            Some(Ok(comparison)) => match &comparison.window {
                Some(window) => {
                    html! { (age(window.age)) div.also { "up to entry " (number(window.number)) } }
                }
                None => html! { "none" div.also { "no two independent copies" } },
            },
            _ => html! { span.quiet { "not known" } },
        },
        match comparison {
            Some(Ok(comparison)) => html! {
                (badge(state(comparison.answer()), comparison.answer().word()))
                div.also { (html::count(comparison.copies.len() as u64, "remote", "remotes")) }
            },
            Some(Err(why)) => html! { span.quiet { (foreign(why)) } },
            None if known.mirrors == 0 => html! { span.quiet { "none configured" } },
            None => html! { span.quiet { (known.mirrors) " configured, not asked" } },
        },
        html! { @if let Some(days) = days { (chart::spark(&days, until)) } },
    ]
}
