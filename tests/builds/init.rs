//! One command sets a repository up, says what is left, changes nothing twice, and takes nobody's
//! work away.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::{beginner, below};
use crate::world::World;

const HOSTS: [(&str, &[&str]); 4] = [
    (
        "--github",
        &[
            ".github/actions/git-ledger/action.yml",
            ".github/actions/git-ledger/record.sh",
            ".github/git-ledger-ruleset.json",
            ".github/workflows/git-ledger.yml",
        ],
    ),
    ("--gitlab", &[".gitlab-ci.yml", ".gitlab/git-ledger.yml"]),
    (
        "--gitea",
        &[
            ".gitea/actions/git-ledger/action.yml",
            ".gitea/actions/git-ledger/record.sh",
            ".gitea/git-ledger-protection.json",
            ".gitea/workflows/git-ledger.yml",
        ],
    ),
    (
        "--forgejo",
        &[
            ".forgejo/actions/git-ledger/action.yml",
            ".forgejo/actions/git-ledger/record.sh",
            ".forgejo/git-ledger-protection.json",
            ".forgejo/workflows/git-ledger.yml",
        ],
    ),
];

fn written(world: &World) -> Vec<String> {
    let files = below(&world.path("repo"));
    let names = files.into_iter().map(|(name, _)| name);
    names.filter(|name| !name.starts_with(".git/")).collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"))
}

#[test]
fn one_command_sets_up_each_host() {
    for (host, files) in HOSTS {
        let world = World::new();
        beginner(&world);
        let words = ["init", host, "--new-key", "--ci-key", "--name", "acme/pay"];
        let shown = world
            .ledger("repo", &[&words[..], &["--dry-run"]].concat())
            .ok();
        assert_eq!(written(&world), [""; 0], "{host}");
        assert!(!world.path("repo/.git/git-ledger").exists(), "{host}");
        world
            .git("repo", &["rev-parse", "--verify", "ledger"])
            .code(128);
        assert!(shown.contains("would make a key for builds"), "{shown}");

        let told = world.ledger("repo", &words).ok();
        assert_eq!(written(&world), files, "{host}");
        for file in files {
            assert!(shown.contains(&format!("would write {file}\n")), "{shown}");
            assert!(told.contains(&format!("wrote     {file}\n")), "{told}");
            let text = fs::read_to_string(world.path("repo").join(file)).expect("a file");
            assert!(!text.contains('@') || !text.contains("@BRANCH@"), "{text}");
            for filled in ["@BRANCH@", "@VERSION@", "@WORKFLOWS@", "@DIR@"] {
                assert!(!text.contains(filled), "{file}: {filled}");
            }
        }
        for secret in ["GIT_LEDGER_KEY", "GIT_LEDGER_DIGEST_KEY", "fingerprint"] {
            assert!(told.contains(secret), "{told}");
        }
        let key = world.path("repo/.git/git-ledger/ci-key");
        let mode = fs::metadata(&key).expect("a key").permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);

        // the key of builds may record, and may not change who may record
        let policy = json(&world.ledger("repo", &["policy", "show", "--json"]).ok());
        let row = &policy["signers"][1];
        assert_eq!(row["principal"], "ci@acme/pay");
        assert_eq!(row["roles"], serde_json::json!(["writer"]));
        let types = row["types"].as_array().expect("types");
        let explains = |kind: &Value| {
            let kind = kind.as_str().expect("a type");
            ["push", "refs.changed", "gap", "baseline"]
                .iter()
                .any(|word| {
                    let whole = format!("dev.git-ledger.{word}");
                    whole.starts_with(kind.trim_end_matches('*')) && kind.ends_with('*')
                        || whole == kind
                })
        };
        assert!(
            !types.is_empty() && !types.iter().any(explains),
            "{types:?}"
        );
        let with = |kind: &str| {
            let words = ["append", kind, "--key", key.to_str().expect("a path")];
            world.ledger("repo", &words)
        };
        with("dev.cdevents.service.deployed.0.2.0").ok();
        let refused = with("dev.git-ledger.push").code(1);
        assert!(refused.err.contains("signerType"), "{refused}");
        let (ann, path) = (world.public("ann"), key.to_str().expect("a path"));
        let words = ["policy", "add-signer", "ann", &ann, "--role", "admin"];
        let words = [&words[..], &["--yes", "--key", path]].concat();
        let refused = world.ledger("repo", &words).code(1);
        assert!(refused.err.contains("signerRole"), "{refused}");
        world.ledger("repo", &["verify"]).ok();
    }
}

#[test]
fn again_changes_nothing_and_says_so() {
    for (host, files) in HOSTS {
        let world = World::new();
        beginner(&world);
        let words = ["init", host, "--ci-key", "--name", "acme/pay", "--json"];
        let first = json(&world.ledger("repo", &words).ok());
        assert_eq!(first["begins"], true);
        assert_eq!(first["status"], "done");
        let before = below(&world.path("repo"));
        let second = json(&world.ledger("repo", &words).ok());
        assert_eq!(second["begins"], false);
        let states = |told: &Value| -> Vec<String> {
            let files = told["files"].as_array().expect("files").iter();
            files
                .map(|file| file["state"].as_str().expect("a state").to_owned())
                .collect()
        };
        assert_eq!(states(&first), vec!["wrote"; files.len()], "{host}");
        let again = states(&second);
        assert!(again.iter().all(|state| state == "unchanged"), "{again:?}");
        assert_eq!(first["fingerprint"], second["fingerprint"]);
        assert_eq!(first["build_key"], second["build_key"]);
        assert_eq!(second["build_key"]["let_in"], true);
        assert!(before == below(&world.path("repo")), "{host}");
    }
}

#[test]
fn on_a_ledger_that_is_there_the_key_is_let_in_by_its_admins() {
    let world = World::new();
    world.repository("repo");
    let told = json(
        &world
            .ledger("repo", &["init", "--github", "--ci-key", "--json"])
            .ok(),
    );
    assert_eq!(told["begins"], false);
    assert_eq!(told["build_key"]["let_in"], false);
    let command = told["steps"][0]["commands"][0].as_str().expect("a command");
    assert!(command.starts_with("git ledger policy add-signer ci@acme/payments "));
    // the command does what it says
    let mut shell = world.command("repo", "sh");
    shell.args(["-c", &format!("{command} --yes")]);
    crate::world::run(shell, b"").ok();
    let told = json(
        &world
            .ledger("repo", &["init", "--github", "--ci-key", "--json"])
            .ok(),
    );
    assert_eq!(told["build_key"]["let_in"], true);
    let first = told["steps"][0]["commands"][0].as_str().expect("a command");
    assert!(first.contains("gh secret set GIT_LEDGER_KEY"), "{first}");
}

#[test]
fn what_somebody_changed_stays() {
    let world = World::new();
    beginner(&world);
    let file = world.path("repo/.github/workflows/git-ledger.yml");
    fs::create_dir_all(file.parent().expect("a directory")).expect("a directory");
    fs::write(&file, "name: mine \u{1b}[2J\n").expect("a file");
    let words = ["init", "--github", "--name", "pay"];
    let said = world.ledger("repo", &words).code(1);
    assert!(
        said.err
            .contains("'.github/workflows/git-ledger.yml' is there already, and differs")
    );
    assert!(said.err.contains("nothing was done"), "{said}");
    // neither a ledger nor another file
    world
        .git("repo", &["rev-parse", "--verify", "ledger"])
        .code(128);
    assert_eq!(written(&world), [".github/workflows/git-ledger.yml"]);

    let shown = world
        .ledger("repo", &[&words[..], &["--dry-run"]].concat())
        .ok();
    assert!(shown.contains("    -name: mine <U+001B>[2J\n"), "{shown}");
    assert!(shown.contains("    +name: git-ledger\n"), "{shown}");
    assert_eq!(fs::read(&file).expect("a file"), b"name: mine \x1b[2J\n");

    let told = world
        .ledger("repo", &[&words[..], &["--force"]].concat())
        .ok();
    assert!(
        told.contains("replaced  .github/workflows/git-ledger.yml"),
        "{told}"
    );
    let text = fs::read_to_string(&file).expect("a file");
    assert!(text.contains("name: git-ledger\n"), "{text}");
}

#[test]
fn no_link_leads_out_of_the_work_tree() {
    for link in [".github", ".github/workflows/git-ledger.yml"] {
        let world = World::new();
        beginner(&world);
        fs::create_dir(world.path("outside")).expect("a directory");
        fs::write(world.path("outside/file"), "theirs\n").expect("a file");
        let place = world.path("repo").join(link);
        fs::create_dir_all(place.parent().expect("a directory")).expect("a directory");
        let to = if link == ".github" {
            "outside"
        } else {
            "outside/file"
        };
        std::os::unix::fs::symlink(world.path(to), &place).expect("a link");
        let words = ["init", "--github", "--force", "--name", "pay"];
        let said = world.ledger("repo", &words).code(1);
        assert!(
            said.err.contains("is a link, and is not followed"),
            "{said}"
        );
        let outside = below(&world.path("outside"));
        assert_eq!(outside, [("file".to_owned(), b"theirs\n".to_vec())]);
    }
}

#[test]
fn the_names_of_workflows_are_quoted() {
    let world = World::new();
    beginner(&world);
    let dir = world.path("repo/.github/workflows");
    fs::create_dir_all(&dir).expect("a directory");
    for (name, text) in [
        ("a.yml", "on: push\nname: It's \"CI\"\n"),
        ("b.yaml", "on: push\n"),
        ("c.yml", "name: bad \u{202e}name\n"),
        ("d.txt", "name: no workflow\n"),
    ] {
        fs::write(dir.join(name), text).expect("a workflow");
    }
    world
        .ledger("repo", &["init", "--github", "--name", "pay"])
        .ok();
    let text = fs::read_to_string(dir.join("git-ledger.yml")).expect("a file");
    let line = text.lines().find(|line| line.contains("workflows: ["));
    assert_eq!(
        line,
        Some("    workflows: ['.github/workflows/b.yaml', 'It''s \"CI\"']")
    );
}

#[test]
fn a_server_is_guarded_by_one_command() {
    let world = World::new();
    world
        .git("", &["init", "--quiet", "--bare", "server.git"])
        .ok();
    let words = ["init", "--server", "--new-key", "--name", "acme/pay"];
    let told = world.ledger("server.git", &words).ok();
    assert!(told.contains("write "), "{told}");
    let state = world.ledger("server.git", &["hook", "status"]);
    assert_eq!(state.code, 0, "{state}");
    let again = json(
        &world
            .ledger("server.git", &["init", "--server", "--json"])
            .ok(),
    );
    assert_eq!(again["begins"], false);
    assert_eq!(
        again["hooks"],
        serde_json::json!(["everything is in place already"])
    );
}

#[test]
fn bad_wishes_are_told() {
    let world = World::new();
    beginner(&world);
    let refused = |dir: &str, words: &[&str], code: i32, why: &str| {
        let said = world.ledger(dir, words).code(code);
        assert!(said.err.contains(why), "{said}");
    };
    refused(
        "repo",
        &["init", "--github", "--gitlab"],
        129,
        "cannot be used with",
    );
    refused("repo", &["init", "--ci-key"], 129, "required");
    refused(
        "repo",
        &["init", "--github", "--branch", "it's"],
        129,
        "cannot stand in the files of a host",
    );
    refused(
        "origin.git",
        &["init", "--github"],
        129,
        "a bare repository has no place",
    );
    assert_eq!(written(&world), [""; 0]);
}
