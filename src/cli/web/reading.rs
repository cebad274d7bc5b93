//! What pages ask of a ledger, read from the chain as `log`, `show`, `trace` and `prove` read it,
//! within bounds: a request that would take too long says how far it came.

use std::time::{Duration, Instant};

use git_ledger::commit::Link;
use git_ledger::index::{Advance, Finder, Index, Pursuit};
use git_ledger::ledger::ObjectReader;
use git_ledger::listener::Host as _;
use git_ledger::policy::Policy;
use git_ledger::proof::{self, History};
use git_ledger::query::key::Key;
use git_ledger::query::tally::Tally;
use git_ledger::query::{End, Filter, Selected, Step, Walk, What};
use git_ledger::report::entries::Standing;
use git_ledger::store::Store as _;
use git_ledger::web::Book;
use git_ledger::web::answers::{
    Counted, EntryView, Fault, Followed, Known, Page, Place, PolicyChange, PolicyHistory, Problem,
    Row, TraceView, Wanted,
};
use gix::ObjectId;
use tokio::sync::watch;

use super::book::{AT_ONCE, LedgerBook, lock};
use crate::cli::context::Opened;
use crate::cli::log::{self, Policies};
use crate::cli::{index, prove, selection, trace};

/// Entries one request looks at.
const ENTRIES: u64 = 50_000;
/// How long one request looks.
const TIME: Duration = Duration::from_secs(2);
/// Entries that are handed at once to whoever follows.
const FOLLOWED: u64 = 500;
/// Changes of the policy on one page.
const CHANGES: usize = 300;
/// Values of one key that an entry leads on by.
const RELATED: usize = 12;

/// How much one request may look at.
struct Budget {
    until: Instant,
}

impl Budget {
    fn new() -> Budget {
        Budget {
            until: Instant::now() + TIME,
        }
    }

    /// Half of what is left.
    fn half(&self) -> Budget {
        let now = Instant::now();
        Budget {
            until: now + self.until.saturating_duration_since(now) / 2,
        }
    }

    fn allows(&self, looked_at: u64) -> bool {
        // a clock that is asked for each entry costs more than some entries do
        looked_at < ENTRIES && (!looked_at.is_multiple_of(32) || Instant::now() < self.until)
    }
}

/// A ledger as one request sees it.
struct Sight<'a> {
    book: &'a LedgerBook,
    opened: &'a Opened,
    tip: ObjectId,
    /// Whether the chain is counted up to this tip.
    counted: bool,
    policies: Policies,
}

impl<'a> Sight<'a> {
    fn of(book: &'a LedgerBook, opened: &'a Opened) -> Result<Sight<'a>, Problem> {
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

    fn filter(&self, query: &str) -> Result<Filter, Problem> {
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
    fn newest(&self) -> Option<(u64, ObjectId)> {
        self.counted
            .then(|| self.book.chain().positions.newest())
            .flatten()
            .filter(|(_, commit)| *commit == self.tip)
    }

    fn at(&self, place: u64) -> Option<ObjectId> {
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
    fn finder(
        &self,
        filter: &mut Filter,
        before: Option<u64>,
    ) -> Result<Option<(Finder<ObjectReader>, bool)>, Problem> {
        let found = match filter.is_empty() {
            true => None,
            false => index::to_search(self.opened).map_err(|why| self.book.problem(why))?,
        };
        let Some(walk) = self.walk(before)? else {
            return Ok(None);
        };
        // where it is not counted the walk begins at the newest entry
        if let Some(before) = before {
            filter.only_below(before);
        }
        let by_index = found.is_some();
        let within = found
            .as_ref()
            .is_some_and(|index| self.is_within(index, before));
        Ok(Some(match found {
            Some(index) if within => (Finder::within(walk, index, filter), true),
            found => (Finder::new(walk, found), by_index),
        }))
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

    fn row(&mut self, selected: Selected) -> Row {
        let standing = self.standing(&selected.step);
        Row { selected, standing }
    }

    /// Where an entry stands: by the verdict, if it is one of those that the verdict is about.
    fn standing(&mut self, step: &Step) -> Standing {
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
    fn read(&self, place: u64, commit: ObjectId) -> Step {
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
    fn find(&self, wanted: &Wanted) -> Result<(u64, ObjectId), Problem> {
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

    fn policy(&self, commit: ObjectId) -> Option<Policy> {
        self.opened.ledger.tip_at(commit).ok().map(|tip| tip.policy)
    }

    fn change(&mut self, number: u64) -> Option<PolicyChange> {
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

fn later() -> Problem {
    Problem::new(
        Fault::Later,
        "the entries of this ledger are still being counted",
    )
    .hint("try again in a moment")
}

impl Book for LedgerBook {
    fn slug(&self) -> &str {
        &self.name.slug
    }

    fn known(&self) -> Known {
        LedgerBook::known(self)
    }

    fn page(&self, query: &str, before: Option<u64>, limit: usize) -> Result<Page, Problem> {
        let opened = self.opened()?;
        let mut sight = Sight::of(self, &opened)?;
        let mut filter = sight.filter(query)?;
        let mut page = Page {
            query: query.to_owned(),
            rows: Vec::new(),
            before,
            limit,
            older: None,
            looked_at: 0,
            gave_up: false,
            by_index: false,
            cut_off: false,
        };
        let Some((mut finder, by_index)) = sight.finder(&mut filter, before)? else {
            return Ok(page);
        };
        page.by_index = by_index;
        let (budget, mut last) = (Budget::new(), None);
        loop {
            let full = page.rows.len() >= limit;
            if full || !budget.allows(page.looked_at) {
                page.gave_up = !full;
                page.older = last.filter(|last| *last > 0);
                break;
            }
            page.looked_at += 1;
            match finder.advance(&filter) {
                Advance::Found(selected) => {
                    let row = sight.row(*selected);
                    last = row.number().or(last);
                    page.rows.push(row);
                }
                Advance::Passed(place) => last = place.or(last),
                Advance::Over => break,
            }
        }
        page.cut_off = finder.end() == Some(End::CutOff);
        if finder.was_misled() {
            index::look_after(&opened, true);
        }
        Ok(page)
    }

    fn after(&self, query: &str, place: Option<Place>) -> Result<Followed, Problem> {
        let opened = self.opened()?;
        let mut sight = Sight::of(self, &opened)?;
        let filter = sight.filter(query)?;
        let Some((newest, commit)) = sight.newest() else {
            return Err(later());
        };
        let now = Place {
            number: Some(newest),
            commit: Some(commit),
        };
        let followed = |rows, upto: Place, rewound| Followed {
            rows,
            complete: upto.number == Some(newest),
            upto,
            rewound,
        };
        let Some(place) = place else {
            return Ok(followed(Vec::new(), now, false));
        };
        let moved = |number: u64| {
            let here = sight.at(number);
            number > newest || place.commit.is_some_and(|commit| here != Some(commit))
        };
        if place.number.is_some_and(moved) {
            return Ok(followed(Vec::new(), now, true));
        }
        let first = place.number.map_or(0, |number| number + 1);
        let last = newest.min(first.saturating_add(FOLLOWED - 1));
        let (mut rows, mut upto) = (Vec::new(), place);
        for number in first..=last {
            let Some(commit) = sight.at(number) else {
                break;
            };
            let step = sight.read(number, commit);
            if let Some(selected) = filter.select(step) {
                rows.push(sight.row(selected));
            }
            upto = Place {
                number: Some(number),
                commit: Some(commit),
            };
        }
        Ok(followed(rows, upto, false))
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn entry(&self, wanted: &Wanted) -> Result<EntryView, Problem> {
        let opened = self.opened()?;
        let mut sight = Sight::of(self, &opened)?;
        let (place, commit) = sight.find(wanted)?;
        let step = sight.read(place, commit);
        let mut view = EntryView {
            position: Some(place),
            previous: place.checked_sub(1).filter(|place| {
                // a walk that has not counted cannot tell where history is cut off
                sight.newest().is_none() || sight.at(*place).is_some()
            }),
            next: Some(place + 1).filter(|place| sight.at(*place).is_some()),
            raw: None,
            attachments: Vec::new(),
            roles: None,
            policy: None,
            related: Vec::new(),
            row: Row {
                selected: Selected {
                    step: step.clone(),
                    matching: Vec::new(),
                },
                standing: sight.standing(&step),
            },
        };
        match &step.what {
            What::Broken { raw, .. } => view.raw.clone_from(raw),
            What::Entry(link) => {
                view.row.selected.matching = (0..link.entry.events.len()).collect();
                view.raw = Some(link.raw().to_vec());
                let digests = crate::cli::show::attachments(link);
                let digests = digests.into_iter().map(|digest| {
                    let size = crate::cli::show::size(&opened, link, digest).ok();
                    (digest.to_owned(), size)
                });
                view.attachments = digests.collect();
                let before = link.parent.and_then(|id| sight.policy(id));
                let own = match step.policy_changed {
                    Some(false) => None,
                    _ => sight.policy(link.id),
                };
                let in_force = match link.parent {
                    Some(_) => before.as_ref(),
                    None => own.as_ref(),
                };
                view.roles = in_force.map(|policy| {
                    let row = policy.row(link.signature.key());
                    row.map(|(_, row)| row.roles.clone()).unwrap_or_default()
                });
                if step.policy_changed != Some(false) {
                    view.policy = Some((before, own));
                }
                view.related = related(link);
            }
        }
        Ok(view)
    }

    fn proof(&self, number: u64) -> Result<Vec<u8>, Problem> {
        let opened = self.opened()?;
        let sight = Sight::of(self, &opened)?;
        let Some((newest, _)) = sight.newest() else {
            return Err(later());
        };
        sight.find(&Wanted::Number(number))?;
        let totals = self.state().totals.clone();
        // a proof takes a list of all commits in memory, so there is one at a time
        let _alone = lock(&self.proving);
        let (all, first) = {
            let chain = self.chain();
            (chain.positions.all(), chain.positions.first())
        };
        let broken = |failure| {
            let mut problem = self.problem(failure);
            problem.fault = Fault::Broken;
            problem
        };
        let mut history = match totals.filter(|totals| totals.read > newest) {
            Some(totals) if first == 0 => {
                let changes = totals.policy_changes.clone();
                History::known(opened.ledger.reader(), all, changes)
            }
            _ if newest < ENTRIES => prove::history(&opened, sight.tip).map_err(broken)?,
            _ => return Err(later()),
        };
        let built = proof::receipt(&mut history, number, newest)
            .map_err(|error| broken(prove::failure(error)))?;
        prove::pinned(&opened, &built).map_err(broken)?;
        Ok(built.proof.to_bytes())
    }

    fn trace(&self, of: &str) -> Result<TraceView, Problem> {
        let opened = self.opened()?;
        let mut sight = Sight::of(self, &opened)?;
        let first = trace::first(of).map_err(|failure| self.problem(failure))?;
        let budget = Budget::new();
        let pursuit = Pursuit::of(
            &first,
            false,
            |filter| {
                let found = sight.finder(&mut filter.clone(), None)?;
                let (finder, _) = found.ok_or_else(later)?;
                Ok(finder)
            },
            || {
                // what it leads to is near it: the first search may not take all the time there is
                let budget = budget.half();
                move |looked_at| budget.allows(looked_at)
            },
        )?;
        if pursuit.misled {
            index::look_after(&opened, true);
        }
        let gaps = pursuit.gaps();
        let steps = pursuit.found.into_values().map(|selected| {
            let stages = trace::stages(&selected);
            (sight.row(selected), stages)
        });
        Ok(TraceView {
            of: of.to_owned(),
            steps: steps.collect(),
            gaps,
            looked_at: pursuit.looked_at,
            gave_up: pursuit.gave_up,
        })
    }

    fn policy(&self) -> Result<PolicyHistory, Problem> {
        let opened = self.opened()?;
        let mut sight = Sight::of(self, &opened)?;
        let totals = self.state().totals.clone();
        let Some(totals) = totals.filter(|_| sight.counted) else {
            return Ok(PolicyHistory {
                changes: Vec::new(),
                complete: false,
            });
        };
        let all = &totals.policy_changes;
        let newest = all.iter().rev().take(CHANGES);
        let changes: Vec<PolicyChange> = newest.filter_map(|at| sight.change(*at)).collect();
        Ok(PolicyHistory {
            complete: totals.is_complete() && all.len() <= CHANGES,
            changes,
        })
    }

    fn policy_change(&self, number: u64) -> Result<PolicyChange, Problem> {
        let opened = self.opened()?;
        let mut sight = Sight::of(self, &opened)?;
        let (place, _) = sight.find(&Wanted::Number(number))?;
        if sight.newest().is_none() {
            return Err(later());
        }
        sight.change(place).ok_or_else(|| {
            let why = format!("entry {number} does not change the policy");
            Problem::new(Fault::Absent, why)
        })
    }

    fn stats(&self, query: &str) -> Result<Counted, Problem> {
        let opened = self.opened()?;
        let sight = Sight::of(self, &opened)?;
        let mut filter = sight.filter(query)?;
        let mut counted = Counted {
            query: query.to_owned(),
            tally: Tally::default(),
            looked_at: 0,
            gave_up: false,
        };
        let totals = self.state().totals.clone();
        if let Some(totals) = totals.filter(|_| filter.is_empty()) {
            counted.tally = totals.tally.clone();
            counted.looked_at = totals.read;
            counted.gave_up = !totals.is_complete();
            return Ok(counted);
        }
        let Some((mut finder, _)) = sight.finder(&mut filter, None)? else {
            return Ok(counted);
        };
        let budget = Budget::new();
        loop {
            if !budget.allows(counted.looked_at) {
                counted.gave_up = true;
                break;
            }
            counted.looked_at += 1;
            match finder.advance(&filter) {
                Advance::Found(selected) => counted.tally.add(&selected),
                Advance::Passed(_) => {}
                Advance::Over => break,
            }
        }
        if finder.was_misled() {
            index::look_after(&opened, true);
        }
        Ok(counted)
    }
}

/// What the events of an entry name that a trace can begin at.
fn related(link: &Link) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for key in [Key::Commit, Key::Ref, Key::Run, Key::Artifact, Key::Subject] {
        let mut values: Vec<String> = Vec::new();
        for event in &link.entry.events {
            key.values(link, event, &mut |value| {
                if !value.is_empty() && values.iter().all(|known| known != value) {
                    values.push(value.to_owned());
                }
                values.len() >= RELATED
            });
        }
        all.extend(values.into_iter().map(|value| (key.name(), value)));
    }
    all
}
