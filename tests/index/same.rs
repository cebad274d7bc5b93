//! The answer is the same with and without the index, byte for byte; and it is really used.

use std::collections::BTreeSet;

use git_ledger::git::{Environment, Repository};
use git_ledger::index::{Finder, Index};
use git_ledger::ledger::Ledger;
use git_ledger::query::{Filter, Walk, words};
use git_ledger::store::Store as _;
use rusqlite::Connection;

use super::{database, ledger, log_both};
use crate::world::{EPOCH, World};

/// A ledger of entries with one event and with several, of few values that often meet.
fn crowd() -> World {
    let world = ledger();
    let mut lines = String::new();
    for n in 0..240 {
        let env = ["prod", "test", "stage"][n % 3];
        let outcome = ["success", "failure"][n / 3 % 2];
        let actor = ["ann", "bob", "Ann", "änn"][n / 2 % 4];
        let word = ["hotfix", "release", "Hot Fix", "hotfixes", "über"][n % 5];
        lines += &format!(
            r#"{{"id":"c-{n}","source":"/ci/{}","specversion":"1.0","type":"org.example.{}","subject":"s{}","data":{{"environment":"{env}","outcome":"{outcome}","actor":"{actor}","text":"a {word} of {n}","ci":{{"run":{{"id":"{}"}},"commit":"{:040x}"}}}}}}"#,
            n % 2,
            ["deploy", "build", "note"][n / 7 % 3],
            n % 11,
            n / 4,
            n / 5 + 1,
        );
        lines.push('\n');
    }
    let (first, rest) = lines.split_at(lines.match_indices('\n').nth(79).expect("lines").0 + 1);
    let each = ["append", "--batch", "-", "--events-per-entry", "1"];
    world.ledger_with("r", &each, first.as_bytes()).ok();
    world.sleep(86_400);
    let several = ["append", "--batch", "-", "--events-per-entry", "7"];
    world.ledger_with("r", &several, rest.as_bytes()).ok();
    world
}

/// Words that select much, little and nothing, alone and turned round.
const WORDS: &[&str] = &[
    "env:prod",
    "env:test",
    "env:p*",
    "-env:prod",
    "outcome:success",
    "-outcome:failure",
    "outcome:*",
    "actor:ann",
    "-actor:bob",
    "actor:Ann",
    "actor:änn",
    "type:org.*",
    "type:org.example.build",
    "-type:org.example.note",
    "-type:org.example.*",
    "source:/ci/1",
    "subject:s3",
    "subject:s1*",
    "-subject:s1*",
    "run:7",
    "run:1*",
    "commit:0000",
    "id:c-33",
    "id:c-3*",
    "-id:c-33",
    "hotfix",
    "-hotfix",
    "hot*",
    "-hot*",
    "\"hot fix\"",
    "-\"hot fix\"",
    "über",
    "text:17",
    "has:env",
    "-has:env",
    "has:run",
    "has:data",
    "-has:data",
    "has:approval",
    "20..70",
    "n:5..",
    "-n:20..40",
    "until:2026-01-31",
    "since:2026-02-01",
    "signer:ann@acme.org",
    "digest:0b31",
    "-digest:0b31",
    "artifact:pkg:*",
    "repo:acme/payments",
    "ref:main",
    "nothing",
    "-nothing",
    "a",
    "-a",
    "\"a hotfix of\"",
    "type:*",
    "-commit:8a1f",
    "actor:nobody",
];

/// What a filter selects, as far as it is told.
fn found(ledger: &Ledger, index: Option<Index>, filter: &Filter) -> Vec<String> {
    let tip = ledger.tip_id().expect("a ref").expect("a tip");
    let walk = Walk::new(ledger.reader(), tip, BTreeSet::new());
    let mut finder = Finder::new(walk, index);
    let mut all = Vec::new();
    while let Some(selected) = finder.next(filter) {
        let step = &selected.step;
        all.push(format!(
            "{} {:?} {:?} {:?}",
            step.commit, step.position, step.policy_changed, selected.matching
        ));
    }
    assert!(!finder.was_misled());
    all
}

#[test]
fn whatever_is_asked() {
    let world = crowd();
    world.ledger("r", &["index"]).ok();
    // what is newer than the index is merged in
    for n in 0..3 {
        let subject = format!("late-{n}");
        let say = [
            "append",
            "org.example.build",
            "--subject",
            &subject,
            "--data",
            "env=prod",
        ];
        world.ledger("r", &say).ok();
    }
    let variables = [("HOME".into(), world.path("home").into_os_string())];
    let environment = Environment::new(world.path(""), variables);
    let repository = Repository::open(&environment, &world.path("r/.git")).expect("a repository");
    let ledger = Ledger::new(repository, "refs/heads/ledger");
    let clock = |text: &str, _| match text {
        "2026-01-31" => Some(EPOCH + 43_199),
        _ => Some(EPOCH + 43_200),
    };
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut pick = |most: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % most as u64).expect("small")
    };
    let mixed = (0..200).map(|_| {
        let words: Vec<&str> = (0..pick(3) + 2).map(|_| WORDS[pick(WORDS.len())]).collect();
        words.join(" ")
    });
    let mut lines: Vec<String> = WORDS.iter().map(|word| (*word).to_owned()).collect();
    lines.extend(mixed);
    let mut selected = 0;
    for line in &lines {
        let filter = words::parse(line, &clock).expect(line);
        let index = Index::find(&ledger).expect("an index");
        assert!(index.is_some());
        let with = found(&ledger, index, &filter);
        assert_eq!(with, found(&ledger, None, &filter), "{line}");
        selected += with.len();
    }
    assert!(selected > 1000, "{selected}");
    // and through the front door, in every order and form
    for (options, words) in [
        (&[][..], "env:prod -outcome:failure"),
        (&["-n", "3"], "hot* -subject:s1*"),
        (&["--reverse"], "20..70 actor:ann"),
        (&["--reverse", "-n", "7"], "has:env"),
        (&["--oneline"], "since:2026-02-01 -hotfix"),
        (&["--json"], "type:org.example.build env:test"),
        (&["--json", "-n1"], "n:0"),
    ] {
        log_both(&world, options, words);
    }
}

#[test]
fn it_is_used_and_can_hide_but_never_for_those_who_read_everything() {
    let world = ledger();
    world.ledger("r", &["index"]).ok();
    let shown = |more: &[&str]| {
        let all = [&["log", "--format", "%(number)", "env:prod"], more].concat();
        world.ledger("r", &all).ok()
    };
    assert_eq!(shown(&[]), "4\n");
    // somebody with write access empties the list of words
    let forged = Connection::open(database(&world)).expect("the index");
    forged
        .execute_batch("INSERT INTO term(term) VALUES('delete-all')")
        .expect("a lie");
    drop(forged);
    assert_eq!(shown(&[]), "");
    assert_eq!(shown(&["--no-index"]), "4\n");
    assert_eq!(shown(&["--verify"]), "4\n");
    world.ledger("r", &["index", "--rebuild"]).ok();
    assert_eq!(shown(&[]), "4\n");
}

#[test]
fn it_is_kept_up_to_date_once_it_is_there() {
    let world = ledger();
    let status = || world.ledger("r", &["index", "--status", "--json"]).ok();
    assert!(status().contains(r#""there":false"#));
    let many: String = (0..70)
        .map(|n| format!(r#"{{"type":"org.example.x","id":"{n}","data":{{"n":{n}}}}}"#) + "\n")
        .collect();
    let each = ["append", "--batch", "-", "--events-per-entry", "1"];
    // nobody asked for one: reading makes none
    world.ledger("r", &["log", "env:prod"]).ok();
    assert!(status().contains(r#""there":false"#));
    world.ledger("r", &["index"]).ok();
    assert!(status().contains(r#""behind":0,"#), "{}", status());
    world.ledger_with("r", &each, many.as_bytes()).ok();
    assert!(status().contains(r#""behind":70,"#), "{}", status());
    world.ledger("r", &["log", "env:prod"]).ok();
    assert!(status().contains(r#""behind":0,"#), "{}", status());
    assert_eq!(
        world.ledger("r", &["index", "--delete"]).ok(),
        "deleted the index\n"
    );
    assert!(!database(&world).exists());
    world.ledger("r", &["index", "--delete"]).ok();
}
