//! Where shells and man look for what belongs to a program, and putting it there.
//!
//! Sources: bash-completion's README (`BASH_COMPLETION_USER_DIR`), zshcompsys(1), fish's
//! documentation of `fish_complete_path`, manpath(1).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::CommandFactory as _;
use clap_complete::Shell;
use git_ledger::escape::printable;
use git_ledger::json::{Object, Value};
use git_ledger::report::layout::counted;

use super::super::context::Context;
use super::super::failure::{Exit, Failure};
use super::super::{Arguments, man, terminal};
use super::{FISH_BRIDGE, cannot, script};

/// What is installed, and where.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// For these shells [default: those that are on PATH]
    #[arg(long, value_enum, value_name = "SHELL")]
    shell: Vec<Name>,
    /// Leave the manual pages out
    #[arg(long)]
    no_man: bool,
    /// Below this directory, for everybody: /usr/local, or the root of a package
    #[arg(long, value_name = "DIR")]
    prefix: Option<PathBuf>,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A shell on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    /// bash, with bash-completion
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
}

impl Name {
    const ALL: [Name; 4] = [Name::Bash, Name::Zsh, Name::Fish, Name::Powershell];

    fn word(self) -> &'static str {
        match self {
            Name::Bash => "bash",
            Name::Zsh => "zsh",
            Name::Fish => "fish",
            Name::Powershell => "powershell",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Name::Powershell => "pwsh",
            other => other.word(),
        }
    }

    fn script(self) -> String {
        script(match self {
            Name::Bash => Shell::Bash,
            Name::Zsh => Shell::Zsh,
            Name::Fish => Shell::Fish,
            Name::Powershell => Shell::PowerShell,
        })
    }
}

/// In, or out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Files are written.
    In,
    /// Files are removed.
    Out,
}

/// A file that belongs somewhere.
struct Item {
    what: &'static str,
    path: PathBuf,
    bytes: Vec<u8>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Written,
    Same,
    Removed,
    Absent,
}

impl Done {
    fn word(self) -> &'static str {
        match self {
            Done::Written => "written",
            Done::Same => "same",
            Done::Removed => "removed",
            Done::Absent => "absent",
        }
    }
}

/// Runs `git ledger completions install` and `uninstall`.
pub fn run(context: &Context, args: &Args, way: Way) -> Result<Exit, Failure> {
    let places = Places::of(context, args)?;
    let shells = shells(context, args, way);
    let mut items = Vec::new();
    for shell in &shells {
        items.push(Item {
            what: shell.word(),
            path: places.of_shell(*shell),
            bytes: shell.script().into_bytes(),
        });
        if *shell == Name::Fish {
            items.push(Item {
                what: shell.word(),
                path: places.fish_start.join("git-ledger.fish"),
                bytes: FISH_BRIDGE.into(),
            });
        }
    }
    if !args.no_man {
        let pages = man::pages(Arguments::command())?;
        items.extend(pages.into_iter().map(|(name, bytes)| Item {
            what: "man",
            path: places.man.join(name),
            bytes,
        }));
    }
    let mut done = Vec::new();
    for item in &items {
        done.push(match way {
            Way::In => put(item, args.dry_run)?,
            Way::Out => remove(item, args.dry_run)?,
        });
    }
    let results: Vec<(&Item, Done)> = items.iter().zip(done).collect();
    if args.json {
        let files = results.iter().map(|(item, done)| {
            let object = Object::new()
                .with("what", item.what)
                .with("path", item.path.to_string_lossy().into_owned())
                .with("done", done.word());
            Value::from(object)
        });
        let object = Object::new()
            .with("dry_run", args.dry_run)
            .with("files", files.collect::<Vec<_>>());
        return terminal::answer(&(Value::from(object).to_canonical() + "\n"), Exit::Done);
    }
    terminal::print(&text(&results, &places, args.dry_run))?;
    if way == Way::In && !args.dry_run && args.prefix.is_none() {
        hints(context, args, &shells, &places);
    }
    Ok(Exit::Done)
}

/// The shells that are meant; to take away, all of them.
fn shells(context: &Context, args: &Args, way: Way) -> Vec<Name> {
    if !args.shell.is_empty() {
        return args.shell.clone();
    }
    let there = |name: &Name| {
        way == Way::Out
            || args.prefix.is_some()
            || context.environment.find_program(name.program()).is_some()
    };
    Name::ALL.into_iter().filter(there).collect()
}

/// Where things belong.
struct Places {
    bash: PathBuf,
    zsh: PathBuf,
    fish: PathBuf,
    fish_start: PathBuf,
    powershell: PathBuf,
    man: PathBuf,
}

impl Places {
    fn of(context: &Context, args: &Args) -> Result<Places, Failure> {
        if let Some(prefix) = &args.prefix {
            let share = context.directory.join(prefix).join("share");
            return Ok(Places {
                bash: share.join("bash-completion/completions"),
                zsh: share.join("zsh/site-functions"),
                fish: share.join("fish/vendor_completions.d"),
                fish_start: share.join("fish/vendor_conf.d"),
                powershell: share.join("git-ledger"),
                man: share.join("man/man1"),
            });
        }
        let environment = &context.environment;
        let home = environment.home().ok_or_else(|| {
            Failure::cannot("HOME is not set, so nobody knows where your files are")
                .hint("set it, or name a place with --prefix")
        })?;
        // as the XDG specification has it, a relative path counts for nothing
        let dir = |variable: &str, default: &str| {
            let said = environment.get(variable).map(PathBuf::from);
            said.filter(|path| path.is_absolute())
                .unwrap_or_else(|| home.join(default))
        };
        let data = dir("XDG_DATA_HOME", ".local/share");
        let config = dir("XDG_CONFIG_HOME", ".config");
        let bash = environment
            .get("BASH_COMPLETION_USER_DIR")
            .map_or_else(|| data.join("bash-completion"), PathBuf::from);
        Ok(Places {
            bash: environment.absolute(bash).join("completions"),
            zsh: data.join("zsh/site-functions"),
            fish: config.join("fish/completions"),
            fish_start: config.join("fish/conf.d"),
            powershell: config.join("powershell"),
            man: data.join("man/man1"),
        })
    }

    fn of_shell(&self, shell: Name) -> PathBuf {
        match shell {
            Name::Bash => self.bash.join("git-ledger"),
            Name::Zsh => self.zsh.join("_git-ledger"),
            Name::Fish => self.fish.join("git-ledger.fish"),
            Name::Powershell => self.powershell.join("git-ledger.ps1"),
        }
    }
}

fn put(item: &Item, dry_run: bool) -> Result<Done, Failure> {
    if fs::read(&item.path).is_ok_and(|bytes| bytes == item.bytes) {
        return Ok(Done::Same);
    }
    if !dry_run {
        let dir = item.path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(dir).map_err(|why| cannot(dir, &why))?;
        fs::write(&item.path, &item.bytes).map_err(|why| cannot(&item.path, &why))?;
    }
    Ok(Done::Written)
}

fn remove(item: &Item, dry_run: bool) -> Result<Done, Failure> {
    if item.path.symlink_metadata().is_err() {
        return Ok(Done::Absent);
    }
    if !dry_run {
        match fs::remove_file(&item.path) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::cannot(format!(
                    "cannot remove '{}': {why}",
                    item.path.display()
                )));
            }
            _ => {}
        }
    }
    Ok(Done::Removed)
}

/// A line for each script, and one for all the pages.
fn text(results: &[(&Item, Done)], places: &Places, dry_run: bool) -> String {
    let would = if dry_run { "would be " } else { "" };
    let told = |done: Done| match done {
        Done::Written => format!("{would}written"),
        Done::Removed => format!("{would}removed"),
        Done::Same => "there already".to_owned(),
        Done::Absent => "not there".to_owned(),
    };
    let shown = |path: &Path| printable(&path.display().to_string());
    let mut text = String::new();
    for (item, done) in results.iter().filter(|(item, _)| item.what != "man") {
        text += &format!("{:<11} {} {}\n", item.what, shown(&item.path), told(*done));
    }
    for done in [Done::Written, Done::Removed, Done::Same, Done::Absent] {
        let count = results
            .iter()
            .filter(|(item, found)| item.what == "man" && *found == done)
            .count();
        if count > 0 {
            let pages = counted(count, "page", "pages");
            text += &format!(
                "{:<11} {} {pages} {}\n",
                "man",
                shown(&places.man),
                told(done)
            );
        }
    }
    text
}

/// What is left to do by hand: nobody but their owner edits the files a shell starts with.
fn hints(context: &Context, args: &Args, shells: &[Name], places: &Places) {
    for shell in shells {
        match shell {
            Name::Bash | Name::Fish => {}
            Name::Zsh => terminal::hint(&format!(
                "zsh looks there with this line in ~/.zshrc, above compinit: fpath=('{}' $fpath)",
                places.zsh.display()
            )),
            Name::Powershell => terminal::hint(&format!(
                "PowerShell reads it with this line in $PROFILE: . '{}'",
                places.of_shell(Name::Powershell).display()
            )),
        }
    }
    if !args.no_man && !man_finds(context) {
        let above = places.man.parent().unwrap_or(&places.man);
        terminal::hint(&format!(
            "man does not look there yet; a line for your shell: export MANPATH='{}:'",
            above.display()
        ));
    }
}

/// Whether man shows the pages, as `git ledger --help` asks it to.
fn man_finds(context: &Context) -> bool {
    let Some(man) = context.environment.find_program("man") else {
        return false;
    };
    Command::new(man)
        .args(["-w", "git-ledger"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
