//! A sealed world for every test: own home, no outer configuration, real git, fixed keys, and a
//! clock that ticks one second a command.

use std::cell::Cell;
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The first second of every world: 2026-01-31T12:00:00Z.
pub const EPOCH: u64 = 1_769_860_800;

/// A directory of its own with everything a test needs.
pub struct World {
    root: TempDir,
    clock: Cell<u64>,
}

/// What a command said, and how it ended.
pub struct Said {
    pub out: String,
    pub err: String,
    pub code: i32,
}

impl Said {
    /// The output of a command that must have done what it was asked.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self}");
        self.out
    }

    /// The whole, of a command that must have ended with this code.
    #[track_caller]
    pub fn code(self, code: i32) -> Said {
        assert_eq!(self.code, code, "{self}");
        self
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.out)?;
        self.err
            .lines()
            .try_for_each(|line| writeln!(f, "! {line}"))?;
        write!(f, "[exit {}]", self.code)
    }
}

impl World {
    /// An empty world: `home/` with the user's configuration and key, nothing else.
    pub fn new() -> World {
        let world = World {
            root: TempDir::new().expect("a directory"),
            clock: Cell::new(EPOCH),
        };
        let home = world.path("home");
        fs::create_dir(&home).expect("home");
        world.key("ann");
        let config = format!(
            "[user]\n\tname = Ann\n\temail = ann@acme.org\n\tsigningKey = {}\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n[ledger]\n\tcontext = none\n",
            world.path("keys/ann").display()
        );
        fs::write(home.join(".gitconfig"), config).expect("configuration");
        world
    }

    /// A path in the world.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(path)
    }

    /// A fixed Ed25519 key by this name in `keys/`, made from its name; everybody knows it.
    pub fn key(&self, name: &str) -> PathBuf {
        let dir = self.path("keys");
        fs::create_dir_all(&dir).expect("keys");
        let path = dir.join(name);
        if !path.exists() {
            let seed = git_ledger::merkle::sha256(
                format!("test key {name}, known to everybody").as_bytes(),
            );
            let pair = ssh_key::private::Ed25519Keypair::from_seed(&seed);
            let key = ssh_key::PrivateKey::new(pair.into(), name).expect("a key");
            fs::write(
                &path,
                key.to_openssh(ssh_key::LineEnding::LF)
                    .expect("text")
                    .as_bytes(),
            )
            .expect("key");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
            fs::write(
                path.with_extension("pub"),
                key.public_key().to_openssh().expect("text") + "\n",
            )
            .expect("key");
        }
        path
    }

    /// The public key by this name, `type base64`.
    pub fn public(&self, name: &str) -> String {
        self.key(name);
        let text = fs::read_to_string(self.path(format!("keys/{name}.pub"))).expect("key");
        text.split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Seconds since 1970 in this world.
    pub fn now(&self) -> u64 {
        self.clock.get()
    }

    /// Lets time pass.
    pub fn sleep(&self, seconds: u64) {
        self.clock.set(self.clock.get() + seconds);
    }

    /// A command in a directory of the world, with the sealed environment.
    pub fn command(&self, dir: impl AsRef<Path>, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.sleep(1);
        let mut command = Command::new(program);
        let date = format!("@{} +0000", self.now());
        let binary = Path::new(env!("CARGO_BIN_EXE_git-ledger"))
            .parent()
            .expect("a directory");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(binary.to_owned()).chain(std::env::split_paths(&path));
        command
            .current_dir(self.path(dir))
            .env_clear()
            .env("PATH", std::env::join_paths(paths).expect("paths"))
            .env("HOME", self.path("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_COMMITTER_DATE", &date)
            .env("GIT_AUTHOR_DATE", &date)
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        command
    }

    /// Runs git.
    #[must_use]
    pub fn git(&self, dir: impl AsRef<Path>, arguments: &[&str]) -> Said {
        let mut command = self.command(dir, "git");
        command.args(arguments);
        run(command, b"")
    }

    /// Runs `git ledger`, through git as users do.
    #[must_use]
    pub fn ledger(&self, dir: impl AsRef<Path>, arguments: &[&str]) -> Said {
        self.ledger_with(dir, arguments, b"")
    }

    /// Runs `git ledger` with this on standard input.
    #[must_use]
    pub fn ledger_with(&self, dir: impl AsRef<Path>, arguments: &[&str], input: &[u8]) -> Said {
        let mut command = self.command(dir, "git");
        command.arg("ledger").args(arguments);
        run(command, input)
    }

    /// A repository with one commit, and a ledger named `acme/payments`.
    pub fn repository(&self, name: &str) -> PathBuf {
        self.git("", &["init", "--quiet", name]).ok();
        self.git(
            name,
            &["commit", "--quiet", "--allow-empty", "--message=first"],
        )
        .ok();
        self.ledger(name, &["init", "--name", "acme/payments"]).ok();
        self.path(name)
    }
}

/// Runs a command to its end.
#[must_use]
pub fn run(mut command: Command, input: &[u8]) -> Said {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("a program");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("an end");
    // a program that does not read all of its input closes the pipe
    writer.join().expect("a writer").ok();
    Said {
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap_or(-1),
    }
}
