//! A ledger as one request sees it: where its entries stand, what is known of them, and how much
//! of it one request may look at.

use std::time::{Duration, Instant};

use git_ledger::commit::{Link, MAX_BYTES};
use git_ledger::index::{Finder, Index};
use git_ledger::ledger::ObjectReader;
use git_ledger::listener::Host as _;
use git_ledger::policy::Policy;
use git_ledger::query::{Filter, Selected, Step, Walk, What};
use git_ledger::report::entries::Standing;
use git_ledger::store::{Read as _, Store as _};
use git_ledger::web::answers::{Fault, PolicyChange, Problem, Row, Wanted};
use gix::ObjectId;
use gix::objs::Kind;

use super::book::{AT_ONCE, LedgerBook};
use crate::cli::context::Opened;
use crate::cli::log::{self, Policies};
use crate::cli::{index, selection};

/// Entries one request looks at.
pub const ENTRIES: u64 = 50_000;
/// How long one request looks.
const TIME: Duration = Duration::from_secs(2);

/// How much one request may look at.
pub struct Budget {
    until: Instant,
}

impl Budget {
    /// From now on.
    pub fn new() -> Budget {
        Budget {
            until: Instant::now() + TIME,
        }
    }

    /// Half of what is left.
    pub fn half(&self) -> Budget {
        let now = Instant::now();
        Budget {
            until: now + self.until.saturating_duration_since(now) / 2,
        }
    }

    /// Whether one more may be looked at, after so many.
    pub fn allows(&self, looked_at: u64) -> bool {
        // a clock that is asked for each entry costs more than some entries do
        looked_at < ENTRIES && (!looked_at.is_multiple_of(32) || Instant::now() < self.until)
    }
}

/// A ledger as one request sees it.
pub struct Sight<'a> {
    book: &'a LedgerBook,
    opened: &'a Opened,
    pub tip: ObjectId,
    /// Whether the chain is counted up to this tip.
    pub counted: bool,
    policies: Policies,
}

impl<'a> Sight<'a> {
    /// What one request sees of a ledger.
    pub fn of(book: &'a LedgerBook, opened: &'a Opened) -> Result<Sight<'a>, Problem> {
        let tip = book.tip(opened)?;
        let counted = book.count(opened, tip, AT_ONCE)?;
        Ok(Sight {
            book,
            opened,
            tip,
            counted,
            policies: Policies::new(),
        })
    }

    /// The filter that words spell, as of now.
    pub fn filter(&self, query: &str) -> Result<Filter, Problem> {
        let mut filter = Filter::default();
        let now = self.book.host.now();
        selection::add(&mut filter, query, now).map_err(|fault| Problem {
            fault: Fault::Asked,
            detail: fault.why,
            hint: fault.hint,
            at: Some((query.to_owned(), fault.at)),
        })?;
        Ok(filter)
    }

    /// The number and commit of the newest entry, if that is counted.
    pub fn newest(&self) -> Option<(u64, ObjectId)> {
        self.counted
            .then(|| self.book.chain().positions.newest())
            .flatten()
            .filter(|(_, commit)| *commit == self.tip)
    }

    /// The commit at a place.
    pub fn at(&self, place: u64) -> Option<ObjectId> {
        self.newest()?;
        self.book.chain().positions.get(place)
    }

    /// A walk from the newest entry below `before`; none when there is none.
    fn walk(&self, before: Option<u64>) -> Result<Option<Walk<ObjectReader>>, Problem> {
        let newest = self.newest();
        let place = match (before, newest) {
            (Some(0), _) => return Ok(None),
            (Some(before), Some((newest, _))) => Some(newest.min(before - 1)),
            (None, Some((newest, _))) => Some(newest),
            (_, None) => None,
        };
        let from = match place {
            None => self.tip,
            Some(place) => match self.book.chain().positions.get(place) {
                Some(commit) => commit,
                None => return Ok(None),
            },
        };
        let walk = log::walk_from(self.opened, from).map_err(|why| self.book.problem(why))?;
        Ok(Some(match place {
            Some(place) => walk.at(place),
            None => walk,
        }))
    }

    /// A search, and whether an index helps with it.
    pub fn finder(
        &self,
        filter: &mut Filter,
        before: Option<u64>,
    ) -> Result<Option<(Finder<ObjectReader>, bool)>, Problem> {
        let found = match filter.is_empty() {
            true => None,
            false => index::to_search(self.opened).map_err(|why| self.book.problem(why))?,
        };
        self.narrow(filter);
        // where it is not counted the walk begins at the newest entry
        if let Some(before) = before {
            filter.only_below(before);
        }
        let before = filter
            .reach()
            .to
            .map(|last| last.saturating_add(1))
            .filter(|_| self.is_sound())
            .or(before);
        let Some(walk) = self.walk(before)? else {
            return Ok(None);
        };
        let by_index = found.is_some();
        let within = found
            .as_ref()
            .is_some_and(|index| self.is_within(index, before));
        Ok(Some(match found {
            Some(index) if within => (Finder::within(walk, index, filter), true),
            found => (Finder::new(walk, found), by_index),
        }))
    }

    /// Whether all entries are sound as far as they were verified, and all of them were: then each
    /// has the number of its place, and none is dated before the one before it.
    fn is_sound(&self) -> bool {
        let state = self.book.state();
        let (Some(judged), Some((newest, commit))) = (&state.judged, self.newest()) else {
            return false;
        };
        state.judged_at == Some(newest)
            && judged.commit == commit
            && judged.verdict.first_bad().is_none()
            && judged.verdict.fingerprint.is_some()
    }

    /// Where entries are sound, times are places: nothing outside them need be looked at.
    fn narrow(&self, filter: &mut Filter) {
        if filter.times() == (None, None) || !self.is_sound() {
            return;
        }
        let (since, until) = filter.times();
        if let Some(first) = since.and_then(|since| self.first_dated(since)) {
            filter.only_from(first);
        }
        let behind = until.and_then(|until| self.first_dated(until.saturating_add(1)));
        if let Some(behind) = behind {
            filter.only_below(behind);
        }
    }

    /// The first place that is dated at or after a time, or the one behind the newest.
    fn first_dated(&self, time: u64) -> Option<u64> {
        let (newest, _) = self.newest()?;
        let (mut low, mut high) = (self.book.chain().positions.first(), newest + 1);
        let mut reader = self.opened.ledger.reader();
        while low < high {
            let middle = low + (high - low) / 2;
            let commit = self.book.chain().positions.get(middle)?;
            let raw = reader.read(&commit, Kind::Commit, MAX_BYTES).ok()?;
            if Link::parse(commit, raw).ok()?.time >= time {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Some(low)
    }

    /// Whether the index is of this chain and reaches to where a search begins.
    fn is_within(&self, index: &Index, before: Option<u64>) -> bool {
        let (Some(head), Some((newest, _))) = (index.head().ok().flatten(), self.newest()) else {
            return false;
        };
        let begins = before.map_or(newest, |before| newest.min(before.saturating_sub(1)));
        let link = self.opened.ledger.link(head.commit);
        begins <= head.position
            && self.at(head.position) == Some(head.commit)
            && link.is_ok_and(|link| link.digest() == head.digest)
    }

    /// An entry as a list shows it.
    pub fn row(&mut self, selected: Selected) -> Row {
        let standing = self.standing(&selected.step);
        Row { selected, standing }
    }

    /// Where an entry stands: by the verdict, if it is one of those that the verdict is about.
    pub fn standing(&mut self, step: &Step) -> Standing {
        let (judged, last) = {
            let state = self.book.state();
            match (&state.judged, state.judged_at) {
                (Some(judged), Some(at)) => (judged.clone(), at),
                _ => return Standing::Claimed,
            }
        };
        let Some(place) = step.position.filter(|place| *place <= last) else {
            return Standing::Claimed;
        };
        {
            let chain = self.book.chain();
            let positions = &chain.positions;
            if !positions.holds(last, judged.commit) || !positions.holds(place, step.commit) {
                return Standing::Claimed;
            }
        }
        let (ledger, policies) = (&self.opened.ledger, &mut self.policies);
        Standing::by(&judged.verdict, step, || log::roles(ledger, policies, step))
    }

    /// The entry at a place, with all its events.
    pub fn read(&self, place: u64, commit: ObjectId) -> Step {
        let mut walk = Walk::new(
            self.opened.ledger.reader(),
            commit,
            std::collections::BTreeSet::new(),
        );
        let mut step = walk.look(commit, place);
        walk.complete(&mut step);
        step
    }

    /// The place and commit of an entry.
    pub fn find(&self, wanted: &Wanted) -> Result<(u64, ObjectId), Problem> {
        let absent = || {
            let name = match wanted {
                Wanted::Number(number) => format!("entry {number}"),
                Wanted::Commit(hex) => format!("commit {hex}"),
            };
            let newest = self.newest();
            let newest =
                newest.map_or_else(String::new, |(at, _)| format!("; the newest is entry {at}"));
            Problem::new(
                Fault::Absent,
                format!("there is no {name} in this ledger{newest}"),
            )
        };
        if self.newest().is_some() {
            let place = match wanted {
                Wanted::Number(number) => *number,
                Wanted::Commit(hex) => {
                    let found = self.book.chain().positions.find(hex);
                    match found.as_slice() {
                        [place] => *place,
                        [] => return Err(absent()),
                        _ => {
                            let why = format!("several commits begin with {hex}");
                            let problem = Problem::new(Fault::Asked, why);
                            return Err(problem.hint("more digits tell them apart"));
                        }
                    }
                }
            };
            let commit = self.at(place).ok_or_else(absent)?;
            return Ok((place, commit));
        }
        let (budget, mut looked_at) = (Budget::new(), 0);
        let Some(walk) = self.walk(None)? else {
            return Err(absent());
        };
        for step in walk {
            looked_at += 1;
            if !budget.allows(looked_at) {
                break;
            }
            let Some(place) = step.position else { continue };
            let fits = match wanted {
                Wanted::Number(number) => place == *number,
                Wanted::Commit(hex) => step.commit.to_string().starts_with(hex),
            };
            if fits {
                return Ok((place, step.commit));
            }
        }
        Err(later())
    }

    /// The policy that a commit holds.
    pub fn policy(&self, commit: ObjectId) -> Option<Policy> {
        self.opened.ledger.tip_at(commit).ok().map(|tip| tip.policy)
    }

    /// The change of the policy at an entry, if there is one.
    pub fn change(&mut self, number: u64) -> Option<PolicyChange> {
        let step = self.read(number, self.at(number)?);
        let What::Entry(link) = &step.what else {
            return None;
        };
        if step.policy_changed == Some(false) {
            return None;
        }
        let (before, after) = (link.parent, link.id);
        let all = link.entry.events.len();
        Some(PolicyChange {
            before: before.and_then(|id| self.policy(id)),
            after: self.policy(after),
            row: self.row(Selected {
                step,
                matching: (0..all).collect(),
            }),
        })
    }
}

/// Not counted yet.
pub fn later() -> Problem {
    Problem::new(
        Fault::Later,
        "the entries of this ledger are still being counted",
    )
    .hint("try again in a moment")
}
