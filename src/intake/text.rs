//! Foreign words, made fit for a record that never forgets: short, without e-mail addresses, and
//! without what looks like a secret.
//!
//! # Limits
//! A secret without a known beginning, in free text, is not recognised. So free text is kept only
//! where a person looks for it (a title, a summary), and never a body or a comment.

use crate::secret::BEGINNINGS;

/// Characters of a name: a ref, an account, an environment.
pub const MAX_NAME: usize = 512;
/// Characters of free text.
pub const MAX_TEXT: usize = 200;
/// Nothing behind this many bytes is looked at.
const MAX_READ: usize = 8192;

/// What stands in place of an e-mail address.
pub const ADDRESS: &str = "[e-mail]";
/// What stands in place of something that looks like a secret.
pub const SECRET: &str = "[secret]";

/// Words before `=` whose value is not shown.
const TELLING: &[&str] = &[
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "private",
    "credential",
    "auth",
];

/// A name, at most [`MAX_NAME`] characters; what was cut ends in `…`.
pub fn name(text: &str) -> String {
    cut(&clean(text), MAX_NAME)
}

/// Free text, at most [`MAX_TEXT`] characters; what was cut ends in `…`.
pub fn text(text: &str) -> String {
    cut(&clean(text), MAX_TEXT)
}

/// Scheme and host of a URL; nothing of what is none.
pub fn origin(url: &str) -> String {
    match plain_word(url).split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.split('/').next().unwrap_or_default();
            name(&format!("{scheme}://{host}"))
        }
        None => String::new(),
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
    }
}

/// The beginning of a text, word by word.
fn clean(text: &str) -> String {
    let mut end = text.len().min(MAX_READ);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let read = text.get(..end).unwrap_or_default();
    // most are one plain word
    if !read.contains(['@', '?', '#', '=', '-', '_'])
        && !BEGINNINGS.iter().any(|token| read.contains(token))
    {
        return with_mark(read, text.len() > end);
    }
    let mut out = String::with_capacity(read.len());
    let mut rest = read;
    while !rest.is_empty() {
        let space = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, more) = rest.split_at(space);
        if word.starts_with("-----BEGIN") {
            out.push_str(SECRET);
            return out;
        }
        out.push_str(&without_address(&plain_word(word)));
        let next = more
            .find(|c: char| !c.is_whitespace())
            .unwrap_or(more.len());
        let (gap, after) = more.split_at(next);
        out.push_str(gap);
        rest = after;
    }
    with_mark(&out, text.len() > end)
}

fn with_mark(text: &str, longer: bool) -> String {
    match longer {
        true => format!("{text}…"),
        false => text.to_owned(),
    }
}

/// One word without user, query and fragment of a URL, and without a token.
fn plain_word(word: &str) -> String {
    if let Some(at) = BEGINNINGS.iter().find_map(|token| token_at(word, token)) {
        return format!("{}{SECRET}", word.get(..at).unwrap_or_default());
    }
    if let Some((scheme, rest)) = word.split_once("://") {
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (host, path) = match rest.split_once('/') {
            Some((host, path)) => (host, format!("/{path}")),
            None => (rest, String::new()),
        };
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        return format!("{scheme}://{host}{path}");
    }
    if let Some((name, value)) = word.split_once('=') {
        let low = name.to_ascii_lowercase();
        if !value.is_empty() && TELLING.iter().any(|telling| low.contains(telling)) {
            return format!("{name}={SECRET}");
        }
    }
    word.to_owned()
}

/// Where a token begins: at the start of a run of letters and digits, and long enough to be one.
fn token_at(word: &str, token: &str) -> Option<usize> {
    word.match_indices(token).map(|(at, _)| at).find(|&at| {
        let before = word.get(..at).and_then(|before| before.chars().next_back());
        let length = word
            .get(at..)
            .unwrap_or_default()
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c))
            .count();
        before.is_none_or(|c| !c.is_ascii_alphanumeric()) && length >= 20
    })
}

/// One word with each e-mail address in it replaced.
fn without_address(word: &str) -> String {
    let local = |c: &char| c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-\"".contains(*c);
    let host = |c: &char| c.is_alphanumeric() || ".-".contains(*c);
    let mut out = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('@') {
        let (before, after) = (
            rest.get(..at).unwrap_or_default(),
            rest.get(at + 1..).unwrap_or_default(),
        );
        let left: usize = before
            .chars()
            .rev()
            .take_while(local)
            .map(char::len_utf8)
            .sum();
        let right: usize = after.chars().take_while(host).map(char::len_utf8).sum();
        let domain = after.get(..right).unwrap_or_default();
        let named = domain.split('.').skip(1).any(|label| {
            let letters = label.chars().take_while(|c| c.is_alphabetic()).count();
            letters >= 2
        });
        if left > 0 && named {
            out.push_str(before.get(..at - left).unwrap_or_default());
            out.push_str(ADDRESS);
            rest = after.get(right..).unwrap_or_default();
        } else {
            out.push_str(before);
            out.push('@');
            rest = after;
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_secrets_do_not_pass() {
        let key = "A".repeat(36);
        let cases = [
            ("fix the build", "fix the build"),
            ("refs/heads/main", "refs/heads/main"),
            ("by Ann <ann@acme.example>, done", "by Ann <[e-mail]>, done"),
            ("a@b.cd@e.fg", "[e-mail]@e.fg"),
            (
                "@octocat and foo@1.2.3 and @a/b@2",
                "@octocat and foo@1.2.3 and @a/b@2",
            ),
            ("mailto:x.y+z@a-b.co.uk\nnext", "mailto:[e-mail]\nnext"),
            ("é@ü.de", "[e-mail]"),
            (
                "see https://ann:pw@host.example/a/b?token=1#x end",
                "see https://host.example/a/b end",
            ),
            ("https://host.example?x=1", "https://host.example"),
            ("PASSWORD=hunter2 a=b", "PASSWORD=[secret] a=b"),
            (&format!("use ghp_{key} now"), "use [secret] now"),
            (&format!("x:github_pat_{key}"), "x:[secret]"),
            ("task-sk-learn", "task-sk-learn"),
            ("a -----BEGIN OPENSSH PRIVATE KEY----- b", "a [secret]"),
        ];
        for (given, expected) in cases {
            assert_eq!(text(given), expected, "{given}");
        }
    }

    #[test]
    fn of_an_address_that_can_hold_a_secret_the_host_is_kept() {
        for (url, expected) in [
            (
                "https://u:p@hooks.example:8443/T0/B0/abc?x#y",
                "https://hooks.example:8443",
            ),
            ("https://hooks.example?token=1", "https://hooks.example"),
            ("nothing", ""),
        ] {
            assert_eq!(origin(url), expected);
        }
    }

    #[test]
    fn what_is_long_is_cut_and_says_so() {
        assert_eq!(text(&"é".repeat(200)), "é".repeat(200));
        assert_eq!(text(&"é".repeat(201)), "é".repeat(199) + "…");
        assert_eq!(name(&"x".repeat(10_000)), "x".repeat(511) + "…");
        let late = format!("{} ann@acme.example", "x ".repeat(10_000));
        assert!(!name(&late).contains("acme"));
    }
}
