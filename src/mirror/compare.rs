//! The state of a copy: a pure comparison of two chains and what was seen before.
//!
//! Source: `ledger-spec/mirror.md`, "States".

use crate::finding::FindingId;

/// How a copy stands to the one in hand. Numbers are those of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Both end with the same entry.
    Level,
    /// It lacks the newest `k` entries from here.
    Behind(u64),
    /// It has `k` entries after the newest one here.
    Ahead(u64),
    /// The chains differ from this number on.
    Forked(u64),
    /// This number was given twice, and nothing follows it on one side.
    Stray(u64),
    /// At this number the same signed bytes stand in two spellings.
    Twin(u64),
    /// It lacks or replaced entries it was seen to hold, up to this number.
    RolledBack(u64),
    /// It begins with another entry.
    Unrelated,
    /// It does not have the ledger.
    Missing,
    /// It does not have the ledger, and was seen to hold it up to this number.
    Removed(u64),
    /// No answer that could be used.
    Silent,
}

impl State {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            State::Level => "level",
            State::Behind(_) => "behind",
            State::Ahead(_) => "ahead",
            State::Forked(_) => "forked",
            State::Stray(_) => "stray",
            State::Twin(_) => "twin",
            State::RolledBack(_) => "rolled back",
            State::Unrelated => "unrelated",
            State::Missing | State::Removed(_) => "missing",
            State::Silent => "silent",
        }
    }

    /// The number that goes with the word: entries for behind and ahead, a position otherwise.
    pub fn number(self) -> Option<u64> {
        match self {
            State::Behind(n)
            | State::Ahead(n)
            | State::Forked(n)
            | State::Stray(n)
            | State::Twin(n)
            | State::RolledBack(n)
            | State::Removed(n) => Some(n),
            State::Level | State::Unrelated | State::Missing | State::Silent => None,
        }
    }

    /// What is wrong about it, if anything is.
    pub fn finding(self) -> Option<FindingId> {
        match self {
            State::Level | State::Behind(_) | State::Ahead(_) => None,
            State::Forked(_) => Some(FindingId::MirrorForked),
            State::Stray(_) => Some(FindingId::MirrorStray),
            State::Twin(_) => Some(FindingId::MirrorTwin),
            State::RolledBack(_) => Some(FindingId::MirrorRolledBack),
            State::Unrelated => Some(FindingId::MirrorUnrelated),
            State::Missing => Some(FindingId::MirrorMissing),
            State::Removed(_) => Some(FindingId::MirrorRemoved),
            State::Silent => Some(FindingId::MirrorSilent),
        }
    }

    /// Whether the copy agrees with the one in hand as far as both go, and with what it showed
    /// before.
    pub fn is_honest(self) -> bool {
        matches!(self, State::Level | State::Behind(_) | State::Ahead(_))
    }
}

/// Two chains by positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chains {
    /// The number of the newest entry both have; none when the first entries differ.
    pub common: Option<u64>,
    /// How many entries only the copy here has.
    pub here: u64,
    /// How many entries only the copy there has.
    pub there: u64,
}

impl Chains {
    /// The number of the newest entry there.
    pub fn newest_there(self) -> Option<u64> {
        match self.common {
            Some(common) => Some(common + self.there),
            None => self.there.checked_sub(1),
        }
    }
}

/// How the first entries that differ stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// The bytes under their signatures are equal.
    SamePayload,
    /// They carry the same history.
    EqualRanges,
    /// Neither.
    Different,
}

/// What was seen there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// Nothing.
    None,
    /// Entries up to this number, and what stands at it now is the same, or it does not go so far.
    Fits(u64),
    /// Entries up to this number, at which another entry stands now.
    Replaced(u64),
}

/// Derives the state of a copy that has answered with a chain.
///
/// A split outranks the memory: a copy that forked is not also called rolled back. The memory
/// outranks *level*, *behind* and *ahead*: only it can tell a copy that lost entries from one
/// that never had them.
pub fn compare(chains: Chains, split: Split, memory: Memory) -> State {
    let Some(common) = chains.common else {
        return State::Unrelated;
    };
    if chains.here > 0 && chains.there > 0 {
        let at = common + 1;
        let one_ends = chains.here == 1 || chains.there == 1;
        return match split {
            Split::SamePayload => State::Twin(at),
            Split::EqualRanges if one_ends => State::Stray(at),
            Split::EqualRanges | Split::Different => State::Forked(at),
        };
    }
    match memory {
        Memory::Replaced(mark) => return State::RolledBack(mark),
        Memory::Fits(mark) if common + chains.there < mark => return State::RolledBack(mark),
        Memory::Fits(_) | Memory::None => {}
    }
    match (chains.here, chains.there) {
        (0, 0) => State::Level,
        (behind, 0) => State::Behind(behind),
        (_, ahead) => State::Ahead(ahead),
    }
}

/// The state of a copy that has answered that it does not have the ledger.
pub fn absent(seen: Option<u64>) -> State {
    seen.map_or(State::Missing, State::Removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chains(common: u64, here: u64, there: u64) -> Chains {
        Chains {
            common: Some(common),
            here,
            there,
        }
    }

    fn state(common: u64, here: u64, there: u64) -> State {
        compare(
            chains(common, here, there),
            Split::EqualRanges,
            Memory::None,
        )
    }

    #[test]
    fn positions_alone() {
        assert_eq!(state(9, 0, 0), State::Level);
        assert_eq!(state(9, 3, 0), State::Behind(3));
        assert_eq!(state(9, 0, 2), State::Ahead(2));
        assert_eq!(state(9, 2, 2), State::Forked(10));
        assert_eq!(state(9, 1, 1), State::Stray(10));
        assert_eq!(state(9, 1, 5), State::Stray(10));
        assert_eq!(state(9, 5, 1), State::Stray(10));
        let unrelated = Chains {
            common: None,
            here: 1,
            there: 1,
        };
        assert_eq!(
            compare(unrelated, Split::SamePayload, Memory::Fits(7)),
            State::Unrelated
        );
    }

    #[test]
    fn what_stands_at_the_split() {
        let at = |split| compare(chains(4, 1, 1), split, Memory::None);
        assert_eq!(at(Split::SamePayload), State::Twin(5));
        assert_eq!(at(Split::EqualRanges), State::Stray(5));
        assert_eq!(at(Split::Different), State::Forked(5));
        let long = compare(chains(4, 7, 7), Split::SamePayload, Memory::None);
        assert_eq!(long, State::Twin(5));
    }

    #[test]
    fn memory_tells_behind_from_rolled_back() {
        let behind = |memory| compare(chains(9, 3, 0), Split::EqualRanges, memory);
        assert_eq!(behind(Memory::Fits(9)), State::Behind(3));
        assert_eq!(behind(Memory::Fits(10)), State::RolledBack(10));
        assert_eq!(behind(Memory::Replaced(8)), State::RolledBack(8));
        let level = compare(chains(9, 0, 0), Split::EqualRanges, Memory::Fits(11));
        assert_eq!(level, State::RolledBack(11));
        let ahead = |memory| compare(chains(9, 0, 3), Split::EqualRanges, memory);
        assert_eq!(ahead(Memory::Fits(12)), State::Ahead(3));
        assert_eq!(ahead(Memory::Replaced(11)), State::RolledBack(11));
        // a fork is told as a fork, whatever was seen
        let forked = compare(chains(9, 2, 2), Split::EqualRanges, Memory::Replaced(10));
        assert_eq!(forked, State::Forked(10));
    }

    #[test]
    fn absent_is_not_removed() {
        assert_eq!(absent(None), State::Missing);
        assert_eq!(absent(Some(5)), State::Removed(5));
        assert_eq!(State::Removed(5).word(), "missing");
    }
}
