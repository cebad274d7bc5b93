//! One question after another to one forge, with a token.

use std::fmt;

use crate::http::{self, NoAnswer};
use crate::json::Value;

use super::{Address, Kind, Request, Token};

/// Why a forge gave no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It does not know the token.
    Unauthorized,
    /// The token may not ask this.
    Forbidden,
    /// There is no such thing, or the token may not know of it.
    NotFound,
    /// It wants to be asked less often.
    TooOften,
    /// It answers that the answer is elsewhere.
    Redirected,
    /// Another status.
    Status(u16),
    /// It was not there in time.
    Silent,
    /// It could not be reached, or is not who it should be.
    Unreachable(String),
    /// The answer is too large.
    TooLarge,
    /// The answer is not what the documentation says.
    Nonsense(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Unauthorized => f.write_str("it does not accept the token"),
            Trouble::Forbidden => f.write_str("the token may not read the rules"),
            Trouble::NotFound => {
                f.write_str("there is no such repository, or the token may not see it")
            }
            Trouble::TooOften => f.write_str("it was asked too often, and wants us to wait"),
            Trouble::Redirected => {
                f.write_str("it answers with a redirect, and the token goes nowhere else")
            }
            Trouble::Status(code) => write!(f, "it answers with the status {code}"),
            Trouble::Silent => f.write_str("it gave no answer in time"),
            Trouble::Unreachable(why) => write!(f, "it cannot be reached: {why}"),
            Trouble::TooLarge => f.write_str("its answer is too large to be read"),
            Trouble::Nonsense(what) => write!(f, "its answer makes no sense: {what}"),
        }
    }
}

impl Trouble {
    /// What to do about it.
    pub fn mend(&self, kind: Kind) -> String {
        match self {
            Trouble::Unauthorized | Trouble::Forbidden | Trouble::NotFound => {
                format!("give it {}", kind.permission())
            }
            Trouble::Redirected => {
                "was the repository renamed? give the remote its new address".into()
            }
            Trouble::TooOften => "run doctor again later".into(),
            Trouble::Unreachable(_) | Trouble::Silent => {
                "run doctor again; --forge-url says where the forge is".into()
            }
            _ => "is it the forge that --forge and --forge-url say?".into(),
        }
    }
}

impl From<NoAnswer> for Trouble {
    fn from(why: NoAnswer) -> Trouble {
        match why {
            NoAnswer::Silent => Trouble::Silent,
            NoAnswer::Unreachable(why) => Trouble::Unreachable(why),
            NoAnswer::TooLarge => Trouble::TooLarge,
        }
    }
}

/// Who asks one forge.
pub(super) struct Client<'a> {
    client: http::Client,
    address: &'a Address,
    token: &'a Token,
}

impl<'a> Client<'a> {
    pub fn new(request: &Request<'a>) -> Result<Client<'a>, Trouble> {
        let certificates = request.certificates.as_deref();
        Ok(Client {
            client: http::Client::new(&request.address.base, certificates, request.deadline)?,
            address: request.address,
            token: request.token,
        })
    }

    /// The project's name in a path.
    pub fn project(&self) -> &str {
        &self.address.project
    }

    /// What the API says at `path`.
    pub fn get(&self, path: &str) -> Result<Value, Trouble> {
        let url = format!("{}{path}", self.address.base);
        let token = &self.token.0;
        let json = ("Accept", "application/json");
        let (bearer, named) = (format!("Bearer {token}"), format!("token {token}"));
        let answer = match self.address.kind {
            Kind::GitHub => self.client.get(
                &url,
                &[
                    json,
                    ("Authorization", &bearer),
                    ("X-GitHub-Api-Version", "2022-11-28"),
                ],
            ),
            Kind::GitLab => self.client.get(&url, &[json, ("PRIVATE-TOKEN", token)]),
            Kind::Gitea | Kind::Forgejo => {
                self.client.get(&url, &[json, ("Authorization", &named)])
            }
        }?;
        let empty = answer.header("x-ratelimit-remaining") == Some("0");
        let waits = empty || answer.header("retry-after").is_some();
        match answer.status {
            200 => {}
            401 => return Err(Trouble::Unauthorized),
            403 if waits => return Err(Trouble::TooOften),
            429 => return Err(Trouble::TooOften),
            403 => return Err(Trouble::Forbidden),
            404 => return Err(Trouble::NotFound),
            300..=399 => return Err(Trouble::Redirected),
            other => return Err(Trouble::Status(other)),
        }
        Value::parse(&answer.body).map_err(|_| Trouble::Nonsense("no JSON".into()))
    }

    /// All items of a list that is told in pages of a hundred.
    pub fn list(&self, path: &str) -> Result<Vec<Value>, Trouble> {
        const PAGES: usize = 10;
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let value = self.get(&format!("{path}?per_page=100&page={page}"))?;
            let items = value
                .as_array()
                .ok_or_else(|| Trouble::Nonsense("no list".into()))?;
            all.extend_from_slice(items);
            if items.len() < 100 {
                return Ok(all);
            }
        }
        Err(Trouble::TooLarge)
    }
}
