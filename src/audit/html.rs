//! A model as one page that opens anywhere: no script, no address outside, one style known by its
//! digest. For paper the same page with everything unfolded.

mod people;
mod sample;
mod standing;

use maud::{Markup, PreEscaped, html};

use crate::exceptions::Kind;
use crate::html::{State, badge, chart, count, digest, foreign, offline};
use crate::json::{Object, Value};

use super::file::{PAGE_BEGIN, PAGE_END, embedded};
use super::view::View;

/// What the report adds to the style of pages.
const STYLE: &str = include_str!("html/report.css");
/// What it adds on paper.
const PRINT: &str = include_str!("html/print.css");

/// The page.
pub(super) fn html(model: &Object, print: bool) -> String {
    let value = Value::from(model.clone());
    let view = View(Some(&value));
    let ledger = view.text("scope.ledger");
    let (from, to) = (view.count("scope.from"), view.count("scope.to"));
    let title = format!("Report of ledger {ledger}, entries {from} to {to}");
    let body = html! {
        div.report {
            (standing::head(view))
            (contents(view))
            (standing::verdict(view))
            (standing::copies(view))
            (activity(view))
            (people::policy(view))
            (exceptions(view))
            (controls(view))
            (sample::sample(view))
            (limits(view))
            (checking(view))
        }
        (PreEscaped(PAGE_BEGIN)) (PreEscaped(embedded(model))) (PreEscaped(PAGE_END))
    };
    let more: &[&str] = if print { &[STYLE, PRINT] } else { &[STYLE] };
    let page = offline(&title, more, &body).into_string();
    if print {
        // nothing can be unfolded on paper; no model holds a `<`
        page.replace("<details", "<details open")
    } else {
        page
    }
}

/// Where what stands.
fn contents(view: View<'_>) -> Markup {
    let controls = view.list("controls").len() > 0;
    html! {
        nav.contents aria-label="Contents" {
            ol {
                li { a href="#verdict" { "Verdict" } }
                li { a href="#copies" { "Copies" } }
                li { a href="#activity" { "Activity" } }
                li { a href="#policy" { "Policy and keys" } }
                li { a href="#exceptions" { "Exceptions" } }
                @if controls { li { a href="#controls" { "Controls" } } }
                li { a href="#sample" { "Sample" } }
                li { a href="#limits" { "Limits" } }
                li { a href="#check" { "How to check this file" } }
            }
        }
    }
}

fn activity(view: View<'_>) -> Markup {
    let days: Vec<(&str, u64)> = view
        .list("counts.days.rows")
        .map(|row| (row.text("value"), row.count("count")))
        .collect();
    let bars = chart::bars(&chart::Activity {
        caption: "Entries",
        days: &days,
        unit: ("entry", "entries"),
        link: None,
    });
    let shares = |caption: &str, unit: &str, name: &str| {
        let rows = view.list(&format!("counts.{name}.rows"));
        let rows: Vec<(Markup, u64)> = rows
            .map(|row| (foreign(row.text("value")), row.count("count")))
            .collect();
        let others = view.count(&format!("counts.{name}.others"));
        chart::shares(caption, unit, &rows, others)
    };
    let (entries, events) = (view.count("counts.entries"), view.count("counts.events"));
    html! {
        section #activity {
            h2 { "Activity" }
            p { (count(entries, "entry", "entries")) " with " (count(events, "event", "events"))
                " in the range. Types, signers and outcomes are as the entries claim; the verdict says whether the claims hold." }
            (bars)
            div.columns {
                (shares("Events by type", "events", "types"))
                div {
                    (shares("Entries by signer", "entries", "signers"))
                    @if view.list("counts.outcomes.rows").len() > 0 {
                        (shares("Events by outcome", "events", "outcomes"))
                    }
                }
            }
        }
    }
}

fn exceptions(view: View<'_>) -> Markup {
    let counts = view.at("exceptions.counts");
    let kinds = || Kind::all().filter(|kind| counts.count(kind.word()) > 0);
    html! {
        section #exceptions {
            h2 { "Exceptions" }
            p { "What somebody should explain. An exception breaks no rule of the record and is no fault by itself; "
                "people and approvals are known as far as events name them." }
            @if kinds().next().is_none() {
                p { (badge(State::Good, "none")) " Nothing of the kinds that are looked for was found in the range." }
            }
            @for kind in kinds() {
                @let rows = view.list(&format!("exceptions.kinds.{}", kind.word()));
                @let all = counts.count(kind.word());
                @let shown = rows.len() as u64;
                h3 #{ "exception-" (kind.word()) } { (kind.word()) " " span.tag { (all) } }
                p.quiet { (kind.sentence()) }
                div.scroll role="region" aria-label=(kind.word()) tabindex="0" {
                    table.found {
                        caption.heard { (kind.word()) }
                        thead { tr {
                            th scope="col" { "Entry" } th scope="col" { "Recorded" }
                            th scope="col" { "What" } th scope="col" { "Who" } th scope="col" { "Why" }
                        } }
                        tbody { @for row in rows {
                            tr {
                                th scope="row" { (row.count("number")) }
                                td { (moment(row.text("time"))) }
                                td { (foreign(row.text("what"))) }
                                td { @for (at, who) in row.texts("who").iter().enumerate() { @if at > 0 { ", " } (foreign(who)) } }
                                td { (foreign(row.text("why"))) }
                            }
                        } }
                    }
                }
                @if all > shown { p.quiet { "and " (all - shown) " more that are counted and not listed" } }
            }
            @for limit in view.texts("exceptions.limits") { p.quiet { "Note: " (foreign(limit)) "." } }
            @if kinds().next().is_some() {
                p.quiet { "Looked for: " (Kind::all().map(Kind::word).collect::<Vec<_>>().join(", ")) "." }
            }
        }
    }
}

fn controls(view: View<'_>) -> Markup {
    let mark = |answer: &str| match answer {
        "answered" => badge(State::Good, "answered"),
        "partly" => badge(State::Doubt, "partly"),
        _ => badge(State::Claimed, "not by this ledger"),
    };
    html! {
        @if view.list("controls").len() > 0 {
            section #controls {
                h2 { "Controls, and what answers them" }
                p { "Which questions this ledger holds evidence for. " em { "Answered" } " means that what is asked for is recorded here, "
                    em { "partly" } " that something must be shown besides. Neither says that a control is met: that is for people. "
                    "Titles are short words of our own; the standard says what is asked." }
                @for table in view.list("controls") {
                    h3 { (foreign(table.text("title"))) }
                    div.scroll role="region" aria-label=(crate::html::plain(table.text("title"))) tabindex="0" {
                        table.controls {
                            caption.heard { (foreign(table.text("title"))) }
                            thead { tr {
                                th scope="col" { "Control" } th scope="col" { "Answer" }
                                th scope="col" { "Evidence in this ledger" } th scope="col" { "Missing here" }
                            } }
                            tbody { @for row in table.list("controls") {
                                tr {
                                    th scope="row" { strong { (foreign(row.text("id"))) } br; (foreign(row.text("title"))) }
                                    td { (mark(row.text("answer"))) }
                                    td {
                                        @for text in row.texts("evidence") { p { (foreign(text)) } }
                                        @for text in row.texts("explain") {
                                            @if text.starts_with("to explain") { p.explain { (foreign(text)) } }
                                            @else { p.quiet { (foreign(text)) } }
                                        }
                                        @if row.list("evidence").len() + row.list("explain").len() == 0 { p.quiet { "none" } }
                                    }
                                    td { (foreign(row.text("missing"))) }
                                }
                            } }
                        }
                    }
                }
            }
        }
    }
}

fn limits(view: View<'_>) -> Markup {
    html! {
        section #limits {
            h2 { "Limits" }
            ul { @for limit in view.texts("limits") { li { (foreign(limit)) } } }
        }
    }
}

fn checking(view: View<'_>) -> Markup {
    let fingerprint = view.text("verdict.fingerprint");
    html! {
        section #check {
            h2 { "How to check this file" }
            p { "Everything on this page is made of data that stand in the file as well, and nothing else. With the program and the "
                "ledger's fingerprint, which must come from somebody you trust and never with this file:" }
            pre { "git ledger report --check FILE --fingerprint SHA256" }
            p { "makes the page again of the data and compares it byte for byte, and judges every receipt of the sample without the ledger. "
                "Run inside a clone of the ledger, it also makes the data anew and names each difference. It ends with 0 if everything "
                "holds, 1 if something was altered, 2 if something could not be told." }
            p { "This file says the fingerprint is " (digest("fingerprint", fingerprint)) ". A single receipt is written out with "
                code { "git ledger report --check FILE --receipt NUMBER" } " and judged by " code { "git ledger check-proof" }
                ", or by any other program that follows the specification." }
            p { "When the report was made, what it is called and what remotes showed then are the word of whoever made it: "
                "a signature over the file, such as " code { "ssh-keygen -Y sign -n file" } ", says who that was." }
            dl.facts {
                div { dt { "made" } dd { (moment(view.text("made.at"))) } }
                div { dt { "by" } dd { (foreign(view.text("made.by"))) ", build " code { (foreign(view.text("made.build"))) } } }
                div { dt { "form" } dd { (foreign(view.text("format"))) } }
            }
        }
    }
}

/// A time as it stands in a model, in UTC.
fn moment(text: &str) -> Markup {
    match text.trim_end_matches('Z').split_once('T') {
        Some((day, clock)) => {
            html! { time { span.date { (foreign(day)) } " " span.clock { (foreign(clock)) } } }
        }
        None => foreign(text),
    }
}
