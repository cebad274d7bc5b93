//! A row of the table: what was measured, beside what, and what was aimed at.

use serde::{Deserialize, Serialize};

use super::rounds::{Series, median};

/// One thing measured several times.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figure {
    /// What it is a figure of.
    pub of: String,
    /// `s`, `ms`, `/s`, `MB`, `bytes`, `%`, or a word.
    pub unit: String,
    /// The middle one.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// Round by round, in the order they were measured.
    pub rounds: Vec<f64>,
}

impl Figure {
    /// A figure of these rounds.
    pub fn new(of: impl Into<String>, unit: &str, series: &Series) -> Figure {
        let rounds = series.0.clone();
        Figure {
            of: of.into(),
            unit: unit.into(),
            median: median(&rounds),
            least: rounds.iter().copied().fold(f64::INFINITY, f64::min),
            most: rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            rounds,
        }
    }

    /// Seconds, shown in the unit that suits them.
    pub fn time(of: impl Into<String>, series: &Series) -> Figure {
        match series.median() < 1.0 {
            true => Figure::new(
                of,
                "ms",
                &Series(series.0.iter().map(|s| s * 1e3).collect()),
            ),
            false => Figure::new(of, "s", series),
        }
    }

    /// A number that is counted, not timed.
    pub fn count(of: impl Into<String>, unit: &str, number: f64) -> Figure {
        Figure::new(of, unit, &Series(vec![number]))
    }
}

/// What the ratio of two figures says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// How many times as fast as the yardstick.
    Faster,
    /// Which share of the yardstick.
    Share,
    /// What is added to the yardstick, in hundredths of it.
    Added,
}

/// Two series held against each other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ratio {
    /// What the number says.
    pub reading: Reading,
    /// Of the medians.
    pub value: f64,
    /// The least of one round.
    pub least: f64,
    /// The most of one round.
    pub most: f64,
}

impl Ratio {
    /// `ours` and `yardstick` are seconds (or bytes, or whatever is better small).
    pub fn of(reading: Reading, ours: &Series, yardstick: &Series) -> Ratio {
        let read = |ours: f64, yardstick: f64| match reading {
            Reading::Faster => yardstick / ours,
            Reading::Share => ours / yardstick,
            Reading::Added => (ours / yardstick - 1.0) * 100.0,
        };
        let rounds = ours.0.iter().zip(&yardstick.0);
        let rounds: Vec<f64> = rounds.map(|(ours, other)| read(*ours, *other)).collect();
        Ratio {
            reading,
            value: read(ours.median(), yardstick.median()),
            least: rounds.iter().copied().fold(f64::INFINITY, f64::min),
            most: rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

/// Where a number should be.
#[derive(Debug, Clone, Copy)]
pub enum Bound {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

/// An aim and whether it was met.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Aim {
    /// In words.
    pub text: String,
    /// Whether this run met it.
    pub met: bool,
}

/// A row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// Its name, `job.what`; it never changes its meaning.
    pub id: String,
    /// The length of the ledger.
    pub entries: u64,
    /// What we do.
    pub ours: Figure,
    /// What it is held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yardstick: Option<Figure>,
    /// Both together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Ratio>,
    /// What was aimed at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aim: Option<Aim>,
    /// What was seen besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Figure>,
    /// What must be known to read it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Row {
    /// A figure alone.
    pub fn alone(id: &str, entries: u64, ours: Figure) -> Row {
        Row {
            id: id.into(),
            entries,
            ours,
            yardstick: None,
            ratio: None,
            aim: None,
            also: Vec::new(),
            note: String::new(),
        }
    }

    /// Two things timed by turns.
    pub fn timed(
        id: &str,
        entries: u64,
        reading: Reading,
        (of, ours): (&str, &Series),
        (beside, yardstick): (&str, &Series),
    ) -> Row {
        Row {
            yardstick: Some(Figure::time(beside, yardstick)),
            ratio: Some(Ratio::of(reading, ours, yardstick)),
            ..Row::alone(id, entries, Figure::time(of, ours))
        }
    }

    /// With an aim for the ratio, or for the figure where there is none.
    pub fn aiming(self, text: &str, bound: Bound) -> Row {
        let ratio = self.ratio.as_ref().map(|ratio| ratio.value);
        let number = ratio.unwrap_or(self.ours.median);
        self.judged(number, text, bound)
    }

    /// With an aim for the figure, whatever it is held against; times in milliseconds.
    pub fn aiming_at(self, text: &str, bound: Bound) -> Row {
        let number = match self.ours.unit.as_str() {
            "s" => self.ours.median * 1e3,
            _ => self.ours.median,
        };
        self.judged(number, text, bound)
    }

    fn judged(mut self, number: f64, text: &str, bound: Bound) -> Row {
        let met = match bound {
            Bound::AtLeast(least) => number >= least,
            Bound::AtMost(most) => number <= most,
        };
        self.aim = Some(Aim {
            text: text.into(),
            met,
        });
        self
    }

    /// With a remark.
    pub fn noting(mut self, note: impl Into<String>) -> Row {
        self.note = note.into();
        self
    }
}
