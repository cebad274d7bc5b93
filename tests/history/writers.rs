//! The writers, and what kills them.

use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::crash::random::kill_tree;
use crate::servers::ssh::write_script;
use crate::world::World;

use super::Random;
use super::model::{Answer, Call, Key};

/// The world, as far as threads may share it; with the real clock, which the hooks obey too.
pub struct Place {
    root: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl Place {
    pub fn of(world: &World) -> Place {
        let command = world.command("", "git");
        let environment = command
            .get_envs()
            .filter(|(name, _)| !name.to_string_lossy().ends_with("_DATE"))
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        let root = world.path("").canonicalize().expect("a world");
        Place { root, environment }
    }

    pub fn command(&self, dir: &str, program: &str) -> Command {
        // found by the path of the world, not by that of the test
        let paths = self.environment.iter().find(|(name, _)| name == "PATH");
        let paths = std::env::split_paths(&paths.expect("PATH").1).collect::<Vec<_>>();
        let program = paths
            .iter()
            .map(|dir| dir.join(program))
            .find(|path| path.exists());
        let mut command = Command::new(program.expect("a program"));
        command
            .current_dir(self.root.join(dir))
            .env_clear()
            .envs(self.environment.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null());
        command
    }

    /// Whether nothing that was started here still runs.
    pub fn is_quiet(&self) -> bool {
        let processes = fs::read_dir("/proc").expect("processes");
        !processes.flatten().any(|process| {
            let process = process.path();
            let cwd = fs::read_link(process.join("cwd")).unwrap_or_default();
            let line = fs::read(process.join("cmdline")).unwrap_or_default();
            let root = self.root.to_string_lossy();
            cwd.starts_with(&self.root) || String::from_utf8_lossy(&line).contains(&*root)
        })
    }
}

/// What was asked and told, and how often something was killed.
#[derive(Default)]
pub struct Log {
    stamp: AtomicU64,
    kills: AtomicU64,
    cleanings: AtomicU64,
    calls: Mutex<Vec<Call>>,
}

impl Log {
    fn stamp(&self) -> u64 {
        self.stamp.fetch_add(1, Ordering::SeqCst)
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("calls").clone()
    }

    pub fn kills(&self) -> usize {
        usize::try_from(self.kills.load(Ordering::SeqCst)).expect("a number")
    }

    pub fn cleanings(&self) -> u64 {
        self.cleanings.load(Ordering::SeqCst)
    }
}

/// What a writer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Appends where it is.
    Local,
    /// Appends to the server, which decides.
    Remote,
    /// The same, and then to a mirror.
    RemoteAndMirror,
    /// Spools now and then, and flushes.
    Spool,
    /// Pushes branches, which the hooks record.
    Branches,
    /// Brings the mirrors level.
    Mirrors,
    /// Fetches and verifies.
    Audit,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Local => "local",
            Kind::Remote => "remote",
            Kind::RemoteAndMirror => "mirror",
            Kind::Spool => "spool",
            Kind::Branches => "branches",
            Kind::Mirrors => "mirrors",
            Kind::Audit => "audit",
        }
    }
}

/// One writer, with its own stream of chance.
pub struct Writer<'a> {
    place: &'a Place,
    log: &'a Log,
    dir: &'a str,
    kind: Kind,
    random: Random,
}

impl<'a> Writer<'a> {
    pub fn new(place: &'a Place, log: &'a Log, dir: &'a str, kind: Kind, random: Random) -> Self {
        Writer {
            place,
            log,
            dir,
            kind,
            random,
        }
    }

    pub fn run(mut self, steps: usize) {
        for step in 0..steps {
            match self.kind {
                Kind::Branches => self.push(step),
                Kind::Mirrors => self.quietly(&["mirror", "push"]),
                Kind::Audit => {
                    self.quietly(&["mirror", "pull", "origin"]);
                    self.quietly(&["verify"]);
                }
                _ => self.append(step),
            }
        }
    }

    fn append(&mut self, step: usize) {
        let source = format!("/{}/{}", self.dir, self.kind.name());
        let mut names = vec![format!("{step}")];
        let batch = self.random.below(5) == 0;
        if batch {
            names.extend(["b", "c"].map(|more| format!("{step}{more}")));
        }
        let events: Vec<Key> = names.into_iter().map(|id| (source.clone(), id)).collect();
        // who is not answered asks again, sometimes
        for _ in 0..3 {
            let spool = self.kind == Kind::Spool && self.random.below(2) == 0;
            let answer = self.ask(&events, batch, spool);
            if answer != Answer::Unknown || self.random.below(3) == 0 {
                break;
            }
        }
        if self.kind == Kind::Spool && self.random.below(3) == 0 {
            self.quietly(&["flush"]);
        }
    }

    fn ask(&mut self, events: &[Key], batch: bool, spool: bool) -> Answer {
        let mut command = self.place.command(self.dir, "git-ledger");
        let mut input = String::new();
        command.args(["append", "--timeout", "120"]);
        if let [(source, id)] = events {
            command.args(["dev.acme.built", "--source", source, "--id", id]);
        } else {
            assert!(batch);
            for (source, id) in events {
                input += &format!(
                    "{{\"type\":\"dev.acme.built\",\"source\":\"{source}\",\"id\":\"{id}\"}}\n"
                );
            }
            command.args(["--batch", "-"]);
        }
        if spool {
            command.args(["--on-failure=spool", "--key", "/nowhere"]);
        }
        match self.kind {
            Kind::Local => {
                let key = self.place.root.join("keys/server");
                command.arg("--key").arg(key);
            }
            Kind::RemoteAndMirror => {
                command.args(["--push", "origin", "east"]);
            }
            _ => {
                command.args(["--push", "origin"]);
            }
        }
        self.told(command, &input, events, |out, _| {
            let line = out.lines().next().unwrap_or_default();
            let line = line.strip_prefix("already ").unwrap_or(line);
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["recorded", number, ..] => Answer::Recorded(number.parse().ok()),
                ["spooled", ..] => {
                    // each has a line of its own; what came through is durable
                    match out.matches("spooled ").count() == events.len() {
                        true => Answer::Promised,
                        false => Answer::Unknown,
                    }
                }
                _ => Answer::Unknown,
            }
        })
    }

    fn push(&mut self, step: usize) {
        let name = format!("refs/heads/b{step}");
        let mut command = self.place.command(self.dir, "git");
        command.args(["push", "--porcelain", "origin"]);
        command.arg(format!("HEAD:{name}"));
        let events = [("push".to_owned(), name.clone())];
        self.told(command, "", &events, |out, _| {
            let ours = format!(":{name}\t");
            let line = out.lines().find(|line| line.contains(&ours));
            match line.is_some_and(|line| !line.starts_with('!')) {
                true => Answer::Recorded(None),
                false => Answer::Unknown,
            }
        });
    }

    /// Runs one command, kills it sometimes, and writes down what was asked and told.
    fn told(
        &mut self,
        command: Command,
        input: &str,
        events: &[Key],
        read: impl Fn(&str, Option<i32>) -> Answer,
    ) -> Answer {
        let began = self.log.stamp();
        let (out, code) = self.run_or_kill(command, input);
        let answer = read(&out, code);
        let ended = self.log.stamp();
        self.log.calls.lock().expect("calls").push(Call {
            writer: self.kind.name().to_owned(),
            began,
            ended,
            events: events.to_vec(),
            answer: answer.clone(),
        });
        answer
    }

    fn quietly(&mut self, arguments: &[&str]) {
        let mut command = self.place.command(self.dir, "git-ledger");
        command.args(arguments);
        self.run_or_kill(command, "");
    }

    fn run_or_kill(&mut self, mut command: Command, input: &str) -> (String, Option<i32>) {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a program");
        let mut stdin = child.stdin.take().expect("a pipe");
        // who is killed does not read
        stdin.write_all(input.as_bytes()).ok();
        drop(stdin);
        let mut stdout = child.stdout.take().expect("a pipe");
        let reader = std::thread::spawn(move || {
            let mut out = Vec::new();
            stdout.read_to_end(&mut out).ok();
            String::from_utf8_lossy(&out).into_owned()
        });
        if self.random.below(3) == 0 {
            let longest = [30, 200, 1000, 3000][usize::try_from(self.random.below(4)).unwrap_or(0)];
            let after = Duration::from_millis(self.random.below(longest));
            let tree = self.random.below(2) == 0;
            self.kill_after(&mut child, after, tree);
        }
        let code = child.wait().expect("an end").code();
        (reader.join().expect("a reader"), code)
    }

    fn kill_after(&self, child: &mut Child, after: Duration, tree: bool) {
        let until = Instant::now() + after;
        while Instant::now() < until {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        if tree {
            kill_tree(child);
        }
        child.kill().ok();
        self.log.kills.fetch_add(1, Ordering::SeqCst);
    }
}

/// Lets hooks of the server die at random system calls, until all writers are done.
pub fn kill_hooks(place: &Place, log: &Log, random: &mut Random, done: &AtomicBool) {
    const CALLS: [&str; 6] = ["fsync", "write", "renameat", "unlink", "openat", "linkat"];
    let hooks = place.root.join("server.git/hooks");
    let names = ["pre-receive", "post-receive"];
    let take = "if mv \"$0.armed\" \"$0.taken\" 2>/dev/null; then\n\
                \tread -r call nth <\"$0.taken\"\n\
                \ttracer=\"strace -D -f -b execve -qq -o /dev/null -e trace=$call \
                -e inject=$call:signal=SIGKILL:when=$nth --\"\nfi\n";
    let mut installed = Vec::new();
    for name in names {
        let path = hooks.join(name);
        let text = fs::read_to_string(&path).expect("a hook");
        let traced = text.replace("exec \"$program\"", "exec $tracer \"$program\"");
        let (first, rest) = traced.split_once('\n').expect("lines");
        // by its new name at once: a running hook goes on reading the old one
        let new = path.with_extension("new");
        write_script(&new, &format!("{first}\n{take}{rest}"));
        fs::rename(&new, &path).expect("a hook");
        installed.push((path, text));
    }
    while !done.load(Ordering::Relaxed) {
        let name = names[usize::try_from(random.below(2)).unwrap_or(0)];
        let call = CALLS[usize::try_from(random.below(6)).unwrap_or(0)];
        let armed = hooks.join(format!("{name}.armed"));
        let taken = hooks.join(format!("{name}.taken"));
        if taken.exists() {
            fs::remove_file(&taken).expect("a file");
            log.kills.fetch_add(1, Ordering::SeqCst);
        }
        if !armed.exists() {
            let new = armed.with_extension("new");
            fs::write(&new, format!("{call} {}\n", 1 + random.below(12))).expect("a file");
            fs::rename(&new, &armed).expect("a file");
        }
        std::thread::sleep(Duration::from_millis(200 + random.below(800)));
    }
    for (path, text) in installed {
        let new = path.with_extension("new");
        write_script(&new, &text);
        fs::rename(&new, &path).expect("a hook");
    }
}

/// Git's own housekeeping, beside everything else.
pub fn housekeeping(place: &Place, log: &Log, random: &mut Random, done: &AtomicBool) {
    const WORK: [&[&str]; 3] = [
        &["gc", "--quiet"],
        &["repack", "-a", "-d", "--quiet"],
        &["pack-refs", "--all"],
    ];
    const PLACES: [&str; 5] = ["server.git", "east.git", "ann", "bob", "job"];
    while !done.load(Ordering::Relaxed) {
        let work = WORK[usize::try_from(random.below(3)).unwrap_or(0)];
        let dir = PLACES[usize::try_from(random.below(5)).unwrap_or(0)];
        let mut git = place.command(dir, "git");
        // two at once get into each other's way, and say so
        git.args(work).stdout(Stdio::null()).stderr(Stdio::null());
        git.status().expect("git");
        log.cleanings.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(random.below(400)));
    }
}
