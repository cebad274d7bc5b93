//! The index beside a pack file, version 2: which object stands where.
//!
//! Source: gitformat-pack(5).

use std::io::{self, Write};
use std::path::Path;

use super::super::write::temporary;

/// Where one object stands.
pub(super) struct Item {
    pub id: gix::ObjectId,
    pub offset: u64,
    /// Checksum of the record.
    pub crc: u32,
}

/// Writes the index of a pack with this checksum; `items` ascend by id.
pub(super) fn write(
    dir: &Path,
    format: gix::hash::Kind,
    items: &[Item],
    pack: &gix::ObjectId,
) -> io::Result<tempfile::NamedTempFile> {
    const FAR: u64 = 1 << 31;
    let mut out = Vec::with_capacity(items.len() * 40 + 1100);
    out.extend_from_slice(b"\xfftOc\0\0\0\x02");
    let mut next = 0;
    for first in 0..=255u8 {
        while items.get(next).is_some_and(|i| i.id.first_byte() <= first) {
            next += 1;
        }
        out.extend_from_slice(&(next as u32).to_be_bytes());
    }
    for item in items {
        out.extend_from_slice(item.id.as_slice());
    }
    for item in items {
        out.extend_from_slice(&item.crc.to_be_bytes());
    }
    let mut far = Vec::new();
    for item in items {
        let word = if item.offset < FAR {
            item.offset as u32
        } else {
            far.push(item.offset);
            (far.len() as u32 - 1) | FAR as u32
        };
        out.extend_from_slice(&word.to_be_bytes());
    }
    for offset in far {
        out.extend_from_slice(&offset.to_be_bytes());
    }
    out.extend_from_slice(pack.as_slice());
    let mut hasher = gix::hash::hasher(format);
    hasher.update(&out);
    let checksum = hasher
        .try_finalize()
        .map_err(|e| io::Error::other(e.to_string()))?;
    out.extend_from_slice(checksum.as_slice());
    let mut file = temporary(dir, "tmp_idx_")?;
    file.write_all(&out)?;
    Ok(file)
}
