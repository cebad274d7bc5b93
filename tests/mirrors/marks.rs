//! What was seen before: written before the answer, and told when somebody touched it.

use std::io::Read as _;
use std::process::Stdio;

use git_ledger::marks::Marks;

use super::*;

/// The directory of the marks of `r`.
fn marks_dir(world: &World, git_dir: &str) -> PathBuf {
    let dir = world.path(git_dir).join("git-ledger/marks");
    let mut items = fs::read_dir(dir).expect("marks");
    items.next().expect("a ledger").expect("an item").path()
}

/// The file of a remote's mark.
fn mark_of(world: &World, remote: &str) -> PathBuf {
    let key = git_ledger::merkle::hex(&git_ledger::merkle::sha256(remote.as_bytes()));
    marks_dir(world, "r/.git").join(format!("remote-{}.json", &key[..16]))
}

fn verified(world: &World) -> Verbs<'_> {
    world.ledger("r", &["verify"]).ok();
    Verbs(world)
}

/// What two verbs find wrong.
struct Verbs<'w>(&'w World);

impl Verbs<'_> {
    #[track_caller]
    fn finds(&self, id: &str) {
        for verb in [&["verify", "--json"][..], &["compare", "--json"]] {
            let said = self.0.ledger("r", verb);
            assert!(said.out.contains(&format!("\"id\":\"{id}\"")), "{said}");
            assert_eq!(said.code, 2, "{said}");
        }
    }
}

#[test]
fn a_mark_that_is_gone_is_told_and_the_index_still_knows() {
    let world = world();
    let both = verified(&world);
    fs::remove_file(mark_of(&world, "one")).expect("a mark");
    both.finds("markMissing");
    // and what it said still holds
    rewind(&world, "one", 1);
    assert_eq!(state(&world, "r", "one"), "rolled back 3");
    let said = world.ledger("r", &["mirror", "forget", "one"]).ok();
    assert!(said.contains("that entry 3 (sha256:"), "{said}");
    world.ledger("r", &["verify"]).ok();
    assert_eq!(state(&world, "r", "one"), "behind 1");
}

#[test]
fn the_index_that_is_gone_is_told() {
    let world = world();
    let both = verified(&world);
    fs::remove_file(marks_dir(&world, "r/.git").join("index.json")).expect("the index");
    both.finds("markMissing");
    rewind(&world, "one", 1);
    assert_eq!(state(&world, "r", "one"), "rolled back 3");
    force(&world, "r", "one");
    // whoever knows why says so, and the other marks are kept
    let said = world
        .ledger("r", &["mirror", "forget", "--dry-run", "."])
        .ok();
    assert!(said.contains("seen here would be forgotten"), "{said}");
    both.finds("markMissing");
    world.ledger("r", &["mirror", "forget", "."]).ok();
    world.ledger("r", &["verify"]).ok();
    rewind(&world, "one", 1);
    assert_eq!(state(&world, "r", "one"), "rolled back 3");
}

#[test]
fn a_mark_that_was_lowered_is_told_and_does_not_count() {
    let world = world();
    let both = verified(&world);
    let file = mark_of(&world, "one");
    let whole = fs::read_to_string(&file).expect("a mark");
    // by hand, and so that its own checksum fits
    fs::write(&file, whole.replace("\"number\":3", "\"number\":1")).expect("a mark");
    both.finds("markAltered");
    let older = mark_of(&world, "two");
    fs::copy(&older, &file).expect("a mark");
    both.finds("markAltered");
    rewind(&world, "one", 1);
    assert_eq!(state(&world, "r", "one"), "rolled back 3");
    fs::write(&file, "{").expect("a mark");
    let said = world.ledger("r", &["verify", "--json"]).code(2);
    assert!(said.out.contains("\"id\":\"markUnreadable\""), "{said}");
    fs::write(&file, whole).expect("a mark");
    force(&world, "r", "one");
    world.ledger("r", &["verify", "--remotes"]).ok();
}

#[test]
fn a_mark_nobody_wrote_is_told() {
    let world = world();
    let both = verified(&world);
    let planted = marks_dir(&world, "r/.git").join("remote-0123456789abcdef.json");
    fs::copy(mark_of(&world, "one"), planted).expect("a mark");
    both.finds("markAltered");
}

#[test]
fn a_mark_that_contradicts_the_commit_it_names_is_no_rewritten_history() {
    let world = world();
    world.ledger("r", &["verify"]).ok();
    // whoever knows how marks are written can write all of them anew
    let ledger = || {
        let environment = git_ledger::git::Environment::new("/", std::env::vars_os());
        let repository =
            git_ledger::git::Repository::open(&environment, &world.path("r/.git")).expect("r");
        git_ledger::ledger::Ledger::new(repository, LEDGER)
    };
    let marks = Marks::of(&ledger());
    let mut mark = marks.get(None).expect("a mark").expect("a mark");
    mark.digest = [7; 32];
    marks.forget(None).expect("forgotten");
    marks.raise(None, &mark).expect("raised");
    Verbs(&world).finds("markAltered");
    // one whose commit is not here cannot be told from a history that was rewritten
    mark.commit = gix::ObjectId::from_hex(&[b'7'; 40]).expect("an id");
    marks.forget(None).expect("forgotten");
    marks.raise(None, &mark).expect("raised");
    let said = world.ledger("r", &["verify"]).code(1);
    assert!(said.out.contains("historyRewritten"), "{said}");
}

#[test]
fn every_file_of_the_marks_may_be_cut_or_changed_and_none_unnoticed() {
    let world = world();
    world.ledger("r", &["verify"]).ok();
    let dir = marks_dir(&world, "r/.git");
    for item in fs::read_dir(&dir).expect("marks") {
        let path = item.expect("an item").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let whole = fs::read(&path).expect("a mark");
        let half = whole.get(..whole.len() / 2).expect("half");
        let mut flipped = whole.clone();
        flipped[whole.len() / 3] ^= 1;
        for bytes in [&b""[..], half, &flipped] {
            fs::write(&path, bytes).expect("a mark");
            world.ledger("r", &["verify"]).code(2);
            world.ledger("r", &["compare"]).code(2);
        }
        fs::write(&path, whole).expect("a mark");
    }
    world.ledger("r", &["verify", "--remotes"]).ok();
}

/// Ends a command with the first byte of its answer, then looks at what is on disk.
#[test]
fn what_was_seen_is_on_disk_before_the_answer_begins() {
    let world = world();
    let verbs: [(&[&str], &str, &str); 6] = [
        (&["compare"], "r", "r/.git"),
        (&["mirror", "push"], "r", "r/.git"),
        (&["verify"], "r", "r/.git"),
        (&["verify", "--remotes"], "r", "r/.git"),
        (&["mirror", "pull"], "late", "late/.git"),
        (&["clone", "one.git", "audit.git"], "", "audit.git"),
    ];
    copy(&world, "late", 1);
    for (verb, dir, git_dir) in verbs {
        fs::remove_dir_all(world.path(git_dir).join("git-ledger")).ok();
        let mut command = world.command(dir, "git-ledger");
        command
            .args(verb)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("a program");
        let mut first = [0];
        let mut answer = child.stdout.take().expect("a pipe");
        answer.read_exact(&mut first).expect("an answer");
        child.kill().expect("killed");
        child.wait().expect("an end");
        let marks = fs::read_dir(marks_dir(&world, git_dir)).expect("marks");
        let names: Vec<String> = marks
            .map(|item| item.expect("an item").file_name().to_string_lossy().into())
            .collect();
        let seen = |prefix: &str| names.iter().filter(|name| name.starts_with(prefix)).count();
        let (local, remote) = match verb {
            ["compare"] | ["mirror", "push"] => (0, 2),
            ["verify"] => (1, 0),
            ["verify", _] => (1, 2),
            ["mirror", _] => (1, 2),
            _ => (1, 1),
        };
        assert_eq!(
            (seen("local"), seen("remote-")),
            (local, remote),
            "{verb:?}"
        );
        assert_eq!(seen("index"), 1, "{verb:?}");
    }
}

/// A process that dies is one thing, a machine that dies another: what was written must have been
/// handed to the disk before the answer is.
#[test]
fn what_was_seen_is_synced_before_the_answer_begins() {
    let world = world();
    for verb in [&["compare"][..], &["verify"], &["mirror", "push"]] {
        let mut command = world.command("r", "strace");
        command
            .args([
                "-f",
                "-y",
                "-qq",
                "-e",
                "trace=write,fsync,rename,renameat,renameat2",
                "-o",
            ])
            .arg(world.path("trace"))
            .arg("git-ledger")
            .args(verb);
        run(command, b"").ok();
        let trace = fs::read_to_string(world.path("trace")).expect("a trace");
        let lines: Vec<&str> = trace.lines().collect();
        let marks = "git-ledger/marks/";
        // others write, too: git and the servers it talks to; whoever writes last answers
        let last_word = lines.iter().rfind(|line| line.contains(" write(1<"));
        let ours = last_word.and_then(|line| line.split(' ').next());
        let ours = format!("{} ", ours.expect("a process"));
        let answer = lines
            .iter()
            .position(|line| line.starts_with(&ours) && line.contains(" write(1<"))
            .expect("an answer");
        let last = |what: &dyn Fn(&str) -> bool| lines.iter().rposition(|line| what(line));
        let renamed = last(&|line| line.contains("rename") && line.contains(marks));
        let synced = last(&|line| line.contains("fsync(") && line.contains(marks));
        let (renamed, synced) = (renamed.expect("a rename"), synced.expect("a sync"));
        assert!(renamed < synced && synced < answer, "{verb:?}: {trace}");
    }
}
