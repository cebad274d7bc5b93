//! `git ledger doctor --fix`: makes the changes that can be made back, and says what was there.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use git_ledger::doctor::{Check, Diagnosis, Fix, State};
use git_ledger::durable;
use git_ledger::escape::printable;
use git_ledger::git::Scope;

use crate::cli::context::{Context, Opened};
use crate::cli::failure::Failure;
use crate::cli::hook::install;

/// Makes every change that the diagnoses offer, each once; a line for each.
pub fn all(
    context: &Context,
    opened: &Opened,
    diagnoses: &[Diagnosis],
    dry_run: bool,
) -> Result<Vec<String>, Failure> {
    // files of another account's would become ours, and lock that account out
    let stranger = diagnoses
        .iter()
        .find(|one| one.check == Check::AccountOwner && one.state == State::Unknown);
    if let Some(stranger) = stranger {
        return Err(Failure::no(stranger.detail.clone())
            .hint(format!("nothing was changed; {} --fix", stranger.mend)));
    }
    let mut fixes: Vec<&Fix> = Vec::new();
    for fix in diagnoses.iter().flat_map(|diagnosis| &diagnosis.fixes) {
        if !fixes.contains(&fix) {
            fixes.push(fix);
        }
    }
    // an installation needs everything else out of its way
    let installs = |fix: &Fix| matches!(fix, Fix::InstallHooks | Fix::InstallTransactionHook);
    fixes.sort_by_key(|fix| installs(fix));
    let mut said = Vec::new();
    for fix in fixes {
        match make(context, opened, fix, dry_run) {
            Ok(lines) => said.extend(lines),
            Err(failure) => said.push(format!("could not mend: {}", failure.message)),
        }
    }
    Ok(said)
}

/// A line of what was changed, as it is shown.
pub fn line(text: &str) -> String {
    format!("{}\n", printable(text))
}

fn make(
    context: &Context,
    opened: &Opened,
    fix: &Fix,
    dry_run: bool,
) -> Result<Vec<String>, Failure> {
    let would = if dry_run { "would " } else { "" };
    match fix {
        Fix::InstallHooks => {
            let said = install::put_in_place(context, &install::Args { dry_run })?;
            Ok(said.lines().map(str::to_owned).collect())
        }
        Fix::InstallTransactionHook => {
            let said = install::put_option_in_place(context, &install::Args { dry_run })?;
            Ok(said.lines().map(str::to_owned).collect())
        }
        Fix::Set { key, value } => {
            let was = opened.config.get(key, Scope::Any);
            let was = was.map_or_else(|| "was not set".to_owned(), |was| format!("was {was}"));
            if !dry_run {
                opened.repository.set_config(key, value)?;
            }
            Ok(vec![format!("{would}set {key} = {value} ({was})")])
        }
        Fix::Chmod { path, mode } => {
            // what it was called a moment ago may be a link to something else by now
            let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
            let file = OpenOptions::new()
                .read(true)
                .custom_flags(flags.bits().cast_signed())
                .open(path)?;
            let was = file.metadata()?.mode() & 0o7777;
            if !dry_run {
                file.set_permissions(Permissions::from_mode(*mode))?;
            }
            let path = path.display();
            Ok(vec![format!(
                "{would}chmod {mode:04o} '{path}' (was {was:04o})"
            )])
        }
        Fix::PutAside(path) => {
            let to = aside(opened, path)?;
            if !dry_run {
                if let Some(dir) = to.parent() {
                    durable::create_dir_all(dir)?;
                }
                fs::rename(path, &to)?;
            }
            let (path, to) = (path.display(), to.display());
            Ok(vec![format!("{would}move '{path}' to '{to}'")])
        }
    }
}

/// A free name under this program's own directory.
fn aside(opened: &Opened, path: &Path) -> Result<PathBuf, Failure> {
    let dir = opened.ledger.state_dir().join("put-aside");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    (1..10_000)
        .map(|number| dir.join(format!("{name}.{number}")))
        .find(|place| fs::symlink_metadata(place).is_err())
        .ok_or_else(|| Failure::cannot(format!("'{}' is full", dir.display())))
}
