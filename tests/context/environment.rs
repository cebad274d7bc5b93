//! What append takes of the environment it runs in: by a list of names, bounded, never a secret.

use std::fs;

use git_ledger::json::{Object, Value};
use insta::assert_snapshot;

use crate::world::{Said, World, run};

/// Values that must be nowhere: each begins with `planted`.
const SECRETS: &[(&str, &str)] = &[
    ("GITHUB_TOKEN", "planted-github-token"),
    ("ACTIONS_RUNTIME_TOKEN", "planted-runtime-token"),
    ("CI_JOB_TOKEN", "planted-job-token"),
    ("DATABASE_URL", "postgres://app:planted@db/x"),
    ("AWS_SECRET_ACCESS_KEY", "planted-aws"),
];

const GITHUB: &[(&str, &str)] = &[
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_ACTOR", "ann"),
    ("GITHUB_REPOSITORY", "acme/payments"),
    ("GITHUB_SHA", "8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f"),
    ("GITHUB_REF", "refs/heads/main"),
    ("GITHUB_RUN_ID", "123"),
    ("GITHUB_RUN_ATTEMPT", "1"),
    ("GITHUB_SERVER_URL", "https://github.com"),
];

/// A world whose settings leave the context to the program.
fn world() -> World {
    let world = World::new();
    world
        .git("", &["config", "--global", "--unset", "ledger.context"])
        .ok();
    world.repository("r");
    world
}

/// `git ledger append` in this environment, with secrets beside it.
fn append(world: &World, variables: &[(&str, &str)], arguments: &[&str]) -> Said {
    let mut command = world.command("r", "git");
    command.args(["ledger", "append"]).args(arguments);
    command.envs(SECRETS.iter().chain(variables).copied());
    run(command, b"")
}

#[track_caller]
fn data(world: &World) -> Object {
    let event = super::newest(world, "r");
    let text = Value::from(event.clone()).to_canonical();
    assert!(!text.contains("planted"), "{text}");
    event
        .get("data")
        .and_then(Value::as_object)
        .cloned()
        .expect("data")
}

#[track_caller]
fn ci(world: &World) -> Object {
    let data = data(world);
    let ci = data.get("ci").and_then(Value::as_object);
    ci.cloned().expect("a context")
}

#[test]
fn a_job_says_who_what_and_where() {
    let world = world();
    append(&world, GITHUB, &["a.b", "--data", "k=v"]).ok();
    assert_snapshot!(Value::from(data(&world)).to_canonical(), @r#"{"ci":{"actor":"ann","commit":"8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f8a1f","ref":"refs/heads/main","repository":"acme/payments","run":{"attempt":"1","id":"123","url":"https://github.com/acme/payments/actions/runs/123/attempts/1"},"system":"github"},"k":"v"}"#);
    // without data of its own
    append(&world, GITHUB, &["a.b"]).ok();
    assert_eq!(ci(&world).get("actor"), Some(&"ann".into()));
    world.ledger("r", &["verify"]).ok();
}

#[test]
fn a_cdevent_has_it_where_others_look_for_more() {
    let world = world();
    let arguments = ["--cdevent", "build.queued", "--subject", "7", "--id", "1"];
    append(&world, GITHUB, &arguments).ok();
    let event = data(&world);
    let theirs: cdevents_sdk::CDEvent =
        serde_json::from_str(&Value::from(event).to_canonical()).expect("an event of CDEvents");
    let custom = theirs.custom_data().clone().expect("customData");
    assert_eq!(custom["ci"]["actor"], "ann");
    assert_eq!(custom["ci"]["run"]["id"], "123");
    // the same event again, later and in another run, is recorded once
    let before = world.git("r", &["rev-parse", "ledger"]).ok();
    let again = [GITHUB, &[("GITHUB_RUN_ATTEMPT", "2")]].concat();
    append(&world, &again, &arguments).ok();
    assert_eq!(world.git("r", &["rev-parse", "ledger"]).ok(), before);
}

#[test]
fn a_job_that_is_tried_again_records_its_event_once() {
    let world = world();
    let arguments = ["a.b", "--id", "1", "--data", "k=v"];
    append(&world, GITHUB, &arguments).ok();
    let before = world.git("r", &["rev-parse", "ledger"]).ok();
    let again = [GITHUB, &[("GITHUB_RUN_ATTEMPT", "2")]].concat();
    append(&world, &again, &arguments).ok();
    assert_eq!(world.git("r", &["rev-parse", "ledger"]).ok(), before);
    let other = ["a.b", "--id", "1", "--data", "k=w"];
    append(&world, &again, &other).code(1);
}

#[test]
fn a_shell_says_whose_account_it_is() {
    let world = world();
    append(
        &world,
        &[("USER", "planted"), ("LOGNAME", "planted")],
        &["a.b"],
    )
    .ok();
    let ci = ci(&world);
    assert_eq!(ci.get("system"), Some(&"shell".into()));
    let account = world.command("", "id").arg("-un").output().expect("id");
    let account = String::from_utf8(account.stdout).expect("text");
    assert_eq!(ci.get("actor"), Some(&account.trim().into()));
    assert_eq!(ci.iter().count(), 2);
}

#[test]
fn whoever_wants_none_gets_none() {
    let world = world();
    let none = |arguments: &[&str]| {
        append(&world, GITHUB, arguments).ok();
        assert_eq!(super::newest(&world, "r").get("data"), None);
    };
    none(&["a.b", "--no-context"]);
    none(&["a.b", "--context", "none"]);
    world.git("r", &["config", "ledger.context", "none"]).ok();
    none(&["a.b"]);
    append(&world, GITHUB, &["a.b", "--context", "auto"]).ok();
    assert_eq!(ci(&world).get("system"), Some(&"github".into()));
    let name = world.git(
        "r",
        &[
            "config",
            "--name-only",
            "--get-regexp",
            r"^ledger\..*\.ref$",
        ],
    );
    let name = name.ok().trim().replace(".ref", ".context");
    world.git("r", &["config", &name, "shell"]).ok();
    append(&world, GITHUB, &["a.b"]).ok();
    assert_eq!(ci(&world).get("system"), Some(&"shell".into()));
    world.git("r", &["config", &name, "nonsense"]).ok();
    let said = append(&world, GITHUB, &["a.b"]).code(128);
    assert!(said.err.contains("nothing was recorded"), "{said}");
}

#[test]
fn a_heartbeat_is_about_the_ledger() {
    let world = world();
    let mut command = world.command("r", "git");
    command
        .args(["ledger", "heartbeat"])
        .envs(GITHUB.iter().copied());
    run(command, b"").ok();
    assert_eq!(super::newest(&world, "r").get("data"), None);
}

#[test]
fn systems_that_contradict_each_other_are_not_mixed() {
    let world = world();
    let both = [
        GITHUB,
        &[("GITLAB_CI", "true"), ("CI_PROJECT_PATH", "evil/x")],
    ]
    .concat();
    let said = append(&world, &both, &["a.b"]);
    assert_snapshot!(said.err, @r"
    warning: the variables of github and gitlab contradict each other; nothing is taken of them
    hint: say which it is with --context, or --no-context
    ");
    let text = Value::from(ci(&world)).to_canonical();
    assert_eq!(text, r#"{"claims":["github","gitlab"],"system":"unclear"}"#);
    append(&world, &both, &["a.b", "--context", "gitlab"]).ok();
    assert_eq!(ci(&world).get("repository"), Some(&"evil/x".into()));
    let said = append(&world, &both, &["a.b", "--context", "jenkins"]).code(129);
    assert_snapshot!(said.err, @r"
    error: this is no job of jenkins: JENKINS_URL is not set
    hint: nothing was recorded; --context auto takes the system that is here
    ");
}

#[test]
fn data_that_has_no_room_for_it_stays_as_it_is() {
    let world = world();
    let said = append(&world, GITHUB, &["a.b", "--data", "ci=mine"]);
    assert_snapshot!(said.err, @r"
    warning: the context is left out: the data has a member 'ci' of its own
    hint: --no-context leaves it out without a word
    ");
    assert_eq!(data(&world).get("ci"), Some(&"mine".into()));
    fs::write(world.path("list.json"), "[1]").expect("a file");
    let list = world.path("list.json");
    let said = append(
        &world,
        GITHUB,
        &["a.b", "--data-json", &list.to_string_lossy()],
    );
    assert_snapshot!(said.err, @r"
    warning: the context is left out: the data is no JSON object
    hint: --no-context leaves it out without a word
    ");
    let event = super::newest(&world, "r");
    assert_eq!(
        event.get("data").map(Value::to_canonical),
        Some("[1]".into())
    );
    // events from elsewhere have their own
    fs::write(world.path("batch"), "{\"type\":\"a.b\"}\n").expect("a file");
    let batch = world.path("batch");
    append(&world, GITHUB, &["--batch", &batch.to_string_lossy()]).ok();
    assert_eq!(super::newest(&world, "r").get("data"), None);
    let arguments = ["--batch", &batch.to_string_lossy(), "--context", "github"];
    append(&world, GITHUB, &arguments).code(129);
}

#[test]
fn hostile_variables_are_bounded_and_spelled() {
    let world = world();
    let long = "x".repeat(100_000);
    let given = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_ACTOR", long.as_str()),
        ("GITHUB_REF", "refs/heads/\u{1b}]0;x\u{7}"),
        ("GITHUB_REPOSITORY", "acme/\u{202e}stnemyap"),
        (
            "GITHUB_JOB",
            "x\n::set-output name=a::b\n::stop-commands::t",
        ),
        (
            "GITHUB_SERVER_URL",
            "https://bot:planted@github.com/?t=planted#planted",
        ),
        ("GITHUB_RUN_ID", "7"),
    ];
    let said = append(&world, &given, &["a.b"]).ok();
    let ci = ci(&world);
    // no address can be made of such a name
    let left_out = vec!["actor".into(), "run.url".into()];
    assert_eq!(ci.get("leftOut"), Some(&left_out.into()));
    assert!(ci.get("ref_base64").is_some() && ci.get("ref").is_none());
    assert!(ci.get("job_base64").is_some() && ci.get("job").is_none());
    let shown = world.ledger("r", &["show", "1"]).ok() + &world.ledger("r", &["log"]).ok() + &said;
    for line in shown.lines() {
        assert!(!line.trim_start().starts_with("::"), "{line}");
        let bad = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!line.contains(bad), "{line:?}");
    }
    world.ledger("r", &["verify"]).ok();
}

#[test]
fn the_event_of_the_run_is_reduced() {
    let world = world();
    let path = world.path("event.json");
    let body = r#"{"action":"closed","pull_request":{"number":7,"title":"planted","merged":true,
        "user":{"login":"ann","email":"planted@x"},"head":{"sha":"8a1f","ref":"::error::x"}},
        "score":0.5,"inputs":{"password":"planted"}}"#;
    fs::write(&path, body).expect("a file");
    let path = path.to_string_lossy().into_owned();
    let with = |path: &str| {
        let variables = [GITHUB, &[("GITHUB_EVENT_PATH", path)]].concat();
        let said = append(&world, &variables, &["a.b"]);
        let err = said
            .err
            .replace(&*world.path("").to_string_lossy(), "WORLD/");
        said.ok();
        let payload = ci(&world).get("payload").map(Value::to_canonical);
        (payload, err)
    };
    assert_snapshot!(with(&path).0.expect("a payload"), @r#"{"action":"closed","bytes":225,"digest":"sha256:e20c51c805260f4c95fb441480ea80766aa9ac1ca2383ac14f9cd4b0a4543291","pull_request":{"head":{"ref":"::error::x","sha":"8a1f"},"merged":true,"number":7,"user":{"login":"ann"}}}"#);
    // what cannot be read is told, and the event is recorded all the same
    let mut told = String::new();
    fs::write(&path, "{\"action\":\"a\",\"action\":\"b\"}").expect("a file");
    told += &with(&path).0.expect("a payload");
    let big = world.path("big.json");
    let file = fs::File::create(&big).expect("a file");
    file.set_len((25 << 20) + 1).expect("a size");
    let (payload, err) = with(&big.to_string_lossy());
    told += &format!("\n{}\n{err}", payload.expect("a payload"));
    run(
        {
            let mut command = world.command("", "mkfifo");
            command.arg("pipe.json");
            command
        },
        b"",
    )
    .ok();
    for path in [
        world.path("pipe.json"),
        world.path(""),
        world.path("absent"),
    ] {
        let (payload, err) = with(&path.to_string_lossy());
        assert_eq!(payload, None);
        told += &err;
    }
    assert_snapshot!(told, @r#"
    {"bytes":27,"digest":"sha256:fd91dc39893de4777f529285cc1c91814d13bd686ebef1f1ef82d81755b9019d","unread":"malformed"}
    {"bytes":26214401,"unread":"tooLarge"}
    warning: the run's event in 'WORLD/big.json' is not taken: it is larger than 26214400 bytes
    warning: the run's event in 'WORLD/pipe.json' is not taken: it is no file
    warning: the run's event in 'WORLD/' is not taken: it is no file
    warning: the run's event in 'WORLD/absent' is not taken: No such file or directory (os error 2)
    "#);
}
