//! Every verb with its arguments and options, as the program's own help tells them, so that what
//! must hold for all verbs holds for one that is added tomorrow.

use std::collections::BTreeMap;

use crate::world::World;

/// One verb.
#[derive(Debug, Clone)]
pub struct Command {
    /// Its words: `mirror`, `add`.
    pub words: Vec<String>,
    /// Arguments that must be given, by their names in the help.
    pub required: Vec<String>,
    /// Arguments that may be given.
    pub optional: Vec<String>,
    /// Options that stand alone.
    pub flags: Vec<String>,
    /// Options that take a value, and its name.
    pub valued: Vec<(String, String)>,
}

/// All verbs there are, `help` apart.
pub fn all(world: &World) -> Vec<Command> {
    let mut found = Vec::new();
    visit(world, &[], &mut found);
    assert!(found.len() > 20, "{found:?}");
    found
}

fn visit(world: &World, words: &[String], found: &mut Vec<Command>) {
    let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
    arguments.push("-h");
    let mut command = world.command("", "git-ledger");
    command.args(&arguments);
    let help = crate::world::run(command, b"").ok();
    let sections = sections(&help);
    let verbs = sections.get("Commands").map_or(&[][..], Vec::as_slice);
    for line in verbs {
        let name = line.split_whitespace().next().expect("a verb");
        if name != "help" {
            visit(world, &[words, &[name.to_owned()]].concat(), found);
        }
    }
    if verbs.is_empty() {
        found.push(read(words, &sections));
    }
}

/// The lines of each section that begin an item.
fn sections(help: &str) -> BTreeMap<String, Vec<String>> {
    let mut sections: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut name = String::new();
    for line in help.lines() {
        let depth = line.len() - line.trim_start().len();
        if depth == 0 {
            name = line.strip_suffix(':').unwrap_or_default().to_owned();
        } else if depth == 2 || (depth == 6 && line.trim_start().starts_with("--")) {
            let lines = sections.entry(name.clone()).or_default();
            lines.push(line.trim_start().to_owned());
        }
    }
    sections
}

fn read(words: &[String], sections: &BTreeMap<String, Vec<String>>) -> Command {
    let mut command = Command {
        words: words.to_vec(),
        required: Vec::new(),
        optional: Vec::new(),
        flags: Vec::new(),
        valued: Vec::new(),
    };
    for line in sections.get("Arguments").into_iter().flatten() {
        let name = name(line);
        let list = match line.starts_with('<') {
            true => &mut command.required,
            false => &mut command.optional,
        };
        list.push(name);
    }
    for line in sections.get("Options").into_iter().flatten() {
        let spelled = line.split("  ").next().unwrap_or_default();
        let option = spelled
            .split([' ', ','])
            .find(|word| word.starts_with("--"));
        let option = option
            .or(spelled.split([' ', ',']).next())
            .expect("an option");
        match spelled.contains('<') {
            true => command.valued.push((option.to_owned(), name(spelled))),
            false if ["--help", "--version"].contains(&option) => {}
            false => command.flags.push(option.to_owned()),
        }
    }
    command
}

/// What stands in the angle or square brackets.
fn name(text: &str) -> String {
    let start = text.find(['<', '[']).expect("a name");
    let inside = text[start..].trim_start_matches(['<', '[']);
    let end = inside.find(['>', ']']).expect("an end");
    inside[..end].trim_end_matches('.').to_owned()
}

/// What makes a verb end that would go on until somebody stops it.
pub fn ending(words: &[&str]) -> Option<&'static str> {
    match words {
        ["serve" | "web"] => Some("--dry-run"),
        ["watch"] => Some("--once"),
        _ => None,
    }
}

/// A value that this argument takes.
pub fn value(name: &str) -> &'static str {
    match name {
        "URL" => "../one.git",
        "REMOTE" | "NAME" | "MIRROR" => "one",
        "TYPE" => "dev.acme.built",
        "PRINCIPAL" | "P" => "ann@acme.org",
        "COMMAND" => "true",
        "SHELL" => "bash",
        "DIR" | "DIRECTORY" => "elsewhere",
        "FILE" | "PATH" | "BUNDLE" => "../file",
        "SECONDS" | "DURATION" => "3",
        "ROLE" => "writer",
        _ => "1",
    }
}
