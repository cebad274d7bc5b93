//! How an alert gets there, and what becomes of one that does not.

use git_ledger::webhook::{Headers, Scheme, Secret, check};

use super::*;
use crate::export::receiver::{Does, Receiver, Request};
use crate::serve::{KEY, Serving};

/// A program that keeps what it is told.
fn keeper(world: &World) -> String {
    let out = world.path("kept").display().to_string();
    script(
        world,
        "keep",
        &format!(
            "cat >>'{out}'\nenv | grep '^GIT_\\|^HOME\\|SECRET' | sort >>'{out}.env'\necho \"PWD=$(pwd)\" >>'{out}.env'"
        ),
    )
}

#[test]
fn a_program_is_told_and_its_variables_are_words_of_ours() {
    let world = called(EVIL);
    fork(&world);
    let channel = format!("command={}", keeper(&world));
    let mut command = world.command("r", "git");
    command
        .args(["ledger", "watch", "--once", "--alert", &channel])
        .env("GIT_LEDGER_KEY", "SECRET of a key")
        .env("GIT_DIR_OF_NOBODY", "SECRET");
    let said = run(command, b"").code(1);
    assert_eq!(said.err, "", "{said}");
    let kept = fs::read_to_string(world.path("kept")).expect("an alert");
    let alert: serde_json::Value =
        serde_json::from_str(kept.lines().next().expect("a line")).expect("JSON");
    assert_eq!(alert["type"], "dev.git-ledger.watch.alert");
    assert_eq!(alert["data"]["ledger"], EVIL);
    assert_eq!(alert["data"]["place"], "remote one");
    let variables = fs::read_to_string(world.path("kept.env")).expect("variables");
    assert!(
        variables.contains("GIT_LEDGER_ALERT_FINDING=mirrorForked\n"),
        "{variables}"
    );
    assert!(
        variables.contains("GIT_LEDGER_ALERT_KIND=found\n"),
        "{variables}"
    );
    assert!(
        !variables.contains("SECRET") && !variables.contains("acme"),
        "{variables}"
    );
    assert!(variables.contains("PWD=/\n"), "{variables}");
    assert!(!world.path("r/pwned").exists());
}

#[test]
fn a_program_that_hangs_is_stopped_and_tried_again() {
    let world = world();
    fork(&world);
    let hangs = script(&world, "hangs", "sleep 600 & sleep 600");
    let channel = format!("command={hangs}");
    let words = ["--alert", channel.as_str(), "--alert-timeout", "1"];
    let said = once(&world, &words).code(1);
    assert!(
        said.err
            .contains("did not end within 1 s and was stopped; it is kept"),
        "{said}"
    );
    assert!(said.out.contains("alerts undelivered"), "{said}");
    // too early to try again, and not forgotten
    let said = once(&world, &words).code(1);
    assert!(!said.err.contains("was stopped"), "{said}");
    world.sleep(60);
    keeper(&world);
    fs::rename(world.path("keep"), world.path("hangs")).expect("a better program");
    let said = once(&world, &words).code(1);
    assert!(!said.out.contains("undelivered"), "{said}");
    let kept = fs::read_to_string(world.path("kept")).expect("alerts");
    assert!(kept.contains("mirrorForked"), "{kept}");
}

#[test]
fn a_program_that_says_no_makes_a_sound_ledger_no_success() {
    let world = world();
    fork(&world);
    let no = script(&world, "no", "echo 'not \u{1b}[2J today' >&2; exit 3");
    let words = ["--alert".to_owned(), format!("command={no} with words")];
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = once(&world, &words).code(1);
    assert!(said.err.contains("not <U+001B>[2J today"), "{said}");
    force(&world, "r", "one");
    let said = once(&world, &words);
    assert_eq!(said.code, 2, "{said}");
}

#[test]
fn one_that_is_killed_in_the_middle_tells_it_again() {
    let world = world();
    fork(&world);
    once(&world, &["--dry-run"]).code(1);
    let kills = script(&world, "kills", "kill -9 $PPID; sleep 5");
    let channel = format!("command={kills}");
    let mut command = world.command("r", env!("CARGO_BIN_EXE_git-ledger"));
    command.args(["watch", "--once", "--alert", &channel]);
    assert_eq!(run(command, b"").code, -1);
    keeper(&world);
    fs::rename(world.path("keep"), world.path("kills")).expect("a better program");
    let said = once(&world, &["--alert", &channel]).code(1);
    assert!(said.out.contains("nothing new"), "{said}");
    let kept = fs::read_to_string(world.path("kept")).expect("alerts");
    assert!(kept.contains("mirrorForked"), "{kept}");
}

#[test]
fn who_looks_by_hand_takes_nothing_away_from_whoever_is_told() {
    let world = world();
    let channel = format!("command={}", keeper(&world));
    once(&world, &["--alert", &channel]).code(0);
    fork(&world);
    let said = once(&world, &[]).code(1);
    assert!(said.err.contains("mirrorForked"), "{said}");
    assert!(!world.path("kept").exists());
    let said = once(&world, &["--alert", &channel]).code(1);
    assert!(said.out.contains("nothing new"), "{said}");
    let kept = fs::read_to_string(world.path("kept")).expect("an alert");
    assert_eq!(
        kept.matches("\"kind\":\"found\"").count(),
        kept.lines().count(),
        "{kept}"
    );
    // one that is new is told what the others know
    let other = format!(
        "command={} again",
        script(&world, "other", "cat >>\"$0.kept\"")
    );
    once(&world, &["--alert", &other]).code(1);
    let told = fs::read_to_string(world.path("other.kept")).expect("an alert");
    assert_eq!(told.lines().count(), kept.lines().count(), "{told}");
}

/// The id of a delivery that its secret vouches for.
fn signed(request: &Request, now: u64) -> String {
    let headers: Headers<'_> = request
        .headers
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name, value.trim().as_bytes()))
        .collect();
    let secret = Secret::new(Scheme::StandardWebhooks, KEY.as_bytes()).expect("a secret");
    let checked = check(
        Scheme::StandardWebhooks,
        &headers,
        &request.body,
        &[secret],
        now,
    );
    checked.expect("a signature").id.expect("an id")
}

#[test]
fn a_webhook_is_signed_and_tried_again_under_the_same_id() {
    let world = world();
    fork(&world);
    let receiver = Receiver::new(vec![
        Does::Answer("503 Busy", "come \u{1b} later"),
        Does::Answer("200 OK", ""),
    ]);
    fs::write(world.path("key"), KEY).expect("a secret");
    fs::set_permissions(world.path("key"), fs::Permissions::from_mode(0o600)).expect("mode");
    let channel = format!("webhook={}", receiver.url);
    let words = ["--alert", channel.as_str(), "--alert-secret", "../key"];
    let said = once(&world, &words).code(1);
    assert!(
        said.err
            .contains("the webhook at 127.0.0.1: it answers 503"),
        "{said}"
    );
    // where it goes is nobody's business
    assert!(!said.err.contains("/in"), "{said}");
    world.sleep(60);
    once(&world, &words).code(1);
    let requests = receiver.requests();
    assert!(requests.len() >= 2, "{requests:?}");
    let ids: Vec<String> = requests.iter().map(|r| signed(r, world.now())).collect();
    assert!(ids.iter().skip(1).any(|id| *id == ids[0]), "{ids:?}");
    let body: serde_json::Value = serde_json::from_slice(&requests[0].body).expect("JSON");
    assert_eq!(body["id"], ids[0]);
    once(&world, &words).code(1);
    assert_eq!(receiver.requests().len(), requests.len());
}

#[test]
fn another_ledger_records_what_this_one_tells() {
    let world = world();
    fork(&world);
    // the one that records is elsewhere; the server takes what is signed with its secret
    let serving = Serving::start(&world, &[]);
    let url = format!("http://127.0.0.1:{}/events", serving.port);
    let channel = format!("webhook={url}");
    let mut command = world.command("r", "git");
    command
        .args([
            "ledger",
            "watch",
            "--once",
            "--no-remotes",
            "--max-age",
            "1h",
        ])
        .args(["--alert", &channel, "--alert-secret", "../key"])
        .env_remove("GIT_COMMITTER_DATE");
    let said = run(command, b"");
    assert_eq!((said.code, said.err.as_str()), (2, ""), "{said}");
    let words = ["log", "type:dev.git-ledger.watch.alert", "--json"];
    let text = world.ledger("r", &words).ok();
    assert!(text.contains("\"finding\":\"stale\""), "{text}");
}

#[test]
fn a_workflow_s_log_is_not_told_what_to_do() {
    let world = called(EVIL);
    fork(&world);
    let summary = world.path("summary.md");
    let mut command = world.command("r", "git");
    command
        .args(["ledger", "watch", "--once", "--quiet", "--alert", "github"])
        .env("GITHUB_STEP_SUMMARY", &summary);
    let said = run(command, b"").code(1);
    let commands: Vec<&str> = said
        .out
        .lines()
        .filter(|line| line.starts_with("::"))
        .collect();
    assert!(!commands.is_empty());
    for line in &commands {
        assert!(line.starts_with("::error title=git ledger%3A "), "{line}");
    }
    assert!(said.out.contains("y%250A::set-output"), "{said}");
    let text = fs::read_to_string(summary).expect("a summary");
    assert_eq!(text.lines().count(), commands.len(), "{text}");
}

#[test]
fn programs_are_the_user_s_own_to_name() {
    let world = world();
    fork(&world);
    let channel = format!("command={}", keeper(&world));
    let names = [
        "config",
        "--name-only",
        "--get-regexp",
        "^ledger\\..*\\.ref$",
    ];
    let name = world.git("r", &names).ok();
    let key = name.trim().replace(".ref", ".alert");
    world.git("r", &["config", &key, &channel]).ok();
    let said = once(&world, &[]).code(1);
    assert!(said.err.contains("is not obeyed"), "{said}");
    assert!(!world.path("kept").exists());
    world.git("r", &["config", "--unset", &key]).ok();
    world.git("r", &["config", "--global", &key, &channel]).ok();
    world.sleep(86_400);
    once(&world, &[]).code(1);
    assert!(world.path("kept").exists());
    // a program of the repository is none of theirs
    let marker = world.path("marker").display().to_string();
    script(&world, "r/page", &format!("touch '{marker}'"));
    let mut command = world.command("r", env!("CARGO_BIN_EXE_git-ledger"));
    let path = std::env::var("PATH").expect("a path");
    command
        .args(["watch", "--once", "--alert", "command=page"])
        .env("PATH", format!(".:{path}:"));
    let said = run(command, b"");
    assert!(said.err.contains("it cannot be started"), "{said}");
    assert!(!world.path("marker").exists());
    for wrong in [
        "command=",
        "command=./relative",
        "webhook=http://hooks.example.com/secret",
        "mail",
        "webhook",
    ] {
        let said = once(&world, &["--alert", wrong]).code(129);
        assert!(!said.err.contains("secret"), "{said}");
    }
}
