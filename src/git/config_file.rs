//! The grammar of one git configuration file: text in, keys and values in their order out.
//!
//! Sections and names come out in lower case, subsections as they are, as git compares them.

/// One `name = value` of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// `section.name` or `section.subsection.name`.
    pub key: Vec<u8>,
    /// The value; none for a name that stands alone, which means true.
    pub value: Option<Vec<u8>>,
}

/// Reads a whole file; the error is the number of the line that cannot be read.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Line>, usize> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut cursor = Cursor {
        text,
        at: 0,
        line: 1,
    };
    let mut section: Option<Vec<u8>> = None;
    let mut lines = Vec::new();
    while let Some(byte) = cursor.next() {
        match byte {
            b'#' | b';' => cursor.skip_line(),
            b'[' => section = Some(cursor.section().ok_or(cursor.line)?),
            b if b.is_ascii_whitespace() => {}
            b if b.is_ascii_alphabetic() => {
                let before = cursor.line;
                let mut key = section.clone().ok_or(before)?;
                key.push(b'.');
                key.push(b.to_ascii_lowercase());
                let value = cursor.name_and_value(&mut key).ok_or(before)?;
                lines.push(Line { key, value });
            }
            _ => return Err(cursor.line),
        }
    }
    Ok(lines)
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl Cursor<'_> {
    /// The next byte, CR LF read as LF.
    fn next(&mut self) -> Option<u8> {
        let mut byte = *self.text.get(self.at)?;
        self.at += 1;
        if byte == b'\r' && self.peek() == Some(b'\n') {
            self.at += 1;
            byte = b'\n';
        }
        if byte == b'\n' {
            self.line += 1;
        }
        Some(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|b| b != b'\n') {}
    }

    /// After `[`: the rest of a section header.
    fn section(&mut self) -> Option<Vec<u8>> {
        let mut name = Vec::new();
        loop {
            match self.next()? {
                b']' if !name.is_empty() => return Some(name),
                b' ' | b'\t' if !name.is_empty() => break,
                b if b.is_ascii_alphanumeric() || b == b'-' || b == b'.' => {
                    name.push(b.to_ascii_lowercase());
                }
                _ => return None,
            }
        }
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        if self.next()? != b'"' {
            return None;
        }
        name.push(b'.');
        loop {
            match self.next()? {
                b'"' => break,
                b'\n' => return None,
                b'\\' => match self.next()? {
                    b'\n' => return None,
                    b => name.push(b),
                },
                b => name.push(b),
            }
        }
        (self.next()? == b']').then_some(name)
    }

    /// After the first letter of a name: the rest of it and its value.
    fn name_and_value(&mut self, key: &mut Vec<u8>) -> Option<Option<Vec<u8>>> {
        while let Some(b) = self.peek() {
            if !b.is_ascii_alphanumeric() && b != b'-' {
                break;
            }
            key.push(b.to_ascii_lowercase());
            self.at += 1;
        }
        loop {
            match self.next() {
                Some(b' ' | b'\t') => {}
                None | Some(b'\n') => return Some(None),
                Some(b'=') => return self.value().map(Some),
                Some(_) => return None,
            }
        }
    }

    /// After `=`: the value, with quotes, escapes, comments and continued lines undone.
    fn value(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        let mut quoted = false;
        // Spaces at the end count only if something follows them.
        let mut keep = 0;
        loop {
            let byte = match self.next() {
                None | Some(b'\n') if quoted => return None,
                None | Some(b'\n') => break,
                Some(b) => b,
            };
            match byte {
                b' ' | b'\t' | 0x0b | 0x0c | b'\r' if !quoted => {
                    if !value.is_empty() || keep > 0 {
                        value.push(byte);
                    }
                    continue;
                }
                b'#' | b';' if !quoted => {
                    self.skip_line();
                    break;
                }
                b'"' => quoted = !quoted,
                b'\\' => match self.next()? {
                    b'\n' => continue,
                    b't' => value.push(b'\t'),
                    b'n' => value.push(b'\n'),
                    b'b' => value.push(8),
                    b @ (b'"' | b'\\') => value.push(b),
                    _ => return None,
                },
                b => value.push(b),
            }
            keep = value.len();
        }
        value.truncate(keep);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, Option<String>)> {
        let string = |b: Vec<u8>| String::from_utf8(b).unwrap();
        parse(text.as_bytes())
            .unwrap()
            .into_iter()
            .map(|l| (string(l.key), l.value.map(string)))
            .collect()
    }

    #[test]
    fn reads_what_git_reads() {
        let text = "# c\n[Core]\n\tBare = false ; c\n flag\n[remote \"Or\\\"igin.x\"] url = \
                    \"a # b\" c  \n[a]b=x\\\n y\\t\"z \"\r\n[old.Sub] k=v";
        let want = [
            ("core.bare", Some("false")),
            ("core.flag", None),
            ("remote.Or\"igin.x.url", Some("a # b c")),
            ("a.b", Some("x y\tz ")),
            ("old.sub.k", Some("v")),
        ];
        let got = read(text);
        assert_eq!(got.len(), want.len(), "{got:?}");
        for ((key, value), (want_key, want_value)) in got.iter().zip(want) {
            assert_eq!((key.as_str(), value.as_deref()), (want_key, want_value));
        }
    }

    #[test]
    fn names_the_line_it_cannot_read() {
        for (text, line) in [
            ("k = v", 1),
            ("[a]\nk = \"open", 2),
            ("[a]\n\n=", 3),
            ("[a \"b]", 1),
            ("[]", 1),
            ("[a]\nk = \\q", 2),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(line), "{text:?}");
        }
    }
}
