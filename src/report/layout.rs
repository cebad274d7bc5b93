//! Text that keeps to its place on a terminal: measured, cut, folded and painted.
//!
//! # Limits
//! Widths are those of most terminals, not of Unicode's whole table; what is in doubt counts as
//! wide, so a line is rather too short than too long.

/// How text is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Whether to use colour.
    pub colour: bool,
    /// Columns of a line.
    pub width: usize,
}

/// What a stretch of text is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// Names an entry.
    Name,
    /// Checked, and it holds.
    Good,
    /// Broken.
    Bad,
    /// Not checked.
    Faint,
}

impl Look {
    /// Paints text that has been made printable already.
    pub fn paint(&self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Name => "33",
            Ink::Good => "32",
            Ink::Bad => "1;31",
            Ink::Faint => "2",
        };
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[m")
        } else {
            text.to_owned()
        }
    }
}

/// Columns a character takes.
fn columns(character: char) -> usize {
    match character as u32 {
        0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5bd | 0x610..=0x61a | 0x64b..=0x65f => 0,
        0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe20..=0xfe2f => 0,
        0..=0x10ff => 1,
        0x2000..=0x22ff | 0x2400..=0x25ff => 1,
        _ => 2,
    }
}

/// The text, cut to so many columns; what was cut shows as `…`.
pub fn cut(text: &str, width: usize) -> String {
    let (mut taken, mut out) = (0, String::new());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let more = columns(character);
        let room = width.saturating_sub(usize::from(rest.peek().is_some()));
        if taken + more > room {
            out.push('…');
            break;
        }
        taken += more;
        out.push(character);
    }
    out
}

/// The text in lines of at most so many columns, each after `indent` spaces, so that no part of
/// it comes to stand at the left edge.
pub fn fold(text: &str, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
    let (mut out, mut line, mut taken) = (String::new(), String::new(), 0);
    let margin = " ".repeat(indent);
    for word in text.split_inclusive(' ') {
        let long: usize = word.trim_end().chars().map(columns).sum();
        if taken > 0 && taken + long > room {
            out += &format!("{margin}{}\n", line.trim_end());
            (line, taken) = (String::new(), 0);
        }
        for character in word.chars() {
            if taken + columns(character) > room && character != ' ' {
                out += &format!("{margin}{line}\n");
                (line, taken) = (String::new(), 0);
            }
            line.push(character);
            taken += columns(character);
        }
    }
    out + &format!("{margin}{}\n", line.trim_end())
}

/// A count with its noun.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_to_their_width() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("漢字漢字", 5), "漢字…");
        assert_eq!(cut("", 5), "");
        let folded = fold(&"x".repeat(50), 4, 24);
        assert_eq!(
            folded,
            format!(
                "    {x}\n    {x}\n    {}\n",
                "x".repeat(10),
                x = "x".repeat(20)
            )
        );
        assert_eq!(
            fold("one two three four five", 4, 24),
            "    one two three four\n    five\n"
        );
    }
}
