//! Chance that is the same every time.

use git_ledger::merkle::{hex, sha256};

/// A sequence of numbers that looks like chance, made from its seed (SplitMix64).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from the first to before the second.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % to.saturating_sub(from).max(1)
    }

    /// True this many times in a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// One of these.
    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let at = usize::try_from(self.next() % all.len() as u64).unwrap_or_default();
        &all[at]
    }
}

/// Something that looks like an object id, the same for one name for ever.
pub fn commit(name: &str) -> String {
    let mut text = digest(&format!("commit {name}"));
    text.truncate(40);
    text
}

/// A SHA-256 in hex.
pub fn digest(name: &str) -> String {
    hex(&sha256(name.as_bytes()))
}

/// Something that looks like a UUID, the same for one name for ever.
pub fn uuid(name: &str) -> String {
    let text = digest(&format!("uuid {name}"));
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}
