//! The machine that measures: no figure without it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// What figures depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's model and how many cores of it this process may use.
    pub processor: String,
    /// Cores.
    pub cores: usize,
    /// Memory in MiB.
    pub memory: u64,
    /// Name and release of the kernel.
    pub kernel: String,
    /// Kind and options of the file system the ledgers are on.
    pub file_system: String,
    /// `git --version`.
    pub git: String,
    /// `ssh -V`.
    pub openssh: String,
    /// `rustc --version`.
    pub rustc: String,
}

impl Machine {
    /// Looks at the machine; what cannot be found out is a failure.
    pub fn look(scratch: &Path) -> Result<Machine, String> {
        let cpu = read("/proc/cpuinfo")?;
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            let value = line.and_then(|line| line.split_once(':'));
            value.map(|(_, value)| value.trim().to_owned())
        };
        let memory = field(&read("/proc/meminfo")?, "MemTotal").ok_or("no MemTotal")?;
        let memory: u64 = memory
            .trim_end_matches(" kB")
            .parse()
            .map_err(|_| format!("MemTotal is '{memory}'"))?;
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        Ok(Machine {
            processor: field(&cpu, "model name").unwrap_or_else(|| "unnamed".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: memory / 1024,
            kernel: said(Command::new("uname").arg("-sr"))?,
            file_system: file_system(scratch)?,
            git: said(Command::new("git").arg("--version"))?,
            openssh: said(Command::new("ssh").arg("-V"))?,
            rustc: said(Command::new(rustc).arg("--version"))?,
        })
    }
}

/// The mount that holds a path.
fn file_system(path: &Path) -> Result<String, String> {
    let path = fs::canonicalize(path).map_err(|why| format!("{}: {why}", path.display()))?;
    let mounts = read("/proc/self/mounts")?;
    let longest = mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            let (place, kind, options) = (words.next()?, words.next()?, words.next()?);
            path.starts_with(place)
                .then_some((place.len(), kind, options))
        })
        .max_by_key(|(length, ..)| *length);
    let (_, kind, options) = longest.ok_or("no file system")?;
    Ok(format!("{kind} ({options})"))
}

/// The tree's commit, `+` behind it where files are changed.
pub fn commit(root: &Path) -> Result<String, String> {
    let git = |arguments: &[&str]| said(Command::new("git").arg("-C").arg(root).args(arguments));
    let head = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Ok(if changed.is_empty() { head } else { head + "+" })
}

/// Processor time of everybody and of this process with its children, in hundredths of a second.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    all: u64,
    own: u64,
    passed: u64,
}

impl Usage {
    /// Until now.
    pub fn now() -> Result<Usage, String> {
        let sum = |text: &str, from: usize, to: usize| -> u64 {
            let words = text.split_whitespace().skip(from).take(to - from);
            words.filter_map(|word| word.parse::<u64>().ok()).sum()
        };
        let all = read("/proc/stat")?;
        let all = all.lines().next().unwrap_or_default();
        // user nice system idle iowait irq softirq steal
        let idle = sum(all, 4, 6);
        let own = read("/proc/self/stat")?;
        let own = own.rsplit_once(')').map_or("", |(_, rest)| rest);
        Ok(Usage {
            all: sum(all, 1, 9) - idle,
            own: sum(own, 11, 15),
            passed: sum(all, 1, 9),
        })
    }

    /// The share of the machine that others took since then, in hundredths.
    pub fn others_since(self, then: Usage) -> u64 {
        let others = (self.all - then.all).saturating_sub(self.own - then.own);
        others * 100 / (self.passed - then.passed).max(1)
    }
}

/// The load of the last minute.
pub fn load() -> Result<f64, String> {
    let text = read("/proc/loadavg")?;
    let first = text.split(' ').next().unwrap_or_default();
    first.parse().map_err(|_| format!("the load is '{text}'"))
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|why| format!("{path}: {why}"))
}

/// What a program says of itself, on whichever stream.
fn said(command: &mut Command) -> Result<String, String> {
    let output = command.output();
    let output = output.map_err(|why| format!("{command:?} cannot be run: {why}"))?;
    if !output.status.success() {
        return Err(format!("{command:?} ended with {}", output.status));
    }
    let text = if output.stdout.is_empty() {
        output.stderr
    } else {
        output.stdout
    };
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}
