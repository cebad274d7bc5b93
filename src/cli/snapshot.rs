//! `git ledger snapshot`: what changed in configuration and variables since the last one.

use std::path::PathBuf;

use git_ledger::append::{Next, Repeats, group};
use git_ledger::capture::files::{CONFIGURATION, Walked};
use git_ledger::capture::snapshot::{DEFAULT_SCOPE, Previous, Snapshot, is_scope};
use git_ledger::capture::state::{Changes, State};
use git_ledger::capture::variables::{Patterns, Variables};
use git_ledger::commit::Link;
use git_ledger::date::rfc3339;
use git_ledger::escape::{printable, printable_bytes};
use git_ledger::event::SNAPSHOT;
use git_ledger::json::{Object, Value};
use git_ledger::ledger::Ledger;
use git_ledger::report::layout::counted;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::capturing::{self, KeyWanted, broken_files, broken_variables};
use super::ci_context::{self, ContextArgs};
use super::context::{Context, Opened};
use super::events::default_source;
use super::failure::{Exit, Failure};
use super::job::Job;
use super::on_failure;
use super::recording::Recording;
use super::terminal;

/// Changes told one by one to people; the rest is counted.
const TOLD: usize = 20;

/// Record what changed in configuration and variables
///
/// Compares files and variables with the last snapshot of the same scope in the ledger and records
/// one event for each that differs: a file with mode, size and digests, a variable with the HMAC of
/// its value under a key that stays outside the ledger. The first snapshot records where things
/// stand. Where nothing differs nothing is recorded.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// A file or directory; may be given several times
    #[arg(long, value_name = "PATH")]
    config: Vec<PathBuf>,
    /// Variables by name, with * and ?; with ! before it: not these. Only HMACs are recorded
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    env: Vec<String>,
    /// Files whose differences may be recorded line by line, by name, with * ** and ?
    #[arg(long, value_name = "PATTERN")]
    diff: Vec<String>,
    /// A variable whose value may be recorded; its exact name, and not that of a secret
    #[arg(long, value_name = "NAME")]
    value: Vec<String>,
    /// What it is a snapshot of; snapshots of one scope are compared with each other
    #[arg(long, value_name = "NAME", default_value = DEFAULT_SCOPE)]
    scope: String,
    /// Record a snapshot even if nothing changed
    #[arg(long)]
    always: bool,
    /// Digest values with a new key from now on
    #[arg(long)]
    new_digest_key: bool,
    #[command(flatten)]
    context: ContextArgs,
    #[command(flatten)]
    recording: Recording,
    /// Show what would be recorded, and record nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object for each entry
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
In a directory .gitignore and .ledgerignore leave files out, as git does it; both are recorded \
themselves. Links are recorded and not followed. At most 100,000 files, 64 MiB a file, 1 GiB in all.

The key of digests is the file that ledger.<name>.digestKey names, else the file digest-key in the \
ledger's own directory of this repository, made when it is first needed; where no file lasts, as in \
CI, it is GIT_LEDGER_DIGEST_KEY: 64 hexadecimal digits, as 'openssl rand -hex 32' makes them.";

/// Runs `git ledger snapshot`.
pub fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let patterns = Patterns::new(&args.env, &args.value).map_err(broken_variables)?;
    let diff = globs(&args.diff)?;
    if !is_scope(&args.scope) {
        return Err(
            Failure::usage(format!("'{}' is no name for a scope", args.scope)).hint(
                "nothing was recorded; use printable ASCII without spaces, at most 128 bytes",
            ),
        );
    }
    if args.config.is_empty() && patterns.is_empty() {
        return Err(Failure::usage("nothing is named that could be looked at")
            .hint("name files with --config PATH, variables with --env PATTERN"));
    }
    let opened = context.open()?;
    let push = args.recording.remotes(&opened)?;
    let job = args.recording.job(context, &opened, &push);
    // what can only be refused later is refused before anything is read or made
    let previous = last(&job, &args.scope)?;
    let allowed = |name: &[u8]| -> bool {
        use std::os::unix::ffi::OsStrExt as _;
        diff.is_match(std::ffi::OsStr::from_bytes(name))
    };
    let walked = walk(context, &opened, args, previous.as_ref(), &allowed)?;
    let (variables, key) = variables(context, &opened, args, &patterns, previous.as_ref())?;
    let state = State {
        files: walked.files,
        variables,
        key,
    };
    let changes = previous.as_ref().map_or_else(Changes::default, |before| {
        Changes::between(&before.state, &state, &walked.left_out)
    });
    if let Some(before) = &previous
        && changes.is_empty()
        && !args.always
    {
        return unchanged(args, before);
    }
    let ci = ci_context::of(context, &opened, &args.context)?;
    let (source, time) = (default_source(&opened), rfc3339(context.clock()?));
    let snapshot = Snapshot {
        scope: &args.scope,
        source: &source,
        time: &time,
        previous: previous.as_ref(),
        state: &state,
        changes: &changes,
        left_out: walked.left_out.len() as u64,
        diff: &allowed,
        ci: ci.as_ref(),
    };
    let pending = snapshot.events().map_err(|why| {
        Failure::cannot(format!("the snapshot cannot be recorded: {why}"))
            .hint("nothing was recorded")
    })?;
    too_large(&pending)?;
    if !args.json {
        tell(&changes, previous.is_some(), &state)?;
    }
    if args.dry_run {
        return job.rehearse(&Next::Events(group(&pending, usize::MAX)), args.json);
    }
    let outcome = on_failure::record(
        &job,
        &pending,
        usize::MAX,
        Repeats::LeaveOut,
        args.recording.on_failure,
    )?;
    on_failure::finish(&job, &pending, &outcome, args.json)
}

/// The last snapshot of the scope in the ledger.
fn last(job: &Job<'_>, scope: &str) -> Result<Option<Previous>, Failure> {
    let found = job.look_back(|ledger, link| read(ledger, link, scope))?;
    Ok(found.map(|(_, previous)| previous))
}

fn read(ledger: &Ledger, link: &Link, scope: &str) -> Option<Previous> {
    let mut events = link.entry.events.iter().rev();
    events.find_map(|event| {
        if event.kind() != SNAPSHOT || event.subject() != Some(scope) {
            return None;
        }
        let attached = event.attachment().map(|digest| {
            let bytes = ledger.attachment(link, digest).ok()?;
            Value::parse_canonical(&bytes).ok()
        });
        let data = match attached {
            Some(attached) => attached?,
            None => event.data()?.clone(),
        };
        let previous = Previous::read(event.id(), data.as_object()?, scope);
        if previous.is_none() {
            terminal::tell(&format!(
                "warning: entry {} holds a snapshot that cannot be read; an older one is compared with",
                link.entry.number()
            ));
        }
        previous
    })
}

fn walk(
    context: &Context,
    opened: &Opened,
    args: &Args,
    previous: Option<&Previous>,
    allowed: &dyn Fn(&[u8]) -> bool,
) -> Result<Walked, Failure> {
    let mut walked = Walked::default();
    for given in &args.config {
        let root = capturing::root(context, opened, given)?;
        walked
            .add(&root, CONFIGURATION, allowed)
            .map_err(broken_files)?;
    }
    for name in &walked.missing {
        // what was there once may be gone; what never was is a slip of the pen
        let below = [name, &b"/"[..]].concat();
        let known = previous.is_some_and(|before| {
            let mut names = before.state.files.keys();
            names.any(|known| known == name || known.starts_with(&below))
        });
        if !known {
            let name = printable_bytes(name);
            return Err(Failure::usage(format!("there is no '{name}'"))
                .hint("nothing was recorded; --config takes a file or directory"));
        }
    }
    Ok(walked)
}

/// The variables that are looked at, and the id of the key they are digested with.
fn variables(
    context: &Context,
    opened: &Opened,
    args: &Args,
    patterns: &Patterns,
    previous: Option<&Previous>,
) -> Result<(Variables, Option<String>), Failure> {
    if patterns.is_empty() {
        return Ok((Variables::new(), None));
    }
    let wanted = match (args.dry_run, args.new_digest_key) {
        (true, _) => KeyWanted::Passing,
        (false, true) => KeyWanted::New,
        (false, false) => KeyWanted::Present,
    };
    let known = previous.and_then(|before| before.state.key.as_deref());
    let key = capturing::digest_key(context, opened, wanted, known)?;
    if let Some(known) = known.filter(|known| **known != key.id() && !args.new_digest_key) {
        return Err(Failure::cannot(format!(
            "the last snapshot of '{}' digested values with the key {}, and the key here is {}: \
             nobody could tell which values changed",
            printable(&args.scope),
            printable(known),
            key.id()
        ))
        .hint(format!(
            "nothing was recorded; bring that key here (a file named by ledger.{}.digestKey, or {} \
             in CI)",
            opened.settings.name,
            capturing::KEY_VARIABLE
        ))
        .hint("if it is lost, --new-digest-key begins anew, and says so in the record"));
    }
    let found = patterns
        .select(capturing::variables(context), &key)
        .map_err(broken_variables)?;
    Ok((found, Some(key.id())))
}

fn globs(patterns: &[String]) -> Result<GlobSet, Failure> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        let glob = glob.map_err(|why| {
            Failure::usage(format!(
                "'{pattern}' is no pattern of names: {}",
                why.kind()
            ))
            .hint("nothing was recorded")
        })?;
        set.add(glob);
    }
    set.build()
        .map_err(|why| Failure::usage(why.to_string()).hint("nothing was recorded"))
}

fn too_large(pending: &[git_ledger::event::Pending]) -> Result<(), Failure> {
    let most = git_ledger::tree::MAX_ATTACHMENT;
    let bodies = pending.iter().filter_map(|pending| pending.body.as_ref());
    match bodies.map(Vec::len).max() {
        Some(size) if size > most => Err(Failure::cannot(format!(
            "the state of {size} bytes is larger than the {most} that fit into one event"
        ))
        .hint("nothing was recorded; name less, or use several scopes")),
        _ => Ok(()),
    }
}

fn unchanged(args: &Args, before: &Previous) -> Result<Exit, Failure> {
    let text = if args.json {
        let object = Object::new()
            .with("status", "unchanged")
            .with("scope", args.scope.as_str())
            .with("snapshot", before.id.as_str());
        Value::from(object).to_canonical() + "\n"
    } else {
        "nothing changed, and nothing is recorded\n".to_owned()
    };
    terminal::answer(&text, Exit::Done)
}

/// What differs, in a few lines.
fn tell(changes: &Changes, compared: bool, state: &State) -> Result<(), Failure> {
    if !compared {
        return terminal::print(&format!(
            "the first snapshot: {}, {}\n",
            counted(state.files.len(), "file", "files"),
            counted(state.variables.len(), "variable", "variables")
        ));
    }
    let files = changes.files.iter().map(|one| (one.change, &one.name));
    let variables = changes.variables.iter().map(|one| (one.change, &one.name));
    let all: Vec<_> = files.chain(variables).collect();
    let mut text = String::new();
    if changes.other_key {
        text += "values are digested with another key: which of them changed cannot be told\n";
    }
    for (change, name) in all.iter().take(TOLD) {
        text += &format!("{} {}\n", change.word(), printable_bytes(name));
    }
    if let Some(more) = all.len().checked_sub(TOLD + 1) {
        text += &format!("and {} more\n", more + 1);
    }
    terminal::print(&text)
}
