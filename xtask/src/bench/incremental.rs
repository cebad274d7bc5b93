//! Verification after k new entries, where all before them were verified here.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use super::Stage;
use super::events::{self, Names};
use super::ledgers::Kind;
use super::rounds::{Series, Side, alternate};
use super::row::{Bound, Figure, Reading, Row};
use super::verify::sound;
use super::world::{World, copy_dir, run as done, timed};

/// Numbers of events from here on stand in no ledger that was made.
const NEW: u64 = 20_000_000;

/// A ledger that grows.
struct Growing<'a> {
    world: &'a World,
    place: std::path::PathBuf,
    entries: Cell<u64>,
    number: &'a Cell<u64>,
}

impl Growing<'_> {
    /// Appends k entries, and says how many seconds verifying them takes.
    fn verify_after(&self, k: u64) -> Result<f64, String> {
        let first = self.number.get();
        self.number.set(first + k);
        let file = self.world.path("work/new.jsonl");
        let lines = events::lines(first..first + k, Names::Left);
        fs::write(&file, lines).map_err(|why| why.to_string())?;
        let mut append = self.world.ledger(&self.place, &["append", "--batch"]);
        append.arg(&file).args(["--events-per-entry", "1"]);
        done(&mut append)?;
        self.entries.set(self.entries.get() + k);
        let verify = ["verify", "--incremental", "--json"];
        let (seconds, output) = timed(&mut self.world.ledger(&self.place, &verify))?;
        sound(&output.stdout, self.entries.get())?;
        not_again(&output.stdout)?;
        Ok(seconds)
    }
}

/// Holds an answer to what it was asked for: what was verified before was not read again.
fn not_again(json: &[u8]) -> Result<(), String> {
    let said: serde_json::Value = serde_json::from_slice(json).map_err(|why| why.to_string())?;
    match said["not_read_again"].is_null() {
        false => Ok(()),
        true => Err(format!("everything was read again: {said}")),
    }
}

/// The rows: a ledger of this length beside one of a thousand entries.
pub fn run(stage: &Stage, entries: u64) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    let number = Cell::new(NEW);
    let mut whole = Series::default();
    let mut ledgers = Vec::new();
    for length in [stage.options.short(), entries] {
        let made = stage.ledgers.get(Kind::Single, length)?;
        let place = world.path(format!("work/incremental-{length}"));
        copy_dir(&made.path, &place)?;
        // what it finds sound it remembers
        let full = ["verify", "--full", "--json"];
        let (seconds, output) = timed(&mut world.ledger(&place, &full))?;
        sound(&output.stdout, length)?;
        whole = Series(vec![seconds]);
        ledgers.push(Growing {
            world,
            place,
            entries: Cell::new(length),
            number: &number,
        });
    }
    let [short, long] = ledgers.as_slice() else {
        return Err("a ledger is missing".into());
    };
    let mut rows = Vec::new();
    let new: &[u64] = match stage.options.quick {
        true => &[1, 20],
        false => &[1, 100, 10_000],
    };
    for k in new {
        let sides: Vec<Side<'_>> = vec![
            Box::new(|| long.verify_after(*k)),
            Box::new(|| short.verify_after(*k)),
        ];
        let rounds = if *k > 1_000 { 3 } else { 7 };
        let series = alternate(stage.options.rounds(rounds), sides)?;
        let [ours, beside] = series.as_slice() else {
            return Err("a side is missing".into());
        };
        let what = format!("verify --incremental after {k} new entries");
        let beside = ("the same in a ledger of 1,000 entries", beside);
        let id = format!("incremental.{k}");
        let row = Row::timed(&id, entries, Reading::Share, (&what, ours), beside);
        rows.push(Row {
            also: vec![Figure::time("verify --full", &whole)],
            ..row.aiming("cost of k: ≤ 1.5 ×", Bound::AtMost(1.5))
        });
    }
    for ledger in [short, long] {
        gone(&ledger.place)?;
    }
    Ok(rows)
}

fn gone(dir: &Path) -> Result<(), String> {
    fs::remove_dir_all(dir).map_err(|why| format!("{}: {why}", dir.display()))
}
