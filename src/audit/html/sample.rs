//! The entries that were chosen by rule, each as it stands in the record.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::html::{State, badge, count, digest, foreign, tree};
use crate::json::Value;

use super::super::view::View;
use super::moment;

pub(super) fn sample(view: View<'_>) -> Markup {
    let receipts: BTreeSet<u64> = view
        .list("proofs.receipts")
        .filter_map(|one| one.number("entry"))
        .collect();
    let entries = view.list("sample.entries");
    html! {
        section #sample {
            h2 { "Sample" }
            p { (count(entries.len() as u64, "entry", "entries")) " of " (view.count("sample.of"))
                ", chosen by a rule that anybody can follow again: each entry of the range has a rank, the SHA-256 of the seed and its "
                "digest, and those with the lowest ranks are shown. The seed is " code { (foreign(view.text("sample.seed"))) } "." }
            @if view.is("sample.seed_given") {
                p.quiet { "The seed was given. A seed that the auditor chooses once the newest entry is known leaves nobody a choice." }
            } @else {
                p.quiet { "Nobody gave a seed, so it is the newest entry's digest and the range. Who signs the newest entry can try many "
                    "and keep the one whose sample pleases: an auditor who minds chooses a seed of their own (--seed)." }
            }
            @if view.is_there("proofs.why_none") {
                p { (badge(State::Doubt, "no receipts")) " " (foreign(view.text("proofs.why_none"))) }
            }
            @for entry in entries { (one(entry, receipts.contains(&entry.count("number")))) }
        }
    }
}

fn one(entry: View<'_>, proven: bool) -> Markup {
    let events: Vec<Option<Value>> = entry
        .texts("events")
        .iter()
        .map(|line| Value::parse(line.as_bytes()).ok())
        .collect();
    let name = |event: &Option<Value>| {
        let view = View(event.as_ref());
        html! { (foreign(view.text("type"))) " " span.quiet { (foreign(view.text("subject"))) } }
    };
    html! {
        details.sampled {
            summary {
                strong { (entry.count("number")) } " "
                @if let Some(first) = events.first() { (name(first)) }
                @if events.len() > 1 { " +" (events.len() - 1) }
            }
            dl.facts {
                div { dt { "recorded" } dd { (moment(entry.text("time"))) } }
                div { dt { "signed by" } dd { (foreign(entry.text("signer"))) " " code.key { (foreign(entry.text("key"))) } } }
                div { dt { "digest" } dd { (digest("digest", entry.text("digest"))) } }
                div { dt { "commit" } dd { (digest("commit", entry.text("commit"))) } }
                div { dt { "rank" } dd { (digest("rank", entry.text("rank"))) } }
                div { dt { "receipt" } dd { @if proven { "in this file" } @else { "none, see how to check" } } }
            }
            @for event in &events {
                div.event { @match event { Some(value) => (tree(value, &|_| None)), None => p { "not readable" } } }
            }
        }
    }
}
