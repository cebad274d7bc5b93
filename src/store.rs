//! Where the judgement reads objects from: a value of its own, so that it cannot tell whether
//! they are local, remote, quarantined or made up by a test.

use gix::ObjectId;
use gix::objs::Kind;

use crate::finding::{Finding, FindingId};

/// Why an object could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadFault {
    /// The store does not have it.
    #[error("not in the repository")]
    Missing,
    /// Its bytes do not hash to its id, or cannot be inflated.
    #[error("corrupt: {0}")]
    Corrupt(String),
    /// It is of another kind.
    #[error("is a {0}")]
    Kind(String),
    /// It is larger than the caller allows, in bytes.
    #[error("has {0} bytes")]
    TooLarge(u64),
    /// The store could not be read.
    #[error("cannot be read: {0}")]
    Io(String),
}

impl ReadFault {
    /// What an object that could not be read is called.
    pub fn finding(&self, id: &ObjectId) -> Finding {
        let name = match self {
            ReadFault::Missing => FindingId::ObjectMissing,
            ReadFault::Corrupt(_) | ReadFault::Io(_) => FindingId::ObjectCorrupt,
            ReadFault::Kind(_) => FindingId::ObjectKind,
            ReadFault::TooLarge(_) => FindingId::ObjectTooLarge,
        };
        Finding::new(name, format!("{id} {self}"))
    }
}

/// Something that hands out readers, one for each thread.
pub trait Store: Sync {
    /// The reader of one thread.
    type Reader: Read;

    /// A reader for the calling thread.
    fn reader(&self) -> Self::Reader;
}

/// Reads objects. Every object handed out has been hashed again and has the id asked for.
pub trait Read {
    /// The content of an object of this kind and at most this many bytes.
    ///
    /// # Errors
    /// Why it could not be read; the size is checked before anything is inflated.
    fn read(&mut self, id: &ObjectId, kind: Kind, most: usize) -> Result<Vec<u8>, ReadFault>;
}
