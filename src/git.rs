//! The only door to git: repositories, objects, references, configuration, remotes; bytes in,
//! bytes out. It reads as if it were for any program that does not trust the store it reads.
//!
//! Two rules hold everywhere behind this door. Whatever is read may be forged: every object is
//! hashed again, every size is looked at before memory is given, a reference that is not plainly
//! a reference is an error. And nothing runs that a repository names: git is started only by
//! [`process`], with a clean environment, and never under the repository's own settings when it
//! talks to a remote.
//!
//! `gix` stays in here, but for its object ids, hash kinds and object kinds.
//!
//! # Limits
//! Pack files are mapped into memory: who truncates one while it is read ends the process.

mod carry;
pub mod config;
mod config_file;
mod config_sources;
mod delta;
pub mod environment;
mod gather;
mod init;
mod keep;
mod layout;
pub mod lock;
pub mod objects;
mod owner;
pub mod pack;
mod packed;
pub mod process;
mod ref_update;
pub mod refs;
mod reftable;
pub mod remote_url;
pub mod repository;
mod same_store;
mod scratch;
pub mod transport;
mod usage;
pub mod write;

pub use carry::CarryError;
pub use config::{Config, ConfigError, Origin, Scope};
pub use environment::Environment;
pub use gather::{Gathering, PackState};
pub use keep::KeptPack;
pub use lock::{FileLock, LockError};
pub use objects::{ReadError, Reader, parse_id};
pub use pack::PackWriter;
pub use process::{Git, Output, ProcessError};
pub use refs::{Expected, ListedRef, RefError, RefUpdate, RefValue};
pub use remote_url::{Direction, RemoteUrl, Scheme, UrlError};
pub use repository::{Oddities, OpenError, Repository};
pub use same_store::{FileId, store_files};
pub use transport::{Depth, Fetch, PushOutcome, Store, Transport, TransportError};
pub use write::{WriteError, object_id};

#[cfg(test)]
mod tests;
