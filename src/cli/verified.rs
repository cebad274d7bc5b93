//! Where the key of whoever verifies is kept, and whether configuration asks for what is new only.

use std::path::{Path, PathBuf};

use git_ledger::git::Scope;
use git_ledger::mac::KeyFault;
use git_ledger::verified::{Extent, Key};

use super::context::{Context, Opened};
use super::failure::Failure;
use super::terminal;

/// The key that seals what verifications leave behind, in the user's own state directory: no
/// repository's configuration has a say in where it is.
pub fn key(context: &Context) -> Result<Key, KeyFault> {
    let state = state_dir(context)?;
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|why| no_directory(&why.to_string()))?;
    Key::of(&state, user(), random)
}

/// Whose state this is.
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn no_directory(why: &str) -> KeyFault {
    KeyFault::Io {
        path: PathBuf::from("$XDG_STATE_HOME, $HOME"),
        why: std::io::Error::other(why.to_owned()),
    }
}

/// The user's own directory for this program's state: no repository's configuration has a say in
/// where it is.
///
/// # Errors
/// When neither variable names a directory.
pub fn state_dir(context: &Context) -> Result<PathBuf, KeyFault> {
    let environment = &context.environment;
    // relative paths count for nothing there, says the specification of these directories
    let absolute = |path: &Path| path.is_absolute().then(|| path.to_owned());
    let state = environment.get("XDG_STATE_HOME").map(Path::new);
    let state = state.and_then(absolute).or_else(|| {
        let home = environment.home().and_then(absolute)?;
        Some(home.join(".local/state"))
    });
    let state = state.ok_or_else(|| no_directory("neither names a directory"))?;
    Ok(state.join("git-ledger"))
}

/// How much `ledger.<name>.verify`, or `ledger.verify`, says is to be read. Who may write into the
/// repository's configuration can ask for all of it and never for less.
///
/// # Errors
/// When a value is no word that is known.
pub fn configured(opened: &Opened) -> Result<Extent, Failure> {
    let keys = [
        format!("ledger.{}.verify", opened.settings.name),
        "ledger.verify".to_owned(),
    ];
    let said = |scope| -> Result<Extent, Failure> {
        for key in &keys {
            let Some(text) = opened.config.get(key, scope) else {
                continue;
            };
            return match text.as_str() {
                "full" => Ok(Extent::All),
                "incremental" => Ok(Extent::New),
                _ => Err(Failure::usage(format!(
                    "{key} says neither full nor incremental: '{text}'"
                ))
                .hint("--full and --incremental go before it")),
            };
        }
        Ok(Extent::All)
    };
    match (said(Scope::Any)?, said(Scope::Trusted)?) {
        (Extent::New, Extent::All) => {
            terminal::tell(
                "warning: that little is verified stands in the repository's own configuration, and is \
                 not obeyed",
            );
            terminal::hint(
                "if you want it, set it for yourself: git config --global ledger.verify incremental",
            );
            Ok(Extent::All)
        }
        (any, _) => Ok(any),
    }
}
