//! What happened to one thing: stages in order, and what is missing between them.

use maud::{Markup, html};

use crate::html::{self, foreign};
use crate::query::trace::Stage;

use super::super::answers::{Problem, Row, Site, TraceView};
use super::overview::class;
use super::parts::{self, Tab};
use super::{error, rows};

/// What happened to one thing; without one, a form to ask.
pub fn trace(site: &Site, of: &str, view: Option<Result<&TraceView, &Problem>>) -> Markup {
    let base = site.known.as_ref().map(parts::base).unwrap_or_default();
    let title = if of.is_empty() {
        "Trace".to_owned()
    } else {
        format!("{of} · Trace")
    };
    let main = html! {
        h1 { "Trace" }
        form.search method="get" action={ (base) "trace" } role="search" {
            label for="of" { "A commit or digest (7 digits or more), ref, run, artifact or subject: everything that happened to it, in order" }
            input #of type="search" name="of" value=(of) autocomplete="off" autocapitalize="none" spellcheck="false"
                placeholder="refs/heads/main" aria-describedby=[matches!(view, Some(Err(_))).then_some("problem")];
            button type="submit" { "Trace" }
        }
        @match view {
            None => p.quiet { "From the push through runs, approvals and artifacts to deployments. It is what events claim." },
            Some(Err(problem)) => (error::panel(problem)),
            Some(Ok(view)) => (found(&base, view)),
        }
    };
    parts::framed(site, &title, Some(Tab::Trace), &main)
}

fn found(base: &str, view: &TraceView) -> Markup {
    html! {
        h2 { (foreign(&view.of)) }
        p.quiet {
            (html::count(view.steps.len() as u64, "entry", "entries")) " of "
            (html::count(view.looked_at, "entry", "entries")) " looked at."
            @if view.gave_up {
                " The search was given up there: older entries may tell more. "
                code { "git ledger index" } " makes searches quick, and " code { "git ledger trace" } " reads all of it."
            }
        }
        @if !view.gaps.is_empty() {
            section.panel.doubt aria-label="What is missing" {
                h3 { (html::icon(html::State::Doubt)) " What is missing" @if view.gave_up { ", as far as was looked" } }
                ul { @for gap in &view.gaps { li { (foreign(gap)) } } }
            }
        }
        @if view.steps.is_empty() {
            p { "Nothing that is recorded names it. Is it spelled as events spell it? The "
                a href=(parts::log(base, &crate::query::words::spell("text", &view.of))) { "log" } " looks for its words." }
        } @else {
            ol.trail {
                @for (row, stages) in &view.steps { (step(base, row, stages)) }
            }
        }
    }
}

fn step(base: &str, row: &Row, stages: &[Stage]) -> Markup {
    let (state, _) = rows::standing(&row.standing);
    let stage = stages.iter().min();
    let (look, word) = match stage {
        // nothing was pushed here by anybody whom a hook saw
        Some(Stage::Gap) => ("missing", Stage::Gap.word()),
        Some(stage) => (class(state), stage.word()),
        None => ("bad", "broken"),
    };
    html! {
        li class=(look) data-row=(row.selected.step.commit.to_string()) {
            div.stage { (word) }
            div.step { (rows::dated(base, row)) }
        }
    }
}
