//! The pages, one function each: answers in, HTML out.

use maud::{Markup, html};

use super::answers::{
    EntryView, Known, Page, PolicyChange, PolicyHistory, Problem, Site, TraceView,
};

/// A page without looks.
fn plain(title: &str, site: &Site, body: &str) -> Markup {
    html! {
        (maud::DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { (title) } }
            body { h1 { (title) } pre { (body) } footer { "git-ledger " (site.version) } }
        }
    }
}

/// All ledgers.
pub fn ledgers(site: &Site, all: &[Known]) -> Markup {
    plain("Ledgers", site, &format!("{all:#?}"))
}

/// What is known of one ledger, with its newest entries.
pub fn overview(site: &Site, known: &Known, newest: &Page) -> Markup {
    plain("Overview", site, &format!("{known:#?}\n{newest:#?}"))
}

/// The timeline; `problem` is about the words that were asked for.
pub fn timeline(site: &Site, page: Result<&Page, &Problem>, query: &str, live: bool) -> Markup {
    plain("Timeline", site, &format!("{query} {live} {page:#?}"))
}

/// One entry.
pub fn entry(site: &Site, view: &EntryView) -> Markup {
    plain("Entry", site, &format!("{view:#?}"))
}

/// What happened to one thing; without one, a form to ask.
pub fn trace(site: &Site, of: &str, view: Option<Result<&TraceView, &Problem>>) -> Markup {
    plain("Trace", site, &format!("{of} {view:#?}"))
}

/// All changes of the policy.
pub fn policy(site: &Site, history: &PolicyHistory) -> Markup {
    plain("Policy", site, &format!("{history:#?}"))
}

/// One change of the policy.
pub fn policy_change(site: &Site, change: &PolicyChange) -> Markup {
    plain("Change of the policy", site, &format!("{change:#?}"))
}

/// What is wrong, with evidence.
pub fn findings(site: &Site, known: &Known) -> Markup {
    plain("Findings", site, &format!("{known:#?}"))
}

/// What somebody should explain.
pub fn exceptions(site: &Site, known: &Known) -> Markup {
    plain("To explain", site, &format!("{known:#?}"))
}

/// What the words mean, which keys there are.
pub fn help(site: &Site) -> Markup {
    plain("Help", site, "")
}

/// Why there is no page.
pub fn error(site: &Site, problem: &Problem) -> Markup {
    plain(problem.fault.title(), site, &format!("{problem:#?}"))
}
