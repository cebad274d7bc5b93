//! The one place that starts git: a known environment, known settings, a deadline, bounds on what
//! is read, and its own process group so that nothing it started outlives the deadline.
//!
//! # Limits
//! A program that leaves the process group (an ssh connection kept open in the background) is not
//! ended with it, but nobody waits for it either.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::environment::Environment;
use super::usage::Usage;

/// Variables of git that may pass: what reaches a remote or proves who we are, and where the
/// user's own settings are. All others describe some repository, and not necessarily ours.
const PASSED: &[&str] = &[
    "GIT_ALLOW_PROTOCOL",
    "GIT_ASKPASS",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_SYSTEM",
    "GIT_HTTP_LOW_SPEED_LIMIT",
    "GIT_HTTP_LOW_SPEED_TIME",
    "GIT_HTTP_PROXY_AUTHMETHOD",
    "GIT_HTTP_USER_AGENT",
    "GIT_PROXY_COMMAND",
    "GIT_PROXY_SSL_CAINFO",
    "GIT_PROXY_SSL_CERT",
    "GIT_PROXY_SSL_KEY",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
    "GIT_SSL_NO_VERIFY",
    "GIT_SSL_VERSION",
];

/// Settings that hold for every git we start; given last, so they win over any file.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.commitGraph=false",
    "protocol.ext.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
];

const READ_LIMIT: usize = 1 << 20;
const WAKE: Duration = Duration::from_millis(25);
const MEASURE: Duration = Duration::from_millis(100);
const AFTER_EXIT: Duration = Duration::from_millis(300);
const AFTER_TERM: Duration = Duration::from_millis(200);

/// What a git that ended by itself left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// Exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// All of its standard output.
    pub stdout: Vec<u8>,
    /// The beginning of its standard error, as it came: escape it before it is shown.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Whether the exit code is 0.
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }

    /// Standard error as text, trimmed; still foreign, so escape it before it is shown.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim().to_owned()
    }
}

/// Why there is no [`Output`].
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// No git on PATH.
    #[error("there is no git on PATH")]
    NoGit,
    /// It could not be started or waited for.
    #[error("cannot run git: {0}")]
    CannotRun(#[source] io::Error),
    /// It did not end before the deadline and was killed with all it had started.
    #[error("git gave no answer in time")]
    TimedOut {
        /// What it had said on standard error.
        stderr: Vec<u8>,
    },
    /// It held more memory than it may.
    #[error("git took more memory than allowed")]
    TooHungry,
    /// It wrote more than we read from it, read more than it may, or the watcher stopped it.
    #[error("git had more to say than we read")]
    TooMuch,
}

/// What a watcher says while git runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// Let it run.
    Continue,
    /// Kill it: [`ProcessError::TooMuch`].
    Stop,
}

/// How much a git and all it starts may take, in bytes; where the system does not tell, it is not
/// held to it.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Of memory.
    pub memory: u64,
    /// Read from files, pipes and sockets.
    pub read: u64,
}

/// One git to be started.
pub struct Git<'a> {
    environment: &'a Environment,
    settings: Vec<OsString>,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    input: Option<Vec<u8>>,
    limit: usize,
    bounds: Option<Bounds>,
    deadline: Instant,
    watch: Option<Box<dyn FnMut() -> Watch + 'a>>,
}

impl<'a> Git<'a> {
    /// `git <subcommand>`, to end before `deadline`.
    pub fn new(environment: &'a Environment, subcommand: &str, deadline: Instant) -> Self {
        Self {
            environment,
            settings: Vec::new(),
            arguments: vec![subcommand.into()],
            variables: Vec::new(),
            directory: None,
            input: None,
            limit: READ_LIMIT,
            bounds: None,
            deadline,
            watch: None,
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        for argument in arguments {
            self.arguments.push(argument.as_ref().to_owned());
        }
        self
    }

    /// Adds a setting as `-c` does. Never a secret: other users see command lines.
    #[must_use]
    pub fn setting(mut self, key_and_value: &str) -> Self {
        self.settings.push(key_and_value.into());
        self
    }

    /// Sets a variable, after the environment has been cleaned.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables
            .push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Where to start it; the root directory if not said, so that no repository is found by chance.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// What it reads on standard input; nothing if not said.
    #[must_use]
    pub fn input(mut self, bytes: Vec<u8>) -> Self {
        self.input = Some(bytes);
        self
    }

    /// How many bytes of standard output are read before it is killed; 1 MiB if not said.
    #[must_use]
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// What it may take before it is killed.
    #[must_use]
    pub fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = Some(bounds);
        self
    }

    /// Asks `watch` now and then whether it may go on.
    #[must_use]
    pub fn watch(mut self, watch: impl FnMut() -> Watch + 'a) -> Self {
        self.watch = Some(Box::new(watch));
        self
    }

    /// Starts it and waits.
    pub fn run(mut self) -> Result<Output, ProcessError> {
        let mut child = self.command()?.spawn().map_err(ProcessError::CannotRun)?;
        if let (Some(bytes), Some(mut stdin)) = (self.input.take(), child.stdin.take()) {
            // Git that stops reading says why by its exit code; a broken pipe here adds nothing.
            std::thread::spawn(move || stdin.write_all(&bytes).is_ok());
        }
        let (sender, events) = sync_channel(16);
        if let Some(pipe) = child.stdout.take() {
            read_pipe(pipe, Stream::Out, sender.clone());
        }
        if let Some(pipe) = child.stderr.take() {
            read_pipe(pipe, Stream::Err, sender.clone());
        }
        drop(sender);
        let outcome = self.wait(&mut child, &events);
        if outcome.is_err() {
            end_group(&mut child);
        }
        outcome
    }

    fn command(&self) -> Result<Command, ProcessError> {
        let program = self.environment.git_program().ok_or(ProcessError::NoGit)?;
        let mut command = Command::new(program);
        command.env_clear();
        for (name, value) in self.environment.variables() {
            if name == "PATH" {
                // git looks for its helpers there, and would take them from where it stands
                let absolute = std::env::split_paths(value).filter(|dir| dir.is_absolute());
                command.env(name, std::env::join_paths(absolute).unwrap_or_default());
            } else if passes(name) {
                command.env(name, value);
            }
        }
        command
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .envs(self.variables.iter().map(|(k, v)| (k, v)));
        for setting in SETTINGS {
            command.arg("-c").arg(setting);
        }
        for setting in &self.settings {
            command.arg("-c").arg(setting);
        }
        command
            .args(&self.arguments)
            .current_dir(self.directory.as_deref().unwrap_or("/".as_ref()))
            .stdin(if self.input.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        Ok(command)
    }

    fn wait(
        &mut self,
        child: &mut Child,
        events: &Receiver<(Stream, Vec<u8>)>,
    ) -> Result<Output, ProcessError> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut code = None;
        let mut exited: Option<Instant> = None;
        let mut watched = Instant::now();
        let mut measured = watched;
        loop {
            let now = Instant::now();
            let until = exited.map_or(self.deadline, |at| (at + AFTER_EXIT).min(self.deadline));
            let Some(left) = until.checked_duration_since(now).filter(|d| !d.is_zero()) else {
                // The program is gone, only the pipe is held by somebody it left behind.
                return match exited {
                    Some(_) => Ok(Output {
                        code,
                        stdout,
                        stderr,
                    }),
                    None => Err(ProcessError::TimedOut { stderr }),
                };
            };
            match events.recv_timeout(left.min(WAKE)) {
                Ok((Stream::Out, bytes)) => {
                    stdout.extend_from_slice(&bytes);
                    if stdout.len() > self.limit {
                        return Err(ProcessError::TooMuch);
                    }
                }
                Ok((Stream::Err, bytes)) => {
                    let room = READ_LIMIT.saturating_sub(stderr.len()).min(bytes.len());
                    stderr.extend_from_slice(bytes.get(..room).unwrap_or_default());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    if exited.is_some() {
                        return Ok(Output {
                            code,
                            stdout,
                            stderr,
                        });
                    }
                    std::thread::sleep(Duration::from_micros(200).min(left));
                }
            }
            if exited.is_none()
                && let Some(status) = child.try_wait().map_err(ProcessError::CannotRun)?
            {
                code = status.code();
                exited = Some(Instant::now());
            }
            if let Some(bounds) = self.bounds
                && exited.is_none()
                && measured.elapsed() >= MEASURE
            {
                let usage = Usage::of_group(child.id());
                if usage.memory > bounds.memory {
                    return Err(ProcessError::TooHungry);
                }
                if usage.read > bounds.read {
                    return Err(ProcessError::TooMuch);
                }
                measured = Instant::now();
            }
            if let Some(watch) = &mut self.watch
                && exited.is_none()
                && watched.elapsed() >= WAKE
            {
                if watch() == Watch::Stop {
                    return Err(ProcessError::TooMuch);
                }
                watched = Instant::now();
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Stream {
    Out,
    Err,
}

fn passes(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    if !bytes.starts_with(b"GIT_") {
        return true;
    }
    bytes.starts_with(b"GIT_CONFIG_KEY_")
        || bytes.starts_with(b"GIT_CONFIG_VALUE_")
        || PASSED.iter().any(|p| p.as_bytes() == bytes)
}

fn read_pipe(
    mut pipe: impl Read + Send + 'static,
    stream: Stream,
    events: SyncSender<(Stream, Vec<u8>)>,
) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let count = match pipe.read(&mut buffer) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Ok(0) | Err(_) => break,
                Ok(count) => count,
            };
            let bytes = buffer.get(..count).unwrap_or_default().to_vec();
            if events.send((stream, bytes)).is_err() {
                break;
            }
        }
    });
}

/// Ends the program and all it started: first politely, so that git removes its temporary files.
fn end_group(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return;
    };
    // Errors mean that nobody is left to be ended.
    if kill_process_group(group, Signal::TERM).is_ok() {
        let until = Instant::now() + AFTER_TERM;
        while Instant::now() < until && matches!(child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    kill_process_group(group, Signal::KILL).ok();
    child.wait().ok();
}
