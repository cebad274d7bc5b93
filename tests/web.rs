//! Ledgers in a browser, over real connections: who is let in, what is answered, what happens to a
//! ledger meanwhile. What pages look like, and what they do in a browser, is looked at elsewhere.

mod answers;
mod changes;
mod door;
mod many;

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::serve::client::{self, Answer};
use crate::world::World;

/// A server at work.
pub struct Site {
    child: Child,
    pub port: u16,
    log: PathBuf,
}

impl Drop for Site {
    fn drop(&mut self) {
        // it may have ended by itself
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The answers of which every header is looked at.
const HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// What every answer must carry, whatever it is.
#[track_caller]
pub fn guarded(answer: &Answer) {
    for (name, value) in HEADERS {
        assert_eq!(answer.header(name), Some(*value), "{answer:?}");
    }
    assert!(answer.header("cache-control").is_some(), "{answer:?}");
}

impl Site {
    /// `git ledger web` in a directory of the world, on a port that is free.
    pub fn start(world: &World, directory: &str, arguments: &[&str]) -> Site {
        let log = world.path("web.log");
        let err = fs::File::create(&log).expect("a log");
        let mut command = world.command(directory, env!("CARGO_BIN_EXE_git-ledger"));
        command
            .env_remove("GIT_COMMITTER_DATE")
            .args(["web", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(err);
        let child = command.spawn().expect("a server");
        let mut site = Site {
            child,
            port: 0,
            log,
        };
        let until = Instant::now() + Duration::from_secs(20);
        while site.port == 0 {
            let said = site.log();
            let port = said.split("address=127.0.0.1:").nth(1);
            let port = port.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
            site.port = port.unwrap_or(0);
            let ended = site.child.try_wait().expect("a server");
            assert!(ended.is_none() && Instant::now() < until, "{said}");
            std::thread::sleep(Duration::from_millis(5));
        }
        site
    }

    /// What it said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        let long = Some(Duration::from_secs(30));
        stream.set_read_timeout(long).expect("a timeout");
        stream
    }

    /// A request, byte for byte but for `HOST`, which becomes the server's own.
    pub fn send(&self, request: &str) -> Answer {
        let host = format!("Host: 127.0.0.1:{}", self.port);
        let request = request.replace("HOST", &host);
        client::send(&mut self.connect(), request.as_bytes())
    }

    /// What a path answers, with these headers besides.
    pub fn get_with(&self, path: &str, headers: &str) -> Answer {
        let answer = self.send(&format!("GET {path} HTTP/1.1\r\nHOST\r\n{headers}\r\n"));
        guarded(&answer);
        answer
    }

    pub fn get(&self, path: &str) -> Answer {
        self.get_with(path, "")
    }

    /// What the API answers, which must be 200.
    #[track_caller]
    pub fn api(&self, path: &str) -> Value {
        let answer = self.get(&format!("/api/v1{path}"));
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// What the API refuses, and why.
    #[track_caller]
    pub fn refused(&self, path: &str) -> (u16, Value) {
        let answer = self.get(&format!("/api/v1{path}"));
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{answer:?}");
        let problem: Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(problem["status"], answer.status, "{answer:?}");
        (answer.status, problem)
    }

    /// Asks until the answer is as it should be.
    #[track_caller]
    pub fn until(&self, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = self.api(path);
            if fits(&answer) {
                return answer;
            }
            assert!(Instant::now() < until, "{path}: {answer:#}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the newest entry is verified and added up; what is known then.
    #[track_caller]
    pub fn settled(&self, ledger: &str) -> Value {
        self.until(&format!("/ledgers/{ledger}"), |known| {
            let totals = &known["totals"];
            known["judged"].is_string()
                && known["unjudged"] == 0
                && totals["read"].is_u64()
                && totals["read"] == totals["of"]
                && totals["of"] == known["verdict"]["entries"]
        })
    }

    /// Tells it to stop; its exit code, none when a signal ended it.
    pub fn stop(&mut self) -> Option<i32> {
        let id = i32::try_from(self.child.id()).expect("a process");
        let process = rustix::process::Pid::from_raw(id).expect("a process");
        rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("a signal");
        self.child.wait().expect("an end").code()
    }
}

/// The numbers of entries in an answer.
pub fn numbers(page: &Value) -> Vec<u64> {
    let entries = page["entries"].as_array().expect("entries");
    let numbers = entries.iter().map(|entry| entry["position"].as_u64());
    numbers.map(|number| number.expect("a number")).collect()
}
