//! The records of a pack file: each object whole, or as a difference to one that stands before it.
//!
//! Objects that are alike become differences to one base, a new base now and then ("star"). Commits
//! of a series are written in blocks of [`BLOCK`], the newest first, each as a difference to a newer
//! one: whoever walks a series from its newest commit back meets every base before what leans on it.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Crc;
use gix::objs::Kind;
use libdeflater::{CompressionLvl, Compressor};

use super::super::delta::Blocks;
use super::super::write::temporary;
use super::index::Item;

/// How many objects share one base.
const STAR: u32 = 256;

/// How many commits of a series stand in one block, which one whole commit begins.
const BLOCK: u64 = 256;

/// Larger objects are stored whole: differences to them would cost too much to read.
const DELTA_LIMIT: usize = 64 << 10;

/// The same for commits of a series: what is large repeats itself, and deflate sees that sooner.
const SERIES_LIMIT: usize = 8 << 10;

const HEADER: u64 = 12;

/// An object on its way into a pack.
pub(super) struct Given {
    pub id: gix::ObjectId,
    pub kind: Kind,
    pub bytes: Vec<u8>,
    /// Its place in a series.
    pub number: Option<u64>,
}

/// A pack file that is being written.
pub(super) struct Records {
    file: BufWriter<tempfile::NamedTempFile>,
    offset: u64,
    items: Vec<Item>,
    stars: [Option<Star>; 4],
    block: Vec<Given>,
    quick: Compressor,
    thorough: Compressor,
    record: Vec<u8>,
}

/// A pack file without its checksum, and where what stands in it.
pub(super) type Written = (tempfile::NamedTempFile, Vec<Item>);

/// A base, and how many objects lean on it.
struct Star {
    base: Base,
    used: u32,
}

struct Base {
    bytes: Vec<u8>,
    blocks: Option<Blocks>,
    offset: u64,
}

impl Base {
    /// What makes `target` of this, if that is worth it.
    fn delta(&mut self, target: &[u8]) -> Option<Vec<u8>> {
        let blocks = self.blocks.get_or_insert_with(|| Blocks::new(&self.bytes));
        let delta = blocks.delta(&self.bytes, target);
        (delta.len() < target.len() / 4 * 3).then_some(delta)
    }
}

impl Records {
    /// Begins a file in the directory of packs.
    pub fn begin(dir: &Path) -> io::Result<Records> {
        let mut file = BufWriter::with_capacity(256 << 10, temporary(dir, "tmp_pack_")?);
        // The number of objects is filled in at the end.
        file.write_all(b"PACK\0\0\0\x02\0\0\0\0")?;
        let level = |level| {
            CompressionLvl::new(level)
                .map(Compressor::new)
                .map_err(|_| io::Error::other("no such level of compression"))
        };
        Ok(Records {
            file,
            offset: HEADER,
            items: Vec::new(),
            stars: [None, None, None, None],
            block: Vec::new(),
            // in a difference there is little left to find, and what is new in it is not alike
            quick: level(1)?,
            thorough: level(6)?,
            record: Vec::new(),
        })
    }

    /// Takes an object; one of a series may wait for its block.
    pub fn take(&mut self, given: Given) -> io::Result<()> {
        let Some(number) = given.number else {
            return self.star(&given);
        };
        if given.bytes.len() > SERIES_LIMIT {
            return self.whole(&given).map(drop);
        }
        let apart = |first: &Given| first.number.is_some_and(|n| n / BLOCK != number / BLOCK);
        if self.block.first().is_some_and(apart) {
            self.write_block()?;
        }
        self.block.push(given);
        Ok(())
    }

    /// All that was taken.
    pub fn end(mut self) -> io::Result<Written> {
        self.write_block()?;
        let file = self.file.into_inner().map_err(|e| e.into_error())?;
        Ok((file, self.items))
    }

    /// The newest commit whole, the others as differences to a newer one that shares all bits of
    /// the number but the lowest, and has those set: what a Merkle range holds of the bits above is
    /// the same in both. That way each adds only what is new in it, over at most eight steps.
    fn write_block(&mut self) -> io::Result<()> {
        let mut block = std::mem::take(&mut self.block);
        block.sort_by_key(|given| given.number);
        let mut newer: Vec<(u64, Base)> = Vec::new();
        for given in block.into_iter().rev() {
            let number = given.number.unwrap_or_default();
            // the newest of all is better than none
            while newer.len() > 1 && newer.last().is_some_and(|(n, _)| !covers(*n, number)) {
                newer.pop();
            }
            let delta = newer
                .last_mut()
                .and_then(|(_, base)| Some((base.offset, base.delta(&given.bytes)?)));
            let offset = match delta {
                Some((base, delta)) => self.difference(given.id, base, &delta)?,
                None => self.whole(&given)?,
            };
            let (bytes, blocks) = (given.bytes, None);
            let base = Base {
                bytes,
                blocks,
                offset,
            };
            newer.push((number, base));
        }
        Ok(())
    }

    /// An object that belongs to no series.
    fn star(&mut self, given: &Given) -> io::Result<()> {
        let slot = slot(given.kind);
        let small = given.bytes.len() <= DELTA_LIMIT;
        let star = self.stars.get_mut(slot).and_then(Option::as_mut);
        if let Some(star) = star.filter(|star| small && star.used < STAR)
            && let Some(delta) = star.base.delta(&given.bytes)
        {
            star.used += 1;
            let base = star.base.offset;
            return self.difference(given.id, base, &delta).map(drop);
        }
        let offset = self.whole(given)?;
        // what was not alike enough is the next base
        if let Some(place) = self.stars.get_mut(slot).filter(|_| small) {
            let base = Base {
                bytes: given.bytes.clone(),
                blocks: None,
                offset,
            };
            *place = Some(Star { base, used: 0 });
        }
        Ok(())
    }

    fn whole(&mut self, given: &Given) -> io::Result<u64> {
        let mut record = std::mem::take(&mut self.record);
        record.clear();
        let kind = slot(given.kind) as u8 + 1;
        object_header(&mut record, kind, given.bytes.len() as u64);
        let level = match given.kind {
            Kind::Commit | Kind::Tree => &mut self.quick,
            Kind::Blob | Kind::Tag => &mut self.thorough,
        };
        deflate(level, &mut record, &given.bytes)?;
        self.append(given.id, record)
    }

    fn difference(&mut self, id: gix::ObjectId, base: u64, delta: &[u8]) -> io::Result<u64> {
        let mut record = std::mem::take(&mut self.record);
        record.clear();
        object_header(&mut record, 6, delta.len() as u64);
        base_distance(&mut record, self.offset - base);
        deflate(&mut self.quick, &mut record, delta)?;
        self.append(id, record)
    }

    fn append(&mut self, id: gix::ObjectId, record: Vec<u8>) -> io::Result<u64> {
        let mut crc = Crc::new();
        crc.update(&record);
        self.file.write_all(&record)?;
        let offset = self.offset;
        let crc = crc.sum();
        self.items.push(Item { id, offset, crc });
        self.offset += record.len() as u64;
        self.record = record;
        Ok(offset)
    }
}

/// Whether `newer` is `number` with some of its lowest bits set.
fn covers(newer: u64, number: u64) -> bool {
    let differs = newer ^ number;
    let low = u64::MAX.checked_shr(differs.leading_zeros()).unwrap_or(0);
    number | low == newer
}

fn slot(kind: Kind) -> usize {
    match kind {
        Kind::Commit => 0,
        Kind::Tree => 1,
        Kind::Blob => 2,
        Kind::Tag => 3,
    }
}

fn deflate(level: &mut Compressor, out: &mut Vec<u8>, bytes: &[u8]) -> io::Result<()> {
    let at = out.len();
    out.resize(at + level.zlib_compress_bound(bytes.len()), 0);
    let room = out.get_mut(at..).unwrap_or_default();
    let written = level
        .zlib_compress(bytes, room)
        .map_err(|why| io::Error::other(why.to_string()))?;
    out.truncate(at + written);
    Ok(())
}

fn object_header(out: &mut Vec<u8>, kind: u8, mut size: u64) {
    let mut byte = (kind << 4) | (size & 15) as u8;
    size >>= 4;
    while size > 0 {
        out.push(byte | 0x80);
        byte = (size & 0x7f) as u8;
        size >>= 7;
    }
    out.push(byte);
}

fn base_distance(out: &mut Vec<u8>, mut distance: u64) {
    let mut bytes = [0u8; 10];
    let mut at = bytes.len();
    let mut more = 0;
    loop {
        at -= 1;
        if let Some(byte) = bytes.get_mut(at) {
            *byte = (distance & 0x7f) as u8 | more;
        }
        distance >>= 7;
        if distance == 0 || at == 0 {
            break;
        }
        distance -= 1;
        more = 0x80;
    }
    out.extend_from_slice(bytes.get(at..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_one_covers_those_that_lack_only_its_lowest_bits() {
        for (newer, number, expected) in [
            (7, 6, true),
            (7, 5, true),
            (7, 0, true),
            (11, 8, true),
            (13, 8, false),
            (1, 0, true),
            (255, 127, true),
            (6, 4, false),
            (u64::MAX, u64::MAX >> 1, true),
        ] {
            assert_eq!(covers(newer, number), expected, "{newer} {number}");
        }
    }
}
