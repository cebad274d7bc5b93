//! The handlers: standard input, environment and clock in; a judgement, a record, an exit code.
//!
//! What is recorded is durable before anything is printed, so a pusher who hangs up changes
//! nothing. Nothing in here asks for a passphrase, and each part has a deadline.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use git_ledger::append::{AppendError, Appender, Next, Repeats};
use git_ledger::date::rfc3339;
use git_ledger::escape::printable;
use git_ledger::event::Pending;
use git_ledger::finding::FindingId;
use git_ledger::git::{FileLock, RefError, Scope};
use git_ledger::hook::ancestry::Ancestry;
use git_ledger::hook::outstanding::{Awaited, Outstanding, matching, settled, unmoved};
use git_ledger::hook::push_event::{self, Outcome, Push};
use git_ledger::hook::pusher;
use git_ledger::hook::{self, Accepted, Aliases, Guarded, Refusal, Update};
use git_ledger::ledger::Ledger;
use git_ledger::push_certificate::{self, Carried, Judgement};
use git_ledger::signer::{KeySettings, Signer};
use git_ledger::store::Store as _;

use crate::cli::context::{Context, Opened, random_id};
use crate::cli::failure::{Exit, Failure};
use crate::cli::terminal;

use super::settings;

/// How long telling forced pushes from others may take.
const ANCESTRY: Duration = Duration::from_secs(5);

/// One run of a hook.
struct Run {
    context: Context,
    opened: Opened,
    updates: Vec<Update>,
    deadline: Instant,
}

/// `git ledger hook pre-receive`.
pub fn pre_receive(context: &Context, before: Option<&Path>) -> Result<Exit, Failure> {
    let (input, run) = match begin(context) {
        Ok(begun) => begun,
        Err(refusal) => return Ok(refuse(context, None, &refusal)),
    };
    let timeout = settings::timeout(&run.opened);
    let run = Arc::new(run);
    let accepted = match within(&run, timeout, Run::judge) {
        Ok(accepted) => accepted,
        Err(refusal) => return Ok(refuse(context, Some(&run.opened), &refusal)),
    };
    // a hook that was here first may still refuse, so nothing is recorded before it has spoken
    if !call(before, &input)? {
        return Ok(Exit::No);
    }
    if accepted == Accepted::Others {
        let run = Arc::new(run.again(timeout));
        if let Err(refusal) = within(&run, timeout, Run::record) {
            return Ok(refuse(context, Some(&run.opened), &refusal));
        }
    }
    Ok(Exit::Done)
}

/// `git ledger hook post-receive`.
pub fn post_receive(context: &Context, before: Option<&Path>) -> Result<Exit, Failure> {
    let (input, run) = match begin(context) {
        Ok(begun) => begun,
        Err(refusal) => return Err(Failure::cannot(refusal.finding.detail)),
    };
    let timeout = settings::timeout(&run.opened);
    let run = Arc::new(run);
    let outcome = within(&run, timeout, Run::conclude);
    let mirrors = settings::start_mirrors(&run.opened);
    // from here on a pusher who has gone may end us
    let mut exit = Exit::Done;
    if let Err(refusal) = outcome {
        terminal::tell(&format!(
            "git-ledger: warning: what became of the push is not recorded yet: {}",
            printable(&refusal.finding.detail)
        ));
        exit = Exit::Unknown;
    }
    if let Err(why) = mirrors {
        terminal::tell(&format!(
            "git-ledger: warning: the mirrors were not started: {why}"
        ));
        exit = Exit::Unknown;
    }
    call(before, &input)?;
    Ok(exit)
}

/// Reads what git hands over and opens the repository it is about.
fn begin(context: &Context) -> Result<(Vec<u8>, Run), Refusal> {
    let mut input = Vec::new();
    std::io::stdin()
        .lock()
        .take(hook::MAX_INPUT + 1)
        .read_to_end(&mut input)
        .map_err(|why| unrecorded(&why))?;
    if input.len() as u64 > hook::MAX_INPUT {
        return Err(unrecorded(&"git handed over more than is read"));
    }
    let opened = context.open().map_err(failed)?;
    let updates = hook::parse(&input, opened.repository.object_format())?;
    let deadline = Instant::now() + settings::timeout(&opened);
    let context = Context {
        environment: context.environment.clone(),
        directory: context.directory.clone(),
        wanted: context.wanted.clone(),
    };
    let run = Run {
        context,
        opened,
        updates,
        deadline,
    };
    Ok((input, run))
}

impl Run {
    /// The same run with its full time before it.
    fn again(&self, timeout: Duration) -> Run {
        Run {
            context: Context {
                environment: self.context.environment.clone(),
                directory: self.context.directory.clone(),
                wanted: self.context.wanted.clone(),
            },
            opened: Opened {
                repository: self.opened.repository.clone(),
                config: self.opened.config.clone(),
                settings: self.opened.settings.clone(),
                ledger: self.opened.ledger.clone(),
            },
            updates: self.updates.clone(),
            deadline: Instant::now() + timeout,
        }
    }

    fn judge(&self) -> Result<Accepted, Refusal> {
        let repository = &self.opened.repository;
        let guarded: Vec<Guarded> = settings::all(&self.opened)
            .map_err(failed)?
            .into_iter()
            .map(|(reference, pinned)| Guarded {
                ledger: Ledger::new(repository.clone(), reference).with_quarantine(),
                pinned,
            })
            .collect();
        let aliases = Aliases::of(repository, &self.updates).map_err(|why| unrecorded(&why))?;
        hook::judge(&self.updates, &guarded, &aliases, now())
    }

    /// Records the push, and what became of earlier ones that nobody reported.
    fn record(&self) -> Result<(), Refusal> {
        let opened = &self.opened;
        let signer = self.signer()?;
        let ledger = opened.ledger.clone().with_quarantine();
        let variable = |name: &str| self.context.environment.get(name);
        let options = pusher::options(&variable).map_err(|why| unrecorded(&why))?;
        let certificate = self.certificate(&ledger, &options)?;
        let id = random_id().map_err(failed)?;
        let source = settings::source(opened);
        let time = rfc3339(now());
        let pusher = settings::pusher(&self.context.environment);
        let forced = self.forced(&ledger);
        let push = Push {
            id: &id,
            source: &source,
            time: &time,
            updates: &self.updates,
            forced: &forced,
            pusher: &pusher,
            options: &options,
            certificate: certificate.as_ref().map(|(text, j)| (text.as_slice(), j)),
        };
        let events = push.events().map_err(|why| unrecorded(&why))?;
        let outstanding = settings::outstanding(opened);
        let _turn = self.turn(&outstanding)?;
        let (mut groups, done) = self.settle(&outstanding)?;
        groups.push(events);
        let awaited = Awaited {
            id,
            source,
            process: parent(),
            updates: self.updates.clone(),
        };
        outstanding.put(&awaited).map_err(|why| unrecorded(&why))?;
        if let Err(refusal) = self.append(&signer, groups) {
            // a disk that fails late has it in the chain all the same: then the next push says
            // that it was refused; best effort: what is left behind is settled later
            if let Ok(false) = self.is_recorded(&awaited.source, &awaited.id) {
                outstanding.remove(&awaited.id).ok();
            }
            return Err(refusal);
        }
        for id in done {
            outstanding.remove(&id).ok();
        }
        Ok(())
    }

    /// Compares what moved with what was recorded.
    fn conclude(&self) -> Result<(), Refusal> {
        let outstanding = settings::outstanding(&self.opened);
        let all = outstanding.list().map_err(|why| unrecorded(&why))?;
        let Some(awaited) = matching(&all, &self.updates, parent()) else {
            return Ok(());
        };
        if let Some((left, outcome)) = unmoved(awaited, &self.updates, |name| self.holds(name)) {
            let event = self.outcome(awaited, &left, outcome)?;
            self.append(&self.signer()?, vec![vec![event]])?;
        }
        outstanding
            .remove(&awaited.id)
            .map_err(|why| unrecorded(&why))
    }

    /// The outcomes of pushes whose server process is gone without a report, and their ids.
    fn settle(
        &self,
        outstanding: &Outstanding,
    ) -> Result<(Vec<Vec<Pending>>, Vec<String>), Refusal> {
        let (mut groups, mut done) = (Vec::new(), Vec::new());
        for awaited in outstanding.list().map_err(|why| unrecorded(&why))? {
            if settings::alive(awaited.process) {
                continue;
            }
            let left = settled(&awaited, |name| self.holds(name));
            // whoever recorded the outcome may have been killed before it was forgotten here
            let told = || self.is_recorded(&awaited.source, &outcome_id(&awaited));
            if !left.is_empty() && self.is_recorded(&awaited.source, &awaited.id)? && !told()? {
                groups.push(vec![self.outcome(&awaited, &left, Outcome::Refused)?]);
            }
            done.push(awaited.id);
        }
        Ok((groups, done))
    }

    /// Keeps other hooks from telling the same outcomes, if there are any to be told.
    fn turn(&self, outstanding: &Outstanding) -> Result<Option<FileLock>, Refusal> {
        let all = outstanding.list().map_err(|why| unrecorded(&why))?;
        if all.iter().all(|awaited| settings::alive(awaited.process)) {
            return Ok(None);
        }
        let turn = outstanding.turn(self.deadline);
        turn.map(Some).map_err(|why| unrecorded(&why))
    }

    fn is_recorded(&self, source: &str, id: &str) -> Result<bool, Refusal> {
        let ledger = &self.opened.ledger;
        let Some(tip) = ledger.tip_id().map_err(|why| unrecorded(&why))? else {
            return Ok(false);
        };
        let seen = git_ledger::seen::Seen::of(ledger);
        let found = seen.find(ledger, tip, source, id);
        Ok(found.map_err(|why| unrecorded(&why))?.is_some())
    }

    fn outcome(
        &self,
        awaited: &Awaited,
        left: &[Update],
        outcome: Outcome,
    ) -> Result<Pending, Refusal> {
        let id = outcome_id(awaited);
        let time = rfc3339(now());
        push_event::outcome(&id, &awaited.id, &awaited.source, &time, left, outcome)
            .map_err(|why| unrecorded(&why))
    }

    fn append(&self, signer: &Signer, groups: Vec<Vec<Pending>>) -> Result<(), Refusal> {
        let appender = Appender {
            // without the quarantine: what is recorded must outlive a push that is refused later
            ledger: &self.opened.ledger,
            signer,
            primary: None,
            clock: &now,
            deadline: self.deadline,
        };
        let appended = appender.append(&Next::Events(groups), Repeats::Impossible);
        appended.map(drop).map_err(not_appended)
    }

    fn signer(&self) -> Result<Signer, Refusal> {
        let (config, environment) = (&self.opened.config, &self.context.environment);
        let own = format!("ledger.{}.signingKey", self.opened.settings.name);
        let settings = KeySettings {
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
            unrecorded(&why).hint(format!(
                "on the server: git config {own} PATH, with a key that the ledger's policy lets in"
            ))
        })
    }

    /// The push certificate and what it is worth, when the push is signed.
    fn certificate(
        &self,
        ledger: &Ledger,
        options: &[Vec<u8>],
    ) -> Result<Option<(Vec<u8>, Judgement)>, Refusal> {
        let variable = |name: &str| {
            self.context
                .environment
                .get(name)
                .map(OsStr::as_encoded_bytes)
        };
        let Some(id) = variable("GIT_PUSH_CERT") else {
            return Ok(None);
        };
        let repository = &self.opened.repository;
        let id = git_ledger::git::parse_id(id, repository.object_format())
            .ok_or_else(|| unrecorded(&"git names no certificate by GIT_PUSH_CERT"))?;
        let text = repository
            .reader_with(&repository.quarantine())
            .map_err(|why| unrecorded(&why))?
            .read(id, gix::objs::Kind::Blob, push_certificate::MAX_BYTES)
            .map_err(|why| unrecorded(&why))?;
        let status = variable("GIT_PUSH_CERT_NONCE_STATUS");
        let carried = Carried {
            updates: self
                .updates
                .iter()
                .map(|update| (update.old, update.new, update.name.as_slice()))
                .collect(),
            options: options.iter().map(Vec::as_slice).collect(),
            nonce: variable("GIT_PUSH_CERT_NONCE"),
            nonce_status: status.and_then(|word| std::str::from_utf8(word).ok()),
        };
        let tip = ledger.tip().map_err(|why| unrecorded(&why))?;
        let judgement = push_certificate::judge(&text, &carried, &tip.policy);
        Ok(Some((text, judgement)))
    }

    fn forced(&self, ledger: &Ledger) -> Vec<Option<bool>> {
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

    /// What a ref holds; a symbolic one holds what the ref it names holds.
    fn holds(&self, name: &[u8]) -> Option<gix::ObjectId> {
        let repository = &self.opened.repository;
        let mut name = String::from_utf8(name.to_vec()).ok()?;
        for _ in 0..5 {
            match repository.find_ref(&name) {
                Err(RefError::Symbolic { target, .. }) => name = target,
                found => return found.ok().flatten(),
            }
        }
        None
    }
}

/// The id of the event that says what became of a push.
fn outcome_id(awaited: &Awaited) -> String {
    format!("{}/outcome", awaited.id)
}

/// Does a part of the work with its own deadline: git has none for its hooks.
fn within<T: Send + 'static>(
    run: &Arc<Run>,
    timeout: Duration,
    work: fn(&Run) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
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

/// Calls the hook that was here before with the same input; true when it lets the push through.
fn call(before: Option<&Path>, input: &[u8]) -> Result<bool, Failure> {
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
    let mut child = Command::new(path).stdin(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // a hook need not read what it is told
        stdin.write_all(input).ok();
    }
    Ok(child.wait()?.success())
}

/// Says no, and keeps a line of it.
fn refuse(context: &Context, opened: Option<&Opened>, refusal: &Refusal) -> Exit {
    if let Some(opened) = opened {
        let pusher = settings::pusher(&context.environment);
        settings::log(opened, &pusher, refusal, &rfc3339(now()));
    }
    let mut out = std::io::stderr().lock();
    // whoever hung up does not read it; the push is refused all the same
    write!(out, "{refusal}").and_then(|()| out.flush()).ok();
    Exit::No
}

fn unrecorded(why: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(FindingId::PushUnrecorded, why.to_string())
}

fn failed(failure: Failure) -> Refusal {
    let refusal = Refusal::new(FindingId::PushUnrecorded, failure.message);
    failure.hints.into_iter().fold(refusal, Refusal::hint)
}

fn not_appended(error: AppendError) -> Refusal {
    failed(error.into())
}

/// Seconds since 1970 by this machine's clock; a variable could come from the pusher.
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn parent() -> i64 {
    rustix::process::getppid().map_or(0, |pid| i64::from(pid.as_raw_nonzero().get()))
}

/// The content of the file that names the keys of an SSH session.
pub fn login(path: &OsStr) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    file.take(64 << 10).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
