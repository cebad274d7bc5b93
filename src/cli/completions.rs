//! `git ledger completions` and the manual pages: what the parser knows, for shells and for man.

mod install;

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::context::Context;
use super::failure::{Exit, Failure};
use super::{Arguments, man, terminal};

/// Completions for shells and the manual pages: print, install, take away again
///
/// 'install' puts the scripts and the pages where the shells and man look for them, for you or with
/// --prefix for everybody. Then 'git ledger <TAB>' completes verbs and options, and 'git ledger
/// --help' shows the manual.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Print the script for bash
    Bash,
    /// Print the script for zsh
    Zsh,
    /// Print the script for fish
    Fish,
    /// Print the script for PowerShell
    Powershell,
    /// Install completions and manual pages
    Install(install::Args),
    /// Take installed completions and manual pages away
    Uninstall(install::Args),
}

/// Write files made from the parser
#[derive(Debug, clap::Subcommand)]
pub enum Generate {
    /// Write the manual pages
    Man {
        /// The directory
        dir: PathBuf,
    },
}

/// With bash, git asks a function of this name about `git ledger …`.
const BASH_BRIDGE: &str = r#"
_git_ledger() {
    local at=${__git_cmd_idx:-1}
    COMP_WORDS=("git-ledger" "${COMP_WORDS[@]:at+1}")
    COMP_CWORD=$((COMP_CWORD - at))
    _git__ledger git-ledger "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
}
"#;

/// What fish asks about `git ledger …`, wherever the verb stands. It asks by itself, too, but not
/// in every version (3.6 looks for git-git-ledger).
const FISH_BRIDGE: &str = r#"function __fish_git_ledger
    set -l words (commandline -opc)
    set -l at (contains -i -- ledger $words)
    and complete -C "git-ledger $words["(math $at + 1)"..] "(commandline -ct)
end
complete -c git -f -n '__fish_seen_subcommand_from ledger' -a '(__fish_git_ledger)'
"#;

/// What zsh lists beside `ledger` among git's commands.
const ZSH_DESCRIPTION: &str = "#description a signed audit ledger in this repository\n";

/// Runs `git ledger completions …`.
pub fn run(context: &Context, verb: &Verb) -> Result<Exit, Failure> {
    let shell = match verb {
        Verb::Bash => Shell::Bash,
        Verb::Zsh => Shell::Zsh,
        Verb::Fish => Shell::Fish,
        Verb::Powershell => Shell::PowerShell,
        Verb::Install(args) => return install::run(context, args, install::Way::In),
        Verb::Uninstall(args) => return install::run(context, args, install::Way::Out),
    };
    terminal::answer(&script(shell), Exit::Done)
}

/// The script for a shell.
fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "git-ledger", &mut script);
    let text = String::from_utf8_lossy(&script).into_owned();
    match shell {
        // clap_complete 4.6 spells a program with a hyphen in two ways, so no verb has its options
        Shell::Bash => text.replace("git__subcmd__ledger__", "git__ledger__") + BASH_BRIDGE,
        // zsh reads what it needs to know of a function from its first lines
        Shell::Zsh => match text.split_once('\n') {
            Some((first, rest)) => format!("{first}\n{ZSH_DESCRIPTION}{rest}"),
            None => text,
        },
        _ => text,
    }
}

/// Runs `git ledger generate`.
pub fn generate(what: &Generate) -> Result<Exit, Failure> {
    let Generate::Man { dir } = what;
    std::fs::create_dir_all(dir).map_err(|why| cannot(dir, &why))?;
    for (name, page) in man::pages(Arguments::command())? {
        let path = dir.join(name);
        std::fs::write(&path, page).map_err(|why| cannot(&path, &why))?;
    }
    Ok(Exit::Done)
}

fn cannot(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::cannot(format!("cannot write '{}': {why}", path.display()))
}
