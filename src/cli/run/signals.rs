//! Signals on their way to the command.
//!
//! The command stays in our process group, so what a terminal sends reaches it without us, and
//! what stops or continues a job stops and continues both. What a process sends to us alone is
//! passed on. The system tells the two apart: `si_code` is positive for what the kernel sends
//! (sigaction(2)).
//!
//! # Limits
//! A signal that a process sends to the whole group reaches the command twice, once past us.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use signal_hook::consts::signal::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::raw::WithRawSiginfo;

/// What is passed on.
const PASSED: [(i32, Signal); 7] = [
    (SIGHUP, Signal::HUP),
    (SIGINT, Signal::INT),
    (SIGQUIT, Signal::QUIT),
    (SIGTERM, Signal::TERM),
    (SIGUSR1, Signal::USR1),
    (SIGUSR2, Signal::USR2),
    (SIGCONT, Signal::CONT),
];
/// Those by which somebody asks for an end.
const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];
/// git, which started us, passes the terminal's signal on so soon after it.
const ECHO: Duration = Duration::from_secs(1);

/// Where signals go.
enum Target {
    /// Nobody is there yet; these came meanwhile.
    Nobody(Vec<i32>),
    /// The command.
    Child(Handle),
    /// The command has ended.
    Over,
}

/// A child process, by a name that no other process can get.
enum Handle {
    Fd(OwnedFd),
    Number(Pid),
}

impl Handle {
    fn send(&self, signal: i32) {
        let Some((_, signal)) = PASSED.iter().find(|(number, _)| *number == signal) else {
            return;
        };
        // an error means that it is gone, or became somebody we may not signal
        match self {
            Handle::Fd(fd) => pidfd_send_signal(fd, *signal).ok(),
            Handle::Number(pid) => rustix::process::kill_process(*pid, *signal).ok(),
        };
    }
}

struct Shared {
    target: Target,
    /// What asked for an end.
    asked: Vec<i32>,
    /// When the terminal last sent this one.
    by_kernel: BTreeMap<i32, Instant>,
}

/// The signals of this process while a command runs.
pub struct Signals(Arc<Mutex<Shared>>);

impl Signals {
    /// Catches what is passed on, from now until the process ends. What was ignored when we were
    /// started (nohup) stays so, for the command too.
    pub fn catch() -> io::Result<Signals> {
        let ignored = ignored();
        let caught = PASSED
            .iter()
            .map(|(number, _)| *number)
            .filter(|number| ignored & (1 << (number - 1)) == 0);
        let mut signals = SignalsInfo::<WithRawSiginfo>::new(caught)?;
        let shared = Arc::new(Mutex::new(Shared {
            target: Target::Nobody(Vec::new()),
            asked: Vec::new(),
            by_kernel: BTreeMap::new(),
        }));
        let ours = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for info in signals.forever() {
                    let by_kernel = info.si_code > 0;
                    lock(&ours).take(info.si_signo, by_kernel);
                }
            })?;
        Ok(Signals(shared))
    }

    /// A signal that asked for an end before there was a command to tell.
    pub fn asked_before_start(&self) -> Option<i32> {
        lock(&self.0).asked.first().copied()
    }

    /// From now on this is the command; what came before it is told.
    pub fn pass_on_to(&self, child: &Child) {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let Some(pid) = pid else { return };
        let handle = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => Handle::Fd(fd),
            // a kernel before 5.3
            Err(_) => Handle::Number(pid),
        };
        let mut shared = lock(&self.0);
        if let Target::Nobody(came) = &shared.target {
            came.iter().for_each(|signal| handle.send(*signal));
        }
        shared.target = Target::Child(handle);
    }

    /// The command has ended.
    pub fn over(&self) {
        lock(&self.0).target = Target::Over;
    }

    /// Whether somebody asked for this signal, by us or by the terminal.
    pub fn asked(&self, signal: i32) -> bool {
        lock(&self.0).asked.contains(&signal)
    }
}

impl Shared {
    fn take(&mut self, signal: i32, by_kernel: bool) {
        let now = Instant::now();
        if matches!(self.target, Target::Over) {
            return;
        }
        if ENDING.contains(&signal) {
            self.asked.push(signal);
        }
        let echo = self
            .by_kernel
            .get(&signal)
            .is_some_and(|then| now.duration_since(*then) < ECHO);
        if by_kernel {
            self.by_kernel.insert(signal, now);
        }
        match &mut self.target {
            Target::Nobody(came) => came.push(signal),
            Target::Child(handle) if !by_kernel && !echo => handle.send(signal),
            Target::Child(_) | Target::Over => {}
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The signals that are ignored, a bit each. Source: proc_pid_status(5).
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0)
}
