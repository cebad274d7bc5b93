//! A SQLite file that is only a cache: what it holds can be made again, so nobody ever has to
//! mend one.
//!
//! A file that is not ours, of another kind or version, or damaged, is deleted and made anew.
//! Who cannot have a database (a read-only directory, a full disk) goes without: [`Error`] means
//! "no cache", never that the main job failed. Writers do not block readers (WAL). After a crash or
//! a power failure a database holds an earlier state, so whoever reads one must see how far it goes.
//!
//! A repository that somebody else packed up may hold any bytes here. Links and pipes are refused,
//! a rollback journal is never played (one can name another file for deletion), the schema must be
//! word for word the caller's, and triggers and views are switched off. All that is left to a
//! forger is to write wrong rows, and those no caller believes.
//!
//! # Limits
//! A damaged page is noticed when it is read, not when the file is opened; [`Database::is_lost`]
//! tells such an error from others, and [`discard`] makes room for a new file.
//!
//! Source: the file format and WAL documents of sqlite.org, and its "Defense Against The Dark Arts".

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::durable;
use crate::merkle;

/// How long a statement waits for another process that writes.
const PATIENCE: Duration = Duration::from_secs(2);

/// A write-ahead log of this many bytes is moved into the file when a connection ends. The next
/// process reads the log again, so it stays short; moving it waits for the disk, so not every
/// process does it.
const LOG_BYTES: u64 = 256 << 10;

/// Memory for pages, in KiB.
const CACHE_KIB: i64 = 2048;

/// What stands beside a database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Tables that FTS5 makes by itself.
const SHADOWS: [&str; 5] = ["_data", "_idx", "_content", "_docsize", "_config"];

/// Why there is no database to work with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system would not.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// SQLite would not.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
}

/// An open database.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    log: PathBuf,
}

impl Drop for Database {
    fn drop(&mut self) {
        // who is still reading keeps the log where it is
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK").ok();
        }
        if fs::metadata(&self.log).is_ok_and(|log| log.len() > LOG_BYTES) {
            // a log that cannot be moved now is moved by the next process
            self.connection
                .busy_timeout(Duration::ZERO)
                .and_then(|()| {
                    self.connection
                        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
                })
                .ok();
        }
    }
}

impl Deref for Database {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Database {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Database {
    /// Whether this error says that the file cannot be used any more. Otherwise the time was wrong
    /// (another writer, a full disk), and the file may be right.
    pub fn is_lost(error: &rusqlite::Error) -> bool {
        !matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::DiskFull
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::ReadOnly
                    | ErrorCode::CannotOpen
                    | ErrorCode::OutOfMemory
                    | ErrorCode::OperationInterrupted
                    | ErrorCode::PermissionDenied
            )
        )
    }
}

/// Opens the database at `path`, and makes it where there is none that fits. `kind` names what it
/// is for, `version` the shape of its tables, `schema` makes them: statements written as SQLite
/// keeps them (`CREATE TABLE name(…)`, single spaces, no comments before or behind).
///
/// # Errors
/// When there can be none here.
pub fn open(path: &Path, kind: &str, version: u32, schema: &str) -> Result<Database, Error> {
    if let Some(dir) = path.parent() {
        durable::create_dir_all(dir)?;
    }
    let plan = Plan::of(path, kind, version, schema)?;
    let lock = plan.lock()?;
    lock.lock_shared()?;
    if let Some(database) = plan.attach()? {
        return Ok(database);
    }
    lock.unlock()?;
    lock.lock()?;
    // somebody else may have made it meanwhile
    if let Some(database) = plan.attach()? {
        return Ok(database);
    }
    remove(&plan.path)?;
    plan.create()?;
    plan.attach()?
        .ok_or_else(|| io::Error::other("a new database cannot be read").into())
}

/// Opens the database at `path` if there is one that fits; touches nothing otherwise.
///
/// # Errors
/// When it cannot be told, or the one that is there cannot be used now.
pub fn find(
    path: &Path,
    kind: &str,
    version: u32,
    schema: &str,
) -> Result<Option<Database>, Error> {
    match fs::symlink_metadata(path) {
        Ok(_) => {}
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why.into()),
    }
    let plan = Plan::of(path, kind, version, schema)?;
    let lock = plan.lock()?;
    lock.lock_shared()?;
    plan.attach()
}

/// Deletes the database at `path`. Who has it open keeps what they have.
///
/// # Errors
/// When it is there and cannot be deleted.
pub fn discard(path: &Path) -> io::Result<()> {
    let lock = match fs::symlink_metadata(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
        _ => lock_file(path)?,
    };
    lock.lock()?;
    remove(path)
}

/// What a database must be.
struct Plan<'a> {
    path: PathBuf,
    kind: i32,
    version: u32,
    schema: &'a str,
}

impl<'a> Plan<'a> {
    fn of(path: &Path, kind: &str, version: u32, schema: &'a str) -> io::Result<Plan<'a>> {
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::other("no name for a file"));
        };
        // SQLite refuses links anywhere on the way; those above our own files are the user's
        let path = fs::canonicalize(dir)?.join(name);
        let digest = merkle::sha256(format!("git-ledger {kind}").as_bytes());
        let [a, b, c, d, ..] = digest;
        Ok(Plan {
            path,
            kind: i32::from_be_bytes([a, b, c, d]),
            version,
            schema,
        })
    }

    /// Held while a database is opened, and alone by whoever replaces one: a connection that opens
    /// one file and finds the log of the next would mix the two.
    fn lock(&self) -> io::Result<File> {
        lock_file(&self.path)
    }

    /// The database, if one that fits is there.
    fn attach(&self) -> Result<Option<Database>, Error> {
        let regular = |path: &Path| match fs::symlink_metadata(path) {
            Ok(found) => Ok(Some(found.is_file())),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(why),
        };
        if regular(&self.path)? != Some(true) {
            return Ok(None);
        }
        for suffix in COMPANIONS {
            let found = regular(&beside(&self.path, suffix))?;
            if found == Some(false) || (found.is_some() && suffix == "-journal") {
                return Ok(None);
            }
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        match self.judge(&connection) {
            Ok(true) => Ok(Some(Database {
                connection,
                log: beside(&self.path, "-wal"),
            })),
            Ok(false) => Ok(None),
            Err(why) if Database::is_lost(&why) => Ok(None),
            Err(why) => Err(why.into()),
        }
    }

    /// Sets a connection up and says whether what it found is ours.
    fn judge(&self, connection: &Connection) -> rusqlite::Result<bool> {
        connection.busy_timeout(PATIENCE)?;
        for (setting, value) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
            (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
            // see LOG_BYTES
            (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true),
        ] {
            connection.set_db_config(setting, value)?;
        }
        let number =
            |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        if number("application_id")? != i64::from(self.kind)
            || number("user_version")? != i64::from(self.version)
            || !self.is_ours(connection)?
        {
            return Ok(false);
        }
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        connection.execute_batch(&format!(
            "PRAGMA cell_size_check = ON; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; \
             PRAGMA cache_size = -{CACHE_KIB};"
        ))?;
        Ok(mode == "wal")
    }

    /// Whether everything in the schema is ours, word for word.
    fn is_ours(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let mut all = connection.prepare("SELECT name, sql FROM sqlite_schema")?;
        let mut rows = all.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            let (name, sql): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            let own = match &sql {
                // the index that a constraint of a table brings
                None => name.starts_with("sqlite_autoindex_"),
                Some(sql) => self.schema.contains(sql.as_str()) || self.is_shadow(&name, sql),
            };
            if !own {
                return Ok(false);
            }
            count += 1;
        }
        Ok(count > 0)
    }

    fn is_shadow(&self, name: &str, sql: &str) -> bool {
        let mut bases = SHADOWS
            .iter()
            .filter_map(|suffix| name.strip_suffix(suffix));
        bases.any(|base| {
            self.schema
                .contains(&format!("CREATE VIRTUAL TABLE {base} USING fts5("))
        }) && sql.starts_with(&format!("CREATE TABLE '{name}'("))
    }

    /// Makes the database beside its place, whole, and moves it there.
    fn create(&self) -> Result<(), Error> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        let place = tempfile::Builder::new()
            .prefix(".tmp-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(dir)?
            .into_temp_path();
        let made = Connection::open_with_flags(&place, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .and_then(|connection| self.fill(connection));
        if made.is_err() {
            for suffix in COMPANIONS {
                durable::remove(&beside(&place, suffix))?;
            }
        }
        made?;
        place.persist(&self.path).map_err(|why| why.error)?;
        Ok(())
    }

    fn fill(&self, connection: Connection) -> rusqlite::Result<()> {
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; BEGIN; {} \
             PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT;",
            self.schema, self.kind, self.version
        ))?;
        // closing moves the log into the file
        connection.close().map_err(|(_, why)| why)
    }
}

fn lock_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(false);
    durable::open(&beside(path, ".lock"), &mut options)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) -> io::Result<()> {
    let parts = COMPANIONS.map(|suffix| beside(path, suffix));
    for part in parts.iter().map(PathBuf::as_path).chain([path]) {
        match fs::symlink_metadata(part) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(part)?,
            Ok(_) => fs::remove_file(part)?,
            Err(why) if why.kind() == io::ErrorKind::NotFound => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
