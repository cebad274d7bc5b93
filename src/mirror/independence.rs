//! Which copies nobody administers together, and how old the newest entry is that two of them
//! hold.
//!
//! Two remotes are not independent when they have one address, one machine or one object store;
//! what is not independent of the same third one is not independent of each other. Paths on this
//! machine are one machine. A person may vouch that a remote is administered by somebody else
//! although the machine is the same; one address and one store are never vouched away.
//!
//! The copy in hand is not counted unless a person says that it is kept by somebody else; nor is
//! a remote that is silent, lacks the ledger, or
//! disagrees with this copy or with what it showed before. Entries that this copy does not have
//! yet do not count either, so the window is never told smaller than it is.
//!
//! # Limits
//! Names that lead to one machine (aliases, load balancers, one administrator of two hosts)
//! cannot be told apart from here.

use std::collections::BTreeSet;

/// What makes two remotes the same.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The address.
    pub address: String,
    /// The machine; none for this one.
    pub host: Option<String>,
    /// The files its objects lie in, where they can be seen.
    pub files: BTreeSet<(u64, u64)>,
    /// Whether a person vouches that the machine does not matter.
    pub vouched: bool,
}

/// Why two remotes are not independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// The same address.
    Address,
    /// The same object store, or parts of one.
    Store,
    /// The same machine.
    Machine,
}

impl Tie {
    /// In words, after "they".
    pub fn words(self) -> &'static str {
        match self {
            Tie::Address => "have one address",
            Tie::Store => "share one object store",
            Tie::Machine => "are on one machine",
        }
    }
}

/// What ties two places, if something does.
pub fn tie(one: &Place, other: &Place) -> Option<Tie> {
    if one.address == other.address {
        Some(Tie::Address)
    } else if !one.files.is_disjoint(&other.files) {
        Some(Tie::Store)
    } else if one.host == other.host && !one.vouched && !other.vouched {
        Some(Tie::Machine)
    } else {
        None
    }
}

/// The number of each place's group: places in one group are tied, directly or by others.
pub fn groups(places: &[Place]) -> Vec<usize> {
    let mut group: Vec<usize> = (0..places.len()).collect();
    for (at, one) in places.iter().enumerate() {
        for (before, other) in places.iter().enumerate().take(at) {
            if tie(one, other).is_none() {
                continue;
            }
            let pair = (group.get(at).copied(), group.get(before).copied());
            if let (Some(from), Some(to)) = pair {
                for member in group.iter_mut().filter(|member| **member == from) {
                    *member = to;
                }
            }
        }
    }
    group
}

/// The newest entry that at least `copies` independent remotes hold. `held` names, for each
/// remote that counts, its group and the newest entry it shares with the copy in hand.
pub fn newest_held(held: &[(usize, u64)], copies: usize) -> Option<u64> {
    let groups: BTreeSet<usize> = held.iter().map(|(group, _)| *group).collect();
    let best = |wanted: &usize| {
        held.iter()
            .filter(|(group, _)| group == wanted)
            .map(|(_, number)| *number)
            .max()
    };
    let mut numbers: Vec<u64> = groups.iter().filter_map(best).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    numbers.get(copies.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: &str, host: Option<&str>) -> Place {
        Place {
            address: address.into(),
            host: host.map(str::to_owned),
            ..Place::default()
        }
    }

    #[test]
    fn one_machine_is_one_place() {
        let (a, b) = (place("/a", None), place("/b", None));
        assert_eq!(tie(&a, &b), Some(Tie::Machine));
        let vouched = Place { vouched: true, ..b };
        assert_eq!(tie(&a, &vouched), None);
        let twice = Place {
            address: "/a".into(),
            ..vouched.clone()
        };
        assert_eq!(tie(&a, &twice), Some(Tie::Address));
        let files = BTreeSet::from([(1, 2)]);
        let (a, b) = (
            Place {
                files: files.clone(),
                ..a
            },
            Place { files, ..vouched },
        );
        assert_eq!(tie(&a, &b), Some(Tie::Store));
        let (c, d) = (
            place("ssh://h/c", Some("h")),
            place("https://h/d", Some("h")),
        );
        assert_eq!(tie(&c, &d), Some(Tie::Machine));
        assert_eq!(tie(&c, &place("ssh://i/c", Some("i"))), None);
    }

    #[test]
    fn ties_carry_over() {
        let mut middle = place("ssh://h/a", Some("h"));
        middle.files.insert((1, 1));
        let mut far = place("ssh://i/a", Some("i"));
        far.files.insert((1, 1));
        let places = [
            place("ssh://h/b", Some("h")),
            far,
            place("/x", None),
            middle,
        ];
        let group = groups(&places);
        assert_eq!(group[0], group[1]);
        assert_eq!(group[0], group[3]);
        assert_ne!(group[0], group[2]);
    }

    #[test]
    fn the_window_needs_two_groups() {
        assert_eq!(newest_held(&[(0, 9), (0, 8)], 2), None);
        assert_eq!(newest_held(&[(0, 9), (0, 8), (1, 5)], 2), Some(5));
        assert_eq!(newest_held(&[(0, 4), (1, 9), (2, 7)], 2), Some(7));
        assert_eq!(newest_held(&[], 2), None);
    }
}
