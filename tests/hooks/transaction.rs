//! Refs that move in the repository itself: recorded by git's reference-transaction hook, once,
//! and as it really went; what only looks like a move is not recorded.

use std::fs;

use git_ledger::event::Event;
use git_ledger::git::{Environment, Repository};
use git_ledger::json::Value;
use git_ledger::ledger::Ledger;

use crate::servers::ssh::write_script;
use crate::servers::{Server, exits, text, wait_until};
use crate::world::{Said, World, run};

const CHANGED: &str = "dev.git-ledger.refs.changed";

/// What each of these events says: its outcome if it has one, and each ref with what happens to it.
fn told(events: &[Event]) -> Vec<String> {
    let one = |event: &Event| {
        let data = event.data().and_then(Value::as_object).expect("data");
        let refs = data.get("refs").and_then(Value::as_array).expect("refs");
        let each = refs.iter().map(|value| {
            let object = value.as_object().expect("an object");
            let name = text(object, "ref").trim_start_matches("refs/");
            let forced = object.get("forced") == Some(&Value::Bool(true));
            format!(
                "{} {name}{}",
                text(object, "kind"),
                if forced { " forced" } else { "" }
            )
        });
        let outcome = data.get("outcome").and_then(Value::as_str);
        let kind = event.kind().trim_start_matches("dev.git-ledger.");
        let each = each.collect::<Vec<_>>().join(", ");
        format!("{} {each}", outcome.unwrap_or(kind))
    };
    events.iter().map(one).collect()
}

/// A repository with a work tree, a ledger and the hook.
struct Work<'w> {
    world: &'w World,
    name: &'static str,
}

impl<'w> Work<'w> {
    fn new(world: &'w World) -> Work<'w> {
        let work = Work { world, name: "t" };
        world.repository(work.name);
        world
            .ledger(work.name, &["hook", "install", "--reference-transaction"])
            .ok();
        work
    }

    fn git(&self, arguments: &[&str]) -> Said {
        self.world.git(self.name, arguments)
    }

    fn events(&self) -> Vec<Event> {
        let environment = Environment::new("/", std::env::vars_os());
        let path = self.world.path(self.name).join(".git");
        let repository = Repository::open(&environment, &path).expect("a repository");
        let ledger = Ledger::new(repository, "refs/heads/ledger");
        let tip = ledger.tip_id().expect("a ref").expect("a ledger");
        let links = ledger.links(tip).expect("links");
        let mut links: Vec<_> = links.map(|link| link.expect("a link")).collect();
        links.reverse();
        links
            .into_iter()
            .skip(1)
            .flat_map(|link| link.entry.events)
            .collect()
    }

    /// What a git command adds to the ledger.
    #[track_caller]
    fn adds(&self, arguments: &[&str], what: &[&str]) {
        let before = self.events().len();
        let said = self.git(arguments);
        exits(said, 0);
        assert_eq!(told(&self.events()[before..]), what, "{arguments:?}");
        assert_eq!(self.waiting(), 0);
    }

    fn waiting(&self) -> usize {
        let dir = self
            .world
            .path(self.name)
            .join(".git/git-ledger/transactions");
        fs::read_dir(dir).map_or(0, Iterator::count)
    }

    #[track_caller]
    fn in_step(&self) {
        let said = self.world.ledger(self.name, &["reconcile"]).ok();
        assert!(said.starts_with("in step: "), "{said}");
        let said = self.world.ledger(self.name, &["verify"]).ok();
        assert!(said.contains("sound: "), "{said}");
    }
}

#[test]
fn what_an_admin_does_in_the_repository() {
    let world = World::new();
    let work = Work::new(&world);
    world.ledger(work.name, &["reconcile"]).ok();
    work.adds(
        &["commit", "--allow-empty", "-m", "two"],
        &["refs.changed update heads/main"],
    );
    work.adds(&["branch", "x"], &["refs.changed create heads/x"]);
    work.adds(&["tag", "v1"], &["refs.changed create tags/v1"]);
    // U33: without the old value, loose and packed
    let rewound = ["refs.changed update heads/x forced"];
    work.adds(&["update-ref", "refs/heads/x", "HEAD^"], &rewound);
    work.git(&["pack-refs", "--all"]).ok();
    let forward = ["refs.changed update heads/x"];
    work.adds(&["update-ref", "refs/heads/x", "HEAD"], &forward);
    work.adds(&["branch", "-D", "x"], &["refs.changed delete heads/x"]);
    work.adds(
        &["update-ref", "-d", "refs/tags/v1"],
        &["refs.changed delete tags/v1"],
    );
    work.adds(
        &["checkout", "-q", "-b", "y"],
        &["refs.changed create heads/y"],
    );
    work.adds(&["symbolic-ref", "refs/heads/alias", "refs/heads/y"], &[]);
    world.ledger(work.name, &["reconcile"]).code(1);
    let through = ["update-ref", "refs/heads/alias", "HEAD^"];
    work.adds(&through, &["refs.changed update heads/y forced"]);
    work.adds(&["stash", "list"], &[]);
    work.in_step();
    let events = work.events();
    let last = events
        .iter()
        .rev()
        .find(|event| event.kind() == CHANGED)
        .expect("an event");
    let data = last.data().and_then(Value::as_object).expect("data");
    assert_eq!(text(data, "actor.how"), "local");
    assert_eq!(last.subject(), Some("refs/heads/y"));
}

#[test]
fn packing_and_collecting_garbage_are_no_changes() {
    let world = World::new();
    let work = Work::new(&world);
    world.ledger(work.name, &["reconcile"]).ok();
    for name in ["a", "b", "c"] {
        work.git(&["branch", name]).ok();
    }
    work.adds(&["pack-refs", "--all"], &[]);
    work.git(&["commit", "-q", "--allow-empty", "-m", "two"])
        .ok();
    work.git(&["branch", "-f", "a"]).ok();
    work.adds(&["gc", "-q"], &[]);
    work.adds(&["gc", "-q", "--prune=now"], &[]);
    work.adds(&["pack-refs", "--all", "--no-prune"], &[]);
    work.adds(&["branch", "-D", "b"], &["refs.changed delete heads/b"]);
    work.in_step();
}

#[test]
fn the_ledger_moves_by_its_own_rules_alone() {
    let world = World::new();
    let work = Work::new(&world);
    let ledger = "refs/heads/ledger";
    let tip = work.git(&["rev-parse", ledger]).ok();
    for (arguments, finding) in [
        (&["update-ref", ledger, "HEAD"][..], "pushRewinds"),
        (&["update-ref", "-d", ledger], "pushDeletes"),
        (&["branch", "-D", "ledger"], "pushDeletes"),
        (&["branch", "-m", "ledger", "other"], "pushDeletes"),
        (&["symbolic-ref", ledger, "refs/heads/main"], "pushRefName"),
    ] {
        let said = work.git(arguments);
        assert_ne!(said.code, 0, "{said}");
        assert!(
            said.err
                .contains(&format!("git-ledger: refused {finding} ")),
            "{said}"
        );
        assert_eq!(work.git(&["rev-parse", ledger]).ok(), tip);
    }
    // an entry that breaks a rule: not signed
    let tree = work.git(&["rev-parse", "ledger^{tree}"]).ok();
    let make = ["commit-tree", tree.trim(), "-p", "ledger", "-m", "x"];
    let forged = work.git(&make).ok();
    let said = work.git(&["update-ref", ledger, forged.trim()]);
    assert!(
        said.err.contains("git-ledger: refused signatureMissing 1 "),
        "{said}"
    );
    assert_eq!(work.git(&["rev-parse", ledger]).ok(), tip);
    // with another ref
    let mut update = world.command(work.name, "git");
    update.args(["update-ref", "--stdin"]);
    let lines = format!("update {ledger} HEAD\ncreate refs/heads/x HEAD\n");
    let said = run(update, lines.as_bytes());
    assert!(
        said.err.contains("git-ledger: refused pushMixed "),
        "{said}"
    );
    // entries that hold, fetched from where they were written
    world
        .git("", &["clone", "-q", "-b", "ledger", "t", "copy"])
        .ok();
    let key = world.key("ann");
    let append = [
        "append",
        "dev.cdevents.x.y.0.1.0",
        "--key",
        key.to_str().expect("a path"),
    ];
    world.ledger("copy", &append).ok();
    work.git(&["fetch", "-q", "../copy", "ledger:ledger"]).ok();
    assert_ne!(work.git(&["rev-parse", ledger]).ok(), tip);
    assert_eq!(work.waiting(), 0);
}

#[test]
fn what_git_takes_back_is_told() {
    let world = World::new();
    let work = Work::new(&world);
    world.ledger(work.name, &["reconcile"]).ok();
    let before = work.events().len();
    let mut update = world.command(work.name, "git");
    update.args(["update-ref", "--stdin"]);
    run(
        update,
        b"start\ncreate refs/heads/x HEAD\ncreate refs/heads/y HEAD\nprepare\nabort\n",
    )
    .ok();
    assert_eq!(
        told(&work.events()[before..]),
        [
            "refs.changed create heads/x, create heads/y",
            "refused create heads/x, create heads/y"
        ]
    );
    work.in_step();
    assert_eq!(work.waiting(), 0);
}

#[test]
fn killed_while_the_refs_are_locked_and_after_they_moved() {
    let world = World::new();
    let work = Work::new(&world);
    world.ledger(work.name, &["reconcile"]).ok();
    let hooks = world.path(work.name).join(".git/hooks");
    let ours = hooks.join("reference-transaction");
    fs::rename(&ours, hooks.join("ours")).expect("a hook");
    for (state, left, what) in [
        // K02: the lock stays behind, and the ref where it was
        ("prepared", "", "closed: 1 change "),
        ("committed", "there", "in step: "),
    ] {
        // after it was recorded, or before anybody heard that it happened
        let kill = format!("test $1 != {state} || kill -9 $PPID\n");
        let ours_first = "${0%/*}/ours \"$@\" || exit\n";
        let kill = match state {
            "prepared" => format!("#!/bin/sh\n{ours_first}{kill}"),
            _ => format!("#!/bin/sh\n{kill}{ours_first}"),
        };
        write_script(&ours, &kill);
        let name = format!("refs/heads/{state}");
        let said = work.git(&["update-ref", &name, "HEAD"]);
        assert_ne!(said.code, 0, "{said}");
        let at = work.git(&["rev-parse", "-q", "--verify", &name]).out;
        assert_eq!(at.is_empty(), left.is_empty());
        fs::remove_file(world.path(work.name).join(format!(".git/{name}.lock"))).ok();
        wait_until("it is gone", || {
            let said = world.ledger(work.name, &["reconcile", "--dry-run"]);
            said.out.starts_with(what)
        });
        world.ledger(work.name, &["reconcile"]).ok();
        work.in_step();
        assert_eq!(work.waiting(), 0);
    }
    let events = work.events();
    assert_eq!(
        told(&events[events.len() - 3..]),
        [
            "refs.changed create heads/prepared",
            "refused create heads/prepared",
            "refs.changed create heads/committed"
        ]
    );
}

#[test]
fn a_push_is_recorded_once_with_both_hooks() {
    let world = World::new();
    for format in ["sha1", "sha256"] {
        let server = Server::of_format(&world, format, format);
        let install = ["hook", "install", "--reference-transaction"];
        world.ledger(&server.name, &install).ok();
        let specs: Vec<String> = (0..100).map(|n| format!("HEAD:refs/heads/b{n}")).collect();
        let specs: Vec<&str> = specs.iter().map(String::as_str).collect();
        server.push(&[&["origin"], &specs[..]].concat()).ok();
        server.push(&["origin", "HEAD:refs/heads/one"]).ok();
        assert_eq!(server.entries().len(), 2, "{format}");
        // the pushes whose hooks an admin took away are recorded by this one
        let hook = server.path().join("hooks/pre-receive");
        fs::remove_file(hook).expect("a hook");
        server.push(&["origin", "HEAD:refs/heads/two"]).ok();
        let events = server.events();
        assert_eq!(told(&events[2..]), ["refs.changed create heads/two"]);
        server.append_beside(server.path().to_str().expect("a path"), |_| {});
        server.push(&["origin", "refs/heads/ledger"]).ok();
        server.sound();
    }
}

#[test]
fn a_fetch_into_the_repository() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let install = ["hook", "install", "--reference-transaction"];
    world.ledger(&server.name, &install).ok();
    world.git("r", &["branch", "x"]).ok();
    let fetch = ["fetch", "-q", "../r", "+refs/heads/*:refs/heads/*"];
    world.git(&server.name, &fetch).ok();
    world.git(&server.name, &fetch).ok();
    let mut told = told(&server.events());
    told.sort();
    // one transaction or two, as this git does it
    let told = told.join(", ").replace("refs.changed ", "");
    assert_eq!(told, "create heads/main, create heads/x");
    world.ledger(&server.name, &["reconcile"]).ok();
    server.sound();
}

#[test]
fn a_rebase_is_one_entry_and_a_linked_work_tree_counts_too() {
    let world = World::new();
    let work = Work::new(&world);
    for n in 0..5 {
        fs::write(world.path(format!("t/{n}")), "x").expect("a file");
        work.git(&["add", "."]).ok();
        work.git(&["commit", "-q", "-m", &n.to_string()]).ok();
    }
    work.git(&["branch", "base", "HEAD~5"]).ok();
    work.git(&["checkout", "-q", "base"]).ok();
    work.adds(
        &["commit", "-q", "--allow-empty", "-m", "elsewhere"],
        &["refs.changed update heads/base"],
    );
    work.adds(
        &["rebase", "-q", "base", "main"],
        &["refs.changed update heads/main forced"],
    );
    work.adds(
        &["worktree", "add", "-q", "-b", "beside", "../beside"],
        &["refs.changed create heads/beside"],
    );
    let before = work.events().len();
    world
        .git("beside", &["commit", "-q", "--allow-empty", "-m", "there"])
        .ok();
    assert_eq!(
        told(&work.events()[before..]),
        ["refs.changed update heads/beside"]
    );
    world.ledger("beside", &["reconcile"]).ok();
    work.in_step();
}

#[test]
fn what_cannot_be_recorded_is_refused() {
    let world = World::new();
    let work = Work::new(&world);
    let tip = work.git(&["rev-parse", "refs/heads/ledger"]).ok();
    work.git(&["config", "ledger.acme/payments.signingKey", "/nonexistent"])
        .ok();
    let said = work.git(&["branch", "x"]);
    assert_ne!(said.code, 0);
    assert!(
        said.err.contains("git-ledger: refused pushUnrecorded - - "),
        "{said}"
    );
    // what moves nothing that is followed goes on
    work.git(&["checkout", "-q", "--detach"]).ok();
    work.git(&["pack-refs", "--all"]).ok();
    assert_eq!(work.git(&["rev-parse", "refs/heads/ledger"]).ok(), tip);
    assert_eq!(work.git(&["for-each-ref", "refs/heads/x"]).ok(), "");
}

#[test]
fn a_hook_that_was_there_is_called_and_may_refuse() {
    let world = World::new();
    let work = Work::new(&world);
    let hooks = world.path(work.name).join(".git/hooks");
    let before = hooks.join("reference-transaction.before-ledger");
    write_script(
        &before,
        "#!/bin/sh\necho \"$1 $(cat)\" >>${0%/*}/log\ntest $1 != prepared || ! grep -q no ${0%/*}/log\n",
    );
    let count = work.events().len();
    work.git(&["branch", "x"]).ok();
    let log = fs::read_to_string(hooks.join("log")).expect("a log");
    let states: Vec<&str> = log
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(states, ["prepared", "committed"]);
    assert_ne!(work.git(&["branch", "no"]).code, 0);
    assert_eq!(
        told(&work.events()[count..]),
        ["refs.changed create heads/x"]
    );
}

#[test]
fn it_is_put_in_place_where_it_is_asked_for_and_can_work() {
    let world = World::new();
    world.repository("t");
    world.ledger("t", &["hook", "install"]).ok();
    let hook = world.path("t/.git/hooks/reference-transaction");
    assert!(!hook.exists());
    let said = world.ledger("t", &["hook", "status", "--json"]).ok();
    assert!(said.contains(r#""reference_transaction":false"#), "{said}");
    world
        .ledger("t", &["hook", "install", "--reference-transaction"])
        .ok();
    assert!(hook.exists());
    // another installation leaves it in
    let said = world.ledger("t", &["hook", "install"]).ok();
    assert_eq!(said, "everything is in place already\n");
    let said = world.ledger("t", &["hook", "status"]).ok();
    assert!(said.contains("ok  reference-transaction\n"), "{said}");
    fs::remove_file(&hook).expect("a hook");
    fs::write(&hook, "#!/bin/sh\n").expect("a hook");
    world.ledger("t", &["hook", "uninstall"]).code(2);

    // U25: nothing can be recorded while the one lock of a reftable is held
    let format = "--ref-format=reftable";
    world
        .git("", &["init", "-q", "--bare", format, "table.git"])
        .ok();
    world.ledger("table.git", &["init", "--name", "acme"]).ok();
    let install = ["hook", "install", "--reference-transaction"];
    let said = world.ledger("table.git", &install).code(1);
    assert!(said.err.contains("keeps its refs in a reftable"), "{said}");
    assert!(!world.path("table.git/hooks/reference-transaction").exists());
}
