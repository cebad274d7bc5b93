//! The pages in a real browser: every kind of page, clicks and keys, colours and widths, and what
//! others wrote.

mod api;
mod foreign;
mod report;
pub mod web;

use std::fs;

use serde_json::Value;

use crate::world::World;
use web::{Web, drive};

/// A ledger with some of everything; more entries than a page shows.
fn honest(world: &World) {
    world
        .git("", &["init", "--quiet", "--bare", "mirror.git"])
        .ok();
    world.repository("r");
    world
        .ledger(
            "r",
            &["mirror", "add", "backup", "../mirror.git", "--independent"],
        )
        .ok();
    let bob = world.public("bob");
    let add = [
        "policy",
        "add-signer",
        "bob@acme.org",
        &bob,
        "--role",
        "writer",
        "-y",
    ];
    world.ledger("r", &add).ok();
    foreign::record(world, foreign::HONEST);
    let mut lines = String::new();
    for number in 0..70 {
        let environment = if number % 3 == 0 {
            "production"
        } else {
            "staging"
        };
        lines += &format!(
            "{{\"type\":\"dev.cdevents.service.deployed.0.3.0\",\"subject\":\"payments\",\
             \"source\":\"https://git.acme.example/acme/payments\",\
             \"data\":{{\"subject\":{{\"id\":\"payments\",\"content\":{{\"environment\":{{\"id\":\"{environment}\"}},\
             \"artifactId\":\"pkg:oci/payments@1.{number}\"}}}}}}}}\n"
        );
    }
    let batch = ["append", "--events-per-entry", "1", "--batch", "-"];
    world.ledger_with("r", &batch, lines.as_bytes()).ok();
    world.ledger("r", &["mirror", "push"]).ok();
    world
        .ledger("r", &["append", "dev.acme.late", "--subject", "late"])
        .ok();
}

/// Goes everywhere; which kinds of pages there were, and of what they are made.
#[track_caller]
fn crawl(world: &World, web: &Web, most: &str, honest: &str, more: &[&str]) -> Value {
    let mut arguments = vec![web.origin.as_str(), most, honest];
    arguments.extend(more);
    drive(world, "crawl.js", &arguments)
}

#[test]
fn what_is_wrong_with_a_page_is_found() {
    let found = drive(&World::new(), "teeth.js", &[]);
    assert!(
        found.as_array().is_some_and(|found| found.len() > 10),
        "{found}"
    );
}

#[test]
fn people_find_their_way() {
    let world = World::new();
    honest(&world);
    let web = Web::of(&world, &["r"]);
    let slugs = web.judged();
    let [slug] = slugs.as_slice() else {
        panic!("{slugs:?}");
    };
    let proof = world.path("proof.json").display().to_string();
    let repository = world.path("r").display().to_string();
    let done = drive(&world, "use.js", &[&web.origin, slug, &repository, &proof]);
    assert!(
        done.as_array().is_some_and(|done| done.len() > 25),
        "{done}"
    );
    // what was saved in the browser holds without it
    let pinned = world
        .git("r", &["config", "--get-regexp", "fingerprint$"])
        .ok();
    let fingerprint = pinned.trim().rsplit(' ').next().expect("a fingerprint");
    let check = ["check-proof", &proof, "--fingerprint", fingerprint];
    let said = world.ledger("", &check).code(0);
    assert!(said.out.contains("entry 5"), "{said}");
}

/// Repositories of which the answer is not "sound": rewritten, cut off, without a ledger.
fn doubtful(world: &World) -> [&'static str; 3] {
    let clone = ["clone", "--quiet", "--mirror", "r", "rewritten.git"];
    world.git("", &clone).ok();
    world.ledger("rewritten.git", &["verify", "--quiet"]).ok();
    let back = ["update-ref", "refs/heads/ledger", "ledger~30"];
    world.git("rewritten.git", &back).ok();
    let near = format!("file://{}", world.path("r").display());
    let cut = [
        "clone", "--quiet", "--bare", "--depth", "5", "--branch", "ledger",
    ];
    world
        .git("", &[&cut[..], &[&near, "cut.git"]].concat())
        .ok();
    let empty = ["init", "--quiet", "--bare", "empty.git"];
    world.git("", &empty).ok();
    ["rewritten.git", "cut.git", "empty.git"]
}

#[test]
fn every_page_is_for_everybody() {
    let world = World::new();
    honest(&world);
    let others = doubtful(&world);
    let web = Web::of(&world, &[&["r"], &others[..]].concat());
    web.judged();
    let known = web.api("ledgers");
    let mut answers = Vec::new();
    let mut more = Vec::new();
    for ledger in known["ledgers"].as_array().expect("ledgers") {
        let slug = ledger["slug"].as_str().expect("a slug");
        answers.push(format!("{slug} {}", ledger["answer"]));
        for path in [
            "",
            "log",
            "entry/1",
            "trace?of=payments",
            "replay",
            "policy",
            "findings",
            "exceptions",
        ] {
            more.push(format!("/l/{slug}/{path}"));
        }
    }
    assert_eq!(
        answers,
        [
            "r \"sound\"",
            "rewritten \"breach\"",
            "cut \"unknown\"",
            "empty \"unknown\""
        ]
    );
    more.extend([
        "/l/r/log?q=outcome:nothing".to_owned(),
        "/l/r/log?q=tpye:x".to_owned(),
        "/l/r/replay?at=20".to_owned(),
        "/l/r/entry/9999".to_owned(),
        "/l/nobody/".to_owned(),
        "/nowhere".to_owned(),
    ]);
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let seen = crawl(&world, &web, "2", "-", &more);
    for kind in [
        "/",
        "/help",
        "/l/*/",
        "/l/*/log",
        "/l/*/entry/*",
        "/l/*/trace",
        "/l/*/replay",
        "/l/*/policy",
        "/l/*/policy/*",
        "/l/*/findings",
        "/l/*/exceptions",
    ] {
        assert!(
            seen["kinds"][kind].as_u64() > Some(0),
            "no {kind}: {}",
            seen["kinds"]
        );
    }
    assert!(seen["looks"].as_u64() > Some(80), "{seen}");
}

/// A ledger full of these words: whatever may be named is named with them, and beside it a branch
/// whose newest commit is no entry at all.
fn told_by_others(world: &World, words: &[&str]) {
    world.git("", &["init", "--quiet", "r"]).ok();
    let plain = |text: &&&str| text.is_ascii() && !text.contains(['"', '\\', '\0', '\n']);
    let name = words.iter().find(plain).expect("a name of printable ASCII");
    world.ledger("r", &["init", "--name", name]).ok();
    foreign::record(world, words);
    world
        .git("", &["clone", "--quiet", "--mirror", "r", "broken.git"])
        .ok();
    let tree = world
        .git("broken.git", &["rev-parse", "ledger^{tree}"])
        .ok();
    let message = words
        .iter()
        .map(|word| word.replace('\0', ""))
        .collect::<Vec<_>>()
        .join("\n\n");
    let file = world.path("message");
    fs::write(&file, message).expect("a message");
    let file = file.display().to_string();
    let make = ["commit-tree", tree.trim(), "-p", "ledger", "-F", &file];
    let commit = world.git("broken.git", &make).ok();
    world
        .git(
            "broken.git",
            &["update-ref", "refs/heads/ledger", commit.trim()],
        )
        .ok();
}

/// Addresses of every entry, and such as repeat what the reader typed.
fn addresses(web: &Web, slugs: &[String], words: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for slug in slugs {
        let ledger = web.api(&format!("ledgers/{slug}"));
        let newest = ledger["newest"]["number"].as_u64().unwrap_or(0);
        all.extend((0..=newest + 1).map(|number| format!("/l/{slug}/entry/{number}")));
    }
    for word in words {
        let typed: String = word.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let slug = &slugs[0];
        all.push(format!("/l/{slug}/log?q={typed}"));
        all.push(format!("/l/{slug}/log?q=type:%22{typed}"));
        all.push(format!("/l/{slug}/trace?of={typed}"));
        all.push(format!("/l/{slug}/log?before={typed}&n={typed}"));
        all.push(format!("/l/{typed}/"));
        all.push(format!("/{typed}?{typed}={typed}"));
    }
    all
}

#[test]
fn what_others_wrote_is_shown_and_does_nothing() {
    let seen = |words: &[&str], honest: &str| {
        let world = World::new();
        told_by_others(&world, words);
        let web = Web::of(&world, &["r", "broken.git"]);
        let slugs = web.judged();
        let more = addresses(&web, &slugs, words);
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let seen = crawl(&world, &web, "8", honest, &more);
        let log = ureq::get(format!("{}/l/{}/log?n=200", web.origin, slugs[0]));
        let mut log = log.call().expect("an answer");
        (seen, log.body_mut().read_to_string().expect("text"))
    };
    // of what are the pages made when all that is told is harmless?
    let (shape, _) = seen(foreign::HONEST, "shape");
    let known = World::new();
    let file = known.path("shape.json");
    fs::write(&file, shape.to_string()).expect("a file");
    let (seen, log) = seen(foreign::HOSTILE, &file.display().to_string());
    assert!(seen["kinds"]["/l/*/entry/*"].as_u64() > Some(60), "{seen}");
    // it is there to be read, as it was written
    assert!(log.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(log.contains("U+202E"));
}
