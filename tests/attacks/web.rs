//! Against the pages of `git ledger web`: paths that lead out of it.

use std::fs;
use std::net::TcpStream;

use crate::browser::web::Web;
use crate::serve::client::{Answer, send};

use super::*;

/// What nobody may read who only reads a ledger.
const SECRET: &str = "the code is nobody's business";

/// Asks for a target as it is written here, which no browser would.
fn ask(web: &Web, target: &str) -> Answer {
    let address = web.origin.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("a connection");
    let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    send(&mut stream, request.as_bytes())
}

#[test]
fn paths_lead_nowhere_but_to_the_ledger() {
    let world = world();
    // beside the ledger there is code, and files beside the repository
    fs::write(world.path("r/secret"), SECRET).expect("a file");
    fs::write(world.path("secret"), SECRET).expect("a file");
    world.git("r", &["add", "secret"]).ok();
    world.git("r", &["commit", "--quiet", "-m", SECRET]).ok();
    let id = |name: &str| world.git("r", &["rev-parse", name]).ok().trim().to_owned();
    let (commit, blob, tree) = (id("main"), id("main:secret"), id("main^{tree}"));
    let web = Web::of(&world, &["r"]);
    let slug = web.judged().remove(0);
    let entry = ask(&web, &format!("/l/{slug}/entry/2"));
    assert_eq!(entry.status, 200, "the ledger itself is there");
    let up = [
        "../",
        "..%2f",
        "%2e%2e/",
        "%2e%2e%2f",
        "..\\",
        "..%5c",
        "%252e%252e%252f",
        "..%c0%af",
        "..;/",
    ];
    let mut targets = Vec::new();
    for up in up {
        let high = up.repeat(12);
        for way in [
            "",
            "assets/",
            "l/",
            &format!("l/{slug}/"),
            &format!("l/{slug}/entry/"),
            "api/v1/",
        ] {
            targets.push(format!("/{way}{high}etc/passwd"));
            targets.push(format!(
                "/{way}{}{}",
                up.repeat(3),
                world.path("secret").display()
            ));
            targets.push(format!("/{way}{up}{up}secret"));
            targets.push(format!("/{way}{up}.git/config"));
        }
    }
    for id in [&commit, &blob, &tree] {
        for end in ["", "/raw", "/proof"] {
            targets.push(format!("/l/{slug}/commit/{id}{end}"));
            targets.push(format!("/l/{slug}/entry/{id}{end}"));
        }
        targets.push(format!("/api/v1/ledgers/{slug}/entries/{id}"));
        targets.push(format!("/api/v1/ledgers/{slug}/entries/{id}/proof"));
    }
    for name in [
        "HEAD",
        "main",
        "refs%2fheads%2fmain",
        "main:secret",
        "ledger:ledger.toml",
        "-1",
        "1%00",
        "1%0d%0aX:%20y",
        "%ff",
    ] {
        targets.push(format!("/l/{slug}/commit/{name}"));
        targets.push(format!("/l/{slug}/entry/{name}"));
        targets.push(format!("/l/{slug}/entry/{name}/raw"));
        targets.push(format!("/l/{name}/"));
    }
    targets.push(format!("//{}", world.path("secret").display()));
    targets.push(format!("file://{}", world.path("secret").display()));
    targets.push(world.path("secret").display().to_string());
    targets.push(format!("/l/{}/", world.path("r").display()));
    targets.push("/assets/".into());
    targets.push("/assets/style.css/../../../Cargo.toml".into());
    for target in &targets {
        let answer = ask(&web, target);
        assert!((400..500).contains(&answer.status), "{target}: {answer:?}");
        for leaked in [SECRET, "root:x:", "[core]", "signingKey"] {
            assert!(!answer.body.contains(leaked), "{target}: {answer:?}");
        }
        // what is no request at all has no page for an answer
        let guarded = answer.header("content-security-policy");
        assert!(
            guarded.is_some() || answer.body.is_empty(),
            "{target}: {answer:?}"
        );
    }
    let still = ask(&web, &format!("/l/{slug}/entry/2"));
    assert_eq!(still.status, 200, "and it goes on");
}
