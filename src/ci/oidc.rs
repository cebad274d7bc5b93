//! Tokens of CI systems (OpenID Connect): is this one genuine, meant for us, and of this run?
//!
//! A token is a signed statement of the CI system about the job that asked for it. What it says is
//! taken only if its issuer is one we were told to believe, a key of that issuer signed it, it is
//! meant for the audience we name, the time is right, and it does not contradict the environment.
//! The token itself is a credential: it is never recorded and never shown, only its digest.
//!
//! Source: RFC 7515, 7517, 7518, 7519, 7638, 8725; OpenID Connect Core and Discovery 1.0; the
//! systems' own lists of claims; `ledger-spec/context.md`.

pub mod issuer;
mod keys;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;

pub use keys::{Key, Keys};

use super::Ci;
use super::value::Facts;
use crate::date::rfc3339;
use crate::json::{Object, Value, foreign};
use crate::merkle;

/// The issuers that are believed without being named in the settings.
pub const ISSUERS: &[&str] = &[
    "https://token.actions.githubusercontent.com",
    "https://gitlab.com",
];
/// The audience that is asked for unless another is named.
pub const AUDIENCE: &str = "git-ledger";
/// The longest token that is read, in bytes.
pub const LONGEST: usize = 16 << 10;
/// How far the issuer's clock may be from ours, in seconds.
pub const LEEWAY: i64 = 60;

/// The claims that are taken. None of them is a secret, an address of e-mail, or text that
/// somebody may write freely but for the names of things.
const CLAIMS: &[&str] = &[
    "actor",
    "actor_id",
    "agent_id",
    "base_ref",
    "build_branch",
    "build_commit",
    "build_number",
    "build_tag",
    "check_run_id",
    "ci_config_ref_uri",
    "ci_config_sha",
    "deployment_tier",
    "environment",
    "environment_protected",
    "event_name",
    "head_ref",
    "job_id",
    "job_source",
    "job_workflow_ref",
    "job_workflow_sha",
    "namespace_path",
    "organization_slug",
    "pipeline_id",
    "pipeline_slug",
    "pipeline_source",
    "project_id",
    "project_path",
    "ref",
    "ref_protected",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repository_visibility",
    "run_attempt",
    "run_id",
    "run_number",
    "runner_environment",
    "runner_id",
    "sha",
    "step_key",
    "user_id",
    "user_login",
    "workflow_ref",
    "workflow_sha",
];

/// Claims that name the very run, with the members of the context that say the same.
const SAME: &[(&str, &[&str])] = &[
    ("repository", &["repository"]),
    // of a change from a fork GitLab names the fork
    ("project_path", &["repository", "change.headRepository"]),
    ("sha", &["commit", "change.headCommit"]),
    ("build_commit", &["commit"]),
    ("run_id", &["run.id"]),
    ("run_attempt", &["run.attempt"]),
    ("pipeline_id", &["run.id"]),
    ("build_number", &["run.number"]),
    ("job_id", &["run.job"]),
];

/// Why a token is not taken. No word of the token is in it but the names of claims, and values
/// that would have been recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no token in the compact form, or too long.
    #[error("it is no token: {0}")]
    Malformed(&'static str),
    /// It is signed by a method that proves nothing here.
    #[error("it is signed with '{0}', which is not taken; only public-key signatures are")]
    Algorithm(String),
    /// Its issuer is none that we were told to believe.
    #[error("its issuer '{0}' is not one that is believed here")]
    Issuer(String),
    /// It is meant for somebody else.
    #[error("it is not meant for the audience '{0}'")]
    Audience(String),
    /// It is too old.
    #[error("it expired at {0}")]
    Expired(String),
    /// It is from the future.
    #[error("it is not valid before {0}; the clocks differ")]
    Early(String),
    /// A claim that must be there is not, or is no such thing.
    #[error("its claim '{0}' is missing or malformed")]
    Claim(&'static str),
    /// The issuer has no key of that name, or several.
    #[error("the issuer has {0} keys by the name in it, not one")]
    Key(usize),
    /// The issuer's key is not for this, or no key that is understood.
    #[error("the issuer's key cannot have signed it: {0}")]
    KeyUse(&'static str),
    /// The signature does not hold.
    #[error("its signature is wrong")]
    Signature,
    /// What the issuer answers makes no sense, or is not there.
    #[error("its issuer cannot be asked for its keys: {0}")]
    Keys(String),
    /// It is of another run than the environment tells of.
    #[error("its claim '{claim}' is '{said}', but here it is '{here}'")]
    Contradiction {
        /// The claim.
        claim: &'static str,
        /// What it says.
        said: String,
        /// What the environment says.
        here: String,
    },
}

/// A token that was read, and not verified.
pub struct Token {
    text: String,
    algorithm: jsonwebtoken::Algorithm,
    kid: String,
    claims: Object,
}

/// Without its text.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// What a token must be.
#[derive(Debug, Clone, Copy)]
pub struct Demand<'a> {
    /// The issuers that are believed, by their whole names.
    pub issuers: &'a [String],
    /// Whom it must be meant for.
    pub audience: &'a str,
    /// Seconds since 1970.
    pub now: i64,
}

/// A token that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    claims: Object,
    object: Object,
}

impl Token {
    /// Reads a token in the compact form.
    ///
    /// # Errors
    /// [`Refusal::Malformed`], [`Refusal::Algorithm`] and [`Refusal::Claim`].
    pub fn parse(text: &str) -> Result<Token, Refusal> {
        let text = text.trim_end_matches(['\r', '\n']);
        if text.len() > LONGEST {
            return Err(Refusal::Malformed("it is too long"));
        }
        let parts: Vec<&str> = text.split('.').collect();
        let [header, claims, _] = parts.as_slice() else {
            return Err(Refusal::Malformed("it has not three parts"));
        };
        let header = part(header)?;
        // what a reader must understand and we do not changes what the rest means
        if header.get("crit").is_some() {
            return Err(Refusal::Malformed("it demands extensions"));
        }
        let named = header.get("alg").and_then(Value::as_str).unwrap_or("");
        let algorithm = keys::algorithm(named).ok_or_else(|| {
            let name: String = named.chars().take(20).collect();
            Refusal::Algorithm(name)
        })?;
        let kid = header.get("kid").and_then(Value::as_str);
        let kid = kid.filter(|kid| !kid.is_empty() && kid.len() <= 256);
        Ok(Token {
            kid: kid.ok_or(Refusal::Claim("kid"))?.to_owned(),
            algorithm,
            claims: part(claims)?,
            text: text.to_owned(),
        })
    }

    /// Who says that they issued it; nobody has checked it.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// Whether it says what it must: before anybody is asked for a key. The issuer to ask.
    ///
    /// # Errors
    /// The first thing that is not as demanded.
    pub fn demand(&self, demand: &Demand<'_>) -> Result<&str, Refusal> {
        let issuer = self.issuer().ok_or(Refusal::Claim("iss"))?;
        if !demand.issuers.iter().any(|believed| believed == issuer) {
            return Err(Refusal::Issuer(issuer.chars().take(256).collect()));
        }
        let meant = match self.claims.get("aud") {
            Some(Value::String(audience)) => audience == demand.audience,
            Some(Value::Array(all)) => all
                .iter()
                .any(|audience| audience.as_str() == Some(demand.audience)),
            _ => return Err(Refusal::Claim("aud")),
        };
        if !meant {
            return Err(Refusal::Audience(demand.audience.to_owned()));
        }
        let expires = self.time("exp")?.ok_or(Refusal::Claim("exp"))?;
        let issued = self.time("iat")?.ok_or(Refusal::Claim("iat"))?;
        if expires <= demand.now - LEEWAY {
            return Err(Refusal::Expired(date(expires)));
        }
        for start in [Some(issued), self.time("nbf")?].into_iter().flatten() {
            if start > demand.now + LEEWAY {
                return Err(Refusal::Early(date(start)));
            }
        }
        match self.claims.get("sub").and_then(Value::as_str) {
            Some(subject) if !subject.is_empty() => Ok(issuer),
            _ => Err(Refusal::Claim("sub")),
        }
    }

    /// Checks the token against what is demanded and the issuer's keys.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify(&self, demand: &Demand<'_>, keys: &Keys) -> Result<Verified, Refusal> {
        let issuer = self.demand(demand)?;
        let key = keys.named(&self.kid)?;
        let decoding = key.for_algorithm(self.algorithm)?;
        let (message, signature) = self.text.rsplit_once('.').unwrap_or_default();
        let holds =
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &decoding, self.algorithm);
        if !holds.unwrap_or(false) {
            return Err(Refusal::Signature);
        }
        let digest = merkle::hex(&merkle::sha256(self.text.as_bytes()));
        let mut claims = Facts::of_payload();
        for name in CLAIMS {
            match self.claims.get(name) {
                Some(Value::String(text)) => claims.text(name, Some(text.as_bytes().to_vec())),
                Some(value @ (Value::Integer(_) | Value::Bool(_))) => {
                    claims.value(name, value.clone());
                }
                _ => {}
            }
        }
        let mut facts = Facts::of_payload();
        let text = |text: &str| Some(text.as_bytes().to_vec());
        facts.text("issuer", text(issuer));
        let subject = self.claims.get("sub").and_then(Value::as_str);
        facts.text("subject", subject.and_then(text));
        facts.text("audience", text(demand.audience));
        facts.text("digest", text(&format!("sha256:{digest}")));
        for (name, claim) in [("issued", "iat"), ("expires", "exp")] {
            facts.text(name, self.time(claim)?.and_then(|time| text(&date(time))));
        }
        facts.text("key.kid", text(&self.kid));
        facts.text("key.algorithm", text(&format!("{:?}", self.algorithm)));
        facts.text("key.thumbprint", text(&key.thumbprint()));
        facts.value("claims", claims.finish().into());
        Ok(Verified {
            claims: self.claims.clone(),
            object: facts.finish(),
        })
    }

    /// A claim in seconds since 1970.
    fn time(&self, name: &'static str) -> Result<Option<i64>, Refusal> {
        match self.claims.get(name) {
            None => Ok(None),
            Some(Value::Integer(time)) if *time >= 0 => Ok(Some(*time)),
            Some(_) => Err(Refusal::Claim(name)),
        }
    }
}

impl Verified {
    /// What is recorded, for `data.ci.oidc`.
    pub fn object(&self) -> Object {
        self.object.clone()
    }

    /// Whether it can be of the run that the environment tells of.
    ///
    /// # Errors
    /// [`Refusal::Contradiction`] with the first claim that is of another run.
    pub fn agrees(&self, ci: &Ci) -> Result<(), Refusal> {
        for (claim, members) in SAME {
            let said = match self.claims.get(claim) {
                Some(Value::String(said)) => said.clone(),
                Some(Value::Integer(said)) => said.to_string(),
                _ => continue,
            };
            let mut here = members
                .iter()
                .filter_map(|member| ci.get(member))
                .peekable();
            let Some(first) = here.peek().map(|first| (*first).to_owned()) else {
                continue;
            };
            if !here.any(|here| here == said) {
                return Err(Refusal::Contradiction {
                    claim,
                    said: said.chars().take(512).collect(),
                    here: first,
                });
            }
        }
        Ok(())
    }
}

/// One part of a token: base64url without padding, of a JSON object.
fn part(text: &str) -> Result<Object, Refusal> {
    let bytes = BASE64URL
        .decode(text)
        .map_err(|_| Refusal::Malformed("a part is not base64url"))?;
    match foreign::read(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(Refusal::Malformed("a part is no JSON object")),
    }
}

fn date(time: i64) -> String {
    u64::try_from(time).map(rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> Token {
        let header = BASE64URL.encode(r#"{"alg":"RS256","kid":"k"}"#);
        let text = format!("{header}.{}.AAAA\n", BASE64URL.encode(claims));
        Token::parse(&text).expect("a token")
    }

    fn demanded(claims: &str, now: i64) -> Result<(), Refusal> {
        let issuers = ["https://i".to_owned()];
        let demand = Demand {
            issuers: &issuers,
            audience: "a",
            now,
        };
        token(claims).demand(&demand).map(|_| ())
    }

    #[test]
    fn clocks_may_differ_by_a_minute() {
        let claims = r#"{"iss":"https://i","aud":"a","sub":"s","iat":1000,"nbf":1010,"exp":2000}"#;
        let date = |time: i64| super::date(time);
        assert_eq!(demanded(claims, 950), Ok(()));
        assert_eq!(demanded(claims, 949), Err(Refusal::Early(date(1010))));
        assert_eq!(demanded(claims, 939), Err(Refusal::Early(date(1000))));
        assert_eq!(demanded(claims, 2059), Ok(()));
        assert_eq!(demanded(claims, 2060), Err(Refusal::Expired(date(2000))));
    }

    #[test]
    fn a_token_is_never_shown() {
        let token = token(r#"{"iss":"https://i","planted":"x"}"#);
        assert_eq!(format!("{token:?}"), r#"Token { kid: "k", .. }"#);
    }
}
