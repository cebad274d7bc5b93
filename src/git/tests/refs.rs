//! References: nothing is followed, nothing is lost in a race, and git agrees afterwards.

use super::*;

fn update<'a>(name: &'a str, expected: Expected, new: gix::ObjectId) -> RefUpdate<'a> {
    RefUpdate {
        name,
        expected,
        new,
        message: "moved",
        committer: COMMITTER,
    }
}

#[test]
fn moves_only_from_where_it_was_seen() {
    let world = World::new();
    for format in ["sha1", "sha256"] {
        for bare in [false, true] {
            let name = format!("{format}-{bare}");
            let dir = match bare {
                true => world.init_bare(&name, format),
                false => world.init(&name, format),
            };
            let repository = world.open(&dir);
            let one = commit_on(&repository, None, "one");
            let two = commit_on(&repository, Some(one), "two");
            let r = "refs/heads/x";
            assert_eq!(repository.find_ref(r).unwrap(), None);
            repository
                .update_ref(&update(r, Expected::Absent, one))
                .unwrap();
            let again = repository.update_ref(&update(r, Expected::Absent, two));
            assert!(matches!(again, Err(RefError::Moved { actual: Some(a), .. }) if a == one));
            world.git(&dir, &["pack-refs", "--all"]);
            assert_eq!(repository.find_ref(r).unwrap(), Some(one));
            repository
                .update_ref(&update(r, Expected::Is(one), two))
                .unwrap();
            assert_eq!(world.git(&dir, &["rev-parse", r]), two.to_string());
            assert_eq!(world.git(&dir, &["reflog", "show", r]).lines().count(), 2);
            let names: Vec<_> = repository.list_refs("refs/heads/x").unwrap();
            assert_eq!(names.len(), 1);
            assert_eq!(names[0].value, RefValue::Object(two));
            world.git(&dir, &["fsck", "--strict"]);
        }
    }
}

#[test]
fn follows_nothing() {
    let world = World::new();
    let dir = world.init("plain", "sha1");
    let repository = world.open(&dir);
    let tip = repository.find_ref("refs/heads/main").unwrap().unwrap();
    let heads = dir.join(".git/refs/heads");
    world.git(&dir, &["symbolic-ref", "refs/heads/sym", "refs/heads/main"]);
    std::os::unix::fs::symlink(heads.join("main"), heads.join("link")).unwrap();
    std::fs::write(heads.join("garbage"), "what\n").unwrap();
    std::fs::write(heads.join("null"), format!("{}\n", "0".repeat(40))).unwrap();
    std::os::unix::fs::symlink(&heads, dir.join(".git/refs/elsewhere")).unwrap();
    assert!(matches!(
        repository.find_ref("refs/heads/sym"),
        Err(RefError::Symbolic { target, .. }) if target == "refs/heads/main"
    ));
    for name in [
        "refs/heads/link",
        "refs/heads/garbage",
        "refs/heads/null",
        "refs/elsewhere/main",
    ] {
        let found = repository.find_ref(name);
        assert!(
            matches!(found, Err(RefError::Garbage { .. })),
            "{name} {found:?}"
        );
        assert!(
            repository
                .update_ref(&update(name, Expected::Is(tip), tip))
                .is_err()
        );
    }
    for name in [
        "main",
        "HEAD",
        "refs/../x",
        "refs/heads/a.lock",
        "refs/heads/",
        "refs/heads/a b",
    ] {
        let found = repository.find_ref(name);
        assert!(matches!(found, Err(RefError::BadName(_))), "{name}");
    }
    let listed = repository.list_refs("refs/heads/").unwrap();
    assert_eq!(listed.len(), 5);
}

#[test]
fn names_that_stand_in_each_others_way() {
    let world = World::new();
    let dir = world.init("plain", "sha1");
    let repository = world.open(&dir);
    let tip = repository.find_ref("refs/heads/main").unwrap().unwrap();
    world.git(&dir, &["branch", "a/b"]);
    for pack in [false, true] {
        if pack {
            world.git(&dir, &["pack-refs", "--all"]);
        }
        for name in ["refs/heads/a", "refs/heads/a/b/c"] {
            let made = repository.update_ref(&update(name, Expected::Absent, tip));
            assert!(
                matches!(made, Err(RefError::Conflict { .. })),
                "{pack} {name} {made:?}"
            );
        }
    }
    // Empty directories that git leaves behind are in nobody's way.
    world.git(&dir, &["branch", "-D", "a/b"]);
    std::fs::create_dir_all(dir.join(".git/refs/heads/a/b")).unwrap();
    repository
        .update_ref(&update("refs/heads/a", Expected::Absent, tip))
        .unwrap();
    assert_eq!(
        world.git(&dir, &["rev-parse", "refs/heads/a"]),
        tip.to_string()
    );
}

#[test]
fn a_held_lock_is_explained() {
    let world = World::new();
    let dir = world.init("plain", "sha1");
    let repository = world.open(&dir);
    let tip = repository.find_ref("refs/heads/main").unwrap().unwrap();
    let lock = dir.join(".git/refs/heads/main.lock");
    std::fs::write(&lock, "").unwrap();
    let held = repository.update_ref(&update("refs/heads/main", Expected::Is(tip), tip));
    let Err(RefError::Locked { path, age }) = &held else {
        panic!("{held:?}");
    };
    assert_eq!(path, &lock);
    assert!(age.as_secs() >= 1, "{age:?}");
    assert!(lock.exists());
}

#[test]
fn racing_writers_lose_nothing() {
    let world = World::new();
    let dir = world.init("plain", "sha1");
    let repository = world.open(&dir);
    let name = "refs/heads/raced";
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let repository = &repository;
            scope.spawn(move || {
                for number in 0..100 {
                    loop {
                        let seen = repository.find_ref(name).unwrap();
                        let new = commit_on(repository, seen, &format!("{writer} {number}"));
                        let expected = seen.map_or(Expected::Absent, Expected::Is);
                        match repository.update_ref(&update(name, expected, new)) {
                            Ok(()) => break,
                            Err(RefError::Moved { .. } | RefError::Locked { .. }) => {}
                            Err(e) => panic!("{e}"),
                        }
                    }
                }
            });
        }
    });
    assert_eq!(world.git(&dir, &["rev-list", "--count", name]), "400");
    assert_eq!(
        world.git(&dir, &["reflog", "show", name]).lines().count(),
        400
    );
    world.git(&dir, &["fsck", "--strict"]);
}

#[test]
fn reftables_are_left_to_git() {
    let world = World::new();
    let dir = world.path("table");
    let path = dir.to_str().unwrap();
    world.git(
        world.dir.path(),
        &["init", "-q", "--ref-format=reftable", "-b", "main", path],
    );
    world.git(&dir, &["commit", "-q", "--allow-empty", "-m", "first"]);
    let repository = world.open(&dir);
    assert!(repository.oddities().unwrap().reftable);
    assert_eq!(repository.head_ref().as_deref(), Some("refs/heads/main"));
    let tip = repository.find_ref("refs/heads/main").unwrap().unwrap();
    let two = commit_on(&repository, Some(tip), "two");
    let name = "refs/heads/x";
    assert_eq!(repository.find_ref(name).unwrap(), None);
    repository
        .update_ref(&update(name, Expected::Absent, tip))
        .unwrap();
    repository
        .update_ref(&update(name, Expected::Is(tip), two))
        .unwrap();
    let late = repository.update_ref(&update(name, Expected::Is(tip), two));
    assert!(
        matches!(late, Err(RefError::Moved { actual: Some(a), .. }) if a == two),
        "{late:?}"
    );
    assert_eq!(repository.list_refs("refs/").unwrap().len(), 2);
    let log = world.git(&dir, &["log", "-g", "--format=%gn %ge %gs", name]);
    assert_eq!(log, "A U Thor a@b moved\nA U Thor a@b moved");
}
