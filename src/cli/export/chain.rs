//! The piece of the chain that is to be exported: judged first, then read from its oldest entry.

use git_ledger::date::rfc3339;
use git_ledger::event::Event;
use git_ledger::export::cursor::{At, Cursor};
use git_ledger::export::{ENTRY_BROKEN, Record};
use git_ledger::finding::{Answer, FindingId};
use git_ledger::json::Object;
use git_ledger::ledger::ObjectReader;
use git_ledger::merkle::{Hash, hex, leaf};
use git_ledger::query::{End, Filter, Place, Step, Walk, What};
use git_ledger::report::entries::Standing;
use git_ledger::report::verdict::{self, Frame};
use git_ledger::verify::Verdict;
use gix::ObjectId;

use crate::cli::context::{Context, Opened};
use crate::cli::failure::{Exit, Failure};
use crate::cli::{log, terminal};

/// What the records rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Everything is verified first.
    Verified,
    /// Nothing is.
    Claims,
}

/// Whether the cursor stands at the newest entry, and nothing about it is open.
pub fn is_done(cursor: Option<&Cursor>, tip: ObjectId, trust: Trust) -> bool {
    cursor.is_some_and(|cursor| {
        let there = cursor.at.as_ref().map(|at| at.commit.as_str());
        there == Some(tip.to_string().as_str()) && (cursor.verified || trust == Trust::Claims)
    })
}

/// A place that was selected.
struct Spot {
    place: Place,
    /// How many entries are newer.
    distance: u64,
    /// T of the newest readable entry before it, for one that is broken itself.
    before: u64,
}

/// Entries between a cursor and a tip.
pub struct Piece<'a> {
    opened: &'a Opened,
    walk: Walk<ObjectReader>,
    /// The oldest last.
    spots: Vec<Spot>,
    judged: Option<(Verdict, Vec<String>)>,
    /// The number of the tip, where somebody has counted.
    count: Option<u64>,
    newest: Option<At>,
    end: Option<End>,
    broken: u64,
    /// The ledger's fingerprint, where entry 0 was seen.
    pub ledger: Option<String>,
}

/// One entry with what is known of it.
pub struct Entry {
    step: Step,
    matching: Vec<usize>,
    standing: Standing,
    before: u64,
    commit: String,
    digest: Option<String>,
    key: Option<String>,
    why: String,
    /// The event that stands for an entry that is broken.
    substitute: Option<Event>,
}

fn sum(hash: &Hash) -> String {
    format!("sha256:{}", hex(hash))
}

fn digest(step: &Step) -> Option<String> {
    match &step.what {
        What::Entry(link) => Some(sum(&link.digest())),
        What::Broken { raw: Some(raw), .. } => Some(sum(&leaf(raw))),
        What::Broken { raw: None, .. } => None,
    }
}

impl<'a> Piece<'a> {
    /// Judges what is between the cursor and the tip, or all of it where the cursor does not rest
    /// on a verdict, and finds the entries that the filter selects.
    pub fn of(
        opened: &'a Opened,
        filter: &Filter,
        cursor: Option<&Cursor>,
        tip: ObjectId,
        trust: Trust,
    ) -> Result<Piece<'a>, Failure> {
        let pinned = opened.settings.fingerprint;
        if let (Some(pinned), Some(ledger)) = (pinned, cursor.and_then(|c| c.ledger.as_ref()))
            && sum(&pinned) != *ledger
        {
            return Err(Failure::no(format!(
                "breach: the cursor belongs to the ledger {ledger}, and {} is pinned here",
                sum(&pinned)
            )));
        }
        let mut piece = Piece {
            opened,
            walk: log::walk_from(opened, tip)?,
            spots: Vec::new(),
            judged: None,
            count: None,
            newest: None,
            end: None,
            broken: 0,
            ledger: cursor.and_then(|cursor| cursor.ledger.clone()),
        };
        let met = piece.collect(filter, cursor, trust)?;
        if trust == Trust::Verified {
            let base = cursor.filter(|cursor| cursor.verified).and(met);
            let judged = crate::cli::verify::judge_from(opened, pinned, None, tip, base)?;
            if let Some(found) = judged.0.fingerprint {
                piece.is_of(&sum(&found))?;
                piece.count = piece.count.or(judged.0.entries.checked_sub(1));
            }
            piece.judged = Some(judged);
        }
        if let (Some(count), Some(newest)) = (piece.count, &mut piece.newest) {
            newest.number = count;
        }
        Ok(piece)
    }

    /// Walks from the tip down to the cursor, which must be there. Returns the cursor's commit.
    fn collect(
        &mut self,
        filter: &Filter,
        cursor: Option<&Cursor>,
        trust: Trust,
    ) -> Result<Option<ObjectId>, Failure> {
        let at = cursor.and_then(|cursor| cursor.at.as_ref());
        let (mut distance, mut open_ends, mut oldest) = (0u64, 0, None);
        loop {
            let Some(step) = self.walk.next() else { break };
            let commit = step.commit.to_string();
            if let Some(at) = at.filter(|at| at.commit == commit) {
                if digest(&step).is_none_or(|digest| digest != at.digest) {
                    return Err(Failure::no(format!(
                        "breach: entry {} (commit {}) is not {} as the cursor says",
                        at.number, at.commit, at.digest
                    )));
                }
                self.count = Some(at.number + distance);
                return Ok(Some(step.commit));
            }
            let below = at.is_some_and(|at| {
                step.gapless && step.position.is_some_and(|position| position < at.number)
            });
            let enough = at.is_none() && filter.is_below(&step) && {
                // without a verdict only the walk to entry 0 tells which ledger this is
                trust == Trust::Verified || self.ledger.is_some()
            };
            if below || enough {
                break;
            }
            if distance == 0 {
                self.newest = digest(&step).zip(step.position).map(|(digest, number)| At {
                    number,
                    digest,
                    commit,
                });
            }
            oldest = digest(&step);
            let broken = matches!(step.what, What::Broken { .. });
            if let What::Entry(link) = &step.what {
                let waiting = self.spots.len() - open_ends;
                for spot in self.spots.iter_mut().skip(waiting) {
                    spot.before = link.time;
                }
                open_ends = 0;
            }
            let place = step.place();
            if filter.select(step).is_some() {
                self.spots.push(Spot {
                    place,
                    distance,
                    before: 0,
                });
                if broken {
                    open_ends += 1;
                    self.broken += 1;
                }
            }
            distance += 1;
        }
        self.end = self.walk.end();
        if self.end == Some(End::Root) {
            self.count = distance.checked_sub(1);
            if let Some(found) = oldest {
                self.is_of(&found)?;
            }
        }
        match at {
            None => Ok(None),
            Some(at) if self.end == Some(End::CutOff) => Err(Failure {
                exit: Exit::Unknown,
                ..Failure::cannot(format!(
                    "this repository is shallow and does not reach back to the cursor at entry {}",
                    at.number
                ))
            }
            .hint("git fetch --unshallow brings the older entries")),
            Some(at) => Err(Failure::no(format!(
                "breach: entry {} ({}), which was exported, is not in '{}' any more",
                at.number,
                at.digest,
                self.opened.ledger.reference()
            ))
            .hint("the ledger was rewritten or rolled back: 'git ledger verify' and 'git ledger compare' tell")
            .hint("nothing was exported, and the cursor stays")),
        }
    }

    /// Takes a fingerprint that was found; it must be the cursor's.
    fn is_of(&mut self, found: &str) -> Result<(), Failure> {
        match &self.ledger {
            Some(ledger) if ledger != found => Err(Failure::no(format!(
                "breach: the cursor belongs to the ledger {ledger}, and this is {found}"
            ))
            .hint("nothing was exported, and the cursor stays")),
            _ => {
                self.ledger = Some(found.to_owned());
                Ok(())
            }
        }
    }

    /// Says what is wrong, on standard error; a sound ledger needs no words here.
    pub fn tell(&self, context: &Context) -> Result<(), Failure> {
        log::tell_end(self.end);
        if let Some((judged, ignored)) = &self.judged
            && judged.answer() != Answer::Sound
        {
            let frame = Frame {
                subject: self.opened.ledger.reference().to_owned(),
                now: context.clock()?,
                ignored: ignored.clone(),
                ..Frame::default()
            };
            terminal::tell(verdict::text(judged, &frame).trim_end());
        }
        Ok(())
    }

    /// What the verdict says; without one, a breach where entries are broken.
    pub fn answer(&self) -> Option<Answer> {
        match &self.judged {
            Some((judged, _)) => Some(judged.answer()),
            None => (self.broken > 0).then_some(Answer::Breach),
        }
    }

    /// The newest entry.
    pub fn newest(&self) -> Option<At> {
        self.newest.clone()
    }

    /// The next entry, the oldest first.
    pub fn next(&mut self, filter: &Filter) -> Option<Entry> {
        loop {
            let spot = self.spots.pop()?;
            let mut step = self.walk.again(&spot.place);
            if let Some(count) = self.count {
                step.position = count.checked_sub(spot.distance);
            }
            let standing = match &self.judged {
                None => Standing::Claimed,
                // roles are not told in records
                Some((judged, _)) => Standing::by(judged, &step, Vec::new),
            };
            if let Some(selected) = filter.select(step) {
                return Some(Entry::new(
                    selected.step,
                    selected.matching,
                    standing,
                    spot.before,
                ));
            }
        }
    }
}

impl Entry {
    fn new(step: Step, matching: Vec<usize>, mut standing: Standing, before: u64) -> Entry {
        let mut substitute = None;
        if let What::Broken { finding, .. } = &step.what {
            // whatever else is known, what cannot be read is broken
            if !matches!(standing, Standing::Breach(_)) {
                standing = Standing::Breach(vec![finding.id]);
            }
            substitute = stand_in(&step, finding.id, &finding.detail, before);
        }
        Entry {
            commit: step.commit.to_string(),
            digest: digest(&step),
            key: match &step.what {
                What::Entry(link) => Some(link.signature.key().fingerprint()),
                What::Broken { .. } => None,
            },
            why: standing.why(),
            step,
            matching,
            standing,
            before,
            substitute,
        }
    }

    /// Where it stands, for the cursor; nothing for one that cannot be named.
    pub fn at(&self) -> Option<At> {
        Some(At {
            number: self.number()?,
            digest: self.digest.clone()?,
            commit: self.commit.clone(),
        })
    }

    fn number(&self) -> Option<u64> {
        self.step.position.or(match &self.step.what {
            What::Entry(link) => Some(link.entry.number()),
            What::Broken { .. } => None,
        })
    }

    /// Its events, or the one that stands for it.
    pub fn records<'b>(&'b self, ledger: Option<&'b str>) -> Vec<Record<'b>> {
        let (events, signer, recorded) = match &self.step.what {
            What::Entry(link) => {
                let all = &link.entry.events;
                let chosen = self.matching.iter();
                let chosen: Vec<(usize, &Event)> =
                    chosen.filter_map(|at| Some((*at, all.get(*at)?))).collect();
                (chosen, Some(link.principal.as_str()), link.time)
            }
            What::Broken { .. } => {
                let all: Vec<(usize, &Event)> = self.substitute.iter().enumerate().collect();
                (all, None, self.before)
            }
        };
        let count = match &self.step.what {
            What::Entry(link) => link.entry.events.len(),
            What::Broken { .. } => 1,
        };
        events
            .into_iter()
            .map(|(index, event)| Record {
                ledger,
                number: self.number(),
                digest: self.digest.as_deref(),
                commit: &self.commit,
                index,
                events: count,
                signer,
                key: self.key.as_deref(),
                standing: self.standing.word(),
                why: &self.why,
                recorded,
                event,
            })
            .collect()
    }
}

/// The event of a record that stands for an entry which is broken.
fn stand_in(step: &Step, id: FindingId, detail: &str, before: u64) -> Option<Event> {
    let subject = match step.position {
        Some(position) => format!("entry {position}"),
        None => format!("commit {}", step.commit),
    };
    let data = Object::new()
        .with("finding", id.name())
        .with("meaning", id.sentence())
        .with("evidence", verdict::clean(detail));
    let object = Object::new()
        .with("specversion", "1.0")
        .with("type", ENTRY_BROKEN)
        .with("source", "urn:git-ledger:export")
        .with("id", step.commit.to_string())
        .with("subject", subject)
        .with("recordedtime", rfc3339(before))
        .with("data", data);
    Event::from_object(object).ok()
}
