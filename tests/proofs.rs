//! Receipts and evidence, from the ledger to somebody who has the file and the fingerprint alone.

use std::fs;
use std::path::Path;

use crate::world::{Said, World, run};

const LEDGER: &str = "refs/heads/ledger";

/// A repository `r` with entries 0 to 5, most of them by ci, and the mirrors `one` and `two`.
fn world() -> World {
    let world = World::new();
    world.repository("r");
    let key = world.public("ci");
    world
        .ledger(
            "r",
            &[
                "policy",
                "add-signer",
                "ci@acme.org",
                &key,
                "--role",
                "writer",
            ],
        )
        .ok();
    for name in ["one", "two"] {
        let path = format!("{name}.git");
        world.git("", &["init", "--quiet", "--bare", &path]).ok();
        let url = format!("../{path}");
        world.ledger("r", &["mirror", "add", name, &url]).ok();
    }
    for subject in ["a", "b", "c", "d"] {
        append(&world, "r", "ci", subject);
    }
    world.ledger("r", &["mirror", "push"]).ok();
    fs::create_dir(world.path("empty")).expect("a directory");
    world
}

fn append(world: &World, dir: &str, key: &str, subject: &str) {
    let key = world.key(key);
    let key = key.to_str().expect("a path");
    world
        .ledger(
            dir,
            &["append", "dev.x.y", "--subject", subject, "--key", key],
        )
        .ok();
}

/// A copy of `r` as it was `back` entries ago, for somebody with the key of ci.
fn thief(world: &World, name: &str, back: usize) {
    let mut command = world.command("", "cp");
    command.args(["-a", "r", name]);
    run(command, b"").ok();
    fs::remove_dir_all(world.path(name).join(".git/git-ledger")).ok();
    let to = format!("{LEDGER}~{back}");
    world.git(name, &["update-ref", LEDGER, &to]).ok();
}

fn force(world: &World, dir: &str, remote: &str) {
    let (url, refspec) = (format!("../{remote}.git"), format!("+{LEDGER}:{LEDGER}"));
    world.git(dir, &["push", "--quiet", &url, &refspec]).ok();
}

/// A world in which `one` was rewritten from entry 4 on with the key of ci.
fn forked() -> World {
    let world = world();
    thief(&world, "evil", 2);
    for subject in ["x", "y", "z"] {
        append(&world, "evil", "ci", subject);
    }
    force(&world, "evil", "one");
    let said = world.ledger("r", &["mirror", "status"]).code(1);
    assert!(said.out.contains("forked 4"), "{said}");
    world
}

fn fingerprint(world: &World) -> String {
    let said = world.git("r", &["config", "ledger.acme/payments.fingerprint"]);
    said.ok().trim().to_owned()
}

/// What this program says of a file, in a directory that is no repository.
fn check(world: &World, verb: &[&str], file: &str, pinned: &str) -> Said {
    let mut words = verb.to_vec();
    words.extend([file, "--fingerprint", pinned]);
    world.ledger("empty", &words)
}

/// What the other verifier says of it.
fn other(world: &World, file: &str, pinned: &str) -> Said {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("ledger-spec/verify.py");
    let mut command = world.command("empty", "python3");
    command
        .arg(script)
        .args(["--fingerprint", pinned, "--proof", file]);
    run(command, b"")
}

fn json(said: &Said) -> serde_json::Value {
    serde_json::from_str(&said.out).unwrap_or_else(|why| panic!("{why}: {said}"))
}

#[test]
fn a_fork_is_proven_to_somebody_with_the_fingerprint_alone() {
    let world = forked();
    let pinned = fingerprint(&world);
    let said = world
        .ledger("r", &["evidence", "export", "../fork.json"])
        .code(0);
    assert!(said.err.contains("evidence of a fork at entry 4"), "{said}");
    assert!(said.err.contains(&pinned), "{said}");
    let said = check(&world, &["evidence", "check"], "../fork.json", &pinned).ok();
    for part in [
        "proven: fork: two histories of ledger acme/payments were signed; they part at entry 4",
        "common   3 dev.x.y b",
        "here     4 dev.x.y c",
        "goes on to 5 dev.x.y d",
        "there    4 dev.x.y x",
        "goes on to 6 dev.x.y z",
        "on both sides: entries 4, 5 here, 4, 6 there",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let said = other(&world, "../fork.json", &pinned).ok();
    assert_eq!(said, format!("proven fork 4 fingerprint {pinned}\n"));
    // which entry, by whom signed, for scripts
    let words = [
        "evidence",
        "check",
        "../fork.json",
        "--json",
        "--fingerprint",
        &pinned,
    ];
    let told = json(&world.ledger("empty", &words).code(0));
    assert_eq!(told["answer"], "proven");
    assert_eq!(told["kind"], "fork");
    assert_eq!(told["split"], 4);
    assert_eq!(told["there"]["first"]["principal"], "ci@acme.org");
    let tip = world.git("one.git", &["rev-parse", LEDGER]).ok();
    assert_eq!(told["there"]["newest"]["commit"], tip.trim());
    // one changed byte, another fingerprint, none at all
    let file = fs::read_to_string(world.path("fork.json")).expect("a file");
    let altered = file
        .replace("4 dev.x.y x", "4 dev.x.y w")
        .replace("\\\"x\\\"", "\\\"w\\\"");
    assert_ne!(altered, file);
    fs::write(world.path("altered.json"), altered).expect("a file");
    check(&world, &["evidence", "check"], "../altered.json", &pinned).code(1);
    other(&world, "../altered.json", &pinned).code(1);
    let foreign = "sha256:".to_owned() + &"ab".repeat(32);
    let said = check(&world, &["evidence", "check"], "../fork.json", &foreign).code(1);
    assert!(said.out.contains("fingerprintMismatch"), "{said}");
    other(&world, "../fork.json", &foreign).code(1);
    let said = world
        .ledger("empty", &["evidence", "check", "../fork.json"])
        .code(2);
    assert!(
        said.out.contains("proofUnanchored") && !said.out.contains("proven:"),
        "{said}"
    );
    // inside the repository the fingerprint that is pinned there counts
    world
        .ledger("r", &["evidence", "check", "../fork.json"])
        .ok();
    // nothing is overwritten unless it was said
    let said = world
        .ledger("r", &["evidence", "export", "../fork.json"])
        .code(128);
    assert!(said.err.contains("--force"), "{said}");
    world
        .ledger("r", &["evidence", "export", "../fork.json", "--force"])
        .ok();
    // the same by name, and through a pipe
    let said = world.ledger("r", &["evidence", "export", "-", "--remote", "one"]);
    let piped = said.ok();
    assert_eq!(piped, file);
    let words = ["evidence", "check", "-", "--fingerprint", &pinned];
    world.ledger_with("empty", &words, piped.as_bytes()).ok();
    world
        .ledger("r", &["evidence", "export", "-", "--remote", "two"])
        .code(1);
}

#[test]
fn what_became_of_the_stolen_key_is_told() {
    let world = forked();
    let pinned = fingerprint(&world);
    world
        .ledger("r", &["policy", "retire", "ci@acme.org", "--yes"])
        .ok();
    world
        .ledger("r", &["evidence", "export", "../fork.json"])
        .ok();
    let said = check(&world, &["evidence", "check"], "../fork.json", &pinned).ok();
    assert!(
        said.contains("the key was retired here by entry 6"),
        "{said}"
    );
    assert!(!said.contains("retired there"), "{said}");
    other(&world, "../fork.json", &pinned).ok();
}

#[test]
fn entries_that_prove_nothing_are_left_out() {
    let world = world();
    thief(&world, "evil", 2);
    append(&world, "evil", "ci", "x");
    append(&world, "evil", "ci", "y");
    append(&world, "evil", "ann", "z");
    // the newest one names somebody who did not sign it
    let raw = world.git("evil", &["cat-file", "commit", LEDGER]).ok();
    let forged = raw
        .replace("6 dev.x.y z", "6 dev.x.y q")
        .replace("\"z\"", "\"q\"");
    let mut command = world.command("evil", "git");
    command.args(["hash-object", "-t", "commit", "-w", "--stdin"]);
    let id = run(command, forged.as_bytes()).ok();
    world.git("evil", &["update-ref", LEDGER, id.trim()]).ok();
    world
        .git("r", &["fetch", "--quiet", "../evil", LEDGER])
        .ok();
    let words = ["evidence", "export", "../fork.json", "ledger", id.trim()];
    let said = world.ledger("r", &words).code(0);
    assert!(
        said.err.contains("left out") && said.err.contains("signatureBad"),
        "{said}"
    );
    let pinned = fingerprint(&world);
    let said = check(&world, &["evidence", "check"], "../fork.json", &pinned).ok();
    assert!(said.contains("goes on to 5 dev.x.y y"), "{said}");
    other(&world, "../fork.json", &pinned).ok();
}

#[test]
fn what_is_no_fork_is_not_called_one() {
    let world = world();
    thief(&world, "late", 1);
    append(&world, "late", "ci", "lost race");
    world
        .git("r", &["fetch", "--quiet", "../late", LEDGER])
        .ok();
    let id = world.git("late", &["rev-parse", LEDGER]).ok();
    let words = ["evidence", "export", "../stray.json", LEDGER, id.trim()];
    let said = world.ledger("r", &words).code(0);
    assert!(
        said.err.contains("evidence of a stray") && said.err.contains("this is no fork"),
        "{said}"
    );
    let pinned = fingerprint(&world);
    let said = check(&world, &["evidence", "check"], "../stray.json", &pinned).ok();
    assert!(said.starts_with("proven: stray: number 5"), "{said}");
    // a file that says more than it shows is not proven
    let file = fs::read_to_string(world.path("stray.json")).expect("a file");
    fs::write(
        world.path("lie.json"),
        file.replace("\"stray\"", "\"fork\""),
    )
    .expect("a file");
    let said = check(&world, &["evidence", "check"], "../lie.json", &pinned).code(1);
    assert!(said.out.contains("proofClaim"), "{said}");
    other(&world, "../lie.json", &pinned).code(1);
    // the one continues the other; two ledgers; nothing kept
    let before = world.git("r", &["rev-parse", &format!("{LEDGER}~2")]).ok();
    let words = ["evidence", "export", "../none.json", LEDGER, before.trim()];
    let said = world.ledger("r", &words).code(1);
    assert!(said.err.contains("nothing was rewritten"), "{said}");
    world.repository("foreign");
    world
        .git("r", &["fetch", "--quiet", "../foreign", LEDGER])
        .ok();
    let id = world.git("foreign", &["rev-parse", LEDGER]).ok();
    let words = ["evidence", "export", "../none.json", LEDGER, id.trim()];
    let said = world.ledger("r", &words).code(1);
    assert!(said.err.contains("two ledgers"), "{said}");
    let said = world
        .ledger("r", &["evidence", "export", "../none.json"])
        .code(1);
    assert!(said.err.contains("mirror status"), "{said}");
    let words = [
        "evidence",
        "export",
        "../none.json",
        LEDGER,
        "--upload-pack=x",
    ];
    world.ledger("r", &words).code(129);
    assert!(!world.path("none.json").exists());
}

#[test]
fn a_receipt_travels() {
    let world = forked();
    let pinned = fingerprint(&world);
    let said = world
        .ledger("r", &["prove", "2", "-o", "../two.json"])
        .code(0);
    assert!(
        said.err.contains("receipt for entry 2 against entry 5"),
        "{said}"
    );
    let said = check(&world, &["check-proof"], "../two.json", &pinned).ok();
    assert!(
        said.starts_with("proven: entry 2 is part of ledger acme/payments as entry 5 signs it\n"),
        "{said}"
    );
    assert!(said.contains("signed by ci@acme.org SHA256:"), "{said}");
    let said = other(&world, "../two.json", &pinned).ok();
    assert_eq!(said, format!("proven receipt 2 fingerprint {pinned}\n"));
    // named by digest or commit, against another entry, into a pipe
    let show = json(&world.ledger("r", &["show", "3", "--json"]));
    let digest = show["digest"].as_str().expect("a digest").to_owned();
    let commit = show["commit"].as_str().expect("a commit").to_owned();
    let by_number = world.ledger("r", &["prove", "3", "--against", "4"]).ok();
    for name in [digest.as_str(), commit.as_str(), &commit[..12]] {
        assert_eq!(
            world.ledger("r", &["prove", name, "--against", "4"]).ok(),
            by_number
        );
    }
    let words = ["check-proof", "-", "--json", "--fingerprint", &pinned];
    let told = json(
        &world
            .ledger_with("empty", &words, by_number.as_bytes())
            .code(0),
    );
    assert_eq!(told["entry"]["digest"], digest);
    assert_eq!(told["against"]["number"], 4);
    assert_eq!(told["events"][0]["subject"], "b");
    // an edited receipt proves nothing
    let edited = by_number
        .replace("3 dev.x.y b", "3 dev.x.y e")
        .replace("\\\"b\\\"", "\\\"e\\\"");
    assert_ne!(edited, by_number);
    let said = world
        .ledger_with("empty", &words, edited.as_bytes())
        .code(1);
    assert_eq!(json(&said)["answer"], "not proven");
    fs::write(world.path("edited.json"), edited).expect("a file");
    other(&world, "../edited.json", &pinned).code(1);
    // a receipt is no evidence, and the other way about
    world
        .ledger("r", &["evidence", "export", "../fork.json"])
        .ok();
    let said = check(&world, &["check-proof"], "../fork.json", &pinned).code(1);
    assert!(said.err.contains("holds a fork"), "{said}");
    let said = check(&world, &["evidence", "check"], "../two.json", &pinned).code(1);
    assert!(said.err.contains("holds a receipt"), "{said}");
    // the rewritten copy can prove its own entry, against its own history
    let pinned_there = ["config", "ledger.acme/payments.fingerprint", &pinned];
    world.git("evil", &pinned_there).ok();
    world
        .ledger("evil", &["prove", "4", "-o", "../evil.json"])
        .ok();
    check(&world, &["check-proof"], "../evil.json", &pinned).ok();
}

#[test]
fn a_receipt_grows_with_the_logarithm() {
    let world = world();
    let batch = |count: usize, from: usize| -> String {
        (from..from + count)
            .map(|n| format!("{{\"id\":\"n{n}\",\"type\":\"dev.x.y\",\"source\":\"/s\"}}\n"))
            .collect()
    };
    let mut sizes = Vec::new();
    for (count, from) in [(60, 0), (440, 60)] {
        let words = ["append", "--batch", "-", "--events-per-entry", "1"];
        world
            .ledger_with("r", &words, batch(count, from).as_bytes())
            .ok();
        let newest = json(&world.ledger("r", &["show", "--json"]))["number"].as_u64();
        let newest = newest.expect("a number");
        let mut largest = 0;
        for entry in [0, 2, newest / 3, newest / 2, newest - 1] {
            let file = world.ledger("r", &["prove", &entry.to_string()]).ok();
            let words = ["check-proof", "-", "--json"];
            let told = json(&world.ledger_with("r", &words, file.as_bytes()).code(0));
            let hashes = told["hashes"].as_u64().expect("a count");
            assert!(
                hashes <= u64::from(newest.ilog2()),
                "{hashes} for {entry} of {newest}"
            );
            largest = largest.max(file.len());
        }
        sizes.push((newest, largest));
    }
    assert_eq!(
        sizes.iter().map(|(newest, _)| *newest).collect::<Vec<_>>(),
        [65, 505]
    );
    // three hashes more for each of the four entries shown, and in the range of the head
    assert!(sizes[1].1 - sizes[0].1 < 1500, "{sizes:?}");
}

#[test]
fn what_cannot_be_read_is_unknown_and_what_is_wrong_is_told() {
    let world = world();
    let pinned = fingerprint(&world);
    let said = check(&world, &["check-proof"], "nothing.json", &pinned).code(2);
    assert!(said.err.contains("cannot read 'nothing.json'"), "{said}");
    check(&world, &["check-proof"], ".", &pinned).code(2);
    other(&world, "nothing.json", &pinned).code(2);
    for (name, bytes) in [
        ("empty.json", Vec::new()),
        ("noise.json", vec![0xff; 100]),
        ("large.json", vec![b'['; git_ledger::proof::MAX_BYTES + 1]),
    ] {
        fs::write(world.path(name), bytes).expect("a file");
        let file = format!("../{name}");
        let said = check(&world, &["check-proof"], &file, &pinned).code(1);
        assert!(said.out.contains("proofMalformed"), "{said}");
        other(&world, &file, &pinned).code(1);
    }
    check(&world, &["check-proof"], "../empty.json", "sha256:12").code(129);
    world
        .ledger("r", &["prove", "5", "--against", "3"])
        .code(129);
    world.ledger("r", &["prove", "77"]).code(1);
    world.ledger("empty", &["prove", "1"]).code(128);
    // a history that is cut off cannot lead to the fingerprint
    let url = format!("file://{}", world.path("one.git").display());
    let words = [
        "clone", "--quiet", "--depth", "2", "--branch", "ledger", &url, "shallow",
    ];
    world.git("", &words).ok();
    let said = world.ledger("shallow", &["prove", "tip"]).code(2);
    assert!(
        said.err.contains("shallow") && said.err.contains("--unshallow"),
        "{said}"
    );
    // another ledger than the one that is pinned is not proven from here
    let key = "ledger.acme/payments.fingerprint";
    world.git("r", &["config", key, &"ab".repeat(32)]).ok();
    let said = world
        .ledger("r", &["prove", "1", "-o", "../wrong.json"])
        .code(1);
    assert!(said.err.contains("fingerprintMismatch"), "{said}");
    assert!(!world.path("wrong.json").exists());
}
