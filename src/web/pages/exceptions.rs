//! What somebody should explain, by kind, the weightiest first.

use maud::{Markup, html};

use crate::exceptions::{Exception, Kind};
use crate::html::{self, foreign, number, time};

use super::super::answers::{Known, Site};
use super::parts::{self, Tab, sentence};

/// Exceptions of one kind shown before the rest is counted.
const SHOWN: usize = 50;

/// What somebody should explain.
pub fn exceptions(site: &Site, known: &Known) -> Markup {
    let base = parts::base(known);
    let main = html! {
        (parts::heading("Exceptions", "What somebody should explain. None of it breaks a rule of the record, and none of it says that anything is wrong: it is what events claim, held against each other."))
        @match &known.totals {
            None => p { "The entries are still being read." },
            Some(totals) => {
                @let explain = &totals.exceptions;
                @if !totals.is_complete() { p { "So far " (number(totals.read)) " of " (html::count(totals.of, "entry", "entries")) " were read." } }
                @if explain.counts.is_empty() { p { "Nothing to explain." } }
                @else {
                    ul.words aria-label="Kinds" {
                        @for kind in Kind::all() {
                            @if let Some(count) = explain.counts.get(&kind) { li { a href={ "#" (kind.word()) } { (kind.word()) " " (number(*count)) } } }
                        }
                    }
                }
                @for kind in Kind::all() {
                    @if let Some(count) = explain.counts.get(&kind) { (of_kind(&base, kind, *count, &explain.list)) }
                }
                @for limit in &explain.limits { p.quiet { "Note: " (foreign(limit)) "." } }
            }
        }
    };
    parts::framed(site, "Exceptions", Some(Tab::Exceptions), &main)
}

fn of_kind(base: &str, kind: Kind, count: u64, list: &[Exception]) -> Markup {
    // the newest first: they are asked about
    let shown: Vec<&Exception> = list
        .iter()
        .rev()
        .filter(|found| found.kind == kind)
        .take(SHOWN)
        .collect();
    let rest = count.saturating_sub(shown.len() as u64);
    html! {
        section id=(kind.word()) {
            h2 { (kind.word()) " " span.tag { (number(count)) } }
            p.quiet { (sentence(kind.sentence())) }
            ul.rows.long {
                @for found in shown {
                    li.row data-row=(found.number) {
                        span.n { a href=(parts::entry(base, found.number)) data-open { (number(found.number)) } }
                        span.at { (time(found.time)) }
                        div.what {
                            div { strong { (foreign(&found.what)) } }
                            div.also { (foreign(&found.why)) }
                        }
                        span.who { @for (at, who) in found.who.iter().enumerate() { @if at > 0 { ", " } (foreign(who)) } }
                    }
                }
            }
            @if rest > 0 { p.quiet { "and " (number(rest)) " older or not kept" } }
        }
    }
}
