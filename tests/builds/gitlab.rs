//! The component as a runner of GitLab runs it: its scripts by a shell, with the variables that the
//! host sets, in a clone of depth 1.

use std::fs;

use serde_json::Value;

use super::{beginner, below, runner_home};
use crate::peers;
use crate::world::{Said, World, run};

/// A project that one command has set up, and the clone of a job.
struct Project {
    world: World,
    fingerprint: String,
    secret: String,
    component: Value,
}

impl Project {
    fn new() -> Project {
        let world = World::new();
        beginner(&world);
        let words = [
            "init",
            "--gitlab",
            "--ci-key",
            "--name",
            "acme/payments",
            "--json",
        ];
        let told = world.ledger("repo", &words).ok();
        let told: Value = serde_json::from_str(&told).expect("JSON");
        let key = told["build_key"]["path"].as_str().expect("a key");
        let secret = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            fs::read(key).expect("a key"),
        );
        let fingerprint = told["fingerprint"].as_str().expect("one").to_owned();
        world.git("repo", &["add", "."]).ok();
        world
            .git("repo", &["commit", "--quiet", "--message=files"])
            .ok();
        world
            .git("repo", &["push", "--quiet", "origin", "main", "ledger"])
            .ok();
        let origin = format!("file://{}", world.path("origin.git").display());
        let clone = ["clone", "--quiet", "--depth=1", &origin, "job"];
        world.git("", &clone).ok();
        // as GitLab fills it in: the defaults of the inputs
        let script = "import json, re, sys\nfrom ruamel.yaml import YAML\n\
            head, body = open(sys.argv[1]).read().split('\\n---\\n')\n\
            inputs = YAML(typ='safe').load(head)['spec']['inputs']\n\
            fill = lambda found: str(inputs[found[1]]['default'])\n\
            body = re.sub(r'\\$\\[\\[ inputs\\.([a-z-]+) \\]\\]', fill, body)\n\
            print(json.dumps(YAML(typ='safe').load(body)))";
        let mut python = world.command("repo", peers::python());
        python.args(["-c", script, ".gitlab/git-ledger.yml"]);
        let component = serde_json::from_str(&run(python, b"").ok()).expect("JSON");
        Project {
            world,
            fingerprint,
            secret,
            component,
        }
    }

    /// Lines of a part of the component, for one shell.
    fn lines(&self, job: &str, part: &str) -> String {
        let lines = self.component[job][part].as_array().expect("lines").iter();
        let lines: Vec<&str> = lines.map(|line| line.as_str().expect("a line")).collect();
        lines.join("\n") + "\n"
    }

    /// Runs a script as a job of this pipeline, after the lines that go before each.
    fn job(&self, script: &str, variables: &[(&str, &str)]) -> Said {
        let mut command = self.world.command("job", "sh");
        let whole = self.lines(".git-ledger", "before_script") + script;
        command.args(["-eu", "-c", &whole]);
        let variables_of_job = self.component[".git-ledger"]["variables"]
            .as_object()
            .expect("variables");
        for (name, value) in variables_of_job {
            command.env(name, value.as_str().expect("text"));
        }
        let url = format!("file://{}", self.world.path("origin").display());
        command
            .env("HOME", runner_home(&self.world))
            .env("GITLAB_CI", "true")
            .env("CI", "true")
            .env("CI_PROJECT_URL", url)
            .env("CI_SERVER_URL", "https://gitlab.example")
            .env("CI_PROJECT_PATH", "acme/payments")
            .env("CI_PIPELINE_SOURCE", "push")
            .env("CI_PIPELINE_ID", "77")
            .env("CI_COMMIT_REF_NAME", "main")
            .env("CI_JOB_TOKEN", "glcbt-planted0token")
            .env("GIT_LEDGER_TOKEN", "glpat-planted0token")
            .env("GIT_LEDGER_KEY", &self.secret)
            .envs(variables.iter().copied());
        run(command, b"")
    }

    fn recorded(&self) -> Vec<Value> {
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
        fs::remove_dir_all(self.world.path("auditor")).expect("removed");
        let mut events: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["events"][0].clone())
            .collect();
        events.pop();
        events.reverse();
        events
    }

    fn keeps_no_secret(&self, said: &Said) {
        let objects = self.world.git(
            "origin.git",
            &["cat-file", "--batch-all-objects", "--batch"],
        );
        let job: Vec<u8> = below(&self.world.path("job"))
            .into_iter()
            .flat_map(|(_, bytes)| bytes)
            .collect();
        let all = [
            objects.ok(),
            said.to_string(),
            String::from_utf8_lossy(&job).into_owned(),
        ];
        let basic = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            "oauth2:glpat-planted0token",
        );
        for secret in ["planted0token", &basic, &self.secret[40..90]] {
            assert!(!all.iter().any(|text| text.contains(secret)), "{secret}");
        }
    }
}

#[test]
fn a_pipeline_is_recorded_once_whatever_its_branch_is_called() {
    let project = Project::new();
    let script = project.lines("git-ledger", "script");
    let said = project.job(&script, &[]);
    assert_eq!(said.code, 0, "{said}");
    project.keeps_no_secret(&said);
    let hostile = "x$(touch${IFS}pwned)`touch pwned`\n::error::<img>\u{1b}[2J";
    let said = project.job(
        &script,
        &[("CI_COMMIT_REF_NAME", hostile), ("CI_PIPELINE_ID", "78")],
    );
    assert_eq!(said.code, 0, "{said}");
    assert!(!said.to_string().contains('\u{1b}'), "{said}");
    assert!(!said.to_string().contains("\n::error"), "{said}");
    project.keeps_no_secret(&said);
    assert!(!project.world.path("job/pwned").exists());
    let events = project.recorded();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["type"], "com.gitlab.pipeline.push");
    assert_eq!(events[0]["subject"], "main");
    assert_eq!(events[0]["data"]["ci"]["system"], "gitlab");
    assert_eq!(events[1]["subject"], hostile);
}

#[test]
fn a_job_of_ones_own_records_what_it_wants() {
    let project = Project::new();
    let said = project.job(
        "record dev.cdevents.service.deployed.0.2.0 --subject payments --data 'note=$(touch pwned)'\n",
        &[],
    );
    assert_eq!(said.code, 0, "{said}");
    // a type is no option
    let said = project.job("record --help\n", &[]);
    assert_eq!(said.code, 1, "{said}");
    assert!(said.err.contains("signerType"), "{said}");
    let events = project.recorded();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["data"]["note"], "$(touch pwned)");
    assert!(!project.world.path("job/pwned").exists());
}

#[test]
fn what_cannot_be_recorded_becomes_an_artifact_or_fails_the_job() {
    let project = Project::new();
    let gone = [("CI_PROJECT_URL", "file:///nowhere/at-all")];
    let line = "record dev.cdevents.service.deployed.0.2.0 --subject payments\n";
    let said = project.job(line, &gone);
    assert_eq!(said.code, 128, "{said}");
    let spool = [gone[0], ("GIT_LEDGER_ON_FAILURE", "spool")];
    // a deployment never waits
    let said = project.job(line, &spool);
    assert_eq!(said.code, 128, "{said}");
    let line = "record dev.cdevents.build.finished.0.2.0 --subject payments\n";
    let said = project.job(line, &spool);
    assert_eq!(said.code, 0, "{said}");
    let mut after = project.world.command("job", "sh");
    after.args(["-eu", "-c", &project.lines(".git-ledger", "after_script")]);
    run(after, b"").ok();
    let kept = below(&project.world.path("job/git-ledger-spool"));
    assert_eq!(kept.len(), 1);
    let paths = &project.component[".git-ledger"]["artifacts"]["paths"];
    assert_eq!(paths, &serde_json::json!(["git-ledger-spool/"]));
    assert_eq!(project.recorded().len(), 0);
}

#[test]
fn a_command_sees_no_key_of_the_ledger() {
    let project = Project::new();
    let digest_key = "5e".repeat(32);
    let said = project.job(
        "git-ledger run --push=primary --name=look --env='GIT_*' -- env\n",
        &[("GIT_LEDGER_DIGEST_KEY", &digest_key)],
    );
    assert_eq!(said.code, 0, "{said}");
    assert!(said.out.contains("CI_PIPELINE_ID=77"), "{said}");
    let shown = said.to_string();
    assert!(
        !shown.contains(&project.secret) && !shown.contains(&digest_key),
        "{shown}"
    );
    let events = Value::from(project.recorded()).to_string();
    assert!(events.contains("\"GIT_LEDGER_TOKEN\""), "{events}");
    for name in ["\"GIT_LEDGER_KEY\"", "\"GIT_LEDGER_DIGEST_KEY\""] {
        assert!(!events.contains(name), "{name}: {events}");
    }
}
