//! Entries as they come: server-sent events, for a bounded number of followers and a bounded time.
//! Whoever is cut off goes on by itself where it was, by `Last-Event-ID`.
//!
//! Source: HTML Standard, "Server-sent events".

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, Stream};
use hyper::http::request::Parts;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::answers::{Book, Fault, Place, Problem};
use super::server::{Asked, Shared, blocking};
use super::{api, ask};
use crate::report::entries::json_line;

/// How long one connection is followed; less than a connection may last.
const LONGEST: Duration = Duration::from_secs(240);
/// A word now and then, so that proxies and browsers know that somebody is there.
const ALIVE: Duration = Duration::from_secs(15);
/// When to come again.
const AGAIN: Duration = Duration::from_secs(2);

struct Tail {
    shared: Arc<Shared>,
    book: Arc<dyn Book>,
    query: String,
    place: Option<Place>,
    changes: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    until: Instant,
    /// What waits to be sent, the oldest last.
    waiting: Vec<Event>,
    over: bool,
    _held: OwnedSemaphorePermit,
}

/// Begins to follow a ledger: behind the entry that was seen last, or behind the newest.
pub async fn follow(shared: &Arc<Shared>, head: &Parts, asked: Asked) -> Result<Response, Problem> {
    let book = asked.book(&*shared.library)?;
    let place = match head.headers.get("last-event-id") {
        Some(id) if !id.is_empty() => Some(ask::place(id.to_str().unwrap_or_default())?),
        _ => match asked.ask.text("after") {
            "" => None,
            number => Some(ask::place(number)?),
        },
    };
    let held = Arc::clone(&shared.tails).try_acquire_owned();
    let held = held.map_err(|_| {
        Problem::new(Fault::Later, "too many follow ledgers here already").hint("try again later")
    })?;
    let mut tail = Tail {
        shared: Arc::clone(shared),
        changes: book.changes(),
        book,
        query: asked.ask.text("q").to_owned(),
        place,
        stopping: shared.stopping.subscribe(),
        until: Instant::now() + LONGEST,
        waiting: Vec::new(),
        over: false,
        _held: held,
    };
    // words that make no sense are told before anything is promised
    tail.look().await?;
    tail.waiting
        .push(Event::default().retry(AGAIN).comment("here"));
    let events = Sse::new(events(tail));
    Ok(events
        .keep_alive(KeepAlive::new().interval(ALIVE).text("still here"))
        .into_response())
}

fn events(tail: Tail) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(tail, |mut tail| async move {
        loop {
            if let Some(event) = tail.waiting.pop() {
                return Some((Ok(event), tail));
            }
            if tail.over || !tail.wait().await {
                return None;
            }
            match tail.look().await {
                Ok(()) => {}
                // it is counted, or gone for a moment
                Err(problem) if problem.fault == Fault::Later => {
                    tokio::time::sleep(AGAIN).await;
                    tail.changes.mark_changed();
                }
                Err(_) => return None,
            }
        }
    })
}

impl Tail {
    /// Waits until there may be more; false when it is time to part.
    async fn wait(&mut self) -> bool {
        tokio::select! {
            changed = self.changes.changed() => changed.is_ok(),
            _ = self.stopping.wait_for(|stopping| *stopping) => false,
            () = tokio::time::sleep_until(self.until) => false,
        }
    }

    /// Reads what is new.
    async fn look(&mut self) -> Result<(), Problem> {
        self.changes.mark_unchanged();
        let (book, query, place) = (Arc::clone(&self.book), self.query.clone(), self.place);
        let found = blocking(&self.shared, move |_| book.after(&query, place)).await?;
        if found.rewound {
            // whoever follows must look at all of it again
            let gone = Event::default().event("rewound").data("{}");
            self.waiting = vec![gone];
            self.over = true;
            return Ok(());
        }
        if !found.complete {
            self.changes.mark_changed();
        }
        for row in found.rows.iter().rev() {
            let data = json_line(api::row(row));
            let event = Event::default().event("entry").data(data.trim_end());
            self.waiting.push(match row.number() {
                Some(number) => event.id(number.to_string()),
                None => event,
            });
        }
        self.place = Some(found.upto);
        Ok(())
    }
}
