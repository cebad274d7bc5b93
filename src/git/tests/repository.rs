//! Finding and opening repositories of every shape.

use super::*;

#[test]
fn finds_every_shape_in_both_formats() {
    let world = World::new();
    for (format, kind) in [
        ("sha1", gix::hash::Kind::Sha1),
        ("sha256", gix::hash::Kind::Sha256),
    ] {
        let plain = world.init(&format!("plain-{format}"), format);
        std::fs::create_dir(plain.join("sub")).unwrap();
        let found = world.open(&plain.join("sub"));
        assert_eq!(found.object_format(), kind);
        assert_eq!(found.git_dir(), plain.join(".git"));
        assert_eq!(found.work_tree(), Some(plain.as_path()));
        assert!(!found.is_bare());
        assert_eq!(found.head_ref().as_deref(), Some("refs/heads/main"));

        let linked = world.path(&format!("linked-{format}"));
        let path = linked.to_str().unwrap();
        world.git(&plain, &["worktree", "add", "-q", "-b", "side", path]);
        let found = world.open(&linked);
        assert_eq!(found.common_dir(), plain.join(".git"));
        assert_ne!(found.git_dir(), found.common_dir());
        assert_eq!(found.work_tree(), Some(linked.as_path()));
        assert_eq!(found.head_ref().as_deref(), Some("refs/heads/side"));
        let again = Repository::open(&world.environment, found.git_dir()).unwrap();
        assert_eq!(again.work_tree(), Some(linked.as_path()));

        let bare = world.init_bare(&format!("bare-{format}"), format);
        let found = world.open(&bare.join("refs/heads"));
        assert!(found.is_bare());
        assert_eq!(found.object_format(), kind);
        assert_eq!(found.work_tree(), None);
    }
}

#[test]
fn obeys_git_dir_as_in_a_hook() {
    let world = World::new();
    let bare = world.init_bare("bare", "sha1");
    let inside = Environment::new(
        &bare,
        [
            ("GIT_DIR".into(), ".".into()),
            ("HOME".into(), world.path("home").into_os_string()),
        ],
    );
    let found = Repository::discover(&inside, Path::new(".")).unwrap();
    assert_eq!(found.git_dir(), bare);
    assert!(found.is_bare());
}

#[test]
fn says_what_is_wrong() {
    let world = World::new();
    let none = Repository::discover(&world.environment, world.dir.path());
    assert!(matches!(none, Err(OpenError::NotFound(_))), "{none:?}");

    let plain = world.init("plain", "sha1");
    world.git(&plain, &["config", "core.repositoryFormatVersion", "1"]);
    world.git(&plain, &["config", "extensions.fromTheFuture", "yes"]);
    let unknown = Repository::discover(&world.environment, &plain);
    assert!(
        matches!(unknown, Err(OpenError::Unsupported { .. })),
        "{unknown:?}"
    );
}

#[test]
fn opens_what_belongs_to_others_only_if_told() {
    // Giving a file away takes root, which build machines usually are.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let world = World::new();
    let plain = world.init("it's plain", "sha1");
    std::os::unix::fs::chown(plain.join(".git"), Some(12345), None).unwrap();
    let refused = Repository::discover(&world.environment, &plain).unwrap_err();
    let OpenError::UntrustedOwner(place) = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(place, &plain);
    assert!(refused.to_string().contains("--add safe.directory '"));

    // git would open it for who came by sudo
    let sudo = world.environment.clone().with("SUDO_UID", "12345");
    let refused = Repository::discover(&sudo, &plain);
    assert!(matches!(refused, Err(OpenError::UntrustedOwner(_))));

    let path = plain.to_str().unwrap();
    world.git(
        Path::new("/"),
        &["config", "--global", "safe.directory", path],
    );
    Repository::discover(&world.environment, &plain).unwrap();
}

#[test]
fn tells_oddities() {
    let world = World::new();
    let plain = world.init("plain", "sha1");
    assert_eq!(world.open(&plain).oddities().unwrap(), Oddities::default());

    let first = world.git(&plain, &["rev-parse", "HEAD"]);
    world.git(&plain, &["commit", "-q", "--allow-empty", "-m", "second"]);
    world.git(&plain, &["replace", "HEAD", &first]);
    world.git(&plain, &["commit-graph", "write", "--reachable"]);
    let info = plain.join(".git/info");
    std::fs::create_dir_all(&info).unwrap();
    std::fs::write(info.join("grafts"), format!("{first}\n")).unwrap();
    std::fs::write(plain.join(".git/shallow"), format!("{first}\n")).unwrap();
    std::fs::write(plain.join(".git/objects/info/alternates"), "/elsewhere\n").unwrap();
    let odd = world.open(&plain).oddities().unwrap();
    assert_eq!(odd.replace_refs.len(), 1);
    assert_eq!(odd.shallow.len(), 1);
    assert_eq!(odd.alternates, [PathBuf::from("/elsewhere")]);
    assert!(odd.grafts && odd.commit_graph && !odd.reftable);
}
