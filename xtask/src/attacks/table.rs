//! `tests/attacks.tsv`: one attack a row, what must come of it, and where that is proved.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use git_ledger::finding::FindingId;

/// Where the table is, from the root of the repository.
pub const PLACE: &str = "tests/attacks.tsv";

const COLUMNS: &str = "id\tactor\tlayer\tattack\tanswer\tproof";

/// Who attacks: who holds a signing key, who administers the machine, who has neither, who runs
/// a mirror, all of them together, who made the repository, who made an event, and no one.
const ACTORS: &[&str] = &[
    "key",
    "admin",
    "outsider",
    "mirror",
    "colluding",
    "repository",
    "event",
    "fault",
];

/// What comes of an attack that leaves no finding: it is refused and nothing moves; it changes no
/// verdict and nothing runs; it is recorded all the same; a state or a line names it.
const WORDS: &[&str] = &["refused", "unmoved", "recorded", "told"];

/// The whole table.
pub struct Table {
    pub rows: Vec<Row>,
}

/// One attack.
pub struct Row {
    pub id: String,
    pub attack: String,
    pub answer: Answer,
    pub proofs: Vec<Proof>,
}

/// What must come of it.
pub enum Answer {
    /// One of these findings, or of the words that stand for an effect.
    Words(Vec<String>),
    /// Nobody can tell, and the program says so.
    Undetectable,
    /// It was not tried, for this reason.
    Skipped(String),
}

/// What shows it.
pub enum Proof {
    /// A test, by its path in its binary.
    Test(String),
    /// Vectors: a name, or the beginning of several names before a `*`.
    Vectors(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Words(words) => f.write_str(&words.join(" ")),
            Answer::Undetectable => f.write_str("undetectable"),
            Answer::Skipped(_) => f.write_str("-"),
        }
    }
}

impl Row {
    /// The tests named.
    pub fn tests(&self) -> impl Iterator<Item = &str> {
        self.proofs.iter().filter_map(|proof| match proof {
            Proof::Test(name) => Some(name.as_str()),
            Proof::Vectors(_) => None,
        })
    }

    fn parse(line: &str) -> Result<Row, String> {
        let cells: Vec<&str> = line.split('\t').collect();
        let [id, actor, layer, attack, answer, proof] = cells[..] else {
            return Err(format!("{} columns, not 6", cells.len()));
        };
        if [id, layer, attack, answer, proof].contains(&"") {
            return Err("an empty column".into());
        }
        if !ACTORS.contains(&actor) {
            return Err(format!("the actor '{actor}' is not known"));
        }
        let (answer, proofs) = match proof.strip_prefix("skip: ") {
            Some(reason) => (Answer::Skipped(reason.to_owned()), Vec::new()),
            None => (
                Answer::parse(answer)?,
                proof.split(' ').map(Proof::parse).collect(),
            ),
        };
        Ok(Row {
            id: id.to_owned(),
            attack: attack.to_owned(),
            answer,
            proofs,
        })
    }
}

impl Answer {
    fn parse(text: &str) -> Result<Answer, String> {
        if text == "undetectable" {
            return Ok(Answer::Undetectable);
        }
        let known = |word: &&str| {
            WORDS.contains(word) || FindingId::ALL.iter().any(|id| id.name() == *word)
        };
        match text.split(' ').find(|word| !known(word)) {
            Some(word) => Err(format!("'{word}' is neither a finding nor another answer")),
            None => Ok(Answer::Words(text.split(' ').map(str::to_owned).collect())),
        }
    }
}

impl Proof {
    fn parse(text: &str) -> Proof {
        match text.strip_prefix('@') {
            Some(name) => Proof::Vectors(name.to_owned()),
            None => Proof::Test(text.to_owned()),
        }
    }
}

impl Table {
    /// The table, or everything that is wrong with it.
    pub fn read(root: &Path) -> Result<Table, Vec<String>> {
        let text =
            fs::read_to_string(root.join(PLACE)).map_err(|why| vec![format!("{PLACE}: {why}")])?;
        let lines = text.lines().enumerate();
        let mut lines = lines.filter(|(_, line)| !line.starts_with('#'));
        if lines.next().map(|(_, line)| line) != Some(COLUMNS) {
            return Err(vec![format!("{PLACE}: the columns are not {COLUMNS:?}")]);
        }
        let (mut rows, mut wrong, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (at, line) in lines {
            match Row::parse(line) {
                Ok(row) => {
                    if !seen.insert(row.id.clone()) {
                        wrong.push(format!("{PLACE}:{}: {} stands twice", at + 1, row.id));
                    }
                    rows.push(row);
                }
                Err(why) => wrong.push(format!("{PLACE}:{}: {why}", at + 1)),
            }
        }
        if wrong.is_empty() {
            Ok(Table { rows })
        } else {
            Err(wrong)
        }
    }
}
