//! Copies commits with all that belongs to them from one repository into another, so that only
//! what somebody has looked at comes over, and nothing that lay beside it.

use std::collections::HashSet;
use std::io;

use gix::bstr::ByteSlice;
use gix::objs::Kind;

use super::keep::KeptPack;
use super::objects::{ReadError, Reader, parse_id};
use super::repository::Repository;
use super::write::WriteError;

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// An object could not be read where it should come from.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// More bytes than allowed.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
    /// A store could not be opened.
    #[error("cannot open the object store: {0}")]
    Io(#[from] io::Error),
}

impl Repository {
    /// Copies these commits, their trees and files, and what stands before them, as far as it is
    /// not here already, as one pack. Durable when it returns; no repacking removes it until what
    /// is returned is dropped, so a reference can be moved to it meanwhile.
    pub fn carry(
        &self,
        from: &Repository,
        commits: &[gix::ObjectId],
        most: u64,
    ) -> Result<Option<KeptPack>, CarryError> {
        let (there, here) = (from.reader()?, self.reader()?);
        let mut pack = self.pack_writer()?;
        let mut seen: HashSet<gix::ObjectId> = HashSet::new();
        let mut size = 0u64;
        for commit in commits.iter().rev() {
            let mut waiting = vec![(*commit, Kind::Commit)];
            while let Some((id, kind)) = waiting.pop() {
                if !seen.insert(id) || here.holds(id) {
                    continue;
                }
                let bytes = read(&there, id, kind, most.saturating_sub(size), most)?;
                size += bytes.len() as u64;
                waiting.extend(referred(&bytes, kind, id.kind()));
                pack.add(kind, bytes)?;
            }
        }
        Ok(pack.finish_kept()?)
    }
}

fn read(
    reader: &Reader,
    id: gix::ObjectId,
    kind: Kind,
    left: u64,
    most: u64,
) -> Result<Vec<u8>, CarryError> {
    let limit = usize::try_from(left).unwrap_or(usize::MAX);
    reader.read(id, kind, limit).map_err(|error| match error {
        ReadError::TooLarge { .. } => CarryError::TooLarge(most),
        other => other.into(),
    })
}

/// The objects that an object names.
fn referred(bytes: &[u8], kind: Kind, format: gix::hash::Kind) -> Vec<(gix::ObjectId, Kind)> {
    match kind {
        Kind::Commit => bytes
            .lines()
            .take_while(|line| !line.is_empty())
            .filter_map(|line| {
                let (hex, kind) = match line.strip_prefix(b"tree ") {
                    Some(hex) => (hex, Kind::Tree),
                    None => (line.strip_prefix(b"parent ")?, Kind::Commit),
                };
                Some((parse_id(hex, format)?, kind))
            })
            .collect(),
        Kind::Tree => tree_items(bytes, format),
        Kind::Blob | Kind::Tag => Vec::new(),
    }
}

fn tree_items(mut rest: &[u8], format: gix::hash::Kind) -> Vec<(gix::ObjectId, Kind)> {
    let mut found = Vec::new();
    while let Some(at) = rest.find_byte(0) {
        let (name, after) = rest.split_at(at);
        let Some((id, after)) = after
            .get(1..)
            .and_then(|after| after.split_at_checked(format.len_in_bytes()))
        else {
            break;
        };
        rest = after;
        let Ok(id) = gix::ObjectId::try_from(id) else {
            break;
        };
        if name.starts_with(b"160000 ") {
            continue;
        }
        let kind = if name.starts_with(b"40000 ") {
            Kind::Tree
        } else {
            Kind::Blob
        };
        found.push((id, kind));
    }
    found
}
