//! An incident, entry by entry: the state of things as of one of them, and what it changed.

use maud::{Markup, html};

use crate::html::{foreign, number, time};
use crate::replay::{Kind, Name, Thing};

use super::super::answers::{Problem, ReplayView, Site};
use super::parts::{self, Tab};
use super::{error, rows};

/// Things of one kind shown before the rest is counted.
const SHOWN: usize = 200;
/// Characters of a state shown.
const LONGEST: usize = 72;

/// The state of things as of one entry.
pub fn replay(site: &Site, view: Result<&ReplayView, &Problem>) -> Markup {
    let base = site.known.as_ref().map(parts::base).unwrap_or_default();
    let (title, body) = match view {
        Err(problem) => ("Replay".to_owned(), error::panel(problem)),
        Ok(view) => (
            format!("As of entry {} · Replay", view.at),
            stepped(&base, view),
        ),
    };
    let main = html! {
        h1 { "Replay" }
        (body)
    };
    parts::framed(site, &title, Some(Tab::Replay), &main)
}

fn address(base: &str, view: &ReplayView, at: u64) -> String {
    format!("{base}replay?from={}&to={}&at={at}", view.from, view.to)
}

fn stepped(base: &str, view: &ReplayView) -> Markup {
    html! {
        form.search method="get" action={ (base) "replay" } {
            label for="from" { "Entries from and to: the state of things after each of them, as events claim" }
            input #from type="number" name="from" min="0" value=(view.from) aria-label="From entry";
            input type="number" name="to" min="0" value=(view.to) aria-label="To entry";
            button type="submit" { "Replay" }
        }
        (stepper(base, view))
        section aria-label={ "Entry " (view.at) } {
            h2 { "Entry " (number(view.at)) }
            div.panel { (rows::dated(base, &view.row)) }
        }
        h2 { "The state after it" }
        (policy(base, view))
        @for kind in Kind::ALL { (state(base, view, kind)) }
        p.quiet {
            "Known from entry " (view.replay.first().map_or_else(|| "?".to_owned(), number))
            " on; what nothing spoke of since is not shown."
            @if view.replay.left_out() { " There is more than is kept: some of it was left out." }
        }
        h2 { "Around it" }
        ol.rows { @for row in &view.around { (rows::one(base, row, row.number() == Some(view.at))) } }
    }
}

fn stepper(base: &str, view: &ReplayView) -> Markup {
    let steps = [
        (
            "First",
            (view.at > view.from).then_some(view.from),
            None,
            true,
        ),
        (
            "← Before",
            view.at.checked_sub(1).filter(|at| *at >= view.from),
            Some("prev"),
            false,
        ),
        (
            "After →",
            view.at.checked_add(1).filter(|at| *at <= view.to),
            Some("next"),
            false,
        ),
        ("Last", (view.at < view.to).then_some(view.to), None, false),
    ];
    html! {
        nav.stepper aria-label="Steps" {
            @for (words, to, rel, first) in steps {
                @match to {
                    Some(to) => a href=(address(base, view, to)) rel=[rel] data-first[rel.is_none() && first] data-last[rel.is_none() && !first] { (words) },
                    None => span.off { (words) },
                }
            }
            span.place { "step " (number(view.at - view.from + 1)) " of " (number(view.to - view.from + 1)) }
            progress max=(view.to - view.from + 1) value=(view.at - view.from + 1) aria-label="Step" {}
        }
    }
}

fn state(base: &str, view: &ReplayView, kind: Kind) -> Markup {
    let (title, heads) = match kind {
        Kind::Deployment => ("What runs where", ["Environment", "Service"]),
        Kind::Ref => ("Refs", ["Repository", "Ref"]),
        Kind::Setting => ("Variables and files", ["Scope", "Name"]),
        Kind::Run => ("Runs under way", ["What", "Run"]),
    };
    // what this step changed comes first; what was so before the range is folded away
    let (mut touched, before): (Vec<_>, Vec<_>) = view
        .replay
        .things(kind)
        .partition(|(_, thing)| thing.number >= view.from || kind == Kind::Deployment);
    touched.sort_by_key(|(_, thing)| !view.replay.is_fresh(thing));
    let before: Vec<_> = before
        .into_iter()
        .filter(|(_, thing)| thing.now.is_some())
        .collect();
    html! {
        @if !touched.is_empty() { (things(base, view, title, heads, &touched)) }
        @if !before.is_empty() {
            details {
                summary { (title) ": " (before.len()) " as they were before the range" }
                (things(base, view, &format!("{title}, before the range"), heads, &before))
            }
        }
    }
}

fn things(
    base: &str,
    view: &ReplayView,
    title: &str,
    heads: [&str; 2],
    things: &[(&Name, &Thing)],
) -> Markup {
    let rest = things.len().saturating_sub(SHOWN);
    html! {
        div.scroll.stack role="region" aria-label=(title) tabindex="0" {
            table {
                caption { (title) }
                thead { tr { @for head in heads { th scope="col" { (head) } } th scope="col" { "State" } th scope="col" { "Since" } th scope="col" { "Told by" } } }
                tbody {
                    @for (name, thing) in things.iter().take(SHOWN) {
                        @let fresh = view.replay.is_fresh(thing);
                        tr.changed[fresh] {
                            th scope="row" { (foreign(&name.place)) }
                            td data-label=(heads[1]) { (foreign(&name.own)) @if fresh { " " span.tag { "changed now" } } }
                            td data-label="State" { (change(base, thing, fresh)) }
                            td data-label="Since" { (time(thing.time)) }
                            td data-label="Told by" { (parts::entry_link(base, thing.number)) }
                        }
                    }
                }
            }
        }
        @if rest > 0 { p.quiet { "and " (rest) " more" } }
    }
}

fn change(base: &str, thing: &Thing, fresh: bool) -> Markup {
    html! {
        @if let (true, Some(was)) = (fresh, &thing.was) {
            del.was { span.heard { "was " } (brief(was)) } " → "
        }
        @match &thing.now {
            Some(now) => a href=(parts::trace(base, now)) { (brief(now)) },
            None => em { "gone" },
        }
        @if !thing.how.is_empty() { " " span.tag { (thing.how) } }
    }
}

/// A package by its version, which its service's name stands beside.
fn brief(text: &str) -> Markup {
    match super::running::version(text) {
        Some(version) => html! { span title=(crate::html::plain(text)) { (foreign(version)) } },
        None => shortened(text),
    }
}

fn policy(base: &str, view: &ReplayView) -> Markup {
    html! {
        @if let Some(set) = view.policy {
            p { "The policy in force is the one of " a href={ (base) "policy/" (set) } { "entry " (number(set)) }
                @if set == view.at { " " span.tag { "changed now" } } "." }
        }
    }
}

/// A long value, its beginning and its end; all of it in the title. Ids by their first digits.
pub fn shortened(text: &str) -> Markup {
    let hex = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let count = text.chars().count();
    let short: String = if hex {
        text.chars().take(12).collect()
    } else if count > LONGEST {
        let head = text.chars().take(LONGEST * 2 / 3);
        let tail = text.chars().skip(count - LONGEST / 3);
        head.chain(['…']).chain(tail).collect()
    } else {
        return foreign(text);
    };
    html! { span title=(crate::html::plain(text)) { @if hex { code { (short) } } @else { (foreign(&short)) } } }
}
