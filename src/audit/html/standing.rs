//! What the report is of, whether the record holds, and who else holds it.

use maud::{Markup, html};

use crate::html::{State, badge, count, digest, foreign, icon};

use super::super::view::{View, standing};
use super::moment;

pub(super) fn head(view: View<'_>) -> Markup {
    let (from, to) = (view.count("scope.from"), view.count("scope.to"));
    let title = view.text("scope.title");
    html! {
        p.kicker { "Audit report" @if !title.is_empty() { " · " (foreign(title)) } }
        h1 { "Ledger " (foreign(view.text("scope.ledger"))) }
        p.lead {
            "Entries " (from) " to " (to) ", recorded " (moment(view.text("scope.from_time")))
            " to " (moment(view.text("scope.to_time"))) " UTC"
        }
        (answer(view))
        dl.facts {
            div { dt { "fingerprint" } dd { (whole("fingerprint", view.text("verdict.fingerprint"))) " "
                @if view.is("verdict.pinned") { span.quiet { "pinned by whoever made this report" } }
                @else { span.quiet { "not pinned: compare it with the one you were given" } } } }
            div { dt { "newest entry" } dd { (view.count("scope.tip.number")) ", " (moment(view.text("scope.tip.time"))) ", "
                (whole("digest", view.text("scope.tip.digest"))) } }
            @if view.is_there("scope.asked_from") || view.is_there("scope.asked_to") {
                div { dt { "asked for" } dd {
                    @if view.is_there("scope.asked_from") { "from " (foreign(view.text("scope.asked_from"))) " " }
                    @if view.is_there("scope.asked_to") { "to " (foreign(view.text("scope.asked_to"))) }
                } }
            }
            div { dt { "branch" } dd { code { (foreign(view.text("scope.branch"))) } } }
            div { dt { "made" } dd { (moment(view.text("made.at"))) " by " (foreign(view.text("made.by"))) } }
        }
    }
}

/// A digest that is to be read whole, on paper too.
fn whole(what: &str, text: &str) -> Markup {
    html! { span.whole { (digest(what, text)) } }
}

/// The three things a reader wants to know first.
fn answer(view: View<'_>) -> Markup {
    let state = match view.text("answer") {
        "sound" => State::Good,
        "breach" => State::Bad,
        _ => State::Doubt,
    };
    let kind = match state {
        State::Good => "panel good",
        State::Bad => "panel bad",
        State::Doubt | State::Claimed => "panel doubt",
    };
    let exceptions: u64 = view
        .members("exceptions.counts")
        .map(|(_, count)| count.0.and_then(|value| value.as_integer()).unwrap_or(0))
        .map(|count| u64::try_from(count).unwrap_or(0))
        .sum();
    html! {
        div class=(kind) {
            p.answer { (icon(state)) (foreign(view.text("answer"))) ": " (standing(view)) }
            ul.plain {
                li { (count(view.count("verdict.entries"), "entry", "entries")) " verified, all from their bytes" }
                li { @match view.number("remotes.window.entry") {
                    Some(entry) => { "independent copies hold entries 0 to " (entry) },
                    None => @if view.is_there("remotes") { "no entry is held by two independent copies" }
                        @else { "other copies were not asked" },
                } }
                li { @if exceptions == 0 { "nothing to explain" } @else {
                    a href="#exceptions" { (count(exceptions, "thing", "things")) " to explain" }
                } }
            }
        }
    }
}

pub(super) fn verdict(view: View<'_>) -> Markup {
    let findings = view.list("verdict.findings");
    html! {
        section #verdict {
            h2 { "Verdict, and what it rests on" }
            div.columns {
                div {
                    h3 { "Checked" }
                    ul { @for text in view.texts("checked") { li { (foreign(text)) } } }
                }
                div {
                    h3 { "Not checked" }
                    ul { @for text in view.texts("not_checked") { li { (foreign(text)) } } }
                }
            }
            h3 { "Findings" }
            @if findings.len() == 0 { p { (badge(State::Good, "none")) " In this copy no rule is broken, and nothing was left open." } }
            @else {
                div.scroll role="region" aria-label="Findings" tabindex="0" {
                    table {
                        caption.heard { "Findings" }
                        thead { tr { th scope="col" { "Finding" } th scope="col" { "Entry" } th scope="col" { "Evidence" } } }
                        tbody { @for finding in findings {
                            @let state = match finding.text("severity") { "breach" => State::Bad, "unknown" => State::Doubt, _ => State::Claimed };
                            tr {
                                th scope="row" { (badge(state, finding.text("severity"))) " " code { (foreign(finding.text("id"))) } br;
                                    (foreign(finding.text("meaning"))) }
                                td { @match finding.number("entry") { Some(entry) => (entry), None => "–" } }
                                td { (foreign(finding.text("evidence"))) }
                            }
                        } }
                    }
                }
                @let more = view.count("verdict.more_findings");
                @if more > 0 { p.quiet { "and " (more) " more; 'git ledger verify --json' lists all" } }
            }
        }
    }
}

pub(super) fn copies(view: View<'_>) -> Markup {
    html! {
        section #copies {
            h2 { "Copies and detection window" }
            @if view.is_there("remotes") { (asked(view)) }
            @else {
                p { (badge(State::Claimed, "not asked")) " No other copy was asked for this report, so a rewrite of this one by somebody "
                    "with a key and the primary would not show in it." }
            }
            @for one in view.list("unasked") {
                p.quiet { "Not asked: " (foreign(one.text("remote")))
                    @if one.is_there("seen") { ", last seen " (moment(one.text("seen"))) } @else { ", never seen" } }
            }
        }
    }
}

fn asked(view: View<'_>) -> Markup {
    let window = view.at("remotes.window");
    html! {
        p { "As the remotes answered when the report was made; a later check cannot see that again." }
        @match window.number("entry") {
            Some(entry) => p { "Two independent copies hold every entry up to " (entry) " (dated " (moment(window.text("time")))
                "): whatever is older could not be rewritten without one of them showing it." },
            None => p { (badge(State::Doubt, "none")) " No entry is held by two independent copies." },
        }
        div.scroll role="region" aria-label="Remotes" tabindex="0" {
            table.copies {
                caption.heard { "Remotes" }
                thead { tr {
                    th scope="col" { "Remote" } th scope="col" { "State" } th scope="col" { "Holds up to" }
                    th scope="col" { "Dated" } th scope="col" { "Independent" }
                } }
                tbody { @for copy in view.list("remotes.remotes") {
                    @let state = match copy.text("state") {
                        "level" | "ahead" => State::Good, "behind" | "silent" | "missing" => State::Doubt, _ => State::Bad,
                    };
                    tr {
                        th scope="row" { (foreign(copy.text("remote"))) br; span.quiet { (foreign(copy.text("url"))) } }
                        td { (badge(state, copy.text("state"))) @if let Some(number) = copy.number("number") { " " (number) }
                            @if copy.is_there("why") { br; span.quiet { (foreign(copy.text("why"))) } }
                            @for finding in copy.list("findings") { br; code { (foreign(finding.text("id"))) } " "
                                span.quiet { (foreign(finding.text("evidence"))) } } }
                        td { @match copy.number("newest.number") { Some(entry) => { "entry " (entry) }, None => "–" } }
                        td { (moment(copy.text("newest.time"))) }
                        td { @if copy.is("independent") { "yes" } @else { "no: " (foreign(&copy.texts("tied_to").join(", "))) } }
                    }
                } }
            }
        }
        @for copy in view.list("remotes.remotes").filter(|copy| copy.is_there("split")) { (split(copy)) }
    }
}

/// The first entries in which a copy differs from this one.
fn split(copy: View<'_>) -> Markup {
    let side = |name: &str, one: View<'_>| {
        html! {
            div { dt { (name) } dd { "entry " (one.count("number")) ", " (moment(one.text("time"))) ", claimed by "
                (foreign(one.text("claimed_by"))) ": " (foreign(one.text("subject"))) " " (whole("digest", one.text("digest"))) } }
        }
    };
    html! {
        div.panel.bad {
            p { strong { (foreign(copy.text("remote"))) } " holds another entry under the same number. "
                code { "git ledger evidence export FILE" } " writes both down for others to judge." }
            dl.facts { (side("here", copy.at("split.here"))) (side("there", copy.at("split.there"))) }
        }
    }
}
