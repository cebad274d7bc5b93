//! Who is let in, for what: hosts, methods, addresses, tokens, proxies.

use std::io::{Read as _, Write as _};

use super::{Site, guarded};
use crate::index::ledger;
use crate::world::World;

/// Everything that stands at a path, before and behind the ledger's own.
const PATHS: &[&str] = &[
    "/",
    "/l/r/",
    "/l/r/log",
    "/l/r/entry/1",
    "/l/r/entry/1/raw",
    "/l/r/entry/1/proof",
    "/l/r/trace",
    "/l/r/policy",
    "/l/r/policy/0",
    "/l/r/findings",
    "/l/r/exceptions",
    "/help",
    "/assets/style.css",
    "/assets/app.js",
    "/assets/icon.svg",
    "/api/v1/ledgers",
    "/api/v1/openapi.json",
];

#[test]
fn every_path_is_read_and_never_written_and_only_by_its_own_name() {
    let world = ledger();
    let site = Site::start(&world, "r", &[]);
    site.settled("r");
    for path in PATHS {
        let read = site.get(path);
        assert_eq!(read.status, 200, "{path}: {read:?}");
        let mut stream = site.connect();
        let head = format!(
            "HEAD {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n",
            site.port
        );
        stream.write_all(head.as_bytes()).expect("a request");
        let mut said = String::new();
        stream.read_to_string(&mut said).expect("an answer");
        assert!(said.starts_with("HTTP/1.1 200 "), "{path}: {said}");
        assert!(said.ends_with("\r\n\r\n"), "{path}: {said}");
        for method in [
            "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY",
        ] {
            let answer = site.send(&format!(
                "{method} {path} HTTP/1.1\r\nHOST\r\nContent-Length: 0\r\n\r\n"
            ));
            guarded(&answer);
            assert_eq!(answer.status, 405, "{method} {path}: {answer:?}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD"));
        }
        let other = site.send(&format!(
            "GET {path} HTTP/1.1\r\nHost: evil.example\r\n\r\n"
        ));
        guarded(&other);
        assert_eq!(other.status, 421, "{path}: {other:?}");
        assert!(!other.body.contains("payments"), "{path}: {other:?}");
    }
    // nothing of it all changed the ledger
    assert_eq!(site.settled("r")["newest"]["number"], 7);
    world.ledger("r", &["verify"]).ok();
}

#[test]
fn odd_addresses_are_refused_cleanly() {
    let world = ledger();
    let site = Site::start(&world, "r", &[]);
    let long = format!("/l/r/log?q={}", "a".repeat(9000));
    for (path, status) in [
        ("/..", 400),
        ("/l/../../etc/passwd", 400),
        ("/assets/../../etc/passwd", 400),
        ("/assets/%2e%2e/x", 400),
        ("/%00", 400),
        ("/l/r/entry/%31", 400),
        ("/l/r/entry/1%00", 400),
        ("//evil.example/", 404),
        ("/l//log", 404),
        ("/l/r/log/", 404),
        ("/l/nobody/", 404),
        ("/l/R/", 404),
        ("/l/r/entry/", 404),
        ("/l/r/entry/-1", 400),
        ("/l/r/entry/x", 400),
        ("/l/r/entry/99", 404),
        ("/l/r/entry/99999999999999999999999", 400),
        ("/l/r/entry/1/", 404),
        ("/l/r/entry/99/raw", 404),
        ("/l/r/entry/99/proof", 404),
        ("/l/r/commit/xyz", 400),
        ("/l/r/commit/0000000", 404),
        ("/l/r/policy/1", 404),
        ("/l/r/log?q=%ff", 400),
        ("/l/r/log?q=%0", 400),
        ("/l/r/log?q=a%00b", 400),
        ("/l/r/log?q=a&q=b", 400),
        ("/l/r/log?nonsense=1", 400),
        ("/l/r/log?n=0", 400),
        ("/l/r/log?n=501", 400),
        ("/l/r/log?before=-1", 400),
        ("/l/r/log?live=yes", 400),
        (long.as_str(), 414),
        ("/api/v1/", 404),
        ("/api/v2/ledgers", 404),
        ("/api/v1/ledgers?x=1", 400),
        ("/.git/config", 404),
    ] {
        let answer = site.get(path);
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        let kind = answer.header("content-type").unwrap_or_default();
        let wanted = if path.starts_with("/api/") {
            "application/problem+json"
        } else {
            "text/html; charset=utf-8"
        };
        assert_eq!(kind, wanted, "{path}");
    }
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\n\r\n", 421),
        ("GET / HTTP/1.1\r\nHOST\r\nHOST\r\n\r\n", 400),
        ("GET http://evil.example/ HTTP/1.1\r\nHOST\r\n\r\n", 421),
        ("CONNECT evil.example:80 HTTP/1.1\r\nHOST\r\n\r\n", 421),
        ("GET * HTTP/1.1\r\nHOST\r\n\r\n", 400),
    ] {
        assert_eq!(site.send(request).status, status, "{request}");
    }
    // the first page is still there
    assert_eq!(site.get("/").status, 200);
}

#[test]
fn another_sites_page_gets_nothing() {
    let world = ledger();
    let site = Site::start(&world, "r", &[]);
    let cross =
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n";
    assert_eq!(site.get_with("/l/r/log?q=x", cross).status, 403);
    let origin = site.get_with("/api/v1/ledgers", "Origin: https://evil.example\r\n");
    assert_eq!(origin.header("access-control-allow-origin"), None);
    let followed =
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    assert_eq!(site.get_with("/l/r/", followed).status, 200);
}

#[test]
fn a_token_opens_everything_and_nothing_else_does() {
    let world = ledger();
    let token = world.path("token");
    std::fs::write(&token, "a token that is long enough\n").expect("a token");
    let arguments = ["--token", token.to_str().expect("a path")];
    let site = Site::start(&world, "r", &arguments);
    assert!(site.log().contains("others may read"), "{}", site.log());
    let bearer = "Authorization: Bearer a token that is long enough\r\n";
    // anybody:a token that is long enough
    let basic = "Authorization: Basic YW55Ym9keTphIHRva2VuIHRoYXQgaXMgbG9uZyBlbm91Z2g=\r\n";
    for path in PATHS {
        for wrong in ["", "Authorization: Bearer a token that is long enoug\r\n"] {
            let answer = site.get_with(path, wrong);
            assert_eq!(answer.status, 401, "{path}: {answer:?}");
            assert!(answer.header("www-authenticate").is_some());
            assert!(!answer.body.contains("payments"), "{path}: {answer:?}");
        }
        assert_ne!(site.get_with(path, bearer).status, 401, "{path}");
        assert_ne!(site.get_with(path, basic).status, 401, "{path}");
    }
    assert_eq!(site.get("/healthz").body, "live\n");
}

#[test]
fn a_proxy_says_who_reads() {
    let world = ledger();
    let arguments = [
        "--host",
        "audit.example",
        "--user-header",
        "X-Remote-User",
        "--user",
        "alice",
    ];
    let site = Site::start(&world, "r", &arguments);
    let ask = |headers: &str| {
        let request = format!("GET /l/r/ HTTP/1.1\r\nHost: audit.example\r\n{headers}\r\n");
        site.send(&request).status
    };
    assert_eq!(ask("X-Remote-User: alice\r\n"), 200);
    assert_eq!(ask(""), 403);
    assert_eq!(ask("X-Remote-User: mallory\r\n"), 403);
    assert_eq!(ask("X-Remote-User: alice\r\nX-Remote-User: alice\r\n"), 403);
}

#[test]
fn what_cannot_be_served_is_refused_before_it_listens() {
    let world = World::new();
    world.repository("r");
    let said = |arguments: &[&str]| world.ledger("r", &[&["web"], arguments].concat());
    for (arguments, code, why) in [
        (
            &["--listen", "0.0.0.0:0"][..],
            129,
            "not the loopback interface",
        ),
        (&["--host", "a b"], 129, "no name of a host"),
        (&["--repository", "nowhere"], 129, "no directory"),
        (&["--token", "nowhere"], 129, "cannot read the secret"),
        (
            &["--user-header", "Host", "--user", "x"],
            129,
            "something else",
        ),
        (&["--user-header", "X-User"], 129, "--user"),
        (&["--compare-every", "soon"], 129, "write 90s"),
    ] {
        let said = said(arguments).code(code);
        assert!(said.err.contains(why), "{arguments:?}: {said}");
    }
    std::fs::write(world.path("r/short"), "short").expect("a token");
    let short = said(&["--token", "short"]).code(129);
    assert!(short.err.contains("could be guessed"), "{short}");
    let dry = said(&["--dry-run", "--listen", "127.0.0.1:8735"]).ok();
    assert_eq!(
        dry,
        "would listen on 127.0.0.1:8735 for\n  r  refs/heads/ledger\n"
    );
    world.git("", &["init", "--quiet", "empty"]).ok();
    let none = world.ledger("empty", &["web"]).code(128);
    assert!(none.err.contains("there is no ledger"), "{none}");
}
