//! Whether the hooks are in force, and whether they could do their work.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use git_ledger::escape::printable;
use git_ledger::event::{BASELINE, GAP, PUSH, REFS_CHANGED};
use git_ledger::git::Scope;
use git_ledger::hook::push_event::CERTIFICATE;
use git_ledger::json::{Object, Value};
use git_ledger::ledger::LedgerError;
use git_ledger::policy::Role;
use git_ledger::report::verdict::{clean, number};

use crate::cli::context::{Context, Opened};
use crate::cli::failure::{Exit, Failure};
use crate::cli::terminal;

use super::install::{
    BEFORE, Found, OPTION, SCRIPTS, SETTINGS, hooks_dir, is_executable, look, stamped,
};

/// What the hooks record.
const RECORDED: &[&str] = &[PUSH, CERTIFICATE, REFS_CHANGED, BASELINE, GAP];

/// Options of status.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs `git ledger hook status`.
pub fn status(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let opened = context.open()?;
    let mut checks: Vec<(String, Option<String>)> = Vec::new();
    let dir = opened.repository.common_dir().join("hooks");
    if let Err(failure) = hooks_dir(&opened) {
        checks.push(("hooks directory".into(), Some(failure.message)));
    }
    let option = look(&dir.join(OPTION.0), b"")?;
    let option = matches!(option, Found::Ours | Found::Older).then_some(&OPTION);
    for (name, text) in SCRIPTS.iter().chain(option) {
        let path = dir.join(name);
        let chained = is_executable(&dir.join(format!("{name}{BEFORE}")));
        let and = if chained {
            ", calls the hook that was there before"
        } else {
            ""
        };
        checks.push((format!("{name}{and}"), hook_fault(&path, text)?));
    }
    for key in SETTINGS {
        let on = opened.config.get_bool(key, Scope::Any) == Some(true);
        checks.push((
            format!("{key} = true"),
            (!on).then(|| "it is not set".to_owned()),
        ));
    }
    checks.push((
        format!("the ledger {} can be written", opened.settings.reference),
        can_record(context, &opened).err(),
    ));
    let mut waiting = 0;
    for (outstanding, _) in super::settings::under_way(&opened) {
        waiting += outstanding.list()?.len();
    }
    let faulty = checks.iter().any(|(_, fault)| fault.is_some());
    let exit = if faulty { Exit::No } else { Exit::Done };
    if args.json {
        let checks = checks.into_iter().map(|(what, fault)| {
            let ok = Value::Bool(fault.is_none());
            let why = fault.map_or(Value::Null, |why| clean(&why));
            Object::new()
                .with("what", clean(&what))
                .with("ok", ok)
                .with("why", why)
                .into()
        });
        let object = Object::new()
            .with("ok", Value::Bool(!faulty))
            .with("checks", checks.collect::<Vec<Value>>())
            .with("reference_transaction", Value::Bool(option.is_some()))
            .with(
                "waiting",
                number(u64::try_from(waiting).unwrap_or(u64::MAX)),
            );
        return terminal::answer(&(Value::from(object).to_canonical() + "\n"), exit);
    }
    let mut said = String::new();
    for (what, fault) in &checks {
        let word = if fault.is_some() { "no" } else { "ok" };
        let why = fault
            .as_ref()
            .map(|why| format!(": {why}"))
            .unwrap_or_default();
        let line = printable(&format!("{what}{why}"));
        writeln!(said, "{word:3} {line}").ok();
    }
    if waiting > 0 {
        writeln!(said, "    {waiting} changes whose outcome is not known yet; 'git ledger reconcile' closes those that died").ok();
    }
    if faulty {
        terminal::hint("'git ledger hook install' mends the hooks and the settings");
    }
    terminal::answer(&said, exit)
}

/// Why a hook is not in force, if it is not.
fn hook_fault(path: &Path, text: &str) -> Result<Option<String>, Failure> {
    let program = std::env::current_exe()?;
    Ok(match look(path, &stamped(text, &program))? {
        Found::Nothing => Some("it is not there".into()),
        Found::Foreign => Some("another hook is in its place".into()),
        Found::Ours | Found::Older if !is_executable(path) => {
            Some("it is not executable, so git passes it over".into())
        }
        Found::Ours => None,
        Found::Older => {
            let written = fs::read(path)?;
            let named = written
                .split(|byte| *byte == b'\n')
                .find_map(|line| line.strip_prefix(b"program='")?.strip_suffix(b"'"));
            let named = named.map(|path| PathBuf::from(std::ffi::OsStr::from_bytes(path)));
            match named.filter(|named| is_executable(named)) {
                Some(named) if stamped(text, &named) == written => None,
                _ => Some("it is of another version or names a program that is gone".into()),
            }
        }
    })
}

/// Whether the ledger can take an event of a push, by its policy and with the key at hand.
pub fn can_record(context: &Context, opened: &Opened) -> Result<(), String> {
    let tip = opened.ledger.tip().map_err(|why| match why {
        LedgerError::Absent(_) => format!("{why}; 'git ledger init' makes one"),
        other => other.to_string(),
    })?;
    let signer = context
        .signer(&opened.config, &opened.settings.name, None)
        .map_err(|failure| failure.message)?;
    let key = signer.public_key();
    let row = tip.policy.row(key).map(|(_, row)| row);
    let may = row.is_some_and(|row| {
        !row.retired
            && (row.has(Role::Writer) || row.has(Role::Admin))
            && RECORDED.iter().all(|kind| row.allows_type(kind))
    });
    if may {
        Ok(())
    } else {
        Err(format!(
            "the policy does not let {} record pushes",
            key.fingerprint()
        ))
    }
}
