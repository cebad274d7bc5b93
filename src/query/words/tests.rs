//! What words mean, and where the finger points when they mean nothing.

use super::*;

fn clock(text: &str, edge: Edge) -> Option<u64> {
    match (text, edge) {
        ("2w" | "2 weeks ago", _) => Some(1000),
        ("day", Edge::Begin) => Some(100),
        ("day", Edge::End) => Some(199),
        _ => None,
    }
}

fn read(line: &str) -> Filter {
    parse(line, &clock).unwrap_or_else(|fault| panic!("{line}: {fault}"))
}

/// The fault with the line and the finger below.
fn fault(line: &str) -> String {
    let fault = parse(line, &clock).expect_err(line);
    let chars = |range: Range<usize>| line.get(range).map_or(0, |text| text.chars().count());
    let finger = "^".repeat(chars(fault.at.clone()).max(1));
    let indent = " ".repeat(chars(0..fault.at.start));
    let hint = fault.hint.map_or(String::new(), |hint| format!("\n{hint}"));
    format!("{}\n{line}\n{indent}{finger}{hint}", fault.why)
}

fn is(key: Key, text: &str) -> Test {
    Test::Is(key, Pattern::new(text))
}

#[test]
fn keys_texts_times_and_ranges() {
    let line = r#"type:dev.cdevents.service.* env:prod actor:alice since:2w "hot fix" -outcome:success 10..20"#;
    let filter = read(line);
    assert_eq!(
        filter.groups(),
        [
            vec![is(Key::Type, "dev.cdevents.service.*")],
            vec![is(Key::Env, "prod")],
            vec![is(Key::Actor, "alice")],
            vec![Test::Says(Phrase::new("hot fix", false).unwrap())],
        ]
    );
    assert_eq!(filter.refused(), [is(Key::Outcome, "success")]);
    assert_eq!(filter.times(), (Some(1000), None));
    assert_eq!(
        filter.reach(),
        Span {
            from: Some(10),
            to: Some(20)
        }
    );
    assert!(!filter.is_empty());
    assert!(read("  \t ").is_empty());
}

#[test]
fn several_of_one_key_are_alternatives_and_texts_are_not() {
    let filter = read("env:prod env:test has:env has:ref fix hot 1 5..6");
    let groups: Vec<usize> = filter.groups().iter().map(Vec::len).collect();
    assert_eq!(groups, [2, 2, 1, 1]);
    assert_eq!(filter.spans.len(), 2);
    assert_eq!(
        filter.reach(),
        Span {
            from: Some(1),
            to: Some(6)
        }
    );
    // both bounds hold
    assert_eq!(
        read("since:day since:2w until:day").times(),
        (Some(1000), Some(199))
    );
}

#[test]
fn quotes_take_the_meaning_from_everything() {
    assert_eq!(
        read(r#"subject:"a b*""#).groups(),
        [[Test::Is(Key::Subject, Pattern::exact("a b*"))]]
    );
    assert_eq!(read(r#""17""#).groups(), read("text:17").groups());
    assert_eq!(read("17").spans.len(), 1);
    let says = |text: &str| [[Test::Says(Phrase::new(text, false).unwrap())]];
    assert_eq!(read(r#""env:prod""#).groups(), says("env prod"));
    assert_eq!(read(r#""-a""#).groups(), says("a"));
    assert_eq!(
        read(r#"subject:"a\"b\\c\d""#).groups(),
        [[is(Key::Subject, r#"a"b\c\d"#)]]
    );
    // what is no word before its colon is a text, and so is what a search engine would obey
    assert_eq!(read("10:30").groups(), says("10:30"));
    assert_eq!(read("NEAR(a,b) OR").groups().len(), 2);
    assert_eq!(
        read("hot*").groups(),
        [[Test::Says(Phrase::new("hot", true).unwrap())]]
    );
    assert_eq!(read(r#"-"hot fix" -hot"#).refused().len(), 2);
}

#[test]
fn ids_may_be_shortened() {
    assert_eq!(read("commit:8A1F").groups(), [[is(Key::Commit, "8a1f*")]]);
    assert_eq!(
        read("sha:8a1f77ab*").groups(),
        [[is(Key::Commit, "8a1f77ab*")]]
    );
    assert_eq!(
        read("digest:sha256:abcd").groups(),
        [[is(Key::Digest, "abcd*")]]
    );
    insta::assert_snapshot!(fault("x commit:main"), @r"
    'main' is no commit
    x commit:main
             ^^^^
    write 4 to 64 hex digits, the first of it or all
    ");
}

#[test]
fn the_finger_points_at_the_word() {
    insta::assert_snapshot!(fault("env:prod actr:alice"), @r"
    no key is called 'actr'
    env:prod actr:alice
             ^^^^
    did you mean 'actor:'?
    ");
    insta::assert_snapshot!(fault("ünd -Typ:x"), @r"
    no key is called 'Typ'
    ünd -Typ:x
         ^^^
    did you mean 'type:'?
    ");
    insta::assert_snapshot!(fault("pkg:oci/payments"), @r#"
    no key is called 'pkg'
    pkg:oci/payments
    ^^^
    keys are type, source, subject, id, signer, actor, env, repo, ref, commit, run, outcome, digest, artifact, n, since, until, has, text; to look for the text itself write '"pkg:oci/payments"'
    "#);
    insta::assert_snapshot!(fault("sha256:abcd"), @r"
    no key is called 'sha256'
    sha256:abcd
    ^^^^^^
    write digest:abcd
    ");
    insta::assert_snapshot!(fault("a since:soon b"), @r#"
    'soon' is no date that is understood here
    a since:soon b
            ^^^^
    write 2026-01-31, 2026-01-31T12:00:00Z, @1769860800, "2 weeks ago" or 2w
    "#);
    insta::assert_snapshot!(fault("a -since:2w"), @r"
    'since:' cannot be turned round
    a -since:2w
             ^^
    write until:
    ");
    insta::assert_snapshot!(fault("a has:legs"), @r"
    'legs' is nothing an entry can have
    a has:legs
          ^^^^
    has: takes attachment, data, approval, type, source, subject, id, signer, actor, env, repo, ref, commit, run, outcome, digest, artifact
    ");
    insta::assert_snapshot!(fault("env: prod"), @r"
    'env:' has no value
    env: prod
    ^^^^
    ");
    insta::assert_snapshot!(fault("a 20..10"), @r"
    '20..10' is no range of numbers
    a 20..10
      ^^^^^^
    write 17, 10..20, 10.. or ..20; 'git ledger show' takes commits and digests
    ");
    insta::assert_snapshot!(fault("a \"b c"), @r#"
    a quote is never closed
    a "b c
      ^^^^
    "#);
    insta::assert_snapshot!(fault("\"a\"b"), @r#"
    something stands right behind a closing quote
    "a"b
       ^
    put a space between, or \" for a quote inside
    "#);
    for (line, why) in [
        ("***", "'***' has no letter or digit to look for"),
        ("a -", "there is no word here"),
        ("\"\"", "there is no word here"),
        ("..", "'..' is no range of numbers"),
        ("1...2", "'1...2' is no range of numbers"),
        (
            "\u{202e}:x \u{202e}",
            "'\u{202e}' has no letter or digit to look for",
        ),
    ] {
        assert_eq!(parse(line, &clock).expect_err(line).why, why);
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let long = "a".repeat(MAX_BYTES + 1);
    assert!(
        parse(&long, &clock)
            .expect_err("long")
            .why
            .contains("at most 8192")
    );
    let many = "a ".repeat(MAX_WORDS + 1);
    assert_eq!(
        parse(&many, &clock).expect_err("many").why,
        "more than 256 words"
    );
    assert_eq!(read(&"a ".repeat(MAX_WORDS)).groups().len(), MAX_WORDS);
}

#[test]
fn any_line_is_read_or_refused_with_a_place_in_it() {
    // every string of up to four of these pieces
    let pieces = [
        "\"", "\\", "-", ":", "env", " ", "*", "é", "\u{202e}", "..", "7", "since:", "\u{0}",
    ];
    for at in 0..pieces.len().pow(4) {
        let digits = (0..4).map(|place| at / pieces.len().pow(place) % pieces.len());
        let line: String = digits.map(|digit| pieces[digit]).collect();
        if let Err(fault) = parse(&line, &clock) {
            assert!(line.get(fault.at.clone()).is_some(), "{line:?}: {fault:?}");
        }
    }
}

#[test]
fn words_are_found_and_spelled() {
    let line = r#"  type:a* -env:"my prod"  "two words" 10..20"#;
    let found: Vec<&str> = places(line).into_iter().map(|at| &line[at]).collect();
    assert_eq!(
        found,
        ["type:a*", r#"-env:"my prod""#, r#""two words""#, "10..20"]
    );
    assert!(places(r#"env:"open"#).is_empty());
    for value in ["plain", "a*", "two words", r#"q"u\o"#, "-", "", "é"] {
        let word = spell("subject", value);
        let filter = parse(&word, &|_, _| None);
        if value.is_empty() {
            assert!(filter.is_err(), "nothing asks for nothing");
            continue;
        }
        let filter = filter.unwrap_or_else(|why| panic!("{word}: {why}"));
        assert_eq!(
            filter.groups(),
            [[Test::Is(Key::Subject, Pattern::exact(value))]],
            "{word}"
        );
    }
}
