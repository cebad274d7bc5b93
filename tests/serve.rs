//! The server over real connections, in front of a real ledger.

pub mod client;

mod attacks;
mod events;
mod gaps;
mod kills;
mod load;
mod receives;
mod stops;

use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Command;

use git_ledger::event::Event;
use git_ledger::git::{Environment, Repository};
use git_ledger::json::Value;
use git_ledger::ledger::Ledger;

use crate::servers::listening::Listening;
use crate::world::World;
use client::{Answer, post};

/// What the routes' secrets are in every test.
pub const SECRET: &str = "a secret that is long enough";
/// The key of Standard Webhooks in every test: 32 bytes of it.
pub const KEY: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A server at work.
pub struct Serving {
    server: Listening,
    repository: PathBuf,
}

impl Deref for Serving {
    type Target = Listening;

    fn deref(&self) -> &Listening {
        &self.server
    }
}

impl DerefMut for Serving {
    fn deref_mut(&mut self) -> &mut Listening {
        &mut self.server
    }
}

/// The secrets of all routes, as files of the world.
pub fn secrets(world: &World) -> Vec<String> {
    let mut arguments = Vec::new();
    for (name, text) in [("secret", SECRET), ("key", KEY)] {
        let path = world.path(name);
        fs::write(&path, format!("{text}\n")).expect("a secret");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&path, mode).expect("a mode");
    }
    for (route, name) in [
        ("github", "secret"),
        ("gitlab", "secret"),
        ("gitlab", "key"),
        ("gitea", "secret"),
        ("forgejo", "secret"),
        ("events", "secret"),
        ("events", "key"),
    ] {
        let path = world.path(name);
        arguments.extend(["--secret".to_owned(), format!("{route}={}", path.display())]);
    }
    arguments
}

/// `git ledger serve` in the repository `r`, on a port that is free; the clock is the machine's.
pub fn command(world: &World, arguments: &[&str]) -> Command {
    // figures are of the optimised build, where one is named
    let binary = std::env::var_os("GIT_LEDGER_TEST_SERVER");
    let binary = binary.unwrap_or_else(|| env!("CARGO_BIN_EXE_git-ledger").into());
    let mut command = world.command("r", binary);
    command
        .env_remove("GIT_COMMITTER_DATE")
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(arguments);
    command
}

impl Serving {
    /// A server in the repository `r` with all secrets.
    pub fn start(world: &World, arguments: &[&str]) -> Serving {
        let mut all = secrets(world);
        all.extend(arguments.iter().map(|word| (*word).to_owned()));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        Serving::spawn(world, command(world, &all))
    }

    /// Starts it and waits until it listens.
    pub fn spawn(world: &World, command: Command) -> Serving {
        Serving {
            server: Listening::spawn(world.path("serve.log"), command),
            repository: world.path("r/.git"),
        }
    }

    /// One request on a connection of its own.
    pub fn send(&self, request: &[u8]) -> Answer {
        client::send(&mut self.connect(), request)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
    }

    /// A delivery of GitHub, signed.
    pub fn github(&self, delivery: &str, kind: &str, body: &str) -> Answer {
        self.send(&github(delivery, kind, body))
    }

    /// The events of each entry after the first, the oldest first.
    pub fn entries(&self) -> Vec<Vec<Event>> {
        entries(&self.repository)
    }

    pub fn recorded(&self) -> Vec<Event> {
        self.entries().into_iter().flatten().collect()
    }

    /// A number of the metrics: the line that begins so.
    pub fn metric(&self, line: &str) -> f64 {
        let text = self.get("/metrics").body;
        let found = text.lines().find_map(|found| found.strip_prefix(line));
        found.map_or(0.0, |number| number.trim().parse().expect("a number"))
    }
}

/// The events of each entry after the first, the oldest first.
pub fn entries(repository: &Path) -> Vec<Vec<Event>> {
    let environment = Environment::new("/", std::env::vars_os());
    let repository = Repository::open(&environment, repository).expect("a repository");
    let ledger = Ledger::new(repository, "refs/heads/ledger");
    let tip = ledger.tip_id().expect("a ref").expect("a ledger");
    let links = ledger.links(tip).expect("links");
    let mut entries: Vec<Vec<Event>> = links
        .map(|link| link.expect("a link").entry.events)
        .collect();
    entries.reverse();
    entries.split_off(1)
}

/// A signed delivery of GitHub.
pub fn github(delivery: &str, kind: &str, body: &str) -> Vec<u8> {
    let signature = format!(
        "sha256={}",
        client::hmac(SECRET.as_bytes(), body.as_bytes())
    );
    let headers = [
        ("X-GitHub-Event", kind),
        ("X-GitHub-Delivery", delivery),
        ("X-Hub-Signature-256", signature.as_str()),
        ("Content-Type", "application/json"),
    ];
    post("/github", &headers, body.as_bytes())
}

/// The payload of a push to a branch of acme/payments.
pub fn push(branch: &str, before: char, after: char) -> String {
    let id = |digit: char| digit.to_string().repeat(40);
    let branch = git_ledger::json::Value::from(format!("refs/heads/{branch}")).to_canonical();
    format!(
        r#"{{"ref":{branch},"before":"{}","after":"{}","created":false,"deleted":false,"forced":false,"base_ref":null,"compare":"https://github.com/acme/payments/compare/a...b","pusher":{{"name":"ann","email":"ann@acme.example"}},"commits":[],"head_commit":null,"repository":{{"id":1,"full_name":"acme/payments","html_url":"https://github.com/acme/payments"}},"sender":{{"login":"ann","id":2}}}}"#,
        id(before),
        id(after)
    )
}

/// `status` of an answer's JSON.
pub fn word(answer: &Answer) -> String {
    let value = Value::parse(answer.body.as_bytes()).expect("JSON");
    let object = value.as_object().expect("an object");
    object
        .get("status")
        .and_then(Value::as_str)
        .expect("a status")
        .to_owned()
}
