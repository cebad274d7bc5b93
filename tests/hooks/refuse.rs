//! Every bad move of the ledger is refused, with a reason that programs can read, and nothing moves.

use gix::objs::Kind;

use git_ledger::chain;
use git_ledger::commit::{Draft, Link, NAMESPACE};
use git_ledger::entry::Entry;
use git_ledger::event::Event;
use git_ledger::git::{Environment, Repository};
use git_ledger::ledger::{Attachments, Ledger, Tip};
use git_ledger::principal::Principal;
use git_ledger::signer::{KeySettings, Signer};

use crate::servers::{Server, exits};
use crate::world::{Said, World};

const LEDGER: &str = "refs/heads/ledger";
const ZERO: &str = "0000000000000000000000000000000000000000";

/// The work tree's copy of the ledger, in which entries are forged.
struct Forge<'w> {
    world: &'w World,
    ledger: Ledger,
    tip: Tip,
}

impl<'w> Forge<'w> {
    fn new(server: &'w Server<'w>) -> Forge<'w> {
        let world = server.world;
        let spec = format!("+{LEDGER}:{LEDGER}");
        world.git("r", &["fetch", "-q", "origin", &spec]).ok();
        let environment = Environment::new("/", std::env::vars_os());
        let repository = Repository::open(&environment, &world.path("r/.git")).expect("r");
        let ledger = Ledger::new(repository, LEDGER);
        let tip = ledger.tip().expect("a tip");
        Forge { world, ledger, tip }
    }

    fn event(&self, id: &str) -> Event {
        let text =
            format!(r#"{{"id":"{id}","source":"/s","specversion":"1.0","type":"dev.cdevents.x"}}"#);
        Event::parse(text.as_bytes()).expect("an event")
    }

    /// An entry after `prev` as the rules want it, but for what `change` does to it.
    fn entry(&self, prev: &Link, key: &str, change: impl FnOnce(&mut Draft)) -> Link {
        let (tree, objects) = self.ledger.entry_tree(self.tip.part, &Attachments::new());
        self.ledger.write(&objects).expect("a tree");
        let mut draft = Draft {
            tree,
            parent: Some(prev.id),
            principal: Principal::parse("ann@acme").expect("a principal"),
            time: prev.time,
            entry: Entry {
                events: vec![self.event(key)],
                policy: prev.entry.policy,
                range: chain::range_after(prev),
                approvals: Vec::new(),
            },
        };
        change(&mut draft);
        let settings = KeySettings {
            signing_key: Some(self.world.key(key).display().to_string()),
            ..KeySettings::default()
        };
        let signer = Signer::find(&settings).expect("a key");
        let signature = signer
            .sign(NAMESPACE, &draft.payload())
            .expect("a signature");
        let link = draft.sign(&signature).expect("a link");
        self.raw(link.raw());
        link
    }

    fn raw(&self, commit: &[u8]) -> String {
        let repository = self.ledger.repository();
        let id = repository
            .write_object(Kind::Commit, commit)
            .expect("a commit");
        id.to_string()
    }

    /// The commit with one piece of its text replaced.
    fn edited(&self, link: &Link, from: &str, to: &str) -> String {
        let text = String::from_utf8(link.raw().to_vec()).expect("text");
        assert!(text.contains(from));
        self.raw(text.replacen(from, to, 1).as_bytes())
    }

    /// The tree of the policy with further lines of `git mktree`.
    fn tree(&self, more: &str, leave_out: &str) -> gix::ObjectId {
        let listed = self
            .world
            .git("r", &["ls-tree", &self.tip.link.tree.to_string()])
            .ok();
        let kept: String = listed
            .lines()
            .filter(|line| leave_out.is_empty() || !line.ends_with(leave_out))
            .map(|line| format!("{line}\n"))
            .collect();
        let mut mktree = self.world.command("r", "git");
        mktree.arg("mktree");
        let id = crate::world::run(mktree, format!("{kept}{more}").as_bytes()).ok();
        gix::ObjectId::from_hex(id.trim().as_bytes()).expect("an id")
    }
}

/// The refusal that git passes on: `<finding> <position> <commit>`.
#[track_caller]
fn refusal(said: &Said) -> String {
    let line = said
        .err
        .lines()
        .find_map(|line| {
            line.trim_start_matches("remote: ")
                .strip_prefix("git-ledger: refused ")
        })
        .unwrap_or_else(|| panic!("no refusal: {said}"));
    line.splitn(4, ' ').take(3).collect::<Vec<_>>().join(" ")
}

#[test]
fn pushes_that_do_not_add() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let forge = Forge::new(&server);
    let tip = forge.tip.link.id.to_string();
    let good = forge.entry(&forge.tip.link, "ann", |_| {}).id.to_string();
    let parent = forge.tip.link.parent.expect("a parent").to_string();
    let fork = {
        let prev = forge
            .ledger
            .link(forge.tip.link.parent.expect("a parent"))
            .expect("a link");
        forge.entry(&prev, "ann", |_| {}).id.to_string()
    };
    let to = |id: &str, name: &str| format!("{id}:{name}");
    let said = |arguments: &[&str]| {
        let said = server.push(&[&["origin"], arguments].concat());
        assert_ne!(said.code, 0);
        assert_eq!(server.at(LEDGER).trim(), tip);
        refusal(&said)
    };
    let about = |finding: &str, id: &str| format!("{finding} - {id}");

    // U01, U02: the ledger goes back, or away
    assert_eq!(
        said(&["--force", &to(&fork, LEDGER)]),
        about("pushRewinds", &fork)
    );
    assert_eq!(
        said(&["--force", &to(&parent, LEDGER)]),
        about("pushRewinds", &parent)
    );
    assert_eq!(
        said(&["--force", "main:refs/heads/ledger"])
            .split(' ')
            .next(),
        Some("pushRewinds")
    );
    assert_eq!(said(&[&to("", LEDGER)]), "pushDeletes - -");
    // U05: one bad ref refuses all
    for atomic in ["--atomic", "--no-atomic"] {
        let push = [
            atomic,
            "main",
            "main:refs/heads/ledger/x",
            "main:refs/heads/z",
        ];
        assert_eq!(said(&push), "pushRefName - -");
    }
    assert_eq!(server.at("refs/heads/main"), "");
    assert_eq!(said(&[&to(&good, LEDGER), "main"]), "pushMixed - -");
    // U08, U10: names that could be taken for the ledger, or change how it is read
    for name in [
        "refs/heads/Ledger",
        "refs/HEADS/ledger",
        "refs/heads/LEDGER/x",
        "refs/ledger/evidence/1",
        &format!("refs/replace/{tip}"),
    ] {
        assert_eq!(said(&[&to("main", name)]), "pushRefName - -", "{name}");
    }
    // an alias is the ledger
    let alias = ["symbolic-ref", "refs/heads/alias", LEDGER];
    world.git(&server.name, &alias).ok();
    assert_eq!(
        said(&["--force", &to(&fork, "refs/heads/alias")]),
        about("pushRewinds", &fork)
    );

    // U03, U04: what no git client would send
    let raw = |lines: &[String]| {
        let said = server.push_raw(lines, &[&fork, &good]);
        assert_eq!(server.at(LEDGER).trim(), tip, "{said}");
        refusal(&said)
    };
    let line = |old: &str, new: &str, name: &str| format!("{old} {new} {name}");
    let twice = [line(&tip, ZERO, LEDGER), line(ZERO, &fork, LEDGER)];
    assert_eq!(raw(&twice), "pushDuplicate - -");
    let alias = [
        line(&tip, &good, LEDGER),
        line(&tip, &good, "refs/heads/alias"),
    ];
    assert_eq!(raw(&alias), "pushDuplicate - -");
    assert_eq!(raw(&[line(ZERO, &good, LEDGER)]), "pushStale - -");
    assert_eq!(raw(&[line(&parent, &fork, LEDGER)]), "pushStale - -");

    assert!(server.events().is_empty());
    world
        .git(&server.name, &["symbolic-ref", "-d", "refs/heads/alias"])
        .ok();
    server.push(&["origin", &to(&good, LEDGER)]).ok();
    assert_eq!(server.events().len(), 1);
    server.sound();
}

#[test]
fn entries_that_break_a_rule() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let forge = Forge::new(&server);
    let tip = &forge.tip.link;
    let good = forge.entry(tip, "ann", |_| {});
    let shape = |tree: gix::ObjectId| {
        let link = forge.entry(tip, "ann", |draft| draft.tree = tree);
        link.id.to_string()
    };
    let blob = forge.tip.part.readme;
    let unsigned = {
        let tree = tip.tree.to_string();
        let parent = tip.id.to_string();
        let commit = ["commit-tree", &tree, "-p", &parent, "-m", "x"];
        world.git("r", &commit).ok().trim().to_owned()
    };
    let flipped = {
        let text = String::from_utf8(good.raw().to_vec()).expect("text");
        let armour = text.find("\n -----END").expect("an armour");
        let at = armour - 30;
        let was = &text[at..at + 1];
        let now = if was == "A" { "B" } else { "A" };
        let line = text[at..armour].to_owned();
        forge.edited(&good, &line, &line.replacen(was, now, 1))
    };
    let two_parents = {
        let parent = format!("parent {}\n", tip.id);
        forge.edited(&good, &parent, &format!("{parent}{parent}"))
    };
    let middle = {
        let second = forge.entry(&good, "mallory", |_| {});
        forge.entry(&second, "ann", |_| {}).id.to_string()
    };
    let cases = [
        ("signatureMissing", unsigned),
        ("signatureBad", flipped),
        (
            "signerUnknown",
            forge.entry(tip, "mallory", |_| {}).id.to_string(),
        ),
        ("parentCount", two_parents),
        (
            "signerPrincipal",
            forge.entry(tip, "bob", |_| {}).id.to_string(),
        ),
        (
            "timeBackwards",
            forge.entry(tip, "ann", |d| d.time -= 1000).id.to_string(),
        ),
        (
            "timeFuture",
            forge
                .entry(tip, "ann", |d| d.time = 9_999_999_999)
                .id
                .to_string(),
        ),
        (
            "treeShape",
            shape(forge.tree(&format!("100644 blob {blob}\textra\n"), "")),
        ),
        (
            "treeShape",
            shape(forge.tree(
                &format!("120000 blob {blob}\tallowed_signers\n"),
                "allowed_signers",
            )),
        ),
        (
            "derivedMismatch",
            shape(forge.tree(
                &format!("100644 blob {blob}\tallowed_signers\n"),
                "allowed_signers",
            )),
        ),
    ];
    for (finding, id) in &cases {
        let said = server.push(&["origin", &format!("{id}:{LEDGER}")]).code(1);
        assert_eq!(refusal(&said), format!("{finding} 3 {id}"), "{said}");
        assert_eq!(server.at(LEDGER).trim(), tip.id.to_string());
    }
    // U18: the first bad one of several
    let said = server
        .push(&["origin", &format!("{middle}:{LEDGER}")])
        .code(1);
    assert!(refusal(&said).starts_with("signerUnknown 4 "), "{said}");
    // the pusher's clock is not the server's
    let mut push = server.pushing(&["origin", &format!("{}:{LEDGER}", cases[6].1)]);
    push.env("GIT_COMMITTER_DATE", "@9999999999 +0000");
    let said = crate::world::run(push, b"").code(1);
    assert!(refusal(&said).starts_with("timeFuture 3 "), "{said}");
    server
        .push(&["origin", &format!("{}:{LEDGER}", good.id)])
        .ok();
    server.sound();
}

#[test]
fn a_first_push_is_judged_from_the_root() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let forge = Forge::new(&server);
    world.git("", &["init", "-q", "--bare", "other.git"]).ok();
    world.ledger("other.git", &["hook", "install"]).ok();
    let url = world.path("other.git");
    let url = url.to_str().expect("a path");
    let spec = format!("{LEDGER}:{LEDGER}");
    let pin = |digest: &str| {
        let key = "ledger.acme.fingerprint";
        world
            .git("other.git", &["config", "ledger.acme.ref", LEDGER])
            .ok();
        world.git("other.git", &["config", key, digest]).ok();
    };
    // no ledger, no record, no push
    let said = server.push(&[url, "main"]).code(1);
    assert_eq!(refusal(&said), "pushUnrecorded - -");
    pin(&format!("sha256:{}", "1".repeat(64)));
    let said = server.push(&[url, &spec]).code(1);
    assert!(
        refusal(&said).starts_with("fingerprintMismatch 0 "),
        "{said}"
    );
    let bad = forge.entry(&forge.tip.link, "mallory", |_| {}).id;
    let print = world
        .git(&server.name, &["config", "ledger.acme.fingerprint"])
        .ok();
    pin(print.trim());
    let said = server.push(&[url, &format!("{bad}:{LEDGER}")]).code(1);
    assert_eq!(refusal(&said), format!("signerUnknown 3 {bad}"));
    server.push(&[url, &spec]).ok();
}

#[test]
fn a_server_that_cannot_sign_refuses() {
    let world = World::new();
    let server = Server::new(&world, "r");
    for (key, hint) in [
        (world.path("nowhere"), "signingKey"),
        (world.key("mallory"), "policy"),
    ] {
        server.set("ledger.acme.signingKey", key.to_str().expect("a path"));
        let said = server.push(&["origin", "main"]).code(1);
        assert_eq!(refusal(&said), "pushUnrecorded - -");
        assert!(
            said.err.contains("git-ledger: hint ") && said.err.contains(hint),
            "{said}"
        );
        exits(world.ledger(&server.name, &["hook", "status"]), 1);
    }
    assert_eq!(server.at("refs/heads/main"), "");
    assert!(server.events().is_empty());
}

#[test]
fn a_signer_that_does_not_answer_is_not_waited_for() {
    let world = World::new();
    let server = Server::new(&world, "r");
    let socket = world.path("agent");
    let _agent = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    let public = world.public("server");
    server.set("ledger.acme.signingKey", &format!("key::{public}"));
    server.set("ledger.acme.hookTimeout", "1");
    let mut push = server.pushing(&["origin", "main"]);
    push.env("SSH_AUTH_SOCK", &socket);
    let started = std::time::Instant::now();
    let said = crate::world::run(push, b"").code(1);
    assert_eq!(refusal(&said), "pushUnrecorded - -");
    assert!(started.elapsed().as_secs() < 5, "{said}");
}
