//! Where alerts go, as the command line and the user's own configuration say it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git_ledger::alert::{self, Alert, Channel, Program, SOCKET, Surroundings, Webhook, annotation};
use git_ledger::git::Scope;
use git_ledger::watch::State;
use git_ledger::webhook::{Scheme, Secret};

use super::Args;
use crate::cli::capturing::variables;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::listening::secret;
use crate::cli::terminal;

/// All channels of a watch.
pub struct Channels {
    channels: Vec<Channel>,
    around: Surroundings,
    /// Where a workflow's summary is written.
    summary: Option<PathBuf>,
}

impl Channels {
    /// Those that were asked for, or are configured, or standard error.
    pub fn new(context: &Context, args: &Args) -> Result<Channels, Failure> {
        let opened = context.open()?;
        let key = |what: &str| format!("ledger.{}.{what}", opened.settings.name);
        let words = match args.alert.as_slice() {
            [] => {
                let own = opened.config.get_all(&key("alert"), Scope::Trusted);
                if own != opened.config.get_all(&key("alert"), Scope::Any) {
                    terminal::tell(&format!(
                        "warning: {} stands in the repository's own configuration and is not obeyed",
                        key("alert")
                    ));
                    terminal::hint(&format!(
                        "if you want it, set it for yourself: git config --global --add {} …",
                        key("alert")
                    ));
                }
                own
            }
            words => words.to_vec(),
        };
        let place = args
            .alert_secret
            .clone()
            .or_else(|| opened.config.get(&key("alertSecret"), Scope::Trusted));
        let secret = place
            .map(|place| -> Result<Secret, Failure> {
                let text = secret::read(context, &place, "FILE or env:NAME")?;
                Secret::new(Scheme::StandardWebhooks, &text).map_err(|why| {
                    Failure::usage(format!("the secret of webhooks: {why}"))
                        .hint("(printf whsec_; openssl rand -base64 32) > FILE makes a good one")
                })
            })
            .transpose()?;
        let file = |name: &str| context.environment.get(name).map(PathBuf::from);
        let certificates = file("GIT_SSL_CAINFO")
            .or_else(|| {
                opened
                    .config
                    .get_path("http.sslCAInfo", Scope::Trusted, &context.environment)
            })
            .or_else(|| file("SSL_CERT_FILE"));
        let mut channels = Vec::new();
        for word in &words {
            let channel = channel(word, secret.as_ref(), certificates.as_deref())?;
            if channels
                .iter()
                .all(|other: &Channel| other.key() != channel.key())
            {
                channels.push(channel);
            }
        }
        if channels.is_empty() {
            channels.push(Channel::Stderr);
        }
        Ok(Channels {
            channels,
            around: Surroundings {
                variables: passed(context),
                // no repository is found there by chance
                directory: PathBuf::from("/"),
                patience: Duration::from_secs(args.alert_timeout),
            },
            summary: file("GITHUB_STEP_SUMMARY"),
        })
    }

    /// What tells them apart.
    pub fn keys(&self) -> Vec<String> {
        self.channels.iter().map(Channel::key).collect()
    }

    /// Tries what is due; what was taken is out of the state. Why something was not, a line each.
    pub fn deliver(&self, state: &mut State, now: u64, json: bool) -> Vec<String> {
        let mut told = Vec::new();
        let mut broken: Vec<String> = Vec::new();
        let waiting = std::mem::take(&mut state.waiting);
        for mut undelivered in waiting {
            let key = &undelivered.channel;
            let due = undelivered.next <= now && !broken.contains(key);
            let channel = self.channels.iter().find(|channel| channel.key() == *key);
            let (true, Some(channel)) = (due, channel) else {
                // what one alert could not pass now, the next cannot either
                state.waiting.push(undelivered);
                continue;
            };
            match self.send(channel, &undelivered.alert, now, json) {
                Ok(()) => state.sent = state.sent.saturating_add(1),
                Err(why) => {
                    told.push(format!(
                        "an alert was not taken by {}: {why}",
                        name(channel)
                    ));
                    broken.push(key.clone());
                    undelivered.failed(now);
                    state.failed = state.failed.saturating_add(1);
                    state.waiting.push(undelivered);
                }
            }
        }
        told
    }

    fn send(&self, channel: &Channel, alert: &Alert, now: u64, json: bool) -> Result<(), String> {
        match channel {
            Channel::Stderr => {
                let line = alert.line() + "\n";
                let mut out = std::io::stderr().lock();
                out.write_all(line.as_bytes())
                    .map_err(|why| why.to_string())
            }
            Channel::Command(program) => program.deliver(alert, &self.around),
            Channel::Webhook(webhook) => webhook.deliver(alert, now, self.around.patience),
            Channel::Journal => alert::to_journal(alert, Path::new(SOCKET)),
            Channel::Github => self.github(alert, json),
        }
    }

    /// The runner reads both streams; standard output is for JSON where that was asked for.
    fn github(&self, alert: &Alert, json: bool) -> Result<(), String> {
        let line = annotation(alert);
        if json {
            terminal::tell(&line);
        } else {
            terminal::print(&(line + "\n")).map_err(|why| why.message)?;
        }
        let Some(path) = &self.summary else {
            return Ok(());
        };
        let opened = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path);
        opened
            .and_then(|mut file| file.write_all(alert::summary(alert).as_bytes()))
            .map_err(|why| format!("the summary cannot be written: {why}"))
    }
}

/// What a channel is called where people read it: no address, which may be a secret.
fn name(channel: &Channel) -> String {
    match channel {
        Channel::Webhook(webhook) => format!("the webhook at {}", webhook.host()),
        Channel::Command(program) => {
            let first = program.words().first().map(String::as_str);
            format!(
                "'{}'",
                git_ledger::escape::printable(first.unwrap_or_default())
            )
        }
        Channel::Stderr | Channel::Github | Channel::Journal => channel.word().to_owned(),
    }
}

/// The variables that a program of the user's may see: none with a key, none of git's about this
/// repository.
fn passed(context: &Context) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let own = variables(context).filter(|(name, _)| !name.starts_with(b"GIT_"));
    own.map(|(name, value)| {
        let (name, value) = (OsStr::from_bytes(name), OsStr::from_bytes(value));
        if name == "PATH" {
            // a program of the directory we happen to stand in is none of the user's
            let absolute = std::env::split_paths(value).filter(|dir| dir.is_absolute());
            let path = std::env::join_paths(absolute).unwrap_or_default();
            return (name.to_owned(), path);
        }
        (name.to_owned(), value.to_owned())
    })
    .collect()
}

fn channel(
    word: &str,
    secret: Option<&Secret>,
    certificates: Option<&Path>,
) -> Result<Channel, Failure> {
    let unknown = || {
        // the word may hold an address that is a secret
        let kind = word.split('=').next().unwrap_or_default();
        Failure::usage(format!("'{kind}' is no channel for alerts"))
            .hint("stderr, command=PROGRAM ARGUMENTS…, webhook=URL, github or journald")
    };
    match word.split_once('=') {
        None => match word {
            "stderr" => Ok(Channel::Stderr),
            "github" => Ok(Channel::Github),
            "journald" => Ok(Channel::Journal),
            _ => Err(unknown()),
        },
        Some(("command", text)) => {
            let program =
                Program::parse(text).ok_or_else(|| Failure::usage("command= names no program"))?;
            let first = program.words().first().cloned().unwrap_or_default();
            if first.contains('/') && !first.starts_with('/') {
                return Err(Failure::usage(format!(
                    "'{first}' depends on where the watch is started"
                ))
                .hint("name a program on PATH, or its whole path"));
            }
            Ok(Channel::Command(program))
        }
        Some(("webhook", url)) => {
            let certificates = certificates.map(Path::to_owned);
            let webhook = Webhook::new(url, secret.cloned(), certificates).map_err(|_| {
                Failure::usage(
                    "the address of a webhook is https:// (http:// only on this machine)",
                )
                .hint("an alert must not cross the network in the clear")
            })?;
            Ok(Channel::Webhook(Box::new(webhook)))
        }
        Some(_) => Err(unknown()),
    }
}
