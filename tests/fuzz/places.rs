//! Files of a repository, its packs, and this program's own state, each replaced by any bytes.

use std::fs;
use std::path::{Path, PathBuf};

use git_ledger::git::{Environment, PackWriter, RefValue, Repository, Scope};
use git_ledger::hook::outstanding::Outstanding;
use git_ledger::json::{Object, Value};
use git_ledger::ledger::{DEFAULT_REF, Ledger};
use git_ledger::marks::Marks;
use git_ledger::merkle;
use git_ledger::seen::{Found, Seen};
use git_ledger::spool::Spool;
use gix::ObjectId;
use gix::objs::Kind;
use tempfile::TempDir;

use super::stolen::HONEST;

thread_local! {
    /// One for each thread: a target writes into it.
    static PLACE: Place = Place::new();
}

/// A bare repository with the honest ledger in one pack.
struct Place {
    dir: TempDir,
    environment: Environment,
    pack: PathBuf,
    ids: Vec<(Kind, ObjectId)>,
}

impl Place {
    fn new() -> Place {
        let memory = Path::new("/dev/shm");
        let dir = match std::env::var_os("TMPDIR") {
            None if memory.is_dir() => TempDir::new_in(memory),
            _ => TempDir::new(),
        };
        let dir = dir.expect("a directory");
        let git = dir.path().join("git");
        for part in ["objects/info", "objects/pack", "refs/heads", "info"] {
            fs::create_dir_all(git.join(part)).expect("a directory");
        }
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").expect("HEAD");
        fs::write(git.join("config"), CONFIG).expect("config");
        let home = dir.path().join("home");
        let variables = [
            ("HOME", home.as_os_str()),
            ("GIT_CONFIG_NOSYSTEM", "1".as_ref()),
        ];
        let variables = variables.map(|(name, value)| (name.into(), value.to_owned()));
        let environment = Environment::new(dir.path(), variables);
        let repository = Repository::open(&environment, &git).expect("a repository");
        let mut pack: PackWriter = repository.pack_writer().expect("a pack");
        let mut ids = Vec::new();
        for (kind, bytes) in HONEST.objects() {
            ids.push((kind, pack.add(kind, bytes).expect("an object")));
        }
        pack.finish().expect("a pack");
        let ledger = Ledger::new(repository, DEFAULT_REF);
        let last = HONEST.links.last().expect("an entry");
        ledger.advance(None, last).expect("a branch");
        let pack = fs::read_dir(git.join("objects/pack")).expect("packs");
        let pack = pack
            .map(|file| file.expect("a file").path())
            .find(|path| path.extension().is_some_and(|end| end == "pack"));
        Place {
            dir,
            environment,
            pack: pack.expect("a pack"),
            ids,
        }
    }

    fn git(&self) -> PathBuf {
        self.dir.path().join("git")
    }

    fn open(&self) -> Option<Repository> {
        Repository::open(&self.environment, &self.git()).ok()
    }

    fn ledger(&self) -> Ledger {
        Ledger::new(self.open().expect("a repository"), DEFAULT_REF)
    }

    /// Does something while a file holds these bytes.
    fn with<T>(&self, path: &Path, bytes: &[u8], act: impl FnOnce() -> T) -> T {
        let before = fs::read(path).ok();
        // a new file each time: the old one may be mapped
        if before.is_some() {
            fs::remove_file(path).expect("gone");
        }
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, bytes).expect("a file");
        let answer = act();
        if path.exists() {
            fs::remove_file(path).expect("gone");
        }
        if let Some(before) = before {
            fs::write(path, before).expect("a file");
        }
        answer
    }
}

const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n[ledger \"ledger\"]\n\tref = refs/heads/ledger\n";

/// One file of a repository: which one is told by the first byte.
pub fn repository(input: &[u8]) {
    let [which, bytes @ ..] = input else {
        return;
    };
    let files = [
        "HEAD",
        "config",
        "packed-refs",
        "refs/heads/ledger",
        "shallow",
        "objects/info/alternates",
        "info/grafts",
        "commondir",
        "refs/replace/x",
        "config.worktree",
    ];
    let name = files[usize::from(*which) % files.len()];
    PLACE.with(|place| {
        let path = place.git().join(name);
        place.with(&path, bytes, || look(place));
        if name.starts_with("refs/replace") {
            fs::remove_dir(place.git().join("refs/replace")).expect("empty");
        }
    });
}

fn look(place: &Place) {
    let Some(repository) = place.open() else {
        return;
    };
    repository.head_ref();
    if let Ok(config) = repository.config() {
        // nothing of the user's is set, so nothing that is trusted may be
        for key in ["gpg.ssh.program", "core.sshCommand", "ledger.ledger.ref"] {
            assert_eq!(config.get(key, Scope::Trusted), None, "{key}");
        }
        for name in config.subsections("remote", Scope::Any) {
            config.remote_url(&name, git_ledger::git::Direction::Push);
        }
        config.get_bool("core.bare", Scope::Any);
    }
    let found = repository.find_ref(DEFAULT_REF);
    if let (Ok(Some(id)), Ok(listed)) = (&found, repository.list_refs("refs/heads/")) {
        let same = listed
            .iter()
            .filter(|listed| listed.name == DEFAULT_REF.as_bytes());
        let same: Vec<&RefValue> = same.map(|listed| &listed.value).collect();
        assert_eq!(same, [&RefValue::Object(*id)], "two readers see two refs");
    }
    let ledger = Ledger::new(repository, DEFAULT_REF);
    if let Ok(tip) = ledger.tip() {
        assert_eq!(Ok(Some(tip.link.id)), found.map_err(|why| why.to_string()));
    }
    if ledger.surroundings().is_err() {
        // it is told why, and nothing is judged
    }
}

/// A pack, its index, or a loose object: what is read has the id that was asked for.
pub fn pack(input: &[u8]) {
    let [which, bytes @ ..] = input else {
        return;
    };
    PLACE.with(|place| {
        let path = match which % 3 {
            0 => place.pack.clone(),
            1 => place.pack.with_extension("idx"),
            _ => {
                let (_, id) = place.ids[0];
                let hex = id.to_string();
                place.git().join("objects").join(&hex[..2]).join(&hex[2..])
            }
        };
        place.with(&path, bytes, || {
            let repository = place.open().expect("a repository");
            let Ok(reader) = repository.reader() else {
                return;
            };
            for (kind, id) in &place.ids {
                if let Ok(bytes) = reader.read(*id, *kind, 1 << 20) {
                    let hash = gix::objs::compute_hash(id.kind(), *kind, &bytes);
                    assert_eq!(hash.ok(), Some(*id), "another object under an id");
                }
                let small = reader.read(*id, *kind, 16);
                assert!(small.is_err(), "larger than was allowed");
            }
        });
    });
}

/// This program's own files: spool, marks, awaited pushes, and the cache of what was recorded.
pub fn state(input: &[u8]) {
    let [which, bytes @ ..] = input else {
        return;
    };
    PLACE.with(|place| match which % 5 {
        0 => spool(place, bytes),
        1 => marks(place, bytes),
        2 => outstanding(place, bytes),
        3 => seen(place, "sqlite", bytes),
        _ => seen(place, "sqlite-wal", bytes),
    });
}

fn spool(place: &Place, bytes: &[u8]) {
    let dir = place.dir.path().join("spool");
    // the name says what the bytes must be: here it is always right
    let sum = merkle::hex(&merkle::sha256(bytes))[..16].to_owned();
    let file = dir.join(format!("{:024}-{sum}.json", 1));
    place.with(&file, bytes, || {
        let listed = Spool::new(&dir).list().expect("a directory");
        for waiting in listed.into_iter().flatten() {
            let other = Spool::new(place.dir.path().join("other"));
            let (pending, push) = (&waiting.pending, &waiting.push);
            other.put(pending, push, 2).expect("a file");
            for again in other.list().expect("a directory") {
                let again = again.expect("what was just written");
                assert_eq!((&again.pending, &again.push), (pending, push));
                other.remove(&again).expect("gone");
            }
        }
    });
}

fn key() -> String {
    merkle::hex(&merkle::sha256(DEFAULT_REF.as_bytes()))[..16].to_owned()
}

/// Raw, and as a mark in an index whose checksum fits, which chance would not find.
fn marks(place: &Place, bytes: &[u8]) {
    let ledger = place.ledger();
    let index = ledger.state_dir().join("marks").join(key());
    let index = index.join("index.json");
    let look = || {
        let marks = Marks::of(&ledger);
        if let Ok(Some(mark)) = marks.get(None) {
            marks.raise(None, &mark).expect("a file");
            assert_eq!(marks.get(None).expect("a mark"), Some(mark));
            marks.forget(None).expect("forgotten");
        }
    };
    place.with(&index, bytes, look);
    let Ok(mark) = Value::parse(bytes) else {
        return;
    };
    let known = Object::new()
        .with("before", Value::Null)
        .with("mark", mark)
        .with("remote", Value::Null);
    let all = Object::new().with("marks", Object::new().with("local.json", known));
    let check = merkle::sha256(Value::from(all.clone()).to_canonical().as_bytes());
    let sealed = Value::from(all.with("check", merkle::hex(&check)));
    place.with(&index, (sealed.to_canonical() + "\n").as_bytes(), look);
}

fn outstanding(place: &Place, bytes: &[u8]) {
    let dir = place.dir.path().join("outstanding");
    place.with(&dir.join("a.json"), bytes, || {
        let files = Outstanding::new(&dir, gix::hash::Kind::Sha1);
        for awaited in files.list().expect("a directory") {
            files.put(&awaited).expect("a file");
            assert_eq!(files.list().expect("a directory"), [awaited]);
        }
    });
}

/// A cache answers nothing alone: whatever it holds, what is recorded is found, and nothing else.
fn seen(place: &Place, part: &str, bytes: &[u8]) {
    let ledger = place.ledger();
    let last = HONEST.links.last().expect("an entry");
    let base = ledger.state_dir().join("seen").join(key());
    place.with(&base.with_extension(part), bytes, || {
        let records = Seen::of(&ledger)
            .up_to(&ledger, last.id)
            .expect("the chain");
        match records.look(&ledger, "/s", "e").expect("the chain") {
            Found::In(link) => assert!(HONEST.links.iter().any(|l| l.id == link.id)),
            Found::Nowhere | Found::CutOff => panic!("a recorded event is not found"),
        }
        let other = records.look(&ledger, "/s", "f").expect("the chain");
        assert!(matches!(other, Found::Nowhere), "nobody recorded this");
    });
}
