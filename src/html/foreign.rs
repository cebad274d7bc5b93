//! Foreign text in a page.

use maud::{Markup, PreEscaped, html};

use crate::escape::{is_hidden, printable};

/// Foreign text in a line: escaped, and what would move, reorder or hide other text spelled out as
/// on a terminal (`<U+202E>`), marked so that nobody takes the spelling for the text itself.
pub fn foreign(text: &str) -> Markup {
    PreEscaped(spelled(text, ""))
}

/// Foreign text that may be long and have lines: the first `most` characters, the rest folded
/// away. A block, not for use within a paragraph.
pub fn passage(text: &str, most: usize) -> Markup {
    let (head, rest) = split(text, most);
    html! {
        @if rest.is_empty() {
            div.passage { (PreEscaped(spelled(head, "<br>"))) }
        } @else {
            details.passage {
                summary {
                    (PreEscaped(spelled(head, "<br>")))
                    span.more { "… " (rest.chars().count()) " more characters" }
                }
                (PreEscaped(spelled(rest, "<br>")))
            }
        }
    }
}

/// Foreign text where no mark can stand: in a title or another attribute.
pub fn plain(text: &str) -> String {
    printable(text)
}

/// Cuts after so many characters; a few over the edge are not worth a fold.
fn split(text: &str, most: usize) -> (&str, &str) {
    let at = |count: usize| text.char_indices().nth(count).map(|(at, _)| at);
    match (at(most), at(most.saturating_add(most / 4))) {
        (Some(cut), Some(_)) => text.split_at(cut),
        _ => (text, ""),
    }
}

/// What [`printable`] spells differently is a hidden character; it decides, so that a page and a
/// terminal show the same. `after_line` follows each line feed.
fn spelled(text: &str, after_line: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        // printable counts combining marks in a row, so it is handed whole stretches
        let end = rest.find(is_hidden).unwrap_or(rest.len());
        let (clear, more) = rest.split_at(end);
        marks(&printable(clear), clear, &mut out);
        let mut characters = more.chars();
        let Some(hidden) = characters.next() else {
            return out;
        };
        mark(&printable(hidden.encode_utf8(&mut [0; 4])), &mut out);
        if hidden == '\n' {
            out.push_str(after_line);
        }
        rest = characters.as_str();
    }
}

/// A stretch without hidden characters; where marks heap up, printable spells them.
fn marks(printable: &str, clear: &str, out: &mut String) {
    if printable == clear {
        escape(clear, out);
    } else {
        mark(printable, out);
    }
}

fn mark(text: &str, out: &mut String) {
    out.push_str("<span class=\"hidden-char\">");
    escape(text, out);
    out.push_str("</span>");
}

fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        foreign(text).into_string()
    }

    #[test]
    fn nothing_of_it_becomes_markup() {
        assert_eq!(shown("plain é 漢字"), "plain é 漢字");
        assert_eq!(
            shown("</td><script>alert('1')</script>&amp;\""),
            "&lt;/td&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;&quot;"
        );
    }

    #[test]
    fn what_hides_is_shown_and_marked() {
        assert_eq!(
            shown("a\u{202e}b\u{200b}"),
            "a<span class=\"hidden-char\">&lt;U+202E&gt;</span>b\
             <span class=\"hidden-char\">&lt;U+200B&gt;</span>"
        );
        // the spelling itself, written by somebody, bears no mark
        assert_eq!(shown("<U+202E>"), "&lt;U+202E&gt;");
        let heaped = shown(&"\u{301}".repeat(9));
        assert!(heaped.contains("&lt;U+0301&gt;"), "{heaped}");
    }

    #[test]
    fn long_text_is_folded_where_it_is_worth_it() {
        let block = |text: &str| passage(text, 8).into_string();
        assert_eq!(block("one\ntwo").matches("<br>").count(), 1);
        assert!(!block("123456789").contains("<details"));
        let folded = block(&"漢".repeat(100));
        assert!(folded.contains("92 more characters"), "{folded}");
        assert_eq!(folded.matches('漢').count(), 100);
    }
}
