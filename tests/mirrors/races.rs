//! Appending to remotes: from a build job's clone, many at once, and watched meanwhile.

use super::*;

/// A clone as a build job has it: one commit of one branch.
fn job(world: &World, name: &str, from: &str) {
    let url = format!("file://{}", world.path(from).display());
    world
        .git(
            "",
            &[
                "clone",
                "--quiet",
                "--depth=1",
                "--single-branch",
                "--branch=main",
                &url,
                name,
            ],
        )
        .ok();
}

/// A server `server.git` with a branch and the ledger of `r`.
fn server(world: &World) {
    bare(world, "server");
    world
        .git("r", &["push", "--quiet", "../server.git", "main", LEDGER])
        .ok();
}

#[test]
fn a_build_job_appends_without_the_branch() {
    let world = world();
    server(&world);
    job(&world, "job", "server.git");
    let look = |what: &[&str]| world.git("job", what).ok();
    let (refs, shallow) = (
        look(&["for-each-ref"]),
        fs::read(world.path("job/.git/shallow")).expect("shallow"),
    );
    for subject in ["first", "second"] {
        let said = world.ledger(
            "job",
            &[
                "append",
                "dev.x.y",
                "--subject",
                subject,
                "--push",
                "origin",
            ],
        );
        assert!(said.ok().contains(subject));
    }
    // another writer in between: only what is newer comes, and ancestry can be told
    world
        .ledger("r", &["mirror", "add", "server", "../server.git"])
        .ok();
    world.ledger("r", &["mirror", "pull", "server"]).ok();
    world
        .ledger(
            "r",
            &[
                "append",
                "dev.x.y",
                "--subject",
                "between",
                "--push",
                "server",
            ],
        )
        .ok();
    world
        .ledger(
            "job",
            &[
                "append",
                "dev.x.y",
                "--subject",
                "third",
                "--push",
                "origin",
            ],
        )
        .ok();
    assert_eq!(look(&["for-each-ref"]), refs);
    assert_eq!(
        fs::read(world.path("job/.git/shallow")).expect("shallow"),
        shallow
    );
    assert_eq!(look(&["status", "--porcelain"]), "");
    // the job never fetched the past
    let scratch = world.path("job/.git/git-ledger/primary");
    assert!(scratch.join("shallow").exists());
    let count = world.git(&scratch, &["rev-list", "--count", LEDGER]).ok();
    assert_eq!(
        count.trim(),
        "5",
        "entry 3, and the four that came after it"
    );
    world.ledger("server.git", &["verify"]).ok();
    let said = world
        .git("server.git", &["log", "--format=%s", LEDGER])
        .ok();
    let subjects: Vec<&str> = said.lines().take(4).collect();
    assert_eq!(
        subjects,
        [
            "7 dev.x.y third",
            "6 dev.x.y between",
            "5 dev.x.y second",
            "4 dev.x.y first"
        ]
    );
}

#[test]
fn further_remotes_get_it_afterwards() {
    let world = world();
    let said = world.ledger("r", &["append", "dev.x.y", "--push", "one", "two"]);
    said.ok();
    assert_eq!(state(&world, "r", "two"), "level");
    fs::rename(world.path("two.git"), world.path("away.git")).expect("moved");
    let said = world
        .ledger("r", &["append", "dev.x.y", "--push", "one", "two"])
        .code(0);
    assert!(
        said.err
            .contains("warning: 'two' does not have entry 5 yet"),
        "{said}"
    );
    fs::rename(world.path("away.git"), world.path("two.git")).expect("moved");
    assert_eq!(state(&world, "r", "two"), "behind 1");
    assert_eq!(state(&world, "r", "one"), "level");
    // a misspelled remote is told before anything is recorded
    let before = tip(&world, "r");
    world
        .ledger("r", &["append", "dev.x.y", "--push", "one", "tow"])
        .code(129);
    assert_eq!(tip(&world, "r"), before);
    // from a build job, too
    server(&world);
    job(&world, "job", "server.git");
    world
        .git("job", &["remote", "add", "two", "../two.git"])
        .ok();
    world.ledger("r", &["mirror", "push", "two"]).ok();
    world
        .ledger("job", &["append", "dev.x.y", "--push", "origin", "two"])
        .ok();
    assert_eq!(tip(&world, "two.git"), tip(&world, "server.git"));
}

#[test]
fn two_clones_lose_nothing_and_nobody_sees_a_fork() {
    const EACH: usize = 6;
    let world = world();
    server(&world);
    let mut threads = Vec::new();
    for name in ["left", "right"] {
        job(&world, name, "server.git");
        let commands: Vec<_> = (0..EACH)
            .map(|n| {
                let mut command = world.command(name, "git");
                let id = format!("{name}-{n}");
                let push = ["--push", "origin", "--timeout", "120"];
                command.args(["ledger", "append", "dev.x.y", "--id", &id]);
                command.args(push);
                command
            })
            .collect();
        threads.push(std::thread::spawn(move || {
            let mut done = 0;
            for command in commands {
                run(command, b"").ok();
                done += 1;
            }
            done
        }));
    }
    world
        .ledger("r", &["mirror", "add", "server", "../server.git"])
        .ok();
    let mut watched = 0;
    while threads.iter().any(|thread| !thread.is_finished()) {
        let said = world
            .ledger("r", &["mirror", "status", "server", "--json"])
            .code(0);
        let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
        let state = value["remotes"][0]["state"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(["level", "ahead"].contains(&state.as_str()), "{said}");
        watched += 1;
    }
    for thread in threads {
        assert_eq!(thread.join().expect("appended"), EACH);
    }
    assert!(watched > 0);
    world.ledger("server.git", &["verify"]).ok();
    let log = world
        .git("server.git", &["log", "--format=%B", LEDGER])
        .ok();
    for name in ["left", "right"] {
        for n in 0..EACH {
            let id = format!("\"id\":\"{name}-{n}\"");
            assert_eq!(log.matches(&id).count(), 1, "{id}");
        }
    }
}

#[test]
fn pushes_at_once_wait_for_each_other() {
    let world = world();
    append(&world, "r", "d");
    let commands: Vec<_> = (0..4)
        .map(|_| {
            let mut command = world.command("r", "git-ledger");
            command.args(["mirror", "push", "--quiet"]);
            command
        })
        .collect();
    let threads: Vec<_> = commands
        .into_iter()
        .map(|command| std::thread::spawn(move || run(command, b"").ok()))
        .collect();
    for thread in threads {
        assert_eq!(thread.join().expect("pushed"), "");
    }
    for name in ["one", "two"] {
        assert_eq!(state(&world, "r", name), "level");
    }
    // without mirrors there is nothing to do, and nothing to say
    world.repository("alone");
    let said = world.ledger("alone", &["mirror", "push", "--quiet"]);
    assert_eq!(said.ok(), "");
    world.ledger("alone", &["mirror", "push"]).code(129);
}

#[test]
fn over_the_network_too() {
    let world = world();
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    let mut daemon = world.command("", "git");
    let base = format!("--base-path={}", world.path("").display());
    daemon.args([
        "daemon",
        "--reuseaddr",
        "--export-all",
        "--enable=receive-pack",
    ]);
    daemon.args(["--listen=127.0.0.1", &format!("--port={port}"), &base]);
    daemon
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let daemon = std::os::unix::process::CommandExt::process_group(&mut daemon, 0)
        .spawn()
        .expect("a daemon");
    let daemon = Group(daemon);
    let url = format!("git://127.0.0.1:{port}/one.git");
    world.ledger("r", &["mirror", "add", "far", &url]).ok();
    for _ in 0..100 {
        if state(&world, "r", "far") == "level" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    append(&world, "r", "d");
    assert_eq!(state(&world, "r", "far"), "behind 1");
    world.ledger("r", &["mirror", "push", "far"]).ok();
    world.ledger("", &["clone", &url, "audit.git"]).ok();
    append(&world, "r", "e");
    world
        .ledger("r", &["append", "dev.x.y", "--push", "far"])
        .ok();
    world.ledger("audit.git", &["mirror", "pull"]).ok();
    assert_eq!(tip(&world, "audit.git"), tip(&world, "r"));
    drop(daemon);
    assert_eq!(state(&world, "r", "far"), "silent");
}

/// A program with all that it started; ended when dropped, so that it outlives no test.
struct Group(std::process::Child);

impl Drop for Group {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let mut kill = std::process::Command::new("kill");
        kill.args(["-TERM", "--", &group]).status().ok();
        self.0.wait().ok();
    }
}
