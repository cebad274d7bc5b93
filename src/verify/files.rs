//! The trees of entries: read once, judged once, shared by all workers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use gix::ObjectId;
use gix::objs::Kind;

use crate::finding::{Finding, FindingId};
use crate::merkle::{self, Hash};
use crate::policy::{self, Policy};
use crate::store::Read;
use crate::tree::{self, PolicyPart, Tree};

/// What the tree of an entry holds.
#[derive(Debug)]
pub struct TreeFiles {
    /// SHA-256 of `ledger.toml`.
    pub digest: Hash,
    /// The policy, or why it is none.
    pub policy: Result<Arc<Policy>, Finding>,
    /// What is wrong with the files derived from the policy.
    pub derived: Option<Finding>,
    /// The directory `attachments`.
    pub attachments: Option<ObjectId>,
}

/// Every policy part met so far.
#[derive(Debug, Default)]
pub struct Files {
    parts: Mutex<HashMap<PolicyPart, Arc<Part>>>,
    trees: Mutex<HashMap<ObjectId, Arc<TreeFiles>>>,
}

#[derive(Debug)]
struct Part {
    digest: Hash,
    policy: Result<Arc<Policy>, Finding>,
    derived: Option<Finding>,
}

impl Files {
    /// The files of a tree.
    ///
    /// # Errors
    /// The finding that keeps them from being read at all.
    pub fn of(&self, reader: &mut impl Read, tree: ObjectId) -> Result<Arc<TreeFiles>, Finding> {
        let known = self
            .trees
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&tree)
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let raw = reader
            .read(&tree, Kind::Tree, tree::MAX_BYTES)
            .map_err(|fault| fault.finding(&tree))?;
        let shape = Tree::parse(&raw, tree.kind())?;
        let part = self.part(reader, shape.part)?;
        let files = Arc::new(TreeFiles {
            digest: part.digest,
            policy: part.policy.clone(),
            derived: part.derived.clone(),
            attachments: shape.attachments,
        });
        // a tree with attachments belongs to one entry and is not met again
        if shape.attachments.is_none() {
            self.trees
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(tree, files.clone());
        }
        Ok(files)
    }

    fn part(&self, reader: &mut impl Read, part: PolicyPart) -> Result<Arc<Part>, Finding> {
        let known = self
            .parts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&part)
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let mut read = |id: &ObjectId, most: usize| {
            reader
                .read(id, Kind::Blob, most)
                .map_err(|fault| fault.finding(id))
        };
        let toml = read(&part.policy, policy::MAX_BYTES)?;
        // a row of allowed_signers is never longer than its row in ledger.toml and 64 bytes more
        let signers = read(&part.allowed_signers, policy::MAX_BYTES * 2)?;
        let readme = read(&part.readme, policy::MAX_BYTES)?;
        let policy = Policy::parse(&toml).map(Arc::new);
        let derived = policy.as_ref().ok().and_then(|policy| {
            let wrong = match (
                signers == policy.allowed_signers().as_bytes(),
                readme == policy::README.as_bytes(),
            ) {
                (true, true) => return None,
                (false, _) => "allowed_signers",
                (true, false) => "README.md",
            };
            Some(Finding::new(
                FindingId::DerivedMismatch,
                format!("{wrong} is not what ledger.toml derives"),
            ))
        });
        let part_files = Arc::new(Part {
            digest: merkle::sha256(&toml),
            policy,
            derived,
        });
        self.parts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(part, part_files.clone());
        Ok(part_files)
    }
}
