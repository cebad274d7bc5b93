//! Which machine, which start of it and which numbers of processes: what a process's number needs
//! beside it to mean something to somebody who reads it later.

use git_ledger::capture::open_steps::{OpenStep, Place, Sight};
use git_ledger::merkle;

use crate::cli::hook::settings;

/// Where this process runs, as far as the system tells. Source: machine-id(5), proc(5),
/// namespaces(7).
pub fn here() -> Place {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let machine = [text("/etc/machine-id"), text("/proc/sys/kernel/hostname")].concat();
    let namespace = std::fs::read_link("/proc/self/ns/pid");
    let digest = merkle::hex(&merkle::sha256(machine.as_bytes()));
    Place {
        machine: digest.get(..16).unwrap_or_default().to_owned(),
        boot: text("/proc/sys/kernel/random/boot_id").trim().to_owned(),
        namespace: namespace
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
    }
}

/// What became of whoever waits for a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiter {
    /// It is there.
    Alive,
    /// It is gone.
    Dead,
    /// It runs elsewhere, if it does.
    Elsewhere,
}

/// What can be told from here of whoever waits for a step.
pub fn waiter(step: &OpenStep, here: &Place) -> Waiter {
    match here.sees(&step.place) {
        Sight::Gone => Waiter::Dead,
        Sight::Elsewhere => Waiter::Elsewhere,
        Sight::Same if settings::is_running(step.process, step.began) => Waiter::Alive,
        Sight::Same => Waiter::Dead,
    }
}
