//! What was recorded, in a build's summary: Markdown that a web page shows.
//!
//! A branch name or a subject can hold any markup; so whatever is foreign stands inside `<code>`,
//! where hosts look for no mentions, with every character but letters, digits and spaces as a
//! number (CommonMark: such a character is never markup).

use crate::commit::Link;
use crate::escape::printable;
use crate::event::Pending;
use crate::merkle::hex;

/// How many entries or events one command tells; a summary has a limit of its own (GitHub: 1 MiB
/// a step).
const MOST: usize = 50;
/// How many characters of one foreign word are told.
const LONGEST: usize = 120;

/// A list of entries, ended by an empty line.
pub fn recorded<'a>(links: impl ExactSizeIterator<Item = &'a Link>) -> String {
    list(links, |link| {
        let events = &link.entry.events;
        let first = events.first();
        let more = match events.len() {
            0 | 1 => String::new(),
            many => format!(" and {} more", many - 1),
        };
        format!(
            "ledger entry **{}**: {}{}{more}, digest <code>sha256:{}</code>, commit <code>{}</code>",
            link.entry.number(),
            code(first.map_or("", |event| event.kind())),
            first
                .and_then(|event| event.attribute("subject"))
                .map(|subject| format!(" {}", code(subject)))
                .unwrap_or_default(),
            hex(&link.digest()),
            link.id,
        )
    })
}

/// A list of events that wait, ended by an empty line.
pub fn spooled(pending: &[Pending], why: &str) -> String {
    let list = list(pending.iter(), |pending| {
        format!(
            "**not recorded yet**, waits in the spool: {} {}",
            code(pending.event.kind()),
            code(pending.event.id())
        )
    });
    format!("{list}Why: {}\n\n", code(why))
}

fn list<'a, T: 'a>(
    items: impl ExactSizeIterator<Item = &'a T>,
    line: impl Fn(&T) -> String,
) -> String {
    let left = items.len().saturating_sub(MOST);
    let mut text: String = items
        .take(MOST)
        .map(|item| format!("- {}\n", line(item)))
        .collect();
    if left > 0 {
        text += &format!("- and {left} more\n");
    }
    text + "\n"
}

/// Foreign text that shows as what it is.
fn code(text: &str) -> String {
    let mut shown = String::from("<code>");
    let mut characters = printable(text)
        .chars()
        .take(LONGEST + 1)
        .collect::<Vec<_>>();
    let cut = characters.len() > LONGEST;
    characters.truncate(LONGEST);
    for character in characters {
        if character.is_ascii_alphanumeric() || character == ' ' {
            shown.push(character);
        } else {
            shown += &format!("&#{};", character as u32);
        }
    }
    shown + if cut { "…</code>" } else { "</code>" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_foreign_is_markup() {
        let hostile = "`|<img src=x>](http://x)\n# @all ::error:: \u{202e}é";
        assert_eq!(
            code(hostile),
            "<code>&#96;&#124;&#60;img src&#61;x&#62;&#93;&#40;http&#58;&#47;&#47;x&#41;\
             &#60;U&#43;000A&#62;&#35; &#64;all &#58;&#58;error&#58;&#58; &#60;U&#43;202E&#62;\
             &#233;</code>"
        );
        let long = code(&"a".repeat(1000));
        assert_eq!(long, format!("<code>{}…</code>", "a".repeat(LONGEST)));
        assert_eq!(code(&"a".repeat(LONGEST)).matches('…').count(), 0);
    }

    #[test]
    fn a_long_list_is_cut() {
        let items = [7u8; MOST + 3];
        let text = list(items.iter(), |item| item.to_string());
        assert_eq!(text.matches("- 7\n").count(), MOST);
        assert!(text.ends_with("- and 3 more\n\n"), "{text}");
    }
}
