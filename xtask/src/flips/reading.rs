//! What a repository tells who reads it: the answer, and what it means, from the bytes as they
//! are now. Nothing is remembered from one reading to the next.

use std::collections::BTreeSet;

use git_ledger::entry::parse_hex;
use git_ledger::finding::{Answer, Severity};
use git_ledger::git::{Config, Environment, Repository, Scope};
use git_ledger::hook::outstanding::Outstanding;
use git_ledger::ledger::{DEFAULT_REF, Ledger};
use git_ledger::marks::{MarkError, Marks};
use git_ledger::merkle::{self, Hash};
use git_ledger::spool::Spool;
use git_ledger::verify::{Request, verify};

use super::stage::Stage;

/// What was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The answer, or that there is none.
    pub answer: Told,
    /// The findings that decided it; for no answer, why.
    pub why: String,
    /// Whether the first entry was held against a fingerprint.
    pub pinned: bool,
    /// The digest of every entry, the newest first; none where one cannot be read.
    pub entries: Option<Vec<Hash>>,
    /// What this program's own files say: marks and what waits to be recorded.
    pub state: Vec<String>,
}

/// The answer as the exit status has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    Sound,
    Breach,
    Unknown,
    /// Nothing can be said: the repository, its configuration or its branch cannot be read.
    CannotRun,
}

impl Told {
    /// Whether the program ends like this.
    pub fn exits(self, code: Option<i32>) -> bool {
        match self {
            Told::Sound => code == Some(0),
            Told::Breach => code == Some(1),
            Told::Unknown => code == Some(2),
            Told::CannotRun => matches!(code, Some(128 | 129)),
        }
    }
}

/// Reads as `git ledger verify` does.
pub fn read(stage: &Stage) -> Reading {
    let mut reading = Reading {
        answer: Told::CannotRun,
        why: String::new(),
        pinned: false,
        entries: None,
        state: Vec::new(),
    };
    if let Err(why) = look(stage, &mut reading) {
        reading.answer = Told::CannotRun;
        reading.why = why;
    }
    reading
}

fn look(stage: &Stage, reading: &mut Reading) -> Result<(), String> {
    let environment = Environment::new(stage.work_tree(), stage.variables());
    let repository = Repository::discover(&environment, &stage.work_tree());
    let repository = repository.map_err(|why| why.to_string())?;
    let config = repository.config().map_err(|why| why.to_string())?;
    let (reference, pinned) = settings(&config)?;
    let ledger = Ledger::new(repository, reference);
    let marks = Marks::of(&ledger);
    reading.state = state(&ledger, &marks);
    let faults = marks.faults();
    let mark = marks.get(None).unwrap_or_else(MarkError::recalled);
    let Some(tip) = ledger.tip_id().map_err(|why| why.to_string())? else {
        // a branch that was seen and is gone is an answer
        let known = mark.is_some() || !faults.is_empty();
        let answer = if mark.is_some() {
            Told::Breach
        } else {
            Told::Unknown
        };
        reading.answer = if known { answer } else { Told::CannotRun };
        reading.why = "the branch is gone".into();
        return Ok(());
    };
    let surroundings = ledger.surroundings().map_err(|why| why.to_string())?;
    let request = Request {
        boundary: surroundings.boundary,
        pinned,
        marks: mark.iter().map(|mark| mark.position()).collect(),
        threads: std::num::NonZeroUsize::new(1),
        ..Request::whole(tip)
    };
    let mut verdict = verify(&ledger, &request, &|_| {});
    let extra = faults.iter().map(|(_, why)| why.finding());
    verdict.findings.extend(extra);
    verdict.findings.extend(surroundings.findings);
    reading.answer = match verdict.answer() {
        Answer::Sound => Told::Sound,
        Answer::Breach => Told::Breach,
        Answer::Unknown => Told::Unknown,
    };
    let names: BTreeSet<&str> = verdict
        .findings
        .iter()
        .filter(|finding| finding.severity() != Severity::Note)
        .map(|finding| finding.id.name())
        .collect();
    reading.why = names.into_iter().collect::<Vec<_>>().join(" ");
    reading.pinned = verdict.pinned;
    reading.entries = ledger.links(tip).ok().and_then(|links| {
        let digests = links.map(|link| link.ok().map(|link| link.digest()));
        digests.collect()
    });
    Ok(())
}

/// The branch and the pin, as the command line finds them.
fn settings(config: &Config) -> Result<(String, Option<Hash>), String> {
    let value = |name: &str, key: &str| config.get(&format!("ledger.{name}.{key}"), Scope::Any);
    let full = |branch: String| match branch.starts_with("refs/") {
        true => branch,
        false => format!("refs/heads/{branch}"),
    };
    let mut names = config.subsections("ledger", Scope::Any);
    names.retain(|name| value(name, "ref").is_some());
    let name = match names.as_slice() {
        [] => "ledger".to_owned(),
        [only] => only.clone(),
        several => {
            let standard =
                |name: &&String| value(name, "ref").map(full).as_deref() == Some(DEFAULT_REF);
            let found = several.iter().find(standard);
            found.cloned().ok_or("there are several ledgers")?
        }
    };
    let pinned = match value(&name, "fingerprint") {
        None => None,
        Some(text) => {
            let hex = text.strip_prefix("sha256:").unwrap_or(&text);
            Some(parse_hex(hex).ok_or("the fingerprint is none")?)
        }
    };
    let reference = value(&name, "ref").map_or_else(|| DEFAULT_REF.to_owned(), full);
    Ok((reference, pinned))
}

/// What this program's own files say, one line each; what is refused says so.
fn state(ledger: &Ledger, marks: &Marks) -> Vec<String> {
    let key = merkle::hex(&merkle::sha256(ledger.reference().as_bytes()));
    let key = key.get(..16).unwrap_or_default();
    let spool = Spool::new(ledger.state_dir().join("spool").join(key));
    let mut told = Vec::new();
    for remote in [None, Some("copy")] {
        told.push(match marks.get(remote) {
            Ok(mark) => format!("mark {mark:?}"),
            Err(_) => "refused".into(),
        });
    }
    for waiting in spool.list().into_iter().flatten() {
        told.push(match waiting {
            Ok(waiting) => format!("waits {:?} {:?}", waiting.pending, waiting.push),
            Err(_) => "refused".into(),
        });
    }
    let format = ledger.repository().object_format();
    let awaited = Outstanding::new(ledger.state_dir().join("outstanding"), format);
    for push in awaited.list().into_iter().flatten() {
        told.push(format!("awaited {push:?}"));
    }
    told
}
