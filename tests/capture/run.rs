//! A wrapped command is the command: what goes in, what comes out, how it ends.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use super::*;

fn sh(world: &World, options: &[&str], script: &str) -> Said {
    ledger(
        world,
        &[&["run"], options, &["--", "sh", "-c", script]].concat(),
    )
}

#[test]
fn bytes_go_through_untouched() {
    let world = world();
    let input: Vec<u8> = (0..3_000_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let mut command = binary(
        &world,
        &["run", "--", "sh", "-c", "cat; printf '\\377\\000err' >&2"],
    );
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("a program");
    let mut stdin = child.stdin.take().expect("a pipe");
    let given = input.clone();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &given));
    let output = child.wait_with_output().expect("an end");
    writer.join().expect("a thread").expect("all taken");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout == input, "{} bytes", output.stdout.len());
    assert!(output.stderr.windows(5).any(|part| part == b"\xff\0err"));
}

#[test]
fn the_status_is_that_of_the_command() {
    let world = world();
    for code in [0, 1, 2, 3, 126, 127, 128, 129, 255] {
        let said = sh(&world, &["-q"], &format!("exit {code}"));
        assert_eq!(said.code, code, "{said}");
        assert_eq!(said.out, "");
    }
    assert_eq!(sh(&world, &[], "kill -KILL $$").code, 137);
    assert_eq!(sh(&world, &[], "kill -TERM $$").code, 143);
    let finished = events(&world, "dev.cdevents.taskrun.finished");
    let outcome = |at: usize| text(&finished[at], "data/subject/content/outcome");
    assert_eq!((outcome(0), outcome(3)), ("success", "failure"));
    assert_eq!((outcome(9), outcome(10)), ("error", "error"));
    assert_eq!(text(&finished[9], "data/customData/exit/signal"), "SIGKILL");
    assert_eq!(
        get(&finished[3], "data/customData/exit/code").as_integer(),
        Some(3)
    );
    let started = events(&world, "dev.cdevents.taskrun.started");
    assert_eq!(started.len(), finished.len());
    for (began, ended) in started.iter().zip(&finished) {
        assert_eq!(text(began, "subject"), text(ended, "subject"));
        assert_eq!(text(began, "id"), text(ended, "data/customData/started"));
        assert!(get(ended, "data/customData/durationMs").as_integer() >= Some(0));
    }
    crate::recorded::assert_both_agree(&world, "r");
}

#[test]
fn commands_are_found_on_path_and_not_where_one_stands() {
    let world = world();
    fs::write(world.path("r/tool"), "#!/bin/sh\necho ran\n").expect("a file");
    fs::set_permissions(world.path("r/tool"), fs::Permissions::from_mode(0o755)).expect("a mode");
    fs::write(world.path("r/plain"), "echo plain\n").expect("a file");
    fs::create_dir(world.path("bin")).expect("a directory");
    fs::write(world.path("bin/data"), "x").expect("a file");
    let with_path = |word: &str| {
        let mut command = binary(&world, &["run", "--", word]);
        let path = command
            .get_envs()
            .find(|(name, _)| *name == "PATH")
            .and_then(|(_, value)| value)
            .expect("PATH")
            .to_owned();
        let mut paths = std::ffi::OsString::from(".:");
        paths.push(":");
        paths.push(world.path("bin"));
        paths.push(":");
        paths.push(path);
        command.env("PATH", paths);
        finish(command, b"")
    };
    let said = with_path("tool").code(127);
    assert!(
        said.err.contains("there is no such command on PATH"),
        "{said}"
    );
    assert!(with_path("data").code(126).err.contains("not executable"));
    assert_eq!(with_path("./tool").ok(), "ran\n");
    assert_eq!(with_path("./none").code, 127);
    assert_eq!(with_path("./plain").code, 126);
    assert_eq!(with_path("").code, 129);
    // -C is where the command runs
    let moved = ["-C", "..", "run", "--ledger", "x", "--", "pwd"];
    assert_eq!(finish(binary(&world, &moved), b"").code, 128);
    let said = ledger(
        &world,
        &[
            "-C",
            ".git",
            "run",
            "-q",
            "--",
            "sh",
            "-c",
            "basename $(pwd)",
        ],
    );
    assert_eq!(said.ok(), ".git\n");
    let errors = events(&world, "dev.cdevents.taskrun.finished");
    assert_eq!(text(&errors[0], "data/subject/content/outcome"), "error");
    // a reader that goes away kills the command as it always does
    let mut command = binary(&world, &["run", "-q", "--", "sh", "-c", "exec yes"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("a program");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("an end").code(), Some(141));
}

#[test]
fn what_it_changed_and_made() {
    let world = world();
    fs::create_dir(world.path("r/conf")).expect("a directory");
    fs::write(world.path("r/conf/a"), "1").expect("a file");
    fs::write(world.path("r/conf/gone"), "1").expect("a file");
    fs::write(world.path("env"), "OLD=1\nSAME=1\n").expect("a file");
    let mut command = binary(
        &world,
        &[
            "run",
            "--name",
            "build",
            "--watch",
            "conf",
            "--artifact",
            "out",
            "--artifact",
            "none",
            "--env",
            "*",
            "--",
            "sh",
            "-c",
            "echo 2 > conf/a; rm conf/gone; mkdir out; echo app > out/app; ln -s app out/l; \
             printf 'OLD=2\\nNEW<<E\\nx\\nE\\n' >> $GITHUB_ENV",
        ],
    );
    command.env("GITHUB_ENV", world.path("env"));
    let said = finish(command, b"").code(0);
    assert!(
        said.err.contains("warning: artifact 'none' is not there"),
        "{said}"
    );
    assert!(
        said.err.contains("git-ledger: 'build' success after "),
        "{said}"
    );
    let event = &events(&world, "dev.cdevents.taskrun.finished")[0];
    let custom = get(event, "data/customData");
    assert_eq!(text(event, "data/subject/content/taskName"), "build");
    assert_eq!(text(custom, "watched/changes/0/path"), "conf/a");
    assert_eq!(text(custom, "watched/changes/0/change"), "changed");
    assert_eq!(
        get(custom, "watched/changes/0/new/size").as_integer(),
        Some(2)
    );
    assert_eq!(text(custom, "watched/changes/1/change"), "deleted");
    assert_ne!(
        text(custom, "watched/before/digest"),
        text(custom, "watched/after/digest")
    );
    let digest = format!(
        "sha256:{}",
        git_ledger::merkle::hex(&git_ledger::merkle::sha256(b"app\n"))
    );
    assert_eq!(text(custom, "artifacts/0/path"), "out/app");
    assert_eq!(text(custom, "artifacts/0/digest"), digest);
    assert_eq!(text(custom, "artifacts/1/kind"), "link");
    assert_eq!(get(custom, "artifacts/2/missing"), &Value::Bool(true));
    let carried = get(custom, "variables/carried").as_array().expect("a list");
    let told: Vec<(&str, &str)> = carried
        .iter()
        .map(|one| (text(one, "name"), text(one, "change")))
        .collect();
    assert_eq!(told, [("NEW", "created"), ("OLD", "changed")]);
    assert_eq!(text(&carried[0], "file"), "GITHUB_ENV");
    let log = ledger(&world, &["log", "-n1", "--no-pager"]).ok();
    assert!(log.contains("'build' success after "), "{log}");
    assert!(
        log.contains("2 watched files changed 3 artifacts program=sh"),
        "{log}"
    );
}

#[test]
fn nothing_runs_unless_its_start_is_recorded() {
    let world = world();
    let marker = world.path("marker");
    let touch = format!("touch {}", marker.display());
    let elsewhere = ["--push", "nowhere"];
    world
        .git("r", &["remote", "add", "nowhere", "../nowhere.git"])
        .ok();
    let said = sh(
        &world,
        &[&elsewhere[..], &["--on-failure=fail"]].concat(),
        &touch,
    )
    .code(128);
    assert!(said.err.contains("hint: the command was not run"), "{said}");
    assert!(!marker.exists());
    for bad in [
        &["--watch", ""][..],
        &["--name", ""],
        &["--env", "["],
        &["--name", "\u{85}"],
    ] {
        sh(&world, bad, &touch).code(129);
    }
    sh(&world, &["--key", "/none", "--on-failure=fail"], &touch).code(128);
    sh(&world, &["--dry-run"], &touch).ok();
    assert!(!marker.exists());
    assert_eq!(said_numbers(&world), "0");
    assert_eq!(steps(&world), 0);

    // where it may wait, it runs, and both events wait
    let said = sh(
        &world,
        &[&elsewhere[..], &["--on-failure=spool"]].concat(),
        &touch,
    )
    .code(0);
    assert!(said.err.contains("warning: not recorded yet"), "{said}");
    assert!(marker.exists());
    assert_eq!(said_numbers(&world), "0");
    world
        .git("", &["clone", "--quiet", "--bare", "r", "nowhere.git"])
        .ok();
    ledger(&world, &["flush"]).ok();
    assert_eq!(events(&world, "dev.cdevents.taskrun").len(), 2);
    assert_eq!(steps(&world), 0);
}

#[test]
fn the_policy_says_which_steps_may_run_unrecorded() {
    let world = world();
    let marker = world.path("marker");
    let touch = format!("touch {}", marker.display());
    world
        .git("r", &["remote", "add", "nowhere", "../nowhere.git"])
        .ok();
    // as a new ledger's policy has it, steps wait in the spool
    sh(&world, &["--push", "nowhere"], &touch).code(0);
    assert!(marker.exists());
    std::fs::remove_file(&marker).expect("a file");
    let closed = [
        "policy",
        "on-failure",
        "dev.cdevents.taskrun.*",
        "--mode",
        "closed",
        "--yes",
    ];
    ledger(&world, &closed).ok();
    let said = sh(&world, &["--push", "nowhere"], &touch).code(128);
    assert!(said.err.contains("it does not wait in the spool"), "{said}");
    assert!(said.err.contains("the command was not run"), "{said}");
    assert!(!marker.exists());
    let laxer = ["--push", "nowhere", "--on-failure=spool"];
    sh(&world, &laxer, &touch).code(128);
    assert!(!marker.exists());
}

fn said_numbers(world: &World) -> String {
    let said = ledger(world, &["log", "--format", "%(number)"]);
    said.ok().lines().collect::<Vec<_>>().join(" ")
}

/// How many steps are noted as open.
fn steps(world: &World) -> usize {
    let dir = world.path("r/.git/git-ledger/steps");
    walkdir::WalkDir::new(dir)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .count()
}

#[test]
fn an_end_that_cannot_be_recorded_is_told_and_kept() {
    let world = world();
    world
        .git("", &["clone", "--quiet", "--bare", "r", "one.git"])
        .ok();
    world.git("r", &["remote", "add", "one", "../one.git"]).ok();
    let away = "mv ../one.git ../away.git";
    let options = ["--push", "one", "--on-failure=fail"];
    let said = sh(&world, &options, away).code(128);
    assert!(
        said.err
            .contains("error: the command succeeded, and that is not recorded"),
        "{said}"
    );
    assert_eq!(steps(&world), 1);
    fs::rename(world.path("away.git"), world.path("one.git")).expect("a directory");
    // a command that fails keeps its status
    let said = sh(&world, &options, &format!("{away}; exit 7")).code(7);
    assert!(
        said.err
            .contains("error: the command failed (exit status 7), and that is not recorded"),
        "{said}"
    );
    fs::rename(world.path("away.git"), world.path("one.git")).expect("a directory");
    ledger(&world, &["flush"]).ok();
    assert_eq!(steps(&world), 0);
    let finished = events(&world, "dev.cdevents.taskrun.finished");
    let outcomes: Vec<&str> = finished
        .iter()
        .map(|event| text(event, "data/subject/content/outcome"))
        .collect();
    assert_eq!(outcomes, ["success", "failure"]);
    assert_eq!(events(&world, "dev.cdevents.taskrun.started").len(), 2);
}
