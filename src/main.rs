//! The binary `git-ledger`, so that `git ledger …` works once it is on PATH.
#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
