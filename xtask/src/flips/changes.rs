//! Changes of one byte: what becomes of a string of bytes when somebody touches it once.

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The byte at this place is another.
    Value(usize, u8),
    /// The byte at this place is gone.
    Delete(usize),
    /// Another byte stands before the one at this place.
    Insert(usize, u8),
    /// Nothing is left from this place on.
    Truncate(usize),
}

/// How many changes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// At each byte: one bit flipped.
    Flips,
    /// At each byte: one bit flipped, the byte deleted, all from there on cut away.
    One,
    /// Also each other bit flipped, and a zero, a line feed, a space, or the byte itself inserted.
    Bits,
    /// Also each of the 255 other values.
    Values,
}

/// What is inserted besides the byte that stands there.
const INSERTED: [u8; 3] = [0, b'\n', b' '];

impl Change {
    /// The bytes after it.
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        match self {
            Change::Value(at, value) => out[at] = value,
            Change::Delete(at) => drop(out.remove(at)),
            Change::Insert(at, value) => out.insert(at, value),
            Change::Truncate(at) => out.truncate(at),
        }
        out
    }

    /// One bit flipped: another one from byte to byte.
    pub fn flip(at: usize, byte: u8) -> Change {
        Change::Value(at, byte ^ (1 << (at % 8)))
    }

    /// Where it is made.
    pub fn at(self) -> usize {
        match self {
            Change::Value(at, _) | Change::Delete(at) | Change::Insert(at, _) => at,
            Change::Truncate(at) => at,
        }
    }

    /// All changes of this amount; none twice, none that changes nothing.
    pub fn all(bytes: &[u8], amount: Amount) -> Vec<Change> {
        let mut changes = Vec::new();
        for (at, byte) in bytes.iter().enumerate() {
            if amount == Amount::Flips {
                changes.push(Change::flip(at, *byte));
                continue;
            }
            changes.push(Change::Truncate(at));
            // of equal neighbours the deletion of one is as good as that of the other, and the
            // deletion of the last byte is a cut
            if bytes.get(at + 1).is_some_and(|next| next != byte) {
                changes.push(Change::Delete(at));
            }
            match amount {
                Amount::Flips | Amount::One => changes.push(Change::flip(at, *byte)),
                Amount::Bits => {
                    changes.extend((0..8).map(|bit| Change::Value(at, byte ^ (1 << bit))));
                }
                Amount::Values => {
                    let others = (0..=255).filter(|value| value != byte);
                    changes.extend(others.map(|value| Change::Value(at, value)));
                }
            }
            if amount != Amount::One {
                changes.push(Change::Insert(at, *byte));
                let others = INSERTED.into_iter().filter(|value| value != byte);
                changes.extend(others.map(|value| Change::Insert(at, value)));
            }
        }
        if matches!(amount, Amount::Bits | Amount::Values) {
            changes.extend(INSERTED.map(|value| Change::Insert(bytes.len(), value)));
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_another_one() {
        for amount in [Amount::Flips, Amount::One, Amount::Bits, Amount::Values] {
            let bytes = b"ab\n\nc";
            let made: Vec<Vec<u8>> = Change::all(bytes, amount)
                .into_iter()
                .map(|change| change.of(bytes))
                .collect();
            let distinct: std::collections::BTreeSet<&Vec<u8>> = made.iter().collect();
            assert!(!distinct.contains(&bytes.to_vec()));
            assert!(distinct.len() + 8 >= made.len(), "{amount:?}");
        }
        assert_eq!(Change::all(b"ab", Amount::One).len(), 5);
        assert_eq!(Change::all(b"x", Amount::Values).len(), 1 + 255 + 4 + 3);
    }
}
