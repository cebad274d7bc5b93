//! Repositories of other users, and programs that lie in the way. Giving files away takes root,
//! which build machines are.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use super::*;
use crate::commands;

const SOMEBODY: u32 = 12_345;

/// Gives everything below to somebody else.
fn give_away(path: &Path) {
    for entry in walkdir::WalkDir::new(path) {
        let entry = entry.expect("an entry");
        std::os::unix::fs::lchown(entry.path(), Some(SOMEBODY), Some(SOMEBODY)).expect("root");
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[track_caller]
fn refused(said: Said) {
    let said = said.code(128);
    assert!(said.err.contains("belongs to somebody else"), "{said}");
    assert!(said.err.contains("safe.directory"), "{said}");
    assert_eq!(said.out, "");
}

#[test]
fn naming_the_directory_or_sudo_makes_nobody_an_owner() {
    if !is_root() {
        return;
    }
    let world = world();
    mirror(&world, "one");
    give_away(&world.path("r"));
    let git_dir = world.path("r/.git");
    let git_dir = git_dir.to_str().expect("text");
    let with = |variables: &[(&str, &str)], dir: &str, arguments: &[&str]| {
        let mut command = world.command(dir, "git-ledger");
        command.args(arguments).envs(variables.iter().copied());
        run(command, b"")
    };
    let uid = SOMEBODY.to_string();
    refused(with(&[], "r", &["verify"]));
    refused(with(&[("GIT_DIR", git_dir)], "", &["verify"]));
    refused(with(
        &[("GIT_DIR", git_dir), ("GIT_WORK_TREE", "home")],
        "",
        &["verify"],
    ));
    refused(with(&[("GIT_COMMON_DIR", git_dir)], "r", &["verify"]));
    refused(with(&[("SUDO_UID", &uid)], "r", &["verify"]));
    refused(with(
        &[("SUDO_UID", &uid), ("GIT_DIR", git_dir)],
        "r",
        &["log"],
    ));
    refused(with(&[], "", &["-C", "r", "verify"]));
    refused(world.git("", &["--git-dir", git_dir, "ledger", "verify"]));
    // git says the same of its own for a verb of git's
    refused(with(
        &[("GIT_TEST_ASSUME_DIFFERENT_OWNER", "0")],
        "r",
        &["verify"],
    ));

    // every verb that reads a repository refuses this one
    let mut verbs = 0;
    for verb in commands::all(&world) {
        let words: Vec<&str> = verb.words.iter().map(String::as_str).collect();
        if words == ["demo"] {
            continue;
        }
        let arguments: Vec<&str> = verb
            .required
            .iter()
            .map(|name| commands::value(name))
            .collect();
        let arguments = [&words[..], &arguments[..]].concat();
        let nowhere = with(&[], "home", &arguments);
        if nowhere.code == 128 && nowhere.err.contains("is not in a git repository") {
            refused(with(&[("SUDO_UID", &uid)], "r", &arguments));
            verbs += 1;
        }
    }
    assert!(verbs >= 12, "{verbs}");

    // a .git file, a common directory and a work tree of ours that lead there
    fs::create_dir(world.path("tree")).expect("a directory");
    fs::write(world.path("tree/.git"), format!("gitdir: {git_dir}\n")).expect("a file");
    refused(with(&[], "tree", &["verify"]));
    let own = world.path("linked/.git");
    fs::create_dir_all(&own).expect("a directory");
    fs::write(own.join("HEAD"), "ref: refs/heads/main\n").expect("a file");
    fs::write(own.join("commondir"), git_dir).expect("a file");
    refused(with(&[], "linked", &["verify"]));
    // a link of ours to it
    std::os::unix::fs::symlink(world.path("r"), world.path("link")).expect("a link");
    refused(with(&[], "link", &["verify"]));

    // what the repository says of itself counts for nothing, what its reader says does
    let config = fs::read_to_string(world.path("r/.git/config")).expect("settings");
    fs::write(
        world.path("r/.git/config"),
        config + "[safe]\n\tdirectory = *\n",
    )
    .expect("settings");
    refused(with(&[], "r", &["verify"]));
    let place = fs::canonicalize(world.path("r")).expect("a path");
    let trust = [
        "config",
        "--global",
        "safe.directory",
        place.to_str().expect("text"),
    ];
    world.git("", &trust).ok();
    with(&[], "r", &["verify"]).ok();
    refused(with(&[("GIT_DIR", git_dir)], "r", &["verify"]));
    let place = fs::canonicalize(git_dir).expect("a path");
    let trust = [
        "config",
        "--global",
        "--add",
        "safe.directory",
        place.to_str().expect("text"),
    ];
    world.git("", &trust).ok();
    with(&[("GIT_DIR", git_dir)], "r", &["verify"]).ok();
}

#[test]
fn one_foreign_part_is_enough() {
    if !is_root() {
        return;
    }
    for part in [".git", ""] {
        let world = world();
        chown(world.path("r").join(part), Some(SOMEBODY), None).expect("root");
        refused(direct(&world, "r", &["verify"]));
    }
    let world = world();
    fs::rename(world.path("r/.git"), world.path("store")).expect("moved");
    let file = world.path("r/.git");
    fs::write(
        &file,
        format!("gitdir: {}\n", world.path("store").display()),
    )
    .expect("a file");
    direct(&world, "r", &["verify"]).ok();
    chown(&file, Some(SOMEBODY), None).expect("root");
    refused(direct(&world, "r", &["verify"]));
}

#[test]
fn a_program_in_the_current_directory_is_not_run() {
    let world = world();
    mirror(&world, "one");
    // a key that only ssh-keygen can use
    let mut make = world.command("", "ssh-keygen");
    make.args(["-q", "-t", "ecdsa", "-N", "", "-C", "", "-f", "ec"]);
    run(make, b"").ok();
    let public = fs::read_to_string(world.path("ec.pub")).expect("a key");
    let public: Vec<&str> = public.split_whitespace().take(2).collect();
    let public = public.join(" ");
    let add = [
        "policy",
        "add-signer",
        "bob@acme.org",
        &public,
        "--role",
        "writer",
        "--yes",
    ];
    direct(&world, "r", &add).ok();
    let key = world.path("ec").display().to_string();
    let marker = world.path("marker");
    for name in [
        "git",
        "ssh",
        "ssh-keygen",
        "git-upload-pack",
        "sh",
        "less",
        "git-ledger",
    ] {
        let path = world.path("r").join(name);
        fs::write(
            &path,
            format!("#!/bin/sh\necho {name} >>'{}'\nexit 1\n", marker.display()),
        )
        .expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let program = crate::recorded::BINARY;
    let mut command = world.command("r", program);
    let path = command
        .get_envs()
        .find(|(name, _)| *name == "PATH")
        .and_then(|(_, value)| value)
        .expect("PATH")
        .to_str()
        .expect("text")
        .to_owned();
    command.args(["verify"]);
    run(command, b"").ok();
    for path in [
        format!(".:{path}"),
        format!(":{path}"),
        format!("./:{path}"),
        format!("../r:{path}"),
    ] {
        for arguments in [
            &["verify"][..],
            &["append", "dev.acme.built", "--key", &key],
            &["mirror", "push"],
            &["compare"],
            &["log"],
        ] {
            let mut command = world.command("r", program);
            command.args(arguments).env("PATH", &path);
            run(command, b"").ok();
            let ran = fs::read_to_string(&marker).unwrap_or_default();
            assert_eq!(ran, "", "{path} {arguments:?}");
        }
    }
}
