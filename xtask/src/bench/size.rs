//! What an entry weighs on disk.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::Stage;
use super::ledgers::{EVENTS, Kind, Made, begin};
use super::row::{Bound, Figure, Row};
use super::verify::check;
use super::world::{copy_dir, run as done, timed};

/// Entries that are appended one by one, each by a process of its own.
const SINGLES: u64 = 1_000;

/// What pack and index take, after a bulk append and after git's own housekeeping.
pub fn run(stage: &Stage, entries: u64) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    let made = stage.ledgers.get(Kind::Single, entries)?;
    let mut rows = vec![
        each(
            "size.bulk",
            "a single-event entry after append --batch",
            &made,
        )?
        .aiming("≤ 400 bytes", Bound::AtMost(400.0)),
        message(stage, &made)?,
    ];
    if !stage.options.long {
        let place = world.path("work/size");
        copy_dir(&made.path, &place)?;
        done(&mut world.git(&place, &["gc", "--quiet"]))?;
        let collected = Made {
            path: place.clone(),
            facts: made.facts.clone(),
        };
        check(world, &place, entries)?;
        rows.push(each("size.gc", "the same after git gc", &collected)?);
        std::fs::remove_dir_all(&place).map_err(|why| why.to_string())?;
        let batched = stage.ledgers.get(Kind::Batched, entries / EVENTS)?;
        let objects = batched.path.join(".git/objects");
        let bytes = super::world::bytes_of(&objects, &[""])? as f64 / batched.facts.events as f64;
        let figure = Figure::count("an event, many an entry", "bytes", bytes);
        rows.push(Row::alone("size.event", entries, figure).noting(format!("{EVENTS} an entry")));
    }
    Ok(rows)
}

/// What single appends leave behind.
pub fn singles(stage: &Stage, _: u64) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    let place = world.path("work/singles");
    if place.exists() {
        std::fs::remove_dir_all(&place).map_err(|why| why.to_string())?;
    }
    let policy = begin(world, "work/singles", &["ann"])?;
    let entries = if stage.options.quick { 40 } else { SINGLES };
    let mut slowest: f64 = 0.0;
    for number in 0..entries {
        let arguments = super::append::arguments(number);
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        slowest = slowest.max(timed(&mut world.ledger("work/singles", &words))?.0);
    }
    check(world, &place, policy + entries)?;
    let figure = |what: &str, bytes: u64| {
        Figure::count(what, "bytes", bytes as f64 / (policy + entries) as f64)
    };
    let after = on_disk(&place.join(".git/objects"))?;
    let loose = loose(&place.join(".git/objects"))?;
    done(&mut world.git("work/singles", &["gc", "--quiet"]))?;
    check(world, &place, policy + entries)?;
    let collected = pack_and_index(&place)?;
    Ok(vec![
        Row::alone(
            "singles.disk",
            entries,
            figure("an entry's place on disk after single appends", after),
        )
        .noting(format!(
            "all of objects/, in whole blocks; {loose} objects are still loose; the slowest append took {:.0} ms",
            slowest * 1e3
        )),
        Row::alone(
            "singles.gc",
            entries,
            figure("the same after git gc, pack and index", collected),
        ),
    ])
}

fn pack_and_index(repository: &Path) -> Result<u64, String> {
    super::world::bytes_of(&repository.join(".git/objects/pack"), &[".pack", ".idx"])
}

fn each(id: &str, what: &str, made: &Made) -> Result<Row, String> {
    let bytes = pack_and_index(&made.path)? as f64 / made.facts.entries as f64;
    let row = Row::alone(id, made.facts.entries, Figure::count(what, "bytes", bytes));
    Ok(row.noting("pack and index"))
}

/// How large the commits are that take so much.
fn message(stage: &Stage, made: &Made) -> Result<Row, String> {
    let world = stage.ledgers.world();
    let list = ["rev-list", "-n1000", "ledger"];
    let ids = done(&mut world.git(&made.path, &list))?.stdout;
    let file = world.path("newest");
    std::fs::write(&file, ids).map_err(|why| why.to_string())?;
    let mut sizes = world.git(&made.path, &["cat-file", "--batch-check=%(objectsize)"]);
    sizes.stdin(std::fs::File::open(&file).map_err(|why| why.to_string())?);
    let text = super::world::said(&mut sizes)?;
    let sizes: Vec<f64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    let mean = sizes.iter().sum::<f64>() / sizes.len() as f64;
    let figure = Figure::count(
        "the commit of such an entry, as git shows it",
        "bytes",
        mean,
    );
    Ok(Row::alone("size.commit", made.facts.entries, figure).noting("mean of the newest 1,000"))
}

/// Whole blocks of all files below a directory, in bytes.
fn on_disk(dir: &Path) -> Result<u64, String> {
    let mut sum = 0;
    for entry in walkdir::WalkDir::new(dir) {
        let entry = entry.map_err(|why| why.to_string())?;
        sum += entry.metadata().map_err(|why| why.to_string())?.blocks() * 512;
    }
    Ok(sum)
}

/// Files outside of packs.
fn loose(dir: &Path) -> Result<usize, String> {
    let mut count = 0;
    for entry in walkdir::WalkDir::new(dir) {
        let entry = entry.map_err(|why| why.to_string())?;
        let parent = entry.path().parent().and_then(Path::file_name);
        let fan_out = parent.is_some_and(|name| name.len() == 2);
        count += usize::from(entry.file_type().is_file() && fan_out);
    }
    Ok(count)
}
