//! Other people's programs: ssh-keygen, `gpg.ssh.program`, `gpg.ssh.defaultKeyCommand`.
//!
//! Called as git calls them, never through a shell. Without a terminal none can hang: they get no
//! input, no way to ask for a passphrase, and a deadline after which they and their children are
//! killed.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::signature::PublicKey;

/// How long a program may take when nobody sits in front of it.
const DEADLINE: Duration = Duration::from_secs(60);
/// More than this is not read of what a program prints.
const LONGEST_OUTPUT: u64 = 64 * 1024;
/// How much of a program's complaint is worth repeating.
const LONGEST_COMPLAINT: usize = 600;

/// Whether a program may talk to somebody at a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    /// It may ask, and take its time.
    Allowed,
    /// Nobody is there.
    Never,
}

/// What every program we start is given.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    pub(super) prompt: Prompt,
    pub(super) agent_socket: Option<PathBuf>,
}

/// Which key a signing program is told to use.
#[derive(Debug, Clone)]
pub(super) enum KeyArgument {
    /// A file that it reads itself.
    File(PathBuf),
    /// A public key whose private half it has to find (`-U`).
    Literal,
}

/// Signs `message` by `PROGRAM -Y sign`; the answer is the armour as the program wrote it.
pub(super) fn sign(
    program: &str,
    key: &PublicKey,
    argument: &KeyArgument,
    surroundings: &Surroundings,
    namespace: &str,
    message: &[u8],
) -> Result<Vec<u8>, String> {
    let room = private_directory()?;
    let payload = room.path().join("payload");
    write_private(&payload, message)?;
    let mut command = Command::new(found(program)?);
    command.args(["-Y", "sign", "-n", namespace, "-f"]);
    match argument {
        KeyArgument::File(path) => {
            command.arg(path);
        }
        KeyArgument::Literal => {
            let path = room.path().join("key.pub");
            write_private(&path, format!("{key}\n").as_bytes())?;
            command.arg(path).arg("-U");
        }
    }
    command.arg(&payload);
    // A token's "touch me" goes to stderr: whoever sits there has to see it.
    let touch = key.kind().is_token() && surroundings.prompt == Prompt::Allowed;
    run(
        &mut command,
        surroundings,
        touch.then(Stdio::inherit),
        &room,
    )?;
    let answer = room.path().join("payload.sig");
    if !answer.is_file() {
        return Err("it wrote no signature".into());
    }
    read_bounded(&answer)
}

/// Runs a command given as one line, split into words as git splits it. Its standard output.
pub(super) fn output_of(line: &str, surroundings: &Surroundings) -> Result<Vec<u8>, String> {
    let words = split_words(line)?;
    let (program, arguments) = words.split_first().ok_or("the command is empty")?;
    let mut command = Command::new(found(program)?);
    command.args(arguments);
    let room = private_directory()?;
    run(&mut command, surroundings, None, &room)?;
    read_bounded(&room.path().join("stdout"))
}

/// The file of a program: by its absolute path, or the first of its name on PATH; what PATH says
/// relative to the current directory, which may be anybody's, is passed over.
fn found(program: &str) -> Result<PathBuf, String> {
    if program.contains('/') {
        let path = PathBuf::from(program);
        return match path.is_absolute() {
            true => Ok(path),
            false => Err("cannot be started: its path is not absolute".into()),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let runnable = |file: &PathBuf| {
        let meta = file.metadata();
        meta.is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(program))
        .find(runnable)
        .ok_or_else(|| "cannot be started: it is not on PATH".into())
}

/// Runs to the end, or to the deadline. Output goes to files, so no pipe can fill up or be held
/// open by a grandchild.
fn run(
    command: &mut Command,
    surroundings: &Surroundings,
    stderr: Option<Stdio>,
    room: &tempfile::TempDir,
) -> Result<(), String> {
    let complaint = room.path().join("stderr");
    command.stdout(create_private(&room.path().join("stdout"))?);
    let kept = create_private(&complaint)?;
    command.stderr(stderr.unwrap_or_else(|| kept.into()));
    match &surroundings.agent_socket {
        Some(socket) => command.env("SSH_AUTH_SOCK", socket),
        None => command.env_remove("SSH_AUTH_SOCK"),
    };
    if surroundings.prompt == Prompt::Never {
        // "force" keeps ssh-keygen off /dev/tty, and the program it then asks always declines;
        // "never" would send it to the terminal of whoever started us.
        command
            .stdin(Stdio::null())
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("SSH_ASKPASS", "/bin/false")
            .process_group(0);
    }
    let mut child = command
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let status = match surroundings.prompt {
        Prompt::Allowed => child.wait().map_err(|error| error.to_string())?,
        Prompt::Never => wait_until(&mut child, Instant::now() + DEADLINE)?,
    };
    if status.success() {
        return Ok(());
    }
    let said = read_bounded(&complaint)?;
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    let said: String = lines.join("; ").chars().take(LONGEST_COMPLAINT).collect();
    Err(match said.is_empty() {
        true => format!("it failed ({status})"),
        false => format!("it failed ({status}): {said}"),
    })
}

fn wait_until(child: &mut Child, deadline: Instant) -> Result<ExitStatus, String> {
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            // It leads its own group, so what it started goes with it.
            kill_process_group(Pid::from_child(child), Signal::KILL)
                .map_err(|error| format!("it hangs and cannot be killed: {error}"))?;
            child.wait().map_err(|error| error.to_string())?;
            return Err(format!("it did not finish in {} s", DEADLINE.as_secs()));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Splits a command line as git's `split_cmdline` does: blanks separate, quotes group, a backslash
/// keeps the next character except inside single quotes. No variable, no glob, no pipe.
fn split_words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            blank if quote.is_none() && blank.is_ascii_whitespace() => words.extend(word.take()),
            '\'' | '"' if quote.is_none() => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            closing if quote == Some(closing) => quote = None,
            '\\' if quote != Some('\'') => {
                let kept = letters.next().ok_or("the command ends with '\\'")?;
                word.get_or_insert_default().push(kept);
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    if quote.is_some() {
        return Err("the command has an unclosed quote".into());
    }
    words.extend(word);
    Ok(words)
}

fn private_directory() -> Result<tempfile::TempDir, String> {
    tempfile::Builder::new()
        .prefix("git-ledger-sign-")
        .tempdir()
        .map_err(|error| format!("no temporary directory for it: {error}"))
}

fn create_private(path: &Path) -> Result<File, String> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| format!("no temporary file for it: {error}"))
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<(), String> {
    create_private(path)?
        .write_all(bytes)
        .map_err(|error| format!("no temporary file for it: {error}"))
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(LONGEST_OUTPUT).read_to_end(&mut bytes))
        .map_err(|error| format!("its output cannot be read: {error}"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_git_splits_them() {
        let split = |line| split_words(line).unwrap();
        assert_eq!(split("ssh-add -L"), ["ssh-add", "-L"]);
        assert_eq!(split("  a\t b\n"), ["a", "b"]);
        assert_eq!(
            split(r#"sh -c 'echo "key::$X"'"#),
            ["sh", "-c", r#"echo "key::$X""#]
        );
        assert_eq!(
            split(r#"a\ b "c \"d\"" 'e\f'"#),
            ["a b", r#"c "d""#, r"e\f"]
        );
        assert_eq!(split("a '' b"), ["a", "", "b"]);
        assert_eq!(split("$HOME/x | y"), ["$HOME/x", "|", "y"]);
        assert!(split("").is_empty());
        assert!(split_words("a 'b").is_err());
        assert!(split_words("a \\").is_err());
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_its_children() {
        let room = private_directory().unwrap();
        let mut command = Command::new("sh");
        let seen = room.path().join("pid");
        command.args([
            "-c",
            &format!("sleep 600 & echo $! > '{}'; wait", seen.display()),
        ]);
        command.process_group(0);
        let mut child = command.spawn().unwrap();
        while fs::read_to_string(&seen).unwrap_or_default().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(wait_until(&mut child, Instant::now()).is_err());
        let pid = fs::read_to_string(&seen).unwrap();
        let state = || fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        let patience = Instant::now() + Duration::from_secs(5);
        // The orphan is gone, or a zombie that nobody has collected yet.
        while state().is_ok_and(|line| !line.contains(") Z ")) {
            assert!(Instant::now() < patience, "{:?}", state());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
