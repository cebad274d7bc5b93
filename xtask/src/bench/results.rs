//! What was measured, kept as JSON: each row with the run it is from, so that one can be measured
//! again without the others.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::row::Row;

/// The circumstances of one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The tree's commit; `+`: with changes.
    pub commit: String,
    /// Cargo's profile.
    pub profile: String,
    /// Seconds since 1970.
    pub when: u64,
    /// How long the job took, the making of ledgers included.
    pub seconds: u64,
    /// The share of the machine that other processes took meanwhile, in hundredths.
    pub others: u64,
}

/// A row and its run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    /// The row.
    #[serde(flatten)]
    pub row: Row,
    /// Its run.
    pub run: Run,
}

/// All rows, on one machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Results {
    /// The machine.
    pub machine: Machine,
    /// The rows, in the order of the jobs.
    pub rows: Vec<Kept>,
}

impl Results {
    /// What is in the file; nothing, if it is from another machine or there is none.
    pub fn open(file: &Path, machine: Machine) -> Result<Results, String> {
        let none = |machine| Results {
            machine,
            rows: Vec::new(),
        };
        let Ok(text) = fs::read_to_string(file) else {
            return Ok(none(machine));
        };
        match serde_json::from_str::<Results>(&text) {
            Ok(known) if known.machine == machine => Ok(known),
            _ => {
                eprintln!("warning: the results of another machine or version are dropped");
                Ok(none(machine))
            }
        }
    }

    /// Puts the rows of a job in the place of its older ones of the same lengths.
    pub fn replace(&mut self, rows: &[Row], run: &Run) {
        let job = |row: &Row| row.id.split('.').next().map(str::to_owned);
        self.rows.retain(|old| {
            let same = |row: &Row| job(row) == job(&old.row) && row.entries == old.row.entries;
            !rows.iter().any(same)
        });
        self.rows.extend(rows.iter().map(|row| Kept {
            row: row.clone(),
            run: run.clone(),
        }));
    }

    /// Brings the rows into the order of their jobs and lengths.
    pub fn sort(&mut self, place: impl Fn(&str) -> Option<usize>) {
        self.rows.sort_by_key(|kept| {
            let job = kept.row.id.split('.').next().unwrap_or_default();
            (place(job), kept.row.entries)
        });
    }

    /// Writes the file.
    pub fn save(&self, file: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|why| why.to_string())?;
        let beside = file.with_extension("new");
        let written = fs::write(&beside, text + "\n").and_then(|()| fs::rename(&beside, file));
        written.map_err(|why| format!("{}: {why}", file.display()))
    }
}
