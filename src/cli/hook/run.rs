//! What the handlers share: the run of a hook with its deadline, the key, the append, and how
//! changes that were under way when their process died are closed.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use git_ledger::append::{Appender, Next, Repeats};
use git_ledger::date::rfc3339;
use git_ledger::event::Pending;
use git_ledger::finding::FindingId;
use git_ledger::git::{FileLock, LockError, RefError, Scope};
use git_ledger::hook::ancestry::Ancestry;
use git_ledger::hook::outstanding::{Awaited, Outstanding, settled};
use git_ledger::hook::push_event::{self, Outcome};
use git_ledger::hook::{self, Refusal, Update};
use git_ledger::ledger::Ledger;
use git_ledger::signer::{KeySettings, Signer};
use git_ledger::spool::Waiting;
use git_ledger::store::Store as _;

use crate::cli::context::{Context, Opened};
use crate::cli::failure::{Exit, Failure};

use super::aside::{self, Announced};
use super::settings;

/// How long telling forced pushes from others may take.
const ANCESTRY: Duration = Duration::from_secs(5);

/// Processes looked at for the git that called us.
const MAX_ANCESTORS: usize = 8;

/// One run of a hook.
pub struct Run {
    pub context: Context,
    pub opened: Opened,
    pub updates: Vec<Update>,
    /// The process that moves the refs, which called the hook.
    pub process: i64,
    pub deadline: Instant,
    /// The change that was announced, until it is known to be recorded or refused.
    pub announced: Mutex<Option<Announced>>,
}

/// Reads what git hands over.
pub fn input() -> Result<Vec<u8>, Refusal> {
    let mut input = Vec::new();
    std::io::stdin()
        .lock()
        .take(hook::MAX_INPUT + 1)
        .read_to_end(&mut input)
        .map_err(|why| unrecorded(&why))?;
    if input.len() as u64 > hook::MAX_INPUT {
        return Err(unrecorded(&"git handed over more than is read"));
    }
    Ok(input)
}

impl Run {
    /// A run about these refs, with its full time before it.
    pub fn new(context: &Context, opened: Opened, process: i64, updates: Vec<Update>) -> Run {
        let deadline = Instant::now() + settings::timeout(&opened);
        Run {
            context: Context {
                environment: context.environment.clone(),
                directory: context.directory.clone(),
                wanted: context.wanted.clone(),
            },
            opened,
            updates,
            process,
            deadline,
            announced: Mutex::new(None),
        }
    }

    /// The same run with its full time before it again.
    pub fn again(&self) -> Run {
        let opened = Opened {
            repository: self.opened.repository.clone(),
            config: self.opened.config.clone(),
            settings: self.opened.settings.clone(),
            ledger: self.opened.ledger.clone(),
        };
        Run::new(&self.context, opened, self.process, self.updates.clone())
    }

    /// A change that is about to be recorded under this id.
    pub fn awaited(&self, id: String, source: String) -> Awaited {
        Awaited {
            id,
            source,
            process: self.process,
            began: settings::began(self.process),
            updates: self.updates.clone(),
        }
    }

    /// Makes sure that the process that would move the refs is still there: what it is killed
    /// before can happen no more.
    pub fn is_called_for(&self) -> Result<(), Refusal> {
        if parent() == self.process {
            Ok(())
        } else {
            Err(unrecorded(&"the git that called the hook is gone"))
        }
    }

    /// Appends to the ledger, an entry for each group.
    pub fn append(&self, groups: Vec<Vec<Pending>>, repeats: Repeats) -> Result<(), Failure> {
        let signer = self.signer()?;
        let appender = Appender {
            // without the quarantine: what is recorded must outlive a push that is refused later
            ledger: &self.opened.ledger,
            signer: &signer,
            primary: None,
            clock: &now,
            deadline: self.deadline,
        };
        let appended = appender.append(&Next::events(&groups), repeats);
        Ok(appended.map(drop)?)
    }

    /// The key of this server.
    pub fn signer(&self) -> Result<Signer, Failure> {
        let (config, environment) = (&self.opened.config, &self.context.environment);
        let own = format!("ledger.{}.signingKey", self.opened.settings.name);
        let settings = KeySettings {
            // the environment is the pusher's, where the remote is a path
            key_text: None,
            signing_key: config
                .get(&own, Scope::Any)
                .or_else(|| config.get("user.signingKey", Scope::Any)),
            default_key_command: config.get("gpg.ssh.defaultKeyCommand", Scope::Trusted),
            program: config.get("gpg.ssh.program", Scope::Trusted),
            agent_socket: environment.get("SSH_AUTH_SOCK").map(Into::into),
            home: environment.home().map(Path::to_owned),
            terminal: false,
        };
        Signer::find(&settings).map_err(|why| {
            Failure::cannot(why.to_string()).hint(format!(
                "on the server: git config {own} PATH, with a key that the ledger's policy lets in"
            ))
        })
    }

    /// For each ref whether its move takes something away, where that can be told in time.
    pub fn forced(&self, ledger: &Ledger) -> Vec<Option<bool>> {
        let until = (Instant::now() + ANCESTRY).min(self.deadline - self.left() / 2);
        let mut ancestry = Ancestry::new(ledger.reader(), until);
        let one = |update: &Update| {
            if update.old.is_null() || update.new.is_null() {
                Some(false)
            } else {
                ancestry.forced(update.old, update.new)
            }
        };
        self.updates.iter().map(one).collect()
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// What died before anybody told what became of it.
#[derive(Default)]
pub struct Settled {
    /// What the hooks put aside, to be recorded first.
    pub waiting: Vec<Waiting>,
    /// The outcomes to be recorded.
    pub groups: Vec<Vec<Pending>>,
    /// The files to be removed then.
    pub done: Vec<(Outstanding, String)>,
}

impl Settled {
    /// Everything to be recorded, an entry for each group.
    pub fn all(&self) -> Vec<Vec<Pending>> {
        let mut groups = aside::groups(&self.waiting);
        groups.extend(self.groups.iter().cloned());
        groups
    }

    /// Forgets what is recorded now; best effort: settling it again changes nothing.
    pub fn forget(&self, opened: &Opened) {
        aside::forget(opened, &self.waiting);
        for (outstanding, id) in &self.done {
            outstanding.remove(id).ok();
        }
    }
}

/// Takes the lock of whoever closes gaps in the record; none when another holds it until then.
pub fn closing(opened: &Opened, until: Instant) -> Result<Option<FileLock>, Failure> {
    let dir = opened.ledger.state_dir();
    git_ledger::durable::create_dir_all(&dir)?;
    match FileLock::acquire(&dir.join("reconcile.lock"), until) {
        Ok(lock) => Ok(Some(lock)),
        Err(LockError::Busy { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The outcomes of changes whose process is gone without a report; for who holds the lock.
pub fn settle(opened: &Opened) -> Result<Settled, Refusal> {
    let mut all = Settled {
        waiting: aside::waiting(opened)?,
        ..Settled::default()
    };
    for (outstanding, kind) in settings::under_way(opened) {
        for awaited in outstanding.list().map_err(|why| unrecorded(&why))? {
            if settings::alive(&awaited) {
                continue;
            }
            let left = settled(&awaited, |name| holds(opened, name));
            let recorded = |id: &str| -> Result<bool, Refusal> {
                Ok(aside::waits(&all.waiting, id) || is_recorded(opened, &awaited.source, id)?)
            };
            // whoever recorded the outcome may have been killed before it was forgotten here
            let told = || recorded(&push_event::outcome_id(&awaited.id));
            if !left.is_empty() && recorded(&awaited.id)? && !told()? {
                let event = outcome(kind, &awaited, &left, Outcome::Refused)?;
                all.groups.push(vec![event]);
            }
            all.done.push((outstanding.clone(), awaited.id));
        }
    }
    Ok(all)
}

/// Whether an event is in the chain.
pub fn is_recorded(opened: &Opened, source: &str, id: &str) -> Result<bool, Refusal> {
    let ledger = &opened.ledger;
    let Some(tip) = ledger.tip_id().map_err(|why| unrecorded(&why))? else {
        return Ok(false);
    };
    let seen = git_ledger::seen::Seen::of(ledger);
    let found = seen.find(ledger, tip, source, id);
    Ok(found.map_err(|why| unrecorded(&why))?.is_some())
}

/// The event that says which refs of a change did not move.
pub fn outcome(
    kind: &str,
    awaited: &Awaited,
    left: &[Update],
    outcome: Outcome,
) -> Result<Pending, Refusal> {
    let time = rfc3339(now());
    push_event::outcome(kind, &awaited.id, &awaited.source, &time, left, outcome)
        .map_err(|why| unrecorded(&why))
}

/// What a ref holds; a symbolic one holds what the ref it names holds.
pub fn holds(opened: &Opened, name: &[u8]) -> Option<gix::ObjectId> {
    let mut name = String::from_utf8(name.to_vec()).ok()?;
    for _ in 0..5 {
        match opened.repository.find_ref(&name) {
            Err(RefError::Symbolic { target, .. }) => name = target,
            found => return found.ok().flatten(),
        }
    }
    None
}

/// Does a part of the work with its own deadline: git has none for its hooks.
pub fn within<T: Send + 'static>(
    run: &Arc<Run>,
    work: impl FnOnce(&Run) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let timeout = settings::timeout(&run.opened);
    let (send, receive) = channel();
    let mine = Arc::clone(run);
    std::thread::spawn(move || send.send(work(&mine)).ok());
    match receive.recv_timeout(timeout) {
        Ok(answer) => answer,
        Err(why) => {
            let detail = match why {
                RecvTimeoutError::Timeout => format!("not done within {} s", timeout.as_secs()),
                RecvTimeoutError::Disconnected => "git-ledger broke down".to_owned(),
            };
            let name = &run.opened.settings.name;
            Err(
                Refusal::new(FindingId::PushUnrecorded, detail).hint(format!(
                    "on the server: git config ledger.{name}.hookTimeout SECONDS"
                )),
            )
        }
    }
}

/// Calls the hook that was here before with the same input; true when it lets the change through.
pub fn call(before: Option<&Path>, arguments: &[&str], input: &[u8]) -> Result<bool, Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(before) = before else {
        return Ok(true);
    };
    // as git does, a hook that may not be executed is passed over
    let there = before
        .metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    if !there {
        return Ok(true);
    }
    let path = std::path::absolute(before)?;
    let mut child = Command::new(path)
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // a hook need not read what it is told
        stdin.write_all(input).ok();
    }
    Ok(child.wait()?.success())
}

/// Says no, and keeps a line of it.
pub fn refuse(context: &Context, opened: Option<&Opened>, refusal: &Refusal) -> Exit {
    if let Some(opened) = opened {
        let pusher = settings::pusher(&context.environment);
        settings::log(opened, &pusher, refusal, &rfc3339(now()));
    }
    let mut out = std::io::stderr().lock();
    // whoever hung up does not read it; the push is refused all the same
    write!(out, "{refusal}").and_then(|()| out.flush()).ok();
    Exit::No
}

/// What could not be recorded is refused.
pub fn unrecorded(why: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(FindingId::PushUnrecorded, why.to_string())
}

/// The same, for a failure.
pub fn failed(failure: Failure) -> Refusal {
    let refusal = Refusal::new(FindingId::PushUnrecorded, failure.message);
    failure.hints.into_iter().fold(refusal, Refusal::hint)
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        failed(failure)
    }
}

/// Seconds since 1970 by this machine's clock; a variable could come from the pusher.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// The process that called the hook: the nearest git above us, since hooks are often called by a
/// script that calls several; where the system does not tell, our parent.
pub fn parent() -> i64 {
    let parent = rustix::process::getppid().map_or(0, |pid| i64::from(pid.as_raw_nonzero().get()));
    let mut at = parent;
    for _ in 0..MAX_ANCESTORS {
        let Some(process) = settings::process(at) else {
            break;
        };
        if process.name.starts_with("git") {
            return at;
        }
        at = process.parent;
    }
    parent
}

/// The content of the file that names the keys of an SSH session.
pub fn login(path: &OsStr) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    file.take(64 << 10).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
