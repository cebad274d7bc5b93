//! What the words mean, which keys there are, and what a page cannot tell.

use maud::{Markup, html};

use crate::html::{State, badge, table};
use crate::query::key::{Feature, Key};

use super::super::answers::Site;
use super::parts;

/// The keys of the keyboard.
const KEYS: &[(&[&str], &str)] = &[
    (&["/"], "to the search field; Escape leaves it"),
    (&["j", "k"], "next and previous row; Enter opens it"),
    (&["←", "→"], "previous and next entry, step or page"),
    (&["Home", "End"], "first and last step of a replay"),
    (&["p"], "pause or go live in the log"),
    (
        &["g", "o"],
        "overview; then l log, t trace, r replay, p policy, f findings, e exceptions, h ledgers",
    ),
    (&["?"], "this page"),
];

/// Words of the filter that are no keys.
const BOUNDS: &[(&str, &str)] = &[
    (
        "n:17, 10..20",
        "The entry's number, or a range (also number:). A range stands for itself; to look for digits write text:17.",
    ),
    (
        "since:, until:",
        "Recorded at this time or later, or earlier (also after:, before:): 2026-01-31, 2026-01-31T12:00:00Z, @1769860800, \"2 weeks ago\", 2w, today.",
    ),
    (
        "text:",
        "A text, where it could be taken for something else.",
    ),
];

/// What the words mean, which keys there are.
pub fn help(site: &Site) -> Markup {
    let main = html! {
        (parts::heading("Help", "How to ask, what the answers mean, what no page can tell."))
        (words())
        (filter())
        section {
            h2 id="keys" { "Keys" }
            p { button type="button" hidden data-keys {} }
            table {
                caption { "What single keys do, where scripts run" }
                thead { tr { th scope="col" { "Keys" } th scope="col" { "Go" } } }
                tbody {
                    @for (keys, what) in KEYS {
                        tr { th scope="row" { @for key in *keys { kbd { (key) } " " } } td { (what) } }
                    }
                }
            }
        }
        section {
            h2 id="limits" { "What a page cannot tell" }
            ul {
                li { "A page is no evidence. Whoever runs this server, or stands between it and you, can show what they like. Take a proof from an entry's page and check it yourself, or run " code { "git ledger verify" } " in a clone of yours." }
                li { "Entries say what their signers wrote. That an entry is sound means that this signer wrote it, when the chain was at this place, and was allowed to; not that it is true." }
                li { "Times are those of the signers' clocks. The order of the entries is the ledger's own." }
                li { "Whether newer entries exist that were kept from this copy, only other copies tell: see the detection window." }
                li { "What nobody recorded is not here. Gaps, unfinished steps and deliveries that never came are shown where they show; silence is not." }
            }
        }
    };
    parts::framed(site, "Help", None, &main)
}

fn words() -> Markup {
    let rows = [
        (
            State::Good,
            "sound",
            "All of it was checked from the bytes, and every rule holds.",
        ),
        (
            State::Bad,
            "breach",
            "A rule is broken. It is named, with the first entry it concerns.",
        ),
        (
            State::Doubt,
            "unknown",
            "Something could not be checked, and nothing that was is broken.",
        ),
        (
            State::Claimed,
            "claimed",
            "Nobody has verified it yet, or it is what an event says of itself.",
        ),
        (
            State::Good,
            "verified",
            "Of an entry: signed by whom it names, who was allowed to, in an unbroken chain up to here.",
        ),
        (
            State::Doubt,
            "unverified",
            "Of an entry: it stands behind a breach, or could not be judged.",
        ),
    ];
    let rows: Vec<Vec<Markup>> = rows
        .into_iter()
        .map(|(state, word, means)| vec![badge(state, word), html! { (means) }])
        .collect();
    html! {
        section {
            h2 id="words" { "What the words mean" }
            (table("Answers", &["Word", "Means"], &rows))
            dl.facts {
                div { dt { "fingerprint" } dd { "The digest of entry 0. Who knows it cannot be shown another ledger." } }
                div { dt { "tip" } dd { "The digest of the newest entry. Who keeps it sees later whether anything before it was rewritten." } }
                div { dt { "detection window" } dd { "How long ago the newest entry was made that two independent copies hold. What is newer could be rewritten and nobody would see it." } }
                div { dt { "finding" } dd { "One thing that is wrong with the record itself." } }
                div { dt { "exception" } dd { "Something in what was recorded that somebody should explain. The record is sound all the same." } }
            }
        }
    }
}

fn filter() -> Markup {
    let features = Feature::names().join(", ");
    html! {
        section {
            h2 id="filter" { "The filter" }
            p { "A filter is words with spaces between them: " code { "type:dev.cdevents.service.* env:prod actor:alice since:2w \"hotfix\" -outcome:success" }
                ". A word is " code { "key:value" } ", a range of numbers, or a text to look for. A value is exact, or goes up to a final " code { "*" }
                ". Of several values for one key one must fit; different keys, and every text, must all fit, and one event must fit all of it. A " code { "-" } " in front turns a word round." }
            p { "A text is found where its letters and digits follow each other as whole words, whatever their case; a final " code { "*" }
                " lets the last one go on. Quotes hold a text together and take every meaning from what is inside. Data in attachments is not looked into. An entry that cannot be read passes every filter but a range." }
            div.scroll.stack role="region" aria-label="Words of the filter" tabindex="0" {
                table {
                    caption { "The same words as of " code { "git ledger log" } ", " code { "export" } " and the API" }
                    thead { tr { th scope="col" { "Word" } th scope="col" { "Asks for" } th scope="col" { "Looks into" } } }
                    tbody {
                        @for key in Key::all() {
                            tr {
                                th scope="row" { code { (key.name()) ":" } }
                                td data-label="Asks for" { (key.meaning().trim_end_matches(" In:").trim_end_matches(':')) }
                                td data-label="Looks into" { @for member in key.members() { code { (member) } " " } }
                            }
                        }
                        @for (word, means) in BOUNDS { tr { th scope="row" { code { (word) } } td { (means) } td {} } }
                        tr { th scope="row" { code { "has:" } } td { (features) ", or any key: the event has a value of it." } td {} }
                    }
                }
            }
        }
    }
}
