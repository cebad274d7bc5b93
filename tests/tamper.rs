//! Real repositories, each with one wound below the record: in the object store, the refs, the
//! files around them. Exactly the findings expected, in both object formats; and where stock git
//! can still read the ref, `verify.py` must find the same.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use git_ledger::finding::{Answer, FindingId};
use git_ledger::git::{Environment, Repository};
use git_ledger::ledger::{DEFAULT_REF, Ledger};
use git_ledger::verify::{Mark, Request, Verdict, verify};
use gix::ObjectId;

use crate::world::World;

/// A repository with a ledger of five entries, in a world of its own.
struct Scene {
    world: World,
    format: &'static str,
}

const REPOSITORY: &str = "r";

/// Runs a test in a SHA-1 and in a SHA-256 repository.
fn in_both_formats(test: impl Fn(&Scene)) {
    for format in ["sha1", "sha256"] {
        test(&Scene::new(format));
    }
}

impl Scene {
    fn new(format: &'static str) -> Scene {
        let world = World::new();
        let object_format = format!("--object-format={format}");
        world
            .git("", &["init", "--quiet", &object_format, REPOSITORY])
            .ok();
        world
            .ledger(REPOSITORY, &["init", "--name", "acme/payments"])
            .ok();
        let scene = Scene { world, format };
        scene.append("1");
        scene.append("2");
        scene.append("3");
        scene.append("4");
        scene
    }

    fn append(&self, id: &str) {
        let words = ["append", "dev.example.built", "--source", "/ci", "--id", id];
        self.world.ledger(REPOSITORY, &words).ok();
    }

    fn git(&self, arguments: &[&str]) -> String {
        self.world
            .git(REPOSITORY, arguments)
            .ok()
            .trim_end()
            .to_owned()
    }

    fn git_dir(&self) -> PathBuf {
        self.world.path(REPOSITORY).join(".git")
    }

    /// The id that git gives to a name.
    fn id(&self, name: &str) -> ObjectId {
        self.git(&["rev-parse", name])
            .parse()
            .expect("an object id")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.git_dir().join(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    /// Points the ledger's ref at an object, past git.
    fn point(&self, id: ObjectId) {
        self.write(DEFAULT_REF, &format!("{id}\n"));
    }

    /// The file of a loose object, made writable.
    fn loose(&self, id: ObjectId) -> PathBuf {
        let hex = id.to_string();
        let path = self
            .git_dir()
            .join("objects")
            .join(&hex[..2])
            .join(&hex[2..]);
        let mut permissions = fs::metadata(&path).expect("a loose object").permissions();
        #[expect(
            clippy::permissions_set_readonly_false,
            reason = "a file of this test alone"
        )]
        permissions.set_readonly(false);
        fs::set_permissions(&path, permissions).expect("permissions");
        path
    }

    /// Puts other content where an object is kept.
    fn overwrite(&self, id: ObjectId, edit: impl Fn(Vec<u8>) -> Vec<u8>) {
        let kind = self.git(&["cat-file", "-t", &id.to_string()]);
        let content = self.content(id);
        fs::write(self.loose(id), deflated(&kind, &edit(content))).expect("an object");
    }

    fn content(&self, id: ObjectId) -> Vec<u8> {
        let kind = self.git(&["cat-file", "-t", &id.to_string()]);
        let mut command = self.world.command(REPOSITORY, "git");
        let output = command.args(["cat-file", &kind, &id.to_string()]).output();
        output.expect("git").stdout
    }

    /// Stores an object that git itself would not make.
    fn store(&self, kind: &str, content: &[u8]) -> ObjectId {
        let path = self.world.path("content");
        fs::write(&path, content).expect("a file");
        let path = path.display().to_string();
        self.git(&["hash-object", "-t", kind, "-w", "--literally", &path])
            .parse()
            .expect("an id")
    }

    fn ledger(&self) -> Ledger {
        open(&self.world, &self.git_dir())
    }

    fn request(&self) -> Request {
        let ledger = self.ledger();
        let tip = ledger.tip_id().expect("a ref").expect("a ledger");
        Request {
            boundary: ledger.surroundings().expect("surroundings").boundary,
            ..Request::whole(tip)
        }
    }

    fn judge(&self, request: &Request) -> Verdict {
        let ledger = self.ledger();
        let mut verdict = verify(&ledger, request, &|_| {});
        verdict
            .findings
            .extend(ledger.surroundings().expect("surroundings").findings);
        verdict
    }

    /// Exactly these findings, by both verifiers.
    #[track_caller]
    fn finds(&self, expected: &[FindingId]) -> Verdict {
        let verdict = self.finds_alone(&self.request(), expected);
        assert_eq!(self.python(), names(expected), "verify.py, {}", self.format);
        verdict
    }

    /// Exactly these findings, by the library.
    #[track_caller]
    fn finds_alone(&self, request: &Request, expected: &[FindingId]) -> Verdict {
        let verdict = self.judge(request);
        let found: Vec<FindingId> = verdict.findings.iter().map(|finding| finding.id).collect();
        assert_eq!(
            names(&found),
            names(expected),
            "{}: {:#?}",
            self.format,
            verdict.findings
        );
        verdict
    }

    /// What the independent verifier finds.
    fn python(&self) -> BTreeSet<String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("ledger-spec/verify.py");
        let mut command = Command::new("python3");
        command.arg(script).arg(self.git_dir());
        let output = command.output().expect("python3 must be installed");
        let said = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<&str> = said.lines().collect();
        let complaint = String::from_utf8_lossy(&output.stderr);
        let (_, findings) = lines.split_last().unwrap_or_else(|| panic!("{complaint}"));
        let id = |line: &&str| line.split(' ').nth(1).expect("an id").to_owned();
        findings.iter().map(id).collect()
    }
}

fn open(world: &World, git_dir: &Path) -> Ledger {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let variables = [
        ("HOME".into(), world.path("home").into()),
        ("PATH".into(), path),
    ];
    let environment = Environment::new(world.path(""), variables);
    let repository = Repository::open(&environment, git_dir).expect("a repository");
    Ledger::new(repository, DEFAULT_REF)
}

fn names(ids: &[FindingId]) -> BTreeSet<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// A loose object as git keeps it.
fn deflated(kind: &str, content: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    write!(out, "{kind} {}\0", content.len()).expect("memory");
    out.write_all(content).expect("memory");
    out.finish().expect("memory")
}

/// What can be inflated of an object file, its header and checksum apart.
fn inflated(bytes: &[u8]) -> Vec<u8> {
    // byte by byte, so that nothing inflated before an error is lost
    let decoder = flate2::read::ZlibDecoder::new(bytes);
    BufReader::with_capacity(1, decoder)
        .bytes()
        .map_while(Result::ok)
        .collect()
}

/// `content` with the first `from` replaced by `to`, which is as long.
fn swapped(content: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut content = content;
    let at = content
        .windows(from.len())
        .position(|part| part == from)
        .expect("the text");
    content[at..at + to.len()].copy_from_slice(to);
    content
}

/// Every object file of the ledger.
fn object_files(scene: &Scene) -> Vec<PathBuf> {
    let listed = scene.git(&["rev-list", "--objects", "--no-object-names", DEFAULT_REF]);
    listed
        .lines()
        .map(|id| scene.loose(id.parse().expect("an id")))
        .collect()
}

#[test]
fn an_honest_ledger_raises_nothing_whatever_git_does_to_its_files() {
    in_both_formats(|scene| {
        assert_eq!(scene.finds(&[]).entries, 5);
        scene.git(&["gc", "--quiet", "--prune=now"]);
        scene.git(&["pack-refs", "--all"]);
        scene.git(&["commit-graph", "write", "--reachable", "--no-progress"]);
        scene.git(&["multi-pack-index", "write", "--no-progress"]);
        scene.git(&["tag", "ledger", "ledger~2"]);
        scene.git(&["tag", "refs/heads/ledger", "ledger~2"]);
        scene.append("5");
        assert_eq!(scene.finds(&[]).entries, 6);
    });
}

#[test]
fn no_object_can_be_deleted_emptied_or_changed_unseen() {
    in_both_formats(|scene| {
        let files = object_files(scene);
        assert!(files.len() >= 9, "{}", files.len());
        let request = scene.request();
        for file in files {
            let honest = fs::read(&file).expect("an object");
            fs::remove_file(&file).expect("an object");
            assert_ne!(
                scene.judge(&request).answer(),
                Answer::Sound,
                "deleted {}",
                file.display()
            );
            for damage in [0, honest.len() / 2] {
                fs::write(&file, &honest[..damage]).expect("an object");
                assert_ne!(
                    scene.judge(&request).answer(),
                    Answer::Sound,
                    "cut {}",
                    file.display()
                );
            }
            // some bits of a deflated stream are padding, or choose between equal copies
            for at in (2..honest.len()).step_by(13) {
                let mut changed = honest.clone();
                changed[at] ^= 0x10;
                // what follows the size the object names is read by nobody
                if inflated(&changed).starts_with(&inflated(&honest)) {
                    continue;
                }
                fs::write(&file, changed).expect("an object");
                let verdict = scene.judge(&request);
                assert_ne!(
                    verdict.answer(),
                    Answer::Sound,
                    "byte {at} of {}",
                    file.display()
                );
            }
            fs::write(&file, honest).expect("an object");
        }
        scene.finds(&[]);
    });
}

#[test]
fn an_overwritten_commit() {
    in_both_formats(|scene| {
        scene.overwrite(scene.id("ledger~2"), |content| {
            swapped(content, b"/ci", b"/cx")
        });
        let shown = scene.git(&["log", "-1", "--format=%B", "ledger~2"]);
        assert!(shown.contains("/cx"), "stock git shows the forgery");
        scene.finds(&[FindingId::ObjectCorrupt]);
    });
}

#[test]
fn an_overwritten_tip() {
    in_both_formats(|scene| {
        scene.overwrite(scene.id("ledger"), |content| {
            swapped(content, b"/ci", b"/cx")
        });
        scene.finds(&[FindingId::ObjectCorrupt]);
    });
}

#[test]
fn an_overwritten_policy() {
    in_both_formats(|scene| {
        let id = scene.id("ledger:ledger.toml");
        scene.overwrite(id, |content| swapped(content, b"acme", b"evil"));
        scene.finds(&[FindingId::ObjectCorrupt]);
    });
}

#[test]
fn an_object_of_another_kind_under_the_id_of_a_commit() {
    in_both_formats(|scene| {
        let id = scene.id("ledger~1");
        fs::write(scene.loose(id), deflated("blob", b"no commit")).expect("an object");
        scene.finds(&[FindingId::ObjectCorrupt]);
    });
}

#[test]
fn a_tampered_copy_beside_a_good_pack() {
    in_both_formats(|scene| {
        let id = scene.id("ledger~2");
        let (path, content) = (scene.loose(id), scene.content(id));
        scene.git(&["repack", "--quiet", "-a", "-d"]);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(&path, deflated("commit", &swapped(content, b"/ci", b"/cx"))).expect("an object");
        // what is in the pack is whole, and git reads it first
        scene.finds(&[]);
    });
}

#[test]
fn a_pack_index_that_takes_one_commit_for_another() {
    in_both_formats(|scene| {
        let ids = [scene.id("ledger~1"), scene.id("ledger~2")];
        scene.git(&["repack", "--quiet", "-a", "-d"]);
        let packs = fs::read_dir(scene.git_dir().join("objects/pack")).expect("packs");
        let index = packs
            .map(|entry| entry.expect("an entry").path())
            .find(|path| path.extension().is_some_and(|end| end == "idx"))
            .expect("an index");
        let mut bytes = fs::read(&index).expect("an index");
        let width = ids[0].as_slice().len();
        let count = u32::from_be_bytes(bytes[1028..1032].try_into().expect("four bytes")) as usize;
        let names = 8 + 256 * 4;
        let offsets = names + count * (width + 4);
        let [a, b] = ids.map(|id| {
            let at =
                |n: &usize| &bytes[names + n * width..names + (n + 1) * width] == id.as_slice();
            offsets + (0..count).find(at).expect("the id") * 4
        });
        for byte in 0..4 {
            bytes.swap(a + byte, b + byte);
        }
        fs::remove_file(&index).expect("an index");
        fs::write(&index, bytes).expect("an index");
        scene.finds(&[FindingId::ObjectCorrupt]);
    });
}

#[test]
fn a_missing_commit() {
    in_both_formats(|scene| {
        fs::remove_file(scene.loose(scene.id("ledger~2"))).expect("an object");
        scene.finds(&[FindingId::ObjectMissing]);
    });
}

#[test]
fn a_missing_tree() {
    in_both_formats(|scene| {
        fs::remove_file(scene.loose(scene.id("ledger^{tree}"))).expect("an object");
        scene.finds(&[FindingId::ObjectMissing]);
    });
}

#[test]
fn a_missing_policy() {
    in_both_formats(|scene| {
        fs::remove_file(scene.loose(scene.id("ledger:ledger.toml"))).expect("an object");
        scene.finds(&[FindingId::ObjectMissing]);
    });
}

#[test]
fn a_missing_tip() {
    in_both_formats(|scene| {
        let request = scene.request();
        fs::remove_file(scene.loose(scene.id("ledger"))).expect("an object");
        // stock git does not even list such a ref
        scene.finds_alone(&request, &[FindingId::ObjectMissing]);
    });
}

#[test]
fn a_missing_object_is_not_fetched_from_where_the_repository_says() {
    in_both_formats(|scene| {
        let (marker, program) = evil(scene);
        fs::remove_file(scene.loose(scene.id("ledger~2"))).expect("an object");
        let settings = format!(
            "[extensions]\n\tpartialClone = origin\n[remote \"origin\"]\n\turl = .\n\tpromisor = true\n\tuploadpack = {}\n",
            program.display()
        );
        configure(scene, &settings);
        scene.finds_alone(&scene.request(), &[FindingId::ObjectMissing]);
        assert!(!marker.exists(), "a program of the repository was run");
    });
}

#[test]
fn an_object_that_is_too_large() {
    in_both_formats(|scene| {
        let mut content = scene.content(scene.id("ledger"));
        content.resize((1 << 20) + 1, b'x');
        scene.point(scene.store("commit", &content));
        scene.finds(&[FindingId::ObjectTooLarge]);
    });
}

#[test]
fn replace_refs() {
    in_both_formats(|scene| {
        let victim = scene.id("ledger~2");
        let forged = swapped(scene.content(victim), b"/ci", b"/cx");
        let forged = scene.store("commit", &forged);
        scene.git(&["replace", &victim.to_string(), &forged.to_string()]);
        let shown = scene.git(&["log", "-1", "--format=%B", "ledger~2"]);
        assert!(shown.contains("/cx"), "stock git shows the forgery");
        let verdict = scene.finds(&[FindingId::ReplaceRefs]);
        assert_eq!((verdict.answer(), verdict.entries), (Answer::Sound, 5));
    });
}

#[test]
fn grafts() {
    in_both_formats(|scene| {
        let (from, to) = (scene.id("ledger~1"), scene.id("ledger~3"));
        scene.write("info/grafts", &format!("{from} {to}\n"));
        assert_eq!(scene.git(&["rev-list", "--count", "ledger"]), "4");
        let verdict = scene.finds(&[FindingId::Grafts]);
        assert_eq!((verdict.answer(), verdict.entries), (Answer::Sound, 5));
    });
}

#[test]
fn a_shallow_file() {
    in_both_formats(|scene| {
        scene.write("shallow", &format!("{}\n", scene.id("ledger~2")));
        assert_eq!(scene.git(&["rev-list", "--count", "ledger"]), "3");
        let verdict = scene.finds(&[FindingId::Shallow]);
        assert_eq!((verdict.answer(), verdict.entries), (Answer::Unknown, 3));
    });
}

#[test]
fn a_clone_of_depth_two() {
    in_both_formats(|scene| {
        let from = format!("file://{}", scene.git_dir().display());
        let words = [
            "clone",
            "--quiet",
            "--bare",
            "--depth=2",
            "--branch=ledger",
            &from,
            "d",
        ];
        scene.world.git("", &words).ok();
        let ledger = open(&scene.world, &scene.world.path("d"));
        let tip = ledger.tip_id().expect("a ref").expect("a ledger");
        let request = Request {
            boundary: ledger.surroundings().expect("surroundings").boundary,
            ..Request::whole(tip)
        };
        let verdict = verify(&ledger, &request, &|_| {});
        let found: Vec<FindingId> = verdict.findings.iter().map(|finding| finding.id).collect();
        assert_eq!(found, [FindingId::Shallow]);
        assert_eq!(verdict.tip.map(|(number, ..)| number), Some(4));
        assert_eq!(verdict.fingerprint, None);
    });
}

#[test]
fn alternates() {
    in_both_formats(|scene| {
        let objects = scene.git_dir().join("objects");
        let elsewhere = scene.world.path("elsewhere");
        fs::rename(&objects, &elsewhere).expect("objects");
        fs::create_dir_all(objects.join("pack")).expect("a directory");
        scene.write(
            "objects/info/alternates",
            &format!("{}\n", elsewhere.display()),
        );
        let verdict = scene.finds(&[FindingId::Alternates]);
        assert_eq!((verdict.answer(), verdict.entries), (Answer::Sound, 5));
    });
}

#[test]
fn alternates_that_are_gone() {
    in_both_formats(|scene| {
        let objects = scene.git_dir().join("objects");
        let request = scene.request();
        fs::rename(&objects, scene.world.path("elsewhere")).expect("objects");
        fs::create_dir_all(objects.join("pack")).expect("a directory");
        scene.write("objects/info/alternates", "/nowhere\n");
        scene.finds_alone(&request, &[FindingId::Alternates, FindingId::ObjectMissing]);
    });
}

#[test]
fn a_stale_packed_ref() {
    in_both_formats(|scene| {
        let (old, new) = (scene.id("ledger~3"), scene.id("ledger"));
        let mark = newest(scene);
        scene.git(&["pack-refs", "--all"]);
        let packed = scene.git_dir().join("packed-refs");
        let text = fs::read_to_string(&packed).expect("refs");
        fs::write(&packed, text.replace(&new.to_string(), &old.to_string())).expect("refs");
        let rolled = Request {
            marks: vec![mark],
            ..scene.request()
        };
        assert_eq!(
            scene.finds(&[]).entries,
            2,
            "alone, an old copy of a sound ledger is sound"
        );
        scene.finds_alone(&rolled, &[FindingId::RolledBack]);
        // a loose ref wins over a packed one
        scene.point(new);
        assert_eq!(scene.finds(&[]).entries, 5);
    });
}

#[test]
fn a_ref_that_names_a_blob_a_tree_or_a_tag() {
    in_both_formats(|scene| {
        scene.git(&["tag", "-a", "-m", "a tag", "v1", "ledger"]);
        for name in ["ledger:ledger.toml", "ledger^{tree}", "v1"] {
            let id = scene.id(name);
            let tip = scene.id("ledger");
            scene.point(id);
            scene.finds(&[FindingId::ObjectKind]);
            scene.point(tip);
        }
    });
}

#[test]
fn a_ref_that_is_no_object_id() {
    in_both_formats(|scene| {
        for text in [
            "garbage\n",
            "",
            "ref: refs/heads/elsewhere\n",
            "ref: ../../../../etc/passwd\n",
        ] {
            scene.write(DEFAULT_REF, text);
            let found = scene.ledger().tip_id();
            assert!(!matches!(found, Ok(Some(_))), "{text:?}: {found:?}");
        }
    });
}

#[test]
fn a_commit_graph_that_lies_or_is_gone() {
    in_both_formats(|scene| {
        scene.git(&["commit-graph", "write", "--reachable", "--no-progress"]);
        let path = scene.git_dir().join("objects/info/commit-graph");
        let honest = fs::read(&path).expect("a commit-graph");
        fs::remove_file(&path).expect("a commit-graph");
        let ignored = || scene.ledger().surroundings().expect("surroundings").ignored;
        assert!(ignored().is_empty());
        // every position of a first parent that names another commit now names none
        let width = scene.id("ledger").as_slice().len();
        let forged: Vec<u8> = without_parents(honest, width);
        fs::write(&path, forged).expect("a commit-graph");
        assert_eq!(ignored(), ["commit-graph"]);
        assert_eq!(
            scene.git(&["rev-list", "--count", "ledger"]),
            "1",
            "stock git believes it"
        );
        assert_eq!(scene.finds(&[]).entries, 5);
        fs::write(&path, b"garbage").expect("a commit-graph");
        assert_eq!(scene.finds(&[]).entries, 5);
    });
}

/// A commit-graph in which no commit has a parent. Git checks its hash only when told to.
fn without_parents(mut graph: Vec<u8>, width: usize) -> Vec<u8> {
    let chunks = usize::from(graph[6]);
    let chunk = |n: usize| -> (Vec<u8>, usize) {
        let at = 8 + n * 12;
        let offset = u64::from_be_bytes(graph[at + 4..at + 12].try_into().expect("eight bytes"));
        (graph[at..at + 4].to_vec(), offset as usize)
    };
    let found = (0..chunks)
        .find(|n| chunk(*n).0 == b"CDAT")
        .expect("commit data");
    let (start, end) = (chunk(found).1, chunk(found + 1).1);
    for row in (start..end).step_by(width + 16) {
        graph[row + width..row + width + 4].copy_from_slice(&0x7000_0000u32.to_be_bytes());
    }
    graph
}

/// A program that leaves a file behind when it is run.
fn evil(scene: &Scene) -> (PathBuf, PathBuf) {
    use std::os::unix::fs::PermissionsExt as _;
    let (marker, program) = (scene.world.path("marker"), scene.world.path("evil"));
    let text = format!("#!/bin/sh\ntouch '{}'\nexit 1\n", marker.display());
    fs::write(&program, text).expect("a program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("permissions");
    (marker, program)
}

fn configure(scene: &Scene, more: &str) {
    let path = scene.git_dir().join("config");
    let config = fs::read_to_string(&path).expect("configuration");
    fs::write(path, config + more).expect("configuration");
}

#[test]
fn no_program_that_the_repository_names_is_run() {
    in_both_formats(|scene| {
        let (marker, program) = evil(scene);
        let evil = program.display();
        for hook in [
            "reference-transaction",
            "post-checkout",
            "pre-push",
            "post-index-change",
        ] {
            let path = scene.git_dir().join("hooks").join(hook);
            fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
            fs::copy(&program, path).expect("a hook");
        }
        let outside = scene.world.path("outside");
        fs::write(&outside, format!("[gpg]\n\tprogram = {evil}\n")).expect("configuration");
        configure(
            scene,
            &format!(
                "[core]\n\tfsmonitor = {evil}\n\tsshCommand = {evil}\n\tgitProxy = {evil}\n\tpager = {evil}\n\teditor = {evil}\n\taskPass = {evil}\n\
                 [gpg]\n\tformat = ssh\n\tprogram = {evil}\n[gpg \"ssh\"]\n\tprogram = {evil}\n\tdefaultKeyCommand = {evil}\n\
                 [gpg \"x509\"]\n\tprogram = {evil}\n[diff]\n\texternal = {evil}\n[credential]\n\thelper = {evil}\n\
                 [alias]\n\tledger = !{evil}\n[include]\n\tpath = {}\n",
                outside.display()
            ),
        );
        scene.finds(&[]);
        let verbs: [&[&str]; 3] = [&["verify"], &["log"], &["show"]];
        for verb in verbs {
            scene.world.ledger(REPOSITORY, verb).ok();
        }
        assert!(!marker.exists(), "a program of the repository was run");
    });
}

#[test]
fn an_environment_that_points_elsewhere() {
    in_both_formats(|scene| {
        let nowhere = scene.world.path("nowhere").display().to_string();
        let graft = scene.world.path("graft");
        fs::write(&graft, format!("{}\n", scene.id("ledger"))).expect("a file");
        let graft = graft.display().to_string();
        for (name, value) in [
            ("GIT_OBJECT_DIRECTORY", nowhere.as_str()),
            ("GIT_ALTERNATE_OBJECT_DIRECTORIES", nowhere.as_str()),
            ("GIT_INDEX_FILE", nowhere.as_str()),
            ("GIT_NAMESPACE", "elsewhere"),
            ("GIT_REPLACE_REF_BASE", "refs/heads/"),
            ("GIT_SHALLOW_FILE", graft.as_str()),
            ("GIT_GRAFT_FILE", graft.as_str()),
            ("GIT_EXEC_PATH", nowhere.as_str()),
        ] {
            let mut command = scene.world.command(REPOSITORY, "git-ledger");
            command.arg("verify").env(name, value);
            let said = crate::world::run(command, b"");
            assert_eq!(said.code, 0, "{name}: {said}");
        }
    });
}

#[test]
fn another_fingerprint() {
    in_both_formats(|scene| {
        let verdict = scene.finds(&[]);
        let right = Request {
            pinned: verdict.fingerprint,
            ..scene.request()
        };
        assert!(scene.finds_alone(&right, &[]).pinned);
        let wrong = Request {
            pinned: Some([7; 32]),
            ..scene.request()
        };
        scene.finds_alone(&wrong, &[FindingId::FingerprintMismatch]);
    });
}

/// What somebody remembers of the ledger as it is now.
fn newest(scene: &Scene) -> Mark {
    let (number, digest, ..) = scene.judge(&scene.request()).tip.expect("a tip");
    Mark { number, digest }
}

#[test]
fn a_ledger_that_was_rolled_back() {
    in_both_formats(|scene| {
        let marks = vec![newest(scene)];
        scene.git(&["update-ref", DEFAULT_REF, "ledger~2"]);
        let request = Request {
            marks,
            ..scene.request()
        };
        scene.finds_alone(&request, &[FindingId::RolledBack]);
    });
}

#[test]
fn a_ledger_that_was_rewritten() {
    in_both_formats(|scene| {
        let marks = vec![newest(scene)];
        scene.git(&["update-ref", DEFAULT_REF, "ledger~2"]);
        scene.git(&[
            "config",
            "user.signingKey",
            &scene.world.key("ann").display().to_string(),
        ]);
        for id in ["x", "y", "z"] {
            let words = ["append", "dev.example.built", "--source", "/ci", "--id", id];
            let said = scene.world.ledger(REPOSITORY, &words);
            assert!(said.code == 0 || said.code == 1, "{said}");
        }
        let request = Request {
            marks,
            ..scene.request()
        };
        scene.finds_alone(&request, &[FindingId::HistoryRewritten]);
    });
}

#[test]
fn entries_that_nothing_is_left_to_judge_by() {
    in_both_formats(|scene| {
        let after = |entries: &str| Request {
            base: Some(scene.id(entries)),
            ..scene.request()
        };
        let request = after("ledger~2");
        scene.finds_alone(&request, &[]);
        // whoever signs them, without the policy nobody can tell whether they may
        let policy = scene.loose(scene.id("ledger:ledger.toml"));
        let kept = fs::read(&policy).expect("a policy");
        fs::remove_file(&policy).expect("a policy");
        scene.finds_alone(&request, &[FindingId::ObjectMissing]);
        fs::write(&policy, kept).expect("a policy");
        // nor by an entry that is none
        let wound = swapped(scene.content(scene.id("ledger")), b"/ci", b"/cx");
        let base = scene.store("commit", &wound);
        let parent = format!("parent {base}");
        let newest = scene.content(scene.id("ledger"));
        let old = format!("parent {}", scene.id("ledger~1"));
        let tip = scene.store(
            "commit",
            &swapped(newest, old.as_bytes(), parent.as_bytes()),
        );
        let request = Request {
            base: Some(base),
            ..Request::whole(tip)
        };
        let verdict = scene.judge(&request);
        let found = verdict.findings.iter().find(|f| f.commit == Some(base));
        assert_eq!(found.map(|f| f.id), Some(FindingId::SubjectMismatch));
    });
}

#[test]
fn an_entry_from_the_future() {
    in_both_formats(|scene| {
        let time = scene
            .judge(&scene.request())
            .tip
            .map_or(0, |(.., time)| time);
        let admitted = |clock: u64| Request {
            base: Some(scene.id("ledger~2")),
            admitted_at: Some(clock),
            ..scene.request()
        };
        scene.finds_alone(&admitted(time - 300), &[]);
        // as late as the entry before, it would be admitted
        scene.finds_alone(&admitted(time - 400), &[FindingId::TimeFuture]);
    });
}

#[test]
fn a_mark_that_cannot_be_read() {
    in_both_formats(|scene| {
        scene.world.ledger(REPOSITORY, &["verify"]).ok();
        let marks = walkdir::WalkDir::new(scene.git_dir().join("git-ledger/marks"));
        let mut files = marks
            .into_iter()
            .map(|entry| entry.expect("an entry").into_path());
        let mark = files
            .find(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "json")
            })
            .expect("a mark");
        fs::write(mark, "{").expect("a mark");
        let said = scene.world.ledger(REPOSITORY, &["verify"]).code(2);
        assert!(
            said.out.contains(FindingId::MarkUnreadable.name()),
            "{said}"
        );
    });
}
