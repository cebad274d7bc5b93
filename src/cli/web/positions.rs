//! Which commit stands at which place: twenty or thirty-two bytes an entry, so that any page of a
//! long ledger is found without a walk.

use gix::ObjectId;

/// The commits of a chain by their place.
#[derive(Debug, Clone)]
pub struct Positions {
    /// The place of the first that is here: 0 unless history is cut off.
    first: u64,
    width: usize,
    bytes: Vec<u8>,
}

impl Positions {
    /// Of commits from the newest to the oldest, the last of which stands at `first`.
    pub fn new(first: u64, newest_first: &[ObjectId]) -> Positions {
        let width = newest_first.first().map_or(20, |id| id.as_slice().len());
        let mut positions = Positions {
            first,
            width,
            bytes: Vec::with_capacity(newest_first.len() * width),
        };
        positions.extend(newest_first);
        positions
    }

    /// Puts commits behind those that are here; the newest first.
    pub fn extend(&mut self, newest_first: &[ObjectId]) {
        for id in newest_first.iter().rev() {
            self.bytes.extend_from_slice(id.as_slice());
        }
    }

    /// Forgets what stands behind a place.
    pub fn cut(&mut self, last: u64) {
        let keep = last.saturating_add(1).saturating_sub(self.first);
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        self.bytes.truncate(keep.saturating_mul(self.width));
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        (self.bytes.len() / self.width) as u64
    }

    /// The place of the first.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The place of the newest, and its commit.
    pub fn newest(&self) -> Option<(u64, ObjectId)> {
        let place = (self.first + self.count()).checked_sub(1)?;
        Some((place, self.get(place)?))
    }

    /// The commit at a place.
    pub fn get(&self, place: u64) -> Option<ObjectId> {
        let at = usize::try_from(place.checked_sub(self.first)?).ok()?;
        let begin = at.checked_mul(self.width)?;
        let bytes = self.bytes.get(begin..begin.checked_add(self.width)?)?;
        ObjectId::try_from(bytes).ok()
    }

    /// Whether this commit stands at this place.
    pub fn holds(&self, place: u64, commit: ObjectId) -> bool {
        self.get(place) == Some(commit)
    }

    /// The places of commits whose hex begins so, at most two.
    pub fn find(&self, hex: &str) -> Vec<u64> {
        let whole = hex.len() / 2;
        let begins: Option<Vec<u8>> = (0..whole)
            .map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok())
            .collect();
        let Some(begins) = begins.filter(|_| hex.len() <= 2 * self.width) else {
            return Vec::new();
        };
        let half = (hex.len() % 2 == 1).then(|| hex.get(2 * whole..)).flatten();
        let half = half.and_then(|digit| u8::from_str_radix(digit, 16).ok());
        let commits = self.bytes.chunks_exact(self.width).zip(self.first..);
        let fits = |bytes: &[u8]| {
            bytes.starts_with(&begins)
                && half.is_none_or(|half| bytes.get(whole).is_some_and(|byte| byte >> 4 == half))
        };
        commits
            .filter(|(bytes, _)| fits(bytes))
            .map(|(_, place)| place)
            .take(2)
            .collect()
    }

    /// All commits, the oldest first.
    pub fn all(&self) -> Vec<ObjectId> {
        let ids = self.bytes.chunks_exact(self.width);
        ids.filter_map(|bytes| ObjectId::try_from(bytes).ok())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> ObjectId {
        ObjectId::from_bytes_or_panic(&[byte; 20])
    }

    #[test]
    fn commits_are_found_by_place_and_by_their_first_digits() {
        let mut positions = Positions::new(5, &[id(0x7b), id(0x6a), id(0x60)]);
        assert_eq!((positions.first(), positions.count()), (5, 3));
        assert_eq!(positions.newest(), Some((7, id(0x7b))));
        assert_eq!(positions.get(6), Some(id(0x6a)));
        assert_eq!((positions.get(4), positions.get(8)), (None, None));
        assert_eq!(positions.find("6a6"), [6]);
        assert_eq!(positions.find("6"), [5, 6]);
        assert!(positions.find("6a6b").is_empty());
        assert!(positions.find(&"7b".repeat(21)).is_empty());
        positions.cut(5);
        positions.extend(&[id(2), id(1)]);
        assert_eq!(positions.all(), [id(0x60), id(1), id(2)]);
        positions.cut(4);
        assert_eq!(positions.newest(), None);
        assert_eq!(Positions::new(0, &[]).newest(), None);
    }
}
