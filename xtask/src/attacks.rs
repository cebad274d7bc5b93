//! `cargo xtask attacks`: every row of `tests/attacks.tsv` is tried, and the table is printed.
//!
//! A row names its proof: tests, which really do it, and vectors, which two verifiers judge. A
//! test that did not run, or is not there, is a failure of this command; what nobody can detect
//! counts only if the program says so in the words it is held to.

mod proof;
mod table;

use std::collections::BTreeMap;
use std::path::Path;

use git_ledger::freshness::UNSEEN;

use crate::cargo_test::{self, Outcome};
use proof::Proofs;
use table::{Answer, Proof, Row, Table};

/// The tests by which both verifiers judge every vector.
const BOTH_VERIFIERS: [&str; 2] = [
    "vectors::the_library_finds_what_each_vector_expects",
    "vectors::verify_py_finds_the_same",
];

/// What must be so without running anything: each row is whole, and its proof exists.
pub fn check(root: &Path, wrong: &mut Vec<String>) {
    let table = match Table::read(root) {
        Ok(table) => table,
        Err(complaints) => return wrong.extend(complaints),
    };
    let proofs = Proofs::read(root);
    for row in &table.rows {
        wrong.extend(proofs.complaints(row));
    }
}

/// Runs the tests that the rows name, and those alone, then prints the table.
pub fn run(root: &Path) -> Result<(), String> {
    let mut wrong = Vec::new();
    check(root, &mut wrong);
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    let table = Table::read(root).map_err(|complaints| complaints.join("\n"))?;
    let mut names: Vec<&str> = table.rows.iter().flat_map(|row| row.tests()).collect();
    names.extend(BOTH_VERIFIERS);
    names.sort_unstable();
    names.dedup();
    let targets = [
        "--package",
        "git-ledger",
        "--lib",
        "--bins",
        "--test",
        "main",
    ];
    let end = ["--locked", "--no-fail-fast", "--", "--exact"];
    let arguments = [&["test"], &targets[..], &end[..], &names[..]].concat();
    let ran = cargo_test::run(root, &arguments)?;
    report(root, &ran.outcomes)?;
    ran.success()
}

/// Prints the table by what ran: one line a row, then how many were tried, caught, undetectable,
/// skipped and missed. A missed one is an error.
pub fn report(root: &Path, outcomes: &BTreeMap<String, Outcome>) -> Result<(), String> {
    let table = Table::read(root).map_err(|complaints| complaints.join("\n"))?;
    let (mut caught, mut undetectable, mut skipped) = (0, 0, Vec::new());
    let mut missed = Vec::new();
    let width = table.rows.iter().map(|row| row.id.len()).max();
    for row in &table.rows {
        let failing = failing(row, outcomes);
        let word = match (&row.answer, failing.is_empty()) {
            (Answer::Skipped(_), _) => "skipped",
            (_, false) => "MISSED",
            (Answer::Undetectable, true) => "undetectable",
            (Answer::Words(_), true) => "caught",
        };
        println!(
            "{word:<12}  {:<width$}  {} -> {}",
            row.id,
            row.attack,
            row.answer,
            width = width.unwrap_or_default()
        );
        match (&row.answer, failing.is_empty()) {
            (Answer::Skipped(reason), _) => skipped.push(format!("{}: {reason}", row.id)),
            (_, false) => missed.push(format!("{}: {}", row.id, failing.join("; "))),
            (Answer::Undetectable, true) => undetectable += 1,
            (Answer::Words(_), true) => caught += 1,
        }
    }
    let tried = table.rows.len() - skipped.len();
    println!("\ntried         {tried} of {}", table.rows.len());
    println!("caught        {caught}");
    println!("undetectable  {undetectable}, as expected; of each the program says:");
    println!("              {UNSEEN}");
    println!("skipped       {}", skipped.len());
    for reason in &skipped {
        println!("              {reason}");
    }
    println!("missed        {}", missed.len());
    if missed.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "{} attacks are not proved to be caught:\n{}",
            missed.len(),
            missed.join("\n")
        ))
    }
}

/// What of a row's proof did not run, or failed.
fn failing(row: &Row, outcomes: &BTreeMap<String, Outcome>) -> Vec<String> {
    let vectors = row.proofs.iter().any(|p| matches!(p, Proof::Vectors(_)));
    let judges = BOTH_VERIFIERS.iter().copied().filter(|_| vectors);
    row.tests()
        .chain(judges)
        .filter_map(|name| match outcomes.get(name) {
            Some(Outcome::Passed) => None,
            Some(Outcome::Failed) => Some(format!("{name} failed")),
            Some(Outcome::Ignored) => Some(format!("{name} was ignored")),
            None => Some(format!("{name} did not run")),
        })
        .collect()
}
