//! Every file for a host passes the checkers of other people, as it stands in `hooks/` and as it is
//! written; and each checker finds a fault that is planted, so that passing means something.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::beginner;
use crate::peers;
use crate::world::{Said, World, run};

fn schema(world: &World, name: &str, file: &Path) -> Said {
    let mut command = world.command("", peers::program("check-jsonschema"));
    let name = format!("vendor.{name}");
    command.args(["--builtin-schema", &name]).arg(file);
    run(command, b"")
}

fn zizmor(world: &World, dir: &Path) -> Said {
    let mut command = world.command("", peers::program("zizmor"));
    command
        .args(["--offline", "--no-progress", "--pedantic", "--color=never"])
        .arg(dir);
    run(command, b"")
}

fn shellcheck(world: &World, shell: &str, text: &str) -> Said {
    let mut command = world.command("", peers::program("shellcheck"));
    command.args(["--norc", &format!("--shell={shell}"), "-"]);
    run(command, text.as_bytes())
}

/// What a YAML file says, by a reader of other people.
fn yaml(world: &World, file: &Path) -> Vec<serde_json::Value> {
    let script = "import json, sys\nfrom ruamel.yaml import YAML\n\
                  for document in YAML(typ='safe').load_all(open(sys.argv[1])): print(json.dumps(document))";
    let mut command: Command = world.command("", peers::python());
    command.args(["-c", script]).arg(file);
    let text = run(command, b"").ok();
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// A repository that was set up for this host.
fn set_up(world: &World, host: &str) -> PathBuf {
    beginner(world);
    world
        .ledger("repo", &["init", host, "--name", "acme/payments"])
        .ok();
    world.path("repo")
}

/// The scripts of an action or a component, by shell.
fn scripts(world: &World, file: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for document in yaml(world, file) {
        let mut left = vec![document];
        while let Some(value) = left.pop() {
            match value {
                serde_json::Value::Object(members) => {
                    if let Some(run) = members.get("run").and_then(|run| run.as_str()) {
                        let shell = members.get("shell").and_then(|shell| shell.as_str());
                        found.push((shell.unwrap_or("bash").to_owned(), run.to_owned()));
                    }
                    for (name, value) in members {
                        let lines = value.as_array().filter(|_| name.ends_with("script"));
                        if let Some(lines) = lines {
                            let lines = lines.iter().map(|line| line.as_str().expect("a line"));
                            let text: Vec<&str> = lines.collect();
                            found.push(("sh".to_owned(), text.join("\n")));
                        } else {
                            left.push(value);
                        }
                    }
                }
                serde_json::Value::Array(values) => left.extend(values),
                _ => {}
            }
        }
    }
    found
}

#[test]
fn the_files_of_actions_are_as_their_hosts_want_them() {
    for (host, dir) in [
        ("--github", ".github"),
        ("--gitea", ".gitea"),
        ("--forgejo", ".forgejo"),
    ] {
        let world = World::new();
        let top = set_up(&world, host);
        let workflow = top.join(dir).join("workflows/git-ledger.yml");
        let action = top.join(dir).join("actions/git-ledger/action.yml");
        schema(&world, "github-workflows", &workflow).ok();
        schema(&world, "github-actions", &action).ok();
        // it looks where GitHub looks
        if dir != ".github" {
            fs::rename(top.join(dir), top.join(".github")).expect("a directory");
        }
        let said = zizmor(&world, &top);
        assert_eq!(said.code, 0, "{host}: {said}");
        assert!(said.out.contains("No findings to report"), "{said}");
        let moved = top.join(".github/actions/git-ledger");
        let found = scripts(&world, &moved.join("action.yml"));
        assert_eq!(found.len(), 1);
        for (shell, text) in found {
            shellcheck(&world, &shell, &text).ok();
        }
        let record = fs::read_to_string(moved.join("record.sh")).expect("a script");
        shellcheck(&world, "sh", &record).ok();
        let upload = fs::read_to_string(moved.join("action.yml")).expect("an action");
        let version = if dir == ".github" { "# v4." } else { "# v3." };
        assert!(upload.contains(version), "{upload}");
    }
}

#[test]
fn the_component_of_gitlab_is_as_its_host_wants_it() {
    let world = World::new();
    let top = set_up(&world, "--gitlab");
    let file = top.join(".gitlab/git-ledger.yml");
    let text = fs::read_to_string(&file).expect("a component");
    // two documents, as a component has them; the second is a pipeline once its inputs are in it
    let (head, body) = text.split_once("\n---\n").expect("two documents");
    fs::write(world.path("head.yml"), head).expect("a file");
    fs::write(world.path("body.yml"), body).expect("a file");
    schema(&world, "gitlab-ci", &world.path("head.yml")).ok();
    schema(&world, "gitlab-ci", &world.path("body.yml")).ok();
    schema(&world, "gitlab-ci", &top.join(".gitlab-ci.yml")).ok();
    let found = scripts(&world, &world.path("body.yml"));
    assert_eq!(found.len(), 3);
    for (shell, text) in found {
        shellcheck(&world, &shell, &text).ok();
    }
    // each input that is used is one that is named
    let inputs = &yaml(&world, &world.path("head.yml"))[0]["spec"]["inputs"];
    for used in body.split("$[[ inputs.").skip(1) {
        let name = used.split(" ]]").next().expect("a name");
        assert!(inputs.get(name).is_some(), "{name}");
    }
}

#[test]
fn the_scripts_of_hooks_are_sound() {
    for name in ["pre-receive", "post-receive", "reference-transaction"] {
        let world = World::new();
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("hooks")
            .join(name);
        let text = fs::read_to_string(path).expect("a hook");
        let text = text.replace("@PROGRAM@", "'/usr/bin/git-ledger'");
        shellcheck(&world, "sh", &text).ok();
    }
}

#[test]
fn the_settings_of_hosts_are_json_and_guard_the_branch() {
    let world = World::new();
    let top = set_up(&world, "--github");
    let ruleset = fs::read(top.join(".github/git-ledger-ruleset.json")).expect("a ruleset");
    let ruleset: serde_json::Value = serde_json::from_slice(&ruleset).expect("JSON");
    let rules = ruleset["rules"].as_array().expect("rules");
    for kind in ["deletion", "non_fast_forward"] {
        assert!(rules.iter().any(|rule| rule["type"] == kind), "{kind}");
    }
    assert_eq!(
        ruleset["conditions"]["ref_name"]["include"],
        serde_json::json!(["refs/heads/ledger"])
    );
    assert_eq!(ruleset["enforcement"], "active");
    assert_eq!(ruleset["bypass_actors"], serde_json::json!([]));
    let world = World::new();
    let top = set_up(&world, "--gitea");
    let rule = fs::read(top.join(".gitea/git-ledger-protection.json")).expect("a rule");
    let rule: serde_json::Value = serde_json::from_slice(&rule).expect("JSON");
    assert_eq!(rule["rule_name"], "ledger");
    assert_eq!(rule["enable_force_push"], false);
}

/// Changes a file, so that something is wrong with it.
fn plant(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).expect("a file");
    assert!(text.contains(old), "{old}");
    fs::write(file, text.replacen(old, new, 1)).expect("a file");
}

#[test]
fn each_checker_finds_what_is_planted() {
    let world = World::new();
    let top = set_up(&world, "--github");
    let workflow = top.join(".github/workflows/git-ledger.yml");
    let action = top.join(".github/actions/git-ledger/action.yml");

    plant(&workflow, "timeout-minutes: 10", "timeout-minuets: 10");
    schema(&world, "github-workflows", &workflow).code(1);
    plant(&workflow, "timeout-minuets: 10", "timeout-minutes: 10");
    plant(&action, "using: composite", "using: composit");
    schema(&world, "github-actions", &action).code(1);
    plant(&action, "using: composit", "using: composite");
    for (file, old, new, name) in [
        (
            &action,
            "exec sh \"$GITHUB_ACTION_PATH/record.sh\"",
            "echo ${{ github.head_ref }}",
            "template-injection",
        ),
        (
            &workflow,
            "persist-credentials: false",
            "fetch-depth: 1",
            "artipacked",
        ),
        (
            &workflow,
            "@08c6903cd8c0fde910a37f88322edcfb5dd907a8",
            "@v5",
            "unpinned-uses",
        ),
        (
            &workflow,
            " # zizmor: ignore[dangerous-triggers]",
            " #",
            "dangerous-triggers",
        ),
    ] {
        let good = fs::read(file).expect("a file");
        plant(file, old, new);
        let said = zizmor(&world, &top);
        assert!(said.code > 1 && said.out.contains(name), "{name}: {said}");
        fs::write(file, good).expect("a file");
    }
    assert_eq!(zizmor(&world, &top).code, 0);
    let record = fs::read_to_string(top.join(".github/actions/git-ledger/record.sh"));
    let record = record
        .expect("a script")
        .replace("cd \"${GL_DIRECTORY:-.}\"", "cd $GL_DIRECTORY");
    shellcheck(&world, "sh", &record).code(1);

    let world = World::new();
    let top = set_up(&world, "--gitlab");
    let text = fs::read_to_string(top.join(".gitlab/git-ledger.yml")).expect("a component");
    let (_, body) = text.split_once("\n---\n").expect("two documents");
    let bad = body.replace("when: never", "when: nevver");
    fs::write(world.path("body.yml"), bad).expect("a file");
    schema(&world, "gitlab-ci", &world.path("body.yml")).code(1);
}
