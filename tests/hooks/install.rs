//! Putting the hooks in place, seeing whether they are, taking them out again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::servers::ssh::write_script;
use crate::servers::{Server, exits};
use crate::world::{World, run};

#[test]
fn install_says_what_it_does_and_uninstall_undoes_it() {
    let world = World::new();
    world.git("", &["init", "-q", "--bare", "r.git"]).ok();
    world.ledger("r.git", &["init", "--name", "acme"]).ok();
    world
        .git("r.git", &["config", "receive.denyDeletes", "false"])
        .ok();
    let hooks = world.path("r.git/hooks");
    write_script(&hooks.join("pre-receive"), "#!/bin/sh\nexit 0\n");
    let config = || {
        let mut lines: Vec<String> = world
            .git("r.git", &["config", "--local", "--list"])
            .ok()
            .lines()
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    };
    let files = || {
        let mut files: Vec<(String, Vec<u8>, u32)> = fs::read_dir(&hooks)
            .expect("hooks")
            .map(|file| file.expect("a hook"))
            .map(|file| {
                let mode = file.metadata().expect("a mode").permissions().mode();
                let name = file.file_name().to_string_lossy().into_owned();
                (name, fs::read(file.path()).expect("text"), mode)
            })
            .collect();
        files.sort();
        files
    };
    let before = (config(), files());

    let said = world
        .ledger("r.git", &["hook", "install", "--dry-run"])
        .ok();
    let root = world.path("").display().to_string();
    insta::assert_snapshot!(said.replace(&root, "<W>/").replace("//", "/"), @r"
    would set receive.denyNonFastForwards = true (was not set)
    would set receive.denyDeletes = true (was false)
    would set receive.fsckObjects = true (was not set)
    would set receive.advertisePushOptions = true (was not set)
    would set core.fsync = committed,reference (was not set)
    would keep the pre-receive hook that is there as 'pre-receive.before-ledger', and call it too
    would write <W>/r.git/hooks/pre-receive
    would write <W>/r.git/hooks/post-receive
    ");
    assert_eq!((config(), files()), before);
    exits(world.ledger("r.git", &["hook", "status"]), 1);

    world.ledger("r.git", &["hook", "install"]).ok();
    let placed = (config(), files());
    assert_eq!(
        world.ledger("r.git", &["hook", "install"]).ok(),
        "everything is in place already\n"
    );
    assert_eq!((config(), files()), placed);
    let said = world.ledger("r.git", &["hook", "status"]).ok();
    insta::assert_snapshot!(said, @r"
    ok  pre-receive, calls the hook that was there before
    ok  post-receive
    ok  receive.denyNonFastForwards = true
    ok  receive.denyDeletes = true
    ok  receive.fsckObjects = true
    ok  receive.advertisePushOptions = true
    ok  the ledger refs/heads/ledger can be written
    ");

    world.ledger("r.git", &["hook", "uninstall"]).ok();
    assert_eq!((config(), files()), before);
    let said = world.ledger("r.git", &["hook", "uninstall"]).code(2);
    assert!(said.out.contains("it is not ours"), "{said}");
    assert_eq!((config(), files()), before);
}

#[test]
fn status_sees_a_hook_that_git_would_pass_over() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let hook = server.path().join("hooks/pre-receive");
    let script = fs::read_to_string(&hook).expect("a hook");
    let status = || {
        let said = world.ledger(&server.name, &["hook", "status"]).code(1);
        said.out.lines().next().unwrap_or_default().to_owned()
    };
    // U20, U21
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o644)).expect("a mode");
    assert_eq!(
        status(),
        "no  pre-receive: it is not executable, so git passes it over"
    );
    write_script(&hook, "");
    assert_eq!(status(), "no  pre-receive: another hook is in its place");
    write_script(&hook, &format!("{script}true\n"));
    assert!(status().contains("another version"));
    fs::remove_file(&hook).expect("a hook");
    assert_eq!(status(), "no  pre-receive: it is not there");
    std::os::unix::fs::symlink("/nonexistent", &hook).expect("a link");
    assert_eq!(status(), "no  pre-receive: another hook is in its place");
    fs::remove_file(&hook).expect("a link");
    server.set("core.hooksPath", "/nonexistent");
    assert!(status().contains("core.hooksPath"));
    let said = world.ledger(&server.name, &["hook", "install"]).code(1);
    assert!(
        said.err
            .contains("hint: for this repository: git config core.hooksPath"),
        "{said}"
    );
    world
        .git(&server.name, &["config", "--unset", "core.hooksPath"])
        .ok();
    world.ledger(&server.name, &["hook", "install"]).ok();
    world.ledger(&server.name, &["hook", "status"]).ok();
}

#[test]
fn a_missing_program_refuses() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let hook = server.path().join("hooks/pre-receive");
    let script = fs::read_to_string(&hook).expect("a hook");
    let line = script
        .lines()
        .find(|line| line.starts_with("program="))
        .expect("a line");
    write_script(
        &hook,
        &script.replace(line, "program='/nonexistent/git-ledger'"),
    );
    let git = world.git("", &["--exec-path"]).ok();
    let mut push = server.pushing(&["origin", "main"]);
    // git's own programs and the shell's, but no git-ledger
    push.env(
        "PATH",
        format!("{}:/usr/local/bin:/usr/bin:/bin", git.trim()),
    );
    let said = run(push, b"").code(1);
    assert!(
        said.err
            .contains("git-ledger: refused pushUnrecorded - - git-ledger is not installed"),
        "{said}"
    );
    assert_eq!(server.at("refs/heads/main"), "");
    // on PATH it is found
    server.push(&["origin", "main"]).ok();
    assert_eq!(server.events().len(), 1);
}

#[test]
fn hooks_that_were_there_are_called_with_the_same_input() {
    let world = World::new();
    let server = Server::new(&world, "r");
    world.ledger(&server.name, &["hook", "uninstall"]).ok();
    let hooks = server.path().join("hooks");
    let keep = |name: &str| {
        format!(
            "#!/bin/sh\ncat >>{name}.log\ngit cat-file -e $(tail -1 {name}.log | cut -d' ' -f2) || exit 1\n! grep -q no {name}.log\n"
        )
    };
    write_script(&hooks.join("pre-receive"), &keep("pre-receive"));
    write_script(&hooks.join("post-receive"), &keep("post-receive"));
    world.ledger(&server.name, &["hook", "install"]).ok();
    server.push(&["origin", "main"]).ok();
    let commit = server.at("refs/heads/main");
    let line = format!("{} {} refs/heads/main\n", "0".repeat(40), commit.trim());
    for name in ["pre-receive", "post-receive"] {
        let read = fs::read_to_string(server.path().join(format!("{name}.log"))).expect("a log");
        assert_eq!(read, line, "{name}");
    }
    // what the other hook refuses is not recorded
    exits(server.push(&["origin", "main:refs/heads/no"]), 1);
    assert_eq!(server.events().len(), 1);
    server.sound();
}
