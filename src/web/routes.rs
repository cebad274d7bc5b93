//! Which path leads where.

use super::answers::Wanted;
use super::replay;

/// Pages, and files that pages hand out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// All ledgers.
    Ledgers,
    /// What is known of one.
    Overview,
    /// Its entries.
    Timeline,
    /// One entry.
    Entry,
    /// One entry, by its commit.
    Commit,
    /// The bytes of an entry's commit.
    Raw,
    /// The file that proves an entry.
    Proof,
    /// What happened to one thing.
    Trace,
    /// The state of things as of one entry.
    Replay,
    /// All changes of the policy.
    Policy,
    /// One change of the policy.
    PolicyChange,
    /// What is wrong.
    Findings,
    /// What somebody should explain.
    Exceptions,
    /// What the words mean.
    Help,
}

/// Answers in JSON, and what else programs ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// All ledgers.
    Ledgers,
    /// What is known of one.
    Ledger,
    /// Its entries.
    Entries,
    /// One entry.
    Entry,
    /// The file that proves an entry.
    Proof,
    /// What happened to one thing.
    Trace,
    /// The state of things as of one entry.
    Replay,
    /// All changes of the policy.
    Policy,
    /// One change of the policy.
    PolicyChange,
    /// What is wrong.
    Findings,
    /// The copies.
    Remotes,
    /// Counts of what a filter selects.
    Stats,
    /// What somebody should explain.
    Exceptions,
    /// Entries as they come.
    Tail,
    /// What this API is.
    Document,
}

/// The paths of pages.
pub const PAGES: &[(&str, Page)] = &[
    ("/", Page::Ledgers),
    ("/l/{slug}/", Page::Overview),
    ("/l/{slug}/log", Page::Timeline),
    ("/l/{slug}/entry/{number}", Page::Entry),
    ("/l/{slug}/entry/{number}/raw", Page::Raw),
    ("/l/{slug}/entry/{number}/proof", Page::Proof),
    ("/l/{slug}/commit/{commit}", Page::Commit),
    ("/l/{slug}/trace", Page::Trace),
    ("/l/{slug}/replay", Page::Replay),
    ("/l/{slug}/policy", Page::Policy),
    ("/l/{slug}/policy/{number}", Page::PolicyChange),
    ("/l/{slug}/findings", Page::Findings),
    ("/l/{slug}/exceptions", Page::Exceptions),
    ("/help", Page::Help),
];

/// The paths of the API.
pub const API: &[(&str, Api)] = &[
    ("/api/v1/ledgers", Api::Ledgers),
    ("/api/v1/ledgers/{slug}", Api::Ledger),
    ("/api/v1/ledgers/{slug}/entries", Api::Entries),
    ("/api/v1/ledgers/{slug}/entries/{number}", Api::Entry),
    ("/api/v1/ledgers/{slug}/entries/{number}/proof", Api::Proof),
    ("/api/v1/ledgers/{slug}/trace", Api::Trace),
    ("/api/v1/ledgers/{slug}/replay", Api::Replay),
    ("/api/v1/ledgers/{slug}/policy", Api::Policy),
    ("/api/v1/ledgers/{slug}/policy/{number}", Api::PolicyChange),
    ("/api/v1/ledgers/{slug}/findings", Api::Findings),
    ("/api/v1/ledgers/{slug}/remotes", Api::Remotes),
    ("/api/v1/ledgers/{slug}/stats", Api::Stats),
    ("/api/v1/ledgers/{slug}/exceptions", Api::Exceptions),
    ("/api/v1/ledgers/{slug}/tail", Api::Tail),
    ("/api/v1/openapi.json", Api::Document),
];

impl Page {
    /// What its query may ask for.
    pub fn asks(self) -> &'static [&'static str] {
        match self {
            Page::Timeline => &["q", "before", "n", "live"],
            Page::Trace => &["of"],
            Page::Replay => replay::NAMES,
            _ => &[],
        }
    }
}

impl Api {
    /// What its query may ask for.
    pub fn asks(self) -> &'static [&'static str] {
        match self {
            Api::Entries => &["q", "before", "limit"],
            Api::Trace => &["of"],
            Api::Replay => replay::NAMES,
            Api::Stats => &["q"],
            Api::Tail => &["q", "after"],
            _ => &[],
        }
    }
}

/// A commit as a path names it: seven hex digits or more.
pub fn commit(text: &str) -> Option<Wanted> {
    let hex = text.to_ascii_lowercase();
    let fits = (7..=64).contains(&hex.len()) && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then_some(Wanted::Commit(hex))
}
