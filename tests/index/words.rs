//! What the words find, and how a word that means nothing is refused.

use insta::assert_snapshot;

use super::{ledger, numbers};

#[test]
fn each_key_looks_where_it_says() {
    let world = ledger();
    for (words, want) in [
        ("type:dev.cdevents.*", "4 3 2"),
        ("type:org.example.bare", "7"),
        ("type:org.example", ""),
        ("source:/ci", "4 3 2"),
        ("subject:refs/heads/main", "1"),
        ("id:dep-1", "4"),
        ("signer:ann@acme.org type:org.*", "7 6"),
        ("signer:SHA256:*", "7 6 5 4 3 2 1 0"),
        ("actor:ann", "1"),
        ("actor:bob", "3 2"),
        ("actor:eve actor:carol", "5 2"),
        ("env:prod", "4"),
        ("env:prod*", "6 4"),
        ("environment:production", "6"),
        ("repo:acme/payments", "5 2 1"),
        ("repo:1234", "5"),
        ("ref:main", "1"),
        ("ref:refs/heads/main", "1"),
        ("ref:v1", "2"),
        ("branch:hotfix/*", "5"),
        ("commit:8a1f", "5 2 1"),
        ("commit:8a1f000000000000000000000000000000000002", "5"),
        ("sha:1111", "1"),
        ("commit:0000", ""),
        ("run:77", "3 2"),
        ("run:9001", "5"),
        ("run:run/77", "2"),
        ("outcome:success", "2"),
        ("outcome:*", "5 2"),
        ("digest:0b31", "4 3"),
        ("digest:sha256:0b31*", "4 3"),
        ("artifact:pkg:oci/payments@*", "4 3"),
        ("has:outcome", "5 2"),
        ("has:data -has:env type:dev.* -type:dev.git-ledger.*", "3 2"),
        ("has:attachment", ""),
        ("hotfix", "6 5"),
        ("hot*", "6 5"),
        ("\"urgent hotfix\"", "6"),
        ("ärger", "6"),
        ("\"one two\"", ""),
        ("two/three", "6"),
        ("9001", ""),
        ("\"9001\"", "5"),
        ("hmac", "6"),
        ("-type:dev.* -type:com.*", "7 6"),
        ("type:* -hotfix -type:dev.*", "7"),
        ("2..5 -n:4 -outcome:success", "5 3"),
        ("1 3 7", "7 3 1"),
        ("since:2026-01-31 until:2026-01-31 -has:data", "7"),
        ("until:2026-01-30", ""),
    ] {
        assert_eq!(numbers(&world, &[words]), want, "{words}");
        // one argument or several, and none is taken for an option
        let several: Vec<&str> = words.split(' ').collect();
        if !words.contains('"') {
            let several: Vec<&str> = several
                .into_iter()
                .map(|word| {
                    if word == "-hotfix" {
                        "--not=hotfix"
                    } else {
                        word
                    }
                })
                .collect();
            assert_eq!(numbers(&world, &several), want, "{words}");
        }
    }
    assert_eq!(
        numbers(&world, &["--type", "dev.cdevents.*", "actor:bob", "-n1"]),
        "3"
    );
    assert_eq!(numbers(&world, &["--type", "org.*", "type:com.*"]), "7 6 5");
    assert_eq!(numbers(&world, &["5..", "--not", "hotfix"]), "7");
    assert_eq!(numbers(&world, &["--", "5..", "-hotfix"]), "7");
    // SQL, FTS and terminals obey nothing of this
    for words in [
        "\"'; DROP TABLE entry; --\"",
        "\"a\\\" OR \\\"b\"",
        "NEAR(urgent,hotfix)",
        "env:pro%",
        "words:*",
    ] {
        let said = world.ledger("r", &["log", "--oneline", "--", words]);
        assert!([0, 129].contains(&said.code), "{said}");
        assert_eq!(said.out, "", "{words}");
    }
}

#[test]
fn export_takes_the_same_words() {
    let world = ledger();
    let base = [
        "export",
        "--format",
        "cloudevents-jsonl",
        "env:prod",
        "-ref:main",
    ];
    let said = world.ledger("r", &base).ok();
    assert_eq!(said.lines().count(), 1);
    assert!(said.contains("\"dep-1\""), "{said}");
}

#[test]
fn a_word_that_means_nothing_is_pointed_at() {
    let world = ledger();
    let log = |words: &[&str]| world.ledger("r", &[&["log"], words].concat()).code(129);
    assert_snapshot!(log(&["env:prod", "actr:alice", "hotfix"]), @r#"
    ! error: no key is called 'actr'
    !        env:prod actr:alice hotfix
    !                 ^^^^
    ! hint: did you mean 'actor:'?
    [exit 129]
    "#);
    assert_snapshot!(log(&["env:prod", "-outcom:success"]), @r#"
    ! error: no key is called 'outcom'
    !        -outcom:success
    !         ^^^^^^
    ! hint: did you mean 'outcome:'?
    [exit 129]
    "#);
    assert_snapshot!(log(&["x\u{202e}y", "\u{1b}[31m:z", "sinc:2w"]), @r#"
    ! error: no key is called 'sinc'
    !        x<U+202E>y <U+001B>[31m:z sinc:2w
    !                                  ^^^^
    ! hint: did you mean 'since:'?
    [exit 129]
    "#);
    assert_snapshot!(log(&["since:soon"]), @r#"
    ! error: 'soon' is no date that is understood here
    !        since:soon
    !              ^^^^
    ! hint: write 2026-01-31, 2026-01-31T12:00:00Z, @1769860800, "2 weeks ago" or 2w
    [exit 129]
    "#);
    let long = "env:a ".repeat(2000);
    assert_snapshot!(log(&[&long]), @r#"
    ! error: the filter has 12000 bytes; at most 8192 are read
    [exit 129]
    "#);
    let far = format!("{} typ:x {}", "word ".repeat(100), "word ".repeat(100));
    assert_snapshot!(log(&[&far]), @r#"
    ! error: no key is called 'typ'
    !        ord word word word word word word word word word word word  typ:x word word word word word word word word word word word wo
    !                                                                    ^^^
    ! hint: did you mean 'type:'?
    [exit 129]
    "#);
}
