//! What the user sees: standard output that may be closed early, colour only on a terminal,
//! progress on long work.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::failure::{Exit, Failure};

/// Writes to standard output. A reader that went away (`| head`) is no failure.
///
/// # Errors
/// When standard output cannot be written for another reason.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => Err(Failure::cannot(format!(
            "cannot write to standard output: {why}"
        ))),
        _ => Ok(()),
    }
}

/// Writes a line to standard error; one that cannot be written is nobody's to read.
pub fn tell(line: &str) {
    writeln!(io::stderr().lock(), "{line}").ok();
}

/// A hint, unless hints are switched off (`GIT_ADVICE=0`). It often repeats what was typed.
pub fn hint(line: &str) {
    if std::env::var_os("GIT_ADVICE").is_none_or(|advice| advice != "0") {
        tell(&format!("hint: {}", git_ledger::escape::printable(line)));
    }
}

/// Whether somebody watches standard error.
pub fn watched() -> bool {
    io::stderr().is_terminal()
}

/// Whether somebody can be asked.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a yes-or-no question; no is the default.
///
/// # Errors
/// When standard input cannot be read.
pub fn ask(question: &str) -> Result<bool, Failure> {
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Whether to use colour on standard output, as git's `color.ui` and `NO_COLOR` say.
pub fn colour(setting: Option<&str>) -> bool {
    match setting {
        Some("always") => true,
        Some("never" | "false") => false,
        _ => {
            let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
            io::stdout().is_terminal()
                && !dumb
                && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty())
        }
    }
}

/// A line that counts, shown only to somebody who watches and only on long work.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    started: Instant,
    shown: AtomicU64,
}

impl Progress {
    /// Counts something, such as "verifying entries".
    pub fn of(what: &'static str) -> Progress {
        Progress {
            what,
            started: Instant::now(),
            shown: AtomicU64::new(0),
        }
    }

    /// Tells the count; shown at most ten times a second, and not in the first second.
    pub fn at(&self, count: u64) {
        let elapsed = self.started.elapsed();
        let tick = u64::try_from(elapsed.as_millis() / 100).unwrap_or(u64::MAX);
        if elapsed > Duration::from_secs(1)
            && watched()
            && self.shown.swap(tick, Ordering::Relaxed) < tick
        {
            eprint!("\r{}: {count}", self.what);
        }
    }

    /// Ends the line, if there is one.
    pub fn done(&self) {
        if self.shown.load(Ordering::Relaxed) > 0 {
            eprintln!();
        }
    }
}

/// An answer that is printed as it is.
///
/// # Errors
/// As [`print`].
pub fn answer(text: &str, exit: Exit) -> Result<Exit, Failure> {
    print(text)?;
    Ok(exit)
}
