//! A repository in which everything that can name a program names a trap: settings, attributes,
//! hooks, included files, work tree settings, and the environment besides. No verb springs one;
//! stock git does, in the same repository.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::LEDGER;
use crate::commands;
use crate::recorded::times;
use crate::world::{Said, World, run};

/// Settings whose value is a program, as git's manual lists them, and those of its commands that
/// are often installed beside it.
const PROGRAMS: &[&str] = &[
    "core.alternateRefsCommand",
    "core.askPass",
    "core.editor",
    "core.fsmonitor",
    "core.gitProxy",
    "core.pager",
    "core.sshCommand",
    "credential.helper",
    "credential.https://127.0.0.1.helper",
    "diff.external",
    "diff.trap.command",
    "diff.trap.textconv",
    "diff.guitool",
    "difftool.trap.cmd",
    "difftool.trap.path",
    "filter.trap.clean",
    "filter.trap.smudge",
    "filter.trap.process",
    "gc.recentObjectsHook",
    "gpg.program",
    "gpg.openpgp.program",
    "gpg.x509.program",
    "gpg.ssh.program",
    "gpg.ssh.defaultKeyCommand",
    "hook.trap.command",
    "imap.tunnel",
    "instaweb.httpd",
    "interactive.diffFilter",
    "browser.trap.cmd",
    "browser.trap.path",
    "help.browser",
    "web.browser",
    "man.trap.cmd",
    "man.trap.path",
    "man.viewer",
    "merge.trap.driver",
    "merge.guitool",
    "mergetool.trap.cmd",
    "mergetool.trap.path",
    "pager.log",
    "pager.show",
    "pager.verify",
    "pager.ledger",
    "pager.config",
    "pager.diff",
    "receive.procReceiveRefs",
    "receive.fsck.skipList",
    "remote.one.receivepack",
    "remote.one.uploadpack",
    "remote.sshy.receivepack",
    "remote.sshy.uploadpack",
    "remote.origin.uploadpack",
    "sendemail.sendmailCmd",
    "sendemail.smtpServer",
    "sendemail.toCmd",
    "sendemail.ccCmd",
    "sendemail.headerCmd",
    "sequence.editor",
    "submodule.trap.update",
    "svn.authorsProg",
    "tar.trap.command",
    "tar.tar.gz.command",
    "trailer.trap.command",
    "trailer.trap.cmd",
    "uploadpack.packObjectsHook",
    "uploadarchive.trap",
];

/// Hooks that git, its commands and its servers look for.
const HOOKS: &[&str] = &[
    "applypatch-msg",
    "commit-msg",
    "fsmonitor-watchman",
    "p4-changelist",
    "p4-post-changelist",
    "p4-pre-submit",
    "p4-prepare-changelist",
    "post-applypatch",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-receive",
    "post-rewrite",
    "post-update",
    "pre-applypatch",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-rebase",
    "pre-receive",
    "prepare-commit-msg",
    "proc-receive",
    "push-to-checkout",
    "reference-transaction",
    "sendemail-validate",
    "update",
];

/// Variables that name programs, or a place from which programs are taken.
const VARIABLES: &[&str] = &[
    "BROWSER",
    "EDITOR",
    "GIT_ASKPASS",
    "GIT_EDITOR",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_PROXY_COMMAND",
    "GIT_SEQUENCE_EDITOR",
    "PAGER",
    "SSH_ASKPASS",
    "VISUAL",
];

/// How the repository lies on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    WorkTree,
    Bare,
    Linked,
    GitFile,
}

/// A world with a trapped repository.
struct Trap {
    world: World,
    /// Where commands run.
    dir: &'static str,
}

impl Trap {
    /// An honest repository with a ledger and two mirrors, one of them ahead; then the traps.
    fn new(shape: Shape, format: &str) -> Trap {
        let world = World::new();
        let format = format!("--object-format={format}");
        let git = |dir: &str, words: &[&str]| {
            let mut command = world.command(dir, "git");
            // no samples of hooks: everything here is copied once for each verb
            command.args(words).env("GIT_TEMPLATE_DIR", "");
            run(command, b"").ok()
        };
        let dir = if shape == Shape::Linked {
            "stage/linked"
        } else {
            "stage/r"
        };
        fs::create_dir(world.path("stage")).expect("a stage");
        match shape {
            Shape::Bare => git("stage", &["init", "-q", "--bare", &format, "r"]),
            Shape::GitFile => git(
                "stage",
                &["init", "-q", &format, "--separate-git-dir=store", "r"],
            ),
            Shape::WorkTree | Shape::Linked => git("stage", &["init", "-q", &format, "r"]),
        };
        if shape != Shape::Bare {
            fs::write(
                world.path("stage/r/.gitattributes"),
                "* diff=trap filter=trap merge=trap\n",
            )
            .expect("attributes");
            git("stage/r", &["add", "."]);
            git("stage/r", &["commit", "-q", "-m", "first"]);
        }
        if shape == Shape::Linked {
            git(
                "stage/r",
                &["worktree", "add", "-q", "-b", "side", "../linked"],
            );
        }
        for name in ["one", "two"] {
            git(
                "stage",
                &["init", "-q", "--bare", &format, &format!("{name}.git")],
            );
        }
        let ledger = |words: &[&str]| super::direct(&world, dir, words).ok();
        ledger(&["init", "--name", "acme/payments"]);
        for name in ["one", "two"] {
            ledger(&[
                "mirror",
                "add",
                name,
                &world.path(format!("stage/{name}.git")).to_string_lossy(),
            ]);
        }
        ledger(&["append", "dev.acme.built", "--subject", "a"]);
        ledger(&["append", "dev.acme.built", "--subject", "b"]);
        ledger(&["mirror", "push"]);
        git(dir, &["update-ref", LEDGER, &format!("{LEDGER}~1")]);
        fs::write(world.path("stage/file"), "{\"type\":\"dev.acme.built\"}\n").expect("a file");
        let trap = Trap { world, dir };
        trap.plant();
        trap
    }

    fn common_dir(&self) -> PathBuf {
        let words = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
        PathBuf::from(self.world.git(self.dir, &words).ok().trim())
    }

    /// A program that tells by its own name that it was run, and fails.
    fn program(&self, name: &str) -> PathBuf {
        let dir = self.world.path("traps");
        fs::create_dir_all(&dir).expect("a directory");
        let path = dir.join(name.replace(['/', ':'], "_"));
        let log = self.world.path("sprung");
        let text = format!("#!/bin/sh\necho '{name}' >>'{}'\nexit 1\n", log.display());
        fs::write(&path, text).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        path
    }

    fn plant(&self) {
        let dir = self.common_dir();
        for hook in HOOKS {
            let path = dir.join("hooks").join(hook);
            fs::create_dir_all(path.parent().expect("a directory")).expect("hooks");
            fs::copy(self.program(&format!("hooks/{hook}")), path).expect("a hook");
        }
        fs::create_dir_all(dir.join("info")).expect("info");
        fs::write(
            dir.join("info/attributes"),
            "* diff=trap filter=trap merge=trap\n",
        )
        .expect("attributes");
        let mut text = String::new();
        for key in PROGRAMS {
            text += &line(key, &self.program(key).to_string_lossy());
        }
        let helper = self.program("git-remote-trap");
        let instead = self.program("url.insteadOf");
        for (key, value) in [
            (
                "alias.ledger",
                format!("!{}", self.program("alias.ledger").display()),
            ),
            (
                "alias.verify",
                format!("!{}", self.program("alias.verify").display()),
            ),
            ("core.hooksPath", dir.join("hooks").display().to_string()),
            ("difftool.prompt", "false".into()),
            ("diff.tool", "trap".into()),
            ("gpg.format", "ssh".into()),
            (
                "gpg.ssh.allowedSignersFile",
                self.world.path("evil-signers").display().to_string(),
            ),
            ("hook.trap.event", "reference-transaction".into()),
            ("merge.tool", "trap".into()),
            ("pager.branch", "true".into()),
            ("protocol.allow", "always".into()),
            ("protocol.ext.allow", "always".into()),
            ("remote.one.vcs", "trap".into()),
            ("remote.ext.url", format!("ext::{} %S", instead.display())),
            ("remote.helper.url", format!("trap::{}", helper.display())),
            ("remote.sshy.url", "ssh://127.0.0.1:1/x.git".into()),
            (
                &format!("url.ext::{} .insteadOf", instead.display()),
                self.world.path("stage/").display().to_string(),
            ),
            (
                &format!("url.ext::{} .pushInsteadOf", instead.display()),
                self.world.path("stage/").display().to_string(),
            ),
        ] {
            text += &line(key, &value);
        }
        let outside = self.world.path("outside");
        fs::write(
            &outside,
            line("gpg.program", &self.program("include").to_string_lossy()),
        )
        .expect("a file");
        let outside = outside.to_string_lossy().into_owned();
        for key in [
            "include.path",
            "includeIf.gitdir:/.path",
            "includeIf.gitdir/i:/.path",
            "includeIf.onbranch:**.path",
            "includeIf.hasconfig:remote.*.url:**.path",
        ] {
            text += &line(key, &outside);
        }
        text += &line("core.repositoryFormatVersion", "1");
        text += &line("extensions.worktreeConfig", "true");
        let config = dir.join("config");
        let before = fs::read_to_string(&config).expect("configuration");
        fs::write(config, before + &text).expect("configuration");
        let own = self
            .world
            .git(self.dir, &["rev-parse", "--absolute-git-dir"])
            .ok();
        let more = line(
            "core.sshCommand",
            &self.program("config.worktree").to_string_lossy(),
        );
        fs::write(Path::new(own.trim()).join("config.worktree"), more).expect("configuration");
        for name in VARIABLES {
            self.program(&format!("${name}"));
        }
        let exec = self.world.path("exec");
        fs::create_dir_all(exec.join("hooks")).expect("a directory");
        for helper in [
            "git-remote-https",
            "git-remote-ext",
            "git-upload-pack",
            "git-receive-pack",
            "hooks/post-checkout",
        ] {
            fs::copy(
                self.program(&helper.replace("hooks/", "template-")),
                exec.join(helper),
            )
            .expect("a program");
        }
        // from here on every copy begins like this one
        let mut copy = self.world.command("", "cp");
        copy.args(["-a", "stage", "kept"]);
        run(copy, b"").ok();
        fs::remove_file(self.world.path("sprung")).ok();
    }

    /// The stage as it was when the traps were set.
    fn reset(&self) {
        let stage = self.world.path("stage");
        // a push that goes on in the background may be at work there
        crate::servers::wait_until("the stage is gone", || fs::remove_dir_all(&stage).is_ok());
        let mut copy = self.world.command("", "cp");
        copy.args(["-a", "kept", "stage"]);
        run(copy, b"").ok();
    }

    /// A program in the trapped repository, with traps in its environment.
    fn command(&self, program: &str) -> Command {
        let mut command = self.world.command(self.dir, program);
        for name in VARIABLES {
            command.env(name, self.world.path(format!("traps/${name}")));
        }
        let exec = self.world.path("exec");
        command.env("GIT_TEMPLATE_DIR", &exec);
        if program == "git-ledger" {
            command.env("GIT_EXEC_PATH", &exec);
            for name in [
                "GIT_TRACE",
                "GIT_TRACE_SETUP",
                "GIT_TRACE_PACKET",
                "GIT_TRACE2",
                "GIT_TRACE2_EVENT",
                "GIT_TRACE_CURL",
            ] {
                command.env(name, self.world.path(format!("sprung-{name}")));
            }
        }
        command
    }

    fn ledger(&self, arguments: &[&str]) -> Said {
        let mut command = self.command("git-ledger");
        command.args(arguments);
        run(command, b"")
    }

    /// What was run since the last time somebody looked.
    fn sprung(&self) -> BTreeSet<String> {
        let text = fs::read_to_string(self.world.path("sprung")).unwrap_or_default();
        fs::remove_file(self.world.path("sprung")).ok();
        let traces = fs::read_dir(self.world.path("")).expect("a directory");
        let traces = traces.map(|file| {
            file.expect("a file")
                .file_name()
                .to_string_lossy()
                .into_owned()
        });
        let traces = traces.filter(|name| name.starts_with("sprung-"));
        text.lines().map(str::to_owned).chain(traces).collect()
    }
}

/// A setting as it stands in a file.
fn line(key: &str, value: &str) -> String {
    let (section, rest) = key.split_once('.').expect("a key");
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    match rest.rsplit_once('.') {
        Some((sub, name)) => format!("[{section} \"{sub}\"]\n\t{name} = \"{value}\"\n"),
        None => format!("[{section}]\n\t{rest} = \"{value}\"\n"),
    }
}

/// Every verb in one repository, with each of its flags if `flags`.
fn all_verbs(trap: &Trap, flags: bool) {
    let mut read = BTreeSet::new();
    for verb in commands::all(&trap.world) {
        let words: Vec<&str> = verb.words.iter().map(String::as_str).collect();
        // it builds a world of its own, and takes its time
        if words == ["demo"] {
            continue;
        }
        let required: Vec<&str> = verb
            .required
            .iter()
            .map(|name| commands::value(name))
            .collect();
        let mut ways: Vec<Vec<&str>> = vec![[&words[..], &required[..]].concat()];
        if let Some(name) = verb.optional.first() {
            ways.push([&words[..], &required[..], &[commands::value(name)]].concat());
        }
        for option in verb.flags.iter().filter(|_| flags) {
            ways.push([&words[..], &[option.as_str()], &required[..]].concat());
        }
        if let Some(ending) = commands::ending(&words) {
            ways.iter_mut().for_each(|way| way.push(ending));
            ways.retain(|way| way.iter().filter(|word| **word == ending).count() == 1);
        }
        trap.reset();
        for arguments in ways {
            let said = trap.ledger(&arguments);
            let mut sprung = trap.sprung();
            // who edits is asked for an editor, and the user's own variable names it
            if words.contains(&"edit") || words == ["policy", "propose"] {
                sprung.remove("$GIT_EDITOR");
            }
            assert_eq!(sprung, BTreeSet::new(), "{arguments:?}: {said}");
            assert!(
                [0, 1, 2, 128, 129].contains(&said.code),
                "{arguments:?}: {said}"
            );
            if said.code == 0 {
                read.insert(words.join(" "));
            }
        }
    }
    // the traps did not keep the honest from being read
    for verb in [
        "log",
        "show",
        "verify",
        "mirror list",
        "mirror status",
        "mirror pull",
        "policy show",
        "append",
    ] {
        assert!(read.contains(verb), "{verb} did not work: {read:?}");
    }
}

/// One shape, in one object format in the suite and in both in a long run.
fn springs_nothing(shape: Shape, format: &'static str, other: &'static str) {
    let both = times(1, 2);
    for format in [format, other].into_iter().take(both) {
        let trap = Trap::new(shape, format);
        all_verbs(&trap, shape == Shape::WorkTree);
        // a remote by ssh, one by a helper, one that is a command: reached or refused, not obeyed
        for remote in ["sshy", "ext", "helper"] {
            trap.reset();
            for verb in [
                &["compare", remote, "--timeout", "1"][..],
                &["verify", "--remotes", remote, "--timeout", "1"],
                &[
                    "append",
                    "dev.x",
                    "--push",
                    remote,
                    "--timeout",
                    "1",
                    "--on-failure=fail",
                ],
            ] {
                let said = trap.ledger(verb);
                assert_eq!(trap.sprung(), BTreeSet::new(), "{verb:?}: {said}");
                assert_ne!(said.code, 0, "{verb:?}: {said}");
            }
        }
        let address = trap.world.path("stage/two.git").display().to_string();
        let said = trap.ledger(&["clone", &address, "copy.git"]);
        assert_eq!(trap.sprung(), BTreeSet::new(), "{said}");
        said.ok();
    }
}

#[test]
fn nothing_that_a_repository_names_is_run() {
    springs_nothing(Shape::WorkTree, "sha1", "sha256");
}

#[test]
fn nothing_that_a_bare_repository_names_is_run() {
    springs_nothing(Shape::Bare, "sha256", "sha1");
}

#[test]
fn nothing_that_a_linked_work_tree_names_is_run() {
    springs_nothing(Shape::Linked, "sha1", "sha256");
}

#[test]
fn nothing_that_a_repository_behind_a_git_file_names_is_run() {
    springs_nothing(Shape::GitFile, "sha256", "sha1");
}

#[test]
fn stock_git_is_caught_in_the_same_repository() {
    let trap = Trap::new(Shape::WorkTree, "sha1");
    fs::write(trap.world.path("stage/r/new"), "x\n").expect("a file");
    for arguments in [
        &["status"][..],
        &["add", "new"],
        &["diff", "--ext-diff", "--cached"],
        &["log", "-1", "--show-signature", LEDGER],
        &["log", "-1", "-p", "--textconv", "--no-ext-diff", "main"],
        &["commit", "-m", "x"],
        &["fetch", "ext"],
        &["ls-remote", "sshy"],
        &["update-ref", "refs/heads/x", "HEAD"],
        &["-p", "show", "HEAD"],
    ] {
        let mut command = trap.command("git");
        command.args(arguments);
        // most fail, as the traps do
        drop(run(command, b""));
    }
    let sprung = trap.sprung();
    for expected in [
        "core.fsmonitor",
        "gpg.ssh.program",
        "filter.trap.process",
        "hooks/reference-transaction",
        "url.insteadOf",
    ] {
        assert!(sprung.contains(expected), "{expected}: {sprung:?}");
    }
    assert!(sprung.len() >= 6, "{sprung:?}");
}
