//! Configuration: the scopes it comes from, and writing it.

use super::*;

#[test]
fn knows_whose_word_a_value_is() {
    let world = World::new();
    let plain = world.init("plain", "sha1");
    std::fs::write(
        world.path("home/.gitconfig"),
        "[a]\n\tb = global\n\tonly = me\n[include]\n\tpath = more\n",
    )
    .unwrap();
    std::fs::write(world.path("home/more"), "[c \"Sub\"] d = included\n").unwrap();
    world.git(&plain, &["config", "a.b", "local"]);
    let config = world.open(&plain).config().unwrap();
    assert_eq!(config.get("A.B", Scope::Any).as_deref(), Some("local"));
    assert_eq!(config.get("a.b", Scope::Trusted).as_deref(), Some("global"));
    assert_eq!(config.get_all("a.b", Scope::Any), ["global", "local"]);
    assert_eq!(
        config.get("C.Sub.D", Scope::Trusted).as_deref(),
        Some("included")
    );
    assert_eq!(config.get("c.sub.d", Scope::Any), None);
    assert_eq!(config.subsections("c", Scope::Any), ["Sub"]);

    let environment = world
        .environment
        .clone()
        .with("GIT_CONFIG_PARAMETERS", "'a.b'='it'\\''s' 'x.y' 'o.ld=v'")
        .with("GIT_CONFIG_COUNT", "1")
        .with("GIT_CONFIG_KEY_0", "e.f")
        .with("GIT_CONFIG_VALUE_0", "counted");
    let repository = Repository::discover(&environment, &plain).unwrap();
    let config = repository.config().unwrap();
    assert_eq!(config.get("a.b", Scope::Trusted).as_deref(), Some("it's"));
    assert_eq!(config.get_bool("x.y", Scope::Trusted), Some(true));
    assert_eq!(config.get("o.ld", Scope::Trusted).as_deref(), Some("v"));
    assert_eq!(
        config.get("e.f", Scope::Trusted).as_deref(),
        Some("counted")
    );

    let elsewhere = world
        .environment
        .clone()
        .with("GIT_CONFIG_GLOBAL", "/dev/null");
    let config = Repository::discover(&elsewhere, &plain)
        .unwrap()
        .config()
        .unwrap();
    assert_eq!(config.get("a.only", Scope::Any), None);
}

#[test]
fn reads_conditional_includes_as_git_does() {
    let world = World::new();
    let plain = world.init("plain", "sha1");
    std::fs::write(
        world.path("token"),
        "[http \"https://h/\"] extraheader = t\n",
    )
    .unwrap();
    std::fs::write(world.path("other"), "[x] y = wrong\n").unwrap();
    let key = format!("includeIf.gitdir:{}/.git.path", plain.display());
    world.git(
        &plain,
        &["config", &key, world.path("token").to_str().unwrap()],
    );
    world.git(
        &plain,
        &[
            "config",
            "includeIf.gitdir:/nowhere/.path",
            world.path("other").to_str().unwrap(),
        ],
    );
    world.git(
        &plain,
        &["config", "includeIf.onbranch:main.path", "../../branch"],
    );
    std::fs::write(world.path("branch"), "[x] branch = yes\n").unwrap();
    let config = world.open(&plain).config().unwrap();
    for key in ["http.https://h/.extraheader", "x.branch", "x.y"] {
        let git = world.git_output(&plain, &["config", key]);
        let git = String::from_utf8(git.stdout).unwrap().trim().to_owned();
        assert_eq!(
            config.get(key, Scope::Any).unwrap_or_default(),
            git,
            "{key}"
        );
    }
    assert_eq!(config.get("x.branch", Scope::Trusted), None);
}

#[test]
fn agrees_with_git_on_what_git_wrote() {
    let world = World::new();
    let plain = world.init("plain", "sha1");
    for (key, value) in [
        ("a.one", "x # y ; z"),
        ("a.two", " spaces around "),
        ("a.three", "tab\tline\nend\\"),
        ("A.Sub \"quoted\" \\ .Four", "\"q\""),
        ("a.five", ""),
        ("a.six", "-c"),
        ("a.seven", "--file=x"),
    ] {
        let repository = world.open(&plain);
        repository.set_config(key, value).unwrap();
        let config = repository.config().unwrap();
        assert_eq!(config.get(key, Scope::Any).as_deref(), Some(value));
        assert_eq!(config.get(key, Scope::Trusted), None);
        let git = world.git_output(&plain, &["config", "-z", "--get", key]);
        assert_eq!(git.stdout, format!("{value}\0").as_bytes());
    }
}

#[test]
fn adds_and_unsets_in_the_shared_file() {
    let world = World::new();
    let plain = world.init("plain", "sha1");
    let linked = world.path("linked");
    world.git(&plain, &["worktree", "add", "-q", linked.to_str().unwrap()]);
    let repository = world.open(&linked);
    repository.add_config("m.x", "1").unwrap();
    repository.add_config("m.x", "2").unwrap();
    assert_eq!(world.git(&plain, &["config", "--get-all", "m.x"]), "1\n2");
    repository.unset_config("m.x").unwrap();
    repository.unset_config("m.x").unwrap();
    assert_eq!(repository.config().unwrap().get("m.x", Scope::Any), None);
    for key in ["nodot", "--get.x", "a.b\nc.d", "a.1x", ".a", "a."] {
        let refused = repository.set_config(key, "v");
        assert!(matches!(refused, Err(ConfigError::Invalid(_))), "{key}");
    }
}

#[test]
fn traps_are_errors_not_hangs() {
    let world = World::new();
    let plain = world.init("plain", "sha1");
    let file = plain.join(".git/config");
    let sound = std::fs::read_to_string(&file).unwrap();
    let include = |path: &str| {
        std::fs::write(&file, format!("{sound}[include]\n\tpath = {path}\n")).unwrap();
        world.open(&plain).config()
    };
    let looping = include("config");
    assert!(
        matches!(looping, Err(ConfigError::Includes(_))),
        "{looping:?}"
    );
    for trap in ["/dev/zero", "/dev/tty"] {
        let trapped = include(trap);
        assert!(
            matches!(trapped, Err(ConfigError::Io { .. })),
            "{trapped:?}"
        );
    }
}
