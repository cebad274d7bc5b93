//! `git ledger completions` and the manual pages: what the parser knows, for shells and for man.

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::failure::{Exit, Failure};
use super::{Arguments, man, terminal};

/// Print a completion script for a shell, or install the manual pages
///
/// bash: git ledger completions bash > ~/.local/share/bash-completion/completions/git-ledger.
/// zsh: git ledger completions zsh > a file _git-ledger in a directory of $fpath.
/// fish: git ledger completions fish > ~/.config/fish/completions/git-ledger.fish.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    #[arg(
        value_enum,
        value_name = "SHELL",
        required_unless_present = "install_man"
    )]
    shell: Option<Shell>,
    /// Write the manual pages into a directory, such as ~/.local/share/man/man1
    #[arg(long, value_name = "DIR")]
    install_man: Option<PathBuf>,
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

/// Runs `git ledger completions`.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    if let Some(dir) = &args.install_man {
        let written = write_man(dir)?;
        terminal::tell(&format!(
            "{written} manual pages written to '{}'",
            git_ledger::escape::printable(&dir.display().to_string())
        ));
    }
    let Some(shell) = args.shell else {
        return Ok(Exit::Done);
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "git-ledger", &mut script);
    let mut text = String::from_utf8_lossy(&script).into_owned();
    if shell == Shell::Bash {
        text += BASH_BRIDGE;
    }
    terminal::answer(&text, Exit::Done)
}

/// Runs `git ledger generate`.
pub fn generate(what: &Generate) -> Result<Exit, Failure> {
    let Generate::Man { dir } = what;
    write_man(dir)?;
    Ok(Exit::Done)
}

fn write_man(dir: &Path) -> Result<usize, Failure> {
    let cannot = |path: &Path, why: &dyn std::fmt::Display| {
        Failure::cannot(format!("cannot write '{}': {why}", path.display()))
    };
    std::fs::create_dir_all(dir).map_err(|why| cannot(dir, &why))?;
    let pages = man::pages(Arguments::command()).map_err(|why| cannot(dir, &why))?;
    for (name, page) in &pages {
        let path = dir.join(name);
        std::fs::write(&path, page).map_err(|why| cannot(&path, &why))?;
    }
    Ok(pages.len())
}
