//! One durable append: a whole process, inside one process, and at any length of the ledger.

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use git_ledger::append::{Appender, Next, Repeats};
use git_ledger::event::{Event, Pending};
use git_ledger::git::{Environment, Repository};
use git_ledger::ledger::{DEFAULT_REF, Ledger};
use git_ledger::signer::{KeySettings, Signer};

use super::Stage;
use super::events::{self, Names};
use super::ledgers::Kind;
use super::rounds::{Series, Side, alternate};
use super::row::{Bound, Figure, Reading, Row};
use super::verify::check;
use super::world::{World, copy_dir, run as done, timed};

/// Rounds of something that takes milliseconds.
const ROUNDS: usize = 40;

/// Numbers of events from here on stand in no ledger that was made.
const NEW: u64 = 10_000_000;

/// A whole process beside `git commit -S`, and one append of many inside a process.
pub fn run(stage: &Stage, entries: u64) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    let made = stage.ledgers.get(Kind::Single, entries)?;
    let place = world.path("work/append");
    copy_dir(&made.path, &place)?;
    let commits = world.path("work/commits");
    if commits.exists() {
        std::fs::remove_dir_all(&commits).map_err(|why| why.to_string())?;
    }
    done(world.git("", &["init", "-q"]).arg(&commits))?;
    let number = Cell::new(NEW);
    let next = || {
        number.set(number.get() + 1);
        number.get()
    };
    let append = |through_git: bool| {
        let mut command = match through_git {
            true => world.git(&place, &["ledger"]),
            false => world.ledger(&place, &[]),
        };
        Ok(timed(command.args(arguments(next())))?.0)
    };
    let commit = |setting: &str| {
        let mut git = world.git(&commits, &["-c", setting, "commit", "-q", "-S"]);
        let message = events::line(next(), Names::Given);
        Ok(timed(git.args(["--allow-empty", "-m", &message]))?.0)
    };
    let inside = Inside::open(world, &place)?;
    let sides: Vec<Side<'_>> = vec![
        Box::new(|| append(false)),
        Box::new(|| append(true)),
        Box::new(|| inside.append(next())),
        Box::new(|| commit("core.fsync=default")),
        Box::new(|| commit("core.fsync=all")),
    ];
    let rounds = stage.options.rounds(ROUNDS);
    let series = alternate(rounds, sides)?;
    let [whole, through_git, inside, stock, durable] = series.as_slice() else {
        return Err("a side is missing".into());
    };
    check(world, &place, entries + 3 * (rounds as u64 + 1))?;
    let share = |id: &str, ours: (&str, &Series), beside: (&str, &Series)| {
        Row::timed(id, entries, Reading::Share, ours, beside)
    };
    let bound = Bound::AtMost(0.3);
    let stock = ("git commit -S, as git is set up: not durable", stock);
    let durable = ("git commit -S with core.fsync=all", durable);
    let process = ("git-ledger append, whole process", whole);
    Ok(vec![
        share("append.process", process, stock).aiming("≤ 0.3 ×", bound),
        share("append.durable", process, durable).aiming("≤ 0.3 ×", bound),
        share(
            "append.typed",
            ("git ledger append, as typed", through_git),
            stock,
        ),
        share(
            "append.inside",
            ("an append inside one process", inside),
            stock,
        )
        .noting("through the library, with its lock and all its writes"),
    ])
}

/// What an append is called with for the event of this number.
pub fn arguments(number: u64) -> [String; 8] {
    let commit = git_ledger::merkle::hex(&git_ledger::merkle::sha256(&number.to_be_bytes()));
    let commit = commit.get(..40).unwrap_or_default();
    [
        "append".into(),
        "dev.cdevents.service.deployed.0.3.0".into(),
        "--subject=payments/production".into(),
        "--data=environment=production".into(),
        format!("--data=commit={commit}"),
        "--data=outcome=success".into(),
        format!("--data=run=https://ci.acme.example/payments/runs/{number}"),
        "--data=by=user17@acme.example".into(),
    ]
}

/// A ledger that is open, with its key at hand.
struct Inside {
    ledger: Ledger,
    signer: Signer,
}

impl Inside {
    fn open(world: &World, place: &Path) -> Result<Inside, String> {
        let environment = Environment::new("/", world.variables());
        let repository = Repository::discover(&environment, place);
        let key = world.key("ann").display().to_string();
        let settings = KeySettings {
            signing_key: Some(key),
            ..KeySettings::default()
        };
        Ok(Inside {
            ledger: Ledger::new(repository.map_err(|why| why.to_string())?, DEFAULT_REF),
            signer: Signer::find(&settings).map_err(|why| why.to_string())?,
        })
    }

    /// Seconds of one append.
    fn append(&self, number: u64) -> Result<f64, String> {
        let line = events::line(number, Names::Given);
        let event = Event::parse(line.trim_end().as_bytes()).map_err(|why| why.to_string())?;
        let pending = Pending::new(event).map_err(|why| why.to_string())?;
        let began = Instant::now();
        let appender = Appender {
            ledger: &self.ledger,
            signer: &self.signer,
            primary: None,
            clock: &super::now,
            deadline: began + Duration::from_secs(60),
        };
        let next = Next::Events(vec![vec![&pending]]);
        let recorded = appender.append(&next, Repeats::Impossible);
        let recorded = recorded.map_err(|why| why.to_string())?;
        match recorded.len() {
            1 => Ok(began.elapsed().as_secs_f64()),
            many => Err(format!("{many} entries for one event")),
        }
    }
}

/// The same append into ledgers of different length, with and without a look for repetitions.
pub fn length(stage: &Stage, longest: u64) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    let mut lengths = stage.options.lengths();
    if stage.options.long {
        lengths.insert(0, 1_000);
    }
    let (shortest, longer) = lengths.split_first().ok_or("no length")?;
    let mut rows = Vec::new();
    let mut places = Vec::new();
    for entries in &lengths {
        let made = stage.ledgers.get(Kind::Single, *entries)?;
        let place = world.path(format!("work/length-{entries}"));
        copy_dir(&made.path, &place)?;
        places.push(place);
    }
    let number = Cell::new(NEW);
    let append = |place: &Path, names: Names| {
        number.set(number.get() + 1);
        let mut command = world.ledger(place, &[]);
        command.args(arguments(number.get()));
        if names == Names::Given {
            command.args(["--id", &number.get().to_string()]);
        }
        Ok::<f64, String>(timed(&mut command)?.0)
    };
    // who asks for the first time whether an event is new reads the whole ledger
    if let Some(last) = places.last() {
        let first = append(last, Names::Given)?;
        let figure = Figure::time(
            "the first append with an id of its own",
            &Series(vec![first]),
        );
        rows.push(
            Row::alone("length.first-id", longest, figure)
                .noting("makes the table that later ones ask"),
        );
    }
    for names in [Names::Left, Names::Given] {
        let sides = places.iter().map(|place| -> Side<'_> {
            let append = &append;
            Box::new(move || append(place, names))
        });
        let series = alternate(stage.options.rounds(ROUNDS), sides.collect())?;
        let (first, others) = series.split_first().ok_or("no length")?;
        let (id, what) = match names {
            Names::Left => ("length.append", "append"),
            Names::Given => (
                "length.append-id",
                "append with --id: looks for repetitions",
            ),
        };
        for (entries, series) in longer.iter().zip(others) {
            let beside = format!("the same at {shortest} entries");
            let row = Row::timed(
                id,
                *entries,
                Reading::Share,
                (what, series),
                (&beside, first),
            );
            rows.push(match entries {
                1_000_000 => row.aiming("≤ 1.1 ×", Bound::AtMost(1.1)),
                _ => row,
            });
        }
    }
    if let (Some(place), Some(_)) = (places.last(), longer.last()) {
        let appended = 3 + 2 * stage.options.rounds(ROUNDS) as u64;
        check(world, place, longest + appended)?;
    }
    for place in &places {
        std::fs::remove_dir_all(place).map_err(|why| format!("{}: {why}", place.display()))?;
    }
    Ok(rows)
}
