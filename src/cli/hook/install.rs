//! Puts the hooks in place and takes them out again, leaving things as they were.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use git_ledger::durable;
use git_ledger::escape::printable;
use git_ledger::git::{Git, Repository, Scope};
use git_ledger::json::{Object, Value};

use crate::cli::context::{Context, Opened};
use crate::cli::failure::{Exit, Failure};
use crate::cli::terminal;

/// The scripts, and the line by which one of ours is known whoever installed it.
pub const SCRIPTS: &[(&str, &str)] = &[
    ("pre-receive", include_str!("../../../hooks/pre-receive")),
    ("post-receive", include_str!("../../../hooks/post-receive")),
];
/// The one that is put in place only where it is asked for.
pub const OPTION: (&str, &str) = (
    "reference-transaction",
    include_str!("../../../hooks/reference-transaction"),
);
const OURS: &[u8] = b"# Put here by `git ledger hook install`;";
/// Where the scripts name the program.
const PLACE: &str = "@PROGRAM@";
/// What a hook that was there before is called now, after its own name.
pub const BEFORE: &str = ".before-ledger";

/// Settings that the hooks rest on.
pub const SETTINGS: &[&str] = &[
    "receive.denyNonFastForwards",
    "receive.denyDeletes",
    "receive.fsckObjects",
    "receive.advertisePushOptions",
];
/// What git should have on disk when it says that a push is done; set where nobody has set it.
const FSYNC: (&str, &str) = ("core.fsync", "committed,reference");

/// Options of install.
#[derive(Debug, clap::Args)]
pub struct InstallArgs {
    /// Also record refs that move in the repository itself, and refuse what cannot be recorded
    ///
    /// Sees git update-ref, branch, tag, fetch and the like, by whoever may write the repository
    /// and has not switched hooks off. Each change costs an entry.
    #[arg(long)]
    reference_transaction: bool,
    #[command(flatten)]
    options: Options,
}

/// Options of install and uninstall.
#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(flatten)]
    args: Args,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// How hooks are put in place, whoever does it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show what would be changed, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What was changed in the configuration: a key, our value, and what stood there before.
type Changed = BTreeMap<String, (String, Vec<String>)>;

/// A file in the hooks directory.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Ours,
    /// One of ours for another program or of another version.
    Older,
    Foreign,
}

/// What becomes of the hook that is an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transactions {
    Wanted,
    AsItIs,
}

/// Runs `git ledger hook install`.
pub fn install(context: &Context, args: &InstallArgs) -> Result<Exit, Failure> {
    let transactions = if args.reference_transaction {
        Transactions::Wanted
    } else {
        Transactions::AsItIs
    };
    let said = place(context, &args.options.args, transactions)?;
    answer(&args.options, &said, Exit::Done)
}

/// What was done, a line each, as it was asked for.
fn answer(options: &Options, said: &str, exit: Exit) -> Result<Exit, Failure> {
    if !options.json {
        return terminal::answer(said, exit);
    }
    let lines: Vec<Value> = said.lines().map(Value::from).collect();
    let object = Object::new()
        .with("dry_run", options.args.dry_run)
        .with("changes", lines);
    terminal::answer(&(Value::from(object).to_canonical() + "\n"), exit)
}

/// Puts the hooks and their settings in place, or tells what it would do.
pub fn put_in_place(context: &Context, args: &Args) -> Result<String, Failure> {
    place(context, args, Transactions::AsItIs)
}

/// The same, with the hook that is an option.
pub fn put_option_in_place(context: &Context, args: &Args) -> Result<String, Failure> {
    place(context, args, Transactions::Wanted)
}

fn place(context: &Context, args: &Args, transactions: Transactions) -> Result<String, Failure> {
    let opened = context.open()?;
    let dir = hooks_dir(&opened)?;
    let mut scripts = SCRIPTS.to_vec();
    let there = look(&dir.join(OPTION.0), b"")?;
    let there = matches!(there, Found::Ours | Found::Older);
    if transactions == Transactions::Wanted || there {
        if opened.repository.oddities()?.reftable {
            return Err(Failure::no(
                "this repository keeps its refs in a reftable, where nothing can be recorded while a transaction holds the only lock there is",
            )
            .hint("install without --reference-transaction; 'git ledger reconcile' finds afterwards what it would have seen"));
        }
        scripts.push(OPTION);
    }
    let program = std::env::current_exe()?;
    let local = local_values(&opened.repository)?;
    let mut changed = read_state(&opened)?.unwrap_or_default();
    let mut said = String::new();
    let would = if args.dry_run { "would " } else { "" };

    let mut set: Vec<(&str, &str)> = SETTINGS
        .iter()
        .map(|key| (*key, "true"))
        .filter(|(key, _)| opened.config.get_bool(key, Scope::Any) != Some(true))
        .collect();
    if opened.config.get(FSYNC.0, Scope::Any).is_none() {
        set.push(FSYNC);
    }
    for (key, value) in &set {
        let was = local
            .get(&key.to_ascii_lowercase())
            .cloned()
            .unwrap_or_default();
        let shown = if was.is_empty() {
            "was not set".to_owned()
        } else {
            format!("was {}", printable(&was.join(", ")))
        };
        writeln!(said, "{would}set {key} = {value} ({shown})").ok();
        changed
            .entry((*key).to_owned())
            .or_insert_with(|| ((*value).to_owned(), was));
    }
    let mut moves = Vec::new();
    let mut writes = Vec::new();
    for (name, text) in scripts {
        let path = dir.join(name);
        let script = stamped(text, &program);
        let found = look(&path, &script)?;
        if found == Found::Foreign {
            let to = dir.join(format!("{name}{BEFORE}"));
            if fs::symlink_metadata(&to).is_ok() {
                return Err(Failure::no(format!(
                    "there are both '{}' and '{}'",
                    path.display(),
                    to.display()
                ))
                .hint("one of them was put there after an installation; join them by hand"));
            }
            writeln!(
                said,
                "{would}keep the {name} hook that is there as '{name}{BEFORE}', and call it too"
            )
            .ok();
            moves.push((path.clone(), to));
        }
        if found != Found::Ours {
            writeln!(said, "{would}write {}", path.display()).ok();
            writes.push((path, script));
        }
    }
    if said.is_empty() {
        said.push_str("everything is in place already\n");
    }
    if !args.dry_run {
        // what was there before is on disk before it is changed
        write_state(&opened, &changed)?;
        for (key, value) in set {
            opened.repository.set_config(key, value)?;
        }
        durable::create_dir_all(&dir)?;
        for (from, to) in moves {
            fs::rename(from, to)?;
        }
        for (path, script) in writes {
            write_script(&path, &script)?;
        }
        if let Err(why) = super::status::can_record(context, &opened) {
            terminal::tell(&format!(
                "warning: pushes will be refused until this is mended: {}",
                printable(&why)
            ));
        }
        terminal::hint(
            "'git ledger reconcile' records where the refs stand; from then on each push compares them",
        );
        if opened
            .config
            .get("receive.certNonceSeed", Scope::Any)
            .is_none()
        {
            terminal::hint(
                "signed pushes are recorded too: git config receive.certNonceSeed \"$(openssl rand -hex 20)\"",
            );
        }
    }
    Ok(said)
}

/// Runs `git ledger hook uninstall`.
pub fn uninstall(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let args = &options.args;
    let opened = context.open()?;
    let dir = opened.repository.common_dir().join("hooks");
    let local = local_values(&opened.repository)?;
    let would = if args.dry_run { "would " } else { "" };
    let (mut said, mut left) = (String::new(), 0);
    for (name, _) in SCRIPTS.iter().chain([&OPTION]) {
        let (path, before) = (dir.join(name), dir.join(format!("{name}{BEFORE}")));
        match look(&path, b"")? {
            Found::Ours | Found::Older => {
                writeln!(said, "{would}remove {}", path.display()).ok();
                if !args.dry_run {
                    durable::remove(&path)?;
                }
            }
            Found::Foreign => {
                writeln!(said, "left {}: it is not ours", path.display()).ok();
                left += 1;
                continue;
            }
            Found::Nothing => {}
        }
        if fs::symlink_metadata(&before).is_ok() {
            writeln!(said, "{would}put back the {name} hook that was there").ok();
            if !args.dry_run {
                fs::rename(&before, &path)?;
                durable::sync_dir(&dir)?;
            }
        }
    }
    for (key, (set, was)) in read_state(&opened)?.unwrap_or_default() {
        let now = local.get(&key.to_ascii_lowercase());
        if now.is_none_or(|now| *now != [set.as_str()]) {
            writeln!(said, "left {key}: it was changed since").ok();
            left += 1;
            continue;
        }
        let shown = if was.is_empty() {
            "not set".to_owned()
        } else {
            printable(&was.join(", "))
        };
        writeln!(said, "{would}put back {key}: {shown}").ok();
        if !args.dry_run {
            opened.repository.unset_config(&key)?;
            for value in was {
                opened.repository.add_config(&key, &value)?;
            }
        }
    }
    if !args.dry_run {
        durable::remove(&state_file(&opened))?;
    }
    if said.is_empty() && !options.json {
        said.push_str("there was nothing to take out\n");
    }
    let exit = if left > 0 { Exit::Unknown } else { Exit::Done };
    answer(options, &said, exit)
}

/// Where git looks for the hooks of this repository; only its own directory will do.
pub fn hooks_dir(opened: &Opened) -> Result<PathBuf, Failure> {
    let repository = &opened.repository;
    let own = repository.common_dir().join("hooks");
    let elsewhere = opened
        .config
        .get_path("core.hooksPath", Scope::Any, repository.environment());
    let Some(elsewhere) = elsewhere else {
        return Ok(own);
    };
    let base = repository.work_tree().unwrap_or(repository.git_dir());
    let there = base.join(&elsewhere);
    if there == own
        || there
            .canonicalize()
            .is_ok_and(|dir| Some(dir) == own.canonicalize().ok())
    {
        return Ok(own);
    }
    Err(Failure::no(format!(
        "core.hooksPath sends git to '{}' for hooks, which other repositories may share",
        elsewhere.display()
    ))
    .hint(format!(
        "for this repository: git config core.hooksPath '{}', then copy the hooks it needs there",
        own.display()
    )))
}

pub fn look(path: &Path, script: &[u8]) -> Result<Found, Failure> {
    match fs::symlink_metadata(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(why) => Err(why.into()),
        Ok(file) if !file.is_file() || file.len() > 1 << 20 => Ok(Found::Foreign),
        Ok(_) => {
            let bytes = fs::read(path)?;
            Ok(if bytes == script && is_executable(path) {
                Found::Ours
            } else if bytes
                .split(|byte| *byte == b'\n')
                .any(|line| line.starts_with(OURS))
            {
                Found::Older
            } else {
                Found::Foreign
            })
        }
    }
}

pub fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// The script with the program's path in it, quoted for the shell.
pub fn stamped(text: &str, program: &Path) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for byte in program.as_os_str().as_bytes() {
        match byte {
            b'\'' => quoted.extend_from_slice(b"'\\''"),
            other => quoted.push(*other),
        }
    }
    quoted.push(b'\'');
    match text.split_once(PLACE) {
        Some((head, tail)) => [head.as_bytes(), &quoted, tail.as_bytes()].concat(),
        None => text.as_bytes().to_vec(),
    }
}

/// Whole and executable at once: git passes over a hook that is not executable yet.
fn write_script(path: &Path, script: &[u8]) -> Result<(), Failure> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".tmp-")
        .permissions(fs::Permissions::from_mode(0o777))
        .tempfile_in(dir)?;
    file.write_all(script)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|why| why.error)?;
    Ok(durable::sync_dir(dir)?)
}

/// All values of the repository's own configuration file, by key in lower case.
fn local_values(repository: &Repository) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let output = Git::new(repository.environment(), "config", deadline)
        .arg("--file")
        .arg(repository.common_dir().join("config"))
        .args(["--list", "-z"])
        .run()
        .map_err(|why| Failure::cannot(why.to_string()))?;
    if !output.success() {
        return Err(Failure::cannot(output.stderr_text()));
    }
    let mut values = BTreeMap::<String, Vec<String>>::new();
    for item in String::from_utf8_lossy(&output.stdout).split_terminator('\0') {
        let (key, value) = item.split_once('\n').unwrap_or((item, "true"));
        values
            .entry(key.to_ascii_lowercase())
            .or_default()
            .push(value.to_owned());
    }
    Ok(values)
}

fn state_file(opened: &Opened) -> PathBuf {
    opened.ledger.state_dir().join("hooks.json")
}

fn read_state(opened: &Opened) -> Result<Option<Changed>, Failure> {
    let path = state_file(opened);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why.into()),
    };
    let parse = || -> Option<Changed> {
        let value = Value::parse(&bytes).ok()?;
        let config = value.as_object()?.get("config")?.as_object()?;
        config
            .iter()
            .map(|(key, change)| {
                let change = change.as_object()?;
                let set = change.get("set")?.as_str()?.to_owned();
                let was = change.get("was")?.as_array()?;
                let was = was.iter().map(|value| Some(value.as_str()?.to_owned()));
                Some((key.to_owned(), (set, was.collect::<Option<_>>()?)))
            })
            .collect()
    };
    parse().map(Some).ok_or_else(|| {
        Failure::cannot(format!("'{}' makes no sense", path.display())).hint(
            "it tells what the configuration was before 'hook install'; remove it if you know",
        )
    })
}

fn write_state(opened: &Opened, changed: &Changed) -> Result<(), Failure> {
    let mut config = Object::new();
    for (key, (set, was)) in changed {
        let was: Vec<Value> = was
            .iter()
            .map(|value| Value::from(value.as_str()))
            .collect();
        config.set(
            key.as_str(),
            Object::new().with("set", set.as_str()).with("was", was),
        );
    }
    let text = Value::from(Object::new().with("config", config)).to_canonical() + "\n";
    durable::create_dir_all(&opened.ledger.state_dir())?;
    Ok(durable::write(&state_file(opened), text.as_bytes())?)
}
