//! What a watch knows from one look to the next: what is new, what is still there, what is gone, and
//! when to look again.
//!
//! Pure: findings and the clock go in, alerts come out. A breach is told at once; a remote that gives
//! no answer only when it has given none for a while, because networks are like that. What was told is
//! told again after a while, so that an alert that was overlooked is not the last one. What is kept
//! is written by whoever calls before anything is sent: after a crash an alert may be sent twice, and
//! never not at all.
//!
//! # Limits
//! Whoever can change what is kept can silence an alert: it belongs where only the watch's own user
//! writes, and never into the repository that is watched.

mod known;
mod metrics;
mod schedule;
mod state;

use crate::finding::{Finding, FindingId, Severity};

pub use metrics::{CONTENT_TYPE, Figures, Remote};
pub use schedule::{Schedule, jittered};
pub use state::{State, Unreadable};

/// Something the watch itself has to tell, with its sentence.
const OWN: &[(&str, &str)] = &[
    (FAILED, "the ledger could not be looked at"),
    (MISSED, "nobody looked for longer than agreed"),
    (CLOCK_BACK, "the clock went back since the last look"),
    (STATE_LOST, "what the watch knew before cannot be read"),
    (DROPPED, "alerts that could not be delivered were dropped"),
    (UNKEPT, "what the watch knows could not be kept"),
    (UNRECORDED, "what was found could not be recorded"),
];

/// The ledger could not be looked at.
pub const FAILED: &str = "watchFailed";
/// Nobody looked for longer than agreed.
pub const MISSED: &str = "runsMissed";
/// The clock went back.
pub const CLOCK_BACK: &str = "clockBack";
/// What was kept is gone.
pub const STATE_LOST: &str = "stateLost";
/// What is known could not be kept.
pub const UNKEPT: &str = "notKept";
/// What was found could not be recorded.
pub const UNRECORDED: &str = "notRecorded";
/// Alerts were dropped.
pub const DROPPED: &str = "alertsDropped";

/// The name of a finding, or a word of the watch's, from its text.
pub fn name(text: &str) -> Option<&'static str> {
    let findings = FindingId::ALL.iter().map(|id| id.name());
    let own = OWN.iter().map(|(word, _)| *word);
    findings.chain(own).find(|known| *known == text)
}

/// Where something was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the copy in hand.
    Here,
    /// In the refs of the repository.
    Refs,
    /// At a remote.
    Remote(String),
}

impl Place {
    /// As it is written down.
    pub fn text(&self) -> String {
        match self {
            Place::Here => "here".to_owned(),
            Place::Refs => "refs".to_owned(),
            Place::Remote(name) => format!("remote {name}"),
        }
    }

    /// Reads what [`Place::text`] wrote.
    pub fn parse(text: &str) -> Option<Place> {
        match text {
            "here" => Some(Place::Here),
            "refs" => Some(Place::Refs),
            _ => Some(Place::Remote(text.strip_prefix("remote ")?.to_owned())),
        }
    }
}

/// What is told apart from other things: one rule, one place, the first entry concerned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Matter {
    /// The name of the finding, or a word of the watch's.
    pub name: &'static str,
    /// Where.
    pub place: Place,
    /// The entry concerned.
    pub entry: Option<u64>,
    /// The commit concerned, in hex.
    pub commit: Option<String>,
}

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What it is.
    pub matter: Matter,
    /// How bad.
    pub severity: Severity,
    /// In a sentence of ours.
    pub meaning: &'static str,
    /// What was seen; foreign.
    pub evidence: String,
    /// How many more of its kind there are at that place.
    pub more: u64,
}

impl Seen {
    /// A finding at a place.
    pub fn of(finding: &Finding, place: Place) -> Seen {
        Seen {
            matter: Matter {
                name: finding.id.name(),
                place,
                entry: finding.at,
                commit: finding.commit.map(|commit| commit.to_string()),
            },
            severity: finding.severity(),
            meaning: finding.id.sentence(),
            evidence: finding.detail.clone(),
            more: 0,
        }
    }

    /// Something of the watch's own; never a breach, for it says nothing about the ledger.
    pub fn own(name: &'static str, evidence: String) -> Seen {
        let meaning = OWN.iter().find(|(word, _)| *word == name);
        Seen {
            matter: Matter {
                name,
                place: Place::Here,
                entry: None,
                commit: None,
            },
            severity: Severity::Unknown,
            meaning: meaning.map_or("", |(_, sentence)| sentence),
            evidence,
            more: 0,
        }
    }

    /// Whether it often goes away by itself, and is told only when it does not.
    fn may_pass(&self) -> bool {
        self.matter.name == FindingId::MirrorSilent.name() || self.matter.name == FAILED
    }
}

/// What one look came to.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// The clock, in seconds since 1970.
    pub now: u64,
    /// The name of the ledger; foreign.
    pub ledger: String,
    /// Its fingerprint, where it was reached.
    pub fingerprint: Option<String>,
    /// What was seen.
    pub seen: Vec<Seen>,
    /// Whether the copy in hand was judged: what is not seen there any more is gone.
    pub here: bool,
    /// Whether the refs were compared.
    pub refs: bool,
    /// Whether what differs among them is recorded now: the next look finds only what is new.
    pub recorded: bool,
    /// The remotes that gave an answer.
    pub answered: Vec<String>,
}

/// How long to wait before telling, and before telling again, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// What may go away by itself is told when it has stood for so long.
    pub patience: u64,
    /// What was told and is still there is told again after so long.
    pub remind: u64,
}

#[cfg(test)]
mod tests;
