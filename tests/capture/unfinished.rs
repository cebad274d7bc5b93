//! git-ledger itself is killed: the next one tells, once.

use std::process::Stdio;

use rustix::process::Signal;

use super::*;

/// Starts a step, kills git-ledger, and lets the command end.
fn killed(world: &World, options: &[&str]) {
    let script =
        "echo > ../ready; while [ ! -e ../over ]; do sleep 0.02; done; rm ../over; echo > ../ended";
    let arguments = [
        &["run", "--name", "long"],
        options,
        &["--", "sh", "-c", script],
    ]
    .concat();
    let mut command = binary(world, &arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("a program");
    wait_for(&world.path("ready"));
    std::fs::remove_file(world.path("ready")).expect("a file");
    signal(&child, Signal::KILL);
    child.wait().expect("an end");
    std::fs::write(world.path("over"), "").expect("a file");
    wait_for(&world.path("ended"));
    std::fs::remove_file(world.path("ended")).expect("a file");
}

#[test]
fn the_next_run_records_that_nobody_knows() {
    let world = world();
    killed(&world, &[]);
    let said = ledger(&world, &["steps"]).code(1);
    assert!(said.out.contains("long"), "{said}");
    assert!(said.out.contains("died"), "{said}");
    let said = ledger(&world, &["run", "--", "true"]).code(0);
    assert!(
        said.err
            .contains("steps whose git-ledger died are recorded in 2"),
        "{said}"
    );
    let finished = events(&world, "dev.cdevents.taskrun.finished");
    assert_eq!(finished.len(), 2);
    assert_eq!(text(&finished[0], "data/subject/content/outcome"), "error");
    assert_eq!(text(&finished[0], "data/subject/content/taskName"), "long");
    assert_eq!(
        get(&finished[0], "data/customData/exit/unknown"),
        &Value::Bool(true)
    );
    ledger(&world, &["steps"]).code(0);
    // and never again
    ledger(&world, &["flush"]).ok();
    ledger(&world, &["run", "--", "true"]).code(0);
    assert_eq!(events(&world, "dev.cdevents.taskrun.finished").len(), 3);
}

#[test]
fn flush_and_reconcile_record_it_too_and_exactly_once() {
    let world = world();
    killed(&world, &[]);
    ledger(&world, &["flush"]).ok();
    killed(&world, &[]);
    ledger(&world, &["reconcile"]).code(0);
    killed(&world, &[]);
    let mut all: Vec<_> = (0..4)
        .map(|_| {
            let mut command = binary(&world, &["flush"]);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().expect("a program")
        })
        .collect();
    for child in &mut all {
        assert_eq!(child.wait().expect("an end").code(), Some(0));
    }
    assert_eq!(events(&world, "dev.cdevents.taskrun.started").len(), 3);
    assert_eq!(events(&world, "dev.cdevents.taskrun.finished").len(), 3);
    crate::recorded::assert_sound(&world, "r");
}

#[test]
fn what_runs_or_runs_elsewhere_is_left_alone() {
    let world = world();
    let script = "echo > ../ready; while [ ! -e ../over ]; do sleep 0.02; done";
    let mut command = binary(
        &world,
        &["run", "-q", "--name", "here", "--", "sh", "-c", script],
    );
    let mut child = command.spawn().expect("a program");
    wait_for(&world.path("ready"));
    let running = ledger(&world, &["steps"]).code(0);
    assert!(running.out.contains("runs"), "{running}");
    ledger(&world, &["flush"]).ok();
    assert_eq!(events(&world, "dev.cdevents.taskrun.finished").len(), 0);
    std::fs::write(world.path("over"), "").expect("a file");
    assert_eq!(child.wait().expect("an end").code(), Some(0));

    for name in ["ready", "over"] {
        std::fs::remove_file(world.path(name)).expect("a file");
    }

    // a note from another machine says nothing about the processes of this one
    killed(&world, &[]);
    let dir = world.path("r/.git/git-ledger/steps");
    let note = walkdir::WalkDir::new(dir)
        .into_iter()
        .filter_map(Result::ok)
        .find(|entry| entry.file_type().is_file())
        .expect("a note")
        .into_path();
    let text = std::fs::read_to_string(&note).expect("a note");
    let at = text.find("\"machine\":\"").expect("a machine") + 11;
    let elsewhere = format!("{}{}{}", &text[..at], "0".repeat(16), &text[at + 16..]);
    std::fs::write(&note, elsewhere).expect("a note");
    ledger(&world, &["flush"]).ok();
    assert_eq!(events(&world, "dev.cdevents.taskrun.finished").len(), 1);
    let said = ledger(&world, &["steps", "--json"]).code(1);
    assert!(said.out.contains("\"state\":\"elsewhere\""), "{said}");
}

#[test]
fn another_clone_sees_steps_without_an_end() {
    let world = world();
    world
        .git("", &["clone", "--quiet", "--bare", "r", "one.git"])
        .ok();
    world.git("r", &["remote", "add", "one", "../one.git"]).ok();
    killed(&world, &["--push", "one"]);
    ledger(&world, &["run", "-q", "--push", "one", "--", "true"]).code(0);
    killed(&world, &["--push", "one"]);
    world.git("", &["clone", "--quiet", "one.git", "two"]).ok();
    let said = world.ledger("two", &["steps"]).code(1);
    assert_eq!(said.out.lines().count(), 1, "{said}");
    assert!(said.out.contains("no end is recorded"), "{said}");
    let said = world.ledger("two", &["steps", "--all", "--json"]).code(1);
    assert_eq!(said.out.lines().count(), 3, "{said}");
}
