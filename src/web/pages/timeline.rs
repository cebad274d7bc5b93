//! The timeline: words that filter, rows by day, older and newer, live.

use maud::{Markup, html};

use crate::html::{self, State, address, foreign, number};
use crate::query::key::Key;
use crate::query::words::{places, spell};

use super::super::answers::{Known, Page, Problem, Site};
use super::kind::kind;
use super::parts::{self, Tab};
use super::{error, rows};

/// Values of one facet that are offered.
const OFFERED: usize = 6;

/// The timeline; `problem` is about the words that were asked for.
pub fn timeline(site: &Site, page: Result<&Page, &Problem>, query: &str, live: bool) -> Markup {
    let base = site.known.as_ref().map(parts::base).unwrap_or_default();
    let title = if query.is_empty() {
        "Log".to_owned()
    } else {
        format!("{query} · Log")
    };
    let main = html! {
        h1 { "Log" }
        (search(&base, query, page.err()))
        (chosen(&base, query))
        @match page {
            Err(problem) => (error::panel(problem)),
            Ok(page) => {
                @if let Some(known) = &site.known { (facets(&base, query, known)) }
                (listed(&base, query, page, live))
            }
        }
    };
    parts::framed(site, &title, Some(Tab::Log), &main)
}

fn search(base: &str, query: &str, problem: Option<&Problem>) -> Markup {
    html! {
        form.search method="get" action={ (base) "log" } role="search" {
            label for="q" {
                "Words, " code { "key:value" } ", " code { "10..20" } ", "
                code { "since:2w" } "; a " code { "-" } " in front turns a word round. "
                a href="/help#filter" { "All of it" }
            }
            input #q type="search" name="q" value=(query) autocomplete="off" autocapitalize="none" spellcheck="false"
                placeholder="type:dev.cdevents.service.* env:prod -outcome:success"
                aria-invalid=[problem.map(|_| "true")] aria-describedby=[problem.map(|_| "problem")];
            button type="submit" { "Search" }
        }
    }
}

/// The words that are asked for, each with a link that leaves it out.
fn chosen(base: &str, query: &str) -> Markup {
    let places = places(query);
    html! {
        @if !places.is_empty() {
            ul.words aria-label="Words of this filter" {
                @for place in &places {
                    @let word = query.get(place.clone()).unwrap_or_default();
                    @let rest = without(query, place);
                    li { a href=(parts::log(base, &rest)) aria-label={ "Leave out " (html::plain(word)) } { (foreign(word)) span aria-hidden="true" { " ×" } } }
                }
            }
        }
    }
}

fn without(query: &str, place: &std::ops::Range<usize>) -> String {
    let (head, tail) = (query.get(..place.start), query.get(place.end..));
    let words = [head, tail].map(|part| part.unwrap_or_default().trim());
    words.join(" ").trim().to_owned()
}

/// Words that are worth adding: what there is most of.
fn facets(base: &str, query: &str, known: &Known) -> Markup {
    let Some(totals) = &known.totals else {
        return html! {};
    };
    let tally = &totals.tally;
    let places: std::collections::BTreeSet<&str> = totals
        .state
        .things(crate::replay::Kind::Deployment)
        .map(|(name, _)| name.place.as_str())
        .collect();
    let environments = places.into_iter().map(|place| (place, 0)).collect();
    let groups = [
        ("type", Key::Type, tally.types.by_count()),
        ("signer", Key::Signer, tally.signers.by_count()),
        ("environment", Key::Env, environments),
        ("outcome", Key::Outcome, tally.outcomes.by_count()),
    ];
    html! {
        details.narrow open[query.is_empty()] {
            summary { "Narrow down" }
            dl.facets {
                @for (name, key, values) in &groups {
                    @let offered: Vec<_> = values.iter().map(|(value, _)| (*value, spell(key.name(), value))).filter(|(value, word)| !value.is_empty() && !query.contains(word.as_str())).take(OFFERED).collect();
                    @if !offered.is_empty() {
                        div {
                            dt { (name) }
                            @for (value, word) in offered {
                                dd { a href=(parts::log(base, format!("{query} {word}").trim())) {
                                    @if *key == Key::Type { (kind(value)) } @else { (foreign(value)) }
                                } }
                            }
                        }
                    }
                }
                div {
                    dt { "time" }
                    @for (words, word) in [("today", "since:today"), ("a week", "since:1w"), ("a month", "since:30d")] {
                        @if !query.contains("since:") { dd { a href=(parts::log(base, format!("{query} {word}").trim())) { (words) } } }
                    }
                    dd { a href={ (base) "log" } { "everything" } }
                }
            }
        }
    }
}

fn listed(base: &str, query: &str, page: &Page, live: bool) -> Markup {
    let asked = (!query.is_empty()).then(|| format!("q={}&", address(query)));
    let asked = asked.unwrap_or_default();
    let newest = page.before.is_none();
    html! {
        div.pages {
            @if newest {
                @let words = if query.is_empty() { String::new() } else { format!("?q={}", address(query)) };
                button type="button" hidden data-tail={ (tail(base)) (words) } data-live[live] aria-pressed="false" { "Go live" }
                span.quiet data-tail-state role="status" {}
                @if live { noscript { a href={ (base) "log?" (asked) "live=1" } { "Look for newer entries" } } }
            } @else {
                a href=(parts::log(base, query)) rel="first" { "Newest" }
            }
            span.quiet.push {
                @if !query.is_empty() { (html::count(page.looked_at, "entry", "entries")) " looked at" @if page.by_index { ", found by the index" } }
            }
        }
        @if page.rows.is_empty() {
            p data-empty {
                @if page.gave_up { "Nothing so far: the search was given up after " (html::count(page.looked_at, "entry", "entries")) ". It goes on further down." }
                @else if query.is_empty() { "There is no entry yet." }
                @else { "Nothing fits. " a href={ (base) "log" } { "Show all entries" } }
            }
        }
        (rows::by_day(base, &page.rows))
        @if page.cut_off {
            p { (html::badge(State::Doubt, "cut off")) " This repository holds only a part of the history; older entries are not here." }
        }
        @if page.gave_up && !page.rows.is_empty() {
            p.quiet { "The search was given up after " (html::count(page.looked_at, "entry", "entries")) "; it goes on with the older ones." }
        }
        nav.pages aria-label="Older and newer" {
            @if let Some(older) = page.older {
                a href={ (base) "log?" (asked) "before=" (older) @if page.limit != 50 { "&n=" (page.limit) } } rel="next" {
                    @if page.gave_up { "Go on before entry " (number(older)) } @else { "Older" }
                }
            } @else if !page.rows.is_empty() {
                span.quiet { "This is the end." }
            }
        }
    }
}

/// Where new entries are told of.
fn tail(base: &str) -> String {
    format!("/api/v1/ledgers/{}tail", base.trim_start_matches("/l/"))
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn words_are_left_out_one_by_one() {
        let query = r#"type:a "two words"  -x"#;
        let left: Vec<String> = places(query).iter().map(|at| without(query, at)).collect();
        assert_eq!(
            left,
            [r#""two words"  -x"#, "type:a -x", r#"type:a "two words""#]
        );
        assert_eq!(tail("/l/acme/"), "/api/v1/ledgers/acme/tail");
    }
}
