//! What moves refs past the hooks, and what dies on the way: recorded afterwards, once, and told.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use git_ledger::json::{Object, Value};

use crate::servers::ssh::write_script;
use crate::servers::{Server, text, wait_until};
use crate::world::{Said, World, run};

/// A server with `main` and `old` pushed and recorded, and its baseline.
fn server(world: &World) -> Server<'_> {
    server_of_format(world, "sha1")
}

fn server_of_format<'w>(world: &'w World, format: &str) -> Server<'w> {
    let server = Server::of_format(world, "r", format);
    server.push(&["origin", "main", "main:refs/heads/old"]).ok();
    let said = reconcile(&server, &[]).ok();
    assert!(said.starts_with("baseline: 1 ref recorded"), "{said}");
    server
}

fn reconcile(server: &Server<'_>, arguments: &[&str]) -> Said {
    let all = [&["reconcile"], arguments].concat();
    server.world.ledger(&server.name, &all)
}

/// What the gaps say, an entry a line: each ref with what happened to it.
fn gaps(server: &Server<'_>) -> Vec<String> {
    let events = server.events();
    let gaps = events.iter().filter(|e| e.kind() == "dev.git-ledger.gap");
    let one = |event: &git_ledger::event::Event| {
        let data = server.data(event);
        let refs = data.get("refs").and_then(Value::as_array).expect("refs");
        let told = refs.iter().map(|value| {
            let object = value.as_object().expect("an object");
            let forced = match object.get("forced") {
                Some(Value::Bool(true)) => " forced",
                _ => "",
            };
            let name = object.get("ref").or(object.get("ref_base64"));
            let name = name.and_then(Value::as_str).expect("a name");
            format!(
                "{} {}{forced}",
                text(object, "kind"),
                name.trim_start_matches("refs/")
            )
        });
        told.collect::<Vec<_>>().join(", ")
    };
    gaps.map(one).collect()
}

/// One run finds this and records it, the next finds nothing.
#[track_caller]
fn finds(server: &Server<'_>, what: &str) {
    let before = gaps(server).len();
    let would = reconcile(server, &["--dry-run"]).code(1);
    assert_eq!(gaps(server).len(), before, "{would}");
    let said = reconcile(server, &[]).code(1);
    let found = gaps(server);
    assert_eq!(found[before..], [what.to_owned()], "{said}");
    in_step(server);
}

#[track_caller]
fn in_step(server: &Server<'_>) {
    let tip = server.at("refs/heads/ledger");
    let said = reconcile(server, &["--full"]).ok();
    assert!(said.starts_with("in step: "), "{said}");
    assert_eq!(server.at("refs/heads/ledger"), tip);
    assert_eq!(reconcile(server, &["--quiet"]).ok(), "");
}

fn git(server: &Server<'_>, arguments: &[&str]) -> String {
    server
        .world
        .git(&server.name, arguments)
        .ok()
        .trim()
        .to_owned()
}

/// Another commit that the server has, on no branch.
fn other_commit(server: &Server<'_>) -> String {
    let tree = git(server, &["rev-parse", "refs/heads/main^{tree}"]);
    let identity = ["-c", "user.name=x", "-c", "user.email=x"];
    git(
        server,
        &[&identity[..], &["commit-tree", &tree, "-m", "elsewhere"]].concat(),
    )
}

#[test]
fn the_first_run_on_an_old_repository_is_a_baseline() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let empty = git(&server, &["mktree"]);
    let identity = ["-c", "user.name=x", "-c", "user.email=x"];
    let commit = git(
        &server,
        &[&identity[..], &["commit-tree", &empty, "-m", "old"]].concat(),
    );
    for name in [
        "refs/heads/main",
        "refs/tags/v1",
        "refs/notes/n",
        "refs/remotes/o/x",
    ] {
        git(&server, &["update-ref", name, &commit]);
    }
    git(
        &server,
        &["symbolic-ref", "refs/heads/alias", "refs/heads/main"],
    );
    // a push before the first run; it compares nothing yet
    server.push(&["origin", "main:refs/heads/new"]).ok();
    assert_eq!(server.events().len(), 1);
    let said = reconcile(&server, &["--dry-run"]).ok();
    insta::assert_snapshot!(said, @r"
    baseline: 5 refs would be recorded where nobody had spoken of them; later runs judge by it
    window: the refs were never compared here before
    ");
    let said = reconcile(&server, &["--json"]).ok();
    assert!(said.contains(r#""answer":"sound","baseline":5,"#), "{said}");
    let events = server.events();
    assert_eq!(events[1].kind(), "dev.git-ledger.baseline");
    let data = server.data(&events[1]);
    let refs = data.get("refs").and_then(Value::as_array).expect("refs");
    let find = |name: &str| -> &Object {
        let mut all = refs
            .iter()
            .map(|value| value.as_object().expect("an object"));
        all.find(|object| text(object, "ref") == name).expect(name)
    };
    assert_eq!(text(find("HEAD"), "found"), "ref: refs/heads/main");
    assert_eq!(
        text(find("refs/heads/alias"), "found"),
        "ref: refs/heads/main"
    );
    assert_eq!(text(find("refs/tags/v1"), "found"), commit);
    in_step(&server);
    git(&server, &["update-ref", "-d", "refs/remotes/o/x"]);
    in_step(&server);
    git(&server, &["symbolic-ref", "HEAD", "refs/heads/new"]);
    finds(&server, "update HEAD");
    server.sound();
}

#[test]
fn a_ref_file_written_by_hand() {
    let world = World::new();
    let server = server(&world);
    let commit = other_commit(&server);
    let file = server.path().join("refs/heads/main");
    fs::write(&file, format!("{commit}\n")).expect("a ref");
    finds(&server, "update heads/main forced");
    fs::write(server.path().join("refs/heads/x"), format!("{commit}\n")).expect("a ref");
    fs::remove_file(server.path().join("refs/heads/old")).expect("a ref");
    finds(&server, "delete heads/old, create heads/x");
    // a file that is no ref any more
    fs::write(&file, "nonsense\n").expect("a ref");
    finds(&server, "update heads/main");
    fs::write(&file, format!("{commit}\n")).expect("a ref");
    finds(&server, "update heads/main");
    server.sound();
}

#[test]
fn packed_refs_edited_by_hand() {
    let world = World::new();
    let server = server(&world);
    let commit = other_commit(&server);
    git(&server, &["pack-refs", "--all"]);
    in_step(&server);
    let file = server.path().join("packed-refs");
    let packed = fs::read_to_string(&file).expect("packed refs");
    let main = git(&server, &["rev-parse", "refs/heads/main"]);
    let line = |id: &str| format!("{id} refs/heads/main");
    fs::write(&file, packed.replace(&line(&main), &line(&commit))).expect("packed refs");
    finds(&server, "update heads/main forced");
}

#[test]
fn update_ref_with_the_hooks_switched_off() {
    let world = World::new();
    let server = server(&world);
    let commit = other_commit(&server);
    let off = ["-c", "core.hooksPath=/dev/null", "update-ref"];
    git(&server, &[&off[..], &["refs/tags/v1", &commit]].concat());
    finds(&server, "create tags/v1");
    // there and back again and there again: each time is one entry
    for _ in 0..2 {
        git(&server, &[&off[..], &["-d", "refs/tags/v1"]].concat());
        finds(&server, "delete tags/v1");
        git(&server, &[&off[..], &["refs/tags/v1", &commit]].concat());
        finds(&server, "create tags/v1");
    }
    // the next push finds it without anybody asking
    git(&server, &[&off[..], &["-d", "refs/tags/v1"]].concat());
    server.commit("two");
    let said = server.push(&["origin", "main"]);
    assert!(said.err.contains("moved past its hooks: 1"), "{said}");
    assert_eq!(gaps(&server).len(), 6);
    in_step(&server);
    server.sound();
}

#[test]
fn pushes_that_ran_no_hooks() {
    let world = World::new();
    let server = server(&world);
    let hook = server.path().join("hooks/pre-receive");
    // U20
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o644)).expect("a mode");
    let after = server.path().join("hooks/post-receive");
    fs::set_permissions(&after, fs::Permissions::from_mode(0o644)).expect("a mode");
    server.push(&["origin", "main:refs/heads/u20"]).ok();
    finds(&server, "create heads/u20");
    for hook in [hook, after] {
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    // U13
    let trick = "--receive-pack=git -c core.hooksPath=/dev/null receive-pack";
    server.push(&[trick, "origin", "main:refs/heads/u13"]).ok();
    finds(&server, "create heads/u13");
    // U14
    let global = ["config", "--global", "core.hooksPath", "/nonexistent"];
    world.git("", &global).ok();
    server.push(&["origin", "main:refs/heads/u14"]).ok();
    world
        .git("", &["config", "--global", "--unset", "core.hooksPath"])
        .ok();
    finds(&server, "create heads/u14");
    server.sound();
}

#[test]
fn a_server_killed_before_during_and_after_the_refs_moved() {
    let world = World::new();
    let server = server(&world);
    let hooks = server.path().join("hooks");
    let kill = "#!/bin/sh\nkill -9 $PPID\n";
    // K01: recorded, and no ref moved
    write_script(&hooks.join("update"), kill);
    assert_ne!(server.push(&["origin", "main:refs/heads/k1"]).code, 0);
    fs::remove_file(hooks.join("update")).expect("a hook");
    wait_until("the server is gone", || {
        let said = reconcile(&server, &["--dry-run"]);
        said.out.starts_with("closed: 1 change whose git died")
    });
    let said = reconcile(&server, &[]).ok();
    assert!(said.starts_with("closed: 1 change "), "{said}");
    in_step(&server);
    // K03: the refs moved, and nobody was told
    fs::rename(hooks.join("post-receive"), hooks.join("kept")).expect("a hook");
    write_script(&hooks.join("post-receive"), kill);
    assert_ne!(server.push(&["origin", "main:refs/heads/k3"]).code, 0);
    fs::rename(hooks.join("kept"), hooks.join("post-receive")).expect("a hook");
    wait_until("the server is gone", || {
        reconcile(&server, &["--dry-run"]).code == 0
    });
    in_step(&server);
    assert_eq!(gaps(&server), [""; 0]);
    // one of two refs moved by hand while the push that was to move both died
    write_script(&hooks.join("update"), kill);
    assert_ne!(
        server
            .push(&["origin", "main:refs/heads/a", "main:refs/heads/b"])
            .code,
        0
    );
    fs::remove_file(hooks.join("update")).expect("a hook");
    let commit = other_commit(&server);
    git(&server, &["update-ref", "refs/heads/a", &commit]);
    wait_until("the server is gone", || reconcile(&server, &[]).code == 1);
    assert_eq!(gaps(&server), ["update heads/a forced"]);
    in_step(&server);
    let waiting = fs::read_dir(server.path().join("git-ledger/pushes")).expect("pushes");
    assert_eq!(waiting.count(), 0);
    server.sound();
}

#[test]
fn a_push_under_way_is_no_gap() {
    let world = World::new();
    let server = server(&world);
    let hooks = server.path().join("hooks");
    let wait = "#!/bin/sh\n: >reached\nwhile test ! -e go; do sleep 0.05; done\n";
    write_script(&hooks.join("update"), wait);
    server.commit("two");
    let push = server.pushing(&["origin", "main"]);
    let push = std::thread::spawn(move || run(push, b""));
    wait_until("the push is recorded", || {
        server.path().join("reached").exists()
    });
    // another ref can be judged, and this one cannot
    let commit = other_commit(&server);
    git(&server, &["update-ref", "refs/heads/x", &commit]);
    let said = reconcile(&server, &["--timeout", "1"]);
    assert_eq!(said.code, 1, "{said}");
    assert!(
        said.out
            .contains("unknown: 1 ref moving all the while and not compared: refs/heads/main"),
        "{said}"
    );
    let said = reconcile(&server, &["--timeout", "1"]);
    assert_eq!(said.code, 2, "{said}");
    assert_eq!(gaps(&server), ["create heads/x"]);
    fs::write(server.path().join("go"), "").expect("a file");
    push.join().expect("a push").ok();
    in_step(&server);
    assert_eq!(gaps(&server).len(), 1);
    server.sound();
}

#[test]
fn many_at_once_record_once() {
    let world = World::new();
    let server = server(&world);
    let commit = other_commit(&server);
    git(&server, &["update-ref", "refs/heads/x", &commit]);
    let all: Vec<_> = (0..4)
        .map(|_| {
            let mut command = world.command(&server.name, "git");
            command.args(["ledger", "reconcile"]);
            std::thread::spawn(move || run(command, b"").code)
        })
        .collect();
    let mut codes: Vec<i32> = all
        .into_iter()
        .map(|one| one.join().expect("an end"))
        .collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 0, 0, 1]);
    assert_eq!(gaps(&server), ["create heads/x"]);
    server.sound();
}

#[test]
fn runs_beside_pushes_accuse_nobody() {
    let world = World::new();
    let server = server(&world);
    let pushes: Vec<_> = (0..6)
        .map(|n| {
            let name = format!("HEAD:refs/heads/b{n}");
            let push = server.pushing(&["origin", &name]);
            std::thread::spawn(move || run(push, b""))
        })
        .collect();
    while !pushes.iter().all(std::thread::JoinHandle::is_finished) {
        let said = reconcile(&server, &[]);
        assert_eq!(said.code, 0, "{said}");
    }
    for push in pushes {
        push.join().expect("a push").ok();
    }
    in_step(&server);
    assert_eq!(gaps(&server), [""; 0]);
}

#[test]
fn in_sha256_and_with_names_no_string_can_hold() {
    use std::os::unix::ffi::OsStrExt as _;
    let world = World::new();
    let server = server_of_format(&world, "sha256");
    let commit = other_commit(&server);
    let name = std::ffi::OsStr::from_bytes(b"refs/heads/caf\xe9");
    fs::write(server.path().join(name), format!("{commit}\n")).expect("a ref");
    finds(&server, "create cmVmcy9oZWFkcy9jYWbp");
    server.sound();
}

#[test]
fn a_reftable_that_git_wrote_without_hooks() {
    let world = World::new();
    let format = "--ref-format=reftable";
    world
        .git("", &["init", "-q", "--bare", format, "r.git"])
        .ok();
    world.ledger("r.git", &["init", "--name", "acme"]).ok();
    world.ledger("r.git", &["reconcile"]).ok();
    let identity = ["-c", "user.name=x", "-c", "user.email=x"];
    let empty = world.git("r.git", &["mktree"]).ok();
    let make = [&identity[..], &["commit-tree", empty.trim(), "-m", "x"]].concat();
    let commit = world.git("r.git", &make).ok();
    world
        .git("r.git", &["update-ref", "refs/heads/x", commit.trim()])
        .ok();
    let said = world.ledger("r.git", &["reconcile"]).code(1);
    assert!(said.out.starts_with("changed: 1 ref moved"), "{said}");
    world.ledger("r.git", &["reconcile"]).ok();
}

#[test]
fn what_cannot_be_recorded_is_told_all_the_same() {
    let world = World::new();
    let server = server(&world);
    let commit = other_commit(&server);
    git(&server, &["update-ref", "refs/heads/x", &commit]);
    let said = reconcile(&server, &["--quiet", "--key", "/nonexistent"]).code(1);
    assert!(said.out.contains("create: refs/heads/x holds "), "{said}");
    assert!(said.err.contains("nothing of this is recorded"), "{said}");
    finds(&server, "create heads/x");
}

#[test]
fn what_a_forge_keeps_for_itself_can_be_left_out_and_that_is_told() {
    let world = World::new();
    let server = server(&world);
    let commit = other_commit(&server);
    server.set("ledger.acme.leaveOut", "refs/pull/");
    git(&server, &["update-ref", "refs/pull/1/head", &commit]);
    let said = reconcile(&server, &[]).ok();
    assert!(
        said.contains("left out by configuration: refs/pull/\n"),
        "{said}"
    );
    server.set("ledger.acme.leaveOut", "refs/heads/");
    let said = reconcile(&server, &[]).code(128);
    assert!(
        said.err.contains("branches and tags cannot be left out"),
        "{said}"
    );
    world
        .git(&server.name, &["config", "--unset", "ledger.acme.leaveOut"])
        .ok();
    finds(&server, "create pull/1/head");
    let log = world.ledger(&server.name, &["log", "-n", "1"]).ok();
    assert!(
        log.contains("seen by no hook: refs/pull/1/head created at "),
        "{log}"
    );
}

#[test]
fn a_thousand_refs_are_one_entry() {
    let world = World::new();
    let server = server(&world);
    let commit = other_commit(&server);
    let lines: String = (0..1000)
        .map(|n| format!("create refs/heads/b{n} {commit}\n"))
        .collect();
    let mut update = world.command(&server.name, "git");
    update.args(["update-ref", "--stdin"]);
    run(update, lines.as_bytes()).ok();
    let said = reconcile(&server, &["--json"]).code(1);
    let value = Value::parse(said.out.as_bytes()).expect("JSON");
    let object = value.as_object().expect("an object");
    assert_eq!(text(object, "answer"), "breach");
    let findings = object
        .get("findings")
        .and_then(Value::as_array)
        .expect("findings");
    assert_eq!(findings.len(), 1000);
    let first = findings[0].as_object().expect("an object");
    assert_eq!(text(first, "id"), "refUnrecorded");
    in_step(&server);
    assert_eq!(gaps(&server).len(), 1);
    server.sound();
}

#[test]
fn a_cache_that_was_changed_is_noticed_or_looked_past() {
    let world = World::new();
    let server = server(&world);
    // enough entries to be worth a cache
    for n in 0..70 {
        let id = format!("--id={n}");
        let append = ["append", "dev.cdevents.x.y.0.1.0", "--source=/s", &id];
        world.ledger(&server.name, &append).ok();
    }
    in_step(&server);
    let dir = server.path().join("git-ledger/refs");
    let cache = || {
        let mut files = fs::read_dir(&dir)
            .expect("files")
            .map(|file| file.expect("a file").path());
        files.find(|path| !path.ends_with("last")).expect("a cache")
    };
    let kept = fs::read(cache()).expect("a cache");
    let commit = other_commit(&server);
    git(&server, &["update-ref", "refs/heads/old", &commit]);
    // made to say what the refs hold now, with the old sum: it counts for nothing
    let main = git(&server, &["rev-parse", "refs/heads/main"]);
    let lie = String::from_utf8(kept.clone())
        .expect("text")
        .replace(&main, &commit);
    fs::write(cache(), &lie).expect("a cache");
    reconcile(&server, &["--dry-run"]).code(1);
    // with a sum that fits it is believed, but not by --full
    let body = &lie[..lie.rfind("sum ").expect("a sum")];
    let sum = git_ledger::merkle::hex(&git_ledger::merkle::sha256(body.as_bytes()));
    let lie = format!("{body}sum {sum}\n");
    fs::write(cache(), &lie).expect("a cache");
    let full = reconcile(&server, &["--dry-run", "--full"]).code(1);
    assert!(
        full.out.contains("update, forced: refs/heads/old"),
        "{full}"
    );
    // of another chain it counts for nothing
    let foreign = lie.replacen(&lie[18..58], &"1".repeat(40), 1);
    fs::write(cache(), foreign).expect("a cache");
    reconcile(&server, &["--dry-run"]).code(1);
    fs::write(cache(), kept).expect("a cache");
    finds(&server, "update heads/old forced");
}

#[test]
fn what_cannot_be_told_is_not_called_in_step() {
    let world = World::new();
    let server = server(&world);
    fs::write(server.path().join("packed-refs"), "nonsense\n").expect("packed refs");
    let said = reconcile(&server, &[]).code(2);
    assert!(said.err.contains("the refs cannot be read"), "{said}");
    fs::remove_file(server.path().join("packed-refs")).expect("packed refs");
    in_step(&server);
    // history that is cut off
    let from = format!("file://{}", server.path().display());
    let clone = [
        "clone",
        "-q",
        "--bare",
        "--depth=1",
        "--branch=ledger",
        &from,
        "cut.git",
    ];
    world.git("", &clone).ok();
    let key = world.key("server");
    world
        .git(
            "cut.git",
            &["config", "user.signingKey", key.to_str().expect("a path")],
        )
        .ok();
    let said = world.ledger("cut.git", &["reconcile"]).code(2);
    assert!(
        said.err.contains("the history here is cut off below entry"),
        "{said}"
    );
    // no ledger at all
    world.git("", &["init", "-q", "none"]).ok();
    world.ledger("none", &["reconcile"]).code(128);
}

#[test]
fn the_primary_decides_where_one_is_named() {
    let world = World::new();
    let server = server(&world);
    world.git("", &["init", "-q", "--bare", "copy.git"]).ok();
    let copy = world.path("copy.git");
    let add = ["mirror", "add", "copy", copy.to_str().expect("a path")];
    world.ledger(&server.name, &add).ok();
    world.ledger(&server.name, &["mirror", "push"]).ok();
    let commit = other_commit(&server);
    git(&server, &["update-ref", "refs/heads/x", &commit]);
    reconcile(&server, &["--push", "copy"]).code(1);
    let there = world
        .git("copy.git", &["rev-parse", "refs/heads/ledger"])
        .ok();
    assert_eq!(there, server.at("refs/heads/ledger"));
    in_step(&server);
    reconcile(&server, &["--push", "nobody"]).code(129);
}
