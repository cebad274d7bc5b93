//! What comes back when the file is good, old, foreign, broken, a trap, or cannot be there at all.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

const SCHEMA: &str = "CREATE TABLE word(text TEXT PRIMARY KEY, place INTEGER) STRICT; \
    CREATE INDEX places ON word(place); \
    CREATE VIRTUAL TABLE term USING fts5(words, content='', detail=none);";

fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/words.db");
    (dir, path)
}

fn put(path: &Path, word: &str) -> Database {
    let database = open(path, "words", 1, SCHEMA).unwrap();
    database
        .execute("INSERT INTO word VALUES (?1, 1)", [word])
        .unwrap();
    database
}

fn words(database: &Database) -> Vec<String> {
    let mut all = database.prepare("SELECT text FROM word").unwrap();
    let rows = all.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn kept(path: &Path) -> Vec<String> {
    words(&open(path, "words", 1, SCHEMA).unwrap())
}

#[test]
fn keeps_what_was_written() {
    let (dir, path) = place();
    assert!(find(&path, "words", 1, SCHEMA).unwrap().is_none());
    assert!(!dir.path().join("deep").exists());
    drop(put(&path, "one"));
    let second = put(&path, "two");
    // side by side, in one process too
    assert_eq!(kept(&path), ["one", "two"]);
    drop(second);
    assert_eq!(kept(&path), ["one", "two"]);
    assert!(find(&path, "words", 1, SCHEMA).unwrap().is_some());
}

#[test]
fn another_kind_version_or_schema_is_made_anew() {
    let other = SCHEMA
        .replace("place INTEGER", "spot INTEGER")
        .replace("(place)", "(spot)");
    for (kind, version, schema) in [
        ("others", 1, SCHEMA),
        ("words", 2, SCHEMA),
        ("words", 1, other.as_str()),
    ] {
        let (_dir, path) = place();
        drop(put(&path, "old"));
        assert!(find(&path, kind, version, schema).unwrap().is_none());
        assert_eq!(kept(&path), ["old"], "looking deletes nothing");
        assert_eq!(words(&open(&path, kind, version, schema).unwrap()), [""; 0]);
    }
}

#[test]
fn bytes_that_are_no_database_are_made_anew() {
    for bytes in [&b""[..], b"hello", &[0xff; 9000]] {
        let (_dir, path) = place();
        drop(put(&path, "old"));
        remove(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        assert_eq!(kept(&path), [""; 0]);
    }
}

#[test]
fn a_schema_with_something_of_its_own_is_not_taken() {
    for extra in [
        "CREATE TRIGGER t AFTER INSERT ON word BEGIN DELETE FROM word; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE other(x)",
        "CREATE TABLE term_more(x)",
    ] {
        let (_dir, path) = place();
        drop(put(&path, "old"));
        let foreign = Connection::open(&path).unwrap();
        foreign.execute_batch(extra).unwrap();
        drop(foreign);
        assert_eq!(kept(&path), [""; 0], "{extra}");
    }
}

#[test]
fn neither_links_nor_pipes_nor_journals_are_used() {
    for suffix in ["", "-wal", "-shm"] {
        let (dir, path) = place();
        let precious = dir.path().join("precious");
        fs::write(&precious, b"precious").unwrap();
        drop(put(&path, "old"));
        remove(&beside(&path, suffix)).unwrap();
        symlink(&precious, beside(&path, suffix)).unwrap();
        assert_eq!(kept(&path), [""; 0], "{suffix}");
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
        let (_dir, path) = place();
        drop(put(&path, "old"));
        let trap = beside(&path, suffix);
        remove(&trap).unwrap();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &trap, mode).unwrap();
        assert_eq!(kept(&path), [""; 0], "{suffix}");
    }
    let (_dir, path) = place();
    drop(put(&path, "old"));
    fs::write(beside(&path, "-journal"), b"play me").unwrap();
    assert_eq!(kept(&path), [""; 0]);
    assert!(!beside(&path, "-journal").exists());
}

#[test]
fn links_above_our_own_files_are_the_users_business() {
    let (dir, path) = place();
    drop(put(&path, "one"));
    let other = dir.path().join("other");
    symlink(dir.path().join("deep"), &other).unwrap();
    assert_eq!(kept(&other.join("words.db")), ["one"]);
}

#[test]
fn damage_inside_is_told_from_a_bad_moment() {
    let (_dir, path) = place();
    let database = put(&path, "one");
    database
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(database);
    let whole = fs::read(&path).unwrap();
    let mut broken = whole.clone();
    broken.get_mut(4096..).unwrap().fill(0xa5);
    fs::write(&path, &broken).unwrap();
    let database = open(&path, "words", 1, SCHEMA).unwrap();
    let error = database
        .query_row("SELECT text FROM word", [], |row| row.get::<_, String>(0))
        .unwrap_err();
    assert!(Database::is_lost(&error), "{error}");
    discard(&path).unwrap();
    discard(&path).unwrap();
    assert_eq!(kept(&path), [""; 0]);

    let one = put(&path, "one");
    let two = put(&path, "two");
    two.busy_timeout(Duration::ZERO).unwrap();
    one.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = two.execute("DELETE FROM word", []).unwrap_err();
    assert!(!Database::is_lost(&error), "{error}");
}

#[test]
fn many_who_begin_at_once_share_one_file() {
    let (_dir, path) = place();
    std::thread::scope(|scope| {
        for word in ["a", "b", "c", "d", "e", "f"] {
            let path = &path;
            scope.spawn(move || drop(put(path, word)));
        }
    });
    assert_eq!(kept(&path).len(), 6);
}

#[test]
fn permissions_are_those_of_our_other_files() {
    let (dir, path) = place();
    drop(put(&path, "one"));
    let plain = dir.path().join("plain");
    fs::write(&plain, b"").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    for suffix in ["", "-wal", "-shm", ".lock"] {
        assert_eq!(mode(&beside(&path, suffix)), mode(&plain), "{suffix}");
    }
}

#[test]
fn no_place_is_an_error_and_changes_nothing() {
    let (dir, path) = place();
    fs::write(
        dir.path().join("deep"),
        b"a file where the directory should be",
    )
    .unwrap();
    assert!(open(&path, "words", 1, SCHEMA).is_err());
    assert!(open(Path::new("/proc/none/words.db"), "words", 1, SCHEMA).is_err());
}

#[test]
fn the_log_stays_short_though_each_process_writes_little() {
    let (_dir, path) = place();
    for word in 0..200 {
        drop(put(&path, &word.to_string()));
        let log = fs::metadata(beside(&path, "-wal")).map_or(0, |log| log.len());
        assert!(log <= LOG_BYTES, "{log} bytes after {word}");
    }
    assert_eq!(kept(&path).len(), 200);
}

#[test]
fn the_log_is_moved_by_who_was_still_reading() {
    let (_dir, path) = place();
    let long = "x".repeat(2 * LOG_BYTES as usize);
    let database = put(&path, &long);
    database.execute_batch("BEGIN").unwrap();
    assert_eq!(words(&database), [long.as_str()]);
    drop(database);
    assert_eq!(fs::metadata(beside(&path, "-wal")).unwrap().len(), 0);
    assert_eq!(kept(&path), [long.as_str()]);
}
