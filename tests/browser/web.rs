//! `git ledger web` at work, and a browser in front of it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::peers;
use crate::world::World;

/// A server that shows ledgers until it is dropped.
pub struct Web {
    child: Child,
    /// Where: `http://127.0.0.1:PORT`.
    pub origin: String,
}

impl Drop for Web {
    fn drop(&mut self) {
        // it may have ended by itself
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Web {
    /// Serves the ledgers of these repositories on a port that is free.
    pub fn of(world: &World, repositories: &[&str]) -> Web {
        let mut command = world.command("", env!("CARGO_BIN_EXE_git-ledger"));
        command.args(["web", "--listen", "127.0.0.1:0", "--json"]);
        for name in repositories {
            command.arg("--repository").arg(world.path(name));
        }
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a server");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let url = lines
            .by_ref()
            .map(|line| line.expect("a line"))
            .find_map(|line| {
                let said: Value = serde_json::from_str(&line).expect("JSON");
                said["url"].as_str().map(str::to_owned)
            });
        // what else it says is not waited for, and must not fill the pipe
        std::thread::spawn(move || lines.for_each(drop));
        let url = url.expect("it says where it listens");
        Web {
            child,
            origin: url.trim_end_matches('/').to_owned(),
        }
    }

    /// What the API answers.
    pub fn api(&self, path: &str) -> Value {
        let url = format!("{}/api/v1/{path}", self.origin);
        let mut answer = ureq::get(&url).call().expect("an answer");
        let text = answer.body_mut().read_to_string().expect("text");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Waits until every ledger has been judged, and says what they are called in addresses.
    pub fn judged(&self) -> Vec<String> {
        for _ in 0..600 {
            let all = self.api("ledgers");
            let all = all["ledgers"].as_array().expect("ledgers").clone();
            if all.iter().all(|ledger| !ledger["answer"].is_null()) {
                let slugs = all.iter().map(|ledger| ledger["slug"].as_str());
                return slugs.map(|slug| slug.expect("a slug").to_owned()).collect();
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("no verdict within a minute");
    }
}

/// Runs a script with a browser in its hands; what it prints.
#[track_caller]
pub fn drive(world: &World, script: &str, arguments: &[&str]) -> Value {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let modules = peers::node_module("playwright-core");
    let mut command: Command = world.command("", "node");
    command
        .env("NODE_PATH", modules.parent().expect("a directory"))
        .env("TMPDIR", world.path(""))
        .env_remove("GIT_COMMITTER_DATE")
        .arg(dir.join(script))
        .args(arguments);
    let said = crate::world::run(command, b"").ok();
    serde_json::from_str(&said).expect("JSON")
}
