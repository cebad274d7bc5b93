//! A private bare repository from which git talks to remotes, so that nothing which stands in
//! the real one's configuration is ever obeyed.
//!
//! It is put in order every time it is opened: whoever could write into it before must not be
//! able to leave settings there either.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::config::read_bounded;
use super::keep::{self, KeptPack};
use super::layout::Sharing;
use super::repository::Repository;
use super::write::make_dir;
use crate::durable;

/// What git may find at the top of the scratch repository; the rest is removed. What tells our
/// own dead locks stays, or nobody could.
const KNOWN: &[&str] = &[
    "HEAD",
    "config",
    "git-ledger",
    "objects",
    "refs",
    "shallow",
    "shallow.lock",
];

/// Where calls keep the references they need while they run.
const CALLS: &str = "refs/call";

/// How often, and after which pause, a directory is removed that others write into meanwhile.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(5);

/// What a killed call left behind is cleared away after this time.
const STALE: Duration = Duration::from_secs(3600);

/// Whose objects are sent, and where fetched ones go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// The repository's own store.
    Main,
    /// A store of the scratch repository, which also sees the main one's objects. The only one
    /// that can be shallow without making the real repository shallow.
    Scratch,
}

pub(super) struct Scratch {
    pub dir: PathBuf,
    pub store: Store,
    main_objects: PathBuf,
    main_shallow: Option<Vec<u8>>,
    sharing: Sharing,
    // until whoever fetched has moved a reference, and is done
    kept: Mutex<Vec<KeptPack>>,
}

impl Scratch {
    pub fn open(repository: &Repository, dir: &Path, store: Store) -> io::Result<Self> {
        durable::create_dir_all(dir)?;
        let dir = dir.canonicalize()?;
        let shallow = repository.common_dir().join("shallow");
        let scratch = Self {
            main_objects: repository.objects_dir(),
            main_shallow: read_bounded(&shallow, 1 << 26)?,
            sharing: repository.sharing,
            dir,
            store,
            kept: Mutex::default(),
        };
        scratch.clear_foreign()?;
        for name in ["objects", "objects/pack", "objects/info", "refs", CALLS] {
            let path = scratch.dir.join(name);
            if fs::symlink_metadata(&path).is_ok_and(|m| !m.is_dir()) {
                fs::remove_file(&path)?;
            }
            make_dir(&path, scratch.sharing)?;
        }
        let config = match repository.object_format() {
            gix::hash::Kind::Sha256 => {
                "[core]\n\trepositoryformatversion = 1\n\tbare = true\n\
                 [extensions]\n\tobjectFormat = sha256\n"
            }
            _ => "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
        };
        scratch.put("config", config.as_bytes())?;
        scratch.put("HEAD", b"ref: refs/heads/none\n")?;
        let mut alternate = scratch.main_objects.as_os_str().as_bytes().to_vec();
        if alternate.contains(&b'\n') {
            return Err(io::Error::other(
                "the path of the object store holds a line break",
            ));
        }
        alternate.push(b'\n');
        scratch.put("objects/info/alternates", &alternate)?;
        if store == Store::Main {
            scratch.copy_shallow()?;
            keep::clear_dead(&scratch.main_objects.join("pack"))?;
        }
        Ok(scratch)
    }

    /// The object directory that is sent from and fetched into.
    pub fn objects(&self) -> PathBuf {
        match self.store {
            Store::Main => self.main_objects.clone(),
            Store::Scratch => self.dir.join("objects"),
        }
    }

    /// Whether history is cut off here, so that more can be asked for.
    pub fn is_shallow(&self) -> bool {
        fs::metadata(self.dir.join("shallow")).is_ok_and(|m| m.len() > 0)
    }

    /// Whether the real repository lacks some of its own history.
    pub fn main_is_shallow(&self) -> bool {
        self.main_shallow.as_ref().is_some_and(|s| !s.is_empty())
    }

    /// A place for the references of one call.
    pub fn call(&self) -> io::Result<Call> {
        let (name, lock) = self.claim()?;
        let path = self.dir.join(&name);
        make_dir(&path, self.sharing)?;
        let objects = tempfile::Builder::new()
            .prefix("tmp_objdir-incoming-")
            .tempdir_in(self.objects())?;
        fs::create_dir(objects.path().join("info"))?;
        fs::create_dir(objects.path().join("pack"))?;
        let mut alternate = self.objects().into_os_string();
        alternate.push("\n");
        fs::write(objects.path().join("info/alternates"), alternate.as_bytes())?;
        Ok(Call {
            refs: name,
            path,
            objects,
            _lock: lock,
        })
    }

    /// A name for a call, with a lock that ends with this process. Git takes nothing whose name
    /// ends in `.lock` for a reference.
    fn claim(&self) -> io::Result<(String, fs::File)> {
        loop {
            let number = getrandom::u64().map_err(io::Error::other)?;
            let name = format!("{CALLS}/{number:016x}");
            let path = self.dir.join(format!("{name}.lock"));
            let lock = fs::File::create_new(&path)?;
            lock.lock()?;
            // before it was locked it looked like one of a dead call, and may have been cleared
            if path.exists() {
                return Ok((name, lock));
            }
        }
    }

    /// Takes over what a call has fetched; durable when it returns.
    pub fn accept(&self, call: &Call) -> io::Result<()> {
        let target = self.objects();
        make_dir(&target.join("pack"), self.sharing)?;
        for item in fs::read_dir(call.objects.path())? {
            let from = item?.path();
            let Some(name) = from.file_name().filter(|n| *n != "info") else {
                continue;
            };
            let to = target.join(name);
            let mut files = fs::read_dir(&from)?
                .map(|f| f.map(|f| f.path()))
                .collect::<io::Result<Vec<_>>>()?;
            // An index is what makes a pack seen, so it comes last.
            files.sort_by_key(|f| f.extension().is_some_and(|e| e == "idx"));
            if files.is_empty() {
                continue;
            }
            make_dir(&to, self.sharing)?;
            for file in files {
                let Some(name) = file.file_name() else {
                    continue;
                };
                fs::File::open(&file)?.sync_all()?;
                if self.store == Store::Main {
                    self.keep(&file, &to)?;
                }
                fs::rename(&file, to.join(name))?;
            }
            durable::sync_dir(&to)?;
        }
        Ok(())
    }

    /// Keeps a pack that is about to be taken over.
    fn keep(&self, file: &Path, to: &Path) -> io::Result<()> {
        let pack = file.extension().is_some_and(|e| e == "pack");
        let Some(stem) = file.file_stem().and_then(OsStr::to_str).filter(|_| pack) else {
            return Ok(());
        };
        let kept = KeptPack::new(to, stem)?;
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(kept);
        Ok(())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.dir.join(name);
        let is_file = fs::symlink_metadata(&path).is_ok_and(|m| m.is_file());
        if is_file && fs::read(&path)? == bytes {
            return Ok(());
        }
        durable::write(&path, bytes)
    }

    fn copy_shallow(&self) -> io::Result<()> {
        match &self.main_shallow {
            Some(text) => self.put("shallow", text),
            None => durable::remove(&self.dir.join("shallow")),
        }
    }

    fn clear_foreign(&self) -> io::Result<()> {
        for item in fs::read_dir(&self.dir)? {
            let item = item?;
            let known = KNOWN.iter().any(|k| item.file_name() == *k)
                || item.file_name().as_bytes().starts_with(b".tmp-");
            let stale_lock = item.file_name() == "shallow.lock" && is_stale(&item.path());
            if !known || stale_lock {
                remove(&item.path())?;
            }
        }
        let calls = self.dir.join(CALLS);
        if calls.is_dir() {
            clear_dead(&calls)?;
        }
        Ok(())
    }
}

/// The references and incoming objects of one call; gone when dropped.
pub(super) struct Call {
    /// The prefix of its references, without a slash at the end.
    pub refs: String,
    path: PathBuf,
    objects: tempfile::TempDir,
    // let go when dropped, or when the process ends
    _lock: fs::File,
}

impl Call {
    /// Makes git believe that this history is here already.
    pub fn have(&self, number: usize, id: gix::ObjectId) -> io::Result<()> {
        // git takes an empty reference, as a crash could leave one, for a broken repository
        let path = self.path.join(format!("have-{number}"));
        let unfinished = path.with_extension("lock");
        let mut file = fs::File::create(&unfinished)?;
        file.write_all(format!("{id}\n").as_bytes())?;
        file.sync_all()?;
        fs::rename(unfinished, path)
    }

    /// Where what is fetched lies until it is accepted.
    pub fn objects(&self) -> &Path {
        self.objects.path()
    }

    /// How many bytes have come in so far.
    pub fn size(&self) -> u64 {
        size_below(self.objects.path(), 2)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // What stays behind is cleared away as stale by a later call.
        fs::remove_dir_all(&self.path).ok();
        fs::remove_file(self.path.with_extension("lock")).ok();
    }
}

fn size_below(dir: &Path, depth: usize) -> u64 {
    let Ok(items) = fs::read_dir(dir) else {
        return 0;
    };
    items
        .flatten()
        .filter_map(|item| Some((item.path(), item.metadata().ok()?)))
        .map(|(path, meta)| match meta.is_dir() {
            true if depth > 0 => size_below(&path, depth - 1),
            true => 0,
            false => meta.len(),
        })
        .sum()
}

/// Clears away what calls of processes that are no more left behind: a reference of theirs can
/// name an object that was never taken over, and git would refuse to fetch beside it.
fn clear_dead(calls: &Path) -> io::Result<()> {
    let paths = fs::read_dir(calls)?
        .map(|item| item.map(|item| item.path()))
        .collect::<io::Result<Vec<_>>>()?;
    for path in paths {
        let lock = path.with_extension("lock");
        // held until all is cleared, so that nobody claims the name in between
        let held = match durable::open(&lock, fs::OpenOptions::new().read(true)) {
            Ok(file) => Some(file),
            Err(why) if why.kind() == io::ErrorKind::NotFound => None,
            Err(why) => return Err(why),
        };
        if held.as_ref().is_none_or(|file| file.try_lock().is_ok()) {
            remove(&path.with_extension(""))?;
            remove(&lock)?;
        }
    }
    Ok(())
}

fn is_stale(path: &Path) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|m| m.modified());
    modified.is_ok_and(|at| {
        SystemTime::now()
            .duration_since(at)
            .is_ok_and(|age| age > STALE)
    })
}

/// Removes a file, or a directory with all that is in it. Another process may be removing it, too, or
/// a git that outlived its parent may be writing into it still.
fn remove(path: &Path) -> io::Result<()> {
    let mut tries = 0;
    loop {
        let removed = fs::symlink_metadata(path).and_then(|meta| match meta.is_dir() {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        });
        match removed {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(why) if why.kind() == io::ErrorKind::DirectoryNotEmpty && tries < TRIES => {
                tries += 1;
                std::thread::sleep(PAUSE);
            }
            removed => return removed,
        }
    }
}
