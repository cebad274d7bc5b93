//! Foreign text made safe to look at.

/// The text with everything a terminal would obey, or a reader would not see, spelled out as
/// `<U+001B>`: controls, line and paragraph separators, bidi controls, zero-width characters,
/// tags and variation selectors, and more than three combining marks in a row.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for character in text.chars() {
        marks = if is_combining(character) {
            marks + 1
        } else {
            0
        };
        if is_hidden(character) || marks > 3 {
            out.push_str(&format!("<U+{:04X}>", character as u32));
        } else {
            out.push(character);
        }
    }
    out
}

/// Bytes that should be text, made safe to look at.
pub fn printable_bytes(bytes: &[u8]) -> String {
    printable(&String::from_utf8_lossy(bytes))
}

/// Text as part of a URI: every byte but letters, digits and those that are `kept` as `%XX`
/// (RFC 3986 §2.1).
pub fn percent(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Bytes of a URI that mean themselves everywhere in it (RFC 3986 §2.3), besides letters and digits.
pub const UNRESERVED: &[u8] = b"-._~";

/// Characters that move, reorder or hide others (Unicode categories Cc, Cf, Zl, Zp and the
/// fillers that show as nothing).
pub fn is_hidden(character: char) -> bool {
    matches!(character as u32,
        0..=0x1f | 0x7f..=0x9f | 0xad | 0x34f | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x115f..=0x1160
        | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
        | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x110bd | 0x110cd
        | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff)
}

fn is_combining(character: char) -> bool {
    matches!(character as u32,
        0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5bd | 0x610..=0x61a | 0x64b..=0x65f | 0x1ab0..=0x1aff
        | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe20..=0xfe2f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_raw() {
        assert_eq!(printable("plain é 漢字"), "plain é 漢字");
        assert_eq!(
            printable("\u{1b}[2J\r\n\u{8}"),
            "<U+001B>[2J<U+000D><U+000A><U+0008>"
        );
        assert_eq!(
            printable("a\u{202e}b\u{2066}c\u{200b}"),
            "a<U+202E>b<U+2066>c<U+200B>"
        );
        assert_eq!(printable_bytes(b"\x9b\xff"), "\u{fffd}\u{fffd}");
        assert!(printable(&"\u{301}".repeat(1000)).starts_with("\u{301}\u{301}\u{301}<U+0301>"));
    }
}
