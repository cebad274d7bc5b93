//! Where a command runs: environment, repository, the ledger meant, its settings, the clock.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use git_ledger::append::Primary;
use git_ledger::capture::open_steps::OpenSteps;
use git_ledger::entry::parse_hex;
use git_ledger::git::{Config, Depth, Environment, RemoteUrl, Repository, Scope, Store};
use git_ledger::ledger::{DEFAULT_REF, Ledger};
use git_ledger::marks::Marks;
use git_ledger::merkle::Hash;
use git_ledger::signer::{KeySettings, KeyText, Signer};
use git_ledger::spool::Spool;

use super::failure::Failure;
use super::terminal;

/// How many bytes a fetch may bring, unless `ledger.<name>.maxFetch` says otherwise.
const MAX_FETCH: u64 = 4 << 30;

/// What every verb is handed.
#[derive(Debug)]
pub struct Context {
    /// The environment of the process.
    pub environment: Environment,
    /// Where the command runs.
    pub directory: PathBuf,
    /// The ledger that was asked for.
    pub wanted: Option<String>,
}

/// One ledger's settings in a repository.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name in the configuration.
    pub name: String,
    /// Its branch, a full name.
    pub reference: String,
    /// The digest its first entry must have.
    pub fingerprint: Option<Hash>,
    /// Its mirrors: names of remotes.
    pub mirrors: Vec<String>,
}

/// A repository with the ledger meant.
#[derive(Debug)]
pub struct Opened {
    /// The repository.
    pub repository: Repository,
    /// Its configuration when the command began.
    pub config: Config,
    /// The ledger's settings.
    pub settings: Settings,
    /// The ledger.
    pub ledger: Ledger,
}

impl Context {
    /// The context of this process.
    pub fn new(directory: Option<PathBuf>, wanted: Option<String>) -> Result<Context, Failure> {
        let environment = Environment::of_process()?;
        let directory = match directory {
            Some(directory) => environment.absolute(directory),
            None => environment.current_dir().to_owned(),
        };
        if !directory.is_dir() {
            return Err(
                Failure::usage(format!("there is no directory '{}'", directory.display()))
                    .hint("-C takes a directory that exists"),
            );
        }
        Ok(Context {
            environment,
            directory,
            wanted,
        })
    }

    /// Seconds since 1970: the clock, or `GIT_COMMITTER_DATE` as git takes it.
    pub fn clock(&self) -> Result<u64, Failure> {
        match self
            .environment
            .get("GIT_COMMITTER_DATE")
            .and_then(|date| date.to_str())
        {
            Some(date) => parse_date(date).ok_or_else(|| {
                Failure::usage(format!(
                    "GIT_COMMITTER_DATE is no date that is understood here: '{date}'"
                ))
                .hint("write it as @SECONDS or as 2026-01-31T12:00:00Z")
            }),
            None => Ok(SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs())),
        }
    }

    /// The repository the command runs in.
    pub fn repository(&self) -> Result<Repository, Failure> {
        Ok(Repository::discover(&self.environment, &self.directory)?)
    }

    /// The repository and the ledger meant.
    pub fn open(&self) -> Result<Opened, Failure> {
        let repository = self.repository()?;
        let config = repository.config()?;
        let settings = settings(&config, self.wanted.as_deref())?;
        let ledger = Ledger::new(repository.clone(), settings.reference.clone());
        Ok(Opened {
            repository,
            config,
            settings,
            ledger,
        })
    }

    /// As [`Context::open`]; where the branch is not here, a remote-tracking branch that is.
    pub fn open_to_read(&self) -> Result<Opened, Failure> {
        let opened = self.open_quietly()?;
        let (reads, reference) = (opened.ledger.reference(), &opened.settings.reference);
        if reads != reference {
            terminal::hint(&format!(
                "reading '{reads}': there is no '{reference}' here"
            ));
        }
        Ok(opened)
    }

    /// The same without a word, for those who do it again and again.
    pub fn open_quietly(&self) -> Result<Opened, Failure> {
        let mut opened = self.open()?;
        if opened.ledger.tip_id()?.is_none()
            && let Some(tracking) = tracking(&opened)?
        {
            opened.ledger = Ledger::new(opened.repository.clone(), tracking);
        }
        Ok(opened)
    }

    /// The key that signs in this ledger.
    pub fn signer(
        &self,
        config: &Config,
        name: &str,
        key: Option<&str>,
    ) -> Result<Signer, Failure> {
        Ok(Signer::find(&self.key_settings(config, name, key))?)
    }

    /// Where to look for the key. Programs are taken only from what the user set, never from the
    /// repository's own configuration.
    pub fn key_settings(&self, config: &Config, name: &str, key: Option<&str>) -> KeySettings {
        let own = config.get(&format!("ledger.{name}.signingKey"), Scope::Any);
        for program in ["gpg.ssh.program", "gpg.ssh.defaultKeyCommand"] {
            if config.get(program, Scope::Any) != config.get(program, Scope::Trusted) {
                terminal::tell(&format!(
                    "warning: {program} stands in the repository's own configuration and is not run"
                ));
                terminal::hint(&format!(
                    "if you want it, set it for yourself: git config --global {program} …"
                ));
            }
        }
        // a key that was named for this command goes before one for every command
        let handed = self.environment.get("GIT_LEDGER_KEY");
        let key_text = handed.filter(|_| key.is_none());
        KeySettings {
            key_text: key_text.map(|text| KeyText::new(text.to_string_lossy())),
            signing_key: key
                .map(str::to_owned)
                .or(own)
                .or_else(|| config.get("user.signingKey", Scope::Any)),
            default_key_command: config.get("gpg.ssh.defaultKeyCommand", Scope::Trusted),
            program: config.get("gpg.ssh.program", Scope::Trusted),
            agent_socket: self.environment.get("SSH_AUTH_SOCK").map(PathBuf::from),
            home: self.environment.home().map(Path::to_owned),
            terminal: terminal::can_ask(),
        }
    }
}

impl Opened {
    /// The spool of this ledger.
    pub fn spool(&self) -> Spool {
        Spool::new(self.own_dir("spool"))
    }

    /// The steps of this ledger whose end is not recorded.
    pub fn steps(&self) -> OpenSteps {
        OpenSteps::new(self.own_dir("steps"))
    }

    /// A directory for files of one kind of this ledger: a repository may hold several.
    fn own_dir(&self, kind: &str) -> PathBuf {
        let key = git_ledger::merkle::hex(&git_ledger::merkle::sha256(
            self.settings.reference.as_bytes(),
        ));
        let state = self.ledger.state_dir().join(kind);
        state.join(key.get(..16).unwrap_or_default())
    }

    /// What this clone saw.
    pub fn marks(&self) -> Marks {
        Marks::of(&self.ledger)
    }

    /// The address of a remote.
    pub fn remote(&self, name: &str) -> Result<RemoteUrl, Failure> {
        let text = self
            .config
            .remote_url(name, git_ledger::git::Direction::Push)
            .ok_or_else(|| {
                Failure::usage(format!("there is no remote '{name}'"))
                    .hint(format!("git ledger mirror add {name} URL"))
            })?;
        let base = self
            .repository
            .work_tree()
            .unwrap_or(self.repository.git_dir());
        RemoteUrl::parse(&text, base).map_err(|why| Failure::cannot(why.to_string()))
    }

    /// How many bytes a fetch may bring.
    pub fn max_fetch(&self) -> u64 {
        let key = format!("ledger.{}.maxFetch", self.settings.name);
        self.config
            .get(&key, Scope::Any)
            .and_then(|text| text.parse().ok())
            .unwrap_or(MAX_FETCH)
    }

    /// The remote that decides, with the ledger to write to. A clone that holds the branch writes
    /// to it; one that does not (as in CI) works in a scratch repository that holds the newest
    /// entry only, and leaves its own branches alone.
    pub fn primary(&self, name: &str) -> Result<(Primary, Ledger), Failure> {
        let url = self.remote(name)?;
        let scratch = self.ledger.state_dir().join("primary");
        let here = self.ledger.tip_id()?.is_some();
        let dir = if here {
            self.ledger.state_dir().join("transport")
        } else {
            scratch
        };
        let store = if here { Store::Main } else { Store::Scratch };
        let cannot = |why: &dyn std::fmt::Display| Failure::cannot(why.to_string());
        let transport = self
            .repository
            .transport(&dir, store)
            .map_err(|why| cannot(&why))?;
        let ledger = if here {
            self.ledger.clone()
        } else {
            Ledger::new(
                transport.repository().map_err(|why| cannot(&why))?,
                self.settings.reference.clone(),
            )
            .with_state_dir(self.ledger.state_dir().join("of-primary"))
        };
        let mark = self.marks().get(Some(name)).map_err(|why| {
            cannot(&why).hint(format!("if you know why: git ledger mirror forget {name}"))
        })?;
        let primary = Primary {
            name: name.to_owned(),
            url,
            transport,
            depth: if here { Depth::Full } else { Depth::One },
            max_bytes: self.max_fetch(),
            mark: mark.map(|mark| mark.position()),
        };
        Ok((primary, ledger))
    }
}

/// The ledgers that are configured: those with a branch.
pub fn ledgers(config: &Config) -> Vec<String> {
    let mut names = config.subsections("ledger", Scope::Any);
    names.retain(|name| {
        config
            .get(&format!("ledger.{name}.ref"), Scope::Any)
            .is_some()
    });
    names
}

/// The settings of the ledger that was asked for, or of the only one there is.
fn settings(config: &Config, wanted: Option<&str>) -> Result<Settings, Failure> {
    let names = ledgers(config);
    let full = |branch: &str| {
        if branch.starts_with("refs/") {
            branch.to_owned()
        } else {
            format!("refs/heads/{branch}")
        }
    };
    let reference = |name: &str| {
        config
            .get(&format!("ledger.{name}.ref"), Scope::Any)
            .map(|branch| full(&branch))
    };
    let name = match wanted {
        Some(wanted) if names.iter().any(|name| name == wanted) => wanted.to_owned(),
        Some(wanted) => match names
            .iter()
            .find(|name| reference(name) == Some(full(wanted)))
        {
            Some(name) => name.clone(),
            None => {
                return Ok(Settings {
                    name: wanted.into(),
                    reference: full(wanted),
                    fingerprint: None,
                    mirrors: Vec::new(),
                });
            }
        },
        None => match names.as_slice() {
            [] => "ledger".to_owned(),
            [only] => only.clone(),
            several => match several
                .iter()
                .find(|name| reference(name).as_deref() == Some(DEFAULT_REF))
            {
                Some(name) => name.clone(),
                None => {
                    let list = several.join(", ");
                    return Err(Failure::usage("there are several ledgers here")
                        .hint(format!("name one with --ledger: {list}")));
                }
            },
        },
    };
    let fingerprint = match config.get(&format!("ledger.{name}.fingerprint"), Scope::Any) {
        None => None,
        Some(text) => Some(parse_fingerprint(&text).ok_or_else(|| {
            Failure::cannot(format!(
                "ledger.{name}.fingerprint is no fingerprint: '{text}'"
            ))
            .hint("a fingerprint is sha256: and 64 hex digits")
        })?),
    };
    Ok(Settings {
        reference: reference(&name).unwrap_or_else(|| DEFAULT_REF.to_owned()),
        fingerprint,
        mirrors: config.get_all(&format!("ledger.{name}.mirror"), Scope::Any),
        name,
    })
}

/// The one remote-tracking branch of the ledger, if there is exactly one.
fn tracking(opened: &Opened) -> Result<Option<String>, Failure> {
    let Some(branch) = opened.settings.reference.strip_prefix("refs/heads/") else {
        return Ok(None);
    };
    let suffix = format!("/{branch}");
    let listed = opened.repository.list_refs("refs/remotes/")?;
    let names: Vec<String> = listed
        .into_iter()
        .filter_map(|listed| String::from_utf8(listed.name).ok())
        .filter(|name| {
            name.ends_with(&suffix) && name.matches('/').count() == 2 + suffix.matches('/').count()
        })
        .collect();
    Ok(if let [only] = names.as_slice() {
        Some(only.clone())
    } else {
        None
    })
}

/// `sha256:<64 hex>`, or the digits alone.
pub fn parse_fingerprint(text: &str) -> Option<Hash> {
    parse_hex(text.strip_prefix("sha256:").unwrap_or(text))
}

/// `@SECONDS`, `SECONDS +ZONE`, or RFC 3339.
pub fn parse_date(text: &str) -> Option<u64> {
    let seconds = text.strip_prefix('@').unwrap_or(text);
    let seconds = seconds.split(' ').next().unwrap_or_default();
    if text.starts_with('@') || text.contains(" +") || text.contains(" -") {
        return seconds.parse().ok();
    }
    let date = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    u64::try_from(date.timestamp()).ok()
}

/// The moment that is this far away.
pub fn deadline(timeout: u64) -> Instant {
    Instant::now() + Duration::from_secs(timeout.min(86_400))
}

/// Sixteen random bytes as a version 4 UUID (RFC 9562).
pub fn random_id() -> Result<String, Failure> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|why| Failure::cannot(format!("the system gives no random numbers: {why}")))?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = git_ledger::merkle::hex(&bytes);
    let parts = [
        hex.get(..8),
        hex.get(8..12),
        hex.get(12..16),
        hex.get(16..20),
        hex.get(20..),
    ];
    Ok(parts.map(Option::unwrap_or_default).join("-"))
}

/// Refuses names of remotes that git or a shell could take for something else.
pub fn check_remote_name(name: &str) -> Result<(), Failure> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/".contains(&b);
    if name.starts_with(['-', '.', '/'])
        || name.len() > 100
        || !name.bytes().all(plain)
        || name.is_empty()
        || name.contains("..")
    {
        return Err(Failure::usage(format!("'{name}' is no name for a remote"))
            .hint("use letters, digits, and . _ - /"));
    }
    Ok(())
}
