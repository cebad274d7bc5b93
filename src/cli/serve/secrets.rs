//! The secrets that the server shares with those who send: from files or variables, never from the
//! command line, where every user of the machine could read them.

use git_ledger::serve::{Guard, Guards, Route};
use git_ledger::webhook::{Scheme, Secret};

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::listening::secret;

/// What stands before a key of Standard Webhooks.
const KEY: &[u8] = b"whsec_";

/// Who is believed where, from words such as `github=FILE` and `events=env:NAME`.
///
/// # Errors
/// When a word makes no sense, or a secret cannot be read or is none.
pub fn guards(context: &Context, words: &[String]) -> Result<Guards, Failure> {
    let mut guards = Guards::new();
    for word in words {
        // the word may be a secret that somebody put in the wrong place
        let (route, place) = word
            .split_once('=')
            .and_then(|(name, place)| Some((Route::of(name)?, place)))
            .ok_or_else(|| {
                Failure::usage("a secret is given as ROUTE=FILE or ROUTE=env:NAME")
                    .hint("the routes are github, gitlab, gitea, forgejo and events")
            })?;
        let text = secret::read(context, place, "ROUTE=FILE or ROUTE=env:NAME")?;
        let standard = text.starts_with(KEY) && matches!(route, Route::Gitlab | Route::Events);
        let scheme = match (standard, route) {
            (true, _) => Scheme::StandardWebhooks,
            (false, Route::Github) => Scheme::GithubHmac,
            (false, Route::Gitlab) => Scheme::GitlabToken,
            (false, Route::Gitea) => Scheme::GiteaHmac,
            (false, Route::Forgejo) => Scheme::ForgejoHmac,
            (false, Route::Events) => Scheme::Bearer,
        };
        let secret = Secret::new(scheme, &text).map_err(|why| {
            Failure::usage(format!("the secret of {}: {why}", route.name()))
                .hint("openssl rand -hex 32 makes a good one")
        })?;
        let guard = guards.entry(route).or_insert_with(|| Guard::Secrets {
            tokens: Vec::new(),
            keys: Vec::new(),
        });
        if let Guard::Secrets { tokens, keys } = guard {
            match standard {
                true => keys.push(secret),
                false => tokens.push(secret),
            }
        }
    }
    Ok(guards)
}
