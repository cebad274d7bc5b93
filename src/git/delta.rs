//! Differences between two byte strings, in the form in which packs store them.

/// Where each aligned block of a base starts, by a hash of the block.
pub(super) struct Blocks {
    table: Vec<u32>,
    mask: usize,
}

const BLOCK: usize = 8;

impl Blocks {
    pub fn new(base: &[u8]) -> Self {
        let size = (base.len() / BLOCK * 4).next_power_of_two().max(16);
        let mut blocks = Self {
            table: vec![u32::MAX; size],
            mask: size - 1,
        };
        for at in (0..base.len().saturating_sub(BLOCK - 1)).step_by(BLOCK / 2) {
            let slot = blocks.slot(base, at);
            if let Some(place) = slot.and_then(|s| blocks.table.get_mut(s)) {
                *place = at as u32;
            }
        }
        blocks
    }

    fn slot(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let block: [u8; BLOCK] = bytes.get(at..at + BLOCK)?.try_into().ok()?;
        let hash = u64::from_le_bytes(block).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Some((hash >> 40) as usize & self.mask)
    }

    /// What makes `target` out of `base`: copies and insertions, greedily.
    pub fn delta(&self, base: &[u8], target: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(target.len() / 2);
        varint(&mut out, base.len());
        varint(&mut out, target.len());
        let (mut at, mut pending) = (0, 0);
        while at < target.len() {
            match self.longest(base, target, at, pending) {
                Some((from, start, length)) => {
                    insert(&mut out, target.get(pending..start).unwrap_or_default());
                    copy(&mut out, from, length);
                    at = start + length;
                    pending = at;
                }
                None => at += 1,
            }
        }
        insert(&mut out, target.get(pending..).unwrap_or_default());
        out
    }

    /// The match around `at`, grown both ways: where in the base, where in the target, how long.
    fn longest(
        &self,
        base: &[u8],
        target: &[u8],
        at: usize,
        pending: usize,
    ) -> Option<(usize, usize, usize)> {
        let mut from = *self.table.get(self.slot(target, at)?)? as usize;
        let (source, wanted) = (base.get(from..), target.get(at..));
        let mut length = alike(source.unwrap_or_default(), wanted.unwrap_or_default());
        if length < BLOCK {
            return None;
        }
        let mut start = at;
        while start > pending && from > 0 && base.get(from - 1) == target.get(start - 1) {
            start -= 1;
            from -= 1;
            length += 1;
        }
        Some((from, start, length))
    }
}

/// How many bytes both begin with.
fn alike(a: &[u8], b: &[u8]) -> usize {
    let (words, _) = a.as_chunks::<8>();
    let (others, _) = b.as_chunks::<8>();
    let mut at = 0;
    for (word, other) in words.iter().zip(others) {
        let differs = u64::from_le_bytes(*word) ^ u64::from_le_bytes(*other);
        if differs != 0 {
            return at + differs.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let (a, b) = (a.get(at..), b.get(at..));
    let tails = a.unwrap_or_default().iter().zip(b.unwrap_or_default());
    at + tails.take_while(|(a, b)| a == b).count()
}

fn varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn insert(out: &mut Vec<u8>, bytes: &[u8]) {
    for part in bytes.chunks(127) {
        out.push(part.len() as u8);
        out.extend_from_slice(part);
    }
}

fn copy(out: &mut Vec<u8>, mut from: usize, mut length: usize) {
    while length > 0 {
        let part = length.min(0xffff);
        let at = out.len();
        let mut command = 0x80;
        out.push(command);
        for (bit, byte) in (from as u32).to_le_bytes().into_iter().enumerate() {
            if byte != 0 {
                command |= 1 << bit;
                out.push(byte);
            }
        }
        for (bit, byte) in (part as u16).to_le_bytes().into_iter().enumerate() {
            if byte != 0 {
                command |= 0x10 << bit;
                out.push(byte);
            }
        }
        if let Some(place) = out.get_mut(at) {
            *place = command;
        }
        from += part;
        length -= part;
    }
}
