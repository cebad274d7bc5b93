//! What the handlers take from configuration and from the machine around them.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use git_ledger::event::{PUSH, REFS_CHANGED};
use git_ledger::git::{Environment, Scope};
use git_ledger::hook::outstanding::{Awaited, Outstanding};
use git_ledger::hook::pusher::Pusher;
use git_ledger::hook::watched::Followed;
use git_ledger::hook::{Guarded, Refusal};
use git_ledger::ledger::Ledger;
use git_ledger::merkle::Hash;

use crate::cli::context::{Opened, parse_fingerprint};
use crate::cli::failure::Failure;

use super::run::login;

/// Seconds each part of a hook may take, unless `ledger.<name>.hookTimeout` says otherwise.
const TIMEOUT: u64 = 30;
/// A log that is larger is put aside.
const MAX_LOG: u64 = 1 << 20;

/// What a process that outlives the push may know: nothing about the push or the pusher.
const INHERITED: &[&str] = &[
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "XDG_CONFIG_HOME",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "ALL_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// How long each part of a hook may take.
pub fn timeout(opened: &Opened) -> Duration {
    let key = format!("ledger.{}.hookTimeout", opened.settings.name);
    let seconds = opened
        .config
        .get(&key, Scope::Any)
        .and_then(|text| text.parse().ok())
        .unwrap_or(TIMEOUT);
    Duration::from_secs(seconds.clamp(1, 3600))
}

/// Every ledger of the repository: its full ref, and its fingerprint where one is pinned.
pub fn all(opened: &Opened) -> Result<Vec<(String, Option<Hash>)>, Failure> {
    let config = &opened.config;
    let mut ledgers = vec![(
        opened.settings.reference.clone(),
        opened.settings.fingerprint,
    )];
    for name in config.subsections("ledger", Scope::Any) {
        let Some(branch) = config.get(&format!("ledger.{name}.ref"), Scope::Any) else {
            continue;
        };
        let reference = if branch.starts_with("refs/") {
            branch
        } else {
            format!("refs/heads/{branch}")
        };
        if ledgers.iter().any(|(known, _)| *known == reference) {
            continue;
        }
        let pinned = config
            .get(&format!("ledger.{name}.fingerprint"), Scope::Any)
            .map(|text| {
                parse_fingerprint(&text).ok_or_else(|| {
                    Failure::cannot(format!("ledger.{name}.fingerprint is no fingerprint"))
                })
            })
            .transpose()?;
        ledgers.push((reference, pinned));
    }
    Ok(ledgers)
}

/// Every ledger of the repository, to be judged with what a push in progress has brought.
pub fn guarded(opened: &Opened) -> Result<Vec<Guarded>, Failure> {
    let ledgers = all(opened)?.into_iter();
    let one = |(reference, pinned)| Guarded {
        ledger: Ledger::new(opened.repository.clone(), reference).with_quarantine(),
        pinned,
    };
    Ok(ledgers.map(one).collect())
}

/// The refs that the record follows: all but those that `ledger.<name>.leaveOut` names by prefix.
pub fn followed(opened: &Opened) -> Result<Followed, Failure> {
    let ledgers = all(opened)?.into_iter().map(|(name, _)| name).collect();
    let key = format!("ledger.{}.leaveOut", opened.settings.name);
    Followed::new(ledgers, opened.config.get_all(&key, Scope::Any)).map_err(|prefix| {
        Failure::cannot(format!("{key} may not be '{prefix}'"))
            .hint("it takes a prefix such as refs/pull/; branches and tags cannot be left out")
    })
}

/// The repository as a URI: `ledger.<name>.source`, else its name.
pub fn source(opened: &Opened) -> String {
    let key = format!("ledger.{}.source", opened.settings.name);
    if let Some(source) = opened.config.get(&key, Scope::Any)
        && !source.is_empty()
        && source.chars().all(|c| c.is_ascii_graphic())
    {
        return source;
    }
    // what all work trees of the repository share
    let common = opened.repository.common_dir();
    let within = common.file_name().is_some_and(|name| name == ".git");
    let place = common.parent().filter(|_| within).unwrap_or(common);
    let name = place.file_name().unwrap_or_default();
    let encode = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(*byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    let name: String = name.as_encoded_bytes().iter().map(encode).collect();
    format!("/{name}")
}

/// Who pushes, as the transport says it.
pub fn pusher(environment: &Environment) -> Pusher {
    let login = environment.get("SSH_USER_AUTH").and_then(login);
    Pusher::of(&|name| environment.get(name), account(), login.as_deref())
}

/// The name of the account this process runs under, else its number.
pub fn account() -> Option<String> {
    let uid = rustix::process::getuid().as_raw().to_string();
    let accounts = std::fs::read("/etc/passwd").unwrap_or_default();
    let accounts = String::from_utf8_lossy(&accounts);
    let name = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(uid.as_str())).then(|| name.to_owned())
    });
    Some(name.unwrap_or(uid))
}

/// Where pushes wait for their outcome.
pub fn outstanding(opened: &Opened) -> Outstanding {
    Outstanding::new(
        opened.ledger.state_dir().join("pushes"),
        opened.repository.object_format(),
    )
}

/// Where changes of the repository itself wait for theirs.
pub fn transactions(opened: &Opened) -> Outstanding {
    Outstanding::new(
        opened.ledger.state_dir().join("transactions"),
        opened.repository.object_format(),
    )
}

/// Everything that waits for its outcome, with the type of the event that recorded it.
pub fn under_way(opened: &Opened) -> [(Outstanding, &'static str); 2] {
    [
        (outstanding(opened), PUSH),
        (transactions(opened), REFS_CHANGED),
    ]
}

/// Whether the process that makes a change is still there.
pub fn alive(awaited: &Awaited) -> bool {
    is_running(awaited.process, awaited.began)
}

/// Whether a process that began at a moment, where that is known, is still there.
pub fn is_running(process: i64, then: Option<i64>) -> bool {
    let pid = i32::try_from(process)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let there = match pid.map(rustix::process::test_kill_process) {
        None => false,
        Some(Ok(())) => true,
        // it is there and belongs to somebody else
        Some(Err(error)) => error == rustix::io::Errno::PERM,
    };
    // another one can have its number by now
    let other = then.zip(began(process));
    there && other.is_none_or(|(then, now)| then == now)
}

/// When a process began, in ticks since the system did, where the system tells.
pub fn began(process: i64) -> Option<i64> {
    self::process(process).map(|process| process.began)
}

/// What the system tells of a process.
pub struct Process {
    /// The name of its program, cut.
    pub name: String,
    /// Its parent.
    pub parent: i64,
    /// When it began, in ticks since the system did.
    pub began: i64,
}

/// A process, where there is one and the system tells of it. Source: proc_pid_stat(5).
pub fn process(process: i64) -> Option<Process> {
    let stat = std::fs::read(format!("/proc/{process}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    // the name of the program stands in parentheses and may hold anything
    let (head, fields) = stat.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let mut fields = fields.split_ascii_whitespace();
    Some(Process {
        name: name.to_owned(),
        parent: fields.nth(1)?.parse().ok()?,
        began: fields.nth(17)?.parse().ok()?,
    })
}

/// Keeps a line of what was refused, best effort: a full disk must not turn a no into a crash.
pub fn log(opened: &Opened, pusher: &Pusher, refusal: &Refusal, time: &str) {
    let dir = opened.ledger.state_dir();
    let who = git_ledger::json::Value::from(pusher.object()).to_canonical();
    let text = refusal.to_string();
    let line = text.lines().next().unwrap_or_default();
    if git_ledger::durable::create_dir_all(&dir).is_ok()
        && let Ok(mut file) = open_log(&dir, "refused.log")
    {
        writeln!(file, "{time} {who} {line}").ok();
    }
}

fn open_log(dir: &Path, name: &str) -> std::io::Result<std::fs::File> {
    let path = dir.join(name);
    if path.metadata().is_ok_and(|file| file.len() > MAX_LOG) {
        std::fs::rename(&path, dir.join(format!("{name}.1")))?;
    }
    git_ledger::durable::open(&path, OpenOptions::new().create(true).append(true))
}

/// Starts `git ledger mirror push` beside us, if there are mirrors: in a group of its own and
/// with nothing of ours open, so that the connection of the pusher can close.
pub fn start_mirrors(opened: &Opened) -> std::io::Result<()> {
    if opened.settings.mirrors.is_empty() {
        return Ok(());
    }
    let dir = opened.ledger.state_dir();
    git_ledger::durable::create_dir_all(&dir)?;
    let log = open_log(&dir, "mirror.log")?;
    let environment = opened.repository.environment();
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("-C")
        .arg(opened.repository.git_dir())
        .arg("--ledger")
        .arg(&opened.settings.name)
        .args(["mirror", "push", "--quiet"])
        .env_clear()
        .envs(
            INHERITED
                .iter()
                .filter_map(|name| Some((name, environment.get_raw(name)?))),
        )
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0);
    // nobody waits for it: it ends by itself, by the deadlines of the mirrors
    command.spawn().map(drop)
}
