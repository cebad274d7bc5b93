//! Who may write, and how that changed.

use maud::{Markup, html};

use crate::html::{State, badge, count, diff, foreign};

use super::super::view::View;
use super::moment;

pub(super) fn policy(view: View<'_>) -> Markup {
    let changes = view.list("policy.changes");
    let to = view.count("scope.to");
    html! {
        section #policy {
            h2 { "Policy and keys" }
            @if view.is_there("policy.threshold") {
                p { "At entry " (to) ": " (count(view.count("policy.threshold"), "admin", "admins"))
                    " must agree to a change of this table." }
                (signers(view))
                (failures(view))
            } @else { p { (badge(State::Doubt, "unread")) " The policy at the end of the range could not be read." } }
            h3 { "Changes in the range" }
            @if changes.len() == 0 { p { "None." } }
            @for change in changes {
                div.change {
                    p { strong { "Entry " (change.count("number")) } ", " (moment(change.text("time"))) ", signed by "
                        (foreign(change.text("signer"))) " " code.key { (foreign(change.text("key"))) }
                        @let approvals = change.texts("approvals");
                        @if !approvals.is_empty() { ", with the agreement of " (foreign(&approvals.join(", "))) } }
                    @if change.is_there("unread") { p.quiet { "It could not be read: " (foreign(change.text("unread"))) } }
                    @let lines: Vec<String> = change.texts("lines").iter().map(|line| (*line).to_owned()).collect();
                    (diff(&lines))
                }
            }
            @let more = view.count("policy.more_changes");
            @if more > 0 { p.quiet { "and " (more) " more; 'git ledger policy log' shows all" } }
        }
    }
}

fn signers(view: View<'_>) -> Markup {
    html! {
        div.scroll role="region" aria-label="Keys" tabindex="0" {
            table {
                caption.heard { "Keys" }
                thead { tr {
                    th scope="col" { "Who" } th scope="col" { "Key" } th scope="col" { "May write" }
                    th scope="col" { "State" } th.count scope="col" { "Signed here" }
                } }
                tbody { @for row in view.list("policy.signers") {
                    @let state = match row.text("state") {
                        "live" => State::Good,
                        "retired" => State::Claimed,
                        _ => State::Bad,
                    };
                    @let types = row.texts("types");
                    tr {
                        th scope="row" { (foreign(row.text("principal"))) }
                        td { code.key { (foreign(row.text("key"))) } br; span.quiet { (foreign(row.text("kind"))) } }
                        td { (foreign(&row.texts("roles").join(", "))) br;
                            span.quiet { @if types.is_empty() { "every type" } @else { (foreign(&types.join(", "))) } } }
                        td { (badge(state, row.text("state"))) }
                        td.count { (row.count("signed")) }
                    }
                } }
            }
        }
    }
}

/// What becomes of events that cannot be recorded.
fn failures(view: View<'_>) -> Markup {
    let rows = view.list("policy.failures");
    html! {
        @if rows.len() > 0 {
            p { "Of events that cannot be recorded, " @for (at, row) in rows.enumerate() {
                @if at > 0 { "; " }
                (foreign(&row.texts("types").join(", "))) " "
                @match row.text("mode") {
                    "closed" => "stop what they report",
                    "spool" => "wait",
                    other => (foreign(other)),
                }
            } "." }
        }
    }
}
