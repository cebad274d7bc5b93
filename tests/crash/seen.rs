//! The cache of what was recorded, deleted, damaged, from another day or impossible: an event that
//! was recorded is found, and a new one is new.

use std::fs;
use std::path::{Path, PathBuf};

use crate::recorded::{assert_sound, binary, ids};
use crate::world::{World, run};

fn append(world: &World, id: &str) -> String {
    let arguments = ["append", "dev.acme.built", "--id", id];
    run(binary(world, "r", &arguments), b"").ok()
}

/// The files of the cache.
fn files(dir: &Path) -> Vec<PathBuf> {
    let items = fs::read_dir(dir).expect("a directory");
    let paths = items.map(|item| item.expect("a file").path());
    paths
        .filter(|path| path.extension() != Some("lock".as_ref()))
        .collect()
}

#[test]
fn whatever_is_wrong_with_the_cache() {
    let world = World::new();
    world.repository("r");
    let dir = world.path("r/.git/git-ledger/seen");
    let mut wanted = vec!["first".to_owned()];
    append(&world, "first");
    append(&world, "first");
    let early = world.path("early");
    let keep = || {
        fs::create_dir(&early).expect("a directory");
        for file in files(&dir) {
            fs::copy(&file, early.join(file.file_name().expect("a name"))).expect("a copy");
        }
    };
    keep();
    let database = || {
        let found = files(&dir).into_iter();
        let mut found = found.filter(|path| path.extension() == Some("sqlite".as_ref()));
        found.next().expect("a database")
    };
    let wounds: [(&str, &dyn Fn()); 6] = [
        ("deleted", &|| fs::remove_dir_all(&dir).expect("gone")),
        ("no database", &|| {
            fs::write(database(), "no database").expect("a file");
        }),
        ("cut off", &|| {
            let bytes = fs::read(database()).expect("a file");
            fs::write(database(), &bytes[..bytes.len() / 2]).expect("a file");
        }),
        ("without its pages", &|| {
            let mut bytes = fs::read(database()).expect("a file");
            bytes[4096..].fill(0);
            fs::write(database(), bytes).expect("a file");
        }),
        ("of an earlier day", &|| {
            for file in files(&dir) {
                fs::remove_file(file).expect("gone");
            }
            for file in files(&early) {
                fs::copy(&file, dir.join(file.file_name().expect("a name"))).expect("a copy");
            }
        }),
        ("impossible", &|| {
            fs::remove_dir_all(&dir).expect("gone");
            fs::write(&dir, "in the way").expect("a file");
        }),
    ];
    for (number, (what, wound)) in wounds.iter().enumerate() {
        let id = format!("{number}");
        assert!(append(&world, &id).starts_with("recorded "), "{what}");
        wanted.push(id.clone());
        wound();
        for id in ["first", &id] {
            let said = append(&world, id);
            assert!(said.starts_with("already recorded "), "{what}: {said}");
        }
    }
    wanted.sort();
    assert_eq!(ids(&world, "r"), wanted);
    assert_sound(&world, "r");
}
