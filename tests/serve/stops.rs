//! How it ends: what is under way is finished, what was taken is answered.

use std::io::Write as _;
use std::net::TcpStream;

use rustix::process::Signal;

use super::client::receive;
use super::{Serving, github, push};
use crate::servers::wait_until;
use crate::world::World;

#[test]
fn told_to_stop_it_finishes_what_is_under_way() {
    let world = World::new();
    world.repository("r");
    for signal in [Signal::TERM, Signal::INT] {
        let mut serving = Serving::start(&world, &[]);
        let request = github("1", "push", &push(&format!("{signal:?}"), '1', '2'));
        let (first, last) = request.split_at(request.len() - 10);
        let mut half = serving.connect();
        half.write_all(first).expect("a part");
        wait_until("it is there", || {
            serving.metric("git_ledger_serve_connections") >= 2.0
        });
        serving.signal(signal);
        wait_until("nobody listens", || {
            TcpStream::connect(("127.0.0.1", serving.port)).is_err()
        });
        half.write_all(last).expect("the rest");
        let answer = receive(&mut half);
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(serving.wait(), Some(0), "{}", serving.log());
        assert!(
            serving.log().ends_with("note: stopping\nnote: stopped\n"),
            "{}",
            serving.log()
        );
        let recorded = serving.recorded();
        let kept = recorded
            .iter()
            .any(|event| event.subject() == Some(&format!("refs/heads/{signal:?}")));
        assert!(kept, "{recorded:?}");
    }
}

#[test]
fn told_twice_it_ends_at_once() {
    let world = World::new();
    world.repository("r");
    let mut serving = Serving::start(&world, &[]);
    let request = github("1", "push", &push("main", '1', '2'));
    let mut half = serving.connect();
    half.write_all(&request[..request.len() - 10])
        .expect("a part");
    wait_until("it is there", || {
        serving.metric("git_ledger_serve_connections") >= 2.0
    });
    serving.signal(Signal::TERM);
    wait_until("it was told", || serving.log().contains("stopping"));
    serving.signal(Signal::TERM);
    assert_eq!(serving.wait(), None, "by the signal");
    assert_eq!(receive(&mut half).status, 0);
    assert_eq!(serving.recorded().len(), 0);
}

#[test]
fn the_log_as_json() {
    let world = World::new();
    world.repository("r");
    let mut all = super::secrets(&world);
    all.push("--json".to_owned());
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let log = world.path("json.log");
    let mut command = super::command(&world, &all);
    command.stderr(std::fs::File::create(&log).expect("a log"));
    let mut child = command.spawn().expect("a server");
    let said = || std::fs::read_to_string(&log).expect("a log");
    wait_until("it listens", || said().ends_with('\n'));
    let id = rustix::process::Pid::from_raw(i32::try_from(child.id()).expect("a process"));
    rustix::process::kill_process(id.expect("a process"), Signal::TERM).expect("a signal");
    assert_eq!(child.wait().expect("an end").code(), Some(0));
    for (line, word) in said().lines().zip(["listening", "stopping", "stopped"]) {
        let value = git_ledger::json::Value::parse(line.as_bytes()).expect("JSON");
        let event = value.as_object().and_then(|o| o.get("event")?.as_str());
        assert_eq!(event, Some(word), "{line}");
    }
    assert_eq!(said().lines().count(), 3);
}
