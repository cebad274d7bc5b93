//! At home on a terminal: what the shells complete, what man shows, what can be switched off.

use std::fs;
use std::process::Command;

use insta::assert_snapshot;

use crate::commands::{self, all};
use crate::world::{World, run};

/// A command in the world, without the settings of the bash-completion of whoever runs the tests.
fn shell(world: &World, program: &str) -> Command {
    let mut command = world.command("r", program);
    command.env("TERM", "xterm");
    command
}

/// What a shell shows when somebody types a line and presses TAB.
fn tab(world: &World, name: &str, line: &str, wanted: &str) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terminal/tab.py");
    let mut command = shell(world, "python3");
    command.args([script, name, line, wanted]);
    run(command, b"").ok()
}

#[test]
fn installed_completions_are_what_shells_complete_by() {
    let world = World::new();
    world.repository("r");
    let install = ["completions", "install", "--no-man"];
    let mut shells = install.to_vec();
    for name in ["bash", "zsh", "fish", "powershell"] {
        shells.extend(["--shell", name]);
    }
    let said = world.ledger("", &shells).code(0);
    assert!(said.err.contains("$PROFILE"), "{said}");
    let home = world.path("home");
    let functions = home.join(".local/share/zsh/site-functions");
    let bash = "source /usr/share/bash-completion/bash_completion\n";
    fs::write(home.join(".bashrc"), bash).expect("a file");
    let zsh = format!(
        "fpath=('{}' $fpath)\nautoload -U compinit\ncompinit -u\n",
        functions.display()
    );
    fs::write(home.join(".zshrc"), zsh).expect("a file");
    for name in ["bash", "zsh"] {
        for (line, completed) in [
            ("git ledger verif", "git ledger verify"),
            ("git ledger log --onel", "git ledger log --oneline"),
            ("git ledger policy add", "git ledger policy add-signer"),
            ("git-ledger heart", "git-ledger heartbeat"),
        ] {
            let shown = tab(&world, name, line, completed);
            assert!(shown.contains(completed), "{name}: {line}: {shown}");
        }
    }
    // zsh knows what git's new word is for
    let shown = tab(&world, "zsh", "git led", "git ledger");
    assert!(shown.contains("git ledger"), "{shown}");
    let mut fish = shell(&world, "fish");
    fish.args([
        "-c",
        "complete -C 'git ledger verif'; complete -C 'git -C . ledger log --onel'; complete -C 'git-ledger heart'",
    ]);
    let shown = run(fish, b"").ok();
    let words: Vec<&str> = shown
        .lines()
        .filter_map(|line| line.split('\t').next())
        .collect();
    assert_eq!(words, ["verify", "--oneline", "heartbeat"], "{shown}");
    // PowerShell comes from no registry the tests may use: its script is only made
    let script = fs::read_to_string(home.join(".config/powershell/git-ledger.ps1"));
    let script = script.expect("a script");
    assert!(script.contains("Register-ArgumentCompleter -Native -CommandName 'git-ledger'"));
}

#[test]
fn what_was_installed_is_taken_away_again() {
    let world = World::new();
    let files = |world: &World| {
        let mut files = Vec::new();
        for entry in walkdir::WalkDir::new(world.path("home")).sort_by_file_name() {
            let entry = entry.expect("a file");
            if entry.file_type().is_file() {
                let path = entry.path().strip_prefix(world.path("home"));
                files.push(path.expect("below home").display().to_string());
            }
        }
        files
    };
    let before = files(&world);
    let plan = world.ledger("", &["completions", "install", "--dry-run", "--json"]);
    assert!(plan.ok().contains(r#""dry_run":true"#));
    assert_eq!(files(&world), before, "a rehearsal writes nothing");
    world.ledger("", &["completions", "install"]).ok();
    let after: Vec<String> = files(&world);
    let scripts: Vec<&str> = after
        .iter()
        .map(String::as_str)
        .filter(|name| !name.ends_with(".1") && !before.iter().any(|old| old == name))
        .collect();
    assert_snapshot!(scripts.join("\n"), @r"
    .config/fish/completions/git-ledger.fish
    .config/fish/conf.d/git-ledger.fish
    .local/share/bash-completion/completions/git-ledger
    .local/share/zsh/site-functions/_git-ledger
    ");
    let again = world.ledger("", &["completions", "install"]).ok();
    assert!(again.contains("there already") && !again.contains("written"));
    world.ledger("", &["completions", "uninstall"]).ok();
    assert_eq!(files(&world), before);
    let again = world.ledger("", &["completions", "uninstall"]).code(0);
    assert!(again.out.contains("not there"), "{again}");
    // for everybody
    let everybody = ["completions", "install", "--prefix", "usr"];
    world.ledger("", &everybody).ok();
    for place in [
        "usr/share/bash-completion/completions/git-ledger",
        "usr/share/zsh/site-functions/_git-ledger",
        "usr/share/fish/vendor_completions.d/git-ledger.fish",
        "usr/share/fish/vendor_conf.d/git-ledger.fish",
        "usr/share/man/man1/git-ledger-log.1",
    ] {
        assert!(world.path(place).is_file(), "{place}");
    }
}

#[test]
fn git_shows_the_manual() {
    let world = World::new();
    world.ledger("", &["completions", "install"]).ok();
    let manual = world.path("home/.local/share/man");
    let mut git = world.command("", "git");
    git.args(["ledger", "--help"])
        .env("MANPATH", format!("{}:", manual.display()))
        .env("MANPAGER", "cat")
        .env("MANWIDTH", "100");
    let shown = run(git, b"").ok();
    assert!(shown.contains("GIT-LEDGER(1)") && shown.contains("SYNOPSIS"));
    let page = fs::read_to_string(manual.join("man1/git-ledger-log.1")).expect("a page");
    let sections: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix(".SH "))
        .collect();
    assert_snapshot!(sections.join("\n"), @r#"
    NAME
    SYNOPSIS
    DESCRIPTION
    OPTIONS
    "FILTER LANGUAGE"
    "EXIT STATUS"
    CONFIGURATION
    EXAMPLES
    "SEE ALSO"
    "#);
}

#[test]
fn hints_can_be_switched_off() {
    let world = World::new();
    world.repository("r");
    let hinted = |world: &World| {
        let said = world.ledger("r", &["log", "--since", "soon"]);
        assert_ne!(said.code, 0);
        assert!(said.err.starts_with("error: "), "{said}");
        said.err.contains("hint: ")
    };
    assert!(hinted(&world));
    world.git("r", &["config", "advice.ledger", "false"]).ok();
    assert!(!hinted(&world));
    // what was typed when there is no repository to ask
    world.git("r", &["config", "--unset", "advice.ledger"]).ok();
    let mut outside = world.command("", "git-ledger");
    outside.arg("log");
    assert!(run(outside, b"").err.contains("hint: "));
    let own = ["config", "--global", "advice.ledger", "false"];
    world.git("", &own).ok();
    assert!(!hinted(&world));
    let mut outside = world.command("", "git-ledger");
    outside.arg("log");
    assert!(!run(outside, b"").err.contains("hint: "));
    // the environment has the last word, as with git's own hints
    let mut command = world.command("r", "git-ledger");
    command
        .args(["log", "--since", "soon"])
        .env("GIT_ADVICE", "1");
    assert!(run(command, b"").err.contains("hint: "));
    world
        .git("", &["config", "--global", "--unset", "advice.ledger"])
        .ok();
    let mut command = world.command("r", "git-ledger");
    command
        .args(["log", "--since", "soon"])
        .env("GIT_ADVICE", "0");
    assert!(!run(command, b"").err.contains("hint: "));
}

/// Verbs without `--json`, and why.
const NO_JSON: &[(&str, &str)] = &[
    ("demo", "a play for people"),
    ("completions bash", "prints a script"),
    ("completions zsh", "prints a script"),
    ("completions fish", "prints a script"),
    ("completions powershell", "prints a script"),
    ("hook pre-receive", "git's own protocol"),
    ("hook post-receive", "git's own protocol"),
    ("hook reference-transaction", "git's own protocol"),
    ("prove", "what it writes is JSON"),
    ("evidence export", "what it writes is JSON"),
];

#[test]
fn every_answer_is_there_as_json() {
    let world = World::new();
    let has_none = |command: &commands::Command| {
        let mut help = world.command("", "git-ledger");
        help.args(&command.words).arg("-h");
        !run(help, b"").ok().contains("--json")
    };
    let without: Vec<String> = all(&world)
        .iter()
        .filter(|command| has_none(command))
        .map(|command| command.words.join(" "))
        .collect();
    let mut listed: Vec<&str> = NO_JSON.iter().map(|(words, _)| *words).collect();
    let mut without: Vec<&str> = without.iter().map(String::as_str).collect();
    listed.sort_unstable();
    without.sort_unstable();
    assert_eq!(without, listed);
}
