//! The workflow as act runs it, without a network or a container: a bare repository beside it is
//! the host, and `checkout` brings a clone of depth 1 from there.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{beginner, below, runner_home};
use crate::peers;
use crate::world::{Said, World, run};

const CHECKOUT: &str = "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8";
const UPLOAD: &str = "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02";
const UPLOAD_GITEA: &str = "actions/upload-artifact@a8a3f3ad30e3422c9c7b888a15615d19a852ae32";
/// What stands in nothing that is kept or shown.
const TOKEN: &str = "ghs_planted0token0of0the0job";

/// A repository that one command has set up, and that its host knows.
struct Site {
    world: World,
    fingerprint: String,
    /// The key of builds, as the secret holds it.
    secret: String,
    /// Where the workflows are.
    dir: &'static str,
}

/// Stands for actions/checkout: brings one commit of a branch, and nothing of the ledger.
const CHECKOUT_ACTION: &str = r#"name: checkout
description: A clone of depth 1
inputs:
  ref: {description: branch, default: main}
  persist-credentials: {description: ignored, default: 'true'}
runs:
  using: composite
  steps:
    - shell: sh
      env: {REF: "${{ inputs.ref }}", ORIGIN: "@ORIGIN@"}
      run: |
        git init --quiet .
        git remote add origin "$ORIGIN"
        git fetch --quiet --no-tags --depth=1 origin "+refs/heads/$REF:refs/remotes/origin/$REF"
        git checkout --quiet --force -B "$REF" "refs/remotes/origin/$REF"
"#;

/// Stands for actions/upload-artifact.
const UPLOAD_ACTION: &str = r#"name: upload
description: Keeps files
inputs:
  name: {description: name}
  path: {description: path}
  if-no-files-found: {description: ignored}
runs:
  using: composite
  steps:
    - shell: sh
      env: {NAME: "${{ inputs.name }}", FROM: "${{ inputs.path }}", KEPT: "@KEPT@"}
      run: mkdir -p "$KEPT" && cp -R "$FROM" "$KEPT/$NAME"
"#;

impl Site {
    fn new(host: &str, dir: &'static str) -> Site {
        let world = World::new();
        beginner(&world);
        let words = [
            "init",
            host,
            "--new-key",
            "--ci-key",
            "--name",
            "acme/payments",
            "--json",
        ];
        let told = world.ledger("repo", &words).ok();
        let told: Value = serde_json::from_str(&told).expect("JSON");
        let fingerprint = told["fingerprint"].as_str().expect("one").to_owned();
        let key = told["build_key"]["path"].as_str().expect("a key");
        let key = fs::read(key).expect("a key");
        let secret = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, key);
        world
            .git("repo", &["push", "--quiet", "origin", "ledger"])
            .ok();
        let site = Site {
            world,
            fingerprint,
            secret,
            dir,
        };
        site.commit();
        let origin = format!("file://{}", site.world.path("origin.git").display());
        let kept = site.world.path("kept").display().to_string();
        for (name, text) in [
            ("checkout", CHECKOUT_ACTION.replace("@ORIGIN@", &origin)),
            ("upload", UPLOAD_ACTION.replace("@KEPT@", &kept)),
        ] {
            let place = site.world.path("actions").join(name);
            fs::create_dir_all(&place).expect("a directory");
            fs::write(place.join("action.yml"), text).expect("an action");
        }
        site
    }

    /// Puts what stands in the work tree onto the host.
    fn commit(&self) {
        self.world.git("repo", &["add", "."]).ok();
        self.world
            .git("repo", &["commit", "--quiet", "--message=files"])
            .ok();
        self.world
            .git("repo", &["push", "--quiet", "origin", "main"])
            .ok();
    }

    /// A workflow of the repository's own.
    fn workflow(&self, text: &str) {
        let text = text
            .replace("@DIR@", self.dir)
            .replace("@CHECKOUT@", CHECKOUT);
        let place = self.world.path("repo").join(self.dir).join("workflows");
        fs::write(place.join("own.yml"), text).expect("a workflow");
        self.commit();
    }

    /// Lets something happen; secrets are not hidden, so that a leak shows.
    fn act(&self, event: &str, payload: &Value, workflow: &str, more: &[&str]) -> Said {
        let mut payload = payload.clone();
        payload["repository"] = json!({"default_branch": "main", "full_name": "acme/payments"});
        let file = self.world.path("event.json");
        fs::write(&file, payload.to_string()).expect("a payload");
        let mut command = self.world.command("repo", peers::program("act"));
        let local = |action: &str, name: &str| {
            let place = self.world.path("actions").join(name);
            format!("--local-repository={action}={}", place.display())
        };
        command
            .arg(event)
            .args(["-P", "ubuntu-latest=-self-hosted", "--insecure-secrets"])
            .arg(local(CHECKOUT, "checkout"))
            .arg(local(UPLOAD, "upload"))
            .arg(local(UPLOAD_GITEA, "upload"))
            .arg("-W")
            .arg(format!("{}/workflows/{workflow}", self.dir))
            .arg("-e")
            .arg(file)
            .args([
                "--actor",
                "mallory",
                "--env",
                "GITHUB_REPOSITORY=acme/payments",
            ])
            .args(["-s", "GITHUB_TOKEN"])
            .args(more)
            .env("GIT_LEDGER_KEY", &self.secret)
            .env("GITHUB_TOKEN", TOKEN)
            .env("NO_COLOR", "1")
            .env("HOME", runner_home(&self.world));
        if !self.secret.is_empty() {
            command.args(["-s", "GIT_LEDGER_KEY"]);
        }
        run(command, b"")
    }

    /// As [`Site::act`], with the workflow that `init` wrote.
    #[track_caller]
    fn happens(&self, event: &str, payload: &Value) -> String {
        let said = self.act(event, payload, "git-ledger.yml", &[]);
        assert_eq!(said.code, 0, "{said}");
        said.out
    }

    /// The events of the ledger on the host but the first, judged with the pinned fingerprint by
    /// somebody who has only that.
    fn recorded(&self) -> Vec<Value> {
        let auditor = self.world.path("auditor");
        if auditor.exists() {
            fs::remove_dir_all(&auditor).expect("removed");
        }
        let words = [
            "clone",
            "origin.git",
            "auditor",
            "--fingerprint",
            &self.fingerprint,
        ];
        self.world.ledger("", &words).ok();
        self.world.ledger("auditor", &["verify"]).ok();
        let text = self.world.ledger("auditor", &["log", "--json"]).ok();
        let mut events = Vec::new();
        for line in text.lines() {
            let entry: Value = serde_json::from_str(line).expect("JSON");
            for event in entry["events"].as_array().expect("events") {
                events.push(event.clone());
            }
        }
        assert_eq!(
            events.pop().expect("a first")["type"],
            "dev.git-ledger.ledger.created"
        );
        events.reverse();
        events
    }

    /// What is kept anywhere holds no secret: neither the key in one of its forms nor the token.
    fn keeps_no_secret(&self, logs: &str) {
        let objects = self.world.git(
            "origin.git",
            &["cat-file", "--batch-all-objects", "--batch"],
        );
        let kept = self.world.path("kept");
        let kept = if kept.exists() {
            below(&kept)
        } else {
            Vec::new()
        };
        let kept = kept.into_iter().map(|(_, bytes)| bytes);
        let all: Vec<Vec<u8>> = kept
            .chain([objects.ok().into_bytes(), logs.as_bytes().to_vec()])
            .collect();
        let decode = |text: &str| {
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text)
                .expect("base64")
        };
        let key = String::from_utf8(decode(&self.secret)).expect("text");
        let mut planted = vec![TOKEN.to_owned(), self.secret[40..90].to_owned()];
        // the lines of the key that hold its private half
        planted.extend(key.lines().skip(3).take(2).map(str::to_owned));
        let basic = format!("x-access-token:{TOKEN}");
        planted.push(base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            basic,
        ));
        for secret in planted {
            let found = all.iter().any(|bytes| {
                bytes
                    .windows(secret.len())
                    .any(|part| part == secret.as_bytes())
            });
            assert!(!found, "{secret} is kept or shown");
        }
    }
}

fn types(events: &[Value]) -> Vec<&str> {
    let kinds = events.iter().map(|event| event["type"].as_str());
    kinds.map(|kind| kind.expect("a type")).collect()
}

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
          type: dev.cdevents.service.deployed.0.2.0
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
    for mode in ["fail", "policy"] {
        site.workflow(&CUT_OFF.replace("@MODE@", mode));
        let said = site.act("push", &push, "own.yml", &[]);
        assert_eq!(said.code, 1, "{said}");
        assert!(!site.world.path("kept").exists(), "{said}");
        site.keeps_no_secret(&said.out);
    }
    assert_eq!(site.recorded().len(), 0);

    site.workflow(&CUT_OFF.replace("@MODE@", "spool"));
    let said = site.act("push", &push, "own.yml", &[]);
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
    assert_eq!(types(&events), ["dev.cdevents.service.deployed.0.2.0"]);
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
    assert_eq!(said.code, 1, "{said}");
    assert!(
        said.out
            .contains("no key was handed over (secret GIT_LEDGER_KEY)"),
        "{said}"
    );
    assert!(
        said.out.contains("error: no signing key is configured"),
        "{said}"
    );
    site.secret = "bm90IGEga2V5".into();
    let said = site.act(
        "push",
        &json!({"ref": "refs/heads/main"}),
        "git-ledger.yml",
        &[],
    );
    assert_eq!(said.code, 1, "{said}");
    assert!(
        said.out.contains("cannot use the key in GIT_LEDGER_KEY"),
        "{said}"
    );
    assert!(!said.out.contains("bm90IGEga2V5"), "{said}");
    assert_eq!(site.recorded().len(), 0);
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
