//! A small ledger repository as this program makes it, with everything that one may hold: entries
//! and an attachment, marks of two places, a spooled event, a cache, hooks, a pin.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use walkdir::WalkDir;

/// T of the first commit.
const START: u64 = 1_767_225_600;

/// How objects and refs are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Each in a file of its own.
    Loose,
    /// In a pack with its index, in `packed-refs`, and one entry more on top.
    Packed,
}

/// A directory with a repository, the world around it, and its files as they are meant to be.
pub struct Stage {
    dir: tempfile::TempDir,
    program: PathBuf,
    /// Every file of the repository, by its path in the git directory.
    pub files: BTreeMap<PathBuf, (Vec<u8>, u32)>,
    /// How many commands ran: each has a second of its own.
    clock: u64,
}

impl Stage {
    /// A place in memory, if there is one.
    fn place() -> Result<tempfile::TempDir, String> {
        let memory = Path::new("/dev/shm");
        let dir = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        dir.map_err(|why| why.to_string())
    }

    /// Makes the repository.
    pub fn new(program: &Path, object_format: &str, form: Form) -> Result<Stage, String> {
        let mut stage = Stage {
            dir: Stage::place()?,
            program: program.to_owned(),
            files: BTreeMap::new(),
            clock: START,
        };
        for dir in ["home", "remotes"] {
            fs::create_dir(stage.path(dir)).map_err(|why| why.to_string())?;
        }
        let key = stage.path("home/key").display().to_string();
        let hash = format!("--object-format={object_format}");
        let body = format!("{{\"log\":\"{}\"}}", "x".repeat(20_000));
        fs::write(stage.path("home/body"), body).map_err(|why| why.to_string())?;
        let body = stage.path("home/body").display().to_string();
        let copy = stage.path("remotes/copy").display().to_string();
        stage.git("", &["config", "--global", "user.name", "Ann"])?;
        stage.git(
            "",
            &["config", "--global", "user.email", "ann@acme.example"],
        )?;
        stage.git("", &["config", "--global", "user.signingKey", &key])?;
        stage.run(
            "",
            "ssh-keygen",
            &["-q", "-t", "ed25519", "-N", "", "-f", &key],
        )?;
        stage.git(
            "",
            &["init", "-q", "--template=", "--bare", &hash, "remotes/copy"],
        )?;
        stage.git(
            "",
            &["init", "-q", "--template=", "-b", "main", &hash, "led"],
        )?;
        stage.ledger(&["init", "--name", "acme/payments"])?;
        stage.ledger(&[
            "append",
            "dev.acme.deployed",
            "--id",
            "1",
            "--subject",
            "payments",
        ])?;
        stage.ledger(&[
            "append",
            "dev.acme.built",
            "--id",
            "2",
            "--data-json",
            &body,
        ])?;
        stage.ledger(&["mirror", "add", "copy", &copy])?;
        stage.ledger(&["mirror", "push", "copy"])?;
        stage.ledger(&["verify", "--pin"])?;
        stage.git("led", &["remote", "add", "gone", "/nowhere/at/all"])?;
        let spooled = ["append", "dev.acme.waits", "--id", "3", "--push", "gone"];
        stage.ledger(&[&spooled[..], &["--on-failure", "spool", "--timeout", "2"]].concat())?;
        stage.ledger(&["hook", "install"])?;
        if form == Form::Packed {
            stage.git("led", &["gc", "-q", "--prune=now"])?;
            stage.ledger(&["append", "dev.acme.deployed", "--id", "4"])?;
            stage.ledger(&["verify", "--quiet"])?;
        }
        stage.files = stage.found()?;
        Ok(stage)
    }

    /// The same, somewhere else: nobody disturbs anybody.
    pub fn another(&self) -> Result<Stage, String> {
        let other = Stage {
            dir: Stage::place()?,
            program: self.program.clone(),
            files: self.files.clone(),
            clock: self.clock,
        };
        for entry in WalkDir::new(self.dir.path()).min_depth(1) {
            let entry = entry.map_err(|why| why.to_string())?;
            let inside = entry.path().strip_prefix(self.dir.path());
            let to = other.path(inside.map_err(|why| why.to_string())?);
            let made = match entry.file_type().is_dir() {
                true => fs::create_dir(&to),
                false => fs::copy(entry.path(), &to).map(drop),
            };
            made.map_err(|why| format!("{}: {why}", to.display()))?;
        }
        Ok(other)
    }

    /// A path in the world.
    pub fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(inside)
    }

    /// The work tree.
    pub fn work_tree(&self) -> PathBuf {
        self.path("led")
    }

    fn found(&self) -> Result<BTreeMap<PathBuf, (Vec<u8>, u32)>, String> {
        let git = self.path("led/.git");
        let mut files = BTreeMap::new();
        for entry in WalkDir::new(&git) {
            let entry = entry.map_err(|why| why.to_string())?;
            if !entry.file_type().is_file() {
                continue;
            }
            let bytes = fs::read(entry.path()).map_err(|why| why.to_string())?;
            let mode = entry.metadata().map_err(|why| why.to_string())?;
            let name = entry.path().strip_prefix(&git);
            let name = name.map_err(|why| why.to_string())?.to_owned();
            files.insert(name, (bytes, mode.permissions().mode()));
        }
        Ok(files)
    }

    /// Puts bytes in place of a file, or takes it away. A new file each time: the old one may be
    /// mapped into memory.
    pub fn put(&self, name: &Path, bytes: Option<&[u8]>) -> Result<(), String> {
        let path = self.path("led/.git").join(name);
        let said = |why: std::io::Error| format!("{}: {why}", path.display());
        if path.exists() {
            fs::remove_file(&path).map_err(said)?;
        }
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).map_err(said)?;
            let mode = self.files.get(name).map_or(0o644, |(_, mode)| *mode);
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(said)?;
        }
        Ok(())
    }

    /// Puts a file back.
    pub fn restore(&self, name: &Path) -> Result<(), String> {
        self.put(
            name,
            self.files.get(name).map(|(bytes, _)| bytes.as_slice()),
        )
    }

    /// Puts everything back that the program itself writes.
    pub fn restore_state(&self) -> Result<(), String> {
        let own = |name: &&PathBuf| name.starts_with("git-ledger");
        self.files
            .keys()
            .filter(own)
            .try_for_each(|name| self.restore(name))
    }

    /// The variables of this world.
    pub fn variables(&self) -> Vec<(OsString, OsString)> {
        let programs = self.program.parent().map(Path::to_owned);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = programs.into_iter().chain(std::env::split_paths(&path));
        let date = format!("@{} +0000", self.clock);
        let variables: [(&str, OsString); 6] = [
            ("HOME", self.path("home").into()),
            ("PATH", std::env::join_paths(paths).unwrap_or(path.clone())),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_COMMITTER_DATE", date.clone().into()),
            ("GIT_AUTHOR_DATE", date.into()),
            ("LC_ALL", "C".into()),
        ];
        let own = |(name, value): (&str, OsString)| (OsString::from(name), value);
        variables.map(own).into_iter().collect()
    }

    /// A command in this world.
    pub fn command(&self, dir: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path(dir))
            .env_clear()
            .envs(self.variables())
            .stdin(Stdio::null());
        command
    }

    /// What `git ledger verify` exits with.
    pub fn verify(&self) -> Result<Option<i32>, String> {
        let mut command = self.command("led", &self.program);
        command.args(["verify", "--quiet"]);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status
            .map(|status| status.code())
            .map_err(|why| why.to_string())
    }

    fn git(&mut self, dir: &str, arguments: &[&str]) -> Result<(), String> {
        self.run(dir, "git", arguments)
    }

    fn ledger(&mut self, arguments: &[&str]) -> Result<(), String> {
        let program = self.program.display().to_string();
        self.run("led", &program, arguments)
    }

    fn run(&mut self, dir: &str, program: &str, arguments: &[&str]) -> Result<(), String> {
        self.clock += 1;
        let output = self.command(dir, program).args(arguments).output();
        let output = output.map_err(|why| format!("{program}: {why}"))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!(
                "{program} {arguments:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            )),
        }
    }
}
