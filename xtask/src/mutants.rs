//! `cargo xtask mutants`: whether the tests would notice if a rule were another one.
//!
//! `cargo-mutants` changes one expression at a time in the rooms where the rules stand; the unit
//! tests, the vectors and the attacks that touch no network must then fail. A mutant that
//! survives is a missing test. It takes hours, so it runs on demand and not with the suite.

use std::path::Path;
use std::process::Command;

/// The version that is installed; another one makes other mutants.
const VERSION: &str = "27.1.0";

/// The rooms that hold rules.
const ROOMS: &[&str] = &[
    "chain",
    "trust",
    "policy",
    "tree",
    "entry",
    "event",
    "json",
    "merkle",
    "commit",
    "signature",
    "verify",
    "proof",
];

/// What judges every mutant first, besides the unit tests of the rooms: it takes seconds.
const QUICK: &[&str] = &[
    "vectors::the_library_finds_what_each_vector_expects",
    "vectors::the_library_finds_what_each_proof_expects",
];

/// What judges those that are left, by the beginnings of their names.
const SLOW: &[&str] = &[
    "vectors::",
    "tamper::",
    "attacks::",
    "policy::",
    "proofs::",
    "hooks::refuse::",
];

/// A mutant that runs longer than this, in seconds, hangs.
const PATIENCE: &str = "300";

/// Lists the mutants (`--list`), or tries those of the files named, or of all the rooms. What
/// follows `--` goes to cargo-mutants as it is.
pub fn run(root: &Path, arguments: &[String]) -> Result<(), String> {
    let (ours, theirs) = match arguments.iter().position(|word| word == "--") {
        Some(at) => (
            arguments.get(..at).unwrap_or_default(),
            arguments.get(at + 1..).unwrap_or_default(),
        ),
        None => (arguments, [].as_slice()),
    };
    let program = install(root)?;
    let mut command = Command::new(program);
    command.current_dir(root).arg("mutants");
    let files: Vec<&String> = ours.iter().filter(|word| !word.starts_with('-')).collect();
    if let Some(unknown) = ours
        .iter()
        .find(|word| word.starts_with('-') && *word != "--list")
    {
        return Err(format!(
            "mutants takes --list, files, and after -- options of cargo-mutants; not {unknown}"
        ));
    }
    for file in &files {
        if !root.join(file).is_file() {
            return Err(format!("there is no file {file}"));
        }
        command.args(["--file", file.as_str()]);
    }
    if files.is_empty() {
        for room in ROOMS {
            command.args(["--file", &format!("src/{room}.rs")]);
            command.args(["--file", &format!("src/{room}/**/*.rs")]);
        }
    }
    if ours.iter().any(|word| word == "--list") {
        command.arg("--list");
    }
    command
        .args(["--package", "git-ledger", "--output", "target"])
        .args(["--timeout", PATIENCE])
        .args(theirs);
    let list = ours.iter().any(|word| word == "--list");
    match judged(&mut command, QUICK)? {
        Verdict::AllCaught => return Ok(()),
        Verdict::SomeMissed if list => return Ok(()),
        Verdict::SomeMissed => {}
    }
    println!("== once more, those that were missed, by more tests");
    command.arg("--iterate");
    match judged(&mut command, SLOW)? {
        Verdict::AllCaught => Ok(()),
        Verdict::SomeMissed => Err("target/mutants.out tells which mutants were missed".into()),
    }
}

/// What cargo-mutants came to.
enum Verdict {
    AllCaught,
    SomeMissed,
}

fn judged(command: &mut Command, judges: &[&str]) -> Result<Verdict, String> {
    let mut arguments: Vec<String> = command
        .get_args()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    arguments.extend(["--", "--locked", "--lib", "--test", "main", "--"].map(str::to_owned));
    // the unit tests of the rooms are few and quick, so all of them run
    arguments.extend(ROOMS.iter().map(|room| format!("{room}::tests::")));
    arguments.push("signature::wire::".to_owned());
    arguments.extend(judges.iter().map(|judge| (*judge).to_owned()));
    let mut again = Command::new(command.get_program());
    again.args(arguments);
    if let Some(dir) = command.get_current_dir() {
        again.current_dir(dir);
    }
    println!("== {again:?}");
    match again.status() {
        Ok(status) => match status.code() {
            Some(0) => Ok(Verdict::AllCaught),
            // 2: some were missed; 3: some ran for too long
            Some(2 | 3) => Ok(Verdict::SomeMissed),
            _ => Err(format!("cargo-mutants ended with {status}")),
        },
        Err(why) => Err(format!("cargo-mutants cannot be run: {why}")),
    }
}

/// Where cargo-mutants is, of the version wanted; it is built if it is not there.
fn install(root: &Path) -> Result<std::path::PathBuf, String> {
    let place = root.join("target/tools");
    let program = place.join("bin/cargo-mutants");
    let here = Command::new(&program)
        .args(["mutants", "--version"])
        .output();
    if here.is_ok_and(|said| {
        String::from_utf8_lossy(&said.stdout)
            .trim()
            .ends_with(VERSION)
    }) {
        return Ok(program);
    }
    println!("== installing cargo-mutants {VERSION}");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "install",
            "cargo-mutants",
            "--version",
            VERSION,
            "--locked",
            "--root",
        ])
        .arg(&place)
        .status()
        .map_err(|why| format!("cargo cannot be run: {why}"))?;
    if status.success() {
        Ok(program)
    } else {
        Err("cargo-mutants could not be installed".into())
    }
}
