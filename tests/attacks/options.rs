//! Whatever stands in an argument stays an argument: no option of a program that is started, no
//! command, no path out of the repository, no command to the terminal. Every argument and option
//! of every verb, as the help tells them.

use std::path::Path;

use crate::commands;
use crate::recorded::times;

use super::*;

/// What is put in the place of each argument.
fn hostile(marker: &Path) -> Vec<String> {
    let touch = format!("touch {}", marker.display());
    vec![
        "-x".into(),
        "--all".into(),
        "--".into(),
        format!("--upload-pack={touch}"),
        format!("--receive-pack={touch}"),
        format!("--exec={touch}"),
        format!("--output={}", marker.display()),
        format!("-oProxyCommand={touch}"),
        format!("$({touch})"),
        format!("`{touch}`"),
        format!("; {touch}"),
        format!("| {touch}"),
        format!("x\n{touch}\n"),
        format!("ext::sh -c {}", touch.replace(' ', "% ")),
        format!("!{touch}"),
        format!("ssh://-oProxyCommand={touch}/x"),
        "../../../../etc/passwd".into(),
        "refs/heads/../../config".into(),
        "/dev/stdin".into(),
        "/dev/full".into(),
        "\u{1b}]0;title\u{7}\u{1b}[2J".into(),
        "\u{202e}elgnis\u{2066}".into(),
        "HEAD@{1}".into(),
        "ledger^{/x}".into(),
        ":/x".into(),
        "@".into(),
        "*".into(),
        "a b".into(),
        "18446744073709551616".into(),
        "-1".into(),
        "é\u{301}漢".into(),
        String::new(),
        "x".repeat(100_000),
        "%s%n%p".into(),
        "{}{0}".into(),
        "core.fsmonitor=x".into(),
    ]
}

/// The words of a command, given one hostile value.
type Way = Box<dyn Fn(&str) -> Vec<String>>;

#[test]
fn no_argument_becomes_an_option_or_a_command() {
    let world = world();
    mirror(&world, "one");
    fs::write(world.path("file"), "{\"type\":\"dev.acme.built\"}\n").expect("a file");
    let marker = world.path("marker");
    let values = hostile(&marker);
    let few = times(7, 1);
    let mut turn = 0;
    let mut tried = 0;
    for verb in commands::all(&world) {
        let words: Vec<&str> = verb.words.iter().map(String::as_str).collect();
        if words == ["demo"] || verb.words.iter().any(|word| word == "edit") {
            continue;
        }
        let ends = commands::ending(&words);
        let ends = ends.as_slice();
        let required: Vec<&str> = verb
            .required
            .iter()
            .map(|name| commands::value(name))
            .collect();
        // in the place of each argument, and after each option
        let mut ways: Vec<Way> = Vec::new();
        let owned = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<String>>()
        };
        for at in 0..=verb.required.len() {
            if at == verb.required.len() && verb.optional.is_empty() {
                continue;
            }
            let (words, required) = (owned(&words), owned(&required));
            ways.push(Box::new(move |value| {
                let mut all = required.clone();
                match all.get_mut(at) {
                    Some(place) => *place = value.to_owned(),
                    None => all.push(value.to_owned()),
                }
                // a value that begins like an option is one to clap, unless it is told
                let mark = vec!["--".to_owned()];
                [words.clone(), mark, all].concat()
            }));
        }
        // what a person asks to be printed is printed
        for (option, _) in verb
            .valued
            .iter()
            .filter(|(option, _)| option != "--format")
        {
            let (words, required, option) = (owned(&words), owned(&required), option.clone());
            let ends = owned(ends);
            ways.push(Box::new(move |value| {
                let given = match option.starts_with("--") {
                    true => vec![format!("{option}={value}")],
                    false => vec![format!("{option}{value}")],
                };
                [words.clone(), ends.clone(), given, required.clone()].concat()
            }));
        }
        for way in ways {
            for value in &values {
                turn += 1;
                // in the suite every value meets many arguments, not each of them
                if turn % few != 0 {
                    continue;
                }
                let arguments = way(value);
                let mut command = world.command("r", "timeout");
                command
                    .args(["-s", "KILL", "20", crate::recorded::BINARY])
                    .args(&arguments);
                command.env("GIT_EDITOR", "true");
                let said = run(command, b"");
                tried += 1;
                let what = || format!("{words:?} {value:?}: {said}");
                // a command that is not there or cannot be run has statuses of its own
                let wrapped = words == ["run"] && [126, 127].contains(&said.code);
                let known = [0, 1, 2, 128, 129].contains(&said.code);
                assert!(known || wrapped, "{}", what());
                assert!(!marker.exists(), "{}", what());
                for text in [&said.out, &said.err] {
                    let raw = text.chars().find(|c| {
                        (c.is_control() && !"\n\t".contains(*c))
                            || matches!(*c as u32, 0x202a..=0x202e | 0x2066..=0x2069)
                    });
                    // completions and clap's own usage errors repeat what was typed, escaped too
                    assert_eq!(raw, None, "{}", what());
                }
                if said.code > 2 {
                    assert!(
                        said.err.starts_with("error: ")
                            || said.err.starts_with("warning: ")
                            || said.err.starts_with("hint: "),
                        "{}",
                        what()
                    );
                }
            }
        }
        // whatever was done, it is still a ledger, or says why not
        let said = direct(&world, "r", &["verify"]);
        assert!([0, 1, 2, 128].contains(&said.code), "{words:?}: {said}");
    }
    println!("{tried} command lines");
    assert!(tried > 200, "{tried}");
}

#[test]
fn names_of_remotes_and_refs_from_the_repository_are_not_options() {
    let world = world();
    mirror(&world, "one");
    let marker = world.path("marker");
    let config = world.path("r/.git/config");
    let honest = fs::read_to_string(&config).expect("settings");
    for name in hostile(&marker) {
        if name.contains(['\0', '\n']) || name.is_empty() || name.len() > 1000 {
            continue;
        }
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        let one = world.path("one.git");
        let more = format!(
            "[remote \"{quoted}\"]\n\turl = {}\n[ledger \"acme/payments\"]\n\tmirror = \"{quoted}\"\n",
            one.display()
        );
        fs::write(&config, honest.clone() + &more).expect("settings");
        for arguments in [
            &["compare"][..],
            &["mirror", "list"],
            &["mirror", "push"],
            &["mirror", "pull"],
            &["verify", "--remotes"],
        ] {
            let said = direct(&world, "r", arguments);
            assert!(
                [0, 1, 2, 128, 129].contains(&said.code),
                "{name:?} {arguments:?}: {said}"
            );
            assert!(!marker.exists(), "{name:?} {arguments:?}: {said}");
            assert!(
                !said.out.contains('\u{1b}') && !said.out.contains('\u{202e}'),
                "{said}"
            );
            assert!(
                !said.err.contains('\u{1b}') && !said.err.contains('\u{202e}'),
                "{said}"
            );
        }
    }
}
