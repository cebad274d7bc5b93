//! What each verb prints, and how it exits.

use std::fs;

use insta::assert_snapshot;

use crate::world::World;

/// The number of entries `git log --show-signature` of stock git calls good.
fn good_signatures(world: &World, dir: &str) -> usize {
    let signers = world
        .git(dir, &["show", "refs/heads/ledger:allowed_signers"])
        .ok();
    fs::write(world.path("allowed"), signers).expect("a file");
    let setting = format!(
        "gpg.ssh.allowedSignersFile={}",
        world.path("allowed").display()
    );
    let said = world.git(
        dir,
        &[
            "-c",
            &setting,
            "log",
            "--no-mailmap",
            "--format=%G?",
            "refs/heads/ledger",
        ],
    );
    said.ok().lines().filter(|line| *line == "G").count()
}

fn python(world: &World, dir: &str) -> String {
    let mut command = world.command("", "python3");
    command
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/ledger-spec/verify.py"
        ))
        .arg(world.path(dir));
    crate::world::run(command, b"").ok()
}

#[test]
fn a_first_ledger() {
    let world = World::new();
    world.git("", &["init", "--quiet", "r"]).ok();
    let said = world.ledger("r", &["init", "--name", "acme/payments"]).ok();
    let said: String = said
        .lines()
        .filter(|line| !line.starts_with("fingerprint"))
        .map(|line| line.to_owned() + "\n")
        .collect();
    assert_snapshot!(said, @r"
    the ledger 'acme/payments' begins on refs/heads/ledger
    signed by    ann@acme.org with SHA256:RqDTSXArX/XQef0p4zRvrqhjKLDDnm/i/XkqTM1rGbo
    give the fingerprint to everyone who will verify; nothing else can replace it

    next:
      git ledger append dev.cdevents.service.deployed --subject payments --data env=prod
      git ledger mirror add NAME URL
      git ledger verify
    ");
    let said = world.ledger(
        "r",
        &[
            "append",
            "dev.cdevents.service.deployed.0.2.0",
            "--subject",
            "payments",
            "--id",
            "1",
        ],
    );
    assert!(
        said.ok()
            .starts_with("recorded 1 dev.cdevents.service.deployed.0.2.0 payments\n")
    );
    assert!(
        world
            .ledger("r", &["verify"])
            .ok()
            .starts_with("sound: refs/heads/ledger, 2 entries, all checked\n")
    );
    assert_eq!(good_signatures(&world, "r"), 2);
    assert_eq!(world.git("r", &["status", "--porcelain"]).ok(), "");
    world.git("r", &["fsck", "--strict"]).ok();
}

#[test]
fn a_ledger_begins_in_every_kind_of_repository() {
    let world = World::new();
    world.git("", &["init", "--quiet", "plain"]).ok();
    world.git("", &["init", "--quiet", "--bare", "bare"]).ok();
    world
        .git("", &["init", "--quiet", "--object-format=sha256", "sha256"])
        .ok();
    world.git("", &["init", "--quiet", "main"]).ok();
    world
        .git(
            "main",
            &["commit", "--quiet", "--allow-empty", "--message=first"],
        )
        .ok();
    world
        .git("main", &["worktree", "add", "--quiet", "../linked"])
        .ok();
    fs::create_dir(world.path("plain/sub")).expect("a directory");
    for dir in ["plain/sub", "bare", "sha256", "linked"] {
        world.ledger(dir, &["init", "--name", "l"]).ok();
        world.ledger(dir, &["append", "a.b", "--data", "k=v"]).ok();
        let big = format!("{{\"text\":\"{}\"}}", "x".repeat(40_000));
        world
            .ledger_with(
                dir,
                &["append", "a.big", "--data-json", "-"],
                big.as_bytes(),
            )
            .ok();
        assert!(
            world
                .ledger(dir, &["verify"])
                .ok()
                .starts_with("sound: refs/heads/ledger, 3 entries"),
            "{dir}"
        );
        assert!(python(&world, dir).contains("sound 3 entries"), "{dir}");
        assert_eq!(good_signatures(&world, dir), 3, "{dir}");
        world.git(dir, &["fsck", "--strict"]).ok();
    }
    // the linked work tree's ledger is the repository's
    assert!(world.ledger("main", &["verify"]).ok().starts_with("sound"));
    assert_eq!(world.git("linked", &["status", "--porcelain"]).ok(), "");
}

#[test]
fn a_branch_that_exists_is_left_alone() {
    let world = World::new();
    world.git("", &["init", "--quiet", "r"]).ok();
    world
        .git(
            "r",
            &["commit", "--quiet", "--allow-empty", "--message=first"],
        )
        .ok();
    world.git("r", &["branch", "ledger"]).ok();
    let before = world.git("r", &["for-each-ref"]).ok();
    let said = world.ledger("r", &["init"]).code(1);
    assert!(
        said.err
            .starts_with("error: the branch 'refs/heads/ledger' exists already"),
        "{said}"
    );
    assert_eq!(world.git("r", &["for-each-ref"]).ok(), before);
    world
        .ledger("r", &["init", "--branch", "audit", "--dry-run"])
        .ok();
    assert_eq!(world.git("r", &["for-each-ref"]).ok(), before);
    world.ledger("r", &["init", "--branch", "audit"]).ok();
    assert!(
        world
            .ledger("r", &["verify"])
            .ok()
            .starts_with("sound: refs/heads/audit, 1 entries")
    );
}

#[test]
fn a_key_is_made_when_asked_for() {
    let world = World::new();
    fs::write(
        world.path("home/.gitconfig"),
        "[user]\n\temail = Ann.B@Acme.org\n",
    )
    .expect("configuration");
    world.git("", &["init", "--quiet", "r"]).ok();
    let said = world.ledger("r", &["init"]).code(128);
    assert_snapshot!(said.err, @r"
    error: no signing key is configured
    hint: set user.signingKey to the path of a key (git config user.signingKey ~/.ssh/id_ed25519.pub), or let 'git ledger init' make one
    hint: --new-key makes one, for this repository only
    ");
    let said = world.ledger("r", &["init", "--new-key"]).ok();
    assert!(
        said.contains("signed by    ann.b@acme.org with SHA256:"),
        "{said}"
    );
    world.ledger("r", &["append", "a.b"]).ok();
    assert!(world.ledger("r", &["verify"]).ok().starts_with("sound"));
}

#[test]
fn an_event_is_recorded_once() {
    let world = World::new();
    world.repository("r");
    let append = |id: &str, data: &str| {
        world.ledger(
            "r",
            &[
                "append", "a.b", "--source", "/s", "--id", id, "--data", data,
            ],
        )
    };
    assert!(append("1", "k=v").ok().starts_with("recorded 1 "));
    assert!(append("1", "k=v").ok().starts_with("already recorded 1 "));
    let said = append("1", "k=w").code(1);
    assert_snapshot!(said.err, @r"
    error: entry 1 already records another event with source '/s' and id '1'
    hint: an id names one event for ever; give this one another --id
    ");
    let lines = "{\"type\":\"a.c\",\"id\":\"1\",\"source\":\"/t\"}\n{\"type\":\"a.b\",\"id\":\"1\",\"source\":\"/s\",\"data\":{\"k\":\"v\"}}\n";
    let said = world
        .ledger_with("r", &["append", "--batch", "-", "--json"], lines.as_bytes())
        .ok();
    let status: Vec<&str> = said
        .lines()
        .filter_map(|line| line.split("\"status\":").nth(1))
        .collect();
    assert_eq!(status, ["\"already-recorded\"}", "\"recorded\"}"]);
    assert!(
        world
            .ledger("r", &["verify"])
            .ok()
            .starts_with("sound: refs/heads/ledger, 3 entries")
    );
}

#[test]
fn a_batch_fills_entries() {
    let world = World::new();
    world.repository("r");
    let lines: String = (0..500)
        .map(|at| format!("{{\"type\":\"a.b\",\"id\":\"{at}\",\"source\":\"/s\"}}\n"))
        .collect();
    let said = world
        .ledger_with(
            "r",
            &["append", "--batch", "-", "--events-per-entry", "100"],
            lines.as_bytes(),
        )
        .ok();
    assert!(said.contains("recorded 5 a.b /s (+99)"), "{said}");
    let said = world
        .ledger_with("r", &["append", "--batch", "-"], lines.as_bytes())
        .ok();
    assert_eq!(said.matches("already recorded").count(), 5, "{said}");
    assert!(
        world
            .ledger("r", &["verify"])
            .ok()
            .starts_with("sound: refs/heads/ledger, 6 entries")
    );
    assert!(python(&world, "r").contains("sound 6 entries"));
    // one bad line, and nothing is recorded
    let said = world
        .ledger_with(
            "r",
            &["append", "--batch", "-"],
            b"{\"type\":\"a.b\"}\n{\"type\":1}\n",
        )
        .code(129);
    assert!(
        said.err
            .starts_with("error: line 2: not an event: type is not a non-empty string"),
        "{said}"
    );
    assert!(
        world
            .ledger("r", &["verify"])
            .ok()
            .starts_with("sound: refs/heads/ledger, 6 entries")
    );
}

#[test]
fn who_may_write_what_changes_by_entries() {
    let world = World::new();
    world.repository("r");
    world.key("ci");
    let ci = world.path("keys/ci.pub");
    let ci_key = world.path("keys/ci");
    let append =
        |kind: &str| world.ledger("r", &["append", kind, "--key", &ci_key.to_string_lossy()]);
    assert!(append("a.b").code(1).err.contains("signerUnknown"));
    let words = [
        "policy",
        "add-signer",
        "ci@acme",
        &ci.to_string_lossy(),
        "--role",
        "writer",
        "--type",
        "a.*",
    ];
    world
        .ledger("r", &[&words[..], &["--dry-run"]].concat())
        .ok();
    assert!(append("a.b").code(1).err.contains("signerUnknown"));
    world.ledger("r", &words).ok();
    append("a.b").ok();
    assert!(append("b.c").code(1).err.contains("signerType"));
    assert!(
        append("dev.git-ledger.review")
            .code(1)
            .err
            .contains("signerRole")
    );
    let change = world
        .ledger(
            "r",
            &[
                "policy",
                "retire",
                "ann@acme.org",
                "--key",
                &ci_key.to_string_lossy(),
            ],
        )
        .code(1);
    assert!(change.err.contains("policyLockout"), "{change}");
    let change = world
        .ledger(
            "r",
            &[
                "policy",
                "retire",
                "ci@acme",
                "--key",
                &ci_key.to_string_lossy(),
            ],
        )
        .code(1);
    assert!(change.err.contains("signerRole"), "{change}");
    world.ledger("r", &["policy", "retire", "ci@acme"]).ok();
    assert!(append("a.b").code(1).err.contains("signerRetired"));
    // what was written before stays good
    assert!(
        world
            .ledger("r", &["verify"])
            .ok()
            .starts_with("sound: refs/heads/ledger, 4 entries")
    );
    assert!(python(&world, "r").contains("sound 4 entries"));
    assert_eq!(good_signatures(&world, "r"), 4);
    let said = world.ledger("r", &["policy", "show"]).ok();
    assert!(
        said.contains("ci@acme                  writer only a.* (retired)"),
        "{said}"
    );
}

#[test]
fn an_edited_policy_is_made_canonical_or_refused() {
    let world = World::new();
    world.repository("r");
    let toml = world.ledger("r", &["policy", "show", "--toml"]).ok();
    let edited = toml.replace(
        "name = \"acme/payments\"",
        "# a comment\nname   = 'acme/pay'",
    );
    world
        .ledger_with("r", &["policy", "edit", "--file", "-"], edited.as_bytes())
        .ok();
    assert!(
        world
            .ledger("r", &["policy", "show", "--toml"])
            .ok()
            .contains("\nname = \"acme/pay\"\n")
    );
    for (wound, finding) in [
        (toml.replace("spec = 1", "spec = 2"), "specUnsupported"),
        (
            toml.replace("threshold = 1", "threshold = 2"),
            "policyLockout",
        ),
        (toml.replace("id = \"", "id = \"0"), "policyMalformed"),
        (toml.clone() + "extra = 1\n", "policyMalformed"),
        (
            toml.replace("ann@acme.org", "bob@acme.org"),
            "policyRowChanged",
        ),
    ] {
        let said = world
            .ledger_with("r", &["policy", "edit", "--file", "-"], wound.as_bytes())
            .code(1);
        assert!(said.err.contains(finding), "{finding}: {said}");
    }
    assert!(
        world
            .ledger("r", &["verify"])
            .ok()
            .starts_with("sound: refs/heads/ledger, 2 entries")
    );
}

#[test]
fn what_cannot_be_recorded_waits_or_fails() {
    let world = World::new();
    world.repository("r");
    let gone = world.path("keys/gone").to_string_lossy().into_owned();
    let append = |id: &str, more: &[&str]| {
        world.ledger(
            "r",
            &[
                &[
                    "append", "a.b", "--source", "/s", "--id", id, "--key", &gone,
                ],
                more,
            ]
            .concat(),
        )
    };
    append("1", &["--on-failure", "fail"]).code(128);
    let said = append("2", &["--on-failure", "spool"]);
    assert!(said.out.starts_with("spooled a.b 2 in "), "{said}");
    let _ = said.ok();
    let said = world.ledger("r", &["flush"]).ok();
    assert!(said.starts_with("recorded 1 a.b /s\n"), "{said}");
    assert_eq!(
        world.ledger("r", &["flush"]).code(0).err,
        "the spool is empty\n"
    );
    assert!(
        world
            .ledger("r", &["verify"])
            .ok()
            .starts_with("sound: refs/heads/ledger, 2 entries")
    );
}

#[test]
fn a_verdict_has_three_answers() {
    let world = World::new();
    world.repository("r");
    for id in ["1", "2", "3"] {
        world.ledger("r", &["append", "a.b", "--id", id]).ok();
    }
    let json = world.ledger("r", &["verify", "--json"]).ok();
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        (value["answer"].as_str(), value["pinned"].as_bool()),
        (Some("sound"), Some(true))
    );
    world
        .ledger("r", &["verify", "--fingerprint", &"0".repeat(64)])
        .code(1);
    world
        .ledger("r", &["verify", "--fingerprint", "xyz"])
        .code(129);
    let source = format!("file://{}", world.path("r").display());
    world
        .git(
            "",
            &[
                "clone",
                "--quiet",
                "--depth=2",
                "--branch=ledger",
                &source,
                "cut",
            ],
        )
        .ok();
    let said = world.ledger("cut", &["verify"]).code(2);
    assert!(
        said.out.contains("unknown entry 2") && said.out.contains("NOT PINNED"),
        "{said}"
    );
    // rolled back below what was seen here
    world
        .git(
            "r",
            &["update-ref", "refs/heads/ledger", "refs/heads/ledger~2"],
        )
        .ok();
    let said = world.ledger("r", &["verify"]).code(1);
    assert!(said.out.contains("rolledBack"), "{said}");
    world
        .git("r", &["update-ref", "-d", "refs/heads/ledger"])
        .ok();
    assert!(
        world
            .ledger("r", &["verify"])
            .code(1)
            .err
            .contains("rolledBack")
    );
}
