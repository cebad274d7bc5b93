//! What a process costs before it does anything.

use std::process::Command;

use super::Stage;
use super::ledgers::Kind;
use super::rounds::{Side, alternate};
use super::row::{Reading, Row};
use super::world::timed;

/// Rounds of something that takes a millisecond.
const ROUNDS: usize = 100;

/// A start that does nothing.
pub fn run(stage: &Stage, entries: u64) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    let made = stage.ledgers.get(Kind::Single, entries)?;
    let time = |command: &mut Command| Ok(timed(command)?.0);
    let sides: Vec<Side<'_>> = vec![
        Box::new(|| time(&mut world.ledger(&made.path, &["--version"]))),
        Box::new(|| time(&mut world.command(&made.path, "/bin/true"))),
        Box::new(|| time(&mut world.git(&made.path, &["--version"]))),
    ];
    let series = alternate(stage.options.rounds(ROUNDS), sides)?;
    let [version, nothing, git] = series.as_slice() else {
        return Err("a side is missing".into());
    };
    let ours = ("git-ledger --version", version);
    let share = |id: &str, beside| Row::timed(id, entries, Reading::Share, ours, beside);
    Ok(vec![
        share("start.version", ("/bin/true", nothing)),
        share("start.git", ("git --version", git)),
    ])
}

/// A start that reads the newest entry.
pub fn tip(stage: &Stage, entries: u64) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    let made = stage.ledgers.get(Kind::Single, entries)?;
    let time = |command: &mut Command| Ok(timed(command)?.0);
    let sides: Vec<Side<'_>> = vec![
        Box::new(|| time(&mut world.ledger(&made.path, &["tip"]))),
        Box::new(|| time(&mut world.git(&made.path, &["rev-parse", "ledger"]))),
    ];
    let rounds = if entries > 10_000 { 3 } else { 20 };
    let series = alternate(stage.options.rounds(rounds), sides)?;
    let [tip, stock] = series.as_slice() else {
        return Err("a side is missing".into());
    };
    let (ours, beside) = (("git-ledger tip", tip), ("git rev-parse ledger", stock));
    Ok(vec![Row::timed(
        "tip.tip",
        entries,
        Reading::Share,
        ours,
        beside,
    )])
}
