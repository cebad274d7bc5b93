//! What pages and the API are made of: typed answers about one ledger, and who gives them.
//!
//! They say what entries claim, and beside it what a verification of this copy showed and when.
//! Nothing in here is HTML, JSON or a path of the machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use gix::ObjectId;
use tokio::sync::watch;

use crate::exceptions::{Exception, Kind};
use crate::finding::Answer;
use crate::merkle::Hash;
use crate::mirror::Comparison;
use crate::policy::{Policy, Role};
use crate::query::tally::Tally;
use crate::query::trace::Stage;
use crate::query::{Selected, What};
use crate::replay::Replay;
use crate::report::entries::{Shown, Standing};
use crate::report::verdict::Frame;
use crate::review::Outcome;
use crate::verify::Verdict;

pub use super::problem::{Fault, Problem};

/// What a ledger is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// In addresses: letters, digits, `.`, `_` and `-`, at most 100, unique among those served.
    pub slug: String,
    /// Its name in the configuration.
    pub ledger: String,
    /// The repository's directory, without the directories above.
    pub repository: String,
    /// Its branch.
    pub reference: String,
}

/// What is known of a ledger now, and since when; shared by all its pages.
#[derive(Debug, Clone)]
pub struct Known {
    /// What it is called.
    pub name: Name,
    /// The clock, in seconds since 1970.
    pub now: u64,
    /// The newest entry as it was last seen.
    pub newest: Option<Newest>,
    /// The newest verdict; none until the first verification is done.
    pub judged: Option<Arc<Judged>>,
    /// Entries that are newer than the verdict, as far as that can be told.
    pub unjudged: u64,
    /// A verification that is under way: entries judged, and how many there are.
    pub judging: Option<(u64, u64)>,
    /// The copies when they were last asked.
    pub remotes: Option<Arc<Remotes>>,
    /// How many mirrors are configured.
    pub mirrors: usize,
    /// How often they are asked, in seconds; none: never.
    pub compare_every: Option<u64>,
    /// What all entries add up to.
    pub totals: Option<Arc<Totals>>,
    /// Why the ledger cannot be read now; what else is known is of before.
    pub trouble: Option<String>,
}

impl Known {
    /// The worse of what this copy and what the remotes showed; none until the first verdict.
    /// A ledger that cannot be read now is unknown, and a breach that was seen stays one.
    pub fn answer(&self) -> Option<Answer> {
        let judged = self.judged.as_ref().map(|judged| judged.verdict.answer());
        let remotes = self
            .remotes
            .as_ref()
            .map(|remotes| match &remotes.comparison {
                Ok(comparison) => comparison.answer(),
                Err(_) => Answer::Unknown,
            });
        let trouble = self.trouble.as_ref().map(|_| Answer::Unknown);
        let worst = [judged, remotes, trouble].into_iter().flatten().max();
        worst.filter(|worst| judged.is_some() || *worst != Answer::Sound)
    }
}

/// The newest entry of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// Its number, as it claims.
    pub number: u64,
    /// Its commit.
    pub commit: ObjectId,
    /// Its digest.
    pub digest: Hash,
    /// T of it, in seconds since 1970.
    pub time: u64,
}

/// A verdict about this copy.
#[derive(Debug, Clone)]
pub struct Judged {
    /// What was found.
    pub verdict: Verdict,
    /// What it is about, how much was read, and when: `now` is when it was given.
    pub frame: Frame,
    /// The commit it is about.
    pub commit: ObjectId,
}

/// What the remotes showed.
#[derive(Debug, Clone)]
pub struct Remotes {
    /// When they were asked, in seconds since 1970.
    pub asked: u64,
    /// What they showed, or why none could be asked.
    pub comparison: Result<Comparison, String>,
}

/// What entries add up to, from entry 0 on.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// Counts of all that was read.
    pub tally: Tally,
    /// Entries that were read.
    pub read: u64,
    /// Entries there are; more than were read while reading goes on.
    pub of: u64,
    /// Numbers of the entries that change the policy, the oldest first; the first is entry 0.
    pub policy_changes: Vec<u64>,
    /// What somebody should explain.
    pub exceptions: Explain,
    /// What runs where, and where refs stand, as events claim.
    pub state: Arc<Replay>,
    /// What reviews say was looked at, the oldest first; of very many the newest.
    pub reviews: Vec<Reviewed>,
}

/// A range of entries that somebody looked at, as the review claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed {
    /// The entry of the review.
    pub number: u64,
    /// T of it.
    pub time: u64,
    /// Who signed it, as claimed.
    pub principal: String,
    /// The first entry that was looked at.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// What somebody should explain.
#[derive(Debug, Clone, Default)]
pub struct Explain {
    /// In the order of the chain.
    pub list: Vec<Exception>,
    /// How many of each kind, those that are not listed included.
    pub counts: BTreeMap<Kind, u64>,
    /// What may be missing, in words.
    pub limits: Vec<String>,
}

impl Totals {
    /// Whether all entries are in.
    pub fn is_complete(&self) -> bool {
        self.read >= self.of
    }
}

/// An entry as a list shows it.
#[derive(Debug, Clone)]
pub struct Row {
    /// The entry, and which of its events matched.
    pub selected: Selected,
    /// What is known of it.
    pub standing: Standing,
}

impl Row {
    /// The same for `report::entries`.
    pub fn shown(&self) -> Shown<'_> {
        Shown {
            selected: &self.selected,
            standing: &self.standing,
        }
    }

    /// The number it stands at, else the one it claims.
    pub fn number(&self) -> Option<u64> {
        self.selected
            .step
            .position
            .or_else(|| match &self.selected.step.what {
                What::Entry(link) => Some(link.entry.number()),
                What::Broken { .. } => None,
            })
    }
}

/// A part of the timeline, the newest first.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The words that were asked for.
    pub query: String,
    /// The entries.
    pub rows: Vec<Row>,
    /// Only entries before this number were asked for.
    pub before: Option<u64>,
    /// So many at most.
    pub limit: usize,
    /// Where older ones go on: only entries before this number are left; none when nothing is.
    pub older: Option<u64>,
    /// Entries that were looked at for this page.
    pub looked_at: u64,
    /// Whether the search was given up before the page was full, as its bound wants it; `older`
    /// goes on.
    pub gave_up: bool,
    /// Whether an index found them.
    pub by_index: bool,
    /// Whether the repository holds only a part of the history, and it ended here.
    pub cut_off: bool,
}

/// What came after a place.
#[derive(Debug, Clone)]
pub struct Followed {
    /// The entries, the oldest first.
    pub rows: Vec<Row>,
    /// Up to where was looked.
    pub upto: Place,
    /// Whether that is the newest entry: else there is more to come at once.
    pub complete: bool,
    /// Whether the place is not of this chain any more; then nothing was looked at.
    pub rewound: bool,
}

/// A place in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The number; none: before entry 0.
    pub number: Option<u64>,
    /// The commit there, where that is known.
    pub commit: Option<ObjectId>,
}

/// One entry, whole.
#[derive(Debug, Clone)]
pub struct EntryView {
    /// The entry; all its events match.
    pub row: Row,
    /// The number it stands at.
    pub position: Option<u64>,
    /// The entry before it.
    pub previous: Option<u64>,
    /// The entry behind it.
    pub next: Option<u64>,
    /// The bytes of its commit; none when there are none.
    pub raw: Option<Vec<u8>>,
    /// Its attachments: digest in hex, and bytes if it can be read.
    pub attachments: Vec<(String, Option<u64>)>,
    /// The roles of its key by the policy in force as claimed; none: that cannot be read. Empty:
    /// the key is not in it.
    pub roles: Option<Vec<Role>>,
    /// The policies before it and of it, if it changes the policy.
    pub policy: Option<(Option<Policy>, Option<Policy>)>,
    /// What its events name that a trace can begin at: the name of the key, and the value.
    pub related: Vec<(&'static str, String)>,
}

/// The state of things as of one entry of a range.
#[derive(Debug, Clone)]
pub struct ReplayView {
    /// The first entry of the range.
    pub from: u64,
    /// The last one.
    pub to: u64,
    /// The one whose state this is.
    pub at: u64,
    /// The entry itself.
    pub row: Row,
    /// Entries around it, the newest first, itself among them.
    pub around: Vec<Row>,
    /// The state after it.
    pub replay: Replay,
    /// The entry that set the policy then in force, if that is known.
    pub policy: Option<u64>,
}

/// What happened to one thing.
#[derive(Debug, Clone)]
pub struct TraceView {
    /// What was asked for.
    pub of: String,
    /// The entries in order, the oldest first, each with the stages of its matching events.
    pub steps: Vec<(Row, Vec<Stage>)>,
    /// What is missing, in words.
    pub gaps: Vec<String>,
    /// Entries that were looked at.
    pub looked_at: u64,
    /// Whether the search was given up, as its bound wants it.
    pub gave_up: bool,
}

/// Changes of the policy.
#[derive(Debug, Clone)]
pub struct PolicyHistory {
    /// The changes, the newest first.
    pub changes: Vec<PolicyChange>,
    /// Whether all changes are here: not while the entries are still being read.
    pub complete: bool,
}

/// One change of the policy.
#[derive(Debug, Clone)]
pub struct PolicyChange {
    /// The entry that makes it.
    pub row: Row,
    /// The policy before it; none for entry 0, or when it cannot be read.
    pub before: Option<Policy>,
    /// The policy it sets; none when it cannot be read.
    pub after: Option<Policy>,
}

/// Counts of what a filter selects.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The words that were asked for.
    pub query: String,
    /// The counts.
    pub tally: Tally,
    /// Entries that were looked at.
    pub looked_at: u64,
    /// Whether older entries were left out, as the bound of the search wants it.
    pub gave_up: bool,
}

/// How an entry is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// By the number it stands at.
    Number(u64),
    /// By its commit, in hex, all digits or at least the first seven.
    Commit(String),
}

/// The ledgers that are served.
pub trait Library: Send + Sync {
    /// All of them, in the order in which they were named.
    fn books(&self) -> &[Arc<dyn Book>];

    /// The one of this name.
    fn book(&self, slug: &str) -> Option<Arc<dyn Book>> {
        let found = self.books().iter().find(|book| book.slug() == slug);
        found.cloned()
    }
}

/// One ledger. Everything but [`Book::known`] reads the repository and may take a moment.
pub trait Book: Send + Sync {
    /// Its name in addresses.
    fn slug(&self) -> &str;

    /// What is known of it now; nothing is read for it.
    fn known(&self) -> Known;

    /// A part of the timeline: at most `limit` entries before the number `before`.
    ///
    /// # Errors
    /// When the words cannot be understood or the ledger not be read.
    fn page(&self, query: &str, before: Option<u64>, limit: usize) -> Result<Page, Problem>;

    /// The place of the newest entry, and the entries behind a place.
    ///
    /// # Errors
    /// When the words cannot be understood or the ledger not be read.
    fn after(&self, query: &str, place: Option<Place>) -> Result<Followed, Problem>;

    /// Changes whenever the newest entry is another one.
    fn changes(&self) -> watch::Receiver<u64>;

    /// One entry, whole.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    fn entry(&self, wanted: &Wanted) -> Result<EntryView, Problem>;

    /// The file that proves an entry against the newest.
    ///
    /// # Errors
    /// When there is no such entry, or the history that proves it cannot be read.
    fn proof(&self, number: u64) -> Result<Vec<u8>, Problem>;

    /// Everything that happened to a thing.
    ///
    /// # Errors
    /// When its name cannot be understood or the ledger not be read.
    fn trace(&self, of: &str) -> Result<TraceView, Problem>;

    /// All changes of the policy.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    fn policy(&self) -> Result<PolicyHistory, Problem>;

    /// One change of the policy.
    ///
    /// # Errors
    /// When there is none at this entry.
    fn policy_change(&self, number: u64) -> Result<PolicyChange, Problem>;

    /// Counts of what the words select.
    ///
    /// # Errors
    /// When the words cannot be understood or the ledger not be read.
    fn stats(&self, query: &str) -> Result<Counted, Problem>;
}

/// What every page is drawn with besides its answer.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// The ledger the page is about; none on the list of ledgers, on the help and on some errors.
    pub known: Option<Known>,
    /// Who reads, if a proxy or token says so.
    pub reader: Option<String>,
}
