//! Killed at random moments; the moments are the same in every run, as far as time can be.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{acknowledged, assert_kept};
use crate::recorded::{assert_both_agree, assert_sound, binary, events, times};
use crate::world::{Said, World, run};

/// Fractions of one, evenly spread over it, in an order that looks random.
fn moments(count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |n| (n * 7919 % count) as f64 / count as f64)
}

/// A repository `r` with a ledger, and its bare `origin` that holds both branches.
fn world_with_remote() -> World {
    let world = World::new();
    world.repository("r");
    world
        .git("", &["init", "--quiet", "--bare", "remote.git"])
        .ok();
    world
        .git("r", &["remote", "add", "origin", "../remote.git"])
        .ok();
    world
        .git("r", &["push", "--quiet", "origin", "main", "ledger"])
        .ok();
    world
}

/// What an undisturbed run takes, the slowest of three.
fn time_of(run: impl Fn()) -> Duration {
    let time = |_| {
        let began = Instant::now();
        run();
        began.elapsed()
    };
    (0..3).map(time).max().unwrap_or_default()
}

/// Starts a command and kills it after a while, with all it started here or alone.
fn killed(mut command: Command, input: &[u8], after: Duration, tree: bool) -> Said {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("the binary");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input).is_ok());
    std::thread::sleep(after);
    if tree {
        kill_tree(&mut child);
    }
    child.kill().expect("a signal");
    let mut out = String::new();
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_to_string(&mut out).expect("text");
    let code = child.wait().expect("an end").code().unwrap_or(-1);
    writer.join().expect("a writer");
    Said {
        out,
        err: String::new(),
        code,
    }
}

/// Kills what runs on this side: not what a server would run.
pub fn kill_tree(child: &mut Child) {
    let mut found = vec![child.id()];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        at += 1;
        let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        for id in children.unwrap_or_default().split_whitespace() {
            let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            if !line.contains("receive-pack") && !line.contains("upload-pack") {
                found.extend(id.parse::<u32>());
            }
        }
    }
    for id in found {
        let id = i32::try_from(id).expect("a process");
        let process = rustix::process::Pid::from_raw(id).expect("a process");
        rustix::process::kill_process(process, rustix::process::Signal::KILL).ok();
    }
}

#[test]
fn local() {
    let world = World::new();
    world.repository("r");
    let whole = time_of(|| {
        run(binary(&world, "r", &["append", "dev.acme.built"]), b"").ok();
    });
    let (count, mut acked, mut reached) = (times(25, 200), 0, 0);
    for (number, share) in moments(count).enumerate() {
        let id = format!("{number}");
        let arguments = ["append", "dev.acme.built", "--id", &id];
        let command = binary(&world, "r", &arguments);
        let said = killed(command, b"", whole.mul_f64(1.6 * share), false);
        acked += usize::from(acknowledged(&said));
        reached += super::count(&world, "r", &id);
        assert_kept(&world, "r", &said, &arguments, &id);
    }
    assert_both_agree(&world, "r");
    println!("killed {count} times: {acked} acknowledged, {reached} in the chain, 0 lost");
}

#[test]
fn with_a_remote() {
    let world = world_with_remote();
    let whole = time_of(|| {
        let arguments = ["append", "dev.acme.built", "--push", "origin"];
        run(binary(&world, "r", &arguments), b"").ok();
    });
    let (count, mut acked) = (times(8, 40), 0);
    for (number, share) in moments(count).enumerate() {
        let id = format!("{number}");
        let arguments = ["append", "dev.acme.built", "--push", "origin", "--id", &id];
        let command = binary(&world, "r", &arguments);
        let said = killed(command, b"", whole.mul_f64(1.2 * share), number % 2 == 0);
        acked += usize::from(acknowledged(&said));
        if acknowledged(&said) {
            assert_eq!(super::count(&world, "remote.git", &id), 1, "{said}");
        }
        assert_sound(&world, "remote.git");
        assert_sound(&world, "r");
        let again = run(binary(&world, "r", &arguments), b"").ok();
        assert!(again.contains("recorded "), "{again}");
        assert_eq!(super::count(&world, "remote.git", &id), 1, "{again}");
        assert_eq!(super::count(&world, "r", &id), 1, "{again}");
    }
    assert!(events(&world, "remote.git").values().all(|n| *n == 1));
    assert_both_agree(&world, "remote.git");
    println!("killed {count} times while pushing: {acked} acknowledged, 0 lost");
}

#[test]
fn batch() {
    const EVENTS: usize = 1000;
    let world = World::new();
    world.repository("r");
    let text = |number: usize| -> String {
        let line = |n| format!("{{\"type\":\"dev.acme.built\",\"id\":\"{number}-{n}\"}}\n");
        (0..EVENTS).map(line).collect()
    };
    let count = times(4, 20);
    // more entries than are written one by one
    let arguments = ["append", "--batch", "-", "--events-per-entry", "20"];
    let whole = time_of(|| {
        run(binary(&world, "r", &arguments), text(count + 1).as_bytes()).ok();
    });
    for (number, share) in moments(count).enumerate() {
        let input = text(number);
        let command = binary(&world, "r", &arguments);
        let said = killed(command, input.as_bytes(), whole.mul_f64(1.2 * share), false);
        assert_sound(&world, "r");
        let prefix = format!("{number}-");
        let there = || {
            let events = events(&world, "r").into_iter();
            let ours = events.filter(|((_, id), _)| id.starts_with(&prefix));
            ours.map(|(_, n)| n).collect::<Vec<_>>()
        };
        let first = there().len();
        assert!(first == 0 || first == EVENTS, "{first}");
        assert!(first == EVENTS || !acknowledged(&said), "{said}");
        run(binary(&world, "r", &arguments), input.as_bytes()).ok();
        assert_eq!(there(), vec![1; EVENTS]);
    }
    assert_sound(&world, "r");
    println!("killed {count} batches of {EVENTS} events, 0 lost");
}

#[test]
fn recorded_here_and_not_yet_there() {
    let world = World::new();
    world.repository("r");
    world
        .git("", &["init", "--quiet", "--bare", "remote.git"])
        .ok();
    world
        .git("r", &["remote", "add", "origin", "../remote.git"])
        .ok();
    world
        .git("r", &["push", "--quiet", "origin", "ledger"])
        .ok();
    let local = ["append", "dev.acme.built", "--id", "a"];
    run(binary(&world, "r", &local), b"").ok();
    let push = ["append", "dev.acme.built", "--id", "a", "--push", "origin"];
    let said = run(binary(&world, "r", &push), b"").ok();
    assert!(said.starts_with("already recorded 1 "), "{said}");
    assert_eq!(super::count(&world, "remote.git", "a"), 1);
}

#[test]
fn what_a_dead_call_left_is_no_obstacle() {
    let world = world_with_remote();
    let append = || {
        run(
            binary(&world, "r", &["append", "a.b", "--push", "origin"]),
            b"",
        )
    };
    append().ok();
    // killed while it wrote a reference, and before it took over what was fetched
    let dead = world.path("r/.git/git-ledger/transport/refs/call/0000000000000001");
    std::fs::create_dir_all(&dead).expect("a directory");
    std::fs::write(dead.join("have-0"), "").expect("a file");
    std::fs::write(dead.join("got"), format!("{}\n", "1".repeat(40))).expect("a file");
    append().ok();
    assert!(!dead.exists());
}
