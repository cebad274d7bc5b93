//! What is pushed to a server: the vectors of the specification through the real hook, and moves
//! of which git's own client is capable.

use std::io::Write as _;
use std::process::Stdio;

use crate::recorded::times;
use crate::servers::Server;
use crate::vectors::{Vector, vectors};

use super::*;

/// The finding with which the hook refused.
#[track_caller]
fn refusal(said: &Said) -> String {
    let lines = said
        .err
        .lines()
        .map(|line| line.trim_start_matches("remote: "));
    let line = lines
        .filter_map(|line| line.strip_prefix("git-ledger: refused "))
        .next();
    let line = line.unwrap_or_else(|| panic!("no refusal: {said}"));
    line.split(' ').next().unwrap_or_default().to_owned()
}

/// Stores the objects of a vector as loose files; git itself would refuse to make some of them.
pub fn unpack(world: &World, dir: &str, vector: &Vector) {
    for (id, (kind, bytes)) in &vector.objects {
        let hex = id.to_string();
        let path = world
            .path(dir)
            .join("objects")
            .join(&hex[..2])
            .join(&hex[2..]);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        write!(out, "{kind} {}\0", bytes.len()).expect("memory");
        out.write_all(bytes).expect("memory");
        fs::write(&path, out.finish().expect("memory")).expect("an object");
    }
}

/// Pushes a vector's newest entry to a server that has no entry yet and knows the fingerprint:
/// the gate judges all of it. The pack is made by hand, since git's own client looks too closely.
fn push(world: &World, vector: &Vector) -> Said {
    let sha256 = vector.ids("tip").first().expect("a tip").kind() == gix::hash::Kind::Sha256;
    let format = format!("--object-format={}", if sha256 { "sha256" } else { "sha1" });
    for dir in ["from.git", "to.git"] {
        fs::remove_dir_all(world.path(dir)).ok();
        world.git("", &["init", "-q", "--bare", &format, dir]).ok();
    }
    unpack(world, "from.git", vector);
    let tip = vector.ids("tip").first().expect("a tip").to_string();
    let root = first_commit(vector);
    let print = git_ledger::merkle::hex(&root);
    for (key, value) in [
        ("ledger.acme.ref", LEDGER),
        ("ledger.acme.fingerprint", &format!("sha256:{print}")),
        (
            "ledger.acme.signingKey",
            world.key("ann").to_str().expect("text"),
        ),
        // our gate alone, without git's
        ("receive.fsckObjects", "false"),
        ("receive.denyNonFastForwards", "true"),
    ] {
        world.git("to.git", &["config", key, value]).ok();
    }
    let hook = world.path("to.git/hooks/pre-receive");
    fs::create_dir_all(hook.parent().expect("a directory")).expect("hooks");
    let program = crate::recorded::BINARY;
    crate::servers::ssh::write_script(
        &hook,
        &format!("#!/bin/sh\nexec '{program}' hook pre-receive\n"),
    );

    let mut pack = world.command("from.git", "git");
    pack.args(["pack-objects", "--stdout", "-q"]);
    pack.stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = pack.spawn().expect("git");
    let names: String = vector.objects.keys().map(|id| format!("{id}\n")).collect();
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(names.as_bytes()).expect("a pipe");
    drop(stdin);
    let output = child.wait_with_output().expect("a pack");
    let format = if sha256 { " object-format=sha256" } else { "" };
    let zero = "0".repeat(tip.len());
    let line = format!("{zero} {tip} {LEDGER}\0report-status{format}");
    let mut input = format!("{:04x}{line}0000", line.len() + 4).into_bytes();
    input.extend_from_slice(&output.stdout);
    let mut receive = world.command("", "git");
    receive.arg("receive-pack").arg(world.path("to.git"));
    run(receive, &input)
}

/// The digest of entry 0: of the commit without parent from which the tip descends.
fn first_commit(vector: &Vector) -> [u8; 32] {
    let mut at = *vector.ids("tip").first().expect("a tip");
    loop {
        let parent = vector.objects.get(&at).and_then(|(_, bytes)| {
            let text = String::from_utf8_lossy(bytes);
            let line = text.lines().find_map(|line| line.strip_prefix("parent "));
            line.and_then(|id| id.parse().ok())
        });
        match parent {
            Some(parent) if vector.objects.contains_key(&parent) => at = parent,
            _ => break,
        }
    }
    vector.objects.get(&at).map_or([0; 32], |(_, bytes)| {
        git_ledger::commit::Link::parse(at, bytes.clone()).map_or([0; 32], |link| link.digest())
    })
}

#[test]
fn what_a_vector_breaks_the_hook_refuses() {
    let world = World::new();
    let every = times(16, 1);
    let (mut refused, mut taken) = (0, 0);
    for (at, vector) in vectors().iter().enumerate() {
        let expected = vector.expected();
        // objects that are not what they are called cannot be sent, and what a shallow clone
        // lacks is no matter of a push
        let cannot = [
            "objectCorrupt",
            "objectMissing",
            "attachmentUnreadable",
            "shallow",
            "objectKind",
        ];
        let about_a_server = !cannot.iter().any(|id| expected.contains(id));
        // the anchor is what the server is told, here the vector's own first entry
        let anchored =
            !expected.contains("fingerprintMismatch") && !vector.name.starts_with("anchor_");
        if at % every != 0 || !about_a_server || !anchored {
            continue;
        }
        let said = push(&world, vector);
        let moved = world
            .git("to.git", &["rev-parse", "-q", "--verify", LEDGER])
            .code
            == 0;
        let notes = ["eventRepeated", "eventConflict", "compromisedEntry"];
        let harmless = expected.iter().all(|id| notes.contains(id));
        let known = said.err.contains("refused ");
        if harmless && moved {
            taken += 1;
            continue;
        }
        assert!(!moved, "{}: {said}", vector.name);
        assert!(known, "{}: {said}", vector.name);
        if !harmless {
            let found = refusal(&said);
            // the gate names the first, also of what only the admission of an entry can break; and
            // an anchor that cannot be read is told as the anchor
            let more = ["fingerprintMismatch", "timeFuture"];
            let right = expected.contains(found.as_str()) || more.contains(&found.as_str());
            assert!(right, "{}: {found}, expected {expected:?}", vector.name);
            refused += 1;
        }
    }
    assert!(
        refused > 20 && taken > 0,
        "{refused} refused, {taken} taken"
    );
    println!("{refused} vectors refused by the hook, {taken} without a breach taken");
}

#[test]
fn an_ordinary_commit_that_looks_like_an_entry() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let fetch = format!("+{LEDGER}:{LEDGER}");
    world.git("r", &["fetch", "-q", "origin", &fetch]).ok();
    let before = server.at(LEDGER);
    let message = world.git("r", &["log", "-1", "--format=%B", LEDGER]).ok();
    fs::write(world.path("message"), message.trim_end().to_owned() + "\n").expect("a message");
    let key = format!("user.signingKey={}", world.key("ann").display());
    let tree = format!("{LEDGER}^{{tree}}");
    let file = world.path("message").display().to_string();
    // a signer who signs whatever commit is put before them, under an ordinary name
    let sign = [
        "-c",
        "gpg.format=ssh",
        "-c",
        &key,
        "-c",
        "user.name=Ann",
        "commit-tree",
        "-S",
        "-p",
        LEDGER,
        "-F",
        &file,
        &tree,
    ];
    let id = world.git("r", &sign).ok();
    let said = server
        .push(&["origin", &format!("{}:{LEDGER}", id.trim())])
        .code(1);
    assert_eq!(refusal(&said), "identityMalformed", "{said}");
    assert_eq!(server.at(LEDGER), before);
    // and not as a merge of the code's history into the ledger
    let merge = ["commit-tree", "-p", LEDGER, "-p", "HEAD", "-m", "x", &tree];
    let id = world.git("r", &merge).ok();
    let said = server
        .push(&["origin", &format!("{}:{LEDGER}", id.trim())])
        .code(1);
    assert_eq!(refusal(&said), "parentCount", "{said}");
    server.sound();
}

#[test]
fn what_is_no_commit_is_refused() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let fetch = format!("+{LEDGER}:{LEDGER}");
    world.git("r", &["fetch", "-q", "origin", &fetch]).ok();
    let before = server.at(LEDGER).trim().to_owned();
    world.git("r", &["tag", "-a", "-m", "x", "v1", LEDGER]).ok();
    for name in [
        "v1",
        &format!("{LEDGER}^{{tree}}"),
        &format!("{LEDGER}:ledger.toml"),
    ] {
        let id = world.git("r", &["rev-parse", name]).ok().trim().to_owned();
        // by a client that asks nobody
        let said = server.push_raw(&[format!("{before} {id} {LEDGER}")], &[&id]);
        assert_eq!(server.at(LEDGER).trim(), before, "{said}");
        let found = refusal(&said);
        assert!(
            ["pushRewinds", "objectKind"].contains(&found.as_str()),
            "{name}: {said}"
        );
    }
    server.sound();
}

#[test]
fn mirror_and_prune_take_nothing_away() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let before = server.at(LEDGER);
    for arguments in [
        &["--mirror", "origin"][..],
        &["--prune", "origin", "refs/heads/*:refs/heads/*"],
        &["--delete", "origin", "ledger"],
        &["--force", "origin", "main:ledger"],
        &["--force-with-lease", "origin", "main:ledger"],
        &["--no-verify", "--force", "origin", "main:ledger"],
    ] {
        let said = server.push(arguments);
        assert_ne!(said.code, 0, "{arguments:?}: {said}");
        assert_eq!(server.at(LEDGER), before, "{arguments:?}: {said}");
        // git's own client stops one of them
        if !said.err.contains("stale info") {
            let found = refusal(&said);
            let right = ["pushDeletes", "pushRewinds", "pushMixed"].contains(&found.as_str());
            assert!(right, "{said}");
        }
    }
    server.sound();
}

#[test]
fn no_verify_is_the_pushers_own_hook() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let before = server.at(LEDGER);
    let said = server
        .push(&["--no-verify", "--force", "origin", "main:ledger"])
        .code(1);
    assert_eq!(refusal(&said), "pushRewinds");
    assert_eq!(server.at(LEDGER), before);
    server.push(&["--no-verify", "origin", "main"]).ok();
    assert_eq!(
        server.events().len(),
        1,
        "a push without the pusher's hooks is recorded like any other"
    );
}

#[test]
fn refs_that_change_how_history_is_read() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let tip = server.at(LEDGER).trim().to_owned();
    for name in [
        format!("refs/replace/{tip}"),
        format!("refs/Replace/{tip}"),
        format!("refs/REPLACE/{tip}"),
        "refs/ledger/evidence/one/3-000000000000".to_owned(),
        "refs/Ledger/evidence/x".to_owned(),
        "refs/heads/ledger/x".to_owned(),
        "refs/heads/LEDGER".to_owned(),
    ] {
        let said = server.push(&["origin", &format!("main:{name}")]).code(1);
        assert_eq!(refusal(&said), "pushRefName", "{name}: {said}");
    }
    // other refs are nobody's history but their own, and recorded
    for name in [
        "refs/notes/commits",
        "refs/heads/ledgers",
        "refs/tags/ledger",
        "refs/heads/le\u{301}dger",
    ] {
        server.push(&["origin", &format!("main:{name}")]).ok();
    }
    assert_eq!(server.events().len(), 4);
    let said = world.ledger(&server.name, &["verify"]).ok();
    assert!(said.starts_with("sound: "), "{said}");
}
