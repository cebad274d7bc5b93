//! `git ledger init --github` and its like: the ledger, a key for builds, the files that record
//! what happens on the host, and what only people can do there.

use std::path::Path;

use git_ledger::escape::printable;
use git_ledger::git::{Direction, Repository, Scope};
use git_ledger::json::{Object, Value};
use git_ledger::ledger::Ledger;
use git_ledger::policy::Policy;

use super::build_key::{self, BuildKey};
use super::files::{self, State};
use super::rules::{self, Site};
use super::{Args, Beginning, begin, reference};
use crate::cli::context::{Context, Opened};
use crate::cli::failure::{Exit, Failure};
use crate::cli::hook::install;
use crate::cli::terminal;

/// Where the repository is kept, and what is set up for that.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Host")]
pub struct HostArgs {
    /// Write a workflow and an action for GitHub Actions
    #[arg(long, group = "host")]
    github: bool,
    /// Write a component for GitLab CI
    #[arg(long, group = "host")]
    gitlab: bool,
    /// Write a workflow and an action for Gitea Actions
    #[arg(long, group = "host")]
    gitea: bool,
    /// Write a workflow and an action for Forgejo Actions
    #[arg(long, group = "host")]
    forgejo: bool,
    /// Put the hooks in place: this repository is where others push to
    #[arg(long, group = "host", conflicts_with_all = ["ci_key", "force"])]
    server: bool,
    /// Make a key for builds, and let it in
    #[arg(long, requires = "host")]
    ci_key: bool,
    /// Replace files that were changed
    #[arg(long, requires = "host")]
    force: bool,
}

/// A kind of host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    GitHub,
    GitLab,
    Gitea,
    Forgejo,
    Server,
}

impl Host {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Host::GitHub => "github",
            Host::GitLab => "gitlab",
            Host::Gitea => "gitea",
            Host::Forgejo => "forgejo",
            Host::Server => "server",
        }
    }
}

impl HostArgs {
    /// The host that was named.
    pub fn host(&self) -> Option<Host> {
        [
            (self.github, Host::GitHub),
            (self.gitlab, Host::GitLab),
            (self.gitea, Host::Gitea),
            (self.forgejo, Host::Forgejo),
            (self.server, Host::Server),
        ]
        .into_iter()
        .find_map(|(named, host)| named.then_some(host))
    }
}

/// The ledger that is set up for: one that is there, or one that begins.
enum Found {
    There(Box<Opened>, Box<Policy>),
    Begins(Box<Beginning>),
    /// One that would begin, with a key that is not made for a rehearsal.
    Would {
        name: String,
        reference: String,
    },
}

impl Found {
    /// One line, for people.
    fn told(&self) -> String {
        let (words, name, reference) = match self {
            Found::There(opened, policy) => (
                "is there already, on",
                &policy.name,
                opened.ledger.reference(),
            ),
            Found::Begins(beginning) => {
                ("begins on", &beginning.name, beginning.ledger.reference())
            }
            Found::Would { name, reference } => (
                "would begin, signed by a new key, on",
                name,
                reference.as_str(),
            ),
        };
        format!(
            "the ledger '{}' {words} {}\n",
            printable(name),
            printable(reference)
        )
    }
}

/// Runs `git ledger init` for a host.
pub fn run(context: &Context, args: &Args, host: Host) -> Result<Exit, Failure> {
    let repository = context.repository()?;
    if host == Host::Server {
        return serve(context, args);
    }
    let Some(top) = repository.work_tree().map(Path::to_owned) else {
        return Err(Failure::usage(format!(
            "--{} writes files, and a bare repository has no place for them",
            host.word()
        ))
        .hint("run it in a clone; --server sets up the repository that others push to"));
    };
    let branch = reference(args);
    let branch = branch.strip_prefix("refs/heads/").unwrap_or(&branch);
    let wanted = files::of(host, branch, &top)?;
    let looked = files::look(&top, wanted)?;
    if !args.dry_run && !args.host.force {
        refuse_changed(&looked)?;
    }
    let there = there(context, &repository, &reference(args))?;
    let name = match (&there, &args.name) {
        (Some((_, policy)), _) => policy.name.clone(),
        (None, Some(name)) => name.clone(),
        (None, None) => super::directory_name(&repository),
    };
    let key = args
        .host
        .ci_key
        .then(|| {
            if args.dry_run {
                build_key::look(&repository, host, &name)
            } else {
                build_key::make(&repository, host, &name)
            }
        })
        .transpose()?;
    let found = match there {
        Some((opened, policy)) => Found::There(Box::new(opened), Box::new(policy)),
        None if args.dry_run && args.new_key && !super::has_own_key(&repository) => Found::Would {
            name: name.clone(),
            reference: reference(args),
        },
        None => {
            let row = key.as_ref().and_then(BuildKey::row);
            let beginning = begin(context, args, row.into_iter().collect())?;
            Found::Begins(Box::new(beginning))
        }
    };
    let site = site(&repository, &found, branch, key.as_ref());
    if args.dry_run {
        let text = rehearsal(&found, &looked, key.as_ref(), &rules::steps(host, &site));
        let json =
            json(host, &found, &looked, key.as_ref(), &site, State::word).with("status", "dry-run");
        return answer(args, &text, json);
    }
    if let Found::Begins(beginning) = &found {
        beginning.carry_out(context)?;
    }
    for file in looked.iter().filter(|file| file.state != State::Same) {
        files::write(&top, file)?;
    }
    let mut text = match &found {
        Found::Begins(beginning) => beginning.text() + "\n",
        other => other.told() + "\n",
    };
    for file in &looked {
        text += &format!("{:<9} {}\n", file.state.done(), printable(&file.path));
    }
    text += &numbered(&rules::steps(host, &site));
    let json = json(host, &found, &looked, key.as_ref(), &site, State::done).with("status", "done");
    answer(args, &text, json)
}

fn answer(args: &Args, text: &str, json: Object) -> Result<Exit, Failure> {
    if args.json {
        terminal::answer(&(Value::from(json).to_canonical() + "\n"), Exit::Done)
    } else {
        terminal::answer(text, Exit::Done)
    }
}

/// The ledger, if it is here, and its policy.
fn there(
    context: &Context,
    repository: &Repository,
    reference: &str,
) -> Result<Option<(Opened, Policy)>, Failure> {
    let mut opened = context.open()?;
    opened.ledger = Ledger::new(repository.clone(), reference.to_owned());
    if opened.ledger.tip_id()?.is_none() {
        return Ok(None);
    }
    let policy = opened.ledger.tip()?.policy;
    Ok(Some((opened, policy)))
}

fn refuse_changed(looked: &[files::File]) -> Result<(), Failure> {
    let changed: Vec<&files::File> = looked
        .iter()
        .filter(|file| matches!(file.state, State::Differs(_)))
        .collect();
    let Some(first) = changed.first() else {
        return Ok(());
    };
    let failure = Failure::no(match changed.len() {
        1 => format!("'{}' is there already, and differs", first.path),
        many => format!("{many} files are there already, and differ"),
    });
    let failure = changed.iter().fold(failure, |failure, file| {
        failure.hint(format!("{}: {}", file.path, file.difference()))
    });
    Err(failure
        .hint("nothing was done; --dry-run shows the differences, --force replaces the files"))
}

fn site<'a>(
    repository: &Repository,
    found: &Found,
    branch: &'a str,
    key: Option<&'a BuildKey>,
) -> Site<'a> {
    let config = repository.config().unwrap_or_default();
    let remote = config
        .get("remote.origin.url", Scope::Any)
        .and_then(|_| config.remote_url("origin", Direction::Push));
    let (fingerprint, let_in) = match found {
        Found::Begins(beginning) => (Some(beginning.fingerprint()), true),
        Found::There(opened, policy) => {
            let fingerprint = opened.settings.fingerprint;
            let fingerprint =
                fingerprint.map(|digest| format!("sha256:{}", git_ledger::merkle::hex(&digest)));
            (fingerprint, key.is_some_and(|key| key.is_let_in(policy)))
        }
        Found::Would { .. } => (None, true),
    };
    Site {
        branch,
        remote,
        fingerprint,
        key,
        let_in,
    }
}

fn rehearsal(
    found: &Found,
    looked: &[files::File],
    key: Option<&BuildKey>,
    steps: &[rules::Step],
) -> String {
    let mut text = match found {
        Found::Begins(beginning) => beginning.rehearsal(),
        other => other.told(),
    };
    if let Some(key) = key.filter(|key| key.public.is_none()) {
        text += &format!(
            "would make a key for builds at '{}', and let it in as {}\n",
            printable(&key.path.to_string_lossy()),
            key.principal
        );
    }
    for file in looked {
        text += &match &file.state {
            State::Same => format!("\nas it should be: {}\n", printable(&file.path)),
            State::Missing | State::Differs(_) => {
                format!(
                    "\nwould write {}\n{}",
                    printable(&file.path),
                    file.difference_shown()
                )
            }
        };
    }
    text + &numbered(steps)
}

fn numbered(steps: &[rules::Step]) -> String {
    let mut text = String::from("\nwhat remains to be done by hand:\n");
    for (at, step) in steps.iter().enumerate() {
        text += &format!("{:>2}. {}\n", at + 1, printable(&step.what));
        for command in &step.commands {
            text += &format!("      {}\n", printable(command));
        }
    }
    text
}

fn json(
    host: Host,
    found: &Found,
    looked: &[files::File],
    key: Option<&BuildKey>,
    site: &Site<'_>,
    word: fn(&State) -> &'static str,
) -> Object {
    let mut object = match found {
        Found::Begins(beginning) => beginning.json().with("begins", true),
        Found::There(opened, policy) => Object::new()
            .with("name", policy.name.as_str())
            .with("ref", opened.ledger.reference())
            .with("begins", false),
        Found::Would { name, reference } => Object::new()
            .with("name", name.as_str())
            .with("ref", reference.as_str())
            .with("begins", true),
    };
    if let (Found::There(..), Some(fingerprint)) = (found, &site.fingerprint) {
        object.set("fingerprint", fingerprint.as_str());
    }
    let files = looked.iter().map(|file| {
        Value::from(
            Object::new()
                .with("path", file.path.as_str())
                .with("state", word(&file.state)),
        )
    });
    object.set("host", host.word());
    object.set("files", files.collect::<Vec<_>>());
    if let Some(key) = key {
        let mut shown = Object::new()
            .with("path", key.path.to_string_lossy().into_owned())
            .with("principal", key.principal.as_str())
            .with("let_in", site.let_in);
        if let Some(public) = &key.public {
            shown.set("fingerprint", public.fingerprint());
        }
        object.set("build_key", shown);
    }
    let secrets: Vec<Value> = rules::SECRETS.iter().map(|name| (*name).into()).collect();
    object.set("secrets", secrets);
    object.set("steps", steps_json(&rules::steps(host, site)));
    object
}

fn steps_json(steps: &[rules::Step]) -> Vec<Value> {
    let step = |step: &rules::Step| {
        let commands: Vec<Value> = step
            .commands
            .iter()
            .map(|one| one.as_str().into())
            .collect();
        Value::from(
            Object::new()
                .with("what", step.what.as_str())
                .with("commands", commands),
        )
    };
    steps.iter().map(step).collect()
}

/// The repository that others push to: the ledger, and the hooks that record and guard.
fn serve(context: &Context, args: &Args) -> Result<Exit, Failure> {
    let repository = context.repository()?;
    let there = there(context, &repository, &reference(args))?;
    let beginning = match there {
        Some(_) => None,
        None => Some(begin(context, args, Vec::new())?),
    };
    if !args.dry_run
        && let Some(beginning) = &beginning
    {
        beginning.carry_out(context)?;
    }
    let placed = install::Args {
        dry_run: args.dry_run,
    };
    let placed = install::put_in_place(context, &placed)?;
    let steps = rules::steps_of_server();
    let mut object = match (&beginning, &there) {
        (Some(beginning), _) => beginning.json().with("begins", true),
        (None, Some((opened, policy))) => Object::new()
            .with("name", policy.name.as_str())
            .with("ref", opened.ledger.reference())
            .with("begins", false),
        (None, None) => Object::new(),
    };
    let lines: Vec<Value> = placed.lines().map(Value::from).collect();
    object.set("host", Host::Server.word());
    object.set("hooks", lines);
    object.set("steps", steps_json(&steps));
    let status = if args.dry_run { "dry-run" } else { "done" };
    object.set("status", status);
    let mut text = match (&beginning, args.dry_run) {
        (Some(beginning), true) => beginning.rehearsal() + "\n",
        (Some(beginning), false) => beginning.text() + "\n",
        (None, _) => String::new(),
    };
    text += &placed;
    text += &numbered(&steps);
    answer(args, &text, object)
}
