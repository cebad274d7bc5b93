//! The vectors of the specification, judged by the library and by `verify.py`: both must find
//! what the file expects, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use git_ledger::commit::{Draft, Link};
use git_ledger::finding::{Answer, Finding, FindingId};
use git_ledger::proof;
use git_ledger::store::{Read, ReadFault, Store};
use git_ledger::verify::{Request, Verdict, verify};
use gix::ObjectId;
use gix::objs::Kind;

/// One vector: what it says, and the objects its repository holds.
pub struct Vector {
    pub name: String,
    header: BTreeMap<String, String>,
    pub objects: BTreeMap<ObjectId, (Kind, Vec<u8>)>,
    /// A receipt or evidence, where that is what it is about.
    proof: Option<Vec<u8>>,
}

fn spec() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ledger-spec")
}

fn files() -> Vec<PathBuf> {
    let listed = fs::read_dir(spec().join("vectors")).expect("the vectors");
    let mut files: Vec<PathBuf> = listed
        .map(|entry| entry.expect("an entry").path())
        .collect();
    // what is written by hand has a dot in its name
    files.retain(|path| {
        !path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().contains('.'))
    });
    files.sort();
    files
}

/// All that are ledgers.
pub fn vectors() -> Vec<Vector> {
    let vectors = files().into_iter().map(|path| Vector::read(&path));
    vectors.filter(|vector| vector.proof.is_none()).collect()
}

/// The vectors that are files, not ledgers.
fn proofs() -> Vec<Vector> {
    let vectors = files().into_iter().map(|path| Vector::read(&path));
    vectors.filter(|vector| vector.proof.is_some()).collect()
}

/// The bytes up to the first `end`, which is taken off with them.
fn until<'a>(bytes: &mut &'a [u8], end: &[u8]) -> &'a [u8] {
    let at = bytes.windows(end.len()).position(|part| part == end);
    let at = at.expect("the end of a part");
    let part = &bytes[..at];
    *bytes = &bytes[at + end.len()..];
    part
}

impl Vector {
    fn read(path: &Path) -> Vector {
        let bytes = fs::read(path).expect("a vector");
        let mut rest = bytes.as_slice();
        let head = String::from_utf8(until(&mut rest, b"\n\n").to_vec()).expect("text");
        let header: BTreeMap<String, String> = head
            .lines()
            .map(|line| line.split_once(": ").expect("key: value"))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let known = [
            "expect",
            "comment",
            "kind",
            "format",
            "tip",
            "fingerprint",
            "shallow",
        ];
        for key in header.keys() {
            assert!(known.contains(&key.as_str()), "{key} in {}", path.display());
        }
        let mut objects = BTreeMap::new();
        let proof = header.contains_key("kind").then(|| rest.to_vec());
        while proof.is_none() && !rest.is_empty() {
            let line = String::from_utf8(until(&mut rest, b"\n").to_vec()).expect("text");
            let words: Vec<&str> = line.split(' ').collect();
            let [id, kind, size] = words[..] else {
                panic!("{line} in {}", path.display());
            };
            let size: usize = size.parse().expect("a size");
            let kind = Kind::from_bytes(kind.as_bytes()).expect("a kind");
            objects.insert(id.parse().expect("an id"), (kind, rest[..size].to_vec()));
            assert_eq!(rest[size], b'\n', "{}", path.display());
            rest = &rest[size + 1..];
        }
        Vector {
            name: path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned(),
            header,
            objects,
            proof,
        }
    }

    /// The object ids of a header.
    pub fn ids(&self, key: &str) -> BTreeSet<ObjectId> {
        let text = self.header.get(key).map_or("", String::as_str);
        text.split_whitespace()
            .map(|id| id.parse().expect("an id"))
            .collect()
    }

    /// The findings expected.
    pub fn expected(&self) -> BTreeSet<&str> {
        let words = self.header["expect"].split(' ');
        words.filter(|word| *word != "sound").collect()
    }

    /// The fingerprint a vector is pinned to.
    pub fn pinned(&self) -> Option<[u8; 32]> {
        self.header.get("fingerprint").map(|hex| {
            let byte = |at: usize| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).expect("hex");
            std::array::from_fn(byte)
        })
    }

    fn judge(&self) -> Verdict {
        let tip = *self.ids("tip").first().expect("a tip");
        let pinned = self.pinned();
        let request = Request {
            boundary: self.ids("shallow"),
            pinned,
            ..Request::whole(tip)
        };
        verify(&self, &request, &|_| {})
    }
}

/// Hands out the objects of a vector, as distrustful as a store of real files.
pub struct Reader<'a>(&'a Vector);

impl<'a> Store for &'a Vector {
    type Reader = Reader<'a>;

    fn reader(&self) -> Reader<'a> {
        Reader(self)
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, id: &ObjectId, kind: Kind, most: usize) -> Result<Vec<u8>, ReadFault> {
        let (found, bytes) = self.0.objects.get(id).ok_or(ReadFault::Missing)?;
        if bytes.len() > most {
            return Err(ReadFault::TooLarge(bytes.len() as u64));
        }
        let hash = gix::objs::compute_hash(id.kind(), *found, bytes).expect("no collision");
        if hash != *id {
            return Err(ReadFault::Corrupt(format!("its bytes hash to {hash}")));
        }
        if *found != kind {
            return Err(ReadFault::Kind(found.to_string()));
        }
        Ok(bytes.clone())
    }
}

fn names(findings: &[Finding]) -> BTreeSet<&'static str> {
    findings.iter().map(|finding| finding.id.name()).collect()
}

fn named(name: &str) -> FindingId {
    let found = FindingId::ALL.iter().find(|id| id.name() == name);
    *found.unwrap_or_else(|| panic!("{name} is no finding"))
}

#[test]
fn the_library_finds_what_each_vector_expects() {
    let mut wrong = Vec::new();
    for vector in vectors() {
        let verdict = vector.judge();
        let (expected, found) = (vector.expected(), names(&verdict.findings));
        let answer = Answer::of(
            &expected
                .iter()
                .map(|name| Finding::new(named(name), ""))
                .collect::<Vec<_>>(),
        );
        if expected != found || verdict.answer() != answer {
            let details: Vec<String> = verdict
                .findings
                .iter()
                .map(|finding| format!("{} at {:?}: {}", finding.id, finding.at, finding.detail))
                .collect();
            wrong.push(format!(
                "{}: expected {expected:?}, found {details:#?}",
                vector.name
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} vectors differ\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_library_finds_what_each_proof_expects() {
    let mut wrong = Vec::new();
    for vector in proofs() {
        let bytes = vector.proof.as_deref().unwrap_or_default();
        let found = match proof::parse(bytes) {
            Err(finding) => Some(finding),
            Ok(proof) => {
                assert_eq!(proof.to_bytes(), bytes, "{}", vector.name);
                proof.judge(vector.pinned()).finding
            }
        };
        let expected = vector.expected().into_iter().map(named).next();
        if found.as_ref().map(|finding| finding.id) != expected {
            let why = found.map(|finding| format!("{}: {}", finding.id, finding.detail));
            wrong.push(format!(
                "{}: expected {expected:?}, found {why:?}",
                vector.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn verify_py_finds_the_same() {
    // no shell, no pipe: a missing python3 or ssh-keygen fails this test
    let output = Command::new("python3")
        .arg(spec().join("verify.py"))
        .arg("--vector")
        .args(files())
        .output()
        .expect("python3 must be installed");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let differing: Vec<&str> = said
        .lines()
        .filter(|line| !line.starts_with("ok "))
        .collect();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}\n{complaint}",
        differing.join("\n")
    );
    assert_eq!(said.lines().count(), files().len());
}

#[test]
fn a_chunk_boundary_changes_no_verdict() {
    // one thread judges all chunks itself, many threads in any order: the findings are the same
    for vector in vectors() {
        let tip = *vector.ids("tip").first().expect("a tip");
        let with = |threads: usize| {
            let request = Request {
                boundary: vector.ids("shallow"),
                threads: std::num::NonZeroUsize::new(threads),
                ..Request::whole(tip)
            };
            verify(&&vector, &request, &|_| {}).findings
        };
        assert_eq!(with(1), with(4), "{}", vector.name);
    }
}

#[test]
fn every_entry_that_can_be_read_is_written_the_same() {
    let mut entries = 0;
    for vector in vectors() {
        for (id, (kind, bytes)) in &vector.objects {
            if *kind != Kind::Commit {
                continue;
            }
            let Ok(link) = Link::parse(*id, bytes.clone()) else {
                continue;
            };
            let draft = Draft {
                tree: link.tree,
                parent: link.parent,
                principal: link.principal.clone(),
                time: link.time,
                entry: link.entry.clone(),
            };
            assert_eq!(draft.payload(), link.payload(), "{}", vector.name);
            let again = draft.sign(&link.signature).expect("an entry");
            assert_eq!(again.raw(), bytes.as_slice(), "{}", vector.name);
            assert_eq!(again.digest(), link.digest(), "{}", vector.name);
            entries += 1;
        }
    }
    assert!(entries > 1000, "{entries}");
}

/// Findings that no vector can show, and the file whose tests do.
const ELSEWHERE: &[(&str, &[FindingId])] = &[
    (
        "tests/tamper.rs",
        &[
            FindingId::ObjectTooLarge,
            FindingId::TimeFuture,
            FindingId::RolledBack,
            FindingId::HistoryRewritten,
            FindingId::MarkUnreadable,
            FindingId::ReplaceRefs,
            FindingId::Grafts,
            FindingId::Alternates,
        ],
    ),
    (
        "tests/mirrors/states.rs",
        &[
            FindingId::MirrorSilent,
            FindingId::MirrorMissing,
            FindingId::MirrorRemoved,
            FindingId::MirrorForked,
            FindingId::MirrorStray,
            FindingId::MirrorTwin,
            FindingId::MirrorRolledBack,
            FindingId::MirrorUnrelated,
            FindingId::MirrorBreach,
        ],
    ),
    (
        "tests/mirrors/marks.rs",
        &[FindingId::MarkMissing, FindingId::MarkAltered],
    ),
    (
        "tests/mirrors/fresh.rs",
        &[
            FindingId::Stale,
            FindingId::MirrorLagging,
            FindingId::MirrorStale,
        ],
    ),
    (
        "tests/mirrors/tips.rs",
        &[
            FindingId::TipForked,
            FindingId::TipUnrelated,
            FindingId::TipUnjudged,
        ],
    ),
    ("tests/reconcile.rs", &[FindingId::RefUnrecorded]),
    (
        "tests/hooks/refuse.rs",
        &[
            FindingId::PushRewinds,
            FindingId::PushDeletes,
            FindingId::PushDuplicate,
            FindingId::PushMixed,
            FindingId::PushStale,
            FindingId::PushRefName,
            FindingId::PushUnrecorded,
        ],
    ),
    (
        "tests/report/altered.rs",
        &[
            FindingId::ReportMalformed,
            FindingId::ReportMismatch,
            FindingId::ReportContradiction,
            FindingId::ReportReceipt,
            FindingId::ReportDiffers,
            FindingId::ReportUnrelated,
            FindingId::ReportVersion,
            FindingId::ReportUnchecked,
            FindingId::ReportOlder,
        ],
    ),
];

#[test]
fn every_finding_has_a_vector_or_another_test() {
    let mut shown: BTreeSet<FindingId> = vectors()
        .iter()
        .chain(&proofs())
        .flat_map(|vector| vector.expected().into_iter().map(named).collect::<Vec<_>>())
        .collect();
    for (file, ids) in ELSEWHERE {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{file}: {why}"));
        for id in *ids {
            assert!(
                !shown.contains(id),
                "{id} has a vector and stands in the list besides"
            );
            let variant = format!("{id:?}");
            assert!(
                text.contains(id.name()) || text.contains(&variant),
                "{file} does not mention {id}"
            );
        }
        shown.extend(*ids);
    }
    let unseen: Vec<String> = FindingId::ALL
        .iter()
        .filter(|id| !shown.contains(id))
        .map(ToString::to_string)
        .collect();
    assert!(unseen.is_empty(), "nothing shows {}", unseen.join(", "));
}
