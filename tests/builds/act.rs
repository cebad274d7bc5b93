//! The workflow as act runs it: what is recorded, what is not, what is shown and what is kept.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::site::{Site, TOKEN, types};
use super::{below, runner_home};
use crate::servers::liar::{Liar, http_request};
use crate::world::run;

#[test]
fn a_push_is_recorded_and_anybody_can_verify_it() {
    let site = Site::new("--github", ".github");
    let logs = site.happens("push", &json!({"ref": "refs/heads/main"}));
    assert!(
        logs.contains("recorded 1 com.github.push refs/heads/main"),
        "{logs}"
    );
    assert!(
        logs.contains("Summary - - ledger entry **1**: <code>com&#46;github&#46;push</code>"),
        "{logs}"
    );
    let events = site.recorded();
    assert_eq!(types(&events), ["com.github.push"]);
    assert_eq!(events[0]["subject"], "refs/heads/main");
    let ci = &events[0]["data"]["ci"];
    assert_eq!(ci["system"], "github");
    assert_eq!(ci["actor"], "mallory");
    assert_eq!(ci["repository"], "acme/payments");
    assert_eq!(ci["payload"]["ref"], "refs/heads/main");
    site.keeps_no_secret(&logs);
    assert!(!site.world.path("kept").exists());
    // the builds' key signed it, and the clone of the build was one of depth 1
    let shown = site
        .world
        .git("origin.git", &["log", "-1", "--format=%an", "ledger"]);
    assert_eq!(shown.ok(), "ci@acme/payments\n");
}

#[test]
fn whatever_has_a_trigger_is_recorded() {
    let site = Site::new("--github", ".github");
    let mut logs = String::new();
    for (event, payload) in [
        (
            "deployment",
            json!({"action": "created", "deployment": {"id": 7, "url": "https://h/d/7"}}),
        ),
        (
            "deployment_status",
            json!({"action": "created", "deployment": {"url": "https://h/d/7"},
                   "deployment_status": {"state": "success"}}),
        ),
        (
            "release",
            json!({"action": "published", "release": {"html_url": "https://h/r/1"}}),
        ),
        (
            "branch_protection_rule",
            json!({"action": "edited", "rule": {"name": "main"}}),
        ),
        (
            "workflow_run",
            json!({"action": "completed", "workflow_run": {"html_url": "https://h/w/9",
                   "conclusion": "success", "head_repository": {"full_name": "mallory/fork"}}}),
        ),
        (
            "pull_request_review",
            json!({"action": "submitted", "review": {"state": "approved"},
                   "pull_request": {"html_url": "https://h/p/3",
                   "head": {"repo": {"full_name": "acme/payments"}}}}),
        ),
        ("delete", json!({"ref": "topic", "ref_type": "branch"})),
    ] {
        logs += &site.happens(event, &payload);
    }
    let events = site.recorded();
    assert_eq!(
        types(&events),
        [
            "com.github.deployment.created",
            "com.github.deployment_status.created",
            "com.github.release.published",
            "com.github.branch_protection_rule.edited",
            "com.github.workflow_run.completed",
            "com.github.pull_request_review.submitted",
            "com.github.delete",
        ]
    );
    let subjects: Vec<&Value> = events.iter().map(|event| &event["subject"]).collect();
    assert_eq!(subjects[0], "https://h/d/7");
    assert_eq!(subjects[4], "https://h/w/9");
    assert_eq!(subjects[5], "https://h/p/3");
    site.keeps_no_secret(&logs);

    // a review of a fork's pull request is left to those who hold a key
    let fork = json!({"action": "submitted", "review": {"state": "approved"},
        "pull_request": {"html_url": "https://h/p/4", "head": {"repo": {"full_name": "mallory/fork"}}}});
    site.happens("pull_request_review", &fork);
    assert_eq!(site.recorded().len(), 7);
}

#[test]
fn foreign_words_are_nobodys_command() {
    let site = Site::new("--github", ".github");
    let hostile = "x$(touch${IFS}pwned)`touch${IFS}pwned`';touch${IFS}pwned;'\"&&touch${IFS}pwned";
    let mut logs = site.happens("push", &json!({"ref": format!("refs/heads/{hostile}")}));
    let forged = "https://h/\n::error::pwned\n##[error]pwned\n::set-output name=spool::/\n\
                  <img src=x onerror=alert(1)>\u{202e}\u{1b}[2J[x](http://evil) | ${{ github.token }}";
    for (event, payload) in [
        (
            "workflow_run",
            json!({"action": "completed", "workflow_run": {"html_url": forged,
            "head_branch": forged, "display_title": forged}}),
        ),
        (
            "release",
            json!({"action": "published", "release": {"html_url": forged, "name": forged}}),
        ),
        (
            "deployment",
            json!({"action": "created", "deployment": {"url": format!("--help {forged}")}}),
        ),
    ] {
        logs += &site.happens(event, &payload);
    }
    let events = site.recorded();
    // it is recorded as it is
    assert_eq!(events[0]["subject"], format!("refs/heads/{hostile}"));
    assert_eq!(events[1]["subject"], forged);
    assert_eq!(events[3]["subject"], format!("--help {forged}"));
    // and nothing came of it: no file, no annotation, no markup
    let files = below(&site.world.path(""));
    let made = files.iter().find(|(name, _)| name.ends_with("pwned"));
    assert!(made.is_none(), "{:?}", made.map(|(name, _)| name));
    assert!(!logs.contains("\u{2757}"), "an annotation: {logs}");
    assert!(
        !logs.contains('\u{202e}') && !logs.contains("\u{1b}[2J"),
        "{logs}"
    );
    let summaries: Vec<&str> = logs
        .lines()
        .filter(|line| line.contains("Summary - "))
        .collect();
    assert!(summaries.len() >= 4, "{logs}");
    for summary in summaries {
        for raw in ["<img", "](", "${{", "$(", "`", "::error"] {
            assert!(!summary.contains(raw), "{raw}: {summary}");
        }
    }
    site.keeps_no_secret(&logs);
}

/// A job of somebody's own, which cannot reach what decides.
const CUT_OFF: &str = r#"name: own
on: push
permissions: {}
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: @CHECKOUT@
        with: {ref: main}
      - run: git remote add gone file:///nowhere/at-all.git
      - uses: ./@DIR@/actions/git-ledger
        if: always()
        with:
          type: @TYPE@
          subject: payments
          data: |
            environment=prod
            note=a=b; $(touch pwned)
          remote: gone
          on-failure: @MODE@
          key: ${{ secrets.GIT_LEDGER_KEY }}
"#;

#[test]
fn a_primary_that_is_silent_fails_the_job_or_is_waited_for() {
    let site = Site::new("--github", ".github");
    let push = json!({"ref": "refs/heads/main"});
    let (deployed, built) = (
        "dev.cdevents.service.deployed.0.2.0",
        "dev.cdevents.build.finished.0.2.0",
    );
    let own = |kind: &str, mode: &str| {
        site.workflow(&CUT_OFF.replace("@TYPE@", kind).replace("@MODE@", mode));
        site.act("push", &push, "own.yml", &[])
    };
    // a deployment that cannot be recorded should not go on, whatever the job asks for
    for (kind, mode) in [(deployed, "fail"), (deployed, "spool"), (built, "fail")] {
        let said = own(kind, mode);
        assert_eq!(said.code, 1, "{said}");
        assert!(!site.world.path("kept").exists(), "{said}");
        site.keeps_no_secret(&said.out);
    }
    assert_eq!(site.recorded().len(), 0);

    let said = own(built, "spool");
    assert_eq!(said.code, 0, "{said}");
    assert!(
        said.out
            .contains("**not recorded yet**, waits in the spool"),
        "{said}"
    );
    site.keeps_no_secret(&said.out);
    let kept = below(&site.world.path("kept"));
    assert_eq!(kept.len(), 1, "{said}");
    assert!(kept[0].0.starts_with("git-ledger-spool-"), "{}", kept[0].0);

    // whoever fetches it records it, once
    let spool = site.world.path("repo/.git/git-ledger/spool");
    let dir: PathBuf = fs::read_dir(site.world.path("kept"))
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .next()
        .expect("one");
    for (name, bytes) in below(&dir) {
        let place = spool.join(name);
        fs::create_dir_all(place.parent().expect("a directory")).expect("a directory");
        let text = String::from_utf8(bytes).expect("text");
        assert!(text.contains("\"push\":[\"gone\"]"), "{text}");
        fs::write(place, text).expect("a file");
    }
    let origin = site.world.path("origin.git");
    let origin = origin.to_str().expect("a path");
    site.world
        .git("repo", &["remote", "add", "gone", origin])
        .ok();
    site.world.ledger("repo", &["flush"]).ok();
    site.world.ledger("repo", &["flush"]).ok();
    let events = site.recorded();
    assert_eq!(types(&events), [built]);
    assert_eq!(events[0]["data"]["note"], "a=b; $(touch pwned)");
}

#[test]
fn mirrors_take_what_the_primary_took() {
    let site = Site::new("--github", ".github");
    let world = &site.world;
    world
        .git(
            "",
            &["clone", "--quiet", "--bare", "origin.git", "mirror.git"],
        )
        .ok();
    let mirrors = format!(
        "--var=GIT_LEDGER_MIRRORS=auditor={}\nbroken={}",
        world.path("mirror.git").display(),
        world.path("nowhere.git").display()
    );
    let push = json!({"ref": "refs/heads/main"});
    let said = site.act("push", &push, "git-ledger.yml", &[&mirrors]);
    // one that does not answer is behind, and that is no failure
    assert_eq!(said.code, 0, "{said}");
    assert!(
        said.out.contains("'broken' does not have entry 1 yet"),
        "{said}"
    );
    let tip = |dir: &str| world.git(dir, &["rev-parse", "refs/heads/ledger"]).ok();
    assert_eq!(tip("origin.git"), tip("mirror.git"));
    assert_eq!(site.recorded().len(), 1);
}

#[test]
fn without_a_key_nothing_is_recorded_and_the_job_says_so() {
    let mut site = Site::new("--github", ".github");
    site.secret = String::new();
    let said = site.act(
        "push",
        &json!({"ref": "refs/heads/main"}),
        "git-ledger.yml",
        &[],
    );
    // a push may wait, so the policy says: for somebody with a key
    assert_eq!(said.code, 0, "{said}");
    assert!(
        said.out
            .contains("no key was handed over (secret GIT_LEDGER_KEY)"),
        "{said}"
    );
    assert!(
        said.out
            .contains("not recorded yet: no signing key is configured"),
        "{said}"
    );
    site.secret = "bm90IGEga2V5".into();
    let said = site.act(
        "push",
        &json!({"ref": "refs/heads/main"}),
        "git-ledger.yml",
        &[],
    );
    assert_eq!(said.code, 0, "{said}");
    assert!(
        said.out.contains("cannot use the key in GIT_LEDGER_KEY"),
        "{said}"
    );
    assert!(!said.out.contains("bm90IGEga2V5"), "{said}");
    assert_eq!(site.recorded().len(), 0);
    assert_eq!(below(&site.world.path("kept")).len(), 2);
}

#[test]
fn gitea_and_forgejo_speak_the_same_language() {
    for (host, dir) in [("--gitea", ".gitea"), ("--forgejo", ".forgejo")] {
        let site = Site::new(host, dir);
        let gitea = ["--env", "GITEA_ACTIONS=true"];
        let push = json!({"ref": "refs/heads/main"});
        let said = site.act("push", &push, "git-ledger.yml", &gitea);
        assert_eq!(said.code, 0, "{said}");
        let release = json!({"action": "published", "release": {"html_url": "https://h/r/1"}});
        let more = site.act("release", &release, "git-ledger.yml", &gitea);
        assert_eq!(more.code, 0, "{more}");
        let events = site.recorded();
        assert_eq!(
            types(&events),
            ["com.gitea.push", "com.gitea.release.published"]
        );
        site.keeps_no_secret(&(said.out + &more.out));
    }
}

#[test]
fn the_token_of_a_job_goes_to_its_host_and_stays_nowhere() {
    use std::io::Write as _;
    use std::sync::{Arc, Mutex};

    let site = Site::new("--github", ".github");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let host = {
        let heard = heard.clone();
        Liar::start(move |stream| {
            let request = http_request(stream)?;
            heard.lock().expect("a list").push(request);
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        })
    };
    let url = host.http();
    let server = url.strip_suffix("/x.git").expect("an address");
    let clone = ["clone", "--quiet", "origin.git", "job"];
    site.world.git("", &clone).ok();
    site.world
        .git("job", &["remote", "set-url", "origin", &url])
        .ok();
    let script = site.world.path("repo/.github/actions/git-ledger/record.sh");
    let says = |more: &[(&str, &str)]| {
        let mut command = site.world.command("job", "sh");
        command
            .arg(&script)
            .env("HOME", runner_home(&site.world))
            .env("GIT_LEDGER_KEY", &site.secret)
            .env("GL_TYPE", "com.github.push")
            .env("GL_REMOTE", "origin")
            .env("GL_SERVER", server)
            .env("GL_TOKEN", TOKEN)
            .env("GL_ON_FAILURE", "fail")
            .envs(more.iter().copied());
        let said = run(command, b"");
        assert!(said.code != 0, "{said}");
        site.keeps_no_secret(&said.to_string());
        let mut requests = heard.lock().expect("a list");
        assert!(!requests.is_empty(), "{said}");
        let own = |request: &String| -> Vec<String> {
            let lines = request
                .lines()
                .filter(|line| line.to_ascii_lowercase().starts_with("authorization:"));
            lines.map(str::to_owned).collect()
        };
        requests
            .drain(..)
            .map(|request| own(&request))
            .collect::<Vec<_>>()
    };
    let basic = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("x-access-token:{TOKEN}"),
    );
    let sent = says(&[]);
    assert!(
        sent.iter()
            .all(|one| *one == [format!("Authorization: Basic {basic}")]),
        "{sent:?}"
    );
    // another host gets none
    let sent = says(&[("GL_SERVER", "https://elsewhere.example")]);
    assert!(sent.iter().all(Vec::is_empty), "{sent:?}");
    // what checkout left is used alone: a host refuses two
    let key = format!("http.{server}/.extraheader");
    site.world
        .git("job", &["config", &key, "AUTHORIZATION: basic left"])
        .ok();
    let sent = says(&[]);
    assert!(
        sent.iter().all(|one| *one == ["AUTHORIZATION: basic left"]),
        "{sent:?}"
    );
    let kept = below(&site.world.path("job"));
    assert!(
        !kept
            .iter()
            .any(|(_, bytes)| String::from_utf8_lossy(bytes).contains(&basic))
    );
}

/// A job of somebody's own: commands between a start and an end, then a look at configuration.
const STEPS: &str = r#"name: own
on: push
permissions: {}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: @CHECKOUT@
        with: {ref: main}
      - uses: ./@DIR@/actions/git-ledger
        with:
          name: compile
          run: |
            env > "@WORLD@/seen"
            cat conf/app.ini > out.bin
            echo mode=debug > conf/app.ini
            exit 3
          artifacts: out.bin
          watch: conf
          env: |
            APP_*
            GIT_*
          key: ${{ secrets.GIT_LEDGER_KEY }}
          digest-key: ${{ secrets.GIT_LEDGER_DIGEST_KEY }}
      - uses: ./@DIR@/actions/git-ledger
        if: always()
        with:
          config: conf
          env: APP_*
          key: ${{ secrets.GIT_LEDGER_KEY }}
          digest-key: ${{ secrets.GIT_LEDGER_DIGEST_KEY }}
"#;

#[test]
fn commands_and_configuration_are_recorded_without_their_secrets() {
    let site = Site::new("--github", ".github");
    let conf = site.world.path("repo/conf");
    fs::create_dir(&conf).expect("a directory");
    fs::write(conf.join("app.ini"), "mode=planted0value\n").expect("a file");
    let world = site.world.path("").display().to_string();
    site.workflow(&STEPS.replace("@WORLD@/", &world));
    let digest_key = "5e".repeat(32);
    let secret = format!("GIT_LEDGER_DIGEST_KEY={digest_key}");
    let more = ["-s", &secret, "--env", "APP_DSN=postgres://planted0dsn"];
    let push = json!({"ref": "refs/heads/main"});
    let said = site.act("push", &push, "own.yml", &more);
    // the job ends as its commands did
    assert_eq!(said.code, 1, "{said}");
    assert!(said.out.contains("exit status 3"), "{said}");

    let events = site.recorded();
    let kinds = types(&events);
    assert!(
        kinds[0].starts_with("dev.cdevents.taskrun.started."),
        "{kinds:?}"
    );
    assert!(
        kinds[1].starts_with("dev.cdevents.taskrun.finished."),
        "{kinds:?}"
    );
    assert!(kinds[2..].contains(&"dev.git-ledger.snapshot"), "{kinds:?}");
    let end = &events[1]["data"];
    assert_eq!(end["subject"]["content"]["taskName"], "compile");
    assert_eq!(end["customData"]["exit"]["code"], 3);
    assert_eq!(end["customData"]["artifacts"][0]["path"], "out.bin");
    assert_eq!(end["customData"]["ci"]["system"], "github");
    assert_ne!(
        end["customData"]["watched"]["before"],
        end["customData"]["watched"]["after"]
    );
    let whole = Value::from(events.clone()).to_string();
    assert!(whole.contains("APP_DSN"), "{whole}");
    for kept_out in ["planted0", digest_key.as_str(), "\"GIT_LEDGER_KEY\""] {
        assert!(!whole.contains(kept_out), "{kept_out}: {whole}");
    }
    site.keeps_no_secret(&said.out);

    // the commands saw neither the keys nor the token
    let seen = fs::read_to_string(site.world.path("seen")).expect("an environment");
    // act itself shows its token to every step
    let seen = seen.replace(&format!("GITHUB_TOKEN={TOKEN}\n"), "");
    assert!(seen.contains("APP_DSN="), "{seen}");
    let basic = format!("x-access-token:{TOKEN}");
    let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, basic);
    for secret in [site.secret.as_str(), digest_key.as_str(), TOKEN, &basic] {
        assert!(!seen.contains(secret), "{secret}: {seen}");
    }
}
