//! What becomes of events that cannot be recorded: closed or spool as the policy says it, never
//! lost, never twice, and never without a word.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use insta::assert_snapshot;

use crate::recorded::{assert_both_agree, binary, ids};
use crate::world::{Said, World, run};

/// A deployment, for which a new ledger is closed, and a build, for which it is not.
const DEPLOYED: &str = "dev.cdevents.service.deployed.0.2.0";
const BUILT: &str = "dev.acme.built";

/// Appends an event with this id and more words.
fn append(world: &World, dir: &str, kind: &str, id: &str, more: &[&str]) -> Said {
    let words = ["append", kind, "--source", "/acme", "--id", id];
    let words = [&words[..], more].concat();
    run(binary(world, dir, &words), b"")
}

/// The same with a key that is not there.
fn without_key(world: &World, kind: &str, id: &str, more: &[&str]) -> Said {
    append(
        world,
        "r",
        kind,
        id,
        &[more, &["--key", "/nowhere"]].concat(),
    )
}

/// What an answer says, without what is other each time.
fn told(world: &World, said: &Said) -> String {
    let root = world.path("").display().to_string();
    let text = said.to_string().replace(root.trim_end_matches('/'), "/W");
    let mut lines = Vec::new();
    for line in text.lines() {
        match line.split_once("/spool/") {
            Some((before, _)) => lines.push(format!("{before}/spool/…")),
            None => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

/// The files that wait.
pub fn waiting(world: &World, git_dir: &str) -> Vec<PathBuf> {
    let spool = world.path(git_dir).join("git-ledger/spool");
    let mut files = Vec::new();
    for dir in fs::read_dir(spool).into_iter().flatten().flatten() {
        for file in fs::read_dir(dir.path()).into_iter().flatten().flatten() {
            files.push(file.path());
        }
    }
    files.retain(|path| path.extension().is_some_and(|e| e == "json"));
    files.sort();
    files
}

/// A program that holds a lock until it is dropped.
pub struct Held(Child);

impl Held {
    /// Takes the lock that every append takes.
    pub fn lock(world: &World, git_dir: &str) -> Held {
        let dir = world.path(git_dir).join("git-ledger");
        fs::create_dir_all(&dir).expect("a directory");
        let mut flock = world.command("", "flock");
        flock
            .arg(dir.join("lock"))
            .args(["sh", "-c", "echo held; exec cat"]);
        flock.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = flock.spawn().expect("flock");
        let mut word = [0; 5];
        let out = child.stdout.as_mut().expect("a pipe");
        std::io::Read::read_exact(out, &mut word).expect("a word");
        Held(child)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().expect("an end");
    }
}

#[test]
fn the_policy_decides_by_type() {
    let world = World::new();
    world.repository("r");
    let said = without_key(&world, BUILT, "b", &[]).code(0);
    assert_snapshot!(told(&world, &said), @"
    spooled dev.acme.built b in /W/r/.git/git-ledger/spool/…
    ! warning: not recorded yet: cannot use key file '/nowhere': no such file
    ! warning: it waits in the spool, for the ledger's policy says 'spool' for * ([[failure]] row 2)
    ! hint: 'git ledger flush' records what waits
    [exit 0]
    ");
    let said = without_key(&world, DEPLOYED, "d", &[]).code(128);
    assert_snapshot!(told(&world, &said), @"
    ! error: cannot use key file '/nowhere': no such file; it does not wait in the spool, for the ledger's policy says 'closed' for dev.cdevents.service.* ([[failure]] row 1)
    ! hint: user.signingKey names a key file, or a public key after 'key::'
    ! hint: what it reports should not go on before it is recorded; nothing was recorded
    [exit 128]
    ");
    // whoever records may be stricter than the policy, and not laxer
    without_key(&world, BUILT, "c", &["--on-failure=fail"]).code(128);
    let said = without_key(&world, DEPLOYED, "d", &["--on-failure=spool"]).code(128);
    assert!(said.err.contains("([[failure]] row 1)"), "{said}");
    assert_eq!(waiting(&world, "r/.git").len(), 1);
    let said = without_key(&world, BUILT, "e", &["--json"]).code(0);
    let line: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(line["status"], "spooled");
    assert_eq!(
        line["because"],
        "the ledger's policy says 'spool' for * ([[failure]] row 2)"
    );
    run(binary(&world, "r", &["flush"]), b"").ok();
    append(&world, "r", DEPLOYED, "d", &[]).ok();
    assert_eq!(ids(&world, "r"), ["b", "d", "e"]);
    assert_eq!(waiting(&world, "r/.git").len(), 0);
    assert_both_agree(&world, "r");
}

#[test]
fn what_the_ledger_refuses_does_not_wait() {
    let world = World::new();
    world.repository("r");
    let eve = world.key("eve").display().to_string();
    for more in [&[][..], &["--on-failure=spool"][..]] {
        let said = append(&world, "r", BUILT, "x", &[more, &["--key", &eve]].concat()).code(1);
        assert!(said.err.contains("signerUnknown"), "{said}");
    }
    assert_eq!(waiting(&world, "r/.git").len(), 0);
}

#[test]
fn without_a_row_whoever_records_chooses() {
    let world = World::new();
    world.repository("r");
    let remove = ["policy", "on-failure", "*", "--remove"];
    world.ledger("r", &remove).ok();
    let said = without_key(&world, BUILT, "a", &[]).code(128);
    assert!(
        said.err.contains(
            "hint: the ledger's policy says nothing of it; --on-failure=spool keeps such events"
        ),
        "{said}"
    );
    assert_eq!(waiting(&world, "r/.git").len(), 0);
    let said = without_key(&world, BUILT, "a", &["--on-failure=spool"]).code(0);
    assert!(
        said.err.contains("for --on-failure=spool asks for it"),
        "{said}"
    );
    assert_eq!(waiting(&world, "r/.git").len(), 1);
}

/// One closed event holds up the batch, which fails whole; run again, it is recorded once.
#[test]
fn of_a_batch_the_strictest_counts() {
    let world = World::new();
    world.repository("r");
    let line = |kind: &str, id: &str| {
        format!("{{\"type\":\"{kind}\",\"source\":\"/acme\",\"id\":\"{id}\"}}\n")
    };
    let batch = |kinds: &[&str], more: &[&str]| {
        let lines: String = (kinds.iter().enumerate())
            .map(|(at, kind)| line(kind, &at.to_string()))
            .collect();
        let words = [&["append", "--batch", "-"], more].concat();
        run(binary(&world, "r", &words), lines.as_bytes())
    };
    let missing = ["--key", "/nowhere"];
    let said = batch(&[BUILT, DEPLOYED, BUILT], &missing).code(128);
    assert!(said.err.contains("for dev.cdevents.service.*"), "{said}");
    assert_eq!(said.out, "");
    assert_eq!(waiting(&world, "r/.git").len(), 0);
    batch(&[BUILT, DEPLOYED, BUILT], &[]).ok();
    assert_eq!(ids(&world, "r"), ["0", "1", "2"]);
    // the same batch again, all of it laxer: what waits is there already, and stays there once
    let said = batch(&[BUILT, "dev.acme.tested"], &missing).code(0);
    assert_eq!(said.out.lines().count(), 2, "{said}");
    let said = run(binary(&world, "r", &["flush"]), b"").code(1);
    assert!(said.err.contains("already records another event"), "{said}");
    assert_eq!(ids(&world, "r"), ["0", "1", "2"]);
}

#[test]
fn a_busy_lock() {
    let world = World::new();
    world.repository("r");
    let held = Held::lock(&world, "r/.git");
    let soon = ["--timeout", "1"];
    let said = append(&world, "r", DEPLOYED, "d", &soon).code(128);
    assert!(said.err.contains("([[failure]] row 1)"), "{said}");
    let said = append(&world, "r", BUILT, "b", &soon).code(0);
    assert!(said.out.starts_with("spooled "), "{said}");
    drop(held);
    run(binary(&world, "r", &["flush"]), b"").ok();
    run(binary(&world, "r", &["flush"]), b"").ok();
    assert_eq!(ids(&world, "r"), ["b"]);
}

/// Where the newest entry is gone nobody can say what the policy is.
#[test]
fn a_policy_that_cannot_be_read() {
    let world = World::new();
    world.repository("r");
    append(&world, "r", BUILT, "first", &[]).ok();
    let tip = world.git("r", &["rev-parse", "refs/heads/ledger"]).ok();
    let (folder, name) = tip.trim().split_at(2);
    let object = world.path(format!("r/.git/objects/{folder}/{name}"));
    let bytes = fs::read(&object).expect("an object");
    fs::remove_file(&object).expect("an object");
    let said = append(&world, "r", DEPLOYED, "d", &["--on-failure=spool"]).code(128);
    assert!(
        said.err.contains(
            "for the ledger's policy cannot be read here, and without it dev.cdevents.service.* is closed"
        ),
        "{said}"
    );
    append(
        &world,
        "r",
        "dev.git-ledger.push",
        "p",
        &["--on-failure=spool"],
    )
    .code(128);
    append(&world, "r", BUILT, "b", &[]).code(128);
    assert_eq!(waiting(&world, "r/.git").len(), 0);
    append(&world, "r", BUILT, "b", &["--on-failure=spool"]).code(0);
    fs::write(&object, bytes).expect("an object");
    run(binary(&world, "r", &["flush"]), b"").ok();
    assert_eq!(ids(&world, "r"), ["b", "first"]);
}

/// A build machine with a clone of depth 1, a primary that goes away and comes back.
#[test]
fn a_silent_primary() {
    let world = World::new();
    world.repository("r");
    world
        .git("", &["init", "--quiet", "--bare", "remote.git"])
        .ok();
    let push = ["push", "--quiet", "../remote.git", "main", "ledger"];
    world.git("r", &push).ok();
    let url = format!("file://{}", world.path("remote.git").display());
    for name in ["ci", "fresh"] {
        let clone = ["clone", "--quiet", "--depth=1", "--branch=main", &url, name];
        world.git("", &clone).ok();
    }
    let to = ["--push", "origin", "--timeout", "5"];
    let ci = |kind: &str, id: &str, more: &[&str]| {
        append(&world, "ci", kind, id, &[&to[..], more].concat())
    };
    // a key that is not there, and a primary that can be asked what the policy is
    let gone = ["--key", "/nowhere"];
    let said = ci(DEPLOYED, "0", &gone).code(128);
    assert!(said.err.contains("([[failure]] row 1)"), "{said}");
    ci(BUILT, "0", &gone).code(0);
    assert_eq!(waiting(&world, "ci/.git").len(), 1);

    let away = |name: &str| fs::rename(world.path("remote.git"), world.path(name)).expect("a move");
    away("away.git");
    // a clone that has never seen a policy is closed for deployments, and lets nothing wait unasked
    let fresh = |kind: &str, id: &str, more: &[&str]| {
        append(&world, "fresh", kind, id, &[&to[..], more].concat())
    };
    let said = fresh(DEPLOYED, "1", &["--on-failure=spool"]).code(128);
    assert!(
        said.err.contains("cannot be read here, and without it"),
        "{said}"
    );
    let said = fresh(BUILT, "1", &[]).code(128);
    assert!(
        said.err.contains("--on-failure=spool keeps such events"),
        "{said}"
    );
    fresh(BUILT, "1", &["--on-failure=spool"]).code(0);

    fs::rename(world.path("away.git"), world.path("remote.git")).expect("a move");
    ci(BUILT, "2", &[]).ok();
    // what this clone has not seen does not count: it still takes deployments for closed
    let words = ["on-failure", "dev.cdevents.service.*", "--mode", "spool"];
    world
        .ledger("r", &[&["mirror", "add", "origin", &url][..]].concat())
        .ok();
    let pull = ["mirror", "pull", "origin"];
    world.ledger("r", &pull).ok();
    let relax = [&["policy"], &words[..], &["--push", "origin"]].concat();
    run(binary(&world, "r", &relax), b"").ok();
    away("away.git");
    let said = ci(DEPLOYED, "3", &[]).code(128);
    assert!(said.err.contains("([[failure]] row 1)"), "{said}");
    let said = ci(BUILT, "3", &[]).code(0);
    assert!(said.err.contains("([[failure]] row 2)"), "{said}");
    fs::rename(world.path("away.git"), world.path("remote.git")).expect("a move");
    ci(BUILT, "4", &[]).ok();
    away("away.git");
    ci(DEPLOYED, "5", &[]).code(0);
    fs::rename(world.path("away.git"), world.path("remote.git")).expect("a move");
    for clone in ["ci", "fresh"] {
        run(binary(&world, clone, &["flush"]), b"").ok();
    }
    let recorded = ids(&world, "remote.git");
    let events: Vec<&str> = recorded
        .iter()
        .map(String::as_str)
        .filter(|id| id.len() == 1)
        .collect();
    assert_eq!(events, ["0", "1", "2", "3", "4", "5"]);
    assert_both_agree(&world, "remote.git");
}
