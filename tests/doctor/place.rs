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
    insta::assert_snapshot!(last, @"server <W>/r.git: 56 ok, 1 off, 0 unknown, 10 not applicable");
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

#[test]
fn the_hook_that_is_an_option() {
    const OPTION: &str = "hookReferenceTransaction";
    let world = World::new();
    let server = healthy(&world);
    let seen = doctor(&world, &server, &[]);
    assert_eq!(seen.states[OPTION], "not_applicable");
    let install = ["hook", "install", "--reference-transaction"];
    world.ledger(&server, &install).ok();
    let seen = doctor(&world, &server, &[]);
    assert_eq!(seen.states[OPTION], "ok", "{}", seen.shown());
    assert_eq!(seen.said.code, 0, "{}", seen.shown());
    // U20, U21
    let hook = server.join("hooks/reference-transaction");
    let mode = |mode| fs::set_permissions(&hook, fs::Permissions::from_mode(mode)).expect("a mode");
    mode(0o644);
    assert_eq!(doctor(&world, &server, &[]).which("off"), [OPTION]);
    doctor(&world, &server, &["--fix"]).said.code(0);
    write_script(&hook, "");
    assert_eq!(doctor(&world, &server, &[]).which("off"), [OPTION]);
    doctor(&world, &server, &["--fix"]).said.code(0);
    assert_eq!(doctor(&world, &server, &[]).states[OPTION], "ok");
}

#[test]
fn a_server_whose_refs_are_in_a_reftable() {
    let world = World::new();
    let server = healthy(&world);
    world
        .git(
            "",
            &["init", "-q", "--bare", "--ref-format=reftable", "t.git"],
        )
        .ok();
    let key = world.key("server").display().to_string();
    world
        .ledger(
            "t.git",
            &[
                "init",
                "--name",
                "acme",
                "--key",
                &key,
                "--principal",
                "s@acme",
            ],
        )
        .ok();
    world.ledger("t.git", &["hook", "install"]).ok();
    let seen = doctor(&world, "t.git", &[]);
    assert_eq!(seen.which("off"), ["mirrorCount"], "{}", seen.shown());
    // U25: copied there by hand, since an installation refuses
    world
        .ledger(&server, &["hook", "install", "--reference-transaction"])
        .ok();
    let name = "hooks/reference-transaction";
    fs::copy(server.join(name), world.path("t.git").join(name)).expect("a hook");
    let seen = doctor(&world, "t.git", &[]);
    assert_eq!(
        seen.which("off"),
        ["mirrorCount", "refStorage"],
        "{}",
        seen.shown()
    );
}

#[test]
fn a_server_that_a_group_shares() {
    let world = World::new();
    let server = healthy(&world);
    world
        .git(&server, &["config", "core.sharedRepository", "group"])
        .ok();
    let seen = doctor(&world, &server, &[]);
    // what was written before it was shared is not shared
    assert_eq!(seen.which("off"), ["sharedRepository"], "{}", seen.shown());
    let mended = doctor(&world, &server, &["--fix"]);
    assert_eq!(mended.said.code, 0, "{}", mended.shown());
}

#[test]
fn reconciliation_is_told_of() {
    let world = World::new();
    let server = healthy(&world);
    world.ledger(&server, &["reconcile"]).ok();
    world.ledger(&server, &["mirror", "push"]).ok();
    let seen = doctor(&world, &server, &[]);
    assert_eq!(seen.states["reconcile"], "ok", "{}", seen.shown());
    world.sleep(3 * 86_400);
    assert_eq!(doctor(&world, &server, &[]).which("off"), ["reconcile"]);
}

#[test]
fn what_was_mended_works_and_can_be_undone() {
    let world = World::new();
    let server = healthy(&world);
    // the pushes of a work tree go through what --fix put in place of an empty hook
    write_script(&server.join("hooks/pre-receive"), "");
    set_mode(&server.join("config"), 0o666);
    let said = world.ledger(&server, &["doctor", "--fix"]).ok();
    let root = world.path("").display().to_string();
    let said: String = said
        .lines()
        .take_while(|line| *line != "hooks")
        .map(|line| line.replace(&root, "<W>/").replace("//", "/") + "\n")
        .collect();
    insta::assert_snapshot!(said, @r"
    move '<W>/r.git/hooks/pre-receive' to '<W>/r.git/git-ledger/put-aside/pre-receive.1'
    chmod 0644 '<W>/r.git/config' (was 0666)
    write <W>/r.git/hooks/pre-receive
    ");
    world.git("r", &["push", "-q", "origin", "main"]).ok();
    let said = world.ledger(&server, &["log", "-n", "1"]).ok();
    assert!(said.contains("dev.git-ledger.push"), "{said}");
}

fn set_mode(path: &std::path::Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}
