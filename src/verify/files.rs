//! The trees of entries: read once, judged once, shared by all workers. What one of them was told of a
//! tree, all are told: an entry is judged by its own tree and by that of the one before, and a store
//! that answers now this, now that must not let it pass between the two.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gix::ObjectId;
use gix::objs::Kind;

use crate::finding::{Finding, FindingId};
use crate::merkle::{self, Hash};
use crate::policy::{self, Policy};
use crate::store::Read;
use crate::tree::{self, PolicyPart, Tree};

/// What the tree of an entry holds.
#[derive(Debug, Clone)]
pub struct TreeFiles {
    /// The policy part.
    pub part: Arc<Part>,
    /// The directory `attachments`.
    pub attachments: Option<ObjectId>,
}

/// The files that hold a policy.
#[derive(Debug)]
pub struct Part {
    /// SHA-256 of `ledger.toml`.
    pub digest: Hash,
    /// The policy, or why it is none.
    pub policy: Result<Arc<Policy>, Finding>,
    /// What is wrong with the files derived from the policy.
    pub derived: Option<Finding>,
}

/// Every tree met so far: some hundred bytes for each, and an entry without attachments has that of
/// the one before.
#[derive(Debug, Default)]
pub struct Files {
    parts: Mutex<HashMap<PolicyPart, Arc<Part>>>,
    trees: Mutex<HashMap<ObjectId, Result<TreeFiles, Box<Finding>>>>,
}

impl Files {
    /// The files of a tree.
    ///
    /// # Errors
    /// The finding that keeps them from being read at all.
    pub fn of(&self, reader: &mut impl Read, tree: ObjectId) -> Result<TreeFiles, Finding> {
        let known = self.trees().get(&tree).cloned();
        let told = known.unwrap_or_else(|| {
            let read = self.read(reader, tree).map_err(Box::new);
            self.trees().entry(tree).or_insert(read).clone()
        });
        told.map_err(|finding| *finding)
    }

    fn trees(&self) -> MutexGuard<'_, HashMap<ObjectId, Result<TreeFiles, Box<Finding>>>> {
        self.trees.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, reader: &mut impl Read, tree: ObjectId) -> Result<TreeFiles, Finding> {
        let raw = reader
            .read(&tree, Kind::Tree, tree::MAX_BYTES)
            .map_err(|fault| fault.finding(&tree))?;
        let shape = Tree::parse(&raw, tree.kind())?;
        Ok(TreeFiles {
            part: self.part(reader, shape.part)?,
            attachments: shape.attachments,
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ReadFault;

    /// Holds nothing at first, and something that is no tree from then on.
    struct Fickle {
        asked: u32,
    }

    impl Read for Fickle {
        fn read(&mut self, _: &ObjectId, _: Kind, _: usize) -> Result<Vec<u8>, ReadFault> {
            self.asked += 1;
            match self.asked {
                1 => Err(ReadFault::Missing),
                _ => Ok(b"no tree".to_vec()),
            }
        }
    }

    #[test]
    fn all_are_told_what_the_first_was_told() {
        let (files, mut reader) = (Files::default(), Fickle { asked: 0 });
        let tree = ObjectId::null(gix::hash::Kind::Sha1);
        let told = files.of(&mut reader, tree).unwrap_err();
        let again = files.of(&mut reader, tree).unwrap_err();
        assert_eq!((told.id, told.detail), (again.id, again.detail));
        assert_eq!(reader.asked, 1);
    }
}
