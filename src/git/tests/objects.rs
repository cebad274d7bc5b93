//! Objects: nothing forged is believed, what is written is what git reads.

use gix::objs::Kind;

use super::*;

#[test]
fn reads_and_writes_in_both_formats() {
    let world = World::new();
    for format in ["sha1", "sha256"] {
        let dir = world.init(format, format);
        let repository = world.open(&dir);
        let id = repository.write_object(Kind::Blob, b"hello\n").unwrap();
        assert_eq!(id, repository.write_object(Kind::Blob, b"hello\n").unwrap());
        assert_eq!(
            world.git(&dir, &["cat-file", "blob", &id.to_string()]),
            "hello"
        );
        let reader = repository.reader().unwrap();
        assert_eq!(reader.read(id, Kind::Blob, 6).unwrap(), b"hello\n");
        assert!(matches!(
            reader.read(id, Kind::Blob, 5),
            Err(ReadError::TooLarge { size: 6, .. })
        ));
        assert!(matches!(
            reader.read(id, Kind::Commit, 99),
            Err(ReadError::Kind {
                found: Kind::Blob,
                ..
            })
        ));
        let missing = object_id(repository.object_format(), Kind::Blob, b"no").unwrap();
        assert!(matches!(
            reader.read(missing, Kind::Blob, 99),
            Err(ReadError::Missing(_))
        ));
        let path = loose(&dir, id);
        let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o444);
    }
}

#[test]
fn a_swapped_loose_object_is_corrupt() {
    let world = World::new();
    let dir = world.init("plain", "sha1");
    let repository = world.open(&dir);
    let victim = repository.write_object(Kind::Blob, b"genuine").unwrap();
    let other = repository.write_object(Kind::Blob, b"forged!").unwrap();
    std::fs::remove_file(loose(&dir, victim)).unwrap();
    std::fs::copy(loose(&dir, other), loose(&dir, victim)).unwrap();
    // Git itself is fooled.
    assert_eq!(
        world.git(&dir, &["cat-file", "blob", &victim.to_string()]),
        "forged!"
    );
    let reader = repository.reader().unwrap();
    let read = reader.read(victim, Kind::Blob, 99);
    assert!(matches!(read, Err(ReadError::Corrupt { .. })), "{read:?}");

    std::fs::remove_file(loose(&dir, victim)).unwrap();
    std::fs::write(loose(&dir, victim), b"no zlib at all").unwrap();
    let read = repository.reader().unwrap().read(victim, Kind::Blob, 99);
    assert!(matches!(read, Err(ReadError::Corrupt { .. })), "{read:?}");

    // Writing it again mends it.
    repository.write_object(Kind::Blob, b"genuine").unwrap();
    assert_eq!(
        repository
            .reader()
            .unwrap()
            .read(victim, Kind::Blob, 99)
            .unwrap(),
        b"genuine"
    );
}

#[test]
fn a_large_object_is_not_inflated_to_be_refused() {
    let world = World::new();
    let dir = world.init("plain", "sha1");
    let repository = world.open(&dir);
    let large = vec![0; 5 << 20];
    let loose_id = repository.write_object(Kind::Blob, &large).unwrap();
    let mut packed_bytes = large.clone();
    packed_bytes[7] = 1;
    let packed = repository.write_many([(Kind::Blob, packed_bytes)]).unwrap();
    let reader = repository.reader().unwrap();
    for id in [loose_id, packed[0]] {
        for limit in [1000, 3 << 20] {
            let read = reader.read(id, Kind::Blob, limit);
            assert!(matches!(read, Err(ReadError::TooLarge { size, .. }) if size == 5 << 20));
        }
        assert_eq!(reader.read(id, Kind::Blob, 5 << 20).unwrap().len(), 5 << 20);
    }
}

#[test]
fn replacements_are_ignored() {
    let world = World::new();
    let dir = world.init("plain", "sha1");
    let repository = world.open(&dir);
    let genuine = repository.write_object(Kind::Blob, b"genuine").unwrap();
    let other = repository.write_object(Kind::Blob, b"other").unwrap();
    world.git(&dir, &["replace", &genuine.to_string(), &other.to_string()]);
    assert_eq!(
        world.git(&dir, &["cat-file", "blob", &genuine.to_string()]),
        "other"
    );
    let reader = repository.reader().unwrap();
    assert_eq!(reader.read(genuine, Kind::Blob, 99).unwrap(), b"genuine");
}

#[test]
fn a_quarantine_is_seen_only_by_who_asks() {
    let world = World::new();
    let dir = world.init_bare("bare", "sha1");
    let donor = world.init("donor", "sha1");
    let brought = world
        .open(&donor)
        .write_object(Kind::Blob, b"brought")
        .unwrap();
    let place = dir.join("objects/tmp_objdir-incoming-x");
    let hex = brought.to_string();
    std::fs::create_dir_all(place.join(&hex[..2])).unwrap();
    std::fs::copy(
        loose(&donor, brought),
        place.join(&hex[..2]).join(&hex[2..]),
    )
    .unwrap();

    let environment = world
        .environment
        .clone()
        .with("GIT_QUARANTINE_PATH", &place)
        .with("GIT_OBJECT_DIRECTORY", &place);
    let repository = Repository::open(&environment, &dir).unwrap();
    assert_eq!(repository.quarantine(), std::slice::from_ref(&place));
    let plain = repository.reader().unwrap();
    assert!(matches!(
        plain.read(brought, Kind::Blob, 9),
        Err(ReadError::Missing(_))
    ));
    let reader = repository.reader_with(&repository.quarantine()).unwrap();
    assert_eq!(reader.read(brought, Kind::Blob, 9).unwrap(), b"brought");
    // What we write meanwhile goes to the main store.
    let own = repository.write_object(Kind::Blob, b"own").unwrap();
    assert!(dir.join("objects").join(&own.to_string()[..2]).is_dir());
}

#[test]
fn a_pack_is_what_git_would_have_made() {
    let world = World::new();
    for format in ["sha1", "sha256"] {
        let dir = world.init(format, format);
        let repository = world.open(&dir);
        let tree = object_id(repository.object_format(), Kind::Tree, b"").unwrap();
        let mut pack = repository.pack_writer().unwrap();
        pack.add(Kind::Tree, Vec::new()).unwrap();
        pack.add(Kind::Tree, Vec::new()).unwrap();
        let mut parent = String::new();
        let mut commits = Vec::new();
        for number in 0..700 {
            let text = format!(
                "tree {tree}\n{parent}author {COMMITTER}\ncommitter {COMMITTER}\n\nnumber {number}\n\n{}",
                "the same words in every message, so that they are alike\n".repeat(number % 40)
            );
            let id = pack.add(Kind::Commit, text.clone().into_bytes()).unwrap();
            parent = format!("parent {id}\n");
            commits.push((id, text));
        }
        pack.add(Kind::Blob, vec![7; 200_000]).unwrap();
        assert_eq!(pack.len(), 702);
        let before = repository.reader().unwrap();
        assert!(matches!(
            before.read(commits[0].0, Kind::Commit, 9999),
            Err(ReadError::Missing(_))
        ));
        pack.finish().unwrap();
        let reader = repository.reader().unwrap();
        for (id, text) in &commits {
            assert_eq!(
                reader.read(*id, Kind::Commit, 9999).unwrap(),
                text.as_bytes()
            );
        }
        let tip = commits.last().unwrap().0.to_string();
        world.git(&dir, &["update-ref", "refs/heads/packed", &tip]);
        world.git(&dir, &["fsck", "--full", "--strict"]);
        let found: Vec<_> = std::fs::read_dir(dir.join(".git/objects/pack"))
            .unwrap()
            .map(|f| f.unwrap().path())
            .collect();
        assert_eq!(found.len(), 2, "{found:?}");
        let index = found
            .iter()
            .find(|f| f.extension().unwrap() == "idx")
            .unwrap();
        let verified = world.git(&dir, &["verify-pack", "-v", index.to_str().unwrap()]);
        assert!(verified.contains("chain length = 1: 69"), "{verified}");
        assert!(!verified.contains("chain length = 2"));
    }
}

#[test]
fn an_unfinished_pack_leaves_nothing() {
    let world = World::new();
    let dir = world.init("plain", "sha1");
    let repository = world.open(&dir);
    let mut pack = repository.pack_writer().unwrap();
    pack.add(Kind::Blob, b"x".to_vec()).unwrap();
    drop(pack);
    repository.pack_writer().unwrap().finish().unwrap();
    let left = std::fs::read_dir(dir.join(".git/objects/pack"))
        .unwrap()
        .count();
    assert_eq!(left, 0);
}

fn loose(dir: &Path, id: gix::ObjectId) -> PathBuf {
    let hex = id.to_string();
    dir.join(".git/objects").join(&hex[..2]).join(&hex[2..])
}

/// Who reads much goes by another way (`packed`), which must give the same answers: about objects
/// whole and as steps from others, and about packs and indices that were damaged anywhere.
#[test]
fn who_reads_much_is_told_the_same() {
    let world = World::new();
    for format in ["sha1", "sha256"] {
        let dir = world.init(format, format);
        let text = |n: usize| format!("{}{n}{}", "same ".repeat(40), "tail ".repeat(n % 7));
        let objects = (0..70).map(|n| (Kind::Blob, text(n).into_bytes()));
        let mut ids = world.open(&dir).write_many(objects).unwrap();
        let large = (0..3u8).map(|n| (Kind::Blob, vec![n; (1 << 20) + 7]));
        ids.extend(world.open(&dir).write_many(large).unwrap());
        ids.push(object_id(world.open(&dir).object_format(), Kind::Blob, b"no").unwrap());
        let held = ids[..73].iter().map(|id| format!("{id} refs/held/{id}\n"));
        std::fs::write(dir.join(".git/packed-refs"), held.collect::<String>()).unwrap();
        let own = files(&dir.join(".git/objects/pack"));
        let answers = |much: bool| -> Vec<String> {
            let repository = world.open(&dir);
            let mut reader = repository.reader().unwrap();
            let mut told = Vec::new();
            for (kind, limit) in [
                (Kind::Blob, 2 << 20),
                (Kind::Commit, 999),
                (Kind::Blob, 240),
            ] {
                for (at, id) in ids.iter().enumerate() {
                    if !much && at % 20 == 0 {
                        reader = repository.reader().unwrap();
                    }
                    let read = reader.read(*id, kind, limit);
                    told.push(match read {
                        Ok(bytes) => format!("{} bytes, {:?}", bytes.len(), bytes.first()),
                        Err(why) => why.to_string(),
                    });
                }
            }
            told
        };
        assert_eq!(answers(true), answers(false), "{format}");
        for file in own {
            let bytes = std::fs::read(&file).unwrap();
            std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644))
                .unwrap();
            for at in (0..bytes.len()).step_by(bytes.len() / 12 + 1) {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x11;
                std::fs::write(&file, &damaged).unwrap();
                assert_eq!(answers(true), answers(false), "{at} of {file:?}");
            }
            std::fs::write(&file, &bytes).unwrap();
        }
        // deltas of git's own, of which some stand on others
        world.git(&dir, &["repack", "-adfq", "--depth=50"]);
        assert_eq!(answers(true), answers(false), "{format}, repacked");
        let whole = answers(true);
        assert!(
            whole[69].starts_with(&format!("{} bytes", text(69).len())),
            "{whole:?}"
        );
        assert!(whole.last().unwrap().contains("missing"), "{whole:?}");
    }
}

fn files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let listed = std::fs::read_dir(dir).unwrap();
    listed.map(|file| file.unwrap().path()).collect()
}
