//! Every push is recorded once, with who pushed as the transport says it.

use git_ledger::json::Value;

use crate::servers::ssh::Sshd;
use crate::servers::web::{PASSWORD, Web};
use crate::servers::{Server, text, wait_until};
use crate::world::{World, run};

#[test]
fn over_ssh_with_key_options_and_certificate() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let sshd = Sshd::start(&world);
    let url = sshd.url(&server);
    server.set("receive.certNonceSeed", "a seed");
    let push = |key: &str, arguments: &[&str]| {
        let mut command = server.pushing(arguments);
        Sshd::as_user(&world, &mut command, key);
        command
            .env("GIT_AUTHOR_NAME", "root")
            .env("GL_USER", "root");
        run(command, b"")
    };

    push("ann", &["-o", "ticket=PAY-7", "-o", "a\tb", &url, "main"]).ok();
    let one = server.commit("two");
    let sign = ["-c", "gpg.format=ssh", "-c"];
    let signed = |key: &str, with: &str, arguments: &[&str]| {
        let key_file = format!("user.signingKey={}", world.key(with).display());
        let mut command = world.command("r", "git");
        command
            .args(sign)
            .arg(key_file)
            .args(["push", "--signed=yes"]);
        command.args(arguments);
        Sshd::as_user(&world, &mut command, key);
        run(command, b"").ok();
    };
    signed(
        "ann",
        "ann",
        &["-o", "x", &url, "main", "HEAD:refs/tags/v1"],
    );
    signed("bob", "mallory", &[&url, "HEAD:refs/heads/b"]);
    push("bob", &[&url, "HEAD:refs/heads/c"]).ok();

    let events = server.events();
    let kinds: Vec<&str> = events.iter().map(|event| event.kind()).collect();
    let (plain, certificate) = ("dev.git-ledger.push", "dev.git-ledger.push.certificate");
    assert_eq!(
        kinds,
        [plain, plain, certificate, plain, certificate, plain]
    );
    let fingerprint = |key: &str| {
        let key = git_ledger::signature::PublicKey::parse_text(&world.public(key));
        key.expect("a key").fingerprint()
    };

    let first = server.data(&events[0]);
    assert_eq!(events[0].source(), "/r.git");
    assert_eq!(events[0].subject(), Some("refs/heads/main"));
    assert_eq!(text(&first, "pusher.how"), "ssh");
    assert_eq!(text(&first, "pusher.user"), "ann");
    assert_eq!(text(&first, "pusher.address"), "127.0.0.1");
    assert_eq!(text(&first, "pusher.key"), fingerprint("ann"));
    let options = first.get("options").map(Value::to_canonical);
    assert_eq!(options.as_deref(), Some(r#"["ticket=PAY-7","a\tb"]"#));
    assert!(first.get("certificate").is_none());

    let second = server.data(&events[1]);
    assert_eq!(events[1].subject(), Some("2 refs"));
    assert_eq!(text(&second, "certificate.status"), "good");
    assert_eq!(text(&second, "certificate.signer"), "ann@acme");
    assert_eq!(text(&second, "certificate.key"), fingerprint("ann"));
    assert_eq!(text(&second, "certificate.nonce"), "OK");
    let refs = second.get("refs").and_then(Value::as_array).expect("refs");
    let update = refs[0].as_object().expect("an object");
    assert_eq!(text(update, "ref"), "refs/heads/main");
    assert_eq!(text(update, "new"), one);
    assert_eq!(text(update, "kind"), "update");
    assert_eq!(update.get("forced"), Some(&Value::Bool(false)));
    assert_eq!(events[2].id(), format!("{}/certificate", events[1].id()));
    let kept = server.attachment(&events[2]);
    assert!(kept.starts_with(b"certificate version 0.1\n"));

    let third = server.data(&events[3]);
    assert_eq!(text(&third, "certificate.status"), "unknown");
    assert!(text(&third, "pusher.key") == fingerprint("bob"));

    // an account that all share is all the server knows of bob, besides his key
    let fourth = server.data(&events[5]);
    assert_eq!(text(&fourth, "pusher.key"), fingerprint("bob"));
    server.append_beside(&url, |fetch| Sshd::as_user(&world, fetch, "ann"));
    push("ann", &[&url, "refs/heads/ledger"]).ok();
    assert_eq!(server.events().len(), 7);
    server.sound();
}

#[test]
fn over_http_with_the_name_and_without_the_password() {
    let world = World::new();
    let server = Server::of_format(&world, "r", "sha256");
    let web = Web::start(&world);
    let url = web.url(&server);
    server.push(&["-o", "a=b", &url, "main"]).ok();
    server.commit("two");
    let said = server
        .push(&[&url, "main", "main:refs/heads/ledger/x"])
        .code(1);
    assert!(
        said.err
            .contains("remote: git-ledger: refused pushRefName - - "),
        "{said}"
    );
    server.push(&[&url, "main"]).ok();

    let events = server.events();
    assert_eq!(events.len(), 2);
    for event in &events {
        let data = server.data(event);
        assert_eq!(text(&data, "pusher.how"), "http");
        assert_eq!(text(&data, "pusher.user"), "ann");
        assert_eq!(text(&data, "pusher.address"), "127.0.0.1");
        let line = event.to_line();
        assert!(
            !line.contains(PASSWORD) && !line.contains("YW5uO"),
            "{line}"
        );
    }
    let log = std::fs::read_to_string(server.path().join("git-ledger/refused.log")).expect("a log");
    assert!(log.contains("refused pushRefName") && log.contains(r#""user":"ann""#));
    assert!(!log.contains(PASSWORD) && !log.contains("YW5uO"));
    server.append_beside(&url, |_| {});
    server.push(&[&url, "refs/heads/ledger"]).ok();
    assert_eq!(server.events().len(), 3);
    server.sound();
    let clone = [
        "clone",
        "-q",
        "--bare",
        "-c",
        "transfer.fsckObjects=true",
        &url,
        "c",
    ];
    world.git("", &clone).ok();
}

#[test]
fn by_a_path_with_the_account_and_nothing_the_pusher_says() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let mut push = server.pushing(&["origin", "main"]);
    push.env("GIT_AUTHOR_NAME", "mallory")
        .env("GIT_COMMITTER_NAME", "mallory")
        .env("USER", "mallory")
        .env("LOGNAME", "mallory");
    run(push, b"").ok();
    let old = server.at("refs/heads/main");
    server.set("receive.denyNonFastForwards", "false");
    server.set("receive.denyDeletes", "false");
    let amend = ["commit", "-q", "--amend", "--allow-empty", "-m", "other"];
    world.git("r", &amend).ok();
    server.push(&["--force", "origin", "main"]).ok();
    server.push(&["origin", "main:refs/heads/two"]).ok();
    server.push(&["origin", ":refs/heads/two"]).ok();
    server.push(&["origin", "main"]).ok();

    let events = server.events();
    let told: Vec<String> = events
        .iter()
        .map(|event| {
            let data = server.data(event);
            assert!(!event.to_line().contains("mallory"));
            assert_eq!(text(&data, "pusher.how"), "local");
            let refs = data.get("refs").and_then(Value::as_array).expect("refs");
            let update = refs[0].as_object().expect("an object");
            format!("{} {:?}", text(update, "kind"), update.get("forced"))
        })
        .collect();
    let forced = |kind: &str, forced: bool| format!("{kind} {:?}", Some(Value::Bool(forced)));
    assert_eq!(
        told,
        [
            forced("create", false),
            forced("update", true),
            forced("create", false),
            forced("delete", false)
        ]
    );
    assert_ne!(old, server.at("refs/heads/main"));
    server.sound();
}

#[test]
fn a_thousand_refs_in_one_event() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let specs: Vec<String> = (0..1000).map(|n| format!("HEAD:refs/heads/b{n}")).collect();
    let arguments: Vec<&str> = std::iter::once("origin")
        .chain(specs.iter().map(String::as_str))
        .collect();
    server.push(&arguments).ok();
    let entries = server.entries();
    assert_eq!(entries.len(), 1);
    assert!(entries[0][0].attachment().is_some());
    assert_eq!(entries[0][0].subject(), Some("1000 refs"));
    let data = server.data(&entries[0][0]);
    assert_eq!(
        data.get("refs").and_then(Value::as_array).map(<[_]>::len),
        Some(1000)
    );
    server.sound();
}

#[test]
fn a_ref_that_no_string_can_hold() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let head = world.git("r", &["rev-parse", "HEAD"]).ok();
    use std::os::unix::ffi::OsStringExt as _;
    let name = [b"refs/heads/".as_slice(), b"caf\xe9\x1b"].concat();
    let mut push = server.pushing(&["origin"]);
    let plain = [head.trim().as_bytes(), b":", &name[..name.len() - 1]].concat();
    push.arg(std::ffi::OsString::from_vec(plain));
    run(push, b"").ok();
    let events = server.events();
    let refs = server.data(&events[0]);
    let refs = refs.get("refs").and_then(Value::as_array).expect("refs");
    let update = refs[0].as_object().expect("an object");
    assert_eq!(text(update, "ref_base64"), "cmVmcy9oZWFkcy9jYWbp");
    server.sound();
}

#[test]
fn the_mirrors_follow_and_nobody_waits_for_them() {
    let world = World::new();
    let server = Server::new(&world, "r");
    world.git("", &["init", "-q", "--bare", "copy.git"]).ok();
    // one that takes connections and says nothing
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let copy = world.path("copy.git");
    server.set("remote.copy.url", copy.to_str().expect("a path"));
    server.set("remote.silent.url", &format!("git://127.0.0.1:{port}/x"));
    server.set("ledger.acme.mirror", "silent");
    world
        .git(
            &server.name,
            &["config", "--add", "ledger.acme.mirror", "copy"],
        )
        .ok();
    let sshd = Sshd::start(&world);
    let started = std::time::Instant::now();
    let mut push = server.pushing(&[&sshd.url(&server), "main"]);
    Sshd::as_user(&world, &mut push, "ann");
    run(push, b"").ok();
    let took = started.elapsed();
    assert!(took.as_secs() < 8, "{took:?}");
    let tip = server.at("refs/heads/ledger");
    wait_until("the mirror has the entry", || {
        world
            .git(
                "copy.git",
                &["rev-parse", "-q", "--verify", "refs/heads/ledger"],
            )
            .out
            == tip
    });
}
