//! The name under which somebody signs.

use std::fmt;

/// A principal: `[a-z0-9]([a-z0-9._+@:/-]{0,62}[a-z0-9])?`, so 1 to 64 bytes of ASCII that need
/// no quoting in a commit header, in `allowed_signers` or in TOML.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal(String);

impl Principal {
    /// Reads a principal; `None` when the text is not one.
    pub fn parse(text: &str) -> Option<Principal> {
        let edge = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let inside = |b: &u8| edge(b) || b"._+@:/-".contains(b);
        let bytes = text.as_bytes();
        let fits = bytes.len() <= 64
            && bytes.first().is_some_and(edge)
            && bytes.last().is_some_and(edge)
            && bytes.iter().all(inside);
        fits.then(|| Principal(text.to_owned()))
    }

    /// The nearest principal to some text, such as an e-mail address; `None` when nothing of it
    /// can stand in one.
    pub fn nearest(text: &str) -> Option<Principal> {
        let lower = text.to_ascii_lowercase();
        let kept: String = lower
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "._+@:/-".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .take(64)
            .collect();
        Principal::parse(kept.trim_matches(|c: char| !c.is_ascii_alphanumeric()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar() {
        let long = format!("a{}b", "-".repeat(62));
        for good in ["a", "0", "ci@acme", "a.b_c+d@e:f/g-h", long.as_str()] {
            assert!(Principal::parse(good).is_some(), "{good}");
        }
        let longer = format!("a{}b", "-".repeat(63));
        for bad in [
            "",
            "-a",
            "a-",
            "A",
            "a b",
            "a<b",
            "é",
            "a\n",
            longer.as_str(),
        ] {
            assert!(Principal::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(
            Principal::nearest("Ann O'Hara <Ann@X.io>")
                .map(|p| p.to_string())
                .as_deref(),
            Some("ann-o-hara--ann@x.io")
        );
    }
}
