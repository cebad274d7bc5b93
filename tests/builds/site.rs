//! A repository that one command has set up, and its host: a bare repository, act without a network
//! or a container, and a `checkout` that brings a clone of depth 1.

use std::fs;

use serde_json::{Value, json};

use super::{beginner, below, runner_home};
use crate::peers;
use crate::world::{Said, World, run};

const CHECKOUT: &str = "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8";
const UPLOAD: &str = "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02";
const UPLOAD_GITEA: &str = "actions/upload-artifact@a8a3f3ad30e3422c9c7b888a15615d19a852ae32";
/// What stands in nothing that is kept or shown.
pub const TOKEN: &str = "ghs_planted0token0of0the0job";

/// A repository that one command has set up, and that its host knows.
pub struct Site {
    pub world: World,
    fingerprint: String,
    /// The key of builds, as the secret holds it.
    pub secret: String,
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
    pub fn new(host: &str, dir: &'static str) -> Site {
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
    pub fn workflow(&self, text: &str) {
        let text = text
            .replace("@DIR@", self.dir)
            .replace("@CHECKOUT@", CHECKOUT);
        let place = self.world.path("repo").join(self.dir).join("workflows");
        fs::write(place.join("own.yml"), text).expect("a workflow");
        self.commit();
    }

    /// Lets something happen; secrets are not hidden, so that a leak shows.
    pub fn act(&self, event: &str, payload: &Value, workflow: &str, more: &[&str]) -> Said {
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
    pub fn happens(&self, event: &str, payload: &Value) -> String {
        let said = self.act(event, payload, "git-ledger.yml", &[]);
        assert_eq!(said.code, 0, "{said}");
        said.out
    }

    /// The events of the ledger on the host but the first, judged with the pinned fingerprint by
    /// somebody who has only that.
    pub fn recorded(&self) -> Vec<Value> {
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
    pub fn keeps_no_secret(&self, logs: &str) {
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

pub fn types(events: &[Value]) -> Vec<&str> {
    let kinds = events.iter().map(|event| event["type"].as_str());
    kinds.map(|kind| kind.expect("a type")).collect()
}
