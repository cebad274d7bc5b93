//! What goes into an event of the CI system it is recorded on: the flags for it, and the reading of
//! environment and files by the rules of [`git_ledger::ci`].

use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use clap::ValueEnum as _;

use git_ledger::ci::{self, Ci, System, payload};
use git_ledger::git::Scope;
use git_ledger::json::{Object, Value};

use super::context::{Context, Opened};
use super::failure::Failure;
use super::hook::settings::account;
use super::oidc::{self, OidcArgs};
use super::terminal;

/// The member of an event's data, or of a CDEvent's customData, that holds it.
pub const MEMBER: &str = "ci";
/// The member of it that holds what a token said.
const VOUCHED: &str = "oidc";

/// Which system is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Wanted {
    /// The one that says it is here; a shell if none does.
    Auto,
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Gitea Actions.
    Gitea,
    /// Forgejo Actions.
    Forgejo,
    /// Jenkins.
    Jenkins,
    /// Buildkite.
    Buildkite,
    /// A shell: the account alone.
    Shell,
    /// Nothing is taken.
    None,
}

/// Flags of every verb that records where it ran.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ContextArgs {
    /// Whose variables are taken into the event [default: ledger.context, else auto]
    ///
    /// From a CI system, by a list of names: who, which commit and ref, which run with its address,
    /// which job, environment and change, and its event reduced to what happened. From a shell the
    /// name of the account alone. They are claims of whoever set the variables.
    #[arg(long, value_enum, value_name = "SYSTEM", hide_default_value = true)]
    pub context: Option<Wanted>,
    /// Take nothing of where this runs into the event
    #[arg(long, conflicts_with = "context")]
    pub no_context: bool,
    #[command(flatten)]
    pub oidc: OidcArgs,
}

impl ContextArgs {
    /// Nothing is taken: for verbs whose events are about the ledger itself.
    pub fn nothing() -> ContextArgs {
        ContextArgs {
            context: Some(Wanted::None),
            ..ContextArgs::default()
        }
    }

    /// Whether anything was asked for by a flag, which events from elsewhere do not have.
    pub fn asked(&self) -> bool {
        self.context.is_some_and(|wanted| wanted != Wanted::None) || self.oidc.asked()
    }

    /// What the flags say, else the settings.
    fn wanted(&self, opened: &Opened) -> Result<Wanted, Failure> {
        if self.no_context {
            return Ok(Wanted::None);
        }
        if let Some(wanted) = self.context {
            return Ok(wanted);
        }
        let own = format!("ledger.{}.context", opened.settings.name);
        for key in [own.as_str(), "ledger.context"] {
            if let Some(word) = opened.config.get(key, Scope::Any) {
                return Wanted::from_str(&word, true).map_err(|_| {
                    Failure::cannot(format!("{key} is no system that is known here: '{word}'"))
                        .hint("nothing was recorded; it takes what --context takes, such as auto or none")
                });
            }
        }
        Ok(Wanted::Auto)
    }
}

/// What is known of where this runs, for `data.ci`; none where nothing is to be taken.
///
/// # Errors
/// When the system that was asked for is not the one this runs on; nothing was recorded.
pub fn of(
    context: &Context,
    opened: &Opened,
    args: &ContextArgs,
) -> Result<Option<Object>, Failure> {
    let env = |name: &str| {
        let value = context.environment.get(name)?;
        Some(value.as_bytes().to_vec())
    };
    let system = match args.wanted(opened)? {
        Wanted::None if args.oidc.asked() => {
            return Err(Failure::usage(
                "--oidc is about where this runs, and nothing of that is to be taken",
            )
            .hint("nothing was recorded; leave --no-context or ledger.context=none out"));
        }
        Wanted::None => return Ok(None),
        Wanted::Auto => None,
        Wanted::Shell => Some(System::Shell),
        Wanted::Github => Some(System::Github),
        Wanted::Gitlab => Some(System::Gitlab),
        Wanted::Gitea => Some(System::Gitea),
        Wanted::Forgejo => Some(System::Forgejo),
        Wanted::Jenkins => Some(System::Jenkins),
        Wanted::Buildkite => Some(System::Buildkite),
    };
    let found = match system {
        None => ci::detect(&env).unwrap_or_else(shell),
        Some(System::Shell) => shell(),
        Some(system) => ci::of(system, &env).ok_or_else(|| {
            Failure::usage(format!(
                "this is no job of {system}: {} is not set",
                system.mark()
            ))
            .hint("nothing was recorded; --context auto takes the system that is here")
        })?,
    };
    if !found.claimed_by.is_empty() {
        let names: Vec<&str> = found
            .claimed_by
            .iter()
            .map(|system| system.word())
            .collect();
        if args.oidc.asked() {
            return Err(Failure::usage(format!(
                "the variables of {} contradict each other: whose token is it?",
                names.join(" and ")
            ))
            .hint("nothing was recorded; say which system this is with --context"));
        }
        terminal::tell(&format!(
            "warning: the variables of {} contradict each other; nothing is taken of them",
            names.join(" and ")
        ));
        terminal::hint("say which it is with --context, or --no-context");
    }
    let mut object = found.object();
    if let Some(payload) = event(&found) {
        object.set("payload", payload);
    }
    if let Some(verified) = oidc::of(context, opened, &args.oidc, &found)? {
        object.set(VOUCHED, verified);
    }
    Ok(Some(object))
}

/// Puts the context into an event's data.
///
/// An event that says something there itself, or whose data is no object, stays as it is.
///
/// # Errors
/// When there is no room for what a token said; nothing was recorded.
pub fn into_data(data: Option<Value>, ci: Object) -> Result<Value, Failure> {
    let why = match data {
        None => return Ok(Object::new().with(MEMBER, ci).into()),
        Some(Value::Object(ref data)) if data.get(MEMBER).is_some() => {
            "the data has a member 'ci' of its own"
        }
        Some(Value::Object(data)) => return Ok(data.with(MEMBER, ci).into()),
        Some(_) => "the data is no JSON object",
    };
    if ci.get(VOUCHED).is_some() {
        return Err(
            Failure::usage(format!("there is no room for what --oidc brings: {why}"))
                .hint("nothing was recorded"),
        );
    }
    terminal::tell(&format!("warning: the context is left out: {why}"));
    terminal::hint("--no-context leaves it out without a word");
    Ok(data.unwrap_or(Value::Null))
}

fn shell() -> Ci {
    ci::shell(&account().unwrap_or_default())
}

/// The event that started the run, reduced; none where the system has no file for it.
fn event(ci: &Ci) -> Option<Object> {
    let path = Path::new(std::ffi::OsStr::from_bytes(ci.payload()?));
    let warn = |why: &str| {
        terminal::tell(&format!(
            "warning: the run's event in '{}' is not taken: {why}",
            git_ledger::escape::printable(&path.to_string_lossy())
        ));
    };
    // a pipe does not keep us waiting
    let opened = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32)
        .open(path)
        .and_then(|file| Ok((file.metadata()?, file)));
    let (meta, file) = match opened {
        Ok((meta, file)) if meta.is_file() => (meta, file),
        Ok(_) => {
            warn("it is no file");
            return None;
        }
        Err(why) => {
            warn(&why.to_string());
            return None;
        }
    };
    let mut body = Vec::new();
    if let Err(why) = file
        .take(payload::LONGEST as u64 + 1)
        .read_to_end(&mut body)
    {
        warn(&why.to_string());
        return None;
    }
    if body.len() > payload::LONGEST {
        warn(&format!("it is larger than {} bytes", payload::LONGEST));
        return Some(payload::too_large(meta.len()));
    }
    let reduced = payload::reduce(&body);
    if reduced.get("unread").is_some() {
        warn("it is no JSON object that all readers agree on; its digest is kept");
    }
    Some(reduced)
}
