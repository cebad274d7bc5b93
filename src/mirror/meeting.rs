//! Where two chains part: both are followed by their parents, by turns, until one meets the
//! other. No number an entry claims is believed, and what both have is not read.

use std::collections::HashMap;

use gix::ObjectId;

/// What stands before a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Another commit.
    Commit(ObjectId),
    /// Nothing: it is the first.
    Nothing,
    /// It cannot be told: the commit is not here, or history is cut off at it.
    Unseen,
}

/// Two chains, from their newest commits to where they meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    /// The newest commit that both have; none when they have nothing in common.
    pub common: Option<ObjectId>,
    /// What only the chain here has, the newest first.
    pub here: Vec<ObjectId>,
    /// What only the chain there has, the newest first.
    pub there: Vec<ObjectId>,
}

impl Meeting {
    /// The first commits that differ, where both chains go on after the common one.
    pub fn split(&self) -> Option<(ObjectId, ObjectId)> {
        Some((*self.here.last()?, *self.there.last()?))
    }
}

/// One chain as far as it has been followed, the newest first.
struct Walk {
    commits: Vec<ObjectId>,
    places: HashMap<ObjectId, usize>,
    next: Before,
}

impl Walk {
    fn from(tip: ObjectId) -> Walk {
        Walk {
            commits: Vec::new(),
            places: HashMap::new(),
            next: Before::Commit(tip),
        }
    }

    /// One step; the commit stepped on.
    fn step(&mut self, before: &mut impl FnMut(ObjectId) -> Before) -> Option<ObjectId> {
        let Before::Commit(at) = self.next else {
            return None;
        };
        self.places.insert(at, self.commits.len());
        self.commits.push(at);
        self.next = before(at);
        // nobody can make a chain of commits a ring, but a reader that lies could
        if let Before::Commit(parent) = self.next
            && self.places.contains_key(&parent)
        {
            self.next = Before::Unseen;
        }
        Some(at)
    }

    fn until(mut self, place: usize) -> Vec<ObjectId> {
        self.commits.truncate(place);
        self.commits
    }
}

/// Follows two chains until they meet; `None` when history that would tell is missing.
pub fn meet(
    here: ObjectId,
    there: ObjectId,
    mut before: impl FnMut(ObjectId) -> Before,
) -> Option<Meeting> {
    let (mut ours, mut theirs) = (Walk::from(here), Walk::from(there));
    loop {
        let stepped = ours.step(&mut before);
        if let Some(at) = stepped
            && let Some(place) = theirs.places.get(&at).copied()
        {
            let end = ours.commits.len().saturating_sub(1);
            return Some(met(at, ours.until(end), theirs.until(place)));
        }
        let answered = theirs.step(&mut before);
        if let Some(at) = answered
            && let Some(place) = ours.places.get(&at).copied()
        {
            let end = theirs.commits.len().saturating_sub(1);
            return Some(met(at, ours.until(place), theirs.until(end)));
        }
        if stepped.is_none() && answered.is_none() {
            let whole = ours.next == Before::Nothing && theirs.next == Before::Nothing;
            return whole.then_some(Meeting {
                common: None,
                here: ours.commits,
                there: theirs.commits,
            });
        }
    }
}

fn met(common: ObjectId, here: Vec<ObjectId>, there: Vec<ObjectId>) -> Meeting {
    Meeting {
        common: Some(common),
        here,
        there,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> ObjectId {
        ObjectId::try_from(&[n; 20][..]).unwrap()
    }

    fn ids(numbers: &[u8]) -> Vec<ObjectId> {
        numbers.iter().map(|n| id(*n)).collect()
    }

    /// 1 ← 2 ← 3 ← 4 ← 5, and 3 ← 13 ← 14; 21 ← 22 alone; 31's parent is cut off.
    fn before(commit: ObjectId) -> Before {
        match commit.as_bytes()[0] {
            1 | 21 => Before::Nothing,
            13 => Before::Commit(id(3)),
            31 => Before::Unseen,
            n => Before::Commit(id(n - 1)),
        }
    }

    fn at(here: u8, there: u8) -> Option<(Option<ObjectId>, Vec<ObjectId>, Vec<ObjectId>)> {
        meet(id(here), id(there), before).map(|m| (m.common, m.here, m.there))
    }

    #[test]
    fn chains_meet_where_they_part() {
        assert_eq!(at(5, 5), Some((Some(id(5)), vec![], vec![])));
        assert_eq!(at(5, 2), Some((Some(id(2)), ids(&[5, 4, 3]), vec![])));
        assert_eq!(at(2, 5), Some((Some(id(2)), vec![], ids(&[5, 4, 3]))));
        assert_eq!(at(5, 14), Some((Some(id(3)), ids(&[5, 4]), ids(&[14, 13]))));
        assert_eq!(at(4, 14), Some((Some(id(3)), ids(&[4]), ids(&[14, 13]))));
        assert_eq!(at(2, 22), Some((None, ids(&[2, 1]), ids(&[22, 21]))));
        assert_eq!(at(5, 31), None);
        let split = meet(id(5), id(14), before).and_then(|m| m.split());
        assert_eq!(split, Some((id(4), id(13))));
    }
}
