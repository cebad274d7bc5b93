//! A server that takes events over HTTP and answers when they are durable, not before.
//!
//! Connections, heads, bodies, time and memory are bounded. A delivery is believed by its
//! signature over the raw body before anything of it is parsed. What waits is recorded together by
//! one thread, through a [`Recorder`] that the caller hands in: the room knows neither git nor
//! keys nor the clock.
//!
//! Source: RFC 9110 and RFC 9112; CloudEvents 1.0.2, HTTP protocol binding;
//! `ledger-spec/serve.md`.
//!
//! # Limits
//! No TLS: a proxy in front has the certificate. Who can send requests can keep all connections
//! busy for as long as [`Limits`] allow.

mod answer;
mod body;
mod cloudevents;
mod committer;
mod connection;
mod deliveries;
mod headers;
mod limits;
mod metrics;
mod route;
mod webhooks;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use crate::continuity::{Continuity, Step};
use crate::event::Pending;
use crate::listener;
use crate::merkle::Hash;

use self::connection::Shared;
pub use self::limits::Limits;
use self::metrics::Metrics;
pub use self::route::{Guard, Guards, Route};
pub use crate::listener::{Host, Level, Line};

/// Where an event stands in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The number of its entry.
    pub number: u64,
    /// The digest of its entry.
    pub digest: Hash,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It stands in the ledger, and did not before.
    Recorded(Place),
    /// It stood in the ledger already.
    Duplicate(Place),
    /// It waits in the spool, durable.
    Spooled,
    /// Another event stands in the ledger under its source and id.
    Conflict(Place),
    /// The ledger's rules do not allow it, now or later.
    Refused(String),
    /// It could not be recorded now.
    Failed(String),
}

impl Outcome {
    /// One word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Recorded(_) => "recorded",
            Outcome::Duplicate(_) => "duplicate",
            Outcome::Spooled => "spooled",
            Outcome::Conflict(_) => "conflict",
            Outcome::Refused(_) => "refused",
            Outcome::Failed(_) => "failed",
        }
    }

    /// Which of several decides what a request is answered.
    fn rank(&self) -> u8 {
        match self {
            Outcome::Duplicate(_) => 0,
            Outcome::Recorded(_) => 1,
            Outcome::Spooled => 2,
            Outcome::Conflict(_) => 3,
            Outcome::Refused(_) => 4,
            Outcome::Failed(_) => 5,
        }
    }
}

/// Who records events; one thread asks.
pub trait Recorder: Send {
    /// Records events that came together, one outcome for each, in their order. What is
    /// [`Outcome::Recorded`], [`Outcome::Duplicate`] or [`Outcome::Spooled`] is durable when it
    /// returns, and one event that is refused takes no other down.
    fn record(&mut self, events: &[Pending]) -> Vec<Outcome>;

    /// Whether an event could be recorded now.
    ///
    /// # Errors
    /// Why not.
    fn ready(&mut self) -> Result<(), String>;

    /// Records what waits in the spool; how many events that were.
    ///
    /// # Errors
    /// Why some of it waits on.
    fn drain(&mut self) -> Result<u64, String>;

    /// Events that wait in the spool.
    fn waiting(&self) -> u64;

    /// What the events of at most the newest `most` entries count, the oldest first, each with the
    /// date of its entry in seconds since 1970.
    ///
    /// # Errors
    /// Why the ledger cannot be read.
    fn history(&self, most: usize, see: &mut dyn FnMut(Vec<Step>, u64)) -> Result<(), String>;
}

/// What a server takes, and from whom.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who is believed on which route.
    pub guards: Guards,
    /// Repositories whose webhooks are taken, `owner/name` up to a final `*`; none: all.
    pub repositories: Vec<String>,
    /// Sources whose CloudEvents are taken, up to a final `*`; none: all.
    pub sources: Vec<String>,
    /// Whether the whole body of a webhook is kept as an attachment.
    pub keep: Keep,
    /// How long a delivery that seems to be missing may still come, in seconds.
    pub gap_after: u64,
    /// The bounds.
    pub limits: Limits,
}

/// What is kept of a webhook's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// What the allow-lists of the intake take, and the digest of the whole.
    Reduced,
    /// The whole as well, as an attachment.
    Payload,
}

/// Serves until `stop` says so, and then until all that was taken is answered.
///
/// # Errors
/// When there is no runtime, or the ledger's history cannot be read.
pub fn serve(
    listener: std::net::TcpListener,
    settings: Settings,
    host: &Arc<dyn Host>,
    recorder: &mut dyn Recorder,
    stop: watch::Receiver<bool>,
) -> Result<(), String> {
    let mut continuity = Continuity::new(settings.gap_after);
    recorder.history(committer::HISTORY, &mut |steps, time| {
        continuity.learn(steps, time);
    })?;
    let metrics = Arc::new(Metrics::new(host.now()));
    let (desk, committer) = committer::pair(
        &settings.limits,
        Arc::clone(host),
        Arc::clone(&metrics),
        continuity,
        recorder,
    );
    let runtime = listener::runtime().map_err(|why| format!("no threads for a server: {why}"))?;
    let bounds = settings.limits.bounds();
    let shared = Shared::new(settings, Arc::clone(host), metrics, desk);
    std::thread::scope(|scope| {
        let (here, gone) = oneshot::channel::<()>();
        let committer = scope.spawn(|| {
            // dropped however the thread ends: nothing can be acknowledged without it
            let _here = here;
            committer.run();
        });
        let over = async move {
            let mut stop = stop;
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => {}
                _ = gone => {}
            }
        };
        let served = runtime.block_on(listener::accept(listener, &bounds, &shared, over));
        drop(shared);
        // what still holds a desk ends here, so that the committer can end
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        if committer.join().is_err() {
            return Err("the thread that records has died".to_owned());
        }
        served.map_err(|why| format!("cannot listen: {why}"))
    })
}

/// Whether a word fits one of these patterns: exact, or up to a final `*`.
fn allowed(patterns: &[String], word: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => word.starts_with(prefix),
            None => word == pattern,
        })
}
