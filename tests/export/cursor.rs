//! Going on where the last run ended, and saying so when there is no such place any more.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use super::{ledger, numbers};
use crate::recorded;
use crate::world::{Said, World, run};

fn export(world: &World, more: &[&str]) -> Said {
    let base = ["export", "--format", "ecs", "--cursor", "cursor"];
    world.ledger("r", &[&base[..], more].concat())
}

fn text(world: &World) -> String {
    fs::read_to_string(world.path("r/out")).expect("an export")
}

#[test]
fn a_file_grows_by_what_is_new() {
    let world = ledger();
    export(&world, &["-o", "out"]).ok();
    let first = numbers(&text(&world));
    let newest = *first.last().expect("a record");
    export(&world, &["-o", "out"]).ok();
    assert_eq!(numbers(&text(&world)), first);
    world.ledger("r", &["append", "x.a"]).ok();
    world.ledger("r", &["append", "x.b"]).ok();
    // what a filter passes over was seen all the same
    export(&world, &["-o", "out", "--type", "x.b"]).ok();
    export(&world, &["-o", "out"]).ok();
    let all = numbers(&text(&world));
    assert_eq!(all[first.len()..], [newest + 2]);
}

#[test]
fn a_table_that_grows_has_one_header() {
    let world = ledger();
    let base = [
        "export", "--format", "csv", "--cursor", "cursor", "-o", "out",
    ];
    world.ledger("r", &base).ok();
    world.ledger("r", &["append", "x.a"]).ok();
    world.ledger("r", &base).ok();
    let text = text(&world);
    assert_eq!(text.matches("record,ledger,number").count(), 1);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert!(reader.records().all(|row| row.is_ok()));
}

/// A run that died after it wrote and before it moved the cursor is cut off and written again.
#[test]
fn half_a_record_is_cut_off() {
    let world = ledger();
    export(&world, &["-o", "out"]).ok();
    let whole = text(&world);
    fs::write(world.path("r/out"), whole.clone() + "{\"half\":").expect("a file");
    world.ledger("r", &["append", "x.a"]).ok();
    let said = export(&world, &["-o", "out"]);
    assert!(said.err.contains("8 bytes that a run wrote"), "{said}");
    said.code(0);
    let grown = text(&world);
    assert!(grown.starts_with(&whole), "{grown}");
    assert_eq!(grown.lines().count(), whole.lines().count() + 1);
    numbers(&grown);
}

/// Only the file the export wrote is cut back, whatever stands under its name.
#[test]
fn another_file_is_not_cut_off() {
    let world = ledger();
    export(&world, &["-o", "out"]).ok();
    let whole = text(&world);
    world.ledger("r", &["append", "x.a"]).ok();
    let precious = whole.clone() + "precious\n";
    fs::write(world.path("r/other"), &precious).expect("a file");
    for _ in 0..2 {
        export(&world, &["-o", "other"]).code(129);
        assert_eq!(
            fs::read_to_string(world.path("r/other")).expect("it"),
            precious
        );
    }
    // rotated away: the export goes on in a new one
    fs::rename(world.path("r/out"), world.path("r/out.1")).expect("a name");
    export(&world, &["-o", "out"]).ok();
    assert_eq!(text(&world).lines().count(), 1);
    assert_eq!(
        fs::read_to_string(world.path("r/out.1")).expect("it"),
        whole
    );
}

#[test]
fn killed_while_writing_a_file() {
    let world = ledger();
    for at in 1..=recorded::times(3, 12) {
        world.ledger("r", &["append", "x.new"]).ok();
        let words = [
            "export", "--format", "ecs", "--cursor", "cursor", "-o", "out",
        ];
        let program = recorded::binary(&world, "r", &words);
        let mut traced = world.command("r", "strace");
        let kill = format!("inject=fdatasync,fsync:signal=KILL:when={at}");
        traced
            .args(["-f", "-qq", "-o", "/dev/null", "-e", &kill, "--"])
            .arg(program.get_program())
            .args(program.get_args());
        drop(run(traced, b""));
    }
    export(&world, &["-o", "out"]).ok();
    let wanted = world.ledger("r", &["export", "--format", "ecs"]).ok();
    assert_eq!(text(&world), wanted, "each record once, in order");
}

/// The newest entry goes, and others come in its place, as somebody with the key would do it.
fn rewritten(world: &World) {
    world
        .git(
            "r",
            &["update-ref", "refs/heads/ledger", "refs/heads/ledger~1"],
        )
        .ok();
    fs::remove_dir_all(world.path("r/.git/ledger")).ok();
    world.ledger("r", &["append", "x.other"]).ok();
    world.ledger("r", &["append", "x.more"]).ok();
}

#[test]
fn a_cursor_that_is_not_in_the_chain_is_a_breach() {
    let world = ledger();
    export(&world, &["-o", "out"]).ok();
    let (before, cursor) = (text(&world), fs::read(world.path("r/cursor")).expect("it"));
    rewritten(&world);
    for more in [&[][..], &["--no-verify"]] {
        let said = export(&world, &[&["-o", "out"], more].concat()).code(1);
        assert!(
            said.err.contains("is not in 'refs/heads/ledger' any more"),
            "{said}"
        );
        assert_eq!(text(&world), before);
        assert_eq!(fs::read(world.path("r/cursor")).expect("it"), cursor);
    }
    // rolled back to before the cursor, with nothing new
    world
        .git(
            "r",
            &["update-ref", "refs/heads/ledger", "refs/heads/ledger~2"],
        )
        .ok();
    export(&world, &["-o", "out"]).code(1);
    // gone altogether
    world
        .git("r", &["update-ref", "-d", "refs/heads/ledger"])
        .ok();
    assert_ne!(export(&world, &["-o", "out"]).code, 0);
    assert_eq!(text(&world), before);
}

#[test]
fn a_cursor_of_another_ledger_is_a_breach() {
    let world = ledger();
    export(&world, &["-o", "out"]).ok();
    world.git("", &["init", "--quiet", "other"]).ok();
    world
        .ledger("other", &["init", "--name", "acme/other"])
        .ok();
    world.ledger("other", &["append", "x.y"]).ok();
    fs::copy(world.path("r/cursor"), world.path("other/cursor")).expect("a copy");
    let words = ["export", "--format", "ecs", "--cursor", "cursor"];
    let said = world.ledger("other", &words).code(1);
    assert!(
        said.err
            .contains("breach: the cursor belongs to the ledger"),
        "{said}"
    );
}

#[test]
fn a_cursor_that_was_bent_is_refused() {
    let world = ledger();
    export(&world, &["-o", "out"]).ok();
    let path = world.path("r/cursor");
    let whole = fs::read_to_string(&path).expect("it");
    let digest = whole
        .split("\"digest\":\"sha256:")
        .nth(1)
        .expect("a digest");
    let first = &digest[..4];
    let other = if first == "0000" { "1111" } else { "0000" };
    let cases = [
        (String::new(), 128),
        ("{}\n".into(), 128),
        (whole.replace("\"ecs\"", "\"cef\""), 129),
        (whole.replace("\"cursor\":1", "\"cursor\":2"), 128),
        (whole.replace("sha256:", "sha1:"), 128),
        ("x".repeat(5000), 128),
        (
            whole.replace(
                &format!("\"digest\":\"sha256:{first}"),
                &format!("\"digest\":\"sha256:{other}"),
            ),
            1,
        ),
    ];
    world.ledger("r", &["append", "x.a"]).ok();
    let before = text(&world);
    for (bent, code) in cases {
        fs::write(&path, &bent).expect("a cursor");
        export(&world, &["-o", "out"]).code(code);
        assert_eq!(text(&world), before, "{bent}");
    }
    // a cursor that is a link or a pipe is neither followed nor waited for
    fs::remove_file(&path).expect("removed");
    fs::write(world.path("elsewhere"), &whole).expect("a file");
    std::os::unix::fs::symlink(world.path("elsewhere"), &path).expect("a link");
    export(&world, &["-o", "out"]).code(128);
}

#[test]
fn words_that_do_not_go_together() {
    let world = ledger();
    let cases: [&[&str]; 8] = [
        &["--format", "parquet", "--cursor", "c"],
        &[
            "--format",
            "cloudevents-batch",
            "--cursor",
            "c",
            "-o",
            "out",
        ],
        &["--format", "ecs", "--follow"],
        &["--format", "ecs", "--json"],
        &["--format", "exe"],
        &["--format", "ecs", "--timeout", "5"],
        &["--format", "ecs", "--every", "5"],
        &["--format", "ecs", "20..10"],
    ];
    for words in cases {
        world.ledger("r", &[&["export"], words].concat()).code(129);
    }
    // no file is overwritten
    fs::write(world.path("r/out"), "precious").expect("a file");
    world
        .ledger("r", &["export", "--format", "ecs", "-o", "out"])
        .code(128);
    export(&world, &["-o", "out"]).code(129);
    assert_eq!(text(&world), "precious");
    assert!(!world.path("r/cursor").exists());
    // nothing is written by a dry run
    fs::remove_file(world.path("r/out")).expect("removed");
    let dry = export(&world, &["-o", "out", "--dry-run", "--json"]).ok();
    assert!(dry.contains("\"dry_run\":true"), "{dry}");
    assert!(!world.path("r/out").exists() && !world.path("r/cursor").exists());
}

#[test]
fn two_exports_do_not_share_a_cursor() {
    let world = ledger();
    let held = world.path("r/cursor.lock");
    let lock = git_ledger::git::FileLock::acquire(&held, std::time::Instant::now());
    let lock = lock.expect("a lock");
    export(&world, &["-o", "out"]).code(128);
    drop(lock);
    export(&world, &["-o", "out"]).ok();
}

/// A collector that rotates the file while it is written to: what comes later stands in a new one.
#[test]
fn following_goes_on_in_a_new_file() {
    let world = ledger();
    let words = [
        "export", "--format", "csv", "--cursor", "cursor", "--follow", "--every", "1", "-o", "out",
    ];
    let mut command = recorded::binary(&world, "r", &words);
    let mut child = command.stderr(Stdio::null()).spawn().expect("a program");
    let out = world.path("r/out");
    let wait = |word: &str| {
        while !fs::read_to_string(&out)
            .is_ok_and(|text| text.ends_with("\n") && text.contains(word))
        {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    wait("z.last");
    fs::rename(&out, world.path("r/out.1")).expect("a name");
    world.ledger("r", &["append", "x.renamed"]).ok();
    wait("x.renamed");
    // the other way of doing it: a copy, and the file is cut
    fs::File::create(&out).expect("a file");
    world.ledger("r", &["append", "x.cut"]).ok();
    wait("x.cut");
    child.kill().expect("an end");
    child.wait().expect("an end");
    let old = fs::read_to_string(world.path("r/out.1")).expect("it");
    assert!(old.contains("z.last") && !old.contains("x.renamed"));
    let new = text(&world);
    assert!(
        new.starts_with("record,") && new.lines().count() == 2,
        "{new}"
    );
}

#[test]
fn following_ends_when_it_is_told() {
    for signal in [Signal::TERM, Signal::INT] {
        let world = ledger();
        let words = [
            "export", "--format", "ecs", "--cursor", "cursor", "--follow", "--every", "1",
        ];
        let mut command = recorded::binary(&world, "r", &words);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a program");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut next = || lines.next().expect("a line").expect("text");
        while !next().contains("z.last") {}
        world.ledger("r", &["append", "x.during"]).ok();
        assert!(next().contains("x.during"));
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        // the cursor moves after the line was written
        while !fs::read_to_string(world.path("r/cursor")).is_ok_and(|text| {
            let newest = world
                .ledger("r", &["log", "-n1", "--format", "%(digest)"])
                .ok();
            text.contains(newest.trim())
        }) {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        kill_process(pid.expect("a process"), signal).expect("a signal");
        assert_eq!(child.wait().expect("an end").code(), Some(0));
        // and the next run has nothing to do
        assert_eq!(export(&world, &[]).ok(), "");
    }
}
