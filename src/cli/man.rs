//! The manual pages, from the parser's own words; beside them stands here only what a parser
//! does not know: exit status, configuration, examples.

mod examples;
mod filter;
mod limits;
mod settings;
mod words;

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use examples::EXAMPLES;
use settings::{CONFIGURATION, ENVIRONMENT};
use words::{EXIT_STATUS, LIMITS};

use git_ledger::doctor::Check;

/// File name and text of every page: one for the program, one for each verb.
pub fn pages(command: Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let verbs: Vec<Command> = command
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set())
        .cloned()
        .collect();
    let names: Vec<String> = verbs
        .iter()
        .map(|verb| verb.get_name().to_owned())
        .collect();
    let mut pages = vec![("git-ledger.1".to_owned(), page(&command, "", &names)?)];
    for verb in &verbs {
        let name = verb.get_name();
        pages.push((format!("git-ledger-{name}.1"), page(verb, name, &names)?));
    }
    Ok(pages)
}

fn page(command: &Command, verb: &str, verbs: &[String]) -> io::Result<Vec<u8>> {
    let title = if verb.is_empty() {
        "git-ledger".to_owned()
    } else {
        format!("git-ledger-{verb}")
    };
    let version = env!("CARGO_PKG_VERSION");
    let man = Man::new(command.clone().display_name(&title))
        .title(title.to_uppercase())
        .source(format!("git-ledger {version}"))
        .manual("Git Manual");
    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    synopsis(command).to_writer(&mut out)?;
    man.render_description_section(&mut out)?;
    let mut roff = Roff::new();
    if command.has_subcommands() {
        roff.control("SH", ["COMMANDS"]);
        for inner in command
            .get_subcommands()
            .filter(|inner| !inner.is_hide_set())
        {
            roff.control("TP", []);
            let name = match verb {
                "" => format!("git-ledger-{}(1)", inner.get_name()),
                verb => format!("git ledger {verb} {}", inner.get_name()),
            };
            roff.text([bold(name)]);
            let about = inner
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default();
            roff.text([roman(about)]);
        }
        roff.to_writer(&mut out)?;
    }
    man.render_options_section(&mut out)?;
    if !verb.is_empty() {
        for inner in command
            .get_subcommands()
            .filter(|inner| !inner.is_hide_set())
        {
            inner_options(inner, verb, &mut out)?;
        }
    }
    if verb.is_empty() {
        limits::sections().to_writer(&mut out)?;
    }
    if verb == "doctor" {
        checks().to_writer(&mut out)?;
    }
    if super::selection::VERBS.contains(&verb) {
        filter::section().to_writer(&mut out)?;
    }
    if let Some(text) = command.get_after_help().filter(|_| !verb.is_empty()) {
        notes(&text.to_string()).to_writer(&mut out)?;
    }
    verb_limits(verb).to_writer(&mut out)?;
    Roff::to_writer(&rest(verb, verbs), &mut out)?;
    Ok(out)
}

/// How it is called, as `-h` says it.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([bold(usage)]);
    roff
}

/// Synopsis and options of a command below a verb.
fn inner_options(inner: &Command, verb: &str, out: &mut Vec<u8>) -> io::Result<()> {
    let man = Man::new(inner.clone());
    let mut roff = Roff::new();
    roff.control(
        "SH",
        [format!("GIT LEDGER {verb} {}", inner.get_name())
            .to_uppercase()
            .as_str()],
    );
    roff.to_writer(out)?;
    // the sections of a page become parts of this one
    let mut part = Vec::new();
    synopsis(inner).to_writer(&mut part)?;
    man.render_options_section(&mut part)?;
    let text = String::from_utf8_lossy(&part).into_owned();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with(".ie ") && !line.starts_with(".el "))
        .map(|line| line.replacen(".SH ", ".SS ", 1) + "\n");
    lines.for_each(|line| out.extend_from_slice(line.as_bytes()));
    Ok(())
}

/// The table of the doctor's checks: name, how it should be, and why.
fn checks() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["CHECKS"]);
    let mut group = None;
    for check in Check::ALL {
        if group != Some(check.group()) {
            group = Some(check.group());
            roff.control("SS", [check.group().title()]);
        }
        roff.control("TP", []);
        roff.text([bold(check.name())]);
        roff.text([roman(format!("{}: {}.", check.wants(), check.why()))]);
    }
    roff
}

/// What stands below the options in the help; indented lines keep their breaks.
fn notes(text: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["NOTES"]);
    for paragraph in text.split("\n\n") {
        roff.control("PP", []);
        let kept = paragraph.contains("\n  ");
        if kept {
            roff.control("nf", []);
        }
        for line in paragraph.lines() {
            roff.text([roman(line)]);
        }
        if kept {
            roff.control("fi", []);
        }
    }
    roff
}

fn verb_limits(verb: &str) -> Roff {
    let mut roff = Roff::new();
    if let Some((_, text)) = LIMITS.iter().find(|(whose, _)| *whose == verb) {
        roff.control("SH", ["LIMITS"]);
        roff.text([roman(*text)]);
    }
    roff
}

fn rest(verb: &str, verbs: &[String]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT_STATUS {
        roff.control("TP", []);
        roff.text([bold(code)]);
        roff.text([roman(meaning)]);
    }
    for (title, table) in [
        ("CONFIGURATION", CONFIGURATION.as_slice()),
        ("ENVIRONMENT", ENVIRONMENT.as_slice()),
    ] {
        let mut names = table
            .iter()
            .filter(|(_, _, whose)| whose.is_empty() || verb.is_empty() || whose.contains(&verb))
            .peekable();
        if names.peek().is_some() {
            roff.control("SH", [title]);
        }
        for (name, meaning, _) in names {
            roff.control("TP", []);
            roff.text([bold(*name)]);
            roff.text([roman(*meaning)]);
        }
    }
    let mut examples = EXAMPLES
        .iter()
        .filter(|(whose, _, _)| *whose == verb)
        .peekable();
    if examples.peek().is_some() {
        roff.control("SH", ["EXAMPLES"]);
    }
    for (_, sentence, command) in examples {
        roff.control("TP", []);
        roff.text([roman(*sentence)]);
        roff.text([bold(*command)]);
    }
    roff.control("SH", ["SEE ALSO"]);
    let others: Vec<&str> = verbs
        .iter()
        .map(String::as_str)
        .filter(|other| *other != verb)
        .collect();
    let mut line = Vec::new();
    if !verb.is_empty() {
        line.extend([italic("git-ledger"), roman("(1), ")]);
    }
    for other in others {
        line.extend([italic(format!("git-ledger-{other}")), roman("(1), ")]);
    }
    line.extend([
        italic("git-log"),
        roman("(1), "),
        italic("ssh-keygen"),
        roman("(1)"),
    ]);
    roff.text(line);
    roff
}
