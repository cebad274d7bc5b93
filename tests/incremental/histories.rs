//! Histories as they grow, verified again and again: the same verdict, at the cost of what is new.

use git_ledger::chain;
use git_ledger::commit::{Draft, NAMESPACE};
use git_ledger::entry::Entry;
use git_ledger::event::Event;
use git_ledger::git::{Environment, Repository};
use git_ledger::ledger::{DEFAULT_REF, Ledger};
use git_ledger::signer::{KeySettings, Signer};
use gix::objs::Kind;

use super::*;
use crate::policy::Company;

#[test]
fn a_ledger_that_grows() {
    let world = world(3);
    // nothing was left, so all is read, and left for the next time
    assert_eq!(why(&agree(&world, "r")), "noRecord");
    assert_eq!(known(&agree(&world, "r")), 3);
    append(&world, "r", "4");
    assert_eq!(known(&agree(&world, "r")), 3);
    for id in ["5", "6", "7"] {
        append(&world, "r", id);
    }
    let value = agree(&world, "r");
    assert_eq!(known(&value), 4);
    assert_eq!(value["entries"], 8);
    // a full one leaves as much, and is what the next one goes back to
    at_once(&world, "r", &["verify"]).ok();
    append(&world, "r", "8");
    let value = agree(&world, "r");
    assert_eq!(
        (known(&value), &value["not_read_again"]["whole"]["last"]),
        (7, &7.into())
    );
    let value = agree(&world, "r");
    assert_eq!(
        (known(&value), &value["not_read_again"]["whole"]["last"]),
        (8, &7.into())
    );
}

#[test]
fn the_answer_says_what_was_not_read_again() {
    let world = world(1);
    let said = at_once(&world, "r", &["verify", "--incremental"]).ok();
    insta::assert_snapshot!(read(&said), @r#"
    sound: refs/heads/ledger, 2 entries, all checked
    all read     no earlier verification of yours left anything here
    "#);
    append(&world, "r", "2");
    let said = at_once(&world, "r", &["verify", "--incremental"]).ok();
    insta::assert_snapshot!(read(&said), @r#"
    sound: refs/heads/ledger, 3 entries, 1 of them checked now
    known        entries 0-1 were verified at 2026-01-31T13:00:00Z and not read again
                 whether their objects were lost or damaged since is not seen: --full reads all
    "#);
    append(&world, "r", "3");
    let said = at_once(&world, "r", &["verify", "--incremental"]).ok();
    insta::assert_snapshot!(read(&said), @r#"
    sound: refs/heads/ledger, 4 entries, 1 of them checked now
    known        entries 0-2 were verified at 2026-01-31T13:00:00Z and not read again
                 entries 0-1 were last read at 2026-01-31T13:00:00Z
                 whether their objects were lost or damaged since is not seen: --full reads all
    "#);
    let said = at_once(&world, "r", &["verify", "--incremental", "--json"]);
    let told = &json(&said)["not_read_again"];
    insta::assert_snapshot!(told, @r#"{"last":3,"verified":"2026-01-31T13:00:00Z","whole":{"last":1,"verified":"2026-01-31T13:00:00Z"}}"#);
    let said = at_once(&world, "r", &["verify"]).ok();
    insta::assert_snapshot!(read(&said), @"sound: refs/heads/ledger, 4 entries, all checked");
}

/// The lines about how much was read.
fn read(said: &str) -> String {
    let lines = said.lines().take_while(|line| !line.starts_with("ledger "));
    let lines = lines.filter(|line| !line.starts_with("fingerprint "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn policies_that_change_and_approvals_for_one_that_was_set_long_ago() {
    let acme = Company::new();
    let world = &acme.world;
    at_once(world, "ann", &["verify"]).ok();
    append(world, "ann", "1");
    // the threshold was set in an entry that is not read again, and the approvals name it
    acme.propose(&[
        "add-signer",
        "dora@acme.org",
        &world.public("dora"),
        "--role",
        "writer",
    ]);
    acme.publish("ann");
    acme.bob_approves();
    acme.ann(&["apply", "change.json", "--yes"]).ok();
    let value = agree(world, "ann");
    assert_eq!((known(&value), &value["answer"]), (4, &"sound".into()));
    // and once more, from behind an ordinary entry
    append(world, "ann", "2");
    assert_eq!(known(&agree(world, "ann")), 6);
    acme.publish("ann");
    fs::remove_file(acme.path("ann/change.json")).expect("a file");
    acme.propose(&["retire", "dora@acme.org"]);
    acme.bob_approves();
    acme.ann(&["apply", "change.json", "--yes"]).ok();
    let value = agree(world, "ann");
    assert_eq!((known(&value), &value["answer"]), (7, &"sound".into()));
}

#[test]
fn a_key_called_compromised_has_the_old_entries_judged_again() {
    let world = world(0);
    let words = [
        "policy",
        "add-signer",
        "ci@acme.org",
        &world.public("ci"),
        "--role",
        "writer",
    ];
    at_once(&world, "r", &words).ok();
    let key = world.key("ci").display().to_string();
    for id in ["1", "2", "3"] {
        let words = [
            "append",
            "dev.example.built",
            "--source",
            "/ci",
            "--id",
            id,
            "--key",
            &key,
        ];
        at_once(&world, "r", &words).ok();
    }
    assert_eq!(why(&agree(&world, "r")), "noRecord");
    assert_eq!(known(&agree(&world, "r")), 4);
    let words = ["policy", "compromise", "ci@acme.org", "--since", "3"];
    at_once(&world, "r", &[&words[..], &["--yes"]].concat()).ok();
    // entries 3 and 4 were sound and are in doubt now
    let value = agree(&world, "r");
    assert_eq!(
        (why(&value), &value["answer"]),
        ("compromised", &"unknown".into())
    );
    assert_eq!(value["findings"][0]["id"], "compromisedEntry");
    // as long as they are, nothing is left
    assert_eq!(why(&agree(&world, "r")), "compromised");
    let words = [
        "policy",
        "compromise",
        "ci@acme.org",
        "--vouch",
        "3",
        "--vouch",
        "4",
    ];
    at_once(&world, "r", &[&words[..], &["--yes"]].concat()).ok();
    let value = agree(&world, "r");
    assert_eq!(
        (why(&value), &value["answer"]),
        ("compromised", &"sound".into())
    );
    append(&world, "r", "4");
    assert_eq!(known(&agree(&world, "r")), 6);
}

/// Appends as somebody would who cannot know what was recorded before.
fn append_unknowing(world: &World, id: &str, more: &str) {
    let environment = Environment::new("/", std::env::vars_os());
    let repository = Repository::open(&environment, &world.path("r/.git")).expect("r");
    let ledger = Ledger::new(repository, DEFAULT_REF);
    let tip = ledger.tip().expect("a tip");
    let event = format!(
        r#"{{"id":"{id}","source":"/ci","specversion":"1.0"{more},"type":"dev.example.built"}}"#
    );
    let draft = Draft {
        tree: tip.link.tree,
        parent: Some(tip.link.id),
        principal: tip.link.principal.clone(),
        time: tip.link.time,
        entry: Entry {
            events: vec![Event::parse(event.as_bytes()).expect("an event")],
            policy: tip.link.entry.policy,
            range: chain::range_after(&tip.link),
            approvals: Vec::new(),
        },
    };
    let settings = KeySettings {
        signing_key: Some(world.key("ann").display().to_string()),
        ..KeySettings::default()
    };
    let signer = Signer::find(&settings).expect("a key");
    let signature = signer.sign(NAMESPACE, &draft.payload()).expect("signed");
    let link = draft.sign(&signature).expect("a link");
    let written = ledger.repository().write_object(Kind::Commit, link.raw());
    written.expect("a commit");
    ledger.advance(Some(tip.link.id), &link).expect("a branch");
}

#[test]
fn events_recorded_twice_across_the_border() {
    let world = world(0);
    for id in ["1", "2", "1"] {
        append_unknowing(&world, id, "");
    }
    let value = agree(&world, "r");
    let told = value["findings"].as_array().map(Vec::len);
    assert_eq!(told, Some(1), "{value}");
    // what was noted before is told again, and what is new is held against what is old
    for id in ["3", "2", "3"] {
        append_unknowing(&world, id, "");
    }
    append_unknowing(&world, "1", r#","subject":"another""#);
    let value = agree(&world, "r");
    assert_eq!(known(&value), 3);
    let told = value["findings"].as_array().expect("findings").iter();
    let told: Vec<String> = told
        .map(|note| format!("{} {} {}", note["id"], note["entry"], note["evidence"]))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    "eventRepeated" 3 "first recorded in entry 1"
    "eventRepeated" 5 "first recorded in entry 2"
    "eventRepeated" 6 "first recorded in entry 4"
    "eventConflict" 7 "first recorded in entry 1"
    "#);
}

#[test]
fn what_was_taken_back_or_replaced_below() {
    for forget in [false, true] {
        let world = world(5);
        at_once(&world, "r", &["verify"]).ok();
        let forgotten = || {
            if forget {
                at_once(&world, "r", &["mirror", "forget", "."]).ok();
            }
        };
        // back to before what was verified
        let back = ["update-ref", "refs/heads/ledger", "ledger~3"];
        world.git("r", &back).ok();
        forgotten();
        let value = agree(&world, "r");
        let (answer, id) = if forget {
            ("sound", None)
        } else {
            ("breach", Some("rolledBack"))
        };
        assert_eq!(
            (why(&value), value["answer"].as_str()),
            ("notContinued", Some(answer))
        );
        assert_eq!(value["findings"][0]["id"].as_str(), id);
        // and on in another way, past it
        for id in ["x", "y", "z", "u", "v"] {
            append(&world, "r", id);
        }
        forgotten();
        let value = agree(&world, "r");
        if forget {
            // what was left when it was taken back is continued, and soundly
            assert_eq!((known(&value), &value["answer"]), (2, &"sound".into()));
        } else {
            assert_eq!(why(&value), "notContinued");
            assert_eq!(value["findings"][0]["id"], "historyRewritten");
        }
    }
}

#[test]
fn pins_threads_tips_and_copies() {
    let world = world(3);
    world.git("", &["init", "-q", "--bare", "one.git"]).ok();
    at_once(&world, "r", &["mirror", "add", "one", "../one.git"]).ok();
    at_once(&world, "r", &["mirror", "push", "one"]).ok();
    at_once(&world, "r", &["verify"]).ok();
    append(&world, "r", "4");
    let tip = at_once(&world, "r", &["tip"]).ok();
    for more in [&["--remotes"][..], &["--threads=3"], &["--tip", tip.trim()]] {
        let known = known(&agree_with(&world, "r", more));
        assert!([3, 4].contains(&known), "{more:?}: {known}");
    }
    // a copy that goes another way is told as such
    world
        .git("", &["clone", "-q", "--bare", "one.git", "two.git"])
        .ok();
    world
        .git("", &["clone", "-q", "two.git", "liar", "--branch=ledger"])
        .ok();
    for id in ["x", "y"] {
        append(&world, "liar", id);
    }
    world.git("liar", &["push", "-q", "origin", "ledger"]).ok();
    at_once(&world, "r", &["mirror", "add", "two", "../two.git"]).ok();
    let value = agree_with(&world, "r", &["--remotes", "two"]);
    assert_eq!(
        (&value["here"], &value["answer"]),
        (&"sound".into(), &"breach".into())
    );
    known(&value);
    // the fingerprint is held against what was found of the first entry
    let wrong = format!("--fingerprint={}", "7".repeat(64));
    let value = agree_with(&world, "r", &[&wrong]);
    assert_eq!(value["findings"][0]["id"], "fingerprintMismatch");
    let found = value["fingerprint"]
        .as_str()
        .expect("a fingerprint")
        .to_owned();
    let said = at_once(&world, "r", &["verify", "--incremental", "--pin", "--json"]);
    known(&json(&said));
    let pinned = world
        .git("r", &["config", "ledger.acme/payments.fingerprint"])
        .ok();
    assert_eq!(pinned.trim(), found);
    assert_eq!(agree(&world, "r")["pinned"], true);
}

#[test]
fn a_copy_that_was_just_made_is_known() {
    let world = world(2);
    at_once(&world, "", &["clone", "r", "audit.git"]).ok();
    let words = ["verify", "--incremental", "--json"];
    let told = || json(&at_once(&world, "audit.git", &words).code(0));
    assert_eq!(known(&told()), 2);
    append(&world, "r", "3");
    let pull = ["mirror", "pull", "origin"];
    at_once(&world, "audit.git", &pull).ok();
    let told = told();
    assert_eq!((known(&told), &told["entries"]), (2, &4.into()));
}

#[test]
fn history_that_is_cut_off() {
    let world = world(5);
    at_once(&world, "r", &["verify"]).ok();
    append(&world, "r", "6");
    let shallow = world.path("r/.git/shallow");
    for (steps, entries) in [(3, 4), (0, 1)] {
        let at = world
            .git("r", &["rev-parse", &format!("ledger~{steps}")])
            .ok();
        fs::write(&shallow, at).expect("a file");
        let value = agree(&world, "r");
        assert_eq!(
            (why(&value), &value["answer"]),
            ("cutOff", &"unknown".into())
        );
        assert_eq!(value["entries"], entries);
    }
    fs::remove_file(&shallow).expect("a file");
    assert_eq!(known(&agree(&world, "r")), 5);
}
