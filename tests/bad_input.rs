//! What is wrong with the input or the machine is told in one way: what, whose fault, what next;
//! with the right exit status, and with nothing half-written.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};

use insta::assert_snapshot;

use crate::world::{Said, World, run};

/// A world with a ledger in `r`.
fn world() -> World {
    let world = World::new();
    world.repository("r");
    world
}

/// What was said, without where this world lies.
fn told(world: &World, said: &Said) -> String {
    let root = fs::canonicalize(world.path("")).expect("a directory");
    let text = said.to_string();
    text.replace(&root.display().to_string(), "/W")
        .replace(&world.path("").display().to_string(), "/W/")
        .replace("/W//", "/W/")
}

/// Runs a command that must fail, must say what next, and must leave the ledger as it was.
#[track_caller]
fn refused(world: &World, arguments: &[&str], input: &[u8], code: i32) -> String {
    let tip = || world.git("r", &["rev-parse", "refs/heads/ledger"]).ok();
    let before = tip();
    let said = world.ledger_with("r", arguments, input).code(code);
    assert_eq!(tip(), before, "{said}");
    told(world, &said)
}

#[test]
fn arguments() {
    let world = world();
    let said = refused(&world, &["append", "dev.x", "--wat"], b"", 129);
    assert_snapshot!(said, @r"
    ! error: unexpected argument '--wat' found
    ! 
    !   tip: a similar argument exists: '--data'
    ! 
    ! Usage: git ledger append --data <K=V> <TYPE>
    ! 
    ! For more information, try '--help'.
    [exit 129]
    ");
    let said = refused(
        &world,
        &["append", "dev.x", "--subject", "a", "--subject", "b"],
        b"",
        129,
    );
    assert_snapshot!(said, @r"
    ! error: the argument '--subject <S>' cannot be used multiple times
    ! 
    ! Usage: git ledger append [OPTIONS] [TYPE]
    ! 
    ! For more information, try '--help'.
    [exit 129]
    ");
    assert_snapshot!(refused(&world, &["verify", "--json", "--json"], b"", 129), @r"
    ! error: the argument '--json' cannot be used multiple times
    ! 
    ! Usage: git ledger verify [OPTIONS]
    ! 
    ! For more information, try '--help'.
    [exit 129]
    ");
    assert_snapshot!(refused(&world, &["append", "dev.x", "--data", "novalue"], b"", 129), @r"
    ! error: --data takes K=V, not 'novalue'
    ! hint: nothing was recorded; write --data name=value
    [exit 129]
    ");
    assert_snapshot!(refused(&world, &["append", "--batch", "-", "--events-per-entry", "0"], b"", 129), @r"
    ! error: invalid value '0' for '--events-per-entry <N>': number would be zero for non-zero type
    ! 
    ! For more information, try '--help'.
    [exit 129]
    ");
    assert_snapshot!(refused(&world, &["-C", "nowhere", "log"], b"", 129), @r"
    ! error: there is no directory '/W/r/nowhere'
    ! hint: -C takes a directory that exists
    [exit 129]
    ");
    assert_snapshot!(refused(&world, &["append", "dev.x", "--push", "nowhere"], b"", 129), @r"
    ! error: there is no remote 'nowhere'
    ! hint: git ledger mirror add nowhere URL
    [exit 129]
    ");
}

/// What each of these verbs says; they should say one thing.
fn all_say(world: &World, dir: &str, verbs: &[&[&str]]) -> String {
    let said = verbs
        .iter()
        .map(|verb| told(world, &world.ledger(dir, verb).code(128)));
    let distinct: BTreeSet<String> = said.collect();
    distinct.into_iter().collect()
}

#[test]
fn no_repository() {
    let verbs: &[&[&str]] = &[
        &["append", "dev.x"],
        &["verify"],
        &["log"],
        &["policy", "show"],
        &["init"],
    ];
    assert_snapshot!(all_say(&World::new(), "home", verbs), @r"
    ! error: '/W/home' is not in a git repository
    ! hint: run it inside a repository, or name one with -C
    [exit 128]
    ");
}

#[test]
fn no_ledger() {
    let world = World::new();
    world.git("", &["init", "--quiet", "r"]).ok();
    let verbs: &[&[&str]] = &[
        &["append", "dev.x"],
        &["verify"],
        &["log"],
        &["show"],
        &["policy", "show"],
    ];
    assert_snapshot!(all_say(&world, "r", verbs), @r"
    ! error: there is no ledger at 'refs/heads/ledger'
    ! hint: 'git ledger init' makes one; 'git ledger clone URL' brings one here
    [exit 128]
    ");
}

#[test]
fn a_second_init_is_refused() {
    let world = world();
    let said = refused(&world, &["init"], b"", 1);
    let commit = world.git("r", &["rev-parse", "refs/heads/ledger"]).ok();
    assert_snapshot!(said.replace(commit.trim(), "<commit>"), @r"
    ! error: the branch 'refs/heads/ledger' exists already, at <commit>
    ! hint: 'git ledger log' shows it if it is a ledger; --branch takes another name for a second one
    [exit 1]
    ");
}

#[test]
fn keys() {
    let world = world();
    let settings = fs::read_to_string(world.path("home/.gitconfig")).expect("settings");
    let without = settings.lines().filter(|line| !line.contains("signingKey"));
    fs::write(
        world.path("home/.gitconfig"),
        without
            .map(|line| line.to_owned() + "\n")
            .collect::<String>(),
    )
    .expect("settings");
    assert_snapshot!(refused(&world, &["append", "dev.x", "--on-failure=fail"], b"", 128), @r"
    ! error: no signing key is configured
    ! hint: set user.signingKey to the path of a key (git config user.signingKey ~/.ssh/id_ed25519.pub), or let 'git ledger init' make one
    [exit 128]
    ");
    world.git("", &["init", "--quiet", "new"]).ok();
    assert_snapshot!(told(&world, &world.ledger("new", &["init"]).code(128)), @r"
    ! error: no signing key is configured
    ! hint: set user.signingKey to the path of a key (git config user.signingKey ~/.ssh/id_ed25519.pub), or let 'git ledger init' make one
    ! hint: --new-key makes one, for this repository only
    [exit 128]
    ");
    assert_snapshot!(refused(&world, &["append", "dev.x", "--on-failure=fail", "--key", "/nowhere/key"], b"", 128), @r"
    ! error: cannot use key file '/nowhere/key': no such file
    ! hint: user.signingKey names a key file, or a public key after 'key::'
    [exit 128]
    ");

    let mut make = world.command("", "ssh-keygen");
    make.args([
        "-q", "-t", "ed25519", "-N", "secret", "-C", "", "-f", "locked",
    ]);
    run(make, b"").ok();
    let locked = world.path("locked").display().to_string();
    assert_snapshot!(refused(&world, &["append", "dev.x", "--on-failure=fail", "--key", &locked], b"", 128), @r"
    ! error: key file '/W/locked' is encrypted, and no agent holds the key
    ! hint: ssh-add '/W/locked' lends it to ssh-agent; or sign from a terminal
    [exit 128]
    ");

    let eve = world.key("eve").display().to_string();
    assert_snapshot!(refused(&world, &["append", "dev.x", "--key", &eve], b"", 1), @r"
    ! error: the ledger does not allow this entry: signerUnknown: SHA256:wk2oLe+GAqXXlaLDfhqR384TBKl4N7xq/gZH1+QrPzg has no row in the policy
    ! hint: an admin lets a key in: git ledger policy add-signer PRINCIPAL KEY --role writer
    ! hint: or sign with another key: git config user.signingKey PATH
    [exit 1]
    ");
    assert_snapshot!(refused(&world, &["policy", "retire", "ann@acme.org", "--yes", "--key", &eve], b"", 1), @r"
    ! error: the policy breaks a rule: policyLockout: 0 unretired admin principals, threshold 1
    ! hint: nobody could ever change the policy again; let another admin in first, or lower the threshold in the same change
    ! hint: nothing was changed
    [exit 1]
    ");
}

#[test]
fn events_that_are_none() {
    let world = world();
    let batch = |text: &str| refused(&world, &["append", "--batch", "-"], text.as_bytes(), 129);
    assert_snapshot!(batch("not json\n"), @r"
    ! error: line 1: it is no JSON that a ledger takes: expected ident at column 2
    ! hint: nothing was recorded
    [exit 129]
    ");
    assert_snapshot!(batch("{\"type\":\"dev.x\"}\n[1]\n"), @r"
    ! error: line 2: an event is a JSON object
    ! hint: nothing was recorded
    [exit 129]
    ");
    assert_snapshot!(batch("{\"type\":\"dev.x\",\"data\":1.5}\n"), @r"
    ! error: line 1: it is no JSON that a ledger takes: a number is not an integer within ±(2^53−1); write it as a string at column 26
    ! hint: nothing was recorded
    [exit 129]
    ");
    assert_snapshot!(batch("{\"type\":\"dev.x\",\"id\":\"a\",\"id\":\"b\"}\n"), @r#"
    ! error: line 1: it is no JSON that a ledger takes: the name "id" stands twice in one object at column 34
    ! hint: nothing was recorded
    [exit 129]
    "#);
    assert_snapshot!(batch(""), @r"
    ! error: the batch holds no event
    ! hint: give one JSON object a line, in a file or with - on standard input
    [exit 129]
    ");
    let said = refused(
        &world,
        &["append", "dev.x", "--data-json", "-"],
        b"not json",
        129,
    );
    assert_snapshot!(said, @r"
    ! error: the data in '-' is no JSON that a ledger takes: expected ident at line 1 column 2
    ! hint: nothing was recorded
    [exit 129]
    ");
    let said = refused(
        &world,
        &["append", "dev.x", "--data-json", "/nowhere/data"],
        b"",
        128,
    );
    assert_snapshot!(said, @r"
    ! error: cannot read '/nowhere/data': No such file or directory (os error 2)
    ! hint: nothing was recorded
    [exit 128]
    ");
    assert_snapshot!(refused(&world, &["append", ""], b"", 129), @r"
    ! error: not an event: type is not a non-empty string
    ! hint: nothing was recorded
    [exit 129]
    ");
    assert_snapshot!(refused(&world, &["append", "a b\u{1b}[2J"], b"", 129), @r"
    ! error: the type 'a b<U+001B>[2J' has other characters than printable ASCII
    ! hint: nothing was recorded
    [exit 129]
    ");
    assert_snapshot!(refused(&world, &["append", "dev.x", "--source", "a b"], b"", 129), @r"
    ! error: the source 'a b' is no URI
    ! hint: nothing was recorded
    [exit 129]
    ");
    assert_snapshot!(refused(&world, &["append", "dev.x", "--time", "tomorrow"], b"", 129), @r"
    ! error: the time 'tomorrow' is not RFC 3339, as 2026-01-31T12:00:00Z
    ! hint: nothing was recorded
    [exit 129]
    ");
    assert_snapshot!(refused(&world, &["append", "dev.git-ledger.policy.changed"], b"", 1), @r#"
    ! error: the ledger does not allow this entry: policyEvent: found ["dev.git-ledger.policy.changed"], expected neither alone
    ! hint: such events are written by 'git ledger init' and 'git ledger policy' alone
    [exit 1]
    "#);
}

#[test]
fn too_large() {
    let world = world();
    let subject = "x".repeat(20_000);
    assert_snapshot!(refused(&world, &["append", "dev.x", "--subject", &subject], b"", 129), @r"
    ! error: the event is too large: 20137 bytes without its data; at most 16384 fit
    ! hint: nothing was recorded
    [exit 129]
    ");
    let data = format!("\"{}\"", "x".repeat(64 << 20));
    let said = refused(
        &world,
        &["append", "dev.x", "--data-json", "-"],
        data.as_bytes(),
        129,
    );
    assert_snapshot!(said, @r"
    ! error: the data is larger than 67108864 bytes; record its digest instead
    ! hint: nothing was recorded
    [exit 129]
    ");
}

#[test]
fn an_id_names_one_event() {
    let world = world();
    let event = ["append", "dev.x", "--id", "1", "--source", "/s", "--data"];
    world.ledger("r", &[&event[..], &["a=1"]].concat()).ok();
    let again = world.ledger("r", &[&event[..], &["a=1"]].concat()).ok();
    assert!(
        again.starts_with("already recorded 1 dev.x /s\n"),
        "{again}"
    );
    assert_snapshot!(refused(&world, &[&event[..], &["a=2"]].concat(), b"", 1), @r"
    ! error: entry 1 already records another event with source '/s' and id '1'
    ! hint: an id names one event for ever; give this one another --id
    [exit 1]
    ");
}

#[test]
fn the_future() {
    let world = world();
    let said = refused(
        &world,
        &["append", "dev.x", "--time", "2990-01-01T00:00:00Z"],
        b"",
        129,
    );
    assert_snapshot!(said, @r"
    ! error: the time '2990-01-01T00:00:00Z' is in the future; the clock here says 2026-01-31T12:00:05Z
    ! hint: record an event when it has happened; if it has, mend the clock
    [exit 129]
    ");
    let mut command = world.command("r", "git-ledger");
    command
        .args(["append", "dev.x", "--source", "/s"])
        .env("GIT_COMMITTER_DATE", "soon");
    assert_snapshot!(told(&world, &run(command, b"").code(129)), @r"
    ! error: GIT_COMMITTER_DATE is no date that is understood here: 'soon'
    ! hint: write it as @SECONDS or as 2026-01-31T12:00:00Z
    [exit 129]
    ");
    // a writer whose clock was wrong drags the dates along; the next one is told
    let mut command = world.command("r", "git-ledger");
    command
        .args(["append", "dev.x", "--source", "/s"])
        .env("GIT_COMMITTER_DATE", "@1990000000 +0000");
    run(command, b"").ok();
    let said = world
        .ledger("r", &["append", "dev.x", "--source", "/s"])
        .code(0);
    assert_snapshot!(said.err, @r"
    warning: the entry is dated 2033-01-22T09:46:40Z, as the one before it; the clock here says 2026-01-31T12:00:09Z
    hint: dates never go back in a ledger: find out which machine's clock is wrong
    ");
    world.ledger("r", &["verify", "--quiet"]).ok();
}

#[test]
fn a_stale_lock_is_explained() {
    let world = world();
    let lock = world.path("r/.git/refs/heads/ledger.lock");
    fs::write(&lock, "").expect("a lock");
    let said = refused(&world, &["append", "dev.x", "--on-failure=fail"], b"", 128);
    let digits = |c: char| c.is_ascii_digit();
    let (before, after) = said.split_once(" for ").expect("an age");
    let after = after.trim_start_matches(digits);
    assert_snapshot!(format!("{before} for N{after}"), @r"
    ! error: '/W/r/.git/refs/heads/ledger.lock' has been there for N s
    ! hint: another git may be at work; if none is, remove that file
    [exit 128]
    ");
    fs::remove_file(&lock).expect("a lock");
    world.ledger("r", &["append", "dev.x"]).ok();
}

/// A command as somebody who is not root; root may write everywhere.
fn as_nobody(world: &World, dir: &str, arguments: &[&str]) -> Command {
    let binary = world.path("git-ledger");
    fs::copy(env!("CARGO_BIN_EXE_git-ledger"), &binary).expect("a binary");
    let root = fs::metadata(world.path("")).expect("a directory").uid() == 0;
    let key = world.path("keys/ann");
    if !root {
        let mut command = world.command(dir, binary);
        command.args(arguments);
        return command;
    }
    for open in ["", "home", "keys"] {
        fs::set_permissions(world.path(open), fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    std::os::unix::fs::chown(&key, Some(65534), Some(65534)).expect("an owner");
    let mut command = world.command(dir, "setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(binary)
        .args(arguments);
    command
}

fn take_away_writing(dir: &Path) {
    let mode = fs::metadata(dir).expect("a directory").permissions().mode();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            take_away_writing(&path);
        }
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(mode & !0o222)).expect("a mode");
}

fn give_back_writing(dir: &Path) {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).expect("a mode");
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            give_back_writing(&path);
        }
    }
}

#[test]
fn an_unwritable_repository() {
    let world = world();
    world
        .git("", &["config", "--global", "safe.directory", "*"])
        .ok();
    world.git("", &["init", "--quiet", "new"]).ok();
    for dir in ["r/.git", "new/.git"] {
        take_away_writing(&world.path(dir));
    }
    let said = run(as_nobody(&world, "r", &["append", "dev.x"]), b"").code(128);
    assert_snapshot!(told(&world, &said), @r"
    ! error: the event could be neither recorded (cannot lock '/W/r/.git/git-ledger/lock': Permission denied (os error 13)) nor spooled: Permission denied (os error 13)
    ! hint: this user may not do that there; ask whoever owns it
    ! hint: run the command again when one of both is mended
    [exit 128]
    ");
    let said = run(as_nobody(&world, "new", &["init"]), b"").code(128);
    let said = told(&world, &said);
    let lines: Vec<&str> = said
        .lines()
        .map(|line| line.split("/objects/").next().unwrap_or(line))
        .collect();
    assert_snapshot!(lines.join("\n"), @r"
    ! error: cannot write to '/W/new/.git
    ! hint: this user may not do that there; ask whoever owns it
    [exit 128]
    ");
    // who may read may look
    let said = run(
        as_nobody(&world, "r", &["log", "--format", "%(number)"]),
        b"",
    )
    .ok();
    assert_eq!(said, "0\n");
    for dir in ["r/.git", "new/.git"] {
        give_back_writing(&world.path(dir));
    }
}

#[test]
fn somebody_elses_repository() {
    let world = world();
    let foreign = fs::metadata(world.path("")).expect("a directory").uid() == 0;
    if foreign {
        let said = run(as_nobody(&world, "r", &["append", "dev.x"]), b"").code(128);
        assert_snapshot!(told(&world, &said), @r"
        ! error: the repository '/W/r' belongs to somebody else
        ! hint: if you trust it, run: git config --global --add safe.directory /W/r
        [exit 128]
        ");
    }
}

#[test]
fn a_full_disk() {
    let world = world();
    // no file may grow: what a full disk does, without one
    let mut command = world.command("r", "sh");
    command.args([
        "-c",
        "trap '' XFSZ; ulimit -f 0; exec git-ledger append dev.x --source /s --on-failure=fail",
    ]);
    let said = run(command, b"").code(128);
    let text = told(&world, &said);
    let (before, rest) = text.split_once("objects/").expect("an object");
    let (_id, after) = rest.split_once('\'').expect("an end");
    assert_snapshot!(format!("{before}objects/ID'{after}"), @r"
    ! error: cannot write to '/W/r/.git/objects/ID': File too large (os error 27)
    ! hint: there is no room for it; make some and run the command again
    [exit 128]
    ");
    world
        .ledger("r", &["append", "dev.x", "--source", "/s"])
        .ok();
    assert!(
        world
            .ledger("r", &["verify"])
            .ok()
            .contains("sound: refs/heads/ledger, 2 entries")
    );
    world.git("r", &["fsck", "--strict"]).ok();
}

#[test]
fn an_answer_that_cannot_be_given() {
    let world = world();
    let mut command = world.command("r", "git-ledger");
    command.args(["append", "dev.x", "--source", "/s"]);
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("a device");
    let output = command
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .expect("an end");
    assert_eq!(output.status.code(), Some(128));
    assert_snapshot!(String::from_utf8_lossy(&output.stderr), @r"
    error: cannot write to standard output: No space left on device (os error 28)
    hint: the event is recorded all the same; 'git ledger log' shows it
    ");
    assert!(
        world
            .ledger("r", &["verify"])
            .ok()
            .contains("sound: refs/heads/ledger, 2 entries")
    );
}

#[test]
fn a_broken_standard_input() {
    let world = world();
    let mut command = world.command("r", "git-ledger");
    command
        .args(["append", "--batch", "-"])
        .stderr(Stdio::piped());
    command.stdin(File::open(world.path("")).expect("a directory"));
    let output = command.output().expect("an end");
    assert_eq!(output.status.code(), Some(128));
    assert_snapshot!(String::from_utf8_lossy(&output.stderr), @r"
    error: cannot read standard input: Is a directory (os error 21)
    hint: nothing was recorded
    ");
    // half a line is no event, and what stood before it is not recorded either
    let said = refused(
        &world,
        &["append", "--batch", "-"],
        b"{\"type\":\"dev.x\"}\n{\"type\":",
        129,
    );
    assert_snapshot!(said, @r"
    ! error: line 2: it is no JSON that a ledger takes: EOF while parsing a value at column 8
    ! hint: nothing was recorded
    [exit 129]
    ");
}
