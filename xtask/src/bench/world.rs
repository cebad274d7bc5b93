//! The sealed surroundings of everything that is measured: an own home, keys, no configuration
//! from outside.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

/// Who signs in every ledger, the first as admin: Ed25519.
pub const SIGNERS: [&str; 5] = ["ann", "bob", "ci", "deploy", "release"];
/// Who signs in the mixed ledger besides the first two: name, type and size for `ssh-keygen`.
pub const MIXED: [(&str, &str, &str); 3] = [
    ("rsa", "rsa", "3072"),
    ("p256", "ecdsa", "256"),
    ("p384", "ecdsa", "384"),
];

/// A home directory with keys, and a program.
#[derive(Debug, Clone)]
pub struct World {
    /// Where everything is.
    pub root: PathBuf,
    /// `git-ledger`, as it is measured.
    pub program: PathBuf,
}

impl World {
    /// The world below a directory; its home and keys are made if they are not there.
    pub fn at(root: &Path, program: &Path) -> Result<World, String> {
        let world = World {
            root: root.to_owned(),
            program: program.to_owned(),
        };
        let home = world.path("home");
        if home.join(".gitconfig").exists() {
            return Ok(world);
        }
        fs::create_dir_all(home.join("keys")).map_err(|why| why.to_string())?;
        let ed25519 = SIGNERS.map(|name| (name, "ed25519", "256"));
        for (name, kind, bits) in ed25519.into_iter().chain(MIXED) {
            let key = world.key(name);
            let make = ["-q", "-N", "", "-t", kind, "-b", bits, "-C", name, "-f"];
            run(world.command("", "ssh-keygen").args(make).arg(key))?;
        }
        let key = world.key("ann").display().to_string();
        // git's own housekeeping would only make git slower; ours stays as users have it
        let config = format!(
            "[user]\n\tname = Ann\n\temail = ann@acme.example\n\tsigningKey = {key}\n\
             [gpg]\n\tformat = ssh\n[init]\n\tdefaultBranch = main\n\
             [maintenance]\n\tauto = false\n[advice]\n\tdetachedHead = false\n"
        );
        fs::write(home.join(".gitconfig"), config).map_err(|why| why.to_string())?;
        Ok(world)
    }

    /// A path in this world.
    pub fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        self.root.join(inside)
    }

    /// The file of a private key.
    pub fn key(&self, name: &str) -> PathBuf {
        self.path("home/keys").join(name)
    }

    /// The public key by this name, `type base64`.
    pub fn public(&self, name: &str) -> Result<String, String> {
        let path = self.key(name).with_extension("pub");
        let text = fs::read_to_string(&path);
        let text = text.map_err(|why| format!("{}: {why}", path.display()))?;
        let words: Vec<&str> = text.split_whitespace().take(2).collect();
        Ok(words.join(" "))
    }

    /// `PATH`, with the program's directory in front.
    pub fn search_path(&self) -> OsString {
        let own = self.program.parent().map(Path::to_owned);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let administrators = ["/usr/sbin".into(), "/sbin".into()];
        let paths = own
            .into_iter()
            .chain(std::env::split_paths(&path))
            .chain(administrators);
        std::env::join_paths(paths).unwrap_or(path)
    }

    /// The variables every command gets.
    pub fn variables(&self) -> Vec<(OsString, OsString)> {
        let variables: [(&str, OsString); 5] = [
            ("PATH", self.search_path()),
            ("HOME", self.path("home").into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("LC_ALL", "C".into()),
            ("TZ", "UTC".into()),
        ];
        let own = |(name, value): (&str, OsString)| (OsString::from(name), value);
        variables.map(own).into_iter().collect()
    }

    /// A command in a directory of this world.
    pub fn command(&self, dir: impl AsRef<Path>, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path(dir))
            .env_clear()
            .envs(self.variables())
            .stdin(Stdio::null());
        command
    }

    /// git in a directory.
    pub fn git(&self, dir: impl AsRef<Path>, arguments: &[&str]) -> Command {
        let mut command = self.command(dir, "git");
        command.args(arguments);
        command
    }

    /// The program in a directory.
    pub fn ledger(&self, dir: impl AsRef<Path>, arguments: &[&str]) -> Command {
        let mut command = self.command(dir, &self.program);
        command.args(arguments);
        command
    }
}

/// Runs a command that must succeed.
pub fn run(command: &mut Command) -> Result<Output, String> {
    let output = command.output();
    let output = output.map_err(|why| format!("{command:?} cannot be run: {why}"))?;
    match output.status.success() {
        true => Ok(output),
        false => Err(format!(
            "{command:?} ended with {}: {}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

/// What a command that must succeed prints.
pub fn said(command: &mut Command) -> Result<String, String> {
    let output = run(command)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a command that must succeed, and says how many seconds it took from start to end.
pub fn timed(command: &mut Command) -> Result<(f64, Output), String> {
    let began = Instant::now();
    let output = run(command)?;
    Ok((began.elapsed().as_secs_f64(), output))
}

/// The bytes of all files below a directory whose names end so.
pub fn bytes_of(dir: &Path, ends: &[&str]) -> Result<u64, String> {
    let mut sum = 0;
    for entry in walkdir::WalkDir::new(dir) {
        let entry = entry.map_err(|why| why.to_string())?;
        let name = entry.file_name().to_string_lossy();
        if entry.file_type().is_file() && ends.iter().any(|end| name.ends_with(end)) {
            sum += entry.metadata().map_err(|why| why.to_string())?.len();
        }
    }
    Ok(sum)
}

/// Copies a directory. Packs never change, so they are linked, not copied.
pub fn copy_dir(from: &Path, to: &Path) -> Result<(), String> {
    if to.exists() {
        fs::remove_dir_all(to).map_err(|why| format!("{}: {why}", to.display()))?;
    }
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.map_err(|why| why.to_string())?;
        let inside = entry.path().strip_prefix(from);
        let place = to.join(inside.map_err(|why| why.to_string())?);
        let packed = entry.path().iter().any(|part| part == "pack");
        let made = match entry.file_type().is_dir() {
            true => fs::create_dir_all(&place),
            false if packed => fs::hard_link(entry.path(), &place),
            false => fs::copy(entry.path(), &place).map(drop),
        };
        made.map_err(|why| format!("{}: {why}", place.display()))?;
    }
    Ok(())
}
