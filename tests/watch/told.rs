//! What is told, when, and how often.

use super::*;

#[test]
fn a_fork_is_told_once_then_after_a_day_then_when_it_is_gone() {
    let world = world();
    let said = once(&world, &[]);
    assert!(
        said.out.contains("sound: acme/payments, 4 entries"),
        "{said}"
    );
    assert!(
        said.out.contains("2 of 2 copies answered, nothing new"),
        "{said}"
    );
    assert_eq!(said.code, 0, "{said}");
    fork(&world);
    let said = once(&world, &[]);
    assert_eq!(said.code, 1, "{said}");
    let line = said.err.lines().find(|line| line.contains("mirrorForked"));
    let line = line.expect("an alert");
    assert!(
        line.starts_with(
            "breach acme/payments: mirrorForked at remote one entry 2: a remote holds"
        ),
        "{line}"
    );
    // a restart neither repeats nor forgets
    let said = once(&world, &[]);
    assert_eq!((said.code, said.err.as_str()), (1, ""), "{said}");
    world.sleep(86_400);
    let said = once(&world, &["--json"]).code(1);
    assert!(
        alerts(&said).contains(&"still mirrorForked".to_owned()),
        "{said}"
    );
    force(&world, "r", "one");
    let said = once(&world, &["--json"]);
    assert_eq!(said.code, 0, "{said}");
    assert!(
        alerts(&said).contains(&"gone mirrorForked".to_owned()),
        "{said}"
    );
    assert_eq!(alerts(&once(&world, &["--json"])).len(), 0);
}

#[test]
fn a_remote_that_goes_back_is_told_at_once_and_one_that_is_silent_when_it_stays_so() {
    let world = world();
    once(&world, &[]).code(0);
    let back = format!("{LEDGER}~1");
    world.git("one.git", &["update-ref", LEDGER, &back]).ok();
    let said = once(&world, &["--json"]).code(1);
    assert_eq!(alerts(&said), ["found mirrorRolledBack"], "{said}");
    force(&world, "r", "one");
    once(&world, &["--json"]).code(0);
    fs::rename(world.path("two.git"), world.path("away.git")).expect("moved");
    let said = once(&world, &["--json"]).code(2);
    assert_eq!(alerts(&said).len(), 0, "{said}");
    assert_eq!(json(&said)["copies"][1]["state"], "silent", "{said}");
    world.sleep(3600);
    let said = once(&world, &["--json"]).code(2);
    assert_eq!(alerts(&said), ["found mirrorSilent"], "{said}");
    fs::rename(world.path("away.git"), world.path("two.git")).expect("moved");
    let said = once(&world, &["--json"]).code(0);
    assert_eq!(alerts(&said), ["gone mirrorSilent"], "{said}");
}

#[test]
fn what_is_wrong_here_is_told_too() {
    let world = world();
    once(&world, &[]).code(0);
    let tip = world.git("r", &["rev-parse", LEDGER]).ok();
    let back = format!("{LEDGER}~1");
    world.git("r", &["update-ref", LEDGER, &back]).ok();
    let said = once(&world, &["--json", "--no-remotes"]).code(1);
    assert_eq!(alerts(&said), ["found rolledBack"], "{said}");
    // gone altogether: the same rule, another entry
    world.git("r", &["update-ref", "-d", LEDGER]).ok();
    let said = once(&world, &["--json", "--no-remotes"]).code(1);
    assert_eq!(alerts(&said), ["found rolledBack"], "{said}");
    world.git("r", &["update-ref", LEDGER, tip.trim()]).ok();
    let said = once(&world, &["--json", "--no-remotes"]).code(0);
    assert_eq!(alerts(&said), ["gone rolledBack"], "{said}");
}

#[test]
fn a_limit_that_is_passed_is_told_and_everything_is_read_once_a_day() {
    let world = world();
    let full = |said: &Said| json(said)["full"] == true;
    assert!(full(&once(&world, &["--json"])));
    assert!(!full(&once(&world, &["--json"])));
    world.sleep(86_400);
    let said = once(&world, &["--json", "--max-age", "12h"]).code(2);
    assert!(full(&said), "{said}");
    assert_eq!(alerts(&said), ["found stale"], "{said}");
    append(&world, "r", "d");
    let said = once(&world, &["--json", "--max-age", "12h"]);
    assert!(alerts(&said).contains(&"gone stale".to_owned()), "{said}");
}

#[test]
fn looks_that_were_missed_are_told_where_they_were_agreed_on() {
    let world = world();
    once(&world, &["--every", "5min"]).code(0);
    world.sleep(7200);
    assert_eq!(alerts(&once(&world, &["--json"])).len(), 0);
    world.sleep(7200);
    let said = once(&world, &["--json", "--every", "5min"]).code(0);
    assert_eq!(alerts(&said), ["notice runsMissed"], "{said}");
}

#[test]
fn what_the_watch_knows_is_not_the_repository_s_to_change() {
    let world = world();
    fork(&world);
    once(&world, &[]).code(1);
    let state = fs::read_dir(world.path("home/.local/state/git-ledger/watch"))
        .expect("a directory")
        .next()
        .expect("a ledger")
        .expect("a ledger")
        .path();
    assert_eq!(
        state.metadata().expect("a directory").permissions().mode() & 0o77,
        0
    );
    // nothing of it lies in the repository
    let mut command = world.command("r", "grep");
    command.args(["-rl", "git-ledger watch 1", ".git"]);
    assert_eq!(run(command, b"").out, "");
    // gone: everything is told again
    fs::remove_file(state.join("state.json")).expect("removed");
    let said = once(&world, &["--json"]).code(1);
    assert!(
        alerts(&said).contains(&"found mirrorForked".to_owned()),
        "{said}"
    );
    // broken: that, and everything again
    fs::write(state.join("state.json"), b"{}").expect("written");
    let said = once(&world, &["--json"]).code(1);
    let told = alerts(&said);
    assert!(told.contains(&"notice stateLost".to_owned()), "{said}");
    assert!(told.contains(&"found mirrorForked".to_owned()), "{said}");
    // where others can write, nothing is kept, and nothing is sent
    fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).expect("mode");
    let said = once(&world, &[]).code(128);
    assert!(said.err.contains("can be written by others"), "{said}");
}

#[test]
fn where_nothing_can_be_kept_it_is_told_all_the_same() {
    let world = world();
    once(&world, &[]).code(0);
    let dirs = fs::read_dir(world.path("home/.local/state/git-ledger/watch")).expect("a directory");
    let dir = dirs
        .map(|dir| dir.expect("a ledger").path())
        .next()
        .expect("a ledger");
    // a directory in its place can be replaced by no file
    fs::remove_file(dir.join("state.json")).expect("removed");
    fs::create_dir_all(dir.join("state.json/x")).expect("a directory");
    let said = once(&world, &[]);
    assert!(
        said.err.contains("what the watch knows cannot be kept"),
        "{said}"
    );
    assert_eq!(said.code, 2, "{said}");
    fork(&world);
    let said = once(&world, &[]).code(1);
    assert!(
        said.err.contains("breach acme/payments: mirrorForked"),
        "{said}"
    );
    let said = once(&world, &[]).code(1);
    assert!(
        said.err.contains("breach acme/payments: mirrorForked"),
        "{said}"
    );
}

#[test]
fn a_rehearsal_leaves_nothing() {
    let world = world();
    fork(&world);
    let said = once(
        &world,
        &["--dry-run", "--record", "--alert", "command=/bin/false"],
    );
    assert!(
        said.out
            .contains("would tell: breach acme/payments: mirrorForked"),
        "{said}"
    );
    assert_eq!(said.code, 1, "{said}");
    let said = once(&world, &["--json"]).code(1);
    assert!(
        alerts(&said).contains(&"found mirrorForked".to_owned()),
        "{said}"
    );
}
