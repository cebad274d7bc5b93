//! Ledgers in a browser, over real connections: who is let in, what is answered, what happens to a
//! ledger meanwhile. What pages look like, and what they do in a browser, is looked at elsewhere.

mod answers;
mod changes;
mod door;
mod many;

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::serve::client::{self, Answer};
use crate::servers::listening::Listening;
use crate::world::World;

/// A server at work.
pub struct Site(Listening);

impl Deref for Site {
    type Target = Listening;

    fn deref(&self) -> &Listening {
        &self.0
    }
}

impl DerefMut for Site {
    fn deref_mut(&mut self) -> &mut Listening {
        &mut self.0
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
        let mut command = world.command(directory, env!("CARGO_BIN_EXE_git-ledger"));
        command
            .env_remove("GIT_COMMITTER_DATE")
            .args(["web", "--listen", "127.0.0.1:0"])
            .args(arguments);
        Site(Listening::spawn(world.path("web.log"), command))
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
}

/// The numbers of entries in an answer.
pub fn numbers(page: &Value) -> Vec<u64> {
    let entries = page["entries"].as_array().expect("entries");
    let numbers = entries.iter().map(|entry| entry["position"].as_u64());
    numbers.map(|number| number.expect("a number")).collect()
}
