//! What is wrong with a ledger: each finding with its sentence, evidence, first entry, and what to
//! do; both tips of a fork side by side.

use maud::{Markup, html};

use crate::finding::{Finding, FindingId, Severity};
use crate::freshness::{KEEP, UNSEEN};
use crate::html::{State, badge, digest, foreign, icon, number};

use super::super::answers::{Known, Site};
use super::overview::class;
use super::parts::{self, Tab, sentence};
use super::remotes;

/// Findings shown before the rest is counted.
const SHOWN: usize = 200;

/// What is wrong, with evidence.
pub fn findings(site: &Site, known: &Known) -> Markup {
    let base = parts::base(known);
    let told = parts::told(known);
    let all = known
        .judged
        .as_ref()
        .map(|judged| judged.verdict.findings.as_slice())
        .unwrap_or_default();
    let comparison = known
        .remotes
        .as_ref()
        .and_then(|remotes| remotes.comparison.as_ref().ok());
    let here = comparison
        .map(|comparison| comparison.about_here.as_slice())
        .unwrap_or_default();
    let troubled = comparison.is_some_and(|comparison| {
        comparison
            .copies
            .iter()
            .any(|copy| !copy.findings.is_empty())
    });
    let main = html! {
        h1 { "Findings" }
        section class={ "panel " (class(told.state)) } {
            p.answer { (icon(told.state)) (told.word) }
            p { (told.sentences) }
        }
        h2 { "In this copy" }
        @if all.is_empty() && here.is_empty() {
            p { @if known.judged.is_some() { "Nothing was found." } @else { "Nothing was found yet; the verification is not done." } }
        }
        @for finding in here.iter().chain(all).take(SHOWN) { (one(&base, finding)) }
        @if all.len() + here.len() > SHOWN {
            p { "and " (number((all.len() + here.len() - SHOWN) as u64)) " more; " code { "git ledger verify --json" } " lists all." }
        }
        h2 { "In the copies elsewhere" }
        @match comparison {
            None if known.mirrors == 0 => p { "No mirror is configured: nothing but this copy would show a rewrite." },
            None => p.quiet { "No remote has answered yet." },
            Some(comparison) => {
                @for copy in &comparison.copies { (remotes::trouble(copy)) }
                @if !troubled { p { "Nothing was found." } }
            }
        }
        h2 { "What no page can show" }
        p { (sentence(UNSEEN)) " " (sentence(KEEP)) }
    };
    parts::framed(site, "Findings", Some(Tab::Findings), &main)
}

fn one(base: &str, finding: &Finding) -> Markup {
    let state = match finding.severity() {
        Severity::Breach => State::Bad,
        Severity::Unknown => State::Doubt,
        Severity::Note => State::Claimed,
    };
    html! {
        section class={ "panel " (class(state)) } {
            h3 { (badge(state, finding.severity().word())) " " (sentence(finding.id.sentence())) }
            p { (foreign(&finding.detail)) }
            p.quiet {
                code { (finding.id.name()) }
                @match finding.at {
                    Some(at) => { " · " (parts::entry_link(base, at)) },
                    None => { " · about the ledger" },
                }
                @if let Some(commit) = finding.commit { " · commit " a href={ (base) "commit/" (commit) } { (digest("the commit", &commit.to_string())) } }
            }
            @if let Some(advice) = advice(finding.id) { p { strong { "What to do. " } (advice) } }
        }
    }
}

/// What somebody who meets it does first.
fn advice(id: FindingId) -> Option<&'static str> {
    use FindingId as F;
    Some(match id {
        F::ObjectMissing | F::ObjectCorrupt | F::AttachmentUnreadable => {
            "Look whether another copy is whole: 'git ledger compare' asks the remotes, 'git ledger \
             mirror pull NAME' fetches what is missing here. 'git fsck' tells whether more of the \
             repository is damaged."
        }
        F::SignatureBad
        | F::RangeMismatch
        | F::SequenceGap
        | F::HistoryRewritten
        | F::RolledBack
        | F::FingerprintMismatch => {
            "Do not write to this copy. Compare it with the others ('git ledger compare'), keep what \
             you find ('git ledger evidence export FILE'), and ask who could write to this repository."
        }
        F::CompromisedEntry => {
            "An admin looks at the entry and either vouches for it in the policy ('git ledger policy \
             compromise --vouch') or leaves it in doubt; nothing else makes it sound."
        }
        F::Shallow => "Fetch the rest: 'git fetch --unshallow'.",
        F::SpecUnsupported => "Verify with a newer git-ledger.",
        F::Stale | F::MirrorStale => {
            "Ask whether nothing happened or nothing is recorded; heartbeat entries tell the two apart."
        }
        F::MarkUnreadable | F::MarkMissing | F::MarkAltered => {
            "Somebody or something changed what this clone remembered. Compare with the remotes, and \
             with a tip that was kept elsewhere."
        }
        F::EventRepeated | F::EventConflict | F::ReplaceRefs | F::Grafts | F::Alternates => {
            return None;
        }
        id if id.severity() == Severity::Breach => {
            "Look at the entry: who signed it, with what program? Everything from there on stands on \
             it. 'git ledger compare' tells whether the other copies have it too."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn every_breach_has_advice() {
        for id in FindingId::ALL
            .iter()
            .filter(|id| id.severity() == Severity::Breach)
        {
            assert!(advice(*id).is_some(), "{id}");
        }
    }
}
