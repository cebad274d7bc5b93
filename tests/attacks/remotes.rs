//! Servers that let nobody in, and addresses that lead elsewhere.

use crate::servers::Server;
use crate::servers::ssh::Sshd;
use crate::servers::web::Web;

use super::*;

fn silent(world: &World, url: &str, key: Option<&str>) -> Said {
    let name = format!("closed{}", world.now());
    world
        .git("r", &["config", &format!("remote.{name}.url"), url])
        .ok();
    let mut command = world.command("r", "git-ledger");
    command.args(["compare", "--json", "--timeout", "10", &name]);
    if let Some(key) = key {
        Sshd::as_user(world, &mut command, key);
    }
    run(command, b"").code(2)
}

#[test]
fn a_closed_door_is_silence() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let fetch = format!("+{LEDGER}:{LEDGER}");
    world.git("r", &["fetch", "-q", "origin", &fetch]).ok();
    let sshd = Sshd::start(&world);
    let web = Web::start(&world);
    // a key the server does not know; a wrong password, which is not shown to anybody
    let said = silent(&world, &sshd.url(&server), Some("mallory"));
    assert_eq!(findings(&said), ["mirrorSilent"]);
    let wrong = web
        .url(&server)
        .replace(crate::servers::web::PASSWORD, "wrong-3714");
    let said = silent(&world, &wrong, None);
    assert_eq!(findings(&said), ["mirrorSilent"]);
    assert!(
        !said.out.contains("wrong-3714") && !said.err.contains("wrong-3714"),
        "{said}"
    );
    let said = silent(&world, &web.url(&server).replace("r.git", "none.git"), None);
    assert_eq!(findings(&said), ["mirrorSilent"]);
    // nobody listens; a name that is none
    let said = silent(&world, "ssh://127.0.0.1:1/x.git", None);
    assert_eq!(findings(&said), ["mirrorSilent"]);
    // the right key is let in
    let name = "open";
    world
        .git("r", &["config", "remote.open.url", &sshd.url(&server)])
        .ok();
    let mut command = world.command("r", "git-ledger");
    command.args(["compare", name]);
    Sshd::as_user(&world, &mut command, "ann");
    run(command, b"").ok();
}

#[test]
fn an_address_that_is_an_option_or_a_command_is_refused() {
    let world = world();
    let marker = world.path("marker");
    let touch = format!("touch {}", marker.display());
    for url in [
        "-x".to_owned(),
        format!("--upload-pack={touch}"),
        format!("ext::sh -c {}", touch.replace(' ', "% ")),
        format!("ext::{touch}"),
        "fd::17".to_owned(),
        format!("ssh://-oProxyCommand={touch}/x"),
        format!("ssh://user@-oProxyCommand={touch}/x"),
        format!("-oProxyCommand={touch}:x"),
        format!("user@-oProxyCommand={touch}:x"),
        "ssh://host:-x/x".to_owned(),
        "file://elsewhere/x.git".to_owned(),
        "file://../x.git".to_owned(),
        "https://-x/y".to_owned(),
        "git://-x/y".to_owned(),
        "git://host\n/x".to_owned(),
        "https://host/\u{1b}[2J".to_owned(),
        "trap::x".to_owned(),
        "sftp://host/x".to_owned(),
        "javascript:alert(1)//x::y".to_owned(),
        String::new(),
    ] {
        let added = direct(&world, "r", &["mirror", "add", "evil", &url]);
        // with a slash before the colon it is a path, as git has it
        let colon = url.find([':', '\n']).unwrap_or(url.len());
        let path = url.find('/').is_some_and(|slash| slash < colon);
        assert!(
            added.code != 0 || path || url.starts_with("javascript"),
            "{url}: {added}"
        );
        // where somebody else wrote it into the repository's settings
        let config = world.path("r/.git/config");
        let honest = fs::read_to_string(&config).expect("settings");
        let quoted = url.replace('\n', "\\n");
        fs::write(
            &config,
            format!("{honest}[remote \"evil\"]\n\turl = \"{quoted}\"\n"),
        )
        .expect("settings");
        for arguments in [
            &["compare", "evil", "--timeout", "2"][..],
            &["mirror", "pull", "evil", "--timeout", "2"],
            &["mirror", "push", "evil", "--timeout", "2"],
            &[
                "append",
                "dev.x",
                "--push",
                "evil",
                "--timeout",
                "2",
                "--on-failure=fail",
            ],
        ] {
            let said = direct(&world, "r", arguments);
            assert_ne!(said.code, 0, "{url} {arguments:?}: {said}");
            assert!(
                !said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'),
                "{said}"
            );
        }
        fs::write(&config, honest).expect("settings");
        direct(&world, "", &["clone", &url, "copy.git"]);
        fs::remove_dir_all(world.path("copy.git")).ok();
    }
    assert!(!marker.exists(), "a command was run");
}

/// A server that is a script: it stands in the place of ssh.
fn by_script(world: &World, script: &str, arguments: &[&str]) -> Said {
    let path = world.path("server");
    crate::servers::ssh::write_script(&path, &format!("#!/bin/sh\n{script}\n"));
    let mut command = world.command("r", "git-ledger");
    command
        .args(arguments)
        .env("GIT_SSH_COMMAND", &path)
        .env("GIT_SSH_VARIANT", "simple");
    run(command, b"")
}

fn packet(text: &str) -> String {
    format!("{:04x}{text}", text.len() + 4)
}

#[test]
fn keep_alives_that_never_end() {
    let world = world();
    world
        .git("r", &["config", "remote.evil.url", "ssh://evil/x.git"])
        .ok();
    let id = "1".repeat(40);
    let offer = packet(&format!("{id} {LEDGER}\0side-band-64k ofs-delta agent=x\n")) + "0000";
    fs::write(world.path("offer"), offer).expect("a file");
    let offer = world.path("offer").display().to_string();
    for (what, endless) in [
        (
            "after the offer",
            "printf '0008NAK\\n'; while printf '0005\\001'; do sleep 0.02; done",
        ),
        (
            "progress",
            "printf '0008NAK\\n'; while printf '000bwait\\r\\n\\n'; do sleep 0.02; done",
        ),
        ("nothing", "sleep 600"),
    ] {
        let script = format!("cat '{offer}'; {endless}");
        let begun = std::time::Instant::now();
        let said = by_script(
            &world,
            &script,
            &["compare", "--json", "--timeout", "2", "evil"],
        )
        .code(2);
        let took = begun.elapsed().as_secs();
        assert!(took < 12, "{what}: {took} s");
        assert_eq!(findings(&said), ["mirrorSilent"], "{what}: {said}");
    }
}

#[test]
fn impossible_names_in_what_a_remote_offers() {
    let world = world();
    world
        .git("r", &["config", "remote.evil.url", "ssh://evil/x.git"])
        .ok();
    let tip = world
        .git("r", &["rev-parse", LEDGER])
        .ok()
        .trim()
        .to_owned();
    let names = [
        "../../x",
        "refs/heads/\u{1b}[31mred",
        "-x",
        "refs/heads/../../HEAD",
        "refs/heads/a b",
        "refs/heads/ledger.lock",
        "refs/heads/LEDGER",
        "refs/heads/ledger/x",
        "",
    ];
    let offer = |with: &str| {
        let mut text = packet(&format!("{tip} {with}\0agent=x\n"));
        for name in names {
            text += &packet(&format!("{tip} {name}\n"));
        }
        text + "0000"
    };
    for (first, good) in [(LEDGER, true), ("refs/heads/other", false)] {
        fs::write(world.path("offer"), offer(first)).expect("a file");
        let script = format!("cat '{}'; cat >/dev/null", world.path("offer").display());
        let said = by_script(
            &world,
            &script,
            &["compare", "--json", "--timeout", "5", "evil"],
        );
        assert!(
            !said.out.contains('\u{1b}') && !said.err.contains('\u{1b}'),
            "{said}"
        );
        // a name is matched whole: none of the others is the ledger
        let level = said.out.contains("\"state\":\"level\"");
        assert!(level <= good, "{said}");
        // where it is not offered it is missing, and where it was seen before it was removed
        assert_eq!(said.code, if good { 0 } else { 1 }, "{said}");
        let refs = world
            .git("r", &["for-each-ref", "--format=%(refname)"])
            .ok();
        assert!(
            refs.lines()
                .all(|name| name.starts_with("refs/heads/") && !name.contains("red")),
            "{refs}"
        );
    }
}
