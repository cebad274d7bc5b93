//! Where a command runs: variables, time zone, language, clock, limits. None changes a verdict.

use super::*;

/// The verdict of the same second, as JSON.
fn verdict(world: &World, variables: &[(&str, &str)]) -> Said {
    let mut command = world.command("r", "git-ledger");
    let date = format!("@{} +0000", crate::world::EPOCH + 3600);
    command
        .args(["verify", "--json"])
        .env("GIT_COMMITTER_DATE", date)
        .envs(variables.iter().copied());
    run(command, b"")
}

#[test]
fn time_zone_and_language_change_no_verdict() {
    let world = world();
    verdict(&world, &[]).ok();
    let honest = verdict(&world, &[]).ok();
    for zone in [
        "America/New_York",
        "Pacific/Kiritimati",
        ":/etc/passwd",
        "garbage",
        "",
    ] {
        assert_eq!(verdict(&world, &[("TZ", zone)]).ok(), honest, "{zone}");
    }
    for language in ["tr_TR.UTF-8", "C.UTF-8", "ar_EG", "/../../etc", ""] {
        for name in ["LC_ALL", "LANG", "LANGUAGE", "LC_NUMERIC"] {
            assert_eq!(
                verdict(&world, &[(name, language)]).ok(),
                honest,
                "{name}={language}"
            );
        }
    }
}

#[test]
fn no_variable_of_git_changes_the_verdict() {
    let world = world();
    let evil = world.path("evil");
    fs::create_dir(&evil).expect("a directory");
    let evil = evil.to_str().expect("text");
    verdict(&world, &[]).ok();
    let honest = verdict(&world, &[]).ok();
    let names = "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_ATTR_NOSYSTEM GIT_ATTR_SOURCE GIT_ATTR_GLOBAL \
        GIT_COMMITTER_NAME GIT_AUTHOR_DATE GIT_COMMON_DIR GIT_CONFIG GIT_CURL_VERBOSE \
        GIT_DEFAULT_HASH GIT_DEFAULT_REF_FORMAT GIT_DIFF_OPTS GIT_EXEC_PATH GIT_FLUSH \
        GIT_GRAFT_FILE GIT_INDEX_FILE GIT_INDEX_VERSION GIT_LITERAL_PATHSPECS GIT_GLOB_PATHSPECS \
        GIT_MERGE_VERBOSITY GIT_NAMESPACE GIT_NO_LAZY_FETCH GIT_NO_REPLACE_OBJECTS \
        GIT_OBJECT_DIRECTORY GIT_OPTIONAL_LOCKS GIT_PREFIX GIT_PROTOCOL GIT_QUARANTINE_PATH \
        GIT_REDIRECT_STDERR GIT_REDIRECT_STDOUT GIT_REF_PARANOIA GIT_REFLOG_ACTION \
        GIT_REF_STORAGE GIT_REF_URI GIT_REPLACE_REF_BASE GIT_SHALLOW_FILE GIT_TEMPLATE_DIR \
        GIT_TERMINAL_PROMPT GIT_TEST_BUILTIN_HASH GIT_TRACE GIT_TRACE2 GIT_TRACE_REDACT \
        GIT_COMMIT_GRAPH_PARANOIA GIT_TEST_COMMIT_GRAPH GIT_TEST_MULTI_PACK_INDEX GIT_USE_LOOKUP";
    for name in names.split_whitespace() {
        for value in [evil, "1", "", "refs/heads/"] {
            let said = verdict(&world, &[(name, value)]);
            // a repository that is another one, or none, is not this one's verdict
            if name == "GIT_COMMON_DIR" && said.code == 128 {
                continue;
            }
            assert_eq!(said.code, 0, "{name}={value}: {said}");
            assert_eq!(said.out, honest, "{name}={value}");
        }
    }
    assert_eq!(
        fs::read_dir(evil).expect("a directory").count(),
        0,
        "somebody wrote there"
    );
    // settings that arrive broken are no verdict either
    for (name, value) in [
        ("GIT_CONFIG_PARAMETERS", "garbage"),
        ("GIT_CONFIG_PARAMETERS", "'a"),
        ("GIT_CONFIG_COUNT", "-1"),
        ("GIT_CONFIG_COUNT", "99999999999999999999"),
        ("GIT_CONFIG_COUNT", "1"),
    ] {
        let said = verdict(&world, &[(name, value)]).code(128);
        assert!(
            said.err.contains("cannot understand"),
            "{name}={value}: {said}"
        );
    }
    // a namespace, a quarantine and another home do not hide what is known here
    let said = verdict(&world, &[("HOME", evil), ("XDG_CONFIG_HOME", evil)]);
    assert_eq!(said.code, 0, "{said}");
}

#[test]
fn a_clock_that_goes_back_loses_nothing() {
    let world = world();
    let mut command = world.command("r", "git-ledger");
    command
        .args(["append", "dev.acme.built", "--source", "/s", "--id", "late"])
        .env(
            "GIT_COMMITTER_DATE",
            format!("@{} +0000", crate::world::EPOCH - 7200),
        );
    let said = run(command, b"").code(0);
    assert!(said.out.starts_with("recorded 4 "), "{said}");
    assert!(said.err.contains("warning: the entry is dated "), "{said}");
    let said = direct(&world, "r", &["verify"]).ok();
    assert!(
        said.contains("sound: refs/heads/ledger, 5 entries"),
        "{said}"
    );
}

#[test]
fn what_git_would_strip_from_a_message_is_kept() {
    let world = world();
    for (at, text) in [
        "# a comment",
        "  leading and trailing  ",
        "a\n\n\n\nb\n\n",
        "------------------------ >8 ------------------------",
        "Signed-off-by: x",
        "\t",
    ]
    .iter()
    .enumerate()
    {
        direct(
            &world,
            "r",
            &[
                "append",
                "dev.acme.built",
                "--data",
                &format!("text={text}"),
            ],
        )
        .ok();
        let number = (4 + at).to_string();
        let said = direct(&world, "r", &["show", &number, "--json"]).ok();
        let value: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        assert_eq!(value["events"][0]["data"]["text"], *text, "{said}");
    }
    direct(&world, "r", &["verify"]).ok();
}

#[test]
fn few_open_files_and_a_closed_output_are_told() {
    let world = world();
    for limit in ["ulimit -n 12", "ulimit -s 2048"] {
        let mut command = world.command("r", "sh");
        command.args(["-c", &format!("{limit}; exec git-ledger verify")]);
        let said = run(command, b"");
        assert!(said.code != 101 && said.code != -1, "{limit}: {said}");
        assert_eq!(
            said.code == 0,
            said.out.contains("sound: "),
            "{limit}: {said}"
        );
    }
    let mut command = world.command("r", "sh");
    command.args(["-c", "exec git-ledger verify >&-"]);
    assert_ne!(run(command, b"").code, 101);
    let mut command = world.command("r", "sh");
    command.args(["-c", "exec git-ledger append --batch - <&-"]);
    assert_ne!(run(command, b"").code, 0);
}

#[test]
fn an_old_program_does_not_write_at_a_newer_level() {
    let world = World::new();
    let all = crate::vectors::vectors();
    let vector = all
        .iter()
        .find(|vector| vector.name == "policy_level_raised");
    let vector = vector.expect("a vector");
    world.git("", &["init", "-q", "--bare", "r"]).ok();
    super::pushed::unpack(&world, "r", vector);
    let tip = vector.ids("tip").first().expect("a tip").to_string();
    world.git("r", &["update-ref", LEDGER, &tip]).ok();
    let said = direct(&world, "r", &["verify", "--json"]).code(2);
    assert_eq!(findings(&said), ["specUnsupported"]);
    for arguments in [
        &["append", "dev.acme.built"][..],
        &["flush"],
        &["heartbeat"],
    ] {
        let said = direct(&world, "r", arguments);
        assert!(said.code != 0 || arguments == ["flush"], "{said}");
        assert_eq!(
            world.git("r", &["rev-parse", LEDGER]).ok().trim(),
            tip,
            "{said}"
        );
    }
}
