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
            &["append", "dev.x", "--push", "evil", "--timeout", "2"],
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
