//! Requests that nobody honest sends: each gets its status, and leaves nothing in the ledger.

use std::io::{Read as _, Write as _};
use std::sync::Barrier;
use std::time::Duration;

use git_ledger::event::Event;

use super::client::{Answer, hmac, post, receive, rest};
use super::{SECRET, Serving, github, push};
use crate::servers::wait_until;
use crate::world::World;

/// A signed request with other headers beside, or in place of, the usual ones.
fn odd(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let signature = format!("sha256={}", hmac(SECRET.as_bytes(), body));
    let usual = [
        ("X-GitHub-Event", "push"),
        ("X-Hub-Signature-256", signature.as_str()),
        ("Content-Type", "application/json"),
    ];
    let mut all: Vec<(&str, &str)> = usual
        .into_iter()
        .filter(|(name, _)| {
            headers
                .iter()
                .all(|(other, _)| !other.eq_ignore_ascii_case(name))
        })
        .collect();
    // a header without a value is left out
    all.extend(headers.iter().filter(|(_, value)| *value != "-"));
    post(path, &all, body)
}

/// Nothing recorded, and it still works.
fn assert_untouched(serving: &Serving) {
    assert_eq!(serving.recorded(), Vec::<Event>::new());
    assert_eq!(serving.get("/healthz").status, 200);
}

#[test]
fn forged_and_doubled_signatures() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &[]);
    let body = push("main", '1', '2');
    let body = body.as_bytes();
    let good = format!("sha256={}", hmac(SECRET.as_bytes(), body));
    let other = format!("sha256={}", hmac(b"another secret, long enough", body));
    let sha1 = "sha1=0123456789012345678901234567890123456789";
    for signature in [
        "-",
        "",
        "sha256=",
        &other,
        sha1,
        &good[7..],
        &good[..70],
        "sha256=zz",
    ] {
        let answer = serving.send(&odd("/github", &[("X-Hub-Signature-256", signature)], body));
        assert_eq!(answer.status, 401, "{signature}: {answer:?}");
    }
    let old = [("X-Hub-Signature-256", "-"), ("X-Hub-Signature", sha1)];
    assert_eq!(serving.send(&odd("/github", &old, body)).status, 401);
    for two in [
        [good.as_str(), other.as_str()],
        [&other, &good],
        [&good, &good],
    ] {
        let headers = two.map(|value| ("X-Hub-Signature-256", value));
        assert_eq!(serving.send(&odd("/github", &headers, body)).status, 400);
    }
    // signed for one body, sent with another
    let signed = [("X-Hub-Signature-256", good.as_str())];
    let changed = push("main", '1', '3');
    assert_eq!(
        serving
            .send(&odd("/github", &signed, changed.as_bytes()))
            .status,
        401
    );
    // good on one route, not on another
    for path in ["/gitea", "/forgejo", "/gitlab"] {
        assert_eq!(serving.send(&odd(path, &[], body)).status, 401, "{path}");
    }
    assert!(
        serving.log().contains("not-believed route=github"),
        "{}",
        serving.log()
    );
    assert!(!serving.log().contains(SECRET));
    assert_untouched(&serving);
}

#[test]
fn forms_other_types_and_compressed_bodies() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &[]);
    let form = b"payload=%7B%22zen%22%3A%22x%22%7D";
    let answer = serving.send(&odd(
        "/github",
        &[("Content-Type", "application/x-www-form-urlencoded")],
        form,
    ));
    assert_eq!(answer.status, 415);
    assert!(answer.body.contains("application/json"), "{answer:?}");
    let body = push("main", '1', '2');
    for header in [
        ("Content-Type", "-"),
        ("Content-Type", "text/html"),
        ("Content-Type", "application/json5"),
        ("Content-Encoding", "gzip"),
        ("Content-Encoding", "deflate, gzip"),
    ] {
        let answer = serving.send(&odd("/github", &[header], body.as_bytes()));
        assert_eq!(answer.status, 415, "{header:?}");
    }
    assert_untouched(&serving);
}

#[test]
fn bodies_that_are_no_delivery() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &[]);
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep = format!(r#"{{"ref":{deep}}}"#);
    for body in [
        "",
        "{",
        "[]",
        "null",
        "1",
        "{\"ref\":\"\u{0}\"}",
        "{}",
        &deep,
        "{\"a\":1}{\"a\":2}",
    ] {
        let answer = serving.send(&github("1", "push", body));
        assert_eq!(
            answer.status,
            400,
            "{}",
            body.chars().take(40).collect::<String>()
        );
    }
    assert_eq!(
        serving.send(&odd("/github", &[], b"\xff\xfe{}")).status,
        400
    );
    let body = push("main", '1', '2');
    // no name of an event
    for kind in [
        "-",
        "",
        "../x",
        "push\u{e9}",
        "PUSH",
        "a b",
        &"x".repeat(300),
    ] {
        let answer = serving.send(&odd(
            "/github",
            &[("X-GitHub-Event", kind)],
            body.as_bytes(),
        ));
        assert_eq!(answer.status, 400, "{kind}: {answer:?}");
        assert!(
            !answer.body.contains("PUSH"),
            "nothing comes back: {answer:?}"
        );
    }
    // a header that is none
    for line in [
        "X-GitHub-Event: pu\x01sh",
        "X-GitHub-Event : push",
        " folded: x",
        "X-GitHub-Event: push\rX: y",
    ] {
        let request = github("1", "push", &body);
        let request = String::from_utf8(request)
            .expect("text")
            .replace("X-GitHub-Event: push", line);
        let answer = serving.send(request.as_bytes());
        assert_eq!(answer.status, 400, "{line}: {answer:?}");
    }
}

#[test]
fn sizes_that_are_said_sent_and_lied_about() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &["--max-body", "5000"]);
    let head = "POST /github HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\nContent-Type: application/json\r\n";
    // said to be too large: answered before any of it is sent
    for length in ["5001", "99999999999", "18446744073709551615"] {
        let answer = serving.send(format!("{head}Content-Length: {length}\r\n\r\n").as_bytes());
        assert!([413, 431].contains(&answer.status), "{length}: {answer:?}");
    }
    // in pieces without end
    let mut stream = serving.connect();
    let begun = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    stream.write_all(begun.as_bytes()).expect("a head");
    let chunk = format!("400\r\n{}\r\n", "x".repeat(0x400));
    for _ in 0..6 {
        stream.write_all(chunk.as_bytes()).ok();
    }
    assert_eq!(receive(&mut stream).status, 413);
    // shorter than said: cut off
    let mut stream = serving.connect();
    stream
        .write_all(format!("{head}Content-Length: 100\r\n\r\n{{}}").as_bytes())
        .expect("a part");
    stream.shutdown(std::net::Shutdown::Write).expect("an end");
    let answer = receive(&mut stream);
    assert!([400, 0].contains(&answer.status), "{answer:?}");
    // longer than said: what is beyond is no request of its own
    let body = push("main", '1', '2');
    let mut request = github("1", "push", &body);
    request.extend(b"GARBAGE\r\n\r\n");
    let mut stream = serving.connect();
    stream.write_all(&request).expect("a request");
    assert_eq!(receive(&mut stream).status, 201);
    let after = rest(&mut stream);
    assert!(
        after.is_empty() || after.starts_with("HTTP/1.1 400"),
        "{after}"
    );
    // heads without end
    let many: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    let long = format!("X: {}\r\n", "y".repeat(200_000));
    for headers in [many, long] {
        let answer = serving.send(format!("GET /healthz HTTP/1.1\r\n{headers}\r\n").as_bytes());
        assert!([431, 0].contains(&answer.status), "{answer:?}");
    }
    let path = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000));
    let answer = serving.send(path.as_bytes());
    assert!([414, 431, 0].contains(&answer.status), "{answer:?}");
    assert_eq!(serving.recorded().len(), 1);
    assert_eq!(serving.get("/healthz").status, 200);
}

#[test]
fn requests_in_requests() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &[]);
    let inner = String::from_utf8(github("2", "push", &push("inner", '1', '2'))).expect("text");
    let head = "POST /github HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\nContent-Type: application/json\r\n";
    for lengths in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity\r\nContent-Length: 0",
        "Content-Length: 0\r\nContent-Length: 5",
        "Content-Length: +5",
        "Content-Length: 0, 0",
        "Content-Length: -1",
    ] {
        let mut stream = serving.connect();
        let request = format!("{head}{lengths}\r\n\r\n0\r\n\r\n{inner}");
        stream.write_all(request.as_bytes()).ok();
        let said = rest(&mut stream);
        // one answer, and what follows is nobody's request
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{lengths}\n{said}");
        assert!(said.starts_with("HTTP/1.1 4"), "{lengths}\n{said}");
    }
    assert_untouched(&serving);
    // honest requests may follow each other without waiting
    let mut stream = serving.connect();
    for branch in ["a", "b", "c"] {
        let request = github(branch, "push", &push(branch, '1', '2'));
        stream.write_all(&request).expect("a request");
    }
    for _ in 0..3 {
        assert_eq!(receive(&mut stream).status, 201);
    }
    // and an honest one may come in pieces; nothing follows it on its connection
    let body = push("d", '1', '2');
    let signature = format!("sha256={}", hmac(SECRET.as_bytes(), body.as_bytes()));
    let (one, two) = body.split_at(100);
    let request = format!(
        "{head}X-Hub-Signature-256: {signature}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{one}\r\n{:x};x=y\r\n{two}\r\n0\r\n\r\n{inner}",
        one.len(),
        two.len()
    );
    let mut stream = serving.connect();
    stream.write_all(request.as_bytes()).expect("a request");
    let said = rest(&mut stream);
    assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{said}");
    assert!(
        said.starts_with("HTTP/1.1 201") && said.contains("connection: close"),
        "{said}"
    );
    assert_eq!(serving.recorded().len(), 4);
}

#[test]
fn other_paths_and_methods() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &[]);
    let ask = |method: &str, path: &str| {
        serving.send(
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes(),
        )
    };
    for path in [
        "/",
        "/github/",
        "//github",
        "/GitHub",
        "/../github",
        "/github/../../etc/passwd",
        "/%67ithub",
        "/.git/config",
        "/github%00",
        "*",
    ] {
        assert_eq!(ask("POST", path).status, 404, "{path}");
    }
    for (method, path, allow) in [
        ("GET", "/github", "POST"),
        ("OPTIONS", "/events", "POST"),
        ("PUT", "/gitlab", "POST"),
        ("TRACE", "/gitea", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("DELETE", "/metrics", "GET, HEAD"),
        ("OPTIONS", "/readyz", "GET, HEAD"),
    ] {
        let answer: Answer = ask(method, path);
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some(allow)),
            "{method} {path}"
        );
    }
    let mut stream = serving.connect();
    stream
        .write_all(b"HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .expect("a request");
    let said = rest(&mut stream);
    assert!(
        said.starts_with("HTTP/1.1 200") && said.ends_with("\r\n\r\n"),
        "{said}"
    );
    assert_eq!(ask("CONNECT", "example.org:443").status, 404);
    assert!([400, 404].contains(&ask("GET", "http://example.org/github?x=<script>").status));
    // nothing of a request comes back
    let answer = ask("GET", "/%3Cscript%3Ealert(1)%3C/script%3E");
    assert!(!answer.body.contains("script"), "{answer:?}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_untouched(&serving);
}

#[test]
fn words_that_somebody_obeys() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &[]);
    let words = [
        "\u{1b}[2J",
        "a\u{202e}b",
        "<img src=x onerror=alert(1)>",
        "::error::x",
        "x\ny",
        "--upload-pack=touch",
        "$(touch x)",
    ];
    for word in words {
        let answer = serving.github("1", "push", &push(word, '1', '2'));
        assert_eq!(answer.status, 201, "{word}: {answer:?}");
        assert!(!answer.body.contains(word), "{answer:?}");
    }
    let shown = world.ledger("r", &["log"]).ok() + &serving.log();
    let raw = ['\u{1b}', '\u{202e}'];
    assert!(!shown.contains(raw), "{shown}");
    // an event nobody knows is kept by its digest
    let body = r#"{"action":"exploded","secret":"hunter2hunter2","repository":{"full_name":"acme/payments"}}"#;
    assert_eq!(serving.github("1", "volcano", body).status, 201);
    let recorded = serving.recorded();
    assert_eq!(recorded.len(), words.len() + 1);
    let last = recorded.last().expect("an event").to_line();
    assert!(last.contains("com.github.volcano.exploded"), "{last}");
    assert!(
        last.contains("\"payload\":{\"bytes\":") && !last.contains("hunter2"),
        "{last}"
    );
    drop(serving);
    crate::recorded::assert_both_agree(&world, "r");
}

#[test]
fn a_hundred_at_once_are_one() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &[]);
    let body = push("main", '1', '2');
    let barrier = Barrier::new(100);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..100)
            .map(|n: u32| {
                let (barrier, body, serving) = (&barrier, &body, &serving);
                scope.spawn(move || {
                    let request = github(&n.to_string(), "push", body);
                    let mut stream = serving.connect();
                    barrier.wait();
                    super::client::send(&mut stream, &request).status
                })
            })
            .collect();
        all.into_iter()
            .map(|one| one.join().expect("an answer"))
            .collect()
    });
    let count = |status: u16| statuses.iter().filter(|found| **found == status).count();
    assert_eq!((count(201), count(200)), (1, 99), "{statuses:?}");
    assert_eq!(serving.recorded().len(), 1);
}

#[test]
fn too_many_and_too_slow() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &["--max-connections", "4", "--max-wait", "1"]);
    // heads and bodies that never end
    let request = github("1", "push", &push("main", '1', '2'));
    let mut slow: Vec<_> = (0..4).map(|_| serving.connect()).collect();
    for (at, stream) in slow.iter_mut().enumerate() {
        let part = if at % 2 == 0 { 20 } else { request.len() - 10 };
        stream.write_all(&request[..part]).expect("a part");
    }
    // the fifth is one too many
    let mut fifth = serving.connect();
    let answer = receive(&mut fifth);
    assert!([503, 0].contains(&answer.status), "{answer:?}");
    // one byte now and then does not keep them
    let mut last = slow.pop().expect("a connection");
    let mut drip = last.try_clone().expect("a connection");
    let dripping = std::thread::spawn(move || {
        let end = &request[request.len() - 10..];
        for byte in end.iter().cycle().take(100) {
            if drip.write_all(&[*byte]).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(300));
        }
    });
    let said: Vec<String> = slow.iter_mut().map(rest).collect();
    for (at, said) in said.iter().enumerate() {
        let fitting = if at % 2 == 0 {
            said.is_empty() || said.starts_with("HTTP/1.1 408")
        } else {
            said.starts_with("HTTP/1.1 408")
        };
        assert!(fitting, "{at}: {said}");
    }
    let mut bytes = [0; 12];
    last.read_exact(&mut bytes).ok();
    assert!(
        bytes.starts_with(b"HTTP/1.1 408") || bytes == [0; 12],
        "{bytes:?}"
    );
    drop(last);
    dripping.join().expect("a thread");
    wait_until("there is room again", || {
        serving.get("/healthz").status == 200
    });
    assert!(serving.metric("git_ledger_serve_turned_away_total") >= 1.0);
    // nor does doing nothing, before the first request and after it
    let mut idle = serving.connect();
    assert_eq!(rest(&mut idle), "");
    let mut idle = serving.connect();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("a request");
    assert_eq!(rest(&mut idle).matches("HTTP/1.1 ").count(), 1);
    assert_untouched(&serving);
}
