//! Packs as they stood when somebody began to read much: one inflation for an object, and one for
//! the base that hundreds of them share.
//!
//! gix inflates the base of a delta anew for every object that stands on it, and its cache holds
//! only objects that were deltas themselves. The packs written here are stars ([`super::pack`]), so
//! that would be half of all time spent on reading them.
//!
//! Only what is plain is read here: an object stored whole, or one step from a base that is stored
//! whole. All else, and everything that looks wrong, is left to gix, which says what is wrong with
//! it. Nothing is hashed here: the caller does that with everything it reads.
//!
//! Source: gitformat-pack(5).

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use gix::objs::Kind;
use gix::odb::pack::data::entry::Header;
use gix::odb::pack::{data, index};
use gix::zlib::Inflate;

/// With more packs than this, looking through all of them is no shorter way.
const MOST_PACKS: usize = 64;

/// Bases kept by each reader. A walk over entries needs one at a time, and a few for trees.
const BASES: usize = 4;

/// The packs of one object directory.
pub(super) struct Packs(Vec<(index::File, data::File)>);

impl Packs {
    fn open(objects_dir: &Path, format: gix::hash::Kind) -> Packs {
        let listed = fs::read_dir(objects_dir.join("pack")).into_iter().flatten();
        let indices: Vec<_> = listed
            .flatten()
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|end| end == "idx"))
            .take(MOST_PACKS + 1)
            .collect();
        if indices.len() > MOST_PACKS {
            return Packs(Vec::new());
        }
        let opened = indices.iter().filter_map(|path| {
            let data = data::File::at(path.with_extension("pack"), format).ok()?;
            Some((index::File::at(path, format).ok()?, data))
        });
        Packs(opened.collect())
    }
}

/// Hands out the same open packs to all readers, for as long as one of them is there: files that a
/// repacking removed are let go of with the last.
#[derive(Clone, Default)]
pub(super) struct SharedPacks(Arc<Mutex<Weak<Packs>>>);

impl SharedPacks {
    pub fn reader(&self, objects_dir: &Path, format: gix::hash::Kind) -> PackedReader {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let packs = shared.upgrade().unwrap_or_else(|| {
            let opened = Arc::new(Packs::open(objects_dir, format));
            *shared = Arc::downgrade(&opened);
            opened
        });
        PackedReader {
            packs,
            latest: 0,
            inflate: Inflate::default(),
            bases: Vec::new(),
            oldest: 0,
            steps: Vec::new(),
        }
    }
}

/// Reads from packs; belongs to one thread.
pub(super) struct PackedReader {
    packs: Arc<Packs>,
    /// The pack in which the last object was: the next one is likely there too.
    latest: usize,
    inflate: Inflate,
    bases: Vec<Base>,
    /// The base to give up for another.
    oldest: usize,
    /// Where the steps of a delta are inflated to.
    steps: Vec<u8>,
}

struct Base {
    pack: usize,
    offset: u64,
    kind: Kind,
    bytes: Vec<u8>,
}

impl PackedReader {
    /// The object under `id` if it is plainly stored and has at most `most` bytes. What it leaves
    /// in `buffer` otherwise means nothing.
    pub fn read(&mut self, id: &gix::oid, most: usize, buffer: &mut Vec<u8>) -> Option<Kind> {
        let packs = self.packs.clone();
        let (pack, offset) = self.locate(&packs, id)?;
        let (_, data) = packs.0.get(pack)?;
        let entry = data.entry(offset).ok()?;
        let size = usize::try_from(entry.decompressed_size).ok()?;
        if size > most {
            return None;
        }
        let Header::OfsDelta { base_distance } = entry.header else {
            buffer.clear();
            buffer.resize(size, 0);
            let kind = entry.header.as_kind()?;
            data.decompress_entry(&entry, &mut self.inflate, buffer)
                .ok()?;
            return Some(kind);
        };
        let base = entry.checked_base_pack_offset(base_distance)?;
        let base = self.base(pack, data, base, most)?;
        self.steps.clear();
        self.steps.resize(size, 0);
        data.decompress_entry(&entry, &mut self.inflate, &mut self.steps)
            .ok()?;
        let base = self.bases.get(base)?;
        rebuild(&base.bytes, &self.steps, most, buffer)?;
        Some(base.kind)
    }

    fn locate(&mut self, packs: &Packs, id: &gix::oid) -> Option<(usize, u64)> {
        let find = |at: usize| {
            let (index, _) = packs.0.get(at)?;
            let place = index.lookup(id)?;
            Some((at, index.pack_offset_at_index(place)))
        };
        let others = (0..packs.0.len()).filter(|at| *at != self.latest);
        let found = find(self.latest).or_else(|| others.into_iter().find_map(find))?;
        self.latest = found.0;
        Some(found)
    }

    /// Where among the bases the whole object at `offset` is.
    fn base(&mut self, pack: usize, data: &data::File, offset: u64, most: usize) -> Option<usize> {
        let known = |base: &Base| base.offset == offset && base.pack == pack;
        if let Some(at) = self.bases.iter().position(known) {
            return Some(at);
        }
        let entry = data.entry(offset).ok()?;
        let size = usize::try_from(entry.decompressed_size).ok()?;
        let kind = entry.header.as_kind().filter(|_| size <= most)?;
        let mut bytes = vec![0; size];
        data.decompress_entry(&entry, &mut self.inflate, &mut bytes)
            .ok()?;
        let base = Base {
            pack,
            offset,
            kind,
            bytes,
        };
        if self.bases.len() < BASES {
            self.bases.push(base);
            return Some(self.bases.len() - 1);
        }
        let at = self.oldest;
        self.oldest = (at + 1) % BASES;
        *self.bases.get_mut(at)? = base;
        Some(at)
    }
}

/// Puts what the steps make of the base into `out`; nothing unless every step fits and the sizes
/// are those that were promised.
fn rebuild(base: &[u8], steps: &[u8], most: usize, out: &mut Vec<u8>) -> Option<()> {
    let mut rest = steps;
    let (base_size, size) = (varint(&mut rest)?, varint(&mut rest)?);
    if base_size != base.len() || size > most {
        return None;
    }
    out.clear();
    out.reserve_exact(size);
    while let Some((&step, after)) = rest.split_first() {
        rest = after;
        let part = match step {
            0 => return None,
            copy if copy & 0x80 != 0 => {
                let mut number = |bits: std::ops::Range<u32>| {
                    let mut value = 0usize;
                    for (place, bit) in bits.enumerate() {
                        if copy >> bit & 1 == 1 {
                            let (&byte, after) = rest.split_first()?;
                            rest = after;
                            value |= usize::from(byte) << (8 * place);
                        }
                    }
                    Some(value)
                };
                let start = number(0..4)?;
                let length = match number(4..7)? {
                    0 => 0x10000,
                    length => length,
                };
                base.get(start..start.checked_add(length)?)?
            }
            length => {
                let (part, after) = rest.split_at_checked(usize::from(length))?;
                rest = after;
                part
            }
        };
        if part.len() > size - out.len() {
            return None;
        }
        out.extend_from_slice(part);
    }
    (out.len() == size).then_some(())
}

fn varint(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0usize;
    for shift in (0..28).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    // larger than anything that is read here
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::delta::Blocks;

    fn rebuilt(base: &[u8], steps: &[u8]) -> Option<Vec<u8>> {
        let mut out = b"left over".to_vec();
        rebuild(base, steps, 1 << 20, &mut out).map(|()| out)
    }

    #[test]
    fn what_the_writer_takes_apart_comes_back() {
        let base: Vec<u8> = (0..200_000u32).flat_map(u32::to_be_bytes).collect();
        for (at, length) in [(0, base.len()), (1000, 0), (77, 500), (3, 66_000)] {
            let mut target = base[at..at + length].to_vec();
            target.splice(length / 2..length / 2, *b"something else");
            let steps = Blocks::new(&base).delta(&base, &target);
            assert_eq!(rebuilt(&base, &steps), Some(target), "{at} {length}");
        }
    }

    #[test]
    fn steps_that_do_not_fit_make_nothing() {
        assert_eq!(rebuilt(b"abc", b"\x03\x02\x90\x02"), Some(b"ab".to_vec()));
        for (steps, why) in [
            (&b"\x02\x02\x90\x02"[..], "another base"),
            (b"\x03\x02\x90\x03", "more than promised"),
            (b"\x03\x03\x90\x02", "less than promised"),
            (b"\x03\x02\x91\x02\x02", "past the end of the base"),
            (b"\x03\x02\x91\x02", "a copy cut off"),
            (b"\x03\x02\x02a", "an insertion cut off"),
            (b"\x03\x02\x00", "the step that is reserved"),
            (b"\x03", "no size"),
            (
                b"\x83\x80\x80\x80\x80\x00\x02\x90\x02",
                "a size without end",
            ),
            (b"\x03\x81\x80\x80\x02\x90\x02", "larger than asked for"),
        ] {
            assert_eq!(rebuilt(b"abc", steps), None, "{why}");
        }
    }
}
