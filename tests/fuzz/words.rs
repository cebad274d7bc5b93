//! Lines of hooks, and the small words of people and configurations.

use std::path::Path;

use git_ledger::date::rfc3339;
use git_ledger::entry::{decimal, parse_hex};
use git_ledger::escape::{is_hidden, printable, printable_bytes};
use git_ledger::git::RemoteUrl;
use git_ledger::hook::transaction::{self, Holds, Side};
use git_ledger::hook::{self, Refusal};
use git_ledger::merkle::hex;
use git_ledger::principal::Principal;
use git_ledger::query::{Pattern, Span};
use gix::hash::Kind as Format;

/// What git hands to its hooks for receiving and for ref transactions, in both object formats.
pub fn hook(input: &[u8]) {
    for format in [Format::Sha1, Format::Sha256] {
        match hook::parse(input, format) {
            Ok(updates) => {
                let lines = updates.iter().flat_map(|update| {
                    let ids = format!("{} {} ", update.old, update.new).into_bytes();
                    [ids, update.name.clone(), b"\n".to_vec()].concat()
                });
                assert_eq!(lines.collect::<Vec<u8>>(), input);
            }
            Err(refusal) => one_line(&refusal),
        }
        match transaction::parse(input, format) {
            Ok(lines) => {
                let text = lines.iter().flat_map(|line| {
                    let parts = [side(&line.old), side(&line.new), line.name.clone()];
                    [parts.join(&b' '), b"\n".to_vec()].concat()
                });
                assert_eq!(text.collect::<Vec<u8>>(), input);
                let nothing = |_: &[u8]| Ok::<_, ()>(Holds::default());
                let changes = transaction::changes(&lines, |_| true, nothing).expect("read");
                assert!(changes.iter().all(|update| update.old != update.new));
            }
            Err(refusal) => one_line(&refusal),
        }
    }
}

fn side(side: &Side) -> Vec<u8> {
    match side {
        Side::Object(id) => id.to_string().into_bytes(),
        Side::Symbolic(target) => [b"ref:", target.as_slice()].concat(),
    }
}

/// A refusal is printable, and as many lines as it says.
fn one_line(refusal: &Refusal) {
    let text = refusal.to_string();
    assert_eq!(text.lines().count(), 1 + refusal.hints.len());
    assert!(
        text.bytes()
            .all(|b| b == b'\n' || (b' '..=b'~').contains(&b))
    );
}

/// Text for terminals, addresses, principals, ranges, patterns, numbers.
pub fn words(input: &[u8]) {
    let shown = printable_bytes(input);
    assert!(!shown.chars().any(is_hidden));
    assert_eq!(printable(&shown), shown);
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(url) = RemoteUrl::parse(text, Path::new("/srv")) {
        assert!(!url.as_str().starts_with('-') && !url.as_str().contains('\0'));
        assert_eq!(
            RemoteUrl::parse(url.as_str(), Path::new("/srv")),
            Ok(url.clone())
        );
        assert!(!url.host().is_some_and(|host| host.starts_with('-')));
        url.local_path();
        url.redacted();
    }
    if let Some(principal) = Principal::parse(text) {
        assert_eq!(principal.as_str(), text);
    }
    if let Some(near) = Principal::nearest(text) {
        assert_eq!(Principal::parse(near.as_str()), Some(near));
    }
    if let Some(span) = Span::parse(text) {
        let inside = span.from.or(span.to).expect("a side");
        assert!(span.holds(inside), "{text}");
    }
    if let Some(number) = decimal(text) {
        assert_eq!(number.to_string(), text);
        rfc3339(number);
    }
    if let Some(hash) = parse_hex(text) {
        assert_eq!(hex(&hash), text);
    }
    if let Some((pattern, word)) = text.split_once('\n') {
        let fits = Pattern::new(pattern).fits(word);
        assert!(!pattern.is_empty() || word.is_empty() || !fits);
    }
}
