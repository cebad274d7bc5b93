//! The orphan branch in one repository: its newest entry, its links, and the next ones, written
//! only if the tip is still where it was seen.
//!
//! Who may write is not known here; whoever appends asks the rules first.
//!
//! # Limits
//! A tip read here has been hashed and parsed, not verified.

mod fold;
mod storing;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use gix::ObjectId;
use gix::objs::Kind;

pub use self::fold::Folded;
pub use self::storing::{Stored, Storing};
use crate::commit::{self, Link};
use crate::finding::{Finding, FindingId};
use crate::git::{self, Expected, RefError, RefUpdate, Repository};
use crate::merkle;
use crate::policy::{self, Policy};
use crate::store::{Read, ReadFault, Store};
use crate::tree::{self, PolicyPart, Tree};

/// The branch a ledger lives on unless told otherwise.
pub const DEFAULT_REF: &str = "refs/heads/ledger";

/// Why the ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The branch is not there.
    #[error("there is no ledger at '{0}'")]
    Absent(String),
    /// The newest entry, or what belongs to it, is not what an entry must be.
    #[error("the newest entry ({commit}) is broken: {}: {}", finding.id, finding.detail)]
    Broken {
        /// The commit.
        commit: ObjectId,
        /// What is wrong.
        finding: Finding,
    },
    /// An object could not be read.
    #[error("object {id} {fault}")]
    Object {
        /// The object.
        id: ObjectId,
        /// Why.
        fault: ReadFault,
    },
    /// The branch could not be read or moved.
    #[error(transparent)]
    Ref(#[from] RefError),
    /// Objects could not be written.
    #[error(transparent)]
    Write(#[from] git::WriteError),
    /// The object store could not be opened.
    #[error("cannot open the object store: {0}")]
    Io(#[from] io::Error),
}

/// A ledger branch of a repository.
#[derive(Debug, Clone)]
pub struct Ledger {
    repository: Repository,
    reference: String,
    /// Where a push keeps its objects until it is accepted.
    quarantine: Vec<PathBuf>,
    state_dir: PathBuf,
}

/// The newest entry with the policy its tree holds.
#[derive(Debug, Clone)]
pub struct Tip {
    /// The entry.
    pub link: Link,
    /// The policy in force for the next one.
    pub policy: Policy,
    /// The files that hold it.
    pub part: PolicyPart,
}

/// What could mislead a reader of a repository; none of it is obeyed.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Commits whose parents are cut off.
    pub boundary: BTreeSet<ObjectId>,
    /// Notes.
    pub findings: Vec<Finding>,
    /// What is there without being odd.
    pub ignored: Vec<String>,
}

/// The bytes that go with an entry, by their SHA-256 in hex.
pub type Attachments = BTreeMap<String, Vec<u8>>;

/// Objects that make up entries, to be written in this order.
pub type Objects = Vec<(Kind, Vec<u8>)>;

impl Ledger {
    /// The branch `reference` (a full name) of a repository.
    pub fn new(repository: Repository, reference: impl Into<String>) -> Ledger {
        let state_dir = repository.common_dir().join("git-ledger");
        Ledger {
            repository,
            reference: reference.into(),
            quarantine: Vec::new(),
            state_dir,
        }
    }

    /// The same branch, with this program's own files kept elsewhere: a scratch repository is
    /// cleared of all that is not git's.
    pub fn with_state_dir(mut self, dir: PathBuf) -> Ledger {
        self.state_dir = dir;
        self
    }

    /// The same branch, read together with what a push in progress has brought.
    pub fn with_quarantine(mut self) -> Ledger {
        self.quarantine = self.repository.quarantine();
        self
    }

    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The branch's full name.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Where this program keeps its own files in this repository.
    pub fn state_dir(&self) -> PathBuf {
        self.state_dir.clone()
    }

    /// The commit the branch points at.
    ///
    /// # Errors
    /// When the ref cannot be read, or is none.
    pub fn tip_id(&self) -> Result<Option<ObjectId>, LedgerError> {
        Ok(self.repository.find_ref(&self.reference)?)
    }

    /// The newest entry and its policy.
    ///
    /// # Errors
    /// [`LedgerError::Absent`] when there is no branch.
    pub fn tip(&self) -> Result<Tip, LedgerError> {
        let id = self
            .tip_id()?
            .ok_or_else(|| LedgerError::Absent(self.reference.clone()))?;
        self.tip_at(id)
    }

    /// The entry at a commit, as if it were the newest.
    ///
    /// # Errors
    /// When it cannot be read or is no entry.
    pub fn tip_at(&self, id: ObjectId) -> Result<Tip, LedgerError> {
        let mut reader = self.open_reader()?;
        let link = read_link(&mut reader, id)?;
        let broken = |finding| LedgerError::Broken {
            commit: id,
            finding,
        };
        let raw = read(&mut reader, link.tree, Kind::Tree, tree::MAX_BYTES)?;
        let part = Tree::parse(&raw, link.tree.kind()).map_err(broken)?.part;
        let toml = read(&mut reader, part.policy, Kind::Blob, policy::MAX_BYTES)?;
        let policy = Policy::parse(&toml).map_err(broken)?;
        Ok(Tip { link, policy, part })
    }

    /// The link of one commit.
    ///
    /// # Errors
    /// When it cannot be read or is no entry.
    pub fn link(&self, id: ObjectId) -> Result<Link, LedgerError> {
        read_link(&mut self.open_reader()?, id)
    }

    /// The links from a commit back to the root, the newest first; ends after the first error.
    ///
    /// # Errors
    /// When the object store cannot be opened.
    pub fn links(&self, from: ObjectId) -> Result<Links, LedgerError> {
        Ok(Links {
            reader: self.open_reader()?,
            next: Some(from),
        })
    }

    /// The entry that set the policy in force at this one.
    ///
    /// # Errors
    /// When the history that tells is not here.
    pub fn policy_entry(&self, from: &Link) -> Result<Link, LedgerError> {
        let mut setter = from.clone();
        for link in self.links(from.id)? {
            let link = link?;
            if link.entry.policy != from.entry.policy {
                break;
            }
            setter = link;
        }
        Ok(setter)
    }

    /// The bytes of an attachment of an entry.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn attachment(&self, link: &Link, digest: &str) -> Result<Vec<u8>, LedgerError> {
        let mut reader = self.open_reader()?;
        let missing = || LedgerError::Object {
            id: link.tree,
            fault: ReadFault::Missing,
        };
        let broken = |finding| LedgerError::Broken {
            commit: link.id,
            finding,
        };
        let raw = read(&mut reader, link.tree, Kind::Tree, tree::MAX_BYTES)?;
        let directory = Tree::parse(&raw, link.tree.kind())
            .map_err(broken)?
            .attachments
            .ok_or_else(missing)?;
        let raw = read(&mut reader, directory, Kind::Tree, tree::MAX_BYTES)?;
        let files = tree::parse_attachments(&raw, directory.kind()).map_err(broken)?;
        let (_, blob) = files
            .into_iter()
            .find(|(name, _)| name == digest)
            .ok_or_else(missing)?;
        let bytes = read(&mut reader, blob, Kind::Blob, tree::MAX_ATTACHMENT)?;
        if merkle::hex(&merkle::sha256(&bytes)) == digest {
            Ok(bytes)
        } else {
            Err(LedgerError::Object {
                id: blob,
                fault: ReadFault::Corrupt("not the digest it is named by".into()),
            })
        }
    }

    /// The tree that holds a policy, and the objects it is made of.
    pub fn policy_tree(&self, policy: &Policy) -> (PolicyPart, Objects) {
        let contents = [
            policy.to_toml(),
            policy.allowed_signers(),
            policy::README.to_owned(),
        ]
        .map(String::into_bytes);
        let [toml, signers, readme] = contents
            .each_ref()
            .map(|bytes| self.id_of(Kind::Blob, bytes));
        let part = PolicyPart {
            policy: toml,
            allowed_signers: signers,
            readme,
        };
        (
            part,
            contents
                .into_iter()
                .map(|bytes| (Kind::Blob, bytes))
                .collect(),
        )
    }

    /// The tree of an entry, and the objects it is made of besides the policy part.
    pub fn entry_tree(&self, part: PolicyPart, attachments: &Attachments) -> (ObjectId, Objects) {
        let mut objects = Objects::new();
        let mut add = |kind: Kind, bytes: Vec<u8>| -> ObjectId {
            let id = self.id_of(kind, &bytes);
            objects.push((kind, bytes));
            id
        };
        let files: Vec<(String, ObjectId)> = attachments
            .iter()
            .map(|(digest, bytes)| (digest.clone(), add(Kind::Blob, bytes.clone())))
            .collect();
        let directory =
            (!files.is_empty()).then(|| add(Kind::Tree, tree::write_attachments(&files)));
        let tree = Tree {
            part,
            attachments: directory,
        };
        let id = add(Kind::Tree, tree.write());
        (id, objects)
    }

    fn id_of(&self, kind: Kind, bytes: &[u8]) -> ObjectId {
        let format = self.repository.object_format();
        git::object_id(format, kind, bytes).unwrap_or_else(|| ObjectId::null(format))
    }

    /// Moves the branch to `new` if it is still at `seen`; durable when it returns.
    ///
    /// # Errors
    /// [`RefError::Moved`] when somebody else was faster.
    pub fn advance(&self, seen: Option<ObjectId>, new: &Link) -> Result<(), LedgerError> {
        let expected = seen.map_or(Expected::Absent, Expected::Is);
        let who = format!("{p} <{p}> {} +0000", new.time, p = new.principal);
        let message = format!("ledger: entry {}", new.entry.number());
        let update = RefUpdate {
            name: &self.reference,
            expected,
            new: new.id,
            message: &message,
            committer: &who,
        };
        Ok(self.repository.update_ref(&update)?)
    }

    /// What stands around the objects in this repository and could mislead a reader.
    ///
    /// # Errors
    /// When the repository's files cannot be read.
    pub fn surroundings(&self) -> Result<Surroundings, LedgerError> {
        let odd = self.repository.oddities()?;
        let mut found = Surroundings {
            boundary: odd.shallow.into_iter().collect(),
            ..Surroundings::default()
        };
        let mut note = |id, detail: String| found.findings.push(Finding::new(id, detail));
        if !odd.replace_refs.is_empty() {
            note(FindingId::ReplaceRefs, odd.replace_refs.join(", "));
        }
        if odd.grafts {
            note(FindingId::Grafts, "info/grafts".into());
        }
        if !odd.alternates.is_empty() {
            let dirs: Vec<String> = odd
                .alternates
                .iter()
                .map(|dir| dir.display().to_string())
                .collect();
            note(FindingId::Alternates, dirs.join(", "));
        }
        if odd.commit_graph {
            found.ignored.push("commit-graph".into());
        }
        Ok(found)
    }

    /// Whether `ancestor` is `tip` or stands before it; `None` when the history that would tell
    /// is not here.
    ///
    /// # Errors
    /// When the object store cannot be opened.
    pub fn descends(&self, tip: ObjectId, ancestor: ObjectId) -> Result<Option<bool>, LedgerError> {
        if tip == ancestor {
            return Ok(Some(true));
        }
        let mut reader = self.open_reader()?;
        let floor = read_link(&mut reader, ancestor)
            .ok()
            .map(|link| link.entry.number());
        let mut at = tip;
        loop {
            let Ok(raw) = Read::read(&mut reader, &at, Kind::Commit, commit::MAX_BYTES) else {
                return Ok(None);
            };
            // numbers fall by one towards the root, so below the ancestor's number it cannot come
            if let (Some(floor), Ok(link)) = (floor, Link::parse(at, raw.clone()))
                && link.entry.number() <= floor
            {
                return Ok(Some(at == ancestor));
            }
            match commit::first_parent(&raw, at.kind()) {
                None => return Ok(Some(false)),
                Some(parent) if parent == ancestor => return Ok(Some(true)),
                Some(parent) => at = parent,
            }
        }
    }

    fn open_reader(&self) -> Result<ObjectReader, LedgerError> {
        Ok(ObjectReader(Ok(self
            .repository
            .reader_with(&self.quarantine)?)))
    }
}

impl Store for Ledger {
    type Reader = ObjectReader;

    fn reader(&self) -> ObjectReader {
        ObjectReader(
            self.repository
                .reader_with(&self.quarantine)
                .map_err(|why| why.to_string()),
        )
    }
}

/// Reads the repository's objects for the judgement.
pub struct ObjectReader(Result<git::Reader, String>);

impl Read for ObjectReader {
    fn read(&mut self, id: &ObjectId, kind: Kind, most: usize) -> Result<Vec<u8>, ReadFault> {
        let reader = self.0.as_mut().map_err(|why| ReadFault::Io(why.clone()))?;
        reader.read(*id, kind, most).map_err(|error| match error {
            git::ReadError::Missing(_) => ReadFault::Missing,
            git::ReadError::Kind { found, .. } => ReadFault::Kind(found.to_string()),
            git::ReadError::TooLarge { size, .. } => ReadFault::TooLarge(size),
            git::ReadError::Corrupt { why, .. } => ReadFault::Corrupt(why),
            other => ReadFault::Io(other.to_string()),
        })
    }
}

/// Links from one commit back to the root.
pub struct Links {
    reader: ObjectReader,
    next: Option<ObjectId>,
}

impl Iterator for Links {
    type Item = Result<Link, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let link = read_link(&mut self.reader, self.next.take()?);
        if let Ok(link) = &link {
            self.next = link.parent;
        }
        Some(link)
    }
}

fn read(
    reader: &mut ObjectReader,
    id: ObjectId,
    kind: Kind,
    most: usize,
) -> Result<Vec<u8>, LedgerError> {
    reader
        .read(&id, kind, most)
        .map_err(|fault| LedgerError::Object { id, fault })
}

fn read_link(reader: &mut ObjectReader, id: ObjectId) -> Result<Link, LedgerError> {
    let raw = read(reader, id, Kind::Commit, commit::MAX_BYTES)?;
    Link::parse(id, raw).map_err(|finding| LedgerError::Broken {
        commit: id,
        finding,
    })
}
