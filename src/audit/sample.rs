//! Which entries an auditor is shown: chosen by a rule that anybody can follow again, so that
//! nobody can choose them.
//!
//! Source: `ledger-spec/report.md`, "The sample".

use std::collections::BinaryHeap;

use crate::commit::Link;
use crate::merkle::{self, Hash};

/// Entries that are sampled unless somebody asks for another number.
pub const DEFAULT: usize = 25;
/// Entries that can be sampled.
pub const MOST: usize = 1_000;

/// An entry that was chosen.
#[derive(Debug, Clone)]
pub struct Sampled {
    /// SHA-256 of the seed and the entry's digest: those with the lowest are chosen.
    pub rank: Hash,
    /// The entry.
    pub link: Link,
}

impl PartialEq for Sampled {
    fn eq(&self, other: &Sampled) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Sampled {}

impl PartialOrd for Sampled {
    fn partial_cmp(&self, other: &Sampled) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sampled {
    fn cmp(&self, other: &Sampled) -> std::cmp::Ordering {
        self.rank.cmp(&other.rank)
    }
}

/// The rank of an entry under a seed.
pub(super) fn rank(seed: &str, digest: &Hash) -> Hash {
    merkle::sha256_of(&[
        b"git-ledger sample 1\0",
        seed.as_bytes(),
        b"\0",
        digest.as_slice(),
    ])
}

/// The entries with the lowest ranks so far.
#[derive(Debug)]
pub(super) struct Sample {
    seed: String,
    size: usize,
    chosen: BinaryHeap<Sampled>,
}

impl Sample {
    pub(super) fn new(seed: String, size: usize) -> Sample {
        Sample {
            seed,
            size: size.min(MOST),
            chosen: BinaryHeap::new(),
        }
    }

    pub(super) fn add(&mut self, link: &Link) {
        let rank = rank(&self.seed, &link.digest());
        let full = self.chosen.len() >= self.size;
        if full && self.chosen.peek().is_none_or(|worst| worst.rank <= rank) {
            return;
        }
        if full {
            self.chosen.pop();
        }
        let link = link.clone();
        self.chosen.push(Sampled { rank, link });
    }

    /// Those chosen, by their number.
    pub(super) fn finish(self) -> Vec<Sampled> {
        let mut chosen = self.chosen.into_vec();
        chosen.sort_by_key(|one| one.link.entry.number());
        chosen
    }
}
