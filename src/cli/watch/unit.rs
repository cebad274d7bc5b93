//! Units for systemd and a line for cron, with the paths and options of this call.

use std::ffi::OsString;
use std::path::Path;

use super::Args;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::terminal;

const SERVICE: &str = include_str!("../../../hooks/watch/git-ledger-watch.service");
const TIMER: &str = include_str!("../../../hooks/watch/git-ledger-watch.timer");
/// What stands in the files for the program and the repository.
const PROGRAM: &str = "/usr/bin/git-ledger watch";
const REPOSITORY: &str = "/var/lib/git-ledger/ledger.git";

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A service of systemd that goes on looking.
    Service,
    /// A service that looks once, for the timer.
    Oneshot,
    /// The timer that starts it.
    Timer,
    /// A line for cron.
    Cron,
}

/// Prints it.
pub fn print(context: &Context, args: &Args, kind: Kind) -> Result<Exit, Failure> {
    let repository = context.repository()?;
    let place = repository.work_tree().unwrap_or(repository.git_dir());
    let place = text(place)?;
    let program = text(&std::env::current_exe()?)?;
    let options = options(std::env::args_os())?;
    let text = match kind {
        Kind::Timer => TIMER.to_owned(),
        Kind::Cron => {
            let minutes = (args.every.unwrap_or(300) / 60).clamp(1, 59);
            let words = [program.as_str(), "-C", &place, "watch", "--once", "--quiet"];
            let words = words.into_iter().map(str::to_owned).chain(options);
            let words: Vec<String> = words.map(|word| for_cron(&word)).collect();
            format!("*/{minutes} * * * *  {}\n", words.join(" "))
        }
        Kind::Service | Kind::Oneshot => {
            let once = (kind == Kind::Oneshot).then(|| "--once".to_owned());
            let words = [program, "watch".to_owned()];
            let words = words.into_iter().chain(once).chain(options);
            let words: Vec<String> = words.map(|word| for_systemd(&word)).collect();
            let unit = SERVICE
                .replace(
                    &format!("ExecStart={PROGRAM}"),
                    &format!("ExecStart={}", words.join(" ")),
                )
                .replace(
                    &format!("ReadWritePaths={REPOSITORY}"),
                    &format!("ReadWritePaths={}", for_systemd(&place)),
                )
                .replace(REPOSITORY, &place.replace('%', "%%"));
            match kind {
                // systemd starts it again when the timer says so; a breach is no failure of it
                Kind::Oneshot => unit
                    .replace(
                        "Restart=on-failure\nRestartSec=30\n",
                        "Type=oneshot\nSuccessExitStatus=1 2\n",
                    )
                    .replace("\n[Install]\nWantedBy=multi-user.target\n", ""),
                _ => unit,
            }
        }
    };
    terminal::answer(&text, Exit::Done)
}

/// A path that can stand in a line of text.
fn text(path: &Path) -> Result<String, Failure> {
    path.to_str()
        .filter(|text| !text.chars().any(char::is_control))
        .map(str::to_owned)
        .ok_or_else(|| {
            Failure::cannot(format!("'{}' cannot stand in a unit", path.display()))
                .hint("move it to a path of printable characters")
        })
}

/// The options of this call but for those about the unit itself and the place.
fn options(arguments: impl Iterator<Item = OsString>) -> Result<Vec<String>, Failure> {
    let mut kept = Vec::new();
    let mut arguments = arguments.skip(1);
    let mut before_verb = true;
    while let Some(word) = arguments.next() {
        let word = word
            .into_string()
            .ok()
            .filter(|word| !word.chars().any(char::is_control))
            .ok_or_else(|| Failure::usage("an option cannot stand in a unit"))?;
        match word.as_str() {
            "watch" if before_verb => before_verb = false,
            "--print-unit" | "-C" => {
                arguments.next();
            }
            "--once" | "--quiet" | "-q" => {}
            _ if word.starts_with("--print-unit=") => {}
            _ => kept.push(word),
        }
    }
    Ok(kept)
}

/// A word of ExecStart: quoted where needed, and neither a specifier nor a variable.
fn for_systemd(word: &str) -> String {
    let word = word.replace('%', "%%").replace('$', "$$");
    match word.bytes().all(is_plain) && !word.is_empty() {
        true => word,
        false => format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// A word for a shell, in a line where a % would end the command.
fn for_cron(word: &str) -> String {
    let word = match word.bytes().all(is_plain) && !word.is_empty() {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    };
    word.replace('%', "\\%")
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_./=:,@+".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_word_is_obeyed() {
        assert_eq!(for_systemd("/a b%h$HOME\"\\"), "\"/a b%%h$$HOME\\\"\\\\\"");
        assert_eq!(for_systemd("--every=5min"), "--every=5min");
        assert_eq!(for_systemd(""), "\"\"");
        assert_eq!(for_cron("it's 5%;$(x)"), "'it'\\''s 5\\%;$(x)'");
    }

    #[test]
    fn options_go_along_but_for_the_place() {
        let line =
            "p -C /x --ledger l watch --every 1h --print-unit cron --alert journald --once -q";
        let words = options(line.split(' ').map(OsString::from)).expect("options");
        assert_eq!(
            words,
            ["--ledger", "l", "--every", "1h", "--alert", "journald"]
        );
    }
}
