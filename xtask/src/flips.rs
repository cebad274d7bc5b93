//! `cargo xtask flips [--quick] [--json]`: what one changed byte does.
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
mod stock;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use git_ledger::finding::Answer;
use gix::objs::Kind;

use crate::vectors::keys::Key;
use crate::vectors::world::{P256, RSA};

use changes::{Amount, Change};
use objects::{Honest, Place, Subject, first_finding};

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

/// Runs all of it.
pub fn run(root: &Path, words: &[String]) -> Result<(), String> {
    let effort = match words.iter().any(|word| word == "--quick") {
        true => Effort::Quick,
        false => Effort::Full,
    };
    let started = Instant::now();
    crate::suite::cargo(root, &["build", "--quiet", "--locked"])?;
    let ledgers = [
        Honest::new("ed25519", &Key::ed25519("ed@acme.example", 21)),
        Honest::new("ecdsa p256", &P256),
        Honest::new("rsa 3072", &RSA),
    ];
    println!("one byte of one object of a signed ledger");
    println!("signer      object            bytes  changes  detected  UNDETECTED  found mostly");
    let mut total = Tally::default();
    for ledger in &ledgers {
        for subject in &ledger.subjects {
            let tally = objects_of(ledger, subject, effort)?;
            if tally.changes == 0 {
                continue;
            }
            println!(
                "{:<11} {:<16} {:>6} {:>8} {:>9} {:>11}  {}",
                ledger.signer,
                subject.name,
                ledger.bytes(&subject.id).len(),
                tally.changes,
                tally.caught(),
                tally.undetected.len(),
                tally.mostly()
            );
            total.add(tally);
        }
    }
    println!(
        "{:<11} {:<16} {:>6} {:>8} {:>9} {:>11}  in {} s",
        "all",
        "",
        "",
        total.changes,
        total.caught(),
        total.undetected.len(),
        started.elapsed().as_secs()
    );
    for what in total.undetected.iter().take(20) {
        println!("UNDETECTED {what}");
    }
    println!("\nthe ordinary entry, changed: taken by us, and by git verify-commit");
    println!("signer      changes                        tried   ours    git");
    for row in stock::git(&ledgers, effort)? {
        println!(
            "{:<11} {:<27} {:>8} {:>6} {:>6}",
            row.signer, row.what, row.tried, row.ours, row.git
        );
    }
    let asked = stock::others(root, &ledgers, effort)?;
    println!(
        "verify.py finds the same in {} of these ledgers, git ledger verify calls none of {} sound",
        asked.verify_py, asked.program
    );
    match total.undetected.len() + total.same {
        0 => Ok(()),
        many => Err(format!(
            "{many} changes of a signed ledger are called sound"
        )),
    }
}

/// Every change of one object, at every place.
fn objects_of(ledger: &Honest, subject: &Subject, effort: Effort) -> Result<Tally, String> {
    // besides the entries, nothing in a ledger depends on the kind of key but one row of text
    let amount = match (effort, subject.kind, ledger.signer) {
        (Effort::Full, Kind::Commit, "ed25519") => Amount::Values,
        (Effort::Full, _, _) => Amount::Bits,
        (Effort::Quick, Kind::Commit, "ed25519") => Amount::One,
        (Effort::Quick, _, "ed25519") => Amount::Flips,
        (Effort::Quick, _, _) if subject.name == "ordinary entry" => Amount::Flips,
        (Effort::Quick, _, _) => return Ok(Tally::default()),
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
    Ok(on_all_cores(&changes, one))
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
