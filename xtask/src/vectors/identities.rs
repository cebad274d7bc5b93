//! Authors and committers that are not spelled `P <P> T +0000`, or differ.

use super::Vectors;
use super::commits::head;
use super::world::*;

pub fn add(to: &mut Vectors) {
    let (ci, time) = ("ci@acme.example", (START + 2).to_string());
    let both = |from: &str, by: &str| {
        let (from, by) = (from.to_owned(), by.to_owned());
        move |_: &Chain, commit: Commit| {
            let text = String::from_utf8(commit.head.clone()).expect("text");
            assert!(text.contains(&from), "{from}");
            Commit {
                head: text.replace(&from, &by).into(),
                ..commit
            }
        }
    };
    let long = format!("a{}b", "-".repeat(63));
    let who = format!("{ci} <{ci}>");
    for (name, from, by, comment) in [
        (
            "display_name",
            who.clone(),
            format!("CI Bot <{ci}>"),
            "a name for people",
        ),
        (
            "mail_differs",
            who.clone(),
            format!("{ci} <bot@acme.example>"),
            "name and address differ",
        ),
        (
            "no_brackets",
            who.clone(),
            format!("{ci} {ci}"),
            "no brackets",
        ),
        ("empty", who.clone(), " <>".into(), "an empty principal"),
        (
            "upper",
            who.clone(),
            "CI <CI>".into(),
            "an upper-case principal",
        ),
        (
            "edge",
            who.clone(),
            "ci- <ci->".into(),
            "a principal that ends in a hyphen",
        ),
        (
            "too_long",
            who.clone(),
            format!("{long} <{long}>"),
            "a principal of 65 bytes",
        ),
        (
            "escape",
            who.clone(),
            "ci\u{1b}[31m <ci\u{1b}[31m>".into(),
            "a terminal escape in the principal",
        ),
        (
            "two_spaces",
            who.clone(),
            format!("{ci}  <{ci}>"),
            "two spaces",
        ),
        (
            "zone",
            " +0000".into(),
            " +0100".into(),
            "another time zone",
        ),
        (
            "zone_minus",
            " +0000".into(),
            " -0000".into(),
            "the zone -0000",
        ),
        ("no_zone", " +0000".into(), String::new(), "no time zone"),
        (
            "time_padded",
            time.clone(),
            format!("0{}", &time[1..]),
            "a time padded with a zero",
        ),
        (
            "time_negative",
            time.clone(),
            "-1".into(),
            "a negative time",
        ),
        (
            "time_plus",
            time.clone(),
            format!("+{time}"),
            "a time with a plus sign",
        ),
        (
            "time_11_digits",
            time.clone(),
            "10000000000".into(),
            "a time of 11 digits",
        ),
        ("time_empty", time.clone(), String::new(), "no time"),
        (
            "time_fraction",
            time.clone(),
            format!("{time}.0"),
            "a time with a fraction",
        ),
    ] {
        head(
            to,
            &format!("identity_{name}"),
            "identityMalformed",
            comment,
            both(&from, &by),
        );
    }
    head(
        to,
        "identity_author_malformed",
        "identityMalformed",
        "the author alone has a name for people",
        |_, c| c.head(&format!("author {ci}"), "author CI Bot"),
    );
    head(
        to,
        "identity_committer_malformed",
        "identityMalformed",
        "the committer alone has a name for people",
        |_, c| c.head(&format!("committer {ci}"), "committer CI Bot"),
    );
    head(
        to,
        "identity_other_author",
        "identityMismatch",
        "written by alice, committed by ci",
        |_, commit| {
            let alice = format!("author {p} <{p}>", p = ALICE.principal);
            commit.head(&format!("author {who}"), &alice)
        },
    );
    head(
        to,
        "identity_other_time",
        "identityMismatch",
        "author and committer have other times",
        |_, commit| commit.head(&time, &(START + 1).to_string()),
    );
}
