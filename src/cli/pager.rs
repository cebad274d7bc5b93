//! Long output goes through a pager, as git's does, when somebody reads it on a terminal.
//!
//! This process becomes the pager and a second one writes into it: so an interrupt reaches the
//! pager the way it expects, and nothing is left behind on the terminal. A pager is a program,
//! so it is named only by the user (environment, own configuration), never by a repository, and
//! it gets no shell.
//!
//! # Limits
//! With a pager the exit status is the pager's.

use std::io::IsTerminal as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use git_ledger::escape::printable;
use git_ledger::git::{Config, Scope};
use git_ledger::report::layout::Look;

use super::context::Context;
use super::terminal;

/// Set for whoever writes into a pager; git's own word for it.
const IN_USE: &str = "GIT_PAGER_IN_USE";
/// Columns where nobody says how many there are.
const COLUMNS: usize = 80;
/// Columns when no terminal is there to be too narrow.
const COLUMNS_ELSEWHERE: usize = 160;

/// How to lay out text for whoever reads standard output.
pub fn look(context: &Context, config: &Config) -> Look {
    let paged = is_paged(context);
    let setting = config.get("color.ui", Scope::Any);
    let setting = setting.as_deref();
    let paged_colour = paged
        && config.get_bool("color.pager", Scope::Any) != Some(false)
        && !matches!(setting, Some("never" | "false"))
        && context.environment.get("NO_COLOR").is_none()
        && context
            .environment
            .get("TERM")
            .is_some_and(|term| term != "dumb");
    Look {
        colour: terminal::colour(setting) || paged_colour,
        width: width(context, paged),
    }
}

fn is_paged(context: &Context) -> bool {
    context
        .environment
        .get(IN_USE)
        .is_some_and(|word| word == "1" || word == "true")
        && !std::io::stdout().is_terminal()
}

fn width(context: &Context, paged: bool) -> usize {
    let said = context.environment.get("COLUMNS");
    let said = said.and_then(|text| text.to_str()?.parse::<usize>().ok());
    let measured = || {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        Some(usize::from(size.ws_col))
    };
    let unknown = if paged || std::io::stdout().is_terminal() {
        COLUMNS
    } else {
        COLUMNS_ELSEWHERE
    };
    said.or_else(measured)
        .filter(|columns| *columns > 0)
        .unwrap_or(unknown)
        .clamp(40, 500)
}

/// Hands the terminal to a pager, if there is a terminal and a pager. Returns where there is not;
/// whoever calls it writes its output then.
pub fn start(context: &Context, config: &Config) {
    if !std::io::stdout().is_terminal() {
        return;
    }
    let Some((program, words)) = choose(context, config) else {
        return;
    };
    let Some(mut writer) = writer(context) else {
        return;
    };
    let Some(output) = writer.stdout.take() else {
        return;
    };
    let mut pager = Command::new(&program);
    pager.args(words).stdin(output);
    for (name, value) in [("LESS", "FRX"), ("LV", "-c")] {
        if context.environment.get_raw(name).is_none() {
            pager.env(name, value);
        }
    }
    // returns only when it failed
    let why = pager.exec();
    terminal::tell(&format!(
        "warning: the pager '{}' cannot be started: {why}",
        printable(&program.to_string_lossy())
    ));
    writer.kill().ok();
    writer.wait().ok();
}

/// This command again, writing into a pipe.
fn writer(context: &Context) -> Option<Child> {
    Command::new(std::env::current_exe().ok()?)
        .args(std::env::args_os().skip(1))
        .env(IN_USE, "1")
        .env("COLUMNS", width(context, true).to_string())
        .stdout(Stdio::piped())
        .spawn()
        .ok()
}

/// The pager the user wants, and its arguments.
fn choose(context: &Context, config: &Config) -> Option<(PathBuf, Vec<String>)> {
    let variable = |name: &str| {
        let value = context.environment.get_raw(name)?;
        Some(value.to_string_lossy().into_owned())
    };
    let wanted = variable("GIT_PAGER")
        .or_else(|| config.get("core.pager", Scope::Trusted))
        .or_else(|| variable("PAGER"))
        .unwrap_or_else(|| "less".into());
    let mut words = wanted.split_whitespace().map(str::to_owned);
    let name = words.next().filter(|name| name != "cat")?;
    let words: Vec<String> = words.collect();
    let shell =
        |word: &str| word.contains(['\'', '"', '\\', '$', '`', '|', ';', '&', '<', '>', '(']);
    if shell(&name) || name.contains('=') || words.iter().any(|word| shell(word)) {
        terminal::tell(&format!(
            "warning: the pager '{}' needs a shell and is not run",
            printable(&wanted)
        ));
        terminal::hint(
            "name a program and its arguments, without quotes: git config --global core.pager 'less -FRX'",
        );
        return None;
    }
    let program = if Path::new(&name).is_absolute() {
        Some(PathBuf::from(&name))
    } else if name.contains('/') {
        // a path that depends on where we stand could be a file of the repository
        None
    } else {
        context.environment.find_program(&name)
    };
    if program.is_none() && name != "less" {
        terminal::tell(&format!(
            "warning: the pager '{}' is not on PATH and is not run",
            printable(&name)
        ));
    }
    Some((program?, words))
}
