//! Records sent to an address, until it says that it has them.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use git_ledger::export::{Format, Options, reply};
use git_ledger::git::Scope;
use git_ledger::http::{Answer, Client, NoAnswer, Url};

use super::stop::Stop;
use crate::cli::context::{Context, Opened};
use crate::cli::failure::Failure;

/// The longest time one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(30);
/// The first pause between two attempts; each is up to twice as long as the one before.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest pause, unless the receiver asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// A header that goes with every request.
pub type Header = (String, String);

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// The receiver has it.
    Taken,
    /// Nobody knows: the export was asked to end meanwhile.
    Stopped,
}

/// An address that takes records.
pub struct Post {
    url: Url,
    client: Client,
    headers: Vec<Header>,
    timeout: Duration,
    format: Format,
}

/// The headers that `NAME=VARIABLE` words describe; what they hold stands in the environment, so
/// that no secret stands on a command line.
pub fn headers(context: &Context, words: &[String]) -> Result<Vec<Header>, Failure> {
    words.iter().map(|word| header(context, word)).collect()
}

fn header(context: &Context, word: &str) -> Result<Header, Failure> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    let (name, variable) = word
        .split_once('=')
        .filter(|(name, variable)| {
            !name.is_empty() && name.bytes().all(token) && !variable.is_empty()
        })
        .ok_or_else(|| {
            Failure::usage(format!("--header-env takes NAME=VARIABLE, not '{word}'"))
                .hint("as in --header-env Authorization=SPLUNK_AUTHORIZATION")
        })?;
    let ours = [
        "content-type",
        "content-length",
        "host",
        "transfer-encoding",
    ];
    if ours.iter().any(|other| name.eq_ignore_ascii_case(other)) {
        return Err(Failure::usage(format!(
            "the header {name} is set by the export itself"
        )));
    }
    let value = context.environment.get(variable).ok_or_else(|| {
        Failure::usage(format!(
            "there is no variable '{variable}' in the environment"
        ))
        .hint("nothing was sent")
    })?;
    let value = value
        .to_str()
        .filter(|value| value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()))
        .ok_or_else(|| {
            Failure::usage(format!(
                "what '{variable}' holds cannot stand in a header: it is not printable ASCII"
            ))
            .hint("nothing was sent")
        })?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Post {
    /// An address; nothing is sent yet.
    pub fn new(
        context: &Context,
        opened: &Opened,
        url: &str,
        headers: Vec<Header>,
        timeout: Duration,
        format: Format,
    ) -> Result<Post, Failure> {
        let url = Url::parse(url).map_err(|why| {
            Failure::usage(why.to_string())
                .hint("secrets go into a header: --header-env NAME=VARIABLE")
        })?;
        let environment = &context.environment;
        let file = |name: &str| environment.get(name).map(PathBuf::from);
        let own = || {
            opened
                .config
                .get_path("http.sslCAInfo", Scope::Trusted, environment)
        };
        let certificates = file("GIT_SSL_CAINFO")
            .or_else(own)
            .or_else(|| file("SSL_CERT_FILE"));
        let client = Client::new(&url, certificates.as_deref(), Instant::now() + timeout);
        Ok(Post {
            client: client.map_err(|why| Failure::cannot(format!("'{url}': {why}")))?,
            url,
            headers,
            timeout,
            format,
        })
    }

    /// Whether it is Elasticsearch's `_bulk`.
    pub fn is_bulk(&self) -> bool {
        let url = self.url.to_string();
        let path = url.split('?').next().unwrap_or_default();
        path.ends_with("/_bulk")
    }

    /// Sends a document until it is taken, or refused, or the time is over.
    pub fn send(&mut self, body: &[u8], options: Options, stop: &Stop) -> Result<Sent, Failure> {
        let end = Instant::now() + self.timeout;
        let url = self.url.to_string();
        let mut headers = vec![("content-type", self.format.media_type())];
        headers.extend(self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let mut pause = PAUSE;
        loop {
            self.client.until(end.min(Instant::now() + ATTEMPT));
            let said = self.client.post(&url, &headers, body);
            let (why, asked) = match said {
                Ok(answer) => match judge(&answer) {
                    Judgement::Taken => {
                        return match reply::refusal(self.format, options, &answer.body) {
                            None => Ok(Sent::Taken),
                            Some(why) => Err(Failure::no(format!("'{url}' refuses {why}"))),
                        };
                    }
                    Judgement::Refused => return Err(refused(&url, &answer)),
                    Judgement::Later(asked) => (format!("it answers {}", answer.status), asked),
                },
                Err(NoAnswer::Silent) => ("it gave no answer in time".to_owned(), None),
                Err(why) => (why.to_string(), None),
            };
            let wait = jitter(pause)?.max(asked.unwrap_or_default());
            pause = (pause * 2).min(LONGEST_PAUSE);
            if Instant::now() + wait >= end {
                return Err(Failure::cannot(format!(
                    "'{url}' did not take the records within {} s: {why}",
                    self.timeout.as_secs()
                )));
            }
            if stop.wait(wait) {
                return Ok(Sent::Stopped);
            }
        }
    }
}

/// What an answer means.
enum Judgement {
    Taken,
    Refused,
    /// Not now; how long to wait, where the receiver says.
    Later(Option<Duration>),
}

fn judge(answer: &Answer) -> Judgement {
    match answer.status {
        200..=299 => Judgement::Taken,
        408 | 425 | 429 | 500..=599 => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            let now = now.map_or(0, |now| now.as_secs());
            let asked = answer.header("retry-after");
            Judgement::Later(asked.and_then(|asked| reply::pause(asked, now)))
        }
        _ => Judgement::Refused,
    }
}

fn refused(url: &str, answer: &Answer) -> Failure {
    let said: String = String::from_utf8_lossy(&answer.body)
        .chars()
        .take(200)
        .collect();
    let said = if said.trim().is_empty() {
        String::new()
    } else {
        format!(": {}", said.trim().replace('\n', " "))
    };
    let failure = Failure::no(format!("'{url}' answers {}{said}", answer.status));
    match answer.status {
        300..=399 => failure.hint(format!(
            "redirects are not followed; it names '{}'",
            answer.header("location").unwrap_or_default()
        )),
        401 | 403 => failure.hint("what authenticates goes with --header-env NAME=VARIABLE"),
        _ => failure,
    }
}

/// A random part of a pause, so that many who wait do not come back together.
fn jitter(pause: Duration) -> Result<Duration, Failure> {
    let mut byte = [0u8; 1];
    getrandom::fill(&mut byte)
        .map_err(|why| Failure::cannot(format!("the system gives no random numbers: {why}")))?;
    Ok(pause * (u32::from(byte[0]) + 1) / 256)
}
