//! The rules of forges, told by a small server that plays the documented answers, and worse ones.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::servers::{Running, free_port, listens};
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

fn rule(kind: &str, id: u32) -> String {
    format!(
        r#"{{"type":"{kind}","ruleset_source_type":"Repository","ruleset_source":"acme/pay","ruleset_id":{id}}}"#
    )
}

fn rules(kinds: &[&str]) -> String {
    let all: Vec<String> = kinds.iter().map(|kind| rule(kind, 7)).collect();
    json(&format!("[{}]", all.join(",")))
}

fn ruleset(bypass: &str) -> String {
    json(&format!(
        r#"{{"id":7,"name":"ledger","target":"branch","source_type":"Repository","enforcement":"active"{bypass},"current_user_can_bypass":"never"}}"#
    ))
}

fn classic(admins: bool, force: bool, delete: bool, signed: bool) -> String {
    json(&format!(
        r#"{{"enforce_admins":{{"enabled":{admins}}},"required_signatures":{{"enabled":{signed}}},"allow_force_pushes":{{"enabled":{force}}},"allow_deletions":{{"enabled":{delete}}}}}"#
    ))
}

#[test]
fn github() {
    const RULES: &str = "/api/v3/repos/acme/pay/rules/branches/ledger";
    const RULESET: &str = "/api/v3/repos/acme/pay/rulesets/7";
    const BRANCH: &str = "/api/v3/repos/acme/pay/branches/ledger";
    const CLASSIC: &str = "/api/v3/repos/acme/pay/branches/ledger/protection";
    const ALL: &[&str] = &[
        "deletion",
        "non_fast_forward",
        "required_signatures",
        "update",
    ];
    let world = World::new();
    let server = place(&world);
    let nobody = r#","bypass_actors":[]"#;
    let admins =
        r#","bypass_actors":[{"actor_id":5,"actor_type":"RepositoryRole","bypass_mode":"always"}]"#;
    let unprotected = json(r#"{"name":"ledger","protected":false,"protection":{"enabled":false}}"#);
    let protected = json(r#"{"name":"ledger","protected":true,"protection":{"enabled":true}}"#);
    let none = json("[]");
    let cases: Vec<(&str, Vec<(&'static str, String)>)> = vec![
        (
            "oooo",
            vec![
                (RULES, rules(ALL)),
                (RULESET, ruleset(nobody)),
                (BRANCH, unprotected.clone()),
            ],
        ),
        // one rule is missing, and only that is told
        (
            "oooo",
            vec![
                (RULES, rules(&ALL[..3])),
                (RULESET, ruleset(nobody)),
                (CLASSIC, classic(true, true, true, false)),
            ],
        ),
        (
            "ooox",
            vec![
                (RULES, rules(&ALL[..2])),
                (RULESET, ruleset(nobody)),
                (BRANCH, unprotected.clone()),
            ],
        ),
        (
            "xoxo",
            vec![
                (RULES, rules(&["deletion", "required_signatures"])),
                (RULESET, ruleset(nobody)),
                (BRANCH, unprotected.clone()),
            ],
        ),
        (
            "oxxo",
            vec![
                (RULES, rules(&["non_fast_forward", "required_signatures"])),
                (RULESET, ruleset(nobody)),
                (BRANCH, unprotected.clone()),
            ],
        ),
        // who may bypass
        (
            "ooxo",
            vec![
                (RULES, rules(ALL)),
                (RULESET, ruleset(admins)),
                (BRANCH, unprotected.clone()),
            ],
        ),
        (
            "oo?o",
            vec![
                (RULES, rules(ALL)),
                (RULESET, ruleset("")),
                (BRANCH, unprotected.clone()),
            ],
        ),
        (
            "oo?o",
            vec![(RULES, rules(ALL)), (BRANCH, unprotected.clone())],
        ),
        (
            "oooo",
            vec![
                (RULES, rules(ALL)),
                (RULESET, ruleset(admins)),
                (CLASSIC, classic(true, false, false, true)),
            ],
        ),
        // classic branch protection alone
        (
            "oooo",
            vec![
                (RULES, none.clone()),
                (CLASSIC, classic(true, false, false, true)),
            ],
        ),
        (
            "ooxo",
            vec![
                (RULES, none.clone()),
                (CLASSIC, classic(false, false, false, true)),
            ],
        ),
        (
            "xoxo",
            vec![
                (RULES, none.clone()),
                (CLASSIC, classic(true, true, false, true)),
            ],
        ),
        (
            "oxxo",
            vec![
                (RULES, none.clone()),
                (CLASSIC, classic(true, false, true, true)),
            ],
        ),
        (
            "ooox",
            vec![
                (RULES, none.clone()),
                (CLASSIC, classic(true, false, false, false)),
            ],
        ),
        // nothing at all, and nothing that is told
        (
            "xxxx",
            vec![(RULES, none.clone()), (BRANCH, unprotected.clone())],
        ),
        (
            "????",
            vec![
                (RULES, none.clone()),
                (CLASSIC, status("403 Forbidden")),
                (BRANCH, protected),
            ],
        ),
        ("????", vec![(RULES, none)]),
    ];
    for (at, (expected, answers)) in cases.into_iter().enumerate() {
        let forge = Forge::start(answers.into_iter().collect());
        let seen = ask(&world, &server, "github", &forge);
        assert_eq!(letters(&seen), expected, "case {at}: {}", seen.shown());
        let code = if expected.contains('x') {
            1
        } else if expected.contains('?') {
            2
        } else {
            0
        };
        assert_eq!(seen.said.code, code, "case {at}");
        for head in forge.heard() {
            let lower = head.to_ascii_lowercase();
            assert!(lower.starts_with("get /api/v3/"), "{head}");
            assert!(
                lower.contains(&format!("authorization: bearer {TOKEN}")),
                "{head}"
            );
            assert!(lower.contains("x-github-api-version: 2022-11-28"), "{head}");
        }
    }
}

#[test]
fn gitlab() {
    const BRANCHES: &str = "/api/v4/projects/acme%2Fpay/protected_branches";
    const RULE: &str = "/api/v4/projects/acme%2Fpay/push_rule";
    let world = World::new();
    let server = place(&world);
    let branch = |name: &str, force: bool, unprotect: &str| {
        json(&format!(
            r#"[{{"id":1,"name":"main","allow_force_push":true}},{{"id":2,"name":"{name}","push_access_levels":[{{"id":1,"access_level":40,"access_level_description":"Maintainers"}}],"allow_force_push":{force}{unprotect}}}]"#
        ))
    };
    let admins = r#","unprotect_access_levels":[{"id":3,"access_level":60}]"#;
    let maintainers = r#","unprotect_access_levels":[{"id":3,"access_level":40}]"#;
    let signed = json(r#"{"id":1,"reject_unsigned_commits":true}"#);
    let unsigned = json(r#"{"id":1,"reject_unsigned_commits":false}"#);
    for (at, (expected, answers)) in [
        (
            "oooo",
            vec![
                (BRANCHES, branch("ledger", false, admins)),
                (RULE, signed.clone()),
            ],
        ),
        (
            "oooo",
            vec![
                (BRANCHES, branch("l*r", false, admins)),
                (RULE, signed.clone()),
            ],
        ),
        (
            "ooox",
            vec![
                (BRANCHES, branch("ledger", false, admins)),
                (RULE, unsigned),
            ],
        ),
        (
            "ooox",
            vec![
                (BRANCHES, branch("ledger", false, admins)),
                (RULE, json("null")),
            ],
        ),
        ("ooo-", vec![(BRANCHES, branch("ledger", false, admins))]),
        (
            "ooxo",
            vec![
                (BRANCHES, branch("ledger", false, maintainers)),
                (RULE, signed.clone()),
            ],
        ),
        (
            "ooxo",
            vec![
                (BRANCHES, branch("ledger", false, "")),
                (RULE, signed.clone()),
            ],
        ),
        (
            "xooo",
            vec![
                (BRANCHES, branch("ledger", true, admins)),
                (RULE, signed.clone()),
            ],
        ),
        (
            "xxxo",
            vec![(BRANCHES, branch("ledgers", false, admins)), (RULE, signed)],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let forge = Forge::start(answers.into_iter().collect());
        let seen = ask(&world, &server, "gitlab", &forge);
        assert_eq!(letters(&seen), expected, "case {at}: {}", seen.shown());
        let heard = forge.heard().join("").to_ascii_lowercase();
        assert!(heard.contains(&format!("private-token: {TOKEN}")));
    }
}

#[test]
fn gitea_and_forgejo() {
    const BRANCHES: &str = "/api/v1/repos/acme/pay/branch_protections";
    let world = World::new();
    let server = place(&world);
    let rule = |name: &str, more: &str| {
        format!(
            r#"{{"branch_name":"{name}","rule_name":"{name}","enable_push":true,"require_signed_commits":true{more}}}"#
        )
    };
    let loose = rule("led*", r#","enable_force_push":true"#);
    for (at, (kind, expected, rules)) in [
        (
            "gitea",
            "oooo",
            rule("ledger", r#","enable_force_push":false"#),
        ),
        (
            "gitea",
            "xooo",
            rule("ledger", r#","enable_force_push":true"#),
        ),
        (
            "gitea",
            "ooxo",
            rule("ledger", r#","enable_bypass_allowlist":true"#),
        ),
        // the rule of the branch's own name comes first
        ("gitea", "oooo", format!("{loose},{}", rule("ledger", ""))),
        ("gitea", "xooo", format!("{loose},{}", rule("*", ""))),
        ("gitea", "xxxx", rule("main", "")),
        (
            "forgejo",
            "oooo",
            rule("ledger", r#","apply_to_admins":true"#),
        ),
        (
            "forgejo",
            "ooxo",
            rule("ledger", r#","apply_to_admins":false"#),
        ),
        (
            "forgejo",
            "ooox",
            rule("ledger", r#","apply_to_admins":true"#)
                .replace("commits\":true", "commits\":false"),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let forge = Forge::start(BTreeMap::from([(BRANCHES, json(&format!("[{rules}]")))]));
        let seen = ask(&world, &server, kind, &forge);
        assert_eq!(letters(&seen), expected, "case {at}: {}", seen.shown());
        let heard = forge.heard().join("").to_ascii_lowercase();
        assert!(heard.contains(&format!("authorization: token {TOKEN}")));
    }
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

/// A forge behind TLS: nginx, with a certificate of an authority that only this test knows.
#[test]
fn tls_is_checked() {
    let world = World::new();
    let server = place(&world);
    let dir = world.path("tls");
    std::fs::create_dir(&dir).expect("a directory");
    let openssl = |arguments: &[&str]| {
        let mut command = world.command("tls", "openssl");
        command.args(arguments);
        run(command, b"").ok()
    };
    let curve = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    let authority = [
        "req",
        "-x509",
        "-subj",
        "/CN=authority",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    ];
    openssl(&[&authority[..], &curve].concat());
    let request = [
        "req",
        "-subj",
        "/CN=forge",
        "-keyout",
        "forge.key",
        "-out",
        "forge.csr",
    ];
    openssl(&[&request[..], &curve].concat());
    std::fs::write(dir.join("names"), "subjectAltName=IP:127.0.0.1\n").expect("a file");
    openssl(&[
        "x509",
        "-req",
        "-in",
        "forge.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-extfile",
        "names",
        "-out",
        "forge.pem",
    ]);
    let port = free_port();
    let shown = dir.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {shown}/{what};\n"))
        .concat();
    let rules = r#"[{"rule_name":"ledger","require_signed_commits":true,"apply_to_admins":true}]"#;
    let config = format!(
        "daemon off; master_process off; pid {shown}/pid; error_log {shown}/error.log; worker_processes 1;\n\
         events {{}}\nhttp {{ access_log {shown}/access.log; default_type application/json; {temporary}\n\
         server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {shown}/forge.pem; ssl_certificate_key {shown}/forge.key;\n\
         location = /api/v1/repos/acme/pay/branch_protections {{ return 200 '{rules}'; }} }} }}\n"
    );
    std::fs::write(dir.join("nginx.conf"), config).expect("configuration");
    let mut nginx = std::process::Command::new("/usr/sbin/nginx");
    nginx
        .args(["-e", &dir.join("error.log").display().to_string(), "-c"])
        .arg(dir.join("nginx.conf"));
    let _nginx = Running::start(nginx, &dir.join("nginx.log"), || listens(port));
    let ask = |host: &str, trust: Option<&str>| {
        let mut command = world.command(&server, env!("CARGO_BIN_EXE_git-ledger"));
        let url = format!("https://{host}:{port}");
        command
            .args(["doctor", "--json", "--remote", "hosted", "--timeout", "10"])
            .args([
                "--forge",
                "forgejo",
                "--forge-url",
                &url,
                "--token-env",
                "T",
            ])
            .env("T", TOKEN);
        if let Some(file) = trust {
            command.env("GIT_SSL_CAINFO", dir.join(file));
        }
        letters(&Seen::of(run(command, b"")))
    };
    assert_eq!(ask("127.0.0.1", Some("ca.pem")), "oooo");
    assert_eq!(ask("127.0.0.1", None), "????");
    assert_eq!(
        ask("localhost", Some("ca.pem")),
        "????",
        "the name is checked"
    );
    assert_eq!(ask("127.0.0.1", Some("ca.key")), "????");
    assert_eq!(ask("127.0.0.1", Some("absent")), "????");
    let asked = std::fs::read_to_string(dir.join("access.log")).unwrap_or_default();
    assert_eq!(
        asked.lines().filter(|line| line.contains(" 200 ")).count(),
        1,
        "{asked}"
    );
}
