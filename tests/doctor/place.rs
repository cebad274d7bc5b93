//! What depends on where the repository is, who runs, and what surrounds it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::servers::ssh::write_script;
use crate::world::{World, run};

use super::{Seen, doctor, healthy};

#[test]
fn a_work_tree_and_an_auditor_are_asked_other_things() {
    let world = World::new();
    world.repository("w");
    let seen = doctor(&world, "w", &[]);
    assert!(seen.said.out.contains("\"place\":\"work-tree\""));
    // ann signs her commits with the same key, and there is no copy anywhere
    assert_eq!(
        seen.which("off"),
        ["keyPurpose", "mirrorCount"],
        "{}",
        seen.shown()
    );
    assert!(seen.which("not_applicable").contains(&"hookPreReceive"));
    let served = doctor(&world, "w", &["--as", "server"]);
    assert!(served.which("off").contains(&"hookPreReceive"));

    let said = world.ledger("w", &["show", "0", "--json"]).ok();
    assert!(!said.is_empty());
    let fingerprint = world
        .git("w", &["config", "ledger.acme/payments.fingerprint"])
        .ok();
    let url = world.path("w").display().to_string();
    world
        .ledger(
            "",
            &[
                "clone",
                "--fingerprint",
                fingerprint.trim(),
                &url,
                "copy.git",
            ],
        )
        .ok();
    let seen = doctor(&world, "copy.git", &[]);
    assert!(seen.said.out.contains("\"place\":\"auditor\""));
    assert_eq!(seen.which("off"), [""; 0], "{}", seen.shown());
    assert_eq!(seen.said.code, 0);
    assert!(seen.which("not_applicable").contains(&"keyFound"));

    world.git("", &["init", "-q", "empty"]).ok();
    let seen = doctor(&world, "empty", &[]);
    assert!(
        seen.which("off").contains(&"ledgerPresent"),
        "{}",
        seen.shown()
    );
    world.ledger("home", &["doctor"]).code(128);
    world.ledger("w", &["doctor", "--dry-run"]).code(129);
    world.ledger("w", &["doctor", "--as", "castle"]).code(129);
}

#[test]
fn programs_are_looked_at_where_they_are_found() {
    let world = World::new();
    let server = healthy(&world);
    let open = world.path("open");
    fs::create_dir(&open).expect("a directory");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("a mode");
    let path = std::env::var("PATH").expect("a PATH");
    let with = |path: String| {
        let mut command = world.command(&server, env!("CARGO_BIN_EXE_git-ledger"));
        command.args(["doctor", "--json"]).env("PATH", path);
        Seen::of(run(command, b""))
    };
    assert_eq!(with(path.clone()).said.code, 0);
    // C16: an empty element, a dot, a directory that everybody may write
    for bad in [
        format!(":{path}"),
        format!("{path}:."),
        format!("{path}:{}", open.display()),
    ] {
        let seen = with(bad);
        assert_eq!(seen.which("off"), ["searchPath"], "{}", seen.shown());
    }
    for (program, check) in [
        ("git", "programGit"),
        ("ssh", "programSsh"),
        ("ssh-keygen", "programKeygen"),
    ] {
        let dir = world.path(format!("bin-{program}"));
        fs::create_dir(&dir).expect("a directory");
        let planted = dir.join(program);
        write_script(
            &planted,
            &format!("#!/bin/sh\nPATH='{path}' exec {program} \"$@\"\n"),
        );
        fs::set_permissions(&planted, fs::Permissions::from_mode(0o777)).expect("a mode");
        let seen = with(format!("{}:{path}", dir.display()));
        assert_eq!(seen.which("off"), [check], "{}", seen.shown());
    }
    // where doctor stands, not what -C names
    let marker = world.path("ran");
    let script = format!("#!/bin/sh\ntouch '{}'\n", marker.display());
    write_script(&world.path("keys/git"), &script);
    let mut command = world.command("keys", env!("CARGO_BIN_EXE_git-ledger"));
    command.arg("-C").arg(&server).args(["doctor", "--json"]);
    let seen = Seen::of(run(command, b""));
    assert_eq!(seen.which("off"), ["plantedPrograms"], "{}", seen.shown());
    assert!(!marker.exists());
}

#[test]
fn configuration_from_everywhere_is_seen_and_nothing_of_it_runs() {
    let world = World::new();
    let server = healthy(&world);
    let marker = world.path("ran");
    let evil = world.path("evil");
    write_script(&evil, &format!("#!/bin/sh\ntouch '{}'\n", marker.display()));
    let evil = evil.display().to_string();
    let hooks = |configure: &dyn Fn(&mut std::process::Command)| {
        let mut command = world.command(&server, env!("CARGO_BIN_EXE_git-ledger"));
        command.args(["doctor", "--json"]);
        configure(&mut command);
        let seen = Seen::of(run(command, b""));
        assert_eq!(seen.which("off"), ["hooksPath"], "{}", seen.shown());
        seen.said.out
    };
    // U14: system, global and environment
    let file = world.path("outer");
    fs::write(&file, "[core]\n\thooksPath = /nonexistent\n").expect("a file");
    let said = hooks(&|command| {
        command
            .env_remove("GIT_CONFIG_NOSYSTEM")
            .env("GIT_CONFIG_SYSTEM", &file);
    });
    assert!(said.contains("/outer'"), "{said}");
    hooks(&|command| {
        command
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "core.hooksPath")
            .env("GIT_CONFIG_VALUE_0", "/nonexistent");
    });
    hooks(&|command| {
        command.env("GIT_CONFIG_PARAMETERS", "'core.hooksPath'='/nonexistent'");
    });

    // C01-C09: every program a repository can name
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.askPass",
        "core.alternateRefsCommand",
        "gpg.program",
        "gpg.ssh.program",
        "gpg.ssh.defaultKeyCommand",
        "credential.helper",
        "remote.one.uploadpack",
        "remote.one.receivepack",
        "remote.one.vcs",
        "filter.x.smudge",
        "diff.x.textconv",
        "uploadpack.packObjectsHook",
    ] {
        world.git(&server, &["config", key, &evil]).ok();
    }
    for name in [
        "post-index-change",
        "reference-transaction.sample",
        "update",
    ] {
        write_script(
            &server.join("hooks").join(name),
            &format!("#!/bin/sh\ntouch '{}'\n", marker.display()),
        );
    }
    for arguments in [&["doctor"][..], &["doctor", "--fix"], &["doctor", "--json"]] {
        let said = world.ledger(&server, arguments).code(1);
        assert!(said.out.contains("foreignPrograms"), "{said}");
    }
    assert!(!marker.exists());
}

#[test]
fn what_people_read() {
    let world = World::new();
    let server = healthy(&world);
    fs::set_permissions(
        server.join("hooks/pre-receive"),
        fs::Permissions::from_mode(0o644),
    )
    .expect("a mode");
    let said = world.ledger(&server, &["doctor"]).code(1);
    let root = world.path("").display().to_string();
    let first: String = said
        .out
        .lines()
        .take(5)
        .map(|line| format!("{line}\n"))
        .collect();
    insta::assert_snapshot!(first, @r"
    hooks
      off     hookPreReceive           it is not executable, so git passes it over
                                       why:  git passes over a hook it cannot start and accepts the push without a word
                                       mend: git ledger hook install
      ok      hookPostReceive          ours, whole and executable
    ");
    let last = said
        .out
        .lines()
        .last()
        .unwrap_or_default()
        .replace(&root, "<W>/")
        .replace("//", "/");
    insta::assert_snapshot!(last, @"server <W>/r.git: 54 ok, 1 off, 0 unknown, 10 not applicable");
    assert!(
        said.err
            .contains("hint: 'git ledger doctor --fix' mends 1 of these"),
        "{said}"
    );
    let said = world
        .ledger(&server, &["doctor", "--fix", "--dry-run"])
        .code(1);
    assert!(said.out.starts_with("would write "), "{said}");
    let said = world.ledger(&server, &["doctor", "--fix"]).ok();
    assert!(said.starts_with("write "), "{said}");
}
