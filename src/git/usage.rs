//! How much memory a group of processes holds and how much it has read, so that a git which a
//! remote makes swallow without end is ended before the machine is.
//!
//! # Limits
//! Told by Linux' `/proc`; elsewhere nothing is known, and only the deadline helps.

use std::fs;
use std::path::Path;

/// What a group of processes has taken, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Memory of their own, all together: not that of mapped files.
    pub memory: u64,
    /// What the one that talks to the remote has read from files, pipes and sockets.
    pub read: u64,
}

impl Usage {
    /// That of the group which this process leads.
    pub fn of_group(leader: u32) -> Usage {
        let mut usage = Usage::default();
        let Ok(items) = fs::read_dir("/proc") else {
            return usage;
        };
        for item in items.flatten() {
            let name = item.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            let Some((program, group)) = stat(&item.path()) else {
                continue;
            };
            if group != leader {
                continue;
            }
            let member = |file: &str, name: &str| field(&item.path().join(file), name);
            let kilobytes = member("status", "RssAnon:").unwrap_or_default();
            usage.memory = usage.memory.saturating_add(kilobytes.saturating_mul(1024));
            // the others read what this one hands them, and again from disk
            if id == leader || program.starts_with("git-remote-") {
                let read = member("io", "rchar:").unwrap_or_default();
                usage.read = usage.read.max(read);
            }
        }
        usage
    }
}

/// Name and process group.
fn stat(process: &Path) -> Option<(String, u32)> {
    let text = fs::read_to_string(process.join("stat")).ok()?;
    let (before, after) = text.rsplit_once(')')?;
    let (_, program) = before.split_once('(')?;
    let group = after.split_ascii_whitespace().nth(2)?.parse().ok()?;
    Some((program.to_owned(), group))
}

fn field(file: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    #[test]
    fn a_group_is_seen() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 20 & wait"]).process_group(0);
        let mut child = command.spawn().unwrap();
        let usage = loop {
            let usage = Usage::of_group(child.id());
            if usage.memory > 0 && usage.read > 0 {
                break usage;
            }
        };
        assert!(usage.memory < 1 << 28 && usage.read < 1 << 24);
        let group = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
        child.wait().unwrap();
    }
}
