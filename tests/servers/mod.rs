//! Real servers on the loopback interface, each with a bare repository that keeps a ledger.
//!
//! A server that is not installed fails the test: Debian's `openssh-server`, `nginx-light` and
//! `fcgiwrap` are what `cargo xtask test` installs.

pub mod liar;
pub mod listening;
pub mod raw_push;
pub mod ssh;
pub mod web;

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use git_ledger::event::Event;
use git_ledger::git::{Environment, Repository};
use git_ledger::json::{Object, Value};
use git_ledger::ledger::Ledger;

use crate::world::{Said, World, run};

/// A bare repository with a ledger and the hooks in place, and a clone's work tree beside it.
pub struct Server<'w> {
    pub world: &'w World,
    /// The bare repository's name in the world.
    pub name: String,
}

/// A program that runs until the test is done with it.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // with all it forked; it may have ended by itself
        let group = i32::try_from(self.0.id()).ok();
        if let Some(group) = group.and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        }
        self.0.wait().ok();
    }
}

impl Running {
    /// Starts it and waits until `ready`.
    #[track_caller]
    pub fn start(mut command: Command, log: &Path, ready: impl Fn() -> bool) -> Running {
        let program = command.get_program().to_owned();
        let out = std::fs::File::create(log).expect("a log");
        command
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a log"))
            .stderr(out)
            .process_group(0);
        let child = command.spawn().unwrap_or_else(|why| {
            panic!("{program:?}: {why}; 'cargo xtask test' installs what the tests need")
        });
        let mut running = Running(child);
        let until = Instant::now() + Duration::from_secs(20);
        while !ready() {
            let ended = running.0.try_wait().expect("a program");
            assert!(
                ended.is_none() && Instant::now() < until,
                "{program:?} did not come up: {}",
                std::fs::read_to_string(log).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        running
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Whether somebody listens there.
pub fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Waits until something is so.
#[track_caller]
pub fn wait_until(what: &str, so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < until, "still not so: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl<'w> Server<'w> {
    /// `<name>.git` with a ledger signed by a key of its own, hooks in force; and the work tree
    /// `<name>` with one commit on `main` and the server as `origin`, by its path.
    pub fn new(world: &'w World, name: &str) -> Server<'w> {
        Server::of_format(world, name, "sha1")
    }

    /// The same with this object format.
    pub fn of_format(world: &'w World, name: &str, format: &str) -> Server<'w> {
        let format = format!("--object-format={format}");
        let server = Server {
            world,
            name: format!("{name}.git"),
        };
        let bare = server.name.as_str();
        world.git("", &["init", "-q", "--bare", &format, bare]).ok();
        let key = world.key("server");
        let key = key.to_str().expect("a path");
        let begin = [
            "init",
            "--name",
            "acme",
            "--principal",
            "server@acme",
            "--key",
        ];
        world.ledger(bare, &[&begin[..], &[key]].concat()).ok();
        for (principal, key) in [("ann@acme", "ann"), ("bob@acme", "bob")] {
            let public = world.public(key);
            let add = [
                "policy",
                "add-signer",
                principal,
                &public,
                "--role",
                "writer",
                "-y",
            ];
            world.ledger(bare, &add).ok();
        }
        world.ledger(bare, &["hook", "install"]).ok();
        world.git("", &["init", "-q", &format, name]).ok();
        world
            .git(name, &["commit", "-q", "--allow-empty", "-m", "first"])
            .ok();
        let url = world.path(bare);
        let url = url.to_str().expect("a path");
        world.git(name, &["remote", "add", "origin", url]).ok();
        server
    }

    /// The bare repository.
    pub fn path(&self) -> PathBuf {
        self.world.path(&self.name)
    }

    /// A setting of the bare repository.
    pub fn set(&self, key: &str, value: &str) {
        self.world.git(&self.name, &["config", key, value]).ok();
    }

    /// The ledger.
    pub fn ledger(&self) -> Ledger {
        let environment = Environment::new("/", std::env::vars_os());
        let repository = Repository::open(&environment, &self.path()).expect("a repository");
        Ledger::new(repository, "refs/heads/ledger")
    }

    /// The events after the ledger was set up, the oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.entries().into_iter().flatten().collect()
    }

    /// The events of each entry after the ledger was set up, the oldest first.
    pub fn entries(&self) -> Vec<Vec<Event>> {
        let ledger = self.ledger();
        let tip = ledger.tip_id().expect("a ref").expect("a ledger");
        let mut entries: Vec<Vec<Event>> = ledger
            .links(tip)
            .expect("links")
            .map(|link| link.expect("a link").entry.events)
            .collect();
        entries.reverse();
        entries.split_off(3)
    }

    /// `data` of an event, wherever it stands.
    pub fn data(&self, event: &Event) -> Object {
        match event.data() {
            Some(Value::Object(data)) => data.clone(),
            _ => {
                let bytes = self.attachment(event);
                let value = Value::parse_canonical(&bytes).expect("canonical JSON");
                value.as_object().expect("an object").clone()
            }
        }
    }

    /// The attachment of an event.
    pub fn attachment(&self, event: &Event) -> Vec<u8> {
        let ledger = self.ledger();
        let tip = ledger.tip_id().expect("a ref").expect("a ledger");
        let digest = event.attachment().expect("an attachment");
        let link = ledger
            .links(tip)
            .expect("links")
            .map(|link| link.expect("a link"))
            .find(|link| link.entry.events.iter().any(|e| e.id() == event.id()))
            .expect("its entry");
        ledger.attachment(&link, digest).expect("its bytes")
    }

    /// Fetches the ledger into the work tree's repository and appends an entry signed by ann, to
    /// be pushed.
    pub fn append_beside(&self, url: &str, with: impl Fn(&mut Command)) {
        let work = self.name.trim_end_matches(".git");
        let mut fetch = self.world.command(work, "git");
        fetch.args(["fetch", "-q", url, "refs/heads/ledger:refs/heads/ledger"]);
        with(&mut fetch);
        run(fetch, b"").ok();
        let key = self.world.key("ann");
        let key = key.to_str().expect("a path");
        let kind = "dev.cdevents.service.deployed.0.2.0";
        self.world
            .ledger(work, &["append", kind, "--key", key])
            .ok();
    }

    /// Where a ref is; empty if it is not there.
    pub fn at(&self, name: &str) -> String {
        self.world
            .git(&self.name, &["rev-parse", "-q", "--verify", name])
            .out
    }

    /// `git push` from the work tree.
    pub fn push(&self, arguments: &[&str]) -> Said {
        let command = self.pushing(arguments);
        run(command, b"")
    }

    /// `git push` from the work tree, to be run.
    pub fn pushing(&self, arguments: &[&str]) -> Command {
        let mut command = self
            .world
            .command(self.name.trim_end_matches(".git"), "git");
        command.arg("push").args(arguments);
        command
    }

    /// A commit after HEAD of the work tree; its id.
    pub fn commit(&self, message: &str) -> String {
        let dir = self.name.trim_end_matches(".git");
        let commit = ["commit", "-q", "--allow-empty", "-m", message];
        self.world.git(dir, &commit).ok();
        let id = self.world.git(dir, &["rev-parse", "HEAD"]).ok();
        id.trim().to_owned()
    }

    /// The server and a clone of it are whole, and two verifiers call the ledger sound.
    #[track_caller]
    pub fn sound(&self) {
        let world = self.world;
        world.git(&self.name, &["fsck", "--strict", "--full"]).ok();
        let clone = format!("clone-{}", self.name);
        let path = self.path();
        let from = path.to_str().expect("a path");
        world
            .git("", &["clone", "-q", "--no-local", "--mirror", from, &clone])
            .ok();
        world.git(&clone, &["fsck", "--strict", "--full"]).ok();
        let said = world.ledger(&self.name, &["verify"]).ok();
        assert!(said.starts_with("sound: "), "{said}");
        let mut python = world.command("", "python3");
        python
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/ledger-spec/verify.py"
            ))
            .arg(self.world.path(&clone));
        let said = run(python, b"").ok();
        assert!(said.starts_with("sound "), "{said}");
        std::fs::remove_dir_all(world.path(&clone)).expect("a clone");
    }
}

/// Holds a command to its exit code.
#[track_caller]
pub fn exits(said: Said, code: i32) {
    assert_eq!(said.code, code, "{said}");
}

/// A member of an object as text.
#[track_caller]
pub fn text<'a>(object: &'a Object, path: &str) -> &'a str {
    let mut at = object;
    let (parents, last) = path.rsplit_once('.').unwrap_or(("", path));
    for name in parents.split('.').filter(|name| !name.is_empty()) {
        let value = at.get(name).unwrap_or_else(|| panic!("no {path}"));
        at = value.as_object().expect("an object");
    }
    let value = at.get(last).unwrap_or_else(|| panic!("no {path}"));
    value.as_str().expect("a string")
}
