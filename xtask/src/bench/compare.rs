//! Three copies asked and told apart.

use super::Stage;
use super::ledgers::Kind;
use super::rounds::{Series, Side, alternate};
use super::row::{Figure, Reading, Row};
use super::world::{copy_dir, run as done, timed};

const COPIES: [&str; 3] = ["one", "two", "three"];

/// The rows: three bare mirrors by their paths.
pub fn run(stage: &Stage, entries: u64) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    let made = stage.ledgers.get(Kind::Single, entries)?;
    let place = world.path("work/compare");
    copy_dir(&made.path, &place)?;
    for copy in COPIES {
        let path = world.path(format!("work/{copy}.git"));
        copy_dir(&made.path.join(".git"), &path)?;
        done(&mut world.git(&path, &["config", "core.bare", "true"]))?;
        let url = path.display().to_string();
        done(&mut world.ledger(&place, &["mirror", "add", copy, &url]))?;
    }
    let compare = || {
        let (seconds, output) = timed(&mut world.ledger(&place, &["compare", "--json"]))?;
        let text = String::from_utf8_lossy(&output.stdout);
        match text.matches("\"level\"").count() {
            3 => Ok(seconds),
            many => Err(format!("{many} of three copies are level: {text}")),
        }
    };
    let first = compare()?;
    let list = || {
        let mut sum = 0.0;
        for copy in COPIES {
            let url = world.path(format!("work/{copy}.git"));
            let mut git = world.git(&place, &["ls-remote", "--quiet"]);
            sum += timed(git.arg(url).arg("refs/heads/ledger"))?.0;
        }
        Ok(sum)
    };
    let sides: Vec<Side<'_>> = vec![Box::new(compare), Box::new(list)];
    let series = alternate(stage.options.rounds(10), sides)?;
    let [again, stock] = series.as_slice() else {
        return Err("a side is missing".into());
    };
    let copies = COPIES.map(|copy| world.path(format!("work/{copy}.git")));
    for dir in copies.iter().chain([&place]) {
        std::fs::remove_dir_all(dir).map_err(|why| format!("{}: {why}", dir.display()))?;
    }
    let time = Figure::time(
        "compare of three remotes, the first time",
        &Series(vec![first]),
    );
    Ok(vec![
        Row::alone("compare.first", entries, time).noting("bare mirrors by path"),
        Row::timed(
            "compare.again",
            entries,
            Reading::Share,
            ("compare of three remotes, again", again),
            ("git ls-remote, three times", stock),
        ),
    ])
}
