//! What `run` and `snapshot` share: the key of digests, paths and their names, the environment as
//! bytes, and what goes wrong with them.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use git_ledger::capture::files::{FileFault, Root};
use git_ledger::capture::variables::VariableFault;
use git_ledger::escape::printable;
use git_ledger::git::Scope;
use git_ledger::mac::{DigestKey, KeyFault};

use super::context::{Context, Opened};
use super::failure::Failure;
use super::terminal;

/// The variable that holds the key of digests where no file can, as in CI.
pub const KEY_VARIABLE: &str = "GIT_LEDGER_DIGEST_KEY";
/// The variable that holds the key that signs; as little a command's business.
pub const SIGNING_KEY_VARIABLE: &str = "GIT_LEDGER_KEY";

/// What was there already is used, or a new key is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyWanted {
    /// The key there is; made when there is none and none is named.
    Present,
    /// A new one in place of the one there is.
    New,
    /// The key there is, else one that is forgotten afterwards: nothing is written.
    Passing,
}

/// The key of digests: of the variable, of the file that is configured, or of this repository.
/// Where what is compared with was digested with the key called `known`, no other is made.
pub fn digest_key(
    context: &Context,
    opened: &Opened,
    wanted: KeyWanted,
    known: Option<&str>,
) -> Result<DigestKey, Failure> {
    let user = rustix::process::geteuid().as_raw();
    if let Some(text) = context.environment.get(KEY_VARIABLE) {
        if wanted == KeyWanted::New {
            return Err(Failure::usage(format!(
                "--new-digest-key makes a file, and {KEY_VARIABLE} goes before all files"
            ))
            .hint("nothing was recorded"));
        }
        // the text itself is never told
        return DigestKey::parse(text.as_bytes()).map_err(|why| {
            Failure::usage(format!("{KEY_VARIABLE} is no key: {why}"))
                .hint("nothing was recorded; make one with: openssl rand -hex 32")
        });
    }
    let setting = format!("ledger.{}.digestKey", opened.settings.name);
    let named = opened.config.get(&setting, Scope::Any);
    let path = match &named {
        Some(text) => expand(context, text),
        None => opened.ledger.state_dir().join("digest-key"),
    };
    let kept = match (wanted, DigestKey::read(&path, user)) {
        (KeyWanted::Present | KeyWanted::Passing, Err(KeyFault::Io { why, .. }))
            if why.kind() == io::ErrorKind::NotFound =>
        {
            match (&named, known) {
                (_, Some(known)) if wanted == KeyWanted::Present => {
                    return Err(Failure::cannot(format!(
                        "the values before were digested with the key {}, and there is no key in '{}'",
                        printable(known),
                        path.display()
                    ))
                    .hint(format!(
                        "nothing was recorded; bring that key here (a file that {setting} names, or \
                         {KEY_VARIABLE} in CI)"
                    ))
                    .hint("if it is lost, --new-digest-key begins anew, and says so in the record"));
                }
                (Some(_), _) if wanted == KeyWanted::Present => {
                    return Err(Failure::cannot(format!(
                        "there is no key of digests in '{}', which {setting} names",
                        path.display()
                    ))
                    .hint("nothing was recorded; --new-digest-key makes one there"));
                }
                _ => None,
            }
        }
        (KeyWanted::Present | KeyWanted::Passing, read) => return read.map_err(broken_key),
        (KeyWanted::New, Ok(old)) => {
            let kept = path.with_extension(format!("of-{}", old.id()));
            std::fs::rename(&path, &kept).map_err(|why| {
                Failure::cannot(format!("cannot move '{}' away: {why}", path.display()))
            })?;
            Some(kept)
        }
        (KeyWanted::New, Err(KeyFault::Io { why, .. }))
            if why.kind() == io::ErrorKind::NotFound =>
        {
            None
        }
        (KeyWanted::New, Err(fault)) => return Err(broken_key(fault)),
    };
    let mut random = [0; 32];
    getrandom::fill(&mut random)
        .map_err(|why| Failure::cannot(format!("the system gives no random numbers: {why}")))?;
    if wanted == KeyWanted::Passing {
        return Ok(DigestKey::new(random));
    }
    if let Some(kept) = kept {
        terminal::tell(&format!("the old key is kept in '{}'", kept.display()));
    }
    let key = DigestKey::make(&path, random, user).map_err(broken_key)?;
    terminal::hint(&format!(
        "the key of digests is in '{}': keep it, and keep it secret; under another key nobody can \
         tell which values changed",
        path.display()
    ));
    Ok(key)
}

fn broken_key(fault: KeyFault) -> Failure {
    let failure = Failure::cannot(format!("no key of digests: {fault}"));
    match fault {
        KeyFault::Exposed { .. } => {
            failure.hint("nothing was recorded; mend it, or make another with --new-digest-key")
        }
        _ => failure.hint("nothing was recorded"),
    }
}

fn expand(context: &Context, text: &str) -> PathBuf {
    match (text.strip_prefix("~/"), context.environment.home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => opened_path(context, Path::new(text)),
    }
}

fn opened_path(context: &Context, path: &Path) -> PathBuf {
    context.directory.join(path)
}

/// A path that was given, and what it is called in the record: from the top of the work tree where
/// it lies there, else from the root.
pub fn root(context: &Context, opened: &Opened, given: &Path) -> Result<Root, Failure> {
    let cannot = |why: io::Error| {
        Failure::cannot(format!("cannot look at '{}': {why}", given.display()))
            .hint("nothing was recorded")
    };
    if given.as_os_str().is_empty() {
        return Err(Failure::usage("a path is empty").hint("nothing was recorded"));
    }
    let path = opened_path(context, given);
    // all links on the way are followed, once; one at the end is what was asked for
    let resolved = match path.symlink_metadata() {
        Ok(metadata) if !metadata.is_symlink() => path.canonicalize().map_err(cannot)?,
        _ => match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => match parent.canonicalize() {
                Ok(parent) => parent.join(name),
                Err(why) if why.kind() == io::ErrorKind::NotFound => path.clone(),
                Err(why) => return Err(cannot(why)),
            },
            _ => path.clone(),
        },
    };
    let top = opened
        .repository
        .work_tree()
        .and_then(|top| top.canonicalize().ok());
    let below = top.and_then(|top| resolved.strip_prefix(top).ok().map(Path::to_owned));
    let name = match below {
        Some(below) => below.as_os_str().as_bytes().to_vec(),
        None => resolved.as_os_str().as_bytes().to_vec(),
    };
    Ok(Root {
        path: resolved,
        name,
    })
}

/// The environment as bytes, without the key of digests.
pub fn variables(context: &Context) -> impl Iterator<Item = (&[u8], &[u8])> {
    let all = context.environment.variables();
    all.filter(|(name, _)| *name != KEY_VARIABLE && *name != SIGNING_KEY_VARIABLE)
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
}

/// What is wrong with files that were to be recorded.
pub fn broken_files(fault: FileFault) -> Failure {
    let failure = Failure::cannot(fault.to_string()).hint("nothing was recorded");
    match fault {
        FileFault::Racy(_) => failure.hint("run it again when nobody writes there"),
        fault if fault.is_bound() => {
            failure.hint("name less, or leave it out with a line in a .ledgerignore beside it")
        }
        _ => failure,
    }
}

/// What is wrong with variables that were to be recorded.
pub fn broken_variables(fault: VariableFault) -> Failure {
    let failure = Failure::usage(fault.to_string()).hint("nothing was recorded");
    match fault {
        VariableFault::SecretName(_) | VariableFault::SecretValue(_) => {
            failure.hint("--env records that it changed, and not what it is")
        }
        _ => failure,
    }
}
