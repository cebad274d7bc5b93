//! What the user sees: standard output that may be closed early, colour only on a terminal,
//! progress on long work.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use git_ledger::git::{Config, Environment, Repository, Scope};

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

/// A hint, unless hints are switched off. It often repeats what was typed.
pub fn hint(line: &str) {
    if hints() {
        tell(&format!("hint: {}", git_ledger::escape::printable(line)));
    }
}

/// Where the command runs, for whoever asks later what is configured there.
static PLACE: OnceLock<PathBuf> = OnceLock::new();

/// Says where the command runs.
pub fn stand_in(directory: &Path) {
    // a process runs one command, in one place
    PLACE.set(directory.to_owned()).ok();
}

/// Whether hints are wanted: not with `GIT_ADVICE=0`, and not with `advice.ledger=false`. Asked
/// for only when there is one to give.
pub fn hints() -> bool {
    static WANTED: OnceLock<bool> = OnceLock::new();
    *WANTED.get_or_init(|| match std::env::var_os("GIT_ADVICE") {
        Some(advice) => advice != "0",
        None => configured("advice.ledger") != Some(false),
    })
}

/// What is configured where the command runs, or else for the user.
fn configured(key: &str) -> Option<bool> {
    let environment = Environment::of_process().ok()?;
    let place = PLACE.get().map(PathBuf::as_path);
    let place = place.unwrap_or(environment.current_dir());
    let config = Repository::discover(&environment, place).map(|repository| repository.config());
    let config = match config {
        Ok(Ok(config)) => config,
        _ => Config::of_user(&environment).ok()?,
    };
    config.get_bool(key, Scope::Any)
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
    total: Option<u64>,
    started: Instant,
    shown: AtomicU64,
}

impl Progress {
    /// Counts something, such as "verifying entries".
    pub fn of(what: &'static str) -> Progress {
        Progress {
            what,
            total: None,
            started: Instant::now(),
            shown: AtomicU64::new(0),
        }
    }

    /// The same, of so many in all, if that is known.
    pub fn out_of(mut self, total: Option<u64>) -> Progress {
        self.total = total;
        self
    }

    /// Tells the count; shown at most ten times a second, and not in the first second.
    pub fn at(&self, count: u64) {
        let elapsed = self.started.elapsed();
        let tick = u64::try_from(elapsed.as_millis() / 100).unwrap_or(u64::MAX);
        if elapsed > Duration::from_secs(1)
            && watched()
            && self.shown.swap(tick, Ordering::Relaxed) < tick
        {
            eprint!("\r{}: {}", self.what, share(count, self.total));
        }
    }

    /// Ends the line, if there is one.
    pub fn done(&self) {
        if self.shown.load(Ordering::Relaxed) > 0 {
            eprintln!();
        }
    }
}

/// A count as git shows it: with the share of the total, if there is one that fits.
fn share(count: u64, total: Option<u64>) -> String {
    match total.filter(|total| *total >= count && *total > 0) {
        Some(total) => format!(
            "{:>3}% ({count}/{total})",
            count.saturating_mul(100) / total
        ),
        None => count.to_string(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_as_git_tells_it() {
        assert_eq!(share(45, Some(100)), " 45% (45/100)");
        assert_eq!(share(7, Some(7)), "100% (7/7)");
        // a total that was wrong is not shown
        assert_eq!(share(8, Some(7)), "8");
        assert_eq!(share(8, None), "8");
    }
}
