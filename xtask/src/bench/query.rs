//! The first page of a log, a filter, a search; with the index and without.

use std::cell::RefCell;

use super::Stage;
use super::ledgers::Kind;
use super::rounds::{Series, Side, alternate, counted};
use super::row::{Bound, Figure, Reading, Row};
use super::world::{World, copy_dir, timed};

/// A question: the row's name, in words, the program's words, git's words.
struct Question {
    name: &'static str,
    what: &'static str,
    words: &'static [&'static str],
    git: &'static [&'static str],
}

const QUESTIONS: &[Question] = &[
    Question {
        name: "page",
        what: "log, first page",
        words: &[],
        git: &[],
    },
    Question {
        name: "rare",
        what: "filter by a type, 1 entry in 100,000",
        words: &["type:dev.cdevents.service.rolledback.*"],
        git: &["--grep=cdevents.service.rolledback"],
    },
    Question {
        name: "often",
        what: "filter by signer and subject, 1 entry in 50",
        words: &["signer:ci", "subject:payments/*"],
        git: &["--author=<ci>", "--grep=\"subject\":\"payments/"],
    },
    Question {
        name: "search",
        what: "search for a text that one entry holds",
        words: &["runs/100777"],
        git: &["--grep=runs/100777"],
    },
];

/// From here on a question without index takes so long that every round is counted.
const LONG: u64 = 10_000;

/// The rows.
pub fn run(stage: &Stage, entries: u64) -> Result<Vec<Row>, String> {
    let world = stage.ledgers.world();
    let made = stage.ledgers.get(Kind::Single, entries)?;
    let place = world.path("work/query");
    copy_dir(&made.path, &place)?;
    let (seconds, output) = timed(&mut world.ledger(&place, &["index", "--json"]))?;
    let said: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|why| why.to_string())?;
    let bytes = said["bytes"].as_f64().ok_or("no size of the index")?;
    let making = Figure::time("making the index", &Series(vec![seconds]));
    let size = Figure::count("an entry in it", "bytes", bytes / entries as f64);
    let mut rows = vec![Row {
        also: vec![size],
        ..Row::alone("query.index", entries, making).noting("verifies everything on the way")
    }];
    for question in QUESTIONS {
        rows.extend(ask(stage, world, &place, question, entries)?);
    }
    std::fs::remove_dir_all(&place).map_err(|why| why.to_string())?;
    Ok(rows)
}

/// One question with the index, without, and to git.
fn ask(
    stage: &Stage,
    world: &World,
    place: &std::path::Path,
    question: &Question,
    entries: u64,
) -> Result<Vec<Row>, String> {
    let page = ["log", "--oneline", "-n20"];
    // with the index and without it, every answer is the same
    let answer: RefCell<Option<Vec<u8>>> = RefCell::new(None);
    let ours = |without: &[&str]| {
        let mut log = world.ledger(place, &page);
        let (seconds, output) = timed(log.arg("--no-pager").args(without).args(question.words))?;
        answered(&output.stdout)?;
        let mut answer = answer.borrow_mut();
        let first = answer.get_or_insert_with(|| output.stdout.clone());
        match *first == output.stdout {
            true => Ok(seconds),
            false => Err(format!("two answers to {:?}", question.words)),
        }
    };
    let quick: Vec<Side<'_>> = vec![Box::new(|| ours(&[]))];
    let [indexed] = alternate(stage.options.rounds(15), quick)?
        .try_into()
        .map_err(|_| "a side is missing")?;
    let sides: Vec<Side<'_>> = vec![
        Box::new(|| ours(&["--no-index"])),
        Box::new(|| {
            let mut log = world.git(place, &page);
            let (seconds, output) = timed(log.args(question.git).arg("ledger"))?;
            answered(&output.stdout)?;
            Ok(seconds)
        }),
    ];
    let series = match entries > LONG {
        true => counted(stage.options.rounds(2), sides)?,
        false => alternate(stage.options.rounds(5), sides)?,
    };
    let [walked, stock] = series.as_slice() else {
        return Err("a side is missing".into());
    };
    let row = |suffix: &str, what: &str, series| {
        let id = format!("query.{}{suffix}", question.name);
        let what = format!("{}{what}", question.what);
        let stock = ("git log", stock);
        Row::timed(&id, entries, Reading::Share, (&what, series), stock)
    };
    let with = row("", "", &indexed);
    let with = match entries >= 1_000_000 {
        true => with.aiming_at("≤ 50 ms", Bound::AtMost(50.0)),
        false => with,
    };
    Ok(match question.words.is_empty() {
        true => vec![with],
        false => vec![with, row("-walk", ", without the index", walked)],
    })
}

/// Each question has an answer.
fn answered(answer: &[u8]) -> Result<(), String> {
    match answer.is_empty() {
        true => Err("nothing was found".into()),
        false => Ok(()),
    }
}
