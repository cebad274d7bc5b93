//! Who may write what, and how that came to be: each change as a readable difference.

use maud::{Markup, html};

use crate::html::{self, badge, diff, digest, facts, foreign, table, time};
use crate::merkle::hex;
use crate::policy::Policy;
use crate::query::What;
use crate::report::entries::Standing;
use crate::report::policy_change::{lines, warnings};

use super::super::answers::{PolicyChange, PolicyHistory, Row, Site};
use super::parts::{self, Tab};
use super::rows::standing;

/// All changes of the policy.
pub fn policy(site: &Site, history: &PolicyHistory) -> Markup {
    let base = site.known.as_ref().map(parts::base).unwrap_or_default();
    let main = html! {
        h1 { "Policy" }
        @if let Some(now) = history.changes.first().and_then(|change| change.after.as_ref()) { (in_force(now)) }
        h2 { "How it came to be" }
        @if !history.complete { p { "Older entries are still being read: not all changes are here yet." } }
        @if history.changes.is_empty() { p.quiet { "No entry that sets a policy has been read." } }
        @for change in &history.changes { (changed(&base, change, true)) }
    };
    parts::framed(site, "Policy", Some(Tab::Policy), &main)
}

/// One change of the policy.
pub fn policy_change(site: &Site, change: &PolicyChange) -> Markup {
    let base = site.known.as_ref().map(parts::base).unwrap_or_default();
    let number = change.row.number().unwrap_or(0);
    let title = format!("Policy of entry {number}");
    let main = html! {
        p.pages { a href={ (base) "policy" } { "All changes of the policy" } a href=(parts::entry(&base, number)) { "The entry itself" } }
        h1 { (title) }
        (changed(&base, change, false))
        @if let Some(after) = &change.after {
            (in_force(after))
            h2 { "ledger.toml" }
            details {
                summary { "The file as the entry holds it" }
                pre tabindex="0" { code { @for line in after.to_toml().lines() { (foreign(line)) "\n" } } }
            }
        }
    };
    parts::framed(site, &title, Some(Tab::Policy), &main)
}

fn changed(base: &str, change: &PolicyChange, titled: bool) -> Markup {
    let number = change.row.number().unwrap_or(0);
    html! {
        section.panel id={ "entry-" (number) } {
            @if titled {
                h3 { a href={ (base) "policy/" (number) } { @if number == 0 { "Created by entry 0" } @else { "Changed by entry " (html::number(number)) } } }
            }
            (agreed(base, change))
            @match (&change.before, &change.after) {
                (_, None) => p { "The policy that this entry sets cannot be read." },
                (before, Some(after)) => {
                    (diff(&lines(before.as_ref(), after)))
                    @let thoughts = before.as_ref().map(|before| warnings(before, after)).unwrap_or_default();
                    @if !thoughts.is_empty() {
                        ul { @for thought in thoughts { li { (html::icon(html::State::Doubt)) " " (foreign(&thought)) } } }
                    }
                }
            }
        }
    }
}

/// Who signed and who agreed, and how many had to.
fn agreed(base: &str, change: &PolicyChange) -> Markup {
    let row: &Row = &change.row;
    let What::Entry(link) = &row.selected.step.what else {
        return html! { p { (badge(html::State::Bad, "broken")) " The entry cannot be read." } };
    };
    let (state, word) = standing(&row.standing);
    let verified = matches!(row.standing, Standing::Verified(_));
    let names: Vec<&str> = link
        .entry
        .approvals
        .iter()
        .map(|approval| approval.principal.as_str())
        .collect();
    let wanted = change.before.as_ref().map(|before| before.threshold);
    html! {
        p {
            (badge(state, word)) " " (time(link.time)) ", "
            @if verified { "signed by " } @else { "claimed by " }
            strong { (link.principal.as_str()) }
            @if !names.is_empty() { ", agreed to by " strong { (names.join(", ")) } }
            @if let Some(wanted) = wanted { span.quiet { "; " (html::count(wanted, "admin", "admins")) " had to agree" } }
            " · " (parts::entry_link(base, row.number().unwrap_or(0)))
        }
    }
}

/// A policy in a table.
fn in_force(policy: &Policy) -> Markup {
    let rows: Vec<Vec<Markup>> = policy
        .signers
        .iter()
        .map(|signer| {
            let compromised = policy.compromised.iter().find(|row| row.key == signer.key);
            vec![
                html! { (signer.principal.as_str()) },
                html! { @for role in &signer.roles { span.tag { (role.word()) } " " } },
                html! { @if signer.types.is_empty() { span.quiet { "every type of its roles" } } @else { @for kind in &signer.types { code { (foreign(kind)) } " " } } },
                html! { (signer.key.kind()) " " (digest("the key's fingerprint", &signer.key.fingerprint())) },
                html! {
                    @match compromised {
                        Some(row) => { (badge(html::State::Bad, "compromised")) " since entry " (html::number(row.since)) }
                        None if signer.retired => { span.quiet { "retired" } }
                        None => { "signs" }
                    }
                },
            ]
        })
        .collect();
    let mut list = vec![
        ("name", html! { (foreign(&policy.name)) }),
        ("id", html! { code { (foreign(&policy.id)) } }),
        (
            "digest",
            digest(
                "the policy's digest",
                &format!("sha256:{}", hex(&policy.digest())),
            ),
        ),
        (
            "threshold",
            html! { (policy.threshold) " of " (policy.admins().len()) " admins must agree to a change" },
        ),
    ];
    if !policy.mirrors.is_empty() {
        list.push(("mirrors", html! { ul { @for mirror in &policy.mirrors { li { (foreign(&mirror.name)) ", " (foreign(&mirror.url)) } } } }));
    }
    html! {
        h2 { "Who may write what" }
        (facts(&list))
        div.stack { (table("Keys, by principal", &["Principal", "Roles", "Types", "Key", "State"], &rows)) }
    }
}
