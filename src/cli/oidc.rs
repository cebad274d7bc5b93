//! `--oidc`: a token of the CI system for this run, asked for, verified, and held against the
//! environment.

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use git_ledger::ci::Ci;
use git_ledger::ci::oidc::issuer::{self, Way};
use git_ledger::ci::oidc::{AUDIENCE, Demand, ISSUERS, Refusal, Token};
use git_ledger::git::{Environment, Scope};
use git_ledger::json::Object;

use super::context::{Context, Opened};
use super::failure::Failure;
use super::terminal;

/// How long issuers have for all answers together.
const PATIENCE: Duration = Duration::from_secs(20);

/// Flags of verbs that record where they ran.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct OidcArgs {
    /// Record who vouches for this run: a token of the CI system, verified [audience: git-ledger]
    ///
    /// On GitHub the job needs the permission id-token: write; elsewhere --oidc-token-env names the
    /// token. Issuer, audience, time and signature must hold and must not contradict the
    /// environment, or nothing is recorded. The token itself is never recorded.
    #[arg(long, value_name = "AUDIENCE", num_args = 0..=1, require_equals = true)]
    pub oidc: Option<Option<String>>,
    /// The variable that holds the token, as GitLab's id_tokens: sets it
    #[arg(long, value_name = "VARIABLE", requires = "oidc")]
    pub oidc_token_env: Option<String>,
}

impl OidcArgs {
    /// Whether a token was asked for.
    pub fn asked(&self) -> bool {
        self.oidc.is_some()
    }
}

/// What a token says of this run, for `data.ci.oidc`; none where no token was asked for.
///
/// # Errors
/// When there is no token or it does not hold; nothing was recorded.
pub fn of(
    context: &Context,
    opened: &Opened,
    args: &OidcArgs,
    ci: &Ci,
) -> Result<Option<Object>, Failure> {
    let Some(audience) = &args.oidc else {
        return Ok(None);
    };
    let audience = audience.as_deref().unwrap_or(AUDIENCE);
    let certificates = certificates(&context.environment, opened);
    let way = Way {
        certificates: certificates.as_deref(),
        deadline: Instant::now() + PATIENCE,
    };
    let text = token(context, args, way, audience)?;
    let issuers = issuers(opened);
    let demand = Demand {
        issuers: &issuers,
        audience,
        // not GIT_COMMITTER_DATE: an old token would be made young again by it
        now: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|since| i64::try_from(since.as_secs()).ok())
            .unwrap_or_default(),
    };
    let verified = Token::parse(&text).and_then(|token| {
        let issuer = token.demand(&demand)?;
        let keys = issuer::keys(way, issuer)?;
        token.verify(&demand, &keys)
    });
    let verified = verified.and_then(|verified| {
        verified.agrees(ci)?;
        Ok(verified.object())
    });
    verified.map(Some).map_err(|why| refused(&why))
}

fn refused(why: &Refusal) -> Failure {
    let message = format!("the token is not taken: {why}");
    match why {
        Refusal::Keys(_) => Failure::cannot(message).hint("nothing was recorded; try again"),
        Refusal::Issuer(_) => Failure::no(message).hint(
            "nothing was recorded; whom to believe: git config --global ledger.oidcIssuer URL",
        ),
        Refusal::Audience(_) => Failure::no(message)
            .hint("nothing was recorded; --oidc=AUDIENCE names what the token was made for"),
        Refusal::Contradiction { .. } => Failure::no(message)
            .hint("nothing was recorded; the token is of another run, or a variable was changed"),
        _ => Failure::no(message).hint("nothing was recorded"),
    }
}

/// The token for this run.
fn token(
    context: &Context,
    args: &OidcArgs,
    way: Way<'_>,
    audience: &str,
) -> Result<String, Failure> {
    let env = |name: &str| {
        let value = context.environment.get(name)?;
        String::from_utf8(value.as_bytes().to_vec()).ok()
    };
    if let Some(name) = &args.oidc_token_env {
        return env(name).ok_or_else(|| {
            Failure::cannot(format!("there is no token: the variable {name} is not set"))
                .hint("nothing was recorded; on GitLab: id_tokens: NAME: aud: git-ledger")
        });
    }
    let url = env("ACTIONS_ID_TOKEN_REQUEST_URL");
    let bearer = env("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
    let (Some(url), Some(bearer)) = (url, bearer) else {
        return Err(
            Failure::cannot("there is no token: the CI system offers none to this job")
                .hint(
                    "nothing was recorded; on GitHub the job needs 'permissions: id-token: write'",
                )
                .hint("elsewhere --oidc-token-env names the variable that holds it"),
        );
    };
    issuer::token(way, &url, &bearer, audience).map_err(|why| {
        Failure::cannot(format!(
            "there is no token: the CI system was asked, and {why}"
        ))
        .hint("nothing was recorded; try again")
    })
}

/// Whom to believe: what the user set, else the issuers everybody knows. What stands in the
/// repository's own configuration has no say in this.
fn issuers(opened: &Opened) -> Vec<String> {
    let own = format!("ledger.{}.oidcIssuer", opened.settings.name);
    for key in [own.as_str(), "ledger.oidcIssuer"] {
        let trusted = opened.config.get_all(key, Scope::Trusted);
        if trusted != opened.config.get_all(key, Scope::Any) {
            terminal::tell(&format!(
                "warning: {key} stands in the repository's own configuration and is not believed"
            ));
            terminal::hint("whom to believe is the user's to say: git config --global");
        }
        if !trusted.is_empty() {
            return trusted;
        }
    }
    ISSUERS.iter().map(|issuer| (*issuer).to_owned()).collect()
}

/// The certificates to trust, as for git itself.
fn certificates(environment: &Environment, opened: &Opened) -> Option<PathBuf> {
    environment
        .get("GIT_SSL_CAINFO")
        .map(PathBuf::from)
        .or_else(|| {
            opened
                .config
                .get_path("http.sslCAInfo", Scope::Trusted, environment)
        })
        .or_else(|| environment.get("SSL_CERT_FILE").map(PathBuf::from))
}
