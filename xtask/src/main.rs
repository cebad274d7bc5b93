//! The habits of this repository that are checked: `cargo xtask <habit>`.

mod attacks;
mod bench;
mod cargo_test;
mod flips;
mod fuzz;
mod man;
mod mutants;
mod peers;
mod screens;
mod soak;
mod suite;
mod tidy;
mod town;
mod vectors;

use std::path::Path;
use std::process::ExitCode;

/// What becomes of a file that is made from something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is written again.
    Write,
    /// It is only compared.
    Check,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (habit, rest) = match arguments.split_first() {
        Some((habit, rest)) => (habit.as_str(), rest),
        None => ("", [].as_slice()),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."));
    let mode = if rest.iter().any(|word| word == "--check") {
        Mode::Check
    } else {
        Mode::Write
    };
    let outcome = match habit {
        "test" => suite::run(root),
        "attacks" => attacks::run(root),
        "bench" => bench::run(root, rest),
        "mutants" => mutants::run(root, rest),
        "peers" => peers::run(root),
        "tidy" => tidy::run(root),
        "man" => man::run(root, mode),
        "flips" => flips::run(root, rest),
        "fuzz" => fuzz::run(root, rest),
        "fuzz-api" => fuzz_api(root, rest),
        "screens" => screens::run(root, rest),
        "soak" => soak::run(root, rest),
        "town" => town::run(root, rest),
        "vectors" => vectors::run(root, mode),
        _ => Err(
            "usage: cargo xtask test | attacks | bench [--quick] | mutants [--list] [FILE…] | peers | tidy \
             | vectors [--check] | man [--check] | flips [objects | files] [--quick] [--json] | soak [--quick] [kill|history|compare] | town DIR [--events N] | screens DIR [--town DIR] | fuzz-api [--seconds N] | fuzz [TARGET …] [--seconds N | --smoke | --keep]"
                .into(),
        ),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// `cargo xtask fuzz-api`: the API against its document, for longer than the suite takes.
fn fuzz_api(root: &Path, words: &[String]) -> Result<(), String> {
    let seconds = match words {
        [] => "600",
        [flag, seconds] if flag == "--seconds" => seconds,
        _ => return Err("usage: cargo xtask fuzz-api [--seconds N]".into()),
    };
    peers::run(root)?;
    let mut test = std::process::Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    test.current_dir(root)
        .env("GIT_LEDGER_API_SECONDS", seconds)
        .args([
            "test",
            "--test",
            "main",
            "browser::api",
            "--",
            "--nocapture",
        ]);
    suite::step(&mut test)
}
