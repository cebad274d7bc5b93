//! What pages ask of a ledger, read from the chain as `log`, `show`, `trace` and `prove` read it,
//! within bounds: a request that would take too long says how far it came.

use git_ledger::commit::Link;
use git_ledger::index::{Advance, Pursuit};
use git_ledger::proof::{self, History};
use git_ledger::query::key::Key;
use git_ledger::query::tally::Tally;
use git_ledger::query::{End, Selected, What};
use git_ledger::store::Store as _;
use git_ledger::web::Book;
use git_ledger::web::answers::{
    Counted, EntryView, Fault, Followed, Known, Page, Place, PolicyChange, PolicyHistory, Problem,
    Row, TraceView, Wanted,
};
use tokio::sync::watch;

use super::book::{LedgerBook, lock};
use super::sight::{Budget, ENTRIES, Sight, later};
use crate::cli::{prove, show, trace};

/// Entries that are handed at once to whoever follows.
const FOLLOWED: u64 = 500;
/// Bytes of entries that one answer holds, and one piece of what is handed to whoever follows.
const BYTES: usize = 64 << 20;
const PIECE: usize = 2 << 20;
/// Changes of the policy on one page.
const CHANGES: usize = 300;
/// Values of one key that an entry leads on by.
const RELATED: usize = 12;

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
        let (budget, mut last, mut bytes) = (Budget::new(), None, 0);
        loop {
            let full = page.rows.len() >= limit;
            if full || bytes >= BYTES || !budget.allows(page.looked_at) {
                page.gave_up = !full;
                page.older = last.filter(|last| *last > 0);
                break;
            }
            page.looked_at += 1;
            match finder.advance(&filter) {
                Advance::Found(selected) => {
                    let row = sight.row(*selected);
                    bytes += size(&row);
                    last = row.number().or(last);
                    page.rows.push(row);
                }
                Advance::Passed(place) => last = place.or(last),
                Advance::Over => break,
            }
        }
        page.cut_off = finder.end() == Some(End::CutOff);
        if finder.was_misled() {
            self.forget_index(&opened);
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
        let (mut rows, mut upto, mut bytes) = (Vec::new(), place, 0);
        for number in first..=last {
            if bytes >= PIECE {
                break;
            }
            let Some(commit) = sight.at(number) else {
                break;
            };
            let step = sight.read(number, commit);
            if let Some(selected) = filter.select(step) {
                let row = sight.row(selected);
                bytes += size(&row);
                rows.push(row);
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
                let digests = show::attachments(link);
                let digests = digests.into_iter().map(|digest| {
                    let size = show::size(&opened, link, digest).ok();
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
            self.forget_index(&opened);
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
            self.forget_index(&opened);
        }
        Ok(counted)
    }
}

/// Bytes of an entry.
fn size(row: &Row) -> usize {
    match &row.selected.step.what {
        What::Entry(link) => link.raw().len(),
        What::Broken { raw, .. } => raw.as_ref().map_or(0, Vec::len),
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
