//! Many events at once: one an entry, and as many an entry as fit.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::Stage;
use super::events::{self, Names};
use super::ledgers::{Kind, begin};
use super::rounds::{Series, Side, alternate};
use super::row::{Bound, Figure, Ratio, Reading, Row};
use super::verify::check;
use super::world::{World, run as done, timed};

/// More events are not read from one file here.
const MOST: u64 = 100_000;

/// The rows; in the long run what making its ledger took.
pub fn run(stage: &Stage, longest: u64) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    if stage.options.long {
        return made(stage, longest);
    }
    let events = longest.min(MOST);
    let left = batch(world, "left.jsonl", events, Names::Left)?;
    let given = batch(world, "given.jsonl", events, Names::Given)?;
    let stream = world.path("work/stream");
    fs::create_dir_all(world.path("work")).map_err(|why| why.to_string())?;
    // the same commits without their signatures: fast-export leaves them out
    append(world, "work/bulk", &left, "1")?;
    check(world, &world.path("work/bulk"), events + 1)?;
    let mut export = world.git("work/bulk", &["fast-export", "ledger"]);
    export.stdout(File::create(&stream).map_err(|why| why.to_string())?);
    done(&mut export)?;
    let sides: Vec<Side<'_>> = vec![
        Box::new(|| append(world, "work/bulk", &left, "1")),
        Box::new(|| append(world, "work/bulk", &given, "1")),
        Box::new(|| append(world, "work/bulk", &left, "1000")),
        Box::new(|| import(world, &stream)),
    ];
    let series = alternate(stage.options.rounds(5), sides)?;
    let [single, named, many, stock] = series.as_slice() else {
        return Err("a side is missing".into());
    };
    for file in [&left, &given, &stream] {
        fs::remove_file(file).map_err(|why| format!("{}: {why}", file.display()))?;
    }
    let beside = Figure::new(
        "git fast-import of the same commits, unsigned",
        "entries/s",
        &stock.rate(events),
    );
    let row = |id: &str, what: &str, series: &Series| Row {
        yardstick: Some(beside.clone()),
        ratio: Some(Ratio::of(Reading::Faster, series, stock)),
        ..Row::alone(
            id,
            events,
            Figure::new(what, "entries/s", &series.rate(events)),
        )
    };
    let events_a_second = Figure::new(
        "append --batch, many events an entry",
        "events/s",
        &many.rate(events),
    );
    Ok(vec![
        row("bulk.single", "append --batch, one event an entry", single)
            .aiming_at("≥ 30,000 entries/s", Bound::AtLeast(30_000.0))
            .noting("one process, one durable pack"),
        row("bulk.named", "the same; each event's id looked up", named)
            .noting("the events bring ids of their own"),
        Row::alone("bulk.events", events, events_a_second)
            .aiming_at("≥ 200,000 events/s", Bound::AtLeast(200_000.0)),
    ])
}

/// What the long ledger took, by turns of its signers.
fn made(stage: &Stage, entries: u64) -> Result<Vec<Row>, String> {
    let facts = stage.ledgers.get(Kind::Single, entries)?.facts;
    let rate = Series(vec![facts.seconds]).rate(facts.events);
    let figure = Figure::new("append --batch, one event an entry", "entries/s", &rate);
    Ok(vec![
        Row::alone("bulk.single", entries, figure)
            .aiming_at("≥ 30,000 entries/s", Bound::AtLeast(30_000.0))
            .noting(format!(
                "making the ledger: {} calls by turns of five keys, once",
                facts.calls
            )),
    ])
}

fn batch(world: &World, name: &str, events: u64, names: Names) -> Result<PathBuf, String> {
    let file = world.path(name);
    fs::write(&file, events::lines(0..events, names))
        .map_err(|why| format!("{}: {why}", file.display()))?;
    Ok(file)
}

/// Seconds of one `append --batch` into a new ledger.
fn append(world: &World, place: &str, file: &Path, per_entry: &str) -> Result<f64, String> {
    let dir = world.path(place);
    if dir.exists() {
        fs::remove_dir_all(&dir).map_err(|why| format!("{}: {why}", dir.display()))?;
    }
    begin(world, place, &["ann"])?;
    let mut append = world.ledger(place, &["append", "--events-per-entry", per_entry]);
    Ok(timed(append.arg("--batch").arg(file))?.0)
}

/// Seconds of one `git fast-import` into a new repository.
fn import(world: &World, stream: &Path) -> Result<f64, String> {
    let place = world.path("work/import.git");
    if place.exists() {
        fs::remove_dir_all(&place).map_err(|why| format!("{}: {why}", place.display()))?;
    }
    done(world.git("", &["init", "-q", "--bare"]).arg(&place))?;
    let mut import = world.git(&place, &["fast-import", "--quiet"]);
    import.stdin(File::open(stream).map_err(|why| why.to_string())?);
    Ok(timed(&mut import)?.0)
}
