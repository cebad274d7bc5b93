//! Every ledger of the vectors, begun from every place up to which it is sound: what is said of it
//! is what a full verification says.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::os::unix::fs::MetadataExt as _;

use git_ledger::commit::first_parent;
use git_ledger::finding::{Answer, FindingId, Severity};
use git_ledger::git::{Environment, Repository};
use git_ledger::ledger::{DEFAULT_REF, Ledger};
use git_ledger::verified::{Extent, Key, Verifier, Why};
use git_ledger::verify::{Request, verify};
use gix::ObjectId;
use gix::objs::Kind;
use tempfile::TempDir;

use crate::vectors::{Vector, vectors};

/// A bare repository with the objects of a vector, as git keeps them one by one.
fn unpack(vector: &Vector) -> (TempDir, Ledger) {
    let dir = TempDir::new().expect("a directory");
    let root = dir.path().join("r.git");
    fs::create_dir_all(root.join("objects/pack")).expect("objects");
    fs::create_dir_all(root.join("refs/heads")).expect("refs");
    // made beforehand, for the program makes them durable
    for own in ["verified", "seen"] {
        fs::create_dir_all(root.join("git-ledger").join(own)).expect("a directory");
    }
    fs::write(root.join("HEAD"), "ref: refs/heads/main\n").expect("HEAD");
    let wide = vector.ids("tip").iter().any(|id| id.as_slice().len() == 32);
    let format = if wide {
        "\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n"
    } else {
        "\trepositoryformatversion = 0\n"
    };
    fs::write(
        root.join("config"),
        format!("[core]\n\tbare = true\n{format}"),
    )
    .expect("config");
    for (id, (kind, bytes)) in &vector.objects {
        let hex = id.to_string();
        let place = root.join("objects").join(&hex[..2]);
        fs::create_dir_all(&place).expect("a directory");
        let file = fs::File::create(place.join(&hex[2..])).expect("a file");
        let mut out = flate2::write::ZlibEncoder::new(file, flate2::Compression::fast());
        write!(out, "{kind} {}\0", bytes.len()).expect("an object");
        out.write_all(bytes).expect("an object");
        out.finish().expect("an object");
    }
    let variables = [("HOME".into(), dir.path().into())];
    let environment = Environment::new(dir.path(), variables);
    let repository = Repository::open(&environment, &root).expect("a repository");
    (dir, Ledger::new(repository, DEFAULT_REF))
}

/// The commits of a vector, the newest first, as far as they can be followed.
fn chain(vector: &Vector, tip: ObjectId) -> Vec<ObjectId> {
    let (mut commits, mut next) = (Vec::new(), Some(tip));
    while let Some(id) = next
        && let Some((Kind::Commit, bytes)) = vector.objects.get(&id)
        && commits.len() < 1000
    {
        commits.push(id);
        next = first_parent(bytes, id.kind());
    }
    commits
}

/// The newest place up to which a chain is sound; where that is its end, one in the middle too.
fn places(commits: &[ObjectId], sound: impl Fn(ObjectId) -> bool) -> Vec<ObjectId> {
    // nearly all that is wrong in a vector is wrong at its end
    let newest = commits.iter().take(12).position(|id| sound(*id));
    match newest {
        Some(0) => vec![commits[0], commits[commits.len() / 2]],
        Some(at) => vec![commits[at]],
        None => Vec::new(),
    }
}

/// What was tried, and what came of it.
#[derive(Default)]
struct Tried {
    begun: usize,
    shortened: usize,
    there: BTreeSet<FindingId>,
    caught: BTreeSet<FindingId>,
}

impl Tried {
    fn with(&mut self, vector: &Vector, key: &Key) {
        let tip = *vector.ids("tip").first().expect("a tip");
        let (_dir, ledger) = unpack(vector);
        let verifier = Verifier {
            ledger: &ledger,
            key: Ok(key.clone()),
            now: 1_800_000_000,
        };
        let request = |tip| Request {
            boundary: vector.ids("shallow"),
            pinned: vector.pinned(),
            threads: NonZeroUsize::new(1),
            ..Request::whole(tip)
        };
        let full = verify(&ledger, &request(tip), &|_| {});
        assert_eq!(full.known.is_some(), full.answer() == Answer::Sound);
        let wrong = full.findings.iter().map(|finding| finding.id);
        let wrong: Vec<FindingId> = wrong.filter(|id| id.severity() != Severity::Note).collect();
        self.there.extend(&wrong);
        let left = |tip| {
            let outcome = verifier.verify(&request(tip), Extent::All, &|_| {});
            verifier.leave(&request(tip), &outcome.verdict, None);
            outcome.verdict.answer() == Answer::Sound
        };
        for base in places(&chain(vector, tip), left) {
            let name = format!("{} from {base}", vector.name);
            assert!(left(base));
            self.begun += 1;
            let outcome = verifier.verify(&request(tip), Extent::New, &|_| {});
            let verdict = &outcome.verdict;
            assert_eq!(verdict.findings, full.findings, "{name}");
            assert_eq!(verdict.entries, full.entries, "{name}");
            assert_eq!(verdict.tip, full.tip, "{name}");
            assert_eq!(verdict.fingerprint, full.fingerprint, "{name}");
            assert_eq!(verdict.pinned, full.pinned, "{name}");
            assert_eq!(verdict.name, full.name, "{name}");
            assert_eq!(verdict.known, full.known, "{name}");
            // where nothing is wrong nothing is read again, but where the rules look back
            match (&outcome.why_all, full.answer()) {
                (None, Answer::Sound) => self.shortened += 1,
                (Some(Why::Misfit(_)), _) => {}
                (Some(Why::NotSound | Why::NotContinued), Answer::Breach | Answer::Unknown) => {
                    self.caught.extend(&wrong);
                }
                (why, answer) => panic!("{name}: {why:?}, {answer:?}"),
            }
        }
    }

    fn and(mut self, other: Tried) -> Tried {
        self.begun += other.begun;
        self.shortened += other.shortened;
        self.there.extend(&other.there);
        self.caught.extend(&other.caught);
        self
    }
}

#[test]
fn from_wherever_it_begins_the_verdict_is_that_of_a_full_one() {
    let home = TempDir::new().expect("a directory");
    let user = home.path().metadata().expect("a directory").uid();
    let key = Key::of(&home.path().join("state"), user, [7; 32]).expect("a key");
    let all = vectors();
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let tried = std::thread::scope(|scope| {
        let parts: Vec<_> = all
            .chunks(all.len() / threads + 1)
            .map(|part| {
                let key = &key;
                scope.spawn(move || {
                    let mut tried = Tried::default();
                    part.iter().for_each(|vector| tried.with(vector, key));
                    tried
                })
            })
            .collect();
        let parts = parts.into_iter();
        let parts = parts.map(|part| part.join().expect("no difference"));
        parts.fold(Tried::default(), Tried::and)
    });
    let (begun, shortened) = (tried.begun, tried.shortened);
    assert!(begun > 400 && shortened > 60, "{begun}, {shortened}");
    // what only the first entries can break has nothing sound before it
    let missed: Vec<FindingId> = tried.there.difference(&tried.caught).copied().collect();
    assert_eq!(missed, [FindingId::FingerprintMismatch]);
}
