//! `cargo xtask soak [--quick] [kill|history|compare|serve|load]`: the long campaigns, and their figures.
//!
//! They are tests of the suite with larger counts (`GIT_LEDGER_TEST_LONG`); `--quick` leaves the
//! counts as they are in the suite.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Each campaign, the tests it consists of, and how often they are run.
const CAMPAIGNS: &[(&str, &str, usize)] = &[
    ("kill", "crash::", 1),
    ("history", "history::", 3),
    ("compare", "mirrors::alarms::", 1),
    ("serve", "serve::kills::", 1),
    ("load", "serve::load::", 1),
];

/// What the tests print, and what stands above it in the table.
const TABLES: &[(&str, &[&str])] = &[
    (
        "figures | ",
        &[
            "what",
            "tried",
            "struck",
            "acknowledged",
            "lost",
            "corrupt",
            "stuck",
        ],
    ),
    (
        "comparisons | ",
        &["comparisons", "entries meanwhile", "false alarms", "states"],
    ),
    (
        "deliveries | ",
        &[
            "connections",
            "deliveries",
            "a second",
            "median",
            "99 of 100",
        ],
    ),
];

/// Runs the campaigns that are named, or all.
pub fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let usage =
        || "usage: cargo xtask soak [--quick] [kill | history | compare | serve | load]".to_owned();
    let quick = arguments.iter().any(|word| word == "--quick");
    let named: Vec<&String> = arguments.iter().filter(|word| *word != "--quick").collect();
    if let Some(unknown) = named
        .iter()
        .find(|word| CAMPAIGNS.iter().all(|(name, ..)| name != *word))
    {
        return Err(format!("no campaign '{unknown}'; {}", usage()));
    }
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    for (name, filter, times) in CAMPAIGNS {
        if !named.is_empty() && !named.iter().any(|word| word == name) {
            continue;
        }
        for _ in 0..if quick { 1 } else { *times } {
            println!("== {name}");
            if !campaign(root, filter, quick, &mut lines)? {
                failed.push(*name);
            }
        }
    }
    for (prefix, heads) in TABLES {
        table(&lines, prefix, heads);
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(format!("not clean: {}", failed.join(", "))),
    }
}

/// Runs the tests of one campaign; whether all went well.
fn campaign(
    root: &Path,
    filter: &str,
    quick: bool,
    lines: &mut Vec<String>,
) -> Result<bool, String> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(root)
        .args(["test", "--quiet", "--locked", "--test", "main", filter])
        .args(["--", "--nocapture"])
        .stdout(Stdio::piped());
    if quick {
        cargo.env_remove("GIT_LEDGER_TEST_LONG");
    } else {
        cargo.env("GIT_LEDGER_TEST_LONG", "1");
    }
    let failed = |why: std::io::Error| format!("cargo test cannot be run: {why}");
    let mut child = cargo.spawn().map_err(failed)?;
    let stdout = child.stdout.take().ok_or("cargo test has no output")?;
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(failed)?;
        println!("{line}");
        lines.push(line);
    }
    Ok(child.wait().map_err(failed)?.success())
}

/// Prints the lines that begin so, as a table; a test prints them anywhere in its output.
fn table(lines: &[String], prefix: &str, heads: &[&str]) {
    let mut rows: Vec<Vec<&str>> = lines
        .iter()
        .filter_map(|line| line.split_once(prefix))
        .map(|(_, rest)| rest.split(" | ").collect())
        .collect();
    if rows.is_empty() {
        return;
    }
    rows.sort();
    rows.insert(0, heads.to_vec());
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.len()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    println!();
    for row in &rows {
        let cells = row.iter().zip(&widths);
        let text: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        println!("{}", text.join("  ").trim_end());
    }
}
