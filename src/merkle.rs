//! RFC 6962 hashes, and the compact range that each entry carries.
//!
//! The compact range of the leaves 0..n is the list of the roots of its perfect subtrees, one for
//! each set bit of n, the largest first. Appending a leaf needs nothing else, so a clone that
//! holds only the tip can write the next entry.
//!
//! Source: RFC 6962 §2.1.

use sha2::{Digest as _, Sha256};

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// RFC 6962 leaf hash: SHA-256(0x00 ‖ data).
pub fn leaf(data: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(data);
    hasher.finalize().into()
}

/// RFC 6962 node hash: SHA-256(0x01 ‖ left ‖ right).
pub fn node(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// SHA-256 of some bytes.
pub fn sha256(data: &[u8]) -> Hash {
    Sha256::digest(data).into()
}

/// SHA-256 of pieces, as of one.
pub fn sha256_of(pieces: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    pieces.iter().for_each(|piece| hasher.update(piece));
    hasher.finalize().into()
}

/// The Merkle state of the leaves 0..size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Range {
    size: u64,
    roots: Vec<Hash>,
}

impl Range {
    /// The state of no leaves at all.
    pub fn empty() -> Self {
        Range::default()
    }

    /// The state of `size` leaves, given the roots of its perfect subtrees; `None` unless there
    /// is one root for each set bit of `size`.
    pub fn from_roots(size: u64, roots: Vec<Hash>) -> Option<Self> {
        (roots.len() == size.count_ones() as usize).then_some(Range { size, roots })
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, the largest first.
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// The state with one more leaf, given by its leaf hash.
    pub fn append(&self, leaf: Hash) -> Range {
        let (kept, hash) = self.carried(leaf);
        Range {
            size: self.size.saturating_add(1),
            roots: [kept, &[hash]].concat(),
        }
    }

    /// Whether `self` is the state that `before` becomes with one more leaf; as comparing with
    /// [`Range::append`], without building it.
    pub fn is_after(&self, before: &Range, leaf: Hash) -> bool {
        let (kept, hash) = before.carried(leaf);
        self.size == before.size.saturating_add(1)
            && self
                .roots
                .split_last()
                .is_some_and(|(last, others)| *last == hash && others == kept)
    }

    /// The subtrees that stay as they are when a leaf is added, and the one that takes the leaf.
    fn carried(&self, leaf: Hash) -> (&[Hash], Hash) {
        let merged = self.roots.len().min(self.size.trailing_ones() as usize);
        let (kept, merged) = self.roots.split_at(self.roots.len() - merged);
        let hash = merged
            .iter()
            .rev()
            .fold(leaf, |right, left| node(left, &right));
        (kept, hash)
    }

    /// The root of the whole tree (RFC 6962 MTH); SHA-256 of nothing for no leaves.
    pub fn root(&self) -> Hash {
        let mut from_right = self.roots.iter().rev();
        match from_right.next() {
            None => sha256(b""),
            Some(last) => from_right.fold(*last, |right, left| node(left, &right)),
        }
    }
}

/// Lower-case hex of some bytes.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            // writing to a String cannot fail
            write!(out, "{byte:02x}").ok();
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MTH straight from RFC 6962 §2.1.
    fn mth(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => sha256(b""),
            [one] => leaf(one),
            many => {
                let split = many.len().next_power_of_two() / 2;
                node(&mth(&many[..split]), &mth(&many[split..]))
            }
        }
    }

    #[test]
    fn known_values() {
        assert!(hex(&leaf(b"")).starts_with("6e340b9c"));
        assert!(hex(&node(&leaf(b"a"), &leaf(b"b"))).starts_with("b137985f"));
    }

    #[test]
    fn the_range_has_the_root_of_the_whole_tree() {
        let leaves: Vec<Vec<u8>> = (0..70u8).map(|n| vec![n; usize::from(n)]).collect();
        let mut range = Range::empty();
        for n in 0..=leaves.len() {
            assert_eq!(range.root(), mth(&leaves[..n]), "{n} leaves");
            assert_eq!(range.roots().len(), (n as u64).count_ones() as usize);
            if let Some(next) = leaves.get(n) {
                let after = range.append(leaf(next));
                assert!(after.is_after(&range, leaf(next)));
                assert!(!after.is_after(&range, leaf(b"another")));
                assert!(!after.is_after(&after, leaf(next)));
                range = after;
            }
        }
        assert_eq!(Range::from_roots(3, vec![[0; 32]]), None);
    }
}
