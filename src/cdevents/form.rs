//! What may stand in a member of an event's content.

use std::fmt;

use crate::json::Value;

/// What may stand in a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A text, be it empty.
    Text,
    /// A text that is not empty.
    Name,
    /// A URI with its scheme (RFC 3986).
    Uri,
    /// A URI reference, with or without a scheme (RFC 3986).
    Reference,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// An object; its members stand in the table by themselves.
    Object,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Form::Text => f.write_str("a text"),
            Form::Name => f.write_str("a text that is not empty"),
            Form::Uri => f.write_str("a URI, as in https://ci.example/run/7"),
            Form::Reference => f.write_str("a URI reference (RFC 3986)"),
            Form::Word(words) => write!(f, "one of {}", words.join(", ")),
            Form::Texts => f.write_str("a list of texts"),
            Form::Object => f.write_str("an object"),
        }
    }
}

impl Form {
    /// Whether this value may stand there.
    pub fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Form::Texts, Value::Array(items)) => {
                items.iter().all(|item| matches!(item, Value::String(_)))
            }
            (Form::Object, Value::Object(_)) => true,
            (Form::Text, Value::String(_)) => true,
            (Form::Name, Value::String(text)) => !text.is_empty(),
            (Form::Uri, Value::String(text)) => is_reference(text) && scheme(text).is_some(),
            (Form::Reference, Value::String(text)) => !text.is_empty() && is_reference(text),
            (Form::Word(words), Value::String(text)) => words.contains(&text.as_str()),
            _ => false,
        }
    }
}

/// The scheme of a URI, without the colon; none where a path or nothing stands before it.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let mut bytes = scheme.bytes();
    let first = bytes.next()?;
    (first.is_ascii_alphabetic()
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)))
    .then_some(scheme)
}

/// Whether this is a URI reference by the grammar of RFC 3986, section 4.1.
pub(super) fn is_reference(text: &str) -> bool {
    let (rest, fragment) = match text.split_once('#') {
        Some((rest, fragment)) => (rest, Some(fragment)),
        None => (text, None),
    };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    let hier = match scheme(rest) {
        Some(scheme) => rest.get(scheme.len() + 1..).unwrap_or_default(),
        None => {
            // a colon in the first segment would make a scheme of it
            let first = rest.split('/').next().unwrap_or_default();
            if first.contains(':') {
                return false;
            }
            rest
        }
    };
    let path = match hier.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            if !is_authority(authority) {
                return false;
            }
            path
        }
        None => hier,
    };
    holds(path, b":@/")
        && query.is_none_or(|query| holds(query, b":@/?"))
        && fragment.is_none_or(|fragment| holds(fragment, b":@/?"))
}

/// `[userinfo@]host[:port]`
fn is_authority(text: &str) -> bool {
    let (user, host) = match text.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", text),
    };
    let (host, port) = match host.strip_prefix('[') {
        Some(inside) => {
            let Some((address, rest)) = inside.split_once(']') else {
                return false;
            };
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            match rest {
                "" => ("", ""),
                rest => match rest.strip_prefix(':') {
                    Some(port) => ("", port),
                    None => return false,
                },
            }
        }
        None => host.split_once(':').unwrap_or((host, "")),
    };
    holds(user, b":") && holds(host, b"") && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a part holds only unreserved characters, sub-delims, escapes and these.
fn holds(part: &str, more: &[u8]) -> bool {
    let mut bytes = part.bytes();
    while let Some(byte) = bytes.next() {
        let plain = byte.is_ascii_alphanumeric()
            || b"-._~!$&'()*+,;=".contains(&byte)
            || more.contains(&byte);
        let mut digit = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
        let taken = plain || (byte == b'%' && digit() && digit());
        if !taken {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_by_the_grammar() {
        for good in [
            "",
            "/",
            "a/b:c",
            "https://ci.example:8443/run/7?x=1#y",
            "pkg:oci/myapp@sha256%3A0b31?tag=a/b",
            "ssh://git@host/acme/payments.git",
            "urn:uuid:1",
            "//host",
            "https://[::1]:80/",
            "mailto:a@b",
        ] {
            assert!(is_reference(good), "{good}");
        }
        for bad in [
            "a b",
            "git@host:acme/payments",
            "1a:b",
            "https://host/%zz",
            "https://host/%a",
            "https://[::1",
            "https://[x]/",
            "https://host:x/",
            "a#b#c",
            "caf\u{e9}",
            "https://a/\u{7f}",
            "[",
            "a|b",
        ] {
            assert!(!is_reference(bad), "{bad}");
        }
        assert!(!Form::Uri.takes(&Value::from("/run/7")));
        assert!(!Form::Uri.takes(&Value::from("//host/run/7")));
        assert!(Form::Uri.takes(&Value::from("https://ci.example/run/7")));
        assert!(!Form::Reference.takes(&Value::from("")));
    }
}
