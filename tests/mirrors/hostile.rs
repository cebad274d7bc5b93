//! Remotes that hang, shout, send too much or two things at once; and a repository whose own
//! settings are a trap.

use std::time::{Duration, Instant};

use super::*;

/// `git ledger` with a program in the place of ssh.
fn by_ssh(world: &World, program: &PathBuf, arguments: &[&str]) -> Said {
    let mut command = world.command("r", "git");
    command
        .env("GIT_SSH_COMMAND", program)
        .arg("ledger")
        .args(arguments);
    run(command, b"")
}

fn add(world: &World, name: &str, url: &str) {
    world.ledger("r", &["mirror", "add", name, url]).ok();
}

#[test]
fn a_hanging_remote_holds_nobody_up() {
    let world = world();
    add(&world, "slow", "ssh://slow/x.git");
    // before the advertisement, and for ever after a part of it
    for text in ["sleep 60", "printf '0040abcd'; sleep 60 & wait"] {
        let program = script(&world, "ssh", text);
        let begun = Instant::now();
        let said = by_ssh(&world, &program, &["mirror", "status", "--timeout", "1"]).code(2);
        assert!(begun.elapsed() < Duration::from_secs(8), "{text}");
        assert!(said.out.contains("no answer within 1 s"), "{said}");
        assert!(said.out.contains("level   one"), "{said}");
    }
}

#[test]
fn what_a_remote_says_is_escaped() {
    let world = world();
    add(&world, "loud", "ssh://loud/x.git");
    let program = script(
        &world,
        "ssh",
        "printf '\\033]0;x\\007\\rall is well\\n' >&2; exit 1",
    );
    let said = by_ssh(&world, &program, &["mirror", "status"]).code(2);
    assert!(!said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'));
    assert!(
        !said.out.contains('\r') && said.out.contains("<U+001B>"),
        "{said}"
    );
    let said = by_ssh(&world, &program, &["mirror", "push", "loud"]).code(2);
    assert!(!said.out.contains('\u{1b}'), "{said}");
    // and in the sideband of a push that is taken
    let hook = "printf '\\033[2Jgone\\007\\n' >&2; exit 1";
    let hook = script(&world, "hook", hook);
    fs::create_dir_all(world.path("one.git/hooks")).expect("hooks");
    fs::copy(hook, world.path("one.git/hooks/pre-receive")).expect("a hook");
    append(&world, "r", "d");
    let said = world.ledger("r", &["mirror", "push", "one"]).code(1);
    assert!(said.out.starts_with("refused     one"), "{said}");
    assert!(
        !said.out.contains('\u{1b}') && said.out.contains("<U+001B>[2Jgone"),
        "{said}"
    );
}

#[test]
fn a_reference_listed_twice_is_no_answer() {
    let world = world();
    add(&world, "double", "ssh://double/x.git");
    let (one, two) = (
        tip(&world, "r"),
        world.git("r", &["rev-parse", "ledger~1"]).ok(),
    );
    let packet = |text: String| format!("{:04x}{text}", text.len() + 4);
    let lines = packet(format!("{one} {LEDGER}\0agent=x\n"))
        + &packet(format!("{} {LEDGER}\n", two.trim()))
        + "0000";
    fs::write(world.path("lines"), lines).expect("lines");
    let text = format!("cat '{}'; cat >/dev/null", world.path("lines").display());
    let program = script(&world, "ssh", &text);
    let said = by_ssh(&world, &program, &["mirror", "status", "double"]).code(2);
    assert!(said.out.contains("more than once"), "{said}");
}

#[test]
fn a_bomb_stays_outside() {
    let world = world();
    copy(&world, "evil", 0);
    let mut noise = Vec::new();
    for n in 0u32..100_000 {
        noise.extend(git_ledger::merkle::sha256(&n.to_be_bytes()));
    }
    let mut command = world.command("evil", "git");
    command.args(["hash-object", "-w", "--stdin"]);
    let blob = run(command, &noise).ok();
    let mut command = world.command("evil", "git");
    command.arg("mktree");
    let listing = format!("100644 blob {}\tbomb\n", blob.trim());
    let tree = run(command, listing.as_bytes()).ok();
    let made = world.git(
        "evil",
        &["commit-tree", "-p", LEDGER, "-m", "boom", tree.trim()],
    );
    let bomb = made.ok();
    world.git("evil", &["update-ref", LEDGER, bomb.trim()]).ok();
    force(&world, "evil", "one");
    world
        .git("r", &["config", "ledger.acme/payments.maxFetch", "100000"])
        .ok();
    let said = status(&world, "r").code(2);
    assert!(said.out.contains("it sent more than allowed"), "{said}");
    let sizes = world.git("r", &["cat-file", "-e", blob.trim()]);
    assert_ne!(sizes.code, 0, "the bomb is in the repository");
    let kept = run(
        {
            let mut command = world.command("r/.git", "du");
            command.args(["-sk", "git-ledger"]);
            command
        },
        b"",
    );
    let kept = kept.ok();
    let kilobytes = kept.split_whitespace().next().map(str::parse::<u64>);
    assert!(matches!(kilobytes, Some(Ok(0..=1000))), "{kept}");
}

#[test]
fn accepted_and_not_stored_is_no_success() {
    let world = world();
    append(&world, "r", "d");
    let text = format!("git update-ref {LEDGER} {LEDGER}~1");
    let hook = script(&world, "hook", &text);
    fs::create_dir_all(world.path("one.git/hooks")).expect("hooks");
    fs::copy(hook, world.path("one.git/hooks/post-receive")).expect("a hook");
    let said = world.ledger("r", &["mirror", "push", "one"]).code(1);
    assert!(said.out.starts_with("not stored  one"), "{said}");
}

#[test]
fn settings_of_the_repository_run_nothing() {
    let world = world();
    let marker = world.path("marker");
    let text = format!("echo \"$0 $*\" >>'{}'", marker.display());
    let evil = script(&world, "evil.sh", &text);
    let run = evil.to_str().expect("text");
    let path = world.path("one.git");
    let path = path.to_str().expect("text");
    let instead = format!("url.ext::{run} .insteadOf");
    for (key, value) in [
        ("core.sshCommand", run),
        ("core.fsmonitor", run),
        ("core.askPass", run),
        ("core.gitProxy", run),
        ("credential.helper", run),
        ("remote.one.uploadpack", run),
        ("remote.one.receivepack", run),
        ("remote.one.vcs", "evil"),
        ("uploadpack.packObjectsHook", run),
        ("protocol.ext.allow", "always"),
        (instead.as_str(), path),
    ] {
        world.git("r", &["config", key, value]).ok();
    }
    for hook in ["pre-push", "reference-transaction", "post-merge"] {
        fs::create_dir_all(world.path("r/.git/hooks")).expect("hooks");
        fs::copy(&evil, world.path("r/.git/hooks").join(hook)).expect("a hook");
    }
    fs::remove_file(&marker).ok();
    // `git ledger` would run git first; what git itself obeys is not ours to test
    let ledger = |arguments: &[&str]| {
        let mut command = world.command("r", "git-ledger");
        command.args(arguments);
        crate::world::run(command, b"")
    };
    ledger(&["append", "dev.x.y", "--push", "one", "two"]).ok();
    ledger(&["mirror", "status"]).ok();
    ledger(&["mirror", "push"]).ok();
    ledger(&["mirror", "pull"]).ok();
    ledger(&["verify", "--remotes"]).ok();
    let ran = fs::read_to_string(&marker).unwrap_or_default();
    assert_eq!(ran, "", "something ran");
}
