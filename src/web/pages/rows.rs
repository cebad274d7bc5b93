//! Entries in a list: one row each, grouped by day.

use maud::{Markup, html};

use crate::date::rfc3339;
use crate::event::Event;
use crate::html::{State, clock, foreign, icon, number, plain, time};
use crate::query::What;
use crate::report::entries::{Standing, happened, summary};

use super::super::answers::Row;
use super::kind::kind;
use super::parts;

/// Events of an entry shown before the rest is counted.
const EVENTS: usize = 3;
/// Characters of what an event says shown in a list.
const LONGEST: usize = 240;

/// How a standing looks, and in a word.
pub fn standing(standing: &Standing) -> (State, &'static str) {
    let state = match standing {
        Standing::Claimed => State::Claimed,
        Standing::Verified(_) => State::Good,
        Standing::Breach(_) => State::Bad,
        Standing::Unverified(_) => State::Doubt,
    };
    (state, standing.word())
}

/// Rows under the days they are dated, in the order they come.
pub fn by_day(base: &str, rows: &[Row]) -> Markup {
    let mut days: Vec<(String, Vec<&Row>)> = Vec::new();
    for row in rows {
        let day = match &row.selected.step.what {
            What::Entry(link) => rfc3339(link.time).get(..10).unwrap_or_default().to_owned(),
            // what cannot be read stands with what stood before it
            What::Broken { .. } => days
                .last()
                .map_or_else(|| "no date".to_owned(), |(day, _)| day.clone()),
        };
        match days.last_mut().filter(|(last, _)| *last == day) {
            Some((_, rows)) => rows.push(row),
            None => days.push((day, vec![row])),
        }
    }
    html! {
        div data-rows {
            @for (day, rows) in &days {
                section data-day=(day) {
                    h2.day { (day) }
                    ol.rows { @for row in rows { (one(base, row, false)) } }
                }
            }
        }
    }
}

/// One row; `chosen` where it is the one a page is about.
pub fn one(base: &str, row: &Row, chosen: bool) -> Markup {
    let step = &row.selected.step;
    let place = row.number();
    let address = place.map_or_else(
        || format!("{base}commit/{}", step.commit),
        |number| parts::entry(base, number),
    );
    let name = place.map_or_else(|| "?".to_owned(), number);
    let link = match &step.what {
        What::Entry(link) => link,
        What::Broken { finding, .. } => {
            return html! {
                li.row.broken.chosen[chosen] data-row=(step.commit.to_string()) {
                    span.n { a href=(address) data-open { (name) } }
                    span.at {}
                    div.what {
                        span.kind { "no entry: " (finding.id.sentence()) }
                        div.also { (foreign(&finding.detail)) }
                    }
                    span.who { (icon(State::Bad)) " broken" }
                }
            };
        }
    };
    let (state, word) = standing(&row.standing);
    let shown = row.shown();
    let events: Vec<&Event> = shown.events(link).take(EVENTS).collect();
    let rest = row.selected.matching.len().saturating_sub(EVENTS);
    html! {
        li.row.chosen[chosen] data-row=(step.commit.to_string()) {
            span.n { a href=(address) data-open { (name) } }
            span.at { (clock(link.time)) }
            div.what {
                @for event in &events { (told(event)) }
                @if rest > 0 { div.also { "and " (rest) " more events" } }
                @if let Some(claimed) = events.first().and_then(|event| happened(event, link)) {
                    // the same day is near enough for a list
                    @let late = claimed.get(..10) != rfc3339(link.time).get(..10);
                    div.also.heard[!late] { "happened " (foreign(claimed)) ", as claimed" }
                }
                @if let Some(position) = step.position.filter(|at| *at != link.entry.number()) {
                    div.also { (icon(State::Bad)) " claims number " (number(link.entry.number())) ", stands at " (number(position)) }
                }
            }
            span.who title=(plain(format!("{word} {}", row.standing.why()).trim_end())) {
                (icon(state)) " " span.heard { (word) ", " } (link.principal.as_str())
                @if state == State::Bad || state == State::Doubt { " " span.why { (word) } }
            }
        }
    }
}

/// An event in two lines.
pub fn told(event: &Event) -> Markup {
    let says = summary(event);
    let says: String = if says.chars().count() > LONGEST {
        says.chars().take(LONGEST).chain(['…']).collect()
    } else {
        says
    };
    html! {
        div {
            (kind(event.kind())) " "
            @match event.subject() {
                Some(subject) => (foreign(subject)),
                None => { span.also { "in " (foreign(event.source())) } }
            }
        }
        @if !says.is_empty() { div.also { (foreign(&says)) } }
    }
}

/// A row of another page, with its date.
pub fn dated(base: &str, row: &Row) -> Markup {
    let link = match &row.selected.step.what {
        What::Entry(link) => link,
        What::Broken { finding, .. } => {
            return html! {
                div.also {
                    @if let Some(number) = row.number() { (parts::entry_link(base, number)) " · " }
                    (icon(State::Bad)) " no entry: " (finding.id.sentence())
                }
                div { (foreign(&finding.detail)) }
            };
        }
    };
    let (state, word) = standing(&row.standing);
    let shown = row.shown();
    html! {
        div.also {
            @if let Some(number) = row.number() { (parts::entry_link(base, number)) " · " }
            (time(link.time)) " · " (icon(state)) " "
            @match &row.standing {
                Standing::Verified(_) => "verified, signed by ",
                Standing::Claimed => "claimed by ",
                _ => { (word) ", claimed by " }
            }
            (link.principal.as_str())
        }
        @for event in shown.events(link).take(EVENTS) { (told(event)) }
        @if row.selected.matching.len() > EVENTS { div.also { "and " (row.selected.matching.len() - EVENTS) " more events" } }
    }
}
