//! The rules of forges, told by a small server that plays the documented answers, and worse ones.

mod documented;
mod tls;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::world::{World, run};

use super::{Seen, healthy};

/// Known to nobody, and nowhere to be seen.
const TOKEN: &str = "secret-4711-token";

/// What is told at a path: everything after the status line's `HTTP/1.1 `.
type Answers = BTreeMap<&'static str, String>;

/// A server that plays a forge, and remembers what it was asked.
struct Forge {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

fn json(body: &str) -> String {
    format!("200 OK\r\nContent-Type: application/json\r\n\r\n{body}")
}

fn status(status: &str) -> String {
    format!("{status}\r\n\r\n{{\"message\":\"no\"}}")
}

impl Forge {
    fn start(answers: Answers) -> Forge {
        Forge::play(move |stream, path| {
            let place = path.split('?').next().unwrap_or_default();
            let answer = answers.get(place).cloned();
            let answer = answer.unwrap_or_else(|| status("404 Not Found"));
            write!(stream, "HTTP/1.1 {answer}").ok();
        })
    }

    fn play(answer: impl Fn(&mut TcpStream, &str) + Send + 'static) -> Forge {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        // ends with the process: it waits for a connection that never comes
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0) {
                    head.extend_from_slice(&byte);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                heard.lock().expect("a lock").push(head);
                answer(&mut stream, &path);
            }
        });
        Forge { url, asked }
    }

    fn heard(&self) -> Vec<String> {
        self.asked.lock().expect("a lock").clone()
    }
}

/// A healthy server with a remote on a forge.
fn place(world: &World) -> PathBuf {
    let server = healthy(world);
    let url = "git@git.acme.example:acme/pay.git";
    world.git(&server, &["remote", "add", "hosted", url]).ok();
    server
}

fn ask(world: &World, server: &PathBuf, kind: &str, forge: &Forge) -> Seen {
    let mut command = world.command(server, env!("CARGO_BIN_EXE_git-ledger"));
    command
        .args(["doctor", "--json", "--remote", "hosted", "--timeout", "2"])
        .args([
            "--forge",
            kind,
            "--forge-url",
            &forge.url,
            "--token-env",
            "T",
        ])
        .env("T", TOKEN)
        // nothing that concerns this machine goes by another
        .env("http_proxy", "http://127.0.0.1:9");
    let seen = Seen::of(run(command, b""));
    assert!(!seen.said.to_string().contains(TOKEN), "{}", seen.said);
    seen
}

/// What the four checks came to, in order: a letter each.
fn letters(seen: &Seen) -> String {
    [
        "forgeForcePush",
        "forgeDeletion",
        "forgeBypass",
        "forgeSignatures",
    ]
    .iter()
    .map(|check| match seen.states.get(*check).map(String::as_str) {
        Some("ok") => 'o',
        Some("off") => 'x',
        Some("unknown") => '?',
        _ => '-',
    })
    .collect()
}

#[test]
fn answers_that_are_none() {
    let world = World::new();
    let server = place(&world);
    let elsewhere = Forge::start(Answers::new());
    let redirect = format!("302 Found\r\nLocation: {}/api/v1/x\r\n\r\n", elsewhere.url);
    let plain = [
        status("401 Unauthorized"),
        status("403 Forbidden"),
        status("404 Not Found"),
        status("429 Too Many Requests"),
        format!("403 Forbidden\r\nX-RateLimit-Remaining: 0\r\n\r\n{}", "{}"),
        status("500 Internal Server Error"),
        redirect,
        json("<html>"),
        json("{}"),
        json("[1]"),
        json("[{\"rule_name\":7}]"),
        json(&"[".repeat(100_000)),
        json("\u{1b}]0;gotcha\u{7}"),
        "200 \u{1b}[31mOK\r\n\r\n".to_owned(),
        "200 OK\r\nContent-Length: 1000\r\n\r\n[".to_owned(),
        format!("200 OK\r\nX-Long: {}\r\n\r\n[]", "x".repeat(1 << 20)),
    ];
    for (at, answer) in plain.into_iter().enumerate() {
        let forge = Forge::play(move |stream, _| {
            write!(stream, "HTTP/1.1 {answer}").ok();
        });
        let seen = ask(&world, &server, "forgejo", &forge);
        assert_eq!(letters(&seen), "????", "case {at}: {}", seen.shown());
        assert_eq!(seen.said.code, 2, "case {at}");
        assert!(!seen.said.out.contains('\u{1b}'), "case {at}");
    }
    assert_eq!(
        elsewhere.heard(),
        [""; 0],
        "the token went on to where a redirect led"
    );
    // without an end, without a beginning, and one byte at a time
    let endless = Forge::play(|stream, _| {
        let chunk = [b'['; 1 << 16];
        let mut open = write!(stream, "HTTP/1.1 200 OK\r\n\r\n").is_ok();
        while open {
            open = stream.write_all(&chunk).is_ok();
        }
    });
    let silent = Forge::play(|_, _| std::thread::sleep(Duration::from_secs(60)));
    let slow = Forge::play(|stream, _| {
        let mut open = write!(stream, "HTTP/1.1 200 OK\r\n\r\n").is_ok();
        while open {
            std::thread::sleep(Duration::from_millis(50));
            open = stream.write_all(b" ").is_ok();
        }
    });
    for (what, forge) in [("endless", endless), ("silent", silent), ("slow", slow)] {
        let seen = ask(&world, &server, "gitea", &forge);
        assert_eq!(letters(&seen), "????", "{what}: {}", seen.shown());
        assert_eq!(seen.said.code, 2, "{what}");
    }
}

#[test]
fn a_token_goes_only_where_somebody_said() {
    let world = World::new();
    let server = place(&world);
    let forge = Forge::start(Answers::new());
    let doctor = |arguments: &[&str]| {
        let mut command = world.command(&server, env!("CARGO_BIN_EXE_git-ledger"));
        command
            .args(["doctor", "--json"])
            .args(arguments)
            .env("T", TOKEN);
        let said = run(command, b"");
        assert!(!said.to_string().contains(TOKEN), "{said}");
        said
    };
    // a remote on a host that nobody said is a forge is none
    assert_eq!(letters(&Seen::of(doctor(&[]).code(0))), "----");
    // but who gives a token wants somebody to be asked
    let seen = Seen::of(doctor(&["--token-env", "T"]).code(2));
    assert!(seen.said.out.contains("--forge-url"), "{}", seen.said);
    // without a token nobody is asked, and that is said
    let seen = Seen::of(
        doctor(&[
            "--remote",
            "hosted",
            "--forge",
            "gitea",
            "--forge-url",
            &forge.url,
        ])
        .code(2),
    );
    assert_eq!(letters(&seen), "????");
    assert!(seen.said.out.contains("there is no token"), "{}", seen.said);
    // a repository's configuration does not choose where a token goes
    let seen =
        Seen::of(doctor(&["--remote", "hosted", "--forge", "gitea", "--token-env", "T"]).code(2));
    assert!(seen.said.out.contains("--forge-url"), "{}", seen.said);
    // the well-known ones are known, and nobody is asked without a token
    world
        .git(
            &server,
            &["remote", "add", "hub", "git@github.com:acme/pay.git"],
        )
        .ok();
    let seen = Seen::of(doctor(&["--remote", "hub"]).code(2));
    assert!(
        seen.said.out.contains("GitHub acme/pay was not asked"),
        "{}",
        seen.said
    );
    for bad in ["http://git.acme.example", "ftp://x", "x"] {
        doctor(&[
            "--forge",
            "gitea",
            "--forge-url",
            bad,
            "--remote",
            "hosted",
            "--token-env",
            "T",
        ])
        .code(129);
    }
    doctor(&["--forge-url", &forge.url]).code(129);
    let said = doctor(&["--remote", "hub", "--token-env", "UNSET"]).code(129);
    assert!(said.err.contains("never the token itself"), "{said}");

    let file = world.path("token");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("a token");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    let path = file.display().to_string();
    let with_file = [
        "--remote",
        "hosted",
        "--forge",
        "gitea",
        "--forge-url",
        &forge.url,
        "--token-file",
        &path,
    ];
    let said = doctor(&with_file).code(128);
    assert!(said.err.contains("lets others read the token"), "{said}");
    assert_eq!(forge.heard(), [""; 0]);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    doctor(&with_file).code(2);
    assert!(forge.heard().join("").contains(TOKEN));
    std::fs::write(&file, "two words\n").expect("a token");
    doctor(&with_file).code(128);
}
