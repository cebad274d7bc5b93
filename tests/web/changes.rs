//! A ledger that grows, goes back, breaks or vanishes while it is shown.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use super::{Site, guarded, numbers};
use crate::index::ledger;
use crate::world::World;

/// Whoever follows, line by line.
struct Follower(BufReader<TcpStream>);

impl Follower {
    fn new(site: &Site, path: &str, headers: &str) -> Follower {
        let mut stream = site.connect();
        let request = format!(
            "GET /api/v1/ledgers/r/tail{path} HTTP/1.1\r\nHost: localhost:{}\r\n{headers}\r\n",
            site.port
        );
        stream.write_all(request.as_bytes()).expect("a request");
        let mut follower = Follower(BufReader::new(stream));
        assert!(follower.line().starts_with("HTTP/1.1 200 "));
        let mut seen = Vec::new();
        loop {
            match follower.line() {
                line if line.is_empty() => break,
                line => seen.push(line),
            }
        }
        assert!(
            seen.contains(&"content-type: text/event-stream".to_owned()),
            "{seen:?}"
        );
        assert!(
            seen.iter()
                .any(|line| line.starts_with("content-security-policy: "))
        );
        follower
    }

    /// The next line; empty at the end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// The next line that begins so.
    fn next(&mut self, begin: &str) -> String {
        for _ in 0..100 {
            let line = self.line();
            if let Some(rest) = line.strip_prefix(begin) {
                return rest.to_owned();
            }
        }
        panic!("no line begins with {begin}");
    }
}

fn append(world: &World, kind: &str) {
    world.ledger("r", &["append", kind]).ok();
}

/// A commit behind the newest entry that is one byte of its event away from it.
fn forge(world: &World) -> String {
    let raw = world
        .git("r", &["cat-file", "commit", "refs/heads/ledger"])
        .ok();
    assert!(raw.contains("org.example.bare"), "{raw}");
    let forged = raw.replace("org.example.bare", "org.example.bore");
    let mut command = world.command("r", "git");
    command.args(["hash-object", "-t", "commit", "-w", "--stdin"]);
    let id = crate::world::run(command, forged.as_bytes()).ok();
    id.trim().to_owned()
}

#[test]
fn what_is_appended_is_there_verified_and_followed() {
    let world = ledger();
    let mut site = Site::start(&world, "r", &[]);
    site.settled("r");
    let mut all = Follower::new(&site, "", "");
    let mut some = Follower::new(&site, "?q=type:org.example.b*", "");
    let mut seen = Follower::new(&site, "", "Last-Event-ID: 5\r\n");
    assert_eq!(
        (seen.next("id: "), seen.next("id: ")),
        ("6".into(), "7".into())
    );
    let mut after = Follower::new(&site, "?after=6", "");
    assert_eq!(after.next("id: "), "7");
    append(&world, "org.example.a");
    append(&world, "org.example.b");
    assert_eq!(
        (all.next("id: "), all.next("id: ")),
        ("8".into(), "9".into())
    );
    assert_eq!(
        (some.next("id: "), seen.next("id: ")),
        ("9".into(), "8".into())
    );
    let known = site.settled("r");
    assert_eq!(
        (&known["newest"]["number"], &known["answer"]),
        (&9.into(), &"sound".into())
    );
    let page = site.api("/ledgers/r/entries?limit=3");
    assert_eq!(numbers(&page), [9, 8, 7]);
    assert!(
        page["entries"]
            .as_array()
            .expect("entries")
            .iter()
            .all(|entry| entry["standing"] == "verified")
    );
    // who follows does not keep the server from ending
    assert_eq!(site.stop(), Some(0), "{}", site.log());
    assert!(site.log().contains("note: stopped"), "{}", site.log());
}

#[test]
fn followers_are_so_many_and_no_more() {
    let world = ledger();
    let site = Site::start(&world, "r", &[]);
    site.settled("r");
    let followers: Vec<Follower> = (0..32).map(|_| Follower::new(&site, "", "")).collect();
    let (status, problem) = site.refused("/ledgers/r/tail");
    assert_eq!(
        (status, &problem["type"]),
        (503, &"urn:git-ledger:problem:later".into())
    );
    assert_eq!(site.get("/l/r/").status, 200);
    drop(followers);
    // a place is free again as soon as somebody is seen to be gone
    append(&world, "org.example.a");
    for _ in 0..200 {
        let answer = site.send("GET /api/v1/ledgers/r/tail HTTP/1.1\r\nHOST\r\n\r\n");
        if answer.status == 200 {
            return guarded(&answer);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("no place became free");
}

#[test]
fn a_ledger_that_goes_back_is_a_breach_and_followers_are_told() {
    let world = ledger();
    let site = Site::start(&world, "r", &[]);
    site.settled("r");
    let mut follower = Follower::new(&site, "", "");
    world
        .git(
            "r",
            &["update-ref", "refs/heads/ledger", "refs/heads/ledger~2"],
        )
        .ok();
    assert_eq!(follower.next("event: "), "rewound");
    let known = site.until("/ledgers/r", |known| known["answer"] == "breach");
    assert_eq!(known["verdict"]["findings"][0]["id"], "rolledBack");
    let page = site.api("/ledgers/r/entries");
    assert_eq!(numbers(&page), [5, 4, 3, 2, 1, 0]);
    assert_eq!(site.refused("/ledgers/r/entries/7").0, 404);
    assert_eq!(site.get("/l/r/findings").status, 200);
}

#[test]
fn a_ledger_in_breach_is_shown_and_says_so() {
    let world = ledger();
    let forged = forge(&world);
    world
        .git("r", &["update-ref", "refs/heads/ledger", &forged])
        .ok();
    append_past(&world);
    let site = Site::start(&world, "r", &[]);
    let known = site.until("/ledgers/r", |known| known["judged"].is_string());
    assert_eq!(
        (&known["answer"], &known["verdict"]["first_bad"]),
        (&"breach".into(), &7.into())
    );
    let page = site.api("/ledgers/r/entries");
    let standings: Vec<&str> = page["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| entry["standing"].as_str().expect("a word"))
        .collect();
    assert_eq!(
        standings,
        [
            "broken", "breach", "verified", "verified", "verified", "verified", "verified",
            "verified", "verified"
        ]
    );
    for path in [
        "/",
        "/l/r/",
        "/l/r/log",
        "/l/r/entry/7",
        "/l/r/entry/8",
        "/l/r/findings",
        "/l/r/policy",
        "/l/r/trace?of=prod",
    ] {
        let answer = site.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    // nothing can be proven by it, or only what stands before the breach
    assert_eq!(site.refused("/ledgers/r/entries/3/proof").0, 422);
}

/// A commit of somebody who knows nothing of ledgers.
fn append_past(world: &World) {
    let tree = world
        .git("r", &["rev-parse", "refs/heads/ledger^{tree}"])
        .ok();
    let parent = world.git("r", &["rev-parse", "refs/heads/ledger"]).ok();
    let arguments = [
        "commit-tree",
        "-m",
        "hello",
        "-p",
        parent.trim(),
        tree.trim(),
    ];
    let commit = world.git("r", &arguments).ok();
    world
        .git("r", &["update-ref", "refs/heads/ledger", commit.trim()])
        .ok();
}

#[test]
fn a_ledger_that_cannot_be_verified_says_why() {
    let world = ledger();
    world.git("r", &["config", "ledger.verify", "perhaps"]).ok();
    let site = Site::start(&world, "r", &[]);
    let known = site.until("/ledgers/r", |known| known["trouble"].is_string());
    let trouble = known["trouble"].as_str().expect("words");
    assert!(trouble.contains("neither full nor incremental"), "{known}");
    assert_eq!(
        (&known["answer"], &known["judged"]),
        (&"unknown".into(), &serde_json::Value::Null)
    );
    let page = site.api("/ledgers/r/entries?limit=1");
    assert_eq!(page["entries"][0]["standing"], "claimed");
    world.git("r", &["config", "ledger.verify", "full"]).ok();
    assert_eq!(site.settled("r")["answer"], "sound");
}

#[test]
fn an_index_of_another_ledger_leaves_nothing_out() {
    let world = ledger();
    world.ledger("r", &["index"]).ok();
    let other = World::new();
    other.repository("r");
    other
        .ledger("r", &["append", "x.y", "--data", "env=prod"])
        .ok();
    other.ledger("r", &["index"]).ok();
    let site = Site::start(&world, "r", &[]);
    site.settled("r");
    let words = "/ledgers/r/entries?q=env:prod*";
    let before = site.api(words);
    assert_eq!(before["by_index"], true);
    std::fs::copy(
        crate::index::database(&other),
        crate::index::database(&world),
    )
    .expect("a copy");
    assert_eq!(site.api(words)["entries"], before["entries"]);
    assert_eq!(numbers(&before), [6, 4]);
}

#[test]
fn a_repository_that_vanishes_is_told_and_comes_back() {
    let world = ledger();
    let site = Site::start(&world, "", &["--repository", "r"]);
    site.settled("r");
    std::fs::rename(world.path("r"), world.path("elsewhere")).expect("a move");
    let known = site.until("/ledgers/r", |known| known["trouble"].is_string());
    assert_eq!(known["answer"], "unknown");
    // what was known is still shown, and no path of the machine is
    assert_eq!(known["newest"]["number"], 7);
    let (status, problem) = site.refused("/ledgers/r/entries");
    assert_eq!(status, 503);
    assert!(
        !problem
            .to_string()
            .contains(world.path("").to_str().expect("a path")),
        "{problem}"
    );
    assert_eq!(site.get("/l/r/").status, 200);
    assert_eq!(site.get("/l/r/log").status, 503);
    std::fs::rename(world.path("elsewhere"), world.path("r")).expect("a move");
    site.until("/ledgers/r", |known| known["trouble"].is_null());
    assert_eq!(numbers(&site.api("/ledgers/r/entries?limit=1")), [7]);
}
