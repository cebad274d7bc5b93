//! The hashes between an entry and the range of a later one.
//!
//! Entry i carries the range of 0..i, so of the audit path of RFC 6962 everything to the left is
//! in the entry itself. Only the hashes to the right travel, and what they prove is more than
//! inclusion: the range that i signed is the beginning of the one that j signed.

use crate::merkle::{self, Hash, Range};

/// The level of the subtree of the range of `j` that covers leaf `i`; `None` unless i < j.
fn height(i: u64, j: u64) -> Option<u32> {
    if i < j { (i ^ j).checked_ilog2() } else { None }
}

fn bit(number: u64, level: u32) -> bool {
    (number >> level) & 1 == 1
}

/// The numbers of the entries whose digest and range give the path from entry `i` to the range
/// of `j`, the lowest level first: at each level the last leaf of the subtree to the right.
pub fn needed(i: u64, j: u64) -> Vec<u64> {
    let levels = height(i, j).map_or(0..0, |height| 0..height);
    levels
        .filter(|level| !bit(i, *level))
        .map(|level| (((i >> level) + 2) << level).saturating_sub(1))
        .collect()
}

/// The roots of the subtrees that end with a leaf, from the leaf itself up to the last one of
/// which the leaf is in the right half: one for each bit set at the end of its number, and one.
fn ending(digest: Hash, range: &Range, levels: usize) -> Option<Hash> {
    let mut lefts = range.roots().iter().rev();
    (0..levels).try_fold(digest, |right, _| Some(merkle::node(lefts.next()?, &right)))
}

/// The path from entry `i` to the range of `j`; `entry` gives digest and range of the entries
/// that [`needed`] names.
pub fn path<E>(
    i: u64,
    j: u64,
    mut entry: impl FnMut(u64) -> Result<(Hash, Range), E>,
) -> Result<Option<Vec<Hash>>, E> {
    let mut hashes = Vec::new();
    let levels = height(i, j).map_or(0..0, |height| 0..height);
    for (level, last) in levels.filter(|level| !bit(i, *level)).zip(needed(i, j)) {
        let (digest, range) = entry(last)?;
        match ending(digest, &range, level as usize) {
            Some(hash) => hashes.push(hash),
            None => return Ok(None),
        }
    }
    Ok(Some(hashes))
}

/// Whether the path shows that the entry with this digest, which carries `before`, is part of
/// `after`, and that `after` continues `before`.
pub fn leads(digest: Hash, before: &Range, path: &[Hash], after: &Range) -> bool {
    let (i, j) = (before.size(), after.size());
    let Some(height) = height(i, j) else {
        return false;
    };
    // above the subtree that covers i both ranges have the same subtrees
    let shared = (i >> height).count_ones() as usize;
    let (Some(own), Some(theirs)) = (before.roots().get(..shared), after.roots().get(..shared))
    else {
        return false;
    };
    let mut lefts = before.roots().iter().skip(shared).rev();
    let mut rights = path.iter();
    let root = (0..height).try_fold(digest, |hash, level| {
        Some(if bit(i, level) {
            merkle::node(lefts.next()?, &hash)
        } else {
            merkle::node(&hash, rights.next()?)
        })
    });
    own == theirs
        && rights.next().is_none()
        && root.is_some()
        && root.as_ref() == after.roots().get(shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Digest and range of each of `count` entries whose digests are their numbers.
    fn chain(count: u64) -> Vec<(Hash, Range)> {
        let mut range = Range::empty();
        let mut entries = Vec::new();
        for number in 0..count {
            let digest = merkle::leaf(&number.to_be_bytes());
            entries.push((digest, range.clone()));
            range = range.append(digest);
        }
        entries
    }

    fn found(chain: &[(Hash, Range)], i: u64, j: u64) -> Vec<Hash> {
        let entry = |number: u64| Ok::<_, ()>(chain[number as usize].clone());
        path(i, j, entry).expect("entries").expect("whole ranges")
    }

    #[test]
    fn every_entry_is_proven_against_every_later_one() {
        let chain = chain(140);
        for (j, (_, after)) in chain.iter().enumerate() {
            for (i, (digest, before)) in chain.iter().enumerate() {
                let path = found(&chain, i as u64, j as u64);
                assert_eq!(leads(*digest, before, &path, after), i < j, "{i} {j}");
                assert!(path.len() <= j.checked_ilog2().unwrap_or(0) as usize);
            }
        }
    }

    #[test]
    fn nothing_else_leads_there() {
        let chain = chain(70);
        let (i, j) = (20usize, 45usize);
        let (digest, before) = chain[i].clone();
        let after = &chain[j].1;
        let good = found(&chain, i as u64, j as u64);
        assert!(leads(digest, &before, &good, after));
        assert!(!leads([1; 32], &before, &good, after));
        for at in 0..good.len() {
            let mut other = good.clone();
            other[at][31] ^= 1;
            assert!(!leads(digest, &before, &other, after));
            other.remove(at);
            assert!(!leads(digest, &before, &other, after));
        }
        let longer: Vec<Hash> = good.iter().copied().chain([[0; 32]]).collect();
        assert!(!leads(digest, &before, &longer, after));
        // a range that is not the beginning of the later one is not continued by it
        for at in 0..before.roots().len() {
            let mut roots = before.roots().to_vec();
            roots[at][0] ^= 1;
            let other = Range::from_roots(before.size(), roots).expect("a range");
            assert!(!leads(digest, &other, &good, after));
        }
        // under another number the same bytes are another leaf
        let moved = chain[i + 1].1.clone();
        assert!(!leads(digest, &moved, &good, after));
        // the subtree of 0..32 is whole in both ranges, and is not in the last
        assert!(leads(digest, &before, &good, &chain[j + 1].1));
        assert!(!leads(digest, &before, &good, &chain[65].1));
    }

    #[test]
    fn the_largest_number_is_no_trouble() {
        let most = (1u64 << 53) - 1;
        let range = Range::from_roots(most, vec![[0; 32]; 53]).expect("a range");
        assert!(!leads([0; 32], &Range::empty(), &[[0; 32]; 53], &range));
        assert_eq!(needed(0, most).len(), 52);
        assert_eq!(needed(u64::MAX, u64::MAX), Vec::<u64>::new());
    }
}
