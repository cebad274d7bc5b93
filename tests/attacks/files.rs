//! Something else where a repository keeps a file: a pipe nobody writes to, a directory, a link to
//! itself or to a device, a file of terabytes. Every command ends, and what could not be read is
//! never called sound.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::*;

/// Files and directories of a repository that some verb reads, and some that none should.
const PLACES: &[&str] = &[
    "HEAD",
    "config",
    "packed-refs",
    "shallow",
    "commondir",
    "gitdir",
    "config.worktree",
    "index",
    "FETCH_HEAD",
    "ORIG_HEAD",
    "info/grafts",
    "info/attributes",
    "info/exclude",
    "objects/info/alternates",
    "objects/info/commit-graph",
    "objects/info/packs",
    "objects/info/commit-graphs",
    "objects/pack/multi-pack-index",
    "objects/pack/pack-0000000000000000000000000000000000000000.idx",
    "objects/pack/pack-0000000000000000000000000000000000000000.pack",
    "objects/pack/pack-0000000000000000000000000000000000000000.keep",
    "objects/pack/pack-0000000000000000000000000000000000000000.bitmap",
    "objects/pack/pack-0000000000000000000000000000000000000000.rev",
    "refs/heads/ledger",
    "refs/heads/ledger.lock",
    "refs/heads/other",
    "refs/replace",
    "refs/ledger",
    "refs/heads",
    "refs",
    "objects",
    "objects/pack",
    "objects/info",
    "logs/refs/heads/ledger",
    "git-ledger",
    "git-ledger/lock",
    "git-ledger/marks",
    "git-ledger/seen",
    "git-ledger/spool",
    "git-ledger/refused.log",
    "git-ledger/pushes",
    "git-ledger/transport",
    "git-ledger/primary",
    "reftable",
    "hooks",
    "modules",
    "worktrees",
];

/// What stands in the place of it.
#[derive(Debug, Clone, Copy)]
enum Wound {
    Pipe,
    Directory,
    Loop,
    Zeros,
    Huge,
    Socket,
}

const WOUNDS: [Wound; 6] = [
    Wound::Pipe,
    Wound::Directory,
    Wound::Loop,
    Wound::Zeros,
    Wound::Huge,
    Wound::Socket,
];

impl Wound {
    fn inflict(self, path: &Path) {
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(path).expect("a directory");
        } else {
            fs::remove_file(path).ok();
        }
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        match self {
            Wound::Pipe => {
                let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
                rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).expect("a pipe");
            }
            Wound::Directory => fs::create_dir(path).expect("a directory"),
            Wound::Loop => std::os::unix::fs::symlink(path, path).expect("a link"),
            Wound::Zeros => std::os::unix::fs::symlink("/dev/zero", path).expect("a link"),
            Wound::Huge => {
                let file = fs::File::create(path).expect("a file");
                file.set_len(1 << 40).expect("a hole");
            }
            Wound::Socket => drop(std::os::unix::net::UnixListener::bind(path)),
        }
    }
}

/// Runs it with little memory and no more than 20 seconds.
fn bounded(world: &World, arguments: &[&str]) -> (Said, Duration) {
    let mut command = world.command("r", "sh");
    let script = "ulimit -v 6000000; exec timeout -s KILL 20 git-ledger \"$@\"";
    command.args(["-c", script, "sh"]).args(arguments);
    let begun = Instant::now();
    (run(command, b""), begun.elapsed())
}

#[test]
fn whatever_stands_in_a_files_place_every_command_ends() {
    let world = world();
    mirror(&world, "one");
    direct(&world, "r", &["verify"]).ok();
    fs::rename(world.path("r"), world.path("honest")).expect("moved");
    let all = crate::recorded::times(0, 1) == 1;
    for (at, place) in PLACES.iter().enumerate() {
        for (number, wound) in WOUNDS.into_iter().enumerate() {
            // a third of them each time, every place and every wound among them
            if !all && (at + number) % 3 != 0 {
                continue;
            }
            let mut copy = world.command("", "cp");
            copy.args(["-a", "honest", "r"]);
            run(copy, b"").ok();
            let path: PathBuf = world.path("r/.git").join(place);
            wound.inflict(&path);
            for arguments in [
                &["verify"][..],
                &["log", "--verify"],
                &["append", "dev.acme.built", "--timeout", "2"],
                &["compare", "--timeout", "2"],
            ] {
                let (said, took) = bounded(&world, arguments);
                let what = format!("{wound:?} for {place}, {arguments:?}, {took:?}: {said}");
                assert!([0, 1, 2, 128].contains(&said.code), "{what}");
                assert!(
                    said.code == 0 || !said.err.is_empty() || !said.out.is_empty(),
                    "{what}"
                );
                // what is called sound is the whole ledger
                if said.code == 0 && arguments == ["verify"] {
                    assert!(said.out.contains(", 4 entries, all checked"), "{what}");
                }
            }
            fs::remove_dir_all(world.path("r")).expect("a copy");
        }
    }
}
