//! A program of the user's is started for each alert: no shell, a time limit, and nothing of what it
//! says is obeyed.
//!
//! The alert stands on its standard input as one line of JSON. Its variables hold only words of
//! ours and numbers, so that a script that is careless with them is not told what to do by an entry.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::escape::printable_bytes;
use crate::json::Value;

use super::Alert;

/// How much of what it complains about is read, in bytes.
const COMPLAINT: u64 = 2048;
/// How long it has between the request to end and the end.
const POLITE: Duration = Duration::from_millis(500);

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program(Vec<String>);

/// What it is started with besides the alert.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Its environment: secrets are left out by whoever makes this.
    pub variables: Vec<(OsString, OsString)>,
    /// Where it is started.
    pub directory: PathBuf,
    /// How long it may take.
    pub patience: Duration,
}

impl Program {
    /// A program with its arguments, parted by white space; there is no shell and no quoting.
    pub fn parse(text: &str) -> Option<Program> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        (!words.is_empty()).then_some(Program(words))
    }

    /// Its words.
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// Starts it and waits.
    ///
    /// # Errors
    /// Why it did not take the alert, in words that are safe to show.
    pub fn deliver(&self, alert: &Alert, around: &Surroundings) -> Result<(), String> {
        let Some((program, arguments)) = self.0.split_first() else {
            return Err("there is no program".to_owned());
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(around.variables.iter().map(|(name, value)| (name, value)))
            .envs(variables(alert))
            .current_dir(&around.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command
            .spawn()
            .map_err(|why| format!("it cannot be started: {why}"))?;
        let line = Value::from(alert.event()).to_canonical() + "\n";
        if let Some(mut stdin) = child.stdin.take() {
            // one that does not read must not keep us: this thread ends with the pipe
            std::thread::spawn(move || stdin.write_all(line.as_bytes()).is_ok());
        }
        let said = child.stderr.take().map(|pipe| {
            std::thread::spawn(move || {
                let mut said = Vec::new();
                let mut pipe = pipe;
                pipe.by_ref().take(COMPLAINT).read_to_end(&mut said).ok();
                // what comes after is not kept, and must not stop the program
                std::io::copy(&mut pipe, &mut std::io::sink()).ok();
                said
            })
        });
        let until = Instant::now() + around.patience;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() >= until => {
                    end(&mut child);
                    return Err(format!(
                        "it did not end within {} s and was stopped",
                        around.patience.as_secs()
                    ));
                }
                Ok(None) => std::thread::sleep(Duration::from_millis(10)),
                Err(why) => {
                    end(&mut child);
                    return Err(format!("it cannot be waited for: {why}"));
                }
            }
        };
        // what it left behind in its group goes with it
        end(&mut child);
        if status.success() {
            return Ok(());
        }
        let said = said
            .and_then(|reader| reader.join().ok())
            .unwrap_or_default();
        let said = printable_bytes(said.trim_ascii());
        Err(match said.is_empty() {
            true => format!("it says no: {status}"),
            false => format!("it says no: {status}: {said}"),
        })
    }
}

/// Words of ours and numbers.
fn variables(alert: &Alert) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("GIT_LEDGER_ALERT_ID", alert.id.clone()),
        ("GIT_LEDGER_ALERT_KIND", alert.kind.word().to_owned()),
        (
            "GIT_LEDGER_ALERT_SEVERITY",
            alert.severity.word().to_owned(),
        ),
        ("GIT_LEDGER_ALERT_FINDING", alert.name.to_owned()),
        ("GIT_LEDGER_ALERT_SINCE", alert.since.to_string()),
    ];
    all.extend(
        alert
            .entry
            .map(|entry| ("GIT_LEDGER_ALERT_ENTRY", entry.to_string())),
    );
    all
}

/// Ends it and all it started.
fn end(child: &mut Child) {
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return;
    };
    // errors mean that nobody is left
    if kill_process_group(group, Signal::TERM).is_ok() {
        let until = Instant::now() + POLITE;
        while Instant::now() < until && matches!(child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    kill_process_group(group, Signal::KILL).ok();
    child.wait().ok();
}
