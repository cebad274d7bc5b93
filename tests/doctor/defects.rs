//! One defect, one check: planted in a copy of a server where everything is in order.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use crate::servers::ssh::write_script;
use crate::world::World;

use super::{doctor, healthy};

/// Whether `--fix` mends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fix {
    Mends,
    Leaves,
}

type Plant = fn(&World, &Path);

fn set(dir: &Path, key: &str, value: &str) {
    let status = Command::new("git")
        .args(["config", "--file"])
        .arg(dir.join("config"))
        .args(["--replace-all", key, value])
        .status();
    assert!(status.expect("git").success());
}

fn mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// Makes a file look as old as two days.
fn aged(path: &Path) {
    fs::write(path, b"").expect("a file");
    let then = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 86_400);
    let file = fs::File::options().write(true).open(path).expect("a file");
    file.set_modified(then).expect("a time");
}

fn edited(dir: &Path, name: &str, edit: impl Fn(String) -> String) {
    let path = dir.join("hooks").join(name);
    let text = edit(fs::read_to_string(&path).expect("a hook"));
    write_script(&path, &text);
}

fn tip(dir: &Path) -> String {
    let text = fs::read_to_string(dir.join("refs/heads/ledger")).expect("a ref");
    text.trim().to_owned()
}

fn write_ref(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, format!("{text}\n")).expect("a ref");
}

const DEFECTS: &[(&str, Fix, Plant)] = &[
    // U20, U21: git passes all of these over without a word
    ("hookPreReceive", Fix::Mends, |_, dir| {
        mode(dir.join("hooks/pre-receive"), 0o644)
    }),
    ("hookPostReceive", Fix::Mends, |_, dir| {
        mode(dir.join("hooks/post-receive"), 0o600)
    }),
    ("hookPreReceive", Fix::Mends, |_, dir| {
        fs::remove_file(dir.join("hooks/pre-receive")).expect("a hook")
    }),
    ("hookPreReceive", Fix::Mends, |_, dir| {
        write_script(&dir.join("hooks/pre-receive"), "")
    }),
    ("hookPreReceive", Fix::Mends, |_, dir| {
        fs::remove_file(dir.join("hooks/pre-receive")).expect("a hook");
        symlink("/nonexistent", dir.join("hooks/pre-receive")).expect("a link");
    }),
    ("hookPreReceive", Fix::Mends, |_, dir| {
        fs::remove_file(dir.join("hooks/pre-receive")).expect("a hook");
        fs::create_dir(dir.join("hooks/pre-receive")).expect("a directory");
    }),
    ("hookPreReceive", Fix::Mends, |_, dir| {
        edited(dir, "pre-receive", |text| {
            text.replace("exec \"$program\"", "\"$program\"") + "true\n"
        });
    }),
    ("hookPreReceive", Fix::Mends, |_, dir| {
        edited(dir, "pre-receive", |text| text.replace("exec", "exec env"))
    }),
    ("hookPreReceive", Fix::Mends, |_, dir| {
        write_script(
            &dir.join("hooks/pre-receive"),
            "#!/bin/sh\ngit-ledger hook pre-receive || true\n",
        );
    }),
    ("hookPreReceive", Fix::Mends, |_, dir| {
        write_script(&dir.join("hooks/pre-receive"), "#!/bin/sh\nexit 0\n");
    }),
    ("hookPreReceive", Fix::Mends, |_, dir| {
        write_script(&dir.join("hooks/pre-receive"), "#!/no/such/shell\nexit 0\n");
    }),
    ("hooksPath", Fix::Mends, |_, dir| {
        set(dir, "core.hooksPath", "/nonexistent")
    }),
    ("hooksPath", Fix::Leaves, |world, dir| {
        let include = world.path("included");
        fs::write(&include, "[core]\n\thooksPath = /nonexistent\n").expect("a file");
        set(dir, "include.path", &include.display().to_string());
    }),
    ("hooksPath", Fix::Leaves, |world, dir| {
        // hooks lie there that would no longer be called
        let others = world.path("others");
        fs::create_dir_all(&others).expect("a directory");
        write_script(&others.join("update"), "#!/bin/sh\nexit 0\n");
        set(dir, "core.hooksPath", &others.display().to_string());
    }),
    ("hooksPath", Fix::Leaves, |_, dir| {
        set(dir, "extensions.worktreeConfig", "true");
        fs::write(
            dir.join("config.worktree"),
            "[core]\n\thooksPath = /nonexistent\n",
        )
        .expect("a file");
    }),
    ("hookProgram", Fix::Mends, |_, dir| {
        let binary = env!("CARGO_BIN_EXE_git-ledger");
        for name in ["pre-receive", "post-receive"] {
            edited(dir, name, |text| text.replace(binary, "/gone/git-ledger"));
        }
    }),
    ("hookProgram", Fix::Leaves, |world, dir| {
        let open = world.path("open");
        fs::create_dir_all(&open).expect("a directory");
        let binary = env!("CARGO_BIN_EXE_git-ledger");
        let copy = open.join("git-ledger");
        fs::copy(binary, &copy).expect("a program");
        mode(&open, 0o777);
        for name in ["pre-receive", "post-receive"] {
            edited(dir, name, |text| {
                text.replace(binary, &copy.display().to_string())
            });
        }
    }),
    ("hookWritable", Fix::Mends, |_, dir| {
        mode(dir.join("hooks/post-receive"), 0o777)
    }),
    ("hookWritable", Fix::Mends, |_, dir| {
        mode(dir.join("hooks"), 0o777)
    }),
    // settings
    ("denyNonFastForwards", Fix::Mends, |_, dir| {
        set(dir, "receive.denyNonFastForwards", "false")
    }),
    ("denyDeletes", Fix::Mends, |_, dir| {
        set(dir, "receive.denyDeletes", "no")
    }),
    ("fsckObjects", Fix::Mends, |_, dir| {
        set(dir, "receive.fsckObjects", "0")
    }),
    ("advertisePushOptions", Fix::Mends, |_, dir| {
        set(dir, "receive.advertisePushOptions", "off")
    }),
    ("hideRefs", Fix::Leaves, |_, dir| {
        set(dir, "transfer.hideRefs", "refs/heads/ledger")
    }),
    ("hideRefs", Fix::Leaves, |_, dir| {
        set(dir, "uploadpack.hideRefs", "refs/heads")
    }),
    ("denyCurrentBranch", Fix::Mends, |_, dir| {
        set(dir, "core.bare", "false");
        set(dir, "receive.denyCurrentBranch", "ignore");
    }),
    ("fsync", Fix::Mends, |_, dir| set(dir, "core.fsync", "none")),
    ("fsync", Fix::Mends, |_, dir| {
        set(dir, "core.fsync", "all,-reference")
    }),
    ("fsyncMethod", Fix::Mends, |_, dir| {
        set(dir, "core.fsyncMethod", "writeout-only")
    }),
    ("reflog", Fix::Mends, |_, dir| {
        set(dir, "core.logAllRefUpdates", "false")
    }),
    ("reflog", Fix::Leaves, |_, dir| {
        set(dir, "gc.refs/heads/ledger.reflogExpire", "now")
    }),
    ("prune", Fix::Mends, |_, dir| {
        set(dir, "gc.pruneExpire", "now")
    }),
    ("autoGc", Fix::Mends, |_, dir| {
        set(dir, "receive.autogc", "false")
    }),
    ("httpReceivePack", Fix::Leaves, |_, dir| {
        set(dir, "http.receivepack", "true")
    }),
    ("daemonReceivePack", Fix::Leaves, |_, dir| {
        set(dir, "daemon.receivepack", "true")
    }),
    // U13, U14
    ("accountShell", Fix::Leaves, |world, _| {
        fs::create_dir_all(world.path("home/.ssh")).expect("a directory");
        let line = format!("{}\n", world.public("mallory"));
        fs::write(world.path("home/.ssh/authorized_keys"), line).expect("keys");
    }),
    ("safeDirectory", Fix::Leaves, |world, _| {
        world
            .git("", &["config", "--global", "safe.directory", "*"])
            .ok();
    }),
    // the key
    ("keyFound", Fix::Leaves, |_, dir| {
        set(dir, "ledger.acme.signingKey", "/nonexistent")
    }),
    ("keyPermissions", Fix::Mends, |world, _| {
        mode(world.path("keys/server"), 0o640)
    }),
    ("keyUnattended", Fix::Leaves, |world, dir| {
        let path = world.path("keys/locked");
        fs::copy(world.path("keys/server"), &path).expect("a key");
        let status = Command::new("ssh-keygen")
            .args(["-q", "-p", "-P", "", "-N", "secret", "-f"])
            .arg(&path)
            .stdout(std::process::Stdio::null())
            .status();
        assert!(status.expect("ssh-keygen").success());
        fs::copy(world.path("keys/server.pub"), world.path("keys/locked.pub")).expect("a key");
        set(dir, "ledger.acme.signingKey", &path.display().to_string());
    }),
    ("keyPolicy", Fix::Leaves, |world, dir| {
        let key = world.key("mallory").display().to_string();
        set(dir, "ledger.acme.signingKey", &key);
    }),
    ("keyKind", Fix::Leaves, |world, dir| {
        let path = world.path("keys/weak");
        let status = Command::new("ssh-keygen")
            .args(["-q", "-t", "rsa", "-b", "1024", "-N", "", "-f"])
            .arg(&path)
            .status();
        assert!(status.expect("ssh-keygen").success());
        set(dir, "ledger.acme.signingKey", &path.display().to_string());
    }),
    ("keyPurpose", Fix::Leaves, |world, _| {
        let key = world.path("keys/server.pub").display().to_string();
        world
            .git("", &["config", "--global", "user.signingKey", &key])
            .ok();
    }),
    // the repository
    ("repositoryParents", Fix::Leaves, |world, dir| {
        // the copy lies in a directory that everybody may write
        let _ = world;
        mode(dir.parent().expect("a directory"), 0o777);
    }),
    ("repositoryWritable", Fix::Mends, |_, dir| {
        mode(dir.join("config"), 0o666)
    }),
    ("repositoryWritable", Fix::Mends, |_, dir| {
        mode(dir.join("refs/heads"), 0o777)
    }),
    ("repositoryWritable", Fix::Mends, |_, dir| {
        mode(dir.join("git-ledger"), 0o777)
    }),
    // O01, O03, O04, O11
    ("replaceRefs", Fix::Leaves, |_, dir| {
        write_ref(dir, &format!("refs/replace/{}", "1".repeat(40)), &tip(dir))
    }),
    ("grafts", Fix::Mends, |_, dir| {
        fs::create_dir_all(dir.join("info")).expect("a directory");
        fs::write(dir.join("info/grafts"), tip(dir) + "\n").expect("a file");
    }),
    ("alternates", Fix::Leaves, |world, dir| {
        let other = world.path("one.git/objects").display().to_string();
        fs::create_dir_all(dir.join("objects/info")).expect("a directory");
        fs::write(dir.join("objects/info/alternates"), other + "\n").expect("a file");
    }),
    ("shallow", Fix::Leaves, |_, dir| {
        fs::write(dir.join("shallow"), tip(dir) + "\n").expect("a file")
    }),
    // O10
    ("promisor", Fix::Leaves, |_, dir| {
        set(dir, "remote.one.promisor", "true")
    }),
    ("ledgerRef", Fix::Leaves, |_, dir| {
        write_ref(dir, "refs/heads/other", &tip(dir));
        fs::remove_file(dir.join("refs/heads/ledger")).expect("a ref");
        symlink("other", dir.join("refs/heads/ledger")).expect("a link");
    }),
    // U08
    ("refNames", Fix::Leaves, |_, dir| {
        write_ref(dir, "refs/heads/Ledger", &tip(dir))
    }),
    ("refNames", Fix::Leaves, |_, dir| {
        write_ref(dir, "refs/tags/ledger", &tip(dir))
    }),
    // K10
    ("staleLocks", Fix::Mends, |_, dir| {
        aged(&dir.join("HEAD.lock"))
    }),
    ("staleLocks", Fix::Mends, |_, dir| {
        aged(&dir.join("refs/heads/ledger.lock"))
    }),
    ("staleLocks", Fix::Mends, |_, dir| {
        aged(&dir.join("packed-refs.lock"))
    }),
    ("leftOvers", Fix::Leaves, |_, dir| {
        aged(&dir.join("objects/pack/tmp_pack_x"))
    }),
    // C01-C09
    ("foreignPrograms", Fix::Leaves, |_, dir| {
        set(dir, "core.sshCommand", "/bin/false")
    }),
    ("foreignPrograms", Fix::Leaves, |_, dir| {
        set(dir, "remote.one.uploadpack", "/bin/false")
    }),
    ("foreignPrograms", Fix::Leaves, |_, dir| {
        set(dir, "alias.x", "!true")
    }),
    // the ledger
    ("fingerprint", Fix::Leaves, |world, dir| {
        world
            .git(dir, &["config", "--unset", "ledger.acme.fingerprint"])
            .ok();
    }),
    ("marks", Fix::Leaves, |_, dir| {
        let marks = fs::read_dir(dir.join("git-ledger/marks")).expect("marks");
        let ledger = marks.flatten().next().expect("marks").path();
        fs::write(ledger.join("local.json"), "{}").expect("a mark");
    }),
    ("spool", Fix::Leaves, |world, dir| {
        let unreachable = [
            "-c",
            "remote.one.url=/nonexistent",
            "ledger",
            "append",
            "a.b",
        ];
        let to_spool = ["--subject", "x", "--push", "one", "--on-failure=spool"];
        let said = world.git(dir, &[&unreachable[..], &to_spool].concat());
        assert!(dir.join("git-ledger/spool").exists(), "{said}");
    }),
    ("failModes", Fix::Leaves, |world, dir| {
        let words = ["policy", "on-failure", "dev.cdevents.service.*", "--yes"];
        let laxer = [&words[..], &["--mode", "spool"]].concat();
        world.ledger(dir, &laxer).ok();
        world.ledger(dir, &["mirror", "push"]).ok();
    }),
    ("outstanding", Fix::Leaves, |_, dir| {
        fs::create_dir_all(dir.join("git-ledger/pushes")).expect("a directory");
        let text = "{\"id\":\"x\",\"process\":4194303,\"refs\":[],\"source\":\"/r\"}\n";
        fs::write(dir.join("git-ledger/pushes/x.json"), text).expect("a push");
    }),
    ("steps", Fix::Leaves, |world, dir| {
        // the command kills what waits for it
        let step = ["ledger", "run", "--", "sh", "-c", "kill -9 $PPID"];
        world.git(dir, &step).code(137);
        world.git(dir, &["ledger", "mirror", "push"]).ok();
    }),
    ("heartbeat", Fix::Leaves, |world, dir| {
        set(dir, "ledger.acme.maxAge", "1h");
        world.sleep(7200);
    }),
    ("mirrorCount", Fix::Leaves, |world, dir| {
        world
            .git(dir, &["config", "--unset", "ledger.acme.mirror", "two"])
            .ok();
        world
            .git(dir, &["config", "--unset-all", "ledger.acme.independent"])
            .ok();
    }),
    ("mirrorIndependent", Fix::Leaves, |world, dir| {
        world
            .git(dir, &["config", "--unset-all", "ledger.acme.independent"])
            .ok();
    }),
    // O17: one store behind two addresses
    ("mirrorIndependent", Fix::Leaves, |world, dir| {
        let linked = world.path("linked.git");
        let linked = linked.to_str().expect("text");
        world
            .git(
                "",
                &[
                    "clone",
                    "-q",
                    "--mirror",
                    &world.path("one.git").display().to_string(),
                    linked,
                ],
            )
            .ok();
        set(dir, "remote.two.url", linked);
    }),
    ("mirrorPush", Fix::Leaves, |world, dir| {
        world.ledger(dir, &["append", "a.b", "--subject", "x"]).ok();
    }),
    // O15
    ("mirrorFormat", Fix::Leaves, |world, dir| {
        let other = world.path("other.git").display().to_string();
        world
            .git(
                "",
                &["init", "-q", "--bare", "--object-format=sha256", &other],
            )
            .ok();
        set(dir, "remote.two.url", &other);
    }),
];

fn copy_all(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(status.expect("cp").success());
}

#[test]
fn each_turns_off_its_own_check() {
    let world = World::new();
    let good = healthy(&world);
    let home = fs::read(world.path("home/.gitconfig")).expect("configuration");
    let mirrors =
        ["one.git", "two.git"].map(|name| (world.path(name), world.path(format!("good-{name}"))));
    for (mirror, kept) in &mirrors {
        copy_all(mirror, kept);
    }
    for (at, (check, fix, plant)) in DEFECTS.iter().enumerate() {
        let copy = world.path(format!("case{at}/r.git"));
        fs::create_dir(world.path(format!("case{at}"))).expect("a directory");
        copy_all(&good, &copy);
        plant(&world, &copy);

        let seen = doctor(&world, &copy, &[]);
        let context = format!("case {at}, {check}: {}", seen.shown());
        assert_eq!(seen.which("off"), [*check], "{context}");
        assert_eq!(seen.which("unknown"), [""; 0], "{context}");
        assert_eq!(seen.said.code, 1, "{context}");

        let rehearsed = doctor(&world, &copy, &["--fix", "--dry-run"]);
        assert_eq!(rehearsed.which("off"), [*check], "{context}");
        let mended = doctor(&world, &copy, &["--fix"]);
        match fix {
            Fix::Mends => {
                let again = doctor(&world, &copy, &[]);
                assert_eq!(mended.said.code, 0, "{context}\n{}", mended.shown());
                assert_eq!(again.which("off"), [""; 0], "{context}\n{}", again.shown());
            }
            Fix::Leaves => assert_eq!(mended.which("off"), [*check], "{context}"),
        }
        // what a case did outside of its copy
        for (mirror, kept) in &mirrors {
            fs::remove_dir_all(mirror).expect("a mirror");
            copy_all(kept, mirror);
        }
        fs::write(world.path("home/.gitconfig"), &home).expect("configuration");
        fs::remove_dir_all(world.path("home/.ssh")).ok();
        mode(world.path("keys/server"), 0o600);
    }
}

#[test]
fn every_check_is_planted_or_told_elsewhere() {
    // what needs another account, another machine or another environment than a copy can have
    const ELSEWHERE: &[&str] = &[
        "accountOwner",
        "dumbTransports",
        "forgeBypass",
        "forgeDeletion",
        "forgeForcePush",
        "forgeSignatures",
        "hookReferenceTransaction",
        "keyOwner",
        "ledgerPresent",
        "plantedPrograms",
        "programGit",
        "programKeygen",
        "programSsh",
        "reconcile",
        "refStorage",
        "repositoryOwner",
        "searchPath",
        "sharedRepository",
    ];
    for check in git_ledger::doctor::Check::ALL {
        let planted = DEFECTS.iter().any(|(name, ..)| *name == check.name());
        assert_ne!(planted, ELSEWHERE.contains(&check.name()), "{check}");
    }
}
