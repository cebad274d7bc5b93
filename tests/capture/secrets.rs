//! Planted secrets: wherever they stand around a step or a snapshot, the repository holds none.

use std::fs;

use super::*;

const PLANTED: &str = "Zx9planted7secretQ";

/// Every format that is not packed or compressed; those two hold the same fields.
const FORMATS: &[&str] = &[
    "cloudevents-jsonl",
    "cloudevents-batch",
    "cdevents",
    "ocsf",
    "ecs",
    "splunk-hec",
    "otlp-json",
    "cef",
    "csv",
    "protobuf",
];

fn assert_nowhere(world: &World) {
    assert!(!stands_in(world, "r", PLANTED));
    let log = ledger(world, &["log", "--json"]).ok();
    assert!(!log.contains(PLANTED), "{log}");
    for format in FORMATS {
        let export = ledger(world, &["export", "--format", format]).ok();
        assert!(export.len() > 200, "{format} holds nothing");
        assert!(!export.contains(PLANTED), "{format}");
    }
}

#[test]
fn the_search_finds_what_is_there() {
    let world = world();
    ledger(
        &world,
        &["append", "dev.acme.x", "--data", &format!("k={PLANTED}")],
    )
    .ok();
    assert!(stands_in(&world, "r", PLANTED));
    for format in FORMATS {
        let export = ledger(&world, &["export", "--format", format]).ok();
        assert!(export.contains(PLANTED), "{format}");
    }
}

#[test]
fn of_a_step() {
    let world = world();
    fs::write(world.path("env"), "").expect("a file");
    let script = format!(
        "echo pw={PLANTED} > conf; echo API_TOKEN={PLANTED} >> $GITHUB_ENV; echo {PLANTED}; \
         echo x={PLANTED} >> $GITHUB_OUTPUT; echo $API_TOKEN >&2; exit 3 # {PLANTED}"
    );
    let mut command = binary(
        &world,
        &[
            "run",
            "--env",
            "*",
            "--watch",
            "conf",
            "--artifact",
            "conf",
            "--show-command",
            "--",
            "sh",
            "-c",
            &script,
            "--password",
            PLANTED,
        ],
    );
    command
        .env("API_TOKEN", PLANTED)
        .env("GITHUB_ENV", world.path("env"))
        .env("GITHUB_OUTPUT", world.path("env"));
    let said = finish(command, b"").code(3);
    assert!(said.out.contains(PLANTED), "the command's own words pass");
    assert!(
        said.err
            .contains("a word of the command looks like a secret"),
        "{said}"
    );
    // killed, and told by the next
    let mut command = binary(
        &world,
        &[
            "run",
            "--env",
            "*",
            "--",
            "sh",
            "-c",
            "kill -9 $PPID",
            PLANTED,
        ],
    );
    command.env("API_TOKEN", PLANTED);
    assert_eq!(finish(command, b"").code, -1);
    let run = ["run", "--show-command", "--", "echo", "plain"];
    ledger(&world, &run).code(0);
    let started = events(&world, "dev.cdevents.taskrun.started");
    assert_eq!(
        get(&started[0], "data/customData/command/wordsLeftOut"),
        &Value::Bool(true)
    );
    assert_eq!(text(&started[0], "data/customData/command/program"), "sh");
    assert_eq!(
        text(&started[2], "data/customData/command/words/1"),
        "plain"
    );
    assert_eq!(events(&world, "dev.cdevents.taskrun.finished").len(), 3);
    assert_nowhere(&world);
}

#[test]
fn of_a_step_that_waits_in_the_spool() {
    let world = world();
    world
        .git("r", &["remote", "add", "gone", "../gone.git"])
        .ok();
    let mut command = binary(
        &world,
        &[
            "run",
            "--env",
            "*",
            "--push",
            "gone",
            "--on-failure=spool",
            "--",
            "true",
            PLANTED,
        ],
    );
    command.env("PASSWORD", PLANTED);
    finish(command, b"").code(0);
    assert_nowhere(&world);
}

#[test]
fn of_a_snapshot() {
    let world = world();
    let take = |options: &[&str], value: &str| {
        let mut command = binary(&world, &[&["snapshot"], options].concat());
        command
            .env("API_TOKEN", value)
            .env("CONN", format!("pg://u:{value}@h"));
        finish(command, b"")
    };
    let options = [
        "--config", "conf", "--env", "*", "--env", "!_", "--diff", "**",
    ];
    fs::write(world.path("r/conf"), format!("password: {PLANTED}\n")).expect("a file");
    take(&options, PLANTED).ok();
    // neither where it comes nor where it goes
    fs::write(world.path("r/conf"), "password:\nport: 1\n").expect("a file");
    take(&options, "other").ok();
    fs::write(
        world.path("r/conf"),
        format!("url: https://u:{PLANTED}@h/\n"),
    )
    .expect("a file");
    let said = take(&options, PLANTED).ok();
    assert!(said.contains("changed API_TOKEN\n"), "{said}");
    for name in ["API_TOKEN", "CONN"] {
        take(&["--value", name], PLANTED).code(129);
    }
    let files = events(&world, "dev.git-ledger.config.changed");
    assert_eq!(text(&files[0], "data/noDiff"), "notKept");
    assert_eq!(text(&files[1], "data/noDiff"), "notKept");
    assert_nowhere(&world);
}

#[test]
fn the_key_of_digests_is_nobodys_but_ours() {
    let world = world();
    let key = "0123456789abcdef".repeat(4);
    let mut command = binary(&world, &["run", "--env", "*", "--", "env"]);
    command.env("GIT_LEDGER_DIGEST_KEY", &key);
    let said = finish(command, b"").code(0);
    assert!(said.out.contains("HOME="), "{said}");
    assert!(
        !said.out.contains("DIGEST_KEY") && !said.out.contains(&key),
        "{said}"
    );
    assert!(!stands_in(&world, "r", &key));
    let names = events(&world, "dev.cdevents.taskrun.started")[0].to_canonical();
    assert!(
        names.contains("\"HOME\"") && !names.contains("DIGEST_KEY"),
        "{names}"
    );
}
