//! What there is to prove an attack with: the tests in the sources, and the vectors.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use git_ledger::finding::FindingId;
use walkdir::WalkDir;

use super::table::{Answer, PLACE, Proof, Row};

/// Every test and vector of the repository.
pub struct Proofs {
    /// The text of its file and of those beside it in one module, by the path of the test.
    tests: BTreeMap<String, String>,
    /// The ids expected, by the name of the vector.
    vectors: BTreeMap<String, Vec<String>>,
}

impl Proofs {
    pub fn read(root: &Path) -> Proofs {
        let mut tests = BTreeMap::new();
        for place in ["tests", "src"] {
            let base = root.join(place);
            for file in WalkDir::new(&base).into_iter().filter_map(Result::ok) {
                let inside = file.path().strip_prefix(&base).unwrap_or(file.path());
                if inside.extension().is_some_and(|end| end == "rs") {
                    let text = fs::read_to_string(file.path()).unwrap_or_default();
                    for name in tests_in(&text) {
                        let path = format!("{}{name}", module(inside));
                        tests.insert(path, text.clone());
                    }
                }
            }
        }
        let mut vectors = BTreeMap::new();
        for file in WalkDir::new(root.join("ledger-spec/vectors"))
            .into_iter()
            .filter_map(Result::ok)
        {
            let bytes = fs::read(file.path()).unwrap_or_default();
            let first = bytes
                .split(|byte| *byte == b'\n')
                .next()
                .unwrap_or_default();
            if let Some(ids) = String::from_utf8_lossy(first).strip_prefix("expect: ") {
                let name = file.file_name().to_string_lossy().into_owned();
                vectors.insert(name, ids.split(' ').map(str::to_owned).collect());
            }
        }
        Proofs { tests, vectors }
    }

    /// What is missing of a row's proof.
    pub fn complaints(&self, row: &Row) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut said = String::new();
        let mut expected: Vec<&str> = Vec::new();
        for proof in &row.proofs {
            match proof {
                Proof::Test(name) => match self.tests.get(name) {
                    Some(text) => said.push_str(text),
                    None => wrong.push(format!("there is no test {name}")),
                },
                Proof::Vectors(name) => {
                    let found = self.named(name);
                    if found.is_empty() {
                        wrong.push(format!("there is no vector {name}"));
                    }
                    for (vector, ids) in found {
                        if !answers(&row.answer, ids) {
                            wrong.push(format!("{vector} expects {}", ids.join(" ")));
                        }
                        expected.extend(ids.iter().map(String::as_str));
                    }
                }
            }
        }
        match &row.answer {
            Answer::Words(words) => {
                for word in words {
                    let Some(id) = FindingId::ALL.iter().find(|id| id.name() == word) else {
                        continue;
                    };
                    let variant = format!("FindingId::{id:?}");
                    if !expected.contains(&id.name())
                        && !said.contains(id.name())
                        && !said.contains(&variant)
                    {
                        wrong.push(format!("no test or vector named asserts {word}"));
                    }
                }
            }
            Answer::Undetectable => {
                // git_ledger::freshness::UNSEEN: the words stand in one place
                if !said.contains("contains(UNSEEN)") {
                    wrong.push("no test named asserts that the program says so".to_owned());
                }
            }
            Answer::Skipped(_) => {}
        }
        let place = |why| format!("{PLACE}: {}: {why}", row.id);
        wrong.into_iter().map(place).collect()
    }

    fn named(&self, name: &str) -> Vec<(&String, &Vec<String>)> {
        match name.strip_suffix('*') {
            Some(start) => self
                .vectors
                .iter()
                .filter(|(vector, _)| vector.starts_with(start))
                .collect(),
            None => self.vectors.get_key_value(name).into_iter().collect(),
        }
    }
}

/// Whether what a vector expects is what the row says comes of it.
fn answers(answer: &Answer, expected: &[String]) -> bool {
    match answer {
        Answer::Words(words) => {
            words.iter().any(|word| expected.contains(word))
                || (words.iter().any(|word| word == "unmoved") && expected == ["sound"])
        }
        Answer::Undetectable => expected == ["sound"],
        Answer::Skipped(_) => false,
    }
}

/// The module of a file: `hooks/refuse.rs` is `hooks::refuse::`.
fn module(inside: &Path) -> String {
    let path = inside.with_extension("");
    let names = path.iter().map(|part| part.to_string_lossy().into_owned());
    names
        .filter(|name| name != "mod" && name != "lib")
        .map(|name| name + "::")
        .collect()
}

/// The tests of a file, those of its own module `tests` under that name, and those that a macro of
/// the file makes, one of each word it is given.
fn tests_in(text: &str) -> Vec<String> {
    let (mut found, mut prefix, mut test, mut made) = (Vec::new(), "", false, false);
    let makes_tests = text.contains("$(#[test]");
    for line in text.lines() {
        if makes_tests && line.ends_with("! {") {
            made = !line.starts_with("macro_rules");
        } else if line == "}" {
            made = false;
        } else if made {
            found.extend(line.split_whitespace().map(str::to_owned));
        }
        let line = line.trim();
        if line == "mod tests {" {
            prefix = "tests::";
        } else if line == "#[test]" {
            test = true;
        } else if let Some(rest) = line.strip_prefix("fn ")
            && test
        {
            let word = |c: &char| c.is_alphanumeric() || *c == '_';
            let name: String = rest.chars().take_while(word).collect();
            found.push(format!("{prefix}{name}"));
            test = false;
        }
    }
    found
}
