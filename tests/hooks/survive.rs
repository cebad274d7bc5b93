//! What refused pushes, killed processes and hung-up pushers leave behind.

use std::time::Duration;

use git_ledger::json::Value;

use crate::servers::ssh::{Sshd, write_script};
use crate::servers::{Server, exits, text, wait_until};
use crate::world::{World, run};

/// What each event says: `push <k>` or the outcome, with the refs.
fn told(server: &Server<'_>) -> Vec<String> {
    let one = |event: &git_ledger::event::Event| {
        let data = server.data(event);
        let refs = data.get("refs").and_then(Value::as_array).expect("refs");
        let names: Vec<&str> = refs
            .iter()
            .map(|update| text(update.as_object().expect("an object"), "ref"))
            .map(|name| name.trim_start_matches("refs/heads/"))
            .collect();
        let what = data
            .get("outcome")
            .and_then(Value::as_str)
            .unwrap_or("push");
        format!("{what} {}", names.join(" "))
    };
    server.events().iter().map(one).collect()
}

#[test]
fn refused_pushes_leave_a_whole_repository() {
    let world = World::new();
    let server = Server::new(&world, "r");
    // git refuses this one after it was recorded: the entry stays, and the next one tells
    write_script(
        &server.path().join("hooks/update"),
        "#!/bin/sh\ncase $1 in */no*) exit 1;; esac\n",
    );
    for n in 0..25 {
        server.commit(&format!("bad {n}"));
        let name = format!("HEAD:refs/heads/ledger/{n}");
        exits(server.push(&["origin", &name]), 1);
        let name = format!("HEAD:refs/heads/no{n}");
        exits(server.push(&["origin", &name]), 1);
    }
    exits(server.push(&["origin", "main", "main:refs/heads/no"]), 1);
    let told = told(&server);
    assert_eq!(told.len(), 25 + 25 + 2);
    assert_eq!(told[0], "push no0");
    assert_eq!(told[1], "refused no0");
    assert_eq!(told[2], "push no1");
    assert_eq!(told[50], "push main no");
    assert_eq!(told[51], "refused no");
    let waiting = std::fs::read_dir(server.path().join("git-ledger/pushes")).expect("pushes");
    assert_eq!(waiting.count(), 0);
    server.sound();
}

#[test]
fn a_killed_server_process_is_told_of_by_the_next_push() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let hooks = server.path().join("hooks");
    // before the record, between record and refs, after the refs
    let kill = "#!/bin/sh\ntest -e killed && exit; : >killed; kill -9 $PPID\n";
    write_script(&hooks.join("update"), kill);
    assert_ne!(server.push(&["origin", "HEAD:refs/heads/a"]).code, 0);
    assert_eq!(server.at("refs/heads/a"), "");
    server.push(&["origin", "HEAD:refs/heads/b"]).ok();
    assert_eq!(told(&server), ["push a", "refused a", "push b"]);

    std::fs::remove_file(hooks.join("update")).expect("a hook");
    std::fs::rename(hooks.join("post-receive"), hooks.join("kept")).expect("a hook");
    write_script(&hooks.join("post-receive"), "#!/bin/sh\nkill -9 $PPID\n");
    assert_ne!(server.push(&["origin", "HEAD:refs/heads/c"]).code, 0);
    assert_ne!(server.at("refs/heads/c"), "");
    std::fs::rename(hooks.join("kept"), hooks.join("post-receive")).expect("a hook");
    server.push(&["origin", "HEAD:refs/heads/d"]).ok();
    assert_eq!(
        told(&server),
        ["push a", "refused a", "push b", "push c", "push d"]
    );
    server.sound();
}

#[test]
fn a_pusher_who_hangs_up_changes_nothing() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let hooks = server.path().join("hooks");
    // another hook that goes on talking to a pusher who has gone, before and after
    world.ledger(&server.name, &["hook", "uninstall"]).ok();
    let talk =
        "#!/bin/sh\n: >talking-$$\nfor i in 1 2 3 4 5 6 7 8 9 10; do echo talk; sleep 0.1; done\n";
    write_script(&hooks.join("post-receive"), talk);
    world.ledger(&server.name, &["hook", "install"]).ok();
    let sshd = Sshd::start(&world);
    let url = sshd.url(&server);
    let mut push = server.pushing(&[&url, "main"]);
    Sshd::as_user(&world, &mut push, "ann");
    let mut child = push
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("git");
    let talking = || {
        let mut files = std::fs::read_dir(server.path()).expect("files");
        files.any(|file| {
            file.expect("a file")
                .file_name()
                .to_string_lossy()
                .starts_with("talking-")
        })
    };
    wait_until("the hook talks", talking);
    child.kill().expect("a kill");
    child.wait().expect("an end");
    assert_ne!(server.at("refs/heads/main"), "");
    assert_eq!(told(&server), ["push main"]);
    std::thread::sleep(Duration::from_millis(300));
    let waiting = std::fs::read_dir(server.path().join("git-ledger/pushes")).expect("pushes");
    assert_eq!(waiting.count(), 0);
    server.sound();
}

#[test]
fn many_pushers_at_once_are_all_recorded() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let children: Vec<_> = (0..8)
        .map(|n| {
            let name = format!("HEAD:refs/heads/b{n}");
            let push = server.pushing(&["origin", &name]);
            std::thread::spawn(move || run(push, b""))
        })
        .collect();
    for child in children {
        child.join().expect("a push").ok();
    }
    let mut told = told(&server);
    told.sort();
    assert_eq!(
        told,
        (0..8).map(|n| format!("push b{n}")).collect::<Vec<_>>()
    );
    server.sound();
}
