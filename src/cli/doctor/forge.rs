//! Which forge is asked, with which token, and where the token may go.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use git_ledger::doctor::forge::Facts;
use git_ledger::forge::{Address, AddressError, Kind, Request, Token, ask};
use git_ledger::git::{Direction, Scope};

use crate::cli::context::{Context, Opened, deadline};
use crate::cli::failure::Failure;

/// A longer file holds no token.
const LONGEST: u64 = 8192;

/// Which forge, and who asks.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Forge")]
pub struct Asking {
    /// The kind of forge [default: seen from the remote's host, where everybody knows it]
    #[arg(long, value_name = "KIND")]
    forge: Option<Named>,
    /// Where the forge is, such as https://git.acme.example; the token goes there and nowhere else
    #[arg(long, value_name = "URL", requires = "forge")]
    forge_url: Option<String>,
    /// The remote whose forge is asked [default: the first mirror that is on one, else origin]
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
    /// The environment variable that holds a token
    #[arg(long, value_name = "VARIABLE", conflicts_with = "token_file")]
    token_env: Option<String>,
    /// The file that holds a token; nobody else may read it
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Wait for the forge this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

/// The kinds on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Named {
    Github,
    Gitlab,
    Gitea,
    Forgejo,
}

impl Named {
    fn kind(self) -> Kind {
        match self {
            Named::Github => Kind::GitHub,
            Named::Gitlab => Kind::GitLab,
            Named::Gitea => Kind::Gitea,
            Named::Forgejo => Kind::Forgejo,
        }
    }
}

/// What the forge says, if there is one and somebody gave a token for it.
pub fn facts(context: &Context, opened: &Opened, args: &Asking) -> Result<Facts, Failure> {
    let Some(address) = address(opened, args) else {
        let wanted = args.forge.is_some() || args.token_env.is_some() || args.token_file.is_some();
        return Ok(if wanted {
            Facts::NotAsked {
                why: "no remote is on a forge that is known".into(),
                mend: "--remote names one; --forge and --forge-url say what it is and where a token may go".into(),
            }
        } else {
            Facts::NoForge
        });
    };
    let address = match address {
        Ok(address) => address,
        Err(why @ AddressError::BadUrl(_)) => return Err(Failure::usage(why.to_string())),
        Err(why) => {
            return Ok(Facts::NotAsked {
                why: why.to_string(),
                mend: "--forge and --forge-url say what it is and where a token may go".into(),
            });
        }
    };
    let Some(token) = token(context, args)? else {
        return Ok(Facts::NotAsked {
            why: format!("{address} was not asked: there is no token"),
            mend: format!(
                "--token-env VARIABLE or --token-file FILE, with {}",
                address.kind.permission()
            ),
        });
    };
    let environment = &context.environment;
    let certificates = environment
        .get("GIT_SSL_CAINFO")
        .map(PathBuf::from)
        .or_else(|| {
            opened
                .config
                .get_path("http.sslCAInfo", Scope::Trusted, environment)
        })
        .or_else(|| environment.get("SSL_CERT_FILE").map(PathBuf::from));
    Ok(ask(&Request {
        address: &address,
        reference: &opened.settings.reference,
        token: &token,
        deadline: deadline(args.timeout),
        certificates,
    }))
}

/// The repository on the forge; none where no remote is on one.
fn address(opened: &Opened, args: &Asking) -> Option<Result<Address, AddressError>> {
    let url = |name: &str| opened.config.remote_url(name, Direction::Push);
    let read = |url: &str| match (&args.forge_url, args.forge) {
        (Some(site), Some(named)) => Address::at(site, named.kind(), url),
        (_, named) => {
            let found = Address::of_remote(url)?;
            match named {
                Some(named) if named.kind() != found.kind => {
                    Err(AddressError::UnknownHost(found.to_string()))
                }
                _ => Ok(found),
            }
        }
    };
    if let Some(name) = &args.remote {
        return Some(match url(name) {
            Some(url) => read(&url),
            None => Err(AddressError::NoProject(name.clone())),
        });
    }
    let mut names: Vec<&str> = opened.settings.mirrors.iter().map(String::as_str).collect();
    names.push("origin");
    let mut answers: Vec<_> = names
        .into_iter()
        .filter_map(url)
        .filter(|url| url.contains(':'))
        .map(|url| read(&url))
        .collect();
    let best = answers.iter().position(Result::is_ok).unwrap_or_default();
    if answers.is_empty() {
        return None;
    }
    let best = answers.swap_remove(best);
    // a remote on a host that nobody said is a forge is none
    (best.is_ok() || args.forge.is_some()).then_some(best)
}

fn token(context: &Context, args: &Asking) -> Result<Option<Token>, Failure> {
    let text = if let Some(name) = &args.token_env {
        let value = context.environment.get(name).ok_or_else(|| {
            Failure::usage(format!("the environment variable '{name}' is not set"))
                .hint("--token-env takes the variable's name, never the token itself")
        })?;
        value.to_string_lossy().into_owned()
    } else if let Some(path) = &args.token_file {
        read(&context.environment.absolute(path))?
    } else {
        return Ok(None);
    };
    let token = Token::new(&text).ok_or_else(|| {
        Failure::cannot("what was given as token is none: a token is one printable word")
    })?;
    Ok(Some(token))
}

fn read(path: &Path) -> Result<String, Failure> {
    let named =
        |why: std::io::Error| Failure::cannot(format!("cannot read '{}': {why}", path.display()));
    if !std::fs::metadata(path).map_err(named)?.is_file() {
        return Err(Failure::cannot(format!(
            "'{}' is not a file",
            path.display()
        )));
    }
    let file = std::fs::File::open(path).map_err(named)?;
    let meta = file.metadata().map_err(named)?;
    if meta.mode() & 0o077 != 0 {
        return Err(Failure::cannot(format!(
            "'{}' lets others read the token: {:04o}",
            path.display(),
            meta.mode() & 0o7777
        ))
        .hint(format!(
            "chmod 600 '{}', and have a new token made",
            path.display()
        )));
    }
    let mut text = String::new();
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(named)?;
    Ok(text)
}
