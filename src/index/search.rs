//! Entries that a filter selects, the newest first: from the chain where the index does not reach,
//! by the index from where the walk meets it.

use gix::ObjectId;
use rusqlite::{OptionalExtension as _, params};

use crate::query::{End, Filter, Place, Selected, Step, Walk, What};
use crate::store::Read;

use super::{EVENTS, Error, Head, Index, terms};

/// Rows asked for at once: no statement stays open while a reader thinks.
const ROWS: i64 = 256;

/// What goes from the newest entry to the first and hands out what a filter selects.
pub struct Finder<R> {
    walk: Walk<R>,
    index: Option<(Index, Head)>,
    stage: Stage,
    misled: bool,
}

/// What one step of a search came to.
#[derive(Debug)]
pub enum Advance {
    /// An entry that the filter selects.
    Found(Box<Selected>),
    /// An entry that it does not, at this place.
    Passed(Option<u64>),
    /// There are no more.
    Over,
}

enum Stage {
    /// Along the chain; where the index gave up, places from here on have been handed out.
    Chain { below: Option<u64> },
    /// By the index.
    Index(Candidates),
}

/// Positions the index names, the highest first.
struct Candidates {
    expression: Option<String>,
    from: u64,
    /// Where to go on, not included.
    below: u64,
    /// The last one that was looked at.
    done: u64,
    /// The next ones last, each with its commit as far as the index knows one.
    waiting: Vec<(u64, Option<ObjectId>)>,
    exhausted: bool,
}

impl<R: Read> Finder<R> {
    /// Finds along this walk, and by the index from the place where the two meet. A walk that
    /// knows of a boundary, or that somebody has counted, is better followed alone.
    pub fn new(walk: Walk<R>, index: Option<Index>) -> Finder<R> {
        let index = index.and_then(|index| {
            let head = index.head().ok().flatten()?;
            Some((index, head))
        });
        Finder {
            walk,
            index,
            stage: Stage::Chain { below: None },
            misled: false,
        }
    }

    /// The same where somebody has counted, and knows that the index is of this chain and that the
    /// walk begins at or below its end.
    pub fn within(walk: Walk<R>, index: Index, filter: &Filter) -> Finder<R> {
        let mut finder = Finder::new(walk, Some(index));
        finder.stage = finder.by_index(filter, 1);
        finder
    }

    /// The next entry that the filter selects; the same filter every time.
    pub fn next(&mut self, filter: &Filter) -> Option<Selected> {
        loop {
            match self.advance(filter) {
                Advance::Found(selected) => return Some(*selected),
                Advance::Passed(_) => {}
                Advance::Over => return None,
            }
        }
    }

    /// Looks at one more entry, so that whoever has little time can give up in between.
    pub fn advance(&mut self, filter: &Filter) -> Advance {
        match &mut self.stage {
            Stage::Chain { below } => {
                let below = *below;
                let Some(step) = self.walk.next() else {
                    return Advance::Over;
                };
                let place = step.position;
                if filter.is_below(&step) {
                    return Advance::Over;
                }
                if below.is_some_and(|below| place.is_some_and(|at| at >= below)) {
                    return Advance::Passed(place);
                }
                if self.meets(&step) {
                    self.stage = self.by_index(filter, 0);
                }
                match filter.select(step) {
                    Some(selected) => Advance::Found(Box::new(selected)),
                    None => Advance::Passed(place),
                }
            }
            Stage::Index(candidates) => {
                let done = candidates.done;
                self.look(filter).unwrap_or_else(|()| {
                    // the chain decides, from where the index was last right
                    self.misled = true;
                    self.index = None;
                    self.stage = Stage::Chain { below: Some(done) };
                    Advance::Passed(Some(done))
                })
            }
        }
    }

    /// Reads a step again that was handed out before.
    pub fn again(&mut self, place: &Place) -> Step {
        self.walk.again(place)
    }

    /// How the walk ended; nothing while it goes on, or where the index went in its place.
    pub fn end(&self) -> Option<End> {
        self.walk.end()
    }

    /// Whether the index turned out not to be of this chain.
    pub fn was_misled(&self) -> bool {
        self.misled
    }

    /// Whether this step is where the index ends, byte for byte.
    fn meets(&self, step: &Step) -> bool {
        let (Some((_, head)), What::Entry(link)) = (&self.index, &step.what) else {
            return false;
        };
        head.commit == step.commit
            && head.digest == link.digest()
            && step.position == Some(head.position)
            && link.entry.number() == head.position
    }

    /// Where the index begins: with the entry it ends at, if that is `ahead`, or behind it.
    fn by_index(&self, filter: &Filter, ahead: u64) -> Stage {
        let Some((index, head)) = &self.index else {
            return Stage::Chain { below: None };
        };
        let reach = filter.reach();
        let (since, until) = filter.times();
        let from = since.map_or(Ok(0), |since| index.first_at(since, head.position));
        let to = until.map_or(Ok(u64::MAX), |until| {
            index.first_at(until.saturating_add(1), head.position)
        });
        let (Ok(from), Ok(to)) = (from, to) else {
            return Stage::Chain { below: None };
        };
        let begin = head.position.saturating_add(ahead);
        let top = reach.to.map_or(u64::MAX, |to| to.saturating_add(1));
        Stage::Index(Candidates {
            expression: terms::expression(filter),
            from: from.max(reach.from.unwrap_or(0)),
            below: begin.min(to).min(top),
            done: begin,
            waiting: Vec::new(),
            exhausted: false,
        })
    }

    /// The next entry that the index names. An error: what the index says is not so.
    fn look(&mut self, filter: &Filter) -> Result<Advance, ()> {
        let (Some((index, _)), Stage::Index(candidates)) = (&self.index, &mut self.stage) else {
            return Err(());
        };
        while candidates.waiting.is_empty() {
            if candidates.exhausted {
                return Ok(Advance::Over);
            }
            index.more(candidates).map_err(|_| ())?;
        }
        let Some((position, commit)) = candidates.waiting.last().copied() else {
            return Err(());
        };
        let commit = commit.ok_or(())?;
        let step = self.walk.look(commit, position);
        match &step.what {
            What::Entry(link) if link.entry.number() == position => {}
            _ => return Err(()),
        }
        candidates.waiting.pop();
        candidates.done = position;
        Ok(match filter.select(step) {
            Some(mut selected) => {
                self.walk.complete(&mut selected.step);
                Advance::Found(Box::new(selected))
            }
            None => Advance::Passed(Some(position)),
        })
    }
}

impl Index {
    /// The first position that is dated at or after a time, if it stands at or below `last`, else
    /// the one behind that. Times never fall in what was verified.
    fn first_at(&self, time: u64, last: u64) -> Result<u64, Error> {
        let mut statement = self
            .database
            .prepare("SELECT time FROM entry WHERE position = ?1")?;
        let (mut low, mut high) = (0, last.saturating_add(1));
        while low < high {
            let middle = low + (high - low) / 2;
            let there: i64 =
                statement.query_row(params![middle.cast_signed()], |row| row.get(0))?;
            if u64::try_from(there).unwrap_or(0) >= time {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    fn more(&self, candidates: &mut Candidates) -> Result<(), Error> {
        let (from, below) = (candidates.from, candidates.below);
        let row = |position: u64| position.saturating_mul(EVENTS).cast_signed();
        let mut found: Vec<u64> = Vec::new();
        let mut count = 0;
        if from < below {
            match &candidates.expression {
                Some(expression) => {
                    let mut statement = self.database.prepare(super::BY_TERM)?;
                    let values = params![expression, row(from), row(below) - 1, ROWS];
                    let mut rows = statement.query(values)?;
                    while let Some(row) = rows.next()? {
                        count += 1;
                        let id: i64 = row.get(0)?;
                        let position = u64::try_from(id).unwrap_or(0) / EVENTS;
                        // events of one entry stand side by side
                        if found.last() != Some(&position) {
                            found.push(position);
                        }
                    }
                }
                None => {
                    let mut statement = self.database.prepare(super::BY_POSITION)?;
                    let values = params![from.cast_signed(), below.cast_signed() - 1, ROWS];
                    let mut rows = statement.query(values)?;
                    while let Some(row) = rows.next()? {
                        count += 1;
                        let position: i64 = row.get(0)?;
                        found.push(u64::try_from(position).unwrap_or(0));
                    }
                }
            }
        }
        candidates.exhausted = count < ROWS;
        if let Some(last) = found.last() {
            candidates.below = *last;
        }
        // an entry's own rows may have been cut off behind the last; it is looked at all the same
        let mut statement = self
            .database
            .prepare("SELECT id FROM entry WHERE position = ?1")?;
        candidates.waiting.clear();
        for position in found.into_iter().rev() {
            let id: Option<Vec<u8>> = statement
                .query_row(params![position.cast_signed()], |row| row.get(0))
                .optional()?;
            let id = id.and_then(|id| ObjectId::try_from(id.as_slice()).ok());
            candidates.waiting.push((position, id));
        }
        Ok(())
    }
}
