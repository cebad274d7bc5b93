//! The first page of a log, a filter, a search; with the index and without.

use super::Stage;
use super::ledgers::{Kind, Made};
use super::rounds::{Side, alternate, counted};
use super::row::{Bound, Reading, Row};
use super::world::{World, timed};

/// What is asked: the row's name, in words, the program's words, git's words.
const QUESTIONS: &[(&str, &str, &[&str], &[&str])] = &[
    ("page", "first page of the log", &[], &[]),
    (
        "filter",
        "filter by type, 1 in 100,000",
        &["--type", "dev.cdevents.service.rolledback.*"],
        &["--grep", "cdevents.service.rolledback"],
    ),
    (
        "often",
        "filter by signer, 1 in 5",
        &["--signer", "ci"],
        &["--author", "<ci>"],
    ),
];

/// From here on a yardstick takes so long that it is not warmed up.
const LONG: u64 = 100_000;

/// The rows.
pub fn run(stage: &Stage, entries: u64) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    let made = stage.ledgers.get(Kind::Single, entries)?;
    let mut rows = Vec::new();
    for (name, what, words, git) in QUESTIONS {
        let sides: Vec<Side<'_>> = vec![
            Box::new(|| ask(world, &made, words)),
            Box::new(|| stock(world, &made, git)),
        ];
        let rounds = stage.options.rounds(5);
        let series = match entries > LONG {
            true => counted(rounds.min(3), sides)?,
            false => alternate(rounds, sides)?,
        };
        let [ours, stock] = series.as_slice() else {
            return Err("a side is missing".into());
        };
        let row = Row::timed(
            &format!("query.{name}"),
            entries,
            Reading::Share,
            (what, ours),
            ("git log", stock),
        );
        rows.push(match entries >= 1_000_000 {
            true => row.aiming_at("≤ 50 ms", Bound::AtMost(50.0)),
            false => row,
        });
    }
    Ok(rows)
}

/// Seconds until the first page is there.
fn ask(world: &World, made: &Made, words: &[&str]) -> Result<f64, String> {
    let mut log = world.ledger(&made.path, &["log", "--oneline", "--no-pager", "-n20"]);
    let (seconds, output) = timed(log.args(words))?;
    found(&output.stdout)?;
    Ok(seconds)
}

fn stock(world: &World, made: &Made, words: &[&str]) -> Result<f64, String> {
    let mut log = world.git(&made.path, &["log", "--oneline", "-n20", "ledger"]);
    let (seconds, output) = timed(log.args(words))?;
    found(&output.stdout)?;
    Ok(seconds)
}

/// Each question has an answer.
fn found(answer: &[u8]) -> Result<(), String> {
    match answer.is_empty() {
        true => Err("nothing was found".into()),
        false => Ok(()),
    }
}
