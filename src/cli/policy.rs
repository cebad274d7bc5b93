//! `git ledger policy`: who may write what, and how that changes.

use std::path::PathBuf;
use std::process::Command;

use git_ledger::append::{Next, Repeats};
use git_ledger::escape::printable;
use git_ledger::event::{Event, POLICY_CHANGED};
use git_ledger::json::{Object, Value};
use git_ledger::ledger::Tip;
use git_ledger::merkle::hex;
use git_ledger::policy::{Policy, Role, Signer as Row};
use git_ledger::principal::Principal;
use git_ledger::signature::PublicKey;

use super::context::{Context, Opened, random_id};
use super::failure::{Exit, Failure};
use super::job::Job;
use super::terminal;

/// Show and change who may write what
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Show the policy in force
    Show(ShowArgs),
    /// Let a key in
    AddSigner(AddArgs),
    /// Let a principal, or one key, sign nothing from the next entry on
    Retire(RetireArgs),
    /// Change the policy in an editor, or take it from a file
    Edit(EditArgs),
}

/// Show the policy in force
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// Print one JSON object
    #[arg(long, conflicts_with = "toml")]
    json: bool,
    /// Print ledger.toml as it stands
    #[arg(long)]
    toml: bool,
}

/// What every change takes.
#[derive(Debug, clap::Args)]
pub struct ChangeArgs {
    /// Show the change, and make none
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Push to remotes, the first of which decides
    #[arg(long, value_name = "REMOTE", num_args = 0..)]
    push: Vec<String>,
    /// Sign with this key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

/// Let a key in
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// Whose key it is
    principal: String,
    /// The public key, or a file that holds it
    public_key: String,
    /// What it may do
    #[arg(long = "role", value_enum, required = true)]
    roles: Vec<RoleName>,
    /// Event types it may record, exact or with a final * [default: all]
    #[arg(long = "type", value_name = "PATTERN")]
    types: Vec<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Let a principal, or one key, sign nothing from the next entry on
#[derive(Debug, clap::Args)]
pub struct RetireArgs {
    /// A principal, a key's fingerprint (SHA256:…), or a public key
    who: String,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Change the policy in an editor, or take it from a file
#[derive(Debug, clap::Args)]
pub struct EditArgs {
    /// Take the new policy from this file, or - for standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// A role on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum RoleName {
    /// Records events
    Writer,
    /// Changes the policy, and may do all that the others may
    Admin,
    /// Records reviews, findings and checkpoints
    Auditor,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Role {
        match name {
            RoleName::Writer => Role::Writer,
            RoleName::Admin => Role::Admin,
            RoleName::Auditor => Role::Auditor,
        }
    }
}

/// Runs `git ledger policy …`.
pub fn run(context: &Context, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Show(args) => show(context, &args),
        Verb::AddSigner(args) => change(context, &args.change, |tip| add(tip, &args)),
        Verb::Retire(args) => change(context, &args.change, |tip| retire(tip, &args.who)),
        Verb::Edit(args) => change(context, &args.change, |tip| edit(context, tip, &args)),
    }
}

fn show(context: &Context, args: &ShowArgs) -> Result<Exit, Failure> {
    let opened = context.open_to_read()?;
    let Tip { link, policy, .. } = opened.ledger.tip()?;
    if args.toml {
        return terminal::answer(&policy.to_toml(), Exit::Done);
    }
    if args.json {
        let signers = policy.signers.iter().map(|row| {
            let roles: Vec<Value> = row.roles.iter().map(|role| role.word().into()).collect();
            let types: Vec<Value> = row.types.iter().map(|kind| kind.as_str().into()).collect();
            Value::from(
                Object::new()
                    .with("principal", row.principal.as_str())
                    .with("key", row.key.to_text())
                    .with("fingerprint", row.key.fingerprint())
                    .with("roles", roles)
                    .with("types", types)
                    .with("retired", row.retired),
            )
        });
        let object = Object::new()
            .with("id", policy.id.as_str())
            .with("name", policy.name.as_str())
            .with("digest", format!("sha256:{}", hex(&policy.digest())))
            .with(
                "threshold",
                git_ledger::report::verdict::number(policy.threshold),
            )
            .with("signers", signers.collect::<Vec<_>>());
        return terminal::answer(&(Value::from(object).to_canonical() + "\n"), Exit::Done);
    }
    let mut text = format!(
        "ledger     {} ({})\nin force   after entry {}, as this copy claims; 'git ledger verify' checks it\n\
         threshold  {} of {} admins\n\n",
        printable(&policy.name),
        policy.id,
        link.entry.number(),
        policy.threshold,
        policy.admins().len(),
    );
    for row in &policy.signers {
        let roles: Vec<&str> = row.roles.iter().map(|role| role.word()).collect();
        let types = if row.types.is_empty() {
            String::new()
        } else {
            format!(" only {}", row.types.join(", "))
        };
        let retired = if row.retired { " (retired)" } else { "" };
        text += &format!(
            "{:<24} {}{retired}\n",
            row.principal.to_string(),
            roles.join(", ") + &types
        );
        text += &format!("{:24} {} {}\n", "", row.key.kind(), row.key.fingerprint());
    }
    for row in &policy.compromised {
        text += &format!(
            "compromised since entry {}: {}\n",
            row.since,
            row.key.fingerprint()
        );
    }
    for row in &policy.mirrors {
        text += &format!("mirror {} {}\n", printable(&row.name), printable(&row.url));
    }
    terminal::answer(&text, Exit::Done)
}

fn add(tip: &Tip, args: &AddArgs) -> Result<Policy, Failure> {
    let principal = Principal::parse(&args.principal).ok_or_else(|| {
        Failure::usage(format!("'{}' is no principal", args.principal))
            .hint("a principal is 1 to 64 of a-z 0-9 . _ + @ : / - and begins and ends with a letter or digit")
    })?;
    let key = public_key(&args.public_key)?;
    if let Some((_, row)) = tip.policy.row(&key) {
        let state = if row.retired {
            "and is retired for good"
        } else {
            "already"
        };
        return Err(
            Failure::no(format!("the key belongs to '{}' {state}", row.principal))
                .hint("a key stands in one row for ever; make a new one"),
        );
    }
    let mut roles: Vec<Role> = args.roles.iter().map(|role| (*role).into()).collect();
    roles.sort();
    roles.dedup();
    let mut policy = tip.policy.clone();
    policy.signers.push(Row {
        principal,
        key,
        roles,
        types: args.types.clone(),
        retired: false,
    });
    Ok(policy)
}

/// The text of a public key, or a file that holds one; a comment behind it is dropped.
fn public_key(text: &str) -> Result<PublicKey, Failure> {
    let from_file = if text.contains(' ') {
        None
    } else {
        Some(std::fs::read_to_string(text))
    };
    let line = match from_file {
        None => text.to_owned(),
        Some(Ok(content)) => content.lines().next().unwrap_or_default().to_owned(),
        Some(Err(why)) => {
            return Err(
                Failure::usage(format!("cannot read the public key '{text}': {why}"))
                    .hint("give the path of a .pub file, or the key in quotes"),
            );
        }
    };
    let words: Vec<&str> = line.split_whitespace().take(2).collect();
    PublicKey::parse_text(&words.join(" ")).map_err(|why| {
        Failure::usage(format!("'{text}' is no public key a ledger takes: {why}"))
            .hint("ssh-keygen -t ed25519 makes one that is")
    })
}

fn retire(tip: &Tip, who: &str) -> Result<Policy, Failure> {
    let mut policy = tip.policy.clone();
    let mut met = 0;
    for row in policy.signers.iter_mut().filter(|row| !row.retired) {
        if row.principal.as_str() == who || row.key.fingerprint() == who || row.key.to_text() == who
        {
            row.retired = true;
            met += 1;
        }
    }
    if met == 0 {
        return Err(
            Failure::no(format!("no unretired key of '{who}' in the policy"))
                .hint("'git ledger policy show' lists them"),
        );
    }
    Ok(policy)
}

fn edit(context: &Context, tip: &Tip, args: &EditArgs) -> Result<Policy, Failure> {
    let text = match &args.file {
        Some(path) => super::events::read(path)?,
        None => in_editor(context, &tip.policy.to_toml())?,
    };
    Policy::parse_any_spelling(&text).map_err(|finding| {
        Failure::no(format!(
            "the policy breaks a rule: {}: {}",
            finding.id, finding.detail
        ))
        .hint("nothing was changed")
    })
}

/// Opens the user's editor, as git finds it, on a copy.
fn in_editor(context: &Context, text: &str) -> Result<Vec<u8>, Failure> {
    let environment = &context.environment;
    let configured = git_ledger::git::Config::of_user(environment)?
        .get("core.editor", git_ledger::git::Scope::Trusted);
    let variable = |name: &str| {
        environment
            .get(name)
            .map(|value| value.to_string_lossy().into_owned())
    };
    let editor = variable("GIT_EDITOR")
        .or(configured)
        .or_else(|| variable("VISUAL"))
        .or_else(|| variable("EDITOR"))
        .unwrap_or_else(|| "vi".into());
    let file = tempfile::Builder::new()
        .prefix("ledger-")
        .suffix(".toml")
        .tempfile()?;
    std::fs::write(file.path(), text)?;
    // the editor is the user's own setting and may hold arguments; it gets no shell
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = Command::new(program)
        .args(words)
        .arg(file.path())
        .status()
        .map_err(|why| {
            Failure::cannot(format!("the editor '{editor}' cannot be started: {why}"))
                .hint("set GIT_EDITOR, or use --file")
        })?;
    if !status.success() {
        return Err(
            Failure::cannot(format!("the editor '{editor}' failed")).hint("nothing was changed")
        );
    }
    Ok(std::fs::read(file.path())?)
}

/// Shows what changes, asks, and appends the policy entry.
fn change(
    context: &Context,
    args: &ChangeArgs,
    make: impl FnOnce(&Tip) -> Result<Policy, Failure>,
) -> Result<Exit, Failure> {
    let opened = context.open()?;
    let tip = opened.ledger.tip()?;
    let policy = make(&tip)?;
    if policy == tip.policy {
        return Err(Failure::no("the policy would stay as it is"));
    }
    Policy::parse(policy.to_toml().as_bytes()).map_err(|finding| {
        Failure::no(format!(
            "the policy breaks a rule: {}: {}",
            finding.id, finding.detail
        ))
        .hint("nothing was changed")
    })?;
    let lines = difference(&tip.policy.to_toml(), &policy.to_toml());
    terminal::print(
        &lines
            .iter()
            .map(|line| printable(line) + "\n")
            .collect::<String>(),
    )?;
    if args.dry_run {
        return Ok(Exit::Done);
    }
    if !args.yes && terminal::can_ask() && !terminal::ask("sign this change?")? {
        return Err(Failure::no("not changed"));
    }
    let event = event(&opened, &tip, &policy, &lines)?;
    let next = Next::Policy {
        policy: Box::new(policy),
        event,
        approvals: Vec::new(),
    };
    let job = Job {
        context,
        opened: &opened,
        key: args.key.as_deref(),
        timeout: args.timeout,
        push: &args.push,
    };
    let recorded = job.append(&next, Repeats::Impossible)?;
    let text: String = recorded
        .iter()
        .map(|recorded| {
            format!(
                "recorded {}\n  digest sha256:{}\n  commit {}\n",
                printable(&recorded.link.entry.subject()),
                hex(&recorded.link.digest()),
                recorded.link.id
            )
        })
        .collect();
    terminal::answer(&text, Exit::Done)
}

/// Lines with `-` that go, and with `+` that come, in order; the policies are short.
fn difference(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old
        .iter()
        .skip(head)
        .rev()
        .zip(new.iter().skip(head).rev())
        .take_while(|(a, b)| a == b)
        .count();
    let middle = |lines: &[&str], sign: &str| -> Vec<String> {
        lines
            .iter()
            .skip(head)
            .take(lines.len().saturating_sub(head + tail))
            .map(|line| format!("{sign}{line}"))
            .collect()
    };
    let mut lines = middle(&old, "-");
    lines.extend(middle(&new, "+"));
    lines
}

fn event(opened: &Opened, tip: &Tip, policy: &Policy, lines: &[String]) -> Result<Event, Failure> {
    let difference: Vec<Value> = lines
        .iter()
        .take(100)
        .map(|line| line.as_str().into())
        .collect();
    let data = Object::new()
        .with("before", format!("sha256:{}", hex(&tip.policy.digest())))
        .with("after", format!("sha256:{}", hex(&policy.digest())))
        .with("difference", difference);
    let object = Object::new()
        .with("specversion", "1.0")
        .with("type", POLICY_CHANGED)
        .with("id", random_id()?)
        .with("source", format!("urn:git-ledger:{}", policy.id))
        .with("subject", opened.settings.name.as_str())
        .with("data", data);
    Event::from_object(object).map_err(|why| Failure::cannot(why.to_string()))
}
