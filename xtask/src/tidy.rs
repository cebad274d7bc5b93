//! `cargo xtask tidy`: the plan of the house, held against the house.
//!
//! The table of rooms and arrows in ARCHITECTURE.md against the `crate::` paths in `src/`; the
//! findings of `src/finding.rs` against `ledger-spec/findings.md`; a purpose on the first line of
//! every file; no invisible text direction; every path named in the papers exists; every attack of
//! `tests/attacks.tsv` names tests and vectors that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use git_ledger::escape::printable;
use git_ledger::finding::FindingId;
use walkdir::WalkDir;

/// Runs every check and lists what is wrong.
pub fn run(root: &Path) -> Result<(), String> {
    let mut wrong = Vec::new();
    let rooms = rooms(root, &mut wrong);
    for path in sources(root) {
        let text = fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        let name = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .display()
            .to_string();
        if !text.starts_with("//!") {
            wrong.push(format!(
                "{name}:1: the first line does not say why the file exists (//!)"
            ));
        }
        for (at, line) in text.lines().enumerate() {
            if printable(line.trim_start_matches('\t')) != line.trim_start_matches('\t') {
                wrong.push(format!(
                    "{name}:{}: an invisible or direction-changing character",
                    at + 1
                ));
            }
        }
        if let Ok(inside) = path.strip_prefix(root.join("src")) {
            arrows(inside, &name, &text, &rooms, &mut wrong);
        }
    }
    findings(root, &mut wrong);
    crate::attacks::check(root, &mut wrong);
    papers(root, &mut wrong);
    match wrong.len() {
        0 => Ok(()),
        many => Err(format!(
            "{}\n{many} things are not as the papers say",
            wrong.join("\n")
        )),
    }
}

/// `| room | may use | …` rows of ARCHITECTURE.md.
fn rooms(root: &Path, wrong: &mut Vec<String>) -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let rows = text
        .lines()
        .skip_while(|line| !line.starts_with("| room |"))
        .skip(2);
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        if let [_, room, may, ..] = cells.as_slice() {
            let may = may
                .split(',')
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty() && name != "–");
            rooms.insert((*room).to_owned(), may.collect());
        }
    }
    if rooms.is_empty() {
        wrong.push("ARCHITECTURE.md: no table of rooms".into());
    }
    for (room, may) in &rooms {
        for other in may.iter().filter(|other| other.as_str() != "all") {
            match rooms.get(other) {
                None => wrong.push(format!(
                    "ARCHITECTURE.md: {room} may use {other}, which is no room"
                )),
                Some(back) if back.contains(room) => {
                    wrong.push(format!(
                        "ARCHITECTURE.md: {room} and {other} use each other"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    rooms
}

/// Every `crate::room` (in the binary: `git_ledger::room`) a file names, against the table.
fn arrows(
    inside: &Path,
    name: &str,
    text: &str,
    rooms: &BTreeMap<String, BTreeSet<String>>,
    wrong: &mut Vec<String>,
) {
    let first = inside
        .iter()
        .next()
        .map(|part| part.to_string_lossy().into_owned())
        .unwrap_or_default();
    let room = first.trim_end_matches(".rs");
    if matches!(room, "lib" | "main")
        || inside
            .iter()
            .any(|part| part == "tests" || part == "tests.rs")
    {
        return;
    }
    let Some(may) = rooms.get(room) else {
        wrong.push(format!("{name}: the room {room} is not in ARCHITECTURE.md"));
        return;
    };
    let prefix = if room == "cli" {
        "git_ledger::"
    } else {
        "crate::"
    };
    // tests may use whatever they need
    let code = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    for (at, line) in code
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
    {
        for used in named(line, prefix) {
            if used != room
                && !may.contains(&used)
                && !may.contains("all")
                && rooms.contains_key(&used)
            {
                wrong.push(format!("{name}:{}: {room} may not use {used}", at + 1));
            }
        }
    }
}

/// The rooms named after a prefix on a line: `crate::a::B` and `crate::{a::B, c}`.
fn named(line: &str, prefix: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect()
    };
    line.match_indices(prefix)
        .flat_map(|(at, _)| {
            let rest = line.get(at + prefix.len()..).unwrap_or_default();
            match rest.strip_prefix('{') {
                Some(list) => list.split(", ").map(word).collect::<Vec<_>>(),
                None => vec![word(rest)],
            }
        })
        .collect()
}

/// The table of findings against the spec and the tests.
fn findings(root: &Path, wrong: &mut Vec<String>) {
    let spec = fs::read_to_string(root.join("ledger-spec/findings.md")).unwrap_or_default();
    let mut proof = String::new();
    for place in ["ledger-spec/vectors", "tests", "src"] {
        let files = WalkDir::new(root.join(place))
            .into_iter()
            .filter_map(Result::ok)
            .filter(|file| file.file_type().is_file());
        // these two name findings and prove nothing
        let names = ["src/finding.rs", "tests/attacks.tsv"];
        for file in files.filter(|file| !names.iter().any(|name| file.path().ends_with(name))) {
            let bytes = fs::read(file.path()).unwrap_or_default();
            // of a vector only the header is text; of a source only the tests prove something
            let text = String::from_utf8_lossy(bytes.split(|b| *b == 0).next().unwrap_or_default())
                .into_owned();
            let tests = if place == "src" {
                text.split("#[cfg(test)]").nth(1).unwrap_or_default()
            } else {
                &text
            };
            proof.push_str(tests);
        }
    }
    for id in FindingId::ALL {
        let name = id.name();
        let variant = format!("FindingId::{id:?}");
        if !spec.contains(&format!("`{name}`")) {
            wrong.push(format!("ledger-spec/findings.md: {name} is not explained"));
        }
        let word = |text: &str, word: &str| {
            text.match_indices(word).any(|(at, _)| {
                !text
                    .get(at + word.len()..)
                    .and_then(|rest| rest.chars().next())
                    .is_some_and(|c| c.is_ascii_alphanumeric())
            })
        };
        if !word(&proof, name) && !word(&proof, &variant) {
            wrong.push(format!("{name}: neither a vector nor a test"));
        }
    }
}

/// Paths in backquotes in the papers.
fn papers(root: &Path, wrong: &mut Vec<String>) {
    for paper in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
    ] {
        let Ok(text) = fs::read_to_string(root.join(paper)) else {
            wrong.push(format!("{paper} is missing"));
            continue;
        };
        for path in text
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|word| is_path(word))
        {
            if !root.join(path).exists() {
                wrong.push(format!("{paper}: there is no {path}"));
            }
        }
    }
}

fn is_path(word: &str) -> bool {
    let top = [
        "src/",
        "hooks/",
        "ledger-spec/",
        "tests/",
        "xtask/",
        "man/",
        ".ci/",
    ];
    top.iter().any(|top| word.starts_with(top)) && !word.contains([' ', '*', '<', '{', '…'])
}

fn sources(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for place in ["src", "xtask/src", "tests"] {
        let found = WalkDir::new(root.join(place))
            .sort_by_file_name()
            .into_iter()
            .filter_map(Result::ok);
        files.extend(
            found
                .map(walkdir::DirEntry::into_path)
                .filter(|path| path.extension().is_some_and(|e| e == "rs")),
        );
    }
    files
}
