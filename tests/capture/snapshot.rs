//! Snapshots: what changed since the last one, and nothing where nothing did.

use std::fs;

use super::*;

fn write(world: &World, name: &str, text: &str) {
    let path = world.path("r").join(name);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

fn snapshot(world: &World, variables: &[(&str, &str)], options: &[&str]) -> Said {
    let mut command = binary(world, &[&["snapshot"], options].concat());
    command.envs(variables.iter().copied());
    finish(command, b"")
}

fn count(world: &World) -> usize {
    ledger(world, &["log", "--format", "%(number)"])
        .ok()
        .lines()
        .count()
        - 1
}

#[test]
fn what_changed_is_told_once() {
    let world = world();
    write(&world, "conf/a.toml", "port = 80\n");
    write(&world, "conf/b.bin", "\0\u{1}");
    let options = [
        "--config",
        "conf",
        "--env",
        "DEPLOY_*",
        "--diff",
        "**/*.toml",
        "--value",
        "REGION",
    ];
    let take = |variables: &[(&str, &str)]| snapshot(&world, variables, &options);
    let first = take(&[("DEPLOY_ENV", "stage"), ("REGION", "eu-1"), ("OTHER", "x")]).ok();
    assert!(
        first.starts_with("the first snapshot: 2 files, 2 variables\nrecorded 1 "),
        "{first}"
    );
    let again = take(&[("DEPLOY_ENV", "stage"), ("REGION", "eu-1"), ("OTHER", "y")]).ok();
    assert_eq!(again, "nothing changed, and nothing is recorded\n");
    assert_eq!(count(&world), 1);

    write(&world, "conf/a.toml", "port = 443\n");
    write(&world, "conf/c/new", "x");
    fs::remove_file(world.path("r/conf/b.bin")).expect("a file");
    let told = take(&[
        ("DEPLOY_ENV", "prod"),
        ("REGION", "eu-2"),
        ("DEPLOY_TAG", "7"),
    ])
    .ok();
    assert!(
        told.contains("changed conf/a.toml\ndeleted conf/b.bin\ncreated conf/c/new\n"),
        "{told}"
    );
    assert!(
        told.contains("changed DEPLOY_ENV\ncreated DEPLOY_TAG\nchanged REGION\n"),
        "{told}"
    );
    // one entry holds all of it
    assert_eq!(count(&world), 2);
    let files = events(&world, "dev.git-ledger.config.changed");
    assert_eq!(text(&files[0], "subject"), "conf/a.toml");
    assert_eq!(
        text(&files[0], "data/diff"),
        "@@ -1 +1 @@\n-port = 80\n+port = 443\n"
    );
    assert_eq!(text(&files[1], "data/change"), "deleted");
    assert_eq!(get(&files[2], "data/new/size").as_integer(), Some(1));
    let variables = events(&world, "dev.git-ledger.env.changed");
    assert_eq!(text(&variables[0], "subject"), "DEPLOY_ENV");
    assert_eq!(text(&variables[2], "data/old/value"), "eu-1");
    assert_eq!(text(&variables[2], "data/new/value"), "eu-2");
    assert_eq!(
        get(&variables[0], "data/new"),
        &Value::from(
            git_ledger::json::Object::new().with("mac", text(&variables[0], "data/new/mac"))
        )
    );

    // the MAC is what the specification says, made by somebody else
    let key = fs::read_to_string(world.path("r/.git/git-ledger/digest-key")).expect("a key");
    let script = "import hmac,struct,sys\nk=bytes.fromhex(sys.argv[1])\nb=b'git-ledger variable 1\\0'\n\
        for p in sys.argv[2:]:\n b+=struct.pack('>Q',len(p))+p.encode()\n\
        print('hmac-sha256:'+hmac.new(k,b,'sha256').hexdigest())";
    let mut python = world.command("", "python3");
    python.args(["-c", script, key.trim(), "DEPLOY_ENV", "prod"]);
    assert_eq!(
        finish(python, b"").ok().trim(),
        text(&variables[0], "data/new/mac")
    );

    // which variable changed when
    let log = ledger(
        &world,
        &["log", "--type", "dev.git-ledger.env.changed", "--no-pager"],
    )
    .ok();
    assert!(
        log.contains("dev.git-ledger.env.changed DEPLOY_ENV\n        changed: hmac-sha256:"),
        "{log}"
    );
    assert!(
        log.contains("dev.git-ledger.env.changed REGION\n        changed: \"eu-1\" -> \"eu-2\""),
        "{log}"
    );
    let format = [
        "log",
        "--type",
        "dev.git-ledger.env.changed",
        "--format",
        "%(recorded) %(subject)",
    ];
    let lines = ledger(&world, &format).ok();
    assert_eq!(lines.lines().count(), 3, "{lines}");
    crate::recorded::assert_both_agree(&world, "r");
}

#[test]
fn scopes_are_apart_and_always_is_always() {
    let world = world();
    write(&world, "conf", "1");
    let take = |options: &[&str]| {
        snapshot(
            &world,
            &[],
            &[&["--config", "conf", "--json"], options].concat(),
        )
        .ok()
    };
    assert!(take(&["--scope", "a"]).contains("\"status\":\"recorded\""));
    assert!(take(&["--scope", "b"]).contains("\"status\":\"recorded\""));
    let unchanged = take(&["--scope", "a"]);
    assert!(
        unchanged.starts_with("{\"scope\":\"a\",\"snapshot\":\"snapshot/"),
        "{unchanged}"
    );
    assert!(
        unchanged.contains("\"status\":\"unchanged\""),
        "{unchanged}"
    );
    assert!(take(&["--scope", "a", "--always"]).contains("\"status\":\"recorded\""));
    assert!(take(&["--scope", "a", "--always"]).contains("\"status\":\"recorded\""));
    assert_eq!(count(&world), 4);
    write(&world, "conf", "2");
    assert!(take(&["--scope", "b", "--dry-run"]).contains("\"status\":\"dry-run\""));
    assert_eq!(count(&world), 4);
    let previous: Vec<Value> = events(&world, "dev.git-ledger.snapshot");
    assert_eq!(
        text(&previous[2], "data/previous"),
        text(&previous[0], "id")
    );
    assert_eq!(
        text(&previous[3], "data/previous"),
        text(&previous[2], "id")
    );
}

#[test]
fn a_clone_at_depth_one_compares_with_what_the_primary_holds() {
    let world = world();
    write(&world, "conf", "1");
    snapshot(&world, &[], &["--config", "conf"]).ok();
    for _ in 0..3 {
        ledger(&world, &["append", "dev.acme.built"]).ok();
    }
    world
        .git("", &["clone", "--quiet", "--bare", "r", "one.git"])
        .ok();
    let url = format!("file://{}", world.path("one.git").display());
    let clone = ["clone", "--quiet", "--depth=1", "--branch=main", &url, "ci"];
    world.git("", &clone).ok();
    let take = || {
        let mut command = crate::recorded::binary(
            &world,
            "ci",
            &["snapshot", "--config", "conf", "--push", "origin"],
        );
        command.env("GIT_LEDGER_DIGEST_KEY", "a".repeat(64));
        finish(command, b"")
    };
    fs::write(world.path("ci/conf"), "1").expect("a file");
    assert_eq!(take().ok(), "nothing changed, and nothing is recorded\n");
    fs::write(world.path("ci/conf"), "2").expect("a file");
    let told = take().ok();
    assert!(told.starts_with("changed conf\nrecorded 5 "), "{told}");
    assert_eq!(take().ok(), "nothing changed, and nothing is recorded\n");
}

#[test]
fn a_key_that_is_another_is_told_and_not_taken_for_changes() {
    let world = world();
    let options = ["--env", "A*", "--scope", "s"];
    let keyed = |key: &str, value: &str, more: &[&str]| {
        let key = key.repeat(64);
        let variables = [("GIT_LEDGER_DIGEST_KEY", key.as_str()), ("A1", value)];
        snapshot(&world, &variables, &[&options[..], more].concat())
    };
    keyed("a", "1", &[]).ok();
    let said = keyed("b", "1", &[]).code(128);
    assert!(
        said.err.contains("nobody could tell which values changed"),
        "{said}"
    );
    // without any key here none is made in its place
    let said = snapshot(&world, &[("A1", "1")], &options).code(128);
    assert!(said.err.contains("there is no key in"), "{said}");
    assert!(!world.path("r/.git/git-ledger/digest-key").exists());
    let bad = keyed("x", "1", &[]).code(129);
    assert!(!bad.err.contains(&"x".repeat(64)), "{bad}");
    // it begins anew, and says so in the record
    let new = [&options[..], &["--new-digest-key"]].concat();
    let said = snapshot(&world, &[("A1", "2")], &new).ok();
    assert!(
        said.contains("with another key: which of them changed cannot be told"),
        "{said}"
    );
    let last = &events(&world, "dev.git-ledger.snapshot")[1];
    assert_eq!(get(last, "data/otherKey"), &Value::Bool(true));
    assert_eq!(events(&world, "dev.git-ledger.env.changed").len(), 0);
    let said = snapshot(&world, &[("A1", "3")], &options).ok();
    assert!(said.contains("changed A1"), "{said}");
    // a second new one keeps the first
    let said = snapshot(&world, &[("A1", "3")], &new);
    assert!(said.err.contains("the old key is kept in"), "{said}");
    // a key that others can read is none
    use std::os::unix::fs::PermissionsExt as _;
    let file = world.path("r/.git/git-ledger/digest-key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("a mode");
    let said = snapshot(&world, &[("A1", "3")], &options).code(128);
    assert!(
        said.err.contains("can be read or written by others"),
        "{said}"
    );
    // one that is configured and not there
    world
        .git("r", &["config", "ledger.ledger.digestKey", "/nowhere/key"])
        .ok();
    let name = said_key(&world);
    snapshot(&world, &[("A1", "3")], &options).code(128);
    assert!(!name.is_empty());
}

fn said_key(world: &World) -> String {
    world
        .git("r", &["config", "--get-regexp", "ledger.*digestkey"])
        .ok()
}

#[test]
fn bad_arguments_record_nothing() {
    let world = world();
    write(&world, "conf", "1");
    for (options, told) in [
        (&[][..], "nothing is named that could be looked at"),
        (&["--config", "none"], "there is no 'none'"),
        (&["--config", ""], "a value is required"),
        (&["--env", "["], "is no pattern of names"),
        (
            &["--config", "conf", "--diff", "["],
            "is no pattern of names",
        ),
        (
            &["--config", "conf", "--scope", ""],
            "is no name for a scope",
        ),
        (
            &["--config", "conf", "--scope", "a b"],
            "is no name for a scope",
        ),
        (&["--value", "API_TOKEN"], "the name is that of a secret"),
        (&["--value", "A*"], "is not the name of a variable"),
    ] {
        let said = snapshot(&world, &[("API_TOKEN", "hunter2")], options).code(129);
        assert!(said.err.contains(told), "{said}");
    }
    let said = snapshot(&world, &[("DB", "pg://u:hunter2@h")], &["--value", "DB"]).code(129);
    assert!(said.err.contains("it looks like a secret"), "{said}");
    assert!(!said.err.contains("hunter2"), "{said}");
    assert_eq!(count(&world), 0);
}

#[test]
fn a_snapshot_that_somebody_else_made_up_is_not_compared_with() {
    let world = world();
    write(&world, "conf", "1");
    snapshot(&world, &[], &["--config", "conf"]).ok();
    // not as specified: passed over, and told
    ledger(
        &world,
        &[
            "append",
            "dev.git-ledger.snapshot",
            "--subject",
            "default",
            "--data",
            "scope=default",
        ],
    )
    .ok();
    let told = snapshot(&world, &[], &["--config", "conf"]).code(0);
    assert_eq!(told.out, "nothing changed, and nothing is recorded\n");
    assert!(
        told.err
            .contains("entry 2 holds a snapshot that cannot be read"),
        "{told}"
    );

    // as specified, and signed by nobody who may: planted into the branch
    let eve = world.key("eve");
    world.git("", &["clone", "--quiet", "r", "eve"]).ok();
    let raw = world
        .git("r", &["cat-file", "commit", "refs/heads/ledger~1"])
        .ok();
    let parent = world.git("r", &["rev-parse", "refs/heads/ledger~1"]).ok();
    let message = raw.split_once("\n\n").expect("a message").1.to_owned();
    let message = message
        .replace("Ledger-Seq: 1", "Ledger-Seq: 2")
        .replacen("1 dev.", "2 dev.", 1);
    let tree = world
        .git("r", &["rev-parse", "refs/heads/ledger^{tree}"])
        .ok();
    let mut command = world.command("r", "git");
    let signing = format!("user.signingKey={}", eve.display());
    command.args([
        "-c",
        "gpg.format=ssh",
        "-c",
        &signing,
        "commit-tree",
        "-S",
        tree.trim(),
        "-p",
        parent.trim(),
    ]);
    command
        .env("GIT_AUTHOR_NAME", "ann@acme.org")
        .env("GIT_AUTHOR_EMAIL", "ann@acme.org")
        .env("GIT_COMMITTER_NAME", "ann@acme.org")
        .env("GIT_COMMITTER_EMAIL", "ann@acme.org");
    let planted = finish(command, message.as_bytes()).ok();
    world
        .git("r", &["update-ref", "refs/heads/ledger", planted.trim()])
        .ok();
    let said = snapshot(&world, &[], &["--config", "conf"]).code(1);
    assert!(
        said.err.contains("breach") || said.err.contains("signerUnknown"),
        "{said}"
    );
}
