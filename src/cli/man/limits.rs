//! What each actor can still do and what nobody can detect, for the manual: the very words of
//! SECURITY.md, so that the two cannot differ.

use clap_mangen::roff::{Roff, bold, italic, roman};

const SECURITY: &str = include_str!("../../../SECURITY.md");

/// The sections of SECURITY.md that a user of the program must have read, as page sections.
pub fn sections() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["WHAT IS TRUSTED"]);
    paragraphs(&mut roff, part("What is trusted"));
    roff.control("SH", ["WHAT EACH ACTOR CAN STILL DO"]);
    actors(&mut roff, part("What each actor can still do"));
    roff.control("SH", ["WHAT NOBODY CAN DETECT"]);
    paragraphs(&mut roff, part("What nobody can detect"));
    roff
}

/// The text below a heading of the second level.
fn part(heading: &str) -> &'static str {
    SECURITY
        .split("\n## ")
        .find_map(|part| part.strip_prefix(heading)?.strip_prefix('\n'))
        .unwrap_or_default()
}

/// A row of the table becomes an item: the actor, then what each column says of it.
fn actors(roff: &mut Roff, table: &str) {
    let mut rows = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|row| row.split(" | ").collect::<Vec<_>>());
    let columns = rows.next().unwrap_or_default();
    for row in rows {
        let mut cells = columns.iter().zip(row);
        let Some((_, actor)) = cells.next() else {
            continue;
        };
        roff.control("TP", []);
        roff.text([bold(plain(actor))]);
        for (at, (column, cell)) in cells.filter(|(_, cell)| *cell != "–").enumerate() {
            if at > 0 {
                roff.control("br", []);
            }
            roff.text([italic(format!("{column}: ")), roman(plain(cell))]);
        }
    }
}

/// Paragraphs, and items that begin with a dash.
fn paragraphs(roff: &mut Roff, text: &str) {
    for block in text.trim().split("\n\n") {
        for item in block.split("\n- ") {
            let words: Vec<&str> = item.split_whitespace().collect();
            let joined = words.join(" ");
            match joined.strip_prefix("- ") {
                Some(first) => bullet(roff, first),
                None if block.starts_with("- ") => bullet(roff, &joined),
                None => {
                    roff.control("PP", []);
                    roff.text([roman(plain(&joined))]);
                }
            }
        }
    }
}

fn bullet(roff: &mut Roff, text: &str) {
    roff.control("IP", ["\\(bu", "2"]);
    roff.text([roman(plain(text))]);
}

/// Without the marks of Markdown.
fn plain(text: &str) -> String {
    text.replace("**", "").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_actor_and_every_limit_is_on_the_page() {
        let page = sections().to_roff();
        let rows = part("What each actor can still do")
            .lines()
            .filter(|line| line.starts_with("| "))
            .count();
        assert!(rows > 10, "{rows} rows");
        assert_eq!(page.matches("\n.TP").count(), rows - 1);
        let items = part("What nobody can detect").matches("- ").count();
        assert_eq!(page.matches("\n.IP").count(), items);
        assert!(!page.contains("**") && !page.contains('|'), "{page}");
    }
}
