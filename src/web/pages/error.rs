//! Why there is no page.

use maud::{Markup, html};

use crate::html::foreign;

use super::super::answers::{Fault, Problem, Site};
use super::parts;

/// Why there is no page.
pub fn error(site: &Site, problem: &Problem) -> Markup {
    let title = problem.fault.title();
    let main = html! {
        h1 { (title) }
        (panel(problem))
        p { a href="/" { "To the ledgers" } " · " a href="/help" { "Help" } }
    };
    parts::framed(site, title, None, &main)
}

/// What is wrong, where in the words, and what to do.
pub fn panel(problem: &Problem) -> Markup {
    let class = match problem.fault {
        Fault::Broken | Fault::Here => "panel bad",
        _ => "panel doubt",
    };
    html! {
        section #problem class=(class) role="alert" {
            p { strong { (foreign(&problem.detail)) } }
            @if let Some((line, at)) = &problem.at {
                p.fault {
                    (foreign(line.get(..at.start).unwrap_or_default()))
                    mark { (foreign(line.get(at.clone()).unwrap_or(line))) }
                    (foreign(line.get(at.end..).unwrap_or_default()))
                }
            }
            @if let Some(hint) = &problem.hint { p { (foreign(hint)) } }
        }
    }
}
