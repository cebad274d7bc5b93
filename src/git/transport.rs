//! Talks to remotes: where does a reference stand there, fetch it, push one commit to it. Never
//! forced, never with tags, never longer than a deadline, never under the settings of the
//! repository at hand; only its `http.…extraHeader` lines are taken over, for a build machine's
//! token stands there.
//!
//! # Limits
//! Other settings of the repository itself (`core.sshCommand`, `http.proxy`, credential helpers)
//! are not obeyed: they belong into the user's own configuration or the environment. The bound on
//! a fetch is on what comes over the wire; git may need more memory than that to unpack it.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::Instant;

use gix::bstr::ByteSlice;

use super::config::Scope;
use super::environment::Environment;
use super::objects::parse_id;
use super::process::{Bounds, Git, Output, ProcessError, Watch};
use super::refs::{RefError, check_name};
use super::remote_url::{RemoteUrl, Scheme};
use super::repository::{OpenError, Repository};
use super::scratch::Scratch;
pub use super::scratch::Store;

/// What git may take to list the references of a remote: room for a million of them.
const LISTING: Bounds = Bounds {
    memory: 256 << 20,
    read: 64 << 20,
};
/// What git may hold of a fetch at once, in bytes.
const FETCH_MEMORY: u64 = 512 << 20;

/// Why a remote could not be asked, fetched from or pushed to.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No answer before the deadline.
    #[error("no answer in time")]
    Silent,
    /// It could not be reached, or ended the conversation. The text is the remote's and git's.
    #[error("could not be reached: {0}")]
    Unreachable(String),
    /// It wanted to send more than allowed.
    #[error("it sent more than allowed")]
    TooLarge,
    /// It made git take more memory than allowed.
    #[error("what it sent takes more memory than allowed")]
    TooHungry,
    /// The reference to be fetched is not there.
    #[error("it has no '{0}'")]
    NoSuchRef(String),
    /// It answered what makes no sense.
    #[error("its answer makes no sense: {0}")]
    BadAnswer(String),
    /// Something on our side failed.
    #[error("cannot talk to remotes: {0}")]
    Local(String),
}

/// How much history is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// All of it.
    Full,
    /// Only the newest commit; needs [`Store::Scratch`].
    One,
    /// What is newer than what the scratch repository got before, wherever its history is cut
    /// off: nothing older comes. The commits given as `haves` must have come through it.
    Newer,
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushOutcome {
    /// The remote says it has it.
    Done,
    /// It was refused, by git here or by the remote; why, in their words.
    Refused(String),
}

/// A fetch.
#[derive(Debug, Clone, Copy)]
pub struct Fetch<'a> {
    /// From where.
    pub url: &'a RemoteUrl,
    /// The full name of the reference there.
    pub name: &'a str,
    /// How much.
    pub depth: Depth,
    /// Commits that are here with all their history, so that only what is new need come.
    pub haves: &'a [gix::ObjectId],
    /// How many bytes may come.
    pub max_bytes: u64,
}

/// A way to talk to remotes on behalf of a repository.
pub struct Transport {
    environment: Environment,
    format: gix::hash::Kind,
    scratch: Scratch,
    extra_headers: Vec<(Vec<u8>, Vec<u8>)>,
    plain_ssh: bool,
}

impl Repository {
    /// A way to talk to remotes, from a scratch repository that is made at `scratch_dir`.
    pub fn transport(&self, scratch_dir: &Path, store: Store) -> Result<Transport, TransportError> {
        let local = |e: &dyn std::fmt::Display| TransportError::Local(e.to_string());
        let config = self.config().map_err(|e| local(&e))?;
        let scratch = Scratch::open(self, scratch_dir, store).map_err(|e| local(&e))?;
        let environment = self.environment().clone();
        let says_how = |name| environment.get(name).is_some();
        let plain_ssh = !says_how("GIT_SSH_COMMAND")
            && !says_how("GIT_SSH")
            && config.get("core.sshCommand", Scope::Trusted).is_none();
        Ok(Transport {
            format: self.object_format(),
            scratch,
            extra_headers: config.local_values(|key| {
                key.starts_with(b"http.") && key.ends_with(b".extraheader")
                    || key == b"http.extraheader"
            }),
            plain_ssh,
            environment,
        })
    }
}

impl Transport {
    /// The scratch repository, for reading what was fetched into it and for writing what is to be
    /// pushed from it.
    pub fn repository(&self) -> Result<Repository, OpenError> {
        Repository::open(&self.environment, &self.scratch.dir)
    }

    /// Where the reference with this full name stands at the remote; none if it is not there.
    pub fn ls_ref(
        &self,
        url: &RemoteUrl,
        name: &str,
        deadline: Instant,
    ) -> Result<Option<gix::ObjectId>, TransportError> {
        check_name(name).map_err(local_ref)?;
        let output = self
            .git("ls-remote", url, deadline)
            .bounds(LISTING)
            .args(["--quiet", "--end-of-options", url.as_str(), name])
            .run()
            .map_err(process_fault)?;
        let output = reached(output)?;
        let mut found = None;
        for line in output.stdout.lines() {
            let bad = || TransportError::BadAnswer("a line is not an object id and a name".into());
            let (id, listed) = split_once(line, b'\t').ok_or_else(bad)?;
            let id = parse_id(id, self.format).ok_or_else(bad)?;
            // The remote matches the ends of names; ours is the whole name.
            if listed != name.as_bytes() {
                continue;
            }
            if id.is_null() || found.replace(id).is_some() {
                return Err(TransportError::BadAnswer(format!(
                    "it lists '{name}' more than once or as nothing"
                )));
            }
        }
        Ok(found)
    }

    /// Which hash names the objects of a remote, told by the id it lists for this reference;
    /// none if it is not there.
    pub fn remote_format(
        &self,
        url: &RemoteUrl,
        name: &str,
        deadline: Instant,
    ) -> Result<Option<gix::hash::Kind>, TransportError> {
        check_name(name).map_err(local_ref)?;
        let output = self
            .git("ls-remote", url, deadline)
            .bounds(LISTING)
            .args(["--quiet", "--end-of-options", url.as_str(), name])
            .run()
            .map_err(process_fault)?;
        let output = reached(output)?;
        let whole =
            |line: &&[u8]| split_once(line, b'\t').is_some_and(|(_, n)| n == name.as_bytes());
        let Some(line) = output.stdout.lines().find(whole) else {
            return Ok(None);
        };
        let id = split_once(line, b'\t').map_or(line, |(id, _)| id);
        [gix::hash::Kind::Sha1, gix::hash::Kind::Sha256]
            .into_iter()
            .find(|kind| parse_id(id, *kind).is_some())
            .map(Some)
            .ok_or_else(|| TransportError::BadAnswer("it lists no object ids".into()))
    }

    /// Fetches what a reference points to and tells its id. No reference of the repository moves.
    pub fn fetch(
        &self,
        fetch: &Fetch<'_>,
        deadline: Instant,
    ) -> Result<gix::ObjectId, TransportError> {
        self.fetch_watched(fetch, deadline, &|_| ())
    }

    /// As [`Transport::fetch`]; `progress` is told now and then how many bytes have come.
    pub fn fetch_watched(
        &self,
        fetch: &Fetch<'_>,
        deadline: Instant,
        progress: &dyn Fn(u64),
    ) -> Result<gix::ObjectId, TransportError> {
        check_name(fetch.name).map_err(local_ref)?;
        if fetch.depth == Depth::One && self.scratch.store == Store::Main {
            return Err(TransportError::Local(
                "a shallow fetch would make the repository shallow".into(),
            ));
        }
        let call = self.scratch.call().map_err(local_io)?;
        let repository = self
            .repository()
            .map_err(|e| TransportError::Local(e.to_string()))?;
        // Below a commit of the real repository that is shallow, the scratch one would not know
        // where history ends; below one that came through it, it does.
        let whole = self.scratch.store == Store::Main || !self.scratch.main_is_shallow();
        if whole || fetch.depth == Depth::Newer {
            let reader = repository.reader().map_err(local_io)?;
            let held = fetch.haves.iter().filter(|id| reader.holds(**id));
            for (number, id) in held.enumerate() {
                call.have(number, *id).map_err(local_io)?;
            }
        }
        let got = format!("{}/got", call.refs);
        let depth = match fetch.depth {
            Depth::One => Some("--depth=1"),
            Depth::Full if self.scratch.store == Store::Scratch && self.scratch.is_shallow() => {
                Some("--unshallow")
            }
            Depth::Full | Depth::Newer => None,
        };
        let outcome = self
            .git("fetch", fetch.url, deadline)
            // One pack, whatever its size: loose objects could not be told from a bomb.
            .setting("fetch.unpackLimit=1")
            // Larger blobs go through git piece by piece instead of as a whole.
            .setting("core.bigFileThreshold=16m")
            .bounds(Bounds {
                memory: FETCH_MEMORY,
                read: fetch.max_bytes.saturating_add(LISTING.read),
            })
            .setting("core.fsync=all")
            .setting("core.alternateRefsCommand=true")
            .variable("GIT_OBJECT_DIRECTORY", call.objects())
            .args([
                "--quiet",
                "--no-progress",
                "--no-tags",
                "--no-prune",
                "--no-write-fetch-head",
                "--no-write-commit-graph",
                "--no-recurse-submodules",
                "--no-auto-maintenance",
                "--refmap=",
            ])
            .args(depth)
            .args(["--end-of-options", fetch.url.as_str()])
            .arg(format!("+{}:{got}", fetch.name))
            .watch(|| {
                let size = call.size();
                progress(size);
                match size > fetch.max_bytes {
                    true => Watch::Stop,
                    false => Watch::Continue,
                }
            })
            .run();
        let output = outcome.map_err(process_fault)?;
        if call.size() > fetch.max_bytes {
            return Err(TransportError::TooLarge);
        }
        if !output.success() {
            // Git has no exit code for a reference that is not there, so the remote is asked.
            return match self.ls_ref(fetch.url, fetch.name, deadline)? {
                None => Err(TransportError::NoSuchRef(fetch.name.into())),
                Some(_) => Err(TransportError::Unreachable(output.stderr_text())),
            };
        }
        let id = repository
            .find_ref(&got)
            .map_err(local_ref)?
            .ok_or_else(|| TransportError::BadAnswer("git fetched nothing".into()))?;
        self.scratch.accept(&call).map_err(local_io)?;
        Ok(id)
    }

    /// Pushes the commit `id` to the reference with this full name: made if it is not there,
    /// moved forward otherwise, never forced.
    pub fn push(
        &self,
        url: &RemoteUrl,
        id: gix::ObjectId,
        name: &str,
        deadline: Instant,
    ) -> Result<PushOutcome, TransportError> {
        check_name(name).map_err(local_ref)?;
        let output = self
            .git("push", url, deadline)
            .setting("push.gpgSign=false")
            .variable("GIT_OBJECT_DIRECTORY", self.scratch.objects())
            .args([
                "--porcelain",
                "--no-progress",
                "--no-verify",
                "--no-follow-tags",
                "--no-force",
                "--recurse-submodules=no",
                "--end-of-options",
                url.as_str(),
            ])
            .arg(format!("{id}:{name}"))
            .run()
            .map_err(process_fault)?;
        outcome_of(&output, name)
    }

    fn git<'a>(&'a self, subcommand: &str, url: &RemoteUrl, deadline: Instant) -> Git<'a> {
        let mut git = Git::new(&self.environment, subcommand, deadline)
            .directory(&self.scratch.dir)
            .variable("GIT_DIR", &self.scratch.dir);
        if self.plain_ssh {
            // Nobody would see the question, so none is asked.
            git = git.variable("GIT_SSH_COMMAND", "ssh -oBatchMode=yes");
        }
        if matches!(url.scheme(), Scheme::Http | Scheme::Https) {
            // A remote that sends us elsewhere is not the copy it says it is: it could name
            // another mirror, or a machine that only we can reach.
            git = git.setting("http.followRedirects=false");
            git = self.with_extra_headers(git);
        }
        git
    }

    /// By the environment, since everybody can see the arguments of a program.
    fn with_extra_headers<'a>(&'a self, mut git: Git<'a>) -> Git<'a> {
        let mut count: usize = self
            .environment
            .get("GIT_CONFIG_COUNT")
            .and_then(|c| c.to_str())
            .and_then(|c| c.parse().ok())
            .unwrap_or(0);
        for (key, value) in &self.extra_headers {
            if value.iter().any(u8::is_ascii_control) {
                continue;
            }
            let bytes = |b: &[u8]| OsString::from_vec(b.to_vec());
            git = git
                .variable(&format!("GIT_CONFIG_KEY_{count}"), bytes(key))
                .variable(&format!("GIT_CONFIG_VALUE_{count}"), bytes(value));
            count += 1;
        }
        git.variable("GIT_CONFIG_COUNT", count.to_string())
    }
}

/// Reads `git push --porcelain`: one line for our one reference.
fn outcome_of(output: &Output, name: &str) -> Result<PushOutcome, TransportError> {
    let mut outcome = None;
    for line in output.stdout.lines() {
        let mut fields = line.splitn(3, |b| *b == b'\t');
        let (Some(flag), Some(refs), Some(summary)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let ours = refs
            .rfind_byte(b':')
            .and_then(|at| refs.get(at + 1..))
            .is_some_and(|to| to == name.as_bytes());
        if !ours {
            continue;
        }
        let summary = String::from_utf8_lossy(summary).into_owned();
        let this = match flag {
            b" " | b"*" | b"=" => PushOutcome::Done,
            // The line went dead after we had sent: nobody here knows whether it arrived.
            b"!" if summary.starts_with("[remote failure]") => {
                return Err(TransportError::Unreachable(summary));
            }
            b"!" => PushOutcome::Refused(match output.stderr_text() {
                said if said.is_empty() => summary,
                said => format!("{summary}\n{said}"),
            }),
            _ => {
                return Err(TransportError::BadAnswer(format!(
                    "git push says '{summary}'"
                )));
            }
        };
        if outcome.replace(this).is_some() {
            return Err(TransportError::BadAnswer("git push tells twice".into()));
        }
    }
    match outcome {
        Some(PushOutcome::Done) if !output.success() => {
            Err(TransportError::Unreachable(output.stderr_text()))
        }
        Some(outcome) => Ok(outcome),
        None if output.success() => Err(TransportError::BadAnswer("git push tells nothing".into())),
        None => Err(TransportError::Unreachable(output.stderr_text())),
    }
}

fn split_once(line: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = line.find_byte(at)?;
    Some((line.get(..at)?, line.get(at + 1..)?))
}

fn reached(output: Output) -> Result<Output, TransportError> {
    if output.success() {
        Ok(output)
    } else {
        Err(TransportError::Unreachable(output.stderr_text()))
    }
}

fn process_fault(error: ProcessError) -> TransportError {
    match error {
        ProcessError::TimedOut { .. } => TransportError::Silent,
        ProcessError::TooMuch => TransportError::TooLarge,
        ProcessError::TooHungry => TransportError::TooHungry,
        other => TransportError::Local(other.to_string()),
    }
}

fn local_io(error: io::Error) -> TransportError {
    TransportError::Local(error.to_string())
}

fn local_ref(error: RefError) -> TransportError {
    TransportError::Local(error.to_string())
}
