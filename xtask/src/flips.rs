//! `cargo xtask flips [objects | files] [--quick] [--json]`: what one changed byte does.
//!
//! First in the objects of a small signed ledger: entries of every kind by every kind of key,
//! their trees, policy files and attachments, as real objects under the old id or under their own,
//! with the entries after them or without. Beside it, over the same changed commits in the same
//! run, what stock `git verify-commit` takes. Then in every file of a small repository. A change
//! of meaning that is called sound is a failure; so are a panic, ten seconds and a gigabyte.
//!
//! `--quick` makes one flip, one deletion and one cut at each byte; the full run every bit flip
//! and every other value of the Ed25519 entries.

mod changes;
mod objects;
mod reading;
mod repository;
mod stage;
mod stock;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use git_ledger::finding::Answer;
use git_ledger::json::{Object, Value};
use gix::objs::Kind;

use crate::vectors::keys::Key;
use crate::vectors::world::{P256, RSA};

use changes::{Amount, Change};
use objects::{Honest, Place, Subject, first_finding};
use stage::Form;

/// More memory than this is a failure, in bytes.
const MEMORY: u64 = 1 << 30;

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort {
    Quick,
    Full,
}

/// What became of the changes of one thing.
#[derive(Debug, Default)]
struct Tally {
    changes: usize,
    /// By the word for what was found.
    detected: BTreeMap<&'static str, usize>,
    /// Sound, and nothing means anything else.
    same: usize,
    /// Sound, and something else is meant; what was changed.
    undetected: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.changes += other.changes;
        self.same += other.same;
        self.undetected.extend(other.undetected);
        for (word, count) in other.detected {
            *self.detected.entry(word).or_default() += count;
        }
    }

    fn caught(&self) -> usize {
        self.detected.values().sum()
    }

    /// What was found most often.
    fn mostly(&self) -> String {
        let mut found: Vec<(&str, usize)> = self.detected.iter().map(|(w, n)| (*w, *n)).collect();
        found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let shown = found.iter().take(3).map(|(word, n)| format!("{word} {n}"));
        shown.collect::<Vec<_>>().join(", ")
    }
}

/// Where lines for people go: not among the JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Page {
    Text,
    Json,
}

impl Page {
    fn line(self, text: impl std::fmt::Display) {
        match self {
            Page::Text => println!("{text}"),
            Page::Json => eprintln!("{text}"),
        }
    }
}

/// Runs all of it.
pub fn run(root: &Path, words: &[String]) -> Result<(), String> {
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    let effort = match has("--quick") {
        true => Effort::Quick,
        false => Effort::Full,
    };
    let page = match has("--json") {
        true => Page::Json,
        false => Page::Text,
    };
    let started = Instant::now();
    crate::suite::program(root)?;
    let (mut told, mut wrong) = (Object::new(), Vec::new());
    if !has("files") {
        ledgers(root, effort, page, &mut told, &mut wrong)?;
    }
    if !has("objects") {
        files(root, effort, page, &mut told, &mut wrong)?;
    }
    let memory = peak_memory();
    page.line(format!(
        "\n{} s, at most {} MB of memory",
        started.elapsed().as_secs(),
        memory >> 20
    ));
    if memory > MEMORY {
        wrong.push(format!("{} MB of memory", memory >> 20));
    }
    told.set("peakmemory", count(memory));
    told.set("seconds", count(started.elapsed().as_secs()));
    told.set(
        "wrong",
        wrong
            .iter()
            .map(|what| Value::from(what.as_str()))
            .collect::<Vec<_>>(),
    );
    if page == Page::Json {
        println!("{}", Value::from(told).to_canonical());
    }
    match wrong.as_slice() {
        [] => Ok(()),
        some => {
            let shown: Vec<&str> = some.iter().take(20).map(String::as_str).collect();
            Err(format!(
                "{}\n{} changes must not end like this",
                shown.join("\n"),
                some.len()
            ))
        }
    }
}

fn count<T: TryInto<i64>>(number: T) -> Value {
    Value::Integer(number.try_into().unwrap_or(i64::MAX))
}

/// The most memory this process ever had, in bytes, as Linux tells it; 0 elsewhere.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() << 10
}

/// The objects of signed ledgers, in memory; and what others say of the same changes.
fn ledgers(
    root: &Path,
    effort: Effort,
    page: Page,
    told: &mut Object,
    wrong: &mut Vec<String>,
) -> Result<(), String> {
    let ledgers = [
        Honest::new("ed25519", &Key::ed25519("ed@acme.example", 21)),
        Honest::new("ecdsa p256", &P256),
        Honest::new("rsa 3072", &RSA),
    ];
    page.line("one byte of one object of a signed ledger");
    page.line("signer      object            bytes  changes  detected  UNDETECTED  found mostly");
    let mut total = Tally::default();
    for ledger in &ledgers {
        for subject in &ledger.subjects {
            let tally = objects_of(ledger, subject, effort);
            if tally.changes == 0 {
                continue;
            }
            page.line(format!(
                "{:<11} {:<16} {:>6} {:>8} {:>9} {:>11}  {}",
                ledger.signer,
                subject.name,
                ledger.bytes(&subject.id).len(),
                tally.changes,
                tally.caught(),
                tally.undetected.len() + tally.same,
                tally.mostly()
            ));
            total.add(tally);
        }
    }
    // no change of an object leaves a ledger the same
    let undetected = total.undetected.len() + total.same;
    page.line(format!(
        "{:<35} {:>8} {:>9} {:>11}",
        "all",
        total.changes,
        total.caught(),
        undetected
    ));
    told.set("changes", count(total.changes));
    told.set("detected", count(total.caught()));
    told.set("undetected", count(undetected));
    wrong.extend(total.undetected);

    page.line("\nthe ordinary entry, changed: taken by us, and by git verify-commit");
    page.line("signer      changes                        tried   ours    git");
    let mut rows = Vec::new();
    for row in stock::git(&ledgers, effort)? {
        page.line(format!(
            "{:<11} {:<27} {:>8} {:>6} {:>6}",
            row.signer, row.what, row.tried, row.ours, row.git
        ));
        let object = Object::new()
            .with("signer", row.signer)
            .with("changes", row.what)
            .with("tried", count(row.tried))
            .with("ours", count(row.ours))
            .with("git", count(row.git));
        rows.push(Value::from(object));
    }
    told.set("verifycommit", rows);
    let asked = stock::others(root, &ledgers, effort)?;
    page.line(format!(
        "verify.py finds the same in {} of these ledgers; git ledger verify calls none of {} sound",
        asked.verify_py, asked.program
    ));
    told.set("verifypy", count(asked.verify_py));
    told.set("program", count(asked.program));
    Ok(())
}

/// The files of a repository.
fn files(
    root: &Path,
    effort: Effort,
    page: Page,
    told: &mut Object,
    wrong: &mut Vec<String>,
) -> Result<(), String> {
    let program = root.join("target/debug/git-ledger");
    let mut forms = vec![("sha1", Form::Loose), ("sha1", Form::Packed)];
    if effort == Effort::Full {
        forms.extend([("sha256", Form::Loose), ("sha256", Form::Packed)]);
    }
    let mut all = Vec::new();
    for (format, form) in forms {
        page.line(format!("\nevery file of a repository, {format}, {form:?}"));
        let outcome = repository::run(&program, format, form, effort)?;
        outcome.table().iter().for_each(|line| page.line(line));
        let object = outcome.object();
        all.push(
            object
                .with("format", format)
                .with("form", format!("{form:?}").as_str())
                .into(),
        );
        wrong.extend(outcome.wrong);
    }
    told.set("repositories", all);
    Ok(())
}

/// Every change of one object, at every place.
fn objects_of(ledger: &Honest, subject: &Subject, effort: Effort) -> Tally {
    // besides the entries, nothing in a ledger depends on the kind of key but one row of text
    let amount = match (effort, subject.kind, ledger.signer) {
        (Effort::Full, Kind::Commit, "ed25519") => Amount::Values,
        (Effort::Full, _, _) => Amount::Bits,
        (Effort::Quick, Kind::Commit, "ed25519") => Amount::One,
        (Effort::Quick, _, "ed25519") => Amount::Flips,
        (Effort::Quick, _, _) if subject.name == "ordinary entry" => Amount::Flips,
        (Effort::Quick, _, _) => return Tally::default(),
    };
    // what stands after or around a change matters little
    let step = match effort {
        Effort::Quick => 16,
        Effort::Full => 1,
    };
    let bytes = ledger.bytes(&subject.id).to_vec();
    let changes = Change::all(&bytes, amount);
    let one = |change: &Change| -> Tally {
        let mut tally = Tally::default();
        let at = change.at();
        let byte = bytes.get(at).filter(|_| at.is_multiple_of(step));
        let flipped = byte.is_some_and(|byte| *change == Change::flip(at, *byte));
        for place in Place::ALL {
            if place != Place::Forged && !flipped {
                continue;
            }
            let changed = ledger.changed(subject, change.of(&bytes), place);
            let verdict = ledger.judge(&changed);
            tally.changes += 1;
            match first_finding(&verdict) {
                Some(id) => *tally.detected.entry(id.name()).or_default() += 1,
                None if verdict.answer() != Answer::Sound => {}
                None if ledger.means_the_same(&changed) => tally.same += 1,
                None => tally.undetected.push(format!(
                    "{} {} {change:?} {place:?}",
                    ledger.signer, subject.name
                )),
            }
        }
        tally
    };
    on_all_cores(&changes, one)
}

/// Adds up what all items give, on all processors.
fn on_all_cores<T: Sync>(items: &[T], one: impl Fn(&T) -> Tally + Sync) -> Tally {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut sum = Tally::default();
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            sum.add(one(item));
        }
        sum
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        let mut sum = Tally::default();
        for worker in workers {
            match worker.join() {
                Ok(tally) => sum.add(tally),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        sum
    })
}
