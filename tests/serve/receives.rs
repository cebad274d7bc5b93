//! Webhooks of each forge: recorded once, answered when durable.

use insta::assert_snapshot;

use super::client::{Answer, hmac, post};
use super::{KEY, SECRET, Serving, github, push, secrets, word};
use crate::recorded::assert_both_agree;
use crate::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Status and word.
fn short(answer: &Answer) -> String {
    format!("{} {}", answer.status, word(answer))
}

#[test]
fn a_delivery_is_recorded_once_whatever_it_calls_itself() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &[]);
    let body = push("main", '1', '2');
    let first = serving.github("d-1", "push", &body);
    assert_eq!(short(&first), "201 recorded", "{first:?}");
    let number = first.body.find(r#""number":1"#);
    assert!(number.is_some(), "{}", first.body);
    // again, replayed under another id, and beside another event's name
    for (delivery, kind) in [("d-1", "push"), ("d-2", "push"), ("", "push")] {
        let again = serving.github(delivery, kind, &body);
        assert_eq!(short(&again), "200 duplicate", "{again:?}");
        let digest = |answer: &Answer| {
            let at = answer.body.find("sha256:").expect("a digest");
            answer.body[at..at + 71].to_owned()
        };
        assert_eq!(digest(&first), digest(&again));
    }
    // one id, another body: both stand, and it is told
    let other = serving.github("d-1", "push", &push("main", '2', '3'));
    assert_eq!(short(&other), "201 recorded");
    assert_eq!(
        serving.metric("git_ledger_serve_delivery_conflicts_total{route=\"github\"}"),
        1.0
    );
    assert!(
        serving
            .log()
            .contains("warning: delivery-conflict route=github delivery=d-1")
    );
    let kinds: Vec<_> = serving
        .recorded()
        .iter()
        .map(|event| event.to_line())
        .collect();
    assert_eq!(kinds.len(), 2);
    assert!(
        kinds.iter().all(|line| !line.contains("ann@acme.example")),
        "no e-mail"
    );
    drop(serving);
    assert_both_agree(&world, "r");
}

#[test]
fn every_forge_by_its_own_scheme() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &[]);
    let hex = |body: &str| hmac(SECRET.as_bytes(), body.as_bytes());
    let body = push("gitea", '1', '2');
    let signed = |path: &str, forge: &str| {
        let signature = hex(&body);
        let headers = [
            (format!("X-{forge}-Event"), "push".to_owned()),
            (format!("X-{forge}-Delivery"), "1".to_owned()),
            (format!("X-{forge}-Signature"), signature.clone()),
            // both send GitHub's as well
            (
                "X-Hub-Signature-256".to_owned(),
                format!("sha256={signature}"),
            ),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ];
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        serving.send(&post(path, &headers, body.as_bytes()))
    };
    assert_eq!(short(&signed("/gitea", "Gitea")), "201 recorded");
    assert_eq!(short(&signed("/forgejo", "Forgejo")), "200 duplicate");
    assert_eq!(signed("/gitea", "Forgejo").status, 401);
    assert_eq!(signed("/gitea", "GitHub").status, 401);

    let gitlab = gitlab_push("1");
    let token = |secret: &str| {
        let headers = [
            ("X-Gitlab-Event", "Push Hook"),
            ("X-Gitlab-Token", secret),
            ("Content-Type", "application/json"),
        ];
        serving.send(&post("/gitlab", &headers, gitlab.as_bytes()))
    };
    assert_eq!(short(&token(SECRET)), "201 recorded");
    assert_eq!(token("a secret that is long enougH").status, 401);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a time")
        .as_secs();
    let standard = |time: u64, body: &str, signed: &str| {
        let key = STANDARD
            .decode(KEY.trim_start_matches("whsec_"))
            .expect("a key");
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
        let tag = aws_lc_rs::hmac::sign(&key, format!("m1.{time}.{signed}").as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(tag.as_ref()));
        let headers = [
            ("X-Gitlab-Event", "Push Hook"),
            ("webhook-id", "m1"),
            ("webhook-timestamp", &time.to_string()),
            ("webhook-signature", &signature),
            ("Content-Type", "application/json; charset=utf-8"),
        ];
        serving.send(&post("/gitlab", &headers, body.as_bytes()))
    };
    let other = gitlab_push("2");
    assert_eq!(short(&standard(now, &other, &other)), "201 recorded");
    assert_eq!(short(&standard(now, &other, &other)), "200 duplicate");
    for (time, signed) in [(now - 301, &other), (now + 310, &other), (now, &gitlab)] {
        assert_eq!(standard(time, &other, signed).status, 401);
    }
    let kinds: Vec<String> = serving
        .recorded()
        .iter()
        .map(|e| e.kind().to_owned())
        .collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
}

/// A push hook of GitLab to acme/payments.
fn gitlab_push(after: &str) -> String {
    let (before, after) = ("0".repeat(39) + "1", after.repeat(40));
    format!(
        r#"{{"object_kind":"push","event_name":"push","before":"{before}","after":"{after}","ref":"refs/heads/main","checkout_sha":"{after}","user_id":4,"user_username":"ann","project_id":15,"project":{{"id":15,"name":"payments","web_url":"https://gitlab.example/acme/payments","path_with_namespace":"acme/payments"}},"commits":[],"total_commits_count":0}}"#
    )
}

#[test]
fn only_the_repositories_that_are_listed() {
    let world = World::new();
    world.repository("r");
    let list = ["--repository", "acme/pay*", "--repository", "other/one"];
    let serving = Serving::start(&world, &list);
    let of = |name: &str| {
        let body = push("main", '1', '2').replace("acme/payments\"", &format!("{name}\""));
        serving.github("1", "push", &body).status
    };
    assert_eq!(of("acme/payments"), 201);
    assert_eq!(of("other/one"), 201);
    for foreign in [
        "acme/other",
        "evil/acme/payments",
        "Acme/payments",
        "",
        "other/one2",
    ] {
        assert_eq!(of(foreign), 403, "{foreign}");
    }
    let nameless = r#"{"zen":"Keep it logically awesome.","hook_id":1,"hook":{"type":"Organization"},"organization":{"login":"acme"}}"#;
    assert_eq!(serving.github("1", "ping", nameless).status, 403);
    assert_eq!(serving.recorded().len(), 2);
    drop(serving);
    // all of an owner's repositories: what concerns the owner as well
    let serving = Serving::start(&world, &["--repository", "acme/*"]);
    assert_eq!(serving.github("1", "ping", nameless).status, 201);
}

#[test]
fn secrets_come_from_files_and_variables_and_can_change() {
    let world = World::new();
    world.repository("r");
    let old = world.path("old");
    std::fs::write(&old, "the secret of yesterday").expect("a secret");
    let old = format!("github={}", old.display());
    let mut command = super::command(
        &world,
        &["--secret", "github=env:HOOK_SECRET", "--secret", &old],
    );
    command.env("HOOK_SECRET", "the secret of tomorrow");
    let serving = Serving::spawn(&world, command);
    let signed = |secret: &str, body: &str| {
        let signature = format!("sha256={}", hmac(secret.as_bytes(), body.as_bytes()));
        let headers = [
            ("X-GitHub-Event", "push"),
            ("X-Hub-Signature-256", &signature),
            ("Content-Type", "application/json"),
        ];
        serving
            .send(&post("/github", &headers, body.as_bytes()))
            .status
    };
    assert_eq!(signed("the secret of yesterday", &push("a", '1', '2')), 201);
    assert_eq!(signed("the secret of tomorrow", &push("b", '1', '2')), 201);
    assert_eq!(signed("the secret of nobody", &push("c", '1', '2')), 401);
    // a route without a secret is off
    assert_eq!(serving.send(&post("/gitea", &[], b"{}")).status, 404);
    assert!(
        serving.log().contains("others may read"),
        "{}",
        serving.log()
    );
    drop(serving);
    let words = |arguments: &[&str]| {
        let arguments = [&["serve"], arguments].concat();
        let said = world.ledger("r", &arguments).code(129);
        said.err.replace(&world.path("").display().to_string(), "/")
    };
    assert_snapshot!(words(&["--dry-run"]), @r"
    error: no route has a secret, so nobody could be believed
    hint: --secret github=FILE; the same secret goes into the webhook's settings
    ");
    assert_snapshot!(words(&["--secret", "hunter2hunter2hunter2"]), @r"
    error: a secret is given as ROUTE=FILE or ROUTE=env:NAME
    hint: the routes are github, gitlab, gitea, forgejo and events
    ");
    std::fs::write(world.path("short"), "short").expect("a secret");
    let short = format!("github={}", world.path("short").display());
    let said = words(&["--secret", &short]);
    assert!(said.contains("could be guessed"), "{said}");
    assert!(words(&["--secret", "github=env:NOT_SET"]).contains("'NOT_SET' is not set"));
    let all = secrets(&world);
    let mut public: Vec<&str> = all.iter().map(String::as_str).collect();
    public.extend(["--listen", "0.0.0.0:0"]);
    assert_snapshot!(words(&public), @r"
    error: 0.0.0.0 is not the loopback interface, and this server speaks no TLS
    hint: listen on 127.0.0.1 with a proxy in front, or say --public
    ");
    public.extend(["--public", "--dry-run"]);
    let said = world
        .ledger("r", &[&["serve"], &public[..]].concat())
        .code(0);
    assert!(said.err.contains("warning: no-tls"), "{said}");
    assert_eq!(
        said.out,
        "would listen on 0.0.0.0:0 for github, gitlab, gitea, forgejo, events\n"
    );
}

#[test]
fn what_a_server_says_of_itself() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &["--on-failure", "spool", "--timeout", "1"]);
    assert_eq!(short(&serving.get("/healthz")), "200 live");
    assert_eq!(short(&serving.get("/readyz")), "200 ready");
    serving.github("1", "push", &push("main", '1', '2'));
    serving.send(&post(
        "/github",
        &[("Content-Type", "application/json")],
        b"{}",
    ));
    let text = serving.get("/metrics").body;
    for line in [
        "git_ledger_serve_events_total{route=\"github\",outcome=\"recorded\"} 1",
        "git_ledger_serve_requests_total{route=\"github\",status=\"201\"} 1",
        "git_ledger_serve_requests_total{route=\"github\",status=\"401\"} 1",
        "git_ledger_serve_group_events_count 1",
        "git_ledger_serve_spooled_events 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    // promtool reads it, and has nothing to say against it
    let mut promtool = std::process::Command::new(crate::peers::program("promtool"));
    promtool.args(["check", "metrics"]);
    let said = crate::world::run(promtool, text.as_bytes());
    assert_eq!(
        (said.code, said.out.as_str(), said.err.as_str()),
        (0, "", ""),
        "{text}"
    );
    // a ledger that cannot be written is not ready, and still alive
    let lock = world.path("r/.git/git-ledger/lock");
    std::fs::remove_file(&lock).ok();
    std::fs::create_dir(&lock).expect("a directory in the way");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let not = serving.get("/readyz");
    assert_eq!((not.status, not.header("retry-after")), (503, Some("10")));
    assert!(!not.body.contains("r/.git"), "{}", not.body);
    assert_eq!(short(&serving.get("/healthz")), "200 live");
    let late = serving.github("2", "push", &push("late", '1', '2'));
    assert_eq!(late.status, 202, "spooled: {late:?}");
    std::fs::remove_dir(&lock).expect("out of the way");
    assert_eq!(serving.recorded().len(), 1);
    let one = github("3", "push", &push("late", '1', '2'));
    assert_eq!(
        serving.send(&one).status,
        201,
        "recorded now; the spool has it too"
    );
    drop(serving);
    // what waits is recorded at the next start, once
    let serving = Serving::start(&world, &[]);
    crate::servers::wait_until("the spool is empty", || {
        serving.metric("git_ledger_serve_spooled_events") == 0.0
    });
    assert_eq!(serving.recorded().len(), 2);
}

#[test]
fn what_may_not_wait_is_not_acknowledged_and_the_rest_is() {
    let world = World::new();
    world.repository("r");
    let serving = Serving::start(&world, &["--timeout", "1"]);
    let lock = world.path("r/.git/git-ledger/lock");
    std::fs::remove_file(&lock).ok();
    std::fs::create_dir(&lock).expect("a directory in the way");
    let token = format!("Bearer {SECRET}");
    let event = |kind: &str, id: &str| {
        format!(r#"{{"specversion":"1.0","type":"{kind}","source":"/ci","id":"{id}"}}"#)
    };
    let send = |kind: &str, body: &str| {
        let headers = [("Authorization", token.as_str()), ("Content-Type", kind)];
        serving.send(&post("/events", &headers, body.as_bytes()))
    };
    // as the policy that init writes says
    let (deployed, built) = ("dev.cdevents.service.deployed.0.3.0", "dev.acme.built");
    let one = "application/cloudevents+json";
    assert_eq!(send(one, &event(deployed, "1")).status, 503);
    assert_eq!(short(&send(one, &event(built, "2"))), "202 spooled");
    let both = format!("[{},{}]", event(deployed, "3"), event(built, "4"));
    let answer = send("application/cloudevents-batch+json", &both);
    assert_eq!(answer.status, 503);
    let words = r#""events":[{"status":"failed"},{"status":"spooled"}]"#;
    assert!(answer.body.contains(words), "{answer:?}");
    assert_eq!(serving.metric("git_ledger_serve_spooled_events"), 2.0);
    std::fs::remove_dir(&lock).expect("out of the way");
    assert_eq!(serving.recorded().len(), 0);
    drop(serving);
    world.ledger("r", &["flush"]).ok();
    let ids: Vec<String> = super::entries(&world.path("r/.git"))
        .iter()
        .flatten()
        .map(|event| event.id().to_owned())
        .collect();
    assert_eq!(ids, ["2", "4"]);
}

#[test]
fn remotes_have_what_was_acknowledged() {
    let world = World::new();
    world.repository("r");
    for name in ["first", "second"] {
        world.git("", &["init", "-q", "--bare", name]).ok();
        let url = world.path(name);
        let url = url.to_str().expect("a path");
        world.git("r", &["remote", "add", name, url]).ok();
        world.git("r", &["push", "-q", name, "ledger"]).ok();
    }
    let serving = Serving::start(&world, &["--push", "first", "second"]);
    assert_eq!(
        serving.github("1", "push", &push("main", '1', '2')).status,
        201
    );
    let tip = |dir: &str| world.git(dir, &["rev-parse", "refs/heads/ledger"]).ok();
    // the first decides, so it has it before the answer; the second gets it after
    assert_eq!(tip("first"), tip("r"));
    crate::servers::wait_until("the second has it", || tip("second") == tip("r"));
}

#[test]
fn the_sample_of_a_service_fits_this_program() {
    let world = World::new();
    world.repository("r");
    secrets(&world);
    let unit = include_str!("../../hooks/serve/git-ledger-serve.service");
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    let words = line.expect("a line").split(' ').skip(2);
    let place = world.path("secret").display().to_string();
    let words: Vec<String> = words
        .map(|word| word.replace("${CREDENTIALS_DIRECTORY}/github.secret", &place))
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = world.ledger("r", &[&["serve"][..], &words[..], &["--dry-run"]].concat());
    assert_eq!(said.ok(), "would listen on 127.0.0.1:8734 for github\n");
}
