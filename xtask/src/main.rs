//! The habits of this repository that are checked: `cargo xtask <habit>`.

mod vectors;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (habit, rest) = match arguments.split_first() {
        Some((habit, rest)) => (habit.as_str(), rest),
        None => ("", [].as_slice()),
    };
    let outcome = match habit {
        "vectors" => vectors::run(rest),
        _ => Err("usage: cargo xtask vectors [--check]".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}
