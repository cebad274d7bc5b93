//! `log` and `show`: what is selected, how it is told, and that nothing an event says can pass
//! for something the program says.

use std::fs;
use std::process::Stdio;

use git_ledger::commit::{Draft, Link};
use git_ledger::entry::Entry;
use git_ledger::event::Event;
use git_ledger::signer::{KeySettings, Signer};
use insta::assert_snapshot;
use serde_json::Value;

use crate::world::{Said, World, run};

/// A ledger of five entries: created, then one event each of types a, b, a, c.
fn five() -> World {
    let world = World::new();
    world.repository("r");
    for (at, kind) in ["dev.a.x", "dev.b", "dev.a.y", "dev.c"].iter().enumerate() {
        let (id, subject) = (format!("id-{at}"), format!("s{at}"));
        let arguments = [
            "append",
            kind,
            "--id",
            &id,
            "--subject",
            &subject,
            "--source",
            "/src",
            "--data",
            "k=v",
        ];
        world.ledger("r", &arguments).ok();
    }
    world
}

/// The text without what differs in every world: runs of twelve or more hex digits.
fn masked(text: &str) -> String {
    let (mut out, mut word) = (String::new(), String::new());
    for character in text.chars().chain(['\0']) {
        if character.is_ascii_hexdigit() && !character.is_ascii_uppercase() {
            word.push(character);
            continue;
        }
        out += if word.len() >= 12 { "<hex>" } else { &word };
        word.clear();
        out.push(character);
    }
    out.trim_end_matches('\0').to_owned()
}

fn log(world: &World, arguments: &[&str]) -> Said {
    world.ledger("r", &[&["log"], arguments].concat())
}

/// The numbers of the entries that are shown, in order.
fn numbers(world: &World, arguments: &[&str]) -> String {
    let said = log(world, &[arguments, &["--format", "%(number)"]].concat());
    said.ok().lines().collect::<Vec<_>>().join(" ")
}

fn ids(world: &World) -> Vec<String> {
    let said = world
        .git("r", &["rev-list", "--reverse", "refs/heads/ledger"])
        .ok();
    said.lines().map(str::to_owned).collect()
}

/// Rewrites the chain from entry `at` on; the signatures stay what they were.
fn rewrite(world: &World, at: usize, edit: impl Fn(&str) -> String) {
    let ids = ids(world);
    let mut parent = at.checked_sub(1).map(|before| ids[before].clone());
    for (number, id) in ids.iter().enumerate().skip(at) {
        let raw = world.git("r", &["cat-file", "commit", id]).ok();
        let old = number.checked_sub(1).map(|before| &ids[before]);
        let mut raw = match (old, &parent) {
            (Some(old), Some(new)) => {
                raw.replace(&format!("parent {old}"), &format!("parent {new}"))
            }
            _ => raw,
        };
        if number == at {
            raw = edit(&raw);
        }
        let mut command = world.command("r", "git");
        command.args([
            "hash-object",
            "-t",
            "commit",
            "-w",
            "--literally",
            "--stdin",
        ]);
        parent = Some(run(command, raw.as_bytes()).ok().trim().to_owned());
    }
    let tip = parent.expect("a commit");
    world
        .git("r", &["update-ref", "refs/heads/ledger", &tip])
        .ok();
}

#[test]
fn entries_are_told_as_they_claim_to_be() {
    let world = five();
    assert_snapshot!(masked(&log(&world, &["-n", "2"]).ok()), @r"
    entry 4  <hex>  2026-01-31T12:00:07Z  claimed by ann@acme.org
        dev.c s3
            k=v
    entry 3  <hex>  2026-01-31T12:00:06Z  claimed by ann@acme.org
        dev.a.y s2
            k=v
    ");
    assert_snapshot!(masked(&log(&world, &["--oneline", "1..2"]).ok()), @r"
    2 <hex> 2026-01-31T12:00:05Z claimed:ann@acme.org dev.b s1
    1 <hex> 2026-01-31T12:00:04Z claimed:ann@acme.org dev.a.x s0
    ");
}

#[test]
fn ranges_filters_and_order() {
    let world = five();
    assert_eq!(numbers(&world, &[]), "4 3 2 1 0");
    assert_eq!(numbers(&world, &["2"]), "2");
    assert_eq!(numbers(&world, &["1..3"]), "3 2 1");
    assert_eq!(numbers(&world, &["3.."]), "4 3");
    assert_eq!(numbers(&world, &["..1"]), "1 0");
    assert_eq!(numbers(&world, &["-n", "2", "--reverse"]), "3 4");
    assert_eq!(numbers(&world, &["--reverse", "--type", "dev.a.*"]), "1 3");
    assert_eq!(
        numbers(&world, &["--type", "dev.b", "--type", "dev.c"]),
        "4 2"
    );
    assert_eq!(numbers(&world, &["--type", "dev.a"]), "");
    assert_eq!(numbers(&world, &["--subject", "s2"]), "3");
    assert_eq!(numbers(&world, &["--source", "/s*", "-n1"]), "4");
    assert_eq!(numbers(&world, &["--signer", "ann@acme.org", "-n1"]), "4");
    assert_eq!(numbers(&world, &["--signer", "eve@acme.org"]), "");
    assert_eq!(
        numbers(&world, &["--since", "2026-01-31", "--until", "2026-01-31"]),
        "4 3 2 1 0"
    );
    assert_eq!(numbers(&world, &["--until", "2026-01-30"]), "");
    assert_eq!(numbers(&world, &["--since", "1 hour ago", "-n1"]), "4");
    let time = log(&world, &["2", "--format", "%(recorded)"]).ok();
    assert_eq!(
        numbers(&world, &["--since", time.trim(), "--until", time.trim()]),
        "2"
    );
}

#[test]
fn a_back_dated_entry_hides_nothing() {
    let world = five();
    rewrite(&world, 4, |raw| {
        let date = raw
            .split("+0000")
            .next()
            .and_then(|line| line.trim_end().rsplit(' ').next());
        raw.replace(date.expect("a date"), "1000000000")
    });
    assert_eq!(numbers(&world, &["--since", "2020-01-01"]), "3 2 1 0");
}

#[test]
fn formats() {
    let world = five();
    let format =
        "%(number)|%(type)|%(source)|%(subject)|%(id)|%(signer)|%(standing)|%(data)|%(events)%n%%";
    assert_snapshot!(log(&world, &["3", "--format", format]).ok(), @r#"
    3|dev.a.y|/src|s2|id-2|ann@acme.org|claimed|{"k":"v"}|1
    %
    "#);
    assert_snapshot!(log(&world, &["--format", "%(nmber)"]).code(129), @r"
    ! error: the format holds '%(nmber)', which is no placeholder
    ! hint: placeholders are %(number) %(digest) %(commit) %(recorded) %(signer) %(key) %(standing) %(why) %(events) %(type) %(source) %(subject) %(id) %(time) %(data) %n %%
    [exit 129]
    ");
    assert_snapshot!(log(&world, &["20..10"]).code(129), @r"
    ! error: '20..10' is no range of numbers
    ! hint: write 17, 10..20, 10.. or ..20; 'git ledger show' takes commits and digests
    [exit 129]
    ");
    assert_snapshot!(log(&world, &["--since", "soon"]).code(129), @r"
    ! error: 'soon' is no date that is understood here
    ! hint: write 2026-01-31, 2026-01-31T12:00:00Z, @1769860800, '2 weeks ago' or 2w
    [exit 129]
    ");
    assert_snapshot!(log(&world, &["--json", "--oneline"]).code(129), @r"
    ! error: the argument '--json' cannot be used with '--oneline'
    ! 
    ! Usage: git ledger log --json [WORDS]...
    ! 
    ! For more information, try '--help'.
    [exit 129]
    ");
}

#[test]
fn json_is_one_object_an_entry() {
    let world = five();
    let said = log(&world, &["--json"]).ok();
    let all: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(all.len(), 5);
    let (newest, first) = (&all[0], &all[4]);
    assert_eq!(newest["number"], 4);
    assert_eq!(newest["standing"], "claimed");
    assert_eq!(newest["signer"]["claimed"], "ann@acme.org");
    assert_eq!(newest["signer"]["verified"], Value::Null);
    assert_eq!(newest["policy_changed"], false);
    assert_eq!(newest["events"][0]["type"], "dev.c");
    assert_eq!(newest["parent"], all[1]["commit"]);
    assert_eq!(first["policy_changed"], true);
    let said = log(&world, &["--json", "--verify", "4"]).ok();
    let newest: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(newest["standing"], "verified");
    assert_eq!(newest["signer"]["verified"], "ann@acme.org");
    assert_eq!(newest["signer"]["roles"][0], "writer");
    // the digest is what its commit hashes to
    let raw = world.ledger("r", &["show", "4", "--raw"]).ok();
    let digest = git_ledger::merkle::hex(&git_ledger::merkle::leaf(raw.as_bytes()));
    assert_eq!(newest["digest"], format!("sha256:{digest}"));
}

#[test]
fn verification_marks_each_entry() {
    let world = five();
    let said = log(&world, &["--verify", "--oneline"]).code(0);
    assert_snapshot!(masked(&said.to_string()), @r"
    4 <hex> 2026-01-31T12:00:07Z signed:ann@acme.org dev.c s3
    3 <hex> 2026-01-31T12:00:06Z signed:ann@acme.org dev.a.y s2
    2 <hex> 2026-01-31T12:00:05Z signed:ann@acme.org dev.b s1
    1 <hex> 2026-01-31T12:00:04Z signed:ann@acme.org dev.a.x s0
    0 <hex> 2026-01-31T12:00:03Z signed:ann@acme.org dev.git-ledger.ledger.created acme/payments
    ! sound: refs/heads/ledger, 5 entries, all checked
    ! ledger       acme/payments
    ! fingerprint  sha256:<hex> (pinned)
    ! newest       entry 4, sha256:<hex>
    !              commit <hex>, dated 2026-01-31T12:00:07Z (1 s ago)
    !              only as fresh as this copy: whether newer entries exist, other remotes tell
    [exit 0]
    ");
    rewrite(&world, 2, |raw| raw.replace("\"k\":\"v\"", "\"k\":\"x\""));
    let said = log(&world, &["--verify", "--oneline"]).code(1);
    assert_snapshot!(masked(&said.to_string()), @r"
    4 <hex> 2026-01-31T12:00:07Z BREACH:ann@acme.org dev.c s3
    3 <hex> 2026-01-31T12:00:06Z BREACH:ann@acme.org dev.a.y s2
    2 <hex> 2026-01-31T12:00:05Z BREACH:ann@acme.org dev.b s1
    1 <hex> 2026-01-31T12:00:04Z signed:ann@acme.org dev.a.x s0
    0 <hex> 2026-01-31T12:00:03Z signed:ann@acme.org dev.git-ledger.ledger.created acme/payments
    ! breach  entry 2 (<hex>): signatureBad: the signature does not fit the bytes
    !         signature does not match the signed bytes
    ! breach  entry 3 (<hex>): signatureBad: the signature does not fit the bytes
    !         signature does not match the signed bytes
    ! breach  entry 3 (<hex>): rangeMismatch: the entry's range does not continue the entry before it
    !         does not continue entry 2 (<hex>)
    ! breach  entry 4 (<hex>): signatureBad: the signature does not fit the bytes
    !         signature does not match the signed bytes
    ! breach  entry 4 (<hex>): rangeMismatch: the entry's range does not continue the entry before it
    !         does not continue entry 3 (<hex>)
    ! breach: refs/heads/ledger, 5 entries, 5 broken rules, first at entry 2
    ! ledger       acme/payments
    ! fingerprint  sha256:<hex> (pinned)
    ! newest       entry 4, sha256:<hex>
    !              commit <hex>, dated 2026-01-31T12:00:07Z (10 s ago)
    !              only as fresh as this copy: whether newer entries exist, other remotes tell
    [exit 1]
    ");
    let said = world.ledger("r", &["show", "2", "--verify"]).code(1);
    assert_snapshot!(masked(&said.out), @r"
    entry 2
    digest     sha256:<hex>
    commit     <hex>
    parent     <hex>
    recorded   2026-01-31T12:00:05Z
    signer     BREACH signatureBad, claimed by ann@acme.org
    key        ssh-ed25519 SHA256:RqDTSXArX/XQef0p4zRvrqhjKLDDnm/i/XkqTM1rGbo
    policy     sha256:<hex>
    range      <hex>
    event 1 of 1
        type: dev.b
        subject: s1
        source: /src
        id: id-1
        time: 2026-01-31T12:00:05Z
        recordedtime: 2026-01-31T12:00:05Z
        specversion: 1.0
        data:
          k: x
    ");
}

#[test]
fn a_broken_entry_hides_no_other() {
    let world = five();
    rewrite(&world, 2, |raw| raw.replace("dev.b s1", "dev.b s9"));
    let said = log(&world, &[]).code(1);
    assert_snapshot!(masked(&said.to_string()), @r#"
    entry 4  <hex>  2026-01-31T12:00:07Z  claimed by ann@acme.org
        dev.c s3
            k=v
    entry 3  <hex>  2026-01-31T12:00:06Z  claimed by ann@acme.org
        dev.a.y s2
            k=v
    entry 2  <hex>  BROKEN subjectMismatch: the subject line is not the one derived from the events
        found "2 dev.b s9", derived "2 dev.b s1"
    entry 1  <hex>  2026-01-31T12:00:04Z  claimed by ann@acme.org
        dev.a.x s0
            k=v
    entry 0  <hex>  2026-01-31T12:00:03Z  claimed by ann@acme.org
        dev.git-ledger.ledger.created acme/payments
            id=<hex> name=acme/payments
    ! error: breach: 1 entry is broken
    ! hint: 'git ledger verify' tells all that is wrong
    [exit 1]
    "#);
    // a filter cannot tell what it would have said; a range can tell where it stands
    assert_snapshot!(masked(&log(&world, &["--type", "dev.c", "--oneline"]).code(1).out), @r#"
    4 <hex> 2026-01-31T12:00:07Z claimed:ann@acme.org dev.c s3
    2 <hex> BROKEN:subjectMismatch found "2 dev.b s9", derived "2 dev.b s1"
    "#);
    assert_eq!(numbers(&world, &["3.."]), "4 3");
    let said = world.ledger("r", &["show", "2"]).code(1);
    let head: Vec<&str> = said.out.lines().take(3).collect();
    assert_snapshot!(masked(&head.join("\n")), @r#"
    entry 2  <hex>  BROKEN subjectMismatch: the subject line is not the one derived from the events
        found "2 dev.b s9", derived "2 dev.b s1"
        its 846 bytes, as --raw gives them:
    "#);
    assert!(said.out.contains("\n        2 dev.b s9\n"), "{said}");
    // one that lies about its number is found under it and where it stands
    rewrite(&world, 4, |raw| {
        raw.replace("Ledger-Seq: 4", "Ledger-Seq: 8")
            .replace("\n4 dev.c", "\n8 dev.c")
    });
    assert_snapshot!(masked(&log(&world, &["--oneline"]).code(1).out), @r#"
    8 <hex> 2026-01-31T12:00:07Z claimed:ann@acme.org dev.c s3
    3 <hex> 2026-01-31T12:00:06Z claimed:ann@acme.org dev.a.y s2
    2 <hex> BROKEN:subjectMismatch found "2 dev.b s9", derived "2 dev.b s1"
    1 <hex> 2026-01-31T12:00:04Z claimed:ann@acme.org dev.a.x s0
    0 <hex> 2026-01-31T12:00:03Z claimed:ann@acme.org dev.git-ledger.ledger.created acme/payments
    "#);
    let said = log(&world, &["4", "--format", "%(number)"]).code(0);
    assert_eq!(said.out, "8\n");
    let said = world.ledger("r", &["show", "4"]).code(0);
    assert!(
        said.out.contains("stands where entry 4 should stand"),
        "{said}"
    );
}

/// What may be done to a reader: escapes, other directions, nothing to see, lines that are none.
const HOSTILE: &str = "x\u{1b}[2J\u{1b}]0;t\u{7}\r\u{8}\u{202e}\u{2066}\u{200b}\u{feff}\nentry 9  0123456789ab  2026-01-31T12:00:00Z  signed by root (admin)\n<script>\"'sound: all checked";

/// Adds an entry with these events after the newest, signed by its writer and written past this
/// program, which would have refused some of them.
pub fn smuggle(world: &World, events: &[Value]) {
    let tip = world.git("r", &["rev-parse", "refs/heads/ledger"]).ok();
    let tip = gix::ObjectId::from_hex(tip.trim().as_bytes()).expect("an id");
    let raw = world
        .git("r", &["cat-file", "commit", &tip.to_string()])
        .ok();
    let before = Link::parse(tip, raw.into_bytes()).expect("an entry");
    let read = |event: &Value| Event::parse(event.to_string().as_bytes()).expect("an event");
    let draft = Draft {
        tree: before.tree,
        parent: Some(tip),
        principal: before.principal.clone(),
        time: before.time,
        entry: Entry {
            events: events.iter().map(read).collect(),
            policy: before.entry.policy,
            range: git_ledger::chain::range_after(&before),
            approvals: Vec::new(),
        },
    };
    let settings = KeySettings {
        signing_key: Some(world.key("ann").to_string_lossy().into_owned()),
        ..KeySettings::default()
    };
    let signer = Signer::find(&settings).expect("a key");
    let signature = signer.sign("git", &draft.payload()).expect("a signature");
    let link = draft.sign(&signature).expect("an entry");
    let mut command = world.command("r", "git");
    command.args(["hash-object", "-t", "commit", "-w", "--stdin"]);
    let id = run(command, link.raw()).ok();
    world
        .git("r", &["update-ref", "refs/heads/ledger", id.trim()])
        .ok();
}

#[test]
fn foreign_text_is_never_obeyed() {
    let world = World::new();
    world.repository("r");
    let event = serde_json::json!({
        "specversion": "1.0", "type": HOSTILE, "source": HOSTILE, "subject": HOSTILE, "id": HOSTILE,
        "time": HOSTILE, "extension": HOSTILE,
        "data": { HOSTILE: HOSTILE, "list": [HOSTILE, { HOSTILE: [HOSTILE] }] },
    });
    let flood = serde_json::json!({
        "specversion": "1.0", "type": "dev.flood", "source": "/s", "id": "2",
        "subject": format!("a{}", "\u{301}".repeat(500)), "data": "漢".repeat(500),
    });
    smuggle(&world, &[event]);
    smuggle(&world, &[flood]);
    let format = "%(number) %(type) %(source) %(subject) %(id) %(time) %(data)";
    let commands: &[&[&str]] = &[
        &["log"],
        &["log", "--verify"],
        &["log", "--oneline"],
        &["log", "--json"],
        &["log", "--format", format],
        &["show", "1"],
        &["show", "2"],
        &["show", "1", "--json"],
        &["show", "1", "--verify"],
    ];
    for command in commands {
        let said = world.ledger("r", command).code(0);
        for line in said.out.lines() {
            let bad = line.chars().find(|c| {
                c.is_control() || matches!(*c as u32, 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff)
            });
            assert_eq!(bad, None, "{command:?}: {line:?}");
            assert!(!line.starts_with("entry 9"), "{command:?}: {line:?}");
            assert!(!line.starts_with("sound"), "{command:?}: {line:?}");
            let columns = line.chars().count();
            assert!(
                columns <= 163 || command.contains(&"--json") || command.contains(&"--format"),
                "{command:?}: {columns}"
            );
        }
    }
    // one entry is one line, and JSON gives back what was recorded
    assert_eq!(log(&world, &["--oneline"]).ok().lines().count(), 3);
    assert_eq!(
        log(&world, &["--format", format, "1"]).ok().lines().count(),
        1
    );
    let said = log(&world, &["--json", "1"]).ok();
    let read: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(read["events"][0]["subject"], HOSTILE);
    assert_eq!(read["events"][0]["data"][HOSTILE], HOSTILE);
    assert_snapshot!(masked(&world.ledger("r", &["log", "1"]).ok()), @r"
    entry 1  <hex>  2026-01-31T12:00:03Z  claimed by ann@acme.org
        x<U+001B>[2J<U+001B>]0;t<U+0007><U+000D><U+0008><U+202E><U+2066><U+200B><U+FEFF><U+000A>entry 9  <hex>  2026-01-31T12:00:00Z  signed by root (admin)…
            list=[2] x<U+001B>[2J<U+001B>]0;t<U+0007><U+000D><U+0008><U+202E><U+2066><U+200B><U+FEFF><U+000A>entry 9  <hex>  2026-01-31T12:00:00Z  signed by…
            happened x<U+001B>[2J<U+001B>]0;t<U+0007><U+000D><U+0008><U+202E><U+2066><U+200B><U+FEFF><U+000A>entry 9  <hex>  2026-01-31T12:00:00Z  signed by…
    ");
}

#[test]
fn a_whole_entry() {
    let world = five();
    assert_snapshot!(masked(&world.ledger("r", &["show", "1"]).ok()), @r"
    entry 1
    digest     sha256:<hex>
    commit     <hex>
    parent     <hex>
    recorded   2026-01-31T12:00:04Z
    signer     claimed by ann@acme.org
    key        ssh-ed25519 SHA256:RqDTSXArX/XQef0p4zRvrqhjKLDDnm/i/XkqTM1rGbo
    roles      writer, admin, by the policy in force as claimed
    policy     sha256:<hex>
    range      <hex>
    event 1 of 1
        type: dev.a.x
        subject: s0
        source: /src
        id: id-0
        time: 2026-01-31T12:00:04Z
        recordedtime: 2026-01-31T12:00:04Z
        specversion: 1.0
        data:
          k: v
    ");
    let public = world.public("bob");
    world
        .ledger(
            "r",
            &[
                "policy",
                "add-signer",
                "bob@acme.org",
                &public,
                "--role",
                "writer",
                "--type",
                "dev.*",
                "--yes",
            ],
        )
        .ok();
    let said = masked(&world.ledger("r", &["show"]).ok());
    let change: Vec<&str> = said
        .lines()
        .skip_while(|line| *line != "policy change")
        .take(2)
        .collect();
    assert_snapshot!(change.join("\n"), @r"
    policy change
        + bob@acme.org: new signer, writer only dev.*, ssh-ed25519 key SHA256:jgqTG9OGEn17PuFcFuETgGQHmqk9rg08GZarDG5V7z4
    ");
}

#[test]
fn entries_are_found_by_every_name_they_have() {
    let world = five();
    let ids = ids(&world);
    let digest = log(&world, &["3", "--format", "%(digest)"]).ok();
    let digest = digest.trim();
    for name in [
        "3",
        &ids[3],
        &ids[3][..10],
        digest,
        &digest[..20],
        &digest["sha256:".len()..][..12],
    ] {
        let raw = world.ledger("r", &["show", "--raw", name]).ok();
        assert_eq!(
            raw,
            world.git("r", &["cat-file", "commit", &ids[3]]).ok(),
            "{name}"
        );
    }
    assert_snapshot!(world.ledger("r", &["show", "17"]).code(1), @r"
    ! error: there is no entry '17' in 'refs/heads/ledger'; the newest is entry 4
    [exit 1]
    ");
    assert_snapshot!(world.ledger("r", &["show", "../x"]).code(129), @r"
    ! error: '../x' names no entry
    ! hint: give a number, four or more hex digits of a commit or digest, or 'tip'
    [exit 129]
    ");
    assert_snapshot!(world.ledger("r", &["show", "--raw", "1", "2"]).code(129), @r"
    ! error: --raw and --attachment are about one entry
    ! hint: name one
    [exit 129]
    ");
}

#[test]
fn attachments_come_back_as_they_were() {
    let world = World::new();
    world.repository("r");
    let big = format!("{:?}", "0123456789".repeat(3000));
    world
        .ledger_with(
            "r",
            &["append", "dev.report", "--data-json", "-"],
            big.as_bytes(),
        )
        .ok();
    let digest = git_ledger::merkle::hex(&git_ledger::merkle::sha256(big.as_bytes()));
    assert_eq!(
        world
            .ledger("r", &["show", "--attachment", &digest[..8]])
            .ok(),
        big
    );
    let file = world.path("report.json");
    let name = file.to_string_lossy().into_owned();
    world
        .ledger("r", &["show", "1", "--attachment", &digest, "-o", &name])
        .ok();
    assert_eq!(fs::read_to_string(&file).expect("a file"), big);
    let again = world
        .ledger("r", &["show", "1", "--attachment", &digest, "-o", &name])
        .code(128);
    assert!(again.err.contains("hint: name a new file"), "{again}");
    let none = world
        .ledger("r", &["show", "1", "--attachment", "ffff"])
        .code(1);
    assert_snapshot!(masked(&none.to_string()), @r"
    ! error: entry 1 has no attachment 'ffff'
    ! hint: it has <hex>
    [exit 1]
    ");
    assert!(
        world
            .ledger("r", &["show", "1"])
            .ok()
            .contains(&format!("attachment sha256:{digest}, 30002 bytes"))
    );
}

/// Some three hundred entries.
fn long() -> World {
    let world = World::new();
    world.repository("r");
    let lines: String = (0..300)
        .map(|at| format!("{{\"type\":\"dev.t\",\"id\":\"{at}\",\"subject\":\"n{at}\"}}\n"))
        .collect();
    world
        .ledger_with(
            "r",
            &["append", "--batch", "-", "--events-per-entry", "1"],
            lines.as_bytes(),
        )
        .ok();
    world
}

#[test]
fn a_long_ledger_is_read_as_far_as_it_is_wanted() {
    let world = long();
    assert_eq!(log(&world, &["--oneline"]).ok().lines().count(), 301);
    assert_eq!(numbers(&world, &["-n", "2"]), "300 299");
    // the older half is gone, and whoever wants the newest does not notice
    let ids = ids(&world);
    rewrite(&world, 151, |raw| raw.replace(&ids[150], &"0".repeat(40)));
    assert_eq!(numbers(&world, &["-n", "5"]), "300 299 298 297 296");
    assert_eq!(
        numbers(&world, &["200..", "--type", "dev.t", "-n", "1"]),
        "300"
    );
    let all = log(&world, &["--oneline"]).code(1);
    assert_eq!(all.out.lines().count(), 151);
    assert!(
        all.out
            .lines()
            .last()
            .is_some_and(|line| line.contains("BROKEN:objectMissing")),
        "{all}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let world = long();
    for arguments in [["log", "--json"], ["log", "--reverse"]] {
        let mut command = world.command("r", "git-ledger");
        let mut child = command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a program");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("an end");
        assert_eq!(
            (output.status.code(), output.stderr.as_slice()),
            (Some(0), b"".as_slice())
        );
    }
}

/// Runs `git-ledger log` on a terminal, as far as it can tell.
fn on_a_terminal(world: &World, variables: &[(&str, &str)]) -> String {
    let mut command = world.command("r", "script");
    command.args([
        "--quiet",
        "--return",
        "--command",
        "git-ledger log -n 1",
        "/dev/null",
    ]);
    command
        .env("TERM", "xterm")
        .env("COLUMNS", "60")
        .envs(variables.iter().copied());
    run(command, b"").ok()
}

#[test]
fn only_the_user_names_a_pager() {
    let world = five();
    let marker = world.path("marker");
    let evil = format!("touch {}", marker.display());
    world.git("r", &["config", "core.pager", &evil]).ok();
    let said = on_a_terminal(&world, &[("PAGER", "sed s/^/paged:/")]);
    assert!(said.starts_with("paged:\u{1b}[33mentry 4"), "{said:?}");
    assert!(!marker.exists(), "the repository's pager was run");
    let said = on_a_terminal(&world, &[("GIT_PAGER", "cat"), ("NO_COLOR", "1")]);
    assert!(said.starts_with("entry 4"), "{said:?}");
    let shell = format!("less; touch {}", marker.display());
    let said = on_a_terminal(&world, &[("GIT_PAGER", &shell)]);
    assert!(said.contains("needs a shell and is not run"), "{said:?}");
    assert!(!marker.exists(), "a shell was started");
    // a pager whose path depends on where we stand may be a file of the repository
    fs::copy("/bin/true", world.path("r/pager")).expect("a file");
    let said = on_a_terminal(&world, &[("GIT_PAGER", "./pager")]);
    assert!(said.contains("entry 4"), "{said:?}");
}
