//! The frame around a page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::merkle;

use super::foreign::foreign;

/// How every page looks.
pub const STYLE: &str = include_str!("style.css");
/// What pages do besides, where scripts run: keys, copying, live rows.
pub const APP: &str = include_str!("app.js");
/// The mark of the program.
pub const ICON: &str = include_str!("icon.svg");

/// The program and its version, at the foot.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A link of the navigation.
#[derive(Debug, Clone)]
pub struct Link<'a> {
    /// Its words.
    pub words: &'a str,
    /// Its address.
    pub address: String,
    /// The key that follows `g` and goes there.
    pub key: char,
    /// Whether this is where the reader is.
    pub here: bool,
}

/// What stands around a page of the server.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    /// The title, most particular words first; foreign text is welcome.
    pub title: &'a str,
    /// Name and address of the ledger it is about.
    pub ledger: Option<(&'a str, String)>,
    /// The navigation.
    pub links: Vec<Link<'a>>,
    /// Who reads, if somebody vouches for it.
    pub reader: Option<&'a str>,
}

/// A page of the server.
pub fn page(frame: &Frame<'_>, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                (meta(frame.title))
                link rel="stylesheet" href="/assets/style.css";
                link rel="icon" type="image/svg+xml" href="/assets/icon.svg";
                script src="/assets/app.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/" data-key="h" { (mark()) span { "git ledger" } }
                    @if let Some((name, address)) = &frame.ledger {
                        a.ledger href=(address) { (foreign(name)) }
                    }
                    nav aria-label="Pages" {
                        ul {
                            @for link in &frame.links {
                                li { a href=(link.address) data-key=(link.key) aria-current=[link.here.then_some("page")] { (link.words) } }
                            }
                            li.help { a href="/help" data-key="?" { "Help" } }
                        }
                    }
                }
                main #main tabindex="-1" { (main) }
                footer.foot {
                    p { "git-ledger " (VERSION) ". This page only shows; it changes nothing, and it is no evidence: a proof, a receipt or your own "
                        code { "git ledger verify" } " is." }
                    @if let Some(reader) = frame.reader { p { "Shown to " (foreign(reader)) ", as whoever stands in front of this server says." } }
                }
            }
        }
    }
}

/// One file that opens anywhere, without a network and without scripts; `styles` come after that
/// of all pages.
pub fn offline(title: &str, styles: &[&str], main: &Markup) -> Markup {
    let all = || std::iter::once(&STYLE).chain(styles);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta http-equiv="Content-Security-Policy" content=(policy(all()));
                (meta(title))
                // no style holds a character that HTML would take for another
                @for text in all() { style { (PreEscaped(text)) } }
            }
            body.offline {
                a.skip href="#main" { "Skip to the content" }
                header.top { span.brand { (mark()) span { "git ledger" } } }
                main #main tabindex="-1" { (main) }
                footer.foot { p { "git-ledger " (VERSION) } }
            }
        }
    }
}

/// What a file that opens offline may load: its own styles, known by their digests.
fn policy<'a>(styles: impl Iterator<Item = &'a &'a str>) -> String {
    let digest = |style: &&str| {
        let digest = BASE64.encode(merkle::sha256(style.as_bytes()));
        format!(" 'sha256-{digest}'")
    };
    let digests: String = styles.map(digest).collect();
    format!(
        "default-src 'none'; style-src{digests}; img-src data:; base-uri 'none'; form-action 'none'"
    )
}

fn meta(title: &str) -> Markup {
    html! {
        meta charset="utf-8";
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="color-scheme" content="light dark";
        meta name="referrer" content="no-referrer";
        title { (foreign_title(title)) }
    }
}

/// A title is text without elements.
fn foreign_title(title: &str) -> String {
    super::plain(title) + " · git ledger"
}

/// The mark, drawn in the colour of the text around it.
fn mark() -> Markup {
    html! {
        svg.mark width="20" height="20" viewBox="0 0 20 20" aria-hidden="true" focusable="false" {
            rect x="2" y="2" width="7" height="7" rx="1.5" {}
            rect x="11" y="2" width="7" height="7" rx="1.5" {}
            rect x="2" y="11" width="7" height="7" rx="1.5" {}
            path d="M12 15l2 2 4-5" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_landmarks_and_nothing_inline() {
        let link = Link {
            words: "Log",
            address: "/l/a/log".into(),
            key: 'l',
            here: true,
        };
        let frame = Frame {
            title: "</title><script>\u{202e}",
            ledger: Some(("<b>acme", "/l/a/".into())),
            links: vec![link],
            reader: Some("eve\u{202e}"),
        };
        let page = page(&frame, &html! { h1 { "x" } }).into_string();
        insta::assert_snapshot!(page);
        assert!(!page.contains("style=") && !page.contains("<style"));
    }

    #[test]
    fn the_offline_file_allows_its_own_style_only() {
        let page = offline("Report", &[], &html! {}).into_string();
        let digest = BASE64.encode(merkle::sha256(STYLE.as_bytes()));
        assert!(
            page.contains(&format!("style-src &#39;sha256-{digest}&#39;"))
                || page.contains(&format!("style-src 'sha256-{digest}'"))
        );
        assert!(page.contains(STYLE), "as it is digested");
        assert!(
            !page.contains("<script") && !page.contains("src=\"") && !page.contains("href=\"/")
        );
        assert!(!STYLE.contains("</") && !STYLE.contains("url(") && !STYLE.contains("@import"));
    }

    #[test]
    fn the_script_makes_no_markup_of_text() {
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "http",
        ] {
            assert!(!APP.contains(word), "{word}");
        }
    }
}
