//! Killed anywhere, on a full disk, on a broken one: what was acknowledged is in the chain, once;
//! what was not makes the command fail; nothing is corrupt and nothing stays locked.

mod errors;
mod frugal;
mod hook;
mod marks;
mod mirror;
mod order;
pub mod random;
mod seen;
mod spool;
mod sweep;
pub mod tally;
mod transaction;

use std::path::Path;
use std::process::Command;

use crate::recorded::{BINARY, assert_sound, binary, events};
use crate::world::{Said, World, run};

/// System calls that change what is on the disk.
const CHANGES: &str = "openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,link,linkat,\
                       unlink,unlinkat,mkdir,mkdirat,ftruncate,fchmod,chmod,rmdir";

/// A point at which a program is about to change something: the `nth` call of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    pub call: String,
    pub nth: usize,
}

/// One system call as strace tells it.
pub struct Traced {
    pub call: String,
    pub rest: String,
}

/// The binary under strace, with these options.
fn traced(world: &World, dir: &str, options: &[&str], arguments: &[&str]) -> Command {
    let mut command = binary(world, dir, &[]);
    let mut strace = world.command(dir, "strace");
    strace.args(["-f", "-qq"]).args(options);
    strace.args(["--", BINARY]).args(arguments);
    // the same second as for all others
    for (name, value) in command.env("STRACE", "").get_envs() {
        if let Some(value) = value {
            strace.env(name, value);
        }
    }
    strace
}

/// What a command changes, in order; of the first process only.
fn changes(world: &World, dir: &str, arguments: &[&str]) -> Vec<Traced> {
    let text = trace(world, dir, arguments, "", &[]);
    let first = text.split_whitespace().next().unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.strip_prefix(first));
    lines.filter_map(call).collect()
}

/// The trace of a command with all its threads, and what it tells.
pub struct Changes {
    pub text: String,
    pub list: Vec<Traced>,
}

/// What a command changes, in order, and what it does by these `more` calls; of all its threads,
/// but not of the programs it starts.
pub fn all_changes(world: &World, dir: &str, arguments: &[&str], more: &str) -> Changes {
    let text = trace(world, dir, arguments, more, &["-b", "execve"]);
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    let list = lines.filter_map(|(_, line)| call(line)).collect();
    Changes { text, list }
}

fn trace(world: &World, dir: &str, arguments: &[&str], more: &str, options: &[&str]) -> String {
    let log = world.path("trace");
    let trace = format!("trace={CHANGES}{more}");
    let path = log.to_str().expect("a path");
    let mut all = vec!["-y", "-s", "256", "-o", path, "-e", &trace];
    all.extend(options);
    run(traced(world, dir, &all, arguments), b"").ok();
    std::fs::read_to_string(&log).expect("a trace")
}

fn call(line: &str) -> Option<Traced> {
    let (call, rest) = line.trim_start().split_once('(')?;
    let (call, rest) = (call.to_owned(), rest.to_owned());
    Some(Traced { call, rest })
}

/// The points of a command. Opening a file to read it changes nothing.
fn points(world: &World, dir: &str, arguments: &[&str]) -> Vec<Point> {
    // what is made once and for all is there already
    let first = ["append", "dev.acme.built", "--id", "before"];
    run(binary(world, dir, &first), b"").ok();
    let mut count = std::collections::BTreeMap::new();
    let mut points = Vec::new();
    for Traced { call, rest } in changes(world, dir, arguments) {
        let nth = count.entry(call.clone()).or_insert(0);
        *nth += 1;
        if call != "openat" || rest.contains("O_CREAT") {
            points.push(Point { call, nth: *nth });
        }
    }
    assert!(points.len() > 20, "{points:?}");
    points
}

/// The points in a trace of several threads or processes, each counting its own calls as strace
/// does when it injects.
pub fn points_of(trace: &str) -> Vec<Point> {
    let mut counts = std::collections::BTreeMap::new();
    let mut points = Vec::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let Some((call, rest)) = rest.trim_start().split_once('(') else {
            continue;
        };
        // the second half of a call that was interrupted by another thread's
        if !call.bytes().all(|b| b.is_ascii_alphanumeric()) {
            continue;
        }
        let nth = counts.entry((thread, call)).or_insert(0);
        *nth += 1;
        let point = Point {
            call: call.to_owned(),
            nth: *nth,
        };
        if (call != "openat" || rest.contains("O_CREAT")) && !points.contains(&point) {
            points.push(point);
        }
    }
    points
}

/// Runs the binary with a fault at one point.
pub fn with_fault(
    world: &World,
    dir: &str,
    point: &Point,
    fault: &str,
    arguments: &[&str],
) -> Said {
    let inject = format!("inject={}:{fault}:when={}", point.call, point.nth);
    let trace = format!("trace={}", point.call);
    let log = world.path("fault");
    let log = log.to_str().expect("a path");
    let options = ["-o", log, "-e", &trace, "-e", &inject];
    run(traced(world, dir, &options, arguments), b"")
}

/// Whether the last fault met a file that was opened to be read: how many are, differs from run
/// to run.
fn met_a_reader(world: &World) -> bool {
    let log = std::fs::read_to_string(world.path("fault")).expect("a trace");
    let met = log.lines().find(|line| line.contains("(INJECTED)"));
    met.is_some_and(|line| line.contains("openat(") && !line.contains("O_CREAT"))
}

/// How often an event with this id is in the chain.
pub fn count(world: &World, dir: impl AsRef<Path>, id: &str) -> usize {
    let events = events(world, dir).into_iter();
    events.filter(|((_, i), _)| i == id).map(|(_, n)| n).sum()
}

pub fn acknowledged(said: &Said) -> bool {
    said.out.starts_with("recorded ") || said.out.starts_with("already recorded ")
}

/// After a fault: the chain is sound, what was acknowledged is in it, and the same command
/// records the event if it is not there yet.
#[track_caller]
fn assert_kept(world: &World, dir: &str, said: &Said, arguments: &[&str], id: &str) {
    assert_sound(world, dir);
    let there = count(world, dir, id);
    if acknowledged(said) {
        assert_eq!(there, 1, "{said}");
    }
    assert!(there <= 1, "{said}");
    let again = run(binary(world, dir, arguments), b"");
    assert_eq!(again.code, 0, "{said}\nthen {again}");
    let word = ["recorded ", "already recorded "][there];
    assert!(again.out.starts_with(word), "{said}\nthen {again}");
    assert_eq!(count(world, dir, id), 1, "{said}");
}
