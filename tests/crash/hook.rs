//! The hooks of a server, struck at each of their changes while real pushes wait for them, and
//! git receive-pack itself.
//!
//! What was acknowledged to the pusher is in the chain, once. What was refused did not move a
//! ref; where the chain holds the intent all the same, the next push says so. The next push
//! needs nobody's help.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use git_ledger::json::Value;

use super::order::after;
use super::tally::{Tally, Wrong, whole};
use super::{CHANGES, Point, Traced, points_of};
use crate::recorded::times;
use crate::servers::ssh::{Sshd, write_script};
use crate::servers::{Server, text};
use crate::world::{Said, World, run};

const FAULTS: [&str; 3] = ["signal=SIGKILL", "error=EIO", "error=ENOSPC"];

/// What is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    /// A hook, by its name.
    Hook(&'static str),
    /// Git's own process that moves the refs.
    ReceivePack,
}

/// What the struck push finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// A push whose server process was killed between record and refs: its outcome is to be told.
    DeadPush,
}

/// A server whose hooks can be struck; a ref whose name begins with `no` is refused by git after
/// the hook has let it in.
struct Target<'w> {
    server: Server<'w>,
    victim: Victim,
    before: Before,
    installed: String,
    /// Pushes whose fate is told at the end: what was done to them, and their refs.
    pushes: Vec<(String, Vec<String>)>,
    number: usize,
}

impl<'w> Target<'w> {
    fn new(world: &'w World, victim: Victim, before: Before) -> Target<'w> {
        let server = Server::new(world, "r");
        let hooks = server.path().join("hooks");
        write_script(
            &hooks.join("update"),
            "#!/bin/sh\ncase $1 in */no*) exit 1;; */kill*) kill -9 $PPID;; esac\n",
        );
        let installed = match victim {
            Victim::Hook(name) => fs::read_to_string(hooks.join(name)).expect("a hook"),
            Victim::ReceivePack => String::new(),
        };
        let target = Target {
            server,
            victim,
            before,
            installed,
            pushes: Vec::new(),
            number: 0,
        };
        // what is made once and for all is there already
        target.push(&["HEAD:refs/heads/a", "HEAD:refs/heads/no"], None);
        target.push(&["HEAD:refs/heads/b"], None);
        target
    }

    fn log(&self) -> PathBuf {
        self.server.world.path("struck")
    }

    /// Lets the victim run under strace, with these options.
    fn trace(&self, options: &str) {
        // the tracer steps aside: whom the hook calls its parent is git, as always; what the
        // victim starts goes its own way
        let strace = format!(
            "strace -D -f -b execve -q -y -s 256 -o '{}' {options} --",
            self.log().display()
        );
        match self.victim {
            Victim::Hook(name) => {
                let call = "exec \"$program\"";
                assert!(self.installed.contains(call), "{}", self.installed);
                let traced = self
                    .installed
                    .replace(call, &format!("exec {strace} \"$program\""));
                write_script(&self.server.path().join("hooks").join(name), &traced);
            }
            Victim::ReceivePack => {
                let script = format!("#!/bin/sh\nexec {strace} git receive-pack \"$@\"\n");
                write_script(&self.wrapper(), &script);
            }
        }
    }

    fn leave_alone(&self) {
        match self.victim {
            Victim::Hook(name) => {
                write_script(
                    &self.server.path().join("hooks").join(name),
                    &self.installed,
                );
            }
            Victim::ReceivePack => {
                write_script(&self.wrapper(), "#!/bin/sh\nexec git receive-pack \"$@\"\n")
            }
        }
    }

    fn wrapper(&self) -> PathBuf {
        self.server.world.path("receive-pack")
    }

    fn push(&self, refs: &[impl AsRef<OsStr>], ssh: Option<&str>) -> Said {
        let mut push = self.server.pushing(&["--porcelain"]);
        if self.victim == Victim::ReceivePack && self.wrapper().exists() {
            push.arg(format!("--receive-pack={}", self.wrapper().display()));
        }
        push.arg(ssh.unwrap_or("origin")).args(refs);
        if ssh.is_some() {
            Sshd::as_user(self.server.world, &mut push, "ann");
        }
        run(push, b"")
    }

    /// The refs of the next push that is struck, as refspecs.
    fn refs(&mut self, what: &str) -> Vec<String> {
        self.number += 1;
        self.server.commit(&self.number.to_string());
        if self.before == Before::DeadPush {
            let name = format!("kill{}", self.number);
            let said = self.push(&[format!("HEAD:refs/heads/{name}")], None);
            assert_ne!(said.code, 0, "{said}");
            self.pushes
                .push((format!("a killed server, then {what}"), vec![name]));
        }
        vec![format!("b{}", self.number), format!("no{}", self.number)]
    }

    /// Where the victim changes something, by a push that is not struck.
    fn points(&mut self) -> Vec<Point> {
        self.trace(&format!("-e trace={CHANGES}"));
        let refs = self.refs("nothing");
        self.push(&refspecs(&refs), None);
        self.leave_alone();
        let trace = fs::read_to_string(self.log()).expect("a trace");
        let points = points_of(&trace);
        assert!(points.len() > 1, "{trace}");
        points
    }

    /// Strikes one push, and looks at what is left.
    fn strike(&mut self, point: &Point, fault: &str, ssh: Option<&str>, tally: &mut Tally) {
        let Point { call, nth } = point;
        fs::write(self.log(), "").expect("a log");
        self.trace(&format!(
            "-e trace={call} -e inject={call}:{fault}:when={nth}"
        ));
        let refs = self.refs(&format!("{fault} at {call} {nth}"));
        let said = self.push(&refspecs(&refs), ssh);
        self.leave_alone();
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let struck = log.contains("INJECTED") || log.contains("killed by SIGKILL");
        let acknowledged = refs.iter().any(|name| acknowledged(&said, name));
        tally.tried(struck, acknowledged);
        let what = format!("{:?} {fault} at {call} {nth}: {said}", self.victim);
        for name in &refs {
            let there = !self.server.at(&format!("refs/heads/{name}")).is_empty();
            if self::acknowledged(&said, name) && !there {
                tally.wrong(Wrong::Lost, format!("{name} did not move: {what}"));
            }
            if there && self.told(name) != ["push"] {
                tally.wrong(Wrong::Lost, format!("{name} is not recorded: {what}"));
            }
        }
        let healthy = whole(self.server.world, &self.server.name);
        tally.check(
            Wrong::Corrupt,
            healthy.map_err(|why| format!("{why}\n{what}")),
        );
        let next = format!("HEAD:refs/heads/after{}", self.number);
        let next = self.push(&[&next], ssh);
        if next.code != 0 {
            tally.wrong(Wrong::Stuck, format!("{next}\nafter {what}"));
        }
        self.pushes.push((what, refs));
    }

    /// What the chain says of a branch: `push`, and what became of it.
    fn told(&self, branch: &str) -> Vec<String> {
        let name = format!("refs/heads/{branch}");
        let mut told = Vec::new();
        for event in self.server.events() {
            let data = self.server.data(&event);
            let refs = data.get("refs").and_then(Value::as_array).expect("refs");
            let ours = |update: &Value| text(update.as_object().expect("an object"), "ref") == name;
            if refs.iter().any(ours) {
                let outcome = data.get("outcome").and_then(Value::as_str);
                told.push(outcome.unwrap_or("push").to_owned());
            }
        }
        told
    }

    /// By now everything is told: what moved, once; what did not, not at all or with its outcome.
    fn judge(self, tally: &mut Tally) -> Server<'w> {
        for number in 0..2 {
            let last = format!("HEAD:refs/heads/last{number}");
            let said = self.push(&[&last], None);
            if said.code != 0 {
                tally.wrong(Wrong::Stuck, said);
            }
        }
        for (what, refs) in &self.pushes {
            for name in refs {
                let moved = !self.server.at(&format!("refs/heads/{name}")).is_empty();
                let told = self.told(name);
                let told: Vec<&str> = told.iter().map(String::as_str).collect();
                let right = match moved {
                    true => told == ["push"],
                    false => told.is_empty() || told == ["push", "refused"],
                };
                if !right {
                    let how = if moved { "moved" } else { "did not move" };
                    tally.wrong(Wrong::Lost, format!("{name} {how}, told {told:?}: {what}"));
                }
            }
        }
        let waiting = fs::read_dir(self.server.path().join("git-ledger/pushes")).expect("pushes");
        let waiting = waiting
            .flatten()
            .filter(|file| file.path().extension().is_some_and(|e| e == "json"))
            .count();
        if waiting > 0 {
            tally.wrong(
                Wrong::Stuck,
                format!("{waiting} pushes wait for their outcome"),
            );
        }
        let said = self.server.world.ledger(&self.server.name, &["verify"]);
        if said.out.contains("eventRepeated") || said.out.contains("eventConflict") {
            tally.wrong(Wrong::Lost, format!("recorded twice: {said}"));
        }
        self.server
    }
}

fn refspecs(names: &[String]) -> Vec<String> {
    let spec = |name: &String| format!("HEAD:refs/heads/{name}");
    names.iter().map(spec).collect()
}

/// Whether git told the pusher that this branch is where it was sent.
fn acknowledged(said: &Said, branch: &str) -> bool {
    let ours = format!(":refs/heads/{branch}\t");
    let line = said.out.lines().find(|line| line.contains(&ours));
    line.is_some_and(|line| !line.starts_with('!'))
}

fn sweep(kind: &str, mut target: Target<'_>, faults: &[&str], every: usize, ssh: usize) {
    let world = target.server.world;
    let points = target.points();
    let sshd = (ssh > 0).then(|| Sshd::start(world));
    let url = sshd.as_ref().map(|sshd| sshd.url(&target.server));
    for (offset, fault) in faults.iter().enumerate() {
        let name = fault.rsplit('=').next().unwrap_or(fault);
        let mut tally = Tally::new(format!("{kind} {name}"));
        let chosen = points.iter().skip(offset % every).step_by(every);
        for (at, point) in chosen.enumerate() {
            let far = ssh > 0 && at % ssh == ssh - 1;
            let url = url.as_deref().filter(|_| far);
            target.strike(point, fault, url, &mut tally);
        }
        tally.finish();
    }
    let mut tally = Tally::new(format!("{kind} told in the end"));
    tally.tried(true, true);
    let server = target.judge(&mut tally);
    tally.finish();
    server.sound();
}

#[test]
fn pre_receive() {
    let world = World::new();
    let victim = Victim::Hook("pre-receive");
    let target = Target::new(&world, victim, Before::Nothing);
    sweep("pre-receive", target, &FAULTS, times(14, 1), times(2, 6));
}

#[test]
fn pre_receive_after_a_dead_push() {
    let world = World::new();
    let victim = Victim::Hook("pre-receive");
    let target = Target::new(&world, victim, Before::DeadPush);
    let kind = "pre-receive after a dead push";
    sweep(kind, target, &FAULTS, times(20, 1), 0);
}

#[test]
fn post_receive() {
    let world = World::new();
    let victim = Victim::Hook("post-receive");
    let target = Target::new(&world, victim, Before::Nothing);
    sweep("post-receive", target, &FAULTS, times(14, 1), times(0, 6));
}

#[test]
fn receive_pack() {
    let world = World::new();
    let target = Target::new(&world, Victim::ReceivePack, Before::Nothing);
    let kind = "git receive-pack";
    sweep(kind, target, &FAULTS[..1], times(14, 1), 0);
}

/// What the pusher is told rests on what is on the disk: the push awaited, the event, then yes.
#[test]
fn event_then_yes() {
    let world = World::new();
    let victim = Victim::Hook("pre-receive");
    let mut target = Target::new(&world, victim, Before::Nothing);
    target.trace(&format!("-e trace={CHANGES},exit_group"));
    let refs = target.refs("nothing");
    target.push(&refspecs(&refs), None);
    let trace = fs::read_to_string(target.log()).expect("a trace");
    let lines = trace.lines().filter_map(|line| line.split_once(' '));
    let calls: Vec<Traced> = lines.filter_map(|(_, line)| super::call(line)).collect();
    let bytes = after(&calls, 0, "fsync", &["/pushes/.tmp-"]);
    let awaited = after(&calls, bytes, "rename", &["/pushes/", ".json\""]);
    let awaited = after(&calls, awaited, "fsync", &["/pushes>"]);
    let moved = after(&calls, awaited, "rename", &["refs/heads/ledger\""]);
    let objects = calls.iter().take(moved);
    let objects = objects.filter(|c| c.call.starts_with("rename") && c.rest.contains("/tmp_obj_"));
    assert!(objects.count() > 0, "{trace}");
    let kept = after(&calls, moved, "fsync", &["/refs/heads>"]);
    after(&calls, kept, "exit_group", &["0)"]);
    assert_eq!(calls.iter().filter(|c| c.call == "exit_group").count(), 1);
}
