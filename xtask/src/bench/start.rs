//! What a process costs before it does anything.

use std::process::Command;

use super::Stage;
use super::ledgers::Kind;
use super::rounds::{Side, alternate};
use super::row::{Reading, Row};
use super::world::timed;

/// The rows.
pub fn run(stage: &Stage, entries: u64) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    let made = stage.ledgers.get(Kind::Single, entries)?;
    let time = |command: &mut Command| Ok(timed(command)?.0);
    let sides: Vec<Side<'_>> = vec![
        Box::new(|| time(&mut world.ledger(&made.path, &["--version"]))),
        Box::new(|| time(&mut world.command(&made.path, "/bin/true"))),
        Box::new(|| time(&mut world.ledger(&made.path, &["tip"]))),
        Box::new(|| time(&mut world.git(&made.path, &["rev-parse", "ledger"]))),
    ];
    let series = alternate(stage.options.rounds(100), sides)?;
    let [version, nothing, tip, stock] = series.as_slice() else {
        return Err("a side is missing".into());
    };
    let share = |id: &str, ours, beside| Row::timed(id, entries, Reading::Share, ours, beside);
    Ok(vec![
        share(
            "start.version",
            ("git-ledger --version", version),
            ("/bin/true", nothing),
        ),
        share(
            "start.tip",
            ("git-ledger tip", tip),
            ("git rev-parse ledger", stock),
        )
        .noting("reads and checks the newest entry's form"),
    ])
}
