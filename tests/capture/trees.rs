//! Trees that somebody else left: links, pipes, odd names, too much of everything.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn take(world: &World) -> Said {
    ledger(world, &["snapshot", "--config", "conf"])
}

#[test]
fn links_pipes_and_odd_names() {
    let world = world();
    let conf = world.path("r/conf");
    fs::create_dir(&conf).expect("a directory");
    fs::write(world.path("outside"), "planted-outside").expect("a file");
    symlink("../../outside", conf.join("out")).expect("a link");
    symlink(".", conf.join("loop")).expect("a link");
    symlink("/", conf.join("root")).expect("a link");
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, conf.join("pipe"), mode).expect("a pipe");
    for name in [
        &b"new\nline"[..],
        b"esc\x1b[2J",
        b"latin\xff",
        b"-x",
        "\u{202e}rtl".as_bytes(),
    ] {
        fs::write(conf.join(std::ffi::OsStr::from_bytes(name)), "x").expect("a file");
    }
    take(&world).ok();
    let state = &events(&world, "dev.git-ledger.snapshot")[0];
    let files = get(state, "data/state/files").as_array().expect("files");
    let kinds: Vec<&str> = files.iter().map(|file| text(file, "kind")).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "link").count(), 3);
    assert_eq!(kinds.iter().filter(|kind| **kind == "fifo").count(), 1);
    assert_eq!(files.len(), 9);
    assert!(files.iter().any(|file| {
        file.as_object()
            .is_some_and(|f| f.get("path_base64").is_some())
    }));

    fs::write(world.path("outside"), "another").expect("a file");
    assert_eq!(
        take(&world).ok(),
        "nothing changed, and nothing is recorded\n"
    );
    for entry in fs::read_dir(&conf).expect("files") {
        let path = entry.expect("a file").path();
        if path.symlink_metadata().expect("a file").is_file() {
            fs::write(path, "y").expect("a file");
        }
    }
    fs::remove_file(conf.join("out")).expect("a link");
    symlink("elsewhere", conf.join("out")).expect("a link");
    let said = take(&world).ok();
    assert!(said.contains("changed conf/out\n"), "{said}");
    // nothing raw on a terminal, neither now nor when it is read
    let log = ledger(&world, &["log", "--no-pager", "-n1"]).ok();
    for shown in [&said, &log] {
        assert!(
            !shown.contains('\u{1b}') && !shown.contains('\u{202e}'),
            "{shown}"
        );
    }
    assert_eq!(events(&world, "dev.git-ledger.config.changed").len(), 6);
    crate::recorded::assert_both_agree(&world, "r");
}

#[test]
fn rules_in_the_tree_hide_nothing_silently() {
    let world = world();
    let conf = world.path("r/conf");
    fs::create_dir_all(conf.join("d")).expect("a directory");
    fs::write(conf.join("d/a"), "1").expect("a file");
    take(&world).ok();
    fs::write(conf.join(".ledgerignore"), "d/\n").expect("a file");
    fs::write(conf.join("d/a"), "2").expect("a file");
    let said = take(&world).ok();
    assert!(
        said.contains("created conf/.ledgerignore\nleftOut conf/d/a\n"),
        "{said}"
    );
}

#[test]
fn too_much_is_told_and_not_recorded() {
    let world = world();
    let conf = world.path("r/conf");
    fs::create_dir(&conf).expect("a directory");
    let huge = fs::File::create(conf.join("huge")).expect("a file");
    huge.set_len(65 << 20).expect("a size");
    let said = take(&world).code(128);
    assert!(
        said.err.contains("'")
            && said
                .err
                .contains("conf/huge' is larger than 67108864 bytes"),
        "{said}"
    );
    assert!(said.err.contains(".ledgerignore"), "{said}");
    fs::remove_file(conf.join("huge")).expect("a file");
    let mut deep = conf.clone();
    for _ in 0..70 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).expect("directories");
    let said = take(&world).code(128);
    assert!(
        said.err
            .contains("beyond the 64 directories below each other"),
        "{said}"
    );
    fs::remove_dir_all(conf.join("d")).expect("directories");
    fs::write(conf.join(".gitignore"), "x\n".repeat(40_000)).expect("a file");
    let said = take(&world).code(128);
    assert!(said.err.contains("ignore rules of more than"), "{said}");
    fs::remove_file(conf.join(".gitignore")).expect("a file");
    for dir in 0..100 {
        let dir = conf.join(dir.to_string());
        fs::create_dir(&dir).expect("a directory");
        for file in 0..1000 {
            rustix::fs::mknodat(
                rustix::fs::CWD,
                dir.join(file.to_string()),
                rustix::fs::FileType::RegularFile,
                rustix::fs::Mode::RUSR,
                0,
            )
            .expect("a file");
        }
    }
    let said = take(&world).code(128);
    assert!(
        said.err.contains("beyond the 100000 files and directories"),
        "{said}"
    );
    assert!(said.err.contains("nothing was recorded"), "{said}");
    assert_eq!(events(&world, "dev.git-ledger.snapshot").len(), 0);
}

#[test]
fn what_cannot_be_read_is_named() {
    let world = world();
    let conf = world.path("r/conf");
    fs::create_dir(&conf).expect("a directory");
    fs::write(conf.join("secret"), "x").expect("a file");
    fs::set_permissions(conf.join("secret"), fs::Permissions::from_mode(0o0)).expect("a mode");
    let mut command = binary(&world, &["snapshot", "--config", "conf"]);
    if rustix::process::geteuid().is_root() {
        // root reads everything: somebody else in a world that is theirs, with a binary they reach
        let binary = world.path("git-ledger");
        fs::copy(BINARY, &binary).expect("a copy");
        let mut chown = world.command("", "chown");
        chown.args(["-R", "65534:65534"]).arg(world.path(""));
        finish(chown, b"").ok();
        let mut other = world.command("r", "setpriv");
        other
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
            .arg(binary)
            .args(["snapshot", "--config", "conf"]);
        command = other;
    }
    let said = finish(command, b"").code(128);
    assert!(
        said.err.contains("conf/secret': Permission denied"),
        "{said}"
    );
    assert!(said.err.contains("nothing was recorded"), "{said}");
}
