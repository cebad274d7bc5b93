//! One entry, whole: what it says, who signed it, where it stands, what proves it.

use maud::{Markup, html};

use crate::commit::Link;
use crate::event::Event;
use crate::html::{self, badge, digest, facts, foreign, number, passage, time, tree};
use crate::json::{Object, Value};
use crate::merkle::hex;
use crate::query::What;
use crate::report::entries::{Standing, summary};
use crate::report::policy_change;

use super::super::answers::{EntryView, Known, Reviewed, Site};
use super::kind::kind;
use super::overview::class;
use super::parts::{self, Tab};
use super::rows::standing;

/// Attributes of an event that are shown apart from the others.
const APART: [&str; 6] = ["type", "subject", "source", "id", "specversion", "data"];
/// Reviews that are named.
const REVIEWS: usize = 3;
/// Related things that are offered.
const RELATED: usize = 40;

/// One entry.
pub fn entry(site: &Site, view: &EntryView) -> Markup {
    let base = site.known.as_ref().map(parts::base).unwrap_or_default();
    let name = view
        .position
        .map_or_else(|| "Entry ?".to_owned(), |at| format!("Entry {at}"));
    let main = html! {
        (steps(&base, view))
        h1 { @match view.position { Some(at) => { "Entry " (number(at)) }, None => (name) } }
        @match &view.row.selected.step.what {
            What::Entry(link) => (whole(site, &base, view, link)),
            What::Broken { finding, .. } => {
                section.panel.bad {
                    p.answer { (html::icon(html::State::Bad)) "no entry" }
                    p { strong { (finding.id.sentence()) } span.quiet { " (" (finding.id.name()) ")" } }
                    p { (foreign(&finding.detail)) }
                    (facts(&[("commit", digest("the commit", &view.row.selected.step.commit.to_string()))]))
                }
            }
        }
        (raw(&base, view))
    };
    parts::framed(site, &name, Some(Tab::Log), &main)
}

fn steps(base: &str, view: &EntryView) -> Markup {
    html! {
        nav.pages aria-label="Neighbours" {
            @match view.previous {
                Some(at) => a href=(parts::entry(base, at)) rel="prev" { "← Entry " (number(at)) },
                None => span.quiet { "the first" },
            }
            @match view.next {
                Some(at) => a href=(parts::entry(base, at)) rel="next" { "Entry " (number(at)) " →" },
                None => span.quiet { "the newest" },
            }
            @if let Some(at) = view.position {
                a.push href={ (base) "replay?at=" (at) } { "The state of things then" }
            }
        }
    }
}

fn whole(site: &Site, base: &str, view: &EntryView, link: &Link) -> Markup {
    let events = &link.entry.events;
    html! {
        (stands(site, base, view, link))
        @for (at, event) in events.iter().enumerate() {
            section aria-label={ "Event " (at + 1) } {
                h2 {
                    @if events.len() > 1 { span.quiet { "Event " (at + 1) " of " (events.len()) ": " } }
                    (kind(event.kind()))
                }
                (one(base, view, event, link))
            }
        }
        (policy(base, view))
        (related(base, view))
        (proof(site, base, view))
    }
}

/// Who, when, where: what is verified and what is claimed.
fn stands(site: &Site, base: &str, view: &EntryView, link: &Link) -> Markup {
    let (state, word) = standing(&view.row.standing);
    let why = view.row.standing.why();
    let claimed = !matches!(view.row.standing, Standing::Verified(_));
    let roles = match &view.roles {
        None => html! { span.quiet { "the policy in force cannot be read" } },
        Some(roles) if roles.is_empty() => html! { "its key is not in the policy in force" },
        Some(roles) => html! {
            @for role in roles { span.tag { (role.word()) } " " }
            @if claimed { span.quiet { "by the policy as claimed" } }
        },
    };
    let mut list = vec![
        (
            if claimed { "claimed by" } else { "signed by" },
            html! {
                a href=(parts::log(base, &crate::query::words::spell("signer", link.principal.as_str()))) { (link.principal.as_str()) }
            },
        ),
        ("roles", roles),
        (
            "key",
            html! { (link.signature.key().kind()) " " (digest("the key's fingerprint", &link.signature.key().fingerprint())) },
        ),
        (
            "recorded",
            html! { (time(link.time)) span.quiet { " by the signer's clock" } },
        ),
        (
            "number",
            html! {
                (number(link.entry.number()))
                @if let Some(position) = view.position.filter(|at| *at != link.entry.number()) {
                    " " (badge(html::State::Bad, "misplaced")) " it stands where entry " (number(position)) " should stand"
                }
            },
        ),
        (
            "digest",
            digest(
                "the entry's digest",
                &format!("sha256:{}", hex(&link.digest())),
            ),
        ),
        ("commit", digest("the commit", &link.id.to_string())),
        (
            "policy",
            digest(
                "the digest of the policy in force",
                &format!("sha256:{}", hex(&link.entry.policy)),
            ),
        ),
    ];
    if let Some(reviews) = site
        .known
        .as_ref()
        .and_then(|known| looked_at(base, view, known))
    {
        list.push(("looked at by", reviews));
    }
    if !link.entry.approvals.is_empty() {
        let names: Vec<&str> = link
            .entry
            .approvals
            .iter()
            .map(|approval| approval.principal.as_str())
            .collect();
        list.push(("agreed to by", html! { (names.join(", ")) }));
    }
    html! {
        section class={ "panel " (class(state)) } aria-label="Standing" {
            p.answer { (html::icon(state)) (word) }
            @if !why.is_empty() { p { (foreign(&why)) } }
            @if view.row.standing == Standing::Claimed { p { "Nobody has verified this entry yet: all of it is what it claims." } }
            (facts(&list))
        }
    }
}

/// The newest reviews that say they cover this entry.
fn looked_at(base: &str, view: &EntryView, known: &Known) -> Option<Markup> {
    let at = view.position?;
    let reviews = known.totals.as_ref()?.reviews.iter().rev();
    let covering: Vec<&Reviewed> = reviews
        .filter(|review| (review.first..=review.last).contains(&at))
        .take(REVIEWS)
        .collect();
    (!covering.is_empty()).then(|| html! {
        @for review in covering {
            div { (foreign(&review.principal)) " (" (review.outcome.word()) "), as " (parts::entry_link(base, review.number)) " claims" }
        }
    })
}

fn one(base: &str, view: &EntryView, event: &Event, link: &Link) -> Markup {
    let says = summary(event);
    let lead = |text: &str| leads(base, text);
    let mut list: Vec<(&str, Markup)> = Vec::new();
    if let Some(subject) = event.subject() {
        list.push((
            "subject",
            html! { a href=(parts::trace(base, subject)) { (foreign(subject)) } },
        ));
    }
    list.push(("source", html! { (foreign(event.source())) }));
    if let Some(claimed) = event.attribute("time") {
        let same = claimed == crate::date::rfc3339(link.time);
        list.push(("happened", html! { (foreign(claimed)) span.quiet { @if same { ", as recorded" } @else { ", as claimed" } } }));
    }
    list.push(("id", html! { code { (foreign(event.id())) } }));
    let mut others = Object::new();
    for (name, value) in event
        .object()
        .iter()
        .filter(|(name, _)| !APART.contains(name) && *name != "time")
    {
        others.set(name, value.clone());
    }
    html! {
        @if !says.is_empty() { p.lead { (foreign(&says)) } }
        (facts(&list))
        @if let Some(data) = event.data() {
            h3 { "Data" }
            div.panel { (tree(data, &lead)) }
        }
        @if others.iter().next().is_some() {
            h3 { "Other attributes" }
            div.panel { (tree(&Value::from(others), &lead)) }
        }
        @if let Some(hex) = event.attachment() {
            h3 { "Attachment" }
            (attachment(view, hex))
        }
        details {
            summary { "The event's own line" }
            pre tabindex="0" { code { (passage(event.line(), 4000)) } }
        }
    }
}

fn attachment(view: &EntryView, hex: &str) -> Markup {
    let size = view.attachments.iter().find(|(known, _)| known == hex);
    html! {
        p {
            (digest("the attachment's digest", &format!("sha256:{hex}"))) " "
            @match size {
                Some((_, Some(size))) => (html::count(*size, "byte", "bytes")),
                Some((_, None)) => (badge(html::State::Doubt, "cannot be read")),
                None => span.quiet { "not looked for" },
            }
        }
        p.quiet { "Its bytes are a file of the entry's tree: " code { "git cat-file blob COMMIT:attachments/" (hex) } "." }
    }
}

/// Object ids and digests lead to what else happened to them.
fn leads(base: &str, text: &str) -> Option<String> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let fits = matches!(digits.len(), 40 | 64)
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        && digits.bytes().any(|byte| byte != b'0');
    fits.then(|| parts::trace(base, text))
}

fn policy(base: &str, view: &EntryView) -> Markup {
    let Some((before, after)) = &view.policy else {
        return html! {};
    };
    html! {
        section {
            h2 { "What it changes in the policy" }
            @match after {
                Some(after) => (html::diff(&policy_change::lines(before.as_ref(), after))),
                None => p { "The policy it sets cannot be read." },
            }
            @if let Some(at) = view.position { p { a href={ (base) "policy/" (at) } { "This change in full" } } }
        }
    }
}

fn related(base: &str, view: &EntryView) -> Markup {
    if view.related.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Related" }
            p.quiet { "What else happened to what this entry names." }
            dl.facts {
                @for (key, value) in view.related.iter().take(RELATED) {
                    div { dt { (key) } dd { a href=(parts::trace(base, value)) { (super::replay::shortened(value)) } } }
                }
            }
            @if view.related.len() > RELATED { p.quiet { "and " (view.related.len() - RELATED) " more" } }
        }
    }
}

fn proof(site: &Site, base: &str, view: &EntryView) -> Markup {
    let Some(at) = view.position else {
        return html! {};
    };
    let pinned = site
        .known
        .as_ref()
        .and_then(|known| known.judged.as_ref())
        .and_then(|judged| judged.verdict.fingerprint);
    html! {
        section {
            h2 { "Proof" }
            p { "A file that shows to anybody who knows the fingerprint that this entry is in the ledger, without the ledger." }
            p { a href={ (parts::entry(base, at)) "/proof" } download { "Download the proof of entry " (number(at)) } }
            p { "To check it: " code { "git ledger check-proof FILE --fingerprint "
                @match pinned { Some(fingerprint) => { "sha256:" (hex(&fingerprint)) }, None => "FINGERPRINT" }
            } }
            p.quiet { "Take the fingerprint from whoever vouches for the ledger, not from this page." }
        }
    }
}

fn raw(base: &str, view: &EntryView) -> Markup {
    let Some(bytes) = &view.raw else {
        return html! { p.quiet { "The commit's bytes cannot be read." } };
    };
    let text = String::from_utf8_lossy(bytes);
    html! {
        section {
            h2 { "Raw commit" }
            details {
                summary { (html::count(bytes.len() as u64, "byte", "bytes")) }
                pre tabindex="0" { code { @for line in text.split('\n').take(2000) { (foreign(line)) "\n" } } }
            }
            @if let Some(at) = view.position { p { a href={ (parts::entry(base, at)) "/raw" } { "As plain text" } } }
        }
    }
}
