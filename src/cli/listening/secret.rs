//! A secret of a server: from a file or a variable, never from the command line, where every user
//! of the machine could read it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::terminal;

/// The most a file of a secret may hold, in bytes.
const MAX_FILE: u64 = 4096;

/// The secret in a file, or `env:NAME`.
///
/// # Errors
/// When it cannot be read; `usage` is how it is given.
pub fn read(context: &Context, place: &str, usage: &str) -> Result<Vec<u8>, Failure> {
    match place.strip_prefix("env:") {
        Some(name) => variable(context, name),
        None => file(context, place, usage),
    }
}

fn variable(context: &Context, name: &str) -> Result<Vec<u8>, Failure> {
    use std::os::unix::ffi::OsStrExt as _;
    let value = context.environment.get(name).ok_or_else(|| {
        Failure::usage(format!("the variable '{name}' is not set"))
            .hint("it was named as the place of a secret")
    })?;
    Ok(value.as_bytes().to_vec())
}

/// The first and only line of a file.
fn file(context: &Context, place: &str, usage: &str) -> Result<Vec<u8>, Failure> {
    let path = context.directory.join(place);
    let cannot = |why: std::io::Error| {
        Failure::usage(format!(
            "cannot read the secret in '{}': {why}",
            path.display()
        ))
        .hint(format!("a secret is given as {usage}"))
    };
    warn_of_readers(&path);
    let mut text = git_ledger::durable::read(&path, MAX_FILE).map_err(cannot)?;
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    Ok(text)
}

fn warn_of_readers(path: &Path) {
    let mode = std::fs::metadata(path).map(|found| found.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        terminal::tell(&format!(
            "warning: others may read '{}'",
            git_ledger::escape::printable(&path.to_string_lossy())
        ));
        terminal::hint("chmod 600: who has the secret can do what it is for");
    }
}
