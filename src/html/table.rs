//! Tables that a reader of any kind can follow, and lists of facts.

use maud::{Markup, html};

/// A table with a caption, a head, and rows whose first cell names them. It scrolls by itself
/// where it is wider than the screen.
pub fn table(caption: &str, head: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div.scroll role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead { tr { @for cell in head { th scope="col" { (cell) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (at, cell) in row.iter().enumerate() {
                                @if at == 0 { th scope="row" { (cell) } }
                                @else { td data-label=(head.get(at).copied().unwrap_or_default()) { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Names and what goes with them; what is empty is left out by whoever makes the list.
pub fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in facts {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}
