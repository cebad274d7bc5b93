//! Trees as people and attackers leave them.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

struct Tree(tempfile::TempDir);

impl Tree {
    fn new(files: &[(&str, &str)]) -> Tree {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Tree(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn walk(&self, bounds: Bounds) -> Result<Walked, FileFault> {
        let mut walked = Walked::default();
        let root = Root {
            path: self.path(""),
            name: b"top".to_vec(),
        };
        walked.add(&root, bounds, &|name| name.ends_with(b".txt"))?;
        Ok(walked)
    }

    fn names(&self) -> Vec<String> {
        let walked = self.walk(CONFIGURATION).unwrap();
        let names = walked.files.keys();
        names
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect()
    }
}

#[test]
fn files_links_and_pipes() {
    let tree = Tree::new(&[
        ("a.txt", "x\n"),
        ("d/b", "y"),
        ("d/\n\u{1b}", ""),
        (".git/config", ""),
    ]);
    symlink("/etc", tree.path("d/link")).unwrap();
    symlink(".", tree.path("d/loop")).unwrap();
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, tree.path("pipe"), mode).unwrap();
    fs::set_permissions(tree.path("d/b"), fs::Permissions::from_mode(0o4755)).unwrap();
    let walked = tree.walk(CONFIGURATION).unwrap();
    assert_eq!(
        tree.names(),
        [
            "top/a.txt",
            "top/d/\n\u{1b}",
            "top/d/b",
            "top/d/link",
            "top/d/loop",
            "top/pipe"
        ]
    );
    let found = |name: &str| walked.files[name.as_bytes()].clone();
    assert_eq!(
        found("top/a.txt").what,
        What::File {
            size: 2,
            digest: merkle::sha256(b"x\n"),
            text: Some("x\n".into())
        }
    );
    assert_eq!(found("top/d/b").mode, 0o4755);
    assert!(matches!(
        found("top/d/b").what,
        What::File { text: None, .. }
    ));
    let digest = merkle::sha256(b"/etc");
    assert_eq!(found("top/d/link").what, What::Link { digest });
    assert_eq!(found("top/pipe").what, What::Special("fifo".into()));
}

#[test]
fn a_root_that_is_a_file_a_link_or_nothing() {
    let tree = Tree::new(&[("f", "x"), (".gitignore", "f\n")]);
    symlink("/etc", tree.path("l")).unwrap();
    let mut walked = Walked::default();
    for name in ["f", "l", "nothing"] {
        let root = Root {
            path: tree.path(name),
            name: name.into(),
        };
        walked.add(&root, CONFIGURATION, &|_| false).unwrap();
    }
    let names: Vec<&[u8]> = walked.files.keys().map(Vec::as_slice).collect();
    assert_eq!(names, [&b"f"[..], b"l"]);
    assert_eq!(walked.missing, [b"nothing".to_vec()]);
}

#[test]
fn the_rules_of_the_tree_hide_files_and_not_themselves() {
    let tree = Tree::new(&[
        (".gitignore", "*.log\nbuild/\n.*\n!keep.log\n[\n"),
        ("a.log", ""),
        ("keep.log", ""),
        ("build/x", ""),
        ("d/.ledgerignore", "!a.log\n/only\n"),
        ("d/a.log", ""),
        ("d/only", ""),
        ("d/e/only", ""),
        ("e/a.log", ""),
    ]);
    assert_eq!(
        tree.names(),
        [
            "top/.gitignore",
            "top/d/.ledgerignore",
            "top/d/a.log",
            "top/d/e/only",
            "top/keep.log"
        ]
    );
    let left_out = tree.walk(CONFIGURATION).unwrap().left_out;
    let names: Vec<String> = left_out
        .iter()
        .map(|n| String::from_utf8_lossy(n).into())
        .collect();
    assert_eq!(
        names,
        ["top/a.log", "top/build", "top/d/only", "top/e/a.log"]
    );
    // one that is a link says nothing
    fs::rename(tree.path(".gitignore"), tree.path("rules")).unwrap();
    symlink("rules", tree.path(".gitignore")).unwrap();
    assert!(tree.names().contains(&"top/a.log".to_owned()));
    // one that nobody wrote by hand
    fs::remove_file(tree.path(".gitignore")).unwrap();
    fs::write(tree.path(".gitignore"), "x\n".repeat(64 << 10)).unwrap();
    assert!(matches!(
        tree.walk(CONFIGURATION),
        Err(FileFault::Io { .. })
    ));
}

#[test]
fn each_bound_is_told() {
    let tree = Tree::new(&[("a", "12345678"), ("b", "12345678"), ("d/e/f", "")]);
    let fault = |bounds| tree.walk(bounds).unwrap_err();
    let few = Bounds {
        entries: 3,
        ..CONFIGURATION
    };
    assert!(matches!(fault(few), FileFault::TooMany { most: 3, .. }));
    let small = Bounds {
        file: 7,
        ..CONFIGURATION
    };
    assert!(matches!(fault(small), FileFault::TooLarge { most: 7, .. }));
    let little = Bounds {
        all: 12,
        ..CONFIGURATION
    };
    assert!(matches!(fault(little), FileFault::TooMany { most: 12, .. }));
    let flat = Bounds {
        depth: 1,
        ..CONFIGURATION
    };
    assert!(matches!(fault(flat), FileFault::TooMany { most: 1, .. }));
    assert!(fault(flat).is_bound());
}

#[test]
fn what_may_not_stand_in_the_record_is_not_kept() {
    for text in ["password: x\n", "\u{85}\n", "\0", &"x".repeat(MAX_TEXT + 1)] {
        let tree = Tree::new(&[("a.txt", text)]);
        let found = look(&tree.path("a.txt"), u64::MAX, true).unwrap();
        assert!(
            matches!(found.what, What::File { text: None, .. }),
            "{text:?}"
        );
    }
}

#[test]
fn a_file_that_does_not_come_to_rest_is_named() {
    let tree = Tree::new(&[("a", "")]);
    let path = tree.path("a");
    let seen = path.symlink_metadata().unwrap();
    fs::write(&path, "x").unwrap();
    assert_eq!(read(&path, &seen, false).unwrap(), None);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut text = String::new();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                text.push_str(&"x".repeat(1 << 16));
                fs::write(&path, &text).unwrap();
            }
        });
        // sooner or later it is met while it grows; what is taken is one whole state
        for _ in 0..50 {
            match look(&path, u64::MAX, false) {
                Ok(Found {
                    what: What::File { size, digest, .. },
                    ..
                }) => {
                    let size = usize::try_from(size).unwrap();
                    assert_eq!(digest, merkle::sha256(&vec![b'x'; size]));
                }
                Ok(other) => panic!("{other:?}"),
                Err(error) => assert!(matches!(error, FileFault::Racy(_)), "{error}"),
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
