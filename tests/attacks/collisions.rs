//! Two contents under one object id, which SHA-1 does not rule out: the digests inside the
//! entries are SHA-256.

use std::collections::BTreeMap;

use git_ledger::finding::FindingId;
use git_ledger::store::{Read, ReadFault, Store};
use git_ledger::verify::{Request, verify};
use gix::ObjectId;
use gix::objs::Kind;

use crate::vectors::{Vector, vectors};

/// A store whose owner has found other bytes for some ids: they pass every check of ids.
struct Collided<'a> {
    vector: &'a Vector,
    other: BTreeMap<ObjectId, Vec<u8>>,
}

struct Reader<'a>(&'a Collided<'a>);

impl<'a> Store for &'a Collided<'a> {
    type Reader = Reader<'a>;

    fn reader(&self) -> Reader<'a> {
        Reader(self)
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, id: &ObjectId, kind: Kind, _: usize) -> Result<Vec<u8>, ReadFault> {
        let (found, bytes) = self.0.vector.objects.get(id).ok_or(ReadFault::Missing)?;
        assert_eq!(*found, kind);
        Ok(self.0.other.get(id).unwrap_or(bytes).clone())
    }
}

fn named(name: &str) -> Vector {
    let found = vectors().into_iter().find(|vector| vector.name == name);
    found.expect("a vector")
}

/// The findings when the objects that `wanted` picks hold other bytes under the same id.
fn with_other(name: &str, wanted: impl Fn(&Kind, &[u8]) -> Option<Vec<u8>>) -> Vec<FindingId> {
    let vector = named(name);
    let other: BTreeMap<ObjectId, Vec<u8>> = vector
        .objects
        .iter()
        .filter_map(|(id, (kind, bytes))| Some((*id, wanted(kind, bytes)?)))
        .collect();
    assert!(!other.is_empty());
    let store = Collided {
        vector: &vector,
        other,
    };
    let tip = *vector.ids("tip").first().expect("a tip");
    let verdict = verify(&&store, &Request::whole(tip), &|_| {});
    let mut ids: Vec<FindingId> = verdict.findings.iter().map(|found| found.id).collect();
    ids.dedup();
    ids
}

fn swapped(bytes: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let at = bytes.windows(from.len()).position(|part| part == from)?;
    Some([&bytes[..at], to, &bytes[at + from.len()..]].concat())
}

#[test]
fn one_id_with_two_contents_is_told_by_the_digest() {
    // nobody lies
    assert_eq!(
        with_other("sound_founded", |_, bytes| Some(bytes.to_vec())),
        []
    );
    // another policy under the id of the policy
    let policy = |kind: &Kind, bytes: &[u8]| match kind {
        Kind::Blob if bytes.starts_with(b"spec = ") => {
            swapped(bytes, b"\nthreshold = 1", b"\nthreshold = 2")
        }
        _ => None,
    };
    assert_eq!(
        with_other("sound_founded", policy),
        [FindingId::PolicyDigestMismatch]
    );
    // another list of signers, another text for people
    let signers = |kind: &Kind, bytes: &[u8]| match kind {
        Kind::Blob if bytes.windows(12).any(|part| part == b" namespaces=") => {
            Some([bytes, b"x".as_slice()].concat())
        }
        _ => None,
    };
    assert_eq!(
        with_other("sound_founded", signers),
        [FindingId::DerivedMismatch]
    );
    // another entry: the signature is about its bytes
    let entry = |kind: &Kind, bytes: &[u8]| match kind {
        Kind::Commit => swapped(bytes, b"\"id\":\"", b"\"id\":\"x"),
        _ => None,
    };
    let found = with_other("sound_founded", entry);
    assert!(found.contains(&FindingId::SignatureBad), "{found:?}");
    // another attachment
    let attachment = |kind: &Kind, bytes: &[u8]| match kind {
        Kind::Blob
            if !bytes.starts_with(b"spec")
                && !bytes.starts_with(b"#")
                && !bytes.windows(12).any(|part| part == b" namespaces=") =>
        {
            Some([bytes, b" ".as_slice()].concat())
        }
        _ => None,
    };
    let found = with_other("sound_attachments", attachment);
    assert_eq!(found, [FindingId::AttachmentDigest], "{found:?}");
}
