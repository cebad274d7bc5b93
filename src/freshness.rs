//! How fresh an answer is: the limits a person sets on age and lag, and in words what no answer
//! proves.
//!
//! A copy that is frozen, and a server that goes on showing an old state, break no rule: every
//! entry they show is sound. Only time tells, so a limit that is passed makes the answer unknown,
//! never sound and never a breach: perhaps nothing has happened. Heartbeat entries make sure that
//! something does.
//!
//! Source: `ledger-spec/mirror.md`, "Freshness".
//!
//! # Limits
//! T of an entry is what its signer wrote. Whoever holds a writer's key can keep a ledger looking
//! alive; whoever only holds a server cannot.

use gix::ObjectId;

use crate::date::rfc3339;
use crate::finding::{Finding, FindingId};

/// What nobody can detect from the copies alone. Every verdict that was not held against a tip
/// kept elsewhere says so, in these words; tests hold them to it.
pub const UNSEEN: &str = "whether all copies, this one and its marks among them, were taken back \
together nobody can tell from here: only a tip that was kept elsewhere shows it";

/// What to do about that.
pub const KEEP: &str = "'git ledger tip' prints one to keep, 'git ledger verify --tip TIP' holds \
one against this copy";

/// How far, in seconds, the date of an entry may be ahead of the clock here before its age means
/// nothing; what an entry may be ahead when it is admitted.
const AHEAD: u64 = crate::chain::MAX_AHEAD;

/// What a person calls too old, in seconds; none when nobody said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// How old the newest entry may be.
    pub max_age: Option<u64>,
    /// How long a remote may lack an entry.
    pub max_lag: Option<u64>,
}

/// The newest entry of a copy.
#[derive(Debug, Clone, Copy)]
pub struct Newest {
    /// Its number.
    pub number: u64,
    /// Its commit.
    pub commit: ObjectId,
    /// T of it.
    pub time: u64,
}

/// How old something of this date is; none when it is dated so far ahead that nobody can say.
pub fn age(time: u64, now: u64) -> Option<u64> {
    (time <= now.saturating_add(AHEAD)).then(|| now.saturating_sub(time))
}

impl Limits {
    /// The stricter of both, limit by limit.
    #[must_use]
    pub fn and(self, other: Limits) -> Limits {
        let stricter = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Limits {
            max_age: stricter(self.max_age, other.max_age),
            max_lag: stricter(self.max_lag, other.max_lag),
        }
    }

    /// The finding about a copy in hand whose newest entry is too old.
    pub fn stale(self, newest: Newest, now: u64) -> Option<Finding> {
        self.old(FindingId::Stale, "the newest entry here", newest, now)
    }

    /// The finding about a remote whose newest entry is too old.
    pub fn remote_stale(self, remote: &str, newest: Newest, now: u64) -> Option<Finding> {
        let what = format!("{remote}: its newest entry");
        self.old(FindingId::MirrorStale, &what, newest, now)
    }

    fn old(self, id: FindingId, what: &str, newest: Newest, now: u64) -> Option<Finding> {
        let limit = self.max_age?;
        let date = rfc3339(newest.time);
        let detail = match age(newest.time, now) {
            Some(age) if age <= limit => return None,
            Some(age) => {
                format!("{what} is dated {date}, {age} s ago; at most {limit} s are allowed")
            }
            None => format!(
                "{what} is dated {date}, ahead of the clock here, {}: how old it is cannot be told",
                rfc3339(now)
            ),
        };
        Some(Finding::new(id, detail).at(Some(newest.number), newest.commit))
    }

    /// The finding about a remote that has lacked an entry of this date for too long.
    pub fn lagging(self, remote: &str, lacks: u64, since: u64, now: u64) -> Option<Finding> {
        let limit = self.max_lag?;
        let date = rfc3339(since);
        let detail = match age(since, now) {
            Some(age) if age <= limit => return None,
            Some(age) => format!(
                "{remote} lacks {lacks} entries, the oldest dated {date}, {age} s ago; at most \
                 {limit} s are allowed"
            ),
            None => format!(
                "{remote} lacks {lacks} entries, the oldest dated {date}, ahead of the clock here, \
                 {}: how long it has lacked them cannot be told",
                rfc3339(now)
            ),
        };
        Some(Finding::new(FindingId::MirrorLagging, detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(time: u64) -> Newest {
        Newest {
            number: 7,
            commit: ObjectId::null(gix::hash::Kind::Sha1),
            time,
        }
    }

    const DAY: Limits = Limits {
        max_age: Some(86_400),
        max_lag: Some(60),
    };

    #[test]
    fn only_what_is_older_than_allowed_is_stale() {
        let at = |time, now| DAY.stale(newest(time), now).map(|found| found.id);
        assert_eq!(at(1000, 1000 + 86_400), None);
        assert_eq!(at(1000, 1001 + 86_400), Some(FindingId::Stale));
        assert_eq!(Limits::default().stale(newest(0), u64::MAX), None);
        // nobody stays fresh for ever by a date in the future
        assert_eq!(at(1000 + AHEAD, 1000), None);
        assert_eq!(at(1001 + AHEAD, 1000), Some(FindingId::Stale));
        assert_eq!(at(u64::MAX, u64::MAX), None);
        let remote = DAY.remote_stale("one", newest(1000), 1001 + 86_400);
        assert_eq!(remote.map(|found| found.id), Some(FindingId::MirrorStale));
    }

    #[test]
    fn lag_counts_from_the_oldest_entry_that_is_lacking() {
        let at = |since, now| DAY.lagging("one", 3, since, now).map(|found| found.id);
        assert_eq!(at(1000, 1060), None);
        assert_eq!(at(1000, 1061), Some(FindingId::MirrorLagging));
        assert_eq!(at(2000, 1061), Some(FindingId::MirrorLagging));
    }

    #[test]
    fn the_stricter_limit_holds() {
        let week = Limits {
            max_age: Some(7 * 86_400),
            max_lag: None,
        };
        assert_eq!(week.and(DAY), DAY);
        assert_eq!(DAY.and(Limits::default()), DAY);
    }
}
