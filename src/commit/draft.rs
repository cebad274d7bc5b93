//! A commit before it is signed, and the link it becomes.

use gix::ObjectId;

use super::{Link, MAX_BYTES, MAX_TIME, signature_header};
use crate::entry::Entry;
use crate::finding::{Finding, FindingId};
use crate::merkle;
use crate::principal::Principal;
use crate::signature::Signature;

/// A commit before it is signed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The tree it will name.
    pub tree: ObjectId,
    /// The commit before it.
    pub parent: Option<ObjectId>,
    /// Who signs.
    pub principal: Principal,
    /// T, in seconds since 1970.
    pub time: u64,
    /// The entry.
    pub entry: Entry,
}

impl Draft {
    /// The bytes to sign in [`NAMESPACE`](super::NAMESPACE).
    pub fn payload(&self) -> Vec<u8> {
        self.head_and_payload().1
    }

    /// How long the headers are, and the bytes to sign.
    fn head_and_payload(&self) -> (usize, Vec<u8>) {
        let parent = self
            .parent
            .map_or_else(String::new, |id| format!("parent {id}\n"));
        let who = format!("{p} <{p}> {} +0000", self.time, p = self.principal);
        let mut out = format!(
            "tree {}\n{parent}author {who}\ncommitter {who}\n",
            self.tree
        );
        let head = out.len();
        out.push('\n');
        out.push_str(&self.entry.message());
        (head, out.into_bytes())
    }

    /// The link this draft becomes with a signature.
    ///
    /// # Errors
    /// What [`Link::parse`] would say of it: an entry that is too large, for one.
    pub fn sign(&self, signature: &Signature) -> Result<Link, Finding> {
        let (head, payload) = self.head_and_payload();
        let raw = self.raw(head, &payload, signature);
        let id = id_of(self.tree.kind(), &raw)?;
        Link::parse(id, raw)
    }

    /// As [`Draft::sign`], with the signature that `sign` makes of the payload. What has just been
    /// written is not parsed again; only what its parts do not promise is looked at.
    ///
    /// # Errors
    /// Those of `sign`, and what [`Link::parse`] would say of the link.
    pub fn signed<E: From<Finding>>(
        self,
        sign: impl FnOnce(&[u8]) -> Result<Signature, E>,
    ) -> Result<Link, E> {
        if let Some(finding) = self.fault() {
            return Err(finding.into());
        }
        let (head, payload) = self.head_and_payload();
        let signature = sign(&payload)?;
        let raw = self.raw(head, &payload, &signature);
        if raw.len() > MAX_BYTES {
            let detail = format!("{} bytes", raw.len());
            return Err(Finding::new(FindingId::MessageTooLarge, detail).into());
        }
        let id = id_of(self.tree.kind(), &raw)?;
        if !self.entry.approvals.is_empty() {
            return Ok(Link::parse(id, raw)?);
        }
        let link = Link {
            id,
            tree: self.tree,
            parent: self.parent,
            principal: self.principal,
            time: self.time,
            signature,
            entry: self.entry,
            payload,
            digest: merkle::leaf(&raw),
            raw,
        };
        debug_assert!(link.is_what_its_bytes_say(), "{link:?}");
        Ok(link)
    }

    /// What a writer may have got wrong without writing any single part wrongly.
    fn fault(&self) -> Option<Finding> {
        if self.time > MAX_TIME {
            let detail = format!("T is {}", self.time);
            return Some(Finding::new(FindingId::IdentityMalformed, detail));
        }
        if self.entry.events.is_empty() {
            let detail = "an entry without events";
            return Some(Finding::new(FindingId::MessageMalformed, detail));
        }
        let faults = self.entry.events.iter();
        let why = faults.filter_map(|event| event.object().check().err());
        let why = why.map(|why| Finding::new(FindingId::EventMalformed, why.to_string()));
        why.into_iter().next()
    }

    fn raw(&self, head: usize, payload: &[u8], signature: &Signature) -> Vec<u8> {
        let (head, message) = payload.split_at(head);
        let armour = signature.to_armour();
        let mut raw = Vec::with_capacity(payload.len() + armour.len() + 32);
        raw.extend_from_slice(head);
        raw.extend_from_slice(signature_header(self.tree.kind()).as_bytes());
        for line in armour.lines() {
            raw.push(b' ');
            raw.extend_from_slice(line.as_bytes());
            raw.push(b'\n');
        }
        raw.extend_from_slice(message);
        raw
    }
}

impl Link {
    /// Whether reading its bytes gives this very link.
    fn is_what_its_bytes_say(&self) -> bool {
        Link::parse(self.id, self.raw.clone()).is_ok_and(|read| {
            let mine = (&self.tree, &self.parent, &self.principal, self.time);
            mine == (&read.tree, &read.parent, &read.principal, read.time)
                && self.signature == read.signature
                && self.entry == read.entry
                && self.payload == read.payload
                && self.digest == read.digest
        })
    }
}

fn id_of(format: gix::hash::Kind, raw: &[u8]) -> Result<ObjectId, Finding> {
    gix::objs::compute_hash(format, gix::objs::Kind::Commit, raw)
        .map_err(|why| Finding::new(FindingId::ObjectCorrupt, why.to_string()))
}
