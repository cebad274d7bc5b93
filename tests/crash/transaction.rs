//! The reference-transaction hook, struck at each of its changes while git holds the locks of the
//! refs, and after it let them go.

use std::fs;
use std::path::PathBuf;

use git_ledger::json::Value;

use super::tally::{Tally, Wrong, whole};
use super::{CHANGES, Point, points_of};
use crate::recorded::times;
use crate::servers::Server;
use crate::servers::ssh::write_script;
use crate::world::World;

const FAULTS: [&str; 3] = ["signal=SIGKILL", "error=EIO", "error=ENOSPC"];

/// A server that records what moves in the repository itself.
struct Target<'w> {
    server: Server<'w>,
    hook: PathBuf,
    installed: String,
    /// What git calls the hook with when it is struck.
    state: &'static str,
    id: String,
    number: usize,
    moves: Vec<(String, String)>,
}

impl<'w> Target<'w> {
    fn new(world: &'w World, state: &'static str) -> Target<'w> {
        let server = Server::new(world, "r");
        let id = server.commit("moved to");
        server.push(&["origin", "HEAD:refs/heads/main"]).ok();
        let install = ["hook", "install", "--reference-transaction"];
        world.ledger(&server.name, &install).ok();
        world.ledger(&server.name, &["reconcile"]).ok();
        let hook = server.path().join("hooks/reference-transaction");
        let installed = fs::read_to_string(&hook).expect("a hook");
        let target = Target {
            server,
            hook,
            installed,
            state,
            id,
            number: 0,
            moves: Vec::new(),
        };
        // what is made once and for all is there already
        target.move_ref("refs/heads/warm");
        target
    }

    fn log(&self) -> PathBuf {
        self.server.world.path("struck")
    }

    fn trace(&self, options: &str) {
        let tracer = format!(
            "tracer=\ntest \"$1\" = {} && tracer='strace -D -f -b execve -q -y -s 256 -o {} \
             {options} --'\nexec $tracer \"$program\"",
            self.state,
            self.log().display()
        );
        let traced = self.installed.replace("exec \"$program\"", &tracer);
        assert_ne!(traced, self.installed);
        write_script(&self.hook, &traced);
    }

    fn move_ref(&self, name: &str) -> crate::world::Said {
        let world = self.server.world;
        world.git(&self.server.name, &["update-ref", name, &self.id])
    }

    fn points(&self) -> Vec<Point> {
        self.trace(&format!("-e trace={CHANGES}"));
        self.move_ref("refs/heads/traced").ok();
        write_script(&self.hook, &self.installed);
        let trace = fs::read_to_string(self.log()).expect("a trace");
        let points = points_of(&trace);
        assert!(!points.is_empty(), "{trace}");
        points
    }

    fn strike(&mut self, point: &Point, fault: &str, tally: &mut Tally) {
        let Point { call, nth } = point;
        fs::write(self.log(), "").expect("a log");
        self.trace(&format!(
            "-e trace={call} -e inject={call}:{fault}:when={nth}"
        ));
        self.number += 1;
        let name = format!("refs/heads/t{}", self.number);
        let said = self.move_ref(&name);
        write_script(&self.hook, &self.installed);
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let struck = log.contains("INJECTED") || log.contains("killed by SIGKILL");
        tally.tried(struck, said.code == 0);
        let what = format!("{} {fault} at {call} {nth}: {said}", self.state);
        let moved = !self.server.at(&name).is_empty();
        if moved != (said.code == 0) {
            tally.wrong(Wrong::Lost, format!("{name} moved: {moved}, {what}"));
        }
        if moved && self.told(&name) != ["announced"] {
            let told = self.told(&name);
            tally.wrong(Wrong::Lost, format!("{name} told {told:?}: {what}"));
        }
        let healthy = whole(self.server.world, &self.server.name);
        tally.check(
            Wrong::Corrupt,
            healthy.map_err(|why| format!("{why}\n{what}")),
        );
        let next = self.move_ref(&format!("refs/heads/after{}", self.number));
        if next.code != 0 {
            tally.wrong(Wrong::Stuck, format!("{next}\nafter {what}"));
        }
        self.moves.push((what, name));
    }

    fn told(&self, name: &str) -> Vec<String> {
        let mut told = Vec::new();
        for event in self.server.events() {
            let data = self.server.data(&event);
            let refs = data.get("refs").and_then(Value::as_array);
            let ours = |update: &Value| {
                let update = update.as_object().expect("an object");
                update.get("ref").and_then(Value::as_str) == Some(name)
            };
            if refs.is_some_and(|refs| refs.iter().any(ours)) {
                let outcome = data.get("outcome").and_then(Value::as_str);
                told.push(match event.kind() {
                    "dev.git-ledger.gap" => "gap".to_owned(),
                    _ => outcome.unwrap_or("announced").to_owned(),
                });
            }
        }
        told
    }

    /// After one comparison everything is told: what moved, once; what did not, not at all or
    /// with its outcome; and nothing moved unseen.
    fn judge(self, tally: &mut Tally) {
        let world = self.server.world;
        let said = world.ledger(&self.server.name, &["reconcile"]);
        let again = world.ledger(&self.server.name, &["reconcile"]);
        if again.code != 0 {
            tally.wrong(Wrong::Stuck, format!("{said}\nthen {again}"));
        }
        for (what, name) in &self.moves {
            let moved = !self.server.at(name).is_empty();
            let told = self.told(name);
            let told: Vec<&str> = told.iter().map(String::as_str).collect();
            let right = match moved {
                true => told == ["announced"],
                false => told.is_empty() || told == ["announced", "refused"],
            };
            if !right {
                let text = format!("{name} moved: {moved}, told {told:?}: {what}");
                tally.wrong(Wrong::Lost, text);
            }
        }
        let dir = self.server.path().join("git-ledger/transactions");
        let waiting = fs::read_dir(dir).into_iter().flatten().flatten();
        for file in waiting.filter(|file| file.path().extension().is_some_and(|e| e == "json")) {
            tally.wrong(Wrong::Stuck, format!("{:?} waits", file.path()));
        }
    }
}

fn sweep(state: &'static str, every: usize) {
    let world = World::new();
    let mut target = Target::new(&world, state);
    let points = target.points();
    for (offset, fault) in FAULTS.iter().enumerate() {
        let name = fault.rsplit('=').next().unwrap_or(fault);
        let mut tally = Tally::new(format!("reference-transaction {state} {name}"));
        for point in points
            .iter()
            .skip(offset % every.min(points.len()))
            .step_by(every)
        {
            target.strike(point, fault, &mut tally);
        }
        tally.finish();
    }
    let mut tally = Tally::new(format!("reference-transaction {state} told in the end"));
    tally.tried(true, true);
    target.judge(&mut tally);
    tally.finish();
}

#[test]
fn prepared() {
    sweep("prepared", times(14, 1));
}

#[test]
fn committed() {
    sweep("committed", times(14, 1));
}
