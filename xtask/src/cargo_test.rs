//! `cargo test`, seen while it runs, and what came of each test.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// What came of one test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Passed,
    Ignored,
    Failed,
}

/// What came of all of them.
pub struct Ran {
    /// By the path of the test in its binary; the worst, where two binaries have one of a name.
    pub outcomes: BTreeMap<String, Outcome>,
    status: std::process::ExitStatus,
}

impl Ran {
    /// Whether cargo itself was content.
    pub fn success(&self) -> Result<(), String> {
        if self.status.success() {
            Ok(())
        } else {
            Err(format!("cargo test ended with {}", self.status))
        }
    }
}

/// Runs cargo, shows what it says as it says it, and reads it.
pub fn run(root: &Path, arguments: &[&str]) -> Result<Ran, String> {
    let shown: Vec<&str> = arguments
        .iter()
        .take_while(|word| **word != "--")
        .copied()
        .collect();
    println!("== cargo {}", shown.join(" "));
    let mut child = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|why| format!("cargo cannot be run: {why}"))?;
    let stdout = child.stdout.take().ok_or("cargo has no output")?;
    let mut outcomes = BTreeMap::new();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.map_err(|why| format!("cargo: {why}"))?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if let Some((name, outcome)) = outcome(&line) {
            let known = outcomes.entry(name).or_insert(outcome);
            *known = (*known).max(outcome);
        }
    }
    let status = child.wait().map_err(|why| format!("cargo: {why}"))?;
    Ok(Ran { outcomes, status })
}

/// `test a::b ... ok`.
fn outcome(line: &str) -> Option<(String, Outcome)> {
    let (name, end) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let name = name.trim_end_matches(" - should panic");
    let outcome = match end.split([',', ' ']).next()? {
        "ok" => Outcome::Passed,
        "ignored" => Outcome::Ignored,
        _ => Outcome::Failed,
    };
    Some((name.to_owned(), outcome))
}
