//! What is kept from one look to the next.

use std::collections::BTreeMap;

use crate::alert::{Alert, Kind, Undelivered};
use crate::date::rfc3339;
use crate::json::{Object, Value};

use super::known::{Known, count, cut, integer};
use super::{CLOCK_BACK, DROPPED, Look, MISSED, Matter, Place, Rules, STATE_LOST, Seen, name};

/// What the file begins with.
const FORMAT: &str = "git-ledger watch 1";
/// Matters that are kept at most: one rule at one place is one of them.
const MOST_KNOWN: usize = 2000;
/// Alerts that may wait for delivery; the oldest of more are dropped, and that is told.
const MOST_WAITING: usize = 500;
/// Channels that are remembered at most.
const MOST_CHANNELS: usize = 50;
/// How long a channel is remembered that no look was told to use, in seconds.
const REMEMBERED: u64 = 7 * 86_400;
/// How far the clock may go back before it is told, in seconds.
const BACK: u64 = 300;

/// What a watch knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Looks that were done.
    pub runs: u64,
    /// When the last look was, in seconds since 1970.
    pub last: Option<u64>,
    /// When the last look was that could be done.
    pub last_done: Option<u64>,
    /// When everything was read for the last time.
    pub last_full: Option<u64>,
    /// Looks in a row in which no remote gave an answer.
    pub silent: u32,
    /// When remotes are asked again, at the earliest.
    pub ask_again: u64,
    /// Alerts that were delivered.
    pub sent: u64,
    /// Deliveries that failed.
    pub failed: u64,
    /// Alerts that were dropped undelivered.
    pub dropped: u64,
    /// Alerts that wait for delivery.
    pub waiting: Vec<Undelivered>,
    known: BTreeMap<Matter, Known>,
    /// The channels that are told, and when each was used last. What is new is kept for all of
    /// them: who looks by hand must not take an alert away from whoever is paged.
    channels: BTreeMap<String, u64>,
}

/// What was kept cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not what a watch of this program leaves: {0}")]
pub struct Unreadable(pub &'static str);

impl State {
    /// What happened between the last look and this one; `every`: how often looks were agreed on.
    pub fn begin(&mut self, look: &Look, every: Option<u64>) -> Vec<Alert> {
        let mut alerts = Vec::new();
        if let Some(last) = self.last {
            let between = format!("the last look was at {}", rfc3339(last));
            if last > look.now.saturating_add(BACK) {
                alerts.push(notice(CLOCK_BACK, between, look));
            } else if let Some(every) = every
                && look.now.saturating_sub(last) > every.saturating_mul(3).saturating_add(60)
            {
                alerts.push(notice(MISSED, between, look));
            }
        }
        self.runs = self.runs.saturating_add(1);
        self.last = Some(look.now);
        alerts
    }

    /// What is to be told when a file was there and could not be read.
    pub fn lost(why: &str, look: &Look) -> Alert {
        notice(STATE_LOST, why.to_owned(), look)
    }

    /// Takes in what was seen; what is to be told, the worst first.
    pub fn learn(&mut self, look: &Look, rules: Rules) -> Vec<Alert> {
        let seen = together(&look.seen);
        let mut alerts = Vec::new();
        for (matter, seen) in &seen {
            let room = self.known.len() < MOST_KNOWN || self.known.contains_key(matter);
            if !room {
                // told at every look, for it cannot be remembered that it was
                let mut known = Known::of(seen, look.now);
                known.times = look.now;
                alerts.push(known.alert(matter, Kind::Found, look));
                continue;
            }
            let known = self
                .known
                .entry(matter.clone())
                .or_insert_with(|| Known::of(seen, look.now));
            known.evidence = cut(&seen.evidence);
            let stood = look.now.saturating_sub(known.first);
            let kind = match known.told {
                None if seen.may_pass() && stood < rules.patience => continue,
                None => Kind::Found,
                Some(_) if seen.more > known.more => Kind::Found,
                // a clock that went back must not silence it
                Some(told) if look.now < told || look.now - told >= rules.remind => Kind::Still,
                Some(_) => continue,
            };
            known.more = seen.more;
            known.times = known.times.saturating_add(1);
            known.told = Some(look.now);
            alerts.push(known.alert(matter, kind, look));
        }
        let looked = |place: &Place| match place {
            Place::Here => look.here,
            Place::Refs => look.refs,
            Place::Remote(name) => look.answered.contains(name),
        };
        let gone: Vec<Matter> = self
            .known
            .keys()
            .filter(|matter| looked(&matter.place) && !seen.contains_key(matter))
            .cloned()
            .collect();
        for matter in gone {
            let Some(known) = self.known.remove(&matter) else {
                continue;
            };
            // what only moved to another entry is not gone
            let moved = seen
                .keys()
                .any(|other| other.name == matter.name && other.place == matter.place);
            // what was recorded is not there any more: that is no news
            if known.told.is_some() && !moved && matter.place != Place::Refs {
                alerts.push(known.alert(&matter, Kind::Gone, look));
            }
        }
        if look.recorded {
            self.known.retain(|matter, _| matter.place != Place::Refs);
        }
        alerts.sort_by_key(|alert| std::cmp::Reverse(alert.severity));
        alerts
    }

    /// Takes these channels into use. One that is new is told what the others know already; one that
    /// was used by no look for a week is forgotten, with all that waits for it.
    pub fn adopt(&mut self, channels: &[String], look: &Look) {
        let now = look.now;
        self.channels
            .retain(|_, used| *used > now || now - *used <= REMEMBERED);
        for channel in channels.iter().take(MOST_CHANNELS) {
            if self.channels.insert(channel.clone(), now).is_some() {
                continue;
            }
            let told = self.known.iter().filter(|(_, known)| known.told.is_some());
            let alerts = told.map(|(matter, known)| known.alert(matter, Kind::Found, look));
            let alerts = alerts.map(|alert| Undelivered::new(alert, channel.clone()));
            self.waiting.extend(alerts);
        }
        while self.channels.len() > MOST_CHANNELS {
            let oldest = self.channels.iter().min_by_key(|(_, used)| **used);
            let Some(oldest) = oldest.map(|(name, _)| name.clone()) else {
                break;
            };
            self.channels.remove(&oldest);
        }
        self.waiting
            .retain(|waits| self.channels.contains_key(&waits.channel));
    }

    /// How many alerts wait for these channels.
    pub fn waiting_for(&self, channels: &[String]) -> usize {
        let waiting = self.waiting.iter();
        waiting
            .filter(|waits| channels.contains(&waits.channel))
            .count()
    }

    /// Puts alerts in line for each channel; of too many the oldest are dropped, and counted.
    pub fn queue(&mut self, alerts: &[Alert]) {
        for alert in alerts {
            for channel in self.channels.keys() {
                self.waiting
                    .push(Undelivered::new(alert.clone(), channel.clone()));
            }
        }
        let over = self.waiting.len().saturating_sub(MOST_WAITING);
        if over > 0 {
            self.waiting.drain(..over);
            self.dropped = self.dropped.saturating_add(over as u64);
        }
    }

    /// What tells that alerts were dropped.
    pub fn dropped(count: u64, look: &Look) -> Alert {
        notice(DROPPED, format!("{count} alerts"), look)
    }

    /// What is known and was told, or waits to be: each with since when, and whether it was told.
    pub fn known(&self) -> impl Iterator<Item = (&Matter, u64, bool)> {
        let known = self.known.iter();
        known.map(|(matter, known)| (matter, known.first, known.told.is_some()))
    }

    /// As it is kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        let known: Vec<Value> = self
            .known
            .iter()
            .map(|(matter, known)| known.stored(matter).into())
            .collect();
        let waiting: Vec<Value> = self
            .waiting
            .iter()
            .map(|undelivered| undelivered.stored().into())
            .collect();
        let mut channels = Object::new();
        for (name, used) in &self.channels {
            channels.set(name.as_str(), integer(*used));
        }
        let mut object = Object::new()
            .with("format", FORMAT)
            .with("runs", integer(self.runs))
            .with("silent", i64::from(self.silent))
            .with("ask_again", integer(self.ask_again))
            .with("sent", integer(self.sent))
            .with("failed", integer(self.failed))
            .with("dropped", integer(self.dropped))
            .with("channels", channels)
            .with("known", known)
            .with("waiting", waiting);
        for (name, at) in [
            ("last", self.last),
            ("last_done", self.last_done),
            ("last_full", self.last_full),
        ] {
            if let Some(at) = at {
                object.set(name, integer(at));
            }
        }
        (Value::from(object).to_canonical() + "\n").into_bytes()
    }

    /// Reads what [`State::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Unreadable`]; a part is never taken for the whole.
    pub fn parse(bytes: &[u8]) -> Result<State, Unreadable> {
        let value = Value::parse(bytes).map_err(|_| Unreadable("no JSON"))?;
        let object = value.as_object().ok_or(Unreadable("no object"))?;
        if object.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(Unreadable("another format"));
        }
        let number = |member: &'static str| count(object, member).ok_or(Unreadable(member));
        let objects = |member: &'static str, most: usize| {
            let items = object.get(member).and_then(Value::as_array);
            let items: Option<Vec<&Object>> = items
                .filter(|items| items.len() <= most)
                .and_then(|items| items.iter().map(Value::as_object).collect());
            items.ok_or(Unreadable(member))
        };
        let known: Option<BTreeMap<Matter, Known>> = objects("known", MOST_KNOWN)?
            .into_iter()
            .map(Known::from_stored)
            .collect();
        let waiting: Option<Vec<Undelivered>> = objects("waiting", MOST_WAITING)?
            .into_iter()
            .map(|object| Undelivered::from_stored(object, &name))
            .collect();
        let channels = object.get("channels").and_then(Value::as_object);
        let channels = channels.ok_or(Unreadable("channels"))?;
        let used: Option<BTreeMap<String, u64>> = channels
            .iter()
            .map(|(name, _)| Some((name.to_owned(), count(channels, name)?)))
            .collect();
        Ok(State {
            channels: used.ok_or(Unreadable("channels"))?,
            runs: number("runs")?,
            last: count(object, "last"),
            last_done: count(object, "last_done"),
            last_full: count(object, "last_full"),
            silent: u32::try_from(number("silent")?).unwrap_or(u32::MAX),
            ask_again: number("ask_again")?,
            sent: number("sent")?,
            failed: number("failed")?,
            dropped: number("dropped")?,
            waiting: waiting.ok_or(Unreadable("waiting"))?,
            known: known.ok_or(Unreadable("known"))?,
        })
    }
}

/// Something that happened once and has no end.
fn notice(name: &'static str, evidence: String, look: &Look) -> Alert {
    let seen = Seen::own(name, evidence);
    let known = Known {
        times: look.now,
        ..Known::of(&seen, look.now)
    };
    known.alert(&seen.matter, Kind::Notice, look)
}

/// What was seen, each rule at each place once, by the first entry concerned.
fn together(seen: &[Seen]) -> BTreeMap<Matter, Seen> {
    let mut first: BTreeMap<(&'static str, &Place), (Seen, u64)> = BTreeMap::new();
    for one in seen
        .iter()
        .filter(|seen| seen.severity > crate::finding::Severity::Note)
    {
        let key = (one.matter.name, &one.matter.place);
        first
            .entry(key)
            .and_modify(|(kept, more)| {
                *more += 1;
                if one.matter < kept.matter {
                    *kept = one.clone();
                }
            })
            .or_insert_with(|| (one.clone(), 0));
    }
    first
        .into_values()
        .map(|(seen, more)| (seen.matter.clone(), Seen { more, ..seen }))
        .collect()
}
