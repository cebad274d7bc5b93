//! Events that wait: recorded once, whatever happens to the flush.

use std::path::PathBuf;

use super::{count, points, with_fault};
use crate::recorded::{assert_sound, binary, times};
use crate::world::{Said, World, run};

/// Spools an event: no key, no record.
fn put(world: &World, id: &str) -> Said {
    let arguments = [
        "append",
        "dev.acme.built",
        "--id",
        id,
        "--key",
        "/nowhere",
        "--on-failure=spool",
    ];
    run(binary(world, "r", &arguments), b"")
}

fn waiting(world: &World) -> Vec<PathBuf> {
    let spool = world.path("r/.git/git-ledger/spool");
    let files = walk(&spool).into_iter();
    files
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect()
}

fn walk(dir: &std::path::Path) -> Vec<PathBuf> {
    let Ok(items) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    items
        .flatten()
        .flat_map(|item| match item.path() {
            path if path.is_dir() => walk(&path),
            path => vec![path],
        })
        .collect()
}

#[test]
fn flush_killed_anywhere() {
    let world = World::new();
    world.repository("r");
    put(&world, "a").code(0);
    put(&world, "b").code(0);
    let points = points(&world, "r", &["flush"]);
    let every = times(3, 1);
    let mut killed = 0;
    for (number, point) in points.iter().enumerate().step_by(every) {
        let ids = [format!("{number}a"), format!("{number}b")];
        for id in &ids {
            put(&world, id).code(0);
        }
        let said = with_fault(&world, "r", point, "signal=SIGKILL", &["flush"]);
        killed += usize::from(said.code != 0);
        assert_sound(&world, "r");
        run(binary(&world, "r", &["flush"]), b"").ok();
        for id in &ids {
            assert_eq!(count(&world, "r", id), 1, "{point:?} {said}");
        }
        assert_eq!(waiting(&world), Vec::<PathBuf>::new());
    }
    assert_sound(&world, "r");
    println!("flush killed {killed} times");
}

#[test]
fn the_same_event_spooled_twice_is_recorded_once() {
    let world = World::new();
    world.repository("r");
    put(&world, "a").code(0);
    put(&world, "a").code(0);
    assert_eq!(waiting(&world).len(), 2);
    run(binary(&world, "r", &["flush"]), b"").ok();
    assert_eq!(count(&world, "r", "a"), 1);
    assert_eq!(waiting(&world).len(), 0);
}

#[test]
fn one_that_is_refused_does_not_hold_up_the_others() {
    let world = World::new();
    world.repository("r");
    let taken = ["append", "dev.acme.other", "--id", "a"];
    run(binary(&world, "r", &taken), b"").ok();
    put(&world, "a").code(0);
    put(&world, "b").code(0);
    let said = run(binary(&world, "r", &["flush"]), b"").code(1);
    assert!(said.err.contains("already records another event"), "{said}");
    assert_eq!(count(&world, "r", "b"), 1, "{said}");
    assert_eq!(waiting(&world).len(), 1);
}

#[test]
fn neither_recorded_nor_spooled() {
    let world = World::new();
    world.repository("r");
    std::fs::create_dir_all(world.path("r/.git/git-ledger")).expect("a directory");
    std::fs::write(world.path("r/.git/git-ledger/spool"), "in the way").expect("a file");
    let said = put(&world, "a").code(128);
    assert!(said.err.contains("neither recorded"), "{said}");
    assert!(said.err.contains("nor spooled"), "{said}");
    assert_eq!(said.out, "");
}

#[test]
fn a_broken_file_stays_and_is_told() {
    let world = World::new();
    world.repository("r");
    put(&world, "a").code(0);
    put(&world, "b").code(0);
    let broken = waiting(&world).remove(0);
    std::fs::write(&broken, "{\"event\":").expect("a file");
    let said = run(binary(&world, "r", &["flush"]), b"").code(2);
    let name = broken.file_name().expect("a name").to_string_lossy();
    assert!(said.err.contains(&*name), "{said}");
    assert_eq!(waiting(&world).len(), 1);
    assert!(broken.exists());
    assert_eq!(super::events(&world, "r").len(), 1);
}

#[test]
fn a_lock_of_another_program_is_explained() {
    let world = World::new();
    world.repository("r");
    let lock = world.path("r/.git/refs/heads/ledger.lock");
    std::fs::write(&lock, "").expect("a file");
    let arguments = ["append", "dev.acme.built", "--on-failure=fail"];
    let said = run(binary(&world, "r", &arguments), b"").code(128);
    assert!(
        said.err.contains("ledger.lock' has been there for"),
        "{said}"
    );
    assert!(said.err.contains("hint: "), "{said}");
    assert!(lock.exists());
}
