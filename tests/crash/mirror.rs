//! Sending to mirrors, struck at each change: nothing is lost, nothing forks, a mark never claims
//! what is not there and never goes down, and a second run finishes the work.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tally::{Tally, Wrong, whole};
use super::{CHANGES, Point, acknowledged, points_of, traced};
use crate::recorded::{assert_both_agree, binary, times};
use crate::servers::{Running, free_port, listens, wait_until};
use crate::world::{Said, World, run};

const FAULTS: [&str; 3] = ["signal=SIGKILL", "error=EIO", "error=ENOSPC"];
const LEDGER: &str = "refs/heads/ledger";
const MIRRORS: [&str; 2] = ["one", "two"];

/// Who is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Struck {
    /// Our program, all its threads.
    Ours,
    /// Whichever comes first of our program and the gits it starts here.
    Anybody,
}

impl Struck {
    fn options(self) -> &'static [&'static str] {
        match self {
            Struck::Ours => &["-b", "execve"],
            Struck::Anybody => &[],
        }
    }
}

/// A repository `r` with two mirrors.
struct Copies {
    world: World,
    /// The clone whose program is struck.
    dir: &'static str,
    struck: Struck,
    _daemon: Option<Running>,
}

impl Copies {
    /// By their paths; or over the network, so that the servers' processes are not of our tree.
    fn new(struck: Struck) -> Copies {
        let world = World::new();
        world.repository("r");
        let (mut base, mut daemon) = ("..".to_owned(), None);
        if struck == Struck::Anybody {
            let port = free_port();
            let mut git = world.command("", "git");
            git.args(["daemon", "--reuseaddr", "--export-all"]);
            git.args(["--enable=receive-pack", "--listen=127.0.0.1"]);
            git.arg(format!("--port={port}"));
            git.arg(format!("--base-path={}", world.path("").display()));
            daemon = Some(Running::start(git, &world.path("daemon"), || listens(port)));
            base = format!("git://127.0.0.1:{port}");
        }
        for name in MIRRORS {
            let (path, url) = (format!("{name}.git"), format!("{base}/{name}.git"));
            world.git("", &["init", "--quiet", "--bare", &path]).ok();
            world.ledger("r", &["mirror", "add", name, &url]).ok();
            world.git("r", &["push", "--quiet", name, "main"]).ok();
        }
        let copies = Copies {
            world,
            dir: "r",
            struck,
            _daemon: daemon,
        };
        copies.append("first");
        copies.ours(&["mirror", "push"]).ok();
        copies.append("second");
        copies.ours(&["mirror", "push"]).ok();
        copies
    }

    fn ours(&self, arguments: &[&str]) -> Said {
        run(binary(&self.world, "r", arguments), b"")
    }

    fn append(&self, id: &str) {
        self.ours(&["append", "dev.acme.built", "--id", id]).ok();
    }

    fn log(&self) -> PathBuf {
        self.world.path("struck")
    }

    fn under_strace(&self, options: &[&str], arguments: &[&str]) -> Command {
        let log = self.log();
        let mut all = vec!["-o", log.to_str().expect("a path")];
        all.extend(self.struck.options());
        all.extend(options);
        traced(&self.world, self.dir, &all, arguments)
    }

    fn points(&self, arguments: &[&str]) -> Vec<Point> {
        let trace = format!("trace={CHANGES}");
        let options = ["-s", "256", "-e", &trace];
        run(self.under_strace(&options, arguments), b"").ok();
        let trace = fs::read_to_string(self.log()).expect("a trace");
        let points = points_of(&trace);
        assert!(points.len() > 10, "{trace}");
        points
    }

    fn strike(&self, point: &Point, fault: &str, arguments: &[&str]) -> (Said, bool) {
        let Point { call, nth } = point;
        fs::write(self.log(), "").expect("a log");
        let trace = format!("trace={call}");
        let inject = format!("inject={call}:{fault}:when={nth}");
        let options = ["-e", &trace, "-e", &inject];
        let said = run(self.under_strace(&options, arguments), b"");
        let log = fs::read_to_string(self.log()).expect("a trace");
        let killed = fault.contains("KILL") && !log.is_empty();
        (said, killed || log.contains("INJECTED"))
    }

    fn tip(&self, dir: &str) -> String {
        let said = self.world.git(dir, &["rev-parse", LEDGER]);
        said.out.trim().to_owned()
    }

    fn number(&self, dir: &str) -> u64 {
        let said = self.world.git(dir, &["rev-list", "--count", LEDGER]).ok();
        said.trim().parse::<u64>().expect("a number") - 1
    }

    /// The numbers of the marks, by the remote they are about.
    fn marks(&self) -> Result<BTreeMap<String, u64>, String> {
        super::marks::numbers(&self.world, self.dir)
    }

    /// Everything that must hold whatever was struck.
    fn look(&self, before: &BTreeMap<String, u64>, what: &str, tally: &mut Tally) {
        for name in MIRRORS {
            let dir = format!("{name}.git");
            let healthy = whole(&self.world, &dir);
            tally.check(
                Wrong::Corrupt,
                healthy.map_err(|why| format!("{why}\n{what}")),
            );
            if !self.on_one_line(&self.tip("r"), &self.tip(&dir)) {
                tally.wrong(Wrong::Corrupt, format!("{name} has forked: {what}"));
            }
        }
        if !self.on_one_line(&self.tip("r"), &self.tip(self.dir)) {
            tally.wrong(Wrong::Corrupt, format!("{} has forked: {what}", self.dir));
        }
        let healthy = whole(&self.world, self.dir);
        tally.check(
            Wrong::Corrupt,
            healthy.map_err(|why| format!("{why}\n{what}")),
        );
        match self.marks() {
            Err(why) => tally.wrong(Wrong::Corrupt, format!("{why}: {what}")),
            Ok(marks) => {
                for (name, number) in &marks {
                    let there = match name.as_str() {
                        "local" => self.number(self.dir),
                        name => self.number(&format!("{name}.git")),
                    };
                    if *number > there || before.get(name).is_some_and(|old| old > number) {
                        let text = format!("mark of {name} {number}, there {there}: {what}");
                        tally.wrong(Wrong::Lost, text);
                    }
                }
                if let Some(name) = before.keys().find(|name| !marks.contains_key(*name)) {
                    tally.wrong(Wrong::Lost, format!("the mark of {name} is gone: {what}"));
                }
            }
        }
    }

    fn on_one_line(&self, one: &str, other: &str) -> bool {
        let ancestor = |old: &str, new: &str| {
            let ask = ["merge-base", "--is-ancestor", old, new];
            ["r", "one.git", "two.git"]
                .iter()
                .any(|dir| self.world.git(dir, &ask).code == 0)
        };
        ancestor(one, other) || ancestor(other, one)
    }

    /// A second run brings everybody level, and nothing stays behind.
    fn finish(&self, what: &str, tally: &mut Tally) {
        let said = self.ours(&["mirror", "push"]);
        if said.code != 0 {
            tally.wrong(Wrong::Stuck, format!("{said}\nafter {what}"));
        }
        let here = self.tip("r");
        for name in MIRRORS {
            let there = self.tip(&format!("{name}.git"));
            if here != there {
                tally.wrong(Wrong::Lost, format!("{name} is not level: {what}"));
            }
        }
        self.no_locks(what, tally);
    }

    /// Nobody waits for somebody who is dead: no reference is locked, neither in a repository nor
    /// in what our program keeps beside it.
    fn no_locks(&self, what: &str, tally: &mut Tally) {
        let ours = format!("{}/.git", self.dir);
        for dir in [ours.as_str(), "one.git/refs", "two.git/refs"] {
            let locks = files(&self.world.path(dir)).into_iter().filter(|path| {
                let git = path.to_string_lossy().contains("/refs/");
                git && path.extension().is_some_and(|e| e == "lock")
            });
            for path in locks {
                tally.wrong(Wrong::Stuck, format!("{path:?} stays: {what}"));
            }
        }
    }

    /// Whatever was started for this world ends by itself.
    #[track_caller]
    fn nobody_is_left(&self) {
        let ours = self.world.path(self.dir);
        let ours = ours.to_str().expect("a path");
        let here = |process: &Path| {
            let line = fs::read(process.join("cmdline")).unwrap_or_default();
            let cwd = fs::read_link(process.join("cwd")).unwrap_or_default();
            let daemon = String::from_utf8_lossy(&line).contains("daemon");
            cwd.starts_with(ours) && !daemon
        };
        wait_until("all processes have ended", || {
            let processes = fs::read_dir("/proc").expect("processes");
            !processes.flatten().any(|process| here(&process.path()))
        });
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let Ok(items) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let below = |path: PathBuf| match path.is_dir() {
        true => files(&path),
        false => vec![path],
    };
    let paths = items.flatten().map(|item| item.path());
    paths.flat_map(below).collect()
}

fn chosen(points: &[Point], every: usize, offset: usize) -> impl Iterator<Item = &Point> {
    points.iter().skip(offset % every).step_by(every)
}

fn name(fault: &str) -> &str {
    fault.rsplit('=').next().unwrap_or(fault)
}

fn push(kind: &str, struck: Struck, every: usize) {
    let copies = Copies::new(struck);
    copies.append("traced");
    let arguments = ["mirror", "push"];
    let points = copies.points(&arguments);
    let mut number = 0;
    for (offset, fault) in FAULTS.iter().enumerate() {
        let mut tally = Tally::new(format!("{kind} {}", name(fault)));
        for point in chosen(&points, every, offset) {
            number += 1;
            copies.append(&number.to_string());
            let before = copies.marks().expect("marks");
            let (said, met) = copies.strike(point, fault, &arguments);
            tally.tried(met, said.code == 0);
            let what = format!("{fault} at {point:?}: {said}");
            if said.code == 0
                && MIRRORS
                    .iter()
                    .any(|m| copies.tip(&format!("{m}.git")) != copies.tip("r"))
            {
                tally.wrong(Wrong::Lost, format!("said to be there: {what}"));
            }
            copies.look(&before, &what, &mut tally);
            copies.finish(&what, &mut tally);
        }
        tally.finish();
    }
    copies.nobody_is_left();
    for name in MIRRORS {
        assert_both_agree(&copies.world, format!("{name}.git"));
    }
}

#[test]
fn push_itself() {
    push("mirror push", Struck::Ours, times(25, 1));
}

#[test]
fn push_and_its_gits() {
    push("mirror push with its gits", Struck::Anybody, times(40, 1));
}

/// A clone that is behind fetches what is new, judges it, and takes it over.
#[test]
fn pull() {
    let mut copies = Copies::new(Struck::Ours);
    copies
        .world
        .git("", &["clone", "--quiet", "r", "audit"])
        .ok();
    for name in MIRRORS {
        let url = format!("../{name}.git");
        copies
            .world
            .ledger("audit", &["mirror", "add", name, &url])
            .ok();
    }
    let arguments = ["mirror", "pull", "one"];
    copies.world.ledger("audit", &arguments).ok();
    let grow = |copies: &Copies, id: &str| {
        copies.append(id);
        copies.ours(&["mirror", "push"]).ok();
    };
    grow(&copies, "traced");
    copies.dir = "audit";
    let points = copies.points(&arguments);
    let mut number = 0;
    for (offset, fault) in FAULTS.iter().enumerate() {
        let mut tally = Tally::new(format!("mirror pull {}", name(fault)));
        for point in chosen(&points, times(40, 1), offset) {
            number += 1;
            grow(&copies, &number.to_string());
            let before = copies.marks().expect("marks");
            let (said, met) = copies.strike(point, fault, &arguments);
            tally.tried(met, said.code == 0);
            let what = format!("{fault} at {point:?}: {said}");
            if said.code == 0 && copies.tip("audit") != copies.tip("one.git") {
                tally.wrong(Wrong::Lost, format!("said to be here: {what}"));
            }
            copies.look(&before, &what, &mut tally);
            let again = run(binary(&copies.world, "audit", &arguments), b"");
            if again.code != 0 || copies.tip("audit") != copies.tip("one.git") {
                tally.wrong(Wrong::Stuck, format!("{again}\nafter {what}"));
            }
            copies.no_locks(&what, &mut tally);
        }
        tally.finish();
    }
    copies.nobody_is_left();
    assert_both_agree(&copies.world, "audit");
}

#[test]
fn append_to_two() {
    let copies = Copies::new(Struck::Ours);
    let first = ["append", "dev.acme.built", "--push", "one", "two"];
    let points = copies.points(&first);
    let mut number = 0;
    for (offset, fault) in FAULTS.iter().enumerate() {
        let mut tally = Tally::new(format!("append --push to two {}", name(fault)));
        for point in chosen(&points, times(40, 1), offset) {
            number += 1;
            let id = format!("pushed {number}");
            let mut arguments = vec!["append", "dev.acme.built", "--id", &id];
            arguments.extend(["--push", "one", "two"]);
            let before = copies.marks().expect("marks");
            let (said, met) = copies.strike(point, fault, &arguments);
            tally.tried(met, acknowledged(&said));
            let what = format!("{fault} at {point:?}: {said}");
            let there = super::count(&copies.world, "one.git", &id);
            if there > 1 || acknowledged(&said) && there == 0 {
                tally.wrong(Wrong::Lost, format!("{there} times: {what}"));
            }
            copies.look(&before, &what, &mut tally);
            let again = copies.ours(&arguments);
            if again.code != 0 || !acknowledged(&again) {
                tally.wrong(Wrong::Stuck, format!("{again}\nafter {what}"));
            }
            copies.finish(&what, &mut tally);
            let there = super::count(&copies.world, "r", &id);
            if there != 1 {
                tally.wrong(Wrong::Lost, format!("{there} times: {what}\nthen {again}"));
            }
        }
        tally.finish();
    }
    copies.nobody_is_left();
    assert_both_agree(&copies.world, "r");
}
